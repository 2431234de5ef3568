//! Which sheets share a layout, and what bounds the tables that stand below one another.

use std::collections::BTreeSet;

use regex::Regex;

use super::anchors::{On, pattern};
use super::bands::Band;
use super::refine::Bounds;
use super::sheet::Sheet;
use crate::codelist::normalise;

/// A sheet and its tables.
pub(super) struct Layout<'a> {
    pub(super) sheet: &'a Sheet<'a>,
    pub(super) bands: Vec<Band>,
}

/// What is alike in tables of one layout: the texts of their headings, numbers aside, and where labels
/// and figures begin.
pub(super) fn signature(sheet: &Sheet, band: &Band) -> String {
    let mut texts: Vec<String> = Vec::new();
    for row in &band.headings {
        let over = |s: &&super::sheet::Seen| band.figures.iter().any(|c| s.span.has_column(*c));
        let cells: Vec<String> =
            sheet.row(*row).iter().filter(over).map(|s| s.cell.text()).collect();
        let distinct: BTreeSet<&String> = cells.iter().collect();
        // Column numbers stand on some sheets of a layout and not on others.
        if sheet.row(*row).iter().all(|s| s.is_number() && !s.is_year()) {
            continue;
        }
        if distinct.len() > 1 || band.figures.len() == 1 {
            texts.extend(cells);
        }
    }
    let digits = |text: &str| -> String {
        normalise(text).chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    };
    let texts: Vec<String> = texts.iter().map(|text| digits(text)).collect();
    let left = band.figures.first().copied().unwrap_or(0);
    let labels: Vec<String> = band
        .labels
        .iter()
        .filter(|label| label.column < left)
        .map(|label| label.column.to_string())
        .collect();
    format!("{}|{left}|{}", labels.join(","), texts.join("\u{1f}"))
}

/// Sheets of one layout together, in the order of their first.
pub(super) fn groups(layouts: &[Layout]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<String>, Vec<usize>)> = Vec::new();
    for (index, layout) in layouts.iter().enumerate() {
        if layout.bands.is_empty() {
            continue;
        }
        let of = |band: &Band| signature(layout.sheet, band);
        let signatures: Vec<String> = layout.bands.iter().map(of).collect();
        match groups.iter_mut().find(|(known, _)| *known == signatures) {
            Some((_, sheets)) => sheets.push(index),
            None => groups.push((signatures, vec![index])),
        }
    }
    groups.into_iter().map(|(_, sheets)| sheets).collect()
}

/// The beginning of a text that a recipe may cite.
fn beginning(text: &str) -> String {
    let end = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    text[..end].trim_end().to_owned()
}

/// The first row, from one on, with a cell that starts so.
fn row_starting(sheet: &Sheet, text: &str, from: u32) -> Option<u32> {
    let wanted = normalise(text);
    let cells = sheet.grid.rows(from, u32::MAX);
    cells.iter().find(|cell| normalise(&cell.text()).starts_with(&wanted)).map(|cell| cell.row)
}

/// Texts of some rows, without numbers, the leftmost of each row first.
fn texts(sheet: &Sheet, from: u32, to: u32, most: usize) -> Vec<String> {
    let rows = sheet.rows.range(from..to).take(most);
    let cells = rows.flat_map(|(_, seen)| seen.iter().filter(|s| !s.is_number()).take(3));
    let texts = cells.map(|s| beginning(&s.cell.text()));
    texts.filter(|text| text.chars().count() > 1).collect()
}

