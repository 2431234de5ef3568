//! The gamma distribution with unit scale, and through it the Poisson and chi-square ones.
//!
//! For a count `n`, `P(Poisson(x) ≥ n)` is the lower tail of the gamma distribution of shape `n`
//! at `x`, and the chi-square quantile with `2n` degrees of freedom is twice the gamma quantile
//! of shape `n`.

use super::normal;
use std::f64::consts::PI;

/// More terms than any shape below 10⁹ needs.
const MAX_TERMS: usize = 200_000;

/// The point below which a gamma variable of this shape falls with probability `p`.
///
/// `shape > 0`, `0 < p < 1`.
pub(crate) fn lower_quantile(shape: f64, p: f64) -> f64 {
    // Far down, P(shape, x) is x^shape / Γ(shape + 1).
    let far = libm::exp((libm::log(p) + libm::lgamma(shape + 1.0)) / shape);
    let start = wilson_hilferty(shape, normal::quantile(p));
    let start = if shape < 1.0 || start <= 0.2 * shape { far } else { start };
    solve(start, |x| {
        let tail = lower_tail(shape, x);
        // d ln P / d ln x
        (libm::log(tail / p), shape * density(shape, x) / tail)
    })
}

/// The point above which a gamma variable of this shape falls with probability `q`.
///
/// `shape ≥ 1`, `0 < q < 1`.
pub(crate) fn upper_quantile(shape: f64, q: f64) -> f64 {
    let start = wilson_hilferty(shape, -normal::quantile(q));
    let start = if start > 0.0 { start } else { shape };
    solve(start, |x| {
        let tail = upper_tail(shape, x);
        (libm::log(q / tail), shape * density(shape, x) / tail)
    })
}

/// A cube root of a gamma variable is nearly normal (Wilson and Hilferty 1931).
fn wilson_hilferty(shape: f64, z: f64) -> f64 {
    let root = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
    shape * root * root * root
}

/// Newton's method on `ln x` for an increasing function, kept inside a shrinking bracket.
///
/// `function` returns its value and its slope in `ln x`. A start of zero (underflow) stays zero.
fn solve(start: f64, function: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = start;
    if x <= 0.0 {
        return 0.0;
    }
    for _ in 0..200 {
        let (value, slope) = function(x);
        if value < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let mut next = x * libm::exp(-value / slope);
        if !(next > low && next < high) {
            next = if value == 0.0 {
                x
            } else if high.is_finite() {
                0.5 * (low + high)
            } else {
                2.0 * x
            };
        }
        if (next - x).abs() <= 2.0 * f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}

/// P(shape, x): the regularized lower incomplete gamma function.
pub(crate) fn lower_tail(shape: f64, x: f64) -> f64 {
    if x < shape + 1.0 {
        density(shape, x) * series(shape, x)
    } else {
        1.0 - shape * density(shape, x) * continued_fraction(shape, x)
    }
}

/// Q(shape, x) = 1 − P(shape, x), without the loss of digits in that difference.
pub(crate) fn upper_tail(shape: f64, x: f64) -> f64 {
    if x < shape + 1.0 {
        1.0 - density(shape, x) * series(shape, x)
    } else {
        shape * density(shape, x) * continued_fraction(shape, x)
    }
}

/// 1 + x/(a+1) + x²/((a+1)(a+2)) + …
fn series(shape: f64, x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..MAX_TERMS {
        term *= x / (shape + k as f64);
        sum += term;
        if term <= sum * (0.25 * f64::EPSILON) {
            break;
        }
    }
    sum
}

/// 1/(x+1−a − 1(1−a)/(x+3−a − 2(2−a)/(x+5−a − …))), by the modified method of Lentz.
fn continued_fraction(shape: f64, x: f64) -> f64 {
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / if b.abs() < tiny { tiny } else { b };
    let mut fraction = d;
    for k in 1..MAX_TERMS {
        let k = k as f64;
        let a = -k * (k - shape);
        b += 2.0;
        d = a * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + a / c;
        c = if c.abs() < tiny { tiny } else { c };
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    fraction
}

/// x^a e^−x / Γ(a+1): the Poisson density at `a` for a mean of `x`, for real `a > 0`.
///
/// The saddle-point form of Loader (2000), "Fast and accurate computation of binomial
/// probabilities": no large logarithms cancel, so large counts keep their digits.
fn density(a: f64, x: f64) -> f64 {
    libm::exp(-stirling_error(a) - deviance(a, x)) / (2.0 * PI * a).sqrt()
}

/// ln Γ(a+1) minus Stirling's approximation of it.
pub(super) fn stirling_error(a: f64) -> f64 {
    if a > 15.0 {
        let s = 1.0 / (a * a);
        (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / a
    } else {
        libm::lgamma(a + 1.0) - (a + 0.5) * libm::log(a) + a - 0.5 * libm::log(2.0 * PI)
    }
}

/// a ln(a/x) + x − a, which is small where `a` and `x` are near each other.
pub(super) fn deviance(a: f64, x: f64) -> f64 {
    let difference = a - x;
    if difference.abs() >= 0.1 * (a + x) {
        return a * libm::log(a / x) + x - a;
    }
    let v = difference / (a + x);
    let mut sum = difference * v;
    let mut power = 2.0 * a * v;
    for k in 1..100 {
        power *= v * v;
        let next = sum + power / (2 * k + 1) as f64;
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    /// P(Poisson(mean) ≤ count), term by term.
    fn poisson_cdf(count: u32, mean: f64) -> f64 {
        let mut term = libm::exp(-mean);
        let mut sum = term;
        for k in 1..=count {
            term *= mean / k as f64;
            sum += term;
        }
        sum
    }

    #[test]
    fn agrees_with_chi_square_tables() {
        // Chi-square with 2 degrees of freedom is exponential: quantiles are logarithms.
        for p in [0.001, 0.025, 0.5, 0.975] {
            assert_close(lower_quantile(1.0, p), -libm::log1p(-p), 1e-14);
            assert_close(upper_quantile(1.0, p), -libm::log(p), 1e-14);
        }
        // 95 % points of chi-square with 10 and with 1 degree of freedom.
        assert_close(2.0 * upper_quantile(5.0, 0.05), 18.307_038_053_275_146, 1e-14);
        assert_close(2.0 * lower_quantile(0.5, 0.95), 3.841_458_820_694_124, 1e-13);
    }

    proptest! {
        #[test]
        fn tails_agree_with_poisson_sums(count in 0u32..40, mean in 0.01..60.0f64) {
            let slow = poisson_cdf(count, mean);
            let shape = f64::from(count) + 1.0;
            assert_close(upper_tail(shape, mean), slow, 1e-12);
            prop_assert!((lower_tail(shape, mean) - (1.0 - slow)).abs() < 1e-13);
        }

        #[test]
        fn quantiles_invert_tails(shape in 0.05..20_000.0f64, exponent in -12.0..-0.31) {
            let p = libm::pow(10.0, exponent);
            let low = lower_quantile(shape, p);
            if low > 0.0 {
                assert_close(lower_tail(shape, low), p, 1e-11);
            }
            let shape = shape + 1.0;
            assert_close(upper_tail(shape, upper_quantile(shape, p)), p, 1e-11);
        }

        #[test]
        fn tails_add_up(shape in 0.05..5_000.0f64, ratio in 0.1..3.0f64) {
            let x = shape * ratio;
            prop_assert!((lower_tail(shape, x) + upper_tail(shape, x) - 1.0).abs() < 1e-13);
        }
    }
}
