//! TWFE event studies and tests of the time before treatment: R fixest.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    EquivalenceOptions, EventStudy, EventStudyOptions, Labels, PanelRows, WaldDistribution,
    event_study, pretrend_equivalence, pretrend_test,
};
use serde_json::Value;

use crate::support::{TOLERANCE, answers, carried, fs_read, rows, trial, within};
use crate::twfe::{CLOSED, Columns, columns, load};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = carried();
    let mut trials = vec![
        trial("eventstudy_mpdta", reference, mpdta),
        trial("eventstudy_math_reform", reference, math_reform),
        trial("eventstudy_ehec_medicaid", reference, ehec_medicaid),
        trial("eventstudy_binned_ehec", reference, binned),
    ];
    // The panel is carried by the trials of another method.
    if carried.join("mpdta.csv").is_file() {
        trials.push(trial("carried::event_study", Some(&carried), carried_mpdta));
    }
    trials
}

fn study(panel: &Columns, options: &EventStudyOptions) -> EventStudy {
    event_study(&panel.rows(), &panel.first_treated, None, options)
}

fn same_coefficients(what: &str, ours: &EventStudy, theirs: &Value) -> Result<()> {
    let times: Vec<f64> = rows(&theirs["rel_time"])?.iter().filter_map(Value::as_f64).collect();
    ensure!(ours.event_times == times, "{what}: event times {:?}", ours.event_times);
    ensure!(theirs["dropped"].is_null());
    for (k, time) in times.iter().enumerate() {
        let what = format!("{what} {time}");
        let coefficient = Some(ours.coefficients[k]);
        within(CLOSED, &format!("{what} b"), coefficient, theirs["coef"][k].as_f64())?;
        let error = Some(ours.covariance[k][k].sqrt());
        within(CLOSED, &format!("{what} error"), error, theirs["se"][k].as_f64())?;
        let term = ours
            .terms
            .iter()
            .find(|term| term.event_time == Some(*time))
            .with_context(|| format!("no term for {what}"))?;
        within(CLOSED, &what, term.effect.estimate, theirs["coef"][k].as_f64())?;
        // Of one treated unit the formula is compared, and no error is given.
        let shown = ours.n_treated[k] > 1;
        ensure!(term.effect.std_error.is_some() == shown, "{what}: error shown");
        if shown {
            let effect = &term.effect;
            within(CLOSED, &format!("{what} t"), effect.statistic, theirs["t"][k].as_f64())?;
            within(CLOSED, &format!("{what} p"), effect.p_value, theirs["p"][k].as_f64())?;
        }
        for other in 0..times.len() {
            // Elements near zero are differences: they agree to the scale of their errors.
            let theirs = theirs["vcov"]["values"][k][other].as_f64().context("no covariance")?;
            let scale = (ours.covariance[k][k] * ours.covariance[other][other]).sqrt();
            let difference = (ours.covariance[k][other] - theirs).abs() / scale;
            ensure!(difference < CLOSED, "{what} covariance with {other}: {difference:e}");
        }
    }
    Ok(())
}

fn same_wald(what: &str, ours: &EventStudy, theirs: &Value, leads: bool) -> Result<()> {
    let test = |distribution| {
        let chosen = |time: f64| (time < 0.0) == leads;
        ours.joint_test(chosen, distribution).map_err(|reason| anyhow::anyhow!("{what}: {reason}"))
    };
    let chi = test(WaldDistribution::ChiSquared)?;
    within(CLOSED, &format!("{what} q"), chi.df, theirs["q"].as_f64())?;
    within(CLOSED, &format!("{what} χ²"), chi.statistic, theirs["chi2"].as_f64())?;
    within(CLOSED, &format!("{what} p of χ²"), chi.p_value, theirs["p_chi2"].as_f64())?;
    let f = test(WaldDistribution::F)?;
    within(CLOSED, &format!("{what} F"), f.statistic, theirs["F"].as_f64())?;
    within(CLOSED, &format!("{what} p of F"), f.p_value, theirs["p_F_Gminus1"].as_f64())?;
    let (fixest, theirs) = (test(WaldDistribution::FResidual)?, &theirs["fixest_wald"]);
    within(CLOSED, &format!("{what} fixest"), fixest.statistic, theirs["stat"].as_f64())?;
    within(CLOSED, &format!("{what} fixest p"), fixest.p_value, theirs["p"].as_f64())?;
    within(CLOSED, &format!("{what} df1"), fixest.df, theirs["df1"].as_f64())?;
    within(CLOSED, &format!("{what} df2"), fixest.df_residual, theirs["df2"].as_f64())
}

