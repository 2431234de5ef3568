//! Declared things: TOML files whose mistakes are problems with a line, a column and a hint.

use serde::de::DeserializeOwned;

use crate::{Kind, Place, Problem, closest};

/// Reads a declared file. TOML stops at its first mistake; an unknown key comes with the closest
/// known one.
pub fn from_toml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    from_toml_at(file, 1, text)
}

/// Reads TOML that begins on a line of a file, such as the front matter of a brief.
pub fn from_toml_at<T: DeserializeOwned>(
    file: &str,
    first_line: usize,
    text: &str,
) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
        let line = first_line + line - 1;
        let place = Place::Text { file: file.to_owned(), line, column: Some(column) };
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        let hint = closest_key(&message).map(|key| format!("did you mean `{key}`?"));
        let problem = Problem::error(Kind::Declaration, place, message);
        hint.into_iter().fold(problem, Problem::hint)
    })
}

/// Line and column, from 1, of a byte offset.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

/// From serde's "unknown field `x`, expected one of `a`, `b`", the known key closest to `x`.
fn closest_key(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"))?;
    let (wrong, rest) = rest.split_once('`')?;
    closest(wrong, rest.split('`').skip(1).step_by(2)).first().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Declared {
        #[expect(dead_code, reason = "only its name matters here")]
        title: String,
    }

    #[test]
    fn a_typo_is_named_with_its_place_and_the_closest_key() {
        let problem = from_toml::<Declared>("a.toml", "\ntitel = \"x\"\n").unwrap_err();
        assert_eq!(
            problem.to_string(),
            "error: a.toml:2:1: unknown field `titel`, expected `title`\n  hint: did you mean `title`?"
        );
        let problem = from_toml::<BTreeMap<String, String>>("a.toml", "a = 1\n").unwrap_err();
        assert_eq!(problem.place, Place::Text { file: "a.toml".into(), line: 1, column: Some(5) });
    }
}
