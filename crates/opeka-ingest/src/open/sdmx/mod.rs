//! SDMX-ML of all versions, as flat tables.
//!
//! One pass over the elements serves the generic and the structure-specific messages of SDMX 1.0, 2.0
//! and 2.1, with observations in series, in sections or alone: whatever hangs on an observation, or
//! on an element above it, is a column, and what names the column is the id that SDMX gives it.
//! Namespaces differ between versions and publishers, so that only local names are looked at.

mod data;
mod header;
pub(super) mod json;
mod names;
mod paths;
mod records;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use opeka_model::Problem;

use self::data::{At, Data};
use self::header::Header;
use self::names::{Name, Named, Names};
use self::records::Records;
use self::table::Shared;
use super::flat::{Pool, refuse};
use super::xml::tree::{Children, Node, Tree};
use super::xml::{Start, Token, Xml, local, text};
use crate::grid::Grid;

/// Reads a message of data, of structures, or of nothing but a footer.
pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = text(source, bytes)?;
    let mut message = Message {
        source,
        file: &text,
        bytes: bytes.len(),
        tree: Tree::default(),
        names: Names::default(),
        pool: Pool::new(),
        frames: Vec::new(),
        depth: 0,
        path: String::new(),
        records: Records::default(),
        header: Header::default(),
        data: Vec::new(),
        generic: false,
        cross_sectional: false,
    };
    let mut xml = Xml::new(source, &text);
    loop {
        match xml.next()? {
            Token::Start(element) => {
                message.open(&xml, element)?;
                if message.data.last().is_some_and(|data| data.columns.said > xml.most_said()) {
                    return Err(xml.problem("the data set has too many columns to hold"));
                }
            }
            Token::End => message.close()?,
            Token::Text(text) => message.text(&text),
            Token::Eof => break,
        }
    }
    message.finish()
}

/// Where the pass is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The message itself, or a part of it that holds parts.
    Message,
    /// Something described: header, structures, footer.
    Described,
    /// A data set.
    DataSet,
    /// What observations share: a series, a section, a group.
    Holder,
    /// An observation.
    Observation,
    /// An element within one of the three above, such as `SeriesKey`.
    Inner,
}

/// An element that is open.
struct Frame {
    kind: Kind,
    node: Node,
    /// What its fields hang on.
    at: At,
    children: Children,
    /// How long the path of inner elements was before this one.
    path: usize,
    /// The text so far, where the element may have one.
    text: String,
}

struct Message<'t> {
    source: &'t str,
    file: &'t str,
    bytes: usize,
    tree: Tree,
    names: Names<'t>,
    pool: Pool,
    /// The elements that are open, and after them such as were: what they hold is used again.
    frames: Vec<Frame>,
    depth: usize,
    /// The inner elements that are open, below the holder or the observation: `SeriesKey/Value`.
    path: String,
    records: Records,
    header: Header,
    data: Vec<Data<'t>>,
    generic: bool,
    cross_sectional: bool,
}

/// Attributes of a data set that tell of the message, not of its figures.
const ABOUT_THE_SET: [&str; 14] = [
    "action",
    "dataScope",
    "structureRef",
    "setID",
    "datasetID",
    "keyFamilyURI",
    "keyFamilyRef",
    "validFromDate",
    "validToDate",
    "reportingBeginDate",
    "reportingEndDate",
    "publicationYear",
    "publicationPeriod",
    "type",
];

impl<'t> Message<'t> {
    fn open(&mut self, xml: &Xml<'t>, element: Start<'t>) -> Result<(), Problem> {
        let Name { id, local: name, named } = self.names.of(element.name, &mut self.tree);
        let Some(parent) = self.depth.checked_sub(1).and_then(|at| self.frames.get_mut(at)) else {
            return self.open_root(xml, &element, name, id);
        };
        let kind = match parent.kind {
            Kind::Message if named == Named::DataSet => Kind::DataSet,
            Kind::Message | Kind::Described => Kind::Described,
            Kind::DataSet | Kind::Holder => match named {
                Named::Obs => Kind::Observation,
                Named::Holder => Kind::Holder,
                // The measures of a section have their own names.
                _ if self.cross_sectional
                    && self.tree.name_of(parent.node) == section(&self.tree) =>
                {
                    Kind::Observation
                }
                // A compact message names its groups itself.
                _ if !self.generic && parent.kind == Kind::DataSet && !is_inner(name) => {
                    Kind::Holder
                }
                _ => Kind::Inner,
            },
            Kind::Observation | Kind::Inner => Kind::Inner,
        };
        let (mut node, mut at) = (parent.node, parent.at);
        match kind {
            Kind::Message => {}
            Kind::Described => {
                node = self.tree.open(parent.node, &mut parent.children, id);
                at = At::Holder(id);
                if name == "Structure" {
                    self.header.structure(xml, &element)?;
                }
                self.records.open(xml, &element, name, node, &mut self.pool)?;
            }
            Kind::DataSet => {
                node = self.tree.open(parent.node, &mut parent.children, id);
                at = At::Holder(id);
                self.open_set(xml, &element, node)?;
            }
            Kind::Holder => {
                node = self.tree.open(parent.node, &mut parent.children, id);
                at = At::Holder(id);
                if let Some(data) = self.data.last_mut() {
                    data.open_holder(node);
                    let slot = data.columns.slot(at, "");
                    xml.attributes(&element, |attribute, value| {
                        data.field(slot, attribute, None, value);
                        Ok(())
                    })?;
                }
            }
            Kind::Observation => {
                let index = parent.children.count(id);
                at = At::Row;
                if let Some(data) = self.data.last_mut() {
                    data.open_row(id, index);
                    let slot = data.columns.slot(At::Row, "");
                    if named != Named::Obs {
                        data.field(slot, "name()", None, name);
                    }
                    let measure = self.header.explicit_measure();
                    xml.attributes(&element, |attribute, value| {
                        match measure {
                            // Which measure it is, is said by the type of the observation.
                            Some(id) if local(attribute) == "type" && attribute != "type" => {
                                data.field(slot, attribute, Some(id), local(value));
                            }
                            _ => data.field(slot, attribute, None, value),
                        }
                        Ok(())
                    })?;
                }
            }
            Kind::Inner => {
                let path = self.path.len();
                self.open_inner(xml, &element, name, id, named)?;
                self.push(kind, node, at, path);
                return Ok(());
            }
        }
        self.push(kind, node, at, self.path.len());
        Ok(())
    }

