//! BIFF workbooks. The format itself ends at row 65,536 and column IV.

use std::io::Cursor;

use calamine::{Reader, SheetType, Xls, XlsError, open_workbook_from_rs};

use super::biff;
use super::ole::{self, Holds};
use super::workbook::{Unreadable, cell_of, damaged, named_twice, spans, value, worksheets};
use crate::grid::Grid;

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    // First, because calamine follows every chain of sectors, and allots what a sheet claims.
    let beside = match ole::look(bytes)? {
        Holds::Workbook(stream) => biff::beside(&stream)?,
        // It hides in the same container.
        Holds::Encrypted => return Err(Unreadable::Password),
        Holds::Other => Vec::new(),
    };
    let mut workbook: Xls<Cursor<&[u8]>> =
        open_workbook_from_rs(Cursor::new(bytes)).map_err(|error| match error {
            XlsError::Password => Unreadable::Password,
            other => damaged(other),
        })?;
    named_twice(&worksheets(&workbook))?;
    let sheets = workbook.sheets_metadata().to_vec();
    let (mut grids, nothing) = (Vec::new(), biff::Beside::new());
    for (index, sheet) in sheets.into_iter().enumerate() {
        if sheet.typ != SheetType::WorkSheet {
            continue;
        }
        let beside = beside.get(index).unwrap_or(&nothing);
        let range = workbook.worksheet_range(&sheet.name).map_err(damaged)?;
        let (top, left) = range.start().unwrap_or((0, 0));
        let merged = spans(workbook.merge_cells_by_sheet_name(&sheet.name).map_err(damaged)?);
        let cells = range.used_cells().filter_map(|(row, column, data)| {
            let place = (top.saturating_add(row as u32), left.saturating_add(column as u32));
            let (look, mark) = match beside.get(&place) {
                Some((look, mark)) => (*look, mark.as_ref()),
                None => Default::default(),
            };
            cell_of(place, value(data)?, mark, look)
        });
        grids.push(Grid::sheet(sheet.name, cells.collect(), merged));
    }
    Ok(grids)
}
