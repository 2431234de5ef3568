//! OpenDocument spreadsheets, read here: cells, merged ranges, superscript runs and looks in one
//! pass.
//!
//! A row of a thousand empty cells repeated a million times is one element, so repetitions are only
//! followed where there is something to repeat.

use std::io::BufRead;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::limits::{Archive, COLUMNS, MOST_REPEATED, ROWS};
use super::ods_styles::Styles;
use super::superscript::{raised, split_runs, split_unicode};
use super::workbook::{Unreadable, damaged, named_twice};
use crate::grid::{Cell, Grid, Look, Span, Value};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grid>, Unreadable> {
    let mut archive = Archive::open(bytes)?;
    let mut protected = false;
    archive.scan("META-INF/manifest.xml", |_, tag| {
        protected |= tag.name == b"encryption-data";
        Ok(())
    })?;
    if protected {
        return Err(Unreadable::Password);
    }
    let mut styles = Styles::default();
    for part in ["styles.xml", "content.xml"] {
        archive.scan(part, |_, _| Ok(()))?;
        if let Some(entry) = archive.entry(part)? {
            styles.read(entry)?;
        }
    }
    let Some(entry) = archive.entry("content.xml")? else {
        return Err(Unreadable::Damaged("there is no `content.xml` in the archive".into()));
    };
    let mut reading = Reading::new(&styles);
    reading.read(entry)?;
    let names: Vec<String> = reading.done.iter().filter_map(|grid| grid.name.clone()).collect();
    named_twice(&names)?;
    Ok(reading.done)
}

/// What a cell element says of itself.
#[derive(Debug, Default, Clone)]
struct Said {
    kind: String,
    value: Option<String>,
    style: Option<String>,
    columns: u32,
    /// Rows and columns that it spans.
    span: (u32, u32),
    covered: bool,
    /// The runs of its text, each with whether it is superscript.
    runs: Vec<(bool, String)>,
    paragraphs: u32,
}

struct Reading<'s> {
    styles: &'s Styles,
    done: Vec<Grid>,
    /// The sheet that is open, and how deep tables nest: a cell may hold a table of its own.
    sheet: Option<Sheet>,
    tables: u32,
    cell: Option<Said>,
    /// Whether each open span of text is superscript.
    spans: Vec<bool>,
    in_text: u32,
    /// Within a note, a ruby or a drawing, whose text is not the cell's.
    aside: u32,
    /// Cells that stand for others by repetition, over the whole file.
    repeated: u64,
}

#[derive(Default)]
struct Sheet {
    name: String,
    cells: Vec<Cell>,
    merged: Vec<Span>,
    row: u32,
    column: u32,
    /// The cells of the row that is open, and how often it is repeated.
    first: usize,
    rows: u32,
    /// The style of each column that names one, with its last column.
    columns: Vec<(u32, String)>,
    row_style: Option<String>,
}

impl<'s> Reading<'s> {
    fn new(styles: &'s Styles) -> Self {
        Self {
            styles,
            done: Vec::new(),
            sheet: None,
            tables: 0,
            cell: None,
            spans: Vec::new(),
            in_text: 0,
            aside: 0,
            repeated: 0,
        }
    }

    fn read(&mut self, entry: impl BufRead) -> Result<(), Unreadable> {
        let mut xml = Reader::from_reader(entry);
        xml.config_mut().expand_empty_elements = true;
        let mut buffer = Vec::new();
        loop {
            match xml.read_event_into(&mut buffer).map_err(damaged)? {
                Event::Start(e) => self.open(&e),
                Event::End(e) => self.close(e.name().as_ref())?,
                Event::Text(text) => self.text(&text.xml10_content()),
                Event::CData(text) => self.text(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    if let Some(c) = super::superscript::referred(&reference) {
                        self.text(c.encode_utf8(&mut [0; 4]));
                    }
                }
                Event::Eof if self.sheet.is_some() => {
                    return Err(Unreadable::Damaged("`content.xml` ends within a sheet".into()));
                }
                Event::Eof => return Ok(()),
                _ => (),
            }
            buffer.clear();
        }
    }

