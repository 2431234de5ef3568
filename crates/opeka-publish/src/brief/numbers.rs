//! Every number that a brief prints, and the cells behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opeka_model::{Kind, Place, Problem, Problems};

use super::{BriefInput, CellTrace};
use crate::Lang;
use crate::escape::escape;
use crate::number::{NumberFormat, format_number};

/// What stands behind a group of numbers that share their cells: a row of a query's answer, or a
/// point of a chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// With a column, the cells are those of that column alone.
    Row {
        query: String,
        row: usize,
        column: Option<String>,
    },
    Point {
        figure: usize,
        chart: String,
        point: usize,
    },
}

struct Number {
    id: usize,
    text: String,
    column: String,
    line: usize,
}

struct Entry {
    origin: Origin,
    cells: Vec<CellTrace>,
    numbers: Vec<Number>,
}

/// The numbers of a brief in the order in which they are printed.
pub(crate) struct Numbers<'a> {
    input: &'a BriefInput<'a>,
    lang: Lang,
    entries: Vec<Entry>,
    known: BTreeMap<Origin, usize>,
    count: usize,
    /// Cells that the release lacks, each reported once.
    missing: BTreeSet<String>,
}

/// The number that is to be printed.
pub(crate) struct Printed<'a> {
    pub(crate) text: &'a str,
    pub(crate) column: &'a str,
    pub(crate) origin: Origin,
    pub(crate) cells: &'a [String],
    /// Where the brief asks for it.
    pub(crate) place: &'a Place,
    pub(crate) line: usize,
}

impl<'a> Numbers<'a> {
    pub(crate) fn new(input: &'a BriefInput<'a>, lang: Lang) -> Self {
        Self {
            input,
            lang,
            entries: Vec::new(),
            known: BTreeMap::new(),
            count: 0,
            missing: BTreeSet::new(),
        }
    }

    /// The number as a link to its entry.
    pub(crate) fn link(&mut self, number: &Printed<'_>, problems: &mut Problems) -> String {
        self.count += 1;
        let id = self.count;
        let at = match self.known.get(&number.origin) {
            Some(at) => *at,
            None => {
                let cells = self.trace(number, problems);
                self.entries.push(Entry {
                    origin: number.origin.clone(),
                    cells,
                    numbers: Vec::new(),
                });
                self.known.insert(number.origin.clone(), self.entries.len() - 1);
                self.entries.len() - 1
            }
        };
        self.entries[at].numbers.push(Number {
            id,
            text: number.text.to_owned(),
            column: number.column.to_owned(),
            line: number.line,
        });
        format!(
            "<a class=\"n\" id=\"n{id}\" href=\"#t{}\" data-cells=\"{}\">{}</a>",
            self.entries[at].numbers[0].id,
            escape(&number.cells.join("|")),
            escape(number.text)
        )
    }

    /// The entry to which a point of a chart leads, once its number was printed.
    pub(crate) fn entry_of(&self, origin: &Origin) -> Option<usize> {
        let at = self.known.get(origin)?;
        self.entries[*at].numbers.first().map(|number| number.id)
    }

    fn trace(&mut self, number: &Printed<'_>, problems: &mut Problems) -> Vec<CellTrace> {
        if number.cells.is_empty() {
            let message = format!("`{}` names no cell for {}", name(&number.origin), number.text);
            problems.push(
                Problem::error(Kind::Data, number.place.clone(), message)
                    .hint("its `cells` column is empty: keep the cells of all rows behind it"),
            );
        }
        let mut found = Vec::with_capacity(number.cells.len());
        for cell in number.cells {
            match (self.input.trace)(cell) {
                Some(trace) => found.push(trace),
                None if self.missing.insert(cell.clone()) => {
                    let message = format!(
                        "`{}` names a cell that the release does not hold: `{cell}`",
                        name(&number.origin)
                    );
                    problems.push(Problem::error(Kind::Data, number.place.clone(), message));
                }
                None => {}
            }
        }
        found
    }

    /// The section that says where each number comes from: one table, with a group of rows for each
    /// entry.
    pub(crate) fn section(&self) -> String {
        let words = self.lang.words();
        let mut html = format!(
            "<section id=\"trace\" aria-labelledby=\"trace-title\">\n<h2 id=\"trace-title\">{}</h2>\n\
             <p>{}</p>\n",
            words.trace_title, words.trace_intro
        );
        if !self.entries.is_empty() {
            let _ = write!(
                html,
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"trace-title\">\
                 <table class=\"trace\">\n<caption class=\"vh\">{}</caption>\n",
                words.trace_title
            );
            self.head(&mut html);
            for entry in &self.entries {
                self.entry(&mut html, entry);
            }
            html.push_str("</table></div>\n");
        }
        html.push_str("</section>\n");
        html
    }

