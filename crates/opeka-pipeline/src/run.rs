//! The doorway: builds a release of what is stale, checks it, and publishes it by one swap.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use opeka_measure::{Engine, EngineOptions};
use opeka_model::Problems;

use crate::error::PipelineError;
use crate::fingerprint::PROGRAM;
use crate::make::Runner;
use crate::plan::{Plan, Step, release_id};
use crate::project::Project;
use crate::warehouse::{ManifestStep, ReleaseManifest, Warehouse};

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Only these pipelines; the others stay as the current release has them. Empty: all.
    pub pipelines: Vec<String>,
    /// Make everything anew, also what is fresh.
    pub full: bool,
}

/// What a run tells while it works.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step begins.
    Step { index: usize, of: usize, id: &'a str, reused: bool },
}

/// A table of the release.
#[derive(Debug, Clone)]
pub struct TableReport {
    pub table: String,
    pub rows: usize,
    /// Whether this run made it.
    pub made: bool,
}

/// What a run did.
#[derive(Debug)]
pub struct RunReport {
    /// The release that is current now.
    pub release: String,
    /// The one that was current before.
    pub previous: Option<String>,
    /// Whether anything was made.
    pub changed: bool,
    /// How many steps were made, and how many were taken over.
    pub made: usize,
    pub reused: usize,
    /// The tables of the release.
    pub tables: Vec<TableReport>,
    /// The published files, below the release's folder.
    pub published: Vec<String>,
    /// The folder of the release.
    pub folder: PathBuf,
    /// Warnings and notes.
    pub problems: Problems,
}

/// What each step of a run would do.
#[derive(Debug)]
pub struct PlannedStep {
    pub step: Step,
    /// Whether the current release already has it.
    pub fresh: bool,
}

/// The plan, compared with the current release; nothing is written.
pub fn dry_run(
    root: &Path,
    warehouse: &Warehouse,
    options: &RunOptions,
) -> Result<Vec<PlannedStep>, PipelineError> {
    let project = Project::load(root)?;
    let wanted = wanted(&project, options)?;
    let current = current_manifest(warehouse)?;
    let plan = Plan::derive(&project, current.as_ref())?;
    let planned = asked_for(plan.steps, &wanted).into_iter().map(|step| {
        let fresh = !options.full && is_fresh(&step, current.as_ref());
        PlannedStep { step, fresh }
    });
    Ok(planned.collect())
}

