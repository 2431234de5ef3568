//! The figures of one data set, as the pass over the file meets them, and as the flat table that
//! they become.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;

use super::By;
use super::paths::{DataPaths, Label, Run};
use super::records::{List, codes_path};
use crate::grid::{Cell, Grid};
use crate::open::flat::{Pool, room};
use crate::open::xml::quoted;
use crate::open::xml::tree::{Node, Tree};

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
    list: Vec<Column>,
    slots: Vec<Slot>,
    slot_of: HashMap<(At, Option<By>, Box<str>), usize>,
    last_slots: Vec<usize>,
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

type Field = (u32, Arc<str>);

/// What observations share.
struct Holder {
    node: Node,
    /// The holder around it, by its number; the data set is its own.
    parent: usize,
    fields: Vec<Field>,
    /// Whether it has observations or holders of its own.
    filled: bool,
}

/// The figures of one data set.
pub(super) struct Data {
    pub(super) columns: Columns,
    holders: Vec<Holder>,
    open: Vec<usize>,
    in_row: bool,
    runs: Vec<Run>,
    fields: Vec<Field>,
    /// Where the fields of each row end.
    ends: Vec<usize>,
    cells: u64,
    /// The groups of each holder that is a series, by the column of their fields.
    groups: Vec<(usize, usize)>,
    /// Holders without observations; once groups are attached, those groups.
    loose: Vec<usize>,
    /// Whether what a group says of its key is said by series, too.
    keys_repeat: bool,
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
        value: Arc<str>,
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

    /// Gives the attributes of a group to each series whose key has the group's.
    pub(super) fn attach_groups(&mut self, tree: &Tree) {
        let series = tree.known_name("Series").unwrap_or(u32::MAX);
        let header = |column: u32| &*self.columns.list[column as usize].header;
        let is_group = |holder: &usize| tree.name_of(self.holders[*holder].node) != series;
        let loose: Vec<usize> = self.loose.iter().copied().filter(is_group).collect();
        if loose.is_empty() {
            return;
        }
        // The key of a group are those of its fields that are fields of series, too.
        let mut series_columns: HashMap<&str, u32> = HashMap::new();
        for (column, described) in (0..).zip(&self.columns.list) {
            if described.at == At::Holder(series) {
                series_columns.entry(&described.header).or_insert(column);
            }
        }
        let mut by_key: HashMap<Vec<u32>, HashMap<Vec<Arc<str>>, Vec<usize>>> = HashMap::new();
        for group in &loose {
            let mut key: Vec<Field> = Vec::new();
            for (column, value) in &self.holders[*group].fields {
                if let Some(column) = series_columns.get(header(*column)) {
                    key.push((*column, value.clone()));
                }
            }
            key.sort();
            if key.is_empty() {
                continue;
            }
            let (columns, values) = key.into_iter().unzip();
            by_key.entry(columns).or_default().entry(values).or_default().push(*group);
        }
        let mut keys: Vec<_> = by_key.into_iter().collect();
        keys.sort_by(|one, other| one.0.cmp(&other.0));
        // As many kinds of key as this are in no structure; more would only cost time.
        keys.truncate(8);
        let mut attached = std::collections::HashSet::new();
        for (number, holder) in self.holders.iter().enumerate() {
            if tree.name_of(holder.node) != series {
                continue;
            }
            let of_series: HashMap<u32, &Arc<str>> =
                holder.fields.iter().map(|(column, value)| (*column, value)).collect();
            for (columns, groups) in &keys {
                let values: Option<Vec<Arc<str>>> = columns
                    .iter()
                    .map(|column| of_series.get(column).map(|v| (*v).clone()))
                    .collect();
                for group in values.and_then(|values| groups.get(&values)).into_iter().flatten() {
                    self.groups.push((number, *group));
                    attached.insert(*group);
                }
            }
        }
        // What was attached is no row of its own.
        self.runs.retain(|run| run.leaf.is_some() || !attached.contains(&run.holder));
        self.keys_repeat = attached.len() == loose.len();
        self.loose.retain(|group| attached.contains(group));
    }

