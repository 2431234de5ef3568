//! The result that rates and proportions share.

use std::borrow::Cow;

use opeka_stats::{Estimate, Reason};

use crate::row::{Column, Row, text};

impl Row for Estimate {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|e| e.estimate)),
        ("conf_low", Column::Number(|e| e.conf_low)),
        ("conf_high", Column::Number(|e| e.conf_high)),
        ("conf_low_998", Column::Number(|e| e.conf_low_998)),
        ("conf_high_998", Column::Number(|e| e.conf_high_998)),
        ("method", Column::Text(|e| e.method.map(Cow::from))),
        ("reason", Column::Text(|e| text(e.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}
