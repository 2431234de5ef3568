//! Parts of a whole: Wilson's score limits of a proportion.

use std::sync::LazyLock;

use crate::distribution::normal;
use crate::estimate::SECOND_LEVEL;
use crate::reason::{require_conf_level, require_not_negative, require_positive};
use crate::{Estimate, Reason};

/// A proportion with its confidence limits: `successes / trials`, between 0 and 1.
///
/// **Estimates** the probability of a success where each of `trials` is one, independently, with
/// the same probability: the share of children in care who live in foster families.
///
/// **Limits** are the two probabilities at which the score test of the seen share is just
/// significant: with z the normal quantile of (1 + conf_level)/2, x successes in n and p = x/n,
///
/// (2x + z² ± z√(z² + 4x(1−p))) / 2(n + z²)
///
/// (Wilson 1927, "Probable inference, the law of succession, and statistical inference", *JASA*
/// 22; Newcombe 1998, *Statistics in Medicine* 17, method 3; without continuity correction). They
/// stay between 0 and 1 and hold their level for small n, where p ± z√(p(1−p)/n) does not. This
/// is the method of the English public health indicators. They are given at `conf_level` and at
/// 0.998.
///
/// **Coverage**, simulated (see `COVERAGE.md`): limits at 95 % hold at their level on average, but
/// in 90 % to 92 % of cases where few successes are expected (a share of 1 % in 10, 50 or 100
/// trials).
///
/// **Edge cases.** No successes give a lower limit of exactly 0, all successes an upper limit of
/// exactly 1. Counts need not be whole. There is no proportion, but a [`Reason`], where
/// `successes` is negative or above `trials`, `trials` is not above zero, `conf_level` is not
/// between 0 and 1, or any of them is not finite.
pub fn proportion_ci(successes: f64, trials: f64, conf_level: f64) -> Estimate {
    ProportionMethod::new(conf_level).proportion(successes, trials)
}

/// [`proportion_ci`] with the normal quantiles prepared once, for many rows at one level.
#[derive(Clone, Debug)]
pub struct ProportionMethod {
    z: Result<f64, Reason>,
}

impl ProportionMethod {
    /// Prepares proportions with limits at `conf_level`. A level that is none is the reason of
    /// every [`proportion`](Self::proportion).
    pub fn new(conf_level: f64) -> Self {
        Self { z: require_conf_level(conf_level).map(|()| normal::two_sided(conf_level)) }
    }

    /// The proportion of one row.
    pub fn proportion(&self, successes: f64, trials: f64) -> Estimate {
        self.calculate(successes, trials).unwrap_or_else(Estimate::unknown)
    }

    fn calculate(&self, successes: f64, trials: f64) -> Result<Estimate, Reason> {
        require_not_negative("successes", successes)?;
        require_positive("trials", trials)?;
        let z = *self.z.as_ref().map_err(Reason::clone)?;
        if successes > trials {
            return Err(Reason::because(format!(
                "successes is {successes} of {trials} trials (it must not be above trials)"
            )));
        }

        let limits = |z: f64| score_limits(successes, trials, z);
        Ok(Estimate::known("Wilson score", successes / trials, limits(z), limits(z_998())))
    }
}

fn z_998() -> f64 {
    static Z: LazyLock<f64> = LazyLock::new(|| normal::two_sided(SECOND_LEVEL));
    *Z
}

