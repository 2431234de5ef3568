//! Real files of statistical offices, read by the recipes in `tests/corpus` and held to counts, sums and
//! figures that were derived with other readers (`tests/corpus/derive`).
//!
//! The files lie below the folder that `OPEKA_CORPUS` names; without it each trial is reported as
//! ignored.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test without the usual harness")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use opeka_ingest::{Cell, Codelist, Codelists, Value, add_flows, observe, open, parse_recipe};
use opeka_model::{Observation, Problems, Severity};
use serde::Deserialize;

/// What another reader found in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Below the corpus folder.
    file: String,
    /// How, and with which reader.
    #[allow(dead_code, reason = "for people")]
    derived_by: String,
    #[allow(dead_code, reason = "for people")]
    left_out: Option<String>,
    observations: usize,
    /// Of all values.
    sum: Option<f64>,
    areas: usize,
    periods: usize,
    indicators: Option<usize>,
    #[serde(default)]
    statuses: BTreeMap<String, usize>,
    #[serde(default)]
    spot: Vec<Spot>,
    #[serde(default)]
    problem: Vec<Told>,
}

/// One figure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spot {
    indicator: String,
    ref_area: String,
    time_period: String,
    care_form: Option<String>,
    value: Option<f64>,
    status: Option<String>,
    sheet: Option<String>,
    cell: Option<String>,
}

/// What another reader found in a file that holds no figures, such as a code list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedCells {
    file: String,
    #[allow(dead_code, reason = "for people")]
    derived_by: String,
    sheet: Vec<ExpectedSheet>,
}

/// The cells of one sheet that are not empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSheet {
    /// None for formats without sheets.
    name: Option<String>,
    cells: usize,
    /// How many store a number, and their sum.
    numbers: usize,
    sum: f64,
    merged: usize,
    /// The last cell, and what it says.
    last: String,
    last_text: String,
}

