//! Unit and time effects of a part of a panel, and what an estimate owes to each row.

use nalgebra::DMatrix;

use crate::Reason;
use crate::effect::panel::Panel;

/// Unit and time effects of some rows of a panel, estimated from these rows alone.
///
/// Units are taken out in closed form; the normal equations of the times,
/// diag(w_t) − Σ_u w_ut w_us / w_u, are inverted once. Rows hang together where units and times
/// connect them: effects of different parts cannot be compared with each other.
#[derive(Debug)]
pub(crate) struct UnitTime<'a> {
    panel: &'a Panel,
    rows: Vec<usize>,
    unit_weight: Vec<f64>,
    /// A generalised inverse, n_times × n_times; the last time of each part is fixed at zero.
    inverse: Vec<f64>,
    /// The part of each time of the panel, named by its first time.
    part: Vec<Option<u32>>,
    n_parts: usize,
}

impl<'a> UnitTime<'a> {
    /// For rows in ascending order.
    pub(crate) fn new(panel: &'a Panel, rows: Vec<usize>) -> Result<Self, Reason> {
        let n = panel.n_times();
        let mut unit_weight = vec![0.0; panel.n_units()];
        rows.iter().for_each(|row| unit_weight[panel.unit[*row] as usize] += weight(panel, *row));
        let part = parts(panel, &rows);
        let mut block = vec![0.0; n * n];
        for rows in by_unit(panel, &rows) {
            for a in rows {
                let (t, w) = (panel.time[*a] as usize, weight(panel, *a));
                block[t * n + t] += w;
                let share = w / unit_weight[panel.unit[*a] as usize];
                for b in rows {
                    block[t * n + panel.time[*b] as usize] -= share * weight(panel, *b);
                }
            }
        }
        let mut last: Vec<usize> = Vec::new();
        for t in (0..n).rev() {
            if part[t].is_some() && !last.iter().any(|known| part[*known] == part[t]) {
                last.push(t);
            }
        }
        let free: Vec<usize> = (0..n).filter(|t| part[*t].is_some() && !last.contains(t)).collect();
        let mut inverse = vec![0.0; n * n];
        let matrix = DMatrix::from_fn(free.len(), free.len(), |i, j| block[free[i] * n + free[j]]);
        if !free.is_empty() {
            let factor = matrix
                .cholesky()
                .ok_or_else(|| Reason::because("the weights are too far apart to tell times"))?;
            let small = factor.inverse();
            for (i, t) in free.iter().enumerate() {
                for (j, s) in free.iter().enumerate() {
                    inverse[t * n + s] = small[(i, j)];
                }
            }
        }
        Ok(Self { panel, rows, unit_weight, inverse, part, n_parts: last.len() })
    }

    pub(crate) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The rows of one unit after the other.
    pub(crate) fn units(&self) -> impl Iterator<Item = &[usize]> {
        by_unit(self.panel, &self.rows)
    }

    /// How many unit and time effects there are, as far as they can be told apart.
    pub(crate) fn n_effects(&self) -> usize {
        let units = self.unit_weight.iter().filter(|weight| **weight > 0.0).count();
        let times = self.part.iter().flatten().count();
        units + times - self.n_parts
    }

    /// Whether the effects of two times can be compared.
    pub(crate) fn comparable(&self, a: usize, b: usize) -> bool {
        self.part[a].is_some() && self.part[a] == self.part[b]
    }

    /// Whether what a unit would be without treatment at a time follows from these rows.
    pub(crate) fn imputes(&self, unit: usize, time: usize) -> bool {
        let first = self.rows.partition_point(|row| (self.panel.unit[*row] as usize) < unit);
        let of_unit = self.rows.get(first).filter(|row| self.panel.unit[**row] as usize == unit);
        of_unit.is_some_and(|row| self.comparable(self.panel.time[*row] as usize, time))
    }

