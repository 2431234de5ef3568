//! The graph of steps: each with its inputs, its fingerprint, and the steps that it needs.
//!
//! Edges are not kept by hand: a metric needs the tables that its SQL names, a chart the metrics
//! of its query, a brief the metrics of its fences and the charts it shows.

use std::collections::{BTreeMap, BTreeSet};

use opeka_measure::{TableName, tables_in};
use opeka_model::{Kind, Place, Problem, Problems, closest};

use crate::error::PipelineError;
use crate::fingerprint::{PROGRAM, of_parts, sha256};
use crate::project::{Pipeline, Project};

/// What a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A code list, as a table.
    Codelist,
    /// The table of sources.
    Sources,
    /// The observations of a pipeline.
    Observations,
    /// A metric.
    Metric,
    /// A chart, in every language and format.
    Chart,
    /// A brief.
    Brief,
}

impl StepKind {
    /// The word for it in manifests and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Codelist => "codelist",
            Self::Sources => "sources",
            Self::Observations => "observations",
            Self::Metric => "metric",
            Self::Chart => "chart",
            Self::Brief => "brief",
        }
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Tables are named as in SQL; charts and briefs as `chart england_care/name`.
    pub id: String,
    pub kind: StepKind,
    /// The pipeline that it belongs to; code lists and sources belong to none.
    pub pipeline: Option<String>,
    /// What it is named within its kind.
    pub name: String,
    /// The declared inputs and their hashes.
    pub inputs: BTreeMap<String, String>,
    /// The steps that must be done before.
    pub needs: BTreeSet<String>,
    /// A hash over the program, the step, its inputs, and the fingerprints of what it needs.
    pub fingerprint: String,
}

/// All steps, each after what it needs.
#[derive(Debug, Clone)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// Derives the steps of a project. Sources are read and hashed here.
    ///
    /// # Errors
    /// A query that cannot be parsed, a table that no step makes, and a circle are refused, all
    /// together.
    pub fn derive(project: &Project) -> Result<Self, PipelineError> {
        let mut steps: Vec<Step> = Vec::new();
        for (name, hash) in &project.codelist_hashes {
            let mut step = Step::new(StepKind::Codelist, None, name);
            step.inputs.insert(format!("datasets/codelists/{name}"), hash.clone());
            steps.push(step);
        }
        let mut all_sources = Step::new(StepKind::Sources, None, "sources");
        for (path, source) in &project.sources {
            all_sources.inputs.insert(path.clone(), source.declared_sha256.clone());
        }
        steps.push(all_sources);
        let mut problems = Problems::new();
        for pipeline in &project.pipelines {
            steps.push(observations(project, pipeline)?);
            for metric in &pipeline.metrics {
                let mut step = Step::new(StepKind::Metric, Some(pipeline), &metric.name);
                step.inputs.insert(metric.file.clone(), metric.sha256.clone());
                let needs = tables_in(&metric.value.sql, &metric.value.sql_file, 1);
                step.reads(needs, &mut problems);
                // A check may look into another table.
                for check in &metric.value.metric.checks {
                    if let Some(member) = &check.member {
                        let table = member.of.rsplit_once('.').map_or("", |(table, _)| table);
                        step.needs.insert(table.to_owned());
                    }
                    if let Some(sql) = &check.sql {
                        step.reads(tables_in(sql, &metric.file, 1), &mut problems);
                    }
                }
                let own = step.id.clone();
                step.needs.remove(&own);
                steps.push(step);
            }
            for chart in &pipeline.charts {
                let mut step = Step::new(StepKind::Chart, Some(pipeline), &chart.name);
                step.inputs.insert(chart.file.clone(), chart.sha256.clone());
                let needs = tables_in(chart.value.sql(), &chart.file, chart.value.sql_line());
                step.reads(needs, &mut problems);
                steps.push(step);
            }
            for brief in &pipeline.briefs {
                let mut step = Step::new(StepKind::Brief, Some(pipeline), &brief.name);
                step.inputs.insert(brief.file.clone(), brief.sha256.clone());
                for query in brief.value.queries() {
                    step.reads(tables_in(&query.sql, &brief.file, query.line), &mut problems);
                }
                for (chart, _) in brief.value.charts() {
                    step.needs.insert(format!("chart {}/{chart}", pipeline.schema));
                }
                // The brief cites its sources and shows the cells of its numbers.
                step.needs.insert("sources".into());
                step.needs.insert(format!("{}.observations", pipeline.schema));
                steps.push(step);
            }
        }
        expand_observations(project, &mut steps);
        problems.extend(unknown_tables(project, &steps));
        if problems.has_errors() {
            return Err(problems.into());
        }
        let mut steps = in_order(steps)?;
        seal(&mut steps);
        Ok(Self { steps })
    }

    /// The id of the release that these steps make.
    pub fn release(&self) -> String {
        release_id(self.steps.iter().map(|step| (step.id.as_str(), step.fingerprint.as_str())))
    }
}

