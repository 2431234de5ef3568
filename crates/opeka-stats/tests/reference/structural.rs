//! Structural time-series counterfactuals: statsmodels' `UnobservedComponents`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nalgebra::DMatrix;
use opeka_stats::state_space::{Likelihood, State, StateSpace};
use opeka_stats::{CausalImpact, CausalImpactOptions, ImpactLevel, causal_impact};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::causal_impact", Some(&carried()), carried_causal_impact),
        trial("structural::causalimpact_vignette_effect_10_6", reference, vignette),
        trial("structural::california", reference, california),
    ]
}

/// A series with control series.
struct Data {
    y: Vec<f64>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    covariates: Vec<Vec<f64>>,
}

impl Data {
    fn impact(&self, options: &CausalImpactOptions<'_>) -> CausalImpact {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let options = CausalImpactOptions { covariates: &covariates, ..options.clone() };
        causal_impact(&self.y, &self.time, &self.treated, &options)
    }
}

/// Effects, limits, likelihood and levels, each to a relative difference.
fn same_impact(what: &str, theirs: &Value, ours: &CausalImpact, tolerance: f64) -> Result<()> {
    ensure!(ours.reason.is_none(), "{what}: {:?}", ours.reason);
    let check = |name: &str, value: Option<f64>, theirs: &Value| {
        within(tolerance, &format!("{what}: {name}"), value, theirs.as_f64())
    };
    // Effects and their limits are differences: their digits are those of the forecast.
    let base = given(theirs, "avg_pred")?.abs();
    let count = rows(&theirs["forecast_mean"])?.len() as f64;
    let differ = |name: &str, size: f64, value: Option<f64>, theirs: &Value| -> Result<()> {
        let (value, theirs) = (value.context("missing")?, theirs.as_f64().context("missing")?);
        ensure!((value - theirs).abs() <= tolerance * size, "{what}: {name} {value} not {theirs}");
        Ok(())
    };
    // An exact start counts its diffuse state, too.
    let diffuse = f64::from(u8::from(theirs["spec"]["use_exact_diffuse"].is_string()));
    let free = 1.0
        + diffuse
        + ours.coefficients.len() as f64
        + f64::from(u8::from(ours.level_variance.is_some()))
        + f64::from(u8::from(ours.slope_variance.is_some()));
    let aic = ours.log_likelihood.map(|height| 2.0 * (free - height));
    check("aic", aic, &theirs["aic"])?;
    differ("average", base, ours.average.estimate, &theirs["avg_effect"])?;
    differ("cumulative", base * count, ours.cumulative.estimate, &theirs["cum_effect"])?;
    differ("relative", 1.0, ours.relative.estimate, &theirs["rel_effect"])?;
    check("error of the average", ours.average.std_error, &theirs["avg_effect_se_plugin"])?;
    check("error of the sum", ours.cumulative.std_error, &theirs["cum_effect_se_plugin"])?;
    let ends = &theirs["cum_effect_ci95_plugin"];
    differ("lower limit of the sum", base * count, ours.cumulative.conf_low, &ends[0])?;
    differ("upper limit of the sum", base * count, ours.cumulative.conf_high, &ends[1])?;

    let after: Vec<_> = ours.points.iter().filter(|point| point.treated).collect();
    let means = rows(&theirs["forecast_mean"])?;
    ensure!(after.len() == means.len(), "{what}: {} points after", after.len());
    let mut sum = 0.0;
    for (h, point) in after.iter().enumerate() {
        check("forecast", point.counterfactual, &means[h])?;
        sum += means[h].as_f64().context("no forecast")?;
        check("lower limit", point.conf_low, &theirs["ci95"][h][0])?;
        check("upper limit", point.conf_high, &theirs["ci95"][h][1])?;
        differ("effect", base, point.effect, &theirs["point_effect"][h])?;
        // 1.959964 as the 97.5 % point of the normal.
        let error = point.conf_high.zip(point.conf_low).map(|(high, low)| (high - low) / 2.0);
        let theirs = given_at(&theirs["forecast_se"], h)? * 1.959_963_984_540_054;
        within(tolerance, &format!("{what}: error {h}"), error, Some(theirs))?;
    }
    check("mean forecast", Some(sum / means.len() as f64), &theirs["avg_pred"])?;
    let levels = rows(&theirs["smoothed_level_pre"])?;
    ensure!(levels.len() == ours.levels.len(), "{what}: {} levels", ours.levels.len());
    for (ours, theirs) in ours.levels.iter().zip(levels) {
        // The level is what the control series leave of the outcome. Their search left coefficients
        // with six digits; at these, levels have all of theirs (`at_their_parameters`).
        let left = (ours - theirs.as_f64().context("no level")?).abs();
        ensure!(left <= 1e-5 * base, "{what}: level {ours} is not {theirs}");
    }
    Ok(())
}

