//! Which points of a series belong together: breaks, provisional values and forecasts.
//!
//! Functions of a series take an optional last argument `status`, the `obs_status` of SDMX. The
//! rules are the same for all of them, and what they did is told in the field `note`:
//!
//! - `B`, a break: content or method differ from the point before. Points before the last break are
//!   left out, because a difference across it is no change of what is measured. A break counts where
//!   the figure itself is missing, too.
//!   A function that answers for each point takes the parts between breaks apart.
//! - `P`, provisional: the point is used, and told.
//! - `F`, a forecast: the point is left out, because it is no observation.

use std::collections::BTreeSet;

use crate::parameters::{Parameters, STATUS};
use crate::rows::Rows;

/// What the documentation of such a function says of the argument.
pub(crate) const STATUS_ARGUMENT: &str = "The `obs_status` of each point. Points before the last \
    break (`B`) and forecasts (`F`) are left out, provisional points (`P`) are used; the field \
    `note` tells it. Default: all points are alike.";

/// The same, of a function that answers for each point.
pub(crate) const POINT_STATUS_ARGUMENT: &str = "The `obs_status` of each point. The parts of the \
    series between breaks (`B`) are taken apart, and forecasts (`F`) are left out; the field \
    `note` tells it. Default: all points are alike.";

/// The codes of `CL_OBS_STATUS` 2.2.
const CODES: [&str; 20] = [
    "A", "B", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "S", "U", "V",
    "W",
];

/// Where time and status stand among the columns of a function that takes both.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) time: usize,
    pub(crate) status: usize,
    /// The columns without which a row is no point.
    needed: Vec<usize>,
}

impl Series {
    pub(crate) fn of(parameters: &Parameters) -> Option<Self> {
        let column = |name: &str| parameters.columns().position(|(_, known, _)| known == name);
        let needed = parameters.columns().enumerate().filter(|(_, (_, _, kind))| kind.is_needed());
        let needed = needed.map(|(column, _)| column).collect();
        Some(Self { time: column("time")?, status: column(STATUS.0)?, needed })
    }

    /// The rows between two breaks, for figures of single points: a change or an average across a
    /// break is none. Forecasts belong to none of them. Nothing where the series is of one piece.
    pub(crate) fn pieces(&self, rows: &Rows) -> Option<(Vec<Vec<u32>>, String)> {
        let words = rows.words(self.status);
        let time = rows.numbers(self.time);
        let mut breaks: Vec<f64> = words
            .iter()
            .zip(time)
            .filter(|(word, _)| **word == Some("B"))
            .map(|(_, time)| *time)
            .collect();
        breaks.sort_unstable_by(f64::total_cmp);
        breaks.dedup();
        if breaks.is_empty() && !words.contains(&Some("F")) {
            return None;
        }
        let mut pieces = vec![Vec::new(); breaks.len() + 1];
        for row in (0..rows.len()).filter(|row| rows.has(*row, &self.needed)) {
            if words[row] != Some("F") {
                pieces[breaks.partition_point(|at| *at <= time[row])].push(row as u32);
            }
        }
        let at: Vec<String> = breaks.iter().map(f64::to_string).collect();
        let note = match at.is_empty() {
            true => "forecasts left out".to_owned(),
            false => format!("breaks in {}: the parts are taken apart", at.join(", ")),
        };
        Some((pieces, note))
    }

