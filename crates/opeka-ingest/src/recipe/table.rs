//! One table of a recipe, and the selections in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Dimension, Mark, OneOrMany};

/// One table: of one sheet, or of each of several.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The sheet's name; left out for formats without sheets.
    pub sheet: Option<String>,
    /// A regular expression: every sheet whose whole name matches has this table.
    pub sheets: Option<String>,
    /// Sheets that match and do not have it.
    #[serde(default)]
    pub except: Vec<String>,
    /// The table begins at the row of the first cell that starts so.
    pub after: Option<String>,
    /// The table ends above the first row, below its headings, with a cell that starts so.
    pub until: Option<String>,
    /// The table repeats: one block for each cell that reads so, down to the next and, where several
    /// begin on one row, right to the next.
    pub blocks: Option<Blocks>,
    /// Where the figures are.
    #[serde(default)]
    pub observations: Selection,
    /// What to do with an empty cell among the figures; by default it is a problem.
    pub empty: Option<Empty>,
    /// How many decimals the figures have at most; one with more is kept, and told. By default none,
    /// where the unit is one of whole things.
    pub decimals: Option<u32>,
    /// What all figures are multiplied by, where a heading says `thousands`.
    pub scale: Option<f64>,
    /// The figures cumulate within the year. Each is kept, for the months from January, and the flow of
    /// its month is made beside it.
    #[serde(default)]
    pub cumulative: bool,
    /// Where the dimensions and attributes of a figure are written.
    pub dimensions: BTreeMap<Column, Dimension>,
}

/// What an empty cell among the figures means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Empty {
    /// `"skip"`: no figure is due there, as the layout leaves cells empty.
    Word(EmptyWord),
    /// A status.
    Mark(Mark),
}

/// The words for an empty cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyWord {
    Skip,
}

/// The cells at which the blocks of a table begin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Blocks {
    /// Reading so.
    Text(String),
    /// Matching a regular expression as a whole.
    Matching(Matching),
}

/// A regular expression for whole cells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    pub matches: String,
}

/// Levels of indentation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Indents {
    One(u32),
    Many(Vec<u32>),
}

impl Indents {
    /// Whether it names the level.
    pub fn contains(&self, level: u32) -> bool {
        match self {
            Self::One(one) => *one == level,
            Self::Many(many) => many.contains(&level),
        }
    }
}

/// A column of an observation that a recipe may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    TimePeriod,
    RefArea,
    Indicator,
    CareForm,
    UnitMeasure,
    ObsStatus,
    ConfStatus,
    Note,
}

impl Column {
    /// Its name in recipes, Parquet and SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimePeriod => "time_period",
            Self::RefArea => "ref_area",
            Self::Indicator => "indicator",
            Self::CareForm => "care_form",
            Self::UnitMeasure => "unit_measure",
            Self::ObsStatus => "obs_status",
            Self::ConfStatus => "conf_status",
            Self::Note => "note",
        }
    }

    /// The code list that its values come from.
    pub fn codelist(self) -> Option<&'static str> {
        match self {
            Self::RefArea => Some("regions"),
            Self::Indicator => Some("indicators"),
            Self::CareForm => Some("care_forms"),
            Self::UnitMeasure => Some("units"),
            Self::ObsStatus => Some("obs_status"),
            Self::ConfStatus => Some("conf_status"),
            Self::TimePeriod | Self::Note => None,
        }
    }
}

/// Cells, selected by what is written and how it looks. All that is said must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Below a cell that reads so, within its columns (a merged heading covers several).
    pub below: Option<OneOrMany>,
    /// Right of a cell that reads so, within its rows.
    pub right_of: Option<OneOrMany>,
    /// In the rows of a cell that reads so, itself too.
    pub row_of: Option<OneOrMany>,
    /// In the columns of a cell that reads so, itself too.
    pub column_of: Option<OneOrMany>,
    /// Reading exactly one of these.
    pub text: Option<OneOrMany>,
    /// Matching a regular expression as a whole.
    pub matches: Option<String>,
    /// Reading none of these.
    pub not: Option<OneOrMany>,
    /// Set in bold, or not.
    pub bold: Option<bool>,
    /// Indented by so many levels: of the cell's format or, where that has none, spaces before the text.
    pub indent: Option<Indents>,
}

impl Selection {
    /// The labels that it is anchored at.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = &OneOrMany> {
        [&self.below, &self.right_of, &self.row_of, &self.column_of].into_iter().flatten()
    }

    /// Whether it says anything.
    pub(crate) fn is_said(&self) -> bool {
        self.anchors().next().is_some()
            || self.text.is_some()
            || self.matches.is_some()
            || self.bold.is_some()
            || self.indent.is_some()
    }
}
