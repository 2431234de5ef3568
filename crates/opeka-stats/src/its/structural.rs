//! Structural time-series models with regressors: their likelihood, its highest point, forecasts.
//!
//! ```text
//! y_t = level_t + season_t + x_t′ β + ε_t
//! level_{t+1} = level_t [+ slope_t] + ξ_t,  slope_{t+1} = slope_t + ζ_t
//! season_{t+1} = −(season_t + … + season_{t−s+2}) + ω_t
//! ```
//!
//! (Harvey 1989, *Forecasting, structural time series models and the Kalman filter*, section 2.3;
//! Durbin and Koopman 2012, section 3.2 and 6.2). All first states are diffuse. β is fixed: given the
//! variances it is that of generalised least squares, from the innovations of y and of each x.

use crate::Reason;
use crate::least_squares;
use crate::optimise;
use crate::state_space::{Filtered, Innovation, Likelihood, State, StateSpace};

/// Ratios of variances are looked for between e⁻²⁵ and e²⁵; beyond, one of the two is zero.
const LOG_RATIO: f64 = 25.0;

/// A further variance must raise the log-likelihood by more than this not to be zero.
const GAIN: f64 = 1e-8;

/// Errors below this share of the values are rounding.
const NO_ERROR: f64 = 1e-11;

/// Of the irregular, the level, the slope and the season.
pub(super) type Variances = [f64; 4];

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) level_moves: bool,
    pub(super) has_slope: bool,
    /// Steps in a season.
    pub(super) period: Option<usize>,
}

/// A series by steps; `None` where a step has no value, of `y` and of each of `x` alike.
pub(super) struct Series {
    pub(super) y: Vec<Option<f64>>,
    pub(super) x: Vec<Vec<Option<f64>>>,
}

/// The start of the states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// Diffuse.
    Exact,
    /// Zero with this variance; the values that it takes to get over it are left out of the
    /// likelihood.
    Known(f64),
}

/// A model with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) variances: Variances,
    pub(super) coefficients: Vec<f64>,
    /// (Σ x̃ x̃′/F)⁻¹ of the innovations x̃ of the regressors: the covariance of the coefficients.
    pub(super) covariance: Vec<Vec<f64>>,
    pub(super) log_likelihood: f64,
}

/// A forecast of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Forecast {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Of the sum of all forecasts so far that have an observation.
    pub(super) sum_variance: f64,
}

/// What the filter says of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Mean and variance of each value given those before it; `None` while the states are diffuse.
    pub(super) ahead: Vec<Option<(f64, f64)>>,
    /// The level given the whole series, and level and season together.
    pub(super) levels: Vec<f64>,
    pub(super) signals: Vec<f64>,
    /// Of the steps after the series.
    pub(super) forecasts: Vec<Forecast>,
}

/// What is to be forecast.
pub(super) struct After<'a> {
    /// Whether a step has an observation, so that it counts in sums.
    pub(super) observed: &'a [bool],
    /// Regressors by column; without a value where a step has no observation.
    pub(super) x: &'a [Vec<f64>],
    /// Whether the coefficients' own errors are part of the variances.
    pub(super) with_coefficients: bool,
}

/// Calls a function of the number of states, for as many as there may be.
macro_rules! by_states {
    ($states:expr, $function:ident, $($argument:expr),*) => {
        match $states {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3 => $function::<3>($($argument),*),
            4 => $function::<4>($($argument),*),
            5 => $function::<5>($($argument),*),
            6 => $function::<6>($($argument),*),
            7 => $function::<7>($($argument),*),
            8 => $function::<8>($($argument),*),
            9 => $function::<9>($($argument),*),
            10 => $function::<10>($($argument),*),
            11 => $function::<11>($($argument),*),
            12 => $function::<12>($($argument),*),
            13 => $function::<13>($($argument),*),
            states => Err(Reason::because(format!("the model has {states} states (13 at most)"))),
        }
    };
}

/// A season has at most this many steps.
pub(super) const LONGEST_SEASON: usize = 12;

impl Shape {
    pub(super) fn states(&self) -> usize {
        1 + usize::from(self.has_slope) + self.period.map_or(0, |period| period - 1)
    }

    /// The variances that may be above zero.
    fn free(&self) -> Vec<usize> {
        let all = [true, self.level_moves, self.has_slope, self.period.is_some()];
        (0..4).filter(|k| all[*k]).collect()
    }

