//! What stands beside the values: superscript runs, looks and merged ranges, in each format.

use rust_xlsxwriter::{Format as Style, FormatAlign, FormatScript, Workbook as Book};

use super::tests_limits::{archive, ods};
use super::*;
use crate::grid::{Grid, Look, Span};

fn plain() -> Look {
    Look::default()
}

fn said(grid: &Grid, cell: &str) -> String {
    grid.at(cell).map(crate::Cell::whole_text).unwrap_or_default()
}

#[test]
fn a_newer_workbook_tells_looks_and_marks() {
    let mut book = Book::new();
    let sheet = book.add_worksheet();
    let (bold, percent) = (Style::new().set_bold(), Style::new().set_num_format("0.0%"));
    let indent = Style::new().set_align(FormatAlign::Left).set_indent(3);
    let raised = Style::new().set_font_script(FormatScript::Superscript);
    sheet.write_with_format(0, 0, "Region", &bold).unwrap();
    sheet.write_with_format(1, 0, "District", &indent).unwrap();
    sheet.write_with_format(1, 1, 0.25, &percent).unwrap();
    sheet.write(2, 0, "12345").unwrap();
    sheet.write_rich_string(2, 1, &[(&Style::new(), "1234"), (&raised, "5")]).unwrap();
    sheet.write_blank(3, 0, &bold).unwrap();
    sheet.merge_range(4, 0, 5, 2, "merged", &Style::new()).unwrap();
    let open = open("a.xlsx", &book.save_to_buffer().unwrap()).unwrap();
    let grid = &open.sheets[0];
    assert_eq!(grid.at("A1").unwrap().look, Look { bold: true, ..plain() });
    assert_eq!(grid.at("A2").unwrap().look, Look { indent: 3, ..plain() });
    assert_eq!(grid.at("B2").unwrap().look, Look { percent: true, ..plain() });
    assert_eq!((said(grid, "A3"), said(grid, "B3")), ("12345".into(), "1234^5".into()));
    assert!(grid.at("A4").is_none());
    assert_eq!(grid.span(4, 0), Span { top: 4, left: 0, bottom: 5, right: 2 });
}

#[test]
fn an_inline_text_of_runs_is_split() {
    let sheet = r#"<worksheet><sheetData><row><c t="inlineStr"><is><r><t>7</t></r><r><rPr>
        <vertAlign val="superscript"/></rPr><t>1)</t></r></is></c><c><v>2</v></c></row>
        <row r="5"><c r="C5" t="inlineStr"><is><t>71)</t></is></c></row></sheetData></worksheet>"#;
    let book = open("a.xlsx", &archive(&[("xl/worksheets/sheet1.xml", sheet)])).unwrap();
    let grid = &book.sheets[0];
    let found = ["A1", "B1", "C5"].map(|cell| said(grid, cell));
    assert_eq!(found, ["7^1)", "2", "71)"]);
}

/// Written by another program, with texts of two scripts.
#[test]
fn an_older_workbook_tells_looks_and_marks() {
    let book = open("a.xls", include_bytes!("fixtures/rich.xls")).unwrap();
    let grid = &book.sheets[0];
    assert_eq!(grid.at("A1").unwrap().look, Look { bold: true, ..plain() });
    assert_eq!(grid.at("A2").unwrap().look, Look { indent: 2, ..plain() });
    assert_eq!(grid.at("B5").unwrap().look, Look { percent: true, ..plain() });
    let found = ["A2", "B3", "B4", "A4", "C5", "D13"].map(|cell| said(grid, cell));
    let long = "Длинный текст Длинный текст Длинный текст^3";
    assert_eq!(found, ["Российская Федерация^2)", "1234^1", "1245", "12341", "12341", long]);
    assert_eq!(grid.span(5, 0), Span { top: 5, left: 0, bottom: 6, right: 2 });
    assert!(book.sheets[1].cells().is_empty());
}

#[test]
fn an_open_document_tells_looks_and_marks_however_it_is_laid_out() {
    let content = r#"<?xml version="1.0"?>
        <office:document-content><office:automatic-styles>
          <number:percentage-style style:name="N1"/>
          <style:style style:name="ce1" style:family="table-cell">
            <style:text-properties fo:font-weight="bold"/></style:style>
          <style:style style:name="ce2" style:family="table-cell" style:parent-style-name="ce1">
            <style:paragraph-properties fo:margin-left="0.2917in"/></style:style>
          <style:style style:name="ce3" style:family="table-cell" style:data-style-name="N1"/>
          <style:style style:name="T1" style:family="text">
            <style:text-properties style:text-position="33% 58%"/></style:style>
        </office:automatic-styles><office:body><office:spreadsheet>
        <table:table table:name="T">
          <table:table-column table:number-columns-repeated="1024"/>
          <table:table-row table:number-rows-repeated="2">
            <table:table-cell office:value-type="string" table:style-name="ce2">
              <text:p>Two<text:s text:c="2"/>&amp; <text:span text:style-name="T1">1)</text:span></text:p>
              <office:annotation><text:p>a note</text:p></office:annotation>
            </table:table-cell>
            <table:table-cell office:value-type="percentage" office:value="0.5" table:style-name="ce3">
              <text:p>50%</text:p></table:table-cell>
            <table:table-cell table:number-columns-repeated="1000"/>
          </table:table-row>
          <table:table-row>
            <table:table-cell office:value-type="string"><text:p>a</text:p><text:p>b</text:p></table:table-cell>
            <table:table-cell office:value-type="date" office:date-value="2024-01-31"/>
            <table:table-cell office:value-type="boolean" office:boolean-value="true"/>
          </table:table-row>
          <table:table-row table:number-rows-repeated="1048573">
            <table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>
          </table:table-row>
        </table:table></office:spreadsheet></office:body></office:document-content>"#;
    let book = open("a.ods", &ods(content)).unwrap();
    let grid = &book.sheets[0];
    assert_eq!(grid.at("A1").unwrap().look, Look { bold: true, indent: 2, percent: false });
    assert!(grid.at("B2").unwrap().look.percent);
    let found = ["A1", "A2", "B2", "A3", "B3", "C3"].map(|cell| said(grid, cell));
    assert_eq!(
        found,
        ["Two & ^1)", "Two & ^1)", "0.5", "a b", "2024-01-31", "true"].map(|s| {
            // The space before a mark belongs to the text and is folded away.
            s.replace(" ^", "^")
        })
    );
    assert_eq!(grid.cells().len(), 7);
}
