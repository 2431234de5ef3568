//! How a recipe can say which cells are meant: by texts that stand once, in every sheet of the table.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::Regex;

use super::bands::Band;
use super::draft::Cells;
use super::sheet::{Seen, Sheet};
use crate::codelist::normalise;

/// One table as it stands on each of its sheets, and the rows in which its texts are looked for.
pub(super) struct Frame<'a> {
    pub(super) on: Vec<On<'a>>,
    /// Label columns whose selection has been found before.
    columns: RefCell<BTreeMap<u32, Option<Cells>>>,
}

/// One table on one sheet.
pub(super) struct On<'a> {
    pub(super) sheet: &'a Sheet<'a>,
    pub(super) band: &'a Band,
    /// First row, and the row behind the last, of what the table's bounds leave.
    pub(super) from: u32,
    pub(super) to: u32,
    counts: HashMap<String, u32>,
    /// The sheet's own counts hold.
    whole: bool,
}

impl<'a> On<'a> {
    /// A block ends where the next begins; of another table an anchor must not stand below it either,
    /// for that would move its end.
    pub(super) fn new(
        sheet: &'a Sheet<'a>,
        band: &'a Band,
        (from, to): (u32, u32),
        block: bool,
    ) -> Self {
        let mut counts: HashMap<String, u32> = HashMap::new();
        let whole = from == 0 && (!block || to == u32::MAX);
        if !whole {
            for cell in sheet.grid.rows(from, if block { to } else { u32::MAX }) {
                *counts.entry(normalise(&cell.text())).or_default() += 1;
            }
        }
        Self { sheet, band, from, to, counts, whole }
    }

    pub(super) fn count(&self, text: &str) -> u32 {
        match self.whole {
            true => self.sheet.count(text),
            false => self.counts.get(&normalise(text)).copied().unwrap_or(0),
        }
    }

    fn seen(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.sheet.rows.range(self.from..self.to).flat_map(|(_, seen)| seen)
    }
}

impl<'a> Frame<'a> {
    pub(super) fn new(on: Vec<On<'a>>) -> Self {
        Self { on, columns: RefCell::default() }
    }

