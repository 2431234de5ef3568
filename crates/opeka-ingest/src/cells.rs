//! All cells of a file as rows: what was read, before anybody has understood it.
//!
//! | column | says |
//! |---|---|
//! | `sheet` | the sheet; nothing where the format has no sheets |
//! | `cell` | the address in the sheet |
//! | `kind` | what is stored: `number`, `text`, `date`, `bool`, `error` |
//! | `text` | what is stored, unless it is a number |
//! | `number` | the stored number; never a text that looks like one |
//! | `mark` | the superscript run that ended the text |
//! | `merged` | the merged range whose first cell this is |

use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use arrow::array::{ArrayBuilder, Float64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use opeka_model::{Problem, suggest};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use smol_str::SmolStr;

use crate::grid::{Cell, Grid, Span, Value};
use crate::open::{Format, Sink, open, sniff, stream_xlsx};

/// The columns, in their order.
const COLUMNS: [&str; 7] = ["sheet", "cell", "kind", "text", "number", "mark", "merged"];
/// Rows that are encoded together.
const BATCH: usize = 16_384;
/// Chunks of cells that wait to be written; memory follows this, not the file.
const WAITING: usize = 32;

/// Why the cells of a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// The file cannot be read.
    #[error("{}", .0.message)]
    Unreadable(Problem),
    /// There is no such sheet.
    #[error("there is no sheet `{wanted}`")]
    NoSheet {
        /// What was asked for.
        wanted: String,
        /// What there is, as a hint: the closest name, or all of them.
        hint: String,
    },
    /// The rows could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Sheets; one for a format without sheets.
    pub sheets: usize,
    /// Cells that are not empty.
    pub cells: usize,
}

/// Writes the cells as Parquet, while they are being read.
///
/// # Errors
/// When the file cannot be read, has no such sheet, or the rows cannot be written.
pub fn cells_parquet(
    source: &str,
    bytes: &[u8],
    sheet: Option<&str>,
    out: impl Write + Send,
) -> Result<Written, CellsError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // Every address is another one: a dictionary of them only costs.
        .set_column_dictionary_enabled(ColumnPath::from("cell"), false)
        .set_column_dictionary_enabled(ColumnPath::from("number"), false)
        // The last group is written when all has been read.
        .set_max_row_group_row_count(Some(1 << 18))
        .build();
    let mut writer = ArrowWriter::try_new(out, schema(), Some(properties)).map_err(other)?;
    let mut columns = Columns::default();
    let written = rows(source, bytes, sheet, |sheet, cells| {
        for row in cells {
            columns.push(sheet, &row);
        }
        match columns.number.len() >= BATCH {
            true => writer.write(&columns.take()?).map_err(other),
            false => Ok(()),
        }
    })?;
    writer.write(&columns.take()?).map_err(other)?;
    writer.close().map_err(other)?;
    Ok(written)
}

/// Writes the cells as CSV, under a header.
///
/// # Errors
/// When the file cannot be read, has no such sheet, or the rows cannot be written.
pub fn cells_csv(
    source: &str,
    bytes: &[u8],
    sheet: Option<&str>,
    out: impl Write + Send,
) -> Result<Written, CellsError> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    let mut begun = false;
    let said = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    };
    let written = rows(source, bytes, sheet, |sheet, cells| {
        if !std::mem::replace(&mut begun, true) {
            writer.write_record(COLUMNS).map_err(said)?;
        }
        for row in cells {
            let number = match row.cell.value {
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            };
            let text = text(row.cell).unwrap_or_default();
            let mark = mark(row.cell).unwrap_or_default();
            let merged = row.merged.map(range).unwrap_or_default();
            let kind = kind(&row.cell.value);
            let sheet = sheet.unwrap_or_default();
            writer
                .write_record([sheet, row.address, kind, text, &number, mark, &merged])
                .map_err(said)?;
        }
        Ok(())
    })?;
    if !begun {
        writer.write_record(COLUMNS).map_err(said)?;
    }
    writer.flush()?;
    Ok(written)
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> std::io::Error {
    // The writer's own errors carry those of the stream as text or as a source; the caller tells a
    // reader that went away by its own stream.
    std::io::Error::other(error)
}

