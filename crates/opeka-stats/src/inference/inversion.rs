//! Limits from a test: the sizes of the effect that it does not reject.

/// A statistic of one draw as a function of the effect τ that the null hypothesis claims:
/// (a + bτ)/√(cc + 2cd τ + dd τ²).
///
/// Roodman, Nielsen, MacKinnon and Webb (2019, "Fast and wild: Bootstrap inference in Stata using
/// boottest", *Stata Journal* 19, section 5.1): taken apart like this, a draw is made once for all τ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) cc: f64,
    pub(crate) cd: f64,
    pub(crate) dd: f64,
}

impl Ratio {
    /// `None` where the denominator is zero, to the rounding of numbers of this size.
    pub(crate) fn at(&self, effect: f64, tiny: f64) -> Option<f64> {
        let square = self.cc + effect * (2.0 * self.cd + effect * self.dd);
        let scale = self.cc + effect * effect * self.dd;
        (square > tiny && square > 1e-15 * scale)
            .then(|| (self.a + self.b * effect) / square.sqrt())
    }
}

/// How far limits are looked for, in errors of the estimate: 2 to the power of this half.
const DOUBLINGS: i32 = 80;

/// The points between the estimate and a rejected value at which the p-value is looked at.
const GRID: u32 = 24;

/// The ends of the set of effects whose p-value is above `alpha`, around the estimate.
///
/// On each side, steps of √2 from one `scale` on find an effect that is rejected; of the points of
/// a grid between it and the estimate the outermost that is not rejected and the next one enclose
/// the end, which bisection finds to a `precision` in scales, as the p-value is a step function. `None`
/// where nothing is rejected as far as 10¹² scales away: the set has no end there.
pub(crate) fn limits(
    p_value: impl Fn(f64) -> f64,
    estimate: f64,
    scale: f64,
    alpha: f64,
    precision: f64,
) -> [Option<f64>; 2] {
    [-1.0, 1.0].map(|side| {
        // A share that equals alpha but for rounding is not above it.
        let at = |distance: f64| p_value(estimate + side * distance) > alpha + 1e-12;
        let mut far = None;
        let mut distance = scale;
        for _ in 0..DOUBLINGS {
            if !at(distance) {
                far = Some(distance);
                break;
            }
            distance *= std::f64::consts::SQRT_2;
        }
        let far = far?;
        let step = far / f64::from(GRID);
        let inside = (1..GRID).rev().map(|k| f64::from(k) * step).find(|distance| at(*distance));
        let (mut low, mut high) = inside.map_or((0.0, step), |inside| (inside, inside + step));
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high || high - low <= precision * scale {
                break;
            }
            if at(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(estimate + side * 0.5 * (low + high))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn ends_of_a_step_and_of_none() {
        let steps = |effect: f64| match (effect - 1.0).abs() {
            distance if distance < 0.25 => 1.0,
            distance if distance < 3.125 => 0.06,
            distance if distance < 7.0 => 0.05,
            _ => 0.0,
        };
        let [low, high] = limits(steps, 1.0, 0.5, 0.05, 1e-14);
        assert_close(low.unwrap(), -2.125, 1e-12);
        assert_close(high.unwrap(), 4.125, 1e-12);
        assert_eq!(limits(|_| 0.1, 0.0, 1.0, 0.05, 1e-14), [None, None]);
        let half = |effect: f64| if effect < 2.0 { 1.0 } else { 0.0 };
        let [low, high] = limits(half, 0.0, 1.0, 0.05, 1e-14);
        assert_eq!(low, None);
        assert_close(high.unwrap(), 2.0, 1e-12);
    }

    #[test]
    fn a_ratio_by_hand() {
        let ratio = Ratio { a: 3.0, b: -1.0, cc: 5.0, cd: -1.0, dd: 1.0 };
        assert_eq!(ratio.at(0.0, 0.0), Some(3.0 / 5f64.sqrt()));
        assert_eq!(ratio.at(1.0, 0.0), Some(1.0));
        assert_eq!(Ratio::default().at(1.0, 0.0), None);
    }
}
