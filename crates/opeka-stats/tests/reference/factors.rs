//! Interactive fixed effects and matrix completion: R package gsynth 1.2.1.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    EffectAt, FactorErrors, InteractiveEffectsOptions, Labels, MatrixCompletionOptions, PanelRows,
    interactive_effects, matrix_completion,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, given, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("ife_gsynth_simdata: cross-validated factors", reference, cross_validated),
        trial("ife_gsynth_simdata: two factors", reference, two_factors),
        trial("ife_gsynth_simdata: parametric bootstrap", reference, parametric_bootstrap),
        trial("ife_gsynth_simdata: matrix completion", reference, completion),
    ]
}

struct Data {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    covariates: Vec<Vec<f64>>,
}

impl Data {
    fn open(folder: &Path, covariates: &[&str]) -> Result<Self> {
        let table = Table::open(&folder.join("data/gsynth_simdata.csv"))?;
        let id: Result<Vec<&str>> = table.rows.iter().map(|row| table.text(row, "id")).collect();
        Ok(Self {
            y: table.column("Y")?,
            unit: Labels::new(&id?),
            time: table.column("time")?,
            treated: table.column("D")?.into_iter().map(Some).collect(),
            covariates: covariates.iter().map(|x| table.column(x)).collect::<Result<_>>()?,
        })
    }

    fn with<R>(&self, method: impl FnOnce(&PanelRows<'_>, &[Option<f64>]) -> R) -> R {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let plain = PanelRows::new(&self.y, &self.unit, &self.time);
        method(&PanelRows { covariates: &covariates, ..plain }, &self.treated)
    }
}

fn fixed(factors: usize) -> InteractiveEffectsOptions {
    InteractiveEffectsOptions {
        factors: Some(factors),
        errors: Some(FactorErrors::None),
        ..InteractiveEffectsOptions::default()
    }
}

/// The mean effect and those of the thirty times; treatment begins at the 21st.
fn same_effects(what: &str, ours: &[EffectAt], theirs: &Value) -> Result<()> {
    let att: BTreeMap<i64, f64> = theirs["att"]
        .as_object()
        .context("no att")?
        .iter()
        .map(|(time, value)| Ok((time.parse()?, value.as_f64().context("att")?)))
        .collect::<Result<_>>()?;
    ensure!(ours.len() == att.len() + 1 && att.len() == 30, "{what}: {} effects", ours.len());
    let overall = ours[0].effect.estimate;
    within(ITERATIVE, what, overall, Some(given(theirs, "att_avg")?))?;
    for (ours, (time, expected)) in ours[1..].iter().zip(&att) {
        ensure!(ours.event_time == Some((time - 21) as f64), "{what}: {:?}", ours.event_time);
        let estimate = ours.effect.estimate.context("no estimate")?;
        // Effects before treatment are near zero: to 1e-6 of the mean effect.
        ensure!(
            (estimate - expected).abs() <= ITERATIVE,
            "{what} {time}: {estimate}, not {expected}"
        );
    }
    Ok(())
}

fn cross_validated(folder: &Path) -> Result<()> {
    let theirs = &answers(folder, "ife_gsynth_simdata")?["ife_cv"];
    let data = Data::open(folder, &["X1", "X2"])?;
    let options =
        InteractiveEffectsOptions { errors: Some(FactorErrors::None), ..Default::default() };
    let ours = data.with(|rows, treated| interactive_effects(rows, treated, &options));
    same_effects("ife_cv", &ours.effects, theirs)?;
    ensure!(ours.factors == Some(2), "{:?}", ours.factors);
    within(ITERATIVE, "MSPE", ours.mspe, theirs["MSPE"].as_f64())?;
    let table = theirs["cv"]["values"].as_array().context("no table")?;
    ensure!(table.len() == ours.tried.len() && table.len() == 6, "{:?}", ours.tried);
    for (row, ours) in table.iter().zip(&ours.tried) {
        ensure!(row[0].as_u64() == Some(ours.factors as u64));
        let figures = [ours.sigma2, ours.ic, ours.pc, ours.mspe];
        for (k, figure) in figures.into_iter().enumerate() {
            within(ITERATIVE, &format!("{} {k}", ours.factors), figure, row[k + 1].as_f64())?;
        }
    }
    Ok(())
}

fn two_factors(folder: &Path) -> Result<()> {
    let answers = answers(folder, "ife_gsynth_simdata")?;
    for (name, covariates) in [("ife_r2", &["X1", "X2"][..]), ("ife_r2_nocov", &[])] {
        let theirs = &answers[name];
        let data = Data::open(folder, covariates)?;
        let ours = data.with(|rows, treated| interactive_effects(rows, treated, &fixed(2)));
        same_effects(name, &ours.effects, theirs)?;
        within(ITERATIVE, "sigma2", ours.sigma2, theirs["sigma2"].as_f64())?;
        within(ITERATIVE, "IC", ours.ic, theirs["IC"].as_f64())?;
        for (k, coefficient) in ours.coefficients.iter().enumerate() {
            within(ITERATIVE, "beta", Some(*coefficient), theirs["beta"][k].as_f64())?;
        }
        ensure!(
            ours.coefficients.len() == covariates.len()
                && ours.effects[0].effect.std_error.is_none()
        );
    }
    Ok(())
}

/// Two standard deviations of 200 draws each: they differ by 7 % in about one case of three.
fn parametric_bootstrap(folder: &Path) -> Result<()> {
    let theirs = &answers(folder, "ife_gsynth_simdata")?["ife_r2_parametric_boot200"]["est_avg"];
    let theirs = &theirs["values"][0];
    let data = Data::open(folder, &["X1", "X2"])?;
    let options =
        InteractiveEffectsOptions { factors: Some(2), ..InteractiveEffectsOptions::default() };
    let ours = data.with(|rows, treated| interactive_effects(rows, treated, &options));
    let effect = &ours.effects[0].effect;
    within(1e-6, "estimate", effect.estimate, theirs[0].as_f64())?;
    within(0.2, "S.E.", effect.std_error, theirs[1].as_f64())?;
    ensure!(effect.note.as_ref().is_some_and(|note| note.contains("5 treated units")));
    Ok(())
}

fn completion(folder: &Path) -> Result<()> {
    let theirs = &answers(folder, "ife_gsynth_simdata")?["mc_lambda0.05"];
    let data = Data::open(folder, &[])?;
    let options = MatrixCompletionOptions {
        lambda: Some(0.05),
        errors: Some(FactorErrors::None),
        ..Default::default()
    };
    let ours = data.with(|rows, treated| matrix_completion(rows, treated, &options));
    same_effects("mc", &ours.effects, theirs)?;
    ensure!(ours.lambda == theirs["lambda_cv"].as_f64());
    Ok(())
}
