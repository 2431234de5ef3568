//! Numbers as offices write them in text.

use std::collections::BTreeMap;

/// Which sign parts the whole from the fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Decimal {
    /// `1,234.5`
    #[default]
    Point,
    /// `1 234,5`
    Comma,
}

/// How a recipe says that numbers are written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Writing<'r> {
    pub(crate) decimal: Decimal,
    /// Whether brackets mean a negative number; otherwise such a number is refused.
    pub(crate) brackets: bool,
    /// Whether `12,3%` is 0.123, rather than 12.3.
    pub(crate) fraction: bool,
    /// Words that multiply the number before them.
    pub(crate) scales: Option<&'r BTreeMap<String, f64>>,
}

/// Reads a number with what may stand around it: brackets, per cent, a word such as `тыс.`.
pub(crate) fn parse_figure(text: &str, writing: Writing) -> Option<f64> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let number = parse_figure(inner, writing).filter(|n| writing.brackets && *n >= 0.0)?;
        return Some(-number);
    }
    if let Some(number) = text.strip_suffix('%') {
        let shown = parse_number(number, writing.decimal)?;
        return Some(if writing.fraction { scaled(shown, 0.01) } else { shown });
    }
    let words = writing.scales.into_iter().flatten();
    // The longest word first: `тыс` must not stand in the way of `тыс.`.
    let mut words: Vec<(&String, &f64)> = words.collect();
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let scale = words
        .into_iter()
        .find_map(|(word, scale)| Some((text.strip_suffix(word.as_str())?, scale)));
    match scale {
        Some((number, scale)) => Some(scaled(parse_number(number, writing.decimal)?, *scale)),
        None => parse_number(text, writing.decimal),
    }
}

/// A number multiplied as a person would, in decimal: 12.3 thousand are 12300, and not
/// 12300.000000000002.
pub(crate) fn scaled(number: f64, scale: f64) -> f64 {
    let power = (-15..=15).find(|power| format!("1e{power}").parse() == Ok(scale));
    let exact = power.and_then(|power| format!("{number}e{power}").parse().ok());
    exact.unwrap_or(number * scale)
}

/// Reads a number from text: digits with spaces of any kind, or the other sign, between groups of
/// three; a sign (also U+2212); one decimal sign. Anything else is `None`: `1,23` is no number
/// where the point is decimal, rather than 123.
pub(crate) fn parse_number(text: &str, decimal: Decimal) -> Option<f64> {
    let (point, group) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}', '+']) {
        Some(rest) => (!text.starts_with('+'), rest.trim_start()),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(|c: char| c == group || c.is_whitespace());
    let first = groups.next().filter(|first| is_digits(first))?;
    let mut plain = first.to_owned();
    for (index, group) in groups.enumerate() {
        if group.len() != 3 || !is_digits(group) || (index == 0 && first.len() > 3) {
            return None;
        }
        plain.push_str(group);
    }
    if let Some(fraction) = fraction {
        if !is_digits(fraction) {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
    }
    let value: f64 = plain.parse().ok()?;
    value.is_finite().then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_number_is_read_as_the_recipe_says() {
        let scales = BTreeMap::from([
            ("тыс.".to_owned(), 1e3),
            ("млн".to_owned(), 1e6),
            ("doz".to_owned(), 12.0),
        ]);
        let plain = Writing { decimal: Decimal::Comma, ..Writing::default() };
        let said = Writing { brackets: true, scales: Some(&scales), ..plain };
        for (text, value) in [
            ("(12,3)", -12.3),
            ("( 1 234 )", -1234.0),
            ("12,3 тыс.", 12_300.0),
            ("0,007млн", 7_000.0),
            ("(1,1 тыс.)", -1_100.0),
            ("2 doz", 24.0),
            ("12,3%", 12.3),
            ("12,3\u{a0}%", 12.3),
        ] {
            assert_eq!(parse_figure(text, said), Some(value), "{text}");
        }
        assert_eq!(parse_figure("12,3%", Writing { fraction: true, ..plain }), Some(0.123));
        for (text, writing) in [
            ("(12,3)", plain),
            ("12,3 тыс.", plain),
            ("(-5)", said),
            ("тыс.", said),
            ("%", said),
            ("()", said),
        ] {
            assert_eq!(parse_figure(text, writing), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_and_doubt_is_refused() {
        use Decimal::{Comma, Point};
        for (text, decimal, value) in [
            ("12", Point, 12.0),
            ("1,234.5", Point, 1234.5),
            ("1\u{202f}234\u{a0}567,25", Comma, 1_234_567.25),
            ("\u{2212} 3,5", Comma, -3.5),
            ("-0.5", Point, -0.5),
            ("1.234", Comma, 1234.0),
        ] {
            assert_eq!(parse_number(text, decimal), Some(value), "{text}");
        }
        for (text, decimal) in [
            ("1,23", Point),
            ("1 23", Point),
            ("1234 567", Comma),
            ("12a", Point),
            ("", Point),
            ("-", Point),
            ("1.2.3", Point),
            (".5", Point),
            ("1e5", Point),
            ("NaN", Point),
            ("inf", Point),
        ] {
            assert_eq!(parse_number(text, decimal), None, "{text}");
        }
    }
}
