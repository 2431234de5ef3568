//! Which texts are periods, and how much of a text is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::periods::{PeriodRules, parse_period};

/// How a text says a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// As a whole.
    Whole,
    /// A year with other characters about it: `2010г.`
    Year,
    /// `2016/17`, a year that begins when the recipe says.
    Split,
    /// A part of a year: a month or a quarter, without the year.
    Part,
    /// In words of a language that periods are not read in.
    Foreign,
}

/// A regular expression of this module; compiling one takes longer than all that it is used for.
fn compiled(expression: &str) -> Option<Regex> {
    Regex::new(expression).ok()
}

static YEAR: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"\b((?:19|20)\d{2})(?:\D|$)"));
static LONE_YEAR: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"(?:^|\D)((?:19|20)\d{2})(?:\D|$)"));
static YEARS: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"(?:19|20)\d{2}"));
const SPLIT_YEAR: &str = r"\b((?:19|20)\d{2}\s?[-/–_]\s?\d{2})(?:\D|$)";
static SPLIT: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(SPLIT_YEAR));

/// What picks a period out of a longer text, the most exact first.
static WITHIN: LazyLock<Vec<(String, Regex)>> = LazyLock::new(|| {
    const MONTH: &str = r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\p{L}*\.?";
    let y = r"(?:19|20)\d{2}";
    let candidates = [
        format!(r"(?i)\b({MONTH}\s*[-–—]\s*{MONTH},?\s+{y})\b"),
        format!(r"(?i)\b((?:year |years )?end(?:ing|ed)\s+\d{{1,2}}\s+{MONTH},?\s+{y})\b"),
        format!(r"(?i)\b((?:на\s+)?\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH},?\s+{y})\b"),
        format!(r"(?i)\b({MONTH},?\s+{y})\b"),
        format!(
            r"(?i)\b((?:I{{1,3}}|IV|[1-4])(?:-?й)?\s*(?:квартал\p{{L}}*|кв\.?|полугоди\p{{L}}*),?\s+{y})\b"
        ),
        format!(r"(?i)\b(Q[1-4]\s*{y}|{y}\s*-?\s*Q[1-4])\b"),
        format!(r"(\d{{2}}\.\d{{2}}\.{y})\b"),
        format!(r"\b({y}-\d{{2}}-\d{{2}})\b"),
    ];
    let compiled = candidates.into_iter().filter_map(|c| Some((c.clone(), compiled(&c)?)));
    compiled.collect()
});

/// Reads a text as a period, with a year such as `2016/17` where that is asked for.
fn reads(text: &str, split: bool) -> bool {
    let year_start = split.then_some(4);
    parse_period(text, PeriodRules { year_start, ..PeriodRules::default() }).is_ok()
}

/// How a short text says a period; none where it does not.
pub(super) fn timing(text: &str) -> Option<Timing> {
    if text.chars().count() > 60 || !text.chars().any(char::is_alphanumeric) {
        return None;
    }
    // A bare number is a year only where years are.
    if let Ok(number) = text.parse::<f64>() {
        let year = super::sheet::is_year(number) && text.len() == 4;
        let split = text.len() == 6 && reads(text, true) && !reads(text, false);
        return match (year, split) {
            (true, _) => Some(Timing::Whole),
            (_, true) => Some(Timing::Split),
            _ => None,
        };
    }
    if reads(text, false) {
        return Some(Timing::Whole);
    }
    if reads(text, true) {
        return Some(Timing::Split);
    }
    if text.chars().count() < 30 && foreign(text).is_some() {
        return Some(Timing::Foreign);
    }
    // A month or a quarter in words that are not read is no year.
    if text.chars().count() <= 14 && single_year(text).is_some() && !names_part(text) {
        return Some(Timing::Year);
    }
    let with_year = reads(&format!("2015 {text}"), false) || reads(&format!("{text} 2015"), false);
    (with_year && !text.chars().all(|c| c.is_ascii_digit())).then_some(Timing::Part)
}

