//! What a file holds before anybody has understood it: sheets of cells.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use opeka_model::{Place, a1};
use smol_str::SmolStr;

use crate::codelist::{may_read, normalise};

/// An opened file: its sheets in their order. A format without sheets has one, without a name.
#[derive(Debug, Clone)]
pub struct Workbook {
    /// Path below `datasets/sources`, for places and cell references.
    pub source: String,
    /// The sheets.
    pub sheets: Vec<Grid>,
}

impl Workbook {
    /// The sheet of that name; `None` asks for the only sheet of a format without sheets.
    pub fn sheet(&self, name: Option<&str>) -> Option<&Grid> {
        self.sheets.iter().find(|sheet| sheet.name.as_deref() == name)
    }
}

/// What a cell stores.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A stored number.
    Number(f64),
    /// A stored text; never parsed here. A short one lies in the cell, and a long one may be shared by
    /// many cells.
    Text(SmolStr),
    /// A stored date or time, as ISO 8601.
    Date(Box<str>),
    /// A stored truth value.
    Bool(bool),
    /// A stored error such as `#N/A`.
    Error(Box<str>),
}

/// One cell that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Row, from 0.
    pub row: u32,
    /// Column, from 0.
    pub column: u32,
    /// What is stored, without a superscript mark.
    pub value: Value,
    /// The superscript run that ended the text, such as `1` in `1234¹`; few cells have one.
    pub superscript: Option<Box<SmolStr>>,
    /// How it looks, where that may carry hierarchy.
    pub look: Look,
}

/// What the looks of a cell may say of hierarchy; plain where the format knows no looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Set in bold.
    pub bold: bool,
    /// Levels of indentation, of the cell's format; spaces before a text are not counted here.
    pub indent: u8,
    /// Shown as per cent: `0.25` reads `25%`.
    pub percent: bool,
}

impl Cell {
    /// A cell of a text, without a mark and without looks.
    pub fn of_text(row: u32, column: u32, text: impl Into<SmolStr>) -> Self {
        Self::plain(row, column, Value::Text(text.into()))
    }

    /// A cell without a mark and without looks.
    pub fn plain(row: u32, column: u32, value: Value) -> Self {
        Self { row, column, value, superscript: None, look: Look::default() }
    }

    /// What the cell says, without its superscript mark, spaces folded. Numbers are written in
    /// their shortest form: `2016`, `0.1`.
    pub fn text(&self) -> String {
        match &self.value {
            Value::Number(number) => format!("{number}"),
            Value::Text(text) => fold_spaces(text),
            Value::Date(date) => date.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Error(error) => error.to_string(),
        }
    }

    /// Levels of indentation: of the format or, where that has none, spaces before the text.
    pub fn indent(&self) -> u32 {
        match &self.value {
            Value::Text(text) if self.look.indent == 0 => {
                text.chars().take_while(|c| c.is_whitespace() && *c != '\n').count() as u32
            }
            _ => u32::from(self.look.indent),
        }
    }

    /// Whether the cell reads so, in this normalised spelling.
    pub(crate) fn reads(&self, normalised: &str) -> bool {
        self.may_read(normalised) && normalise(&self.text()) == normalised
    }

    /// Whether what the cell reads begins so, in this normalised spelling.
    pub(crate) fn starts(&self, normalised: &str) -> bool {
        self.may_read(normalised) && normalise(&self.text()).starts_with(normalised)
    }

    fn may_read(&self, normalised: &str) -> bool {
        match &self.value {
            Value::Text(text) => may_read(text, normalised),
            Value::Number(_) => normalised.starts_with(|c: char| c.is_ascii_digit() || c == '-'),
            _ => true,
        }
    }

    /// What the cell says as a whole: the text, and its mark as `1234^1`.
    pub fn whole_text(&self) -> String {
        match &self.superscript {
            Some(mark) => format!("{}^{mark}", self.text()),
            None => self.text(),
        }
    }
}

/// Runs of white space (line breaks, no-break and thin spaces too) as one space, ends trimmed.
pub(crate) fn fold_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A rectangle of cells that share one value; bounds are inclusive and count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub top: u32,
    pub left: u32,
    pub bottom: u32,
    pub right: u32,
}

impl Span {
    /// A single cell.
    pub fn cell(row: u32, column: u32) -> Self {
        Self { top: row, left: column, bottom: row, right: column }
    }

