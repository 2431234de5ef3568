use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder};

use super::*;
use crate::{NotebookInput, parse_chart, render_chart, render_notebook};

const BRIEF: &str = r#"---
title = "Children in care in Blackpool"
lang = "en"
summary = "More than anywhere else."
pipeline = "children-in-care"
---

```sql found
select children, change, none, cells
from children_in_care.blackpool
```

## What we found

On 31 March {{ value found.children | int }} children were looked after, a change
of *{{ value found.change | signed(1) | or("no figure") }}* per cent. <script>alert(1)</script>

{{ chart rate }}

```sql areas
select name, year, rate, cells from children_in_care.rates
```

{{ table areas | caption("Rates by area") }}

- `{{ value found.children }}` is code
- {{ value found.none | or("not known") }} [link](https://example.org/a?b=1&c=2)

| a | b |
|---|---|
| {{ value found.children | number(2) }} | x |
"#;

fn cells(rows: &[&[&str]]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        builder.append_value(row.iter().map(Some));
    }
    Arc::new(builder.finish())
}

fn results() -> BTreeMap<String, Vec<RecordBatch>> {
    let found = RecordBatch::try_from_iter([
        ("children", Arc::new(Int64Array::from(vec![1234])) as ArrayRef),
        ("change", Arc::new(Float64Array::from(vec![-3.05]))),
        ("none", Arc::new(Float64Array::from(vec![None]))),
        ("cells", cells(&[&["dfe/t.xlsx#A 1!D17", "dfe/t.xlsx#A 1!C2"]])),
    ]);
    let areas = RecordBatch::try_from_iter([
        ("name", Arc::new(StringArray::from(vec!["Black<pool", "England"])) as ArrayRef),
        ("year", Arc::new(Int64Array::from(vec![2024, 2025]))),
        ("rate", Arc::new(Float64Array::from(vec![Some(189.5), None]))),
        ("cells", cells(&[&["dfe/t.xlsx#A 1!D17"], &["ons/p.csv#R2C3"]])),
    ]);
    BTreeMap::from([
        ("found".to_owned(), vec![found.unwrap()]),
        ("areas".to_owned(), vec![areas.unwrap()]),
    ])
}

fn chart() -> RenderedChart {
    let text = r#"
kind = "line"
sql = "select 1"
x = "year"
y = "rate"
series = "name"
title = { en = "A <title>" }
subtitle = { en = "Rates" }
source_note = { en = "DfE" }
zero_baseline = false
"#;
    let spec = parse_chart("rate.chart.toml", text).unwrap();
    render_chart("rate.chart.toml", &spec, &results()["areas"], Lang::En).unwrap()
}

fn trace(cell: &str) -> Option<CellTrace> {
    let found = opeka_model::CellRef::parse(cell)?;
    Some(CellTrace {
        cell_ref: cell.to_owned(),
        source: found.source,
        sheet: found.sheet,
        cell: found.cell,
        text: "1 234*".to_owned(),
        obs_value: Some(1234.0),
        obs_status: "A".to_owned(),
        mark: Some("*".to_owned()),
        note: Some("Provisional & <low>".to_owned()),
        sha256: "0123456789abcdef".to_owned(),
    })
}

fn citation() -> Citation {
    Citation {
        source: "dfe/t.xlsx".to_owned(),
        title: "Children looked after".to_owned(),
        citation: "Department for Education (2025).".to_owned(),
        note: "Carried over, values & marks unchanged.".to_owned(),
        url: "https://example.org/cla".to_owned(),
        licence: "OGL v3".to_owned(),
        accessed: "2026-11-22".to_owned(),
        sha256: "0123456789abcdef".to_owned(),
    }
}

fn input() -> BriefInput<'static> {
    BriefInput {
        results: results(),
        charts: BTreeMap::from([("rate".to_owned(), chart())]),
        trace: &trace,
        citations: vec![citation()],
        metrics: BTreeMap::from([("found".to_owned(), vec!["care.blackpool".to_owned()])]),
    }
}

fn html(text: &str) -> String {
    render_brief(&parse_brief("b.brief.md", text).unwrap(), &input()).unwrap()
}

fn problems(text: &str, input: &BriefInput<'_>) -> Vec<String> {
    match parse_brief("b.md", text) {
        Err(found) => found,
        Ok(brief) => render_brief(&brief, input).unwrap_err(),
    }
    .iter()
    .map(ToString::to_string)
    .collect()
}

