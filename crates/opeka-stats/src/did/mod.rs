//! Differences in differences: areas that were treated against areas that were not, before and after.