/// Problems that must be told: how often one of this severity contains the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    severity: String,
    text: String,
    count: usize,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = std::env::var_os("OPEKA_CORPUS").map(PathBuf::from);
    if let Some(folder) = corpus.as_ref().filter(|folder| !folder.is_dir()) {
        panic!("OPEKA_CORPUS names no folder: {}", folder.display());
    }
    let cases = root.join("tests/corpus");
    let entries = fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path());
    let mut expected: Vec<PathBuf> =
        entries.filter(|path| path.to_string_lossy().ends_with(".expected.toml")).collect();
    expected.sort();
    let trials = expected.into_iter().map(|expected| {
        let name = expected.file_name().unwrap().to_string_lossy().replace(".expected.toml", "");
        let (root, corpus) = (root.clone(), corpus.clone());
        let ignored = corpus.is_none();
        let run = move || {
            let corpus = corpus.ok_or("needs OPEKA_CORPUS")?;
            let recipe = expected.to_string_lossy().replace(".expected.toml", ".recipe.toml");
            match Path::new(&recipe) {
                recipe if recipe.is_file() => check(&root, &corpus, recipe, &expected),
                _ => check_cells(&corpus, &expected),
            }
            .map_err(Failed::from)
        };
        Trial::test(format!("corpus::{name}"), run).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// The project's code lists: a file each, or a folder of files.
fn codelists(root: &Path) -> Codelists {
    let mut lists = Codelists::new();
    for entry in fs::read_dir(root.join("datasets/codelists")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut files: Vec<PathBuf> = match path.is_dir() {
            true => fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect(),
            false => vec![path],
        };
        files.retain(|path| path.extension().is_some_and(|ending| ending == "csv"));
        files.sort();
        let texts: Vec<(String, String)> = files
            .iter()
            .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
            .collect();
        if !texts.is_empty() {
            lists.insert(name.clone(), Codelist::read(&name, &texts).unwrap());
        }
    }
    lists
}

fn said(error: &dyn std::fmt::Display) -> String {
    error.to_string()
}

/// Holds the cells of a file to what another reader found.
fn check_cells(corpus: &Path, expected: &Path) -> Result<(), String> {
    let expected = fs::read_to_string(expected).map_err(|e| said(&e))?;
    let expected: ExpectedCells = toml::from_str(&expected).map_err(|e| said(&e))?;
    let bytes = fs::read(corpus.join(&expected.file)).map_err(|e| said(&e))?;
    let workbook = open(&expected.file, &bytes).map_err(|problem| said(&problem))?;
    let mut wrong = String::new();
    for due in &expected.sheet {
        let Some(grid) = workbook.sheet(due.name.as_deref()) else {
            let _ = writeln!(wrong, "there is no sheet {:?}", due.name);
            continue;
        };
        let numbers: Vec<f64> = grid
            .cells()
            .iter()
            .filter_map(|cell| match cell.value {
                Value::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let sum: f64 = numbers.iter().sum();
        let last = grid.cells().last();
        let found = (
            grid.cells().len(),
            numbers.len(),
            (sum - due.sum).abs() <= 1e-9 * due.sum.abs(),
            grid.merged().len(),
            last.map(|cell| grid.address(cell.row, cell.column)),
            last.map(Cell::whole_text),
        );
        let (last, text) = (Some(due.last.clone()), Some(due.last_text.clone()));
        let due = (due.cells, due.numbers, true, due.merged, last, text);
        if found != due {
            let _ = writeln!(wrong, "{found:?} instead of {due:?}");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn check(root: &Path, corpus: &Path, recipe: &Path, expected: &Path) -> Result<(), String> {
    let recipe_path = recipe;
    let expected = fs::read_to_string(expected).map_err(|e| said(&e))?;
    let expected: Expected = toml::from_str(&expected).map_err(|e| said(&e))?;
    let text = fs::read_to_string(recipe_path).map_err(|e| said(&e))?;
    let recipe = parse_recipe("recipe.toml", &text).map_err(|problems| shown(&problems))?;
    let bytes = fs::read(corpus.join(&expected.file)).map_err(|e| said(&e))?;
    let workbook = open(&expected.file, &bytes).map_err(|problem| said(&problem))?;
    let mut observed = observe(&workbook, "0", &recipe, &codelists(root));
    add_flows(&mut [&mut observed]);
    let mut wrong = String::new();
    let unexpected = |p: &&opeka_model::Problem| {
        let due = |told: &Told| told.severity == "error" && p.message.contains(&told.text);
        p.severity == Severity::Error && !expected.problem.iter().any(due)
    };
    for problem in observed.problems.iter().filter(unexpected).take(20) {
        let _ = writeln!(wrong, "{problem}");
    }
    let mut differ = |what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
        let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
        if found != expected {
            let _ = writeln!(wrong, "{what}: {found} instead of {expected}");
        }
    };
    let all = &observed.observations;
    let distinct = |of: fn(&Observation) -> &str| all.iter().map(of).collect::<BTreeSet<_>>().len();
    differ("observations", &all.len(), &expected.observations);
    differ("areas", &distinct(|o| &o.ref_area), &expected.areas);
    differ("periods", &distinct(|o| &o.time_period), &expected.periods);
    if let Some(indicators) = expected.indicators {
        differ("indicators", &distinct(|o| &o.indicator), &indicators);
    }
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for o in all {
        *statuses.entry(o.obs_status.clone()).or_default() += 1;
    }
    if !expected.statuses.is_empty() {
        differ("statuses", &statuses, &expected.statuses);
    }
    if let Some(due) = expected.sum {
        // The two readers add in different orders.
        let sum: f64 = all.iter().filter_map(|o| o.obs_value).sum();
        let close = (sum - due).abs() <= 1e-9 * due.abs().max(1.0);
        differ("sum", &if close { due } else { sum }, &due);
    }
    for spot in &expected.spot {
        let key = format!("{} of {} in {}", spot.indicator, spot.ref_area, spot.time_period);
        let found = all.iter().find(|o| {
            (&o.indicator, &o.ref_area, &o.time_period)
                == (&spot.indicator, &spot.ref_area, &spot.time_period)
                && spot.care_form.as_ref().is_none_or(|form| o.care_form == *form)
        });
        let Some(o) = found else {
            differ(&key, &"no figure", &spot.value);
            continue;
        };
        differ(&key, &o.obs_value, &spot.value);
        if let Some(status) = &spot.status {
            differ(&key, &o.obs_status, status);
        }
        if let Some(cell) = &spot.cell {
            differ(&key, &o.cell.cell, cell);
        }
        if spot.sheet.is_some() {
            differ(&key, &o.cell.sheet, &spot.sheet);
        }
    }
    for told in &expected.problem {
        let severity = match told.severity.as_str() {
            "note" => Severity::Note,
            "warning" => Severity::Warning,
            "error" => Severity::Error,
            other => return Err(format!("there is no severity `{other}`")),
        };
        let is =
            |p: &&opeka_model::Problem| p.severity == severity && p.message.contains(&told.text);
        let count = observed.problems.iter().filter(is).count();
        differ(&format!("problems `{}`", told.text), &count, &told.count);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn shown(problems: &Problems) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}
