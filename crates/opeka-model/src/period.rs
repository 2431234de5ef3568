//! Periods as SDMX writes them.

use std::fmt;

/// How often a series is observed, with the letters of the SDMX code list `CL_FREQ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    Annual,
    HalfYearly,
    Quarterly,
    Monthly,
    Daily,
}

impl Frequency {
    /// The letter of `CL_FREQ`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Annual => "A",
            Self::HalfYearly => "S",
            Self::Quarterly => "Q",
            Self::Monthly => "M",
            Self::Daily => "D",
        }
    }
}

/// An SDMX time period: `2018`, `2018-S1`, `2018-Q1`, `2018-01` or `2018-03-31`.
///
/// Periods order by their start, then by frequency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimePeriod {
    year: i32,
    month: u32,
    day: u32,
    frequency: Frequency,
}

impl TimePeriod {
    /// Reads an SDMX time period; anything else is `None`. Years run from 1000 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = match text.split_once('-') {
            Some((year, rest)) => (year, Some(rest)),
            None => (text, None),
        };
        let digits = |s: &str, n: usize| {
            (s.len() == n && s.bytes().all(|b| b.is_ascii_digit()))
                .then(|| s.parse::<u32>().ok())?
        };
        let year = i32::try_from(digits(year, 4)?).ok().filter(|y| *y >= 1000)?;
        let at = |month, day, frequency| Some(Self { year, month, day, frequency });
        let Some(rest) = rest else { return at(1, 1, Frequency::Annual) };
        if let Some(quarter) = rest.strip_prefix('Q') {
            let quarter = digits(quarter, 1).filter(|q| (1..=4).contains(q))?;
            return at(quarter * 3 - 2, 1, Frequency::Quarterly);
        }
        if let Some(half) = rest.strip_prefix('S') {
            let half = digits(half, 1).filter(|h| (1..=2).contains(h))?;
            return at(half * 6 - 5, 1, Frequency::HalfYearly);
        }
        let (month, day) = match rest.split_once('-') {
            Some((month, day)) => (month, Some(day)),
            None => (rest, None),
        };
        let month = digits(month, 2).filter(|m| (1..=12).contains(m))?;
        match day {
            None => at(month, 1, Frequency::Monthly),
            Some(day) => {
                let day = digits(day, 2).filter(|d| (1..=days_in(year, month)).contains(d))?;
                at(month, day, Frequency::Daily)
            }
        }
    }

    /// The calendar year in which the period starts.
    pub fn year(&self) -> i32 {
        self.year
    }

    /// How often such a period comes.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// First day of the period, as an ISO date.
    pub fn start(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Last day of the period, as an ISO date.
    pub fn end(&self) -> String {
        let last =
            |month: u32| format!("{:04}-{:02}-{:02}", self.year, month, days_in(self.year, month));
        match self.frequency {
            Frequency::Annual => last(12),
            Frequency::HalfYearly => last(self.month + 5),
            Frequency::Quarterly => last(self.month + 2),
            Frequency::Monthly => last(self.month),
            Frequency::Daily => self.start(),
        }
    }
}

impl fmt::Display for TimePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frequency {
            Frequency::Annual => write!(f, "{:04}", self.year),
            Frequency::HalfYearly => write!(f, "{:04}-S{}", self.year, self.month.div_ceil(6)),
            Frequency::Quarterly => write!(f, "{:04}-Q{}", self.year, self.month.div_ceil(3)),
            Frequency::Monthly => write!(f, "{:04}-{:02}", self.year, self.month),
            Frequency::Daily => write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day),
        }
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (text, start, end) in [
            ("2018", "2018-01-01", "2018-12-31"),
            ("2018-S2", "2018-07-01", "2018-12-31"),
            ("2018-Q1", "2018-01-01", "2018-03-31"),
            ("2020-02", "2020-02-01", "2020-02-29"),
            ("1900-02", "1900-02-01", "1900-02-28"),
            ("2018-03-31", "2018-03-31", "2018-03-31"),
        ] {
            let period = TimePeriod::parse(text).unwrap();
            assert_eq!(period.to_string(), text);
            assert_eq!((period.start().as_str(), period.end().as_str()), (start, end));
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in [
            "",
            "18",
            "20181",
            "2018-13",
            "2018-Q5",
            "2018-1",
            "2019-02-29",
            "2018.0",
            "٢٠١٨",
            "0000",
        ] {
            assert_eq!(TimePeriod::parse(text), None, "{text}");
        }
    }
}
