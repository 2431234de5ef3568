use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const PANEL: [f64; 20] = [
    20.1, 22.64, 18.0, 14.07, 16.75, 13.51, 20.57, 34.33, 16.5, 15.67, 24.43, 23.17, 20.95, 13.84,
    19.85, 26.53, 11.73, 16.73, 9.39, 11.99,
];

fn years() -> Vec<f64> {
    [2010.0, 2011.0, 2013.0, 2016.0].iter().flat_map(|year| [*year; 5]).collect()
}

#[test]
fn sigma_by_statsmodels() {
    // statsmodels OLS of numpy's std(log(x), ddof=1) on the year.
    let sigma = sigma_convergence(&PANEL, &years(), 0.95);
    for (ours, theirs) in [
        (sigma.estimate, 0.025_195_539_051_726_924),
        (sigma.conf_low, -0.072_278_424_600_251_47),
        (sigma.conf_high, 0.122_669_502_703_705_33),
        (sigma.statistic, 1.112_170_376_752_927_8),
        (sigma.p_value, 0.381_833_960_207_643_7),
        (sigma.first, 0.180_653_042_055_372_47),
        (sigma.last, 0.404_259_180_045_064_9),
    ] {
        assert_close(ours.unwrap(), theirs, 1e-11);
    }
    assert_eq!((sigma.n_obs, sigma.n_times), (20, 4));
    assert_eq!((sigma.note, sigma.reason), (None, None));
}

#[test]
fn sigma_of_incomplete_panels() {
    let sigma = sigma_convergence(&PANEL[..18], &years()[..18], 0.95);
    assert_eq!(
        sigma.note.as_deref(),
        Some("the number of areas differs between times (from 3 to 5)")
    );
    assert!(sigma.estimate.is_some());

    let one = sigma_convergence(&PANEL[..5], &years()[..5], 0.95);
    assert_eq!((one.estimate, one.first, one.n_times), (None, one.last, 1));
    assert_eq!(reason(one.reason), "the trend cannot be calculated because all times are equal");
    let two = sigma_convergence(&PANEL[..10], &years()[..10], 0.95);
    assert_close(two.estimate.unwrap(), two.last.unwrap() - two.first.unwrap(), 1e-12);
    assert!(reason(two.reason).starts_with("the limits and the test cannot be calculated"));

    // The same values every year: nothing changes, and there is nothing to test.
    let same = [4.0, 9.0, 4.0, 9.0, 4.0, 9.0];
    let same = sigma_convergence(&same, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0], 0.95);
    assert_eq!((same.p_value, same.first), (None, same.last));
    assert!(same.estimate.unwrap().abs() < 1e-15);
    assert!(reason(same.reason).contains("all points lie on a line"));
}

#[test]
fn sigma_edges() {
    let why = |v: &[f64], t: &[f64]| reason(sigma_convergence(v, t, 0.95).reason);
    assert!(why(&[], &[]).contains("there are no values"));
    assert!(why(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0]).contains("there is 1 value at time 2"));
    assert!(why(&[1.0, 0.0], &[1.0, 1.0]).contains("value is 0"));
    assert!(why(&[1.0, 2.0], &[1.0, f64::NAN]).contains("time is NaN"));
    assert!(why(&[1.0], &[1.0, 2.0]).contains("1 values and 2 times"));
    assert!(reason(sigma_convergence(&[], &[], 2.0).reason).contains("conf_level is 2"));
}

#[test]
fn beta_by_statsmodels() {
    let start = [12.0, 15.0, 21.0, 30.0, 44.0, 52.0];
    let end = [22.0, 24.0, 30.0, 37.0, 49.0, 60.0];
    let beta = beta_convergence(&start, &end, 8.0, 0.95);
    for (ours, theirs) in [
        (beta.estimate, -0.040_910_805_903_854_85),
        (beta.conf_low, -0.054_189_793_502_800_77),
        (beta.conf_high, -0.027_631_818_304_908_92),
        (beta.statistic, -8.553_860_447_197_886),
        (beta.p_value, 0.001_025_494_393_816_620_2),
        (beta.intercept, 0.171_544_792_774_655_45),
        (beta.r_squared, 0.948_165_397_537_660_7),
        (beta.speed, 0.049_554_458_416_068_21),
        (beta.half_life, 13.987_584_623_368_416),
    ] {
        assert_close(ours.unwrap(), theirs, 1e-10);
    }
    assert_eq!((beta.n_obs, beta.reason), (6, None));
}

