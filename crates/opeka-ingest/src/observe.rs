//! The doorway: a workbook and a recipe become observations, problems, and a picture of both.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use opeka_model::{CellRef, Kind, Observation, Problem, Problems, TimePeriod};

use crate::attach::Attached;
use crate::codelist::Codelists;
use crate::grid::{Cell, Grid, Value, Workbook};
use crate::marks::{Figure, Notes, check_legends, read_figure, read_notes, split_marks};
use crate::meaning::Meanings;
use crate::recipe::{Column, Dimension, Mark, OneOrMany, Recipe, Selection, Table};
use crate::select::TableView;

/// What a recipe made of a workbook.
#[derive(Debug, Default)]
pub struct Observed {
    /// The figures, in the order of the recipe's tables and of the cells.
    pub observations: Vec<Observation>,
    /// What is wrong; nothing that a cell says is lost without one.
    pub problems: Problems,
    /// What each cell was taken for, for the preview.
    pub roles: Vec<SheetRoles>,
}

/// What the cells of one table were taken for.
#[derive(Debug)]
pub struct SheetRoles {
    /// The sheet.
    pub sheet: Option<String>,
    /// Roles by row and column.
    pub roles: BTreeMap<(u32, u32), Role>,
}

/// What a cell was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A figure.
    Figure,
    /// A mark in place of a figure.
    Marked,
    /// A figure with a problem.
    Refused,
    /// A label of a dimension.
    Label(Column),
}

/// Reads a workbook by a recipe.
///
/// `source_sha256` is the hash of the workbook's bytes; every observation carries it. Values come
/// out in the units of their indicator. The observations of an `Observed` with errors are not to
/// be published.
pub fn observe(
    workbook: &Workbook,
    source_sha256: &str,
    recipe: &Recipe,
    codelists: &Codelists,
) -> Observed {
    let mut observed = Observed::default();
    check_legends(workbook, recipe, &mut observed.problems);
    for table in &recipe.tables {
        match workbook.sheet(table.sheet.as_deref()) {
            Some(grid) => {
                TableReader::new(workbook, source_sha256, recipe, codelists, table, grid)
                    .read(&mut observed);
            }
            None => observed.problems.push(no_sheet(workbook, table)),
        }
    }
    refuse_duplicates(&mut observed);
    observed
}

fn no_sheet(workbook: &Workbook, table: &Table) -> Problem {
    let names: Vec<&str> = workbook.sheets.iter().filter_map(|s| s.name.as_deref()).collect();
    let place = opeka_model::Place::File { file: workbook.source.clone() };
    match &table.sheet {
        Some(sheet) => {
            let near = opeka_model::closest(sheet, names.iter().copied());
            let problem =
                Problem::error(Kind::Layout, place, format!("the workbook has no sheet `{sheet}`"));
            match near.first() {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("its sheets are: {}", names.join(", "))),
            }
        }
        None => Problem::error(Kind::Declaration, place, "the recipe names no `sheet`")
            .hint(format!("the workbook's sheets are: {}", names.join(", "))),
    }
}

/// Two cells with one key: both are named, and neither may be published.
fn refuse_duplicates(observed: &mut Observed) {
    let mut first: HashMap<[&str; 4], &CellRef> = HashMap::new();
    let mut problems = Problems::new();
    for o in &observed.observations {
        let key: [&str; 4] = [&o.indicator, &o.ref_area, &o.time_period, &o.care_form];
        match first.get(&key) {
            None => {
                first.insert(key, &o.cell);
            }
            Some(before) => problems.push(
                Problem::error(
                    Kind::Data,
                    opeka_model::Place::Cell {
                        file: o.cell.source.clone(),
                        sheet: o.cell.sheet.clone(),
                        cell: o.cell.cell.clone(),
                    },
                    format!(
                        "a second figure for {} of {} in {} ({})",
                        o.indicator, o.ref_area, o.time_period, o.care_form
                    ),
                )
                .hint(format!("the first stands in `{before}`")),
            ),
        }
    }
    observed.problems.extend(problems);
}

