//! Runs a metric and holds its rows to the declaration.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, ListBuilder, StringBuilder};
use datafusion::arrow::compute::{
    SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use opeka_model::{Kind, Place, Problem, Problems, closest};

use crate::check::{Check, run_checks};
use crate::engine::{Engine, TableName};
use crate::metric::{CELLS, Metric};
use crate::sql::functions_in;

/// The functions that adjust p-values of a family of tests.
const ADJUSTS: [&str; 2] = ["benjamini_hochberg", "holm"];

/// Runs a metric's SQL, orders its rows by the grain, adds them to the session under `name`, and
/// runs its checks. `sql_file` and `toml_file` are for the places of problems.
///
/// The rows come back as one batch, so that what is written does not depend on how the engine cut
/// them: strings are plain, the cells of a row are sorted and each stands once.
pub async fn materialize(
    engine: &Engine,
    name: &TableName,
    metric: &Metric,
    sql: &str,
    sql_file: &str,
    toml_file: &str,
) -> Result<RecordBatch, Problems> {
    let answer = engine.query(sql, sql_file, 1).await.map_err(Problems::from)?;
    let problem = |message: String| {
        Problem::error(Kind::Declaration, Place::File { file: sql_file.to_owned() }, message)
    };
    let adjusts = functions_in(sql).into_iter().find(|name| ADJUSTS.contains(&name.as_str()));
    if let (Some(function), true) = (adjusts, metric.families.is_empty()) {
        let message = format!("`{function}` adjusts a family of tests that is not declared");
        let hint = "say under `[[families]]` which tests are read together, and of which level";
        return Err(problem(message).hint(hint).into());
    }
    compare_columns(metric, &answer.schema, &problem)?;
    let broken = |error: ArrowError| Problems::from(problem(error.to_string()));
    let batch = concat_batches(&answer.schema, &answer.batches).map_err(broken)?;
    let batch = plain(&batch).map_err(broken)?;
    let batch = sort_by(&batch, &metric.grain).map_err(broken)?;
    let batch = tidy_cells(&batch, &problem)?;
    engine.add_batches(name, batch.schema(), vec![batch.clone()]).map_err(Problems::from)?;
    let grain = [
        Check { not_null: Some(metric.grain.clone()), ..Check::default() },
        Check { unique: Some(metric.grain.clone()), ..Check::default() },
    ];
    let mut problems = run_checks(engine, name, &grain, toml_file).await;
    let families: Vec<Check> =
        metric.families.iter().map(|family| family.check(&name.to_string())).collect();
    problems.extend(run_checks(engine, name, &families, toml_file).await);
    problems.extend(run_checks(engine, name, &metric.checks, toml_file).await);
    if problems.has_errors() { Err(problems) } else { Ok(batch) }
}

/// The columns declared are the columns there are.
fn compare_columns(
    metric: &Metric,
    schema: &SchemaRef,
    problem: &impl Fn(String) -> Problem,
) -> Result<(), Problems> {
    let there: BTreeSet<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let declared: BTreeSet<&str> = metric.columns.keys().map(String::as_str).collect();
    let mut problems = Problems::new();
    for column in declared.difference(&there) {
        let near =
            closest(column, there.iter().copied()).first().map(|c| format!("the query has `{c}`"));
        let missing =
            problem(format!("column `{column}` is declared, and the query does not give it"));
        problems.push(near.into_iter().fold(missing, Problem::hint));
    }
    for column in there.difference(&declared) {
        problems.push(
            problem(format!("column `{column}` is not declared"))
                .hint(format!("say under `[columns]` what `{column}` means, and its unit")),
        );
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The same rows with plain strings in place of views and dictionaries.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let target = |data_type: &DataType| match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(_, _) => DataType::Utf8,
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item)
            if item.data_type().is_string() =>
        {
            DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
        }
        other => other.clone(),
    };
    let schema = batch.schema();
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let target = target(field.data_type());
        columns.push(cast(column, &target)?);
        fields.push(Field::new(field.name(), target, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn sort_by(batch: &RecordBatch, grain: &[String]) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<SortColumn> = grain
        .iter()
        .filter_map(|name| batch.column_by_name(name))
        .map(|column| SortColumn { values: Arc::clone(column), options: None })
        .collect();
    if columns.is_empty() || batch.num_rows() == 0 {
        return Ok(batch.clone());
    }
    take_record_batch(batch, &lexsort_to_indices(&columns, None)?)
}

/// Sorts the cells of each row, in `cells` and in every `<column>_cells`. A row without `cells` is
/// a problem: its figure has no origin. The cells of one column are among those of the row.
fn tidy_cells(
    batch: &RecordBatch,
    problem: &impl Fn(String) -> Problem,
) -> Result<RecordBatch, Problems> {
    let mut columns = batch.columns().to_vec();
    let schema = batch.schema();
    let mut rows: Vec<BTreeSet<String>> = Vec::new();
    // `cells` first: the others are held to it.
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|index| schema.field(*index).name() != CELLS);
    let mut problems = Problems::new();
    for index in order {
        let name = schema.field(index).name();
        if name != CELLS && !name.ends_with("_cells") {
            continue;
        }
        let Some(lists) = columns[index].as_list_opt::<i32>() else {
            let hint = "write `make_array(o.cell_ref)`, or `array_agg(o.cell_ref)`";
            return Err(problem(format!("`{name}` is no list of texts")).hint(hint).into());
        };
        let lists: Vec<BTreeSet<String>> = lists.iter().map(texts_of).collect();
        let wrong = match name == CELLS {
            true => lists.iter().filter(|cells| cells.is_empty()).count(),
            false => lists.iter().zip(&rows).filter(|(own, row)| !own.is_subset(row)).count(),
        };
        if wrong > 0 && name == CELLS {
            let message = format!("{wrong} row(s) name no cell in `{CELLS}`");
            let hint = "every row of a metric says which cells it was made from";
            problems.push(problem(message).hint(hint));
        } else if wrong > 0 {
            let message =
                format!("{wrong} row(s) name cells in `{name}` that are not in `{CELLS}`");
            problems.push(problem(message));
        }
        let mut builder = ListBuilder::new(StringBuilder::new());
        for cells in &lists {
            cells.iter().for_each(|cell| builder.values().append_value(cell));
            builder.append(true);
        }
        columns[index] = Arc::new(builder.finish());
        if name == CELLS {
            rows = lists;
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    RecordBatch::try_new(batch.schema(), columns)
        .map_err(|error| Problems::from(problem(error.to_string())))
}

fn texts_of(list: Option<ArrayRef>) -> BTreeSet<String> {
    let texts = list.as_ref().and_then(|list| list.as_string_opt::<i32>());
    texts.into_iter().flat_map(|texts| texts.iter().flatten()).map(str::to_owned).collect()
}
