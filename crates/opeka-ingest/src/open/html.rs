//! Web pages: offices save tables as pages and call them `.xls`, and servers answer with an error
//! page where a file was asked for. The tables are read, tolerantly; a page without any is refused.

use std::collections::BTreeMap;

use opeka_model::Problem;

use super::decode;
use super::flat::{Pool, refuse};
use crate::grid::{Cell, Grid, Look, Span, Value};

/// A cell that claims to span more is taken to span this.
const WIDEST: u32 = 1000;
const TALLEST: u32 = 65_534;
/// Tables within tables deeper than this are laid out by them, not data.
const DEEPEST: usize = 100;

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = decode::declared(source, bytes, charset(bytes).as_deref())?;
    let mut page = Page::default();
    let mut rest = &*text;
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at]);
        rest = page.tag(&rest[at..]);
    }
    page.text(rest);
    while !page.open.is_empty() {
        page.close_table();
    }
    let mut tables: Vec<Table> = page.done.into_values().collect();
    tables.retain(|table| !table.cells.is_empty());
    if tables.is_empty() {
        let title = page.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title: String = title.chars().take(100).collect();
        let said =
            if title.is_empty() { String::new() } else { format!(": its title is `{title}`") };
        return Err(refuse(source, format!("the file is a web page, not data{said}"))
            .hint("the server may have answered with an error page; fetch the file again"));
    }
    let named = (1..).zip(tables);
    Ok(named
        .map(|(n, table)| Grid::sheet(format!("table {n}"), table.cells, table.merged))
        .collect())
}

/// The encoding that the page declares.
fn charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let (_, after) = head.split_once("charset")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let label = after.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next()?;
    (!label.is_empty()).then(|| label.to_owned())
}

#[derive(Default)]
struct Page {
    pool: Pool,
    /// The tables that are open, with the number under which each began.
    open: Vec<(usize, Table)>,
    begun: usize,
    done: BTreeMap<usize, Table>,
    title: String,
    in_title: bool,
}

#[derive(Default)]
struct Table {
    cells: Vec<Cell>,
    merged: Vec<Span>,
    row: Option<u32>,
    column: u32,
    /// The cell that is open: its text, and whether it is set in bold.
    cell: Option<(String, bool)>,
    /// Cells of former rows that reach down: column, last column and last row, by column.
    reaching: BTreeMap<u32, (u32, u32)>,
}

impl Page {
    fn text(&mut self, text: &str) {
        if self.in_title {
            entities(text, &mut self.title);
        } else if let Some((_, Table { cell: Some((said, _)), .. })) = self.open.last_mut() {
            entities(text, said);
        }
    }

    /// Handles the tag that the text begins with; gives what follows it.
    fn tag<'t>(&mut self, text: &'t str) -> &'t str {
        if let Some(comment) = text.strip_prefix("<!--") {
            return comment.find("-->").map_or("", |end| &comment[end + 3..]);
        }
        let closes = text.starts_with("</");
        let inside = &text[1 + usize::from(closes)..];
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
            self.text("<");
            return &text[1..];
        }
        let end = end_of_tag(inside);
        let (tag, after) = (&inside[..end], inside.get(end + 1..).unwrap_or(""));
        let length = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(length);
        let name = name.to_ascii_lowercase();
        match (name.as_str(), closes) {
            ("script" | "style", false) => {
                // What stands in them is no text, whatever it looks like.
                let close = format!("</{name}");
                let bytes = after.as_bytes();
                let is = |at: &usize| {
                    bytes[*at..]
                        .get(..close.len())
                        .is_some_and(|b| b.eq_ignore_ascii_case(close.as_bytes()))
                };
                let at = after.match_indices('<').map(|(at, _)| at).find(is);
                return at.map_or("", |at| &after[at..]);
            }
            ("title", closes) => self.in_title = !closes,
            ("table", false) if self.open.len() < DEEPEST => {
                self.begun += 1;
                self.open.push((self.begun, Table::default()));
            }
            ("table", true) => self.close_table(),
            _ => {
                let pool = &mut self.pool;
                if let Some((_, table)) = self.open.last_mut() {
                    table.tag(&name, closes, attributes, pool);
                }
            }
        }
        after
    }

    fn close_table(&mut self) {
        if let Some((number, mut table)) = self.open.pop() {
            table.close_cell(&mut self.pool);
            self.done.insert(number, table);
        }
    }
}

/// Where a tag ends; a `>` in quotes does not end it.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => (),
        }
        // An unclosed quote must not swallow the page.
        if at > 10_000 {
            return tag.find('>').unwrap_or(tag.len());
        }
    }
    tag.find('>').unwrap_or(tag.len())
}

impl Table {
    fn tag(&mut self, name: &str, closes: bool, attributes: &str, pool: &mut Pool) {
        match (name, closes) {
            ("tr", false) => {
                self.close_cell(pool);
                self.row = Some(self.row.map_or(0, |row| row.saturating_add(1)));
                self.column = 0;
            }
            ("td" | "th", false) => {
                self.close_cell(pool);
                self.open_cell(name == "th", attributes);
            }
            ("td" | "th" | "tr", true) => self.close_cell(pool),
            ("b" | "strong", false) => {
                if let Some((text, bold)) = &mut self.cell {
                    *bold |= text.trim().is_empty();
                }
            }
            ("br" | "p" | "div" | "li", _) => {
                if let Some((text, _)) = &mut self.cell {
                    text.push('\n');
                }
            }
            _ => (),
        }
    }

