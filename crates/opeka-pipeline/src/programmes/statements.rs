//! Every figure of a registry file as a statement with an address.
//!
//! A statement is named as a cell is: `programmes/our_city.toml#$.claims[1].size`, a JSONPath of the
//! TOML. Its note says which line of which document says it.

use toml::{Table, Value};

/// What the sources of statements begin with: their place below `datasets`.
pub(crate) const SOURCE_PREFIX: &str = "programmes/";

/// Keys of an entry that say where it stands or comment on it; they are no statements.
const NOT_STATED: [&str; 6] =
    ["document", "line", "planned_line", "note", "needed", "no_statistic"];

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// `programmes/our_city.toml`.
    pub source: String,
    /// `$.claims[1].size`.
    pub cell: String,
    /// As the registry writes it.
    pub text: String,
    /// Where it is a number.
    pub value: Option<f64>,
    /// The document and the line that say it, and what the registry notes.
    pub note: String,
}

impl Statement {
    pub(crate) fn cell_ref(&self) -> String {
        format!("{}#{}", self.source, self.cell)
    }
}

/// The statements of an entry, such as `claims[1]`; those of the programme itself where `at` is none.
pub(crate) fn of_entry(programme: &str, text: &Table, at: Option<(&str, usize)>) -> Vec<Statement> {
    let source = format!("{SOURCE_PREFIX}{programme}.toml");
    let (entry, path) = match at {
        Some((section, index)) => {
            let entry =
                text.get(section).and_then(|list| list.get(index)).and_then(Value::as_table);
            (entry, format!("$.{section}[{index}]"))
        }
        None => (Some(text), "$".to_owned()),
    };
    let Some(entry) = entry else { return Vec::new() };
    let note = place(text, entry);
    let stated = entry.iter().filter(|(key, _)| !NOT_STATED.contains(&key.as_str()));
    stated
        .filter_map(|(key, value)| {
            let text = scalar(value)?;
            let cell = format!("{path}.{key}");
            Some(Statement {
                source: source.clone(),
                cell,
                text,
                value: number(value),
                note: note.clone(),
            })
        })
        .collect()
}

/// The document and the line of an entry, and its note.
fn place(text: &Table, entry: &Table) -> String {
    let documents = text.get("documents").and_then(Value::as_array);
    let first = documents.and_then(|all| all.first()).and_then(|d| d.get("id"));
    let document = entry.get("document").or(first).and_then(Value::as_str).unwrap_or_default();
    let named = documents
        .into_iter()
        .flatten()
        .find(|d| d.get("id").and_then(Value::as_str) == Some(document));
    let of = |key: &str| named.and_then(|d| d.get(key)).and_then(Value::as_str);
    let title = of("title").unwrap_or(document);
    let mut words = match entry.get("line").and_then(Value::as_integer) {
        Some(line) => format!("{title}, line {line} of {}", of("text").unwrap_or("the text")),
        None => title.to_owned(),
    };
    if let Some(note) = entry.get("note").and_then(Value::as_str) {
        words.push_str("; ");
        words.push_str(note);
    }
    words
}

/// A value that is one thing, as the registry writes it; numbers of a list stand together.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(date) => Some(date.to_string()),
        Value::Array(list) if list.iter().all(|one| number(one).is_some()) && !list.is_empty() => {
            Some(list.iter().filter_map(scalar).collect::<Vec<String>>().join(" "))
        }
        Value::Array(_) | Value::Table(_) => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}

/// What a statement's address reads in the text of a registry file.
pub(crate) fn cell_text(text: &str, cell: &str) -> Option<String> {
    let root: Table = toml::from_str(text).ok()?;
    let mut keys = cell.strip_prefix("$.")?.split('.');
    let first = keys.next()?;
    let value = match first.split_once('[') {
        Some((section, index)) => {
            let index: usize = index.strip_suffix(']')?.parse().ok()?;
            root.get(section)?.get(index)?.get(keys.next()?)?
        }
        None => root.get(first)?,
    };
    match keys.next() {
        None => scalar(value),
        Some(_) => None,
    }
}
