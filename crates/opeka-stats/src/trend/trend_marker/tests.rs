use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const DEFAULT: TrendMarkerOptions = TrendMarkerOptions {
    polarity: Polarity::None,
    measure: Measure::Proportion,
    counts: Counts::Flow,
    multiplier: 100.0,
};

const RATES: TrendMarkerOptions =
    TrendMarkerOptions { measure: Measure::Rate, multiplier: 10_000.0, ..DEFAULT };

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|k| 2010.0 + k as f64).collect()
}

/// Series of the English profiles (obesity, breastfeeding, child poverty and others; public
/// figures of 2006 to 2014), with the markers that the tests of the Fingertips source code expect.
#[test]
fn published_series() {
    for (events, population, marker) in [
        (
            [621.0, 599.0, 556.0, 535.0, 447.0],
            [3454.0, 3195.0, 3256.0, 3227.0, 3121.0],
            "decreasing",
        ),
        (
            [2157.0, 2090.0, 2194.0, 2134.81, 2094.0],
            [3454.0, 3195.0, 3256.0, 3152.0, 3062.0],
            "increasing",
        ),
        (
            [8116.0, 8145.0, 8222.0, 8506.0, 8728.0],
            [91530.0, 91773.0, 92088.0, 92238.0, 92665.89],
            "increasing",
        ),
        ([7.0, 6.0, 8.0, 8.0, 9.0], [35.0, 42.0, 50.0, 100.0, 200.0], "decreasing"),
        (
            [5405.0, 5500.0, 5435.0, 5480.0, 5315.0],
            [18095.0, 18170.0, 18005.0, 17890.0, 17860.0],
            "no significant change",
        ),
        (
            [22435.0, 22445.0, 21365.0, 20955.0, 19055.0],
            [65880.0, 67900.0, 68705.0, 69835.0, 70910.0],
            "decreasing",
        ),
    ] {
        let trend = trend_marker(&events, &population, &years(5), &DEFAULT);
        assert_eq!(trend.marker, Some(marker), "{trend:?}");
        assert_eq!(trend.reason, None);
        // The formulas as the rule writes them, in raw sums.
        let t = [1.0, 2.0, 3.0, 4.0, 5.0];
        let sum = |f: &dyn Fn(usize) -> f64| (0..5).map(f).sum::<f64>();
        let (n, r) = (sum(&|k| population[k]), sum(&|k| events[k]));
        let (rt, nt) = (sum(&|k| events[k] * t[k]), sum(&|k| population[k] * t[k]));
        let ntt = sum(&|k| population[k] * t[k] * t[k]);
        let chi_square = n * (n * rt - r * nt).powi(2) / (r * (n - r) * (n * ntt - nt * nt));
        assert_close(trend.statistic.unwrap(), chi_square, 1e-9);
        assert_close(
            trend.estimate.unwrap(),
            100.0 * (n * rt - r * nt) / (n * ntt - nt * nt),
            1e-9,
        );
    }
}

#[test]
fn chi_square_is_that_of_prop_trend_test() {
    // The definition of R's `prop.trend.test` (the explained sum of squares of a line through the
    // shares with weights n/p(1 − p)), in statsmodels 0.15.
    let trend = trend_marker(
        &[621.0, 599.0, 556.0, 535.0, 447.0],
        &[3454.0, 3195.0, 3256.0, 3227.0, 3121.0],
        &years(5),
        &DEFAULT,
    );
    assert_close(trend.statistic.unwrap(), 20.11508021667506, 1e-10);
    assert_eq!((trend.first_time, trend.last_time, trend.n_obs), (Some(2010.0), Some(2014.0), 5));
}

