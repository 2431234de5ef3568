//! The doorway: builds a release of what is stale, checks it, and publishes it by one swap.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, EngineOptions, TableName, materialize, run_checks};
use opeka_model::{Kind, Place, Problem, Problems, Severity, observation_schema, to_record_batch};
use opeka_publish::{BriefInput, Lang, RenderedChart, render_brief, render_chart, svg_to_png};

use crate::cells::cell_traces;
use crate::error::PipelineError;
use crate::fingerprint::PROGRAM;
use crate::observations::observe_pipeline;
use crate::plan::{Plan, Step, StepKind, release_id};
use crate::project::{Declared, Pipeline, Project};
use crate::table::{About, to_parquet};
use crate::warehouse::{
    ManifestStep, Output, ReleaseManifest, Warehouse, carry_over, write_output,
};

/// How wide a chart's PNG is, in pixels.
const PNG_WIDTH: u32 = 1600;

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
    let plan = Plan::derive(&project)?;
    let current = current_manifest(warehouse)?;
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
    let plan = Plan::derive(&project)?;
    let current = current_manifest(warehouse)?;
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
        engine,
        staged: &staged,
        done: BTreeMap::new(),
        observations: BTreeMap::new(),
        failed: BTreeSet::new(),
        made: BTreeSet::new(),
        problems: Problems::new(),
        drifted: false,
    };
    for step in &kept {
        runner.carry_over(step, old.as_deref()).await?;
    }
    for (index, step) in steps.iter().enumerate() {
        let fresh = current.as_ref().and_then(|m| m.step(&step.id)).filter(|_| !options.full);
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
fn current_manifest(warehouse: &Warehouse) -> Result<Option<ReleaseManifest>, PipelineError> {
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

/// The state of a run.
struct Runner<'a> {
    project: &'a Project,
    engine: Engine,
    staged: &'a Path,
    done: BTreeMap<String, ManifestStep>,
    /// The observations of each pipeline, for the table of all.
    observations: BTreeMap<String, RecordBatch>,
    failed: BTreeSet<String>,
    made: BTreeSet<String>,
    problems: Problems,
    drifted: bool,
}

impl Runner<'_> {
    /// Takes a step's files over from the current release, and opens its tables.
    async fn carry_over(
        &mut self,
        step: &ManifestStep,
        old: Option<&Path>,
    ) -> Result<(), PipelineError> {
        let Some(old) = old else { return Ok(()) };
        for output in &step.outputs {
            carry_over(old, self.staged, output)?;
            if let Some(table) = &output.table {
                let (name, path) = (TableName::parse(table), self.staged.join(&output.path));
                self.engine.add_parquet(&name, &path).await.map_err(Problems::from)?;
                if step.kind == StepKind::Observations.name() {
                    let sql = format!("select * from {name}");
                    let answer = self.engine.query(&sql, table, 1).await.map_err(Problems::from)?;
                    let batch = arrow::compute::concat_batches(&answer.schema, &answer.batches);
                    let batch = batch.map_err(|error| damaged(&path, &error))?;
                    self.add_observations(&step.id, batch)?;
                }
            }
        }
        self.done.insert(step.id.clone(), step.clone());
        Ok(())
    }

    /// The table `observations` holds those of all pipelines.
    fn add_observations(&mut self, id: &str, batch: RecordBatch) -> Result<(), PipelineError> {
        self.observations.insert(id.to_owned(), batch);
        let schema = observation_schema();
        // The metadata of a file's schema is no part of its rows.
        let plain = |batch: &RecordBatch| {
            RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
        };
        let all: Result<Vec<RecordBatch>, _> = self.observations.values().map(plain).collect();
        let all = all.map_err(|error| damaged(self.staged, &error))?;
        let name = TableName::bare("observations");
        if self.engine.tables().contains(&name) {
            self.engine.remove(&name);
        }
        Ok(self.engine.add_batches(&name, schema, all).map_err(Problems::from)?)
    }

    async fn make(
        &mut self,
        step: &Step,
        current: Option<&ReleaseManifest>,
    ) -> Result<(), PipelineError> {
        let outputs = match step.kind {
            StepKind::Codelist => self.codelist(step).await,
            StepKind::Sources => self.sources(step).await,
            StepKind::Observations => self.observations(step, current).await,
            StepKind::Metric => self.metric(step).await,
            StepKind::Chart => self.chart(step).await,
            StepKind::Brief => self.brief(step).await,
        };
        match outputs {
            Ok(outputs) => {
                self.made.insert(step.id.clone());
                let made = ManifestStep {
                    id: step.id.clone(),
                    kind: step.kind.name().to_owned(),
                    pipeline: step.pipeline.clone(),
                    fingerprint: step.fingerprint.clone(),
                    inputs: step.inputs.clone(),
                    outputs,
                };
                self.done.insert(step.id.clone(), made);
                Ok(())
            }
            Err(PipelineError::Refused { problems, .. }) => {
                self.problems.extend(problems);
                self.failed.insert(step.id.clone());
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn pipeline(&self, step: &Step) -> Result<&Pipeline, PipelineError> {
        let name = step.pipeline.as_deref().unwrap_or_default();
        self.project.pipeline(name).map_err(|problem| Problems::from(problem).into())
    }

    /// Writes a table of the release, and opens it.
    async fn table(
        &self,
        table: &str,
        path: &str,
        batch: &RecordBatch,
        about: &About<'_>,
    ) -> Result<Output, PipelineError> {
        let bytes =
            to_parquet(batch, about).map_err(|error| damaged(&self.staged.join(path), &error))?;
        let mut output = write_output(self.staged, path, &bytes)?;
        output.table = Some(table.to_owned());
        output.rows = Some(batch.num_rows());
        Ok(output)
    }

    async fn codelist(&self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let Some(list) = self.project.codelists.get(&step.name) else { return Ok(Vec::new()) };
        let column = |name: &String| -> ArrayRef {
            Arc::new(StringArray::from_iter(list.codes.iter().map(|code| code.columns.get(name))))
        };
        let fields =
            list.header.iter().map(|name| Field::new(name, DataType::Utf8, name != "code"));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let batch = RecordBatch::try_new(schema, list.header.iter().map(column).collect())
            .map_err(|error| damaged(self.staged, &error))?;
        let about = About { title: &step.name, sorted_by: vec!["code"], ..About::default() };
        let path = format!("codelists/{}.parquet", step.name);
        let output = self.table(&step.id, &path, &batch, &about).await?;
        let name = TableName::parse(&step.id);
        self.engine.add_batches(&name, batch.schema(), vec![batch]).map_err(Problems::from)?;
        Ok(vec![output])
    }

    async fn sources(&self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let sources: Vec<_> = self.project.sources.iter().collect();
        let mut columns: Vec<(&str, Vec<&str>)> =
            vec![("source", sources.iter().map(|(path, _)| path.as_str()).collect())];
        macro_rules! add {
            ($($field:ident),*) => {
                $(columns.push((
                    stringify!($field),
                    sources.iter().map(|(_, s)| s.manifest.$field.as_str()).collect(),
                ));)*
            };
        }
        add!(title, publisher, producer, citation, url, licence, published, accessed, sha256, note);
        let fields = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, false));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let arrays = columns
            .into_iter()
            .map(|(_, texts)| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef);
        let batch = RecordBatch::try_new(schema, arrays.collect())
            .map_err(|error| damaged(self.staged, &error))?;
        let about = About {
            title: "Sources",
            description: "Where every figure comes from: a row a file, with citation and licence.",
            sorted_by: vec!["source"],
            ..About::default()
        };
        let output = self.table(&step.id, "sources.parquet", &batch, &about).await?;
        let name = TableName::bare("sources");
        self.engine.add_batches(&name, batch.schema(), vec![batch]).map_err(Problems::from)?;
        Ok(vec![output])
    }

    async fn observations(
        &mut self,
        step: &Step,
        current: Option<&ReleaseManifest>,
    ) -> Result<Vec<Output>, PipelineError> {
        let pipeline = self.pipeline(step)?;
        let (observations, problems) = observe_pipeline(self.project, pipeline)?;
        let layout = |p: &Problem| p.kind == Kind::Layout && p.severity == Severity::Error;
        let broken = problems.iter().any(layout);
        let stop = problems.has_errors();
        // What could be read before and cannot be found now has moved.
        let drifted = broken && current.is_some_and(|manifest| manifest.step(&step.id).is_some());
        let (schema, manifest) = (pipeline.schema.clone(), &pipeline.manifest);
        let (checks, file) = (manifest.value.checks.clone(), manifest.file.clone());
        let title = manifest.value.title.clone();
        self.problems.extend(problems);
        self.drifted |= drifted;
        if stop {
            return Err(Problems::new().into());
        }
        let batch = to_record_batch(&observations).map_err(|error| damaged(self.staged, &error))?;
        let about = About {
            title: &title,
            description: "One published figure a row, with the cell that it was read from.",
            columns: observation_columns(),
            sorted_by: vec!["dataset", "indicator", "ref_area", "time_period", "care_form"],
        };
        let path = format!("observations/{schema}.parquet");
        let output = self.table(&step.id, &path, &batch, &about).await?;
        let name = TableName::parse(&step.id);
        self.engine
            .add_batches(&name, batch.schema(), vec![batch.clone()])
            .map_err(Problems::from)?;
        self.add_observations(&step.id, batch)?;
        let refused = run_checks(&self.engine, &name, &checks, &file).await;
        if refused.has_errors() {
            return Err(refused.into());
        }
        Ok(vec![output])
    }

    async fn metric(&self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let pipeline = self.pipeline(step)?;
        let Some(declared) = find(&pipeline.metrics, &step.name) else { return Ok(Vec::new()) };
        let files = &declared.value;
        let name = TableName::parse(&step.id);
        let batch = materialize(
            &self.engine,
            &name,
            &files.metric,
            &files.sql,
            &files.sql_file,
            &declared.file,
        )
        .await?;
        let columns = files.metric.columns.iter();
        let about = About {
            title: &files.metric.title,
            description: &files.metric.description,
            columns: columns
                .map(|(name, c)| (name.as_str(), (c.meaning.as_str(), c.unit.as_str())))
                .collect(),
            sorted_by: files.metric.grain.iter().map(String::as_str).collect(),
        };
        let path = format!("metrics/{}/{}.parquet", pipeline.schema, step.name);
        Ok(vec![self.table(&step.id, &path, &batch, &about).await?])
    }

    async fn draw(
        &self,
        chart: &Declared<opeka_publish::ChartSpec>,
        lang: Lang,
    ) -> Result<(RenderedChart, Vec<RecordBatch>), PipelineError> {
        let spec = &chart.value;
        let answer = self.engine.query(spec.sql(), &chart.file, spec.sql_line()).await;
        let rows = answer.map_err(Problems::from)?.batches;
        Ok((render_chart(&chart.file, spec, &rows, lang)?, rows))
    }

    async fn chart(&mut self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let pipeline = self.pipeline(step)?;
        let mut warnings = Problems::new();
        let Some(chart) = find(&pipeline.charts, &step.name) else { return Ok(Vec::new()) };
        let mut outputs = Vec::new();
        for lang in [Lang::En, Lang::Ru] {
            let (drawn, _) = self.draw(chart, lang).await?;
            warnings.extend(drawn.warnings);
            let path = |ending: &str| {
                format!("published/{}/{}.{lang}.{ending}", pipeline.schema, step.name)
            };
            let png = svg_to_png(&drawn.svg, PNG_WIDTH).map_err(|error| {
                let place = Place::File { file: chart.file.clone() };
                Problems::from(Problem::error(Kind::Declaration, place, error.to_string()))
            })?;
            outputs.push(write_output(self.staged, &path("svg"), drawn.svg.as_bytes())?);
            outputs.push(write_output(self.staged, &path("png"), &png)?);
            outputs.push(write_output(self.staged, &path("csv"), drawn.csv.as_bytes())?);
        }
        self.problems.extend(warnings);
        Ok(outputs)
    }

    async fn brief(&self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let pipeline = self.pipeline(step)?;
        let Some(declared) = find(&pipeline.briefs, &step.name) else { return Ok(Vec::new()) };
        let brief = &declared.value;
        let mut problems = Problems::new();
        let (mut results, mut metrics) = (BTreeMap::new(), BTreeMap::new());
        for query in brief.queries() {
            match self.engine.query(&query.sql, &declared.file, query.line).await {
                Ok(answer) => {
                    // No rows have columns too.
                    let none = || vec![RecordBatch::new_empty(Arc::clone(&answer.schema))];
                    let rows = if answer.batches.is_empty() { none() } else { answer.batches };
                    results.insert(query.name.clone(), rows);
                }
                Err(problem) => problems.push(problem),
            }
            let tables = opeka_measure::tables_in(&query.sql, &declared.file, query.line);
            let tables = tables.map_err(Problems::from)?;
            let names = tables.iter().map(ToString::to_string).collect::<Vec<String>>();
            for name in names.iter().filter(|name| !is_metric(self.project, name)) {
                let place =
                    Place::Text { file: declared.file.clone(), line: query.line, column: None };
                let message = format!("a brief selects from metrics only, and `{name}` is none");
                problems.push(
                    Problem::error(Kind::Declaration, place, message)
                        .hint("write a metric for it, with its declaration and checks"),
                );
            }
            metrics.insert(query.name.clone(), names);
        }
        if problems.has_errors() {
            return Err(problems.into());
        }
        let (mut charts, mut drawn_rows) = (BTreeMap::new(), Vec::new());
        for (name, _) in brief.charts() {
            if let Some(chart) = find(&pipeline.charts, name) {
                let (drawn, rows) = self.draw(chart, brief.lang()).await?;
                let spec = &chart.value;
                let tables = opeka_measure::tables_in(spec.sql(), &chart.file, spec.sql_line());
                let tables = tables.map_err(Problems::from)?;
                metrics.insert(name.to_owned(), tables.iter().map(ToString::to_string).collect());
                charts.insert(name.to_owned(), drawn);
                drawn_rows.extend(rows);
            }
        }
        let table = TableName::of(&pipeline.schema, "observations");
        let batches = results.values().flatten().chain(&drawn_rows);
        let cells = cell_traces(&self.engine, &table, batches).await?;
        let used: BTreeSet<&str> = cells.values().map(|cell| cell.source.as_str()).collect();
        let citations =
            self.project.sources.iter().filter(|(path, _)| used.contains(path.as_str()));
        let citations = citations.map(|(path, source)| source.manifest.citation(path)).collect();
        let trace = |cell: &str| cells.get(cell).cloned();
        let input = BriefInput { results, charts, trace: &trace, citations, metrics };
        let html = render_brief(brief, &input)?;
        let path = format!("published/{}/{}.html", pipeline.schema, step.name);
        Ok(vec![write_output(self.staged, &path, html.as_bytes())?])
    }
}

fn is_metric(project: &Project, table: &str) -> bool {
    project
        .pipelines
        .iter()
        .any(|p| p.metrics.iter().any(|m| format!("{}.{}", p.schema, m.name) == *table))
}

fn find<'a, T>(all: &'a [Declared<T>], name: &str) -> Option<&'a Declared<T>> {
    all.iter().find(|declared| declared.name == name)
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> PipelineError {
    PipelineError::Damaged { path: path.to_owned(), why: error.to_string() }
}

