//! Where the periods of a table are written.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Frame;
use super::draft::{DraftDimension, Part, Place};
use super::headings::{Heading, Says};
use super::labels;
use super::propose::{Context, Seen};
use super::timing::{self, Timing, Within};
use crate::recipe::Attach;

/// The regular expression that tells headings of periods from others, and what extracts them.
fn forms(how: Timing) -> (&'static str, Option<&'static str>) {
    match how {
        Timing::Whole | Timing::Foreign => (r".*\d.*", None),
        Timing::Year => (r".*\d{4}.*", Some(r"((?:19|20)\d{2})")),
        Timing::Split => (r".*\d{4}.*", None),
        Timing::Part => (r".*", None),
    }
}

/// How all of these texts can be read.
fn reading(texts: &[String]) -> (String, Option<String>, bool) {
    let timings: Vec<Timing> = texts.iter().filter_map(|t| super::headings::timing_of(t)).collect();
    let has = |how| timings.contains(&how);
    let years = texts.iter().all(|t| t.len() == 4 && t.bytes().all(|b| b.is_ascii_digit()));
    if years {
        return (r"\d{4}".to_owned(), None, false);
    }
    if has(Timing::Split) {
        let extract =
            (has(Timing::Year)).then(|| r"((?:19|20)\d{2}(?:\s?[-/–]\s?\d{2,4})?)".to_owned());
        return (r".*\d{4}.*".to_owned(), extract, true);
    }
    // What extracts a year would make a year of a month in another language.
    let years = has(Timing::Year) && !has(Timing::Foreign);
    let how = if years { Timing::Year } else { Timing::Whole };
    let (matches, extract) = forms(how);
    (matches.to_owned(), extract.map(str::to_owned), false)
}

/// The period of a table; none where nothing says one.
pub(super) fn period<'a>(
    frame: &Frame<'a>,
    seen: &Seen<'a>,
    context: &Context,
    used: &mut BTreeSet<u32>,
) -> Option<DraftDimension> {
    above(frame, seen, context)
        .or_else(|| beside(frame, seen, context, used))
        .or_else(|| named(frame, seen, context))
}

/// Periods in headings: one row, or a row of years above one of months or quarters.
fn above<'a>(frame: &Frame<'a>, seen: &Seen<'a>, context: &Context) -> Option<DraftDimension> {
    let how = |h: &&Heading<'a>| match h.says {
        Says::Periods(how) => Some(how),
        _ => None,
    };
    let rows: Vec<&Heading> = seen.headings.iter().filter(|h| how(h).is_some()).collect();
    let whole: Vec<&&Heading> = rows.iter().filter(|h| how(h) != Some(Timing::Part)).collect();
    let part = rows.iter().find(|h| how(h) == Some(Timing::Part));
    match (whole.last(), part) {
        (Some(years), Some(part)) => {
            let (matches, extract, _) = reading(&years.texts());
            let mut year = years.part(frame, Some(&matches))?;
            year.extract = extract.or_else(|| Some(r"((?:19|20)\d{2})".to_owned()));
            let below = part.part(frame, None)?;
            Some(
                DraftDimension { parts: vec![below, year], ..DraftDimension::default() }
                    .because("years stand above their months or quarters"),
            )
        }
        (Some(years), None) => {
            let texts = years.texts();
            let (matches, extract, split) = reading(&texts);
            let mut part = years.part(frame, Some(&matches))?;
            part.extract = extract;
            let mut dimension = DraftDimension::of(part);
            if split {
                year_starts(&mut dimension, context);
            }
            foreign_values(&mut dimension, &texts);
            Some(dimension)
        }
        (None, Some(part)) => {
            let below = part.part(frame, None)?;
            let (year, text) =
                stated(frame, seen, |text| timing::within(text).filter(|w| w.found.len() == 4))?;
            Some(
                DraftDimension { parts: vec![below, year], ..DraftDimension::default() }
                    .because(format!("the year stands in the title: {text}")),
            )
        }
        (None, None) => None,
    }
}

