//! Values with weights, in an order of their own.

use crate::reason::{
    require_each, require_finite_result, require_not_negative, require_positive,
    require_same_length,
};
use crate::{Reason, sum};

/// Values ascending, each with its weight; weights are shares of 1.
pub(crate) struct Weighted {
    pub(crate) rows: Vec<(f64, f64)>,
    pub(crate) mean: f64,
}

impl Weighted {
    /// Values that obey `rule`, with a mean above zero; all weights are equal where there are none.
    pub(crate) fn new(
        value: &[f64],
        weight: Option<&[f64]>,
        rule: fn(&str, f64) -> Result<(), Reason>,
    ) -> Result<Self, Reason> {
        if value.is_empty() {
            return Err(Reason::because("there are no values"));
        }
        require_each(rule, "value", value)?;
        let mut rows: Vec<(f64, f64)> = match weight {
            None => value.iter().map(|value| (*value, 1.0)).collect(),
            Some(weight) => {
                require_same_length("values", value, "weights", weight)?;
                require_each(require_not_negative, "weight", weight)?;
                value.iter().copied().zip(weight.iter().copied()).collect()
            }
        };
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let total = sum::ordered(rows.iter().map(|(_, weight)| *weight));
        require_positive("the sum of weight", total)?;
        for (_, weight) in &mut rows {
            *weight /= total;
        }
        // From the smallest value: where all are equal, the mean is exactly that.
        let origin = rows.first().map_or(0.0, |(value, _)| *value);
        let above = rows.iter().map(|(value, weight)| (value - origin) * weight);
        let mean = origin + sum::ordered(above);
        require_finite_result(&[mean])?;
        require_positive("the mean of value", mean)?;
        Ok(Self { rows, mean })
    }

    /// The sum of a term for each row.
    pub(crate) fn sum(&self, term: impl Fn(f64, f64) -> f64) -> f64 {
        sum::ordered(self.rows.iter().map(|(value, weight)| term(*value, *weight)))
    }
}
