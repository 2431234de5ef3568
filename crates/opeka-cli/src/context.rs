//! Where the project and its warehouse are.

use std::path::PathBuf;

use opeka_pipeline::{Project, Warehouse};

use crate::args::Global;
use crate::exit::Usage;

/// The folders that a command works on.
pub(crate) struct Context {
    pub(crate) project: PathBuf,
    pub(crate) warehouse: Warehouse,
    /// The arguments that name them, as a command that is proposed must repeat them.
    pub(crate) said: String,
}

impl Context {
    /// The folders that the arguments name, or the nearest project.
    pub(crate) fn find(global: &Global) -> anyhow::Result<Self> {
        let project = match &global.project {
            Some(folder) => match Project::find(folder).filter(|found| found == folder) {
                Some(folder) => folder,
                None => {
                    return Err(Usage::new(format!("`{}` is no project folder", folder.display()))
                        .hint("a project has the folders `pipelines` and `datasets`")
                        .into());
                }
            },
            None => Project::find(&std::env::current_dir()?).ok_or_else(|| {
                Usage::new("there is no project here or in a parent folder")
                    .hint("a project has the folders `pipelines` and `datasets`; name one with `--project`")
            })?,
        };
        let warehouse = global.warehouse.clone().unwrap_or_else(|| project.join("warehouse"));
        let mut said = String::new();
        for (name, folder) in [("project", &global.project), ("warehouse", &global.warehouse)] {
            if let Some(folder) = folder {
                said += &format!(" --{name} \"{}\"", folder.display());
            }
        }
        Ok(Self { project, warehouse: Warehouse::at(&warehouse), said })
    }
}
