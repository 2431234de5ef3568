//! The Theil–Sen slope: a trend that a wild year cannot move.

use super::kendall::{self, Kendall};
use super::order::median;
pub use super::series::MAX_POINTS;
use super::series::require_series;
use super::slopes::Slopes;
use crate::Reason;
use crate::distribution::normal;
use crate::reason::{require_conf_level, require_finite_result};

const MIN_POINTS: usize = 3;
const METHOD: &str = "Theil-Sen";

/// The result of [`theil_sen`].
///
/// The slope and its limits are in units of the value per unit of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TheilSen {
    /// The slope: the median of the slopes of all pairs of points.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The value of the line at time zero: median(value) − slope × median(time).
    pub intercept: Option<f64>,
    /// z of Kendall's score, corrected for ties and for continuity: the Mann–Kendall statistic.
    pub statistic: Option<f64>,
    /// Two-sided, of the hypothesis that values do not depend on time.
    pub p_value: Option<f64>,
    /// The number of points.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is an `estimate`, what the text names.
    pub reason: Option<Reason>,
}

/// The slope of `value` over `time` as the median of the slopes of all pairs of points.
///
/// **Estimates** the slope of a straight line under errors that are independent and alike but
/// otherwise arbitrary. Up to 29 % of the points may be wild without carrying the slope away.
///
/// **Slope.** The median of (y_j − y_i)/(t_j − t_i) over all pairs with t_i ≠ t_j: at the true
/// spacing of time, so that missing years and uneven intervals count as what they are. Pairs that
/// share a time have no slope and are left out (Theil 1950; Sen 1968, "Estimates of the regression
/// coefficient based on Kendall's tau", *JASA* 63).
///
/// **Limits** are two of the N sorted slopes, after Sen (1968): with C = z √var(S), those of rank
/// round((N − C)/2) and round((N + C)/2 + 1), counted from 1. var(S) is the variance of Kendall's
/// score with its corrections for ties in value and in time. The ranks are those of R's
/// `trend::sens.slope` and of SciPy's `theilslopes`.
///
/// **Test.** `statistic` and `p_value` are those of the Mann–Kendall test (normal approximation
/// with continuity correction; below ten points only a guide).
///
/// **Intercept** is median(y) − slope × median(t) (Conover 1999; SciPy's `method="separate"`), the
/// line's value at `time` 0, far outside the data where `time` is a calendar year.
///
/// **Coverage**, simulated (see `COVERAGE.md`): limits at 95 % hold where errors are independent
/// (five points: 98 %), but in 90 % of cases at an autocorrelation of 0.2 and in 70 % at 0.6 (50
/// points); more years do not help.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 points, more than
/// [`MAX_POINTS`], times that are all equal, numbers that are not finite, or a `conf_level` that
/// is not between 0 and 1. The slope stands but the limits are missing where the points are too
/// few for the level (four points at 0.95: the ranks fall outside the slopes; SciPy returns the
/// extreme slopes there, whose true level is lower). Where all values are equal the slope is zero,
/// and limits and test are missing. The order of the points does not matter.
pub fn theil_sen(value: &[f64], time: &[f64], conf_level: f64) -> TheilSen {
    calculate(value, time, conf_level)
        .unwrap_or_else(|reason| TheilSen::unknown(reason, value.len()))
}

impl TheilSen {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            intercept: None,
            statistic: None,
            p_value: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

fn calculate(value: &[f64], time: &[f64], conf_level: f64) -> Result<TheilSen, Reason> {
    require_conf_level(conf_level)?;
    require_series(value, time, MIN_POINTS)?;
    let n_obs = value.len();

    let mut slopes = Slopes::of(value, time);
    let slope = slopes.ranked.median().ok_or_else(|| Reason::because("all times are equal"))?;
    let intercept = median(value) - slope * median(time);
    let worst = if slopes.finite { slope } else { f64::INFINITY };
    require_finite_result(&[worst, intercept])?;

    let mut result = TheilSen {
        estimate: Some(slope),
        conf_low: None,
        conf_high: None,
        intercept: Some(intercept),
        statistic: None,
        p_value: None,
        n_obs,
        method: Some(METHOD),
        reason: None,
    };

    let Kendall { score, variance, .. } = Kendall::of(&slopes, value, time);
    if variance <= 0.0 {
        result.reason = Some(Reason::of_part("the limits and the test", "all values are equal"));
        return Ok(result);
    }
    let (z, p) = kendall::z_and_p(score, variance);
    (result.statistic, result.p_value) = (Some(z), Some(p));

    match sen_limits(&mut slopes, variance, conf_level) {
        Some((low, high)) => (result.conf_low, result.conf_high) = (Some(low), Some(high)),
        None => {
            result.reason = Some(Reason::of_part(
                "the limits",
                format!("{n_obs} points are too few for a conf_level of {conf_level}"),
            ));
        }
    }
    Ok(result)
}

/// The slopes whose ranks, counted from 1, are round((N − C)/2) and round((N + C)/2 + 1).
fn sen_limits(slopes: &mut Slopes, variance: f64, conf_level: f64) -> Option<(f64, f64)> {
    let n = slopes.len() as f64;
    let c = normal::two_sided(conf_level) * variance.sqrt();
    let low = ((n - c) / 2.0).round_ties_even();
    let high = ((n + c) / 2.0 + 1.0).round_ties_even();
    if low < 1.0 || high > n {
        return None;
    }
    slopes.ranked.at(low as usize - 1).zip(slopes.ranked.at(high as usize - 1))
}

#[cfg(test)]
mod tests;
