//! Runs a proposal with the engine itself, mends what it says is wrong, and tries another where that
//! does not help.

use std::collections::{BTreeMap, BTreeSet};

use opeka_model::{Place, Problem, Severity};

use super::anchors::Frame;
use super::areas::without_mark;
use super::doubles::leave_out_doubles;
use super::draft::{Draft, DraftMark, DraftTable, Empties, Part, Sheets};
use super::labels::Says;
use super::propose::{Choice, Context, Seen, propose};
use super::write;
use crate::codelist::{Codelists, normalise};
use crate::grid::Workbook;
use crate::numbers::{Decimal, parse_number};
use crate::observe::{Observed, observe};
use crate::recipe::{Attach, Column, parse_recipe};

/// How often one proposal is mended.
const ROUNDS: usize = 8;

/// How many of its problems are kept of a proposal that does not run.
const TOLD: usize = 3;

/// A table that runs, or the reasons why it does not.
pub(super) struct Settled {
    pub(super) table: DraftTable,
    pub(super) marks: BTreeMap<String, DraftMark>,
    pub(super) footnotes: BTreeSet<String>,
    /// Figures that it reads.
    pub(super) read: usize,
    /// Why it does not run, the first of many; empty where it does.
    pub(super) errors: Vec<String>,
    /// Whether some of that is figures that nothing tells apart.
    doubled: bool,
}

/// What all runs of one file share.
pub(super) struct Bench<'a> {
    pub(super) workbook: &'a Workbook,
    pub(super) codelists: &'a Codelists,
    pub(super) decimal: Decimal,
    pub(super) all_sheets: Vec<Option<String>>,
    /// The file without its tables.
    pub(super) base: Draft,
}

impl Bench<'_> {
    /// Runs some tables; `Err` where the text is no recipe, which is a mistake of ours.
    pub(super) fn run(&self, draft: &Draft) -> Result<Observed, Vec<String>> {
        let text = write::recipe(draft, &[], &self.all_sheets);
        match parse_recipe("proposal", &text) {
            Ok(recipe) => Ok(observe(self.workbook, "", &recipe, self.codelists)),
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
        }
    }

    fn draft(&self, settled: &Settled) -> Draft {
        Draft {
            tables: vec![settled.table.clone()],
            marks: settled.marks.clone(),
            footnotes: settled.footnotes.clone(),
            ..self.base.clone()
        }
    }
}

/// What bounds a table, found before its dimensions.
#[derive(Clone, Default)]
pub(super) struct Bounds {
    pub(super) after: Option<String>,
    pub(super) until: Option<String>,
    pub(super) blocks: Option<Result<String, String>>,
}

/// Proposes a table, and proposes otherwise until one runs; the best of all.
pub(super) fn settle<'a>(
    bench: &Bench,
    frame: &Frame<'a>,
    seen: &Seen<'a>,
    sheets: &Sheets,
    bounds: &Bounds,
    context: &Context,
) -> Result<Settled, Vec<String>> {
    let plain = Choice::default();
    let choices = [
        plain,
        Choice { all_labels: true, ..plain },
        Choice { sections: true, ..plain },
        Choice { all_labels: true, sections: true, ..plain },
        Choice { area: 1, ..plain },
        Choice { levels: true, ..plain },
        Choice { levels: true, all_labels: true, ..plain },
        Choice { beside: true, ..plain },
        Choice { areas_written: true, all_labels: true, ..plain },
    ];
    let mut reasons: Vec<String> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut tried: Vec<DraftTable> = Vec::new();
    let mut asleep: Option<Settled> = None;
    for choice in choices {
        let mut table = match propose(frame, seen, sheets.clone(), context, choice) {
            Ok(table) => table,
            Err(reason) => {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
                continue;
            }
        };
        table.after.clone_from(&bounds.after);
        table.until.clone_from(&bounds.until);
        table.blocks.clone_from(&bounds.blocks);
        leave_out_lines(frame, seen, &mut table);
        let alone = Draft { tables: vec![table.clone()], ..bench.base.clone() };
        let text = write::recipe(&alone, &[], &bench.all_sheets);
        if !known.insert(text) {
            continue;
        }
        let settled = mend(bench, frame, table.clone(), false);
        if settled.errors.is_empty() {
            return Ok(settled);
        }
        if settled.doubled {
            tried.push(table);
        }
        if asleep.as_ref().is_none_or(|best| settled.read > best.read) {
            asleep = Some(settled);
        }
    }
    // What no choice could tell apart is left out, and said; areas by the code list are worth a few
    // figures.
    let mut best: Option<Settled> = None;
    for table in tried {
        let settled = mend(bench, frame, table, true);
        let better = |best: &Settled| settled.read > best.read + best.read / 10;
        if !settled.errors.is_empty() {
            asleep = Some(settled);
        } else if settled.read > 0 && best.as_ref().is_none_or(better) {
            best = Some(settled);
        }
    }
    best.or(asleep).ok_or(reasons)
}

