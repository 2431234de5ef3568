//! Effects by cohort and time, brought together: overall, by event time, by cohort, by period.

mod weighting;

use crate::Reason;
use crate::did::att_gt::cells::{self, Cell};
use crate::did::att_gt::errors::{Basis, Errors};
use crate::did::att_gt::options::AttGtOptions;
use crate::did::att_gt::prepare::Prepared;
use crate::effect::panel::PanelRows;
use crate::effect::{Effect, EffectAt, Notes};
use crate::reason::require_finite;
use weighting::{Average, Groups};

/// What effects are brought together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttAggregation {
    /// One figure: all effects from treatment on, each as heavy as its cohort.
    Simple,
    /// By periods since treatment began.
    #[default]
    Dynamic,
    /// By cohort.
    Group,
    /// By period.
    Calendar,
}

/// Options of [`att_aggregate`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttAggregateOptions {
    pub att_gt: AttGtOptions,
    pub aggregation: AttAggregation,
    /// The first event time (of `Dynamic`).
    pub min_event_time: Option<f64>,
    /// The last event time (but for `Calendar`).
    pub max_event_time: Option<f64>,
    /// Only cohorts that are seen for so long after treatment began, and only event times up to it:
    /// then every event time from 0 on rests on the same cohorts (of `Dynamic`).
    pub balance: Option<f64>,
    /// Leave out effects that could not be estimated, and tell, instead of giving no average.
    pub leave_out_missing: bool,
}

/// The result of [`att_aggregate`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttAggregate {
    /// The overall effect first (`ATT`), then its parts: `ATT(-2)` by event time, `ATT(2004)` by
    /// cohort or period.
    pub effects: Vec<EffectAt>,
    /// Names of the units that were used, in the order of the influence functions.
    pub units: Vec<String>,
    /// For each effect the influence of each unit, the estimated weights of cohorts counted.
    pub influence: Vec<Vec<f64>>,
    /// Of each pair of effects, the overall one first.
    pub covariance: Vec<Vec<f64>>,
    /// Event times of `Dynamic`, the place of each in `coefficients` and `event_covariance`. With a
    /// universal base period the last period before treatment is among them: zero, without variance.
    pub event_times: Vec<f64>,
    pub coefficients: Vec<f64>,
    pub event_covariance: Vec<Vec<f64>>,
    /// Errors that the limits of the parts lie apart from the estimates.
    pub critical_value: Option<f64>,
    /// Why there is no effect at all.
    pub reason: Option<Reason>,
}

impl AttAggregate {
    /// No effects, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        let mut overall = EffectAt::unknown(reason.clone());
        overall.effect.term = "ATT".to_owned();
        Self { effects: vec![overall], reason: Some(reason), ..Self::default() }
    }
}

