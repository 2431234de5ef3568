//! Tests of trend: pymannkendall, R's modifiedmk and trend, SciPy, pyhomogeneity.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    BlockDependence, BlockMannKendall, MannKendall, MannKendallVariant, mann_kendall, pettitt,
    regional_mann_kendall, seasonal_mann_kendall, theil_sen,
};
use serde_json::Value;

use crate::support::trial;
use crate::support::{Table, answers, carried, given, rows, same};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = carried();
    vec![
        trial("carried::mann_kendall", Some(&carried), carried_tests),
        trial("carried::pettitt", Some(&carried), carried_changes),
        trial("trend_mk_py::variants", reference, python_variants),
        trial("trend_mk_r::variants", reference, r_variants),
        trial("trend_panel_ehec::mann_kendall", reference, panel_tests),
        trial("trend_seasonal_mk", reference, seasonal_tests),
        trial("trend_regional_mk_ehec", reference, regional_tests),
        trial("trend_seasonal_sen_r_nottem", reference, seasonal_slope),
    ]
}

/// The variant that a name means; a number after it is the last lag.
fn variant(name: &str) -> Result<MannKendallVariant> {
    let (name, lag) = match name.split_once(':') {
        Some((name, lag)) => (name, Some(lag.parse()?)),
        None => (name, None),
    };
    Ok(match name {
        "original" => MannKendallVariant::Original,
        "hamed_rao" => MannKendallVariant::HamedRao { lag },
        "yue_wang" => MannKendallVariant::YueWang { lag },
        "pre_whitening" => MannKendallVariant::PreWhitening,
        "trend_free_pre_whitening" => MannKendallVariant::TrendFreePreWhitening,
        other => anyhow::bail!("no variant `{other}`"),
    })
}

fn carried_tests(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("mann_kendall.csv"))?;
    for row in &table.rows {
        let panel = Table::open(&folder.join(format!("{}.csv", table.text(row, "panel")?)))?;
        let origin = table.number(row, "origin")?;
        let time: Vec<f64> = panel.column("year")?.iter().map(|year| year - origin).collect();
        let variant = variant(table.text(row, "method")?)?;
        let ours = mann_kendall(&panel.column("value")?, &time, variant);
        let number = |column| table.number(row, column).map(Some);
        let what = format!("{row:?}");
        same(&what, ours.estimate, number("estimate")?)?;
        same(&what, ours.statistic, number("statistic")?)?;
        same(&what, ours.p_value, number("p_value")?)?;
        same(&what, ours.score, number("score")?)?;
        same(&what, ours.score_variance, number("score_variance")?)?;
        same(&what, ours.slope, number("slope")?)?;
        same(&what, ours.intercept, number("intercept")?)?;
    }
    Ok(())
}

fn carried_changes(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("pettitt.csv"))?;
    for row in &table.rows {
        let panel = Table::open(&folder.join(format!("{}.csv", table.text(row, "panel")?)))?;
        let ours = pettitt(&panel.column("value")?, &panel.column("year")?);
        let number = |column| table.number(row, column).map(Some);
        same("time of change", ours.estimate, number("estimate")?)?;
        same("K", ours.statistic, number("statistic")?)?;
        same("p", ours.p_value, number("p_value")?)?;
    }
    Ok(())
}

/// A series with time counted from 0, as the packages count it.
fn series(folder: &Path, name: &str) -> Result<(Vec<f64>, Vec<f64>)> {
    let table = Table::open(&folder.join("data").join(format!("{name}.csv")))?;
    let value = table.column("value")?;
    let time = (0..value.len()).map(|t| t as f64).collect();
    Ok((value, time))
}

