//! A series made ready for fitting: sorted, on the scale of the fit, with weights.

use super::hudson::{Line, Pieces};
use super::{MAX_JOINPOINT_POINTS, MIN_POINTS, Scale};
use crate::Reason;
use crate::least_squares::{self, Fit};
use crate::reason::require_finite_result;
use crate::reason::there_are_points;
use std::ops::Range;

pub(super) struct Series {
    /// Ascending; points that share a time are next to each other.
    pub(super) time: Vec<f64>,
    /// On the scale of the fit.
    pub(super) y: Vec<f64>,
    pub(super) weights: Option<Vec<f64>>,
    /// The times, each once.
    pub(super) distinct: Vec<f64>,
}

impl Series {
    pub(super) fn new(
        value: &[f64],
        time: &[f64],
        std_error: Option<&[f64]>,
        scale: Scale,
    ) -> Result<Self, Reason> {
        let n = value.len();
        if time.len() != n {
            return Err(Reason::because(format!("there are {n} values and {} times", time.len())));
        }
        if let Some(errors) = std_error.filter(|errors| errors.len() != n) {
            let errors = errors.len();
            return Err(Reason::because(format!(
                "there are {n} values and {errors} standard errors"
            )));
        }
        if n > MAX_JOINPOINT_POINTS {
            return Err(Reason::because(format!(
                "{} (it takes {MAX_JOINPOINT_POINTS} or fewer; average them by period)",
                there_are_points(n)
            )));
        }
        let error_of = |row: usize| std_error.and_then(|errors| errors.get(row)).copied();
        let mut rows: Vec<[f64; 3]> = (0..n)
            .zip(value.iter().zip(time))
            .map(|(row, (y, t))| [*t + 0.0, *y + 0.0, error_of(row).unwrap_or(1.0)])
            .collect();
        if !rows.iter().flatten().all(|number| number.is_finite()) {
            return Err(Reason::because(
                "a value, a time or a standard error is not a finite number",
            ));
        }
        if let Some([_, y, _]) = rows.iter().find(|[_, y, _]| scale == Scale::Log && *y <= 0.0) {
            return Err(Reason::because(format!("a value is {y} and has no logarithm")));
        }
        if let Some([_, _, error]) = rows.iter().find(|[_, _, error]| *error <= 0.0) {
            return Err(Reason::because(format!(
                "a standard error is {error} (it must be above zero)"
            )));
        }
        rows.sort_unstable_by(|a, b| {
            a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])).then(a[2].total_cmp(&b[2]))
        });

        let time: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        let mut distinct = time.clone();
        distinct.dedup();
        if distinct.len() < MIN_POINTS {
            return Err(Reason::because(format!(
                "there are {} different times (it takes {MIN_POINTS} or more)",
                distinct.len()
            )));
        }
        let y: Vec<f64> = rows
            .iter()
            .map(|row| if scale == Scale::Log { libm::log(row[1]) } else { row[1] })
            .collect();
        let weights = std_error.map(|_| {
            let weight = |[_, y, error]: &[f64; 3]| {
                let relative = if scale == Scale::Log { y / error } else { 1.0 / error };
                relative * relative
            };
            rows.iter().map(weight).collect::<Vec<f64>>()
        });
        let weighed = weights.iter().flatten().all(|weight| weight.is_normal());
        let size: f64 = y.iter().zip(&time).map(|(y, t)| y * y + t * t).sum();
        require_finite_result(&[size])?;
        if !weighed {
            return Err(Reason::because("a standard error is too large or too small to weigh"));
        }
        Ok(Self { time, y, weights, distinct })
    }

    /// The same times with other values and weights, both in the order of the times.
    pub(super) fn with(&self, y: Vec<f64>, weights: Vec<f64>) -> Self {
        let (time, distinct) = (self.time.clone(), self.distinct.clone());
        Self { time, y, weights: Some(weights), distinct }
    }

    pub(super) fn len(&self) -> usize {
        self.y.len()
    }

    pub(super) fn start(&self) -> f64 {
        self.distinct[0]
    }

    pub(super) fn end(&self) -> f64 {
        self.distinct[self.distinct.len() - 1]
    }

    /// Halfway: times are counted from here in fits, which spares the digits of a calendar year.
    pub(super) fn centre(&self) -> f64 {
        self.start() + 0.5 * (self.end() - self.start())
    }

    /// The square roots of the weights.
    pub(super) fn roots(&self) -> Vec<f64> {
        match &self.weights {
            Some(weights) => weights.iter().map(|weight| weight.sqrt()).collect(),
            None => vec![1.0; self.len()],
        }
    }

    /// Σ w y² below which a sum of squared residuals is rounding: residuals of 1e-12 of the values.
    pub(super) fn negligible(&self) -> f64 {
        let total: f64 =
            self.roots().iter().zip(&self.y).map(|(root, y)| root * root * y * y).sum();
        1e-24 * total
    }

    /// The largest number of joins for which there are places and a residual degree of freedom.
    pub(super) fn most_joins(&self, min_to_end: usize, min_between: usize) -> usize {
        let times = self.distinct.len();
        let places = (times + min_between).saturating_sub(2 * min_to_end) / (min_between + 1);
        // n − 2(k + 1) ≥ 1
        places.min((self.len().saturating_sub(1) / 2).saturating_sub(1))
    }

    /// The continuous lines that meet at these times.
    ///
    /// Coefficients: the value at the centre of the first line, its slope, and the change of slope
    /// at each join.
    pub(super) fn fit(&self, joins: &[f64]) -> Option<Fit> {
        let columns = columns(&self.time, self.centre(), joins);
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        least_squares::fit(&columns, &self.y, self.weights.as_deref())
    }
}

