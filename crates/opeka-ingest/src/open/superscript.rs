//! Superscript runs of Office Open XML: `1234` with a superscript `1` is not 12341.
//!
//! The reader joins all runs of a rich text, so the runs are read here once more: which shared or
//! inline strings end in a superscript run, and which cells use them.

use std::collections::HashMap;
use std::io::{BufReader, Cursor, Read};

use calamine::XlsxError;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// A text that ends in a superscript run: what stands before it, and the mark.
type Split = (String, String);
/// The cells of one sheet whose text ends so.
pub(super) type SheetMarks = HashMap<(u32, u32), Split>;
/// The same for each sheet, by its name.
pub(super) type Superscripts = HashMap<String, SheetMarks>;

type Archive<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// # Errors
/// Those of the archive and of its XML, in the reader's own type.
pub(super) fn find(bytes: &[u8]) -> Result<Superscripts, XlsxError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(XlsxError::Zip)?;
    let (folder, workbook) = workbook_part(&mut archive)?;
    let shared = shared_strings(&mut archive, &format!("{folder}sharedStrings.xml"))?;
    let mut found = Superscripts::new();
    for (name, path) in sheets(&mut archive, &folder, &workbook)? {
        let cells = sheet_cells(&mut archive, &path, &shared)?;
        if !cells.is_empty() {
            found.insert(name, cells);
        }
    }
    Ok(found)
}

/// The folder and the name of the workbook's own part; some programs call it `workbook2.xml`.
fn workbook_part(archive: &mut Archive) -> Result<(String, String), XlsxError> {
    let mut part = "xl/workbook.xml".to_owned();
    each_element(archive, "_rels/.rels", |e| {
        let kind = attribute(e, "Type").unwrap_or_default();
        if kind.ends_with("/officeDocument") {
            part = attribute(e, "Target").unwrap_or_else(|| part.clone());
        }
    })?;
    let part = part.trim_start_matches('/');
    let (folder, name) = part.split_at(part.rfind('/').map_or(0, |slash| slash + 1));
    Ok((folder.to_owned(), name.to_owned()))
}

/// Shared strings that end in a superscript run, by their index.
fn shared_strings(archive: &mut Archive, path: &str) -> Result<HashMap<usize, Split>, XlsxError> {
    let mut found = HashMap::new();
    let Some(entry) = entry(archive, path) else { return Ok(found) };
    let mut xml = Reader::from_reader(entry);
    let (mut buffer, mut index, mut runs) = (Vec::new(), 0, Runs::default());
    loop {
        match xml.read_event_into(&mut buffer).map_err(XlsxError::Xml)? {
            Event::Start(e) if e.local_name().as_ref() == "si" => runs = Runs::default(),
            Event::End(e) if e.local_name().as_ref() == "si" => {
                if let Some(split) = runs.split() {
                    found.insert(index, split);
                }
                index += 1;
            }
            Event::Empty(e) if e.local_name().as_ref() == "si" => index += 1,
            Event::Eof => return Ok(found),
            event => runs.read(&event),
        }
        buffer.clear();
    }
}

