//! A recipe while it is being proposed: what will be written, with a reason beside each line.

use std::collections::{BTreeMap, BTreeSet};

use crate::recipe::{Attach, Column, Direction};

/// What is said of a whole file.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) dataset: String,
    pub(super) source: String,
    pub(super) comma: bool,
    pub(super) marks: BTreeMap<String, DraftMark>,
    /// Marks that trail names and numbers.
    pub(super) footnotes: BTreeSet<String>,
    pub(super) tables: Vec<DraftTable>,
}

/// What a mark is taken to mean.
#[derive(Debug, Clone, Default)]
pub(super) struct DraftMark {
    /// Words of the file that explain it, where some were found.
    pub(super) legend: Option<String>,
    /// Where it stands first.
    pub(super) seen: String,
}

/// The sheets of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sheets {
    /// A format without sheets.
    Unnamed,
    One(String),
    /// Sheets of one layout.
    Many(Vec<String>),
}

/// What empty cells among the figures are taken for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Empties {
    /// There are none, so each is a problem.
    #[default]
    Due,
    /// Missing figures.
    Missing,
    /// No figures.
    Skipped,
}

/// One `[[table]]`.
#[derive(Debug, Clone)]
pub(super) struct DraftTable {
    pub(super) sheets: Sheets,
    pub(super) comments: Vec<String>,
    pub(super) after: Option<String>,
    pub(super) until: Option<String>,
    /// A text, or a regular expression, at which its blocks begin.
    pub(super) blocks: Option<Result<String, String>>,
    pub(super) figures_below: Vec<String>,
    pub(super) empty: Empties,
    pub(super) dimensions: BTreeMap<Column, DraftDimension>,
}

/// Where a dimension is read.
#[derive(Debug, Clone, Default)]
pub(super) struct DraftDimension {
    pub(super) comments: Vec<String>,
    /// One part, or several that are joined.
    pub(super) parts: Vec<Part>,
    pub(super) as_written: bool,
    pub(super) by: Option<String>,
    pub(super) values: BTreeMap<String, String>,
    pub(super) ignore: BTreeSet<String>,
    pub(super) ignore_comments: Vec<String>,
    pub(super) ignore_matches: Option<String>,
    pub(super) frequency: Option<&'static str>,
    pub(super) year_starts: Option<&'static str>,
}

impl DraftDimension {
    pub(super) fn of(part: Part) -> Self {
        Self { parts: vec![part], ..Self::default() }
    }

    pub(super) fn written(parts: Vec<Part>) -> Self {
        Self { parts, as_written: true, ..Self::default() }
    }

    pub(super) fn because(mut self, comment: impl Into<String>) -> Self {
        self.comments.push(comment.into());
        self
    }
}

/// One place of a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) source: Place,
    pub(super) direction: Option<Direction>,
    pub(super) attach: Attach,
    pub(super) extract: Option<String>,
}

/// What a part selects.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Constant(String),
    Sheet,
    File,
    Cells(Cells),
}

/// A selection.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cells {
    pub(super) below: Vec<String>,
    pub(super) right_of: Option<String>,
    pub(super) row_of: Vec<String>,
    pub(super) column_of: Option<String>,
    pub(super) text: Vec<String>,
    pub(super) matches: Option<String>,
    pub(super) indent: Vec<u32>,
    pub(super) bold: bool,
}

impl Part {
    pub(super) fn constant(code: impl Into<String>) -> Self {
        Self::without_cells(Place::Constant(code.into()))
    }

    pub(super) fn without_cells(source: Place) -> Self {
        Self { source, direction: None, attach: Attach::Directly, extract: None }
    }

    pub(super) fn cells(cells: Cells, direction: Direction, attach: Attach) -> Self {
        Self { source: Place::Cells(cells), direction: Some(direction), attach, extract: None }
    }

    /// One cell for the whole table.
    pub(super) fn of_table(cells: Cells) -> Self {
        Self { source: Place::Cells(cells), direction: None, attach: Attach::Table, extract: None }
    }

    pub(super) fn extracting(mut self, extract: impl Into<String>) -> Self {
        self.extract = Some(extract.into());
        self
    }
}
