//! A regression on a panel with unit and time effects.

use crate::effect::panel::Panel;
use crate::effect::within::TwoWay;

/// A column of which unit and time effects leave less than this share of its length is explained by
/// them: what is left is rounding.
const EXPLAINED: f64 = 1e-24;

/// A column of which those before it leave less than this share of its square is explained by them.
const COLLINEAR: f64 = 1e-10;

/// A fitted y = Xb + unit effects + time effects + e, weighted where the panel is.
#[derive(Debug)]
pub(crate) struct Regression {
    /// Which of the columns were kept: those that are not explained by the effects and the columns
    /// before them.
    pub(crate) kept: Vec<usize>,
    /// The kept columns without unit and time effects.
    pub(crate) x: Vec<Vec<f64>>,
    /// One for each kept column.
    pub(crate) coefficients: Vec<f64>,
    /// (X'WX)⁻¹ of the columns without effects.
    pub(crate) bread: Vec<Vec<f64>>,
    pub(crate) residuals: Vec<f64>,
    /// Σ w e².
    pub(crate) rss: f64,
    /// Σ w y² of the outcome without effects.
    pub(crate) tss: f64,
}

impl Regression {
    /// Fits the outcome of the panel on columns in its order.
    pub(crate) fn fit(panel: &Panel, columns: Vec<Vec<f64>>) -> Self {
        let within = TwoWay::new(panel);
        let weights = panel.weights.as_deref();
        let mut kept = Vec::new();
        let mut x: Vec<Vec<f64>> = Vec::new();
        for (place, mut column) in columns.into_iter().enumerate() {
            let before = dot(&column, &column, weights);
            within.residuals(&mut column);
            if dot(&column, &column, weights) > EXPLAINED * before {
                kept.push(place);
                x.push(column);
            }
        }
        let gram: Vec<Vec<f64>> =
            x.iter().map(|a| x.iter().map(|b| dot(a, b, weights)).collect()).collect();
        let (bread, independent) = inverse(&gram);
        let mut chosen = independent.iter();
        kept.retain(|_| chosen.next().is_some_and(|keep| *keep));
        let mut chosen = independent.iter();
        x.retain(|_| chosen.next().is_some_and(|keep| *keep));

        let mut residuals = panel.y.clone();
        within.residuals(&mut residuals);
        let tss = dot(&residuals, &residuals, weights);
        let mut coefficients = vec![0.0; x.len()];
        // The second pass takes out what the rounding of the first one left.
        for _ in 0..2 {
            let target: Vec<f64> = x.iter().map(|x| dot(x, &residuals, weights)).collect();
            for (k, row) in bread.iter().enumerate() {
                let step: f64 = row.iter().zip(&target).map(|(a, t)| a * t).sum();
                coefficients[k] += step;
                residuals.iter_mut().zip(&x[k]).for_each(|(e, x)| *e -= step * x);
            }
        }
        let rss = dot(&residuals, &residuals, weights);
        Self { kept, x, coefficients, bread, residuals, rss, tss }
    }

    /// Whether the model fits without residuals, up to rounding, so that no error can be estimated.
    pub(crate) fn is_perfect(&self, panel: &Panel) -> bool {
        let total = dot(&panel.y, &panel.y, panel.weights.as_deref());
        self.rss <= 1e-20 * self.tss || self.rss <= 1e-26 * total
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => a.iter().zip(b).map(|(a, b)| a * b).sum(),
        Some(weights) => a.iter().zip(b).zip(weights).map(|((a, b), w)| w * a * b).sum(),
    }
}

/// The inverse of a symmetric matrix without negative directions, of its rows and columns that are
/// not explained by those before them; and which these are.
pub(crate) fn inverse(matrix: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<bool>) {
    // Scaled to a unit diagonal, so that the pivot is the share that is not explained.
    let n = matrix.len();
    let scale: Vec<f64> = (0..n).map(|i| matrix[i][i].sqrt()).collect();
    let mut lower: Vec<Vec<f64>> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut kept = vec![false; n];
    for i in 0..n {
        if scale[i] <= 0.0 || !scale[i].is_finite() {
            continue;
        }
        let mut row: Vec<f64> = Vec::with_capacity(places.len() + 1);
        for (j, place) in places.iter().enumerate() {
            let above: f64 = row.iter().zip(&lower[j]).map(|(a, b)| a * b).sum();
            let value = matrix[i][*place] / (scale[i] * scale[*place]);
            row.push((value - above) / lower[j][j]);
        }
        let pivot = 1.0 - row.iter().map(|l| l * l).sum::<f64>();
        if pivot > COLLINEAR {
            row.push(pivot.sqrt());
            lower.push(row);
            places.push(i);
            kept[i] = true;
        }
    }
    // The inverse of the triangle, column by column.
    let m = places.len();
    let mut triangle = vec![vec![0.0; m]; m];
    for column in 0..m {
        triangle[column][column] = 1.0 / lower[column][column];
        for row in column + 1..m {
            let sum: f64 = (column..row).map(|k| lower[row][k] * triangle[k][column]).sum();
            triangle[row][column] = -sum / lower[row][row];
        }
    }
    let entry = |i: usize, j: usize| -> f64 {
        let sum: f64 = (i.max(j)..m).map(|k| triangle[k][i] * triangle[k][j]).sum();
        sum / (scale[places[i]] * scale[places[j]])
    };
    ((0..m).map(|i| (0..m).map(|j| entry(i, j)).collect()).collect(), kept)
}
