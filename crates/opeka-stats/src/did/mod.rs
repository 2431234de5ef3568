//! Differences in differences: areas that were treated against areas that were not, before and after.

mod bias_reduced;
pub(crate) mod coefficient;
pub(crate) mod errors;
pub(crate) mod event_study;
pub(crate) mod regression;
pub(crate) mod twfe;
pub(crate) mod two_by_two;
