//! The text of a PX file as keywords with their items, and its data as a sequence of figures.

use opeka_model::Problem;
use smol_str::SmolStr;

use crate::open::flat::{Pool, refuse_line};

/// One item of a keyword, and where it begins: the n-th item that begins on its line.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) text: SmolStr,
    pub(super) line: u32,
    pub(super) number: u32,
}

impl Item {
    pub(super) fn place(&self) -> String {
        format!("R{}C{}", self.line, self.number)
    }
}

/// `NAME[language]("subject")=items;`
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) name: Box<str>,
    pub(super) language: Option<Box<str>>,
    pub(super) subjects: Vec<String>,
    pub(super) items: Vec<Item>,
}

/// What a file says before its figures.
pub(super) struct Keywords {
    pub(super) keywords: Vec<Keyword>,
    pub(super) data: Option<Data>,
}

/// Where the figures begin.
pub(super) struct Data {
    pub(super) at: usize,
    pub(super) line: u32,
}

struct Reader<'t> {
    source: &'t str,
    text: &'t str,
    at: usize,
    line: u32,
    /// How many items have begun on the line.
    items: u32,
}

pub(super) fn read(source: &str, text: &str, pool: &mut Pool) -> Result<Keywords, Problem> {
    let mut reader = Reader { source, text, at: 0, line: 1, items: 0 };
    let mut keywords = Vec::new();
    loop {
        reader.skip(|c| c.is_whitespace() || c == ';' || c == '\u{1a}');
        if reader.peek().is_none() {
            return Ok(Keywords { keywords, data: None });
        }
        let start = reader.at;
        reader.skip(|c| !matches!(c, '=' | '[' | '(' | ';' | '"'));
        let name = text[start..reader.at].trim();
        let mut language = None;
        if reader.take('[') {
            let start = reader.at;
            reader.skip(|c| c != ']' && c != '\n');
            language = Some(text[start..reader.at].trim_matches('"').into());
            reader.take(']');
        }
        let mut subjects = Vec::new();
        reader.skip(char::is_whitespace);
        if reader.take('(') {
            loop {
                reader.skip(|c| c.is_whitespace() || c == ',');
                match reader.peek() {
                    Some('"') => subjects.push(reader.quoted()?),
                    Some(')') | None => break,
                    Some(_) => {
                        let start = reader.at;
                        reader.skip(|c| !matches!(c, ',' | ')' | '\n'));
                        if reader.at == start {
                            reader.skip_one();
                        }
                        subjects.push(text[start..reader.at].trim().to_owned());
                    }
                }
            }
            reader.take(')');
        }
        reader.skip(char::is_whitespace);
        if !reader.take('=') {
            let name: String = name.chars().take(40).collect();
            let message = format!("`{name}` has no `=`, as each keyword of PX has");
            return Err(refuse_line(source, reader.line as usize, message)
                .hint("the file may be damaged: fetch it again from its publisher"));
        }
        if name == "DATA" {
            return Ok(Keywords {
                keywords,
                data: Some(Data { at: reader.at, line: reader.line }),
            });
        }
        let items = reader.items(pool)?;
        keywords.push(Keyword { name: name.into(), language, subjects, items });
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_one(&mut self) {
        if let Some(character) = self.peek() {
            self.at += character.len_utf8();
            if character == '\n' {
                self.line += 1;
                self.items = 0;
            }
        }
    }

    fn skip(&mut self, while_it: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&while_it) {
            self.skip_one();
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        if taken {
            self.skip_one();
        }
        taken
    }

    /// A quoted text; a quote within it is doubled.
    fn quoted(&mut self) -> Result<String, Problem> {
        let opened = self.line;
        self.take('"');
        let mut text = String::new();
        loop {
            let start = self.at;
            self.skip(|c| c != '"');
            text.push_str(&self.text[start..self.at]);
            if !self.take('"') {
                return Err(refuse_line(
                    self.source,
                    opened as usize,
                    "a quote opens here and is never closed",
                )
                .hint("the file may be cut short: fetch it again from its publisher"));
            }
            if self.peek() != Some('"') {
                return Ok(text);
            }
            text.push('"');
            self.skip_one();
        }
    }

    /// The items up to the semicolon. Quoted texts that follow each other are one, broken over
    /// lines; what is not quoted (`YES`, `TLIST(A1)`) is taken as it stands.
    fn items(&mut self, pool: &mut Pool) -> Result<Vec<Item>, Problem> {
        let (mut items, mut open): (Vec<Item>, Option<(String, u32, u32)>) = (Vec::new(), None);
        loop {
            self.skip(char::is_whitespace);
            let ends = matches!(self.peek(), Some(',' | ';') | None);
            if ends {
                if let Some((text, line, number)) = open.take() {
                    items.push(Item {
                        text: pool.share(text.trim_end_matches('\0')),
                        line,
                        number,
                    });
                }
                if !self.take(',') {
                    self.take(';');
                    return Ok(items);
                }
                continue;
            }
            if open.is_none() {
                self.items += 1;
            }
            let (text, ..) = open.get_or_insert_with(|| (String::new(), self.line, self.items));
            if self.text[self.at..].starts_with('"') {
                let more = self.quoted()?;
                text.push_str(&more);
                continue;
            }
            let (start, mut depth) = (self.at, 0_u32);
            while let Some(character) = self.peek() {
                match character {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    ',' | ';' if depth == 0 => break,
                    '\n' | '\r' => break,
                    _ => (),
                }
                self.skip_one();
            }
            text.push_str(self.text[start..self.at].trim());
        }
    }
}

/// One figure, or a key before figures.
pub(super) struct Figure<'t> {
    pub(super) text: &'t str,
    pub(super) line: u32,
}

/// The figures, and whatever else stands between separators; an error is the line of a quote that is
/// not closed. Some offices end each line by the semicolon that should end the whole.
pub(super) fn figures(text: &str, line: u32) -> impl Iterator<Item = Result<Figure<'_>, u32>> {
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, line);
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\n' => line += 1,
                b' ' | b'\t' | b'\r' | b';' | b',' | 0x1A => (),
                _ => break,
            }
            at += 1;
        }
        let start = at;
        if *bytes.get(at)? == b'"' {
            let Some(length) = text[at + 1..].find('"') else {
                at = bytes.len();
                return Some(Err(line));
            };
            at += length + 2;
            return Some(Ok(Figure { text: &text[start + 1..at - 1], line }));
        }
        let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b',' | b'"');
        at += bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
        Some(Ok(Figure { text: &text[start..at], line }))
    })
}
