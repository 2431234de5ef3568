//! A coefficient for each period before and after treatment began.

use super::coefficient::{Coefficient, Support, finish};
use super::errors::{Degrees, Errors, covariance, residual_df};
use super::regression::Regression;
use crate::Reason;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, cohorts};
use crate::effect::{Effect, EffectAt, Notes};
use crate::reason::{require_conf_level, require_finite, require_finite_result};

/// Options of [`event_study`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventStudyOptions {
    /// The event time that the others are compared with.
    pub reference: f64,
    /// Event times further back than so many periods count as that far back; all for themselves
    /// where `None`.
    pub leads: Option<f64>,
    /// The same after treatment began.
    pub lags: Option<f64>,
    pub errors: Errors,
    pub degrees: Degrees,
    pub conf_level: f64,
}

impl Default for EventStudyOptions {
    fn default() -> Self {
        Self {
            reference: -1.0,
            leads: None,
            lags: None,
            errors: Errors::Cluster,
            degrees: Degrees::OfErrors,
            conf_level: 0.95,
        }
    }
}

/// The result of [`event_study`].
///
/// The covariance is that of the formula, whether or not there are units enough to believe it:
/// `n_treated` says which coefficients lean on few.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventStudy {
    /// Each event time, the reference among them, ascending.
    pub terms: Vec<EffectAt>,
    /// The event times that have a coefficient, ascending: without the reference and those that the
    /// others explain.
    pub event_times: Vec<f64>,
    pub coefficients: Vec<f64>,
    /// Of the coefficients; empty where it cannot be estimated, and `no_covariance` says why.
    pub covariance: Vec<Vec<f64>>,
    pub no_covariance: Option<String>,
    /// Treated units with rows at each of `event_times`, or the clusters that they are in where
    /// these are fewer.
    pub n_treated: Vec<usize>,
    /// The degrees of freedom of a t or of the denominator of an F: one less than there are
    /// clusters, or N − K without clusters.
    pub df: f64,
    /// The rows less the coefficients, all fixed effects counted once: N − K.
    pub df_residual: f64,
    pub n_obs: usize,
    pub n_units: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is nothing.
    pub reason: Option<Reason>,
}

impl EventStudy {
    /// No coefficients, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self {
            terms: vec![EffectAt::unknown(reason.clone())],
            reason: Some(reason),
            ..Self::default()
        }
    }
}

/// The effects at each event time e (0 is the first treated period) as the coefficients b_e of
/// y_it = a_i + c_t + Σ b_e 1(t − first_treated_i = e) + x_it'g + u_it, without e = `reference`.
///
/// **Estimates**, for one date of treatment, the effect at each event time relative to the
/// reference, under parallel trends; at event times before treatment, how far the trends were apart.
/// With many dates and effects that differ between them each coefficient also takes up effects of
/// other event times (Sun and Abraham 2021, *J. Econometrics* 225(2), proposition 3).
///
/// **Formula.** Weighted least squares, the effects a and c taken out exactly; errors as in
/// [`did_twfe`](crate::did_twfe). The figures are those of R's fixest:
/// `feols(y ~ i(event_time, treated, ref = -1) + x | unit + time, cluster = ~cluster)`. `leads` and
/// `lags` clip the event times at the ends; the reference has estimate 0 and no error.
///
/// **Few treated units.** Counted for each event time: with one there is no error, with two to nine
/// the note says that errors are too small.
///
/// **Edge cases.** An event time that the fixed effects and those before it explain has no estimate,
/// and the reason says so; the others are then relative to it too, as their note says. That is so
/// where no unit is never treated, and a trend in event time cannot be told apart from the effects
/// of units and times. No estimates where the outcome is constant, where no unit is treated in its
/// time, where no treated unit has a row at the reference, and for faults of the panel.
pub fn event_study(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &EventStudyOptions,
) -> EventStudy {
    Panel::new(rows)
        .and_then(|panel| prepare(&panel, first_treated, adopter, options))
        .and_then(|prepared| prepared.study(options))
        .unwrap_or_else(EventStudy::unknown)
}

/// A panel of which it is known when each row is, counted from treatment.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) panel: Panel,
    /// Nothing in rows of units that are never treated.
    event_time: Vec<Option<f64>>,
    /// With one date of treatment, units that are never treated: there is only them to compare with.
    n_others: Option<usize>,
    notes: Notes,
}

