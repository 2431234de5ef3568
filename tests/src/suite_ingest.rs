//! Recipes as data: a folder for each case under `suite/ingest/`.
//!
//! A case holds `recipe.toml`, the sheet, and `expected.csv` and `expected.problems`. The sheet is
//! `sheet.csv`, or `workbook.toml`, from which an `.xlsx` is made: cells parted by `|`, numbers as
//! numbers, `text^1` with a superscript run, `'12` the text and not the number, `=TRUE`, `=#N/A` and
//! `=2024-03-31` a stored truth value, error and date, `{b}text` in bold, `{2}text` indented by two levels and
//! `{%}0.123` a number shown as per cent. A case made from `workbook.toml` is run once more with
//! two rows put above and one column put left of every sheet, and must give the same observations:
//! a recipe knows what is written, not where. `UPDATE=1` rewrites what is expected.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use libtest_mimic::{Failed, Trial};
use opeka_ingest::{Codelists, add_flows, observe, open, parse_recipe};
use opeka_model::Observation;
use opeka_pipeline::Project;
use rust_xlsxwriter::{ExcelDateTime, Format, FormatScript, Formula, Workbook, Worksheet};
use serde::Deserialize;

/// One trial for each folder.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/suite/ingest"));
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let trial = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(format!("ingest::{name}"), move || {
            check(&folder).map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    folders.into_iter().map(trial).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheets {
    sheet: Vec<Sheet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    name: String,
    rows: String,
    #[serde(default)]
    merged: Vec<String>,
}

fn check(folder: &Path) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let codelists = Project::load(&root)?.codelists;
    let workbook = folder.join("workbook.toml");
    if !workbook.exists() {
        let csv = fs::read(folder.join("sheet.csv"))?;
        let (observations, problems) = read(folder, "sheet.csv", &csv, &codelists)?;
        compare(folder, "expected.csv", &table(&observations, true)?)?;
        return compare(folder, "expected.problems", &problems);
    }
    let sheets: Sheets = toml::from_str(&fs::read_to_string(&workbook)?)?;
    let (observations, problems) = read(folder, "sheet.xlsx", &build(&sheets, 0, 0)?, &codelists)?;
    compare(folder, "expected.csv", &table(&observations, true)?)?;
    compare(folder, "expected.problems", &problems)?;
    let (shifted, _) = read(folder, "sheet.xlsx", &build(&sheets, 2, 1)?, &codelists)?;
    if table(&shifted, false)? != table(&observations, false)? {
        bail!("rows above and a column left of the table changed the observations");
    }
    Ok(())
}

fn read(
    folder: &Path,
    source: &str,
    bytes: &[u8],
    codelists: &Codelists,
) -> Result<(Vec<Observation>, String)> {
    let text = fs::read_to_string(folder.join("recipe.toml")).context("recipe.toml")?;
    let recipe = match parse_recipe("recipe.toml", &text) {
        Ok(recipe) => recipe,
        Err(problems) => return Ok((Vec::new(), show(problems.iter()))),
    };
    let workbook = match open(source, bytes) {
        Ok(workbook) => workbook,
        Err(problem) => return Ok((Vec::new(), show([&problem].into_iter()))),
    };
    let mut observed = observe(&workbook, "0", &recipe, codelists);
    add_flows(&mut [&mut observed]);
    Ok((observed.observations, show(observed.problems.iter())))
}

fn show<'a>(problems: impl Iterator<Item = &'a opeka_model::Problem>) -> String {
    problems.map(|problem| format!("{problem}\n")).collect()
}

