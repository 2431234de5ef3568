//! Looks at a file that nobody has described, and proposes a recipe for it.
//!
//! ```text
//! sheet ── bands ──▶ tables ── headings, labels, titles ──▶ draft ── observe ──▶ mended draft
//! ```
//!
//! A proposal is run with the very engine that will read the recipe, mended by the problems that it
//! tells, and told with the numbers that it does not reach. Nothing is guessed: what the file does
//! not say is written as unspecified, with a comment that asks.

mod adopt;
mod anchors;
mod areas;
mod bands;
mod beside;
mod bounds;
mod doubles;
mod draft;
mod headings;
mod labels;
mod levels;
mod periods;
mod propose;
mod refine;
mod regions;
mod report;
mod sheet;
#[cfg(test)]
mod tests;
mod timing;
mod words;
mod write;

use std::collections::BTreeSet;

use crate::codelist::Codelists;
use crate::grid::{Grid, Workbook};
use crate::numbers::Decimal;
use crate::observe::Observed;

use anchors::{Frame, On};
use bands::Band;
use bounds::Layout;
use draft::{Draft, DraftTable, Part, Place, Sheets};
use propose::{Context, Seen};
use refine::{Bench, Bounds, Settled, settle};
use sheet::Sheet;

pub use report::Reached;
pub(crate) use write::quoted;

/// A proposed recipe, and what it makes of the file.
#[derive(Debug)]
pub struct Inspection {
    /// The recipe, with comments.
    pub recipe: String,
    /// Whether it runs as it stands.
    pub runs: bool,
    /// What it makes of the file.
    pub observed: Observed,
    /// What became of the numbers of each sheet that holds some.
    pub reached: Vec<Reached>,
    /// What was not found, or not understood.
    pub remarks: Vec<String>,
}

/// What to look at, and how to name it.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// What the recipe says as its `source`.
    pub source: String,
    /// Only this sheet.
    pub sheet: Option<String>,
}

/// Proposes a recipe for a file.
pub fn inspect(workbook: &Workbook, codelists: &Codelists, options: &InspectOptions) -> Inspection {
    let decimal = sheet::decimal_sign(&workbook.sheets);
    // Beside the figures of a flat format stand its code lists and its header.
    let flat = workbook.sheets.iter().any(|grid| grid.name.is_none());
    let wanted = |grid: &&Grid| match &options.sheet {
        Some(_) => options.sheet == grid.name,
        None => !flat || grid.name.is_none(),
    };
    let sheets: Vec<Sheet> =
        workbook.sheets.iter().filter(wanted).map(|grid| Sheet::new(grid, decimal)).collect();
    let mut layouts: Vec<Layout> =
        sheets.iter().map(|sheet| Layout { sheet, bands: bands::find(sheet) }).collect();
    adopt::adopt(&mut layouts);
    let layouts = unite(layouts);
    let file = workbook.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let bench = Bench {
        workbook,
        codelists,
        all_sheets: workbook.sheets.iter().map(|sheet| sheet.name.clone()).collect(),
        base: Draft {
            title: title(&layouts, file),
            dataset: dataset(file),
            source: options.source.clone(),
            comma: decimal == Decimal::Comma,
            ..Draft::default()
        },
        decimal,
    };
    let groups = bounds::groups(&layouts);
    let several = groups.iter().map(|group| layouts[group[0]].bands.len()).sum::<usize>() > 1;
    let context = Context { codelists, file, several, april: speaks_of_april(workbook) };
    let mut settled: Vec<(String, Result<Settled, Vec<String>>)> = Vec::new();
    for group in &groups {
        tables_of(&bench, &layouts, group, &context, &mut settled);
    }
    let (draft, asleep, mut remarks) = assemble(&bench, settled);
    finish(&bench, &sheets, draft, &asleep, &mut remarks)
}

/// Figures may stand in a column on one sheet of a layout and be missing on another.
fn unite(mut layouts: Vec<Layout>) -> Vec<Layout> {
    let groups = bounds::groups(&layouts);
    for group in groups.iter().filter(|group| group.len() > 1) {
        for index in 0..layouts[group[0]].bands.len() {
            let all =
                group.iter().flat_map(|sheet| layouts[*sheet].bands[index].figures.iter().copied());
            let figures: Vec<u32> = all.collect::<BTreeSet<u32>>().into_iter().collect();
            for sheet in group {
                layouts[*sheet].bands[index].figures.clone_from(&figures);
            }
        }
    }
    layouts
}

