//! What one can ask of group-time effects.

use crate::Reason;
use crate::did::drdid::AttMethod;
use crate::reason::{require_conf_level, require_finite, require_not_negative};

/// Who a cohort is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttControl {
    /// Units that are never treated, as far as the data go.
    #[default]
    NeverTreated,
    /// These and all whose treatment has not begun.
    NotYetTreated,
}

/// The period that a period is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttBase {
    /// From treatment on the last period before it; before treatment the period before.
    #[default]
    Varying,
    /// The last period before treatment throughout. Its own effect is zero by construction.
    Universal,
}

/// What becomes of units that lack periods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttGaps {
    /// They stay in; levels are compared instead of changes wherever a unit lacks a period.
    #[default]
    Keep,
    /// They are left out, and told.
    Drop,
}

/// Where errors come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttErrors {
    /// The square sum of the influence function.
    #[default]
    Analytic,
    /// The multiplier bootstrap.
    Bootstrap,
}

/// Options of [`att_gt`](crate::att_gt).
#[derive(Clone, Debug, PartialEq)]
pub struct AttGtOptions {
    pub method: AttMethod,
    pub control: AttControl,
    /// Units react this long before treatment begins, in units of time.
    pub anticipation: f64,
    pub base_period: AttBase,
    pub gaps: AttGaps,
    pub errors: AttErrors,
    /// Limits that hold for all effects at once, by the bootstrap.
    pub uniform_band: bool,
    /// Draws of the bootstrap.
    pub draws: usize,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for AttGtOptions {
    fn default() -> Self {
        Self {
            method: AttMethod::default(),
            control: AttControl::default(),
            anticipation: 0.0,
            base_period: AttBase::default(),
            gaps: AttGaps::default(),
            errors: AttErrors::default(),
            uniform_band: false,
            draws: 999,
            seed: 1,
            conf_level: 0.95,
        }
    }
}

/// The most draws of a bootstrap.
const MAX_DRAWS: usize = 1_000_000;

impl AttGtOptions {
    pub(super) fn check(&self) -> Result<(), Reason> {
        require_conf_level(self.conf_level)?;
        require_finite("anticipation", self.anticipation)?;
        require_not_negative("anticipation", self.anticipation)?;
        let draws =
            (self.errors == AttErrors::Bootstrap || self.uniform_band).then_some(self.draws);
        match draws.filter(|draws| !(2..=MAX_DRAWS).contains(draws)) {
            None => Ok(()),
            Some(draws) => Err(Reason::because(format!(
                "draws is {draws} (it must lie between 2 and {MAX_DRAWS})"
            ))),
        }
    }

    /// The estimator in words.
    pub(crate) fn words(&self, balanced: bool, covariates: bool) -> String {
        let method = match self.method {
            _ if !covariates => "difference of means",
            AttMethod::DoublyRobust => "doubly robust",
            AttMethod::Regression => "outcome regression",
            AttMethod::InverseProbability => "inverse probability weighting",
        };
        let control = match self.control {
            AttControl::NeverTreated => "never-treated controls",
            AttControl::NotYetTreated => "not-yet-treated controls",
        };
        let base = match self.base_period {
            AttBase::Varying => "varying base period",
            AttBase::Universal => "universal base period",
        };
        let panel = if balanced { "" } else { ", levels of an unbalanced panel" };
        format!("Callaway and Sant'Anna (2021), {method}, {control}, {base}{panel}")
    }
}
