//! Flows of months and quarters, from figures that cumulate within the year.
//!
//! A cumulated figure stays an observation of its own, for the months from January. The flow of a
//! month is a second observation, which names both cells that it was made from.

use std::collections::HashMap;

use opeka_model::{CellRef, Kind, Observation, Place, Problem, TimePeriod};

use crate::observe::Observed;

/// What a cumulated figure is of, without its period.
type Series = (String, String, String, String);

/// A cumulated figure, by where it stands: the index of its file, and its own.
type Position = (usize, usize);

/// Adds the flow of each month, or quarter, whose cumulated figure, and the one of the month or quarter
/// before, were read from any of a recipe's files. The first of a year is its own flow.
///
/// Nothing is guessed: without the one before, or where either is no number, no flow is made. That
/// is said once for each file, and so is a flow below zero, as after a correction by the publisher.
pub fn add_flows(files: &mut [&mut Observed]) {
    let mut figures: HashMap<(Series, i32, u32), Position> = HashMap::new();
    for (file, observed) in files.iter().enumerate() {
        for (index, _) in &observed.cumulated {
            let Some(o) = observed.observations.get(*index) else { continue };
            if let Some((year, months)) = months_of(o) {
                figures.entry((series(o), year, months)).or_insert((file, *index));
            }
        }
    }
    let mut made: Vec<(usize, Observation)> = Vec::new();
    let mut told: Vec<(usize, Problem)> = Vec::new();
    for (file, observed) in files.iter().enumerate() {
        let (mut alone, mut negative) = (Vec::new(), Vec::new());
        for (index, step) in &observed.cumulated {
            let Some(o) = observed.observations.get(*index) else { continue };
            let Some((year, months)) = months_of(o) else { continue };
            // The first figure of a year is a flow already.
            if months <= *step {
                continue;
            }
            let before = figures.get(&(series(o), year, months - step));
            let before =
                before.and_then(|(file, index)| files.get(*file)?.observations.get(*index));
            let Some(before) = before else {
                alone.push(o);
                continue;
            };
            let (Some(value), Some(less)) = (o.obs_value, before.obs_value) else { continue };
            let Some(flow) = flow(o, before, *step, value, less) else { continue };
            if value < less {
                negative.push(flow.clone());
            }
            made.push((file, flow));
        }
        if let Some(first) = alone.first() {
            let message = format!(
                "{} cumulated figure(s) have none of the month or quarter before, so that no flow is made",
                alone.len()
            );
            let hint = "add its file to the recipe's `source`";
            told.push((file, Problem::note(Kind::Data, place(&first.cell), message).hint(hint)));
        }
        if let Some(first) = negative.first() {
            let message = format!(
                "{} flow(s) are below zero, the first for {} in {}: the publisher lowered a cumulated figure",
                negative.len(),
                first.ref_area,
                first.time_period
            );
            told.push((file, Problem::warning(Kind::Data, place(&first.cell), message)));
        }
    }
    for (file, flow) in made {
        if let Some(observed) = files.get_mut(file) {
            observed.observations.push(flow);
        }
    }
    for (file, problem) in told {
        if let Some(observed) = files.get_mut(file) {
            observed.problems.push(problem);
        }
    }
}

fn series(o: &Observation) -> Series {
    (o.dataset.clone(), o.indicator.clone(), o.ref_area.clone(), o.care_form.clone())
}

/// The year, and how many months from January on.
fn months_of(o: &Observation) -> Option<(i32, u32)> {
    let period = TimePeriod::parse(&o.time_period)?;
    Some((period.year(), period.length_in_months()))
}

fn flow(
    o: &Observation,
    before: &Observation,
    step: u32,
    value: f64,
    less: f64,
) -> Option<Observation> {
    let (year, months) = months_of(o)?;
    let period = TimePeriod::months(year, months - step + 1, step)?;
    // A provisional or estimated figure makes the flow so too.
    let status = if o.obs_status == "A" { &before.obs_status } else { &o.obs_status };
    Some(Observation {
        time_period: period.to_string(),
        obs_value: Some(difference(value, less)),
        obs_status: status.clone(),
        minus: Some(before.cell.clone()),
        ..o.clone()
    })
}

/// A difference to the last decimal place of either number: 0.3 less 0.1 is 0.2.
fn difference(value: f64, less: f64) -> f64 {
    let places = |number: f64| {
        let text = format!("{number}");
        text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
    };
    let places = places(value).max(places(less)).min(15);
    let exact = value - less;
    format!("{exact:.places$}").parse().unwrap_or(exact)
}

fn place(cell: &CellRef) -> Place {
    Place::Cell { file: cell.source.clone(), sheet: cell.sheet.clone(), cell: cell.cell.clone() }
}
