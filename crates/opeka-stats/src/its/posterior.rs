//! The posterior of a local level with control series, by a Gibbs sampler.
//!
//! ```text
//! y_t = μ_t + x_t′ β + ε_t,  ε_t ~ N(0, σ²)
//! μ_{t+1} = μ_t + η_t,       η_t ~ N(0, τ²),  μ_1 ~ N(y_1, 1)
//! 1/τ² ~ gamma(32/2, 32 s²/2) with s the `level_sd`,  τ ≤ 1
//! 1/σ² ~ gamma(ν/2, ν g²/2),  σ ≤ 1.2
//! ```
//!
//! for y and x in standard deviations from their means before the intervention. With control series
//! ν = 50 and g² = 1 − 0.8, for a regression that is thought to explain 0.8 of the variance; without,
//! ν = 0.01 and g = 1. β is under spike and slab (see [`slab`]). These are the priors of R's
//! CausalImpact 1.4 and bsts (Brodersen et al. 2015, section 2.2; Scott and Varian 2014, section 3.3).
//!
//! A sweep draws the level, then τ², then which control series are in, σ² and β (Brodersen et al.
//! 2015, section 2.3). Rows of draws are of the posterior predictive of the time after.

mod level;
mod slab;
mod stream;
mod variance;

use level::Level;
use slab::Slab;
use stream::Stream;
use variance::VariancePrior;

/// What a regression is thought to explain.
const EXPECTED_R2: f64 = 0.8;

/// Of how many observations the prior of σ² has the weight, with control series and without.
const NOISE_DF: [f64; 2] = [50.0, 0.01];

/// The same of τ².
const LEVEL_DF: f64 = 32.0;

/// σ is no more than so many standard deviations of the series, and τ than one.
const MOST_NOISE: f64 = 1.2;

/// Sweeps that are let go first: a tenth of those that are kept, and no fewer than these.
const LEAST_BURN: u32 = 200;

/// What is known, in standard deviations from the means before the intervention.
pub(super) struct Given {
    /// By steps before the intervention; the first one is there.
    pub(super) y: Vec<Option<f64>>,
    /// Of each control series: by steps, anything where `y` is missing.
    pub(super) x: Vec<Vec<f64>>,
    /// Of each step after: whether a draw is wanted.
    pub(super) after: Vec<bool>,
    /// Of each control series: by steps after.
    pub(super) after_x: Vec<Vec<f64>>,
}

/// What is thought before, and what is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Whether the level drifts.
    pub(super) drifts: bool,
    /// The guess of τ.
    pub(super) level_sd: f64,
    /// How many control series are thought to matter.
    pub(super) expected_size: f64,
    /// σ² and τ², where they are known.
    pub(super) variances: Option<[f64; 2]>,
    pub(super) draws: u32,
    pub(super) seed: u64,
}

/// What the draws have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawn {
    /// Draw by draw, a number for each step after of which one is wanted: the level of then, the
    /// control series and noise.
    pub(super) predictions: Vec<f64>,
    /// The mean of each of them, without the errors of drawing what is still to come.
    pub(super) means: Vec<f64>,
    /// Of each step before: the mean of the level, and of level and control series together.
    pub(super) levels: Vec<f64>,
    pub(super) signals: Vec<f64>,
    /// Of each step before: mean and variance of the forecast from the steps before it.
    pub(super) ahead: Vec<(f64, f64)>,
    /// Mean and variance of the coefficient of each control series, and the share of the draws in
    /// which it is in.
    pub(super) coefficients: Vec<(f64, f64)>,
    pub(super) inclusion: Vec<f64>,
    /// The means of σ² and τ².
    pub(super) variances: [f64; 2],
}

/// The sampler at one of its sweeps.
struct Chain<'a> {
    given: &'a Given,
    random: Stream,
    level: Level,
    slab: Option<Slab>,
    /// x′β of each step.
    explained: Vec<f64>,
    cross: Vec<f64>,
    noise: f64,
    drift: f64,
    noise_prior: Option<VariancePrior>,
    drift_prior: Option<VariancePrior>,
    /// The steps at which there is an observation.
    seen: Vec<usize>,
}

/// Draws from the posterior. At least two steps before have an observation, and no control series is
/// constant.
pub(super) fn draw(given: &Given, plan: &Plan) -> Drawn {
    let mut chain = Chain::new(given, plan);
    for _ in 0..LEAST_BURN.max(plan.draws / 10) {
        chain.sweep();
    }
    let mut sums = Sums::new(given, plan.draws);
    for _ in 0..plan.draws {
        chain.sweep();
        sums.add(&mut chain);
    }
    sums.over(plan.draws)
}

impl<'a> Chain<'a> {
    fn new(given: &'a Given, plan: &Plan) -> Self {
        let steps = given.y.len();
        let seen: Vec<usize> = (0..steps).filter(|t| given.y[*t].is_some()).collect();
        let first = given.y.iter().flatten().next().copied().unwrap_or(0.0);
        let with_controls = !given.x.is_empty();
        let noise_prior = VariancePrior {
            df: if with_controls { NOISE_DF[0] } else { NOISE_DF[1] },
            guess: if with_controls { (1.0 - EXPECTED_R2).sqrt() } else { 1.0 },
            most: MOST_NOISE * MOST_NOISE,
        };
        let drift_prior = VariancePrior { df: LEVEL_DF, guess: plan.level_sd, most: 1.0 };
        let known = plan.variances;
        let [noise, drift] =
            known.unwrap_or([noise_prior.guess.powi(2), drift_prior.guess.powi(2)]);
        let slab = with_controls.then(|| {
            let columns: Vec<Vec<f64>> =
                given.x.iter().map(|x| seen.iter().map(|t| x[*t]).collect()).collect();
            Slab::new(&columns, plan.expected_size)
        });
        Self {
            given,
            random: Stream::new(plan.seed),
            level: Level::new(steps, (first, 1.0)),
            slab,
            explained: vec![0.0; steps],
            cross: vec![0.0; given.x.len()],
            noise,
            drift: if plan.drifts { drift } else { 0.0 },
            noise_prior: known.is_none().then_some(noise_prior),
            drift_prior: (plan.drifts && known.is_none()).then_some(drift_prior),
            seen,
        }
    }

