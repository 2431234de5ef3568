//! The weighted average of donors that is nearest to a target: least squares with weights that are
//! not negative and sum to one.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SupportedConeT, ZeroConeT,
};
use nalgebra::{DMatrix, DVector};

use super::corral::Corral;
use crate::Reason;

/// A reduced gradient below this share of the largest squared distance is no gradient.
const GRADIENT: f64 = 1e-14;

/// Donors whose reduced gradient is below this share are tied with those that have weight.
const TIED: f64 = 1e-13;

/// A squared distance below this share is none: the target is matched without error.
const MATCHED: f64 = 1e-18;

/// Singular values below this share of the largest one are zero.
const RANK: f64 = 1e-10;

/// Pivots of the polish before the solver's answer is taken as it is.
const MAX_PIVOTS: usize = 1_000;

/// min ‖b − Aw‖² + ζ²‖w‖² over w ≥ 0, Σw = 1, as the distances D of the donors from the target:
/// since the weights sum to one, b − Aw = −Dw with D's columns a_j − b.
#[derive(Clone, Debug)]
pub(crate) struct Simplex {
    rows: usize,
    donors: usize,
    /// Donor by donor.
    distance: Vec<f64>,
    /// ζ².
    ridge: f64,
    /// The largest squared distance of a donor.
    scale: f64,
}

/// The best weights.
#[derive(Clone, Debug)]
pub(crate) struct SimplexFit {
    /// One for each donor.
    pub(crate) weights: Vec<f64>,
    /// The smallest gradient of a donor less that of the donors with weight: not below zero, but
    /// for rounding, at the optimum (Karush, Kuhn and Tucker).
    #[allow(dead_code, reason = "the proof of the optimum, which tests read")]
    pub(crate) min_reduced_gradient: f64,
    /// Whether no other weights are as good.
    pub(crate) unique: bool,
}

