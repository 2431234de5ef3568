//! The shipped data, proved by other ways than our own readers.
//!
//! Trials named `shipped::…` always run. Trials named `corpus::…` hold the shipped workbooks and
//! code lists to the files under `OPEKA_CORPUS`, of which those in CSV are read here by the csv crate
//! alone; they are reported as ignored where it is unset.

mod russia;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::{Failed, Trial};
use opeka_ingest::{Cell, Grid, Span, Value, Workbook, observe, open};
use opeka_model::{Observation, Problems};
use opeka_pipeline::{Declared, Project, SourceRead, read_recipe};

/// How many observations each recipe makes of its sources. The counts are those of the files: nine
/// measures, 170 areas and ten years are 15,300; five years of 167 areas, three tables and two
/// measures are 5,010; five years of 164 areas and three measures are 2,460; 96 areas and fourteen
/// columns are 1,344.
const EXPECTED: [(&str, usize); 8] = [
    ("care_panel", 15_300),
    ("looked_after_tables", 5_010),
    ("looked_after_tables_2018", 2_460),
    ("orphan_support_2021", 1_344),
    ("placement_1990_2010", 54),
    ("population", 2_132),
    ("population_1999_2022", 2_282),
    ("published_figures", 38),
];

/// Figures that stand in the publications: data set, indicator, area, period, form of care, value.
const HEADLINES: [(&str, &str, &str, &str, &str, f64); 9] = [
    ("placement_1990_2010", "found_without_care", "RU", "2010", "_T", 101_017.0),
    ("placement_1990_2010", "placed_without_care", "RU", "2010", "institutions", 26_622.0),
    ("published_figures", "children_without_care_reported", "RU-LEN", "2018", "_T", 552.0),
    ("published_figures", "children_without_care_reported", "RU-LEN", "2019", "_T", 493.0),
    ("looked_after_tables", "cla_31_march", "E92000001", "2025", "_T", 81_770.0),
    ("looked_after_tables_2018", "cla_31_march", "E92000001", "2018", "_T", 75_420.0),
    ("looked_after_tables_2018", "uasc_31_march", "E92000001", "2018", "_T", 4_480.0),
    ("orphan_support_2021", "orphan_support_total", "RU", "2021", "_T", 108_343_231.0),
    ("population_1999_2022", "population_all_ages", "RU", "2022", "_T", 145_557_576.0),
];

/// A test of the shipped data.
type Check = fn() -> Result<()>;
/// A test against the corpus, in its folder.
type CorpusCheck = fn(&Path) -> Result<()>;

/// The trials; those against the corpus are ignored without it.
pub(crate) fn trials(corpus: Option<&Path>) -> Vec<Trial> {
    let shipped: [(&str, Check); 3] = [
        ("every_recipe_yields_its_figures", every_recipe_yields_its_figures),
        ("headline_figures_are_as_published", headline_figures_are_as_published),
        ("inserted_rows_and_columns_change_nothing", inserted_rows_and_columns_change_nothing),
    ];
    let against: [(&str, CorpusCheck); 11] = [
        ("russian_regions_have_their_official_codes", russia::regions),
        ("care_panel_is_the_published_panel", care_panel),
        ("looked_after_tables_are_the_open_data_file", looked_after_tables),
        ("looked_after_tables_2018_are_two_printed_tables", looked_after_tables_2018),
        ("population_is_the_mid_year_estimate", population),
        ("placement_is_the_printed_table", russia::placement),
        ("orphan_support_is_that_of_96_sheets", russia::orphan_support),
        ("russian_population_is_the_export", russia::population),
        ("neighbours_stand_in_the_cells_named", neighbours),
        ("no_cell_of_a_workbook_is_lost_or_invented", every_cell),
        ("old_workbooks_cut_short_are_problems", cut_workbooks),
    ];
    let mut trials: Vec<Trial> = shipped
        .into_iter()
        .map(|(name, run)| Trial::test(format!("shipped::{name}"), move || run().map_err(failed)))
        .collect();
    trials.extend(against.into_iter().map(|(name, run)| {
        let folder = corpus.map(Path::to_owned);
        let ignored = folder.is_none();
        let run = move || match &folder {
            Some(folder) => run(folder).map_err(failed),
            None => Err(Failed::from("needs OPEKA_CORPUS")),
        };
        Trial::test(format!("corpus::{name}"), run).with_ignored_flag(ignored)
    }));
    trials
}

fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a recipe of the project makes of its sources.
struct Reading {
    reads: Vec<SourceRead>,
    problems: Problems,
}

