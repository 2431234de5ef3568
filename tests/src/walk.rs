//! The walk of one figure: cell → observation → Parquet → metric → chart → sentence, and back.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use opeka_model::CellRef;
use opeka_pipeline::{Project, Verified, trace};
use regex::Regex;

use crate::shipped::{block_on, engine, root, shipped};

/// A number of a brief, the cell that it stands in, and the metric that shows it.
struct Figure {
    brief: &'static str,
    shown: &'static str,
    cell: &'static str,
    text: &'static str,
    metric: &'static str,
    column: &'static str,
    conditions: &'static [(&'static str, &'static str)],
}

/// Cells and their contents as a person reads them in the workbooks.
const FIGURES: &[Figure] = &[
    Figure {
        brief: "england_care/leeds_looked_after.html",
        shown: "1,498",
        cell: "dfe/2026-11-22/looked_after_children_la_tables_2025.xlsx#A1 On 31 March!H64",
        text: "1498",
        metric: "england_care.looked_after",
        column: "children",
        conditions: &[("ref_area", "E08000035"), ("time_period", "2025")],
    },
    Figure {
        brief: "england_care/leeds_looked_after.html",
        shown: "81,770",
        cell: "dfe/2026-11-22/looked_after_children_la_tables_2025.xlsx#A1 On 31 March!H7",
        text: "81770",
        metric: "england_care.looked_after",
        column: "children",
        conditions: &[("ref_area", "E92000001"), ("time_period", "2025")],
    },
    Figure {
        brief: "england_care/leeds_looked_after.html",
        shown: "458",
        cell: "dfe/2026-11-22/looked_after_children_la_tables_2025.xlsx#A2 Starting!H64",
        text: "458",
        metric: "england_care.starting",
        column: "children",
        conditions: &[("ref_area", "E08000035"), ("time_period", "2025")],
    },
    Figure {
        brief: "russia_care/placement_forms.html",
        shown: "101\u{a0}017",
        cell: "rosstat/2026-11-22/placement_1990_2010.xlsx#7.9!J5",
        text: "101017",
        metric: "russia_care.children_found",
        column: "found",
        conditions: &[("time_period", "2010")],
    },
    Figure {
        brief: "russia_care/placement_forms.html",
        shown: "26\u{a0}622",
        cell: "rosstat/2026-11-22/placement_1990_2010.xlsx#7.9!J6",
        text: "26622",
        metric: "russia_care.children_found",
        column: "institutions",
        conditions: &[("time_period", "2010")],
    },
    Figure {
        brief: "russia_care/placement_forms.html",
        shown: "552",
        cell: "css_foundation/2026-11-22/leningrad_children_without_care.csv#R2C4",
        text: "552",
        metric: "russia_care.reported_figures",
        column: "value",
        conditions: &[
            ("ref_area", "RU-LEN"),
            ("time_period", "2018"),
            ("indicator", "children_without_care_reported"),
        ],
    },
];

#[test]
fn forwards_from_the_cell_to_the_sentence() {
    let project = Project::load(&root()).unwrap();
    let engine = engine();
    for figure in FIGURES {
        // The cell, as the file says it.
        let cell = CellRef::parse(figure.cell).unwrap();
        let bytes = std::fs::read(&project.sources[&cell.source].path).unwrap();
        let workbook = opeka_ingest::open(&cell.source, &bytes).unwrap();
        let grid = workbook.sheet(cell.sheet.as_deref()).unwrap();
        assert_eq!(grid.at(&cell.cell).unwrap().text(), figure.text, "{}", figure.cell);

        // The observation, as a row of the release's Parquet.
        let sql = format!(
            "select obs_value, cell_text, source_sha256 from observations where cell_ref = '{}'",
            figure.cell
        );
        let answer = block_on(engine.query(&sql, "test", 1)).unwrap();
        assert_eq!(answer.rows(), 1, "{}", figure.cell);
        let row = &answer.batches[0];
        let value = row.column(0).as_primitive::<Float64Type>().value(0);
        assert_eq!(value.to_string(), figure.text);
        assert_eq!(row.column(1).as_string::<i32>().value(0), figure.text);
        let manifest = &project.sources[&cell.source].manifest;
        assert_eq!(row.column(2).as_string::<i32>().value(0), manifest.sha256);

        // The metric, with the cell beside the number.
        let conditions: Vec<String> = figure
            .conditions
            .iter()
            .map(|(column, value)| format!("{column} = '{value}'"))
            .collect();
        let sql = format!(
            "select {} from {} where {} and array_has(cells, '{}')",
            figure.column,
            figure.metric,
            conditions.join(" and "),
            figure.cell
        );
        let answer = block_on(engine.query(&sql, "test", 1)).unwrap();
        assert_eq!(answer.rows(), 1, "{sql}");
        assert_eq!(answer.batches[0].column(0).as_primitive::<Float64Type>().value(0), value);

        // The sentence: the number, as a link that names its cell and no other.
        let html = published(figure.brief);
        let link = format!(" data-cells=\"{}\">{}</a>", figure.cell, figure.shown);
        assert!(html.contains(&link), "{} has no {link}", figure.brief);
    }
}

