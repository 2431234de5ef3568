//! JSON-stat: a cube of values in one sequence, with the categories of each dimension beside it. Both
//! the bundles of its first version and the data sets and collections of its second one are read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use opeka_model::Problem;
use smol_str::SmolStr;

use super::flat::{Pool, refuse, room};
use super::json::{File, FlatPaths, Json, Layout, list, member};
use crate::grid::{Cell, Grid, Value};

/// Whether it is a response of JSON-stat.
pub(super) fn is(json: &Json) -> bool {
    matches!(json.get("class").and_then(Json::text), Some("dataset" | "collection" | "dimension"))
        || is_set(json)
        || json.members().iter().any(|(_, member)| is_set(member))
}

fn is_set(json: &Json) -> bool {
    json.get("dimension").is_some_and(|dimension| !dimension.members().is_empty())
        && json.get("value").is_some()
}

pub(super) fn read(file: &File, json: &Json) -> Result<Vec<Grid>, Problem> {
    let mut sets: Vec<(String, &Json)> = Vec::new();
    if is_set(json) {
        sets.push(("$".into(), json));
    } else if let Some(items) = json.get("link").and_then(|link| link.get("item")) {
        let items = items.array().iter().enumerate().filter(|(_, item)| is_set(item));
        sets.extend(items.map(|(i, item)| (format!("$['link']['item'][{i}]"), item)));
    } else {
        let members = json.members().iter().filter(|(_, value)| is_set(value));
        sets.extend(members.map(|(name, value)| (format!("${}", member(name)), value)));
    }
    if sets.is_empty() {
        return Err(refuse(file.source, "the JSON-stat response holds no data set").hint(
            "a collection only links to its data sets, and a dimension has no figures; fetch those",
        ));
    }
    let (mut pool, mut grids) = (Pool::new(), Vec::new());
    for (number, (base, set)) in (1..).zip(&sets) {
        let name = (sets.len() > 1).then(|| format!("dataset {number}"));
        grids.push(cube(file, base, set, name, &mut pool)?);
    }
    // The figures stand in their own tables.
    let figures: BTreeSet<String> = sets
        .iter()
        .flat_map(|(base, _)| ["value", "status"].map(|name| format!("{base}{}", member(name))))
        .collect();
    grids.extend(list(file, "metadata", "$", json, &mut pool, &|path| figures.contains(path))?);
    Ok(grids)
}

