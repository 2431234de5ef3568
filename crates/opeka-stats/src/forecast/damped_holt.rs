//! Damped Holt: exponential smoothing with a trend that levels off.

use super::{ForecastPoint, Series, require_request};
use crate::Reason;
use crate::least_squares;
use crate::optimise::{self, Bounds};

const MIN_POINTS: usize = 6;
const METHOD: &str = "ETS(A,Ad,N)";

/// Where the smoothing parameters α, β/α and φ are looked for.
const BOUNDS: Bounds<3> = [(1e-4, 1.0 - 1e-4), (1e-4, 1.0 - 1e-4), (0.8, 0.98)];

/// Errors below this share of the values are rounding.
const NO_ERROR: f64 = 1e-11;

/// The result of [`damped_holt`].
#[derive(Clone, Debug, PartialEq)]
pub struct DampedHolt {
    /// One forecast for each period up to the horizon; empty where there is none.
    pub points: Vec<ForecastPoint>,
    /// How fast the level follows the values.
    pub alpha: Option<f64>,
    /// How fast the slope follows them.
    pub beta: Option<f64>,
    /// The share of the slope that is left after one period.
    pub phi: Option<f64>,
    /// Level and slope before the first value.
    pub initial_level: Option<f64>,
    pub initial_slope: Option<f64>,
    /// The variance of the one-step errors: their squares by points less estimated parameters.
    pub sigma2: Option<f64>,
    pub log_likelihood: Option<f64>,
    /// The number of points.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there are `points`, what the text names.
    pub reason: Option<Reason>,
}

/// Parameters that are known rather than estimated, and a bound of the forecasts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DampedHoltOptions {
    /// α, β and φ: 0 ≤ β ≤ α ≤ 1 and 0 < φ ≤ 1.
    pub smoothing: Option<[f64; 3]>,
    /// Level and slope before the first value.
    pub initial: Option<[f64; 2]>,
    /// Forecasts and limits below it are raised to it: 0 for a rate.
    pub lower_bound: Option<f64>,
}

/// Forecasts of a series with a trend that levels off, by damped exponential smoothing.
///
/// **Estimates** the values of the next `horizon` periods under the innovations model ETS(A,Ad,N),
///
/// ```text
/// y_t = l_{t−1} + φ b_{t−1} + e_t
/// l_t = l_{t−1} + φ b_{t−1} + α e_t
/// b_t = φ b_{t−1} + β e_t
/// ```
///
/// with independent normal errors e of variance σ² (Gardner and McKenzie 1985, *Management
/// Science* 31; Hyndman, Koehler, Ord and Snyder 2008, *Forecasting with Exponential Smoothing*).
/// The forecast of h periods ahead is l + (φ + … + φʰ) b.
///
/// **Fit** by maximum likelihood, which is least squares of the one-step errors, over the usual
/// region 0 < β < α < 1 (to 1e-4) and 0.8 ≤ φ ≤ 0.98. Given α, β and φ, errors are linear in the
/// initial level and slope, which are solved for; the rest is a search from fixed starts.
/// `log_likelihood` is −n/2 (log(2π Σe²/n) + 1), as statsmodels' `ETSModel` has it.
///
/// **Limits** are the forecast ∓ z σ √v_h, where v_h = 1 + Σ_{j<h} (α + β (φ + … + φʲ))²
/// (Hyndman and others 2008, table 6.1). σ² is Σe² by n − 5, points less estimated parameters, as
/// in R's `forecast::ets`; statsmodels divides by n, which for ten points halves the variance.
/// They widen with every period. They take the estimated parameters for the true ones, and so are
/// too narrow for short series.
///
/// Coverage: see COVERAGE.md; limits at 95 % that rest on 10 points hold the next value in 87 % of
/// cases and that of five periods ahead in 57 %; on 50 points, in 92 % and 86 %.
///
/// **Units.** `estimate`, limits and `std_error` in units of the value, `time` in that of the
/// times, `sigma2` in squared units. `lower_bound` keeps forecasts and limits of a count or a rate
/// from falling below zero; without it nothing is cut.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 6 points, a missing
/// period, two values for one time, a `horizon` that is not between 1 and 10 or is more than half
/// the number of points, numbers that are not finite, or parameters outside their region. Where
/// the values are all equal, or follow a damped trend without error, there are forecasts but
/// neither parameters nor limits. The order of the points does not matter.
pub fn damped_holt(
    value: &[f64],
    time: &[f64],
    horizon: usize,
    conf_level: f64,
    options: &DampedHoltOptions,
) -> DampedHolt {
    calculate(value, time, horizon, conf_level, options)
        .unwrap_or_else(|reason| DampedHolt::unknown(reason, value.len()))
}

