//! What went wrong, told at the end, and the exit status that it means.

use std::process::ExitCode;

use opeka_model::{Problems, Severity};
use opeka_pipeline::PipelineError;
use serde_json::json;

use crate::printer::{Printer, problem_json};

/// The data or the checks say no.
const REFUSED: u8 = 1;
/// Wrong usage; also what clap says.
const USAGE: u8 = 2;
/// The program could not do its work.
const FAILED: u8 = 3;
/// A source's layout drifted.
const DRIFTED: u8 = 4;

/// Wrong usage that the argument parser cannot see.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    hints: Vec<String>,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

impl std::error::Error for Usage {}

/// Tells an error, and what it means for the caller.
pub(crate) fn report(error: &anyhow::Error, printer: &Printer) -> ExitCode {
    // A reader that went away is no error: `opeka query … | head`.
    if error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    }) {
        return ExitCode::SUCCESS;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        printer.error(&format!("error: {usage}"));
        return ExitCode::from(USAGE);
    }
    match error.downcast_ref::<PipelineError>() {
        Some(PipelineError::Refused { problems, drifted }) => {
            let status = if *drifted { DRIFTED } else { REFUSED };
            tell_problems(problems, printer);
            if printer.json() {
                let problems: Vec<_> = problems.iter().map(problem_json).collect();
                printer.report(&json!({ "status": status, "problems": problems }));
            }
            ExitCode::from(status)
        }
        Some(PipelineError::NoRelease { .. }) => {
            printer.error(&format!("error: {error}"));
            printer.error("  hint: `opeka releases` lists them; `opeka run` makes the first");
            ExitCode::from(REFUSED)
        }
        _ => {
            printer.error(&format!("error: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

/// All problems, what stops the run last, and how many there are.
pub(crate) fn tell_problems(problems: &Problems, printer: &Printer) {
    for severity in [Severity::Note, Severity::Warning, Severity::Error] {
        for problem in problems.iter().filter(|problem| problem.severity == severity) {
            match severity {
                Severity::Error => printer.error(&problem.to_string()),
                Severity::Warning => printer.warn(&problem.to_string()),
                Severity::Note => printer.detail(&problem.to_string()),
            }
        }
    }
    let errors = problems.count(Severity::Error);
    if errors > 0 {
        printer.error(&format!(
            "{errors} error(s), {} warning(s); nothing was published, the last release is as it was",
            problems.count(Severity::Warning)
        ));
    }
}
