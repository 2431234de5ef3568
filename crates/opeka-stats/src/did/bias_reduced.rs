//! Errors by cluster that make up for the residuals being smaller than the errors, and the degrees
//! of freedom that they have.
//!
//! Pustejovsky and Tipton (2018), "Small-sample methods for cluster-robust variance estimation and
//! hypothesis testing in fixed effects models", *JBES* 36(4), equations 9 to 15, with an identity
//! as the working covariance, as R's clubSandwich takes it. Units lie within clusters, so that
//! their effects are taken out first: for the jackknife exactly, without weights by theorem 2 of
//! the paper, and with weights by blocks.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::errors::Covariance;
use super::regression::{Regression, dot, inverse};
use crate::effect::panel::Panel;

/// A direction of which this share is left, or less, is not there.
const NOTHING: f64 = 1e-10;

/// CR2 with weights takes clusters of up to so many rows: their matrices are decomposed whole.
const MAX_CLUSTER_ROWS: usize = 1_000;

/// What residuals of a cluster are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adjustment {
    /// Nothing: CR0.
    None,
    /// (I − H)^(−1/2): CR2.
    BiasReduced,
    /// (I − H)⁻¹: CR3, the jackknife.
    Jackknife,
}

/// What all clusters share: times and regressors, free of unit effects.
struct Design<'a> {
    panel: &'a Panel,
    /// Columns for the times and the regressors.
    z: Vec<Vec<f64>>,
    /// (Z'WZ)⁻¹.
    m: DMatrix<f64>,
    /// A root of it: L L' = (Z'WZ)⁻¹.
    root: DMatrix<f64>,
    /// M c for each regressor.
    contrasts: DMatrix<f64>,
    /// Z'W²Z.
    squares: DMatrix<f64>,
}

/// What a cluster adds to the degrees of freedom of a coefficient.
struct Part {
    /// The part of its diagonal element that is not in the product of the vectors.
    own: f64,
    vector: DVector<f64>,
}

/// The covariance of the regressors of `fit`, whose units lie within clusters; with the degrees of
/// freedom of each if `satterthwaite`.
pub(crate) fn bias_reduced(
    panel: &Panel,
    fit: &Regression,
    adjustment: Adjustment,
    satterthwaite: bool,
) -> Result<Covariance, String> {
    let design = Design::new(panel, fit);
    let k = fit.x.len();
    let mut rows_of = vec![Vec::new(); panel.n_clusters];
    for (row, cluster) in panel.cluster.iter().enumerate() {
        rows_of[*cluster as usize].push(row);
    }
    let mut matrix = vec![vec![0.0; k]; k];
    let mut parts: Vec<Vec<Part>> = (0..k).map(|_| Vec::new()).collect();
    for rows in &rows_of {
        let u = design.influence(rows, adjustment)?;
        let e = DVector::from_iterator(rows.len(), rows.iter().map(|row| fit.residuals[*row]));
        let scores = u.tr_mul(&e);
        for (i, row) in matrix.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(j, sum)| *sum += scores[i] * scores[j]);
        }
        if satterthwaite {
            for (column, parts) in parts.iter_mut().enumerate() {
                parts.push(design.part(rows, &u.column(column).into_owned()));
            }
        }
    }
    let df = if satterthwaite {
        parts.iter().map(|parts| design.degrees(parts)).collect()
    } else {
        Vec::new()
    };
    Ok(Covariance { matrix, df })
}

impl<'a> Design<'a> {
    fn new(panel: &'a Panel, fit: &Regression) -> Self {
        let weights = panel.weights.as_deref();
        let mut z: Vec<Vec<f64>> = (0..panel.n_times() as u32)
            .map(|time| {
                let dummy = panel.time.iter().map(|t| f64::from(u8::from(*t == time)));
                without_unit_means(panel, dummy.collect())
            })
            .collect();
        let n_times = z.len();
        z.extend(fit.x.iter().cloned());
        let gram = |z: &[Vec<f64>], weights: Option<&[f64]>| -> Vec<Vec<f64>> {
            z.iter().map(|a| z.iter().map(|b| dot(a, b, weights)).collect()).collect()
        };
        // Times that those before them explain go; regressors are free of times, and stay.
        let (rows, kept) = inverse(&gram(&z, weights));
        let kept_times = kept[..n_times.min(kept.len())].iter().filter(|kept| **kept).count();
        let mut chosen = kept.iter();
        z.retain(|_| chosen.next().is_some_and(|keep| *keep));
        let k = z.len();
        let m = DMatrix::from_fn(k, k, |i, j| rows[i][j]);
        let root = m.clone().cholesky().map_or_else(|| DMatrix::zeros(k, k), |c| c.l());
        let contrasts = m.columns(kept_times, k - kept_times).into_owned();
        let squared: Option<Vec<f64>> = weights.map(|w| w.iter().map(|w| w * w).collect());
        let squares = gram(&z, squared.as_deref());
        let squares = DMatrix::from_fn(k, k, |i, j| squares[i][j]);
        Self { panel, z, m, root, contrasts, squares }
    }