impl DampedHolt {
    /// No forecast, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            points: Vec::new(),
            alpha: None,
            beta: None,
            phi: None,
            initial_level: None,
            initial_slope: None,
            sigma2: None,
            log_likelihood: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

fn calculate(
    value: &[f64],
    time: &[f64],
    horizon: usize,
    conf_level: f64,
    options: &DampedHoltOptions,
) -> Result<DampedHolt, Reason> {
    require_request(horizon, conf_level, options.lower_bound)?;
    require_options(options)?;
    let series = Series::new(value, time, MIN_POINTS)?;
    series.require_horizon(horizon)?;
    let values: Vec<f64> = series.values.iter().flatten().copied().collect();
    let missing = series.values.len() - values.len();
    if missing > 0 {
        return Err(Reason::because(format!(
            "{missing} of {} periods {} no value (local_linear_trend allows for gaps)",
            series.values.len(),
            if missing == 1 { "has" } else { "have" }
        )));
    }

    let initial = options
        .initial
        .map(|[level, slope]| [(level - series.centre) / series.unit, slope / series.unit]);
    let smoothing = match options.smoothing {
        Some([alpha, beta, phi]) => Smoothing { alpha, beta, phi },
        None => estimate(&values, initial)?,
    };
    let fit = Fit::of(&values, smoothing, initial)
        .ok_or_else(|| Reason::because("the initial level and slope are not determined"))?;

    let n = values.len() as f64;
    let size: f64 = values.iter().map(|y| y * y).sum();
    if fit.squares <= NO_ERROR * NO_ERROR * size {
        let ahead = (1..=horizon).map(|h| (fit.forecast(h), None));
        return Ok(DampedHolt {
            points: series.points(ahead, conf_level, options.lower_bound)?,
            method: Some(METHOD),
            ..DampedHolt::unknown(
                Reason::of_part(
                    "the limits",
                    if series.is_constant() {
                        "all values are equal"
                    } else {
                        "the values follow a damped trend without error"
                    },
                ),
                series.n_obs,
            )
        });
    }

    let fixed = options.smoothing.map_or(0, |_| 3) + options.initial.map_or(0, |_| 2);
    let sigma2 = fit.squares / (n - 5.0 + f64::from(fixed));
    let ahead =
        (1..=horizon).map(|h| (fit.forecast(h), Some(sigma2 * smoothing.relative_variance(h))));
    let log_likelihood = -0.5 * n * (libm::log(2.0 * std::f64::consts::PI * fit.squares / n) + 1.0);
    Ok(DampedHolt {
        points: series.points(ahead, conf_level, options.lower_bound)?,
        alpha: Some(smoothing.alpha),
        beta: Some(smoothing.beta),
        phi: Some(smoothing.phi),
        initial_level: Some(series.centre + series.unit * fit.initial[0]),
        initial_slope: Some(series.unit * fit.initial[1]),
        sigma2: Some(sigma2 * series.unit * series.unit),
        log_likelihood: Some(log_likelihood - n * series.log_unit()),
        n_obs: series.n_obs,
        method: Some(METHOD),
        reason: None,
    })
}

fn require_options(options: &DampedHoltOptions) -> Result<(), Reason> {
    if let Some([alpha, beta, phi]) = options.smoothing {
        let holds = (0.0..=1.0).contains(&alpha)
            && (0.0..=alpha).contains(&beta)
            && phi > 0.0
            && phi <= 1.0;
        if !holds {
            return Err(Reason::because(format!(
                "alpha, beta and phi are {alpha}, {beta} and {phi} (they must be at most 1, beta \
                 at most alpha, none negative and phi above zero)"
            )));
        }
    }
    if options.initial.is_some_and(|states| states.iter().any(|state| !state.is_finite())) {
        return Err(Reason::because("the initial level or slope is not a finite number"));
    }
    Ok(())
}

/// The smoothing parameters at which the squares of the one-step errors are least.
fn estimate(values: &[f64], initial: Option<[f64; 2]>) -> Result<Smoothing, Reason> {
    let smoothing = |[alpha, share, phi]: &[f64; 3]| Smoothing {
        alpha: *alpha,
        beta: alpha * share,
        phi: *phi,
    };
    let objective = |point: &[f64; 3]| match Fit::of(values, smoothing(point), initial) {
        // A floor, so that errors of rounding are not searched for a minimum.
        Some(fit) => libm::log(fit.squares.max(1e-30)),
        None => f64::INFINITY,
    };
    let axes: [&[f64]; 3] = [
        &[0.01, 0.1, 0.25, 0.45, 0.65, 0.85, 0.98],
        &[0.01, 0.1, 0.3, 0.6, 0.9],
        &[0.8, 0.87, 0.93, 0.98],
    ];
    let found = optimise::minimise(&BOUNDS, axes, 4, objective)
        .ok_or_else(|| Reason::because("the initial level and slope are not determined"))?;
    Ok(smoothing(&found.point))
}

#[derive(Clone, Copy, Debug)]
struct Smoothing {
    alpha: f64,
    beta: f64,
    phi: f64,
}

impl Smoothing {
    /// The one-step errors, and level and slope after the last value.
    fn run(&self, values: impl Iterator<Item = f64>, initial: [f64; 2]) -> (Vec<f64>, [f64; 2]) {
        let [mut level, mut slope] = initial;
        let errors = values
            .map(|y| {
                let forecast = level + self.phi * slope;
                let error = y - forecast;
                level = forecast + self.alpha * error;
                slope = self.phi * slope + self.beta * error;
                error
            })
            .collect();
        (errors, [level, slope])
    }

