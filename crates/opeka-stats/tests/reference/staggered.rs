//! Staggered adoption: decompositions (bacondecomp), interaction-weighted effects (fixest::sunab),
//! imputation (did2s), and power (diff-diff).

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    BaconComparison, DidImputationOptions, EffectAt, ImputationErrors, Labels, PanelRows,
    SunAbraham, SunAbrahamAggregation, SunAbrahamOptions, bacon, did_imputation, sun_abraham,
};
use serde_json::Value;

use crate::support::{Table, answers, given, rows, trial, within};

/// Closed forms on both sides.
const CLOSED: f64 = 1e-8;

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("bacon_mpdta", reference, |folder| decomposed(folder, "mpdta")),
        trial("bacon_math_reform", reference, |folder| decomposed(folder, "math_reform")),
        trial("bacon_ehec_medicaid", reference, |folder| decomposed(folder, "ehec_medicaid")),
        trial("sunab_mpdta::att_minus_0_0400", reference, |folder| weighted(folder, "mpdta")),
        trial("sunab_math_reform", reference, |folder| weighted(folder, "math_reform")),
        trial("sunab_ehec_medicaid::att_0_0668", reference, |folder| {
            weighted(folder, "ehec_medicaid")
        }),
        trial("did2s_ehec::att_0_0734", reference, two_stages),
    ]
}

/// A panel with the first treated time of each row.
struct Staggered {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    first: Vec<Option<f64>>,
}

impl Staggered {
    fn open(folder: &Path, name: &str) -> Result<Self> {
        let table = Table::open(&folder.join(format!("data/{name}.csv")))?;
        let [y, unit, time, first] = match name {
            "mpdta" => ["lemp", "countyreal", "year", "first.treat"],
            "math_reform" => ["incearn_ln", "state", "class", "reformyr_math"],
            _ => ["dins", "stfips", "year", "yexp2"],
        };
        let units: Vec<&str> =
            table.rows.iter().map(|row| table.text(row, unit)).collect::<Result<_>>()?;
        let first = table.rows.iter().map(|row| -> Result<Option<f64>> {
            let text = table.text(row, first)?;
            let known = !matches!(text, "" | "NA" | "0");
            known.then(|| text.parse().with_context(|| text.to_owned())).transpose()
        });
        Ok(Self {
            y: table.column(y)?,
            unit: Labels::new(&units),
            time: table.column(time)?,
            first: first.collect::<Result<_>>()?,
        })
    }

    fn rows(&self) -> PanelRows<'_> {
        PanelRows::new(&self.y, &self.unit, &self.time)
    }

    fn treated(&self) -> Vec<Option<f64>> {
        let is = |(time, first): (&f64, &Option<f64>)| first.is_some_and(|first| *time >= first);
        self.time.iter().zip(&self.first).map(|row| Some(f64::from(u8::from(is(row))))).collect()
    }
}

fn decomposed(folder: &Path, name: &str) -> Result<()> {
    let panel = Staggered::open(folder, name)?;
    let ours = bacon(&panel.rows(), &panel.treated());
    let answers = answers(folder, &format!("bacon_{name}"))?;
    let theirs = rows(&answers["two_by_twos"])?;
    ensure!(ours.len() == theirs.len(), "{} comparisons for {}", ours.len(), theirs.len());
    for row in theirs {
        let (treated, control) = (row["treated"].as_f64(), row["untreated"].as_f64());
        let same =
            |c: &&BaconComparison| (c.treated_cohort, c.control_cohort) == (treated, control);
        let found = ours.iter().find(same).with_context(|| row.to_string())?;
        let what = row.to_string();
        within(CLOSED, &what, found.estimate, row["estimate"].as_f64())?;
        within(CLOSED, &what, found.weight, row["weight"].as_f64())?;
        ensure!(found.kind == row["type"].as_str(), "{what}: {:?}", found.kind);
    }
    let sum = |kind: Option<&str>, figure: fn(&BaconComparison) -> f64| -> f64 {
        ours.iter().filter(|c| kind.is_none() || c.kind == kind).map(figure).sum()
    };
    let weight = |c: &BaconComparison| c.weight.unwrap_or(f64::NAN);
    let share = |c: &BaconComparison| c.weight.unwrap_or(f64::NAN) * c.estimate.unwrap_or(f64::NAN);
    within(CLOSED, "sum", Some(sum(None, weight)), answers["sum_weights"].as_f64())?;
    within(CLOSED, "twfe", Some(sum(None, share)), answers["weighted_sum"].as_f64())?;
    for row in rows(&answers["by_type"])? {
        let kind = row["type"].as_str();
        let total = sum(kind, weight);
        within(CLOSED, "weight", Some(total), row["weight"].as_f64())?;
        let mean = sum(kind, share) / total;
        within(CLOSED, "estimate", Some(mean), row["avg_estimate"].as_f64())?;
    }
    Ok(())
}

