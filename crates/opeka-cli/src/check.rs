//! `opeka check`: everything that `run` does, aside, with nothing published.

use opeka_pipeline::{Event, RunOptions, Warehouse, run as run_pipelines};
use serde_json::json;

use crate::args::CheckArgs;
use crate::context::Context;
use crate::exit::tell_problems;
use crate::printer::{Printer, problem_json};

pub(crate) async fn run(
    context: &Context,
    args: &CheckArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
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
    let report = result?;
    tell_problems(&report.problems, printer);
    let rows: usize = report.tables.iter().map(|table| table.rows).sum();
    if printer.json() {
        let problems: Vec<_> = report.problems.iter().map(problem_json).collect();
        printer.report(&json!({ "status": 0, "tables": report.tables.len(), "rows": rows, "problems": problems }));
    }
    printer.say(&format!("all checks hold: {} tables, {rows} rows", report.tables.len()));
    Ok(())
}
