//! Binary Office workbooks.

use std::io::Cursor;

use calamine::{Data, Xlsb, XlsbError, open_workbook_from_rs};

use super::limits::Archive;
use super::workbook::{Unreadable, damaged, named_twice, value, worksheets};
use super::xlsx::cell_of;
use crate::grid::{Grid, Look};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let _archive = Archive::open(bytes)?;
    let mut workbook: Xlsb<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsbError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let names = worksheets(&workbook);
    named_twice(&names)?;
    let mut grids = Vec::new();
    for name in names {
        let mut cells = Vec::new();
        let mut reader = workbook.worksheet_cells_reader(&name).map_err(damaged)?;
        while let Some(read) = reader.next_cell().map_err(damaged)? {
            let Some(value) = value(&Data::from(read.get_value().clone())) else { continue };
            cells.extend(cell_of(read.get_position(), value, None, Look::default()));
        }
        drop(reader);
        grids.push(Grid::sheet(name, cells, Vec::new()));
    }
    Ok(grids)
}
