//! Checks: each kind, when it fails, says what does not hold and shows the row with its cell.

use crate::project::{CHILDREN_SQL, CHILDREN_TOML, Mini, PIPELINE};

const ROW: &str = "ref_area=E08000035, area=Leeds, time_period=2024, children=90.0, \
                   cells=[office/2026-01-01/children.csv#R5C3]";

/// Adds a check to the metric, and expects it to be refused.
#[track_caller]
fn fails(mini: &Mini, check: &str, texts: &[&str]) {
    let before = mini.read(CHILDREN_TOML);
    mini.write(CHILDREN_TOML, format!("{before}\n[[checks]]\n{check}\n"));
    let release = mini.current();
    mini.run(&["run"]).exits(1).says(&[&format!("error: {CHILDREN_TOML}")]).says(texts);
    mini.run(&["check"]).exits(1).says(texts);
    assert_eq!(mini.current(), release);
    mini.write(CHILDREN_TOML, before);
}

#[test]
fn range() {
    let mini = Mini::published();
    let check = "range = { column = \"children\", min = 95 }";
    fails(&mini, check, &["mini.children: `children` is less than 95", "(1 row", ROW]);
    let check = "range = { column = \"children\", max = 1000 }";
    fails(&mini, check, &["`children` is more than 1000", "children=1100.0"]);
    let check = "range = { column = \"children\", min = 95, max = 1000 }";
    fails(&mini, check, &["`children` lies outside 95 to 1000", "children=1100.0"]);
}

#[test]
fn not_null() {
    let mini = Mini::published();
    mini.edit(CHILDREN_SQL, "o.obs_value as", "nullif(o.obs_value, 90) as");
    let row = ROW.replace("90.0", "null");
    fails(&mini, "not_null = [\"children\"]", &["`children` is null", &row]);
}

#[test]
fn unique() {
    let mini = Mini::published();
    fails(
        &mini,
        "unique = [\"area\"]",
        &["`area` is not unique", "area=Leeds", "same_key=2", "cells=["],
    );
}

#[test]
fn the_grain_is_unique_and_never_null() {
    let mini = Mini::published();
    mini.edit(CHILDREN_TOML, "[\"ref_area\", \"time_period\"]", "[\"ref_area\"]");
    mini.run(&["run"]).exits(1).says(&[
        "`ref_area` is not unique",
        "ref_area=E08000035",
        "same_key=2",
        "cells=[",
    ]);
}

#[test]
fn in_a_table() {
    let mini = Mini::published();
    let check = "in = { column = \"area\", of = \"codelists.regions.code\" }";
    fails(&mini, check, &["`area` is not in `codelists.regions.code`", ROW]);
    let check = "in = { column = \"ref_area\", of = \"codelists.region.code\" }";
    let texts = ["no table `codelists.region`", "did you mean `codelists.regions`?"];
    fails(&mini, check, &texts);
}

#[test]
fn sql() {
    let mini = Mini::published();
    let check = "sql = \"select * from mini.children where children < 95\"\nmessage = \"too few\"";
    fails(&mini, check, &["mini.children: too few", ROW]);
    fails(&mini, "sql = \"select 1\"", &["says in `message` what it means"]);
}

#[test]
fn a_check_that_cannot_be_run_says_so() {
    let mini = Mini::published();
    let check = "range = { column = \"kids\", min = 0 }";
    fails(&mini, check, &["a check of mini.children cannot be run: ", "'kids'"]);
    fails(&mini, "rnage = { column = \"kids\", min = 0 }", &["did you mean `range`?"]);
    fails(&mini, "unique = [\"area\"]\nnot_null = [\"area\"]", &["a check says one of"]);
}

#[test]
fn a_check_of_the_observations() {
    let mini = Mini::published();
    let range = "\n[[checks]]\nrange = { column = \"obs_value\", max = 1000 }\n";
    mini.write(PIPELINE, mini.read(PIPELINE) + range);
    let told = mini.run(&["run"]).exits(1);
    told.says(&[
        PIPELINE,
        "mini.observations: `obs_value` is more than 1000",
        "cell=R3C3",
        "1 error;",
    ]);
}

#[test]
fn check_publishes_nothing_and_leaves_nothing_behind() {
    let mini = Mini::new();
    let aside = tempfile::tempdir().unwrap();
    let check = |args: &[&str]| crate::project::told(mini.opeka(args).env("TMPDIR", aside.path()));
    check(&["check"]).exits(0).says(&["all checks hold: 11 tables", "nothing was published"]);
    assert_eq!(check(&["check", "-q"]).exits(0).stderr, "");
    assert_eq!(check(&["check", "--json"]).exits(0).json()["tables"], 11);
    mini.figures(",90", ",ninety");
    check(&["check"]).exits(1).says(&["`ninety`"]);
    assert_eq!(std::fs::read_dir(aside.path()).unwrap().count(), 0);
    assert!(!mini.path("warehouse").exists());
}
