//! `opeka ingest`: what a recipe makes of its sheets.

use std::path::Path;

use opeka_ingest::{Recipe, parse_recipe};
use opeka_measure::Answer;
use opeka_model::{Observation, Problems, observation_schema, to_record_batch};
use opeka_pipeline::{
    PipelineError, Project, SourceRead, files_of, read_files, read_maps, read_recipe,
};
use serde_json::json;

use crate::args::IngestArgs;
use crate::context::Context;
use crate::exit::{Usage, tell_problems};
use crate::printer::{Printer, problem_json};
use crate::rows::{format_of, write_answer};

pub(crate) fn run(context: &Context, args: &IngestArgs, printer: &Printer) -> anyhow::Result<()> {
    args.look.check(printer)?;
    let project = Project::load(&context.project)?;
    let (recipe, title, reads, mut problems) = read(&project, args)?;
    let shown = reads.iter().filter_map(|read| Some((read.workbook.as_ref()?, &read.observed)));
    args.look.show(&shown.collect::<Vec<_>>(), &title, printer)?;
    let mut observations: Vec<Observation> = Vec::new();
    for read in reads {
        observations.extend(read.observed.observations);
        problems.extend(read.observed.problems);
    }
    if problems.has_errors() {
        return Err(PipelineError::from(problems).into());
    }
    tell_problems(&problems, printer, true);
    let count = observations.len();
    if args.format.is_some() || args.output.is_some() {
        let format = format_of(args.format, args.output.as_deref())?;
        let batches = vec![to_record_batch(&observations)?];
        let answer = Answer { schema: observation_schema(), batches };
        write_answer(&answer, format, args.output.as_deref(), printer)?;
        // The rows themselves are the output.
        return Ok(());
    }
    if printer.json() {
        let problems: Vec<_> = problems.iter().map(problem_json).collect();
        printer.report(
            &json!({ "status": 0, "recipe": recipe, "observations": count, "problems": problems }),
        );
    }
    printer.say(&format!("{recipe}: {count} observations"));
    Ok(())
}

/// The recipe's path and title, and what it makes of its files.
type Read = (String, String, Vec<SourceRead>, Problems);

fn read(project: &Project, args: &IngestArgs) -> anyhow::Result<Read> {
    let keep = args.look.preview;
    let path = Path::new(&args.recipe);
    let known = project.recipe(&args.recipe);
    if let (Err(_), true) = (&known, path.is_file()) {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Usage::new(format!("cannot read `{}`: {error}", path.display())))?;
        let mut recipe: Recipe = parse_recipe(&args.recipe, &text).map_err(PipelineError::from)?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let unread = read_maps(&mut recipe, beside, |_, _| ());
        if unread.has_errors() {
            return Err(PipelineError::from(unread).into());
        }
        let files = files_of(&recipe, path, project, &args.source).map_err(PipelineError::from)?;
        let (reads, problems) = read_files(&files, &recipe, &project.codelists, keep)?;
        return Ok((args.recipe.clone(), recipe.title, reads, problems));
    }
    let (_, recipe) =
        known.map_err(|problem| PipelineError::Unknown { problems: problem.into() })?;
    let (reads, problems) = match args.source.as_slice() {
        [] => read_recipe(project, recipe, keep)?,
        given => {
            let files = files_of(&recipe.value, Path::new(&recipe.file), project, given);
            let files = files.map_err(PipelineError::from)?;
            read_files(&files, &recipe.value, &project.codelists, keep)?
        }
    };
    Ok((recipe.file.clone(), recipe.value.title.clone(), reads, problems))
}
