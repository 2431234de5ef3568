//! Pettitt's test: does a series change its level, and when?

use super::order::mean_ranks;
use super::series::{in_time_order, require_distinct, require_points};
use crate::Reason;

const MIN_POINTS: usize = 3;

/// The result of [`pettitt`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pettitt {
    /// The last time before the change.
    pub estimate: Option<f64>,
    /// The first time after the change.
    pub first_after: Option<f64>,
    /// K: how far the ranks before the change are from what they would be without one.
    pub statistic: Option<f64>,
    /// Two-sided, approximate.
    pub p_value: Option<f64>,
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing.
    pub reason: Option<Reason>,
}

/// Looks for the time at which the level of `value` changes most, and tests whether it does.
///
/// **Estimates** the place of a single change of level in a series that is otherwise without trend
/// and without autocorrelation; a steady trend makes a change too, somewhere in the middle.
///
/// **Formula.** U_k = 2 Σ_{i ≤ k} r_i − k(n + 1) with the ranks r, means of ranks where values are
/// equal; K = max |U_k|; the change is after the first k that attains it; p = 2 exp(−6K²/(n³ + n²)),
/// at most 1 (Pettitt 1979, "A non-parametric approach to the change-point problem", *Applied
/// Statistics* 28). The approximation is good where p is below 0.5 and rough for fewer than ten
/// points or for many equal values. As R's `trend::pettitt.test` and pyhomogeneity's
/// `pettitt_test(sim=None)` have it; the former gives every k that attains K.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 points, more than one
/// value for a time, values that are all equal, and numbers that are not finite. Times need not be
/// evenly spaced. The order of the points does not matter.
pub fn pettitt(value: &[f64], time: &[f64]) -> Pettitt {
    calculate(value, time).unwrap_or_else(|reason| Pettitt::unknown(reason, value.len()))
}

impl Pettitt {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            first_after: None,
            statistic: None,
            p_value: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

fn calculate(value: &[f64], time: &[f64]) -> Result<Pettitt, Reason> {
    require_points(value, time, MIN_POINTS)?;
    let (value, time) = in_time_order(value, time);
    require_distinct(&time)?;
    let n = value.len() as f64;

    let (mut sum, mut largest, mut change) = (0.0, 0.0, None);
    for ((k, rank), pair) in (1..).zip(mean_ranks(&value)).zip(time.windows(2)) {
        sum += rank;
        let u = (2.0 * sum - f64::from(k) * (n + 1.0)).abs();
        if u > largest {
            largest = u;
            change = Some((pair[0], pair[1]));
        }
    }
    // Without a difference in rank anywhere, every U is zero.
    let (before, after) = change.ok_or_else(|| Reason::because("all values are equal"))?;
    let p = 2.0 * libm::exp(-6.0 * largest * largest / (n * n * n + n * n));
    Ok(Pettitt {
        estimate: Some(before),
        first_after: Some(after),
        statistic: Some(largest),
        p_value: Some(p.min(1.0)),
        n_obs: value.len(),
        method: Some("Pettitt"),
        reason: None,
    })
}

#[cfg(test)]
mod tests;
