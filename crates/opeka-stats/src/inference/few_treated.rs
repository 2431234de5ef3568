//! Few treated units of unequal size: residuals that are rescaled before they change places.

use rayon::prelude::*;

use super::permutation::{Alternative, Design};
use super::projection::{TreatmentFit, weight};
use crate::Reason;
use crate::effect::panel::Panel;
use crate::random::Random;
use crate::reason::{require_each, require_positive};

/// The population of each unit: the mean of its rows.
///
/// # Errors
/// Not one for each row, or not a finite number above zero.
pub(super) fn populations(panel: &Panel, population: &[f64]) -> Result<Vec<f64>, Reason> {
    let last = panel.source.iter().max().map_or(0, |row| *row as usize + 1);
    if population.len() < last {
        let n = population.len();
        return Err(Reason::because(format!("there are {last} rows and {n} of population")));
    }
    let column = panel.arrange(population);
    require_each(require_positive, "population", &column)?;
    let mean = |unit| {
        let rows = panel.rows_of(unit);
        column[rows.clone()].iter().sum::<f64>() / rows.len() as f64
    };
    Ok((0..panel.n_units()).map(mean).collect())
}

/// The test of Ferman and Pinto (2019, "Inference in differences-in-differences with few treated
/// groups and heteroskedasticity", *Review of Economics and Statistics* 101).
///
/// The outcome of an area is a mean over its people, so that its errors are the larger the smaller
/// it is: plain permutation then finds effects in small treated areas that are none, and none in
/// large ones. Let r be the residuals under the hypothesis, and W what they contrast between the
/// treated periods and the others. Its variance is modelled as a + b/population, by least squares
/// of W² on a constant and 1/population, with a and b not below zero. Residuals of another area are
/// then multiplied by the ratio of the two standard deviations before they take its place.
pub(super) struct Rescaled<'a> {
    fit: &'a TreatmentFit<'a>,
    design: &'a Design,
    /// 1/population of each unit.
    inverse: Vec<f64>,
    /// w d of each row.
    scores: Vec<f64>,
    /// The paths of the treated units, each less its mean, and how many have it.
    contrasts: Vec<(Vec<f64>, f64)>,
    alternative: Alternative,
    draws: u32,
    seed: u64,
    /// The orders of the draws, one after the other; nothing where there are too many to keep.
    orders: Vec<u32>,
}

/// So many places of orders are kept.
const KEPT: usize = 20_000_000;

impl<'a> Rescaled<'a> {
    pub(super) fn new(
        fit: &'a TreatmentFit<'a>,
        design: &'a Design,
        population: &[f64],
        alternative: Alternative,
        draws: u32,
        seed: u64,
    ) -> Result<Self, Reason> {
        let panel = fit.projection.panel;
        panel.require_balanced()?;
        if panel.n_clusters != panel.n_units() {
            return Err(Reason::because(
                "the correction for unequal populations takes units, not clusters of them",
            ));
        }
        let scores = fit.treatment.iter().enumerate().map(|(row, d)| weight(panel, row) * d);
        let contrasts = design.treated_paths().map(|(path, n)| {
            let mean = path.iter().sum::<f64>() / path.len() as f64;
            (path.iter().map(|d| d - mean).collect(), n as f64)
        });
        let keep = panel.n_units().saturating_mul(draws as usize) <= KEPT;
        let mut orders = Vec::new();
        for number in (0..draws).filter(|_| keep) {
            orders.extend(design.draw_order(&mut Random::new(seed, u64::from(number))));
        }
        Ok(Self {
            fit,
            design,
            orders,
            inverse: population.iter().map(|population| 1.0 / population).collect(),
            scores: scores.collect(),
            contrasts: contrasts.collect(),
            alternative,
            draws,
            seed,
        })
    }

