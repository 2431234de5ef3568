//! Where the tables of a sheet are: bands of rows with figures, each below its own headings.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Kind, Seen, Sheet};

/// One table of a sheet, before anybody knows what its labels mean.
#[derive(Debug, Clone)]
pub(super) struct Band {
    /// The first row after the table above, or of the sheet.
    pub(super) top: u32,
    /// First and last row with figures.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Rows with figures, or with marks in their places.
    pub(super) body: Vec<u32>,
    /// Rows between them that have a label and no figure.
    pub(super) labelled: Vec<u32>,
    /// Columns with figures.
    pub(super) figures: Vec<u32>,
    /// Columns with texts, dates or numbers that name the rows.
    pub(super) labels: Vec<LabelColumn>,
    /// Rows above the figures whose cells head their columns.
    pub(super) headings: Vec<u32>,
    /// Rows above the figures with other texts.
    pub(super) titles: Vec<u32>,
}

/// A column of labels, and what its cells are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabelColumn {
    pub(super) column: u32,
    pub(super) holds: Holds,
    /// Of the rows with figures, how many it names, merged cells counted for all their rows.
    pub(super) filled: usize,
}

/// What the cells of a label column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Texts,
    Dates,
    Years,
    /// Numbers that count rows or name things.
    Codes,
}

/// What a row is at first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    /// Years over columns.
    Years,
    /// `1 2 3 …` over columns.
    Index,
    /// Holds figures.
    Body,
    /// Holds texts only.
    Texts,
}

fn kind_of(row: &[Seen]) -> RowKind {
    let numbers: Vec<f64> = row.iter().filter_map(Seen::number).collect();
    if numbers.is_empty() {
        return RowKind::Texts;
    }
    let counts = |from: f64| numbers.iter().enumerate().all(|(i, n)| *n == from + i as f64);
    let few_texts = row.len() - numbers.len() <= 3;
    if numbers.len() >= 3 && few_texts && (counts(1.0) || counts(0.0) || counts(2.0)) {
        return RowKind::Index;
    }
    let rising = numbers.windows(2).all(|pair| pair[0] <= pair[1]);
    let falling = numbers.windows(2).all(|pair| pair[0] >= pair[1]);
    let repeats = numbers.iter().skip(1).any(|n| *n == numbers[0]);
    // A single year beside several texts is a record, not a heading.
    let alone = numbers.len() == 1 && row.len() > 2;
    if row.iter().filter(|seen| seen.is_number()).all(Seen::is_year)
        && (rising || falling || repeats)
        && !alone
    {
        return RowKind::Years;
    }
    RowKind::Body
}

/// The tables of a sheet, from the top down.
pub(super) fn find(sheet: &Sheet) -> Vec<Band> {
    let mut kinds: BTreeMap<u32, RowKind> =
        sheet.rows.iter().map(|(row, seen)| (*row, kind_of(seen))).collect();
    unmask_years(sheet, &mut kinds);
    let mut bands: Vec<Band> = Vec::new();
    let mut open: Option<Draft> = None;
    let mut top = 0;
    for (row, kind) in &kinds {
        let seen = sheet.row(*row);
        match (&mut open, kind) {
            (Some(draft), RowKind::Body) if !draft.pending => draft.take(*row, seen),
            (Some(draft), RowKind::Body) => {
                let begin = draft.last + 1;
                bands.extend(open.take().and_then(|draft| draft.close(sheet, top)));
                top = begin;
                open = Some(Draft::begin(*row, seen));
            }
            (None, RowKind::Body) => open = Some(Draft::begin(*row, seen)),
            (Some(draft), _) => draft.between(sheet, *row, seen, *kind),
            (None, _) => {}
        }
    }
    bands.extend(open.take().and_then(|draft| draft.close(sheet, top)));
    bands
}

/// A row of years heads columns only where other numbers stand below it; in a list of years and
/// figures (`2016 | 17`) every row holds figures.
fn unmask_years(sheet: &Sheet, kinds: &mut BTreeMap<u32, RowKind>) {
    let rows: Vec<u32> = kinds.keys().copied().collect();
    for (index, row) in rows.iter().enumerate() {
        if kinds[row] != RowKind::Years {
            continue;
        }
        let next = rows[index + 1..].iter().take(6).find(|next| kinds[*next] == RowKind::Body);
        let heads = next.is_some_and(|next| {
            let columns: BTreeSet<u32> = sheet.row(*next).iter().map(|s| s.cell.column).collect();
            let years = sheet.row(*row).iter().filter(|s| s.is_year());
            years.clone().any(|s| columns.contains(&s.cell.column))
        });
        if !heads {
            kinds.insert(*row, RowKind::Body);
        }
    }
}

/// A band that is still growing.
struct Draft {
    first: u32,
    last: u32,
    body: Vec<u32>,
    labelled: Vec<u32>,
    /// Columns with numbers, and how many.
    numbers: BTreeMap<u32, usize>,
    /// Rows that may be headings of the next band have been seen.
    pending: bool,
    waiting: Vec<u32>,
}

