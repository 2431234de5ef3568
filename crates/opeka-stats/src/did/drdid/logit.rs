//! Who is treated, by maximum likelihood.

use nalgebra::{DMatrix, DVector};

use super::dot;

const MAX_STEPS: usize = 100;

/// A fitted logistic regression.
pub(super) struct Logit {
    /// Of each row.
    pub(super) propensity: Vec<f64>,
    /// (Σ weight p (1 − p) x x')⁻¹.
    pub(super) inverse_information: Vec<Vec<f64>>,
}

/// Newton's method with steps that are halved until the likelihood rises. `None` where there is no
/// maximum, or no single one: the covariates tell who is treated, or go together.
pub(super) fn fit(x: &[f64], k: usize, treated: &[bool], weights: &[f64]) -> Option<Logit> {
    let total: f64 = weights.iter().sum();
    let share =
        weights.iter().zip(treated).filter(|(_, t)| **t).map(|(w, _)| w).sum::<f64>() / total;
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    let mut coefficients = vec![0.0; k];
    coefficients[0] = libm::log(share / (1.0 - share));
    let mut now = State::at(&coefficients, x, k, treated, weights);
    for _ in 0..MAX_STEPS {
        let factor = DMatrix::from_row_slice(k, k, &now.information).cholesky()?;
        if !well_posed(factor.l_dirty(), &now.information, k) {
            return None;
        }
        let step = factor.solve(&DVector::from_column_slice(&now.score));
        // How far the likelihood is from its top, as if it were a parabola.
        let decrement = 0.5 * dot(&now.score, step.as_slice());
        if !decrement.is_finite() {
            return None;
        }
        if decrement <= 1e-12 * total {
            // Half the digits are there, so that this step gives them all.
            add(&mut coefficients, step.as_slice(), 1.0);
            let last = State::at(&coefficients, x, k, treated, weights);
            let factor = DMatrix::from_row_slice(k, k, &last.information).cholesky()?;
            let inverse = factor.inverse();
            let inverse_information =
                (0..k).map(|i| (0..k).map(|j| inverse[(i, j)]).collect()).collect();
            return Some(Logit { propensity: last.propensity, inverse_information });
        }
        let mut length = 1.0;
        loop {
            let mut tried = coefficients.clone();
            add(&mut tried, step.as_slice(), length);
            let next = State::at(&tried, x, k, treated, weights);
            if next.likelihood > now.likelihood {
                (coefficients, now) = (tried, next);
                break;
            }
            length *= 0.5;
            if length < 1e-10 {
                return None;
            }
        }
    }
    None
}

fn add(coefficients: &mut [f64], step: &[f64], length: f64) {
    coefficients.iter_mut().zip(step).for_each(|(b, step)| *b += length * step);
}

/// No column is, to 1e-10 of its square, a combination of those before it.
fn well_posed(lower: &DMatrix<f64>, information: &[f64], k: usize) -> bool {
    (0..k).all(|j| lower[(j, j)] * lower[(j, j)] > 1e-10 * information[j * k + j])
}

struct State {
    propensity: Vec<f64>,
    likelihood: f64,
    score: Vec<f64>,
    information: Vec<f64>,
}

impl State {
    fn at(coefficients: &[f64], x: &[f64], k: usize, treated: &[bool], weights: &[f64]) -> Self {
        let mut propensity = Vec::with_capacity(treated.len());
        let mut likelihood = 0.0;
        let (mut score, mut information) = (vec![0.0; k], vec![0.0; k * k]);
        for ((x, treated), weight) in x.chunks_exact(k).zip(treated).zip(weights) {
            let index = dot(x, coefficients);
            let small = libm::exp(-index.abs());
            let (low, high) = (small / (1.0 + small), 1.0 / (1.0 + small));
            let p = if index > 0.0 { high } else { low };
            let rest = match treated {
                true if index > 0.0 => low,
                true => high,
                false => -p,
            };
            // The logarithm of the probability of what happened.
            let against = if *treated { (-index).max(0.0) } else { index.max(0.0) };
            likelihood -= weight * (against + libm::log1p(small));
            let (first, second) = (weight * rest, weight * low * high);
            for i in 0..k {
                score[i] += first * x[i];
                let scaled = second * x[i];
                for j in 0..=i {
                    information[i * k + j] += scaled * x[j];
                }
            }
            propensity.push(p);
        }
        for i in 0..k {
            for j in 0..i {
                information[j * k + i] = information[i * k + j];
            }
        }
        Self { propensity, likelihood, score, information }
    }
}
