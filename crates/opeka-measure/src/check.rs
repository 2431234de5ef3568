//! What must hold of rows: declared as data, run as SQL that must return no rows.

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use opeka_model::{Kind, Place, Problem, Problems};
use serde::Deserialize;

use crate::engine::{Engine, TableName};
use crate::metric::CELLS;

/// One check; exactly one of its kinds is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// These columns are never null.
    pub not_null: Option<Vec<String>>,
    /// No two rows agree in all of these columns.
    pub unique: Option<Vec<String>>,
    /// A column's values lie within bounds, both inclusive.
    pub range: Option<Range>,
    /// A column's values stand in a column of another table.
    #[serde(rename = "in")]
    pub member: Option<Member>,
    /// A query that must return no rows.
    pub sql: Option<String>,
    /// What it means when the check fails; due with `sql`.
    pub message: Option<String>,
}

/// Bounds of a column's values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub column: String,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// A column whose values stand in `table.column`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub column: String,
    /// A table and its column: `codelists.regions.code`.
    pub of: String,
}

impl Check {
    /// Whether exactly one kind is said, in full.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let kinds = [
            self.not_null.is_some(),
            self.unique.is_some(),
            self.range.is_some(),
            self.member.is_some(),
            self.sql.is_some(),
        ];
        match kinds.iter().filter(|kind| **kind).count() {
            1 if self.sql.is_some() && self.message.is_none() => {
                Err("a check by `sql` says in `message` what it means when rows come back".into())
            }
            1 => Ok(()),
            _ => Err("a check says one of `not_null`, `unique`, `range`, `in`, `sql`".into()),
        }
    }

    /// What must hold, in words, for the page of a metric.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let list = |columns: &[String]| format!("`{}`", columns.join("`, `"));
        words.extend(
            self.not_null.iter().map(|columns| format!("{} are never null", list(columns))),
        );
        words.extend(
            self.unique.iter().map(|columns| format!("no two rows agree in {}", list(columns))),
        );
        words.extend(self.range.iter().map(|Range { column, min, max }| match (min, max) {
            (Some(min), Some(max)) => format!("`{column}` lies between {min} and {max}"),
            (Some(min), None) => format!("`{column}` is {min} or more"),
            (None, Some(max)) => format!("`{column}` is {max} or less"),
            (None, None) => format!("`{column}` is a number"),
        }));
        words.extend(
            self.member.iter().map(|m| format!("every `{}` stands in `{}`", m.column, m.of)),
        );
        words.extend(self.sql.iter().filter_map(|_| self.message.clone()));
        words
    }

    /// The query that must return no rows, and what a returned row means.
    fn queries(&self, table: &str) -> Vec<(String, String)> {
        let mut queries = Vec::new();
        let mut add = |sql: String, message: String| {
            queries.push((sql, self.message.clone().unwrap_or(message)));
        };
        for column in self.not_null.iter().flatten() {
            add(
                format!("select * from {table} where {} is null", quote(column)),
                format!("`{column}` is null"),
            );
        }
        if let Some(columns) = &self.unique {
            let list = columns.iter().map(|c| quote(c)).collect::<Vec<_>>().join(", ");
            add(
                // All columns of the rows that agree, so that their cells are shown.
                format!(
                    "select * from (select *, count(*) over (partition by {list}) as same_key \
                     from {table}) where same_key > 1 order by {list}"
                ),
                format!("`{}` is not unique", columns.join(", ")),
            );
        }
        if let Some(Range { column, min, max }) = &self.range {
            let quoted = quote(column);
            let low = min.map(|min| format!("{quoted} < {min:?}"));
            let high = max.map(|max| format!("{quoted} > {max:?}"));
            let outside: Vec<String> = low.into_iter().chain(high).collect();
            if !outside.is_empty() {
                let message = match (min, max) {
                    (Some(min), Some(max)) => format!("`{column}` lies outside {min} to {max}"),
                    (Some(min), None) => format!("`{column}` is less than {min}"),
                    (None, Some(max)) => format!("`{column}` is more than {max}"),
                    (None, None) => String::new(),
                };
                add(format!("select * from {table} where {}", outside.join(" or ")), message);
            }
        }
        if let Some(Member { column, of }) = &self.member {
            let (list, key) = of.rsplit_once('.').unwrap_or((of.as_str(), "code"));
            add(
                format!(
                    "select t.* from {table} t left anti join {list} l on t.{} = l.{} where t.{0} is not null",
                    quote(column),
                    quote(key)
                ),
                format!("`{column}` is not in `{of}`"),
            );
        }
        if let Some(sql) = &self.sql {
            add(sql.clone(), String::new());
        }
        queries
    }
}

pub(crate) fn quote(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

/// Runs checks on a table. A failed one is a problem with its first rows as hints; `file` is the
/// declaration, for the place.
pub async fn run_checks(
    engine: &Engine,
    table: &TableName,
    checks: &[Check],
    file: &str,
) -> Problems {
    const SHOWN: usize = 3;
    let mut problems = Problems::new();
    for check in checks {
        for (sql, message) in check.queries(&table.to_string()) {
            let answer = match engine.query(&sql, file, 1).await {
                Ok(answer) => answer,
                Err(problem) => {
                    // Its line and column are those of the query that the check became.
                    let place = Place::File { file: file.to_owned() };
                    let message = format!("a check of {table} cannot be run: {}", problem.message);
                    problems.push(Problem { place, message, ..problem });
                    continue;
                }
            };
            if answer.rows() == 0 {
                continue;
            }
            let place = Place::File { file: file.to_owned() };
            let message = format!("{table}: {message} ({} row(s))", answer.rows());
            let shown = answer.batches.iter().flat_map(show_rows).take(SHOWN);
            let problem = Problem::error(Kind::Data, place, message);
            problems.push(shown.fold(problem, |problem, row| problem.hint(row)));
        }
    }
    problems
}

/// Each row as `column=value, …`, its cells last.
fn show_rows(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let schema = batch.schema();
    let formatters: Vec<(String, ArrayFormatter)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter_map(|(field, column)| {
            Some((field.name().clone(), ArrayFormatter::try_new(column, &options).ok()?))
        })
        .collect();
    let show = |row: usize| {
        let (cells, others): (Vec<_>, Vec<_>) =
            formatters.iter().partition(|(name, _)| name == CELLS);
        let text = |(name, f): &&(String, ArrayFormatter)| format!("{name}={}", f.value(row));
        others.iter().chain(cells.iter()).map(text).collect::<Vec<_>>().join(", ")
    };
    (0..batch.num_rows()).map(show).collect()
}
