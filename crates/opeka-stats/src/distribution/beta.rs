//! The beta distribution, and through it the binomial one and that of Student.

use super::gamma::stirling_error;
use std::f64::consts::PI;

/// More terms than any shape below 10⁸ needs.
const MAX_TERMS: usize = 100_000;

/// I(x; a, b): the probability that a beta variable of these shapes falls below `x`, given
/// `y = 1 − x` too, without the loss of digits in that difference.
///
/// `a, b > 0`; outside 0 to 1 it is 0 or 1. Keeps its relative precision where it is small; for the
/// upper tail, exchange the shapes and `x` with `y`.
pub(crate) fn lower_tail(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    // The fraction converges fast on the near side of the mean.
    if x <= (a + 1.0) / (a + b + 2.0) {
        power(x, y, a, b) * fraction(x, a, b) / a
    } else {
        1.0 - power(y, x, b, a) * fraction(y, b, a) / b
    }
}

/// x^a y^b / B(a, b), with `y = 1 − x`.
fn power(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let n = a + b;
    // B(a, b) by Stirling's formula with its error, so that large logarithms do not cancel: what is
    // left of the exponent, a ln(a/nx) + b ln(b/ny), is small near the mean and summed as such.
    let exponent = deviance(a, n * x) + deviance(b, n * y);
    let error = stirling_error(n) - stirling_error(a) - stirling_error(b);
    libm::exp(error - exponent) * (a * b / (2.0 * PI * n)).sqrt()
}

/// a ln(a/m) + m − a; the last two parts cancel in the sum over both shapes.
fn deviance(a: f64, m: f64) -> f64 {
    super::gamma::deviance(a, m)
}

/// The continued fraction of I(x; a, b) a B(a, b) / x^a (1 − x)^b, by the modified method of Lentz
/// (Abramowitz and Stegun 1964, 26.5.8).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let keep = |value: f64| if value.abs() < tiny { tiny } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..MAX_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        let factor = d * c;
        result *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    fn tail(x: f64, a: f64, b: f64) -> f64 {
        lower_tail(x, 1.0 - x, a, b)
    }

    /// P(Binomial(n, x) ≥ k), term by term: the lower tail of the shapes k and n − k + 1.
    fn at_least(k: u32, n: u32, x: f64) -> f64 {
        let mut term = 1.0;
        for i in 0..k {
            term *= f64::from(n - i) / f64::from(i + 1) * x;
        }
        term *= libm::pow(1.0 - x, f64::from(n - k));
        let mut sum = term;
        for i in k..n {
            term *= f64::from(n - i) / f64::from(i + 1) * x / (1.0 - x);
            sum += term;
        }
        sum
    }

    #[test]
    fn simple_shapes_have_simple_tails() {
        for x in [1e-9, 0.1, 0.5, 0.9] {
            assert_close(tail(x, 1.0, 1.0), x, 1e-14);
            assert_close(tail(x, 3.0, 1.0), x * x * x, 1e-14);
            assert_close(tail(x, 0.5, 0.5), 2.0 / PI * libm::asin(x.sqrt()), 1e-14);
        }
        assert_eq!(tail(-0.1, 2.0, 3.0), 0.0);
        assert_eq!(tail(1.1, 2.0, 3.0), 1.0);
    }

    proptest! {
        #[test]
        fn tails_are_binomial_sums(n in 1u32..60, part in 0.0..1.0f64, x in 0.001..0.999f64) {
            let k = 1 + (part * f64::from(n)) as u32;
            let least = tail(x, f64::from(k), f64::from(n - k + 1));
            assert_close(least, at_least(k, n, x), 1e-12);
        }

        #[test]
        fn tails_add_up(a in 0.1..5_000.0f64, b in 0.1..5_000.0f64, x in 0.0..1.0f64) {
            let sum = tail(x, a, b) + lower_tail(1.0 - x, x, b, a);
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
