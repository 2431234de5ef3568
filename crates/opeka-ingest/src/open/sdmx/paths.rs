//! Names the cells of a data set by XPaths: from the observation to where the value stands, so that a
//! code that a series shares has another path for each of its observations.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::data::{At, Column};
use crate::grid::Paths;
use crate::open::xml::tree::{Node, Tree, step};

/// Observations of one holder, one after the other; or a holder without any, as one row.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) first_row: u32,
    pub(super) count: u32,
    /// The holder by its number, and where it stands.
    pub(super) holder: usize,
    pub(super) node: Node,
    /// What the observations are called; none for a holder without any.
    pub(super) leaf: Option<u32>,
    pub(super) first_index: u32,
}

impl Run {
    pub(super) fn bare(row: u32, holder: usize, node: Node) -> Self {
        Self { first_row: row, count: 1, holder, node, leaf: None, first_index: 0 }
    }
}

/// Where the labels of a column stand.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) column: u32,
    /// Up to the code: `/Structure/CodeLists/CodeList/Code[@value=`.
    pub(super) codes: Box<str>,
    /// From the code to the label.
    pub(super) relative: Box<str>,
}

#[derive(Debug)]
pub(super) struct DataPaths {
    pub(super) tree: Arc<Tree>,
    /// The data set.
    pub(super) set: Node,
    pub(super) columns: Vec<Column>,
    /// The column of each place, and whether its label stands there.
    pub(super) shown: Vec<(u32, bool)>,
    pub(super) labels: Vec<Label>,
    pub(super) runs: Vec<Run>,
    /// The groups of a series, each with its columns.
    pub(super) groups: HashMap<Node, Vec<(Node, Vec<u32>)>>,
    pub(super) run_of: OnceLock<BTreeMap<(Node, Option<u32>, u32), usize>>,
}

impl DataPaths {
    fn run(&self, row: u32) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.first_row <= row);
        self.runs.get(after.checked_sub(1)?)
    }

    fn header_path(&self, number: u32) -> Option<String> {
        let column = self.columns.get(number as usize)?;
        let set = self.tree.path(self.set);
        let on = match column.at {
            At::Row => match self.runs.iter().find_map(|run| run.leaf) {
                Some(leaf) if !self.of_section(leaf) => self.tree.name(leaf),
                _ => "*",
            },
            At::Holder(name) => self.tree.name(name),
        };
        Some(match (column.named_by, column.relative.strip_suffix("/@value")) {
            (Some(by), Some(value)) => format!("({set}//{on}/{value}/@{})[1]", by.name()),
            _ => format!("name(({set}//{on}/{})[1])", column.relative),
        })
    }

    /// Whether observations have the names of measures.
    fn of_section(&self, leaf: u32) -> bool {
        self.tree.name(leaf) != "Obs"
    }

    fn value_path(&self, run: &Run, row: u32, number: u32) -> Option<String> {
        let column = self.columns.get(number as usize)?;
        let mut path = self.tree.path(run.node);
        if let Some(leaf) = run.leaf {
            let index = run.first_index + (row - run.first_row);
            path.push_str(&format!("/{}[{index}]", self.tree.name(leaf)));
        }
        if let At::Holder(name) = column.at {
            let (mut node, mut climbed) = (run.node, usize::from(run.leaf.is_some()));
            let mut group = None;
            while self.tree.name_of(node) != name {
                let mut groups = self.groups.get(&node).into_iter().flatten();
                let has = |(_, columns): &&(Node, Vec<u32>)| columns.contains(&number);
                group = group.or_else(|| groups.find(has).map(|(group, _)| *group));
                if node == self.set || node == 0 {
                    break;
                }
                (node, climbed) = (self.tree.parent(node), climbed + 1);
            }
            path.push_str(&"/..".repeat(climbed));
            if self.tree.name_of(node) != name
                && let Some(group) = group
            {
                let group = self.tree.path(group);
                path.push_str(group.strip_prefix(self.tree.path(node).as_str()).unwrap_or(&group));
            }
        }
        path.push('/');
        path.push_str(if column.relative.is_empty() { "text()" } else { &column.relative });
        Some(path)
    }

    fn row_of(&self, path: &str) -> Option<u32> {
        let run_of = self.run_of.get_or_init(|| {
            let runs = self.runs.iter().enumerate();
            runs.map(|(i, run)| ((run.node, run.leaf, run.first_index), i)).collect()
        });
        let (node, rest) = self.tree.follow(path);
        let leaf = step(rest).and_then(|(name, index, _)| {
            let key = (node, Some(self.tree.known_name(name)?), index);
            let (found, run) = run_of.range(..=key).next_back()?;
            let run = &self.runs[*run];
            let after = index - found.2;
            (found.0 == node && found.1 == key.1 && after < run.count)
                .then(|| run.first_row + after)
        });
        leaf.or_else(|| Some(self.runs[*run_of.get(&(node, None, 0))?].first_row))
    }
}

impl Paths for DataPaths {
    fn path(&self, row: u32, column: u32) -> String {
        let Some((number, is_label)) = self.shown.get(column as usize) else {
            return String::new();
        };
        let value = match self.run(row) {
            Some(run) if row > 0 => self.value_path(run, row, *number),
            _ => self.header_path(*number),
        };
        let value = value.unwrap_or_default();
        if !is_label {
            return value;
        }
        match self.labels.iter().find(|label| label.column == *number) {
            Some(label) if row > 0 => format!("{}{value}]/{}", label.codes, label.relative),
            Some(label) => format!("name({}{value}]/{})", label.codes, label.relative),
            None => format!("name(label of {value})"),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        let header = path.starts_with("name(") || path.starts_with('(');
        let row = match self.labels.iter().find_map(|label| path.strip_prefix(&*label.codes)) {
            _ if header => 0,
            Some(code) => self.row_of(code)?,
            None => self.row_of(path)?,
        };
        (0..self.shown.len() as u32)
            .find(|column| self.path(row, *column) == path)
            .map(|column| (row, column))
    }
}