/// Lines that never have a figure are headings or notes; in a table of labels as they are written
/// they would be read as missing figures.
fn leave_out_lines(frame: &Frame, seen: &Seen, table: &mut DraftTable) {
    if table.empty == Empties::Due {
        return;
    }
    for label in seen.labels.iter().filter(|label| label.says == Says::Texts) {
        let Some(part) = label.part(frame).filter(|part| part.attach == Attach::Directly) else {
            continue;
        };
        let mut lines: Vec<String> = Vec::new();
        for on in &frame.on {
            let below = on.sheet.rows.range(on.band.last + 1..on.to).map(|(row, _)| *row);
            for row in on.band.labelled.iter().copied().chain(below) {
                let cell =
                    on.sheet.covering(row, label.column).filter(|s| s.cell.column == label.column);
                if let Some(cell) = cell {
                    let text = cell.cell.text();
                    if !label.texts.contains(&text) && !lines.contains(&text) {
                        lines.push(text);
                    }
                }
            }
        }
        if lines.is_empty() {
            continue;
        }
        for dimension in table.dimensions.values_mut().filter(|d| d.as_written) {
            if !dimension.parts.contains(&part) {
                continue;
            }
            let why = "Lines that never have a figure: headings and notes.".to_owned();
            dimension.ignore_comments.push(why);
            if dimension.parts.len() == 1 {
                dimension.ignore.extend(lines.iter().cloned());
            } else {
                let lines: Vec<String> = lines.iter().map(|line| regex::escape(line)).collect();
                dimension.ignore_matches =
                    Some(format!("(?:.* / )?(?:{})(?: / .*)?", lines.join("|")));
            }
        }
    }
}

/// Runs a table and mends it by the problems that the engine tells.
fn mend(bench: &Bench, frame: &Frame, table: DraftTable, leave_out: bool) -> Settled {
    let mut settled = Settled {
        table,
        marks: BTreeMap::new(),
        footnotes: BTreeSet::new(),
        read: 0,
        errors: Vec::new(),
        doubled: false,
    };
    for _ in 0..ROUNDS {
        let observed = match bench.run(&bench.draft(&settled)) {
            Ok(observed) => observed,
            Err(errors) => {
                settled.errors = errors;
                return settled;
            }
        };
        settled.read = observed.observations.iter().filter(|o| o.obs_value.is_some()).count();
        let errors: Vec<&Problem> =
            observed.problems.iter().filter(|p| p.severity == Severity::Error).collect();
        settled.errors = errors.iter().take(TOLD).map(|p| p.to_string()).collect();
        settled.doubled = errors.iter().any(|problem| is_double(problem));
        if errors.is_empty() {
            return settled;
        }
        let mut changed = false;
        for problem in &errors {
            changed |= repair(bench, &mut settled, problem);
        }
        if settled.doubled && !changed {
            changed = skip_empty(&mut settled.table, &observed);
        }
        if !changed {
            changed = drop_part(frame, &mut settled.table, &errors);
        }
        if !changed && leave_out {
            changed = leave_out_doubles(bench, frame, &mut settled, &observed);
        }
        if !changed {
            return settled;
        }
    }
    settled
}

