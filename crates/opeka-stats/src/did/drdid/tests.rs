use proptest::prelude::*;

use super::changes::Changes;
use super::cross_sections::cross_sections;
use super::*;
use crate::testing::{assert_close, reason};

const METHODS: [AttMethod; 3] =
    [AttMethod::DoublyRobust, AttMethod::Regression, AttMethod::InverseProbability];

/// Rows at random, of which every third one is treated, with one covariate that hints at it.
fn sample() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>)> {
    let column = |low: f64, high: f64| proptest::collection::vec(low..high, 24);
    (column(-3.0, 3.0), column(-1.0, 1.0), column(0.5, 2.0)).prop_map(|(y, noise, weights)| {
        let hint = |row: usize| if row.is_multiple_of(3) { 0.3 } else { 0.0 };
        let x = noise.iter().enumerate().map(|(row, noise)| noise + hint(row)).collect();
        (y, x, weights)
    })
}

fn treated(n: usize) -> Vec<bool> {
    (0..n).map(|row| row.is_multiple_of(3)).collect()
}

/// Half of the treated and of the controls are seen after.
fn after(n: usize) -> Vec<bool> {
    (0..n).map(|row| (row / 3).is_multiple_of(2)).collect()
}

fn changes(y: &[f64], x: &[f64], weights: &[f64], method: AttMethod) -> Option<(f64, Vec<f64>)> {
    let comparison = Comparison::new(treated(y.len()), Some(weights.to_vec()), &[x.to_vec()]);
    Changes::new(comparison, method).ok().map(|ready| ready.estimate(y, y.len()))
}

fn levels(y: &[f64], x: &[f64], weights: &[f64], method: AttMethod) -> Option<(f64, Vec<f64>)> {
    let comparison = Comparison::new(treated(y.len()), Some(weights.to_vec()), &[x.to_vec()]);
    cross_sections(&comparison, y, &after(y.len()), method, y.len()).ok()
}

#[test]
fn without_covariates_a_difference_of_mean_changes() {
    let treated = vec![true, true, false, false];
    let change = [3.0, 5.0, 1.0, 2.0];
    for method in METHODS {
        let plain = Changes::new(Comparison::new(treated.clone(), None, &[]), method).unwrap();
        let (estimate, influence) = plain.estimate(&change, 4);
        assert_close(estimate, 4.0 - 1.5, 1e-15);
        // n (d − mean) / n of the group.
        assert_eq!(influence, [-2.0, 2.0, 1.0, -1.0]);
        let weights = Some(vec![3.0, 1.0, 1.0, 1.0]);
        let heavy = Changes::new(Comparison::new(treated.clone(), weights, &[]), method).unwrap();
        assert_close(heavy.estimate(&change, 4).0, 3.5 - 1.5, 1e-14);
    }
}

#[test]
fn levels_of_a_whole_panel_are_its_changes() {
    let treated = vec![true, true, false, false, false];
    let (before, now) = ([1.0, 2.0, 4.0, 3.0, 0.0], [4.0, 7.0, 5.0, 5.0, 1.5]);
    let change: Vec<f64> = now.iter().zip(&before).map(|(a, b)| a - b).collect();
    let by_change =
        Changes::new(Comparison::new(treated.clone(), None, &[]), AttMethod::Regression);
    let (estimate, of_unit) = by_change.unwrap().estimate(&change, 5);
    let both = Comparison::new([treated.clone(), treated].concat(), None, &[]);
    let post = [[false; 5], [true; 5]].concat();
    let y = [before, now].concat();
    for method in METHODS {
        let (levels, of_row) = cross_sections(&both, &y, &post, method, 5).unwrap();
        assert_close(levels, estimate, 1e-14);
        for unit in 0..5 {
            assert_close(of_row[unit] + of_row[unit + 5], of_unit[unit], 1e-13);
        }
    }
}

#[test]
fn a_regression_by_hand() {
    // Controls lie on 1 + 2x; the treated gained 3 more than that.
    let treated = vec![true, true, false, false, false];
    let x = vec![2.0, 3.0, 0.0, 1.0, 4.0];
    let change = [8.0, 10.0, 1.0, 3.0, 9.0];
    let comparison = Comparison::new(treated, None, &[x]);
    let ready = Changes::new(comparison, AttMethod::Regression).unwrap();
    assert_close(ready.estimate(&change, 5).0, 3.0, 1e-13);
}