/// Effects by cohort and time (see [`att_gt`](crate::att_gt)), averaged.
///
/// **Formula** (Callaway and Sant'Anna 2021, section 3), with P(g) the weighted share of units in
/// cohort g: `Simple` is the mean of all ATT(g,t), t ≥ g, weighted with P(g) (θ_W^O); `Dynamic` for
/// each event time e the mean of ATT(g, g + e) weighted with P(g) (equation 3.4), and overall the
/// plain mean over e ≥ 0; `Group` for each cohort the plain mean over t ≥ g (3.7), and overall their
/// mean weighted with P(g) (3.8); `Calendar` for each period t the mean of ATT(g,t), g ≤ t, weighted
/// with P(g), and overall the plain mean over periods. Errors count that P(g) is estimated; those of
/// `Group`'s parts and of plain means have nothing to count.
///
/// A uniform band covers the parts; limits of the overall effect hold for it alone.
///
/// Missing, with a [`Reason`], where an effect that enters could not be estimated, unless such are to
/// be left out, which is told.
pub fn att_aggregate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &AttAggregateOptions,
) -> AttAggregate {
    calculate(rows, first_treated, adopter, options).unwrap_or_else(AttAggregate::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &AttAggregateOptions,
) -> Result<AttAggregate, Reason> {
    let limits = [
        ("min_event_time", options.min_event_time),
        ("max_event_time", options.max_event_time),
        ("balance", options.balance),
    ];
    for (name, value) in limits {
        value.map_or(Ok(()), |value| require_finite(name, value))?;
    }
    let prepared = Prepared::new(rows, first_treated, adopter, &options.att_gt)?;
    let all = cells::estimate(&prepared, &options.att_gt);
    let mut common = prepared.notes.clone();
    let groups = weighting::groups(&all, options)?;
    let cells = without_missing(all, &groups, options, &mut common)?;
    // Without the missing ones, some parts may be gone.
    let groups = weighting::groups(&cells, options)?;
    let Groups { parts, overall } = groups;

    let parts: Vec<Average> =
        parts.iter().map(|part| Average::of_cells(&prepared, &cells, part)).collect();
    let overall = overall.average(&prepared, &cells, &parts);
    let averages: Vec<&Average> = std::iter::once(&overall).chain(&parts).collect();
    let influence: Vec<&[f64]> = averages.iter().map(|one| one.influence.as_slice()).collect();
    let errors = Errors::new(&prepared, &influence, &options.att_gt, |term| term > 0);
    errors.notes.text().into_iter().for_each(|note| common.add(note));

    let covariates = !prepared.panel.covariates.is_empty();
    let words = options.att_gt.words(prepared.balanced, covariates);
    let effects: Vec<EffectAt> = averages
        .iter()
        .enumerate()
        .map(|(term, average)| {
            let words = format!("{}; {words}", average.words(options.aggregation));
            let critical = if term == 0 { errors.pointwise } else { errors.critical };
            let basis = basis(&prepared, &cells, average);
            let effect: Effect =
                errors.effect(term, average.estimate, basis, critical, &words, &common);
            average.line(effect, options.aggregation)
        })
        .collect();
    let dynamic = options.aggregation == AttAggregation::Dynamic;
    let events = || parts.iter().filter(|_| dynamic);
    let event_covariance = errors.covariance.iter().skip(1).filter(|_| dynamic);
    Ok(AttAggregate {
        effects,
        units: prepared.panel.units.clone(),
        event_times: events().filter_map(|part| part.at).collect(),
        coefficients: events().map(|part| part.estimate).collect(),
        event_covariance: event_covariance.map(|row| row[1..].to_vec()).collect(),
        critical_value: Some(errors.critical),
        influence: averages.iter().map(|one| one.influence.clone()).collect(),
        covariance: errors.covariance,
        reason: None,
    })
}

/// The cells that are there. Of those that enter an average and are not, all are told or the first
/// is the reason why there is none.
fn without_missing(
    all: Vec<Cell>,
    groups: &Groups,
    options: &AttAggregateOptions,
    notes: &mut Notes,
) -> Result<Vec<Cell>, Reason> {
    let name = |cell: &Cell| format!("ATT({},{})", cell.first, cell.time);
    let enters = groups.entering();
    let missing: Vec<&Cell> =
        enters.iter().map(|place| &all[*place]).filter(|cell| cell.outcome.is_err()).collect();
    if let Some(first) = missing.first() {
        if !options.leave_out_missing {
            let why = first.outcome.as_ref().err().map_or("", Reason::why);
            return Err(Reason::because(format!(
                "{} is not there ({why}); averages can leave such effects out",
                name(first)
            )));
        }
        let names: Vec<String> = missing.iter().map(|cell| name(cell)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        notes.add(format!(
            "effects left out that could not be estimated: {}",
            crate::effect::treatment::listed(&names)
        ));
    }
    Ok(all.into_iter().filter(|cell| cell.outcome.is_ok()).collect())
}

/// What the error of an average rests on: all units of its cohorts, and the controls of the cell
/// that has the fewest.
fn basis(prepared: &Prepared, cells: &[Cell], average: &Average) -> Basis {
    let of: Vec<&Cell> = average.cells.iter().map(|cell| &cells[*cell]).collect();
    let mut cohorts: Vec<f64> = of.iter().map(|cell| cell.first).collect();
    cohorts.dedup();
    let mut n_treated = 0;
    for first in &cohorts {
        let most = of.iter().filter(|cell| cell.first == *first).map(|cell| cell.n_treated).max();
        n_treated += most.unwrap_or_default();
    }
    let others = || of.iter().filter(|cell| !cell.reference);
    Basis {
        n_treated,
        independent: n_treated.min(prepared.clusters_of(&cohorts)),
        n_controls: others().map(|cell| cell.n_controls).min().unwrap_or_default(),
        n_obs: of.iter().map(|cell| cell.n_obs).max().unwrap_or_default(),
        reference: others().next().is_none(),
    }
}

#[cfg(test)]
mod tests;
