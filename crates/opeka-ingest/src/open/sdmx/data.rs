//! The figures of one data set, as the pass over the file meets them.

use std::collections::HashMap;

use opeka_model::Problem;
use smol_str::SmolStr;

use super::By;
use super::paths::Run;
use crate::open::flat::{Pool, room};
use crate::open::xml::quoted;
use crate::open::xml::tree::Node;

/// On what a field hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// On the observation itself.
    Row,
    /// On an element of that name above it, or on a group that it belongs to.
    Holder(u32),
}

/// A column, before its place is known.
#[derive(Debug)]
pub(super) struct Column {
    /// What the header says.
    pub(super) header: Box<str>,
    pub(super) at: At,
    /// From what it hangs on to the value: `SeriesKey/Value[@concept='FREQ']/@value`.
    pub(super) relative: Box<str>,
    /// Where the id itself stands, for a generic value: `…/Value[@concept='FREQ']/@concept`.
    pub(super) named_by: Option<By>,
}

/// The columns, found by what they hang on and what names them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) list: Vec<Column>,
    slots: Vec<Slot>,
    slot_of: HashMap<(At, Option<By>, Box<str>), usize>,
    last_slots: Vec<usize>,
    /// How long what names the columns is together.
    pub(super) said: usize,
}

/// The columns of one kind of element. Elements of one kind repeat their attributes in one order, so
/// that the next column is mostly the one after the last.
struct Slot {
    at: At,
    path: Box<str>,
    by: Option<By>,
    order: Vec<u32>,
    place_of: HashMap<Box<str>, usize>,
    cursor: usize,
}

impl Columns {
    /// The slot of the attributes of an element, by its path below what it hangs on.
    pub(super) fn slot(&mut self, at: At, path: &str) -> usize {
        self.find_slot(at, path, None)
    }

    /// The slot of the generic values within an element.
    pub(super) fn value_slot(&mut self, at: At, path: &str, by: By) -> usize {
        self.find_slot(at, path, Some(by))
    }

    fn find_slot(&mut self, at: At, path: &str, by: Option<By>) -> usize {
        let is = |slot: &Slot| slot.at == at && slot.by == by && *slot.path == *path;
        if let Some(found) = self.last_slots.iter().find(|slot| is(&self.slots[**slot])) {
            return *found;
        }
        let key = (at, by, Box::from(path));
        let slots = &mut self.slots;
        let found = *self.slot_of.entry(key).or_insert_with(|| {
            let (order, place_of) = (Vec::new(), HashMap::new());
            slots.push(Slot { at, path: path.into(), by, order, place_of, cursor: 0 });
            slots.len() - 1
        });
        // The few slots of an ordinary file are found without making a key.
        if self.last_slots.len() < 12 {
            self.last_slots.push(found);
        }
        found
    }

    fn column(&mut self, slot: usize, name: &str, header: Option<&str>) -> u32 {
        let Slot { at, path, by, order, place_of, cursor } = &mut self.slots[slot];
        let next = order.get(*cursor).copied();
        let place = match next {
            Some(column) if *self.list[column as usize].name() == *name => *cursor,
            _ => match place_of.get(name) {
                Some(place) => *place,
                None => {
                    let last = match (*by, name) {
                        (Some(by), name) => {
                            format!("Value[@{}={}]/@value", by.name(), quoted(name))
                        }
                        (None, "" | "name()") => name.to_owned(),
                        (None, name) => format!("@{name}"),
                    };
                    let relative = match (path.is_empty(), last.is_empty()) {
                        (true, _) => last,
                        (false, true) => path.to_string(),
                        (false, false) => format!("{path}/{last}"),
                    };
                    let said = match (header, path.is_empty(), name) {
                        (Some(header), ..) => header.to_owned(),
                        (None, _, "name()") => "MEASURE".to_owned(),
                        (None, true, name) => name.to_owned(),
                        (None, false, name) if by.is_some() => name.to_owned(),
                        (None, false, name) => format!("{path} {name}"),
                    };
                    self.said += relative.len() + said.len();
                    order.push(self.list.len() as u32);
                    place_of.insert(name.into(), order.len() - 1);
                    self.list.push(Column {
                        header: said.into(),
                        at: *at,
                        relative: relative.into(),
                        named_by: *by,
                    });
                    order.len() - 1
                }
            },
        };
        *cursor = if place + 1 < order.len() { place + 1 } else { 0 };
        order[place]
    }
}

