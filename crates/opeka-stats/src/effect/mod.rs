//! Did it work? Effects of interventions on areas, and how sure one can be.
//!
//! Every method takes the rows of a panel ([`PanelRows`]): an outcome of a unit (an area) at a time,
//! in any order, and says which units were treated from when. A result is an [`Effect`], or a list
//! of them where there are many terms.

pub(crate) mod labels;
pub(crate) mod panel;
pub(crate) mod treated_units;
pub(crate) mod treatment;
pub(crate) mod within;

use crate::Reason;

/// One estimated effect: a line of a table of results, in broom's names.
///
/// Either `estimate` is there, or `reason` is. Where only the error, the test or the limits are
/// missing, `note` says why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// What is estimated, such as `ATT` or `ATT(2004,2006)`.
    pub term: String,
    /// In units of the outcome.
    pub estimate: Option<f64>,
    pub std_error: Option<f64>,
    /// The estimate over its error, where nothing else is said.
    pub statistic: Option<f64>,
    /// Two-sided.
    pub p_value: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The rows that were used.
    pub n_obs: usize,
    /// The units that were used, treated and not.
    pub n_units: usize,
    /// How estimate and error were calculated, in words for a footnote.
    pub method: Option<String>,
    /// What whoever signs the figure must know: what was left out, which errors are too small.
    pub note: Option<String>,
    /// Why there is no estimate.
    pub reason: Option<Reason>,
}

impl Effect {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// An effect of those of a list: of a cohort, at a time, or so many periods after treatment began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectAt {
    /// The time from which the units of the cohort are treated.
    pub cohort: Option<f64>,
    pub time: Option<f64>,
    /// Periods since treatment began: 0 is the first treated one, -1 the last one before.
    pub event_time: Option<f64>,
    pub effect: Effect,
}

impl EffectAt {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// Notes in the order in which they arose, as one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Vec<String>);

impl Notes {
    pub(crate) fn add(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// Nothing where there is nothing to tell.
    pub(crate) fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}
