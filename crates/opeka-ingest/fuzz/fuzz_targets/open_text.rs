//! Bytes that begin as no workbook does: separated text in whatever encoding.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use opeka_ingest::{Format, open, sniff};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if bytes.is_empty() || sniff(bytes) != Format::Text {
        return Corpus::Reject;
    }
    if let Ok(book) = open("fuzz", bytes) {
        for sheet in &book.sheets {
            for cell in sheet.cells().iter().take(100) {
                let address = sheet.address(cell.row, cell.column);
                assert!(sheet.at(&address).is_some(), "{address}");
            }
        }
    }
    Corpus::Keep
});
