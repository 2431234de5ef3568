//! Results as Arrow structs: one table per kind of result names its fields once.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion_common::Result;
use opeka_stats::Reason;

/// A field of a result: its type, and where it is found.
pub(crate) enum Column<R: 'static> {
    Number(fn(&R) -> Option<f64>),
    Count(fn(&R) -> usize),
    CountOrNone(fn(&R) -> Option<usize>),
    Flag(fn(&R) -> Option<bool>),
    Text(for<'a> fn(&'a R) -> Option<Cow<'a, str>>),
    /// A list of structs, such as the points of a chart: `Column::List(&List(|r| &r.points))`.
    List(&'static (dyn ListOf<R> + Sync)),
}

/// A result of `opeka-stats` that SQL sees as a struct.
pub(crate) trait Row: Sized + 'static {
    /// The fields of the struct, in order.
    const COLUMNS: &'static [(&'static str, Column<Self>)];

    /// The result that only says why there is none.
    fn unknown(reason: Reason) -> Self;
}

/// A list of structs inside a result.
pub(crate) struct List<R, S: 'static>(pub(crate) fn(&R) -> &[S]);

pub(crate) trait ListOf<R> {
    fn data_type(&self) -> DataType;
    fn array(&self, rows: &[R]) -> Result<ArrayRef>;
}

impl<R, S: Row + Clone> ListOf<R> for List<R, S> {
    fn data_type(&self) -> DataType {
        DataType::List(item::<S>())
    }

    fn array(&self, rows: &[R]) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| (self.0)(row).len()));
        let all: Vec<S> = rows.iter().flat_map(|row| (self.0)(row)).cloned().collect();
        let values = Arc::new(struct_array(&all, None)?);
        Ok(Arc::new(ListArray::try_new(item::<S>(), offsets, values, None)?))
    }
}

fn item<S: Row>() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(fields::<S>(false)), true))
}

/// A reason as a field of text.
pub(crate) fn text(reason: Option<&Reason>) -> Option<Cow<'static, str>> {
    reason.map(|reason| Cow::from(reason.to_string()))
}

/// The SQL type of a result; `noted` results end with a field `note`.
pub(crate) fn struct_type<R: Row>(noted: bool) -> DataType {
    DataType::Struct(fields::<R>(noted))
}

fn fields<R: Row>(noted: bool) -> Fields {
    let field = |(name, column): &(&'static str, Column<R>)| {
        let data_type = match column {
            Column::Number(_) => DataType::Float64,
            Column::Count(_) | Column::CountOrNone(_) => DataType::Int64,
            Column::Flag(_) => DataType::Boolean,
            Column::Text(_) => DataType::Utf8,
            Column::List(list) => list.data_type(),
        };
        Field::new(*name, data_type, true)
    };
    let note = noted.then(|| Field::new("note", DataType::Utf8, true));
    R::COLUMNS.iter().map(field).chain(note).collect()
}

/// Results as a column of structs, with a note for each where results are noted.
pub(crate) fn struct_array<R: Row>(
    rows: &[R],
    notes: Option<&[Option<String>]>,
) -> Result<StructArray> {
    let array = |(_, column): &(&'static str, Column<R>)| -> Result<ArrayRef> {
        Ok(match column {
            Column::Number(get) => Arc::new(numbers(rows, *get)),
            Column::Count(get) => Arc::new(
                rows.iter().map(|row| i64::try_from(get(row)).ok()).collect::<Int64Array>(),
            ),
            Column::CountOrNone(get) => {
                let count = |row| get(row).and_then(|count| i64::try_from(count).ok());
                Arc::new(rows.iter().map(count).collect::<Int64Array>())
            }
            Column::Flag(get) => Arc::new(rows.iter().map(get).collect::<BooleanArray>()),
            Column::Text(get) => Arc::new(words(rows, *get)),
            Column::List(list) => list.array(rows)?,
        })
    };
    let mut arrays = R::COLUMNS.iter().map(array).collect::<Result<Vec<_>>>()?;
    if let Some(notes) = notes {
        arrays.push(Arc::new(notes.iter().map(Option::as_deref).collect::<StringArray>()));
    }
    Ok(StructArray::try_new_with_length(fields::<R>(notes.is_some()), arrays, None, rows.len())?)
}

/// Most columns of numbers have no gap, and then need no list of gaps.
fn numbers<R>(rows: &[R], get: fn(&R) -> Option<f64>) -> Float64Array {
    let mut missing = false;
    let values: Vec<f64> = rows
        .iter()
        .map(|row| {
            let value = get(row);
            missing |= value.is_none();
            value.unwrap_or_default()
        })
        .collect();
    if missing {
        return rows.iter().map(get).collect();
    }
    Float64Array::from(values)
}

/// Most columns of reasons are empty.
fn words<R>(rows: &[R], get: for<'a> fn(&'a R) -> Option<Cow<'a, str>>) -> StringArray {
    match rows.iter().position(|row| get(row).is_some()) {
        None => StringArray::new_null(rows.len()),
        Some(_) => rows.iter().map(get).collect(),
    }
}
