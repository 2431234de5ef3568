//! Cells selected by what is written.

use std::collections::BTreeSet;

use opeka_model::{Kind, Problem, Problems, closest};
use regex::Regex;

use crate::codelist::normalise;
use crate::grid::{Cell, Span, Value};
use crate::recipe::{OneOrMany, Selection};
use crate::view::TableView;

/// What two anchors have in common that select the same cells: their rows, or their columns.
type Same = Option<fn(&Span) -> (u32, u32)>;

impl<'a> TableView<'a> {
    /// The one cell that reads so; none or several are problems, unless `same` says that they
    /// select the same.
    fn anchor(&self, label: &str, same: Same, problems: &mut Problems) -> Option<Span> {
        let mut found = self.reading(label);
        if let Some(same) = same {
            found.dedup_by_key(|span| same(span));
        }
        let place = self.grid.sheet_place(self.source);
        match found.as_slice() {
            [one] => Some(*one),
            [] => {
                let cells = self.cells().filter(|cell| matches!(cell.value, Value::Text(_)));
                let texts: BTreeSet<String> = cells.map(Cell::text).collect();
                let message = format!("no cell reads `{label}`");
                let problem = Problem::error(Kind::Layout, place, message);
                let near = closest(label, texts.iter().map(String::as_str));
                problems.push(match near.first() {
                    Some(near) => problem.hint(format!("the closest cell reads `{near}`")),
                    None => problem.hint("look at the sheet with `opeka ingest --preview`"),
                });
                None
            }
            several => {
                let cells: Vec<String> =
                    several.iter().map(|span| self.grid.address(span.top, span.left)).collect();
                problems.push(
                    Problem::error(
                        Kind::Layout,
                        place,
                        format!("{} cells read `{label}`: {}", several.len(), cells.join(", ")),
                    )
                    .hint("anchor the selection at a text that stands once"),
                );
                None
            }
        }
    }

    /// The spans of the anchors of one key, in the order in which the recipe names them. `None`
    /// where one is missing.
    pub(crate) fn anchors(&self, labels: &OneOrMany, problems: &mut Problems) -> Option<Vec<Span>> {
        self.anchored(labels, None, problems)
    }

    fn anchored(
        &self,
        labels: &OneOrMany,
        same: Same,
        problems: &mut Problems,
    ) -> Option<Vec<Span>> {
        let labels = labels.as_slice().iter();
        let found: Vec<Option<Span>> =
            labels.map(|label| self.anchor(label, same, problems)).collect();
        found.into_iter().collect()
    }

    /// The cells of a selection. An empty one is a problem.
    pub(crate) fn select(
        &self,
        selection: &Selection,
        what: &str,
        problems: &mut Problems,
    ) -> Vec<&'a Cell> {
        let mut anchors = |labels: &Option<OneOrMany>, same: Same| match labels {
            None => Some(None),
            Some(labels) => self.anchored(labels, same, problems).map(Some),
        };
        // Cells of one row that read alike select the same row, and so do those of one column.
        let found = (
            anchors(&selection.below, None),
            anchors(&selection.right_of, None),
            anchors(&selection.row_of, Some(|span| (span.top, span.bottom))),
            anchors(&selection.column_of, Some(|span| (span.left, span.right))),
        );
        let (Some(below), Some(right_of), Some(row_of), Some(column_of)) = found else {
            return Vec::new();
        };
        let any = |spans: &Option<Vec<Span>>, holds: &dyn Fn(&Span) -> bool| {
            spans.as_ref().is_none_or(|spans| spans.iter().any(holds))
        };
        let texts: Option<Vec<String>> = selection
            .text
            .as_ref()
            .map(|texts| texts.as_slice().iter().map(|text| normalise(text)).collect());
        let not: Vec<String> = selection
            .not
            .iter()
            .flat_map(OneOrMany::as_slice)
            .map(|text| normalise(text))
            .collect();
        // The recipe was refused before if this is no regular expression.
        let matches =
            selection.matches.as_ref().and_then(|m| Regex::new(&format!("^(?:{m})$")).ok());
        let chosen: Vec<&Cell> = self
            .cells()
            .filter(|cell| {
                let text = || cell.text();
                let (row, column) = (cell.row, cell.column);
                any(&below, &|s| row > s.bottom && s.has_column(column))
                    && any(&right_of, &|s| column > s.right && s.has_row(row))
                    && any(&row_of, &|s| s.has_row(row))
                    && any(&column_of, &|s| s.has_column(column))
                    && selection.bold.is_none_or(|bold| cell.look.bold == bold)
                    && selection.indent.as_ref().is_none_or(|i| i.contains(cell.indent()))
                    && texts.as_ref().is_none_or(|texts| texts.contains(&normalise(&text())))
                    && matches.as_ref().is_none_or(|matches| matches.is_match(&text()))
                    && (not.is_empty() || !not.contains(&normalise(&text())))
            })
            .collect();
        for text in selection.text.iter().flat_map(OneOrMany::as_slice) {
            if !chosen.iter().any(|cell| normalise(&cell.text()) == normalise(text)) {
                problems.push(Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(self.source),
                    format!("`{what}` is read from a cell that says `{text}`, and none does"),
                ));
            }
        }
        if chosen.is_empty() {
            problems.push(
                Problem::error(
                    Kind::Layout,
                    self.grid.sheet_place(self.source),
                    format!("the selection of `{what}` is empty"),
                )
                .hint("look at the sheet with `opeka ingest --preview`"),
            );
        }
        chosen
    }
}
