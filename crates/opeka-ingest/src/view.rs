//! The part of a sheet in which a table is looked for: the whole, or one block of several.

use std::collections::BTreeSet;

use opeka_model::{Kind, Problem, Problems};
use regex::Regex;

use crate::codelist::normalise;
use crate::grid::{Cell, Grid, Span};
use crate::recipe::{Blocks, OneOrMany, Table};

/// Rows and columns; the ends are no longer part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) top: u32,
    pub(crate) bottom: u32,
    pub(crate) left: u32,
    pub(crate) right: u32,
}

impl Area {
    const WHOLE: Self = Self { top: 0, bottom: u32::MAX, left: 0, right: u32::MAX };
}

/// A sheet, and the area of it in which one table, or one block of a table, stands.
#[derive(Clone, Copy)]
pub(crate) struct TableView<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) source: &'a str,
    pub(crate) area: Area,
}

impl<'a> TableView<'a> {
    /// The views of a table: one, or one for each of its blocks. Empty with a problem where what
    /// bounds the table is not there.
    pub(crate) fn of(
        grid: &'a Grid,
        source: &'a str,
        table: &Table,
        anchors: &[&OneOrMany],
        problems: &mut Problems,
    ) -> Vec<Self> {
        let mut view = Self { grid, source, area: Area::WHOLE };
        if let Some(after) = &table.after {
            match view.row_starting(after, None) {
                Some(row) => view.area.top = row,
                None => {
                    problems.push(view.bound_missing("begins at", "after", after));
                    return Vec::new();
                }
            }
        }
        let starts = match &table.blocks {
            None => Vec::new(),
            Some(blocks) => {
                let starts = view.starts(blocks);
                if starts.is_empty() {
                    let wanted = match blocks {
                        Blocks::Text(text) => format!("reads `{text}`"),
                        Blocks::Matching(m) => format!("matches `{}`", m.matches),
                    };
                    let message = format!(
                        "the blocks of the table begin at a cell that {wanted}, and none does"
                    );
                    problems.push(view.missing(message, "blocks"));
                    return Vec::new();
                }
                starts
            }
        };
        if let Some(until) = &table.until {
            let labels = anchors.iter().flat_map(|anchor| anchor.as_slice());
            // Of headings that repeat in a table below, the first counts.
            let first = |label: &String| view.reading(label).first().map(|span| span.bottom);
            let headings = labels.filter_map(first);
            // With blocks the headings repeat, and the table ends below the first of them.
            let lowest = match starts.first() {
                Some((row, _)) => Some(*row),
                None => headings.max(),
            };
            match view.row_starting(until, lowest) {
                Some(row) => view.area.bottom = row,
                // The table is read to the end of the sheet, so that its problems are told too.
                None => problems.push(view.bound_missing("ends above", "until", until)),
            }
        }
        if table.blocks.is_none() {
            return vec![view];
        }
        let starts: Vec<(u32, u32)> =
            starts.into_iter().filter(|(row, _)| *row < view.area.bottom).collect();
        view.split(&starts)
    }

    /// The cells of the area that are to be seen.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &'a Cell> + use<'a> {
        let Area { top, bottom, left, right } = self.area;
        let grid = self.grid;
        let cells = grid.rows(top, bottom).iter();
        cells.filter(move |cell| {
            (left..right).contains(&cell.column) && !grid.is_hidden(cell.row, cell.column)
        })
    }

    /// The first row, below another, with a cell that starts so.
    fn row_starting(&self, text: &str, below: Option<u32>) -> Option<u32> {
        let wanted = normalise(text);
        let mut cells = self.cells().filter(|cell| below.is_none_or(|below| cell.row > below));
        cells.find(|cell| normalise(&cell.text()).starts_with(&wanted)).map(|cell| cell.row)
    }

    /// Where the blocks begin, row by row.
    fn starts(&self, blocks: &Blocks) -> Vec<(u32, u32)> {
        let (text, matches) = match blocks {
            Blocks::Text(text) => (Some(normalise(text)), None),
            Blocks::Matching(m) => (None, Regex::new(&format!("^(?:{})$", m.matches)).ok()),
        };
        let begins = |cell: &&Cell| {
            text.as_ref().is_some_and(|text| normalise(&cell.text()) == *text)
                || matches.as_ref().is_some_and(|matches| matches.is_match(&cell.text()))
        };
        self.cells().filter(begins).map(|cell| (cell.row, cell.column)).collect()
    }

    /// The area in bands of rows, one for each row on which blocks begin, and each band in as many
    /// columns as begin there.
    fn split(&self, starts: &[(u32, u32)]) -> Vec<Self> {
        let rows: BTreeSet<u32> = starts.iter().map(|(row, _)| *row).collect();
        let mut views = Vec::new();
        for row in &rows {
            let bottom = rows.range(row + 1..).next().copied().unwrap_or(self.area.bottom);
            let columns: Vec<u32> =
                starts.iter().filter(|(r, _)| r == row).map(|(_, column)| *column).collect();
            for (index, column) in columns.iter().enumerate() {
                // What stands left of the first block belongs to it.
                let left = if index == 0 { self.area.left } else { *column };
                let right = columns.get(index + 1).copied().unwrap_or(self.area.right);
                views.push(Self { area: Area { top: *row, bottom, left, right }, ..*self });
            }
        }
        views
    }

    fn missing(&self, message: String, key: &str) -> Problem {
        Problem::error(Kind::Layout, self.grid.sheet_place(self.source), message).hint(format!(
            "look whether the publisher renamed it; then change `{key}` in the recipe"
        ))
    }

    fn bound_missing(&self, how: &str, key: &str, text: &str) -> Problem {
        let row = if key == "after" { "the" } else { "a" };
        let message =
            format!("the table {how} {row} row that starts `{text}`, and no such row was found");
        self.missing(message, key)
    }

    /// The spans of all cells of the area that read so.
    pub(crate) fn reading(&self, label: &str) -> Vec<Span> {
        let wanted = normalise(label);
        let cells = self.cells().filter(|cell| normalise(&cell.text()) == wanted);
        cells.map(|cell| self.grid.span(cell.row, cell.column)).collect()
    }
}