    fn model<const M: usize>(&self, variances: Variances) -> StateSpace<M> {
        let [irregular, level, slope, season] = variances;
        let mut model = StateSpace {
            observation: [0.0; M],
            observation_variance: irregular,
            transition: [[0.0; M]; M],
            state_variance: [[0.0; M]; M],
        };
        model.observation[0] = 1.0;
        model.transition[0][0] = 1.0;
        model.state_variance[0][0] = level;
        let mut first = 1;
        if self.has_slope {
            model.transition[0][1] = 1.0;
            model.transition[1][1] = 1.0;
            model.state_variance[1][1] = slope;
            first = 2;
        }
        if first < M {
            model.observation[first] = 1.0;
            model.transition[first][first..].fill(-1.0);
            model.state_variance[first][first] = season;
            for k in first + 1..M {
                model.transition[k][k - 1] = 1.0;
            }
        }
        model
    }
}

fn first_state<const M: usize>(start: Start) -> State<M> {
    match start {
        Start::Exact => State::diffuse(),
        Start::Known(variance) => State::known(
            [0.0; M],
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { variance } else { 0.0 })),
        ),
    }
}

/// The innovations of y and of each x, those that count in the likelihood, and the best
/// coefficients.
struct Fit {
    coefficients: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    /// Of y − x′β, the diffuse ones included.
    innovations: Vec<Option<Innovation>>,
}

fn fit<const M: usize>(
    shape: Shape,
    series: &Series,
    start: Start,
    variances: Variances,
) -> Result<Fit, Reason> {
    let model = shape.model::<M>(variances);
    let run = |column: &[Option<f64>]| model.filter(column, first_state(start)).innovations;
    let mut innovations = run(&series.y);
    let counted = |index: usize, innovation: &Innovation| match start {
        Start::Exact => !innovation.diffuse,
        Start::Known(_) => index >= M,
    };
    if series.x.is_empty() {
        return Ok(Fit { coefficients: vec![], covariance: vec![], innovations });
    }
    let columns: Vec<Vec<Option<Innovation>>> = series.x.iter().map(|x| run(x)).collect();
    let rows: Vec<usize> = innovations
        .iter()
        .enumerate()
        .filter(|(index, innovation)| innovation.is_some_and(|found| counted(*index, &found)))
        .map(|(index, _)| index)
        .collect();
    let errors = |of: &[Option<Innovation>]| -> Vec<f64> {
        rows.iter().filter_map(|row| of[*row].map(|innovation| innovation.error)).collect()
    };
    let weights: Vec<f64> = rows
        .iter()
        .filter_map(|row| innovations[*row].map(|innovation| 1.0 / innovation.variance))
        .collect();
    let x: Vec<Vec<f64>> = columns.iter().map(|column| errors(column)).collect();
    let x: Vec<&[f64]> = x.iter().map(Vec::as_slice).collect();
    let found = least_squares::fit(&x, &errors(&innovations), Some(&weights)).ok_or_else(|| {
        Reason::because(
            "the covariates cannot be told apart before the intervention: one is a combination of \
             the others, or there are too few points",
        )
    })?;
    for (row, innovation) in innovations.iter_mut().enumerate() {
        let Some(innovation) = innovation else { continue };
        for (column, b) in columns.iter().zip(&found.coefficients) {
            innovation.error -= b * column[row].map_or(0.0, |x| x.error);
        }
    }
    Ok(Fit { coefficients: found.coefficients, covariance: found.unscaled, innovations })
}

/// The likelihood of the innovations that count.
fn likelihood<const M: usize>(fit: &Fit, start: Start) -> Likelihood {
    match start {
        Start::Exact => Likelihood::of(&fit.innovations),
        Start::Known(_) => Likelihood::of(&fit.innovations[M.min(fit.innovations.len())..]),
    }
}

/// Coefficients and likelihood at given variances.
pub(super) fn at(
    shape: Shape,
    series: &Series,
    start: Start,
    variances: Variances,
) -> Result<Parameters, Reason> {
    fn run<const M: usize>(
        shape: Shape,
        series: &Series,
        start: Start,
        variances: Variances,
    ) -> Result<Parameters, Reason> {
        let fit = fit::<M>(shape, series, start, variances)?;
        let log_likelihood = likelihood::<M>(&fit, start).log_likelihood();
        if !log_likelihood.is_finite() {
            return Err(Reason::because("the likelihood of the series is not a finite number"));
        }
        let Fit { coefficients, covariance, .. } = fit;
        Ok(Parameters { variances, coefficients, covariance, log_likelihood })
    }
    by_states!(shape.states(), run, shape, series, start, variances)
}

