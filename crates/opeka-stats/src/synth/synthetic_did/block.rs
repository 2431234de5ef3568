//! Units that are treated from one time on, and those that never are.

use super::super::frank_wolfe::{SimplexProblem, normalised, sparsified};
use super::super::regularised;
use super::{SyntheticDidEstimator, SyntheticDidWeights};
use crate::Reason;

/// How often weights are stepped before and after small ones are cut.
const MAX_ITER: [usize; 2] = [100, 10_000];

/// The outcomes of controls and treated units, each over all times.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    pub(super) controls: Vec<&'a [f64]>,
    /// With how much each counts.
    pub(super) treated: Vec<(&'a [f64], f64)>,
    /// How many times there are before treatment.
    pub(super) before: usize,
}

/// What the weights depend on besides outcomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tuning {
    /// The standard deviation of changes from period to period among controls before treatment.
    pub(super) noise: f64,
    pub(super) zeta_omega: f64,
    pub(super) zeta_lambda: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights {
    /// Of the controls.
    pub(super) omega: Vec<f64>,
    /// Of the times before treatment.
    pub(super) lambda: Vec<f64>,
}

/// How weights are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) estimator: SyntheticDidEstimator,
    pub(super) method: SyntheticDidWeights,
}

impl Block<'_> {
    fn n_times(&self) -> usize {
        self.treated.first().map_or(0, |(y, _)| y.len())
    }

    fn after(&self) -> usize {
        self.n_times() - self.before
    }

    /// ζ_ω = (N_tr T_post)^¼ σ̂ and ζ_λ = 10⁻⁶ σ̂ (Algorithm 1, step 1); without intercept 10⁻⁶ σ̂
    /// for both. `None` where σ̂ takes more times or controls than there are.
    pub(super) fn tuning(&self, estimator: SyntheticDidEstimator) -> Option<Tuning> {
        let changes: Vec<f64> = self
            .controls
            .iter()
            .flat_map(|y| y[..self.before].windows(2).map(|pair| pair[1] - pair[0]))
            .collect();
        if changes.len() < 2 {
            return None;
        }
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        let square: f64 = changes.iter().map(|change| (change - mean) * (change - mean)).sum();
        let noise = (square / (changes.len() - 1) as f64).sqrt();
        let eta = match estimator {
            SyntheticDidEstimator::Sc => 1e-6,
            _ => ((self.treated.len() * self.after()) as f64).sqrt().sqrt(),
        };
        Some(Tuning { noise, zeta_omega: eta * noise, zeta_lambda: 1e-6 * noise })
    }

    /// The weights that the estimator takes; the search for them begins at `start`.
    pub(super) fn weights(
        &self,
        rule: Rule,
        tuning: Option<&Tuning>,
        start: Option<Weights>,
    ) -> Result<Weights, Reason> {
        let (n, before) = (self.controls.len(), self.before);
        let alike = |n: usize| vec![1.0 / n as f64; n];
        if rule.estimator == SyntheticDidEstimator::Did {
            return Ok(Weights { omega: alike(n), lambda: alike(before) });
        }
        let tuning = tuning.ok_or_else(|| Reason::because("there is no noise level"))?;
        let start = start.unwrap_or_else(|| Weights { omega: alike(n), lambda: alike(before) });
        let synthetic = rule.estimator == SyntheticDidEstimator::Sc;
        let lambda = if synthetic {
            vec![0.0; before]
        } else {
            let columns = (0..before).map(|t| self.controls.iter().map(|y| y[t]).collect());
            let mean = |y: &[f64]| y[before..].iter().sum::<f64>() / self.after() as f64;
            let target: Vec<f64> = self.controls.iter().map(|y| mean(y)).collect();
            let zeta = tuning.zeta_lambda;
            let problem = SimplexProblem::new(columns.collect(), &target, zeta, true);
            solved(problem, rule, tuning, start.lambda)?
        };
        let columns = self.controls.iter().map(|y| y[..before].to_vec()).collect();
        let target = &self.treated_mean()[..before];
        let problem = SimplexProblem::new(columns, target, tuning.zeta_omega, !synthetic);
        let omega = solved(problem, rule, tuning, start.omega)?;
        Ok(Weights { omega, lambda })
    }

    /// The outcome of the treated at each time, each counting as it does.
    pub(super) fn treated_mean(&self) -> Vec<f64> {
        let total: f64 = self.treated.iter().map(|(_, weight)| weight).sum();
        let mut mean = vec![0.0; self.n_times()];
        for (y, weight) in &self.treated {
            mean.iter_mut().zip(*y).for_each(|(mean, y)| *mean += weight / total * y);
        }
        mean
    }

    /// What the treated have above the weighted controls at each time, less the same before
    /// treatment as weighted.
    pub(super) fn gaps(&self, weights: &Weights) -> Vec<f64> {
        let mut gaps = self.treated_mean();
        for (y, omega) in self.controls.iter().zip(&weights.omega) {
            gaps.iter_mut().zip(*y).for_each(|(gap, y)| *gap -= omega * y);
        }
        let level: f64 = gaps.iter().zip(&weights.lambda).map(|(gap, lambda)| gap * lambda).sum();
        gaps.iter_mut().for_each(|gap| *gap -= level);
        gaps
    }

    /// The double difference: the mean gap after treatment began.
    pub(super) fn effect(&self, weights: &Weights) -> f64 {
        self.gaps(weights)[self.before..].iter().sum::<f64>() / self.after() as f64
    }
}

fn solved(
    mut problem: SimplexProblem,
    rule: Rule,
    tuning: &Tuning,
    start: Vec<f64>,
) -> Result<Vec<f64>, Reason> {
    match rule.method {
        SyntheticDidWeights::Default => {
            let min_decrease = 1e-5 * tuning.noise;
            let first = problem.frank_wolfe(start, min_decrease, MAX_ITER[0]);
            Ok(problem.frank_wolfe(sparsified(&first), min_decrease, MAX_ITER[1]))
        }
        SyntheticDidWeights::Converged => regularised::optimum(&problem)
            .ok_or_else(|| Reason::because("the quadratic program of the weights has no answer")),
    }
}

/// The weights of some of the controls, adding up to one again.
pub(super) fn of_some(omega: &[f64], some: impl IntoIterator<Item = usize>) -> Vec<f64> {
    normalised(some.into_iter().map(|place| omega[place]).collect())
}
