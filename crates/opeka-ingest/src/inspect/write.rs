//! A proposed recipe as TOML, with comments.

use std::fmt::Write as _;

use super::draft::{Cells, Draft, DraftDimension, DraftTable, Empties, Part, Place, Sheets};
use crate::recipe::{Attach, Column, Direction};

/// A text as a TOML string: literal where that is possible, so that regular expressions stay legible.
pub(crate) fn quoted(text: &str) -> String {
    let plain = !text.chars().any(|c| c == '\'' || c.is_control());
    if plain && (text.contains('\\') || text.contains('"')) {
        return format!("'{text}'");
    }
    basic(text)
}

/// A text as a basic TOML string, which may be a key too.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| quoted(text)).collect();
    match texts.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", texts.join(", ")),
    }
}

/// A list that may be long, a few texts a line.
fn long_list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| quoted(text)).collect();
    let length: usize = texts.iter().map(|text| text.chars().count() + 2).sum();
    if length < 90 {
        return format!("[{}]", texts.join(", "));
    }
    let lines: Vec<String> = texts.iter().map(|text| format!("    {text},\n")).collect();
    format!("[\n{}]", lines.concat())
}

pub(super) fn comment(out: &mut String, lines: &[String]) {
    for line in lines {
        let _ = writeln!(out, "# {}", in_one_line(line).trim_end());
    }
}

/// A comment is one line, whatever a cell or the name of a sheet says.
fn in_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The whole recipe.
pub(super) fn recipe(draft: &Draft, head: &[String], all_sheets: &[Option<String>]) -> String {
    let mut out = String::new();
    comment(&mut out, head);
    let _ = writeln!(out, "title = {}", quoted(&draft.title));
    let _ = writeln!(out, "dataset = {}", quoted(&draft.dataset));
    let _ = writeln!(out, "source = {}", quoted(&draft.source));
    if draft.comma {
        out.push_str("decimal = \",\" # numbers stored as text are written so\n");
    }
    if !draft.marks.is_empty() {
        out.push_str("\n# Marks in place of figures. What each means, only the publisher's legend says: read it, and\n");
        out.push_str("# change the status (`O` missing, `M` cannot exist, `Q` suppressed, …) where it says more.\n[marks]\n");
        for (mark, found) in &draft.marks {
            let legend = found.legend.as_ref();
            let legend =
                legend.map(|words| format!(", legend = {}", quoted(words))).unwrap_or_default();
            let why = match legend.is_empty() {
                true => format!(" # first in {}; no legend was found", in_one_line(&found.seen)),
                false => String::new(),
            };
            let _ = writeln!(out, "{} = {{ obs_status = \"O\"{legend} }}{why}", basic(mark));
        }
    }
    if !draft.footnotes.is_empty() {
        out.push_str("\n# Footnote marks behind names and figures.\n[footnotes]\n");
        let _ = writeln!(out, "marks = {}", long_list(&draft.footnotes));
    }
    for table in &draft.tables {
        out.push('\n');
        write_table(&mut out, table, all_sheets);
    }
    out
}

fn write_table(out: &mut String, table: &DraftTable, all_sheets: &[Option<String>]) {
    comment(out, &table.comments);
    out.push_str("[[table]]\n");
    match &table.sheets {
        Sheets::Unnamed => {}
        Sheets::One(name) => {
            let _ = writeln!(out, "sheet = {}", quoted(name));
        }
        Sheets::Many(names) => {
            let (pattern, except) = pattern(names, all_sheets);
            let _ = writeln!(out, "sheets = {}", quoted(&pattern));
            if !except.is_empty() {
                let _ = writeln!(out, "except = {}", long_list(&except));
            }
        }
    }
    if let Some(after) = &table.after {
        let _ = writeln!(out, "after = {}", quoted(after));
    }
    if let Some(until) = &table.until {
        let _ = writeln!(out, "until = {}", quoted(until));
    }
    match &table.blocks {
        Some(Ok(text)) => {
            let _ = writeln!(out, "blocks = {}", quoted(text));
        }
        Some(Err(matches)) => {
            let _ = writeln!(out, "blocks = {{ matches = {} }}", quoted(matches));
        }
        None => {}
    }
    out.push_str(match table.empty {
        Empties::Due => "",
        Empties::Missing => "empty = { obs_status = \"O\" } # empty cells stand among the figures; the file does not say why\n",
        Empties::Skipped => "empty = \"skip\" # some labels stand twice, and one of the two cells is empty\n",
    });
    if !table.figures_below.is_empty() {
        let _ = writeln!(out, "\n[table.observations]\nbelow = {}", list(&table.figures_below));
    }
    for (column, dimension) in &table.dimensions {
        out.push('\n');
        write_dimension(out, *column, dimension);
    }
}

fn write_dimension(out: &mut String, column: Column, dimension: &DraftDimension) {
    comment(out, &dimension.comments);
    let _ = writeln!(out, "[table.dimensions.{}]", column.name());
    match dimension.parts.as_slice() {
        [one] => {
            for (key, value) in keys(one) {
                let _ = writeln!(out, "{key} = {value}");
            }
        }
        several => {
            out.push_str("parts = [\n");
            for part in several {
                let keys: Vec<String> = keys(part)
                    .into_iter()
                    .map(|(key, value)| format!("{key} = {}", value.replace('\n', "\n    ")))
                    .collect();
                let _ = writeln!(out, "    {{ {} }},", keys.join(", "));
            }
            out.push_str("]\n");
        }
    }
    if let Some(by) = &dimension.by {
        let _ = writeln!(out, "by = {}", quoted(by));
    }
    if let Some(frequency) = dimension.frequency {
        let _ = writeln!(out, "frequency = \"{frequency}\"");
    }
    if let Some(starts) = dimension.year_starts {
        let _ = writeln!(out, "year_starts = \"{starts}\"");
    }
    if dimension.as_written {
        out.push_str("as_written = true\n");
    }
    if !dimension.ignore.is_empty() {
        comment(out, &dimension.ignore_comments);
        let _ = writeln!(out, "ignore = {}", long_list(&dimension.ignore));
    }
    if let Some(matches) = &dimension.ignore_matches {
        let _ = writeln!(out, "ignore_matches = {}", quoted(matches));
    }
    if !dimension.values.is_empty() {
        let _ = writeln!(out, "[table.dimensions.{}.values]", column.name());
        for (label, code) in &dimension.values {
            let _ = writeln!(out, "{} = {}", basic(label), quoted(code));
        }
    }
}

