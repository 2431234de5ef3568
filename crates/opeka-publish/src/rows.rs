//! Record batches as a small table of values, whatever Arrow types they came in.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, Float64Array, ListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;
use opeka_model::{CellRef, parse_a1};

/// The column in which every query says from which cells a row was made.
pub(crate) const CELLS: &str = "cells";

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    Real,
    Text,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) values: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// There is no column of that name.
    Missing,
    /// There is one, of this type, which is no list of text.
    NotLists(String),
    /// The cells of each row, sorted and each of them once.
    Lists(Vec<Vec<String>>),
}

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// All columns but `cells` and `<column>_cells`.
    pub(crate) columns: Vec<Column>,
    pub(crate) cells: Cells,
    /// The cells behind one column alone, by the column: a query gives them as `<column>_cells`.
    own_cells: BTreeMap<String, Vec<Vec<String>>>,
    pub(crate) len: usize,
}

impl Rows {
    /// The batches as one table; an error says what about them cannot be read.
    pub(crate) fn new(batches: &[RecordBatch]) -> Result<Self, String> {
        let mut rows =
            Self { columns: Vec::new(), cells: Cells::Missing, own_cells: BTreeMap::new(), len: 0 };
        for (at, batch) in batches.iter().enumerate() {
            if at > 0 && batch.schema().fields().len() != batches[0].schema().fields().len() {
                return Err("the batches of the rows have different columns".to_owned());
            }
            let mut next = 0;
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                if field.name() == CELLS {
                    rows.add_cells(array)?;
                    continue;
                }
                if let Some(column) = field.name().strip_suffix("_cells")
                    && let Some(own) = lists_of(array)?
                {
                    rows.own_cells.entry(column.to_owned()).or_default().extend(own);
                    continue;
                }
                if at == 0 {
                    let kind = kind_of(field.data_type());
                    rows.columns.push(Column { name: field.name().clone(), kind, values: vec![] });
                }
                let column = rows
                    .columns
                    .get_mut(next)
                    .filter(|column| column.name == *field.name())
                    .ok_or("the batches of the rows have different columns")?;
                next += 1;
                let values = values_of(array)
                    .map_err(|e| format!("column `{}` cannot be read: {e}", field.name()))?;
                column.values.extend(values);
            }
            rows.len += batch.num_rows();
        }
        Ok(rows)
    }

    fn add_cells(&mut self, array: &dyn Array) -> Result<(), String> {
        let rows = match lists_of(array)? {
            Some(rows) => rows,
            None => {
                self.cells = Cells::NotLists(array.data_type().to_string());
                return Ok(());
            }
        };
        match &mut self.cells {
            Cells::Lists(all) => all.extend(rows),
            Cells::Missing => self.cells = Cells::Lists(rows),
            Cells::NotLists(_) => {}
        }
        Ok(())
    }

    /// The cells behind each value of a column: those of `<column>_cells` where the query gives
    /// them, otherwise those of the row. Whether they are the column's own comes with them.
    pub(crate) fn cells_of<'a>(
        &'a self,
        column: &str,
        of_rows: &'a [Vec<String>],
    ) -> (&'a [Vec<String>], bool) {
        match self.own_cells.get(column) {
            Some(own) => (own, true),
            None => (of_rows, false),
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }
}

