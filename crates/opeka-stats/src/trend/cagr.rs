//! The compound annual growth rate: from the first value to the last, in equal shares.

use super::series::require_points;
use crate::Reason;
use crate::reason::{require_finite_result, require_positive};

const MIN_POINTS: usize = 2;

/// The result of [`cagr`].
#[derive(Clone, Debug, PartialEq)]
pub struct Cagr {
    /// Growth in per cent per unit of time.
    pub estimate: Option<f64>,
    /// The number of points, of which only the first and the last count.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

/// The growth per unit of time, in per cent, that leads from the first value to the last.
///
/// **Estimates** nothing: it restates two numbers, and has no limits. One unusual year at either
/// end is all of it; see `aapc` for a rate that all points have a part in.
///
/// **Formula.** 100 ((y_last/y_first)^(1/(t_last − t_first)) − 1).
///
/// **Edge cases.** Missing, with a [`Reason`], for fewer than 2 points, a first or a last value
/// that is not above zero, more than one value for the first or the last time, times that are all
/// equal, and numbers that are not finite. The order of the points does not matter.
pub fn cagr(value: &[f64], time: &[f64]) -> Cagr {
    calculate(value, time).unwrap_or_else(|reason| Cagr::unknown(reason, value.len()))
}

impl Cagr {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { estimate: None, n_obs, method: None, reason: Some(reason) }
    }
}

fn calculate(value: &[f64], time: &[f64]) -> Result<Cagr, Reason> {
    require_points(value, time, MIN_POINTS)?;
    let first = time.iter().copied().fold(f64::INFINITY, f64::min);
    let last = time.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if first >= last {
        return Err(Reason::because("all times are equal"));
    }
    let (from, to) = (value_at(value, time, first)?, value_at(value, time, last)?);
    require_positive("the first value", from)?;
    require_positive("the last value", to)?;
    // Logarithms first: the quotient of two numbers may be none.
    let growth = (libm::log(to) - libm::log(from)) / (last - first);
    let near = libm::log1p((to - from) / from) / (last - first);
    let exponent = if near.is_finite() { near } else { growth };
    let estimate = 100.0 * libm::expm1(exponent);
    require_finite_result(&[estimate])?;
    Ok(Cagr {
        estimate: Some(estimate),
        n_obs: value.len(),
        method: Some("compound growth"),
        reason: None,
    })
}

fn value_at(value: &[f64], time: &[f64], at: f64) -> Result<f64, Reason> {
    let mut there = value.iter().zip(time).filter(|&(_, &t)| t == at).map(|(&y, _)| y);
    match (there.next(), there.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Reason::because(format!("there is more than one value for {at}"))),
    }
}

#[cfg(test)]
mod tests;