/// Whether two figures say the same.
fn is_double(problem: &Problem) -> bool {
    problem.message.starts_with("a second figure for ")
}

/// Where an area stands twice, under its old and its new district, one of its two rows is empty for
/// each period: then an empty cell is no figure.
fn skip_empty(table: &mut DraftTable, observed: &Observed) -> bool {
    if table.empty != Empties::Missing {
        return false;
    }
    let mut filled: BTreeSet<[&str; 4]> = BTreeSet::new();
    let figures =
        observed.observations.iter().filter(|o| o.mark.is_some() || !o.cell_text.is_empty());
    for o in figures {
        if !filled.insert([&*o.indicator, &*o.ref_area, &*o.time_period, &*o.care_form]) {
            return false;
        }
    }
    table.empty = Empties::Skipped;
    true
}

/// A column that names not every row, such as the topic of some rows only, is no part of what is
/// counted; neither is a unit that not all figures have.
fn drop_part(frame: &Frame, table: &mut DraftTable, errors: &[&Problem]) -> bool {
    let missing = |column: Column| {
        let message = format!("no `{}` found for this figure", column.name());
        errors.iter().any(|problem| problem.message == message)
    };
    if missing(Column::UnitMeasure)
        && let Some(unit) = table.dimensions.get_mut(&Column::UnitMeasure)
    {
        unit.parts = vec![Part::constant("_X")];
        unit.as_written = true;
        unit.comments.push("CHECK: not every row says its unit; unspecified".to_owned());
        return true;
    }
    if !missing(Column::Indicator) {
        return false;
    }
    let Some(indicator) = table.dimensions.get_mut(&Column::Indicator) else { return false };
    if indicator.parts.len() < 2 {
        return false;
    }
    let full = |part: &Part| {
        let of = |label: &&super::bands::LabelColumn| {
            let cells = frame.column(label.column);
            cells.is_some_and(|cells| part.source == super::draft::Place::Cells(cells))
        };
        let label = frame.band().labels.iter().find(of);
        label.is_none_or(|label| {
            frame.on.iter().all(|on| {
                on.band.body.iter().all(|row| on.sheet.covering(*row, label.column).is_some())
            })
        })
    };
    let parts = &indicator.parts;
    let found = parts.iter().position(|part| !full(part));
    let found = found.or_else(|| parts.iter().position(|part| part.attach == Attach::Closest));
    let Some(found) = found else { return false };
    let part = indicator.parts.remove(found);
    let named = match &part.source {
        super::draft::Place::Cells(cells) => cells.below.first().or(cells.text.first()).cloned(),
        _ => None,
    };
    let named = named.map(|named| format!(" (`{named}`)")).unwrap_or_default();
    indicator.comments.push(format!("CHECK: labels that not every row has{named} are not read"));
    true
}

/// The text between the first backticks that follow some words.
fn named<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    let rest = &message[message.find(before)? + before.len()..];
    let rest = &rest[rest.find('`')? + 1..];
    Some(&rest[..rest.rfind('`')?])
}

fn first_named<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    let rest = &message[message.find(before)? + before.len()..];
    let rest = &rest[rest.find('`')? + 1..];
    Some(&rest[..rest.find('`')?])
}

