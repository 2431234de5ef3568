//! SDMX-JSON: figures under keys of numbers, and the codes that the numbers stand for beside them.
//! The data messages of versions 1.0 and 2.0 are read, with observations in series or alone.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use opeka_model::Problem;
use smol_str::SmolStr;

use crate::grid::{Cell, Grid, Value};
use crate::open::flat::{Pool, refuse, room};
use crate::open::json::{File, FlatPaths, Json, Layout, list, member};

/// Whether it is a data message.
pub(in crate::open) fn is(json: &Json) -> bool {
    message(json).0.get("dataSets").is_some()
}

/// The part that holds data sets and structures: the message itself in drafts of version 1.
fn message<'j>(json: &'j Json<'j>) -> (&'j Json<'j>, &'static str) {
    match json.get("data") {
        Some(data) => (data, "$['data']"),
        None => (json, "$"),
    }
}

pub(in crate::open) fn read(file: &File, json: &Json) -> Result<Vec<Grid>, Problem> {
    let (message, base) = message(json);
    let fail = |what: String| {
        refuse(file.source, format!("the SDMX-JSON message is damaged: {what}"))
            .hint("fetch it again from its publisher, or ask the interface for CSV")
    };
    let sets = message.get("dataSets").map_or(&[][..], Json::array);
    let (mut pool, mut grids, mut figures) = (Pool::new(), Vec::new(), Vec::new());
    for (number, set) in sets.iter().enumerate() {
        let place = format!("{base}['dataSets'][{number}]");
        let (structure, at) = match message.get("structures").map(Json::array) {
            Some(structures) => {
                let index = set.get("structure").and_then(Json::count).unwrap_or(0);
                let structure = usize::try_from(index).ok().and_then(|i| structures.get(i));
                (structure, format!("{base}['structures'][{index}]"))
            }
            None => (message.get("structure"), format!("{base}['structure']")),
        };
        let structure = structure.ok_or_else(|| fail(format!("{place} has no structure")))?;
        let mut table = Table::new(place.clone(), at, structure, &mut pool);
        table.fill(file, set, &mut pool).map_err(|mistake| match mistake {
            Mistake::Said(what) => fail(what),
            Mistake::Problem(problem) => *problem,
        })?;
        let name = (sets.len() > 1).then(|| format!("dataset {}", number + 1));
        grids.push(table.finish(name));
        figures.extend(["observations", "series"].map(|name| format!("{place}['{name}']")));
    }
    if grids.is_empty() {
        return Err(refuse(file.source, "the SDMX-JSON message holds no data set")
            .hint("the request may have matched no data; ask for other codes or periods"));
    }
    grids.extend(list(file, "structure", "$", json, &mut pool, &|path| {
        figures.iter().any(|figures| figures == path)
    })?);
    Ok(grids)
}

enum Mistake {
    Said(String),
    Problem(Box<Problem>),
}

impl From<String> for Mistake {
    fn from(said: String) -> Self {
        Self::Said(said)
    }
}

/// A code and its label, as far as the structure says them.
type Code = (Option<SmolStr>, Option<SmolStr>);

/// A dimension, an attribute or a measure.
#[derive(Debug)]
struct Component {
    id: Box<str>,
    /// Where it stands in the structure.
    place: String,
    codes: Vec<Code>,
    /// In which member of a value its code stands.
    code_in: &'static str,
    labelled: bool,
    /// The column of its code.
    column: u32,
}

/// Where the number or the text of a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    SetDimension,
    SeriesDimension,
    ObservationDimension,
    Measure,
    ObservationAttribute,
    SeriesAttribute,
    SetAttribute,
}

#[derive(Debug)]
struct Table {
    place: String,
    components: Vec<(On, Component)>,
    /// How many measures come before the attributes of an observation.
    measures: usize,
    /// Component and whether the label, for each column.
    shown: Vec<(usize, bool)>,
    cells: Vec<Cell>,
    /// The key of each series, and its first row.
    series: Vec<(Box<str>, u32)>,
    in_series: bool,
    keys: Vec<SmolStr>,
    /// Whether each row leaves out the attributes without values.
    leaves_out: Vec<bool>,
    row_of: OnceLock<HashMap<String, u32>>,
}

