//! Whether many coefficients are all zero.

use crate::did::regression::inverse;
use crate::distribution::{beta, gamma};

/// b'V⁻¹b, or nothing where V is singular: a variance that is not above zero, or a coefficient that
/// the errors of those before it explain.
pub(crate) fn wald_statistic(coefficients: &[f64], covariance: &[Vec<f64>]) -> Option<f64> {
    let (inverse, kept) = inverse(covariance);
    if kept.is_empty() || kept.contains(&false) {
        return None;
    }
    let product = |row: &Vec<f64>| row.iter().zip(coefficients).map(|(v, b)| v * b).sum::<f64>();
    let statistic: f64 = inverse.iter().zip(coefficients).map(|(row, b)| b * product(row)).sum();
    (statistic.is_finite() && statistic >= 0.0).then_some(statistic)
}

/// The probability that F with these degrees of freedom is above `f`.
pub(crate) fn f_upper_tail(f: f64, df1: f64, df2: f64) -> f64 {
    let total = df2 + df1 * f;
    beta::lower_tail(df2 / total, df1 * f / total, 0.5 * df2, 0.5 * df1)
}

/// The probability that χ² with these degrees of freedom is above `x`.
pub(crate) fn chi_squared_upper_tail(x: f64, df: f64) -> f64 {
    gamma::upper_tail(0.5 * df, 0.5 * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn two_coefficients_by_hand() {
        // V⁻¹ = [[2, -1], [-1, 2]]/3, b'V⁻¹b = (2 − 2·2 + 2·4)/3.
        let v = [vec![2.0, 1.0], vec![1.0, 2.0]];
        assert_close(wald_statistic(&[1.0, 2.0], &v).unwrap(), 2.0, 1e-14);
        assert_eq!(wald_statistic(&[1.0, 2.0], &[vec![1.0, 1.0], vec![1.0, 1.0]]), None);
        assert_eq!(wald_statistic(&[], &[]), None);
    }

    #[test]
    fn tails_by_hand() {
        // F(1, d) is t², F(2, d) has the tail (1 + 2f/d)^(−d/2), χ² with 2 has exp(−x/2).
        let t = crate::distribution::student_t::two_sided_p(2.0, 7.0);
        assert_close(f_upper_tail(4.0, 1.0, 7.0), t, 1e-13);
        assert_close(f_upper_tail(3.0, 2.0, 6.0), 0.125, 1e-13);
        assert_close(chi_squared_upper_tail(3.0, 2.0), libm::exp(-1.5), 1e-13);
        assert_eq!(f_upper_tail(0.0, 2.0, 6.0), 1.0);
    }
}
