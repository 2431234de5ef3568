//! A standard normal value of which it is known between which points it lies.

use crate::distribution::normal;

/// P(Z ≤ x | low ≤ Z ≤ high) for low ≤ x ≤ high; both ends may be infinite.
///
/// Worked out in the tail in which the interval lies, on the scale of logarithms, so that it holds
/// where the probability of the interval itself is too small for a number.
pub(super) fn cdf(x: f64, low: f64, high: f64) -> f64 {
    if high <= 0.0 {
        return 1.0 - cdf(-x, -high, -low);
    }
    if low < 0.0 {
        let below = normal::cdf(low);
        return (normal::cdf(x) - below) / (normal::cdf(high) - below);
    }
    let start = log_upper(low);
    let share = |point: f64| -libm::expm1(log_upper(point) - start);
    let all = share(high);
    // An interval so narrow that it has no mass: wherever x lies, it is at its end.
    if all > 0.0 { share(x) / all } else { 1.0 }
}

/// ln P(Z > x) for x of zero or more.
fn log_upper(x: f64) -> f64 {
    if x < 30.0 {
        return libm::log(normal::cdf(-x));
    }
    if x == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    // Abramowitz and Stegun (1964), 26.2.12.
    let w = 1.0 / (x * x);
    let series = 1.0 - w * (1.0 - 3.0 * w * (1.0 - 5.0 * w * (1.0 - 7.0 * w)));
    -0.5 * x * x - libm::log(x * (2.0 * std::f64::consts::PI).sqrt()) + libm::log(series)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    const FAR: f64 = f64::INFINITY;

    #[test]
    fn open_ends_give_the_normal_distribution() {
        assert_close(cdf(1.0, -FAR, FAR), normal::cdf(1.0), 1e-15);
        assert_close(cdf(1.0, 0.0, FAR), 2.0 * normal::cdf(1.0) - 1.0, 1e-14);
        assert_close(cdf(-1.0, -FAR, 0.0), 2.0 * normal::cdf(-1.0), 1e-14);
    }

    #[test]
    fn far_out_it_is_exponential() {
        // Beyond 100 the excess over the lower end, times the end, is exponential to 1 in 10,000.
        assert_close(cdf(100.01, 100.0, FAR), 1.0 - libm::exp(-1.0), 1e-3);
        assert_close(log_upper(29.999_999), log_upper(30.0), 1e-6);
        assert_eq!(cdf(5.0, 5.0, 5.0), 1.0);
    }

    proptest! {
        #[test]
        fn is_a_share_of_masses(low in -5.0..5.0f64, width in 0.01..6.0f64, at in 0.0..1.0f64) {
            let (x, high) = (low + at * width, low + width);
            let share = cdf(x, low, high);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&share));
            let mass = |a: f64, b: f64| {
                if a > 0.0 { normal::cdf(-a) - normal::cdf(-b) } else { normal::cdf(b) - normal::cdf(a) }
            };
            prop_assert!((share - mass(low, x) / mass(low, high)).abs() < 1e-9);
        }
    }
}
