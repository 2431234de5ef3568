//! `opeka check`: everything that `run` does, aside, with nothing published.

use std::time::Instant;

use opeka_model::{Kind, Place, Severity};
use opeka_pipeline::{Event, PipelineError, RunOptions, Warehouse, run as run_pipelines};
use serde_json::json;

use crate::args::CheckArgs;
use crate::context::Context;
use crate::exit::tell_problems;
use crate::printer::{Printer, problem_json};
use crate::run::seconds;

pub(crate) async fn run(
    context: &Context,
    args: &CheckArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let aside = std::env::temp_dir().join(format!("opeka-check-{}", std::process::id()));
    let options = RunOptions { pipelines: args.pipelines.clone(), full: false };
    let bar = printer.progress(0);
    let mut on_event = |event: Event| match event {
        Event::Step { index, of, id, .. } => {
            bar.set_length(of as u64);
            bar.set_position(index as u64);
            bar.set_message(id.to_owned());
        }
    };
    let result =
        run_pipelines(&context.project, &Warehouse::at(&aside), &options, &mut on_event).await;
    bar.finish_and_clear();
    // What is left of a check is of no use to anybody.
    let _ = std::fs::remove_dir_all(&aside);
    let report = result.map_err(|error| compared(error, context))?;
    tell_problems(&report.problems, printer, false);
    let rows: usize = report.tables.iter().map(|table| table.rows).sum();
    if printer.json() {
        let problems: Vec<_> = report.problems.iter().map(problem_json).collect();
        printer.report(&json!({ "status": 0, "tables": report.tables.len(), "rows": rows, "problems": problems }));
    }
    printer.say(&format!(
        "all checks hold: {} tables, {rows} rows ({}); nothing was published",
        report.tables.len(),
        seconds(began.elapsed())
    ));
    Ok(())
}

/// A check starts from nothing; whether a source could be read before is known to the release that
/// is current.
fn compared(error: PipelineError, context: &Context) -> PipelineError {
    let PipelineError::Refused { problems, .. } = error else { return error };
    let current = context.warehouse.current().ok().flatten();
    let current = current.and_then(|id| context.warehouse.manifest(&id).ok());
    let was_read = |place: &Place| match place {
        Place::File { file } | Place::Sheet { file, .. } | Place::Cell { file, .. } => {
            current.iter().flat_map(|m| &m.steps).any(|step| step.inputs.contains_key(file))
        }
        Place::Nowhere | Place::Text { .. } => false,
    };
    let drifted = problems.iter().any(|problem| {
        problem.kind == Kind::Layout
            && problem.severity == Severity::Error
            && was_read(&problem.place)
    });
    PipelineError::Refused { problems, drifted }
}
