//! The program: arguments in, text out.
//!
//! stdout is data, stderr is talk. `args.rs` is the whole surface, and each command has a file.

mod args;
mod cells;
mod check;
mod context;
mod evaluate;
mod exit;
mod functions;
mod harmonize;
mod ingest;
mod inspect;
mod preview;
mod printer;
mod query;
mod releases;
mod repl;
mod rows;
mod run;
mod sources;
mod trace;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::printer::Printer;

fn main() -> ExitCode {
    opeka_ingest::quiet_readers();
    let cli = Cli::parse();
    let printer = Printer::new(&cli.global);
    let filter = match cli.global.verbose {
        0 => "off",
        1 => "opeka=info",
        _ => "opeka=debug,datafusion=info",
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match dispatch(&cli, &printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let publishes = matches!(&cli.command, Command::Run(args) if !args.dry_run);
            exit::report(&error, publishes, &printer)
        }
    }
}

fn dispatch(cli: &Cli, printer: &Printer) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let context = || Context::find(&cli.global);
    match &cli.command {
        Command::Run(args) => runtime.block_on(run::run(&context()?, args, printer)),
        Command::Ingest(args) => ingest::run(&context()?, args, printer),
        Command::Cells(args) => cells::run(args, printer),
        Command::Inspect(args) => inspect::run(&context()?, args, printer),
        Command::Harmonize(args) => harmonize::run(&context()?, args, printer),
        Command::Check(args) => runtime.block_on(check::run(&context()?, args, printer)),
        Command::Evaluate(args) => runtime.block_on(evaluate::run(&context()?, args, printer)),
        Command::Query(args) => runtime.block_on(query::run(&context()?, args, printer)),
        Command::Trace(args) => runtime.block_on(trace::run(&context()?, args, printer)),
        Command::Releases => releases::list(&context()?, printer),
        Command::Rollback(args) => releases::rollback(&context()?, args, printer),
        Command::Sources => sources::run(&context()?, printer),
        Command::Functions(args) => functions::run(args, printer),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "opeka", &mut script);
            Ok(printer.out().write_all(&script)?)
        }
    }
}
