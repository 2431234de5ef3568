use super::*;
use crate::codelist::Codelist;
use crate::grid::{Cell, Span, Value};

fn codelists() -> Codelists {
    let text = "code,name_en,name_ru,aliases\nRU,Russia,Российская Федерация,\n\
        RU-ORL,Oryol oblast,Орловская область,\nRU-TUL,Tula oblast,Тульская область,\n\
        E1,Leeds,,\nE2,Derby,,\nE3,Wigan,,\n";
    let list = Codelist::read("regions", &[("r.csv".into(), text.into())]).unwrap();
    [("regions".to_owned(), list)].into()
}

/// A sheet of rows; a text that is a number is stored as one.
fn grid(name: &str, rows: &[&[&str]], merged: Vec<Span>) -> Grid {
    let mut cells = Vec::new();
    for (row, texts) in (0..).zip(rows) {
        for (column, text) in (0..).zip(*texts) {
            if text.is_empty() {
                continue;
            }
            cells.push(match text.parse::<f64>() {
                Ok(number) => Cell::plain(row, column, Value::Number(number)),
                Err(_) => Cell::of_text(row, column, *text),
            });
        }
    }
    Grid::sheet(name, cells, merged)
}

fn look(sheets: Vec<Grid>) -> Inspection {
    let workbook = Workbook { source: "office/table.xlsx".into(), sheets };
    let options = InspectOptions { source: "table.xlsx".into(), sheet: None };
    inspect(&workbook, &codelists(), &options)
}

fn figure<'a>(found: &'a Inspection, cell: &str) -> &'a opeka_model::Observation {
    let mut all = found.observed.observations.iter();
    all.find(|o| o.cell.cell == cell).unwrap_or_else(|| panic!("{cell}: {}", found.recipe))
}

#[test]
fn years_above_and_areas_beside() {
    let rows: &[&[&str]] = &[
        &["Deaths in the first year of life, persons"],
        &[],
        &["", "2019", "2020", "2021"],
        &["Российская Федерация 2", "10.5", "11.5", "12.5"],
        &["Орловская область", "1.5", "…", "3.5"],
        &["Тульская область", "4.5", "5.5", "6.5"],
        &["Атлантида", "7.5", "8.5", "9.5"],
        &[],
        &["2) Without something"],
    ];
    let found = look(vec![grid("T", rows, vec![Span { top: 0, left: 0, bottom: 0, right: 3 }])]);
    assert!(found.runs, "{}", found.recipe);
    let one = figure(&found, "C6");
    assert_eq!((&*one.ref_area, &*one.time_period, one.obs_value), ("RU-TUL", "2020", Some(5.5)));
    assert_eq!(figure(&found, "B4").ref_area, "RU");
    assert_eq!(figure(&found, "C5").obs_status, "O");
    // What the code list does not know is left out, and said.
    assert!(found.recipe.contains("Атлантида"));
    assert_eq!((found.reached[0].figures, found.reached[0].left_out), (8, 3));
}

#[test]
fn a_long_table_of_an_unknown_office() {
    let rows: &[&[&str]] = &[
        &["Bundesland", "Jahr", "Geschlecht", "Wert"],
        &["Bayern", "2019", "m", "10.5"],
        &["Bayern", "2019", "w", "11.5"],
        &["Bayern", "2020", "m", "12.5"],
        &["Bayern", "2020", "w", "13.5"],
        &["Hessen", "2019", "m", "14.5"],
        &["Hessen", "2019", "w", "15.5"],
    ];
    let found = look(vec![grid("Tabelle1", rows, vec![])]);
    assert!(found.runs, "{}", found.recipe);
    let one = figure(&found, "D5");
    assert_eq!((&*one.ref_area, &*one.time_period, one.obs_value), ("Bayern", "2020", Some(13.5)));
    assert!(one.indicator.ends_with('w'), "{}", one.indicator);
}

