//! What is left of a column when unit and time effects are taken out.

use super::panel::Panel;

/// Takes unit and time effects out of columns of a panel: the residuals of their (weighted)
/// regression on dummies of both. Exact in one pass, not iterated: the units are taken out in closed
/// form, and the normal equations of the times that remain are solved once.
#[derive(Debug)]
pub(crate) struct TwoWay<'a> {
    panel: &'a Panel,
    /// The sum of weights of each unit.
    unit_weight: Vec<f64>,
    /// The factor of the time block; nothing where the panel is balanced and all rows count alike.
    factor: Option<Cholesky>,
}

impl<'a> TwoWay<'a> {
    pub(crate) fn new(panel: &'a Panel) -> Self {
        let mut unit_weight = vec![0.0; panel.n_units()];
        for row in 0..panel.n_obs() {
            unit_weight[panel.unit[row] as usize] += weight(panel, row);
        }
        let n_times = panel.n_times();
        // Rows that were grouped anew may have the number of a balanced panel by chance.
        let plain = panel.is_balanced()
            && panel.weights.is_none()
            && panel.time.iter().zip((0..n_times).cycle()).all(|(time, due)| *time as usize == due);
        let factor = (!plain).then(|| Cholesky::new(time_block(panel, &unit_weight)));
        Self { panel, unit_weight, factor }
    }

    /// Takes the effects out of a column, which is in the order of the panel.
    pub(crate) fn residuals(&self, column: &mut [f64]) {
        let Some(factor) = &self.factor else {
            self.balanced(column);
            return;
        };
        // The second pass takes out what the rounding of the first one left.
        for _ in 0..2 {
            self.centre_units(column);
            let time = factor.solve(self.time_sums(column));
            for (value, t) in column.iter_mut().zip(&self.panel.time) {
                *value -= time[*t as usize];
            }
        }
        self.centre_units(column);
    }

    fn balanced(&self, column: &mut [f64]) {
        let n_times = self.panel.n_times().max(1); // an empty panel has none
        let mut time = vec![0.0; n_times];
        for unit in column.chunks_exact_mut(n_times) {
            let mean = unit.iter().sum::<f64>() / n_times as f64;
            for (value, time) in unit.iter_mut().zip(&mut time) {
                *value -= mean;
                *time += *value;
            }
        }
        let n_units = self.panel.n_units() as f64;
        time.iter_mut().for_each(|sum| *sum /= n_units);
        for unit in column.chunks_exact_mut(n_times) {
            unit.iter_mut().zip(&time).for_each(|(value, time)| *value -= time);
        }
    }

    fn centre_units(&self, column: &mut [f64]) {
        let panel = self.panel;
        for unit in 0..panel.n_units() {
            let rows = panel.rows_of(unit);
            let sum: f64 = rows.clone().map(|row| weight(panel, row) * column[row]).sum();
            let mean = sum / self.unit_weight[unit];
            column[rows].iter_mut().for_each(|value| *value -= mean);
        }
    }

    fn time_sums(&self, column: &[f64]) -> Vec<f64> {
        let panel = self.panel;
        let mut sums = vec![0.0; panel.n_times()];
        for row in 0..panel.n_obs() {
            sums[panel.time[row] as usize] += weight(panel, row) * column[row];
        }
        sums
    }
}

fn weight(panel: &Panel, row: usize) -> f64 {
    panel.weights.as_ref().map_or(1.0, |weights| weights[row])
}

/// The normal equations of the time effects once the unit effects are taken out:
/// diag(w_t) − Σ_u w_ut w_us / w_u.
fn time_block(panel: &Panel, unit_weight: &[f64]) -> Vec<Vec<f64>> {
    let n = panel.n_times();
    let mut block = vec![vec![0.0; n]; n];
    // The weights of a unit at each time, and the times at which it has rows.
    let mut sums = vec![0.0; n];
    let mut times: Vec<usize> = Vec::with_capacity(n);
    for unit in 0..panel.n_units() {
        times.clear();
        for row in panel.rows_of(unit) {
            let t = panel.time[row] as usize;
            if sums[t] == 0.0 {
                times.push(t);
            }
            sums[t] += weight(panel, row);
        }
        for a in &times {
            block[*a][*a] += sums[*a];
            let share = sums[*a] / unit_weight[unit];
            let line = &mut block[*a];
            times.iter().for_each(|b| line[*b] -= share * sums[*b]);
        }
        times.iter().for_each(|t| sums[*t] = 0.0);
    }
    block
}

