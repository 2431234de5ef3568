//! Bytes become a [`Workbook`]; the format is sniffed from the bytes, never from the name.

mod biff;
mod binary;
mod limits;
mod ods;
mod ods_styles;
mod ole;
mod repair;
mod scan;
mod superscript;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_limits;
#[cfg(test)]
mod tests_looks;
mod text;
mod workbook;
mod xls;
mod xlsb;
mod xlsb_parts;
mod xlsx;
mod xlsx_parts;

use std::cell::Cell;

use opeka_model::{Kind, Place, Problem};

pub(crate) use self::workbook::Sink;

use crate::grid::Workbook;

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Office Open XML workbook, `.xlsx` or `.xlsm`.
    Xlsx,
    /// Binary Office workbook, `.xlsb`.
    Xlsb,
    /// OpenDocument spreadsheet.
    Ods,
    /// BIFF workbook in an OLE2 container, or an encrypted workbook of a newer format.
    Ole2,
    /// Text with separators.
    Text,
}

/// What the bytes are, by their first ones and, in a zip, by the names of the entries.
pub fn sniff(bytes: &[u8]) -> Format {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        // Entry names stand uncompressed in the archive.
        if has(b"xl/workbook.bin") {
            Format::Xlsb
        } else if has(b"opendocument.spreadsheet") && !has(b"xl/workbook.xml") {
            Format::Ods
        } else {
            Format::Xlsx
        }
    } else if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        Format::Ole2
    } else {
        Format::Text
    }
}

/// Opens a file's bytes.
///
/// # Errors
/// One problem when the bytes cannot be opened at all: truncated, protected by a password, or
/// damaged. What the cells say is never an error here.
pub fn open(source: &str, bytes: &[u8]) -> Result<Workbook, Problem> {
    let fail = |message: String| {
        Problem::error(Kind::Data, Place::File { file: source.to_owned() }, message)
    };
    if bytes.is_empty() {
        return Err(
            fail("the file is empty".into()).hint("fetch the file again from its publisher")
        );
    }
    let format = sniff(bytes);
    if format == Format::Text {
        return Ok(Workbook {
            source: source.to_owned(),
            sheets: vec![text::read(source, bytes)?],
        });
    }
    // A damaged workbook must be a problem with a place, also where a library gives up by panic.
    let read = std::panic::AssertUnwindSafe(|| workbook::read(format, bytes));
    let sheets = match quietly(read) {
        Some(sheets) => sheets,
        None => Err(workbook::Unreadable::Damaged("the reader gave up".into())),
    };
    let sheets = sheets.map_err(|why| why.problem(source))?;
    Ok(Workbook { source: source.to_owned(), sheets })
}

/// Reads a workbook of the format that may have most cells, and hands them over as they are read.
pub(crate) fn stream_xlsx(source: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Problem> {
    let read = std::panic::AssertUnwindSafe(|| xlsx::read(bytes, sink));
    let gave_up = || Err(workbook::Unreadable::Damaged("the reader gave up".into()));
    quietly(read).unwrap_or_else(gave_up).map_err(|why| why.problem(source))
}

thread_local! {
    /// Whether this thread is inside a reader, whose panic becomes a problem.
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a reader and turns its panic into `None`.
fn quietly<T>(work: std::panic::AssertUnwindSafe<impl FnOnce() -> T>) -> Option<T> {
    let before = READING.replace(true);
    let done = std::panic::catch_unwind(work);
    READING.set(before);
    done.ok()
}

/// Keeps a panic of a reader, which becomes a problem, from being printed as well. For programs: it
/// wraps the panic hook of the process.
pub fn quiet_readers() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !READING.get() {
            before(panic);
        }
    }));
}
