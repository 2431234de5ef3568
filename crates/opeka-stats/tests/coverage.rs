//! How often limits hold the truth, on a small part of the designs of `COVERAGE.md`; and whether
//! that file is what its example writes and says where methods fall short.

#[path = "../examples/coverage/designs.rs"]
mod designs;
#[path = "../examples/coverage/draws.rs"]
mod draws;
#[path = "../examples/coverage/report.rs"]
#[allow(dead_code, reason = "the example writes the whole file")]
mod report;
#[path = "../examples/coverage/tables.rs"]
#[allow(dead_code, reason = "the example makes all tables")]
mod tables;

use designs::{
    COUNT_METHODS, Design, FORECAST_METHODS, TREND_METHODS, TREND_TESTS, count_coverage,
    false_positives, forecast_coverage, proportion_coverage, trend_coverage,
};

const COVERAGE: &str = include_str!("../COVERAGE.md");

fn mean(shares: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = shares.fold((0.0, 0.0), |(sum, n), share| (sum + share, n + 1.0));
    sum / n
}

#[test]
fn exact_poisson_limits_hold_at_every_mean() {
    let [both, exact, _] = COUNT_METHODS else { panic!("three methods of counts") };
    for quarter in 2..=160 {
        let mean = f64::from(quarter) / 4.0;
        for (level, least) in [(0.95, 0.95), (0.998, 0.998)] {
            let share = count_coverage(exact, mean, level).right().unwrap();
            assert!(share >= least, "mean {mean}, level {level}: {share}");
        }
        let share = count_coverage(both, mean, 0.95).right().unwrap();
        assert!(share >= 0.94, "rate_ci, mean {mean}: {share}");
    }
}

#[test]
fn byar_and_wilson_hold_on_average() {
    let [.., byar] = COUNT_METHODS else { panic!("methods of counts") };
    let share =
        mean((10..=200).map(|mean| count_coverage(byar, f64::from(mean), 0.95).right().unwrap()));
    assert!((0.93..=0.97).contains(&share), "Byar: {share}");
    for trials in [10, 20, 50, 100, 200] {
        let share = mean((1..=99).map(|percent| {
            proportion_coverage(trials, f64::from(percent) / 100.0, 0.95).right().unwrap()
        }));
        assert!((0.93..=0.97).contains(&share), "Wilson, {trials} trials: {share}");
    }
}

#[test]
fn slopes_hold_where_errors_are_independent_and_not_where_they_are_not() {
    for method in TREND_METHODS {
        let share = |points, autocorrelation| {
            trend_coverage(method, Design { points, autocorrelation }, 3_000).right().unwrap()
        };
        for points in [10, 15, 25] {
            let share = share(points, 0.0);
            assert!((0.93..=0.97).contains(&share), "{}, {points} points: {share}", method.name);
        }
        let share = share(15, 0.6);
        assert!(share < 0.85, "{}: {share}", method.name);
    }
}

#[test]
fn the_original_test_of_trend_holds_where_errors_are_independent() {
    let [original, ..] = TREND_TESTS else { panic!("tests of trend") };
    for points in [10, 25] {
        let design = Design { points, autocorrelation: 0.0 };
        let share = false_positives(original, design, 3_000).right().unwrap();
        assert!((0.03..=0.07).contains(&share), "{points} points: {share}");
    }
}

#[test]
fn forecasts_hold_for_long_series_only() {
    for method in FORECAST_METHODS {
        let next = |points| forecast_coverage(method, points, 1, 120)[0].right().unwrap();
        let (short, long) = (next(8), next(60));
        assert!(long > 0.9, "{}: {long}", method.name);
        assert!(short < long, "{}: {short} {long}", method.name);
    }
}

/// Tables that are summed and not simulated take no time to make again.
#[test]
fn the_file_is_what_the_example_writes() {
    assert!(COVERAGE.starts_with(tables::INTRODUCTION));
    for table in [tables::counts(0.95), tables::proportions()] {
        assert!(COVERAGE.contains(&table.markdown()), "run the example: {}", table.markdown());
    }
}

#[test]
fn the_file_names_the_shortfalls() {
    let (_, rest) = COVERAGE.split_once("## Shortfalls").unwrap();
    let (shortfalls, _) = rest.split_once("\n## ").unwrap();
    let of = |name: &str| {
        let line = shortfalls.lines().find(|line| line.contains(name));
        line.unwrap_or_else(|| panic!("nothing of {name}"))
    };
    for method in ["`theil_sen`", "`ols_trend`", "`aapc`", "**Mann–Kendall**"] {
        let line = of(method);
        assert!(
            line.contains("autocorrelation 0.6 (points 7, 10, 15, 25, 50")
                || line.contains("autocorrelation 0.6 (points 5, 7"),
            "{line}"
        );
        assert!(!line.contains("autocorrelation 0 "), "{line}");
    }
    for method in ["`damped_holt`", "`local_linear_trend`", "`proportion_ci`"] {
        assert!(of(method).contains("holds the truth less often than claimed"));
    }
    assert!(!shortfalls.contains("Limits of a rate"), "{shortfalls}");
}
