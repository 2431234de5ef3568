//! The values of an effect that conditional tests of moment inequalities do not reject.
//!
//! Andrews, Roth and Pakes (2023, *Review of Economic Studies* 90), section 4 (conditional test) and
//! 5 (hybrid tests), as Rambachan and Roth (2023, *Review of Economic Studies* 90), section 3, apply
//! them to differences in trends.

use super::truncated_normal;
use super::vertices::Vertex;

/// Corners whose statistic has no variance: below this the test is exact (errors are scaled to 1).
const NO_VARIANCE: f64 = 1e-20;

/// Corners that move together cannot overtake each other.
const PARALLEL: f64 = 1e-9;

/// How many steps of a search there are to a standard error: as in the reference package, of which
/// the grid has 1,000 points on ±20 standard errors.
const STEPS_TO_ERROR: f64 = 25.0;
const MIN_STEPS: f64 = 200.0;
const MAX_STEPS: f64 = 10_000.0;

/// A search without a first stage ends where the statistic is this large.
const FAR: f64 = 40.0;

/// The first stage of a hybrid test.
#[derive(Clone, Debug)]
pub(super) enum FirstStage {
    None,
    /// Rejects where the statistic exceeds its least favourable critical value. Whether it also
    /// bounds the second stage: not so in the reference package where there is one post-period.
    LeastFavourable {
        critical: f64,
        bounds: bool,
    },
    /// Rejects outside an interval of fixed length around an affine estimate, whose covariances
    /// with the corners are given.
    FixedLength {
        centre: f64,
        half: f64,
        covariances: Vec<f64>,
    },
}

/// The test of one piece of a restriction.
#[derive(Clone, Debug)]
pub(super) struct ConditionalTest {
    /// Of each corner: its value where the effect is zero, less what each unit of effect takes.
    values: Vec<f64>,
    effects: Vec<f64>,
    covariances: Vec<Vec<f64>>,
    /// The statistic above which the test may reject.
    floors: Vec<f64>,
    first: FirstStage,
    /// One less the size of the second stage.
    level: f64,
    step: f64,
}

impl ConditionalTest {
    pub(super) fn new(
        vertices: &[Vertex],
        beta: &[f64],
        sigma: &[Vec<f64>],
        first: FirstStage,
        level: f64,
        std_error: f64,
    ) -> Self {
        let products: Vec<Vec<f64>> = vertices
            .iter()
            .map(|vertex| sigma.iter().map(|row| dot(row, &vertex.weights)).collect())
            .collect();
        let covariances = vertices
            .iter()
            .map(|a| products.iter().map(|product| dot(product, &a.weights)).collect())
            .collect();
        Self {
            values: vertices.iter().map(|v| dot(&v.weights, beta) - v.constant).collect(),
            effects: vertices.iter().map(|v| v.effect).collect(),
            covariances,
            floors: vec![0.0; vertices.len()],
            first,
            level,
            step: std_error / STEPS_TO_ERROR,
        }
    }

    /// The critical value is not below zero on the scale of the moments before their bounds are
    /// taken off, as the reference package has it where there is one post-period.
    pub(super) fn with_floors(mut self, vertices: &[Vertex]) -> Self {
        self.floors = vertices.iter().map(|v| -v.constant).collect();
        self
    }

    /// The same with the effect counted the other way.
    pub(super) fn mirrored(&self) -> Self {
        let mut mirrored = self.clone();
        mirrored.effects.iter_mut().for_each(|effect| *effect = -*effect);
        if let FirstStage::FixedLength { centre, covariances, .. } = &mut mirrored.first {
            *centre = -*centre;
            covariances.iter_mut().for_each(|covariance| *covariance = -*covariance);
        }
        mirrored
    }

