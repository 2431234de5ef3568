//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
pub(crate) mod detectable_effect;
pub(crate) mod equivalence;
mod few_treated;
pub(crate) mod honest;
mod inversion;
pub(crate) mod many_outcomes;
pub(crate) mod multiplier;
pub(crate) mod permutation;
mod placebo;
pub(crate) mod power;
pub(crate) mod pretrend;
mod projection;
pub(crate) mod resampling;
pub(crate) mod wald;
pub(crate) mod wild_bootstrap;