/// A cell on its way out.
struct Row<'c> {
    address: &'c str,
    cell: &'c Cell,
    merged: Option<Span>,
}

/// A chunk of one sheet, as it travels.
enum Message {
    Sheet(Arc<SheetHead>),
    Cells(Vec<Cell>),
}

struct SheetHead {
    name: String,
    merged: HashMap<(u32, u32), Span>,
}

/// Reads on this thread and writes on another, chunk by chunk.
fn rows(
    source: &str,
    bytes: &[u8],
    wanted: Option<&str>,
    mut write: impl FnMut(Option<&str>, &mut dyn Iterator<Item = Row>) -> std::io::Result<()> + Send,
) -> Result<Written, CellsError> {
    let mut sheets = Vec::new();
    let written = if sniff(bytes) == Format::Xlsx {
        let (send, receive) = sync_channel(WAITING);
        let (give_back, done) = channel();
        let mut sink = Pipe { send, done, wanted, names: Vec::new() };
        let (read, written) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || drain(&receive, &give_back, write));
            let read = stream_xlsx(source, bytes, &mut sink);
            sheets = std::mem::take(&mut sink.names);
            // The writer ends when nobody can send any more.
            drop(sink);
            let gave_up = || Err(std::io::Error::other("the writer gave up"));
            (read, writer.join().unwrap_or_else(|_| gave_up()))
        });
        read.map_err(CellsError::Unreadable)?;
        written?
    } else {
        let book = open(source, bytes).map_err(CellsError::Unreadable)?;
        let mut written = Written::default();
        for grid in &book.sheets {
            sheets.extend(grid.name.clone());
            if wanted.is_none() || wanted == grid.name.as_deref() {
                write_grid(grid, &mut write)?;
                written.sheets += 1;
                written.cells += grid.cells().len();
            }
        }
        written
    };
    match wanted {
        Some(wanted) if written.sheets == 0 => {
            let known = sheets.iter().map(String::as_str);
            let hint = match sheets.is_empty() {
                true => "the format has no sheets: leave `--sheet` out".to_owned(),
                false => suggest(wanted, known, "sheets"),
            };
            Err(CellsError::NoSheet { wanted: wanted.to_owned(), hint })
        }
        _ => Ok(written),
    }
}

type WriteRows<'w> =
    dyn FnMut(Option<&str>, &mut dyn Iterator<Item = Row>) -> std::io::Result<()> + 'w;

fn write_grid(grid: &Grid, write: &mut WriteRows) -> std::io::Result<()> {
    for cells in grid.cells().chunks(8_192) {
        let addresses: Vec<String> =
            cells.iter().map(|cell| grid.address(cell.row, cell.column)).collect();
        let mut rows = cells.iter().zip(&addresses).map(|(cell, address)| {
            let span = grid.span(cell.row, cell.column);
            let alone = span == Span::cell(cell.row, cell.column);
            Row { address, cell, merged: (!alone).then_some(span) }
        });
        write(grid.name.as_deref(), &mut rows)?;
    }
    Ok(())
}

/// Hands over what is read.
struct Pipe<'w> {
    send: SyncSender<Message>,
    /// Cells that are written. They are dropped here: two threads that count the users of one text
    /// at the same time slow each other down.
    done: Receiver<Vec<Cell>>,
    wanted: Option<&'w str>,
    names: Vec<String>,
}

