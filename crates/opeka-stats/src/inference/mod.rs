//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
pub(crate) mod equivalence;
pub(crate) mod honest;
mod inversion;
pub(crate) mod multiplier;
pub(crate) mod pretrend;
mod projection;
pub(crate) mod resampling;
pub(crate) mod wald;
pub(crate) mod wild_bootstrap;
