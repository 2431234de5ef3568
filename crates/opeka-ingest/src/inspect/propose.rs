//! From what is seen in a table to what a recipe would say of it.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Frame;
use super::areas;
use super::draft::{Cells, DraftDimension, DraftTable, Empties, Part, Place, Sheets};
use super::headings::{self, Heading};
use super::labels::{self, Label};
use super::periods;
use super::words;
use super::{beside, levels, regions};
use crate::codelist::Codelists;
use crate::recipe::{Attach, Column, Direction};

/// What is known beside the table.
pub(super) struct Context<'a> {
    pub(super) codelists: &'a Codelists,
    /// The file's name without its folder.
    pub(super) file: &'a str,
    /// Whether the file has other tables, from which this one's indicators must differ.
    pub(super) several: bool,
    /// Texts of the file that say when its years begin.
    pub(super) april: bool,
}

/// What to do otherwise, where the first proposal did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Choice {
    /// Take the area column of this rank.
    pub(super) area: usize,
    /// Every label column is part of what is counted.
    pub(super) all_labels: bool,
    /// Lines without figures head the lines below them.
    pub(super) sections: bool,
    /// Read the areas as they are written.
    pub(super) areas_written: bool,
    /// Lines of a higher level, by their indentation or as bold, head those below them.
    pub(super) levels: bool,
    /// Tables stand side by side.
    pub(super) beside: bool,
}

/// What is seen in a table.
pub(super) struct Seen<'a> {
    pub(super) headings: Vec<Heading<'a>>,
    pub(super) labels: Vec<Label>,
    /// Titles above the table, the nearest first, as they stand on each sheet.
    pub(super) titles: Vec<Vec<String>>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(frame: &Frame<'a>, codelists: &Codelists) -> Self {
        Self {
            headings: headings::read(frame, codelists),
            labels: labels::read(frame, codelists),
            titles: titles(frame),
        }
    }
}

/// The titles of a table: texts above it that head no column of figures, row by row the same on all
/// its sheets, the nearest first.
fn titles(frame: &Frame) -> Vec<Vec<String>> {
    let rows_of = |index: usize| -> Vec<String> {
        let on = &frame.on[index];
        let band = on.band;
        let left = band.figures[0];
        let mut texts = Vec::new();
        for (row, seen) in on.sheet.rows.range(on.from.max(band.top)..band.first) {
            let spread = |s: &&super::sheet::Seen| {
                !s.is_number() && (band.titles.contains(row) || s.span.left < left)
            };
            let over: Vec<_> = seen.iter().filter(|s| s.span.right >= left).collect();
            let lone = over.len() == 1 && seen.len() == 1 && !over[0].is_number();
            // `Unit of measure | Number`: the first of two says what the second is.
            if let [key, value] = seen.as_slice()
                && band.titles.contains(row)
                && !key.is_number()
                && !value.is_number()
                && key.cell.text().chars().count() < 30
            {
                texts.push(value.cell.text());
                continue;
            }
            for seen in seen.iter().filter(|s| spread(s) || lone) {
                texts.push(seen.cell.text());
            }
        }
        texts.reverse();
        texts
    };
    let per_sheet: Vec<Vec<String>> = (0..frame.on.len()).map(rows_of).collect();
    let rows = per_sheet.iter().map(Vec::len).min().unwrap_or(0);
    (0..rows).map(|row| per_sheet.iter().map(|texts| texts[row].clone()).collect()).collect()
}

