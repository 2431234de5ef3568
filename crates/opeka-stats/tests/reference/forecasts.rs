//! Forecasts and state-space models: statsmodels.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::state_space::{Filtered, Likelihood, State, StateSpace};
use opeka_stats::{
    DampedHoltOptions, ForecastPoint, LocalLinearTrendOptions, damped_holt, local_linear_trend,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, same, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::damped_holt", Some(&carried()), carried_damped_holt),
        trial("carried::local_linear_trend", Some(&carried()), carried_local_linear_trend),
        trial("uc_causalimpact_vignette", reference, causal_impact),
        trial("uc_prop99", reference, proposition_99),
    ]
}

/// The years of a panel that a row of answers names.
fn years(folder: &Path, table: &Table, row: &csv::StringRecord) -> Result<(Vec<f64>, Vec<f64>)> {
    let panel = Table::open(&folder.join(format!("{}.csv", table.text(row, "panel")?)))?;
    let (first, last) = (table.number(row, "first")?, table.number(row, "last")?);
    let years = panel.column("year")?.into_iter().zip(panel.column("value")?);
    Ok(years.filter(|(year, _)| (first..=last).contains(year)).map(|(y, v)| (v, y)).unzip())
}

fn same_points(
    what: &str,
    table: &Table,
    row: &csv::StringRecord,
    points: &[ForecastPoint],
) -> Result<()> {
    ensure!(points.len() == 5, "{what}: {} forecasts", points.len());
    for (h, point) in (1..).zip(points) {
        let what = format!("{what}, {h} ahead");
        same(&what, Some(point.estimate), Some(table.number(row, &format!("estimate_{h}"))?))?;
        same(&what, point.std_error, Some(table.number(row, &format!("std_error_{h}"))?))?;
    }
    Ok(())
}

fn carried_damped_holt(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("damped_holt.csv"))?;
    for row in &table.rows {
        let (value, time) = years(folder, &table, row)?;
        let number = |column| table.number(row, column);
        let options = DampedHoltOptions {
            smoothing: Some([number("alpha")?, number("beta")?, number("phi")?]),
            initial: Some([number("initial_level")?, number("initial_slope")?]),
            lower_bound: None,
        };
        let what = format!("{row:?}");
        let ours = damped_holt(&value, &time, 5, 0.95, &options);
        same_points(&what, &table, row, &ours.points)?;
        same(&what, ours.sigma2, Some(number("sigma2")?))?;
        same(&what, ours.log_likelihood, Some(number("log_likelihood")?))?;

        let best = damped_holt(&value, &time, 5, 0.95, &DampedHoltOptions::default());
        let theirs = Some(number("highest_log_likelihood")?);
        within(ITERATIVE, &what, best.log_likelihood, theirs)?;
    }
    Ok(())
}

fn carried_local_linear_trend(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("local_linear_trend.csv"))?;
    for row in &table.rows {
        let missing = table.text(row, "missing")?;
        let missing: Vec<f64> =
            missing.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let (value, time) = years(folder, &table, row)?;
        let (value, time): (Vec<f64>, Vec<f64>) =
            value.into_iter().zip(time).filter(|(_, year)| !missing.contains(year)).unzip();
        let number = |column| table.number(row, column);
        let variances = ["irregular_variance", "level_variance", "slope_variance"];
        let [irregular, level, slope] = variances.map(number);
        let options = LocalLinearTrendOptions {
            variances: Some([irregular?, level?, slope?]),
            lower_bound: None,
        };
        let what = format!("{row:?}");
        let ours = local_linear_trend(&value, &time, 5, 0.95, &options);
        same_points(&what, &table, row, &ours.points)?;
        same(&what, ours.log_likelihood, Some(number("log_likelihood")?))?;

        let best = local_linear_trend(&value, &time, 5, 0.95, &LocalLinearTrendOptions::default());
        let theirs = Some(number("highest_log_likelihood")?);
        within(ITERATIVE, &what, best.log_likelihood, theirs)?;
    }
    Ok(())
}

/// A series before an event, and the regressors of all its times.
struct Panel {
    before: Vec<f64>,
    regressors: Vec<Vec<f64>>,
}

