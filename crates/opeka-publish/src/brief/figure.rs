//! Charts and tables inside a brief.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opeka_model::{Place, Problems};

use super::numbers::{Numbers, Origin, Printed};
use crate::Lang;
use crate::RenderedChart;
use crate::chart::DrawnPoint;
use crate::escape::escape;
use crate::lang::Words;
use crate::number::{NumberFormat, format_number};
use crate::rows::{Column, Rows, Type, Value};

/// So many series stand side by side in a table; more stand one below the other.
const MOST_COLUMNS: usize = 4;

pub(crate) struct Figure<'a> {
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    pub(crate) chart: &'a RenderedChart,
    pub(crate) place: &'a Place,
    pub(crate) line: usize,
    pub(crate) words: &'a Words,
}

impl Figure<'_> {
    pub(crate) fn html(&self, numbers: &mut Numbers<'_>, problems: &mut Problems) -> String {
        let words = self.words;
        let (figure, number) = (words.figure, self.number);
        // The caption and the table come first: they print the numbers to which points lead.
        let caption = self.caption(numbers, problems);
        let table = self.table(numbers, problems);
        let svg = self.svg(numbers);
        format!(
            "<figure id=\"fig{number}\">\n<div class=\"wide\" tabindex=\"0\" role=\"region\" \
             aria-label=\"{figure} {number}\">\n{svg}</div>\n\
             <figcaption><b>{figure} {number}.</b> {caption}</figcaption>\n\
             <details>\n<summary>{}</summary>\n{table}</details>\n</figure>\n",
            words.chart_data
        )
    }

    fn link(
        &self,
        at: usize,
        point: &DrawnPoint,
        numbers: &mut Numbers<'_>,
        problems: &mut Problems,
    ) -> String {
        let printed = Printed {
            text: &point.text,
            column: &format!("{}, {}", point.series, point.period),
            origin: self.origin(at),
            cells: &point.cells,
            place: self.place,
            line: self.line,
        };
        numbers.link(&printed, problems)
    }

    fn origin(&self, point: usize) -> Origin {
        Origin::Point { figure: self.number, chart: self.name.to_owned(), point }
    }

    /// The first and the last value of each coloured line: what a reader takes away.
    fn caption(&self, numbers: &mut Numbers<'_>, problems: &mut Problems) -> String {
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for (at, point) in self.chart.points.iter().enumerate().filter(|(_, p)| p.coloured) {
            match ends.last_mut() {
                Some((first, last)) if self.chart.points[*first].series == point.series => {
                    *last = at;
                }
                _ => ends.push((at, at)),
            }
        }
        let mut sentences = Vec::new();
        for (first, last) in ends {
            let (a, b) = (&self.chart.points[first], &self.chart.points[last]);
            let mut sentence = format!(
                "{}: {} ({})",
                escape(&a.series),
                self.link(first, a, numbers, problems),
                escape(&a.period)
            );
            if last > first {
                let link = self.link(last, b, numbers, problems);
                let _ = write!(sentence, " → {link} ({})", escape(&b.period));
            }
            sentences.push(sentence);
        }
        if sentences.is_empty() {
            return format!("{}.", self.words.no_data);
        }
        format!("{}.", sentences.join("; "))
    }

    fn table(&self, numbers: &mut Numbers<'_>, problems: &mut Problems) -> String {
        let points = &self.chart.points;
        let mut series: Vec<&str> = Vec::new();
        for point in points {
            if !series.contains(&point.series.as_str()) {
                series.push(&point.series);
            }
        }
        let caption = format!(
            "<div class=\"wide\"><table>\n<caption>{} {}. {} ({})</caption>\n<thead><tr>",
            self.words.figure,
            self.number,
            escape(&self.chart.title),
            escape(&self.chart.value_column)
        );
        let mut html = caption;
        let head = |text: &str| format!("<th scope=\"col\">{}</th>", escape(text));
        html.push_str(&head(&self.chart.period_column));
        if series.len() <= MOST_COLUMNS {
            series.iter().for_each(|name| html.push_str(&head(name)));
            html.push_str("</tr></thead>\n<tbody>\n");
            let mut rows: BTreeMap<(i64, &str), Vec<Option<usize>>> = BTreeMap::new();
            for (at, point) in points.iter().enumerate() {
                let row = rows.entry((point.order, &point.period)).or_default();
                row.resize(series.len(), None);
                if let Some(column) = series.iter().position(|name| *name == point.series) {
                    row[column] = Some(at);
                }
            }
            for ((_, period), row) in rows {
                let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(period));
                for cell in row {
                    let text = match cell {
                        Some(at) => self.link(at, &points[at], numbers, problems),
                        None => format!("<span class=\"none\">{}</span>", self.words.no_figure),
                    };
                    let _ = write!(html, "<td class=\"num\">{text}</td>");
                }
                html.push_str("</tr>\n");
            }
        } else {
            html.push_str(&head(self.words.series));
            html.push_str(&head(self.words.value));
            html.push_str("</tr></thead>\n<tbody>\n");
            for (at, point) in points.iter().enumerate() {
                let _ = writeln!(
                    html,
                    "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\">{}</td></tr>",
                    escape(&point.period),
                    escape(&point.series),
                    self.link(at, point, numbers, problems)
                );
            }
        }
        html.push_str("</tbody>\n</table></div>\n");
        html
    }

    /// The picture with names of its own on this page, and with its points leading to their cells.
    fn svg(&self, numbers: &Numbers<'_>) -> String {
        let (id, number) = (&self.chart.id, self.number);
        let svg = self
            .chart
            .svg
            .replace(
                &format!("aria-labelledby=\"{id}-title {id}-desc\""),
                &format!("aria-labelledby=\"fig{number}-title fig{number}-desc\""),
            )
            .replace(
                &format!("<title id=\"{id}-title\">"),
                &format!("<title id=\"fig{number}-title\">"),
            )
            .replace(
                &format!("<desc id=\"{id}-desc\">"),
                &format!("<desc id=\"fig{number}-desc\">"),
            );
        let mut out = String::with_capacity(svg.len());
        let mut open = false;
        for line in svg.split_inclusive('\n') {
            let point = line
                .strip_prefix("<circle data-point=\"")
                .and_then(|rest| rest.split('"').next())
                .and_then(|digits| digits.parse().ok())
                .and_then(|point| numbers.entry_of(&self.origin(point)));
            // A hover title has several lines; its circle ends with the line that closes it.
            if let Some(entry) = point {
                let _ = write!(out, "<a href=\"#t{entry}\" tabindex=\"-1\">");
                open = true;
            }
            out.push_str(line);
            if open && line.ends_with("</circle>\n") {
                out.push_str("</a>\n");
                open = false;
            }
        }
        out
    }
}

