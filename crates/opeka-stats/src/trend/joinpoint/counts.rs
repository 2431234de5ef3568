//! Joinpoint regression of counts: log odds that are piecewise straight.

use std::ops::Range;

use super::hudson::{self, Line, Pieces};
use super::inference::{self, Alone, Errors};
use super::series::{self, Series};
use super::{
    Join, JoinpointOptions, MAX_COMBINATIONS, Scale, Search, Segment, Selection, grid, selection,
};
use crate::Reason;
use crate::least_squares::{self, Fit};
use crate::reason::{
    require_conf_level, require_finite_result, require_not_negative, require_positive,
};

/// Two points on either side of every line, one of which a join may meet.
const LEAST: usize = 2;

const MAX_STEPS: usize = 100;

/// How the number of joins is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountsSelection {
    /// The number of joins of the smallest Bayesian information criterion.
    Bic,
    /// As many as are asked for.
    Fixed,
}

/// How [`joinpoint_counts`] works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JoinpointCountsOptions {
    pub selection: CountsSelection,
    pub conf_level: f64,
}

impl Default for JoinpointCountsOptions {
    fn default() -> Self {
        Self { selection: CountsSelection::Bic, conf_level: 0.95 }
    }
}

/// The result of [`joinpoint_counts`].
#[derive(Clone, Debug, PartialEq)]
pub struct JoinpointCounts {
    pub n_joins: Option<usize>,
    /// In order of time.
    pub joins: Vec<Join>,
    /// In order of time; slopes are of log odds, estimates the change of the odds in per cent.
    pub segments: Vec<Segment>,
    /// The average change of the odds per unit of time over the whole series, in per cent.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The average slope of the log odds, of which `estimate` is made.
    pub slope: Option<f64>,
    /// Of `slope`.
    pub std_error: Option<f64>,
    /// `slope` in units of its standard error: z.
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    /// The log odds of the first line at time 0.
    pub intercept: Option<f64>,
    /// Σ r ln p + (n − r) ln(1 − p), without the binomial coefficients.
    pub log_likelihood: Option<f64>,
    /// Twice what the log-likelihood lacks to that of a probability for each point.
    pub deviance: Option<f64>,
    /// −2 `log_likelihood` + 2(k + 1) ln(points) for k joins.
    pub bic: Option<f64>,
    /// The number of points.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is an `estimate`, what the text names.
    pub reason: Option<Reason>,
}

/// Log odds of an event that are straight between up to `max_joins` joins and nowhere jump.
///
/// **Estimates** by maximum likelihood, with r of n people having the event at time t, where r is
/// binomial and ln(p/(1 − p)) is piecewise straight in t: logistic joinpoint regression
/// (Czajkowski, Gill and Rempala 2008, "Model selection in logistic joinpoint regression with
/// applications to analyzing cohort mortality patterns", *Statistics in Medicine* 27; R package
/// `ljr`). For rare events the odds are the rate.
///
/// **Joins** lie anywhere; the likelihood is the largest of all, over every assignment of points to
/// segments (Hudson 1966), each of which keeps two times (a time on a join counts for one side).
/// Lines are fitted by iteratively weighted least squares.
///
/// **The number of joins** from 0 to `max_joins` is that of the smallest
/// BIC = −2 ln L + 2(k + 1) ln(points), or given.
///
/// **Errors** come from the information of a line of its own for each segment at the fitted
/// probabilities, with normal limits; those of the whole range and of joins by the delta method
/// (as in [`joinpoint`](super::joinpoint)). They hold where counts scatter as binomial ones. Where
/// `deviance` is far above n_obs − 2(k + 1), counts scatter more: limits are too narrow and BIC
/// finds too many joins, and [`joinpoint`](super::joinpoint) of the rates is the safer method.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 times, counts that
/// are negative or above `population`, a `population` not above zero, numbers that are not finite,
/// no event or nothing but events at all, or too many ways to place joins. Where the times do not
/// allow `max_joins`, fewer are tried and the reason says so. The order of the points does not
/// matter.
pub fn joinpoint_counts(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    max_joins: usize,
    options: &JoinpointCountsOptions,
) -> JoinpointCounts {
    calculate(events, population, time, max_joins, options)
        .unwrap_or_else(|reason| JoinpointCounts::unknown(reason, events.len()))
}