fn keys(part: &Part) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    match &part.source {
        Place::Constant(code) => keys.push(("constant", quoted(code))),
        Place::Sheet => keys.push(("from", "\"sheet\"".to_owned())),
        Place::File => keys.push(("from", "\"file\"".to_owned())),
        Place::Cells(cells) => selection(cells, &mut keys),
    }
    if let Some(direction) = part.direction {
        let name = match direction {
            Direction::Left => "left",
            Direction::Right => "right",
            Direction::Up => "up",
            Direction::Down => "down",
        };
        keys.push(("direction", format!("\"{name}\"")));
    }
    match part.attach {
        Attach::Closest => keys.push(("attach", "\"closest\"".to_owned())),
        Attach::Nearest => keys.push(("attach", "\"nearest\"".to_owned())),
        Attach::Table => keys.push(("attach", "\"table\"".to_owned())),
        Attach::Directly => {}
    }
    if let Some(extract) = &part.extract {
        keys.push(("extract", quoted(extract)));
    }
    keys
}

fn selection(cells: &Cells, keys: &mut Vec<(&'static str, String)>) {
    if !cells.below.is_empty() {
        keys.push(("below", list(&cells.below)));
    }
    if let Some(anchor) = &cells.right_of {
        keys.push(("right_of", quoted(anchor)));
    }
    if !cells.row_of.is_empty() {
        keys.push(("row_of", list(&cells.row_of)));
    }
    if let Some(anchor) = &cells.column_of {
        keys.push(("column_of", quoted(anchor)));
    }
    match cells.text.as_slice() {
        [] => {}
        [one] => keys.push(("text", quoted(one))),
        several => keys.push(("text", long_list(several))),
    }
    if let Some(matches) = &cells.matches {
        keys.push(("matches", quoted(matches)));
    }
    if cells.bold {
        keys.push(("bold", "true".to_owned()));
    }
    match cells.indent.as_slice() {
        [] => {}
        [one] => keys.push(("indent", one.to_string())),
        several => {
            let levels: Vec<String> = several.iter().map(ToString::to_string).collect();
            keys.push(("indent", format!("[{}]", levels.join(", "))));
        }
    }
}

/// A regular expression that matches these sheets, and the sheets to except from it.
fn pattern(names: &[String], all_sheets: &[Option<String>]) -> (String, Vec<String>) {
    let others: Vec<&String> = all_sheets.iter().flatten().filter(|n| !names.contains(n)).collect();
    // Names that differ in their digits only: `Table \d+`.
    let digits = |name: &str| {
        let mut out = String::new();
        let mut inside = false;
        for c in name.chars() {
            if c.is_ascii_digit() {
                if !inside {
                    out.push_str(r"\d+");
                }
                inside = true;
            } else {
                inside = false;
                out.push_str(&regex::escape(&c.to_string()));
            }
        }
        out
    };
    if let Some(first) = names.first() {
        let shape = digits(first);
        if names.iter().all(|name| digits(name) == shape)
            && !others.iter().any(|name| digits(name) == shape)
        {
            return (shape, Vec::new());
        }
    }
    let escaped: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    let listed = escaped.join("|");
    let excepted: usize = others.iter().map(|name| name.chars().count() + 4).sum();
    if listed.chars().count() > excepted + 40 {
        return (".*".to_owned(), others.into_iter().cloned().collect());
    }
    (listed, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_of_one_layout_are_named_by_what_they_share() {
        let all = |names: &[&str]| names.iter().map(|n| Some((*n).to_owned())).collect::<Vec<_>>();
        let some = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            pattern(&some(&["Table 1", "Table 12"]), &all(&["Cover", "Table 1", "Table 12"])),
            (r"Table \d+".to_owned(), vec![])
        );
        assert_eq!(
            pattern(&some(&["a.b", "c"]), &all(&["a.b", "c", "d"])),
            (r"a\.b|c".to_owned(), vec![])
        );
        let many: Vec<String> =
            (0..30).map(|i| format!("Sheet of area {i} x{}", "y".repeat(i))).collect();
        let mut sheets: Vec<Option<String>> = many.iter().cloned().map(Some).collect();
        sheets.push(Some("Notes".into()));
        assert_eq!(pattern(&many, &sheets), (".*".to_owned(), vec!["Notes".to_owned()]));
    }

    #[test]
    fn texts_survive_toml() {
        for text in ["a", "a\"b", r"\d+", "it's \"so\"", "line\nbreak", "т\u{a0}ы"] {
            let read: std::collections::BTreeMap<String, String> =
                toml_value(&format!("x = {}", quoted(text)));
            assert_eq!(read["x"], text);
            let read: std::collections::BTreeMap<String, String> =
                toml_value(&format!("{} = \"x\"", basic(text)));
            assert!(read.contains_key(text), "{text}");
        }
    }

    fn toml_value<T: serde::de::DeserializeOwned>(text: &str) -> T {
        opeka_model::from_toml("t.toml", text).unwrap()
    }
}
