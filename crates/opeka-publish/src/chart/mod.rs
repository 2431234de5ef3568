//! From rows and a declared chart to an SVG with its description and its data.

mod axis;
mod data;
mod layout;
mod line;
mod spec;
mod text;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::Path;

use arrow::record_batch::RecordBatch;
use opeka_model::{Kind, Problem, Problems};

use crate::Lang;
use crate::escape::identifier;
use crate::number::{NumberFormat, format_number};
use data::Series;
use layout::{Input, Layout};
use line::Hover;

pub use spec::{ChartSpec, parse_chart};

/// A chart in one language.
#[derive(Debug, Clone)]
pub struct RenderedChart {
    /// The picture: self-contained, with a title, a description and the cells of each point.
    pub svg: String,
    /// What the picture shows, in words.
    pub alt: String,
    /// The title.
    pub title: String,
    /// The data twin: one line for each period of each series, with its cells.
    pub csv: String,
    /// What a reader would stumble over; nothing of it stopped the chart.
    pub warnings: Problems,
    /// Where the names inside the picture start.
    pub(crate) id: String,
    pub(crate) period_column: String,
    pub(crate) value_column: String,
    /// The points that are drawn, by their number in the picture.
    pub(crate) points: Vec<DrawnPoint>,
}

/// A point of a rendered chart, for its table and its trace.
#[derive(Debug, Clone)]
pub(crate) struct DrawnPoint {
    pub(crate) series: String,
    pub(crate) period: String,
    /// Sorts periods: days since the start of the calendar, near enough.
    pub(crate) order: i64,
    /// Whether its line has a colour of its own.
    pub(crate) coloured: bool,
    /// The value as the chart prints it.
    pub(crate) text: String,
    pub(crate) cells: Vec<String>,
}

/// The texts of a chart that are read rather than seen.
pub(crate) struct Described<'a> {
    id: &'a str,
    lang: Lang,
    title: &'a str,
    description: &'a str,
    cells_word: &'a str,
}

/// Draws a chart. `file` is the name of the chart file, as problems give it.
pub fn render_chart(
    file: &str,
    spec: &ChartSpec,
    rows: &[RecordBatch],
    lang: Lang,
) -> Result<RenderedChart, Problems> {
    let mut problems = Problems::new();
    let written = &spec.written;
    let mut text = |key: &str, text: &'_ spec::Text| -> String {
        match text.get(lang) {
            Some(text) => text.to_owned(),
            None => {
                let message = format!("`{key}` has no text in the language `{lang}`");
                let place = spec.place(file, key);
                problems.push(Problem::error(Kind::Declaration, place, message));
                String::new()
            }
        }
    };
    let title = text("title", written.title.get_ref());
    let subtitle = text("subtitle", written.subtitle.get_ref());
    let note = text("source_note", written.source_note.get_ref());
    let label = written.y_label.as_ref().map(|t| text("y_label", t.get_ref()));
    let unit = written.unit.as_ref().map(|t| text("unit", t.get_ref()));
    let alt = written.alt.as_ref().map(|t| text("alt", t.get_ref()));

    let series = match data::read(file, spec, rows, lang) {
        Ok(series) => series,
        Err(found) => {
            problems.extend(found);
            Vec::new()
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }

    let words = lang.words();
    let axis: Vec<String> = label.into_iter().chain(unit).collect();
    let layout = Layout::new(&Input {
        width: spec.width(),
        height: spec.height(),
        title: &title,
        subtitle: &subtitle,
        axis: &axis.join(", "),
        note: &note,
        others: words.others,
        empty: words.no_data,
        series: &series,
        zero: written.zero_baseline,
        tick: &|value, decimals| format_number(value, &NumberFormat::Number(decimals), lang),
    });
    let format = match &written.decimals {
        Some(decimals) => NumberFormat::Number(*decimals.get_ref()),
        None => NumberFormat::Plain,
    };
    let print = |value: f64| format_number(value, &format, lang);

    let alt = match alt {
        Some(alt) => alt,
        None => describe(&title, &subtitle, &axis, &series, &print, lang),
    };
    let id = identifier(&stem(file));
    let printed: Vec<String> =
        series.iter().flat_map(|one| one.drawn().map(|(_, value)| print(value))).collect();
    let hovers: Vec<Hover<'_>> = series
        .iter()
        .flat_map(|one| one.drawn().map(move |(point, value)| (one, point, value)))
        .zip(&printed)
        .map(|((one, point, value), text)| Hover {
            series: &one.name,
            coloured: one.colour.is_some(),
            point,
            y: layout.y(value),
            value: text,
        })
        .collect();
    let described =
        Described { id: &id, lang, title: &title, description: &alt, cells_word: words.cells };
    let svg = line::draw(&layout, &series, &hovers, &described).map_err(|error| {
        let message = format!("the chart cannot be drawn: {error}");
        Problem::error(Kind::Declaration, spec.place(file, "kind"), message)
    })?;
    let points = hovers
        .iter()
        .map(|hover| DrawnPoint {
            series: hover.series.to_owned(),
            period: hover.point.period.clone(),
            order: libm::round(hover.point.x * 372.0) as i64,
            coloured: hover.coloured,
            text: hover.value.to_owned(),
            cells: hover.point.cells.clone(),
        })
        .collect();
    let value_column = if axis.is_empty() { words.value.to_owned() } else { axis.join(", ") };
    Ok(RenderedChart {
        svg,
        alt,
        title,
        csv: twin(spec, &series, lang),
        warnings: spec.warnings(file, lang),
        id,
        period_column: words.period.to_owned(),
        value_column,
        points,
    })
}

