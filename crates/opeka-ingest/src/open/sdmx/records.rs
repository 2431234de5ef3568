//! What a message describes: header, code lists, components of structures, footers. Each thing that
//! has an id is a row of a table, and what is said of it are columns; nothing is left out.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;
use smol_str::SmolStr;

use crate::grid::{Cell, Grid, Paths};
use crate::open::flat::Pool;
use crate::open::xml::tree::{Node, Tree};
use crate::open::xml::{Start, Xml, local, quoted};

/// Parts of a structure that older messages name by their concept only.
const COMPONENTS: [&str; 7] = [
    "Dimension",
    "TimeDimension",
    "MeasureDimension",
    "Attribute",
    "PrimaryMeasure",
    "CrossSectionalMeasure",
    "Measure",
];

/// All tables of described things.
#[derive(Default)]
pub(super) struct Records {
    tables: Vec<Table>,
    open: Vec<Open>,
    /// How long the names of all columns are together.
    said: usize,
}

/// One table: the codes of a code list, or `structure`, `header`, `footer`.
struct Table {
    name: String,
    /// The code list whose codes these are.
    list: Option<Node>,
    columns: Vec<Box<str>>,
    column_of: HashMap<Box<str>, u32>,
    rows: Vec<Node>,
    cells: Vec<Cell>,
    /// Of a code list: each code, with the row it stands in and the column of its label.
    labels: HashMap<SmolStr, (SmolStr, u32)>,
    code_column: u32,
}

/// A described element that is open.
struct Open {
    table: usize,
    node: Node,
    /// The row of the thing that it describes, where that has one yet.
    row: Option<u32>,
    /// From the thing to this element; empty for the thing itself.
    relative: String,
    /// How often children of one name and language were met.
    met: HashMap<String, u32>,
    /// Its path from the top of the message, for the first column.
    element: String,
    list: Option<(Node, String)>,
}

/// A code list as the columns of figures use it.
pub(super) struct List<'r> {
    pub(super) id: &'r str,
    pub(super) node: Node,
    labels: &'r HashMap<SmolStr, (SmolStr, u32)>,
    columns: &'r [Box<str>],
    /// By which attribute a code is found.
    pub(super) by: &'r str,
}

impl List<'_> {
    /// The label of a code, and where it stands below the code.
    pub(super) fn label(&self, code: &str) -> Option<(SmolStr, &str)> {
        let (label, column) = self.labels.get(code)?;
        Some((label.clone(), self.columns.get(*column as usize)?))
    }
}

/// The first column outside code lists: which element it is.
const ELEMENT: &str = "name()";
const TEXT: &str = "text()";