fn python_variants(folder: &Path) -> Result<()> {
    let names = [
        ("original", "original"),
        ("hamed_rao", "hamed_rao"),
        ("hamed_rao_lag3", "hamed_rao:3"),
        ("yue_wang", "yue_wang"),
        ("pre_whitening", "pre_whitening"),
        ("tfpw", "trend_free_pre_whitening"),
    ];
    for panel in ["lake_huron", "discoveries"] {
        let (value, time) = series(folder, panel)?;
        let answers = answers(folder, &format!("trend_mk_py_{panel}"))?;
        for (theirs, ours) in names {
            let ours = mann_kendall(&value, &time, variant(ours)?);
            let what = format!("{panel}: {theirs}");
            let theirs = &answers[theirs];
            same(&format!("{what}: Tau"), ours.estimate, Some(given(theirs, "Tau")?))?;
            same(&format!("{what}: z"), ours.statistic, Some(given(theirs, "z")?))?;
            same_p(&format!("{what}: p"), ours.p_value, given(theirs, "p")?)?;
            same(&format!("{what}: s"), ours.score, Some(given(theirs, "s")?))?;
            same(&format!("{what}: var_s"), ours.score_variance, Some(given(theirs, "var_s")?))?;
            same(&format!("{what}: slope"), ours.slope, Some(given(theirs, "slope")?))?;
            same(&format!("{what}: intercept"), ours.intercept, Some(given(theirs, "intercept")?))?;
        }
        let ours = mann_kendall(&value, &time, MannKendallVariant::Original);
        let theirs = given(&answers["kendall_tau_b_scipy"], "tau_b")?;
        same("tau_b", ours.tau_b, Some(theirs))?;
    }
    Ok(())
}

/// pymannkendall takes 2(1 − Φ(|z|)), which has sixteen decimals rather than sixteen digits: below
/// 1e-7 fewer than nine of them are left, and a difference of one unit in the last decimal of 1
/// passes. R gives the same probabilities in full.
fn same_p(what: &str, ours: Option<f64>, theirs: f64) -> Result<()> {
    match ours {
        Some(p) if theirs < 1e-7 => {
            ensure!((p - theirs).abs() <= 2.0 * f64::EPSILON, "{what}: {p} is not {theirs}");
            Ok(())
        }
        p => same(what, p, Some(theirs)),
    }
}

fn r_variants(folder: &Path) -> Result<()> {
    for panel in ["lake_huron", "discoveries"] {
        let (value, time) = series(folder, panel)?;
        let answers = answers(folder, &format!("trend_mk_r_{panel}"))?;

        let ours = mann_kendall(&value, &time, MannKendallVariant::Original);
        let theirs = &answers["mkttest"];
        same("S", ours.score, Some(given(theirs, "S")?))?;
        same("Var(S)", ours.score_variance, Some(given(theirs, "Var(S)")?))?;
        same("tau_b", ours.tau_b, answers["tau_b_cor"].as_f64())?;
        same_test(&ours, theirs, "Z-Value", "P-value")?;
        let original = ours;

        for (key, name) in [
            ("hamed_rao_all_significant_lags", "hamed_rao"),
            ("hamed_rao_3lags", "hamed_rao:3"),
            ("yue_wang", "yue_wang"),
        ] {
            let (ours, theirs) = (mann_kendall(&value, &time, variant(name)?), &answers[key]);
            same_test(&ours, theirs, "Corrected Zc", "new P-value")?;
            let factor = ours.score_variance.zip(original.score_variance).map(|(a, b)| a / b);
            same("N/N*", factor, Some(given(theirs, "N/N*")?))?;
            same("new.variance", ours.score_variance, Some(given(theirs, "new.variance")?))?;
            same("Sen's slope", ours.slope, Some(given(theirs, "Sen's slope")?))?;
        }

        let ours = mann_kendall(&value, &time, MannKendallVariant::TrendFreePreWhitening);
        let theirs = &answers["tfpw"];
        same_test(&ours, theirs, "Z-Value", "P-value")?;
        same("S", ours.score, Some(given(theirs, "S")?))?;
        same("Var(S)", ours.score_variance, Some(given(theirs, "Var(S)")?))?;
        same("Old Sen's Slope", ours.slope, Some(given(theirs, "Old Sen's Slope")?))?;
    }
    Ok(())
}

fn same_test(ours: &MannKendall, theirs: &Value, z: &str, p: &str) -> Result<()> {
    same(z, ours.statistic, Some(given(theirs, z)?))?;
    same(p, ours.p_value, Some(given(theirs, p)?))?;
    same("Tau", ours.estimate, Some(given(theirs, "Tau")?))
}

fn panel_tests(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    for theirs in rows(&answers(folder, "trend_panel_ehec")?)? {
        let (value, time) = table.unit("stfips", given(theirs, "unit")?, ["dins", "year"])?;
        let ours = mann_kendall(&value, &time, MannKendallVariant::Original);
        let what = theirs.to_string();
        same(&what, ours.score, theirs["S"].as_f64())?;
        same(&what, ours.score_variance, theirs["varS"].as_f64())?;
        same(&what, ours.statistic, theirs["Z"].as_f64())?;
        same(&what, ours.p_value, theirs["p"].as_f64())?;
        same(&what, ours.tau_b, theirs["tau_b"].as_f64())?;
        same(&what, ours.slope, theirs["sen"].as_f64())?;
    }
    Ok(())
}

