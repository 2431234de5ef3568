//! Our numbers against those of the reference packages.
//!
//! Trials named `reference::carried::…` read the small panels in `tests/reference/` and always run.
//! The others read the folder that `OPEKA_REFERENCE` names, and are ignored where it names none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use opeka_stats::{
    Estimate, TheilSen, byar_limits, exact_poisson_limits, proportion_ci, rate_ci, theil_sen,
};
use serde_json::Value;

/// The largest relative difference that passes.
const TOLERANCE: f64 = 1e-9;

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference");
    let mut trials = vec![
        trial("carried::rate_ci", Some(&carried), carried_rates),
        trial("carried::proportion_ci", Some(&carried), carried_proportions),
        trial("carried::theil_sen", Some(&carried), carried_trends),
    ];
    trials.extend([
        trial("rates_phe_rate", reference, phe_rates),
        trial("rates_phe_proportion", reference, phe_proportions),
        trial("rates_poisson_ci_grid", reference, poisson_grid),
        trial("rates_wilson_ci_grid", reference, wilson_grid),
        trial("trend_mk_r", reference, r_trends),
        trial("trend_mk_py", reference, python_trends),
        trial("trend_panel_ehec", reference, panel_trends),
    ]);
    trials
}

fn trial(name: &str, folder: Option<&Path>, run: fn(&Path) -> Result<()>) -> Trial {
    let folder = folder.map(PathBuf::from);
    let ignored = folder.is_none();
    let run = move || match &folder {
        Some(folder) => run(folder).map_err(|error| Failed::from(format!("{error:#}"))),
        None => Ok(()),
    };
    Trial::test(format!("reference::{name}"), run).with_ignored_flag(ignored)
}

fn same(what: &str, actual: Option<f64>, expected: Option<f64>) -> Result<()> {
    let (Some(a), Some(e)) = (actual, expected) else {
        ensure!(actual == expected, "{what}: {actual:?} where {expected:?} is expected");
        return Ok(());
    };
    let difference = if a == e { 0.0 } else { (a - e).abs() / e.abs() };
    ensure!(difference <= TOLERANCE, "{what}: {a} is not {e}; relative difference {difference:e}");
    Ok(())
}

fn same_estimate(what: &str, actual: &Estimate, expected: [Option<f64>; 3]) -> Result<()> {
    same(&format!("{what}: estimate"), actual.estimate, expected[0])?;
    same(&format!("{what}: conf_low"), actual.conf_low, expected[1])?;
    same(&format!("{what}: conf_high"), actual.conf_high, expected[2])
}

fn same_slope(what: &str, actual: &TheilSen, expected: [Option<f64>; 3]) -> Result<()> {
    same(&format!("{what}: estimate"), actual.estimate, expected[0])?;
    same(&format!("{what}: conf_low"), actual.conf_low, expected[1])?;
    same(&format!("{what}: conf_high"), actual.conf_high, expected[2])
}

/// The method of limits that PHEindicatormethods names.
fn same_method(what: &str, actual: &Estimate, expected: &str) -> Result<()> {
    let ours = match expected {
        "Exact" => "exact Poisson",
        "Byars" => "Byar",
        "Wilson" => "Wilson score",
        other => other,
    };
    ensure!(actual.method == Some(ours), "{what}: method {:?}, not {expected}", actual.method);
    Ok(())
}

/// A CSV file with a header.
struct Table {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn open(path: &Path) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .with_context(|| path.display().to_string())?;
        let header = reader.headers()?.clone();
        let rows = reader.records().collect::<csv::Result<Vec<_>>>()?;
        ensure!(!rows.is_empty(), "{}: no rows", path.display());
        Ok(Self { header, rows })
    }

    fn text<'a>(&self, row: &'a csv::StringRecord, column: &str) -> Result<&'a str> {
        let position = self.header.iter().position(|name| name == column);
        position.and_then(|k| row.get(k)).with_context(|| format!("no column `{column}`"))
    }

    fn number(&self, row: &csv::StringRecord, column: &str) -> Result<f64> {
        let text = self.text(row, column)?;
        text.parse().with_context(|| format!("`{text}` in column `{column}`"))
    }

    fn limits(&self, row: &csv::StringRecord) -> Result<[Option<f64>; 3]> {
        Ok([
            Some(self.number(row, "estimate")?),
            Some(self.number(row, "conf_low")?),
            Some(self.number(row, "conf_high")?),
        ])
    }

    /// A column of numbers.
    fn column(&self, name: &str) -> Result<Vec<f64>> {
        self.rows.iter().map(|row| self.number(row, name)).collect()
    }
}

/// What a reference program answered: the `results` of `expected/<name>.json`.
fn answers(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join("expected").join(format!("{name}.json"));
    let text = fs_read(&path)?;
    let mut file: Value = serde_json::from_str(&text)?;
    Ok(file["results"].take())
}

fn fs_read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn rows(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().filter(|rows| !rows.is_empty()).context("no rows")
}

fn given(row: &Value, key: &str) -> Result<f64> {
    row[key].as_f64().with_context(|| format!("no `{key}` in {row}"))
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
        let (mut value, mut time) = (Vec::new(), Vec::new());
        for row in &table.rows {
            if table.number(row, "stfips")? == unit {
                value.push(table.number(row, "dins")?);
                time.push(table.number(row, "year")?);
            }
        }
        let ours = theil_sen(&value, &time, 0.95);
        let what = format!("unit {unit}");
        let limits = ["sen", "sen_lo", "sen_up"].map(|key| theirs[key].as_f64());
        same_slope(&what, &ours, limits)?;
        same(&format!("{what}: z"), ours.statistic, theirs["Z"].as_f64())?;
        same(&format!("{what}: p"), ours.p_value, theirs["p"].as_f64())?;
    }
    Ok(())
}
