//! Effects by cohort and event time, weighted as the units are: Sun and Abraham's estimator.

use super::columns::Columns;
use super::unit_time::{UnitTime, cluster_factor, rounding, weight};
use crate::Reason;
use crate::distribution::student_t;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, cohorts};
use crate::effect::{Effect, EffectAt, Notes, treated_units};
use crate::reason::{require_conf_level, require_finite_result};

/// What effects of cohorts at event times are averaged to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SunAbrahamAggregation {
    /// One effect for each number of periods since treatment began.
    #[default]
    Event,
    /// One effect, over all treated rows.
    Att,
    /// One effect for each cohort, over its treated rows.
    Cohort,
    /// Not averaged: each cohort at each time.
    CohortEvent,
}

/// What [`sun_abraham`] can be told.
#[derive(Clone, Copy, Debug)]
pub struct SunAbrahamOptions<'a> {
    /// Units that adopted at an unknown time: left out.
    pub adopter: Option<&'a [bool]>,
    /// The event time with which the others are compared: below zero.
    pub reference: f64,
    pub aggregation: SunAbrahamAggregation,
    pub conf_level: f64,
}

impl Default for SunAbrahamOptions<'_> {
    fn default() -> Self {
        Self {
            adopter: None,
            reference: -1.0,
            aggregation: SunAbrahamAggregation::Event,
            conf_level: 0.95,
        }
    }
}

/// The result of [`sun_abraham`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SunAbraham {
    /// The effects of the aggregation that was asked for.
    pub effects: Vec<EffectAt>,
    /// What the formula gives for the variance of each of `effects`, even where too few units are
    /// treated to report an error; `None` where there is no estimate.
    pub variances: Vec<Option<f64>>,
    /// The event times whose effect could be estimated, ascending, without the reference.
    pub event_times: Vec<f64>,
    /// The effect at each of `event_times`, whatever the aggregation.
    pub coefficients: Vec<f64>,
    /// Of `coefficients`; empty where there are fewer than two clusters.
    pub covariance: Vec<Vec<f64>>,
    /// Degrees of freedom of the tests: clusters less one.
    pub df: usize,
}

impl SunAbraham {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effects: vec![EffectAt::unknown(reason)], ..Self::default() }
    }
}

/// Effects by cohort and event time from one regression with unit and time effects, averaged with
/// the shares of the cohorts (Sun and Abraham 2021, *Journal of Econometrics* 225, section 4.1).
///
/// **Formula.** y_it = a_i + l_t + x_it'g + Σ_c Σ_(e ≠ reference) b_ce 1{cohort c, t − c = e} + u_it,
/// by least squares (weighted where weights are given), units that are never treated being the
/// controls; an effect is Σ s_ce b_ce with s_ce the share of the rows (their weights) of cohort c at
/// e among those that are averaged. Errors by cluster (units where no cluster is given) are CR0 ×
/// G/(G−1) × (N−1)/(N−K), K counting the interactions, covariates and times (and units, where a
/// unit's rows are in several clusters); the shares are taken as known. Tests and limits from
/// Student's t with G − 1 degrees of freedom. These are the conventions of R's `fixest::sunab`.
///
/// The interactions leave each cohort its own time effects, so that cohorts are fitted one by one,
/// whatever the weights and gaps: b_ce is the change of the cohort's time effects since the reference
/// less that of the controls'.
///
/// **Edge cases.** Units of a cohort without an untreated row are left out, and told (so does
/// `fixest`, but for cohorts before the first time, which it takes for never treated). Where nobody
/// is never treated, the last cohort is the control, and the times from its treatment on are left
/// out. A cohort that has no row at the reference time is compared with its last time before
/// treatment, and that is told. An effect that gaps make impossible to tell has a [`Reason`] of its
/// own, and is not averaged. With one treated unit behind an effect, no error is reported.
pub fn sun_abraham(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    options: &SunAbrahamOptions<'_>,
) -> SunAbraham {
    calculate(rows, first_treated, options).unwrap_or_else(SunAbraham::unknown)
}

/// Units that share the time of their treatment, and their own unit and time effects.
struct Group<'a> {
    start: f64,
    effects: UnitTime<'a>,
    /// The place of the time with which the others are compared.
    reference: usize,
}

/// A cohort at a time.
#[derive(Clone, Debug)]
struct Cell {
    /// Among the treated groups.
    group: usize,
    time: usize,
    event_time: f64,
    share: f64,
    n_units: usize,
    /// Nothing where it cannot be told.
    estimate: Option<f64>,
}

