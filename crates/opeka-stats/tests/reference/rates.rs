//! Rates, proportions and comparisons: PHEindicatormethods, epitools, R.

use std::path::Path;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{Estimate, byar_limits, exact_poisson_limits, proportion_ci, rate_ci};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, rows, same, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = carried();
    vec![
        trial("carried::rate_ci", Some(&carried), carried_rates),
        trial("carried::proportion_ci", Some(&carried), carried_proportions),
        trial("rates_phe_rate", reference, phe_rates),
        trial("rates_phe_proportion", reference, phe_proportions),
        trial("rates_poisson_ci_grid", reference, poisson_grid),
        trial("rates_wilson_ci_grid", reference, wilson_grid),
    ]
}

pub(crate) fn same_estimate(
    what: &str,
    actual: &Estimate,
    expected: [Option<f64>; 3],
) -> Result<()> {
    same(&format!("{what}: estimate"), actual.estimate, expected[0])?;
    same(&format!("{what}: conf_low"), actual.conf_low, expected[1])?;
    same(&format!("{what}: conf_high"), actual.conf_high, expected[2])
}

/// The limits at 0.95 and at 0.998 that PHEindicatormethods gives in one answer.
pub(crate) fn same_both_limits(what: &str, actual: &Estimate, theirs: &Value) -> Result<()> {
    let limits = ["value", "lower95_0cl", "upper95_0cl"].map(|key| theirs[key].as_f64());
    same_estimate(what, actual, limits)?;
    same(&format!("{what}: low at 0.998"), actual.conf_low_998, theirs["lower99_8cl"].as_f64())?;
    same(&format!("{what}: high at 0.998"), actual.conf_high_998, theirs["upper99_8cl"].as_f64())
}

/// The method of limits that PHEindicatormethods names.
pub(crate) fn same_method(what: &str, actual: &Estimate, expected: &str) -> Result<()> {
    let ours = match expected {
        "Exact" => "exact Poisson",
        "Byars" => "Byar",
        "Wilson" => "Wilson score",
        other => other,
    };
    ensure!(actual.method == Some(ours), "{what}: method {:?}, not {expected}", actual.method);
    Ok(())
}

fn carried_rates(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("rate_ci.csv"))?;
    for row in &table.rows {
        let number = |column| table.number(row, column);
        let what = format!("{row:?}");
        let rate = rate_ci(
            number("events")?,
            number("population")?,
            number("multiplier")?,
            number("conf_level")?,
        );
        same_estimate(&what, &rate, table.limits(row)?)?;
        same_method(&what, &rate, table.text(row, "method")?)?;
    }
    Ok(())
}

fn carried_proportions(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("proportion_ci.csv"))?;
    for row in &table.rows {
        let number = |column| table.number(row, column);
        let share = proportion_ci(number("successes")?, number("trials")?, number("conf_level")?);
        same_estimate(&format!("{row:?}"), &share, table.limits(row)?)?;
    }
    Ok(())
}

/// Both tables of a PHEindicatormethods answer: what was run here, and what its own tests expect.
fn phe(
    folder: &Path,
    name: &str,
    multiplier: f64,
    figure: fn(f64, f64, f64, f64) -> Estimate,
) -> Result<()> {
    let answers = answers(folder, name)?;
    let levels = [(0.95, "lower95_0cl", "upper95_0cl"), (0.998, "lower99_8cl", "upper99_8cl")];
    let mut compared = 0;
    for row in rows(&answers["run"])?.iter().chain(rows(&answers["expected"])?) {
        // Rows of their tests in which something is missing have no figure either.
        let (Some(part), Some(whole)) = (row["Numerator"].as_f64(), row["Denominator"].as_f64())
        else {
            ensure!(row["value"].is_null(), "a figure from nothing: {row}");
            continue;
        };
        let multiplier = row["multiplier"].as_f64().unwrap_or(multiplier);
        for (level, low, high) in levels {
            let ours = figure(part, whole, multiplier, level);
            let theirs = [row["value"].as_f64(), row[low].as_f64(), row[high].as_f64()];
            same_estimate(&row.to_string(), &ours, theirs)?;
            same_method(&row.to_string(), &ours, row["method"].as_str().unwrap_or_default())?;
            // Whatever the level, the limits at 0.998 come with it.
            same(&format!("{row}: low at 0.998"), ours.conf_low_998, row["lower99_8cl"].as_f64())?;
            same(
                &format!("{row}: high at 0.998"),
                ours.conf_high_998,
                row["upper99_8cl"].as_f64(),
            )?;
            compared += 1;
        }
    }
    ensure!(compared >= 20, "only {compared} figures were compared");
    Ok(())
}

fn phe_rates(folder: &Path) -> Result<()> {
    phe(folder, "rates_phe_rate", 100.0, rate_ci)
}

fn phe_proportions(folder: &Path) -> Result<()> {
    phe(folder, "rates_phe_proportion", 1.0, |part, whole, multiplier, level| {
        let share = proportion_ci(part, whole, level);
        let times = |figure: Option<f64>| figure.map(|x| x * multiplier);
        Estimate {
            estimate: times(share.estimate),
            conf_low: times(share.conf_low),
            conf_high: times(share.conf_high),
            conf_low_998: times(share.conf_low_998),
            conf_high_998: times(share.conf_high_998),
            ..share
        }
    })
}

fn poisson_grid(folder: &Path) -> Result<()> {
    for row in rows(&answers(folder, "rates_poisson_ci_grid")?["table"])? {
        let (count, level) = (given(row, "count")?, given(row, "confidence")?);
        let (exact_low, exact_high) = exact_poisson_limits(count, level).unzip();
        for name in ["exact_lower", "pois_test_lower"] {
            same(&format!("{name}: {row}"), exact_low, row[name].as_f64())?;
        }
        for name in ["exact_upper", "pois_test_upper"] {
            same(&format!("{name}: {row}"), exact_high, row[name].as_f64())?;
        }
        // Where Byar's lower limit does not exist, we give neither, and they the upper one.
        let (low, high) = byar_limits(count, level).unzip();
        same(&format!("byars_lower: {row}"), low, row["byars_lower"].as_f64())?;
        if low.is_some() {
            same(&format!("byars_upper: {row}"), high, row["byars_upper"].as_f64())?;
        }
    }
    Ok(())
}

fn wilson_grid(folder: &Path) -> Result<()> {
    for row in rows(&answers(folder, "rates_wilson_ci_grid")?)? {
        let (x, n) = (given(row, "x")?, given(row, "n")?);
        let share = proportion_ci(x, n, given(row, "confidence")?);
        for peer in ["phe_wilson", "proptest"] {
            let limit = |end: &str| row[format!("{peer}_{end}")].as_f64();
            let theirs = [Some(x / n), limit("lower"), limit("upper")];
            same_estimate(&format!("{peer}: {row}"), &share, theirs)?;
        }
    }
    Ok(())
}
