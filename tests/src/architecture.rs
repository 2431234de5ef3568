//! The directions between the crates, and the one home of each technology, held against
//! `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which of our crates each crate may use; the table of ARCHITECTURE.md.
const EDGES: &[(&str, &[&str])] = &[
    ("opeka-model", &[]),
    ("opeka-stats", &[]),
    ("opeka-ingest", &["opeka-model"]),
    ("opeka-functions", &["opeka-stats"]),
    ("opeka-measure", &["opeka-functions", "opeka-model"]),
    ("opeka-publish", &["opeka-model"]),
    ("opeka-pipeline", &["opeka-ingest", "opeka-measure", "opeka-model", "opeka-publish"]),
    (
        "opeka-cli",
        &["opeka-functions", "opeka-ingest", "opeka-measure", "opeka-model", "opeka-pipeline"],
    ),
];

/// The crates in which a technology is at home.
const HOMES: &[(&str, &[&str])] = &[
    ("ab_glyph", &["opeka-publish"]),
    ("calamine", &["opeka-ingest"]),
    ("clap", &["opeka-cli"]),
    ("clarabel", &["opeka-stats"]),
    ("csv", &["opeka-ingest"]),
    ("datafusion", &["opeka-measure"]),
    ("datafusion-common", &["opeka-functions"]),
    ("datafusion-expr", &["opeka-functions"]),
    ("encoding_rs", &["opeka-ingest"]),
    ("indicatif", &["opeka-cli"]),
    ("nalgebra", &["opeka-stats"]),
    ("parquet", &["opeka-cli", "opeka-ingest", "opeka-pipeline"]),
    ("plotters", &["opeka-publish"]),
    ("pulldown-cmark", &["opeka-publish"]),
    ("quick-xml", &["opeka-ingest"]),
    ("rayon", &["opeka-stats"]),
    ("resvg", &["opeka-publish"]),
    ("rustyline", &["opeka-cli"]),
    ("sha2", &["opeka-pipeline"]),
    ("zip", &["opeka-ingest"]),
];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

/// The normal dependencies of each crate but the tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let crates = metadata.packages.iter().filter(|package| package.name != "opeka-tests");
    crates
        .map(|package| {
            let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
            (package.name.to_string(), normal.map(|d| d.name.clone()).collect())
        })
        .collect()
}

#[test]
fn crates_use_each_other_in_one_direction() {
    let found: BTreeMap<String, BTreeSet<String>> = dependencies()
        .into_iter()
        .map(|(name, used)| {
            (name, used.into_iter().filter(|used| used.starts_with("opeka-")).collect())
        })
        .collect();
    let allowed: BTreeMap<String, BTreeSet<String>> = EDGES
        .iter()
        .map(|(name, used)| ((*name).to_owned(), used.iter().map(|u| (*u).to_owned()).collect()))
        .collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), allowed.keys().collect::<Vec<_>>());
    for (name, used) in &found {
        let more: Vec<&String> = used.difference(&allowed[name]).collect();
        assert!(more.is_empty(), "{name} may not use {more:?}");
    }
}

#[test]
fn each_technology_has_one_home() {
    let dependencies = dependencies();
    for (technology, homes) in HOMES {
        let users: Vec<&str> = dependencies
            .iter()
            .filter(|(_, used)| used.contains(*technology))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(users, *homes, "{technology}");
    }
}

#[test]
fn versions_and_features_are_said_at_the_root() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for package in metadata().packages {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(|t| t.as_table()) else { continue };
            for (name, entry) in table {
                let table = entry.as_table();
                let inherited = table.and_then(|t| t.get("workspace")?.as_bool()) == Some(true);
                let plain = table.is_some_and(|t| t.len() == 1);
                assert!(
                    inherited && plain,
                    "{}: `{name}` is not `{name}.workspace = true`",
                    package.name
                );
            }
        }
        let lints = manifest["lints"].as_table().and_then(|t| t.get("workspace")?.as_bool());
        assert_eq!(lints, Some(true), "{} does not take the lints of the workspace", package.name);
    }
    let map = std::fs::read_to_string(format!("{root}/ARCHITECTURE.md")).unwrap();
    for (name, _) in EDGES {
        assert!(map.contains(name), "ARCHITECTURE.md does not speak of {name}");
    }
}

/// `cargo run` and `cargo test --workspace` build the engine once between them only while nothing that
/// tests use asks for other features of what the program uses.
#[test]
fn the_program_and_the_tests_share_one_build() {
    let tree = |arguments: &[&str]| -> BTreeSet<String> {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = std::process::Command::new(cargo)
            .args(["tree", "--offline", "--locked", "--manifest-path", manifest])
            .args(["--prefix", "none", "--format", "{p} [{f}]"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let program = tree(&["--package", "opeka-cli", "--edges", "normal,build"]);
    let all = tree(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(program.len() > 200, "{} packages", program.len());
    let other: Vec<&String> = program.difference(&all).collect();
    assert!(other.is_empty(), "built otherwise for the tests: {other:?}");
}

#[test]
fn words_and_numbers_do_no_io() {
    for name in ["opeka-model", "opeka-stats", "opeka-functions"] {
        let root = format!("{}/../crates/{name}/src", env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![std::path::PathBuf::from(root)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                for forbidden in ["std::fs", "std::net", "std::env", "std::time", "std::thread"] {
                    assert!(!code.contains(forbidden), "{} uses {forbidden}", path.display());
                }
            }
        }
    }
}
