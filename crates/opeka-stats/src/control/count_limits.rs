//! Between which counts an area lies by chance, where it is expected to have the benchmark's.

use crate::distribution::{beta, gamma};

/// A cumulated probability this little below the one asked for is that one but for rounding, as in
/// R's `qbinom` and `qpois`: three trials at 0.1 stay below three with probability 0.999.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// The smallest count at which the cumulated binomial probability reaches `p`.
///
/// `trials` is a whole number above zero, `0 < share < 1`, `0 < p < 1`.
pub(super) fn binomial_quantile(p: f64, trials: f64, share: f64) -> f64 {
    smallest_count(p, trials, |count| {
        beta::lower_tail(1.0 - share, share, trials - count, count + 1.0)
    })
}

/// The smallest count at which the cumulated Poisson probability reaches `p`; `mean > 0`.
pub(super) fn poisson_quantile(p: f64, mean: f64) -> f64 {
    let at_most = |count: f64| gamma::upper_tail(count + 1.0, mean);
    let mut enough = (mean + 10.0 * mean.sqrt() + 20.0).ceil();
    while at_most(enough) < p {
        enough *= 2.0;
    }
    smallest_count(p, enough, at_most)
}

/// The smallest whole number up to `enough`, which is one, at which `at_most` reaches `p`.
fn smallest_count(p: f64, enough: f64, at_most: impl Fn(f64) -> f64) -> f64 {
    let p = p * (1.0 - ROUNDING);
    let (mut low, mut high) = (-1.0, enough);
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if at_most(middle) >= p {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The counts, continued between whole numbers, at which an area whose expected count is `mean` is
/// just significant: those whose exact Poisson limits of level 1 − 2 `tail` end at `mean`.
///
/// The lower one is 0 where not even no events are significant. `mean > 0`, `0 < tail < 0.5`.
pub(super) fn poisson_funnel(tail: f64, mean: f64) -> (f64, f64) {
    let low = if libm::exp(-mean) >= tail {
        0.0
    } else {
        root(0.0, mean, |count| libm::log(gamma::upper_tail(count + 1.0, mean) / tail))
    };
    let excess = |count| libm::log(tail / gamma::lower_tail(count, mean));
    let mut far = mean + 6.0 * mean.sqrt() + 12.0;
    while excess(far) < 0.0 {
        far *= 2.0;
    }
    // At the mean itself the probability is near one half or above.
    (low, root(mean, far, excess))
}

/// The root of an increasing function between two points of which it has it (the Illinois form of
/// the rule of false position, Dowell and Jarratt 1971, *BIT* 11).
fn root(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut at_low, mut at_high) = (function(low), function(high));
    let mut last = 0_i8;
    for _ in 0..200 {
        let mut middle = (low * at_high - high * at_low) / (at_high - at_low);
        if !(middle > low && middle < high) {
            middle = 0.5 * (low + high);
        }
        let value = function(middle);
        if value == 0.0 || high - low <= 4.0 * f64::EPSILON * high {
            return middle;
        }
        if value < 0.0 {
            (low, at_low) = (middle, value);
            at_high *= if last == -1 { 0.5 } else { 1.0 };
            last = -1;
        } else {
            (high, at_high) = (middle, value);
            at_low *= if last == 1 { 0.5 } else { 1.0 };
            last = 1;
        }
        if value.abs() <= 4.0 * f64::EPSILON {
            return middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, bisect};
    use crate::{Reason, exact_poisson_limits};
    use proptest::prelude::*;

    /// Cumulated terms of a distribution over whole numbers.
    fn slow_quantile(p: f64, first: f64, next: impl Fn(f64) -> f64) -> f64 {
        let (mut count, mut term, mut sum) = (0.0, first, first);
        while sum < p - 1e-14 {
            term *= next(count);
            count += 1.0;
            sum += term;
        }
        count
    }

    #[test]
    fn ties_are_those_of_r() {
        // qbinom(0.999, 3, 0.1) is 2: three of three have a probability of just 0.001.
        assert_eq!(binomial_quantile(0.999, 3.0, 0.1), 2.0);
        assert_eq!(binomial_quantile(0.5, 1.0, 0.5), 0.0);
        assert_eq!(binomial_quantile(0.51, 1.0, 0.5), 1.0);
        assert_eq!(poisson_quantile(0.025, 1.0), 0.0);
        assert_eq!(poisson_quantile(0.999, 1.0), 5.0);
    }

    #[test]
    fn few_expected_events_have_no_lower_limit() {
        assert_eq!(poisson_funnel(0.025, 3.6).0, 0.0);
        // exp(-3.6889) is 0.025: from there on no events at all are too few.
        assert!(poisson_funnel(0.025, 3.7).0 > 0.0);
        // One event is significant from an expected 0.0253 events down.
        let (_, high) = poisson_funnel(0.025, 0.025_317_807_984_289_897);
        assert_close(high, 1.0, 1e-12);
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_sums(n in 1u32..200, share in 0.01..0.95f64, p in 0.0005..0.9995f64) {
            let n = f64::from(n);
            let odds = share / (1.0 - share);
            let slow = slow_quantile(p, libm::pow(1.0 - share, n), |k| (n - k) / (k + 1.0) * odds);
            prop_assert_eq!(binomial_quantile(p, n, share), slow);
        }

        #[test]
        fn poisson_quantiles_are_those_of_sums(mean in 0.01..200.0f64, p in 0.0005..0.9995f64) {
            let slow = slow_quantile(p, libm::exp(-mean), |k| mean / (k + 1.0));
            prop_assert_eq!(poisson_quantile(p, mean), slow);
        }

        #[test]
        fn the_funnel_inverts_exact_limits(mean in 5.0..20_000.0f64, tail in 0.001..0.1f64) {
            let level = 1.0 - 2.0 * tail;
            let limits = |count: f64| exact_poisson_limits(count, level).ok_or(Reason::missing("count"));
            let (low, high) = poisson_funnel(tail, mean);
            if low > 0.0 {
                assert_close(limits(low).unwrap().1, mean, 1e-10);
            }
            assert_close(limits(high).unwrap().0, mean, 1e-10);
        }

        #[test]
        fn false_position_finds_what_bisection_does(a in -3.0..3.0f64) {
            let cubic = |x: f64| x * x * x + x - a;
            prop_assert!((root(-10.0, 10.0, cubic) - bisect(-10.0, 10.0, cubic)).abs() < 1e-12);
        }
    }
}