/// The tables of some sheets of one layout.
fn tables_of(
    bench: &Bench,
    layouts: &[Layout],
    group: &[usize],
    context: &Context,
    settled: &mut Vec<(String, Result<Settled, Vec<String>>)>,
) {
    let chosen: Vec<&Layout> = group.iter().map(|index| &layouts[*index]).collect();
    let names: Vec<String> =
        chosen.iter().filter_map(|layout| layout.sheet.name().map(str::to_owned)).collect();
    let sheets = match names.as_slice() {
        [] => Sheets::Unnamed,
        [one] => Sheets::One(one.clone()),
        _ => Sheets::Many(names.clone()),
    };
    let place = match names.as_slice() {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [first, ..] => format!("`{first}` and {} more sheets of its layout", names.len() - 1),
    };
    if let [layout] = chosen.as_slice()
        && let Some((bounds, ranges)) = bounds::blocks(layout)
    {
        let on = layout.bands.iter().zip(&ranges);
        let on = on.map(|(band, range)| On::new(layout.sheet, band, *range, true)).collect();
        let found = one(bench, &Frame::new(on), &sheets, &bounds, context);
        if found.as_ref().is_ok_and(|found| found.errors.is_empty() && found.read > 0) {
            let place = format!("{place}: {} tables of one layout", layout.bands.len());
            settled.push((place.trim_start().to_owned(), found));
            return;
        }
    }
    for index in 0..chosen[0].bands.len() {
        let band: &Band = &chosen[0].bands[index];
        let place = format!("{place} rows {} to {}", band.first + 1, band.last + 1);
        let found = match bounds::bounds(&chosen, index) {
            Ok((bounds, ranges)) => {
                let frame = Frame::new(bounds::on(&chosen, index, &ranges));
                one(bench, &frame, &sheets, &bounds, context)
            }
            Err(reason) => Err(vec![reason]),
        };
        settled.push((place.trim_start().to_owned(), found));
    }
}

fn one(
    bench: &Bench,
    frame: &Frame,
    sheets: &Sheets,
    bounds: &Bounds,
    context: &Context,
) -> Result<Settled, Vec<String>> {
    let seen = Seen::new(frame, context.codelists);
    settle(bench, frame, &seen, sheets, bounds, context)
}

/// A table that does not run, for the end of the recipe.
struct Asleep {
    place: String,
    table: DraftTable,
    why: Vec<String>,
}

/// The tables that run, together; those that do not, apart.
fn assemble(
    bench: &Bench,
    settled: Vec<(String, Result<Settled, Vec<String>>)>,
) -> (Draft, Vec<Asleep>, Vec<String>) {
    let mut draft = bench.base.clone();
    let (mut asleep, mut remarks) = (Vec::new(), Vec::new());
    for (place, found) in settled {
        match found {
            Ok(mut found) if found.errors.is_empty() => {
                found.table.comments.insert(0, format!("{place}: {} figures.", found.read));
                draft.marks.extend(found.marks);
                draft.footnotes.extend(found.footnotes);
                draft.tables.push(found.table);
            }
            Ok(found) => {
                let (table, why) = (found.table, found.errors);
                asleep.push(Asleep { place, table, why });
            }
            Err(reasons) => remarks.push(format!("{place}: {}", reasons.join("; "))),
        }
    }
    keep_apart(bench, &mut draft, &mut asleep);
    // Where nothing runs, the first that does not is shown as it stands.
    (draft, asleep, remarks)
}

/// Tables that run alone may say the same of different figures.
fn keep_apart(bench: &Bench, draft: &mut Draft, asleep: &mut Vec<Asleep>) {
    let errors = |draft: &Draft| match bench.run(draft) {
        Ok(observed) => {
            let errors =
                observed.problems.iter().filter(|p| p.severity == opeka_model::Severity::Error);
            errors.map(ToString::to_string).collect::<Vec<_>>()
        }
        Err(errors) => errors,
    };
    if draft.tables.len() < 2 || errors(draft).is_empty() {
        return;
    }
    // The name of the sheet tells them apart where each has its own.
    let mut named = draft.clone();
    for table in &mut named.tables {
        let sheet = Part::without_cells(Place::Sheet);
        if table.sheets != Sheets::Unnamed
            && let Some(indicator) = table.dimensions.get_mut(&crate::recipe::Column::Indicator)
            && !indicator.parts.contains(&sheet)
        {
            indicator.parts.insert(0, sheet);
            if !indicator.ignore.is_empty() {
                let labels: Vec<String> =
                    indicator.ignore.iter().map(|l| regex::escape(l)).collect();
                indicator.ignore_matches = Some(format!("(?:.* / )?(?:{})", labels.join("|")));
                indicator.ignore.clear();
            }
        }
    }
    if errors(&named).is_empty() {
        *draft = named;
        return;
    }
    let tables = std::mem::take(&mut named.tables);
    for table in tables {
        named.tables.push(table);
        let why = errors(&named);
        if !why.is_empty()
            && let Some(table) = named.tables.pop()
        {
            let place = table.comments.first().cloned().unwrap_or_default();
            asleep.push(Asleep { place, table, why });
        }
    }
    *draft = named;
}