    /// The rows that belong to the series, and what was done; nothing where all rows do and nothing
    /// is to be told.
    pub(crate) fn select(&self, rows: &Rows) -> Option<(Vec<u32>, String)> {
        let words = rows.words(self.status);
        let plain = |word: &Option<&str>| {
            word.is_none_or(|word| CODES.contains(&word) && !["B", "F", "P"].contains(&word))
        };
        if words.iter().all(plain) {
            return None;
        }
        let time = rows.numbers(self.time);
        let of = |status: &str| {
            let with = words.iter().zip(time).filter(move |(word, _)| **word == Some(status));
            let mut times: Vec<f64> = with.map(|(_, time)| *time).collect();
            times.sort_unstable_by(f64::total_cmp);
            times.dedup();
            times
        };
        let last_break = of("B").last().copied();
        let since = last_break.unwrap_or(f64::NEG_INFINITY);
        let belongs = |row: usize| {
            words[row] != Some("F") && time[row] >= since && rows.has(row, &self.needed)
        };
        let kept: Vec<u32> =
            (0..rows.len()).filter(|row| belongs(*row)).map(|row| row as u32).collect();

        let mut notes = Vec::new();
        let earlier = |row: &usize| time[*row] < since && rows.has(*row, &self.needed);
        let before = (0..rows.len()).filter(earlier).count();
        if let (Some(at), 1..) = (last_break, before) {
            let points = if before == 1 { "point" } else { "points" };
            notes.push(format!("{before} {points} before the break of {at} left out"));
        }
        let told = |status, what: &str| {
            let times: Vec<String> =
                of(status).iter().filter(|t| **t >= since).map(f64::to_string).collect();
            (!times.is_empty()).then(|| format!("{}: {what}", times.join(", ")))
        };
        notes.extend(told("F", "left out as a forecast"));
        notes.extend(told("P", "provisional"));
        let unknown: BTreeSet<&str> =
            words.iter().copied().flatten().filter(|word| !CODES.contains(word)).collect();
        notes.extend(unknown.iter().map(|word| format!("status `{word}` is no code of SDMX")));
        (!notes.is_empty() || kept.len() < rows.len()).then(|| (kept, notes.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Kind;
    use crate::rows::Batch;
    use arrow::array::{ArrayRef, Float64Array, StringArray};
    use std::sync::Arc;

    const PARAMETERS: Parameters = Parameters {
        function: "slope",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };

    #[test]
    fn a_break_without_a_figure_is_a_break() {
        let numbers =
            |values: &[Option<f64>]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
        let value = numbers(&[Some(1.0), None, Some(3.0), None]);
        let time = numbers(&[Some(2016.0), Some(2017.0), Some(2018.0), Some(2019.0)]);
        let level = numbers(&[Some(0.9); 4]);
        let status: ArrayRef =
            Arc::new(StringArray::from(vec![Some("A"), Some("B"), Some("Z"), Some("O")]));
        let arguments = [value, time, level, status];
        let batch = Batch::of(&PARAMETERS, &arguments).unwrap();
        let series = Series::of(&PARAMETERS).unwrap();
        let pushed = batch.kept(Some(&series));
        assert_eq!(pushed, [0, 1, 2]);
        let mut rows = Rows::new(&PARAMETERS);
        rows.push(&batch, &pushed).unwrap();
        let (kept, note) = series.select(&rows).unwrap();
        assert_eq!(kept, [2]);
        assert_eq!(
            note,
            "1 point before the break of 2017 left out; status `Z` is no code of SDMX"
        );
    }

    fn select(points: &[(f64, Option<&str>)]) -> Option<(Vec<u32>, String)> {
        let time: ArrayRef = Arc::new(Float64Array::from_iter_values(points.iter().map(|p| p.0)));
        let level: ArrayRef = Arc::new(Float64Array::from(vec![0.9; points.len()]));
        let status: StringArray = points.iter().map(|point| point.1).collect();
        let arguments = [Arc::clone(&time), time, level, Arc::new(status)];
        let batch = Batch::of(&PARAMETERS, &arguments).unwrap();
        let mut rows = Rows::new(&PARAMETERS);
        rows.push(&batch, &batch.kept(None)).unwrap();
        Series::of(&PARAMETERS).unwrap().select(&rows)
    }

    #[test]
    fn plain_points_need_no_note() {
        assert_eq!(select(&[(2019.0, None), (2020.0, Some("A")), (2021.0, Some("E"))]), None);
        assert_eq!(select(&[]), None);
    }

    #[test]
    fn points_before_the_last_break_are_left_out() {
        let points = [
            (2021.0, Some("P")),
            (2018.0, Some("B")),
            (2017.0, None),
            (2019.0, Some("A")),
            (2022.0, Some("F")),
            (2016.0, Some("B")),
        ];
        let (kept, note) = select(&points).unwrap();
        assert_eq!(kept, [0, 1, 3]);
        assert_eq!(
            note,
            "2 points before the break of 2018 left out; 2022: left out as a forecast; \
             2021: provisional"
        );
    }

    #[test]
    fn a_break_at_the_first_point_changes_nothing() {
        assert_eq!(select(&[(2018.0, Some("B")), (2019.0, None)]), None);
    }
}
