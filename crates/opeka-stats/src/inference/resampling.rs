//! What methods that draw have in common.

use crate::Reason;

/// The most draws that a method takes.
pub const MAX_DRAWS: u32 = 1_000_000;

/// # Errors
/// No draws, or more than [`MAX_DRAWS`].
pub(crate) fn require_draws(draws: u32) -> Result<(), Reason> {
    if (1..=MAX_DRAWS).contains(&draws) {
        return Ok(());
    }
    Err(Reason::because(format!("draws is {draws} (it must lie between 1 and 1,000,000)")))
}
