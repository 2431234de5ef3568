//! BIFF workbooks.

use std::io::Cursor;

use calamine::{Reader, Xls, XlsError, open_workbook_from_rs};

use super::workbook::{Unreadable, damaged, named_twice, spans, value, worksheets};
use super::xlsx::cell_of;
use crate::grid::{Grid, Look};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let mut workbook: Xls<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    let names = worksheets(&workbook);
    named_twice(&names)?;
    let mut grids = Vec::new();
    for name in names {
        let range = workbook.worksheet_range(&name).map_err(damaged)?;
        let (top, left) = range.start().unwrap_or((0, 0));
        let merged = spans(workbook.merge_cells_by_sheet_name(&name).map_err(damaged)?);
        let cells = range.used_cells().filter_map(|(row, column, data)| {
            let place = (top.saturating_add(row as u32), left.saturating_add(column as u32));
            cell_of(place, value(data)?, None, Look::default())
        });
        grids.push(Grid::sheet(name, cells.collect(), merged));
    }
    Ok(grids)
}
