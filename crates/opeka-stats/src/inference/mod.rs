//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
mod few_treated;
mod inversion;
pub(crate) mod many_outcomes;
pub(crate) mod permutation;
mod projection;
pub(crate) mod resampling;
pub(crate) mod wild_bootstrap;
