//! Eurostat's tab-separated values: the dimensions are packed into the first column, and its header
//! names those of the rows and, after a backslash, that of the columns.

use std::sync::Arc;

use opeka_model::Problem;

use super::decode::decode;
use super::flat::{Pool, refuse_line, room};
use crate::grid::{Cell, Grid, Paths, Value};

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = decode(source, bytes)?;
    let (mut pool, mut cells, mut lines) = (Pool::new(), Vec::new(), Vec::new());
    let mut packed = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let row = lines.len() as u32;
        lines.push(number);
        let (first, rest) = line.split_once('\t').unwrap_or((line, ""));
        let mut column = 0;
        let mut push = |text: &str, column: u32| {
            let text = text.trim();
            if !text.is_empty() {
                cells.push(Cell::plain(row, column, Value::Text(pool.share(text))));
            }
        };
        for part in first.split(',') {
            push(part, column);
            column += 1;
        }
        // The header alone has no figures beside it: the period stands in the columns.
        if packed == 0 {
            packed = column;
        } else if column != packed {
            let message =
                format!("{column} codes in the first column, where the header has {packed}");
            return Err(refuse_line(source, number as usize, message).hint(
                "the file may be cut short: compare its size and SHA-256 with the publisher's",
            ));
        }
        for field in rest.split('\t') {
            push(field, column);
            column += 1;
        }
        room(source, cells.len() as u64, bytes.len())?;
    }
    Ok(vec![Grid::structured(None, cells, Arc::new(Packed { lines, packed }))])
}

/// `R2C1.3` is the third code of the first column of line 2.
#[derive(Debug)]
struct Packed {
    lines: Vec<u64>,
    packed: u32,
}

impl Paths for Packed {
    fn path(&self, row: u32, column: u32) -> String {
        let line = self.lines.get(row as usize).copied().unwrap_or(0);
        match column < self.packed {
            true => format!("R{line}C1.{}", column + 1),
            false => format!("R{line}C{}", column - self.packed + 2),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        let (line, column) = path.strip_prefix('R')?.split_once('C')?;
        let row = self.lines.binary_search(&line.parse().ok()?).ok()?;
        let column = match column.strip_prefix("1.") {
            Some(part) => part.parse::<u32>().ok()?.checked_sub(1).filter(|c| *c < self.packed)?,
            None => column.parse::<u32>().ok()?.checked_sub(2)?.checked_add(self.packed)?,
        };
        Some((u32::try_from(row).ok()?, column))
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;

    #[test]
    fn the_packed_column_becomes_columns_of_its_own() {
        let text =
            "freq,unit,geo\\TIME_PERIOD\t2011 \t2012 \nA,NR,AL01\t12.3 b\t: \n\nA,NR,AL02\t\t4\n";
        let workbook = open("a.tsv", text.as_bytes()).unwrap();
        let grid = workbook.sheet(None).unwrap();
        let row = |row| grid.row(row).iter().map(|cell| cell.text()).collect::<Vec<_>>();
        assert_eq!(row(0), ["freq", "unit", "geo\\TIME_PERIOD", "2011", "2012"]);
        assert_eq!(row(1), ["A", "NR", "AL01", "12.3 b", ":"]);
        assert_eq!(row(2), ["A", "NR", "AL02", "4"]);
        assert_eq!((grid.address(1, 2), grid.address(2, 4)), ("R2C1.3".into(), "R4C3".into()));
        for cell in grid.cells() {
            assert_eq!(grid.at(&grid.address(cell.row, cell.column)), Some(cell));
        }
        assert!(grid.at("R2C1.9").is_none() && grid.at("R3C2").is_none());
        let cut = open("a.tsv", b"freq,geo\\TIME_PERIOD\t2011\nA\t1\n").unwrap_err();
        assert!(cut.message.contains("1 codes"), "{cut}");
    }
}
