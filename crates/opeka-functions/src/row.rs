//! Results as Arrow structs: one table per kind of result names its fields once.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::Result;
use opeka_stats::{Estimate, Reason, TheilSen};

/// A field of a result: its type, and where it is found.
pub(crate) enum Column<R> {
    Number(fn(&R) -> Option<f64>),
    Count(fn(&R) -> usize),
    Text(for<'a> fn(&'a R) -> Option<Cow<'a, str>>),
}

/// A result of `opeka-stats` that SQL sees as a struct.
pub(crate) trait Row: Sized + 'static {
    /// The fields of the struct, in order.
    const COLUMNS: &'static [(&'static str, Column<Self>)];

    /// The result for a row in which this argument is `NULL`.
    fn missing(argument: &str) -> Self;
}

impl Row for Estimate {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|e| e.estimate)),
        ("conf_low", Column::Number(|e| e.conf_low)),
        ("conf_high", Column::Number(|e| e.conf_high)),
        ("method", Column::Text(|e| e.method.map(Cow::from))),
        ("reason", Column::Text(|e| text(e.reason.as_ref()))),
    ];

    fn missing(argument: &str) -> Self {
        Self::unknown(Reason::missing(argument))
    }
}

impl Row for TheilSen {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("conf_low", Column::Number(|t| t.conf_low)),
        ("conf_high", Column::Number(|t| t.conf_high)),
        ("intercept", Column::Number(|t| t.intercept)),
        ("statistic", Column::Number(|t| t.statistic)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("n_obs", Column::Count(|t| t.n_obs)),
        ("method", Column::Text(|t| t.method.map(Cow::from))),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn missing(argument: &str) -> Self {
        Self::unknown(Reason::missing(argument), 0)
    }
}

fn text(reason: Option<&Reason>) -> Option<Cow<'static, str>> {
    reason.map(|reason| Cow::from(reason.to_string()))
}

/// The SQL type of a result.
pub(crate) fn struct_type<R: Row>() -> DataType {
    DataType::Struct(fields::<R>())
}

fn fields<R: Row>() -> Fields {
    let field = |(name, column): &(&'static str, Column<R>)| {
        let data_type = match column {
            Column::Number(_) => DataType::Float64,
            Column::Count(_) => DataType::Int64,
            Column::Text(_) => DataType::Utf8,
        };
        Field::new(*name, data_type, true)
    };
    R::COLUMNS.iter().map(field).collect()
}

/// Results as a column of structs.
pub(crate) fn struct_array<R: Row>(rows: &[R]) -> Result<StructArray> {
    let array = |(_, column): &(&'static str, Column<R>)| -> ArrayRef {
        match column {
            Column::Number(get) => Arc::new(rows.iter().map(get).collect::<Float64Array>()),
            Column::Count(get) => Arc::new(
                rows.iter().map(|row| i64::try_from(get(row)).ok()).collect::<Int64Array>(),
            ),
            Column::Text(get) => Arc::new(rows.iter().map(get).collect::<StringArray>()),
        }
    };
    let arrays = R::COLUMNS.iter().map(array).collect();
    Ok(StructArray::try_new_with_length(fields::<R>(), arrays, None, rows.len())?)
}
