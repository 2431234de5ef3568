//! Control charts, funnels and over-dispersion: NHSRplotthedots, PHEindicatormethods, FunnelPlotR.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    DispersionScale, FunnelArea, FunnelMethod, FunnelOptions, FunnelStatistic, Polarity, Rebase,
    Xmr, XmrOptions, XmrPoint, funnel_limits, over_dispersion, proportion_ci, xmr,
};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, rows, same, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = carried();
    vec![
        trial("carried::xmr", Some(&carried), carried_charts),
        trial("carried::funnel_limits", Some(&carried), carried_funnels),
        trial("spc_discoveries_lakehuron", reference, annual_charts),
        trial("spc_sicily", reference, monthly_charts),
        trial("funnel_proportion", reference, proportion_funnel),
        trial("funnel_rates", reference, rate_funnels),
        trial("funnel_exact_limits_grid", reference, exact_limits),
        trial("funnel_overdispersion", reference, dispersion),
    ]
}

/// A date as months since year zero; the charts have annual or monthly points.
fn month(date: &str) -> Result<f64> {
    let mut parts = date.split('-').map(str::parse::<f64>);
    let (year, month) = (parts.next().context("no year")??, parts.next().context("no month")??);
    Ok(12.0 * year + month - 1.0)
}

fn chart(theirs: &Value) -> Result<Xmr> {
    let given = &theirs["options"];
    let mut options = XmrOptions {
        polarity: match given["improvement_direction"].as_str() {
            Some("increase") => Polarity::HighIsGood,
            Some("decrease") => Polarity::LowIsGood,
            _ => Polarity::None,
        },
        screen_outliers: given["screen_outliers"].as_bool().context("screen_outliers")?,
        baseline_points: given["fix_after_n_points"].as_u64().map(|n| n as usize),
        rebase: Vec::new(),
    };
    if let Some(date) = given["rebase"].as_str() {
        options.rebase.push(Rebase { at: month(date)?, reason: "as the call says".to_owned() });
    }
    let (mut value, mut time) = (Vec::new(), Vec::new());
    for row in rows(&theirs["table"])? {
        value.push(self::given(row, "y")?);
        time.push(month(row["date"].as_str().context("date")?)?);
    }
    Ok(xmr(&value, &time, &options))
}

fn same_point(what: &str, ours: &XmrPoint, theirs: &Value) -> Result<()> {
    same(&format!("{what}: mean"), ours.mean, theirs["mean"].as_f64())?;
    same(&format!("{what}: lower"), ours.lower, theirs["lpl"].as_f64())?;
    same(&format!("{what}: upper"), ours.upper, theirs["upl"].as_f64())?;
    let flags = (ours.outside_limits, ours.close_to_limits);
    let their_flags = (theirs["outside_limits"].as_bool(), theirs["close_to_limits"].as_bool());
    ensure!(flags == their_flags, "{what}: {flags:?}, not {their_flags:?}");
    let side = theirs["relative_to_mean"].as_i64();
    ensure!(ours.relative_to_mean.map(i64::from) == side, "{what}: side, not {side:?}");
    let signal = ours.signal.unwrap_or("Common Cause");
    let their_signal = theirs["special_cause_type"].as_str();
    ensure!(Some(signal) == their_signal, "{what}: {signal}, not {their_signal:?}");
    let kind = match theirs["point_type"].as_str().unwrap_or_default() {
        "common_cause" => "common cause",
        "special_cause_improvement" => "improvement",
        "special_cause_concern" => "concern",
        "special_cause_neutral_high" | "special_cause_neutral_low" => "neither",
        other => other,
    };
    ensure!(ours.kind == Some(kind), "{what}: {:?}, not {kind}", ours.kind);
    Ok(())
}

fn charts(folder: &Path, file: &str, names: &[&str]) -> Result<()> {
    let answers = answers(folder, file)?;
    let found = answers.as_object().context("no charts")?;
    ensure!(found.len() == names.len(), "{} charts, not {}", found.len(), names.len());
    for name in names {
        let theirs = &answers[*name];
        let ours = chart(theirs)?;
        let table = rows(&theirs["table"])?;
        ensure!(ours.points.len() == table.len(), "{name}: {} points", ours.points.len());
        for (ours, theirs) in ours.points.iter().zip(table) {
            same_point(&format!("{name} {}", theirs["date"]), ours, theirs)?;
        }
        let signals = ours.points.iter().filter(|point| point.signal.is_some()).count() as f64;
        same(&format!("{name}: signals"), Some(signals), theirs["n_special"].as_f64())?;
        let last = table.last().context("no rows")?;
        same(&format!("{name}: estimate"), ours.estimate, last["mean"].as_f64())?;
        same(&format!("{name}: conf_low"), ours.conf_low, last["lpl"].as_f64())?;
        same(&format!("{name}: conf_high"), ours.conf_high, last["upl"].as_f64())?;
    }
    Ok(())
}

