//! The figures of one data set, as the pass over the file meets them.

use std::collections::HashMap;
use std::ops::Range;

use opeka_model::Problem;

use super::By;
use super::paths::Run;
use crate::open::flat::room;
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
    /// The first slots of the file, and which of them is likely to be asked for next.
    first_slots: Vec<usize>,
    likely: usize,
    /// How long what names the columns is together.
    pub(super) said: usize,
}

/// The columns of one kind of element. Elements of one kind repeat their attributes in one order, so
/// that the next column is mostly the one after the last.
struct Slot {
    at: At,
    path: Box<str>,
    by: Option<By>,
    /// The columns by their names, in the order in which they were met first.
    order: Vec<(Box<str>, u32)>,
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
        // The few slots of an ordinary file are found without making a key, mostly in their order.
        let likely = self.first_slots.get(self.likely).filter(|slot| is(&self.slots[**slot]));
        if let Some(found) = likely {
            self.likely += 1;
            return *found;
        }
        if let Some(place) = self.first_slots.iter().position(|slot| is(&self.slots[*slot])) {
            self.likely = place + 1;
            return self.first_slots[place];
        }
        let key = (at, by, Box::from(path));
        let slots = &mut self.slots;
        let found = *self.slot_of.entry(key).or_insert_with(|| {
            let (order, place_of) = (Vec::new(), HashMap::new());
            slots.push(Slot { at, path: path.into(), by, order, place_of, cursor: 0 });
            slots.len() - 1
        });
        if self.first_slots.len() < 12 {
            self.first_slots.push(found);
        }
        found
    }

    fn column(&mut self, slot: usize, name: &str, header: Option<&str>) -> u32 {
        let Slot { at, path, by, order, place_of, cursor } = &mut self.slots[slot];
        let place = match order.get(*cursor) {
            Some((next, _)) if **next == *name => *cursor,
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
                    order.push((name.into(), self.list.len() as u32));
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
        order[place].1
    }
}

/// A value of a column: where its text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) column: u32,
    length: u32,
    start: usize,
}

/// The texts of fields. Most stand in the file as they are, and are not copied.
pub(super) struct Texts<'t> {
    file: &'t str,
    /// Those with references in them, and those that come in several parts, one after the other.
    more: String,
}

impl Texts<'_> {
    /// Where a text stands that is a part of the file; any other is put beside it.
    fn place(&mut self, text: &str) -> usize {
        let start = (text.as_ptr() as usize).wrapping_sub(self.file.as_ptr() as usize);
        if start < self.file.len() && text.len() <= self.file.len() - start {
            return start;
        }
        self.more.push_str(text);
        self.file.len() + (self.more.len() - text.len())
    }

    pub(super) fn get(&self, field: &Field) -> &str {
        let (from, start) = match field.start.checked_sub(self.file.len()) {
            None => (self.file, field.start),
            Some(start) => (self.more.as_str(), start),
        };
        from.get(start..start + field.length as usize).unwrap_or("")
    }
}

/// What observations share.
pub(super) struct Holder {
    pub(super) node: Node,
    /// The holder around it, by its number; the data set is its own.
    pub(super) parent: usize,
    /// Its fields among those of all holders.
    fields: Range<usize>,
    /// Whether it has observations or holders of its own.
    filled: bool,
}

/// The figures of one data set.
pub(super) struct Data<'t> {
    pub(super) columns: Columns,
    pub(super) texts: Texts<'t>,
    pub(super) holders: Vec<Holder>,
    held: Vec<Field>,
    open: Vec<usize>,
    /// The fields of the holders that are open, and how many they are together.
    open_fields: Vec<Vec<Field>>,
    above: u64,
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

impl<'t> Data<'t> {
    pub(super) fn new(file: &'t str, node: Node) -> Self {
        Self {
            columns: Columns::default(),
            texts: Texts { file, more: String::new() },
            holders: vec![Holder { node, parent: 0, fields: 0..0, filled: true }],
            held: Vec::new(),
            open: vec![0],
            open_fields: vec![Vec::new()],
            above: 0,
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

    /// What the observations of a holder share by it, once it is closed.
    pub(super) fn fields_of(&self, holder: usize) -> &[Field] {
        self.holders.get(holder).map_or(&[], |holder| &self.held[holder.fields.clone()])
    }

    pub(super) fn open_holder(&mut self, node: Node) {
        let parent = self.open.last().copied().unwrap_or(0);
        self.holders[parent].filled = true;
        self.holders.push(Holder { node, parent, fields: 0..0, filled: false });
        self.open.push(self.holders.len() - 1);
        if self.open_fields.len() < self.open.len() {
            self.open_fields.push(Vec::new());
        }
    }

    pub(super) fn close_holder(&mut self) {
        let Some(holder) = self.open.pop() else { return };
        let fields = &mut self.open_fields[self.open.len()];
        self.above -= fields.len() as u64;
        self.holders[holder].fields = self.held.len()..self.held.len() + fields.len();
        self.held.append(fields);
        if holder > 0 && !self.holders[holder].filled {
            self.loose.push(holder);
            // It keeps its place among the rows until it is known to be a group.
            self.runs.push(Run::bare(self.ends.len() as u32, holder, self.holders[holder].node));
            self.ends.push(self.fields.len());
        }
    }

    /// Closes what the end of the file has left open.
    pub(super) fn close(&mut self) {
        while !self.open.is_empty() {
            self.close_holder();
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
        self.cells += self.above;
        room(source, self.cells + self.fields.len() as u64, bytes)
    }

    /// A value of what is open; `header` where the column is not called as its attribute.
    pub(super) fn field(&mut self, slot: usize, name: &str, header: Option<&str>, value: &str) {
        let column = self.columns.column(slot, name, header);
        if value.is_empty() {
            return;
        }
        // A text of more than four gigabytes has no place in a cell.
        let length = u32::try_from(value.len()).unwrap_or(0);
        let field = Field { column, length, start: self.texts.place(value) };
        let at_row = self.columns.list[column as usize].at == At::Row;
        if (at_row && self.in_row) || self.open.is_empty() {
            self.fields.push(field);
        } else {
            self.open_fields[self.open.len() - 1].push(field);
            self.above += 1;
        }
    }
}
