//! What the forecasting functions share: their horizon, and the points of their answers.

use std::borrow::Cow;

use opeka_stats::{ForecastPoint, Reason};

use crate::parameters::Options;
use crate::row::{Column, Row};

/// Described once, because it is the same for every function that forecasts.
pub(crate) const HORIZON_ARGUMENT: &str = "How many periods after the last one are forecast: a \
    constant whole number from 1 to 10, at most half the number of points. Default 3.";

pub(crate) const LOWER_BOUND_ARGUMENT: &str = "Forecasts and limits below this number are raised \
    to it: 0 for a count or a rate. Default: nothing is cut.";

/// The number of periods that a call asks for.
pub(crate) fn horizon(options: &Options) -> Result<usize, Reason> {
    let horizon = options.number("horizon");
    // Larger ones are refused by the methods, in words of their own.
    if horizon >= 0.0 && horizon <= f64::from(u32::MAX) && horizon.fract() == 0.0 {
        Ok(horizon as usize)
    } else {
        Err(Reason::because(format!("horizon is {horizon} (it must be a whole number above zero)")))
    }
}

impl Row for ForecastPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|p| Some(p.time))),
        ("estimate", Column::Number(|p| Some(p.estimate))),
        ("std_error", Column::Number(|p| p.std_error)),
        ("conf_low", Column::Number(|p| p.conf_low)),
        ("conf_high", Column::Number(|p| p.conf_high)),
        ("obs_status", Column::Text(|p| Some(Cow::from(p.obs_status)))),
    ];

    /// Never part of an answer: without a forecast, the list of points is empty.
    fn unknown(_reason: Reason) -> Self {
        Self {
            time: 0.0,
            estimate: 0.0,
            std_error: None,
            conf_low: None,
            conf_high: None,
            obs_status: "F",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Aggregate;
    use crate::damped_holt::DampedHolt;
    use datafusion_common::ScalarValue;

    #[test]
    fn horizons_are_whole_numbers() {
        let horizon = |value: f64| {
            let given = [("horizon", ScalarValue::from(value))];
            horizon(&DampedHolt::PARAMETERS.options_of(&given).unwrap())
        };
        assert_eq!(horizon(5.0), Ok(5));
        assert_eq!(horizon(0.0), Ok(0));
        for wrong in [2.5, -1.0, 1e10, f64::NAN, f64::INFINITY] {
            assert_eq!(
                horizon(wrong).unwrap_err().to_string(),
                format!(
                    "cannot be calculated because horizon is {wrong} (it must be a whole number \
                     above zero)"
                )
            );
        }
    }
}
