//! One figure: its number or mark, its labels, and the notes to both.

use std::collections::{BTreeMap, BTreeSet};

use opeka_model::{CellRef, Kind, Observation, Place, Problem, TimePeriod};

use crate::grid::{Cell, Value};
use crate::label::{Label, Labels, NoLabel};
use crate::marks::{Figure, Notes, look_alike, read_figure, split_label};
use crate::meaning::Written;
use crate::numbers::scaled;
use crate::observe::Role;
use crate::reader::{Dimensions, TableReader};
use crate::recipe::{Column, DecimalSign, Empty, EmptyWord, Mark};

/// What a cell says as a figure.
struct Said<'r> {
    value: Option<f64>,
    /// The mark that says its status, as it is written.
    mark: Option<(&'r str, &'r Mark)>,
    /// Footnote marks beside the number.
    beside: Vec<String>,
}

/// The codes of a figure, by column.
type Codes = BTreeMap<Column, String>;

impl<'a> TableReader<'a> {
    /// The observation of one place; `None` where there is none, with a problem, or counted where the
    /// recipe leaves it out.
    pub(crate) fn observation(
        &mut self,
        row: u32,
        column: u32,
        dimensions: &Dimensions<'a>,
        notes: &Notes,
    ) -> Option<Observation> {
        let labels = self.labels(row, column, dimensions)?;
        let cell = self.grid.get(row, column);
        let said = self.said(row, column, cell)?;
        let (mut codes, label_notes) = self.codes(row, column, dimensions, labels, notes)?;
        let indicator = codes.remove(&Column::Indicator)?;
        let ref_area = codes.remove(&Column::RefArea)?;
        let time_period = codes.remove(&Column::TimePeriod)?;
        let period = TimePeriod::parse(&time_period);
        let unit = self.codelists.get("indicators").and_then(|list| list.get(&indicator));
        let unit = unit.and_then(|code| code.columns.get("unit_measure").cloned());
        let Some(unit_measure) = codes.remove(&Column::UnitMeasure).or(unit) else {
            let message = format!("indicator `{indicator}` has no unit");
            self.refuse(row, column, &message, |problem| {
                problem.hint("give it one in the code list, or say `unit_measure` in the recipe")
            });
            return None;
        };
        let time_period = if self.table.cumulative {
            self.cumulated(row, column, period.as_ref())?
        } else {
            time_period
        };
        if let Some(value) = said.value {
            self.note_decimals(&indicator, &unit_measure, value, row, column);
        }
        let status = |of: fn(&Mark) -> &Option<String>, what: Column, normal: &str| {
            said.mark
                .and_then(|(_, mark)| of(mark).clone())
                .or_else(|| codes.get(&what).cloned())
                .unwrap_or_else(|| normal.to_owned())
        };
        let obs_status = status(|m| &m.obs_status, Column::ObsStatus, "A");
        let conf_status = status(|m| &m.conf_status, Column::ConfStatus, "F");
        if said.value.is_some() {
            self.note_validity(&ref_area, period.as_ref(), row, column);
        }
        let mut note: Vec<String> = Vec::new();
        note.extend(cell.into_iter().flat_map(|cell| self.explain(cell, &said.beside, notes)));
        note.extend(label_notes);
        note.extend(self.row_notes(row, notes));
        note.extend(codes.remove(&Column::Note));
        let mut told = BTreeSet::new();
        note.retain(|text| told.insert(text.clone()));
        let mut marks = said.beside;
        if let Some((sign, _)) = said.mark.filter(|(sign, _)| !sign.is_empty()) {
            marks.insert(0, sign.to_owned());
        }
        let role = if said.mark.is_some() { Role::Marked } else { Role::Figure };
        self.roles.insert((row, column), role);
        Some(Observation {
            dataset: self.recipe.dataset.clone(),
            indicator,
            ref_area,
            time_period,
            care_form: codes.remove(&Column::CareForm).unwrap_or_else(|| "_T".to_owned()),
            obs_value: said.value.map(|value| match self.table.scale {
                Some(scale) => scaled(value, scale),
                None => value,
            }),
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
            minus: None,
            cell_text: cell.map(Cell::whole_text).unwrap_or_default(),
            mark: (!marks.is_empty()).then(|| marks.join(" ")),
            note: (!note.is_empty()).then(|| note.join("; ")),
        })
    }

