use super::*;
use crate::MAX_POINTS;
use crate::testing::{assert_close, reason};
use crate::theil_sen;
use proptest::prelude::*;

const VARIANTS: [MannKendallVariant; 5] = [
    MannKendallVariant::Original,
    MannKendallVariant::HamedRao { lag: None },
    MannKendallVariant::YueWang { lag: Some(1) },
    MannKendallVariant::PreWhitening,
    MannKendallVariant::TrendFreePreWhitening,
];

fn steps(n: usize) -> Vec<f64> {
    (0..n).map(|t| t as f64).collect()
}

#[test]
fn small_example_by_hand() {
    let test = mann_kendall(&[1.0, 2.0, 4.0, 4.0, 9.0], &steps(5), MannKendallVariant::Original);
    // Nine rising pairs of ten, and one tie; 18 var(S) = 5·4·15 − 2·1·9.
    assert_eq!((test.score, test.estimate), (Some(9.0), Some(0.9)));
    assert_close(test.tau_b.unwrap(), 9.0 / f64::sqrt(90.0), 1e-15);
    assert_close(test.score_variance.unwrap(), 282.0 / 18.0, 1e-15);
    assert_close(test.statistic.unwrap(), 8.0 / f64::sqrt(282.0 / 18.0), 1e-15);
    assert_eq!((test.slope, test.intercept), (Some(1.75), Some(0.5)));
    assert_eq!((test.p_exact, test.n_obs), (None, 5));

    // Without the tie, all ten pairs rise: one order of 120, and its reverse.
    let test = mann_kendall(&[1.0, 2.0, 4.0, 5.0, 9.0], &steps(5), MannKendallVariant::Original);
    assert_close(test.p_exact.unwrap(), 2.0 / 120.0, 1e-15);
    assert_eq!(test.tau_b, Some(1.0));
}

/// Twelve years of a series that follows its own past.
const SERIES: [f64; 12] = [3.1, 3.6, 3.4, 4.2, 4.9, 4.6, 4.1, 4.4, 5.2, 5.9, 5.7, 6.3];

#[test]
fn agrees_with_pymannkendall() {
    // pymannkendall 1.4.3 on SERIES: z, p, Tau, s, var_s.
    for (variant, z, p, tau, s, variance) in PYMANNKENDALL {
        let test = mann_kendall(&SERIES, &steps(12), variant);
        assert_close(test.statistic.unwrap(), z, 1e-12);
        // Theirs has sixteen decimals.
        assert!((test.p_value.unwrap() - p).abs() <= 1e-12 * p + 2.0 * f64::EPSILON);
        assert_close(test.estimate.unwrap(), tau, 1e-15);
        assert_eq!(test.score, Some(s));
        assert_close(test.score_variance.unwrap(), variance, 1e-12);
        assert_close(test.slope.unwrap(), SLOPE, 1e-14);
    }
}

const SLOPE: f64 = 0.26625;

const PYMANNKENDALL: [(MannKendallVariant, f64, f64, f64, f64, f64); 7] = [
    (
        MannKendallVariant::Original,
        3.360054858486334,
        0.0007792699724176178,
        0.7575757575757576,
        50.0,
        212.66666666666666,
    ),
    (
        MannKendallVariant::HamedRao { lag: None },
        3.360054858486334,
        0.0007792699724176178,
        0.7575757575757576,
        50.0,
        212.66666666666666,
    ),
    (
        MannKendallVariant::HamedRao { lag: Some(3) },
        3.360054858486334,
        0.0007792699724176178,
        0.7575757575757576,
        50.0,
        212.66666666666666,
    ),
    (
        MannKendallVariant::YueWang { lag: None },
        7.641718550390611,
        2.1538326677728037e-14,
        0.7575757575757576,
        50.0,
        41.11592673149501,
    ),
    (
        MannKendallVariant::YueWang { lag: Some(1) },
        2.7979418801064395,
        0.005142936595519121,
        0.7575757575757576,
        50.0,
        306.7007106032042,
    ),
    (
        MannKendallVariant::PreWhitening,
        2.0240972548199596,
        0.04296014602842502,
        0.4909090909090909,
        27.0,
        165.0,
    ),
    (
        MannKendallVariant::TrendFreePreWhitening,
        3.113995776646092,
        0.001845721317696336,
        0.7454545454545455,
        41.0,
        165.0,
    ),
];

#[test]
fn neighbours_must_be_neighbours() {
    let gap = [2012.0, 2013.0, 2014.0, 2016.0];
    let twice = [2012.0, 2013.0, 2014.0, 2014.0];
    let value = [1.0, 3.0, 2.0, 5.0];
    for variant in VARIANTS.into_iter().skip(1) {
        assert_eq!(
            reason(mann_kendall(&value, &gap, variant).reason),
            "cannot be calculated because the years are not evenly spaced: 2014 to 2016"
        );
        assert_eq!(
            reason(mann_kendall(&value, &twice, variant).reason),
            "cannot be calculated because there is more than one value for 2014"
        );
    }
    for time in [gap, twice] {
        let test = mann_kendall(&value, &time, MannKendallVariant::Original);
        assert!(test.statistic.is_some() && test.reason.is_none());
    }
    // The unit of time does not matter to those tests, but for the slope.
    let hamed_rao = MannKendallVariant::HamedRao { lag: None };
    let years = mann_kendall(&SERIES, &steps(12), hamed_rao);
    let months: Vec<f64> = (0..12).map(|year| 2000.0 + f64::from(year) * 2.0).collect();
    let months = mann_kendall(&SERIES, &months, hamed_rao);
    assert_eq!(months.statistic, years.statistic);
    assert_eq!(months.slope, years.slope.map(|slope| slope / 2.0));
}

