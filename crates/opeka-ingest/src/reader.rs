//! Reads one table, or one block of one: where its figures stand, and what each of them says.

use std::collections::{BTreeMap, BTreeSet};

use opeka_model::{Kind, Problem, Problems};

use crate::attach::Attached;
use crate::codelist::Codelists;
use crate::grid::{Cell, Grid, Value, Workbook};
use crate::label::{Labels, NoLabel};
use crate::marks::{Notes, read_notes};
use crate::meaning::{Meanings, Written};
use crate::observe::{Observed, Role, SheetRoles};
use crate::recipe::{Column, Dimension, OneOrMany, Recipe, Selection, Table};
use crate::view::TableView;

/// Reads one table of one sheet.
pub(crate) struct TableReader<'a> {
    pub(crate) workbook: &'a Workbook,
    pub(crate) source_sha256: &'a str,
    pub(crate) recipe: &'a Recipe,
    pub(crate) codelists: &'a Codelists,
    pub(crate) table: &'a Table,
    pub(crate) grid: &'a Grid,
    pub(crate) problems: Problems,
    pub(crate) roles: BTreeMap<(u32, u32), Role>,
    pub(crate) meanings: Meanings<'a>,
    /// Labels whose problem was told; it is told once, however many figures they stand for.
    pub(crate) refused_labels: BTreeSet<(Column, Vec<(u32, u32)>)>,
    /// Marks without a note that were told, by their cell.
    pub(crate) unexplained: BTreeSet<(u32, u32, String)>,
    /// Areas with figures from when they were not in force: the first such cell, and how many.
    pub(crate) out_of_force: BTreeMap<String, (u32, u32, String, usize)>,
    /// Figures that the recipe leaves out, by the dimension and the label that say so.
    pub(crate) left_out: BTreeMap<(Column, String), usize>,
    /// Figures with more decimals than due, by indicator and those: the first, and how many.
    pub(crate) too_fine: BTreeMap<(String, u32), (u32, u32, String, usize)>,
    /// Empty cells where the recipe says that no figure is due.
    pub(crate) skipped: usize,
    /// The last row whose labels were looked at for notes, and those.
    pub(crate) row_noted: Option<(u32, Vec<String>)>,
}

/// The labels of a table, by the column of an observation that they fill.
pub(crate) type Dimensions<'a> = BTreeMap<Column, Labels<'a>>;

impl<'a> TableReader<'a> {
    pub(crate) fn new(
        workbook: &'a Workbook,
        source_sha256: &'a str,
        recipe: &'a Recipe,
        codelists: &'a Codelists,
        table: &'a Table,
        grid: &'a Grid,
    ) -> Self {
        Self {
            workbook,
            source_sha256,
            recipe,
            codelists,
            table,
            grid,
            problems: Problems::new(),
            roles: BTreeMap::new(),
            meanings: Meanings::new(codelists),
            refused_labels: BTreeSet::new(),
            unexplained: BTreeSet::new(),
            out_of_force: BTreeMap::new(),
            left_out: BTreeMap::new(),
            too_fine: BTreeMap::new(),
            skipped: 0,
            row_noted: None,
        }
    }

