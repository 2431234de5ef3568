//! A table as a Parquet file: the same rows are the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// What a table is, for its readers.
#[derive(Debug, Default)]
pub(crate) struct About<'a> {
    pub title: &'a str,
    pub description: &'a str,
    /// Meaning and unit of columns, by their names.
    pub columns: BTreeMap<&'a str, (&'a str, &'a str)>,
    /// The columns that the rows are ordered by.
    pub sorted_by: Vec<&'a str>,
}

/// The bytes of a Parquet file: zstd, dictionaries, statistics of row groups, and what the columns
/// mean in the metadata of the schema.
pub(crate) fn to_parquet(batch: &RecordBatch, about: &About) -> Result<Vec<u8>, ParquetError> {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let mut metadata = HashMap::new();
        if let Some((meaning, unit)) = about.columns.get(field.name().as_str()) {
            metadata.insert("description".to_owned(), (*meaning).to_owned());
            if !unit.is_empty() {
                metadata.insert("unit".to_owned(), (*unit).to_owned());
            }
        }
        Field::clone(field).with_metadata(metadata)
    });
    let metadata = HashMap::from([
        ("title".to_owned(), about.title.to_owned()),
        ("description".to_owned(), about.description.to_owned()),
    ]);
    let described = Arc::new(Schema::new(fields.collect::<Vec<Field>>()).with_metadata(metadata));
    let batch = RecordBatch::try_new(described, batch.columns().to_vec())?;
    // Sorting columns are leaves; a list before them would shift the count.
    let flat = |i: usize| !schema.field(i).data_type().is_nested();
    let sorting = about.sorted_by.iter().filter_map(|name| {
        let index = schema.index_of(name).ok().filter(|i| (0..=*i).all(flat))?;
        Some(SortingColumn { column_idx: index as i32, descending: false, nulls_first: true })
    });
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by("opeka".to_owned())
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting.collect()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.into_inner()
}