impl Draft {
    fn begin(row: u32, seen: &[Seen]) -> Self {
        let mut draft = Self {
            first: row,
            last: row,
            body: Vec::new(),
            labelled: Vec::new(),
            numbers: BTreeMap::new(),
            pending: false,
            waiting: Vec::new(),
        };
        draft.take(row, seen);
        draft
    }

    fn take(&mut self, row: u32, seen: &[Seen]) {
        self.labelled.append(&mut self.waiting);
        self.body.push(row);
        self.last = row;
        for seen in seen.iter().filter(|seen| seen.is_number()) {
            *self.numbers.entry(seen.cell.column).or_default() += 1;
        }
    }

    /// A row without figures: a label, marks in the places of figures, or a heading.
    fn between(&mut self, sheet: &Sheet, row: u32, seen: &[Seen], kind: RowKind) {
        let Some((&left, _)) = self.numbers.first_key_value() else { return };
        let right = self.numbers.last_key_value().map_or(left, |(column, _)| *column);
        let inside = |s: &&Seen| (left..=right).contains(&s.cell.column);
        let marks = seen.iter().filter(inside).filter(|s| s.kind == Kind::Mark).count();
        let texts = seen.iter().filter(inside).filter(|s| s.kind != Kind::Mark).count();
        let labelled = seen.iter().any(|s| s.cell.column < left);
        match kind {
            RowKind::Years | RowKind::Index => self.pending = true,
            _ if texts == 0 && marks > 0 && labelled && !self.pending => {
                self.labelled.append(&mut self.waiting);
                self.body.push(row);
                self.last = row;
            }
            _ if texts > 0 => {
                // One text among the columns may be a remark to a figure; several head columns.
                let over = seen.iter().filter(inside).any(|s| s.span.right > s.span.left);
                if texts > 1 || over || sheet.row(row + 1).is_empty() || !labelled {
                    self.pending = true;
                }
            }
            _ => self.waiting.push(row),
        }
    }

    fn close(self, sheet: &Sheet, top: u32) -> Option<Band> {
        let (figures, labels) = columns(sheet, &self.body, self.first)?;
        let left = *figures.first()?;
        // Codes of areas may be all the numbers of a line that heads others.
        let holds = |row: &u32| {
            sheet.row(*row).iter().any(|s| figures.contains(&s.cell.column) && s.kind != Kind::Text)
        };
        let (body, lines): (Vec<u32>, Vec<u32>) = self.body.into_iter().partition(holds);
        let mut labelled = self.labelled;
        labelled.extend(lines);
        labelled.sort_unstable();
        let first = *body.first()?;
        labelled.retain(|row| *row > first);
        let mut headings = Vec::new();
        let mut titles = Vec::new();
        for (row, seen) in sheet.rows.range(top..first) {
            let heads = seen.iter().any(|s| {
                let over = figures.iter().any(|c| s.span.has_column(*c));
                let spread = s.span.left < left && s.span.right >= left;
                over && !spread
            });
            if heads { headings.push(*row) } else { titles.push(*row) }
        }
        // Headings of a few rows may themselves stand below a title that begins over the figures.
        Some(Band {
            top,
            first,
            last: self.last,
            body,
            labelled,
            figures,
            labels,
            headings,
            titles,
        })
    }
}

/// Parts the columns of a band into figures and labels.
fn columns(sheet: &Sheet, body: &[u32], first: u32) -> Option<(Vec<u32>, Vec<LabelColumn>)> {
    let mut tallies: BTreeMap<u32, Tally> = BTreeMap::new();
    for row in body {
        for seen in sheet.row(*row) {
            tallies.entry(seen.cell.column).or_default().count(seen);
        }
    }
    let heading = |column: u32| heading_of(sheet, first, column);
    let mut labels = Vec::new();
    let mut figures = Vec::new();
    for (column, tally) in &tallies {
        let head = heading(*column);
        // A code beside its label, as flat formats have them.
        let coded = format!("{head} label");
        if !head.is_empty() && tallies.keys().any(|other| heading(*other) == coded) {
            labels.push(LabelColumn { column: *column, holds: Holds::Codes, filled: tally.filled });
            continue;
        }
        match tally.holds(&head) {
            Some(holds) => {
                labels.push(LabelColumn { column: *column, holds, filled: tally.filled })
            }
            None => figures.push(*column),
        }
    }
    codes_before_names(sheet, body, first, &mut figures, &mut labels, &tallies);
    // Years and codes name rows only where figures stand beside them.
    if figures.is_empty() {
        let numeric = |l: &LabelColumn| matches!(l.holds, Holds::Years);
        let last = labels.iter().rposition(numeric)?;
        figures.push(labels.remove(last).column);
    }
    let (left, right) = (*figures.first()?, *figures.last()?);
    // A column of years among the figures, under a heading of its own kind, is figures.
    let mut stay = Vec::new();
    for label in labels {
        let years = label.holds == Holds::Years;
        let between = (left..=right).contains(&label.column);
        if years && between && !super::words::heads_periods(&heading(label.column)) {
            figures.push(label.column);
        } else {
            stay.push(label);
        }
    }
    figures.sort_unstable();
    // A column of remarks right of the figures, or an almost empty one, names nothing.
    let rows = body.len();
    stay.retain(|label| {
        label.filled * 20 >= rows || label.holds != Holds::Texts || label.column < left
    });
    Some((figures, stay))
}

