//! From rows to series of points, with everything checked that a drawing takes for granted.

use std::collections::{BTreeMap, BTreeSet};

use arrow::record_batch::RecordBatch;
use opeka_model::{Frequency, Kind, Problem, Problems, TimePeriod, suggest};

use super::spec::ChartSpec;
use crate::Lang;
use crate::rows::{CELLS, Cells, Rows, Type, Value};

/// Colours and markers tell so many series apart, and a reader no more.
pub(crate) const MOST_SERIES: usize = 4;

/// Beyond this a difference of two values is no number any more.
const LARGEST: f64 = 1e300;

/// One line of the chart.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// Place in the palette; `None` is a light grey line without a label of its own.
    pub(crate) colour: Option<usize>,
    /// In the order of time.
    pub(crate) points: Vec<Point>,
}

/// One period of a series.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// Years, with the part of the year in which the period starts.
    pub(crate) x: f64,
    pub(crate) period: String,
    pub(crate) value: Option<f64>,
    pub(crate) cells: Vec<String>,
}

impl Series {
    /// The points that have a value.
    pub(crate) fn drawn(&self) -> impl DoubleEndedIterator<Item = (&Point, f64)> + Clone {
        self.points.iter().filter_map(|point| point.value.map(|value| (point, value)))
    }
}

pub(crate) fn read(
    file: &str,
    spec: &ChartSpec,
    batches: &[RecordBatch],
    lang: Lang,
) -> Result<Vec<Series>, Problems> {
    let at = |key: &str, kind: Kind, message: String| {
        Problem::error(kind, spec.place(file, key), message)
    };
    let rows = Rows::new(batches).map_err(|message| at("sql", Kind::Data, message))?;
    let mut problems = Problems::new();
    let written = &spec.written;
    if rows.len == 0 && rows.columns.is_empty() {
        return no_rows(file, spec);
    }

    let series_column = written.series.get_ref().get(lang);
    if series_column.is_none() {
        let message = format!("`series` names no column for the language `{lang}`");
        problems.push(at("series", Kind::Declaration, message));
    }
    let mut column = |key: &str, name: &str| {
        let found = rows.column(name);
        if found.is_none() {
            let message = format!("the query yields no column `{name}`");
            let hint = suggest(name, rows.names(), "columns");
            problems.push(at(key, Kind::Declaration, message).hint(hint));
        }
        found
    };
    let x = column("x", written.x.get_ref());
    let y = column("y", written.y.get_ref());
    let names = series_column.and_then(|name| column("series", name));
    let other_names: Vec<_> =
        written.series.get_ref().all().into_iter().filter_map(|name| rows.column(name)).collect();
    let cells = match &rows.cells {
        Cells::Lists(cells) => Some(cells),
        Cells::Missing => {
            let message = format!("the query yields no column `{CELLS}`");
            problems.push(at("sql", Kind::Declaration, message).hint(
                "select the cells behind each row: `cells`, or `array_agg(cell_ref) as cells`",
            ));
            None
        }
        Cells::NotLists(found) => {
            let message = format!("the column `{CELLS}` is {found}, not a list of text");
            problems.push(
                at("sql", Kind::Declaration, message)
                    .hint("lists gathered from lists need `flatten(array_agg(cells)) as cells`"),
            );
            None
        }
    };
    if let Some(y) = y.filter(|y| y.kind == Type::Text && rows.len > 0) {
        let message = format!("the column `{}` is not a number", y.name);
        problems.push(at("y", Kind::Declaration, message));
    }
    let (Some(x), Some(y), Some(names), Some(cells)) = (x, y, names, cells) else {
        return Err(problems);
    };
    let (cells, _) = rows.cells_of(&y.name, cells);
    if !problems.is_empty() {
        return Err(problems);
    }
    if rows.len == 0 {
        return no_rows(file, spec);
    }

    // In the order of first appearance, which the query's `order by` decides.
    let mut series: Vec<Series> = Vec::new();
    let mut aliases: Vec<Vec<String>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut complaints = Complaints::default();
    for (row, cells) in cells.iter().enumerate() {
        let Some(name) = text_of(&names.values[row]) else {
            complaints.add("series", "a row has no name of its series".into(), Some(row));
            continue;
        };
        let Some((x, period)) = text_of(&x.values[row]).and_then(|text| time(&text)) else {
            let shown = text_of(&x.values[row]).unwrap_or_else(|| "NULL".into());
            complaints.add("x", format!("`{shown}` is not a time period"), Some(row));
            continue;
        };
        let value = match &y.values[row] {
            Value::Number(value) if value.is_finite() && value.abs() <= LARGEST => Some(*value),
            Value::Number(value) => {
                complaints.add(
                    "y",
                    format!("{name}, {period}: {value:?} cannot be drawn"),
                    Some(row),
                );
                continue;
            }
            _ => None,
        };
        if value.is_some() && cells.is_empty() {
            complaints.add("sql", format!("{name}, {period}: the value names no cell"), Some(row));
        }
        let at = *known.entry(name.clone()).or_insert_with(|| {
            series.push(Series { name: name.clone(), colour: None, points: Vec::new() });
            aliases.push(other_names.iter().filter_map(|c| text_of(&c.values[row])).collect());
            series.len() - 1
        });
        series[at].points.push(Point { x, period, value, cells: cells.clone() });
    }
    for one in &mut series {
        one.points.sort_by(|a, b| a.x.total_cmp(&b.x).then_with(|| a.period.cmp(&b.period)));
        for pair in one.points.windows(2).filter(|pair| pair[0].x == pair[1].x) {
            let message = format!("{} has two rows for {}", one.name, pair[1].period);
            complaints.add("sql", message, None);
        }
    }
    complaints.report(file, spec, &mut problems);
    colour(file, spec, &mut series, &aliases, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    if series.iter().all(|one| one.drawn().next().is_none()) {
        return no_rows(file, spec);
    }
    Ok(series)
}

/// Gives the palette to the series that stand out.
fn colour(
    file: &str,
    spec: &ChartSpec,
    series: &mut [Series],
    aliases: &[Vec<String>],
    problems: &mut Problems,
) {
    let Some(highlight) = &spec.written.highlight else {
        if series.len() > MOST_SERIES {
            let message = format!("{} series are more than {MOST_SERIES}", series.len());
            problems.push(
                Problem::error(Kind::Declaration, spec.place(file, "series"), message).hint(
                    "name up to four of them in `highlight`; the others are then drawn light grey",
                ),
            );
        }
        for (at, one) in series.iter_mut().enumerate() {
            one.colour = Some(at);
        }
        return;
    };
    let place = || spec.place(file, "highlight");
    if highlight.get_ref().len() > MOST_SERIES {
        let message =
            format!("{} highlighted series are more than {MOST_SERIES}", highlight.get_ref().len());
        problems.push(Problem::error(Kind::Declaration, place(), message));
    }
    for (at, wanted) in highlight.get_ref().iter().enumerate() {
        // A series may be named in any of the languages: the file serves all of them.
        match aliases.iter().position(|names| names.contains(wanted)) {
            Some(found) => series[found].colour = Some(at),
            None => {
                let known: BTreeSet<&str> = aliases.iter().flatten().map(String::as_str).collect();
                let message = format!("`highlight` names a series that the rows lack: `{wanted}`");
                problems.push(
                    Problem::error(Kind::Declaration, place(), message)
                        .hint(suggest(wanted, known, "series")),
                );
            }
        }
    }
}

fn no_rows(file: &str, spec: &ChartSpec) -> Result<Vec<Series>, Problems> {
    if spec.written.allow_empty {
        return Ok(Vec::new());
    }
    let message = "the query yields no value to draw";
    Err(Problem::error(Kind::Data, spec.place(file, "sql"), message)
        .hint("if that is right, write `allow_empty = true`: the chart then says that there are no data")
        .into())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Number(number) => Some(format!("{number}")),
        Value::Text(text) => Some(text.clone()),
    }
    .filter(|text| !text.trim().is_empty())
}