fn annual_charts(folder: &Path) -> Result<()> {
    charts(folder, "spc_discoveries_lakehuron", &["discoveries", "lake_huron"])
}

fn monthly_charts(folder: &Path) -> Result<()> {
    charts(folder, "spc_sicily", &["rate", "rate_rebase", "aces_fix36"])
}

/// The chart of Lake Huron, of which the data are kept in the repository.
fn carried_charts(folder: &Path) -> Result<()> {
    let panel = Table::open(&folder.join("lake_huron.csv"))?;
    let chart = xmr(&panel.column("value")?, &panel.column("year")?, &XmrOptions::default());
    let theirs = Table::open(&folder.join("xmr.csv"))?;
    ensure!(chart.points.len() == theirs.rows.len(), "{} points", chart.points.len());
    for (ours, row) in chart.points.iter().zip(&theirs.rows) {
        let what = format!("{row:?}");
        same(&what, ours.time, Some(theirs.number(row, "year")?))?;
        same(&what, ours.mean, Some(theirs.number(row, "mean")?))?;
        same(&what, ours.lower, Some(theirs.number(row, "lower")?))?;
        same(&what, ours.upper, Some(theirs.number(row, "upper")?))?;
        let signal = theirs.text(row, "signal")?;
        ensure!(ours.signal.unwrap_or("Common Cause") == signal, "{what}: {:?}", ours.signal);
    }
    Ok(())
}

fn funnel(
    areas: &[(f64, f64)],
    statistic: FunnelStatistic,
    method: FunnelMethod,
    multiplier: f64,
) -> Vec<FunnelArea> {
    let (events, denominator): (Vec<_>, Vec<_>) =
        areas.iter().map(|(x, n)| (Some(*x), Some(*n))).unzip();
    let multiplier = Some(multiplier);
    let options = FunnelOptions { statistic, method, multiplier, ..FunnelOptions::default() };
    funnel_limits(&events, &denominator, options)
}

/// Areas of these sizes that leave a benchmark as it is, within rounding.
fn at_benchmark(sizes: &[f64], benchmark: f64) -> Vec<(f64, f64)> {
    sizes.iter().map(|n| (n * benchmark, *n)).collect()
}

fn same_limits(what: &str, ours: &FunnelArea, theirs: [Option<f64>; 4]) -> Result<()> {
    let limits = [ours.conf_low, ours.conf_high, ours.conf_low_998, ours.conf_high_998];
    let names = ["conf_low", "conf_high", "conf_low_998", "conf_high_998"];
    for ((ours, theirs), name) in limits.into_iter().zip(theirs).zip(names) {
        same(&format!("{what}: {name}"), ours, theirs)?;
    }
    Ok(())
}

fn proportion_funnel(folder: &Path) -> Result<()> {
    let answers = answers(folder, "funnel_proportion")?;
    let mut areas = Vec::new();
    for row in rows(&answers["significance"])? {
        areas.push((given(row, "numerator")?, given(row, "denominator")?));
    }
    let ours = funnel(&areas, FunnelStatistic::Proportion, FunnelMethod::Wilson, 100.0);
    for (ours, theirs) in ours.iter().zip(rows(&answers["significance"])?) {
        ensure!(ours.category == theirs["significance"].as_str(), "{theirs}: {ours:?}");
    }

    // The same limits along the axis of the chart.
    let limits = rows(&answers["limits"])?;
    let baseline = given(&limits[0], "baseline")? / 100.0;
    same("baseline", ours[0].benchmark, Some(100.0 * baseline))?;
    let sizes = limits.iter().map(|row| given(row, "Population")).collect::<Result<Vec<f64>>>()?;
    let axis = at_benchmark(&sizes, baseline);
    let axis = funnel(&axis, FunnelStatistic::Proportion, FunnelMethod::Wilson, 100.0);
    for (ours, theirs) in axis.iter().zip(limits) {
        let names = ["lower_2s_limit", "upper_2s_limit", "lower_3s_limit", "upper_3s_limit"];
        same_limits(&theirs.to_string(), ours, names.map(|name| theirs[name].as_f64()))?;
        same(&theirs.to_string(), ours.benchmark, theirs["baseline"].as_f64())?;
        ensure!(ours.method == theirs["method"].as_str(), "{:?}", ours.method);
    }
    Ok(())
}

