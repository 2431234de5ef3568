//! Reads what a project declares, derives the graph of steps, runs what is stale, and publishes
//! the result as one release.
//!
//! ```text
//! Project::load ──▶ Plan::derive ──▶ run ──▶ warehouse/releases/<id>  (one atomic swap)
//!                                              ▲
//! trace: brief ◀── metric ◀── rows ◀── cells ──┘ and back to the source file
//! ```
//!
//! A step's output is a function of its declared inputs and of the program; its fingerprint is a
//! hash over exactly these. What is fresh is taken over from the current release. Nothing is
//! published when anything is wrong.

mod catalog;
mod cells;
mod error;
mod evaluate;
mod export;
mod fingerprint;
mod judged;
mod make;
mod manifest;
mod methods;
mod metric_page;
mod observations;
mod plan;
mod programmes;
mod project;
mod read;
mod run;
mod table;
mod told;
mod trace;
mod warehouse;

pub use catalog::open_release;
pub use error::PipelineError;
pub use evaluate::{Evaluation, evaluate};
pub use export::{functions_page, notebooks, sources_page};
pub use fingerprint::PROGRAM;
pub use judged::{JudgedClaim, verdicts_page};
pub use manifest::{PipelineManifest, SourceManifest};
pub use methods::{coverage_of, methods_page};
pub use opeka_publish::Lang;
pub use plan::{Plan, Step, StepKind};
pub use programmes::{
    Arithmetic, ArithmeticKind, Better, Claim, ClaimKind, Component, Design, Document, EventYears,
    Events, Kpi, Money, MoneyOf, Partner, PartnerRole, Programme, Registry, RegistryFile, Role,
    Site, Trend, Words,
};
pub use project::{Declared, MetricFiles, Pipeline, Project, Source};
pub use read::{SourceFile, SourceRead, files_of, read_files, read_maps, read_recipe};
pub use run::{Event, PlannedStep, RunOptions, RunReport, TableReport, dry_run, run};
pub use trace::{Trace, TracedCell, Verified, trace};
pub use warehouse::{ManifestStep, Output, ReleaseManifest, Warehouse};