impl JoinpointCounts {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            n_joins: None,
            joins: Vec::new(),
            segments: Vec::new(),
            estimate: None,
            conf_low: None,
            conf_high: None,
            slope: None,
            std_error: None,
            statistic: None,
            p_value: None,
            intercept: None,
            log_likelihood: None,
            deviance: None,
            bic: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

/// Binomial counts in order of time.
struct Counts {
    /// Empirical log odds, with their information as weights: where the search begins.
    series: Series,
    events: Vec<f64>,
    population: Vec<f64>,
}

/// A fit of lines to counts.
struct Binomial {
    /// Of the last step: coefficients and, in units of one, their covariance.
    fit: Fit,
    /// n p (1 − p) at the fit.
    information: Vec<f64>,
    /// Half the deviance.
    loss: f64,
}

impl Counts {
    fn new(events: &[f64], population: &[f64], time: &[f64]) -> Result<Self, Reason> {
        let n = events.len();
        if population.len() != n || time.len() != n {
            return Err(Reason::because(format!(
                "there are {n} events, {} populations and {} times",
                population.len(),
                time.len()
            )));
        }
        for (events, population) in events.iter().zip(population) {
            require_not_negative("events", *events)?;
            require_positive("population", *population)?;
            if events > population {
                return Err(Reason::because(format!(
                    "events is {events} of {population} (it must not be above population)"
                )));
            }
        }
        if events.iter().all(|events| *events == 0.0) {
            return Err(Reason::because("there are no events"));
        }
        if events.iter().zip(population).all(|(events, population)| events == population) {
            return Err(Reason::because("there is nobody without an event"));
        }
        let mut order: Vec<[f64; 3]> = events
            .iter()
            .zip(population)
            .zip(time)
            .map(|((events, population), time)| [*time, *events, *population])
            .collect();
        order.sort_unstable_by(|a, b| {
            a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])).then(a[2].total_cmp(&b[2]))
        });
        let time: Vec<f64> = order.iter().map(|row| row[0]).collect();
        let share = |r: f64, n: f64| (r + 0.5) / (n + 1.0);
        let odds = |[_, r, n]: &[f64; 3]| libm::log((r + 0.5) / (n - r + 0.5));
        let weight = |[_, r, n]: &[f64; 3]| n * share(*r, *n) * (1.0 - share(*r, *n));
        // Times are checked and counted there; equal times stay in our order.
        let series = Series::new(&vec![1.0; n], &time, None, Scale::Linear)?
            .with(order.iter().map(odds).collect(), order.iter().map(weight).collect());
        let column = |k: usize| order.iter().map(|row| row[k]).collect::<Vec<f64>>();
        Ok(Self { series, events: column(1), population: column(2) })
    }

    /// Lines that meet at `joins`, fitted to some rows, with time counted from `origin`.
    fn fit(&self, rows: Range<usize>, origin: f64, joins: &[f64]) -> Option<Binomial> {
        let columns = series::columns(&self.series.time[rows.clone()], origin, joins);
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let (r, n) = (&self.events[rows.clone()], &self.population[rows.clone()]);
        // The log odds of the fit so far.
        let mut odds = self.series.y[rows].to_vec();
        let mut before = f64::INFINITY;
        for _ in 0..MAX_STEPS {
            let share: Vec<f64> = odds.iter().map(|x| 1.0 / (1.0 + libm::exp(-x))).collect();
            let information: Vec<f64> =
                share.iter().zip(n).map(|(p, n)| n * p * (1.0 - p)).collect();
            if !information.iter().all(|weight| weight.is_normal()) {
                return None;
            }
            let target: Vec<f64> = (0..odds.len())
                .map(|k| odds[k] + (r[k] - n[k] * share[k]) / information[k])
                .collect();
            let fit = least_squares::fit(&columns, &target, Some(&information))?;
            let fitted: Vec<f64> =
                target.iter().zip(&fit.residuals).map(|(y, residual)| y - residual).collect();
            let moved = odds.iter().zip(&fitted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            odds = fitted;
            // Log odds that run away (a line without events) never settle.
            if moved.is_nan() || odds.iter().any(|x| x.abs() > 500.0) {
                return None;
            }
            // The step is quadratic: one more would move by the square of this. Rounding may keep
            // it from ever being smaller, which shows in steps that no longer shrink.
            if moved < 1e-9 || (moved < 1e-6 && moved >= before) {
                let loss = (0..odds.len()).map(|k| half_deviance(r[k], n[k], odds[k])).sum();
                return Some(Binomial { fit, information, loss });
            }
            before = moved;
        }
        None
    }

    /// The best joins, and the fit on them.
    fn best(
        &self,
        joins: usize,
        options: &JoinpointOptions<'_>,
    ) -> Result<(Vec<f64>, Binomial), Reason> {
        let start = selection::joins(&self.series, joins, options)?;
        let loss = self.whole(&start).map_or(f64::INFINITY, |fit| fit.loss);
        let joins = hudson::search(self, (loss, start), (LEAST, LEAST));
        let fit = self.whole(&joins).ok_or_else(|| {
            Reason::because("the likelihood has no maximum (a line would have no events)")
        })?;
        Ok((joins, fit))
    }

    fn whole(&self, joins: &[f64]) -> Option<Binomial> {
        self.fit(0..self.series.len(), self.series.centre(), joins)
    }
}

