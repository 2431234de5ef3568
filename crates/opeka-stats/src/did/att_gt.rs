//! Effects by cohort and time, where treatment begins at different times: Callaway and Sant'Anna
//! (2021), "Difference-in-differences with multiple time periods", *Journal of Econometrics* 225.

pub(crate) mod cells;
pub(crate) mod errors;
pub(crate) mod options;
pub(crate) mod prepare;
pub(crate) mod pretest;

use crate::Reason;
use crate::effect::panel::PanelRows;
use crate::effect::{Effect, EffectAt};
use cells::Cell;
use errors::{Basis, Errors};
use options::AttGtOptions;
use prepare::Prepared;
use pretest::AttPretest;

/// The result of [`att_gt`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttGt {
    /// Cohort by cohort, and in each by time; `ATT(2004,2006)` is the effect in 2006 on units that
    /// are treated from 2004. One without an estimate where nothing could be calculated at all.
    pub effects: Vec<EffectAt>,
    /// Names of the units that were used, in the order of the influence functions.
    pub units: Vec<String>,
    /// For each effect the influence of each unit; empty where there is no estimate. The error
    /// without clusters is √Σ influence² / n.
    pub influence: Vec<Vec<f64>>,
    /// Of each pair of effects, by the influence functions; `None` where one has no estimate. It
    /// stands, as a formula, for cohorts of one unit, too, whose errors are not reported.
    pub covariance: Vec<Vec<Option<f64>>>,
    /// Errors that the limits lie apart from the estimates.
    pub critical_value: Option<f64>,
    /// Of all effects before treatment at once.
    pub pretest: AttPretest,
    /// Why there is no effect at all.
    pub reason: Option<Reason>,
}

impl AttGt {
    /// No effects, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self {
            effects: vec![EffectAt::unknown(reason.clone())],
            pretest: AttPretest::unknown(reason.clone()),
            reason: Some(reason),
            ..Self::default()
        }
    }
}

/// Effects by cohort and time.
///
/// **Estimates** for each cohort g (the units that are treated from time g on) and each period t the
/// mean effect of treatment on its units, ATT(g,t) = E[Y_t(g) − Y_t(∞) | G = g], under parallel
/// trends given the covariates, against never-treated or not-yet-treated units, no effect earlier
/// than `anticipation` before treatment, and overlap (Callaway and Sant'Anna 2021, assumptions 3 to
/// 6). No treated unit is ever a control.
///
/// **Formula.** Callaway and Sant'Anna (2021), equations 2.2 to 2.4 (regression, weighting, doubly
/// robust), each a comparison of two periods by Sant'Anna and Zhao (2020): of t and the last period
/// before g (less `anticipation`) for t ≥ g; before treatment of t and the period before it, or the
/// universal base period. Periods are those that occur, whatever their distance. Errors are
/// √Σ ψ² / n of the influence functions ψ, sums by cluster where there are clusters, or those of the
/// multiplier bootstrap; limits by the normal distribution, or uniform over all effects.
///
/// **Units, periods, groups** as in the R package did, version 2.5.1: units that are treated in the
/// first period or before are left out and told; treatment after the last period counts as never;
/// where all are treated at last, those treated last are the comparison and periods from their
/// treatment on are left out. Covariates and weights are those of the earlier of the two periods.
/// Units with gaps stay in (levels are compared) or are left out. Never `NaN`: an effect that cannot
/// be estimated has a reason.
///
/// **Few units.** An effect on one unit has no error, and one that has one control has none;
/// below ten the note says that errors are too small.
pub fn att_gt(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &AttGtOptions,
) -> AttGt {
    calculate(rows, first_treated, adopter, options).unwrap_or_else(AttGt::unknown)
}

/// The joint test of all effects before treatment: the pre-test of [`att_gt`], with its arguments.
///
/// W = b'V⁻¹b of the estimates b of all ATT(g,t) with t < g and their covariance V, against χ² with as
/// many degrees of freedom. Missing, with a [`Reason`], where V is singular, because there are more
/// effects than units to tell them apart, or where one of the effects cannot be estimated. Not to
/// reject is no proof of parallel trends (Roth 2022).
pub fn att_pretest(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &AttGtOptions,
) -> AttPretest {
    att_gt(rows, first_treated, adopter, options).pretest
}

