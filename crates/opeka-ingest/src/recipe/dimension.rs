//! Where one dimension of a figure is written, and what is made of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Indents, OneOrMany, Selection};

/// Where one dimension of a figure is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// The same for every figure of the table; nothing else is said then.
    pub constant: Option<String>,
    /// The name of the sheet, or of the file, instead of a cell.
    pub from: Option<From>,
    /// See [`Selection::below`]. Of several columns, the first that is filled counts.
    pub below: Option<OneOrMany>,
    /// See [`Selection::right_of`].
    pub right_of: Option<OneOrMany>,
    /// See [`Selection::row_of`].
    pub row_of: Option<OneOrMany>,
    /// See [`Selection::column_of`].
    pub column_of: Option<OneOrMany>,
    /// See [`Selection::text`].
    pub text: Option<OneOrMany>,
    /// See [`Selection::matches`].
    pub matches: Option<String>,
    /// See [`Selection::not`].
    pub not: Option<OneOrMany>,
    /// See [`Selection::bold`].
    pub bold: Option<bool>,
    /// See [`Selection::indent`].
    pub indent: Option<Indents>,
    /// Which way a figure looks for it.
    pub direction: Option<Direction>,
    /// How a figure finds its cell in that direction; `directly` by default.
    #[serde(default)]
    pub attach: Attach,
    /// Of the label, only what the first group of this regular expression matches counts; the whole
    /// match where it has no group.
    pub extract: Option<String>,
    /// Match what is written against this column of the code list only.
    pub by: Option<String>,
    /// What is written, and the code it means; of several codes, the first cell that reads so has the
    /// first, the second the second.
    #[serde(default)]
    pub values: BTreeMap<String, OneOrMany>,
    /// A file beside the recipe with what is written and the code it means.
    pub map: Option<String>,
    /// That file, once it is read; a label without a code is one whose figures are left out.
    #[serde(skip)]
    pub answers: BTreeMap<String, Option<String>>,
    /// Labels whose figures are left out.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// The same, by a regular expression for whole labels.
    pub ignore_matches: Option<String>,
    /// A label made of several, each found in its own way.
    #[serde(default)]
    pub parts: Vec<Dimension>,
    /// The label itself is the code, and no code list is asked.
    #[serde(default)]
    pub as_written: bool,
    /// For periods: a stored date that begins such a period stands for it.
    pub frequency: Option<Step>,
    /// For periods: the month and day on which a year such as `2016/17` begins, as `04-01`.
    pub year_starts: Option<String>,
}

impl Dimension {
    /// The part that selects cells.
    pub fn selection(&self) -> Selection {
        Selection {
            below: self.below.clone(),
            right_of: self.right_of.clone(),
            row_of: self.row_of.clone(),
            column_of: self.column_of.clone(),
            text: self.text.clone(),
            matches: self.matches.clone(),
            not: self.not.clone(),
            bold: self.bold,
            indent: self.indent.clone(),
        }
    }
}

/// A name that stands for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// The sheet's.
    Sheet,
    /// The file's, without its folders.
    File,
}

/// Which way a figure looks for a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

/// How a figure finds its cell in a direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    /// On the very same row or column; a merged cell stands for all that it covers.
    #[default]
    Directly,
    /// The nearest one that begins at or before the figure: a heading covers what follows it, up
    /// to the next heading, and a merged heading no more than its range.
    Closest,
    /// The nearest one on either side: a heading that stands above the middle of what it covers. A
    /// draw is refused.
    Nearest,
    /// The one cell that is selected, for every figure of the table; no direction is said.
    Table,
}

/// The period that a date begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Step {
    #[serde(rename = "A")]
    Year,
    #[serde(rename = "Q")]
    Quarter,
    #[serde(rename = "M")]
    Month,
}

impl Step {
    /// In months.
    pub(crate) fn months(self) -> u32 {
        match self {
            Self::Year => 12,
            Self::Quarter => 3,
            Self::Month => 1,
        }
    }
}
