//! `opeka query`: SQL on a release.

use std::io::{IsTerminal, Read};
use std::path::Path;

use opeka_measure::{Answer, Engine, EngineOptions, trim_sql};
use opeka_model::Problems;
use opeka_pipeline::{PipelineError, open_release};

use crate::args::{Format, QueryArgs};
use crate::context::Context;
use crate::exit::Usage;
use crate::printer::Printer;
use crate::repl;
use crate::rows::write_answer;

pub(crate) async fn run(
    context: &Context,
    args: &QueryArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let id = context.warehouse.resolve(args.release.as_deref())?;
    // A person at a terminal may read files of this machine; nobody else asks here.
    let options = EngineOptions { local_files: true, ..EngineOptions::default() };
    let (engine, _) = open_release(&context.warehouse, &id, options).await?;
    let format = args.format.unwrap_or(match printer.json() {
        true => Format::Json,
        false => Format::Table,
    });
    let (sql, file) = match (&args.command, &args.file) {
        (Some(sql), _) => (sql.clone(), "query".to_owned()),
        (None, Some(path)) => (read(path)?, path.to_string_lossy().into_owned()),
        (None, None) if std::io::stdin().is_terminal() => {
            return repl::run(&engine, &id, format, printer).await;
        }
        (None, None) => (read(Path::new("-"))?, "standard input".to_owned()),
    };
    let answer = ask(&engine, &sql, &file).await?;
    write_answer(&answer, format, args.output.as_deref(), printer)
}

/// Asks, and turns a refusal into the program's own.
pub(crate) async fn ask(engine: &Engine, sql: &str, file: &str) -> anyhow::Result<Answer> {
    let answer = engine.query(trim_sql(sql), file, 1).await;
    Ok(answer.map_err(|problem| PipelineError::from(Problems::from(problem)))?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut sql = String::new();
        let read = std::io::stdin().read_to_string(&mut sql);
        return match read {
            Ok(_) => Ok(sql),
            Err(error) => Err(Usage::new(format!("cannot read standard input: {error}")).into()),
        };
    }
    std::fs::read_to_string(path)
        .map_err(|error| Usage::new(format!("cannot read `{}`: {error}", path.display())).into())
}