    fn open(&mut self, e: &BytesStart) {
        match e.name().as_ref() {
            "table:table" => {
                self.tables += 1;
                if self.tables == 1 {
                    let name = attribute(e, "table:name").unwrap_or_default();
                    self.sheet = Some(Sheet { name, ..Sheet::default() });
                }
            }
            "office:annotation" | "draw:frame" | "draw:custom-shape" | "draw:g" | "text:note"
            | "text:ruby-text" | "table:shapes" => self.aside += 1,
            _ if self.tables > 1 || self.aside > 0 => (),
            "table:table-column" => {
                let many = count(e, "table:number-columns-repeated");
                let Some(sheet) = &mut self.sheet else { return };
                let before = sheet.columns.last().map_or(0, |(end, _)| *end);
                let style = attribute(e, "table:default-cell-style-name").unwrap_or_default();
                sheet.columns.push((before.saturating_add(many), style));
            }
            "table:table-row" => {
                let Some(sheet) = &mut self.sheet else { return };
                sheet.rows = count(e, "table:number-rows-repeated");
                sheet.row_style = attribute(e, "table:default-cell-style-name");
                sheet.column = 0;
                sheet.first = sheet.cells.len();
            }
            name @ ("table:table-cell" | "table:covered-table-cell") => {
                let kind = attribute(e, "office:value-type")
                    .or_else(|| attribute(e, "calcext:value-type"))
                    .unwrap_or_default();
                let value = match kind.as_str() {
                    "float" | "percentage" | "currency" => attribute(e, "office:value"),
                    "date" => attribute(e, "office:date-value"),
                    "time" => attribute(e, "office:time-value"),
                    "boolean" => attribute(e, "office:boolean-value"),
                    _ => attribute(e, "office:string-value"),
                };
                self.cell = Some(Said {
                    kind,
                    value,
                    style: attribute(e, "table:style-name"),
                    columns: count(e, "table:number-columns-repeated"),
                    span: (
                        count(e, "table:number-rows-spanned"),
                        count(e, "table:number-columns-spanned"),
                    ),
                    covered: name == "table:covered-table-cell",
                    ..Said::default()
                });
            }
            "text:p" | "text:h" => {
                self.in_text += 1;
                let Some(cell) = &mut self.cell else { return };
                cell.paragraphs += 1;
                if cell.paragraphs > 1 {
                    self.text("\n");
                }
            }
            "text:span" => {
                let above = self.spans.last().copied().unwrap_or(false);
                let style = attribute(e, "text:style-name");
                let raised = style.and_then(|style| self.styles.raised(&style));
                self.spans.push(raised.unwrap_or(above));
            }
            "text:s" => {
                let many = count(e, "text:c").min(MOST_REPEATED as u32) as usize;
                self.text(&" ".repeat(many.min(32_767)));
            }
            "text:tab" => self.text("\t"),
            "text:line-break" => self.text("\n"),
            _ => (),
        }
    }

    fn close(&mut self, name: &str) -> Result<(), Unreadable> {
        match name {
            "table:table" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0
                    && let Some(sheet) = self.sheet.take()
                {
                    self.done.push(Grid::sheet(sheet.name, sheet.cells, sheet.merged));
                }
            }
            "office:annotation" | "draw:frame" | "draw:custom-shape" | "draw:g" | "text:note"
            | "text:ruby-text" | "table:shapes" => self.aside = self.aside.saturating_sub(1),
            _ if self.tables > 1 || self.aside > 0 => (),
            "table:table-cell" | "table:covered-table-cell" => {
                if let Some(said) = self.cell.take() {
                    self.put(said)?;
                }
            }
            "table:table-row" => self.end_row()?,
            "text:p" | "text:h" => self.in_text = self.in_text.saturating_sub(1),
            "text:span" => _ = self.spans.pop(),
            _ => (),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.in_text == 0 || self.aside > 0 || self.tables > 1 {
            return;
        }
        let raised = self.spans.last().copied().unwrap_or(false);
        let Some(cell) = &mut self.cell else { return };
        match cell.runs.last_mut() {
            Some(run) if run.0 == raised => run.1.push_str(text),
            _ => cell.runs.push((raised, text.to_owned())),
        }
    }

