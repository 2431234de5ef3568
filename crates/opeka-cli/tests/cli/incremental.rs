//! What a change makes stale, and how one goes back to what was.

use crate::project::{CHANGE_SQL, FIGURES, Mini};

/// The tables that a run made, and whether it made them.
fn made(report: &serde_json::Value) -> Vec<(&str, bool)> {
    let tables = report["tables"].as_array().unwrap().iter();
    let tables = tables.map(|t| (t["table"].as_str().unwrap(), t["made"] == true));
    tables.filter(|(table, _)| table.starts_with("mini.")).collect()
}

#[test]
fn a_changed_metric_is_remade_with_what_shows_it_and_the_rest_is_taken_over() {
    let mini = Mini::published();
    let before = mini.current();
    mini.edit(CHANGE_SQL, "c.children - b.children", "b.children - c.children");
    let report = mini.json(&["run"]);
    assert_eq!(report["previous"], before);
    assert_eq!((&report["made"], &report["reused"]), (&2.into(), &11.into()));
    let tables = made(&report);
    for (table, remade) in
        [("mini.change", true), ("mini.children", false), ("mini.observations", false)]
    {
        assert!(tables.contains(&(table, remade)), "{table}: {tables:?}");
    }
    let page = format!("warehouse/releases/{}/published/mini/leeds.html", mini.current());
    assert!(mini.read(&page).contains("+10"));
    assert!(mini.query("select change from mini.change").contains("10.0"));
}

#[test]
fn a_changed_figure_changes_the_release_and_a_repaired_one_brings_it_back() {
    let mini = Mini::published();
    let before = mini.current();
    mini.figures("Leeds,2024,90", "Leeds,2024,95");
    let report = mini.json(&["run"]);
    assert_ne!(report["release"], before);
    // The code lists are as they were; the table of sources has a new hash.
    assert_eq!(report["reused"], 7);
    assert!(
        mini.query("select max(change) as c from mini.change where ref_area = 'E08000035'")
            .contains("-5.0")
    );
    mini.figures("Leeds,2024,95", "Leeds,2024,90");
    let report = mini.json(&["run"]);
    assert_eq!((&report["release"], &report["made"]), (&before.into(), &0.into()));
    mini.ok(&["run"]).says(&["nothing changed"]);
}

#[test]
fn releases_are_listed_rolled_back_and_queried_side_by_side() {
    let mini = Mini::published();
    let first = mini.current();
    mini.run(&["rollback"]).exits(1).says(&["no release before the current one"]);
    mini.figures("Leeds,2024,90", "Leeds,2024,95");
    mini.ok(&["run", "-q"]);
    let second = mini.current();

    let releases = mini.json(&["releases"]);
    let listed: Vec<_> = releases.as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[0]["release"], &listed[0]["current"]),
        (&second.clone().into(), &true.into())
    );
    assert_eq!(
        (&listed[1]["release"], &listed[1]["current"]),
        (&first.clone().into(), &false.into())
    );
    let text = mini.ok(&["releases"]).stdout;
    assert!(text.starts_with(&format!("* {second}")), "{text}");

    let sql = "select obs_value from observations where cell = 'R5C3'";
    let query = |release: &str| {
        mini.ok(&["query", "--release", release, "--format", "csv", "-c", sql]).stdout
    };
    assert_eq!(query(&first), "obs_value\n90.0\n");
    assert_eq!(query(&first[..12]), "obs_value\n90.0\n");
    assert_eq!(query(&second), "obs_value\n95.0\n");
    for unknown in ["zzz", "../..", ""] {
        mini.run(&["query", "--release", unknown, "-c", sql]).exits(2).says(&["no release"]);
    }

    mini.ok(&["rollback"]).says(&[&format!("release {first} is current again")]);
    assert_eq!(mini.query(sql), "obs_value\n90.0\n");
    mini.ok(&["rollback", &second]);
    assert_eq!(mini.query(sql), "obs_value\n95.0\n");
    let told = mini.ok(&["rollback", "--json", &first[..12]]);
    assert_eq!(told.json()["release"], first);
    mini.run(&["rollback", "zzz"]).exits(2).says(&["no release `zzz`"]);
    assert_eq!(mini.current(), first);
    // The figures that are declared now were released before: the run only points to them.
    assert!(mini.read(FIGURES).contains("95"));
    mini.ok(&["run"]);
    assert_eq!(mini.current(), second);
}

#[test]
fn a_release_that_was_removed_is_made_again() {
    let mini = Mini::published();
    let release = mini.current();
    std::fs::remove_dir_all(mini.path("warehouse/releases")).unwrap();
    let told = mini.run(&["query", "-c", "select 1"]).exits(3);
    told.says(&["it is current and not there", "`opeka run` makes it again"]);
    mini.ok(&["releases"]);
    mini.ok(&["run"]);
    assert_eq!(mini.current(), release);
    assert!(mini.query("select * from mini.change").contains("-10.0"));
}
