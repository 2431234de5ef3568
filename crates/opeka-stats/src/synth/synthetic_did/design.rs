//! Who is compared with whom: cohorts of treated units, and the units that never are treated.

use super::block::{Block, Rule, Tuning, Weights, of_some};
use super::{SyntheticDidEstimator, SyntheticDidOptions};
use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::Panel;
use crate::effect::treatment::{Cohort, listed};
use crate::effect::within::TwoWay;
use crate::least_squares;

/// The units of a panel without gaps.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub(super) names: Vec<String>,
    pub(super) times: Vec<f64>,
    /// The outcome of each unit over all times, without what covariates explain.
    pub(super) y: Vec<Vec<f64>>,
    /// The units that are never treated.
    pub(super) never: Vec<usize>,
    pub(super) cohorts: Vec<Treated>,
    /// How much a unit counts where it is treated; by cohort in the order of `cohorts`, as the
    /// periods over which the mean is taken differ.
    pub(super) weights: Vec<f64>,
    pub(super) rule: Rule,
}

/// Units that are treated from one time on.
#[derive(Clone, Debug)]
pub(super) struct Treated {
    /// The place of that time among the times.
    pub(super) before: usize,
    pub(super) units: Vec<usize>,
}

/// A cohort with its weights and effect.
#[derive(Clone, Debug)]
pub(super) struct CohortFit {
    pub(super) tuning: Option<Tuning>,
    pub(super) weights: Weights,
    pub(super) effect: f64,
}

impl Design {
    pub(super) fn new(
        panel: &Panel,
        cohorts: &[Cohort],
        options: &SyntheticDidOptions,
        notes: &mut Notes,
    ) -> Result<Self, Reason> {
        let n_times = panel.n_times();
        let first = |unit: usize| match cohorts[unit] {
            Cohort::Never => n_times,
            Cohort::From(time) => panel.times.partition_point(|known| *known < time),
        };
        let fewest = if options.estimator == SyntheticDidEstimator::Did { 1 } else { 2 };
        let n_treated = (0..panel.n_units()).filter(|unit| first(*unit) < n_times).count();
        if n_treated == 0 {
            return Err(Reason::because("no unit is treated"));
        }
        if n_treated == panel.n_units() {
            return Err(Reason::because(
                "every unit is treated at some time (controls are units that never are)",
            ));
        }
        let early: Vec<usize> =
            (0..panel.n_units()).filter(|unit| first(*unit) < fewest.min(n_times)).collect();
        let names: Vec<&str> = early.iter().map(|unit| panel.units[*unit].as_str()).collect();
        let periods = if fewest == 1 { "period" } else { "periods" };
        if names.len() == n_treated {
            return Err(Reason::because(format!(
                "before treatment there are fewer than {fewest} {periods}"
            )));
        }
        if !names.is_empty() {
            notes.add(format!(
                "{} left out: treated with fewer than {fewest} {periods} before",
                listed(&names)
            ));
        }
        let panel = panel.keep(|row| !early.contains(&(panel.unit[row] as usize)));
        let first: Vec<usize> =
            (0..cohorts.len()).filter(|unit| !early.contains(unit)).map(first).collect();
        panel.require_balanced()?;
        if panel.y.iter().all(|y| *y == panel.y[0]) {
            return Err(Reason::because("the outcome is the same everywhere"));
        }

        let outcome = adjusted(&panel, &first)?;
        let mut design = Self {
            y: outcome.chunks_exact(n_times).map(<[f64]>::to_vec).collect(),
            never: (0..first.len()).filter(|unit| first[*unit] == n_times).collect(),
            cohorts: Vec::new(),
            weights: (0..first.len()).map(|unit| weight(&panel, unit, first[unit])).collect(),
            rule: Rule { estimator: options.estimator, method: options.weights_method },
            names: panel.units,
            times: panel.times,
        };
        if design.never.len() < fewest {
            return Err(Reason::because("there is one control (the weights take two or more)"));
        }
        for before in fewest..n_times {
            let units: Vec<usize> =
                (0..first.len()).filter(|unit| first[*unit] == before).collect();
            if !units.is_empty() {
                design.cohorts.push(Treated { before, units });
            }
        }
        Ok(design)
    }

    pub(super) fn n_treated(&self) -> usize {
        self.cohorts.iter().map(|cohort| cohort.units.len()).sum()
    }

