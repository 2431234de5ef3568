//! How a figure finds the label of a dimension among the selected cells.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use opeka_model::Problems;

use crate::grid::{Cell, Span};
use crate::recipe::{Attach, Dimension, Direction};
use crate::select::TableView;

/// The selected cells of one dimension, arranged for looking them up. Memory follows the cells,
/// however many rows or columns a merged one covers.
pub(crate) struct Attached<'a> {
    direction: Direction,
    attach: Attach,
    /// By column when looking left or right, by row when looking up or down.
    ranks: BTreeMap<u32, Rank<'a>>,
    /// The columns to prefer, in order, when a dimension names several.
    preferred: Vec<Span>,
    /// By the line on which they begin: by row when looking left or right, by column otherwise.
    begins: BTreeMap<u32, BTreeMap<u32, (&'a Cell, Span)>>,
}

impl<'a> Attached<'a> {
    pub(crate) fn new(view: &TableView<'a>, dimension: &Dimension, cells: &[&'a Cell]) -> Self {
        let direction = dimension.direction.unwrap_or(Direction::Left);
        let (mut ranks, mut begins) = (BTreeMap::new(), BTreeMap::new());
        for cell in cells {
            let span = view.grid.span(cell.row, cell.column);
            let (from, to, at) = match direction {
                Direction::Left | Direction::Right => (span.top, span.bottom, cell.column),
                Direction::Up | Direction::Down => (span.left, span.right, cell.row),
            };
            match dimension.attach {
                Attach::Directly => {
                    let rank: &mut Rank = ranks.entry(at).or_default();
                    rank.labels.push(Label { from, to, furthest: to, cell });
                }
                Attach::Closest => {
                    let begin: &mut BTreeMap<_, _> = begins.entry(from).or_default();
                    begin.insert(at, (*cell, span));
                }
            }
        }
        ranks.values_mut().for_each(Rank::arrange);
        let by_row = matches!(direction, Direction::Left | Direction::Right);
        let preferred = match &dimension.below {
            // The anchors were found before, or there are no cells to attach.
            Some(below) if by_row && below.as_slice().len() > 1 => {
                view.anchors(below, &mut Problems::new()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Self { direction, attach: dimension.attach, ranks, preferred, begins }
    }

    /// Whether it says which rows (`true`) or which columns (`false`) hold figures.
    pub(crate) fn by_row(&self) -> Option<bool> {
        (self.attach == Attach::Directly)
            .then_some(matches!(self.direction, Direction::Left | Direction::Right))
    }

    /// Whether it has a cell for this row, or column.
    pub(crate) fn covers(&self, line: u32) -> bool {
        self.ranks.values().any(|rank| rank.at(line).is_some())
    }

    /// The cell that a figure at this place finds.
    pub(crate) fn find(&self, row: u32, column: u32) -> Option<&'a Cell> {
        let (line, at) = match self.direction {
            Direction::Left | Direction::Right => (row, column),
            Direction::Up | Direction::Down => (column, row),
        };
        match self.attach {
            Attach::Directly => self.directly(line, at),
            Attach::Closest => self.closest(line, at),
        }
    }

    fn directly(&self, line: u32, at: u32) -> Option<&'a Cell> {
        let on_line = |(_, rank): (&u32, &Rank<'a>)| rank.at(line);
        for span in &self.preferred {
            let (from, to) = match self.direction {
                Direction::Left | Direction::Up => (span.left, span.right.min(at)),
                Direction::Right | Direction::Down => (span.left.max(at), span.right),
            };
            if from <= to
                && let Some(cell) = self.ranks.range(from..=to).find_map(on_line)
            {
                return Some(cell);
            }
        }
        match self.direction {
            Direction::Left | Direction::Up => self.ranks.range(..at).rev().find_map(on_line),
            Direction::Right | Direction::Down => {
                self.ranks.range((Excluded(at), Unbounded)).find_map(on_line)
            }
        }
    }

    /// Headings that begin at or before the figure (by column when looking up or down, by row when
    /// looking left or right): the last to begin, and of those the nearest.
    fn closest(&self, line: u32, at: u32) -> Option<&'a Cell> {
        for cells in self.begins.range(..=line).rev().map(|(_, cells)| cells) {
            let found = match self.direction {
                Direction::Left | Direction::Up => cells.range(..at).next_back(),
                Direction::Right | Direction::Down => {
                    cells.range((Excluded(at), Unbounded)).next()
                }
            };
            if let Some((_, (cell, span))) = found {
                // Merged along the lines it names the range it covers; merged across them, or not
                // at all, it covers what follows.
                let (first, last) = match self.direction {
                    Direction::Left | Direction::Right => (span.top, span.bottom),
                    Direction::Up | Direction::Down => (span.left, span.right),
                };
                return (first == last || line <= last).then_some(*cell);
            }
        }
        None
    }
}

/// The labels of one column, or row.
#[derive(Default)]
struct Rank<'a> {
    labels: Vec<Label<'a>>,
}

struct Label<'a> {
    from: u32,
    to: u32,
    /// The last line covered by this label or one that begins before it.
    furthest: u32,
    cell: &'a Cell,
}

impl<'a> Rank<'a> {
    fn arrange(&mut self) {
        self.labels.sort_by_key(|label| label.from);
        let mut furthest = 0;
        for label in &mut self.labels {
            furthest = label.to.max(furthest);
            label.furthest = furthest;
        }
    }

    /// The last label to begin of those that cover the line.
    fn at(&self, line: u32) -> Option<&'a Cell> {
        let begun = self.labels.partition_point(|label| label.from <= line);
        let candidates = self.labels[..begun].iter().rev();
        candidates
            .take_while(|label| label.furthest >= line)
            .find(|label| label.to >= line)
            .map(|label| label.cell)
    }
}
