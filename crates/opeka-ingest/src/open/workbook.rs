//! Workbooks, read by calamine; what calamine does not tell comes from [`super::superscript`].

use std::io::Cursor;

use calamine::{Data, Dimensions, Reader, Sheets, open_workbook_from_rs};

use super::{Format, superscript};
use crate::grid::{Cell, Grid, Span, Value};

/// Why a workbook cannot be opened.
pub(super) enum Unreadable {
    Password,
    Damaged(String),
}

type Bytes<'a> = Cursor<&'a [u8]>;

pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let cursor = Cursor::new(bytes);
    let mut sheets: Sheets<Bytes> = match format {
        Format::Xlsx => Sheets::Xlsx(open_workbook_from_rs(cursor).map_err(|e| match e {
            calamine::XlsxError::Password => Unreadable::Password,
            other => damaged(other),
        })?),
        Format::Xlsb => Sheets::Xlsb(open_workbook_from_rs(cursor).map_err(damaged)?),
        Format::Ods => Sheets::Ods(open_workbook_from_rs(cursor).map_err(|e| match e {
            calamine::OdsError::Password => Unreadable::Password,
            other => damaged(other),
        })?),
        Format::Ole2 => {
            // An encrypted workbook of a newer format hides in the same container.
            let xlsx: Result<calamine::Xlsx<Bytes>, _> = open_workbook_from_rs(cursor.clone());
            if matches!(xlsx, Err(calamine::XlsxError::Password)) {
                return Err(Unreadable::Password);
            }
            Sheets::Xls(open_workbook_from_rs(cursor).map_err(|e| match e {
                calamine::XlsError::Password => Unreadable::Password,
                other => damaged(other),
            })?)
        }
        Format::Text => return Err(Unreadable::Damaged("not a workbook".into())),
    };
    let mut superscripts = match format {
        Format::Xlsx => superscript::find(bytes).map_err(Unreadable::Damaged)?,
        _ => Default::default(),
    };
    let mut grids = Vec::new();
    for name in sheets.sheet_names() {
        if !is_worksheet(&sheets, &name) {
            continue;
        }
        let range = sheets.worksheet_range(&name).map_err(damaged)?;
        let mut marks = superscripts.remove(&name).unwrap_or_default();
        let (top, left) = range.start().unwrap_or((0, 0));
        let cells = range.used_cells().filter_map(|(row, column, data)| {
            let (row, column) = (top + row as u32, left + column as u32);
            let (value, superscript) = match marks.remove(&(row, column)) {
                Some((base, mark)) => (Value::Text(base), Some(mark)),
                None => split_unicode(value(data)?),
            };
            Some(Cell { row, column, value, superscript })
        });
        let cells: Vec<Cell> = cells.collect();
        let merged = merged(&mut sheets, &name)?;
        grids.push(Grid::sheet(name, cells, merged));
    }
    Ok(grids)
}

fn damaged(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Damaged(error.to_string())
}

fn is_worksheet(sheets: &Sheets<Bytes>, name: &str) -> bool {
    sheets
        .sheets_metadata()
        .iter()
        .any(|sheet| sheet.name == name && sheet.typ == calamine::SheetType::WorkSheet)
}

fn merged(sheets: &mut Sheets<Bytes>, name: &str) -> Result<Vec<Span>, Unreadable> {
    let dimensions: Vec<Dimensions> = match sheets {
        Sheets::Xlsx(xlsx) => xlsx.merge_cells_by_sheet_name(name).map_err(damaged)?,
        Sheets::Xls(xls) => xls.merge_cells_by_sheet_name(name).map_err(damaged)?,
        _ => Vec::new(),
    };
    let span =
        |d: Dimensions| Span { top: d.start.0, left: d.start.1, bottom: d.end.0, right: d.end.1 };
    Ok(dimensions.into_iter().map(span).collect())
}

fn value(data: &Data) -> Option<Value> {
    Some(match data {
        Data::Empty => return None,
        Data::Int(number) => Value::Number(*number as f64),
        Data::Float(number) => Value::Number(*number),
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(text) => Value::Text(text.clone()),
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
fn split_unicode(value: Value) -> (Value, Option<String>) {
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
    (Value::Text(base.to_owned()), Some(mark))
}
