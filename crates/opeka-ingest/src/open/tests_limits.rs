//! Files made to harm: each is a problem, in bounded memory and time, or is read in full.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::tests::container;
use super::*;

const RELS: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const SHEET_RELS: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook><sheets><sheet name="S" r:id="r1"/></sheets></workbook>"#;

fn zipped(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let packed = match name.as_str() {
            "mimetype" => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(packed);
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of some parts; those that it needs and that are not given are added.
pub(super) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let needed = [
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", SHEET_RELS),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
    ];
    let given = |name: &str| parts.iter().any(|(part, _)| *part == name);
    let added = needed.iter().filter(|(name, _)| !given(name));
    let all = added.chain(parts).map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    zipped(&all.collect::<Vec<_>>())
}

/// A spreadsheet of another office, of its content.
pub(super) fn ods(content: &str) -> Vec<u8> {
    let media = "application/vnd.oasis.opendocument.spreadsheet";
    let parts = [("mimetype", media), ("content.xml", content), ("META-INF/manifest.xml", "<a/>")];
    zipped(&parts.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())))
}

fn sheet(rows: &str) -> Vec<u8> {
    let text = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    archive(&[("xl/worksheets/sheet1.xml", &text)])
}

fn refused(bytes: &[u8], why: &str) {
    let problem = open("a.xlsx", bytes).unwrap_err();
    assert!(problem.message.contains(why), "{}", problem.message);
    assert!(!problem.hints.is_empty());
}

fn addresses(bytes: &[u8]) -> Vec<String> {
    let book = open("a.xlsx", bytes).unwrap();
    let grid = &book.sheets[0];
    grid.cells().iter().map(|cell| grid.address(cell.row, cell.column)).collect()
}

#[test]
fn texts_without_end_are_refused_wherever_they_stand() {
    let spaces = " ".repeat(20 << 20);
    let shared = format!("<sst><si><t>{spaces}</t></si></sst>");
    refused(&archive(&[("xl/sharedStrings.xml", &shared)]), "longer than");
    let cell = format!("<row><c t=\"inlineStr\"><is><t>{spaces}</t></is></c></row>");
    refused(&sheet(&cell), "longer than");
    refused(&sheet(&format!("<!--{spaces}-->")), "longer than");
    refused(&sheet(&format!("<row r=\"{spaces}\"/>")), "longer than");
    refused(&ods(&format!("<table:table><text:p>{spaces}")), "longer than");
}

#[test]
fn what_unpacks_to_too_much_is_refused_before_it_is_unpacked() {
    refused(&sheet(&"  ".repeat(40 << 20)), "times its");
}

#[test]
fn an_entry_that_lies_about_its_size_is_refused() {
    let rows = "<row><c><v>1</v></c></row>".repeat(1_000);
    let mut bytes = sheet(&rows);
    let size = (rows.len() + "<worksheet><sheetData></sheetData></worksheet>".len()) as u32;
    let places = memchr::memmem::find_iter(&bytes, &size.to_le_bytes()).collect::<Vec<_>>();
    assert_eq!(places.len(), 2, "once in the entry, once in the directory");
    for at in places {
        bytes[at..at + 4].copy_from_slice(&100u32.to_le_bytes());
    }
    assert!(open("a.xlsx", &bytes).is_err());
}

#[test]
fn document_types_and_their_entities_are_refused_in_every_part() {
    let laughs = r#"<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>"#;
    let parts = [
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", SHEET_RELS),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
        ("xl/sharedStrings.xml", "<sst/>"),
        ("xl/styles.xml", "<styleSheet/>"),
        ("xl/theme/theme1.xml", "<theme/>"),
    ];
    for (name, text) in parts {
        refused(&archive(&[(name, &format!("{laughs}{text}"))]), "document type");
    }
    refused(&ods(&format!("{laughs}<office:document-content/>")), "document type");
    // An entity that nobody declared stays unexpanded, and is a problem.
    let cell = r#"<row><c t="str"><v>&d;</v></c></row>"#;
    assert!(open("a.xlsx", &sheet(cell)).is_err());
}

#[test]
fn nesting_without_end_is_refused() {
    refused(&sheet(&"<a>".repeat(100_000)), "nest deeper");
    refused(&ods(&"<text:span>".repeat(100_000)), "nest deeper");
}

#[test]
fn names_of_entries_touch_nothing_and_stand_once() {
    let outside =
        [("../../outside.xml", "<a/>"), ("/etc/outside.xml", "<a/>"), ("C:\\x.xml", "<a/>")];
    assert!(open("a.xlsx", &archive(&outside)).is_ok());
    // The same part by another spelling of its name.
    for again in
        ["XL/Worksheets/Sheet1.xml", "xl\\worksheets\\sheet1.xml", "/xl/worksheets/sheet1.xml"]
    {
        refused(&archive(&[(again, "<worksheet><sheetData/></worksheet>")]), "two entries");
    }
    // The very same name, which no writer writes: another of the same length is renamed.
    let mut bytes = archive(&[("xl/worksheets/sheet2.xml", "<worksheet><sheetData/></worksheet>")]);
    let name = b"xl/worksheets/sheet2.xml";
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, name).collect();
    places.into_iter().for_each(|at| bytes[at + 19] = b'1');
    refused(&bytes, "two entries");
    let doubled = r#"<workbook><sheets><sheet name="S" r:id="r1"/><sheet name="S" r:id="r1"/></sheets></workbook>"#;
    refused(&archive(&[("xl/workbook.xml", doubled)]), "two sheets are called `S`");
}

