//! What the page of a metric says of the rows it was made from.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use opeka_measure::{documentation, functions_in};
use opeka_model::CellRef;
use opeka_publish::{Citation, MetricPage, render_metric_page};

use crate::cells::cells_of;
use crate::project::{MetricFiles, Project};

/// How many different reasons of a column are shown; the rest are counted.
const REASONS: usize = 8;

/// The page of a metric whose rows are `batch`.
pub(crate) fn metric_page(
    project: &Project,
    name: &str,
    files: &MetricFiles,
    batch: &RecordBatch,
) -> String {
    let metric = &files.metric;
    let called = functions_in(&files.sql);
    let functions = documentation().into_iter().filter(|f| called.contains(&f.name)).map(|f| {
        let first = f.description.split("\n\n").next().unwrap_or_default();
        (f.syntax, first.replace('\n', " "))
    });
    let columns = metric.columns.iter();
    render_metric_page(&MetricPage {
        name,
        title: &metric.title,
        description: &metric.description,
        numerator: metric.numerator.as_deref(),
        denominator: metric.denominator.as_deref(),
        method: metric.method.as_deref(),
        caveats: metric.caveats.iter().map(String::as_str).collect(),
        functions: functions.collect(),
        families: metric.families.iter().map(|f| (f.tests.as_str(), f.adjusted.as_str())).collect(),
        rows: batch.num_rows(),
        grain: metric
            .grain
            .iter()
            .map(|column| (column.as_str(), distinct(batch, column)))
            .collect(),
        reasons: reasons(batch),
        sources: sources(project, batch),
        columns: columns
            .map(|(name, c)| (name.as_str(), c.meaning.as_str(), c.unit.as_str()))
            .collect(),
        checks: metric.checks.iter().flat_map(|check| check.in_words()).collect(),
        sql: &files.sql,
    })
}

/// The texts of a column, whatever its type.
fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let text = batch.column_by_name(column).and_then(|column| cast(column, &DataType::Utf8).ok());
    let Some(text) = text else { return Vec::new() };
    text.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn distinct(batch: &RecordBatch, column: &str) -> usize {
    texts(batch, column).into_iter().collect::<BTreeSet<_>>().len()
}

/// How often each reason and each note stands in the rows, the most frequent first.
fn reasons(batch: &RecordBatch) -> Vec<(String, String, usize)> {
    let schema = batch.schema();
    let says_why = |name: &&str| {
        ["reason", "note"].iter().any(|end| *name == *end || name.ends_with(&format!("_{end}")))
    };
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut all = Vec::new();
    for name in names.into_iter().filter(says_why) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts(batch, name).into_iter().flatten() {
            *counts.entry(text).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let rest: usize = counts.iter().skip(REASONS).map(|(_, rows)| rows).sum();
        let others = counts.len().saturating_sub(REASONS);
        counts.truncate(REASONS);
        if rest > 0 {
            counts.push((format!("and {others} others"), rest));
        }
        all.extend(counts.into_iter().map(|(text, rows)| (name.to_owned(), text, rows)));
    }
    all
}

/// How many cells of each source the rows name.
fn sources(project: &Project, batch: &RecordBatch) -> Vec<(Citation, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells_of(std::iter::once(batch)) {
        if let Some(cell) = CellRef::parse(&cell) {
            *counts.entry(cell.source).or_default() += 1;
        }
    }
    let cited = |(path, cells): (String, usize)| {
        Some((project.sources.get(&path)?.manifest.citation(&path), cells))
    };
    counts.into_iter().filter_map(cited).collect()
}
