//! What the columns beside the figures say: areas, periods, units, or what is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Frame;
use super::areas::{self, Known};
use super::bands::{Holds, LabelColumn, heading_of};
use super::draft::{Cells, Part};
use super::headings::timing_of;
use super::timing::Timing;
use super::words;
use crate::codelist::Codelists;
use crate::recipe::{Attach, Direction};

/// A column of labels that has been looked at.
pub(super) struct Label {
    pub(super) column: u32,
    pub(super) heading: String,
    /// Its texts on the rows with figures, of all sheets, each once.
    pub(super) texts: BTreeSet<String>,
    /// Rows with figures that it names, and all.
    pub(super) filled: usize,
    pub(super) rows: usize,
    pub(super) says: Says,
    /// What the code list of areas knows of its texts.
    pub(super) areas: Known,
}

/// What a column of labels says, at first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Periods(Timing),
    Dates,
    Units,
    ObsStatus,
    Codes,
    Texts,
}

/// The label columns of a table, from the left.
pub(super) fn read(frame: &Frame, codelists: &Codelists) -> Vec<Label> {
    let band = frame.band();
    band.labels.iter().map(|label| one(frame, label, codelists)).collect()
}

fn one(frame: &Frame, label: &LabelColumn, codelists: &Codelists) -> Label {
    let column = label.column;
    let heading = heading_of(frame.sheet(), frame.band().first, column);
    let mut texts = BTreeSet::new();
    let (mut filled, mut rows) = (0, 0);
    for on in &frame.on {
        rows += on.band.body.len();
        for row in &on.band.body {
            if let Some(seen) = on.sheet.covering(*row, column) {
                filled += 1;
                texts.insert(seen.cell.text());
            }
        }
    }
    let timings: Vec<Timing> = texts.iter().filter_map(|text| timing_of(text)).collect();
    let timely = timings.len() * 5 >= texts.len() * 4 && !timings.is_empty();
    let how = [Timing::Part, Timing::Split, Timing::Year, Timing::Foreign, Timing::Whole];
    let how = how.into_iter().find(|how| timings.contains(how)).unwrap_or(Timing::Whole);
    let status = heading.to_lowercase() == "obs_status";
    let says = match label.holds {
        Holds::Dates => Says::Dates,
        Holds::Years => Says::Periods(Timing::Whole),
        Holds::Codes => Says::Codes,
        Holds::Texts if timely => Says::Periods(how),
        Holds::Texts if status => Says::ObsStatus,
        Holds::Texts if words::heads_units(&heading) => Says::Units,
        Holds::Texts => Says::Texts,
    };
    let areas = match says {
        Says::Texts => areas::look_up(codelists, texts.iter().cloned()),
        _ => Known::default(),
    };
    Label { column, heading, texts, filled, rows, says, areas }
}

impl Label {
    /// Whether it names each row. A rare row without a name is a remark or a slip: it is not reached,
    /// and that is told.
    pub(super) fn is_full(&self) -> bool {
        self.filled * 33 >= self.rows * 32
    }

    /// How sure it is that the column names areas: the share of known texts, by how many rows it
    /// names.
    pub(super) fn area_score(&self) -> f64 {
        if !self.areas.most() {
            return 0.0;
        }
        let fill = self.filled as f64 / self.rows.max(1) as f64;
        // One known name may be chance; many are not.
        let many = if self.texts.len() >= 3 { 1.0 } else { 0.6 };
        self.areas.share() * fill * many
    }

    /// Which way a figure looks for it.
    pub(super) fn direction(&self, frame: &Frame) -> Direction {
        if self.column < frame.band().figures[0] { Direction::Left } else { Direction::Right }
    }

    /// How its cells are selected and attached.
    pub(super) fn part(&self, frame: &Frame) -> Option<Part> {
        let cells: Cells = frame.column(self.column)?;
        let first_is_named = frame.on.iter().all(|on| {
            on.band.body.first().is_some_and(|row| on.sheet.covering(*row, self.column).is_some())
        });
        let left = self.direction(frame) == Direction::Left;
        let attach = match self.is_full() {
            true => Attach::Directly,
            // A group is named once, above its rows.
            false if first_is_named && left => Attach::Closest,
            false => return None,
        };
        Some(Part::cells(cells, self.direction(frame), attach))
    }

    /// Whether another column decides what this one says.
    pub(super) fn follows(&self, frame: &Frame, other: u32) -> bool {
        let mut by_other: BTreeMap<String, String> = BTreeMap::new();
        for on in &frame.on {
            for row in &on.band.body {
                let text = |column| on.sheet.covering(*row, column).map(|s| s.cell.text());
                let (Some(own), Some(other)) = (text(self.column), text(other)) else { continue };
                if *by_other.entry(other).or_insert_with(|| own.clone()) != own {
                    return false;
                }
            }
        }
        true
    }
}
