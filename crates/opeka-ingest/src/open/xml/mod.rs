//! XML as the readers of statistical formats need it: local names, attributes, texts; no document
//! type, so that nothing outside the file is fetched and nothing inside it expands.

pub(super) mod tree;

use std::borrow::Cow;

use opeka_model::Problem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::decode;
use super::flat::refuse_line;

/// Deeper elements than this are in no statistical format.
const MOST_DEEP: usize = 200;

/// The text of an XML file, in the encoding that it declares.
pub(super) fn text<'b>(source: &str, bytes: &'b [u8]) -> Result<Cow<'b, str>, Problem> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let label = declaration.and_then(|(declaration, _)| {
        let (_, after) = declaration.split_once("encoding")?;
        let after = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        after[1..].split(quote).next().map(str::to_owned)
    });
    decode::declared(source, bytes, label.as_deref())
}

/// What comes next.
pub(super) enum Token<'t> {
    /// An element opens.
    Start(BytesStart<'t>),
    /// An element closes.
    End,
    /// Text between tags, references resolved; a text may come in several of these.
    Text(Cow<'t, str>),
    /// The end of the file, with every element closed.
    Eof,
}

/// A pass over the elements of a file.
pub(super) struct Xml<'t> {
    source: &'t str,
    text: &'t str,
    reader: Reader<&'t [u8]>,
    depth: usize,
}

impl<'t> Xml<'t> {
    pub(super) fn new(source: &'t str, text: &'t str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { source, text, reader, depth: 0 }
    }

    /// A problem with the line that the pass has come to.
    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        let at = (self.reader.buffer_position() as usize).min(self.text.len());
        let breaks = self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        refuse_line(self.source, 1 + breaks, message)
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, Problem> {
        loop {
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    return Err(self
                        .problem(format!("the XML is damaged: {error}"))
                        .hint("the file may be cut short: fetch it again from its publisher"));
                }
            };
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > MOST_DEEP {
                        let message = format!("elements are nested more than {MOST_DEEP} deep");
                        return Err(self.problem(message).hint("no statistical format does this"));
                    }
                    Token::Start(start)
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::End
                }
                Event::Text(text) => Token::Text(text.into_inner()),
                Event::CData(text) => Token::Text(text.into_inner()),
                Event::GeneralRef(reference) => {
                    Token::Text(Cow::Owned(self.resolve(&reference.into_inner())?.to_string()))
                }
                Event::DocType(doctype) if doctype.contains("<!ENTITY") => {
                    return Err(self
                        .problem("the file declares entities, which are never expanded")
                        .hint("ask the publisher for a file without a document type"));
                }
                Event::Eof if self.depth > 0 => {
                    return Err(self.problem("the file ends within an element").hint(
                        "it may be cut short: compare its size and SHA-256 with the publisher's",
                    ));
                }
                Event::Eof => Token::Eof,
                Event::DocType(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
            });
        }
    }

    /// Calls back for each attribute: its name as written, and its value, references resolved.
    pub(super) fn attributes(
        &self,
        element: &BytesStart,
        mut each: impl FnMut(&str, &str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        for attribute in element.attributes().with_checks(false) {
            let attribute =
                attribute.map_err(|error| self.problem(format!("the XML is damaged: {error}")))?;
            let name = attribute.key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            each(name, &self.unescape(&attribute.value)?)?;
        }
        Ok(())
    }

    fn unescape<'v>(&self, value: &'v str) -> Result<Cow<'v, str>, Problem> {
        let Some(first) = value.find('&') else { return Ok(Cow::Borrowed(value)) };
        let mut whole = value[..first].to_owned();
        let mut rest = &value[first..];
        while let Some(after) = rest.strip_prefix('&') {
            let Some((name, after)) = after.split_once(';') else {
                return Err(self.problem("an `&` that starts no reference"));
            };
            whole.push(self.resolve(name)?);
            let next = after.find('&').unwrap_or(after.len());
            whole.push_str(&after[..next]);
            rest = &after[next..];
        }
        Ok(Cow::Owned(whole))
    }

    /// The character of a reference: one of the five of XML, or by its number.
    fn resolve(&self, name: &str) -> Result<char, Problem> {
        let by_number = || {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number).filter(|character| *character != '\0')
        };
        match name {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => by_number().ok_or_else(|| {
                let name: String = name.chars().take(40).collect();
                self.problem(format!("the reference `&{name};` is none that XML knows"))
                    .hint("entities are never expanded; ask the publisher for a file without them")
            }),
        }
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A text in quotes, for a predicate.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