impl Column {
    /// What names it within its slot.
    fn name(&self) -> &str {
        let relative = &*self.relative;
        if self.named_by.is_some() {
            let start =
                relative.rfind("Value[@").and_then(|at| relative[at..].find('=').map(|n| at + n));
            let end = relative.len().saturating_sub("]/@value".len());
            return start.and_then(|start| relative.get(start + 2..end.max(1) - 1)).unwrap_or("");
        }
        relative.rsplit('/').next().map_or("", |last| last.strip_prefix('@').unwrap_or(""))
    }
}

/// A column by its number, and a value of it.
pub(super) type Field = (u32, SmolStr);

/// What observations share.
pub(super) struct Holder {
    pub(super) node: Node,
    /// The holder around it, by its number; the data set is its own.
    pub(super) parent: usize,
    pub(super) fields: Vec<Field>,
    /// Whether it has observations or holders of its own.
    filled: bool,
}

/// The figures of one data set.
pub(super) struct Data {
    pub(super) columns: Columns,
    pub(super) holders: Vec<Holder>,
    open: Vec<usize>,
    in_row: bool,
    pub(super) runs: Vec<Run>,
    pub(super) fields: Vec<Field>,
    /// Where the fields of each row end.
    pub(super) ends: Vec<usize>,
    /// How many cells the rows will have beside their own fields.
    pub(super) cells: u64,
    /// The groups of each holder that is a series, by the column of their fields.
    pub(super) groups: Vec<(usize, usize)>,
    /// Holders without observations; once groups are attached, those groups.
    pub(super) loose: Vec<usize>,
    /// Whether what a group says of its key is said by series, too.
    pub(super) keys_repeat: bool,
}

impl Data {
    pub(super) fn new(node: Node) -> Self {
        Self {
            columns: Columns::default(),
            holders: vec![Holder { node, parent: 0, fields: Vec::new(), filled: true }],
            open: vec![0],
            in_row: false,
            runs: Vec::new(),
            fields: Vec::new(),
            ends: Vec::new(),
            cells: 0,
            groups: Vec::new(),
            loose: Vec::new(),
            keys_repeat: false,
        }
    }

    pub(super) fn open_holder(&mut self, node: Node) {
        let parent = self.open.last().copied().unwrap_or(0);
        self.holders[parent].filled = true;
        self.holders.push(Holder { node, parent, fields: Vec::new(), filled: false });
        self.open.push(self.holders.len() - 1);
    }

    pub(super) fn close_holder(&mut self) {
        let Some(holder) = self.open.pop() else { return };
        if holder > 0 && !self.holders[holder].filled {
            self.loose.push(holder);
            // It keeps its place among the rows until it is known to be a group.
            self.runs.push(Run::bare(self.ends.len() as u32, holder, self.holders[holder].node));
            self.ends.push(self.fields.len());
        }
    }

    pub(super) fn open_row(&mut self, name: u32, index: u32) {
        let holder = self.open.last().copied().unwrap_or(0);
        self.holders[holder].filled = true;
        let row = self.ends.len() as u32;
        match self.runs.last_mut() {
            Some(run)
                if run.holder == holder
                    && run.leaf == Some(name)
                    && run.first_index + run.count == index =>
            {
                run.count += 1;
            }
            _ => {
                let (node, leaf) = (self.holders[holder].node, Some(name));
                let (first_row, count, first_index) = (row, 1, index);
                self.runs.push(Run { first_row, count, holder, node, leaf, first_index });
            }
        }
        self.in_row = true;
    }

    pub(super) fn close_row(&mut self, source: &str, bytes: usize) -> Result<(), Problem> {
        self.in_row = false;
        self.ends.push(self.fields.len());
        // Counted on the way, so that no table is begun that could not be ended.
        let mut holder = self.open.last().copied().unwrap_or(0);
        loop {
            self.cells += self.holders[holder].fields.len() as u64;
            if holder == 0 {
                break;
            }
            holder = self.holders[holder].parent;
        }
        room(source, self.cells + self.fields.len() as u64, bytes)
    }

    /// A value of what is open; `header` where the column is not called as its attribute.
    pub(super) fn field(
        &mut self,
        slot: usize,
        name: &str,
        header: Option<&str>,
        value: &str,
        pool: &mut Pool,
    ) {
        let value = pool.share(value);
        self.shared_field(slot, name, header, value);
    }

    pub(super) fn shared_field(
        &mut self,
        slot: usize,
        name: &str,
        header: Option<&str>,
        value: SmolStr,
    ) {
        let column = self.columns.column(slot, name, header);
        if value.is_empty() {
            return;
        }
        let at_row = self.columns.list[column as usize].at == At::Row;
        match (at_row && self.in_row, self.open.last()) {
            (false, Some(holder)) => self.holders[*holder].fields.push((column, value)),
            _ => self.fields.push((column, value)),
        }
    }
}
