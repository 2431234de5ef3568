//! Every claim with its verdict: from the current release where it is fresh, else made anew beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, EngineOptions};
use opeka_model::{Kind, Place, Problem, Problems, suggest};

use crate::catalog::open_release;
use crate::error::PipelineError;
use crate::make::Runner;
use crate::plan::{Plan, Step};
use crate::programmes::SCHEMA;
use crate::project::Project;
use crate::run::current_manifest;
use crate::warehouse::Warehouse;

/// The table of verdicts.
const VERDICTS: &str = "verdicts";

/// What [`evaluate`] found.
#[derive(Debug)]
pub struct Evaluation {
    /// The release that the verdicts are those of; none where they were made anew.
    pub release: Option<String>,
    /// The rows of `programmes.verdicts`.
    pub verdicts: Vec<RecordBatch>,
    /// What is wrong with the registry, and what the audit tells of it.
    pub problems: Problems,
}

/// Evaluates all programmes, or one.
///
/// # Errors
/// A project whose data or queries are refused. What is wrong with the registry is no error: the other
/// programmes are evaluated all the same, and it comes back among the problems.
pub async fn evaluate(
    root: &Path,
    warehouse: &Warehouse,
    programme: Option<&str>,
) -> Result<Evaluation, PipelineError> {
    let mut project = Project::load(root)?;
    let known = |name: &str| project.registry.files.iter().any(|file| file.declared.name == name);
    if let Some(name) = programme.filter(|name| !known(name)) {
        let mut problems = project.registry.problems.clone();
        let message = format!("there is no programme `{name}`");
        let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
        let names = project.registry.files.iter().map(|file| file.declared.name.as_str());
        problems.push(problem.hint(suggest(name, names, "programmes")));
        return Err(PipelineError::Unknown { problems });
    }
    let current = current_manifest(warehouse)?;
    let plan = Plan::derive(&project, current.as_ref())?;
    let steps = needed(plan.steps);
    if steps.is_empty() {
        let message = "this project has no pipeline `programmes` with a metric `verdicts`";
        let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
        return Err(PipelineError::Unknown { problems: problem.into() });
    }
    let sql = match programme {
        Some(name) => format!(
            "select * from {SCHEMA}.{VERDICTS} where programme = '{name}' order by programme, claim"
        ),
        None => format!("select * from {SCHEMA}.{VERDICTS} order by programme, claim"),
    };
    let fresh = |step: &Step| {
        let there = current.as_ref().and_then(|manifest| manifest.step(&step.id));
        there.is_some_and(|there| there.fingerprint == step.fingerprint)
    };
    if let Some(manifest) = current.as_ref().filter(|_| steps.iter().all(fresh)) {
        let (engine, _) =
            open_release(warehouse, &manifest.release, EngineOptions::default()).await?;
        let verdicts = engine.query(&sql, VERDICTS, 1).await.map_err(Problems::from)?.batches;
        let release = Some(manifest.release.clone());
        return Ok(Evaluation { release, verdicts, problems: project.registry.problems });
    }
    project.registry.only = programme.map(str::to_owned);
    let steps = needed(Plan::derive(&project, current.as_ref())?.steps);
    let folder = scratch()?;
    let result = make(&project, warehouse, &steps, &folder, &sql).await;
    // What was made is read; the folder is nobody's.
    std::fs::remove_dir_all(&folder).map_err(PipelineError::io("remove", &folder))?;
    result
}

async fn make(
    project: &Project,
    warehouse: &Warehouse,
    steps: &[Step],
    folder: &Path,
    sql: &str,
) -> Result<Evaluation, PipelineError> {
    let current = current_manifest(warehouse)?;
    let old = current.as_ref().map(|manifest| warehouse.release_folder(&manifest.release));
    let mut runner = Runner {
        project,
        plan: steps,
        warehouse,
        engine: Engine::new(EngineOptions { partitions: Some(1), ..EngineOptions::default() }),
        staged: folder,
        done: BTreeMap::new(),
        observations: BTreeMap::new(),
        failed: BTreeSet::new(),
        made: BTreeSet::new(),
        problems: Problems::new(),
        drifted: false,
    };
    for step in steps {
        if step.needs.iter().any(|need| runner.failed.contains(need)) {
            runner.failed.insert(step.id.clone());
            continue;
        }
        let there = current.as_ref().and_then(|manifest| manifest.step(&step.id));
        match there.filter(|there| there.fingerprint == step.fingerprint) {
            Some(there) => runner.carry_over(there, old.as_deref()).await?,
            None => runner.make(step, current.as_ref()).await?,
        }
    }
    if runner.problems.has_errors() {
        let mut problems = project.registry.problems.clone();
        problems.extend(runner.problems);
        return Err(PipelineError::Refused { problems, drifted: runner.drifted });
    }
    let verdicts = runner.engine.query(sql, VERDICTS, 1).await.map_err(Problems::from)?.batches;
    let mut problems = project.registry.problems.clone();
    problems.extend(runner.problems);
    Ok(Evaluation { release: None, verdicts, problems })
}

/// The steps that the verdicts need, in order, and what the audit tells.
fn needed(steps: Vec<Step>) -> Vec<Step> {
    let mut needed: BTreeSet<String> = [VERDICTS, "notices"]
        .into_iter()
        .map(|name| format!("{SCHEMA}.{name}"))
        .filter(|id| steps.iter().any(|step| step.id == *id))
        .collect();
    if !needed.contains(&format!("{SCHEMA}.{VERDICTS}")) {
        return Vec::new();
    }
    let mut kept: Vec<Step> = Vec::new();
    for step in steps.into_iter().rev() {
        if needed.contains(&step.id) {
            needed.extend(step.needs.iter().cloned());
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

/// A folder of this process for what is not released.
fn scratch() -> Result<std::path::PathBuf, PipelineError> {
    let folder = std::env::temp_dir().join(format!("opeka-evaluate-{}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(PipelineError::io("remove", &folder))?;
    }
    std::fs::create_dir_all(&folder).map_err(PipelineError::io("create", &folder))?;
    Ok(folder)
}