    /// φ + … + φʰ
    fn damping(&self, h: usize) -> f64 {
        (0..h).fold(0.0, |sum, _| self.phi * (1.0 + sum))
    }

    /// The variance of the value h periods ahead, in units of σ².
    fn relative_variance(&self, h: usize) -> f64 {
        let weight = |j: usize| self.alpha + self.beta * self.damping(j);
        1.0 + (1..h).map(|j| weight(j) * weight(j)).sum::<f64>()
    }
}

/// The series smoothed.
#[derive(Debug)]
struct Fit {
    smoothing: Smoothing,
    initial: [f64; 2],
    /// Level and slope after the last value.
    last: [f64; 2],
    /// Σe²
    squares: f64,
}

impl Fit {
    /// From given initial states, or from those at which the squares are least.
    fn of(values: &[f64], smoothing: Smoothing, initial: Option<[f64; 2]>) -> Option<Self> {
        let run = |initial| smoothing.run(values.iter().copied(), initial);
        let initial = match initial {
            Some(initial) => initial,
            None => {
                // Errors are those from a start at zero, less what each initial state adds to the
                // forecasts: minus the errors that a series of zeros has from that state.
                let zeros = |initial| -> Vec<f64> {
                    let (errors, _) = smoothing.run(values.iter().map(|_| 0.0), initial);
                    errors.into_iter().map(|error| -error).collect()
                };
                let (level, slope) = (zeros([1.0, 0.0]), zeros([0.0, 1.0]));
                let fit = least_squares::fit(&[&level, &slope], &run([0.0, 0.0]).0, None)?;
                [*fit.coefficients.first()?, *fit.coefficients.get(1)?]
            }
        };
        let (errors, last) = run(initial);
        let squares: f64 = errors.iter().map(|e| e * e).sum();
        squares.is_finite().then_some(Self { smoothing, initial, last, squares })
    }

    fn forecast(&self, h: usize) -> f64 {
        self.last[0] + self.smoothing.damping(h) * self.last[1]
    }
}

#[cfg(test)]
mod tests;
