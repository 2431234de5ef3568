//! Superscript runs: `1234` with a superscript `1` is not 12341.
//!
//! Readers join all runs of a rich text, so the runs are read here once more: which shared or
//! inline strings end in a superscript run, and which cells use them.

use std::collections::HashMap;
use std::io::BufRead;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use smol_str::SmolStr;

use super::limits::Archive;
use super::workbook::{Unreadable, damaged};

/// A text, and the mark that ended it; no mark is an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) base: SmolStr,
    pub(super) mark: Box<str>,
}

/// The cells of one sheet whose text ends in a superscript run.
pub(super) type SheetMarks = HashMap<(u32, u32), Split>;

/// Runs of a text, each with whether it is superscript, as a split; `None` without a base or
/// without a mark.
pub(super) fn split_runs(runs: &[(bool, String)]) -> Option<Split> {
    let written = |run: &&(bool, String)| !run.1.trim().is_empty();
    let last = runs.iter().rposition(|run| !run.0 && written(&run))?;
    let join = |runs: &[(bool, String)]| runs.iter().map(|r| r.1.as_str()).collect::<String>();
    let mark = join(&runs[last + 1..]).trim().to_owned();
    (!mark.is_empty()).then(|| Split { base: join(&runs[..=last]).into(), mark: mark.into() })
}

/// A mark, as a cell keeps it.
pub(super) fn raised(mark: Box<str>) -> Box<SmolStr> {
    Box::new(mark.into())
}

/// A mark written with the superscript digits of Unicode is a superscript too. `None` for a text
/// of spaces.
pub(super) fn split_unicode(text: &str) -> Option<Split> {
    const DIGITS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let trimmed = text.trim_end();
    if trimmed.is_empty() {
        return None;
    }
    let whole = || Some(Split { base: text.into(), mark: Box::default() });
    if trimmed.ends_with(|c: char| c.is_ascii()) {
        return whole();
    }
    let base = trimmed.trim_end_matches(|c| DIGITS.contains(c));
    let mark: String = trimmed[base.len()..]
        .chars()
        .filter_map(|c| DIGITS.chars().position(|digit| digit == c))
        .filter_map(|digit| char::from_digit(digit as u32, 10))
        .collect();
    match mark.is_empty() || base.trim().is_empty() {
        true => whole(),
        false => Some(Split { base: base.into(), mark: mark.into() }),
    }
}

/// Shared strings that end in a superscript run, by their number.
pub(super) fn shared_strings(
    archive: &mut Archive,
    path: &str,
) -> Result<HashMap<usize, Split>, Unreadable> {
    let mut found = HashMap::new();
    let Some(entry) = archive.entry(path)? else { return Ok(found) };
    let mut xml = reader(entry);
    let (mut buffer, mut index, mut runs) = (Vec::new(), 0, Runs::default());
    loop {
        match xml.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(e) if e.local_name().as_ref() == "si" => runs = Runs::default(),
            Event::End(e) if e.local_name().as_ref() == "si" => {
                if let Some(split) = split_runs(&runs.runs) {
                    found.insert(index, split);
                }
                index += 1;
            }
            Event::Eof => return Ok(found),
            event => runs.read(&event),
        }
        buffer.clear();
    }
}

/// The cells of one sheet whose own text ends in a superscript run.
pub(super) fn inline_strings(archive: &mut Archive, path: &str) -> Result<SheetMarks, Unreadable> {
    let mut found = HashMap::new();
    let Some(entry) = archive.entry(path)? else { return Ok(found) };
    let mut xml = reader(entry);
    let mut buffer = Vec::new();
    let (mut place, mut inline) = (None, false);
    let (mut row, mut column) = (0u32, 0u32);
    let mut runs = Runs::default();
    loop {
        match xml.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(e) if e.local_name().as_ref() == "row" => {
                let stated = attribute(&e, "r").and_then(|r| r.parse::<u32>().ok());
                row = stated.map_or(row, |r| r.saturating_sub(1));
                column = 0;
            }
            Event::End(e) if e.local_name().as_ref() == "row" => row = row.saturating_add(1),
            Event::Start(e) if e.local_name().as_ref() == "c" => {
                let stated = attribute(&e, "r").and_then(|r| opeka_model::parse_a1(&r));
                let at = stated.unwrap_or((row, column));
                (place, column) = (Some(at), at.1.saturating_add(1));
                inline = attribute(&e, "t").as_deref() == Some("inlineStr");
                runs = Runs::default();
            }
            Event::End(e) if e.local_name().as_ref() == "c" => {
                let split = if inline { split_runs(&runs.runs) } else { None };
                if let (Some(place), Some(split)) = (place.take(), split) {
                    found.insert(place, split);
                }
            }
            Event::Eof => return Ok(found),
            event => runs.read(&event),
        }
        buffer.clear();
    }
}

/// The character that a reference stands for; only those that XML itself knows, so that nothing is
/// ever expanded.
pub(super) fn referred(reference: &BytesRef) -> Option<char> {
    reference.resolve_char_ref().ok().flatten().or(match reference.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    })
}

/// As calamine reads: an empty element is a start and an end.
fn reader<R: BufRead>(entry: R) -> Reader<R> {
    let mut xml = Reader::from_reader(entry);
    xml.config_mut().expand_empty_elements = true;
    xml.config_mut().check_end_names = false;
    xml
}

/// Collects the runs of a rich text.
#[derive(Default)]
struct Runs {
    runs: Vec<(bool, String)>,
    in_text: bool,
    phonetic: bool,
}

impl Runs {
    fn read(&mut self, event: &Event) {
        match event {
            Event::Start(e) => match e.local_name().as_ref() {
                "r" => self.runs.push((false, String::new())),
                "rPh" => self.phonetic = true,
                "t" => self.in_text = !self.phonetic,
                "vertAlign" if attribute(e, "val").as_deref() == Some("superscript") => {
                    if let Some(run) = self.runs.last_mut() {
                        run.0 = true;
                    }
                }
                _ => (),
            },
            Event::End(e) => match e.local_name().as_ref() {
                "t" => self.in_text = false,
                "rPh" => self.phonetic = false,
                _ => (),
            },
            Event::Text(text) if self.in_text => {
                if let Some(run) = self.runs.last_mut() {
                    run.1.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) if self.in_text => {
                let resolved = referred(reference);
                if let (Some(run), Some(c)) = (self.runs.last_mut(), resolved) {
                    run.1.push(c);
                }
            }
            _ => (),
        }
    }
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    text(element.try_get_attribute(name).ok()??)
}

fn text(attribute: Attribute) -> Option<String> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}
