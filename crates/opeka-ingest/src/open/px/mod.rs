//! PC-Axis: keywords that describe a cube, then its figures in one sequence. Offices of many countries
//! publish it; they quote, break and encode it in their own ways.

mod keywords;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;

use self::keywords::{Item, Keyword, Keywords};
use super::decode;
use super::flat::{Pool, refuse, refuse_line, room};
use super::json::{FlatPaths, Layout};
use crate::grid::{Cell, Grid, Paths, Value};
use smol_str::SmolStr;

pub(super) fn read(source: &str, bytes: &[u8]) -> Result<Vec<Grid>, Problem> {
    let text = decode::declared(source, bytes, codepage(bytes).as_deref())?;
    let mut pool = Pool::new();
    let Keywords { keywords, data } = keywords::read(source, &text, &mut pool)?;
    let data = data.ok_or_else(|| {
        refuse(source, "the PX file has no `DATA`").hint("it may be cut short: fetch it again")
    })?;
    let mut cube = Cube::new(source, &keywords)?;
    let cells = cube.read(source, bytes.len(), &text[data.at..], data.line, &mut pool)?;
    let figures = Grid::structured(None, cells, Arc::new(FlatPaths(cube)));
    Ok(vec![figures, metadata(&keywords)])
}

/// No table has more variables than this.
const MOST_DIMENSIONS: usize = 200;

/// The encoding that `CODEPAGE` declares.
fn codepage(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 14)]);
    let (_, after) = head.split_once("CODEPAGE")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(label, _)| label.trim().to_owned())
}

/// One variable: its categories in their order.
#[derive(Debug)]
struct Dimension {
    name: Item,
    /// Codes where the file has them, otherwise the values.
    codes: Vec<Item>,
    /// Values beside codes.
    labels: Option<Vec<Item>>,
}

#[derive(Debug)]
struct Cube {
    dimensions: Vec<Dimension>,
    shown: Vec<Column>,
    /// How many of the dimensions are said by keys before the figures, if they are.
    keyed: usize,
    /// For each keyed row of the file, the place in the keyed dimensions.
    keys: Vec<u64>,
    /// Cells beside each key, or all of them.
    breadth: u64,
    /// The lines of the figures, each with the number of its first item.
    lines: Vec<(u32, u32)>,
    rows: u32,
}

#[derive(Debug, Clone, Copy)]
enum Column {
    Code(usize),
    Label(usize),
    Value,
}

impl Cube {
    fn new(source: &str, keywords: &[Keyword]) -> Result<Self, Problem> {
        let find = |name: &str, subject: Option<&str>| {
            let is = |keyword: &&Keyword| {
                *keyword.name == *name
                    && keyword.language.is_none()
                    && subject.is_none_or(|s| keyword.subjects.first().is_some_and(|k| k == s))
            };
            keywords.iter().find(is)
        };
        let mut dimensions: Vec<Dimension> = Vec::new();
        let (mut keyed, mut stubs) = (0, 0);
        for part in ["STUB", "HEADING"] {
            for variable in find(part, None).into_iter().flat_map(|keyword| &keyword.items) {
                let name = &*variable.text;
                let fail = |message: String| {
                    refuse_line(source, variable.line as usize, message)
                        .hint("the PX file contradicts itself; fetch it again from its publisher")
                };
                if dimensions.len() == MOST_DIMENSIONS {
                    return Err(fail(format!("more than {MOST_DIMENSIONS} variables")));
                }
                if dimensions.iter().any(|dimension| *dimension.name.text == *name) {
                    return Err(fail(format!("the variable `{name}` stands in the table twice")));
                }
                let items = |keyword| find(keyword, Some(name)).map(|k: &Keyword| k.items.clone());
                let values = items("VALUES").or_else(|| items("CODES"));
                let values = values.ok_or_else(|| fail(format!("`{name}` has no `VALUES`")))?;
                // Codes that do not match the values say nothing about them.
                let codes = items("CODES").filter(|codes| codes.len() == values.len());
                let (codes, labels) = match codes {
                    Some(codes) => (codes, Some(values)),
                    None => (values, None),
                };
                if find("KEYS", Some(name)).is_some() && part == "STUB" {
                    keyed += 1;
                }
                stubs += usize::from(part == "STUB");
                dimensions.push(Dimension { name: variable.clone(), codes, labels });
            }
        }
        if dimensions.is_empty() {
            return Err(refuse(source, "the PX file has neither `STUB` nor `HEADING`")
                .hint("it may be cut short: fetch it again from its publisher"));
        }
        if keyed > 0 && keyed != stubs {
            return Err(refuse(source, "only some variables of `STUB` have `KEYS`")
                .hint("ask the publisher for the table without `KEYS`"));
        }
        let product = |dimensions: &[Dimension]| {
            let sizes = dimensions.iter().map(|dimension| dimension.codes.len() as u64);
            sizes.fold(1_u64, u64::saturating_mul)
        };
        let breadth = product(&dimensions[keyed..]);
        let mut shown = Vec::new();
        for (number, dimension) in dimensions.iter().enumerate() {
            shown.push(Column::Code(number));
            if dimension.labels.is_some() {
                shown.push(Column::Label(number));
            }
        }
        shown.push(Column::Value);
        let (keys, lines) = (Vec::new(), Vec::new());
        Ok(Self { dimensions, shown, keyed, keys, breadth, lines, rows: 0 })
    }

