//! Short forecasts of yearly series, with prediction intervals.

pub(crate) mod damped_holt;
pub(crate) mod local_linear_trend;

use crate::Reason;
use crate::distribution::normal;
use crate::reason::there_are_points;
use crate::reason::{require_conf_level, require_finite_result};

/// Nothing is forecast farther than this.
pub const MAX_HORIZON: usize = 10;

/// A series with its gaps spans no more periods than this.
pub const MAX_PERIODS: usize = 5_000;

/// A forecast of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastPoint {
    pub time: f64,
    pub estimate: f64,
    /// The standard deviation of the value about its forecast.
    pub std_error: Option<f64>,
    /// The limits between which the value will lie with a probability of `conf_level`.
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// `F`: SDMX's code for a forecast value.
    pub obs_status: &'static str,
}

/// A series without its times: one value for each period, in units in which it is small.
///
/// Values are differences from the first one, divided by a power of two: no rounding where they
/// have few digits, and the same search for parameters whatever the unit.
#[derive(Debug)]
struct Series {
    /// `None` where a period has no value.
    values: Vec<Option<f64>>,
    n_obs: usize,
    /// The time of the last value.
    end: f64,
    step: f64,
    centre: f64,
    unit: f64,
}

impl Series {
    /// The points in the order of time; a reason where they are no series to be forecast.
    fn new(value: &[f64], time: &[f64], min_points: usize) -> Result<Self, Reason> {
        let n_obs = value.len();
        if time.len() != n_obs {
            return Err(Reason::because(format!(
                "there are {n_obs} values and {} times",
                time.len()
            )));
        }
        if n_obs < min_points {
            return Err(Reason::because(format!(
                "{} (it takes {min_points} or more)",
                there_are_points(n_obs)
            )));
        }
        if !value.iter().chain(time).all(|number| number.is_finite()) {
            return Err(Reason::because("a value or a time is not a finite number"));
        }
        let mut points: Vec<(f64, f64)> = time.iter().copied().zip(value.iter().copied()).collect();
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (times, values): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        let (periods, step) = periods(&times)?;

        let centre = values.first().copied().unwrap_or_default();
        let differences: Vec<f64> = values.iter().map(|y| y - centre).collect();
        require_finite_result(&differences)?;
        let largest = differences.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let unit = if largest > 0.0 { libm::ldexp(1.0, libm::ilogb(largest)) } else { 1.0 };
        let mut series = vec![None; periods.last().map_or(0, |last| last + 1)];
        for (period, difference) in periods.iter().zip(&differences) {
            if let Some(slot) = series.get_mut(*period) {
                *slot = Some(difference / unit);
            }
        }
        let end = times.last().copied().unwrap_or_default();
        Ok(Self { values: series, n_obs, end, step, centre, unit })
    }

    /// Nothing is forecast for longer than half of what is known.
    fn require_horizon(&self, horizon: usize) -> Result<(), Reason> {
        let (n_obs, longest) = (self.n_obs, self.n_obs / 2);
        if horizon <= longest {
            return Ok(());
        }
        Err(Reason::because(format!(
            "horizon is {horizon} (for {n_obs} points it must be {longest} or less)"
        )))
    }

    fn is_constant(&self) -> bool {
        self.values.iter().flatten().all(|value| *value == 0.0)
    }

    /// The logarithm of the factor by which values were made small.
    fn log_unit(&self) -> f64 {
        libm::log(self.unit)
    }

    /// The forecasts in the units of the data; `ahead` gives mean and, where there is one,
    /// variance of each, in units of the series.
    fn points(
        &self,
        ahead: impl Iterator<Item = (f64, Option<f64>)>,
        conf_level: f64,
        lower_bound: Option<f64>,
    ) -> Result<Vec<ForecastPoint>, Reason> {
        let z = normal::two_sided(conf_level);
        let bounded = |x: f64| lower_bound.map_or(x, |bound| x.max(bound));
        let mut points = Vec::new();
        for (h, (mean, variance)) in ahead.enumerate() {
            let time = self.end + (h + 1) as f64 * self.step;
            let estimate = self.centre + self.unit * mean;
            let std_error = variance.map(|variance| self.unit * variance.sqrt());
            let limits = std_error.map(|error| (estimate - z * error, estimate + z * error));
            let (low, high) = limits.unzip();
            require_finite_result(&[time, estimate, low.unwrap_or(0.0), high.unwrap_or(0.0)])?;
            points.push(ForecastPoint {
                time,
                estimate: bounded(estimate),
                std_error,
                conf_low: low.map(bounded),
                conf_high: high.map(bounded),
                obs_status: "F",
            });
        }
        Ok(points)
    }
}

/// The number of the period of each time, the first being 0, and the length of a period: the
/// shortest of the intervals between times, of which all others must be multiples.
fn periods(times: &[f64]) -> Result<(Vec<usize>, f64), Reason> {
    let intervals = || times.iter().zip(times.iter().skip(1)).map(|(from, to)| to - from);
    let shortest = intervals().fold(f64::INFINITY, f64::min);
    if shortest <= 0.0 {
        return Err(Reason::because("there are two values for one time"));
    }
    let mut periods = vec![0];
    let mut period = 0.0;
    for interval in intervals() {
        let steps = (interval / shortest).round();
        period += steps;
        if period >= MAX_PERIODS as f64 {
            return Err(Reason::because(format!(
                "the times span more than {MAX_PERIODS} periods of {shortest}"
            )));
        }
        // Thirds of a year and the like are not exact.
        if (interval / shortest - steps).abs() > 1e-6 * steps {
            return Err(Reason::because(format!(
                "the times are not evenly spaced: an interval of {interval} is no multiple of \
                 {shortest}"
            )));
        }
        periods.push(period as usize);
    }
    let span = times.last().zip(times.first()).map_or(0.0, |(last, first)| last - first);
    Ok((periods, span / period))
}

/// What every forecast is asked for.
fn require_request(
    horizon: usize,
    conf_level: f64,
    lower_bound: Option<f64>,
) -> Result<(), Reason> {
    require_conf_level(conf_level)?;
    if !(1..=MAX_HORIZON).contains(&horizon) {
        return Err(Reason::because(format!(
            "horizon is {horizon} (it must lie between 1 and {MAX_HORIZON})"
        )));
    }
    match lower_bound {
        Some(bound) if !bound.is_finite() => {
            Err(Reason::because(format!("lower_bound is {bound} (it must be a finite number)")))
        }
        _ => Ok(()),
    }
}
