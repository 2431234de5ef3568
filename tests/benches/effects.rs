//! How fast intervention effects are in SQL: `cargo bench -p opeka-tests --bench effects`.
//!
//! The panels of the literature that the repository carries, a panel of 10,000 units in 10 periods and
//! one of a million rows; and, where `OPEKA_PEERS_PYTHON` names a Python that has them, the same of
//! diff-diff, moderndid, differences, pyfixest and pysyncon on the same numbers, whose answers are
//! compared before times are. Nothing is asserted of times: they are no tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, EngineOptions, TableName};

const BATCH: usize = 8_192;
const TIMES: usize = 7;

/// What is measured: a name, the words for it, the query (two figures of its answer, which peers must
/// share), and the relative difference that a peer may have.
const CASES: &[(&str, &str, &str, f64)] = &[
    (
        "callaway_draws",
        "Callaway-Sant'Anna, mpdta, 999 draws",
        "select a[1]['estimate'], a[1]['std_error'] * cast('nan' as double)
         from (select att_aggregate(lemp, county, year, g, errors => 'bootstrap', aggregation => 'simple') as a from mpdta)",
        1e-8,
    ),
    (
        "callaway_panel",
        "Callaway-Sant'Anna, 10,000 x 10, covariate, analytic errors",
        "select a[1]['estimate'], a[1]['std_error'] * cast('nan' as double)
         from (select att_aggregate(y, unit, time, g, covariates => x, aggregation => 'simple') as a from panel)",
        1e-6,
    ),
    (
        "twfe_panel",
        "two-way fixed effects, 10,000 x 10",
        "select a['estimate'], a['std_error'] from (select did_twfe(y, unit, time, d) as a from panel)",
        1e-6,
    ),
    (
        "twfe_big",
        "two-way fixed effects, 1,000,000 rows",
        "select a['estimate'], a['std_error'] from (select did_twfe(y, unit, time, d) as a from big)",
        1e-6,
    ),
    (
        "wild",
        "wild bootstrap, mpdta, 500 clusters, 999 draws",
        "select a['estimate'], cast('nan' as double)
         from (select wild_bootstrap(lemp, county, year, d, draws => 999) as a from mpdta)",
        1e-8,
    ),
    (
        "synthetic_control",
        "synthetic control, Proposition 99, all placebos",
        "select a['estimate'], cast('nan' as double)
         from (select synthetic_control(packs, state, year, d) as a from prop99)",
        1e-3,
    ),
    (
        "sdid_placebos",
        "synthetic DiD, Proposition 99, 200 placebos",
        "select a['estimate'], cast('nan' as double)
         from (select synthetic_did(packs, state, year, d, errors => 'placebo') as a from prop99)",
        1e-3,
    ),
    (
        "permutation",
        "randomisation test, 151 areas x 10 years, 999 permutations",
        "select a['estimate'], cast('nan' as double)
         from (select permutation_test(y, unit, time, d) as a from areas)",
        1e-8,
    ),
    (
        "honest",
        "HonestDiD, relative magnitudes, 4 values of M",
        "select a[1]['conf_low'], a[1]['conf_high']
         from (select honest_did(y, unit, time, g) as a from panel where g is null or g = 6)",
        1e-3,
    ),
];

