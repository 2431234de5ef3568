//! How sure one can be of an effect: resampling, permutation, bounds, and what could have been seen.

pub(crate) mod cluster;
pub(crate) mod equivalence;
pub(crate) mod honest;
pub(crate) mod pretrend;
pub(crate) mod wald;
