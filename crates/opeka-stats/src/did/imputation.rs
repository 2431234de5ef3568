//! Treated outcomes against what they would have been without treatment, as units and times say.

use super::columns::Columns;
use super::pretrends::{Pretrends, pretrends};
use super::unit_time::{UnitTime, rounding, weight};
use crate::Reason;
use crate::distribution::normal;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, cohorts, listed};
use crate::effect::{Effect, EffectAt, Notes, treated_units};
use crate::reason::{require_conf_level, require_finite_result};

/// What the effects on treated rows are averaged to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImputationAggregation {
    /// One effect, over all treated rows.
    #[default]
    Att,
    /// One effect for each number of periods since treatment began.
    Event,
    /// One effect for each cohort.
    Cohort,
}

/// How the errors of [`did_imputation`] are calculated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImputationErrors {
    /// Borusyak, Jaravel and Spiess (2024): effects spread around the averages of their cohort and
    /// time.
    #[default]
    Conservative,
    /// The same, the average of each cluster being that of the others (their appendix A.9).
    LeaveOut,
    /// Gardner (2022): two regressions as one system of moments; effects spread around the average
    /// that is reported.
    TwoStage,
}

/// What [`did_imputation`] can be told.
#[derive(Clone, Copy, Debug)]
pub struct DidImputationOptions<'a> {
    /// Units that adopted at an unknown time: left out.
    pub adopter: Option<&'a [bool]>,
    pub aggregation: ImputationAggregation,
    pub errors: ImputationErrors,
    /// For how many periods before treatment the untreated rows are tested for effects.
    pub pretrends: usize,
    pub conf_level: f64,
}

impl Default for DidImputationOptions<'_> {
    fn default() -> Self {
        Self {
            adopter: None,
            aggregation: ImputationAggregation::Att,
            errors: ImputationErrors::Conservative,
            pretrends: 0,
            conf_level: 0.95,
        }
    }
}

/// The result of [`did_imputation`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DidImputation {
    /// Periods before treatment first, where they were asked for; then the effects.
    pub effects: Vec<EffectAt>,
    /// What the formula gives for the covariance of the effects that have an estimate (those before
    /// treatment are not among them), even where too few units are treated to report errors.
    pub covariance: Vec<Vec<f64>>,
    /// Wald's F of all periods before treatment that were asked for.
    pub pretrend_f: Option<f64>,
    /// Of `pretrend_f`, by the F distribution with clusters less one degrees of freedom.
    pub pretrend_p: Option<f64>,
}

impl DidImputation {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effects: vec![EffectAt::unknown(reason)], ..Self::default() }
    }
}

/// Effects on the treated, each row against its own outcome without treatment (Borusyak, Jaravel
/// and Spiess 2024, *Review of Economic Studies* 91).
///
/// **Formula.** The outcome without treatment, y_it = a_i + l_t + x_it'g + u_it, is fitted by least
/// squares (weighted where weights are given) to the untreated rows alone; the effect on a treated
/// row is its outcome less the fitted one, and an estimate is the average of these effects, weighted
/// as the rows are (theorem 2). It equals Σ v_it y_it with v = −W Z (Z'WZ)⁻¹ Z₁'w over untreated rows
/// (Z their dummies and covariates, Z₁ and w those and the weights of treated rows) and v = w over
/// treated ones (equation 6).
///
/// **Errors** by cluster (units where no cluster is given), without a factor for small samples:
/// √ Σ_c (Σ_(it in c) v_it e_it)², where e_it of untreated rows is the residual of the fit.
/// `Conservative`: e_it of treated rows is the effect less the average of its cohort and time,
/// Σ_c (Σv)(Σvτ) / Σ_c (Σv)² over clusters (equations 7 and 8). `LeaveOut`: that average without the
/// cluster itself. `TwoStage`: the effect less the estimate, the clustered errors of Gardner's
/// (2022) two-stage regression as R's `did2s` has them. Tests and limits are normal.
///
/// **Before treatment.** With `pretrends` = h the untreated rows are regressed on indicators of 1 to
/// h periods before treatment (and effects and covariates), errors by cluster with G/(G−1) ×
/// (N−1)/(N−K): a test that does not touch the estimates (their section 4.4).
///
/// **Edge cases.** Treated rows of units or times that are never seen untreated (or, in panels with
/// gaps, not connected with each other) cannot be imputed: they are left out, and told. A covariate
/// that effects and others explain is left out where that holds for treated rows too, else there is
/// no estimate. With one treated unit behind an effect, no error is reported; effects of cohorts of
/// one cluster add nothing to `Conservative` errors, and that is told.
pub fn did_imputation(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    options: &DidImputationOptions<'_>,
) -> DidImputation {
    calculate(rows, first_treated, options).unwrap_or_else(DidImputation::unknown)
}

