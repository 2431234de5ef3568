//! Indirectly standardised ratios: events against those expected at the rates of a reference.

use crate::rate::poisson::{CountLimits, limits_998, method};
use crate::reason::{
    require_conf_level, require_each, require_finite_result, require_not_negative,
    require_positive, require_same_length,
};
use crate::{Estimate, Reason, sum};

/// The result of [`isr`].
#[derive(Clone, Debug, PartialEq)]
pub struct Isr {
    /// The ratio; the rate where a reference rate was given.
    pub ratio: Estimate,
    /// All observed events.
    pub observed: Option<f64>,
    /// All expected events.
    pub expected: Option<f64>,
    /// The number of rows.
    pub n_obs: usize,
}

impl Isr {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { ratio: Estimate::unknown(reason), observed: None, expected: None, n_obs }
    }
}

/// A ratio standardised indirectly: Σ `observed` / Σ `expected` over age bands.
///
/// **Estimates** how many times as many events there are as there would be at the rates of a
/// reference population; the expected events of a band are its population times the rate of the
/// reference in that band. With a `reference_rate` (the crude rate of the whole reference, in any
/// unit) the result is the indirectly standardised rate in that unit: ratio × `reference_rate`.
///
/// **Limits** at `conf_level` and at 0.998: exact Poisson limits of the observed events below 10,
/// Byar's from 10 on, divided by the expected events, which are known without error (Breslow and
/// Day 1987, *Statistical methods in cancer research* II, IARC; R package PHEindicatormethods,
/// `calculate_ISRatio` and `calculate_ISRate`).
///
/// **Edge cases.** No observed events give a ratio of zero with an upper limit. There is no ratio,
/// but a [`Reason`], where a count is negative or not finite, no events are expected, `conf_level`
/// is not between 0 and 1 or `reference_rate` is not above zero. The order of rows does not matter.
pub fn isr(
    observed: &[f64],
    expected: &[f64],
    conf_level: f64,
    reference_rate: Option<f64>,
) -> Isr {
    calculate(observed, expected, conf_level, reference_rate)
        .unwrap_or_else(|reason| Isr::unknown(reason, observed.len()))
}

fn calculate(
    observed: &[f64],
    expected: &[f64],
    conf_level: f64,
    reference_rate: Option<f64>,
) -> Result<Isr, Reason> {
    require_conf_level(conf_level)?;
    let multiplier = reference_rate.unwrap_or(1.0);
    require_positive("reference_rate", multiplier)?;
    require_same_length("observed events", observed, "expected events", expected)?;
    require_each(require_not_negative, "observed", observed)?;
    require_each(require_not_negative, "expected", expected)?;
    let n_obs = observed.len();
    if n_obs == 0 {
        return Err(Reason::because("there are no age bands"));
    }
    let observed = sum::ordered(observed.iter().copied());
    let expected = sum::ordered(expected.iter().copied());
    require_positive("expected of all age bands", expected)?;

    let per_expected = |count: f64| count / expected * multiplier;
    let both = |(low, high): (f64, f64)| (per_expected(low), per_expected(high));
    let estimate = per_expected(observed);
    let at_level = both(CountLimits::new(conf_level).of(observed));
    let at_998 = both(limits_998().of(observed));
    require_finite_result(&[estimate, at_level.0, at_level.1, at_998.0, at_998.1])?;
    let ratio = Estimate::known(method(observed), estimate, at_level, at_998);
    Ok(Isr { ratio, observed: Some(observed), expected: Some(expected), n_obs })
}

#[cfg(test)]
mod tests;
