//! Where the areas of a table are written.

use std::collections::BTreeSet;

use super::anchors::Frame;
use super::areas;
use super::draft::{Cells, DraftDimension, Part, Place};
use super::headings;
use super::labels::{self, Label};
use super::propose::{Choice, Context, Seen};
use super::words;
use crate::recipe::{Attach, Direction};

/// Where the areas are; the column, where they stand in one.
pub(super) fn area(
    frame: &Frame,
    seen: &Seen,
    context: &Context,
    choice: Choice,
    used: &mut BTreeSet<u32>,
) -> (Option<DraftDimension>, Option<u32>) {
    let mut ranked: Vec<&Label> = seen.labels.iter().filter(|l| l.area_score() > 0.25).collect();
    ranked.sort_by(|a, b| b.area_score().total_cmp(&a.area_score()).then(a.column.cmp(&b.column)));
    let full: Vec<&Label> = ranked.iter().filter(|l| l.part(frame).is_some()).copied().collect();
    // Columns of several levels, each filled on its own rows: the most local first.
    let whole = |label: &&Label| label.filled == label.rows && label.texts.len() > 2;
    let gaps = !ranked.is_empty() && !ranked.iter().any(whole);
    if gaps
        && choice.area == 0
        && let Some(found) = by_levels(frame, seen, used)
    {
        return found;
    }
    if let Some(label) = full.get(choice.area.min(full.len().saturating_sub(1)))
        && let Some(part) = label.part(frame)
    {
        used.insert(label.column);
        for other in &ranked {
            used.insert(other.column);
        }
        return (Some(matched(label, part, choice)), Some(label.column));
    }
    if let Some(found) = sections(frame, seen, context) {
        return (Some(found), None);
    }
    if let Some(row) = seen.headings.iter().find(|h| h.says == headings::Says::Areas)
        && let Some(part) = row.part(frame, None)
    {
        let known = areas::look_up(context.codelists, row.texts());
        let mut dimension = DraftDimension::of(part);
        tell(&mut dimension, &known);
        return (Some(dimension), None);
    }
    let names: Vec<String> =
        frame.on.iter().filter_map(|on| on.sheet.name().map(str::to_owned)).collect();
    let known = areas::look_up(context.codelists, names.iter().cloned());
    if !names.is_empty() && known.most() && known.unknown.len() * 10 <= names.len() {
        let mut dimension = DraftDimension::of(Part::without_cells(Place::Sheet))
            .because("the names of the sheets are areas");
        tell(&mut dimension, &known);
        return (Some(dimension), None);
    }
    for title in &seen.titles {
        let known = areas::look_up(context.codelists, title.iter().cloned());
        if known.unknown.is_empty()
            && known.marked.is_empty()
            && let Some(cells) = frame.shared(title)
        {
            let dimension = DraftDimension::of(Part::of_table(cells))
                .because("one area for the whole table, as its title says");
            return (Some(dimension), None);
        }
    }
    let headed = seen.labels.iter().find(|label| {
        label.says == labels::Says::Texts
            && words::heads_areas(&label.heading)
            && label.part(frame).is_some()
    });
    if let Some(label) = headed
        && let Some(part) = label.part(frame)
    {
        used.insert(label.column);
        let dimension = DraftDimension::written(vec![part]).because(format!(
            "`{}` heads these names; no code list knows them, so they stand as they are written",
            label.heading
        ));
        return (Some(dimension), Some(label.column));
    }
    (None, None)
}

/// A column of areas that the code list knows, with what it does not know.
fn matched(label: &Label, part: Part, choice: Choice) -> DraftDimension {
    if choice.areas_written {
        return DraftDimension::written(vec![part])
            .because("areas as they are written: by the code list, several would fall together");
    }
    let mut dimension = DraftDimension::of(part);
    tell(&mut dimension, &label.areas);
    dimension
}

fn tell(dimension: &mut DraftDimension, known: &areas::Known) {
    let found = known.known.len() + known.marked.len();
    dimension
        .comments
        .push(format!("the code list `regions` knows {found} of {} names", known.total()));
    for (label, near) in &known.unknown {
        dimension.ignore.insert(label.clone());
        if let Some(near) = near.first() {
            dimension
                .ignore_comments
                .push(format!("`{label}` is spelt like `{near}`; `opeka harmonize` asks"));
        }
    }
    if !known.unknown.is_empty() {
        dimension.ignore_comments.insert(
            0,
            "Figures under these labels are left out, as the code list does not know them."
                .to_owned(),
        );
    }
}

