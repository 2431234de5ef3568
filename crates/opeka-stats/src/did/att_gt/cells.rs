//! The effect on each cohort in each period.

use rayon::prelude::*;

use super::options::{AttBase, AttControl, AttGtOptions};
use super::prepare::Prepared;
use crate::Reason;
use crate::did::drdid::changes::Changes;
use crate::did::drdid::cross_sections::cross_sections;
use crate::did::drdid::{AttMethod, Comparison};
use crate::effect::treatment::Cohort;

/// The effect on a cohort in a period.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// From when the cohort is treated, and its place among the cohorts.
    pub(crate) first: f64,
    pub(crate) cohort: usize,
    pub(crate) time: f64,
    /// The estimate and the influence of each unit, or why there is none.
    pub(crate) outcome: Result<(f64, Vec<f64>), Reason>,
    /// Zero by construction: the period that the others are compared with.
    pub(crate) reference: bool,
    pub(crate) n_obs: usize,
    pub(crate) n_treated: usize,
    pub(crate) n_controls: usize,
}

impl Cell {
    pub(crate) fn estimate(&self) -> Option<f64> {
        self.outcome.as_ref().ok().map(|(estimate, _)| *estimate)
    }

    pub(crate) fn influence(&self) -> Option<&[f64]> {
        self.outcome.as_ref().ok().map(|(_, influence)| influence.as_slice())
    }

    /// Whether treatment has begun.
    pub(crate) fn treated(&self) -> bool {
        self.first <= self.time
    }
}

/// All cells, by cohort and in each by time.
pub(crate) fn estimate(prepared: &Prepared, options: &AttGtOptions) -> Vec<Cell> {
    let stable = prepared.balanced && is_stable(prepared);
    let of_cohort = |cohort: usize| Cohorts { prepared, options, cohort, stable }.cells();
    let cells: Vec<Vec<Cell>> =
        (0..prepared.cohorts.len()).into_par_iter().map(of_cohort).collect();
    cells.into_iter().flatten().collect()
}

/// Whether weights and covariates of every unit stay as they are, so that comparisons of the same
/// units in other periods can share what does not depend on the outcome.
fn is_stable(prepared: &Prepared) -> bool {
    let panel = &prepared.panel;
    let columns = panel.covariates.iter().chain(&panel.weights);
    let mut columns = columns.map(Vec::as_slice);
    columns.all(|column| {
        column.chunks_exact(panel.n_times()).all(|unit| unit.iter().all(|value| *value == unit[0]))
    })
}

/// Two periods, as places among the times.
#[derive(Clone, Copy)]
struct Periods {
    now: usize,
    base: usize,
}

/// What a comparison depends on, apart from the outcome: the earliest cohort among its controls (the
/// count of cohorts where all of them come later), and the period of its covariates.
type Key = (usize, usize);

/// A comparison: its units, and what is ready of it.
struct Ready {
    key: Key,
    units: Vec<u32>,
    changes: Result<Changes, Reason>,
}

struct Cohorts<'a> {
    prepared: &'a Prepared,
    options: &'a AttGtOptions,
    cohort: usize,
    stable: bool,
}

