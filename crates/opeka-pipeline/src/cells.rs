//! From the cells that rows name to what stands in them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, TableName};
use opeka_model::Problems;
use opeka_publish::CellTrace;

use crate::error::PipelineError;

/// The cells named in the `cells` columns of rows.
pub(crate) fn cells_of<'a>(batches: impl Iterator<Item = &'a RecordBatch>) -> BTreeSet<String> {
    let mut cells = BTreeSet::new();
    for batch in batches {
        let list: Option<&ListArray> =
            batch.column_by_name("cells").and_then(|column| column.as_list_opt());
        let values = list.and_then(|list| list.values().as_string_opt::<i32>());
        cells.extend(values.into_iter().flat_map(|v| v.iter().flatten()).map(str::to_owned));
    }
    cells
}

/// What the observations say of each cell that the rows name.
pub(crate) async fn cell_traces<'a>(
    engine: &Engine,
    observations: &TableName,
    batches: impl Iterator<Item = &'a RecordBatch>,
) -> Result<BTreeMap<String, CellTrace>, PipelineError> {
    let quoted: Vec<String> =
        cells_of(batches).iter().map(|cell| format!("'{}'", cell.replace('\'', "''"))).collect();
    let mut traces = BTreeMap::new();
    // Not too many at once: a list in a query is planned as one expression.
    for part in quoted.chunks(500) {
        let sql = format!(
            "select cell_ref, source, sheet, cell, cell_text, obs_value, obs_status, mark, note, \
             source_sha256 from {observations} where cell_ref in ({})",
            part.join(", ")
        );
        let answer = engine.query(&sql, "observations", 1).await.map_err(Problems::from)?;
        for batch in &answer.batches {
            traces.extend(read(batch).map(|trace| (trace.cell_ref.clone(), trace)));
        }
    }
    Ok(traces)
}

fn read(batch: &RecordBatch) -> impl Iterator<Item = CellTrace> {
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let value = |row: usize| {
        let column = batch.column_by_name("obs_value")?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    (0..batch.num_rows()).map(move |row| CellTrace {
        cell_ref: text("cell_ref", row).unwrap_or_default(),
        source: text("source", row).unwrap_or_default(),
        sheet: text("sheet", row),
        cell: text("cell", row).unwrap_or_default(),
        text: text("cell_text", row).unwrap_or_default(),
        obs_value: value(row),
        obs_status: text("obs_status", row).unwrap_or_default(),
        mark: text("mark", row),
        note: text("note", row),
        sha256: text("source_sha256", row).unwrap_or_default(),
    })
}
