use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn a_step_by_hand() {
    let value = [1.0, 2.0, 1.5, 9.0, 8.0, 8.5, 9.5];
    let time = [2010.0, 2011.0, 2012.0, 2014.0, 2015.0, 2016.0, 2017.0];
    let change = pettitt(&value, &time);
    // Ranks 1, 3, 2 | 6, 4, 5, 7: U_3 = 2·6 − 3·8.
    assert_eq!((change.estimate, change.first_after), (Some(2012.0), Some(2014.0)));
    assert_eq!(change.statistic, Some(12.0));
    assert_close(change.p_value.unwrap(), 2.0 * libm::exp(-864.0 / 392.0), 1e-14);
    assert_eq!(change.n_obs, 7);
    // Up and down again: the first of two places that change as much, and no evidence for either.
    let change = pettitt(&[1.0, 2.0, 1.0], &[1.0, 2.0, 3.0]);
    assert_eq!((change.estimate, change.p_value), (Some(1.0), Some(1.0)));
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64]| reason(pettitt(value, time).reason);
    assert!(why(&[1.0, 2.0], &[1.0, 2.0]).contains("there are 2 points (it takes 3 or more)"));
    assert_eq!(
        why(&[4.0; 3], &[1.0, 2.0, 3.0]),
        "cannot be calculated because all values are equal"
    );
    assert!(why(&[1.0, 2.0, 3.0], &[1.0, 2.0, 2.0]).contains("more than one value for 2"));
    assert!(why(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]).contains("finite"));
}

/// U by its first definition: signs of differences across the change.
fn slow_k(value: &[f64]) -> f64 {
    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    (1..value.len())
        .map(|k| {
            let (before, after) = value.split_at(k);
            let across = before.iter().flat_map(|a| after.iter().map(move |b| sign(a - b)));
            across.sum::<f64>().abs()
        })
        .fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn ranks_are_signs_across_the_change(
        value in prop::collection::vec((-9i32..9).prop_map(f64::from), 3..30),
        seed in 1usize..1000,
    ) {
        let time: Vec<f64> = (0..value.len()).map(|t| t as f64).collect();
        let change = pettitt(&value, &time);
        prop_assume!(change.statistic.is_some());
        prop_assert_eq!(change.statistic, Some(slow_k(&value)));

        let mut order: Vec<usize> = (0..value.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        prop_assert_eq!(pettitt(&mixed.0, &mixed.1), change.clone());
        // Only ranks count, and time backwards has the same change.
        let cubes: Vec<f64> = value.iter().map(|y| y * y * y).collect();
        prop_assert_eq!(pettitt(&cubes, &time), change.clone());
        let back: Vec<f64> = time.iter().map(|t| -t).collect();
        prop_assert_eq!(pettitt(&value, &back).statistic, change.statistic);
    }
}
