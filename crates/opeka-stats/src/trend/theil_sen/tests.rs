use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// The definition, written as SciPy's `theilslopes` has it: only pairs in which time goes forward,
/// ranks counted from 0.
fn slow(value: &[f64], time: &[f64], conf_level: f64, variance: f64) -> (f64, Option<(f64, f64)>) {
    let mut slopes: Vec<f64> = Vec::new();
    for i in 0..value.len() {
        for j in 0..value.len() {
            if time[j] > time[i] {
                slopes.push((value[j] - value[i]) / (time[j] - time[i]));
            }
        }
    }
    slopes.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let n = slopes.len();
    let slope = if n % 2 == 1 { slopes[n / 2] } else { (slopes[n / 2 - 1] + slopes[n / 2]) / 2.0 };
    let half = normal::two_sided(conf_level) * variance.sqrt();
    let upper = ((n as f64 + half) / 2.0).round() as usize;
    let lower = ((n as f64 - half) / 2.0).round() - 1.0;
    let limits =
        (lower >= 0.0 && upper < n).then(|| (slopes[lower.max(0.0) as usize], slopes[upper]));
    (slope, limits)
}

fn slow_variance_without_ties_in_time(value: &[f64]) -> f64 {
    let n = value.len() as f64;
    let mut ties = 0.0;
    for (i, a) in value.iter().enumerate() {
        if value[..i].contains(a) {
            continue;
        }
        let t = value.iter().filter(|b| *b == a).count() as f64;
        ties += t * (t - 1.0) * (2.0 * t + 5.0);
    }
    (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0
}

#[test]
fn small_example_by_hand() {
    let value = [1.0, 2.0, 4.0, 4.0, 9.0];
    let trend = theil_sen(&value, &[0.0, 1.0, 2.0, 3.0, 4.0], 0.95);
    // Ten slopes: 0, 1, 1, 1, 1.5, 2, 2, 2.333…, 2.5, 5.
    assert_eq!(trend.estimate, Some(1.75));
    assert_eq!(trend.intercept, Some(4.0 - 2.0 * 1.75));
    assert_eq!(trend.n_obs, 5);
    // Nine rising pairs and one tie; 18 var(S) = 5·4·15 − 2·1·9.
    let variance = 282.0 / 18.0;
    assert_close(trend.statistic.unwrap(), 8.0 / f64::sqrt(variance), 1e-15);
    assert_close(trend.p_value.unwrap(), 0.043_262_727_8, 1e-9);
    // C = 1.96 √var = 7.76: ranks round(1.12) = 1 and round(9.88) = 10.
    assert_eq!((trend.conf_low, trend.conf_high), (Some(0.0), Some(5.0)));
}

#[test]
fn spacing_is_the_true_one() {
    // A line is a line whichever years are missing.
    let time = [2005.0, 2006.0, 2010.0, 2011.0, 2019.0, 2020.0];
    let value: Vec<f64> = time.iter().map(|t| 7.0 - 0.5 * (t - 2000.0)).collect();
    let trend = theil_sen(&value, &time, 0.95);
    assert_eq!(trend.estimate, Some(-0.5));
    assert_eq!((trend.conf_low, trend.conf_high), (Some(-0.5), Some(-0.5)));
    assert_eq!(trend.intercept, Some(1007.0));
}

#[test]
fn equal_times_have_no_slope() {
    let trend = theil_sen(&[1.0, 3.0, 2.0, 4.0], &[1.0, 1.0, 2.0, 2.0], 0.5);
    // Pairs across: (1→2), (1→4), (3→2), (3→4): slopes 1, 3, −1, 1.
    assert_eq!(trend.estimate, Some(1.0));
    assert!(
        reason(theil_sen(&[1.0, 2.0, 3.0], &[5.0; 3], 0.95).reason).contains("times are equal")
    );
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64], conf| reason(theil_sen(value, time, conf).reason);
    let years = [1.0, 2.0, 3.0, 4.0];
    assert!(why(&[], &[], 0.95).contains("there are 0 points (it takes 3 or more)"));
    assert!(why(&[1.0, 2.0], &years[..2], 0.95).contains("there are 2 points"));
    assert!(why(&[1.0, 2.0, f64::NAN], &years[..3], 0.95).contains("finite"));
    assert!(why(&[1.0, 2.0, 3.0], &years, 0.95).contains("3 values and 4 times"));
    assert!(why(&[1.0, 2.0, 3.0], &years[..3], 0.0).contains("conf_level is 0"));
    assert!(why(&[1e308, -1e308, 0.0], &years[..3], 0.95).contains("too large"));
    let many = vec![0.0; MAX_POINTS + 1];
    assert!(why(&many, &many, 0.95).contains("5000 or fewer"));

    let few = theil_sen(&[1.0, 2.0, 4.0, 8.0], &years, 0.95);
    assert!(few.estimate.is_some() && few.p_value.is_some() && few.conf_low.is_none());
    assert_eq!(
        reason(few.reason),
        "the limits cannot be calculated because 4 points are too few for a conf_level of 0.95"
    );
    let flat = theil_sen(&[5.0; 4], &years, 0.95);
    assert_eq!((flat.estimate, flat.intercept), (Some(0.0), Some(5.0)));
    assert_eq!((flat.statistic, flat.p_value, flat.conf_low), (None, None, None));
    assert_eq!(
        reason(flat.reason),
        "the limits and the test cannot be calculated because all values are equal"
    );
}

