//! Lines that meet: R package segmented, an exhaustive search, and R package ljr.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    CountsSelection, Joinpoint, JoinpointCountsOptions, JoinpointOptions, JoinpointScale,
    JoinpointSearch, JoinpointSelection, Segment, joinpoint, joinpoint_counts,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, same, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::joinpoint", Some(&carried()), carried_joinpoints),
        trial("segmented_lake_huron", reference, lake_huron),
        trial("segmented_stagnant", reference, stagnant),
        trial("joinpoint_ljr_kentucky", reference, kentucky),
    ]
}

/// As `segmented` fits: joins anywhere, as many as are asked for.
fn segmented(scale: JoinpointScale) -> JoinpointOptions<'static> {
    JoinpointOptions {
        scale,
        search: JoinpointSearch::Continuous,
        selection: JoinpointSelection::Fixed,
        ..JoinpointOptions::default()
    }
}

/// A number or several.
fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(list) => list.iter().filter_map(Value::as_f64).collect(),
        None => value.as_f64().into_iter().collect(),
    }
}

/// The slopes and limits that `segmented` prints have five digits.
const PRINTED: f64 = 6e-5;

fn compare(what: &str, time: &[f64], ours: &Joinpoint, theirs: &Value) -> Result<()> {
    same(&format!("{what}: rss"), ours.rss, Some(given(theirs, "rss")?))?;
    same(&format!("{what}: bic"), ours.bic, Some(given(theirs, "bic")?))?;
    let psi = numbers(&theirs["psi"]);
    let psi_se = numbers(&theirs["psi_se"]);
    ensure!(ours.joins.len() == psi.len(), "{what}: {} joins", ours.joins.len());
    let limits = rows(&theirs["confint_psi_delta"]["values"])?;
    for (k, join) in ours.joins.iter().enumerate() {
        within(ITERATIVE, &format!("{what}: psi"), Some(join.time), Some(psi[k]))?;
        // Printed with six digits.
        let limits = numbers(&limits[k]);
        for (ours, theirs) in [(join.conf_low, limits[1]), (join.conf_high, limits[2])] {
            within(6e-6, &format!("{what}: limit of psi"), ours, Some(theirs))?;
        }
        ensure!(psi_se[k] > 0.0);
    }
    let (slopes, errors) = (numbers(&theirs["slopes"]), numbers(&theirs["slopes_se"]));
    let limits = rows(&theirs["slopes_ci"]["values"])?;
    ensure!(ours.segments.len() == slopes.len(), "{what}: {} segments", ours.segments.len());
    let mut coefficient = theirs["coef"]["x"].as_f64().or(theirs["coef"]["year"].as_f64());
    for (k, segment) in ours.segments.iter().enumerate() {
        if k > 0 {
            let change = ["x", "year"]
                .iter()
                .find_map(|name| theirs["coef"][format!("U{k}.{name}")].as_f64());
            coefficient = coefficient.zip(change).map(|(slope, change)| slope + change);
        }
        within(ITERATIVE, &format!("{what}: slope"), Some(segment.slope), coefficient)?;
        within(PRINTED, &format!("{what}: slope"), Some(segment.slope), Some(slopes[k]))?;
        within(PRINTED, &format!("{what}: error"), segment.std_error, Some(errors[k]))?;
        let logarithm = |estimate: Option<f64>| estimate.map(|x| (x / 100.0).ln_1p());
        let on_log = coefficient.is_some() && (segment.estimate - segment.slope).abs() > 0.0;
        let limits = numbers(&limits[k]);
        for (limit, theirs) in [(segment.conf_low, limits[0]), (segment.conf_high, limits[1])] {
            let limit = if on_log { logarithm(limit) } else { limit };
            within(PRINTED, &format!("{what}: limit of slope"), limit, Some(theirs))?;
        }
    }

    // `aapc()` weighs the slopes that `slope()` returns, and those are rounded to five digits. With
    // our slopes rounded alike we get its figures: the mean slope, and its error, in which the join
    // counts with the difference of the slopes.
    let aapc = numbers(&theirs["aapc"]);
    let length = |s: &Segment| s.end - s.start;
    let range: f64 = ours.segments.iter().map(length).sum();
    let rounded: f64 = ours.segments.iter().map(|s| five_digits(s.slope) * length(s)).sum();
    within(ITERATIVE, &format!("{what}: aapc"), Some(rounded / range), Some(aapc[0]))?;
    let [first, second] = ours.segments.as_slice() else { return Ok(()) };
    let ratio =
        (five_digits(second.slope) - five_digits(first.slope)) / (second.slope - first.slope);
    let residual = ours.rss.context("no rss")? / (time.len() as f64 - 4.0);
    let error = |ratio: f64| {
        let variance = |segment: &Segment, sign: f64| {
            let inside = |t: &&f64| **t >= segment.start && **t <= segment.end;
            let n = time.iter().filter(inside).count() as f64;
            let mean = time.iter().filter(inside).sum::<f64>() / n;
            let square = time.iter().filter(inside).map(|t| (t - mean) * (t - mean)).sum::<f64>();
            let weight = length(segment) + sign * ratio * (first.end - mean);
            residual * (ratio * ratio / n + weight * weight / square)
        };
        (variance(first, -1.0) + variance(second, 1.0)).sqrt() / range
    };
    within(ITERATIVE, &format!("{what}: its error"), Some(error(ratio)), Some(aapc[1]))?;
    same(&format!("{what}: its error in full"), ours.std_error, Some(error(1.0)))?;
    for (sign, theirs) in [(-1.0, aapc[2]), (1.0, aapc[3])] {
        // The 97.5 % point of the normal distribution.
        let limit = rounded / range + sign * 1.959_963_984_540_054 * error(ratio);
        within(ITERATIVE, &format!("{what}: its limit"), Some(limit), Some(theirs))?;
    }
    let half = 1.959_963_984_540_054 * error(1.0);
    let slope = ours.slope.context("no slope")?;
    let on_log = ours.estimate != ours.slope;
    for (ours, limit) in [(ours.conf_low, slope - half), (ours.conf_high, slope + half)] {
        let limit = if on_log { 100.0 * limit.exp_m1() } else { limit };
        same(&format!("{what}: limit in full"), ours, Some(limit))?;
    }
    Ok(())
}

