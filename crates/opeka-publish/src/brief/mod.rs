//! From a brief's Markdown and the answers to its queries to one HTML file.

mod figure;
mod html;
mod numbers;
mod parse;
mod placeholder;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use opeka_model::Problems;

use crate::{Lang, RenderedChart};
use placeholder::{Placeholder, What};

pub use parse::parse_brief;

/// A brief as its file declares it; see [`parse_brief`].
#[derive(Debug, Clone)]
pub struct Brief {
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) lang: Lang,
    pub(crate) summary: Option<String>,
    pub(crate) pipeline: Option<String>,
    pub(crate) queries: Vec<Query>,
    pub(crate) placeholders: Vec<Placeholder>,
    /// The body with each placeholder replaced by its number between two marks.
    pub(crate) marked: String,
    pub(crate) blocks: Vec<Block>,
}

/// A query of a brief: a fence with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The name by which placeholders call it.
    pub name: String,
    /// A select from metrics.
    pub sql: String,
    /// The line of the file on which the first line of the SQL stands.
    pub line: usize,
}

/// A part of the body, as a notebook shows it.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// Markdown, with values shown as the names of their columns.
    Prose(String),
    /// A query, by its number.
    Query(usize),
    Chart(String),
    Table(String),
}

impl Brief {
    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The language of the text and of its numbers.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// One sentence on the whole, where the front matter gives it.
    pub fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// The pipeline that the front matter names.
    pub fn pipeline(&self) -> Option<&str> {
        self.pipeline.as_deref()
    }

    /// The queries, in the order of the text.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// The charts that the text shows, each with its line.
    pub fn charts(&self) -> Vec<(&str, usize)> {
        self.placeholders
            .iter()
            .filter_map(|p| match &p.what {
                What::Chart { name } => Some((name.as_str(), p.line)),
                _ => None,
            })
            .collect()
    }

    /// The lines of the text that print a value or the table of a query.
    pub fn value_lines(&self, query: &str) -> Vec<usize> {
        let mut lines: Vec<usize> = self
            .placeholders
            .iter()
            .filter(|p| match &p.what {
                What::Value { query: of, .. } | What::Table { query: of, .. } => of == query,
                What::Chart { .. } => false,
            })
            .map(|p| p.line)
            .collect();
        lines.dedup();
        lines
    }
}

/// What a cell of a source says, for the trace of a number.
#[derive(Debug, Clone, PartialEq)]
pub struct CellTrace {
    /// The name of the cell, as the `cells` columns give it.
    pub cell_ref: String,
    /// Path of the source file.
    pub source: String,
    /// The sheet, where the format has sheets.
    pub sheet: Option<String>,
    /// The address.
    pub cell: String,
    /// What the cell says, as it stands there.
    pub text: String,
    /// The number that it was read as.
    pub obs_value: Option<f64>,
    /// A letter of `CL_OBS_STATUS`.
    pub obs_status: String,
    /// The mark in the cell.
    pub mark: Option<String>,
    /// The publisher's note to the mark.
    pub note: Option<String>,
    /// SHA-256 of the source file.
    pub sha256: String,
}

/// A source as a brief cites it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Citation {
    /// Path of the source file.
    pub source: String,
    /// Title of the publication.
    pub title: String,
    /// The citation in full.
    pub citation: String,
    /// How the file came to be, where that needs saying.
    pub note: String,
    /// Where it was published.
    pub url: String,
    /// Its licence.
    pub licence: String,
    /// The date on which it was fetched, as an ISO date.
    pub accessed: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// What a brief is filled with.
pub struct BriefInput<'a> {
    /// The answer to each query, by its name.
    pub results: BTreeMap<String, Vec<RecordBatch>>,
    /// The charts, by their names.
    pub charts: BTreeMap<String, RenderedChart>,
    /// What a cell of the release says.
    pub trace: &'a dyn Fn(&str) -> Option<CellTrace>,
    /// The sources behind the brief.
    pub citations: Vec<Citation>,
    /// The metrics that each query reads; a chart's metrics stand under the chart's name.
    pub metrics: BTreeMap<String, Vec<String>>,
}

/// The brief as one self-contained HTML file.
pub fn render_brief(brief: &Brief, input: &BriefInput<'_>) -> Result<String, Problems> {
    html::render(brief, input)
}
