//! Panels and slow regressions that the tests of staggered adoption share.

use proptest::prelude::*;

use crate::effect::labels::Labels;
use crate::effect::panel::PanelRows;
use crate::least_squares::{self, Fit};

/// Rows of a panel, in the order of units and times.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) y: Vec<f64>,
    pub(crate) names: Vec<String>,
    pub(crate) unit: Labels,
    pub(crate) time: Vec<f64>,
    pub(crate) first: Vec<Option<f64>>,
    pub(crate) weights: Vec<f64>,
    pub(crate) x: Vec<f64>,
}

impl Made {
    /// Rows of unit, time, outcome; a unit is treated from the time in `first` on.
    pub(crate) fn new(rows: &[(usize, usize, f64)], first: &[Option<f64>]) -> Self {
        let names: Vec<String> = rows.iter().map(|row| format!("u{:02}", row.0)).collect();
        Self {
            y: rows.iter().map(|row| row.2).collect(),
            unit: Labels::new(&names),
            names,
            time: rows.iter().map(|row| row.1 as f64).collect(),
            first: rows.iter().map(|row| first[row.0]).collect(),
            weights: vec![1.0; rows.len()],
            x: vec![0.0; rows.len()],
        }
    }

    /// All units at all times.
    pub(crate) fn balanced(first: &[Option<f64>], n_times: usize, y: &[f64]) -> Self {
        let cells = (0..first.len()).flat_map(|u| (0..n_times).map(move |t| (u, t)));
        let rows: Vec<_> = cells.map(|(u, t)| (u, t, y[u * n_times + t])).collect();
        Self::new(&rows, first)
    }

    pub(crate) fn rows(&self) -> PanelRows<'_> {
        PanelRows::new(&self.y, &self.unit, &self.time)
    }

    pub(crate) fn treated(&self, row: usize) -> bool {
        self.first[row].is_some_and(|first| self.time[row] >= first)
    }

    pub(crate) fn indicator(&self) -> Vec<Option<f64>> {
        (0..self.y.len()).map(|row| Some(f64::from(u8::from(self.treated(row))))).collect()
    }

    /// The same rows in another order.
    pub(crate) fn shuffled(&self, order: &[usize]) -> Self {
        fn take<T: Clone>(order: &[usize], column: &[T]) -> Vec<T> {
            order.iter().map(|row| column[*row].clone()).collect()
        }
        let names = take(order, &self.names);
        Self {
            y: take(order, &self.y),
            unit: Labels::new(&names),
            names,
            time: take(order, &self.time),
            first: take(order, &self.first),
            weights: take(order, &self.weights),
            x: take(order, &self.x),
        }
    }

    /// A column for each unit and each time.
    pub(crate) fn dummies(&self) -> Vec<Vec<f64>> {
        let mut names = self.names.clone();
        names.sort();
        names.dedup();
        let mut times = self.time.clone();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let flag = |is: bool| f64::from(u8::from(is));
        let units = names.iter().map(|name| self.names.iter().map(|n| flag(n == name)).collect());
        let times = times.iter().map(|time| self.time.iter().map(|t| flag(t == time)).collect());
        units.chain(times).collect()
    }
}

/// Panels with gaps, weights and a covariate; some units are never treated.
pub(crate) fn panels() -> impl Strategy<Value = Made> {
    let start = prop_oneof![Just(None), (1..6u8).prop_map(|t| Some(f64::from(t)))];
    let starts = proptest::collection::vec(start, 9);
    let cell = (-5.0..5.0f64, -3.0..3.0f64, 0.2..3.0f64, 0..8u8);
    let cells = proptest::collection::vec(cell, 9 * 6);
    (starts, cells, any::<bool>()).prop_map(|(starts, cells, gaps)| {
        let place = |k: usize| (k / 6, k % 6);
        let kept: Vec<usize> = (0..54).filter(|k| !gaps || cells[*k].3 > 0).collect();
        let rows: Vec<_> = kept.iter().map(|k| (place(*k).0, place(*k).1, cells[*k].0)).collect();
        let mut made = Made::new(&rows, &starts);
        made.x = kept.iter().map(|k| cells[*k].1).collect();
        made.weights = kept.iter().map(|k| cells[*k].2).collect();
        made
    })
}

/// Least squares on those columns that do not depend on the ones before; which they are.
pub(crate) fn regression(
    columns: &[Vec<f64>],
    y: &[f64],
    weights: Option<&[f64]>,
) -> (Vec<usize>, Fit) {
    let mut kept: Vec<usize> = Vec::new();
    let mut last = None;
    for column in 0..columns.len() {
        kept.push(column);
        let slices: Vec<&[f64]> = kept.iter().map(|k| columns[*k].as_slice()).collect();
        match least_squares::fit(&slices, y, weights) {
            Some(fit) => last = Some(fit),
            None => {
                kept.pop();
            }
        }
    }
    (kept, last.expect("a column"))
}
