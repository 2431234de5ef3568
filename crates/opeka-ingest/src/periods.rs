//! Periods as offices write them, in Russian and in English.
//!
//! What can be read in two ways is refused, with what to say in the recipe: `2016/17` begins when the
//! recipe says, and `03/04/2019` is no date that two people read alike.

use opeka_model::TimePeriod;

use crate::recipe::Step;

/// What a recipe says of the periods of one dimension.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeriodRules {
    /// A date that begins such a period stands for it.
    pub(crate) step: Option<Step>,
    /// The month in which a year such as `2016/17` begins.
    pub(crate) year_start: Option<u32>,
}

/// The month of a `year_starts`, which is the first day of one.
pub(crate) fn parse_year_start(text: &str) -> Option<u32> {
    let month: u32 = text.strip_suffix("-01").filter(|m| m.len() == 2)?.parse().ok()?;
    (1..=12).contains(&month).then_some(month)
}

/// Reads a period.
///
/// # Errors
/// Why not, or what to say in the recipe, as a hint.
pub(crate) fn parse_period(text: &str, rules: PeriodRules) -> Result<TimePeriod, String> {
    let text = text.trim();
    if let Some(split) = split_year(text)
        && (split.only || rules.year_start.is_some())
    {
        return split.begin(rules.year_start);
    }
    let date = text.split_once('T').map_or(text, |(date, _)| date);
    if let Some(period) = TimePeriod::parse(date) {
        return step(period, rules.step);
    }
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let found = written(&words)?.or_else(|| compact(&words, rules));
    // «2009 год январь-сентябрь»: the year may stand first.
    let found = match (found, words.as_slice()) {
        (None, [y, rest @ ..]) if year(y).is_some() && rest.len() > 1 => {
            written(&[rest, &[y]].concat())?
        }
        (found, _) => found,
    };
    match found {
        Some(period) => step(period, rules.step),
        None => Err("a time period is `2018`, `2018-Q1`, `2018-01` or `2018-03-31`, or written out as \
                     `январь 2018 г.`, `I квартал 2018` or `31 March 2018`; `extract` picks it out of a \
                     longer text"
            .to_owned()),
    }
}

/// A date for the period that it begins, where the recipe says so.
fn step(period: TimePeriod, step: Option<Step>) -> Result<TimePeriod, String> {
    let (Some(step), 0) = (step, period.length_in_months()) else { return Ok(period) };
    let months = step.months();
    let begins = period.start().ends_with("-01") && (period.month() - 1).is_multiple_of(months);
    TimePeriod::months(period.year(), period.month(), months).filter(|_| begins).ok_or_else(|| {
        format!("the date begins no period of {months} month(s), which `frequency` asks for")
    })
}

/// A year written by the two calendar years that it lies in.
struct SplitYear {
    first: i32,
    /// Whether it can be nothing else: `2010-11` is November too, and so is `201011` in some files.
    only: bool,
}

impl SplitYear {
    fn begin(&self, month: Option<u32>) -> Result<TimePeriod, String> {
        let begun = month.map(|month| TimePeriod::months(self.first, month, 12));
        begun.flatten().ok_or_else(|| {
            "say when such a year begins as `year_starts`, for example \"04-01\"".to_owned()
        })
    }
}

/// `2016/17`, `2016-17`, `2016/2017` and `201617`.
fn split_year(text: &str) -> Option<SplitYear> {
    let written: String = text.replace(['–', '—', '−'], "-").replace(' ', "");
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (first, second) = match written.split_once(['-', '/']) {
        Some(pair) => pair,
        None if written.len() == 6 && is_digits(&written) => written.split_at(4),
        None => return None,
    };
    let long = second.len() == 4;
    if first.len() != 4 || !(long || second.len() == 2) || !is_digits(first) || !is_digits(second) {
        return None;
    }
    let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
    let next = if long { first + 1 } else { (first + 1) % 100 };
    let only = long || written.contains('/') || !(1..=12).contains(&second);
    (second == next).then_some(SplitYear { first, only })
}

