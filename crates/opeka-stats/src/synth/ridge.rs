//! Weights of a synthetic control, augmented by a ridge regression that takes out what is left.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::simplex::{Simplex, dot, square};
use crate::Reason;

/// The candidates for λ: 21, down to this share of the largest.
const LAMBDAS: i32 = 20;
const LEAST_LAMBDA: f64 = 1e-8;

/// A target and donors: one column for each period, of which the first `before` are matched.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    pub(crate) target: Vec<f64>,
    pub(crate) donors: Vec<Vec<f64>>,
    /// Covariates that are matched beside the outcomes.
    pub(crate) target_covariates: Vec<f64>,
    pub(crate) donor_covariates: Vec<Vec<f64>>,
    pub(crate) before: usize,
}

impl Wide {
    /// The same with the periods in this order, of which the first `before` are matched.
    pub(crate) fn arranged(&self, order: &[usize], before: usize) -> Self {
        let arrange = |series: &Vec<f64>| order.iter().map(|time| series[*time]).collect();
        Self {
            target: arrange(&self.target),
            donors: self.donors.iter().map(arrange).collect(),
            before,
            ..self.clone()
        }
    }

    /// What is matched: outcomes, less each area's mean with `fixed_effects`, and covariates,
    /// brought to the spread of the outcomes.
    fn matched(&self, fixed_effects: bool) -> Result<Matrix, Reason> {
        let n = self.donors.len();
        let level = |series: &[f64]| {
            let sum: f64 = series[..self.before].iter().sum();
            if fixed_effects { sum / self.before as f64 } else { 0.0 }
        };
        let outcomes = |series: &[f64]| -> Vec<f64> {
            let level = level(series);
            series[..self.before].iter().map(|y| y - level).collect()
        };
        let mut target = outcomes(&self.target);
        let mut donors: Vec<Vec<f64>> = self.donors.iter().map(|series| outcomes(series)).collect();
        let spread = spread_about_means(&donors);
        for k in 0..self.target_covariates.len() {
            let values = || self.donor_covariates.iter().map(|values| values[k]);
            let mean = values().sum::<f64>() / n as f64;
            let squares: f64 = values().map(|x| (x - mean) * (x - mean)).sum();
            let of_covariate = (squares / (n - 1) as f64).sqrt();
            if !(of_covariate > 0.0 && of_covariate.is_finite()) {
                return Err(Reason::because(format!(
                    "{} is the same for every donor",
                    super::areas::covariate_name(k)
                )));
            }
            let scale = spread / of_covariate;
            target.push((self.target_covariates[k] - mean) * scale);
            for (donor, values) in donors.iter_mut().zip(&self.donor_covariates) {
                donor.push((values[k] - mean) * scale);
            }
        }
        Ok(Matrix { target, donors, outcomes: self.before })
    }
}

/// The standard deviation of all outcomes about the mean of their period.
fn spread_about_means(donors: &[Vec<f64>]) -> f64 {
    let (n, columns) = (donors.len(), donors.first().map_or(0, Vec::len));
    let mut squares = 0.0;
    for column in 0..columns {
        let mean = donors.iter().map(|donor| donor[column]).sum::<f64>() / n as f64;
        squares += donors.iter().map(|d| (d[column] - mean) * (d[column] - mean)).sum::<f64>();
    }
    (squares / (n * columns - 1).max(1) as f64).sqrt()
}

/// How the weights are found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// Weights on the simplex; equal ones otherwise.
    pub(crate) simplex: bool,
    /// With the correction by ridge regression.
    pub(crate) ridge: bool,
    pub(crate) fixed_effects: bool,
    /// λ; by cross-validation where `None`.
    pub(crate) lambda: Option<f64>,
}

/// A candidate for λ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LambdaError {
    pub lambda: f64,
    /// The mean squared error of the periods that were held out.
    pub error: f64,
    /// Of that mean.
    pub std_error: f64,
}

/// Weights, and how well they match.
#[derive(Clone, Debug)]
pub(crate) struct RidgeFit {
    pub(crate) weights: Vec<f64>,
    /// Before the correction.
    pub(crate) simplex_weights: Vec<f64>,
    pub(crate) unique: bool,
    pub(crate) lambda: Option<f64>,
    pub(crate) candidates: Vec<LambdaError>,
    /// ‖X₁ − X₀w‖ over the outcomes before treatment.
    pub(crate) imbalance: f64,
    /// Beside that of equal weights.
    pub(crate) scaled_imbalance: Option<f64>,
    /// The same of the covariates.
    pub(crate) covariate_imbalance: Option<f64>,
    /// One for each period.
    pub(crate) synthetic: Vec<f64>,
}