    /// Reads the figures; in an ordinary file there are as many as cells, with `KEYS` each line says
    /// first to what its figures belong.
    fn read(
        &mut self,
        source: &str,
        bytes: usize,
        text: &str,
        line: u32,
        pool: &mut Pool,
    ) -> Result<Vec<Cell>, Problem> {
        let mut cells = Vec::new();
        for (place, column) in (0..).zip(&self.shown) {
            cells.push(Cell::of_text(
                0,
                place,
                match column {
                    Column::Code(number) => self.dimensions[*number].name.text.to_string(),
                    Column::Label(number) => {
                        format!("{} label", self.dimensions[*number].name.text)
                    }
                    Column::Value => "VALUE".to_owned(),
                },
            ));
        }
        let place_of: Vec<HashMap<SmolStr, u64>> = self.dimensions[..self.keyed]
            .iter()
            .map(|dimension| {
                let items =
                    [Some(&dimension.codes), dimension.labels.as_ref()].into_iter().flatten();
                items
                    .flat_map(|items| items.iter().map(|item| item.text.clone()).zip(0..))
                    .collect()
            })
            .collect();
        let period = self.keyed as u64 + self.breadth;
        let (mut count, mut key, mut last_line) = (0_u64, 0_u64, line);
        let mut places = vec![0; self.dimensions.len()];
        for token in keywords::figures(text, line) {
            let token = token.map_err(|line| {
                refuse_line(source, line as usize, "a quote opens here and is never closed")
                    .hint("the file may be cut short: fetch it again from its publisher")
            })?;
            if self.lines.last().is_none_or(|(line, _)| *line != token.line) {
                self.lines.push((token.line, u32::try_from(count).unwrap_or(u32::MAX)));
            }
            last_line = token.line;
            let at = count % period.max(1);
            count += 1;
            if at < self.keyed as u64 {
                let at = at as usize;
                let place = place_of[at].get(token.text).ok_or_else(|| {
                    let name = &self.dimensions[at].name.text;
                    let message = format!("`{}` is no category of `{name}`", token.text);
                    refuse_line(source, token.line as usize, message)
                })?;
                key = key * self.dimensions[at].codes.len() as u64 + place;
                if at + 1 == self.keyed {
                    self.keys.push(key);
                    key = 0;
                }
                continue;
            }
            if self.keyed == 0 && count > self.breadth {
                continue;
            }
            self.rows += 1;
            self.places(self.rows, &mut places);
            for (place, column) in (0..).zip(&self.shown) {
                let text = match column {
                    Column::Code(number) => {
                        self.dimensions[*number].codes.get(places[*number]).map(|i| i.text.clone())
                    }
                    Column::Label(number) => {
                        let labels = self.dimensions[*number].labels.as_ref();
                        labels.and_then(|l| l.get(places[*number])).map(|item| item.text.clone())
                    }
                    Column::Value => Some(pool.share(token.text)),
                };
                let text = text.filter(|text| !text.is_empty());
                cells.extend(text.map(|text| Cell::plain(self.rows, place, Value::Text(text))));
            }
            room(source, cells.len() as u64, bytes)?;
        }
        let whole = match self.keyed {
            0 => count == self.breadth,
            _ => count % period.max(1) == 0,
        };
        if !whole {
            let cells = if self.keyed == 0 { self.breadth } else { period };
            let message = match self.keyed {
                0 => format!("{count} figures for a table of {cells} cells"),
                _ => format!("{count} keys and figures, which are no lines of {cells}"),
            };
            return Err(refuse_line(source, last_line as usize, message).hint(
                "the file may be cut short: compare its size and SHA-256 with the publisher's",
            ));
        }
        Ok(cells)
    }

