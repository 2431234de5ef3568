//! What `seasonal_mann_kendall` and `regional_mann_kendall` share.

use std::borrow::Cow;

use opeka_stats::{BlockDependence, BlockMannKendall, Reason};

use crate::parameters::{Kind, Options};
use crate::row::{Column, Row, text};

pub(crate) const DEPENDENCE: (&str, Kind) =
    ("method", Kind::Choice(&["independent", "correlated"]));

pub(crate) fn dependence(options: &Options) -> BlockDependence {
    match options.choice("method") {
        "correlated" => BlockDependence::Correlated,
        _ => BlockDependence::Independent,
    }
}

impl Row for BlockMannKendall {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("statistic", Column::Number(|t| t.statistic)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("score", Column::Number(|t| t.score)),
        ("score_variance", Column::Number(|t| t.score_variance)),
        ("slope", Column::Number(|t| t.slope)),
        ("intercept", Column::Number(|t| t.intercept)),
        ("n_obs", Column::Count(|t| t.n_obs)),
        ("n_blocks", Column::Count(|t| t.n_blocks)),
        ("method", Column::Text(|t| t.method.map(Cow::from))),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}
