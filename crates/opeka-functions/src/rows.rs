//! Rows as they are kept for a method: columns of numbers, of words and of lists of numbers.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, ListArray, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::cast::{as_float64_array, as_list_array, as_string_array};
use datafusion_common::{Result, internal_err};

use opeka_stats::{Labels, Reason};

use crate::lists::{Lists, list_at, list_of_numbers};
use crate::parameters::{Kind, Options, Parameters};
use crate::series::Series;
use crate::words::Words;

/// `NULL` among numbers that keep it: a `NaN` of its own, as in R, that no calculation makes.
const MISSING: u64 = 0x7ff8_0000_0000_07a2;

fn number(array: &Float64Array, row: usize) -> f64 {
    if array.is_valid(row) { array.value(row) } else { f64::from_bits(MISSING) }
}

fn is_missing(number: &f64) -> bool {
    number.to_bits() == MISSING
}

/// Rows of a group, of a partition or of many groups, column by column.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    columns: Vec<Stored>,
    /// Whether the call gives this column.
    present: Vec<bool>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Stored {
    Numbers(Vec<f64>),
    Words(Words),
    Lists(Lists),
}

/// A batch of arguments, of which the complete rows are wanted: those in which every column that
/// must be there is.
pub(crate) struct Batch<'a> {
    columns: Vec<Argument<'a>>,
    pub(crate) len: usize,
}

enum Argument<'a> {
    Numbers(&'a Float64Array, Kind),
    Words(&'a StringArray, Kind),
    Lists(&'a ListArray),
    /// A column that was left out.
    Nothing,
}

impl Argument<'_> {
    /// Where a value is missing that must be there.
    fn gaps(&self) -> Option<&NullBuffer> {
        match self {
            Self::Numbers(array, kind) if kind.is_needed() => array.nulls(),
            Self::Words(array, kind) if kind.is_needed() => array.nulls(),
            _ => None,
        }
    }
}

impl<'a> Batch<'a> {
    /// The columns among the arguments of a call.
    pub(crate) fn of(parameters: &Parameters, arguments: &'a [ArrayRef]) -> Result<Self> {
        let argument = |(position, _, kind): (usize, &str, Kind)| {
            Ok(match (arguments.get(position), kind) {
                (None, _) => Argument::Nothing,
                (Some(array), _) if array.data_type().is_null() => Argument::Nothing,
                (Some(array), kind) if kind.is_numbers() => {
                    Argument::Numbers(as_float64_array(array)?, kind)
                }
                (Some(array), kind) if kind.is_lists() => Argument::Lists(as_list_array(array)?),
                (Some(array), kind) => Argument::Words(as_string_array(array)?, kind),
            })
        };
        let columns = parameters.columns().map(argument).collect::<Result<_>>()?;
        Ok(Self { columns, len: arguments.first().map_or(0, |array| array.len()) })
    }

    /// The name of the first column that must have a value here and has none.
    pub(crate) fn missing(&self, parameters: &Parameters, row: usize) -> Option<&'static str> {
        let position = self.columns.iter().position(|column| match column {
            Argument::Numbers(array, kind) => kind.is_needed() && array.is_null(row),
            Argument::Words(array, kind) => kind.is_needed() && array.is_null(row),
            Argument::Lists(_) | Argument::Nothing => false,
        })?;
        parameters.columns().nth(position).map(|(_, name, _)| name)
    }

    /// The rows in which no column is missing that must be there.
    fn complete(&self) -> Vec<usize> {
        let gaps: Vec<_> = self.columns.iter().filter_map(Argument::gaps).collect();
        if gaps.is_empty() {
            return (0..self.len).collect();
        }
        (0..self.len).filter(|row| gaps.iter().all(|gaps| gaps.is_valid(*row))).collect()
    }
}

