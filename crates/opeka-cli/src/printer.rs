//! The only voice of the program: data on stdout, talk on stderr.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that prints")]

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use opeka_model::{Place, Problem, Severity};
use serde_json::{Value, json};

use crate::args::Global;

/// Says what the user asked to hear. Colour follows the terminal and `NO_COLOR`.
pub(crate) struct Printer {
    quiet: bool,
    verbose: bool,
    json: bool,
}

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        Self { quiet: global.quiet, verbose: global.verbose > 0, json: global.json }
    }

    /// Whether reports are JSON on stdout.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// stdout, for data.
    pub(crate) fn out(&self) -> impl Write + use<> {
        anstream::stdout().lock()
    }

    /// Whether data on stdout may be coloured.
    pub(crate) fn colour(&self) -> bool {
        anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
            && std::io::stdout().is_terminal()
    }

    /// A line of data.
    pub(crate) fn line(&self, text: &str) -> std::io::Result<()> {
        writeln!(self.out(), "{text}")
    }

    /// A report on stdout, as JSON.
    pub(crate) fn report(&self, report: &Value) {
        // A reader that went away does not want the rest.
        let _ = writeln!(self.out(), "{report:#}");
    }

    /// Talk.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            anstream::eprintln!("{text}");
        }
    }

    /// Talk for those who asked for more.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            anstream::eprintln!("{text}");
        }
    }

    /// A warning; only its first word is coloured.
    pub(crate) fn warn(&self, text: &str) {
        if !self.quiet {
            paint(text, AnsiColor::Yellow);
        }
    }

    /// An error; never quiet.
    pub(crate) fn error(&self, text: &str) {
        paint(text, AnsiColor::Red);
    }

    /// A progress bar, where somebody watches.
    pub(crate) fn progress(&self, length: usize) -> ProgressBar {
        let target = match self.quiet || self.json || !std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(length as u64), target);
        match ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

fn paint(text: &str, colour: AnsiColor) {
    let style = Style::new().fg_color(Some(colour.into())).bold();
    match text.split_once(':') {
        Some((word, rest)) if matches!(word, "error" | "warning") => {
            anstream::eprintln!("{style}{word}{style:#}:{rest}");
        }
        _ => anstream::eprintln!("{text}"),
    }
}

/// A problem as its own JSON shape.
pub(crate) fn problem_json(problem: &Problem) -> Value {
    let place = match &problem.place {
        Place::Nowhere => json!({}),
        Place::File { file } => json!({ "file": file }),
        Place::Sheet { file, sheet } => json!({ "file": file, "sheet": sheet }),
        Place::Cell { file, sheet, cell } => json!({ "file": file, "sheet": sheet, "cell": cell }),
        Place::Text { file, line, column } => {
            json!({ "file": file, "line": line, "column": column })
        }
    };
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    json!({ "severity": severity, "place": place, "message": problem.message, "hints": problem.hints })
}
