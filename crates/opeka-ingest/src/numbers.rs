//! Numbers as offices write them in text.

/// Which sign parts the whole from the fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Decimal {
    /// `1,234.5`
    #[default]
    Point,
    /// `1 234,5`
    Comma,
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
