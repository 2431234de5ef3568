//! Bytes that begin as a workbook does: read in full, or a problem; never a panic that gets out.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use opeka_ingest::{Format, open, sniff};

fuzz_target!(init: opeka_ingest::quiet_readers(), |bytes: &[u8]| -> Corpus {
    if bytes.is_empty() || sniff(bytes) == Format::Text {
        return Corpus::Reject;
    }
    match open("fuzz", bytes) {
        Ok(book) => {
            for sheet in &book.sheets {
                let cells = sheet.cells();
                assert!(cells.is_sorted_by(|a, b| (a.row, a.column) < (b.row, b.column)));
                for cell in cells.iter().take(100) {
                    let address = sheet.address(cell.row, cell.column);
                    assert_eq!(sheet.at(&address), Some(cell));
                }
            }
        }
        Err(problem) => assert!(!problem.message.is_empty() && !problem.hints.is_empty()),
    }
    Corpus::Keep
});
