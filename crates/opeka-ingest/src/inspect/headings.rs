//! What the rows above the figures say: periods, areas, or what is counted.

use std::collections::BTreeSet;

use super::anchors::Frame;
use super::areas::{self, without_mark};
use super::draft::{Cells, Part};
use super::sheet::Seen;
use super::timing::{Timing, timing};
use crate::codelist::Codelists;
use crate::recipe::{Attach, Direction};

/// A row of headings.
pub(super) struct Heading<'a> {
    /// Its cells that stand over figures.
    pub(super) cells: Vec<Seen<'a>>,
    pub(super) says: Says,
}

/// What a row of headings says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Periods(Timing),
    Areas,
    Texts,
    /// One text for all columns, as a title does.
    Title,
}

/// The rows of headings of a table, from the top down.
pub(super) fn read<'a>(frame: &Frame<'a>, codelists: &Codelists) -> Vec<Heading<'a>> {
    let band = frame.band();
    let sheet = frame.sheet();
    let mut headings = Vec::new();
    for row in &band.headings {
        let over = |seen: &&Seen| band.figures.iter().any(|c| seen.span.has_column(*c));
        let cells: Vec<Seen> = sheet.row(*row).iter().filter(over).copied().collect();
        let numbers: Vec<f64> = cells.iter().filter_map(Seen::number).collect();
        let index = numbers.len() == cells.len()
            && numbers.len() > 1
            && numbers.iter().enumerate().all(|(i, n)| *n == numbers[0] + i as f64)
            && numbers[0] <= 3.0;
        if index || cells.is_empty() {
            continue;
        }
        let says = says(frame, &cells, codelists);
        if let Some(says) = says {
            headings.push(Heading { cells, says });
        }
    }
    headings
}

fn says(frame: &Frame, cells: &[Seen], codelists: &Codelists) -> Option<Says> {
    let figures = &frame.band().figures;
    let texts: Vec<String> = cells.iter().map(|seen| seen.cell.text()).collect();
    let timings: Vec<Option<Timing>> = texts.iter().map(|text| timing_of(text)).collect();
    let timed: Vec<Timing> = timings.iter().flatten().copied().collect();
    let covers_first = cells.iter().any(|seen| seen.span.left <= figures[0]);
    if timed.len() * 2 > texts.len() || (timed.len() >= 3 && timed.len() * 3 >= texts.len()) {
        // Of several ways the one that reads all of them.
        let how = [Timing::Part, Timing::Split, Timing::Year, Timing::Foreign, Timing::Whole];
        let how = how.into_iter().find(|how| timed.contains(how))?;
        if covers_first || cells.len() > 1 {
            return Some(Says::Periods(how));
        }
    }
    let covered = figures.iter().filter(|c| cells.iter().any(|s| s.span.has_column(**c))).count();
    let distinct: BTreeSet<&String> = texts.iter().collect();
    if distinct.len() == 1 && figures.len() > 1 {
        // A remark over some columns, such as a unit at the right margin, heads nothing.
        let all = covered == figures.len() || covers_first;
        return all.then_some(Says::Title);
    }
    let known = areas::look_up(codelists, texts.iter().cloned());
    if known.known.len() >= 3 && known.most() {
        return Some(Says::Areas);
    }
    // Second-line headings of some columns only are read together with those above them.
    (covers_first || covered * 2 > figures.len() || cells.len() > 1).then_some(Says::Texts)
}

/// How a heading says a period, a trailing footnote mark aside.
pub(super) fn timing_of(text: &str) -> Option<Timing> {
    timing(text).or_else(|| timing(&without_mark(text)?.0))
}

impl<'a> Heading<'a> {
    pub(super) fn texts(&self) -> Vec<String> {
        self.cells.iter().map(|seen| seen.cell.text()).collect()
    }

    /// Whether each figure column stands under a cell of the row.
    pub(super) fn covers(&self, frame: &Frame) -> bool {
        let under = |column: &u32| self.cells.iter().any(|seen| seen.span.has_column(*column));
        frame.band().figures.iter().all(under)
    }

    /// A part that is read from this row: directly, or from the heading before.
    pub(super) fn part(&self, frame: &Frame<'a>, periods: Option<&str>) -> Option<Part> {
        let attach = if self.covers(frame) || self.mostly(frame) {
            Attach::Directly
        } else if self.covers_first(frame) {
            Attach::Closest
        } else {
            return None;
        };
        let cells = frame.headings(&self.cells, periods)?;
        Some(Part::cells(cells, Direction::Up, attach))
    }

    fn covers_first(&self, frame: &Frame) -> bool {
        let first = frame.band().figures[0];
        self.cells.iter().any(|seen| seen.span.left <= first)
    }

    /// Whether nearly each figure column has a cell of its own.
    fn mostly(&self, frame: &Frame) -> bool {
        let figures = &frame.band().figures;
        let under = |column: &&u32| self.cells.iter().any(|seen| seen.span.has_column(**column));
        self.cells.len() > 1 && figures.iter().filter(under).count() * 3 > figures.len() * 2
    }
}

/// The part of the lowest texts over each column, from several rows where merged cells reach down.
pub(super) fn leaves<'a>(frame: &Frame<'a>, rows: &[&Heading<'a>]) -> Option<Part> {
    let mut cells: Vec<Seen> = Vec::new();
    for column in &frame.band().figures {
        let lowest =
            rows.iter().rev().flat_map(|row| &row.cells).find(|s| s.span.has_column(*column));
        if let Some(seen) = lowest
            && !cells
                .iter()
                .any(|s| (s.cell.row, s.cell.column) == (seen.cell.row, seen.cell.column))
        {
            cells.push(*seen);
        }
    }
    if cells.len() < 2 {
        return rows.last()?.part(frame, None);
    }
    let under = |column: &&u32| cells.iter().any(|seen| seen.span.has_column(**column));
    let covered = frame.band().figures.iter().filter(under).count();
    if covered * 2 < frame.band().figures.len() {
        return rows.last()?.part(frame, None);
    }
    let selected: Cells = frame.headings(&cells, None)?;
    Some(Part::cells(selected, Direction::Up, Attach::Directly))
}
