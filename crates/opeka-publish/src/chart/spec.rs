//! What a chart file declares.

use std::collections::BTreeMap;

use opeka_model::{Kind, Place, Problem, Problems, from_toml, line_and_column, suggest};
use serde::Deserialize;
use toml::Spanned;

use crate::Lang;

/// Kinds of chart that are drawn.
const KINDS: [&str; 1] = ["line"];

const WIDTHS: std::ops::RangeInclusive<u32> = 400..=2000;
const HEIGHTS: std::ops::RangeInclusive<u32> = 240..=2000;

/// A title of more words is a paragraph.
const MOST_TITLE_WORDS: usize = 10;

/// A chart as its file declares it; see [`parse_chart`].
#[derive(Debug, Clone)]
pub struct ChartSpec {
    pub(crate) written: Written,
    /// Lines of the file on which the keys stand whose values can turn out wrong later.
    pub(crate) lines: BTreeMap<&'static str, usize>,
    sql_line: usize,
}

/// The keys of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    kind: Spanned<String>,
    sql: Spanned<String>,
    pub(crate) x: Spanned<String>,
    pub(crate) y: Spanned<String>,
    pub(crate) series: Spanned<SeriesColumn>,
    pub(crate) title: Spanned<Text>,
    pub(crate) subtitle: Spanned<Text>,
    pub(crate) source_note: Spanned<Text>,
    pub(crate) zero_baseline: bool,
    pub(crate) y_label: Option<Spanned<Text>>,
    pub(crate) unit: Option<Spanned<Text>>,
    pub(crate) alt: Option<Spanned<Text>>,
    pub(crate) decimals: Option<Spanned<usize>>,
    pub(crate) highlight: Option<Spanned<Vec<String>>>,
    width: Option<Spanned<u32>>,
    height: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) allow_empty: bool,
}

/// A text in the languages of publication.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    en: Option<String>,
    ru: Option<String>,
}

impl Text {
    pub(crate) fn get(&self, lang: Lang) -> Option<&str> {
        match lang {
            Lang::En => self.en.as_deref(),
            Lang::Ru => self.ru.as_deref(),
        }
        .map(str::trim)
        .filter(|text| !text.is_empty())
    }
}

/// The column that names the series: one for all languages, or one for each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a column name, or `{ en = \"…\", ru = \"…\" }`")]
pub(crate) enum SeriesColumn {
    Same(String),
    Each(Text),
}

impl SeriesColumn {
    pub(crate) fn get(&self, lang: Lang) -> Option<&str> {
        match self {
            Self::Same(column) => Some(column),
            Self::Each(columns) => columns.get(lang),
        }
    }

    /// The columns of all languages.
    pub(crate) fn all(&self) -> Vec<&str> {
        Lang::ALL.iter().filter_map(|lang| self.get(*lang)).collect()
    }
}

impl ChartSpec {
    /// The query that yields the rows: `x`, `y`, the series and the list column `cells`.
    pub fn sql(&self) -> &str {
        self.written.sql.get_ref()
    }

    /// The line of the file on which the query's first line stands.
    pub fn sql_line(&self) -> usize {
        self.sql_line
    }

    /// The title, where the file gives one in this language.
    pub fn title(&self, lang: Lang) -> Option<&str> {
        self.written.title.get_ref().get(lang)
    }

    /// What a reader would stumble over, though nothing of it stops the chart.
    pub(crate) fn warnings(&self, file: &str, lang: Lang) -> Problems {
        let words = self.title(lang).map_or(0, |title| title.split_whitespace().count());
        let mut warnings = Problems::new();
        if words > MOST_TITLE_WORDS {
            let message = format!("the title in `{lang}` has {words} words");
            let hint = format!("say the finding in {MOST_TITLE_WORDS}; the rest is a subtitle");
            let place = self.place(file, "title");
            warnings.push(Problem::warning(Kind::Declaration, place, message).hint(hint));
        }
        warnings
    }

    pub(crate) fn place(&self, file: &str, key: &str) -> Place {
        match self.lines.get(key) {
            Some(line) => Place::Text { file: file.to_owned(), line: *line, column: None },
            None => Place::File { file: file.to_owned() },
        }
    }