/// Queries whose time must not grow faster than their rows.
const GROWING: &[(&str, &str)] = &[
    (
        "two-way fixed effects",
        "select did_twfe(y, unit, time, d)['estimate'] from big where number < LIMIT",
    ),
    (
        "Callaway-Sant'Anna",
        "select att_aggregate(y, unit, time, g)[1]['estimate'] from big where number < LIMIT",
    ),
    (
        "Sun-Abraham",
        "select sun_abraham(y, unit, time, g)[1]['estimate'] from big where number < LIMIT",
    ),
];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let engine = Engine::new(EngineOptions::default());
    let folder = tempfile::TempDir::new()?;
    let tables = [
        ("mpdta", mpdta()?),
        ("prop99", prop99()?),
        ("areas", made_up(151, 10)),
        ("panel", made_up(10_000, 10)),
        ("big", made_up(100_000, 10)),
    ];
    for (name, table) in &tables {
        std::fs::write(folder.path().join(format!("{name}.csv")), table.csv())?;
        table.add(&engine, name)?;
    }

    // `-- twfe_panel` runs one of them, for a profiler.
    let only = std::env::args().skip(1).find(|argument| argument != "--bench");
    let mut answers = Vec::new();
    for (case, words, sql, tolerance) in CASES {
        if only.as_deref().is_some_and(|only| only != *case) {
            continue;
        }
        let (answer, took) = time(&runtime, &engine, sql)?;
        println!("{words:62} {:>10.1} ms", took * 1e3);
        answers.push((*case, answer, *tolerance));
    }
    if only.is_some() {
        return Ok(());
    }
    for (words, sql) in GROWING {
        for units in [1_000, 10_000, 100_000] {
            let took = time(&runtime, &engine, &sql.replace("LIMIT", &units.to_string()))?.1;
            println!("{:62} {:>10.1} ms", format!("{words}, {units} units x 10"), took * 1e3);
        }
    }

    let Some(python) = std::env::var_os("OPEKA_PEERS_PYTHON") else {
        println!(
            "set OPEKA_PEERS_PYTHON to a Python with diff-diff, moderndid, differences, pyfixest, pysyncon for peers"
        );
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/effects.py");
    let told = Command::new(python).arg(script).arg(folder.path()).output()?;
    ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    for line in String::from_utf8(told.stdout)?.lines() {
        let [case, name, seconds, a, b] = line.split('\t').collect::<Vec<_>>()[..] else {
            continue;
        };
        let known = answers.iter().find(|(known, ..)| *known == case);
        let (_, ours, tolerance) = known.with_context(|| format!("no case `{case}`"))?;
        for (ours, theirs) in ours.iter().zip([a, b]) {
            let theirs: f64 = theirs.parse()?;
            // A peer that does not give a figure says so.
            let same = theirs.is_nan()
                || ours.is_nan()
                || (ours - theirs).abs() <= tolerance * theirs.abs();
            ensure!(same, "{case}, {name}: {theirs} where we have {ours}");
        }
        println!("{:62} {:>10.1} ms", format!("{name}: {case}"), seconds.parse::<f64>()? * 1e3);
    }
    Ok(())
}

/// Columns of one length: a text or numbers, of which `NaN` is `NULL`.
struct Table {
    names: Vec<&'static str>,
    text: Vec<String>,
    numbers: Vec<Vec<f64>>,
}

impl Table {
    fn csv(&self) -> String {
        let mut csv = self.names.join(",");
        csv.push('\n');
        for (row, text) in self.text.iter().enumerate() {
            csv.push_str(text);
            for column in &self.numbers {
                match column[row].is_nan() {
                    true => csv.push(','),
                    false => drop(write!(csv, ",{}", column[row])),
                }
            }
            csv.push('\n');
        }
        csv
    }

    fn add(&self, engine: &Engine, name: &str) -> Result<()> {
        let batch = |start: usize| -> Result<RecordBatch> {
            let end = (start + BATCH).min(self.text.len());
            let text: ArrayRef = Arc::new(StringArray::from_iter_values(&self.text[start..end]));
            let number = |column: &Vec<f64>| -> ArrayRef {
                let numbers = column[start..end].iter().map(|n| (!n.is_nan()).then_some(*n));
                Arc::new(numbers.collect::<Float64Array>())
            };
            let arrays = std::iter::once(text).chain(self.numbers.iter().map(number));
            let nullable = self.names.iter().zip(arrays).map(|(name, array)| (*name, array, true));
            Ok(RecordBatch::try_from_iter_with_nullable(nullable)?)
        };
        let batches: Vec<RecordBatch> =
            (0..self.text.len()).step_by(BATCH).map(batch).collect::<Result<_>>()?;
        let schema = batches.first().context("no rows")?.schema();
        engine
            .add_batches(&TableName::bare(name), schema, batches)
            .map_err(|problem| anyhow::anyhow!("{problem}"))
    }
}

