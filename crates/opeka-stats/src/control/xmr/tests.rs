use super::*;
use crate::Polarity;
use crate::control::xmr_options::Rebase;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|t| 2000.0 + t as f64).collect()
}

fn rebased(at: f64, why: &str) -> XmrOptions {
    let rebase = vec![Rebase { at, reason: why.to_owned() }];
    XmrOptions { rebase, ..XmrOptions::default() }
}

/// Twelve points of mean 10 whose moving ranges are all 2.
const STEADY: [f64; 12] = [9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0];

#[test]
fn small_example_by_hand() {
    let chart = xmr(&STEADY, &years(12), &XmrOptions::default());
    assert_eq!(chart.estimate, Some(10.0));
    assert_eq!(chart.mean_moving_range, Some(2.0));
    assert_close(chart.conf_low.unwrap(), 4.68, 1e-15);
    assert_close(chart.conf_high.unwrap(), 15.32, 1e-15);
    assert_eq!((chart.n_obs, chart.n_signals), (12, Some(0)));
    assert_eq!(chart.limits_kind, Some("process limits"));
    assert_eq!(chart.reason, None);
    let point = &chart.points[1];
    assert_eq!(
        (point.time, point.value, point.relative_to_mean),
        (Some(2001.0), Some(11.0), Some(1))
    );
    assert_eq!((point.outside_limits, point.close_to_limits), (Some(false), Some(false)));
    assert_eq!((point.signal, point.kind, point.phase), (None, Some("common cause"), 1));
}

#[test]
fn screening_leaves_wild_ranges_out() {
    let mut value = STEADY.to_vec();
    value.extend([9.0, 31.0, 9.0]);
    let chart = xmr(&value, &years(15), &XmrOptions::default());
    // Fourteen ranges: twelve of 2 and two of 22; mean 34/7, and 22 is above 3.267 of it.
    assert_eq!(chart.mean_moving_range, Some(2.0));
    assert_eq!(chart.points[13].signal, Some("Above UCL"));
    assert_eq!(chart.points[13].kind, Some("neither"));
    let open = XmrOptions { screen_outliers: false, ..XmrOptions::default() };
    assert_close(
        xmr(&value, &years(15), &open).mean_moving_range.unwrap(),
        (12.0 * 2.0 + 2.0 * 22.0) / 14.0,
        1e-15,
    );
}

#[test]
fn kinds_follow_polarity() {
    let mut value = STEADY.to_vec();
    value.push(40.0);
    let kind = |polarity| {
        let options = XmrOptions { polarity, ..XmrOptions::default() };
        xmr(&value, &years(13), &options).points[12].kind
    };
    assert_eq!(kind(Polarity::HighIsGood), Some("improvement"));
    assert_eq!(kind(Polarity::LowIsGood), Some("concern"));
    assert_eq!(kind(Polarity::None), Some("neither"));
}

#[test]
fn phases_have_their_own_limits_and_runs() {
    let mut value = STEADY.to_vec();
    value.extend(STEADY.map(|y| y + 100.0));
    let chart = xmr(&value, &years(24), &rebased(2012.0, "the law changed"));
    assert_eq!((chart.estimate, chart.n_obs, chart.n_signals), (Some(110.0), 12, Some(0)));
    assert_eq!((chart.points[11].mean, chart.points[11].phase), (Some(10.0), 1));
    assert_eq!((chart.points[12].mean, chart.points[12].phase), (Some(110.0), 2));
    // The step between the phases is no moving range.
    assert_eq!(chart.mean_moving_range, Some(2.0));
    // The phase begins with the first point at or after the time.
    let between = xmr(&value, &years(24), &rebased(2011.5, "the law changed"));
    assert_eq!(between, chart);
    let whole = xmr(&value, &years(24), &XmrOptions::default());
    assert_eq!((whole.n_signals, whole.estimate), (Some(24), Some(60.0)));
}

#[test]
fn a_baseline_holds_for_what_follows() {
    let mut value = STEADY.to_vec();
    value.extend([12.0; 7]);
    let options = XmrOptions { baseline_points: Some(12), ..XmrOptions::default() };
    let chart = xmr(&value, &years(19), &options);
    assert_eq!((chart.estimate, chart.mean_moving_range, chart.n_obs), (Some(10.0), Some(2.0), 19));
    // The eighth on that side is the last point of the baseline.
    assert_eq!(chart.n_signals, Some(8));
    assert!(chart.points[11..].iter().all(|point| point.signal == Some("7 Points Above CL")));
    let more = XmrOptions { baseline_points: Some(50), ..XmrOptions::default() };
    assert_eq!(xmr(&value, &years(19), &more), xmr(&value, &years(19), &XmrOptions::default()));
}