    /// The place of a row's figure in each dimension; the last one runs fastest.
    fn places(&self, row: u32, places: &mut [usize]) {
        let ordinal = u64::from(row.saturating_sub(1));
        let breadth = self.breadth.max(1);
        let (key, mut beside) = match self.keyed {
            0 => (0, ordinal),
            _ => {
                let key = self.keys.get((ordinal / breadth) as usize).copied().unwrap_or(0);
                (key, ordinal % breadth)
            }
        };
        let mut key = key;
        for (number, dimension) in self.dimensions.iter().enumerate().rev() {
            let size = dimension.codes.len().max(1) as u64;
            let of = if number < self.keyed { &mut key } else { &mut beside };
            places[number] = (*of % size) as usize;
            *of /= size;
        }
    }

    /// The number of a row's figure among the items of the data.
    fn item(&self, row: u32) -> u64 {
        let ordinal = u64::from(row.saturating_sub(1));
        match self.keyed {
            0 => ordinal,
            keyed => ordinal + (ordinal / self.breadth.max(1) + 1) * keyed as u64,
        }
    }
}

impl Layout for Cube {
    fn row_path(&self, row: u32) -> String {
        let item = self.item(row);
        let after = self.lines.partition_point(|(_, first)| u64::from(*first) <= item);
        let (line, first) = self.lines.get(after.wrapping_sub(1)).copied().unwrap_or((0, 0));
        format!("R{line}C{}", item - u64::from(first) + 1)
    }

    fn row_at(&self, path: &str) -> Option<u32> {
        let (line, n) = path.strip_prefix('R')?.split_once('C')?;
        let at = self.lines.binary_search_by_key(&line.parse().ok()?, |(line, _)| *line).ok()?;
        let item = u64::from(self.lines[at].1) + n.parse::<u64>().ok()?.checked_sub(1)?;
        let ordinal = match self.keyed {
            0 => item,
            keyed => {
                let period = keyed as u64 + self.breadth;
                item / period * self.breadth + (item % period).checked_sub(keyed as u64)?
            }
        };
        let row = u32::try_from(ordinal).ok()?.checked_add(1)?;
        (row <= self.rows && self.row_path(row) == path).then_some(row)
    }

    fn columns(&self) -> u32 {
        self.shown.len() as u32
    }

    fn column_path(&self, row: u32, column: u32) -> Option<String> {
        let mut places = vec![0; self.dimensions.len()];
        self.places(row, &mut places);
        let item = match self.shown.get(column as usize)? {
            Column::Code(number) => self.dimensions[*number].codes.get(places[*number])?,
            Column::Label(number) => {
                self.dimensions[*number].labels.as_ref()?.get(places[*number])?
            }
            Column::Value => return None,
        };
        Some(item.place())
    }

    fn header_path(&self, column: u32) -> String {
        match self.shown.get(column as usize) {
            Some(Column::Code(number) | Column::Label(number)) => {
                self.dimensions[*number].name.place()
            }
            _ => "DATA".into(),
        }
    }
}

/// All keywords but the figures: one row for each item.
fn metadata(keywords: &[Keyword]) -> Grid {
    let mut cells = Vec::new();
    for (column, header) in (0..).zip(PARTS) {
        cells.push(Cell::of_text(0, column, header));
    }
    let mut places = Vec::new();
    for keyword in keywords {
        // Shared by the rows of all items.
        let name: SmolStr = (&*keyword.name).into();
        let language: SmolStr = keyword.language.as_deref().unwrap_or("").into();
        let subject: SmolStr = keyword.subjects.join("; ").into();
        for item in &keyword.items {
            places.push((item.line, item.number));
            let row = places.len() as u32;
            let texts = [&name, &language, &subject, &item.text];
            let texts = (0..).zip(texts).filter(|(_, text)| !text.trim().is_empty());
            cells.extend(texts.map(|(column, text)| Cell::of_text(row, column, text.clone())));
        }
    }
    let paths = Metadata { places, row_of: OnceLock::new() };
    Grid::structured(Some("metadata".into()), cells, Arc::new(paths))
}

const PARTS: [&str; 4] = ["keyword", "language", "subject", "value"];

#[derive(Debug)]
struct Metadata {
    places: Vec<(u32, u32)>,
    row_of: OnceLock<HashMap<String, u32>>,
}