/// The lists of text of a column, each sorted and each text once; `None` where it holds none.
fn lists_of(array: &dyn Array) -> Result<Option<Vec<Vec<String>>>, String> {
    let wanted = DataType::List(Field::new("item", DataType::Utf8, true).into());
    let is_list = matches!(
        array.data_type(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            | DataType::ListView(item) | DataType::LargeListView(item)
            if kind_of(item.data_type()) == Type::Text && !item.data_type().is_nested()
    );
    if !is_list {
        return Ok(None);
    }
    let array = cast(array, &wanted).map_err(|e| e.to_string())?;
    let Some(lists) = array.as_any().downcast_ref::<ListArray>() else { return Ok(None) };
    let mut rows = Vec::with_capacity(lists.len());
    for at in 0..lists.len() {
        let mut cells = BTreeSet::new();
        if lists.is_valid(at) {
            let list = lists.value(at);
            if let Some(texts) = list.as_any().downcast_ref::<StringArray>() {
                cells.extend(texts.iter().flatten().map(reading_order));
            }
        }
        rows.push(cells.into_iter().map(|(.., text)| text).collect());
    }
    Ok(Some(rows))
}

/// Sorts cells as a reader meets them: by file, by sheet, then from top to bottom. The order in
/// which an engine gathers them is chance and must not reach an output.
fn reading_order(text: &str) -> (String, Option<String>, (u32, u32), String) {
    match CellRef::parse(text) {
        Some(cell) => {
            let place = parse_a1(&cell.cell).or_else(|| row_and_column(&cell.cell));
            (cell.source, cell.sheet, place.unwrap_or((u32::MAX, u32::MAX)), text.to_owned())
        }
        None => (text.to_owned(), None, (0, 0), text.to_owned()),
    }
}

fn row_and_column(cell: &str) -> Option<(u32, u32)> {
    let (row, column) = cell.strip_prefix('R')?.split_once('C')?;
    Some((row.parse().ok()?, column.parse().ok()?))
}

fn kind_of(data_type: &DataType) -> Type {
    match data_type {
        t if t.is_integer() => Type::Integer,
        t if t.is_floating() => Type::Real,
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => {
            if *scale <= 0 {
                Type::Integer
            } else {
                Type::Real
            }
        }
        DataType::Dictionary(_, value) => kind_of(value),
        _ => Type::Text,
    }
}

fn values_of(array: &dyn Array) -> Result<Vec<Value>, String> {
    let numeric = kind_of(array.data_type()) != Type::Text;
    let wanted = if numeric { DataType::Float64 } else { DataType::Utf8 };
    let array = cast(array, &wanted).map_err(|e| e.to_string())?;
    if let Some(numbers) = array.as_any().downcast_ref::<Float64Array>() {
        return Ok(numbers.iter().map(|n| n.map_or(Value::Null, Value::Number)).collect());
    }
    let texts = array.as_any().downcast_ref::<StringArray>().ok_or("it is no text")?;
    Ok(texts.iter().map(|t| t.map_or(Value::Null, |t| Value::Text(t.to_owned()))).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Int32Array, ListBuilder, StringViewArray};
    use arrow::array::{LargeListBuilder, StringBuilder, StringViewBuilder};

    use super::*;

    fn rows(columns: Vec<(&str, ArrayRef)>) -> Rows {
        Rows::new(&[RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
    }

    #[test]
    fn whatever_arrow_calls_them_they_are_numbers_and_texts() {
        let decimals = Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).unwrap();
        let rows = rows(vec![
            ("year", Arc::new(Int32Array::from(vec![2018]))),
            ("rate", Arc::new(decimals)),
            ("name", Arc::new(StringViewArray::from(vec!["England"]))),
        ]);
        assert_eq!(rows.column("year").unwrap().kind, Type::Integer);
        assert_eq!(rows.column("rate").unwrap().values, [Value::Number(123.45)]);
        assert_eq!(rows.column("name").unwrap().values, [Value::Text("England".into())]);
        assert!(matches!(rows.cells, Cells::Missing));
    }

    #[test]
    fn cells_come_in_reading_order_and_once() {
        let cells = ["b.csv#R10C1", "b.csv#R2C1", "a.xlsx#S!B10", "a.xlsx#S!B9", "b.csv#R2C1"];
        let mut views = ListBuilder::new(StringViewBuilder::new());
        views.append_value(cells.map(Some));
        let mut large = LargeListBuilder::new(StringBuilder::new());
        large.append_value(cells.map(Some));
        large.append_null();
        let expected = ["a.xlsx#S!B9", "a.xlsx#S!B10", "b.csv#R2C1", "b.csv#R10C1"];
        for array in [Arc::new(views.finish()) as ArrayRef, Arc::new(large.finish())] {
            let len = array.len();
            let Cells::Lists(found) = rows(vec![("cells", array)]).cells else { panic!() };
            assert_eq!((found.len(), &found[0][..]), (len, &expected.map(String::from)[..]));
        }
    }

    #[test]
    fn lists_of_lists_are_named_as_what_they_are() {
        let mut nested = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        nested.values().append_value([Some("a")]);
        nested.append(true);
        let found = rows(vec![("cells", Arc::new(nested.finish()))]).cells;
        assert!(matches!(found, Cells::NotLists(_)), "{found:?}");
    }
}