#[test]
fn a_brief_is_read_into_its_parts() {
    let brief = parse_brief("b.md", BRIEF).unwrap();
    assert_eq!((brief.title(), brief.lang()), ("Children in care in Blackpool", Lang::En));
    assert_eq!(brief.pipeline(), Some("children-in-care"));
    let [found, areas] = brief.queries() else { panic!("{:?}", brief.queries()) };
    assert_eq!((found.name.as_str(), found.line), ("found", 9));
    assert!(found.sql.starts_with("select children") && found.sql.ends_with("blackpool"));
    assert_eq!((areas.name.as_str(), areas.line), ("areas", 21));
    assert_eq!(brief.charts(), [("rate", 18)]);
    assert_eq!(brief.value_lines("found"), [15, 16, 27, 31]);
    assert_eq!(brief.value_lines("areas"), [24]);
}

#[test]
fn every_number_leads_to_its_cells() {
    let page = html(BRIEF);
    assert!(page.contains(
        "On 31 March <a class=\"n\" id=\"n1\" href=\"#t1\" \
         data-cells=\"dfe/t.xlsx#A 1!C2|dfe/t.xlsx#A 1!D17\">1,234</a> children"
    ));
    assert!(page.contains("<em><a class=\"n\" id=\"n2\" href=\"#t1\""));
    assert!(page.contains(">\u{2212}3.1</a></em>"), "{page}");
    assert!(page.contains(">1,234.00</a>"));
    assert!(page.contains("<code>care.blackpool</code>"));
    assert!(page.contains("<li>not known <a href=\"https://example.org/a?b=1&amp;c=2\">"));
    assert!(page.contains("<caption><b>Table 1.</b> Rates by area</caption>"));
    assert!(page.contains("<th scope=\"row\">Black&lt;pool</th><td class=\"num\"><a"));
    assert!(page.contains(">2024</a></td>"));
    assert!(page.contains("Provisional &amp; &lt;low&gt;"));
    assert!(page.contains("<code>{{ value found.children }}</code>"));
    // The picture's own names are those of this page, and its points are links.
    assert!(page.contains("aria-labelledby=\"fig1-title fig1-desc\""));
    assert!(page.contains("<title id=\"fig1-title\">A &lt;title&gt;</title>"));
    assert!(page.contains("tabindex=\"-1\"><circle data-point=\"0\""));
}

