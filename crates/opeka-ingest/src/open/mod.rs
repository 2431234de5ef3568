//! Bytes become a [`Workbook`]; the format is sniffed from the bytes, never from the name.

mod decode;
mod eurostat;
mod flat;
mod html;
mod json;
mod jsonstat;
mod ods;
mod px;
mod repair;
mod sdmx;
mod sniff;
mod spreadsheet_xml;
mod superscript;
#[cfg(test)]
mod tests;
mod text;
mod workbook;
mod worldbank;
mod xml;

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use opeka_model::Problem;

pub use self::sniff::{Format, sniff};
use crate::grid::{Grid, Workbook};

/// Opens a file's bytes.
///
/// # Errors
/// One problem when the bytes cannot be opened at all: truncated, protected by a password, or
/// damaged. What the cells say is never an error here.
pub fn open(source: &str, bytes: &[u8]) -> Result<Workbook, Problem> {
    let fail = |message: String| flat::refuse(source, message);
    if bytes.is_empty() {
        return Err(
            fail("the file is empty".into()).hint("fetch the file again from its publisher")
        );
    }
    let structured = |read: fn(&str, &[u8]) -> Result<Vec<Grid>, Problem>| {
        let sheets = read(source, bytes)?;
        Ok(Workbook { source: source.to_owned(), sheets: with_names_of_their_own(sheets) })
    };
    let format = sniff(bytes);
    match format {
        Format::Xlsx | Format::Xlsb | Format::Ods | Format::Ole2 => (),
        Format::Xml => return structured(sdmx::read),
        Format::SpreadsheetXml => return structured(spreadsheet_xml::read),
        Format::Html => return structured(html::read),
        Format::Json => return structured(json::read),
        Format::Px => return structured(px::read),
        Format::EurostatTsv => return structured(eurostat::read),
        Format::Text => return structured(|source, bytes| Ok(vec![text::read(source, bytes)?])),
    }
    // A damaged workbook must be a problem with a place, also where a library gives up by panic.
    let read = AssertUnwindSafe(|| workbook::read(format, bytes));
    let sheets = match quietly(read) {
        Some(sheets) => sheets,
        None => Err(workbook::Unreadable::Damaged("the reader gave up".into())),
    };
    match sheets {
        Ok(sheets) => Ok(Workbook { source: source.to_owned(), sheets }),
        Err(workbook::Unreadable::Password) => {
            Err(fail("the workbook is protected by a password".into())
                .hint("ask the publisher for an open copy, or save one without the password"))
        }
        Err(workbook::Unreadable::Damaged(why)) => Err(fail(format!(
            "the workbook cannot be opened: {why}"
        ))
        .hint("the file may be cut short: compare its size and SHA-256 with the publisher's")),
    }
}

/// Sheets of one name are told apart by a number: two agencies may call a code list alike.
fn with_names_of_their_own(mut sheets: Vec<Grid>) -> Vec<Grid> {
    let mut taken = std::collections::HashMap::<String, usize>::new();
    for sheet in &mut sheets {
        let Some(name) = &mut sheet.name else { continue };
        let mut number = taken.get(name.as_str()).copied().unwrap_or(0) + 1;
        let given = name.clone();
        while number > 1 && taken.contains_key(&format!("{given} {number}")) {
            number += 1;
        }
        if number > 1 {
            *name = format!("{given} {number}");
            taken.insert(name.clone(), 1);
        }
        taken.insert(given, number);
    }
    sheets
}

thread_local! {
    /// Whether this thread is inside a reader, whose panic becomes a problem.
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a reader and turns its panic into `None`.
fn quietly<T>(work: AssertUnwindSafe<impl FnOnce() -> T>) -> Option<T> {
    READING.set(true);
    let done = std::panic::catch_unwind(work);
    READING.set(false);
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