#[test]
fn rates_by_the_rules_sums() {
    let events = [120.0, 118.0, 104.0, 96.0, 71.0];
    let population = [10_050.0, 10_120.0, 10_180.0, 10_240.0, 10_300.0];
    let trend = trend_marker(&events, &population, &years(5), &RATES);
    let mut sums = [0.0; 5];
    for k in 0..5 {
        let rate = rate_ci(events[k], population[k], 10_000.0, 0.95);
        let error = (rate.conf_high.unwrap() - rate.conf_low.unwrap()) / 3.92;
        let (y, t, w) = (rate.estimate.unwrap(), (k + 1) as f64, 1.0 / (error * error));
        for (sum, term) in sums.iter_mut().zip([w, w * y * t, w * t, w * y, w * t * t]) {
            *sum += term;
        }
    }
    let below = sums[0] * sums[4] - sums[2] * sums[2];
    let slope = (sums[0] * sums[1] - sums[2] * sums[3]) / below;
    assert_close(trend.estimate.unwrap(), slope, 1e-10);
    assert_close(trend.statistic.unwrap(), slope * slope * below / sums[0], 1e-10);
    assert_eq!(trend.marker, Some("decreasing"));
    // Years without events have limits, and so a weight.
    let none = trend_marker(&[0.0, 0.0, 1.0, 0.0, 2.0], &population, &years(5), &RATES);
    assert_eq!(none.marker, Some("no significant change"));
}

#[test]
fn the_threshold_is_two_in_a_thousand() {
    assert_close(normal::two_sided_p(THRESHOLD.sqrt()), 0.002, 1e-13);
}

#[test]
fn one_year_alone_makes_no_trend() {
    // Flat but for a last year far above: without it the slope falls.
    let events = [100.0, 99.0, 98.0, 97.0, 200.0];
    let trend = trend_marker(&events, &[1000.0; 5], &years(5), &DEFAULT);
    assert!(trend.statistic.unwrap() > THRESHOLD);
    assert_eq!(trend.marker, Some("no significant change"));
    let trend = trend_marker(&events, &[1000.0; 5], &years(5), &RATES);
    assert!(trend.statistic.unwrap() > THRESHOLD);
    assert_eq!(trend.marker, Some("no significant change"));
}

#[test]
fn judgement_follows_polarity() {
    let up = [100.0, 130.0, 160.0, 190.0, 220.0];
    let down = [220.0, 190.0, 160.0, 130.0, 100.0];
    let flat = [100.0, 101.0, 100.0, 99.0, 100.0];
    let of = |events: &[f64], polarity| {
        let options = TrendMarkerOptions { polarity, ..DEFAULT };
        trend_marker(events, &[1000.0; 5], &years(5), &options).judgement.unwrap()
    };
    assert_eq!(of(&up, Polarity::LowIsGood), "increasing and getting worse");
    assert_eq!(of(&up, Polarity::HighIsGood), "increasing and getting better");
    assert_eq!(of(&down, Polarity::LowIsGood), "decreasing and getting better");
    assert_eq!(of(&down, Polarity::HighIsGood), "decreasing and getting worse");
    assert_eq!(of(&up, Polarity::None), "increasing");
    assert_eq!(of(&flat, Polarity::LowIsGood), "no significant change");
}

#[test]
fn a_stock_is_flagged_and_keeps_its_figures() {
    let events = [100.0, 130.0, 160.0, 190.0, 220.0];
    let flow = trend_marker(&events, &[1000.0; 5], &years(5), &DEFAULT);
    let stock = TrendMarkerOptions { counts: Counts::Stock, ..DEFAULT };
    let stock = trend_marker(&events, &[1000.0; 5], &years(5), &stock);
    assert_eq!(flow.reason, None);
    assert!(reason(stock.reason.clone()).contains("not independent"));
    assert_eq!(TrendMarker { reason: None, ..stock }, flow);
}

