//! A column of lists of numbers, such as the covariates of a row, as it is kept for a method.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use datafusion_common::Result;
use datafusion_common::cast::as_float64_array;

/// One list for each row; a missing list is no list, and a missing number in one is `NaN`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    lists: Vec<Option<Box<[f64]>>>,
}

/// The type of a column of lists.
pub(crate) fn list_of_numbers() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
}

/// The list in a row of an array.
pub(crate) fn list_at(array: &ListArray, row: usize) -> Result<Option<Box<[f64]>>> {
    if array.is_null(row) {
        return Ok(None);
    }
    let values = array.value(row);
    let values = as_float64_array(&values)?;
    Ok(Some(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect()))
}

impl Lists {
    pub(crate) fn get(&self, row: usize) -> Option<&[f64]> {
        self.lists.get(row)?.as_deref()
    }

    /// Sets the list of a row, which is the last.
    pub(crate) fn push(&mut self, row: usize, list: Option<Box<[f64]>>) {
        if list.is_some() {
            self.lists.resize(row, None);
            self.lists.push(list);
        }
    }

    /// Makes this the lists of another, in this order.
    pub(crate) fn take(&mut self, from: &Self, rows: &[u32]) {
        self.lists.clear();
        if !from.lists.is_empty() {
            let list = |row: &u32| from.lists.get(*row as usize).cloned().flatten();
            self.lists.extend(rows.iter().map(list));
        }
    }

    pub(crate) fn remove(&mut self, row: usize) {
        if row < self.lists.len() {
            self.lists.remove(row);
        }
    }

    /// Whether the list of a row is that of an array, `NaN` being equal to itself.
    pub(crate) fn is(&self, row: usize, other: Option<&[f64]>) -> bool {
        match (self.get(row), other) {
            (Some(a), Some(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// The lists of these rows as an array of lists.
    pub(crate) fn to_array(&self, rows: &[u32]) -> Result<ArrayRef> {
        let list = |row: &u32| self.get(*row as usize);
        let offsets =
            OffsetBuffer::from_lengths(rows.iter().map(|row| list(row).map_or(0, <[f64]>::len)));
        let nulls: NullBuffer = rows.iter().map(|row| list(row).is_some()).collect();
        let values: Float64Array =
            rows.iter().filter_map(list).flatten().map(|v| (!v.is_nan()).then_some(*v)).collect();
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(values), Some(nulls))?))
    }

    pub(crate) fn size(&self) -> usize {
        let numbers: usize = self.lists.iter().flatten().map(|list| list.len()).sum();
        numbers * size_of::<f64>() + self.lists.capacity() * size_of::<Option<Box<[f64]>>>()
    }
}
