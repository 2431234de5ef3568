use super::*;
use crate::Polarity;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

fn options(statistic: FunnelStatistic, method: FunnelMethod) -> FunnelOptions {
    FunnelOptions { statistic, method, ..FunnelOptions::default() }
}

fn funnel(x: &[f64], n: &[f64], options: FunnelOptions) -> Vec<FunnelArea> {
    let given = |numbers: &[f64]| numbers.iter().copied().map(Some).collect::<Vec<_>>();
    funnel_limits(&given(x), &given(n), options)
}

fn why(area: &FunnelArea) -> String {
    assert!(area.estimate.is_none() && area.category.is_none() && area.conf_low.is_none());
    reason(area.reason.clone())
}

use FunnelMethod::{Exact, OverDispersion, OverDispersionCqc, Wilson};
use FunnelStatistic::{Proportion, Rate, Ratio, RatioCount, StandardisedRate};

#[test]
fn proportions_by_hand() {
    let rows = funnel(&[30.0, 10.0, 20.0, 40.0], &[100.0; 4], options(Proportion, Wilson));
    let categories: Vec<_> = rows.iter().map(|row| row.category.unwrap()).collect();
    // 25 % ± 1.96 × 4.33 and ± 3.09 × 4.33: 16.5 to 33.5 and 11.6 to 38.4.
    assert_eq!(categories, ["Not significant", "Low (0.001)", "Not significant", "High (0.001)"]);
    let row = &rows[0];
    assert_eq!((row.estimate, row.benchmark, row.n_obs), (Some(30.0), Some(25.0), 4));
    assert_close(
        row.conf_low.unwrap(),
        25.0 - 1.959_963_984_540_054 * 4.330_127_018_922_193,
        1e-13,
    );
    assert_close(
        row.conf_high_998.unwrap(),
        25.0 + 3.090_232_306_167_813 * 4.330_127_018_922_193,
        1e-13,
    );
    assert_close(row.z.unwrap(), 5.0 / 4.330_127_018_922_193, 1e-13);
    assert_eq!((row.method, row.phi), (Some("Wilson"), None));
}

