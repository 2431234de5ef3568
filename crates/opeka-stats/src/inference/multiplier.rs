//! The multiplier bootstrap: errors and bands from influence functions, without fitting anything
//! again.

use rayon::prelude::*;

use crate::distribution::normal;
use crate::random::Random;

/// Draws of the errors of several estimates at once.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    /// Draw by draw, one number for each estimate.
    values: Vec<f64>,
    n_terms: usize,
}

/// Multiplies what each unit (or cluster of units) adds to the estimates with +1 or −1, each with
/// probability one half, as the R package did does (Callaway and Sant'Anna 2021, algorithm 1 and
/// remark 10, for whom any weights of mean zero and variance one will do).
///
/// `influence` has a column for each estimate; a draw is Σ ±influence / `n_units`, in units of the
/// estimate. Each draw has its own stream of `seed`.
pub(crate) fn draws(influence: &[&[f64]], n_units: usize, draws: usize, seed: u64) -> Draws {
    let n_terms = influence.len();
    let rows = influence.first().map_or(0, |column| column.len());
    // Row by row, so that a draw runs through memory once; rows of zeros move nothing.
    let mut table = Vec::with_capacity(rows * n_terms);
    for row in 0..rows {
        if influence.iter().any(|column| column[row] != 0.0) {
            table.extend(influence.iter().map(|column| column[row]));
        }
    }
    let width = n_terms.max(1);
    let total: Vec<f64> = influence.iter().map(|column| column.iter().sum::<f64>()).collect();
    let n = n_units as f64;
    let mut values = vec![0.0; draws * n_terms];
    values.par_chunks_exact_mut(width).enumerate().for_each(|(draw, sums)| {
        let mut random = Random::new(seed, draw as u64);
        // Twice the rows with +1, less all of them.
        for rows in table.chunks(width * SIGNS) {
            let mut signs = random.below(1 << SIGNS);
            for row in rows.chunks_exact(width) {
                if signs & 1 == 1 {
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                signs >>= 1;
            }
        }
        sums.iter_mut().zip(&total).for_each(|(sum, total)| *sum = (2.0 * *sum - total) / n);
    });
    Draws { values, n_terms }
}

/// How many signs a random number gives.
const SIGNS: usize = 31;

impl Draws {
    fn of(&self, term: usize) -> Vec<f64> {
        self.values.iter().skip(term).step_by(self.n_terms.max(1)).copied().collect()
    }

    /// The error of an estimate: the distance of the quartiles over that of the normal distribution,
    /// which wild draws do not move.
    pub(crate) fn std_error(&self, term: usize) -> f64 {
        let mut sorted = self.of(term);
        sorted.sort_unstable_by(f64::total_cmp);
        (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / (2.0 * normal::quantile(0.75))
    }

    /// How many errors the limits of all of these estimates must be away, so that all hold at once
    /// with probability `level`: a quantile of the largest |draw / error|. `None` where no estimate
    /// has an error.
    pub(crate) fn simultaneous(&self, errors: &[Option<f64>], level: f64) -> Option<f64> {
        let inverse: Vec<f64> = errors.iter().map(|error| error.map_or(0.0, |e| 1.0 / e)).collect();
        if inverse.iter().all(|inverse| *inverse == 0.0) {
            return None;
        }
        let largest = |draw: &[f64]| {
            draw.iter().zip(&inverse).map(|(d, inverse)| (d * inverse).abs()).fold(0.0, f64::max)
        };
        let mut sorted: Vec<f64> = self.values.chunks_exact(self.n_terms).map(largest).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(quantile(&sorted, level)).filter(|value| value.is_finite())
    }
}

/// The smallest number with at least a share `p` at or below it (type 1 of Hyndman and Fan 1996).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let rank = (sorted.len() as f64 * p - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn quantiles_are_order_statistics() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.25, 0.26, 0.75, 0.95].map(|p| quantile(&sorted, p)), [1.0, 2.0, 3.0, 4.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }

    /// A draw, unit by unit with its sign.
    fn slowly(influence: &[&[f64]], n_units: usize, seed: u64, draw: u64) -> Vec<f64> {
        let mut random = Random::new(seed, draw);
        let mut sums = vec![0.0; influence.len()];
        let mut signs = 0;
        for row in 0..influence[0].len() {
            if row % SIGNS == 0 {
                signs = random.below(1 << SIGNS);
            }
            let sign = if (signs >> (row % SIGNS)) & 1 == 1 { 1.0 } else { -1.0 };
            sums.iter_mut().zip(influence).for_each(|(sum, column)| *sum += sign * column[row]);
        }
        sums.iter().map(|sum| sum / n_units as f64).collect()
    }

    #[test]
    fn a_draw_is_a_weighted_sum() {
        let a: Vec<f64> = (0..70).map(|row| f64::from(row % 7) - 2.5).collect();
        let b: Vec<f64> = (0..70).map(|row| f64::from(row % 11) * 0.25).collect();
        let influence: [&[f64]; 2] = [&a, &b];
        let fast = draws(&influence, 70, 40, 3);
        for draw in 0..40 {
            let slow = slowly(&influence, 70, 3, draw);
            for (value, slow) in fast.values[draw as usize * 2..].iter().zip(&slow) {
                assert!((value - slow).abs() < 1e-14, "{value} is not {slow}");
            }
        }
    }

    #[test]
    fn weights_have_mean_zero_and_variance_one() {
        let column = vec![1.0; 200];
        let drawn = draws(&[&column], 200, 4000, 1);
        let n = drawn.values.len() as f64;
        let mean = drawn.values.iter().sum::<f64>() / n;
        let variance = drawn.values.iter().map(|v| v * v).sum::<f64>() / n;
        // The mean of 200 weights has variance 1/200; its error over 4000 draws is 0.0011.
        assert!(mean.abs() < 0.0045, "{mean}");
        assert!((variance * 200.0 - 1.0).abs() < 0.1, "{variance}");
        assert_close(drawn.std_error(0), (1.0f64 / 200.0).sqrt(), 0.1);
        // One estimate alone needs no more than its own limits.
        let one = drawn.simultaneous(&[Some((1.0f64 / 200.0).sqrt())], 0.95).unwrap();
        assert!((one - 1.96).abs() < 0.12, "{one}");
        assert_eq!(drawn.simultaneous(&[None], 0.95), None);
    }
}
