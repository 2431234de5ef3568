//! The declaration beside a metric's SQL.

use std::collections::BTreeMap;

use opeka_model::{Kind, Place, Problem, Problems, from_toml};
use serde::Deserialize;

use crate::check::Check;

/// `<name>.toml` beside `<name>.sql`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// What it shows, for people.
    pub title: String,
    /// How it is computed, and what one must know to read it.
    pub description: String,
    /// The columns that name a row: together they are unique and never null.
    pub grain: Vec<String>,
    /// Every column, with its meaning and unit.
    pub columns: BTreeMap<String, MetricColumn>,
    /// What must hold of the rows.
    #[serde(default)]
    pub checks: Vec<Check>,
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
    if !metric.columns.contains_key(CELLS) {
        wrong(
            "[columns]",
            format!("a metric has a column `{CELLS}`: the cells each row was made from"),
        );
    }
    for check in &metric.checks {
        if let Err(message) = check.validate() {
            wrong("[[checks]]", message);
        }
    }
    if problems.is_empty() { Ok(metric) } else { Err(problems) }
}
