//! The coefficient of variation: dispersion in units of the mean.

use crate::Reason;
use crate::inequality::concentration::Inequality;
use crate::inequality::weighted::Weighted;
use crate::reason::{require_finite, require_finite_result};

/// The standard deviation of values over their mean.
///
/// **Estimates** how far areas differ, relative to their mean, so that indicators in different
/// units and years of different levels can be compared. It suits values for which zero means
/// nothing there: rates, shares and amounts.
///
/// **Formula.** s/x̄ with the sample variance, over n − 1. With weights (children, inhabitants) of
/// shares pᵢ: x̄ = Σ pᵢxᵢ and s² = Σ pᵢ(xᵢ − x̄)² / (1 − Σ pᵢ²), the unbiased weighted variance of
/// R's `cov.wt`, which for equal weights is that over n − 1. Williamson's index of regional
/// inequality (1965) leaves the divisor out: it is this figure times √(1 − Σ pᵢ²).
///
/// **Edge cases.** Equal values have a coefficient of zero. There is none, but a [`Reason`], for
/// fewer than 2 values (with a weight above zero), a mean that is not above zero, a negative
/// weight, or numbers that are not finite. The order of rows and the scale of values and of
/// weights do not matter.
pub fn coefficient_of_variation(value: &[f64], weight: Option<&[f64]>) -> Inequality {
    let method = match weight {
        None => "coefficient of variation",
        Some(_) => "weighted coefficient of variation",
    };
    Inequality::of(method, value, calculate(value, weight))
}

fn calculate(value: &[f64], weight: Option<&[f64]>) -> Result<f64, Reason> {
    let values = Weighted::new(value, weight, require_finite)?;
    let present = values.rows.iter().filter(|(_, weight)| *weight > 0.0).count();
    if present < 2 {
        return Err(Reason::because("there is 1 value (it takes 2 or more)"));
    }
    let mean = values.mean;
    let squares = values.sum(|x, p| p * (x - mean) * (x - mean));
    // 1 − Σp² without a difference of nearly equal numbers where one weight is nearly all.
    let divisor = values.sum(|_, p| p * (1.0 - p));
    let result = (squares / divisor).sqrt() / mean;
    require_finite_result(&[result])?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, reason};
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // 2, 4, 6: mean 4, sample variance 4.
        let cv = coefficient_of_variation(&[6.0, 2.0, 4.0], None);
        assert_close(cv.estimate.unwrap(), 0.5, 1e-15);
        assert_eq!(cv.n_obs, 3);
        assert_eq!(cv.method, Some("coefficient of variation"));
        // R: m <- cov.wt(cbind(c(2, 4, 9)), wt = c(1, 2, 1)/4); sqrt(m$cov)/m$center.
        let cv = coefficient_of_variation(&[2.0, 4.0, 9.0], Some(&[1.0, 2.0, 1.0]));
        assert_close(cv.estimate.unwrap(), (6.6875f64 / 0.625).sqrt() / 4.75, 1e-14);
        assert_eq!(coefficient_of_variation(&[0.1; 7], None).estimate, Some(0.0));
    }

    #[test]
    fn edges() {
        let why = |v: &[f64], w| reason(coefficient_of_variation(v, w).reason);
        assert!(why(&[], None).contains("there are no values"));
        assert!(why(&[1.0], None).contains("there is 1 value"));
        assert!(why(&[1.0, 2.0], Some(&[1.0, 0.0])).contains("there is 1 value"));
        assert!(why(&[1.0, -1.0], None).contains("the mean of value is 0"));
        assert!(why(&[1.0, 2.0], Some(&[1.0, -1.0])).contains("weight is -1"));
        assert!(why(&[1.0, 2.0], Some(&[0.0, 0.0])).contains("the sum of weight is 0"));
        assert!(why(&[1.0, 2.0], Some(&[1.0])).contains("2 values and 1 weights"));
        assert!(why(&[1.0, f64::NAN], None).contains("value is NaN"));
    }

    proptest! {
        #[test]
        fn equal_weights_are_none_and_scales_do_not_matter(
            value in proptest::collection::vec(0.1..100.0f64, 2..12), scale in 0.1..50.0f64
        ) {
            let plain = coefficient_of_variation(&value, None).estimate.unwrap();
            let weights = vec![scale; value.len()];
            let weighted = coefficient_of_variation(&value, Some(&weights)).estimate.unwrap();
            prop_assert!((plain - weighted).abs() <= 1e-12 * plain.max(1e-3));
            let scaled: Vec<f64> = value.iter().map(|x| x * scale).collect();
            let scaled = coefficient_of_variation(&scaled, None).estimate.unwrap();
            prop_assert!((plain - scaled).abs() <= 1e-12 * plain.max(1e-3));
            let reversed: Vec<f64> = value.iter().rev().copied().collect();
            prop_assert_eq!(Some(plain), coefficient_of_variation(&reversed, None).estimate);
        }
    }
}
