//! `opeka trace`: from rows of a metric back to the cells.

use crate::project::{CHANGE_SQL, FIGURES, Mini};

#[test]
fn a_row_leads_to_its_cells_its_sql_and_its_brief() {
    let mini = Mini::published();
    let told = mini.ok(&["trace", "mini.change", "--where", "ref_area=E08000035"]);
    for text in [
        "brief   pipelines/mini/publish/leeds.brief.md:10",
        "metric  mini.change  Children against the year before",
        "sql     pipelines/mini/measure/change.sql\n",
        "c.children - b.children as change,",
        &format!("rows    1 in release {}", mini.current()),
        "| E08000035 | 2024        | 90.0     | -10.0  |",
        "cell    office/2026-01-01/children.csv · R4C3",
        "\"100\" → 100, status A; the file says the same",
        "cell    office/2026-01-01/children.csv · R5C3",
        "\"90\" → 90, status A; the file says the same",
    ] {
        assert!(told.stdout.contains(text), "`{text}` is missing:\n{}", told.stdout);
    }
    assert_eq!(told.stdout.matches("\ncell ").count(), 2);
    assert_eq!(told.stderr, "");
}

#[test]
fn json_says_the_same() {
    let mini = Mini::published();
    let trace = mini.json(&[
        "trace",
        "mini.change",
        "--where",
        "ref_area=E08000035",
        "--where",
        "time_period=2024",
    ]);
    assert_eq!(trace["release"], mini.current());
    assert_eq!(trace["sql_file"], CHANGE_SQL);
    assert_eq!(trace["as_released"], true);
    assert_eq!(trace["row_count"], 1);
    assert_eq!(trace["rows"][0]["change"], -10.0);
    assert_eq!(trace["briefs"][0]["lines"][0], 10);
    let cells = trace["cells"].as_array().unwrap();
    let places: Vec<_> = cells.iter().map(|cell| cell["cell"].as_str().unwrap()).collect();
    assert_eq!(places, ["R4C3", "R5C3"]);
    assert_eq!(cells[1]["text"], "90");
    assert_eq!(cells[1]["obs_value"], 90.0);
    assert_eq!(cells[1]["verified"], "same");
    // The cell is the one in the file: line 5, third column.
    let figures = mini.read(FIGURES);
    assert_eq!(figures.lines().nth(4).unwrap().split(',').nth(2), Some("90"));
}

#[test]
fn a_number_is_found_however_it_is_written() {
    let mini = Mini::published();
    for condition in ["change=-10", "change=-10.0", "change=-1e1"] {
        mini.ok(&["trace", "mini.change", "--where", condition]);
    }
    // A code is a text, and found as it is written only.
    mini.run(&["trace", "mini.change", "--where", "time_period=2024.0"]).exits(1);
}

#[test]
fn what_is_not_there_comes_with_what_is() {
    let mini = Mini::published();
    let trace = |args: &[&str], status: i32| {
        let told = mini.run(&[&["trace"], args].concat()).exits(status).silent_on_stdout();
        assert!(!told.stderr.contains("published"), "{}", told.stderr);
        told
    };
    trace(&["mini.chnage"], 2).says(&["did you mean `mini.change`?"]);
    trace(&["zzz"], 2).says(&["the metrics are: mini.change, mini.children"]);
    trace(&["mini.change", "--where", "ref_are=x"], 2).says(&["did you mean `ref_area`?"]);
    trace(&["mini.change", "--where", "ref_area"], 2).says(&["write it as COLUMN=VALUE"]);
    trace(&["mini.change", "--where", "=x"], 2).says(&["write it as COLUMN=VALUE"]);
    trace(&["mini.change", "--where", "ref_area=it's"], 1)
        .says(&["no row of `mini.change` has ref_area=it's", "ref_area, time_period"]);
}

#[test]
fn a_source_and_a_query_that_changed_since_are_told() {
    let mini = Mini::published();
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    mini.figures(",90", ",95");
    let told = mini.run(&["trace", "mini.change", "--where", "ref_area=E08000035"]).exits(1);
    assert!(told.stdout.contains("change.sql  CHANGED SINCE THE RELEASE"), "{}", told.stdout);
    assert!(told.stdout.contains("\"90\" → 90"), "{}", told.stdout);
    assert!(told.stdout.contains("no longer the one that was read"), "{}", told.stdout);
    let told = mini.run(&["trace", "mini.change", "--json"]).exits(1);
    let trace: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(trace["as_released"], false);
    assert_eq!(trace["cells"][0]["verified"], "file changed");
}

#[test]
fn an_older_release_is_traced_in_itself() {
    let mini = Mini::published();
    let first = mini.current();
    mini.figures(",90", ",95");
    mini.ok(&["run", "-q"]);
    let trace = |args: &[&str]| mini.json(&[&["trace", "mini.change"], args].concat());
    assert_eq!(trace(&["--where", "ref_area=E08000035"])["cells"][1]["text"], "95");
    let old = trace(&["--where", "ref_area=E08000035", "--release", &first[..12]]);
    assert_eq!(old["cells"][1]["text"], "90");
    assert_eq!(old["cells"][1]["verified"], "file changed");
}