fn mpdta(folder: &Path) -> Result<()> {
    let theirs = answers(folder, "eventstudy_mpdta")?;
    let panel = load(folder, "mpdta")?;
    let ours = study(&panel, &EventStudyOptions::default());
    same_coefficients("mpdta", &ours, &theirs)?;
    same_wald("leads", &ours, &theirs["pretrend_wald"], true)?;
    same_wald("lags", &ours, &theirs["post_wald"], false)?;
    let test = pretrend_test(
        &panel.rows(),
        &panel.first_treated,
        None,
        &EventStudyOptions::default(),
        WaldDistribution::F,
    );
    let p = theirs["pretrend_wald"]["p_F_Gminus1"].as_f64();
    within(CLOSED, "test", test.p_value, p)
}

/// Near-singular blocks of the covariance leave few digits of their Wald statistics: the reference
/// compares coefficients and errors alone there, and so do we. Where a lead is of one unit we give
/// no test.
fn unbinned(folder: &Path, name: &str) -> Result<()> {
    let theirs = answers(folder, &format!("eventstudy_{name}"))?;
    let ours = study(&load(folder, name)?, &EventStudyOptions::default());
    same_coefficients(name, &ours, &theirs)
}

fn math_reform(folder: &Path) -> Result<()> {
    unbinned(folder, "math_reform")
}

fn ehec_medicaid(folder: &Path) -> Result<()> {
    unbinned(folder, "ehec_medicaid")
}

fn binned(folder: &Path) -> Result<()> {
    let theirs = answers(folder, "eventstudy_binned_ehec")?;
    let panel = load(folder, "ehec_medicaid")?;
    let options = EventStudyOptions { leads: Some(4.0), lags: Some(4.0), ..Default::default() };
    let ours = study(&panel, &options);
    let all = &theirs["all_cohorts_binned_m4_p4"];
    same_coefficients("binned", &ours, all)?;
    same_wald("binned leads", &ours, &all["pretrend_wald"], true)?;
    same_wald("binned lags", &ours, &all["post_wald"], false)?;

    // States of 2014, and those that were never treated, in the years to 2015.
    let kept: Vec<usize> = (0..panel.y.len())
        .filter(|row| {
            let first = panel.first_treated[*row];
            panel.time[*row] <= 2015.0 && first.is_none_or(|first| first == 2014.0)
        })
        .collect();
    let names = crate::support::Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    let ids = names.column("stfips")?;
    let units: Vec<String> = kept.iter().map(|row| ids[*row].to_string()).collect();
    let one = Columns {
        y: kept.iter().map(|row| panel.y[*row]).collect(),
        unit: Labels::new(&units),
        time: kept.iter().map(|row| panel.time[*row]).collect(),
        first_treated: kept.iter().map(|row| panel.first_treated[*row]).collect(),
        weights: None,
    };
    let ours = study(&one, &EventStudyOptions::default());
    let one_cohort = &theirs["cohort2014_only_2008_2015"];
    same_coefficients("2014", &ours, one_cohort)?;
    same_wald("2014 leads", &ours, &one_cohort["pretrend_wald"], true)?;
    same_wald("2014 lags", &ours, &one_cohort["post_wald"], false)?;

    // What was found equivalent at a threshold is not at a smaller one.
    let smallest = |threshold| {
        let options = EquivalenceOptions { threshold, ..EquivalenceOptions::default() };
        let rows: PanelRows<'_> = one.rows();
        pretrend_equivalence(&rows, &one.first_treated, None, &options)
    };
    let threshold = smallest(None).max.threshold.context("no threshold")?;
    ensure!(smallest(Some(1.001 * threshold)).max.equivalent == Some(true));
    ensure!(smallest(Some(0.999 * threshold)).max.equivalent == Some(false));
    Ok(())
}

/// The figures of `event_study.csv` from the panel mpdta of the repository.
fn carried_mpdta(folder: &Path) -> Result<()> {
    // Its columns are those of the source, or of the project's own names.
    let header = fs_read(&folder.join("mpdta.csv"))?;
    let header = header.lines().next().unwrap_or_default().replace('"', "");
    let known = |names: [&'static str; 2]| {
        names.into_iter().find(|name| header.split(',').any(|column| column.trim() == *name))
    };
    let names =
        [["lemp", "y"], ["countyreal", "unit"], ["year", "time"], ["first.treat", "first_treat"]];
    let mut found = [""; 4];
    for (found, names) in found.iter_mut().zip(names) {
        *found = known(names).with_context(|| format!("no column {names:?}"))?;
    }
    let panel = columns(&folder.join("mpdta.csv"), found)?;
    let ours = study(&panel, &EventStudyOptions::default());
    let table = crate::support::Table::open(&folder.join("event_study.csv"))?;
    for row in &table.rows {
        let time = table.number(row, "event_time")?;
        let term = ours.terms.iter().find(|term| term.event_time == Some(time));
        let effect = &term.with_context(|| format!("no term for {time}"))?.effect;
        for (name, value) in [
            ("estimate", effect.estimate),
            ("std_error", effect.std_error),
            ("statistic", effect.statistic),
            ("p_value", effect.p_value),
        ] {
            within(TOLERANCE, &format!("{time} {name}"), value, Some(table.number(row, name)?))?;
        }
    }
    Ok(())
}
