//! Effects by cohort and time against the R package did, version 2.5.1.

mod variants;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    AttAggregate, AttAggregateOptions, AttAggregation, AttBase, AttControl, AttErrors, AttGt,
    AttGtOptions, AttMethod, Labels, PanelRows, att_aggregate, att_gt, att_pretest,
};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, trial};

/// Closed forms.
const EXACT: f64 = 1e-8;

/// Where a logistic regression enters, which the reference stops at a change of the deviance of 1e-8.
const LOGIT: f64 = 1e-6;

pub(crate) fn trials(folder: Option<&Path>) -> Vec<Trial> {
    let repository = carried();
    let carried = Some(repository.as_path());
    vec![
        trial("carried::att_gt_of_mpdta", carried, carried_mpdta),
        trial("carried::att_gt_variants", carried, variants::compare),
        trial("att_gt::mpdta", folder, mpdta),
        trial("att_gt::mpdta_without_never_treated", folder, mpdta_no_never),
        trial("att_gt::mpdta_multiplier_bootstrap", folder, mpdta_bootstrap),
        trial("att_gt::ehec_medicaid", folder, ehec),
        trial("att_gt::math_reform", folder, math_reform),
        trial("att_gt::panel_of_10000_units", folder, bench),
    ]
}

/// A panel as columns.
struct Data {
    y: Vec<f64>,
    names: Vec<String>,
    unit: Labels,
    time: Vec<f64>,
    first: Vec<Option<f64>>,
    covariate: Vec<f64>,
    weights: Vec<f64>,
}

impl Data {
    /// The columns of outcome, unit, time and first treated time (0 or empty is never), and those of
    /// a covariate and weights, where there are any.
    fn open(
        path: &Path,
        [y, unit, time, first]: [&str; 4],
        more: [Option<&str>; 2],
    ) -> Result<Self> {
        let table = Table::open(path)?;
        let text = |column: &str| -> Result<Vec<&str>> {
            table.rows.iter().map(|row| table.text(row, column)).collect()
        };
        let optional = |name: Option<&str>| name.map_or(Ok(Vec::new()), |name| table.column(name));
        let first = text(first)?
            .into_iter()
            .map(|text| match text {
                "" | "NA" => Ok(None),
                text => Ok(Some(text.parse::<f64>()?).filter(|first| *first > 0.0)),
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            y: table.column(y)?,
            names: text(unit)?.into_iter().map(str::to_owned).collect(),
            unit: Labels::new(&text(unit)?),
            time: table.column(time)?,
            first,
            covariate: optional(more[0])?,
            weights: optional(more[1])?,
        })
    }

    fn without_never(self) -> Self {
        let kept: Vec<usize> = (0..self.y.len()).filter(|row| self.first[*row].is_some()).collect();
        let take =
            |column: &[f64]| kept.iter().filter_map(|row| column.get(*row).copied()).collect();
        let names: Vec<String> = kept.iter().map(|row| self.names[*row].clone()).collect();
        Self {
            y: take(&self.y),
            time: take(&self.time),
            covariate: take(&self.covariate),
            weights: take(&self.weights),
            first: kept.iter().map(|row| self.first[*row]).collect(),
            unit: Labels::new(&names),
            names,
        }
    }
}

/// A question to the reference package.
struct Spec {
    options: AttGtOptions,
    covariate: bool,
    weights: bool,
}

impl Spec {
    fn of(spec: &Value) -> Result<Self> {
        let text = |key: &str| spec[key].as_str().with_context(|| format!("no `{key}`"));
        let covariate = text("xformla")? != "~1";
        let options = AttGtOptions {
            method: match text("est_method")? {
                "reg" => AttMethod::Regression,
                "ipw" => AttMethod::InverseProbability,
                _ => AttMethod::DoublyRobust,
            },
            control: match text("control_group")? {
                "nevertreated" => AttControl::NeverTreated,
                _ => AttControl::NotYetTreated,
            },
            anticipation: given(spec, "anticipation")?,
            base_period: match text("base_period")? {
                "varying" => AttBase::Varying,
                _ => AttBase::Universal,
            },
            ..AttGtOptions::default()
        };
        Ok(Self { options, covariate, weights: !spec["weights"].is_null() })
    }