/// What the log-likelihood of r in n at these log odds lacks to that at r/n.
fn half_deviance(r: f64, n: f64, odds: f64) -> f64 {
    // ln p and ln(1 − p), without cancellation.
    let (ln_p, ln_q) = (-libm::log1p(libm::exp(-odds)), -libm::log1p(libm::exp(odds)));
    let part = |count: f64, ln: f64| {
        if count > 0.0 { count * (libm::log(count / n) - ln) } else { 0.0 }
    };
    (part(r, ln_p) + part(n - r, ln_q)).max(0.0)
}

impl Pieces for Counts {
    fn distinct(&self) -> &[f64] {
        &self.series.distinct
    }

    fn line(&self, times: Range<usize>) -> Line {
        let rows = series::rows(&self.series.time, &self.series.distinct, &times);
        let time = self.series.distinct[times.start];
        match self.fit(rows, time, &[]) {
            Some(Binomial { fit, loss, .. }) => {
                Line { loss, slope: fit.coefficients[1], time, value: fit.coefficients[0] }
            }
            None => Line { loss: 0.0, slope: f64::NAN, time, value: f64::NAN },
        }
    }

    fn group(&self, times: Range<usize>, inner: &[f64]) -> Option<(f64, Line, Line)> {
        let rows = series::rows(&self.series.time, &self.series.distinct, &times);
        let time = *inner.first()?;
        let Binomial { fit, loss, .. } = self.fit(rows, time, inner)?;
        let [value, slope] = [fit.coefficients[0], fit.coefficients[1]];
        let first = Line { loss: 0.0, slope, time, value };
        Some((loss, first, first.bent(inner, &fit.coefficients[2..])))
    }
}

