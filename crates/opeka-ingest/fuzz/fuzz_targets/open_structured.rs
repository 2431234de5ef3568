//! Bytes that begin as XML or JSON does, whatever format they turn out to be.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use opeka_ingest::open;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'<' | b'{' | b'[')) {
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