impl Cohorts<'_> {
    fn first(&self) -> f64 {
        self.prepared.cohorts[self.cohort]
    }

    fn cells(&self) -> Vec<Cell> {
        let times = &self.prepared.panel.times;
        let before = |time: &f64| time + self.options.anticipation < self.first();
        // The cohort is treated after the first period: there is one.
        let Some(last) = times.iter().rposition(before) else { return Vec::new() };
        let mut ready = Vec::new();
        let universal = self.options.base_period == AttBase::Universal;
        let start = if universal { 0 } else { 1 };
        (start..times.len())
            .map(|now| {
                let base = if universal || self.first() <= times[now] { last } else { now - 1 };
                self.cell(Periods { now, base }, &mut ready)
            })
            .collect()
    }

    fn cell(&self, periods: Periods, ready: &mut Vec<Ready>) -> Cell {
        let mut cell = Cell {
            first: self.first(),
            cohort: self.cohort,
            time: self.prepared.panel.times[periods.now],
            outcome: Ok((0.0, vec![0.0; self.prepared.n_units()])),
            reference: periods.now == periods.base,
            n_obs: 0,
            n_treated: 0,
            n_controls: 0,
        };
        if cell.reference {
            return cell;
        }
        if self.prepared.balanced {
            self.by_changes(periods, ready, &mut cell);
        } else {
            self.by_levels(periods, &mut cell);
        }
        let finite = |(estimate, influence): &(f64, Vec<f64>)| {
            estimate.is_finite() && influence.iter().all(|value| value.is_finite())
        };
        if cell.outcome.as_ref().is_ok_and(|outcome| !finite(outcome)) {
            cell.outcome = Err(crate::reason::too_large());
        }
        cell
    }

    /// The place of the first cohort that is not treated yet in either period.
    fn first_control(&self, periods: Periods) -> usize {
        let times = &self.prepared.panel.times;
        let latest = times[periods.now.max(periods.base)] + self.options.anticipation;
        match self.options.control {
            AttControl::NeverTreated => usize::MAX,
            AttControl::NotYetTreated => {
                self.prepared.cohorts.partition_point(|first| *first <= latest)
            }
        }
    }

    /// Whether a unit belongs to the cohort (true) or to its controls (false).
    fn role(&self, unit: usize, periods: Periods) -> Option<bool> {
        match self.prepared.cohort[unit] {
            Cohort::From(first) if first == self.first() => Some(true),
            Cohort::Never => Some(false),
            Cohort::From(first) => {
                let times = &self.prepared.panel.times;
                let latest = times[periods.now.max(periods.base)] + self.options.anticipation;
                let waits = self.options.control == AttControl::NotYetTreated && first > latest;
                waits.then_some(false)
            }
        }
    }

    fn by_changes(&self, periods: Periods, ready: &mut Vec<Ready>, cell: &mut Cell) {
        let (panel, n_times) = (&self.prepared.panel, self.prepared.panel.n_times());
        // Covariates and weights are those of the earlier of the two periods.
        let known = if self.stable { 0 } else { periods.now.min(periods.base) };
        let key = (self.first_control(periods), known);
        let place = match ready.iter().position(|one| one.key == key) {
            Some(place) => place,
            None => {
                ready.push(self.ready(periods, key));
                ready.len() - 1
            }
        };
        let Ready { units, changes, .. } = &ready[place];
        let n_treated =
            units.iter().filter(|unit| self.role(**unit as usize, periods) == Some(true)).count();
        cell.n_treated = n_treated;
        cell.n_controls = units.len() - n_treated;
        cell.n_obs = 2 * units.len();
        let changes = match changes {
            Ok(changes) => changes,
            Err(reason) => {
                cell.outcome = Err(reason.clone());
                return;
            }
        };
        let change: Vec<f64> = units
            .iter()
            .map(|unit| {
                let row = *unit as usize * n_times;
                panel.y[row + periods.now] - panel.y[row + periods.base]
            })
            .collect();
        let (estimate, of_unit) = changes.estimate(&change, self.prepared.n_units());
        let mut influence = vec![0.0; self.prepared.n_units()];
        units.iter().zip(of_unit).for_each(|(unit, value)| influence[*unit as usize] = value);
        cell.outcome = Ok((estimate, influence));
    }

    fn ready(&self, periods: Periods, key: Key) -> Ready {
        let (panel, n_times) = (&self.prepared.panel, self.prepared.panel.n_times());
        let (mut units, mut treated) = (Vec::new(), Vec::new());
        for unit in 0..self.prepared.n_units() {
            if let Some(role) = self.role(unit, periods) {
                units.push(unit as u32);
                treated.push(role);
            }
        }
        let take = |column: &Vec<f64>| -> Vec<f64> {
            units.iter().map(|unit| column[*unit as usize * n_times + key.1]).collect()
        };
        let covariates: Vec<Vec<f64>> = panel.covariates.iter().map(take).collect();
        let weights = panel.weights.as_ref().map(take);
        let changes = if !treated.contains(&false) {
            Err(self.no_controls(periods))
        } else if !treated.contains(&true) {
            Err(Reason::because(format!("no unit of cohort {} is left", self.first())))
        } else {
            Changes::new(Comparison::new(treated, weights, &covariates), self.options.method)
        };
        Ready { key, units, changes }
    }

    fn no_controls(&self, periods: Periods) -> Reason {
        let times = &self.prepared.panel.times;
        Reason::because(format!(
            "in {} no other unit is without treatment",
            times[periods.now.max(periods.base)]
        ))
    }

    fn by_levels(&self, periods: Periods, cell: &mut Cell) {
        let panel = &self.prepared.panel;
        let n_units = self.prepared.n_units();
        let (mut rows, mut treated, mut post) = (Vec::new(), Vec::new(), Vec::new());
        for unit in 0..n_units {
            let Some(role) = self.role(unit, periods) else { continue };
            let before = rows.len();
            for row in panel.rows_of(unit) {
                let time = panel.time[row] as usize;
                if time == periods.now || time == periods.base {
                    rows.push(row);
                    treated.push(role);
                    post.push(time == periods.now);
                }
            }
            if rows.len() > before {
                *(if role { &mut cell.n_treated } else { &mut cell.n_controls }) += 1;
            }
        }
        cell.n_obs = rows.len();
        if cell.n_controls == 0 {
            cell.outcome = Err(self.no_controls(periods));
            return;
        }
        let take =
            |column: &Vec<f64>| -> Vec<f64> { rows.iter().map(|row| column[*row]).collect() };
        let covariates: Vec<Vec<f64>> = panel.covariates.iter().map(take).collect();
        let comparison = Comparison::new(treated, panel.weights.as_ref().map(take), &covariates);
        let method: AttMethod = self.options.method;
        let result = cross_sections(&comparison, &take(&panel.y), &post, method, n_units);
        cell.outcome = result.map(|(estimate, of_row)| {
            let mut influence = vec![0.0; n_units];
            rows.iter()
                .zip(of_row)
                .for_each(|(row, value)| influence[panel.unit[*row] as usize] += value);
            (estimate, influence)
        });
    }
}
