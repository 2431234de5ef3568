//! Runs every case that is kept as data, each as a test of its own name.
//!
//! `OPEKA_CORPUS` names the folder of real files; where it is unset, their tests are reported as
//! ignored, and where it names no folder, the run fails.

mod suite_corpus;
mod suite_examples;
mod suite_ingest;
mod suite_measure;
mod suite_programmes;
mod suite_publish;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    opeka_ingest::quiet_readers();
    let arguments = Arguments::from_args();
    let Ok(corpus) = folder("OPEKA_CORPUS") else {
        return ExitCode::FAILURE;
    };
    let mut trials = suite_ingest::trials();
    trials.extend(suite_measure::trials());
    trials.extend(suite_examples::trials());
    trials.extend(suite_publish::trials());
    trials.extend(suite_programmes::trials(corpus.as_deref()));
    trials.extend(suite_corpus::trials(corpus.as_deref()));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The folder that a variable names; a name that is no folder is told and refused.
#[allow(clippy::print_stderr, reason = "a test runner talks to whoever runs it")]
fn folder(variable: &str) -> Result<Option<PathBuf>, ()> {
    let Some(path) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    if path.is_dir() {
        return Ok(Some(path));
    }
    eprintln!("{variable} names no folder: {}", path.display());
    Err(())
}
