//! XML as the readers of statistical formats need it: local names, attributes, texts; no document
//! type, so that nothing outside the file is fetched and nothing inside it expands.
//!
//! Ordinary tags and texts, of which a file has millions, are read here by hand (in `tags`). All that
//! is unusual — comments, CDATA, references, and whatever may be damaged — is left to quick-xml, which
//! knows better, one event at a time.

mod tags;
pub(super) mod tree;

use std::borrow::Cow;

use opeka_model::Problem;
use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use self::tags::Attribute;
use super::decode;
use super::flat::refuse_line;

/// Deeper elements than this are in no statistical format.
const MOST_DEEP: usize = 100;
/// Names are said again in each path, and no format has names longer than this.
const LONGEST_NAME: usize = 200;

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
    Start(Start<'t>),
    /// An element closes.
    End,
    /// Text between tags, references resolved; a text may come in several of these.
    Text(Cow<'t, str>),
    /// The end of the file, with every element closed.
    Eof,
}

/// The start of an element. Its attributes are asked for before the next token is.
#[derive(Clone, Copy)]
pub(super) struct Start<'t> {
    /// Its name as written.
    pub(super) name: &'t str,
    /// What its tag says, from the name on.
    content: &'t str,
    /// Whether the attributes were read along with the tag.
    read: bool,
}

impl Start<'_> {
    /// Whether it has no attributes.
    pub(super) fn is_bare(&self) -> bool {
        self.content.len() == self.name.len()
    }
}

/// A pass over the elements of a file.
pub(super) struct Xml<'t> {
    source: &'t str,
    text: &'t str,
    /// Up to where the text is read.
    at: usize,
    /// The names of the elements that are open.
    open: Vec<&'t str>,
    /// Whether the element that opened last is empty, and closes at once.
    empty: bool,
    /// The attributes of the element that opened last, where they are as usual.
    attributes: Vec<Attribute<'t>>,
}

impl<'t> Xml<'t> {
    pub(super) fn new(source: &'t str, text: &'t str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { source, text, at, open: Vec::new(), empty: false, attributes: Vec::new() }
    }