/// A weighted average of cells.
struct Term {
    at: EffectAt,
    /// Cells and their weights, which add up to one; none where no cell has an estimate.
    cells: Vec<(usize, f64)>,
    n_treated: usize,
    left_out: usize,
}

fn calculate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    options: &SunAbrahamOptions<'_>,
) -> Result<SunAbraham, Reason> {
    require_conf_level(options.conf_level)?;
    if !(options.reference < 0.0 && options.reference.is_finite()) {
        return Err(Reason::because(format!(
            "reference is {} (it must be below zero)",
            options.reference
        )));
    }
    let mut notes = Notes::default();
    let panel = Panel::new(rows)?;
    let (panel, starts) = cohorts(&panel, first_treated, options.adopter, &mut notes)?;
    let (panel, starts) = sample(&panel, &starts, &mut notes)?;
    let (controls, groups) = groups(&panel, &starts, options.reference, &mut notes)?;

    // Covariates first: what is left of them within groups explains what is left of the outcome.
    let all: Vec<usize> = (0..panel.n_obs()).collect();
    let within = |column: &[f64]| -> Vec<f64> {
        let mut left = column.to_vec();
        for group in groups.iter().map(|group| &group.effects).chain([&controls]) {
            take_out(&panel, group, &mut left);
        }
        left
    };
    let left = panel.covariates.iter().map(|column| within(column)).collect();
    let covariates = Columns::new(&panel, all, &panel.covariates, left);
    let dropped = panel.covariates.len() - covariates.kept.len();
    if dropped > 0 {
        notes
            .add(format!("{dropped} covariates left out: the effects and the others explain them"));
    }
    let residual = within(&panel.y);
    let slopes = covariates.solve(&covariates.sums(&residual));
    let residual: Vec<f64> =
        (0..panel.n_obs()).map(|row| residual[row] - covariates.combined(row, &slopes)).collect();
    let mut outcome = panel.y.clone();
    for (place, slope) in covariates.kept.iter().zip(&slopes) {
        let column = &panel.covariates[*place];
        outcome.iter_mut().zip(column).for_each(|(y, x)| *y -= slope * x);
    }
    require_finite_result(&outcome)?;
    require_finite_result(&residual)?;

    let cells = cells(&panel, &groups, &controls, &outcome);
    if cells.iter().all(|cell| cell.estimate.is_none()) {
        return Err(Reason::because("no effect can be told from unit and time effects"));
    }
    let events = terms(&cells, &groups, &panel, SunAbrahamAggregation::Event);
    let mut asked = terms(&cells, &groups, &panel, options.aggregation);

    // The scores of all terms, cluster by cluster.
    let weights_of =
        |term: &Term| row_weights(term, &cells, &groups, &controls, &panel, &covariates);
    let told: Vec<&Term> = events.iter().filter(|term| !term.cells.is_empty()).collect();
    let score = |term: &Term| -> Vec<f64> {
        let mut scores = vec![0.0; panel.n_clusters];
        for ((v, e), cluster) in weights_of(term).iter().zip(&residual).zip(&panel.cluster) {
            scores[*cluster as usize] += v * e;
        }
        scores
    };
    let df = panel.n_clusters.saturating_sub(1);
    let factor = small_sample(&panel, &groups, &controls, covariates.kept.len());
    if factor.is_none() {
        notes.add("no standard errors: too few clusters or rows");
    }
    let event_scores: Vec<Vec<f64>> = told.iter().map(|term| score(term)).collect();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let covariance: Vec<Vec<f64>> = match factor {
        None => Vec::new(),
        Some(factor) => event_scores
            .iter()
            .map(|a| event_scores.iter().map(|b| factor * dot(a, b)).collect())
            .collect(),
    };
    let estimate =
        |term: &Term| -> f64 { term.cells.iter().map(|(c, s)| s * estimate_of(&cells[*c])).sum() };

    let quantile = (df > 0).then(|| student_t::two_sided(options.conf_level, df as f64));
    let mut variances = Vec::new();
    for (term, place) in asked.iter_mut().zip(0..) {
        let is_event = options.aggregation == SunAbrahamAggregation::Event;
        let known =
            is_event.then(|| events[..place].iter().filter(|t| !t.cells.is_empty()).count());
        let variance = factor.filter(|_| !term.cells.is_empty()).map(|factor| match known {
            Some(known) => covariance[known][known],
            None => {
                let score = score(term);
                factor * dot(&score, &score)
            }
        });
        let value = (!term.cells.is_empty()).then(|| estimate(term));
        fill(term, value, variance, df, quantile, &panel, &notes);
        variances.push(variance);
    }
    Ok(SunAbraham {
        effects: asked.into_iter().map(|term| term.at).collect(),
        variances,
        event_times: told.iter().filter_map(|term| term.at.event_time).collect(),
        coefficients: told.iter().map(|term| estimate(term)).collect(),
        covariance,
        df,
    })
}