    /// Whether it covers the row.
    pub fn has_row(&self, row: u32) -> bool {
        (self.top..=self.bottom).contains(&row)
    }

    /// Whether it covers the column.
    pub fn has_column(&self, column: u32) -> bool {
        (self.left..=self.right).contains(&column)
    }
}

/// One sheet: its cells that are not empty, in row-major order. Memory follows the cells, never
/// the range that the file claims to use.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// The sheet's name, where the format has sheets.
    pub name: Option<String>,
    cells: Vec<Cell>,
    merged: Vec<Span>,
    merged_at: HashMap<(u32, u32), usize>,
    /// For each merged range, the last row of it and of all before it.
    merged_to: Vec<u32>,
    /// Cells that a merged one hides, in row-major order.
    hidden: Vec<(u32, u32)>,
    addresses: Addresses,
}

/// How the cells of a grid are named in their file.
#[derive(Debug, Clone, Default)]
enum Addresses {
    /// As spreadsheets do.
    #[default]
    A1,
    /// By the line of each row, and the number of the field in it.
    Lines(Vec<u64>),
    /// By paths in a structured file.
    Paths(Arc<dyn Paths>),
}

/// Names the cells of a structured file (XML, JSON) by their paths in it. Computed, not kept: a path
/// for each cell would take more memory than the cells.
pub(crate) trait Paths: std::fmt::Debug + Send + Sync {
    /// The path of a cell.
    fn path(&self, row: u32, column: u32) -> String;
    /// The cell at a path that [`Paths::path`] gave.
    fn cell(&self, path: &str) -> Option<(u32, u32)>;
}

impl Grid {
    /// A sheet of a workbook.
    pub fn sheet(name: impl Into<String>, mut cells: Vec<Cell>, mut merged: Vec<Span>) -> Self {
        // Most readers push cells in their order.
        let place = |cell: &Cell| (cell.row, cell.column);
        if !cells.is_sorted_by(|one, two| place(one) < place(two)) {
            cells.sort_by_key(place);
            cells.dedup_by_key(|cell| (cell.row, cell.column));
        }
        merged.sort_unstable();
        let merged_at =
            merged.iter().enumerate().map(|(i, span)| ((span.top, span.left), i)).collect();
        let furthest = merged.iter().scan(0, |to, span: &Span| {
            *to = span.bottom.max(*to);
            Some(*to)
        });
        let merged_to = furthest.collect();
        let hidden = hidden(&cells, &merged);
        Self {
            name: Some(name.into()),
            cells,
            merged,
            merged_at,
            merged_to,
            hidden,
            addresses: Addresses::A1,
        }
    }

    /// A table of a format without sheets; `lines` holds, for each row, its line in the file.
    pub fn table(cells: Vec<Cell>, lines: Vec<u64>) -> Self {
        let addresses = Addresses::Lines(lines);
        Self { name: None, addresses, ..Self::sheet("", cells, Vec::new()) }
    }

