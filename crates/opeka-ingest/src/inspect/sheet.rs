//! A sheet as a reader's eye takes it in: which cells are numbers, which are texts, and what covers
//! what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::codelist::normalise;
use crate::grid::{Cell, Grid, Span, Value};
use crate::numbers::{Decimal, parse_number};

/// What a cell is at first sight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A number, stored or written.
    Number(f64),
    /// A short text that may stand in the place of a number: `…`, `x`, `н/д`.
    Mark,
    /// Any other text.
    Text,
    /// A stored date.
    Date,
}

/// The longest text that is taken for a mark wherever it stands.
const MARK: usize = 4;

/// A sheet and its kinds.
pub(super) struct Sheet<'a> {
    pub(super) grid: &'a Grid,
    /// Rows that hold something, with their visible cells.
    pub(super) rows: BTreeMap<u32, Vec<Seen<'a>>>,
    /// How many cells of the whole sheet read so.
    counts: HashMap<String, u32>,
    /// Merged ranges that cover a row below their first, by row.
    reaching: BTreeMap<u32, Vec<Span>>,
}

/// A visible cell.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) cell: &'a Cell,
    pub(super) kind: Kind,
    pub(super) span: Span,
}

impl Seen<'_> {
    pub(super) fn number(&self) -> Option<f64> {
        match self.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number(_))
    }

    /// A whole number that a year may be.
    pub(super) fn is_year(&self) -> bool {
        self.number().is_some_and(is_year)
    }
}

pub(super) fn is_year(number: f64) -> bool {
    number.fract() == 0.0 && (1900.0..=2100.0).contains(&number)
}

impl<'a> Sheet<'a> {
    pub(super) fn new(grid: &'a Grid, decimal: Decimal) -> Self {
        // A cell under a merged range is hidden by it, and its content is often junk.
        let mut reaching: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
        let wide = |span: &&Span| span.bottom - span.top < 5000 && span.right - span.left < 20_000;
        for span in grid.merged().iter().filter(wide) {
            for row in span.top..=span.bottom {
                reaching.entry(row).or_default().push(*span);
            }
        }
        let mut rows: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
        let mut counts: HashMap<String, u32> = HashMap::new();
        for cell in grid.cells() {
            let text = cell.text();
            *counts.entry(normalise(&text)).or_default() += 1;
            if text.is_empty() {
                continue;
            }
            let spans = reaching.get(&cell.row).map(Vec::as_slice).unwrap_or_default();
            let over = spans.iter().find(|span| span.has_column(cell.column));
            if over.is_some_and(|span| (span.top, span.left) != (cell.row, cell.column)) {
                continue;
            }
            let kind = match &cell.value {
                Value::Number(number) => Kind::Number(*number),
                Value::Date(_) => Kind::Date,
                Value::Bool(_) | Value::Error(_) => Kind::Text,
                Value::Text(_) => match parse_number(&text, decimal) {
                    Some(number) => Kind::Number(number),
                    None if text.chars().count() <= MARK => Kind::Mark,
                    None => Kind::Text,
                },
            };
            let span = over.copied().unwrap_or(Span::cell(cell.row, cell.column));
            rows.entry(cell.row).or_default().push(Seen { cell, kind, span });
        }
        Self { grid, rows, counts, reaching }
    }

    pub(super) fn name(&self) -> Option<&'a str> {
        self.grid.name.as_deref()
    }

    pub(super) fn row(&self, row: u32) -> &[Seen<'a>] {
        self.rows.get(&row).map(Vec::as_slice).unwrap_or_default()
    }

    /// The cell that stands at, or covers, a place.
    pub(super) fn covering(&self, row: u32, column: u32) -> Option<Seen<'a>> {
        let spans = self.reaching.get(&row).map(Vec::as_slice).unwrap_or_default();
        let (row, column) = match spans.iter().find(|span| span.has_column(column)) {
            Some(span) => (span.top, span.left),
            None => (row, column),
        };
        self.row(row).iter().find(|seen| seen.cell.column == column).copied()
    }

    /// How many cells of the sheet read so; an anchor stands once.
    pub(super) fn count(&self, text: &str) -> u32 {
        self.counts.get(&normalise(text)).copied().unwrap_or(0)
    }

    /// All visible cells.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.rows.values().flatten()
    }
}

/// The decimal sign of the numbers written as text: the one that reads more of them.
pub(super) fn decimal_sign(sheets: &[Grid]) -> Decimal {
    let texts: BTreeSet<&str> = sheets
        .iter()
        .flat_map(Grid::cells)
        .filter_map(|cell| match &cell.value {
            Value::Text(text) if text.len() < 24 && text.bytes().any(|b| b.is_ascii_digit()) => {
                Some(&**text)
            }
            _ => None,
        })
        .collect();
    let reads = |decimal| texts.iter().filter(|text| parse_number(text, decimal).is_some()).count();
    if reads(Decimal::Comma) > reads(Decimal::Point) { Decimal::Comma } else { Decimal::Point }
}
