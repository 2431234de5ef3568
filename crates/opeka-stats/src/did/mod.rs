//! Differences in differences: areas that were treated against areas that were not, before and after.

pub(crate) mod bacon;
pub(crate) mod columns;
pub(crate) mod imputation;
pub(crate) mod pretrends;
pub(crate) mod sun_abraham;
pub(crate) mod unit_time;

#[cfg(test)]
mod testing;
