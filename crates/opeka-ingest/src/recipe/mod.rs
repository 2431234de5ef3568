//! A recipe: what to select in a sheet, said by what is written there and by direction.

mod check;
mod dimension;
mod table;

use std::collections::BTreeMap;

use opeka_model::Problems;
use serde::Deserialize;

pub use dimension::{Attach, Dimension, Direction, From, Step};
pub use table::{Blocks, Column, Empty, EmptyWord, Indents, Matching, Selection, Table};

/// One recipe file. Its path is not part of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the figures are, for people.
    pub title: String,
    /// The data set that the figures belong to.
    pub dataset: String,
    /// The source, or several of one layout: paths below `datasets/sources`, or patterns of them in
    /// which `*` stands for any part of a name and `**` for any folders.
    pub source: OneOrMany,
    /// How numbers that are stored as text are written; a point by default.
    #[serde(default)]
    pub decimal: DecimalSign,
    /// What brackets around a number mean; unsaid, such a number is refused.
    pub brackets: Option<Brackets>,
    /// What a number written as per cent counts as.
    #[serde(default)]
    pub percent: Percent,
    /// Words that multiply the number before them, such as `тыс.` by 1000.
    #[serde(default)]
    pub scales: BTreeMap<String, f64>,
    /// What the publisher's marks mean, by the mark.
    #[serde(default)]
    pub marks: BTreeMap<String, Mark>,
    /// Where the notes to footnote marks stand.
    pub footnotes: Option<Footnotes>,
    /// The tables to read.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
}

/// One text, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The texts, in their order.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// The decimal sign of numbers that are stored as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum DecimalSign {
    /// `1,234.5`
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `1 234,5`
    #[serde(rename = ",")]
    Comma,
}

/// What brackets around a number mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Brackets {
    /// `(12,3)` is −12.3, as bookkeepers write it.
    Negative,
}

/// What a number written as per cent counts as: the text `12,3%`, or 0.123 stored with a format that
/// shows it so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Percent {
    /// As it is shown: 12.3.
    #[default]
    Shown,
    /// As a fraction: 0.123.
    Fraction,
}

/// What a mark in place of a number, or behind one, means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// A letter of `CL_OBS_STATUS`.
    pub obs_status: Option<String>,
    /// A letter of `CL_CONF_STATUS`.
    pub conf_status: Option<String>,
    /// The true value that the mark stands for; only where the publisher says so in `legend`.
    pub obs_value: Option<f64>,
    /// The words of the workbook that say what the mark means; they must stand in some cell.
    pub legend: Option<String>,
}

/// Where the notes to footnote marks stand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footnotes {
    /// The sheet of the notes; by default each table's own.
    pub sheet: Option<String>,
    /// The notes stand below the cell that reads so: `1. text`, `1) text`, `* text`; without it, below
    /// the last figure of the table.
    pub below: Option<String>,
    /// Marks other than superscripts that may trail a number or a name, such as `*` or `2)`. One of
    /// bare digits is split from a name only, and only after a space.
    #[serde(default)]
    pub marks: Vec<String>,
}

/// Reads a recipe. All mistakes in its logic are found together; TOML itself stops at the first.
pub fn parse_recipe(file: &str, text: &str) -> Result<Recipe, Problems> {
    let recipe: Recipe = opeka_model::from_toml(file, text).map_err(Problems::from)?;
    let problems = check::check(&recipe, file, text);
    if problems.is_empty() { Ok(recipe) } else { Err(problems) }
}

impl Recipe {
    /// The files of answers that its dimensions name, each once.
    pub fn maps(&self) -> Vec<&str> {
        let dimensions = self.tables.iter().flat_map(|table| table.dimensions.values());
        let mut maps: Vec<&str> = dimensions.filter_map(|d| d.map.as_deref()).collect();
        maps.sort_unstable();
        maps.dedup();
        maps
    }

    /// Gives the dimensions that name a file of answers what it says.
    pub fn answer(&mut self, map: &str, answers: &BTreeMap<String, Option<String>>) {
        let dimensions = self.tables.iter_mut().flat_map(|table| table.dimensions.values_mut());
        for dimension in dimensions.filter(|d| d.map.as_deref() == Some(map)) {
            dimension.answers = answers.clone();
        }
    }

    /// The dimensions whose labels are taken for codes as they are written.
    pub fn as_written(&self) -> Vec<Column> {
        let dimensions = self.tables.iter().flat_map(|table| &table.dimensions);
        let mut columns: Vec<Column> =
            dimensions.filter(|(_, d)| d.as_written).map(|(column, _)| *column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}
