//! Text with separators: encoding and separator are found from the bytes.

use opeka_model::{Kind, Place, Problem};

use crate::grid::{Cell, Grid};

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Grid, Problem> {
    let wide = matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    if let Some(at) = bytes.iter().position(|byte| *byte == 0).filter(|_| !wide) {
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let place = Place::Text { file: source.to_owned(), line, column: None };
        return Err(Problem::error(Kind::Data, place, "a NUL byte in what should be text")
            .hint("the file is binary or damaged; fetch it again from its publisher"));
    }
    let text = decode(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&text))
        .from_reader(text.as_bytes());
    let (mut cells, mut lines) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    let mut line_breaks = LineBreaks { text: text.as_bytes(), at: 0, line: 1 };
    loop {
        let read = reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(1, |position| position.line() as usize);
            let place = Place::Text { file: source.to_owned(), line, column: None };
            Problem::error(Kind::Data, place, format!("cannot be read as separated text: {error}"))
        })?;
        if !read {
            break;
        }
        let row = lines.len() as u32;
        let start = record.position().map_or(0, |position| position.byte() as usize);
        lines.push(line_breaks.line_at(start));
        for (column, field) in record.iter().enumerate() {
            if !field.trim().is_empty() {
                cells.push(Cell::of_text(row, column as u32, field));
            }
        }
    }
    // A quote that is never closed swallows the rest of the file into one field.
    let last = lines.last().map_or(0, |line| *line as usize);
    let rest = text.lines().skip(last.saturating_sub(1));
    let quotes: usize = rest.clone().map(|line| line.matches('"').count()).sum();
    if quotes % 2 == 1 && rest.count() > 1 {
        let place = Place::Text { file: source.to_owned(), line: last, column: None };
        return Err(Problem::error(Kind::Data, place, "a quote opens here and is never closed")
            .hint("the file may be cut short: compare its size and SHA-256 with the publisher's"));
    }
    Ok(Grid::table(cells, lines))
}

/// Counts lines as an editor does. The reader's own count starts a record that follows CRLF on
/// the line before.
struct LineBreaks<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl LineBreaks<'_> {
    /// The line, from 1, of the record that starts at an offset, after any line breaks; offsets
    /// only grow.
    fn line_at(&mut self, start: usize) -> u64 {
        while let Some(byte) = self.text.get(self.at) {
            let breaks = matches!(byte, b'\r' | b'\n');
            if self.at >= start && !breaks {
                break;
            }
            let pair = *byte == b'\r' && self.text.get(self.at + 1) == Some(&b'\n');
            self.line += u64::from(breaks && !pair);
            self.at += 1;
        }
        self.line
    }
}

/// UTF-8 where the bytes are UTF-8 (a byte-order mark decides at once), otherwise the most likely
/// of the older encodings.
fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, skip)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[skip..]).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector
        .guess(None, chardetng::Utf8Detection::Deny)
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

/// The separator that occurs, outside quotes, equally often in the most of the first lines.
fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(50).collect();
    let count = |line: &str, separator: char| {
        let mut quoted = false;
        let counted = line.chars().filter(|c| {
            quoted ^= *c == '"';
            !quoted && *c == separator
        });
        counted.count()
    };
    let score = |separator: char| {
        let counts: Vec<usize> = lines.iter().map(|line| count(line, separator)).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let usual = (1..=most).max_by_key(|n| (counts.iter().filter(|c| *c == n).count(), *n));
        usual.map_or((0, 0), |n| (counts.iter().filter(|c| **c == n).count(), n))
    };
    // The comma comes last so that it wins a draw (`max_by_key` keeps the last of equals).
    ['|', '\t', ';', ','].into_iter().max_by_key(|separator| score(*separator)).unwrap_or(',') as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_and_separators_are_found() {
        let cases: [(&[u8], &str); 5] = [
            (b"\xEF\xBB\xBFarea,value\nA,\"1,5\"\n", "1,5"),
            (b"area;value\r\nA;1,5\r\n", "1,5"),
            (b"area\tvalue\nA\t7\n", "7"),
            (b"\xFF\xFEa\0\t\0v\0\n\0A\0\t\08\0\n\0", "8"),
            // «Область» in windows-1251.
            (b"\xCE\xE1\xEB\xE0\xF1\xF2\xFC;value\n\xCF\xF1\xEA\xEE\xE2\xF1\xEA\xE0\xFF;3\n", "3"),
        ];
        for (bytes, value) in cases {
            let grid = read("t.csv", bytes).unwrap();
            assert_eq!(grid.get(1, 1).unwrap().text(), value);
        }
        let grid = read("t.csv", cases[4].0).unwrap();
        assert_eq!(grid.get(0, 0).unwrap().text(), "Область");
    }

    #[test]
    fn a_record_over_two_lines_keeps_the_line_it_starts_on() {
        let grid = read("t.csv", b"a,b\n\"x\ny\",1\nz,2\n").unwrap();
        assert_eq!(grid.address(2, 1), "R4C2");
        assert_eq!(grid.at("R4C2").unwrap().text(), "2");
        for text in ["a,b\r\n\"x\r\ny\",1\r\n\r\nz,2\r\n", "a,b\r\"x\ry\",1\r\rz,2"] {
            let grid = read("t.csv", text.as_bytes()).unwrap();
            let rows = [0, 1, 2].map(|row| grid.address(row, 1));
            assert_eq!(rows, ["R1C2", "R2C2", "R5C2"], "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_a_problem_with_its_line() {
        let problem = read("t.csv", b"a,b\nx,1\n\"y,2\nz,3\n").unwrap_err();
        assert_eq!(problem.place, Place::Text { file: "t.csv".into(), line: 3, column: None });
        // An inch within a field opens nothing.
        assert_eq!(read("t.csv", b"a,b\n5\",1\nz,3\n").unwrap().cells().len(), 6);
    }

    #[test]
    fn a_nul_byte_is_a_problem_with_its_line() {
        let problem = read("t.csv", b"a,b\n1,\x002\n").unwrap_err();
        assert_eq!(problem.place, Place::Text { file: "t.csv".into(), line: 2, column: None });
    }
}
