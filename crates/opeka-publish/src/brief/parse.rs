//! From a brief's text to its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use opeka_model::{Kind, Place, Problem, Problems, from_toml_at, line_and_column, suggest};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde::Deserialize;
use toml::Spanned;

use super::placeholder::{CLOSE, OPEN, Piece, Placeholder, What, pieces};
use super::{Block, Brief, Query};
use crate::Lang;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: Spanned<String>,
    lang: Spanned<String>,
    summary: Option<String>,
    pipeline: Option<String>,
}

/// The Markdown that a brief may use. Punctuation stays as it is typed: quotes differ between the
/// languages, and the author knows them.
pub(crate) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH
}

/// Reads a brief. `file` is the name that problems give as their place.
pub fn parse_brief(file: &str, text: &str) -> Result<Brief, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((front, body_start)) = front_matter(text) else {
        let place = Place::Text { file: file.to_owned(), line: 1, column: None };
        let message = "the brief has no front matter";
        return Err(Problem::error(Kind::Declaration, place, message)
            .hint("start with a line `---`, then `title = \"…\"` and `lang = \"en\"`, then `---`")
            .into());
    };
    let read: FrontMatter = from_toml_at(file, 2, front)?;
    let mut source = Source { file, text, body_start, problems: Problems::new() };
    let lang = read.lang.get_ref().parse().unwrap_or_else(|message| {
        let line = line_and_column(front, read.lang.span().start).0 + 1;
        let place = Place::Text { file: file.to_owned(), line, column: None };
        source.problems.push(Problem::error(Kind::Declaration, place, message));
        Lang::En
    });
    if read.title.get_ref().trim().is_empty() {
        let line = line_and_column(front, read.title.span().start).0 + 1;
        let place = Place::Text { file: file.to_owned(), line, column: None };
        source.problems.push(Problem::error(Kind::Declaration, place, "the title is empty"));
    }

    let scan = source.scan();
    let found = source.placeholders(&scan.code);
    source.check_names(&scan, &found);
    let marked = source.mark(&found);
    source.check_links(&marked, &found);
    let blocks = source.blocks(&scan, &found);
    if !source.problems.is_empty() {
        // In the order of the text, whichever look at it found them.
        let mut found: Vec<Problem> = source.problems.into_iter().collect();
        found.sort_by(|a, b| a.place.cmp(&b.place));
        return Err(found.into_iter().collect());
    }
    Ok(Brief {
        file: file.to_owned(),
        title: read.title.into_inner().trim().to_owned(),
        lang,
        summary: read.summary,
        pipeline: read.pipeline,
        queries: scan.fences.into_iter().map(|(_, query)| query).collect(),
        placeholders: found.into_iter().map(|(_, placeholder)| placeholder).collect(),
        marked,
        blocks,
    })
}

/// The text between the first two lines `---`, and where the body starts.
fn front_matter(text: &str) -> Option<(&str, usize)> {
    let first = text.split_inclusive('\n').next().filter(|line| line.trim_end() == "---")?;
    let mut at = first.len();
    for line in text[first.len()..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&text[first.len()..at], at + line.len()));
        }
        at += line.len();
    }
    None
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
    body_start: usize,
    problems: Problems,
}

/// What the Markdown says before placeholders are filled.
struct Scan {
    /// Ranges of the body in which nothing is a placeholder.
    code: Vec<Range<usize>>,
    fences: Vec<(Range<usize>, Query)>,
}

