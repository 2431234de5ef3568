//! Student's t distribution.

use super::{beta, normal};

/// The probability of a value at least as far from zero as `t`, on either side.
pub(crate) fn two_sided_p(t: f64, df: f64) -> f64 {
    let t2 = t * t;
    beta::lower_tail(df / (df + t2), t2 / (df + t2), 0.5 * df, 0.5)
}

/// The `t` for which a value lies within ±t with probability `conf_level`, for `df > 0`.
///
/// Newton's method on the two-sided tail in ln t, kept inside a bracket, from the normal point.
pub(crate) fn two_sided(conf_level: f64, df: f64) -> f64 {
    quantile_of_tails(1.0 - conf_level, df)
}

/// The `t` that a value exceeds, on either side, with probability `p`.
fn quantile_of_tails(p: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut t = -normal::quantile(0.5 * p);
    for _ in 0..400 {
        let value = libm::log(two_sided_p(t, df) / p);
        if value > 0.0 {
            low = t;
        } else {
            high = t;
        }
        // d ln P / d t
        let slope = -2.0 * density(t, df) / two_sided_p(t, df);
        let mut next = t - value / slope;
        if !(next > low && next < high) {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * t };
        }
        if (next - t).abs() <= 2.0 * f64::EPSILON * t {
            return next;
        }
        t = next;
    }
    t
}

fn density(t: f64, df: f64) -> f64 {
    let ln_beta = libm::lgamma(0.5) + libm::lgamma(0.5 * df) - libm::lgamma(0.5 * (df + 1.0));
    libm::exp(-0.5 * (df + 1.0) * libm::log1p(t * t / df) - ln_beta) / df.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;
    use std::f64::consts::PI;

    #[test]
    fn agrees_with_tables() {
        // The roots of the incomplete beta function, in thirty digits.
        for (df, t) in [
            (1.0, 12.706_204_736_174_705),
            (2.0, 4.302_652_729_749_464),
            (5.0, 2.570_581_835_636_315_5),
            (10.0, 2.228_138_851_986_275),
            (96.0, 1.984_984_311_522_457_5),
        ] {
            assert_close(two_sided(0.95, df), t, 1e-12);
            assert_close(two_sided_p(t, df), 0.05, 1e-12);
        }
        assert_eq!(two_sided_p(0.0, 5.0), 1.0);
    }

    proptest! {
        #[test]
        fn one_degree_is_cauchy_and_many_are_normal(t in 0.01..6.0f64) {
            assert_close(two_sided_p(t, 1.0), 1.0 - 2.0 / PI * libm::atan(t), 1e-12);
            assert_close(two_sided_p(t, 1e7), normal::two_sided_p(t), 1e-4);
        }

        #[test]
        fn quantiles_invert_tails(df in 0.5..5_000.0f64, conf in 0.01..0.9999f64) {
            assert_close(two_sided_p(two_sided(conf, df), df), 1.0 - conf, 1e-10);
        }
    }
}