impl Records {
    pub(super) fn open<'t>(
        &mut self,
        xml: &Xml<'t>,
        element: &Start<'t>,
        name: &str,
        node: Node,
        pool: &mut Pool,
    ) -> Result<(), Problem> {
        let (mut attributes, mut language) = (Vec::new(), None);
        xml.attributes(element, |attribute, value| {
            match attribute {
                "xml:lang" => language = Some(value.to_owned()),
                _ => attributes.push((attribute.to_owned(), value.to_owned())),
            }
            Ok(())
        })?;
        let has = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted);
        let above = self.open.last();
        let of_list = above.is_some_and(|above| self.tables[above.table].list.is_some());
        let mut thing = false;
        let described = match above.map(|above| self.tables[above.table].name.as_str()) {
            Some("header" | "description") if !of_list => true,
            Some("footer") if !of_list => {
                thing = name == "Message";
                thing
            }
            _ if of_list => {
                thing = name == "Code";
                thing
            }
            _ => {
                let listed = above.is_some_and(|above| {
                    above.element.ends_with("List") || above.element.ends_with("Components")
                });
                thing = (listed && COMPONENTS.contains(&name))
                    || (["id", "urn", "conceptRef", "value"].iter().any(|id| has(id).is_some())
                        && !matches!(name, "Ref" | "Annotation" | "Name" | "Description"));
                thing || !self.open.iter().any(|open| open.row.is_some())
            }
        };
        let list = match name {
            "Codelist" | "CodeList" => has("id").map(|(_, id)| (node, id.clone())),
            _ => None,
        };
        let table = match above {
            None => self.table(match name {
                "Header" => "header",
                "Footer" => "footer",
                "Description" => "description",
                _ => "structure",
            }),
            Some(Open { list: Some((list, id)), .. }) if name == "Code" => {
                let (list, id) = (*list, id.clone());
                self.list(list, &id)
            }
            Some(above) => above.table,
        };
        let mut open = Open {
            table,
            node,
            row: None,
            relative: String::new(),
            met: HashMap::new(),
            element: match self.open.last() {
                // What stands deep in text of its own is told by the last steps.
                Some(above) => {
                    let from = above.element.len().saturating_sub(300);
                    let from = above.element.ceil_char_boundary(from);
                    format!("{}/{name}", &above.element[from..])
                }
                None => name.to_owned(),
            },
            list,
        };
        match self.open.last_mut().filter(|_| !described) {
            Some(above) => {
                let mut step = name.to_owned();
                if let Some(language) = &language {
                    step.push_str(&format!("[@xml:lang={}]", quoted(language)));
                }
                let met = above.met.entry(step.clone()).or_default();
                *met += 1;
                if *met > 1 {
                    step.push_str(&format!("[{met}]"));
                }
                open.relative = match above.relative.as_str() {
                    "" => step,
                    relative => format!("{relative}/{step}"),
                };
                (open.row, open.node) = (above.row, above.node);
            }
            None => {
                if let Some(language) = language {
                    attributes.push(("xml:lang".into(), language));
                }
            }
        }
        // A component is a row even where only its parts say anything.
        if thing {
            self.row(&mut open, pool);
        }
        self.open.push(open);
        for (attribute, value) in attributes {
            self.cell(&format!("@{attribute}"), &value, pool);
        }
        if self.said > xml.most_said() {
            return Err(xml.problem("what the message describes has too many columns to hold"));
        }
        Ok(())
    }

    /// The element that opened last closes; its text is said then.
    pub(super) fn close(&mut self, text: &str, pool: &mut Pool) {
        if !text.is_empty() {
            self.cell("", text, pool);
        }
        self.open.pop();
    }

    /// A cell of the thing that is open: below the open element, at an attribute or its text.
    fn cell(&mut self, last: &str, value: &str, pool: &mut Pool) {
        let Some(mut open) = self.open.pop() else { return };
        let row = self.row(&mut open, pool);
        let table = &mut self.tables[open.table];
        // What is said of the thing by an element within it belongs to the same row.
        let relative = match (open.relative.as_str(), last) {
            ("", "") => TEXT.to_owned(),
            (relative, "") => relative.to_owned(),
            ("", last) => last.to_owned(),
            (relative, last) => format!("{relative}/{last}"),
        };
        let value = pool.share(value);
        let label = table.list.is_some()
            && (relative.starts_with("Name") || relative.starts_with("Description"));
        let known = table.columns.len();
        let column = table.cell(row, &relative, value.clone());
        if table.columns.len() > known {
            self.said += relative.len();
        }
        if relative == "@id" || relative == "@value" {
            table.code_column = column;
        }
        if label && let Some(code) = table.code(row) {
            table.labels.entry(code).or_insert((value, column));
        }
        self.open.push(open);
    }

    /// The row of what an open element describes.
    fn row(&mut self, open: &mut Open, pool: &mut Pool) -> u32 {
        if let Some(row) = open.row {
            return row;
        }
        let table = &mut self.tables[open.table];
        let row = table.row(open.node);
        if table.list.is_none() {
            table.cell(row, ELEMENT, pool.share(&open.element));
        }
        open.row = Some(row);
        row
    }

    /// What the attributes of a data set say of the message.
    pub(super) fn about(
        &mut self,
        node: Node,
        about: &[(String, String)],
        tree: &Tree,
        pool: &mut Pool,
    ) {
        if about.is_empty() {
            return;
        }
        let at = self.table("header");
        let table = &mut self.tables[at];
        let row = table.row(node);
        table.cell(row, ELEMENT, pool.share(tree.name(tree.name_of(node))));
        for (attribute, value) in about {
            table.cell(row, &format!("@{attribute}"), pool.share(value));
        }
    }

    fn table(&mut self, name: &str) -> usize {
        let known = self.tables.iter().position(|t| t.list.is_none() && t.name == name);
        known.unwrap_or_else(|| {
            self.tables.push(Table::new(name, None));
            self.tables.len() - 1
        })
    }

    fn list(&mut self, list: Node, id: &str) -> usize {
        match self.tables.iter().rposition(|table| table.list == Some(list)) {
            Some(table) => table,
            None => {
                self.tables.push(Table::new(id, Some(list)));
                self.tables.len() - 1
            }
        }
    }

    /// The code lists that are in the message.
    pub(super) fn lists(&self) -> Vec<List<'_>> {
        let lists = self.tables.iter().filter_map(|table| {
            let by = table.columns.get(table.code_column as usize)?.strip_prefix('@')?;
            let (labels, columns) = (&table.labels, table.columns.as_slice());
            Some(List { id: &table.name, node: table.list?, labels, columns, by })
        });
        lists.collect()
    }

    /// The grids: code lists first, then what describes them.
    pub(super) fn finish(self, tree: &Arc<Tree>) -> Vec<Grid> {
        let (lists, others): (Vec<_>, Vec<_>) =
            self.tables.into_iter().partition(|table| table.list.is_some());
        let tables = lists.into_iter().chain(others).filter(|table| !table.rows.is_empty());
        tables.map(|table| table.finish(tree)).collect()
    }
}

