//! How fast files are read: `cargo bench --profile dist -p opeka-ingest --bench read`, which is how shipped
//! binaries are built, and the peers are.
//!
//! Makes a workbook of two million cells, a folder of two hundred workbooks, a large CSV and an
//! SDMX-ML message (once, in a folder for the next time), and times how long they take here, in bare
//! calamine and, where `OPEKA_PEERS_PYTHON` names a Python that has them, in other people's readers.
//! Answers are compared before times are. Each reading is a process of its own, for its memory.
//! Nothing is asserted: timings are no tests.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use opeka_ingest::{Value, cells_parquet, open};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Two million cells on four sheets.
const SHEETS: u32 = 4;
const ROWS: u32 = 25_000;
const COLUMNS: u16 = 20;
const BOOKS: u32 = 200;
const TIMES: usize = 5;

/// Number of cells, and sum of the numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Answer {
    cells: usize,
    sum: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.as_slice() {
        [what, path] => child(what, Path::new(path)),
        _ => compare(),
    }
}

/// One reading, told as `cells sum`.
fn child(what: &str, path: &Path) -> Result<()> {
    let answer = match what {
        "calamine" => bare(path)?,
        "open" => opened(path)?,
        "parquet" => {
            let out = BufWriter::new(File::create(path.with_extension("cells.parquet"))?);
            let bytes = fs::read(path)?;
            let written = cells_parquet("bench", &bytes, None, out)?;
            Answer { cells: written.cells, sum: f64::NAN }
        }
        "folder" => folder(path)?,
        other => return Err(format!("`{other}` is no reading").into()),
    };
    println!("{} {:.3}", answer.cells, answer.sum);
    println!("{}", memory().unwrap_or(0));
    Ok(())
}

/// The most memory that this process has held, in KiB, where the system tells.
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn bare(path: &Path) -> Result<Answer> {
    let bytes = fs::read(path)?;
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes.as_slice()))?;
    let mut answer = Answer { cells: 0, sum: 0.0 };
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name)?;
        for (_, _, value) in range.used_cells() {
            answer.cells += 1;
            if let Data::Float(number) = value {
                answer.sum += number;
            }
        }
    }
    Ok(answer)
}

fn opened(path: &Path) -> Result<Answer> {
    let book = open("bench", &fs::read(path)?).map_err(|problem| problem.to_string())?;
    let mut answer = Answer { cells: 0, sum: 0.0 };
    for cell in book.sheets.iter().flat_map(|sheet| sheet.cells()) {
        answer.cells += 1;
        if let Value::Number(number) = cell.value {
            answer.sum += number;
        }
    }
    Ok(answer)
}

/// Every workbook of a folder, on all cores.
fn folder(path: &Path) -> Result<Answer> {
    let files: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let (next, cells) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| -> Result<()> {
        let work = || -> std::result::Result<(), String> {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let bytes = fs::read(file).map_err(|error| error.to_string())?;
                let written = cells_parquet("bench", &bytes, None, std::io::sink())
                    .map_err(|error| error.to_string())?;
                cells.fetch_add(written.cells, Ordering::Relaxed);
            }
            Ok(())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in running {
            thread.join().map_err(|_| "a reader gave up")??;
        }
        Ok(())
    })?;
    Ok(Answer { cells: cells.into_inner(), sum: f64::NAN })
}

/// The median time of a reading, its answer, and its memory in MiB.
struct Timed {
    answer: Answer,
    took: Duration,
    memory: u64,
}

fn timed(times: usize, mut command: impl FnMut() -> Command) -> Result<Timed> {
    let (mut took, mut memory, mut answer) = (Vec::new(), 0, None);
    for _ in 0..times {
        let start = Instant::now();
        let output = command().output()?;
        took.push(start.elapsed());
        let said = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let words: Vec<&str> = said.split_whitespace().collect();
        let [cells, sum, kib] = words.as_slice() else {
            return Err(format!("an answer of three words, not `{said}`").into());
        };
        memory = memory.max(kib.parse::<u64>()? / 1024);
        answer = Some(Answer { cells: cells.parse()?, sum: sum.parse()? });
    }
    took.sort_unstable();
    let median = *took.get(took.len() / 2).ok_or("no runs")?;
    Ok(Timed { answer: answer.ok_or("no runs")?, took: median, memory })
}