    fn tolerance(&self) -> f64 {
        let logit = self.covariate && self.options.method != AttMethod::Regression;
        if logit { LOGIT } else { EXACT }
    }

    fn ask<T>(&self, data: &Data, ask: impl Fn(&PanelRows<'_>) -> T) -> T {
        let covariates: [&[f64]; 1] = [&data.covariate];
        ask(&PanelRows {
            covariates: if self.covariate { &covariates } else { &[] },
            weights: self.weights.then_some(&data.weights),
            ..PanelRows::new(&data.y, &data.unit, &data.time)
        })
    }
}

/// Largest relative differences that were seen.
#[derive(Default)]
struct Seen {
    estimate: f64,
    error: f64,
    covariance: f64,
    wald: f64,
}

/// Within a relative difference; of values near zero, of the size that is given.
fn near(
    seen: &mut f64,
    tolerance: f64,
    what: &str,
    actual: Option<f64>,
    expected: &Value,
    size: f64,
) -> Result<()> {
    let expected = expected.as_f64();
    let (Some(a), Some(e)) = (actual, expected) else {
        ensure!(actual == expected, "{what}: {actual:?} where {expected:?} is expected");
        return Ok(());
    };
    let difference = (a - e).abs() / e.abs().max(size);
    *seen = seen.max(difference);
    ensure!(difference <= tolerance, "{what}: {a} is not {e}; relative difference {difference:e}");
    Ok(())
}

/// A list of numbers, or the number that a list of one is written as.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

/// All that is known of a question.
fn check(name: &str, data: &Data, answer: &Value, seen: &mut Seen) -> Result<()> {
    let spec = Spec::of(&answer["spec"])?;
    let tolerance = spec.tolerance();
    let result = spec.ask(data, |rows| att_gt(rows, &data.first, None, &spec.options));
    ensure!(result.reason.is_none(), "{name}: {:?}", result.reason);
    ensure!(
        result.units.len() as f64 == given(answer, "n_units")?,
        "{name}: {} units",
        result.units.len()
    );
    check_cells(name, &result, answer, tolerance, seen)?;

    // A statistic that is not there is an empty list.
    let pretest = spec.ask(data, |rows| att_pretest(rows, &data.first, None, &spec.options));
    ensure!(pretest == result.pretest, "{name}: the pre-test is that of the effects");
    match answer["W"].as_f64() {
        None => ensure!(
            pretest.statistic.is_none() && pretest.reason.is_some(),
            "{name}: W {:?} where the covariance is singular",
            pretest.statistic
        ),
        Some(_) => {
            near(&mut seen.wald, tolerance, name, pretest.statistic, &answer["W"], 0.0)?;
            // The file counts effects earlier than anticipation begins, base periods included; the
            // package tests all before treatment but for base periods. Its own p says so: 6.8231 of
            // 5 degrees of freedom is 0.23413, of the 3 in the file it would be 0.0777; and 7.7912 of
            // 5 is 0.16812, of the 8 in the file for the universal base period 0.4541.
            let before = |limit: f64| {
                result.effects.iter().filter(move |line| line.event_time.is_some_and(|e| e < limit))
            };
            let counted = before(-spec.options.anticipation).count();
            ensure!(Some(counted as u64) == answer["W_df"].as_u64(), "{name}: W_df");
            let tested = before(0.0).filter(|line| line.effect.std_error.is_some()).count();
            ensure!(pretest.df == Some(tested), "{name}: df {:?}", pretest.df);
            // Rounded to five digits by the package.
            let p = answer["Wpval"][0][0].as_f64().context("no p")?;
            let ours = pretest.p_value.context("no p of ours")?;
            ensure!((ours - p).abs() <= 5.1e-6, "{name}: p {ours} is not {p}");
        }
    }
    for (kind, aggregation) in [
        ("simple", AttAggregation::Simple),
        ("dynamic", AttAggregation::Dynamic),
        ("group", AttAggregation::Group),
        ("calendar", AttAggregation::Calendar),
    ] {
        let options = AttAggregateOptions {
            att_gt: spec.options.clone(),
            aggregation,
            ..AttAggregateOptions::default()
        };
        let result = spec.ask(data, |rows| att_aggregate(rows, &data.first, None, &options));
        let name = format!("{name} {kind}");
        check_aggregate(&name, &result, &answer["aggte"][kind], tolerance, seen)?;
    }
    Ok(())
}

fn check_cells(
    name: &str,
    result: &AttGt,
    answer: &Value,
    tolerance: f64,
    seen: &mut Seen,
) -> Result<()> {
    let (att, se) = (list(&answer["att"]), list(&answer["se"]));
    ensure!(result.effects.len() == att.len(), "{name}: {} effects", result.effects.len());
    let size = att.iter().filter_map(|att| att.as_f64()).map(f64::abs).fold(0.0, f64::max);
    for (place, effect) in result.effects.iter().enumerate() {
        let what = format!("{name} {}", effect.effect.term);
        ensure!(effect.cohort == answer["group"][place].as_f64(), "{what}: cohort");
        ensure!(effect.time == answer["time"][place].as_f64(), "{what}: time");
        near(
            &mut seen.estimate,
            tolerance,
            &what,
            effect.effect.estimate,
            att[place],
            1e-6 * size,
        )?;
        // That of the formula, which stands where the effect itself gives none, as for one unit.
        let variance = result.covariance[place][place].filter(|variance| *variance > 0.0);
        near(&mut seen.error, tolerance, &what, variance.map(f64::sqrt), se[place], 0.0)?;
        let reported = effect.effect.std_error;
        ensure!(
            reported.is_none() || reported == variance.map(f64::sqrt),
            "{what}: the error is another one"
        );
    }
    let values = &answer["V"]["values"];
    for (i, row) in result.covariance.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let root = |k: usize| result.covariance[k][k].map_or(0.0, f64::sqrt);
            // Of the size of the errors, because covariances can be near zero.
            let size = root(i) * root(j);
            let what = format!("{name} V[{i},{j}]");
            near(&mut seen.covariance, tolerance, &what, *value, &values[i][j], size.max(1e-300))?;
        }
    }
    Ok(())
}

