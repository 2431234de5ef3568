//! Answers of the World Bank's interface: an array of what is said of the pages, and of figures.

use std::collections::HashMap;
use std::sync::Arc;

use opeka_model::Problem;

use super::flat::{Pool, refuse, room};
use super::json::{File, Json, list, member};
use crate::grid::{Cell, Grid, Paths};

/// Whether it is such an answer; one that tells of an error has no figures.
pub(super) fn is(json: &Json) -> bool {
    json.array().first().is_some_and(|about| {
        about.get("page").is_some()
            || about.get("message").is_some()
            || about.get("per_page").is_some()
    })
}

pub(super) fn read(file: &File, json: &Json) -> Result<Vec<Grid>, Problem> {
    let about = &json.array()[0];
    if let Some(message) = about.get("message") {
        let said =
            message.array().iter().find_map(|m| m.get("value")?.text()).unwrap_or("an error");
        return Err(refuse(file.source, format!("the World Bank answered with an error: {said}"))
            .hint("look at the indicator and country codes of the request"));
    }
    let rows = json.array().get(1).map_or(&[][..], Json::array);
    let (mut pool, mut columns) = (Pool::new(), Columns::default());
    let (mut cells, mut row) = (Vec::new(), 0);
    for figure in rows {
        row += 1;
        room(file.source, cells.len() as u64, file.bytes)?;
        for (name, value) in figure.members() {
            // A code and what it stands for: the code column, and its label right of it.
            let parts: [(&str, Option<&Json>); 2] = match value {
                Json::Object(_) => [("id", value.get("id")), ("value", value.get("value"))],
                plain => [("", Some(plain)), ("", None)],
            };
            for (part, value) in parts {
                if part == "value" || value.is_some() {
                    let column = columns.at(name, part);
                    if let Some(value) = value.and_then(|value| value.value(&mut pool)) {
                        cells.push(Cell::plain(row, column, value));
                    }
                }
            }
        }
    }
    if rows.is_empty() {
        return Err(refuse(file.source, "the World Bank's answer holds no figures")
            .hint("the request may have matched nothing; ask for other years or countries"));
    }
    let headers = (0..).zip(&columns.list).map(|(column, (name, part))| {
        let header = if *part == "value" { format!("{name} label") } else { name.to_string() };
        Cell::of_text(0, column, header)
    });
    let cells = headers.chain(cells).collect();
    let paths = Rows { columns: columns.list };
    let mut grids = vec![Grid::structured(None, cells, Arc::new(paths))];
    grids.extend(list("header", "$[0]", about, &mut pool, &|_| false));
    Ok(grids)
}

#[derive(Debug, Default)]
struct Columns {
    list: Vec<(Box<str>, &'static str)>,
    of: HashMap<Box<str>, [u32; 2]>,
}

impl Columns {
    fn at(&mut self, name: &str, part: &str) -> u32 {
        let part = match part {
            "id" => "id",
            "value" => "value",
            _ => "",
        };
        let place = usize::from(part == "value");
        if let Some(column) = self.of.get(name).map(|of| of[place]).filter(|c| *c != u32::MAX) {
            return column;
        }
        let column = self.list.len() as u32;
        self.list.push((name.into(), part));
        self.of.entry(name.into()).or_insert([u32::MAX; 2])[place] = column;
        column
    }
}

#[derive(Debug)]
struct Rows {
    columns: Vec<(Box<str>, &'static str)>,
}

impl Paths for Rows {
    fn path(&self, row: u32, column: u32) -> String {
        let below = match self.columns.get(column as usize) {
            Some((name, "")) => member(name),
            Some((name, part)) => format!("{}['{part}']", member(name)),
            None => String::new(),
        };
        match row.checked_sub(1) {
            Some(index) => format!("$[1][{index}]{below}"),
            // What names a column is the name of what stands in it.
            None => format!("name of $[1][0]{below}"),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        let row = match path.strip_prefix("$[1][") {
            Some(rest) => rest.split_once(']')?.0.parse::<u32>().ok()?.checked_add(1)?,
            None => 0,
        };
        let columns = 0..self.columns.len() as u32;
        columns.into_iter().find(|column| self.path(row, *column) == path).map(|c| (row, c))
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;

    #[test]
    fn an_answer_is_a_table_with_labels() {
        let answer = br#"[{"page":1,"total":2},[
            {"indicator":{"id":"X","value":"Children"},"country":{"id":"RU","value":"Russia"},
             "date":"2020","value":1.5,"obs_status":""},
            {"indicator":{"id":"X","value":"Children"},"country":{"id":"KZ","value":"Kazakhstan"},
             "date":"2020","value":null,"obs_status":"e"}]]"#;
        let workbook = open("a.json", answer).unwrap();
        let grid = workbook.sheet(None).unwrap();
        let row = |row| grid.row(row).iter().map(|cell| cell.text()).collect::<Vec<_>>();
        let header = [
            "indicator",
            "indicator label",
            "country",
            "country label",
            "date",
            "value",
            "obs_status",
        ];
        assert_eq!(row(0), header);
        assert_eq!(row(1), ["X", "Children", "RU", "Russia", "2020", "1.5"]);
        assert_eq!(row(2), ["X", "Children", "KZ", "Kazakhstan", "2020", "e"]);
        assert_eq!(grid.address(2, 3), "$[1][1]['country']['value']");
        assert_eq!(
            workbook.sheet(Some("header")).unwrap().get(1, 0).unwrap().text(),
            "$[0]['page']"
        );
    }

    #[test]
    fn an_error_and_an_empty_answer_are_problems() {
        let error = br#"[{"message":[{"id":"120","key":"Invalid value","value":"not valid"}]}]"#;
        assert!(open("a.json", error).unwrap_err().message.contains("not valid"));
        assert!(open("a.json", br#"[{"page":0,"pages":0},null]"#).is_err());
    }
}
