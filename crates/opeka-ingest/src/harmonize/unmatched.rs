//! Which names of areas a recipe, or a column, has that the code list does not know.

use std::collections::BTreeMap;

use crate::codelist::{Codelists, normalise};
use crate::grid::Workbook;
use crate::observe::observe;
use crate::recipe::{Column, Recipe};

/// A name that no code list knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The name, as it is written.
    pub label: String,
    /// Where it stands first.
    pub place: String,
}

/// The names of areas that a recipe meets, or leaves out, and no code list knows.
pub fn unmatched_areas(
    workbook: &Workbook,
    recipe: &Recipe,
    codelists: &Codelists,
) -> Vec<Unmatched> {
    let mut asking = recipe.clone();
    for table in &mut asking.tables {
        if let Some(dimension) = table.dimensions.get_mut(&Column::RefArea) {
            // What is left out may be what nobody has matched yet; what has been answered is known.
            dimension.ignore.clear();
            dimension.as_written = false;
        }
    }
    let observed = observe(workbook, "", &asking, codelists);
    let mut found: BTreeMap<String, Unmatched> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for problem in observed.problems.iter() {
        // The engine tells an unknown label once, at its first cell.
        let Some(rest) = problem.message.strip_prefix("unknown area `") else { continue };
        let Some(end) = rest.rfind('`') else { continue };
        let label = rest[..end].to_owned();
        let key = normalise(&label);
        if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(key.clone()) {
            entry.insert(Unmatched { label, place: problem.place.to_string() });
            order.push(key);
        }
    }
    order.iter().filter_map(|key| found.remove(key)).collect()
}

/// The names below a heading that no code list knows, whatever recipe there is.
pub fn unmatched_in_column(
    workbook: &Workbook,
    heading: &str,
    codelists: &Codelists,
) -> Vec<Unmatched> {
    let wanted = normalise(heading);
    let Some(list) = codelists.get("regions") else { return Vec::new() };
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::new();
    for grid in &workbook.sheets {
        let heads = grid.cells().iter().find(|cell| normalise(&cell.text()) == wanted);
        let Some(head) = heads else { continue };
        for cell in grid.cells().iter().filter(|c| c.row > head.row && c.column == head.column) {
            let label = cell.text();
            let known = found.contains_key(&normalise(&label));
            // Below one table there may be another, under the same heading.
            if label.is_empty() || known || list.has(&label) || normalise(&label) == wanted {
                continue;
            }
            found.insert(normalise(&label), names.len());
            let place = grid.place(&workbook.source, cell.row, cell.column).to_string();
            names.push(Unmatched { label, place });
        }
    }
    names
}