fn check_aggregate(
    name: &str,
    result: &AttAggregate,
    answer: &Value,
    tolerance: f64,
    seen: &mut Seen,
) -> Result<()> {
    let overall = &result.effects[0].effect;
    ensure!(overall.term == "ATT", "{name}: the first line is {}", overall.term);
    let parts = answer["att"].as_array().map_or(0, Vec::len);
    ensure!(result.effects.len() == parts + 1, "{name}: {} lines", result.effects.len());
    let error = |place: usize| {
        let variance = result.covariance[place][place];
        Some(variance.sqrt()).filter(|error| *error > 0.0)
    };
    near(&mut seen.estimate, tolerance, name, overall.estimate, &answer["overall_att"], 1e-7)?;
    near(&mut seen.error, tolerance, name, error(0), &answer["overall_se"], 0.0)?;
    for place in 0..parts {
        let line = &result.effects[place + 1];
        let what = format!("{name} {}", line.effect.term);
        let at = line.event_time.or(line.cohort).or(line.time);
        ensure!(at == answer["egt"][place].as_f64(), "{what}: {at:?}");
        let expected = &answer["att"][place];
        near(&mut seen.estimate, tolerance, &what, line.effect.estimate, expected, 1e-7)?;
        near(&mut seen.error, tolerance, &what, error(place + 1), &answer["se"][place], 0.0)?;
    }
    Ok(())
}

fn check_all(folder: &Path, name: &str, data: &Data) -> Result<()> {
    let answers = answers(folder, name)?;
    let answers = answers.as_object().context("no answers")?;
    ensure!(!answers.is_empty(), "no answers");
    for (spec, answer) in answers {
        let mut seen = Seen::default();
        check(spec, data, answer, &mut seen)?;
        if std::env::var_os("OPEKA_DIFFERENCES").is_some() {
            let Seen { estimate, error, covariance, wald } = seen;
            let line = format!("{name} {spec}: {estimate:e} {error:e} {covariance:e} {wald:e}\n");
            std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes())?;
        }
    }
    Ok(())
}