    /// (1 + draws as extreme as the data)/(1 + draws), under the hypothesis of an effect of this
    /// size.
    pub(super) fn p_value(&self, effect: f64) -> f64 {
        let n_times = self.fit.projection.panel.n_times();
        let residuals = self.fit.without_effect(effect);
        let size = self.sizes(&residuals);
        let of: Vec<&[f64]> = residuals.chunks_exact(n_times).collect();
        let statistic = |order: &[u32]| -> f64 {
            let units = self.scores.chunks_exact(n_times).zip(order).zip(&size);
            let terms = units.map(|((scores, other), own)| {
                let other = *other as usize;
                let product: f64 = scores.iter().zip(of[other]).map(|(d, r)| d * r).sum();
                product * own / size[other]
            });
            terms.sum()
        };
        let order: Vec<u32> = (0..of.len() as u32).collect();
        let data = statistic(&order);
        let slack = 1e-10 * data.abs();
        let extreme = |number: &u32| {
            let from = *number as usize * of.len();
            let draw = match self.orders.get(from..from + of.len()) {
                Some(order) => statistic(order),
                None => {
                    let mut random = Random::new(self.seed, u64::from(*number));
                    statistic(&self.design.draw_order(&mut random))
                }
            };
            match self.alternative {
                Alternative::TwoSided => draw.abs() >= data.abs() - slack,
                Alternative::Greater => draw >= data - slack,
                Alternative::Less => draw <= data + slack,
            }
        };
        let count = (0..self.draws).into_par_iter().filter(extreme).count();
        (1.0 + count as f64) / (1.0 + f64::from(self.draws))
    }

    /// The modelled standard deviation of each unit; all alike where there is nothing to model.
    fn sizes(&self, residuals: &[f64]) -> Vec<f64> {
        let n_times = self.fit.projection.panel.n_times();
        let square = |own: &[f64]| -> f64 {
            let each = self.contrasts.iter().map(|(contrast, n)| {
                let w: f64 = contrast.iter().zip(own).map(|(d, r)| d * r).sum();
                n * w * w
            });
            each.sum()
        };
        let squares: Vec<f64> = residuals.chunks_exact(n_times).map(square).collect();
        let (a, b) = variance_model(&squares, &self.inverse);
        let sizes: Vec<f64> = self.inverse.iter().map(|z| (a + b * z).sqrt()).collect();
        if sizes.iter().all(|size| *size > 0.0) { sizes } else { vec![1.0; sizes.len()] }
    }
}

/// a and b, neither below zero, of the least squares of `squares` on a + b z.
fn variance_model(squares: &[f64], z: &[f64]) -> (f64, f64) {
    let n = z.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (z_mean, mean_square) = (mean(z), mean(squares));
    let spread: f64 = z.iter().map(|z| (z - z_mean) * (z - z_mean)).sum();
    if spread <= 1e-20 * n * z_mean * z_mean {
        return (mean_square, 0.0);
    }
    let product: f64 = z.iter().zip(squares).map(|(z, s)| (z - z_mean) * s).sum();
    let b = product / spread;
    let a = mean_square - b * z_mean;
    if b < 0.0 {
        (mean_square, 0.0)
    } else if a < 0.0 {
        let dot: f64 = z.iter().zip(squares).map(|(z, s)| z * s).sum();
        (0.0, dot / z.iter().map(|z| z * z).sum::<f64>())
    } else {
        (a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn variances_are_not_negative() {
        let z = [0.1, 0.2, 0.4, 0.8];
        let (a, b) = variance_model(&z.map(|z| 2.0 + 3.0 * z), &z);
        assert_close(a, 2.0, 1e-12);
        assert_close(b, 3.0, 1e-12);
        assert_eq!(variance_model(&[4.0, 3.0, 2.0, 1.0], &z), (2.5, 0.0));
        // Steeper than a line through zero: 3 (z − 0.1) has a below it.
        let (a, b) = variance_model(&z.map(|z| 3.0 * (z - 0.1)), &z);
        assert_eq!(a, 0.0);
        assert_close(b, 3.0 * (0.85 - 0.1 * 1.5) / 0.85, 1e-12);
        assert_eq!(variance_model(&[1.0, 2.0, 3.0, 6.0], &[0.5; 4]), (3.0, 0.0));
    }
}
