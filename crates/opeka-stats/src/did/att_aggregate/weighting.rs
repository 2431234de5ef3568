//! Which effects enter an average, and how heavy each is.

use super::{AttAggregateOptions, AttAggregation};
use crate::Reason;
use crate::did::att_gt::cells::Cell;
use crate::did::att_gt::prepare::Prepared;
use crate::effect::treatment::Cohort;
use crate::effect::{Effect, EffectAt};

/// Cells that are averaged.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The event time, cohort or period of the part.
    at: f64,
    /// Places among the cells, ascending.
    cells: Vec<usize>,
    /// Each as heavy as its cohort; otherwise all alike.
    by_size: bool,
}

/// How the overall effect comes about.
#[derive(Clone, Debug)]
pub(super) enum Overall {
    /// From cells, each as heavy as its cohort.
    Cells(Vec<usize>),
    /// From parts, all alike.
    Parts(Vec<usize>),
    /// From the parts, each as heavy as its cohort.
    Cohorts,
}

pub(super) struct Groups {
    pub(super) parts: Vec<Part>,
    pub(super) overall: Overall,
}

/// What is averaged. Event times that differ by rounding alone are the same.
pub(super) fn groups(cells: &[Cell], options: &AttAggregateOptions) -> Result<Groups, Reason> {
    let size = cells.iter().map(|cell| cell.time.abs()).fold(0.0, f64::max);
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * size;
    let last = options.max_event_time.unwrap_or(f64::INFINITY);
    let since = |cell: &Cell| cell.time - cell.first;
    let in_time = |cell: &Cell| since(cell) <= last || close(since(cell), last);
    let which = |keep: &dyn Fn(&Cell) -> bool| -> Vec<usize> {
        (0..cells.len()).filter(|place| keep(&cells[*place])).collect()
    };
    let distinct = |values: Vec<f64>| -> Vec<f64> {
        let mut values = values;
        values.sort_unstable_by(f64::total_cmp);
        values.dedup_by(|a, b| close(*a, *b));
        values
    };
    let nothing = || Reason::because("no effect from treatment on is left to average");
    let part = |at: f64, cells: Vec<usize>, by_size: bool| Part { at, cells, by_size };
    let result = match options.aggregation {
        AttAggregation::Simple => {
            let cells = which(&|cell| cell.treated() && in_time(cell));
            if cells.is_empty() {
                return Err(nothing());
            }
            Groups { parts: Vec::new(), overall: Overall::Cells(cells) }
        }
        AttAggregation::Dynamic => {
            let (begin, end) =
                cells.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| {
                    (a.min(c.time), b.max(c.time))
                });
            let mut events = distinct(cells.iter().map(since).collect());
            let at_most = |e: f64, limit: f64| e <= limit || close(e, limit);
            let mut seen = f64::NEG_INFINITY;
            if let Some(balance) = options.balance {
                seen = balance;
                let first = balance - end + begin;
                events.retain(|e| at_most(*e, balance) && at_most(first, *e));
            }
            let first = options.min_event_time.unwrap_or(f64::NEG_INFINITY);
            events.retain(|e| at_most(first, *e) && at_most(*e, last));
            let parts: Vec<Part> = events
                .iter()
                .map(|e| {
                    let of =
                        |cell: &Cell| close(since(cell), *e) && at_most(seen, end - cell.first);
                    part(*e, which(&of), true)
                })
                .filter(|part| !part.cells.is_empty())
                .collect();
            let treated = |part: &Part| part.at >= 0.0 || close(part.at, 0.0);
            let after: Vec<usize> =
                (0..parts.len()).filter(|place| treated(&parts[*place])).collect();
            Groups { parts, overall: Overall::Parts(after) }
        }
        AttAggregation::Group => {
            let cohorts = distinct(cells.iter().map(|cell| cell.first).collect());
            let parts: Vec<Part> = cohorts
                .iter()
                .map(|first| {
                    let of = |cell: &Cell| cell.first == *first && cell.treated() && in_time(cell);
                    part(*first, which(&of), false)
                })
                .filter(|part| !part.cells.is_empty())
                .collect();
            Groups { parts, overall: Overall::Cohorts }
        }
        AttAggregation::Calendar => {
            let times = distinct(cells.iter().map(|cell| cell.time).collect());
            let parts: Vec<Part> = times
                .iter()
                .map(|time| part(*time, which(&|c| c.time == *time && c.treated()), true))
                .filter(|part| !part.cells.is_empty())
                .collect();
            let all = (0..parts.len()).collect();
            Groups { parts, overall: Overall::Parts(all) }
        }
    };
    let empty = match &result.overall {
        Overall::Cells(cells) => cells.is_empty(),
        Overall::Parts(parts) => parts.is_empty(),
        Overall::Cohorts => result.parts.is_empty(),
    };
    if empty { Err(nothing()) } else { Ok(result) }
}