/// The one year that a text names.
pub(super) fn single_year(text: &str) -> Option<String> {
    let regex = YEAR.as_ref()?;
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    // Two years may share the sign between them.
    while let Some(captures) = regex.captures_at(text, at) {
        let year = captures.get(1)?;
        found.push(year.as_str().to_owned());
        at = year.end();
    }
    found.dedup();
    match found.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// A period within a longer text: what extracts it, and the period as it is written.
pub(super) struct Within {
    pub(super) extract: String,
    pub(super) found: String,
    pub(super) split: bool,
}

/// Finds the period that a title, or a name, states; none where it states several.
pub(super) fn within(text: &str) -> Option<Within> {
    for (candidate, regex) in WITHIN.iter() {
        let mut found = regex.captures_iter(text);
        if let (Some(one), None) = (found.next(), found.next()) {
            let words = one.get(1)?.as_str();
            // What reads as a range of years elsewhere in the text makes this period doubtful.
            if reads(words, false) && years(text).len() <= 1 {
                let extract = shape(words, text).unwrap_or_else(|| candidate.clone());
                return Some(Within { extract, found: words.to_owned(), split: false });
            }
        }
    }
    let split: BTreeSet<&str> =
        SPLIT.as_ref()?.captures_iter(text).filter_map(|one| Some(one.get(1)?.as_str())).collect();
    if let Some(words) = split.first().copied() {
        if split.len() == 1 && reads(words, true) && !reads(words, false) {
            return Some(Within {
                extract: SPLIT_YEAR.to_owned(),
                found: words.to_owned(),
                split: true,
            });
        }
        return None;
    }
    let words = single_year_loose(text)?;
    Some(Within { extract: r"((?:19|20)\d{2})(?:\D|$)".to_owned(), found: words, split: false })
}

/// A legible expression that picks these words out of the text: letters and digits by their kinds.
fn shape(words: &str, text: &str) -> Option<String> {
    let mut out = String::from("(");
    let mut digits = 0;
    let mut letters = false;
    for c in words.chars().chain([' ']) {
        if digits > 0 && !c.is_ascii_digit() {
            out += &if digits == 4 { r"\d{4}".to_owned() } else { r"\d{1,2}".to_owned() };
            digits = 0;
        }
        if c.is_ascii_digit() {
            digits += 1;
        } else if c.is_alphabetic() {
            if !letters {
                out += r"\p{L}+";
            }
        } else {
            out += &regex::escape(&c.to_string());
        }
        letters = c.is_alphabetic();
    }
    let out = format!("{})", out.trim_end());
    let found = compiled(&out)?.captures(text)?.get(1)?.as_str() == words;
    found.then_some(out)
}

/// Years of a text, each once.
fn years(text: &str) -> Vec<String> {
    let Some(regex) = YEARS.as_ref() else { return Vec::new() };
    let mut found: Vec<String> = regex.find_iter(text).map(|m| m.as_str().to_owned()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The one year of a name such as `poverty_2019.xls`, not a part of a longer number.
fn single_year_loose(text: &str) -> Option<String> {
    let regex = LONE_YEAR.as_ref()?;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let year = captures.get(1)?;
        found.push(year.as_str().to_owned());
        at = year.end();
    }
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// Months as other offices write them, by their first letters: German, French, Polish, Spanish.
const MONTHS: [&[&str]; 12] = [
    &["januar", "janvier", "styczeń", "stycznia", "enero", "januari", "jänner"],
    &["februar", "février", "luty", "lutego", "febrero", "februari"],
    &["märz", "mars", "marzec", "marca", "marzo"],
    &["april", "avril", "kwiecień", "kwietnia", "abril"],
    &["mai", "maj", "maja", "mayo"],
    &["juni", "juin", "czerwiec", "czerwca", "junio"],
    &["juli", "juillet", "lipiec", "lipca", "julio"],
    &["august", "août", "sierpień", "sierpnia", "agosto", "augusti"],
    &["september", "septembre", "wrzesień", "września", "septiembre"],
    &["oktober", "octobre", "październik", "października", "octubre"],
    &["november", "novembre", "listopad", "listopada", "noviembre"],
    &["dezember", "décembre", "grudzień", "grudnia", "diciembre", "december"],
];

/// The words of a text, in small letters.
fn words(lower: &str) -> Vec<&str> {
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// The months, from 1, that words of another language name.
fn months(words: &[&str]) -> BTreeSet<usize> {
    let named = (1..).zip(MONTHS);
    named.filter(|(_, names)| words.iter().any(|w| names.contains(w))).map(|(n, _)| n).collect()
}

/// Whether words of another language speak of quarters.
fn quarterly(words: &[&str]) -> bool {
    words.iter().any(|word| {
        matches!(*word, "quartal" | "trimestre" | "kwartał" | "kw" | "kvartal" | "trim" | "vj")
            || matches!(*word, "t1" | "t2" | "t3" | "t4")
    })
}

/// Whether a text names months or quarters in another language, one or several.
fn names_part(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = words(&lower);
    !months(&words).is_empty() || quarterly(&words)
}

/// A period in words of another language: `März 2020`, `1er trimestre 2019`, `I kwartał 2019`,
/// `T1 2019`; none where a text names several, as `Januar-März 2020` does.
pub(super) fn foreign(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let year = single_year_loose(&lower)?;
    let words = words(&lower);
    if words.len() > 5 {
        return None;
    }
    let months: Vec<usize> = months(&words).into_iter().collect();
    if let [month] = months[..] {
        let days = words.iter().filter_map(|word| word.parse::<u32>().ok());
        let days: BTreeSet<u32> = days.filter(|day| (1..=31).contains(day)).collect();
        return match days.iter().collect::<Vec<_>>()[..] {
            [] => Some(format!("{year}-{month:02}")),
            [day] => Some(format!("{year}-{month:02}-{day:02}")),
            _ => None,
        };
    }
    if !months.is_empty() || !quarterly(&words) {
        return None;
    }
    let numbers = words.iter().filter_map(|word| match *word {
        "1" | "i" | "1er" | "t1" => Some(1),
        "2" | "ii" | "2e" | "t2" => Some(2),
        "3" | "iii" | "3e" | "t3" => Some(3),
        "4" | "iv" | "4e" | "t4" => Some(4),
        _ => None,
    });
    let numbers: BTreeSet<u32> = numbers.collect();
    match numbers.iter().collect::<Vec<_>>()[..] {
        [quarter] => Some(format!("{year}-Q{quarter}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_period_or_is_not() {
        for (text, how) in [
            ("2019", Some(Timing::Whole)),
            ("январь 2006 г.", Some(Timing::Whole)),
            ("2010г.", Some(Timing::Whole)),
            ("2010 p", Some(Timing::Year)),
            ("2016/17", Some(Timing::Split)),
            ("201617", Some(Timing::Split)),
            ("Mai 2020", Some(Timing::Foreign)),
            ("T3 2021", Some(Timing::Foreign)),
            ("maj-juni 2020", None),
            ("январь", Some(Timing::Part)),
            ("I квартал", Some(Timing::Part)),
            ("1234", None),
            ("Всего", None),
            ("Российская Федерация", None),
            ("12", None),
        ] {
            assert_eq!(timing(text), how, "{text}");
        }
    }

    #[test]
    fn a_period_is_found_in_a_title_where_there_is_one() {
        for (text, found) in [
            ("Период: январь - август 2016 года", Some("январь - август 2016")),
            ("Children looked after at 31 March 2018 by area", Some("31 March 2018")),
            ("emiss_poverty_socdem_2019.xls", Some("2019")),
            ("LA Data 2017-18", Some("2017-18")),
            ("(январь-декабрь 2021)", Some("январь-декабрь 2021")),
            ("Длина ряда: 1990 - 2021", None),
            ("Fostering 2013-14 to 2017-18", None),
            ("2016/17, as at the end of 2016/17", Some("2016/17")),
            ("Заболеваемость", None),
        ] {
            assert_eq!(within(text).map(|w| w.found).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn other_languages_are_told_as_codes() {
        for (text, code) in [
            ("März 2020", "2020-03"),
            ("31. Dezember 2019", "2019-12-31"),
            ("1er trimestre 2019", "2019-Q1"),
            ("T3 2021", "2021-Q3"),
            ("I kwartał 2019", "2019-Q1"),
        ] {
            assert_eq!(foreign(text).as_deref(), Some(code), "{text}");
        }
        let several = ["Januar-März 2020", "I-III kwartał 2019", "1.-31. Dezember 2019"];
        for text in several.into_iter().chain(["Insgesamt"]) {
            assert_eq!(foreign(text), None, "{text}");
        }
    }
}
