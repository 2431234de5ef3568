//! The page of a metric: what its declaration says, its SQL, and what it was made from.

use std::fmt::Write as _;

use crate::brief::Citation;
use crate::escape::escape;

const STYLE: &str = include_str!("brief/style.css");

/// What a page shows. Numbers of rows and cells are those of the release it belongs to.
#[derive(Debug, Clone, Default)]
pub struct MetricPage<'a> {
    /// As in SQL: `england_care.starting`.
    pub name: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub numerator: Option<&'a str>,
    pub denominator: Option<&'a str>,
    pub method: Option<&'a str>,
    pub caveats: Vec<&'a str>,
    /// Our SQL functions that it calls: name, and what it does.
    pub functions: Vec<(String, String)>,
    /// Tests that were adjusted together: which, and the column.
    pub families: Vec<(&'a str, &'a str)>,
    pub rows: usize,
    /// How many values each column of the grain takes.
    pub grain: Vec<(&'a str, usize)>,
    /// Rows without a figure, and what they say: column, text, number of rows.
    pub reasons: Vec<(String, String, usize)>,
    /// How many cells of each source the figures were made from.
    pub sources: Vec<(Citation, usize)>,
    /// Name, meaning and unit of each column.
    pub columns: Vec<(&'a str, &'a str, &'a str)>,
    /// What was checked, in words.
    pub checks: Vec<String>,
    pub sql: &'a str,
}

/// The page as HTML: one file that loads nothing.
pub fn render_metric_page(page: &MetricPage<'_>) -> String {
    let mut html = String::new();
    let title = escape(page.title);
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p><code>{}</code></p>\n<p>{}</p>\n",
        escape(page.name),
        escape(page.description),
    );
    definition(&mut html, page);
    if !page.caveats.is_empty() {
        section(&mut html, "Caveats");
        list(&mut html, page.caveats.iter().map(|caveat| escape(caveat)));
    }
    rows_used(&mut html, page);
    section(&mut html, "Columns");
    let columns = page.columns.iter().map(|(name, meaning, unit)| {
        [format!("<code>{}</code>", escape(name)), escape(meaning), escape(unit)]
    });
    table(&mut html, ["Column", "Meaning", "Unit"], columns);
    if !page.checks.is_empty() {
        section(&mut html, "What was checked");
        list(&mut html, page.checks.iter().map(|check| escape(check)));
    }
    section(&mut html, "The query");
    let _ = writeln!(html, "<pre><code>{}</code></pre>", escape(page.sql.trim_end()));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn definition(html: &mut String, page: &MetricPage<'_>) {
    let parts =
        [("Numerator", page.numerator), ("Denominator", page.denominator), ("Method", page.method)];
    let functions = page.functions.iter();
    let functions =
        functions.map(|(name, what)| (format!("<code>{}</code>", escape(name)), escape(what)));
    let families = page.families.iter().map(|(tests, column)| {
        let text = format!("<code>{}</code>: {}", escape(column), escape(tests));
        ("Tests adjusted together".to_owned(), text)
    });
    let parts = parts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), escape(text?))))
        .chain(functions)
        .chain(families)
        .map(|(name, text)| [name, text])
        .collect::<Vec<_>>();
    if !parts.is_empty() {
        section(html, "Definition");
        table(html, ["What", "In words"], parts.into_iter());
    }
}

fn rows_used(html: &mut String, page: &MetricPage<'_>) {
    section(html, "Rows used");
    let grain: Vec<String> = page
        .grain
        .iter()
        .map(|(column, values)| format!("{values} of <code>{}</code>", escape(column)))
        .collect();
    let _ = writeln!(html, "<p>{} rows: {}.</p>", page.rows, grain.join(", "));
    let sources = page.sources.iter().map(|(source, cells)| {
        [escape(&source.citation), escape(&source.source), cells.to_string()]
    });
    table(html, ["Source", "File", "Cells"], sources);
    if !page.reasons.is_empty() {
        let _ = writeln!(html, "<p>Rows in which something is missing or was left out:</p>");
        let reasons = page.reasons.iter().map(|(column, text, rows)| {
            [format!("<code>{}</code>", escape(column)), escape(text), rows.to_string()]
        });
        table(html, ["Column", "What it says", "Rows"], reasons);
    }
}

fn section(html: &mut String, title: &str) {
    let _ = writeln!(html, "<h2>{title}</h2>");
}

fn list(html: &mut String, items: impl Iterator<Item = String>) {
    html.push_str("<ul>\n");
    for item in items {
        let _ = writeln!(html, "<li>{item}</li>");
    }
    html.push_str("</ul>\n");
}

/// Cells are HTML already.
fn table<const N: usize>(
    html: &mut String,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    html.push_str("<table>\n<thead><tr>");
    for name in header {
        let _ = write!(html, "<th scope=\"col\">{name}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{cell}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
}