fn estimate_of(cell: &Cell) -> f64 {
    cell.estimate.unwrap_or(0.0)
}

/// The panel without those of whom nothing can be told, and the time from which each of its units
/// is treated; nothing for controls.
fn sample(
    panel: &Panel,
    starts: &[Cohort],
    notes: &mut Notes,
) -> Result<(Panel, Vec<Option<f64>>), Reason> {
    let start_of = |row: usize| match starts[panel.unit[row] as usize] {
        Cohort::Never => None,
        Cohort::From(time) => Some(time),
    };
    let time_of = |row: usize| panel.times[panel.time[row] as usize];
    let mut seen_before = Vec::new();
    let mut seen_after = Vec::new();
    for row in 0..panel.n_obs() {
        if let Some(start) = start_of(row) {
            let seen = if time_of(row) < start { &mut seen_before } else { &mut seen_after };
            if !seen.contains(&start) {
                seen.push(start);
            }
        }
    }
    let always = |row: usize| start_of(row).is_some_and(|start| !seen_before.contains(&start));
    let unit_rows = || (0..panel.n_units()).map(|unit| panel.starts[unit]);
    let n_always = unit_rows().filter(|row| always(*row)).count();
    if n_always == panel.n_units() {
        return Err(Reason::because("no unit has a row before its treatment"));
    }
    if n_always > 0 {
        let units = if n_always == 1 { "unit" } else { "units" };
        notes.add(format!("{n_always} {units} left out: treated at all times"));
    }
    let treated = |row: usize| start_of(row).filter(|start| seen_after.contains(start));
    let kept = || unit_rows().filter(|row| !always(*row));
    if kept().all(|row| treated(row).is_none()) {
        return Err(Reason::because("no unit is untreated first and treated later"));
    }
    let mut end = f64::INFINITY;
    if kept().all(|row| treated(row).is_some()) {
        let last = kept().filter_map(treated).max_by(f64::total_cmp);
        end = last.unwrap_or(end);
        notes.add(format!(
            "no unit is never treated: those treated from {end} are the controls, and the times \
             from then on are left out"
        ));
    }
    let kept: Vec<usize> =
        (0..panel.n_obs()).filter(|row| !always(*row) && time_of(*row) < end).collect();
    let small = panel.keep(|row| kept.binary_search(&row).is_ok());
    if small.n_obs() == 0 {
        return Err(Reason::because("no rows are left"));
    }
    // A cohort that is never seen treated is a control.
    let seen: Vec<f64> = seen_after
        .into_iter()
        .filter(|start| {
            kept.iter().any(|row| start_of(*row) == Some(*start) && time_of(*row) >= *start)
        })
        .collect();
    let starts = (0..small.n_units())
        .map(|unit| start_of(kept[small.starts[unit]]).filter(|start| seen.contains(start)))
        .collect();
    Ok((small, starts))
}

/// The controls, and the cohorts in the order of their treatment.
fn groups<'a>(
    panel: &'a Panel,
    starts: &[Option<f64>],
    reference: f64,
    notes: &mut Notes,
) -> Result<(UnitTime<'a>, Vec<Group<'a>>), Reason> {
    let mut cohorts: Vec<f64> = starts.iter().flatten().copied().collect();
    cohorts.sort_by(f64::total_cmp);
    cohorts.dedup();
    if cohorts.is_empty() {
        return Err(Reason::because("all units are treated from the same time on"));
    }
    let mut of_group: Vec<Vec<usize>> = vec![Vec::new(); cohorts.len()];
    let mut of_controls = Vec::new();
    let place = |start: f64| cohorts.partition_point(|known| *known < start);
    for row in 0..panel.n_obs() {
        match starts[panel.unit[row] as usize] {
            None => of_controls.push(row),
            Some(start) => of_group[place(start)].push(row),
        }
    }
    let mut groups = Vec::new();
    for (start, rows) in cohorts.into_iter().zip(of_group) {
        let mut at = vec![false; panel.n_times()];
        rows.iter().for_each(|row| at[panel.time[*row] as usize] = true);
        let seen = |place: &usize| at[*place];
        let exact = (0..at.len()).filter(seen).find(|t| panel.times[*t] - start == reference);
        let before = (0..at.len()).filter(seen).filter(|t| panel.times[*t] < start).max();
        let Some(compared) = exact.or(before) else {
            continue; // left out with the always treated
        };
        if exact.is_none() {
            notes.add(format!(
                "the cohort of {start} has no row at event time {reference} and is compared with {}",
                panel.times[compared]
            ));
        }
        let effects = UnitTime::new(panel, rows)?;
        groups.push(Group { start, effects, reference: compared });
    }
    Ok((UnitTime::new(panel, of_controls)?, groups))
}