/// The model of untreated outcomes, fitted.
struct Fit<'a> {
    panel: &'a Panel,
    untreated: UnitTime<'a>,
    covariates: Columns<'a>,
    /// The treated rows that can be imputed.
    treated: Vec<usize>,
    /// The outcome less its fit: residuals, and effects of treated rows.
    left: Vec<f64>,
}

/// An average of effects.
struct Term {
    at: EffectAt,
    /// Treated rows and their weights, which add up to one.
    rows: Vec<(usize, f64)>,
}

fn calculate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    options: &DidImputationOptions<'_>,
) -> Result<DidImputation, Reason> {
    require_conf_level(options.conf_level)?;
    let mut notes = Notes::default();
    let panel = Panel::new(rows)?;
    let (panel, starts) = cohorts(&panel, first_treated, options.adopter, &mut notes)?;
    let fit = fit(&panel, &starts, &mut notes)?;
    let start_of = |row: usize| match starts[panel.unit[row] as usize] {
        Cohort::From(time) => time,
        Cohort::Never => f64::INFINITY,
    };
    let event_time = |row: usize| panel.times[panel.time[row] as usize] - start_of(row);
    let mut terms = terms(&fit, options.aggregation, start_of, event_time);
    let n_clusters = clusters_of(&fit);
    if n_clusters < 2 {
        notes.add("no standard errors: there is one cluster");
    }

    let mut scores: Vec<Option<Vec<f64>>> = Vec::new();
    for term in &mut terms {
        let estimate = term.rows.iter().map(|(row, w)| w * fit.left[*row]).sum::<f64>();
        require_finite_result(&[estimate])?;
        let mut notes = notes.clone();
        let v = row_weights(&fit, &term.rows);
        let score = cluster_scores(&fit, term, &v, estimate, options.errors, &mut notes, start_of);
        let variance = score
            .as_ref()
            .filter(|_| n_clusters > 1)
            .map(|score| score.iter().map(|score| score * score).sum::<f64>());
        report(term, estimate, variance, options, &panel, notes);
        scores.push(score);
    }
    let dot = |a: &Option<Vec<f64>>, b: &Option<Vec<f64>>| match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| a * b).sum(),
        _ => 0.0,
    };
    let known = n_clusters > 1 && scores.iter().all(Option::is_some);
    let covariance = match known {
        true => scores.iter().map(|a| scores.iter().map(|b| dot(a, b)).collect()).collect(),
        false => Vec::new(),
    };
    let before = match options.pretrends {
        0 => Pretrends::default(),
        h => pretrends(&panel, &fit.untreated, event_time, h, options.conf_level, &notes)?,
    };
    let effects = before.effects.into_iter().chain(terms.into_iter().map(|term| term.at));
    Ok(DidImputation {
        effects: effects.collect(),
        covariance,
        pretrend_f: before.f,
        pretrend_p: before.p,
    })
}

/// Fits the untreated rows, and takes the fit from all rows.
fn fit<'a>(panel: &'a Panel, starts: &[Cohort], notes: &mut Notes) -> Result<Fit<'a>, Reason> {
    let is_treated = |row: &usize| match starts[panel.unit[*row] as usize] {
        Cohort::From(time) => panel.times[panel.time[*row] as usize] >= time,
        Cohort::Never => false,
    };
    let (treated, rows): (Vec<usize>, Vec<usize>) = (0..panel.n_obs()).partition(is_treated);
    if treated.is_empty() {
        return Err(Reason::because("no row is treated"));
    }
    if rows.is_empty() {
        return Err(Reason::because("all rows are treated"));
    }
    let untreated = UnitTime::new(panel, rows.clone())?;
    let imputed =
        |row: &usize| untreated.imputes(panel.unit[*row] as usize, panel.time[*row] as usize);
    let (treated, lost): (Vec<usize>, Vec<usize>) = treated.into_iter().partition(imputed);
    tell_lost(panel, &treated, &lost, notes)?;
    let within = |column: &[f64]| -> Vec<f64> {
        let (unit, time) = untreated.effects(column);
        let mut left = column.to_vec();
        for row in rows.iter().chain(&treated) {
            left[*row] -= unit[panel.unit[*row] as usize] + time[panel.time[*row] as usize];
        }
        left
    };
    let left: Vec<Vec<f64>> = panel.covariates.iter().map(|column| within(column)).collect();
    let covariates = Columns::new(panel, rows.clone(), &panel.covariates, left.clone());
    for (number, column) in left.iter().enumerate() {
        if covariates.kept.contains(&number) {
            continue;
        }
        let slopes = covariates.solve(&covariates.sums(column));
        let size = panel.covariates[number].iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        let differs =
            |row: &usize| (column[*row] - covariates.combined(*row, &slopes)).abs() > 1e-8 * size;
        if treated.iter().any(differs) {
            return Err(Reason::because(format!(
                "covariate {} cannot be told from effects and other covariates in untreated rows, \
                 but differs from them in treated ones",
                number + 1
            )));
        }
        notes.add(format!(
            "covariate {} left out: effects and other covariates explain it",
            number + 1
        ));
    }
    let mut left = within(&panel.y);
    let slopes = covariates.solve(&covariates.sums(&left));
    for row in rows.iter().chain(&treated) {
        left[*row] -= covariates.combined(*row, &slopes);
    }
    require_finite_result(&left)?;
    Ok(Fit { panel, untreated, covariates, treated, left })
}

