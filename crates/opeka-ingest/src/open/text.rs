//! Text with separators: encoding and separator are found from the bytes.

use opeka_model::Problem;

use super::decode::decode;
use super::flat::{Pool, refuse, refuse_line};
use crate::grid::{Cell, Grid, Value};

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Grid, Problem> {
    let whole = decode(source, bytes)?;
    // Excel writes into the first line which separator it used.
    let (declared, skipped) = separator_line(&whole);
    let text = &whole[skipped..];
    if text.trim_start().is_empty() {
        return Err(refuse(source, "the file holds nothing but white space")
            .hint("fetch the file again from its publisher"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(declared.unwrap_or_else(|| delimiter(text)))
        .from_reader(text.as_bytes());
    let (mut cells, mut lines, mut pool) = (Vec::new(), Vec::new(), Pool::new());
    let mut record = csv::StringRecord::new();
    let first = 1 + u64::from(skipped > 0);
    let mut line_breaks = LineBreaks { text: text.as_bytes(), at: 0, line: first };
    loop {
        let read = reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(1, |position| position.line() as usize);
            refuse_line(source, line, format!("cannot be read as separated text: {error}"))
        })?;
        if !read {
            break;
        }
        let row = lines.len() as u32;
        let start = record.position().map_or(0, |position| position.byte() as usize);
        lines.push(line_breaks.line_at(start));
        for (column, field) in record.iter().enumerate() {
            // Most fields show in their first letter that they are not empty.
            let filled = field.as_bytes().first().is_some_and(u8::is_ascii_graphic);
            if filled || !field.trim_start().is_empty() {
                cells.push(Cell::plain(row, column as u32, Value::Text(pool.share(field))));
            }
        }
    }
    // A quote that is never closed swallows the rest of the file into one field.
    let last = lines.last().map_or(0, |line| *line as usize);
    let rest = &text[line_breaks.at..];
    let quotes = rest.bytes().filter(|byte| *byte == b'"').count();
    if quotes % 2 == 1 && rest.lines().nth(1).is_some() {
        return Err(refuse_line(source, last, "a quote opens here and is never closed")
            .hint("the file may be cut short: compare its size and SHA-256 with the publisher's"));
    }
    Ok(Grid::table(cells, lines))
}

/// The separator that a first line `sep=;` declares, and how long that line is.
fn separator_line(text: &str) -> (Option<u8>, usize) {
    let head = &text.as_bytes()[..text.len().min(8)];
    let (declares, rest) = head.split_at(head.len().min(4));
    match rest {
        _ if !declares.eq_ignore_ascii_case(b"sep=") => (None, 0),
        [separator, b'\r', b'\n', ..] if separator.is_ascii() => (Some(*separator), 7),
        [separator, b'\r' | b'\n', ..] if separator.is_ascii() => (Some(*separator), 6),
        _ => (None, 0),
    }
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
        let mut end = start.clamp(self.at, self.text.len());
        while matches!(self.text.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        let passed = &self.text[self.at..end];
        // Nearly every record has one break, at its end.
        self.line += match (memchr::memchr2(b'\n', b'\r', passed), passed) {
            (None, _) => 0,
            (Some(at), [.., b'\n']) if at + 1 == passed.len() => 1,
            (Some(at), [.., b'\r', b'\n']) if at + 2 == passed.len() => 1,
            _ => breaks(passed, self.text.get(end).copied()),
        };
        self.at = end;
        self.line
    }
}

/// How many line breaks there are, a return and a feed being one; `next` is the byte that follows.
fn breaks(passed: &[u8], next: Option<u8>) -> u64 {
    let feeds = passed.iter().filter(|byte| **byte == b'\n').count();
    let returns = passed.iter().filter(|byte| **byte == b'\r').count();
    let pairs = passed.windows(2).filter(|pair| *pair == b"\r\n").count()
        + usize::from(passed.last() == Some(&b'\r') && next == Some(b'\n'));
    (feeds + returns - pairs) as u64
}

/// The separator that occurs, outside quotes, equally often in the most of the first lines.
fn delimiter(text: &str) -> u8 {
    // Blank lines say nothing, and a line may be as long as the file.
    let blank = text.len() - text.trim_start().len();
    let text = &text[text[..blank].rfind('\n').map_or(0, |at| at + 1)..];
    let head = &text[..text.floor_char_boundary(1 << 16)];
    let lines: Vec<&str> = head.lines().filter(|line| !line.trim().is_empty()).take(50).collect();
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
    use opeka_model::Place;

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
    fn a_first_line_may_declare_the_separator() {
        for ending in ["\n", "\r\n", "\r"] {
            let text = format!("sep=;{ending}a,b;c{ending}1,5;2{ending}");
            let grid = read("t.csv", text.as_bytes()).unwrap();
            assert_eq!(grid.get(1, 0).unwrap().text(), "1,5", "{ending:?}");
            assert_eq!(grid.address(1, 1), "R3C2");
            assert_eq!(grid.at("R2C1").unwrap().text(), "a,b");
        }
        assert_eq!(read("t.csv", b"sep=x y\n1,2\n").unwrap().get(0, 0).unwrap().text(), "sep=x y");
    }

    #[test]
    fn white_space_only_is_no_table() {
        assert!(read("t.csv", &vec![b' '; 1 << 22]).unwrap_err().message.contains("white space"));
        let lines =
            read("t.csv", format!("{}a;b\n1;2\n", " \n".repeat(100_000)).as_bytes()).unwrap();
        assert_eq!(lines.cells().len(), 4);
    }

    #[test]
    fn lines_before_a_table_are_rows_of_their_own() {
        let text = "\u{feff}\"Data Source\",\"World Development Indicators\",\n\n\
            \"Last Updated Date\",\"2024-01-01\",\n\n\"Country Name\",\"Country Code\",\"1960\",\"1961\",\n\
            \"Aruba\",\"ABW\",\"\",\"54608\",\n";
        let grid = read("t.csv", text.as_bytes()).unwrap();
        assert_eq!(grid.at("R6C4").unwrap().text(), "54608");
        assert_eq!(grid.at("R5C1").unwrap().text(), "Country Name");
    }

    #[test]
    fn sdmx_csv_is_a_table() {
        let text = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA: Area,TIME_PERIOD,OBS_VALUE\n\
            dataflow,X:Y(1.0),I,\"A: North, east\",2020,NaN\n";
        let grid = read("t.csv", text.as_bytes()).unwrap();
        assert_eq!(grid.get(1, 3).unwrap().text(), "A: North, east");
        assert_eq!(grid.get(1, 5).unwrap().text(), "NaN");
    }

    #[test]
    fn a_nul_byte_is_a_problem_with_its_line() {
        let problem = read("t.csv", b"a,b\n1,\x002\n").unwrap_err();
        assert_eq!(problem.place, Place::Text { file: "t.csv".into(), line: 2, column: None });
    }
}
