//! How fast statistics are in SQL: `cargo bench -p opeka-tests --bench statistics`.
//!
//! A test and a slope of trend for 100,000 series of 25 points in one query, rates with limits for
//! ten million rows, joinpoint regression with its permutation tests; and, where `OPEKA_PEERS_PYTHON`
//! names a Python that has them, the same of pymannkendall, SciPy and NumPy on the same numbers,
//! whose answers are compared before times are. Nothing is asserted of times: they are no tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use opeka_measure::{Engine, EngineOptions, TableName};

const SERIES: i64 = 100_000;
const POINTS: i64 = 25;
const ROWS: i64 = 10_000_000;
/// Joinpoint regressions of one query.
const JOINED: i64 = 8;
/// Series that the peers are given: they take a millisecond each.
const PEER_SERIES: i64 = 1_000;
const BATCH: i64 = 8_192;
const TIMES: usize = 5;

const TRENDS: &str = "
    select sum(mk['statistic']), sum(ts['estimate']), sum(ts['conf_high'])
    from (select mann_kendall(value, time) as mk, theil_sen(value, time) as ts
          from panel where series < LIMIT group by series)";
const RATES: &str = "
    select sum(r['estimate']), sum(r['conf_low']), sum(r['conf_high'])
    from (select rate_ci(events, population, 10000) as r from counts)";
const JOINS: &str = "
    select sum(j['estimate']), sum(j['n_joins']), count(*)
    from (select joinpoint(value + 50, time, 3) as j
          from panel where series < LIMIT group by series)";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let engine = Engine::new(EngineOptions::default());
    add(
        &engine,
        "panel",
        SERIES * POINTS,
        |row| {
            let (series, time) = (row / POINTS, row % POINTS);
            [series as f64, time as f64, value(series, time)]
        },
        ["series", "time", "value"],
    )?;
    add(
        &engine,
        "counts",
        ROWS,
        |row| {
            let events = (row * 7_919) % 400;
            [row as f64, events as f64, (20_000 + (row * 31) % 50_000) as f64]
        },
        ["row", "events", "population"],
    )?;

    let limit = |sql: &str, series: i64| sql.replace("LIMIT", &series.to_string());
    // `-- rates` runs one of them, for a profiler.
    let only = std::env::args().skip(1).find(|argument| argument != "--bench");
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("trends") {
        let (_, took) = time(&runtime, &engine, &limit(TRENDS, SERIES))?;
        println!("{:58} {took:>8.3} s", "Mann-Kendall and Theil-Sen, 100,000 series of 25");
    }
    if wanted("rates") {
        let (_, took) = time(&runtime, &engine, RATES)?;
        println!("{:58} {took:>8.3} s", "rates with limits, 10 million rows");
    }
    if wanted("joins") {
        let (_, took) = time(&runtime, &engine, &limit(JOINS, JOINED))?;
        let each = took / JOINED as f64;
        println!("{:58} {each:>8.3} s", "joinpoint, 25 points, 3 joins, 4,499 permutations, each");
    }
    if only.is_some() {
        return Ok(());
    }

    let Some(python) = std::env::var_os("OPEKA_PEERS_PYTHON") else {
        println!(
            "set OPEKA_PEERS_PYTHON to a Python with pymannkendall, scipy and numpy for peers"
        );
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/statistics.py");
    let arguments = [PEER_SERIES, POINTS, ROWS].map(|n| n.to_string());
    let told = Command::new(python).arg(script).args(arguments).output()?;
    ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let trends = time(&runtime, &engine, &limit(TRENDS, PEER_SERIES))?.0;
    let rates = time(&runtime, &engine, RATES)?.0;
    for line in String::from_utf8(told.stdout)?.lines() {
        let [name, seconds, a, b, c] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let theirs = [a, b, c].map(|number| number.parse::<f64>());
        let ours = if name.starts_with("rates") { rates } else { trends };
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let theirs = theirs?;
            // A peer that does not give a figure says so.
            let same = theirs.is_nan() || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0);
            ensure!(same, "{name}: {theirs} where we have {ours}");
        }
        println!("{name:58} {:>8.3} s", seconds.parse::<f64>()?);
    }
    Ok(())
}

/// The same numbers as in `peers/statistics.py`.
fn value(series: i64, time: i64) -> f64 {
    let noise = (series * 7_919 + time * time * 104_729) % 1_009;
    noise as f64 / 10.0 + time as f64 * (series % 7 - 3) as f64 / 4.0
}

fn add(
    engine: &Engine,
    table: &str,
    rows: i64,
    row: impl Fn(i64) -> [f64; 3],
    names: [&str; 3],
) -> Result<()> {
    let batch = |start: i64| {
        let range = start..(start + BATCH).min(rows);
        let rows: Vec<[f64; 3]> = range.map(&row).collect();
        let key = rows.iter().map(|row| row[0] as i64).collect::<Int64Array>();
        let column = |n: usize| rows.iter().map(|row| row[n]).collect::<Float64Array>();
        let [a, b, c] = names;
        let columns: [(&str, ArrayRef); 3] =
            [(a, Arc::new(key)), (b, Arc::new(column(1))), (c, Arc::new(column(2)))];
        RecordBatch::try_from_iter(columns)
    };
    let batches: Vec<RecordBatch> =
        (0..rows).step_by(BATCH as usize).map(batch).collect::<Result<_, _>>()?;
    let schema = batches.first().context("no rows")?.schema();
    engine
        .add_batches(&TableName::bare(table), schema, batches)
        .map_err(|problem| anyhow::anyhow!("{problem}"))
}

/// The answer, three numbers, and the median time of several runs.
fn time(runtime: &tokio::runtime::Runtime, engine: &Engine, sql: &str) -> Result<([f64; 3], f64)> {
    let (mut answer, mut times) = ([0.0; 3], Vec::new());
    for _ in 0..TIMES {
        let start = Instant::now();
        let rows = runtime.block_on(engine.query(sql, "benchmark", 1));
        times.push(start.elapsed());
        let rows = rows.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let batch = rows.batches.iter().find(|batch| batch.num_rows() > 0).context("no answer")?;
        for (n, figure) in answer.iter_mut().enumerate() {
            let column =
                arrow::compute::cast(batch.column(n), &arrow::datatypes::DataType::Float64)?;
            *figure = column.as_primitive::<Float64Type>().value(0);
        }
    }
    times.sort_unstable();
    Ok((answer, times.get(TIMES / 2).map_or(0.0, Duration::as_secs_f64)))
}
