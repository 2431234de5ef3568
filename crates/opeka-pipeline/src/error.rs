//! Why a run could not do its work, as against what it found wrong.

use std::path::{Path, PathBuf};

use opeka_model::Problems;

/// What ends a command.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// Another run holds the warehouse.
    #[error("another run is writing to `{}`", path.display())]
    Locked { path: PathBuf },
    /// A released file is not what its manifest says.
    #[error("`{}` of a release is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    /// There is no such release.
    #[error("there is no release `{id}`")]
    NoRelease { id: String },
    /// The beginning of an id that several releases share.
    #[error("several releases begin with `{id}`: {}", ids.join(", "))]
    SeveralReleases { id: String, ids: Vec<String> },
    /// Nothing was released here yet.
    #[error("there is no release in `{}` yet", path.display())]
    NothingReleased { path: PathBuf },
    /// There is no release to go back to.
    #[error("there is no release before the current one")]
    NoneBefore,
    /// What the caller named is not declared.
    #[error("{} unknown name(s)", problems.len())]
    Unknown { problems: Problems },
    /// The data, the checks or the declarations say no.
    #[error("{} problem(s)", problems.len())]
    Refused {
        problems: Problems,
        /// Whether a source that could be read before no longer looks as its recipe expects.
        drifted: bool,
    },
}

impl PipelineError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<Problems> for PipelineError {
    fn from(problems: Problems) -> Self {
        Self::Refused { problems, drifted: false }
    }
}