fn calculate(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    max_joins: usize,
    options: &JoinpointCountsOptions,
) -> Result<JoinpointCounts, Reason> {
    require_conf_level(options.conf_level)?;
    let counts = Counts::new(events, population, time)?;
    let search = JoinpointOptions {
        scale: Scale::Linear,
        search: Search::Continuous,
        selection: Selection::Fixed,
        min_to_end: LEAST,
        min_between: LEAST,
        std_error: None,
        conf_level: options.conf_level,
    };
    let allowed = counts.series.most_joins(LEAST, LEAST);
    let most = max_joins.min(allowed);
    let times = counts.series.distinct.len();
    if grid::combinations(&counts.series, most, &search) > MAX_COMBINATIONS {
        return Err(Reason::because(format!(
            "{most} joins in {times} times can lie in more than {MAX_COMBINATIONS} ways"
        )));
    }
    let points = counts.series.len() as f64;
    let likelihood = |fit: &Binomial| -(fit.loss + saturated(&counts));
    let bic = |joins: usize, fit: &Binomial| {
        -2.0 * likelihood(fit) + 2.0 * (joins as f64 + 1.0) * libm::log(points)
    };
    let (joins, fit) = match options.selection {
        CountsSelection::Fixed => counts.best(most, &search)?,
        CountsSelection::Bic => {
            let mut chosen = counts.best(0, &search)?;
            for joins in 1..=most {
                // More joins may have no maximum where fewer do.
                if let Ok(fitted) = counts.best(joins, &search)
                    && bic(joins, &fitted.1) < bic(chosen.0.len(), &chosen.1)
                {
                    chosen = fitted;
                }
            }
            chosen
        }
    };

    let mut result = describe(&counts, &joins, &fit, options.conf_level)?;
    result.log_likelihood = Some(likelihood(&fit));
    result.bic = Some(bic(joins.len(), &fit));
    result.method = Some(match options.selection {
        CountsSelection::Fixed => "logistic joinpoint, number of joins given",
        CountsSelection::Bic => "logistic joinpoint, BIC",
    });
    if most < max_joins {
        result.reason = Some(Reason::of_part(
            "a fit with all joins",
            format!("{times} times allow {allowed} joins and not {max_joins}"),
        ));
    }
    Ok(result)
}

/// Minus the log-likelihood of a probability for each point.
fn saturated(counts: &Counts) -> f64 {
    let part = |count: f64, n: f64| if count > 0.0 { -count * libm::log(count / n) } else { 0.0 };
    let pairs = counts.events.iter().zip(&counts.population);
    pairs.map(|(r, n)| part(*r, *n) + part(n - r, *n)).sum()
}

fn describe(
    counts: &Counts,
    joins: &[f64],
    binomial: &Binomial,
    conf_level: f64,
) -> Result<JoinpointCounts, Reason> {
    let coefficients = &binomial.fit.coefficients;
    let series = counts.series.with(counts.series.y.clone(), binomial.information.clone());
    let bounds = [&[series.start()][..], joins, &[series.end()][..]].concat();
    let slopes = inference::slopes(coefficients[1], &coefficients[2..]);
    let range = series.end() - series.start();
    let rise: f64 =
        slopes.iter().zip(bounds.windows(2)).map(|(slope, b)| slope * (b[1] - b[0])).sum();
    let mean = rise / range;
    let change = |slope: f64| 100.0 * libm::expm1(slope);

    let closed = inference::closed_ends(&series, &bounds, true);
    let lines: Option<Vec<Alone>> = (0..slopes.len())
        .map(|s| Alone::new(&series, bounds[s], bounds[s + 1], closed[s]))
        .collect();
    let errors = lines.map(|lines| Errors::of_information(lines, conf_level));

    let mut result = JoinpointCounts::unknown(Reason::because(""), series.len());
    result.reason = None;
    result.n_joins = Some(joins.len());
    result.segments = inference::segments(&bounds, &slopes, errors.as_ref(), &change);
    result.joins = joins
        .iter()
        .enumerate()
        .map(|(j, time)| {
            let half = errors.as_ref().and_then(|e| e.crossing(j, *time, coefficients[j + 2]));
            let limit = |sign: f64| half.map(|half| time + sign * half);
            Join { time: *time, conf_low: limit(-1.0), conf_high: limit(1.0) }
        })
        .collect();
    result.slope = Some(mean);
    result.estimate = Some(change(mean));
    result.intercept = Some(coefficients[0] - coefficients[1] * series.centre());
    result.deviance = Some(2.0 * binomial.loss);
    match &errors {
        Some(errors) => {
            let error = errors.mean_slope(&series);
            let half = errors.half_width(error);
            result.std_error = Some(error);
            result.conf_low = Some(change(mean - half));
            result.conf_high = Some(change(mean + half));
            result.statistic = Some(mean / error);
            result.p_value = Some(errors.p_value(mean / error));
        }
        None => {
            result.reason =
                Some(Reason::of_part("the errors and limits", "a segment has a single time"));
        }
    }
    let numbers = [result.estimate, result.conf_low, result.conf_high, result.deviance];
    for number in numbers.into_iter().flatten() {
        require_finite_result(&[number])?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
