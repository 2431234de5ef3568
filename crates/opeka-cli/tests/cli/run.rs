//! `opeka run`: what it makes, what it says, and that it makes the same thing everywhere.

use std::fs;

use crate::project::{CHANGE_SQL, CHILDREN_SQL, Mini, files, opeka, repository, told};

#[test]
fn a_run_ends_by_saying_what_it_made_and_where_to_look() {
    let mini = Mini::new();
    let told = mini.ok(&["run"]).silent_on_stdout().says(&[
        "4 rows  mini.children",
        "2 rows  mini.change",
        "4 observations, 11 tables, 9 published files; 13 steps made, 0 as before (",
        " s)",
        "published/mini/leeds.html",
    ]);
    let release = mini.current();
    assert!(told.stderr.contains(&format!("release {release}: ")));
    // The command that it proposes works as it stands there.
    let proposed = "select * from mini.change limit 5";
    assert!(told.stderr.contains(proposed), "{}", told.stderr);
    assert!(mini.query(proposed).starts_with("ref_area,"));
    let page = format!("warehouse/releases/{release}/published/mini/leeds.html");
    assert!(mini.read(&page).contains("Children in Leeds"));
}

#[test]
fn the_second_run_does_nothing_and_says_so() {
    let mini = Mini::published();
    let before = files(&mini.path("warehouse"));
    let release = mini.current();
    let nothing = format!("nothing changed: release {release} is current (");
    mini.ok(&["run"]).silent_on_stdout().says(&[&nothing]);
    assert_eq!(files(&mini.path("warehouse")), before);
}

#[test]
fn a_dry_run_says_the_steps_and_writes_nothing() {
    let mini = Mini::new();
    let told = mini.ok(&["run", "--dry-run"]).says(&["13 of 13 steps would be made"]);
    assert!(told.stdout.contains("make   mini.children\n"), "{}", told.stdout);
    assert!(told.stdout.contains("from datasets/codelists/regions"), "{}", told.stdout);
    assert!(!mini.path("warehouse").exists());

    mini.ok(&["run"]);
    mini.ok(&["run", "--dry-run"]).says(&["0 of 13 steps would be made"]);
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    let steps = mini.json(&["run", "--dry-run"]);
    let stale: Vec<&str> = steps["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["fresh"] == false)
        .filter_map(|step| step["id"].as_str())
        .collect();
    assert_eq!(stale, ["mini.change", "brief mini/leeds"]);
}

#[test]
fn a_full_run_makes_the_same_bytes_under_the_same_id() {
    let mini = Mini::published();
    let (release, before) = (mini.current(), files(&mini.path("warehouse/releases")));
    mini.ok(&["run", "--full"]).says(&["13 steps made, 0 as before"]);
    assert_eq!(mini.current(), release);
    assert!(files(&mini.path("warehouse/releases")) == before, "the files differ");
}

#[test]
fn two_copies_in_different_folders_make_identical_releases() {
    let (one, other) = (Mini::published(), Mini::published());
    let (one, other) = (files(&one.path("warehouse")), files(&other.path("warehouse")));
    let names = |files: &[(std::path::PathBuf, Vec<u8>)]| {
        files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&one), names(&other));
    assert!(one == other, "the files differ");
}

#[test]
fn json_is_all_there_is_on_stdout() {
    let mini = Mini::new();
    let made = mini.json(&["run"]);
    assert_eq!(made["status"], 0);
    assert_eq!(made["release"], mini.current());
    assert_eq!(made["changed"], true);
    assert_eq!(made["made"], 13);
    assert_eq!(mini.json(&["run"])["changed"], false);

    mini.figures(",90", ",ninety");
    let told = mini.run(&["run", "--json"]).exits(1).says(&["error: "]);
    let refused = told.json();
    assert_eq!(refused["status"], 1);
    let problem = &refused["problems"][0];
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["place"]["file"], "office/2026-01-01/children.csv");
    assert_eq!(problem["place"]["cell"], "R5C3");
    // Whoever reads the JSON reads it of every error.
    let told = mini.run(&["run", "mimi", "--json"]).exits(2);
    assert_eq!(told.json()["problems"][0]["hints"][0], "did you mean `mini`?");
}

