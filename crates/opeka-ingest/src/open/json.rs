//! JSON as the readers of statistical formats need it: members in their order, texts borrowed from
//! the file, and no member twice; with RFC 9535 paths to name what stands in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use opeka_model::{Kind, Place, Problem};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use smol_str::SmolStr;

use super::decode::decode;
use super::flat::{Pool, refuse};
use super::{jsonstat, sdmx, worldbank};
use crate::grid::{Cell, Grid, Paths, Value};

/// Reads whichever of the known formats the JSON is in.
pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = decode(source, bytes)?;
    // Not more than 128 deep: the parser's own limit, which is left in place.
    let json: Json = serde_json::from_str(&text).map_err(|error| {
        let place = Place::Text {
            file: source.to_owned(),
            line: error.line(),
            column: Some(error.column()).filter(|column| *column > 0),
        };
        let mut message = error.to_string();
        if let Some(at) = message.rfind(" at line ") {
            message.truncate(at);
        }
        Problem::error(Kind::Data, place, format!("the JSON is damaged: {message}"))
            .hint("the file may be cut short: fetch it again from its publisher")
    })?;
    let file = File { source, bytes: bytes.len() };
    if worldbank::is(&json) {
        worldbank::read(&file, &json)
    } else if sdmx::json::is(&json) {
        sdmx::json::read(&file, &json)
    } else if jsonstat::is(&json) {
        jsonstat::read(&file, &json)
    } else {
        Err(refuse(source, "the JSON is in no format that is read").hint(
            "JSON-stat, SDMX-JSON and the answers of the World Bank's interface are; \
             many interfaces give CSV when asked for it",
        ))
    }
}

/// The file that is read.
pub(super) struct File<'s> {
    pub(super) source: &'s str,
    pub(super) bytes: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'t, str>),
    Array(Vec<Json<'t>>),
    Object(Vec<(Cow<'t, str>, Json<'t>)>),
}