#[test]
fn backwards_from_the_metric_to_the_cell() {
    let shipped = shipped();
    for figure in FIGURES {
        let conditions: Vec<(String, String)> = figure
            .conditions
            .iter()
            .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
            .collect();
        let found =
            block_on(trace(&root(), &shipped.warehouse, None, figure.metric, &conditions)).unwrap();
        let traced: Vec<_> =
            found.cells.iter().filter(|traced| traced.cell.cell_ref == figure.cell).collect();
        assert_eq!(traced.len(), 1, "{}", figure.cell);
        assert_eq!(traced[0].verified, Verified::Same);
        assert_eq!(traced[0].cell.text, figure.text);
        assert_eq!(traced[0].cell.obs_value.map(|v| v.to_string()).as_deref(), Some(figure.text));
        // And the other way round: a brief that shows the metric.
        let name = figure.brief.split_once('/').unwrap().1.trim_end_matches(".html");
        let shown =
            found.briefs.iter().any(|(file, lines)| file.contains(name) && !lines.is_empty());
        assert!(shown, "{name} is not said to show {}", figure.metric);
    }
}

#[test]
fn every_number_and_every_point_has_its_trace() {
    let number = Regex::new(r#"<a class="n"[^>]*>"#).unwrap();
    let cells = Regex::new(r#"data-cells="([^"]+)""#).unwrap();
    let target = Regex::new(r##"href="#([^"]+)""##).unwrap();
    for brief in ["england_care/leeds_looked_after.html", "russia_care/placement_forms.html"] {
        let html = published(brief);
        let numbers: Vec<&str> = number.find_iter(&html).map(|found| found.as_str()).collect();
        assert!(numbers.len() > 30, "{brief} has {} numbers", numbers.len());
        for link in numbers {
            let named =
                cells.captures(link).unwrap_or_else(|| panic!("{brief}: no cells in {link}"));
            for cell in named[1].split('|') {
                assert!(CellRef::parse(cell).is_some(), "{brief}: {cell} is no cell");
            }
            let target = &target.captures(link).unwrap()[1];
            assert!(html.contains(&format!("id=\"{target}\"")), "{brief}: #{target} leads nowhere");
        }
        let points = cells.captures_iter(html.split("<svg").nth(1).unwrap()).count();
        assert!(points >= 30, "{brief}: {points} points name their cells");
        // Self-contained: nothing is fetched.
        for outside in ["src=\"http", "<link ", "@import", "url(http"] {
            assert!(!html.contains(outside), "{brief} fetches something: {outside}");
        }
    }
}

#[test]
fn what_publishers_print_is_what_the_release_says() {
    let engine = engine();
    let one = |sql: &str| {
        let answer = block_on(engine.query(sql, "test", 1)).unwrap();
        assert_eq!(answer.rows(), 1, "{sql}");
        answer.batches[0].column(0).as_primitive::<Float64Type>().value(0)
    };
    let found = "from russia_care.children_found where time_period = '2010'";
    assert_eq!(one(&format!("select found {found}")), 101_017.0);
    assert_eq!(one(&format!("select institutions {found}")), 26_622.0);
    // Six years after 2005 are consecutive, the earlier ones five apart.
    assert_eq!(one(&format!("select change_per_year {found}")), -13_698.0);
    let spaced =
        "select change_per_year from russia_care.children_found where time_period = '2005'";
    assert_eq!(one(spaced), (146_405.0 - 134_611.0) / 5.0);
    let leningrad = "from russia_care.reported_figures where ref_area = 'RU-LEN' \
                     and indicator = 'children_without_care_reported'";
    assert_eq!(one(&format!("select value {leningrad} and time_period = '2018'")), 552.0);
    assert_eq!(one(&format!("select value {leningrad} and time_period = '2019'")), 493.0);
    let derived = format!(
        "select value {leningrad} and time_period = '2017' and obs_status = 'E' and derived"
    );
    assert!((one(&derived) - 552.0 / 1.047).abs() < 1e-9);
    let england = "from england_care.looked_after where ref_area = 'E92000001'";
    for (year, children) in
        [("2016", 70_410.0), ("2020", 80_000.0), ("2023", 83_750.0), ("2025", 81_770.0)]
    {
        assert_eq!(one(&format!("select children {england} and time_period = '{year}'")), children);
    }
    let count = "select cast(count(*) as double) from observations";
    assert_eq!(
        one(count),
        15_300.0 + 5_010.0 + 2_132.0 + 54.0 + 38.0 + 1_344.0 + 2_282.0 + 2_460.0
    );
}

/// The words follow from the rule and the polarity: chi-square above 9.5495, the sign of the slope,
/// and whether fewer is better.
#[test]
fn trend_words_follow_from_the_rule() {
    let engine = engine();
    let wrong = "
        select ref_area from (
            select ref_area, marker, marker_slope as slope, marker_chi_square as chi, judgement
            from england_care.starting_trend
        )
        where marker = 'increasing' and not (slope > 0 and chi > 9.5495)
           or marker = 'decreasing' and not (slope < 0 and chi > 9.5495)
           or marker = 'not enough data' and slope is not null
           or judgement <> marker";
    let answer = block_on(engine.query(wrong, "test", 1)).unwrap();
    assert_eq!(answer.rows(), 0);
    let words =
        "select judgement from russia_care.found_trend where ref_area = 'RU' order by indicator";
    let answer = block_on(engine.query(words, "test", 1)).unwrap();
    let words: Vec<Option<&str>> =
        answer.batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>()).collect();
    assert_eq!(words, [Some("decreasing and getting better"), Some("not enough data")]);
    for (brief, word) in [
        ("england_care/leeds_looked_after.html", "increasing"),
        ("russia_care/placement_forms.html", "снижается, положение улучшается"),
        ("russia_care/placement_forms.html", "данных недостаточно"),
    ] {
        assert!(published(brief).contains(&format!("<strong>{word}</strong>")), "{brief}: {word}");
    }
}

fn published(path: &str) -> String {
    let shipped = shipped();
    std::fs::read_to_string(shipped.report.folder.join("published").join(path)).unwrap()
}
