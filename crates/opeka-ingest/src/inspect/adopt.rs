//! Sheets of one form that are filled differently: the fullest of them says where their tables are.

use std::collections::BTreeSet;

use super::bands::{Band, LabelColumn};
use super::bounds::Layout;
use super::sheet::{Kind, Seen, Sheet};
use crate::codelist::normalise;

/// Gives sheets that have the very headings of a fuller one its tables.
pub(super) fn adopt(layouts: &mut [Layout]) {
    let numbers = |layout: &Layout| layout.sheet.seen().filter(|s| s.is_number()).count();
    let mut order: Vec<(usize, usize)> =
        layouts.iter().enumerate().map(|(index, layout)| (numbers(layout), index)).collect();
    order.retain(|(numbers, index)| *numbers > 0 && !layouts[*index].bands.is_empty());
    order.sort_by_key(|(numbers, index)| (std::cmp::Reverse(*numbers), *index));
    let mut leads: Vec<usize> = Vec::new();
    for (_, index) in order {
        let own = &layouts[index];
        let found = leads.iter().find_map(|lead| bands(&layouts[*lead], own.sheet));
        match found {
            Some(bands) => layouts[index].bands = bands,
            None => leads.push(index),
        }
    }
}

/// The texts of a row of headings, with digits alike; none for a row that numbers its columns.
fn texts(row: &[Seen]) -> Vec<(u32, String)> {
    let text = |s: &Seen| -> String {
        let text = normalise(&s.cell.text());
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    };
    if row.iter().all(|s| s.is_number() && !s.is_year()) {
        return Vec::new();
    }
    row.iter().map(|s| (s.cell.column, text(s))).collect()
}

/// The tables of a lead on another sheet, where all numbers of that lie in them.
fn bands(lead: &Layout, sheet: &Sheet) -> Option<Vec<Band>> {
    let mut compared = 0;
    for band in &lead.bands {
        for row in &band.headings {
            let (one, other) = (texts(lead.sheet.row(*row)), texts(sheet.row(*row)));
            // Titles of several sheets differ; what stands over the columns does not.
            if one.len() > 1 && one != other || one.len() != other.len() {
                return None;
            }
            compared += if one.len() > 1 { one.len() } else { 0 };
        }
    }
    if compared < 3 {
        return None;
    }
    let mut found = Vec::new();
    let mut reached: BTreeSet<u32> = BTreeSet::new();
    for (index, band) in lead.bands.iter().enumerate() {
        let end = lead.bands.get(index + 1).map_or(u32::MAX, |next| {
            next.headings.first().copied().unwrap_or(next.first).min(next.first)
        });
        let begin = band.headings.last().map_or(band.first, |row| row + 1);
        reached.extend(band.headings.iter().copied());
        found.push(one(band, sheet, (begin, end), &mut reached)?);
    }
    let all = sheet.rows.iter().all(|(row, seen)| {
        reached.contains(row)
            || !seen.iter().any(Seen::is_number)
            || !texts(seen).is_empty()
                && lead.sheet.row(*row).iter().any(Seen::is_number)
                && lead.bands[0].top > *row
    });
    all.then_some(found)
}

/// One table of the lead on another sheet.
fn one(
    band: &Band,
    sheet: &Sheet,
    (begin, end): (u32, u32),
    reached: &mut BTreeSet<u32>,
) -> Option<Band> {
    let left = *band.figures.first()?;
    let known: BTreeSet<u32> =
        band.figures.iter().copied().chain(band.labels.iter().map(|l| l.column)).collect();
    let (mut body, mut labelled) = (Vec::new(), Vec::new());
    for (row, seen) in sheet.rows.range(begin..end) {
        let counts = seen.iter().filter(|s| s.is_number()).count() > 2
            && seen.iter().filter_map(Seen::number).enumerate().all(|(i, n)| n == i as f64 + 1.0);
        if counts {
            reached.insert(*row);
            continue;
        }
        if seen.iter().any(|s| s.is_number() && !known.contains(&s.cell.column)) {
            return None;
        }
        let holds = seen.iter().any(|s| {
            band.figures.contains(&s.cell.column)
                && (s.is_number() || s.kind == Kind::Mark && s.span.left == s.span.right)
        });
        if holds {
            body.push(*row);
            reached.insert(*row);
        } else if seen.iter().any(|s| s.cell.column < left) {
            labelled.push(*row);
        }
    }
    // A table without any figure has the lines of the lead.
    if body.is_empty() {
        body = band.body.iter().copied().filter(|row| !sheet.row(*row).is_empty()).collect();
        labelled.retain(|row| !body.contains(row));
    }
    let (first, last) = (*body.first()?, *body.last()?);
    labelled.retain(|row| (first..last).contains(row));
    let filled = |label: &LabelColumn| {
        let covered = body.iter().filter(|row| sheet.covering(**row, label.column).is_some());
        LabelColumn { filled: covered.count(), ..label.clone() }
    };
    let labels = band.labels.iter().map(filled).collect();
    let first = first.min(band.first);
    Some(Band { first, last, body, labelled, labels, ..band.clone() })
}