/// Proposes one table.
///
/// # Errors
/// What could not be found, for a comment.
pub(super) fn propose<'a>(
    frame: &Frame<'a>,
    seen: &Seen<'a>,
    sheets: Sheets,
    context: &Context,
    choice: Choice,
) -> Result<DraftTable, String> {
    let mut used: BTreeSet<u32> = BTreeSet::new();
    let (mut area, area_column) = match choice.beside {
        true => match beside::areas(frame, seen, &mut used) {
            Some(area) => (Some(area), None),
            None => return Err("no tables stand side by side".into()),
        },
        false => regions::area(frame, seen, context, choice, &mut used),
    };
    let by_lines =
        area.as_ref().is_some_and(|d| d.parts.iter().any(|p| p.attach == Attach::Closest));
    if choice.sections && by_lines {
        return Err("the lines without figures name areas".into());
    }
    let period = periods::period(frame, seen, context, &mut used);
    let unit = unit(frame, seen, &mut used);
    let mut indicator =
        indicator(frame, seen, context, choice, area_column, &used, area.as_ref(), period.as_ref());
    if area.is_none()
        && !indicator.parts.is_empty()
        && let Some(label) = regions::lone_area(frame, seen, &used)
    {
        // Nothing says that the names are areas but that everything else has been found.
        indicator = self::indicator(
            frame,
            seen,
            context,
            choice,
            Some(label.column),
            &with(&used, label.column),
            None,
            period.as_ref(),
        );
        area = label.part(frame).map(|part| {
            DraftDimension::written(vec![part]).because(format!(
                "`{}` heads the only column of names: taken for areas, as they are written",
                label.heading
            ))
        });
    }
    if area.is_none()
        && !choice.beside
        && let Some(part) = regions::lone_heading(frame, seen, &used)
    {
        let mut parts: Vec<Part> =
            title(frame, seen, context).into_iter().map(|(part, _)| part).collect();
        if parts.is_empty() {
            parts.push(Part::constant(context.file.split('.').next().unwrap_or("unspecified")));
        }
        indicator = DraftDimension::written(parts);
        area = Some(DraftDimension::written(vec![part]).because(
            "CHECK: a title says that areas follow: the headings are taken for them, as they are written",
        ));
    }
    let area = area.unwrap_or_else(|| {
        DraftDimension::written(vec![Part::constant("_X")])
            .because("CHECK: nothing in the table names an area; say which one the figures are for")
    });
    let mut table = DraftTable {
        sheets,
        comments: Vec::new(),
        after: None,
        until: None,
        blocks: None,
        figures_below: Vec::new(),
        empty: Empties::Due,
        dimensions: BTreeMap::new(),
    };
    let period = period.unwrap_or_else(|| {
        DraftDimension::of(Part::constant("TODO"))
            .because("TODO: no period was found, in the table, its titles, the sheet's name or the file's;")
            .because("the recipe does not run until it says one, such as constant = \"2019\"")
    });
    // Without a heading that is read from above, the figures are bounded by their own headings.
    let up = |d: &DraftDimension| {
        d.parts.iter().any(|p| p.direction == Some(Direction::Up) && p.attach == Attach::Directly)
    };
    if ![&area, &period, &indicator].into_iter().any(up) {
        let below = figures_below(frame);
        if below.is_empty() {
            return Err(
                "no text stands above the figures that would say in which columns they are".into(),
            );
        }
        table.figures_below = below;
    }
    let across = |d: &DraftDimension| {
        d.parts.iter().any(|p| {
            matches!(p.direction, Some(Direction::Left | Direction::Right))
                && p.attach == Attach::Directly
        })
    };
    if ![&area, &period, &indicator].into_iter().any(across) {
        return Err("no column names every row of the figures".into());
    }
    table.dimensions.insert(Column::RefArea, area);
    table.dimensions.insert(Column::TimePeriod, period);
    table.dimensions.insert(Column::Indicator, indicator);
    table.dimensions.insert(Column::UnitMeasure, unit);
    if let Some(label) = seen.labels.iter().find(|label| label.says == labels::Says::ObsStatus)
        && let Some(cells) = frame.column(label.column)
    {
        let part = Part::cells(cells, label.direction(frame), Attach::Directly);
        table.dimensions.insert(Column::ObsStatus, DraftDimension::of(part));
    }
    let unread = beside::unread(frame, seen);
    if !unread.is_empty() {
        table.comments.push(format!(
            "CHECK: texts stand between the figures and are not read, such as flags: {}.",
            unread.join(", ")
        ));
    }
    if has_empty(frame) {
        table.empty = Empties::Missing;
    }
    Ok(table)
}

fn with(used: &BTreeSet<u32>, column: u32) -> BTreeSet<u32> {
    used.iter().copied().chain([column]).collect()
}

