//! One draw of the wild cluster bootstrap, from sums of clusters alone.

use nalgebra::{DMatrix, SymmetricEigen};

use super::super::inversion::Ratio;
use super::super::projection::{TreatmentFit, weight};

/// What a draw needs to know of the panel.
pub(super) enum Sums<'a> {
    /// Sums of each cluster; no row is looked at again.
    OfClusters(Clusters),
    /// A unit has rows in several clusters: each draw goes through the rows.
    OfRows(Rows<'a>),
}

/// The residuals that are multiplied: y − τ d, of which d is zero where the null is not imposed.
struct Columns {
    y: Vec<f64>,
    d: Vec<f64>,
}

impl Columns {
    fn new(fit: &TreatmentFit<'_>, impose_null: bool) -> Self {
        if impose_null {
            Self { y: fit.outcome.clone(), d: fit.treatment.clone() }
        } else {
            Self { y: fit.without_effect(fit.estimate), d: vec![0.0; fit.outcome.len()] }
        }
    }
}

/// Sums of each cluster.
///
/// Units lie within clusters, so that what is left of the treatment, d, sums to zero over the rows
/// of a unit. The residuals u of a draw, multiplied by v, lose unit and time effects and covariates
/// again: only the times and the covariates matter to Σ w d u*, through the few numbers F'(Σ v h).
pub(super) struct Clusters {
    /// Σ w d y and Σ w d d, the latter as the null hypothesis enters it.
    score_y: Vec<f64>,
    score_d: Vec<f64>,
    /// Σ w d d.
    information: Vec<f64>,
    /// Of each cluster so many numbers, for d, y, and d as the null hypothesis enters it.
    n_directions: usize,
    loading: Vec<f64>,
    loading_y: Vec<f64>,
    loading_d: Vec<f64>,
    total: f64,
}

pub(super) struct Rows<'a> {
    fit: &'a TreatmentFit<'a>,
    columns: Columns,
}

impl<'a> Sums<'a> {
    pub(super) fn new(fit: &'a TreatmentFit<'a>, impose_null: bool) -> Self {
        let panel = fit.projection.panel;
        let columns = Columns::new(fit, impose_null);
        let within = (0..panel.n_units()).all(|unit| {
            let rows = panel.rows_of(unit);
            panel.cluster[rows].windows(2).all(|pair| pair[0] == pair[1])
        });
        if within {
            Self::OfClusters(Clusters::new(fit, &columns))
        } else {
            Self::OfRows(Rows { fit, columns })
        }
    }

    /// The same from the rows, for trials of the one against the other.
    #[cfg(test)]
    pub(super) fn of_rows(fit: &'a TreatmentFit<'a>, impose_null: bool) -> Self {
        Self::OfRows(Rows { fit, columns: Columns::new(fit, impose_null) })
    }

    /// The coefficient of a draw less τ, times the information, and the sum of the squares of the
    /// scores of its clusters, as functions of τ.
    pub(super) fn draw(&self, multipliers: &[f64]) -> Ratio {
        match self {
            Self::OfClusters(clusters) => clusters.draw(multipliers),
            Self::OfRows(rows) => rows.draw(multipliers),
        }
    }
}

impl Clusters {
    fn new(fit: &TreatmentFit<'_>, columns: &Columns) -> Self {
        let (projection, d) = (&fit.projection, &fit.treatment);
        let directions = Directions::new(fit);
        Self {
            score_y: projection.by_cluster(d, &columns.y),
            score_d: projection.by_cluster(d, &columns.d),
            information: projection.by_cluster(d, d),
            n_directions: directions.times.len() + projection.basis.len(),
            loading: directions.loadings(fit, d),
            loading_y: directions.loadings(fit, &columns.y),
            loading_d: directions.loadings(fit, &columns.d),
            total: fit.information,
        }
    }