impl Batch<'_> {
    /// The rows that are kept, in ascending order: those that are complete, and those of a series
    /// that only say where it breaks.
    pub(crate) fn kept(&self, series: Option<&Series>) -> Vec<usize> {
        let mut kept = self.complete();
        let breaks = series.map(|series| self.breaks(series.time, series.status));
        if let Some(breaks) = breaks.filter(|breaks| !breaks.is_empty()) {
            kept.extend(breaks);
            kept.sort_unstable();
        }
        kept
    }

    /// Rows in which something is missing, but which say that the series breaks there: in the year
    /// in which a definition changes, the figure is often not published.
    fn breaks(&self, time: usize, status: usize) -> Vec<usize> {
        let (Some(Argument::Numbers(time, _)), Some(Argument::Words(status, _))) =
            (self.columns.get(time), self.columns.get(status))
        else {
            return Vec::new();
        };
        let gaps: Vec<_> = self.columns.iter().filter_map(Argument::gaps).collect();
        let breaks = |row: &usize| {
            status.is_valid(*row)
                && status.value(*row) == "B"
                && time.is_valid(*row)
                && gaps.iter().any(|gaps| gaps.is_null(*row))
        };
        if gaps.is_empty() { Vec::new() } else { (0..self.len).filter(breaks).collect() }
    }
}

