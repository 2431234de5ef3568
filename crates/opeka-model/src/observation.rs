//! One published figure and where it stands.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::CellRef;

/// One published figure, or the published statement that there is none.
///
/// The key is `dataset, indicator, ref_area, time_period, care_form`.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which data set it belongs to; a recipe writes one data set.
    pub dataset: String,
    /// What is counted: a code of `codelists.indicators`.
    pub indicator: String,
    /// Which area: a code of `codelists.regions` (ISO 3166, GSS, or our own).
    pub ref_area: String,
    /// Which period: an SDMX time period.
    pub time_period: String,
    /// Which form of care: a code of `codelists.care_forms`; `_T` is the total.
    pub care_form: String,
    /// The figure in `unit_measure`; `None` where the source gives none. Never NaN or infinite.
    pub obs_value: Option<f64>,
    /// A letter of `CL_OBS_STATUS`; `A` is a normal value.
    pub obs_status: String,
    /// A letter of `CL_CONF_STATUS`; `F` is free for publication.
    pub conf_status: String,
    /// A code of `codelists.units`.
    pub unit_measure: String,
    /// Whether this figure leads where several data sets publish the same one.
    pub is_leading: bool,
    /// SHA-256 of the source file, in hexadecimal.
    pub source_sha256: String,
    /// The cell it was read from.
    pub cell: CellRef,
    /// The cell whose figure was taken off, where this is the flow of a month between two figures that
    /// cumulate.
    pub minus: Option<CellRef>,
    /// What the cell says, as it stands there.
    pub cell_text: String,
    /// The mark that stands in the cell, or beside its number.
    pub mark: Option<String>,
    /// What the publisher's note to the mark says.
    pub note: Option<String>,
}

/// The Arrow schema of an observation: the columns of the SQL table `observations`.
pub fn observation_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let optional = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("dataset"),
        text("indicator"),
        text("ref_area"),
        text("time_period"),
        text("care_form"),
        Field::new("obs_value", DataType::Float64, true),
        text("obs_status"),
        text("conf_status"),
        text("unit_measure"),
        Field::new("is_leading", DataType::Boolean, false),
        text("source"),
        text("source_sha256"),
        optional("sheet"),
        text("cell"),
        text("cell_ref"),
        optional("minus_cell_ref"),
        text("cell_text"),
        optional("mark"),
        optional("note"),
    ]))
}

/// The observations as one batch of [`observation_schema`], in the order given.
pub fn to_record_batch(observations: &[Observation]) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&Observation) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(observations.iter().map(of)))
    };
    let optional = |of: fn(&Observation) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(observations.iter().map(of)))
    };
    let values = Float64Array::from_iter(observations.iter().map(|o| o.obs_value));
    let leading = BooleanArray::from_iter(observations.iter().map(|o| Some(o.is_leading)));
    let minus = observations.iter().map(|o| o.minus.as_ref().map(ToString::to_string));
    let references = StringArray::from_iter_values(observations.iter().map(|o| o.cell.to_string()));
    RecordBatch::try_new(
        observation_schema(),
        vec![
            text(|o| &o.dataset),
            text(|o| &o.indicator),
            text(|o| &o.ref_area),
            text(|o| &o.time_period),
            text(|o| &o.care_form),
            Arc::new(values),
            text(|o| &o.obs_status),
            text(|o| &o.conf_status),
            text(|o| &o.unit_measure),
            Arc::new(leading),
            text(|o| &o.cell.source),
            text(|o| &o.source_sha256),
            optional(|o| o.cell.sheet.as_deref()),
            text(|o| &o.cell.cell),
            Arc::new(references),
            Arc::new(StringArray::from_iter(minus)),
            text(|o| &o.cell_text),
            optional(|o| o.mark.as_deref()),
            optional(|o| o.note.as_deref()),
        ],
    )
}