#[test]
fn trial_limits() {
    let chart = xmr(&STEADY[..11], &years(11), &XmrOptions::default());
    assert_eq!(chart.limits_kind, Some("trial limits"));
    assert!(chart.conf_low.is_some() && chart.estimate.is_some());
    assert_eq!(
        reason(chart.reason),
        "lasting limits cannot be calculated because there are 11 points \
         (it takes 12; these are trial limits)"
    );
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64], options: &XmrOptions| {
        let chart = xmr(value, time, options);
        assert!(chart.estimate.is_none() && chart.points.is_empty() && chart.n_signals.is_none());
        reason(chart.reason)
    };
    let plain = XmrOptions::default();
    assert!(why(&[], &[], &plain).contains("there are 0 points (it takes 2 or more)"));
    assert!(why(&[1.0], &[1.0], &plain).contains("there is 1 point"));
    assert!(why(&[1.0, 2.0], &[1.0], &plain).contains("2 values and 1 times"));
    assert!(why(&[1.0, f64::NAN], &[1.0, 2.0], &plain).contains("finite"));
    assert!(why(&[1.0, 2.0], &[1.0, f64::INFINITY], &plain).contains("finite"));
    assert!(why(&[1.0, 2.0, 3.0], &[7.0, 5.0, 7.0], &plain).contains("share the time 7"));
    assert!(why(&[1.0, 2.0], &[0.0, -0.0], &plain).contains("share the time 0"));
    assert!(why(&[1e308, -1e308, 1e308], &years(3), &plain).contains("too large"));

    let (value, time) = (&STEADY[..], &years(12)[..]);
    assert!(why(value, time, &rebased(2005.0, " ")).contains("rebase_reason does not say why"));
    assert!(why(value, time, &rebased(2105.0, "a law")).contains("no point is at or after it"));
    assert!(why(value, time, &rebased(2000.0, "a law")).contains("no point is before it"));
    assert!(why(value, time, &rebased(f64::NAN, "a law")).contains("finite"));
    assert!(why(value, time, &rebased(2001.0, "a law")).contains("in phase 1 there is 1 point"));
    assert!(why(value, time, &rebased(2011.0, "a law")).contains("in phase 2 there is 1 point"));
    let few = XmrOptions { baseline_points: Some(11), ..XmrOptions::default() };
    assert!(why(value, time, &few).contains("baseline_points is 11 (it must be 12 or more)"));

    // All equal: a mean, no limits, no signals.
    let flat = xmr(&[5.0; 14], &years(14), &plain);
    assert_eq!((flat.estimate, flat.conf_low, flat.limits_kind), (Some(5.0), None, None));
    assert_eq!(flat.n_signals, Some(0));
    assert!(reason(flat.reason).contains("the limits cannot be calculated"));
    assert_eq!((flat.points[0].outside_limits, flat.points[0].relative_to_mean), (None, Some(0)));
    // Runs are told where there are no limits.
    let mut late = vec![5.0; 12];
    late.extend([6.0; 7]);
    let fixed = XmrOptions { baseline_points: Some(12), ..plain };
    let chart = xmr(&late, &years(19), &fixed);
    assert_eq!((chart.conf_high, chart.n_signals), (None, Some(7)));
}

fn series() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((-64i32..64, 1i32..5), 2..60).prop_map(|points| {
        let mut clock = 0;
        let point = |(value, step): (i32, i32)| {
            clock += step;
            (f64::from(value) / 4.0, f64::from(clock))
        };
        points.into_iter().map(point).unzip()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_formula((value, time) in series(), screen in any::<bool>()) {
        let options = XmrOptions { screen_outliers: screen, ..XmrOptions::default() };
        let chart = xmr(&value, &time, &options);
        let n = value.len() as f64;
        let center = value.iter().sum::<f64>() / n;
        let mut ranges: Vec<f64> = value.windows(2).map(|pair| (pair[0] - pair[1]).abs()).collect();
        if screen {
            let limit = 3.267 * ranges.iter().sum::<f64>() / ranges.len() as f64;
            ranges.retain(|range| *range < limit);
        }
        prop_assert!((chart.estimate.unwrap() - center).abs() < 1e-12);
        prop_assert_eq!(chart.conf_low.is_some(), !ranges.is_empty());
        if !ranges.is_empty() {
            let range = ranges.iter().sum::<f64>() / ranges.len() as f64;
            prop_assert!((chart.conf_high.unwrap() - center - 2.66 * range).abs() < 1e-11);
            for point in &chart.points {
                let outside = point.value > chart.conf_high || point.value < chart.conf_low;
                prop_assert_eq!(point.outside_limits, Some(outside));
            }
        }
        prop_assert_eq!(chart.points.len(), value.len());
    }

    #[test]
    fn order_does_not_matter((value, time) in series(), seed in 1usize..1000) {
        let mut order: Vec<usize> = (0..value.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        let options = XmrOptions::default();
        prop_assert_eq!(xmr(&mixed.0, &mixed.1, &options), xmr(&value, &time, &options));
    }

    #[test]
    fn follows_unit_and_direction((value, time) in series()) {
        let up = XmrOptions { polarity: Polarity::HighIsGood, ..XmrOptions::default() };
        let down = XmrOptions { polarity: Polarity::LowIsGood, ..XmrOptions::default() };
        let chart = xmr(&value, &time, &up);
        let with = |by: f64, options: &XmrOptions| {
            let value: Vec<f64> = value.iter().map(|y| by * y).collect();
            xmr(&value, &time, options)
        };
        // Powers of two are exact.
        let scaled = with(4.0, &up);
        prop_assert_eq!(scaled.estimate, chart.estimate.map(|y| 4.0 * y));
        prop_assert_eq!(scaled.conf_high, chart.conf_high.map(|y| 4.0 * y));
        prop_assert_eq!(scaled.n_signals, chart.n_signals);
        // Turned upside down, with what is good turned too, the news is the same.
        let turned = with(-1.0, &down);
        prop_assert_eq!(turned.conf_low, chart.conf_high.map(|y| 0.0 - y));
        for (a, b) in turned.points.iter().zip(&chart.points) {
            prop_assert_eq!(a.kind, b.kind);
        }
    }
}
