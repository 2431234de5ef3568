//! Synthetic comparison areas: weighted averages of untreated areas that follow the treated ones before
//! treatment, and models of what would have happened.

pub(crate) mod areas;
pub(crate) mod augmented;
pub(crate) mod conformal;
pub(crate) mod corral;
mod factor_panel;
mod frank_wolfe;
pub(crate) mod interactive_effects;
pub(crate) mod jackknife;
pub(crate) mod matrix_completion;
pub(crate) mod placebo;
pub(crate) mod predictors;
mod regularised;
pub(crate) mod ridge;
pub(crate) mod search;
pub(crate) mod simplex;
pub(crate) mod synthetic_control;
pub(crate) mod synthetic_did;