impl Table {
    fn new(place: String, at: String, structure: &Json, pool: &mut Pool) -> Self {
        let levels: [(On, &str, &[&str]); 7] = [
            (On::SetDimension, "dimensions", &["dataSet", "dataset"]),
            (On::SeriesDimension, "dimensions", &["series"]),
            (On::ObservationDimension, "dimensions", &["observation"]),
            (On::Measure, "measures", &["observation"]),
            (On::ObservationAttribute, "attributes", &["observation"]),
            (On::SeriesAttribute, "attributes", &["series"]),
            (On::SetAttribute, "attributes", &["dataSet", "dataset"]),
        ];
        let mut components = Vec::new();
        for (on, kind, names) in levels {
            let of_kind = structure.get(kind);
            let found = names.iter().find_map(|name| Some((name, of_kind?.get(name)?)));
            for (index, component) in found.iter().flat_map(|f| f.1.array()).enumerate() {
                let name = found.map_or("", |(name, _)| name);
                let place = format!("{at}['{kind}']['{name}'][{index}]");
                components.push((on, Component::new(place, component, pool)));
            }
            if on == On::Measure && !components.iter().any(|(on, _)| *on == On::Measure) {
                components.push((on, Component::value(place.clone())));
            }
        }
        let measures = components.iter().filter(|(on, _)| *on == On::Measure).count();
        if measures == 1 {
            for (_, measure) in components.iter_mut().filter(|(on, _)| *on == On::Measure) {
                measure.id = "OBS_VALUE".into();
            }
        }
        let (mut shown, mut cells) = (Vec::new(), Vec::new());
        for (number, (_, component)) in components.iter_mut().enumerate() {
            component.column = shown.len() as u32;
            cells.push(Cell::of_text(0, shown.len() as u32, &*component.id));
            shown.push((number, false));
            if component.labelled {
                let header = format!("{} label", component.id);
                cells.push(Cell::of_text(0, shown.len() as u32, header));
                shown.push((number, true));
            }
        }
        let in_series = components.iter().any(|(on, _)| *on == On::SeriesDimension);
        Self {
            place,
            components,
            measures,
            shown,
            cells,
            series: Vec::new(),
            in_series,
            keys: Vec::new(),
            leaves_out: Vec::new(),
            row_of: OnceLock::new(),
        }
    }