/// A query's answer as a table.
pub(crate) struct AnswerTable<'a> {
    pub(crate) number: usize,
    pub(crate) query: &'a str,
    pub(crate) caption: Option<&'a str>,
    pub(crate) rows: &'a Rows,
    /// The cells of each row.
    pub(crate) cells: &'a [Vec<String>],
    pub(crate) place: &'a Place,
    pub(crate) line: usize,
    pub(crate) lang: Lang,
}

impl AnswerTable<'_> {
    pub(crate) fn html(&self, numbers: &mut Numbers<'_>, problems: &mut Problems) -> String {
        let words = self.lang.words();
        let caption = self.caption.map_or_else(|| heading(self.query), str::to_owned);
        let mut html = format!(
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{} {}\"><table>\n\
             <caption><b>{} {}.</b> {}</caption>\n<thead><tr>",
            words.table,
            self.number,
            words.table,
            self.number,
            escape(&caption)
        );
        for column in &self.rows.columns {
            let class = if column.kind == Type::Text { "" } else { " class=\"num\"" };
            let _ =
                write!(html, "<th scope=\"col\"{class}>{}</th>", escape(&heading(&column.name)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        let formats: Vec<NumberFormat> = self.rows.columns.iter().map(format_of).collect();
        for row in 0..self.rows.len {
            html.push_str("<tr>");
            for (at, (column, format)) in self.rows.columns.iter().zip(&formats).enumerate() {
                match &column.values[row] {
                    // The first column names the row.
                    Value::Text(text) if at == 0 => {
                        let _ = write!(html, "<th scope=\"row\">{}</th>", escape(text));
                    }
                    Value::Text(text) => {
                        let _ = write!(html, "<td>{}</td>", escape(text));
                    }
                    Value::Null => {
                        let class = if column.kind == Type::Text { "" } else { " class=\"num\"" };
                        let none = words.no_figure;
                        let _ = write!(html, "<td{class}><span class=\"none\">{none}</span></td>");
                    }
                    Value::Number(value) => {
                        let (cells, own) = self.rows.cells_of(&column.name, self.cells);
                        let printed = Printed {
                            text: &format_number(*value, format, self.lang),
                            column: &column.name,
                            origin: Origin::Row {
                                query: self.query.to_owned(),
                                row,
                                column: own.then(|| column.name.clone()),
                            },
                            cells: &cells[row],
                            place: self.place,
                            line: self.line,
                        };
                        let link = numbers.link(&printed, problems);
                        let _ = write!(html, "<td class=\"num\">{link}</td>");
                    }
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table></div>\n");
        html
    }
}

/// All numbers of a column get the same number of decimals: the most that any of them has, two at
/// most.
fn format_of(column: &Column) -> NumberFormat {
    if column.kind == Type::Integer {
        return default_format(column);
    }
    let decimals = column.values.iter().map(|value| match value {
        Value::Number(value) => {
            let text = format_number(*value, &NumberFormat::Plain, Lang::En);
            text.split_once('.').map_or(0, |(_, fraction)| fraction.len().min(2))
        }
        _ => 0,
    });
    NumberFormat::Number(decimals.max().unwrap_or(0))
}

/// How a number of this column is printed when the brief does not say.
pub(crate) fn default_format(column: &Column) -> NumberFormat {
    let name = column.name.as_str();
    match column.kind {
        Type::Integer if name == "year" || name == "time_period" || name.ends_with("_year") => {
            NumberFormat::Year
        }
        Type::Integer => NumberFormat::Int,
        Type::Real | Type::Text => NumberFormat::Plain,
    }
}

/// `children in care` of `children_in_care`, with a capital letter. A query gives better headings
/// by naming its columns in words.
fn heading(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
