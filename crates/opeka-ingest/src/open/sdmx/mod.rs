//! SDMX-ML of all versions, as flat tables.
//!
//! One pass over the elements serves the generic and the structure-specific messages of SDMX 1.0, 2.0
//! and 2.1, with observations in series, in sections or alone: whatever hangs on an observation, or
//! on an element above it, is a column, and what names the column is the id that SDMX gives it.
//! Namespaces differ between versions and publishers, so that only local names are looked at.

mod data;
mod header;
pub(super) mod json;
mod paths;
mod records;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use opeka_model::Problem;
use quick_xml::events::BytesStart;

use self::data::{At, Data};
use self::header::Header;
use self::records::Records;
use super::flat::{Pool, refuse};
use super::xml::tree::{Children, Node, Tree};
use super::xml::{Token, Xml, local, text};
use crate::grid::Grid;

/// Reads a message of data, of structures, or of nothing but a footer.
pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = text(source, bytes)?;
    let mut message = Message {
        source,
        bytes: bytes.len(),
        tree: Tree::default(),
        pool: Pool::new(),
        frames: Vec::new(),
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
                message.open(&xml, &element)?;
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

struct Frame {
    kind: Kind,
    node: Node,
    children: Children,
    /// How long the path of inner elements was before this one.
    path: usize,
    /// The text so far, where the element may have one.
    text: String,
}

struct Message<'s> {
    source: &'s str,
    bytes: usize,
    tree: Tree,
    pool: Pool,
    frames: Vec<Frame>,
    /// The inner elements that are open, below the holder or the observation: `SeriesKey/Value`.
    path: String,
    records: Records,
    header: Header,
    data: Vec<Data>,
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

impl Message<'_> {
    fn open(&mut self, xml: &Xml, element: &BytesStart) -> Result<(), Problem> {
        let full_name = element.name();
        let name = local(full_name.as_ref());
        let id = self.tree.name_id(name);
        let Some(parent) = self.frames.last_mut() else {
            return self.open_root(xml, element, name, id);
        };
        let kind = match parent.kind {
            Kind::Message if name == "DataSet" => Kind::DataSet,
            Kind::Message | Kind::Described => Kind::Described,
            Kind::DataSet | Kind::Holder => match name {
                "Obs" => Kind::Observation,
                "Series" | "Section" | "Group" => Kind::Holder,
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
        let mut frame = Frame {
            kind,
            node: parent.node,
            children: Children::default(),
            path: self.path.len(),
            text: String::new(),
        };
        match kind {
            Kind::Message => {}
            Kind::Described => {
                frame.node = self.tree.open(parent.node, &mut parent.children, id);
                if name == "Structure" {
                    self.header.structure(xml, element)?;
                }
                self.records.open(xml, element, name, frame.node, &mut self.pool)?;
            }
            Kind::DataSet => {
                frame.node = self.tree.open(parent.node, &mut parent.children, id);
                self.open_set(xml, element, frame.node)?;
            }
            Kind::Holder => {
                frame.node = self.tree.open(parent.node, &mut parent.children, id);
                if let Some(data) = self.data.last_mut() {
                    data.open_holder(frame.node);
                    let slot = data.columns.slot(At::Holder(id), "");
                    xml.attributes(element, |attribute, value| {
                        data.field(slot, attribute, None, value, &mut self.pool);
                        Ok(())
                    })?;
                }
            }
            Kind::Observation => {
                let index = parent.children.count(id);
                if let Some(data) = self.data.last_mut() {
                    data.open_row(id, index);
                    let slot = data.columns.slot(At::Row, "");
                    if name != "Obs" {
                        data.field(slot, "name()", None, name, &mut self.pool);
                    }
                    let measure = self.header.explicit_measure().map(str::to_owned);
                    xml.attributes(element, |attribute, value| {
                        match &measure {
                            // Which measure it is, is said by the type of the observation.
                            Some(id) if local(attribute) == "type" && attribute != "type" => {
                                data.field(slot, attribute, Some(id), local(value), &mut self.pool);
                            }
                            _ => data.field(slot, attribute, None, value, &mut self.pool),
                        }
                        Ok(())
                    })?;
                }
            }
            Kind::Inner => self.open_inner(xml, element, name, id)?,
        }
        self.frames.push(frame);
        Ok(())
    }

    fn open_root(
        &mut self,
        xml: &Xml,
        element: &BytesStart,
        name: &str,
        id: u32,
    ) -> Result<(), Problem> {
        let mut top = Children::default();
        let mut frame = Frame {
            kind: Kind::Message,
            node: 0,
            children: Children::default(),
            path: 0,
            text: String::new(),
        };
        match name {
            "GenericData" | "GenericTimeSeriesData" => self.generic = true,
            "CrossSectionalData" => self.cross_sectional = true,
            "StructureSpecificData"
            | "StructureSpecificTimeSeriesData"
            | "CompactData"
            | "UtilityData"
            | "MessageGroup"
            | "Structure" => (),
            // Part of a message, as one cuts it out to show it.
            "DataSet" => frame.kind = Kind::DataSet,
            "Series" => {
                self.generic = true;
                self.data.push(Data::new(0));
                frame.kind = Kind::Holder;
            }
            _ => {
                return Err(xml
                    .problem(format!("the XML is of a kind that is not read: its root is `{name}`"))
                    .hint("an SDMX message or an XML Spreadsheet 2003 is expected"));
            }
        }
        frame.node = self.tree.open(0, &mut top, id);
        match frame.kind {
            Kind::DataSet => self.open_set(xml, element, frame.node)?,
            Kind::Holder => {
                if let Some(data) = self.data.last_mut() {
                    data.open_holder(frame.node);
                }
            }
            _ => (),
        }
        self.frames.push(frame);
        Ok(())
    }

    fn open_set(&mut self, xml: &Xml, element: &BytesStart, node: Node) -> Result<(), Problem> {
        let mut data = Data::new(node);
        let slot = data.columns.slot(At::Holder(self.tree.name_of(node)), "");
        let mut about = Vec::new();
        xml.attributes(element, |attribute, value| {
            match attribute.contains(':') || ABOUT_THE_SET.contains(&attribute) {
                true => about.push((attribute.to_owned(), value.to_owned())),
                false => data.field(slot, attribute, None, value, &mut self.pool),
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
        xml: &Xml,
        element: &BytesStart,
        name: &str,
        id: u32,
    ) -> Result<(), Problem> {
        let at = self.at();
        let before = self.path.len();
        let Some(data) = self.data.last_mut() else { return Ok(()) };
        if name == "Value" && before > 0 {
            // What SDMX says generically: which concept, and which code of it.
            let (mut by, mut concept, mut code) = (By::Id, String::new(), None);
            let mut more: Vec<(String, String)> = Vec::new();
            xml.attributes(element, |attribute, value| {
                match attribute {
                    "id" => concept = value.to_owned(),
                    "concept" => (by, concept) = (By::Concept, value.to_owned()),
                    "value" => code = Some(self.pool.share(value)),
                    _ => more.push((attribute.to_owned(), value.to_owned())),
                }
                Ok(())
            })?;
            let slot = data.columns.value_slot(at, &self.path, by);
            if let Some(code) = code {
                data.shared_field(slot, &concept, None, code);
            }
            // Nothing stands below it; its path is made only where it says still more.
            if !more.is_empty() {
                let concept = super::xml::quoted(&concept);
                self.path.push_str(&format!("/Value[@{}={concept}]", by.name()));
            }
            for (attribute, value) in more {
                let slot = data.columns.slot(at, &self.path);
                let header = format!("{concept} {}", local(&attribute));
                data.field(slot, &attribute, Some(&header), &value, &mut self.pool);
            }
            return Ok(());
        }
        if before > 0 {
            self.path.push('/');
        }
        self.path.push_str(name);
        let numbered = self.frames.last_mut().map_or(1, |parent| parent.children.count(id));
        if numbered > 1 && !matches!(name, "SeriesKey" | "Attributes" | "ObsKey" | "GroupKey") {
            self.path.push_str(&format!("[{numbered}]"));
        }
        if element.attributes_raw().is_empty() {
            return Ok(());
        }
        let slot = data.columns.slot(at, &self.path);
        let dimension = self.header.dimension_at_observation();
        let mut own = None;
        if name == "ObsDimension" {
            xml.attributes(element, |attribute, value| {
                if attribute == "id" {
                    own = Some(value.to_owned());
                }
                Ok(())
            })?;
        }
        xml.attributes(element, |attribute, value| {
            let header = match (name, attribute) {
                ("ObsDimension", "id") => return Ok(()),
                ("ObsDimension", "value") => Some(own.as_deref().unwrap_or(dimension)),
                ("ObsValue", "value") => Some("OBS_VALUE"),
                _ => None,
            };
            // Which measure a value is of stands in its id.
            data.field(slot, attribute, header, value, &mut self.pool);
            Ok(())
        })
    }

    /// On what the inner elements hang that are open.
    fn at(&self) -> At {
        let owner = self.frames.iter().rev().find(|frame| frame.kind != Kind::Inner);
        match owner {
            Some(frame) if frame.kind == Kind::Observation => At::Row,
            Some(frame) => At::Holder(self.tree.name_of(frame.node)),
            None => At::Row,
        }
    }

    fn text(&mut self, text: &str) {
        let Some(frame) = self.frames.last_mut() else { return };
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
        let Some(frame) = self.frames.pop() else { return Ok(()) };
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
                    let (at, frame_path) = match frame.kind {
                        Kind::Inner => (self.at(), self.path.as_str()),
                        _ => (At::Row, ""),
                    };
                    if let Some(data) = self.data.last_mut() {
                        let header = match frame_path {
                            "Time" => "TIME_PERIOD",
                            "" => "OBS_VALUE",
                            path => path,
                        };
                        let slot = data.columns.slot(at, frame_path);
                        data.field(slot, "", Some(header), text, &mut self.pool);
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
            set.attach_groups(&tree);
        }
        let lists = self.records.lists();
        for (number, set) in (1..).zip(data) {
            let name = (sets > 1).then(|| format!("dataset {number}"));
            grids.push(set.finish(self.source, self.bytes, name, &tree, &lists)?);
        }
        grids.extend(self.records.finish(&tree));
        if grids.is_empty() {
            return Err(refuse(self.source, "the SDMX message holds nothing")
                .hint("the request may have matched no data; ask for other codes or periods"));
        }
        Ok(grids)
    }
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