    /// The effects of a column of the panel: one for each unit and each time, zero where there are
    /// no rows.
    pub(crate) fn effects(&self, column: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let panel = self.panel;
        let mut left = column.to_vec();
        let mut time = vec![0.0; panel.n_times()];
        // The second pass takes out what the rounding of the first one left.
        for _ in 0..2 {
            let means = self.unit_means(&left);
            let mut sums = vec![0.0; panel.n_times()];
            for row in &self.rows {
                left[*row] -= means[panel.unit[*row] as usize];
                sums[panel.time[*row] as usize] += weight(panel, *row) * left[*row];
            }
            let more = self.solve(&sums);
            self.rows.iter().for_each(|row| left[*row] -= more[panel.time[*row] as usize]);
            time.iter_mut().zip(&more).for_each(|(time, more)| *time += more);
        }
        let mut rest = column.to_vec();
        self.rows.iter().for_each(|row| rest[*row] -= time[panel.time[*row] as usize]);
        (self.unit_means(&rest), time)
    }

    /// Time effects from sums over times of a column without unit means.
    pub(crate) fn solve(&self, sums: &[f64]) -> Vec<f64> {
        let n = self.panel.n_times();
        let dot = |t: usize| -> f64 {
            self.inverse[t * n..(t + 1) * n].iter().zip(sums).map(|(a, b)| a * b).sum()
        };
        (0..n).map(dot).collect()
    }

    /// Unit and time effects whose weighted sums over the rows of each unit and of each time are
    /// these.
    pub(crate) fn solve_sums(&self, units: &[f64], times: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let panel = self.panel;
        let mut sums = times.to_vec();
        for row in &self.rows {
            let unit = panel.unit[*row] as usize;
            let share = weight(panel, *row) / self.unit_weight[unit];
            sums[panel.time[*row] as usize] -= share * units[unit];
        }
        let time = self.solve(&sums);
        let mut unit = units.to_vec();
        for row in &self.rows {
            unit[panel.unit[*row] as usize] -=
                weight(panel, *row) * time[panel.time[*row] as usize];
        }
        for (sum, weight) in unit.iter_mut().zip(&self.unit_weight) {
            *sum = if *weight > 0.0 { *sum / weight } else { 0.0 };
        }
        (unit, time)
    }

    fn unit_means(&self, column: &[f64]) -> Vec<f64> {
        let panel = self.panel;
        let mut means = vec![0.0; panel.n_units()];
        for row in &self.rows {
            means[panel.unit[*row] as usize] += weight(panel, *row) * column[*row];
        }
        for (sum, weight) in means.iter_mut().zip(&self.unit_weight) {
            if *weight > 0.0 {
                *sum /= weight;
            }
        }
        means
    }
}

/// The weight of a row: one where all count alike.
pub(crate) fn weight(panel: &Panel, row: usize) -> f64 {
    panel.weights.as_ref().map_or(1.0, |weights| weights[row])
}

/// An error that is no more than this is that of rounding: the fit is perfect.
pub(crate) fn rounding(panel: &Panel) -> f64 {
    1e-14 * panel.y.iter().fold(0.0, |size: f64, y| size.max(y.abs()))
}

/// G/(G−1) × (N−1)/(N−K) for errors by cluster: K counts the columns and the effects of times, and
/// those of units too where the rows of one are in several clusters. Nothing where there are fewer
/// than two clusters, or no rows to spare.
pub(crate) fn cluster_factor(panel: &Panel, rows: &[usize], n_columns: usize) -> Option<f64> {
    let mut clusters = vec![false; panel.n_clusters];
    let mut times = vec![false; panel.n_times()];
    let (mut n_units, mut nested) = (0usize, true);
    for rows in by_unit(panel, rows) {
        n_units += 1;
        for row in rows {
            clusters[panel.cluster[*row] as usize] = true;
            times[panel.time[*row] as usize] = true;
            nested &= panel.cluster[*row] == panel.cluster[rows[0]];
        }
    }
    let count = |seen: &[bool]| seen.iter().filter(|seen| **seen).count();
    let (g, t, n) = (count(&clusters) as f64, count(&times), rows.len() as f64);
    let k = n_columns + t + if nested { 0 } else { n_units - 1 };
    let spare = n - k as f64;
    (g > 1.0 && spare > 0.0).then(|| g / (g - 1.0) * ((n - 1.0) / spare))
}

fn by_unit<'r>(panel: &Panel, rows: &'r [usize]) -> impl Iterator<Item = &'r [usize]> {
    rows.chunk_by(|a, b| panel.unit[*a] == panel.unit[*b])
}

