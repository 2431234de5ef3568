//! `opeka run`: builds what is stale and publishes it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use opeka_pipeline::{Event, RunOptions, RunReport, dry_run, run as run_pipelines};
use serde_json::json;

use crate::args::RunArgs;
use crate::context::Context;
use crate::exit::tell_problems;
use crate::printer::{Printer, problem_json};

pub(crate) async fn run(
    context: &Context,
    args: &RunArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let options = RunOptions { pipelines: args.pipelines.clone(), full: args.full };
    if args.dry_run {
        return plan(context, &options, printer);
    }
    let began = Instant::now();
    let bar = printer.progress(0);
    let mut on_event = |event: Event| match event {
        Event::Step { index, of, id, reused } => {
            bar.set_length(of as u64);
            bar.set_position(index as u64);
            bar.set_message(id.to_owned());
            let what = if reused { "take over" } else { "make" };
            printer.detail(&format!("{what:9} {id}"));
        }
    };
    let report = run_pipelines(&context.project, &context.warehouse, &options, &mut on_event).await;
    bar.finish_and_clear();
    tell(&report?, context, began.elapsed(), printer);
    Ok(())
}

/// What was made, and where to look.
fn tell(report: &RunReport, context: &Context, took: Duration, printer: &Printer) {
    tell_problems(&report.problems, printer, false);
    if printer.json() {
        let tables: Vec<_> = report
            .tables
            .iter()
            .map(|t| json!({ "table": t.table, "rows": t.rows, "made": t.made }))
            .collect();
        let problems: Vec<_> = report.problems.iter().map(problem_json).collect();
        printer.report(&json!({
            "status": 0,
            "release": report.release,
            "previous": report.previous,
            "changed": report.changed,
            "made": report.made,
            "reused": report.reused,
            "folder": report.folder.to_string_lossy(),
            "tables": tables,
            "published": report.published,
            "problems": problems,
        }));
        return;
    }
    if !report.changed {
        printer.say(&format!(
            "nothing changed: release {} is current ({})",
            report.release,
            seconds(took)
        ));
        return;
    }
    for table in &report.tables {
        let note = if table.made { "" } else { "  (as before)" };
        printer.say(&format!("{:>9} rows  {}{note}", table.rows, table.table));
    }
    let observations =
        report.tables.iter().filter(|t| t.table.ends_with(".observations")).map(|t| t.rows);
    printer.say(&format!(
        "\nrelease {}: {} observations, {} tables, {} published files; {} steps made, {} as before ({})",
        report.release,
        observations.sum::<usize>(),
        report.tables.len(),
        report.published.len(),
        report.made,
        report.reused,
        seconds(took),
    ));
    let pages = report.published.iter().filter(|path| path.ends_with(".html"));
    let (metrics, briefs): (Vec<_>, Vec<_>) = pages.partition(|path| path.contains("/metrics/"));
    if !briefs.is_empty() || !metrics.is_empty() {
        printer.say("look at:");
    }
    for path in briefs {
        printer.say(&format!("  {}", report.folder.join(path).display()));
    }
    // Every metric has a page; where they lie is enough.
    let folders: BTreeSet<&str> =
        metrics.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders {
        printer.say(&format!("  {}/", report.folder.join(folder).display()));
    }
    let metric = |table: &&str| {
        table.contains('.') && !table.starts_with("codelists.") && !table.ends_with(".observations")
    };
    let mut tables = report.tables.iter().map(|t| t.table.as_str());
    let example = tables.find(metric).unwrap_or("observations");
    printer.say(&format!(
        "ask:\n  opeka query{} -c \"select * from {example} limit 5\"",
        context.said
    ));
}

/// How long it took, for people: a report that is kept says no time.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn plan(context: &Context, options: &RunOptions, printer: &Printer) -> anyhow::Result<()> {
    let steps = dry_run(&context.project, &context.warehouse, options)?;
    if printer.json() {
        let steps: Vec<_> = steps
            .iter()
            .map(|planned| {
                json!({
                    "id": planned.step.id,
                    "kind": planned.step.kind.name(),
                    "fresh": planned.fresh,
                    "inputs": planned.step.inputs,
                    "needs": planned.step.needs,
                })
            })
            .collect();
        printer.report(&json!({ "steps": steps }));
        return Ok(());
    }
    for planned in &steps {
        let state = if planned.fresh { "fresh" } else { "make" };
        printer.line(&format!("{state:6} {}", planned.step.id))?;
        let inputs = planned.step.inputs.keys().chain(&planned.step.needs);
        for input in inputs {
            printer.line(&format!("         from {input}"))?;
        }
    }
    let stale = steps.iter().filter(|planned| !planned.fresh).count();
    printer.say(&format!("{stale} of {} steps would be made; nothing was written", steps.len()));
    Ok(())
}
