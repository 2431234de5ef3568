//! Trends of short series: a slope, and whether there is one at all.

mod kendall;
pub(crate) mod theil_sen;
