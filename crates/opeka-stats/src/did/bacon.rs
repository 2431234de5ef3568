//! What two-way effects compare with what: Goodman-Bacon's decomposition.

use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption};
use crate::reason::require_finite_result;

/// One comparison of two groups over two spells of time, and what it counts in the coefficient of
/// two-way effects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BaconComparison {
    /// Who is compared with whom, such as `2004 vs 2006` or `2004 vs never`.
    pub term: String,
    /// The difference in differences of the comparison, in units of the outcome.
    pub estimate: Option<f64>,
    /// Its share in the coefficient of two-way effects; the shares add up to one.
    pub weight: Option<f64>,
    /// `Treated vs Untreated`, `Earlier vs Later Treated`, `Later vs Earlier Treated` or
    /// `Later vs Always Treated`.
    pub kind: Option<&'static str>,
    /// The time from which the treated group is treated.
    pub treated_cohort: Option<f64>,
    /// The time from which the control group is treated; `None` for those never treated.
    pub control_cohort: Option<f64>,
    /// The rows of both groups in the window of the comparison.
    pub n_obs: usize,
    /// The units of both groups.
    pub n_units: usize,
    /// What was left out.
    pub note: Option<String>,
    /// Why there is no comparison.
    pub reason: Option<Reason>,
}

impl BaconComparison {
    /// No comparison, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// The comparisons of which the coefficient of two-way effects, y_it = a_i + l_t + b D_it + e_it, is
/// made where units are treated from different times on.
///
/// **Formula.** Goodman-Bacon (2021, *Journal of Econometrics* 225), theorem 1. For each pair of
/// groups the units of one change their treatment in a window in which those of the other do not:
/// all times against units that are never or always treated, the times before the later group's
/// treatment for `Earlier vs Later Treated`, and those from the earlier group's treatment on for
/// `Later vs Earlier Treated`. The estimate is the difference of the two groups' changes in means;
/// the weight is proportional to (units of one) × (units of the other) × (times before) × (times
/// after). Σ weight × estimate is the coefficient b.
///
/// Estimates of `Later vs Earlier Treated` and `Later vs Always Treated` take units for controls
/// that are treated themselves: where effects grow, these are what turns the sign of b.
///
/// **Edge cases.** One entry with a [`Reason`] for a panel with gaps, weights or covariates, a
/// treatment that ends, or where nobody, or everybody at the same time, is treated. Entries are in
/// the order of the treated group, controls from the always treated to the never treated.
pub fn bacon(rows: &PanelRows<'_>, treated: &[Option<f64>]) -> Vec<BaconComparison> {
    calculate(rows, treated).unwrap_or_else(|reason| vec![BaconComparison::unknown(reason)])
}

/// A group of units that share the time of their treatment: mean outcomes at each time.
struct Group {
    /// The place of the first treated time; that of the end of the panel for never.
    start: usize,
    n_units: usize,
    /// Sums of outcomes up to each time, for means of windows.
    sums: Vec<f64>,
}

impl Group {
    fn mean(&self, from: usize, to: usize) -> f64 {
        (self.sums[to] - self.sums[from]) / ((to - from) * self.n_units) as f64
    }
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
) -> Result<Vec<BaconComparison>, Reason> {
    if rows.weights.is_some() {
        return Err(Reason::because("the decomposition takes no weights"));
    }
    if !rows.covariates.is_empty() {
        return Err(Reason::because("the decomposition takes no covariates"));
    }
    let mut notes = Notes::default();
    let (panel, cohorts) = adoption(&Panel::new(rows)?, treated, &mut notes)?;
    panel.require_balanced()?;
    let groups = groups(&panel, &cohorts);
    let n = panel.n_times();
    let mut found = Vec::new();
    for one in groups.iter().filter(|group| group.start > 0 && group.start < n) {
        for other in groups.iter().filter(|other| other.start != one.start) {
            found.push(comparison(&panel, one, other, notes.text()));
        }
    }
    let total: f64 = found.iter().map(|(_, weight)| *weight).sum();
    if found.is_empty() {
        return Err(Reason::because(if groups.iter().all(|group| group.start >= n) {
            "no unit is treated"
        } else {
            "all units are treated at the same times: there is nobody to compare with"
        }));
    }
    for (comparison, weight) in &mut found {
        comparison.weight = Some(*weight / total);
        require_finite_result(&[comparison.estimate.unwrap_or(f64::NAN)])?;
    }
    Ok(found.into_iter().map(|(comparison, _)| comparison).collect())
}

/// The groups in the order of their treatment, the never treated last.
fn groups(panel: &Panel, cohorts: &[Cohort]) -> Vec<Group> {
    let n = panel.n_times();
    let start = |cohort: &Cohort| match cohort {
        Cohort::Never => n,
        Cohort::From(time) => panel.times.partition_point(|known| known < time),
    };
    // The mean of the panel is taken out first: sums of large numbers lose digits.
    let level = panel.y.iter().sum::<f64>() / panel.n_obs() as f64;
    let mut by_start: Vec<Group> =
        (0..=n).map(|start| Group { start, n_units: 0, sums: vec![0.0; n + 1] }).collect();
    for (unit, cohort) in cohorts.iter().enumerate() {
        let group = &mut by_start[start(cohort)];
        group.n_units += 1;
        for (t, row) in panel.rows_of(unit).enumerate() {
            group.sums[t + 1] += panel.y[row] - level;
        }
    }
    by_start.retain(|group| group.n_units > 0);
    for group in &mut by_start {
        (1..=n).for_each(|t| group.sums[t] += group.sums[t - 1]);
    }
    by_start
}

/// The comparison of a treated group with another one, and its weight before they are made to add
/// up to one.
fn comparison(
    panel: &Panel,
    treated: &Group,
    control: &Group,
    note: Option<String>,
) -> (BaconComparison, f64) {
    let n = panel.n_times();
    let (kind, from, to) = match control.start {
        0 => ("Later vs Always Treated", 0, n),
        start if start == n => ("Treated vs Untreated", 0, n),
        start if start < treated.start => ("Later vs Earlier Treated", start, n),
        start => ("Earlier vs Later Treated", 0, start),
    };
    let middle = treated.start;
    let change = |group: &Group| group.mean(middle, to) - group.mean(from, middle);
    let n_units = treated.n_units + control.n_units;
    let time = |place: usize| panel.times.get(place).copied();
    let name = |place: usize| time(place).map_or("never".to_owned(), |time| time.to_string());
    let against = if control.start == 0 { "always".to_owned() } else { name(control.start) };
    let units = treated.n_units as f64 * control.n_units as f64;
    let weight = units * (middle - from) as f64 * (to - middle) as f64;
    let comparison = BaconComparison {
        term: format!("{} vs {against}", name(middle)),
        estimate: Some(change(treated) - change(control)),
        kind: Some(kind),
        treated_cohort: time(middle),
        control_cohort: time(control.start),
        n_obs: n_units * (to - from),
        n_units,
        note,
        ..BaconComparison::default()
    };
    (comparison, weight)
}

#[cfg(test)]
mod tests;
