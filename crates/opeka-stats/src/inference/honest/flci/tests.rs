//! The frontier against slow ways to the same.

use proptest::prelude::*;

use super::super::arp::dot;
use super::*;
use crate::distribution::normal;
use crate::testing::assert_close;

/// A covariance with correlations that fall with distance, and scales that differ.
fn covariance(n: usize, correlation: f64, scales: &[f64]) -> Vec<Vec<f64>> {
    (0..n)
        .map(|i| {
            let entry = |j: usize| {
                let power = correlation.powi(i.abs_diff(j) as i32);
                power * scales[i] * scales[j]
            };
            (0..n).map(entry).collect()
        })
        .collect()
}

/// The minimiser of ½ q'Qq + p'q + μ|q|, by trying all signs.
fn by_signs(quadratic: &DMatrix<f64>, linear: &[f64], penalty: f64) -> Vec<f64> {
    let n = linear.len();
    let value = |q: &[f64]| -> f64 {
        let square: f64 =
            (0..n).map(|i| (0..n).map(|j| q[i] * quadratic[(i, j)] * q[j]).sum::<f64>()).sum();
        0.5 * square + dot(linear, q) + penalty * q.iter().map(|x| x.abs()).sum::<f64>()
    };
    let mut best = vec![0.0; n];
    for code in 0..3usize.pow(n as u32) {
        let signs: Vec<f64> =
            (0..n).map(|i| (code / 3usize.pow(i as u32) % 3) as f64 - 1.0).collect();
        let active: Vec<usize> = (0..n).filter(|i| signs[*i] != 0.0).collect();
        let k = active.len();
        if k == 0 {
            continue;
        }
        let block = DMatrix::from_fn(k, k, |i, j| quadratic[(active[i], active[j])]);
        let right = DVector::from_fn(k, |i, _| -linear[active[i]] - penalty * signs[active[i]]);
        let Some(solved) = block.lu().solve(&right) else { continue };
        let mut q = vec![0.0; n];
        active.iter().zip(solved.iter()).for_each(|(i, x)| q[*i] = *x);
        if value(&q) < value(&best) {
            best = q;
        }
    }
    best
}

proptest! {
    #[test]
    fn the_path_is_that_of_all_signs(
        correlation in -0.6..0.9f64,
        scales in proptest::collection::vec(0.5..2.0f64, 5),
        linear in proptest::collection::vec(-3.0..3.0f64, 4),
        share in 0.0..1.0f64,
    ) {
        let sigma = covariance(4, correlation, &scales);
        let quadratic = DMatrix::from_fn(4, 4, |i, j| sigma[i][j]);
        let knots = path(&quadratic, &linear).unwrap();
        let penalty = share * knots[0].0;
        let frontier = Frontier {
            knots,
            start: Vec::new(),
            directions: Vec::new(),
            least_bias: 0.0,
            sigma: Vec::new(),
        };
        let slow = by_signs(&quadratic, &linear, penalty);
        for (a, b) in frontier.bends(penalty).iter().zip(&slow) {
            prop_assert!((a - b).abs() < 1e-9, "{:?} at {}", slow, penalty);
        }
    }

    /// No estimate that is unbiased for linear trends has a shorter interval.
    #[test]
    fn no_other_estimate_is_shorter(
        correlation in -0.3..0.9f64,
        scales in proptest::collection::vec(0.5..2.0f64, 6),
        effect in proptest::collection::vec(-1.0..1.0f64, 2),
        m in 0.0..3.0f64,
        steps in proptest::collection::vec(-0.3..0.3f64, 3),
    ) {
        prop_assume!(effect.iter().any(|x| x.abs() > 0.01));
        let sigma = covariance(6, correlation, &scales);
        let periods = Periods { pre: 4, post: 2 };
        let frontier = Frontier::new(&sigma, periods, &effect).unwrap();
        let beta = [0.0; 6];
        let best = frontier.interval(&beta, m, 0.95);
        // It is unbiased for a linear trend.
        let times = [-4.0, -3.0, -2.0, -1.0, 1.0, 2.0];
        prop_assert!(dot(&best.weights, &times).abs() < 1e-9);
        let half = |weights: &[f64]| {
            let variance: f64 =
                sigma.iter().zip(weights).map(|(row, w)| w * dot(row, weights)).sum();
            let error = variance.sqrt();
            error * folded_normal::quantile(0.95, m * worst_bias(weights, periods) / error)
        };
        assert_close(half(&best.weights), best.half, 1e-9);
        let mut other = best.weights.clone();
        for (step, direction) in steps.iter().zip(&frontier.directions) {
            other.iter_mut().zip(direction).for_each(|(x, d)| *x += step * d);
        }
        prop_assert!(half(&other) >= best.half * (1.0 - 1e-10));
    }
}