impl Rows {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let stored = |(_, _, kind): (usize, &str, Kind)| match kind {
            kind if kind.is_numbers() => Stored::Numbers(Vec::new()),
            kind if kind.is_lists() => Stored::Lists(Lists::default()),
            _ => Stored::Words(Words::default()),
        };
        let columns: Vec<Stored> = parameters.columns().map(stored).collect();
        Self { present: vec![false; columns.len()], columns, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A column of numbers, counted among the columns and not among all parameters.
    pub(crate) fn numbers(&self, column: usize) -> &[f64] {
        match self.columns.get(column) {
            Some(Stored::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// A column of [`Kind::NumberOrNull`] that must be there in every row.
    pub(crate) fn whole(&self, column: usize, name: &str) -> Result<&[f64], Reason> {
        let numbers = self.numbers(column);
        match numbers.iter().filter(|number| is_missing(number)).count() {
            0 => Ok(numbers),
            missing => {
                let why = format!("{name} is missing in {missing} of {} rows", self.len);
                Err(Reason::because(why))
            }
        }
    }

    /// Whether the call gives an optional column, other than as a literal `NULL`.
    pub(crate) fn is_given(&self, column: usize, name: &str, options: &Options) -> bool {
        self.present.get(column) == Some(&true) && !options.is_nothing(name)
    }

    /// A column of [`Kind::NumberOrNothing`]: nothing where the call leaves it out, a reason where
    /// it is there and has gaps. That it is `NULL` in all rows of a group does not leave it out.
    pub(crate) fn given(
        &self,
        column: usize,
        name: &str,
        options: &Options,
    ) -> Result<Option<&[f64]>, Reason> {
        match self.is_given(column, name, options) {
            true => self.whole(column, name).map(Some),
            false => Ok(None),
        }
    }

    /// Whether a value is there in all of these columns.
    pub(crate) fn has(&self, row: usize, columns: &[usize]) -> bool {
        columns.iter().all(|column| match self.columns.get(*column) {
            Some(Stored::Numbers(numbers)) => numbers.get(row).is_some_and(|n| !is_missing(n)),
            Some(Stored::Words(words)) => words.word(row).is_some(),
            Some(Stored::Lists(lists)) => lists.get(row).is_some(),
            None => false,
        })
    }

    /// A column of [`Kind::NumberOrNull`], row by row.
    pub(crate) fn numbers_or_none(&self, column: usize) -> Vec<Option<f64>> {
        let numbers = self.numbers(column).iter();
        numbers.map(|number| (!is_missing(number)).then_some(*number)).collect()
    }

    /// A column of which one number is expected, such as the years between two columns of values.
    pub(crate) fn constant(&self, column: usize, name: &str) -> Result<Option<f64>, Reason> {
        let numbers = self.numbers(column);
        match numbers.first() {
            Some(first) if numbers.iter().any(|other| other.to_bits() != first.to_bits()) => {
                Err(Reason::because(format!("{name} is not the same in all rows")))
            }
            first => Ok(first.copied()),
        }
    }

    /// A column of words.
    pub(crate) fn words(&self, column: usize) -> Vec<Option<&str>> {
        match self.columns.get(column) {
            Some(Stored::Words(words)) => (0..self.len).map(|row| words.word(row)).collect(),
            _ => vec![None; self.len],
        }
    }

    /// The words of these rows, if each of them has one.
    pub(crate) fn labels(&self, column: usize, rows: &[u32]) -> Option<Labels> {
        match self.columns.get(column) {
            Some(Stored::Words(words)) => words.labels(rows),
            _ => None,
        }
    }

    /// The list of a row; nothing where it is missing. A number that is missing in it is `NaN`.
    pub(crate) fn list(&self, column: usize, row: usize) -> Option<&[f64]> {
        match self.columns.get(column) {
            Some(Stored::Lists(lists)) => lists.get(row),
            _ => None,
        }
    }

    /// Adds rows of a batch, in ascending order.
    pub(crate) fn push(&mut self, batch: &Batch<'_>, rows: &[usize]) -> Result<()> {
        let len = self.len + rows.len();
        for (present, column) in self.present.iter_mut().zip(&batch.columns) {
            *present |= !matches!(column, Argument::Nothing);
        }
        for (stored, column) in self.columns.iter_mut().zip(&batch.columns) {
            match (stored, column) {
                (Stored::Numbers(numbers), Argument::Numbers(array, _)) => {
                    if rows.len() == batch.len && array.null_count() == 0 {
                        numbers.extend_from_slice(array.values());
                    } else {
                        numbers.extend(rows.iter().map(|row| number(array, *row)));
                    }
                }
                (Stored::Words(words), Argument::Words(array, _)) => {
                    for (position, &row) in (self.len..).zip(rows) {
                        words.push(position, array.is_valid(row).then(|| array.value(row)));
                    }
                }
                (Stored::Lists(lists), Argument::Lists(array)) => {
                    for (position, &row) in (self.len..).zip(rows) {
                        lists.push(position, list_at(array, row)?);
                    }
                }
                (Stored::Words(_) | Stored::Lists(_), _) => {}
                (Stored::Numbers(numbers), _) => numbers.resize(len, f64::from_bits(MISSING)),
            }
        }
        self.len = len;
        Ok(())
    }

    /// Makes this the rows of another, in this order; the space is used again.
    pub(crate) fn take(&mut self, from: &Self, rows: &[u32]) {
        if self.present != from.present {
            self.present.clone_from(&from.present);
        }
        for (to, from) in self.columns.iter_mut().zip(&from.columns) {
            match (to, from) {
                (Stored::Numbers(to), Stored::Numbers(from)) => {
                    to.clear();
                    to.extend(rows.iter().filter_map(|row| from.get(*row as usize)));
                }
                (Stored::Words(to), Stored::Words(from)) => to.take(from, rows),
                (Stored::Lists(to), Stored::Lists(from)) => to.take(from, rows),
                _ => {}
            }
        }
        self.len = rows.len();
    }

    /// Leaves out a row.
    pub(crate) fn remove(&mut self, row: usize) {
        for column in &mut self.columns {
            match column {
                Stored::Numbers(numbers) => drop(numbers.remove(row)),
                Stored::Words(words) => words.remove(row),
                Stored::Lists(lists) => lists.remove(row),
            }
        }
        self.len -= 1;
    }

    /// The first row that equals one of a batch.
    pub(crate) fn find(&self, batch: &Batch<'_>, row: usize) -> Result<Option<usize>> {
        let lists = batch.columns.iter().map(|column| match column {
            Argument::Lists(array) => list_at(array, row),
            _ => Ok(None),
        });
        let lists = lists.collect::<Result<Vec<_>>>()?;
        let same = |position: usize| {
            let columns = self.columns.iter().zip(&batch.columns).zip(&lists);
            columns.into_iter().all(|((stored, column), list)| match (stored, column) {
                (Stored::Lists(lists), _) => lists.is(position, list.as_deref()),
                (Stored::Numbers(numbers), Argument::Numbers(array, _)) => {
                    numbers[position].to_bits() == number(array, row).to_bits()
                }
                (Stored::Words(words), Argument::Words(array, _)) => {
                    words.word(position) == array.is_valid(row).then(|| array.value(row))
                }
                (Stored::Words(words), _) => words.word(position).is_none(),
                (Stored::Numbers(numbers), _) => is_missing(&numbers[position]),
            })
        };
        Ok((0..self.len).find(|position| same(*position)))
    }

    /// Columns as lists, one list for each of the lengths, rows in this order.
    pub(crate) fn to_lists(&self, rows: &[u32], lengths: &[usize]) -> Result<Vec<ArrayRef>> {
        let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
        let list = |(stored, present): (&Stored, &bool)| -> Result<ArrayRef> {
            let row = |row: &u32| *row as usize;
            let (item, values): (FieldRef, ArrayRef) = match stored {
                // What the call leaves out has no lists either.
                Stored::Numbers(_) if !present => {
                    return Ok(Arc::new(ListArray::new_null(item(Kind::Number), lengths.len())));
                }
                Stored::Words(_) if !present => {
                    return Ok(Arc::new(ListArray::new_null(item(Kind::Text), lengths.len())));
                }
                Stored::Lists(_) if !present => {
                    let item = item(Kind::NumbersOrNothing);
                    return Ok(Arc::new(ListArray::new_null(item, lengths.len())));
                }
                Stored::Lists(lists) => (item(Kind::NumbersOrNothing), lists.to_array(rows)?),
                Stored::Numbers(numbers) => {
                    let values = rows.iter().map(|r| numbers[row(r)]);
                    (item(Kind::Number), Arc::new(Float64Array::from_iter_values(values)))
                }
                Stored::Words(words) => {
                    let values = rows.iter().map(|r| words.word(row(r)));
                    (item(Kind::Text), Arc::new(values.collect::<StringArray>()))
                }
            };
            Ok(Arc::new(ListArray::try_new(item, offsets.clone(), values, None)?))
        };
        self.columns.iter().zip(&self.present).map(list).collect()
    }

    /// Adds the rows in lists that [`Self::to_lists`] made; the lengths of the lists.
    pub(crate) fn push_lists(&mut self, lists: &[ArrayRef]) -> Result<Vec<usize>> {
        if lists.len() != self.columns.len() {
            return internal_err!("{} lists for {} columns", lists.len(), self.columns.len());
        }
        let mut lengths: Option<Vec<usize>> = None;
        let present = self.present.iter_mut();
        for ((stored, list), present) in self.columns.iter_mut().zip(lists).zip(present) {
            let list = as_list_array(list)?;
            if list.null_count() == list.len() && !list.is_empty() {
                continue; // a column that the call leaves out
            }
            *present = true;
            let these: Vec<usize> = list.offsets().lengths().collect();
            if lengths.as_ref().is_some_and(|known| *known != these) {
                return internal_err!("columns of different lengths in the state of an aggregate");
            }
            lengths = Some(these);
            let (first, last) = (list.offsets()[0] as usize, list.offsets()[list.len()] as usize);
            match stored {
                Stored::Numbers(numbers) => {
                    numbers
                        .extend_from_slice(&as_float64_array(list.values())?.values()[first..last]);
                }
                Stored::Words(words) => {
                    let values = as_string_array(list.values())?;
                    for (position, value) in (self.len..).zip(first..last) {
                        words.push(position, values.is_valid(value).then(|| values.value(value)));
                    }
                }
                Stored::Lists(lists) => {
                    let values = as_list_array(list.values())?;
                    for (position, value) in (self.len..).zip(first..last) {
                        lists.push(position, list_at(values, value)?);
                    }
                }
            }
        }
        // No column at all: the state of an accumulator that saw no batch.
        let n_lists = lists.first().map_or(0, |list| list.len());
        let lengths = lengths.unwrap_or_else(|| vec![0; n_lists]);
        self.len += lengths.iter().sum::<usize>();
        for stored in &mut self.columns {
            if let Stored::Numbers(numbers) = stored {
                numbers.resize(self.len, f64::from_bits(MISSING));
            }
        }
        Ok(lengths)
    }

    /// Bytes that the rows take.
    pub(crate) fn size(&self) -> usize {
        let bytes = |stored: &Stored| match stored {
            Stored::Numbers(numbers) => numbers.capacity() * size_of::<f64>(),
            Stored::Words(words) => words.size(),
            Stored::Lists(lists) => lists.size(),
        };
        size_of::<Self>() + self.columns.iter().map(bytes).sum::<usize>()
    }
}

/// The lists that hold rows between two stages of an aggregate.
pub(crate) fn list_types(parameters: &Parameters) -> Vec<(&'static str, DataType)> {
    let list = |(_, name, kind): (usize, &'static str, Kind)| (name, DataType::List(item(kind)));
    parameters.columns().map(list).collect()
}

fn item(kind: Kind) -> FieldRef {
    let data_type = match kind {
        kind if kind.is_numbers() => DataType::Float64,
        kind if kind.is_lists() => list_of_numbers(),
        _ => DataType::Utf8,
    };
    Arc::new(Field::new_list_field(data_type, true))
}
