//! What can be chosen of an analysis.

use crate::Reason;
use crate::reason::{require_conf_level, require_finite};

/// How differences in trends are bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HonestDelta {
    /// ΔRM: changes after treatment are at most M̄ times the largest one before it.
    #[default]
    RelativeMagnitudes,
    /// ΔSD: the slope changes by at most M.
    Smoothness,
    /// ΔSDRM: the slope changes by at most M̄ times its largest change before treatment.
    RelativeSmoothness,
}

/// What else is known of differences in trends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HonestShape {
    #[default]
    Any,
    /// After treatment they are not negative: the event study says too much.
    PositiveBias,
    /// After treatment they are not positive.
    NegativeBias,
    /// They never fall.
    Increasing,
    /// They never rise.
    Decreasing,
}

/// How limits are calculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HonestMethod {
    /// FLCI: the shortest interval of fixed length around an affine estimate; for smoothness. It
    /// makes no use of a shape.
    FixedLength,
    /// C-F: the conditional test after a first stage by an interval of fixed length; for smoothness.
    ConditionalFixedLength,
    /// C-LF: the conditional test after a first stage with the least favourable critical value.
    LeastFavourable,
    /// The conditional test alone.
    Conditional,
}

/// The options of [`honest_did`](super::honest_did).
#[derive(Clone, Debug, PartialEq)]
pub struct HonestDidOptions {
    pub delta: HonestDelta,
    pub shape: HonestShape,
    /// `None`: fixed length for smoothness without a shape, its hybrid with one, the least
    /// favourable hybrid for the others.
    pub method: Option<HonestMethod>,
    /// The bounds M or M̄; empty for those of the reference package.
    pub bounds: Vec<f64>,
    /// Above 0.5.
    pub conf_level: f64,
    /// Of the draws of the least favourable critical value.
    pub seed: u64,
    pub draws: usize,
    /// Limits on a grid of so many points, as in the reference package, and not to the last digits.
    pub grid_points: Option<usize>,
    /// Whether the breakdown value is looked for.
    pub breakdown: bool,
    /// The treated units behind the coefficients, for the note.
    pub n_treated: Option<usize>,
}

impl Default for HonestDidOptions {
    fn default() -> Self {
        Self {
            delta: HonestDelta::default(),
            shape: HonestShape::default(),
            method: None,
            bounds: Vec::new(),
            conf_level: 0.95,
            seed: 1,
            draws: 10_000,
            grid_points: None,
            breakdown: true,
            n_treated: None,
        }
    }
}

/// With fewer draws the first stage has no tail to speak of.
const MIN_DRAWS: usize = 100;
const MAX_DRAWS: usize = 1_000_000;

impl HonestDidOptions {
    /// The method, or which of the options do not go together.
    pub(super) fn checked_method(&self) -> Result<HonestMethod, Reason> {
        require_conf_level(self.conf_level)?;
        if self.conf_level <= 0.5 {
            return Err(Reason::because(format!(
                "conf_level is {} (it must be above 0.5)",
                self.conf_level
            )));
        }
        if !(MIN_DRAWS..=MAX_DRAWS).contains(&self.draws) {
            return Err(Reason::because(format!(
                "there are {} draws (there must be {MIN_DRAWS} to {MAX_DRAWS})",
                self.draws
            )));
        }
        for m in &self.bounds {
            require_finite("a bound", *m)?;
        }
        let smooth = self.delta == HonestDelta::Smoothness;
        let method = self.method.unwrap_or(match (smooth, self.shape) {
            (false, _) => HonestMethod::LeastFavourable,
            (true, HonestShape::Any) => HonestMethod::FixedLength,
            (true, _) => HonestMethod::ConditionalFixedLength,
        });
        let fixed =
            matches!(method, HonestMethod::FixedLength | HonestMethod::ConditionalFixedLength);
        if fixed && !smooth {
            return Err(Reason::because(
                "an interval of fixed length is for smoothness (with relative bounds its bias has \
                 no limit)",
            ));
        }
        Ok(method)
    }

    pub(super) fn words(&self, method: HonestMethod) -> String {
        let method = match method {
            HonestMethod::FixedLength => "shortest interval of fixed length (FLCI)",
            HonestMethod::ConditionalFixedLength => "conditional test, hybrid with FLCI (C-F)",
            HonestMethod::LeastFavourable => "conditional test, least favourable hybrid (C-LF)",
            HonestMethod::Conditional => "conditional test",
        };
        let delta = match self.delta {
            HonestDelta::RelativeMagnitudes => "relative magnitudes",
            HonestDelta::Smoothness => "smoothness",
            HonestDelta::RelativeSmoothness => "relative smoothness",
        };
        let shape = match self.shape {
            HonestShape::Any => "",
            HonestShape::PositiveBias => ", bias not negative",
            HonestShape::NegativeBias => ", bias not positive",
            HonestShape::Increasing => ", never falling",
            HonestShape::Decreasing => ", never rising",
        };
        format!("{delta}{shape}: {method}")
    }
}
