//! Numbers as the two languages print them.
//!
//! The rules are those of the Unicode locale data: English `1,234.5`, Russian `1 234,5` with a
//! no-break space between thousands and before the per cent sign. The minus is U+2212. Rounding
//! happens here and nowhere earlier: half away from zero, on the shortest decimal that names the
//! value, which is the number a reader of the data sees.

use std::fmt;
use std::str::FromStr;

use crate::Lang;

/// How a number is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// As many decimals as the value has, two at most.
    Plain,
    /// A whole number.
    Int,
    /// A fixed number of decimals.
    Number(usize),
    /// A value that is already in per cent, with its sign.
    Percent(usize),
    /// A fixed number of decimals, with a plus or a minus in front of all but zero.
    Signed(usize),
    /// A year: digits without grouping.
    Year,
    /// The value as the data hold it, without grouping or rounding.
    Text,
}

/// No figure of this subject is known to more decimals than that.
const MOST_DECIMALS: usize = 12;

/// From here on a number is written as a power of ten: digits would not inform.
const LARGEST_WRITTEN_OUT: f64 = 1e15;

impl NumberFormat {
    /// The names that a brief may use.
    pub(crate) const NAMES: [&'static str; 6] =
        ["int", "number", "percent", "signed", "year", "text"];
}

impl fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain"),
            Self::Int => f.write_str("int"),
            Self::Number(decimals) => write!(f, "number({decimals})"),
            Self::Percent(decimals) => write!(f, "percent({decimals})"),
            Self::Signed(decimals) => write!(f, "signed({decimals})"),
            Self::Year => f.write_str("year"),
            Self::Text => f.write_str("text"),
        }
    }
}

impl FromStr for NumberFormat {
    type Err = String;

    /// Reads `int`, `number(1)`, `percent(1)`, `signed(1)`, `year` or `text`; decimals may be left
    /// out and are then one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (name, argument) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inside = rest
                    .strip_suffix(')')
                    .ok_or_else(|| format!("the parenthesis of `{text}` is not closed"))?;
                (name.trim(), Some(inside.trim()))
            }
        };
        let decimals = || {
            match argument {
            None => Ok(1),
            Some(digits) => digits
                .parse::<usize>()
                .ok()
                .filter(|n| *n <= MOST_DECIMALS)
                .ok_or_else(|| {
                    format!("`{name}` takes a number of decimals from 0 to {MOST_DECIMALS}, not `{digits}`")
                }),
        }
        };
        let plain = |format: Self| match argument {
            None => Ok(format),
            Some(_) => Err(format!("`{name}` takes no argument")),
        };
        match name {
            "int" => plain(Self::Int),
            "number" => Ok(Self::Number(decimals()?)),
            "percent" => Ok(Self::Percent(decimals()?)),
            "signed" => Ok(Self::Signed(decimals()?)),
            "year" => plain(Self::Year),
            "text" => plain(Self::Text),
            other => Err(format!("unknown format `{other}`")),
        }
    }
}

/// The number as the language prints it. A value that is not finite has no digits and prints as
/// "no figure".
pub fn format_number(value: f64, format: &NumberFormat, lang: Lang) -> String {
    if !value.is_finite() {
        return lang.words().no_figure.to_owned();
    }
    if value.abs() >= LARGEST_WRITTEN_OUT && *format != NumberFormat::Text {
        return power_of_ten(value, lang);
    }
    let (decimals, trim, group) = match *format {
        NumberFormat::Plain => (2, true, true),
        NumberFormat::Int => (0, false, true),
        NumberFormat::Number(n) | NumberFormat::Percent(n) | NumberFormat::Signed(n) => {
            (n.min(MOST_DECIMALS), false, true)
        }
        NumberFormat::Year => (0, false, false),
        NumberFormat::Text => (usize::MAX, true, false),
    };
    let (whole, mut fraction) = round(value.abs(), decimals);
    if trim {
        fraction.truncate(fraction.trim_end_matches('0').len());
    }
    let is_zero = whole.bytes().chain(fraction.bytes()).all(|b| b == b'0');
    let mut text = String::new();
    match (value < 0.0, format) {
        _ if is_zero => {}
        (true, _) => text.push('\u{2212}'),
        (false, NumberFormat::Signed(_)) => text.push('+'),
        _ => {}
    }
    let (separator, point) = match lang {
        Lang::En => (',', '.'),
        Lang::Ru => ('\u{a0}', ','),
    };
    if group {
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
    } else {
        text.push_str(&whole);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(&fraction);
    }
    if let NumberFormat::Percent(_) = format {
        text.push_str(match lang {
            Lang::En => "%",
            Lang::Ru => "\u{a0}%",
        });
    }
    text
}

