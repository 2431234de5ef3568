//! The HTML of a brief: one file that loads nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opeka_model::{Kind, Place, Problem, Problems, suggest};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html};

use super::figure::{AnswerTable, Figure, default_format};
use super::numbers::{Numbers, Origin, Printed, breakable};
use super::parse::{fence_name, options};
use super::placeholder::{Piece, Placeholder, What, pieces};
use super::{Brief, BriefInput, Citation};
use crate::escape::escape;
use crate::number::{NumberFormat, format_number};
use crate::rows::{CELLS, Cells, Rows, Value};

const STYLE: &str = include_str!("style.css");

pub(crate) fn render(brief: &Brief, input: &BriefInput<'_>) -> Result<String, Problems> {
    let mut page = Page {
        brief,
        input,
        numbers: Numbers::new(input, brief.lang),
        answers: BTreeMap::new(),
        complained: BTreeSet::new(),
        problems: Problems::new(),
        figures: 0,
        tables: 0,
    };
    page.read_answers();
    let text = page.text();
    if !page.problems.is_empty() {
        return Err(page.problems);
    }
    Ok(page.document(&text))
}

struct Page<'a> {
    brief: &'a Brief,
    input: &'a BriefInput<'a>,
    numbers: Numbers<'a>,
    answers: BTreeMap<String, Rows>,
    /// Queries whose lack of cells was reported.
    complained: BTreeSet<String>,
    problems: Problems,
    figures: usize,
    tables: usize,
}

