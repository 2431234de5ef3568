//! The per cent change of a rate of events, from a Poisson regression.

use super::aapc::per_cent;
use crate::Reason;
use crate::distribution::{gamma, normal, student_t};
use crate::reason::there_are_points;
use crate::reason::{
    require_conf_level, require_finite_result, require_not_negative, require_positive,
};

const MIN_POINTS: usize = 3;
const MAX_STEPS: usize = 200;

/// Pearson's statistic below this part of the events is rounding.
const PERFECT: f64 = 1e-26;

/// How much events scatter about their expected numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoissonVariance {
    /// As independent events do: the variance is the expected number.
    Poisson,
    /// More or less than that, by the factor Pearson's X²/(n − 2) (McCullagh and Nelder 1989,
    /// *Generalized linear models*, section 6.2): placements come in families and waves.
    QuasiPoisson,
}

/// The result of [`poisson_trend`].
#[derive(Clone, Debug, PartialEq)]
pub struct PoissonTrend {
    /// Change of the rate in per cent per unit of time.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The slope of the log rate, of which `estimate` is 100 (exp(slope) − 1).
    pub slope: Option<f64>,
    /// Of the slope of the log rate.
    pub std_error: Option<f64>,
    /// The slope over its error.
    pub statistic: Option<f64>,
    /// Two-sided.
    pub p_value: Option<f64>,
    /// The log rate at time zero.
    pub intercept: Option<f64>,
    /// Residual deviance.
    pub deviance: Option<f64>,
    /// Pearson's X².
    pub pearson: Option<f64>,
    /// X²/(n − 2): well above 1, events scatter more than independent ones do.
    pub dispersion: Option<f64>,
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is an `estimate`, what the text names.
    pub reason: Option<Reason>,
}

/// The change per unit of `time`, in per cent, of the rate `events / population`.
///
/// **Estimates** the annual per cent change of a rate, from counts: years with few events count
/// for less, and a year without events is a year like any other.
///
/// **Formula.** ln E(events) = ln population + a + b t by maximum likelihood, found by iteratively
/// reweighted least squares; the change is 100 (exp(b) − 1), with Wald's limits b ± z × error
/// transformed alike. [`PoissonVariance::QuasiPoisson`] multiplies the variance by the dispersion
/// and takes limits and p-value from Student's t with n − 2 degrees of freedom. The figures are
/// those of R's `glm(events ~ t + offset(log(population)), poisson)`, of `quasipoisson` with the
/// test of `summary`, and of statsmodels' `GLM`.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 points, times that
/// are all equal, a population that is not above zero, negative events, no events at all, events
/// that are all at the first or all at the last time (the slope has no bound then), numbers that
/// are not finite, or a `conf_level` that is not between 0 and 1. Where events follow the line
/// exactly, the quasi-Poisson error, limits and test are missing. The order of the points does not
/// matter.
pub fn poisson_trend(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    variance: PoissonVariance,
    conf_level: f64,
) -> PoissonTrend {
    calculate(events, population, time, variance, conf_level)
        .unwrap_or_else(|reason| PoissonTrend::unknown(reason, events.len()))
}

