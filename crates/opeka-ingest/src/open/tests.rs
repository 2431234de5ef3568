//! Files as they should not be: cut, damaged, protected, or claiming more than they hold.

use std::io::{Cursor, Read, Write};

use rust_xlsxwriter::{Format as Style, FormatScript, Workbook as Book};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use opeka_model::Place;

use super::*;

/// A workbook as the project ships it.
const SHIPPED: &[u8] =
    include_bytes!("../../../../datasets/sources/rosstat/2026-11-22/placement_1990_2010.xlsx");

fn message(bytes: &[u8]) -> String {
    open("a.xlsx", bytes).unwrap_err().message
}

fn two_cells(row: u32, column: u16) -> Vec<u8> {
    let mut book = Book::new();
    let sheet = book.add_worksheet();
    sheet.write_number(0, 0, 1.0).unwrap();
    let raised = Style::new().set_font_script(FormatScript::Superscript);
    let runs = [(&Style::new(), "1234"), (&raised, "5")];
    sheet.write_rich_string(row, column, &runs).unwrap();
    book.save_to_buffer().unwrap()
}

/// The archive with each entry edited: its name and its content.
fn repack(
    bytes: &[u8],
    edit: impl Fn(&str, Vec<u8>) -> (String, Vec<u8>),
) -> Result<Vec<u8>, String> {
    let said = |error: zip::result::ZipError| error.to_string();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(said)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(said)?;
        let name = entry.name().map_err(said)?.into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        let (name, content) = edit(&name, content);
        writer.start_file(name, options).map_err(said)?;
        writer.write_all(&content).map_err(|error| error.to_string())?;
    }
    Ok(writer.finish().map_err(said)?.into_inner())
}

#[test]
fn a_workbook_cut_anywhere_is_a_problem() {
    let lengths = (0..SHIPPED.len()).step_by(SHIPPED.len() / 300);
    for length in lengths {
        let problem = open("a.xlsx", &SHIPPED[..length]).unwrap_err();
        assert_eq!(problem.place, Place::File { file: "a.xlsx".into() }, "{length}");
        assert!(!problem.hints.is_empty(), "{length}: {problem}");
    }
    assert!(open("a.xlsx", SHIPPED).is_ok());
}

