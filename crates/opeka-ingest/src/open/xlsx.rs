//! Office Open XML workbooks.
//!
//! Two threads read: one scans each sheet for what calamine does not tell (merged ranges,
//! superscript runs) and for what must be refused, the other follows it, never past a cell that was
//! scanned, and reads the values. Cells leave in chunks, so that whoever takes them can work at the same time, and
//! memory follows the cells, never the range that the file claims to use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use calamine::{DataRef, Style, Xlsx, XlsxError, open_workbook_from_rs};

use smol_str::SmolStr;

use super::limits::{Archive, COLUMNS, ROWS};
use super::superscript::{SheetMarks, Split, raised, split_unicode};
use super::workbook::{
    Sink, Unreadable, damaged, date_value, named_twice, shows_percent, worksheets,
};
use super::xlsx_parts::{self, Beside, Parts};
use super::{quietly, repair};
use crate::grid::{Cell, Look, Value};

/// Cells that travel together: few enough for their memory to be used again and again.
const CHUNK: usize = 2_048;
/// News of sheets that the scan may be ahead of the cells.
const AHEAD: usize = 32;

/// What the scan tells of a sheet, by its name.
enum News {
    /// It begins; the number counts the cells whose tag was seen.
    Begun(String, Arc<AtomicU64>),
    Done(String, Result<Beside, Unreadable>),
}

pub(super) fn read(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut archive = Archive::open(bytes)?;
    let parts = Parts::find(&mut archive)?;
    let mended: Cow<[u8]> = match xlsx_parts::ranges_of_rows(&mut archive, &parts)? {
        sheets if sheets.is_empty() => Cow::Borrowed(bytes),
        sheets => Cow::Owned(repair::without_dimensions(bytes, &sheets).map_err(damaged)?),
    };
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<News>(AHEAD);
        let parts = &parts;
        scope.spawn(move || {
            quietly(std::panic::AssertUnwindSafe(|| {
                for (name, path) in &parts.sheets {
                    let seen = Arc::new(AtomicU64::new(0));
                    let begun = send.send(News::Begun(name.clone(), Arc::clone(&seen)));
                    let beside = xlsx_parts::beside(&mut archive, path, &parts.raised, &seen);
                    if begun.is_err() || send.send(News::Done(name.clone(), beside)).is_err() {
                        return;
                    }
                }
            }))
        });
        let scans = Scans { receive, begun: HashMap::new(), done: HashMap::new() };
        cells(&mended, scans, sink)
    })
}

/// The news of the scan, as they were asked for or not.
struct Scans {
    receive: Receiver<News>,
    begun: HashMap<String, Arc<AtomicU64>>,
    done: HashMap<String, Result<Beside, Unreadable>>,
}

impl Scans {
    fn keep(&mut self, news: News) {
        match news {
            News::Begun(name, seen) => _ = self.begun.insert(name, seen),
            News::Done(name, beside) => _ = self.done.insert(name, beside),
        }
    }

    /// Waits until the scan has seen so many cells of a sheet, or all of it, which is what comes back.
    fn wait(&mut self, name: &str, cells: u64) -> Result<(u64, Option<Beside>), Unreadable> {
        loop {
            while let Ok(news) = self.receive.try_recv() {
                self.keep(news);
            }
            if let Some(beside) = self.done.remove(name) {
                return Ok((u64::MAX, Some(beside?)));
            }
            let seen = self.begun.get(name).map_or(0, |seen| seen.load(Ordering::Acquire));
            if seen >= cells {
                return Ok((seen, None));
            }
            match self.receive.recv_timeout(Duration::from_micros(100)) {
                Ok(news) => self.keep(news),
                Err(RecvTimeoutError::Timeout) => (),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Unreadable::Damaged("the reader gave up".into()));
                }
            }
        }
    }
}