/// The texts right above the columns of figures.
fn figures_below(frame: &Frame) -> Vec<String> {
    let mut texts = Vec::new();
    for column in &frame.band().figures {
        match frame.column(*column) {
            Some(Cells { below, .. }) if !below.is_empty() => texts.extend(below),
            _ => {
                // A merged heading covers several.
                let text = super::bands::heading_of(frame.sheet(), frame.band().first, *column);
                if text.is_empty() || frame.on.iter().any(|on| on.count(&text) != 1) {
                    return Vec::new();
                }
                texts.push(text);
            }
        }
    }
    texts.dedup();
    texts
}

fn has_empty(frame: &Frame) -> bool {
    frame.on.iter().any(|on| {
        let blank =
            |row: &u32| frame.band().figures.iter().any(|c| on.sheet.grid.get(*row, *c).is_none());
        on.band.body.iter().chain(&on.band.labelled).any(blank)
    })
}

fn unit(frame: &Frame, seen: &Seen, used: &mut BTreeSet<u32>) -> DraftDimension {
    if let Some(label) = seen.labels.iter().find(|l| l.says == labels::Says::Units)
        && let Some(part) = label.part(frame)
    {
        used.insert(label.column);
        return DraftDimension::written(vec![part]);
    }
    let dimension = DraftDimension::written(vec![Part::constant("_X")]);
    let titles = seen.titles.iter().flatten();
    let texts = seen.headings.iter().flat_map(Heading::texts);
    let stated: BTreeSet<String> =
        titles.cloned().chain(texts).filter_map(|text| words::stated_unit(&text)).take(6).collect();
    match stated.is_empty() {
        true => dimension.because("unspecified: nothing says the unit"),
        false => {
            let units: Vec<String> = stated.iter().map(|unit| format!("`{unit}`")).collect();
            dimension.because(format!("unspecified; titles or headings say {}", units.join(", ")))
        }
    }
}

/// What is counted: the title, the headings, and the labels that say nothing else.
#[allow(clippy::too_many_arguments, reason = "all that has been found so far bears on it")]
fn indicator(
    frame: &Frame,
    seen: &Seen,
    context: &Context,
    choice: Choice,
    area_column: Option<u32>,
    used: &BTreeSet<u32>,
    area: Option<&DraftDimension>,
    period: Option<&DraftDimension>,
) -> DraftDimension {
    let mut parts: Vec<Part> = Vec::new();
    if choice.sections
        && let Some(part) = section_part(frame, seen)
    {
        parts.push(part);
    }
    if choice.beside {
        parts.extend(beside::headings(frame, seen));
    }
    for label in &seen.labels {
        if used.contains(&label.column) || label.says != labels::Says::Texts {
            continue;
        }
        let follows = area_column.is_some_and(|area| label.follows(frame, area));
        let constant = label.texts.len() == 1;
        let says_area = label.areas.most() || words::heads_periods(&label.heading);
        let informs = constant && !says_area && context_is_wide(seen);
        if follows && !informs && !choice.all_labels {
            continue;
        }
        if choice.levels {
            parts.extend(levels::above(frame, label));
        }
        parts.extend(label.part(frame));
    }
    let texts: Vec<&Heading> =
        seen.headings.iter().filter(|h| h.says == headings::Says::Texts).collect();
    if let Some((_, upper)) = texts.split_last() {
        let generic = texts.len() == 1 && texts[0].texts().iter().all(|t| words::heads_values(t));
        if !generic || parts.is_empty() {
            for heading in upper {
                // Where the row above is covered by the leaves alone it adds nothing.
                parts.extend(heading.part(frame, None));
            }
            parts.extend(headings::leaves(frame, &texts));
            let twice: Vec<Part> = parts.clone();
            let mut kept: Vec<Part> = Vec::new();
            for part in twice {
                if !kept.contains(&part) {
                    kept.push(part);
                }
            }
            parts = kept;
        }
    }
    let sheet_is_used = [area, period]
        .into_iter()
        .flatten()
        .any(|d| d.parts.iter().any(|part| part.source == Place::Sheet));
    let mut comments = Vec::new();
    // Tables of one file must not say the same of different figures.
    if choice.beside && !parts.is_empty() {
        return DraftDimension { comments, ..DraftDimension::written(parts) };
    }
    if frame.on.len() > 1 && !sheet_is_used || context.several || parts.is_empty() {
        match title(frame, seen, context) {
            Some((part, text)) => {
                comments.push(format!("the title: {text}"));
                parts.insert(0, part);
            }
            None if frame.sheet().name().is_some() && !sheet_is_used => {
                parts.insert(0, Part::without_cells(Place::Sheet));
            }
            None if parts.is_empty() => {
                parts.push(Part::constant(context.file.split('.').next().unwrap_or("unspecified")))
            }
            None => {}
        }
    }
    DraftDimension { comments, ..DraftDimension::written(parts) }
}

