//! What the styles of an OpenDocument spreadsheet say of a cell's looks, and of superscripts.

use std::collections::HashMap;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::ods::attribute;
use super::workbook::{Unreadable, damaged};
use crate::grid::Look;

/// Millimetres of a step of indentation: ten points.
const STEP: f64 = 25.4 * 10.0 / 72.0;

#[derive(Debug, Default)]
struct Style {
    parent: Option<String>,
    bold: Option<bool>,
    indent: Option<u8>,
    raised: Option<bool>,
    percent: Option<bool>,
}

/// Styles by their names, those of the document and those of its content.
#[derive(Debug, Default)]
pub(super) struct Styles {
    cells: HashMap<String, Style>,
    texts: HashMap<String, Style>,
    /// Number styles that show per cent.
    percentages: Vec<String>,
}

impl Styles {
    /// Reads the styles of a part.
    pub(super) fn read(&mut self, part: impl BufRead) -> Result<(), Unreadable> {
        let mut xml = Reader::from_reader(part);
        xml.config_mut().expand_empty_elements = true;
        let (mut buffer, mut open) = (Vec::new(), None::<(String, String, Style)>);
        loop {
            match xml.read_event_into(&mut buffer).map_err(damaged)? {
                Event::Start(e) => match e.name().as_ref() {
                    // The styles stand before the content.
                    "office:body" => return Ok(()),
                    "number:percentage-style" => {
                        self.percentages.extend(attribute(&e, "style:name"));
                    }
                    "style:style" => open = self.begin(&e),
                    "style:text-properties" => {
                        if let Some((_, _, style)) = &mut open {
                            let weight = attribute(&e, "fo:font-weight");
                            style.bold = weight.map(|weight| {
                                weight == "bold" || weight.parse().is_ok_and(|w: u32| w >= 600)
                            });
                            let position = attribute(&e, "style:text-position");
                            style.raised = position.map(|position| is_raised(&position));
                        }
                    }
                    "style:paragraph-properties" => {
                        if let Some((_, _, style)) = &mut open {
                            style.indent = attribute(&e, "fo:margin-left").map(|m| steps(&m));
                        }
                    }
                    _ => (),
                },
                Event::End(e) if e.name().as_ref() == "style:style" => {
                    if let Some((family, name, style)) = open.take() {
                        let of = match family.as_str() {
                            "table-cell" => &mut self.cells,
                            _ => &mut self.texts,
                        };
                        of.insert(name, style);
                    }
                }
                Event::Eof => return Ok(()),
                _ => (),
            }
            buffer.clear();
        }
    }

    fn begin(&self, e: &BytesStart) -> Option<(String, String, Style)> {
        let family = attribute(e, "style:family")?;
        if !matches!(family.as_str(), "table-cell" | "text") {
            return None;
        }
        let shown = attribute(e, "style:data-style-name");
        let percent = shown.map(|shown| self.percentages.contains(&shown));
        let style =
            Style { parent: attribute(e, "style:parent-style-name"), percent, ..Style::default() };
        Some((family, attribute(e, "style:name")?, style))
    }

    /// Whether a style of text is superscript; `None` where it does not say.
    pub(super) fn raised(&self, name: &str) -> Option<bool> {
        first(&self.texts, name, |style| style.raised)
    }

    /// The looks of a style of cells.
    pub(super) fn look(&self, name: &str) -> Look {
        Look {
            bold: first(&self.cells, name, |style| style.bold).unwrap_or(false),
            indent: first(&self.cells, name, |style| style.indent).unwrap_or(0),
            percent: first(&self.cells, name, |style| style.percent).unwrap_or(false),
        }
    }
}

/// What a style says, or the nearest of its parents that says it.
fn first<T>(
    styles: &HashMap<String, Style>,
    name: &str,
    says: impl Fn(&Style) -> Option<T>,
) -> Option<T> {
    let mut name = name;
    // A chain that bites its tail ends here.
    for _ in 0..16 {
        let style = styles.get(name)?;
        if let Some(said) = says(style) {
            return Some(said);
        }
        name = style.parent.as_deref()?;
    }
    None
}

/// `super 58%`, or a share of the height by which the text is raised: `33% 58%`.
fn is_raised(position: &str) -> bool {
    let first = position.split_whitespace().next().unwrap_or_default();
    first == "super"
        || first.strip_suffix('%').is_some_and(|p| p.parse().is_ok_and(|p: f64| p > 0.0))
}

/// A length as steps of indentation.
fn steps(length: &str) -> u8 {
    let letters = length.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(length.len());
    let (number, unit) = length.split_at(letters);
    let millimetres = match unit {
        "cm" => 10.0,
        "in" => 25.4,
        "pt" => 25.4 / 72.0,
        _ => 1.0,
    };
    number.parse::<f64>().map_or(0, |n| (n * millimetres / STEP).round().clamp(0.0, 250.0) as u8)
}
