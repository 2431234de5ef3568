//! What is generated into the project is what its sources say; `UPDATE=1` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use opeka_measure::{EFFECTS_SECTION, documentation};
use opeka_pipeline::{
    JudgedClaim, Project, coverage_of, functions_page, methods_page, notebooks, sources_page,
    verdicts_page,
};
use opeka_publish::Lang;

use crate::shipped::{block_on, engine, root};

fn holds(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "{} is not up to date: UPDATE=1 writes it anew", path.display());
}

#[test]
fn notebooks_are_those_of_the_briefs() {
    let project = Project::load(&root()).unwrap();
    let exported = notebooks(&project).unwrap();
    assert_eq!(exported.len(), 2);
    let expected: BTreeSet<PathBuf> = exported.iter().map(|(path, _)| root().join(path)).collect();
    for (path, notebook) in &exported {
        holds(&root().join(path), notebook);
    }
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(root().join("notebooks-export")).unwrap() {
        let folder = folder.unwrap().path();
        if folder.is_dir() {
            found.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "ipynb"));
    assert_eq!(found, expected, "a notebook without a brief");
}

#[test]
fn the_table_of_sources_is_that_of_the_declarations() {
    let project = Project::load(&root()).unwrap();
    holds(&root().join("datasets/sources/README.md"), &sources_page(&project));
}

#[test]
fn the_reference_of_functions_is_their_documentation() {
    holds(&root().join("docs/functions.md"), &functions_page());
}

#[test]
fn the_page_of_methods_is_their_documentation_and_their_coverage() {
    let coverage = root().join("crates/opeka-stats/COVERAGE_EFFECTS.md");
    let coverage = fs::read_to_string(coverage).unwrap();
    let methods: Vec<_> =
        documentation().into_iter().filter(|f| f.section == EFFECTS_SECTION).collect();
    assert!(methods.len() > 10, "{} methods", methods.len());
    for method in methods {
        assert!(coverage_of(&coverage, &method.name).is_some(), "no coverage of {}", method.name);
    }
    holds(&root().join("docs/methods.md"), &methods_page(&coverage));
}

#[test]
fn every_source_is_the_file_it_declares() {
    for (path, source) in &Project::load(&root()).unwrap().sources {
        assert!(source.matches().unwrap(), "{path}");
        assert_eq!(fs::metadata(&source.path).unwrap().len(), source.manifest.size, "{path}");
    }
}

#[test]
fn the_readme_shows_the_test_command_that_ci_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in ["cargo test --workspace", "cargo run -- run"] {
        assert!(readme.contains(command), "README.md lacks `{command}`");
    }
    assert!(ci.contains("cargo test --workspace"));
}

#[test]
fn the_page_of_verdicts_is_what_the_release_says() {
    let sql = "select * from programmes.verdicts order by programme, claim";
    let verdicts = block_on(engine().query(sql, "verdicts", 1)).unwrap().batches;
    for (lang, file) in [(Lang::En, "docs/verdicts.md"), (Lang::Ru, "docs/verdicts.ru.md")] {
        let claims = JudgedClaim::all(&verdicts, lang).unwrap();
        assert_eq!(claims.len(), 39);
        holds(&root().join(file), &verdicts_page(&claims, lang));
    }
}
