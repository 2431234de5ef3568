//! One quick pass over the tags of an XML part, in bounded memory.
//!
//! It refuses what no spreadsheet needs and what bombs are made of: a document type with its
//! entities, texts without end, nesting without end. It trusts nothing and keeps nothing.

use std::io::Read;

use memchr::{memchr, memmem};

use super::limits::{MOST_DEPTH, MOST_TEXT, Refused};

/// Why a scan ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    Refused(Refused),
    Damaged(String),
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What a tag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Open,
    Close,
    /// Opens and closes at once.
    Both,
}

/// A tag, without its angle brackets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'t> {
    pub(super) does: Does,
    /// The name without its prefix.
    pub(super) name: &'t [u8],
    /// What follows the name.
    attributes: &'t [u8],
}

impl<'t> Tag<'t> {
    fn new(inside: &'t [u8]) -> Self {
        let (does, inside) = match inside {
            [b'/', rest @ ..] => (Does::Close, rest),
            [rest @ .., b'/'] => (Does::Both, rest),
            rest => (Does::Open, rest),
        };
        let end = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(end);
        let local = name.iter().position(|byte| *byte == b':').map_or(name, |at| &name[at + 1..]);
        Self { does, name: local, attributes }
    }

    /// A tag that [`bare_tag`] has measured.
    fn bare(inside: &'t [u8]) -> Self {
        match inside {
            [b'/', name @ ..] => Self { does: Does::Close, name, attributes: &[] },
            name => Self { does: Does::Open, name, attributes: &[] },
        }
    }

    /// The attributes as they are written, in their order; what is malformed ends them.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'t [u8], &'t [u8])> + use<'t> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let start = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let name = rest.get(start..equals)?.trim_ascii_end();
            let value = rest[equals + 1..].trim_ascii_start();
            let quote = *value.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
            let end = value[1..].iter().position(|byte| *byte == quote)?;
            rest = &value[end + 2..];
            Some((name, &value[1..=end]))
        })
    }

    /// The value of an attribute, as it is written.
    pub(super) fn attribute(&self, name: &[u8]) -> Option<&'t [u8]> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Calls `each` with every tag and the text that stands directly before it, as it is written.
pub(super) fn scan(
    mut part: impl Read,
    mut each: impl FnMut(&[u8], Tag) -> Result<(), Refused>,
) -> Result<(), Stopped> {
    let mut window = Window { bytes: vec![0; 64 << 10], start: 0, end: 0 };
    let mut depth = 0u32;
    loop {
        // The text, up to the next tag.
        let mut seen = 0;
        let text = loop {
            match memchr(b'<', &window.rest()[seen..]) {
                Some(at) => break seen + at,
                None => seen = window.rest().len(),
            }
            if !window.more(&mut part)? {
                return Ok(());
            }
        };
        while window.rest().len() < text + 9 && window.more(&mut part)? {}
        let after = &window.rest()[text + 1..];
        let special: Option<(&[u8], usize)> = match after {
            [b'!', b'-', b'-', ..] => Some((b"-->", 3)),
            [b'?', ..] => Some((b"?>", 1)),
            _ if after.starts_with(b"![CDATA[") => Some((b"]]>", 8)),
            [b'!', ..] => {
                let why = "it declares a document type, which may define entities without end";
                return Err(Refused(why.into()).into());
            }
            _ => None,
        };
        let Some((ending, skip)) = special else {
            // Most tags are a name and nothing else.
            let (end, bare) = match bare_tag(&window.rest()[text + 1..]) {
                Some(length) => (text + 1 + length, true),
                None => (tag_end(&mut window, text + 1, &mut part)?, false),
            };
            let rest = window.rest();
            let inside = &rest[text + 1..end];
            let tag = if bare { Tag::bare(inside) } else { Tag::new(inside) };
            match tag.does {
                Does::Open => depth += 1,
                Does::Close => depth = depth.saturating_sub(1),
                Does::Both => (),
            }
            if depth > MOST_DEPTH {
                return Err(Refused(format!("elements nest deeper than {MOST_DEPTH}")).into());
            }
            each(&rest[..text], tag)?;
            window.start += end + 1;
            continue;
        };
        let mut from = text + 1 + skip;
        let end = loop {
            match memmem::find(&window.rest()[from.min(window.rest().len())..], ending) {
                Some(at) => break from + at + ending.len(),
                None => from = from.max(window.rest().len().saturating_sub(ending.len())),
            }
            if !window.more(&mut part)? {
                return Err(Stopped::Damaged("it ends within a comment or the like".into()));
            }
        };
        window.start += end;
    }
}