#[test]
fn beta_edges() {
    // Areas that diverge have a speed below zero and no half-life.
    let apart = beta_convergence(&[1.0, 2.0, 3.0], &[1.0, 3.0, 6.0], 5.0, 0.95);
    assert!(apart.estimate > Some(0.0) && apart.speed < Some(0.0));
    assert_eq!(apart.half_life, None);
    assert_eq!(
        reason(apart.reason),
        "the half-life cannot be calculated because areas do not converge"
    );
    // Areas that change places.
    let crossed = beta_convergence(&[1.0, 2.0, 4.0], &[5.0, 1.9, 1.0], 5.0, 0.95);
    assert_eq!((crossed.speed, crossed.half_life), (None, None));
    assert!(reason(crossed.reason).starts_with("speed and half-life cannot"));
    let two = beta_convergence(&[1.0, 2.0], &[2.0, 3.0], 5.0, 0.95);
    assert!(two.estimate.is_some() && two.speed.is_some() && two.p_value.is_none());
    assert!(reason(two.reason).starts_with("the limits and the test"));

    let why = |a: &[f64], b: &[f64], t| reason(beta_convergence(a, b, t, 0.95).reason);
    assert!(why(&[1.0], &[1.0], 5.0).contains("there are 1 areas"));
    assert!(why(&[2.0, 2.0], &[1.0, 3.0], 5.0).contains("the same start_value"));
    assert!(why(&[1.0, 0.0], &[1.0, 1.0], 5.0).contains("start_value is 0"));
    assert!(why(&[1.0, 2.0], &[-1.0, 1.0], 5.0).contains("end_value is -1"));
    assert!(why(&[1.0, 2.0], &[1.0, 1.0], 0.0).contains("years is 0"));
    assert!(why(&[1.0, 2.0], &[1.0], 1.0).contains("2 start values and 1 end values"));
}

proptest! {
    #[test]
    fn order_does_not_matter(
        (rows, shuffled) in proptest::collection::vec((0.5..90.0f64, 0.5..90.0f64), 4..16)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        let columns = |rows: &[(f64, f64)]| rows.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>();
        let ((a, b), (c, d)) = (columns(&rows), columns(&shuffled));
        prop_assert_eq!(beta_convergence(&a, &b, 7.0, 0.9), beta_convergence(&c, &d, 7.0, 0.9));

        // The second column as a value at alternating times.
        let time = |rows: &[(f64, f64)]| -> Vec<f64> {
            rows.iter().map(|row| f64::from(row.0 > 45.0)).collect()
        };
        prop_assert_eq!(
            sigma_convergence(&b, &time(&rows), 0.9),
            sigma_convergence(&d, &time(&shuffled), 0.9)
        );
    }

    #[test]
    fn beta_is_found_where_it_was_put(
        start in proptest::collection::vec(1.0..90.0f64, 3..12), speed in 0.001..0.2f64,
        years in 1.0..30.0f64
    ) {
        // ln end = common level + e^(−βT) (ln start − common level), exactly.
        let kept = libm::exp(-speed * years);
        let end: Vec<f64> =
            start.iter().map(|x| libm::exp(3.0 + kept * (libm::log(*x) - 3.0))).collect();
        prop_assume!(start.iter().any(|x| (x - start[0]).abs() > 0.1));
        let beta = beta_convergence(&start, &end, years, 0.95);
        assert_close(beta.speed.unwrap(), speed, 1e-6);
        assert_close(beta.half_life.unwrap(), std::f64::consts::LN_2 / speed, 1e-6);
    }

    #[test]
    fn units_of_value_do_not_change_sigma(scale in 0.1..40.0f64) {
        let scaled: Vec<f64> = PANEL.iter().map(|x| x * scale).collect();
        let (ours, other) = (sigma_convergence(&PANEL, &years(), 0.95),
                             sigma_convergence(&scaled, &years(), 0.95));
        prop_assert!((ours.estimate.unwrap() - other.estimate.unwrap()).abs() < 1e-12);
        prop_assert!((ours.first.unwrap() - other.first.unwrap()).abs() < 1e-12);
    }
}
