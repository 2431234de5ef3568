//! The model of the controls, and what it says of another unit.

use nalgebra::DMatrix;

use super::super::factor_panel::{FactorPanel, additive, combined, inverse_cross};
use crate::Reason;
use crate::least_squares;

/// Coefficients rest when a round changes them by less than this share.
const TOLERANCE: f64 = 1e-13;

const MAX_ROUNDS: usize = 20_000;

/// The model of units that are never treated.
#[derive(Clone, Debug)]
pub(super) struct ControlFit {
    pub(super) coefficients: Vec<f64>,
    /// What all units share at each time: μ + ξ_t.
    common: Vec<f64>,
    /// One column for each factor, orthogonal.
    factors: DMatrix<f64>,
    /// One column for each control.
    pub(super) residuals: DMatrix<f64>,
    /// `None` where as much is estimated as there are cells.
    pub(super) sigma2: Option<f64>,
    /// `None` where nothing is left to explain.
    pub(super) ic: Option<f64>,
    pub(super) pc: Option<f64>,
}

impl ControlFit {
    pub(super) fn new(panel: &FactorPanel, units: &[usize], r: usize) -> Result<Self, Reason> {
        let panel = panel.select(units);
        let (t, n) = (panel.n_times(), panel.n_units());
        let p = panel.covariates.len();
        // Time effects and means leave so many directions.
        let room = t.min(n).saturating_sub(1);
        if r > room {
            return Err(Reason::because(format!(
                "{n} controls over {t} periods have room for {room} factors, not for {r}"
            )));
        }
        let mut rounds = Rounds::new(&panel, r)?;
        rounds.rest()?;
        let Rounds { coefficients, fitted, within, left, .. } = rounds;
        let residuals = &within - &fitted - combined(&left, &coefficients, &within);

        let whole = &panel.y - combined(&panel.covariates, &coefficients, &panel.y);
        let common = whole.column_mean().iter().copied().collect();
        let (cells, r_size) = ((t * n) as f64, r as f64);
        let square = residuals.norm_squared();
        // Unit and time effects; factors and loadings beside them, up to rotation; coefficients.
        let size = (n + t) as f64;
        let spent = (size - 1.0) + r_size * (size - 2.0 - r_size) + p as f64;
        let sigma2 = (cells > spent).then(|| square / (cells - spent));
        let positive = sigma2.filter(|sigma2| *sigma2 > 0.0);
        let ic = positive.map(|sigma2| libm::log(sigma2) + spent * libm::log(cells) / cells);
        let short = |size: usize| size.max(60) as f64;
        let punished = short(n) * short(t) / cells * size / cells * libm::log(cells / size);
        let pc = sigma2.map(|sigma2| square / cells + r_size * sigma2 * punished);
        let factors = leading(&(&within - combined(&left, &coefficients, &within)), r);
        Ok(Self { coefficients, common, factors, residuals, sigma2, ic, pc })
    }

    pub(super) fn n_factors(&self) -> usize {
        self.factors.ncols()
    }
}

/// Coefficients and factors in turn, each by least squares given the other (Bai 2009).
#[derive(Debug)]
pub(super) struct Rounds {
    r: usize,
    /// The outcome and the covariates without unit and time effects.
    within: DMatrix<f64>,
    left: Vec<DMatrix<f64>>,
    inverse: DMatrix<f64>,
    pub(super) coefficients: Vec<f64>,
    /// What the factors explain.
    fitted: DMatrix<f64>,
}

impl Rounds {
    pub(super) fn new(panel: &FactorPanel, r: usize) -> Result<Self, Reason> {
        let without = |matrix: &DMatrix<f64>| matrix - additive(matrix);
        let within = without(&panel.y);
        let left: Vec<DMatrix<f64>> = panel.covariates.iter().map(without).collect();
        let inverse = inverse_cross(&left, &panel.covariates)?;
        let fitted = DMatrix::zeros(within.nrows(), within.ncols());
        let mut rounds = Self { r, within, left, inverse, coefficients: Vec::new(), fitted };
        rounds.coefficients = rounds.regression();
        rounds.fitted = rounds.explained();
        Ok(rounds)
    }

