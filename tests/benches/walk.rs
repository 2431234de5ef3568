//! How long the shipped data take: `cargo build --release`, then `cargo bench -p opeka-tests`.
//!
//! Runs the program itself, process start included, and prints the median of several runs, with the
//! most memory that any of them held. Nothing is asserted: timings are no tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let program = target.join("release").join("opeka");
    if !program.is_file() {
        bail!("there is no {}: run `cargo build --release` first", program.display());
    }
    let folder = tempfile::TempDir::new()?;
    let warehouse = folder.path().join("warehouse");
    let opeka = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).arg("--project").arg(&root).arg("--warehouse").arg(&warehouse);
        command
    };
    println!("{:52} {:>9} {:>9}", "", "median", "memory");
    report("run, everything anew", 5, || {
        let _ = std::fs::remove_dir_all(&warehouse);
        opeka(&["run", "--quiet"])
    })?;
    report("run, nothing changed", 21, || opeka(&["run", "--quiet"]))?;
    let series = "select time_period, rate from england_care.looked_after \
                  where ref_area = 'E08000035' order by time_period";
    report("query, one area's series", 21, || opeka(&["query", "--format", "csv", "-c", series]))?;
    let count = "select count(*) from observations";
    report("query, count of all observations", 21, || opeka(&["query", "-c", count]))?;
    let trace = ["trace", "england_care.looked_after", "--where", "ref_area=E08000035"];
    report("trace, one area's rows", 11, || opeka(&trace))
}

fn report(what: &str, times: usize, command: impl Fn() -> Command) -> Result<()> {
    let (mut took, mut memory) = (Vec::new(), 0);
    for _ in 0..times {
        let mut command = command();
        let start = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let exit = loop {
            memory = memory.max(high_water(&status).unwrap_or(0));
            if let Some(exit) = child.try_wait()? {
                break exit;
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        took.push(start.elapsed());
        if !exit.success() {
            bail!("{what}: {exit}");
        }
    }
    took.sort_unstable();
    let median = took.get(took.len() / 2).context("no runs")?;
    println!("{what:52} {:>7.3} s {:>5} MiB", median.as_secs_f64(), memory / 1024);
    Ok(())
}

/// The most memory that the process has held so far, in KiB, where the system tells.
fn high_water(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
