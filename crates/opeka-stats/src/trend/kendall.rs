//! Kendall's score S, on which both the Mann–Kendall test and Sen's limits rest.

use super::slopes::Slopes;
use crate::distribution::normal;

/// S of a series, its variance, and the correlations that are S over a number of pairs.
pub(super) struct Kendall {
    pub(super) score: f64,
    pub(super) variance: f64,
    /// S over all pairs.
    pub(super) tau: f64,
    /// S over the geometric mean of the pairs untied in value and those untied in time; `None`
    /// where all of either are tied.
    pub(super) tau_b: Option<f64>,
    /// Whether no value and no time is there twice.
    pub(super) untied: bool,
}

impl Kendall {
    /// From the slopes of a series; of one point, or none, nothing but zeros.
    pub(super) fn of(slopes: &Slopes, value: &[f64], time: &[f64]) -> Self {
        let (score, n) = (slopes.score(), value.len() as f64);
        if value.len() < 2 {
            return Self { score, variance: 0.0, tau: 0.0, tau_b: None, untied: true };
        }
        let pairs = 0.5 * n * (n - 1.0);
        let tau = score / pairs;
        if slopes.untied(value.len()) {
            // What the sums over groups come to when there are none.
            let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
            return Self { score, variance, tau, tau_b: Some(tau), untied: true };
        }
        let distinct_times = slopes.len() as f64 == pairs;
        let times = if distinct_times { TieSums::NONE } else { TieSums::of(time) };
        let values = TieSums::of(value);
        let (in_time, in_value) = (pairs - 0.5 * times.pairs, pairs - 0.5 * values.pairs);
        let tau_b = score / (in_time.sqrt() * in_value.sqrt());
        Self {
            score,
            variance: variance(n, &times, &values),
            tau,
            tau_b: (in_time > 0.0 && in_value > 0.0).then_some(tau_b),
            untied: false,
        }
    }
}

/// The variance of S where values and times are unrelated, with ties in either or both.
///
/// S is the number of pairs in which the later value is the larger, less the number in which it
/// is the smaller. With n points, and groups of t points that share a time and of u points that
/// share a value,
///
/// ```text
/// 18 var = n(n−1)(2n+5) − Σt(t−1)(2t+5) − Σu(u−1)(2u+5)
///          + 9 Σt(t−1) Σu(u−1) / n(n−1)
///          + 2 Σt(t−1)(t−2) Σu(u−1)(u−2) / n(n−1)(n−2)
/// ```
///
/// (Kendall 1970, *Rank correlation methods*, chapter 5.) Without ties in time it is the variance
/// of the Mann–Kendall test. Needs two points.
fn variance(n: f64, times: &TieSums, values: &TieSums) -> f64 {
    let untied = n * (n - 1.0) * (2.0 * n + 5.0) - times.long - values.long;
    let both_pairs = times.pairs * values.pairs / (n * (n - 1.0));
    // Two points have no triples.
    let all_triples = (n * (n - 1.0) * (n - 2.0)).max(1.0);
    let both_triples = times.triples * values.triples / all_triples;
    (untied + 9.0 * both_pairs + 2.0 * both_triples) / 18.0
}

#[cfg(test)]
pub(super) fn variance_of_s(time: &[f64], value: &[f64]) -> f64 {
    variance(time.len() as f64, &TieSums::of(time), &TieSums::of(value))
}

/// The standardized score (S ∓ 1)/√var, with the continuity correction, and its two-sided p-value.
pub(super) fn z_and_p(s: f64, variance: f64) -> (f64, f64) {
    let corrected = if s == 0.0 { 0.0 } else { s - s.signum() };
    let z = corrected / variance.sqrt();
    (z, normal::two_sided_p(z))
}

/// The score over its standard deviation, without a correction, and its two-sided p-value.
pub(super) fn uncorrected_z_and_p(s: f64, variance: f64) -> (f64, f64) {
    let z = s / variance.sqrt();
    (z, normal::two_sided_p(z))
}

/// Sums over groups of g equal numbers.
struct TieSums {
    /// Σ g(g−1)
    pairs: f64,
    /// Σ g(g−1)(g−2)
    triples: f64,
    /// Σ g(g−1)(2g+5)
    long: f64,
}

impl TieSums {
    const NONE: Self = Self { pairs: 0.0, triples: 0.0, long: 0.0 };

    fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut sums = Self::NONE;
        for group in sorted.chunk_by(|a, b| a == b) {
            let g = group.len() as f64;
            sums.pairs += g * (g - 1.0);
            sums.triples += g * (g - 1.0) * (g - 2.0);
            sums.long += g * (g - 1.0) * (2.0 * g + 5.0);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    /// The mean of S² over all orders of the values, which is what the formula abbreviates.
    fn slow_variance(time: &[f64], value: &[f64]) -> f64 {
        fn orders(rest: &mut Vec<f64>, taken: &mut Vec<f64>, visit: &mut impl FnMut(&[f64])) {
            if rest.is_empty() {
                return visit(taken);
            }
            for k in 0..rest.len() {
                let next = rest.remove(k);
                taken.push(next);
                orders(rest, taken, visit);
                taken.pop();
                rest.insert(k, next);
            }
        }
        let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
        let (mut sum, mut count) = (0.0, 0.0);
        orders(&mut value.to_vec(), &mut Vec::new(), &mut |order| {
            let mut s = 0.0;
            for i in 0..order.len() {
                for j in 0..i {
                    s += sign(order[i] - order[j]) * sign(time[i] - time[j]);
                }
            }
            sum += s * s;
            count += 1.0;
        });
        sum / count
    }

    #[test]
    fn variance_is_that_of_all_orders() {
        let even = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let tied = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0];
        let twins = [5.0, 5.0, 7.0, 8.0, 8.0, 8.0];
        for (time, value) in [(even, even), (even, twins), (tied, even), (tied, twins)] {
            assert_close(variance_of_s(&time, &value), slow_variance(&time, &value), 1e-12);
        }
    }

    #[test]
    fn no_score_is_no_evidence() {
        assert_eq!(z_and_p(0.0, 10.0), (0.0, 1.0));
    }
}
