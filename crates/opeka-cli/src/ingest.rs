//! `opeka ingest`: what a recipe makes of its sheets.

use std::io::Write;

use opeka_ingest::{preview_html, preview_text};
use opeka_model::Problems;
use opeka_pipeline::{PipelineError, Project, read_recipe};
use serde_json::json;

use crate::args::IngestArgs;
use crate::context::Context;
use crate::exit::tell_problems;
use crate::printer::{Printer, problem_json};

pub(crate) fn run(context: &Context, args: &IngestArgs, printer: &Printer) -> anyhow::Result<()> {
    let project = Project::load(&context.project)?;
    let found = project.recipe(&args.recipe).map_err(|p| PipelineError::from(Problems::from(p)));
    let (_, recipe) = found?;
    let (reads, mut problems) = read_recipe(&project, recipe)?;
    let mut pages = String::new();
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
        } else if args.preview {
            pages += &preview_html(&read.workbook, &read.observed, &recipe.value.title);
        }
    }
    if let Some(path) = &args.html {
        std::fs::write(path, pages)?;
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
