//! Numbers within binary records, and what the binary formats share of fonts and formats.

use super::superscript::{Split, split_runs};
use super::workbook::shows_percent;
use crate::grid::Look;

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A font, as far as it says something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Font {
    pub(super) bold: bool,
    pub(super) raised: bool,
}

impl Font {
    /// A font by its weight and its escapement, which is 1 for superscript.
    pub(super) fn new(weight: u16, escapement: u16) -> Self {
        Self { bold: weight >= 600, raised: escapement == 1 }
    }
}

/// Fonts, number formats, and the formats of cells that name both.
#[derive(Debug, Default)]
pub(super) struct Styles {
    pub(super) fonts: Vec<Font>,
    /// Numbers of the formats that show per cent, beside 9 and 10.
    percentages: Vec<u16>,
    /// For each format of cells: its font, its number format and its indentation.
    pub(super) formats: Vec<(u16, u16, u8)>,
}

impl Styles {
    pub(super) fn number_format(&mut self, number: u16, code: &str) {
        if shows_percent(code) {
            self.percentages.push(number);
        }
    }

    /// The looks of a cell format; `font` finds a font by its number.
    pub(super) fn look(&self, format: usize, font: impl Fn(u16) -> Font) -> Look {
        let Some(&(number, shown, indent)) = self.formats.get(format) else {
            return Look::default();
        };
        let percent = matches!(shown, 9 | 10) || self.percentages.contains(&shown);
        Look { bold: font(number).bold, indent, percent }
    }
}

/// Splits a text of formatting runs: each begins at a unit of UTF-16 and has a font.
pub(super) fn split_formatted(
    units: &[u16],
    runs: &[(u16, u16)],
    font: impl Fn(u16) -> Font,
) -> Option<Split> {
    if !runs.iter().any(|(_, number)| font(*number).raised) {
        return None;
    }
    let mut parts = Vec::with_capacity(runs.len() + 1);
    let (mut from, mut raised) = (0, false);
    for (start, number) in runs {
        let start = usize::from(*start).clamp(from, units.len());
        parts.push((raised, String::from_utf16_lossy(&units[from..start])));
        (from, raised) = (start, font(*number).raised);
    }
    parts.push((raised, String::from_utf16_lossy(&units[from..])));
    split_runs(&parts)
}