    fn push(&mut self, kind: Kind, node: Node, at: At, path: usize) {
        if let Some(frame) = self.frames.get_mut(self.depth) {
            frame.children.clear();
            frame.text.clear();
            (frame.kind, frame.node, frame.at, frame.path) = (kind, node, at, path);
        } else {
            let (children, text) = (Children::default(), String::new());
            self.frames.push(Frame { kind, node, at, children, path, text });
        }
        self.depth += 1;
    }

    fn open_root(
        &mut self,
        xml: &Xml<'t>,
        element: &Start<'t>,
        name: &str,
        id: u32,
    ) -> Result<(), Problem> {
        let kind = match name {
            "GenericData" | "GenericTimeSeriesData" => {
                self.generic = true;
                Kind::Message
            }
            "CrossSectionalData" => {
                self.cross_sectional = true;
                Kind::Message
            }
            "StructureSpecificData"
            | "StructureSpecificTimeSeriesData"
            | "CompactData"
            | "UtilityData"
            | "MessageGroup"
            | "Structure" => Kind::Message,
            // Part of a message, as one cuts it out to show it.
            "DataSet" => Kind::DataSet,
            "Series" => {
                self.generic = true;
                self.data.push(Data::new(self.file, 0));
                Kind::Holder
            }
            _ => {
                return Err(xml
                    .problem(format!("the XML is of a kind that is not read: its root is `{name}`"))
                    .hint("an SDMX message or an XML Spreadsheet 2003 is expected"));
            }
        };
        let node = self.tree.open(0, &mut Children::default(), id);
        match kind {
            Kind::DataSet => self.open_set(xml, element, node)?,
            Kind::Holder => {
                if let Some(data) = self.data.last_mut() {
                    data.open_holder(node);
                }
            }
            _ => (),
        }
        self.push(kind, node, At::Holder(id), 0);
        Ok(())
    }

    fn open_set(&mut self, xml: &Xml<'t>, element: &Start<'t>, node: Node) -> Result<(), Problem> {
        let mut data = Data::new(self.file, node);
        let slot = data.columns.slot(At::Holder(self.tree.name_of(node)), "");
        let mut about = Vec::new();
        xml.attributes(element, |attribute, value| {
            match attribute.contains(':') || ABOUT_THE_SET.contains(&attribute) {
                true => about.push((attribute.to_owned(), value.to_owned())),
                false => data.field(slot, attribute, None, value),
            }
            Ok(())
        })?;
        self.header.set(node, about);
        self.data.push(data);
        Ok(())
    }

    /// An element within a data set, a series or an observation.
    fn open_inner(
        &mut self,
        xml: &Xml<'t>,
        element: &Start<'t>,
        name: &str,
        id: u32,
        named: Named,
    ) -> Result<(), Problem> {
        let Some(parent) = self.depth.checked_sub(1).and_then(|at| self.frames.get_mut(at)) else {
            return Ok(());
        };
        let at = parent.at;
        let Some(data) = self.data.last_mut() else { return Ok(()) };
        if named == Named::Value && !self.path.is_empty() {
            return generic_value(xml, element, at, &mut self.path, data);
        }
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(name);
        let numbered = parent.children.count(id);
        if numbered > 1 && named != Named::Part {
            self.path.push_str(&format!("[{numbered}]"));
        }
        if element.is_bare() {
            return Ok(());
        }
        let slot = data.columns.slot(at, &self.path);
        let dimension = self.header.dimension_at_observation();
        let mut own = None;
        if named == Named::ObsDimension {
            xml.attributes(element, |attribute, value| {
                if attribute == "id" {
                    own = (value != dimension).then(|| value.to_owned());
                }
                Ok(())
            })?;
        }
        xml.attributes(element, |attribute, value| {
            let header = match (named, attribute) {
                (Named::ObsDimension, "id") => return Ok(()),
                (Named::ObsDimension, "value") => Some(own.as_deref().unwrap_or(dimension)),
                (Named::ObsValue, "value") => Some("OBS_VALUE"),
                _ => None,
            };
            // Which measure a value is of stands in its id.
            data.field(slot, attribute, header, value);
            Ok(())
        })
    }

