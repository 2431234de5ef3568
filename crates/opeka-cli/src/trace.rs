//! `opeka trace`: from a metric's rows back to the cells.

use std::io::Write;

use opeka_measure::Answer;
use opeka_pipeline::{Trace, TracedCell, Verified, trace};
use serde_json::json;

use crate::args::{Format, TraceArgs};
use crate::context::Context;
use crate::exit::Told;
use crate::printer::Printer;
use crate::rows::write_rows;

pub(crate) async fn run(
    context: &Context,
    args: &TraceArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let found = trace(
        &context.project,
        &context.warehouse,
        args.release.as_deref(),
        &args.metric,
        &args.conditions,
    )
    .await?;
    let rows = found.rows.iter().map(|batch| batch.num_rows()).sum::<usize>();
    if printer.json() {
        printer.report(&as_json(&found, rows)?);
        return verdict(&found, args);
    }
    let mut out = printer.out();
    for (file, lines) in &found.briefs {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        writeln!(out, "brief   {file}:{}", lines.join(","))?;
    }
    writeln!(out, "metric  {}  {}", found.metric, found.title)?;
    let changed = match found.as_released {
        true => "",
        false => "  CHANGED SINCE THE RELEASE; `opeka run` makes one of it",
    };
    writeln!(out, "sql     {}{changed}", found.sql_file)?;
    for line in found.sql.trim_end().lines() {
        writeln!(out, "        {line}")?;
    }
    writeln!(out, "rows    {rows} in release {}", found.release)?;
    drop(out);
    if let Some(first) = found.rows.first() {
        // The cells follow below, one a line.
        let columns: Vec<usize> = (0..first.num_columns())
            .filter(|i| {
                let schema = first.schema();
                let name = schema.field(*i).name();
                name != "cells" && !name.ends_with("_cells")
            })
            .collect();
        let batches = found.rows.iter().map(|batch| batch.project(&columns));
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        let schema = batches[0].schema();
        write_rows(&Answer { schema, batches }, Format::Table, &mut std::io::stdout())?;
    }
    let mut out = printer.out();
    for traced in &found.cells {
        writeln!(out, "{}", cell_line(traced))?;
        if let Some(note) = &traced.cell.note {
            writeln!(out, "          note: {note}")?;
        }
    }
    verdict(&found, args)
}

/// A way that does not end in the cell as it was read is told, and refused; of a release that was asked
/// for by its id, files may have changed since.
fn verdict(found: &Trace, args: &TraceArgs) -> anyhow::Result<()> {
    let holds = |traced: &TracedCell| match traced.verified {
        Verified::Same => true,
        Verified::FileChanged => args.release.is_some(),
        Verified::CellDiffers { .. } | Verified::NoFile => false,
    };
    if found.cells.iter().all(holds) { Ok(()) } else { Err(Told::REFUSED.into()) }
}

fn cell_line(traced: &TracedCell) -> String {
    let cell = &traced.cell;
    let place = match &cell.sheet {
        Some(sheet) => format!("{} · {sheet}!{}", cell.source, cell.cell),
        None => format!("{} · {}", cell.source, cell.cell),
    };
    let read = match cell.obs_value {
        Some(value) => format!("{value}"),
        None => "no value".to_owned(),
    };
    let mark = cell.mark.as_ref().map(|mark| format!(", mark `{mark}`")).unwrap_or_default();
    let verified = match &traced.verified {
        Verified::Same => "the file says the same".to_owned(),
        Verified::FileChanged => "the file is no longer the one that was read".to_owned(),
        Verified::CellDiffers { found } => format!("THE FILE SAYS \"{found}\""),
        Verified::NoFile => "the file is not there".to_owned(),
    };
    let columns = match traced.columns.as_slice() {
        [] => String::new(),
        columns => format!(" [{}]", columns.join(", ")),
    };
    format!(
        "cell    {place}{columns}  \"{}\" → {read}, status {}{mark}; {verified}",
        cell.text, cell.obs_status
    )
}

fn as_json(found: &Trace, rows: usize) -> anyhow::Result<serde_json::Value> {
    let mut table = Vec::new();
    if let Some(first) = found.rows.first() {
        let answer = Answer { schema: first.schema(), batches: found.rows.clone() };
        write_rows(&answer, Format::Json, &mut table)?;
    }
    let table: serde_json::Value =
        if table.is_empty() { json!([]) } else { serde_json::from_slice(&table)? };
    let cells: Vec<_> = found
        .cells
        .iter()
        .map(|traced| {
            let cell = &traced.cell;
            let verified = match &traced.verified {
                Verified::Same => "same",
                Verified::FileChanged => "file changed",
                Verified::CellDiffers { .. } => "cell differs",
                Verified::NoFile => "no file",
            };
            json!({
                "columns": traced.columns, "source": cell.source, "sheet": cell.sheet, "cell": cell.cell, "text": cell.text,
                "obs_value": cell.obs_value, "obs_status": cell.obs_status, "mark": cell.mark,
                "note": cell.note, "sha256": cell.sha256, "verified": verified,
            })
        })
        .collect();
    let briefs: Vec<_> =
        found.briefs.iter().map(|(file, lines)| json!({ "file": file, "lines": lines })).collect();
    Ok(json!({
        "release": found.release, "metric": found.metric, "title": found.title,
        "sql_file": found.sql_file, "sql": found.sql, "as_released": found.as_released, "briefs": briefs,
        "row_count": rows, "rows": table, "cells": cells,
    }))
}
