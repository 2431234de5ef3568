//! Linear Gaussian state-space models of one series, by the Kalman filter.
//!
//! ```text
//! y_t     = Z α_t + ε_t,   ε_t ~ N(0, H)
//! α_{t+1} = T α_t + R η_t, η_t ~ N(0, Q)
//! ```
//!
//! with matrices that do not change over time (Durbin and Koopman 2012, *Time Series Analysis by
//! State Space Methods*, 2nd edition; equation numbers below are theirs). Elements of the first
//! state of which nothing is known are *diffuse*: their variance is κ, and results are the limits
//! for κ → ∞, taken exactly (chapter 5), not with a large number.

mod smooth;

/// A square matrix, row by row.
pub type Matrix<const M: usize> = [[f64; M]; M];

/// The matrices of a model with `M` state elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateSpace<const M: usize> {
    /// Z
    pub observation: [f64; M],
    /// H
    pub observation_variance: f64,
    /// T
    pub transition: Matrix<M>,
    /// R Q R′
    pub state_variance: Matrix<M>,
}

/// What is known of a state: its mean a and its variance P = P* + κ P∞, κ → ∞.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<const M: usize> {
    pub mean: [f64; M],
    /// P*
    pub variance: Matrix<M>,
    /// P∞
    pub diffuse: Matrix<M>,
    /// The rank of P∞: so many observations are still needed before the state has a variance.
    diffuse_rank: usize,
}

/// What an observation differed from its forecast by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Innovation {
    pub error: f64,
    /// The variance F of the error or, where that is infinite, the F∞ of F* + κ F∞.
    pub variance: f64,
    /// The forecast was diffuse: the observation went into the start of the state.
    pub diffuse: bool,
}

/// The innovations of a series, and the state of the time after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered<const M: usize> {
    /// One for each time; `None` where there was no observation.
    pub innovations: Vec<Option<Innovation>>,
    /// a and P of the time after the last, given all observations.
    pub next: State<M>,
}

/// F∞ below this share of the largest element of P∞ is zero but for rounding.
const DIFFUSE_TOLERANCE: f64 = 1e-9;

impl<const M: usize> State<M> {
    /// A first state of which nothing is known: a = 0, P* = 0, P∞ = I.
    pub fn diffuse() -> Self {
        let identity = from_fn(|i, j| if i == j { 1.0 } else { 0.0 });
        Self { mean: [0.0; M], variance: [[0.0; M]; M], diffuse: identity, diffuse_rank: M }
    }

    /// A first state of known mean and variance.
    pub fn known(mean: [f64; M], variance: Matrix<M>) -> Self {
        Self { mean, variance, diffuse: [[0.0; M]; M], diffuse_rank: 0 }
    }

    /// The state has a variance: there were as many observations as it took.
    pub fn is_proper(&self) -> bool {
        self.diffuse_rank == 0
    }
}

impl<const M: usize> StateSpace<M> {
    /// Mean and variance of the observation that belongs to a state which has a variance.
    pub fn predict(&self, state: &State<M>) -> (f64, f64) {
        let shared = times(&state.variance, &self.observation);
        let variance = dot(&self.observation, &shared) + self.observation_variance;
        (dot(&self.observation, &state.mean), variance)
    }

    /// The state of the next time: a = T a, P = T P T′ + R Q R′.
    pub fn advance(&self, state: &State<M>) -> State<M> {
        let moved = |p: &Matrix<M>| -> Matrix<M> {
            let left: Matrix<M> =
                from_fn(|i, j| (0..M).map(|k| self.transition[i][k] * p[k][j]).sum());
            from_fn(|i, j| (0..M).map(|k| left[i][k] * self.transition[j][k]).sum())
        };
        let variance = moved(&state.variance);
        State {
            mean: times(&self.transition, &state.mean),
            variance: from_fn(|i, j| variance[i][j] + self.state_variance[i][j]),
            diffuse: if state.is_proper() { state.diffuse } else { moved(&state.diffuse) },
            diffuse_rank: state.diffuse_rank,
        }
    }

