//! Charts and briefs as data: a folder for each case under `suite/publish/`.
//!
//! A chart's folder holds `chart.toml`, `rows.csv`, `lang` and `expected.svg`; a brief's holds
//! `brief.md`, an answer `<query>.csv` for each query, charts `<name>.chart.toml` with `<name>.csv`
//! beside them, and `expected.html`. A case of bad input holds `expected.problems` instead. Columns
//! of a CSV get the types that their values have; the column `cells` is a list, written with `|`
//! between its members. `UPDATE=1` rewrites what is expected, and the diff is the review.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use arrow::array::{Array, ArrayRef, ListBuilder, StringArray, StringBuilder};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use libtest_mimic::{Failed, Trial};
use opeka_model::{CellRef, Problems};
use opeka_publish::{
    BriefInput, CellTrace, Citation, Lang, RenderedChart, parse_brief, parse_chart, render_brief,
    render_chart,
};

/// One trial for each folder.
pub(crate) fn trials() -> Vec<Trial> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/suite/publish"));
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(format!("publish::{name}"), move || {
                check(&folder).map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect()
}

fn check(folder: &Path) -> Result<()> {
    let (name, answer) = if folder.join("brief.md").exists() {
        ("expected.html", brief(folder)?)
    } else {
        let lang = read(&folder.join("lang"))?;
        let lang = lang.trim().parse().map_err(|message: String| anyhow!(message))?;
        ("expected.svg", chart(folder, "chart.toml", "rows.csv", lang)?.map(|chart| chart.svg))
    };
    let (name, found) = match answer {
        Ok(text) => (name, text),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            ("expected.problems", lines.join("\n") + "\n")
        }
    };
    let path = folder.join(name);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        for other in ["expected.html", "expected.svg", "expected.problems"] {
            if other != name && folder.join(other).exists() {
                fs::remove_file(folder.join(other))?;
            }
        }
        return fs::write(&path, found).with_context(|| format!("writing {}", path.display()));
    }
    let expected = fs::read_to_string(&path)
        .with_context(|| format!("{name} is missing; what came out:\n{found}"))?;
    if expected == found {
        return Ok(());
    }
    let differs = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
    bail!(
        "{name} differs from line {}\n expected: {}\n    found: {}\naccept it with UPDATE=1",
        line + 1,
        expected.lines().nth(line).unwrap_or("(the end)"),
        found.lines().nth(line).unwrap_or("(the end)")
    )
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn chart(
    folder: &Path,
    spec: &str,
    rows: &str,
    lang: Lang,
) -> Result<Result<RenderedChart, Problems>> {
    let text = read(&folder.join(spec))?;
    let spec_or_problems = parse_chart(spec, &text);
    Ok(match spec_or_problems {
        Ok(parsed) => render_chart(spec, &parsed, &batches(&folder.join(rows))?, lang),
        Err(problems) => Err(problems),
    })
}

fn brief(folder: &Path) -> Result<Result<String, Problems>> {
    let brief = match parse_brief("brief.md", &read(&folder.join("brief.md"))?) {
        Ok(brief) => brief,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut results = BTreeMap::new();
    let mut metrics = BTreeMap::new();
    for query in brief.queries() {
        let path = folder.join(format!("{}.csv", query.name));
        if path.exists() {
            results.insert(query.name.clone(), batches(&path)?);
        }
        metrics.insert(query.name.clone(), vec![format!("children_in_care.{}", query.name)]);
    }
    let mut charts = BTreeMap::new();
    for (name, _) in brief.charts() {
        let spec = format!("{name}.chart.toml");
        if folder.join(&spec).exists() {
            match chart(folder, &spec, &format!("{name}.csv"), brief.lang())? {
                Ok(chart) => charts.insert(name.to_owned(), chart),
                Err(problems) => return Ok(Err(problems)),
            };
        }
    }
    let citations = vec![Citation {
        source: "dfe/2026-11-22/panel.csv".to_owned(),
        title: "Children looked after in England".to_owned(),
        citation: "Department for Education (2025), by local authority".to_owned(),
        note: "Carried over from the open data; values and marks unchanged.".to_owned(),
        url: "https://example.org/children-looked-after".to_owned(),
        licence: "OGL v3".to_owned(),
        accessed: "2026-11-22".to_owned(),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    }];
    let input = BriefInput { results, charts, trace: &trace, citations, metrics };
    Ok(render_brief(&brief, &input))
}

/// Every cell says its own address, but for those of a sheet named `gone`.
fn trace(cell_ref: &str) -> Option<CellTrace> {
    let CellRef { source, sheet, cell } = CellRef::parse(cell_ref)?;
    (sheet.as_deref() != Some("gone")).then(|| CellTrace {
        cell_ref: cell_ref.to_owned(),
        text: format!("<{cell}>*"),
        source,
        sheet,
        cell,
        obs_value: Some(1234.5),
        obs_status: "P".to_owned(),
        mark: Some("*".to_owned()),
        note: Some("provisional & rounded".to_owned()),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    })
}

/// The rows of a CSV, with `cells` as a list.
fn batches(path: &Path) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let mut file = BufReader::new(file);
    let (schema, _) = Format::default().with_header(true).infer_schema(&mut file, None)?;
    // Without rows there is nothing to infer from, and a list is text before it is split.
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Null => Field::new(field.name(), DataType::Utf8, true),
            _ if field.name() == "cells" => Field::new("cells", DataType::Utf8, true),
            other => Field::new(field.name(), other.clone(), true),
        })
        .collect();
    file.rewind()?;
    let reader = ReaderBuilder::new(Arc::new(Schema::new(fields))).with_header(true).build(file)?;
    let mut batches = Vec::new();
    for batch in reader {
        batches.push(with_lists(&batch?)?);
    }
    Ok(batches)
}

fn with_lists(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let texts = column.as_any().downcast_ref::<StringArray>();
        let column = match texts.filter(|_| field.name() == "cells") {
            None => Arc::clone(column),
            Some(texts) => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                for row in 0..texts.len() {
                    let cells = if texts.is_null(row) { "" } else { texts.value(row) };
                    lists.append_value(cells.split('|').filter(|cell| !cell.is_empty()).map(Some));
                }
                Arc::new(lists.finish())
            }
        };
        columns.push((field.name().clone(), column));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}
