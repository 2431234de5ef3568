//! Which control series are in the regression, and with which coefficients: spike and slab.
//!
//! Each is in with probability π, and those that are in have coefficients N(0, σ² Ω⁻¹) with
//! Ω = κ (½ X′X + ½ diag X′X) / n, where κ = 0.01 observations is what the prior weighs (Scott and
//! Varian 2014, *International Journal of Mathematical Modelling and Numerical Optimisation* 5,
//! section 3.3.1; the half of the diagonal is bsts's `diagonal.shrinkage`). The slab is that of George
//! and McCulloch (1997, *Statistica Sinica* 7, section 3): coefficients are integrated out while the
//! series that are in are drawn, one after the other in random order.

use super::stream::Stream;
use super::variance::VariancePrior;

/// Of how many observations the slab takes the weight.
const INFORMATION: f64 = 0.01;

/// How much of X′X is its diagonal alone.
const SHRINKAGE: f64 = 0.5;

/// A set of control series: the Cholesky factor of their posterior precision V = X′X + Ω over σ².
#[derive(Clone, Debug, PartialEq)]
struct Model {
    members: Vec<usize>,
    /// Row by row, below the diagonal and on it.
    factor: Vec<f64>,
    /// ½ log |Ω| − ½ log |V|
    weight: f64,
}

/// The regression on control series, with what was drawn last.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    k: usize,
    /// X′X, row by row.
    gram: Vec<f64>,
    /// Ω
    prior: Vec<f64>,
    /// The logarithm of π / (1 − π); infinite where all are always in.
    log_odds: f64,
    model: Model,
    order: Vec<usize>,
    /// L⁻¹ X′z of the set.
    reached: Vec<f64>,
    /// Zero for those that are out.
    pub(super) coefficients: Vec<f64>,
}

impl Slab {
    /// Of columns with one number for each observation, of which `expected` are thought to matter.
    pub(super) fn new(columns: &[Vec<f64>], expected: f64) -> Self {
        let k = columns.len();
        let n = columns.first().map_or(1, Vec::len) as f64;
        let product = |i: usize, j: usize| -> f64 {
            columns[i].iter().zip(&columns[j]).map(|(a, b)| a * b).sum()
        };
        let gram: Vec<f64> = (0..k * k).map(|at| product(at / k, at % k)).collect();
        let prior = (0..k * k)
            .map(|at| {
                let kept = if at / k == at % k { 1.0 } else { 1.0 - SHRINKAGE };
                INFORMATION * kept * gram[at] / n
            })
            .collect();
        let share = expected / k as f64;
        let log_odds = if share < 1.0 { libm::log(share / (1.0 - share)) } else { f64::INFINITY };
        let mut slab = Self {
            k,
            gram,
            prior,
            log_odds,
            model: Model { members: vec![], factor: vec![], weight: 0.0 },
            order: (0..k).collect(),
            reached: vec![],
            coefficients: vec![0.0; k],
        };
        if log_odds == f64::INFINITY {
            slab.model = slab.of((0..k).collect());
        }
        slab
    }

    /// The control series that are in.
    pub(super) fn members(&self) -> &[usize] {
        &self.model.members
    }

    fn of(&self, members: Vec<usize>) -> Model {
        let block = |matrix: &dyn Fn(usize) -> f64| -> Vec<f64> {
            members
                .iter()
                .flat_map(|i| members.iter().map(move |j| matrix(i * self.k + j)))
                .collect()
        };
        let (_, prior) = cholesky(block(&|at| self.prior[at]), members.len());
        let (factor, posterior) =
            cholesky(block(&|at| self.gram[at] + self.prior[at]), members.len());
        Model { factor, weight: prior - posterior, members }
    }

    /// Draws the set given σ², then σ² given the set, then the coefficients given both. `cross` is X′z
    /// and `squares` z′z of the outcome less its level, z, with `n` values. The coefficients are
    /// integrated out of the first two steps. Returns σ², which is `noise` where there is no prior
    /// for it.
    pub(super) fn draw(
        &mut self,
        cross: &[f64],
        (squares, n): (f64, usize),
        noise: f64,
        prior: Option<&VariancePrior>,
        random: &mut Stream,
    ) -> f64 {
        if self.log_odds < f64::INFINITY {
            self.draw_set(cross, noise, random);
        }
        reach(&self.model, cross, &mut self.reached);
        let explained: f64 = self.reached.iter().map(|value| value * value).sum();
        let noise = match prior {
            Some(prior) => prior.given((squares - explained).max(0.0), n, random),
            None => noise,
        };
        let error = noise.sqrt();
        self.coefficients.fill(0.0);
        let p = self.model.members.len();
        for value in &mut self.reached {
            *value += error * random.normal();
        }
        // β = L′⁻¹ (L⁻¹ X′z + σ u)
        for i in (0..p).rev() {
            let below: f64 =
                (i + 1..p).map(|j| self.model.factor[j * p + i] * self.reached[j]).sum();
            self.reached[i] = (self.reached[i] - below) / self.model.factor[i * p + i];
            self.coefficients[self.model.members[i]] = self.reached[i];
        }
        noise
    }

    fn draw_set(&mut self, cross: &[f64], noise: f64, random: &mut Stream) {
        let mut order = std::mem::take(&mut self.order);
        random.shuffle(&mut order);
        let mut reached = std::mem::take(&mut self.reached);
        let mut height = |model: &Model| -> f64 {
            reach(model, cross, &mut reached);
            model.weight + 0.5 * reached.iter().map(|value| value * value).sum::<f64>() / noise
        };
        let mut now = height(&self.model);
        for j in &order {
            let place = self.model.members.binary_search(j);
            let mut members = self.model.members.clone();
            let odds = match place {
                Ok(place) => {
                    members.remove(place);
                    -self.log_odds
                }
                Err(place) => {
                    members.insert(place, *j);
                    self.log_odds
                }
            };
            let other = self.of(members);
            let then = height(&other);
            if random.uniform() < 1.0 / (1.0 + libm::exp(now - then - odds)) {
                self.model = other;
                now = then;
            }
        }
        self.order = order;
        self.reached = reached;
    }
}

/// L⁻¹ X′z
fn reach(model: &Model, cross: &[f64], reached: &mut Vec<f64>) {
    let p = model.members.len();
    reached.clear();
    for i in 0..p {
        let row = &model.factor[i * p..i * p + i + 1];
        let sum: f64 = row.iter().zip(reached.iter()).map(|(l, r)| l * r).sum();
        reached.push((cross[model.members[i]] - sum) / row[i]);
    }
}

/// The Cholesky factor of a positive definite matrix, and half of the logarithm of its determinant.
fn cholesky(mut a: Vec<f64>, p: usize) -> (Vec<f64>, f64) {
    let mut half = 0.0;
    for i in 0..p {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|m| a[i * p + m] * a[j * p + m]).sum();
            let left = a[i * p + j] - sum;
            if i == j {
                a[i * p + i] = left.max(f64::MIN_POSITIVE).sqrt();
                half += libm::log(a[i * p + i]);
            } else {
                a[i * p + j] = left / a[j * p + j];
            }
        }
    }
    (a, half)
}

#[cfg(test)]
mod tests;