    fn sweep(&mut self) {
        let given = self.given;
        let random = &mut self.random;
        self.level.draw(&given.y, &self.explained, self.noise, self.drift, random);
        if let Some(prior) = &self.drift_prior {
            self.drift = prior.given(self.level.squares(), given.y.len() - 1, random);
        }
        let left = |t: usize| given.y[t].unwrap_or(0.0) - self.level.path[t];
        let n = self.seen.len();
        let squares: f64 = self.seen.iter().map(|t| left(*t) * left(*t)).sum();
        let Some(slab) = &mut self.slab else {
            if let Some(prior) = &self.noise_prior {
                self.noise = prior.given(squares, n, random);
            }
            return;
        };
        for (cross, x) in self.cross.iter_mut().zip(&given.x) {
            *cross = self.seen.iter().map(|t| x[*t] * left(*t)).sum();
        }
        let prior = self.noise_prior.as_ref();
        self.noise = slab.draw(&self.cross, (squares, n), self.noise, prior, random);
        self.explained.fill(0.0);
        for j in slab.members() {
            let b = slab.coefficients[*j];
            self.explained.iter_mut().zip(&given.x[*j]).for_each(|(sum, x)| *sum += b * x);
        }
    }
}

/// Sums over draws.
struct Sums {
    drawn: Drawn,
    ahead_squares: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(given: &Given, draws: u32) -> Self {
        let (steps, k) = (given.y.len(), given.x.len());
        let after = given.after.iter().filter(|wanted| **wanted).count();
        let drawn = Drawn {
            predictions: Vec::with_capacity(after * draws as usize),
            means: vec![0.0; after],
            levels: vec![0.0; steps],
            signals: vec![0.0; steps],
            ahead: vec![(0.0, 0.0); steps],
            coefficients: vec![(0.0, 0.0); k],
            inclusion: vec![0.0; k],
            variances: [0.0; 2],
        };
        Self { drawn, ahead_squares: vec![0.0; steps], squares: vec![0.0; k] }
    }

    fn add(&mut self, chain: &mut Chain<'_>) {
        let drawn = &mut self.drawn;
        let level = &chain.level;
        for t in 0..level.path.len() {
            drawn.levels[t] += level.path[t];
            drawn.signals[t] += level.path[t] + chain.explained[t];
        }
        if let Some(slab) = &chain.slab {
            for (j, b) in slab.coefficients.iter().enumerate() {
                drawn.coefficients[j].0 += b;
                self.squares[j] += b * b;
            }
            slab.members().iter().for_each(|j| drawn.inclusion[*j] += 1.0);
        }
        drawn.variances[0] += chain.noise;
        drawn.variances[1] += chain.drift;
        let last = level.path.last().copied().unwrap_or(0.0);
        self.forecast(chain, last);
    }

    fn forecast(&mut self, chain: &mut Chain<'_>, last: f64) {
        let drawn = &mut self.drawn;
        let (error, step) = (chain.noise.sqrt(), chain.drift.sqrt());
        let random = &mut chain.random;
        let (mut level, mut place) = (last, 0);
        for (h, wanted) in chain.given.after.iter().enumerate() {
            level += step * random.normal();
            if !wanted {
                continue;
            }
            let explained: f64 = chain.slab.as_ref().map_or(0.0, |slab| {
                let x = &chain.given.after_x;
                slab.members().iter().map(|j| slab.coefficients[*j] * x[*j][h]).sum()
            });
            drawn.means[place] += last + explained;
            drawn.predictions.push(level + explained + error * random.normal());
            place += 1;
        }
        for (t, sum) in drawn.ahead.iter_mut().enumerate() {
            let mean = chain.level.ahead[t];
            sum.0 += mean;
            sum.1 += chain.level.ahead_variance[t];
            self.ahead_squares[t] += mean * mean;
        }
    }

    fn over(self, draws: u32) -> Drawn {
        let n = f64::from(draws);
        let mut drawn = self.drawn;
        let share = |values: &mut [f64]| values.iter_mut().for_each(|value| *value /= n);
        share(&mut drawn.means);
        share(&mut drawn.levels);
        share(&mut drawn.signals);
        share(&mut drawn.inclusion);
        share(&mut drawn.variances);
        for ((mean, variance), squares) in drawn.ahead.iter_mut().zip(&self.ahead_squares) {
            *mean /= n;
            // The mean of the variances, and the variance of the means.
            *variance = *variance / n + (squares / n - *mean * *mean).max(0.0);
        }
        for ((mean, variance), squares) in drawn.coefficients.iter_mut().zip(&self.squares) {
            *mean /= n;
            *variance = (squares / n - *mean * *mean).max(0.0);
        }
        drawn
    }
}

#[cfg(test)]
mod tests;