impl Reading {
    fn of(project: &Project, recipe: &Declared<opeka_ingest::Recipe>) -> Result<Self> {
        let (reads, mut problems) = read_recipe(project, recipe, true)?;
        for read in &reads {
            problems.extend(read.observed.problems.clone());
        }
        Ok(Self { reads, problems })
    }

    fn named(name: &str) -> Result<Self> {
        let project = Project::load(&root())?;
        let (_, recipe) = project.recipe(name).map_err(|problem| anyhow!("{problem}"))?;
        Self::of(&project, recipe)
    }

    fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.reads.iter().flat_map(|read| &read.observed.observations)
    }

    /// The observations by their key.
    fn by_key(&self) -> Result<BTreeMap<[String; 4], &Observation>> {
        ensure!(!self.problems.has_errors(), "{}", show(&self.problems));
        let mut keyed = BTreeMap::new();
        for o in self.observations() {
            let twice =
                keyed.insert(key(&o.indicator, &o.ref_area, &o.time_period, &o.care_form), o);
            ensure!(twice.is_none(), "{} says what another cell said before", o.cell);
        }
        Ok(keyed)
    }
}

fn key(indicator: &str, area: &str, period: &str, form: &str) -> [String; 4] {
    [indicator, area, period, form].map(str::to_owned)
}

fn show(problems: &Problems) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn every_recipe_yields_its_figures() -> Result<()> {
    let project = Project::load(&root())?;
    let mut counts = BTreeMap::new();
    for recipe in project.pipelines.iter().flat_map(|pipeline| &pipeline.recipes) {
        let reading = Reading::of(&project, recipe)?;
        counts.insert(recipe.name.as_str(), reading.by_key()?.len());
    }
    let expected = BTreeMap::from(EXPECTED);
    ensure!(counts == expected, "found {counts:?}, expected {expected:?}");
    Ok(())
}

fn headline_figures_are_as_published() -> Result<()> {
    for (recipe, indicator, area, period, form, value) in HEADLINES {
        let reading = Reading::named(recipe)?;
        let keyed = reading.by_key()?;
        let found = keyed
            .get(&key(indicator, area, period, form))
            .with_context(|| format!("no {indicator} of {area} in {period}"))?;
        ensure!(
            found.obs_value == Some(value) && found.obs_status == "A",
            "{}: {:?} ({}), where {value} is published",
            found.cell,
            found.obs_value,
            found.obs_status
        );
    }
    Ok(())
}

/// Three rows above everything, a column left of everything and one after the first column: the
/// cells move, the figures do not.
fn inserted_rows_and_columns_change_nothing() -> Result<()> {
    let project = Project::load(&root())?;
    for recipe in project.pipelines.iter().flat_map(|pipeline| &pipeline.recipes) {
        let reading = Reading::of(&project, recipe)?;
        for read in &reading.reads {
            let workbook = read.workbook.as_ref().context("the workbook was to be kept")?;
            let moved = match workbook.sheets.iter().all(|sheet| sheet.name.is_some()) {
                true => moved_sheets(workbook),
                false => moved_table(&project, &workbook.source)?,
            };
            let sha = read.observed.observations.first().map_or("", |o| o.source_sha256.as_str());
            let observed = observe(&moved, sha, &recipe.value, &project.codelists);
            ensure!(!observed.problems.has_errors(), "{}", show(&observed.problems));
            let (before, after) = (&read.observed.observations, &observed.observations);
            ensure!(before.len() == after.len(), "{}: {}", recipe.name, after.len());
            for (before, after) in before.iter().zip(after) {
                ensure!(before.cell != after.cell, "{} did not move", before.cell);
                let after = Observation { cell: before.cell.clone(), ..after.clone() };
                ensure!(*before == after, "{before:?} became {after:?}");
            }
        }
    }
    Ok(())
}

fn moved_sheets(workbook: &Workbook) -> Workbook {
    let row = |row: u32| row + 3;
    let column = |column: u32| column + if column == 0 { 1 } else { 2 };
    let sheet = |grid: &Grid| {
        let cell =
            |cell: &Cell| Cell { row: row(cell.row), column: column(cell.column), ..cell.clone() };
        let span = |span: &Span| Span {
            top: row(span.top),
            left: column(span.left),
            bottom: row(span.bottom),
            right: column(span.right),
        };
        let cells = grid.cells().iter().map(cell).collect();
        let merged = grid.merged().iter().map(span).collect();
        Grid::sheet(grid.name.clone().unwrap_or_default(), cells, merged)
    };
    Workbook {
        source: workbook.source.clone(),
        sheets: workbook.sheets.iter().map(sheet).collect(),
    }
}