    /// A table of a structured file, named where the file holds several.
    pub(crate) fn structured(
        name: Option<String>,
        cells: Vec<Cell>,
        paths: Arc<dyn Paths>,
    ) -> Self {
        let addresses = Addresses::Paths(paths);
        Self { name, addresses, ..Self::sheet("", cells, Vec::new()) }
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cell at a place, if it is not empty.
    pub fn get(&self, row: u32, column: u32) -> Option<&Cell> {
        self.cells
            .binary_search_by_key(&(row, column), |cell| (cell.row, cell.column))
            .ok()
            .map(|found| &self.cells[found])
    }

    /// The cells of one row.
    pub fn row(&self, row: u32) -> &[Cell] {
        let start = self.cells.partition_point(|cell| cell.row < row);
        let end = self.cells.partition_point(|cell| cell.row <= row);
        &self.cells[start..end]
    }

    /// The cells of the rows from one up to, and without, another.
    pub(crate) fn rows(&self, from: u32, to: u32) -> &[Cell] {
        let start = self.cells.partition_point(|cell| cell.row < from);
        let end = self.cells.partition_point(|cell| cell.row < to);
        &self.cells[start..end.max(start)]
    }

    /// The rectangle a cell stands for: its merged range when it is the first cell of one,
    /// otherwise itself.
    pub fn span(&self, row: u32, column: u32) -> Span {
        match self.merged_at.get(&(row, column)) {
            Some(&index) => self.merged[index],
            None => Span::cell(row, column),
        }
    }

    /// The first cell of the merged range in which a cell lies without being that first one; `None`
    /// where it is empty.
    pub fn covering(&self, row: u32, column: u32) -> Option<&Cell> {
        let begun = self.merged.partition_point(|span| span.top <= row);
        let candidates = self.merged[..begun].iter().zip(&self.merged_to[..begun]).rev();
        let mut covering =
            candidates.take_while(|(_, furthest)| **furthest >= row).filter(|(span, _)| {
                span.has_row(row)
                    && span.has_column(column)
                    && (span.top, span.left) != (row, column)
            });
        covering.find_map(|(span, _)| self.get(span.top, span.left))
    }

    /// Whether a merged cell that is not empty hides this one: some programs leave a text in each.
    pub fn is_hidden(&self, row: u32, column: u32) -> bool {
        self.hidden.binary_search(&(row, column)).is_ok()
    }

    /// The merged ranges.
    pub fn merged(&self) -> &[Span] {
        &self.merged
    }

    /// The address of a cell: A1 in a sheet, `R<line>C<column>` in a text, a path in XML and JSON.
    pub fn address(&self, row: u32, column: u32) -> String {
        match &self.addresses {
            Addresses::A1 => a1(row, column),
            Addresses::Paths(paths) => paths.path(row, column),
            Addresses::Lines(lines) => {
                let line = lines.get(row as usize).copied().unwrap_or(u64::from(row) + 1);
                format!("R{line}C{}", u64::from(column) + 1)
            }
        }
    }

    /// The cell at an address that [`Grid::address`] gave.
    pub fn at(&self, address: &str) -> Option<&Cell> {
        match &self.addresses {
            Addresses::A1 => {
                let (row, column) = opeka_model::parse_a1(address)?;
                self.get(row, column)
            }
            Addresses::Paths(paths) => {
                let (row, column) = paths.cell(address)?;
                self.get(row, column)
            }
            Addresses::Lines(lines) => {
                let (line, column) = address.strip_prefix('R')?.split_once('C')?;
                let line: u64 = line.parse().ok()?;
                let row = lines.binary_search(&line).ok()?;
                self.get(u32::try_from(row).ok()?, column.parse::<u32>().ok()?.checked_sub(1)?)
            }
        }
    }

    /// The place of a cell, for a problem.
    pub fn place(&self, source: &str, row: u32, column: u32) -> Place {
        Place::Cell {
            file: source.to_owned(),
            sheet: self.name.clone(),
            cell: self.address(row, column),
        }
    }

    /// The place of the sheet, for a problem.
    pub fn sheet_place(&self, source: &str) -> Place {
        match &self.name {
            Some(sheet) => Place::Sheet { file: source.to_owned(), sheet: sheet.clone() },
            None => Place::File { file: source.to_owned() },
        }
    }
}

/// The cells that lie in a merged range whose first cell is not empty, without being that first one.
/// Memory and time follow the cells and the ranges, not what the ranges cover.
fn hidden(cells: &[Cell], merged: &[Span]) -> Vec<(u32, u32)> {
    if merged.is_empty() {
        return Vec::new();
    }
    let filled = |span: &&Span| {
        let first = (span.top, span.left);
        cells.binary_search_by_key(&first, |cell| (cell.row, cell.column)).is_ok()
    };
    let mut coming = merged.iter().filter(filled).peekable();
    // The ranges that reach into the row, by their first column; ranges do not overlap.
    let mut open: BTreeMap<u32, Span> = BTreeMap::new();
    let mut hidden = Vec::new();
    let mut row = None;
    for cell in cells {
        if row != Some(cell.row) {
            row = Some(cell.row);
            open.retain(|_, span| span.bottom >= cell.row);
            while let Some(span) = coming.next_if(|span| span.top <= cell.row) {
                if span.bottom >= cell.row {
                    open.insert(span.left, *span);
                }
            }
        }
        let before = open.range(..=cell.column).next_back();
        if before.is_some_and(|(_, span)| {
            span.has_column(cell.column) && (span.top, span.left) != (cell.row, cell.column)
        }) {
            hidden.push((cell.row, cell.column));
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_small() {
        // A file of a hundred megabytes has ten million of them.
        assert!(size_of::<Cell>() <= 48, "{}", size_of::<Cell>());
    }
}
