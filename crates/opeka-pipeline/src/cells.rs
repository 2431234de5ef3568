//! From the cells that rows name to what stands in them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, TableName};
use opeka_model::Problems;
use opeka_publish::CellTrace;

use crate::error::PipelineError;
use crate::programmes::{SCHEMA, SOURCE_PREFIX};

/// The cells named in the columns `cells` and `<column>_cells` of rows.
pub(crate) fn cells_of<'a>(batches: impl Iterator<Item = &'a RecordBatch>) -> BTreeSet<String> {
    let mut cells = BTreeSet::new();
    for batch in batches {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if field.name() != "cells" && !field.name().ends_with("_cells") {
                continue;
            }
            let list: Option<&ListArray> = column.as_list_opt();
            let values = list.and_then(|list| list.values().as_string_opt::<i32>());
            cells.extend(values.into_iter().flat_map(|v| v.iter().flatten()).map(str::to_owned));
        }
    }
    cells
}

/// What the observations and the statements of the registry say of each cell that the rows name.
pub(crate) async fn cell_traces<'a>(
    engine: &Engine,
    observations: &TableName,
    batches: impl Iterator<Item = &'a RecordBatch>,
) -> Result<BTreeMap<String, CellTrace>, PipelineError> {
    let (stated, read): (Vec<String>, Vec<String>) =
        cells_of(batches).into_iter().partition(|cell| cell.starts_with(SOURCE_PREFIX));
    let mut traces = BTreeMap::new();
    let statements = TableName::of(SCHEMA, "statements");
    for (table, cells) in [(observations, read), (&statements, stated)] {
        let quoted = |cell: &String| format!("'{}'", cell.replace('\'', "''"));
        let quoted: Vec<String> = cells.iter().map(quoted).collect();
        // Not too many at once: a list in a query is planned as one expression.
        for part in quoted.chunks(500) {
            let sql = format!(
                "select cell_ref, source, sheet, cell, cell_text, obs_value, obs_status, mark, \
                 note, source_sha256 from {table} where minus_cell_ref is null \
                 and cell_ref in ({})",
                part.join(", ")
            );
            let answer = engine.query(&sql, &table.to_string(), 1).await.map_err(Problems::from)?;
            for batch in &answer.batches {
                let read = traces_of(batch).map_err(|error| PipelineError::Damaged {
                    path: table.to_string().into(),
                    why: error.to_string(),
                })?;
                traces.extend(read.into_iter().map(|trace| (trace.cell_ref.clone(), trace)));
            }
        }
    }
    Ok(traces)
}

/// The columns in the order of the query above.
fn traces_of(batch: &RecordBatch) -> Result<Vec<CellTrace>, ArrowError> {
    let columns = batch.columns();
    let texts: Vec<ArrayRef> = columns
        .iter()
        .map(|column| arrow::compute::cast(column, &DataType::Utf8))
        .collect::<Result<_, _>>()?;
    let values = arrow::compute::cast(&columns[5], &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    let text = |column: usize, row: usize| {
        let column = texts[column].as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let due = |column: usize, row: usize| text(column, row).unwrap_or_default();
    let trace = |row: usize| CellTrace {
        cell_ref: due(0, row),
        source: due(1, row),
        sheet: text(2, row),
        cell: due(3, row),
        text: due(4, row),
        obs_value: values.is_valid(row).then(|| values.value(row)),
        obs_status: due(6, row),
        mark: text(7, row),
        note: text(8, row),
        sha256: due(9, row),
    };
    Ok((0..batch.num_rows()).map(trace).collect())
}