#[test]
fn a_page_is_whole_and_safe() {
    let page = html(BRIEF);
    for forbidden in [
        "<script",
        "src=",
        "url(",
        "@import",
        "<link",
        "select children",
        '\u{e000}'.to_string().as_str(),
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    // Every id is given once, and every link inside the page finds its end.
    let values = |attribute: &str| -> Vec<String> {
        page.split(&format!(" {attribute}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect()
    };
    let ids = values("id");
    let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for link in values("href") {
        if let Some(id) = link.strip_prefix('#') {
            assert!(ids.iter().any(|known| known == id), "{link}");
        }
    }
    assert_eq!(page, html(BRIEF));
}

fn brief(body: &str) -> String {
    format!("---\ntitle = \"T\"\nlang = \"ru\"\n---\n\n```sql found\nselect 1\n```\n{body}\n")
}

#[test]
fn mistakes_of_the_text_have_their_places() {
    for (body, expected) in [
        (
            "{{ value fuond.x }}",
            "b.md:9:1: no query is named `fuond`\n  hint: did you mean `found`?",
        ),
        (
            "a {{ value found.childern }}",
            "b.md:9:3: the query `found` has no column `childern`\n  hint: did you mean `children`?",
        ),
        (
            "{{ value found.none }}",
            "b.md:9:1: `found.none` has no figure\n  hint: say what to print then: `| or(\"нет данных\")`",
        ),
        (
            "\n{{ chart rates }}",
            "b.md:10:1: no chart is named `rates`\n  hint: did you mean `rate`?",
        ),
        (
            "see {{ chart rate }}",
            "b.md:9:5: `{{ chart rate }}` stands inside a line\n  hint: give it a line of its own",
        ),
        ("x {{ value found.x", "b.md:9:3: the placeholder is not closed with `}}`"),
        ("![x](a.png)", "b.md:9:1: a brief loads no pictures"),
        ("[x](javascript:alert)", "the link `javascript:alert` leads nowhere safe"),
        (
            "[{{ value found.children }}](#x)",
            "b.md:9:2: a placeholder stands in the text of a link",
        ),
        ("```sql\nselect 2\n```", "`` is no name for a query"),
        ("```sql found\nselect 2\n```", "b.md:9:1: a second query is named `found`"),
        ("```sql empty\n```", "b.md:9:1: the query `empty` is empty"),
    ] {
        let found = problems(&brief(body), &input());
        assert!(found[0].contains(expected), "{body}: {found:?}");
        assert!(found[0].starts_with("error: b.md:9") || found[0].starts_with("error: b.md:10"));
    }
    for (text, expected) in [
        ("# No front matter", "b.md:1: the brief has no front matter"),
        ("---\ntitle = \"T\"\nlang = \"de\"\n---\n", "b.md:3: `de` is not a language"),
        ("---\ntitle = \"T\"\nlong = \"ru\"\n---\n", "b.md:3:1: unknown field `long`"),
        ("---\ntitle = \"\"\nlang = \"ru\"\n---\n", "b.md:2: the title is empty"),
    ] {
        assert!(problems(text, &input())[0].contains(expected), "{:?}", problems(text, &input()));
    }
}

#[test]
fn mistakes_of_the_data_are_found_together() {
    let mut wrong = input();
    wrong.trace = &|_| None;
    let text = brief("{{ value found.children }}\n\n{{ value found.nothing }}");
    let found = problems(&text, &wrong);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("names a cell that the release does not hold: `dfe/t.xlsx#A 1!C2`"));

    let rows = |columns: &[usize]| {
        let areas = &results()["areas"][0];
        let mut wrong = input();
        wrong.results.insert("found".to_owned(), vec![areas.project(columns).unwrap()]);
        problems(&brief("{{ value found.rate }}\n\n{{ table found }}"), &wrong)
    };
    assert!(
        rows(&[0, 1, 2, 3])[0].contains("b.md:9:1: the query `found` has 2 rows; a value needs")
    );
    assert!(
        rows(&[0, 1, 2])[1].contains("`found` has no column `cells`"),
        "{:?}",
        rows(&[0, 1, 2])
    );
}

#[test]
fn a_notebook_says_the_same() {
    let brief = parse_brief("b.md", BRIEF).unwrap();
    let columns = vec![("rate".to_owned(), "a | b".to_owned(), "per 10,000".to_owned())];
    let input = NotebookInput {
        pipeline: "children-in-care",
        dictionary: vec![("care.rates".to_owned(), "Rates".to_owned(), columns)],
        citations: vec![citation()],
    };
    let text = render_notebook(&brief, &input).unwrap();
    assert_eq!(text, render_notebook(&brief, &input).unwrap());
    let notebook: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (notebook["nbformat"].as_i64(), notebook["nbformat_minor"].as_i64()),
        (Some(4), Some(5))
    );
    let cells = notebook["cells"].as_array().unwrap();
    let ids: Vec<&str> = cells.iter().filter_map(|cell| cell["id"].as_str()).collect();
    assert_eq!(
        ids,
        [
            "title",
            "open-release",
            "query-found",
            "text-1",
            "chart-rate",
            "query-areas",
            "table-areas",
            "text-2",
            "dictionary",
            "sources"
        ]
    );
    let source = |at: usize| -> String {
        cells[at]["source"].as_array().unwrap().iter().filter_map(|l| l.as_str()).collect()
    };
    assert_eq!(
        source(2),
        "found = con.sql(\"\"\"\nselect children, change, none, cells\nfrom \
         children_in_care.blackpool\n\"\"\").df()\nfound"
    );
    assert!(source(3).contains("On 31 March `found.children` children"));
    assert_eq!(
        source(4),
        "SVG(filename=str(release / \"published\" / \"children-in-care\" / \"rate.en.svg\"))"
    );
    assert!(source(8).contains("| `rate` | a \\| b | per 10,000 |"));
}

#[test]
fn a_notebook_runs_from_above() {
    let text = brief(
        "{{ table later }}\n\n```sql later\nselect '\"\"\"\\'\n```\n\n```sql class\nselect 1\n```",
    );
    let brief = parse_brief("b.md", &text).unwrap();
    let input = NotebookInput { pipeline: "p", dictionary: Vec::new(), citations: Vec::new() };
    let text = render_notebook(&brief, &input).unwrap();
    let notebook: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sources: Vec<String> = notebook["cells"].as_array().unwrap()[2..]
        .iter()
        .map(|cell| cell["source"].as_array().unwrap().iter().filter_map(|l| l.as_str()).collect())
        .collect();
    assert_eq!(
        sources,
        [
            "found = con.sql(\"\"\"\nselect 1\n\"\"\").df()\nfound",
            "later = con.sql(\"select '\\\"\\\"\\\"\\\\'\").df()\nlater",
            "class_ = con.sql(\"\"\"\nselect 1\n\"\"\").df()\nclass_",
        ]
    );
}