fn given_at(value: &Value, place: usize) -> Result<f64> {
    value[place].as_f64().context("not a number")
}

/// All answers of one model: at their parameters to all digits, and at ours a likelihood as high.
fn same_model(name: &str, theirs: &Value, data: &Data, level: ImpactLevel) -> Result<()> {
    let params = &theirs["params"];
    let slope = params["sigma2.trend"].as_f64().unwrap_or(0.0);
    let variances =
        [given(params, "sigma2.irregular")?, given(params, "sigma2.level")?, slope, 0.0];
    let exact = theirs["spec"]["use_exact_diffuse"].as_str() == Some("True");
    let basis = CausalImpactOptions {
        level,
        start_variance: (!exact).then_some(1e6),
        ..CausalImpactOptions::default()
    };
    let at = data.impact(&CausalImpactOptions { variances: Some(variances), ..basis.clone() });
    // Their coefficients are where a search stopped; ours are the best for these variances.
    same_impact(&format!("{name}, at their variances"), theirs, &at, ITERATIVE)?;
    for (k, ours) in at.coefficients.iter().enumerate() {
        let theirs = given(params, &format!("beta.x{}", k + 1))?;
        within(1e-5, &format!("{name}: coefficient {k}"), Some(*ours), Some(theirs))?;
    }

    let best = data.impact(&basis);
    ensure!(best.reason.is_none(), "{name}: {:?}", best.reason);
    let gain = best.log_likelihood.context("no likelihood")? - given(theirs, "llf")?;
    ensure!((-1e-9..1e-5).contains(&gain), "{name}: likelihood {gain:e} above theirs");
    let variance = given(params, "sigma2.level")?;
    within(1e-4, &format!("{name}: level"), best.level_variance, Some(variance))?;
    let irregular = best.irregular_variance.context("no variance")?;
    let theirs_irregular = given(params, "sigma2.irregular")?;
    // What they leave at 1e-12 is zero.
    ensure!(
        (irregular - theirs_irregular).abs() <= 1e-5 * theirs_irregular.max(1e-6),
        "{name}: irregular {irregular}"
    );
    same_impact(&format!("{name}, at ours"), theirs, &best, 1e-5)?;
    at_their_parameters(name, theirs, data, exact)
}

/// The model of their parameters, in the order of `names`, without control series.
struct Model<'a> {
    names: &'a [String],
    n: usize,
    exact: bool,
}

impl Model<'_> {
    /// Each value less what the control series explain, and the model of the rest: with a slope
    /// that is zero for ever where there is none.
    fn parts(&self, data: &Data, values: &[f64]) -> (Vec<Option<f64>>, StateSpace<2>, State<2>) {
        let variance = |name: &str| {
            self.names.iter().position(|other| other == name).map_or(0.0, |place| values[place])
        };
        let betas = &values[values.len() - data.covariates.len()..];
        let explained =
            |t: usize| data.covariates.iter().zip(betas).map(|(x, b)| x[t] * b).sum::<f64>();
        let rest = (0..self.n).map(|t| Some(data.y[t] - explained(t))).collect();
        let slope = self.names.iter().any(|name| name == "sigma2.trend");
        let model = StateSpace {
            observation: [1.0, 0.0],
            observation_variance: variance("sigma2.irregular"),
            transition: [[1.0, if slope { 1.0 } else { 0.0 }], [0.0, 1.0]],
            state_variance: [[variance("sigma2.level"), 0.0], [0.0, variance("sigma2.trend")]],
        };
        let second = if slope { 1e6 } else { 0.0 };
        (rest, model, State::known([0.0, 0.0], [[1e6, 0.0], [0.0, second]]))
    }

    fn level(model: &StateSpace<2>) -> StateSpace<1> {
        StateSpace {
            observation: [1.0],
            observation_variance: model.observation_variance,
            transition: [[1.0]],
            state_variance: [[model.state_variance[0][0]]],
        }
    }

    /// The log-likelihood of each value.
    fn each(&self, data: &Data, values: &[f64]) -> Vec<f64> {
        let (rest, model, start) = self.parts(data, values);
        let innovations = if self.exact {
            Self::level(&model).filter(&rest, State::diffuse()).innovations
        } else {
            model.filter(&rest, start).innovations
        };
        innovations.iter().map(|found| Likelihood::of(&[*found]).log_likelihood()).collect()
    }

    /// The smoothed level.
    fn levels(&self, data: &Data, values: &[f64]) -> Vec<f64> {
        let (rest, model, start) = self.parts(data, values);
        if self.exact {
            let states = Self::level(&model).smooth(&rest, State::diffuse());
            return states.iter().map(|state| state[0]).collect();
        }
        model.smooth(&rest, start).iter().map(|state| state[0]).collect()
    }
}

