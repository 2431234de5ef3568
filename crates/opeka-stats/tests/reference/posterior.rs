//! Posteriors of structural time-series models: R's CausalImpact and bsts, and their port
//! bsts-causalimpact 1.7.0 of PyPI.
//!
//! Both sides draw, so that figures agree within the errors of draws: theirs are told by the standard
//! deviation over three seeds of 20,000 draws, ours come from as many.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    CausalImpact, CausalImpactOptions, ImpactEstimator, ImpactPosterior, causal_impact,
};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, rows, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("posterior::causalimpact_vignette", reference, vignette),
    ]
}

/// A series that is treated from a row on, with control series.
struct Data {
    y: Vec<f64>,
    covariates: Vec<Vec<f64>>,
    first_treated: usize,
}

impl Data {
    fn posterior(&self, posterior: ImpactPosterior) -> CausalImpact {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let time: Vec<f64> = (0..self.y.len()).map(|t| t as f64).collect();
        let treated: Vec<Option<f64>> = (0..self.y.len())
            .map(|t| Some(f64::from(u8::from(t >= self.first_treated))))
            .collect();
        let options = CausalImpactOptions {
            estimator: ImpactEstimator::Posterior(posterior),
            covariates: &covariates,
            ..CausalImpactOptions::default()
        };
        causal_impact(&self.y, &time, &treated, &options)
    }
}

/// As many draws as theirs.
const DRAWS: u32 = 60_000;

/// How many of the standard deviations over seeds figures may differ by: with three seeds these are
/// known to no better than a factor of two or three.
const SEVERAL: f64 = 8.0;

fn near(what: &str, ours: Option<f64>, theirs: f64, error: f64) -> Result<()> {
    let ours = ours.with_context(|| format!("{what} is missing"))?;
    eprintln!("{what}: {ours} {theirs} {error} {}", (ours - theirs) / error);
    ensure!((ours - theirs).abs() <= SEVERAL * error, "{what}: {ours} is not {theirs} ± {error}");
    Ok(())
}

/// All figures of a block.
fn same_block(theirs: &Value, ours: &CausalImpact) -> Result<()> {
    ensure!(ours.reason.is_none(), "{:?}", ours.reason);
    let (means, spread) = (&theirs["mean_over_seeds"], &theirs["sd_over_seeds"]);
    for (name, value) in [
        ("point_effect_mean", ours.average.estimate),
        ("ci_lower", ours.average.conf_low),
        ("ci_upper", ours.average.conf_high),
        ("cumulative_effect_total", ours.cumulative.estimate),
        ("relative_effect_mean", ours.relative.estimate),
    ] {
        near(name, value, given(means, name)?, given(spread, name)?)?;
    }
    // Theirs is no less than one in their draws.
    let floor = 1.0 / given(theirs, "niter")?;
    let error = given(spread, "p_value")?.max(floor);
    near("p_value", ours.tail_area, given(means, "p_value")?, error)?;

    let (means, spread) =
        (&theirs["pointwise_post_mean_over_seeds"], &theirs["pointwise_sd_over_seeds_max"]);
    let after: Vec<_> = ours.points.iter().filter(|point| point.treated).collect();
    for (name, get) in POINTWISE {
        let column = rows(&means[name])?;
        ensure!(column.len() == after.len(), "{} points after", after.len());
        for (h, (point, theirs)) in after.iter().zip(column).enumerate() {
            let theirs = theirs.as_f64().context("not a number")?;
            near(&format!("{name} {h}"), get(point), theirs, given(spread, name)?)?;
        }
    }
    Ok(())
}

type Get = fn(&opeka_stats::CounterfactualPoint) -> Option<f64>;

const POINTWISE: [(&str, Get); 10] = [
    ("actual", |point| Some(point.observed)),
    ("predicted_mean", |point| point.counterfactual),
    ("predicted_lower", |point| point.conf_low),
    ("predicted_upper", |point| point.conf_high),
    ("point_effect", |point| point.effect),
    ("point_effect_lower", |point| point.effect_low),
    ("point_effect_upper", |point| point.effect_high),
    ("cumulative_effect", |point| point.cumulative),
    ("cumulative_effect_lower", |point| point.cumulative_low),
    ("cumulative_effect_upper", |point| point.cumulative_high),
];

fn vignette(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/causalimpact_vignette.csv"))?;
    let data = Data { y: table.column("y")?, covariates: vec![table.column("x1")?], first_treated: 70 };
    let answers = answers(folder, "bsts_causalimpact_vignette")?;
    let started = std::time::Instant::now();
    for _ in 0..20 {let _ = data.posterior(ImpactPosterior::default());}
    eprintln!("time {:?}", started.elapsed() / 20);
    let ours = data.posterior(ImpactPosterior { draws: DRAWS, ..ImpactPosterior::default() });
    same_block(&answers["default"], &ours)
}