    /// The state given the observation of its time (4.24; where it is diffuse, 5.2 without T).
    fn update(&self, state: &State<M>, y: f64) -> (State<M>, Innovation) {
        let z = &self.observation;
        let (shared, shared_diffuse) = (times(&state.variance, z), times(&state.diffuse, z));
        let error = y - dot(z, &state.mean);
        let f = dot(z, &shared) + self.observation_variance;
        let f_diffuse = dot(z, &shared_diffuse);
        let largest = state.diffuse.iter().flatten().fold(0.0, |a: f64, b| a.max(b.abs()));

        if !state.is_proper() && f_diffuse > DIFFUSE_TOLERANCE * largest {
            let gain: [f64; M] = std::array::from_fn(|i| shared_diffuse[i] / f_diffuse);
            let diffuse_rank = state.diffuse_rank - 1;
            let next = State {
                mean: std::array::from_fn(|i| state.mean[i] + gain[i] * error),
                variance: from_fn(|i, j| {
                    let crossed = shared[i] * gain[j] + gain[i] * shared[j];
                    state.variance[i][j] - crossed + gain[i] * gain[j] * f
                }),
                diffuse: from_fn(|i, j| match diffuse_rank {
                    0 => 0.0,
                    _ => state.diffuse[i][j] - gain[i] * shared_diffuse[j],
                }),
                diffuse_rank,
            };
            return (next, Innovation { error, variance: f_diffuse, diffuse: true });
        }
        let next = State {
            mean: std::array::from_fn(|i| state.mean[i] + shared[i] * error / f),
            variance: from_fn(|i, j| state.variance[i][j] - shared[i] * shared[j] / f),
            ..*state
        };
        (next, Innovation { error, variance: f, diffuse: false })
    }

    /// Runs through a series; a time without an observation (`None`) only advances the state.
    pub fn filter(&self, series: &[Option<f64>], first: State<M>) -> Filtered<M> {
        let mut next = first;
        let mut innovations = Vec::with_capacity(series.len());
        for observation in series {
            let innovation = observation.map(|y| {
                let (updated, innovation) = self.update(&next, y);
                next = updated;
                innovation
            });
            innovations.push(innovation);
            next = self.advance(&next);
        }
        Filtered { innovations, next }
    }
}

/// The log-likelihood of a filtered series, and what it would be if all variances of the model
/// were σ² times as large.
///
/// With n observations of which d were diffuse (Durbin and Koopman 2012, section 7.2.2 and 7.2.3),
///
/// ```text
/// log L = −½ [ n log 2π + Σ_d log F∞ + Σ_{n−d} (log F + v²/F) ]
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likelihood {
    /// n
    n: f64,
    /// n − d
    proper: f64,
    /// Σ log F∞ + Σ log F
    log_variances: f64,
    /// Σ v²/F
    squares: f64,
}

impl Likelihood {
    pub fn of(innovations: &[Option<Innovation>]) -> Self {
        let mut sums = Self { n: 0.0, proper: 0.0, log_variances: 0.0, squares: 0.0 };
        for innovation in innovations.iter().flatten() {
            sums.n += 1.0;
            sums.log_variances += libm::log(innovation.variance);
            if !innovation.diffuse {
                sums.proper += 1.0;
                sums.squares += innovation.error * innovation.error / innovation.variance;
            }
        }
        sums
    }

    pub fn log_likelihood(&self) -> f64 {
        -0.5 * (self.n * libm::log(2.0 * std::f64::consts::PI) + self.log_variances + self.squares)
    }

    /// The σ² at which the likelihood is highest: Σ v²/F / (n − d).
    pub fn scale(&self) -> f64 {
        self.squares / self.proper
    }

    /// The log-likelihood where all variances are [`Self::scale`] times those of the model.
    pub fn concentrated(&self) -> f64 {
        let scaled = Self {
            log_variances: self.log_variances + self.proper * libm::log(self.scale()),
            squares: self.proper,
            ..*self
        };
        scaled.log_likelihood()
    }
}

fn from_fn<const M: usize>(element: impl Fn(usize, usize) -> f64) -> Matrix<M> {
    std::array::from_fn(|i| std::array::from_fn(|j| element(i, j)))
}

fn dot<const M: usize>(a: &[f64; M], b: &[f64; M]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn times<const M: usize>(matrix: &Matrix<M>, vector: &[f64; M]) -> [f64; M] {
    std::array::from_fn(|i| dot(&matrix[i], vector))
}

#[cfg(test)]
mod tests;
