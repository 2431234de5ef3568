//! The warehouse: releases side by side, and one pointer that is swapped atomically.
//!
//! ```text
//! warehouse/releases/<id>/{observations,codelists,metrics,published}/…  manifest.json
//! warehouse/current      the id of the release that readers open
//! warehouse/history      the ids in the order in which they became current
//! ```
//!
//! A release is never changed after it was published.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::PipelineError;
use crate::fingerprint::sha256;

/// `manifest.json` of a release: every file, and what it was made from. It holds no clock and no
/// path of a machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseManifest {
    pub release: String,
    pub program: String,
    pub steps: Vec<ManifestStep>,
}

/// One step of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestStep {
    pub id: String,
    pub kind: String,
    pub pipeline: Option<String>,
    pub fingerprint: String,
    pub inputs: BTreeMap<String, String>,
    pub outputs: Vec<Output>,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Below the release's folder, with forward slashes.
    pub path: String,
    pub sha256: String,
    pub size: u64,
    /// The SQL table that it is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub table: Option<String>,
    /// The rows of that table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<usize>,
}

impl ReleaseManifest {
    /// All files.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.steps.iter().flat_map(|step| &step.outputs)
    }

    /// The step of that id.
    pub fn step(&self, id: &str) -> Option<&ManifestStep> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// A warehouse folder.
#[derive(Debug, Clone)]
pub struct Warehouse {
    root: PathBuf,
}

