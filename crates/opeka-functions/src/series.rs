//! Which points of a series belong together: breaks, provisional values and forecasts.
//!
//! Functions of a series take an optional last argument `status`, the `obs_status` of SDMX. The
//! rules are the same for all of them, and what they did is told in the field `note`:
//!
//! - `B`, a break: content or method differ from the point before. Points before the last break are
//!   left out, because a difference across it is no change of what is measured.
//! - `P`, provisional: the point is used, and told.
//! - `F`, a forecast: the point is left out, because it is no observation.

use crate::parameters::{Parameters, STATUS};
use crate::rows::Rows;

/// What the documentation of such a function says of the argument.
pub(crate) const STATUS_ARGUMENT: &str = "The `obs_status` of each point. Points before the last \
    break (`B`) and forecasts (`F`) are left out, provisional points (`P`) are used; the field \
    `note` tells it. Default: all points are alike.";

/// Where time and status stand among the columns of a function that takes both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series {
    time: usize,
    status: usize,
}

impl Series {
    pub(crate) fn of(parameters: &Parameters) -> Option<Self> {
        let column = |name: &str| parameters.columns().position(|(_, known, _)| known == name);
        Some(Self { time: column("time")?, status: column(STATUS.0)? })
    }

    /// The rows that belong to the series, and what was done; nothing where all rows do and nothing
    /// is to be told.
    pub(crate) fn select(self, rows: &Rows) -> Option<(Vec<u32>, String)> {
        let words = rows.words(self.status);
        if words.iter().all(|word| !matches!(word, Some("B" | "F" | "P"))) {
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
        let belongs = |(word, time): (&Option<&str>, &f64)| *word != Some("F") && *time >= since;
        let kept: Vec<u32> = (0u32..)
            .zip(words.iter().zip(time))
            .filter(|(_, point)| belongs(*point))
            .map(|(row, _)| row)
            .collect();

        let mut notes = Vec::new();
        let before = time.iter().filter(|time| **time < since).count();
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
        (!notes.is_empty()).then(|| (kept, notes.join("; ")))
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

    fn select(points: &[(f64, Option<&str>)]) -> Option<(Vec<u32>, String)> {
        let time: ArrayRef = Arc::new(Float64Array::from_iter_values(points.iter().map(|p| p.0)));
        let level: ArrayRef = Arc::new(Float64Array::from(vec![0.9; points.len()]));
        let status: StringArray = points.iter().map(|point| point.1).collect();
        let arguments = [Arc::clone(&time), time, level, Arc::new(status)];
        let batch = Batch::of(&PARAMETERS, &arguments).unwrap();
        let mut rows = Rows::new(&PARAMETERS);
        rows.push(&batch, &batch.complete());
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