fn five_digits(x: f64) -> f64 {
    format!("{x:.4e}").parse().unwrap_or(f64::NAN)
}

fn carried_joinpoints(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("joinpoint.csv"))?;
    for row in &table.rows {
        let panel = Table::open(&folder.join(format!("{}.csv", table.text(row, "panel")?)))?;
        let joins = table.number(row, "n_joins")?;
        let options = segmented(JoinpointScale::Log);
        let ours =
            joinpoint(&panel.column("value")?, &panel.column("year")?, joins as usize, &options);
        let what = format!("{row:?}");
        same(&what, ours.rss, Some(table.number(row, "rss")?))?;
        same(&what, ours.bic, Some(table.number(row, "bic")?))?;
        let first = ours.segments.first().map(|segment| segment.slope);
        within(ITERATIVE, &what, first, Some(table.number(row, "slope_1")?))?;
        if joins > 0.0 {
            let join = ours.joins.first().context("no join")?;
            within(ITERATIVE, &what, Some(join.time), Some(table.number(row, "join_1")?))?;
        }
    }
    Ok(())
}

fn lake_huron(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/lake_huron.csv"))?;
    let (year, value) = (table.column("year")?, table.column("value")?);
    let answers = answers(folder, "segmented_lake_huron")?;
    let fit = |joins| joinpoint(&value, &year, joins, &segmented(JoinpointScale::Log));

    let none = fit(0);
    same("no break: rss", none.rss, Some(given(&answers["k0"], "rss")?))?;
    same("no break: bic", none.bic, Some(given(&answers["k0"], "bic")?))?;
    same("no break: slope", none.slope, Some(given(&answers["k0"], "slope")?))?;
    compare("one break", &year, &fit(1), &answers["k1"])?;
    let global = given(&answers["global_search_check"]["k1"], "rss")?;
    same("one break, everywhere", fit(1).rss, Some(global))?;
    // The check's two breaks leave a single point between them, through which infinitely many
    // lines meet both others; with two points our fit is better than the package's.
    for joins in 1..=3 {
        let ours = fit(joins);
        let theirs = given(&answers[format!("k{joins}")], "rss")?;
        let rss = ours.rss.context("no rss")?;
        ensure!(rss <= theirs * (1.0 + 1e-9), "{joins} breaks: {rss} is worse than {theirs}");
    }
    Ok(())
}

fn stagnant(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/segmented_stagnant.csv"))?;
    let options = segmented(JoinpointScale::Linear);
    let x = table.column("x")?;
    let ours = joinpoint(&table.column("y")?, &x, 1, &options);
    let answers = answers(folder, "segmented_stagnant")?;
    compare("one break", &x, &ours, &answers["one_break"])?;
    let global = &answers["global_search_check"];
    same("global: rss", ours.rss, Some(given(global, "rss")?))?;
    within(ITERATIVE, "global: psi", Some(ours.joins[0].time), Some(given(global, "psi")?))
}

fn kentucky(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/kentucky_cancer_mortality.csv"))?;
    let (events, population) = (table.column("Count")?, table.column("Population")?);
    let largest = population.iter().copied().fold(0.0, f64::max);
    // `ljr` was given the middle of the years.
    let time: Vec<f64> = table.column("Year")?.iter().map(|year| year + 0.5).collect();
    let answers = answers(folder, "joinpoint_ljr_kentucky")?;
    let fixed = JoinpointCountsOptions {
        selection: CountsSelection::Fixed,
        ..JoinpointCountsOptions::default()
    };
    for (joins, key) in [(0, "ljr0"), (1, "ljrk_1")] {
        let theirs = &answers[key];
        let ours = joinpoint_counts(&events, &population, &time, joins, &fixed);
        let coefficients = numbers(&theirs["Coef"]);
        within(ITERATIVE, "intercept", ours.intercept, Some(coefficients[0]))?;
        let mut slope = 0.0;
        for (segment, change) in ours.segments.iter().zip(&coefficients[1..]) {
            slope += change;
            within(ITERATIVE, "slope", Some(segment.slope), Some(slope))?;
        }
        // The package divides the log-likelihood by the largest population.
        let likelihood = ours.log_likelihood.map(|likelihood| likelihood / largest);
        same("likelihood", likelihood, Some(given(theirs, "wlik")?))?;
        for (join, theirs) in ours.joins.iter().zip(numbers(&theirs["Joinpoints"])) {
            within(1e-9, "join", Some(join.time), Some(theirs))?;
        }
    }
    Ok(())
}
