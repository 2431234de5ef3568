//! XML Spreadsheet 2003: one XML file with the cells of all sheets, often called `.xls`.

use std::collections::HashMap;

use opeka_model::Problem;

use super::flat::{Pool, refuse};
use super::xml::{Token, Xml, local, text};
use crate::grid::{Cell, Grid, Look, Span, Value};

/// Rows and columns of a sheet of any Office.
const ROWS: u32 = 1 << 20;
const COLUMNS: u32 = 1 << 14;

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = text(source, bytes)?;
    let mut xml = Xml::new(source, &text);
    let mut book = Book::default();
    loop {
        match xml.next()? {
            Token::Start(element) => {
                let mut attributes = Attributes::default();
                xml.attributes(&element, |name, value| {
                    attributes.set(local(name), value);
                    Ok(())
                })?;
                let element = book.start(local(element.name), attributes);
                book.open.push(element);
            }
            Token::Text(text) => {
                if book.in_data > 0 {
                    book.data.push_str(&text);
                }
            }
            Token::End => {
                if let Some(element) = book.open.pop() {
                    book.end(element);
                }
            }
            Token::Eof => break,
        }
    }
    if book.sheets.is_empty() {
        return Err(refuse(source, "the XML Spreadsheet has no sheets")
            .hint("the file may be cut short: fetch it again from its publisher"));
    }
    Ok(book.sheets)
}

/// The attributes that matter, of whichever element.
#[derive(Default)]
struct Attributes {
    index: Option<u32>,
    across: u32,
    down: u32,
    kind: String,
    name: String,
    id: String,
    parent: String,
    style: String,
    bold: bool,
    indent: u8,
}

impl Attributes {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "Index" => self.index = value.parse::<u32>().ok().filter(|index| *index > 0),
            "MergeAcross" => self.across = value.parse().unwrap_or(0),
            "MergeDown" => self.down = value.parse().unwrap_or(0),
            "Type" => value.clone_into(&mut self.kind),
            "Name" => value.clone_into(&mut self.name),
            "ID" => value.clone_into(&mut self.id),
            "Parent" => value.clone_into(&mut self.parent),
            "StyleID" => value.clone_into(&mut self.style),
            "Bold" => self.bold = value == "1",
            "Indent" => self.indent = value.parse().unwrap_or(0),
            _ => (),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Element {
    Sheet,
    Row,
    Cell,
    Data,
    /// Part of a text with looks of its own.
    InData,
    Other,
}

#[derive(Default)]
struct Book {
    pool: Pool,
    open: Vec<Element>,
    sheets: Vec<Grid>,
    styles: HashMap<String, Look>,
    style: String,
    name: String,
    cells: Vec<Cell>,
    merged: Vec<Span>,
    row: u32,
    column: u32,
    look: Look,
    kind: String,
    data: String,
    in_data: u32,
}

impl Book {
    fn start(&mut self, name: &str, attributes: Attributes) -> Element {
        if self.in_data > 0 {
            self.in_data += 1;
            return Element::InData;
        }
        match name {
            "Style" => {
                let parent = self.styles.get(&attributes.parent).copied().unwrap_or_default();
                self.styles.insert(attributes.id.clone(), parent);
                self.style = attributes.id;
                Element::Other
            }
            "Font" | "Alignment" => {
                if let Some(look) = self.styles.get_mut(&self.style) {
                    look.bold |= attributes.bold;
                    look.indent = look.indent.max(attributes.indent);
                }
                Element::Other
            }
            "Worksheet" => {
                self.name = attributes.name;
                (self.row, self.column) = (0, 0);
                Element::Sheet
            }
            "Row" => {
                self.row = attributes.index.map_or(self.row, |index| index - 1);
                self.column = 0;
                Element::Row
            }
            "Cell" => {
                self.column = attributes.index.map_or(self.column, |index| index - 1);
                self.look = self.styles.get(&attributes.style).copied().unwrap_or_default();
                let (bottom, right) = (
                    self.row.saturating_add(attributes.down).min(ROWS - 1),
                    self.column.saturating_add(attributes.across).min(COLUMNS - 1),
                );
                if (bottom, right) > (self.row, self.column) && self.fits() {
                    let (top, left) = (self.row, self.column);
                    self.merged.push(Span { top, left, bottom, right });
                }
                Element::Cell
            }
            "Data" if self.open.last() == Some(&Element::Cell) => {
                self.kind = attributes.kind;
                self.data.clear();
                self.in_data = 1;
                Element::Data
            }
            _ => Element::Other,
        }
    }