impl<'a> Page<'a> {
    fn wrong(&mut self, kind: Kind, place: Place, message: String, hint: Option<String>) {
        let problem = Problem::error(kind, place, message);
        self.problems.push(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    fn read_answers(&mut self) {
        for query in &self.brief.queries {
            let place =
                Place::Text { file: self.brief.file.clone(), line: query.line, column: None };
            match self.input.results.get(&query.name).map(|batches| Rows::new(batches)) {
                Some(Ok(rows)) => {
                    self.answers.insert(query.name.clone(), rows);
                }
                Some(Err(message)) => self.wrong(Kind::Data, place, message, None),
                None => {
                    let message = format!("the query `{}` has no answer", query.name);
                    self.wrong(Kind::Data, place, message, None);
                }
            }
        }
    }

    /// The body, from Markdown, with its placeholders filled.
    fn text(&mut self) -> String {
        let brief = self.brief;
        let mut events: Vec<Event<'_>> = Vec::new();
        let (mut in_query, mut in_code) = (false, false);
        let mut parser = Parser::new_ext(&brief.marked, options()).peekable();
        while let Some(event) = parser.next() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                    if fence_name(&info).is_some() =>
                {
                    in_query = true;
                }
                Event::End(TagEnd::CodeBlock) if in_query => in_query = false,
                _ if in_query => {}
                Event::Start(Tag::CodeBlock(kind)) => {
                    in_code = true;
                    events.push(Event::Start(Tag::CodeBlock(kind)));
                }
                Event::End(TagEnd::CodeBlock) => {
                    in_code = false;
                    events.push(Event::End(TagEnd::CodeBlock));
                }
                // The title is the only heading of the first level.
                Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                    let level = level.max(HeadingLevel::H2);
                    events.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
                }
                Event::End(TagEnd::Heading(level)) => {
                    events.push(Event::End(TagEnd::Heading(level.max(HeadingLevel::H2))));
                }
                Event::Start(Tag::Paragraph) => {
                    let alone = match parser.peek() {
                        Some(Event::Text(text)) => self.stands_alone(text),
                        _ => None,
                    };
                    match alone {
                        Some(number) => {
                            // The paragraph is the placeholder: its text and its end are used up.
                            parser.next();
                            parser.next();
                            let html = self.fill(number);
                            events.push(Event::Html(html.into()));
                        }
                        None => events.push(Event::Start(Tag::Paragraph)),
                    }
                }
                Event::Start(table @ Tag::Table(_)) => {
                    events.push(Event::Html("<div class=\"wide\">\n".into()));
                    events.push(Event::Start(table));
                }
                Event::End(TagEnd::Table) => {
                    events.push(Event::End(TagEnd::Table));
                    events.push(Event::Html("</div>\n".into()));
                }
                // What looks like HTML is printed as it is typed.
                Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
                Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
                Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                    self.fill_text(&text, in_code, &mut events);
                }
                Event::Code(text) => events.push(Event::Code(self.restore(&text).into())),
                other => events.push(other),
            }
        }
        let mut out = String::new();
        html::push_html(&mut out, events.into_iter());
        out
    }

    /// The number of a chart or a table that is all there is in a text.
    fn stands_alone(&self, text: &str) -> Option<usize> {
        match pieces(text).as_slice() {
            [Piece::Placeholder(number)] => {
                let what = &self.brief.placeholders.get(*number)?.what;
                (!matches!(what, What::Value { .. })).then_some(*number)
            }
            _ => None,
        }
    }

    fn fill_text<'e>(&mut self, text: &str, in_code: bool, events: &mut Vec<Event<'e>>) {
        if in_code {
            events.push(Event::Text(self.restore(text).into()));
            return;
        }
        for piece in pieces(text) {
            events.push(match piece {
                Piece::Text(text) => Event::Text(CowStr::from(text.to_owned())),
                Piece::Placeholder(number) => Event::InlineHtml(self.fill(number).into()),
            });
        }
    }

    /// The text as it was typed: nothing in code is a placeholder.
    fn restore(&self, text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Placeholder(number) => {
                    self.brief.placeholders.get(number).map_or("", |p| p.written.as_str())
                }
            })
            .collect()
    }

    fn fill(&mut self, number: usize) -> String {
        let brief = self.brief;
        let Some(placeholder) = brief.placeholders.get(number) else {
            return String::new();
        };
        match &placeholder.what {
            What::Value { query, column, format, or } => {
                self.value(placeholder, query, column, *format, or.as_deref()).unwrap_or_default()
            }
            What::Chart { name } => self.chart(placeholder, name),
            What::Table { query, caption } => {
                self.table(placeholder, query, caption.as_deref()).unwrap_or_default()
            }
        }
    }

    fn value(
        &mut self,
        placeholder: &Placeholder,
        query: &str,
        column: &str,
        format: Option<NumberFormat>,
        or: Option<&str>,
    ) -> Option<String> {
        let place = placeholder.place(&self.brief.file);
        let rows = self.answers.get(query)?.clone();
        let Some(found) = rows.column(column) else {
            let hint = suggest(column, rows.names(), "columns");
            let message = format!("the query `{query}` has no column `{column}`");
            self.wrong(Kind::Declaration, place, message, Some(hint));
            return None;
        };
        if rows.len != 1 {
            let message =
                format!("the query `{query}` has {} rows; a value needs exactly one", rows.len);
            self.wrong(Kind::Data, place, message, None);
            return None;
        }
        let lang = self.brief.lang;
        match &found.values[0] {
            Value::Null => match or {
                Some(text) => Some(escape(text)),
                None => {
                    let message = format!("`{query}.{column}` has no figure");
                    let hint =
                        format!("say what to print then: `| or(\"{}\")`", lang.words().no_figure);
                    self.wrong(Kind::Data, place, message, Some(hint));
                    None
                }
            },
            Value::Text(text) => match format {
                None | Some(NumberFormat::Text | NumberFormat::Year) => Some(escape(text)),
                Some(format) => {
                    let message = format!("`{query}.{column}` is text: `{format}` prints numbers");
                    self.wrong(Kind::Declaration, place, message, None);
                    None
                }
            },
            Value::Number(value) if !value.is_finite() => {
                let message = format!("`{query}.{column}` is not a finite number");
                self.wrong(Kind::Data, place, message, None);
                None
            }
            Value::Number(value) => {
                let format = format.unwrap_or_else(|| default_format(found));
                let cells = self.cells(query, &rows, &place)?;
                let (cells, own) = rows.cells_of(column, &cells);
                let own = own.then(|| column.to_owned());
                let printed = Printed {
                    text: &format_number(*value, &format, lang),
                    column,
                    origin: Origin::Row { query: query.to_owned(), row: 0, column: own },
                    cells: &cells[0],
                    place: &place,
                    line: placeholder.line,
                };
                Some(self.numbers.link(&printed, &mut self.problems))
            }
        }
    }

    /// The cells of each row; a query without them is reported once.
    fn cells(&mut self, query: &str, rows: &Rows, place: &Place) -> Option<Vec<Vec<String>>> {
        let (message, hint) = match &rows.cells {
            Cells::Lists(cells) => return Some(cells.clone()),
            Cells::Missing => (
                format!("the query `{query}` has no column `{CELLS}`: its numbers have no trace"),
                "select the cells behind each row: `cells`, or `array_agg(cell_ref) as cells`",
            ),
            Cells::NotLists(found) => (
                format!("the column `{CELLS}` of `{query}` is {found}, not a list of text"),
                "lists gathered from lists need `flatten(array_agg(cells)) as cells`",
            ),
        };
        if self.complained.insert(query.to_owned()) {
            self.wrong(Kind::Declaration, place.clone(), message, Some(hint.to_owned()));
        }
        None
    }

    fn chart(&mut self, placeholder: &Placeholder, name: &str) -> String {
        let place = placeholder.place(&self.brief.file);
        let input = self.input;
        let Some(chart) = input.charts.get(name) else {
            let hint = suggest(name, input.charts.keys().map(String::as_str), "charts");
            self.wrong(Kind::Declaration, place, format!("no chart is named `{name}`"), Some(hint));
            return String::new();
        };
        self.figures += 1;
        let figure = Figure {
            number: self.figures,
            name,
            chart,
            place: &place,
            line: placeholder.line,
            words: self.brief.lang.words(),
        };
        figure.html(&mut self.numbers, &mut self.problems)
    }

    fn table(
        &mut self,
        placeholder: &Placeholder,
        query: &str,
        caption: Option<&str>,
    ) -> Option<String> {
        let place = placeholder.place(&self.brief.file);
        let rows = self.answers.get(query)?.clone();
        if rows.len == 0 {
            let message = format!("the query `{query}` has no rows for a table");
            self.wrong(Kind::Data, place, message, None);
            return None;
        }
        let cells = self.cells(query, &rows, &place)?;
        for column in &rows.columns {
            let odd = |v: &Value| matches!(v, Value::Number(n) if !n.is_finite());
            if column.values.iter().any(odd) {
                let message =
                    format!("`{query}.{}` holds a number that is not finite", column.name);
                self.wrong(Kind::Data, place.clone(), message, None);
                return None;
            }
        }
        self.tables += 1;
        let table = AnswerTable {
            number: self.tables,
            query,
            caption,
            rows: &rows,
            cells: &cells,
            place: &place,
            line: placeholder.line,
            lang: self.brief.lang,
        };
        Some(table.html(&mut self.numbers, &mut self.problems))
    }

    fn document(&self, text: &str) -> String {
        let brief = self.brief;
        let words = brief.lang.words();
        let title = escape(&brief.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n",
            brief.lang
        );
        if let Some(summary) = &brief.summary {
            let _ = writeln!(out, "<meta name=\"description\" content=\"{}\">", escape(summary));
        }
        let _ = write!(
            out,
            "<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">{}</a>\n\
             <header>\n<h1>{title}</h1>\n",
            words.skip
        );
        if let Some(summary) = &brief.summary {
            let _ = writeln!(out, "<p class=\"summary\">{}</p>", escape(summary));
        }
        let _ = write!(out, "</header>\n<main id=\"main\">\n{text}");
        if !self.input.citations.is_empty() {
            out.push_str(&self.sources(&self.input.citations));
        }
        out.push_str(&self.numbers.section());
        let _ =
            write!(out, "</main>\n<footer><p>{}</p></footer>\n</body>\n</html>\n", words.made_from);
        out
    }

    fn sources(&self, citations: &[Citation]) -> String {
        let words = self.brief.lang.words();
        let mut out = format!(
            "<section id=\"sources\" aria-labelledby=\"sources-title\">\n\
             <h2 id=\"sources-title\">{}</h2>\n<ul>\n",
            words.sources
        );
        for citation in citations {
            let title = citation.title.trim_end_matches('.');
            let _ = write!(out, "<li><cite>{}</cite>. ", escape(title));
            let _ = write!(out, "{}. ", escape(citation.citation.trim_end_matches('.')));
            let url = escape(&citation.url);
            if citation.url.starts_with("https://") || citation.url.starts_with("http://") {
                let _ = write!(out, "<a href=\"{url}\">{}</a>. ", breakable(&citation.url));
            } else if !citation.url.is_empty() {
                let _ = write!(out, "{url}. ");
            }
            if !citation.note.is_empty() {
                let _ = write!(out, "{}. ", escape(citation.note.trim_end_matches('.')));
            }
            let short: String = citation.sha256.chars().take(12).collect();
            let _ = writeln!(
                out,
                "{}: {}. {}: {}. {}: <code>{}</code>, {} <code title=\"{}\">{}…</code></li>",
                words.licence,
                escape(&citation.licence),
                words.accessed,
                escape(&citation.accessed),
                words.file,
                breakable(&citation.source),
                words.checksum,
                escape(&citation.sha256),
                escape(&short)
            );
        }
        out.push_str("</ul>\n</section>\n");
        out
    }
}
