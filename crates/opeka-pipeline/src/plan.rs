//! The graph of steps: each with its inputs, its fingerprint, and the steps that it needs.
//!
//! Edges are not kept by hand: a metric needs the tables that its SQL names, a chart the metrics
//! of its query, a brief the metrics of its fences and the charts it shows.

use std::collections::{BTreeMap, BTreeSet};

use opeka_measure::tables_in;
use opeka_model::{Kind, Place, Problem, Problems, suggest};

use crate::error::PipelineError;
use crate::fingerprint::{PROGRAM, of_parts, sha256};
use crate::programmes::{REGISTRY_TABLES, SCHEMA};
use crate::project::{Pipeline, Project};
use crate::warehouse::{ManifestStep, ReleaseManifest};

/// Of a step that looks back: the hash of all else that it is made of, and that of its own rows in the
/// release before.
const NOW: &str = "now";
pub(crate) const BEFORE: &str = "before";

/// What a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A code list, as a table.
    Codelist,
    /// A table of the registry of programmes.
    Registry,
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
            Self::Registry => "registry",
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
    /// Whether it reads its own rows of the release before.
    pub(crate) looks_back: bool,
    /// Where the tables among them are named.
    named: BTreeMap<String, Place>,
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
    pub fn derive(
        project: &Project,
        current: Option<&ReleaseManifest>,
    ) -> Result<Self, PipelineError> {
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
        if !project.registry.is_empty() {
            for name in REGISTRY_TABLES {
                let mut step = Step::new(StepKind::Registry, None, name);
                step.inputs.insert("datasets/programmes".into(), project.registry.sha256());
                steps.push(step);
            }
        }
        let mut problems = Problems::new();
        for pipeline in &project.pipelines {
            if !pipeline.recipes.is_empty() {
                steps.push(observations(project, pipeline)?);
            }
            for metric in &pipeline.metrics {
                let mut step = Step::new(StepKind::Metric, Some(pipeline), &metric.name);
                step.inputs.insert(metric.file.clone(), metric.sha256.clone());
                step.reads(&metric.value.sql, &metric.value.sql_file, 1, &mut problems);
                // A check may look into another table.
                for check in &metric.value.metric.checks {
                    if let Some(member) = &check.member {
                        let table = member.of.rsplit_once('.').map_or("", |(table, _)| table);
                        let place = Place::File { file: metric.file.clone() };
                        step.named.entry(table.to_owned()).or_insert(place);
                        step.needs.insert(table.to_owned());
                    }
                    if let Some(sql) = &check.sql {
                        step.reads(sql, &metric.file, 1, &mut problems);
                    }
                }
                let own = step.id.clone();
                step.needs.remove(&own);
                if metric.value.metric.before.is_some() {
                    step.needs.remove(&format!("{own}_before"));
                    step.looks_back = true;
                }
                steps.push(step);
            }
            for chart in &pipeline.charts {
                let mut step = Step::new(StepKind::Chart, Some(pipeline), &chart.name);
                step.inputs.insert(chart.file.clone(), chart.sha256.clone());
                let line = chart.value.sql_line();
                step.reads(chart.value.sql(), &chart.file, line, &mut problems);
                steps.push(step);
            }
            for brief in &pipeline.briefs {
                let mut step = Step::new(StepKind::Brief, Some(pipeline), &brief.name);
                step.inputs.insert(brief.file.clone(), brief.sha256.clone());
                for query in brief.value.queries() {
                    step.reads(&query.sql, &brief.file, query.line, &mut problems);
                }
                for (chart, _) in brief.value.charts() {
                    step.needs.insert(format!("chart {}/{chart}", pipeline.schema));
                }
                // The brief cites its sources and shows the cells of its numbers.
                step.needs.insert("sources".into());
                match pipeline.recipes.is_empty() {
                    true => step.needs.insert("observations".into()),
                    false => step.needs.insert(format!("{}.observations", pipeline.schema)),
                };
                if !project.registry.is_empty() {
                    step.needs.insert("programmes.statements".into());
                }
                steps.push(step);
            }
        }
        expand_observations(project, &mut steps);
        problems.extend(unknown_tables(&steps));
        if problems.has_errors() {
            return Err(problems.into());
        }
        let mut steps = in_order(steps)?;
        seal(&mut steps, current);
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
        let schema = match (kind, pipeline) {
            (StepKind::Registry, _) => SCHEMA,
            (_, None) => "codelists",
            (_, Some(pipeline)) => pipeline.schema.as_str(),
        };
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
            looks_back: false,
            named: BTreeMap::new(),
            fingerprint: String::new(),
        }
    }

    /// Needs the tables that a query names; `line` is that of the query's beginning.
    fn reads(&mut self, sql: &str, file: &str, line: usize, problems: &mut Problems) {
        let tables = match tables_in(sql, file, line) {
            Ok(tables) => tables,
            Err(problem) => return problems.push(problem),
        };
        for table in tables.iter().map(ToString::to_string) {
            let at = sql.lines().position(|text| text.contains(&table)).unwrap_or(0);
            let place = Place::Text { file: file.to_owned(), line: line + at, column: None };
            self.named.entry(table.clone()).or_insert(place);
            self.needs.insert(table);
        }
    }
}

