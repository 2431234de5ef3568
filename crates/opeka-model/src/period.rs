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
    /// A time range of so many months that is none of the above: a year that begins in April, the
    /// months from January to August.
    Months(u32),
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
            Self::Months(12) => "A",
            Self::Months(_) => "_O",
        }
    }
}

/// An SDMX time period: `2018`, `2018-S1`, `2018-Q1`, `2018-01`, `2018-03-31`, or a time range of months
/// or years that begins with a month, such as `2018-04-01/P1Y` or `2018-01-01/P8M`.
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
        if let Some((start, duration)) = text.split_once('/') {
            let start = Self::parse(start).filter(|s| s.frequency == Frequency::Daily)?;
            let duration = duration.strip_prefix('P')?;
            let (count, unit) = duration.split_at_checked(duration.len().checked_sub(1)?)?;
            let digits = count.len() <= 3 && count.bytes().all(|b| b.is_ascii_digit());
            let count: u32 = count.parse().ok().filter(|n| digits && *n > 0)?;
            let months = match unit {
                "M" => count,
                "Y" => count * 12,
                _ => return None,
            };
            return (start.day == 1).then(|| Self::months(start.year, start.month, months))?;
        }
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

    /// So many months from a month on: a calendar period where it is one, otherwise a time range.
    /// `None` where that is no period.
    pub fn months(year: i32, month: u32, months: u32) -> Option<Self> {
        if !(1000..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let frequency = match months {
            12 if month == 1 => Frequency::Annual,
            6 if month % 6 == 1 => Frequency::HalfYearly,
            3 if month % 3 == 1 => Frequency::Quarterly,
            1 => Frequency::Monthly,
            2..=1200 => Frequency::Months(months),
            _ => return None,
        };
        let period = Self { year, month, day: 1, frequency };
        (period.last_month().0 <= 9999).then_some(period)
    }

    /// The calendar year in which the period starts.
    pub fn year(&self) -> i32 {
        self.year
    }

    /// How often such a period comes.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// The month in which the period starts, from 1.
    pub fn month(&self) -> u32 {
        self.month
    }

    /// How many months it lasts; none for a day.
    pub fn length_in_months(&self) -> u32 {
        match self.frequency {
            Frequency::Annual => 12,
            Frequency::HalfYearly => 6,
            Frequency::Quarterly => 3,
            Frequency::Monthly => 1,
            Frequency::Daily => 0,
            Frequency::Months(months) => months,
        }
    }

    /// Year and month in which the period ends.
    fn last_month(&self) -> (i32, u32) {
        let last = self.month - 1 + self.length_in_months().saturating_sub(1);
        (self.year + (last / 12) as i32, last % 12 + 1)
    }

    /// First day of the period, as an ISO date.
    pub fn start(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Last day of the period, as an ISO date.
    pub fn end(&self) -> String {
        if self.frequency == Frequency::Daily {
            return self.start();
        }
        let (year, month) = self.last_month();
        format!("{year:04}-{month:02}-{:02}", days_in(year, month))
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
            Frequency::Months(months) => {
                let (length, unit) =
                    if months % 12 == 0 { (months / 12, 'Y') } else { (months, 'M') };
                write!(f, "{}/P{length}{unit}", self.start())
            }
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
            ("2018-04-01/P1Y", "2018-04-01", "2019-03-31"),
            ("2016-01-01/P8M", "2016-01-01", "2016-08-31"),
            ("2015-11-01/P4M", "2015-11-01", "2016-02-29"),
        ] {
            let period = TimePeriod::parse(text).unwrap();
            assert_eq!(period.to_string(), text);
            assert_eq!((period.start().as_str(), period.end().as_str()), (start, end));
        }
    }

    #[test]
    fn a_range_that_is_a_calendar_period_is_that_period() {
        for (range, period) in [
            ("2016-01-01/P1Y", "2016"),
            ("2016-07-01/P6M", "2016-S2"),
            ("2016-04-01/P3M", "2016-Q2"),
            ("2016-01-01/P1M", "2016-01"),
        ] {
            assert_eq!(TimePeriod::parse(range).unwrap().to_string(), period);
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
            "2016/P1Y",
            "2016-01-02/P1M",
            "2016-01-01/P0M",
            "2016-01-01/P8W",
            "2016-01-01/P+8M",
            "2016-01-01/P",
            "2016-01-01/",
            "9999-06-01/P2Y",
            "2016-01-01/Pя",
        ] {
            assert_eq!(TimePeriod::parse(text), None, "{text}");
        }
    }
}
