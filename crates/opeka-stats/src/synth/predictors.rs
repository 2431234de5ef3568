//! Weights of donors that match predictors, and weights of the predictors that make the outcomes
//! before treatment match best.

use super::search;
use super::simplex::{Simplex, SimplexFit, square};
use crate::Reason;
use crate::random::Random;

/// The logarithm (base 10) of the smallest weight of a predictor, beside a largest one of 1.
const SMALLEST: f64 = -8.0;

/// Predictors are matched without error where what is left is below this, in squared standard
/// deviations.
const PERFECT: f64 = 1e-18;

/// Starts of which the way down is walked to its end.
const DEEP: usize = 3;

/// Points that are tried at random, the same ones always, and of which the best are starts.
const TRIED: usize = 300;

/// Predictors and outcomes of a treated area and its donors.
#[derive(Clone, Debug)]
pub(crate) struct Matching<'a> {
    /// One for each predictor.
    pub(crate) target: &'a [f64],
    /// Donor by donor, one for each predictor.
    pub(crate) donors: &'a [&'a [f64]],
    /// Outcomes before treatment.
    pub(crate) target_outcomes: &'a [f64],
    pub(crate) donor_outcomes: &'a [&'a [f64]],
}

/// The weights of predictors and of donors.
#[derive(Clone, Debug)]
pub(crate) struct Matched {
    /// One for each predictor; they sum to one.
    pub(crate) predictor_weights: Vec<f64>,
    pub(crate) fit: SimplexFit,
    /// Σ v (x₁ − X₀w)², in units of the predictors' standard deviations.
    pub(crate) loss_w: f64,
    /// The mean squared error of the outcomes before treatment.
    pub(crate) loss_v: f64,
}

impl Matching<'_> {
    /// The weights of donors for `given` weights of predictors, or else for those weights of which
    /// the outcomes before treatment match best (Abadie, Diamond and Hainmueller 2010, section
    /// 2.3).
    ///
    /// # Errors
    /// A predictor (by its place) that does not vary among the donors, weights that are none.
    pub(crate) fn solve(
        &self,
        given: Option<&[f64]>,
        name: impl Fn(usize) -> String,
    ) -> Result<Matched, Reason> {
        let distances = self.distances(name)?;
        let outcomes = Simplex::new(self.donor_outcomes, self.target_outcomes, None, 0.0, false);
        let problem = Problem { m: self.target.len(), distances, outcomes };
        match given {
            Some(given) => problem.at(given),
            None => problem.search(),
        }
    }

    /// Distances of the donors from the target, in standard deviations over all of them.
    fn distances(&self, name: impl Fn(usize) -> String) -> Result<Vec<f64>, Reason> {
        let (m, n) = (self.target.len(), self.donors.len());
        let mut distances = vec![0.0; m * n];
        for k in 0..m {
            let values = || self.donors.iter().map(|donor| donor[k]);
            let first = self.donors.first().map_or(0.0, |donor| donor[k]);
            if n > 1 && values().all(|value| value == first) {
                let name = name(k);
                return Err(Reason::because(format!("{name} is the same for every donor")));
            }
            let all = || values().chain([self.target[k]]);
            let mean = all().sum::<f64>() / (n + 1) as f64;
            let spread = (all().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64).sqrt();
            if !(spread.is_finite() && spread > 0.0) {
                let name = name(k);
                return Err(Reason::because(format!("the spread of {name} is {spread}")));
            }
            for (j, value) in values().enumerate() {
                distances[j * m + k] = (value - self.target[k]) / spread;
            }
        }
        Ok(distances)
    }
}

struct Problem {
    m: usize,
    /// Donor by donor.
    distances: Vec<f64>,
    outcomes: Simplex,
}

impl Problem {
    fn n(&self) -> usize {
        self.outcomes.donors()
    }

    fn inner(&self, predictor_weights: &[f64]) -> Simplex {
        let roots: Vec<f64> = predictor_weights.iter().map(|v| v.sqrt()).collect();
        let mut scaled = self.distances.clone();
        for donor in scaled.chunks_exact_mut(self.m) {
            donor.iter_mut().zip(&roots).for_each(|(d, root)| *d *= root);
        }
        Simplex::of_distances(self.m, scaled, 0.0)
    }

    fn loss_v(&self, weights: &[f64]) -> f64 {
        square(&self.outcomes.residual(weights)) / self.outcomes.rows() as f64
    }

    /// The weights of donors for these weights of predictors. Where several match the predictors
    /// equally well, those with the best outcomes before treatment.
    fn at(&self, predictor_weights: &[f64]) -> Result<Matched, Reason> {
        let total: f64 = predictor_weights.iter().sum();
        let v: Vec<f64> = predictor_weights.iter().map(|v| v / total).collect();
        let inner = self.inner(&v);
        let mut fit = inner.fit()?;
        if !fit.unique
            && let Some(weights) = inner.best_of_the_best(&fit.weights, &self.outcomes)
            && self.loss_v(&weights) < self.loss_v(&fit.weights)
        {
            fit.weights = weights;
        }
        let loss_w = square(&inner.residual(&fit.weights));
        let loss_v = self.loss_v(&fit.weights);
        Ok(Matched { predictor_weights: v, loss_w, loss_v, fit })
    }

