//! The way back: from rows of a metric to the cells they were made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use opeka_measure::{EngineOptions, TableName};
use opeka_model::{Kind, Place, Problem, Problems, closest};
use opeka_publish::CellTrace;

use crate::catalog::open_release;
use crate::cells::{cell_traces, cells_of};
use crate::error::PipelineError;
use crate::fingerprint::sha256;
use crate::programmes::{SOURCE_PREFIX, cell_text};
use crate::project::Project;
use crate::warehouse::Warehouse;

/// Where the source file still says what the release says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The file has the same hash, and its cell the same text.
    Same,
    /// The file is there, but no longer the same.
    FileChanged,
    /// The file has the same hash, but its cell reads otherwise: the release is wrong.
    CellDiffers { found: String },
    /// The file is not there.
    NoFile,
}

/// One cell at the end of the way.
#[derive(Debug, Clone)]
pub struct TracedCell {
    pub cell: CellTrace,
    /// The columns of the metric that rest on this cell, where the metric says so.
    pub columns: Vec<String>,
    pub verified: Verified,
}

/// The way from a metric's rows back to the cells.
#[derive(Debug)]
pub struct Trace {
    pub release: String,
    /// Briefs that show the metric: file, and the lines with its numbers or charts.
    pub briefs: Vec<(String, Vec<usize>)>,
    pub metric: String,
    pub title: String,
    pub sql_file: String,
    pub sql: String,
    /// Whether that SQL, with its declaration, is what the release was made from.
    pub as_released: bool,
    pub rows: Vec<RecordBatch>,
    pub cells: Vec<TracedCell>,
}

fn unknown(problem: Problem) -> PipelineError {
    PipelineError::Unknown { problems: problem.into() }
}

/// Traces the rows of a metric in which each named column reads as asked.
pub async fn trace(
    root: &Path,
    warehouse: &Warehouse,
    release: Option<&str>,
    metric: &str,
    conditions: &[(String, String)],
) -> Result<Trace, PipelineError> {
    let project = Project::load(root)?;
    let id = warehouse.resolve(release)?;
    let (engine, manifest) = open_release(warehouse, &id, EngineOptions::default()).await?;
    let name = TableName::parse(metric);
    let found = project.pipelines.iter().find_map(|pipeline| {
        let schema = Some(&pipeline.schema) == name.schema.as_ref();
        let found = pipeline.metrics.iter().find(|m| schema && m.name == name.table)?;
        Some(found)
    });
    let Some(declared) = found else {
        let names: Vec<String> = project
            .pipelines
            .iter()
            .flat_map(|p| p.metrics.iter().map(|m| format!("{}.{}", p.schema, m.name)))
            .collect();
        let message = format!("there is no metric `{metric}`");
        let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
        return Err(unknown(match closest(metric, names.iter().map(String::as_str)).first() {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("the metrics are: {}", names.join(", "))),
        }));
    };
    let columns = &declared.value.metric.columns;
    let shape = engine.query(&format!("select * from {name} limit 0"), metric, 1).await;
    let shape = shape.map_err(Problems::from)?.schema;
    let number_columns: BTreeSet<&str> = shape
        .fields()
        .iter()
        .filter(|field| field.data_type().is_numeric())
        .map(|field| field.name().as_str())
        .collect();
    let mut clauses = Vec::new();
    for (column, value) in conditions {
        if !columns.contains_key(column) {
            let message = format!("`{metric}` has no column `{column}`");
            let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            return Err(unknown(match closest(column, names.iter().copied()).first() {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("its columns are: {}", names.join(", "))),
            }));
        }
        let quoted = format!("\"{}\"", column.replace('"', "\"\""));
        let text = format!("cast({quoted} as varchar) = '{}'", value.replace('\'', "''"));
        // A number may be written otherwise than it is shown: `90` finds 90.0.
        let numeric = number_columns.contains(column.as_str());
        clauses.push(match value.parse::<f64>() {
            Ok(number) if numeric && number.is_finite() => format!("{quoted} = {number:?}"),
            _ => text,
        });
    }
    let filter = match clauses.is_empty() {
        true => String::new(),
        false => format!(" where {}", clauses.join(" and ")),
    };
    let grain = &declared.value.metric.grain;
    let quoted: Vec<String> =
        grain.iter().map(|column| format!("\"{}\"", column.replace('"', "\"\""))).collect();
    let order = quoted.join(", ");
    let sql = format!("select * from {name}{filter} order by {order}");
    let answer = engine.query(&sql, metric, 1).await.map_err(Problems::from)?;
    if answer.rows() == 0 {
        let asked: Vec<String> = conditions.iter().map(|(c, v)| format!("{c}={v}")).collect();
        let message = match asked.is_empty() {
            true => format!("`{metric}` has no rows"),
            false => format!("no row of `{metric}` has {}", asked.join(" and ")),
        };
        let problem = Problem::error(Kind::Data, Place::Nowhere, message)
            .hint(format!("its rows are named by {}", grain.join(", ")))
            .hint(format!("look at it with `opeka query -c \"select * from {metric}\"`"));
        return Err(Problems::from(problem).into());
    }
    let observations = TableName::bare("observations");
    let found = cell_traces(&engine, &observations, answer.batches.iter()).await?;
    let briefs = project
        .pipelines
        .iter()
        .flat_map(|p| p.briefs.iter().map(move |brief| (p, brief)))
        .filter_map(|(p, brief)| {
            let mut lines = Vec::new();
            for query in brief.value.queries() {
                let tables = opeka_measure::tables_in(&query.sql, &brief.file, query.line).ok()?;
                if tables.contains(&name) {
                    lines.extend(brief.value.value_lines(&query.name));
                }
            }
            for (chart, line) in brief.value.charts() {
                let chart = p.charts.iter().find(|known| known.name == chart);
                let reads = chart.and_then(|c| {
                    opeka_measure::tables_in(c.value.sql(), &c.file, c.value.sql_line()).ok()
                });
                if reads.is_some_and(|tables| tables.contains(&name)) {
                    lines.push(line);
                }
            }
            lines.sort_unstable();
            lines.dedup();
            (!lines.is_empty()).then(|| (brief.file.clone(), lines))
        })
        .collect();
    Ok(Trace {
        release: id,
        briefs,
        metric: metric.to_owned(),
        title: declared.value.metric.title.clone(),
        sql_file: declared.value.sql_file.clone(),
        sql: declared.value.sql.clone(),
        as_released: manifest.step(metric).and_then(|step| step.inputs.get(&declared.file))
            == Some(&declared.sha256),
        rows: answer.batches.clone(),
        cells: verify(&project, found.into_values().collect(), &answer.batches),
    })
}

