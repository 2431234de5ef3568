//! What the parts of a binary Office workbook say beside the values: merged ranges, superscript
//! runs and looks. Names of records are those of MS-XLSB.

use std::collections::HashMap;

use super::binary::{Font, Styles, split_formatted, u16_at, u32_at};
use super::limits::{Archive, COLUMNS, ROWS};
use super::superscript::Split;
use super::workbook::Unreadable;
use super::xlsx_parts::written;
use crate::grid::{Look, Span};

const ROW_HEADER: u16 = 0;
const FIRST_CELL: u16 = 2;
const SHARED_CELL: u16 = 7;
const LAST_CELL: u16 = 11;
const STRING: u16 = 19;
const FONT: u16 = 43;
const NUMBER_FORMAT: u16 = 44;
const FORMAT: u16 = 47;
const SHEET: u16 = 156;
const MERGED: u16 = 176;
const BEGIN_CELL_FORMATS: u16 = 617;
const END_CELL_FORMATS: u16 = 618;

/// What a sheet says beside its values.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) merged: Vec<Span>,
    pub(super) cells: HashMap<(u32, u32), (Look, Option<Split>)>,
}

/// The same of each sheet, by its name.
pub(super) fn beside(archive: &mut Archive) -> Result<HashMap<String, Beside>, Unreadable> {
    let mut targets = HashMap::new();
    archive.scan("xl/_rels/workbook.bin.rels", |_, tag| {
        let target = tag.attribute(b"Target").and_then(written);
        if let (Some(id), Some(target)) = (tag.attribute(b"Id").and_then(written), target) {
            let path = match target.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("xl/{target}"),
            };
            targets.insert(id, path);
        }
        Ok(())
    })?;
    let styles = styles(&archive.whole("xl/styles.bin")?.unwrap_or_default());
    let font = |number: u16| styles.fonts.get(usize::from(number)).copied().unwrap_or_default();
    let strings = archive.whole("xl/sharedStrings.bin")?.unwrap_or_default();
    let strings = raised(&strings, font);
    let looks: Vec<Look> = (0..styles.formats.len()).map(|at| styles.look(at, font)).collect();
    let workbook = archive.whole("xl/workbook.bin")?.unwrap_or_default();
    let mut found = HashMap::new();
    for (_, data) in Records(&workbook).filter(|(kind, _)| *kind == SHEET) {
        let Some((id, rest)) = wide(data.get(8..).unwrap_or_default()) else { continue };
        let Some((name, _)) = wide(rest) else { continue };
        let Some(path) = targets.get(&String::from_utf16_lossy(&id)) else { continue };
        let sheet = archive.whole(path)?.unwrap_or_default();
        found.insert(String::from_utf16_lossy(&name), of_sheet(&sheet, &looks, &strings));
    }
    Ok(found)
}

fn styles(part: &[u8]) -> Styles {
    let (mut styles, mut of_cells) = (Styles::default(), false);
    for (kind, data) in Records(part) {
        match kind {
            FONT => {
                let (weight, escapement) = (u16_at(data, 4), u16_at(data, 6));
                let font = Font::new(weight.unwrap_or(400), escapement.unwrap_or(0));
                styles.fonts.push(font);
            }
            NUMBER_FORMAT => {
                let code = data.get(2..).and_then(wide);
                if let (Some(number), Some((code, _))) = (u16_at(data, 0), code) {
                    styles.number_format(number, &String::from_utf16_lossy(&code));
                }
            }
            BEGIN_CELL_FORMATS => of_cells = true,
            END_CELL_FORMATS => of_cells = false,
            FORMAT if of_cells => {
                let (shown, font) = (u16_at(data, 2).unwrap_or(0), u16_at(data, 4).unwrap_or(0));
                styles.formats.push((font, shown, data.get(11).copied().unwrap_or(0)));
            }
            _ => (),
        }
    }
    styles
}

/// The shared strings that end in a superscript run, by their number.
fn raised(part: &[u8], font: impl Fn(u16) -> Font) -> HashMap<u32, Split> {
    let strings = Records(part).filter(|(kind, _)| *kind == STRING);
    let split = |data: &[u8]| -> Option<Split> {
        if data.first()? & 1 == 0 {
            return None;
        }
        let (units, rest) = wide(&data[1..])?;
        let count = u32_at(rest, 0)? as usize;
        let runs = rest[4..].chunks_exact(4).take(count);
        let runs: Option<Vec<_>> =
            runs.map(|run| Some((u16_at(run, 0)?, u16_at(run, 2)?))).collect();
        split_formatted(&units, &runs?, &font)
    };
    (0u32..).zip(strings).filter_map(|(index, (_, data))| Some((index, split(data)?))).collect()
}