#[test]
fn edges() {
    let options = DEFAULT;
    let with = |events: &[f64], population: &[f64], time: &[f64]| {
        trend_marker(events, population, time, &options)
    };
    let n = [100.0; 6];
    let r = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
    let short = with(&r[..4], &n[..4], &years(4));
    assert_eq!(short.marker, Some("not enough data"));
    assert_eq!(short.judgement, Some("not enough data"));
    assert_eq!((short.n_obs, short.estimate), (4, None));
    assert!(reason(short.reason).contains("there are 4 points"));
    assert_eq!(with(&[], &[], &[]).marker, Some("not enough data"));

    let why = |events: &[f64], time: &[f64]| {
        let trend = with(events, &n[..events.len()], time);
        assert_eq!(trend.marker, None);
        reason(trend.reason)
    };
    let gap = [2010.0, 2011.0, 2012.0, 2014.0, 2015.0, 2016.0];
    assert!(why(&r, &gap).contains("not consecutive years (2012 is followed by 2014)"));
    // A gap before the last five does not matter.
    let old = [2001.0, 2011.0, 2012.0, 2013.0, 2014.0, 2015.0];
    assert_eq!(with(&r, &n, &old).first_time, Some(2011.0));
    let twice = [2010.0, 2011.0, 2012.0, 2012.0, 2013.0, 2014.0];
    assert!(why(&r, &twice).contains("several points for 2012"));
    let twice = [2011.0, 2011.0, 2012.0, 2013.0, 2014.0, 2015.0];
    assert!(why(&r, &twice).contains("several points for 2011"));
    assert!(why(&[1.0, 0.0, 2.0, 3.0, 4.0], &years(5)).contains("no events in 2011"));
    assert!(why(&[1.0, 100.0, 2.0, 3.0, 4.0], &years(5)).contains("all 100 are events in 2011"));
    assert!(why(&[1.0, 101.0, 2.0, 3.0, 4.0], &years(5)).contains("101 of 100 in 2011"));
    assert!(why(&[1.0, -1.0, 2.0, 3.0, 4.0], &years(5)).contains("events is -1"));
    assert!(why(&[1.0, f64::NAN, 2.0, 3.0, 4.0], &years(5)).contains("finite"));
    assert!(why(&r[..5], &[f64::INFINITY, 1.0, 2.0, 3.0, 4.0]).contains("a time is not"));
    assert!(reason(with(&r[..5], &[0.0; 5], &years(5)).reason).contains("population is 0"));
    assert!(reason(with(&r[..5], &n[..4], &years(5)).reason).contains("4 populations"));
    let unit = TrendMarkerOptions { multiplier: 0.0, ..DEFAULT };
    assert!(reason(trend_marker(&r, &n, &years(6), &unit).reason).contains("multiplier is 0"));
}

proptest! {
    #[test]
    fn order_and_units_do_not_matter(
        rows in proptest::collection::vec((1u32..400, 400u32..5_000), 5..9),
        seed in 1usize..1000,
        rates in proptest::bool::ANY,
    ) {
        let options = if rates { RATES } else { DEFAULT };
        let (events, population): (Vec<f64>, Vec<f64>) =
            rows.iter().map(|(r, n)| (f64::from(*r), f64::from(*n))).unzip();
        let time = years(rows.len());
        let trend = trend_marker(&events, &population, &time, &options);
        prop_assert!(trend.marker.is_some() == (rates || events.iter().zip(&population).rev().take(5).all(|(r, n)| r < n)));
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mix = |x: &[f64]| order.iter().map(|&k| x[k]).collect::<Vec<f64>>();
        prop_assert_eq!(&trend_marker(&mix(&events), &mix(&population), &mix(&time), &options), &trend);

        let unit = TrendMarkerOptions { multiplier: 8.0 * options.multiplier, ..options };
        let scaled = trend_marker(&events, &population, &time, &unit);
        prop_assert_eq!(scaled.marker, trend.marker);
        if let (Some(a), Some(b)) = (scaled.estimate, trend.estimate) {
            prop_assert!((a - 8.0 * b).abs() <= 1e-9 * a.abs());
            // Backwards, the slope is turned round and chi-square stays.
            let back: Vec<f64> = time.iter().take(5).map(|t| -t).collect();
            let last = rows.len() - 5;
            let turned = trend_marker(&events[last..], &population[last..], &back, &options);
            prop_assert!((turned.estimate.unwrap() + b).abs() <= 1e-9 * b.abs() + 1e-12);
            let (a, b) = (turned.statistic.unwrap(), trend.statistic.unwrap());
            prop_assert!((a - b).abs() <= 1e-9 * b + 1e-9);
        }
    }
}
