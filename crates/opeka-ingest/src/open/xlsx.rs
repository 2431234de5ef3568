//! Office Open XML workbooks.
//!
//! Two threads read: one scans each sheet for what calamine does not tell (merged ranges,
//! superscript runs) and for what must be refused, the other follows one sheet behind it and reads
//! the cells. Cells leave in chunks, so that whoever takes them can work at the same time, and
//! memory follows the cells, never the range that the file claims to use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};

use calamine::{DataRef, Style, Xlsx, XlsxError, open_workbook_from_rs};

use smol_str::SmolStr;

use super::limits::{Archive, COLUMNS, ROWS};
use super::superscript::{Split, raised, split_unicode};
use super::workbook::{
    Sink, Unreadable, damaged, date_value, named_twice, shows_percent, worksheets,
};
use super::xlsx_parts::{self, Beside, Parts};
use super::{quietly, repair};
use crate::grid::{Cell, Look, Value};

/// Cells that travel together: few enough for their memory to be used again and again.
const CHUNK: usize = 2_048;
/// Sheets that the scan may be ahead of the cells.
const AHEAD: usize = 16;

type Scanned = (String, Result<Beside, Unreadable>);

pub(super) fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut archive = Archive::open(bytes)?;
    let parts = Parts::find(&mut archive)?;
    let mended: Cow<[u8]> = match xlsx_parts::ranges_of_rows(&mut archive, &parts)? {
        sheets if sheets.is_empty() => Cow::Borrowed(bytes),
        sheets => Cow::Owned(repair::without_dimensions(bytes, &sheets).map_err(damaged)?),
    };
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Scanned>(AHEAD);
        let parts = &parts;
        scope.spawn(move || {
            quietly(std::panic::AssertUnwindSafe(|| {
                for (name, path) in &parts.sheets {
                    let beside = xlsx_parts::beside(&mut archive, path, &parts.raised);
                    if send.send((name.clone(), beside)).is_err() {
                        return;
                    }
                }
            }))
        });
        cells(&mended, &receive, sink)
    })
}

/// Hands all cells of all sheets to the sink.
fn cells(bytes: &[u8], scanned: &Receiver<Scanned>, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut workbook: Xlsx<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(unreadable)?;
    let names = worksheets(&workbook);
    named_twice(&names)?;
    let (mut early, mut looks) = (HashMap::new(), None::<Vec<Look>>);
    let mut texts = Texts::default();
    for name in names {
        let beside = loop {
            if let Some(beside) = early.remove(&name) {
                break beside;
            }
            match scanned.recv() {
                Ok((scanned, beside)) => _ = early.insert(scanned, beside),
                Err(_) => return Err(Unreadable::Damaged("the reader gave up".into())),
            }
        };
        let beside: Beside = beside?;
        let mut reader = match workbook.worksheet_cells_reader(&name) {
            Err(XlsxError::NotAWorksheet(_)) => continue,
            reader => reader.map_err(unreadable)?,
        };
        if !sink.sheet(&name, &beside.merged) {
            continue;
        }
        let looks = looks.get_or_insert_with(|| reader.styles().iter().map(look).collect());
        let mut marks = beside.marks;
        // Most sheets are small, and there may be thousands of them.
        let mut chunk = Vec::new();
        while let Some((read, style)) = reader.next_cell_with_style_id().map_err(unreadable)? {
            let (row, column) = read.get_position();
            if row >= ROWS || column >= COLUMNS {
                return Err(outside(&name, row, column));
            }
            let mark = match marks.is_empty() {
                true => None,
                false => marks.remove(&(row, column)),
            };
            let found = match mark {
                Some(split) => Some((Value::Text(split.base.clone()), Some(split.mark.clone()))),
                None => texts.value(read.get_value()),
            };
            let Some((value, superscript)) = found else { continue };
            let look = looks.get(style).copied().unwrap_or_default();
            chunk.push(Cell { row, column, value, superscript: superscript.map(raised), look });
            if chunk.len() == CHUNK && beside.in_order {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                if sink.cells(full).is_break() {
                    return Ok(());
                }
            }
        }
        if !beside.in_order {
            chunk = in_order(chunk, &name)?;
        }
        if let ControlFlow::Break(()) = sink.cells(chunk) {
            return Ok(());
        }
    }
    Ok(())
}

