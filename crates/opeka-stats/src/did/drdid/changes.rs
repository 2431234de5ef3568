//! Units that are there in both periods: their changes are compared.

use super::{AttMethod, Comparison, Odds, Regression, dot, times};
use crate::Reason;

/// A comparison of changes, ready for many outcomes: what does not depend on the outcome is
/// calculated once.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    comparison: Comparison,
    /// Σ weight over the treated.
    treated_weight: f64,
    /// The controls' regression, and (Σ w x x')⁻¹ Σ w x over controls and treated.
    regression: Option<(Regression, Vec<f64>)>,
    odds: Option<Weighted>,
}

#[derive(Clone, Debug)]
struct Weighted {
    odds: Odds,
    /// Σ odds.
    sum: f64,
    /// (Σ w x x')⁻¹ Σ odds x, where there is a regression.
    regression: Option<Vec<f64>>,
}

impl Changes {
    /// # Errors
    /// Covariates that tell who is treated, go together, or are too many for the controls.
    pub(crate) fn new(comparison: Comparison, method: AttMethod) -> Result<Self, Reason> {
        // Without covariates all three are a difference of mean changes.
        let method = if comparison.k == 1 { AttMethod::Regression } else { method };
        let of = |treated: bool| -> Vec<f64> {
            let rows = comparison.treated.iter().zip(&comparison.weights);
            rows.map(|(t, w)| if *t == treated { *w } else { 0.0 }).collect()
        };
        let treated = of(true);
        let regression = match method {
            AttMethod::InverseProbability => None,
            _ => {
                let controls =
                    Regression::new(&comparison, "controls", |row| !comparison.treated[row])?;
                let direction = times(&controls.inverse, &comparison.moments(&treated));
                Some((controls, direction))
            }
        };
        let odds = match method {
            AttMethod::Regression => None,
            _ => {
                let odds = comparison.odds()?;
                let sum: f64 = odds.weights.iter().sum();
                if sum <= 0.0 {
                    return Err(Reason::because("no control is comparable to the treated units"));
                }
                let moments = comparison.moments(&odds.weights);
                let regression =
                    regression.as_ref().map(|(controls, _)| times(&controls.inverse, &moments));
                Some(Weighted { odds, sum, regression })
            }
        };
        let treated_weight = treated.iter().sum();
        Ok(Self { comparison, treated_weight, regression, odds })
    }

    /// The effect on a change of the outcome, and each row's influence in a sample of `n` units.
    ///
    /// With Δ the change, m(x) the fitted change of controls and ω = w p/(1 − p):
    /// E_w[Δ − m | treated] − E_ω[Δ − m | control] (Sant'Anna and Zhao 2020, equation 3.1), without
    /// the second term for the regression, without m for the weighting.
    pub(crate) fn estimate(&self, change: &[f64], n: usize) -> (f64, Vec<f64>) {
        let c = &self.comparison;
        let mut rest = change.to_vec();
        if let Some((controls, _)) = &self.regression {
            let coefficients = controls.coefficients(c, change);
            rest.iter_mut()
                .enumerate()
                .for_each(|(row, rest)| *rest -= dot(c.row(row), &coefficients));
        }
        let n = n as f64;
        let gained: f64 =
            (0..c.len()).filter(|row| c.treated[*row]).map(|row| c.weights[row] * rest[row]).sum();
        let gained = gained / self.treated_weight;
        let scale = n / self.treated_weight;
        let mut influence: Vec<f64> =
            (0..c.len())
                .map(|row| {
                    if c.treated[row] { scale * c.weights[row] * (rest[row] - gained) } else { 0.0 }
                })
                .collect();
        let mut estimate = gained;

        // What the regression's coefficients add, as the direction in which the estimate moves.
        let mut direction = vec![0.0; c.k];
        if let Some((_, treated)) = &self.regression {
            direction.iter_mut().zip(treated).for_each(|(d, t)| *d += scale * t);
        }
        if let Some(weighted) = &self.odds {
            let (weights, scale) = (&weighted.odds.weights, n / weighted.sum);
            let mean = dot(weights, &rest) / weighted.sum;
            estimate -= mean;
            let apart: Vec<f64> =
                weights.iter().zip(&rest).map(|(weight, rest)| weight * (rest - mean)).collect();
            let by_odds = times(&weighted.odds.inverse, &c.moments(&apart));
            for row in 0..c.len() {
                let from_odds = weighted.odds.score[row] * dot(c.row(row), &by_odds);
                influence[row] -= scale * (apart[row] + from_odds);
            }
            if let Some(controls) = &weighted.regression {
                direction.iter_mut().zip(controls).for_each(|(d, w)| *d -= scale * w);
            }
        }
        if self.regression.is_some() {
            for row in (0..c.len()).filter(|row| !c.treated[*row]) {
                influence[row] -= c.weights[row] * rest[row] * dot(c.row(row), &direction);
            }
        }
        (estimate, influence)
    }
}
