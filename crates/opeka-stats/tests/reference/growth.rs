//! Lines and rates of growth: R's lm and glm.

use std::path::Path;

use anyhow::Result;
use libtest_mimic::Trial;
use opeka_stats::{PoissonVariance, aapc, cagr, ols_trend, poisson_trend};

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, same, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::growth", Some(&carried()), carried_growth),
        trial("trend_aapc_lake_huron", reference, lake_huron),
        trial("trend_aapc_kentucky", reference, kentucky),
        trial("trend_panel_ehec::growth", reference, panel_growth),
    ]
}

/// A small table of headline figures of Lake Huron.
fn carried_growth(folder: &Path) -> Result<()> {
    let panel = Table::open(&folder.join("lake_huron.csv"))?;
    let (value, year) = (panel.column("value")?, panel.column("year")?);
    let rounded: Vec<f64> = value.iter().map(|y| y.round()).collect();
    let ones = vec![1.0; value.len()];
    let line = ols_trend(&value, &year, 0.95);
    let logs = aapc(&value, &year, None, 0.95);
    let counts = poisson_trend(&rounded, &ones, &year, PoissonVariance::QuasiPoisson, 0.95);
    let table = Table::open(&folder.join("growth.csv"))?;
    for row in &table.rows {
        let what = format!("{row:?}");
        let expected = Some(table.number(row, "value")?);
        match table.text(row, "figure")? {
            "ols_trend.estimate" => same(&what, line.estimate, expected)?,
            "ols_trend.conf_low" => same(&what, line.conf_low, expected)?,
            "ols_trend.conf_high" => same(&what, line.conf_high, expected)?,
            "ols_trend.p_value" => same(&what, line.p_value, expected)?,
            "ols_trend.durbin_watson" => same(&what, line.durbin_watson, expected)?,
            "aapc.estimate" => same(&what, logs.estimate, expected)?,
            "aapc.conf_low" => same(&what, logs.conf_low, expected)?,
            "aapc.conf_high" => same(&what, logs.conf_high, expected)?,
            "poisson_trend.estimate" => within(ITERATIVE, &what, counts.estimate, expected)?,
            "poisson_trend.dispersion" => within(ITERATIVE, &what, counts.dispersion, expected)?,
            "cagr.estimate" => same(&what, cagr(&value, &year).estimate, expected)?,
            other => anyhow::bail!("no figure `{other}`"),
        }
    }
    Ok(())
}

fn lake_huron(folder: &Path) -> Result<()> {
    let panel = Table::open(&folder.join("data/lake_huron.csv"))?;
    let (value, year) = (panel.column("value")?, panel.column("year")?);
    let answers = answers(folder, "trend_aapc_lake_huron")?;

    let (ours, theirs) = (ols_trend(&value, &year, 0.95), &answers["ols"]);
    for (key, figure) in [
        ("intercept", ours.intercept),
        ("slope", ours.estimate),
        ("se", ours.std_error),
        ("t", ours.statistic),
        ("p", ours.p_value),
        ("r2", ours.r_squared),
        ("adj_r2", ours.adj_r_squared),
        ("dw", ours.durbin_watson),
    ] {
        same(key, figure, Some(given(theirs, key)?))?;
    }
    same("low", ours.conf_low, theirs["ci95"][0].as_f64())?;
    same("high", ours.conf_high, theirs["ci95"][1].as_f64())?;

    let (ours, theirs) = (aapc(&value, &year, None, 0.95), &answers["loglinear"]);
    same("b", ours.slope, Some(given(theirs, "b")?))?;
    same("se", ours.std_error, Some(given(theirs, "se")?))?;
    same("apc", ours.estimate, Some(given(theirs, "apc")?))?;
    same("p", ours.p_value, Some(given(theirs, "p")?))?;
    same("low", ours.conf_low, theirs["apc_ci_t"][0].as_f64())?;
    same("high", ours.conf_high, theirs["apc_ci_t"][1].as_f64())?;

    let rounded: Vec<f64> = value.iter().map(|y| y.round()).collect();
    let ones = vec![1.0; value.len()];
    let fit = |variance| poisson_trend(&rounded, &ones, &year, variance, 0.95);
    let (ours, theirs) = (fit(PoissonVariance::Poisson), &answers["poisson"]);
    within(ITERATIVE, "b", ours.slope, Some(given(theirs, "b")?))?;
    within(ITERATIVE, "se", ours.std_error, Some(given(theirs, "se")?))?;
    within(ITERATIVE, "apc", ours.estimate, Some(given(theirs, "apc")?))?;
    within(ITERATIVE, "deviance", ours.deviance, Some(given(theirs, "deviance")?))?;
    let (ours, theirs) = (fit(PoissonVariance::QuasiPoisson), &answers["quasipoisson"]);
    within(ITERATIVE, "dispersion", ours.dispersion, Some(given(theirs, "dispersion")?))?;
    within(ITERATIVE, "se", ours.std_error, Some(given(theirs, "se")?))?;

    same("cagr", cagr(&value, &year).estimate, Some(given(&answers, "cagr_pct")?))
}