fn moved_table(project: &Project, source: &str) -> Result<Workbook> {
    let path = &project.sources.get(source).context("a source of the project")?.path;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut width = 0;
    let records = reader.records().collect::<csv::Result<Vec<_>>>()?;
    for record in &records {
        let fields: Vec<&str> = record.iter().collect();
        let (first, rest) = fields.split_first().context("an empty record")?;
        let moved = ["", *first, ""].into_iter().chain(rest.iter().copied());
        let moved: Vec<&str> = moved.collect();
        if width == 0 {
            width = moved.len();
            for _ in 0..3 {
                writer.write_record(vec![""; width])?;
            }
        }
        writer.write_record(moved)?;
    }
    open(source, &writer.into_inner()?).map_err(|problem| anyhow!("{problem}"))
}

/// A CSV file as rows of named fields.
fn rows(path: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().collect::<csv::Result<Vec<_>>>()?;
    ensure!(!rows.is_empty(), "{}: no rows", path.display());
    Ok(rows)
}

/// A workbook of the corpus.
fn workbook(corpus: &Path, file: &str) -> Result<Workbook> {
    let path = corpus.join(file);
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    open(file, &bytes).map_err(|problem| anyhow!("{problem}"))
}

/// The present codes of areas by the codes they had before.
fn present_codes() -> Result<BTreeMap<String, String>> {
    let areas = rows(&root().join("datasets/codelists/regions/england.csv"))?;
    let former = |area: &BTreeMap<String, String>| -> Vec<(String, String)> {
        let codes = area["former_codes"].split('|').filter(|code| !code.is_empty());
        codes.map(|code| (code.to_owned(), area["code"].clone())).collect()
    };
    Ok(areas.iter().flat_map(former).collect())
}

