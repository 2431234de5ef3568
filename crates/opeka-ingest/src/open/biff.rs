//! What the records of a BIFF8 workbook say beside the values: superscript runs and looks.
//!
//! Names of records and fields are those of MS-XLS. What cannot be followed is passed over: the
//! values come from another reader, which tells of damage.

use std::collections::HashMap;

use super::binary::{Font, Styles, split_formatted, u16_at, u32_at};
use super::limits::{MOST_PLACES, Refused};
use super::superscript::Split;
use crate::grid::Look;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const BOUND_SHEET: u16 = 0x0085;
const CONTINUE: u16 = 0x003C;
const DIMENSIONS: u16 = 0x0200;
const FILE_PASS: u16 = 0x002F;
const FONT: u16 = 0x0031;
const FORMAT: u16 = 0x041E;
const LABEL_SST: u16 = 0x00FD;
const MUL_RK: u16 = 0x00BD;
const SST: u16 = 0x00FC;
const XF: u16 = 0x00E0;
/// Blank cells have looks and nothing else.
const OTHER_CELLS: [u16; 6] = [0x0203, 0x027E, 0x0204, 0x0205, 0x0006, 0x00D6];
/// Rows of the format.
const ROWS: u32 = 65_536;

/// What is said of the cells of one sheet, where it is not plain.
pub(super) type Beside = HashMap<(u32, u32), (Look, Option<Split>)>;

/// What is said of each sheet, in the order of the sheets.
///
/// # Errors
/// Where the values would take more memory than a file may.
pub(super) fn beside(stream: &[u8]) -> Result<Vec<Beside>, Refused> {
    let (mut styles, mut sheets, mut strings) = (Styles::default(), Vec::new(), HashMap::new());
    let mut rich = Vec::new();
    let newest = u16_at(stream, 4) == Some(0x0600);
    let mut records = Records { stream, at: 0 };
    while let Some((kind, data)) = records.next() {
        match kind {
            EOF => break,
            // What follows is encrypted, and the reader of the values says so.
            FILE_PASS => return Ok(Vec::new()),
            BOUND_SHEET => sheets.extend(u32_at(data, 0)),
            FONT => {
                let (weight, escapement) = (u16_at(data, 6), u16_at(data, 8));
                let font = Font::new(weight.unwrap_or(400), escapement.unwrap_or(0));
                styles.fonts.push(font);
            }
            FORMAT if newest => {
                if let (Some(number), Some(code)) = (u16_at(data, 0), data.get(2..).and_then(text))
                {
                    styles.number_format(number, &code);
                }
            }
            XF => {
                let (font, shown) = (u16_at(data, 0), u16_at(data, 2));
                let indent = if newest { data.get(8).map_or(0, |byte| byte & 0x0F) } else { 0 };
                styles.formats.push((font.unwrap_or(0), shown.unwrap_or(0), indent));
            }
            SST if newest => {
                let mut parts = vec![data];
                while let Some(part) = records.next_if(CONTINUE) {
                    parts.push(part);
                }
                rich = Parts { parts, part: 0, at: 8 }.rich_strings();
            }
            _ => (),
        }
    }
    // The fonts may stand after the strings.
    let font = |number: u16| numbered(&styles.fonts, number);
    for (index, (units, runs)) in rich {
        if let Some(split) = split_formatted(&units, &runs, font) {
            strings.insert(index, split);
        }
    }
    let looks: Vec<Look> = (0..styles.formats.len()).map(|at| styles.look(at, font)).collect();
    let (mut found, mut places, mut walked) = (Vec::new(), 0u64, 0usize);
    for start in sheets {
        let (sheet, end) = sheet(stream, start as usize, &looks, &strings, &mut places)?;
        found.push(sheet);
        walked += end.saturating_sub(start as usize) + 1;
        if walked > 4 * stream.len() {
            return Err(Refused("its sheets lie over each other".into()));
        }
    }
    Ok(found)
}

/// The font 4 is left out of the count.
fn numbered(fonts: &[Font], number: u16) -> Font {
    let index = usize::from(number) - usize::from(number > 4);
    fonts.get(index).copied().unwrap_or_default()
}

/// What is said of the sheet that starts at an offset, and where it ends.
fn sheet(
    stream: &[u8],
    start: usize,
    looks: &[Look],
    strings: &HashMap<u32, Split>,
    places: &mut u64,
) -> Result<(Beside, usize), Refused> {
    let (mut found, mut depth) = (Beside::new(), 0u32);
    let (mut first, mut last) = ((u32::MAX, u32::MAX), (0, 0));
    let mut records = Records { stream, at: start };
    while let Some((kind, data)) = records.next() {
        let mut cell = |column: u16, format: Option<u16>, split: Option<&Split>| {
            let Some(row) = u16_at(data, 0) else { return };
            let (row, column) = (u32::from(row), u32::from(column));
            first = (first.0.min(row), first.1.min(column));
            last = (last.0.max(row), last.1.max(column));
            let look = format.and_then(|format| looks.get(usize::from(format)));
            let look = look.copied().unwrap_or_default();
            if look != Look::default() || split.is_some() {
                found.insert((row, column), (look, split.cloned()));
            }
        };
        match kind {
            BOF => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            // The reader sets memory aside for as much as is claimed.
            DIMENSIONS if data.len() >= 14 => {
                let rows = u32_at(data, 4).unwrap_or(0);
                if rows > ROWS {
                    return Err(Refused(format!("a sheet claims {rows} rows, more than {ROWS}")));
                }
            }
            LABEL_SST => {
                if let Some(column) = u16_at(data, 2) {
                    let string = u32_at(data, 6);
                    cell(column, u16_at(data, 4), string.and_then(|at| strings.get(&at)));
                }
            }
            MUL_RK => {
                let start = u16_at(data, 2).unwrap_or(0);
                let count = data.len().saturating_sub(6) / 6;
                for index in 0..count {
                    let format = u16_at(data, 4 + index * 6);
                    cell(start.saturating_add(index as u16), format, None);
                }
            }
            _ if OTHER_CELLS.contains(&kind) => {
                if let Some(column) = u16_at(data, 2) {
                    cell(column, u16_at(data, 4), None);
                }
            }
            _ => (),
        }
    }
    // The reader lays out all places between the first cell and the last.
    if first.0 <= last.0 {
        *places += u64::from(last.0 - first.0 + 1) * u64::from(last.1 - first.1 + 1);
    }
    match *places > MOST_PLACES {
        true => {
            Err(Refused(format!("its cells spread over {places} places, more than {MOST_PLACES}")))
        }
        false => Ok((found, records.at)),
    }
}

