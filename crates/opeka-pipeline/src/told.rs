//! Rows of a metric that the run tells: what changed, and whom it concerns.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use opeka_model::{Kind, Place, Problem, Problems};

use crate::plan::{Step, StepKind};

/// The rows as problems that stop nothing. Where a row names a table that changed, the briefs that rest
/// on it are named.
pub(crate) fn told(batch: &RecordBatch, plan: &[Step]) -> Problems {
    let text = |column: &str, row: usize| {
        let column =
            arrow::compute::cast(batch.column_by_name(column)?, &arrow::datatypes::DataType::Utf8);
        let column = column.ok()?;
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let line = |row: usize| {
        let column = batch.column_by_name("line")?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| usize::try_from(column.value(row)).ok())?
    };
    let mut problems = Problems::new();
    for row in 0..batch.num_rows() {
        let place = match (text("file", row), line(row)) {
            (Some(file), Some(line)) => Place::Text { file, line, column: None },
            (Some(file), None) => Place::File { file },
            (None, _) => Place::Nowhere,
        };
        let message = text("message", row).unwrap_or_default();
        let mut problem = match text("severity", row).as_deref() {
            Some("note") => Problem::note(Kind::Data, place, message),
            _ => Problem::warning(Kind::Data, place, message),
        };
        if let Some(hint) = text("hint", row) {
            problem = problem.hint(hint);
        }
        if let Some(table) = text("changed", row) {
            let briefs = briefs_of(&table, plan);
            problem = problem.hint(match briefs.is_empty() {
                true => format!("no brief rests on `{table}`"),
                false => format!("briefs that rest on it: {}", briefs.join(", ")),
            });
        }
        problems.push(problem);
    }
    problems
}

/// The briefs that need a table, directly or through other steps.
fn briefs_of(table: &str, plan: &[Step]) -> Vec<String> {
    let mut reached: BTreeSet<&str> = BTreeSet::from([table]);
    // The steps are in order: what a step needs stands before it.
    for step in plan {
        if step.needs.iter().any(|need| reached.contains(need.as_str())) {
            reached.insert(&step.id);
        }
    }
    let briefs = plan.iter().filter(|step| step.kind == StepKind::Brief);
    let briefs = briefs.filter(|step| reached.contains(step.id.as_str()));
    briefs.map(|step| step.id.trim_start_matches("brief ").to_owned()).collect()
}