    /// The labels of a figure, by column; `None` where one of them leaves it out.
    fn labels(
        &mut self,
        row: u32,
        column: u32,
        dimensions: &Dimensions<'a>,
    ) -> Option<BTreeMap<Column, Result<Label<'a>, NoLabel<'a>>>> {
        let mut found = BTreeMap::new();
        for (what, labels) in dimensions {
            let label = labels.find(row, column, self.recipe);
            if let Ok(label) = &label
                && labels.ignores(&label.text)
            {
                if self.grid.get(row, column).is_some() {
                    *self.left_out.entry((*what, label.text.clone())).or_default() += 1;
                    self.roles.insert((row, column), Role::LeftOut);
                }
                return None;
            }
            found.insert(*what, label);
        }
        Some(found)
    }

    /// The number or the mark of a cell; `None` with a problem where it is neither.
    fn said(&mut self, row: u32, column: u32, cell: Option<&Cell>) -> Option<Said<'a>> {
        // What a merged cell covers is that cell's.
        if let Some(covering) = self.covering(row, column) {
            if let Some(cell) = cell.filter(|cell| cell.whole_text() != covering.whole_text()) {
                let place = self.grid.place(&self.workbook.source, row, column);
                let message = format!(
                    "`{}` is hidden beneath a merged cell that shows another figure; it is not read",
                    cell.whole_text()
                );
                self.problems.push(Problem::warning(Kind::Data, place, message));
            }
            return None;
        }
        let Some(cell) = cell else {
            return match &self.table.empty {
                Some(Empty::Mark(mark)) => {
                    Some(Said { value: mark.obs_value, mark: Some(("", mark)), beside: Vec::new() })
                }
                Some(Empty::Word(EmptyWord::Skip)) => {
                    self.skipped += 1;
                    None
                }
                None => {
                    self.refuse(row, column, "an empty cell where a number is due", |problem| {
                        problem.hint("if it means something, say so as the table's `empty`")
                    });
                    None
                }
            };
        };
        let (figure, beside) = read_figure(cell, self.recipe);
        match figure {
            Figure::Number(number) => Some(Said { value: Some(number), mark: None, beside }),
            Figure::Flagged(number, sign, mark) => {
                Some(Said { value: Some(number), mark: Some((sign, mark)), beside })
            }
            Figure::Mark(sign, mark) => {
                Some(Said { value: mark.obs_value, mark: Some((sign, mark)), beside })
            }
            Figure::Text(text) => {
                let (stored, hint) = match cell.value {
                    Value::Date(_) => (
                        "a date",
                        "a spreadsheet turns `1.5` into a date; ask the publisher for the number"
                            .to_owned(),
                    ),
                    Value::Bool(_) => ("a truth value", "look what the column holds".to_owned()),
                    Value::Error(_) => (
                        "an error",
                        format!(
                            "if `{text}` means that there is no figure, say so under `[marks]`"
                        ),
                    ),
                    Value::Text(_) | Value::Number(_) => ("a text", self.text_hint(&text)),
                };
                let message = format!("{stored} where a number is due: `{text}`");
                self.refuse(row, column, &message, |problem| problem.hint(hint));
                None
            }
        }
    }

    /// The merged cell that covers this one, where it is a figure. A label may be merged over the empty
    /// cells beside it.
    fn covering(&self, row: u32, column: u32) -> Option<&'a Cell> {
        let covering = self.grid.covering(row, column)?;
        (!matches!(read_figure(covering, self.recipe).0, Figure::Text(_))).then_some(covering)
    }

    /// What a person might say of a text among the figures.
    fn text_hint(&self, text: &str) -> String {
        if let Some(sign) = look_alike(text, self.recipe).filter(|sign| *sign != text) {
            return format!(
                "the recipe's mark `{sign}` is written with other characters; add `{text}` to it"
            );
        }
        if text.split_whitespace().count() > 1 && text.starts_with(|c: char| c.is_ascii_digit()) {
            let joined: String = text.split_whitespace().collect();
            if joined.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.')) {
                return format!(
                    "a space within it makes `{text}` no number; if there is no figure to be had, say so under `[marks]`"
                );
            }
        }
        let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let digits = |text: &str| {
            text.chars().any(char::is_numeric) && !text.chars().any(char::is_alphabetic)
        };
        if inner.is_some_and(digits) {
            return "if brackets mean a negative number, say `brackets = \"negative\"`".to_owned();
        }
        let word = text.trim_start_matches(|c: char| !c.is_alphabetic());
        let number = text.strip_suffix(word).unwrap_or_default().trim_end();
        if !word.is_empty() && number.ends_with(|c: char| c.is_ascii_digit()) {
            return format!(
                "if `{word}` multiplies the number, say so under `[scales]`; if it is a mark, under `[marks]`"
            );
        }
        let other = if self.recipe.decimal == DecimalSign::Point { "," } else { "." };
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.split_once(other).is_some_and(|(whole, fraction)| number(whole) && number(fraction))
        {
            return format!(
                "if the sign in `{text}` is decimal, say `decimal = \"{other}\"` in the recipe"
            );
        }
        format!("if `{text}` is a mark of the publisher, say what it means under `[marks]`")
    }

    /// The codes of a figure's labels, and the notes to them; `None` with problems where one is
    /// missing or means nothing.
    fn codes(
        &mut self,
        row: u32,
        column: u32,
        dimensions: &Dimensions<'a>,
        labels: BTreeMap<Column, Result<Label<'a>, NoLabel<'a>>>,
        notes: &Notes,
    ) -> Option<(Codes, Vec<String>)> {
        let (mut codes, mut label_notes) = (Codes::new(), Vec::new());
        let mut period: Option<TimePeriod> = None;
        let mut complete = true;
        // `time_period` comes first, because the period decides what a name of an area means.
        for (what, label) in labels {
            let label = match label {
                Ok(label) => label,
                // An attribute may be left out; a dimension may not.
                Err(NoLabel::Nothing)
                    if matches!(what, Column::Note | Column::ObsStatus | Column::ConfStatus) =>
                {
                    continue;
                }
                Err(NoLabel::Nothing) => {
                    let message = format!("no `{}` found for this figure", what.name());
                    self.refuse(row, column, &message, |problem| problem);
                    complete = false;
                    continue;
                }
                Err(NoLabel::Refused(cell, problem)) => {
                    self.refuse_label(what, &[cell], problem);
                    complete = false;
                    continue;
                }
                Err(NoLabel::RefusedName(problem)) => {
                    self.refuse_label(what, &[], problem);
                    complete = false;
                    continue;
                }
            };
            for (cell, marks) in &label.marks {
                label_notes.extend(self.explain(cell, marks, notes));
            }
            let Some(dimension) = dimensions.get(&what) else { continue };
            match self.mean(what, dimension, &label, period.as_ref()) {
                Some(code) => {
                    if what == Column::TimePeriod {
                        period = TimePeriod::parse(&code);
                    }
                    codes.insert(what, code);
                }
                None => complete = false,
            }
        }
        if !complete {
            self.roles.insert((row, column), Role::Refused);
            return None;
        }
        Some((codes, label_notes))
    }

    /// The months from January that a cumulated figure is for.
    fn cumulated(&mut self, row: u32, column: u32, period: Option<&TimePeriod>) -> Option<String> {
        let months = period.and_then(|period| match (period.month(), period.length_in_months()) {
            (month, 1) => Some((period.year(), month)),
            (1, months @ 1..=12) => Some((period.year(), months)),
            _ => None,
        });
        let range = months.and_then(|(year, months)| TimePeriod::months(year, 1, months));
        if range.is_none() {
            let message = "a cumulated figure is for a month, or for months from January on";
            self.refuse(row, column, message, |problem| problem);
        }
        range.map(|range| range.to_string())
    }

    /// The notes to labels of the row that no dimension reads, such as the name beside a code.
    fn row_notes(&mut self, row: u32, notes: &Notes) -> Vec<String> {
        if let Some((_, notes)) = self.row_noted.as_ref().filter(|(noted, _)| *noted == row) {
            return notes.clone();
        }
        let is_label = |cell: &&Cell| {
            matches!(cell.value, Value::Text(_))
                && !self.roles.contains_key(&(cell.row, cell.column))
        };
        let figures = |cell: &Cell| !matches!(read_figure(cell, self.recipe).0, Figure::Text(_));
        let labels = self.grid.row(row).iter().filter(is_label).filter(|cell| !figures(cell));
        let marked: Vec<(&Cell, Vec<String>)> =
            labels.map(|cell| (cell, split_label(cell, self.recipe).1)).collect();
        let explained =
            marked.into_iter().flat_map(|(cell, marks)| self.explain(cell, &marks, notes));
        let notes: Vec<String> = explained.collect();
        self.row_noted = Some((row, notes.clone()));
        notes
    }

    /// The publisher's notes to the marks of a cell; a mark without one is told once.
    fn explain(&mut self, cell: &Cell, marks: &[String], notes: &Notes) -> Vec<String> {
        let (row, column) = (cell.row, cell.column);
        let mut found = Vec::new();
        for mark in marks {
            if let Some(note) = notes.get(mark.trim_end_matches(')')).or_else(|| notes.get(mark)) {
                found.push(note.clone());
            } else if self.unexplained.insert((row, column, mark.clone())) {
                let place = self.grid.place(&self.workbook.source, row, column);
                let message = format!("mark `{mark}` has no note");
                self.problems.push(
                    Problem::warning(Kind::Data, place, message)
                        .hint("say under `[footnotes]` where the notes stand"),
                );
            }
        }
        found
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
        labels: &Labels<'a>,
        label: &Label<'a>,
        period: Option<&TimePeriod>,
    ) -> Option<String> {
        let written = match labels.own_code(label) {
            Some(code) => Written::Code(code),
            None => Written::Label(&label.text),
        };
        match self.meanings.of(what, labels.dimension, labels.rules, written, period) {
            Ok(meaning) => Some(meaning),
            Err(problem) => {
                self.refuse_label(what, &label.cells, problem);
                None
            }
        }
    }

    /// Tells the problem of a label, once, at its cell or at the sheet.
    fn refuse_label(&mut self, what: Column, cells: &[&Cell], problem: Problem) {
        let at: Vec<(u32, u32)> = cells.iter().map(|cell| (cell.row, cell.column)).collect();
        let place: Place = match at.first() {
            Some((row, column)) => self.grid.place(&self.workbook.source, *row, *column),
            None => self.grid.sheet_place(&self.workbook.source),
        };
        if self.refused_labels.insert((what, at)) {
            self.problems.push(Problem { place, ..problem });
        }
    }

    /// A figure of people with a fraction is a defect of the file, and kept.
    fn note_decimals(&mut self, indicator: &str, unit: &str, value: f64, row: u32, column: u32) {
        let whole = || {
            let code = self.codelists.get("units")?.get(unit)?;
            (code.columns.get("decimals")?.as_str() == "0").then_some(0)
        };
        let Some(decimals) = self.table.decimals.or_else(whole) else { return };
        let text = format!("{value}");
        if text.split_once('.').is_some_and(|(_, fraction)| fraction.len() > decimals as usize) {
            let first = || (row, column, text.clone(), 0);
            self.too_fine.entry((indicator.to_owned(), decimals)).or_insert_with(first).3 += 1;
        }
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
