//! How a figure finds the label of a dimension among the selected cells.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use opeka_model::Problems;

use crate::grid::{Cell, Span};
use crate::recipe::{Attach, Dimension, Direction};
use crate::view::TableView;

/// The selected cells of one dimension, arranged for looking them up. Memory follows the cells,
/// however many rows or columns a merged one covers.
pub(crate) struct Attached<'a> {
    direction: Direction,
    attach: Attach,
    /// By column when looking left or right, by row when looking up or down.
    ranks: BTreeMap<u32, Rank<'a>>,
    /// The columns to prefer, in order, when a dimension names several.
    preferred: Vec<Span>,
    /// By the line on which they begin: by row when looking left or right, by column otherwise.
    begins: BTreeMap<u32, BTreeMap<u32, (&'a Cell, Span)>>,
}

/// What a figure finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'a> {
    Nothing,
    Label(&'a Cell),
    /// Two labels that are equally near.
    Draw(&'a Cell, &'a Cell),
}

impl<'a> Found<'a> {
    fn or_nothing(label: Option<&'a Cell>) -> Self {
        label.map_or(Self::Nothing, Self::Label)
    }

    pub(crate) fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl<'a> Attached<'a> {
    pub(crate) fn new(view: &TableView<'a>, dimension: &Dimension, cells: &[&'a Cell]) -> Self {
        let direction = dimension.direction.unwrap_or(Direction::Left);
        let (mut ranks, mut begins) = (BTreeMap::new(), BTreeMap::new());
        for cell in cells {
            let span = view.grid.span(cell.row, cell.column);
            let (from, to, at) = match direction {
                Direction::Left | Direction::Right => (span.top, span.bottom, cell.column),
                Direction::Up | Direction::Down => (span.left, span.right, cell.row),
            };
            match dimension.attach {
                Attach::Directly => {
                    let rank: &mut Rank = ranks.entry(at).or_default();
                    rank.labels.push(Label { from, to, furthest: to, cell });
                }
                Attach::Closest | Attach::Nearest | Attach::Table => {
                    let begin: &mut BTreeMap<_, _> = begins.entry(from).or_default();
                    begin.insert(at, (*cell, span));
                }
            }
        }
        ranks.values_mut().for_each(Rank::arrange);
        let by_row = matches!(direction, Direction::Left | Direction::Right);
        let preferred = match &dimension.below {
            // The anchors were found before, or there are no cells to attach.
            Some(below) if by_row && below.as_slice().len() > 1 => {
                view.anchors(below, &mut Problems::new()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Self { direction, attach: dimension.attach, ranks, preferred, begins }
    }

    /// Whether it says which rows (`true`) or which columns (`false`) hold figures.
    pub(crate) fn by_row(&self) -> Option<bool> {
        (self.attach == Attach::Directly)
            .then_some(matches!(self.direction, Direction::Left | Direction::Right))
    }

    /// Whether it has a cell for this row, or column.
    pub(crate) fn covers(&self, line: u32) -> bool {
        self.ranks.values().any(|rank| rank.at(line).is_some())
    }

    /// The cell that a figure at this place finds.
    pub(crate) fn find(&self, row: u32, column: u32) -> Found<'a> {
        let (line, at) = match self.direction {
            Direction::Left | Direction::Right => (row, column),
            Direction::Up | Direction::Down => (column, row),
        };
        match self.attach {
            Attach::Directly => Found::or_nothing(self.directly(line, at)),
            Attach::Closest => Found::or_nothing(self.closest(line, at)),
            Attach::Nearest => self.nearest(line, at),
            Attach::Table => {
                let mut all = self.begins.values().flat_map(BTreeMap::values);
                Found::or_nothing(all.next().map(|(cell, _)| *cell))
            }
        }
    }

    /// Whether there is something to find for a figure at this place.
    pub(crate) fn finds(&self, row: u32, column: u32) -> bool {
        self.find(row, column).is_something()
    }

    /// The labels that lie in the direction: the least far across it, on either side; of those on one
    /// line the nearest.
    fn nearest(&self, line: u32, at: u32) -> Found<'a> {
        let in_direction = |cells: &BTreeMap<u32, (&'a Cell, Span)>| match self.direction {
            Direction::Left | Direction::Up => cells.range(..at).next_back().map(|(_, c)| *c),
            Direction::Right | Direction::Down => {
                cells.range((Excluded(at), Unbounded)).next().map(|(_, c)| *c)
            }
        };
        let before = self.begins.range(..=line).rev().find_map(|(_, cells)| in_direction(cells));
        let behind = self
            .begins
            .range((Excluded(line), Unbounded))
            .find_map(|(_, cells)| in_direction(cells));
        let distance = |span: Span| {
            let (first, last) = match self.direction {
                Direction::Left | Direction::Right => (span.top, span.bottom),
                Direction::Up | Direction::Down => (span.left, span.right),
            };
            if line < first { first - line } else { line.saturating_sub(last) }
        };
        match (before, behind) {
            (None, None) => Found::Nothing,
            (Some((label, _)), None) | (None, Some((label, _))) => Found::Label(label),
            (Some((first, a)), Some((second, b))) => match distance(a).cmp(&distance(b)) {
                Ordering::Less => Found::Label(first),
                Ordering::Greater => Found::Label(second),
                Ordering::Equal => Found::Draw(first, second),
            },
        }
    }

    fn directly(&self, line: u32, at: u32) -> Option<&'a Cell> {
        let on_line = |(_, rank): (&u32, &Rank<'a>)| rank.at(line);
        for span in &self.preferred {
            let (from, to) = match self.direction {
                Direction::Left | Direction::Up => (span.left, span.right.min(at)),
                Direction::Right | Direction::Down => (span.left.max(at), span.right),
            };
            if from <= to
                && let Some(cell) = self.ranks.range(from..=to).find_map(on_line)
            {
                return Some(cell);
            }
        }
        match self.direction {
            Direction::Left | Direction::Up => self.ranks.range(..at).rev().find_map(on_line),
            Direction::Right | Direction::Down => {
                self.ranks.range((Excluded(at), Unbounded)).find_map(on_line)
            }
        }
    }

    /// Headings that begin at or before the figure (by column when looking up or down, by row when
    /// looking left or right): the last to begin, and of those the nearest.
    fn closest(&self, line: u32, at: u32) -> Option<&'a Cell> {
        for cells in self.begins.range(..=line).rev().map(|(_, cells)| cells) {
            let found = match self.direction {
                Direction::Left | Direction::Up => cells.range(..at).next_back(),
                Direction::Right | Direction::Down => cells.range((Excluded(at), Unbounded)).next(),
            };
            if let Some((_, (cell, span))) = found {
                // Merged along the lines it names the range it covers; merged across them, or not
                // at all, it covers what follows.
                let (first, last) = match self.direction {
                    Direction::Left | Direction::Right => (span.top, span.bottom),
                    Direction::Up | Direction::Down => (span.left, span.right),
                };
                return (first == last || line <= last).then_some(*cell);
            }
        }
        None
    }
}

