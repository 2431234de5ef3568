//! Workbooks: which reader reads them, and what all readers share.
//!
//! calamine reads the values of `.xlsx`, `.xlsb` and `.xls`; what it does not tell (superscript
//! runs, and in some formats merged ranges and looks) is read beside it from the same parts.

use std::fmt::Display;
use std::io::Cursor;
use std::ops::ControlFlow;

use calamine::{Data, Dimensions, Reader, SheetType};
use opeka_model::{Kind, Place, Problem};

use super::superscript::{Split, raised, split_unicode};
use super::{Format, ods, xls, xlsb, xlsx};
use crate::grid::{Cell, Grid, Look, Span, Value};

/// Why a workbook cannot be opened.
#[derive(Debug)]
pub(super) enum Unreadable {
    Password,
    Damaged(String),
    /// It could be read, and would take more than a file may.
    Refused(String),
}

impl Unreadable {
    /// The same, for people.
    pub(super) fn problem(self, source: &str) -> Problem {
        let fail = |message: String| {
            Problem::error(Kind::Data, Place::File { file: source.to_owned() }, message)
        };
        match self {
            Self::Password => fail("the workbook is protected by a password".into())
                .hint("ask the publisher for an open copy, or save one without the password"),
            Self::Damaged(why) => fail(format!("the workbook cannot be opened: {why}")).hint(
                "the file may be cut short: compare its size and SHA-256 with the publisher's",
            ),
            Self::Refused(why) => fail(format!("the workbook is refused: {why}")).hint(
                "no program of an office writes such a file; if it is sound, open and save it anew",
            ),
        }
    }
}

pub(super) fn damaged(error: impl Display) -> Unreadable {
    Unreadable::Damaged(error.to_string())
}

/// Takes what a reader reads, as it is read.
pub(crate) trait Sink {
    /// A sheet begins; whether its cells are wanted.
    fn sheet(&mut self, name: &str, merged: &[Span]) -> bool;
    /// Cells of the sheet that began last, in row-major order over all calls; whether to go on.
    fn cells(&mut self, cells: Vec<Cell>) -> ControlFlow<()>;
}

/// Keeps everything.
#[derive(Default)]
struct Grids {
    done: Vec<Grid>,
    /// The sheet that is being read.
    open: Option<(String, Vec<Span>, Vec<Cell>)>,
}

impl Grids {
    fn close(&mut self) {
        if let Some((name, merged, mut cells)) = self.open.take() {
            cells.shrink_to_fit();
            self.done.push(Grid::sheet(name, cells, merged));
        }
    }
}

impl Sink for Grids {
    fn sheet(&mut self, name: &str, merged: &[Span]) -> bool {
        self.close();
        self.open = Some((name.to_owned(), merged.to_vec(), Vec::new()));
        true
    }

    fn cells(&mut self, mut cells: Vec<Cell>) -> ControlFlow<()> {
        if let Some((_, _, kept)) = &mut self.open {
            match kept.is_empty() {
                true => *kept = cells,
                false => kept.append(&mut cells),
            }
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    match format {
        Format::Xlsx => {
            let mut grids = Grids::default();
            xlsx::read(bytes, &mut grids)?;
            grids.close();
            Ok(grids.done)
        }
        Format::Xlsb => xlsb::read(bytes),
        Format::Ods => ods::read(bytes),
        Format::Ole2 => xls::read(bytes),
        _ => Err(Unreadable::Damaged("not a workbook".into())),
    }
}

pub(super) fn worksheets<'a, R: Reader<Cursor<&'a [u8]>>>(workbook: &R) -> Vec<String> {
    let sheets = workbook.sheets_metadata().iter();
    sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|s| s.name.clone()).collect()
}

pub(super) fn spans(ranges: Vec<Dimensions>) -> Vec<Span> {
    let span = |d: Dimensions| Span {
        top: d.start.0.min(d.end.0),
        left: d.start.1.min(d.end.1),
        bottom: d.start.0.max(d.end.0),
        right: d.start.1.max(d.end.1),
    };
    ranges.into_iter().map(span).collect()
}

/// The first two sheets of one name, if there are such: a cell's sheet is named, and both would
/// answer to the name.
pub(super) fn named_twice(names: &[String]) -> Result<(), Unreadable> {
    let mut seen = std::collections::HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Unreadable::Refused(format!("two sheets are called `{name}`"))),
        None => Ok(()),
    }
}

/// A value that is not empty; texts of spaces alone are.
pub(super) fn value(data: &Data) -> Option<Value> {
    Some(match data {
        Data::Empty => return None,
        Data::Int(number) => Value::Number(*number as f64),
        Data::Float(number) => Value::Number(*number),
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(text) => Value::Text(text.as_str().into()),
        Data::Bool(truth) => Value::Bool(*truth),
        Data::DateTime(date) => date_value(*date),
        Data::DateTimeIso(text) | Data::DurationIso(text) => Value::Date(text.as_str().into()),
        Data::Error(error) => Value::Error(error.to_string().into()),
    })
}

pub(super) fn date_value(date: calamine::ExcelDateTime) -> Value {
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) != (0, 0, 0) {
        text += &format!("T{hour:02}:{minute:02}:{second:02}");
    }
    Value::Date(text.into())
}

/// A cell that is not empty, its mark split off. The runs of its text, where they are known, say more
/// than the text.
pub(super) fn cell_of(
    (row, column): (u32, u32),
    value: Value,
    mark: Option<&Split>,
    look: Look,
) -> Option<Cell> {
    let (value, superscript) = match (mark, value) {
        (Some(split), _) => (Value::Text(split.base.clone()), Some(split.mark.clone())),
        (None, Value::Text(text)) => {
            let split = split_unicode(&text)?;
            let mark = (!split.mark.is_empty()).then_some(split.mark);
            (Value::Text(split.base), mark)
        }
        (None, value) => (value, None),
    };
    Some(Cell { row, column, value, superscript: superscript.map(raised), look })
}

/// Whether a number format shows per cent: a `%` that is not quoted, escaped or in brackets.
pub(super) fn shows_percent(format: &str) -> bool {
    let (mut quoted, mut bracket, mut characters) = (false, false, format.chars());
    while let Some(c) = characters.next() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => (),
            '[' => bracket = true,
            ']' => bracket = false,
            '\\' | '_' | '*' => _ = characters.next(),
            '%' if !bracket => return true,
            _ => (),
        }
    }
    false
}

#[test]
fn per_cent_is_a_sign_outside_quotes() {
    for format in ["0%", "0.00%", "#,##0.0 %;-0%", "[Red]0%"] {
        assert!(shows_percent(format), "{format}");
    }
    for format in ["General", "0.0\"%\"", "0\\%", "@", "0_%"] {
        assert!(!shows_percent(format), "{format}");
    }
}