    fn fill(&mut self, file: &File, set: &Json, pool: &mut Pool) -> Result<(), Mistake> {
        let whole = set.get("attributes").map_or(&[][..], Json::array);
        match set.get("series") {
            Some(series) => {
                self.in_series = true;
                for (key, series) in series.members() {
                    let first = self.keys.len() as u32 + 1;
                    self.series.push((Box::from(&**key), first));
                    let attributes = series.get("attributes").map_or(&[][..], Json::array);
                    let observations = series.get("observations").map_or(&[][..], Json::members);
                    for (observation, values) in observations {
                        self.row(file, key, observation, values, (attributes, whole), pool)?;
                    }
                    if observations.is_empty() {
                        self.row(file, key, "", &Json::Null, (attributes, whole), pool)?;
                    }
                }
            }
            None => {
                self.in_series = false;
                for (key, values) in set.get("observations").map_or(&[][..], Json::members) {
                    self.row(file, "", key, values, (&[], whole), pool)?;
                }
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        file: &File,
        series: &str,
        observation: &str,
        values: &Json,
        (of_series, of_set): (&[Json], &[Json]),
        pool: &mut Pool,
    ) -> Result<(), Mistake> {
        self.keys.push(pool.share(observation));
        let row = self.keys.len() as u32;
        let bare = [values.clone()];
        // A draft writes a lone value without its array.
        let values = if matches!(values, Json::Array(_)) { values.array() } else { &bare };
        let (mut series_key, mut key) = (numbers(series), numbers(observation));
        let left_out = self.left_out(values);
        self.leaves_out.push(left_out);
        let (mut measure, mut attribute) = (0, self.measures);
        let (mut in_series, mut in_set) = (of_series.iter(), of_set.iter());
        for (on, component) in &self.components {
            let wrong = |number: &str| {
                let at = if series.is_empty() { observation } else { series };
                let what = format!("`{number}` in the key `{at}` of {}", self.place);
                format!("{what} is no place among the values of `{}`", component.id)
            };
            let stored = match on {
                On::SetDimension => {
                    component.cells(row, 0, &mut self.cells);
                    continue;
                }
                On::SeriesDimension | On::ObservationDimension => {
                    let keys = if *on == On::SeriesDimension { &mut series_key } else { &mut key };
                    let number = match keys.next() {
                        // A series without observations has no key of one.
                        None if observation.is_empty() && *on == On::ObservationDimension => {
                            continue;
                        }
                        number => number.unwrap_or(""),
                    };
                    let place = number.parse().ok().filter(|place| *place < component.codes.len());
                    let place = place.ok_or_else(|| wrong(number))?;
                    component.cells(row, place, &mut self.cells);
                    continue;
                }
                On::Measure => {
                    measure += 1;
                    values.get(measure - 1)
                }
                On::ObservationAttribute if left_out && component.codes.is_empty() => continue,
                On::ObservationAttribute => {
                    attribute += 1;
                    values.get(attribute - 1)
                }
                On::SeriesAttribute => in_series.next(),
                On::SetAttribute => in_set.next(),
            };
            match stored {
                Some(number @ Json::Number(_))
                    if *on != On::Measure && !component.codes.is_empty() =>
                {
                    let place = number.count().and_then(|n| usize::try_from(n).ok());
                    let place = place.filter(|place| *place < component.codes.len());
                    let place = place.ok_or_else(|| wrong("an attribute"))?;
                    component.cells(row, place, &mut self.cells);
                }
                Some(Json::Array(several)) => {
                    // Several values of one attribute stay together.
                    let mut texts = several.iter().filter_map(|value| match value {
                        Json::Number(number) => Some(number.to_string()),
                        value => value.name().map(str::to_owned),
                    });
                    let text = texts.by_ref().collect::<Vec<_>>().join("; ");
                    if !text.is_empty() {
                        self.cells.push(Cell::of_text(row, component.column, text));
                    }
                }
                stored => {
                    let value = stored.and_then(|stored| match stored.value(pool) {
                        Some(value) => Some(value),
                        None => Some(Value::Text(pool.share(stored.name()?))),
                    });
                    self.cells.extend(value.map(|value| Cell::plain(row, component.column, value)));
                }
            }
        }
        if series_key.next().is_some() || key.next().is_some() {
            let said = format!("the key `{series}{observation}` has more parts than dimensions");
            return Err(said.into());
        }
        room(file.source, self.cells.len() as u64, file.bytes)
            .map_err(|problem| Mistake::Problem(Box::new(problem)))
    }

    /// Whether an observation leaves out the attributes that have no values at all, as an office is
    /// known to do: it has places for the others only.
    fn left_out(&self, values: &[Json]) -> bool {
        let attributes =
            || self.components.iter().filter(|(on, _)| *on == On::ObservationAttribute);
        let with_values = attributes().filter(|(_, c)| !c.codes.is_empty()).count();
        let said = values.len().saturating_sub(self.measures);
        with_values > 0 && said == with_values && said < attributes().count()
    }

    fn finish(mut self, name: Option<String>) -> Grid {
        let cells = std::mem::take(&mut self.cells);
        Grid::structured(name, cells, Arc::new(FlatPaths(self)))
    }

    fn series_of(&self, row: u32) -> Option<&str> {
        let after = self.series.partition_point(|(_, first)| *first <= row);
        self.series.get(after.checked_sub(1)?).map(|(key, _)| &**key)
    }
}

fn numbers(key: &str) -> impl Iterator<Item = &str> {
    key.split(':').filter(|number| !number.is_empty())
}

impl Component {
    fn new(place: String, json: &Json, pool: &mut Pool) -> Self {
        let values = json.get("values").map_or(&[][..], Json::array);
        let code_in = match values.first() {
            Some(value) if value.get("id").is_some() => "id",
            Some(value) if value.get("value").is_some() => "value",
            _ => "name",
        };
        let mut share =
            |json: Option<&Json>| json.and_then(Json::name).map(|text| pool.share(text));
        let codes: Vec<_> = values
            .iter()
            .map(|value| match code_in {
                "name" => (share(value.get("name").or(Some(value))), None),
                code_in => (
                    share(value.get(code_in)),
                    share(value.get("name").or_else(|| value.get("names"))),
                ),
            })
            .collect();
        let labelled = codes.iter().any(|(_, label)| label.is_some());
        let id = json.get("id").and_then(Json::text).unwrap_or("");
        Self { id: id.into(), place, codes, code_in, labelled, column: 0 }
    }

    /// The value of an observation, where the structure has no measure.
    fn value(place: String) -> Self {
        let (codes, code_in) = (Vec::new(), "");
        Self { id: "OBS_VALUE".into(), place, codes, code_in, labelled: false, column: 0 }
    }

    fn cells(&self, row: u32, place: usize, to: &mut Vec<Cell>) {
        let Some((code, label)) = self.codes.get(place) else { return };
        let texts = [(0, code), (1, label)];
        to.extend(texts.into_iter().filter_map(|(right, text)| {
            Some(Cell::of_text(row, self.column + right, text.clone()?))
        }));
    }
}

impl Layout for Table {
    fn row_path(&self, row: u32) -> String {
        let key = (row as usize).checked_sub(1).and_then(|row| self.keys.get(row));
        let key = member(key.map_or("", |key| key));
        match self.series_of(row).filter(|_| self.in_series) {
            Some(series) if key == "['']" => format!("{}['series']{}", self.place, member(series)),
            Some(series) => {
                format!("{}['series']{}['observations']{key}[0]", self.place, member(series))
            }
            None => format!("{}['observations']{key}[0]", self.place),
        }
    }

    fn row_at(&self, path: &str) -> Option<u32> {
        let rows = || (1..=self.keys.len() as u32).map(|row| (self.row_path(row), row)).collect();
        self.row_of.get_or_init(rows).get(path).copied()
    }

    fn columns(&self) -> u32 {
        self.shown.len() as u32
    }

    fn column_path(&self, row: u32, column: u32) -> Option<String> {
        let (number, is_label) = *self.shown.get(column as usize)?;
        let (on, component) = self.components.get(number)?;
        let before = self.components[..number].iter().filter(|(other, _)| other == on).count();
        let figure = self.row_path(row);
        let figure = figure.strip_suffix("[0]").unwrap_or(&figure);
        let series = figure.split_once("['observations']").map_or(figure, |(series, _)| series);
        let part = |key: &str| numbers(key).nth(before).map(str::to_owned);
        let place = match on {
            On::Measure if before == 0 => return None,
            On::Measure => return Some(format!("{figure}[{before}]")),
            On::ObservationAttribute => {
                let left_out = self.leaves_out.get((row as usize).checked_sub(1)?);
                if left_out == Some(&true) && component.codes.is_empty() {
                    return Some(component.place.clone());
                }
                let skipped = match left_out {
                    Some(true) => self.components[..number]
                        .iter()
                        .filter(|(on, c)| *on == On::ObservationAttribute && c.codes.is_empty())
                        .count(),
                    _ => 0,
                };
                Some(format!("{figure}[{}]", self.measures + before - skipped))
            }
            On::SeriesAttribute => Some(format!("{series}['attributes'][{before}]")),
            On::SetAttribute => Some(format!("{}['attributes'][{before}]", self.place)),
            On::SetDimension | On::SeriesDimension | On::ObservationDimension => None,
        };
        if let Some(place) = place {
            return Some(if is_label { format!("name of {place}") } else { place });
        }
        let number = match on {
            On::SetDimension => Some("0".to_owned()),
            On::SeriesDimension => part(self.series_of(row)?),
            _ => part(self.keys.get((row as usize).checked_sub(1)?)?),
        };
        let last = if is_label { "name" } else { component.code_in };
        Some(format!("{}['values'][{}]['{last}']", component.place, number?))
    }

    fn header_path(&self, column: u32) -> String {
        let component = self.shown.get(column as usize).and_then(|s| self.components.get(s.0));
        let Some((_, component)) = component else { return String::new() };
        format!("{}['id']", component.place)
    }
}
