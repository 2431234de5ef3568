//! How each kind of step is made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use opeka_measure::{ColumnType, Engine, TableName, materialize, run_checks};
use opeka_model::{Kind, Place, Problem, Problems, observation_schema, to_record_batch};
use opeka_publish::{BriefInput, Lang, RenderedChart, render_brief, render_chart, svg_to_png};

use crate::cells::cell_traces;
use crate::error::PipelineError;
use crate::metric_page::metric_page;
use crate::observations::{PipelineObserved, observe_pipeline};
use crate::plan::{BEFORE, Step, StepKind};
use crate::programmes;
use crate::project::{Declared, Pipeline, Project};
use crate::table::{About, to_parquet};
use crate::told::told;
use crate::warehouse::{
    ManifestStep, Output, ReleaseManifest, Warehouse, carry_over, write_output,
};

/// How wide a chart's PNG is, in pixels.
const PNG_WIDTH: u32 = 1600;

/// The state of a run.
pub(crate) struct Runner<'a> {
    pub(crate) project: &'a Project,
    pub(crate) plan: &'a [Step],
    pub(crate) engine: Engine,
    pub(crate) staged: &'a Path,
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) done: BTreeMap<String, ManifestStep>,
    /// The observations of each pipeline, for the table of all.
    pub(crate) observations: BTreeMap<String, RecordBatch>,
    pub(crate) failed: BTreeSet<String>,
    pub(crate) made: BTreeSet<String>,
    pub(crate) problems: Problems,
    pub(crate) drifted: bool,
}

