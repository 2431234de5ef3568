//! The change from the year before.

use super::periods::Periods;
use crate::Reason;
use crate::reason::require_finite_result;

/// One point of [`year_on_year`].
#[derive(Clone, Debug, PartialEq)]
pub struct YearOnYear {
    /// The value less that of one unit of time before.
    pub estimate: Option<f64>,
    /// The same in per cent of the earlier value.
    pub per_cent: Option<f64>,
    /// Why something is missing.
    pub reason: Option<Reason>,
}

/// The change of each value from that of exactly one unit of time before, in the order given.
///
/// **Formula.** y_t − y_(t−1), and 100 (y_t − y_(t−1))/y_(t−1).
///
/// **Edge cases.** A point has no change, with a [`Reason`], where there is no value for the time
/// before (the first year, a gap), more than one value for either time, or a number that is not
/// finite. It has no change in per cent where the earlier value is zero or negative. The order of
/// the points does not matter, but for the order of the results.
pub fn year_on_year(value: &[f64], time: &[f64]) -> Vec<YearOnYear> {
    match Periods::new(value, time) {
        Ok(periods) => time.iter().map(|&t| change(&periods, t)).collect(),
        Err(reason) => value.iter().map(|_| YearOnYear::unknown(reason.clone())).collect(),
    }
}

impl YearOnYear {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { estimate: None, per_cent: None, reason: Some(reason) }
    }
}

fn change(periods: &Periods, time: f64) -> YearOnYear {
    let difference = || -> Result<f64, Reason> {
        let difference = periods.at(time)? - periods.at(time - 1.0)?;
        require_finite_result(&[difference]).map(|()| difference)
    };
    let estimate = match difference() {
        Ok(difference) => difference,
        Err(reason) => return YearOnYear::unknown(reason),
    };
    let (per_cent, reason) = match periods.above_zero_at(time - 1.0) {
        Ok(base) => match 100.0 * estimate / base {
            per_cent if per_cent.is_finite() => (Some(per_cent), None),
            _ => (None, Some("the result is too large for a 64-bit number".to_owned())),
        },
        Err(reason) => (None, Some(reason.why().to_owned())),
    };
    let reason = reason.map(|why| Reason::of_part("the per cent change", why));
    YearOnYear { estimate: Some(estimate), per_cent, reason }
}

#[cfg(test)]
mod tests;
