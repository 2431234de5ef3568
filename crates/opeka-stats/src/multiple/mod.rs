//! Many tests at once.

pub(crate) mod adjust;
