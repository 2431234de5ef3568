//! What stands in the place of a number, or beside it.

use std::collections::BTreeMap;

use opeka_model::{Kind, Problem, Problems};

use crate::codelist::normalise;
use crate::grid::{Cell, Grid, Value, Workbook, fold_spaces};
use crate::numbers::{Decimal, Writing, parse_figure, scaled};
use crate::recipe::{Brackets, DecimalSign, Footnotes, Mark, Percent, Recipe};

/// What a cell among the figures says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Figure<'r> {
    /// A number.
    Number(f64),
    /// A number and, behind it, a mark of the recipe that says its status.
    Flagged(f64, &'r str, &'r Mark),
    /// A mark of the recipe in place of a number: the sign, and what it means.
    Mark(&'r str, &'r Mark),
    /// Neither.
    Text(String),
}

/// The text of a label without its footnote marks, and the marks.
pub(crate) fn split_label(cell: &Cell, recipe: &Recipe) -> (String, Vec<String>) {
    split(cell, recipe, |mark, before| {
        // `Region 2` may be a name with a note, `Region2` is another name.
        !is_digits(mark) || before.ends_with(char::is_whitespace)
    })
}

/// The text of a figure without its footnote marks, and the marks.
fn split_figure(cell: &Cell, recipe: &Recipe) -> (String, Vec<String>) {
    split(cell, recipe, |mark, _| !is_digits(mark))
}

/// `may` says whether a mark that stands behind such a text is one.
fn split(cell: &Cell, recipe: &Recipe, may: impl Fn(&str, &str) -> bool) -> (String, Vec<String>) {
    let mut text = cell.text();
    let mut marks = Vec::new();
    let known: Vec<&String> = recipe.footnotes.iter().flat_map(|notes| &notes.marks).collect();
    if matches!(cell.value, Value::Text(_)) && !known.is_empty() {
        let trailing = |text: &str| {
            let fits = |mark: &&&String| {
                let before = text.strip_suffix(mark.as_str());
                before.is_some_and(|before| !before.trim().is_empty() && may(mark, before))
            };
            known.iter().filter(fits).max_by_key(|mark| mark.len()).map(|mark| (*mark).clone())
        };
        while let Some(mark) = trailing(&text) {
            text.truncate(text.len() - mark.len());
            text.truncate(text.trim_end().len());
            marks.insert(0, mark);
        }
    }
    marks.extend(superscripts(cell));
    (text, marks)
}

fn is_digits(mark: &str) -> bool {
    mark.bytes().all(|b| b.is_ascii_digit())
}

/// The marks of a superscript run: `1`, `1)` and `1, 2`.
fn superscripts(cell: &Cell) -> impl Iterator<Item = String> {
    let marks = cell.superscript.iter().flat_map(|run| run.split([',', ';', ' ']));
    marks.map(|mark| mark.trim_end_matches(')')).filter(|mark| !mark.is_empty()).map(str::to_owned)
}

/// Reads a cell among the figures; the marks are those beside its number.
pub(crate) fn read_figure<'r>(cell: &Cell, recipe: &'r Recipe) -> (Figure<'r>, Vec<String>) {
    let writing = Writing {
        decimal: match recipe.decimal {
            DecimalSign::Point => Decimal::Point,
            DecimalSign::Comma => Decimal::Comma,
        },
        brackets: recipe.brackets == Some(Brackets::Negative),
        fraction: recipe.percent == Percent::Fraction,
        scales: Some(&recipe.scales),
    };
    // A sign such as `*` may be a mark in place of a number and a footnote beside one; and a stored 0
    // may stand where nothing was published.
    if let Some((sign, mark)) = recipe.marks.get_key_value(&cell.text()) {
        return (Figure::Mark(sign, mark), superscripts(cell).collect());
    }
    if let Value::Number(number) = cell.value {
        let shown = cell.look.percent && !writing.fraction;
        let number = if shown { scaled(number, 100.0) } else { number };
        return (Figure::Number(number), superscripts(cell).collect());
    }
    let (text, marks) = split_figure(cell, recipe);
    // What is stored as a date or a truth value is no number, whatever it looks like.
    let number = |text: &str| match cell.value {
        Value::Text(_) => parse_figure(text, writing),
        _ => None,
    };
    if let Some((sign, mark)) = recipe.marks.get_key_value(&text) {
        return (Figure::Mark(sign, mark), marks);
    }
    if let Some(number) = number(&text) {
        return (Figure::Number(number), marks);
    }
    let flags = recipe.marks.iter().filter(|(sign, mark)| {
        mark.obs_value.is_none() && !sign.is_empty() && !sign.chars().all(char::is_numeric)
    });
    let mut flags: Vec<(&String, &Mark)> = flags.collect();
    flags.sort_by_key(|(sign, _)| std::cmp::Reverse(sign.len()));
    let flagged = flags.into_iter().find_map(|(sign, mark)| {
        let number = number(text.strip_suffix(sign.as_str())?)?;
        Some(Figure::Flagged(number, sign, mark))
    });
    (flagged.unwrap_or(Figure::Text(text)), marks)
}