/// Whether periods stand above the figures, so that constant labels say what is counted.
fn context_is_wide(seen: &Seen) -> bool {
    seen.headings.iter().any(|h| matches!(h.says, headings::Says::Periods(_)))
}

/// The title that tells this table from others, and a text to cite.
fn title(frame: &Frame, seen: &Seen, context: &Context) -> Option<(Part, String)> {
    let heads: BTreeSet<String> = seen.labels.iter().map(|l| l.heading.clone()).collect();
    let mut found: Vec<(usize, Part, String)> = Vec::new();
    for title in seen.titles.iter().take(8) {
        let text = &title[0];
        let length = text.chars().count();
        let is_area = areas::look_up(context.codelists, [text.clone()]).most();
        if !(8..=400).contains(&length)
            || heads.contains(text)
            || words::is_note(text) && length < 40
            || is_area
            || words::heads_units(text) && length < 30
            || words::is_of_the_file(text)
            || text.trim_end().ends_with(':')
        {
            continue;
        }
        let unit_only =
            words::stated_unit(text).is_some_and(|unit| unit.chars().count() + 4 > length);
        let period_only = super::timing::within(text)
            .is_some_and(|within| within.found.chars().count() + 6 > length);
        if unit_only || period_only {
            continue;
        }
        // Words that differ from sheet to sheet tell the tables apart.
        let differ = title.iter().collect::<BTreeSet<_>>().len();
        if let Some(cells) = frame.shared(title) {
            let score = length.min(120) + if differ > 1 { 1000 } else { 0 };
            found.push((score, Part::of_table(cells), text.clone()));
        }
    }
    found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    let (score, part, text) = found.into_iter().next()?;
    // A title that all sheets share does not tell them apart.
    (frame.on.len() == 1 || score >= 1000).then_some((part, text))
}

/// Lines without figures as a part of what is counted: the line above counts for those below it.
fn section_part(frame: &Frame, seen: &Seen) -> Option<Part> {
    let left = frame.band().figures[0];
    let column = seen.labels.iter().map(|l| l.column).find(|column| *column < left)?;
    // The lines before the first such line stand under the title.
    let names = |on: &super::anchors::On| -> Vec<String> {
        let above = on.sheet.rows.range(on.from..on.band.first).rev().map(|(row, _)| *row);
        let at = |row: u32| {
            let cell = on.sheet.row(row).iter().find(|s| s.cell.column == column && !s.is_number());
            cell.map(|s| s.cell.text())
        };
        let title = above.into_iter().find_map(at);
        title.into_iter().chain(on.band.labelled.iter().filter_map(|row| at(*row))).collect()
    };
    let mut texts: Vec<String> = Vec::new();
    for on in &frame.on {
        let with_figures: BTreeSet<String> = on
            .band
            .body
            .iter()
            .filter_map(|row| on.sheet.covering(*row, column))
            .map(|s| s.cell.text())
            .collect();
        for name in names(on) {
            if !with_figures.contains(&name) && !texts.contains(&name) {
                texts.push(name);
            }
        }
    }
    (!texts.is_empty()).then(|| {
        Part::cells(Cells { text: texts, ..Cells::default() }, Direction::Left, Attach::Closest)
    })
}
