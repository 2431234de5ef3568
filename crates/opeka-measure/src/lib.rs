//! Opens tables as a catalog and runs queries, metrics and checks on DataFusion.
//!
//! [`Engine`] is a session with our SQL functions and the tables of a release; it only reads.
//! A [`Metric`] is a `select` with a declaration beside it; [`materialize`] runs it and holds the
//! rows to the declaration: columns, grain, checks, and the `cells` that every row came from.

mod arguments;
mod check;
mod engine;
mod materialize;
mod metric;
mod sql;

pub use check::{Check, run_checks};
pub use engine::{Answer, Engine, EngineOptions, TableName};
pub use materialize::materialize;
pub use metric::{ColumnType, Family, Metric, MetricColumn, TOLD, parse_metric};
pub use opeka_functions::{EFFECTS_SECTION, FunctionDocumentation, METHOD_PARTS, documentation};
pub use sql::{functions_in, tables_in, trim_sql};
