//! Slopes and tests of trend: R packages trend and modifiedmk, pymannkendall, SciPy.

use std::path::Path;

use anyhow::Result;
use libtest_mimic::Trial;
use opeka_stats::{TheilSen, theil_sen};

use crate::support::{Table, answers, carried, given, rows, same, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::theil_sen", Some(&carried()), carried_trends),
        trial("trend_mk_r", reference, r_trends),
        trial("trend_mk_py", reference, python_trends),
        trial("trend_panel_ehec", reference, panel_trends),
    ]
}

fn same_slope(what: &str, actual: &TheilSen, expected: [Option<f64>; 3]) -> Result<()> {
    same(&format!("{what}: estimate"), actual.estimate, expected[0])?;
    same(&format!("{what}: conf_low"), actual.conf_low, expected[1])?;
    same(&format!("{what}: conf_high"), actual.conf_high, expected[2])
}

fn carried_trends(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("theil_sen.csv"))?;
    for row in &table.rows {
        let panel = Table::open(&folder.join(format!("{}.csv", table.text(row, "panel")?)))?;
        let origin = table.number(row, "origin")?;
        let time: Vec<f64> = panel.column("year")?.iter().map(|year| year - origin).collect();
        let what = format!("{row:?}");
        let trend = theil_sen(&panel.column("value")?, &time, table.number(row, "conf_level")?);
        same_slope(&what, &trend, table.limits(row)?)?;
        same(&what, trend.intercept, Some(table.number(row, "intercept")?))?;
        same(&what, trend.statistic, Some(table.number(row, "statistic")?))?;
        same(&what, trend.p_value, Some(table.number(row, "p_value")?))?;
        same(&what, Some(trend.n_obs as f64), Some(table.number(row, "n_obs")?))?;
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

fn r_trends(folder: &Path) -> Result<()> {
    for name in ["lake_huron", "discoveries"] {
        let (value, time) = series(folder, name)?;
        let answers = answers(folder, &format!("trend_mk_r_{name}"))?;
        for (key, level) in [("sens95", 0.95), ("sens90", 0.9)] {
            let theirs = &answers[key];
            let ours = theil_sen(&value, &time, level);
            let what = format!("{name} {key}");
            let limits = [theirs["slope"].as_f64(), theirs["lo"].as_f64(), theirs["up"].as_f64()];
            same_slope(&what, &ours, limits)?;
            same(&format!("{what}: z"), ours.statistic, theirs["z"].as_f64())?;
            same(&format!("{what}: p"), ours.p_value, theirs["p"].as_f64())?;
        }
        let ours = theil_sen(&value, &time, 0.95);
        let theirs = &answers["mkttest"];
        same("Sen's slope", ours.estimate, Some(given(theirs, "Sen's slope")?))?;
        same("Z-Value", ours.statistic, Some(given(theirs, "Z-Value")?))?;
        same("P-value", ours.p_value, Some(given(theirs, "P-value")?))?;
    }
    Ok(())
}

fn python_trends(folder: &Path) -> Result<()> {
    for name in ["lake_huron", "discoveries"] {
        let (value, time) = series(folder, name)?;
        let answers = answers(folder, &format!("trend_mk_py_{name}"))?;
        for level in [0.9, 0.95, 0.99] {
            let ours = theil_sen(&value, &time, level);
            let theirs = &answers[format!("theilslopes_{level}_separate")];
            let what = format!("{name} {level}");
            let limits =
                [theirs["slope"].as_f64(), theirs["low"].as_f64(), theirs["high"].as_f64()];
            same_slope(&what, &ours, limits)?;
            same(&format!("{what}: intercept"), ours.intercept, theirs["intercept"].as_f64())?;
        }
        let ours = theil_sen(&value, &time, 0.95);
        let theirs = &answers["original"];
        same("slope", ours.estimate, Some(given(theirs, "slope")?))?;
        same("intercept", ours.intercept, Some(given(theirs, "intercept")?))?;
        same("z", ours.statistic, Some(given(theirs, "z")?))?;
        // pymannkendall takes 2(1 − Φ(|z|)): sixteen decimals rather than sixteen digits, which
        // for the p-value of 2.5e-7 of Lake Huron leaves nine.
        same("p", ours.p_value, Some(given(theirs, "p")?))?;
    }
    Ok(())
}

fn panel_trends(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    for theirs in rows(&answers(folder, "trend_panel_ehec")?)? {
        let unit = given(theirs, "unit")?;
        let (value, time) = table.unit("stfips", unit, ["dins", "year"])?;
        let ours = theil_sen(&value, &time, 0.95);
        let what = format!("unit {unit}");
        let limits = ["sen", "sen_lo", "sen_up"].map(|key| theirs[key].as_f64());
        same_slope(&what, &ours, limits)?;
        same(&format!("{what}: z"), ours.statistic, theirs["Z"].as_f64())?;
        same(&format!("{what}: p"), ours.p_value, theirs["p"].as_f64())?;
    }
    Ok(())
}
