//! What is wrong with a project: each mistake is told with its place and a hint, ends with status
//! 1 (4 where a source's layout drifted), and leaves the published release as it was.

use rust_xlsxwriter::Workbook;

use crate::project::{
    BRIEF, CHANGE_SQL, CHART, CHILDREN_SQL, CHILDREN_TOML, FIGURES, Mini, PIPELINE, RECIPE,
};

const SOURCE: &str = "office/2026-01-01/children.csv";
const KEPT: &str = "nothing was published, the last release is as it was";

/// Publishes the project, makes the mistake, and expects a run to say all of `texts` and to leave
/// the release alone.
#[track_caller]
fn refused(status: i32, mistake: impl FnOnce(&Mini), texts: &[&str]) -> Mini {
    let mini = Mini::published();
    let (release, rows) = (mini.current(), mini.query("select * from mini.change"));
    mistake(&mini);
    let told = mini.run(&["run"]).exits(status).silent_on_stdout().says(texts).says(&[KEPT]);
    assert!(told.stderr.ends_with(&format!("{KEPT}\n")), "{}", told.stderr);
    assert_eq!(mini.current(), release);
    assert_eq!(mini.query("select * from mini.change"), rows);
    assert!(!mini.path("warehouse/.building").exists());
    mini
}

#[test]
fn an_unknown_area() {
    refused(
        1,
        |mini| mini.figures("Leeds,2023", "Leds,2023"),
        &[&format!("error: {SOURCE} · R4C1: unknown area `Leds`"), "`Leeds`", "1 error;"],
    );
}

#[test]
fn a_text_where_a_number_is_due() {
    refused(
        1,
        |mini| mini.figures(",90", ",ninety"),
        &[&format!("error: {SOURCE} · R5C3: "), "number is due: `ninety`", "`[marks]`"],
    );
}

#[test]
fn a_key_that_stands_twice() {
    let texts = [
        &format!("error: {SOURCE} · R5C3: a second figure for cla_31_march of E08000035 in 2023"),
        "  hint: the first stands in `office/2026-01-01/children.csv#R4C3`",
        "1 error;",
    ];
    refused(1, |mini| mini.figures("Leeds,2024", "Leeds,2023"), &texts);
}

#[test]
fn several_mistakes_at_once_are_all_told_and_summed_up() {
    let mistakes = |mini: &Mini| {
        mini.figures(",90", ",ninety");
        mini.figures("England,2023", "Englan,2023");
        mini.figures("Leeds,2023", "Leeds,some year");
    };
    let mini = refused(
        1,
        mistakes,
        &["R5C3: ", "unknown area `Englan`", "R4C2: `some year` is no time period", "3 errors;"],
    );
    // `ingest` and `check` say the same, and do not speak of publishing.
    for command in [&["ingest", "children"][..], &["check"]] {
        let told = mini.run(command).exits(1).says(&["`ninety`", "`Englan`", "3 errors"]);
        assert!(!told.stderr.contains("published"), "{}", told.stderr);
    }
}

#[test]
fn declarations_are_all_read_before_any_is_refused() {
    let mistakes = |mini: &Mini| {
        mini.edit(RECIPE, "dataset", "datset");
        mini.edit(CHILDREN_TOML, "grain", "grian");
        mini.edit(BRIEF, "lang", "lnag");
        mini.edit(CHART, "zero_baseline", "zero_base");
    };
    let texts = ["did you mean `dataset`?", "did you mean `grain`?", "did you mean `lang`?"];
    let mini = refused(1, mistakes, &texts);
    mini.run(&["run"]).says(&["did you mean `zero_baseline`?", "4 errors;"]);
}

#[test]
fn a_selection_that_is_empty_in_a_new_source() {
    let mini = Mini::new();
    mini.source(FIGURES, b"area,year,children\n");
    // Nothing was ever read by this recipe: nothing drifted.
    mini.run(&["run"]).exits(1).says(&[SOURCE, "selection of `ref_area` is empty", "--preview"]);
    assert!(!mini.path("warehouse/current").exists());
    mini.run(&["query", "-c", "select 1"]).exits(1).says(&["no release", "`opeka run`"]);
}

#[test]
fn a_source_that_drifted_is_another_status() {
    let renamed = |mini: &Mini| mini.figures("year,children", "year,kids");
    let mini = refused(4, renamed, &[SOURCE, "no cell reads `children`", "--preview"]);
    mini.run(&["check"]).exits(4).says(&["no cell reads `children`"]);
    assert_eq!(mini.run(&["run", "--json"]).json()["status"], 4);
    refused(4, |mini| mini.source(FIGURES, b"area,year,children\n"), &["is empty"]);
}