/// Takes the effects of a group out of its rows of a column.
fn take_out(panel: &Panel, group: &UnitTime<'_>, column: &mut [f64]) {
    let (unit, time) = group.effects(column);
    for row in group.rows() {
        column[*row] -= unit[panel.unit[*row] as usize] + time[panel.time[*row] as usize];
    }
}

/// Each cohort at each time but its reference, in the order of event times, then of cohorts.
fn cells(
    panel: &Panel,
    groups: &[Group<'_>],
    controls: &UnitTime<'_>,
    outcome: &[f64],
) -> Vec<Cell> {
    let base = controls.effects(outcome).1;
    let mut cells = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let own = group.effects.effects(outcome).1;
        let mut shares = vec![0.0; panel.n_times()];
        let mut n_units = vec![0; panel.n_times()];
        for row in group.effects.rows() {
            shares[panel.time[*row] as usize] += weight(panel, *row);
            n_units[panel.time[*row] as usize] += 1;
        }
        let reference = group.reference;
        for time in (0..panel.n_times()).filter(|t| *t != reference && n_units[*t] > 0) {
            let told =
                group.effects.comparable(time, reference) && controls.comparable(time, reference);
            let change = (own[time] - own[reference]) - (base[time] - base[reference]);
            cells.push(Cell {
                group: number,
                time,
                event_time: panel.times[time] - group.start,
                share: shares[time],
                n_units: n_units[time],
                estimate: told.then_some(change),
            });
        }
    }
    cells.sort_by(|a, b| a.event_time.total_cmp(&b.event_time).then(a.group.cmp(&b.group)));
    cells
}