/// The observations as CSV; without the cells for a comparison of moved tables.
fn table(observations: &[Observation], cells: bool) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header = vec![
        "indicator",
        "ref_area",
        "time_period",
        "care_form",
        "obs_value",
        "obs_status",
        "conf_status",
        "unit_measure",
        "cell_text",
        "mark",
        "note",
    ];
    let flows = observations.iter().any(|o| o.minus.is_some());
    if cells {
        header.push("cell");
    }
    if cells && flows {
        header.push("minus");
    }
    writer.write_record(&header)?;
    for o in observations {
        let value = o.obs_value.map(|value| value.to_string()).unwrap_or_default();
        let mut record = vec![
            o.indicator.as_str(),
            &o.ref_area,
            &o.time_period,
            &o.care_form,
            &value,
            &o.obs_status,
            &o.conf_status,
            &o.unit_measure,
            &o.cell_text,
            o.mark.as_deref().unwrap_or_default(),
            o.note.as_deref().unwrap_or_default(),
        ];
        let cell = o.cell.to_string();
        let minus = o.minus.as_ref().map(ToString::to_string).unwrap_or_default();
        if cells {
            record.push(&cell);
        }
        if cells && flows {
            record.push(&minus);
        }
        writer.write_record(&record)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn compare(folder: &Path, name: &str, found: &str) -> Result<()> {
    let path = folder.join(name);
    if std::env::var_os("UPDATE").is_some() {
        if found.is_empty() && name == "expected.problems" {
            let _ = fs::remove_file(&path);
            return Ok(());
        }
        return Ok(fs::write(&path, found)?);
    }
    let expected = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
    if expected != found {
        bail!("{name} differs\n--- expected\n{expected}\n--- found\n{found}");
    }
    Ok(())
}

/// Writes the sheets as a workbook, moved down and right.
fn build(sheets: &Sheets, down: u32, right: u16) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let plain = Format::new();
    let raised = Format::new().set_font_script(FormatScript::Superscript);
    for sheet in &sheets.sheet {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(&sheet.name)?;
        for range in &sheet.merged {
            let (from, to) = range.split_once(':').context("a merged range is A1:B2")?;
            let at = |a: &str| opeka_model::parse_a1(a).context("an address is A1");
            let ((top, left), (bottom, end)) = (at(from)?, at(to)?);
            worksheet.merge_range(
                top + down,
                left as u16 + right,
                bottom + down,
                end as u16 + right,
                "",
                &plain,
            )?;
        }
        for (row, line) in sheet.rows.trim_matches('\n').lines().enumerate() {
            for (column, cell) in line.split('|').enumerate() {
                let (row, column) = (row as u32 + down, column as u16 + right);
                // An escaped line break stands for a real one.
                let cell = cell.trim_end().replace("\\n", "\n");
                if cell.trim().is_empty() {
                    continue;
                }
                if let Some((tag, text)) = cell.strip_prefix('{').and_then(|c| c.split_once('}')) {
                    write_look(worksheet, row, column, tag, text)?;
                    continue;
                }
                if let Some(stored) = cell.strip_prefix('=') {
                    write_stored(worksheet, row, column, stored)?;
                    continue;
                }
                match (cell.split_once('^'), cell.trim().parse::<f64>()) {
                    (Some((base, mark)), _) => {
                        let runs = [(&plain, base), (&raised, mark)];
                        worksheet.write_rich_string(row, column, &runs)?;
                    }
                    (None, Ok(number)) => {
                        worksheet.write_number(row, column, number)?;
                    }
                    (None, Err(_)) => {
                        worksheet.write_string(row, column, cell.trim_start_matches('\''))?;
                    }
                }
            }
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// Writes a cell that looks as its tag says.
fn write_look(sheet: &mut Worksheet, row: u32, column: u16, tag: &str, text: &str) -> Result<()> {
    let format = Format::new();
    match tag {
        "b" => sheet.write_string_with_format(row, column, text, &format.set_bold())?,
        "%" => sheet.write_number_with_format(
            row,
            column,
            text.parse::<f64>()?,
            &format.set_num_format("0.0%"),
        )?,
        levels => {
            let format = format.set_indent(levels.parse()?);
            sheet.write_string_with_format(row, column, text, &format)?
        }
    };
    Ok(())
}

/// Writes what is neither a number nor a text.
fn write_stored(sheet: &mut Worksheet, row: u32, column: u16, stored: &str) -> Result<()> {
    if let Ok(truth) = stored.to_lowercase().parse::<bool>() {
        sheet.write_boolean(row, column, truth)?;
    } else if stored.starts_with('#') {
        sheet.write_formula(row, column, Formula::new("=NA()").set_result(stored))?;
    } else {
        let date = ExcelDateTime::parse_from_str(stored)?;
        let format = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_datetime_with_format(row, column, &date, &format)?;
    }
    Ok(())
}
