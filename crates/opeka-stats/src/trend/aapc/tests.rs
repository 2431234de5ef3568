use super::*;
use crate::ols_trend;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn growth_by_a_fixed_share_is_that_share() {
    let time: Vec<f64> = (2000..2012).map(f64::from).collect();
    let value: Vec<f64> = time.iter().map(|t| 50.0 * libm::pow(0.97, t - 2000.0)).collect();
    let change = aapc(&value, &time, None, 0.95);
    assert_close(change.estimate.unwrap(), -3.0, 1e-11);
    assert_eq!((change.conf_low, change.p_value), (None, None));
    assert!(reason(change.reason).contains("lie on one curve of growth"));
}

#[test]
fn edges() {
    let years = [1.0, 2.0, 3.0, 4.0];
    let why = |value: &[f64], weight| reason(aapc(value, &years, weight, 0.95).reason);
    assert_eq!(
        why(&[3.0, 0.0, 2.0, 1.0], None),
        "cannot be calculated because value is 0 (it must be above zero)"
    );
    assert!(why(&[3.0, -2.0, 2.0, 1.0], None).contains("value is -2"));
    assert!(why(&[3.0, 2.0, 2.0, 1.0], Some(&[1.0, 2.0, 0.0, 1.0])).contains("weight is 0"));
    assert!(why(&[3.0, 2.0, 2.0, 1.0], Some(&[1.0, 2.0])).contains("2 values and 4 times"));
    assert!(why(&[3.0, 2.0, 2.0], None).contains("3 values and 4 times"));
    assert!(reason(aapc(&[1.0, 2.0], &years[..2], None, 0.95).reason).contains("2 points"));
    assert!(reason(aapc(&[1.0; 3], &[1.0; 3], None, 0.95).reason).contains("all times are equal"));
    assert!(reason(aapc(&[1.0; 3], &years[..3], None, 0.0).reason).contains("conf_level is 0"));
    // A few points far apart have limits beyond any number.
    let wild = aapc(&[1e-300, 1e300, 1e-300, 1e300], &years, None, 0.999);
    assert!(wild.estimate.is_some() && wild.conf_high.is_none());
    assert!(reason(wild.reason).contains("the limits cannot be calculated"));
}

proptest! {
    #[test]
    fn is_the_line_of_the_logarithms(
        value in prop::collection::vec(0.1..1000.0f64, 4..20),
        copies in prop::collection::vec(1usize..4, 20),
    ) {
        let time: Vec<f64> = (0..value.len()).map(|t| t as f64).collect();
        let change = aapc(&value, &time, None, 0.9);
        let logs: Vec<f64> = value.iter().map(|&y| libm::log(y)).collect();
        let line = ols_trend(&logs, &time, 0.9);
        prop_assert_eq!((change.slope, change.std_error), (line.estimate, line.std_error));
        prop_assert_eq!((change.statistic, change.p_value), (line.statistic, line.p_value));
        prop_assert_eq!(change.conf_low, line.conf_low.map(per_cent));
        prop_assert_eq!(change.conf_high, line.conf_high.map(per_cent));

        // A point of weight two pulls like a point that is there twice.
        let weight: Vec<f64> = value.iter().zip(&copies).map(|(_, &k)| k as f64).collect();
        let copy = |column: &[f64]| -> Vec<f64> {
            column.iter().zip(&copies).flat_map(|(&x, &k)| vec![x; k]).collect()
        };
        let weighted = aapc(&value, &time, Some(&weight), 0.9).slope.unwrap();
        let copied = aapc(&copy(&value), &copy(&time), None, 0.9).slope.unwrap();
        prop_assert!((weighted - copied).abs() <= 1e-10, "{weighted} {copied}");
        // One weight for all is none.
        let even = aapc(&value, &time, Some(&vec![3.0; value.len()]), 0.9);
        prop_assert!((even.std_error.unwrap() - change.std_error.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn order_and_units_do_not_matter(
        value in prop::collection::vec(0.1..1000.0f64, 4..20),
        seed in 1usize..1000,
    ) {
        let n = value.len();
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        let change = aapc(&value, &time, Some(&value), 0.9);
        prop_assert_eq!(aapc(&mixed.0, &mixed.1, Some(&mixed.0), 0.9), change);
        let plain = aapc(&value, &time, None, 0.9);
        let thousands: Vec<f64> = value.iter().map(|y| 1000.0 * y).collect();
        let other = aapc(&thousands, &time, None, 0.9);
        prop_assert!((other.slope.unwrap() - plain.slope.unwrap()).abs() < 1e-12);
    }
}
