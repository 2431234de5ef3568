use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder};
use arrow::record_batch::RecordBatch;

use super::data::{self, MOST_SERIES};
use super::layout::{Input, Layout, Rect};
use super::*;
use crate::svg_to_png;

const SPEC: &str = r#"
kind = "line"
sql = """
select name, time_period, rate, cells
from children_in_care.placement_rate
"""
x = "time_period"
y = "rate"
series = { en = "name", ru = "name_ru" }
title = { en = "More children are in care", ru = "Детей под опекой стало больше" }
subtitle = { en = "Children looked after, 31 March", ru = "Дети без попечения родителей" }
source_note = { en = "Source: DfE", ru = "Источник: Росстат" }
unit = { en = "per 10,000 children", ru = "на 10 000 детей" }
zero_baseline = true
"#;

fn spec(more: &str) -> ChartSpec {
    parse_chart("publish/rate.chart.toml", &format!("{SPEC}{more}")).unwrap()
}

type Row<'a> = (&'a str, &'a str, Option<f64>);

fn batch(rows: &[Row<'_>]) -> RecordBatch {
    let mut cells = ListBuilder::new(StringBuilder::new());
    for (at, _) in rows.iter().enumerate() {
        cells.append_value([Some(format!("dfe/t.xlsx#A1!D{}", at + 2))]);
    }
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.0)));
    RecordBatch::try_from_iter([
        ("name", Arc::clone(&names)),
        ("name_ru", names),
        ("time_period", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.1)))),
        ("rate", Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.2)))),
        ("cells", Arc::new(cells.finish())),
    ])
    .unwrap()
}

fn render(spec: &ChartSpec, rows: &[Row<'_>], lang: Lang) -> Result<RenderedChart, Problems> {
    render_chart("publish/rate.chart.toml", spec, &[batch(rows)], lang)
}

fn problems(spec: &ChartSpec, rows: &[Row<'_>]) -> Vec<String> {
    render(spec, rows, Lang::En).unwrap_err().iter().map(ToString::to_string).collect()
}

fn overlap(a: Rect, b: Rect) -> bool {
    const TOUCH: f64 = 0.01;
    a.left < b.right - TOUCH
        && b.left < a.right - TOUCH
        && a.top < b.bottom - TOUCH
        && b.top < a.bottom - TOUCH
}

fn assert_readable(layout: &Layout, what: &str) {
    for (at, text) in layout.texts.iter().enumerate() {
        let rect = text.rect();
        assert!(
            rect.left >= 0.0
                && rect.top >= 0.0
                && rect.right <= layout.width
                && rect.bottom <= layout.height,
            "{what}: `{}` leaves the page: {rect:?} of {}×{}",
            text.text,
            layout.width,
            layout.height
        );
        for other in &layout.texts[at + 1..] {
            assert!(
                !overlap(rect, other.rect()),
                "{what}: `{}` {rect:?} lies over `{}` {:?}",
                text.text,
                other.text,
                other.rect()
            );
        }
    }
    let plot = layout.plot;
    assert!(plot.right - plot.left > 60.0 && plot.bottom - plot.top > 60.0, "{what}: {plot:?}");
}

/// A small generator: the same numbers on every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next(of.len())]
    }
}

