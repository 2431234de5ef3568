//! The Russian data against the files of Rosstat.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use opeka_ingest::{observe, parse_recipe};
use opeka_pipeline::Project;

use super::{Reading, all_same, key, root, rows, same, show, workbook};

pub(super) fn regions(corpus: &Path) -> Result<()> {
    let reference = rows(&corpus.join("geography/ru_regions_reference.csv"))?;
    let list = rows(&root().join("datasets/codelists/regions/russia.csv"))?;
    let by_code: BTreeMap<&str, _> = list.iter().map(|row| (row["code"].as_str(), row)).collect();
    let mut subjects = BTreeSet::new();
    for expected in &reference {
        let iso = expected["iso_code"].as_str();
        if iso == "KZ-BAY" {
            // A city of Kazakhstan under lease, no subject.
            continue;
        }
        let mut found =
            list.iter().filter(|row| row["level"] == "subject" && row["iso_3166_2"] == iso);
        let row = found.next().with_context(|| format!("no subject has the ISO code {iso}"))?;
        ensure!(found.next().is_none(), "two subjects have the ISO code {iso}");
        let code = row["code"].as_str();
        for column in ["okato", "oktmo"] {
            ensure!(
                row[column] == expected[column],
                "{code}: {column} {} is not {}",
                row[column],
                expected[column]
            );
        }
        ensure!(code == iso || iso.starts_with("UA-"), "{code} stands for {iso}");
        // An autonomous okrug lies in an oblast, which lies in a district.
        let mut district = row;
        while district["level"] != "federal_district" {
            let parent = district["parent"].as_str();
            district = by_code.get(parent).with_context(|| format!("{code}: parent `{parent}`"))?;
        }
        let name = format!("{} федеральный округ", expected["federal_district"]);
        ensure!(
            district["name_ru"] == name && district["valid_to"].is_empty(),
            "{code} lies in `{}`, not in `{name}`",
            district["code"]
        );
        subjects.insert(code);
    }
    let valid = list.iter().filter(|row| row["level"] == "subject" && row["valid_to"].is_empty());
    let left_over = valid.map(|row| row["code"].as_str()).find(|code| !subjects.contains(code));
    ensure!(left_over.is_none(), "{left_over:?} is a subject here and not in the reference");
    ensure!(subjects.len() == 85, "{} subjects", subjects.len());
    Ok(())
}

/// The rows of the printed table, in its order.
const PLACEMENT: [(&str, &str); 6] = [
    ("found_without_care", "_T"),
    ("placed_without_care", "institutions"),
    ("placed_without_care", "guardianship_or_adoption"),
    ("placed_without_care", "adopted_by_foreigners"),
    ("placed_without_care", "vocational_school"),
    ("living_in_institutions", "_T"),
];

pub(super) fn placement(corpus: &Path) -> Result<()> {
    let rows = rows(&corpus.join("russia/rosstat_7_9_placement_1990_2010.csv"))?;
    ensure!(rows.len() == PLACEMENT.len(), "{} rows", rows.len());
    let mut published = Vec::new();
    for ((indicator, form), row) in PLACEMENT.into_iter().zip(&rows) {
        for (year, written) in row.iter().filter(|(column, _)| *column != "row") {
            published.push((key(indicator, "RU", year, form), written.clone()));
        }
    }
    all_same(&Reading::named("placement_1990_2010")?, &published, &[("…", "O", "F")])
}

/// Per table, what the columns `c1`, `c2` … of the key are: the indicators, less `orphan_support_`.
const SPENDING: [(&str, &[&str]); 3] = [
    (
        "Таблица 1",
        &["total", "cash", "housing_costs", "housing", "fuel", "telephone", "city_transport"],
    ),
    ("Таблица 2", &["in_kind"]),
    ("Таблица 3", &["in_money"]),
];

