//! The size of a normal value whose mean is not zero.

use crate::distribution::normal;

/// The c with P(|Z + shift| ≤ c) = `conf_level`, for Z standard normal and a shift of zero or more.
///
/// Newton's method inside a bracket: c lies between shift + z(1 − α) and shift + z(1 − α/2).
pub(super) fn quantile(conf_level: f64, shift: f64) -> f64 {
    let alpha = 1.0 - conf_level;
    let both = normal::two_sided(conf_level);
    let (mut low, mut high) = (f64::max(both, shift - normal::quantile(alpha)), shift + both);
    let mut c = 0.5 * (low + high);
    for _ in 0..100 {
        let error = normal::cdf(shift - c) + normal::cdf(-shift - c) - alpha;
        if error > 0.0 {
            low = c;
        } else {
            high = c;
        }
        let mut next = c + error / (density(c - shift) + density(c + shift));
        if !(next >= low && next <= high) {
            next = 0.5 * (low + high);
        }
        if (next - c).abs() <= 2.0 * f64::EPSILON * c {
            return next;
        }
        c = next;
    }
    c
}

/// How fast [`quantile`] grows with the shift: (φ(c − t) − φ(c + t)) / (φ(c − t) + φ(c + t)).
pub(super) fn slope(c: f64, shift: f64) -> f64 {
    libm::tanh(c * shift)
}

fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    #[test]
    fn without_a_shift_it_is_the_two_sided_point() {
        assert_close(quantile(0.95, 0.0), 1.959_963_984_540_054, 1e-14);
        // Far from zero only one side is left.
        assert_close(quantile(0.95, 50.0), 50.0 + 1.644_853_626_951_472_2, 1e-14);
    }

    proptest! {
        #[test]
        fn inverts_the_probability_and_its_slope(level in 0.5..0.999f64, shift in 0.0..8.0f64) {
            let c = quantile(level, shift);
            let inside = normal::cdf(c - shift) - normal::cdf(-c - shift);
            assert_close(inside, level, 1e-12);
            let step = 1e-5;
            let change = quantile(level, shift + step) - quantile(level, (shift - step).max(0.0));
            let width = step + step.min(shift);
            prop_assert!((change / width - slope(c, shift)).abs() < 1e-4);
        }
    }
}
