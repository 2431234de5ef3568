//! `opeka inspect`: a recipe for a file that nobody has described.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use opeka_ingest::{DataSetMetadata, InspectOptions, Workbook, inspect, open};
use opeka_model::Problems;
use opeka_pipeline::{PipelineError, Project};
use serde_json::json;

use crate::args::InspectArgs;
use crate::context::Context;
use crate::exit::{Told, Usage, tell_problems};
use crate::printer::Printer;

pub(crate) fn run(context: &Context, args: &InspectArgs, printer: &Printer) -> anyhow::Result<()> {
    args.look.check(printer)?;
    let project = Project::load(&context.project)?;
    let bytes = std::fs::read(&args.file)
        .with_context(|| format!("cannot read `{}`", args.file.display()))?;
    let source = source_name(&project, &args.file);
    let workbook =
        open(&source, &bytes).map_err(|problem| PipelineError::from(Problems::from(problem)))?;
    if let Some(sheet) = &args.sheet
        && workbook.sheet(Some(sheet)).is_none()
    {
        let names: Vec<&str> = workbook.sheets.iter().filter_map(|s| s.name.as_deref()).collect();
        return Err(Usage::new(format!("the file has no sheet `{sheet}`"))
            .hint(format!("its sheets are: {}", names.join(", ")))
            .into());
    }
    let described = match &args.metadata {
        Some(path) => described(path, &workbook, printer)?,
        None => String::new(),
    };
    let options = InspectOptions { source, sheet: args.sheet.clone() };
    let mut found = inspect(&workbook, &project.codelists, &options);
    found.recipe.insert_str(0, &described);
    let title = format!("What `opeka inspect` sees in {}", args.file.display());
    args.look.show(&[(&workbook, &found.observed)], &title, printer)?;
    match &args.output {
        Some(path) => write(path, &found.recipe, printer)?,
        None if !printer.json() && !args.look.is_shown() => {
            printer.out().write_all(found.recipe.as_bytes())?;
        }
        None => {}
    }
    for reached in &found.reached {
        let sheet = reached.sheet.as_deref().map(|s| format!("{s}: ")).unwrap_or_default();
        printer.say(&format!("{sheet}{}", reached.sentence()));
    }
    for remark in &found.remarks {
        printer.warn(&format!("warning: {remark}"));
    }
    if printer.json() {
        let sheets: Vec<_> = found
            .reached
            .iter()
            .map(|r| {
                json!({ "sheet": r.sheet, "numbers": r.numbers, "figures": r.figures, "labels": r.labels,
                        "left_out": r.left_out, "not_reached": r.not_reached })
            })
            .collect();
        printer.report(&json!({ "status": u8::from(!found.runs), "runs": found.runs, "recipe": found.recipe,
            "observations": found.observed.observations.len(), "sheets": sheets, "remarks": found.remarks }));
    }
    if found.runs {
        return Ok(());
    }
    printer.error("error: no recipe was found that runs as it stands; see `TODO` in the proposal");
    Err(Told::REFUSED.into())
}

/// What a metadata file says of the columns, as comments of a recipe. Where the file is not what it
/// describes, that is told.
fn described(path: &Path, workbook: &Workbook, printer: &Printer) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let parsed = DataSetMetadata::parse(&path.to_string_lossy(), &bytes);
    let (metadata, mut problems) =
        parsed.map_err(|problem| PipelineError::from(Problems::from(problem)))?;
    if let Some(grid) = workbook.sheets.first() {
        problems.extend(metadata.check(grid));
    }
    tell_problems(&problems, printer, true);
    let mut lines = String::from("# What the metadata file says of the columns:\n");
    for filter in &metadata.filters {
        lines += &format!("# - filter `{}`: {}\n", filter.name, one_line(&filter.label));
    }
    for indicator in &metadata.indicators {
        let unit = indicator.unit.as_deref().map(|unit| format!(" ({})", one_line(unit)));
        let (name, label) = (&indicator.name, one_line(&indicator.label));
        lines += &format!("# - indicator `{name}`: {label}{}\n", unit.unwrap_or_default());
    }
    Ok(lines)
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The source as a recipe names it: its path below `datasets/sources`, otherwise the file's name, which
/// is looked for beside the recipe.
pub(crate) fn source_name(project: &Project, file: &Path) -> String {
    let base = project.root.join("datasets").join("sources");
    let below = file.canonicalize().ok().zip(base.canonicalize().ok());
    let below = below.and_then(|(file, base)| Some(file.strip_prefix(base).ok()?.to_owned()));
    let name = below.or_else(|| file.file_name().map(Into::into)).unwrap_or_default();
    name.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn write(path: &Path, text: &str, printer: &Printer) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    printer.say(&format!("wrote {}", path.display()));
    Ok(())
}
