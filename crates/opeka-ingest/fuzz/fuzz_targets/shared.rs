//! What each target asks of bytes that were read.

use opeka_ingest::open;

/// Cells can be found again by their address. A panic in a reader of our own comes back as a problem,
/// and is told apart from those by what it says.
pub fn read(bytes: &[u8]) {
    let book = match open("fuzz", bytes) {
        Ok(book) => book,
        Err(problem) => {
            assert!(!problem.message.contains("the reader gave up"), "{problem}");
            return;
        }
    };
    for sheet in &book.sheets {
        for cell in sheet.cells().iter().take(100) {
            let address = sheet.address(cell.row, cell.column);
            assert!(sheet.at(&address).is_some(), "{address}");
        }
    }
}