#[test]
fn no_text_lies_over_another_or_leaves_the_page() {
    let names = [
        "England",
        "Дома ребёнка, детские дома и другие учреждения",
        "Опека (попечительство) и усыновление",
        "Усыновлены иностранными гражданами",
        "Профессиональные образовательные учреждения",
        "Ханты-Мансийский автономный округ — Югра и Ямало-Ненецкий автономный округ Тюменской области",
        "Bournemouth, Christchurch and Poole and Kingston upon Hull, City of, with a long tail of words",
        "Словобезпробеловисередины-котороенигденеразорвать-идлиннеевсякогополя",
        "Z",
    ];
    let titles = [
        "Short",
        "Детей, оставшихся без попечения родителей, стало меньше во всех федеральных округах страны",
        "The rate of children looked after rose in every region of England over the last ten years",
    ];
    let periods = [
        vec!["2016", "2017", "2018", "2019", "2020", "2021", "2022", "2023", "2024", "2025"],
        vec!["1990", "1995", "2000", "2005", "2006", "2007", "2008", "2009", "2010"],
        vec!["2019"],
        vec!["2018-Q1", "2018-Q2", "2019-Q4"],
        vec!["1897", "1989", "2010"],
        vec!["1000", "9999"],
    ];
    let mut draw = Draw(7);
    for case in 0..600 {
        let lang = Lang::ALL[case % 2];
        let count = 1 + draw.next(MOST_SERIES);
        let times = &periods[draw.next(periods.len())];
        let (base, spread) = [
            (60.0, 0.01),
            (60.0, 15.0),
            (0.0, 0.0),
            (-50.0, 120.0),
            (80_000.0, 79_000.0),
            (9e299, 1e299),
            (-1e18, 1e18),
            (1e-9, 1e-9),
            (1234.0, 0.0),
        ][draw.next(9)];
        let mut rows: Vec<Row<'_>> = Vec::new();
        for one in 0..count {
            let name = names[(case + one * 2) % names.len()];
            for (at, period) in times.iter().enumerate() {
                let value = base + spread * (draw.next(1000) as f64 / 1000.0 - 0.5);
                let gap = at > 0 && draw.next(5) == 0;
                rows.push((name, period, (!gap).then_some(value)));
            }
        }
        let sizes = ["", "width = 400\nheight = 240", "width = 2000", "width = 480\nheight = 900"];
        let mut spec = spec(draw.pick(&sizes));
        spec.written.zero_baseline = draw.next(2) == 0;
        let series = data::read("f", &spec, &[batch(&rows)], lang).unwrap();
        let title = draw.pick(&titles);
        let layout = Layout::new(&Input {
            width: spec.width(),
            height: spec.height(),
            title,
            subtitle: draw.pick(&titles),
            axis: draw.pick(&["", "на 10 000 детей в возрасте до 18 лет"]),
            note: draw.pick(&titles),
            others: "Прочие ряды",
            empty: "Нет данных",
            series: &series,
            zero: spec.written.zero_baseline,
            tick: &|v, d| format_number(v, &NumberFormat::Number(d), lang),
        });
        assert_readable(&layout, &format!("case {case}"));
        for one in &series {
            for (point, value) in one.drawn() {
                let (x, y) = (layout.x(point.x), layout.y(value));
                let plot = layout.plot;
                assert!(x >= plot.left && x <= plot.right, "case {case}: {x} {plot:?}");
                assert!(
                    y >= plot.top - 0.01 && y <= plot.bottom + 0.01,
                    "case {case}: {y} {plot:?}"
                );
            }
        }
        if case % 20 == 0 {
            let rendered = render(&spec, &rows, lang).unwrap();
            assert!(svg_to_png(&rendered.svg, 300).unwrap().starts_with(b"\x89PNG"));
        }
    }
}

#[test]
fn years_are_whole_and_stand_at_their_distances() {
    let rows =
        [("England", "1990", Some(1.0)), ("England", "2000", Some(2.0)), ("England", "2005", None)];
    let svg = render(&spec(""), &rows, Lang::En).unwrap().svg;
    assert!(svg.contains(">1990</text>") && !svg.contains(">1990.0</text>"), "{svg}");
    let number = RecordBatch::try_from_iter([
        ("name", Arc::new(StringArray::from(vec!["a", "a"])) as ArrayRef),
        ("time_period", Arc::new(Int64Array::from(vec![1990, 2010]))),
        ("rate", Arc::new(Int64Array::from(vec![1, 2]))),
        ("cells", batch(&rows[..2]).column(4).clone()),
    ])
    .unwrap();
    let rendered = render_chart("f", &spec(""), &[number], Lang::En).unwrap();
    assert!(rendered.svg.contains(">2010</text>"), "{}", rendered.svg);
    assert_eq!(rendered.csv.lines().nth(1), Some("a,1990,1,dfe/t.xlsx#A1!D2"));
}

#[test]
fn a_chart_says_what_it_shows_and_where_it_comes_from() {
    let rows = [
        ("Eng<land", "2016", Some(60.25)),
        ("Eng<land", "2017", None),
        ("Eng<land", "2018", Some(-1234.5)),
    ];
    let rendered = render(&spec(""), &rows, Lang::Ru).unwrap();
    let svg = &rendered.svg;
    assert!(svg.contains("role=\"img\" lang=\"ru\" aria-labelledby=\"rate-title rate-desc\""));
    assert!(svg.contains(
        "data-cells=\"dfe/t.xlsx#A1!D4\"><title>Eng&lt;land\n2018: \u{2212}1\u{a0}234,5\n"
    ));
    assert!(!svg.contains("Eng<land"));
    assert_eq!(
        rendered.alt,
        "Детей под опекой стало больше. Линейный график: Дети без попечения родителей (на 10 000 \
         детей). Eng<land: 60,25 (2016) → \u{2212}1\u{a0}234,5 (2018)."
    );
    assert_eq!(
        rendered.csv,
        "name_ru,time_period,rate,cells\nEng<land,2016,60.25,dfe/t.xlsx#A1!D2\n\
         Eng<land,2017,,dfe/t.xlsx#A1!D3\nEng<land,2018,-1234.5,dfe/t.xlsx#A1!D4\n"
    );
    assert_eq!(svg, &render(&spec(""), &rows, Lang::Ru).unwrap().svg);
}