/// Digits before and after the point of a value that is not negative, rounded half up on its
/// shortest decimal.
fn round(value: f64, decimals: usize) -> (String, String) {
    let shortest = format!("{value}");
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    if fraction.len() <= decimals {
        // Pads only up to what a caller asked for; `usize::MAX` asks for the digits there are.
        let wanted = if decimals == usize::MAX { fraction.len() } else { decimals };
        return (whole.to_owned(), format!("{fraction:0<wanted$}"));
    }
    let up = fraction.as_bytes()[decimals] >= b'5';
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes().take(decimals)).collect();
    if up {
        let mut at = digits.len();
        loop {
            if at == 0 {
                digits.insert(0, b'1');
                break;
            }
            at -= 1;
            if digits[at] == b'9' {
                digits[at] = b'0';
            } else {
                digits[at] += 1;
                break;
            }
        }
    }
    let text: String = digits.into_iter().map(char::from).collect();
    let (whole, fraction) = text.split_at(text.len() - decimals);
    (whole.to_owned(), fraction.to_owned())
}

/// `1.5 × 10²¹`.
fn power_of_ten(value: f64, lang: Lang) -> String {
    let written = format!("{value:e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mantissa = mantissa.parse().unwrap_or(1.0);
    let mantissa = format_number(mantissa, &NumberFormat::Plain, lang);
    let exponent: String = exponent
        .chars()
        .map(|c| match c {
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            _ => '⁻',
        })
        .collect();
    format!("{mantissa}\u{a0}×\u{a0}10{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(value: f64, format: &str) -> (String, String) {
        let format = format.parse().unwrap();
        (format_number(value, &format, Lang::En), format_number(value, &format, Lang::Ru))
    }

    #[test]
    fn thousands_and_decimals_follow_the_language() {
        assert_eq!(both(1234.5, "number(1)"), ("1,234.5".into(), "1\u{a0}234,5".into()));
        assert_eq!(both(999.0, "int"), ("999".into(), "999".into()));
        assert_eq!(both(1_234_567.0, "int"), ("1,234,567".into(), "1\u{a0}234\u{a0}567".into()));
        assert_eq!(both(12.34, "percent(1)"), ("12.3%".into(), "12,3\u{a0}%".into()));
        assert_eq!(both(2018.0, "year"), ("2018".into(), "2018".into()));
        assert_eq!(both(0.125, "text"), ("0.125".into(), "0,125".into()));
    }

    #[test]
    fn signs_are_typographic_and_zero_has_none() {
        assert_eq!(both(-3.13, "number(1)").0, "\u{2212}3.1");
        assert_eq!(both(3.13, "signed(1)").0, "+3.1");
        assert_eq!(both(-3.13, "signed(1)").1, "\u{2212}3,1");
        for format in ["int", "number(1)", "signed(1)", "percent(0)"] {
            let text = both(-0.04, format).0;
            assert!(!text.contains(['-', '\u{2212}', '+']), "{format}: {text}");
        }
        assert_eq!(both(-0.0, "text").0, "0");
    }

    #[test]
    fn a_half_is_rounded_away_from_zero_as_it_is_written() {
        for (value, decimals, expected) in [
            (2.675, 2, "2.68"),
            (1.005, 2, "1.01"),
            (0.5, 0, "1"),
            (1.5, 0, "2"),
            (2.5, 0, "3"),
            (-2.5, 0, "\u{2212}3"),
            (9.995, 2, "10.00"),
            (999.95, 1, "1,000.0"),
            (0.049, 1, "0.0"),
            (0.05, 1, "0.1"),
            (1e-9, 2, "0.00"),
        ] {
            let format = NumberFormat::Number(decimals);
            assert_eq!(format_number(value, &format, Lang::En), expected, "{value}");
        }
    }

    #[test]
    fn plain_keeps_two_decimals_at_most() {
        let plain = |value| format_number(value, &NumberFormat::Plain, Lang::En);
        assert_eq!(plain(12.0), "12");
        assert_eq!(plain(12.5), "12.5");
        assert_eq!(plain(12.3456), "12.35");
        assert_eq!(plain(80_850.0), "80,850");
    }

    #[test]
    fn what_no_digits_can_show_is_still_printed() {
        let plain = |value| format_number(value, &NumberFormat::Plain, Lang::Ru);
        assert_eq!(plain(-1.5e300), "\u{2212}1,5\u{a0}×\u{a0}10³⁰⁰");
        assert_eq!(plain(f64::NAN), "нет данных");
        assert_eq!(plain(f64::INFINITY), "нет данных");
        assert_eq!(plain(f64::MIN_POSITIVE), "0");
        assert!(plain(f64::MAX).starts_with("1,8"));
    }

    #[test]
    fn formats_are_read_and_refused() {
        for text in ["int", "number(2)", "percent(0)", "signed(3)", "year", "text"] {
            assert_eq!(text.parse::<NumberFormat>().unwrap().to_string(), text);
        }
        assert_eq!("percent".parse::<NumberFormat>(), Ok(NumberFormat::Percent(1)));
        for text in ["", "integer", "number(", "number(x)", "number(99)", "int(1)", "number(-1)"] {
            assert!(text.parse::<NumberFormat>().is_err(), "{text}");
        }
    }
}
