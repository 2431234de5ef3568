//! What a group gained over two periods, compared with another group: the estimators of Sant'Anna
//! and Zhao (2020), "Doubly robust difference-in-differences estimators", *Journal of Econometrics*
//! 219.
//!
//! Where every unit is there in both periods, [`changes`] compares changes; where not,
//! [`cross_sections`] compares levels. Both give the estimate and what each row adds to its error:
//! its influence, with Σ influence² / n² the variance.

pub(crate) mod changes;
pub(crate) mod cross_sections;
mod logit;

use crate::Reason;
use crate::least_squares;

/// How units of the two groups that differ in their covariates are made comparable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttMethod {
    /// By both of the others: right where one of the two is (equation 3.1).
    #[default]
    DoublyRobust,
    /// By a regression of the outcome of the controls on the covariates (Heckman, Ichimura and Todd
    /// 1997).
    Regression,
    /// By weighting the controls with the odds of being treated (Abadie 2005; weights sum to one).
    InverseProbability,
}

/// Controls that are this likely to have been treated are left out of the weighting.
const TRIM: f64 = 0.995;

/// A row that is this certain to be treated leaves nothing to compare it with.
const NO_OVERLAP: f64 = 0.999;

/// Rows of a comparison: who is treated, how much each counts, and what is known of each.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) treated: Vec<bool>,
    /// Scaled to a mean of one.
    weights: Vec<f64>,
    weighted: bool,
    /// Row by row: a one, and the covariates, centred and scaled. No result depends on either.
    x: Vec<f64>,
    /// How many columns `x` has.
    k: usize,
}

impl Comparison {
    pub(crate) fn new(
        treated: Vec<bool>,
        weights: Option<Vec<f64>>,
        covariates: &[Vec<f64>],
    ) -> Self {
        let (n, k) = (treated.len(), covariates.len() + 1);
        let mut x = vec![1.0; n * k];
        for (column, values) in covariates.iter().enumerate() {
            let mean = values.iter().sum::<f64>() / n as f64;
            let spread = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
            let size = values.iter().map(|v| v.abs()).fold(0.0, f64::max);
            // What is left of a constant is rounding.
            let scale = if spread > 1e-12 * size { 1.0 / spread } else { 0.0 };
            for (row, value) in values.iter().enumerate() {
                x[row * k + column + 1] = (value - mean) * scale;
            }
        }
        let weighted = weights.is_some();
        let mut weights = weights.unwrap_or_else(|| vec![1.0; n]);
        if weighted {
            let mean = weights.iter().sum::<f64>() / n as f64;
            weights.iter_mut().for_each(|weight| *weight /= mean);
        }
        Self { treated, weights, weighted, x, k }
    }

    pub(crate) fn len(&self) -> usize {
        self.treated.len()
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.x[row * self.k..(row + 1) * self.k]
    }

    /// Σ weight x over the rows.
    fn moments(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.k];
        for (x, weight) in self.x.chunks_exact(self.k).zip(weights) {
            if *weight != 0.0 {
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
            }
        }
        sums
    }

    /// The odds of each control, times its weight, and what the odds rest on.
    fn odds(&self) -> Result<Odds, Reason> {
        let no_overlap = || {
            Reason::because(
                "treated units and controls do not overlap: their covariates all but tell who is \
                 treated",
            )
        };
        if self.weighted {
            // As the reference does, overlap is judged without weights.
            let ones = vec![1.0; self.len()];
            let plain = logit::fit(&self.x, self.k, &self.treated, &ones).ok_or_else(no_overlap)?;
            if plain.propensity.iter().any(|p| *p >= NO_OVERLAP) {
                return Err(no_overlap());
            }
        }
        let fit = logit::fit(&self.x, self.k, &self.treated, &self.weights);
        let fit = fit.ok_or_else(no_overlap)?;
        if !self.weighted && fit.propensity.iter().any(|p| *p >= NO_OVERLAP) {
            return Err(no_overlap());
        }
        let n = self.len();
        let (mut weights, mut score) = (vec![0.0; n], vec![0.0; n]);
        for row in 0..n {
            let (p, weight) = (fit.propensity[row].min(1.0 - 1e-6), self.weights[row]);
            if self.treated[row] {
                score[row] = weight * (1.0 - p);
            } else {
                score[row] = -weight * p;
                if p < TRIM {
                    weights[row] = weight * p / (1.0 - p);
                }
            }
        }
        Ok(Odds { weights, score, inverse: fit.inverse_information })
    }
}

/// Odds of being treated.
#[derive(Clone, Debug)]
struct Odds {
    /// Weight p / (1 − p) of a control, zero of a treated row.
    weights: Vec<f64>,
    /// Weight (D − p).
    score: Vec<f64>,
    /// (Σ weight p (1 − p) x x')⁻¹.
    inverse: Vec<Vec<f64>>,
}

/// Regressions of many outcomes on the covariates of the same rows.
#[derive(Clone, Debug)]
struct Regression {
    rows: Vec<u32>,
    /// (Σ weight x x')⁻¹.
    inverse: Vec<Vec<f64>>,
}

impl Regression {
    /// Of the rows for which `takes` holds; `who` names them in a reason.
    fn new(
        comparison: &Comparison,
        who: &str,
        takes: impl Fn(usize) -> bool,
    ) -> Result<Self, Reason> {
        let rows: Vec<u32> =
            (0..comparison.len() as u32).filter(|row| takes(*row as usize)).collect();
        let k = comparison.k;
        if rows.len() < k {
            return Err(Reason::because(format!(
                "there are {} {who} for {} covariates (there must be more)",
                rows.len(),
                k - 1
            )));
        }
        let take = |value: &dyn Fn(usize) -> f64| -> Vec<f64> {
            rows.iter().map(|row| value(*row as usize)).collect()
        };
        let weights = take(&|row| comparison.weights[row]);
        if k == 1 {
            let inverse = vec![vec![1.0 / weights.iter().sum::<f64>()]];
            return Ok(Self { rows, inverse });
        }
        let columns: Vec<Vec<f64>> =
            (0..k).map(|column| take(&|row| comparison.row(row)[column])).collect();
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let fit = least_squares::fit(&slices, slices[0], Some(&weights)).ok_or_else(|| {
            Reason::because(format!(
                "a covariate does not vary among the {} {who}, or goes with another one",
                rows.len()
            ))
        })?;
        Ok(Self { rows, inverse: fit.unscaled })
    }

    /// The coefficients of an outcome.
    fn coefficients(&self, comparison: &Comparison, y: &[f64]) -> Vec<f64> {
        let mut coefficients = vec![0.0; comparison.k];
        // The second pass takes out the rounding of the first one.
        for _ in 0..2 {
            let mut sums = vec![0.0; comparison.k];
            for row in self.rows.iter().map(|row| *row as usize) {
                let x = comparison.row(row);
                let rest = comparison.weights[row] * (y[row] - dot(x, &coefficients));
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += rest * x);
            }
            let step = times(&self.inverse, &sums);
            coefficients.iter_mut().zip(&step).for_each(|(b, step)| *b += step);
        }
        coefficients
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn times(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, vector)).collect()
}

#[cfg(test)]
mod tests;
