//! Places in a TOML text, and its reader's complaints as problems.

use opeka_model::{Kind, Place, Problem};

use crate::suggest;

/// Line and column, from 1, of a byte of a text.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}

/// What the TOML reader says, at its place; `first_line` is the line of the file on which `text`
/// starts.
pub(crate) fn problem(
    file: &str,
    first_line: usize,
    text: &str,
    error: &toml::de::Error,
) -> Problem {
    let (line, column) = error.span().map_or((1, 1), |span| line_and_column(text, span.start));
    let place =
        Place::Text { file: file.to_owned(), line: first_line + line - 1, column: Some(column) };
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    let problem = Problem::error(Kind::Declaration, place, lowercase(&message));
    match unknown_field(&message) {
        Some((wrong, known)) => match suggest::closest(wrong, known.iter().copied()) {
            Some(name) => problem.hint(format!("did you mean `{name}`?")),
            None => problem,
        },
        None => problem,
    }
}

/// The parts of serde's sentence on a key that it does not know: "unknown field `a`, expected one
/// of `b`, `c`".
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (wrong, rest) = rest.split_once('`')?;
    Some((wrong, rest.split('`').skip(1).step_by(2).collect()))
}

fn lowercase(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
