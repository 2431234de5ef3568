//! The flat table that a data set becomes: groups are given to their series, columns get their
//! places, and codes get their labels.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;
use smol_str::SmolStr;

use super::data::{At, Data, Field, Holder};
use super::paths::{DataPaths, Label};
use super::records::{List, codes_path};
use crate::grid::{Cell, Grid};
use crate::open::flat::room;
use crate::open::xml::tree::{Node, Tree};

/// Groups by the values of their key.
type ByValues = HashMap<Vec<SmolStr>, Vec<usize>>;

impl Data {
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
        let mut attached = HashSet::new();
        for (number, holder) in self.holders.iter().enumerate() {
            if tree.name_of(holder.node) != series {
                continue;
            }
            let of_series: HashMap<u32, &SmolStr> =
                holder.fields.iter().map(|(column, value)| (*column, value)).collect();
            for (columns, groups) in &keys {
                let values: Option<Vec<SmolStr>> = columns
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
        let mut places = Places::new(&self, tree, lists);
        // As many as were counted on the way, so that they need not move while they are made.
        let mut cells = Vec::with_capacity(self.cells as usize + self.fields.len());
        for (place, (column, label)) in (0..).zip(&places.shown) {
            let header = &self.columns.list[*column as usize].header;
            let text = if *label { format!("{header} label") } else { header.to_string() };
            cells.push(Cell::of_text(0, place, text));
        }
        // The fields of a holder are put in their places once, not for each of its rows.
        let mut shared: Vec<Vec<Field>> = Vec::with_capacity(self.holders.len());
        for holder in &self.holders {
            let mut placed = Vec::new();
            places.put(&holder.fields, &mut placed);
            shared.push(placed);
        }
        let mut of_groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (series, group) in &self.groups {
            of_groups.entry(*series).or_default().push(*group);
        }
        let (mut row_at, mut total) = (1, 0_u64);
        let (mut above, mut fields): (Vec<Field>, Vec<Field>) = (Vec::new(), Vec::new());
        for run in &mut self.runs {
            above.clear();
            let mut holder = run.holder;
            loop {
                above.extend_from_slice(&shared[holder]);
                for group in of_groups.get(&holder).into_iter().flatten() {
                    above.extend_from_slice(&shared[*group]);
                }
                if holder == 0 {
                    break;
                }
                holder = self.holders[holder].parent;
            }
            above.sort_by_key(|field| field.0);
            let first = run.first_row as usize;
            run.first_row = row_at;
            for row in first..first + run.count as usize {
                let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
                fields.clear();
                fields.extend_from_slice(&above);
                places.put(&self.fields[start..self.ends[row]], &mut fields);
                total += fields.len() as u64;
                room(source, total, bytes)?;
                fields.sort_by_key(|field| field.0);
                let own = fields.drain(..);
                cells.extend(own.map(|(place, value)| Cell::of_text(row_at, place, value)));
                row_at += 1;
            }
        }
        let mut groups: HashMap<Node, Vec<(Node, Vec<u32>)>> = HashMap::new();
        for (series, group) in &self.groups {
            let Holder { node, fields, .. } = &self.holders[*group];
            let columns = fields.iter().map(|field| field.0).collect();
            groups.entry(self.holders[*series].node).or_default().push((*node, columns));
        }
        let (shown, labels) = (places.shown, places.labels);
        let paths = DataPaths {
            tree: tree.clone(),
            set: self.holders[0].node,
            columns: self.columns.list,
            shown,
            labels,
            runs: self.runs,
            groups,
            run_of: OnceLock::new(),
        };
        Ok(Grid::structured(name, cells, Arc::new(paths)))
    }
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
        let labelled = vec![false; columns.len()];
        Self { tree, lists, listed, of, shown, labels: Vec::new(), labelled }
    }

    /// Puts fields in their places, labels beside codes.
    fn put(&mut self, fields: &[Field], to: &mut Vec<Field>) {
        for (column, value) in fields {
            let Some(place) = self.of[*column as usize] else { continue };
            to.push((place, value.clone()));
            let Some(list) = self.listed[*column as usize].map(|list| &self.lists[list]) else {
                continue;
            };
            if let Some((label, relative)) = list.label(value) {
                to.push((place + 1, label));
                if !std::mem::replace(&mut self.labelled[*column as usize], true) {
                    let codes = codes_path(self.tree, list).into();
                    self.labels.push(Label { column: *column, codes, relative: relative.into() });
                }
            }
        }
    }
}

/// The code list of a column: of its own name, or as SDMX names code lists.
fn list_of(lists: &[List], header: &str) -> Option<usize> {
    let named = |name: &str| lists.iter().position(|list| list.id == name);
    named(header).or_else(|| named(&format!("CL_{header}")))
}
