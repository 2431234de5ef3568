//! Tables that stand side by side, and what stands between the figures.

use std::collections::BTreeSet;

use super::anchors::Frame;
use super::areas;
use super::bands::Holds;
use super::draft::{Cells, DraftDimension, Part};
use super::labels::{Label, Says};
use super::propose::Seen;
use crate::recipe::{Attach, Direction};

/// The columns of names that stand before each of several tables, the same in each.
fn columns<'s>(frame: &Frame, seen: &'s Seen) -> Vec<&'s Label> {
    let figures = &frame.band().figures;
    let (Some(left), Some(right)) = (figures.first(), figures.last()) else { return Vec::new() };
    let texts = |l: &&Label| l.says == Says::Texts && l.column < *right && l.texts.len() > 2;
    let labels: Vec<&Label> = seen.labels.iter().filter(texts).collect();
    let Some(first) = labels.iter().rev().find(|l| l.column < *left) else { return Vec::new() };
    let alike = |label: &&&Label| {
        let shared = label.texts.intersection(&first.texts).count();
        label.column == first.column
            || label.column > *left && shared * 10 >= first.texts.len().max(label.texts.len()) * 9
    };
    labels.iter().filter(alike).copied().collect()
}

/// The areas of tables side by side: each figure has the name that stands before it.
pub(super) fn areas(
    frame: &Frame,
    seen: &Seen,
    used: &mut BTreeSet<u32>,
) -> Option<DraftDimension> {
    let columns = columns(frame, seen);
    if columns.len() < 2 || frame.on.len() > 1 {
        return None;
    }
    let texts: BTreeSet<String> = columns.iter().flat_map(|label| &label.texts).cloned().collect();
    used.extend(columns.iter().map(|label| label.column));
    let cells = Cells { text: texts.into_iter().collect(), ..Cells::default() };
    let part = Part::cells(cells, Direction::Left, Attach::Directly);
    let first = columns[0];
    let dimension = match first.areas.most() {
        true => DraftDimension::of(part),
        false => DraftDimension::written(vec![part]),
    };
    let mut dimension = dimension.because("tables stand side by side, each with its own names");
    let known: &areas::Known = &first.areas;
    if !dimension.as_written && !known.unknown.is_empty() {
        dimension.ignore_comments.push(
            "Figures under these labels are left out, as the code list does not know them."
                .to_owned(),
        );
        dimension.ignore.extend(known.unknown.iter().map(|(label, _)| label.clone()));
    }
    Some(dimension)
}

/// What heads each of the tables: the texts of a row that begin where their names do.
pub(super) fn headings(frame: &Frame, seen: &Seen) -> Vec<Part> {
    let starts: BTreeSet<u32> = columns(frame, seen).iter().map(|label| label.column).collect();
    let on = frame.lead();
    for (_, row) in on.sheet.rows.range(on.from..on.band.first) {
        let texts: Vec<(u32, String)> =
            row.iter().filter(|s| !s.is_number()).map(|s| (s.cell.column, s.cell.text())).collect();
        let columns: BTreeSet<u32> = texts.iter().map(|(column, _)| *column).collect();
        let distinct: BTreeSet<&String> = texts.iter().map(|(_, text)| text).collect();
        let once = texts.iter().all(|(_, text)| on.count(text) == 1);
        if columns == starts && distinct.len() == texts.len() && once {
            let text = texts.iter().map(|(_, text)| text.clone()).collect();
            let cells = Cells { text, ..Cells::default() };
            return vec![Part::cells(cells, Direction::Up, Attach::Closest)];
        }
    }
    Vec::new()
}

/// Texts of columns between the figures that a proposal cannot read, such as the flags behind them.
pub(super) fn unread(frame: &Frame, seen: &Seen) -> Vec<String> {
    let left = frame.band().figures[0];
    let holds = |label: &&Label| {
        let column = frame.band().labels.iter().find(|l| l.column == label.column);
        column.is_some_and(|column| column.holds == Holds::Texts)
            && label.column > left
            && label.part(frame).is_none()
    };
    let texts = seen.labels.iter().filter(holds).flat_map(|label| &label.texts);
    let distinct: BTreeSet<&String> = texts.collect();
    distinct.into_iter().take(6).map(|text| format!("`{text}`")).collect()
}