fn of_sheet(part: &[u8], looks: &[Look], strings: &HashMap<u32, Split>) -> Beside {
    let (mut beside, mut row) = (Beside::default(), 0);
    for (kind, data) in Records(part) {
        match kind {
            ROW_HEADER => row = u32_at(data, 0).unwrap_or(row),
            FIRST_CELL..=LAST_CELL => {
                let (Some(column), Some(format)) = (u32_at(data, 0), u32_at(data, 4)) else {
                    continue;
                };
                let look = looks.get((format & 0x00FF_FFFF) as usize).copied().unwrap_or_default();
                let split = match kind {
                    SHARED_CELL => u32_at(data, 8).and_then(|index| strings.get(&index)),
                    _ => None,
                };
                if look != Look::default() || split.is_some() {
                    beside.cells.insert((row, column), (look, split.cloned()));
                }
            }
            MERGED => {
                let bounds = [0, 4, 8, 12].map(|at| u32_at(data, at));
                if let [Some(top), Some(bottom), Some(left), Some(right)] = bounds
                    && top <= bottom
                    && left <= right
                    && bottom < ROWS
                    && right < COLUMNS
                {
                    beside.merged.push(Span { top, left, bottom, right });
                }
            }
            _ => (),
        }
    }
    beside
}

/// A text with its length in 32 bits, and what follows it.
fn wide(data: &[u8]) -> Option<(Vec<u16>, &[u8])> {
    let length = u32_at(data, 0)? as usize;
    let (text, rest) = data[4..].split_at_checked(length.checked_mul(2)?)?;
    let units = text.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    Some((units.collect(), rest))
}

/// The records of a part: a kind of one or two bytes, a length of one to four, and the data.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut byte = || {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            Some(*first)
        };
        let mut kind = u16::from(byte()?);
        if kind & 0x80 != 0 {
            kind = kind & 0x7F | u16::from(byte()? & 0x7F) << 7;
        }
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let part = byte()?;
            length |= usize::from(part & 0x7F) << shift;
            if part & 0x80 == 0 {
                break;
            }
        }
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as it is written.
    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = match kind {
            0..128 => vec![kind as u8],
            _ => vec![kind as u8 | 0x80, (kind >> 7) as u8],
        };
        assert!(data.len() < 1 << 14);
        bytes.extend([data.len() as u8 & 0x7F | 0x80, (data.len() >> 7) as u8]);
        bytes.extend(data);
        bytes
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn halves(halves: &[u16]) -> Vec<u8> {
        halves.iter().flat_map(|half| half.to_le_bytes()).collect()
    }

    #[test]
    fn marks_looks_and_merged_ranges_are_found() {
        let plain = record(FONT, &halves(&[220, 0, 400, 0]));
        let (bold, raised) = (halves(&[220, 0, 700, 0]), halves(&[220, 0, 400, 1]));
        let format = |font: u16, shown: u16, indent: u8| {
            let mut data = halves(&[0, shown, font, 0, 0]);
            data.extend([0, indent, 0, 0]);
            record(FORMAT, &data)
        };
        let part = [
            plain,
            record(FONT, &bold),
            record(FONT, &raised),
            // Formats of styles do not count among those of cells.
            format(1, 0, 9),
            record(BEGIN_CELL_FORMATS, &[]),
            format(0, 0, 0),
            format(1, 9, 2),
            record(END_CELL_FORMATS, &[]),
        ];
        let styles = styles(&part.concat());
        let font = |number: u16| styles.fonts[usize::from(number)];
        let looks: Vec<Look> = (0..2).map(|at| styles.look(at, font)).collect();
        assert_eq!(looks, [Look::default(), Look { bold: true, indent: 2, percent: true }]);
        let text: Vec<u8> =
            [words(&[5]), halves(&"12345".encode_utf16().collect::<Vec<_>>())].concat();
        let runs = [words(&[2]), halves(&[0, 0, 4, 2])].concat();
        let strings = [
            record(STRING, &[&[0][..], &text].concat()),
            record(STRING, &[&[1][..], &text, &runs].concat()),
        ];
        let strings = raised_of(&strings.concat(), &styles);
        let sheet = [
            record(ROW_HEADER, &words(&[7])),
            record(SHARED_CELL, &words(&[3, 0, 0])),
            record(SHARED_CELL, &words(&[4, 1, 1])),
            record(MERGED, &words(&[1, 2, 3, 5])),
            record(MERGED, &words(&[1, u32::MAX, 3, 5])),
        ];
        let found = of_sheet(&sheet.concat(), &looks, &strings);
        assert_eq!(found.merged, [Span { top: 1, left: 3, bottom: 2, right: 5 }]);
        assert_eq!(found.cells.len(), 1);
        let (look, split) = &found.cells[&(7, 4)];
        assert_eq!((*look, split.as_ref().unwrap()), (looks[1], &strings[&1]));
        assert_eq!((&*strings[&1].base, &*strings[&1].mark), ("1234", "5"));
    }

    fn raised_of(part: &[u8], styles: &Styles) -> HashMap<u32, Split> {
        raised(part, |number| styles.fonts[usize::from(number)])
    }
}
