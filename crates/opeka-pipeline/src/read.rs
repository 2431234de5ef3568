//! Reads the files of one recipe, on all cores.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use opeka_ingest::{
    AreaMap, Codelists, Observed, OneOrMany, Recipe, Workbook, add_flows, observe, open,
};
use opeka_model::{Kind, Place, Problem, Problems};

use crate::error::PipelineError;
use crate::fingerprint::sha256;
use crate::project::{Declared, Project};

/// One source read by one recipe.
#[derive(Debug)]
pub struct SourceRead {
    /// Path below `datasets/sources`, or the path that was given.
    pub source: String,
    /// The file, where it was asked to be kept.
    pub workbook: Option<Workbook>,
    pub observed: Observed,
}

/// A file to read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What it is called in problems and cell references.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The SHA-256 and the size that its declaration states.
    pub declared: Option<(String, u64)>,
}

/// Reads the sources of one recipe of a project, each on its own.
///
/// # Errors
/// [`PipelineError::Io`] where a file cannot be read. What is wrong with its bytes or its cells is
/// among the problems.
pub fn read_recipe(
    project: &Project,
    recipe: &Declared<Recipe>,
    keep: bool,
) -> Result<(Vec<SourceRead>, Problems), PipelineError> {
    read_files(&declared_files(project, &recipe.value), &recipe.value, &project.codelists, keep)
}

/// The sources of a project that a recipe names.
fn declared_files(project: &Project, recipe: &Recipe) -> Vec<SourceFile> {
    let names = project.sources_of(recipe).into_iter();
    let file = |name: &str| {
        let source = project.sources.get(name)?;
        let declared = Some((source.manifest.sha256.clone(), source.manifest.size));
        Some(SourceFile { name: name.to_owned(), path: source.path.clone(), declared })
    };
    names.filter_map(file).collect()
}

/// Reads files by a recipe, several at a time, and makes the flows of all of them. `keep` keeps the
/// workbooks, which takes memory. What comes back is in the order of the files.
///
/// # Errors
/// As [`read_recipe`].
pub fn read_files(
    files: &[SourceFile],
    recipe: &Recipe,
    codelists: &Codelists,
    keep: bool,
) -> Result<(Vec<SourceRead>, Problems), PipelineError> {
    type Slot = Mutex<Option<Result<(Option<SourceRead>, Problems), PipelineError>>>;
    let slots: Vec<Slot> = files.iter().map(|_| Slot::default()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((file, slot)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            files.get(index).zip(slots.get(index))
        } {
            let read = read_file(file, recipe, codelists, keep);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(read);
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let (mut reads, mut problems) = (Vec::new(), Problems::new());
    for slot in slots {
        // Each slot was filled, or its thread panicked and ended the scope.
        let Some(read) = slot.into_inner().ok().flatten() else { continue };
        let (read, told) = read?;
        reads.extend(read);
        problems.extend(told);
    }
    let mut observed: Vec<&mut Observed> =
        reads.iter_mut().map(|read| &mut read.observed).collect();
    add_flows(&mut observed);
    Ok((reads, problems))
}

fn read_file(
    file: &SourceFile,
    recipe: &Recipe,
    codelists: &Codelists,
    keep: bool,
) -> Result<(Option<SourceRead>, Problems), PipelineError> {
    let mut problems = Problems::new();
    let bytes = std::fs::read(&file.path).map_err(PipelineError::io("read", &file.path))?;
    let hash = sha256(&bytes);
    if let Some((declared, size)) = &file.declared
        && (hash != *declared || bytes.len() as u64 != *size)
    {
        let place = Place::File { file: file.name.clone() };
        let message = "the file is not the one that its `.source.toml` declares";
        let found = format!("found {} bytes with SHA-256 {hash}", bytes.len());
        let expected = format!("declared {size} bytes with SHA-256 {declared}");
        problems.push(Problem::error(Kind::Data, place, message).hint(found).hint(expected));
    }
    let workbook = match open(&file.name, &bytes) {
        Ok(workbook) => workbook,
        Err(problem) => {
            problems.push(problem);
            return Ok((None, problems));
        }
    };
    drop(bytes);
    let observed = observe(&workbook, &hash, recipe, codelists);
    let source = file.name.clone();
    Ok((Some(SourceRead { source, workbook: keep.then_some(workbook), observed }), problems))
}

/// Reads the files of answers that a recipe names, from the folder beside it; `read` is told each of
/// them and its text. What is wrong with one comes back.
pub fn read_maps(recipe: &mut Recipe, beside: &Path, mut read: impl FnMut(&str, &str)) -> Problems {
    let mut problems = Problems::new();
    let maps: Vec<String> = recipe.maps().into_iter().map(str::to_owned).collect();
    for map in maps {
        let path = beside.join(&map);
        let file = path.to_string_lossy().into_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the recipe's `map` cannot be read: {error}");
                let place = Place::File { file };
                let problem = Problem::error(Kind::Declaration, place, message);
                problems.push(problem.hint("`opeka harmonize` writes it"));
                continue;
            }
        };
        match AreaMap::read(&file, &text) {
            Ok(answers) => recipe.answer(&map, &answers.codes()),
            Err(problem) => problems.push(problem),
        }
        read(&map, &text);
    }
    problems
}

/// The files of a recipe outside a project, by its path: those given or, without any, those that its
/// `source` names, below the project's sources or beside the recipe.
///
/// # Errors
/// A problem for each that is not there.
pub fn files_of(
    recipe: &Recipe,
    recipe_path: &Path,
    project: &Project,
    given: &[PathBuf],
) -> Result<Vec<SourceFile>, Problems> {
    let name = |path: &Path| path.to_string_lossy().replace('\\', "/");
    let at = |path: PathBuf| SourceFile { name: name(&path), path, declared: None };
    if !given.is_empty() {
        return Ok(given.iter().cloned().map(at).collect());
    }
    let beside = recipe_path.parent().unwrap_or(Path::new(""));
    let (mut files, mut problems) = (Vec::new(), Problems::new());
    for source in recipe.source.as_slice() {
        let one = Recipe { source: OneOrMany::One(source.clone()), ..recipe.clone() };
        let mut found = declared_files(project, &one);
        if found.is_empty() {
            let lying = glob::glob(&beside.join(source).to_string_lossy()).ok();
            let lying = lying.into_iter().flatten().filter_map(Result::ok);
            found = lying.filter(|path| path.is_file()).map(at).collect();
        }
        if found.is_empty() {
            let message = format!(
                "there is no file `{source}`, below `datasets/sources` or beside the recipe"
            );
            let place = Place::File { file: name(recipe_path) };
            let problem = Problem::error(Kind::Declaration, place, message);
            problems.push(problem.hint("name files with `--source`"));
        }
        files.extend(found);
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}