    /// The flat table.
    pub(super) fn finish(
        mut self,
        source: &str,
        bytes: usize,
        name: Option<String>,
        tree: &Arc<Tree>,
        lists: &[List],
    ) -> Result<Grid, Problem> {
        let set = At::Holder(tree.name_of(self.holders[0].node));
        let listed: Vec<Option<usize>> =
            self.columns.list.iter().map(|column| list_of(lists, &column.header)).collect();
        let group_names: Vec<At> = self
            .loose
            .iter()
            .map(|group| At::Holder(tree.name_of(self.holders[*group].node)))
            .collect();
        let series_headers: Vec<&str> = self
            .columns
            .list
            .iter()
            .filter(|column| column.at == At::Row || !group_names.contains(&column.at))
            .map(|column| &*column.header)
            .collect();
        // Columns stand from what is shared to what is not, with the shared by groups and by all
        // after the value; the key of a group repeats that of its series.
        let mut order: Vec<u32> = (0..self.columns.list.len() as u32).collect();
        order.retain(|column| {
            let column = &self.columns.list[*column as usize];
            let repeats = self.keys_repeat
                && group_names.contains(&column.at)
                && (series_headers.contains(&&*column.header) || column.header.ends_with(":type"));
            !repeats
        });
        order.sort_by_key(|column| match self.columns.list[*column as usize].at {
            At::Row => 1,
            at if at == set => 3,
            at if group_names.contains(&at) => 2,
            At::Holder(_) => 0,
        });
        // The place of each column, with room for labels right of it.
        let (mut places, mut shown, mut labels) =
            (vec![u32::MAX; self.columns.list.len()], Vec::new(), Vec::new());
        for column in order {
            places[column as usize] = shown.len() as u32;
            shown.push((column, false));
            if listed[column as usize].is_some() {
                shown.push((column, true));
            }
        }
        let mut cells = Vec::with_capacity(self.fields.len());
        for (place, (column, label)) in (0..).zip(&shown) {
            let header = &self.columns.list[*column as usize].header;
            let text = if *label { format!("{header} label") } else { header.to_string() };
            cells.push(Cell::of_text(0, place, text));
        }
        let mut label_of = |column: u32, code: &str, row_list: &mut Vec<Label>| {
            let list = &lists[listed[column as usize]?];
            let (label, relative) = list.label(code)?;
            if !row_list.iter().any(|label| label.column == column) {
                row_list.push(Label {
                    column,
                    codes: codes_path(tree, list).into(),
                    relative: relative.into(),
                });
            }
            Some(label)
        };
        // The fields of a holder are put in their places once, not for each of its rows.
        let mut shared: Vec<Vec<Field>> = Vec::with_capacity(self.holders.len());
        let place = |fields: &[Field],
                     labels: &mut Vec<Label>,
                     label_of: &mut dyn FnMut(u32, &str, &mut Vec<Label>) -> Option<Arc<str>>,
                     to: &mut Vec<Field>| {
            for (column, value) in fields {
                let place = places[*column as usize];
                if place == u32::MAX {
                    continue;
                }
                to.push((place, value.clone()));
                if let Some(label) = label_of(*column, value, labels) {
                    to.push((place + 1, label));
                }
            }
        };
        for holder in &self.holders {
            let mut placed = Vec::new();
            place(&holder.fields, &mut labels, &mut label_of, &mut placed);
            shared.push(placed);
        }
        let mut of_groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (series, group) in &self.groups {
            of_groups.entry(*series).or_default().push(*group);
        }
        let (mut row_at, mut scratch) = (1, Vec::new());
        let mut total = 0_u64;
        let mut runs = std::mem::take(&mut self.runs);
        for number in 0..runs.len() {
            let run = &runs[number];
            let count = run.count;
            let mut above = Vec::new();
            let mut holder = run.holder;
            loop {
                above.extend(shared[holder].iter().cloned());
                for group in of_groups.get(&holder).into_iter().flatten() {
                    above.extend(shared[*group].iter().cloned());
                }
                if holder == 0 {
                    break;
                }
                holder = self.holders[holder].parent;
            }
            above.sort_by_key(|field| field.0);
            let first = run.first_row;
            runs[number].first_row = row_at;
            for row in first..first + count {
                let start = if row == 0 { 0 } else { self.ends[row as usize - 1] };
                let own = &self.fields[start..self.ends[row as usize]];
                scratch.clear();
                place(own, &mut labels, &mut label_of, &mut scratch);
                total += (above.len() + scratch.len()) as u64;
                room(source, total, bytes)?;
                scratch.extend(above.iter().cloned());
                scratch.sort_by_key(|field| field.0);
                cells.extend(
                    scratch.drain(..).map(|(place, value)| Cell::of_text(row_at, place, value)),
                );
                row_at += 1;
            }
        }
        let mut groups: HashMap<Node, Vec<(Node, Vec<u32>)>> = HashMap::new();
        for (series, group) in &self.groups {
            let Holder { node, fields, .. } = &self.holders[*group];
            let columns = fields.iter().map(|field| field.0).collect();
            groups.entry(self.holders[*series].node).or_default().push((*node, columns));
        }
        let paths = DataPaths {
            tree: tree.clone(),
            set: self.holders[0].node,
            columns: self.columns.list,
            shown,
            labels,
            runs,
            groups,
            run_of: OnceLock::new(),
        };
        Ok(Grid::structured(name, cells, Arc::new(paths)))
    }
}

/// The code list of a column: of its own name, or as SDMX names code lists.
fn list_of(lists: &[List], header: &str) -> Option<usize> {
    let named = |name: &str| lists.iter().position(|list| list.id == name);
    named(header).or_else(|| named(&format!("CL_{header}")))
}
