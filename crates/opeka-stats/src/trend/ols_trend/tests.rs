use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn small_example_by_hand() {
    let line = ols_trend(&[1.0, 3.0, 4.0, 8.0], &[0.0, 1.0, 2.0, 3.0], 0.95);
    assert_close(line.estimate.unwrap(), 2.2, 1e-14);
    assert_close(line.intercept.unwrap(), 0.7, 1e-13);
    // Σe² = 1.8 with 2 degrees of freedom, Σ(t − t̄)² = 5, Σ(y − ȳ)² = 26.
    assert_close(line.std_error.unwrap(), f64::sqrt(0.18), 1e-13);
    assert_close(line.statistic.unwrap(), 2.2 / f64::sqrt(0.18), 1e-13);
    assert_close(line.r_squared.unwrap(), 1.0 - 1.8 / 26.0, 1e-13);
    assert_close(line.adj_r_squared.unwrap(), 1.0 - 0.9 / (26.0 / 3.0), 1e-13);
    // Residuals 0.3, 0.1, −1.1, 0.7.
    assert_close(line.durbin_watson.unwrap(), (0.04 + 1.44 + 3.24) / 1.8, 1e-12);
    // t with 2 degrees of freedom has a closed form: p = 1 − t/√(2 + t²).
    let t = line.statistic.unwrap();
    assert_close(line.p_value.unwrap(), 1.0 - t / (2.0 + t * t).sqrt(), 1e-12);
    let reach = 4.302_652_729_749_464 * f64::sqrt(0.18);
    assert_close(line.conf_low.unwrap(), 2.2 - reach, 1e-11);
    assert_close(line.conf_high.unwrap(), 2.2 + reach, 1e-11);
}

#[test]
fn edges() {
    let years = [2010.0, 2011.0, 2012.0, 2013.0];
    let why = |value: &[f64], time: &[f64], conf| reason(ols_trend(value, time, conf).reason);
    assert!(why(&[1.0, 2.0], &years[..2], 0.95).contains("there are 2 points"));
    assert!(why(&[1.0, 2.0, 3.0], &years, 0.95).contains("3 values and 4 times"));
    assert!(why(&[1.0, 2.0, 4.0], &[2010.0; 3], 0.95).contains("all times are equal"));
    assert!(why(&[1.0, 2.0, f64::INFINITY], &years[..3], 0.95).contains("finite"));
    assert!(why(&[1.0, 2.0, 4.0], &years[..3], 95.0).contains("conf_level is 95"));
    assert!(why(&[1e308, -1e308, 1e308], &years[..3], 0.95).contains("too large"));

    for value in [[0.1, 0.2, 0.3, 0.4], [7.7; 4]] {
        let line = ols_trend(&value, &years, 0.95);
        assert!((line.estimate.unwrap() - (value[1] - value[0])).abs() < 1e-12);
        assert_eq!((line.std_error, line.p_value, line.r_squared), (None, None, None));
        assert_eq!(
            reason(line.reason),
            "the error, the limits and the test cannot be calculated because the points lie on a \
             straight line"
        );
    }
}

proptest! {
    #[test]
    fn order_shift_and_scale(
        value in prop::collection::vec((-99i32..99).prop_map(f64::from), 4..20),
        seed in 1usize..1000,
    ) {
        let n = value.len();
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let line = ols_trend(&value, &time, 0.9);
        prop_assume!(line.std_error.is_some());
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        prop_assert_eq!(ols_trend(&mixed.0, &mixed.1, 0.9), line.clone());

        // Years of the calendar lose no digits, and units only multiply.
        let years: Vec<f64> = time.iter().map(|t| t + 2000.0).collect();
        let thousands: Vec<f64> = value.iter().map(|y| 1000.0 * y).collect();
        let other = ols_trend(&thousands, &years, 0.9);
        let close = |a: Option<f64>, b: Option<f64>, by: f64| {
            let (a, b) = (a.unwrap(), by * b.unwrap());
            (a - b).abs() <= 1e-9 * b.abs() + 1e-8
        };
        prop_assert!(close(other.estimate, line.estimate, 1000.0));
        prop_assert!(close(other.std_error, line.std_error, 1000.0));
        prop_assert!(close(other.p_value, line.p_value, 1.0));
        prop_assert!(close(other.durbin_watson, line.durbin_watson, 1.0));
        let low = line.estimate.unwrap() - line.conf_low.unwrap();
        let high = line.conf_high.unwrap() - line.estimate.unwrap();
        prop_assert!((low - high).abs() <= 1e-9 * high);
    }
}