fn kentucky(folder: &Path) -> Result<()> {
    let panel = Table::open(&folder.join("data/kentucky_cancer_mortality.csv"))?;
    let (count, year) = (panel.column("Count")?, panel.column("Year")?);
    let population = panel.column("Population")?;
    let rate: Vec<f64> = count.iter().zip(&population).map(|(e, p)| e / p).collect();
    let answers = answers(folder, "trend_aapc_kentucky")?;

    let ours = poisson_trend(&count, &population, &year, PoissonVariance::Poisson, 0.95);
    let theirs = &answers["poisson_offset"];
    within(ITERATIVE, "Year", ours.slope, Some(given(&theirs["coef"], "Year")?))?;
    within(ITERATIVE, "Intercept", ours.intercept, Some(given(&theirs["coef"], "(Intercept)")?))?;
    within(ITERATIVE, "se", ours.std_error, theirs["se"][1].as_f64())?;
    within(ITERATIVE, "apc", ours.estimate, Some(given(theirs, "apc")?))?;
    within(ITERATIVE, "low", ours.conf_low, theirs["apc_ci_wald"][0].as_f64())?;
    within(ITERATIVE, "high", ours.conf_high, theirs["apc_ci_wald"][1].as_f64())?;
    within(ITERATIVE, "deviance", ours.deviance, Some(given(theirs, "deviance")?))?;
    within(ITERATIVE, "pearson", ours.pearson, Some(given(theirs, "pearson")?))?;

    let (ours, theirs) = (aapc(&rate, &year, None, 0.95), &answers["loglinear"]);
    same("apc", ours.estimate, Some(given(theirs, "apc")?))?;
    same("low", ours.conf_low, theirs["ci_t"][0].as_f64())?;
    same("high", ours.conf_high, theirs["ci_t"][1].as_f64())?;

    let ours = aapc(&rate, &year, Some(&count), 0.95);
    let theirs = &answers["loglinear_weighted_by_count"];
    same("weighted b", ours.slope, Some(given(theirs, "b")?))?;
    same("weighted se", ours.std_error, Some(given(theirs, "se")?))?;
    same("weighted apc", ours.estimate, Some(given(theirs, "apc")?))?;
    same("weighted low", ours.conf_low, theirs["ci_t"][0].as_f64())?;
    same("weighted high", ours.conf_high, theirs["ci_t"][1].as_f64())
}

fn panel_growth(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    for theirs in rows(&answers(folder, "trend_panel_ehec")?)? {
        let (value, year) = table.unit("stfips", given(theirs, "unit")?, ["dins", "year"])?;
        let what = theirs.to_string();
        let line = ols_trend(&value, &year, 0.95);
        same(&what, line.estimate, theirs["ols_slope"].as_f64())?;
        let change = aapc(&value, &year, None, 0.95);
        same(&what, change.estimate, theirs["aapc"].as_f64())?;
        same(&what, change.conf_low, theirs["aapc_lo"].as_f64())?;
        same(&what, change.conf_high, theirs["aapc_hi"].as_f64())?;
        same(&what, cagr(&value, &year).estimate, theirs["cagr"].as_f64())?;
    }
    Ok(())
}
