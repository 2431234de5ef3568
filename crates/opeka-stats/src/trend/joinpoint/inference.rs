//! Slopes, joins and the whole range, with their errors.

use super::selection::{self, Fitted};
use super::series::Series;
use super::{Join, Joinpoint, JoinpointOptions, Scale, Search, Segment};
use crate::Reason;
use crate::distribution::{normal, student_t};
use crate::least_squares;
use crate::reason::require_finite_result;

/// A line by itself through the points of a segment.
pub(super) struct Alone {
    /// The mean time, at which value and slope are independent.
    centre: f64,
    /// Variances of value and slope, in units of the residual variance.
    value: f64,
    slope: f64,
    rss: f64,
    points: usize,
}

impl Alone {
    /// `closed`: whether points at the start and at the end belong to the segment.
    pub(super) fn new(series: &Series, start: f64, end: f64, closed: [bool; 2]) -> Option<Self> {
        let inside = |t: f64| {
            (if closed[0] { t >= start } else { t > start })
                && (if closed[1] { t <= end } else { t < end })
        };
        let rows: Vec<usize> = (0..series.len()).filter(|row| inside(series.time[*row])).collect();
        let pick = |numbers: &[f64]| rows.iter().map(|row| numbers[*row]).collect::<Vec<f64>>();
        let (time, y) = (pick(&series.time), pick(&series.y));
        let weights = series.weights.as_deref().map(pick);
        let weight = |row: usize| weights.as_ref().map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..rows.len()).map(weight).sum();
        let middle = 0.5 * start + 0.5 * end;
        let moment: f64 = (0..rows.len()).map(|row| weight(row) * (time[row] - middle)).sum();
        let centre = middle + moment / total;
        let clock: Vec<f64> = time.iter().map(|t| t - centre).collect();
        let ones = vec![1.0; rows.len()];
        let fit = least_squares::fit(&[&ones, &clock], &y, weights.as_deref())?;
        Some(Self {
            centre,
            value: fit.unscaled[0][0],
            slope: fit.unscaled[1][1],
            rss: fit.rss,
            points: rows.len(),
        })
    }

    /// The variance of the line at a time.
    fn at(&self, time: f64) -> f64 {
        self.value + (time - self.centre) * (time - self.centre) * self.slope
    }
}

pub(super) fn describe(
    series: &Series,
    fitted: &Fitted,
    options: &JoinpointOptions<'_>,
) -> Result<Joinpoint, Reason> {
    let Fitted { joins, fit } = fitted;
    let k = joins.len();
    let bounds: Vec<f64> = [&[series.start()][..], joins.as_slice(), &[series.end()][..]].concat();
    let slopes = slopes(fit.coefficients[1], &fit.coefficients[2..]);
    let range = series.end() - series.start();
    let weighted: f64 = (0..=k).map(|s| slopes[s] * (bounds[s + 1] - bounds[s])).sum();
    let mean = if k == 0 { slopes[0] } else { weighted / range };
    let change = |slope: f64| match options.scale {
        Scale::Log => 100.0 * libm::expm1(slope),
        Scale::Linear => slope,
    };

    let anywhere = options.search == Search::Continuous;
    let closed = closed_ends(series, &bounds, anywhere);
    let alone: Option<Vec<Alone>> =
        (0..=k).map(|s| Alone::new(series, bounds[s], bounds[s + 1], closed[s])).collect();
    let rss = anywhere.then_some(fit.rss);
    let errors = alone.and_then(|lines| Errors::new(series, lines, rss, options.conf_level));
    let conf_level = options.conf_level;

    let mut result = Joinpoint::unknown(Reason::because(""), series.len());
    result.reason = None;
    result.n_joins = Some(k);
    result.rss = Some(fit.rss);
    result.bic = selection::bic(series, fitted);
    result.slope = Some(mean);
    result.estimate = Some(change(mean));
    result.segments = segments(&bounds, &slopes, errors.as_ref(), &change);

    if let Some(errors) = &errors {
        let error = errors.mean_slope(series);
        let quantile = if k == 0 { errors.quantile } else { normal::two_sided(conf_level) };
        result.std_error = Some(error);
        result.conf_low = Some(change(mean - quantile * error));
        result.conf_high = Some(change(mean + quantile * error));
        if error > 0.0 {
            let statistic = mean / error;
            result.statistic = Some(statistic);
            result.p_value = Some(match k {
                0 => errors.p_value(statistic),
                _ => normal::two_sided_p(statistic),
            });
        } else {
            result.reason = Some(Reason::of_part("the test", "the lines meet every point"));
        }
    } else {
        result.reason = Some(Reason::of_part(
            "the errors and limits",
            "the segments leave no degree of freedom",
        ));
    }

    let limits = match options.search {
        // Without an error to hold it against, no time fits nearly as well.
        _ if errors.is_none() => vec![None; joins.len()],
        Search::Grid => grid_limits(series, fitted, options),
        Search::Continuous => joins
            .iter()
            .enumerate()
            .map(|(j, join)| {
                let half = errors.as_ref()?.crossing(j, *join, fit.coefficients[j + 2])?;
                Some((join - half, join + half))
            })
            .collect(),
    };
    result.joins = joins
        .iter()
        .zip(limits)
        .map(|(time, limits)| Join {
            time: *time,
            conf_low: limits.map(|(low, _)| low),
            conf_high: limits.map(|(_, high)| high),
        })
        .collect();

    let numbers = [result.estimate, result.conf_low, result.conf_high, result.rss];
    let of_segments = result.segments.iter().flat_map(|s| [Some(s.estimate), s.conf_high]);
    for number in numbers.into_iter().chain(of_segments).flatten() {
        require_finite_result(&[number])?;
    }
    Ok(result)
}