/// The columns of lines that meet at `joins`: constant, time since `origin`, hinges.
pub(super) fn columns(time: &[f64], origin: f64, joins: &[f64]) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![1.0; time.len()], time.iter().map(|t| t - origin).collect()];
    columns.extend(joins.iter().map(|join| time.iter().map(|t| (t - join).max(0.0)).collect()));
    columns
}

/// The rows of a range of distinct times.
pub(super) fn rows(time: &[f64], distinct: &[f64], times: &Range<usize>) -> Range<usize> {
    let first =
        |k: usize| distinct.get(k).map_or(time.len(), |at| time.partition_point(|t| t < at));
    first(times.start)..first(times.end)
}

impl Pieces for Series {
    fn distinct(&self) -> &[f64] {
        &self.distinct
    }

    /// Points are added one by one (Welford 1962; West 1979).
    fn line(&self, times: Range<usize>) -> Line {
        let (mut total, mut time, mut value) = (0.0, 0.0, 0.0);
        let (mut tt, mut tv, mut vv) = (0.0, 0.0, 0.0);
        for row in rows(&self.time, &self.distinct, &times) {
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[row]);
            total += weight;
            let (dt, dv) = (self.time[row] - time, self.y[row] - value);
            time += dt * weight / total;
            value += dv * weight / total;
            tt += weight * dt * (self.time[row] - time);
            tv += weight * dt * (self.y[row] - value);
            vv += weight * dv * (self.y[row] - value);
        }
        let slope = if tt > 0.0 { tv / tt } else { 0.0 };
        Line { loss: (vv - slope * tv).max(0.0), slope, time, value }
    }

    fn group(&self, times: Range<usize>, inner: &[f64]) -> Option<(f64, Line, Line)> {
        let rows = rows(&self.time, &self.distinct, &times);
        let origin = *inner.first()?;
        let columns = columns(&self.time[rows.clone()], origin, inner);
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let weights = self.weights.as_ref().map(|weights| &weights[rows.clone()]);
        let fit = least_squares::fit(&columns, &self.y[rows], weights)?;
        let [value, slope] = [fit.coefficients[0], fit.coefficients[1]];
        let first = Line { loss: 0.0, slope, time: origin, value };
        Some((fit.rss, first, first.bent(inner, &fit.coefficients[2..])))
    }
}
