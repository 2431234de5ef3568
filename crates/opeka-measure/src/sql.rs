//! What a query names, and what the engine says of one that it refuses.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Expr, Statement as Sql, visit_expressions};
use opeka_model::{Kind, Place, Problem};
use regex::Regex;

use crate::engine::TableName;

/// The tables that a query reads: the edges of the graph of steps.
pub fn tables_in(sql: &str, file: &str, line: usize) -> Result<BTreeSet<TableName>, Problem> {
    let statements =
        DFParser::parse_sql(trim_sql(sql)).map_err(|error| problem_of(&error, file, line))?;
    let at_start = || Place::Text { file: file.to_owned(), line, column: None };
    if statements.len() != 1 {
        let message = format!("one `select` is due here, not {} statements", statements.len());
        return Err(Problem::error(Kind::Declaration, at_start(), message));
    }
    let mut tables = BTreeSet::new();
    for statement in &statements {
        if !reads(statement) {
            let message = "a query only reads, and this would write";
            let problem = Problem::error(Kind::Declaration, at_start(), message);
            return Err(problem.hint("write a `select`"));
        }
        let (found, _) = resolve_table_references(statement, true)
            .map_err(|error| problem_of(&error, file, line))?;
        tables.extend(found.iter().map(|reference| TableName {
            schema: reference.schema().filter(|s| *s != "public").map(str::to_owned),
            table: reference.table().to_owned(),
        }));
    }
    Ok(tables)
}

/// The functions that a query calls, by name; none where it cannot be parsed.
pub fn functions_in(sql: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in DFParser::parse_sql(trim_sql(sql)).into_iter().flatten() {
        if let Statement::Statement(statement) = &statement {
            let _: ControlFlow<()> = visit_expressions(statement.as_ref(), |expression| {
                if let Expr::Function(function) = expression {
                    names.insert(function.name.to_string().to_lowercase());
                }
                ControlFlow::Continue(())
            });
        }
    }
    names
}

/// Whether a statement is a `select`, or asks about one or about the tables.
fn reads(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::Statement(statement) => matches!(
            statement.as_ref(),
            Sql::Query(_)
                | Sql::Explain { .. }
                | Sql::ExplainTable { .. }
                | Sql::ShowColumns { .. }
                | Sql::ShowFunctions { .. }
                | Sql::ShowTables { .. }
                | Sql::ShowVariable { .. }
        ),
        _ => false,
    }
}

/// A query without the semicolon that ends it.
pub fn trim_sql(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}

/// What the engine refuses, at its line and column where the engine says them.
pub(crate) fn problem_of(error: &DataFusionError, file: &str, line: usize) -> Problem {
    // What failed is said by the innermost error; those around it say who met it.
    let message = error.find_root().strip_backtrace();
    let first = message.lines().next().unwrap_or_default();
    let (mut text, mut at) = (first.to_owned(), (line, None));
    let mut hints: Vec<String> = Vec::new();
    if let Some(diagnostic) = error.diagnostic() {
        text = diagnostic.message.clone();
        if let Some(span) = diagnostic.span {
            at = (
                line + (span.start.line as usize).saturating_sub(1),
                Some(span.start.column as usize),
            );
        }
        let notes = diagnostic.notes.iter().map(|note| note.message.clone());
        hints = notes.chain(diagnostic.helps.iter().map(|help| help.message.clone())).collect();
    }
    let written = Regex::new(r" at Line: (\d+), Column: (\d+)").ok();
    let said = text.clone();
    if let Some(found) = written.and_then(|written| written.captures(&said)) {
        let number = |i: usize| found[i].parse::<usize>().ok();
        if let (Some(l), Some(c), None) = (number(1), number(2), at.1) {
            at = (line + l.saturating_sub(1), Some(c));
        }
        text = said.replace(&found[0], "");
    }
    if let Some(inner) = text.split_once("ParserError(\"").and_then(|(_, t)| t.split_once("\")")) {
        // The parser's own words, without the names of its types around them.
        text = inner.0.replacen("Expected", "expected", 1);
    }
    if let Some(name) = text.strip_prefix("Invalid function '").and_then(|t| t.split('\'').next()) {
        let windows = opeka_functions::all_window_functions();
        if windows.iter().any(|function| function.name() == name) {
            hints =
                vec![format!("`{name}` is a window function: `{name}(…) over (partition by …)`")];
        }
    }
    // Our functions say what is wrong with an argument; the engine wraps it in words of its own.
    if let Some((_, ours)) =
        text.split_once("user-defined coercion failed with: Error during planning: ")
    {
        let ours = ours.split(". No function matches").next().unwrap_or(ours);
        let (said, hint) = ours.split_once("; hint: ").unwrap_or((ours, ""));
        hints = (!hint.is_empty()).then(|| hint.to_owned()).into_iter().collect();
        text = said.to_owned();
    }
    let place = Place::Text { file: file.to_owned(), line: at.0, column: at.1 };
    let problem = Problem::error(Kind::Declaration, place, text);
    hints.into_iter().fold(problem, Problem::hint)
}
