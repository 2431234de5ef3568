//! Reads a sheet as a person would and turns it into observations.
//!
//! ```text
//! bytes ── open ──▶ Workbook ── observe(recipe, code lists) ──▶ observations + problems
//! ```
//!
//! A recipe says what to select by what is written in the sheet and by direction, never by an
//! address, so that a row or column inserted beside the table changes nothing:
//!
//! ```toml
//! [[table]]
//! sheet = "A1 On 31 March"
//! until = "Notes"
//!
//! [table.dimensions.ref_area]        # look left on the same row
//! below = "Area code"
//! direction = "left"
//!
//! [table.dimensions.time_period]     # look up in the same column
//! right_of = "Area"
//! matches = '\d{4}'
//! direction = "up"
//!
//! [table.dimensions.indicator]       # the merged heading that covers the column
//! text = ["Number of children", "Rate per 10,000"]
//! direction = "up"
//! attach = "closest"
//! values = { "Number of children" = "cla_31_march", "Rate per 10,000" = "cla_31_march_rate" }
//! ```
//!
//! Figures stand where the rows that have a label cross the columns that have one. What a cell
//! says is never an error of the program: it is an observation, or a problem with its place.
//!
//! Beside that way there are three others, for a file or for a recipe that is not there yet:
//!
//! - [`inspect`] looks at a file that nobody has described and proposes a recipe for it, with what
//!   the proposal reads and what it does not reach.
//! - [`candidates`] and [`accept`] say which codes a name that no code list knows may mean, and
//!   whether one may be taken without asking; the answers are an [`AreaMap`] beside the recipe.
//! - [`cells_parquet`] and [`cells_csv`] write all cells of a file as rows, without a recipe, before
//!   anybody has understood it.

mod attach;
mod cells;
mod codelist;
mod dfe;
mod figure;
mod flows;
mod grid;
mod harmonize;
mod inspect;
mod label;
mod marks;
mod meaning;
mod numbers;
mod observe;
mod open;
mod periods;
mod preview;
mod reader;
mod recipe;
mod select;
mod view;

pub use cells::{CellsError, Written, cells_csv, cells_parquet};
pub use codelist::{Code, Codelist, Codelists, Match};
pub use dfe::{DataSetMetadata, Filter, Indicator};
pub use flows::add_flows;
pub use grid::{Cell, Grid, Look, Span, Value, Workbook};
pub use harmonize::{
    Answer, AreaMap, Candidate, Refusal, Threshold, Unmatched, accept, candidates, unmatched_areas,
    unmatched_in_column,
};
pub use inspect::{InspectOptions, Inspection, Reached, inspect};
pub use observe::{Observed, Role, SheetRoles, observe};
pub use open::{Format, open, quiet_readers, sniff};
pub use preview::{preview_html, preview_text};
pub use recipe::{
    Attach, Blocks, Brackets, Column, DecimalSign, Dimension, Direction, Empty, EmptyWord,
    Footnotes, From, Indents, Mark, Matching, OneOrMany, Percent, Recipe, Selection, Step, Table,
    parse_recipe,
};