/// Runs what is stale and publishes the release. When anything is wrong, nothing is published and
/// the last release stays as it was.
pub async fn run(
    root: &Path,
    warehouse: &Warehouse,
    options: &RunOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunReport, PipelineError> {
    let lock = warehouse.lock()?;
    let project = Project::load(root)?;
    let wanted = wanted(&project, options)?;
    let current = current_manifest(warehouse)?;
    let plan = Plan::derive(&project, current.as_ref())?;
    let steps = asked_for(plan.steps, &wanted);
    // Pipelines that were not asked for stay as they are. One that is no longer declared goes with
    // the next run of all.
    let stays = |step: &&ManifestStep| {
        !options.pipelines.is_empty()
            && step.pipeline.as_ref().is_some_and(|p| !wanted.contains(p.as_str()))
            && steps.iter().all(|made| made.id != step.id)
    };
    let kept: Vec<ManifestStep> =
        current.iter().flat_map(|manifest| &manifest.steps).filter(stays).cloned().collect();
    let fingerprints = steps
        .iter()
        .map(|s| (s.id.as_str(), s.fingerprint.as_str()))
        .chain(kept.iter().map(|s| (s.id.as_str(), s.fingerprint.as_str())));
    let release = release_id(fingerprints);
    let previous = current.as_ref().map(|manifest| manifest.release.clone());
    if !options.full
        && let Ok(there) = warehouse.manifest(&release)
    {
        if previous.as_deref() != Some(release.as_str()) {
            warehouse.point_to(&lock, &release)?;
        }
        let changed = previous.as_deref() != Some(release.as_str());
        return Ok(report(warehouse, there, previous, changed, &BTreeSet::new(), Problems::new()));
    }
    let staged = warehouse.stage(&lock)?;
    let engine = Engine::new(EngineOptions { partitions: Some(1), ..EngineOptions::default() });
    let old = previous.as_ref().map(|id| warehouse.release_folder(id));
    let mut runner = Runner {
        project: &project,
        plan: &steps,
        warehouse,
        engine,
        staged: &staged,
        done: BTreeMap::new(),
        observations: BTreeMap::new(),
        failed: BTreeSet::new(),
        made: BTreeSet::new(),
        problems: project.registry.problems.clone(),
        drifted: false,
    };
    for step in &kept {
        runner.carry_over(step, old.as_deref()).await?;
    }
    for (index, step) in steps.iter().enumerate() {
        // History cannot be made anew: a step that looks back stands as long as it is fresh.
        let anew = options.full && !step.looks_back;
        let fresh = current.as_ref().and_then(|m| m.step(&step.id)).filter(|_| !anew);
        let fresh = fresh.filter(|there| there.fingerprint == step.fingerprint);
        on_event(Event::Step { index, of: steps.len(), id: &step.id, reused: fresh.is_some() });
        if step.needs.iter().any(|need| runner.failed.contains(need)) {
            // Its own problem is that of what it needs.
            runner.failed.insert(step.id.clone());
            continue;
        }
        match fresh {
            Some(there) => runner.carry_over(there, old.as_deref()).await?,
            None => runner.make(step, current.as_ref()).await?,
        }
    }
    if runner.problems.has_errors() {
        let (problems, drifted) = (runner.problems, runner.drifted);
        std::fs::remove_dir_all(&staged).map_err(PipelineError::io("remove", &staged))?;
        return Err(PipelineError::Refused { problems, drifted });
    }
    let manifest = ReleaseManifest {
        release: release.clone(),
        program: PROGRAM.to_owned(),
        steps: runner.done.into_values().collect(),
    };
    let (made, problems) = (runner.made, runner.problems);
    if options.full {
        same_as_before(warehouse, &manifest)?;
    }
    warehouse.publish(&lock, &staged, &manifest)?;
    Ok(report(warehouse, manifest, previous, true, &made, problems))
}

/// A release that is made anew must be the release that is there, byte for byte.
fn same_as_before(warehouse: &Warehouse, made: &ReleaseManifest) -> Result<(), PipelineError> {
    let Ok(there) = warehouse.manifest(&made.release) else { return Ok(()) };
    let before: BTreeMap<&str, &str> =
        there.outputs().map(|o| (o.path.as_str(), o.sha256.as_str())).collect();
    for output in made.outputs() {
        if before.get(output.path.as_str()) != Some(&output.sha256.as_str()) {
            return Err(PipelineError::Damaged {
                path: warehouse.release_folder(&made.release).join(&output.path),
                why: "made anew from the same inputs, it is not the same file".into(),
            });
        }
    }
    Ok(())
}

fn wanted<'a>(
    project: &'a Project,
    options: &RunOptions,
) -> Result<BTreeSet<&'a str>, PipelineError> {
    if options.pipelines.is_empty() {
        return Ok(project.pipelines.iter().map(|p| p.name.as_str()).collect());
    }
    let mut problems = Problems::new();
    let mut wanted = BTreeSet::new();
    for name in &options.pipelines {
        match project.pipeline(name) {
            Ok(pipeline) => {
                wanted.insert(pipeline.name.as_str());
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(wanted) } else { Err(PipelineError::Unknown { problems }) }
}

/// The steps of the pipelines that were asked for, and those of others that these need: a step is
/// never made from a table that is older than its own fingerprint says.
fn asked_for(steps: Vec<Step>, wanted: &BTreeSet<&str>) -> Vec<Step> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    // The steps are in order, so that what a step needs comes before it.
    let mut kept: Vec<Step> = Vec::new();
    for step in steps.into_iter().rev() {
        if is_wanted(&step, wanted) || needed.contains(&step.id) {
            needed.extend(step.needs.iter().cloned());
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

fn is_wanted(step: &Step, wanted: &BTreeSet<&str>) -> bool {
    step.pipeline.as_ref().is_none_or(|pipeline| wanted.contains(pipeline.as_str()))
}

fn is_fresh(step: &Step, current: Option<&ReleaseManifest>) -> bool {
    let there = current.and_then(|manifest| manifest.step(&step.id));
    there.is_some_and(|there| there.fingerprint == step.fingerprint)
}

/// The manifest of the current release; one that was removed is as good as none.
pub(crate) fn current_manifest(
    warehouse: &Warehouse,
) -> Result<Option<ReleaseManifest>, PipelineError> {
    let Some(id) = warehouse.current()? else { return Ok(None) };
    match warehouse.manifest(&id) {
        Err(PipelineError::NoRelease { .. }) => Ok(None),
        manifest => manifest.map(Some),
    }
}

fn report(
    warehouse: &Warehouse,
    manifest: ReleaseManifest,
    previous: Option<String>,
    changed: bool,
    made: &BTreeSet<String>,
    problems: Problems,
) -> RunReport {
    let mut tables = Vec::new();
    let mut published = Vec::new();
    for step in &manifest.steps {
        for output in &step.outputs {
            match (&output.table, output.rows) {
                (Some(table), Some(rows)) => tables.push(TableReport {
                    table: table.clone(),
                    rows,
                    made: made.contains(&step.id),
                }),
                _ => published.push(output.path.clone()),
            }
        }
    }
    published.sort();
    RunReport {
        folder: warehouse.release_folder(&manifest.release),
        changed,
        made: made.len(),
        reused: manifest.steps.len() - made.len(),
        release: manifest.release,
        previous,
        tables,
        published,
        problems,
    }
}