    fn regression(&self) -> Vec<f64> {
        let target = &self.within - &self.fitted;
        let cross: Vec<f64> = self.left.iter().map(|x| x.dot(&target)).collect();
        let row = |k: usize| (0..cross.len()).map(|m| self.inverse[(k, m)] * cross[m]).sum();
        (0..cross.len()).map(row).collect()
    }

    fn explained(&self) -> DMatrix<f64> {
        let rest = &self.within - combined(&self.left, &self.coefficients, &self.within);
        let factors = leading(&rest, self.r);
        &factors * (factors.transpose() * rest)
    }

    /// One round. Returns by how much the coefficients changed, as a share.
    pub(super) fn step(&mut self) -> f64 {
        let coefficients = self.regression();
        let pairs = || coefficients.iter().zip(&self.coefficients);
        let change: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
        let size: f64 = coefficients.iter().map(|a| a * a).sum();
        self.coefficients = coefficients;
        self.fitted = self.explained();
        if change == 0.0 { 0.0 } else { (change / size).sqrt() }
    }

    fn rest(&mut self) -> Result<(), Reason> {
        if self.r == 0 || self.left.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_ROUNDS {
            if self.step() <= TOLERANCE {
                return Ok(());
            }
        }
        Err(Reason::because("coefficients and factors did not come to rest"))
    }

    #[cfg(test)]
    pub(super) fn sum_of_squares(&self) -> f64 {
        let explained = combined(&self.left, &self.coefficients, &self.within);
        (&self.within - explained - &self.fitted).norm_squared()
    }
}

/// The r leading left singular vectors of a matrix of times by units.
fn leading(matrix: &DMatrix<f64>, r: usize) -> DMatrix<f64> {
    if r == 0 {
        return DMatrix::zeros(matrix.nrows(), 0);
    }
    let eigen = (matrix * matrix.transpose()).symmetric_eigen();
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(r);
    eigen.eigenvectors.select_columns(&order)
}

/// A unit's outcome without what covariates explain and what all units share.
#[derive(Debug)]
pub(super) struct UnitFit<'a> {
    fit: &'a ControlFit,
    left: Vec<f64>,
}

impl<'a> UnitFit<'a> {
    pub(super) fn new(panel: &FactorPanel, unit: usize, fit: &'a ControlFit) -> Self {
        let explained = |t: usize| -> f64 {
            let pairs = panel.covariates.iter().zip(&fit.coefficients);
            pairs.map(|(x, coefficient)| x[(t, unit)] * coefficient).sum()
        };
        let left = (0..panel.n_times())
            .map(|t| panel.y[(t, unit)] - explained(t) - fit.common[t])
            .collect();
        Self { fit, left }
    }

    /// What is left when the unit's level and its responses to the factors are taken out, estimated
    /// on the first times but one that is left out. `None` where they cannot be told apart.
    pub(super) fn gaps(&self, first: usize, left_out: Option<usize>) -> Option<Vec<f64>> {
        let times: Vec<usize> = (0..first).filter(|t| Some(*t) != left_out).collect();
        let factors = &self.fit.factors;
        let mut columns = vec![vec![1.0; times.len()]];
        columns
            .extend((0..factors.ncols()).map(|k| times.iter().map(|t| factors[(*t, k)]).collect()));
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let target: Vec<f64> = times.iter().map(|t| self.left[*t]).collect();
        let loadings = least_squares::fit(&slices, &target, None)?.coefficients;
        let predicted = |t: usize| {
            loadings[0]
                + (0..factors.ncols()).map(|k| loadings[k + 1] * factors[(t, k)]).sum::<f64>()
        };
        Some(self.left.iter().enumerate().map(|(t, left)| left - predicted(t)).collect())
    }
}
