//! Recipes over several files, recipes by their path, and recipes that are for looking only.

use crate::project::{Mini, RECIPE};

/// Starts of the year that cumulate, one file a month.
const MONTHS: &str = r#"
title = "Children, cumulated within the year"
dataset = "office_months"
source = "office/2026-02-*/months_??.csv"

[[table]]
cumulative = "M"

[table.observations]
below = "children"

[table.dimensions.indicator]
constant = "cla_starting"

[table.dimensions.ref_area]
below = "area"
direction = "left"

[table.dimensions.time_period]
from = "file"
extract = 'months_(\d\d)'
values = { "01" = "2024-01", "02" = "2024-02", "04" = "2024-04" }
"#;

fn months() -> Mini {
    let mini = Mini::new();
    for (month, england) in [("01", 10), ("02", 25), ("04", 60)] {
        let text = format!("area,children\nEngland,{england}\nLeeds,{}\n", england / 5);
        let path = format!("datasets/sources/office/2026-02-01/months_{month}.csv");
        mini.source(&path, text.as_bytes());
    }
    mini.write("pipelines/months/ingest/months.recipe.toml", MONTHS);
    let pipeline = "title = \"Months\"\nquestion = \"How many a month?\"\nowner = \"the tests\"\n";
    mini.write("pipelines/months/pipeline.toml", pipeline);
    mini
}

#[test]
fn a_pattern_reads_many_files_and_flows_go_from_one_to_the_next() {
    let mini = months();
    let told = mini.ok(&["run", "-v"]);
    told.says(&["months_04.csv", "2 cumulated figure(s) have none of the month or quarter before"]);
    let rows = mini.query(
        "select ref_area, time_period, obs_value, cell_ref, minus_cell_ref from months.observations \
         where dataset = 'office_months' and ref_area = 'E92000001' order by time_period",
    );
    let source = "office/2026-02-01/months_";
    let expected = [
        "ref_area,time_period,obs_value,cell_ref,minus_cell_ref".to_owned(),
        format!("E92000001,2024-01,10.0,{source}01.csv#R2C2,"),
        format!("E92000001,2024-01-01/P2M,25.0,{source}02.csv#R2C2,"),
        format!("E92000001,2024-01-01/P4M,60.0,{source}04.csv#R2C2,"),
        format!("E92000001,2024-02,15.0,{source}02.csv#R2C2,{source}01.csv#R2C2"),
    ];
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_new_file_that_matches_makes_the_observations_stale() {
    let mini = months();
    mini.ok(&["run"]);
    let text = "area,children\nEngland,40\nLeeds,8\n";
    mini.source("datasets/sources/office/2026-02-01/months_03.csv", text.as_bytes());
    mini.edit(
        "pipelines/months/ingest/months.recipe.toml",
        "\"02\" = \"2024-02\", ",
        "\"02\" = \"2024-02\", \"03\" = \"2024-03\", ",
    );
    mini.ok(&["run"]);
    let flows = mini.query(
        "select count(*) as flows from months.observations where minus_cell_ref is not null",
    );
    assert_eq!(flows, "flows\n6\n");
}

#[test]
fn a_pattern_that_matches_nothing_is_told() {
    let mini = Mini::new();
    mini.edit(RECIPE, "office/2026-01-01/children.csv", "office/*/kinder_*.csv");
    mini.run(&["run"]).exits(1).says(&[RECIPE, "no source matches `office/*/kinder_*.csv`"]);
}

#[test]
fn what_is_taken_as_written_is_for_looking_only() {
    let mini = Mini::new();
    mini.edit(RECIPE, "constant = \"cla_31_march\"", "constant = \"children\"\nas_written = true");
    mini.run(&["run"]).exits(1).says(&["`indicator` is taken as written", "needs codes"]);
}

#[test]
fn a_recipe_is_run_by_its_path_on_files_of_nobody() {
    let mini = Mini::new();
    mini.write("found/look.recipe.toml", mini.read(RECIPE).replace("office/2026-01-01/", ""));
    mini.write("found/children.csv", "area,year,children\nLeeds,2023,100\nLeeds,2024,x\n");
    let told = mini.ok(&["ingest", "found/look.recipe.toml", "--format", "csv"]);
    let rows: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert!(rows[1].contains("cla_31_march,E08000035,2023,_T,100.0,A,F,persons"), "{rows:#?}");
    assert!(rows[2].contains("cla_31_march,E08000035,2024,_T,,O,F,persons"), "{rows:#?}");
    let other = "area,year,children\nEngland,2020,7\n";
    mini.write("found/other.csv", other);
    mini.ok(&[
        "ingest",
        "found/look.recipe.toml",
        "--source",
        "found/other.csv",
        "-o",
        "o.parquet",
    ])
    .says(&["wrote 1 row to o.parquet"]);
    let read = mini.path("o.parquet");
    assert!(std::fs::read(read).unwrap().starts_with(b"PAR1"));
    let nowhere = mini.path("found/nowhere.recipe.toml");
    mini.write("found/nowhere.recipe.toml", mini.read(RECIPE).replace("children.csv", "gone.csv"));
    mini.run(&["ingest", &nowhere.to_string_lossy()]).exits(1).says(&["gone.csv", "`--source`"]);
}