/// Whole numbers left of the names that head no column, where the figures right of the names have
/// headings, are codes of what is named.
fn codes_before_names(
    sheet: &Sheet,
    body: &[u32],
    first: u32,
    figures: &mut Vec<u32>,
    labels: &mut Vec<LabelColumn>,
    tallies: &BTreeMap<u32, Tally>,
) {
    let names = labels.iter().filter(|l| l.holds == Holds::Texts && l.filled * 2 > body.len());
    let Some(names) = names.map(|label| label.column).max() else { return };
    if !figures.iter().any(|column| *column > names) {
        return;
    }
    let code = |column: u32| {
        let tally = tallies.get(&column)?;
        let mut known = BTreeSet::new();
        let distinct = tally.numbers.iter().all(|n| n.fract() == 0.0 && known.insert(n.to_bits()));
        let headed = !own_heading(sheet, first, column).is_empty();
        (column < names && distinct && !headed && tally.numbers.len() > 2).then_some(tally.filled)
    };
    for column in figures.clone() {
        if let Some(filled) = code(column) {
            figures.retain(|figure| *figure != column);
            labels.push(LabelColumn { column, holds: Holds::Codes, filled });
        }
    }
    labels.sort_by_key(|label| label.column);
}

/// What stands over a column and over no other, near the figures.
fn own_heading(sheet: &Sheet, first: u32, column: u32) -> String {
    let above = sheet.rows.range(..first).rev().take(12);
    let own = |s: &&Seen| s.span.left == column && s.span.right == column;
    let found = above.flat_map(|(_, seen)| seen).find(own);
    found.map(|s| s.cell.text()).unwrap_or_default()
}

/// The text that heads a column of labels: the lowest above the figures.
pub(super) fn heading_of(sheet: &Sheet, first: u32, column: u32) -> String {
    let above = sheet.rows.range(..first).rev().take(12);
    // A title merged over the whole table heads no column of it.
    let narrow = |s: &&Seen| s.span.right - s.span.left <= 3;
    let found = above.flat_map(|(_, seen)| seen).filter(narrow).find(|s| s.span.has_column(column));
    found.map(|s| s.cell.text()).unwrap_or_default()
}

#[derive(Default)]
struct Tally {
    numbers: Vec<f64>,
    texts: usize,
    marks: usize,
    dates: usize,
    /// Marks without a letter, which stand for figures.
    signs: usize,
    filled: usize,
    /// Numbers written with leading zeros, as codes are.
    zeros: usize,
}

impl Tally {
    fn count(&mut self, seen: &Seen) {
        self.filled += (seen.span.bottom - seen.span.top + 1) as usize;
        match seen.kind {
            Kind::Number(number) => {
                self.numbers.push(number);
                let text = seen.cell.text();
                let whole = text.len() > 1 && text.bytes().all(|b| b.is_ascii_digit());
                self.zeros += usize::from(whole && text.starts_with('0'));
            }
            Kind::Text => self.texts += 1,
            Kind::Date => self.dates += 1,
            Kind::Mark => {
                self.marks += 1;
                if !seen.cell.text().chars().any(char::is_alphanumeric) {
                    self.signs += 1;
                }
            }
        }
    }

    /// What a label column of these cells holds; none for figures.
    fn holds(&self, heading: &str) -> Option<Holds> {
        let numbers = self.numbers.len();
        let words = self.texts + self.marks - self.signs;
        if self.dates > numbers + words {
            return Some(Holds::Dates);
        }
        if numbers == 0 {
            return (words > 0).then_some(Holds::Texts);
        }
        if self.texts > numbers && self.texts > self.signs {
            return Some(Holds::Texts);
        }
        let years = self.numbers.iter().filter(|n| super::sheet::is_year(**n)).count();
        let timely = super::words::heads_periods(heading);
        if numbers > 1 && years * 10 >= numbers * 9 && (timely || self.texts == 0) {
            // Figures may by chance lie between 1900 and 2100, but seldom all of them.
            return Some(Holds::Years);
        }
        if numbers == 1 && years == 1 && timely {
            return Some(Holds::Years);
        }
        let whole = self.numbers.iter().all(|n| n.fract() == 0.0);
        let rising =
            numbers > 3 && self.numbers.iter().enumerate().all(|(i, n)| *n == i as f64 + 1.0);
        if self.zeros * 5 > numbers {
            return Some(Holds::Codes);
        }
        let coded = super::words::heads_codes(heading);
        (whole && (coded || rising)).then_some(Holds::Codes)
    }
}
