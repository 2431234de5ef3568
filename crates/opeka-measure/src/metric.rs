//! The declaration beside a metric's SQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use opeka_model::{Kind, Place, Problem, Problems, from_toml};
use serde::Deserialize;

use crate::check::{Check, quote};

/// `<name>.toml` beside `<name>.sql`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// What it shows, for people.
    pub title: String,
    /// How it is computed, and what one must know to read it.
    pub description: String,
    /// What is counted; left out where the metric is no rate or share.
    pub numerator: Option<String>,
    /// Of what it is a rate or a share.
    pub denominator: Option<String>,
    /// By which rule the figures are computed, where the SQL functions do not say it.
    pub method: Option<String>,
    /// What a reader must not overlook.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// The columns that name a row: together they are unique and never null.
    pub grain: Vec<String>,
    /// Every column, with its meaning and unit.
    pub columns: BTreeMap<String, MetricColumn>,
    /// Which tests were adjusted together.
    #[serde(default)]
    pub families: Vec<Family>,
    /// What must hold of the rows.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Columns of its own rows in the release before, which its SQL reads as `<schema>.<name>_before`.
    /// There are no such rows where there is no release before.
    pub before: Option<BTreeMap<String, ColumnType>>,
    /// Whether its rows are told by the run: they have the columns of [`TOLD`].
    #[serde(default)]
    pub told: bool,
}

/// The columns of a metric whose rows the run tells: how much a row weighs (`note` or `warning`), the
/// file and line that it is about, what is to be said and what to do next, and the table that changed.
pub const TOLD: [&str; 6] = ["severity", "file", "line", "message", "hint", "changed"];

/// The type of a column of the release before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    Text,
    Number,
    Whole,
    Flag,
    Texts,
}

impl ColumnType {
    /// As Arrow has it.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Number => DataType::Float64,
            Self::Whole => DataType::Int64,
            Self::Flag => DataType::Boolean,
            Self::Texts => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        }
    }
}

/// Tests that are read together, and were adjusted for it: areas of one level, not parents and
/// children.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Which tests they are, in words.
    pub tests: String,
    /// The column of adjusted p-values; rows in which it is null are not in the family.
    pub adjusted: String,
    /// The columns that are the same in all rows of one family, as `partition by` says them.
    #[serde(default)]
    pub within: Vec<String>,
    /// The column of the level of the area, of which a family holds one.
    pub level: String,
}

impl Family {
    /// What must hold: one family has areas of one level.
    pub(crate) fn check(&self, table: &str) -> Check {
        let (adjusted, level) = (quote(&self.adjusted), quote(&self.level));
        let within: Vec<String> = self.within.iter().map(|column| quote(column)).collect();
        let within = match within.is_empty() {
            true => String::new(),
            false => format!("partition by {}", within.join(", ")),
        };
        let sql = format!(
            "select * from (select *, min({level}) over ({within}) as lowest, \
             max({level}) over ({within}) as highest from {table} where {adjusted} is not null) \
             where lowest <> highest"
        );
        let message = format!("`{}` was adjusted over areas of several levels", self.adjusted);
        Check { sql: Some(sql), message: Some(message), ..Check::default() }
    }
}

/// What a column means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricColumn {
    /// In a sentence.
    pub meaning: String,
    /// The unit of its values; left out for names and codes.
    #[serde(default)]
    pub unit: String,
}

/// The column in which every row of a metric names the cells that it was made from.
pub(crate) const CELLS: &str = "cells";

/// Reads a metric's declaration.
pub fn parse_metric(file: &str, text: &str) -> Result<Metric, Problems> {
    let metric: Metric = from_toml(file, text).map_err(Problems::from)?;
    let mut problems = Problems::new();
    let mut wrong = |needle: &str, message: String| {
        let line = text.lines().position(|line| line.contains(needle)).map_or(1, |i| i + 1);
        let place = Place::Text { file: file.to_owned(), line, column: None };
        problems.push(Problem::error(Kind::Declaration, place, message));
    };
    if metric.grain.is_empty() {
        wrong("grain", "a metric says which columns name a row".into());
    }
    for column in metric.grain.iter().filter(|column| !metric.columns.contains_key(*column)) {
        wrong("grain", format!("`{column}` of the grain is not among the columns"));
    }
    for family in &metric.families {
        let columns = family.within.iter().chain([&family.adjusted, &family.level]);
        for column in columns.filter(|column| !metric.columns.contains_key(*column)) {
            wrong("[[families]]", format!("`{column}` of a family is not among the columns"));
        }
    }
    if !metric.columns.contains_key(CELLS) {
        wrong(
            "[columns]",
            format!("a metric has a column `{CELLS}`: the cells each row was made from"),
        );
    }
    if metric.told {
        for column in TOLD.iter().filter(|column| !metric.columns.contains_key(**column)) {
            wrong("told", format!("a metric that is told by the run has a column `{column}`"));
        }
    }
    for column in metric.before.iter().flatten().map(|(name, _)| name) {
        if !metric.columns.contains_key(column) {
            wrong("[before]", format!("`{column}` of the release before is not among the columns"));
        }
    }
    for check in &metric.checks {
        if let Err(message) = check.validate() {
            wrong("[[checks]]", message);
        }
    }
    if problems.is_empty() { Ok(metric) } else { Err(problems) }
}