/// The slopes of all lines, from the first and the changes.
pub(super) fn slopes(first: f64, changes: &[f64]) -> Vec<f64> {
    let mut slopes = vec![first];
    let mut slope = first;
    for change in changes {
        slope += change;
        slopes.push(slope);
    }
    slopes
}

/// The lines with their errors; `change` makes an estimate of a slope.
pub(super) fn segments(
    bounds: &[f64],
    slopes: &[f64],
    errors: Option<&Errors>,
    change: &dyn Fn(f64) -> f64,
) -> Vec<Segment> {
    slopes
        .iter()
        .enumerate()
        .map(|(s, slope)| {
            let error = errors.map(|errors| errors.slope(s));
            let half = errors.map(|errors| errors.slope(s) * errors.quantile);
            let statistic = error.filter(|error| *error > 0.0).map(|error| slope / error);
            Segment {
                start: bounds[s],
                end: bounds[s + 1],
                slope: *slope,
                std_error: error,
                estimate: change(*slope),
                conf_low: half.map(|half| change(slope - half)),
                conf_high: half.map(|half| change(slope + half)),
                statistic,
                p_value: errors.zip(statistic).map(|(errors, t)| errors.p_value(t)),
            }
        })
        .collect()
}

/// Whether points at the start and at the end of each segment belong to it.
///
/// The grid leaves points on joins out. Where joins lie anywhere, a point that one meets ends the
/// segment before it, unless the one after would be left with a single time.
pub(super) fn closed_ends(series: &Series, bounds: &[f64], anywhere: bool) -> Vec<[bool; 2]> {
    let segments = bounds.len() - 1;
    let mut closed = vec![[false; 2]; segments];
    closed[0][0] = true;
    closed[segments - 1][1] = true;
    if anywhere {
        for s in (1..segments).rev() {
            let inside = |t: &&f64| {
                **t > bounds[s] && (**t < bounds[s + 1] || closed[s][1] && **t == bounds[s + 1])
            };
            let few = series.distinct.iter().filter(inside).count() < 2;
            closed[s][0] = few;
            closed[s - 1][1] = !few;
        }
    }
    closed
}

/// The residual variance, and what follows from it.
pub(super) struct Errors {
    lines: Vec<Alone>,
    variance: f64,
    /// Of Student's t; normal where there are none.
    df: Option<f64>,
    /// Half the width of limits in standard errors.
    quantile: f64,
}

impl Errors {
    fn new(series: &Series, lines: Vec<Alone>, rss: Option<f64>, conf_level: f64) -> Option<Self> {
        let points: usize = lines.iter().map(|line| line.points).sum();
        let df = points.checked_sub(2 * lines.len()).filter(|df| *df > 0)? as f64;
        let rss = rss.unwrap_or_else(|| lines.iter().map(|line| line.rss).sum());
        let rss = if rss <= series.negligible() { 0.0 } else { rss };
        let quantile = student_t::two_sided(conf_level, df);
        Some(Self { lines, variance: rss / df, df: Some(df), quantile })
    }

    /// Where weights are the information itself.
    pub(super) fn of_information(lines: Vec<Alone>, conf_level: f64) -> Self {
        Self { lines, variance: 1.0, df: None, quantile: normal::two_sided(conf_level) }
    }

    pub(super) fn half_width(&self, error: f64) -> f64 {
        self.quantile * error
    }

    pub(super) fn p_value(&self, statistic: f64) -> f64 {
        match self.df {
            Some(df) => student_t::two_sided_p(statistic, df),
            None => normal::two_sided_p(statistic),
        }
    }

    pub(super) fn slope(&self, segment: usize) -> f64 {
        (self.variance * self.lines[segment].slope).sqrt()
    }

    /// Of (fit at the end − fit at the start)/(end − start).
    pub(super) fn mean_slope(&self, series: &Series) -> f64 {
        let (start, end) = (series.start(), series.end());
        match self.lines.as_slice() {
            [line] => (self.variance * line.slope).sqrt(),
            lines => {
                let ends: f64 = lines.first().map_or(0.0, |line| line.at(start))
                    + lines.last().map_or(0.0, |line| line.at(end));
                (self.variance * ends).sqrt() / (end - start)
            }
        }
    }

    /// Half the width of the limits of a join at which the slope changes by `turn`.
    pub(super) fn crossing(&self, join: usize, time: f64, turn: f64) -> Option<f64> {
        let variance = self.lines[join].at(time) + self.lines[join + 1].at(time);
        let half = self.quantile * (self.variance * variance).sqrt() / turn.abs();
        half.is_finite().then_some(half)
    }
}

/// Lerman's limits: observed times at which a join does not raise the sum of squares by much.
fn grid_limits(
    series: &Series,
    fitted: &Fitted,
    options: &JoinpointOptions<'_>,
) -> Vec<Option<(f64, f64)>> {
    let k = fitted.joins.len();
    if k == 0 {
        return Vec::new();
    }
    let df = series.len() as f64 - 2.0 * (k as f64 + 1.0);
    if df <= 0.0 {
        return vec![None; k];
    }
    let t = student_t::two_sided(options.conf_level, df);
    let most = fitted.fit.rss * (1.0 + t * t / df);
    selection::profile(series, k, options)
        .iter()
        .zip(&fitted.joins)
        .map(|(row, join)| {
            let inside = row.iter().filter(|(_, rss)| *rss <= most).map(|(time, _)| *time);
            Some(inside.fold((*join, *join), |(low, high), time| (low.min(time), high.max(time))))
        })
        .collect()
}
