//! Control charts over time and funnels across areas: which figures are more than chance.

mod count_limits;
pub(crate) mod funnel;
pub(crate) mod funnel_options;
pub(crate) mod overdispersion;
mod run_rules;
mod summation;
mod trimming;
pub(crate) mod xmr;
pub(crate) mod xmr_options;