#[test]
fn edges() {
    for variant in VARIANTS {
        let why = |value: &[f64], time: &[f64]| reason(mann_kendall(value, time, variant).reason);
        assert!(why(&[], &[]).contains("there are 0 points (it takes 3 or more)"));
        assert!(why(&[1.0, 2.0], &steps(2)).contains("there are 2 points"));
        assert!(why(&[1.0, f64::NAN, 2.0], &steps(3)).contains("finite"));
        assert!(why(&[1.0, 2.0, 3.0], &steps(4)).contains("3 values and 4 times"));
        assert!(why(&[1.0, 2.0, 3.0], &[5.0; 3]).contains("all times are equal"));
        assert!(why(&[1e308, -1e308, 0.0], &steps(3)).contains("too large"));
        let many = vec![0.0; MAX_POINTS + 1];
        assert!(why(&many, &many).contains("5000 or fewer"));

        let flat = mann_kendall(&[5.0; 4], &steps(4), variant);
        assert_eq!((flat.slope, flat.intercept), (Some(0.0), Some(5.0)));
        assert_eq!((flat.score, flat.estimate, flat.tau_b), (Some(0.0), Some(0.0), None));
        assert_eq!((flat.statistic, flat.p_value, flat.p_exact), (None, None, None));
        assert_eq!(
            reason(flat.reason),
            "the test cannot be calculated because all values are equal"
        );
    }
    let lag = |lag| MannKendallVariant::YueWang { lag: Some(lag) };
    assert_eq!(
        reason(mann_kendall(&SERIES, &steps(12), lag(12)).reason),
        "cannot be calculated because lag is 12 (it must be below the 12 points)"
    );
    let original = mann_kendall(&SERIES, &steps(12), MannKendallVariant::Original);
    let uncorrected = mann_kendall(&SERIES, &steps(12), lag(0));
    assert_eq!(uncorrected.statistic, original.statistic);
}

#[test]
fn what_leaves_no_variance_has_a_reason() {
    // Up and down: the first autocorrelation is so far below zero that the factor is too.
    let value = [0.0, 9.0, 1.0, 8.5, 0.5, 9.5, 1.5, 9.25];
    let test = mann_kendall(&value, &steps(8), MannKendallVariant::YueWang { lag: Some(1) });
    assert_eq!(
        reason(test.reason),
        "the test cannot be calculated because the autocorrelation leaves the score no variance"
    );
    assert!(test.slope.is_some() && test.score.is_some());
    assert_eq!((test.statistic, test.score_variance), (None, None));

    // A straight line leaves nothing but rounding.
    let line: Vec<f64> = steps(9).iter().map(|t| 0.3 + 0.1 * t).collect();
    for variant in [VARIANTS[1], VARIANTS[2], VARIANTS[4]] {
        let test = mann_kendall(&line, &steps(9), variant);
        assert!(reason(test.reason).contains("on a straight line"));
        assert_eq!((test.score, test.statistic), (Some(36.0), None));
    }
}

#[test]
fn exact_probabilities_end_at_fifty_points() {
    let p_exact = |n| mann_kendall(&steps(n), &steps(n), MannKendallVariant::Original).p_exact;
    assert!(p_exact(50).is_some());
    assert!(p_exact(51).is_none());
}

/// Numbers of few digits, so that ties are common; scaling by a power of two is exact.
fn series(longest: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-30i32..30).prop_map(|value| f64::from(value) / 4.0), 4..longest)
}

proptest! {
    #[test]
    fn order_does_not_matter(value in series(25), seed in 1usize..1000) {
        let time = steps(value.len());
        let mut order: Vec<usize> = (0..value.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        for variant in VARIANTS {
            prop_assert_eq!(
                mann_kendall(&mixed.0, &mixed.1, variant),
                mann_kendall(&value, &time, variant)
            );
        }
    }

    #[test]
    fn follows_scale_and_direction(value in series(25)) {
        let time = steps(value.len());
        for variant in VARIANTS {
            let test = mann_kendall(&value, &time, variant);
            let scaled: Vec<f64> = value.iter().map(|y| 8.0 * y).collect();
            let scaled = mann_kendall(&scaled, &time, variant);
            prop_assert_eq!(scaled.statistic, test.statistic);
            prop_assert_eq!(scaled.slope, test.slope.map(|slope| 8.0 * slope));
            let later: Vec<f64> = time.iter().map(|t| t + 2000.0).collect();
            prop_assert_eq!(mann_kendall(&value, &later, variant).statistic, test.statistic);
            let turned: Vec<f64> = value.iter().map(|y| 0.0 - y).collect();
            let turned = mann_kendall(&turned, &time, variant);
            prop_assert_eq!(turned.score, test.score.map(|s| 0.0 - s));
            prop_assert_eq!(turned.p_value, test.p_value);
            prop_assert_eq!(turned.p_exact, test.p_exact);
        }
    }

    #[test]
    fn the_original_test_is_that_of_the_slope(value in series(25)) {
        let time = steps(value.len());
        let (test, slope) = (
            mann_kendall(&value, &time, MannKendallVariant::Original),
            theil_sen(&value, &time, 0.9),
        );
        prop_assert_eq!(test.slope, slope.estimate);
        prop_assert_eq!(test.intercept, slope.intercept);
        prop_assert_eq!(test.statistic, slope.statistic);
        prop_assert_eq!(test.p_value, slope.p_value);
        // By the definition.
        let pairs = (0..value.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
        let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
        let s: f64 = pairs.map(|(i, j)| sign(value[j] - value[i])).sum();
        prop_assert_eq!(test.score, Some(s));
    }
}