/// The answers of `UnobservedComponents` at its own parameters: innovations one by one, their sum,
/// and the forecasts after the event.
fn same_model<const M: usize>(
    what: &str,
    theirs: &Value,
    panel: &Panel,
    model: StateSpace<M>,
) -> Result<()> {
    let exact = theirs["spec"]["use_exact_diffuse"].as_str() == Some("True");
    let coefficients: Vec<f64> = (1..=panel.regressors.len())
        .map(|k| given(&theirs["params"], &format!("beta.x{k}")))
        .collect::<Result<_>>()?;
    let explained = |t: usize| -> f64 {
        panel.regressors.iter().zip(&coefficients).map(|(x, b)| x[t] * b).sum()
    };
    let series: Vec<Option<f64>> =
        panel.before.iter().enumerate().map(|(t, y)| Some(y - explained(t))).collect();
    // Where it is not exact, their diffuse start is a variance of a million, and the values that
    // it takes to get over it are left out of the likelihood.
    let million = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1e6 } else { 0.0 }));
    let (start, burnt) =
        if exact { (State::diffuse(), 0) } else { (State::known([0.0; M], million), M) };
    let Filtered { innovations, next } = model.filter(&series, start);

    let each = rows(&theirs["filtered_loglik_obs"])?;
    ensure!(each.len() == innovations.len(), "{what}: {} innovations", innovations.len());
    for (innovation, theirs) in innovations.iter().zip(each) {
        let ours = Likelihood::of(&[*innovation]).log_likelihood();
        same(&format!("{what}: log-likelihood of a value"), Some(ours), theirs.as_f64())?;
    }
    let ours = Likelihood::of(innovations.get(burnt..).context("too short")?).log_likelihood();
    same(&format!("{what}: llf"), Some(ours), theirs["llf"].as_f64())?;

    let (means, errors) = (rows(&theirs["forecast_mean"])?, rows(&theirs["forecast_se"])?);
    let mut state = next;
    for (h, (mean, error)) in means.iter().zip(errors).enumerate() {
        let (ours, variance) = model.predict(&state);
        let ours = ours + explained(series.len() + h);
        same(&format!("{what}: forecast {h}"), Some(ours), mean.as_f64())?;
        same(&format!("{what}: error of forecast {h}"), Some(variance.sqrt()), error.as_f64())?;
        state = model.advance(&state);
    }
    Ok(())
}

fn local_level(theirs: &Value) -> Result<StateSpace<1>> {
    Ok(StateSpace {
        observation: [1.0],
        observation_variance: given(&theirs["params"], "sigma2.irregular")?,
        transition: [[1.0]],
        state_variance: [[given(&theirs["params"], "sigma2.level")?]],
    })
}

fn causal_impact(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/causalimpact_vignette.csv"))?;
    let mut before = table.column("y")?;
    before.truncate(70);
    let alone = Panel { before: before.clone(), regressors: vec![] };
    let with_x1 = Panel { before, regressors: vec![table.column("x1")?] };
    let answers = answers(folder, "uc_causalimpact_vignette")?;
    for name in ["local_level_x1", "exact_diffuse_local_level_x1"] {
        same_model(name, &answers[name], &with_x1, local_level(&answers[name])?)?;
    }
    let name = "local_level_noexog";
    same_model(name, &answers[name], &alone, local_level(&answers[name])?)?;

    let name = "local_linear_trend_noexog";
    let parameters = &answers[name]["params"];
    let trend = StateSpace {
        observation: [1.0, 0.0],
        observation_variance: given(parameters, "sigma2.irregular")?,
        transition: [[1.0, 1.0], [0.0, 1.0]],
        state_variance: [
            [given(parameters, "sigma2.level")?, 0.0],
            [0.0, given(parameters, "sigma2.trend")?],
        ],
    };
    same_model(name, &answers[name], &alone, trend)
}

fn proposition_99(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/prop99_synthdid.csv"))?;
    let state = |name: &str| -> Result<Vec<f64>> {
        let mut packs = Vec::new();
        for row in &table.rows {
            if table.text(row, "State")? == name {
                packs.push(table.number(row, "PacksPerCapita")?);
            }
        }
        ensure!(packs.len() == 31, "{} years of {name}", packs.len());
        Ok(packs)
    };
    let mut names: Vec<&str> = Vec::new();
    for row in &table.rows {
        let name = table.text(row, "State")?;
        if name != "California" && !names.contains(&name) {
            names.push(name);
        }
    }
    let controls: Vec<Vec<f64>> = names.iter().map(|name| state(name)).collect::<Result<_>>()?;
    let mean = |t: usize| controls.iter().map(|x| x[t]).sum::<f64>() / controls.len() as f64;

    let mut before = state("California")?;
    before.truncate(19);
    let donors = ["Utah", "Nevada", "Montana", "Colorado", "Connecticut"];
    let donors = donors.iter().map(|name| state(name)).collect::<Result<_>>()?;
    let with_donors = Panel { before: before.clone(), regressors: donors };
    let with_mean = Panel { before, regressors: vec![(0..31).map(mean).collect()] };
    let answers = answers(folder, "uc_prop99")?;
    for name in ["local_level_5donors", "exact_diffuse_local_level_5donors"] {
        same_model(name, &answers[name], &with_donors, local_level(&answers[name])?)?;
    }
    let name = "local_level_mean_controls";
    same_model(name, &answers[name], &with_mean, local_level(&answers[name])?)
}