/// The labels of one column, or row.
#[derive(Default)]
struct Rank<'a> {
    labels: Vec<Label<'a>>,
}

struct Label<'a> {
    from: u32,
    to: u32,
    /// The last line covered by this label or one that begins before it.
    furthest: u32,
    cell: &'a Cell,
}

impl<'a> Rank<'a> {
    fn arrange(&mut self) {
        self.labels.sort_by_key(|label| label.from);
        let mut furthest = 0;
        for label in &mut self.labels {
            furthest = label.to.max(furthest);
            label.furthest = furthest;
        }
    }

    /// The last label to begin of those that cover the line.
    fn at(&self, line: u32) -> Option<&'a Cell> {
        let begun = self.labels.partition_point(|label| label.from <= line);
        let candidates = self.labels[..begun].iter().rev();
        candidates
            .take_while(|label| label.furthest >= line)
            .find(|label| label.to >= line)
            .map(|label| label.cell)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::grid::{Cell, Grid, Span, Workbook};
    use crate::{Codelist, observe, parse_recipe};

    const RECIPE: &str = r#"
        title = "t"
        dataset = "d"
        source = "t.xlsx"
        [[table]]
        sheet = "T"
        [table.observations]
        below = "Value"
        [table.dimensions.indicator]
        constant = "I"
        [table.dimensions.ref_area]
        below = "Area"
        direction = "left"
        [table.dimensions.time_period]
        below = "Year"
        direction = "left"
    "#;