#[test]
fn quiet_is_silent_but_for_errors() {
    let mini = Mini::new();
    let told = mini.ok(&["run", "-q"]).silent_on_stdout();
    assert_eq!(told.stderr, "");
    assert_eq!(mini.ok(&["run", "--quiet"]).stderr, "");
    mini.write(CHILDREN_SQL, "select 1");
    mini.run(&["run", "-q"]).exits(1).says(&["error: "]);
}

#[test]
fn verbose_names_each_step() {
    let mini = Mini::new();
    mini.ok(&["run", "-v"]).says(&["make      mini.children", "make      brief mini/leeds"]);
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    mini.ok(&["run", "-v"]).says(&["take over mini.children", "make      mini.change"]);
}

#[test]
fn one_pipeline_runs_and_the_others_stay() {
    let mini = Mini::new();
    mini.second_pipeline();
    mini.ok(&["run", "mini"]);
    assert!(!mini.query("show tables").contains("other"));
    mini.ok(&["run", "other"]).says(&["2 rows  mini.change  (as before)", "2 rows  other.doubled"]);
    assert!(mini.query("select * from other.doubled").contains("180"));
    // What one pipeline reads of another is made before it, so that nothing rests on old figures.
    mini.figures(",90", ",80");
    mini.ok(&["run", "other"]);
    assert!(mini.query("select * from other.doubled").contains("160"));
    let after_one = mini.query("select * from other.doubled");
    mini.ok(&["run"]);
    assert_eq!(mini.query("select * from other.doubled"), after_one);
    assert!(mini.query("select * from mini.change").contains("-20"));
}

#[test]
fn a_pipeline_that_is_no_longer_declared_goes_with_the_next_run() {
    let mini = Mini::new();
    mini.second_pipeline();
    mini.ok(&["run"]);
    assert!(mini.query("show tables").contains("doubled"));
    fs::remove_dir_all(mini.path("pipelines/other")).unwrap();
    mini.ok(&["run"]);
    assert!(!mini.query("show tables").contains("doubled"));
}

#[test]
fn an_unknown_pipeline_is_wrong_usage() {
    let mini = Mini::published();
    mini.run(&["run", "mimi"]).exits(2).says(&["no pipeline `mimi`", "did you mean `mini`?"]);
    mini.run(&["run", "health"]).exits(2).says(&["  hint: ", "`mini`"]);
    mini.run(&["check", "mimi"]).exits(2).says(&["did you mean `mini`?"]);
}

#[test]
fn folders_with_spaces_and_other_letters_are_folders() {
    let mini = Mini::new();
    let warehouse = mini.path("склад 100% [a]");
    let warehouse = warehouse.to_str().unwrap();
    let told = mini.ok(&["run", "--warehouse", warehouse]).says(&["ask:"]);
    assert!(told.stderr.contains(&format!("--warehouse \"{warehouse}\"")), "{}", told.stderr);
    let sql = "select children from mini.children where area = 'Leeds' and time_period = '2024'";
    let told = mini.ok(&["query", "--warehouse", warehouse, "--format", "csv", "-c", sql]);
    assert_eq!(told.stdout, "children\n90.0\n");
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    mini.ok(&["run", "--warehouse", warehouse]).says(&["2 steps made, 11 as before"]);
}

#[test]
fn the_shipped_project_runs() {
    let warehouse = tempfile::tempdir().unwrap();
    let repository = repository();
    let shipped = |args: &[&str]| {
        let mut command = opeka(args);
        command.arg("--project").arg(&repository).arg("--warehouse").arg(warehouse.path());
        told(&mut command).exits(0)
    };
    shipped(&["run"]).says(&["england_care.looked_after", "russia_care.placement_shares"]);
    shipped(&["run"]).says(&["nothing changed"]);
    let where_ = ["--where", "ref_area=E08000035", "--where", "time_period=2025"];
    let told = shipped(&[&["trace", "england_care.looked_after", "--json"], &where_[..]].concat());
    let trace = told.json();
    assert_eq!(trace["row_count"], 1);
    assert_eq!(trace["rows"][0]["area"], "Leeds");
    let cells = trace["cells"].as_array().unwrap();
    assert!(!cells.is_empty());
    assert!(cells.iter().all(|cell| cell["verified"] == "same"), "{cells:#?}");
}
