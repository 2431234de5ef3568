//! Differences in differences: areas that were treated against areas that were not, before and after.

pub(crate) mod att_aggregate;
pub(crate) mod att_gt;
pub(crate) mod bacon;
mod bias_reduced;
pub(crate) mod coefficient;
pub(crate) mod columns;
pub(crate) mod drdid;
pub(crate) mod errors;
pub(crate) mod event_study;
pub(crate) mod imputation;
pub(crate) mod pretrends;
pub(crate) mod regression;
pub(crate) mod sun_abraham;
pub(crate) mod twfe;
pub(crate) mod two_by_two;
pub(crate) mod unit_time;

#[cfg(test)]
mod testing;
