//! `opeka cells`: what was read, cell by cell, outside any project.

use rust_xlsxwriter::{ExcelDateTime, Format, FormatScript, Workbook};

use crate::project::{opeka, told};

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Таблица").unwrap();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let raised = Format::new().set_font_script(FormatScript::Superscript);
    sheet.merge_range(0, 1, 0, 3, "Children,\n\"all\"", &Format::new()).unwrap();
    sheet.write(1, 0, "0123").unwrap();
    sheet.write(1, 1, 2016).unwrap();
    sheet.write(1, 2, 0.1).unwrap();
    sheet.write(1, 3, true).unwrap();
    let day = ExcelDateTime::from_ymd(2024, 1, 31).unwrap();
    sheet.write_datetime_with_format(2, 0, day, &date).unwrap();
    sheet.write_rich_string(2, 1, &[(&Format::new(), "1234"), (&raised, "1")]).unwrap();
    sheet.write_blank(3, 0, &date).unwrap();
    book.add_worksheet().set_name("Notes").unwrap().write(0, 0, "a").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn cells_are_printed_as_they_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.xlsx");
    std::fs::write(&file, workbook()).unwrap();
    let mut command = opeka(&["cells", "a.xlsx"]);
    let told = told(command.current_dir(&folder)).exits(0);
    insta::assert_snapshot!(told.stdout, @r#"
    sheet,cell,kind,text,number,mark,merged
    Таблица,B1,text,"Children,
    ""all""",,,B1:D1
    Таблица,A2,text,0123,,,
    Таблица,B2,number,,2016,,
    Таблица,C2,number,,0.1,,
    Таблица,D2,bool,true,,,
    Таблица,A3,date,2024-01-31,,,
    Таблица,B3,text,1234,,1,
    Notes,A1,text,a,,,
    "#);
}

#[test]
fn one_sheet_may_be_asked_for_and_a_wrong_one_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.xlsx"), workbook()).unwrap();
    std::fs::write(folder.path().join("a.csv"), "a;b\n1;\n").unwrap();
    let cells = |args: &[&str]| {
        let mut command = opeka(&["cells"]);
        told(command.args(args).current_dir(&folder))
    };
    let notes = cells(&["a.xlsx", "--sheet", "Notes"]).exits(0);
    assert_eq!(notes.stdout, "sheet,cell,kind,text,number,mark,merged\nNotes,A1,text,a,,,\n");
    let wrong = cells(&["a.xlsx", "--sheet", "Nots"]).exits(2).silent_on_stdout();
    wrong.says(&["there is no sheet `Nots`", "  hint: did you mean `Notes`?"]);
    let far = cells(&["a.xlsx", "--sheet", "xyz"]).exits(2).silent_on_stdout();
    far.says(&["  hint: sheets: `Таблица`, `Notes`"]);
    let table = cells(&["a.csv"]).exits(0);
    assert_eq!(
        table.stdout,
        "sheet,cell,kind,text,number,mark,merged\n,R1C1,text,a,,,\n,R1C2,text,b,,,\n,R2C1,text,1,,,\n"
    );
    cells(&["a.csv", "--sheet", "S"]).exits(2).says(&["the format has no sheets"]);
    cells(&["none.xlsx"]).exits(2).says(&["cannot read `none.xlsx`"]);
}

#[test]
fn parquet_goes_to_a_file_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = workbook();
    std::fs::write(folder.path().join("a.xlsx"), &bytes).unwrap();
    std::fs::write(folder.path().join("cut.xlsx"), &bytes[..bytes.len() / 2]).unwrap();
    let cells = |args: &[&str]| {
        let mut command = opeka(&["cells", "--format", "parquet", "-o", "out.parquet"]);
        told(command.args(args).current_dir(&folder))
    };
    cells(&["cut.xlsx"]).exits(1).says(&["cut.xlsx", "the workbook cannot be opened", "  hint: "]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    cells(&["a.xlsx"]).exits(0).silent_on_stdout().says(&["wrote 8 cells to out.parquet"]);
    let written = std::fs::read(folder.path().join("out.parquet")).unwrap();
    assert!(written.starts_with(b"PAR1") && written.ends_with(b"PAR1"));
}
