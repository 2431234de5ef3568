//! Every sheet of every workbook of the corpus against counts that other readers made from the raw
//! files. The corpus is no part of the project: without `OPEKA_CORPUS` there is nothing to hold
//! anything to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use opeka_ingest::{Value, Workbook, open};

#[test]
fn no_cell_of_a_workbook_is_lost_or_invented() {
    let Some(corpus) = std::env::var_os("OPEKA_CORPUS").map(PathBuf::from) else { return };
    let mut opened: BTreeMap<String, Workbook> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut reader = csv::Reader::from_path(corpus.join("grid_checksums.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    for due in &rows {
        let (file, sheet) = (&due["file"], &due["sheet"]);
        let book = opened.entry(file.clone()).or_insert_with(|| {
            let bytes = std::fs::read(corpus.join(file)).unwrap();
            open(file, &bytes).unwrap_or_else(|problem| panic!("{problem}"))
        });
        let Some(grid) = book.sheet(Some(sheet)) else {
            differences.push(format!("{file}: no sheet `{sheet}`"));
            continue;
        };
        let numbers = grid.cells().iter().filter_map(|cell| match cell.value {
            Value::Number(number) => Some(number),
            _ => None,
        });
        let numbers: Vec<f64> = numbers.collect();
        let texts = grid.cells().iter().filter(|cell| matches!(cell.value, Value::Text(_)));
        let found = [
            ("cells_not_empty", grid.cells().len()),
            ("cells_number", numbers.len()),
            ("cells_text", texts.count()),
            ("merged_ranges", grid.merged().len()),
        ];
        for (what, found) in found {
            if found != due[what].parse::<usize>().unwrap() {
                differences.push(format!("{file} {sheet}: {what} {found}, not {}", due[what]));
            }
        }
        let (sum, due) = (numbers.iter().sum::<f64>(), due["sum_of_numbers"].parse().unwrap());
        if f64::abs(sum - due) > 1e-9 * f64::abs(due).max(1.0) {
            differences.push(format!("{file} {sheet}: sum {sum}, not {due}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