/// How long the inside of a tag is that has a plain short name, no prefix and no attributes; `None` for
/// all others.
fn bare_tag(after: &[u8]) -> Option<usize> {
    let name = usize::from(after.first() == Some(&b'/'));
    let length =
        after.iter().skip(name).take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    (length > 0 && after.get(name + length) == Some(&b'>')).then_some(name + length)
}

/// Where the tag that begins at an offset ends; `>` within quotes does not end it.
fn tag_end(window: &mut Window, from: usize, part: &mut impl Read) -> Result<usize, Stopped> {
    let (mut at, mut quote) = (from, None);
    loop {
        // Tags are short: a plain loop is quicker than a search that must get going.
        let found = window.rest()[at..].iter().position(|byte| match quote {
            None => matches!(byte, b'>' | b'"' | b'\''),
            Some(quote) => *byte == quote,
        });
        let Some(found) = found else {
            at = window.rest().len();
            if !window.more(part)? {
                return Err(Stopped::Damaged("it ends within a tag".into()));
            }
            continue;
        };
        match (quote, window.rest()[at + found]) {
            (None, b'>') => return Ok(at + found),
            (None, byte) => quote = Some(byte),
            (Some(_), _) => quote = None,
        }
        at += found + 1;
    }
}

/// The part of the stream that is in memory.
struct Window {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Window {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Reads more; false at the end of the stream.
    fn more(&mut self, part: &mut impl Read) -> Result<bool, Stopped> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end > MOST_TEXT {
            let why = format!("a text or tag is longer than {MOST_TEXT} bytes");
            return Err(Refused(why).into());
        }
        if self.end * 2 > self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        match part.read(&mut self.bytes[self.end..]) {
            Ok(read) => {
                self.end += read;
                Ok(read > 0)
            }
            Err(error) => Err(Stopped::Damaged(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(xml: &str) -> Result<Vec<String>, Stopped> {
        let mut told = Vec::new();
        let each = |text: &[u8], tag: Tag| {
            let attributes = tag.attributes().map(|(name, value)| {
                format!(" {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
            });
            let attributes: String = attributes.collect();
            let (text, name) = (String::from_utf8_lossy(text), String::from_utf8_lossy(tag.name));
            told.push(format!("{text}|{:?} {name}{attributes}", tag.does));
            Ok(())
        };
        // Byte by byte, so that every place of a break between two reads is tried.
        struct Slowly<'a>(&'a [u8]);
        impl Read for Slowly<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        scan(Slowly(xml.as_bytes()), each)?;
        Ok(told)
    }

    #[test]
    fn tags_and_texts_are_told_in_order() {
        let xml = r#"<?xml version="1.0"?><x:c r="A1" t = 's'><!-- <v> > --><v>12</v>
            <![CDATA[<b>]]><d e="a>b"/></x:c>"#;
        let told = told(xml).unwrap();
        assert_eq!(
            told,
            ["|Open c r=A1 t=s", "|Open v", "12|Close v", "|Both d e=a>b", "|Close c"]
        );
    }

    #[test]
    fn what_bombs_are_made_of_is_refused() {
        let refused = |xml: &str| match told(xml) {
            Err(Stopped::Refused(Refused(why))) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>").contains("document type"));
        assert!(refused(&"<a>".repeat(1_001)).contains("nest deeper"));
        assert!(matches!(told("<a b='"), Err(Stopped::Damaged(_))));
        assert!(matches!(told("<!-- "), Err(Stopped::Damaged(_))));
    }
}
