//! A straight line by least squares, with what is said about its slope.

use super::series::in_time_order;
use crate::Reason;
use crate::distribution::student_t;
use crate::least_squares::{self, Fit};
use crate::reason::require_finite_result;

/// A variance of the residuals below this part of the mean square of the line is rounding (the
/// bound at which R's `summary.lm` warns of an essentially perfect fit).
const PERFECT: f64 = 1e-30;

pub(super) struct Line {
    pub(super) slope: f64,
    /// The value of the line at time zero.
    pub(super) intercept: f64,
    /// The residuals in the order of time.
    pub(super) residuals: Vec<f64>,
    /// Σ w e²
    pub(super) rss: f64,
    /// Σ w (y − ȳ)²
    pub(super) tss: f64,
    /// Of the slope; `None` where the points lie on the line.
    pub(super) std_error: Option<f64>,
    /// Residual degrees of freedom.
    pub(super) df: f64,
}

impl Line {
    /// Through three points or more, in any order, of finite numbers.
    pub(super) fn fit(value: &[f64], time: &[f64], weight: Option<&[f64]>) -> Result<Self, Reason> {
        let (value, time, weight) = sorted(value, time, weight);
        let total: f64 = weight.iter().sum();
        let mean = |numbers: &[f64]| -> f64 {
            numbers.iter().zip(&weight).map(|(x, w)| x * w).sum::<f64>() / total
        };
        let (middle, level) = (mean(&time), mean(&value));
        let centred: Vec<f64> = time.iter().map(|t| t - middle).collect();
        let rest: Vec<f64> = value.iter().map(|y| y - level).collect();
        let ones = vec![1.0; value.len()];
        let fit = least_squares::fit(&[&ones, &centred], &rest, Some(&weight))
            .ok_or_else(|| Reason::because("all times are equal"))?;
        let (shift, slope) = match fit.coefficients.as_slice() {
            &[shift, slope] => (shift, slope),
            _ => return Err(Reason::because("all times are equal")),
        };
        let intercept = level + shift - slope * middle;
        let tss: f64 = rest.iter().zip(&weight).map(|(y, w)| w * y * y).sum();
        require_finite_result(&[slope, intercept, fit.rss, tss])?;

        let scale = (level * level * total + tss) / value.len() as f64;
        let perfect = fit.df <= 0.0 || fit.variance() <= PERFECT * scale;
        let std_error = (!perfect).then(|| fit.std_error(1));
        let Fit { residuals, rss, df, .. } = fit;
        Ok(Self { slope, intercept, residuals, rss, tss, std_error, df })
    }

    /// t and its two-sided p-value.
    pub(super) fn test(&self) -> Option<(f64, f64)> {
        let t = self.slope / self.std_error?;
        Some((t, student_t::two_sided_p(t, self.df)))
    }

    /// The limits of the slope.
    pub(super) fn limits(&self, conf_level: f64) -> Option<(f64, f64)> {
        let reach = student_t::two_sided(conf_level, self.df) * self.std_error?;
        Some((self.slope - reach, self.slope + reach))
    }
}

/// Points in the order of time, so that sums do not depend on the order of arrival.
fn sorted(value: &[f64], time: &[f64], weight: Option<&[f64]>) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let Some(weight) = weight else {
        let (value, time) = in_time_order(value, time);
        let ones = vec![1.0; value.len()];
        return (value, time, ones);
    };
    let points = time.iter().zip(value).zip(weight);
    let mut points: Vec<[f64; 3]> = points.map(|((&t, &y), &w)| [t, y, w]).collect();
    let order = |a: &f64, b: &f64| a.total_cmp(b);
    points.sort_unstable_by(|[t, y, w], [s, x, v]| order(t, s).then(order(y, x)).then(order(w, v)));
    let column = |k: usize| points.iter().filter_map(|point| point.get(k).copied()).collect();
    (column(1), column(0), column(2))
}