/// Holds the warehouse for one writer; the lock ends with it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Warehouse {
    /// The warehouse in a folder, which need not be there yet.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a release.
    pub fn release_folder(&self, id: &str) -> PathBuf {
        self.root.join("releases").join(id)
    }

    /// The id of the current release.
    pub fn current(&self) -> Result<Option<String>, PipelineError> {
        let path = self.root.join("current");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PipelineError::io("read", &path)(error)),
        }
    }

    /// The ids in the order in which they became current, the newest last.
    pub fn history(&self) -> Result<Vec<String>, PipelineError> {
        let path = self.root.join("history");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(PipelineError::io("read", &path)(error)),
        }
    }

    /// The manifest of a release.
    pub fn manifest(&self, id: &str) -> Result<ReleaseManifest, PipelineError> {
        let path = self.release_folder(id).join("manifest.json");
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain || !path.is_file() {
            return Err(PipelineError::NoRelease { id: id.to_owned() });
        }
        let text = fs::read_to_string(&path).map_err(PipelineError::io("read", &path))?;
        serde_json::from_str(&text)
            .map_err(|error| PipelineError::Damaged { path, why: error.to_string() })
    }

    /// The file of a step's table that has this hash: of the current release, or of an older one.
    pub(crate) fn file_of(
        &self,
        step: &str,
        sha256: &str,
        current: Option<&ReleaseManifest>,
    ) -> Result<Option<PathBuf>, PipelineError> {
        let mut ids: Vec<String> =
            current.iter().map(|manifest| manifest.release.clone()).collect();
        ids.extend(self.history()?.into_iter().rev());
        for id in ids {
            let Ok(manifest) = self.manifest(&id) else { continue };
            let outputs = manifest.step(step).map_or(&[][..], |step| &step.outputs);
            if let Some(output) = outputs.iter().find(|output| output.sha256 == sha256) {
                return Ok(Some(self.release_folder(&id).join(&output.path)));
            }
        }
        Ok(None)
    }

    /// A release by its id, or by an unambiguous beginning of it; `None` is the current one.
    pub fn resolve(&self, id: Option<&str>) -> Result<String, PipelineError> {
        let missing = |id: &str| PipelineError::NoRelease { id: id.to_owned() };
        let Some(id) = id else {
            let none = || PipelineError::NothingReleased { path: self.root.clone() };
            let id = self.current()?.ok_or_else(none)?;
            let path = self.release_folder(&id);
            return match path.is_dir() {
                true => Ok(id),
                false => {
                    let why = "it is current and not there; `opeka run` makes it again".into();
                    Err(PipelineError::Damaged { path, why })
                }
            };
        };
        let folder = self.root.join("releases");
        let names = fs::read_dir(&folder).map_err(|_| missing(id))?;
        let names = names.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut found: Vec<String> =
            names.filter(|name| name.starts_with(id) && !id.is_empty()).collect();
        found.sort();
        match found.as_slice() {
            [] => Err(missing(id)),
            [one] => Ok(one.clone()),
            _ => Err(PipelineError::SeveralReleases { id: id.to_owned(), ids: found }),
        }
    }

    /// Takes the warehouse for writing; a second writer is refused at once.
    pub(crate) fn lock(&self) -> Result<Lock, PipelineError> {
        fs::create_dir_all(&self.root).map_err(PipelineError::io("create", &self.root))?;
        let path = self.root.join(".lock");
        let file = File::create(&path).map_err(PipelineError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(PipelineError::Locked { path: self.root.clone() })
            }
            Err(fs::TryLockError::Error(error)) => Err(PipelineError::io("lock", &path)(error)),
        }
    }

    /// An empty folder beside the releases, to build one in. What a run that died left is removed.
    pub(crate) fn stage(&self, _held: &Lock) -> Result<PathBuf, PipelineError> {
        let folder = self.root.join(".building");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(PipelineError::io("remove", &folder))?;
        }
        fs::create_dir_all(&folder).map_err(PipelineError::io("create", &folder))?;
        Ok(folder)
    }

    /// Moves a staged release to its place, and then, as the last act, points readers to it.
    pub(crate) fn publish(
        &self,
        held: &Lock,
        staged: &Path,
        manifest: &ReleaseManifest,
    ) -> Result<(), PipelineError> {
        let path = staged.join("manifest.json");
        let text = serde_json::to_string_pretty(manifest).map_err(|error| {
            PipelineError::Damaged { path: path.clone(), why: error.to_string() }
        })?;
        write(&path, (text + "\n").as_bytes())?;
        let folder = self.release_folder(&manifest.release);
        let parent = self.root.join("releases");
        fs::create_dir_all(&parent).map_err(PipelineError::io("create", &parent))?;
        if folder.exists() && manifest.outputs().all(|output| is_whole(&folder, output)) {
            // The same id is the same content: what stands there stays.
            fs::remove_dir_all(staged).map_err(PipelineError::io("remove", staged))?;
        } else {
            if folder.exists() {
                // What stands there is no longer the release: it was damaged since.
                fs::remove_dir_all(&folder).map_err(PipelineError::io("remove", &folder))?;
            }
            fs::rename(staged, &folder).map_err(PipelineError::io("move", staged))?;
        }
        self.point_to(held, &manifest.release)
    }

    /// Makes a release that is there the current one.
    pub(crate) fn point_to(&self, _held: &Lock, id: &str) -> Result<(), PipelineError> {
        let mut history = self.history()?;
        let next = self.root.join(".current.next");
        write(&next, format!("{id}\n").as_bytes())?;
        // The pointer must not reach the disk before the name it holds.
        let synced = File::open(&next).and_then(|file| file.sync_all());
        synced.map_err(PipelineError::io("write", &next))?;
        let current = self.root.join("current");
        fs::rename(&next, &current).map_err(PipelineError::io("move", &next))?;
        history.push(id.to_owned());
        write(&self.root.join("history"), (history.join("\n") + "\n").as_bytes())
    }

    /// Points readers back: to the release named, or to the one that was current before.
    pub fn rollback(&self, id: Option<&str>) -> Result<String, PipelineError> {
        let lock = self.lock()?;
        let current = self.current()?;
        let target = match id {
            Some(id) => self.resolve(Some(id))?,
            None => {
                let history = self.history()?;
                let before = history.iter().rev().find(|id| Some(*id) != current.as_ref());
                before.cloned().ok_or(PipelineError::NoneBefore)?
            }
        };
        self.manifest(&target)?;
        self.point_to(&lock, &target)?;
        Ok(target)
    }
}

/// Writes a file and its folder.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(PipelineError::io("create", parent))?;
    }
    fs::write(path, bytes).map_err(PipelineError::io("write", path))
}

/// Writes a file of a release, and says what it is.
pub(crate) fn write_output(
    folder: &Path,
    path: &str,
    bytes: &[u8],
) -> Result<Output, PipelineError> {
    write(&folder.join(path), bytes)?;
    Ok(Output {
        path: path.to_owned(),
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        table: None,
        rows: None,
    })
}

/// Whether a file of a release is what its manifest says.
fn is_whole(folder: &Path, output: &Output) -> bool {
    fs::read(folder.join(&output.path)).is_ok_and(|bytes| sha256(&bytes) == output.sha256)
}

/// Takes a file over from another release. It is copied, not linked: a hand that changes a file of one
/// release must not change its twins.
pub(crate) fn carry_over(from: &Path, to: &Path, output: &Output) -> Result<(), PipelineError> {
    let (source, target) = (from.join(&output.path), to.join(&output.path));
    if !is_whole(from, output) {
        let why = "it is not the file that was released; `opeka run --full` makes it anew".into();
        return Err(PipelineError::Damaged { path: source, why });
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(PipelineError::io("create", parent))?;
    }
    fs::copy(&source, &target).map_err(PipelineError::io("copy", &source))?;
    Ok(())
}
