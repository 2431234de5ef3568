//! `opeka ingest`: what a recipe makes of its sheets.

use std::io::Write;

use anyhow::Context as _;
use opeka_ingest::{preview_html, preview_text};
use opeka_pipeline::{PipelineError, Project, read_recipe};
use serde_json::json;

use crate::args::IngestArgs;
use crate::context::Context;
use crate::exit::{Usage, tell_problems};
use crate::printer::{Printer, problem_json};

pub(crate) fn run(context: &Context, args: &IngestArgs, printer: &Printer) -> anyhow::Result<()> {
    if args.preview && args.html.is_none() && printer.json() {
        return Err(Usage::new("a preview is no JSON")
            .hint("write it to a page with `--html FILE`")
            .into());
    }
    let project = Project::load(&context.project)?;
    let found = project.recipe(&args.recipe);
    let (_, recipe) =
        found.map_err(|problem| PipelineError::Unknown { problems: problem.into() })?;
    let (reads, mut problems) = read_recipe(&project, recipe)?;
    for read in &reads {
        if args.preview && args.html.is_none() {
            let text = preview_text(
                &read.workbook,
                &read.observed,
                printer.colour(),
                args.width,
                args.rows,
            );
            printer.out().write_all(text.as_bytes())?;
        }
    }
    if let Some(path) = &args.html {
        let shown: Vec<_> = reads.iter().map(|read| (&read.workbook, &read.observed)).collect();
        let pages = preview_html(&shown, &recipe.value.title);
        let cannot = || format!("cannot write `{}`", path.display());
        std::fs::write(path, pages).with_context(cannot)?;
        printer.say(&format!("wrote {}", path.display()));
    }
    let count: usize = reads.iter().map(|read| read.observed.observations.len()).sum();
    for read in reads {
        problems.extend(read.observed.problems);
    }
    if problems.has_errors() {
        return Err(PipelineError::from(problems).into());
    }
    tell_problems(&problems, printer);
    if printer.json() {
        let problems: Vec<_> = problems.iter().map(problem_json).collect();
        printer.report(&json!({ "status": 0, "recipe": recipe.file, "observations": count, "problems": problems }));
    }
    printer.say(&format!("{}: {count} observations", recipe.file));
    Ok(())
}