fn observations(project: &Project, pipeline: &Pipeline) -> Result<Step, PipelineError> {
    let mut step = Step::new(StepKind::Observations, Some(pipeline), "observations");
    let manifest = &pipeline.manifest;
    step.inputs.insert(manifest.file.clone(), manifest.sha256.clone());
    for recipe in &pipeline.recipes {
        step.inputs.insert(recipe.file.clone(), recipe.sha256.clone());
        for name in project.sources_of(&recipe.value) {
            let Some(source) = project.sources.get(name) else { continue };
            let bytes =
                std::fs::read(&source.path).map_err(PipelineError::io("read", &source.path))?;
            let declared = &source.declared_sha256;
            step.inputs.insert(name.to_owned(), format!("{} {declared}", sha256(&bytes)));
        }
    }
    step.needs.extend(project.codelist_hashes.keys().map(|name| format!("codelists.{name}")));
    Ok(step)
}

/// `observations` stands for those of all pipelines.
fn expand_observations(project: &Project, steps: &mut [Step]) {
    for step in steps {
        if step.needs.remove("observations") {
            let reads = project.pipelines.iter().filter(|p| !p.recipes.is_empty());
            step.needs.extend(reads.map(|p| format!("{}.observations", p.schema)));
        }
    }
}

fn unknown_tables(steps: &[Step]) -> Problems {
    let known: BTreeSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    let mut problems = Problems::new();
    for step in steps {
        for table in step.needs.iter().filter(|table| !known.contains(table.as_str())) {
            // An unknown chart was named by its line when the project was read.
            if table.starts_with("chart ") {
                continue;
            }
            let place = step.named.get(table).cloned().unwrap_or(Place::Nowhere);
            let message = format!("there is no table `{table}`");
            let problem = Problem::error(Kind::Declaration, place, message);
            let tables = known.iter().copied().filter(|id| !id.contains(' '));
            problems.push(problem.hint(suggest(table, tables, "tables")));
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
            return Err(Problems::from(circle(later)).into());
        }
        done.extend(now.iter().map(|step| step.id.clone()));
        ordered.extend(now);
        waiting = later;
    }
    Ok(ordered)
}

/// Names the steps that wait for each other; what only waits for them is left out.
fn circle(mut steps: Vec<Step>) -> Problem {
    loop {
        let needed: BTreeSet<String> = steps.iter().flat_map(|s| s.needs.clone()).collect();
        let before = steps.len();
        steps.retain(|step| needed.contains(&step.id));
        if steps.len() == before {
            break;
        }
    }
    let places = steps.iter().flat_map(|step| step.named.iter().map(move |named| (step, named)));
    let within = |table: &String| steps.iter().any(|step| step.id == *table);
    let hints = places
        .filter(|(_, (table, _))| within(table))
        .map(|(step, (table, place))| format!("`{}` reads `{table}`: {place}", step.id));
    let names: Vec<String> = steps.iter().map(|step| format!("`{}`", step.id)).collect();
    let message = format!("these read each other in a circle: {}", names.join(", "));
    hints.fold(Problem::error(Kind::Declaration, Place::Nowhere, message), Problem::hint)
}

/// Computes the fingerprints; the steps are in order.
fn seal(steps: &mut [Step], current: Option<&ReleaseManifest>) {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for step in steps {
        let needs: Vec<(&str, &str)> = step
            .needs
            .iter()
            .map(|need| (need.as_str(), known.get(need).map_or("", String::as_str)))
            .collect();
        if step.looks_back {
            let own = step.inputs.iter().map(|(name, hash)| (name.as_str(), hash.as_str()));
            let now = of_parts(own.chain(needs.iter().copied()).chain([("program", PROGRAM)]));
            let before = before(current.and_then(|m| m.step(&step.id)), &now);
            step.inputs.insert(NOW.into(), now);
            step.inputs.insert(BEFORE.into(), before);
        }
        let own = [("program", PROGRAM), ("step", step.id.as_str())];
        let inputs = step.inputs.iter().map(|(name, hash)| (name.as_str(), hash.as_str()));
        step.fingerprint = of_parts(own.into_iter().chain(inputs).chain(needs));
        known.insert(step.id.clone(), step.fingerprint.clone());
    }
}

/// The hash of the earlier rows that a step looks back at. Where all else is as it was, it looks at the
/// rows that it looked at then: history grows when something changed, and never by running again.
fn before(there: Option<&ManifestStep>, now: &str) -> String {
    let Some(there) = there else { return "none".into() };
    if there.inputs.get(NOW).map(String::as_str) == Some(now)
        && let Some(before) = there.inputs.get(BEFORE)
    {
        return before.clone();
    }
    let table = there.outputs.iter().find(|output| output.table.is_some());
    table.map_or_else(|| "none".into(), |output| output.sha256.clone())
}
