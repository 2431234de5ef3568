//! The label of a figure in one dimension: where it comes from, and how it is read.

use std::collections::{BTreeMap, HashMap, HashSet};

use opeka_model::{Kind, Place, Problem, Problems};
use regex::Regex;

use crate::attach::{Attached, Found};
use crate::codelist::normalise;
use crate::grid::{Cell, Workbook};
use crate::marks::split_label;
use crate::periods::{PeriodRules, parse_year_start};
use crate::recipe::{Attach, Column, Dimension, From, OneOrMany, Recipe};
use crate::view::TableView;

/// A dimension of a table, ready for looking labels up.
pub(crate) struct Labels<'a> {
    pub(crate) dimension: &'a Dimension,
    pub(crate) rules: PeriodRules,
    column: Column,
    sources: Vec<Source<'a>>,
    /// Codes of cells whose text stands for several, in their order.
    own: HashMap<(u32, u32), String>,
    ignore: HashSet<String>,
    ignore_matches: Option<Regex>,
}

/// Where a label, or a part of one, comes from.
struct Source<'a> {
    from: Where<'a>,
    extract: Option<Regex>,
    /// Whether the recipe spells out what its cells read.
    spelt: bool,
}

enum Where<'a> {
    /// The recipe, or the name of the sheet or the file.
    Said(String),
    Attached(Attached<'a>),
}

/// The label that a figure finds.
#[derive(Debug, Clone)]
pub(crate) struct Label<'a> {
    /// The cells that it is written in; none where it is said.
    pub(crate) cells: Vec<&'a Cell>,
    /// What it says, without marks.
    pub(crate) text: String,
    /// The marks of its cells.
    pub(crate) marks: Vec<(&'a Cell, Vec<String>)>,
}

/// Why a figure has no label.
pub(crate) enum NoLabel<'a> {
    /// There is none.
    Nothing,
    /// It cannot be said which, or what of it counts.
    Refused(&'a Cell, Problem),
    /// What of a name counts cannot be said.
    RefusedName(Problem),
}

impl<'a> Labels<'a> {
    /// Selects the cells of a dimension; `selected` is told each of them.
    pub(crate) fn new(
        workbook: &Workbook,
        recipe: &Recipe,
        view: &TableView<'a>,
        column: Column,
        dimension: &'a Dimension,
        problems: &mut Problems,
        mut selected: impl FnMut(&'a Cell),
    ) -> Self {
        let mut all: Vec<&Cell> = Vec::new();
        let mut sources = Vec::new();
        let parts = match dimension.parts.as_slice() {
            [] => std::slice::from_ref(dimension),
            parts => parts,
        };
        for part in parts {
            let said = match (&part.constant, part.from) {
                (Some(constant), _) => Some(constant.clone()),
                (None, Some(From::Sheet)) => Some(view.grid.name.clone().unwrap_or_default()),
                (None, Some(From::File)) => workbook.source.rsplit('/').next().map(str::to_owned),
                (None, None) => None,
            };
            let from = match said {
                Some(said) => Where::Said(said),
                None => {
                    let cells = view.select(&part.selection(), column.name(), problems);
                    cells.iter().copied().for_each(&mut selected);
                    if part.attach == Attach::Table && cells.len() > 1 {
                        problems.push(several(view, column, &cells));
                    }
                    all.extend(&cells);
                    Where::Attached(Attached::new(view, part, &cells))
                }
            };
            // The recipe was refused before if this is no regular expression.
            let extract = part.extract.as_deref().and_then(|extract| Regex::new(extract).ok());
            sources.push(Source { from, extract, spelt: part.text.is_some() });
        }
        let own = own_codes(recipe, view, column, dimension, &all, problems);
        let whole = |e: &String| Regex::new(&format!("^(?:{e})$")).ok();
        Self {
            dimension,
            rules: PeriodRules {
                step: dimension.frequency,
                year_start: dimension.year_starts.as_deref().and_then(parse_year_start),
            },
            column,
            sources,
            own,
            ignore: ignored(dimension),
            ignore_matches: dimension.ignore_matches.as_ref().and_then(whole),
        }
    }

    /// What is attached: the whole, or each part.
    pub(crate) fn attached(&self) -> impl Iterator<Item = &Attached<'a>> {
        self.sources.iter().filter_map(|source| match &source.from {
            Where::Attached(attached) => Some(attached),
            Where::Said(_) => None,
        })
    }