    fn text(&mut self, text: &str) {
        let Some(frame) = self.depth.checked_sub(1).and_then(|at| self.frames.get_mut(at)) else {
            return;
        };
        if frame.text.is_empty() && text.trim_ascii_start().is_empty() {
            return;
        }
        match frame.kind {
            Kind::Described | Kind::Inner => frame.text.push_str(text),
            // The value itself, where a section's measure is written as a text.
            Kind::Observation if !text.trim().is_empty() => frame.text.push_str(text),
            _ => (),
        }
    }

    fn close(&mut self) -> Result<(), Problem> {
        self.depth = self.depth.saturating_sub(1);
        let Some(frame) = self.frames.get(self.depth) else { return Ok(()) };
        match frame.kind {
            Kind::Message => (),
            Kind::DataSet => {
                if let Some(data) = self.data.last_mut() {
                    data.close_holder();
                }
            }
            Kind::Described => {
                let text = frame.text.trim();
                self.records.close(text, &mut self.pool);
            }
            Kind::Holder => {
                if let Some(data) = self.data.last_mut() {
                    data.close_holder();
                }
            }
            Kind::Observation | Kind::Inner => {
                // A structure-specific file has no text at all: nothing to look at.
                let text = frame.text.trim();
                if !text.is_empty() {
                    let frame_path = match frame.kind {
                        Kind::Inner => self.path.as_str(),
                        _ => "",
                    };
                    if let Some(data) = self.data.last_mut() {
                        let header = match frame_path {
                            "Time" => "TIME_PERIOD",
                            "" => "OBS_VALUE",
                            path => path,
                        };
                        let slot = data.columns.slot(frame.at, frame_path);
                        data.field(slot, "", Some(header), text);
                    }
                }
                if frame.kind == Kind::Inner {
                    self.path.truncate(frame.path);
                } else if let Some(data) = self.data.last_mut() {
                    data.close_row(self.source, self.bytes)?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Grid>, Problem> {
        self.header.records(&mut self.records, &self.tree, &mut self.pool);
        let tree = Arc::new(self.tree);
        let sets = self.data.len();
        let mut grids = Vec::new();
        let mut data = self.data;
        for set in &mut data {
            set.close();
            set.attach_groups(&tree);
        }
        let lists = self.records.lists();
        let mut message = Shared { source: self.source, bytes: self.bytes, pool: &mut self.pool };
        for (number, set) in (1..).zip(data) {
            let name = (sets > 1).then(|| format!("dataset {number}"));
            grids.push(set.finish(&mut message, name, &tree, &lists)?);
        }
        grids.extend(self.records.finish(&tree));
        if grids.is_empty() {
            return Err(refuse(self.source, "the SDMX message holds nothing")
                .hint("the request may have matched no data; ask for other codes or periods"));
        }
        Ok(grids)
    }
}

/// What SDMX says generically: which concept, and which code of it.
fn generic_value<'t>(
    xml: &Xml<'t>,
    element: &Start<'t>,
    at: At,
    path: &mut String,
    data: &mut Data,
) -> Result<(), Problem> {
    // Mostly the concept comes first, and the two are all that there is.
    let (mut by, mut concept, mut code) = (By::Id, Cow::Borrowed(""), None);
    let mut more: Vec<(String, String)> = Vec::new();
    xml.values(element, |attribute, value| {
        match attribute {
            "id" => concept = value,
            "concept" => (by, concept) = (By::Concept, value),
            "value" => code = Some(value),
            _ => more.push((attribute.to_owned(), value.into_owned())),
        }
        Ok(())
    })?;
    let slot = data.columns.value_slot(at, path, by);
    if let Some(code) = code {
        data.field(slot, &concept, None, &code);
    }
    // Nothing stands below it; its path is made only where it says still more.
    if !more.is_empty() {
        let concept = super::xml::quoted(&concept);
        path.push_str(&format!("/Value[@{}={concept}]", by.name()));
    }
    for (attribute, value) in more {
        let slot = data.columns.slot(at, path);
        let header = format!("{concept} {}", local(&attribute));
        data.field(slot, &attribute, Some(&header), &value);
    }
    Ok(())
}

/// By which attribute a generic value names its concept: 1.0 and 2.0 do it otherwise than 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum By {
    Id,
    Concept,
}

impl By {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Concept => "concept",
        }
    }
}

/// The parts of a data set that are neither series nor groups.
fn is_inner(name: &str) -> bool {
    matches!(name, "Attributes" | "Annotations" | "KeyFamilyRef" | "DataProvider" | "Atts")
}

fn section(tree: &Tree) -> u32 {
    tree.known_name("Section").unwrap_or(u32::MAX)
}
