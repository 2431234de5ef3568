//! The state of an aggregate that needs all its rows: the columns, as they came.
//!
//! Medians of pairs, bootstraps and panel estimators have no running sums to keep. Their
//! accumulator collects the rows in which no column is `NULL`; the method itself sees to it that
//! the order of rows does not matter.

use std::fmt;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::cast::{as_float64_array, as_list_array};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::Accumulator;
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::format_state_name;

use crate::row::{Row, struct_array};

/// Collects the first arguments of an aggregate, and calls the method when asked.
pub(crate) struct Collector<R> {
    columns: Vec<Vec<f64>>,
    method: Method<R>,
}

/// What is done with the columns in the end.
type Method<R> = Box<dyn Fn(&[Vec<f64>]) -> R + Send + Sync>;

impl<R: Row> Collector<R> {
    /// `method` is given `n_columns` vectors of equal length.
    pub(crate) fn new(
        args: &AccumulatorArgs,
        n_columns: usize,
        method: impl Fn(&[Vec<f64>]) -> R + Send + Sync + 'static,
    ) -> Result<Self> {
        if args.is_distinct {
            return plan_err!("{} does not take `distinct`: equal rows all count", args.name);
        }
        Ok(Self { columns: vec![Vec::new(); n_columns], method: Box::new(method) })
    }

    fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
}

/// One list of numbers per column.
pub(crate) fn state_fields(args: &StateFieldsArgs, columns: &[&str]) -> Vec<FieldRef> {
    let list = DataType::List(item());
    let field = |column: &&str| {
        Arc::new(Field::new(format_state_name(args.name, column), list.clone(), true))
    };
    columns.iter().map(field).collect()
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Float64, true))
}

/// A result as the single value that an aggregate returns.
pub(crate) fn scalar<R: Row>(result: R) -> Result<ScalarValue> {
    Ok(ScalarValue::Struct(Arc::new(struct_array(&[result])?)))
}

/// The rows in which every column has a value.
fn complete_rows<'a>(
    arrays: &'a [ArrayRef],
    n_columns: usize,
) -> Result<(Vec<&'a Float64Array>, impl Iterator<Item = usize> + 'a)> {
    // Arguments after the collected ones are constants.
    let Some(arrays) = arrays.get(..n_columns) else {
        return internal_err!("{} columns where {n_columns} are collected", arrays.len());
    };
    let columns: Vec<&Float64Array> =
        arrays.iter().map(|array| as_float64_array(array)).collect::<Result<_>>()?;
    let n_rows = columns.first().map_or(0, |column| column.len());
    let complete = (0..n_rows).filter(|row| arrays.iter().all(|array| array.is_valid(*row)));
    Ok((columns, complete))
}

impl<R: Row> Accumulator for Collector<R> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (columns, rows) = complete_rows(values, self.columns.len())?;
        for row in rows {
            for (kept, column) in self.columns.iter_mut().zip(&columns) {
                kept.push(column.value(row));
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |column: &mut Vec<f64>| {
            let values = Float64Array::from(std::mem::take(column));
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            let list = ListArray::try_new(item(), offsets, Arc::new(values), None)?;
            Ok(ScalarValue::List(Arc::new(list)))
        };
        self.columns.iter_mut().map(list).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if states.len() != self.columns.len() {
            return internal_err!("{} lists for {} columns", states.len(), self.columns.len());
        }
        for (kept, state) in self.columns.iter_mut().zip(states) {
            for list in as_list_array(state)?.iter().flatten() {
                kept.extend_from_slice(as_float64_array(&list)?.values());
            }
        }
        let n_rows = self.n_rows();
        if self.columns.iter().any(|column| column.len() != n_rows) {
            return internal_err!("columns of different lengths in the state of an aggregate");
        }
        Ok(())
    }

    /// May be called again as a window grows, so it leaves the state as it is.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        scalar((self.method)(&self.columns))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.columns.iter().map(|column| column.capacity() * 8).sum::<usize>()
    }

    /// Rows leave a sliding window in the order in which they came, so each is found at once.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (columns, rows) = complete_rows(values, self.columns.len())?;
        for row in rows {
            let leaves = |position: &usize| {
                let same = |(kept, column): (&Vec<f64>, &&Float64Array)| {
                    kept[*position].to_bits() == column.value(row).to_bits()
                };
                self.columns.iter().zip(&columns).all(same)
            };
            let Some(position) = (0..self.n_rows()).find(leaves) else {
                return internal_err!("a row leaves a window that it never entered");
            };
            for kept in &mut self.columns {
                kept.remove(position);
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

impl<R> fmt::Debug for Collector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("columns", &self.columns).finish_non_exhaustive()
    }
}
