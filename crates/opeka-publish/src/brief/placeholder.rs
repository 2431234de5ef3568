//! What stands between `{{` and `}}`.

use opeka_model::{Kind, Place, Problem, suggest};

use crate::number::NumberFormat;

/// Marks the start and the end of a placeholder's number in the marked text. Both are private-use
/// characters: Markdown gives them no meaning, and no brief has a reason to contain them.
pub(crate) const OPEN: char = '\u{e000}';
pub(crate) const CLOSE: char = '\u{e001}';

const VERBS: [&str; 3] = ["chart", "table", "value"];

/// One `{{ … }}` of a brief.
#[derive(Debug, Clone)]
pub(crate) struct Placeholder {
    pub(crate) what: What,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// As it is written, with its braces.
    pub(crate) written: String,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Value { query: String, column: String, format: Option<NumberFormat>, or: Option<String> },
    Chart { name: String },
    Table { query: String, caption: Option<String> },
}

impl Placeholder {
    pub(crate) fn place(&self, file: &str) -> Place {
        Place::Text { file: file.to_owned(), line: self.line, column: Some(self.column) }
    }

    /// Reads the text between the braces; `line` and `column` are those of the opening brace.
    pub(crate) fn parse(
        file: &str,
        inside: &str,
        line: usize,
        column: usize,
    ) -> Result<Self, Problem> {
        let wrong = |offset: usize, message: String| {
            let before = inside.get(..offset).map_or(0, |text| text.chars().count());
            let column = Some(column + 2 + before);
            let place = Place::Text { file: file.to_owned(), line, column };
            Problem::error(Kind::Declaration, place, message)
        };
        let mut parts = split(inside).into_iter();
        let (start, head) = parts.next().unwrap_or((0, ""));
        let mut words = head.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let operand = words.next();
        if !VERBS.contains(&verb) {
            return Err(wrong(start, format!("unknown placeholder `{verb}`")).hint(suggest(
                verb,
                VERBS,
                "placeholders",
            )));
        }
        let Some(operand) = operand else {
            return Err(wrong(start, format!("`{verb}` names nothing")).hint(example(verb)));
        };
        if let Some(more) = words.next() {
            return Err(wrong(start, format!("`{more}` is not expected after `{operand}`"))
                .hint(example(verb)));
        }
        let mut what = match verb {
            "chart" => What::Chart { name: operand.to_owned() },
            "table" => What::Table { query: operand.to_owned(), caption: None },
            _ => {
                let Some((query, column)) = operand.split_once('.') else {
                    return Err(
                        wrong(start, format!("`{operand}` names no column")).hint(example(verb))
                    );
                };
                What::Value {
                    query: query.to_owned(),
                    column: column.to_owned(),
                    format: None,
                    or: None,
                }
            }
        };
        for (start, filter) in parts {
            match (&mut what, quoted(filter)) {
                (What::Value { or, .. }, Some(("or", text))) => *or = Some(text.to_owned()),
                (What::Table { caption, .. }, Some(("caption", text))) => {
                    *caption = Some(text.to_owned());
                }
                (What::Value { format, .. }, None) => match filter.parse() {
                    Ok(read) => *format = Some(read),
                    Err(message) => {
                        let name = filter.split('(').next().unwrap_or_default();
                        let known = NumberFormat::NAMES.into_iter().chain(["or"]);
                        return Err(wrong(start, message).hint(suggest(name, known, "formats")));
                    }
                },
                _ => {
                    return Err(wrong(start, format!("`{verb}` does not take `{filter}`"))
                        .hint(example(verb)));
                }
            }
        }
        Ok(Self { what, line, column, written: format!("{{{{{inside}}}}}") })
    }
}

fn example(verb: &str) -> &'static str {
    match verb {
        "chart" => "write `{{ chart name }}`",
        "table" => "write `{{ table query }}` or `{{ table query | caption(\"…\") }}`",
        _ => "write `{{ value query.column }}` or `{{ value query.column | number(1) }}`",
    }
}

/// The parts between bars, trimmed, each with its byte offset; a bar inside quotes is text.
fn split(inside: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut in_quotes) = (0, false);
    let bars = inside.char_indices().chain([(inside.len(), '|')]);
    for (at, c) in bars {
        in_quotes ^= c == '"';
        if c == '|' && (!in_quotes || at == inside.len()) {
            let part = &inside[start..at];
            let lead = part.len() - part.trim_start().len();
            parts.push((start + lead, part.trim()));
            start = at + 1;
        }
    }
    parts
}

/// `or("text")` as its name and its text.
fn quoted(filter: &str) -> Option<(&str, &str)> {
    let (name, rest) = filter.split_once('(')?;
    let text = rest.trim_end().strip_suffix(')')?.trim();
    Some((name.trim(), text.strip_prefix('"')?.strip_suffix('"')?))
}

/// A piece of marked text.
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Placeholder(usize),
}

/// The text and the placeholders of a marked text, in order.
pub(crate) fn pieces(marked: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (at, part) in marked.split(OPEN).enumerate() {
        let mut text = part;
        if at > 0
            && let Some((number, rest)) = part.split_once(CLOSE)
            && let Ok(number) = number.parse()
        {
            pieces.push(Piece::Placeholder(number));
            text = rest;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(inside: &str) -> Result<Placeholder, Problem> {
        Placeholder::parse("b.md", inside, 7, 5)
    }

    #[test]
    fn a_value_with_all_its_parts() {
        let what = parse(" value found.children | signed(2) | or(\"a | b\") ").unwrap().what;
        let What::Value { query, column, format, or } = what else { panic!("{what:?}") };
        assert_eq!((query.as_str(), column.as_str()), ("found", "children"));
        assert_eq!((format, or.as_deref()), (Some(NumberFormat::Signed(2)), Some("a | b")));
    }

    #[test]
    fn mistakes_have_a_place_and_a_hint() {
        for (inside, message) in [
            (
                " valu a.b ",
                "error: b.md:7:8: unknown placeholder `valu`\n  hint: did you mean `value`?",
            ),
            (
                " value a.b | percnt(1) ",
                "error: b.md:7:20: unknown format `percnt`\n  hint: did you mean `percent`?",
            ),
            (
                " chart a | int ",
                "error: b.md:7:18: `chart` does not take `int`\n  hint: write `{{ chart name }}`",
            ),
        ] {
            assert_eq!(parse(inside).unwrap_err().to_string(), message);
        }
        for inside in
            ["", "value", "value a", "chart a b", "value a.b | or(1)", "table a | or(\"\")"]
        {
            assert!(parse(inside).is_err(), "{inside}");
        }
    }
}