/// The records of a stream, one after the other.
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let kind = u16_at(self.stream, self.at)?;
        let length = usize::from(u16_at(self.stream, self.at + 2)?);
        let data = self.stream.get(self.at + 4..self.at + 4 + length)?;
        self.at += 4 + length;
        Some((kind, data))
    }

    fn next_if(&mut self, kind: u16) -> Option<&'a [u8]> {
        let before = self.at;
        match self.next() {
            Some((found, data)) if found == kind => Some(data),
            _ => {
                self.at = before;
                None
            }
        }
    }
}

/// A text with its length in 16 bits and its flags.
fn text(data: &[u8]) -> Option<String> {
    let (length, flags) = (usize::from(u16_at(data, 0)?), *data.get(2)?);
    let data = &data[3..];
    if flags & 1 == 0 {
        return Some(data.get(..length)?.iter().map(|byte| char::from(*byte)).collect());
    }
    let units = data.get(..length * 2)?.chunks_exact(2);
    let units: Vec<u16> = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

/// The data of a record that goes on in others.
struct Parts<'a> {
    parts: Vec<&'a [u8]>,
    part: usize,
    at: usize,
}

/// The units of UTF-16 of a text, and its formatting runs: where each begins, and its font.
type Formatted = (Vec<u16>, Vec<(u16, u16)>);

impl Parts<'_> {
    /// The shared strings that have formatting runs, with their numbers.
    fn rich_strings(mut self) -> Vec<(u32, Formatted)> {
        let mut found = Vec::new();
        for index in 0u32.. {
            match self.string() {
                Some((_, runs)) if runs.is_empty() => (),
                Some((units, runs)) => found.push((index, (units, runs))),
                None => break,
            }
        }
        found
    }

    fn string(&mut self) -> Option<Formatted> {
        let (length, flags) = (self.u16()?, self.byte()?);
        let run_count = if flags & 8 != 0 { self.u16()? } else { 0 };
        let extended =
            if flags & 4 != 0 { u32::from(self.u16()?) | u32::from(self.u16()?) << 16 } else { 0 };
        let (mut wide, mut units) = (flags & 1 != 0, Vec::new());
        for _ in 0..length {
            if self.parts.get(self.part)?.len() == self.at {
                // Characters that go on in another record begin with how wide they are.
                wide = self.byte()? & 1 != 0;
            }
            units.push(if wide { self.u16()? } else { u16::from(self.byte()?) });
        }
        let runs = (0..run_count).map(|_| Some((self.u16()?, self.u16()?)));
        let runs = runs.collect::<Option<Vec<_>>>()?;
        for _ in 0..extended {
            self.byte()?;
        }
        Some((units, runs))
    }

    fn byte(&mut self) -> Option<u8> {
        loop {
            let part = self.parts.get(self.part)?;
            if let Some(byte) = part.get(self.at) {
                self.at += 1;
                return Some(*byte);
            }
            (self.part, self.at) = (self.part + 1, 0);
        }
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_goes_on_in_another_record_is_read_wherever_it_is_cut() {
        // Five characters, two formatting runs; then one without runs.
        let head = [5, 0, 8, 2, 0];
        let runs = [0, 0, 0, 0, 4, 0, 6, 0];
        let last = [1, 0, 0, b'a'];
        let whole = [&[0u8; 8][..], &head, b"12345", &runs, &last].concat();
        for cut in 9..whole.len() {
            let mut next = whole[cut..].to_vec();
            let characters = (14..18).contains(&cut) || cut == 13 || cut == whole.len() - 1;
            if characters {
                next.insert(0, 0);
            }
            let parts = Parts { parts: vec![&whole[..cut], &next], part: 0, at: 8 };
            let due = ("12345".encode_utf16().collect(), vec![(0, 0), (4, 6)]);
            assert_eq!(parts.rich_strings(), [(0, due)], "{cut}");
        }
    }

    #[test]
    fn nothing_is_read_from_what_is_encrypted() {
        let record = |kind: u16, data: &[u8]| {
            [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
        };
        let globals = [record(BOF, &[0, 6, 5, 0]), record(BOUND_SHEET, &[12, 0, 0, 0])].concat();
        let wild = record(DIMENSIONS, &[0xFF; 14]);
        let open = [&globals[..], &record(EOF, &[]), &wild].concat();
        assert!(beside(&open).is_ok());
        let mut wildly = open.clone();
        wildly[12] = globals.len() as u8 + 4;
        assert!(beside(&wildly).is_err());
        let closed = [&globals[..], &record(FILE_PASS, &[1, 0]), &wild].concat();
        assert!(beside(&closed).unwrap().is_empty());
    }
}
