//! Events per population, crude and standardised for age, parts of a whole, and means.

pub(crate) mod direct;
pub(crate) mod indirect;
pub(crate) mod mean;
pub(crate) mod poisson;
pub(crate) mod wilson;
