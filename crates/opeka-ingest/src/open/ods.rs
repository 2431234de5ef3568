//! Merged ranges of OpenDocument, which the reader does not tell.

use std::collections::HashMap;
use std::io::{BufReader, Cursor};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::grid::Span;

/// The merged ranges of each sheet, by its name.
pub(super) fn merged(bytes: &[u8]) -> Result<HashMap<String, Vec<Span>>, String> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let entry = archive.by_name("content.xml").map_err(|error| error.to_string())?;
    let mut xml = Reader::from_reader(BufReader::new(entry));
    let (mut found, mut buffer) = (HashMap::<String, Vec<Span>>::new(), Vec::new());
    let (mut sheet, mut row, mut column, mut repeated) = (String::new(), 0u32, 0u32, 1u32);
    loop {
        let event = xml.read_event_into(&mut buffer).map_err(|error| error.to_string())?;
        match &event {
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                "table:table" => {
                    sheet = attribute(e, "table:name").unwrap_or_default();
                    row = 0;
                }
                "table:table-row" => {
                    repeated = count(e, "table:number-rows-repeated");
                    column = 0;
                    if matches!(event, Event::Empty(_)) {
                        row = row.saturating_add(repeated);
                    }
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    let down = count(e, "table:number-rows-spanned");
                    let right = count(e, "table:number-columns-spanned");
                    if (down, right) != (1, 1) {
                        let (bottom, end) =
                            (row.saturating_add(down), column.saturating_add(right));
                        let span =
                            Span { top: row, left: column, bottom: bottom - 1, right: end - 1 };
                        found.entry(sheet.clone()).or_default().push(span);
                    }
                    column = column.saturating_add(count(e, "table:number-columns-repeated"));
                }
                _ => (),
            },
            Event::End(e) if e.name().as_ref() == "table:table-row" => {
                row = row.saturating_add(repeated);
            }
            Event::Eof => return Ok(found),
            _ => (),
        }
        buffer.clear();
    }
}

/// How often, or how far; once where nothing else is said.
fn count(element: &BytesStart, name: &str) -> u32 {
    attribute(element, name).and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(1)
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}
