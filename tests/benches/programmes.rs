//! How long programmes take to be held to their claims: `cargo build --release`, then
//! `cargo bench -p opeka-tests --bench programmes [-- PROGRAMMES]`.
//!
//! The shipped registry, in all and one programme of it, and a made-up registry over a panel of 2,500
//! areas, 30 years and 5 outcomes, of as many programmes as are asked for (20). Runs the program itself and
//! prints seconds and the most memory held. Nothing is asserted: timings are no tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const AREAS: usize = 2_500;
const YEARS: std::ops::Range<usize> = 1995..2025;
const OUTCOMES: [&str; 5] =
    ["cla_starting_rate", "cla_31_march_rate", "cla_ceasing_rate", "cpp_31_march_rate", "cin_rate"];
/// Areas that a programme works in.
const SITES: usize = 2;

fn main() -> Result<()> {
    let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let program = target.join("release").join("opeka");
    if !program.is_file() {
        bail!("there is no {}: run `cargo build --release` first", program.display());
    }
    let programmes: usize =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let folder = TempDir::new()?;
    let none = folder.path().join("none");
    let warehouse = folder.path().join("warehouse");
    let opeka = |arguments: &[&str], project: &Path, warehouse: &Path| {
        let mut command = Command::new(&program);
        command.args(arguments).arg("--project").arg(project).arg("--warehouse").arg(warehouse);
        command
    };
    println!("{:60} {:>9} {:>9}", "", "seconds", "memory");
    report("shipped: every claim, with figures read anew", || {
        opeka(&["evaluate", "-q"], &root, &none)
    })?;
    report("shipped: one programme, with figures read anew", || {
        opeka(&["evaluate", "-q", "family_safeguarding"], &root, &none)
    })?;
    report("shipped: run, everything anew", || opeka(&["run", "-q"], &root, &warehouse))?;
    report("shipped: every claim, nothing changed", || {
        opeka(&["evaluate", "-q"], &root, &warehouse)
    })?;
    let made = made_up(&root, folder.path(), programmes)?;
    let words =
        format!("{programmes} programmes, {AREAS} areas x {} years x 5 outcomes", YEARS.len());
    report(&words, || opeka(&["evaluate", "-q"], &made, &none))
}