fn score_limits(successes: f64, trials: f64, z: f64) -> (f64, f64) {
    let p = successes / trials;
    let root = z * (z * z + 4.0 * successes * (1.0 - p)).sqrt();
    let sum = 2.0 * successes + z * z + root;
    // The product of the two solutions is x²/(n(n + z²)). Dividing by the upper one gives the
    // lower one without a difference of nearly equal numbers, so that rare events keep their digits.
    let low = p * (2.0 * successes / sum);
    // The upper one is 1 for no failures, but for rounding.
    let high = if successes == trials { 1.0 } else { sum / (2.0 * (trials + z * z)) };
    (low, high.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, bisect, reason};
    use proptest::prelude::*;

    /// The definition: the probabilities from which the seen share is z standard errors away.
    fn slow_limits(successes: f64, trials: f64, z: f64) -> (f64, f64) {
        let share = successes / trials;
        let score = |p: f64| (p - share) / (p * (1.0 - p) / trials).sqrt();
        (bisect(0.0, share, |p| score(p) + z), bisect(share, 1.0, |p| score(p) - z))
    }

    #[test]
    fn published_values() {
        // Newcombe (1998), table I, method 3 (score), four decimals.
        for (successes, trials, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let share = proportion_ci(successes, trials, 0.95);
            assert!((share.conf_low.unwrap() - low).abs() < 5.1e-5, "{share:?}");
            assert!((share.conf_high.unwrap() - high).abs() < 5.1e-5, "{share:?}");
        }
        // PHEindicatormethods 2.1.0, phe_proportion(222 of 3215).
        let share = proportion_ci(222.0, 3215.0, 0.95);
        assert_close(share.conf_low.unwrap(), 0.060_791_690_363_636_595, 1e-14);
        assert_close(share.conf_high.unwrap(), 0.078_339_566_813_836_33, 1e-14);
        let second = proportion_ci(222.0, 3215.0, 0.998);
        assert_eq!(share.conf_low_998, second.conf_low);
        assert_eq!(share.conf_high_998, second.conf_high);
        assert_eq!(ProportionMethod::new(0.95).proportion(222.0, 3215.0), share);
    }

    #[test]
    fn edges() {
        let none = proportion_ci(0.0, 10.0, 0.95);
        assert_eq!((none.estimate, none.conf_low), (Some(0.0), Some(0.0)));
        for conf_level in [0.8, 0.9, 0.95, 0.99] {
            let all = proportion_ci(250.0, 250.0, conf_level);
            assert_eq!((all.estimate, all.conf_high), (Some(1.0), Some(1.0)));
            assert_eq!(all.method, Some("Wilson score"));
        }

        let why = |x, n, c| reason(proportion_ci(x, n, c).reason);
        assert!(why(1.0, 0.0, 0.95).contains("trials is 0"));
        assert!(why(-1.0, 10.0, 0.95).contains("successes is -1"));
        assert!(why(11.0, 10.0, 0.95).contains("successes is 11 of 10 trials"));
        assert!(why(f64::NAN, 10.0, 0.95).contains("finite"));
        assert!(why(1.0, 10.0, 1.0).contains("conf_level is 1"));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(trials in 1u32..5_000, part in 0.0..1.0f64, conf in 0.1..0.999f64) {
            let trials = f64::from(trials);
            let successes = (part * trials).floor();
            let z = normal::two_sided(conf);
            let (low, high) = score_limits(successes, trials, z);
            let (slow_low, slow_high) = slow_limits(successes, trials, z);
            prop_assert!((low - slow_low).abs() < 1e-12, "{low} {slow_low}");
            prop_assert!((high - slow_high).abs() < 1e-12, "{high} {slow_high}");
        }

        #[test]
        fn successes_and_failures_mirror(trials in 1u32..100_000, part in 0.0..1.0f64) {
            let trials = f64::from(trials);
            let successes = (part * trials).floor();
            let share = proportion_ci(successes, trials, 0.95);
            let rest = proportion_ci(trials - successes, trials, 0.95);
            let (low, high) = (share.conf_low.unwrap(), share.conf_high.unwrap());
            prop_assert!((low + rest.conf_high.unwrap() - 1.0).abs() < 1e-14);
            prop_assert!((high + rest.conf_low.unwrap() - 1.0).abs() < 1e-14);
            let estimate = share.estimate.unwrap();
            prop_assert!((0.0..=estimate).contains(&low) && (estimate..=1.0).contains(&high));
        }

        #[test]
        fn more_trials_narrow_the_limits(trials in 2u32..10_000, part in 0.0..1.0f64) {
            let trials = f64::from(trials);
            let successes = (part * trials).floor();
            let width = |k: f64| {
                let share = proportion_ci(k * successes, k * trials, 0.95);
                share.conf_high.unwrap() - share.conf_low.unwrap()
            };
            prop_assert!(width(4.0) < width(1.0));
        }
    }
}
