//! Which units, periods and cohorts can be compared.

use super::options::{AttControl, AttGaps, AttGtOptions};
use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, cohorts, listed};

/// The rows that are left, and who is compared with whom.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) panel: Panel,
    /// The cohort of each unit.
    pub(crate) cohort: Vec<Cohort>,
    /// The cohorts that have effects, ascending.
    pub(crate) cohorts: Vec<f64>,
    /// The weight of each unit: that of its first period, or its mean where the panel has gaps.
    pub(crate) weight: Vec<f64>,
    /// Every unit has a row in every period.
    pub(crate) balanced: bool,
    /// The cluster of each unit, and how many there are; `None` where each is its own.
    pub(crate) cluster: Option<(Vec<u32>, usize)>,
    pub(crate) notes: Notes,
}

impl Prepared {
    /// The rules of the R package did, version 2.5.1, where nothing else is said.
    pub(crate) fn new(
        rows: &PanelRows<'_>,
        first_treated: &[Option<f64>],
        adopter: Option<&[bool]>,
        options: &AttGtOptions,
    ) -> Result<Self, Reason> {
        options.check()?;
        let mut notes = Notes::default();
        let panel = Panel::new(rows)?;
        let (panel, cohort) = cohorts(&panel, first_treated, adopter, &mut notes)?;
        let mut this = Self {
            panel,
            cohort,
            cohorts: Vec::new(),
            weight: Vec::new(),
            balanced: false,
            cluster: None,
            notes,
        };
        this.treated_later(options);
        let last_resort = this.last_cohort_compares(options)?;
        this.treated_throughout(options)?;
        this.gaps(options)?;
        this.list_cohorts(options, last_resort)?;
        this.few_units(options);
        this.clusters(rows.cluster.is_some())?;
        this.weight = this.weights();
        Ok(this)
    }

    /// Keeps the rows for which `kept` holds, and the cohorts of the units that remain.
    fn keep(&mut self, kept: impl Fn(usize) -> bool) {
        let mut stays = vec![false; self.panel.n_units()];
        (0..self.panel.n_obs())
            .filter(|row| kept(*row))
            .for_each(|row| stays[self.panel.unit[row] as usize] = true);
        self.panel = self.panel.keep(kept);
        let mut stays = stays.into_iter();
        self.cohort.retain(|_| stays.next().unwrap_or(false));
    }

    fn names(&self, of: impl Fn(usize) -> bool) -> Vec<&str> {
        (0..self.panel.n_units())
            .filter(|unit| of(*unit))
            .map(|unit| self.panel.units[unit].as_str())
            .collect()
    }

    /// Units that are treated after the last period, and do not react before, are never treated.
    fn treated_later(&mut self, options: &AttGtOptions) {
        let last = self.panel.times.last().copied().unwrap_or(f64::NAN) + options.anticipation;
        for cohort in &mut self.cohort {
            if matches!(cohort, Cohort::From(first) if *first > last) {
                *cohort = Cohort::Never;
            }
        }
    }

    /// Where all units are treated at last, those that are treated last are the comparison, and the
    /// periods from their treatment on are left out.
    fn last_cohort_compares(&mut self, options: &AttGtOptions) -> Result<Option<f64>, Reason> {
        if self.cohort.contains(&Cohort::Never) {
            return Ok(None);
        }
        let dates = self.cohort.iter().filter_map(|cohort| match cohort {
            Cohort::From(first) => Some(*first),
            Cohort::Never => None,
        });
        let Some(last) = dates.max_by(f64::total_cmp) else { return Ok(None) };
        let end = last - options.anticipation;
        let times = self.panel.times.clone();
        let units = self.panel.n_units();
        if !times.iter().any(|time| *time < end) {
            return Err(Reason::because(format!(
                "all units are treated, and there is no period before {end} in which to compare them"
            )));
        }
        let (row_time, panel_times) = (self.panel.time.clone(), times);
        self.keep(|row| panel_times[row_time[row] as usize] < end);
        self.notes.add(format!(
            "all units are treated at last: those treated from {last} are the comparison, and periods \
             from {end} on are left out"
        ));
        if self.panel.n_units() < units {
            self.notes.add(format!(
                "{} units left out: they have no earlier period",
                units - self.panel.n_units()
            ));
        }
        if options.control == AttControl::NeverTreated {
            let last = Cohort::From(last);
            self.cohort.iter_mut().filter(|c| **c == last).for_each(|c| *c = Cohort::Never);
        }
        Ok(Some(last))
    }

    /// Units that were treated before the data begin have no period to compare with.
    fn treated_throughout(&mut self, options: &AttGtOptions) -> Result<(), Reason> {
        let Some(first) = self.panel.times.first() else { return Ok(()) };
        let begins = first + options.anticipation;
        let early: Vec<bool> = self
            .cohort
            .iter()
            .map(|cohort| matches!(cohort, Cohort::From(time) if *time <= begins))
            .collect();
        let names = self.names(|unit| early[unit]);
        if names.is_empty() {
            return Ok(());
        }
        let note = format!("{} left out: treated in the first period or before", listed(&names));
        if names.len() == self.panel.n_units() {
            return Err(Reason::because("all units are treated in the first period or before"));
        }
        self.notes.add(note);
        let unit = self.panel.unit.clone();
        self.keep(|row| !early[unit[row] as usize]);
        Ok(())
    }