    /// The sheet that the table was found on first.
    pub(super) fn lead(&self) -> &On<'a> {
        &self.on[0]
    }

    pub(super) fn sheet(&self) -> &'a Sheet<'a> {
        self.lead().sheet
    }

    pub(super) fn band(&self) -> &'a Band {
        self.lead().band
    }

    /// Whether the text stands once on each sheet, in this column.
    fn once(&self, text: &str, column: u32) -> bool {
        !text.is_empty()
            && self.on.iter().all(|on| {
                on.count(text) == 1
                    && (self.on.len() == 1
                        || on.seen().any(|s| {
                            s.cell.column == column && normalise(&s.cell.text()) == normalise(text)
                        }))
            })
    }

    /// How to select the cells of a label column.
    pub(super) fn column(&self, column: u32) -> Option<Cells> {
        if let Some(known) = self.columns.borrow().get(&column) {
            return known.clone();
        }
        let found = self.find_column(column);
        self.columns.borrow_mut().insert(column, found.clone());
        found
    }

    fn find_column(&self, column: u32) -> Option<Cells> {
        let band = self.band();
        let sheet = self.sheet();
        let narrow = |seen: &&Seen| seen.span.left == column && seen.span.right == column;
        let above = sheet.rows.range(self.lead().from..band.first).rev();
        let heading = above
            .flat_map(|(_, seen)| seen)
            .filter(narrow)
            .map(|seen| seen.cell.text())
            .find(|text| text.chars().count() < 120 && self.once(text, column));
        if let Some(heading) = heading {
            return Some(Cells { below: vec![heading], ..Cells::default() });
        }
        let rows = sheet.rows.range(self.lead().from..=band.last);
        let label = rows
            .flat_map(|(_, seen)| seen)
            .filter(narrow)
            .filter(|seen| !seen.is_number())
            .map(|seen| seen.cell.text())
            .find(|text| text.chars().count() < 120 && self.once(text, column));
        let by_label = label.map(|label| Cells { column_of: Some(label), ..Cells::default() });
        by_label.or_else(|| self.column_by_texts(column))
    }

    /// The cells of a column in which no text stands once: by all their texts, where these are few and
    /// stand nowhere else.
    fn column_by_texts(&self, column: u32) -> Option<Cells> {
        let mut texts: Vec<String> = Vec::new();
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for on in &self.on {
            for row in &on.band.body {
                let Some(seen) = on.sheet.covering(*row, column) else { continue };
                let text = seen.cell.text();
                if wanted.insert(normalise(&text)) {
                    texts.push(text);
                }
            }
            if wanted.len() > 150 {
                return None;
            }
        }
        let alone = |on: &On| {
            let mut met = BTreeSet::new();
            let alone = on.seen().all(|seen| {
                let text = normalise(&seen.cell.text());
                let wanted = wanted.contains(&text);
                if wanted {
                    met.insert(text);
                }
                !wanted || seen.cell.column == column
            });
            alone && met.len() == wanted.len()
        };
        (!texts.is_empty() && self.on.iter().all(alone))
            .then(|| Cells { text: texts, ..Cells::default() })
    }

    /// How to select headings: the very cells, on their rows, and nothing among the figures. `periods`
    /// says that they may be told from other cells of their rows by a regular expression.
    pub(super) fn headings(&self, cells: &[Seen<'a>], periods: Option<&str>) -> Option<Cells> {
        let band = self.band();
        let columns: BTreeSet<u32> = band.figures.iter().copied().collect();
        let mut texts: Vec<String> = Vec::new();
        for seen in cells {
            let text = seen.cell.text();
            if !texts.iter().any(|known| normalise(known) == normalise(&text)) {
                texts.push(text);
            }
        }
        let rows: BTreeSet<u32> = cells.iter().map(|seen| seen.cell.row).collect();
        let left = *band.figures.first()?;
        let by_texts = || {
            let wanted: BTreeSet<String> = texts.iter().map(|text| normalise(text)).collect();
            let fits = self.on.iter().all(|on| {
                let mut met = BTreeSet::new();
                // Nothing else that a figure could find, and no figure, may read so.
                let clean = on.seen().all(|seen| {
                    let text = normalise(&seen.cell.text());
                    let over = columns.range(seen.span.left..=seen.span.right).next().is_some();
                    if !wanted.contains(&text) {
                        return true;
                    }
                    met.insert(text);
                    rows.contains(&seen.cell.row)
                        || (!over && seen.cell.row < on.band.first)
                        || (!over && seen.span.right < left)
                });
                clean && met.len() == wanted.len()
            });
            fits.then(|| Cells { text: texts.clone(), ..Cells::default() })
        };
        if periods.is_none()
            && texts.len() <= 12
            && let Some(cells) = by_texts()
        {
            return Some(cells);
        }
        let matches = periods.map(str::to_owned);
        let regex = periods.and_then(|m| Regex::new(&format!("^(?:{m})$")).ok());
        let picks = |seen: &Seen| match &regex {
            Some(regex) => regex.is_match(&seen.cell.text()),
            None => true,
        };
        // A label right before the figures, on each of the rows.
        let [row] = rows.iter().copied().collect::<Vec<_>>()[..] else {
            return self.rows_of(&rows, &columns, &picks, matches).or_else(by_texts);
        };
        let beside = self.sheet().row(row).iter().rev().find(|seen| {
            seen.span.right < left
                && seen.span.top == seen.span.bottom
                && self.once(&seen.cell.text(), seen.cell.column)
        });
        if let Some(beside) = beside {
            return Some(Cells { right_of: Some(beside.cell.text()), matches, ..Cells::default() });
        }
        self.rows_of(&rows, &columns, &picks, matches).or_else(by_texts)
    }

    /// The rows of headings by one text of each, where no cell of them stands over labels.
    fn rows_of(
        &self,
        rows: &BTreeSet<u32>,
        columns: &BTreeSet<u32>,
        picks: &dyn Fn(&Seen) -> bool,
        matches: Option<String>,
    ) -> Option<Cells> {
        let mut anchors = Vec::new();
        for row in rows {
            let seen = self.sheet().row(*row);
            let over =
                |seen: &&Seen| columns.range(seen.span.left..=seen.span.right).next().is_some();
            if seen.iter().filter(|seen| picks(seen)).any(|seen| !over(&seen)) {
                return None;
            }
            let anchor = seen.iter().filter(over).filter(|seen| {
                seen.span.top == *row
                    && (rows.contains(&seen.span.bottom) || seen.span.bottom == *row)
            });
            let anchor = anchor.map(|s| (s.cell.text(), s.cell.column));
            anchors.push(anchor.into_iter().find(|(text, column)| self.once(text, *column))?.0);
        }
        Some(Cells { row_of: anchors, matches, ..Cells::default() })
    }

    /// A regular expression for the one cell of each sheet that holds what these texts share; the
    /// cells are one for each sheet, in their order.
    pub(super) fn shared(&self, texts: &[String]) -> Option<Cells> {
        let first = texts.first()?;
        if texts.iter().all(|text| normalise(text) == normalise(first)) {
            let once = self.on.iter().all(|on| on.count(first) == 1);
            return once.then(|| Cells { text: vec![first.clone()], ..Cells::default() });
        }
        let matches = pattern(texts)?;
        let regex = Regex::new(&format!("^(?:{matches})$")).ok()?;
        let one = |on: &On| {
            on.sheet.grid.rows(on.from, on.to).iter().filter(|c| regex.is_match(&c.text())).count()
                == 1
        };
        self.on.iter().all(one).then(|| Cells { matches: Some(matches), ..Cells::default() })
    }
}

/// What texts share at their beginning and their end, as a regular expression; none where that is
/// next to nothing.
pub(super) fn pattern(texts: &[String]) -> Option<String> {
    let first: Vec<char> = texts.first()?.chars().collect();
    let (mut head, mut tail) = (first.len(), first.len());
    for text in texts {
        let other: Vec<char> = text.chars().collect();
        head = head.min(first.iter().zip(&other).take_while(|(a, b)| a == b).count());
        let back = first.iter().rev().zip(other.iter().rev());
        tail = tail.min(back.take_while(|(a, b)| a == b).count());
    }
    let shortest = texts.iter().map(|text| text.chars().count()).min()?;
    tail = tail.min(shortest.saturating_sub(head));
    let end = |from: usize| first[from..].iter().collect::<String>();
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    // A letter or two that all happen to end with say nothing.
    let tail_text =
        Some(end(first.len() - tail)).filter(|tail| letters(tail) > 2).unwrap_or_default();
    let head_text: String = first[..head].iter().collect();
    (letters(&head_text) + letters(&tail_text) >= 4)
        .then(|| format!("{}.*{}", regex::escape(&head_text), regex::escape(&tail_text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_titles_share_becomes_a_pattern() {
        let shared = |texts: &[&str]| {
            pattern(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(shared(&["Строка 1: Всего", "Строка 2: особо"]).as_deref(), Some("Строка .*"));
        assert_eq!(shared(&["All; dollars", "CIS; dollars"]).as_deref(), Some(".*; dollars"));
        assert_eq!(shared(&["Table 1", "Chart 2"]), None);
    }
}
