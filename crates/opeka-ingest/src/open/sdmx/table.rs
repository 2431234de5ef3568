//! The flat table that a data set becomes: groups are given to their series, columns get their
//! places, and codes get their labels.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;
use smol_str::SmolStr;

use super::data::{At, Data, Field, Texts};
use super::paths::{DataPaths, Label};
use super::records::{List, codes_path};
use crate::grid::{Cell, Grid};
use crate::open::flat::{Pool, room};
use crate::open::xml::tree::{Node, Tree};

/// Groups by the values of their key.
type ByValues<'v> = HashMap<Vec<&'v str>, Vec<usize>>;

/// The text of a cell, by its place in the row.
type Placed = (u32, SmolStr);

impl Data<'_> {
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
        let mut by_key: HashMap<Vec<u32>, ByValues> = HashMap::new();
        for group in &loose {
            let mut key: Vec<(u32, &str)> = Vec::new();
            for field in self.fields_of(*group) {
                if let Some(column) = series_columns.get(header(field.column)) {
                    key.push((*column, self.texts.get(field)));
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
        let (mut pairs, mut attached) = (Vec::new(), HashSet::new());
        for (number, holder) in self.holders.iter().enumerate() {
            if tree.name_of(holder.node) != series {
                continue;
            }
            let fields = self.fields_of(number).iter();
            let of_series: HashMap<u32, &str> =
                fields.map(|field| (field.column, self.texts.get(field))).collect();
            for (columns, groups) in &keys {
                let values: Option<Vec<&str>> =
                    columns.iter().map(|column| of_series.get(column).copied()).collect();
                for group in values.and_then(|values| groups.get(&values)).into_iter().flatten() {
                    pairs.push((number, *group));
                    attached.insert(*group);
                }
            }
        }
        self.groups = pairs;
        // What was attached is no row of its own.
        self.runs.retain(|run| run.leaf.is_some() || !attached.contains(&run.holder));
        self.keys_repeat = attached.len() == loose.len();
        self.loose.retain(|group| attached.contains(group));
    }

    /// The flat table.
    pub(super) fn finish(
        mut self,
        message: &mut Shared,
        name: Option<String>,
        tree: &Arc<Tree>,
        lists: &[List],
    ) -> Result<Grid, Problem> {
        let mut places = Places::new(&self, tree, lists);
        let pool = &mut *message.pool;
        // As many as were counted on the way, so that they need not move while they are made.
        let count = places.shown.len() + self.cells as usize + self.fields.len();
        let mut cells = Vec::with_capacity(count);
        for (place, (column, label)) in (0..).zip(&places.shown) {
            let header = &self.columns.list[*column as usize].header;
            let text = if *label { format!("{header} label") } else { header.to_string() };
            cells.push(Cell::of_text(0, place, text));
        }
        for holder in 0..self.holders.len() {
            if places.unlabelled == 0 {
                break;
            }
            places.find_labels(self.fields_of(holder), &self.texts);
        }
        let mut of_groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (series, group) in &self.groups {
            of_groups.entry(*series).or_default().push(*group);
        }
        let (mut row_at, mut total) = (1, 0_u64);
        let mut runs = std::mem::take(&mut self.runs);
        // What the rows of a holder share, in its places, and how much of it comes before their own.
        let (mut above, mut before): (Vec<Placed>, usize) = (Vec::new(), 0);
        let mut above_of = None;
        for run in &mut runs {
            if above_of.replace(run.holder) != Some(run.holder) {
                above.clear();
                let mut holder = run.holder;
                loop {
                    places.put(self.fields_of(holder), &self.texts, pool, |placed| {
                        above.push(placed)
                    });
                    for group in of_groups.get(&holder).into_iter().flatten() {
                        places.put(self.fields_of(*group), &self.texts, pool, |placed| {
                            above.push(placed)
                        });
                    }
                    if holder == 0 {
                        break;
                    }
                    holder = self.holders[holder].parent;
                }
                above.sort_by_key(|field| field.0);
                before = above.partition_point(|field| field.0 < places.own);
            }
            let first = run.first_row as usize;
            run.first_row = row_at;
            for row in first..first + run.count as usize {
                let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
                let fields = &self.fields[start..self.ends[row]];
                let cell = |(place, text)| Cell::of_text(row_at, place, text);
                let row_from = cells.len();
                cells.extend(above[..before].iter().cloned().map(cell));
                let own_from = cells.len();
                places.put(fields, &self.texts, pool, |placed| cells.push(cell(placed)));
                let own = cells.len() - own_from;
                cells.extend(above[before..].iter().cloned().map(cell));
                if !cells[own_from..].is_sorted_by(|one, two| one.column < two.column) {
                    cells[own_from..].rotate_left(own);
                    cells[row_from..].sort_by_key(|cell| cell.column);
                }
                total += (cells.len() - row_from) as u64;
                room(message.source, total, message.bytes)?;
                row_at += 1;
            }
        }
        let mut groups: HashMap<Node, Vec<(Node, Vec<u32>)>> = HashMap::new();
        for (series, group) in &self.groups {
            let columns = self.fields_of(*group).iter().map(|field| field.column).collect();
            let node = self.holders[*group].node;
            groups.entry(self.holders[*series].node).or_default().push((node, columns));
        }
        let (shown, labels) = (places.shown, places.labels);
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

/// What the tables of a message have in common.
pub(super) struct Shared<'m> {
    pub(super) source: &'m str,
    pub(super) bytes: usize,
    pub(super) pool: &'m mut Pool,
}

/// Where each column stands, with room for labels right of it.
struct Places<'l> {
    tree: &'l Tree,
    lists: &'l [List<'l>],
    /// The code list of each column.
    listed: Vec<Option<usize>>,
    /// The place of each column; none where a group repeats the key of its series.
    of: Vec<Option<u32>>,
    /// The column of each place, and whether its label stands there.
    shown: Vec<(u32, bool)>,
    labels: Vec<Label>,
    /// Whether a column is among them.
    labelled: Vec<bool>,
    /// The code of a column that was labelled last, with its label.
    last: Vec<Option<(SmolStr, SmolStr)>>,
    /// How many of the columns that rows share have labels that were not met yet.
    unlabelled: usize,
    /// Where the columns of the rows themselves begin.
    own: u32,
}