    fn open_cell(&mut self, bold: bool, attributes: &str) {
        let row = *self.row.get_or_insert(0);
        // Below a cell that reaches down into this row there is no room.
        while let Some((last, bottom)) =
            self.reaching.range(..=self.column).next_back().map(|r| *r.1)
            && last >= self.column
        {
            if bottom < row {
                let start = self.reaching.range(..=self.column).next_back().map(|reach| *reach.0);
                start.map(|start| self.reaching.remove(&start));
            } else {
                self.column = last + 1;
            }
        }
        let span = |name| attribute(attributes, name).and_then(|n| n.parse().ok()).unwrap_or(1);
        let right = self.column.saturating_add(span("colspan").clamp(1, WIDEST) - 1);
        let bottom = row.saturating_add(span("rowspan").clamp(1, TALLEST) - 1);
        if (bottom, right) != (row, self.column) {
            self.merged.push(Span { top: row, left: self.column, bottom, right });
        }
        if bottom > row {
            self.reaching.insert(self.column, (right, bottom));
        }
        self.cell = Some((String::new(), bold));
    }

    fn close_cell(&mut self, pool: &mut Pool) {
        let (Some((text, bold)), Some(row)) = (self.cell.take(), self.row) else { return };
        let text = text.trim_matches(|c: char| c.is_whitespace() && c != '\u{A0}');
        if !text.trim().is_empty() {
            let look = Look { bold, ..Look::default() };
            let value = Value::Text(pool.share(text));
            self.cells.push(Cell { look, ..Cell::plain(row, self.column, value) });
        }
        let span = self.merged.last().filter(|s| (s.top, s.left) == (row, self.column));
        self.column = span.map_or(self.column, |span| span.right).saturating_add(1);
    }
}

/// The value of an attribute, quoted or not.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.split_whitespace().next_back().unwrap_or("");
        let after = after.trim_start();
        let (value, next) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = next;
    }
    None
}

/// Adds a text with its references resolved; one that is not known stays as it is written.
fn entities(text: &str, to: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        to.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let name = end.and_then(|end| rest.get(1..end)).unwrap_or("");
        let by_number = |number: &str| match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => number.parse().ok(),
        };
        let known = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{A0}'),
            "ndash" => Some('–'),
            "mdash" => Some('—'),
            "laquo" => Some('«'),
            "raquo" => Some('»'),
            "hellip" => Some('…'),
            _ => name.strip_prefix('#').and_then(by_number).and_then(char::from_u32),
        };
        match (known, end) {
            (Some(character), Some(end)) => {
                to.push(character);
                rest = &rest[end + 1..];
            }
            _ => {
                to.push('&');
                rest = &rest[1..];
            }
        }
    }
    to.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use crate::grid::Span;

    #[test]
    fn tables_of_a_page_are_sheets() {
        let text = "<html><head><title>T</title><style>td > b {}</style></head><body>\
            <!-- <table><tr><td>no</td></tr></table> --><TABLE border=1>\
            <tr><th rowspan=2>Area<th colspan='2'>Children &amp; care</tr>\
            <tr><td>2010<td>2020</tr>\
            <tr><td title='a > b'>&nbsp;&nbsp;North</td><td><b>1</b> 234</td><td>5&#44;6 &unknown;</td></tr></TABLE>\
            <table><tr><td>second</table></body></html>";
        let workbook = open("a.xls", text.as_bytes()).unwrap();
        let sheet = workbook.sheet(Some("table 1")).unwrap();
        let at = |address: &str| sheet.at(address).map(|cell| cell.text());
        assert_eq!(at("A1").unwrap(), "Area");
        assert_eq!(at("B1").unwrap(), "Children & care");
        assert_eq!((at("B2").unwrap(), at("C2").unwrap()), ("2010".into(), "2020".into()));
        assert_eq!((at("A3").unwrap(), at("B3").unwrap()), ("North".into(), "1 234".into()));
        assert_eq!(at("C3").unwrap(), "5,6 &unknown;");
        assert!(sheet.at("A1").unwrap().look.bold && sheet.at("B3").unwrap().look.bold);
        let spans = [
            Span { top: 0, left: 0, bottom: 1, right: 0 },
            Span { top: 0, left: 1, bottom: 0, right: 2 },
        ];
        assert_eq!(sheet.merged(), spans);
        assert_eq!(workbook.sheet(Some("table 2")).unwrap().cells().len(), 1);
    }

    #[test]
    fn a_page_without_tables_is_no_data() {
        let page =
            "<!DOCTYPE html><html><head><title>404 Not  Found</title></head><body>x</body></html>";
        let problem = open("a.csv", page.as_bytes()).unwrap_err();
        assert_eq!(
            problem.message,
            "the file is a web page, not data: its title is `404 Not Found`"
        );
    }

    #[test]
    fn the_page_says_its_encoding_and_claims_are_bounded() {
        let page = "<html><meta charset=\"windows-1251\"><table><tr><td colspan=4000000000 rowspan=-1>год</table>";
        let bytes = encoding_rs::WINDOWS_1251.encode(page).0.into_owned();
        let workbook = open("a.xls", &bytes).unwrap();
        assert_eq!(workbook.sheets[0].cells()[0].text(), "год");
        let deep = "<table><tr><td>".repeat(100_000);
        assert!(open("a.xls", deep.as_bytes()).is_err());
    }
}