impl Sink for Pipe<'_> {
    fn sheet(&mut self, name: &str, merged: &[Span]) -> bool {
        self.names.push(name.to_owned());
        if self.wanted.is_some_and(|wanted| wanted != name) {
            return false;
        }
        let merged = merged.iter().map(|span| ((span.top, span.left), *span)).collect();
        let head = SheetHead { name: name.to_owned(), merged };
        // A writer that has failed no longer listens; it tells why at the end.
        self.send.send(Message::Sheet(Arc::new(head))).is_ok()
    }

    fn cells(&mut self, cells: Vec<Cell>) -> ControlFlow<()> {
        self.done.try_iter().for_each(drop);
        match self.send.send(Message::Cells(cells)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Writes what arrives.
fn drain(
    receive: &Receiver<Message>,
    give_back: &Sender<Vec<Cell>>,
    mut write: impl FnMut(Option<&str>, &mut dyn Iterator<Item = Row>) -> std::io::Result<()>,
) -> std::io::Result<Written> {
    let (mut written, mut head, mut addresses) = (Written::default(), None, Addresses::default());
    for message in receive {
        match message {
            Message::Sheet(next) => {
                written.sheets += 1;
                head = Some(next);
            }
            Message::Cells(cells) => {
                let Some(head) = &head else { continue };
                written.cells += cells.len();
                addresses.write(&cells);
                let mut rows = cells.iter().enumerate().map(|(index, cell)| Row {
                    address: addresses.get(index),
                    cell,
                    merged: match head.merged.is_empty() {
                        true => None,
                        false => head.merged.get(&(cell.row, cell.column)).copied(),
                    },
                });
                write(Some(&head.name), &mut rows)?;
                // The reader may have ended.
                let _ = give_back.send(cells);
            }
        }
    }
    Ok(written)
}

/// The A1 addresses of a chunk, one after the other in one text.
#[derive(Default)]
struct Addresses {
    text: String,
    ends: Vec<usize>,
    /// The letters of the columns met so far.
    letters: Vec<String>,
}

impl Addresses {
    fn write(&mut self, cells: &[Cell]) {
        use std::fmt::Write as _;
        self.text.clear();
        self.ends.clear();
        for cell in cells {
            for column in self.letters.len() as u32..=cell.column {
                self.letters.push(opeka_model::a1_column(column));
            }
            self.text.push_str(&self.letters[cell.column as usize]);
            // Writing to a text cannot fail.
            let _ = write!(self.text, "{}", u64::from(cell.row) + 1);
            self.ends.push(self.text.len());
        }
    }

    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[index]]
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::Text(_) => "text",
        Value::Date(_) => "date",
        Value::Bool(_) => "bool",
        Value::Error(_) => "error",
    }
}

/// What is stored, as it is stored, unless it is a number.
fn text(cell: &Cell) -> Option<&str> {
    match &cell.value {
        Value::Number(_) => None,
        Value::Text(text) => Some(text),
        Value::Date(text) | Value::Error(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
    }
}

/// The superscript run that ended the text.
fn mark(cell: &Cell) -> Option<&str> {
    cell.superscript.as_deref().map(SmolStr::as_str)
}

/// `B2:D2`
fn range(span: Span) -> String {
    let corner = opeka_model::a1;
    format!("{}:{}", corner(span.top, span.left), corner(span.bottom, span.right))
}

fn schema() -> SchemaRef {
    let fields = COLUMNS.map(|name| {
        let kind = if name == "number" { DataType::Float64 } else { DataType::Utf8 };
        Field::new(name, kind, !matches!(name, "cell" | "kind"))
    });
    Arc::new(Schema::new(fields.to_vec()))
}

#[derive(Default)]
struct Columns {
    sheet: StringBuilder,
    cell: StringBuilder,
    kind: StringBuilder,
    text: StringBuilder,
    number: Float64Builder,
    mark: StringBuilder,
    merged: StringBuilder,
}

impl Columns {
    fn push(&mut self, sheet: Option<&str>, row: &Row) {
        self.sheet.append_option(sheet);
        self.cell.append_value(row.address);
        self.kind.append_value(kind(&row.cell.value));
        self.text.append_option(text(row.cell));
        self.number.append_option(match row.cell.value {
            Value::Number(number) => Some(number),
            _ => None,
        });
        self.mark.append_option(mark(row.cell));
        self.merged.append_option(row.merged.map(range));
    }

    fn take(&mut self) -> std::io::Result<RecordBatch> {
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(self.sheet.finish()),
            Arc::new(self.cell.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.text.finish()),
            Arc::new(self.number.finish()),
            Arc::new(self.mark.finish()),
            Arc::new(self.merged.finish()),
        ];
        RecordBatch::try_new(schema(), columns).map_err(other)
    }
}
