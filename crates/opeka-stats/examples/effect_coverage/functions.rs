//! What the simulations say of each SQL function, in a line.

use super::{Cell, SeriesCell, Share, is_right};
use crate::methods::{METHODS, SERIES_METHODS};

/// Functions that are not simulated by themselves, and why.
const OTHERS: &[(&str, &str)] = &[
    (
        "att_gt",
        "not simulated by itself: its errors come from the same influence functions as those of \
         `att_aggregate`; effects of cohorts of few areas fare as few treated areas do there.",
    ),
    ("att_pretest", "not simulated: a Wald test from the covariance of `att_gt`."),
    (
        "augmented_synthetic_control",
        "not simulated: conformal tests hold exactly where the errors of periods are exchangeable, and \
         they are not where years resemble each other.",
    ),
    ("bacon", "makes no claim: it takes an estimate apart, without limits."),
    (
        "controlled_its",
        "not simulated by itself: its errors are those of `its`, of the difference of two series.",
    ),
    (
        "detectable_effect",
        "not simulated: a power from the variance that the panel shows; with few treated areas read \
         the one by placebos.",
    ),
    (
        "did_2x2",
        "not simulated by itself: with clustered errors as `did_twfe`; errors that take rows as \
         independent are too small in panels.",
    ),
    ("event_study", "not simulated by itself: each event time fares as `did_twfe` does."),
    (
        "honest_did",
        "not simulated by itself: its limits take the covariance by cluster as known, so that with few \
         treated areas they are too narrow where those of `did_twfe` are.",
    ),
    (
        "interactive_effects",
        "not simulated: errors by bootstrap take the number of factors as known and many control areas.",
    ),
    ("matrix_completion", "not simulated: errors by resampling of areas take many of them."),
    ("minimum_detectable_effect", "makes no claim: a formula for a design that is planned."),
    ("power_of_design", "makes no claim: a formula for a design that is planned."),
    (
        "permutation_test_outcomes",
        "not simulated by itself: each outcome fares as `permutation_test`; the adjustment holds the \
         share of families with a false discovery where that test is exact.",
    ),
    ("pretrend_equivalence", "not simulated: rests on the covariance of `event_study`."),
    ("pretrend_test", "not simulated: rests on the covariance of `event_study`."),
    (
        "synthetic_control",
        "claims no limits: its p-value is a rank among placebos, exact where the treated area was drawn \
         at random among them.",
    ),
];

pub(super) fn lines(cells: &[Cell], series: &[SeriesCell]) -> String {
    let mut lines: Vec<(String, String)> =
        OTHERS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let mut functions: Vec<&str> = METHODS.iter().map(|method| method.function).collect();
    functions.dedup();
    for function in functions {
        let of = METHODS.iter().enumerate().filter(|(_, method)| method.function == function);
        let of: Vec<String> = of
            .map(|(k, method)| {
                let shares = cells.iter().map(|cell| {
                    let d = cell.design;
                    let size = if d.unequal { "unequal" } else { "equal" };
                    let place = format!(
                        "{} of {} areas, autocorrelation {}, {size} sizes",
                        d.treated, d.areas, d.autocorrelation
                    );
                    (place, cell.shares[k])
                });
                format!("{}: {}", method.name, summary(shares))
            })
            .collect();
        lines.push((function.to_owned(), of.join(" ")));
    }
    let mut functions: Vec<&str> = SERIES_METHODS.iter().map(|method| method.function).collect();
    functions.dedup();
    for function in functions {
        let of =
            SERIES_METHODS.iter().enumerate().filter(|(_, method)| method.function == function);
        let of: Vec<String> = of
            .map(|(k, method)| {
                let shares = series.iter().map(|cell| {
                    let place =
                        format!("{} points, autocorrelation {}", cell.points, cell.autocorrelation);
                    (place, cell.shares[k])
                });
                format!("{}: {}", method.name, summary(shares))
            })
            .collect();
        lines.push((function.to_owned(), of.join(" ")));
    }
    lines.sort();
    lines.iter().map(|(name, text)| format!("- `{name}`: {text}\n")).collect()
}

/// In how many designs limits at 95 % hold, and where they fall most short.
fn summary(shares: impl Iterator<Item = (String, Share)>) -> String {
    let known: Vec<(String, f64, usize)> =
        shares.filter_map(|(place, share)| Some((place, share.right()?, share.answers))).collect();
    let right = known.iter().filter(|(_, share, tries)| is_right(*share, *tries)).count();
    let cautious =
        known.iter().filter(|(_, share, tries)| *share > 0.97 && !is_right(*share, *tries)).count();
    let Some((place, lowest, tries)) = known.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return "no limits in any design.".to_owned();
    };
    format!(
        "limits at 95 % hold in 93 to 97 % of tries in {right} of {} designs, as far as these can tell, \
         more often in {cautious}; lowest {:.1} % of {tries} tries ({place}).",
        known.len(),
        100.0 * lowest
    )
}