    pub(crate) fn width(&self) -> f64 {
        f64::from(self.written.width.as_ref().map_or(760, |w| *w.get_ref()))
    }

    pub(crate) fn height(&self) -> f64 {
        f64::from(self.written.height.as_ref().map_or(460, |h| *h.get_ref()))
    }
}

/// Reads a chart file. `file` is the name that problems give as their place.
pub fn parse_chart(file: &str, text: &str) -> Result<ChartSpec, Problems> {
    let written: Written = from_toml(file, text)?;
    let line = |start: usize| line_and_column(text, start).0;
    let mut lines = BTreeMap::from([
        ("kind", line(written.kind.span().start)),
        ("sql", line(written.sql.span().start)),
        ("x", line(written.x.span().start)),
        ("y", line(written.y.span().start)),
        ("series", line(written.series.span().start)),
        ("title", line(written.title.span().start)),
        ("subtitle", line(written.subtitle.span().start)),
        ("source_note", line(written.source_note.span().start)),
    ]);
    let texts = [("y_label", &written.y_label), ("unit", &written.unit), ("alt", &written.alt)];
    for (key, value) in texts {
        lines.extend(value.as_ref().map(|v| (key, line(v.span().start))));
    }
    lines.extend(written.decimals.as_ref().map(|v| ("decimals", line(v.span().start))));
    lines.extend(written.highlight.as_ref().map(|v| ("highlight", line(v.span().start))));
    lines.extend(written.width.as_ref().map(|v| ("width", line(v.span().start))));
    lines.extend(written.height.as_ref().map(|v| ("height", line(v.span().start))));

    // A query between triple quotes starts on the line after them.
    let quoted = text.get(written.sql.span()).unwrap_or_default();
    let opened = quoted.strip_prefix("\"\"\"").or_else(|| quoted.strip_prefix("'''"));
    let starts_below = opened.is_some_and(|rest| rest.starts_with(['\n', '\r']));
    let sql_line = lines["sql"] + usize::from(starts_below);

    let spec = ChartSpec { written, lines, sql_line };
    let problems = check(file, &spec);
    if problems.is_empty() { Ok(spec) } else { Err(problems) }
}

fn check(file: &str, spec: &ChartSpec) -> Problems {
    let mut problems = Problems::new();
    let mut wrong = |key: &str, message: String, hint: Option<String>| {
        let problem = Problem::error(Kind::Declaration, spec.place(file, key), message);
        problems.push(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    };
    let written = &spec.written;
    let kind = written.kind.get_ref();
    if !KINDS.contains(&kind.as_str()) {
        let hint = suggest(kind, KINDS, "kinds that are drawn");
        wrong("kind", format!("unknown kind of chart `{kind}`"), Some(hint));
    }
    if written.sql.get_ref().trim().is_empty() {
        wrong("sql", "the query is empty".to_owned(), None);
    }
    for (key, text) in [
        ("title", &written.title),
        ("subtitle", &written.subtitle),
        ("source_note", &written.source_note),
    ] {
        if Lang::ALL.iter().all(|lang| text.get_ref().get(*lang).is_none()) {
            let hint = format!("write {key} = {{ en = \"…\", ru = \"…\" }}");
            wrong(key, format!("`{key}` has no text"), Some(hint));
        }
    }
    if written.series.get_ref().all().is_empty() {
        let hint = "write the name of a column, or { en = \"…\", ru = \"…\" }".to_owned();
        wrong("series", "`series` names no column".to_owned(), Some(hint));
    }
    if let Some(decimals) = written.decimals.as_ref().map(|d| *d.get_ref()).filter(|d| *d > 6) {
        wrong("decimals", format!("{decimals} decimals are more than a reader reads"), None);
    }
    for (key, value, range) in
        [("width", &written.width, WIDTHS), ("height", &written.height, HEIGHTS)]
    {
        if let Some(value) = value.as_ref().map(|v| *v.get_ref()).filter(|v| !range.contains(v)) {
            let (least, most) = (range.start(), range.end());
            wrong(key, format!("`{key}` is {value}, outside {least} to {most} pixels"), None);
        }
    }
    problems
}
