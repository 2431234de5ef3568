//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
pub(crate) mod detectable_effect;
mod placebo;
pub(crate) mod power;
