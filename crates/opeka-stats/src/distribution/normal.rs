//! The standard normal distribution.

use std::cell::Cell;
use std::f64::consts::{PI, SQRT_2};

/// Φ(x), the probability of a value below `x`; keeps its relative precision in the lower tail.
pub(crate) fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// Φ⁻¹(p) for `0 < p < 1`.
///
/// The start is the rational approximation 26.2.23 of Abramowitz and Stegun (1964), good to
/// 4.5e-4; each of Halley's steps on [`cdf`] triples the number of good digits. The upper half is
/// reflected, so that the steps always work in the tail in which `cdf` is precise.
pub(crate) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let t = (-2.0 * libm::log(p)).sqrt();
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328);
    let denominator = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let mut x = numerator / denominator - t;
    for _ in 0..4 {
        let error = (cdf(x) - p) / density(x);
        x -= error / (1.0 + 0.5 * x * error);
    }
    x
}

/// The `z` for which a standard normal value lies within ±z with probability `conf_level`.
pub(crate) fn two_sided(conf_level: f64) -> f64 {
    // One level serves thousands of series.
    thread_local!(static LAST: Cell<(f64, f64)> = const { Cell::new((f64::NAN, f64::NAN)) });
    let (level, z) = LAST.get();
    if level == conf_level {
        return z;
    }
    let z = -quantile((1.0 - conf_level) / 2.0);
    LAST.set((conf_level, z));
    z
}

/// The probability of a value at least as far from zero as `z`, on either side.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    2.0 * cdf(-z.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_tables() {
        // The usual points, to 16 digits (R 4.5.0, `qnorm`).
        for (p, z) in [
            (0.75, 0.674_489_750_196_081_7),
            (0.9, 1.281_551_565_544_600_4),
            (0.95, 1.644_853_626_951_472_2),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_840_8),
            (0.995, 2.575_829_303_548_900_4),
            (0.999, 3.090_232_306_167_813),
        ] {
            assert_close(quantile(p), z, 1e-14);
        }
        assert!(quantile(0.5).abs() < 1e-16);
        assert_close(two_sided(0.95), 1.959_963_984_540_054, 1e-14);
        // Whichever level was asked for before.
        assert_close(two_sided(0.9), 1.644_853_626_951_472_2, 1e-14);
        assert_close(two_sided(0.9), 1.644_853_626_951_472_2, 1e-14);
        assert_close(two_sided(0.95), 1.959_963_984_540_054, 1e-14);
        assert_close(two_sided_p(1.959_963_984_540_054), 0.05, 1e-14);
    }

    proptest! {
        #[test]
        fn quantile_inverts_cdf(exponent in -300.0..-0.302) {
            let p = libm::pow(10.0, exponent);
            let z = quantile(p);
            // In the far tail one unit in the last place of z moves p by z² of its own.
            assert_close(cdf(z), p, 1e-15 * (10.0 + z * z));
        }

        #[test]
        fn quantile_is_odd(p in 0.001..0.5f64) {
            prop_assert!((quantile(p) + quantile(1.0 - p)).abs() < 1e-12);
        }
    }
}