/// Reads one table.
struct TableReader<'a> {
    workbook: &'a Workbook,
    source_sha256: &'a str,
    recipe: &'a Recipe,
    codelists: &'a Codelists,
    table: &'a Table,
    grid: &'a Grid,
    problems: Problems,
    roles: BTreeMap<(u32, u32), Role>,
    meanings: Meanings<'a>,
    /// Labels whose problem was told; it is told once, however many figures they stand for.
    refused_labels: BTreeSet<(Column, Option<(u32, u32)>)>,
    /// Marks without a note that were told, by their cell.
    unexplained: BTreeSet<(u32, u32, String)>,
    /// Areas with figures from when they were not in force: the first such cell, and how many.
    out_of_force: BTreeMap<String, (u32, u32, String, usize)>,
}

/// A dimension of the table: the same for all figures, or found from each figure's place.
enum Source<'a> {
    Constant(&'a str),
    Attached(Attached<'a>),
}

impl<'a> TableReader<'a> {
    fn new(
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
        }
    }

    fn read(mut self, observed: &mut Observed) {
        let dimensions = &self.table.dimensions;
        let selected: Vec<Selection> = dimensions.values().map(Dimension::selection).collect();
        let selections = selected.iter().chain([&self.table.observations]);
        let anchors: Vec<&OneOrMany> = selections.flat_map(Selection::anchors).collect();
        let mut problems = Problems::new();
        let until = self.table.until.as_deref();
        let view = TableView::new(self.grid, &self.workbook.source, until, &anchors, &mut problems);
        let notes =
            read_notes(self.workbook, self.grid, self.recipe.footnotes.as_ref(), &mut problems);
        let mut sources: BTreeMap<Column, Source> = BTreeMap::new();
        for (column, dimension) in dimensions {
            let source = match &dimension.constant {
                Some(constant) => Source::Constant(constant),
                None => {
                    let selection = dimension.selection();
                    let cells = view.select(&selection, column.name(), &mut problems);
                    for cell in &cells {
                        self.roles.insert((cell.row, cell.column), Role::Label(*column));
                    }
                    Source::Attached(Attached::new(&view, dimension, &cells))
                }
            };
            sources.insert(*column, source);
        }
        let places = self.places(&view, &sources, &mut problems);
        // Without its anchors a table has no places; their problems say why.
        let (before, layout) = (observed.observations.len(), !problems.has_errors());
        // Two dimensions may miss the same anchor.
        for problem in problems {
            if !self.problems.iter().any(|told| *told == problem) {
                self.problems.push(problem);
            }
        }
        for (row, columns) in places {
            let empty = columns.iter().all(|column| self.grid.get(row, *column).is_none());
            if empty && columns.iter().any(|column| self.is_heading(row, *column, &sources)) {
                continue;
            }
            for column in columns {
                if let Some(observation) = self.observation(row, column, &sources, &notes) {
                    observed.observations.push(observation);
                }
            }
        }
        if layout && observed.observations.len() == before && self.problems.is_empty() {
            self.problems.push(
                Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(&self.workbook.source),
                    "the table holds no figures",
                )
                .hint("look at the sheet with `opeka ingest --preview`"),
            );
        }
        for (code, (row, column, period, count)) in std::mem::take(&mut self.out_of_force) {
            let place = self.grid.place(&self.workbook.source, row, column);
            let message = format!(
                "{count} figure(s) of `{code}` lie outside its validity, the first in {period}"
            );
            self.problems.push(Problem::warning(Kind::Data, place, message));
        }
        observed.problems.extend(self.problems);
        observed.roles.push(SheetRoles { sheet: self.grid.name.clone(), roles: self.roles });
    }

    /// Where figures may stand, row by row: where the rows that have labels cross the columns that
    /// have labels, within what the recipe says of the observations.
    fn places(
        &self,
        view: &TableView<'a>,
        sources: &BTreeMap<Column, Source<'a>>,
        problems: &mut Problems,
    ) -> BTreeMap<u32, BTreeSet<u32>> {
        let selection = &self.table.observations;
        let mut spans = |labels: &Option<OneOrMany>| {
            labels.as_ref().map(|labels| view.anchors(labels, problems).unwrap_or_default())
        };
        let (below, right_of) = (spans(&selection.below), spans(&selection.right_of));
        let attached = |by_row: bool| -> Vec<&Attached> {
            let all = sources.values().filter_map(|source| match source {
                Source::Attached(attached) => Some(attached),
                Source::Constant(_) => None,
            });
            all.filter(|attached| attached.by_row() == Some(by_row)).collect()
        };
        let (by_row, by_column) = (attached(true), attached(false));
        // Only rows and columns with cells are looked at: a merged range may claim a million.
        let (mut used_rows, mut used_columns) = (BTreeSet::new(), BTreeSet::new());
        for cell in self.grid.cells() {
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
            row < view.end
                && !self.roles.contains_key(&(row, column))
                && below.as_ref().is_none_or(|spans| {
                    spans.iter().any(|s| row > s.bottom && s.has_column(column))
                })
                && right_of
                    .as_ref()
                    .is_none_or(|spans| spans.iter().any(|s| column > s.right && s.has_row(row)))
                // Above the headings there are no figures.
                && by_column.iter().all(|attached| attached.find(row, column).is_some())
        };
        let row_columns = |row: u32| -> BTreeSet<u32> {
            columns.iter().copied().filter(|column| inside(row, *column)).collect()
        };
        rows.into_iter().map(|row| (row, row_columns(row))).collect()
    }

    /// Whether a row without any figure is a heading: it lacks one of the labels that name a row, or
    /// a label that means nothing. With all its labels, its figures are missing, which is told.
    fn is_heading(
        &mut self,
        row: u32,
        column: u32,
        sources: &BTreeMap<Column, Source<'a>>,
    ) -> bool {
        let mut named = false;
        for (what, source) in sources {
            let Source::Attached(attached) = source else { continue };
            let attribute = matches!(what, Column::Note | Column::ObsStatus | Column::ConfStatus);
            if attached.by_row() != Some(true) || attribute {
                continue;
            }
            named = true;
            let Some(label) = attached.find(row, column) else { return true };
            let (text, _) = split_marks(label, self.recipe);
            // The period only tells apart areas of one name, and either is an area.
            let found = self.meanings.of(*what, &self.table.dimensions[what], &text, None);
            if found.is_err_and(|problem| !problem.message.starts_with("ambiguous")) {
                return true;
            }
        }
        !named
    }

    /// The observation of one place; `None` with a problem where there is none.
    fn observation(
        &mut self,
        row: u32,
        column: u32,
        sources: &BTreeMap<Column, Source<'a>>,
        notes: &Notes,
    ) -> Option<Observation> {
        let cell = self.grid.get(row, column);
        let mut sign = None;
        let (value, mark, mut beside) = match cell {
            None => match &self.table.empty {
                Some(mark) => (mark.obs_value, Some(mark), Vec::new()),
                None => {
                    self.refuse(row, column, "an empty cell where a number is due", |problem| {
                        problem.hint("if it means something, say so as the table's `empty`")
                    });
                    return None;
                }
            },
            Some(cell) => {
                let (figure, beside) = read_figure(cell, self.recipe);
                match figure {
                    Figure::Number(number) => (Some(number), None, beside),
                    Figure::Mark(written, mark) => {
                        sign = Some(written);
                        (mark.obs_value, Some(mark), beside)
                    }
                    Figure::Text(text) => {
                        let stored = match cell.value {
                            Value::Text(_) => "a text",
                            Value::Date(_) => "a date",
                            Value::Bool(_) => "a truth value",
                            Value::Error(_) => "an error",
                            Value::Number(_) => "a number",
                        };
                        let message = format!("{stored} where a number is due: `{text}`");
                        self.refuse(row, column, &message, |problem| {
                            problem.hint(format!("if `{text}` is a mark of the publisher, say what it means under `[marks]`"))
                        });
                        return None;
                    }
                }
            }
        };
        let mut labels: BTreeMap<Column, String> = BTreeMap::new();
        let mut label_notes: Vec<String> = Vec::new();
        let mut period: Option<TimePeriod> = None;
        let mut complete = true;
        // `time_period` comes first, because the period decides what a name of an area means.
        for (what, source) in sources {
            let dimension = &self.table.dimensions[what];
            let meaning = match source {
                Source::Constant(constant) => {
                    self.mean(*what, dimension, None, constant, period.as_ref())
                }
                Source::Attached(attached) => match attached.find(row, column) {
                    Some(label) => {
                        let (text, marks) = split_marks(label, self.recipe);
                        label_notes.extend(self.explain(label, &marks, notes));
                        self.mean(*what, dimension, Some(label), &text, period.as_ref())
                    }
                    // An attribute may be left out; a dimension may not.
                    None if matches!(
                        what,
                        Column::Note | Column::ObsStatus | Column::ConfStatus
                    ) =>
                    {
                        continue;
                    }
                    None => {
                        let message = format!("no `{}` found for this figure", what.name());
                        self.refuse(row, column, &message, |problem| problem);
                        complete = false;
                        continue;
                    }
                },
            };
            match meaning {
                Some(meaning) => {
                    if *what == Column::TimePeriod {
                        period = TimePeriod::parse(&meaning);
                    }
                    labels.insert(*what, meaning);
                }
                None => complete = false,
            }
        }
        if !complete {
            self.roles.insert((row, column), Role::Refused);
            return None;
        }
        let indicator = labels.remove(&Column::Indicator)?;
        let ref_area = labels.remove(&Column::RefArea)?;
        let time_period = labels.remove(&Column::TimePeriod)?;
        let unit = self.codelists.get("indicators").and_then(|list| list.get(&indicator));
        let unit = unit.and_then(|code| code.columns.get("unit_measure").cloned());
        let Some(unit_measure) = labels.remove(&Column::UnitMeasure).or(unit) else {
            let message = format!("indicator `{indicator}` has no unit");
            self.refuse(row, column, &message, |problem| problem);
            return None;
        };
        let status = |of: fn(&Mark) -> &Option<String>, what: Column, normal: &str| {
            mark.and_then(|mark| of(mark).clone())
                .or_else(|| labels.get(&what).cloned())
                .unwrap_or_else(|| normal.to_owned())
        };
        let obs_status = status(|m| &m.obs_status, Column::ObsStatus, "A");
        let conf_status = status(|m| &m.conf_status, Column::ConfStatus, "F");
        if value.is_some() {
            self.note_validity(&ref_area, period.as_ref(), row, column);
        }
        let mut note: Vec<String> = Vec::new();
        note.extend(cell.into_iter().flat_map(|cell| self.explain(cell, &beside, notes)));
        note.extend(label_notes);
        note.extend(self.row_notes(row, notes));
        note.extend(labels.remove(&Column::Note));
        let mut said = BTreeSet::new();
        note.retain(|text| said.insert(text.clone()));
        if let Some(sign) = sign {
            beside.insert(0, sign.to_owned());
        }
        self.roles.insert((row, column), if mark.is_some() { Role::Marked } else { Role::Figure });
        Some(Observation {
            dataset: self.recipe.dataset.clone(),
            indicator,
            ref_area,
            time_period,
            care_form: labels.remove(&Column::CareForm).unwrap_or_else(|| "_T".to_owned()),
            obs_value: value,
            obs_status,
            conf_status,
            unit_measure,
            is_leading: true,
            source_sha256: self.source_sha256.to_owned(),
            cell: CellRef {
                source: self.workbook.source.clone(),
                sheet: self.grid.name.clone(),
                cell: self.grid.address(row, column),
            },
            cell_text: cell.map(Cell::whole_text).unwrap_or_default(),
            mark: (!beside.is_empty()).then(|| beside.join(" ")),
            note: (!note.is_empty()).then(|| note.join("; ")),
        })
    }

    /// The notes to labels of the row that no dimension reads, such as the name beside a code.
    fn row_notes(&mut self, row: u32, notes: &Notes) -> Vec<String> {
        let is_label = |cell: &&Cell| {
            matches!(cell.value, Value::Text(_))
                && !self.roles.contains_key(&(cell.row, cell.column))
        };
        let figures = |cell: &Cell| {
            matches!(read_figure(cell, self.recipe).0, Figure::Number(_) | Figure::Mark(..))
        };
        let labels = self.grid.row(row).iter().filter(is_label).filter(|cell| !figures(cell));
        let marked: Vec<(&Cell, Vec<String>)> =
            labels.map(|cell| (cell, split_marks(cell, self.recipe).1)).collect();
        marked.into_iter().flat_map(|(cell, marks)| self.explain(cell, &marks, notes)).collect()
    }

    /// The publisher's notes to the marks of a cell; a mark without one is told once.
    fn explain(&mut self, cell: &Cell, marks: &[String], notes: &Notes) -> Vec<String> {
        let (row, column) = (cell.row, cell.column);
        for mark in marks.iter().filter(|mark| !notes.contains_key(*mark)) {
            if self.unexplained.insert((row, column, mark.clone())) {
                let place = self.grid.place(&self.workbook.source, row, column);
                let message = format!("mark `{mark}` has no note");
                self.problems.push(
                    Problem::warning(Kind::Data, place, message)
                        .hint("say under `[footnotes]` where the notes stand"),
                );
            }
        }
        marks.iter().filter_map(|mark| notes.get(mark).cloned()).collect()
    }

    fn refuse(
        &mut self,
        row: u32,
        column: u32,
        message: &str,
        hint: impl FnOnce(Problem) -> Problem,
    ) {
        self.roles.insert((row, column), Role::Refused);
        let place = self.grid.place(&self.workbook.source, row, column);
        self.problems.push(hint(Problem::error(Kind::Data, place, message)));
    }

    /// What a written label means; `None` with a problem where that cannot be said.
    fn mean(
        &mut self,
        what: Column,
        dimension: &Dimension,
        label: Option<&Cell>,
        written: &str,
        period: Option<&TimePeriod>,
    ) -> Option<String> {
        let problem = match self.meanings.of(what, dimension, written, period) {
            Ok(meaning) => return Some(meaning),
            Err(problem) => problem,
        };
        if self.refused_labels.insert((what, label.map(|cell| (cell.row, cell.column)))) {
            let place = match label {
                Some(cell) => self.grid.place(&self.workbook.source, cell.row, cell.column),
                None => self.grid.sheet_place(&self.workbook.source),
            };
            self.problems.push(Problem { place, ..problem });
        }
        None
    }

    fn note_validity(&mut self, area: &str, period: Option<&TimePeriod>, row: u32, column: u32) {
        let Some(period) = period else { return };
        let code = self.codelists.get("regions").and_then(|list| list.get(area));
        if code.is_some_and(|code| !code.valid_in(period)) {
            let first = || (row, column, period.to_string(), 0);
            self.out_of_force.entry(area.to_owned()).or_insert_with(first).3 += 1;
        }
    }
}

fn keep(lines: &BTreeSet<u32>, holds: impl Fn(u32) -> bool) -> BTreeSet<u32> {
    lines.iter().copied().filter(|line| holds(*line)).collect()
}