fn compare() -> Result<()> {
    let cache = std::env::temp_dir().join("opeka-bench-read");
    fs::create_dir_all(&cache)?;
    let book = cache.join("two_million_cells.xlsx");
    made(&book, workbook)?;
    let many = cache.join("books");
    made(&many, books)?;
    let csv = cache.join("large.csv");
    made(&csv, large_csv)?;
    let message = cache.join("large.sdmx.xml");
    made(&message, sdmx)?;
    let own = std::env::current_exe()?;
    let ours = |what: &str, path: &Path| {
        let mut command = Command::new(&own);
        command.arg(what).arg(path);
        command
    };
    println!("{:44} {:>9} {:>8} {:>9}  cells", "", "median", "", "memory");
    let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
    let row = |what: &str, timed: &Timed, bytes: u64| {
        let seconds = timed.took.as_secs_f64();
        let rate = match bytes {
            0 => String::new(),
            _ => format!("{:.0} MB/s", bytes as f64 / 1e6 / seconds),
        };
        println!(
            "{what:44} {seconds:>7.3} s {rate:>8} {:>5} MiB  {}",
            timed.memory, timed.answer.cells
        );
    };
    let raw = timed(TIMES, || ours("calamine", &book))?;
    row("workbook, bare calamine (all ranges)", &raw, 0);
    let grid = timed(TIMES, || ours("open", &book))?;
    row("workbook, opened here", &grid, 0);
    let parquet = timed(TIMES, || ours("parquet", &book))?;
    row("workbook, into Parquet with provenance", &parquet, 0);
    println!(
        "{:44} {:>7.2}",
        "  Parquet as a multiple of bare calamine",
        parquet.took.as_secs_f64() / raw.took.as_secs_f64()
    );
    agree("opened here", raw.answer, grid.answer)?;
    agree("Parquet", raw.answer, parquet.answer)?;
    if let Some(python) = std::env::var_os("OPEKA_PEERS_PYTHON") {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/read_workbook.py");
        for peer in ["python-calamine", "polars", "pandas"] {
            let times = if peer == "pandas" { 1 } else { TIMES };
            let timed = timed(times, || {
                let mut command = Command::new(&python);
                command.arg(&script).arg(peer).arg(&book);
                command
            })?;
            agree(peer, raw.answer, timed.answer)?;
            row(&format!("workbook, {peer}"), &timed, 0);
        }
    }
    row("200 workbooks into Parquet, all cores", &timed(3, || ours("folder", &many))?, 0);
    row("CSV, opened here", &timed(3, || ours("open", &csv))?, size(&csv));
    row("SDMX-ML, opened here", &timed(3, || ours("open", &message))?, size(&message));
    Ok(())
}

fn agree(who: &str, ours: Answer, theirs: Answer) -> Result<()> {
    let near = (ours.sum - theirs.sum).abs() <= 1e-9 * ours.sum.abs();
    match ours.cells == theirs.cells && (near || theirs.sum.is_nan()) {
        true => Ok(()),
        false => Err(format!("{who} reads {theirs:?}, where there are {ours:?}").into()),
    }
}

/// Makes a file, or a folder, unless it is there.
fn made(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let unfinished = path.with_extension("unfinished");
    make(&unfinished)?;
    Ok(fs::rename(unfinished, path)?)
}

/// Mixed as tables of offices are: names and labels that repeat, whole and broken numbers, dates.
fn workbook(path: &Path) -> Result<()> {
    let mut book = Workbook::new();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    for index in 0..SHEETS {
        let sheet = book.add_worksheet_with_low_memory()?;
        sheet.set_name(format!("Table {}", index + 1))?;
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                match column {
                    0 => sheet.write_string(row, column, format!("Region {}", row % 83))?,
                    1..=5 => {
                        sheet.write_string(row, column, format!("Label {column}.{}", row % 997))?
                    }
                    6 => {
                        let day = ExcelDateTime::from_ymd(2024, 1 + (row % 12) as u8, 1)?;
                        sheet.write_datetime_with_format(row, column, day, &date)?
                    }
                    7..=12 => sheet.write_number(row, column, f64::from(row) * 3.0)?,
                    _ => {
                        sheet.write_number(row, column, f64::from(row) / 7.0 + f64::from(column))?
                    }
                };
            }
        }
    }
    Ok(book.save(path)?)
}

fn books(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for number in 0..BOOKS {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..500 {
            sheet.write_string(row, 0, format!("Region {row}"))?;
            for column in 1..11 {
                sheet.write_number(row, column, f64::from(row * u32::from(column) + number))?;
            }
        }
        book.save(folder.join(format!("book_{number:03}.xlsx")))?;
    }
    Ok(())
}

fn large_csv(path: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "region,name,year,indicator,value,note")?;
    let mut size = 0;
    for row in 0u64.. {
        let (region, year) = (row % 83, 1990 + row % 35);
        let line = format!(
            "RU-{region:03},\"Region, number {region}\",{year},children_{},{}.{},\n",
            row % 17,
            row % 99_991,
            row % 10
        );
        out.write_all(line.as_bytes())?;
        size += line.len();
        if size > 150 << 20 {
            break;
        }
    }
    Ok(out.flush()?)
}

fn sdmx(path: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(
        br#"<?xml version="1.0" encoding="UTF-8"?>
<message:GenericData xmlns:message="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message" xmlns:generic="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/data/generic" xmlns:common="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common">
<message:Header><message:ID>B</message:ID><message:Test>false</message:Test><message:Prepared>2024-01-01T00:00:00</message:Prepared><message:Sender id="A"/><message:Structure structureID="S" dimensionAtObservation="TIME_PERIOD"><common:Structure><Ref agencyID="A" id="S" version="1.0"/></common:Structure></message:Structure></message:Header>
<message:DataSet structureRef="S">
"#,
    )?;
    for series in 0..12_000 {
        let mut text = format!(
            "<generic:Series><generic:SeriesKey><generic:Value id=\"FREQ\" value=\"A\"/>\
             <generic:Value id=\"REF_AREA\" value=\"RU-{series:05}\"/></generic:SeriesKey>\n"
        );
        for year in 1990..2024 {
            writeln!(
                text,
                "<generic:Obs><generic:ObsDimension value=\"{year}\"/>\
                 <generic:ObsValue value=\"{}\"/></generic:Obs>",
                series * 7 + year
            )?;
        }
        text.push_str("</generic:Series>\n");
        out.write_all(text.as_bytes())?;
    }
    out.write_all(b"</message:DataSet></message:GenericData>\n")?;
    Ok(out.flush()?)
}