/// At their parameters: the smoothed level, and `bse`, which is from the outer product of the
/// gradients of the log-likelihood of each value, taken numerically.
fn at_their_parameters(name: &str, theirs: &Value, data: &Data, exact: bool) -> Result<()> {
    let names: Vec<String> = ["sigma2.irregular", "sigma2.level", "sigma2.trend"]
        .iter()
        .map(|name| (*name).to_owned())
        .chain((1..=data.covariates.len()).map(|k| format!("beta.x{k}")))
        .filter(|name| theirs["params"][name].is_number())
        .collect();
    let values: Vec<f64> =
        names.iter().map(|name| given(&theirs["params"], name)).collect::<Result<_>>()?;
    let model = Model { names: &names, n: rows(&theirs["filtered_loglik_obs"])?.len(), exact };
    for (ours, theirs) in
        model.levels(data, &values).iter().zip(rows(&theirs["smoothed_level_pre"])?)
    {
        within(1e-8, &format!("{name}: smoothed level"), Some(*ours), theirs.as_f64())?;
    }
    let gradients: Vec<Vec<f64>> = (0..values.len())
        .map(|k| {
            let h = 1e-5 * values[k].abs().max(1e-2);
            let moved = |by: f64| {
                let mut moved = values.clone();
                moved[k] += by;
                model.each(data, &moved)
            };
            moved(h).iter().zip(moved(-h)).map(|(up, down)| (up - down) / (2.0 * h)).collect()
        })
        .collect();
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let k = values.len();
    let information = DMatrix::from_fn(k, k, |i, j| product(&gradients[i], &gradients[j]));
    let covariance = information.try_inverse().context("singular")?;
    for (j, parameter) in names.iter().enumerate() {
        let error = covariance[(j, j)].sqrt();
        let what = format!("{name}: error of {parameter}");
        within(1e-5, &what, Some(error), theirs["bse"][parameter].as_f64())?;
    }
    Ok(())
}

/// The vignette's series, carried along.
fn carried_causal_impact(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("causal_impact_vignette.csv"))?;
    let (y, time) = (table.column("y")?, table.column("t")?);
    let treated = time.iter().map(|t| Some(if *t > 70.0 { 1.0 } else { 0.0 })).collect();
    let data = Data { y, time, treated, covariates: vec![table.column("x1")?] };
    let answers = Table::open(&folder.join("causal_impact.csv"))?;
    let ours = data.impact(&CausalImpactOptions::default());
    for row in &answers.rows {
        for (column, value) in [
            ("log_likelihood", ours.log_likelihood),
            ("coefficient", ours.coefficients.first().copied()),
            ("irregular_variance", ours.irregular_variance),
            ("average", ours.average.estimate),
            ("average_error", ours.average.std_error),
            ("cumulative", ours.cumulative.estimate),
            ("cumulative_low", ours.cumulative.conf_low),
            ("cumulative_high", ours.cumulative.conf_high),
            ("relative", ours.relative.estimate),
        ] {
            within(ITERATIVE, column, value, Some(answers.number(row, column)?))?;
        }
    }
    Ok(())
}

fn vignette(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/causalimpact_vignette.csv"))?;
    let (y, time) = (table.column("y")?, table.column("t")?);
    let treated = time.iter().map(|t| Some(if *t > 70.0 { 1.0 } else { 0.0 })).collect();
    let with_x1 = Data { y, time, treated, covariates: vec![table.column("x1")?] };
    let alone = Data {
        covariates: vec![],
        y: with_x1.y.clone(),
        time: with_x1.time.clone(),
        treated: with_x1.treated.clone(),
    };
    let answers = answers(folder, "uc_causalimpact_vignette")?;
    let level = ImpactLevel::LocalLevel;
    for name in ["local_level_x1", "exact_diffuse_local_level_x1"] {
        same_model(name, &answers[name], &with_x1, level)?;
    }
    same_model("noexog", &answers["local_level_noexog"], &alone, level)?;
    let trend = ImpactLevel::LocalLinearTrend;
    same_model("trend", &answers["local_linear_trend_noexog"], &alone, trend)
}

fn california(folder: &Path) -> Result<()> {
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
    let donors = ["Utah", "Nevada", "Montana", "Colorado", "Connecticut"];
    let data = |covariates: Vec<Vec<f64>>| -> Result<Data> {
        Ok(Data {
            y: state("California")?,
            time: (1970..=2000).map(f64::from).collect(),
            treated: (1970..=2000).map(|t| Some(if t >= 1989 { 1.0 } else { 0.0 })).collect(),
            covariates,
        })
    };
    let five = data(donors.iter().map(|name| state(name)).collect::<Result<_>>()?)?;
    let average = data(vec![(0..31).map(mean).collect()])?;
    let answers = answers(folder, "uc_prop99")?;
    let level = ImpactLevel::LocalLevel;
    for name in ["local_level_5donors", "exact_diffuse_local_level_5donors"] {
        same_model(name, &answers[name], &five, level)?;
    }
    let name = "local_level_mean_controls";
    same_model(name, &answers[name], &average, level)
}