/// The area of a row: the most local code that it fills.
fn area(row: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Result<String> {
    let columns = ["new_la_code", "region_code", "country_code"];
    let written = columns.into_iter().filter_map(|column| row.get(column)).find(|f| !f.is_empty());
    let written = written.with_context(|| format!("no code in {row:?}"))?;
    Ok(present.get(written).unwrap_or(written).clone())
}

/// One published cell against its observation: a number as it is, a mark without a value and with
/// the statuses given.
fn same(o: &Observation, written: &str, marks: &[(&str, &str, &str)]) -> Result<()> {
    let (value, obs_status, conf_status, mark) =
        match marks.iter().find(|(mark, ..)| *mark == written) {
            Some((mark, obs_status, conf_status)) => {
                // An empty field is no mark.
                let mark = Some(*mark).filter(|mark| !mark.is_empty());
                (None, *obs_status, *conf_status, mark)
            }
            None => (Some(written.parse::<f64>()?), "A", "F", None),
        };
    ensure!(
        (o.obs_value, o.obs_status.as_str(), o.conf_status.as_str(), o.mark.as_deref())
            == (value, obs_status, conf_status, mark),
        "{}: {o:?}, where the publisher writes `{written}`",
        o.cell
    );
    Ok(())
}

/// Holds every published cell to its observation, and finds nothing left over.
fn all_same(
    reading: &Reading,
    published: &[([String; 4], String)],
    marks: &[(&str, &str, &str)],
) -> Result<()> {
    let mut keyed = reading.by_key()?;
    for (key, written) in published {
        let o =
            keyed.remove(key).with_context(|| format!("nothing, or nothing more, for {key:?}"))?;
        same(o, written, marks)?;
    }
    ensure!(keyed.is_empty(), "not in the published file: {:?}", keyed.keys().next());
    Ok(())
}

const PANEL: [(&str, &str); 9] = [
    ("CIN", "cin_rate"),
    ("CPP_Num", "cpp_31_march"),
    ("CPP_rate", "cpp_31_march_rate"),
    ("LAC", "cla_31_march_rate"),
    ("LAC_ceased_SGO", "cla_special_guardianship"),
    ("LACceased", "cla_ceasing"),
    ("LACnum", "cla_31_march"),
    ("LACnum_Start", "cla_starting"),
    ("No_of LAC Adopted", "cla_adopted"),
];

fn care_panel(corpus: &Path) -> Result<()> {
    let areas = rows(&root().join("datasets/codelists/regions/england.csv"))?;
    let mut by_number: BTreeMap<&str, &str> = BTreeMap::new();
    for area in &areas {
        for number in area["old_code"].split('|').filter(|number| !number.is_empty()) {
            let twice = by_number.insert(number, &area["code"]);
            ensure!(twice.is_none(), "two areas have the number {number}");
        }
    }
    let indicators = BTreeMap::from(PANEL);
    let mut published = Vec::new();
    for row in rows(&corpus.join("england/care_panel_2016_2025.csv"))? {
        let number = row["la_number"].strip_suffix(".0").context("a number as a decimal")?;
        let area = by_number.get(number).with_context(|| format!("no area has number {number}"))?;
        let indicator = indicators.get(row["measure_code"].as_str()).context("a measure")?;
        published.push((key(indicator, area, &row["period"], "_T"), row["value_raw"].clone()));
    }
    ensure!(published.len() == 15_300, "{} published figures", published.len());
    all_same(&Reading::named("care_panel")?, &published, &[("-", "O", "F")])
}

fn looked_after_tables(corpus: &Path) -> Result<()> {
    let (mut published, present) = (Vec::new(), present_codes()?);
    for row in rows(&corpus.join("england/ees_cla_number_and_rate.csv"))? {
        let area = area(&row, &present)?;
        let indicator = match row["population_type"].as_str() {
            "Children looked after on 31 March each year" => "cla_31_march",
            "Children starting to be looked after each year" => "cla_starting",
            "Children ceasing to be looked after each year" => "cla_ceasing",
            other => anyhow::bail!("population type `{other}`"),
        };
        let period = &row["time_period"];
        published.push((key(indicator, &area, period, "_T"), row["children_count"].clone()));
        let rate = format!("{indicator}_rate");
        published.push((key(&rate, &area, period, "_T"), row["rate_per_10000"].clone()));
    }
    for mark in ["c", "z"] {
        ensure!(published.iter().any(|(_, written)| written == mark), "no `{mark}` in the corpus");
    }
    let marks = [("c", "Q", "C"), ("z", "M", "F")];
    all_same(&Reading::named("looked_after_tables")?, &published, &marks)
}

/// Each figure of two sheets of the department's workbook. Authorities have a code of their time
/// beside their name; England and the regions have the name only.
fn looked_after_tables_2018(corpus: &Path) -> Result<()> {
    let book = workbook(corpus, "england/sfr_cla_2018_la_tables.ods")?;
    let areas = rows(&root().join("datasets/codelists/regions/england.csv"))?;
    let (mut published, present) = (Vec::new(), present_codes()?);
    for (sheet, indicator, first) in [
        ("LAA1", "cla_31_march", 3),
        ("LAA1", "cla_31_march_rate", 9),
        ("LAA4", "uasc_31_march", 4),
    ] {
        let grid = book.sheet(Some(sheet)).with_context(|| format!("no sheet `{sheet}`"))?;
        let text =
            |row: u32, column: u32| grid.get(row, column).map(Cell::text).unwrap_or_default();
        for cell in grid.cells().iter().filter(|cell| cell.column == 2) {
            let (name, code) = (cell.text(), text(cell.row, 0));
            let code = match code.is_empty() {
                true => areas.iter().find(|area| area["name_en"] == name).map(|a| &a["code"]),
                false => Some(present.get(&code).unwrap_or(&code)),
            };
            let code = code.with_context(|| format!("{sheet}: no area is called `{name}`"))?;
            for (year, column) in (2014..=2018).zip(first..) {
                let key = key(indicator, code, &year.to_string(), "_T");
                published.push((key, text(cell.row, column)));
            }
        }
    }
    let suppressed = published.iter().filter(|(_, written)| written == "x").count();
    let counts = (published.len(), suppressed);
    ensure!(counts == (2_460, 188), "published and suppressed: {counts:?}");
    all_same(&Reading::named("looked_after_tables_2018")?, &published, &[("x", "Q", "C")])
}

fn population(corpus: &Path) -> Result<()> {
    let (mut published, present) = (Vec::new(), present_codes()?);
    for row in rows(&corpus.join("england/ons_mid_year_population.csv"))? {
        let area = area(&row, &present)?;
        let key = key("population_0_17", &area, &row["time_period"], "_T");
        published.push((key, row["population_estimate"].clone()));
    }
    all_same(&Reading::named("population")?, &published, &[("x", "O", "F")])
}

/// Each neighbour against the cell that the code list names: the heading above it, the number that
/// begins its row, its own and the word right of it. No other number has such a word.
fn neighbours(corpus: &Path) -> Result<()> {
    let sheet = "LA SN Groups";
    let book = workbook(corpus, "england/statistical_neighbours_2025.xlsx")?;
    let grid = book.sheet(Some(sheet)).with_context(|| format!("no sheet `{sheet}`"))?;
    let text = |row: u32, column: u32| grid.get(row, column).map(Cell::text).unwrap_or_default();
    let areas = rows(&root().join("datasets/codelists/regions/england.csv"))?;
    let numbers: BTreeMap<&str, &str> =
        areas.iter().map(|area| (area["code"].as_str(), area["old_code"].as_str())).collect();
    let mut compared = BTreeSet::new();
    for listed in rows(&root().join("datasets/codelists/statistical_neighbours.csv"))? {
        let at = listed["source_cell"].as_str();
        let address = at.strip_prefix(sheet).and_then(|rest| rest.strip_prefix('!'));
        let cell = address.and_then(|address| grid.at(address));
        let cell = cell.with_context(|| format!("`{at}` is no cell, or an empty one"))?;
        let [area, neighbour] = ["ref_area", "neighbour"]
            .map(|column| numbers.get(listed[column].as_str()).copied().unwrap_or("no area"));
        let heading = format!("SN{}", listed["position"]);
        let due = [heading.as_str(), area, neighbour, listed["closeness"].as_str()];
        let found = [
            text(2, cell.column),
            text(cell.row, 0),
            text(cell.row, cell.column),
            text(cell.row, cell.column + 1),
        ];
        ensure!(found == due, "{at}: {found:?}, where the list means {due:?}");
        ensure!(compared.insert((cell.row, cell.column)), "{at} is named twice");
    }
    let published = grid.cells().iter().filter(|cell| {
        let word = text(cell.row, cell.column + 1).to_lowercase();
        matches!(cell.value, Value::Number(_)) && word.ends_with("close")
    });
    let counts = (compared.len(), published.count());
    ensure!(counts == (1_580, 1_580), "compared and published: {counts:?}");
    Ok(())
}

/// Every sheet of every workbook against counts made by other readers from the raw files.
fn every_cell(corpus: &Path) -> Result<()> {
    let mut opened: BTreeMap<String, Workbook> = BTreeMap::new();
    let mut differences = Vec::new();
    for expected in rows(&corpus.join("grid_checksums.csv"))? {
        let (file, sheet) = (&expected["file"], &expected["sheet"]);
        if !opened.contains_key(file) {
            let book = open(file, &std::fs::read(corpus.join(file))?);
            opened.insert(file.clone(), book.map_err(|problem| anyhow!("{problem}"))?);
        }
        let grid = opened[file].sheet(Some(sheet));
        let grid = grid.with_context(|| format!("{file}: no sheet `{sheet}`"))?;
        let numbers = grid.cells().iter().filter_map(|cell| match cell.value {
            Value::Number(number) => Some(number),
            _ => None,
        });
        let numbers: Vec<f64> = numbers.collect();
        let sum: f64 = numbers.iter().sum();
        let due: f64 = expected["sum_of_numbers"].parse()?;
        let mut differs = |what: &str, found: usize| -> Result<()> {
            if found != expected[what].parse::<usize>()? {
                differences.push(format!("{file} {sheet}: {what} {found}, not {}", expected[what]));
            }
            Ok(())
        };
        let texts = grid.cells().iter().filter(|cell| matches!(cell.value, Value::Text(_)));
        differs("cells_not_empty", grid.cells().len())?;
        differs("cells_number", numbers.len())?;
        differs("cells_text", texts.count())?;
        differs("merged_ranges", grid.merged().len())?;
        if (sum - due).abs() > 1e-9 * due.abs().max(1.0) {
            differences.push(format!("{file} {sheet}: sum {sum}, not {due}"));
        }
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// A workbook of the older format, cut: read as far as it goes, or a problem; never a panic.
fn cut_workbooks(corpus: &Path) -> Result<()> {
    for file in ["russia/emiss_poverty_socdem_2019.xls", "russia/mvd_4egs_2018_12.xls"] {
        let bytes = std::fs::read(corpus.join(file))?;
        open(file, &bytes).map_err(|problem| anyhow!("{problem}"))?;
        let mut refused = 0;
        for part in 1..100 {
            let cut = &bytes[..bytes.len() * part / 100];
            if let Err(problem) = open(file, cut) {
                ensure!(!problem.hints.is_empty(), "{file}, {} bytes: {problem}", cut.len());
                refused += 1;
            }
        }
        ensure!(refused > 0, "{file}: a hundredth of it was read as a workbook");
    }
    Ok(())
}