/// Mends what one problem says; whether anything changed.
fn repair(bench: &Bench, settled: &mut Settled, problem: &Problem) -> bool {
    let message = problem.message.as_str();
    if message.starts_with("an empty cell where a number is due") {
        let changed = settled.table.empty == Empties::Due;
        if changed {
            settled.table.empty = Empties::Missing;
        }
        return changed;
    }
    if let Some(text) = named(message, " where a number is due:") {
        return mark(bench, settled, text, &problem.place);
    }
    for (before, why) in [
        ("unknown area", None),
        ("ambiguous area", Some("may be several areas of the code list: say which with `values`")),
    ] {
        if let Some(text) = first_named(message, before) {
            if let Some((name, mark)) = without_mark(text)
                && bench
                    .codelists
                    .get("regions")
                    .is_some_and(|list| super::areas::knows(list, &name))
            {
                return settled.footnotes.insert(mark);
            }
            let Some(dimension) = settled.table.dimensions.get_mut(&Column::RefArea) else {
                return false;
            };
            if let Some(why) = why {
                dimension.ignore_comments.push(format!("`{text}` {why}"));
            }
            return dimension.ignore.insert(text.to_owned());
        }
    }
    if message.ends_with("is no time period")
        && let Some(text) = first_named(message, "")
        && text != "TODO"
    {
        if let Some((name, mark)) = without_mark(text)
            && super::timing::timing(&name).is_some()
        {
            return settled.footnotes.insert(mark);
        }
        let Some(dimension) = settled.table.dimensions.get_mut(&Column::TimePeriod) else {
            return false;
        };
        return dimension.ignore.insert(text.to_owned());
    }
    false
}

/// A text among the figures: a mark, or a number with one behind it.
fn mark(bench: &Bench, settled: &mut Settled, text: &str, place: &Place) -> bool {
    let number = |text: &str| parse_number(text, bench.decimal).is_some();
    if let Some((before, mark)) = without_mark(text)
        && number(&before)
    {
        return settled.footnotes.insert(mark);
    }
    let body = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let sign = text[body.len()..].trim();
    let flag = if !sign.is_empty() && number(body) { sign } else { text };
    if flag.chars().count() > 60 || flag.is_empty() {
        return false;
    }
    let seen = match place {
        Place::Cell { sheet: Some(sheet), cell, .. } => format!("`{sheet}` {cell}"),
        Place::Cell { cell, .. } => cell.clone(),
        _ => String::new(),
    };
    if settled.marks.contains_key(flag) {
        return false;
    }
    let legend = legend(bench.workbook, flag);
    settled.marks.insert(flag.to_owned(), DraftMark { legend, seen });
    true
}

/// Words of the file that explain a mark: `x = not available`, `… данных не имеется`.
fn legend(workbook: &Workbook, mark: &str) -> Option<String> {
    const MISSING: &[&str] = &[
        "нет",
        "отсутств",
        "не имеется",
        "не публик",
        "конфиденц",
        "данн",
        "missing",
        "not ",
        "suppress",
        "confid",
        "disclos",
        "nil",
        "zero",
        "negligible",
        "unavailable",
        "keine",
        "nicht",
        "geheim",
        "unbekannt",
        "brak",
        "secret",
        "non dispo",
        "n'est",
        "saknas",
        "redact",
        "withheld",
    ];
    let wanted = normalise(mark);
    let explains = |text: &str| {
        let text = normalise(text);
        let text = match text.split_once(':') {
            Some((word, rest)) if super::words::is_note(word) && !rest.is_empty() => rest.trim(),
            _ => text.as_str(),
        };
        let bare = text.trim_start_matches(['"', '(', '[', '«', '“', '„']);
        let Some(rest) = bare.strip_prefix(wanted.trim_matches(['[', ']'])) else { return false };
        let rest = rest.trim_start_matches(['"', ')', ']', '»', '”', '“']);
        let told = rest.trim_start();
        let signed = told.starts_with(['=', ':']) || (told.starts_with('-') && wanted != "-");
        let spaced = rest.len() > told.len() && MISSING.iter().any(|word| told.contains(word));
        (signed && told.len() > 4) || (spaced && text.chars().count() < 160)
    };
    for sheet in &workbook.sheets {
        for cell in sheet.cells() {
            let text = cell.text();
            if text.chars().count() > 400 || text.chars().count() < wanted.chars().count() + 3 {
                continue;
            }
            if explains(&text) {
                return Some(text.chars().take(140).collect::<String>().trim_end().to_owned());
            }
        }
    }
    None
}