/// Words and numbers in lower case, `ё` as `е`, without full stops, commas and the word for a year.
fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('ё', "е").replace(['–', '—', '−'], "-");
    let mut spaced = String::with_capacity(lower.len() + 8);
    let (mut before, mut word) = (' ', false);
    for c in lower.chars() {
        // «2010г.», «кв.2019», and a dash without spaces.
        let letter = ('а'..='я').contains(&c);
        let glued = (before.is_ascii_digit() && letter) || (word && c.is_ascii_digit());
        if glued || c == '-' || before == '-' {
            spaced.push(' ');
        }
        spaced.push(c);
        word = letter || (word && c == '.');
        before = c;
    }
    // A date with full stops stays one word.
    let words = spaced.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'));
    let words = words.map(|word| word.trim_end_matches('.')).filter(|word| {
        !matches!(
            *word,
            "" | "г"
                | "гг"
                | "год"
                | "года"
                | "году"
                | "годы"
                | "за"
                | "в"
                | "year"
                | "the"
                | "in"
                | "of"
        )
    });
    words.map(str::to_owned).collect()
}

/// Periods of words.
fn written(words: &[&str]) -> Result<Option<TimePeriod>, String> {
    let months = TimePeriod::months;
    Ok(match words {
        [y] => year(y).and_then(|y| months(y, 1, 12)).or_else(|| dotted(y)).or(slashed(y)?),
        // «на 1 января 2020», «на начало 2020», «as at 31 March 2018».
        ["на" | "at" | "on" | "by", rest @ ..] | ["as", "at" | "of", rest @ ..] => match rest {
            ["начало", y] => year(y).and_then(|y| day(y, 1, 1)),
            ["конец", y] => year(y).and_then(|y| day(y, 12, 31)),
            [_, _, _] | [_] => written(rest)?.filter(|p| p.length_in_months() == 0),
            _ => None,
        },
        ["ending" | "ended" | "to", d, m, y] => year_to(d, m, y),
        [d, m, y] if let (Some(month), Some(y)) = (month(m), year(y)) => {
            let number = d.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
            small(number).and_then(|d| day(y, month, d))
        }
        [m, y] if let (Some(m), Some(y)) = (month(m), year(y)) => months(y, m, 1),
        [y, m] if let (Some(m), Some(y)) = (month(m), year(y)) => months(y, m, 1),
        [from, "-", to, y]
        | ["с", from, "по", to, y]
        | ["from", from, "to", to, y]
        | [from, "to", to, y]
            if let (Some(from), Some(to), Some(y)) = (month(from), month(to), year(y)) =>
        {
            if from <= to { months(y, from, to - from + 1) } else { None }
        }
        [n, "месяц" | "месяца" | "месяцев" | "мес" | "months", y]
            if let (Some(n), Some(y)) = (small(n), year(y)) =>
        {
            if n <= 12 {
                months(y, 1, n)
            } else {
                None
            }
        }
        // «2014-2016 гг.»
        [from, "-", to] if let (Some(from), Some(to)) = (year(from), year(to)) => {
            let years = u32::try_from(to - from + 1).unwrap_or(0);
            if years > 2 { months(from, 1, years * 12) } else { None }
        }
        _ => parts_of_a_year(words),
    })
}

/// Quarters and halves: `I квартал 2019`, `1-й кв. 2019`, `2019 Q1`, `I-III кварталы 2019`, `H1 2019`.
fn parts_of_a_year(words: &[&str]) -> Option<TimePeriod> {
    let quarter = |w: &str| w.starts_with("кварт") || matches!(w, "кв" | "quarter" | "quarters");
    let half = |w: &str| w.starts_with("полугод") || matches!(w, "п/г" | "half" | "halfyear");
    let at = words.iter().position(|word| year(word).is_some())?;
    // The year stands first or last.
    let rest = match at {
        0 => &words[1..],
        _ if at + 1 == words.len() => &words[..at],
        _ => return None,
    };
    let y = year(words[at])?;
    let of = |length: u32, first: u32, last: u32| {
        let fits = (1..=last).contains(&first) && last * length <= 12;
        if fits {
            TimePeriod::months(y, (first - 1) * length + 1, (last - first + 1) * length)
        } else {
            None
        }
    };
    match rest {
        [one] => {
            let number = |prefix: char| one.strip_prefix(prefix).and_then(small);
            number('q').map(|n| of(3, n, n)).or_else(|| number('h').map(|n| of(6, n, n)))?
        }
        [n, word] | [n, "-", "й" | "е" | "ый" | "ое", word] if quarter(word) => {
            ordinal(n).and_then(|n| of(3, n, n))
        }
        [word, n] if quarter(word) => ordinal(n).and_then(|n| of(3, n, n)),
        [a, "-", b, word] if quarter(word) => of(3, ordinal(a)?, ordinal(b)?),
        [n, word] | [n, "-", "е" | "ое", word] if half(word) => {
            ordinal(n).and_then(|n| of(6, n, n))
        }
        _ => None,
    }
}

