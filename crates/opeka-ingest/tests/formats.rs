//! Real files of statistical offices in structured formats: what is opened is held to what other
//! programs counted.
//!
//! Elements, attributes and sums of SDMX-ML were counted by Python's `xml.etree`, of JSON by its
//! `json`, figures of PX by a regular expression over the text after `DATA=`, of TSV by splitting
//! lines.
//!
//! The files lie below the folder that `OPEKA_CORPUS` names; without it each trial is reported as
//! ignored.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test without the usual harness")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use opeka_ingest::{Grid, Value, Workbook, open};

/// What looks at files below the folder of the corpus.
type Look = fn(&Path);

const LOOKS: &[(&str, Look)] = &[
    ("emiss_has_a_series_for_each_observation", emiss_has_a_series_for_each_observation),
    ("sdmx_ml_data_messages_keep_every_observation", sdmx_ml_data_messages_keep_every_observation),
    ("sdmx_ml_structures_keep_every_code", sdmx_ml_structures_keep_every_code),
    ("a_footer_is_a_sheet", a_footer_is_a_sheet),
    ("json_keeps_every_value_and_status", json_keeps_every_value_and_status),
    ("px_keeps_every_figure_and_every_dot", px_keeps_every_figure_and_every_dot),
    ("tables_of_text_are_read", tables_of_text_are_read),
];

