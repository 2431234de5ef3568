use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn four_values() {
    // The example of phe_mean; limits by SciPy, t.ppf.
    let result = mean_ci(&[30.0, 40.0, 50.0, 60.0], 0.95);
    let mean = result.mean;
    assert_eq!(mean.estimate, Some(45.0));
    assert_close(result.std_dev.unwrap(), 12.909_944_487_358_056, 1e-14);
    assert_close(mean.conf_low.unwrap(), 24.457_397_432_394_79, 1e-12);
    assert_close(mean.conf_high.unwrap(), 65.542_602_567_605_2, 1e-12);
    assert_close(mean.conf_low_998.unwrap(), -20.934_519_589_464_983, 1e-12);
    assert_close(mean.conf_high_998.unwrap(), 110.934_519_589_464_98, 1e-12);
    assert_eq!((mean.method, result.n_obs), (Some("Student's t"), 4));
}

#[test]
fn edges() {
    let one = mean_ci(&[7.5], 0.95);
    assert_eq!((one.mean.estimate, one.mean.conf_low, one.std_dev), (Some(7.5), None, None));
    assert_eq!(
        reason(one.mean.reason),
        "the limits cannot be calculated because there is 1 value (it takes 2 or more)"
    );
    let equal = mean_ci(&[0.1; 7], 0.95);
    assert_eq!((equal.mean.estimate, equal.std_dev), (Some(0.1), Some(0.0)));
    assert_eq!((equal.mean.conf_low, equal.mean.conf_high_998), (Some(0.1), Some(0.1)));

    let why = |values: &[f64], conf| reason(mean_ci(values, conf).mean.reason);
    assert!(why(&[], 0.95).contains("there are no values"));
    assert!(why(&[1.0, f64::NAN], 0.95).contains("value is NaN"));
    assert!(why(&[1.0, 2.0], 95.0).contains("conf_level is 95"));
    assert!(why(&[f64::MAX, -f64::MAX], 0.95).contains("too large"));
}

proptest! {
    #[test]
    fn order_shift_and_scale(
        (values, shuffled) in proptest::collection::vec(-50.0..50.0f64, 2..20)
            .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
    ) {
        let result = mean_ci(&values, 0.9);
        prop_assert_eq!(&result, &mean_ci(&shuffled, 0.9));
        let doubled: Vec<f64> = values.iter().map(|x| 2.0 * x).collect();
        let doubled = mean_ci(&doubled, 0.9).mean;
        prop_assert_eq!(doubled.conf_low, result.mean.conf_low.map(|x| 2.0 * x));
        let moved: Vec<f64> = values.iter().map(|x| x + 10.0).collect();
        let moved = mean_ci(&moved, 0.9).mean.conf_high.unwrap();
        prop_assert!((moved - 10.0 - result.mean.conf_high.unwrap()).abs() < 1e-9);
    }
}
