//! What an operator meets: two runs at once, a run that died, a disk that says no.

use std::fs::{self, File};

use crate::project::{CHANGE_SQL, Mini, files};

#[test]
fn a_second_writer_is_refused_at_once_and_readers_go_on() {
    let mini = Mini::published();
    let before = files(&mini.path("warehouse/releases"));
    let held = File::create(mini.path("warehouse/.lock")).unwrap();
    held.try_lock().unwrap();
    mini.figures(",90", ",95");
    for args in [&["run"][..], &["run", "--full"], &["rollback"]] {
        mini.run(args).exits(3).says(&["another run is writing to", "  hint: "]);
    }
    assert!(mini.query("select * from mini.change").contains("-10.0"));
    // It reads, and says that the source is no longer the one that was read.
    mini.run(&["trace", "mini.change"]).exits(1);
    mini.ok(&["releases"]);
    mini.ok(&["run", "--dry-run"]);
    mini.ok(&["check"]);
    assert!(files(&mini.path("warehouse/releases")) == before);
    drop(held);
    mini.ok(&["run"]);
    assert!(mini.query("select * from mini.change").contains("-5.0"));
}

#[test]
fn what_a_run_that_died_left_is_cleared_away() {
    let mini = Mini::published();
    let left = "warehouse/.building/metrics/mini/change.parquet";
    mini.write(left, "half a file");
    mini.write("warehouse/.current.next", "half an i");
    // Readers do not see it.
    assert!(mini.query("select * from mini.change").contains("-10.0"));
    assert_eq!(mini.json(&["releases"]).as_array().unwrap().len(), 1);
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    mini.ok(&["run"]);
    assert!(!mini.path("warehouse/.building").exists());
    assert!(mini.query("select * from mini.change").contains("-10.0"));
}

#[test]
fn a_release_that_was_moved_but_not_pointed_to_is_taken_up() {
    // A run that dies between its last two acts leaves a whole release that nobody reads.
    let mini = Mini::published();
    let first = mini.current();
    mini.figures(",90", ",95");
    mini.ok(&["run", "-q"]);
    let second = mini.current();
    mini.write("warehouse/current", format!("{first}\n"));
    mini.write("warehouse/history", format!("{first}\n"));
    assert!(mini.query("select * from mini.change").contains("-10.0"));
    mini.ok(&["run"]).says(&[&second]);
    assert_eq!(mini.current(), second);
}

#[test]
fn each_release_is_whole() {
    let mini = Mini::published();
    mini.figures(",90", ",95");
    mini.ok(&["run", "-q"]);
    mini.figures(",95", ",ninety");
    mini.run(&["run"]).exits(1);
    let mut releases = 0;
    for folder in fs::read_dir(mini.path("warehouse/releases")).unwrap().flatten() {
        let manifest = fs::read_to_string(folder.path().join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let outputs = manifest["steps"].as_array().unwrap().iter();
        let outputs = outputs.flat_map(|step| step["outputs"].as_array().unwrap());
        for output in outputs {
            let path = folder.path().join(output["path"].as_str().unwrap());
            assert_eq!(fs::metadata(path).unwrap().len(), output["size"].as_u64().unwrap());
        }
        releases += 1;
    }
    assert_eq!(releases, 2);
    // Nothing of a machine or of a day is in it.
    let folder = mini.path("warehouse/releases").join(mini.current());
    let here = mini.path(".").to_string_lossy().trim_end_matches("/.").to_owned();
    for (path, bytes) in files(&folder) {
        let found = bytes.windows(here.len()).any(|window| window == here.as_bytes());
        assert!(!found, "{} names this machine's folder", path.display());
    }
}

#[test]
fn a_warehouse_that_cannot_be_written_is_the_programs_failure() {
    let mini = Mini::new();
    mini.write("taken", "a file where the folder should be");
    let taken = mini.path("taken");
    let taken = taken.to_str().unwrap();
    for args in [&["run"][..], &["query", "-c", "select 1"], &["releases"], &["rollback"]] {
        let told = mini.run(&[args, &["--warehouse", taken]].concat()).exits(3);
        // The system's reason stands once.
        assert_eq!(told.stderr.matches("os error").count(), 1, "{}", told.stderr);
        assert!(told.stderr.contains(taken), "{}", told.stderr);
    }
    let told = mini.run(&["run", "--json", "--warehouse", taken]).exits(3);
    assert_eq!(told.json()["status"], 3);
    assert_eq!(mini.read("taken"), "a file where the folder should be");
}

#[test]
fn a_damaged_manifest_is_named() {
    let mini = Mini::published();
    mini.write(&format!("warehouse/releases/{}/manifest.json", mini.current()), "{");
    mini.run(&["query", "-c", "select 1"]).exits(3).says(&["manifest.json", "damaged"]);
}

#[test]
fn a_damaged_file_is_not_taken_over_and_a_full_run_repairs_it() {
    let mini = Mini::published();
    let whole = files(&mini.path("warehouse/releases"));
    let path = format!("warehouse/releases/{}/metrics/mini/children.parquet", mini.current());
    mini.write(&path, &fs::read(mini.path(&path)).unwrap()[..100]);
    mini.edit(CHANGE_SQL, "-- Children against", "-- The children against");
    let told = mini.run(&["run"]).exits(3);
    told.says(&["children.parquet", "`opeka run --full` makes it anew"]);
    mini.edit(CHANGE_SQL, "-- The children against", "-- Children against");
    mini.ok(&["run", "--full"]);
    assert!(files(&mini.path("warehouse/releases")) == whole);
}

#[test]
fn before_the_first_run_every_reader_says_so() {
    let mini = Mini::new();
    for args in [&["query", "-c", "select 1"][..], &["trace", "mini.change"]] {
        mini.run(args).exits(1).says(&["no release", "`opeka run` makes the first"]);
    }
    mini.run(&["rollback"]).exits(1).says(&["no release before the current one"]);
    mini.ok(&["releases"]).silent_on_stdout().says(&["`opeka run` makes the first"]);
    assert_eq!(mini.json(&["releases"]), serde_json::json!([]));
}
