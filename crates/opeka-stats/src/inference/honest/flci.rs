//! The shortest confidence interval of fixed length around an affine estimate, under smoothness.
//!
//! Rambachan and Roth (2023), section 4 (equations 17 to 19): of the estimates a'β_pre + l'β_post that
//! extrapolate linear trends without bias, the one whose half-length h × cv(M b / h) is smallest, with h its
//! standard error, M b its largest bias in ΔSD(M), and cv the quantile of a folded normal value.
//!
//! In terms of what the estimate gives to the bends q of the trend before treatment, b is |q|
//! summed, plus what l gives to the bends after it, and h² is quadratic: what is efficient is a lasso.
//! Its path is piecewise linear (Osborne, Presnell and Turlach 2000, *IMA Journal of Numerical
//! Analysis* 20; Efron, Hastie, Johnstone and Tibshirani 2004, *Annals of Statistics* 32), does not
//! depend on M, and is followed once.

use nalgebra::{DMatrix, DVector};

use super::arp::dot;
use super::folded_normal;
use super::moments::Periods;
use crate::Reason;

/// The efficient estimates, from least variance to least bias.
#[derive(Clone, Debug)]
pub(super) struct Frontier {
    /// Penalties, descending to zero, and the q of each; between them q is linear.
    knots: Vec<(f64, Vec<f64>)>,
    /// The estimate with q = 0, and what each q adds to it.
    start: Vec<f64>,
    directions: Vec<Vec<f64>>,
    /// The bias of q = 0 in units of M.
    least_bias: f64,
    sigma: Vec<Vec<f64>>,
}

/// An interval of fixed length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FixedLength {
    /// What the estimate gives to each coefficient.
    pub(super) weights: Vec<f64>,
    pub(super) centre: f64,
    pub(super) half: f64,
}

impl Frontier {
    pub(super) fn new(
        sigma: &[Vec<f64>],
        periods: Periods,
        effect: &[f64],
    ) -> Result<Self, Reason> {
        let Periods { pre, post } = periods;
        // What l gives to a bend k periods after the reference period: Σ (t − k) l_t over t > k.
        let bend = |k: usize| -> f64 { (k..post).map(|t| (t + 1 - k) as f64 * effect[t]).sum() };
        let mut start = vec![0.0; pre];
        start[pre - 1] = bend(0);
        start.extend(effect);
        let directions: Vec<Vec<f64>> = (0..pre - 1)
            .map(|k| {
                let mut row = vec![0.0; periods.all()];
                row[k..pre].iter_mut().zip([1.0, -2.0, 1.0]).for_each(|(x, by)| *x = by);
                row
            })
            .collect();
        let product = |row: &[f64]| -> Vec<f64> { sigma.iter().map(|s| dot(s, row)).collect() };
        let products: Vec<Vec<f64>> = directions.iter().map(|row| product(row)).collect();
        let n = directions.len();
        let quadratic = DMatrix::from_fn(n, n, |i, j| dot(&directions[i], &products[j]));
        let linear: Vec<f64> = products.iter().map(|product| dot(product, &start)).collect();
        Ok(Self {
            knots: path(&quadratic, &linear)?,
            start,
            directions,
            least_bias: (0..post).map(|k| bend(k).abs()).sum(),
            sigma: sigma.to_vec(),
        })
    }