impl Simplex {
    /// The columns are the donors, `target` has as many rows as each of them. A row counts by its
    /// weight (1 where `None`); with an `intercept` the level of both sides is free.
    pub(crate) fn new(
        donors: &[&[f64]],
        target: &[f64],
        row_weights: Option<&[f64]>,
        ridge: f64,
        intercept: bool,
    ) -> Self {
        let rows = target.len();
        let weight = |row: usize| row_weights.map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..rows).map(weight).sum();
        let mut distance = Vec::with_capacity(rows * donors.len());
        for donor in donors {
            let start = distance.len();
            distance.extend(donor.iter().zip(target).map(|(a, b)| a - b));
            let column = &mut distance[start..];
            if intercept && total > 0.0 {
                let sum: f64 = column.iter().enumerate().map(|(row, d)| weight(row) * d).sum();
                column.iter_mut().for_each(|d| *d -= sum / total);
            }
            column.iter_mut().enumerate().for_each(|(row, d)| *d *= weight(row).sqrt());
        }
        Self::of_distances(rows, distance, ridge)
    }

    /// The same, from distances that are already weighted: donor by donor, `rows` of each.
    pub(crate) fn of_distances(rows: usize, distance: Vec<f64>, ridge: f64) -> Self {
        let donors = distance.len().checked_div(rows).unwrap_or(0);
        let mut simplex = Self { rows, donors, distance, ridge, scale: 0.0 };
        simplex.scale = (0..donors).map(|j| square(simplex.column(j))).fold(0.0, f64::max) + ridge;
        simplex
    }

    pub(crate) fn column(&self, donor: usize) -> &[f64] {
        &self.distance[donor * self.rows..(donor + 1) * self.rows]
    }

    pub(crate) fn donors(&self) -> usize {
        self.donors
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn ridge(&self) -> f64 {
        self.ridge
    }

    /// Aw − b.
    pub(crate) fn residual(&self, weights: &[f64]) -> Vec<f64> {
        let mut residual = vec![0.0; self.rows];
        for (donor, weight) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            for (sum, d) in residual.iter_mut().zip(self.column(donor)) {
                *sum += weight * d;
            }
        }
        residual
    }

    /// The best weights. The interior-point answer is polished to full accuracy on its support;
    /// where several weights are best, those with the smallest sum of squares are taken.
    ///
    /// # Errors
    /// No donors, no rows, figures beyond 64-bit numbers, and a solver that fails.
    pub(crate) fn fit(&self) -> Result<SimplexFit, Reason> {
        self.require()?;
        if let Some(fit) = self.trivial() {
            return Ok(fit);
        }
        let start = self.interior_point()?;
        self.finish(start)
    }

    /// The same, from weights that were best for a problem not far from this one. Where the way
    /// from there is long, the solver is asked.
    pub(crate) fn fit_from(&self, warm: &[f64]) -> Result<SimplexFit, Reason> {
        self.require()?;
        if let Some(fit) = self.trivial() {
            return Ok(fit);
        }
        match self.polish(warm.to_vec()) {
            Some(weights) => self.settle(weights),
            None => self.fit(),
        }
    }

    /// The weights alone, from a neighbour's, with no regard to ties. For searches.
    pub(crate) fn weights_from(&self, warm: &[f64]) -> Option<Vec<f64>> {
        self.polish(warm.to_vec()).or_else(|| self.fit().ok().map(|fit| fit.weights))
    }

    fn require(&self) -> Result<(), Reason> {
        if self.donors == 0 || self.rows == 0 {
            return Err(Reason::because("there is nothing to weight"));
        }
        if !self.scale.is_finite() {
            return Err(crate::reason::too_large());
        }
        Ok(())
    }

    /// One donor, or all donors on the target.
    fn trivial(&self) -> Option<SimplexFit> {
        let alike = self.scale == 0.0;
        (self.donors == 1 || alike).then(|| SimplexFit {
            weights: vec![1.0 / self.donors as f64; self.donors],
            min_reduced_gradient: 0.0,
            unique: self.donors == 1,
        })
    }

    fn finish(&self, start: Vec<f64>) -> Result<SimplexFit, Reason> {
        let polished = self.polish(start.clone());
        self.settle(polished.unwrap_or(start))
    }

    /// Wolfe's active sets (1976, "Finding the nearest point in a polytope"), from feasible weights.
    fn polish(&self, start: Vec<f64>) -> Option<Vec<f64>> {
        let mut corral = Corral::new(self, start)?;
        let mut entered = None;
        for _ in 0..MAX_PIVOTS {
            corral.descend()?;
            // Who leaves as soon as they enter has a gradient of rounding.
            if entered.is_some_and(|donor| !corral.has(donor)) {
                return Some(corral.weights);
            }
            let (gradients, level) = self.gradients(&corral.weights);
            let entering = (0..self.donors)
                .filter(|donor| !corral.has(*donor))
                .min_by(|a, b| gradients[*a].total_cmp(&gradients[*b]));
            match entering.filter(|donor| gradients[*donor] < level - GRADIENT * self.scale) {
                None => return Some(corral.weights),
                Some(donor) => {
                    corral.enter(donor);
                    entered = Some(donor);
                }
            }
        }
        None
    }

    /// Half the gradient of each donor, and its average by weight: at the optimum that of every
    /// donor with weight.
    fn gradients(&self, weights: &[f64]) -> (Vec<f64>, f64) {
        let residual = self.residual(weights);
        let gradients: Vec<f64> = (0..self.donors)
            .map(|donor| dot(self.column(donor), &residual) + self.ridge * weights[donor])
            .collect();
        let level = square(&residual) + self.ridge * square(weights);
        (gradients, level)
    }

    /// Looks for ties among the best weights.
    fn settle(&self, weights: Vec<f64>) -> Result<SimplexFit, Reason> {
        let (gradients, level) = self.gradients(&weights);
        let least = gradients.iter().copied().fold(f64::INFINITY, f64::min) - level;
        let fit = SimplexFit { weights, min_reduced_gradient: least, unique: true };
        if !least.is_finite() {
            return Err(crate::reason::too_large());
        }
        let tied = self.tied(&gradients, level);
        let with_weight = fit.weights.iter().filter(|weight| **weight > 0.0).count();
        if self.ridge > 0.0 || tied.len() <= with_weight {
            return Ok(fit);
        }
        let Some(others) = self.smallest_of_the_best(&fit.weights, &tied) else { return Ok(fit) };
        let apart = fit.weights.iter().zip(&others).map(|(a, b)| (a - b).abs());
        if apart.fold(0.0, f64::max) <= 1e-7 {
            return Ok(fit);
        }
        Ok(SimplexFit { weights: others, unique: false, ..fit })
    }

    /// Donors that may have weight in the best fit: all of them where the target is matched.
    fn tied(&self, gradients: &[f64], level: f64) -> Vec<usize> {
        let matched = level <= MATCHED * self.scale;
        let tied = |j: &usize| matched || gradients[*j] - level <= TIED * self.scale;
        (0..self.donors).filter(tied).collect()
    }

    /// Of the weights on the tied donors that fit as well as `best`, those with the smallest sum of
    /// squares; `None` where there are no others.
    fn smallest_of_the_best(&self, best: &[f64], tied: &[usize]) -> Option<Vec<f64>> {
        let n = tied.len();
        let face = Face::new(self, best, tied);
        if face.rank() == n {
            return None;
        }
        // min ‖w‖² on the face.
        let diagonal = CscMatrix::new(n, n, (0..=n).collect(), (0..n).collect(), vec![2.0; n]);
        let answer = face.minimise(&diagonal)?;
        let mut weights = vec![0.0; self.donors];
        let polished = face.polish_smallest(&answer).unwrap_or(answer);
        let total: f64 = polished.iter().sum();
        tied.iter().zip(polished).for_each(|(donor, weight)| weights[*donor] = weight / total);
        Some(weights)
    }

    /// Of the weights that fit as well as `best`, those that fit `second` best.
    pub(crate) fn best_of_the_best(&self, best: &[f64], second: &Self) -> Option<Vec<f64>> {
        let (gradients, level) = self.gradients(best);
        let tied = self.tied(&gradients, level);
        let face = Face::new(self, best, &tied);
        let columns: Vec<f64> =
            tied.iter().flat_map(|donor| second.column(*donor).iter().copied()).collect();
        let part = DMatrix::from_vec(second.rows, tied.len(), columns) / second.scale.sqrt();
        let gram = part.tr_mul(&part) * 2.0;
        let answer = face.minimise(&upper(&gram))?;
        let mut weights = vec![0.0; self.donors];
        let total: f64 = answer.iter().sum();
        tied.iter().zip(answer).for_each(|(donor, weight)| weights[*donor] = weight / total);
        Some(weights)
    }

    /// min ‖r‖² + ζ²‖w‖² with r = Dw, in units of the largest distance.
    fn interior_point(&self) -> Result<Vec<f64>, Reason> {
        let (m, n) = (self.rows, self.donors);
        let root = self.scale.sqrt();
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for donor in 0..n {
            for (row, d) in self.column(donor).iter().enumerate().filter(|(_, d)| **d != 0.0) {
                rows.push(row);
                values.push(d / root);
            }
            rows.extend([m, m + 1 + donor]);
            values.extend([1.0, -1.0]);
            starts.push(rows.len());
        }
        for row in 0..m {
            rows.push(row);
            values.push(-1.0);
            starts.push(rows.len());
        }
        let constraints = CscMatrix::new(m + 1 + n, n + m, starts, rows, values);
        let mut diagonal = vec![2.0 * self.ridge / self.scale; n];
        diagonal.resize(n + m, 2.0);
        let objective =
            CscMatrix::new(n + m, n + m, (0..=n + m).collect(), (0..n + m).collect(), diagonal);
        let mut bounds = vec![0.0; m + 1 + n];
        bounds[m] = 1.0;
        let cones = [ZeroConeT(m + 1), NonnegativeConeT(n)];
        let mut answer = solve(&objective, &constraints, &bounds, &cones)
            .ok_or_else(|| Reason::because("the search for weights does not end"))?;
        answer.truncate(n);
        Ok(onto_simplex(answer))
    }
}

