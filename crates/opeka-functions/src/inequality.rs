//! What the indices of inequality share: values with a weight that may be left out.

use std::borrow::Cow;

use opeka_stats::{Inequality, Reason};

use crate::parameters::{Kind, Options};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) const WEIGHTED: &[(&str, Kind)] =
    &[("value", Kind::Number), ("weight", Kind::NumberOrNothing)];

/// What the documentation of such a function says of the second argument.
pub(crate) const WEIGHT_ARGUMENT: &str =
    "How much a row counts, such as the children of the area: zero or more. Default: all alike.";

/// The index of the values, weighted where there are weights.
pub(crate) fn index(
    rows: &Rows,
    options: &Options,
    method: fn(&[f64], Option<&[f64]>) -> Inequality,
) -> Inequality {
    match rows.given(1, "weight", options) {
        Ok(weight) => method(rows.numbers(0), weight),
        Err(reason) => Inequality::unknown(reason, rows.len()),
    }
}

impl Row for Inequality {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}