#[test]
fn a_file_that_is_not_the_one_declared() {
    let texts = ["is not the one that its `.source.toml` declares", "found 85 bytes with SHA-256"];
    let changed = |mini: &Mini| mini.write(FIGURES, mini.read(FIGURES) + "\n");
    let mini = refused(1, changed, &texts);
    let told = mini.run(&["sources"]).exits(1);
    assert!(told.stdout.contains("NOT THE FILE THAT IS DECLARED"), "{}", told.stdout);
    let told = mini.run(&["sources", "--json"]).exits(1);
    let sources: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(sources[0]["intact"], false);
}

#[test]
fn a_source_that_is_not_there() {
    let gone = |mini: &Mini| std::fs::remove_file(mini.path(FIGURES)).unwrap();
    refused(1, gone, &["children.source.toml: the file `children.csv`", "is not there"]);
    let misspelt = |mini: &Mini| mini.edit(RECIPE, "children.csv", "childern.csv");
    let text = "children.recipe.toml: there is no source `office/2026-01-01/childern.csv`";
    refused(1, misspelt, &[text, &format!("did you mean `{SOURCE}`?")]);
}

/// A workbook with figures; `said` stands in its cell C3.
fn workbook(said: &str) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Table 1").unwrap();
    for (row, area, year) in
        [(1, "England", 2023), (2, "England", 2024), (3, "Leeds", 2023), (4, "Leeds", 2024)]
    {
        sheet.write(row, 0, area).unwrap().write(row, 1, year).unwrap();
        sheet.write(row, 2, 100).unwrap();
    }
    for (column, heading) in ["area", "year", "children"].into_iter().enumerate() {
        sheet.write(0, column as u16, heading).unwrap();
    }
    sheet.write(2, 2, said).unwrap();
    workbook.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_names_sheet_and_cell_and_is_refused_when_it_is_cut_short() {
    let mini = Mini::new();
    let path = "datasets/sources/office/2026-01-01/book.xlsx";
    mini.edit(RECIPE, "children.csv", "book.xlsx");
    mini.edit(RECIPE, "[[table]]", "[[table]]\nsheet = \"Table 1\"");
    mini.source(path, &workbook("x"));
    mini.ok(&["run"]);
    let release = mini.current();
    assert!(mini.query("select obs_status from observations where cell = 'C3'").contains('O'));

    mini.source(path, &workbook("ninety"));
    mini.run(&["run"]).exits(1).says(&["error: office/2026-01-01/book.xlsx · Table 1!C3: "]);

    let whole = workbook("x");
    mini.source(path, &whole[..whole.len() / 2]);
    mini.run(&["run"]).exits(1).says(&["error: office/2026-01-01/book.xlsx: ", "  hint: ", KEPT]);

    mini.source(path, &whole);
    mini.edit(RECIPE, "Table 1", "Table 2");
    mini.run(&["run"]).exits(4).says(&["no sheet `Table 2`", "did you mean `Table 1`?"]);
    assert_eq!(mini.current(), release);
}

#[test]
fn a_typo_in_a_declaration_has_line_column_and_the_closest_name() {
    let cases = [
        (RECIPE, "dataset =", "datset =", ":2:1: unknown field `datset`", "`dataset`"),
        (RECIPE, "dimensions.time_period", "dimensions.time_peroid", ":20:", "`time_period`"),
        (CHILDREN_TOML, "grain =", "grian =", ":3:1: unknown field `grian`", "`grain`"),
        (PIPELINE, "owner =", "onwer =", ":3:1: unknown field `onwer`", "`owner`"),
        (PIPELINE, "not_null", "notnull", ":6:1: unknown field `notnull`", "`not_null`"),
        (CHART, "series =", "serie =", ":9:1: unknown field `serie`", "`series`"),
        (CHART, "y = \"children\"", "y = \"chidren\"", ":8: ", "`children`"),
        (BRIEF, "lang =", "lnag =", ":3:1: unknown field `lnag`", "`lang`"),
        (BRIEF, "{{ value leeds.children", "{{ valeu leeds.children", ":10:", "`value`"),
        (BRIEF, "chart children", "chart childern", ":12: no chart `childern`", "`children`"),
        (BRIEF, "value leeds.change", "value leds.change", ":10:", "`leeds`"),
        (BRIEF, "value leeds.change", "value leeds.chnage", ":10:", "`change`"),
    ];
    let mini = Mini::published();
    let release = mini.current();
    for (path, from, to, place, near) in cases {
        let before = mini.read(path);
        mini.edit(path, from, to);
        let told = mini.run(&["run"]).exits(1).says(&[&format!("did you mean {near}?"), KEPT]);
        let place = place.replace("no chart", "there is no chart");
        assert!(told.stderr.starts_with(&format!("error: {path}{place}")), "{told:#?}");
        // One mistake is told once, not again by what depends on it.
        assert!(told.stderr.contains("\n1 error;"), "{}", told.stderr);
        mini.write(path, before);
    }
    assert_eq!(mini.current(), release);
}

