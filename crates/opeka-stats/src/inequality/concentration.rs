//! Concentration: how unequally a total is shared among areas.

use crate::Reason;
use crate::distribution::gamma;
use crate::inequality::weighted::Weighted;
use crate::reason::{require_finite_result, require_not_negative};

/// An index of inequality, without a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Inequality {
    pub estimate: Option<f64>,
    /// The number of values.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

impl Inequality {
    pub(crate) fn of(method: &'static str, value: &[f64], result: Result<f64, Reason>) -> Self {
        let n_obs = value.len();
        match result {
            Ok(estimate) => {
                Self { estimate: Some(estimate), n_obs, method: Some(method), reason: None }
            }
            Err(reason) => Self::unknown(reason, n_obs),
        }
    }

    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { estimate: None, n_obs, method: None, reason: Some(reason) }
    }
}

/// The Gini coefficient: half the mean difference between two values, over their mean.
///
/// **Formula.** Σᵢ Σⱼ pᵢ pⱼ |xᵢ − xⱼ| / 2x̄, with pᵢ the share of a value in the weights (1/n
/// without them): 0 where all values are equal, 1 − 1/n where one of n has all. It is the
/// coefficient of the areas at hand, not corrected by n/(n − 1) for a sample of them (Gini 1914;
/// Sen 1973, *On economic inequality*; R package ineq, `Gini`, without `corr`). `value` is per
/// head where `weight` counts heads.
///
/// **Edge cases.** There is no coefficient, but a [`Reason`], for no values, a negative value or
/// weight, a mean of zero, or numbers that are not finite. The order of rows and the scale of
/// values and of weights do not matter; a row of weight two is the same as two rows.
pub fn gini(value: &[f64], weight: Option<&[f64]>) -> Inequality {
    let method = if weight.is_some() { "weighted Gini" } else { "Gini" };
    let result = Weighted::new(value, weight, require_not_negative).and_then(|values| {
        // In ascending order the sum of differences is a sum of values, each counted for those
        // below it less those above it; the mean is taken off for the digits of small differences.
        let mut below = 0.0;
        let mut sum = 0.0;
        for (x, p) in &values.rows {
            sum += p * (x - values.mean) * (2.0 * below + p - 1.0);
            below += p;
        }
        let result = (sum / values.mean).max(0.0);
        require_finite_result(&[result])?;
        Ok(result)
    });
    Inequality::of(method, value, result)
}

/// Theil's index of inequality: Σ pᵢ (xᵢ/x̄) ln(xᵢ/x̄).
///
/// **Estimates** how far the shares of areas in the total are from their shares in the weights:
/// 0 where all values are equal, ln n where one of n areas of equal weight has all. It responds
/// more than Gini's to the highest values and adds up over groups of areas (Theil 1967, *Economics
/// and information theory*, the index T). pᵢ is the share of a value in the weights, 1/n without
/// them; `value` is per head where `weight` counts heads. A value of zero adds nothing.
///
/// **Edge cases.** As for [`gini`].
pub fn theil_index(value: &[f64], weight: Option<&[f64]>) -> Inequality {
    let method = if weight.is_some() { "weighted Theil T" } else { "Theil T" };
    let result = Weighted::new(value, weight, require_not_negative).and_then(|values| {
        // Σ p (r ln r) = Σ p (r ln r − r + 1), as Σ p r = 1: terms that are never negative, and
        // small where r is near 1.
        let result = values.sum(|x, p| {
            let ratio = x / values.mean;
            p * if ratio == 0.0 { 1.0 } else { gamma::deviance(ratio, 1.0) }
        });
        require_finite_result(&[result])?;
        Ok(result)
    });
    Inequality::of(method, value, result)
}

#[cfg(test)]
mod tests;
