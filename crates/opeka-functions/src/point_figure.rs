//! The result that window functions of one figure share.

use opeka_stats::{PointFigure, Reason};

use crate::row::{Column, Row, text};

impl Row for PointFigure {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}