    fn search(&self) -> Result<Matched, Reason> {
        let equal = self.at(&vec![1.0; self.m])?;
        // Matched without error, whatever the weights of the predictors: nothing to search.
        if self.m == 1 || self.n() == 1 || equal.loss_w <= PERFECT {
            return Ok(equal);
        }
        let mut best: Option<search::Lowest> = None;
        let starts = [self.starts(&equal), self.tried()];
        for start in starts.into_iter().flat_map(|points| self.most_promising(points, &equal)) {
            let mut warm = equal.fit.weights.clone();
            let found = search::descend(start.point, (SMALLEST, 0.0), |point| {
                let (weights, loss) = self.evaluate_from(point, &warm);
                if !weights.is_empty() {
                    warm = weights;
                }
                loss
            });
            if best.as_ref().is_none_or(|best| found.value < best.value) {
                best = Some(found);
            }
        }
        let Some(best) = best else { return Ok(equal) };
        let found = self.at(&powers(&best.point))?;
        Ok(if found.loss_v < equal.loss_v { found } else { equal })
    }

    fn most_promising(&self, points: Vec<Vec<f64>>, equal: &Matched) -> Vec<search::Lowest> {
        let value = |point: &[f64]| self.evaluate_from(point, &equal.fit.weights).1;
        let mut starts: Vec<search::Lowest> = points
            .into_iter()
            .map(|point| search::Lowest { value: value(&point), point })
            .collect();
        starts.sort_by(|a, b| a.value.total_cmp(&b.value));
        starts.truncate(DEEP);
        starts
    }

    /// Points all over the box, more of them where no predictor is without weight.
    fn tried(&self) -> Vec<Vec<f64>> {
        let mut random = Random::new(1, 0);
        (0..TRIED)
            .map(|k| {
                let lowest = if k % 2 == 0 { SMALLEST } else { 0.4 * SMALLEST };
                let draw = |_| lowest * f64::from(random.below(1_000)) / 1_000.0;
                (0..self.m).map(draw).collect()
            })
            .collect()
    }

    fn evaluate_from(&self, point: &[f64], warm: &[f64]) -> (Vec<f64>, f64) {
        match self.inner(&powers(point)).weights_from(warm) {
            Some(weights) => {
                let loss = self.loss_v(&weights);
                (weights, loss)
            }
            None => (Vec::new(), f64::INFINITY),
        }
    }

    /// Logarithms of weights of predictors from which a search may start: equal ones, those of the
    /// regression of outcomes on predictors, those under which the weights that fit the outcomes
    /// best are nearest to optimal, and one predictor ahead of all others, each in turn.
    fn starts(&self, equal: &Matched) -> Vec<Vec<f64>> {
        let mut starts = vec![vec![0.0; self.m]];
        starts.extend(self.by_regression());
        if let Ok(best) = self.outcomes.fit() {
            starts.extend(self.by_optimality(&best.weights));
        }
        starts.extend(self.by_optimality(&equal.fit.weights));
        for ahead in 0..self.m {
            for behind in [-1.0, -3.0] {
                starts.push((0..self.m).map(|k| if k == ahead { 0.0 } else { behind }).collect());
            }
        }
        starts
    }

    /// The sums of squares of the coefficients of each predictor, over the periods.
    fn by_regression(&self) -> Option<Vec<f64>> {
        let n = self.n();
        let columns: Vec<Vec<f64>> = (0..self.m)
            .map(|k| (0..n).map(|j| self.distances[j * self.m + k]).chain([0.0]).collect())
            .collect();
        let ones = vec![1.0; n + 1];
        let design: Vec<&[f64]> =
            std::iter::once(&ones[..]).chain(columns.iter().map(|c| &c[..])).collect();
        let mut weights = vec![0.0; self.m];
        for t in 0..self.outcomes.rows() {
            let y: Vec<f64> = (0..n).map(|j| self.outcomes.column(j)[t]).chain([0.0]).collect();
            let fit = crate::least_squares::fit(&design, &y, None)?;
            weights.iter_mut().zip(&fit.coefficients[1..]).for_each(|(w, b)| *w += b * b);
        }
        Some(logarithms(&weights))
    }

    /// At the optimum, donors with weight share one gradient: Σ v r (d − r) = 0, linear in v.
    fn by_optimality(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let m = self.m;
        let mut residual = vec![0.0; m];
        for (donor, weight) in self.distances.chunks_exact(m).zip(weights) {
            residual.iter_mut().zip(donor).for_each(|(r, d)| *r += weight * d);
        }
        let with_weight: Vec<usize> = (0..self.n()).filter(|j| weights[*j] > 0.0).collect();
        let columns: Vec<f64> = (0..m)
            .flat_map(|k| {
                let (distances, residual) = (&self.distances, &residual);
                with_weight.iter().map(move |j| residual[k] * (distances[j * m + k] - residual[k]))
            })
            .collect();
        let fit = Simplex::of_distances(with_weight.len(), columns, 0.0).fit().ok()?;
        Some(logarithms(&fit.weights))
    }
}

fn powers(logarithms: &[f64]) -> Vec<f64> {
    logarithms.iter().map(|log| libm::exp10(*log)).collect()
}

/// Relative to the largest one, within the bounds of the search.
fn logarithms(weights: &[f64]) -> Vec<f64> {
    let largest = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    weights.iter().map(|w| libm::log10(w / largest).clamp(SMALLEST, 0.0)).collect()
}
