//! The words every other crate shares.
//!
//! A figure is an [`Observation`]: a value for an area and a period, with the cell it was read
//! from. What is wrong with a figure is a [`Problem`]: a message with a [`Place`] and hints. A
//! period is a [`TimePeriod`], a cell is named by a [`CellRef`].
//!
//! Column names are those of SDMX (`ref_area`, `time_period`, `obs_value`, `obs_status`, …);
//! see [`Observation`] for the whole row and its units.
//!
//! Nothing here reads a file, a clock or the environment.

mod cell;
mod declared;
mod observation;
mod period;
mod problem;
mod suggest;

pub use cell::{CellRef, a1, a1_column, parse_a1};
pub use declared::{from_toml, from_toml_at, line_and_column};
pub use observation::{Observation, observation_schema, to_record_batch};
pub use period::{Frequency, TimePeriod};
pub use problem::{Kind, Place, Problem, Problems, Severity};
pub use suggest::{closest, suggest};
