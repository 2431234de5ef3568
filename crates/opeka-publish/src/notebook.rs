//! A brief as a Jupyter notebook: the same text and the same SQL, over the same Parquet files.
//!
//! The notebook has no outputs and the same bytes on every run: its cells are named after what
//! they show, not after a random number.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::brief::{Block, Brief, Citation, Query};
use crate::{Lang, PublishError};

/// What a notebook says besides the brief.
pub struct NotebookInput<'a> {
    /// The pipeline to which the brief belongs.
    pub pipeline: &'a str,
    /// Each metric with its title and, for each column, its name, its meaning and its unit.
    #[allow(clippy::type_complexity)] // The words of the three parts are in the line above.
    pub dictionary: Vec<(String, String, Vec<(String, String, String)>)>,
    /// The sources behind the brief.
    pub citations: Vec<Citation>,
}

/// Finds the release and shows its metrics as tables. Python, because a researcher's notebook
/// speaks it; DuckDB, because it reads Parquet and SQL without a server.
const OPEN: &str = r#"import os
from pathlib import Path

import duckdb
from IPython.display import SVG

warehouse = Path(os.environ.get("OPEKA_WAREHOUSE", "../../warehouse"))
release = warehouse / "releases" / (warehouse / "current").read_text().strip()

con = duckdb.connect()
for file in sorted((release / "metrics").glob("*/*.parquet")):
    schema, metric = file.parent.name, file.stem
    path = str(file).replace("'", "''")
    con.execute(f'create schema if not exists "{schema}"')
    con.execute(f"""create view "{schema}"."{metric}" as select * from read_parquet('{path}')""")

files = str(release / "observations" / "**" / "*.parquet").replace("'", "''")
con.execute(f"create view observations as select * from read_parquet('{files}', union_by_name = true)")
con.sql("select schema_name, view_name from duckdb_views() where not internal order by all")"#;

/// Names that the first cell uses, and words that Python keeps for itself.
const TAKEN: [&str; 47] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "con",
    "duckdb",
    "file",
    "files",
    "metric",
    "os",
    "path",
    "release",
    "schema",
    "str",
    "warehouse",
    "SVG",
];

/// The brief as `.ipynb`, without outputs.
pub fn render_notebook(brief: &Brief, input: &NotebookInput<'_>) -> Result<String, PublishError> {
    let words = &phrases(brief.lang());
    let mut cells = Cells::default();
    let mut head = format!("# {}\n\n", brief.title());
    if let Some(summary) = brief.summary() {
        let _ = write!(head, "{summary}\n\n");
    }
    head.push_str(words.how_to_open);
    cells.markdown("title", &head);
    cells.code("open-release", OPEN);
    let mut prose = 0;
    for block in &brief.blocks {
        match block {
            Block::Prose(text) => {
                prose += 1;
                cells.markdown(&format!("text-{prose}"), text);
            }
            Block::Query(at) => {
                if let Some(query) = brief.queries().get(*at) {
                    cells.query(query);
                }
            }
            Block::Chart(name) => {
                let file = format!("{name}.{}.svg", brief.lang());
                let source = format!(
                    "SVG(filename=str(release / \"published\" / {} / {}))",
                    json!(input.pipeline),
                    json!(file)
                );
                cells.code(&format!("chart-{name}"), &source);
            }
            // A table may stand above its query; a notebook runs from above, so the query comes up.
            Block::Table(name) => match brief.queries().iter().find(|query| query.name == *name) {
                Some(query) if !cells.run.contains(name) => cells.query(query),
                _ => cells.code(&format!("table-{name}"), &variable(name)),
            },
        }
    }
    if !input.dictionary.is_empty() {
        cells.markdown("dictionary", &dictionary(input, words));
    }
    if !input.citations.is_empty() {
        cells.markdown("sources", &sources(input, words));
    }
    let notebook = json!({
        "cells": cells.list,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    });
    // One space of indentation, as Jupyter itself writes it: saving does not change the file.
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    serde::Serialize::serialize(&notebook, &mut writer)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.push('\n');
    Ok(text)
}

#[derive(Default)]
struct Cells {
    list: Vec<Value>,
    ids: BTreeSet<String>,
    /// The queries that have their cell.
    run: BTreeSet<String>,
}