/// The place of a period on the axis of time, in years: where the period starts.
fn time(text: &str) -> Option<(f64, String)> {
    let period = TimePeriod::parse(text.trim())?;
    let year = f64::from(period.year());
    let part = match period.frequency() {
        Frequency::Annual => 0.0,
        _ => {
            let start = period.start();
            let number = |range| start.get(range).and_then(|s: &str| s.parse::<f64>().ok());
            (number(5..7)? - 1.0) / 12.0 + (number(8..10)? - 1.0) / 372.0
        }
    };
    Some((year + part, period.to_string()))
}

/// Rows that are wrong in the same way are one problem with its first examples: a thousand lines
/// of the same complaint hide the next one.
#[derive(Default)]
struct Complaints(BTreeMap<&'static str, Vec<(String, Option<usize>)>>);

impl Complaints {
    fn add(&mut self, key: &'static str, message: String, row: Option<usize>) {
        self.0.entry(key).or_default().push((message, row));
    }

    fn report(self, file: &str, spec: &ChartSpec, problems: &mut Problems) {
        const SHOWN: usize = 3;
        for (key, complaints) in self.0 {
            for (message, row) in complaints.iter().take(SHOWN) {
                let problem = Problem::error(Kind::Data, spec.place(file, key), message);
                problems.push(match row {
                    Some(row) => problem.hint(format!("row {} of the query's answer", row + 1)),
                    None => problem,
                });
            }
            if complaints.len() > SHOWN {
                let message = format!("{} more rows like these", complaints.len() - SHOWN);
                problems.push(Problem::error(Kind::Data, spec.place(file, key), message));
            }
        }
    }
}
