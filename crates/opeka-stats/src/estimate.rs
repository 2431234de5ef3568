//! The result of methods that give a figure and its limits.

use crate::Reason;

/// A figure with confidence limits, in the units of the method that made it.
///
/// Either `estimate`, `conf_low`, `conf_high` and `method` are all there, or `reason` is.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// How the limits were calculated, in words for a footnote.
    pub method: Option<&'static str>,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

impl Estimate {
    pub(crate) fn known(method: &'static str, estimate: f64, (low, high): (f64, f64)) -> Self {
        Self {
            estimate: Some(estimate),
            conf_low: Some(low),
            conf_high: Some(high),
            method: Some(method),
            reason: None,
        }
    }

    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { estimate: None, conf_low: None, conf_high: None, method: None, reason: Some(reason) }
    }
}