pub(crate) fn prepare(
    panel: &Panel,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &EventStudyOptions,
) -> Result<Prepared, Reason> {
    require_conf_level(options.conf_level)?;
    require_finite("reference", options.reference)?;
    for (name, value) in [("leads", options.leads), ("lags", options.lags)] {
        let least = if name == "leads" { 1.0 } else { 0.0 };
        if let Some(value) = value.filter(|value| !value.is_finite() || *value < least) {
            return Err(Reason::because(format!(
                "{name} is {value} (it must be a number of {least} or more)"
            )));
        }
    }
    let mut notes = Notes::default();
    let (panel, cohorts) = cohorts(panel, first_treated, adopter, &mut notes)?;
    if panel.y.windows(2).all(|pair| pair[0] == pair[1]) {
        return Err(Reason::because("the outcome is the same in all rows"));
    }
    let clip = |event_time: f64| {
        // Times such as 2000.1 have event times that differ in their last digits.
        let rounded = libm::round(event_time * 1e6) / 1e6;
        let low = options.leads.map_or(rounded, |leads| rounded.max(-leads));
        options.lags.map_or(low, |lags| low.min(lags)) + 0.0
    };
    let event_time: Vec<Option<f64>> = (0..panel.n_obs())
        .map(|row| match cohorts[panel.unit[row] as usize] {
            Cohort::Never => None,
            Cohort::From(first) => Some(clip(panel.times[panel.time[row] as usize] - first)),
        })
        .collect();
    let dates = || cohorts.iter().filter(|cohort| **cohort != Cohort::Never);
    let one_date = dates().next().filter(|first| dates().all(|other| other == *first));
    let n_others = one_date.map(|_| cohorts.len() - dates().count());
    Ok(Prepared { panel, event_time, n_others, notes })
}

impl Prepared {
    /// The same for some of the units.
    pub(crate) fn keep_units(&self, kept: impl Fn(usize) -> bool) -> Self {
        let keep = |row: usize| kept(self.panel.unit[row] as usize);
        let rows = (0..self.panel.n_obs()).filter(|row| keep(*row));
        Self {
            event_time: rows.map(|row| self.event_time[row]).collect(),
            panel: self.panel.keep(keep),
            n_others: self.n_others,
            notes: self.notes.clone(),
        }
    }

    /// The event times that occur, ascending.
    fn event_times(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.event_time.iter().flatten().copied().collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        times
    }

    /// Event times other than the reference, and the regression on them and the covariates.
    pub(crate) fn fit(&self, reference: f64) -> (Vec<f64>, Regression) {
        let mut times = self.event_times();
        times.retain(|time| *time != reference);
        let indicator = |time: &f64| -> Vec<f64> {
            let at = |row: &Option<f64>| f64::from(u8::from(*row == Some(*time)));
            self.event_time.iter().map(at).collect()
        };
        let mut columns: Vec<Vec<f64>> = times.iter().map(indicator).collect();
        columns.extend(self.panel.covariates.iter().cloned());
        (times, Regression::fit(&self.panel, columns))
    }

    /// Treated units with rows at an event time, and how much they can bear.
    fn support(&self, event_time: f64) -> Support {
        let panel = &self.panel;
        let mut clusters = vec![false; panel.n_clusters];
        let mut n_units = 0;
        for unit in 0..panel.n_units() {
            let mut there = false;
            for row in panel.rows_of(unit) {
                if self.event_time[row] == Some(event_time) {
                    clusters[panel.cluster[row] as usize] = true;
                    there = true;
                }
            }
            n_units += usize::from(there);
        }
        Support::new(n_units, clusters.iter().filter(|there| **there).count())
    }

    /// The reference is an event time that occurs, and not the only one.
    fn require_reference(&self, options: &EventStudyOptions) -> Result<(), Reason> {
        let times = self.event_times();
        if times.is_empty() {
            return Err(Reason::because("no unit is ever treated"));
        }
        if !times.contains(&options.reference) {
            let list: Vec<String> = times.iter().map(f64::to_string).collect();
            return Err(Reason::because(format!(
                "no treated unit has a row at event time {}, the reference (there are {})",
                options.reference,
                list.join(", ")
            )));
        }
        if times.len() == 1 {
            return Err(Reason::because("all rows of treated units are at the reference"));
        }
        Ok(())
    }

