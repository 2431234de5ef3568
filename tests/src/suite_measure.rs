//! SQL as data: every `.slt` below `suite/measure/`, on one partition and on four with tiny
//! batches, because no answer may depend on how the engine cuts the rows.

use std::path::{Path, PathBuf};

use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use libtest_mimic::{Failed, Trial};
use opeka_measure::{Engine, EngineOptions, TableName};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

/// One trial for each file and number of partitions.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/suite/measure"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    let trial = |(file, partitions): (PathBuf, usize)| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(format!("measure::{name}::{partitions}_partitions"), move || {
            check(&file, partitions).map_err(Failed::from)
        })
    };
    files.into_iter().flat_map(|file| [(file.clone(), 1), (file, 4)]).map(trial).collect()
}

fn check(file: &Path, partitions: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut runner = Runner::new(move || async move {
        let batch_size = (partitions > 1).then_some(2);
        let options =
            EngineOptions { partitions: Some(partitions), batch_size, ..Default::default() };
        Ok(Session(Engine::new(options)))
    });
    runtime.block_on(runner.run_file_async(file)).map_err(|error| error.to_string())
}

struct Session(Engine);

/// What a refused query says.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Refused {}

#[async_trait]
impl AsyncDB for Session {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Refused> {
        if let Some((name, rows)) = as_table(sql) {
            let answer =
                self.0.query(&rows, "query", 1).await.map_err(|p| Refused(p.to_string()))?;
            let added = self.0.add_batches(&TableName::bare(&name), answer.schema, answer.batches);
            added.map_err(|p| Refused(p.to_string()))?;
            return Ok(DBOutput::StatementComplete(0));
        }
        let answer = self.0.query(sql, "query", 1).await.map_err(|p| Refused(p.to_string()))?;
        let types = answer.schema.fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => DefaultColumnType::Text,
            data_type if data_type.is_integer() => DefaultColumnType::Integer,
            data_type if data_type.is_floating() => DefaultColumnType::FloatingPoint,
            _ => DefaultColumnType::Any,
        });
        let types = types.collect();
        let mut rows = Vec::new();
        for batch in &answer.batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| show(column.as_ref(), row));
                rows.push(cells.collect::<Result<Vec<String>, Refused>>()?);
            }
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "opeka"
    }
}

/// A session only reads, so `create table t (a int, b text) as values …` is a query for the rows and
/// a table that is added: the name, and the query.
fn as_table(sql: &str) -> Option<(String, String)> {
    let rest = sql.trim().strip_prefix("create table ")?;
    let (name, rest) = rest.split_once('(')?;
    let (columns, values) = rest.split_once(") as values")?;
    let columns = columns.split(',').enumerate().map(|(index, column)| {
        let (name, data_type) = column.trim().split_once(' ').unwrap_or((column, "text"));
        format!("cast(column{} as {data_type}) as {name}", index + 1)
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    Some((name.trim().to_owned(), format!("select {columns} from (values{values})")))
}

/// Floats to twelve significant digits; `NULL` and `(empty)` for what has no letters.
fn show(column: &dyn Array, row: usize) -> Result<String, Refused> {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    if column.is_null(row) {
        return Ok("NULL".to_owned());
    }
    if column.data_type() == &DataType::Float64 {
        return Ok(float(column.as_primitive::<Float64Type>().value(row)));
    }
    let options = FormatOptions::default().with_null("NULL");
    let formatter =
        ArrayFormatter::try_new(column, &options).map_err(|error| Refused(error.to_string()))?;
    let text = formatter.value(row).to_string();
    Ok(if text.is_empty() { "(empty)".to_owned() } else { text })
}

fn float(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    format!("{rounded}")
}
