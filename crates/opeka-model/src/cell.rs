//! The name of a cell: source file, sheet, address.

use std::fmt;

/// Names one cell of one source: `dfe/2026-11-22/panel.xlsx#1 Looked after!D17`.
///
/// Formats without sheets leave the sheet out: `dfe/2026-11-22/population.csv#R17C12`, where `R`
/// is the line of the file on which the record starts and `C` the column, both from 1. Formats of
/// nested parts name the place by a path: `emiss/33459.xml#/GenericData/DataSet/Series[1]/Obs[1]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellRef {
    /// Path below `datasets/sources`, with forward slashes.
    pub source: String,
    /// Name of the sheet, where the format has sheets.
    pub sheet: Option<String>,
    /// A1 address, `R<line>C<column>`, or a path: an XPath, or a JSONPath.
    pub cell: String,
}

impl fmt::Display for CellRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}#{}!{}", self.source, sheet, self.cell),
            None => write!(f, "{}#{}", self.source, self.cell),
        }
    }
}

impl CellRef {
    /// Reads what [`fmt::Display`] wrote. A sheet's name may itself contain `!` or `#`: the source
    /// ends at the first `#`, an address starts after the last `!`. A path may contain `!` too, within
    /// its quotes: it starts where a path can, and with no sheet before it at the very beginning.
    pub fn parse(text: &str) -> Option<Self> {
        let (source, rest) = text.split_once('#')?;
        let at_last = || rest.rsplit_once('!');
        let before_path = || {
            let mut marks = rest.match_indices('!').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
            marks.find(|(_, cell)| is_path(cell))
        };
        let split = match at_last().filter(|(_, cell)| is_address(cell)) {
            None if is_path(rest) => None,
            None => before_path().or_else(at_last),
            found => found,
        };
        let (sheet, cell) = match split {
            Some((sheet, cell)) => (Some(sheet.to_owned()), cell),
            None => (None, rest),
        };
        (!source.is_empty() && !cell.is_empty()).then(|| Self {
            source: source.to_owned(),
            sheet,
            cell: cell.to_owned(),
        })
    }
}

/// Whether a cell's name begins as an XPath or a JSONPath does, or as what is said of one: its name.
fn is_path(cell: &str) -> bool {
    let place = cell.strip_prefix("name of ").unwrap_or(cell);
    let place = place.strip_prefix("name(").unwrap_or(place).trim_start_matches('(');
    ["/", "$[", "$."].iter().any(|beginning| place.starts_with(beginning))
}

/// Whether a cell's name is an A1 address, or `R<line>C<column>`. The end of a path never is: its
/// quotes are closed.
fn is_address(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let of_line = || {
        let (line, column) = cell.strip_prefix('R')?.split_once('C')?;
        // `R2C1.3` is the third code of a packed column.
        Some(digits(line) && column.split('.').all(digits))
    };
    parse_a1(cell).is_some() || of_line().unwrap_or(false)
}

/// The A1 address of a cell; row and column count from 0.
pub fn a1(row: u32, column: u32) -> String {
    format!("{}{}", a1_column(column), u64::from(row) + 1)
}

/// The letters of a column; columns count from 0.
pub fn a1_column(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        let digit = (rest - 1) % 26;
        letters.push(char::from(b'A' + digit as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Row and column, from 0, of an A1 address.
pub fn parse_a1(address: &str) -> Option<(u32, u32)> {
    let split = address.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = address.split_at(split);
    if letters.is_empty() || letters.len() > 3 || !letters.chars().all(|c| c.is_ascii_uppercase()) {
        return None;
    }
    let column = letters.bytes().fold(0u32, |sum, b| sum * 26 + u32::from(b - b'A') + 1);
    let row: u32 = digits.parse().ok()?;
    Some((row.checked_sub(1)?, column - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways() {
        for (row, column, address) in
            [(0, 0, "A1"), (16, 25, "Z17"), (0, 26, "AA1"), (9, 701, "ZZ10"), (0, 16383, "XFD1")]
        {
            assert_eq!(a1(row, column), address);
            assert_eq!(parse_a1(address), Some((row, column)));
        }
        for wrong in ["", "A0", "1A", "a1", "ABCD1", "A", "A1B"] {
            assert_eq!(parse_a1(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_reference_survives_a_sheet_name_with_marks_in_it() {
        let cell = CellRef {
            source: "dfe/2026-11-22/t.xlsx".into(),
            sheet: Some("what! #1".into()),
            cell: "D17".into(),
        };
        assert_eq!(CellRef::parse(&cell.to_string()), Some(cell));
        let flat = CellRef { source: "ons/p.csv".into(), sheet: None, cell: "R2C12".into() };
        assert_eq!(CellRef::parse(&flat.to_string()), Some(flat));
        assert_eq!(CellRef::parse("no hash"), None);
    }

    #[test]
    fn a_path_may_contain_the_mark_of_a_sheet() {
        for (sheet, cell) in [
            (None, "/DataSet/Series[1]/SeriesKey/Value[@id='a!b']/@value"),
            (None, "/CodeList/Code[@value='what!/else']/Name"),
            (None, "$['data']['what!']['A1'][0]"),
            (None, "$[0]['a!B7']"),
            (None, "$['value'] of $['a!$[0]']"),
            (None, "name(/CodeList/Code[@value='a!b'])"),
            (None, "name of $['a!b']"),
            (Some("structure"), "/Structure/CodeList/Code[@value='a!b']"),
            (Some("dataset 2"), "$['value']['a!B7']"),
            (Some("dataset 2"), "$['value'][17]"),
            (Some("codes!"), "$['a']"),
            (Some("$.5 and more"), "B7"),
            (Some("/ or !"), "R2C1.3"),
            (Some("metadata"), "value of R3C1"),
        ] {
            let (sheet, cell) = (sheet.map(str::to_owned), cell.to_owned());
            let written = CellRef { source: "a/b.x".into(), sheet, cell };
            assert_eq!(CellRef::parse(&written.to_string()), Some(written));
        }
    }
}