impl Table {
    fn new(name: &str, list: Option<Node>) -> Self {
        let mut table = Self {
            name: name.to_owned(),
            list,
            columns: Vec::new(),
            column_of: HashMap::new(),
            rows: Vec::new(),
            cells: Vec::new(),
            labels: HashMap::new(),
            code_column: u32::MAX,
        };
        if list.is_none() {
            table.column(ELEMENT);
        }
        table
    }

    /// A new row, from 1: the first one is the header.
    fn row(&mut self, node: Node) -> u32 {
        self.rows.push(node);
        self.rows.len() as u32
    }

    fn column(&mut self, relative: &str) -> u32 {
        match self.column_of.get(relative) {
            Some(column) => *column,
            None => {
                let column = self.columns.len() as u32;
                self.columns.push(relative.into());
                self.column_of.insert(relative.into(), column);
                column
            }
        }
    }

    fn cell(&mut self, row: u32, relative: &str, value: SmolStr) -> u32 {
        let column = self.column(relative);
        self.cells.push(Cell::of_text(row, column, value));
        column
    }

    /// The code of the row that is written now.
    fn code(&self, row: u32) -> Option<SmolStr> {
        let of_row = self.cells.iter().rev().take_while(|cell| cell.row == row);
        let mut codes = of_row.filter(|cell| cell.column == self.code_column);
        match codes.next().map(|cell| &cell.value) {
            Some(crate::grid::Value::Text(code)) => Some(code.clone()),
            _ => None,
        }
    }

    fn finish(mut self, tree: &Arc<Tree>) -> Grid {
        let headers = (0..).zip(&self.columns).map(|(column, relative)| {
            let header = relative.replace("[@xml:lang=", " ").replace(['@', '\'', '"'], "");
            let header = header
                .replace("text()", "text")
                .replace(ELEMENT, "element")
                .replace("]", "")
                .replace('[', " ");
            Cell::of_text(0, column, header.replace('/', " "))
        });
        let mut cells: Vec<Cell> = headers.collect();
        cells.append(&mut self.cells);
        let paths = RecordPaths {
            tree: tree.clone(),
            rows: self.rows,
            columns: self.columns,
            column_of: self.column_of,
            row_of: OnceLock::new(),
        };
        Grid::structured(Some(self.name), cells, Arc::new(paths))
    }
}

/// Names the cells of described things: the path of the thing, then what is said of it.
#[derive(Debug)]
struct RecordPaths {
    tree: Arc<Tree>,
    rows: Vec<Node>,
    columns: Vec<Box<str>>,
    column_of: HashMap<Box<str>, u32>,
    row_of: OnceLock<HashMap<Node, u32>>,
}

impl Paths for RecordPaths {
    fn path(&self, row: u32, column: u32) -> String {
        let relative = self.columns.get(column as usize).map_or("", |relative| relative);
        let node = (row as usize).checked_sub(1).and_then(|row| self.rows.get(row));
        match node.map(|node| self.tree.path(*node)) {
            // What names a column is the name of what stands in it.
            None => format!("name((//{relative})[1])"),
            Some(path) if relative == ELEMENT => format!("name({path})"),
            Some(path) => format!("{path}/{relative}"),
        }
    }

    fn cell(&self, path: &str) -> Option<(u32, u32)> {
        if let Some(header) = path.strip_prefix("name((//") {
            return Some((0, *self.column_of.get(header.strip_suffix(")[1])")?)?));
        }
        let row_of = self.row_of.get_or_init(|| self.rows.iter().copied().zip(1..).collect());
        if let Some(path) = path.strip_prefix("name(") {
            let (node, _) = self.tree.follow(path.strip_suffix(')')?);
            return Some((*row_of.get(&node)?, *self.column_of.get(ELEMENT)?));
        }
        // The thing itself is the nearest element of the path that has a row.
        let (mut node, _) = self.tree.follow(path);
        while node > 0 {
            if let Some(row) = row_of.get(&node) {
                let relative = path.strip_prefix(self.tree.path(node).as_str())?;
                return Some((*row, *self.column_of.get(relative.strip_prefix('/')?)?));
            }
            node = self.tree.parent(node);
        }
        None
    }
}

/// The parts of a path of a code list's codes: `Code`, and by which attribute they are found.
pub(super) fn codes_path(tree: &Tree, list: &List) -> String {
    format!("{}/Code[@{}=", tree.path(list.node), local(list.by))
}
