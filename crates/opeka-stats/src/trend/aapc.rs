//! The average annual per cent change, from a line through the logarithms.

use super::line::Line;
use super::series::require_points;
use crate::Reason;
use crate::reason::{require_conf_level, require_finite_result, require_positive};

const MIN_POINTS: usize = 3;

/// The result of [`aapc`].
#[derive(Clone, Debug, PartialEq)]
pub struct Aapc {
    /// Change in per cent per unit of time: −2 means that each year has 98 % of the year before.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The slope of the logarithms, of which `estimate` is 100 (exp(slope) − 1).
    pub slope: Option<f64>,
    /// Of the slope of the logarithms.
    pub std_error: Option<f64>,
    /// t of that slope.
    pub statistic: Option<f64>,
    /// Two-sided, from Student's t with n − 2 degrees of freedom.
    pub p_value: Option<f64>,
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is an `estimate`, what the text names.
    pub reason: Option<Reason>,
}

/// The change of `value` per unit of `time` in per cent, taken to be the same throughout.
///
/// **Estimates** the rate of growth of a series that grows or shrinks by a fixed share per year.
///
/// **Formula.** ln y = a + b t by least squares, each point weighted by its `weight` if there are
/// any (counts of events, for rates made from them); the change is 100 (exp(b) − 1), and its limits
/// are those of b, b ± t(n − 2) × error, transformed alike (Clegg, Hankey, Tiwari, Feuer and Edwards
/// 2009, *Statistics in Medicine* 28, for one segment). The figures are those of R's
/// `lm(log(y) ~ t, weights = w)`.
///
/// **Coverage**, simulated (see `COVERAGE.md`): limits at 95 % hold where errors are independent,
/// but in 89 % of cases at an autocorrelation of 0.2 and in 67 % at 0.6 (50 points); more years do
/// not help.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 points, times that
/// are all equal, a value that is not above zero (it has no logarithm; `poisson_trend` takes a year
/// without events), a weight that is not above zero, numbers that are not finite, or a `conf_level`
/// that is not between 0 and 1. Where the logarithms lie on a line the change stands, and error,
/// limits and test are missing. The order of the points does not matter.
pub fn aapc(value: &[f64], time: &[f64], weight: Option<&[f64]>, conf_level: f64) -> Aapc {
    calculate(value, time, weight, conf_level)
        .unwrap_or_else(|reason| Aapc::unknown(reason, value.len()))
}

impl Aapc {
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
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

/// A slope of logarithms as change in per cent.
pub(super) fn per_cent(slope: f64) -> f64 {
    100.0 * libm::expm1(slope)
}

fn calculate(
    value: &[f64],
    time: &[f64],
    weight: Option<&[f64]>,
    conf_level: f64,
) -> Result<Aapc, Reason> {
    require_conf_level(conf_level)?;
    require_points(value, time, MIN_POINTS)?;
    // The lowest one, so that the reason does not depend on the order of the points.
    let lowest = |numbers: &[f64]| numbers.iter().copied().fold(f64::INFINITY, f64::min);
    require_positive("value", lowest(value))?;
    if let Some(weight) = weight {
        require_points(weight, time, MIN_POINTS)?;
        require_positive("weight", lowest(weight))?;
    }
    let logarithms: Vec<f64> = value.iter().map(|&y| libm::log(y)).collect();
    let line = Line::fit(&logarithms, time, weight)?;
    let change = per_cent(line.slope);
    require_finite_result(&[change])?;
    let mut result = Aapc {
        estimate: Some(change),
        conf_low: None,
        conf_high: None,
        slope: Some(line.slope),
        std_error: line.std_error,
        statistic: None,
        p_value: None,
        n_obs: value.len(),
        method: Some(if weight.is_some() {
            "log-linear weighted least squares"
        } else {
            "log-linear least squares"
        }),
        reason: None,
    };
    let (Some((t, p)), Some((low, high))) = (line.test(), line.limits(conf_level)) else {
        let part = "the error, the limits and the test";
        result.reason = Some(Reason::of_part(part, "the points lie on one curve of growth"));
        return Ok(result);
    };
    (result.statistic, result.p_value) = (Some(t), Some(p));
    let (low, high) = (per_cent(low), per_cent(high));
    if high.is_finite() {
        (result.conf_low, result.conf_high) = (Some(low), Some(high));
    } else {
        let why = "the result is too large for a 64-bit number";
        result.reason = Some(Reason::of_part("the limits", why));
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