    fn gaps(&mut self, options: &AttGtOptions) -> Result<(), Reason> {
        self.balanced = self.panel.is_balanced();
        if self.balanced {
            return Ok(());
        }
        let n_times = self.panel.n_times();
        let gap: Vec<bool> = (0..self.panel.n_units())
            .map(|unit| self.panel.rows_of(unit).len() < n_times)
            .collect();
        let names = self.names(|unit| gap[unit]);
        let named = listed(&names);
        let n = names.len();
        match options.gaps {
            AttGaps::Keep => self.notes.add(format!(
                "levels are compared instead of changes, because {n} of {} units lack periods: {named}",
                self.panel.n_units()
            )),
            AttGaps::Drop if n == self.panel.n_units() => {
                return Err(Reason::because("no unit has a row for every period"));
            }
            AttGaps::Drop => {
                self.notes.add(format!("{n} units left out that lack periods: {named}"));
                let unit = self.panel.unit.clone();
                self.keep(|row| !gap[unit[row] as usize]);
                self.balanced = true;
            }
        }
        Ok(())
    }

    fn list_cohorts(&mut self, options: &AttGtOptions, last: Option<f64>) -> Result<(), Reason> {
        let dates = self.cohort.iter().filter_map(|cohort| match cohort {
            Cohort::From(first) => Some(*first),
            Cohort::Never => None,
        });
        let mut dates: Vec<f64> = dates.filter(|first| Some(*first) != last).collect();
        dates.sort_unstable_by(f64::total_cmp);
        dates.dedup();
        if dates.is_empty() {
            return Err(Reason::because(match last {
                Some(last) => format!(
                    "all units are treated from {last}, and there is nobody to compare them with"
                ),
                None => "no unit is treated in the periods of the data".to_owned(),
            }));
        }
        if self.panel.n_times() < 2 {
            return Err(Reason::because("there is only one period"));
        }
        if options.control == AttControl::NeverTreated && !self.cohort.contains(&Cohort::Never) {
            return Err(Reason::because("no unit without treatment is left to compare with"));
        }
        self.cohorts = dates;
        Ok(())
    }

    /// Groups below five units and one for each covariate are told; the reference warns as well.
    fn few_units(&mut self, options: &AttGtOptions) {
        let enough = 5 + self.panel.covariates.len();
        let size = |of: Cohort| self.cohort.iter().filter(|cohort| **cohort == of).count();
        let controls = (options.control == AttControl::NeverTreated).then_some(Cohort::Never);
        let small: Vec<String> = self
            .cohorts
            .iter()
            .map(|first| (format!("{first}"), size(Cohort::From(*first))))
            .chain(controls.map(|never| ("never".to_owned(), size(never))))
            .filter(|(_, n)| (1..enough).contains(n))
            .map(|(name, n)| format!("{name} ({n})"))
            .collect();
        if !small.is_empty() {
            self.notes.add(format!("cohorts of few units: {}", small.join(", ")));
        }
    }

    fn clusters(&mut self, given: bool) -> Result<(), Reason> {
        if !given {
            return Ok(());
        }
        let panel = &self.panel;
        let mut of_unit = Vec::with_capacity(panel.n_units());
        for unit in 0..panel.n_units() {
            let clusters = &panel.cluster[panel.rows_of(unit)];
            let first = clusters.first().copied().unwrap_or_default();
            if clusters.iter().any(|cluster| *cluster != first) {
                return Err(Reason::because(format!(
                    "{} is in more than one cluster",
                    panel.units[unit]
                )));
            }
            of_unit.push(first);
        }
        self.cluster = Some((of_unit, panel.n_clusters));
        Ok(())
    }

    fn weights(&self) -> Vec<f64> {
        let Some(weights) = &self.panel.weights else { return vec![1.0; self.panel.n_units()] };
        let of = |unit: usize| {
            let weights = &weights[self.panel.rows_of(unit)];
            match self.balanced {
                true => weights[0],
                false => weights.iter().sum::<f64>() / weights.len() as f64,
            }
        };
        (0..self.panel.n_units()).map(of).collect()
    }

    pub(crate) fn n_units(&self) -> usize {
        self.panel.n_units()
    }
    /// How many clusters the units of cohorts are in; without clusters, how many units there are.
    pub(crate) fn clusters_of(&self, cohorts: &[f64]) -> usize {
        let of =
            |unit: &usize| matches!(self.cohort[*unit], Cohort::From(f) if cohorts.contains(&f));
        let units = (0..self.n_units()).filter(of);
        match &self.cluster {
            None => units.count(),
            Some((cluster, n_clusters)) => {
                let mut occurs = vec![false; *n_clusters];
                units.for_each(|unit| occurs[cluster[unit] as usize] = true);
                occurs.into_iter().filter(|occurs| *occurs).count()
            }
        }
    }
}
