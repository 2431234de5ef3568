//! What the indices of a social gradient share.

use std::borrow::Cow;

use opeka_stats::{InequalityIndex, Reason};

use crate::parameters::{Kind, Options};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) const RANKED: &[(&str, Kind)] = &[
    ("value", Kind::NumberOrNull),
    ("population", Kind::NumberOrNull),
    ("rank", Kind::NumberOrNull),
    ("conf_level", Kind::NumberOption(0.95)),
    ("std_error", Kind::NumberOrNothing),
];

type Method = fn(&[f64], &[f64], &[f64], Option<&[f64]>, f64) -> InequalityIndex;

/// The index of the groups; a group that is not whole leaves none.
pub(crate) fn index(rows: &Rows, options: &Options, method: Method) -> InequalityIndex {
    let index = || {
        let value = rows.whole(0, "value")?;
        let population = rows.whole(1, "population")?;
        let rank = rows.whole(2, "rank")?;
        let std_error = rows.given(3, "std_error", options)?;
        Ok(method(value, population, rank, std_error, options.number("conf_level")))
    };
    index().unwrap_or_else(|reason| InequalityIndex::unknown(reason, rows.len()))
}

impl Row for InequalityIndex {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("conf_low", Column::Number(|r| r.conf_low)),
        ("conf_high", Column::Number(|r| r.conf_high)),
        ("at_low_rank", Column::Number(|r| r.at_low_rank)),
        ("at_high_rank", Column::Number(|r| r.at_high_rank)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}
