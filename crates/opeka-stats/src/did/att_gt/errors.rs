//! Errors, limits and tests from influence functions.

use super::options::{AttErrors, AttGtOptions};
use super::prepare::Prepared;
use crate::distribution::normal;
use crate::effect::{Effect, Notes, treated_units};
use crate::inference::multiplier::{self, Draws};

/// What the errors of an estimate rest on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Basis {
    pub(crate) n_treated: usize,
    /// How many independent ones these are: the units, or their clusters.
    pub(crate) independent: usize,
    pub(crate) n_controls: usize,
    pub(crate) n_obs: usize,
    /// Zero by construction.
    pub(crate) reference: bool,
}

/// Errors of estimates, each of which has an influence function.
#[derive(Clone, Debug)]
pub(crate) struct Errors {
    /// Of each pair of estimates.
    pub(crate) covariance: Vec<Vec<f64>>,
    pub(crate) std_error: Vec<Option<f64>>,
    /// Errors that the limits lie apart from the estimates.
    pub(crate) critical: f64,
    /// For one estimate alone.
    pub(crate) pointwise: f64,
    pub(crate) notes: Notes,
    words: &'static str,
}

impl Errors {
    /// `covered` are the estimates that a uniform band must hold at once.
    pub(crate) fn new(
        prepared: &Prepared,
        influence: &[&[f64]],
        options: &AttGtOptions,
        covered: impl Fn(usize) -> bool,
    ) -> Self {
        let n = prepared.n_units();
        let sums: Vec<Vec<f64>>;
        let by_cluster: Vec<&[f64]>;
        let columns: &[&[f64]] = match &prepared.cluster {
            None => influence,
            Some((cluster, n_clusters)) => {
                sums = influence.iter().map(|of| cluster_sums(of, cluster, *n_clusters)).collect();
                by_cluster = sums.iter().map(Vec::as_slice).collect();
                &by_cluster
            }
        };
        let covariance = covariance(columns, n);
        // Below this, an error is the rounding of outcomes that do not vary.
        let size = prepared.panel.y.iter().map(|y| y.abs()).fold(0.0, f64::max);
        let least = 1e-13 * size;
        let drawn = options.errors == AttErrors::Bootstrap || options.uniform_band;
        let draws = drawn.then(|| multiplier::draws(columns, n, options.draws, options.seed));
        let std_error: Vec<Option<f64>> = (0..columns.len())
            .map(|term| {
                let analytic = covariance[term][term].sqrt();
                let error = match (&draws, options.errors) {
                    (Some(draws), AttErrors::Bootstrap) => draws.std_error(term),
                    _ => analytic,
                };
                Some(error).filter(|error| analytic > least && *error > least)
            })
            .collect();
        let pointwise = normal::two_sided(options.conf_level);
        let words = match (options.errors, prepared.cluster.is_some()) {
            (AttErrors::Analytic, false) => "error from the influence function",
            (AttErrors::Analytic, true) => "error from the influence function, by cluster",
            (AttErrors::Bootstrap, false) => "error by the multiplier bootstrap",
            (AttErrors::Bootstrap, true) => "error by the multiplier bootstrap of clusters",
        };
        let mut this = Self {
            covariance,
            std_error,
            critical: pointwise,
            pointwise,
            notes: Notes::default(),
            words,
        };
        if let Some(draws) = draws.filter(|_| options.uniform_band) {
            this.band(&draws, options, covered);
        }
        this
    }

    fn band(&mut self, draws: &Draws, options: &AttGtOptions, covered: impl Fn(usize) -> bool) {
        // The band is scaled with errors of the same draws, whatever errors are reported.
        let of = |term: usize| {
            self.std_error[term].filter(|_| covered(term))?;
            Some(draws.std_error(term)).filter(|error| *error > 0.0)
        };
        let scale: Vec<Option<f64>> = (0..self.std_error.len()).map(of).collect();
        let value = draws.simultaneous(&scale, options.conf_level);
        match value {
            Some(value) if value >= self.pointwise => {
                self.critical = value;
                if value >= 7.0 {
                    self.notes.add(format!(
                        "the uniform band is {value:.1} errors wide, too wide to lean on: groups are \
                         small"
                    ));
                }
            }
            _ => {
                self.notes.add("limits hold for each effect alone: the draws gave no uniform band")
            }
        }
    }

    /// A line of the table: the estimate with what can be said of it.
    pub(crate) fn effect(
        &self,
        term: usize,
        estimate: f64,
        basis: Basis,
        critical: f64,
        words: &str,
        common: &Notes,
    ) -> Effect {
        let mut notes = common.clone();
        let mut effect = Effect {
            estimate: Some(estimate),
            n_obs: basis.n_obs,
            n_units: basis.n_treated + basis.n_controls,
            method: Some(format!("{words}; {}", self.words)),
            ..Effect::default()
        };
        if basis.reference {
            notes.add("the period that the others are compared with: zero by construction");
        } else {
            treated_units::note(basis.independent).into_iter().for_each(|note| notes.add(note));
            match basis.n_controls {
                0 => {}
                1 => notes.add("no standard error: there is one control to estimate it from"),
                n @ 2..treated_units::ENOUGH => {
                    notes.add(format!("standard errors are too small with {n} controls"));
                }
                _ => {}
            }
            let error = self.std_error[term];
            if error.is_none() {
                notes.add("no standard error: the outcome does not vary within groups");
            }
            let enough = basis.independent > 1 && basis.n_controls != 1;
            if let Some(error) = error.filter(|_| enough) {
                let z = estimate / error;
                effect.std_error = Some(error);
                effect.statistic = Some(z);
                effect.p_value = Some(normal::two_sided_p(z));
                effect.conf_low = Some(estimate - critical * error);
                effect.conf_high = Some(estimate + critical * error);
            }
        }
        effect.note = notes.text();
        effect
    }
}

fn cluster_sums(influence: &[f64], cluster: &[u32], n_clusters: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_clusters];
    influence.iter().zip(cluster).for_each(|(value, cluster)| sums[*cluster as usize] += value);
    sums
}

/// Σ influence influence' / n².
fn covariance(columns: &[&[f64]], n: usize) -> Vec<Vec<f64>> {
    let k = columns.len();
    let square = n as f64 * n as f64;
    let mut matrix = vec![vec![0.0; k]; k];
    for i in 0..k {
        for j in 0..=i {
            matrix[i][j] = product(columns[i], columns[j]) / square;
            matrix[j][i] = matrix[i][j];
        }
    }
    matrix
}

/// Σ a b, in eight sums at once.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 8];
    for (x, y) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}
