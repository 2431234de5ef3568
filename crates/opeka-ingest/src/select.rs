//! Cells selected by what is written, and how a figure finds its dimensions among them.

use std::collections::{BTreeMap, BTreeSet};

use opeka_model::{Kind, Problem, Problems, closest};
use regex::Regex;

use crate::codelist::normalise;
use crate::grid::{Cell, Grid, Span};
use crate::recipe::{Attach, Dimension, Direction, OneOrMany, Selection};

/// The rows and columns of one table: everything above the row where it ends.
pub(crate) struct TableView<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) source: &'a str,
    /// The first row that no longer belongs to the table.
    pub(crate) end: u32,
}

impl<'a> TableView<'a> {
    /// Bounds a table by its `until`, looked for below its lowest anchor.
    pub(crate) fn new(
        grid: &'a Grid,
        source: &'a str,
        until: Option<&str>,
        anchors: &[&OneOrMany],
        problems: &mut Problems,
    ) -> Self {
        let mut view = Self { grid, source, end: u32::MAX };
        let Some(until) = until else { return view };
        let labels = anchors.iter().flat_map(|anchor| anchor.as_slice());
        let lowest = labels.flat_map(|label| view.reading(label)).map(|span| span.bottom).max();
        let wanted = normalise(until);
        let ends = |cell: &&Cell| {
            lowest.is_none_or(|lowest| cell.row > lowest)
                && normalise(&cell.text()).starts_with(&wanted)
        };
        match grid.cells().iter().find(ends) {
            Some(cell) => view.end = cell.row,
            None => problems.push(
                Problem::error(
                    Kind::Layout,
                    grid.sheet_place(source),
                    format!("the table ends above a row that starts `{until}`, and no such row was found"),
                )
                .hint("look whether the publisher renamed it; then change `until` in the recipe"),
            ),
        }
        view
    }

    /// The spans of all cells of the table that read so.
    fn reading(&self, label: &str) -> Vec<Span> {
        let wanted = normalise(label);
        let cells = self.grid.cells().iter().take_while(|cell| cell.row < self.end);
        cells
            .filter(|cell| normalise(&cell.text()) == wanted)
            .map(|cell| self.grid.span(cell.row, cell.column))
            .collect()
    }

    /// The one cell that reads so; none or several are problems.
    fn anchor(&self, label: &str, problems: &mut Problems) -> Option<Span> {
        let found = self.reading(label);
        let place = self.grid.sheet_place(self.source);
        match found.as_slice() {
            [one] => Some(*one),
            [] => {
                let texts: BTreeSet<String> = self
                    .grid
                    .cells()
                    .iter()
                    .filter(|cell| matches!(cell.value, crate::grid::Value::Text(_)))
                    .map(Cell::text)
                    .collect();
                let message = format!("no cell reads `{label}`");
                let problem = Problem::error(Kind::Layout, place, message);
                let near = closest(label, texts.iter().map(String::as_str));
                problems.push(match near.first() {
                    Some(near) => problem.hint(format!("the closest cell reads `{near}`")),
                    None => problem.hint("look at the sheet with `opeka ingest --preview`"),
                });
                None
            }
            several => {
                let cells: Vec<String> =
                    several.iter().map(|span| self.grid.address(span.top, span.left)).collect();
                problems.push(
                    Problem::error(
                        Kind::Layout,
                        place,
                        format!("{} cells read `{label}`: {}", several.len(), cells.join(", ")),
                    )
                    .hint("anchor the selection at a text that stands once"),
                );
                None
            }
        }
    }

    /// The spans of the anchors of one key, in the order in which the recipe names them. `None`
    /// where one is missing.
    pub(crate) fn anchors(&self, labels: &OneOrMany, problems: &mut Problems) -> Option<Vec<Span>> {
        let found: Vec<Option<Span>> =
            labels.as_slice().iter().map(|label| self.anchor(label, problems)).collect();
        found.into_iter().collect()
    }

    /// The cells of a selection. An empty one is a problem.
    pub(crate) fn select(
        &self,
        selection: &Selection,
        what: &str,
        problems: &mut Problems,
    ) -> Vec<&'a Cell> {
        let mut anchors = |labels: &Option<OneOrMany>| match labels {
            None => Some(None),
            Some(labels) => self.anchors(labels, problems).map(Some),
        };
        let found = (
            anchors(&selection.below),
            anchors(&selection.right_of),
            anchors(&selection.row_of),
            anchors(&selection.column_of),
        );
        let (Some(below), Some(right_of), Some(row_of), Some(column_of)) = found else {
            return Vec::new();
        };
        let any = |spans: &Option<Vec<Span>>, holds: &dyn Fn(&Span) -> bool| {
            spans.as_ref().is_none_or(|spans| spans.iter().any(holds))
        };
        let texts: Option<Vec<String>> = selection
            .text
            .as_ref()
            .map(|texts| texts.as_slice().iter().map(|text| normalise(text)).collect());
        // The recipe was refused before if this is no regular expression.
        let matches =
            selection.matches.as_ref().and_then(|m| Regex::new(&format!("^(?:{m})$")).ok());
        let chosen: Vec<&Cell> = self
            .grid
            .cells()
            .iter()
            .take_while(|cell| cell.row < self.end)
            .filter(|cell| {
                let text = || cell.text();
                let (row, column) = (cell.row, cell.column);
                any(&below, &|s| row > s.bottom && s.has_column(column))
                    && any(&right_of, &|s| column > s.right && s.has_row(row))
                    && any(&row_of, &|s| s.has_row(row))
                    && any(&column_of, &|s| s.has_column(column))
                    && texts.as_ref().is_none_or(|texts| texts.contains(&normalise(&text())))
                    && matches.as_ref().is_none_or(|matches| matches.is_match(&text()))
            })
            .collect();
        for text in selection.text.iter().flat_map(OneOrMany::as_slice) {
            if !chosen.iter().any(|cell| normalise(&cell.text()) == normalise(text)) {
                problems.push(Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(self.source),
                    format!("`{what}` is read from a cell that says `{text}`, and none does"),
                ));
            }
        }
        if chosen.is_empty() {
            problems.push(
                Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(self.source),
                    format!("the selection of `{what}` is empty"),
                )
                .hint("look at the sheet with `opeka ingest --preview`"),
            );
        }
        chosen
    }
}