/// Fits the weights; `warm` are weights on the simplex of a problem not far from this one.
pub(crate) fn fit(wide: &Wide, method: Method, warm: Option<&[f64]>) -> Result<RidgeFit, Reason> {
    let matrix = wide.matched(method.fixed_effects)?;
    let (simplex_weights, unique) = matrix.simplex(method.simplex, warm, None)?;
    let (mut lambda, mut candidates) = (None, Vec::new());
    let mut weights = simplex_weights.clone();
    if method.ridge {
        let decomposed = Decomposed::new(&matrix, None)?;
        let chosen = match method.lambda {
            Some(lambda) => lambda,
            None => {
                candidates =
                    cross_validate(&matrix, method.simplex, &simplex_weights, &decomposed)?;
                one_standard_error(&candidates)
                    .ok_or_else(|| Reason::because("no lambda can be chosen"))?
            }
        };
        let imbalance = matrix.imbalance(&simplex_weights, None);
        let correction = decomposed.correction(&imbalance, chosen);
        weights.iter_mut().zip(&correction).for_each(|(w, c)| *w += c);
        lambda = Some(chosen);
    }

    let n = weights.len();
    let equal = vec![1.0 / n as f64; n];
    let imbalance = |weights: &[f64]| matrix.imbalance(weights, None);
    let (ours, even) = (imbalance(&weights), imbalance(&equal));
    let root = |part: &[f64]| square(part).sqrt();
    let outcomes = matrix.outcomes;
    let even_outcomes = root(&even[..outcomes]);
    Ok(RidgeFit {
        imbalance: root(&ours[..outcomes]),
        scaled_imbalance: (even_outcomes > 0.0).then(|| root(&ours[..outcomes]) / even_outcomes),
        covariate_imbalance: (ours.len() > outcomes).then(|| root(&ours[outcomes..])),
        synthetic: predict(wide, &weights, method.fixed_effects),
        weights,
        simplex_weights,
        unique,
        lambda,
        candidates,
    })
}

/// m₁ + Σ w (y − m), with m the means before treatment, or zero.
fn predict(wide: &Wide, weights: &[f64], fixed_effects: bool) -> Vec<f64> {
    let level = |series: &[f64]| {
        let sum: f64 = series[..wide.before].iter().sum();
        if fixed_effects { sum / wide.before as f64 } else { 0.0 }
    };
    let mut synthetic = vec![level(&wide.target); wide.target.len()];
    for (series, weight) in wide.donors.iter().zip(weights) {
        let level = level(series);
        synthetic.iter_mut().zip(series).for_each(|(sum, y)| *sum += weight * (y - level));
    }
    synthetic
}

/// What is matched, row by row.
struct Matrix {
    target: Vec<f64>,
    donors: Vec<Vec<f64>>,
    /// How many of the columns are outcomes.
    outcomes: usize,
}

impl Matrix {
    fn columns(&self) -> usize {
        self.target.len()
    }

    fn kept(&self, held_out: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        (0..self.columns()).filter(move |column| Some(*column) != held_out)
    }

    fn simplex(
        &self,
        wanted: bool,
        warm: Option<&[f64]>,
        held_out: Option<usize>,
    ) -> Result<(Vec<f64>, bool), Reason> {
        let n = self.donors.len();
        if !wanted {
            return Ok((vec![1.0 / n as f64; n], true));
        }
        let rows = self.kept(held_out).count();
        let mut distances = Vec::with_capacity(rows * n);
        for donor in &self.donors {
            distances.extend(self.kept(held_out).map(|column| donor[column] - self.target[column]));
        }
        let problem = Simplex::of_distances(rows, distances, 0.0);
        let fit = match warm {
            Some(warm) => problem.fit_from(warm)?,
            None => problem.fit()?,
        };
        Ok((fit.weights, fit.unique))
    }

    /// X₁ − X₀w.
    fn imbalance(&self, weights: &[f64], held_out: Option<usize>) -> Vec<f64> {
        self.kept(held_out)
            .map(|column| {
                let sum: f64 = self.donors.iter().zip(weights).map(|(d, w)| w * d[column]).sum();
                self.target[column] - sum
            })
            .collect()
    }

