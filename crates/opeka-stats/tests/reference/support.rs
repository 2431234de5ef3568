//! Trials, tables and answers, and what counts as equal.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// The largest relative difference that passes.
pub(crate) const TOLERANCE: f64 = 1e-9;

/// The largest one for methods that iterate.
pub(crate) const ITERATIVE: f64 = 1e-6;

/// The figures that are kept in the repository.
pub(crate) fn carried() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference")
}

/// A comparison with figures in the folder; without a folder, it is reported as ignored.
pub(crate) fn trial(name: &str, folder: Option<&Path>, run: fn(&Path) -> Result<()>) -> Trial {
    let folder = folder.map(PathBuf::from);
    let ignored = folder.is_none();
    let run = move || match &folder {
        Some(folder) => run(folder).map_err(|error| Failed::from(format!("{error:#}"))),
        None => Ok(()),
    };
    Trial::test(name, run).with_ignored_flag(ignored)
}

/// Equal within [`TOLERANCE`], or missing on both sides.
pub(crate) fn same(what: &str, actual: Option<f64>, expected: Option<f64>) -> Result<()> {
    within(TOLERANCE, what, actual, expected)
}

/// Equal within a relative difference, or missing on both sides.
pub(crate) fn within(
    tolerance: f64,
    what: &str,
    actual: Option<f64>,
    expected: Option<f64>,
) -> Result<()> {
    let (Some(a), Some(e)) = (actual, expected) else {
        ensure!(actual == expected, "{what}: {actual:?} where {expected:?} is expected");
        return Ok(());
    };
    let difference = if a == e { 0.0 } else { (a - e).abs() / e.abs() };
    ensure!(difference <= tolerance, "{what}: {a} is not {e}; relative difference {difference:e}");
    Ok(())
}

/// A CSV file with a header.
pub(crate) struct Table {
    header: csv::StringRecord,
    pub(crate) rows: Vec<csv::StringRecord>,
}

impl Table {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .with_context(|| path.display().to_string())?;
        let header = reader.headers()?.clone();
        let rows = reader.records().collect::<csv::Result<Vec<_>>>()?;
        ensure!(!rows.is_empty(), "{}: no rows", path.display());
        Ok(Self { header, rows })
    }

    pub(crate) fn text<'a>(&self, row: &'a csv::StringRecord, column: &str) -> Result<&'a str> {
        let position = self.header.iter().position(|name| name == column);
        position.and_then(|k| row.get(k)).with_context(|| format!("no column `{column}`"))
    }

    pub(crate) fn number(&self, row: &csv::StringRecord, column: &str) -> Result<f64> {
        let text = self.text(row, column)?;
        text.parse().with_context(|| format!("`{text}` in column `{column}`"))
    }

    pub(crate) fn limits(&self, row: &csv::StringRecord) -> Result<[Option<f64>; 3]> {
        Ok([
            Some(self.number(row, "estimate")?),
            Some(self.number(row, "conf_low")?),
            Some(self.number(row, "conf_high")?),
        ])
    }

    /// Two columns of the rows in which a third one has this number.
    pub(crate) fn unit(
        &self,
        key: &str,
        unit: f64,
        columns: [&str; 2],
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for row in &self.rows {
            if self.number(row, key)? == unit {
                first.push(self.number(row, columns[0])?);
                second.push(self.number(row, columns[1])?);
            }
        }
        ensure!(!first.is_empty(), "no rows with {key} {unit}");
        Ok((first, second))
    }

    /// A column of numbers.
    pub(crate) fn column(&self, name: &str) -> Result<Vec<f64>> {
        self.rows.iter().map(|row| self.number(row, name)).collect()
    }
}

/// What a reference program answered: the `results` of `expected/<name>.json`.
pub(crate) fn answers(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join("expected").join(format!("{name}.json"));
    let text = fs_read(&path)?;
    let mut file: Value = serde_json::from_str(&text)?;
    Ok(file["results"].take())
}

pub(crate) fn fs_read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

pub(crate) fn rows(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().filter(|rows| !rows.is_empty()).context("no rows")
}

pub(crate) fn given(row: &Value, key: &str) -> Result<f64> {
    row[key].as_f64().with_context(|| format!("no `{key}` in {row}"))
}
