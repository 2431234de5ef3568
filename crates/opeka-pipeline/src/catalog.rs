//! A release as a catalog of tables.

use std::collections::BTreeMap;

use opeka_measure::{Engine, EngineOptions, TableName};
use opeka_model::Problems;

use crate::error::PipelineError;
use crate::warehouse::{ReleaseManifest, Warehouse};

/// Opens a release for queries. `observations` are those of all pipelines together; each
/// pipeline's own are `<schema>.observations`.
pub async fn open_release(
    warehouse: &Warehouse,
    id: &str,
    options: EngineOptions,
) -> Result<(Engine, ReleaseManifest), PipelineError> {
    let manifest = warehouse.manifest(id)?;
    let folder = warehouse.release_folder(id);
    let engine = Engine::new(options);
    let mut tables: BTreeMap<String, String> = BTreeMap::new();
    for output in manifest.outputs() {
        if let Some(table) = &output.table {
            tables.insert(table.clone(), output.path.clone());
        }
    }
    for (table, path) in &tables {
        let name = TableName::parse(table);
        engine.add_parquet(&name, &folder.join(path)).await.map_err(Problems::from)?;
    }
    let observations = folder.join("observations");
    if observations.is_dir() {
        let name = TableName::bare("observations");
        engine.add_parquet(&name, &observations).await.map_err(Problems::from)?;
    }
    Ok((engine, manifest))
}