    pub(crate) fn study(&self, options: &EventStudyOptions) -> Result<EventStudy, Reason> {
        self.require_reference(options)?;
        let panel = &self.panel;
        let (times, fit) = self.fit(options.reference);
        let kept: Vec<usize> = fit.kept.iter().copied().filter(|k| *k < times.len()).collect();
        if kept.is_empty() {
            return Err(Reason::because("unit and time effects explain the treatment"));
        }
        require_finite_result(&fit.coefficients)?;
        let mut notes = self.notes.clone();
        let explained: Vec<String> =
            (0..times.len()).filter(|k| !kept.contains(k)).map(|k| term(times[k])).collect();
        if !explained.is_empty() {
            notes.add(format!(
                "{} left out: the others and the effects of units and times explain it; effects \
                 are relative to it as well as to the reference",
                explained.join(", ")
            ));
        }
        for covariate in 0..panel.covariates.len() {
            if !fit.kept.contains(&(times.len() + covariate)) {
                notes.add(format!(
                    "covariate {} left out: the effects and the columns before explain it",
                    covariate + 1
                ));
            }
        }
        let errors = match self.n_others {
            Some(1) => {
                Err("with one unit to compare with there is nothing to estimate it from".to_owned())
            }
            _ => covariance(panel, &fit, options.errors, options.degrees),
        };
        let weighted = if panel.weights.is_some() { "weighted " } else { "" };
        let method = format!(
            "{weighted}least squares with unit and time effects and event times, {}",
            options.errors.words()
        );
        let blank = |event_time: f64| Effect {
            term: term(event_time),
            n_obs: panel.n_obs(),
            n_units: panel.n_units(),
            method: Some(method.clone()),
            ..Effect::default()
        };
        let mut n_treated = Vec::new();
        let mut terms = Vec::new();
        for event_time in self.event_times() {
            let mut notes = notes.clone();
            if let Some(note) = options.binned(event_time) {
                notes.add(note);
            }
            let place = times.iter().position(|time| *time == event_time);
            let effect = match place {
                None => {
                    notes.add("the reference: zero by definition");
                    Effect { estimate: Some(0.0), note: notes.text(), ..blank(event_time) }
                }
                Some(place) => match kept.iter().position(|k| *k == place) {
                    None => Effect {
                        reason: Some(Reason::because(
                            "the other event times and the effects of units and times explain it",
                        )),
                        ..blank(event_time)
                    },
                    Some(k) => {
                        let support = self.support(event_time);
                        n_treated.push(support.n_treated);
                        let error = errors.as_ref().map_err(Clone::clone);
                        let coefficient = Coefficient {
                            estimate: fit.coefficients[k],
                            error: error.map(|c| (c.matrix[k][k].sqrt(), c.df[k])),
                            support,
                        };
                        finish(blank(event_time), coefficient, options.conf_level, &mut notes)
                    }
                },
            };
            let event_time = Some(event_time);
            terms.push(EffectAt { event_time, effect, ..EffectAt::default() });
        }
        let n = kept.len();
        let df_residual = residual_df(panel, &fit) as f64;
        Ok(EventStudy {
            terms,
            event_times: kept.iter().map(|k| times[*k]).collect(),
            coefficients: fit.coefficients[..n].to_vec(),
            covariance: errors.as_ref().map_or(Vec::new(), |covariance| {
                covariance.matrix[..n].iter().map(|row| row[..n].to_vec()).collect()
            }),
            no_covariance: errors.err(),
            n_treated,
            df: match options.errors {
                Errors::Iid | Errors::Hc1 => df_residual,
                Errors::TwoWay => (panel.n_units().min(panel.n_times()) - 1) as f64,
                Errors::DriscollKraay => (panel.n_times() - 1) as f64,
                _ => (panel.n_clusters - 1) as f64,
            },
            df_residual,
            n_obs: panel.n_obs(),
            n_units: panel.n_units(),
            method: Some(method),
            note: notes.text(),
            reason: None,
        })
    }
}

impl EventStudyOptions {
    /// What an end of clipped event times stands for.
    fn binned(&self, event_time: f64) -> Option<String> {
        if self.leads == Some(-event_time) {
            return Some(format!("{event_time} and before"));
        }
        (self.lags == Some(event_time)).then(|| format!("{event_time} and after"))
    }
}

fn term(event_time: f64) -> String {
    format!("ATT({event_time})")
}

#[cfg(test)]
mod tests;