    pub(crate) fn read(mut self, observed: &mut Observed) {
        let parts = self.table.dimensions.values().flat_map(|d| d.parts.iter().chain([d]));
        let selected: Vec<Selection> = parts.map(Dimension::selection).collect();
        let selections = selected.iter().chain([&self.table.observations]);
        let anchors: Vec<&OneOrMany> = selections.flat_map(Selection::anchors).collect();
        let mut problems = Problems::new();
        let views =
            TableView::of(self.grid, &self.workbook.source, self.table, &anchors, &mut problems);
        let blocks: Vec<(BTreeMap<u32, BTreeSet<u32>>, Dimensions)> = views
            .iter()
            .map(|view| {
                let dimensions = self.dimensions(view, &mut problems);
                (self.places(view, &dimensions, &mut problems), dimensions)
            })
            .collect();
        let filled = |(row, columns): &(&u32, &BTreeSet<u32>)| {
            columns.iter().any(|column| self.grid.get(**row, *column).is_some())
        };
        let rows = blocks.iter().filter_map(|(places, _)| places.iter().rev().find(filled));
        let last_figure = rows.map(|(row, _)| *row).max().unwrap_or(0);
        let footnotes = self.recipe.footnotes.as_ref();
        let notes = read_notes(self.workbook, self.grid, footnotes, last_figure, &mut problems);
        // Without its anchors a table has no places; their problems say why.
        let (before, layout) = (observed.observations.len(), !problems.has_errors());
        // Two dimensions may miss the same anchor.
        for problem in problems {
            if !self.problems.iter().any(|told| *told == problem) {
                self.problems.push(problem);
            }
        }
        for (places, dimensions) in &blocks {
            self.figures(places, dimensions, &notes, observed);
        }
        for (view, (places, _)) in views.iter().zip(&blocks) {
            self.tell_strays(view, places);
        }
        let none = observed.observations.len() == before && self.left_out.is_empty();
        if layout && none && self.problems.is_empty() {
            self.problems.push(
                Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(&self.workbook.source),
                    "the table holds no figures",
                )
                .hint("look at the sheet with `opeka ingest --preview`"),
            );
        }
        self.tell_out_of_force();
        self.tell_too_fine();
        self.tell_left_out();
        observed.problems.extend(self.problems);
        observed.roles.push(SheetRoles { sheet: self.grid.name.clone(), roles: self.roles });
    }

    fn dimensions(&mut self, view: &TableView<'a>, problems: &mut Problems) -> Dimensions<'a> {
        let (workbook, recipe, roles) = (self.workbook, self.recipe, &mut self.roles);
        let labels = self.table.dimensions.iter().map(|(column, dimension)| {
            let selected = |cell: &Cell| {
                roles.insert((cell.row, cell.column), Role::Label(*column));
            };
            (*column, Labels::new(workbook, recipe, view, *column, dimension, problems, selected))
        });
        labels.collect()
    }

    fn figures(
        &mut self,
        places: &BTreeMap<u32, BTreeSet<u32>>,
        dimensions: &Dimensions<'a>,
        notes: &Notes,
        observed: &mut Observed,
    ) {
        for (row, columns) in places {
            let empty = columns.iter().all(|column| self.grid.get(*row, *column).is_none());
            if empty && columns.iter().any(|column| self.is_heading(*row, *column, dimensions)) {
                continue;
            }
            for column in columns {
                if let Some(observation) = self.observation(*row, *column, dimensions, notes) {
                    if self.table.cumulative {
                        observed.cumulated.push(observed.observations.len());
                    }
                    observed.observations.push(observation);
                }
            }
        }
    }

    fn tell_out_of_force(&mut self) {
        for (code, (row, column, period, count)) in std::mem::take(&mut self.out_of_force) {
            let place = self.grid.place(&self.workbook.source, row, column);
            let message = format!(
                "{count} figure(s) of `{code}` lie outside its validity, the first in {period}"
            );
            self.problems.push(Problem::warning(Kind::Data, place, message));
        }
    }

    /// Numbers within the rectangle of the figures that no dimension reaches are told, so that none
    /// is lost unseen; a row that only counts its columns is not meant.
    fn tell_strays(&mut self, view: &TableView<'a>, places: &BTreeMap<u32, BTreeSet<u32>>) {
        let read = |(row, columns): (&u32, &BTreeSet<u32>)| {
            let read = columns.iter().any(|column| self.roles.contains_key(&(*row, *column)));
            read.then_some(*row)
        };
        let rows: Vec<u32> = places.iter().filter_map(read).collect();
        let columns = places.values().flatten();
        let (Some(top), Some(bottom)) = (rows.first(), rows.last()) else { return };
        let (Some(left), Some(right)) = (columns.clone().min(), columns.max()) else { return };
        let stray = |cell: &&Cell| {
            (*top..=*bottom).contains(&cell.row)
                && (*left..=*right).contains(&cell.column)
                && matches!(cell.value, Value::Number(_))
                && !self.roles.contains_key(&(cell.row, cell.column))
        };
        let mut by_row: BTreeMap<u32, Vec<&Cell>> = BTreeMap::new();
        for cell in view.cells().filter(stray) {
            by_row.entry(cell.row).or_default().push(cell);
        }
        by_row.retain(|_, cells| !counts_columns(cells));
        let strays: Vec<&Cell> = by_row.into_values().flatten().collect();
        if let Some(first) = strays.first() {
            let place = self.grid.place(&self.workbook.source, first.row, first.column);
            let message = format!(
                "{} number(s) stand among the figures without a label that the recipe selects; this is the first",
                strays.len()
            );
            self.problems.push(Problem::note(Kind::Data, place, message));
        }
    }

    fn tell_too_fine(&mut self) {
        for ((indicator, decimals), (row, column, first, count)) in
            std::mem::take(&mut self.too_fine)
        {
            let place = self.grid.place(&self.workbook.source, row, column);
            let message = format!(
                "{count} figure(s) with more than {decimals} decimals for `{indicator}`, the first {first}; \
                 they are kept as they stand"
            );
            self.problems.push(Problem::warning(Kind::Data, place, message));
        }
    }

    /// What is left out is said, so that nothing is lost unseen.
    fn tell_left_out(&mut self) {
        if self.skipped > 0 {
            let place = self.grid.sheet_place(&self.workbook.source);
            let message = format!(
                "{} empty cell(s), where the recipe says that no figure is due",
                self.skipped
            );
            self.problems.push(Problem::note(Kind::Data, place, message));
        }
        let mut by_column: BTreeMap<Column, Vec<(String, usize)>> = BTreeMap::new();
        for ((column, label), count) in std::mem::take(&mut self.left_out) {
            by_column.entry(column).or_default().push((label, count));
        }
        for (column, labels) in by_column {
            let figures: usize = labels.iter().map(|(_, count)| count).sum();
            let mut names: Vec<String> =
                labels.iter().take(5).map(|(label, count)| format!("`{label}` {count}")).collect();
            if labels.len() > names.len() {
                names.push(format!("{} more", labels.len() - names.len()));
            }
            let message = format!(
                "{figures} figure(s) are left out, as the recipe ignores these labels of `{}`: {}",
                column.name(),
                names.join(", ")
            );
            let place = self.grid.sheet_place(&self.workbook.source);
            self.problems.push(Problem::note(Kind::Data, place, message));
        }
    }

    /// Where figures may stand, row by row: where the rows that have labels cross the columns that
    /// have labels, within what the recipe says of the observations.
    fn places(
        &self,
        view: &TableView<'a>,
        dimensions: &Dimensions<'a>,
        problems: &mut Problems,
    ) -> BTreeMap<u32, BTreeSet<u32>> {
        let selection = &self.table.observations;
        let mut spans = |labels: &Option<OneOrMany>| {
            labels.as_ref().map(|labels| view.anchors(labels, problems).unwrap_or_default())
        };
        let (below, right_of) = (spans(&selection.below), spans(&selection.right_of));
        let attached = |by_row: bool| -> Vec<&Attached> {
            let all = dimensions.values().flat_map(Labels::attached);
            all.filter(|attached| attached.by_row() == Some(by_row)).collect()
        };
        let (by_row, by_column) = (attached(true), attached(false));
        // Only rows and columns with cells are looked at: a merged range may claim a million.
        let (mut used_rows, mut used_columns) = (BTreeSet::new(), BTreeSet::new());
        for cell in view.cells() {
            used_rows.insert(cell.row);
            used_columns.insert(cell.column);
        }
        let columns = match (by_column.is_empty(), &below) {
            (false, _) => Some(keep(&used_columns, |c| by_column.iter().any(|a| a.covers(c)))),
            (true, Some(spans)) => {
                Some(keep(&used_columns, |c| spans.iter().any(|s| s.has_column(c))))
            }
            (true, None) => None,
        };
        let rows = match (by_row.is_empty(), &right_of) {
            (false, _) => Some(keep(&used_rows, |r| by_row.iter().any(|a| a.covers(r)))),
            (true, Some(spans)) => Some(keep(&used_rows, |r| spans.iter().any(|s| s.has_row(r)))),
            (true, None) => None,
        };
        let (Some(rows), Some(columns)) = (rows, columns) else {
            if !problems.has_errors() {
                problems.push(
                    Problem::error(
                        Kind::Declaration,
                        self.grid.sheet_place(&self.workbook.source),
                        "the recipe does not say in which rows and columns the figures stand",
                    )
                    .hint("attach a dimension `directly`, or say `observations.below`"),
                );
            }
            return BTreeMap::new();
        };
        let inside = |row: u32, column: u32| {
            !self.roles.contains_key(&(row, column))
                && below.as_ref().is_none_or(|spans| {
                    spans.iter().any(|s| row > s.bottom && s.has_column(column))
                })
                && right_of
                    .as_ref()
                    .is_none_or(|spans| spans.iter().any(|s| column > s.right && s.has_row(row)))
                // Above the headings there are no figures.
                && by_column.iter().all(|attached| attached.finds(row, column))
        };
        let row_columns = |row: u32| -> BTreeSet<u32> {
            columns.iter().copied().filter(|column| inside(row, *column)).collect()
        };
        rows.into_iter().map(|row| (row, row_columns(row))).collect()
    }

    /// Whether a row without any figure is a heading: it lacks one of the labels that name a row, or
    /// a label that means nothing. With all its labels, its figures are missing, which is told.
    fn is_heading(&mut self, row: u32, column: u32, dimensions: &Dimensions<'a>) -> bool {
        let mut named = false;
        for (what, labels) in dimensions {
            let attribute = matches!(what, Column::Note | Column::ObsStatus | Column::ConfStatus);
            let by_row = labels.attached().any(|attached| attached.by_row() == Some(true));
            if !by_row || attribute {
                continue;
            }
            named = true;
            let label = match labels.find(row, column, self.recipe) {
                Ok(label) => label,
                Err(NoLabel::Nothing) => return true,
                Err(NoLabel::Refused(..) | NoLabel::RefusedName(_)) => return true,
            };
            // Where any text is its own code, only what the recipe names is surely no heading.
            let unnamed = labels.dimension.as_written && !labels.names(&label.text);
            if unnamed || labels.ignores(&label.text) {
                return true;
            }
            let written = match labels.own_code(&label) {
                Some(code) => Written::Code(code),
                None => Written::Label(&label.text),
            };
            // The period only tells apart areas of one name, and either is an area.
            let found = self.meanings.of(*what, labels.dimension, labels.rules, written, None);
            if found.is_err_and(|problem| !problem.message.starts_with("ambiguous")) {
                return true;
            }
        }
        !named && self.table.observations.right_of.is_none()
    }
}

/// Whether the cells of a row only number the columns: 1, 2, 3, …
fn counts_columns(cells: &[&Cell]) -> bool {
    let numbers = cells.iter().map(|cell| match cell.value {
        Value::Number(number) => number,
        _ => f64::NAN,
    });
    let numbers: Vec<f64> = numbers.collect();
    numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0)
}

fn keep(lines: &BTreeSet<u32>, holds: impl Fn(u32) -> bool) -> BTreeSet<u32> {
    lines.iter().copied().filter(|line| holds(*line)).collect()
}