/// Small numbers of few digits, so that sums and differences are exact and ties are common.
fn series(times_may_tie: bool) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let point = (-40i32..40, 1i32..8);
    prop::collection::vec(point, 3..25).prop_map(move |points| {
        let mut clock = 0;
        points
            .into_iter()
            .map(|(value, step)| {
                clock += if times_may_tie { step / 4 } else { step };
                (f64::from(value) / 4.0, f64::from(clock))
            })
            .unzip()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_slow_reference((value, time) in series(false), conf in 0.5..0.99f64) {
        let variance = slow_variance_without_ties_in_time(&value);
        prop_assume!(variance > 0.0);
        assert_close(kendall::variance_of_s(&time, &value), variance, 1e-12);
        let (slope, limits) = slow(&value, &time, conf, variance);
        let trend = theil_sen(&value, &time, conf);
        prop_assert_eq!(trend.estimate, Some(slope));
        prop_assert_eq!(trend.conf_low.zip(trend.conf_high), limits);
    }

    #[test]
    fn order_does_not_matter((value, time) in series(true), seed in 1usize..1000) {
        let n = value.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        prop_assert_eq!(theil_sen(&mixed.0, &mixed.1, 0.9), theil_sen(&value, &time, 0.9));
    }

    #[test]
    fn follows_shift_and_scale((value, time) in series(true)) {
        let trend = theil_sen(&value, &time, 0.9);
        prop_assume!(trend.estimate.is_some());
        let with = |change: &dyn Fn(f64) -> f64, clock: &dyn Fn(f64) -> f64| {
            let value: Vec<f64> = value.iter().copied().map(change).collect();
            let time: Vec<f64> = time.iter().copied().map(clock).collect();
            theil_sen(&value, &time, 0.9)
        };
        let scaled = |by: f64| move |x: f64| x * by;
        let slope = |t: &TheilSen| (t.estimate, t.conf_low, t.conf_high);
        let times = |by: f64| (
            trend.estimate.map(scaled(by)),
            trend.conf_low.map(scaled(by)),
            trend.conf_high.map(scaled(by)),
        );

        // Adding to every value or to every time changes neither the slope nor the test.
        let shifted = with(&|y| y + 1000.0, &|t| t + 2000.0);
        prop_assert_eq!(slope(&shifted), slope(&trend));
        prop_assert_eq!((shifted.statistic, shifted.p_value), (trend.statistic, trend.p_value));
        // Units of value and of time: powers of two are exact.
        prop_assert_eq!(slope(&with(&|y| 8.0 * y, &|t| t)), times(8.0));
        prop_assert_eq!(slope(&with(&|y| y, &|t| 4.0 * t)), times(0.25));
        // Time run backwards turns the slope and its limits round.
        let back = with(&|y| y, &|t| -t);
        prop_assert_eq!(back.estimate, trend.estimate.map(|s| 0.0 - s));
        prop_assert_eq!(back.conf_low, trend.conf_high.map(|s| 0.0 - s));
        prop_assert_eq!(back.p_value, trend.p_value);
    }

    #[test]
    fn one_wild_year_does_not_matter(n in 8usize..30, wild in 0usize..30, by in -1e6..1e6f64) {
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let mut value: Vec<f64> = time.iter().map(|t| 3.0 * t).collect();
        value[wild % n] += by.round();
        prop_assert_eq!(theil_sen(&value, &time, 0.95).estimate, Some(3.0));
    }
}