    fn text(row: u32, column: u32, text: &str) -> Cell {
        Cell::of_text(row, column, text)
    }

    fn observed(cells: Vec<Cell>, merged: Vec<Span>) -> Vec<(String, String, String)> {
        let list = |name: &str, text: &str| {
            let files = [(format!("{name}.csv"), text.to_owned())];
            (name.to_owned(), Codelist::read(name, &files).unwrap())
        };
        let codelists = BTreeMap::from([
            list("regions", "code,name_en\nA,Alpha\nB,Beta\n"),
            list("indicators", "code,unit_measure\nI,persons\n"),
        ]);
        let recipe = parse_recipe("t.toml", RECIPE).unwrap();
        let sheets = vec![Grid::sheet("T", cells, merged)];
        let book = Workbook { source: "t.xlsx".into(), sheets };
        let observed = observe(&book, "0", &recipe, &codelists);
        assert!(observed.problems.is_empty(), "{:?}", observed.problems);
        let all = observed.observations.into_iter();
        all.map(|o| (o.ref_area, o.time_period, o.cell.cell)).collect()
    }

    #[test]
    fn a_label_merged_over_a_whole_column_stands_on_its_last_row() {
        let last = 1_048_575;
        let cells = vec![
            text(0, 0, "Area"),
            text(0, 1, "Year"),
            text(0, 2, "Value"),
            text(1, 0, "Alpha"),
            text(1, 1, "2019"),
            text(last, 1, "2020"),
            text(1, 2, "1"),
            text(last, 2, "2"),
        ];
        let merged = vec![Span { top: 1, left: 0, bottom: last, right: 0 }];
        let expected = [("A", "2019", "C2"), ("A", "2020", "C1048576")];
        let found = observed(cells, merged);
        assert_eq!(found.len(), 2);
        for ((area, year, cell), expected) in found.iter().zip(expected) {
            assert_eq!((area.as_str(), year.as_str(), cell.as_str()), expected);
        }
    }

    #[test]
    fn ten_thousand_merged_labels_each_stand_for_their_rows() {
        let mut cells = vec![text(0, 0, "Area"), text(0, 1, "Year"), text(0, 2, "Value")];
        let mut merged = Vec::new();
        for block in 0..10_000 {
            let top = 1 + block * 2;
            cells.push(text(top, 0, if block % 2 == 0 { "Alpha" } else { "Beta" }));
            merged.push(Span { top, left: 0, bottom: top + 1, right: 0 });
            for row in [top, top + 1] {
                // Each figure has a key of its own: an area and a day.
                let days = block / 2 * 2 + (row - top);
                let (year, month, day) = (1000 + days / 336, days / 28 % 12 + 1, days % 28 + 1);
                cells.push(text(row, 1, &format!("{year:04}-{month:02}-{day:02}")));
                cells.push(text(row, 2, "7"));
            }
        }
        let found = observed(cells, merged);
        assert_eq!(found.len(), 20_000);
        for (index, (area, _, cell)) in found.iter().enumerate() {
            assert_eq!(area, if index / 2 % 2 == 0 { "A" } else { "B" }, "{cell}");
        }
    }
}
