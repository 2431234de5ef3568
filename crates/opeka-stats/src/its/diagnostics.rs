//! What the residuals of a regression say of their autocorrelation.

use crate::distribution::gamma;
use crate::least_squares;

/// Σ (e_t − e_(t−1))² / Σ e_t² (Durbin and Watson 1950): near 2 without autocorrelation.
pub(super) fn durbin_watson(residuals: &[f64]) -> f64 {
    let changes = residuals.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0]));
    changes.sum::<f64>() / residuals.iter().map(|e| e * e).sum::<f64>()
}

/// n R² of the residuals on the columns and on the residual before, zero for the first (Breusch
/// 1978; Godfrey 1978), and its probability under χ²(1).
pub(super) fn breusch_godfrey(columns: &[&[f64]], residuals: &[f64]) -> Option<(f64, f64)> {
    let mut before = vec![0.0];
    before.extend_from_slice(residuals.get(..residuals.len().checked_sub(1)?)?);
    let mut all = columns.to_vec();
    all.push(&before);
    let fit = least_squares::fit(&all, residuals, None)?;
    let total: f64 = residuals.iter().map(|e| e * e).sum();
    let statistic = residuals.len() as f64 * (1.0 - fit.rss / total);
    statistic.is_finite().then(|| (statistic, chi_squared(statistic, 1.0)))
}

/// n (n + 2) Σ r_k²/(n − k) over the autocorrelations up to a lag (Ljung and Box 1978), and its
/// probability under χ² with as many degrees of freedom, for each lag up to `last`.
pub(super) fn ljung_box(residuals: &[f64], last: usize) -> Vec<(usize, f64, f64)> {
    let n = residuals.len() as f64;
    let mean = residuals.iter().sum::<f64>() / n;
    let centred: Vec<f64> = residuals.iter().map(|e| e - mean).collect();
    let total: f64 = centred.iter().map(|e| e * e).sum();
    let mut sum = 0.0;
    let mut found = Vec::new();
    for lag in 1..=last.min(residuals.len().saturating_sub(1)) {
        let product: f64 = centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum();
        let r = product / total;
        sum += r * r / (n - lag as f64);
        let statistic = n * (n + 2.0) * sum;
        if statistic.is_finite() {
            found.push((lag, statistic, chi_squared(statistic, lag as f64)));
        }
    }
    found
}

fn chi_squared(statistic: f64, df: f64) -> f64 {
    gamma::upper_tail(0.5 * df, 0.5 * statistic.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn by_hand() {
        assert_close(durbin_watson(&[0.3, 0.1, -1.1, 0.7]), (0.04 + 1.44 + 3.24) / 1.8, 1e-14);
        // Centred as they are; r₁ = −2/4.
        let found = ljung_box(&[1.0, -1.0, 0.0, 1.0, -1.0], 1);
        let (lag, statistic, p) = found[0];
        assert_eq!(lag, 1);
        assert_close(statistic, 5.0 * 7.0 * 0.25 / 4.0, 1e-14);
        assert_close(p, crate::distribution::normal::two_sided_p(statistic.sqrt()), 1e-12);
        // e = (1, 1, −1, −1) on the residual before (0, 1, 1, −1) less its mean of ¼:
        // slope ¾·… = (1·(−¼) + ¾ − ¾ + 5/4)/(11/4) = 4/11, explained 16/121 · 11/4 = 4/11.
        let ones = [1.0; 4];
        let (statistic, _) = breusch_godfrey(&[&ones], &[1.0, 1.0, -1.0, -1.0]).unwrap();
        assert_close(statistic, 4.0 * (4.0 / 11.0) / 4.0, 1e-12);
    }
}