/// The id of a release: a hash of what it is made of.
pub(crate) fn release_id<'a>(steps: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<&str, &str> = steps.collect();
    of_parts(sorted).chars().take(16).collect()
}

impl Step {
    fn new(kind: StepKind, pipeline: Option<&Pipeline>, name: &str) -> Self {
        let schema = pipeline.map_or("codelists", |pipeline| pipeline.schema.as_str());
        let id = match kind {
            StepKind::Sources => "sources".to_owned(),
            StepKind::Chart | StepKind::Brief => format!("{} {schema}/{name}", kind.name()),
            _ => format!("{schema}.{name}"),
        };
        Self {
            id,
            kind,
            pipeline: pipeline.map(|pipeline| pipeline.name.clone()),
            name: name.to_owned(),
            inputs: BTreeMap::new(),
            needs: BTreeSet::new(),
            fingerprint: String::new(),
        }
    }

    fn reads(&mut self, tables: Result<BTreeSet<TableName>, Problem>, problems: &mut Problems) {
        match tables {
            Ok(tables) => self.needs.extend(tables.iter().map(ToString::to_string)),
            Err(problem) => problems.push(problem),
        }
    }
}

fn observations(project: &Project, pipeline: &Pipeline) -> Result<Step, PipelineError> {
    let mut step = Step::new(StepKind::Observations, Some(pipeline), "observations");
    let manifest = &pipeline.manifest;
    step.inputs.insert(manifest.file.clone(), manifest.sha256.clone());
    for recipe in &pipeline.recipes {
        step.inputs.insert(recipe.file.clone(), recipe.sha256.clone());
        for name in recipe.value.source.as_slice() {
            let Some(source) = project.sources.get(name) else { continue };
            let bytes =
                std::fs::read(&source.path).map_err(PipelineError::io("read", &source.path))?;
            let declared = &source.declared_sha256;
            step.inputs.insert(name.clone(), format!("{} {declared}", sha256(&bytes)));
        }
    }
    step.needs.extend(project.codelist_hashes.keys().map(|name| format!("codelists.{name}")));
    Ok(step)
}

/// `observations` stands for those of all pipelines.
fn expand_observations(project: &Project, steps: &mut [Step]) {
    for step in steps {
        if step.needs.remove("observations") {
            let all = project.pipelines.iter().map(|p| format!("{}.observations", p.schema));
            step.needs.extend(all);
        }
    }
}

fn unknown_tables(project: &Project, steps: &[Step]) -> Problems {
    let known: BTreeSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    let mut problems = Problems::new();
    for step in steps {
        for table in step.needs.iter().filter(|table| !known.contains(table.as_str())) {
            // An unknown chart was named by its line when the project was read.
            if table.starts_with("chart ") {
                continue;
            }
            let file = project
                .pipelines
                .iter()
                .flat_map(|p| &p.metrics)
                .find(|metric| step.inputs.contains_key(&metric.file))
                .map(|metric| metric.value.sql_file.clone())
                .or_else(|| step.inputs.keys().next().cloned())
                .unwrap_or_default();
            let message = format!("there is no table `{table}`");
            let problem = Problem::error(Kind::Declaration, Place::File { file }, message);
            let tables = known.iter().copied().filter(|id| !id.contains(' '));
            let hint = closest(table, tables).first().map(|near| format!("did you mean `{near}`?"));
            problems.push(hint.into_iter().fold(problem, Problem::hint));
        }
    }
    problems
}

/// Each step after what it needs; otherwise in the order given.
fn in_order(steps: Vec<Step>) -> Result<Vec<Step>, PipelineError> {
    let (mut done, mut ordered) = (BTreeSet::new(), Vec::with_capacity(steps.len()));
    let mut waiting = steps;
    while !waiting.is_empty() {
        let ready = |step: &Step| step.needs.iter().all(|need| done.contains(need));
        let (now, later): (Vec<Step>, Vec<Step>) = waiting.into_iter().partition(ready);
        if now.is_empty() {
            let circle: Vec<&str> = later.iter().map(|step| step.id.as_str()).collect();
            let message = format!("these need each other in a circle: {}", circle.join(", "));
            let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
            return Err(Problems::from(problem).into());
        }
        done.extend(now.iter().map(|step| step.id.clone()));
        ordered.extend(now);
        waiting = later;
    }
    Ok(ordered)
}

/// Computes the fingerprints; the steps are in order.
fn seal(steps: &mut [Step]) {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for step in steps {
        let needs: Vec<(&str, &str)> = step
            .needs
            .iter()
            .map(|need| (need.as_str(), known.get(need).map_or("", String::as_str)))
            .collect();
        let own = [("program", PROGRAM), ("step", step.id.as_str())];
        let inputs = step.inputs.iter().map(|(name, hash)| (name.as_str(), hash.as_str()));
        step.fingerprint = of_parts(own.into_iter().chain(inputs).chain(needs));
        known.insert(step.id.clone(), step.fingerprint.clone());
    }
}
