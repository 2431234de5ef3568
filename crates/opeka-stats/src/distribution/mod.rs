//! Distributions, accurate to the last few digits of an `f64`, small tails included.

pub(crate) mod beta;
pub(crate) mod gamma;
pub(crate) mod normal;
pub(crate) mod student_t;