/// The weights on some donors that leave the same residual.
struct Face {
    /// Orthonormal rows R with Rw = c.
    rows: DMatrix<f64>,
    level: DVector<f64>,
}

impl Face {
    fn new(simplex: &Simplex, best: &[f64], tied: &[usize]) -> Self {
        let (m, n) = (simplex.rows, tied.len());
        let root = simplex.scale.sqrt();
        let matrix = DMatrix::from_fn(m + 1, n, |row, j| {
            if row == m { 1.0 } else { simplex.column(tied[j])[row] / root }
        });
        let svd = matrix.svd(false, true);
        let largest = svd.singular_values.iter().copied().fold(0.0, f64::max);
        let kept: Vec<usize> = (0..svd.singular_values.len())
            .filter(|k| svd.singular_values[*k] > RANK * largest)
            .collect();
        let rows = svd.v_t.map_or_else(|| DMatrix::zeros(0, n), |v| v.select_rows(&kept));
        let weights = DVector::from_iterator(n, tied.iter().map(|donor| best[*donor]));
        let level = &rows * weights;
        Self { rows, level }
    }

    fn rank(&self) -> usize {
        self.rows.nrows()
    }

    /// The lowest point of ½w'Pw on the face, w ≥ 0.
    fn minimise(&self, objective: &CscMatrix<f64>) -> Option<Vec<f64>> {
        let (r, n) = self.rows.shape();
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for donor in 0..n {
            for row in 0..r {
                rows.push(row);
                values.push(self.rows[(row, donor)]);
            }
            rows.push(r + donor);
            values.push(-1.0);
            starts.push(rows.len());
        }
        let constraints = CscMatrix::new(r + n, n, starts, rows, values);
        let mut bounds = vec![0.0; r + n];
        bounds[..r].copy_from_slice(self.level.as_slice());
        let answer = solve(objective, &constraints, &bounds, &[ZeroConeT(r), NonnegativeConeT(n)])?;
        Some(onto_simplex(answer))
    }

