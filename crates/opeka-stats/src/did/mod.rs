//! Differences in differences: areas that were treated against areas that were not, before and after.

pub(crate) mod att_aggregate;
pub(crate) mod att_gt;
pub(crate) mod drdid;
