//! Several outcomes of one treatment, tested together.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::permutation::{Alternative, Design, Studentised};
use super::projection::TreatmentFit;
use super::resampling::require_draws;
use crate::Reason;
use crate::effect::labels::Labels;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption, listed};
use crate::effect::{Effect, Notes};
use crate::random::Random;

/// The most assignments that are gone through, each once.
const MAX_ASSIGNMENTS: f64 = 50_000.0;

/// What [`permutation_test_outcomes`] can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomesOptions {
    pub alternative: Alternative,
    /// Used where there are more than 50,000 assignments.
    pub draws: u32,
    pub seed: u64,
}

impl Default for OutcomesOptions {
    fn default() -> Self {
        Self { alternative: Alternative::TwoSided, draws: 999, seed: 1 }
    }
}

/// One outcome among those of [`permutation_test_outcomes`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutcomeEffect {
    pub outcome: String,
    /// `statistic` is t by the error of clusters, `p_value` that of this outcome alone.
    pub effect: Effect,
    /// To compare with the level of the whole family: the probability that any outcome shows as
    /// much, were there no effect on it and on those that show less.
    pub p_adjusted: Option<f64>,
}

/// The effects of one treatment on several outcomes, and p-values that count that they are several.
///
/// **Estimates** for each outcome the coefficient of treatment with unit and time effects and
/// covariates, and tests the sharp hypothesis that treatment has no effect on any unit. The
/// probability of one false rejection or more is no greater than the level to which `p_adjusted` is
/// compared, whichever hypotheses are true (where those that are true are jointly so in every
/// assignment: subset pivotality).
///
/// **Formula.** All outcomes take the same assignments, so that their correlation counts (which
/// Holm's and Bonferroni's rules give away). With the t-statistics of the outcomes in descending
/// order t₍₁₎ ≥ t₍₂₎ ≥ …, the p-value of step j is the share of assignments in which the greatest of
/// t₍ⱼ₎, t₍ⱼ₊₁₎, … is at least that of the data; `p_adjusted` is the greatest p-value of the steps up
/// to j (Westfall and Young 1993, *Resampling-Based Multiple Testing*, algorithm 2.8, step-down
/// maxT; Romano and Wolf 2005, *Econometrica* 73). t are over the error by cluster, so that outcomes
/// of different units of measurement can be compared. Shares are of all assignments where they are
/// no more than 50,000, otherwise (1 + draws)/(1 + draws).
///
/// **Edge cases.** An outcome that cannot be estimated has a [`Reason`] and is not counted among the
/// family. Units that are missing for some outcome are left out of all, and told. Treatment must
/// stay once it began, and a unit has one date for all outcomes. With one treated unit there are no
/// t-statistics, and p-values are missing. The list is in the order of the names of the outcomes.
pub fn permutation_test_outcomes(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    outcome: &Labels,
    options: &OutcomesOptions,
) -> Vec<OutcomeEffect> {
    calculate(rows, treated, outcome, options).unwrap_or_else(|reason| {
        let effect = Effect::unknown(reason);
        vec![OutcomeEffect { effect, ..OutcomeEffect::default() }]
    })
}