#[derive(Debug)]
struct Dimension {
    id: Box<str>,
    size: u64,
    /// Each code in its place, with its label.
    categories: Vec<(SmolStr, Option<SmolStr>)>,
    /// Where the codes stand.
    index: Index,
    labelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Index {
    Array,
    Object,
    /// A single category, named by its label or its unit only.
    Absent,
}

/// No cube has more dimensions than this.
const MOST_DIMENSIONS: usize = 200;

fn cube(
    file: &File,
    base: &str,
    set: &Json,
    name: Option<String>,
    pool: &mut Pool,
) -> Result<Grid, Problem> {
    let fail = |message: String| {
        refuse(file.source, format!("the data set at {base}: {message}"))
            .hint("the file is not what JSON-stat lays down; fetch it again, or as CSV")
    };
    let dimension = set.get("dimension").unwrap_or(&Json::Null);
    let given = |name: &str| set.get(name).or_else(|| dimension.get(name));
    let ids = given("id").map_or(&[][..], Json::array);
    let sizes = given("size").map_or(&[][..], Json::array);
    if ids.is_empty() || ids.len() > MOST_DIMENSIONS {
        return Err(fail(format!("it has {} dimensions", ids.len())));
    }
    // An office is known to leave out one of the sizes; the categories say them, too.
    let said = ids.len() == sizes.len();
    let mut dimensions: Vec<Dimension> = Vec::new();
    let mut product: u64 = 1;
    for (number, id) in ids.iter().enumerate() {
        let id = id.text().ok_or_else(|| fail("an id that is no text".into()))?;
        let size = match sizes.get(number).filter(|_| said) {
            Some(size) => Some(
                size.count().ok_or_else(|| fail(format!("`{id}` has a size that is no number")))?,
            ),
            None => None,
        };
        let category = dimension.get(id).and_then(|dimension| dimension.get("category"));
        let category = category.ok_or_else(|| fail(format!("`{id}` has no categories")))?;
        let read = categories(id, size, category, pool).map_err(fail)?;
        product = product
            .checked_mul(read.size)
            .ok_or_else(|| fail("more cells than can be counted".into()))?;
        dimensions.push(read);
    }
    let values = Sequence::of(set.get("value"), product, "value").map_err(fail)?;
    let status = Sequence::of(set.get("status"), product, "status").map_err(fail)?;
    let ordinals = match (&values, &status) {
        (Sequence::Array(array), _) if array.len() as u64 != product => {
            return Err(fail(format!("{} values for {product} cells", array.len())));
        }
        (Sequence::Array(_), _) => None,
        (Sequence::Object(values), Sequence::Object(status)) => {
            let both: BTreeSet<u64> = values.keys().chain(status.keys()).copied().collect();
            Some(both.into_iter().collect::<Vec<u64>>())
        }
        (Sequence::Object(values), _) => {
            let mut ordinals: Vec<u64> = values.keys().copied().collect();
            ordinals.sort_unstable();
            Some(ordinals)
        }
        (Sequence::All(_) | Sequence::None, _) => return Err(fail("no values".into())),
    };
    let rows = ordinals.as_ref().map_or(product, |ordinals| ordinals.len() as u64);
    let mut columns = Vec::new();
    for (number, dimension) in dimensions.iter().enumerate() {
        columns.push(Column::Code(number));
        if dimension.labelled {
            columns.push(Column::Label(number));
        }
    }
    columns.push(Column::Value);
    if !matches!(status, Sequence::None) {
        columns.push(Column::Status);
    }
    room(file.source, rows.saturating_mul(columns.len() as u64), file.bytes)?;
    let mut cells = Vec::new();
    for (place, column) in (0..).zip(&columns) {
        let header = match column {
            Column::Code(number) => dimensions[*number].id.to_string(),
            Column::Label(number) => format!("{} label", dimensions[*number].id),
            Column::Value => "value".into(),
            Column::Status => "status".into(),
        };
        cells.push(Cell::of_text(0, place, header));
    }
    let layout = Cube {
        base: base.to_owned(),
        columns,
        dimensions,
        ordinals,
        rows: rows as u32,
        values: matches!(values, Sequence::Array(_)),
        status: match status {
            Sequence::Array(_) => Some(Index::Array),
            Sequence::Object(_) => Some(Index::Object),
            _ => None,
        },
    };
    let mut places = vec![0; layout.dimensions.len()];
    for row in 1..=layout.rows {
        let ordinal = layout.ordinal(row);
        layout.places(ordinal, &mut places);
        for (place, column) in (0..).zip(&layout.columns) {
            let category = |number: usize| &layout.dimensions[number].categories[places[number]];
            let value = match column {
                Column::Code(number) => Some(Value::Text(category(*number).0.clone())),
                Column::Label(number) => category(*number).1.clone().map(Value::Text),
                Column::Value => values.at(ordinal).and_then(|value| value.value(pool)),
                Column::Status => status.at(ordinal).and_then(|value| value.value(pool)),
            };
            cells.extend(value.map(|value| Cell::plain(row, place, value)));
        }
    }
    Ok(Grid::structured(name, cells, Arc::new(FlatPaths(layout))))
}

fn categories(
    id: &str,
    size: Option<u64>,
    json: &Json,
    pool: &mut Pool,
) -> Result<Dimension, String> {
    let labels = json.get("label").map_or(&[][..], Json::members);
    let mut codes: Vec<(u64, &str)> = Vec::new();
    let index = match json.get("index") {
        Some(Json::Array(array)) => {
            for (place, code) in (0..).zip(array) {
                codes.push((
                    place,
                    code.text().ok_or_else(|| format!("a code of `{id}` is no text"))?,
                ));
            }
            Index::Array
        }
        Some(Json::Object(members)) => {
            for (code, place) in members {
                let place = place.count();
                let place = place.ok_or_else(|| format!("`{code}` of `{id}` has no place"))?;
                codes.push((place, code));
            }
            codes.sort_unstable();
            Index::Object
        }
        _ => {
            let named = labels.first().or_else(|| json.get("unit")?.members().first());
            codes.extend(named.map(|(code, _)| (0, &**code)));
            Index::Absent
        }
    };
    let size = size.unwrap_or(codes.len() as u64);
    if codes.len() as u64 != size || (0..).zip(&codes).any(|(place, code)| code.0 != place) {
        return Err(format!("`{id}` has {} categories for a size of {size}", codes.len()));
    }
    let labels: HashMap<&str, &str> =
        labels.iter().filter_map(|(code, label)| Some((&**code, label.text()?))).collect();
    let categories: Vec<_> = codes
        .iter()
        .map(|(_, code)| (pool.share(code), labels.get(code).map(|label| pool.share(label))))
        .collect();
    let labelled = categories.iter().any(|(_, label)| label.is_some());
    Ok(Dimension { id: id.into(), size, categories, index, labelled })
}

/// The values or the statuses of the cells.
enum Sequence<'j> {
    Array(&'j [Json<'j>]),
    Object(HashMap<u64, &'j Json<'j>>),
    /// One for all.
    All(&'j Json<'j>),
    None,
}

