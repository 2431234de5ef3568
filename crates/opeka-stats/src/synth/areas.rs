//! Treated areas and donors of a panel without gaps.

use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption, listed};

/// Units with a figure for every period: those that are treated at some time, and donors, which
/// never are.
#[derive(Clone, Debug)]
pub(crate) struct Areas {
    pub(crate) panel: Panel,
    /// Units that are treated, and the place of their first treated period among the times.
    pub(crate) treated: Vec<(usize, usize)>,
    /// Units that are not.
    pub(crate) donors: Vec<usize>,
}

impl Areas {
    /// # Errors
    /// Whatever makes a panel unfit (see [`Panel::new`]), a gap, an outcome that never varies, nobody
    /// treated, no donor, a treated unit with fewer than two periods before its treatment.
    pub(crate) fn new(
        rows: &PanelRows<'_>,
        treated: &[Option<f64>],
        leave_out_gaps: bool,
        notes: &mut Notes,
    ) -> Result<Self, Reason> {
        // Covariates may have gaps, and weights have no place here.
        let bare = PanelRows { covariates: &[], weights: None, cluster: None, ..rows.clone() };
        let all = Panel::new(&bare)?;
        if treated.len() != all.n_obs() {
            let (n, m) = (all.n_obs(), treated.len());
            return Err(Reason::because(format!("there are {n} outcomes and {m} of treated")));
        }
        let (mut panel, mut cohorts) = adoption(&all, treated, notes)?;
        if leave_out_gaps && !panel.is_balanced() {
            (panel, cohorts) = without_gaps(&panel, &cohorts, notes)?;
        }
        panel.require_balanced()?;

        let mut areas = Self { panel, treated: Vec::new(), donors: Vec::new() };
        for (unit, cohort) in cohorts.iter().enumerate() {
            match cohort {
                Cohort::Never => areas.donors.push(unit),
                Cohort::From(time) => {
                    let start = areas.panel.times.partition_point(|known| known < time);
                    areas.treated.push((unit, start));
                }
            }
        }
        areas.require()?;
        Ok(areas)
    }

    fn require(&self) -> Result<(), Reason> {
        if self.treated.is_empty() {
            return Err(Reason::because("no unit is treated"));
        }
        if self.donors.is_empty() {
            return Err(Reason::because("every unit is treated (donors must never be)"));
        }
        if self.panel.y.iter().all(|y| *y == self.panel.y[0]) {
            return Err(Reason::because("the outcome is the same in every row"));
        }
        for (unit, start) in &self.treated {
            let name = &self.panel.units[*unit];
            let rule = "(the weights need two periods or more)";
            match start {
                0 => {
                    return Err(Reason::because(format!(
                        "{name} is treated from the first period on {rule}"
                    )));
                }
                1 => {
                    return Err(Reason::because(format!(
                        "{name} has one period before treatment {rule}"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn n_times(&self) -> usize {
        self.panel.n_times()
    }

    /// The outcomes of a unit, one for each period.
    pub(crate) fn series(&self, unit: usize) -> &[f64] {
        &self.panel.y[self.panel.rows_of(unit)]
    }

    pub(crate) fn name(&self, unit: usize) -> &str {
        &self.panel.units[unit]
    }

    /// The average of some units, period by period.
    pub(crate) fn mean_series(&self, units: &[usize]) -> Vec<f64> {
        if let [unit] = units {
            return self.series(*unit).to_vec();
        }
        let n = units.len() as f64;
        (0..self.n_times())
            .map(|t| units.iter().map(|unit| self.series(*unit)[t]).sum::<f64>() / n)
            .collect()
    }

    /// Whether all treated units are treated from the same period on; then that one.
    pub(crate) fn common_start(&self) -> Option<usize> {
        let first = self.treated.first()?.1;
        self.treated.iter().all(|(_, start)| *start == first).then_some(first)
    }

    /// For each covariate and unit its mean before `start`, of the values that are there (`NaN` is
    /// a missing value): `values[covariate][unit]`.
    ///
    /// # Errors
    /// A column of another length, an infinite value, a treated unit or donor without any value.
    pub(crate) fn covariate_means(
        &self,
        columns: &[&[f64]],
        start: usize,
    ) -> Result<Vec<Vec<f64>>, Reason> {
        let mut means = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let last = self.panel.source.iter().max().map_or(0, |row| *row as usize + 1);
            if column.len() < last {
                return Err(Reason::because(format!(
                    "there are {last} rows and {} values of a covariate",
                    column.len()
                )));
            }
            let values = self.panel.arrange(column);
            if let Some(odd) = values.iter().find(|value| value.is_infinite()) {
                let name = covariate_name(place);
                return Err(Reason::because(format!("{name} is {odd} (it must be finite)")));
            }
            let mean = |unit: usize| {
                let first = self.panel.rows_of(unit).start;
                let there = values[first..first + start].iter().filter(|value| !value.is_nan());
                let (n, sum) = there.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
                if n > 0.0 {
                    return Ok(sum / n);
                }
                Err(Reason::because(format!(
                    "{} has no value of {} before treatment",
                    self.name(unit),
                    covariate_name(place)
                )))
            };
            means.push((0..self.panel.n_units()).map(mean).collect::<Result<_, _>>()?);
        }
        Ok(means)
    }
}

/// Covariates have no names, but an order.
pub(crate) fn covariate_name(place: usize) -> String {
    format!("covariate {}", place + 1)
}

fn without_gaps(
    panel: &Panel,
    cohorts: &[Cohort],
    notes: &mut Notes,
) -> Result<(Panel, Vec<Cohort>), Reason> {
    let n_times = panel.n_times();
    let gone: Vec<bool> = (0..panel.n_units())
        .map(|unit| cohorts[unit] == Cohort::Never && panel.rows_of(unit).len() < n_times)
        .collect();
    let names: Vec<&str> =
        (0..gone.len()).filter(|unit| gone[*unit]).map(|unit| panel.units[unit].as_str()).collect();
    if !names.is_empty() {
        notes.add(format!("{} left out: there are gaps", listed(&names)));
    }
    let kept = cohorts.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(cohort, _)| *cohort);
    let cohorts: Vec<Cohort> = kept.collect();
    if cohorts.is_empty() {
        return Err(Reason::because("every unit has gaps"));
    }
    Ok((panel.keep(|row| !gone[panel.unit[row] as usize]), cohorts))
}
