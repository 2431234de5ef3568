//! Looking up the value of another period, for figures that each point of a series has.

use crate::Reason;

/// A figure of one point of a series, or the reason why it has none.
#[derive(Clone, Debug, PartialEq)]
pub struct PointFigure {
    pub estimate: Option<f64>,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

impl PointFigure {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { estimate: None, reason: Some(reason) }
    }

    pub(super) fn of(figure: Result<f64, Reason>) -> Self {
        match figure {
            Ok(estimate) if estimate.is_finite() => Self { estimate: Some(estimate), reason: None },
            Ok(_) => Self::unknown(Reason::because("the result is too large for a 64-bit number")),
            Err(reason) => Self::unknown(reason),
        }
    }
}

/// Times are the same when they differ by no more than this: quarters and twelfths of a year are
/// sums with a rounding error.
const SAME_TIME: f64 = 1e-6;

/// A series by its times.
pub(super) struct Periods(Vec<(f64, f64)>);

impl Periods {
    /// Of as many values as times.
    pub(super) fn new(value: &[f64], time: &[f64]) -> Result<Self, Reason> {
        if value.len() != time.len() {
            let (values, times) = (value.len(), time.len());
            return Err(Reason::because(format!("there are {values} values and {times} times")));
        }
        let mut points: Vec<(f64, f64)> = time.iter().copied().zip(value.iter().copied()).collect();
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Ok(Self(points))
    }

    /// The value of a time: the only one, and a number.
    pub(super) fn at(&self, time: f64) -> Result<f64, Reason> {
        if !time.is_finite() {
            return Err(Reason::because("the time is not a finite number"));
        }
        let from = self.0.partition_point(|&(t, _)| t < time - SAME_TIME);
        let mut there =
            self.0.iter().skip(from).take_while(|&&(t, _)| t <= time + SAME_TIME).map(|&(_, y)| y);
        match (there.next(), there.next()) {
            (None, _) => Err(Reason::because(format!("there is no value for {time}"))),
            (Some(_), Some(_)) => {
                Err(Reason::because(format!("there is more than one value for {time}")))
            }
            (Some(value), None) if value.is_finite() => Ok(value),
            (Some(value), None) => Err(Reason::because(format!(
                "the value for {time} is {value} (it must be a finite number)"
            ))),
        }
    }

    /// As [`Periods::at`], of a value that others are compared with.
    pub(super) fn above_zero_at(&self, time: f64) -> Result<f64, Reason> {
        let value = self.at(time)?;
        if value > 0.0 {
            Ok(value)
        } else {
            Err(Reason::because(format!("the value for {time} is {value} (it must be above zero)")))
        }
    }
}