fn open_mpdta(path: &Path) -> Result<Data> {
    let columns = ["lemp", "countyreal", "year", "first.treat"];
    Data::open(path, columns, [Some("lpop"), None])
}

fn mpdta(folder: &Path) -> Result<()> {
    check_all(folder, "cs_mpdta", &open_mpdta(&folder.join("data/mpdta.csv"))?)
}

fn mpdta_no_never(folder: &Path) -> Result<()> {
    let data = open_mpdta(&folder.join("data/mpdta.csv"))?.without_never();
    check_all(folder, "cs_mpdta_no_never", &data)
}

fn ehec(folder: &Path) -> Result<()> {
    let columns = ["dins", "stfips", "year", "yexp2"];
    let data = Data::open(&folder.join("data/ehec_medicaid.csv"), columns, [None, Some("W")])?;
    check_all(folder, "cs_ehec_medicaid", &data)
}

fn math_reform(folder: &Path) -> Result<()> {
    let columns = ["incearn_ln", "state", "class", "reformyr_math"];
    let data = Data::open(&folder.join("data/math_reform.csv"), columns, [None, None])?;
    check_all(folder, "cs_math_reform", &data)
}

fn bench(folder: &Path) -> Result<()> {
    let data = Data::open(
        &folder.join("data/bench_panel_10000x10.csv"),
        ["y", "id", "t", "g"],
        [Some("x"), None],
    )?;
    let answers = answers(folder, "bench_panel_10000x10")?;
    let spec = Spec { options: AttGtOptions::default(), covariate: true, weights: false };
    let result = spec.ask(&data, |rows| att_gt(rows, &data.first, None, &spec.options));
    let answer = &answers["att"];
    ensure!(result.effects.len() == list(&answer["att"]).len(), "{} effects", result.effects.len());
    let mut seen = Seen::default();
    for (place, line) in result.effects.iter().enumerate() {
        let what = &line.effect.term;
        ensure!(line.cohort == answer["group"][place].as_f64(), "{what}: cohort");
        ensure!(line.time == answer["time"][place].as_f64(), "{what}: time");
        let (estimate, error) = (line.effect.estimate, line.effect.std_error);
        near(&mut seen.estimate, LOGIT, what, estimate, &answer["att"][place], 1e-6)?;
        near(&mut seen.error, LOGIT, what, error, &answer["se"][place], 0.0)?;
    }
    near(&mut seen.wald, LOGIT, "W", result.pretest.statistic, &answer["W"], 0.0)?;
    let options = AttAggregateOptions::default();
    let result = spec.ask(&data, |rows| att_aggregate(rows, &data.first, None, &options));
    let answer = &answers["dynamic"];
    let overall = &result.effects[0].effect;
    near(&mut seen.estimate, LOGIT, "ATT", overall.estimate, &answer["overall"], 0.0)?;
    near(&mut seen.error, LOGIT, "ATT", overall.std_error, &answer["overall_se"], 0.0)?;
    ensure!(result.event_times.len() == list(&answer["e"]).len(), "event times");
    for (place, line) in result.effects[1..].iter().enumerate() {
        let what = &line.effect.term;
        ensure!(line.event_time == answer["e"][place].as_f64(), "{what}: event time");
        near(&mut seen.estimate, LOGIT, what, line.effect.estimate, &answer["att"][place], 1e-6)?;
        near(&mut seen.error, LOGIT, what, line.effect.std_error, &answer["se"][place], 0.0)?;
    }
    Ok(())
}