/// Periods in label columns.
fn beside(
    frame: &Frame,
    seen: &Seen,
    context: &Context,
    used: &mut BTreeSet<u32>,
) -> Option<DraftDimension> {
    let timed = |label: &&labels::Label| {
        matches!(label.says, labels::Says::Periods(_) | labels::Says::Dates)
    };
    let columns: Vec<&labels::Label> = seen.labels.iter().filter(timed).collect();
    let is_part = |label: &&&labels::Label| label.says == labels::Says::Periods(Timing::Part);
    let whole: Vec<&&labels::Label> = columns.iter().filter(|l| !is_part(l)).collect();
    // The column that changes most names the period; another may name the year of publication.
    let best =
        whole.iter().max_by_key(|l| (l.filled, l.texts.len(), std::cmp::Reverse(l.column)))?;
    used.extend(columns.iter().map(|label| label.column));
    let part = best.part(frame)?;
    let texts: Vec<String> = best.texts.iter().cloned().collect();
    if let Some(sub) = columns.iter().find(is_part)
        && let Some(below) = sub.part(frame)
    {
        return Some(DraftDimension { parts: vec![below, part], ..DraftDimension::default() });
    }
    if best.says == labels::Says::Dates {
        let dimension = DraftDimension::of(part);
        return Some(
            dimension.because("dates as they are stored; `frequency` says what begins on them"),
        );
    }
    let (_, extract, split) = reading(&texts);
    let mut part = part;
    part.extract = extract;
    let mut dimension = DraftDimension::of(part);
    if split {
        year_starts(&mut dimension, context);
    }
    foreign_values(&mut dimension, &texts);
    Some(dimension)
}

/// One period for the whole table: in its titles, in the sheet's name, or in the file's.
fn named(frame: &Frame, seen: &Seen, context: &Context) -> Option<DraftDimension> {
    let names: Vec<&str> = frame.on.iter().filter_map(|on| on.sheet.name()).collect();
    if names.len() == frame.on.len()
        && let Some(within) = all_within(&names)
        && (names.len() > 1 || frame.sheet().name().is_some_and(|name| name.len() < 24))
    {
        let part = Part::without_cells(Place::Sheet).extracting(within.extract.clone());
        let mut dimension =
            DraftDimension::of(part).because("the name of the sheet says the period");
        if within.split {
            year_starts(&mut dimension, context);
        }
        return Some(dimension);
    }
    let mut split = false;
    let found = stated(frame, seen, |text| {
        let within = timing::within(text)?;
        split = within.split;
        Some(within)
    });
    if let Some((part, text)) = found {
        let mut dimension =
            DraftDimension::of(part).because(format!("a title says the period: {text}"));
        if split {
            year_starts(&mut dimension, context);
        }
        return Some(dimension);
    }
    let within = timing::within(context.file)?;
    let part = Part::without_cells(Place::File).extracting(within.extract);
    let mut dimension =
        DraftDimension::of(part).because("CHECK: only the name of the file says a period");
    if within.split {
        year_starts(&mut dimension, context);
    }
    Some(dimension)
}

/// What finds a period in each of these texts.
fn all_within(texts: &[&str]) -> Option<Within> {
    let mut all = texts.iter().map(|text| timing::within(text));
    let first = all.next()??;
    all.all(|within| within.is_some_and(|w| w.extract == first.extract)).then_some(first)
}

/// A period that a title states, on each sheet in the same way.
fn stated(
    frame: &Frame,
    seen: &Seen,
    mut within: impl FnMut(&str) -> Option<Within>,
) -> Option<(Part, String)> {
    for title in &seen.titles {
        let found: Vec<Option<Within>> = title.iter().map(|text| within(text)).collect();
        let Some(Some(first)) = found.first() else { continue };
        let alike = found.iter().all(|f| f.as_ref().is_some_and(|f| f.extract == first.extract));
        if !alike {
            continue;
        }
        if let Some(cells) = frame.shared(title) {
            let text: String = title[0].chars().take(100).collect();
            let mut part = Part::of_table(cells).extracting(first.extract.clone());
            part.attach = Attach::Table;
            return Some((part, text));
        }
    }
    None
}

/// Years such as `2016/17` begin when the publisher says.
fn year_starts(dimension: &mut DraftDimension, context: &Context) {
    dimension.year_starts = Some("04-01");
    dimension.comments.push(if context.april {
        "years such as `2016/17`: the file speaks of 1 April and 31 March".to_owned()
    } else {
        "CHECK: years such as `2016/17` are taken to begin on 1 April; the file does not say when"
            .to_owned()
    });
}

/// Periods in words of other languages are told one by one.
fn foreign_values(dimension: &mut DraftDimension, texts: &[String]) {
    let unread = texts.iter().filter(|text| timing::timing(text) == Some(Timing::Foreign));
    let foreign: BTreeMap<String, String> =
        unread.filter_map(|text| Some((text.clone(), timing::foreign(text)?))).collect();
    if !foreign.is_empty() {
        for text in texts {
            dimension.values.insert(text.clone(), text.clone());
        }
        dimension.values.extend(foreign);
    }
}