impl PoissonTrend {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            slope: None,
            std_error: None,
            statistic: None,
            p_value: None,
            intercept: None,
            deviance: None,
            pearson: None,
            dispersion: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

fn calculate(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    variance: PoissonVariance,
    conf_level: f64,
) -> Result<PoissonTrend, Reason> {
    require_conf_level(conf_level)?;
    let points = Points::new(events, population, time)?;
    let fit = points.fit()?;
    let df = events.len() as f64 - 2.0;
    let slope = fit.slope / points.span;
    let intercept = fit.level - slope * points.middle;
    let (change, dispersion) = (per_cent(slope), fit.pearson / df);
    require_finite_result(&[change, intercept, fit.deviance, fit.pearson])?;

    let mut result = PoissonTrend {
        estimate: Some(change),
        conf_low: None,
        conf_high: None,
        slope: Some(slope),
        std_error: None,
        statistic: None,
        p_value: None,
        intercept: Some(intercept),
        deviance: Some(fit.deviance),
        pearson: Some(fit.pearson),
        dispersion: Some(dispersion),
        n_obs: events.len(),
        method: Some(match variance {
            PoissonVariance::Poisson => "Poisson regression",
            PoissonVariance::QuasiPoisson => "quasi-Poisson regression",
        }),
        reason: None,
    };
    let error = fit.std_error / points.span;
    let (error, reach, p) = match variance {
        PoissonVariance::Poisson => {
            (error, normal::two_sided(conf_level), normal::two_sided_p(slope / error))
        }
        PoissonVariance::QuasiPoisson => {
            if fit.pearson <= PERFECT * fit.total {
                let part = "the error, the limits and the test";
                result.reason = Some(Reason::of_part(part, "the rates lie on one curve of growth"));
                return Ok(result);
            }
            let error = error * dispersion.sqrt();
            let p = student_t::two_sided_p(slope / error, df);
            (error, student_t::two_sided(conf_level, df), p)
        }
    };
    result.std_error = Some(error);
    (result.statistic, result.p_value) = (Some(slope / error), Some(p));
    let (low, high) = (per_cent(slope - reach * error), per_cent(slope + reach * error));
    if high.is_finite() {
        (result.conf_low, result.conf_high) = (Some(low), Some(high));
    } else {
        let why = "the result is too large for a 64-bit number";
        result.reason = Some(Reason::of_part("the limits", why));
    }
    Ok(result)
}

/// One time: where it lies in the series, from −1 to 1, its events and its population.
struct Point {
    place: f64,
    events: f64,
    population: f64,
}

/// The points in the order of time.
struct Points {
    points: Vec<Point>,
    /// The mean time, and the time from the first point to the last.
    middle: f64,
    span: f64,
}

struct Fit {
    /// The log rate at the middle.
    level: f64,
    /// Of the log rate, per span.
    slope: f64,
    /// Of that slope, where the variance is the expected number.
    std_error: f64,
    deviance: f64,
    pearson: f64,
    /// All events.
    total: f64,
}

impl Points {
    fn new(events: &[f64], population: &[f64], time: &[f64]) -> Result<Self, Reason> {
        let n = events.len();
        if population.len() != n || time.len() != n {
            return Err(Reason::because(format!(
                "there are {n} events, {} populations and {} times",
                population.len(),
                time.len()
            )));
        }
        if n < MIN_POINTS {
            return Err(Reason::because(format!(
                "{} (it takes {MIN_POINTS} or more)",
                there_are_points(n)
            )));
        }
        if !time.iter().all(|t| t.is_finite()) {
            return Err(Reason::because("a time is not a finite number"));
        }
        let mut rows: Vec<[f64; 3]> = time
            .iter()
            .zip(events)
            .zip(population)
            .map(|((&t, &e), &population)| [t, e, population])
            .collect();
        let order = |a: &f64, b: &f64| a.total_cmp(b);
        rows.sort_unstable_by(|[t, e, p], [s, f, q]| {
            order(t, s).then(order(e, f)).then(order(p, q))
        });
        for [_, events, population] in &rows {
            require_not_negative("events", *events)?;
            require_positive("population", *population)?;
        }
        let first = rows.first().map_or(0.0, |row| row[0]);
        let last = rows.last().map_or(0.0, |row| row[0]);
        if first >= last {
            return Err(Reason::because("all times are equal"));
        }
        let at = |t: f64| rows.iter().filter(move |row| row[0] == t).map(|row| row[1]).sum::<f64>();
        let total: f64 = rows.iter().map(|row| row[1]).sum();
        if total <= 0.0 {
            return Err(Reason::because("there are no events"));
        }
        if rows.iter().all(|row| row[0] == first || row[1] == 0.0) && at(first) > 0.0 {
            return Err(Reason::because(format!(
                "all events are at {first}, so that the change has no bound"
            )));
        }
        if rows.iter().all(|row| row[0] == last || row[1] == 0.0) {
            return Err(Reason::because(format!(
                "all events are at {last}, so that the change has no bound"
            )));
        }
        let (middle, span) = (rows.iter().map(|row| row[0]).sum::<f64>() / n as f64, last - first);
        require_finite_result(&[middle, span, total])?;
        let point = |&[t, events, population]: &[f64; 3]| Point {
            place: (t - middle) / span,
            events,
            population,
        };
        Ok(Self { points: rows.iter().map(point).collect(), middle, span })
    }

