//! `opeka inspect`: a proposal that runs unedited, and what it says where there is none.

use rust_xlsxwriter::Workbook;

use crate::project::Mini;

const TABLE: &str = "area,2023,2024\nEngland,10.5,11.5\nLeeds,1.5,2.5\nDerby,3.5,4.5\n";

#[test]
fn a_proposal_runs_as_it_stands() {
    let mini = Mini::new();
    mini.write("table.csv", TABLE);
    let told = mini.ok(&["inspect", "table.csv"]).says(&["read 6 of 8 numbers; 2 are labels"]);
    mini.write("table.recipe.toml", &told.stdout);
    let read =
        mini.ok(&["ingest", "table.recipe.toml", "--source", "table.csv", "--format", "csv"]);
    assert_eq!(read.stdout.lines().count(), 7, "{}", read.stdout);
    let leeds = read.stdout.lines().find(|line| line.contains("R3C3")).unwrap();
    assert!(leeds.contains(",E08000035,2024,_T,2.5,"), "{leeds}");
}

#[test]
fn a_proposal_is_written_to_a_file_or_reported() {
    let mini = Mini::new();
    mini.write("table.csv", TABLE);
    let told = mini.ok(&["inspect", "table.csv", "-o", "new.recipe.toml"]).silent_on_stdout();
    told.says(&["wrote new.recipe.toml"]);
    let report = mini.json(&["inspect", "table.csv"]);
    assert_eq!(report["recipe"].as_str().unwrap(), mini.read("new.recipe.toml"));
    assert_eq!((&report["runs"], &report["observations"]), (&true.into(), &6.into()));
    assert_eq!(report["sheets"][0]["figures"], 6);
}

#[test]
fn without_a_period_the_proposal_asks_for_one() {
    let mini = Mini::new();
    mini.write("table.csv", "area,boys,girls\nEngland,10.5,11.5\nLeeds,1.5,2.5\nDerby,3.5,4.5\n");
    let told = mini.run(&["inspect", "table.csv"]).exits(1);
    assert!(told.stdout.contains("TODO: no period was found"), "{}", told.stdout);
    told.says(&["error: no recipe was found that runs as it stands"]);
}

#[test]
fn one_sheet_may_be_asked_for_and_a_wrong_one_is_wrong_usage() {
    let mini = Mini::new();
    let mut book = Workbook::new();
    for name in ["One", "Two"] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (row, line) in (0..).zip(TABLE.lines()) {
            for (column, text) in (0..).zip(line.split(',')) {
                match text.parse::<f64>() {
                    Ok(number) => sheet.write(row, column, number).unwrap(),
                    Err(_) => sheet.write(row, column, text).unwrap(),
                };
            }
        }
    }
    mini.write("book.xlsx", book.save_to_buffer().unwrap());
    let one = mini.ok(&["inspect", "book.xlsx", "--sheet", "Two"]);
    assert!(one.stdout.contains("sheet = \"Two\"") && !one.stdout.contains("One"), "{one:#?}");
    let wrong = mini.run(&["inspect", "book.xlsx", "--sheet", "Three"]).exits(2);
    wrong
        .silent_on_stdout()
        .says(&["error: the file has no sheet `Three`", "  hint: its sheets are: One, Two"]);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let mini = Mini::new();
    let missing = mini.run(&["inspect", "none.csv"]).exits(3).silent_on_stdout();
    missing.says(&["error: cannot read `none.csv`"]);
    let mut book = Workbook::new();
    book.add_worksheet().write(0, 0, "a").unwrap();
    let bytes = book.save_to_buffer().unwrap();
    mini.write("cut.xlsx", &bytes[..bytes.len() / 2]);
    let cut = mini.run(&["inspect", "cut.xlsx"]).exits(1).silent_on_stdout();
    cut.says(&["error: cut.xlsx: the workbook cannot be opened", "  hint: "]);
}

#[test]
fn a_metadata_file_describes_the_columns_and_the_file_is_held_to_it() {
    let mini = Mini::new();
    let data = "time_period,time_identifier,geographic_level,country_code,country_name,care,number\n\
        2023,Calendar year,National,E92000001,England,All,10\n\
        2024,Calendar year,National,E92000001,England,All,12\n";
    mini.write("data.csv", data);
    let header = "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,\
        filter_hint,filter_grouping_column\n";
    let meta = format!(
        "{header}care,Filter,Form of care,,,,,\nnumber,Indicator,Number of children,,£,0,,\n"
    );
    mini.write("data.meta.csv", &meta);
    let told = mini.run(&["inspect", "data.csv", "--metadata", "data.meta.csv"]);
    for line in
        ["# - filter `care`: Form of care\n", "# - indicator `number`: Number of children (£)\n"]
    {
        assert!(told.stdout.contains(line), "{}", told.stdout);
    }
    mini.write("data.meta.csv", meta.replace("number,", "rate,"));
    let told = mini.run(&["inspect", "data.csv", "--metadata", "data.meta.csv"]);
    told.says(&["the data file has no column `rate`", "column `number` of the data file is not"]);
}
