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