/// The rows of one outcome, as a panel of the units that all outcomes have.
struct Outcome {
    name: String,
    panel: Panel,
    cohorts: Vec<Cohort>,
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    outcome: &Labels,
    options: &OutcomesOptions,
) -> Result<Vec<OutcomeEffect>, Reason> {
    require_draws(options.draws)?;
    let n = rows.y.len();
    for (name, found) in [("outcome names", outcome.len()), ("of treated", treated.len())] {
        if found != n {
            return Err(Reason::because(format!("there are {n} rows and {found} {name}")));
        }
    }
    let mut notes = Notes::default();
    let mut outcomes = panels(rows, treated, outcome, &mut notes)?;
    keep_common(&mut outcomes, &mut notes)?;
    let dates = dates(&outcomes)?;

    let designs: Vec<Result<Design, Reason>> =
        outcomes.iter().map(|outcome| Design::of_dates(&outcome.panel, &dates)).collect();
    let fits: Vec<Result<TreatmentFit<'_>, Reason>> = outcomes
        .iter()
        .map(|outcome| {
            let panel = &outcome.panel;
            let treated = (0..panel.n_obs()).map(|row| {
                let date = dates[panel.unit[row] as usize];
                f64::from(date.is_some_and(|date| panel.times[panel.time[row] as usize] >= date))
            });
            TreatmentFit::new(panel, treated.collect(), &panel.y, &mut Notes::default())
        })
        .collect();
    // Assignments are those of the dates: the designs of all outcomes have the same blocks.
    let family: Vec<usize> =
        (0..outcomes.len()).filter(|k| designs[*k].is_ok() && fits[*k].is_ok()).collect();
    let master = match designs.iter().flatten().next() {
        Some(design) => design,
        None => return Err(designs.into_iter().find_map(Result::err).unwrap_or_else(none)),
    };
    let few = master.n_treated() < 2;
    if few {
        notes.add(
            "no statistic: with one treated unit there is nothing to estimate an error from \
             (permutation_test ranks the unit among the others)",
        );
    }
    let statistics: Vec<Studentised<'_>> = family
        .iter()
        .filter_map(|k| Some(Studentised::new(fits[*k].as_ref().ok()?, designs[*k].as_ref().ok()?)))
        .collect();
    let data: Vec<Option<f64>> =
        statistics.iter().map(|statistic| statistic.t(master.codes()).filter(|_| !few)).collect();
    let adjusted = adjust(master, &statistics, &data, options, &mut notes)?;
    notes.add("no standard error: a permutation test has none");

    let mut results = Vec::with_capacity(outcomes.len());
    for (k, outcome) in outcomes.iter().enumerate() {
        let place = family.iter().position(|member| *member == k);
        let failed = designs[k].as_ref().err().or(fits[k].as_ref().err());
        let (p_value, p_adjusted) = place
            .and_then(|place| adjusted[place])
            .map_or((None, None), |(p, q)| (Some(p), Some(q)));
        results.push(OutcomeEffect {
            outcome: outcome.name.clone(),
            effect: Effect {
                term: "ATT".to_owned(),
                estimate: fits[k]
                    .as_ref()
                    .ok()
                    .map(|fit| fit.estimate)
                    .filter(|_| failed.is_none()),
                statistic: place.and_then(|place| data[place]),
                p_value,
                n_obs: outcome.panel.n_obs(),
                n_units: outcome.panel.n_units(),
                method: Some(
                    "two-way fixed effects, t by cluster; randomisation inference, step-down maxT"
                        .to_owned(),
                ),
                note: notes.text(),
                reason: failed.cloned(),
                ..Effect::default()
            },
            p_adjusted,
        });
    }
    Ok(results)
}

fn none() -> Reason {
    Reason::because("there are no outcomes")
}

/// A panel for each outcome, in the order of their names.
fn panels(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    outcome: &Labels,
    notes: &mut Notes,
) -> Result<Vec<Outcome>, Reason> {
    let (names, ranks) = outcome.ranked();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    ranks.iter().enumerate().for_each(|(row, rank)| members[*rank as usize].push(row));
    let mut outcomes = Vec::with_capacity(names.len());
    for (name, members) in names.into_iter().zip(members) {
        let take =
            |column: &[f64]| -> Vec<f64> { members.iter().map(|row| column[*row]).collect() };
        let labels = |labels: &Labels| -> Labels {
            Labels::new(&members.iter().map(|row| labels.name(*row)).collect::<Vec<_>>())
        };
        for (what, length) in [
            ("units", rows.unit.len()),
            ("times", rows.time.len()),
            ("weights", rows.weights.map_or(rows.y.len(), <[f64]>::len)),
            ("clusters", rows.cluster.map_or(rows.y.len(), Labels::len)),
        ] {
            if length != rows.y.len() {
                let n = rows.y.len();
                return Err(Reason::because(format!("there are {n} outcomes and {length} {what}")));
            }
        }
        if let Some(column) = rows.covariates.iter().find(|column| column.len() != rows.y.len()) {
            let (n, length) = (rows.y.len(), column.len());
            let why = format!("there are {n} outcomes and {length} values of a covariate");
            return Err(Reason::because(why));
        }
        let (y, time, unit) = (take(rows.y), take(rows.time), labels(rows.unit));
        let weights = rows.weights.map(take);
        let covariates: Vec<Vec<f64>> = rows.covariates.iter().map(|column| take(column)).collect();
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let cluster = rows.cluster.map(labels);
        let own = PanelRows {
            y: &y,
            unit: &unit,
            time: &time,
            weights: weights.as_deref(),
            covariates: &covariates,
            cluster: cluster.as_ref(),
        };
        let of_outcome = |reason: Reason| Reason::because(format!("of {name}, {}", reason.why()));
        let panel = Panel::new(&own).map_err(of_outcome)?;
        let treated: Vec<Option<f64>> = members.iter().map(|row| treated[*row]).collect();
        let (panel, cohorts) = adoption(&panel, &treated, notes).map_err(of_outcome)?;
        outcomes.push(Outcome { name, panel, cohorts });
    }
    if outcomes.is_empty() { Err(none()) } else { Ok(outcomes) }
}