fn tell_lost(
    panel: &Panel,
    treated: &[usize],
    lost: &[usize],
    notes: &mut Notes,
) -> Result<(), Reason> {
    if treated.is_empty() {
        return Err(Reason::because(
            "no treated row can be imputed: none is of a unit and a time that are seen untreated",
        ));
    }
    if !lost.is_empty() {
        let mut names: Vec<&str> = Vec::new();
        for row in lost {
            let name = panel.units[panel.unit[*row] as usize].as_str();
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        let rows = if lost.len() == 1 { "row" } else { "rows" };
        notes.add(format!(
            "{} treated {rows} left out, of {}: their outcome without treatment cannot be imputed",
            lost.len(),
            listed(&names)
        ));
    }
    Ok(())
}

fn clusters_of(fit: &Fit<'_>) -> usize {
    let mut seen = vec![false; fit.panel.n_clusters];
    let rows = fit.untreated.rows().iter().chain(&fit.treated);
    rows.for_each(|row| seen[fit.panel.cluster[*row] as usize] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// The averages that are asked for, in their order.
fn terms(
    fit: &Fit<'_>,
    aggregation: ImputationAggregation,
    start_of: impl Fn(usize) -> f64,
    event_time: impl Fn(usize) -> f64,
) -> Vec<Term> {
    let key = |row: usize| match aggregation {
        ImputationAggregation::Att => 0.0,
        ImputationAggregation::Event => event_time(row),
        ImputationAggregation::Cohort => start_of(row),
    };
    let mut keys: Vec<f64> = fit.treated.iter().map(|row| key(*row)).collect();
    keys.sort_by(f64::total_cmp);
    keys.dedup();
    let mut terms: Vec<Term> = keys
        .iter()
        .map(|key| {
            let (term, cohort, event_time) = match aggregation {
                ImputationAggregation::Att => ("ATT".to_owned(), None, None),
                ImputationAggregation::Event => (format!("ATT({key})"), None, Some(*key)),
                ImputationAggregation::Cohort => (format!("ATT({key})"), Some(*key), None),
            };
            let effect = Effect { term, ..Effect::default() };
            Term { at: EffectAt { cohort, time: None, event_time, effect }, rows: Vec::new() }
        })
        .collect();
    for row in &fit.treated {
        let place = keys.partition_point(|known| *known < key(*row));
        terms[place].rows.push((*row, weight(fit.panel, *row)));
    }
    for term in &mut terms {
        let total: f64 = term.rows.iter().map(|(_, w)| w).sum();
        term.rows.iter_mut().for_each(|(_, w)| *w /= total);
    }
    terms
}

/// The weights v of outcomes in an average of effects (equation 6).
fn row_weights(fit: &Fit<'_>, rows: &[(usize, f64)]) -> Vec<f64> {
    let panel = fit.panel;
    let mut units = vec![0.0; panel.n_units()];
    let mut times = vec![0.0; panel.n_times()];
    let mut sums = vec![0.0; fit.covariates.columns.len()];
    let mut v = vec![0.0; panel.n_obs()];
    for (row, w) in rows {
        units[panel.unit[*row] as usize] += w;
        times[panel.time[*row] as usize] += w;
        for (sum, column) in sums.iter_mut().zip(&fit.covariates.columns) {
            *sum += w * column[*row];
        }
        v[*row] = *w;
    }
    let (unit, time) = fit.untreated.solve_sums(&units, &times);
    let slopes = fit.covariates.solve(&sums);
    for row in fit.untreated.rows() {
        let effects = unit[panel.unit[*row] as usize] + time[panel.time[*row] as usize];
        let all = effects + fit.covariates.combined(*row, &slopes);
        v[*row] = -weight(panel, *row) * all;
    }
    v
}

/// Σ v e of each cluster; nothing where a cohort and time has no other cluster to be compared with.
fn cluster_scores(
    fit: &Fit<'_>,
    term: &Term,
    v: &[f64],
    estimate: f64,
    errors: ImputationErrors,
    notes: &mut Notes,
    start_of: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    let panel = fit.panel;
    let mut scores = vec![0.0; panel.n_clusters];
    for row in fit.untreated.rows() {
        scores[panel.cluster[*row] as usize] += v[*row] * fit.left[*row];
    }
    if errors == ImputationErrors::TwoStage {
        for (row, w) in &term.rows {
            scores[panel.cluster[*row] as usize] += w * (fit.left[*row] - estimate);
        }
        return Some(scores);
    }
    // Cohort by cohort and time by time, the clusters' sums of v and of v τ.
    let mut sorted: Vec<(f64, u32, u32, usize)> = (term.rows.iter())
        .map(|(row, _)| (start_of(*row), panel.time[*row], panel.cluster[*row], *row))
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2, a.3).cmp(&(b.1, b.2, b.3))));
    let mut alone: Vec<f64> = Vec::new();
    for group in sorted.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
        let sums: Vec<(u32, f64, f64)> = group
            .chunk_by(|a, b| a.2 == b.2)
            .map(|rows| {
                let own = rows.iter().map(|row| v[row.3]).sum();
                let effects = rows.iter().map(|row| v[row.3] * fit.left[row.3]).sum();
                (rows[0].2, own, effects)
            })
            .collect();
        let squares: f64 = sums.iter().map(|(_, a, _)| a * a).sum();
        let average = sums.iter().map(|(_, a, b)| a * b).sum::<f64>() / squares;
        if sums.len() == 1 && alone.last() != Some(&group[0].0) {
            alone.push(group[0].0);
        }
        for (cluster, a, b) in &sums {
            let scale = match errors {
                ImputationErrors::LeaveOut => squares / (squares - a * a),
                _ => 1.0,
            };
            scores[*cluster as usize] += (b - a * average) * scale;
        }
    }
    if !alone.is_empty() {
        let names: Vec<String> = alone.iter().map(f64::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if errors == ImputationErrors::LeaveOut {
            notes.add(format!("no standard error: the cohort of {} is alone", listed(&names)));
            return None;
        }
        notes.add(format!(
            "the cohort of {} is one cluster: the spread of its effects is not in the error",
            listed(&names)
        ));
    }
    Some(scores)
}