    fn weight(&self, row: usize) -> f64 {
        self.panel.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// For the rows of a cluster, what each residual adds to each coefficient: A W Z M c.
    fn influence(&self, rows: &[usize], adjustment: Adjustment) -> Result<DMatrix<f64>, String> {
        let k = self.z.len();
        let z = DMatrix::from_fn(rows.len(), k, |row, column| self.z[column][rows[row]]);
        let weighted = |mut matrix: DMatrix<f64>, power: fn(f64) -> f64| {
            for (mut line, row) in matrix.row_iter_mut().zip(rows) {
                line *= power(self.weight(*row));
            }
            matrix
        };
        let plain = weighted(&z * &self.contrasts, |w| w);
        if adjustment == Adjustment::None {
            return Ok(plain);
        }
        if adjustment == Adjustment::BiasReduced && self.panel.weights.is_some() {
            return self.with_weights(rows, &z, &plain);
        }
        // With U = W^½ Z L, A is W^½ (I − UU')^p W^(−½), a change within the span of U.
        let u = weighted(&z * &self.root, f64::sqrt);
        let eigen = SymmetricEigen::new(u.tr_mul(&u));
        let mut change = DMatrix::zeros(k, k);
        for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
            let left = 1.0 - value;
            let factor = if left > NOTHING {
                match adjustment {
                    Adjustment::Jackknife => 1.0 / left,
                    // ((1 − s)^(−½) − 1)/s without the loss of digits at small s.
                    _ => 1.0 / (left + left.sqrt()),
                }
            } else {
                // The direction is in this cluster alone.
                let lean = self.contrast_along(&vector.into_owned());
                if adjustment == Adjustment::Jackknife && lean > 1e-6 {
                    return Err(self.not_without(rows));
                }
                -1.0 / value
            };
            change += factor * vector * vector.transpose();
        }
        // A W Z M c = W^½ (I + U change U') W^½ Z M c, with W^½ Z M c = U L' c.
        let inner = self.root.tr_mul(&self.selection());
        let image = u.tr_mul(&u) * &inner;
        Ok(weighted(&u * (inner + change * image), f64::sqrt))
    }

    /// The unit vectors of the regressors.
    fn selection(&self) -> DMatrix<f64> {
        let (k, p) = (self.z.len(), self.contrasts.ncols());
        DMatrix::from_fn(k, p, |i, j| f64::from(u8::from(i == k - p + j)))
    }

