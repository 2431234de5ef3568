//! What went wrong, told at the end, and the exit status that it means.

use std::process::ExitCode;

use opeka_model::{Kind, Place, Problem, Problems, Severity};
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

/// What a command has already told in its own report, and the exit status that it means.
#[derive(Debug)]
pub(crate) struct Told(u8);

impl Told {
    /// The data say no.
    pub(crate) const REFUSED: Self = Self(REFUSED);
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "already told")
    }
}

impl std::error::Error for Told {}

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
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Usage {}

/// Tells an error, and what it means for the caller. A command that publishes says at the end that
/// it did not.
pub(crate) fn report(error: &anyhow::Error, publishes: bool, printer: &Printer) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    if let Some(Told(status)) = error.downcast_ref::<Told>() {
        return ExitCode::from(*status);
    }
    let (status, problems) = meaning(error);
    tell_problems(&problems, printer, false);
    let (errors, warnings) = (problems.count(Severity::Error), problems.count(Severity::Warning));
    if publishes {
        printer.error(&format!(
            "{}; nothing was published, the last release is as it was",
            counted(errors, warnings)
        ));
    } else if errors > 1 {
        printer.error(&counted(errors, warnings));
    }
    if printer.json() {
        let problems: Vec<_> = problems.iter().map(problem_json).collect();
        printer.report(&json!({ "status": status, "problems": problems }));
    }
    ExitCode::from(status)
}

/// A reader that went away is no error: `opeka query … | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        kind == Some(std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(io)
}

/// The exit status of an error, and what is to be told of it.
fn meaning(error: &anyhow::Error) -> (u8, Problems) {
    let one = |message: String, hints: &[&str]| {
        let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
        Problems::from(hints.iter().copied().fold(problem, Problem::hint))
    };
    if let Some(usage) = error.downcast_ref::<Usage>() {
        let hints: Vec<&str> = usage.hints.iter().map(String::as_str).collect();
        return (USAGE, one(usage.to_string(), &hints));
    }
    let Some(error) = error.downcast_ref::<PipelineError>() else {
        return (FAILED, one(format!("{error:#}"), &[]));
    };
    let message = error.to_string();
    match error {
        PipelineError::Refused { problems, drifted: true } => (DRIFTED, problems.clone()),
        PipelineError::Refused { problems, drifted: false } => (REFUSED, problems.clone()),
        PipelineError::Unknown { problems } => (USAGE, problems.clone()),
        PipelineError::NoRelease { .. } => (USAGE, one(message, &["`opeka releases` lists them"])),
        PipelineError::SeveralReleases { .. } => (USAGE, one(message, &["write more of its id"])),
        PipelineError::NothingReleased { .. } => {
            (REFUSED, one(message, &["`opeka run` makes the first"]))
        }
        PipelineError::NoneBefore => {
            (REFUSED, one(message, &["`opeka releases` lists those there are"]))
        }
        PipelineError::Locked { .. } => {
            (FAILED, one(message, &["wait for it to end; readers are not disturbed by it"]))
        }
        PipelineError::Io { .. } | PipelineError::Damaged { .. } => (FAILED, one(message, &[])),
    }
}

/// All problems, what stops the run last; notes to those who want to know more, or who look at one
/// recipe.
pub(crate) fn tell_problems(problems: &Problems, printer: &Printer, notes: bool) {
    for severity in [Severity::Note, Severity::Warning, Severity::Error] {
        for problem in problems.iter().filter(|problem| problem.severity == severity) {
            match severity {
                Severity::Error => printer.error(&problem.to_string()),
                Severity::Warning => printer.warn(&problem.to_string()),
                Severity::Note if notes => printer.say(&problem.to_string()),
                Severity::Note => printer.detail(&problem.to_string()),
            }
        }
    }
}

/// `2 errors, 1 warning`
fn counted(errors: usize, warnings: usize) -> String {
    let many =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match warnings {
        0 => many(errors, "error"),
        _ => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    }
}