fn outside(sheet: &str, row: u32, column: u32) -> Unreadable {
    let cell = opeka_model::a1(row, column);
    Unreadable::Refused(format!("sheet `{sheet}` has a cell {cell}, beyond XFD1048576"))
}

/// Sorts cells that the file holds in another order. A cell that is there twice and says two things
/// is no cell.
fn in_order(mut cells: Vec<Cell>, sheet: &str) -> Result<Vec<Cell>, Unreadable> {
    cells.sort_by_key(|cell| (cell.row, cell.column));
    for pair in cells.windows(2) {
        let [a, b] = pair else { continue };
        let same_place = (a.row, a.column) == (b.row, b.column);
        if same_place && (&a.value, &a.superscript) != (&b.value, &b.superscript) {
            let cell = opeka_model::a1(a.row, a.column);
            let message = format!("sheet `{sheet}` has two cells {cell}, which differ");
            return Err(Unreadable::Refused(message));
        }
    }
    cells.dedup_by_key(|cell| (cell.row, cell.column));
    Ok(cells)
}

fn unreadable(error: XlsxError) -> Unreadable {
    match error {
        XlsxError::Password => Unreadable::Password,
        other => damaged(other),
    }
}

fn look(style: &Style) -> Look {
    Look {
        bold: style.font.as_ref().is_some_and(calamine::Font::is_bold),
        indent: style.alignment.as_ref().and_then(|alignment| alignment.indent).unwrap_or(0),
        percent: style
            .number_format
            .as_ref()
            .is_some_and(|format| shows_percent(&format.format_code)),
    }
}

/// Values of cells, one text for all cells that say the same shared string.
#[derive(Default)]
struct Texts {
    /// By the place of the reader's own text in memory, which stays while the reader stays.
    shared: HashMap<usize, Option<Split>, BuildHasherDefault<Scattered>>,
}

/// Scatters places in memory, which are what they are: no file can choose them to collide.
#[derive(Default)]
struct Scattered(u64);

impl Hasher for Scattered {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, place: usize) {
        // Multiplied by 2^64 over the golden ratio, as Knuth advises.
        self.0 = (self.0 ^ place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What neither a blank text nor a mark in the digits of Unicode ends in.
fn plain(c: char) -> bool {
    c.is_ascii_graphic() || c.is_alphabetic()
}

impl Texts {
    fn value(&mut self, data: &DataRef) -> Option<(Value, Option<Box<str>>)> {
        let value = match data {
            DataRef::SharedString("") => return None,
            // A short text is sooner read than found again.
            DataRef::SharedString(text) if text.len() <= 23 && text.ends_with(plain) => {
                return Some((Value::Text(SmolStr::new(text)), None));
            }
            DataRef::SharedString(text) => {
                let place = text.as_ptr() as usize;
                let split = match self.shared.get(&place) {
                    Some(split) => split,
                    None => self.shared.entry(place).or_insert_with(|| split_unicode(text)),
                };
                let split = split.as_ref()?;
                let mark = (!split.mark.is_empty()).then(|| split.mark.clone());
                return Some((Value::Text(split.base.clone()), mark));
            }
            DataRef::String(text) => {
                let split = split_unicode(text)?;
                let mark = (!split.mark.is_empty()).then_some(split.mark);
                return Some((Value::Text(split.base), mark));
            }
            DataRef::Empty => return None,
            DataRef::Int(number) => Value::Number(*number as f64),
            DataRef::Float(number) => Value::Number(*number),
            DataRef::Bool(truth) => Value::Bool(*truth),
            DataRef::DateTime(date) => date_value(*date),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                Value::Date(text.as_str().into())
            }
            DataRef::Error(error) => Value::Error(error.to_string().into()),
        };
        Some((value, None))
    }
}