    /// How far any of the contrasts lies along a direction, as a share of its length.
    fn contrast_along(&self, direction: &DVector<f64>) -> f64 {
        let inner = self.root.tr_mul(&self.selection());
        let share = |column: nalgebra::DVectorView<'_, f64>| {
            column.dot(direction).abs() / column.norm().max(f64::MIN_POSITIVE)
        };
        inner.column_iter().map(share).fold(0.0, f64::max)
    }

    fn not_without(&self, rows: &[usize]) -> String {
        let unit = rows.first().map_or(0, |row| self.panel.unit[*row] as usize);
        let name = self.panel.units.get(unit).map_or("", String::as_str);
        format!("without the cluster of {name} the effect cannot be estimated")
    }

    /// CR2 with weights: A = ((I − H)(I − H)')^(−½) of the cluster, units' effects included in H.
    fn with_weights(
        &self,
        rows: &[usize],
        z: &DMatrix<f64>,
        plain: &DMatrix<f64>,
    ) -> Result<DMatrix<f64>, String> {
        let n = rows.len();
        if n > MAX_CLUSTER_ROWS {
            return Err(format!(
                "a cluster has {n} rows (CR2 with weights takes up to {MAX_CLUSTER_ROWS})"
            ));
        }
        let units = UnitSums::new(self, rows);
        let zm = z * &self.m;
        let mut hat = &zm * z.transpose();
        let mut both = &zm * &self.squares * zm.transpose();
        for i in 0..n {
            let a = units.place[i];
            let lean = (units.mixed.row(a) * &self.m * z.transpose()) / units.weight[a];
            for j in 0..n {
                both[(i, j)] += lean[j];
                both[(j, i)] += lean[j];
                if units.place[j] == a {
                    hat[(i, j)] += 1.0 / units.weight[a];
                    both[(i, j)] += units.square[a] / (units.weight[a] * units.weight[a]);
                }
            }
        }
        let w: Vec<f64> = rows.iter().map(|row| self.weight(*row)).collect();
        let b = DMatrix::from_fn(n, n, |i, j| {
            f64::from(u8::from(i == j)) - hat[(i, j)] * (w[i] + w[j]) + both[(i, j)]
        });
        let eigen = SymmetricEigen::new(b);
        let mut turned = eigen.eigenvectors.tr_mul(plain);
        for (mut line, value) in turned.row_iter_mut().zip(eigen.eigenvalues.iter()) {
            line *= if *value > NOTHING { 1.0 / value.sqrt() } else { 0.0 };
        }
        Ok(&eigen.eigenvectors * turned)
    }

    /// With P_gh = u_g' [(I − H)(I − H)']_gh u_h = v_g' C v_h + (g = h) own_g: v_g and own_g.
    fn part(&self, rows: &[usize], u: &DVector<f64>) -> Part {
        let k = self.z.len();
        let units = UnitSums::new(self, rows);
        let n_units = units.weight.len();
        let (mut sums, mut weighted_sums) = (vec![0.0; n_units], vec![0.0; n_units]);
        let mut vector = DVector::zeros(2 * k);
        for (i, row) in rows.iter().enumerate() {
            let w = self.weight(*row);
            sums[units.place[i]] += u[i];
            weighted_sums[units.place[i]] += w * u[i];
            for (column, z) in self.z.iter().enumerate() {
                vector[column] += z[*row] * u[i];
                vector[k + column] -= w * z[*row] * u[i];
            }
        }
        let mut own = u.norm_squared();
        for unit in 0..n_units {
            let share = sums[unit] / units.weight[unit];
            own += share * (share * units.square[unit] - 2.0 * weighted_sums[unit]);
            for column in 0..k {
                vector[k + column] += share * units.mixed[(unit, column)];
            }
        }
        Part { own, vector }
    }

    /// Satterthwaite's degrees of freedom, (Σ P_gg)²/ΣΣ P_gh² (equation 11 of the paper).
    fn degrees(&self, parts: &[Part]) -> f64 {
        let k = self.z.len();
        let mut c = DMatrix::zeros(2 * k, 2 * k);
        c.view_mut((0, 0), (k, k)).copy_from(&(&self.m * &self.squares * &self.m));
        c.view_mut((0, k), (k, k)).copy_from(&self.m);
        c.view_mut((k, 0), (k, k)).copy_from(&self.m);
        let mut outer = DMatrix::zeros(2 * k, 2 * k);
        let (mut trace, mut squares) = (0.0, 0.0);
        for part in parts {
            let product = part.vector.dot(&(&c * &part.vector));
            trace += part.own + product;
            squares += part.own * (part.own + 2.0 * product);
            outer.ger(1.0, &part.vector, &part.vector, 1.0);
        }
        let turned = &c * outer;
        squares += (&turned * &turned).trace();
        trace * trace / squares
    }
}

/// What the units of a cluster sum to.
struct UnitSums {
    /// The unit of each row of the cluster, numbered from zero in the cluster.
    place: Vec<usize>,
    /// Σ w of each unit.
    weight: Vec<f64>,
    /// Σ w² of each unit.
    square: Vec<f64>,
    /// Σ w² z of each unit, a line for each.
    mixed: DMatrix<f64>,
}

impl UnitSums {
    fn new(design: &Design<'_>, rows: &[usize]) -> Self {
        // Rows are in the order of units.
        let unit = |i: usize| design.panel.unit[rows[i]];
        let mut place = Vec::with_capacity(rows.len());
        for i in 0..rows.len() {
            let next = match place.last() {
                None => 0,
                Some(last) if unit(i) == unit(i - 1) => *last,
                Some(last) => last + 1,
            };
            place.push(next);
        }
        let n_units = place.last().map_or(0, |last| last + 1);
        let (mut weight, mut square) = (vec![0.0; n_units], vec![0.0; n_units]);
        let mut mixed = DMatrix::zeros(n_units, design.z.len());
        for (i, row) in rows.iter().enumerate() {
            let w = design.weight(*row);
            weight[place[i]] += w;
            square[place[i]] += w * w;
            for (column, z) in design.z.iter().enumerate() {
                mixed[(place[i], column)] += w * w * z[*row];
            }
        }
        Self { place, weight, square, mixed }
    }
}

/// A column less the (weighted) mean of its unit.
fn without_unit_means(panel: &Panel, mut column: Vec<f64>) -> Vec<f64> {
    let weight = |row: usize| panel.weights.as_ref().map_or(1.0, |weights| weights[row]);
    for unit in 0..panel.n_units() {
        let rows = panel.rows_of(unit);
        let total: f64 = rows.clone().map(weight).sum();
        let sum: f64 = rows.clone().map(|row| weight(row) * column[row]).sum();
        column[rows].iter_mut().for_each(|value| *value -= sum / total);
    }
    column
}