#[test]
fn without_a_period_nothing_is_said_to_run() {
    let rows: &[&[&str]] = &[
        &["Area", "Boys", "Girls"],
        &["Leeds", "1.5", "2.5"],
        &["Derby", "3.5", "4.5"],
        &["Wigan", "5.5", "6.5"],
    ];
    let found = look(vec![grid("T", rows, vec![])]);
    assert!(!found.runs);
    assert!(found.recipe.contains("TODO"), "{}", found.recipe);
}

#[test]
fn sheets_of_one_layout_are_one_table() {
    let rows: &[&[&str]] =
        &[&["Area", "Boys", "Girls"], &["Leeds", "1.5", "2.5"], &["Derby", "3.5", "4.5"]];
    let found = look(vec![grid("2019", rows, vec![]), grid("2020", rows, vec![])]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(found.recipe.matches("[[table]]").count(), 1);
    assert_eq!(found.observed.observations.len(), 8);
}

/// The mending reads what the engine says; a message that is worded otherwise fails here.
#[test]
fn what_the_engine_refuses_is_mended() {
    let rows: &[&[&str]] = &[
        &["Children in care, by area"],
        &["Area", "Topic", "Item", "Unit", "2019", "2020"],
        &["Leeds", "Care", "all", "persons", "1.5", "x"],
        &["Derby", "Care", "all", "", "", "4.5"],
        &["Wigan", "Care", "all", "", "5.5", "6.5 1)"],
        &["Atlantis", "Care", "all", "", "7.5", "8.5"],
    ];
    // A merged cell says the unit of its own rows only.
    let merged = Span { top: 2, left: 3, bottom: 3, right: 3 };
    let found = look(vec![grid("T", rows, vec![merged])]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(figure(&found, "F3").obs_status, "O");
    assert_eq!(figure(&found, "E4").obs_status, "O");
    assert_eq!(figure(&found, "F5").obs_value, Some(6.5));
    assert_eq!(found.reached[0].left_out, 2, "{}", found.recipe);
    assert!(found.recipe.contains("\"1)\""), "{}", found.recipe);
    assert!(found.recipe.contains("CHECK: not every row says its unit"), "{}", found.recipe);
}

#[test]
fn of_twins_of_which_one_is_empty_the_other_counts() {
    let rows: &[&[&str]] = &[
        &["Deaths of children, by area"],
        &["Area", "2019", "2020"],
        &["Leeds", "1.5", ""],
        &["Derby", "2.5", "3.5"],
        &["Leeds", "", "4.5"],
        &["Wigan", "5.5", "6.5"],
    ];
    let found = look(vec![grid("T", rows, vec![])]);
    assert!(found.runs && found.recipe.contains("empty = \"skip\""), "{}", found.recipe);
    assert_eq!(found.observed.observations.len(), 6);
}

#[test]
fn two_figures_that_nothing_tells_apart_are_left_out() {
    let rows: &[&[&str]] = &[
        &["Deaths of children, by area"],
        &["Area", "2019", "2020"],
        &["Leeds", "1.5", "2.5"],
        &["Derby", "2.5", "3.5"],
        &["Leeds", "8.5", "4.5"],
        &["Wigan", "5.5", "6.5"],
        &["England", "7.5", "7.5"],
    ];
    let found = look(vec![grid("T", rows, vec![])]);
    assert!(found.runs && found.recipe.contains("CHECK: some of these stand"), "{}", found.recipe);
    assert!(found.observed.observations.iter().all(|o| o.ref_area != "E1"));
}

#[test]
fn lines_of_one_name_are_told_apart_by_the_lines_above() {
    let mut sheet = grid(
        "T",
        &[
            &["Children in care by placement"],
            &["Placement", "2019", "2020"],
            &["All", "1.5", "2.5"],
            &["Foster", "2.5", "3.5"],
            &["Boys", "8.5", "4.5"],
            &["Residential", "5.5", "6.5"],
            &["Boys", "7.5", "7.5"],
        ],
        vec![],
    );
    let indent = |cell: &Cell| match (cell.row, cell.column) {
        (3 | 5, 0) => 1,
        (4 | 6, 0) => 2,
        _ => 0,
    };
    let cells: Vec<Cell> = sheet
        .cells()
        .iter()
        .map(|cell| {
            let mut cell = cell.clone();
            cell.look.indent = indent(&cell);
            cell
        })
        .collect();
    sheet = Grid::sheet("T", cells, vec![]);
    let found = look(vec![sheet]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(figure(&found, "B5").indicator, "All / Foster / Boys");
    assert_eq!(figure(&found, "B7").indicator, "All / Residential / Boys");
}

#[test]
fn tables_side_by_side_have_their_own_titles() {
    let found = look(vec![grid(
        "T",
        &[
            &["Boys in care", "", "", "", "Girls in care"],
            &["Area", "2019", "2020", "", "Area", "2019", "2020"],
            &["Leeds", "1.5", "2.5", "", "Leeds", "11.5", "12.5"],
            &["Derby", "3.5", "4.5", "", "Derby", "13.5", "14.5"],
            &["Wigan", "5.5", "6.5", "", "Wigan", "15.5", "16.5"],
        ],
        vec![],
    )]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(figure(&found, "C4").indicator, "Boys in care");
    let girls = figure(&found, "F4");
    assert_eq!(
        (&*girls.indicator, &*girls.ref_area, &*girls.time_period),
        ("Girls in care", "E2", "2019")
    );
}

#[test]
fn a_form_that_is_filled_differently_is_one_table() {
    let full: &[&[&str]] = &[
        &["Benefits"],
        &["", "All", "Cash", "Housing", "Fuel"],
        &["Families", "10.5", "1.5", "2.5", "3.5"],
        &["Orphans", "20.5", "4.5", "5.5", "6.5"],
        &["Others", "30.5", "7.5", "8.5", "9.5"],
    ];
    let sparse: &[&[&str]] = &[
        &["Benefits"],
        &["", "All", "Cash", "Housing", "Fuel"],
        &["Families", "10.5", "1.5"],
        &["Orphans"],
        &["Others", "30.5", "", "8.5"],
    ];
    let found = look(vec![grid("2019", full, vec![]), grid("2020", sparse, vec![])]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(found.recipe.matches("[[table]]").count(), 1, "{}", found.recipe);
    assert_eq!(found.reached.iter().map(|r| r.figures).sum::<usize>(), 16);
}

#[test]
fn a_month_of_another_language_is_no_year() {
    let rows: &[&[&str]] = &[
        &["Kinder nach Land"],
        &["Land", "März 2020", "Juni 2020"],
        &["Leeds", "1.5", "2.5"],
        &["Derby", "3.5", "4.5"],
        &["Wigan", "5.5", "6.5"],
    ];
    let found = look(vec![grid("T", rows, vec![])]);
    assert!(found.runs, "{}", found.recipe);
    assert_eq!(figure(&found, "B3").time_period, "2020-03");
    assert_eq!(figure(&found, "C3").time_period, "2020-06");
}

#[test]
fn a_title_that_spans_years_says_no_period() {
    let rows: &[&[&str]] = &[
        &["Children in care 2013-14 to 2017-18, by area"],
        &["Area", "Boys", "Girls"],
        &["Leeds", "1.5", "7.5"],
        &["Derby", "2.5", "6.5"],
        &["Wigan", "3.5", "9.5"],
    ];
    let found = look(vec![grid("T", rows, vec![])]);
    assert!(!found.runs && found.recipe.contains("TODO"), "{}", found.recipe);
}

#[test]
fn a_file_without_figures_is_said_to_have_none() {
    let found = look(vec![grid("T", &[&["Only words"], &["and more"]], vec![])]);
    assert!(!found.runs && !found.recipe.contains("TODO"), "{}", found.recipe);
    assert_eq!(found.remarks, ["no table was found: no rows of numbers"]);
    assert!(found.recipe.contains("# no table was found"), "{}", found.recipe);
}
