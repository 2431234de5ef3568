//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
mod inversion;
mod projection;
pub(crate) mod resampling;
pub(crate) mod wild_bootstrap;