/// Draws differ by chance: within four standard deviations, those of the reference over its seeds of
/// 20,000 draws, and ours of as many.
fn mpdta_bootstrap(folder: &Path) -> Result<()> {
    let data = open_mpdta(&folder.join("data/mpdta.csv"))?;
    let answers = answers(folder, "cs_mpdta_multiplier_bootstrap")?;
    for (formula, covariate) in [("~1", false), ("~lpop", true)] {
        let answer = &answers[formula];
        let options = AttGtOptions {
            errors: AttErrors::Bootstrap,
            uniform_band: true,
            draws: 20_000,
            ..AttGtOptions::default()
        };
        let spec = Spec { options, covariate, weights: false };
        let result = spec.ask(&data, |rows| att_gt(rows, &data.first, None, &spec.options));
        ensure!(result.effects.len() == 12, "{} effects", result.effects.len());
        for (place, line) in result.effects.iter().enumerate() {
            let ours = line.effect.std_error.context("no error")?;
            let mean = answer["boot_se_mean_over_5_seeds"][place].as_f64().context("no mean")?;
            let sd = answer["boot_se_sd_over_seeds"][place].as_f64().context("no sd")?;
            // The reference's own deviation rests on five seeds: not below what the distance of
            // quartiles of 20,000 normal draws varies by, 1.17 / √20000 of the error.
            let sd = sd.max(1.17 / 20_000f64.sqrt() * mean);
            let what = &line.effect.term;
            ensure!(
                (ours - mean).abs() <= 4.0 * sd,
                "{formula} {what}: {ours} is not {mean} ± {sd}"
            );
        }
        let ours = result.critical_value.context("no critical value")?;
        let (mean, sd) =
            (given(answer, "sim_crit_value_mean")?, given(answer, "sim_crit_value_sd")?);
        ensure!(
            (ours - mean).abs() <= 4.0 * sd.max(0.01),
            "{formula}: {ours} is not {mean} ± {sd}"
        );
        let options =
            AttAggregateOptions { att_gt: spec.options.clone(), ..AttAggregateOptions::default() };
        let result = spec.ask(&data, |rows| att_aggregate(rows, &data.first, None, &options));
        let ours = result.critical_value.context("no critical value")?;
        let theirs = given(answer, "dynamic_crit_value")?;
        // One seed of theirs, one of ours.
        ensure!((ours - theirs).abs() <= 0.06, "{formula} dynamic: {ours} is not {theirs}");
    }
    Ok(())
}

/// The headline of the package: simple ATT −0.0400 (0.0120) without covariates; by event time −0.0772
/// (0.0200); by cohort −0.0310 (0.0124); with the logarithm of population, doubly robust, −0.0418.
fn carried_mpdta(folder: &Path) -> Result<()> {
    let data = open_mpdta(&folder.join("mpdta.csv"))?;
    let answers = Table::open(&folder.join("att_gt.csv"))?;
    let mut seen = Seen::default();
    for row in &answers.rows {
        let options = AttGtOptions {
            control: match answers.text(row, "control")? {
                "never_treated" => AttControl::NeverTreated,
                _ => AttControl::NotYetTreated,
            },
            ..AttGtOptions::default()
        };
        let covariate = answers.text(row, "covariates")? == "lpop";
        let spec = Spec { options, covariate, weights: false };
        let aggregation = match answers.text(row, "aggregation")? {
            "simple" => AttAggregation::Simple,
            "dynamic" => AttAggregation::Dynamic,
            "group" => AttAggregation::Group,
            _ => AttAggregation::Calendar,
        };
        let options = AttAggregateOptions {
            att_gt: spec.options.clone(),
            aggregation,
            ..AttAggregateOptions::default()
        };
        let term = answers.text(row, "term")?;
        let effects = match term.contains(',') {
            true => spec.ask(&data, |rows| att_gt(rows, &data.first, None, &spec.options)).effects,
            false => {
                spec.ask(&data, |rows| att_aggregate(rows, &data.first, None, &options)).effects
            }
        };
        let line = effects.iter().find(|line| line.effect.term == term);
        let effect = &line.with_context(|| format!("no {term}"))?.effect;
        let value = |column: &str| answers.number(row, column).map(Value::from);
        let tolerance = spec.tolerance();
        near(&mut seen.estimate, tolerance, term, effect.estimate, &value("estimate")?, 0.0)?;
        near(&mut seen.error, tolerance, term, effect.std_error, &value("std_error")?, 0.0)?;
    }
    ensure!(seen.estimate > 0.0, "the reference has its own rounding");
    Ok(())
}