#[test]
fn a_source_declaration_with_a_typo_is_told_once() {
    let path = FIGURES.replace(".csv", ".source.toml");
    let typo = |mini: &Mini| mini.edit(&path, "licence =", "license =");
    refused(1, typo, &["source.toml:6:1: unknown field `license`", "`licence`", "1 error;"]);
}

#[test]
fn sql_is_refused_at_its_line_and_column() {
    let change =
        |from: &'static str, to: &'static str| move |mini: &Mini| mini.edit(CHANGE_SQL, from, to);
    refused(
        1,
        change("from mini.children c", "from mini.childern c"),
        &["change.sql:8: there is no table `mini.childern`", "did you mean `mini.children`?"],
    );
    let mini = refused(
        1,
        change("join mini.children b", "jion jion mini.children b"),
        &[&format!("error: {CHANGE_SQL}:9:1: "), "found: jion\n"],
    );
    let told = mini.run(&["run"]);
    assert!(!told.stderr.contains("Line:"), "the place stands once: {}", told.stderr);
    refused(
        1,
        change("    c.ref_area,", "    c.ref_aera,"),
        &[&format!("error: {CHANGE_SQL}:3:5: "), "'ref_aera'", "c.ref_area"],
    );
    refused(
        1,
        change("c.children - b.children as", "cast(c.ref_area as double) as"),
        &[CHANGE_SQL, "Cannot cast string 'E0"],
    );
    let two = |mini: &Mini| mini.write(CHANGE_SQL, "select 1;\nselect 2;\n");
    refused(1, two, &[CHANGE_SQL, "one `select` is due here, not 2 statements"]);
}

#[test]
fn the_columns_of_a_metric_are_those_declared() {
    let no_cells = |mini: &Mini| {
        mini.edit(
            CHANGE_SQL,
            "as change,\n    array_concat(c.cells, b.cells) as cells",
            "as change",
        );
    };
    refused(1, no_cells, &[CHANGE_SQL, "column `cells` is declared, and the query does not"]);
    let toml = CHANGE_SQL.replace(".sql", ".toml");
    let undeclared_cells =
        |mini: &Mini| mini.edit(&toml, "cells = { meaning = \"The cells of both years\" }\n", "");
    refused(1, undeclared_cells, &[&toml, "a metric has a column `cells`"]);
    let undeclared = |mini: &Mini| mini.edit(CHANGE_SQL, "as change", "as difference");
    refused(
        1,
        undeclared,
        &["column `difference` is not declared", "column `change` is declared", "2 errors;"],
    );
    let no_list = |mini: &Mini| {
        mini.edit(CHANGE_SQL, "array_concat(c.cells, b.cells)", "c.ref_area");
    };
    refused(1, no_list, &[CHANGE_SQL, "`cells` is no list", "cell_ref"]);
    let no_toml = |mini: &Mini| std::fs::remove_file(mini.path(&toml)).unwrap();
    refused(1, no_toml, &[CHANGE_SQL, &format!("write `{toml}`")]);
}

#[test]
fn metrics_that_read_each_other_are_named_and_no_others() {
    let circle =
        |mini: &Mini| mini.edit(CHILDREN_SQL, "from mini.observations", "from mini.change");
    refused(
        1,
        circle,
        &[
            "in a circle: `mini.change`, `mini.children`\n",
            "`mini.change` reads `mini.children`: pipelines/mini/measure/change.sql:8",
            "`mini.children` reads `mini.change`: pipelines/mini/measure/children.sql:8",
        ],
    );
}

#[test]
fn a_declaration_that_is_no_utf8_is_named() {
    for path in [CHILDREN_SQL, RECIPE, BRIEF, "datasets/codelists/units.csv"] {
        let mini = Mini::new();
        mini.write(path, b"title = \"\xff\xfe\"\n");
        let told = mini.run(&["run"]).exits(1);
        told.says(&[&format!("error: {path}: the file is not UTF-8"), KEPT]);
    }
}

#[test]
fn a_brief_reads_metrics_only() {
    let observations =
        |mini: &Mini| mini.edit(BRIEF, "mini.change where", "mini.observations where");
    refused(1, observations, &[BRIEF, "a brief selects from metrics only", "write a metric"]);
}