/// What bounds one of several tables, on each of its sheets, and its rows there.
pub(super) fn bounds<'a>(
    layouts: &[&'a Layout<'a>],
    index: usize,
) -> Result<(Bounds, Vec<(u32, u32)>), String> {
    let lead = layouts[0];
    let band = &lead.bands[index];
    let mut found = Bounds::default();
    let mut from: Vec<u32> = vec![0; layouts.len()];
    if index > 0 {
        let starts = texts(lead.sheet, band.top, band.first, 12).into_iter().find_map(|text| {
            let rows: Option<Vec<u32>> = layouts
                .iter()
                .map(|layout| {
                    let band = &layout.bands[index];
                    let row = row_starting(layout.sheet, &text, 0)?;
                    (band.top..band.first).contains(&row).then_some(row)
                })
                .collect();
            Some((text, rows?))
        });
        let Some((text, rows)) = starts else {
            return Err("no text that stands once says where this table begins".into());
        };
        found.after = Some(text);
        from = rows;
    }
    let mut to: Vec<u32> = vec![u32::MAX; layouts.len()];
    let ends = texts(lead.sheet, band.last + 1, u32::MAX, 12).into_iter().find_map(|text| {
        let rows: Option<Vec<u32>> = layouts
            .iter()
            .zip(&from)
            .map(|(layout, from)| {
                let band = &layout.bands[index];
                let row = row_starting(layout.sheet, &text, *from)?;
                let next = layout.bands.get(index + 1).map_or(u32::MAX, |next| next.first);
                (row > band.last && row < next).then_some(row)
            })
            .collect();
        Some((text, rows?))
    });
    match ends {
        Some((text, rows)) => {
            found.until = Some(text);
            to = rows;
        }
        None if layouts.iter().any(|layout| index + 1 < layout.bands.len()) => {
            return Err("no text says where this table ends and the next begins".into());
        }
        None => {}
    }
    Ok((found, from.into_iter().zip(to).collect()))
}

/// The tables of a sheet as blocks of one table, where they are alike: what each block begins with,
/// and the rows of each.
pub(super) fn blocks(layout: &Layout) -> Option<(Bounds, Vec<(u32, u32)>)> {
    let bands = &layout.bands;
    let first = signature(layout.sheet, bands.first()?);
    if bands.len() < 2 || bands.iter().any(|band| signature(layout.sheet, band) != first) {
        return None;
    }
    for place in 0..4 {
        let starts: Option<Vec<(u32, String)>> = bands
            .iter()
            .map(|band| {
                let mut rows = layout.sheet.rows.range(band.top..band.first).rev();
                let (row, seen) = rows.nth(place)?;
                let text = seen.iter().find(|s| !s.is_number())?.cell.text();
                Some((*row, text))
            })
            .collect();
        let Some(starts) = starts else { continue };
        let texts: Vec<String> = starts.iter().map(|(_, text)| text.clone()).collect();
        let same = texts.iter().all(|text| normalise(text) == normalise(&texts[0]));
        let begins = if same { Ok(texts[0].clone()) } else { Err(pattern(&texts)?) };
        let regex = begins.as_ref().err().and_then(|m| Regex::new(&format!("^(?:{m})$")).ok());
        let found: Vec<u32> = layout
            .sheet
            .grid
            .cells()
            .iter()
            .filter(|cell| match (&begins, &regex) {
                (Ok(text), _) => normalise(&cell.text()) == normalise(text),
                (Err(_), Some(regex)) => regex.is_match(&cell.text()),
                (Err(_), None) => false,
            })
            .map(|cell| cell.row)
            .collect();
        let rows: Vec<u32> = starts.iter().map(|(row, _)| *row).collect();
        if found != rows {
            continue;
        }
        let ends = rows.iter().skip(1).copied().chain([u32::MAX]);
        let ranges: Vec<(u32, u32)> = rows.iter().copied().zip(ends).collect();
        let mut bounds = Bounds { blocks: Some(begins), ..Bounds::default() };
        let last = bands.last()?.last;
        let until = self::texts(layout.sheet, last + 1, u32::MAX, 12)
            .into_iter()
            .find(|text| row_starting(layout.sheet, text, rows[0]).is_some_and(|row| row > last));
        let mut ranges = ranges;
        if let Some(until) = until {
            if let (Some(row), Some(range)) =
                (row_starting(layout.sheet, &until, rows[0]), ranges.last_mut())
            {
                range.1 = row;
            }
            bounds.until = Some(until);
        }
        return Some((bounds, ranges));
    }
    None
}

/// The tables of one frame.
pub(super) fn on<'a>(
    layouts: &[&'a Layout<'a>],
    index: usize,
    ranges: &[(u32, u32)],
) -> Vec<On<'a>> {
    let pairs = layouts.iter().zip(ranges);
    pairs
        .map(|(layout, range)| On::new(layout.sheet, &layout.bands[index], *range, false))
        .collect()
}
