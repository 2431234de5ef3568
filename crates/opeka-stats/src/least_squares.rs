//! Least squares with few columns, by Householder reflections.

/// A fitted linear model y = Xb + e, weighted where weights were given.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// One for each column.
    pub(crate) coefficients: Vec<f64>,
    /// (X'WX)⁻¹, row by row.
    pub(crate) unscaled: Vec<Vec<f64>>,
    /// y − Xb, not weighted.
    pub(crate) residuals: Vec<f64>,
    /// Σ w e².
    pub(crate) rss: f64,
    /// Rows less columns.
    pub(crate) df: f64,
}

impl Fit {
    /// The residual variance, Σ w e² / df.
    pub(crate) fn variance(&self) -> f64 {
        self.rss / self.df
    }

    /// The standard error of a coefficient, from the residual variance.
    pub(crate) fn std_error(&self, column: usize) -> f64 {
        (self.variance() * self.unscaled[column][column]).sqrt()
    }
}

/// Fits `y` on columns of equal length, each row weighted by `weights` (1 where `None`).
///
/// `None` where there are fewer rows than columns, or a column is, to 1e-11 of its length, a
/// combination of those before it. Centre a column of years first: it costs digits otherwise.
pub(crate) fn fit(columns: &[&[f64]], y: &[f64], weights: Option<&[f64]>) -> Option<Fit> {
    let (n, k) = (y.len(), columns.len());
    if n < k || k == 0 {
        return None;
    }
    let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
    let scaled = |column: &[f64]| -> Vec<f64> { (0..n).map(|i| column[i] * root(i)).collect() };
    let mut q: Vec<Vec<f64>> = columns.iter().map(|column| scaled(column)).collect();
    let mut r = vec![vec![0.0; k]; k];
    let mut rest = scaled(y);
    let mut target = vec![0.0; k];

    for j in 0..k {
        // Reflect column j onto the axis j; those after it and y are reflected with it.
        let length = norm(&q[j]);
        let mut reflector = q[j][j..].to_vec();
        let below = norm(&reflector);
        if below <= 1e-11 * length || below == 0.0 {
            return None;
        }
        let diagonal = if reflector[0] > 0.0 { -below } else { below };
        reflector[0] -= diagonal;
        let square = dot(&reflector, &reflector);
        let reflect = |vector: &mut [f64]| {
            let factor = 2.0 * dot(&reflector, vector) / square;
            for (v, u) in vector.iter_mut().zip(&reflector) {
                *v -= factor * u;
            }
        };
        for (later, column) in q.iter_mut().enumerate().skip(j + 1) {
            reflect(&mut column[j..]);
            r[j][later] = column[j];
        }
        r[j][j] = diagonal;
        reflect(&mut rest[j..]);
        target[j] = rest[j];
    }

    let inverse = invert_upper(&r);
    let times = |row: &[f64], vector: &[f64]| dot(row, vector);
    let coefficients: Vec<f64> = inverse.iter().map(|row| times(row, &target)).collect();
    let unscaled = inverse.iter().map(|a| inverse.iter().map(|b| dot(a, b)).collect()).collect();
    let fitted =
        |row: usize| columns.iter().zip(&coefficients).map(|(x, b)| x[row] * b).sum::<f64>();
    let residuals: Vec<f64> = (0..n).map(|row| y[row] - fitted(row)).collect();
    let rss = rest[k..].iter().map(|e| e * e).sum();
    Some(Fit { coefficients, unscaled, residuals, rss, df: (n - k) as f64 })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

/// The inverse of an upper triangle.
fn invert_upper(r: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let k = r.len();
    let mut inverse = vec![vec![0.0; k]; k];
    for column in 0..k {
        inverse[column][column] = 1.0 / r[column][column];
        for row in (0..column).rev() {
            let sum: f64 = (row + 1..=column).map(|m| r[row][m] * inverse[m][column]).sum();
            inverse[row][column] = -sum / r[row][row];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use proptest::prelude::*;

    #[test]
    fn a_line_by_hand() {
        let ones = [1.0; 4];
        let t = [0.0, 1.0, 2.0, 3.0];
        let fit = fit(&[&ones, &t], &[1.0, 3.0, 4.0, 8.0], None).unwrap();
        assert_close(fit.coefficients[0], 0.7, 1e-14);
        assert_close(fit.coefficients[1], 2.2, 1e-14);
        assert_close(fit.rss, 1.8, 1e-13);
        assert_close(fit.std_error(1), (0.9f64 / 5.0).sqrt(), 1e-13);
        assert!(super::fit(&[&ones, &ones], &t, None).is_none());
        assert!(super::fit(&[&ones], &[], None).is_none());
    }

    proptest! {
        #[test]
        fn residuals_are_orthogonal_and_weights_are_copies(
            x in proptest::collection::vec(-10.0..10.0f64, 6),
            y in proptest::collection::vec(-10.0..10.0f64, 6),
        ) {
            let ones = [1.0; 6];
            let Some(fit) = super::fit(&[&ones, &x], &y, None) else { return Ok(()) };
            prop_assert!(dot(&fit.residuals, &ones).abs() < 1e-9);
            prop_assert!(dot(&fit.residuals, &x).abs() < 1e-8);
            prop_assert!((fit.rss - dot(&fit.residuals, &fit.residuals)).abs() < 1e-9);

            // A row of weight two is a row that is there twice.
            let weights = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0];
            let weighted = super::fit(&[&ones, &x], &y, Some(&weights)).unwrap();
            let twice = |v: &[f64]| [&v[..1], v].concat();
            let copied = super::fit(&[&twice(&ones), &twice(&x)], &twice(&y), None).unwrap();
            for column in 0..2 {
                prop_assert!((weighted.coefficients[column] - copied.coefficients[column]).abs() < 1e-8);
            }
            prop_assert!((weighted.rss - copied.rss).abs() < 1e-8);
        }
    }
}