#[test]
fn what_cannot_be_compared_has_a_reason() {
    let treated = vec![true, true, true, false, false, false];
    let of = |x: Vec<f64>, method| {
        let comparison = Comparison::new(treated.clone(), None, &[x]);
        reason(Changes::new(comparison, method).err())
    };
    // The covariate tells who is treated.
    let apart = vec![3.0, 4.0, 5.0, 0.0, 1.0, 2.0];
    assert!(of(apart.clone(), AttMethod::DoublyRobust).contains("do not overlap"));
    assert!(of(apart.clone(), AttMethod::InverseProbability).contains("do not overlap"));
    let comparison = Comparison::new(treated.clone(), None, &[apart]);
    assert!(Changes::new(comparison, AttMethod::Regression).is_ok());
    // It does not vary, among controls or at all.
    let constant = vec![1.0, 2.0, 3.0, 0.1, 0.1, 0.1];
    assert!(of(constant, AttMethod::Regression).contains("does not vary among the 3 controls"));
    assert!(of(vec![0.1; 6], AttMethod::Regression).contains("does not vary"));
    assert!(of(vec![0.1; 6], AttMethod::InverseProbability).contains("overlap"));
    let columns: Vec<Vec<f64>> = (0..4).map(|k| vec![f64::from(k); 6]).collect();
    let many = Changes::new(Comparison::new(treated, None, &columns), AttMethod::Regression);
    assert!(reason(many.err()).contains("there are 3 controls for 4 covariates"));
}

/// Whether no control is so heavy, or so near to the limit of trimming, that a small step is large.
fn overlaps(x: &[f64], weights: &[f64]) -> bool {
    let comparison = Comparison::new(treated(x.len()), Some(weights.to_vec()), &[x.to_vec()]);
    comparison.odds().is_ok_and(|odds| odds.weights.iter().all(|odds| *odds < 20.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The influence of a row is how far the estimate moves when the row counts a little more.
    #[test]
    fn influence_is_a_derivative((y, x, weights) in sample()) {
        prop_assume!(overlaps(&x, &weights));
        type Ask = fn(&[f64], &[f64], &[f64], AttMethod) -> Option<(f64, Vec<f64>)>;
        let mut asks: Vec<(Ask, AttMethod)> =
            METHODS.iter().map(|method| (changes as Ask, *method)).collect();
        // For levels, doubly robust, the reference has a sign of its own.
        asks.push((levels, AttMethod::Regression));
        asks.push((levels, AttMethod::InverseProbability));
        for (ask, method) in asks {
            let Some((estimate, influence)) = ask(&y, &x, &weights, method) else { continue };
            let n = y.len() as f64;
            prop_assert!(influence.iter().sum::<f64>().abs() < 1e-7 * n);
            for row in 0..y.len() {
                let step = 1e-5;
                let moved = |by: f64| {
                    let mut heavier = weights.clone();
                    heavier[row] *= 1.0 + by;
                    ask(&y, &x, &heavier, method).map_or(f64::NAN, |(estimate, _)| estimate)
                };
                let slope = (moved(step) - moved(-step)) / (2.0 * step);
                let size = 1e-5 * (1.0 + estimate.abs() + influence[row].abs() / n);
                prop_assert!(
                    (slope - influence[row] / n).abs() < size,
                    "{:?} {}: {} is not {}", method, row, influence[row] / n, slope
                );
            }
        }
    }

    /// Neither the units of a covariate nor its zero matter.
    #[test]
    fn covariates_may_be_shifted_and_scaled((y, x, weights) in sample()) {
        let other: Vec<f64> = x.iter().map(|x| 1e6 * x - 3e5).collect();
        for method in METHODS {
            for ask in [changes, levels] {
                let (one, two) = (ask(&y, &x, &weights, method), ask(&y, &other, &weights, method));
                prop_assert_eq!(one.is_some(), two.is_some());
                let (Some((a, first)), Some((b, second))) = (one, two) else { continue };
                prop_assert!((a - b).abs() < 1e-7 * (1.0 + a.abs()), "{} is not {}", a, b);
                for (a, b) in first.iter().zip(&second) {
                    prop_assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{} is not {}", a, b);
                }
            }
        }
    }

    /// The logistic regression leaves nothing between treated units and their propensities.
    #[test]
    fn the_score_is_zero_at_the_top((_, x, weights) in sample()) {
        let comparison = Comparison::new(treated(x.len()), Some(weights), &[x]);
        let Ok(odds) = comparison.odds() else { return Ok(()) };
        for sum in comparison.moments(&odds.score) {
            prop_assert!(sum.abs() < 1e-10, "{}", sum);
        }
    }
}