    fn mean(&self, column: usize) -> f64 {
        self.donors.iter().map(|donor| donor[column]).sum::<f64>() / self.donors.len() as f64
    }
}

/// The donors less their means: X = U S V'.
struct Decomposed {
    u: DMatrix<f64>,
    singular: DVector<f64>,
    v_t: DMatrix<f64>,
}

impl Decomposed {
    fn new(matrix: &Matrix, held_out: Option<usize>) -> Result<Self, Reason> {
        let columns: Vec<usize> = matrix.kept(held_out).collect();
        let means: Vec<f64> = columns.iter().map(|column| matrix.mean(*column)).collect();
        let centred = DMatrix::from_fn(matrix.donors.len(), columns.len(), |row, place| {
            matrix.donors[row][columns[place]] - means[place]
        });
        let failed = || Reason::because("the outcomes of the donors cannot be decomposed");
        let svd = centred.try_svd(true, true, f64::EPSILON, 10_000).ok_or_else(failed)?;
        match (svd.u, svd.v_t) {
            (Some(u), Some(v_t)) => Ok(Self { u, singular: svd.singular_values, v_t }),
            _ => Err(failed()),
        }
    }

    fn largest(&self) -> f64 {
        self.singular.iter().copied().fold(0.0, f64::max)
    }

    /// X(X'X + λ)⁻¹ times the imbalance: one for each donor.
    fn correction(&self, imbalance: &[f64], lambda: f64) -> Vec<f64> {
        let mut part = &self.v_t * DVector::from_column_slice(imbalance);
        for (p, s) in part.iter_mut().zip(self.singular.iter()) {
            *p *= s / (s * s + lambda);
        }
        (&self.u * part).as_slice().to_vec()
    }
}

/// The errors of the candidates, each column held out in turn but for the last one, as augsynth
/// does.
fn cross_validate(
    matrix: &Matrix,
    simplex: bool,
    warm: &[f64],
    all: &Decomposed,
) -> Result<Vec<LambdaError>, Reason> {
    let largest = all.largest() * all.largest();
    if !(largest > 0.0 && largest.is_finite()) {
        return Err(Reason::because("the donors do not differ before treatment"));
    }
    let folds = matrix.columns() - 1;
    if folds < 2 {
        return Err(Reason::because(
            "2 periods before treatment are too few to choose lambda (it can be given)",
        ));
    }
    let scaler = libm::pow(LEAST_LAMBDA, 1.0 / f64::from(LAMBDAS));
    let lambdas: Vec<f64> =
        (0..=LAMBDAS).map(|k| largest * libm::pow(scaler, f64::from(k))).collect();
    let errors: Vec<Vec<f64>> = (0..folds)
        .into_par_iter()
        .map(|held_out| {
            let (weights, _) = matrix.simplex(simplex, Some(warm), Some(held_out))?;
            let decomposed = Decomposed::new(matrix, Some(held_out))?;
            let imbalance = matrix.imbalance(&weights, Some(held_out));
            let column: Vec<f64> = matrix.donors.iter().map(|donor| donor[held_out]).collect();
            let before = matrix.target[held_out] - dot(&column, &weights);
            let squared = |lambda: &f64| {
                let error = before - dot(&column, &decomposed.correction(&imbalance, *lambda));
                error * error
            };
            Ok(lambdas.iter().map(squared).collect())
        })
        .collect::<Result<_, Reason>>()?;
    let n = folds as f64;
    let of = |(k, lambda): (usize, &f64)| {
        let mean = errors.iter().map(|fold| fold[k]).sum::<f64>() / n;
        let squares: f64 = errors.iter().map(|f| (f[k] - mean) * (f[k] - mean)).sum();
        LambdaError { lambda: *lambda, error: mean, std_error: (squares / (n - 1.0) / n).sqrt() }
    };
    Ok(lambdas.iter().enumerate().map(of).collect())
}

/// The largest λ whose error is within one standard error of the smallest.
fn one_standard_error(candidates: &[LambdaError]) -> Option<f64> {
    let best = candidates.iter().min_by(|a, b| a.error.total_cmp(&b.error))?;
    let limit = best.error + best.std_error;
    candidates.iter().filter(|c| c.error <= limit).map(|c| c.lambda).max_by(f64::total_cmp)
}
