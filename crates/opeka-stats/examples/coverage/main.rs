//! Writes `COVERAGE.md`: how often limits hold the truth, and how often tests see what is not there.
//!
//! ```text
//! cargo run --release -p opeka-stats --example coverage
//! ```
//!
//! Counts and shares are summed over all outcomes; series are simulated with fixed seeds. Equal
//! code writes an equal file.

mod designs;
mod draws;
mod report;
mod tables;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COVERAGE.md");
    std::fs::write(path, report::markdown(tables::INTRODUCTION, &tables::sections()))?;
    Ok(())
}
