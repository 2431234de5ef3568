//! The whole surface of the program.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// From the spreadsheets of statistical offices to policy briefs, with every number traceable
/// back to its cell.
///
/// Exit status: 0 done; 1 the data or the checks say no; 2 wrong usage; 3 the program could not do
/// its work; 4 a source's layout drifted.
#[derive(Debug, Parser)]
#[command(name = "opeka", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The project folder; by default this folder or the nearest parent that is one
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// The warehouse folder; by default `warehouse` in the project
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) warehouse: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice, much more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Report as JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build what is stale and publish it as a release
    Run(RunArgs),
    /// Look at a recipe and the sheet it reads
    Ingest(IngestArgs),
    /// Print every cell of a file as it is read, in no project
    Cells(CellsArgs),
    /// Look at an unknown file and propose a recipe for it
    Inspect(InspectArgs),
    /// Walk through names of areas that no code list knows
    Harmonize(HarmonizeArgs),
    /// Do everything that `run` does, and publish nothing
    Check(CheckArgs),
    /// Hold every programme to its claims: each with its verdict, effect and reason
    Evaluate(EvaluateArgs),
    /// Query a release with SQL; without a query, interactively
    Query(QueryArgs),
    /// Follow rows of a metric back to the cells they were made from
    Trace(TraceArgs),
    /// List the releases
    Releases,
    /// Make the release before the current one current again
    Rollback(RollbackArgs),
    /// List the sources with their citations, and hold each file to its hash
    Sources,
    /// List the SQL functions of opeka, or show the documentation of one
    Functions(FunctionsArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The pipelines to run; by default all
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipelines: Vec<String>,
    /// Say what would be made, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make everything anew, also what is fresh
    #[arg(long)]
    pub(crate) full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The recipe, by its name (`care_panel` for `care_panel.recipe.toml`) or by the path of its file
    #[arg(value_name = "RECIPE")]
    pub(crate) recipe: String,
    /// Read this file instead of the recipe's own; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) source: Vec<PathBuf>,
    /// Write the observations, in this format
    #[arg(long, value_enum, conflicts_with = "preview")]
    pub(crate) format: Option<Format>,
    /// Write the observations to this file instead of stdout; by its ending as CSV, Parquet, …
    #[arg(short = 'o', long, value_name = "FILE", conflicts_with = "preview")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: PreviewArgs,
}

/// How a preview is shown.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Show the sheets with what the recipe selects in colour
    #[arg(long)]
    pub(crate) preview: bool,
    /// Write the preview as a page to this file, instead of showing it here
    #[arg(long, value_name = "FILE", requires = "preview")]
    pub(crate) html: Option<PathBuf>,
    /// Rows to show of each sheet
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub(crate) rows: usize,
    /// Characters to show of each cell
    #[arg(long, default_value_t = 14, value_name = "N")]
    pub(crate) width: usize,
}

#[derive(Debug, Args)]
pub(crate) struct CellsArgs {
    /// The file: a workbook, or whatever else a source may be
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this sheet
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// How to write the cells
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: CellsFormat,
    /// Write to this file instead of stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CellsFormat {
    Csv,
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The file: a workbook, a table of text, or what a statistical office's interface answers
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Look at this sheet only
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// The metadata file of a data set of the Department for Education; the file is held to it
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
    /// Write the recipe to this file instead of stdout
    #[arg(short = 'o', long, value_name = "RECIPE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: PreviewArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HarmonizeArgs {
    /// A recipe, by its name or its path, or a file of data
    #[arg(value_name = "RECIPE|FILE")]
    pub(crate) what: String,
    /// The names below this heading of the file, instead of those that a recipe meets
    #[arg(long, value_name = "HEADING")]
    pub(crate) column: Option<String>,
    /// Accept without asking what scores at least so much and is no close call
    #[arg(long, value_name = "SCORE", value_parser = share)]
    pub(crate) accept: Option<f64>,
    /// How far the best must lead before the second to be accepted
    #[arg(long, value_name = "LEAD", default_value_t = 0.1, value_parser = share)]
    pub(crate) margin: f64,
    /// Read this file instead of the recipe's sources; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) source: Vec<PathBuf>,
    /// The file of answers; by default `<recipe>.areas.map.toml` beside the recipe
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 1, such as `0.95`".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The pipelines to check; by default all
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipelines: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// The programme, by the name of its registry file; by default all
    #[arg(value_name = "PROGRAMME")]
    pub(crate) programme: Option<String>,
    /// The language of titles, claims and reasons
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) lang: Language,
}

/// A language of what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    En,
    Ru,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The query; without one, it is read from standard input
    #[arg(short = 'c', long, value_name = "SQL", conflicts_with = "file")]
    pub(crate) command: Option<String>,
    /// A file with the query; `-` is standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// How to write the rows; by default as a table, and with `--json` as JSON
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write to this file instead of stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The release to query, by its id or the beginning of it; by default the current one
    #[arg(long, value_name = "ID")]
    pub(crate) release: Option<String>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
    Ndjson,
    Parquet,
    Arrow,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The metric, such as `england_care.looked_after`
    #[arg(value_name = "METRIC")]
    pub(crate) metric: String,
    /// Which rows: a column and what it reads; may be given several times
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = condition)]
    pub(crate) conditions: Vec<(String, String)>,
    /// The release to trace in; by default the current one
    #[arg(long, value_name = "ID")]
    pub(crate) release: Option<String>,
}

fn condition(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() => Ok((column.to_owned(), value.to_owned())),
        _ => Err("write it as COLUMN=VALUE, such as `ref_area=E92000001`".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The release to go back to; by default the one that was current before
    #[arg(value_name = "ID")]
    pub(crate) release: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FunctionsArgs {
    /// The function
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