/// Which times hang together, through units that were seen at both.
fn parts(panel: &Panel, rows: &[usize]) -> Vec<Option<u32>> {
    let mut part: Vec<Option<u32>> = vec![None; panel.n_times()];
    for rows in by_unit(panel, rows) {
        let first = rows.iter().map(|row| part[panel.time[*row] as usize]);
        let new = rows.first().map_or(0, |row| panel.time[*row]);
        let name = first.flatten().min().map_or(new, |old| old.min(new));
        for row in rows {
            let t = panel.time[*row] as usize;
            match part[t] {
                Some(old) if old != name => {
                    part.iter_mut().filter(|p| **p == Some(old)).for_each(|p| *p = Some(name));
                }
                _ => part[t] = Some(name),
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::labels::Labels;
    use crate::effect::panel::PanelRows;
    use crate::effect::within::TwoWay;
    use proptest::prelude::*;

    fn panel(rows: &[(u8, u8, f64, f64)]) -> Panel {
        let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let time: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row.3).collect();
        let names: Vec<String> = rows.iter().map(|row| row.0.to_string()).collect();
        let unit = Labels::new(&names);
        let plain = PanelRows::new(&y, &unit, &time);
        Panel::new(&PanelRows { weights: Some(&weights), ..plain }).unwrap()
    }

    fn rows() -> impl Strategy<Value = Vec<(u8, u8, f64, f64)>> {
        let row = (0..6u8, 0..6u8, -10.0..10.0f64, 0.1..5.0f64);
        proptest::collection::vec(row, 2..30).prop_map(|mut rows| {
            rows.sort_by_key(|row| (row.0, row.1));
            rows.dedup_by_key(|row| (row.0, row.1));
            rows
        })
    }

    proptest! {
        /// On all rows it is the within transformation; on some, that of the panel of those rows.
        #[test]
        fn is_the_within_transformation(rows in rows(), skip in 0..7u8) {
            let panel = panel(&rows);
            let kept = |row: usize| (panel.unit[row] + 2 * panel.time[row]) % 7 != u32::from(skip);
            let some: Vec<usize> = (0..panel.n_obs()).filter(|row| kept(*row)).collect();
            prop_assume!(!some.is_empty());
            let part = UnitTime::new(&panel, some.clone()).unwrap();
            let (unit, time) = part.effects(&panel.y);
            let small = panel.keep(kept);
            let within = TwoWay::new(&small);
            let mut residuals = small.y.clone();
            within.residuals(&mut residuals);
            for (row, residual) in some.iter().zip(&residuals) {
                let fitted = unit[panel.unit[*row] as usize] + time[panel.time[*row] as usize];
                prop_assert!((panel.y[*row] - fitted - residual).abs() < 1e-8);
            }

            // Sums of the fitted values lead back to the fitted values.
            let (mut units, mut times) = (vec![0.0; panel.n_units()], vec![0.0; panel.n_times()]);
            for row in &some {
                let (u, t) = (panel.unit[*row] as usize, panel.time[*row] as usize);
                let fitted = weight(&panel, *row) * (unit[u] + time[t]);
                units[u] += fitted;
                times[t] += fitted;
            }
            let (u, t) = part.solve_sums(&units, &times);
            for row in &some {
                let (i, s) = (panel.unit[*row] as usize, panel.time[*row] as usize);
                prop_assert!((u[i] + t[s] - unit[i] - time[s]).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn parts_are_told() {
        let rows = [
            (0, 0, 1.0, 1.0),
            (0, 1, 2.0, 1.0),
            (1, 2, 3.0, 1.0),
            (1, 3, 4.0, 1.0),
            (2, 4, 4.0, 1.0),
        ];
        let panel = panel(&rows);
        let part = UnitTime::new(&panel, vec![0, 1, 2, 3]).unwrap();
        assert!(part.comparable(0, 1) && part.comparable(2, 3) && !part.comparable(1, 2));
        assert!(part.imputes(0, 1) && !part.imputes(0, 2) && !part.imputes(2, 4));
        assert_eq!(part.n_effects(), 2 + 4 - 2);
    }
}