fn main() {
    let corpus = std::env::var_os("OPEKA_CORPUS").map(PathBuf::from);
    if let Some(folder) = corpus.as_ref().filter(|folder| !folder.is_dir()) {
        panic!("OPEKA_CORPUS names no folder: {}", folder.display());
    }
    let trials = LOOKS.iter().map(|(name, look)| {
        let (ignored, corpus) = (corpus.is_none(), corpus.clone());
        let run = move || {
            look(&corpus.ok_or("needs OPEKA_CORPUS")?);
            Ok::<(), Failed>(())
        };
        Trial::test(format!("formats::{name}"), run).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// Opens a file of the corpus and looks at each of its addresses.
fn opened(corpus: &Path, file: &str) -> Workbook {
    let bytes = std::fs::read(corpus.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let workbook = open(file, &bytes).unwrap();
    let mut names = HashSet::new();
    for grid in &workbook.sheets {
        assert!(names.insert(grid.name.clone()), "{file}: {:?} twice", grid.name);
        let mut seen = HashSet::new();
        // Of a large table, one cell in thirteen: no number of columns here goes with it.
        let step = if grid.cells().len() > 100_000 { 13 } else { 1 };
        for cell in grid.cells().iter().step_by(step) {
            let address = grid.address(cell.row, cell.column);
            assert_eq!(grid.at(&address), Some(cell), "{file} {:?} {address}", grid.name);
            assert!(seen.insert(address), "{file} {:?}: an address twice", grid.name);
        }
    }
    workbook
}

/// Rows below the header, numbers in a column, and their sum.
fn column(grid: &Grid, header: &str) -> (u32, usize, f64) {
    let rows = grid.cells().last().map_or(0, |cell| cell.row);
    let found = grid.row(0).iter().find(|cell| cell.text() == header);
    let column = found.unwrap_or_else(|| panic!("no column {header}")).column;
    let numbers: Vec<f64> = (1..=rows)
        .filter_map(|row| match &grid.get(row, column)?.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.replace(',', ".").parse().ok(),
            _ => None,
        })
        .collect();
    (rows, numbers.len(), numbers.iter().sum())
}

fn check(
    corpus: &Path,
    file: &str,
    sheet: Option<&str>,
    header: &str,
    expected: (u32, usize, f64),
) {
    let workbook = opened(corpus, file);
    let (rows, numbers, sum) = column(workbook.sheet(sheet).unwrap(), header);
    assert_eq!((rows, numbers), (expected.0, expected.1), "{file}");
    assert!((sum - expected.2).abs() <= expected.2.abs() * 1e-9, "{file}: {sum}");
}

/// How many series the rows of a data set are in.
fn series(grid: &Grid) -> usize {
    let address = |cell: &opeka_ingest::Cell| {
        let address = grid.address(cell.row, cell.column);
        let (_, after) = address.split_once("/DataSet/Series[")?;
        Some(after.split_once(']')?.0.to_owned())
    };
    grid.cells().iter().filter_map(address).collect::<HashSet<_>>().len()
}

fn emiss_has_a_series_for_each_observation(corpus: &Path) {
    let file = "russia/emiss_33459_women_by_age.sdmx.xml";
    check(corpus, file, None, "OBS_VALUE", (3507, 3507, 9_013_116_769.0));
    let workbook = opened(corpus, file);
    let grid = workbook.sheet(None).unwrap();
    assert_eq!(series(grid), 3507);
    let headers: Vec<String> = grid.row(0).iter().map(|cell| cell.text()).collect();
    assert_eq!(
        headers,
        [
            "s_vozr",
            "s_vozr label",
            "s_OKATO",
            "s_OKATO label",
            "s_mest",
            "s_mest label",
            "EI",
            "PERIOD",
            "TIME_PERIOD",
            "OBS_VALUE"
        ]
    );
    // Each observation has its code and its label in each of the columns: 3,507 × 10 and the header.
    assert_eq!(grid.cells().len(), 35_080);
    let codes = ["s_vozr", "s_OKATO", "s_mest"]
        .map(|list| column(workbook.sheet(Some(list)).unwrap(), "value").0);
    assert_eq!(codes, [130, 117, 3]);
    let description = workbook.sheet(Some("description")).unwrap();
    assert!(
        description.cells().iter().any(|cell| cell.text().contains("&nbsp;")),
        "as it is written"
    );
}

fn sdmx_ml_data_messages_keep_every_observation(corpus: &Path) {
    check(corpus, "formats/ESTAT_demography-xs.xml", None, "OBS_VALUE", (60, 55, 2_482_761.32));
    check(corpus, "formats/INSEE_CNA-2010-CONSO-SI-A17.xml", None, "OBS_VALUE", (2, 2, 182.6));
    check(corpus, "formats/ISTAT_22_289.xml", None, "OBS_VALUE", (8, 8, 237_677_496.0));
    check(corpus, "formats/WB_gh-78.xml", None, "OBS_VALUE", (1, 1, 0.0));
    check(corpus, "formats/fedstat_31452_tail_quirks.xml", None, "OBS_VALUE", (1, 1, 104_328.14));
    for (file, expected) in
        [("formats/ESTAT_demography-xs.xml", 18), ("formats/ISTAT_22_289.xml", 2)]
    {
        let workbook = opened(corpus, file);
        assert_eq!(series(workbook.sheet(None).unwrap()), expected, "{file}");
    }
}

fn sdmx_ml_structures_keep_every_code(corpus: &Path) {
    // Code lists without codes are rows of `structure` only.
    for (file, codes) in [
        ("formats/ESTAT_GOV_10Q_GGNFA.xml", 76),
        ("formats/ESTAT_demography-structure.xml", 10),
        ("formats/IMF_STA_DSD_GFS.xml", 1),
        ("formats/INSEE_gh-205.xml", 0),
        ("formats/ISTAT_22_289-structure.xml", 0),
        ("formats/UNICEF_GLOBAL_DATAFLOW-structure.xml", 73),
    ] {
        let workbook = opened(corpus, file);
        let lists = workbook
            .sheets
            .iter()
            .filter(|grid| !["structure", "header"].contains(&grid.name.as_deref().unwrap_or("")));
        let found: u32 = lists.map(|grid| column(grid, "id").0).sum();
        assert_eq!(found, codes, "{file}");
    }
    // Concepts and components that have an id.
    for (file, concepts, components) in [
        ("formats/IMF_STA_DSD_GFS.xml", 112, 50),
        ("formats/ISTAT_22_289-structure.xml", 0, 18),
        ("formats/UNICEF_GLOBAL_DATAFLOW-structure.xml", 184, 21),
    ] {
        let workbook = opened(corpus, file);
        let structure = workbook.sheet(Some("structure")).unwrap();
        let ends = |ending: &[&str]| {
            let is = |text: &str| ending.iter().any(|ending| text.ends_with(ending));
            structure.cells().iter().filter(|cell| cell.column == 0 && is(&cell.text())).count()
        };
        assert_eq!(ends(&["/Concept"]), concepts, "{file}");
        let kinds =
            ["/Dimension", "/TimeDimension", "/MeasureDimension", "/Attribute", "/PrimaryMeasure"];
        assert_eq!(ends(&kinds), components, "{file}");
    }
}

fn a_footer_is_a_sheet(corpus: &Path) {
    let workbook = opened(corpus, "formats/ESTAT_footer.xml");
    let footer = workbook.sheet(Some("footer")).unwrap();
    assert_eq!(footer.get(1, 1).unwrap().text(), "413");
    assert_eq!(footer.row(1).len(), 6);
}

fn json_keeps_every_value_and_status(corpus: &Path) {
    let sdmx = "formats/OECD_data-PART2-all-all.json";
    check(corpus, sdmx, None, "OBS_VALUE", (7, 7, 32.134_984_533_775_67));
    check(corpus, "formats/QS104EW.json", None, "value", (3, 3, 112_151_824.0));
    check(corpus, "formats/galicia.json", None, "value", (3960, 3956, 87_493_659.0));
    check(corpus, "formats/ons.json", None, "value", (261, 261, 780_296.0));
    check(corpus, "formats/statswe.json", None, "value", (1120, 1120, 38_425.0));
    let oecd = "formats/oecd-canada.json";
    check(corpus, oecd, Some("dataset 1"), "value", (432, 432, 3_323.825_332));
    check(corpus, oecd, Some("dataset 2"), "value", (120, 120, 140_121.4));
    check(
        corpus,
        "formats/worldbank_indicator_sample.json",
        None,
        "value",
        (3, 2, 3_663_130_675_864.41),
    );
    let statuses = |file: &str, sheet: Option<&str>, header: &str| {
        let workbook = opened(corpus, file);
        let grid = workbook.sheet(sheet).unwrap();
        let column = grid.row(0).iter().find(|cell| cell.text() == header).unwrap().column;
        grid.cells().iter().filter(|cell| cell.row > 0 && cell.column == column).count()
    };
    // One status for all 120 cells in the second data set.
    for (file, sheet, header, expected) in [
        (oecd, Some("dataset 1"), "status", 72),
        (oecd, Some("dataset 2"), "status", 120),
        (sdmx, None, "OBS_STATUS", 3),
    ] {
        assert_eq!(statuses(file, sheet, header), expected, "{file}");
    }
}

fn px_keeps_every_figure_and_every_dot(corpus: &Path) {
    check(corpus, "formats/1001.px", None, "VALUE", (504, 504, 2_303.02));
    check(corpus, "formats/14001.px", None, "VALUE", (8064, 5804, 2_603_888.0));
    check(corpus, "formats/27067.px", None, "VALUE", (812, 352, 10_270.97));
    check(
        corpus,
        "formats/px-x-0602000000_107.px",
        None,
        "VALUE",
        (60_800, 60_800, 1_215_999.991_3),
    );
    let workbook = opened(corpus, "formats/27067.px");
    // `dato` of the note, in its declared encoding.
    let metadata = workbook.sheet(Some("metadata")).unwrap();
    assert!(metadata.cells().iter().any(|cell| cell.text().contains("estadístico o porque")));
}

fn tables_of_text_are_read(corpus: &Path) {
    let workbook = opened(corpus, "formats/eurostat_tgs00003_head.tsv");
    let grid = workbook.sheet(None).unwrap();
    let sums = ["2011", "2012", "2013", "2014"].map(|year| column(grid, year).2);
    assert!((sums.iter().sum::<f64>() - 56_077.58).abs() < 1e-6);
    assert_eq!(grid.address(2, 2), "R3C1.3");
    check(corpus, "formats/unicef_sdmx_csv_sample.csv", None, "OBS_VALUE", (3, 3, 24.6));
}