/// The averages that are asked for, in their order.
fn terms(
    cells: &[Cell],
    groups: &[Group<'_>],
    panel: &Panel,
    aggregation: SunAbrahamAggregation,
) -> Vec<Term> {
    let mut sets: Vec<(EffectAt, Vec<usize>)> = Vec::new();
    let named = |term: String| EffectAt {
        effect: Effect { term, ..Effect::default() },
        ..EffectAt::default()
    };
    let after = |cell: &usize| cells[*cell].event_time >= 0.0;
    match aggregation {
        SunAbrahamAggregation::Att => {
            sets.push((named("ATT".to_owned()), (0..cells.len()).filter(after).collect()));
        }
        SunAbrahamAggregation::Cohort => {
            for (number, group) in groups.iter().enumerate() {
                let own = (0..cells.len()).filter(after).filter(|c| cells[*c].group == number);
                let at = EffectAt {
                    cohort: Some(group.start),
                    ..named(format!("ATT({})", group.start))
                };
                sets.push((at, own.collect()));
            }
        }
        SunAbrahamAggregation::Event => {
            for (number, cell) in cells.iter().enumerate() {
                match sets.last_mut() {
                    Some((at, set)) if at.event_time == Some(cell.event_time) => set.push(number),
                    _ => {
                        let at = EffectAt {
                            event_time: Some(cell.event_time),
                            ..named(format!("ATT({})", cell.event_time))
                        };
                        sets.push((at, vec![number]));
                    }
                }
            }
        }
        SunAbrahamAggregation::CohortEvent => {
            for (number, cell) in cells.iter().enumerate() {
                let (start, time) = (groups[cell.group].start, panel.times[cell.time]);
                let at = EffectAt {
                    cohort: Some(start),
                    time: Some(time),
                    event_time: Some(cell.event_time),
                    ..named(format!("ATT({start},{time})"))
                };
                sets.push((at, vec![number]));
            }
        }
    }
    sets.into_iter().map(|(at, set)| average(at, &set, cells)).collect()
}

fn average(at: EffectAt, set: &[usize], cells: &[Cell]) -> Term {
    let told = || set.iter().filter(|cell| cells[**cell].estimate.is_some());
    let total: f64 = told().map(|cell| cells[*cell].share).sum();
    // The units of a cohort are the same at all times: count each cohort once.
    let mut largest: Vec<(usize, usize)> = Vec::new();
    for cell in told().map(|cell| &cells[*cell]) {
        match largest.iter_mut().find(|(group, _)| *group == cell.group) {
            Some((_, n)) => *n = cell.n_units.max(*n),
            None => largest.push((cell.group, cell.n_units)),
        }
    }
    Term {
        at,
        cells: told().map(|cell| (*cell, cells[*cell].share / total)).collect(),
        n_treated: largest.iter().map(|(_, n)| n).sum(),
        left_out: set.len() - told().count(),
    }
}

/// What an average owes to the residual of each row: Σ over rows of these times residuals has the
/// variance of the average.
fn row_weights(
    term: &Term,
    cells: &[Cell],
    groups: &[Group<'_>],
    controls: &UnitTime<'_>,
    panel: &Panel,
    covariates: &Columns<'_>,
) -> Vec<f64> {
    let n = panel.n_times();
    // The average as a sum over time effects of cohorts and controls.
    let mut own = vec![vec![0.0; n]; groups.len()];
    let mut base = vec![0.0; n];
    for (cell, share) in &term.cells {
        let cell = &cells[*cell];
        let reference = groups[cell.group].reference;
        own[cell.group][cell.time] += share;
        own[cell.group][reference] -= share;
        base[cell.time] -= share;
        base[reference] += share;
    }
    let mut v = vec![0.0; panel.n_obs()];
    let parts = groups.iter().map(|group| &group.effects).zip(&own).chain([(controls, &base)]);
    let mut of_covariates = vec![0.0; covariates.kept.len()];
    for (part, sums) in parts {
        if sums.iter().all(|sum| *sum == 0.0) {
            continue;
        }
        let time = part.solve(sums);
        for rows in part.units() {
            let total: f64 = rows.iter().map(|row| weight(panel, *row)).sum();
            let mean = |row: &usize| weight(panel, *row) * time[panel.time[*row] as usize];
            let mean = rows.iter().map(mean).sum::<f64>() / total;
            for row in rows {
                v[*row] = weight(panel, *row) * (time[panel.time[*row] as usize] - mean);
            }
        }
        for (sum, place) in of_covariates.iter_mut().zip(&covariates.kept) {
            let x = &panel.covariates[*place];
            *sum += part.rows().iter().map(|row| v[*row] * x[*row]).sum::<f64>();
        }
    }
    if !of_covariates.is_empty() {
        let slopes = covariates.solve(&of_covariates);
        for (row, v) in v.iter_mut().enumerate() {
            *v -= weight(panel, row) * covariates.combined(row, &slopes);
        }
    }
    v
}

/// G/(G−1) × (N−1)/(N−K), or nothing where there are too few clusters or rows.
fn small_sample(
    panel: &Panel,
    groups: &[Group<'_>],
    controls: &UnitTime<'_>,
    n_covariates: usize,
) -> Option<f64> {
    let all = UnitTime::new(panel, (0..panel.n_obs()).collect()).ok()?;
    let separate: usize =
        groups.iter().map(|group| &group.effects).chain([controls]).map(UnitTime::n_effects).sum();
    let k = separate - all.n_effects() + n_covariates;
    cluster_factor(panel, all.rows(), k)
}

/// What a term reports.
fn fill(
    term: &mut Term,
    value: Option<f64>,
    variance: Option<f64>,
    df: usize,
    quantile: Option<f64>,
    panel: &Panel,
    notes: &Notes,
) {
    let mut notes = notes.clone();
    let effect = &mut term.at.effect;
    effect.n_obs = panel.n_obs();
    effect.n_units = panel.n_units();
    let Some(value) = value else {
        effect.reason = Some(Reason::because(if term.left_out == 0 {
            "there are no treated rows"
        } else {
            "gaps in the panel leave nothing to compare with"
        }));
        effect.note = notes.text();
        return;
    };
    effect.estimate = Some(value);
    effect.method = Some(METHOD.to_owned());
    if term.left_out > 0 {
        notes.add(format!("{} cohort times left out: nothing to compare with", term.left_out));
    }
    if let Some(note) = treated_units::note(term.n_treated) {
        notes.add(note);
    }
    let error = variance.filter(|_| term.n_treated > 1).map(f64::sqrt);
    if let (Some(error), Some(quantile)) = (error, quantile) {
        if error > rounding(panel) {
            effect.std_error = Some(error);
            effect.statistic = Some(value / error);
            effect.p_value = Some(student_t::two_sided_p(value / error, df as f64));
            effect.conf_low = Some(value - quantile * error);
            effect.conf_high = Some(value + quantile * error);
        } else {
            notes.add("no standard error: the fit is perfect");
        }
    }
    effect.note = notes.text();
}

const METHOD: &str = "interaction-weighted (Sun and Abraham), errors by cluster (CR1)";

#[cfg(test)]
mod tests;
