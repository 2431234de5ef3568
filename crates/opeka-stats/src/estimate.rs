//! The result of methods that give a figure and its limits.

use crate::Reason;

/// The second level at which limits are always given: three standard errors, the control limits of
/// funnel plots and of the English public health indicators.
pub(crate) const SECOND_LEVEL: f64 = 0.998;

/// A figure with confidence limits, in the units of the method that made it.
///
/// Either everything but `reason` is there, or `reason` is. A method whose limits can be missing
/// where the figure stands says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub estimate: Option<f64>,
    /// The limits at the level that was asked for.
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The limits at a level of 0.998, whatever level was asked for.
    pub conf_low_998: Option<f64>,
    pub conf_high_998: Option<f64>,
    /// How the limits were calculated, in words for a footnote.
    pub method: Option<&'static str>,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

impl Estimate {
    /// A figure with its limits at the level asked for and at 0.998.
    #[inline]
    pub(crate) fn known(
        method: &'static str,
        estimate: f64,
        (low, high): (f64, f64),
        (low_998, high_998): (f64, f64),
    ) -> Self {
        Self {
            estimate: Some(estimate),
            conf_low: Some(low),
            conf_high: Some(high),
            conf_low_998: Some(low_998),
            conf_high_998: Some(high_998),
            method: Some(method),
            reason: None,
        }
    }

    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            conf_low_998: None,
            conf_high_998: None,
            method: None,
            reason: Some(reason),
        }
    }
}