    fn draw(&self, multipliers: &[f64]) -> Ratio {
        let k = self.n_directions;
        let (mut y, mut d) = (vec![0.0; k], vec![0.0; k]);
        let (mut sum_y, mut sum_d) = (0.0, 0.0);
        for (cluster, v) in multipliers.iter().enumerate() {
            sum_y += v * self.score_y[cluster];
            sum_d += v * self.score_d[cluster];
            let span = cluster * k..(cluster + 1) * k;
            let rows = self.loading_y[span.clone()].iter().zip(&self.loading_d[span]);
            for ((sum_y, sum_d), (of_y, of_d)) in y.iter_mut().zip(&mut d).zip(rows) {
                *sum_y += v * of_y;
                *sum_d += v * of_d;
            }
        }
        let (slope_y, slope_d) = (sum_y / self.total, sum_d / self.total);
        let mut ratio = Ratio { a: sum_y, b: -sum_d, ..Ratio::default() };
        for (cluster, v) in multipliers.iter().enumerate() {
            let (mut explained_y, mut explained_d) = (0.0, 0.0);
            let loading = &self.loading[cluster * k..(cluster + 1) * k];
            for ((f, y), d) in loading.iter().zip(&y).zip(&d) {
                explained_y += f * y;
                explained_d += f * d;
            }
            let information = self.information[cluster];
            let c = v * self.score_y[cluster] - slope_y * information - explained_y;
            let d = explained_d + slope_d * information - v * self.score_d[cluster];
            ratio.cc += c * c;
            ratio.cd += c * d;
            ratio.dd += d * d;
        }
        ratio
    }
}

/// An orthonormal basis of what the times span once unit effects are taken out.
struct Directions {
    /// Each as a combination of the sums over the times.
    times: Vec<Vec<f64>>,
}

impl Directions {
    /// With S = W'W of the dummies of time less their means of the units: S⁺ = L L', of which the
    /// columns are eigenvectors over the roots of their eigenvalues.
    fn new(fit: &TreatmentFit<'_>) -> Self {
        let panel = fit.projection.panel;
        let n = panel.n_times();
        let mut block = DMatrix::<f64>::zeros(n, n);
        for unit in 0..panel.n_units() {
            let rows = panel.rows_of(unit);
            let total: f64 = rows.clone().map(|row| weight(panel, row)).sum();
            for a in rows.clone() {
                let (t, w) = (panel.time[a] as usize, weight(panel, a));
                block[(t, t)] += w;
                for b in rows.clone() {
                    block[(t, panel.time[b] as usize)] -= w * weight(panel, b) / total;
                }
            }
        }
        let largest = (0..n).map(|t| block[(t, t)]).fold(0.0, f64::max);
        let eigen = SymmetricEigen::new(block);
        let values = eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter());
        let times = values
            .filter(|(value, _)| **value > 1e-10 * largest)
            .map(|(value, vector)| vector.iter().map(|v| v / value.sqrt()).collect())
            .collect();
        Self { times }
    }

    /// Of each cluster the products of the directions with a column from which unit effects are
    /// taken out.
    fn loadings(&self, fit: &TreatmentFit<'_>, column: &[f64]) -> Vec<f64> {
        let panel = fit.projection.panel;
        let n = panel.n_times();
        let mut sums = vec![0.0; panel.n_clusters * n];
        for (row, value) in column.iter().enumerate() {
            let place = panel.cluster[row] as usize * n + panel.time[row] as usize;
            sums[place] += weight(panel, row) * value;
        }
        let covariates: Vec<Vec<f64>> = fit
            .projection
            .basis
            .iter()
            .map(|covariate| fit.projection.by_cluster(covariate, column))
            .collect();
        let mut loadings = Vec::new();
        for (cluster, sums) in sums.chunks_exact(n).enumerate() {
            let of =
                |direction: &Vec<f64>| direction.iter().zip(sums).map(|(d, s)| d * s).sum::<f64>();
            loadings.extend(self.times.iter().map(of));
            loadings.extend(covariates.iter().map(|of_cluster| of_cluster[cluster]));
        }
        loadings
    }
}

impl Rows<'_> {
    fn draw(&self, multipliers: &[f64]) -> Ratio {
        let (fit, panel) = (self.fit, self.fit.projection.panel);
        let scores = |column: &[f64], sign: f64| {
            let rows = column.iter().zip(&panel.cluster);
            let mut left: Vec<f64> = rows
                .map(|(value, cluster)| sign * multipliers[*cluster as usize] * value)
                .collect();
            fit.projection.residuals(&mut left);
            let product = fit.projection.inner(&fit.treatment, &left);
            let slope = product / fit.information;
            left.iter_mut().zip(&fit.treatment).for_each(|(value, d)| *value -= slope * d);
            (product, fit.projection.by_cluster(&fit.treatment, &left))
        };
        let (a, c) = scores(&self.columns.y, 1.0);
        let (b, d) = scores(&self.columns.d, -1.0);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
        Ratio { a, b, cc: dot(&c, &c), cd: dot(&c, &d), dd: dot(&d, &d) }
    }
}
