//! A read-only DataFusion session over named tables.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use opeka_model::{Kind, Place, Problem, suggest};

use crate::arguments;
use crate::sql::{problem_of, tables_in};

/// `england_care.looked_after`, or `observations` in the default schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema; `None` is the default one.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

impl TableName {
    /// A table of a schema.
    pub fn of(schema: &str, table: &str) -> Self {
        Self { schema: Some(schema.to_owned()), table: table.to_owned() }
    }

    /// A table of the default schema.
    pub fn bare(table: &str) -> Self {
        Self { schema: None, table: table.to_owned() }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((schema, table)) => Self::of(schema, table),
            None => Self::bare(text),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => write!(f, "{}", self.table),
        }
    }
}

/// The rows a query gave.
#[derive(Debug, Clone)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Answer {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// What a session may do and use.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineOptions {
    /// Whether a query may read a local file by its path: `from 'panel.csv'`. For a person at a
    /// terminal only, never for a server or a pipeline.
    pub local_files: bool,
    /// How many partitions a query runs on; `None` takes as many as there are cores. With one, a
    /// floating sum is added in one order, so that a release is the same on every machine.
    pub partitions: Option<usize>,
    /// How many rows a batch holds; `None` is the engine's own choice.
    pub batch_size: Option<usize>,
    /// How many bytes groups, sorts and joins may hold before they go to a temporary file; `None`
    /// sets no limit.
    pub memory: Option<usize>,
}

const CATALOG: &str = "opeka";
const SCHEMA: &str = "public";

/// A read-only session: our SQL functions and the tables it was given.
#[derive(Clone)]
pub struct Engine {
    context: SessionContext,
}

impl Engine {
    /// A session without tables.
    pub fn new(options: EngineOptions) -> Self {
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        if let Some(partitions) = options.partitions {
            config = config.with_target_partitions(partitions);
        }
        if let Some(batch_size) = options.batch_size {
            config = config.with_batch_size(batch_size);
        }
        let settings = config.options_mut();
        settings.sql_parser.collect_spans = true;
        // Plain strings in our files are plain strings in our answers.
        settings.sql_parser.map_string_types_to_utf8view = false;
        settings.execution.parquet.schema_force_view_types = false;
        let mut context = match options.memory.and_then(limited) {
            Some(runtime) => SessionContext::new_with_config_rt(config, runtime),
            None => SessionContext::new_with_config(config),
        };
        if options.local_files {
            context = context.enable_url_table();
        }
        for function in opeka_functions::all_scalar_functions() {
            context.register_udf(function.as_ref().clone());
        }
        for function in opeka_functions::all_aggregate_functions() {
            context.register_udaf(function.as_ref().clone());
        }
        for function in opeka_functions::all_window_functions() {
            // A scalar function of that name would be found first: `position` is an alias of
            // `strpos`, which keeps its own name, and `position(a in b)` its own form.
            context.deregister_udf(function.name());
            context.register_udwf(function.as_ref().clone());
        }
        Self { context }
    }