#[test]
fn comparisons_follow_polarity() {
    let words = |polarity| {
        let options = FunnelOptions { polarity, ..FunnelOptions::default() };
        funnel(&[25.0, 10.0, 40.0], &[100.0; 3], options)
            .iter()
            .map(|row| row.comparison.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(words(Polarity::None), ["similar", "lower", "higher"]);
    assert_eq!(words(Polarity::HighIsGood), ["similar", "worse", "better"]);
    assert_eq!(words(Polarity::LowIsGood), ["similar", "better", "worse"]);
}

#[test]
fn rates_and_ratios() {
    let (x, n) = ([5.0, 30.0, 65.0], [10_000.0, 30_000.0, 60_000.0]);
    let per_ten_thousand = FunnelOptions { multiplier: Some(10_000.0), ..options(Rate, Wilson) };
    let rate = funnel(&x, &n, per_ten_thousand);
    assert_eq!((rate[0].estimate, rate[0].benchmark), (Some(5.0), Some(10.0)));
    assert_eq!(rate[0].method, Some("Poisson"));
    // Ten events are expected: the count whose exact upper limit is 10 lies between 3 and 4.
    let low = rate[0].conf_low.unwrap();
    assert_close(exact_poisson_limits(low, 0.95).unwrap().1, 10.0, 1e-12);
    assert!(low > 3.0 && low < 4.0);
    assert_eq!(rate[0].category, Some("Not significant"));

    // The same areas against what was expected of them.
    let expected = n.map(|n| n / 1_000.0);
    let ratio = funnel(&x, &expected, options(Ratio, Wilson));
    assert_eq!((ratio[0].estimate, ratio[0].benchmark), (Some(50.0), Some(100.0)));
    assert_close(ratio[0].conf_low.unwrap(), 10.0 * low, 1e-12);
    let count = funnel(&x, &expected, options(RatioCount, Wilson));
    assert_eq!((count[0].estimate, count[0].benchmark), (Some(-0.5), Some(0.0)));
    assert_close(count[0].conf_low.unwrap(), low / 10.0 - 1.0, 1e-12);
    // One area can be held against an expected count, but not against itself.
    assert!(funnel(&[5.0], &[10.0], options(Ratio, Wilson))[0].estimate.is_some());
    assert!(why(&funnel(&[5.0], &[10.0], options(Rate, Wilson))[0]).contains("takes 2 or more"));
}

#[test]
fn standardised_rates_take_ten_events() {
    let x = [Some(0.0), Some(9.0), Some(10.0), Some(100.0)];
    let n = [None, Some(1000.0), Some(1000.0), Some(1000.0)];
    let rows = funnel_limits(&x, &n, options(StandardisedRate, Wilson));
    assert!(why(&rows[0]).contains("events is 0 (a directly standardised rate takes 10 or more)"));
    assert!(why(&rows[1]).contains("events is 9"));
    // Nine events of a thousand count towards the benchmark all the same.
    assert_close(rows[2].benchmark.unwrap(), 100.0 * 119.0 / 3000.0, 1e-14);
    assert_eq!((rows[2].n_obs, rows[2].category), (3, Some("Low (0.001)")));
}

#[test]
fn exact_limits_are_counts() {
    let rows = funnel(&[10.0, 2.0, 18.0], &[20.0; 3], options(Proportion, Exact));
    // qbinom(c(0.025, 0.975, 0.001, 0.999), 20, 0.5) is 6, 14, 3, 17.
    let row = &rows[0];
    assert_eq!((row.conf_low, row.conf_high), (Some(30.0), Some(70.0)));
    assert_eq!((row.conf_low_998, row.conf_high_998), (Some(15.0), Some(85.0)));
    assert_eq!(rows[1].category, Some("Low (0.001)"));
    assert_eq!(rows[2].category, Some("High (0.001)"));
    assert_eq!(row.method, Some("exact binomial"));
    let part = funnel(&[1.0, 2.0], &[20.5, 20.0], options(Proportion, Exact));
    assert!(why(&part[0]).contains("denominator is 20.5 (exact binomial limits take a whole"));
    assert!(part[1].estimate.is_some());
}

#[test]
fn over_dispersed_limits_are_wider() {
    let x = [100.0, 150.0, 180.0, 80.0, 120.0, 225.0];
    let n = [108.0, 112.0, 165.0, 95.0, 100.0, 220.0];
    let unit = |method| FunnelOptions { multiplier: Some(1.0), ..options(Ratio, method) };
    let plain = funnel(&x, &n, unit(Wilson));
    let shmi = funnel(&x, &n, unit(OverDispersion));
    let cqc = funnel(&x, &n, unit(OverDispersionCqc));
    let tau = 0.019_477_530_578_021_57;
    assert_close(shmi[0].tau_squared.unwrap(), tau, 1e-12);
    let half = 1.959_963_984_540_054 * f64::sqrt(1.0 / 108.0 + tau);
    assert_close(shmi[0].conf_high.unwrap(), libm::exp(half), 1e-12);
    assert_close(shmi[0].conf_low.unwrap(), libm::exp(-half), 1e-12);
    // √(s² + τ²), not √(s + τ²); and back from the scale of roots.
    let half = 1.959_963_984_540_054 * f64::sqrt(0.25 / 108.0 + 0.003_439_780_154_186_271_7);
    assert_close(cqc[0].conf_high.unwrap(), (1.0 + half) * (1.0 + half), 1e-12);
    for (wide, narrow) in shmi.iter().zip(&plain) {
        assert!(wide.conf_high > narrow.conf_high && wide.conf_low < narrow.conf_low);
        assert!(wide.phi.unwrap() > 1.0);
    }
    assert_eq!(plain[1].category, Some("High (0.001)"));
    assert_eq!(shmi[1].category, Some("Not significant"));
    assert_eq!(cqc[1].category, Some("High (0.025)"));

    // Rates on the scale of roots: the expected counts are those of the benchmark.
    let rates = funnel(&x, &n.map(|n| 50.0 * n), options(Rate, OverDispersionCqc));
    assert_close(rates[0].benchmark.unwrap(), 100.0 * 855.0 / 40_000.0, 1e-14);
    assert!(rates.iter().all(|row| row.conf_low < row.benchmark && row.benchmark < row.conf_high));
    assert!(
        why(&funnel(&x, &n.map(|n| 9.0 * n), options(Proportion, OverDispersionCqc))[0])
            .contains("for rates and ratios")
    );
    let none = funnel(&[0.0, 9.0], &[9.0, 9.0], options(Ratio, OverDispersion));
    assert!(why(&none[1]).contains("an area has no events"));
}

#[test]
fn rows_that_say_nothing_and_rows_that_cannot_be() {
    let plain = options(Proportion, Wilson);
    let x = [Some(3.0), None, Some(4.0), Some(0.0), Some(5.0)];
    let n = [Some(10.0), Some(10.0), None, Some(0.0), Some(10.0)];
    let rows = funnel_limits(&x, &n, plain);
    assert_eq!((rows[0].benchmark, rows[0].n_obs), (Some(40.0), 2));
    assert!(why(&rows[1]).contains("events is missing"));
    assert!(why(&rows[2]).contains("denominator is missing"));
    assert!(why(&rows[3]).contains("denominator is 0 (it must be above zero)"));

    for (x, n, what) in [
        (-1.0, 10.0, "events is -1 (it must not be negative)"),
        (f64::NAN, 10.0, "events is NaN"),
        (1.0, 0.0, "denominator is 0"),
        (1.0, -5.0, "denominator is -5"),
        (1.0, f64::INFINITY, "denominator is inf"),
        (11.0, 10.0, "events is 11 of 10 (a proportion must not be above 1)"),
    ] {
        let rows = funnel(&[x, 3.0], &[n, 10.0], plain);
        assert!(why(&rows[0]).contains(what), "{:?}", rows[0]);
        assert!(why(&rows[1]).contains("another area of the funnel cannot be right"));
    }
    // A rate may be above one.
    assert!(funnel(&[11.0, 3.0], &[10.0, 10.0], options(Rate, Wilson))[0].estimate.is_some());

    assert!(funnel(&[], &[], plain).is_empty());
    assert!(why(&funnel(&[0.0, 0.0], &[5.0, 9.0], plain)[0]).contains("no area has any events"));
    assert!(why(&funnel(&[5.0, 9.0], &[5.0, 9.0], plain)[0]).contains("every proportion is 1"));
    let none = FunnelOptions { multiplier: Some(0.0), ..plain };
    assert!(why(&funnel(&[5.0, 4.0], &[5.0, 9.0], none)[0]).contains("multiplier is 0"));
    assert!(why(&funnel_limits(&[Some(1.0)], &[], plain)[0]).contains("1 counts of events"));
}

fn areas() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((1u32..300, 1u32..3_000), 2..30).prop_map(|areas| {
        areas.into_iter().map(|(x, more)| (f64::from(x), f64::from(x + more))).unzip()
    })
}

fn any_options() -> impl Strategy<Value = FunnelOptions> {
    let statistics = [Proportion, Rate, StandardisedRate, Ratio, RatioCount];
    let methods = [Wilson, Exact, OverDispersion, OverDispersionCqc];
    (0usize..5, 0usize..4)
        .prop_map(move |(statistic, method)| options(statistics[statistic], methods[method]))
}

proptest! {
    #[test]
    fn order_does_not_matter((x, n) in areas(), options in any_options()) {
        let back = |numbers: &[f64]| numbers.iter().rev().copied().collect::<Vec<f64>>();
        let mut turned = funnel(&back(&x), &back(&n), options);
        turned.reverse();
        prop_assert_eq!(turned, funnel(&x, &n, options));
    }

    #[test]
    fn limits_are_nested_and_the_category_is_theirs((x, n) in areas(), options in any_options()) {
        for row in funnel(&x, &n, options) {
            let (Some(low), Some(high)) = (row.conf_low, row.conf_high) else {
                prop_assert!(row.reason.is_some());
                continue;
            };
            prop_assert!(row.conf_low_998.unwrap() <= low && low <= high && high <= row.conf_high_998.unwrap());
            let benchmark = row.benchmark.unwrap();
            prop_assert!(low <= benchmark * (1.0 + 1e-12) + 1e-12 && high >= benchmark * (1.0 - 1e-12) - 1e-12);
            // The category of rates comes from the area's own limits, which are not quite the same.
            if row.method == Some("Poisson") {
                continue;
            }
            let figure = row.estimate.unwrap();
            let near = |limit: Option<f64>| (figure - limit.unwrap()).abs() < 1e-9 * (1.0 + figure.abs());
            if near(row.conf_low) || near(row.conf_high) || near(row.conf_low_998) || near(row.conf_high_998) {
                continue;
            }
            let expected = if figure < row.conf_low_998.unwrap() { "Low (0.001)" }
                else if figure > row.conf_high_998.unwrap() { "High (0.001)" }
                else if figure < low { "Low (0.025)" }
                else if figure > high { "High (0.025)" }
                else { "Not significant" };
            prop_assert_eq!(row.category, Some(expected));
        }
    }

    #[test]
    fn figures_follow_the_unit((x, n) in areas(), options in any_options()) {
        let unit = |by: f64| funnel(&x, &n, FunnelOptions { multiplier: Some(by), ..options });
        // Powers of two scale without rounding.
        for (one, many) in unit(1.0).into_iter().zip(unit(1024.0)) {
            prop_assert_eq!(many.estimate, one.estimate.map(|y| 1024.0 * y));
            prop_assert_eq!(many.conf_low, one.conf_low.map(|y| 1024.0 * y));
            prop_assert_eq!(many.conf_high_998, one.conf_high_998.map(|y| 1024.0 * y));
            prop_assert_eq!((many.category, many.z), (one.category, one.z));
        }
    }

    #[test]
    fn larger_areas_have_narrower_limits(share in 0.05..0.9f64, size in 50u32..5_000) {
        let n = f64::from(size);
        for options in [options(Proportion, Wilson), options(Ratio, Wilson), options(Rate, Wilson)] {
            let rows = funnel(&[share * n, share * 4.0 * n], &[n, 4.0 * n], options);
            let width = |row: &FunnelArea| row.conf_high.unwrap() - row.conf_low.unwrap();
            prop_assert!(width(&rows[1]) < width(&rows[0]));
        }
    }
}