/// What a term reports.
fn report(
    term: &mut Term,
    estimate: f64,
    variance: Option<f64>,
    options: &DidImputationOptions<'_>,
    panel: &Panel,
    mut notes: Notes,
) {
    let units = term.rows.chunk_by(|a, b| panel.unit[a.0] == panel.unit[b.0]);
    let n_treated = units.count();
    if let Some(note) = treated_units::note(n_treated) {
        notes.add(note);
    }
    let effect = &mut term.at.effect;
    effect.estimate = Some(estimate);
    effect.n_obs = panel.n_obs();
    effect.n_units = panel.n_units();
    effect.method = Some(
        match options.errors {
            ImputationErrors::Conservative => {
                "imputation (Borusyak, Jaravel and Spiess), conservative errors by cluster"
            }
            ImputationErrors::LeaveOut => {
                "imputation (Borusyak, Jaravel and Spiess), leave-out errors by cluster"
            }
            ImputationErrors::TwoStage => "two stages (Gardner), errors by cluster",
        }
        .to_owned(),
    );
    if let Some(error) = variance.filter(|_| n_treated > 1).map(f64::sqrt) {
        if error > rounding(panel) {
            let reach = normal::two_sided(options.conf_level) * error;
            effect.std_error = Some(error);
            effect.statistic = Some(estimate / error);
            effect.p_value = Some(normal::two_sided_p(estimate / error));
            effect.conf_low = Some(estimate - reach);
            effect.conf_high = Some(estimate + reach);
        } else {
            notes.add("no standard error: the fit is perfect");
        }
    }
    effect.note = notes.text();
}

#[cfg(test)]
mod tests;
