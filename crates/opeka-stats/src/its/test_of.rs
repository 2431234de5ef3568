//! An estimate with its error as a line of a table.

use crate::distribution::{normal, student_t};
use crate::effect::Effect;

/// What tests and limits are taken from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Law {
    Normal,
    /// Student's t with so many degrees of freedom.
    T(f64),
}

impl Law {
    pub(super) fn reach(self, conf_level: f64) -> f64 {
        match self {
            Self::Normal => normal::two_sided(conf_level),
            Self::T(df) => student_t::two_sided(conf_level, df),
        }
    }

    fn two_sided_p(self, statistic: f64) -> f64 {
        match self {
            Self::Normal => normal::two_sided_p(statistic),
            Self::T(df) => student_t::two_sided_p(statistic, df),
        }
    }
}

/// The line of an estimate and its variance; error, test and limits are missing where there is no
/// variance above zero.
pub(super) fn effect(
    term: impl Into<String>,
    estimate: f64,
    variance: Option<f64>,
    law: Law,
    conf_level: f64,
) -> Effect {
    let error = variance.map(f64::sqrt).filter(|error| *error > 0.0 && error.is_finite());
    let reach = error.map(|error| law.reach(conf_level) * error);
    let statistic = error.map(|error| estimate / error);
    Effect {
        term: term.into(),
        estimate: Some(estimate),
        std_error: error,
        statistic,
        p_value: statistic.map(|statistic| law.two_sided_p(statistic)),
        conf_low: reach.map(|reach| estimate - reach),
        conf_high: reach.map(|reach| estimate + reach),
        ..Effect::default()
    }
}

/// a′ V b
pub(super) fn form(a: &[f64], covariance: &[Vec<f64>], b: &[f64]) -> f64 {
    let inner = |row: &Vec<f64>| row.iter().zip(b).map(|(v, b)| v * b).sum::<f64>();
    a.iter().zip(covariance).map(|(a, row)| a * inner(row)).sum()
}
