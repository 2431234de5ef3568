//! One series before and after: segmented regression, alone or beside a comparison, and structural
//! time-series models.
//!
//! With one area there is no comparison: whatever else changed at the time of the intervention is
//! part of its estimate. Results say so.

mod autoregressive;
pub(crate) mod causal_impact;
pub(crate) mod controlled;
mod derived;
mod design;
mod diagnostics;
mod newey_west;
pub(crate) mod options;
mod poisson;
mod posterior;
pub(crate) mod segmented;
mod series;
mod structural;
mod test_of;

/// An observed time, and what would have been without the intervention: a point of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CounterfactualPoint {
    pub time: f64,
    /// Whether the intervention was there.
    pub treated: bool,
    /// The outcome.
    pub observed: f64,
    /// What the model says of the time, with the intervention where it was there.
    pub fitted: Option<f64>,
    /// What the model says of the time without the intervention.
    pub counterfactual: Option<f64>,
    /// The limits of the counterfactual.
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// What the intervention made of it; missing before.
    pub effect: Option<f64>,
    pub effect_low: Option<f64>,
    pub effect_high: Option<f64>,
    /// The sum of the effects up to this time; missing before.
    pub cumulative: Option<f64>,
    pub cumulative_low: Option<f64>,
    pub cumulative_high: Option<f64>,
}