/// Without spaces, as databases write them: `2006M01`, `2006Q1`, `2006K1`, `2006H1`; `200601` where
/// months are asked for.
fn compact(words: &[&str], rules: PeriodRules) -> Option<TimePeriod> {
    let [word] = words else { return None };
    let (y, rest) = word.split_at_checked(4)?;
    let y = year(y)?;
    if let Some(month) = rest.strip_prefix('m') {
        return TimePeriod::months(y, small(month)?, 1);
    }
    if let Some(quarter) = rest.strip_prefix(['q', 'k']) {
        let quarter = small(quarter).filter(|q| *q <= 4)?;
        return TimePeriod::months(y, quarter * 3 - 2, 3);
    }
    if let Some(half) = rest.strip_prefix(['h', 's']) {
        let half = small(half).filter(|h| *h <= 2)?;
        return TimePeriod::months(y, half * 6 - 5, 6);
    }
    let monthly = rules.step == Some(Step::Month) && rest.len() == 2;
    small(rest).filter(|_| monthly).and_then(|month| TimePeriod::months(y, month, 1))
}

/// The twelve months that end on the last day of a month.
fn year_to(d: &str, m: &str, y: &str) -> Option<TimePeriod> {
    let (y, m) = (year(y)?, month(m)?);
    let last = day(y, m, small(d)?)?;
    let (begin_year, begin_month) = if m == 12 { (y, 1) } else { (y - 1, m + 1) };
    TimePeriod::months(begin_year, begin_month, 12).filter(|period| period.end() == last.start())
}

/// `31.12.2019`: the day comes first wherever full stops are used.
fn dotted(word: &str) -> Option<TimePeriod> {
    let mut parts = word.split('.');
    let (d, m, y) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    day(year(y)?, small(m)?, small(d)?)
}

/// `31/12/2019` and `12/31/2019`, where only one reading is a date.
fn slashed(word: &str) -> Result<Option<TimePeriod>, String> {
    let mut parts = word.split('/');
    let (Some(a), Some(b), Some(y), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let (Some(a), Some(b), Some(y)) = (small(a), small(b), year(y)) else { return Ok(None) };
    match (day(y, b, a), day(y, a, b)) {
        (Some(one), Some(other)) if one != other => Err(format!(
            "`{word}` is {one} or {other}; say with `values` which, or ask for dates as ISO 8601"
        )),
        (one, other) => Ok(one.or(other)),
    }
}

fn day(year: i32, month: u32, day: u32) -> Option<TimePeriod> {
    TimePeriod::parse(&format!("{year:04}-{month:02}-{day:02}"))
}

fn year(word: &str) -> Option<i32> {
    let digits = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|year| digits && *year >= 1000)
}

/// A number of one or two digits, not zero.
fn small(word: &str) -> Option<u32> {
    let digits = matches!(word.len(), 1 | 2) && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|number| digits && *number > 0)
}

/// `1`, `i` (in lower case here; also the Cyrillic and the Ukrainian letter), `1st`.
fn ordinal(word: &str) -> Option<u32> {
    Some(match word {
        "i" | "і" | "первый" | "первое" | "1st" | "first" => 1,
        "ii" | "іі" | "второй" | "второе" | "2nd" | "second" => 2,
        "iii" | "ііі" | "третий" | "3rd" | "third" => 3,
        "iv" | "іv" | "четвертый" | "4th" | "fourth" => 4,
        _ => small(word)?,
    })
}

