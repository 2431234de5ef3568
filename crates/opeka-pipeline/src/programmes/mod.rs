//! The registry of programmes: `datasets/programmes/*.toml`, as tables and with an address for every
//! statement.
//!
//! A file that cannot be read is a problem and is left out; the others stay. What the audit makes of
//! the tables is SQL, in `pipelines/programmes/`.

mod check;
mod registry;
mod statements;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use opeka_ingest::Codelists;
use opeka_model::{Kind, Place, Problem, Problems, from_toml};
use opeka_publish::Citation;

pub use registry::{
    Arithmetic, ArithmeticKind, Better, Claim, ClaimKind, Component, Design, Document, EventYears,
    Events, Kpi, Money, MoneyOf, Partner, PartnerRole, Programme, Role, Site, Trend, Words,
};
pub(crate) use statements::{SOURCE_PREFIX, cell_text};
pub(crate) use tables::{REGISTRY_TABLES, tables};

use crate::fingerprint::{of_parts, sha256};
use crate::project::Declared;

/// The SQL schema of the registry, and the pipeline that evaluates it.
pub(crate) const SCHEMA: &str = "programmes";

/// The file of events that happen to all areas.
const EVENTS: &str = "events";

/// A file of the registry.
#[derive(Debug)]
pub struct RegistryFile {
    pub declared: Declared<Programme>,
    pub text: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// All programmes that are declared.
#[derive(Debug, Default)]
pub struct Registry {
    pub files: Vec<RegistryFile>,
    pub events: Events,
    /// Hash of `events.toml`, where there is one.
    pub events_sha256: Option<String>,
    /// What is wrong with the registry. A programme with a mistake does not hide the others.
    pub problems: Problems,
    /// Programmes with mistakes: their claims are left out.
    pub refused: BTreeSet<String>,
    /// Only the claims of this programme are asked for; where the others work is known all the same.
    pub only: Option<String>,
}

impl Registry {
    /// Reads the registry from its files: name of the file below the project, path, text where it is one.
    pub(crate) fn read(
        files: Vec<(String, PathBuf, Option<String>)>,
        codelists: &Codelists,
    ) -> Self {
        let mut registry = Self::default();
        for (file, path, text) in files {
            let Some(text) = text else {
                let place = Place::File { file };
                let problem = Problem::error(Kind::Declaration, place, "the file is not UTF-8");
                registry.problems.push(problem.hint("save it as UTF-8"));
                continue;
            };
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if stem == EVENTS {
                registry.events_sha256 = Some(sha256(text.as_bytes()));
                match from_toml(&file, &text) {
                    Ok(events) => {
                        registry.problems.extend(check::events(&file, &text, &events, codelists));
                        registry.events = events;
                    }
                    Err(problem) => registry.problems.push(problem),
                }
                continue;
            }
            if !is_id(&stem) {
                let message = format!("`{stem}` is no name of a programme");
                let hint =
                    "name the file by small letters, digits and `_`: it is the programme's id";
                let place = Place::File { file };
                let problem = Problem::error(Kind::Declaration, place, message).hint(hint);
                registry.problems.push(problem);
                continue;
            }
            match from_toml::<Programme>(&file, &text) {
                Ok(value) => {
                    let problems = check::check(&file, &text, &value, codelists);
                    if problems.has_errors() {
                        registry.refused.insert(stem.clone());
                    }
                    registry.problems.extend(problems);
                    let sha256 = sha256(text.as_bytes());
                    let declared = Declared { name: stem, file, sha256, value };
                    registry.files.push(RegistryFile { declared, text, path });
                }
                Err(problem) => registry.problems.push(
                    problem.hint("this programme is left out, and its areas may stand among the controls of the others"),
                ),
            }
        }
        let all = registry.files.iter().map(|file| {
            let declared = &file.declared;
            (declared.name.as_str(), declared.file.as_str(), file.text.as_str(), &declared.value)
        });
        let overlaps = check::overlaps(all, codelists);
        registry.problems.extend(overlaps);
        registry
    }

    /// The hash of all of it.
    pub(crate) fn sha256(&self) -> String {
        let files: BTreeMap<&str, &str> = self
            .files
            .iter()
            .map(|f| (f.declared.name.as_str(), f.declared.sha256.as_str()))
            .collect();
        let events = self.events_sha256.as_deref().map(|hash| (EVENTS, hash));
        let only = self.only.as_deref().map(|only| ("only", only));
        of_parts(files.into_iter().chain(events).chain(only))
    }

    /// Whether anything is declared.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.events_sha256.is_none() && self.problems.is_empty()
    }

    /// The citation of a registry file: that of the document it was written from.
    pub(crate) fn citation(&self, source: &str) -> Option<Citation> {
        let declared = &self.file(source)?.declared;
        let document = declared.value.documents.first()?;
        Some(Citation {
            source: source.to_owned(),
            title: document.title.clone(),
            citation: format!("{}: {}", document.publisher, document.title),
            note: document.note.clone().unwrap_or_default(),
            url: document.url.clone().unwrap_or_default(),
            licence: "figures, carried over with citation".into(),
            accessed: document.accessed.clone(),
            sha256: declared.sha256.clone(),
        })
    }

    /// The file that a source of a cell names.
    pub(crate) fn file(&self, source: &str) -> Option<&RegistryFile> {
        let name = source.strip_prefix(SOURCE_PREFIX)?.strip_suffix(".toml")?;
        self.files.iter().find(|file| file.declared.name == name)
    }
}

fn is_id(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !name.is_empty() && name.bytes().all(plain)
}