/// The factor of a symmetric matrix without negative directions; columns that depend on those before
/// them are left out, and their solution is zero.
#[derive(Debug)]
struct Cholesky {
    lower: Vec<Vec<f64>>,
    kept: Vec<bool>,
}

impl Cholesky {
    fn new(matrix: Vec<Vec<f64>>) -> Self {
        let n = matrix.len();
        let mut lower = vec![vec![0.0; n]; n];
        let mut kept = vec![false; n];
        for j in 0..n {
            let pivot = matrix[j][j] - lower[j][..j].iter().map(|l| l * l).sum::<f64>();
            kept[j] = pivot > 1e-10 * matrix[j][j];
            if !kept[j] {
                continue;
            }
            let root = pivot.sqrt();
            lower[j][j] = root;
            for i in j + 1..n {
                let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                lower[i][j] = (matrix[i][j] - dot) / root;
            }
        }
        Self { lower, kept }
    }

    fn solve(&self, mut target: Vec<f64>) -> Vec<f64> {
        let n = target.len();
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| self.lower[i][k] * target[k]).sum();
            target[i] = if self.kept[i] { (target[i] - dot) / self.lower[i][i] } else { 0.0 };
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| self.lower[k][i] * target[k]).sum();
            target[i] = if self.kept[i] { (target[i] - dot) / self.lower[i][i] } else { 0.0 };
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::super::labels::Labels;
    use super::super::panel::PanelRows;
    use super::*;
    use crate::least_squares;
    use proptest::prelude::*;

    /// Rows at random: unit, time, value, weight.
    fn rows() -> impl Strategy<Value = Vec<(u8, u8, f64, f64)>> {
        let row = (0..5u8, 0..6u8, -10.0..10.0f64, 0.1..5.0f64);
        proptest::collection::vec(row, 1..30).prop_map(|mut rows| {
            rows.sort_by_key(|row| (row.0, row.1));
            rows.dedup_by_key(|row| (row.0, row.1));
            rows
        })
    }

    fn panel(rows: &[(u8, u8, f64, f64)], weighted: bool) -> Panel {
        let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let time: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row.3).collect();
        let names: Vec<String> = rows.iter().map(|row| row.0.to_string()).collect();
        let unit = Labels::new(&names);
        let plain = PanelRows::new(&y, &unit, &time);
        Panel::new(&PanelRows { weights: weighted.then_some(&weights), ..plain }).unwrap()
    }

    proptest! {
        /// Residuals are those of a regression on dummies, as many as can be told apart.
        #[test]
        fn equals_a_regression_on_dummies(rows in rows(), weighted in any::<bool>()) {
            let panel = panel(&rows, weighted);
            let within = TwoWay::new(&panel);
            let mut residuals = panel.y.clone();
            within.residuals(&mut residuals);

            let mut columns: Vec<Vec<f64>> = Vec::new();
            let dummies = |codes: &[u32], n: usize| -> Vec<Vec<f64>> {
                (0..n as u32)
                    .map(|k| codes.iter().map(|code| f64::from(u8::from(*code == k))).collect())
                    .collect()
            };
            let mut all = dummies(&panel.unit, panel.n_units());
            all.extend(dummies(&panel.time, panel.n_times()));
            for column in all {
                columns.push(column);
                let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                if least_squares::fit(&slices, &panel.y, None).is_none() {
                    columns.pop();
                }
            }
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let fit = least_squares::fit(&slices, &panel.y, panel.weights.as_deref()).unwrap();
            for (a, b) in residuals.iter().zip(&fit.residuals) {
                prop_assert!((a - b).abs() < 1e-8, "{} is not {}", a, b);
            }
        }
    }

    #[test]
    fn a_balanced_panel_by_hand() {
        let rows = [(0, 0, 1.0, 1.0), (0, 1, 3.0, 1.0), (1, 0, 2.0, 1.0), (1, 1, 8.0, 1.0)];
        let panel = panel(&rows, false);
        let within = TwoWay::new(&panel);
        let mut residuals = panel.y.clone();
        within.residuals(&mut residuals);
        assert_eq!(residuals, [1.0, -1.0, -1.0, 1.0]);
    }
}