/// A panel without chance: units that adopt at six times or never, with an effect of 0.3.
fn made_up(units: usize, times: usize) -> Table {
    let (mut text, mut numbers) = (Vec::new(), vec![Vec::new(); 6]);
    for unit in 0..units {
        let g = if unit % 7 == 0 { f64::NAN } else { (unit % 7 + 2) as f64 };
        let x = ((unit * 53) % 97) as f64 / 97.0;
        for t in 1..=times {
            let noise = ((unit * 7_919 + t * t * 104_729 + unit * t * 31) % 1_009) as f64 / 500.0;
            let treated = t as f64 >= g;
            let effect = if treated { 0.3 } else { 0.0 };
            let y = (unit * 37 % 101) as f64 / 10.0 + 0.1 * t as f64 * (1.0 + x) + effect + noise;
            text.push(format!("unit {unit:06}"));
            for (column, value) in numbers.iter_mut().zip([
                unit as f64,
                t as f64,
                y,
                g,
                f64::from(u8::from(treated)),
                x,
            ]) {
                column.push(value);
            }
        }
    }
    Table { names: vec!["unit", "number", "time", "y", "g", "d", "x"], text, numbers }
}

/// County teen employment (Callaway and Sant'Anna 2021), as carried in `tests/reference`.
fn mpdta() -> Result<Table> {
    let mut table = read("mpdta.csv", "countyreal", &["year", "lemp", "lpop", "first.treat"])?;
    let first = &mut table.numbers[3];
    first.iter_mut().filter(|time| **time == 0.0).for_each(|time| *time = f64::NAN);
    let treated = table.numbers[0].iter().zip(&table.numbers[3]);
    let treated = treated.map(|(year, first)| f64::from(u8::from(year >= first))).collect();
    table.numbers.push(treated);
    table.names = vec!["county", "year", "lemp", "lpop", "g", "d"];
    Ok(table)
}

/// Cigarette sales (Abadie, Diamond and Hainmueller 2010), as carried in `tests/reference`.
fn prop99() -> Result<Table> {
    let mut table = read("prop99.csv", "state", &["year", "packs"])?;
    let treated = table.text.iter().zip(&table.numbers[0]);
    let treated =
        treated.map(|(state, year)| f64::from(u8::from(state == "California" && *year >= 1989.0)));
    let treated = treated.collect();
    table.numbers.push(treated);
    table.names = vec!["state", "year", "packs", "d"];
    Ok(table)
}

fn read(file: &str, text: &str, numbers: &[&'static str]) -> Result<Table> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(file);
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    let header = reader.headers()?.clone();
    let place = |name: &str| {
        header.iter().position(|known| known == name).with_context(|| format!("{file}: no {name}"))
    };
    let mut table =
        Table { names: Vec::new(), text: Vec::new(), numbers: vec![Vec::new(); numbers.len()] };
    for row in reader.records() {
        let row = row?;
        table.text.push(row[place(text)?].to_owned());
        for (column, name) in table.numbers.iter_mut().zip(numbers) {
            column.push(row[place(name)?].parse()?);
        }
    }
    Ok(table)
}

/// The answer, two numbers of which one may be missing, and the median time of several runs.
fn time(runtime: &tokio::runtime::Runtime, engine: &Engine, sql: &str) -> Result<([f64; 2], f64)> {
    let (mut answer, mut times) = ([f64::NAN; 2], Vec::new());
    for _ in 0..TIMES {
        let start = Instant::now();
        let rows = runtime.block_on(engine.query(sql, "benchmark", 1));
        times.push(start.elapsed().as_secs_f64());
        let rows = rows.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let batch = rows.batches.iter().find(|batch| batch.num_rows() > 0).context("no answer")?;
        for (answer, column) in answer.iter_mut().zip(batch.columns()) {
            let numbers = column.as_primitive::<Float64Type>();
            *answer = if numbers.is_valid(0) { numbers.value(0) } else { f64::NAN };
        }
        ensure!(!answer[0].is_nan(), "no estimate: {sql}");
    }
    times.sort_by(f64::total_cmp);
    Ok((answer, times[TIMES / 2]))
}