#[test]
fn cells_beyond_the_format_are_refused() {
    for cell in ["XFE1", "A1048577", "A0", "AAAA1", "A99999999999", "ZZZZZZZZZZ1", "1"] {
        refused(&sheet(&format!("<row><c r=\"{cell}\"><v>1</v></c></row>")), "is no place");
    }
    refused(&sheet("<row r=\"4294967297\"><c><v>1</v></c></row>"), "is no place");
    assert_eq!(addresses(&sheet("<row><c r=\"XFD1048576\"><v>1</v></c></row>")), ["XFD1048576"]);
}

#[test]
fn cells_in_disorder_are_sorted_and_two_at_one_place_must_agree() {
    let cell = |at: &str, value: u32| format!("<row><c r=\"{at}\"><v>{value}</v></c></row>");
    let mixed = [cell("B2", 1), cell("A1", 2), cell("B2", 1)].concat();
    assert_eq!(addresses(&sheet(&mixed)), ["A1", "B2"]);
    refused(&sheet(&[cell("B2", 1), cell("B2", 2)].concat()), "two cells B2");
}

#[test]
fn merged_ranges_may_lie_over_each_other_and_over_everything() {
    let text = r#"<worksheet><sheetData><row><c r="A1"><v>1</v></c></row></sheetData><mergeCells>
        <mergeCell ref="A1:XFD1048576"/><mergeCell ref="B2:D4"/><mergeCell ref="C3:E5"/></mergeCells></worksheet>"#;
    let book = open("a.xlsx", &archive(&[("xl/worksheets/sheet1.xml", text)])).unwrap();
    assert_eq!(book.sheets[0].merged().len(), 3);
    let text = text.replace("C3:E5", "C3:XFE5");
    refused(&archive(&[("xl/worksheets/sheet1.xml", &text)]), "is no place");
}

#[test]
fn a_stated_number_of_texts_sets_no_memory_aside() {
    let shared = r#"<sst uniqueCount="9999999999999"><si><t>a</t></si></sst>"#;
    refused(&archive(&[("xl/sharedStrings.xml", shared)]), "states");
}

#[test]
fn ten_thousand_sheets_are_opened() {
    use std::fmt::Write as _;
    let (mut sheets, mut relations) = (String::new(), String::new());
    let mut entries = vec![("_rels/.rels".to_owned(), RELS.as_bytes().to_vec())];
    for number in 0..10_000 {
        write!(sheets, r#"<sheet name="S{number}" r:id="r{number}"/>"#).unwrap();
        write!(relations, r#"<Relationship Id="r{number}" Type="http://x/worksheet" Target="worksheets/s{number}.xml"/>"#).unwrap();
        let cell = format!(
            "<worksheet><sheetData><row><c><v>{number}</v></c></row></sheetData></worksheet>"
        );
        entries.push((format!("xl/worksheets/s{number}.xml"), cell.into_bytes()));
    }
    let workbook = format!("<workbook><sheets>{sheets}</sheets></workbook>");
    let relations = format!("<Relationships>{relations}</Relationships>");
    entries.push(("xl/workbook.xml".to_owned(), workbook.into_bytes()));
    entries.push(("xl/_rels/workbook.xml.rels".to_owned(), relations.into_bytes()));
    let book = open("a.xlsx", &zipped(&entries)).unwrap();
    assert_eq!(book.sheets.len(), 10_000);
    assert_eq!(book.sheets[9_999].at("A1").unwrap().text(), "9999");
}

#[test]
fn repetition_makes_no_cells_without_end() {
    let content = |rows: u32, columns: u32| {
        format!(
            r#"<office:body><table:table table:name="T"><table:table-row table:number-rows-repeated="{rows}">
            <table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{columns}"/>
            </table:table-row></table:table></office:body>"#
        )
    };
    refused(&ods(&content(1_048_576, 1_024)), "by repetition");
    refused(&ods(&content(1, 16_385)), "beyond XFD1048576");
    refused(&ods(&content(u32::MAX, 1)), "rows beyond");
    assert_eq!(addresses(&ods(&content(2, 2))), ["A1", "B1", "A2", "B2"]);
}

#[test]
fn an_open_document_cut_anywhere_is_a_problem() {
    let whole = ods("<office:body><table:table table:name=\"T\"></table:table></office:body>");
    assert!(open("a.ods", &whole).is_ok());
    for length in 1..whole.len() {
        match open("a.ods", &whole[..length]) {
            Err(problem) => assert!(!problem.hints.is_empty(), "{length}"),
            // Four bytes say what it is; fewer are a text.
            Ok(_) => assert!(length < 4, "{length}"),
        }
    }
    refused(&ods("<office:body><table:table table:name=\"T\">"), "ends within a sheet");
}

#[test]
fn sectors_that_run_in_a_circle_are_refused() {
    let whole = container("Workbook", 1, 0xFFFF_FFF0);
    for sector in [1usize, 0] {
        let mut bytes = whole.clone();
        bytes[512 + 4..512 + 8].copy_from_slice(&(sector as u32).to_le_bytes());
        bytes[512..516].copy_from_slice(&1u32.to_le_bytes());
        refused(&bytes, "in a circle");
    }
}
