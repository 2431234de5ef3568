//! Turns rows and a specification into charts, briefs and notebooks.
//!
//! What comes in are Arrow record batches, whoever computed them, and the text of a declared file:
//! `*.chart.toml` or `*.brief.md`. What goes out is text: an SVG with its description and its data,
//! a self-contained HTML file in which every number leads to the cells of its source, a notebook.
//! The same input gives the same bytes; no clock, no system font and no network take part.
//!
//! ```text
//! parse_chart(file, text)  →  ChartSpec  →  render_chart(…, rows, lang)  →  RenderedChart
//! parse_brief(file, text)  →  Brief      →  render_brief(…, input)       →  HTML
//!                                        →  render_notebook(…, input)    →  .ipynb
//! MetricPage                             →  render_metric_page            →  HTML
//! ```
//!
//! Rows carry a list column `cells`, the names of the cells they were computed from; a number
//! without cells is not printed. What is wrong in a declared file or in its rows comes back as
//! [`opeka_model::Problems`], all of it at once.

mod brief;
mod chart;
mod error;
mod escape;
mod lang;
mod metric_page;
mod notebook;
mod number;
mod png;
mod rows;

pub use brief::{Brief, BriefInput, CellTrace, Citation, Query, parse_brief, render_brief};
pub use chart::{ChartSpec, RenderedChart, parse_chart, render_chart};
pub use error::PublishError;
pub use lang::Lang;
pub use metric_page::{MetricPage, render_metric_page};
pub use notebook::{NotebookInput, render_notebook};
pub use number::{NumberFormat, format_number};
pub use png::svg_to_png;
