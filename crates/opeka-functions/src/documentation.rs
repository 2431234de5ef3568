//! The documentation of all functions, for those who do not know the engine.

use datafusion_expr::Documentation;

use crate::{all_aggregate_functions, all_scalar_functions, all_window_functions};

/// What a function's own documentation says.
#[derive(Debug, Clone)]
pub struct FunctionDocumentation {
    pub name: String,
    /// `scalar`, `aggregate` or `window`.
    pub kind: &'static str,
    /// What it is about: rates, trends, …
    pub section: &'static str,
    pub syntax: String,
    pub description: String,
    /// Each argument, and what it is.
    pub arguments: Vec<(String, String)>,
    /// A query after a prompt, and the table that it prints.
    pub example: String,
}

/// The documentation of all functions, by name.
pub fn documentation() -> Vec<FunctionDocumentation> {
    let scalar = all_scalar_functions();
    let aggregate = all_aggregate_functions();
    let scalar = scalar.iter().filter_map(|f| read(f.name(), "scalar", f.documentation()?));
    let aggregate =
        aggregate.iter().filter_map(|f| read(f.name(), "aggregate", f.documentation()?));
    let window = all_window_functions();
    let window = window.iter().filter_map(|f| read(f.name(), "window", f.documentation()?));
    let mut all: Vec<FunctionDocumentation> = scalar.chain(aggregate).chain(window).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn read(name: &str, kind: &'static str, doc: &Documentation) -> Option<FunctionDocumentation> {
    Some(FunctionDocumentation {
        name: name.to_owned(),
        kind,
        section: doc.doc_section.label,
        syntax: doc.syntax_example.clone(),
        description: doc.description.clone(),
        arguments: doc.arguments.clone().unwrap_or_default(),
        example: doc.sql_example.clone()?,
    })
}