    /// The outcomes of these units, of which the controls come first.
    pub(super) fn block(&self, controls: &[usize], treated: &[usize], before: usize) -> Block<'_> {
        Block {
            controls: controls.iter().map(|unit| self.y[*unit].as_slice()).collect(),
            treated: treated
                .iter()
                .map(|unit| (self.y[*unit].as_slice(), self.weights[*unit]))
                .collect(),
            before,
        }
    }

    /// The effect on a cohort. The noise level has to be above zero where weights are estimated.
    pub(super) fn fit(
        &self,
        controls: &[usize],
        treated: &[usize],
        before: usize,
    ) -> Result<CohortFit, Reason> {
        let block = self.block(controls, treated, before);
        let tuning = block.tuning(self.rule.estimator);
        if self.rule.estimator != SyntheticDidEstimator::Did {
            match tuning {
                None => {
                    return Err(Reason::because(
                        "controls and periods before treatment are too few for a noise level",
                    ));
                }
                Some(tuning) if tuning.noise <= 0.0 => {
                    return Err(Reason::because(
                        "the controls all change alike before treatment: the noise level is 0",
                    ));
                }
                Some(_) => {}
            }
        }
        let weights = block.weights(self.rule, tuning.as_ref(), None)?;
        let effect = block.effect(&weights);
        Ok(CohortFit { tuning, weights, effect })
    }

    /// The effect on all cohorts: of each as it has treated units and periods (Clarke, Pailañir,
    /// Athey and Imbens 2023, equation 7; units count by their weights).
    pub(super) fn overall(&self, parts: &[(&[usize], usize, f64)]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (units, before, effect) in parts {
            let size: f64 = units.iter().map(|unit| self.weights[*unit]).sum();
            let share = size * (self.times.len() - before) as f64;
            sum += share * effect;
            total += share;
        }
        sum / total
    }

    /// The effect on these units, each treated from its cohort's time on, with tuning and starting
    /// weights of `fits`: places among the controls say which weights to begin with.
    pub(super) fn again(
        &self,
        fits: &[CohortFit],
        places: &[usize],
        treated: &[Vec<usize>],
    ) -> Option<f64> {
        let controls: Vec<usize> = places.iter().map(|place| self.never[*place]).collect();
        let mut parts = Vec::with_capacity(fits.len());
        for ((fit, cohort), units) in fits.iter().zip(&self.cohorts).zip(treated) {
            if units.is_empty() {
                continue;
            }
            let start = Weights {
                omega: of_some(&fit.weights.omega, places.iter().copied()),
                lambda: fit.weights.lambda.clone(),
            };
            let block = self.block(&controls, units, cohort.before);
            let weights = block.weights(self.rule, fit.tuning.as_ref(), Some(start)).ok()?;
            parts.push((units.as_slice(), cohort.before, block.effect(&weights)));
        }
        let effect = self.overall(&parts);
        effect.is_finite().then_some(effect)
    }
}

/// The mean weight of a unit over its treated periods; over all where it is never treated.
fn weight(panel: &Panel, unit: usize, first: usize) -> f64 {
    let Some(weights) = &panel.weights else { return 1.0 };
    let of_unit = &weights[panel.rows_of(unit)];
    let counted = if first < of_unit.len() { &of_unit[first..] } else { of_unit };
    counted.iter().sum::<f64>() / counted.len() as f64
}

/// The outcome without what covariates explain: coefficients of the regression on covariates, unit
/// and time effects over rows that are not treated (Kranz 2022).
fn adjusted(panel: &Panel, first: &[usize]) -> Result<Vec<f64>, Reason> {
    let mut y = panel.y.clone();
    if panel.covariates.is_empty() {
        return Ok(y);
    }
    let mut untreated =
        panel.keep(|row| (panel.time[row] as usize) < first[panel.unit[row] as usize]);
    untreated.weights = None;
    let within = TwoWay::new(&untreated);
    let residuals = |column: &[f64]| {
        let mut left = column.to_vec();
        within.residuals(&mut left);
        left
    };
    let mut columns = Vec::with_capacity(untreated.covariates.len());
    for column in &untreated.covariates {
        let left = residuals(column);
        let size = |column: &[f64]| column.iter().fold(0.0f64, |size, x| size.max(x.abs()));
        if size(&left) <= 1e-10 * size(column) {
            return Err(Reason::because(
                "a covariate is no more than unit and time effects where nobody is treated",
            ));
        }
        columns.push(left);
    }
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let fit = least_squares::fit(&slices, &residuals(&untreated.y), None)
        .ok_or_else(|| Reason::because("one covariate is a combination of others"))?;
    for (column, coefficient) in panel.covariates.iter().zip(&fit.coefficients) {
        y.iter_mut().zip(column).for_each(|(y, x)| *y -= coefficient * x);
    }
    Ok(y)
}