fn report(what: &str, command: impl Fn() -> Command) -> Result<()> {
    let mut memory = 0;
    let start = Instant::now();
    let mut child = command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let exit = loop {
        memory = memory.max(high_water(&status).unwrap_or(0));
        if let Some(exit) = child.try_wait()? {
            break exit;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = start.elapsed().as_secs_f64();
    if !exit.success() {
        let said = child.wait_with_output()?.stderr;
        bail!("{what}: {exit}: {}", String::from_utf8_lossy(&said));
    }
    println!("{what:60} {took:>8.1}s {:>6} MB", memory / 1024);
    Ok(())
}

/// The most memory that a process held so far, in KiB, where the system says it.
fn high_water(status: &Path) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A number from -1 to 1 that looks like chance and never changes.
fn noise(at: u64) -> f64 {
    let mut state = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state ^= state >> 32;
    (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A project of made-up figures, with the shipped evaluation.
fn made_up(root: &Path, folder: &Path, programmes: usize) -> Result<PathBuf> {
    let project = folder.join("project");
    let write = |path: &str, text: &str| -> Result<()> {
        let path = project.join(path);
        fs::create_dir_all(path.parent().context("it lies in the project")?)?;
        Ok(fs::write(path, text)?)
    };
    for folder in ["datasets/codelists", "pipelines/programmes/measure"] {
        for entry in fs::read_dir(root.join(folder))?.flatten() {
            if entry.path().is_file() {
                write(
                    &format!("{folder}/{}", entry.file_name().to_string_lossy()),
                    &fs::read_to_string(entry.path())?,
                )?;
            }
        }
    }
    write(
        "pipelines/programmes/pipeline.toml",
        &fs::read_to_string(root.join("pipelines/programmes/pipeline.toml"))?,
    )?;
    let header = fs::read_to_string(root.join("datasets/codelists/regions/england.csv"))?;
    let mut regions = format!("{}\n", header.lines().next().context("a header")?);
    writeln!(regions, "E92000001,England,,country{}", ",".repeat(12))?;
    for area in 0..AREAS {
        writeln!(regions, "X{area:04},Area {area},,local_authority,E92000001{}", ",".repeat(11))?;
    }
    write("datasets/codelists/regions/made_up.csv", &regions)?;
    write(
        "datasets/codelists/statistical_neighbours.csv",
        "code,ref_area,position,neighbour,closeness,valid_from,valid_to,source_cell\nnone,X0000,1,X0001,,,,\n",
    )?;
    let mut figures = String::from("indicator,area,year,value\n");
    for (outcome, indicator) in OUTCOMES.iter().enumerate() {
        for area in 0..AREAS {
            for year in YEARS {
                let at = ((outcome * AREAS + area) * 10_000 + year) as u64;
                let level = 40.0 + 10.0 * noise((outcome * AREAS + area) as u64);
                writeln!(figures, "{indicator},X{area:04},{year},{:.2}", level + 4.0 * noise(at))?;
            }
        }
    }
    write("datasets/sources/office/2026-01-01/figures.csv", &figures)?;
    let hash: String =
        Sha256::digest(figures.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    write(
        "datasets/sources/office/2026-01-01/figures.source.toml",
        &format!(
            "title = \"Figures\"\npublisher = \"Nobody\"\nproducer = \"Nobody\"\ncitation = \"Made up.\"\nurl = \"\"\n\
             licence = \"CC0\"\naccessed = \"2026-01-01\"\nfile = \"figures.csv\"\nsha256 = \"{hash}\"\nsize = {}\n",
            figures.len()
        ),
    )?;
    write(
        "pipelines/office/pipeline.toml",
        "title = \"Figures\"\nquestion = \"How many?\"\nowner = \"nobody\"\n",
    )?;
    write(
        "pipelines/office/ingest/figures.recipe.toml",
        "title = \"Figures\"\ndataset = \"office\"\nsource = \"office/2026-01-01/figures.csv\"\n\n[[table]]\n\
         [table.observations]\nbelow = \"value\"\n[table.dimensions.indicator]\nbelow = \"indicator\"\ndirection = \"left\"\n\
         [table.dimensions.ref_area]\nbelow = \"area\"\ndirection = \"left\"\n\
         [table.dimensions.time_period]\nbelow = \"year\"\ndirection = \"left\"\n",
    )?;
    for programme in 0..programmes {
        let mut text = String::from(
            "title.en = \"A programme\"\nsummary.en = \"It does something.\"\ncountry = \"E92000001\"\n\n[[documents]]\n\
             id = \"page\"\ntitle = \"A page\"\npublisher = \"Somebody\"\ntext = \"page.txt\"\naccessed = \"2026-01-01\"\n",
        );
        for site in 0..SITES {
            let area = (programme * SITES + site) % AREAS;
            let from = 2005 + programme % 15;
            write!(
                text,
                "\n[[sites]]\nref_area = \"X{area:04}\"\nname = \"Area {area}\"\nfrom = \"{from}\"\nline = 1\n"
            )?;
        }
        for indicator in OUTCOMES {
            write!(
                text,
                "\n[[claims]]\nid = \"{indicator}\"\nwording.en = \"It fell.\"\nkind = \"percent_change\"\nsize = -20\n\
                 outcome.en = \"Children\"\nbetter = \"fewer\"\nindicator = \"{indicator}\"\ndesign = \"before_after\"\n\
                 needed.en = \"More.\"\nline = 2\n"
            )?;
        }
        write(&format!("datasets/programmes/programme_{programme:04}.toml"), &text)?;
    }
    Ok(project)
}