impl Cells {
    fn markdown(&mut self, id: &str, text: &str) {
        let id = self.id(id);
        self.list.push(json!({
            "cell_type": "markdown",
            "id": id,
            "metadata": {},
            "source": lines(text),
        }));
    }

    fn code(&mut self, id: &str, text: &str) {
        let id = self.id(id);
        self.list.push(json!({
            "cell_type": "code",
            "execution_count": null,
            "id": id,
            "metadata": {},
            "outputs": [],
            "source": lines(text),
        }));
    }

    fn query(&mut self, query: &Query) {
        if self.run.insert(query.name.clone()) {
            let name = variable(&query.name);
            let sql = python_string(&query.sql);
            let source = format!("{name} = con.sql({sql}).df()\n{name}");
            self.code(&format!("query-{}", query.name), &source);
        }
    }

    /// An id that the format allows, and that no other cell has.
    fn id(&mut self, wanted: &str) -> String {
        let clean: String = wanted
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
            .take(56)
            .collect();
        let mut id = clean.clone();
        let mut next = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{clean}-{next}");
            next += 1;
        }
        id
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A query's name as a Python variable.
fn variable(name: &str) -> String {
    if TAKEN.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// SQL as a Python literal: between triple quotes where it can stand there as it is.
fn python_string(sql: &str) -> String {
    let plain = !sql.contains(['\\', '\r']) && !sql.contains("\"\"\"") && !sql.ends_with('"');
    if plain { format!("\"\"\"\n{sql}\n\"\"\"") } else { json!(sql).to_string() }
}

fn dictionary(input: &NotebookInput<'_>, words: &Phrases) -> String {
    let mut text = format!("## {}\n", words.dictionary);
    for (metric, title, columns) in &input.dictionary {
        let _ = write!(text, "\n### `{metric}`\n\n{title}\n\n");
        let _ = writeln!(text, "| {} | {} | {} |", words.column, words.meaning, words.unit);
        text.push_str("| --- | --- | --- |\n");
        for (column, meaning, unit) in columns {
            let _ = writeln!(text, "| `{column}` | {} | {} |", cell(meaning), cell(unit));
        }
    }
    text.trim_end().to_owned()
}

/// Text inside a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn sources(input: &NotebookInput<'_>, words: &Phrases) -> String {
    let mut text = format!("## {}\n\n", words.sources);
    for citation in &input.citations {
        let _ = writeln!(
            text,
            "- *{}*. {}. <{}>. {}: {}. {}: {}. `{}`, SHA-256 `{}`",
            citation.title.trim_end_matches('.'),
            citation.citation.trim_end_matches('.'),
            citation.url,
            words.licence,
            citation.licence,
            words.accessed,
            citation.accessed,
            citation.source,
            citation.sha256
        );
    }
    text.trim_end().to_owned()
}

struct Phrases {
    how_to_open: &'static str,
    dictionary: &'static str,
    column: &'static str,
    meaning: &'static str,
    unit: &'static str,
    sources: &'static str,
    licence: &'static str,
    accessed: &'static str,
}

fn phrases(lang: Lang) -> Phrases {
    let words = lang.words();
    match lang {
        Lang::En => Phrases {
            how_to_open: "This notebook holds the text and the SQL of the published brief. It needs \
                          `pip install duckdb pandas notebook` and a warehouse: set \
                          `OPEKA_WAREHOUSE` to its folder, or start the notebook from its own \
                          folder beside `warehouse`. Names such as `query.column` in the text \
                          stand for numbers that the brief prints; run the cells to see them.",
            dictionary: "Data dictionary",
            column: "Column",
            meaning: "Meaning",
            unit: "Unit",
            sources: words.sources,
            licence: words.licence,
            accessed: words.accessed,
        },
        Lang::Ru => Phrases {
            how_to_open: "Здесь текст и запросы SQL опубликованного обзора. Нужны `pip install \
                          duckdb pandas notebook` и хранилище: укажите его папку в переменной \
                          `OPEKA_WAREHOUSE` или откройте блокнот из его собственной папки рядом с \
                          `warehouse`. Имена вида `запрос.столбец` стоят в тексте на месте чисел, \
                          которые печатает обзор; выполните ячейки, чтобы увидеть их.",
            dictionary: "Словарь данных",
            column: "Столбец",
            meaning: "Что означает",
            unit: "Единица",
            sources: words.sources,
            licence: words.licence,
            accessed: words.accessed,
        },
    }
}
