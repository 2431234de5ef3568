//! Which methods are tried on which designs, and what is said of them.

use std::cmp::Ordering;

use crate::designs::{
    COUNT_METHODS, CountMethod, Design, FORECAST_METHODS, Share, TREND_METHODS, TREND_TESTS,
    count_coverage, false_positives, forecast_coverage, proportion_coverage, trend_coverage,
};
use crate::report::{Claim, Row, Table};

pub(crate) const INTRODUCTION: &str = "\
# How often the limits hold

Written by `cargo run --release -p opeka-stats --example coverage`; not to be edited by hand.

A limit at a level of 95 % should hold the true figure in 95 of 100 cases; a test at 5 % should find
a trend where there is none in 5 of 100. The tables say how often they do, in per cent, where the
truth is known. Cells in **bold** fall short of what the method claims; cells in *italics* are more
cautious than claimed: their limits are wider than they need to be, or their test finds fewer trends
than it could. `–`: not meant to be used there; `(… none)`: so many per cent of the tries gave no
answer, but a reason.

A method that is exact or conservative is said to hold where what is missed is at most a fifth more
than claimed (94 % at a level of 95 %), one whose theory is for large samples within two fifths
(93 % to 97 %).
";

const TRIES: u32 = 10_000;
const FORECAST_TRIES: u32 = 2_000;

const AUTOCORRELATIONS: [f64; 4] = [0.0, 0.2, 0.4, 0.6];
const LENGTHS: [usize; 6] = [5, 7, 10, 15, 25, 50];

pub(crate) fn sections() -> Vec<(&'static str, Vec<Table>)> {
    vec![
        ("Counts and rates", vec![counts(0.95), counts(0.998)]),
        ("Proportions", vec![proportions()]),
        ("Slopes of short series", slopes()),
        ("Tests of trend", tests()),
        ("Forecasts", forecasts()),
    ]
}

pub(crate) fn counts(level: f64) -> Table {
    let of = |name: String, means: &[f64]| Row {
        name,
        cells: COUNT_METHODS.iter().map(|method| lowest(method, means, level)).collect(),
    };
    let single = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0];
    let mut rows: Vec<Row> = single.iter().map(|mean| of(mean.to_string(), &[*mean])).collect();
    let tenths = |from: u32, to: u32| -> Vec<f64> {
        (10 * from..=10 * to).map(|mean| f64::from(mean) / 10.0).collect()
    };
    rows.push(of("lowest, 1 to 10".to_owned(), &tenths(1, 10)));
    rows.push(of("lowest, 10 to 100".to_owned(), &tenths(10, 100)));
    Table {
        title: format!("Limits of a rate at {} %", level * 100.0),
        claim: Claim::AtLeast(level),
        theory: "Summed over all counts of a Poisson variable. `rate_ci` takes exact limits below \
                 10 events and Byar's from 10 on. Exact limits hold at least as often as their \
                 level says; Byar's are an approximation to them.",
        advice: "The difference from the claim is small; `exact_poisson_limits` has none.",
        across: "",
        columns: COUNT_METHODS.iter().map(|method| method.name.to_owned()).collect(),
        down: "mean count",
        rows,
        decimals: if level > 0.99 { 2 } else { 1 },
    }
}

/// The lowest coverage of these means; `None` where the method is not meant for all of them.
fn lowest(method: &CountMethod, means: &[f64], level: f64) -> Option<Share> {
    let meant = means.iter().all(|mean| *mean >= method.from);
    let shares = means.iter().filter(|_| meant).map(|mean| count_coverage(method, *mean, level));
    shares.min_by(|a, b| a.right().partial_cmp(&b.right()).unwrap_or(Ordering::Equal))
}

pub(crate) fn proportions() -> Table {
    let shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
    let cells = |trials| shares.iter().map(move |p| Some(proportion_coverage(trials, *p, 0.95)));
    Table {
        title: "Limits of a proportion at 95 % (`proportion_ci`)".to_owned(),
        claim: Claim::About(0.95),
        theory: "Summed over all numbers of successes. Wilson's limits hold at their level on \
                 average over proportions, and jump about it from one to the next.",
        advice: "Where few successes are expected, such as 1 % of 50 trials, read limits at 95 % as \
                 limits at 90 %.",
        across: "true share",
        columns: shares.map(|p| p.to_string()).into(),
        down: "trials",
        rows: [10, 20, 50, 100, 200, 500, 1000]
            .map(|trials| Row { name: trials.to_string(), cells: cells(trials).collect() })
            .into(),
        decimals: 1,
    }
}

/// A table of lengths by autocorrelations.
fn of_series(
    title: &str,
    claim: Claim,
    theory: &'static str,
    advice: &'static str,
    share: impl Fn(Design) -> Share,
) -> Table {
    let cells = |points| {
        AUTOCORRELATIONS
            .map(|autocorrelation| Some(share(Design { points, autocorrelation })))
            .into()
    };
    Table {
        title: title.to_owned(),
        claim,
        theory,
        advice,
        across: "autocorrelation",
        columns: AUTOCORRELATIONS.map(|phi| phi.to_string()).into(),
        down: "points",
        rows: LENGTHS.map(|points| Row { name: points.to_string(), cells: cells(points) }).into(),
        decimals: 1,
    }
}

fn slopes() -> Vec<Table> {
    TREND_METHODS
        .iter()
        .map(|method| {
            of_series(
                method.name,
                Claim::About(0.95),
                "Yearly series that fall steadily, with normal errors. The limits are made for \
                 errors that have nothing to do with each other (autocorrelation 0); real series \
                 often have some autocorrelation.",
                "Where a year resembles the year before it, the limits are too narrow, and more \
                 years do not help: do not read them as 95 % limits.",
                |design| trend_coverage(method, design, TRIES),
            )
        })
        .collect()
}

fn tests() -> Vec<Table> {
    TREND_TESTS
        .iter()
        .map(|test| {
            of_series(
                test.name,
                Claim::FalsePositives(0.05),
                "Yearly series without a trend, with normal errors.",
                "A p-value just below 0.05 is no evidence of a trend there.",
                |design| false_positives(test, design, TRIES),
            )
        })
        .collect()
}

fn forecasts() -> Vec<Table> {
    const STEPS: [usize; 3] = [1, 3, 5];
    let row = |method, points: usize| {
        let horizon = (points / 2).min(5);
        let shares = forecast_coverage(method, points, horizon, FORECAST_TRIES);
        let cells = STEPS.map(|step| shares.get(step - 1).copied()).into();
        Row { name: points.to_string(), cells }
    };
    FORECAST_METHODS
        .iter()
        .map(|method| Table {
            title: method.name.to_owned(),
            claim: Claim::About(0.95),
            theory: "Series of the model itself, with normal errors. The limits take the \
                     estimated parameters for the true ones, which holds for long series.",
            advice: "Limits of a short series are too narrow: the value that comes will lie outside \
                     them more often than the level says.",
            across: "periods ahead",
            columns: STEPS.map(|step| step.to_string()).into(),
            down: "points",
            rows: [7, 10, 15, 25, 50].map(|points| row(method, points)).into(),
            decimals: 1,
        })
        .collect()
}