/// The cells of one sheet that end in a superscript run.
fn sheet_cells(
    archive: &mut Archive,
    path: &str,
    shared: &HashMap<usize, Split>,
) -> Result<SheetMarks, XlsxError> {
    let mut found = HashMap::new();
    let Some(entry) = entry(archive, path) else { return Ok(found) };
    let mut xml = Reader::from_reader(entry);
    let mut buffer = Vec::new();
    let (mut place, mut kind, mut value) = (None, String::new(), String::new());
    let (mut row, mut column, mut in_value) = (0u32, 0u32, false);
    let mut runs = Runs::default();
    loop {
        match xml.read_event_into(&mut buffer).map_err(XlsxError::Xml)? {
            Event::Start(e) if e.local_name().as_ref() == "row" => {
                row = attribute(&e, "r")
                    .and_then(|r| r.parse::<u32>().ok())
                    .map_or(row, |r| r.saturating_sub(1));
                column = 0;
            }
            Event::End(e) if e.local_name().as_ref() == "row" => row = row.saturating_add(1),
            Event::Start(e) if e.local_name().as_ref() == "c" => {
                place = attribute(&e, "r")
                    .and_then(|r| opeka_model::parse_a1(&r))
                    .or(Some((row, column)));
                column = place.map_or(column, |(_, c)| c) + 1;
                kind = attribute(&e, "t").unwrap_or_default();
                value.clear();
                runs = Runs::default();
            }
            Event::Empty(e) if e.local_name().as_ref() == "c" => {
                column = attribute(&e, "r")
                    .and_then(|r| opeka_model::parse_a1(&r))
                    .map_or(column, |(_, c)| c)
                    + 1;
            }
            Event::Start(e) if e.local_name().as_ref() == "v" => in_value = true,
            Event::End(e) if e.local_name().as_ref() == "v" => in_value = false,
            Event::Text(text) if in_value => value.push_str(&text.xml10_content()),
            Event::End(e) if e.local_name().as_ref() == "c" => {
                let split = match kind.as_str() {
                    "s" => value.trim().parse().ok().and_then(|i: usize| shared.get(&i).cloned()),
                    "inlineStr" => runs.split(),
                    _ => None,
                };
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
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                "r" => self.runs.push((false, String::new())),
                "rPh" => self.phonetic = true,
                "t" => self.in_text = matches!(event, Event::Start(_)) && !self.phonetic,
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
                let resolved = reference.resolve_char_ref().ok().flatten().or_else(|| {
                    match reference.as_ref() {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => None,
                    }
                });
                if let (Some(run), Some(c)) = (self.runs.last_mut(), resolved) {
                    run.1.push(c);
                }
            }
            _ => (),
        }
    }

    /// The text before the trailing superscript runs, and those runs; `None` without either.
    fn split(&self) -> Option<Split> {
        let written = |run: &&(bool, String)| !run.1.trim().is_empty();
        let last = self.runs.iter().rposition(|run| !run.0 && written(&run))?;
        let join = |runs: &[(bool, String)]| runs.iter().map(|r| r.1.as_str()).collect::<String>();
        let mark = join(&self.runs[last + 1..]).trim().to_owned();
        (!mark.is_empty()).then(|| (join(&self.runs[..=last]), mark))
    }
}

/// Names and paths of the sheets, by the workbook's relationships.
fn sheets(
    archive: &mut Archive,
    folder: &str,
    workbook: &str,
) -> Result<Vec<(String, String)>, XlsxError> {
    let mut targets = HashMap::new();
    each_element(archive, &format!("{folder}_rels/{workbook}.rels"), |e| {
        if let (Some(id), Some(target)) = (attribute(e, "Id"), attribute(e, "Target")) {
            let path = match target.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("{folder}{target}"),
            };
            targets.insert(id, path);
        }
    })?;
    let mut found = Vec::new();
    each_element(archive, &format!("{folder}{workbook}"), |e| {
        if e.local_name().as_ref() == "sheet" {
            // `r:id`, whatever prefix the program chose.
            let mut attributes = e.attributes().flatten();
            let id = attributes.find(|a| a.key.local_name().as_ref() == "id").and_then(text);
            let path = id.and_then(|id| targets.get(&id).cloned());
            if let (Some(name), Some(path)) = (attribute(e, "name"), path) {
                found.push((name, path));
            }
        }
    })?;
    Ok(found)
}

fn each_element(
    archive: &mut Archive,
    path: &str,
    mut each: impl FnMut(&BytesStart),
) -> Result<(), XlsxError> {
    let Some(entry) = entry(archive, path) else { return Ok(()) };
    let mut xml = Reader::from_reader(entry);
    let mut buffer = Vec::new();
    loop {
        match xml.read_event_into(&mut buffer).map_err(XlsxError::Xml)? {
            Event::Start(e) | Event::Empty(e) => each(&e),
            Event::Eof => return Ok(()),
            _ => (),
        }
        buffer.clear();
    }
}

fn entry<'a>(archive: &'a mut Archive, path: &str) -> Option<BufReader<impl Read + 'a>> {
    let names = archive.file_names().filter_map(Result::ok);
    let name = names.into_iter().find(|name| name.eq_ignore_ascii_case(path))?.into_owned();
    archive.by_name(&name).ok().map(BufReader::new)
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    text(element.try_get_attribute(name).ok()??)
}

fn text(attribute: Attribute) -> Option<String> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}