impl<'j> Sequence<'j> {
    fn of(json: Option<&'j Json<'j>>, product: u64, name: &str) -> Result<Self, String> {
        match json {
            Some(Json::Array(array)) if name == "status" && array.len() == 1 && product > 1 => {
                Ok(Self::All(&array[0]))
            }
            Some(Json::Array(array)) if array.len() as u64 > product => {
                Err(format!("`{name}` has {} entries for {product} cells", array.len()))
            }
            Some(Json::Array(array)) => Ok(Self::Array(array)),
            Some(Json::Object(members)) => {
                let mut found = HashMap::with_capacity(members.len());
                for (key, value) in members {
                    let ordinal = key.parse::<u64>().ok().filter(|ordinal| *ordinal < product);
                    let ordinal = ordinal.ok_or_else(|| {
                        format!("`{name}` has an entry `{key}` outside {product} cells")
                    })?;
                    if found.insert(ordinal, value).is_some() {
                        return Err(format!("`{name}` has the entry {ordinal} twice"));
                    }
                }
                Ok(Self::Object(found))
            }
            Some(text @ Json::Text(_)) => Ok(Self::All(text)),
            _ => Ok(Self::None),
        }
    }

    fn at(&self, ordinal: u64) -> Option<&'j Json<'j>> {
        match self {
            Self::Array(array) => array.get(usize::try_from(ordinal).ok()?),
            Self::Object(members) => members.get(&ordinal).copied(),
            Self::All(value) => Some(value),
            Self::None => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    Code(usize),
    Label(usize),
    Value,
    Status,
}

/// The layout of a data set: rows are the cells of the cube that have a value or a status.
#[derive(Debug)]
struct Cube {
    base: String,
    columns: Vec<Column>,
    dimensions: Vec<Dimension>,
    /// Which cells there are, where it is not all of them.
    ordinals: Option<Vec<u64>>,
    rows: u32,
    /// Whether the values are an array.
    values: bool,
    status: Option<Index>,
}

impl Cube {
    fn ordinal(&self, row: u32) -> u64 {
        let at = row.saturating_sub(1);
        match &self.ordinals {
            Some(ordinals) => ordinals.get(at as usize).copied().unwrap_or(0),
            None => u64::from(at),
        }
    }

    /// The place in each dimension; the last one runs fastest.
    fn places(&self, mut ordinal: u64, places: &mut [usize]) {
        for (place, dimension) in places.iter_mut().zip(&self.dimensions).rev() {
            *place = (ordinal % dimension.size.max(1)) as usize;
            ordinal /= dimension.size.max(1);
        }
    }

    fn entry(&self, name: &str, array: bool, ordinal: u64) -> String {
        match array {
            true => format!("{}['{name}'][{ordinal}]", self.base),
            false => format!("{}['{name}']['{ordinal}']", self.base),
        }
    }
}

impl Layout for Cube {
    fn row_path(&self, row: u32) -> String {
        self.entry("value", self.values, self.ordinal(row))
    }

    fn row_at(&self, path: &str) -> Option<u32> {
        let rest = path.strip_prefix(&self.base)?.strip_prefix("['value'][")?;
        let ordinal: u64 = rest.strip_suffix(']')?.trim_matches('\'').parse().ok()?;
        let at = match &self.ordinals {
            Some(ordinals) => ordinals.binary_search(&ordinal).ok()? as u64,
            None => ordinal,
        };
        u32::try_from(at).ok().filter(|at| *at < self.rows).map(|at| at + 1)
    }

    fn columns(&self) -> u32 {
        self.columns.len() as u32
    }

    fn column_path(&self, row: u32, column: u32) -> Option<String> {
        let ordinal = self.ordinal(row);
        let column = *self.columns.get(column as usize)?;
        let (Column::Code(number) | Column::Label(number)) = column else {
            return match (column, self.status) {
                (Column::Status, Some(index)) => {
                    Some(self.entry("status", index == Index::Array, ordinal))
                }
                (Column::Status, None) => Some(format!("{}['status']", self.base)),
                _ => None,
            };
        };
        let mut places = vec![0; self.dimensions.len()];
        self.places(ordinal, &mut places);
        let dimension = &self.dimensions[number];
        let (code, _) = dimension.categories.get(places[number])?;
        let category = format!("{}['dimension']{}['category']", self.base, member(&dimension.id));
        Some(match (column, dimension.index) {
            (Column::Label(_), _) => format!("{category}['label']{}", member(code)),
            (_, Index::Array) => format!("{category}['index'][{}]", places[number]),
            (_, Index::Object) => format!("{category}['index']{}", member(code)),
            (_, Index::Absent) => category,
        })
    }

    fn header_path(&self, column: u32) -> String {
        match self.columns.get(column as usize) {
            Some(Column::Code(number) | Column::Label(number)) => {
                format!("{}['dimension']{}", self.base, member(&self.dimensions[*number].id))
            }
            Some(Column::Status) => format!("{}['status']", self.base),
            _ => format!("{}['value']", self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use crate::grid::Grid;

    fn row(grid: &Grid, row: u32) -> Vec<String> {
        grid.row(row).iter().map(|cell| cell.text()).collect()
    }

    const SET: &str = r#"{"version":"2.0","class":"dataset","id":["sex","year"],"size":[2,2],
        "dimension":{"sex":{"label":"Sex","category":{"index":["M","F"],
        "label":{"M":"male","F":"female"}}},"year":{"category":{"index":{"2020":1,"2010":0}}}},"#;

    #[test]
    fn values_and_statuses_in_all_their_forms() {
        let forms = [
            (r#""value":[1,null,3,4],"status":{"1":"x"}}"#, ["1", "x", "3", "4"]),
            (r#""value":{"0":1,"2":3,"3":4},"status":{"1":"x"}}"#, ["1", "x", "3", "4"]),
            (r#""value":[1,"x",3,4]}"#, ["1", "x", "3", "4"]),
            (r#""value":[1,2,3,4],"status":"p"}"#, ["p"; 4]),
            (r#""value":[1,2,3,4],"status":["p"]}"#, ["p"; 4]),
            (r#""value":[1,null,3,null],"status":["a","b",null,"d"]}"#, ["a", "b", "3", "d"]),
        ];
        for (form, last) in forms {
            let workbook = open("a.json", format!("{SET}{form}").as_bytes()).unwrap();
            let grid = workbook.sheet(None).unwrap();
            assert_eq!(row(grid, 1)[..3], ["M", "male", "2010"], "{form}");
            assert_eq!(row(grid, 4)[..3], ["F", "female", "2020"], "{form}");
            let found = [1, 2, 3, 4].map(|r| row(grid, r).pop().unwrap());
            assert_eq!(found, last, "{form}");
            for cell in grid.cells() {
                let address = grid.address(cell.row, cell.column);
                assert_eq!(grid.at(&address), Some(cell), "{address}");
            }
        }
    }

    #[test]
    fn what_claims_more_than_it_holds_is_refused() {
        let open = |size: &str, rest: &str| {
            let text = format!(
                r#"{{"class":"dataset","id":["a","b"],"size":{size},"dimension":{{
                "a":{{"category":{{"index":["1"]}}}},"b":{{"category":{{"index":["1","2"]}}}}}},{rest}}}"#
            );
            open("a.json", text.as_bytes())
        };
        assert!(open("[1,2]", r#""value":[1,2]"#).is_ok());
        assert!(open("[1000000000,2]", r#""value":{"0":1}"#).is_err());
        assert!(open("[4000000000,8000000000]", r#""value":[1]"#).is_err());
        assert!(open("[1,2]", r#""value":[1]"#).unwrap_err().message.contains("1 values for 2"));
        assert!(open("[1,2]", r#""value":{"2":1}"#).unwrap_err().message.contains("`2` outside"));
        assert!(open("[1,-2]", r#""value":[1]"#).is_err());
        assert!(open("[1,2]", r#""value":[1,2],"status":{"9":"x"}"#).is_err());
    }

    #[test]
    fn bundles_and_collections_have_a_sheet_for_each_data_set() {
        let set = format!("{SET}{}", r#""value":[1,2,3,4]}"#);
        let bundle = open("a.json", format!(r#"{{"one":{set},"two":{set}}}"#).as_bytes()).unwrap();
        let two = bundle.sheet(Some("dataset 2")).unwrap();
        assert_eq!(two.address(4, 3), "$['two']['value'][3]");
        let collection =
            format!(r#"{{"class":"collection","version":"2.0","link":{{"item":[{set}]}}}}"#);
        let collection = open("a.json", collection.as_bytes()).unwrap();
        assert_eq!(
            collection.sheet(None).unwrap().address(1, 3),
            "$['link']['item'][0]['value'][0]"
        );
        let linked = br#"{"class":"collection","link":{"item":[{"class":"dataset","href":"x"}]}}"#;
        assert!(open("a.json", linked).unwrap_err().message.contains("no data set"));
    }
}
