//! How a control chart is to be drawn.

use crate::Polarity;

/// A time from which a chart starts anew, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebase {
    /// The first time of the new phase; the phase begins with the first point at or after it.
    pub at: f64,
    /// What changed at that time, in words; a chart is not rebased without a reason.
    pub reason: String,
}

/// The options of [`xmr`](crate::xmr).
#[derive(Clone, Debug, PartialEq)]
pub struct XmrOptions {
    /// Which way is better.
    pub polarity: Polarity,
    /// Whether moving ranges of 3.267 times their mean and more are left out of the mean moving
    /// range: a single wild point would otherwise widen the limits and hide itself.
    pub screen_outliers: bool,
    /// How many points at the start of each phase make its mean and limits; all where not given.
    pub baseline_points: Option<usize>,
    pub rebase: Vec<Rebase>,
}

impl Default for XmrOptions {
    fn default() -> Self {
        Self {
            polarity: Polarity::None,
            screen_outliers: true,
            baseline_points: None,
            rebase: Vec::new(),
        }
    }
}
