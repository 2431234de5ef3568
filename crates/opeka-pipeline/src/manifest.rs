//! What is declared about a pipeline and about a source.

use opeka_measure::Check;
use opeka_publish::Citation;
use serde::{Deserialize, Serialize};

/// `pipeline.toml`: the question asked, and what holds of the observations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineManifest {
    /// For people.
    pub title: String,
    /// What the pipeline wants to know.
    pub question: String,
    /// Who answers for it.
    pub owner: String,
    /// Where several data sets publish the same figure, the first of these leads.
    #[serde(default)]
    pub lead: Vec<String>,
    /// What must hold of the observations.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// `*.source.toml`: what a citation needs, and the file's hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceManifest {
    pub title: String,
    pub publisher: String,
    pub producer: String,
    pub citation: String,
    pub url: String,
    pub licence: String,
    #[serde(default)]
    pub licence_url: String,
    #[serde(default)]
    pub published: String,
    pub accessed: String,
    pub file: String,
    pub sha256: String,
    pub size: u64,
    #[serde(default)]
    pub note: String,
}

impl SourceManifest {
    /// The citation as a brief shows it; `path` is the file below `datasets/sources`.
    pub fn citation(&self, path: &str) -> Citation {
        Citation {
            source: path.to_owned(),
            title: self.title.clone(),
            citation: self.citation.clone(),
            note: self.note.clone(),
            url: self.url.clone(),
            licence: self.licence.clone(),
            accessed: self.accessed.clone(),
            sha256: self.sha256.clone(),
        }
    }
}