    /// Newton's steps on the log likelihood, which here are those of reweighted least squares. It is
    /// concave, so that half a step, or a quarter, always gains.
    fn fit(&self) -> Result<Fit, Reason> {
        let total: f64 = self.points.iter().map(|point| point.events).sum();
        let people: f64 = self.points.iter().map(|point| point.population).sum();
        let (mut level, mut slope) = (libm::log(total / people), 0.0);
        let mut deviance = self.deviance(level, slope);
        for _ in 0..MAX_STEPS {
            let (score, centre, weight, spread) = self.gradient(level, slope);
            let turn = (score[1] - centre * score[0]) / spread;
            let lift = score[0] / weight - centre * turn;
            let mut part = 1.0;
            let (mut next_level, mut next_slope) = (level + lift, slope + turn);
            let mut next = self.deviance(next_level, next_slope);
            let bound = deviance * (1.0 + 1e-9) + f64::EPSILON * total;
            while (next.is_nan() || next > bound) && part > 1e-9 {
                part *= 0.5;
                (next_level, next_slope) = (level + part * lift, slope + part * turn);
                next = self.deviance(next_level, next_slope);
            }
            (level, slope, deviance) = (next_level, next_slope, next);
            if lift.abs() + turn.abs() <= 1e-12 {
                let (_, _, _, spread) = self.gradient(level, slope);
                let pearson = self.pearson(level, slope);
                let std_error = (1.0 / spread).sqrt();
                return Ok(Fit { level, slope, std_error, deviance, pearson, total });
            }
        }
        Err(Reason::because("the fit does not settle"))
    }

    fn expected(&self, level: f64, slope: f64) -> impl Iterator<Item = (&Point, f64)> {
        self.points
            .iter()
            .map(move |point| (point, point.population * libm::exp(level + slope * point.place)))
    }

    /// The derivatives of the log likelihood by level and slope; the mean place, weighted by the
    /// expected events; their sum, and the sum of squares about that mean.
    fn gradient(&self, level: f64, slope: f64) -> ([f64; 2], f64, f64, f64) {
        let mut score = [0.0; 2];
        let (mut weight, mut moment) = (0.0, 0.0);
        for (point, expected) in self.expected(level, slope) {
            score[0] += point.events - expected;
            score[1] += (point.events - expected) * point.place;
            weight += expected;
            moment += expected * point.place;
        }
        let centre = moment / weight;
        let away = |place: f64| (place - centre) * (place - centre);
        let spread = self.expected(level, slope).map(|(point, mu)| mu * away(point.place)).sum();
        (score, centre, weight, spread)
    }

    fn deviance(&self, level: f64, slope: f64) -> f64 {
        let term = |(point, expected): (&Point, f64)| {
            if point.events > 0.0 { gamma::deviance(point.events, expected) } else { expected }
        };
        2.0 * self.expected(level, slope).map(term).sum::<f64>()
    }

    fn pearson(&self, level: f64, slope: f64) -> f64 {
        let term = |(point, expected): (&Point, f64)| {
            (point.events - expected) * (point.events - expected) / expected
        };
        self.expected(level, slope).map(term).sum()
    }
}

#[cfg(test)]
mod tests;