fn rate_funnels(folder: &Path) -> Result<()> {
    let answers = answers(folder, "funnel_proportion")?;
    let points = rows(&answers["rate_points_dsr"])?;
    let mut compared = 0;
    for (rate, multiplier, statistic, unit) in [
        ("rate_dsr", 1e5, FunnelStatistic::StandardisedRate, "dsr_per_100000"),
        ("rate_dsr", 1e5, FunnelStatistic::StandardisedRate, "dsr_per_100"),
        ("rate_crude_per_100000", 1e5, FunnelStatistic::Rate, "crude_per_100000"),
        ("rate_crude_per_100", 100.0, FunnelStatistic::Rate, "crude_per_100"),
    ] {
        for with_zero in [true, false] {
            let column = format!("{unit}_{}_0", if with_zero { "with" } else { "without" });
            let points: Vec<&Value> =
                points.iter().filter(|row| with_zero || row["count"] != 0).collect();
            let (mut events, mut denominator) = (Vec::new(), Vec::new());
            for row in &points {
                let count = given(row, "count")?;
                // The population for which the rate stands, as the package derives it.
                let derived = row[rate].as_f64().filter(|rate| *rate > 0.0);
                let derived = derived.map(|rate| multiplier * count / rate);
                let whole = row["pop"].as_f64().filter(|_| statistic == FunnelStatistic::Rate);
                events.push(Some(count));
                denominator.push(derived.or(whole));
            }
            let multiplier = Some(multiplier);
            let options = FunnelOptions { statistic, multiplier, ..FunnelOptions::default() };
            for (ours, theirs) in funnel_limits(&events, &denominator, options).iter().zip(&points)
            {
                let expected = theirs[&column].as_str().context("no category")?;
                if expected.starts_with("Not applicable") {
                    let reason = ours.reason.as_ref().context("a reason")?.to_string();
                    ensure!(reason.contains("takes 10 or more"), "{reason}");
                    ensure!(theirs["rate_dsr_chart"].is_null() && ours.estimate.is_none());
                } else {
                    ensure!(ours.category == Some(expected), "{column}: {theirs}: {ours:?}");
                    same("rate", ours.estimate, theirs[rate].as_f64())?;
                }
                compared += 1;
            }
        }
    }
    for row in points {
        let derived = row["rate_dsr_chart"]
            .as_f64()
            .map(|rate| row["count"].as_f64().map(|n| 1e5 * n / rate));
        same("denominator_derived", derived.flatten(), row["denominator_derived"].as_f64())?;
    }
    ensure!(compared == 8 * points.len() - 4, "{compared} categories");
    Ok(())
}

fn exact_limits(folder: &Path) -> Result<()> {
    let answers = answers(folder, "funnel_exact_limits_grid")?;
    let p0 = given(&answers, "p0")?;
    let sizes = |name: &str, size: &str| -> Result<Vec<f64>> {
        rows(&answers[name])?.iter().map(|row| given(row, size)).collect()
    };
    let limits = |row: &Value, name: &str| {
        ["lo_0.025", "hi_0.025", "lo_0.001", "hi_0.001"]
            .map(|end| row[format!("{name}_{end}")].as_f64())
    };

    let areas = at_benchmark(&sizes("binomial", "n")?, p0);
    let ours = funnel(&areas, FunnelStatistic::Proportion, FunnelMethod::Exact, 1.0);
    for ((ours, area), theirs) in ours.iter().zip(&areas).zip(rows(&answers["binomial"])?) {
        same_limits(&theirs.to_string(), ours, limits(theirs, "qbinom"))?;
        let [low, high, low_998, high_998] = limits(theirs, "wilson");
        for (level, low, high) in [(0.95, low, high), (0.998, low_998, high_998)] {
            let wilson = proportion_ci(area.0, area.1, level);
            same(&theirs.to_string(), wilson.conf_low, low)?;
            same(&theirs.to_string(), wilson.conf_high, high)?;
        }
    }

    let areas = at_benchmark(&sizes("poisson", "E")?, 1.0);
    let ours = funnel(&areas, FunnelStatistic::Ratio, FunnelMethod::Exact, 1.0);
    for ((ours, area), theirs) in ours.iter().zip(&areas).zip(rows(&answers["poisson"])?) {
        same_limits(&theirs.to_string(), ours, limits(theirs, "qpois"))?;
        let [low, high, low_998, high_998] = limits(theirs, "chisq");
        for (level, low, high) in [(0.95, low, high), (0.998, low_998, high_998)] {
            let (our_low, our_high) =
                opeka_stats::exact_poisson_limits(area.0, level).context("limits")?;
            same(&theirs.to_string(), Some(our_low / area.1), low)?;
            same(&theirs.to_string(), Some(our_high / area.1), high)?;
        }
    }
    Ok(())
}