impl<'t> Json<'t> {
    /// The member of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Json<'t>> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> &[Json<'t>] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    pub(super) fn members(&self) -> &[(Cow<'t, str>, Json<'t>)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// A whole number that counts something.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Number(n) if *n >= 0.0 && n.fract() == 0.0 && *n < 9e15 => Some(*n as u64),
            _ => None,
        }
    }

    /// What a cell stores of it; nothing where there is nothing, or where there are several.
    pub(super) fn value(&self, pool: &mut Pool) -> Option<Value> {
        match self {
            Self::Number(number) => Some(Value::Number(*number)),
            Self::Text(text) if text.is_empty() => None,
            Self::Text(text) => Some(Value::Text(pool.share(text))),
            Self::Bool(truth) => Some(Value::Bool(*truth)),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// A name in the language that is written first, or the text itself.
    pub(super) fn name(&self) -> Option<&str> {
        self.text().or_else(|| self.members().iter().find_map(|(_, text)| text.text()))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
                Ok(Json::Bool(truth))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Json::Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Json::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Json::Number(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Json::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Json::Text(Cow::Borrowed(text)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut array = Vec::new();
                while let Some(item) = items.next_element()? {
                    array.push(item);
                }
                Ok(Json::Array(array))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
                names.sort_unstable();
                if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                    return Err(A::Error::custom(format!("a member `{}` twice", twice[0])));
                }
                Ok(Json::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A member's name, borrowed where it has no escapes.
struct Key<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Text(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a name is expected")),
        }
    }
}

/// A member in a normalized path: `['value']`.
pub(super) fn member(name: &str) -> String {
    let mut path = String::from("['");
    for character in name.chars() {
        match character {
            '\'' => path.push_str("\\'"),
            '\\' => path.push_str("\\\\"),
            '\u{8}' => path.push_str("\\b"),
            '\t' => path.push_str("\\t"),
            '\n' => path.push_str("\\n"),
            '\u{c}' => path.push_str("\\f"),
            '\r' => path.push_str("\\r"),
            control if control < ' ' => path.push_str(&format!("\\u{:04x}", control as u32)),
            other => path.push(other),
        }
    }
    path.push_str("']");
    path
}

/// Lists all that stands below a value, but for what is left to other tables: a path and a value in
/// each row.
pub(super) fn list(
    file: &File,
    name: &str,
    base: &str,
    json: &Json,
    pool: &mut Pool,
    skip: &dyn Fn(&str) -> bool,
) -> Result<Option<Grid>, Problem> {
    let mut listed = Listed { paths: Vec::new(), cells: Vec::new(), said: 0 };
    for (column, header) in ["path", "value"].into_iter().enumerate() {
        listed.cells.push(Cell::of_text(0, column as u32, header));
    }
    let mut path = base.to_owned();
    walk(file, &mut path, json, pool, skip, &mut listed);
    // A long name is said again for each value below it.
    if listed.said > most(file) {
        return Err(refuse(
            file.source,
            "what the JSON says beside its figures is too much to list",
        )
        .hint("names in it are longer than those of any office; fetch the file again"));
    }
    if listed.paths.is_empty() {
        return Ok(None);
    }
    let Listed { paths, cells, .. } = listed;
    let paths = ListPaths { paths, row_of: OnceLock::new() };
    Ok(Some(Grid::structured(Some(name.to_owned()), cells, Arc::new(paths))))
}

struct Listed {
    paths: Vec<SmolStr>,
    cells: Vec<Cell>,
    /// How long all paths are together.
    said: usize,
}

/// How long the paths of a file may be together.
fn most(file: &File) -> usize {
    file.bytes.saturating_mul(64).saturating_add(1 << 20)
}

fn walk(
    file: &File,
    path: &mut String,
    json: &Json,
    pool: &mut Pool,
    skip: &dyn Fn(&str) -> bool,
    listed: &mut Listed,
) {
    if skip(path) || listed.said > most(file) {
        return;
    }
    let length = path.len();
    for (name, value) in json.members() {
        path.push_str(&member(name));
        walk(file, path, value, pool, skip, listed);
        path.truncate(length);
    }
    for (index, value) in json.array().iter().enumerate() {
        path.push_str(&format!("[{index}]"));
        walk(file, path, value, pool, skip, listed);
        path.truncate(length);
    }
    if let Some(value) = json.value(pool) {
        listed.said += path.len();
        let path: SmolStr = path.as_str().into();
        listed.paths.push(path.clone());
        let row = listed.paths.len() as u32;
        listed.cells.push(Cell::of_text(row, 0, path));
        listed.cells.push(Cell::plain(row, 1, value));
    }
}

/// Paths of what is listed: they stand in the table itself.
#[derive(Debug)]
struct ListPaths {
    paths: Vec<SmolStr>,
    row_of: OnceLock<HashMap<SmolStr, u32>>,
}

const NAME_OF: &str = "name of ";

impl Paths for ListPaths {
    fn path(&self, row: u32, column: u32) -> String {
        let path = (row as usize).checked_sub(1).and_then(|row| self.paths.get(row));
        match (path, column) {
            (Some(path), 1) => path.to_string(),
            (Some(path), _) => format!("{NAME_OF}{path}"),
            (None, column) => format!("header {}", column + 1),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        if let Some(column) = path.strip_prefix("header ") {
            return Some((0, column.parse::<u32>().ok()?.checked_sub(1)?));
        }
        let row_of = self.row_of.get_or_init(|| self.paths.iter().cloned().zip(1..).collect());
        match path.strip_prefix(NAME_OF) {
            Some(path) => Some((*row_of.get(path)?, 0)),
            None => Some((*row_of.get(path)?, 1)),
        }
    }
}

/// Paths of a flat table whose rows and columns are computed by what the format lays out.
pub(super) trait Layout: fmt::Debug + Send + Sync {
    /// Where the figure of a row stands.
    fn row_path(&self, row: u32) -> String;
    /// The row at such a path.
    fn row_at(&self, path: &str) -> Option<u32>;
    /// How many columns there are.
    fn columns(&self) -> u32;
    /// Where a column's text for a row stands; `None` where that is the path of the figure.
    fn column_path(&self, row: u32, column: u32) -> Option<String>;
    /// Where what the header says stands.
    fn header_path(&self, column: u32) -> String;
}

/// Joins the place of a code with the place of the figure that it describes.
#[derive(Debug)]
pub(super) struct FlatPaths<L>(pub(super) L);

const OF: &str = " of ";

impl<L: Layout> Paths for FlatPaths<L> {
    fn path(&self, row: u32, column: u32) -> String {
        if row == 0 {
            return format!("header {}{OF}{}", column + 1, self.0.header_path(column));
        }
        match self.0.column_path(row, column) {
            Some(path) => format!("{path}{OF}{}", self.0.row_path(row)),
            None => self.0.row_path(row),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        if let Some(header) = path.strip_prefix("header ") {
            let (column, _) = header.split_once(OF)?;
            return Some((0, column.parse::<u32>().ok()?.checked_sub(1)?));
        }
        // A quote within a name is escaped, so that this stands between two paths only.
        let row = match path.rfind(&format!("{OF}$")).or_else(|| path.rfind(&format!("{OF}R"))) {
            Some(at) => self.0.row_at(&path[at + OF.len()..])?,
            None => self.0.row_at(path)?,
        };
        (0..self.0.columns()).find(|column| self.path(row, *column) == path).map(|c| (row, c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_json_and_damaged_json_are_problems() {
        let message = |text: &str| read("a.json", text.as_bytes()).unwrap_err();
        assert!(message("{\"a\": 1}").hints[0].contains("JSON-stat"));
        assert!(message("[]").hints[0].contains("World Bank"));
        let cut = message("{\"version\": \"2.0\",\n \"value\": [1, 2");
        assert!(matches!(cut.place, Place::Text { line: 2, .. }), "{cut}");
        assert!(message("{\"a\": 1, \"a\": 2}").message.contains("`a` twice"));
        assert!(message(&"[".repeat(100_000)).message.contains("recursion limit"));
    }

    #[test]
    fn a_long_name_above_many_values_is_not_repeated_without_end() {
        let name = "n".repeat(100_000);
        let many = vec!["1"; 10_000].join(",");
        let text = format!(r#"[{{"page":1,"{name}":[{many}]}},[{{"value":1}}]]"#);
        let problem = read("a.json", text.as_bytes()).unwrap_err();
        assert!(problem.message.contains("too much to list"), "{problem}");
    }

    #[test]
    fn names_are_escaped_in_paths() {
        assert_eq!(member("d'Ivoire\n\\"), "['d\\'Ivoire\\n\\\\']");
        assert_eq!(member("\u{1}"), "['\\u0001']");
    }
}
