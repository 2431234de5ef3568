//! What a table says twice, and nothing tells apart.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Frame;
use super::refine::{Bench, Settled};
use crate::observe::Observed;
use crate::recipe::{Attach, Column};

/// Leaves out what cannot be told apart: two columns under one heading, or two rows of one name.
pub(super) fn leave_out_doubles(
    bench: &Bench,
    frame: &Frame,
    settled: &mut Settled,
    observed: &Observed,
) -> bool {
    let mut first: BTreeMap<[&str; 4], &opeka_model::Observation> = BTreeMap::new();
    let mut indicators: BTreeSet<String> = BTreeSet::new();
    let mut rows: BTreeSet<(Option<String>, u32)> = BTreeSet::new();
    let mut doubled: BTreeSet<String> = BTreeSet::new();
    let mut areas: BTreeSet<String> = BTreeSet::new();
    for o in &observed.observations {
        let key = [&*o.indicator, &*o.ref_area, &*o.time_period, &*o.care_form];
        let Some(before) = first.get(&key) else {
            first.insert(key, o);
            continue;
        };
        let at = |o: &opeka_model::Observation| {
            let sheet = frame.on.iter().find(|on| on.sheet.name() == o.cell.sheet.as_deref());
            sheet.and_then(|on| on.sheet.grid.at(&o.cell.cell).map(|c| (c.row, c.column)))
        };
        let (Some(one), Some(other)) = (at(before), at(o)) else { continue };
        let written =
            settled.table.dimensions.get(&Column::Indicator).is_some_and(|d| d.as_written);
        if one.0 == other.0 && written {
            indicators.insert(o.indicator.clone());
        } else {
            areas.insert(o.ref_area.clone());
            doubled.insert(o.indicator.clone());
            rows.insert((o.cell.sheet.clone(), one.0));
            rows.insert((o.cell.sheet.clone(), other.0));
        }
    }
    if indicators.is_empty() && rows.is_empty() {
        return false;
    }
    let mut changed = false;
    if let Some(dimension) = settled.table.dimensions.get_mut(&Column::Indicator) {
        for indicator in indicators {
            changed |= dimension.ignore.insert(indicator);
        }
        if changed {
            dimension.ignore_comments.push(
                "CHECK: more than one column reads so; which is which, the file does not say."
                    .to_owned(),
            );
        }
    }
    let body: usize = frame.on.iter().map(|on| on.band.body.len()).sum();
    if rows.is_empty() || rows.len() * 2 > body {
        return changed;
    }
    const WHY: &str =
        "CHECK: some of these stand on several lines, and nothing tells the lines apart.";
    // The labels of rows that share a key: of areas by their column, of what is counted as a whole.
    let by_area = settled.table.dimensions.get(&Column::RefArea).and_then(|dimension| {
        let [part] = dimension.parts.as_slice() else { return None };
        if part.attach != Attach::Directly {
            return None;
        }
        let of = |column: &&super::bands::LabelColumn| {
            let cells = frame.column(column.column);
            cells.is_some_and(|cells| part.source == super::draft::Place::Cells(cells))
        };
        Some(frame.band().labels.iter().find(of)?.column)
    });
    if let Some(dimension) = settled.table.dimensions.get_mut(&Column::RefArea)
        && let [part] = dimension.parts.as_slice()
        && part.attach == Attach::Closest
        && let super::draft::Place::Cells(cells) = &part.source
        && let Some(list) = bench.codelists.get("regions")
    {
        // Lines that name one area in two ways, or twice.
        let means = |text: &&String| match list.find(text, None, None) {
            crate::codelist::Match::One { code, .. } => areas.contains(&code),
            // Which of them, the period decides.
            crate::codelist::Match::Several(codes) => codes.iter().any(|code| areas.contains(code)),
            crate::codelist::Match::Unknown(_) => false,
        };
        let labels: Vec<String> = cells.text.iter().filter(means).cloned().collect();
        let before = dimension.ignore.len();
        dimension.ignore.extend(labels);
        if dimension.ignore.len() > before {
            dimension.ignore_comments.push(WHY.to_owned());
            return true;
        }
    }
    if let Some(column) = by_area
        && let Some(dimension) = settled.table.dimensions.get_mut(&Column::RefArea)
    {
        let before = dimension.ignore.len();
        for (sheet, row) in &rows {
            let on = frame.on.iter().find(|on| on.sheet.name() == sheet.as_deref());
            let seen = on.and_then(|on| on.sheet.covering(*row, column));
            dimension.ignore.extend(seen.map(|seen| seen.cell.text()));
        }
        if dimension.ignore.len() > before {
            dimension.ignore_comments.push(WHY.to_owned());
            return true;
        }
    }
    if let Some(dimension) = settled.table.dimensions.get_mut(&Column::Indicator)
        && dimension.as_written
    {
        let before = dimension.ignore.len();
        dimension.ignore.extend(doubled);
        if dimension.ignore.len() > before {
            dimension.ignore_comments.push(WHY.to_owned());
            return true;
        }
    }
    changed
}