fn dispersion(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/phe_test_funnel_inputs.csv"))?;
    let large = (table.column("numerator")?, table.column("denominator")?);
    let small = (
        vec![100.0, 150.0, 180.0, 80.0, 120.0, 225.0],
        vec![108.0, 112.0, 165.0, 95.0, 100.0, 220.0],
    );
    let mut compared = 0;
    for (file, name, (x, n), scale) in [
        ("funnel_overdispersion_prop", "PR", &large, DispersionScale::Arcsine),
        ("funnel_overdispersion_prop", "PR_trim0", &large, DispersionScale::Arcsine),
        ("funnel_overdispersion_small", "SHMI", &small, DispersionScale::LogRatio),
        ("funnel_overdispersion_small", "CQC", &small, DispersionScale::SquareRootRatio),
    ] {
        let theirs = &answers(folder, file)?[name];
        let number = |key: &str| theirs[key].as_f64();
        let ours = over_dispersion(x, n, scale, given(theirs, "trim_by")?)
            .map_err(|reason| anyhow::anyhow!("{name}: {reason}"))?;
        let untrimmed = over_dispersion(x, n, scale, 0.0)
            .map_err(|reason| anyhow::anyhow!("{name}: {reason}"))?;
        same(&format!("{name}: phi"), Some(ours.phi), number("phi"))?;
        same(&format!("{name}: untrimmed"), Some(untrimmed.phi), number("phi_untrimmed"))?;
        same(&format!("{name}: tau2"), Some(ours.tau_squared), number("tau2"))?;
        same(&format!("{name}: target"), Some(ours.target), number("target_transformed"))?;
        same(&format!("{name}: n"), Some(ours.n_used as f64), number("n_used"))?;
        for (index, row) in rows(&theirs["first10"])?.iter().enumerate() {
            // The table of six areas is filled up to ten with nothing.
            let Some(area) = ours.areas.get(index) else {
                ensure!(row["z"].is_null(), "{name}: {row}");
                continue;
            };
            for (key, figure) in [
                ("num", x.get(index).copied()),
                ("den", n.get(index).copied()),
                ("Y", Some(area.y)),
                ("s", Some(area.s)),
                ("z", Some(area.z)),
                ("wz", area.z_trimmed),
                ("od_z", Some(area.z_adjusted)),
            ] {
                same(&format!("{name} {index}: {key}"), figure, row[key].as_f64())?;
                compared += 1;
            }
        }
    }
    ensure!(compared == 7 * (10 + 10 + 6 + 6), "{compared} figures");
    Ok(())
}

fn carried_funnels(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("funnel_limits.csv"))?;
    for row in &table.rows {
        let number = |column| table.number(row, column);
        let method = FunnelMethod::named(table.text(row, "method")?).context("method")?;
        let statistic =
            FunnelStatistic::named(table.text(row, "statistic")?).context("statistic")?;
        // Two areas of one size at the benchmark.
        let n = number("denominator")?;
        let area = (n * number("benchmark")?, n);
        let ours = funnel(&[area, area], statistic, method, number("multiplier")?);
        let names = ["conf_low", "conf_high", "conf_low_998", "conf_high_998"];
        let mut theirs = [None; 4];
        for (slot, name) in theirs.iter_mut().zip(names) {
            *slot = Some(number(name)?);
        }
        same_limits(&format!("{row:?}"), &ours[0], theirs)?;
    }
    Ok(())
}
