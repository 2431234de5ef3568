//! The program, as its users start it. It is spawned, so that this binary links no engine; it
//! lives here because cargo builds a program for the tests of its own package only.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests, though clippy looks for `#[test]`"
)]

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/cells.rs"]
mod cells;
#[path = "cli/check_kinds.rs"]
mod check_kinds;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/harmonize.rs"]
mod harmonize;
#[path = "cli/incremental.rs"]
mod incremental;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/operation.rs"]
mod operation;
#[path = "cli/programmes.rs"]
mod programmes;
#[path = "cli/project.rs"]
mod project;
#[path = "cli/query.rs"]
mod query;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/trace.rs"]
mod trace;
