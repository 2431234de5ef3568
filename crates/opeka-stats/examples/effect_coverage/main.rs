//! Writes `COVERAGE_EFFECTS.md`: how often tests of a treatment find an effect that is not there, and
//! how often limits hold it, by the number of areas and of treated ones.
//!
//! ```text
//! cargo run --release -p opeka-stats --example effect_coverage [share of the tries]
//! ```
//!
//! Panels are simulated with fixed seeds. Equal code writes an equal file.

mod designs;
#[path = "../coverage/draws.rs"]
mod draws;
mod methods;
mod report;

use std::path::Path;

/// Fewer tries where there are more areas: about a quarter of an hour on two cores in all. Errors of a
/// share of 95 % are 0.7 % to 1.8 %.
fn tries(areas: usize) -> usize {
    match areas {
        0..=20 => 1_000,
        21..=50 => 600,
        51..=150 => 300,
        _ => 150,
    }
}

fn main() -> anyhow::Result<()> {
    let share: f64 = std::env::args().nth(1).map_or(Ok(1.0), |text| text.parse())?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COVERAGE_EFFECTS.md");
    let cell = |design: designs::Design| {
        let tries = (share * tries(design.areas) as f64).ceil() as usize;
        report::Cell::of(design, tries)
    };
    let cells: Vec<report::Cell> = designs::grid().into_iter().map(cell).collect();
    let series = report::SeriesCell::all((share * 2_000.0).ceil() as usize);
    std::fs::write(path, report::markdown(&cells, &series))?;
    Ok(())
}
