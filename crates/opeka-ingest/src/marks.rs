//! What stands in the place of a number, or beside it.

use std::collections::BTreeMap;

use opeka_model::{Kind, Problem, Problems};

use crate::codelist::normalise;
use crate::grid::{Cell, Grid, Value, Workbook, fold_spaces};
use crate::numbers::{Decimal, parse_number};
use crate::recipe::{DecimalSign, Footnotes, Mark, Recipe};

/// What a cell among the figures says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Figure<'r> {
    /// A number.
    Number(f64),
    /// A mark of the recipe in place of a number: the sign, and what it means.
    Mark(&'r str, &'r Mark),
    /// Neither.
    Text(String),
}

/// A cell's text without its footnote marks, and the marks.
pub(crate) fn split_marks(cell: &Cell, recipe: &Recipe) -> (String, Vec<String>) {
    let mut text = cell.text();
    let mut marks = Vec::new();
    let trailing = recipe.footnotes.iter().flat_map(|notes| &notes.marks);
    let trailing: Vec<&String> = trailing.collect();
    while let Some(mark) =
        trailing.iter().find(|mark| text.len() > mark.len() && text.ends_with(mark.as_str()))
    {
        text.truncate(text.len() - mark.len());
        text = text.trim_end().to_owned();
        marks.insert(0, (*mark).clone());
    }
    marks.extend(superscripts(cell));
    (text, marks)
}

/// The marks of a superscript run: `1`, `1)` and `1, 2`.
fn superscripts(cell: &Cell) -> impl Iterator<Item = String> {
    let marks = cell.superscript.iter().flat_map(|run| run.split([',', ';', ' ']));
    marks.map(|mark| mark.trim_end_matches(')')).filter(|mark| !mark.is_empty()).map(str::to_owned)
}

/// Reads a cell among the figures; the marks are those beside its number.
pub(crate) fn read_figure<'r>(cell: &Cell, recipe: &'r Recipe) -> (Figure<'r>, Vec<String>) {
    // A sign such as `*` may be a mark in place of a number and a footnote beside one.
    if let Some((sign, mark)) = recipe.marks.get_key_value(&cell.text()) {
        return (Figure::Mark(sign, mark), superscripts(cell).collect());
    }
    let (text, marks) = split_marks(cell, recipe);
    let figure = match &cell.value {
        Value::Number(number) => Figure::Number(*number),
        _ => match (recipe.marks.get_key_value(&text), parse_number(&text, decimal(recipe))) {
            (Some((sign, mark)), _) => Figure::Mark(sign, mark),
            (None, Some(number)) => Figure::Number(number),
            (None, None) => Figure::Text(text),
        },
    };
    (figure, marks)
}

fn decimal(recipe: &Recipe) -> Decimal {
    match recipe.decimal {
        DecimalSign::Point => Decimal::Point,
        DecimalSign::Comma => Decimal::Comma,
    }
}

/// The publisher's notes, by their marks.
pub(crate) type Notes = BTreeMap<String, String>;

/// Reads the notes below their heading: `1. text`, `1) text`, `* text`, or the mark in one cell
/// and the text in the next.
pub(crate) fn read_notes(
    workbook: &Workbook,
    grid: &Grid,
    footnotes: Option<&Footnotes>,
    problems: &mut Problems,
) -> Notes {
    let Some(footnotes) = footnotes else { return Notes::new() };
    let sheet = match &footnotes.sheet {
        None => Some(grid),
        Some(name) => workbook.sheet(Some(name)),
    };
    let wanted = normalise(&footnotes.below);
    let heading = |cell: &&Cell| normalise(&cell.text()) == wanted;
    let found = sheet.and_then(|sheet| Some((sheet, sheet.cells().iter().rfind(heading)?)));
    let Some((sheet, heading)) = found else {
        problems.push(Problem::error(
            Kind::Layout,
            grid.sheet_place(&workbook.source),
            format!("the notes stand below `{}`, and no cell reads so", footnotes.below),
        ));
        return Notes::new();
    };
    let mut notes = Notes::new();
    for cell in sheet.cells() {
        if cell.row <= heading.row || cell.column != heading.column {
            continue;
        }
        let text = cell.text();
        let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let is_mark = |m: &str| {
            !m.is_empty()
                && (m.bytes().all(|b| b.is_ascii_digit()) || footnotes.marks.iter().any(|k| k == m))
        };
        let mark = first.trim_end_matches(['.', ')', ':']);
        if !is_mark(mark) {
            continue;
        }
        let beside = || sheet.row(cell.row).iter().find(|next| next.column > cell.column);
        let note = if rest.is_empty() { beside().map(Cell::text) } else { Some(rest.to_owned()) };
        if let Some(note) = note {
            notes.insert(mark.to_owned(), note);
        }
    }
    notes
}

/// Holds the recipe's marks to the publisher's legend: the words cited must stand in the workbook.
pub(crate) fn check_legends(workbook: &Workbook, recipe: &Recipe, problems: &mut Problems) {
    for (mark, meaning) in &recipe.marks {
        let Some(legend) = &meaning.legend else { continue };
        let wanted = normalise(&fold_spaces(legend));
        let says = |cell: &Cell| normalise(&cell.text()).contains(&wanted);
        if !workbook.sheets.iter().any(|sheet| sheet.cells().iter().any(says)) {
            problems.push(
                Problem::error(
                    Kind::Layout,
                    opeka_model::Place::File { file: workbook.source.clone() },
                    format!("mark `{mark}` cites the legend `{legend}`, and no cell says so"),
                )
                .hint(
                    "the publisher may have changed the meaning of the mark; read the legend anew",
                ),
            );
        }
    }
}
