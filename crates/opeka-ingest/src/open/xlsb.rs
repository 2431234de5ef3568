//! Binary Office workbooks.

use std::io::Cursor;

use calamine::{Data, Xlsb, XlsbError, open_workbook_from_rs};

use super::limits::Archive;
use super::workbook::{Unreadable, cell_of, damaged, named_twice, value, worksheets};
use super::xlsb_parts;
use crate::grid::Grid;

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    // First, so that no part unpacks to more than its archive states.
    let mut beside = xlsb_parts::beside(&mut Archive::open(bytes)?)?;
    let mut workbook: Xlsb<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsbError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let names = worksheets(&workbook);
    named_twice(&names)?;
    let mut grids = Vec::new();
    for name in names {
        let beside = beside.remove(&name).unwrap_or_default();
        let mut cells = Vec::new();
        let mut reader = workbook.worksheet_cells_reader(&name).map_err(damaged)?;
        while let Some(read) = reader.next_cell().map_err(damaged)? {
            let Some(value) = value(&Data::from(read.get_value().clone())) else { continue };
            let place = read.get_position();
            let (look, mark) = match beside.cells.get(&place) {
                Some((look, mark)) => (*look, mark.as_ref()),
                None => Default::default(),
            };
            cells.extend(cell_of(place, value, mark, look));
        }
        drop(reader);
        grids.push(Grid::sheet(name, cells, beside.merged));
    }
    Ok(grids)
}
