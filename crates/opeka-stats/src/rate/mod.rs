//! Events per population, and parts of a whole.

pub(crate) mod poisson;
pub(crate) mod wilson;