/// The spending that we carried over into three tables against the key to the 96 published sheets.
pub(super) fn orphan_support(corpus: &Path) -> Result<()> {
    let list = rows(&root().join("datasets/codelists/regions/russia.csv"))?;
    let reading = Reading::named("orphan_support_2021")?;
    let mut shipped = reading.by_key()?;
    let (mut compared, mut empty) = (0, 0);
    for row in rows(&corpus.join("russia/rosstat_socpod_2021.orphan_rows.expected.csv"))? {
        let area = area_of_sheet(&row["sheet"], &list)?;
        let table = row["table"].as_str();
        let parts = SPENDING.into_iter().find(|(name, _)| *name == table);
        let (_, parts) = parts.with_context(|| format!("a table `{table}`"))?;
        for (index, part) in parts.iter().enumerate() {
            let key = key(&format!("orphan_support_{part}"), area, "2021", "_T");
            let o = shipped
                .remove(&key)
                .with_context(|| format!("nothing, or nothing more, for {key:?}"))?;
            let written = row[&format!("c{}", index + 1)].as_str();
            same(o, written, &[("", "O", "F")])?;
            compared += 1;
            empty += usize::from(written.is_empty());
        }
    }
    // Nine cells of each sheet.
    ensure!((compared, empty) == (864, 315), "{compared} cells compared, {empty} of them empty");
    Ok(())
}

/// The area that a sheet is named after: the one of this name or alias that was in force in 2021. A
/// sheet's name has at most 31 characters, so one of 31 may be cut short.
fn area_of_sheet<'a>(sheet: &str, list: &'a [BTreeMap<String, String>]) -> Result<&'a str> {
    let cut = sheet.chars().count() == 31;
    let named = |name: &str| name == sheet || (cut && name.starts_with(sheet));
    let mut found = list.iter().filter(|row| {
        let (from, to) = (row["valid_from"].as_str(), row["valid_to"].as_str());
        let in_force = from <= "2021-01-01" && (to.is_empty() || to >= "2021-12-31");
        in_force && (named(row["name_ru"].as_str()) || row["aliases"].split('|').any(named))
    });
    let area = found.next().with_context(|| format!("no area is named `{sheet}`"))?;
    ensure!(found.next().is_none(), "two areas are named `{sheet}`");
    Ok(area["code"].as_str())
}

/// The population that we carried over against the export, read by the recipe for the export.
pub(super) fn population(corpus: &Path) -> Result<()> {
    let path = root().join("tests/corpus/emiss_population_1999_2022.recipe.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let recipe = parse_recipe("emiss_population_1999_2022.recipe.toml", &text)
        .map_err(|problems| anyhow!("{}", show(&problems)))?;
    let export = workbook(corpus, "russia/emiss_population_1999_2022.xlsx")?;
    let project = Project::load(&root())?;
    let export = observe(&export, "0", &recipe, &project.codelists);
    ensure!(!export.problems.has_errors(), "{}", show(&export.problems));
    let reading = Reading::named("population_1999_2022")?;
    let mut shipped = reading.by_key()?;
    let mut compared = 0;
    for due in &export.observations {
        let year = due.time_period.strip_suffix("-01");
        let year = year.with_context(|| format!("{}: {}", due.cell, due.time_period))?;
        let key = key("population_all_ages", &due.ref_area, year, "_T");
        let o = shipped
            .remove(&key)
            .with_context(|| format!("nothing, or nothing more, for {key:?}"))?;
        ensure!(
            due.obs_value.is_some()
                && o.dataset == "rosstat_population"
                && (o.obs_value, o.obs_status.as_str()) == (due.obs_value, due.obs_status.as_str()),
            "{}: {o:?}, where the export has {:?} in {}",
            o.cell,
            due.obs_value,
            due.cell
        );
        compared += 1;
    }
    ensure!(compared == 2_282, "{compared} figures compared");
    ensure!(shipped.is_empty(), "not in the export: {:?}", shipped.keys().next());
    Ok(())
}
