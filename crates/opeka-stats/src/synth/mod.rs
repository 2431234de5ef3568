//! Synthetic comparison areas: weighted averages of untreated areas that follow the treated ones before
//! treatment, and models of what would have happened.

mod factor_panel;
mod frank_wolfe;
pub(crate) mod interactive_effects;
pub(crate) mod matrix_completion;
mod regularised;
pub(crate) mod synthetic_did;
