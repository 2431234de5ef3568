//! The names of elements. A file repeats a few of them all over, so that they are told apart by what
//! they mean once, not each time.

use crate::open::xml::local;
use crate::open::xml::tree::Tree;

/// What a name means to the pass over a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    DataSet,
    Obs,
    /// What observations share, in every message: a series, a section, a group.
    Holder,
    /// A part that the paths of values never number, such as `SeriesKey`.
    Part,
    Value,
    ObsDimension,
    ObsValue,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'t> {
    /// Its number in the tree.
    pub(super) id: u32,
    pub(super) local: &'t str,
    pub(super) named: Named,
}

/// Names as they are written, prefix and all; of two that meet in a slot the later one stays.
#[derive(Debug)]
pub(super) struct Names<'t> {
    slots: [Option<(&'t str, Name<'t>)>; 64],
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self { slots: [None; 64] }
    }
}

impl<'t> Names<'t> {
    pub(super) fn of(&mut self, written: &'t str, tree: &mut Tree) -> Name<'t> {
        let bytes = written.as_bytes();
        let at = |place: usize| bytes.get(place).copied().map_or(0, usize::from);
        let (middle, last) = (at(bytes.len() / 2), at(bytes.len().saturating_sub(1)));
        let slot = &mut self.slots[(bytes.len() * 5 + middle * 3 + last) % 64];
        match slot {
            Some((known, name)) if *known == written => *name,
            _ => {
                let local = local(written);
                let name = Name { id: tree.name_id(local), local, named: named(local) };
                *slot = Some((written, name));
                name
            }
        }
    }
}

fn named(local: &str) -> Named {
    match local {
        "DataSet" => Named::DataSet,
        "Obs" => Named::Obs,
        "Series" | "Section" | "Group" => Named::Holder,
        "SeriesKey" | "Attributes" | "ObsKey" | "GroupKey" => Named::Part,
        "Value" => Named::Value,
        "ObsDimension" => Named::ObsDimension,
        "ObsValue" => Named::ObsValue,
        _ => Named::Other,
    }
}
