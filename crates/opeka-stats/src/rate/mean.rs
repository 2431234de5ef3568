//! Means with Student's limits.

use crate::distribution::student_t;
use crate::estimate::SECOND_LEVEL;
use crate::reason::{require_conf_level, require_each, require_finite, require_finite_result};
use crate::{Estimate, Reason, sum};

/// The result of [`mean_ci`].
#[derive(Clone, Debug, PartialEq)]
pub struct MeanCi {
    /// The mean. It stands without its limits where there is one value, and the reason says so.
    pub mean: Estimate,
    /// The standard deviation of the sample, over n − 1.
    pub std_dev: Option<f64>,
    /// The number of values.
    pub n_obs: usize,
}

impl MeanCi {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { mean: Estimate::unknown(reason), std_dev: None, n_obs }
    }
}

/// The mean of values, with confidence limits.
///
/// **Estimates** the mean of the distribution that the values are independent draws from.
///
/// **Limits** at `conf_level` and at 0.998: mean ± t s/√n, with s the sample standard deviation
/// and t the quantile of Student's distribution with n − 1 degrees of freedom (Student 1908, "The
/// probable error of a mean", *Biometrika* 6; R package PHEindicatormethods, `phe_mean`). Exact for
/// normal values, good for others where n is not small.
///
/// **Edge cases.** One value has a mean without limits; equal values have limits equal to the mean.
/// There is no mean, but a [`Reason`], for no values, numbers that are not finite, or a
/// `conf_level` that is not between 0 and 1. The order of values does not matter.
pub fn mean_ci(values: &[f64], conf_level: f64) -> MeanCi {
    calculate(values, conf_level).unwrap_or_else(|reason| MeanCi::unknown(reason, values.len()))
}

fn calculate(values: &[f64], conf_level: f64) -> Result<MeanCi, Reason> {
    require_conf_level(conf_level)?;
    require_each(require_finite, "value", values)?;
    let n_obs = values.len();
    let n = n_obs as f64;
    if n_obs == 0 {
        return Err(Reason::because("there are no values"));
    }
    let mean = mean(values);
    require_finite_result(&[mean])?;
    if n_obs == 1 {
        let why = Reason::of_part("the limits", "there is 1 value (it takes 2 or more)");
        let mean =
            Estimate { estimate: Some(mean), method: Some(METHOD), ..Estimate::unknown(why) };
        return Ok(MeanCi { mean, std_dev: None, n_obs });
    }

    let squares = sum::ordered(values.iter().map(|value| (value - mean) * (value - mean)));
    let std_dev = (squares / (n - 1.0)).sqrt();
    let error = std_dev / n.sqrt();
    let limits = |level: f64| {
        let width = student_t::two_sided(level, n - 1.0) * error;
        (mean - width, mean + width)
    };
    let (at_level, at_998) = (limits(conf_level), limits(SECOND_LEVEL));
    require_finite_result(&[at_level.0, at_level.1, at_998.0, at_998.1])?;
    let mean = Estimate::known(METHOD, mean, at_level, at_998);
    Ok(MeanCi { mean, std_dev: Some(std_dev), n_obs })
}

const METHOD: &str = "Student's t";

/// The mean of one value or more, from the smallest: where all are equal, it is exactly that.
fn mean(values: &[f64]) -> f64 {
    let origin = values.iter().copied().min_by(f64::total_cmp).unwrap_or(0.0);
    origin + sum::ordered(values.iter().map(|value| value - origin)) / values.len() as f64
}

#[cfg(test)]
mod tests;