/// Hands all cells of all sheets to the sink.
fn cells(bytes: &[u8], mut scans: Scans, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut workbook: Xlsx<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(unreadable)?;
    let names = worksheets(&workbook);
    named_twice(&names)?;
    let (mut looks, mut texts) = (None::<Vec<Look>>, Texts::default());
    for name in names {
        // The reader goes up to the first cell by itself.
        let (mut seen, beside) = scans.wait(&name, 1)?;
        let mut reader = match workbook.worksheet_cells_reader(&name) {
            Err(XlsxError::NotAWorksheet(_)) => continue,
            reader => reader.map_err(unreadable)?,
        };
        let mut sheet = Sheet { name: &name, beside: None, waiting: Vec::new(), sink: &mut *sink };
        if let Some(beside) = beside
            && !sheet.begin(beside)
        {
            continue;
        }
        let looks = looks.get_or_insert_with(|| reader.styles().iter().map(look).collect());
        // Most sheets are small, and there may be thousands of them.
        let (mut chunk, mut read_so_far, mut wanted) = (Vec::new(), 0u64, true);
        loop {
            // A cell is read when the scan has seen the next one, and so the whole of it.
            if read_so_far + 2 > seen {
                let (now, beside) = scans.wait(&name, read_so_far + 2)?;
                seen = now;
                if let Some(beside) = beside {
                    wanted = sheet.begin(beside);
                }
            }
            if !wanted {
                break;
            }
            let Some((read, style)) = reader.next_cell_with_style_id().map_err(unreadable)? else {
                break;
            };
            read_so_far += 1;
            let (row, column) = read.get_position();
            if row >= ROWS || column >= COLUMNS {
                return Err(outside(&name, row, column));
            }
            let Some((value, superscript)) = texts.value(read.get_value()) else { continue };
            let look = looks.get(style).copied().unwrap_or_default();
            let superscript = superscript.map(raised);
            chunk.push(Cell { row, column, value, superscript, look });
            if chunk.len() == CHUNK {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                if sheet.take(full).is_break() {
                    return Ok(());
                }
            }
        }
        if wanted && sheet.beside.is_none() {
            let (_, beside) = scans.wait(&name, u64::MAX)?;
            wanted = beside.is_some_and(|beside| sheet.begin(beside));
        }
        if wanted && sheet.end(chunk)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// A sheet whose cells wait until the scan has told what stands beside them.
struct Sheet<'s> {
    name: &'s str,
    beside: Option<Beside>,
    waiting: Vec<Vec<Cell>>,
    sink: &'s mut dyn Sink,
}

impl Sheet<'_> {
    /// The scan is done; whether the sheet is wanted.
    fn begin(&mut self, beside: Beside) -> bool {
        let wanted = self.sink.sheet(self.name, &beside.merged);
        self.beside = Some(beside);
        wanted
    }

    fn take(&mut self, mut cells: Vec<Cell>) -> ControlFlow<()> {
        let Some(beside) = self.beside.as_mut().filter(|beside| beside.in_order) else {
            self.waiting.push(cells);
            return ControlFlow::Continue(());
        };
        for mut waited in std::mem::take(&mut self.waiting) {
            mark(&mut waited, &mut beside.marks);
            self.sink.cells(waited)?;
        }
        mark(&mut cells, &mut beside.marks);
        self.sink.cells(cells)
    }

    /// The last cells.
    fn end(mut self, last: Vec<Cell>) -> Result<ControlFlow<()>, Unreadable> {
        if self.beside.as_ref().is_some_and(|beside| beside.in_order) {
            return Ok(self.take(last));
        }
        self.waiting.push(last);
        let mut all = in_order(self.waiting.into_iter().flatten().collect(), self.name)?;
        if let Some(beside) = &mut self.beside {
            mark(&mut all, &mut beside.marks);
        }
        Ok(self.sink.cells(all))
    }
}

/// Splits the superscript runs that the scan has found from their cells.
fn mark(cells: &mut [Cell], marks: &mut SheetMarks) {
    if marks.is_empty() {
        return;
    }
    for cell in cells {
        if let Some(split) = marks.get(&(cell.row, cell.column)) {
            cell.value = Value::Text(split.base.clone());
            cell.superscript = Some(raised(split.mark.clone()));
        }
    }
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
