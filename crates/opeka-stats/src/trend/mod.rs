//! Trends of short series: a slope, and whether there is one at all.

pub(crate) mod joinpoint;
mod kendall;
pub(crate) mod theil_sen;
pub(crate) mod trend_marker;