/// The month of a word, in any of the forms that stand beside a day or a year.
fn month(word: &str) -> Option<u32> {
    const STEMS: [(&str, &[&str]); 12] = [
        ("январ", &["january", "jan"]),
        ("феврал", &["february", "feb"]),
        ("март", &["march", "mar"]),
        ("апрел", &["april", "apr"]),
        ("ма", &["may"]),
        ("июн", &["june", "jun"]),
        ("июл", &["july", "jul"]),
        ("август", &["august", "aug"]),
        ("сентябр", &["september", "sept", "sep"]),
        ("октябр", &["october", "oct"]),
        ("ноябр", &["november", "nov"]),
        ("декабр", &["december", "dec"]),
    ];
    const SHORT: [&str; 12] =
        ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
    let is = |(stem, english): &(&str, &[&str])| {
        let ending = word.strip_prefix(stem);
        ending.is_some_and(|e| match *stem {
            "ма" => matches!(e, "й" | "я" | "е" | "ю"),
            "март" | "август" => matches!(e, "" | "а" | "е" | "у"),
            _ => matches!(e, "ь" | "я" | "е" | "ю"),
        }) || english.contains(&word)
    };
    let found = STEMS.iter().position(is).or_else(|| SHORT.iter().position(|short| *short == word));
    let found = found.or_else(|| {
        ["сент", "нояб", "февр"].iter().position(|s| *s == word).map(|i| [8, 10, 1][i])
    });
    found.map(|index| index as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_offices_write_them() {
        for (text, expected) in [
            ("2018", "2018"),
            ("2018 г.", "2018"),
            ("2018 год", "2018"),
            ("за 2018 год", "2018"),
            ("2018-Q1", "2018-Q1"),
            ("2018-03-31T00:00:00", "2018-03-31"),
            ("январь 2006 г.", "2006-01"),
            ("Января 2006", "2006-01"),
            ("май 2006", "2006-05"),
            ("март 2006", "2006-03"),
            ("сент. 2006", "2006-09"),
            ("2006 декабрь", "2006-12"),
            ("на 1 января 2020", "2020-01-01"),
            ("на 1 января 2020 года", "2020-01-01"),
            ("На 01.01.2020 г.", "2020-01-01"),
            ("на конец 2019 года", "2019-12-31"),
            ("31 March 2018", "2018-03-31"),
            ("as at 31st March 2018", "2018-03-31"),
            ("year ending 31 March 2018", "2017-04-01/P1Y"),
            ("Year ended 31 December 2018", "2018"),
            ("Jan 2020", "2020-01"),
            ("I квартал 2019", "2019-Q1"),
            ("IV квартал 2019 г.", "2019-Q4"),
            ("1-й квартал 2019", "2019-Q1"),
            ("2019 г. II кв.", "2019-Q2"),
            ("I-III кварталы 2019", "2019-01-01/P9M"),
            ("Q3 2019", "2019-Q3"),
            ("2019 Q3", "2019-Q3"),
            ("I полугодие 2019", "2019-S1"),
            ("H2 2019", "2019-S2"),
            ("январь-август 2016 г.", "2016-01-01/P8M"),
            ("январь – декабрь 2016 года", "2016"),
            ("2009 год январь- сентябрь", "2009-01-01/P9M"),
            ("2010г.", "2010"),
            ("I кв.2019г.", "2019-Q1"),
            ("с января по март 2016", "2016-Q1"),
            ("9 месяцев 2016 года", "2016-01-01/P9M"),
            ("2014-2016 гг.", "2014-01-01/P3Y"),
            ("31.12.2019", "2019-12-31"),
            ("31/12/2019", "2019-12-31"),
            ("12/31/2019", "2019-12-31"),
            ("03/03/2019", "2019-03-03"),
            ("2006M01", "2006-01"),
            ("2006K3", "2006-Q3"),
            ("2010-11", "2010-11"),
        ] {
            let period = parse_period(text, PeriodRules::default());
            assert_eq!(period.map(|p| p.to_string()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_the_recipe_says_decides() {
        let april = PeriodRules { year_start: Some(4), step: None };
        for text in ["2010/11", "2010-11", "2010–11", "2010/2011", "2010-2011"] {
            let period = parse_period(text, april).unwrap();
            assert_eq!(period.to_string(), "2010-04-01/P1Y", "{text}");
        }
        assert_eq!(parse_period("201617", april).unwrap().to_string(), "2016-04-01/P1Y");
        let months = PeriodRules { year_start: None, step: Some(Step::Month) };
        for (text, expected) in [("2016-02-01", "2016-02"), ("201611", "2016-11"), ("2016", "2016")]
        {
            assert_eq!(parse_period(text, months).unwrap().to_string(), expected);
        }
        assert!(parse_period("2016-02-03", months).is_err());
        let quarters = PeriodRules { year_start: None, step: Some(Step::Quarter) };
        assert_eq!(parse_period("2016-04-01", quarters).unwrap().to_string(), "2016-Q2");
        assert!(parse_period("2016-05-01", quarters).is_err());
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (text, hint) in [
            ("2016/17", "`year_starts`"),
            ("2016-2017", "`year_starts`"),
            ("03/04/2019", "2019-04-03 or 2019-03-04"),
        ] {
            let error = parse_period(text, PeriodRules::default()).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
        for text in [
            "",
            "Jan-20",
            "янв.20",
            "31 февраля 2019",
            "V квартал 2019",
            "13 месяцев 2016",
            "2022 2)",
            "year ending 30 March 2018",
            "март",
            "август-январь 2016",
            "2016/18",
            "201613",
            "1 2 2019",
            "на январь 2019",
        ] {
            assert!(parse_period(text, PeriodRules::default()).is_err(), "{text}");
        }
    }
}