/// Leaves the units that all outcomes have.
fn keep_common(outcomes: &mut [Outcome], notes: &mut Notes) -> Result<(), Reason> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in outcomes.iter() {
        for unit in &outcome.panel.units {
            *counts.entry(unit.clone()).or_default() += 1;
        }
    }
    let all = outcomes.len();
    let missing: Vec<&str> =
        counts.iter().filter(|(_, n)| **n < all).map(|(unit, _)| unit.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if missing.len() == counts.len() {
        return Err(Reason::because("no unit has all outcomes"));
    }
    notes.add(format!("{} left out: not all outcomes are known", listed(&missing)));
    for outcome in outcomes {
        let panel = &outcome.panel;
        let whole: Vec<bool> = panel.units.iter().map(|unit| counts[unit] == all).collect();
        let kept = panel.keep(|row| whole[panel.unit[row] as usize]);
        let cohorts = outcome.cohorts.iter().zip(&whole).filter(|(_, whole)| **whole);
        outcome.cohorts = cohorts.map(|(cohort, _)| *cohort).collect();
        outcome.panel = kept;
    }
    Ok(())
}

/// From when each unit is treated: the first time over all outcomes.
fn dates(outcomes: &[Outcome]) -> Result<Vec<Option<f64>>, Reason> {
    let n = outcomes.first().map_or(0, |outcome| outcome.panel.n_units());
    let mut dates: Vec<Option<f64>> = vec![None; n];
    for outcome in outcomes {
        for (date, cohort) in dates.iter_mut().zip(&outcome.cohorts) {
            if let Cohort::From(time) = cohort {
                *date = Some(date.map_or(*time, |known| known.min(*time)));
            }
        }
    }
    for outcome in outcomes {
        let panel = &outcome.panel;
        for (unit, (date, cohort)) in dates.iter().zip(&outcome.cohorts).enumerate() {
            let Some(date) = *date else { continue };
            let from = if let Cohort::From(time) = *cohort { time } else { f64::INFINITY };
            let times = panel.rows_of(unit).map(|row| panel.times[panel.time[row] as usize]);
            if let Some(time) = times.into_iter().find(|time| *time >= date && *time < from) {
                return Err(Reason::because(format!(
                    "{} is treated in {time} for one outcome and not for {}",
                    panel.units[unit], outcome.name
                )));
            }
        }
    }
    Ok(dates)
}

/// The p-values of each outcome, alone and adjusted; `None` where it has no statistic.
fn adjust(
    master: &Design,
    statistics: &[Studentised<'_>],
    data: &[Option<f64>],
    options: &OutcomesOptions,
    notes: &mut Notes,
) -> Result<Vec<Option<(f64, f64)>>, Reason> {
    let sign = |t: f64| match options.alternative {
        Alternative::TwoSided => t.abs(),
        Alternative::Greater => t,
        Alternative::Less => -t,
    };
    let mut order: Vec<usize> = (0..data.len()).filter(|k| data[*k].is_some()).collect();
    if order.is_empty() {
        return Ok(vec![None; data.len()]);
    }
    let size = |k: usize| data[k].map_or(f64::NEG_INFINITY, sign);
    order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
    let n_assignments = master.n_assignments();
    if n_assignments <= 1.0 {
        return Err(Reason::because("there is one assignment only"));
    }
    // Whether each outcome alone, and the greatest from each step on, is as extreme as the data.
    let judge = |codes: &[u32]| -> Vec<[bool; 2]> {
        let drawn: Vec<f64> =
            order.iter().map(|k| statistics[*k].t(codes).map_or(f64::NEG_INFINITY, sign)).collect();
        let mut greatest = f64::NEG_INFINITY;
        let mut found = vec![[false; 2]; order.len()];
        for step in (0..order.len()).rev() {
            let own = size(order[step]);
            let bound = own - 1e-10 * own.abs() - 1e-12;
            greatest = greatest.max(drawn[step]);
            found[step] = [drawn[step] >= bound, greatest >= bound];
        }
        found
    };
    let exact = n_assignments <= MAX_ASSIGNMENTS;
    let judged: Vec<Vec<[bool; 2]>> = if exact {
        let all: Vec<Vec<u32>> = master.all().collect();
        all.par_iter().map(|codes| judge(codes)).collect()
    } else {
        let draw =
            |number: u32| judge(&master.draw(&mut Random::new(options.seed, u64::from(number))));
        (0..options.draws).into_par_iter().map(draw).collect()
    };
    if exact && 1.0 / n_assignments > 0.05 {
        notes.add(format!(
            "of {n_assignments} assignments no p-value below 1/{n_assignments} is possible"
        ));
    }
    let extra = usize::from(!exact);
    let share = |step: usize, which: usize| {
        let count = extra + judged.iter().filter(|found| found[step][which]).count();
        count as f64 / (extra + judged.len()) as f64
    };
    let mut found = vec![None; data.len()];
    let mut before = 0.0_f64;
    for (step, k) in order.iter().enumerate() {
        before = before.max(share(step, 1));
        found[*k] = Some((share(step, 0), before));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