    /// Adds a table that is held in memory.
    pub fn add_batches(
        &self,
        name: &TableName,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<(), Problem> {
        let table = MemTable::try_new(schema, vec![batches]).map_err(|e| internal(name, &e))?;
        self.add(name, Arc::new(table))
    }

    /// Adds a table that is one Parquet file, or a folder of them.
    pub async fn add_parquet(&self, name: &TableName, path: &Path) -> Result<(), Problem> {
        let fail = |error: DataFusionError| internal(name, &error);
        let url = ListingTableUrl::parse(file_url(path)).map_err(fail)?;
        let format = ParquetFormat::default().with_force_view_types(false);
        let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
        let config = ListingTableConfig::new(url)
            .with_listing_options(options)
            .infer_schema(&self.context.state())
            .await
            .map_err(fail)?;
        self.add(name, Arc::new(ListingTable::try_new(config).map_err(fail)?))
    }

    fn add(
        &self,
        name: &TableName,
        table: Arc<dyn datafusion::catalog::TableProvider>,
    ) -> Result<(), Problem> {
        let schema = name.schema.as_deref().unwrap_or(SCHEMA);
        let catalog = self.context.catalog(CATALOG).ok_or_else(|| {
            Problem::error(Kind::Declaration, Place::Nowhere, "the session lost its catalog")
        })?;
        let provider = match catalog.schema(schema) {
            Some(provider) => provider,
            None => {
                let provider: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                catalog
                    .register_schema(schema, Arc::clone(&provider))
                    .map_err(|e| internal(name, &e))?;
                provider
            }
        };
        provider.register_table(name.table.clone(), table).map_err(|e| internal(name, &e))?;
        Ok(())
    }

    /// Takes a table out of the session.
    pub fn remove(&self, name: &TableName) {
        let schema = name.schema.as_deref().unwrap_or(SCHEMA);
        let schema = self.context.catalog(CATALOG).and_then(|catalog| catalog.schema(schema));
        if let Some(schema) = schema {
            // A table that was not there is as good as one taken out.
            let _ = schema.deregister_table(&name.table);
        }
    }

    /// The tables of the session.
    pub fn tables(&self) -> BTreeSet<TableName> {
        let Some(catalog) = self.context.catalog(CATALOG) else { return BTreeSet::new() };
        let mut tables = BTreeSet::new();
        for schema in catalog.schema_names() {
            let names = catalog.schema(&schema).map(|s| s.table_names()).unwrap_or_default();
            let schema = (schema != SCHEMA).then_some(schema);
            tables
                .extend(names.into_iter().map(|table| TableName { schema: schema.clone(), table }));
        }
        tables
    }

    /// Names of all functions of the session, ours and the engine's.
    pub fn functions(&self) -> BTreeSet<String> {
        let state = self.context.state();
        let mut names: BTreeSet<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names
    }

    /// Runs a `select`. `file` and `line` say where the query's text begins, for problems.
    pub async fn query(&self, sql: &str, file: &str, line: usize) -> Result<Answer, Problem> {
        self.check_tables(sql, file, line)?;
        let fail = |error: DataFusionError| problem_of(&error, file, line);
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let mut statement = state.sql_to_statement(sql, &dialect).map_err(fail)?;
        arguments::complete(&mut statement);
        let plan = state.statement_to_plan(statement).await.map_err(fail)?;
        options.verify_plan(&plan).map_err(fail)?;
        let frame = self.context.execute_logical_plan(plan).await.map_err(fail)?;
        let schema = Arc::clone(frame.schema().inner());
        let batches = frame.collect().await.map_err(fail)?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        Ok(Answer { schema, batches })
    }

    /// A table that does not exist is named before the planner stumbles over it, with the closest
    /// one that does.
    fn check_tables(&self, sql: &str, file: &str, line: usize) -> Result<(), Problem> {
        let known = self.tables();
        for name in tables_in(sql, file, line)? {
            let system = name.schema.as_deref() == Some("information_schema");
            let path = name.table.contains(['/', '\\']) || name.table.contains('.');
            if system || path || known.contains(&name) {
                continue;
            }
            let place = Place::Text { file: file.to_owned(), line, column: None };
            let problem =
                Problem::error(Kind::Declaration, place, format!("there is no table `{name}`"));
            let written = name.to_string();
            let names: Vec<String> = known.iter().map(ToString::to_string).collect();
            let hint = suggest(&written, names.iter().map(String::as_str), "tables");
            return Err(problem.hint(hint));
        }
        Ok(())
    }
}

/// A runtime that holds no more than so many bytes; all that need some share them evenly.
fn limited(bytes: usize) -> Option<Arc<RuntimeEnv>> {
    let pool = Arc::new(FairSpillPool::new(bytes));
    RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().ok()
}

/// A path as a URL: as a plain text, the engine would take `[a]`, `*` and `?` for patterns.
fn file_url(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut url = String::from("file://");
    for byte in absolute.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    if path.is_dir() && !url.ends_with('/') {
        url.push('/');
    }
    url
}

fn internal(name: &TableName, error: &DataFusionError) -> Problem {
    Problem::error(
        Kind::Declaration,
        Place::Nowhere,
        format!("table `{name}` cannot be opened: {}", error.strip_backtrace()),
    )
}