    /// A problem with the line that the pass has come to.
    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        let at = self.at.min(self.text.len());
        let breaks = self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        refuse_line(self.source, 1 + breaks, message)
    }

    fn damaged(&self, error: &Error) -> Problem {
        self.problem(format!("the XML is damaged: {error}"))
            .hint("the file may be cut short: fetch it again from its publisher")
    }

    /// How long what names columns may be together: in proportion to the file.
    pub(super) fn most_said(&self) -> usize {
        self.text.len().saturating_mul(32).saturating_add(1 << 20)
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, Problem> {
        if std::mem::take(&mut self.empty) {
            self.open.pop();
            return Ok(Token::End);
        }
        let bytes = self.text.as_bytes();
        loop {
            match (bytes.get(self.at), bytes.get(self.at + 1)) {
                (Some(b'<'), Some(b'/')) => return self.end(),
                (Some(b'<'), Some(b'!' | b'?')) | (Some(b'&'), _) => {
                    if let Some(token) = self.unusual()? {
                        return Ok(token);
                    }
                }
                (Some(b'<'), _) => return self.start(),
                (Some(_), _) => {
                    let text = tags::text(&self.text[self.at..]);
                    self.at += text.len();
                    return Ok(Token::Text(Cow::Borrowed(text)));
                }
                (None, _) if !self.open.is_empty() => {
                    return Err(self.problem("the file ends within an element").hint(
                        "it may be cut short: compare its size and SHA-256 with the publisher's",
                    ));
                }
                (None, _) => return Ok(Token::Eof),
            }
        }
    }

    /// The one event that quick-xml finds here.
    fn event(&mut self) -> Result<Event<'t>, Problem> {
        let mut reader = Reader::from_str(&self.text[self.at..]);
        // Which elements are open is known here only.
        reader.config_mut().allow_unmatched_ends = true;
        let event = reader.read_event();
        self.at += reader.buffer_position() as usize;
        event.map_err(|error| self.damaged(&error))
    }

    /// What is neither a tag nor plain text; none where it says nothing.
    fn unusual(&mut self) -> Result<Option<Token<'t>>, Problem> {
        match self.event()? {
            Event::CData(text) => Ok(Some(Token::Text(text.into_inner()))),
            Event::GeneralRef(reference) => {
                let character = self.resolve(&reference.into_inner())?;
                Ok(Some(Token::Text(Cow::Owned(character.to_string()))))
            }
            Event::DocType(doctype) if doctype.contains("<!ENTITY") => Err(self
                .problem("the file declares entities, which are never expanded")
                .hint("ask the publisher for a file without a document type")),
            _ => Ok(None),
        }
    }

    fn start(&mut self) -> Result<Token<'t>, Problem> {
        let here = &self.text[self.at..];
        let start = match tags::start(here, &mut self.attributes) {
            Some(tag) => {
                self.at += tag.length;
                self.empty = tag.empty;
                Start { name: tag.name, content: tag.content, read: true }
            }
            None => {
                let from = self.at;
                self.empty = matches!(self.event()?, Event::Empty(_));
                let close = if self.empty { 2 } else { 1 };
                let content = self.text.get(from + 1..self.at - close).unwrap_or("");
                let end = content.find([' ', '\r', '\n', '\t']).unwrap_or(content.len());
                Start { name: &content[..end], content, read: false }
            }
        };
        self.open.push(start.name);
        if self.open.len() > MOST_DEEP {
            let message = format!("elements are nested more than {MOST_DEEP} deep");
            return Err(self.problem(message).hint("no statistical format does this"));
        }
        if start.name.len() > LONGEST_NAME {
            let message = format!("an element has a name of more than {LONGEST_NAME} bytes");
            return Err(self.problem(message).hint("no statistical format does this"));
        }
        Ok(Token::Start(start))
    }

    fn end(&mut self) -> Result<Token<'t>, Problem> {
        let open = self.open.pop();
        if let Some(open) = open
            && let Some(after) = self.text.as_bytes()[self.at + 2..].strip_prefix(open.as_bytes())
            && after.first() == Some(&b'>')
        {
            self.at += open.len() + 3;
            return Ok(Token::End);
        }
        let Event::End(end) = self.event()? else { return Ok(Token::End) };
        let name = end.name();
        let (found, wrong) = (name.as_ref().to_owned(), open != Some(name.as_ref()));
        match open.map(str::to_owned) {
            Some(expected) if wrong => {
                let error = IllFormedError::MismatchedEndTag { expected, found };
                Err(self.damaged(&Error::IllFormed(error)))
            }
            None => Err(self.damaged(&Error::IllFormed(IllFormedError::UnmatchedEndTag(found)))),
            Some(_) => Ok(Token::End),
        }
    }

    /// Calls back for each attribute of the element that opened last: its name as written, and its
    /// value, references resolved.
    pub(super) fn attributes(
        &self,
        element: &Start<'t>,
        mut each: impl FnMut(&str, &str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.values(element, |name, value| each(name, &value))
    }

    /// The same, for those who keep the values for a while.
    pub(super) fn values(
        &self,
        element: &Start<'t>,
        mut each: impl FnMut(&'t str, Cow<'t, str>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if element.read {
            for Attribute { name, value, plain } in &self.attributes {
                match (is_namespace(name), plain) {
                    (true, _) => (),
                    (false, true) => each(name, Cow::Borrowed(value))?,
                    (false, false) => each(name, self.unescape(value)?)?,
                }
            }
            return Ok(());
        }
        for attribute in Attributes::new(element.content, element.name.len()).with_checks(false) {
            let attribute =
                attribute.map_err(|error| self.problem(format!("the XML is damaged: {error}")))?;
            let name = attribute.key.0;
            if is_namespace(name) {
                continue;
            }
            let value = match attribute.value {
                Cow::Borrowed(value) => self.unescape(value)?,
                Cow::Owned(value) => Cow::Owned(self.unescape(&value)?.into_owned()),
            };
            each(name, value)?;
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

/// Whether an attribute declares a namespace.
fn is_namespace(name: &str) -> bool {
    name.strip_prefix("xmlns").is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A text in quotes, for a predicate.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