/// Opens each source once more and compares.
fn verify(project: &Project, cells: Vec<CellTrace>, rows: &[RecordBatch]) -> Vec<TracedCell> {
    let columns = columns_of(rows);
    let mut files: BTreeMap<String, Option<(String, Option<opeka_ingest::Workbook>)>> =
        BTreeMap::new();
    let mut traced = Vec::new();
    for cell in cells {
        if cell.source.starts_with(SOURCE_PREFIX) {
            let verified = verify_statement(project, &cell);
            let columns = columns.get(&cell.cell_ref).cloned().unwrap_or_default();
            traced.push(TracedCell { cell, columns: columns.into_iter().collect(), verified });
            continue;
        }
        let file = files.entry(cell.source.clone()).or_insert_with(|| {
            let bytes = std::fs::read(&project.sources.get(&cell.source)?.path).ok()?;
            Some((sha256(&bytes), opeka_ingest::open(&cell.source, &bytes).ok()))
        });
        let verified = match file {
            None => Verified::NoFile,
            Some((hash, _)) if *hash != cell.sha256 => Verified::FileChanged,
            Some((_, workbook)) => {
                let grid = workbook.as_ref().and_then(|w| w.sheet(cell.sheet.as_deref()));
                let found = grid.and_then(|grid| grid.at(&cell.cell));
                let text = found.map(opeka_ingest::Cell::whole_text).unwrap_or_default();
                match text == cell.text {
                    true => Verified::Same,
                    false => Verified::CellDiffers { found: text },
                }
            }
        };
        let columns = columns.get(&cell.cell_ref).cloned().unwrap_or_default();
        traced.push(TracedCell { cell, columns: columns.into_iter().collect(), verified });
    }
    traced
}

/// Reads a statement of the registry again.
fn verify_statement(project: &Project, cell: &CellTrace) -> Verified {
    let Some(file) = project.registry.file(&cell.source) else { return Verified::NoFile };
    if file.declared.sha256 != cell.sha256 {
        return Verified::FileChanged;
    }
    match cell_text(&file.text, &cell.cell) {
        Some(text) if text == cell.text => Verified::Same,
        found => Verified::CellDiffers { found: found.unwrap_or_default() },
    }
}

/// For each cell, the columns `<column>` that name it in `<column>_cells`.
fn columns_of(rows: &[RecordBatch]) -> BTreeMap<String, BTreeSet<String>> {
    let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for batch in rows {
        for (index, field) in batch.schema().fields().iter().enumerate() {
            let Some(column) = field.name().strip_suffix("_cells") else { continue };
            let Ok(own) = batch.project(&[index]) else { continue };
            for cell in cells_of([&own].into_iter()) {
                columns.entry(cell).or_default().insert(column.to_owned());
            }
        }
    }
    columns
}