fn calculate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &AttGtOptions,
) -> Result<AttGt, Reason> {
    let prepared = Prepared::new(rows, first_treated, adopter, options)?;
    let cells = cells::estimate(&prepared, options);
    let words = options.words(prepared.balanced, !prepared.panel.covariates.is_empty());
    let there: Vec<usize> = (0..cells.len()).filter(|c| cells[*c].outcome.is_ok()).collect();
    let influence: Vec<&[f64]> = there.iter().filter_map(|c| cells[*c].influence()).collect();
    let errors = Errors::new(&prepared, &influence, options, |_| true);
    let mut common = prepared.notes.clone();
    errors.notes.text().into_iter().for_each(|note| common.add(note));

    let mut place = vec![None; cells.len()];
    there.iter().enumerate().for_each(|(term, cell)| place[*cell] = Some(term));
    let effects = cells
        .iter()
        .zip(&place)
        .map(|(cell, term)| {
            let mut effect = match (&cell.outcome, term) {
                (Ok((estimate, _)), Some(term)) => {
                    let basis = basis(&prepared, cell);
                    errors.effect(*term, *estimate, basis, errors.critical, &words, &common)
                }
                (Err(reason), _) => {
                    Effect { note: common.text(), ..Effect::unknown(reason.clone()) }
                }
                (Ok(_), None) => Effect::default(), // each cell with an outcome has a term
            };
            effect.term = format!("ATT({},{})", cell.first, cell.time);
            EffectAt {
                cohort: Some(cell.first),
                time: Some(cell.time),
                event_time: Some(cell.time - cell.first),
                effect,
            }
        })
        .collect();
    let covariance: Vec<Vec<Option<f64>>> = place
        .iter()
        .map(|a| place.iter().map(|b| Some(errors.covariance[(*a)?][(*b)?])).collect())
        .collect();
    let pretest = pretest_of(&prepared, &cells, &covariance, &words, options.anticipation);
    Ok(AttGt {
        effects,
        units: prepared.panel.units.clone(),
        critical_value: Some(errors.critical),
        covariance,
        pretest,
        influence: cells
            .into_iter()
            .map(|cell| cell.outcome.map(|(_, influence)| influence).unwrap_or_default())
            .collect(),
        reason: None,
    })
}

fn basis(prepared: &Prepared, cell: &Cell) -> Basis {
    Basis {
        n_treated: cell.n_treated,
        independent: cell.n_treated.min(prepared.clusters_of(&[cell.first])),
        n_controls: cell.n_controls,
        n_obs: cell.n_obs,
        reference: cell.reference,
    }
}

fn pretest_of(
    prepared: &Prepared,
    cells: &[Cell],
    covariance: &[Vec<Option<f64>>],
    words: &str,
    anticipation: f64,
) -> AttPretest {
    let covariance: Vec<Vec<f64>> = covariance
        .iter()
        .map(|row| row.iter().map(|value| value.unwrap_or_default()).collect())
        .collect();
    let mut notes = prepared.notes.clone();
    if anticipation > 0.0 {
        notes.add("effects of the periods of anticipation are tested as well");
    }
    let alone: Vec<String> = prepared
        .cohorts
        .iter()
        .filter(|first| {
            cells.iter().any(|c| c.first == **first && !c.treated() && c.n_treated == 1)
        })
        .map(|first| first.to_string())
        .collect();
    if !alone.is_empty() {
        notes.add(format!(
            "the test takes cohorts of one unit as if that unit had no error: {}",
            alone.join(", ")
        ));
    }
    let mut result = match pretest::wald(cells, &covariance) {
        Ok((statistic, df)) => AttPretest {
            statistic: Some(statistic),
            df: Some(df),
            p_value: Some(pretest::upper_tail(statistic, df)),
            method: Some(format!("{words}; Wald test of all effects before treatment")),
            ..AttPretest::default()
        },
        Err(reason) => AttPretest::unknown(reason),
    };
    result.n_units = prepared.n_units();
    result.note = notes.text();
    result
}

#[cfg(test)]
mod tests;
