//! What a message says of itself: how its data sets are laid out, and what is to be read beside them.

use opeka_model::Problem;

use super::records::Records;
use crate::open::flat::Pool;
use crate::open::xml::tree::{Node, Tree};
use crate::open::xml::{Start, Xml, local};

#[derive(Debug, Default)]
pub(super) struct Header {
    structures: Vec<Structure>,
    /// The structure of the data set that is open.
    current: Option<usize>,
    /// What the attributes of the data sets say of the message.
    sets: Vec<(Node, Vec<(String, String)>)>,
}

/// One `Structure` of the header.
#[derive(Debug, Default)]
struct Structure {
    id: String,
    dimension: Option<String>,
    explicit_measures: bool,
}

impl Header {
    /// A `Structure` of the header opens.
    pub(super) fn structure<'t>(
        &mut self,
        xml: &Xml<'t>,
        element: &Start<'t>,
    ) -> Result<(), Problem> {
        let mut structure = Structure::default();
        xml.attributes(element, |name, value| {
            match name {
                "structureID" => structure.id = value.to_owned(),
                "dimensionAtObservation" => structure.dimension = Some(value.to_owned()),
                "explicitMeasures" => structure.explicit_measures = matches!(value, "true" | "1"),
                _ => (),
            }
            Ok(())
        })?;
        self.structures.push(structure);
        Ok(())
    }

    /// A data set opens, with what its attributes say.
    pub(super) fn set(&mut self, node: Node, about: Vec<(String, String)>) {
        let named = about.iter().find(|(name, _)| local(name) == "structureRef");
        let current = named.and_then(|(_, id)| self.structures.iter().position(|s| s.id == *id));
        self.current = current.or((!self.structures.is_empty()).then_some(0));
        self.sets.push((node, about));
    }

    fn open(&self) -> Option<&Structure> {
        self.structures.get(self.current?)
    }

    /// The dimension that differs between the observations of a series.
    pub(super) fn dimension_at_observation(&self) -> &str {
        self.open().and_then(|structure| structure.dimension.as_deref()).unwrap_or("TIME_PERIOD")
    }

    /// The measure dimension, where the type of an observation says its code.
    pub(super) fn explicit_measure(&self) -> Option<&str> {
        let open = self.open().filter(|structure| structure.explicit_measures)?;
        open.dimension.as_deref().filter(|id| *id != "TIME_PERIOD" && *id != "AllDimensions")
    }

    /// Writes what the data sets say of the message beside the header.
    pub(super) fn records(&mut self, records: &mut Records, tree: &Tree, pool: &mut Pool) {
        for (node, about) in self.sets.drain(..) {
            records.about(node, &about, tree, pool);
        }
    }
}
