//! Workbooks, read by calamine; what calamine does not tell comes from [`super::superscript`].

use std::fmt::Display;
use std::io::Cursor;

use calamine::{
    Data, Dimensions, Ods, OdsError, Reader, SheetType, Xls, XlsError, Xlsb, XlsbError, Xlsx,
    XlsxError, open_workbook_from_rs,
};

use super::superscript::{self, SheetMarks};
use super::{Format, repair};
use crate::grid::{Cell, Grid, Span, Value};

/// Why a workbook cannot be opened.
pub(super) enum Unreadable {
    Password,
    Damaged(String),
}

type Bytes<'a> = Cursor<&'a [u8]>;

pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    match format {
        Format::Xlsx => match xlsx(bytes) {
            Err(XlsxError::RangeWithoutColumnComponent | XlsxError::RangeWithoutRowComponent) => {
                let repaired = repair::without_dimensions(bytes).map_err(Unreadable::Damaged)?;
                xlsx(&repaired).map_err(xlsx_unreadable)
            }
            read => read.map_err(xlsx_unreadable),
        },
        Format::Xlsb => xlsb(bytes),
        Format::Ods => ods(bytes),
        Format::Ole2 => {
            // An encrypted workbook of a newer format hides in the same container.
            let newer: Result<Xlsx<Bytes>, _> = open_workbook_from_rs(Cursor::new(bytes));
            match newer {
                Err(XlsxError::Password) => Err(Unreadable::Password),
                _ => xls(bytes),
            }
        }
        _ => Err(Unreadable::Damaged("not a workbook".into())),
    }
}

fn damaged(error: impl Display) -> Unreadable {
    Unreadable::Damaged(error.to_string())
}

fn xlsx_unreadable(error: XlsxError) -> Unreadable {
    match error {
        XlsxError::Password => Unreadable::Password,
        other => damaged(other),
    }
}

/// Cell by cell: a range of all cells between the first and the last would take memory by the
/// claims of the file, up to 17 thousand million cells for two.
fn xlsx(bytes: &[u8]) -> Result<Vec<Grid>, XlsxError> {
    let mut workbook: Xlsx<Bytes> = open_workbook_from_rs(Cursor::new(bytes))?;
    let mut superscripts = superscript::find(bytes)?;
    let mut grids = Vec::new();
    for name in worksheets(&workbook) {
        let mut marks = superscripts.remove(&name).unwrap_or_default();
        let mut cells = Vec::new();
        let mut reader = match workbook.worksheet_cells_reader(&name) {
            Err(XlsxError::NotAWorksheet(_)) => continue,
            reader => reader?,
        };
        while let Some(read) = reader.next_cell()? {
            let data = Data::from(read.get_value().clone());
            cells.extend(cell(read.get_position(), &data, &mut marks));
        }
        drop(reader);
        let merged = spans(workbook.merge_cells_by_sheet_name(&name)?);
        grids.push(Grid::sheet(name, cells, merged));
    }
    Ok(grids)
}

fn xlsb(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let mut workbook: Xlsb<Bytes> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsbError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let mut grids = Vec::new();
    for name in worksheets(&workbook) {
        let mut cells = Vec::new();
        let mut reader = workbook.worksheet_cells_reader(&name).map_err(damaged)?;
        while let Some(read) = reader.next_cell().map_err(damaged)? {
            let data = Data::from(read.get_value().clone());
            cells.extend(cell(read.get_position(), &data, &mut SheetMarks::new()));
        }
        drop(reader);
        grids.push(Grid::sheet(name, cells, Vec::new()));
    }
    Ok(grids)
}

/// The reader itself bounds the cells of this format.
fn ods(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let mut workbook: Ods<Bytes> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            OdsError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let mut merged = super::ods::merged(bytes).map_err(Unreadable::Damaged)?;
    let mut grids = Vec::new();
    for name in worksheets(&workbook) {
        let range = workbook.worksheet_range(&name).map_err(damaged)?;
        let merged = merged.remove(&name).unwrap_or_default();
        grids.push(Grid::sheet(name, range_cells(&range), merged));
    }
    Ok(grids)
}

/// The format itself ends at row 65,536 and column IV.
fn xls(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let mut workbook: Xls<Bytes> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let mut grids = Vec::new();
    for name in worksheets(&workbook) {
        let range = workbook.worksheet_range(&name).map_err(damaged)?;
        let merged = spans(workbook.merge_cells_by_sheet_name(&name).map_err(damaged)?);
        grids.push(Grid::sheet(name, range_cells(&range), merged));
    }
    Ok(grids)
}

fn worksheets<'a, R: Reader<Bytes<'a>>>(workbook: &R) -> Vec<String> {
    let sheets = workbook.sheets_metadata().iter();
    sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|s| s.name.clone()).collect()
}

/// The cells of a range; it begins at its first cell, not at A1.
fn range_cells(range: &calamine::Range<Data>) -> Vec<Cell> {
    let (top, left) = range.start().unwrap_or((0, 0));
    let cells = range.used_cells().filter_map(|(row, column, data)| {
        let place = (top.saturating_add(row as u32), left.saturating_add(column as u32));
        cell(place, data, &mut SheetMarks::new())
    });
    cells.collect()
}

/// One cell that is not empty, its superscript mark split off.
fn cell((row, column): (u32, u32), data: &Data, marks: &mut SheetMarks) -> Option<Cell> {
    let (value, superscript) = match marks.remove(&(row, column)) {
        Some((base, mark)) => (Value::Text(base.into()), Some(mark.into())),
        None => split_unicode(value(data)?),
    };
    Some(Cell { superscript, ..Cell::plain(row, column, value) })
}

fn spans(ranges: Vec<Dimensions>) -> Vec<Span> {
    let span = |d: Dimensions| Span {
        top: d.start.0.min(d.end.0),
        left: d.start.1.min(d.end.1),
        bottom: d.start.0.max(d.end.0),
        right: d.start.1.max(d.end.1),
    };
    ranges.into_iter().map(span).collect()
}

fn value(data: &Data) -> Option<Value> {
    Some(match data {
        Data::Empty => return None,
        Data::Int(number) => Value::Number(*number as f64),
        Data::Float(number) => Value::Number(*number),
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(text) => Value::Text(text.as_str().into()),
        Data::Bool(truth) => Value::Bool(*truth),
        Data::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) != (0, 0, 0) {
                text += &format!("T{hour:02}:{minute:02}:{second:02}");
            }
            Value::Date(text)
        }
        Data::DateTimeIso(text) | Data::DurationIso(text) => Value::Date(text.clone()),
        Data::Error(error) => Value::Error(error.to_string()),
    })
}

/// A mark written with the superscript digits of Unicode is a superscript too.
fn split_unicode(value: Value) -> (Value, Option<Box<str>>) {
    const DIGITS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let Value::Text(text) = &value else { return (value, None) };
    let base = text.trim_end().trim_end_matches(|c| DIGITS.contains(c));
    let mark: String = text[base.len()..]
        .chars()
        .filter_map(|c| DIGITS.chars().position(|digit| digit == c))
        .filter_map(|digit| char::from_digit(digit as u32, 10))
        .collect();
    if mark.is_empty() || base.trim().is_empty() {
        return (value, None);
    }
    (Value::Text(base.into()), Some(mark.into()))
}