    fn fits(&self) -> bool {
        self.row < ROWS && self.column < COLUMNS
    }

    fn end(&mut self, element: Element) {
        match element {
            Element::InData => self.in_data -= 1,
            Element::Data => {
                self.in_data = 0;
                let value = match self.kind.as_str() {
                    "Number" => match self.data.trim().parse::<f64>() {
                        Ok(number) => Value::Number(number),
                        Err(_) => Value::Text(self.pool.share(&self.data)),
                    },
                    "Boolean" => Value::Bool(self.data.trim() == "1"),
                    "DateTime" => {
                        Value::Date(self.data.trim().trim_end_matches("T00:00:00.000").into())
                    }
                    "Error" => Value::Error(self.data.as_str().into()),
                    _ => Value::Text(self.pool.share(&self.data)),
                };
                if self.fits() && !self.data.trim().is_empty() {
                    let (row, column, look) = (self.row, self.column, self.look);
                    self.cells.push(Cell { look, ..Cell::plain(row, column, value) });
                }
            }
            Element::Cell => {
                let span =
                    self.merged.last().filter(|s| (s.top, s.left) == (self.row, self.column));
                self.column = span.map_or(self.column, |span| span.right).saturating_add(1);
            }
            Element::Row => self.row = self.row.saturating_add(1),
            Element::Sheet => {
                let (cells, merged) =
                    (std::mem::take(&mut self.cells), std::mem::take(&mut self.merged));
                self.sheets.push(Grid::sheet(std::mem::take(&mut self.name), cells, merged));
            }
            Element::Other => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use crate::grid::{Span, Value};

    #[test]
    fn sheets_types_merged_ranges_and_looks_are_read() {
        let text = r##"<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:html="http://www.w3.org/TR/REC-html40">
 <Styles><Style ss:ID="s1"><Font ss:Bold="1"/><Alignment ss:Indent="2"/></Style></Styles>
 <Worksheet ss:Name="Данные"><Table>
  <Row><Cell ss:MergeAcross="2" ss:StyleID="s1"><Data ss:Type="String">Head</Data></Cell><Cell><Data ss:Type="Number">5</Data></Cell></Row>
  <Row ss:Index="4"><Cell ss:Index="2" ss:MergeDown="1"><Data ss:Type="String"><html:B>Rich</html:B> text</Data><Comment><Data>said aside</Data></Comment></Cell>
  <Cell><Data ss:Type="DateTime">2020-01-31T00:00:00.000</Data></Cell><Cell><Data ss:Type="Boolean">1</Data></Cell><Cell><Data ss:Type="Error">#N/A</Data></Cell></Row>
  <Row><Cell ss:Index="4000000000"><Data ss:Type="Number">1</Data></Cell></Row>
 </Table></Worksheet>
 <Worksheet ss:Name="Second"><Table/></Worksheet>
</Workbook>"##;
        let workbook = open("a.xls", text.as_bytes()).unwrap();
        let sheet = workbook.sheet(Some("Данные")).unwrap();
        let at = |address: &str| sheet.at(address).unwrap();
        assert!(at("A1").look.bold && at("A1").look.indent == 2);
        assert_eq!(at("D1").value, Value::Number(5.0));
        assert_eq!(at("B4").text(), "Rich text");
        assert_eq!(at("C4").value, Value::Date("2020-01-31".into()));
        assert_eq!(at("D4").value, Value::Bool(true));
        assert_eq!(at("E4").value, Value::Error("#N/A".into()));
        assert_eq!(sheet.cells().len(), 6);
        let spans = [
            Span { top: 0, left: 0, bottom: 0, right: 2 },
            Span { top: 3, left: 1, bottom: 4, right: 1 },
        ];
        assert_eq!(sheet.merged(), spans);
        assert!(workbook.sheet(Some("Second")).unwrap().cells().is_empty());
    }
}
