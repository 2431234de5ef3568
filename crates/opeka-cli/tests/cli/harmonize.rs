//! `opeka harmonize`: names that no code list knows, and the file of answers.

use crate::project::{Mini, RECIPE};

const MAP: &str = "pipelines/mini/ingest/children.areas.map.toml";

/// The small project, with one area written otherwise.
fn written(name: &str) -> Mini {
    let mini = Mini::new();
    mini.figures("Leeds,2023", &format!("{name},2023"));
    mini
}

#[test]
fn without_a_terminal_the_names_are_listed() {
    let mini = written("Leeds City Council");
    let told = mini.run(&["harmonize", "children"]).exits(1);
    let place = "Leeds City Council (office/2026-01-01/children.csv · R4C1)\n";
    assert!(told.stdout.starts_with(place), "{}", told.stdout);
    assert!(told.stdout.contains("    1.00  E08000035  Leeds\n"), "{}", told.stdout);
    told.says(&["error: 1 of 1 names have no code", "`--accept 0.95`"]);
    assert!(!mini.path(MAP).exists());
}

#[test]
fn what_is_accepted_is_written_and_then_read() {
    let mini = written("Leeds City Council");
    let unknown = "unknown area `Leeds City Council`";
    mini.run(&["run"]).exits(1).says(&[unknown]);
    let told = mini.ok(&["harmonize", "children", "--accept", "0.9"]);
    told.says(&[
        "Leeds City Council = E08000035 (Leeds, 1.00)",
        "(1 answers)",
        "hint: the recipe reads it by `map = \"children.areas.map.toml\"`",
        "every name of an area has its code",
    ]);
    let line =
        "\"Leeds City Council\" = { code = \"E08000035\", score = 1.00, answered = \"accepted\" }";
    assert!(mini.read(MAP).contains(line), "{}", mini.read(MAP));
    // An answer counts once the recipe names the file.
    mini.run(&["run"]).exits(1).says(&[unknown]);
    mini.edit(RECIPE, "below = \"area\"", "below = \"area\"\nmap = \"children.areas.map.toml\"");
    mini.ok(&["run"]);
    let rows = "select ref_area, children from mini.children \
                where time_period = '2023' order by ref_area";
    assert_eq!(mini.query(rows), "ref_area,children\nE08000035,100.0\nE92000001,1000.0\n");
    // What has its answer is not asked again.
    mini.ok(&["harmonize", "children"]).silent_on_stdout();
}

#[test]
fn a_close_call_is_refused() {
    let mini = written("Yorkshire");
    let told = mini.run(&["harmonize", "children", "--accept", "0.7"]).exits(1);
    let first = told.stdout.lines().next().unwrap_or_default();
    assert!(first.starts_with("Yorkshire (") && first.ends_with(" behind"), "{}", told.stdout);
    told.says(&["error: 1 of 1 names have no code"]);
    let low = mini.run(&["harmonize", "children", "--accept", "0.95"]).exits(1);
    assert!(low.stdout.contains(": the best candidate scores 0.78 only\n"), "{}", low.stdout);
    assert!(!mini.path(MAP).exists());
}

#[test]
fn what_is_no_recipe_and_no_file_is_wrong_usage() {
    let told = Mini::new().run(&["harmonize", "nothing"]).exits(2).silent_on_stdout();
    told.says(&["error: `nothing` is neither a recipe nor a file", "  hint: name a recipe"]);
}
