//! Results as Arrow structs: one table per kind of result names its fields once.

use std::borrow::{Borrow, Cow};
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

/// What an aggregate returns for a group: a struct, or a list of structs.
pub(crate) trait Answer: Sized + 'static {
    /// The SQL type; the structs of `noted` answers end with a field `note`.
    fn data_type(noted: bool) -> DataType;

    /// The answers of many groups, with a note for each where answers are noted.
    fn array(answers: &[Self], notes: Option<&[Option<String>]>) -> Result<ArrayRef>;

    /// The answer that only says why there is none.
    fn refused(reason: Reason) -> Self;
}

impl<R: Row> Answer for R {
    fn data_type(noted: bool) -> DataType {
        struct_type::<R>(noted)
    }

    fn array(answers: &[Self], notes: Option<&[Option<String>]>) -> Result<ArrayRef> {
        Ok(Arc::new(struct_array::<R, R>(answers, notes)?))
    }

    fn refused(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

/// Many structs, such as one for each event time. Where there is none, one struct says why.
pub(crate) struct Many<R>(pub(crate) Vec<R>);

impl<R: Row> Answer for Many<R> {
    fn data_type(noted: bool) -> DataType {
        DataType::List(Arc::new(Field::new_list_field(struct_type::<R>(noted), true)))
    }

    fn array(answers: &[Self], notes: Option<&[Option<String>]>) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::from_lengths(answers.iter().map(|answer| answer.0.len()));
        let all: Vec<&R> = answers.iter().flat_map(|answer| &answer.0).collect();
        let notes = notes.map(|notes| -> Vec<Option<String>> {
            let each = answers.iter().zip(notes);
            each.flat_map(|(answer, note)| vec![note.clone(); answer.0.len()]).collect()
        });
        let values = Arc::new(struct_array::<R, &R>(&all, notes.as_deref())?);
        let item = Field::new_list_field(struct_type::<R>(notes.is_some()), true);
        Ok(Arc::new(ListArray::try_new(Arc::new(item), offsets, values, None)?))
    }

    fn refused(reason: Reason) -> Self {
        Self(vec![R::unknown(reason)])
    }
}

/// A list of structs inside a result.
pub(crate) struct List<R, S: 'static>(pub(crate) fn(&R) -> &[S]);

pub(crate) trait ListOf<R> {
    fn data_type(&self) -> DataType;
    fn array(&self, rows: &[&R]) -> Result<ArrayRef>;
}

impl<R, S: Row> ListOf<R> for List<R, S> {
    fn data_type(&self) -> DataType {
        DataType::List(item::<S>())
    }

    fn array(&self, rows: &[&R]) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| (self.0)(row).len()));
        let all: Vec<&S> = rows.iter().flat_map(|row| (self.0)(row)).collect();
        let values = Arc::new(struct_array::<S, &S>(&all, None)?);
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
pub(crate) fn struct_array<R: Row, B: Borrow<R>>(
    rows: &[B],
    notes: Option<&[Option<String>]>,
) -> Result<StructArray> {
    let array = |(_, column): &(&'static str, Column<R>)| -> Result<ArrayRef> {
        Ok(match column {
            Column::Number(get) => Arc::new(numbers(rows, *get)),
            Column::Count(get) => Arc::new(
                rows.iter()
                    .map(|row| i64::try_from(get(row.borrow())).ok())
                    .collect::<Int64Array>(),
            ),
            Column::CountOrNone(get) => {
                let count = |row: &B| get(row.borrow()).and_then(|count| i64::try_from(count).ok());
                Arc::new(rows.iter().map(count).collect::<Int64Array>())
            }
            Column::Flag(get) => {
                Arc::new(rows.iter().map(|row| get(row.borrow())).collect::<BooleanArray>())
            }
            Column::Text(get) => Arc::new(words(rows, *get)),
            Column::List(list) => {
                list.array(&rows.iter().map(Borrow::borrow).collect::<Vec<&R>>())?
            }
        })
    };
    let mut arrays = R::COLUMNS.iter().map(array).collect::<Result<Vec<_>>>()?;
    if let Some(notes) = notes {
        arrays.push(Arc::new(notes.iter().map(Option::as_deref).collect::<StringArray>()));
    }
    Ok(StructArray::try_new_with_length(fields::<R>(notes.is_some()), arrays, None, rows.len())?)
}

/// Most columns of numbers have no gap, and then need no list of gaps.
fn numbers<R, B: Borrow<R>>(rows: &[B], get: fn(&R) -> Option<f64>) -> Float64Array {
    let mut missing = false;
    let values: Vec<f64> = rows
        .iter()
        .map(|row| {
            let value = get(row.borrow());
            missing |= value.is_none();
            value.unwrap_or_default()
        })
        .collect();
    if missing {
        return rows.iter().map(|row| get(row.borrow())).collect();
    }
    Float64Array::from(values)
}

/// Most columns of reasons are empty.
fn words<R, B: Borrow<R>>(
    rows: &[B],
    get: for<'a> fn(&'a R) -> Option<Cow<'a, str>>,
) -> StringArray {
    match rows.iter().position(|row| get(row.borrow()).is_some()) {
        None => StringArray::new_null(rows.len()),
        Some(_) => rows.iter().map(|row| get(row.borrow())).collect(),
    }
}
