//! Trends of short series: a slope, and whether there is one at all.

pub(crate) mod aapc;
pub(crate) mod blocks;
pub(crate) mod cagr;
mod exact_kendall;
pub(crate) mod index_to_base;
pub(crate) mod joinpoint;
mod kendall;
mod line;
pub(crate) mod mann_kendall;
pub(crate) mod moving_average;
pub(crate) mod ols_trend;
mod order;
pub(crate) mod periods;
pub(crate) mod pettitt;
pub(crate) mod poisson_trend;
mod series;
mod slopes;
pub(crate) mod theil_sen;
pub(crate) mod trend_marker;
pub(crate) mod year_on_year;