/// The parameters of the highest likelihood, from an exact diffuse start.
///
/// Every set of variances that are not zero is searched on its own, the smaller sets first, so that
/// a variance which brings nothing is zero and not merely small; one of each set is solved for.
pub(super) fn estimate(shape: Shape, series: &Series) -> Result<Parameters, Reason> {
    fn run<const M: usize>(shape: Shape, series: &Series) -> Result<Parameters, Reason> {
        let scale = |variances: Variances| -> Option<(f64, f64)> {
            let fit = fit::<M>(shape, series, Start::Exact, variances).ok()?;
            let likelihood = Likelihood::of(&fit.innovations);
            let height = likelihood.concentrated();
            height.is_finite().then(|| (height, likelihood.scale()))
        };
        // The covariates can be told apart, and the series is no exact one.
        let fixed = fit::<M>(shape, series, Start::Exact, [1.0, 0.0, 0.0, 0.0])?;
        let size: f64 = series.y.iter().flatten().map(|y| y * y).sum();
        if Likelihood::of(&fixed.innovations).scale() <= NO_ERROR * NO_ERROR * size {
            return Err(Reason::because(
                "the series before the intervention follows its model exactly: there is no \
                 variance that limits could rest on",
            ));
        }
        let best = highest(&shape.free(), |variances| {
            scale(variances).map_or(f64::NEG_INFINITY, |(height, _)| height)
        });
        let ratios = best.ok_or_else(|| Reason::because("the likelihood has no highest point"))?;
        let (_, scale) =
            scale(ratios).ok_or_else(|| Reason::because("the likelihood has no highest point"))?;
        at(shape, series, Start::Exact, ratios.map(|ratio| ratio * scale))
    }
    by_states!(shape.states(), run, shape, series)
}

/// The parameters of the highest likelihood, from a known start, beginning at those of the diffuse
/// one: a variance of zero stays zero.
pub(super) fn estimate_from(
    shape: Shape,
    series: &Series,
    start: Start,
) -> Result<Parameters, Reason> {
    let exact = estimate(shape, series)?;
    let free: Vec<usize> = (0..4).filter(|k| exact.variances[*k] > 0.0).collect();
    let with = |logarithms: &[f64]| {
        let mut variances = [0.0; 4];
        for (k, logarithm) in free.iter().zip(logarithms) {
            variances[*k] = exact.variances[*k] * libm::exp(*logarithm);
        }
        variances
    };
    let depth = |logarithms: &[f64]| {
        at(shape, series, start, with(logarithms))
            .map_or(f64::INFINITY, |found| -found.log_likelihood)
    };
    let axis: &[f64] = &[-0.5, 0.0, 0.5];
    let bounds = (-5.0, 5.0);
    let found: Option<Vec<f64>> = match free.len() {
        1 => optimise::minimise(&[bounds], [axis], 1, |x: &[f64; 1]| depth(x))
            .map(|found| found.point.to_vec()),
        2 => optimise::minimise(&[bounds; 2], [axis; 2], 1, |x: &[f64; 2]| depth(x))
            .map(|found| found.point.to_vec()),
        3 => optimise::minimise(&[bounds; 3], [axis; 3], 1, |x: &[f64; 3]| depth(x))
            .map(|found| found.point.to_vec()),
        _ => optimise::minimise(&[bounds; 4], [axis; 4], 1, |x: &[f64; 4]| depth(x))
            .map(|found| found.point.to_vec()),
    };
    let found = found.ok_or_else(|| Reason::because("the likelihood has no highest point"))?;
    at(shape, series, start, with(&found))
}

/// The ratios of variances at which `height` is highest.
fn highest(free: &[usize], height: impl Fn(Variances) -> f64) -> Option<Variances> {
    let mut best: Option<(Variances, f64)> = None;
    let mut consider = |variances: Variances| {
        let height = height(variances);
        if height.is_finite() && best.is_none_or(|(_, before)| height > before + GAIN) {
            best = Some((variances, height));
        }
    };
    for one in free {
        consider(ratios([(*one, 0.0)]));
    }
    let fine: Vec<f64> = (-12..=12).map(|k| 2.0 * f64::from(k)).collect();
    let plane: Vec<f64> = (-6..=6).map(|k| 4.0 * f64::from(k)).collect();
    let coarse: Vec<f64> = (-2..=2).map(|k| 8.0 * f64::from(k)).collect();
    let bounds = (-LOG_RATIO, LOG_RATIO);
    for (i, one) in free.iter().enumerate() {
        for other in &free[i + 1..] {
            let pair = |[x]: &[f64; 1]| ratios([(*one, 0.0), (*other, *x)]);
            let found = optimise::minimise(&[bounds], [&fine], 2, |x| -height(pair(x)));
            found.into_iter().for_each(|found| consider(pair(&found.point)));
        }
    }
    let threes: Vec<[usize; 3]> = match *free {
        [a, b, c] => vec![[a, b, c]],
        [a, b, c, d] => vec![[a, b, c], [a, b, d], [a, c, d], [b, c, d]],
        _ => vec![],
    };
    for [a, b, c] in threes {
        let three = |[x, y]: &[f64; 2]| ratios([(a, 0.0), (b, *x), (c, *y)]);
        let axes: [&[f64]; 2] = [&plane, &plane];
        let found = optimise::minimise(&[bounds; 2], axes, 2, |x| -height(three(x)));
        found.into_iter().for_each(|found| consider(three(&found.point)));
    }
    if let [a, b, c, d] = *free {
        let four = |[x, y, z]: &[f64; 3]| ratios([(a, 0.0), (b, *x), (c, *y), (d, *z)]);
        let axes: [&[f64]; 3] = [&coarse, &coarse, &coarse];
        let found = optimise::minimise(&[bounds; 3], axes, 2, |x| -height(four(x)));
        found.into_iter().for_each(|found| consider(four(&found.point)));
    }
    best.map(|(variances, _)| variances)
}