/// What the columns of `observations` mean.
pub(crate) fn observation_columns() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    BTreeMap::from([
        ("dataset", ("The data set; a recipe writes one", "")),
        ("indicator", ("What is counted: a code of codelists.indicators", "")),
        ("ref_area", ("The area: a code of codelists.regions", "")),
        ("time_period", ("An SDMX time period", "")),
        ("care_form", ("The form of care: a code of codelists.care_forms; _T is the total", "")),
        ("obs_value", ("The figure; null where the source gives none", "see unit_measure")),
        ("obs_status", ("A letter of codelists.obs_status", "")),
        ("conf_status", ("A letter of codelists.conf_status", "")),
        ("unit_measure", ("A code of codelists.units", "")),
        ("leading", ("Whether this figure leads where several data sets publish it", "")),
        ("source", ("The file, below datasets/sources", "")),
        ("source_sha256", ("SHA-256 of the file", "")),
        ("sheet", ("The sheet; null for formats without sheets", "")),
        ("cell", ("A1 address, or R<line>C<column>", "")),
        ("cell_ref", ("Source, sheet and cell in one", "")),
        ("cell_text", ("What the cell says, as it stands there", "")),
        ("mark", ("The mark in the cell or beside its number", "")),
        ("note", ("What the publisher's notes say of it", "")),
    ])
}
