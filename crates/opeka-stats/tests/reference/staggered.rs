//! Staggered adoption: decompositions (bacondecomp), interaction-weighted effects (fixest::sunab),
//! imputation (did2s), and power (diff-diff).

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    BaconComparison, DidImputationOptions, EffectAt, ImputationAggregation, ImputationErrors,
    Labels, PanelRows, PowerAlternative, PowerDesign, PowerOptions, SunAbraham,
    SunAbrahamAggregation, SunAbrahamOptions, bacon, did_imputation, minimum_detectable_effect,
    power_of_design, required_units, sun_abraham,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, trial, within};

/// Closed forms on both sides.
const CLOSED: f64 = 1e-8;

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::staggered", Some(&carried()), minimum_wages),
        trial("bacon_mpdta", reference, |folder| decomposed(folder, "mpdta")),
        trial("bacon_math_reform", reference, |folder| decomposed(folder, "math_reform")),
        trial("bacon_ehec_medicaid", reference, |folder| decomposed(folder, "ehec_medicaid")),
        trial("sunab_mpdta::att_minus_0_0400", reference, |folder| weighted(folder, "mpdta")),
        trial("sunab_math_reform", reference, |folder| weighted(folder, "math_reform")),
        trial("sunab_ehec_medicaid::att_0_0668", reference, |folder| {
            weighted(folder, "ehec_medicaid")
        }),
        trial("did2s_ehec::att_0_0734", reference, two_stages),
        trial("power_public", reference, designs),
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
        Self::read(&folder.join(format!("data/{name}.csv")), name)
    }

    fn read(path: &Path, name: &str) -> Result<Self> {
        let table = Table::open(path)?;
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

/// Teen employment and minimum wages (Callaway and Sant'Anna 2021): Sun and Abraham's ATT −0.0400,
/// error 0.0118; by imputation −0.0477, error 0.0132.
fn minimum_wages(folder: &Path) -> Result<()> {
    let panel = Staggered::read(&folder.join("mpdta.csv"), "mpdta")?;
    let pairs = bacon(&panel.rows(), &panel.treated());
    let mut effects: Vec<(&str, EffectAt)> = Vec::new();
    for aggregation in
        [SunAbrahamAggregation::Event, SunAbrahamAggregation::Att, SunAbrahamAggregation::Cohort]
    {
        let options = SunAbrahamOptions { aggregation, ..SunAbrahamOptions::default() };
        let found = sun_abraham(&panel.rows(), &panel.first, &options).effects;
        effects.extend(found.into_iter().map(|at| ("sun_abraham", at)));
    }
    for (name, aggregation, errors) in [
        ("did_imputation", ImputationAggregation::Att, ImputationErrors::Conservative),
        ("did_imputation", ImputationAggregation::Event, ImputationErrors::Conservative),
        ("did_imputation", ImputationAggregation::Cohort, ImputationErrors::Conservative),
        ("leave_out", ImputationAggregation::Att, ImputationErrors::LeaveOut),
    ] {
        let options = DidImputationOptions { aggregation, errors, ..Default::default() };
        let found = did_imputation(&panel.rows(), &panel.first, &options).effects;
        effects.extend(found.into_iter().map(|at| (name, at)));
    }
    let table = Table::open(&folder.join("staggered.csv"))?;
    ensure!(table.rows.len() == pairs.len() + effects.len(), "{} figures", table.rows.len());
    for row in &table.rows {
        let what = format!("{row:?}");
        let (function, term) = (table.text(row, "function")?, table.text(row, "term")?);
        let (estimate, second) = match function {
            "bacon" => {
                let pair = pairs.iter().find(|pair| pair.term == term).context(what.clone())?;
                (pair.estimate, pair.weight)
            }
            name => {
                let same =
                    |found: &&(&str, EffectAt)| found.0 == name && found.1.effect.term == term;
                let found = effects.iter().find(same).context(what.clone())?;
                (found.1.effect.estimate, found.1.effect.std_error)
            }
        };
        // Its peers find the fit of imputation by iteration.
        let near = if matches!(function, "bacon" | "sun_abraham") { CLOSED } else { ITERATIVE };
        within(near, &what, estimate, Some(table.number(row, "estimate")?))?;
        within(near, &what, second, Some(table.number(row, "second")?))?;
    }
    Ok(())
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

fn designs(folder: &Path) -> Result<()> {
    for row in rows(&answers(folder, "power_public")?["grid"])? {
        let what = row.to_string();
        let design = PowerDesign {
            n_treated: given(row, "n_treated")?,
            n_control: given(row, "n_control")?,
            n_pre: given(row, "n_pre")?,
            n_post: given(row, "n_post")?,
            sigma: given(row, "sigma")?,
            rho: given(row, "rho")?,
        };
        let name = row["alternative"].as_str().context("an alternative")?;
        let options = PowerOptions {
            power: given(row, "target_power")?,
            alternative: PowerAlternative::named(name).context("an alternative")?,
            ..PowerOptions::default()
        };
        let effect = given(row, "effect")?;
        let smallest = minimum_detectable_effect(&design, &options);
        within(CLOSED, &what, smallest.estimate, Some(given(row, "mde")?))?;
        let power = power_of_design(&design, effect, &options);
        within(CLOSED, &what, power.estimate, Some(given(row, "power")?))?;
        let share = design.n_treated / (design.n_treated + design.n_control);
        let units = required_units(&design, effect, share, &options);
        within(CLOSED, &what, units.estimate, Some(given(row, "required_n_total")?))?;
    }
    Ok(())
}