    fn head(&self, html: &mut String) {
        let words = self.lang.words();
        let heads = [
            words.file,
            words.sheet,
            words.cell,
            words.cell_text,
            words.read_as,
            words.status,
            words.mark_and_note,
        ];
        html.push_str("<thead><tr>");
        for head in heads {
            let _ = write!(html, "<th scope=\"col\">{head}</th>");
        }
        html.push_str("</tr></thead>\n");
    }

    fn entry(&self, html: &mut String, entry: &Entry) {
        // More rows than that push the next number off the page.
        const SHOWN: usize = 24;
        let Some(first) = entry.numbers.first() else { return };
        let _ = write!(
            html,
            "<tbody class=\"t\" id=\"t{}\">\n<tr><th colspan=\"7\" scope=\"rowgroup\"><div>",
            first.id
        );
        self.describe(html, entry);
        html.push_str("</div></th></tr>\n");
        let (shown, folded) = entry.cells.split_at(entry.cells.len().min(SHOWN));
        self.rows(html, shown);
        if !folded.is_empty() {
            let _ = write!(
                html,
                "<tr><td colspan=\"7\"><details>\n<summary>{} + {}</summary>\n<table>\n",
                self.lang.words().cells,
                format_number(folded.len() as f64, &NumberFormat::Int, self.lang)
            );
            self.head(html);
            html.push_str("<tbody>\n");
            self.rows(html, folded);
            html.push_str("</tbody>\n</table>\n</details></td></tr>\n");
        }
        html.push_str("</tbody>\n");
    }

    /// The numbers of an entry, what they are made by, and the ways back to the text.
    fn describe(&self, html: &mut String, entry: &Entry) {
        let words = self.lang.words();
        // The same number may be printed twice; each way back is worth a link, its text is not.
        let mut texts: Vec<String> = Vec::new();
        let mut columns: Vec<String> = Vec::new();
        let mut lines: BTreeSet<usize> = BTreeSet::new();
        for number in &entry.numbers {
            let (text, column) = (escape(&number.text), escape(&number.column));
            if !texts.contains(&text) {
                texts.push(text);
            }
            if !columns.contains(&column) {
                columns.push(column);
            }
            lines.insert(number.line);
        }
        let _ = write!(html, "<b>{}</b> — ", texts.join("; "));
        let metrics = match &entry.origin {
            Origin::Row { query, .. } => {
                let _ = write!(
                    html,
                    "{} <code>{}</code>: <code>{}</code>",
                    words.query,
                    escape(query),
                    columns.join("</code>, <code>")
                );
                self.input.metrics.get(query)
            }
            Origin::Point { figure, chart, .. } => {
                let figure_word = words.figure.to_lowercase();
                let _ = write!(html, "{figure_word} {figure}: {}", columns.join("; "));
                self.input.metrics.get(chart)
            }
        };
        if let Some(metrics) = metrics.filter(|metrics| !metrics.is_empty()) {
            let metrics: Vec<String> =
                metrics.iter().map(|m| format!("<code>{}</code>", escape(m))).collect();
            let _ = write!(html, "; {}: {}", words.metrics, metrics.join(", "));
        }
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let _ = write!(html, "; {}: {}.", words.line, lines.join(", "));
        for (at, number) in entry.numbers.iter().enumerate() {
            let text = if at == 0 { "↑".to_owned() } else { format!("↑{}", at + 1) };
            let _ = write!(
                html,
                " <a class=\"back\" href=\"#n{}\" aria-label=\"{}: {}\">{text}</a>",
                number.id,
                words.back,
                escape(&number.text)
            );
        }
    }

    fn rows(&self, html: &mut String, cells: &[CellTrace]) {
        for cell in cells {
            let value = match cell.obs_value {
                Some(value) => format_number(value, &NumberFormat::Text, self.lang),
                None => self.lang.words().no_figure.to_owned(),
            };
            let mark = [&cell.mark, &cell.note]
                .into_iter()
                .flatten()
                .map(|text| escape(text))
                .collect::<Vec<_>>()
                .join(" — ");
            let _ = writeln!(
                html,
                "<tr data-cell=\"{}\"><td class=\"file\" title=\"SHA-256 {}\">{}</td><td>{}</td>\
                 <td>{}</td><td class=\"as\">{}</td><td>{}</td><td>{}</td><td>{mark}</td></tr>",
                escape(&cell.cell_ref),
                escape(&cell.sha256),
                breakable(&cell.source),
                escape(cell.sheet.as_deref().unwrap_or("—")),
                escape(&cell.cell),
                escape(&cell.text),
                escape(&value),
                escape(&cell.obs_status),
            );
        }
    }
}

/// A path that may be broken after its slashes.
pub(crate) fn breakable(path: &str) -> String {
    escape(path).replace('/', "/<wbr>")
}

fn name(origin: &Origin) -> &str {
    match origin {
        Origin::Row { query, .. } => query,
        Origin::Point { chart, .. } => chart,
    }
}