/// Compares all but the intercept, for which their time is `shift` ahead of ours in the middle of
/// the series: they count the place within the cycle, and start from 0.
fn same_blocks(what: &str, ours: &BlockMannKendall, theirs: &Value, shift: f64) -> Result<()> {
    let number = |key| given(theirs, key).map(Some);
    same(&format!("{what}: Tau"), ours.estimate, number("Tau")?)?;
    same(&format!("{what}: z"), ours.statistic, number("z")?)?;
    same_p(&format!("{what}: p"), ours.p_value, given(theirs, "p")?)?;
    same(&format!("{what}: s"), ours.score, number("s")?)?;
    same(&format!("{what}: var_s"), ours.score_variance, number("var_s")?)?;
    same(&format!("{what}: slope"), ours.slope, number("slope")?)?;
    let intercept = ours.intercept.zip(ours.slope).map(|(at_zero, slope)| at_zero - slope * shift);
    same(&format!("{what}: intercept"), intercept, number("intercept")?)
}

fn seasonal_tests(folder: &Path) -> Result<()> {
    for (panel, first) in [("nottem", 1920.0), ("uk_lung_deaths", 1974.0)] {
        let table = Table::open(&folder.join(format!("data/{panel}.csv")))?;
        let year: Vec<f64> = table.column("year")?.iter().map(|year| year - first).collect();
        let month: Vec<u32> = table.column("period")?.iter().map(|&month| month as u32).collect();
        let value = table.column("value")?;
        let answers = answers(folder, &format!("trend_seasonal_mk_{panel}"))?;
        for (key, dependence) in [
            ("seasonal", BlockDependence::Independent),
            ("correlated_seasonal", BlockDependence::Correlated),
        ] {
            let ours = seasonal_mann_kendall(&value, &year, &month, dependence);
            same_blocks(&format!("{panel}: {key}"), &ours, &answers[key], 5.5 / 12.0)?;
        }
        let ours = seasonal_mann_kendall(&value, &year, &month, BlockDependence::Independent);
        let theirs = given(&answers["seasonal_sens_slope"], "slope")?;
        same("seasonal_sens_slope", ours.slope, Some(theirs))?;
    }
    Ok(())
}

fn seasonal_slope(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/nottem.csv"))?;
    let month: Vec<u32> = table.column("period")?.iter().map(|&month| month as u32).collect();
    let (value, year) = (table.column("value")?, table.column("year")?);
    let ours = seasonal_mann_kendall(&value, &year, &month, BlockDependence::Independent);
    let theirs =
        given(&answers(folder, "trend_seasonal_sen_r_nottem")?, "seasonal_sen_slope_per_year");
    same("slope per year", ours.slope, Some(theirs?))
}

fn regional_tests(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    let answers = answers(folder, "trend_regional_mk_ehec")?;
    let regions: Vec<f64> = rows(&answers["regions"])?.iter().filter_map(Value::as_f64).collect();
    let (mut value, mut time, mut region) = (Vec::new(), Vec::new(), Vec::new());
    for &unit in &regions {
        let (own, years) = table.unit("stfips", unit, ["dins", "year"])?;
        region.extend(own.iter().map(|_| unit as u32));
        value.extend(own);
        time.extend(years.iter().map(|year| year - 2008.0));
    }
    ensure!(regions.len() == 46, "{} regions", regions.len());
    // They lay regions out within a year as if they were its seasons.
    let shift = 22.5 / 46.0;
    for (key, dependence) in [
        ("multivariate", BlockDependence::Independent),
        ("correlated_multivariate", BlockDependence::Correlated),
    ] {
        let ours = regional_mann_kendall(&value, &time, &region, dependence);
        same_blocks(key, &ours, &answers[key], shift)?;
    }
    let one =
        table.unit("stfips", regions.first().copied().context("no region")?, ["dins", "year"])?;
    let ours =
        regional_mann_kendall(&one.0, &one.1, &vec![1; one.0.len()], BlockDependence::Independent);
    same("a region alone", ours.slope, theil_sen(&one.0, &one.1, 0.95).estimate)
}
