//! What the tests of several methods share.

use crate::Reason;

/// Equal within a relative difference.
#[track_caller]
pub(crate) fn assert_close(actual: f64, expected: f64, tolerance: f64) {
    let difference = (actual - expected).abs();
    assert!(
        difference <= tolerance * expected.abs().max(f64::MIN_POSITIVE),
        "{actual} is not {expected}: relative difference {:e}",
        difference / expected.abs()
    );
}

/// The root of an increasing function, the slow way.
pub(crate) fn bisect(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if function(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The text of a reason that must be there.
#[track_caller]
pub(crate) fn reason(reason: Option<Reason>) -> String {
    reason.expect("a reason").to_string()
}