/// The recipe's text, run once more as it will be.
fn finish(
    bench: &Bench,
    sheets: &[Sheet],
    mut draft: Draft,
    asleep: &[Asleep],
    remarks: &mut Vec<String>,
) -> Inspection {
    let runs_some = !draft.tables.is_empty();
    let mut tail = String::new();
    for sleeping in asleep {
        let why: Vec<String> = sleeping.why.iter().take(3).map(|w| one_line(w)).collect();
        remarks.push(format!("{}: not read: {}", sleeping.place, why.join("; ")));
        if !runs_some && draft.tables.is_empty() {
            let mut table = sleeping.table.clone();
            table
                .comments
                .insert(0, format!("{}: does not run yet: {}", sleeping.place, why.join("; ")));
            draft.tables.push(table);
            continue;
        }
        let alone = Draft { tables: vec![sleeping.table.clone()], ..Draft::default() };
        let text = write::recipe(&alone, &[], &bench.all_sheets);
        let table = text.split_once("[[table]]").map(|(_, rest)| rest).unwrap_or_default();
        tail.push('\n');
        let told = format!("{}: this table does not run yet: {}", sleeping.place, why.join("; "));
        write::comment(&mut tail, &[told]);
        for line in format!("[[table]]{table}").lines() {
            tail += format!("# {line}").trim_end();
            tail.push('\n');
        }
    }
    if draft.tables.is_empty() && remarks.is_empty() {
        remarks.push("no table was found: no rows of numbers".to_owned());
    }
    let observed = bench.run(&draft).unwrap_or_default();
    let errors = observed.problems.has_errors();
    let runs = runs_some && !errors && !observed.observations.is_empty();
    let reached: Vec<Reached> = sheets
        .iter()
        .map(|sheet| report::reached(sheet, &observed))
        .filter(|reached| reached.numbers > 0)
        .collect();
    let mut head = vec![match runs {
        true => "A proposal of `opeka inspect`; it was run as it stands.".to_owned(),
        false => "A proposal of `opeka inspect`; it does not run yet: see below.".to_owned(),
    }];
    head.push(
        "It takes what it does not know as written: hold it to the sheet, then name areas,"
            .to_owned(),
    );
    head.push(
        "indicators and units by the code lists. Comments say how sure each line is.".to_owned(),
    );
    for reached in reached.iter().take(20) {
        let sheet = reached.sheet.as_deref().map(|s| format!("`{s}`: ")).unwrap_or_default();
        head.push(format!("{sheet}{}.", reached.sentence()));
    }
    if reached.len() > 20 {
        head.push(format!("… and {} more sheets.", reached.len() - 20));
    }
    for remark in remarks.iter() {
        head.push(one_line(remark));
    }
    let mut recipe = write::recipe(&draft, &head, &bench.all_sheets);
    recipe.push_str(&tail);
    Inspection { recipe, runs, observed, reached, remarks: remarks.clone() }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A title for people: the first long line of the first table, or the file's name.
fn title(layouts: &[Layout], file: &str) -> String {
    let layout = layouts.iter().find(|layout| !layout.bands.is_empty());
    let text = layout.and_then(|layout| {
        let top = layout.bands.first()?.first;
        let cells = layout.sheet.rows.range(..top).flat_map(|(_, seen)| seen);
        let texts = cells.filter(|s| !s.is_number()).map(|s| s.cell.text());
        texts
            .filter(|text| text.chars().count() > 15 && text.contains(' '))
            .filter(|text| !words::is_of_the_file(text))
            .max_by_key(|t| t.chars().count().min(100))
    });
    let text = text.filter(|_| layouts.len() < 40).unwrap_or_else(|| file.to_owned());
    let end = text.char_indices().nth(200).map_or(text.len(), |(at, _)| at);
    text[..end].to_owned()
}

/// A name for the data set: of the file, in the letters that names have.
fn dataset(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut out = String::new();
    for c in stem.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.is_empty() { "inspected".to_owned() } else { out.to_owned() }
}

/// Whether some text of the file speaks of years that begin in April.
fn speaks_of_april(workbook: &Workbook) -> bool {
    workbook.sheets.iter().flat_map(Grid::cells).any(|cell| match &cell.value {
        crate::grid::Value::Text(text) => {
            let text = text.to_lowercase();
            text.contains("31 march") || text.contains("1 april")
        }
        _ => false,
    })
}