impl<'l> Places<'l> {
    fn new(data: &Data, tree: &'l Tree, lists: &'l [List<'l>]) -> Self {
        let columns = &data.columns.list;
        let set = At::Holder(tree.name_of(data.holders[0].node));
        let groups: HashSet<At> = data
            .loose
            .iter()
            .map(|group| At::Holder(tree.name_of(data.holders[*group].node)))
            .collect();
        let own: HashSet<&str> = columns
            .iter()
            .filter(|column| !groups.contains(&column.at))
            .map(|column| &*column.header)
            .collect();
        // From what is shared to what is not; what groups and the whole share comes after the value.
        let mut order: Vec<u32> = (0..columns.len() as u32).collect();
        order.retain(|column| {
            let column = &columns[*column as usize];
            let repeats = data.keys_repeat
                && groups.contains(&column.at)
                && (own.contains(&*column.header) || column.header.ends_with(":type"));
            !repeats
        });
        order.sort_by_key(|column| match columns[*column as usize].at {
            At::Row => 1,
            at if at == set => 3,
            at if groups.contains(&at) => 2,
            At::Holder(_) => 0,
        });
        let listed: Vec<Option<usize>> =
            columns.iter().map(|column| list_of(lists, &column.header)).collect();
        let (mut of, mut shown) = (vec![None; columns.len()], Vec::new());
        for column in order {
            of[column as usize] = Some(shown.len() as u32);
            shown.push((column, false));
            if listed[column as usize].is_some() {
                shown.push((column, true));
            }
        }
        let is_own = |(column, _): &(u32, bool)| columns[*column as usize].at == At::Row;
        let own = shown.iter().position(is_own).unwrap_or(shown.len()) as u32;
        let (labels, labelled) = (Vec::new(), vec![false; columns.len()]);
        let last = vec![None; columns.len()];
        let is_shared = |column: &usize| {
            listed[*column].is_some() && of[*column].is_some() && columns[*column].at != At::Row
        };
        let unlabelled = (0..columns.len()).filter(is_shared).count();
        Self { tree, lists, listed, of, shown, labels, labelled, last, unlabelled, own }
    }

    /// Puts fields in their places, labels beside codes.
    fn put(
        &mut self,
        fields: &[Field],
        texts: &Texts,
        pool: &mut Pool,
        mut to: impl FnMut(Placed),
    ) {
        for field in fields {
            let column = field.column as usize;
            let Some(place) = self.of[column] else { continue };
            let text = texts.get(field);
            to((place, pool.share(text)));
            if self.listed[column].is_none() {
                continue;
            }
            // Observations that stand together mostly have the same code.
            if let Some((_, label)) = self.last[column].as_ref().filter(|(code, _)| *code == *text)
            {
                to((place + 1, label.clone()));
            } else if let Some(label) = self.label(field.column, text) {
                to((place + 1, label.clone()));
                self.last[column] = Some((SmolStr::new(text), label));
            }
        }
    }

    /// The label of a code; the first one of a column tells where its labels stand.
    fn label(&mut self, column: u32, code: &str) -> Option<SmolStr> {
        let list = &self.lists[self.listed[column as usize]?];
        let (label, relative) = list.label(code)?;
        if !std::mem::replace(&mut self.labelled[column as usize], true) {
            let codes = codes_path(self.tree, list).into();
            self.labels.push(Label { column, codes, relative: relative.into() });
        }
        Some(label)
    }

    /// Finds where the labels of columns stand that rows share.
    fn find_labels(&mut self, fields: &[Field], texts: &Texts) {
        for field in fields {
            let column = field.column as usize;
            if self.of[column].is_some()
                && !self.labelled[column]
                && self.label(field.column, texts.get(field)).is_some()
            {
                self.unlabelled = self.unlabelled.saturating_sub(1);
            }
        }
    }
}

/// The code list of a column: of its own name, or as SDMX names code lists.
fn list_of(lists: &[List], header: &str) -> Option<usize> {
    let named = |name: &str| lists.iter().position(|list| list.id == name);
    named(header).or_else(|| named(&format!("CL_{header}")))
}