impl Groups {
    /// The cells that enter any average.
    pub(super) fn entering(&self) -> Vec<usize> {
        let parts = self.parts.iter().flat_map(|part| part.cells.iter().copied());
        let mut all: Vec<usize> = match &self.overall {
            Overall::Cells(cells) => parts.chain(cells.iter().copied()).collect(),
            _ => parts.collect(),
        };
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// An average of effects, and what each unit adds to its error.
#[derive(Clone, Debug)]
pub(super) struct Average {
    /// The event time, cohort or period; nothing for the overall effect.
    pub(super) at: Option<f64>,
    pub(super) estimate: f64,
    pub(super) influence: Vec<f64>,
    /// The cells that enter, as places among them.
    pub(super) cells: Vec<usize>,
}

/// The weight of each cohort: the sum of the weights of its units.
fn sizes(prepared: &Prepared) -> Vec<f64> {
    let of = |first: &f64| {
        let units = prepared.cohort.iter().zip(&prepared.weight);
        units.filter(|(cohort, _)| **cohort == Cohort::From(*first)).map(|(_, w)| w).sum()
    };
    prepared.cohorts.iter().map(of).collect()
}

/// Σ s_k θ_k / Σ s_k of estimates that belong to cohorts, s the size of the cohort.
///
/// The influence of a unit of cohort g is that of the estimates, and w n Σ_{k of g} (θ_k − θ) / Σ s
/// for the estimated size (Callaway and Sant'Anna 2021, corollary 2): the terms of Σ s in the
/// numerator and the denominator take each other away.
fn by_size(prepared: &Prepared, terms: &[(usize, f64, &[f64])]) -> (f64, Vec<f64>) {
    let sizes = sizes(prepared);
    let n = prepared.n_units();
    let total: f64 = terms.iter().map(|(cohort, _, _)| sizes[*cohort]).sum();
    let estimate =
        terms.iter().map(|(cohort, value, _)| sizes[*cohort] * value).sum::<f64>() / total;
    let mut influence = vec![0.0; n];
    let mut apart = vec![0.0; sizes.len()];
    for (cohort, value, of_unit) in terms {
        let share = sizes[*cohort] / total;
        influence.iter_mut().zip(*of_unit).for_each(|(sum, value)| *sum += share * value);
        apart[*cohort] += (value - estimate) * n as f64 / total;
    }
    for ((sum, cohort), weight) in influence.iter_mut().zip(&prepared.cohort).zip(&prepared.weight)
    {
        if let Cohort::From(first) = cohort {
            let place = prepared.cohorts.iter().position(|one| one == first);
            *sum += place.map_or(0.0, |place| weight * apart[place]);
        }
    }
    (estimate, influence)
}

/// The plain mean.
fn plain<'a>(n: usize, terms: impl Iterator<Item = (f64, &'a [f64])>) -> (f64, Vec<f64>) {
    let (mut estimate, mut influence, mut count) = (0.0, vec![0.0; n], 0.0);
    for (value, of_unit) in terms {
        estimate += value;
        influence.iter_mut().zip(of_unit).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    influence.iter_mut().for_each(|sum| *sum /= count);
    (estimate / count, influence)
}

impl Average {
    pub(super) fn of_cells(prepared: &Prepared, cells: &[Cell], part: &Part) -> Self {
        let terms: Vec<(usize, f64, &[f64])> = terms(cells, &part.cells);
        let (estimate, influence) = if part.by_size {
            by_size(prepared, &terms)
        } else {
            plain(prepared.n_units(), terms.iter().map(|(_, value, of_unit)| (*value, *of_unit)))
        };
        Self { at: Some(part.at), estimate, influence, cells: part.cells.clone() }
    }

    /// What the average is, in words.
    pub(super) fn words(&self, aggregation: AttAggregation) -> &'static str {
        match (aggregation, self.at) {
            (AttAggregation::Simple, _) => "mean of effects from treatment on, by size of cohort",
            (AttAggregation::Dynamic, None) => "mean over event times from 0 on",
            (AttAggregation::Dynamic, Some(_)) => "mean of cohorts, by size",
            (AttAggregation::Group, None) => "mean of cohorts, by size",
            (AttAggregation::Group, Some(_)) => "mean over periods from treatment on",
            (AttAggregation::Calendar, None) => "mean over periods",
            (AttAggregation::Calendar, Some(_)) => "mean of treated cohorts, by size",
        }
    }

    /// A line of the table.
    pub(super) fn line(&self, mut effect: Effect, aggregation: AttAggregation) -> EffectAt {
        effect.term = self.at.map_or("ATT".to_owned(), |at| format!("ATT({at})"));
        let of = |kind: AttAggregation| self.at.filter(|_| aggregation == kind);
        EffectAt {
            cohort: of(AttAggregation::Group),
            time: of(AttAggregation::Calendar),
            event_time: of(AttAggregation::Dynamic),
            effect,
        }
    }
}

fn terms<'a>(cells: &'a [Cell], places: &[usize]) -> Vec<(usize, f64, &'a [f64])> {
    let term = |place: &usize| {
        let cell = &cells[*place];
        Some((cell.cohort, cell.estimate()?, cell.influence()?))
    };
    places.iter().filter_map(term).collect()
}

impl Overall {
    pub(super) fn average(
        &self,
        prepared: &Prepared,
        cells: &[Cell],
        parts: &[Average],
    ) -> Average {
        let entering = |which: &mut dyn Iterator<Item = &Average>| {
            let mut all: Vec<usize> = which.flat_map(|part| part.cells.iter().copied()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let ((estimate, influence), cells) = match self {
            Overall::Cells(places) => (by_size(prepared, &terms(cells, places)), places.clone()),
            Overall::Parts(places) => {
                let of = || places.iter().map(|place| &parts[*place]);
                let values = of().map(|part| (part.estimate, part.influence.as_slice()));
                (plain(prepared.n_units(), values), entering(&mut of()))
            }
            Overall::Cohorts => {
                let of = |part: &'_ Average| {
                    let cohort = part.cells.first().map_or(0, |place| cells[*place].cohort);
                    (cohort, part.estimate)
                };
                let values: Vec<(usize, f64, &[f64])> = parts
                    .iter()
                    .map(|part| {
                        let (cohort, estimate) = of(part);
                        (cohort, estimate, part.influence.as_slice())
                    })
                    .collect();
                (by_size(prepared, &values), entering(&mut parts.iter()))
            }
        };
        Average { at: None, estimate, influence, cells }
    }
}
