//! Lines of several levels in one column: by their indentation, or bold above plain.

use std::collections::BTreeSet;

use super::anchors::Frame;
use super::draft::{Cells, Part};
use super::labels::{Label, Says};
use crate::recipe::{Attach, Direction};

/// The most levels that are told apart.
const MOST: usize = 6;

/// The parts of the lines above: one for each level but the lowest. A line is its own heading at its
/// own level, so that none goes to the heading of another branch.
pub(super) fn above(frame: &Frame, label: &Label) -> Vec<Part> {
    if label.says != Says::Texts || label.direction(frame) != Direction::Left {
        return Vec::new();
    }
    let Some(cells) = frame.column(label.column) else { return Vec::new() };
    let (mut indents, mut looks) = (BTreeSet::new(), BTreeSet::new());
    for on in &frame.on {
        for row in on.band.body.iter().chain(&on.band.labelled) {
            if let Some(seen) = on.sheet.covering(*row, label.column) {
                indents.insert(u32::from(seen.cell.look.indent));
                looks.insert(seen.cell.look.bold);
            }
        }
    }
    let part = |cells: Cells| Part::cells(cells, Direction::Left, Attach::Closest);
    if (2..=MOST).contains(&indents.len()) {
        let levels: Vec<u32> = indents.into_iter().collect();
        let upper = 1..levels.len();
        return upper
            .map(|many| part(Cells { indent: levels[..many].to_vec(), ..cells.clone() }))
            .collect();
    }
    if looks.len() == 2 {
        return vec![part(Cells { bold: true, ..cells })];
    }
    Vec::new()
}