    /// The smallest weights on the support of `answer`, if they are the smallest of all: w = (R'y)₊.
    fn polish_smallest(&self, answer: &[f64]) -> Option<Vec<f64>> {
        let support: Vec<usize> = (0..answer.len()).filter(|j| answer[*j] > 1e-6).collect();
        let part = self.rows.select_columns(&support);
        let gram = &part * part.transpose();
        let svd = gram.svd(true, true);
        let largest = svd.singular_values.iter().copied().fold(0.0, f64::max);
        let dual = svd.solve(&self.level, RANK * largest).ok()?;
        let all = self.rows.tr_mul(&dual);
        let mut weights = vec![0.0; answer.len()];
        support.iter().for_each(|j| weights[*j] = all[*j]);
        let fits = (&self.rows * DVector::from_column_slice(&weights) - &self.level).amax() <= 1e-9;
        let held =
            (0..answer.len()).all(|j| weights[j] >= 0.0 && (weights[j] > 0.0 || all[j] <= 1e-7));
        (fits && held).then_some(weights)
    }
}

fn solve(
    objective: &CscMatrix<f64>,
    constraints: &CscMatrix<f64>,
    bounds: &[f64],
    cones: &[SupportedConeT<f64>],
) -> Option<Vec<f64>> {
    let settings = DefaultSettings {
        verbose: false,
        presolve_enable: false,
        tol_gap_abs: 1e-11,
        tol_gap_rel: 1e-11,
        tol_feas: 1e-11,
        ..DefaultSettings::default()
    };
    let linear = vec![0.0; objective.n];
    let mut solver =
        DefaultSolver::new(objective, &linear, constraints, bounds, cones, settings).ok()?;
    solver.solve();
    let answer = std::mem::take(&mut solver.solution.x);
    // An answer short of its tolerance still is a start: what it leads to is checked.
    answer.iter().all(|x| x.is_finite()).then_some(answer)
}

/// The upper triangle of a symmetric matrix.
fn upper(matrix: &DMatrix<f64>) -> CscMatrix<f64> {
    let n = matrix.ncols();
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in 0..n {
        for row in 0..=column {
            rows.push(row);
            values.push(matrix[(row, column)]);
        }
        starts.push(rows.len());
    }
    CscMatrix::new(n, n, starts, rows, values)
}

/// What an interior point leaves of a weight that is zero goes.
fn onto_simplex(mut weights: Vec<f64>) -> Vec<f64> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        let n = weights.len() as f64;
        return weights.iter().map(|_| 1.0 / n).collect();
    }
    weights.iter_mut().for_each(|w| *w = if *w > 1e-7 * largest { *w } else { 0.0 });
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total);
    weights
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub(crate) fn square(vector: &[f64]) -> f64 {
    dot(vector, vector)
}

#[cfg(test)]
mod tests;