/// Variances from their logarithms; those not named are zero.
fn ratios<const K: usize>(logarithms: [(usize, f64); K]) -> Variances {
    let mut variances = [0.0; 4];
    for (k, logarithm) in logarithms {
        variances[k] = libm::exp(logarithm);
    }
    variances
}

/// The series step by step, and the steps after it.
pub(super) fn tell(
    shape: Shape,
    series: &Series,
    start: Start,
    parameters: &Parameters,
    after: &After<'_>,
) -> Result<Told, Reason> {
    fn run<const M: usize>(
        shape: Shape,
        series: &Series,
        start: Start,
        parameters: &Parameters,
        after: &After<'_>,
    ) -> Result<Told, Reason> {
        let model = shape.model::<M>(parameters.variances);
        let b = &parameters.coefficients;
        let explained = |t: usize| -> f64 {
            series.x.iter().zip(b).map(|(x, b)| b * x[t].unwrap_or(0.0)).sum()
        };
        let rest: Vec<Option<f64>> =
            series.y.iter().enumerate().map(|(t, y)| y.map(|y| y - explained(t))).collect();
        let Filtered { innovations, next } = model.filter(&rest, first_state(start));
        if !next.is_proper() {
            return Err(Reason::because(
                "there are too few points before the intervention for the level and the season",
            ));
        }
        let means = model.smooth(&rest, first_state(start));
        let mut told = Told::default();
        for (t, mean) in means.iter().enumerate() {
            told.levels.push(mean[0]);
            let signal: f64 = model.observation.iter().zip(mean).map(|(z, a)| z * a).sum();
            told.signals.push(signal + explained(t));
            told.ahead.push(
                innovations[t]
                    .filter(|found| !found.diffuse)
                    .map(|found| (series.y[t].unwrap_or(0.0) - found.error, found.variance)),
            );
        }

        // The regressors go through the same filter where their coefficients are not certain.
        let columns = if after.with_coefficients { &series.x[..] } else { &[] };
        let mut states: Vec<State<M>> =
            columns.iter().map(|x| model.filter(x, first_state(start)).next).collect();
        let mut state = next;
        let (mut sum, mut shared) = (0.0, [0.0; M]);
        let mut weights = vec![0.0; columns.len()];
        for (h, observed) in after.observed.iter().enumerate() {
            let (level, variance) = model.predict(&state);
            let x = |k: usize| after.x.get(k).and_then(|x| x.get(h)).copied().unwrap_or(0.0);
            let far: Vec<f64> =
                states.iter().enumerate().map(|(k, own)| x(k) - model.predict(own).0).collect();
            let of = |far: &[f64]| super::test_of::form(far, &parameters.covariance, far);
            if *observed {
                // Var(S + y) with the covariance of the state and the sum so far.
                let z = &model.observation;
                let cross: f64 = z.iter().zip(&shared).map(|(z, c)| z * c).sum();
                sum += 2.0 * cross + variance;
                let near: [f64; M] = std::array::from_fn(|i| {
                    state.variance[i].iter().zip(z).map(|(p, z)| p * z).sum()
                });
                (0..M).for_each(|i| shared[i] += near[i]);
                weights.iter_mut().zip(&far).for_each(|(sum, d)| *sum += d);
            }
            let (own, all) = if columns.is_empty() { (0.0, 0.0) } else { (of(&far), of(&weights)) };
            told.forecasts.push(Forecast {
                mean: level + (0..b.len()).map(|k| b[k] * x(k)).sum::<f64>(),
                variance: variance + own,
                sum_variance: sum + all,
            });
            state = model.advance(&state);
            shared = std::array::from_fn(|i| {
                model.transition[i].iter().zip(&shared).map(|(t, c)| t * c).sum()
            });
            states.iter_mut().for_each(|own| *own = model.advance(own));
        }
        Ok(told)
    }
    by_states!(shape.states(), run, shape, series, start, parameters, after)
}

#[cfg(test)]
mod tests;
