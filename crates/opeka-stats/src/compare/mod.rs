//! Figures against a benchmark, and the position of an area among others.

pub(crate) mod benchmark;
pub(crate) mod position;
