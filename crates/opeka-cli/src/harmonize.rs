//! `opeka harmonize`: names of areas that no code list knows, and a person who knows them.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use opeka_ingest::{
    Answer, AreaMap, Candidate, Codelist, Column, InspectOptions, Recipe, Threshold, Unmatched,
    accept, candidates, inspect, open, parse_recipe, unmatched_areas, unmatched_in_column,
};
use opeka_model::{Problem, Problems};
use opeka_pipeline::{PipelineError, Project, files_of};
use serde_json::json;

use crate::args::HarmonizeArgs;
use crate::context::Context;
use crate::exit::{Told, Usage};
use crate::inspect::source_name;
use crate::printer::Printer;

/// Candidates that are shown for a name.
const SHOWN: usize = 6;

pub(crate) fn run(
    context: &Context,
    args: &HarmonizeArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let project = Project::load(&context.project)?;
    let list = project
        .codelists
        .get("regions")
        .ok_or_else(|| Usage::new("the project has no code list `regions`"))?;
    let subject = Subject::find(&project, args)?;
    let mut map = match std::fs::read_to_string(&subject.map) {
        Ok(text) => AreaMap::read(&subject.map.to_string_lossy(), &text).map_err(refused)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => AreaMap::default(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", subject.map.display()));
        }
    };
    let mut names = subject.unmatched(&project, args)?;
    names.retain(|name| !map.answers.contains_key(&name.label));
    let before = map.answers.len();
    let mut open: Vec<(Unmatched, Vec<Candidate>, String)> = Vec::new();
    let asking = args.accept.is_none() && std::io::stdin().is_terminal() && !printer.json();
    let mut quit = false;
    for (index, name) in names.iter().enumerate() {
        let found = candidates(list, &name.label, SHOWN);
        if let Some(score) = args.accept {
            match accept(&found, Threshold { score, margin: args.margin }) {
                Ok(best) => {
                    let answer = Answer::accepted(best.code.clone(), best.score);
                    printer.say(&format!(
                        "{} = {} ({}, {:.2})",
                        name.label, best.code, best.name, best.score
                    ));
                    map.answers.insert(name.label.clone(), answer);
                }
                Err(why) => open.push((name.clone(), found, why.to_string())),
            }
        } else if asking && !quit {
            match ask(list, name, found, (index + 1, names.len()), printer)? {
                Said::Answer(answer) => {
                    map.answers.insert(name.label.clone(), answer);
                    save(&subject.map, &map)?;
                }
                Said::Skip => open.push((name.clone(), Vec::new(), "skipped".to_owned())),
                Said::Quit => quit = true,
            }
        } else if !quit {
            open.push((name.clone(), found, String::new()));
        }
    }
    if map.answers.len() > before {
        save(&subject.map, &map)?;
        let file = subject.map.file_name().unwrap_or_default().to_string_lossy().into_owned();
        printer.say(&format!("wrote {} ({} answers)", subject.map.display(), map.answers.len()));
        printer.say(&format!("hint: the recipe reads it by `map = \"{file}\"` under `ref_area`"));
    }
    report(&open, names.len(), printer)?;
    if open.is_empty() && !quit { Ok(()) } else { Err(Told::REFUSED.into()) }
}

fn refused(problem: Problem) -> PipelineError {
    PipelineError::from(Problems::from(problem))
}