fn weighted(folder: &Path, name: &str) -> Result<()> {
    let panel = Staggered::open(folder, name)?;
    let answers = answers(folder, &format!("sunab_{name}"))?;
    let estimate = |aggregation| {
        let options = SunAbrahamOptions { aggregation, ..SunAbrahamOptions::default() };
        sun_abraham(&panel.rows(), &panel.first, &options)
    };
    let events = estimate(SunAbrahamAggregation::Event);
    let name_of = |at: &EffectAt| format!(".tt::{}", at.event_time.unwrap_or(f64::NAN));
    lists(&events, &answers["event"], name_of)?;
    ensure!(events.coefficients.len() == events.effects.len(), "an event has no estimate");
    for (place, at) in events.effects.iter().enumerate() {
        let what = &at.effect.term;
        within(CLOSED, what, Some(events.coefficients[place]), at.effect.estimate)?;
        within(CLOSED, what, Some(events.covariance[place][place]), events.variances[place])?;
    }

    let att = estimate(SunAbrahamAggregation::Att);
    let effect = &att.effects[0].effect;
    let theirs = &answers["att"];
    within(CLOSED, "att", effect.estimate, Some(given(theirs, "coef")?))?;
    within(CLOSED, "att se", effect.std_error, Some(given(theirs, "se")?))?;
    within(CLOSED, "att t", effect.statistic, Some(given(theirs, "t")?))?;
    within(CLOSED, "att p", effect.p_value, Some(given(theirs, "p")?))?;

    let cohorts = estimate(SunAbrahamAggregation::Cohort);
    let name_of = |at: &EffectAt| format!("cohort::{}", at.cohort.unwrap_or(f64::NAN));
    lists(&cohorts, &answers["cohort"], name_of)?;
    let cells = estimate(SunAbrahamAggregation::CohortEvent);
    let name_of = |at: &EffectAt| {
        let (event, cohort) = (at.event_time.unwrap_or(f64::NAN), at.cohort.unwrap_or(f64::NAN));
        format!(".tt::{event}:cohort::{cohort}")
    };
    lists(&cells, &answers["cohort_by_rel"], name_of)
}

/// Names, coefficients, errors and p-values that stand in lists of their own. Errors that are not
/// reported because one unit is treated are those of the formula.
fn lists(ours: &SunAbraham, theirs: &Value, name_of: impl Fn(&EffectAt) -> String) -> Result<()> {
    let names = rows(&theirs["names"])?;
    ensure!(names.len() == ours.effects.len(), "{} effects", ours.effects.len());
    for (place, name) in names.iter().enumerate() {
        let name = name.as_str().context("a name")?;
        let found = ours.effects.iter().position(|at| name_of(at) == name).context("no effect")?;
        let effect = &ours.effects[found].effect;
        within(CLOSED, name, effect.estimate, theirs["coef"][place].as_f64())?;
        let error = theirs["se"][place].as_f64();
        within(CLOSED, name, ours.variances[found].map(f64::sqrt), error)?;
        match effect.std_error {
            Some(_) => within(CLOSED, name, effect.std_error, error)?,
            None => ensure!(effect.note.as_deref().is_some_and(|n| n.contains("one treated"))),
        }
        if let (Some(p), Some(_)) = (theirs["p"][place].as_f64(), effect.std_error) {
            within(CLOSED, name, effect.p_value, Some(p))?;
        }
    }
    Ok(())
}

fn two_stages(folder: &Path) -> Result<()> {
    let panel = Staggered::open(folder, "ehec_medicaid")?;
    let errors = ImputationErrors::TwoStage;
    let options = DidImputationOptions { errors, ..DidImputationOptions::default() };
    let ours = did_imputation(&panel.rows(), &panel.first, &options);
    let answers = answers(folder, "did2s_ehec")?;
    let effect = &ours.effects[0].effect;
    within(CLOSED, "coef", effect.estimate, Some(given(&answers, "coef")?))?;
    within(CLOSED, "se", effect.std_error, Some(given(&answers, "se")?))
}