/// The largest bias of an estimate in ΔSD(1): a difference in trends is a linear one plus the sum
/// of its bends, each of which lets everything beyond it rise by one a period; each counts alone.
fn worst_bias(weights: &[f64], periods: Periods) -> f64 {
    let Periods { pre, post } = periods;
    let times: Vec<f64> =
        (0..pre).map(|k| k as f64 - pre as f64).chain((0..post).map(|k| k as f64 + 1.0)).collect();
    let bends = (1 - pre as i32)..(post as i32);
    bends
        .map(|at| {
            let at = f64::from(at);
            // Zero at the reference period, and kinked at `at`.
            let kinked = |t: f64| f64::max(t - at, 0.0) - f64::max(-at, 0.0);
            times.iter().zip(weights).map(|(t, w)| w * kinked(*t)).sum::<f64>().abs()
        })
        .sum()
}

/// With one coefficient before treatment there is one estimate, and its interval is in the formula.
#[test]
fn one_period_before_leaves_no_choice() {
    let sigma = vec![vec![4.0, 1.0], vec![1.0, 9.0]];
    let frontier = Frontier::new(&sigma, Periods { pre: 1, post: 1 }, &[1.0]).unwrap();
    let interval = frontier.interval(&[0.5, 2.0], 1.5, 0.95);
    // β_1 + β_{-1} extrapolates the slope −β_{-1}; variance 9 + 2 + 4; a bend at the reference
    // period is the whole bias.
    assert_eq!(interval.weights, [1.0, 1.0]);
    assert_close(interval.centre, 2.5, 1e-15);
    let error = 15.0f64.sqrt();
    assert_close(interval.half, error * folded_normal::quantile(0.95, 1.5 / error), 1e-14);
}

/// M = 0 is the best linear unbiased extrapolation: generalised least squares of the coefficients
/// before treatment on time, taken off those after it.
#[test]
fn a_bound_of_zero_extrapolates_a_line() {
    let sigma = covariance(5, 0.6, &[1.0, 0.7, 1.2, 0.9, 1.5]);
    let beta = [0.4, -0.2, 0.3, 1.0, 2.0];
    let frontier = Frontier::new(&sigma, Periods { pre: 3, post: 2 }, &[0.0, 1.0]).unwrap();
    let interval = frontier.interval(&beta, 0.0, 0.95);
    // β ~ (slope × time, slope × 1 + τ_1, slope × 2 + τ_2): τ_2 of this model by GLS.
    let matrix = DMatrix::from_fn(5, 5, |i, j| sigma[i][j]);
    let design = DMatrix::from_row_slice(
        5,
        3,
        &[-3.0, 0.0, 0.0, -2.0, 0.0, 0.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0],
    );
    let inverse = matrix.try_inverse().unwrap();
    let bread = (design.transpose() * &inverse * &design).try_inverse().unwrap();
    let fit = &bread * design.transpose() * &inverse * DVector::from_row_slice(&beta);
    assert_close(interval.centre, fit[2], 1e-10);
    assert_close(interval.half, normal::two_sided(0.95) * bread[(2, 2)].sqrt(), 1e-10);
}

/// Coefficients that are alike tie where they join the path.
#[test]
fn ties_do_not_stop_the_path() {
    for pre in 2..9 {
        let n = pre + 2;
        let sigma = covariance(n, 0.0, &vec![1.0; n]);
        let frontier = Frontier::new(&sigma, Periods { pre, post: 2 }, &[0.5, 0.5]).unwrap();
        let interval = frontier.interval(&vec![0.0; n], 0.1, 0.95);
        assert!(interval.half.is_finite());
        let alike = [[2.0, 1.0], [1.0, 2.0]];
        let quadratic = DMatrix::from_fn(2, 2, |i, j| alike[i][j]);
        let knots = path(&quadratic, &[-3.0, -3.0]).unwrap();
        let last = &knots.last().unwrap().1;
        assert!(last.iter().all(|q| (q - 1.0).abs() < 1e-12), "{last:?}");
    }
}