fn save(path: &Path, map: &AreaMap) -> anyhow::Result<()> {
    std::fs::write(path, map.write()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// What the names are read from.
struct Subject {
    recipe: Option<Recipe>,
    /// The files, as places say them and where they are.
    files: Vec<(String, PathBuf)>,
    map: PathBuf,
}

impl Subject {
    fn find(project: &Project, args: &HarmonizeArgs) -> anyhow::Result<Self> {
        let path = Path::new(&args.what);
        let known = project.recipe(&args.what).ok();
        let (recipe, file) = match known {
            Some((_, recipe)) => (recipe.value.clone(), project.root.join(&recipe.file)),
            None if args.what.ends_with(".toml") => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                (parse_recipe(&args.what, &text).map_err(PipelineError::from)?, path.to_owned())
            }
            None if path.is_file() => {
                let map = args.map.clone().unwrap_or_else(|| beside(path, path));
                let files = vec![(source_name(project, path), path.to_owned())];
                return Ok(Self { recipe: None, files, map });
            }
            None => {
                return Err(Usage::new(format!("`{}` is neither a recipe nor a file", args.what))
                    .hint("name a recipe of the project, the path of one, or a file of data")
                    .into());
            }
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        let files = files_of(&recipe, &file, project, &args.source).map_err(PipelineError::from)?;
        let files = files.into_iter().map(|file| (file.name, file.path)).collect();
        let said = recipe.maps().first().map(|map| folder.join(map));
        let map = args.map.clone().or(said).unwrap_or_else(|| beside(&file, path));
        Ok(Self { recipe: Some(recipe), files, map })
    }

    fn unmatched(&self, project: &Project, args: &HarmonizeArgs) -> anyhow::Result<Vec<Unmatched>> {
        let mut names: Vec<Unmatched> = Vec::new();
        for (name, path) in &self.files {
            let bytes =
                std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let workbook = open(name, &bytes).map_err(refused)?;
            let found = match (&args.column, &self.recipe) {
                (Some(column), _) => unmatched_in_column(&workbook, column, &project.codelists),
                (None, Some(recipe)) => unmatched_areas(&workbook, recipe, &project.codelists),
                (None, None) => {
                    let options = InspectOptions { source: name.clone(), sheet: None };
                    let proposal = inspect(&workbook, &project.codelists, &options);
                    let recipe = parse_recipe("the proposal", &proposal.recipe)
                        .map_err(PipelineError::from)?;
                    let written = recipe.as_written().contains(&Column::RefArea);
                    if written {
                        return Err(Usage::new("no column of areas was found in the file")
                            .hint("name its heading with `--column`")
                            .into());
                    }
                    unmatched_areas(&workbook, &recipe, &project.codelists)
                }
            };
            for name in found {
                if !names.iter().any(|known| known.label == name.label) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }
}

/// `x.areas.map.toml` beside `x.recipe.toml`.
fn beside(file: &Path, said: &Path) -> PathBuf {
    let name =
        file.file_name().or(said.file_name()).unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix(".recipe.toml").or(name.strip_suffix(".toml")).unwrap_or(&name);
    file.with_file_name(format!("{stem}.areas.map.toml"))
}

enum Said {
    Answer(Answer),
    Skip,
    Quit,
}

/// Asks for one name until the answer means something.
fn ask(
    list: &Codelist,
    name: &Unmatched,
    mut found: Vec<Candidate>,
    (index, of): (usize, usize),
    printer: &Printer,
) -> anyhow::Result<Said> {
    printer.say(&format!("\n{index} of {of}: {}   ({})", name.label, name.place));
    loop {
        for (index, candidate) in found.iter().enumerate() {
            printer.say(&format!("  {}  {}", index + 1, shown(candidate)));
        }
        printer.say("a number, a code, words to search for, [s]kip, [i]gnore, [q]uit:");
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Said::Quit);
        }
        let said = line.trim();
        let score_of = |code: &str| found.iter().find(|c| c.code == code).map(|c| c.score);
        match said {
            "" | "s" | "skip" => return Ok(Said::Skip),
            "i" | "ignore" => return Ok(Said::Answer(Answer::asked(None, None))),
            "q" | "quit" => return Ok(Said::Quit),
            _ => {}
        }
        let chosen = said.parse::<usize>().ok().and_then(|n| found.get(n.checked_sub(1)?));
        if let Some(candidate) = chosen {
            let answer = Answer::asked(Some(candidate.code.clone()), Some(candidate.score));
            return Ok(Said::Answer(answer));
        }
        if let Some(code) = list.get(said) {
            return Ok(Said::Answer(Answer::asked(Some(code.code.clone()), score_of(&code.code))));
        }
        found = candidates(list, said, SHOWN);
        if found.is_empty() {
            printer.say("nothing in the code list is written so");
        }
    }
}

fn shown(candidate: &Candidate) -> String {
    let differs = candidate.differs.as_ref().map(|why| format!(" — {why}")).unwrap_or_default();
    format!("{:.2}  {}  {}{differs}", candidate.score, candidate.code, candidate.name)
}

/// The names that are still open, with what they may be.
fn report(
    open: &[(Unmatched, Vec<Candidate>, String)],
    all: usize,
    printer: &Printer,
) -> anyhow::Result<()> {
    if printer.json() {
        let names: Vec<_> = open
            .iter()
            .map(|(name, found, why)| {
                let found: Vec<_> = found
                    .iter()
                    .map(|c| json!({ "code": c.code, "name": c.name, "score": c.score, "differs": c.differs }))
                    .collect();
                json!({ "label": name.label, "place": name.place, "candidates": found, "why": why })
            })
            .collect();
        printer
            .report(&json!({ "status": u8::from(!open.is_empty()), "names": all, "open": names }));
        return Ok(());
    }
    for (name, found, why) in open {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        printer.line(&format!("{} ({}){why}", name.label, name.place))?;
        for candidate in found {
            printer.line(&format!("    {}", shown(candidate)))?;
        }
    }
    match open.len() {
        0 => printer.say("every name of an area has its code"),
        count => printer.error(&format!(
            "error: {count} of {all} names have no code\nhint: answer at a terminal, or take the sure ones with `--accept 0.95`"
        )),
    }
    Ok(())
}
