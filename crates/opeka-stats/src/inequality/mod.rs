//! Differences between areas: how large they are, whom they follow, and whether they shrink.

pub(crate) mod concentration;
pub(crate) mod convergence;
pub(crate) mod gradient;
mod line;
pub(crate) mod variation;
mod weighted;
