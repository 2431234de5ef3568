//! An index: a series in per cent of one of its years.

use super::periods::{Periods, PointFigure};

/// Each value in per cent of the value for `base_time`, in the order given: the base is 100.
///
/// **Formula.** 100 y_t/y_base.
///
/// **Edge cases.** A point has no index, with a [`Reason`](crate::Reason), where there is no value
/// for `base_time` or more than one, where that value is zero or negative, where there is more than
/// one value for the time of the point, or a number that is not finite.
pub fn index_to_base(value: &[f64], time: &[f64], base_time: f64) -> Vec<PointFigure> {
    let periods = match Periods::new(value, time) {
        Ok(periods) => periods,
        Err(reason) => return value.iter().map(|_| PointFigure::unknown(reason.clone())).collect(),
    };
    let base = periods.above_zero_at(base_time);
    let index = |&t: &f64| {
        let base = base.clone()?;
        Ok(100.0 * periods.at(t)? / base)
    };
    time.iter().map(index).map(PointFigure::of).collect()
}

#[cfg(test)]
mod tests;
