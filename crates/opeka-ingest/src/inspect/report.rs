//! What a proposal reads of a file, and what it does not.

use std::collections::{BTreeMap, BTreeSet};

use opeka_model::parse_a1;

use super::sheet::Sheet;
use crate::grid::Grid;
use crate::observe::{Observed, Role};

/// The numbers of one sheet, or of a file, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The sheet; none for a format without sheets.
    pub sheet: Option<String>,
    /// Cells that hold a number.
    pub numbers: usize,
    /// Of these, read as figures.
    pub figures: usize,
    /// Read as labels: years, codes.
    pub labels: usize,
    /// Left out, as the recipe says.
    pub left_out: usize,
    /// Not looked at: ranges, in the order of their first cells.
    pub not_reached: Vec<String>,
    /// How many cells these are.
    pub missed: usize,
}

/// What became of the numbers of a sheet.
pub(super) fn reached(sheet: &Sheet, observed: &Observed) -> Reached {
    let mut roles: BTreeMap<(u32, u32), Role> = BTreeMap::new();
    for table in observed.roles.iter().filter(|table| table.sheet == sheet.grid.name) {
        for (at, role) in &table.roles {
            // A cell that one table reads is read, whatever another takes it for.
            let figure = |role: &Role| matches!(role, Role::Figure | Role::Marked);
            if !roles.get(at).is_some_and(figure) {
                roles.insert(*at, *role);
            }
        }
    }
    let mut found = Reached { sheet: sheet.grid.name.clone(), ..Reached::default() };
    let mut missed: BTreeSet<(u32, u32)> = BTreeSet::new();
    for seen in sheet.seen().filter(|seen| seen.is_number()) {
        found.numbers += 1;
        let at = (seen.cell.row, seen.cell.column);
        match roles.get(&at) {
            Some(Role::Figure | Role::Marked) => found.figures += 1,
            Some(Role::Label(_)) => found.labels += 1,
            Some(Role::LeftOut) => found.left_out += 1,
            Some(Role::Refused) | None => {
                missed.insert(at);
            }
        }
    }
    found.missed = missed.len();
    found.not_reached = ranges(&missed, sheet.grid);
    found
}

/// Cells as ranges: runs of rows in a column, runs of the same rows in neighbouring columns together.
/// They are named as the format names its cells.
fn ranges(cells: &BTreeSet<(u32, u32)>, grid: &Grid) -> Vec<String> {
    let mut columns: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, column) in cells {
        columns.entry(*column).or_default().push(*row);
    }
    // (top, left, bottom, right)
    let mut found: Vec<(u32, u32, u32, u32)> = Vec::new();
    for (column, rows) in columns {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for row in rows {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == row => *last = row,
                _ => runs.push((row, row)),
            }
        }
        for (top, bottom) in runs {
            let beside =
                found.iter_mut().find(|r| r.0 == top && r.2 == bottom && r.3 + 1 == column);
            match beside {
                Some(range) => range.3 = column,
                None => found.push((top, column, bottom, column)),
            }
        }
    }
    found.sort_unstable();
    let name = |(top, left, bottom, right): (u32, u32, u32, u32)| {
        let (first, last) = (grid.address(top, left), grid.address(bottom, right));
        match parse_a1(&first) {
            _ if first == last => first,
            Some(_) => format!("{first}:{last}"),
            None => format!("{first} to {last}"),
        }
    };
    found.into_iter().map(name).collect()
}

impl Reached {
    /// A sentence for a comment or a terminal.
    pub fn sentence(&self) -> String {
        let mut out = format!("read {} of {} numbers", self.figures, self.numbers);
        if self.labels > 0 {
            out += &format!("; {} are labels", self.labels);
        }
        if self.left_out > 0 {
            out += &format!("; {} are left out", self.left_out);
        }
        if self.missed > 0 {
            // Paths may be long; one of them says where to look.
            let mut length = 0;
            let few = self.not_reached.iter().take(8).enumerate().take_while(|(index, range)| {
                length += range.chars().count();
                *index == 0 || length <= 200
            });
            let shown: Vec<&str> = few.map(|(_, range)| range.as_str()).collect();
            let more = self.not_reached.len() - shown.len();
            let more = if more > 0 { format!(" and {more} more ranges") } else { String::new() };
            out += &format!("; {} not reached: {}{more}", self.missed, shown.join(", "));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_ranges() {
        let cells = [(2, 1), (3, 1), (2, 2), (3, 2), (7, 0)].into_iter().collect();
        let sheet = Grid::sheet("T", Vec::new(), Vec::new());
        assert_eq!(ranges(&cells, &sheet), ["B3:C4", "A8"]);
        let flat = crate::open("a.csv", b"a\n\n1,2,3\n\n\n1,2,3\n1,2,3\n").unwrap();
        let cells = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 0)].into_iter().collect();
        assert_eq!(ranges(&cells, &flat.sheets[0]), ["R3C2 to R6C3", "R7C1"]);
    }

    #[test]
    fn a_sentence_names_few_ranges_where_they_are_long() {
        let sentence = |range: &str| {
            let not_reached = vec![range.to_owned(); 9];
            Reached { numbers: 9, missed: 9, not_reached, ..Reached::default() }.sentence()
        };
        assert!(sentence("A1").ends_with(": A1, A1, A1, A1, A1, A1, A1, A1 and 1 more ranges"));
        let path = format!("$['{}']", "a".repeat(300));
        assert!(sentence(&path).ends_with(&format!(": {path} and 8 more ranges")));
    }
}