impl Paths for Metadata {
    fn path(&self, row: u32, column: u32) -> String {
        let place = (row as usize).checked_sub(1).and_then(|row| self.places.get(row));
        let part = PARTS.get(column as usize).copied().unwrap_or("");
        match (place, part) {
            (None, part) => format!("header {part}"),
            (Some((line, n)), "value") => format!("R{line}C{n}"),
            (Some((line, n)), part) => format!("{part} of R{line}C{n}"),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        let column = |part: &str| PARTS.iter().position(|known| *known == part).map(|at| at as u32);
        if let Some(part) = path.strip_prefix("header ") {
            return Some((0, column(part)?));
        }
        let row_of = self.row_of.get_or_init(|| {
            let places = self.places.iter().zip(1..);
            places.map(|((line, n), row)| (format!("R{line}C{n}"), row)).collect()
        });
        let (part, place) = path.split_once(" of ").unwrap_or(("value", path));
        Some((*row_of.get(place)?, column(part)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use crate::grid::Workbook;

    fn rows(workbook: &Workbook) -> Vec<Vec<String>> {
        let grid = workbook.sheet(None).unwrap();
        for grid in &workbook.sheets {
            for cell in grid.cells() {
                let address = grid.address(cell.row, cell.column);
                assert_eq!(grid.at(&address), Some(cell), "{address}");
            }
        }
        let last = grid.cells().last().map_or(0, |cell| cell.row);
        (0..=last).map(|row| grid.row(row).iter().map(|cell| cell.text()).collect()).collect()
    }

    const HEAD: &str = "CHARSET=\"ANSI\";\nTITLE=\"A title \"\n\"in two parts\";\nSTUB=\"area\";\n\
        HEADING=\"year\";VALUES(\"area\")=\"North; east\",\"South\";\nVALUES[en](\"area\")=\"N\",\"S\";\n\
        CODES(\"area\")=\"N\",\"S\";\nVALUES(\"year\")=\"2010\",\n\"2020\";\nTIMEVAL(\"year\")=TLIST(A1,\"2010\"-\"2020\");\n";

    #[test]
    fn figures_dots_and_keywords_are_read() {
        let text = format!("{HEAD}DATA=\n1.50 \"..\";\n\".\" -;\n");
        let workbook = open("a.px", text.as_bytes()).unwrap();
        let rows = rows(&workbook);
        assert_eq!(rows[0], ["area", "area label", "year", "VALUE"]);
        assert_eq!(rows[1], ["N", "North; east", "2010", "1.50"]);
        assert_eq!(rows[2], ["N", "North; east", "2020", ".."]);
        assert_eq!(rows[4], ["S", "South", "2020", "-"]);
        let grid = workbook.sheet(None).unwrap();
        assert_eq!(grid.address(2, 3), "R12C2");
        assert_eq!(grid.address(2, 2), "R9C1 of R12C2");
        let metadata = workbook.sheet(Some("metadata")).unwrap();
        assert!(metadata.cells().iter().any(|cell| cell.text() == "A title in two parts"));
        assert!(metadata.cells().iter().any(|cell| cell.text() == "TLIST(A1,\"2010\"-\"2020\")"));
    }

    #[test]
    fn keys_say_which_rows_there_are() {
        let text = format!("{HEAD}KEYS(\"area\")=CODES;\nDATA=\n\"S\", 3 4;\n");
        let rows = rows(&open("a.px", text.as_bytes()).unwrap());
        assert_eq!(rows[1..], [["S", "South", "2010", "3"], ["S", "South", "2020", "4"]]);
        let wrong = format!("{HEAD}KEYS(\"area\")=CODES;\nDATA=\n\"X\", 3 4;\n");
        assert!(open("a.px", wrong.as_bytes()).unwrap_err().message.contains("`X` is no category"));
    }

    #[test]
    fn what_does_not_fit_is_a_problem_with_its_line() {
        let message = |tail: &str| {
            let problem = open("a.px", format!("{HEAD}{tail}").as_bytes()).unwrap_err();
            problem.to_string()
        };
        assert!(message("DATA=\n1 2 3;").contains("a.px:12: 3 figures for a table of 4 cells"));
        assert!(message("DATA=\n1 2 3 4\n5;").contains("a.px:13: 5 figures"));
        assert!(message("DATA=\n1 2 3 \"4;").contains("never closed"));
        assert!(message("NOTE=\"x").contains("never closed"));
        assert!(message("").contains("no `DATA`"));
        let many = "VALUES(\"v\")=\"1\";".repeat(10);
        let huge: String =
            (0..40).map(|n| format!("VALUES(\"v{n}\")=\"1\",\"2\",\"3\",\"4\";\n")).collect();
        let stub: Vec<String> = (0..40).map(|n| format!("\"v{n}\"")).collect();
        let text = format!("TITLE=\"x\";STUB={};\n{huge}{many}DATA=1;", stub.join(","));
        assert!(open("a.px", text.as_bytes()).unwrap_err().message.contains("1 figures"));
    }

    #[test]
    fn a_code_page_is_taken_from_the_file() {
        let text = "CODEPAGE=\"koi8-r\";STUB=\"год\";VALUES(\"год\")=\"2010\";DATA=1;";
        let bytes = encoding_rs::KOI8_R.encode(text).0.into_owned();
        let workbook = open("a.px", &bytes).unwrap();
        assert_eq!(workbook.sheet(None).unwrap().get(0, 0).unwrap().text(), "год");
    }
}