    /// A cell is complete: it stands in as many columns as it says.
    fn put(&mut self, said: Said) -> Result<(), Unreadable> {
        let styles = self.styles;
        let Some(sheet) = &mut self.sheet else { return Ok(()) };
        let (row, column) = (sheet.row, sheet.column);
        sheet.column = column.saturating_add(said.columns);
        let (down, right) = said.span;
        if (down, right) != (1, 1) && !said.covered && row < ROWS && column < COLUMNS {
            sheet.merged.push(Span {
                top: row,
                left: column,
                bottom: row.saturating_add(down - 1).min(ROWS - 1),
                right: column.saturating_add(right - 1).min(COLUMNS - 1),
            });
        }
        let Some((value, superscript)) = value(&said) else { return Ok(()) };
        if row >= ROWS || sheet.column > COLUMNS {
            let cell = opeka_model::a1(row, sheet.column - 1);
            let message = format!("sheet `{}` has a cell {cell}, beyond XFD1048576", sheet.name);
            return Err(Unreadable::Refused(message));
        }
        let in_column = |column: u32| {
            let at = sheet.columns.partition_point(|(end, _)| *end <= column);
            sheet.columns.get(at).map(|(_, style)| style.clone()).filter(|style| !style.is_empty())
        };
        self.repeated += u64::from(said.columns - 1);
        for column in column..sheet.column {
            let style = said.style.clone().or_else(|| sheet.row_style.clone());
            let mut look = match style.or_else(|| in_column(column)) {
                Some(style) => styles.look(&style),
                None => Look::default(),
            };
            look.percent |= said.kind == "percentage";
            let (value, superscript) = (value.clone(), superscript.clone());
            sheet.cells.push(Cell {
                row,
                column,
                value,
                superscript: superscript.map(raised),
                look,
            });
        }
        self.bounded()
    }

    /// A row is complete: it stands as often as it says, where there is something in it.
    fn end_row(&mut self) -> Result<(), Unreadable> {
        let Some(sheet) = &mut self.sheet else { return Ok(()) };
        let (top, rows) = (sheet.row, sheet.rows.max(1));
        sheet.row = top.saturating_add(rows);
        let in_row = sheet.cells.len() - sheet.first;
        if in_row == 0 || rows == 1 {
            return Ok(());
        }
        if sheet.row > ROWS {
            let message = format!("sheet `{}` has rows beyond {ROWS}", sheet.name);
            return Err(Unreadable::Refused(message));
        }
        self.repeated += in_row as u64 * u64::from(rows - 1);
        self.bounded()?;
        let Some(sheet) = &mut self.sheet else { return Ok(()) };
        let first = sheet.first;
        for row in top + 1..sheet.row {
            sheet.cells.extend_from_within(first..first + in_row);
            let new = sheet.cells.len() - in_row;
            sheet.cells[new..].iter_mut().for_each(|cell| cell.row = row);
        }
        Ok(())
    }

    fn bounded(&self) -> Result<(), Unreadable> {
        match self.repeated > MOST_REPEATED {
            true => Err(Unreadable::Refused(format!(
                "more than {MOST_REPEATED} cells stand in the file by repetition alone"
            ))),
            false => Ok(()),
        }
    }
}

/// What a cell stores, and its mark; `None` for nothing.
fn value(said: &Said) -> Option<(Value, Option<Box<str>>)> {
    let number = || said.value.as_deref().and_then(|v| v.trim().parse::<f64>().ok());
    let value = match said.kind.as_str() {
        "float" | "percentage" | "currency" if number().is_some() => Value::Number(number()?),
        "date" | "time" if said.value.is_some() => Value::Date(said.value.clone()?.into()),
        "boolean" if said.value.is_some() => Value::Bool(said.value.as_deref() == Some("true")),
        _ => {
            if let Some(split) = split_runs(&said.runs) {
                return Some((Value::Text(split.base), Some(split.mark)));
            }
            let written: String = said.runs.iter().map(|run| run.1.as_str()).collect();
            let text = match (&said.value, written.is_empty()) {
                (Some(value), _) if said.kind == "string" => value,
                (_, false) => &written,
                (value, true) => value.as_deref()?,
            };
            let split = split_unicode(text)?;
            return Some((Value::Text(split.base), (!split.mark.is_empty()).then_some(split.mark)));
        }
    };
    Some((value, None))
}

/// How often, or how far; once where nothing else is said.
pub(super) fn count(element: &BytesStart, name: &str) -> u32 {
    attribute(element, name).and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(1)
}

pub(super) fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let attribute: Attribute = element.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}