/// Areas in columns of several levels: `below = ["new_la_code", "region_code", "country_code"]`.
fn by_levels(
    frame: &Frame,
    seen: &Seen,
    used: &mut BTreeSet<u32>,
) -> Option<(Option<DraftDimension>, Option<u32>)> {
    let mut columns: Vec<&Label> = seen
        .labels
        .iter()
        .filter(|l| {
            l.says == labels::Says::Texts
                && l.areas.share() > 0.8
                && l.texts.len() > l.areas.unknown.len()
        })
        .filter(|l| l.direction(frame) == Direction::Left)
        .collect();
    // The most local has the most names; a code is surer than a name, which may have several areas.
    let coded = |label: &Label| label.texts.iter().all(|t| t.bytes().any(|b| b.is_ascii_digit()));
    columns.sort_by_key(|l| (std::cmp::Reverse(l.texts.len()), !coded(l), l.column));
    let mut anchors: Vec<String> = Vec::new();
    let mut covered: BTreeSet<u32> = BTreeSet::new();
    let mut ignore = Vec::new();
    for label in &columns {
        let rows: BTreeSet<u32> = frame
            .band()
            .body
            .iter()
            .filter(|row| frame.sheet().covering(**row, label.column).is_some())
            .copied()
            .collect();
        if rows.is_subset(&covered) {
            continue;
        }
        let cells = frame.column(label.column)?;
        anchors.push(cells.below.first()?.clone());
        covered.extend(rows);
        ignore.extend(label.areas.unknown.iter().cloned());
    }
    if anchors.len() < 2 || covered.len() < frame.band().body.len() {
        return None;
    }
    used.extend(columns.iter().map(|label| label.column));
    let part = Part::cells(
        Cells { below: anchors, ..Cells::default() },
        Direction::Left,
        Attach::Directly,
    );
    let mut dimension =
        DraftDimension::of(part).because("of several columns of areas, the first that a row fills");
    if !ignore.is_empty() {
        dimension.ignore_comments.push(
            "Figures under these labels are left out, as the code list does not know them."
                .to_owned(),
        );
        dimension.ignore.extend(ignore.into_iter().map(|(label, _)| label));
    }
    Some((Some(dimension), columns.first().map(|label| label.column)))
}

/// Lines without figures that name the area of the lines below them.
fn sections(frame: &Frame, seen: &Seen, context: &Context) -> Option<DraftDimension> {
    let left = frame.band().figures[0];
    for label in seen.labels.iter().filter(|l| l.column < left) {
        let mut names = Vec::new();
        for on in &frame.on {
            let above = on.sheet.rows.range(on.band.top..on.band.first).map(|(row, _)| *row);
            for row in above.chain(on.band.labelled.iter().copied()) {
                let cell = on.sheet.row(row).iter().find(|s| s.cell.column == label.column);
                names.extend(cell.map(|s| s.cell.text()));
            }
        }
        let known = areas::look_up(context.codelists, names);
        let first = frame.on.iter().all(|on| {
            let above = on.sheet.rows.range(on.band.top..on.band.first).rev();
            let mut cells = above.flat_map(|(_, s)| s).filter(|s| s.cell.column == label.column);
            cells.any(|s| known.known.contains(&s.cell.text()))
        });
        if known.known.len() >= 3 && known.most() && first {
            // A line that is no area ends the area above it: its figures must not go to that.
            let unknown = known.unknown.iter().map(|(label, _)| label);
            let marked = known.marked.iter().map(|(label, _)| label);
            let text: Vec<String> =
                known.known.iter().chain(unknown).chain(marked).cloned().collect();
            let cells = Cells { text, ..Cells::default() };
            let part = Part::cells(cells, Direction::Left, Attach::Closest);
            let mut dimension = DraftDimension::of(part)
                .because("lines that name an area stand above the lines with its figures");
            tell(&mut dimension, &known);
            return Some(dimension);
        }
    }
    None
}

/// The only column of names of a table whose headings say what is counted, and when.
pub(super) fn lone_area<'s>(
    frame: &Frame,
    seen: &'s Seen,
    used: &BTreeSet<u32>,
) -> Option<&'s Label> {
    let mut free =
        seen.labels.iter().filter(|l| l.says == labels::Says::Texts && !used.contains(&l.column));
    let (label, None) = (free.next()?, free.next()) else { return None };
    titled(seen).then_some(label).filter(|label| label.part(frame).is_some())
}

/// Whether a title says that areas follow, as `Bevölkerung nach Ländern` does.
fn titled(seen: &Seen) -> bool {
    seen.titles.iter().flatten().any(|title| {
        let title = title.to_lowercase();
        [
            "по субъект",
            "по регион",
            "by region",
            "by area",
            "by local",
            "by country",
            "by state",
            "nach länd",
            "nach kreis",
            "par région",
            "par départ",
            "według woj",
            "efter region",
            "per län",
        ]
        .iter()
        .any(|by| title.contains(by))
    })
}

/// The only heading of the figures, where a title says that areas follow and nothing else names them.
pub(super) fn lone_heading(frame: &Frame, seen: &Seen, used: &BTreeSet<u32>) -> Option<Part> {
    let free = |l: &&Label| l.says == labels::Says::Texts && !used.contains(&l.column);
    if seen.labels.iter().any(|label| free(&label)) || !titled(seen) {
        return None;
    }
    let mut texts = seen.headings.iter().filter(|h| h.says == headings::Says::Texts);
    let (heading, None) = (texts.next()?, texts.next()) else { return None };
    let distinct: BTreeSet<String> = heading.texts().into_iter().collect();
    let whole = distinct.len() == frame.band().figures.len() && distinct.len() > 2;
    let words = distinct.iter().any(|text| text.chars().any(|c| c.is_ascii_digit()));
    (whole && !words).then(|| heading.part(frame, None)).flatten()
}