/// `placement_rate` of `publish/placement_rate.chart.toml`.
fn stem(file: &str) -> String {
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The chart in a paragraph, for those who do not see it.
fn describe(
    title: &str,
    subtitle: &str,
    axis: &[String],
    series: &[Series],
    print: &dyn Fn(f64) -> String,
    lang: Lang,
) -> String {
    let words = lang.words();
    let mut text = format!("{title}. {}: {subtitle}", words.line_chart);
    if !axis.is_empty() {
        let _ = write!(text, " ({})", axis.join(", "));
    }
    text.push('.');
    if series.is_empty() {
        let _ = write!(text, " {}.", words.no_data);
    }
    for one in series.iter().filter(|one| one.colour.is_some()) {
        let mut drawn = one.drawn();
        let (first, last) = (drawn.next(), drawn.next_back());
        let Some((first, value)) = first else {
            let _ = write!(text, " {}: {}.", one.name, words.no_figure);
            continue;
        };
        let _ = write!(text, " {}: {} ({})", one.name, print(value), first.period);
        if let Some((last, value)) = last {
            let _ = write!(text, " → {} ({})", print(value), last.period);
        }
        text.push('.');
    }
    let others = series.iter().filter(|one| one.colour.is_none()).count();
    if others > 0 {
        let _ = write!(text, " {}: {others}.", words.others);
    }
    text
}

/// The data of the chart, with full digits, for machines and for those who want to check.
fn twin(spec: &ChartSpec, series: &[Series], lang: Lang) -> String {
    let written = &spec.written;
    let mut csv = String::new();
    let series_column = written.series.get_ref().get(lang).unwrap_or("series");
    let header = [series_column, written.x.get_ref(), written.y.get_ref(), crate::rows::CELLS];
    csv.push_str(&header.map(field).join(","));
    csv.push('\n');
    for one in series {
        for point in &one.points {
            let value = point.value.map(|value| format!("{value}")).unwrap_or_default();
            let row = [&one.name, &point.period, &value, &point.cells.join("|")];
            csv.push_str(&row.map(|text| field(text)).join(","));
            csv.push('\n');
        }
    }
    csv
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