#[test]
fn a_workbook_with_flipped_bits_is_read_or_a_problem() {
    let (mut read, mut refused, mut state) = (0, 0, 12_345_u64);
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..300 {
        let mut bytes = SHIPPED.to_vec();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            bytes[at] ^= 1 << next(8);
        }
        match open("a.xlsx", &bytes) {
            Ok(_) => read += 1,
            Err(problem) => {
                assert!(!problem.message.is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}

/// As above, but below the checksums of the archive: the XML itself is damaged.
#[test]
fn a_workbook_with_damaged_parts_is_read_or_a_problem() {
    let (mut read, mut refused) = (0, 0);
    for seed in 0..300_usize {
        let bytes = repack(SHIPPED, |name, mut content| {
            let at = (seed * 7919 + 13) % content.len().max(1);
            match seed % 3 {
                0 => content.truncate(at),
                1 => content[at] ^= 1 << (seed % 8),
                _ => content[at] = b"<>&\"9A"[seed % 6],
            }
            (name.to_owned(), content)
        });
        match open("a.xlsx", &bytes.unwrap()) {
            Ok(_) => read += 1,
            Err(problem) => {
                assert!(!problem.message.is_empty());
                refused += 1;
            }
        }
    }
    assert!(read + refused == 300 && refused > 0, "{read} read, {refused} refused");
}

#[test]
fn what_is_no_workbook_is_said() {
    assert_eq!(message(b""), "the file is empty");
    let stray = repack(SHIPPED, |name, content| (format!("other/{name}"), content)).unwrap();
    assert!(message(&stray).starts_with("the workbook cannot be opened: "), "{}", message(&stray));
    assert!(message(b"PK\x05\x06").starts_with("the workbook cannot be opened: "));
}

/// An OLE2 container of 512-byte sectors: the allocation table, the directory, and one stream that
/// begins at a sector.
pub(super) fn container(stream: &str, start: u32, size: u32) -> Vec<u8> {
    const END: u32 = 0xFFFF_FFFE;
    let mut header = vec![0u8; 512];
    header[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    let halves = [(24, 0x3E_u16), (26, 3), (28, 0xFFFE), (30, 9), (32, 6)];
    for (at, value) in halves {
        header[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    let words = [(44, 1), (48, 1), (56, 4096), (60, END), (68, END)];
    for (at, value) in words {
        header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    header[76..].fill(0xFF);
    header[76..80].fill(0);
    let mut table = vec![0xFFu8; 512];
    table[..4].copy_from_slice(&0xFFFF_FFFD_u32.to_le_bytes());
    table[4..8].copy_from_slice(&END.to_le_bytes());
    let mut directory = vec![0u8; 512];
    for (entry, (name, kind, start, size)) in
        [("Root Entry", 5, END, 0), (stream, 2, start, size)].into_iter().enumerate()
    {
        let entry = &mut directory[entry * 128..][..128];
        for (at, unit) in name.encode_utf16().enumerate() {
            entry[at * 2..at * 2 + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entry[64..66].copy_from_slice(&((name.len() as u16 + 1) * 2).to_le_bytes());
        entry[66] = kind;
        entry[116..120].copy_from_slice(&u32::to_le_bytes(start));
        entry[120..124].copy_from_slice(&u32::to_le_bytes(size));
    }
    [header, table, directory].concat()
}

#[test]
fn a_password_is_named_and_a_cut_container_is_a_problem() {
    let protected = container("EncryptedPackage", 0xFFFF_FFFE, 0);
    assert_eq!(message(&protected), "the workbook is protected by a password");
    // The stream begins where the file has ended.
    let cut = container("Workbook", 7, 9000);
    for length in 8..=cut.len() {
        assert!(message(&cut[..length]).starts_with("the workbook cannot be opened: "), "{length}");
    }
}

#[test]
fn memory_follows_the_cells_and_not_the_range() {
    let book = open("a.xlsx", &two_cells(1_048_575, 16_383)).unwrap();
    let grid = &book.sheets[0];
    assert_eq!(grid.cells().len(), 2);
    assert_eq!(grid.at("XFD1048576").unwrap().whole_text(), "1234^5");
}

#[test]
fn a_range_of_whole_rows_does_not_lose_the_workbook() {
    let claimed = repack(&two_cells(4, 1), |name, content| {
        let text = String::from_utf8(content).unwrap();
        (
            name.to_owned(),
            text.replace(r#"<dimension ref="A1:B5"/>"#, r#"<dimension ref="1:5"/>"#).into(),
        )
    });
    let claimed = claimed.unwrap();
    assert!(claimed.windows(5).any(|window| window == b"\"1:5\""));
    let book = open("a.xlsx", &claimed).unwrap();
    assert_eq!(book.sheets[0].at("B5").unwrap().whole_text(), "1234^5");
}

#[test]
fn superscripts_are_found_whatever_the_workbook_part_is_called() {
    let renamed = repack(&two_cells(0, 1), |name, content| {
        let text = String::from_utf8(content).unwrap();
        (
            name.replace("workbook.xml", "workbook2.xml"),
            text.replace("workbook.xml", "workbook2.xml").into(),
        )
    });
    let book = open("a.xlsx", &renamed.unwrap()).unwrap();
    assert_eq!(book.sheets[0].at("B1").unwrap().whole_text(), "1234^5");
}

#[test]
fn merged_ranges_of_an_open_document_are_found() {
    let content = r#"<?xml version="1.0"?>
        <document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:spreadsheet>
        <table:table table:name="T">
        <table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>
        <table:table-row><table:table-cell table:number-columns-repeated="2"/>
        <table:table-cell office:value-type="string" table:number-rows-spanned="2" table:number-columns-spanned="3">
        <text:p>Children</text:p></table:table-cell>
        <table:covered-table-cell table:number-columns-repeated="2"/>
        <table:table-cell office:value-type="float" office:value="7"></table:table-cell>
        </table:table-row></table:table></office:spreadsheet></document-content>"#;
    // The reader takes no white space between cells.
    let content: String = content.lines().map(str::trim).collect();
    let media = "application/vnd.oasis.opendocument.spreadsheet";
    let entries =
        [("mimetype", media), ("content.xml", &content), ("META-INF/manifest.xml", "<a/>")];
    // Any archive serves as the beginning: its entries are renamed and filled one by one.
    let names = std::cell::RefCell::new(entries.iter());
    let bytes = repack(&two_cells(0, 1), |name, content| match names.borrow_mut().next() {
        Some((entry, text)) => ((*entry).to_owned(), text.as_bytes().to_vec()),
        None => (format!("other/{}", name.replace("xl/", "")), content),
    });
    let book = open("a.ods", &bytes.unwrap()).unwrap();
    let grid = &book.sheets[0];
    assert_eq!(grid.at("C4").unwrap().text(), "Children");
    assert_eq!(grid.at("F4").unwrap().text(), "7");
    assert_eq!(grid.merged(), [crate::Span { top: 3, left: 2, bottom: 4, right: 4 }]);
}