    /// The label of a figure.
    pub(crate) fn find(
        &self,
        row: u32,
        column: u32,
        recipe: &Recipe,
    ) -> Result<Label<'a>, NoLabel<'a>> {
        let mut label = Label { cells: Vec::new(), text: String::new(), marks: Vec::new() };
        for (index, source) in self.sources.iter().enumerate() {
            let (cell, text) = match &source.from {
                Where::Said(said) => (None, said.clone()),
                Where::Attached(attached) => match attached.find(row, column) {
                    Found::Nothing => return Err(NoLabel::Nothing),
                    Found::Draw(first, second) => {
                        let message = format!(
                            "two labels of `{}` are equally near to a figure: `{}` and `{}`",
                            self.column.name(),
                            first.text(),
                            second.text()
                        );
                        let problem = Problem::error(Kind::Data, Place::Nowhere, message);
                        return Err(NoLabel::Refused(first, problem));
                    }
                    Found::Label(cell) => {
                        let (text, marks) = split_label(cell, recipe);
                        label.cells.push(cell);
                        if !marks.is_empty() {
                            label.marks.push((cell, marks));
                        }
                        (Some(cell), text)
                    }
                },
            };
            let text = match &source.extract {
                None => text,
                Some(extract) => match extracted(extract, &text) {
                    Some(part) => part,
                    None => {
                        let message = format!(
                            "`{text}` does not match the `extract` of `{}`: {extract}",
                            self.column.name()
                        );
                        let problem = Problem::error(Kind::Data, Place::Nowhere, message);
                        return Err(match cell {
                            Some(cell) => NoLabel::Refused(cell, problem),
                            None => NoLabel::RefusedName(problem),
                        });
                    }
                },
            };
            if index > 0 {
                label.text.push_str(if self.column == Column::TimePeriod { " " } else { " / " });
            }
            label.text.push_str(&text);
        }
        Ok(label)
    }

    /// The code that this very cell was given by its order.
    pub(crate) fn own_code(&self, label: &Label) -> Option<&str> {
        let mut cells = label.cells.iter();
        cells.find_map(|cell| self.own.get(&(cell.row, cell.column))).map(String::as_str)
    }

    /// Whether the recipe says what this label means.
    pub(crate) fn names(&self, label: &str) -> bool {
        let by_row = |source: &&Source| match &source.from {
            Where::Attached(attached) => attached.by_row() == Some(true),
            Where::Said(_) => false,
        };
        if self.sources.iter().filter(by_row).all(|source| source.spelt) {
            return true;
        }
        let wanted = normalise(label);
        self.dimension.values.keys().any(|known| normalise(known) == wanted)
    }

    /// Whether the recipe leaves figures under this label out.
    pub(crate) fn ignores(&self, label: &str) -> bool {
        self.ignore_matches.as_ref().is_some_and(|matches| matches.is_match(label))
            || (!self.ignore.is_empty() && self.ignore.contains(&normalise(label)))
    }
}

/// The labels whose figures are left out, by the recipe or by an answer without a code.
fn ignored(dimension: &Dimension) -> HashSet<String> {
    let answers = dimension.answers.iter().filter(|(_, code)| code.is_none());
    let labels = dimension.ignore.iter().chain(answers.map(|(label, _)| label));
    labels.map(|label| normalise(label)).collect()
}

/// What the first group matches, or the whole match.
fn extracted(extract: &Regex, text: &str) -> Option<String> {
    let captures = extract.captures(text)?;
    let found = captures.get(1).or_else(|| captures.get(0))?;
    Some(found.as_str().trim().to_owned())
}

fn several(view: &TableView, column: Column, cells: &[&Cell]) -> Problem {
    let at: Vec<String> =
        cells.iter().take(5).map(|cell| view.grid.address(cell.row, cell.column)).collect();
    let message = format!(
        "`{}` is one cell for the whole table, and {} are selected: {}",
        column.name(),
        cells.len(),
        at.join(", ")
    );
    Problem::error(Kind::Layout, view.grid.sheet_place(view.source), message)
        .hint("select by a text, or an expression, that stands once")
}

/// The codes of cells whose text the recipe gives several codes, one for each cell that reads so.
fn own_codes(
    recipe: &Recipe,
    view: &TableView,
    column: Column,
    dimension: &Dimension,
    cells: &[&Cell],
    problems: &mut Problems,
) -> HashMap<(u32, u32), String> {
    let mut own = HashMap::new();
    let several: BTreeMap<String, (&String, &[String])> = dimension
        .values
        .iter()
        .filter_map(|(label, codes)| match codes {
            OneOrMany::Many(codes) => Some((normalise(label), (label, codes.as_slice()))),
            OneOrMany::One(_) => None,
        })
        .collect();
    if several.is_empty() {
        return own;
    }
    let mut met: BTreeMap<&String, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        let text = normalise(&split_label(cell, recipe).0);
        if let Some((text, _)) = several.get_key_value(&text) {
            met.entry(text).or_default().push(cell);
        }
    }
    for (text, (label, codes)) in &several {
        let met = met.get(text).map(Vec::as_slice).unwrap_or_default();
        if met.len() != codes.len() {
            let message = format!(
                "`{}` has {} codes for cells that read `{label}`, and {} do",
                column.name(),
                codes.len(),
                met.len()
            );
            problems.push(
                Problem::error(Kind::Layout, view.grid.sheet_place(view.source), message)
                    .hint("give each cell that reads so its code, in their order"),
            );
        }
        own.extend(
            met.iter().zip(*codes).map(|(cell, code)| ((cell.row, cell.column), code.clone())),
        );
    }
    own
}