impl Source<'_> {
    fn body(&self) -> &str {
        &self.text[self.body_start..]
    }

    /// Line and column in the file of a byte of the body.
    fn position(&self, byte: usize) -> (usize, usize) {
        line_and_column(self.text, self.body_start + byte)
    }

    fn wrong(&mut self, byte: usize, message: impl Into<String>, hint: Option<String>) {
        let (line, column) = self.position(byte);
        let place = Place::Text { file: self.file.to_owned(), line, column: Some(column) };
        let problem = Problem::error(Kind::Declaration, place, message);
        self.problems.push(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    fn scan(&mut self) -> Scan {
        let mut scan = Scan { code: Vec::new(), fences: Vec::new() };
        let text = self.text;
        let body = &text[self.body_start..];
        for (at, _) in body.match_indices([OPEN, CLOSE]) {
            self.wrong(at, "a private-use character stands in the text", None);
        }
        let mut names = BTreeSet::new();
        let mut open: Option<(Range<usize>, String, String)> = None;
        for (event, range) in Parser::new_ext(body, options()).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    scan.code.push(range.clone());
                    if let CodeBlockKind::Fenced(info) = kind
                        && let Some(name) = fence_name(&info)
                    {
                        open = Some((range, name.to_owned(), String::new()));
                    }
                }
                Event::Text(text) => {
                    if let Some((_, _, sql)) = &mut open {
                        sql.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    let Some((range, name, sql)) = open.take() else { continue };
                    self.check_fence(range.start, &name, &sql, names.insert(name.clone()));
                    let line = self.position(range.start).0 + 1;
                    scan.fences.push((range, Query { name, sql: sql.trim_end().to_owned(), line }));
                }
                Event::Code(_) => scan.code.push(range),
                Event::Start(Tag::Image { .. }) => {
                    let hint = "declare a chart and write `{{ chart name }}`".to_owned();
                    let message = "a brief loads no pictures: they would not travel with it";
                    self.wrong(range.start, message, Some(hint));
                }
                _ => {}
            }
        }
        scan
    }

    fn check_fence(&mut self, at: usize, name: &str, sql: &str, is_new: bool) {
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let hint = "write ```sql name, with a name of letters, digits and `_`".to_owned();
            self.wrong(at, format!("`{name}` is no name for a query"), Some(hint));
        } else if !is_new {
            self.wrong(at, format!("a second query is named `{name}`"), None);
        }
        if sql.trim().is_empty() {
            self.wrong(at, format!("the query `{name}` is empty"), None);
        }
    }

    /// All placeholders outside code, with their ranges in the body.
    fn placeholders(&mut self, code: &[Range<usize>]) -> Vec<(Range<usize>, Placeholder)> {
        let text = self.text;
        let body = &text[self.body_start..];
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = body[at..].find("{{").map(|offset| at + offset) {
            if let Some(range) = code.iter().find(|range| range.contains(&start)) {
                at = range.end.max(start + 2);
                continue;
            }
            let line = body[start..].split('\n').next().unwrap_or_default();
            let Some(end) = line.find("}}").map(|offset| start + offset) else {
                let hint = "a placeholder starts and ends on the same line".to_owned();
                self.wrong(start, "the placeholder is not closed with `}}`", Some(hint));
                at = start + 2;
                continue;
            };
            let (line, column) = self.position(start);
            match Placeholder::parse(self.file, &body[start + 2..end], line, column) {
                Ok(placeholder) => {
                    let range = start..end + 2;
                    let whole = whole_line(body, &range);
                    if !matches!(placeholder.what, What::Value { .. }) && whole.is_none() {
                        let hint = "give it a line of its own".to_owned();
                        let message = format!("`{}` stands inside a line", placeholder.written);
                        self.wrong(start, message, Some(hint));
                    }
                    found.push((range, placeholder));
                }
                Err(problem) => self.problems.push(problem),
            }
            at = end + 2;
        }
        found
    }

    fn check_names(&mut self, scan: &Scan, found: &[(Range<usize>, Placeholder)]) {
        let known: Vec<&str> = scan.fences.iter().map(|(_, query)| query.name.as_str()).collect();
        for (range, placeholder) in found {
            let (What::Value { query, .. } | What::Table { query, .. }) = &placeholder.what else {
                continue;
            };
            if !known.contains(&query.as_str()) {
                let hint = suggest(query, known.iter().copied(), "queries of this brief");
                self.wrong(range.start, format!("no query is named `{query}`"), Some(hint));
            }
        }
    }

    /// The body with each placeholder replaced by its number between two private-use characters,
    /// which pass through Markdown untouched whatever the placeholder contains.
    fn mark(&self, found: &[(Range<usize>, Placeholder)]) -> String {
        let body = self.body();
        let mut marked = String::with_capacity(body.len());
        let mut at = 0;
        for (number, (range, placeholder)) in found.iter().enumerate() {
            marked.push_str(&body[at..range.start]);
            let alone = !matches!(placeholder.what, What::Value { .. });
            if alone {
                marked.push_str("\n\n");
            }
            marked.push_str(&format!("{OPEN}{number}{CLOSE}"));
            if alone {
                marked.push_str("\n\n");
            }
            at = range.end;
        }
        marked.push_str(&body[at..]);
        marked
    }

    /// Links lead to the web, to mail or into the brief; a value is a link by itself.
    fn check_links(&mut self, marked: &str, found: &[(Range<usize>, Placeholder)]) {
        let mut depth = 0;
        let mut wrong: BTreeMap<usize, &str> = BTreeMap::new();
        let mut schemes = Vec::new();
        for event in Parser::new_ext(marked, options()) {
            let (text, message) = match event {
                Event::Start(Tag::Link { dest_url, title, .. }) => {
                    depth += 1;
                    if !allowed(&dest_url) {
                        schemes.push(dest_url.to_string());
                    }
                    (format!("{dest_url}{title}"), "a placeholder stands in the address of a link")
                }
                Event::End(TagEnd::Link) => {
                    depth -= 1;
                    continue;
                }
                Event::Text(text) if depth > 0 => {
                    (text.to_string(), "a placeholder stands in the text of a link")
                }
                _ => continue,
            };
            for piece in pieces(&text) {
                if let Piece::Placeholder(number) = piece {
                    wrong.insert(number, message);
                }
            }
        }
        for (number, message) in wrong {
            if let Some((range, _)) = found.get(number) {
                self.wrong(range.start, message, None);
            }
        }
        for address in schemes {
            let at = self.body().find(&address).unwrap_or_default();
            let hint = "links start with https:, http:, mailto: or #".to_owned();
            self.wrong(at, format!("the link `{address}` leads nowhere safe"), Some(hint));
        }
    }

    /// The body in the order of a notebook's cells.
    fn blocks(&self, scan: &Scan, found: &[(Range<usize>, Placeholder)]) -> Vec<Block> {
        let body = self.body();
        let mut cuts: Vec<(Range<usize>, Block)> = scan
            .fences
            .iter()
            .enumerate()
            .map(|(at, (range, _))| (range.clone(), Block::Query(at)))
            .collect();
        for (range, placeholder) in found {
            let block = match &placeholder.what {
                What::Value { .. } => continue,
                What::Chart { name } => Block::Chart(name.clone()),
                What::Table { query, .. } => Block::Table(query.clone()),
            };
            cuts.push((range.clone(), block));
        }
        cuts.sort_by_key(|(range, _)| range.start);
        let mut blocks = Vec::new();
        let mut at = 0;
        let prose = |range: Range<usize>| {
            let mut text = String::new();
            let mut at = range.start;
            for (inside, placeholder) in found {
                if let What::Value { query, column, .. } = &placeholder.what
                    && inside.start >= at
                    && inside.end <= range.end
                {
                    text.push_str(&body[at..inside.start]);
                    text.push_str(&format!("`{query}.{column}`"));
                    at = inside.end;
                }
            }
            text.push_str(&body[at..range.end]);
            let text = text.trim();
            (!text.is_empty()).then(|| Block::Prose(text.to_owned()))
        };
        for (range, block) in cuts {
            if range.start >= at {
                blocks.extend(prose(at..range.start));
                at = range.end;
                blocks.push(block);
            }
        }
        blocks.extend(prose(at..body.len()));
        blocks
    }
}

/// The name of a fence ```` ```sql name ````; other code is printed as it stands.
pub(crate) fn fence_name(info: &str) -> Option<&str> {
    let rest = info.trim().strip_prefix("sql")?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

/// The line of a range, where nothing else stands on it.
fn whole_line<'a>(body: &'a str, range: &Range<usize>) -> Option<&'a str> {
    let start = body[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = body[range.end..].find('\n').map_or(body.len(), |at| range.end + at);
    let line = &body[start..end];
    (line.trim() == &body[range.clone()]).then_some(line)
}

fn allowed(address: &str) -> bool {
    let lowered = address.to_ascii_lowercase();
    ["https:", "http:", "mailto:", "#"].iter().any(|start| lowered.starts_with(start))
}