    /// The shortest interval for a bound on bends.
    pub(super) fn interval(&self, beta: &[f64], m: f64, conf_level: f64) -> FixedLength {
        // Along the path, dVar/2 = −μ d|q|: the half-length falls with the penalty μ as long as μ is
        // below M h (∂/∂bias)/(∂/∂h).
        let (mut low, mut high) = (0.0, self.knots.first().map_or(0.0, |knot| knot.0));
        let falls = |penalty: f64| {
            let (_, error, bias) = self.at(penalty);
            let shift = m * bias / error;
            let c = folded_normal::quantile(conf_level, shift);
            let slope = folded_normal::slope(c, shift);
            penalty * (c - shift * slope) < m * error * slope
        };
        if m == 0.0 {
            high = 0.0;
        } else if falls(high) {
            low = high;
        }
        while low < high {
            let middle = 0.5 * (low + high);
            if middle == low || middle == high {
                break;
            }
            if falls(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let (weights, error, bias) = self.at(high);
        let half = error * folded_normal::quantile(conf_level, m * bias / error);
        FixedLength { centre: dot(&weights, beta), half, weights }
    }

    /// The estimate at a penalty, its standard error, and its bias in units of M.
    fn at(&self, penalty: f64) -> (Vec<f64>, f64, f64) {
        let q = self.bends(penalty);
        let mut weights = self.start.clone();
        for (q, direction) in q.iter().zip(&self.directions) {
            weights.iter_mut().zip(direction).for_each(|(weight, x)| *weight += q * x);
        }
        let variance: f64 =
            self.sigma.iter().zip(&weights).map(|(row, w)| w * dot(row, &weights)).sum();
        let bias = self.least_bias + q.iter().map(|q| q.abs()).sum::<f64>();
        (weights, variance.max(0.0).sqrt(), bias)
    }

    fn bends(&self, penalty: f64) -> Vec<f64> {
        for pair in self.knots.windows(2) {
            let ((above, q_above), (below, q_below)) = (&pair[0], &pair[1]);
            if penalty >= *below {
                let share = if above > below { (above - penalty) / (above - below) } else { 1.0 };
                let share = share.clamp(0.0, 1.0);
                return q_above.iter().zip(q_below).map(|(a, b)| a + share * (b - a)).collect();
            }
        }
        self.knots.last().map(|knot| knot.1.clone()).unwrap_or_default()
    }
}

/// The minimisers of ½ q'Qq + p'q + μ|q| over penalties μ from where q is zero down to 0.
fn path(quadratic: &DMatrix<f64>, linear: &[f64]) -> Result<Vec<(f64, Vec<f64>)>, Reason> {
    let n = linear.len();
    let mut q = vec![0.0; n];
    let Some(first) = (0..n).max_by(|a, b| linear[*a].abs().total_cmp(&linear[*b].abs())) else {
        return Ok(vec![(0.0, q)]);
    };
    let mut penalty = linear[first].abs();
    let mut active = vec![(first, -linear[first].signum())];
    let mut dropped = None;
    let mut knots = vec![(penalty, q.clone())];
    for _ in 0..100 * (n + 1) {
        if penalty <= 0.0 {
            return Ok(knots);
        }
        // Of the active ones Q q + p = −μ sign: they move by Q⁻¹ sign for each unit less of μ.
        let k = active.len();
        let speed = match k {
            0 => Some(Vec::new()),
            _ => {
                let block = DMatrix::from_fn(k, k, |i, j| quadratic[(active[i].0, active[j].0)]);
                let signs = DVector::from_fn(k, |i, _| active[i].1);
                block.cholesky().map(|factor| factor.solve(&signs).iter().copied().collect())
            }
        };
        let Some(speed) = speed else {
            return Err(Reason::because("the covariance of the coefficients is singular"));
        };
        let gradient = |i: usize| -> (f64, f64) {
            let now = linear[i] + (0..n).map(|j| quadratic[(i, j)] * q[j]).sum::<f64>();
            let change =
                active.iter().zip(speed.iter()).map(|((j, _), v)| quadratic[(i, *j)] * v).sum();
            (now, change)
        };
        // The next event: one joins, one returns to zero, or the end of the path.
        let (mut step, mut event) = (penalty, None);
        for i in (0..n).filter(|i| active.iter().all(|(j, _)| j != i)) {
            let (now, change) = gradient(i);
            for sign in [1.0, -1.0] {
                // sign × (now + change t) = μ − t
                let t = (penalty - sign * now) / (1.0 + sign * change);
                let again = dropped == Some((i, -sign));
                if 1.0 + sign * change > 0.0 && !again && t.max(0.0) < step {
                    (step, event) = (t.max(0.0), Some((i, Some(-sign))));
                }
            }
        }
        for ((i, sign), speed) in active.iter().zip(speed.iter()) {
            let t = -q[*i] / speed;
            // One that has just joined starts at zero and leaves it in the direction of its sign.
            let returns = sign * speed < 0.0;
            if returns && t.max(0.0) < step {
                (step, event) = (t.max(0.0), Some((*i, None)));
            }
        }
        for ((i, _), speed) in active.iter().zip(speed.iter()) {
            q[*i] += step * speed;
        }
        penalty -= step;
        dropped = None;
        match event {
            None => penalty = 0.0,
            Some((i, Some(sign))) => active.push((i, sign)),
            Some((i, None)) => {
                dropped = active.iter().copied().find(|(j, _)| *j == i);
                q[i] = 0.0;
                active.retain(|(j, _)| *j != i);
            }
        }
        knots.push((penalty, q.clone()));
    }
    Err(Reason::because("the search for the shortest interval did not end"))
}

#[cfg(test)]
mod tests;