impl Runner<'_> {
    /// Takes a step's files over from the current release, and opens its tables.
    pub(crate) async fn carry_over(
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

    pub(crate) async fn make(
        &mut self,
        step: &Step,
        current: Option<&ReleaseManifest>,
    ) -> Result<(), PipelineError> {
        let outputs = match step.kind {
            StepKind::Codelist => self.codelist(step).await,
            StepKind::Registry => self.registry(step).await,
            StepKind::Sources => self.sources(step).await,
            StepKind::Observations => self.observations(step, current).await,
            StepKind::Metric => self.metric(step, current).await,
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
        let PipelineObserved { observations, problems, misfits } =
            observe_pipeline(self.project, pipeline)?;
        let stop = problems.has_errors();
        // What a recipe of the current release could read, and cannot find now, has moved.
        let before = current.and_then(|manifest| manifest.step(&step.id));
        let drifted = before
            .is_some_and(|before| misfits.iter().any(|recipe| before.inputs.contains_key(recipe)));
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

    async fn registry(&self, step: &Step) -> Result<Vec<Output>, PipelineError> {
        let tables = programmes::tables(&self.project.registry, &self.project.codelists)
            .map_err(|error| damaged(self.staged, &error))?;
        let Some(table) = tables.into_iter().find(|t| t.name == step.name) else {
            return Ok(Vec::new());
        };
        let about = About { title: table.name, description: table.description, ..About::default() };
        let path = format!("programmes/{}.parquet", step.name);
        let output = self.table(&step.id, &path, &table.batch, &about).await?;
        let name = TableName::parse(&step.id);
        let schema = table.batch.schema();
        self.engine.add_batches(&name, schema, vec![table.batch]).map_err(Problems::from)?;
        Ok(vec![output])
    }

    /// Opens the rows of a metric in the release before, as `<name>_before`.
    async fn look_back(
        &self,
        step: &Step,
        columns: &BTreeMap<String, ColumnType>,
        current: Option<&ReleaseManifest>,
    ) -> Result<(), PipelineError> {
        let fields = columns.iter().map(|(name, of)| Field::new(name, of.data_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let before = TableName::parse(&format!("{}_before", step.id));
        let hash = step.inputs.get(BEFORE).filter(|hash| *hash != "none");
        let Some(hash) = hash else {
            self.engine.add_batches(&before, schema, Vec::new()).map_err(Problems::from)?;
            return Ok(());
        };
        let missing = || PipelineError::Damaged {
            path: self.warehouse.root().to_owned(),
            why: format!("no release holds the rows that `{}` continues", step.id),
        };
        let path = self.warehouse.file_of(&step.id, hash, current)?.ok_or_else(missing)?;
        let released = TableName::parse(&format!("{}_released", step.id));
        self.engine.add_parquet(&released, &path).await.map_err(Problems::from)?;
        // A column that the release before did not have is null in its rows.
        let sql = format!("select * from {released} limit 0");
        let shape = self.engine.query(&sql, &step.id, 1).await.map_err(Problems::from)?.schema;
        let select: Vec<String> = columns
            .keys()
            .map(|name| match shape.field_with_name(name) {
                Ok(_) => format!("\"{name}\""),
                Err(_) => format!("null as \"{name}\""),
            })
            .collect();
        let sql = format!("select {} from {released}", select.join(", "));
        let rows = self.engine.query(&sql, &step.id, 1).await.map_err(Problems::from)?;
        let cast = |batch: &RecordBatch| {
            let columns = batch.columns().iter().zip(schema.fields());
            let columns =
                columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
            RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)
        };
        let rows: Result<Vec<RecordBatch>, _> = rows.batches.iter().map(cast).collect();
        let rows = rows.map_err(|error| damaged(&path, &error))?;
        self.engine.remove(&released);
        self.engine.add_batches(&before, schema, rows).map_err(Problems::from)?;
        Ok(())
    }

    async fn metric(
        &mut self,
        step: &Step,
        current: Option<&ReleaseManifest>,
    ) -> Result<Vec<Output>, PipelineError> {
        let pipeline = self.pipeline(step)?;
        let Some(declared) = find(&pipeline.metrics, &step.name) else { return Ok(Vec::new()) };
        let files = &declared.value;
        let name = TableName::parse(&step.id);
        if let Some(columns) = &files.metric.before {
            self.look_back(step, columns, current).await?;
        }
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
        let table = self.table(&step.id, &path, &batch, &about).await?;
        let page = metric_page(self.project, &step.id, files, &batch);
        let path = format!("published/{}/metrics/{}.html", pipeline.schema, step.name);
        let outputs = vec![table, write_output(self.staged, &path, page.as_bytes())?];
        let notices = match files.metric.told {
            true => told(&batch, self.plan),
            false => Problems::new(),
        };
        self.problems.extend(notices);
        Ok(outputs)
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
        let table = match pipeline.recipes.is_empty() {
            true => TableName::bare("observations"),
            false => TableName::of(&pipeline.schema, "observations"),
        };
        let batches = results.values().flatten().chain(&drawn_rows);
        let cells = cell_traces(&self.engine, &table, batches).await?;
        let used: BTreeSet<&str> = cells.values().map(|cell| cell.source.as_str()).collect();
        let citations =
            self.project.sources.iter().filter(|(path, _)| used.contains(path.as_str()));
        let citations = citations.map(|(path, source)| source.manifest.citation(path));
        let registry = used.iter().filter_map(|source| self.project.registry.citation(source));
        let citations = citations.chain(registry).collect();
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
        ("is_leading", ("Whether this figure leads where several data sets publish it", "")),
        ("source", ("The file, below datasets/sources", "")),
        ("source_sha256", ("SHA-256 of the file", "")),
        ("sheet", ("The sheet; null for formats without sheets", "")),
        ("cell", ("A1 address, or R<line>C<column>", "")),
        ("cell_ref", ("Source, sheet and cell in one", "")),
        (
            "minus_cell_ref",
            ("The cell taken off, where a flow was made from two cumulated figures", ""),
        ),
        ("cell_text", ("What the cell says, as it stands there", "")),
        ("mark", ("The mark in the cell or beside its number", "")),
        ("note", ("What the notes in the file say of it", "")),
    ])
}
