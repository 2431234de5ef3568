//! A straight line by least squares, with Student's limits of its slope.

use crate::Reason;
use crate::distribution::student_t;
use crate::least_squares;

/// y = `intercept` + `slope` x.
pub(crate) struct Line {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    /// The share of the variance of y that the line takes up; `None` where y does not vary.
    pub(crate) r_squared: Option<f64>,
    /// Limits, t and p of the slope.
    pub(crate) test: Result<SlopeTest, Reason>,
}

pub(crate) struct SlopeTest {
    pub(crate) conf_low: f64,
    pub(crate) conf_high: f64,
    pub(crate) statistic: f64,
    pub(crate) p_value: f64,
}

/// Residuals this small, as a share of the variance of y, are nothing but rounding.
const ROUNDING: f64 = 1e-28;

/// `None` where all x are equal. The rows are in an order that does not depend on arrival.
pub(crate) fn fit(x: &[f64], y: &[f64], conf_level: f64) -> Option<Line> {
    let n = x.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (centre, level) = (mean(x), mean(y));
    let ones = vec![1.0; x.len()];
    let centred: Vec<f64> = x.iter().map(|x| x - centre).collect();
    let fit = least_squares::fit(&[&ones, &centred], y, None)?;
    let slope = fit.coefficients[1];
    let total: f64 = y.iter().map(|y| (y - level) * (y - level)).sum();

    let test = if fit.df < 1.0 {
        Err(Reason::of_part("the limits and the test", "2 points always lie on a line"))
    } else if fit.rss <= ROUNDING * total || fit.rss == 0.0 {
        Err(Reason::of_part("the limits and the test", "all points lie on a line"))
    } else {
        let error = fit.std_error(1);
        let width = student_t::two_sided(conf_level, fit.df) * error;
        let statistic = slope / error;
        Ok(SlopeTest {
            conf_low: slope - width,
            conf_high: slope + width,
            statistic,
            p_value: student_t::two_sided_p(statistic, fit.df),
        })
    };
    let intercept = fit.coefficients[0] - slope * centre;
    let r_squared = (total > 0.0).then(|| 1.0 - fit.rss / total);
    Some(Line { slope, intercept, r_squared, test })
}
