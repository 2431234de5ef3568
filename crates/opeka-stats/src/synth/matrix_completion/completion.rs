//! The matrix that explains the untreated cells at the lowest price.

use nalgebra::DMatrix;

use super::super::factor_panel::{FactorPanel, additive, combined, inverse_cross};
use crate::Reason;

/// When iterations rest: the largest change of the fit as a share of it, and how many are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    tolerance: f64,
    most: usize,
}

impl Effort {
    pub(super) const FULL: Self = Self { tolerance: 1e-12, most: 20_000 };
    /// For comparisons of penalties, and for draws.
    pub(super) const ROUGH: Self = Self { tolerance: 1e-7, most: 1000 };
}

/// Outcomes of which some are seen.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    y: DMatrix<f64>,
    seen: Vec<bool>,
    /// Covariates without unit and time effects.
    left: Vec<DMatrix<f64>>,
    inverse: DMatrix<f64>,
}

/// A fit, as it is after an iteration.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// What the model says of every cell.
    pub(super) fitted: DMatrix<f64>,
    pub(super) coefficients: Vec<f64>,
    low_rank: DMatrix<f64>,
    pub(super) rank: usize,
    /// ½ Σ over seen cells of squares, plus the price of the matrix.
    pub(super) objective: f64,
    /// Whether the iterations came to rest.
    pub(super) rests: bool,
}

impl Completion {
    pub(super) fn new(panel: &FactorPanel, seen: Vec<bool>) -> Result<Self, Reason> {
        let left: Vec<DMatrix<f64>> = panel.covariates.iter().map(|x| x - additive(x)).collect();
        let inverse = inverse_cross(&left, &panel.covariates)?;
        Ok(Self { y: panel.y.clone(), seen, left, inverse })
    }

    /// Before the first iteration: the mean of what is seen.
    pub(super) fn start(&self) -> Fit {
        let (mut sum, mut n) = (0.0, 0.0);
        for (y, seen) in self.y.iter().zip(&self.seen) {
            if *seen {
                sum += y;
                n += 1.0;
            }
        }
        let zeros = DMatrix::zeros(self.y.nrows(), self.y.ncols());
        Fit {
            fitted: zeros.add_scalar(sum / n),
            coefficients: vec![0.0; self.left.len()],
            low_rank: zeros,
            rank: 0,
            objective: f64::INFINITY,
            rests: false,
        }
    }

    /// One iteration: cells that are not seen are imputed from `fitted`; coefficients are those of
    /// what is left beside `low_rank`; then unit and time effects and singular values beyond `price`.
    pub(super) fn step(&self, fitted: &DMatrix<f64>, low_rank: &DMatrix<f64>, price: f64) -> Fit {
        let mut whole = self.y.clone();
        for ((cell, imputed), seen) in whole.iter_mut().zip(fitted.iter()).zip(&self.seen) {
            if !seen {
                *cell = *imputed;
            }
        }
        let effects = additive(&whole);
        let within = whole - &effects;
        let beside = &within - low_rank;
        let cross: Vec<f64> = self.left.iter().map(|x| x.dot(&beside)).collect();
        let row = |k: usize| (0..cross.len()).map(|m| self.inverse[(k, m)] * cross[m]).sum();
        let coefficients: Vec<f64> = (0..cross.len()).map(row).collect();
        let explained = combined(&self.left, &coefficients, &self.y);
        let (low_rank, rank, norm) = shrunk(&(within - &explained), price);
        let fitted = effects + explained + &low_rank;
        let mut square = 0.0;
        for ((y, fitted), seen) in self.y.iter().zip(fitted.iter()).zip(&self.seen) {
            if *seen {
                square += (y - fitted) * (y - fitted);
            }
        }
        // No price and no matrix, not infinity times nothing.
        let cost = if norm > 0.0 { price * norm } else { 0.0 };
        let objective = 0.5 * square + cost;
        Fit { fitted, coefficients, low_rank, rank, objective, rests: false }
    }

    /// The iteration after a fit.
    pub(super) fn follow(&self, fit: &Fit, price: f64) -> Fit {
        self.step(&fit.fitted, &fit.low_rank, price)
    }

    /// The optimum at a penalty per cell: iterations with momentum (Beck and Teboulle 2009), which
    /// begins anew where it would raise the objective (O'Donoghue and Candès 2015).
    pub(super) fn solve(&self, lambda: f64, effort: Effort) -> Fit {
        self.solve_at(lambda * self.y.len() as f64, effort)
    }

    fn solve_at(&self, price: f64, effort: Effort) -> Fit {
        let start = self.start();
        let mut last = self.step(&start.fitted, &start.low_rank, price);
        let mut before = last.clone();
        let mut momentum = 1.0f64;
        for _ in 0..effort.most {
            let next = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
            let share = (momentum - 1.0) / next;
            momentum = next;
            let ahead = |now: &DMatrix<f64>, before: &DMatrix<f64>| now + (now - before) * share;
            let mut fit = self.step(
                &ahead(&last.fitted, &before.fitted),
                &ahead(&last.low_rank, &before.low_rank),
                price,
            );
            if fit.objective > last.objective {
                momentum = 1.0;
                fit = self.follow(&last, price);
            }
            let change = (&fit.fitted - &last.fitted).norm();
            let size = last.fitted.norm();
            before = std::mem::replace(&mut last, fit);
            if change <= effort.tolerance * size {
                last.rests = true;
                break;
            }
        }
        last
    }

    /// The penalty from which on the matrix is nothing: the largest singular value of what unit and
    /// time effects and covariates leave of the seen cells, per cell.
    pub(super) fn largest_lambda(&self) -> f64 {
        let plain = self.solve_at(f64::INFINITY, Effort::FULL);
        let mut left = &self.y - plain.fitted;
        for (cell, seen) in left.iter_mut().zip(&self.seen) {
            if !seen {
                *cell = 0.0;
            }
        }
        let whole = self.y.norm();
        let largest = left.singular_values().max();
        if largest <= 1e-9 * whole { 0.0 } else { largest / self.y.len() as f64 }
    }
}

/// The matrix with singular values lowered by `price`, how many are left, and their sum.
fn shrunk(matrix: &DMatrix<f64>, price: f64) -> (DMatrix<f64>, usize, f64) {
    if price == f64::INFINITY {
        return (DMatrix::zeros(matrix.nrows(), matrix.ncols()), 0, 0.0);
    }
    let wide = matrix.nrows() <= matrix.ncols();
    let gram = if wide { matrix * matrix.transpose() } else { matrix.transpose() * matrix };
    let eigen = gram.symmetric_eigen();
    let mut kept: Vec<(f64, usize)> = eigen
        .eigenvalues
        .iter()
        .enumerate()
        .map(|(k, square)| (square.max(0.0).sqrt(), k))
        .filter(|(value, _)| *value > price)
        .collect();
    kept.sort_by(|a, b| b.0.total_cmp(&a.0));
    let places: Vec<usize> = kept.iter().map(|(_, k)| *k).collect();
    let vectors = eigen.eigenvectors.select_columns(&places);
    let mut scaled = vectors.clone();
    for (column, (value, _)) in kept.iter().enumerate() {
        scaled.column_mut(column).scale_mut(1.0 - price / value);
    }
    let norm = kept.iter().map(|(value, _)| value - price).sum();
    let low_rank = match wide {
        true => scaled * (vectors.transpose() * matrix),
        false => (matrix * scaled) * vectors.transpose(),
    };
    (low_rank, kept.len(), norm)
}
