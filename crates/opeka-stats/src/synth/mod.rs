//! Synthetic comparison areas: weighted averages of untreated areas that follow the treated ones before
//! treatment, and models of what would have happened.

mod frank_wolfe;
mod regularised;
pub(crate) mod synthetic_did;