/// The selected cells of one dimension, arranged for looking them up.
pub(crate) struct Attached<'a> {
    direction: Direction,
    attach: Attach,
    /// By row or column, as the direction asks; within it by the other coordinate.
    lines: BTreeMap<u32, BTreeMap<u32, (&'a Cell, Span)>>,
    /// The columns to prefer, in order, when a dimension names several.
    preferred: Vec<Span>,
}

impl<'a> Attached<'a> {
    pub(crate) fn new(view: &TableView<'a>, dimension: &Dimension, cells: &[&'a Cell]) -> Self {
        let direction = dimension.direction.unwrap_or(Direction::Left);
        let mut lines: BTreeMap<u32, BTreeMap<u32, (&Cell, Span)>> = BTreeMap::new();
        for cell in cells {
            let span = view.grid.span(cell.row, cell.column);
            let (from, to, at) = match direction {
                Direction::Left | Direction::Right => (span.top, span.bottom, cell.column),
                Direction::Up | Direction::Down => (span.left, span.right, cell.row),
            };
            // A merged cell stands on every line it covers; the file bounds its size, not us.
            let to = if dimension.attach == Attach::Closest { from } else { to.min(from + 20_000) };
            for line in from..=to {
                lines.entry(line).or_default().insert(at, (cell, span));
            }
        }
        let several = dimension.below.as_ref().is_some_and(|below| below.as_slice().len() > 1);
        let preferred = match &dimension.below {
            // The anchors were found before, or there are no cells to attach.
            Some(below) if several => view.anchors(below, &mut Problems::new()).unwrap_or_default(),
            _ => Vec::new(),
        };
        Self { direction, attach: dimension.attach, lines, preferred }
    }

    /// Whether it says which rows (`true`) or which columns (`false`) hold figures.
    pub(crate) fn by_row(&self) -> Option<bool> {
        (self.attach == Attach::Directly)
            .then_some(matches!(self.direction, Direction::Left | Direction::Right))
    }

    /// The rows, or columns, that it has a cell for.
    pub(crate) fn covered(&self) -> BTreeSet<u32> {
        self.lines.keys().copied().collect()
    }

    /// The cell that a figure at this place finds.
    pub(crate) fn find(&self, row: u32, column: u32) -> Option<&'a Cell> {
        match self.attach {
            Attach::Directly => self.directly(row, column),
            Attach::Closest => self.closest(row, column),
        }
    }

    fn directly(&self, row: u32, column: u32) -> Option<&'a Cell> {
        let (line, at) = match self.direction {
            Direction::Left | Direction::Right => (row, column),
            Direction::Up | Direction::Down => (column, row),
        };
        let cells = self.lines.get(&line)?;
        for span in &self.preferred {
            if let Some((_, (cell, _))) = cells.range(span.left..=span.right).next() {
                return Some(cell);
            }
        }
        let found = match self.direction {
            Direction::Left | Direction::Up => cells.range(..at).next_back(),
            Direction::Right | Direction::Down => cells.range(at + 1..).next(),
        };
        found.map(|(_, (cell, _))| *cell)
    }

    /// Headings that begin at or before the figure (by column when looking up or down, by row when
    /// looking left or right): the last to begin, and of those the nearest.
    fn closest(&self, row: u32, column: u32) -> Option<&'a Cell> {
        let (line, at) = match self.direction {
            Direction::Left | Direction::Right => (row, column),
            Direction::Up | Direction::Down => (column, row),
        };
        for cells in self.lines.range(..=line).rev().map(|(_, cells)| cells) {
            let found = match self.direction {
                Direction::Left | Direction::Up => cells.range(..at).next_back(),
                Direction::Right | Direction::Down => cells.range(at + 1..).next(),
            };
            if let Some((_, (cell, span))) = found {
                let merged = span.left != span.right || span.top != span.bottom;
                let covers = match self.direction {
                    Direction::Left | Direction::Right => span.has_row(row),
                    Direction::Up | Direction::Down => span.has_column(column),
                };
                let heading_only = match self.direction {
                    Direction::Left | Direction::Right => span.top == span.bottom,
                    Direction::Up | Direction::Down => span.left == span.right,
                };
                return (!merged || covers || heading_only).then_some(*cell);
            }
        }
        None
    }
}