/// The recipe's mark that looks like this text and is written with letters of the other alphabet: the
/// Cyrillic `х` is not the Latin `x`.
pub(crate) fn look_alike<'r>(text: &str, recipe: &'r Recipe) -> Option<&'r str> {
    const PAIRS: [(char, char); 12] = [
        ('а', 'a'),
        ('в', 'b'),
        ('е', 'e'),
        ('к', 'k'),
        ('м', 'm'),
        ('н', 'h'),
        ('о', 'o'),
        ('р', 'p'),
        ('с', 'c'),
        ('т', 't'),
        ('у', 'y'),
        ('х', 'x'),
    ];
    let latin = |text: &str| -> String {
        let lower = text.chars().flat_map(char::to_lowercase);
        lower
            .map(|c| PAIRS.iter().find(|(cyrillic, _)| *cyrillic == c).map_or(c, |p| p.1))
            .collect()
    };
    let wanted = latin(text).replace('…', "...");
    let alike = |sign: &&String| latin(sign).replace('…', "...") == wanted;
    recipe.marks.keys().find(alike).map(String::as_str)
}

/// The publisher's notes, by their marks.
pub(crate) type Notes = BTreeMap<String, String>;

/// Reads the notes below their heading, or below the row where the figures end: `1. text`, `1) text`,
/// `* text`, or the mark in one cell and the text in the next.
pub(crate) fn read_notes(
    workbook: &Workbook,
    grid: &Grid,
    footnotes: Option<&Footnotes>,
    last_figure: u32,
    problems: &mut Problems,
) -> Notes {
    let Some(footnotes) = footnotes else { return Notes::new() };
    let sheet = match &footnotes.sheet {
        None => Some(grid),
        Some(name) => workbook.sheet(Some(name)),
    };
    let Some(below) = &footnotes.below else {
        let from = if footnotes.sheet.is_some() { 0 } else { last_figure.saturating_add(1) };
        let cells = sheet.map(|sheet| sheet.rows(from, u32::MAX)).unwrap_or_default();
        return notes_in(sheet, cells.iter(), footnotes);
    };
    let wanted = normalise(below);
    let heading = |cell: &&Cell| normalise(&cell.text()) == wanted;
    let found = sheet.and_then(|sheet| Some((sheet, sheet.cells().iter().rfind(heading)?)));
    let Some((sheet, heading)) = found else {
        problems.push(Problem::error(
            Kind::Layout,
            grid.sheet_place(&workbook.source),
            format!("the notes stand below `{below}`, and no cell reads so"),
        ));
        return Notes::new();
    };
    let cells = sheet.rows(heading.row + 1, u32::MAX).iter();
    notes_in(Some(sheet), cells.filter(|cell| cell.column == heading.column), footnotes)
}

/// The notes among cells. Of two notes to one mark the first counts.
fn notes_in<'a>(
    sheet: Option<&Grid>,
    cells: impl Iterator<Item = &'a Cell>,
    footnotes: &Footnotes,
) -> Notes {
    let mut notes = Notes::new();
    for cell in cells {
        let text = cell.text();
        // `1) text`, `1)text`, `1text` (a superscript that was joined), `* text`.
        let listed = footnotes.marks.iter().map(|mark| mark.trim_end_matches(')'));
        let listed =
            listed.filter(|mark| !mark.is_empty() && text.starts_with(*mark)).map(str::len);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (mark, rest) = text.split_at(listed.max().unwrap_or(0).max(digits));
        let rest = rest.trim_start_matches(['.', ')', ':']).trim_start();
        if mark.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let beside = || sheet?.row(cell.row).iter().find(|next| next.column > cell.column);
        let note = if rest.is_empty() { beside().map(Cell::text) } else { Some(rest.to_owned()) };
        if let Some(note) = note {
            notes.entry(mark.to_owned()).or_insert(note);
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