    /// Whether a value of the effect is not rejected.
    pub(super) fn accepts(&self, theta: f64) -> bool {
        let value = |corner: usize| self.values[corner] - self.effects[corner] * theta;
        let (mut top, mut eta) = (0, f64::NEG_INFINITY);
        for corner in 0..self.values.len() {
            if value(corner) > eta {
                (top, eta) = (corner, value(corner));
            }
        }
        match &self.first {
            FirstStage::LeastFavourable { critical, .. } if eta > *critical => return false,
            FirstStage::FixedLength { centre, half, .. } if (centre - theta).abs() > *half => {
                return false;
            }
            _ => {}
        }
        if eta <= self.floors[top] {
            return true;
        }
        let variance = self.covariances[top][top];
        if variance <= NO_VARIANCE {
            return eta <= 0.0;
        }
        // Between which values the top corner stays on top, whatever is independent of it.
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for (corner, covariance) in self.covariances[top].iter().enumerate() {
            let share = covariance / variance;
            let apart = 1.0 - share;
            if corner == top || apart.abs() <= PARALLEL * f64::max(1.0, share.abs()) {
                continue;
            }
            let meet = (value(corner) - share * eta) / apart;
            if apart > 0.0 {
                low = f64::max(low, meet);
            } else {
                high = f64::min(high, meet);
            }
        }
        match &self.first {
            FirstStage::LeastFavourable { critical, bounds: true } => {
                high = f64::min(high, *critical);
            }
            FirstStage::FixedLength { centre, half, covariances } => {
                let share = covariances[top] / variance;
                let rest = centre - theta - share * eta;
                if share != 0.0 {
                    let (a, b) = ((-half - rest) / share, (half - rest) / share);
                    low = f64::max(low, f64::min(a, b));
                    high = f64::min(high, f64::max(a, b));
                }
            }
            _ => {}
        }
        // The top corner is on top: beyond the ends it is by rounding alone.
        if eta >= high {
            return false;
        }
        if eta <= low {
            return true;
        }
        let error = variance.sqrt();
        truncated_normal::cdf(eta / error, low / error, high / error) <= self.level
    }

    /// Where values of the effect are looked for: elsewhere the first stage rejects all of them.
    fn range(&self) -> Option<(f64, f64)> {
        let critical = match &self.first {
            FirstStage::FixedLength { centre, half, .. } => {
                return Some((centre - half, centre + half));
            }
            FirstStage::LeastFavourable { critical, .. } => *critical,
            FirstStage::None => FAR,
        };
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for (value, effect) in self.values.iter().zip(&self.effects) {
            if *effect > 0.0 {
                low = f64::max(low, (value - critical) / effect);
            } else if *effect < 0.0 {
                high = f64::min(high, (value - critical) / effect);
            } else if *value > critical && !matches!(self.first, FirstStage::None) {
                return None;
            }
        }
        (low <= high && low.is_finite() && high.is_finite()).then_some((low, high))
    }

    /// The lowest value of the effect that is not rejected, where it is not above `below`; negative
    /// infinity where nothing as far as was looked is.
    ///
    /// Steps from the lower end of the range; the first step that is not rejected is then pinned
    /// down between itself and the one before it.
    pub(super) fn lowest(&self, below: f64) -> Option<f64> {
        let (low, high) = self.range()?;
        if low > below {
            return None;
        }
        let steps = libm::ceil((high - low) / self.step).clamp(MIN_STEPS, MAX_STEPS);
        let width = (high - low) / steps;
        let mut before = low;
        if self.accepts(low) {
            let open = matches!(self.first, FirstStage::None);
            return Some(if open { f64::NEG_INFINITY } else { low });
        }
        for k in 1..=steps as usize {
            let end = f64::min(low + k as f64 * width, high);
            let theta = f64::min(end, below);
            if self.accepts(theta) {
                return Some(self.pin(before, theta));
            }
            if end >= below {
                return None;
            }
            before = theta;
        }
        None
    }

    /// The end of what is rejected, between a value that is and one that is not.
    fn pin(&self, mut rejected: f64, mut accepted: f64) -> f64 {
        for _ in 0..60 {
            let middle = 0.5 * (rejected + accepted);
            if middle == rejected || middle == accepted {
                break;
            }
            if self.accepts(middle) {
                accepted = middle;
            } else {
                rejected = middle;
            }
        }
        accepted
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
