//! A recipe: what to select in a sheet, said by what is written there and by direction.

use std::collections::BTreeMap;

use opeka_model::{Kind, Place, Problem, Problems};
use serde::Deserialize;

/// One recipe file. Its path is not part of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the figures are, for people.
    pub title: String,
    /// The data set that the figures belong to.
    pub dataset: String,
    /// The source, or several of one layout: paths below `datasets/sources`.
    pub source: OneOrMany,
    /// How numbers that are stored as text are written; a point by default.
    #[serde(default)]
    pub decimal: DecimalSign,
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

/// What a mark in place of a number means.
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
    /// The notes stand below the cell that reads so: `1. text`, `1) text`, `* text`.
    pub below: String,
    /// Marks other than superscripts that may trail a number or a name, such as `*`.
    #[serde(default)]
    pub marks: Vec<String>,
}

/// One table of a sheet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The sheet's name; left out for formats without sheets.
    pub sheet: Option<String>,
    /// The table ends above the first row, below its headings, with a cell that starts so.
    pub until: Option<String>,
    /// Where the figures are.
    #[serde(default)]
    pub observations: Selection,
    /// What to do with an empty cell among the figures; by default it is a problem.
    pub empty: Option<Mark>,
    /// Where the dimensions and attributes of a figure are written.
    pub dimensions: BTreeMap<Column, Dimension>,
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

/// Cells, selected by what is written. All that is said must hold.
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
}

impl Selection {
    /// The labels that it is anchored at.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = &OneOrMany> {
        [&self.below, &self.right_of, &self.row_of, &self.column_of].into_iter().flatten()
    }
}

/// Where one dimension of a figure is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// The same for every figure of the table; nothing else is said then.
    pub constant: Option<String>,
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
    /// Which way a figure looks for it.
    pub direction: Option<Direction>,
    /// How a figure finds its cell in that direction; `directly` by default.
    #[serde(default)]
    pub attach: Attach,
    /// Match what is written against this column of the code list only.
    pub by: Option<String>,
    /// What is written, and the code it means.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
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
        }
    }
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
}

/// Reads a recipe. All mistakes in its logic are found together; TOML itself stops at the first.
pub fn parse_recipe(file: &str, text: &str) -> Result<Recipe, Problems> {
    let recipe: Recipe = opeka_model::from_toml(file, text).map_err(Problems::from)?;
    let mut problems = Problems::new();
    let mut wrong = |needle: &str, message: String| {
        let line = text.lines().position(|line| line.contains(needle)).map_or(1, |i| i + 1);
        let place = Place::Text { file: file.to_owned(), line, column: None };
        problems.push(Problem::error(Kind::Declaration, place, message));
    };
    if recipe.tables.is_empty() {
        wrong("[[table]]", "a recipe reads at least one `[[table]]`".into());
    }
    for (mark, meaning) in &recipe.marks {
        if meaning.obs_status.is_none() && meaning.obs_value.is_none() {
            wrong(
                &format!("\"{mark}\""),
                format!("mark `{mark}` says neither `obs_status` nor `obs_value`"),
            );
        }
        if meaning.obs_value.is_some() && meaning.legend.is_none() {
            wrong(
                &format!("\"{mark}\""),
                format!(
                    "mark `{mark}` stands for a value, so `legend` must cite the publisher's words"
                ),
            );
        }
    }
    for table in &recipe.tables {
        for column in [Column::RefArea, Column::TimePeriod, Column::Indicator] {
            if !table.dimensions.contains_key(&column) {
                wrong("[[table]]", format!("a table says no `{}`", column.name()));
            }
        }
        for (column, dimension) in &table.dimensions {
            let name = column.name();
            let s = dimension.selection();
            let selects = s.anchors().next().is_some() || s.text.is_some() || s.matches.is_some();
            if dimension.constant.is_some() == selects {
                wrong(name, format!("`{name}` is either a `constant` or a selection"));
            }
            if selects && dimension.direction.is_none() {
                wrong(name, format!("`{name}` says no `direction` to look in"));
            }
            if let Some(Err(error)) = s.matches.as_deref().map(regex::Regex::new) {
                // The error draws the expression over several lines; its last says what is wrong.
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                wrong(name, format!("`matches` of `{name}` is no regular expression: {why}"));
            }
        }
    }
    if problems.is_empty() { Ok(recipe) } else { Err(problems) }
}
