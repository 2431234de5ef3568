//! Integration tests that are code: the architecture, the walk of one figure, what is generated.
//! Cases that are data are in `suite.rs`; tests of the program itself live beside it, because cargo
//! builds a program for tests only of its own package.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod architecture;
mod exports;
mod memory;
mod programmes;
mod shipped;
mod walk;