#[test]
fn a_line_breaks_where_there_is_no_value() {
    let all = [("a", "2016", Some(1.0)), ("a", "2017", Some(2.0)), ("a", "2018", Some(3.0))];
    let mut gap = all;
    gap[1].2 = None;
    let lines = |rows: &[Row<'_>]| {
        let svg = render(&spec(""), rows, Lang::En).unwrap().svg;
        svg.matches("stroke=\"#12436D\" stroke-width=\"25\"").count()
    };
    assert_eq!((lines(&all), lines(&gap)), (1, 0));
    // A year without a row is no statement that there is no value: the line goes on.
    assert_eq!(lines(&[all[0], all[2]]), 1);
}

#[test]
fn more_series_than_colours_need_a_highlight() {
    let names = ["a", "b", "c", "d", "e"];
    let rows: Vec<Row<'_>> = names
        .iter()
        .flat_map(|name| [(*name, "2016", Some(1.0)), (*name, "2017", Some(2.0))])
        .collect();
    assert_eq!(
        problems(&spec(""), &rows),
        ["error: publish/rate.chart.toml:9: 5 series are more than 4\n  hint: name up to four of \
          them in `highlight`; the others are then drawn light grey"]
    );
    let rendered = render(&spec("highlight = [\"c\"]"), &rows, Lang::En).unwrap();
    assert!(rendered.svg.contains(">Other series</text>"));
    assert!(rendered.alt.ends_with("c: 1 (2016) → 2 (2017). Other series: 4."));
    let wrong = problems(&spec("highlight = [\"C\"]"), &rows);
    assert!(wrong[0].contains("did you mean `c`?"), "{wrong:?}");
}

#[test]
fn rows_that_cannot_be_drawn_are_problems() {
    let odd = [
        ("a", "2016", Some(f64::NAN)),
        ("a", "year", Some(1.0)),
        ("a", "2017", Some(1.0)),
        ("a", "2017", Some(2.0)),
        ("a", "2018", Some(f64::MAX)),
    ];
    let found = problems(&spec(""), &odd);
    let expected =
        ["a has two rows for 2017", "`year` is not a time period", "a, 2016: NaN cannot be drawn"];
    for text in expected {
        assert!(found.iter().any(|problem| problem.contains(text)), "{text}: {found:?}");
    }
    let none = problems(&spec(""), &[("a", "2016", None)]);
    assert!(none[0].contains("the query yields no value to draw"), "{none:?}");
    let empty = render(&spec("allow_empty = true"), &[("a", "2016", None)], Lang::Ru).unwrap();
    assert!(empty.svg.contains(">Нет данных</text>"));
    let nothing = render_chart("f", &spec("allow_empty = true"), &[], Lang::Ru).unwrap();
    assert!(nothing.svg.contains(">Нет данных</text>"));

    let columns = batch(&odd[2..3]).project(&[0, 2, 3]).unwrap();
    let found = render_chart("f", &spec(""), &[columns], Lang::En).unwrap_err();
    assert!(found.iter().any(|p| p.message == "the query yields no column `cells`"));
    let flat =
        RecordBatch::try_from_iter([("cells", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)]);
    let found = render_chart("f", &spec(""), &[flat.unwrap()], Lang::En).unwrap_err();
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn a_wrong_file_says_where_and_what_is_meant() {
    let text = |from: &str, to: &str| {
        let found = parse_chart("c.toml", &SPEC.replace(from, to)).unwrap_err();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        text("\"line\"", "\"lines\""),
        "error: c.toml:2: unknown kind of chart `lines`\n  hint: did you mean `line`?"
    );
    assert!(text("unit =", "unti =").ends_with("hint: did you mean `unit`?"));
    assert!(text("unit =", "unti =").starts_with("error: c.toml:13:1: unknown field `unti`"));
    assert!(text("y = \"rate\"\n", "").contains("missing field `y`"));
    assert!(
        text("zero_baseline = true", "zero_baseline = true\nwidth = 9").contains("outside 400")
    );
    assert!(text("kind", "kind = ").contains("c.toml:2:"));
    let spec = spec("");
    assert_eq!(spec.sql_line(), 4);
    assert!(spec.sql().starts_with("select name"));
}
