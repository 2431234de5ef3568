//! Columns of a regression from which effects have been taken out: which of them stand alone, and
//! their normal equations.

use nalgebra::DMatrix;

use crate::effect::panel::Panel;

use super::unit_time::weight;

/// A column that, once others are taken out, keeps less than this share of its square is a
/// combination of them.
const COLLINEAR: f64 = 1e-10;

/// Columns of a weighted regression over some rows of a panel.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    panel: &'a Panel,
    rows: Vec<usize>,
    /// The columns that stand alone, as long as the panel.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Which of the columns that were given these are.
    pub(crate) kept: Vec<usize>,
    /// (X'WX)⁻¹.
    pub(crate) inverse: Vec<Vec<f64>>,
}

impl<'a> Columns<'a> {
    /// `left` holds what effects have left of the columns `raw`. A column that is a combination of
    /// effects and columns before it is not kept.
    pub(crate) fn new(
        panel: &'a Panel,
        rows: Vec<usize>,
        raw: &[Vec<f64>],
        left: Vec<Vec<f64>>,
    ) -> Self {
        let total: f64 = rows.iter().map(|row| weight(panel, *row)).sum();
        let square = |column: &[f64]| -> f64 {
            let mean =
                rows.iter().map(|row| weight(panel, *row) * column[*row]).sum::<f64>() / total;
            let term = |row: &usize| weight(panel, *row) * (column[*row] - mean).powi(2);
            rows.iter().map(term).sum()
        };
        let product = |a: &[f64], b: &[f64]| -> f64 {
            rows.iter().map(|row| weight(panel, *row) * a[*row] * b[*row]).sum()
        };
        let mut kept: Vec<usize> = Vec::new();
        // A Cholesky factor that grows with the columns that stand alone.
        let mut lower: Vec<Vec<f64>> = Vec::new();
        for j in 0..left.len() {
            let mut line: Vec<f64> = Vec::new();
            for (k, other) in kept.iter().enumerate() {
                let known: f64 = (0..k).map(|m| line[m] * lower[k][m]).sum();
                line.push((product(&left[j], &left[*other]) - known) / lower[k][k]);
            }
            let own = product(&left[j], &left[j]);
            let pivot = own - line.iter().map(|l| l * l).sum::<f64>();
            // What is left of a column that effects explain is rounding, whatever its own square.
            if pivot > COLLINEAR * own && own > COLLINEAR * square(&raw[j]) {
                line.push(pivot.sqrt());
                lower.push(line);
                kept.push(j);
            }
        }
        let k = kept.len();
        let factor = DMatrix::from_fn(k, k, |i, j| if j <= i { lower[i][j] } else { 0.0 });
        let half = factor.solve_lower_triangular(&DMatrix::identity(k, k));
        let inverse = match half {
            Some(half) => {
                let whole = half.transpose() * half;
                (0..k).map(|i| (0..k).map(|j| whole[(i, j)]).collect()).collect()
            }
            None => vec![vec![0.0; k]; k],
        };
        let mut columns = left;
        let mut place = 0;
        columns.retain(|_| {
            place += 1;
            kept.contains(&(place - 1))
        });
        Self { panel, rows, columns, kept, inverse }
    }

    /// X'Wz, for a column z that is as long as the panel.
    pub(crate) fn sums(&self, z: &[f64]) -> Vec<f64> {
        let sum = |column: &Vec<f64>| -> f64 {
            self.rows.iter().map(|row| weight(self.panel, *row) * column[*row] * z[*row]).sum()
        };
        self.columns.iter().map(sum).collect()
    }

    /// (X'WX)⁻¹ times a vector.
    pub(crate) fn solve(&self, sums: &[f64]) -> Vec<f64> {
        let dot = |row: &Vec<f64>| row.iter().zip(sums).map(|(a, b)| a * b).sum();
        self.inverse.iter().map(dot).collect()
    }

    /// Σ_j x_j b_j in a row.
    pub(crate) fn combined(&self, row: usize, coefficients: &[f64]) -> f64 {
        self.columns.iter().zip(coefficients).map(|(column, b)| column[row] * b).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::labels::Labels;
    use crate::effect::panel::PanelRows;
    use crate::least_squares;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_least_squares(
            x in proptest::collection::vec(proptest::collection::vec(-5.0..5.0f64, 12), 3),
            w in proptest::collection::vec(0.1..3.0f64, 12),
        ) {
            let names: Vec<String> = (0..12).map(|row| row.to_string()).collect();
            let unit = Labels::new(&names);
            let time = vec![1.0; 12];
            let plain = PanelRows::new(&x[2], &unit, &time);
            let panel = Panel::new(&PanelRows { weights: Some(&w), ..plain }).unwrap();
            // The third column is the sum of the first two, and goes.
            let sum: Vec<f64> = x[0].iter().zip(&x[1]).map(|(a, b)| a + b).collect();
            let given = vec![x[0].clone(), x[1].clone(), sum];
            let columns = Columns::new(&panel, (0..12).collect(), &given, given.clone());
            prop_assert_eq!(&columns.kept, &[0, 1]);
            let fit = least_squares::fit(&[&x[0], &x[1]], &panel.y, Some(&w)).unwrap();
            let ours = columns.solve(&columns.sums(&panel.y));
            for (a, b) in ours.iter().zip(&fit.coefficients) {
                prop_assert!((a - b).abs() < 1e-9);
            }
            for (a, b) in columns.inverse.iter().flatten().zip(fit.unscaled.iter().flatten()) {
                prop_assert!((a - b).abs() < 1e-9);
            }
            let fitted = columns.combined(3, &ours);
            prop_assert!((panel.y[3] - fitted - fit.residuals[3]).abs() < 1e-9);
        }
    }
}
