//! Draws of a variance whose inverse is gamma, with an upper bound.

use super::stream::Stream;
use crate::distribution::gamma;

/// So many draws are thrown away before the quantile of the tail is solved for.
const TRIES: usize = 32;

/// A prior of a variance: its inverse is gamma with shape `df` / 2 and rate `df` × `guess`² / 2,
/// cut where the variance is above `most` (the `SdPrior` of R's Boom).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct VariancePrior {
    pub(super) df: f64,
    /// A standard deviation.
    pub(super) guess: f64,
    /// A variance.
    pub(super) most: f64,
}

impl VariancePrior {
    /// A draw given the sum of `n` squares of which each has this variance as its expectation. The
    /// shape that comes of it must be 1 or more.
    pub(super) fn given(&self, squares: f64, n: usize, random: &mut Stream) -> f64 {
        let shape = 0.5 * (self.df + n as f64);
        let rate = 0.5 * (self.df * self.guess * self.guess + squares);
        let least = rate / self.most;
        for _ in 0..TRIES {
            let draw = random.gamma(shape);
            if draw >= least {
                return rate / draw;
            }
        }
        // The bound is far in the tail: what is above it, by its quantile.
        let above = gamma::upper_tail(shape, least) * random.uniform();
        if above > f64::MIN_POSITIVE {
            rate / gamma::upper_quantile(shape, above).max(least)
        } else {
            self.most
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and largest of draws.
    fn drawn(prior: &VariancePrior, squares: f64, n: usize) -> (f64, f64) {
        let mut random = Stream::new(11);
        let draws: Vec<f64> = (0..20_000).map(|_| prior.given(squares, n, &mut random)).collect();
        (draws.iter().sum::<f64>() / 20_000.0, draws.iter().copied().fold(0.0, f64::max))
    }

    /// The mean of an inverse gamma is rate / (shape − 1).
    #[test]
    fn without_a_bound_the_mean_is_that_of_the_inverse_gamma() {
        let prior = VariancePrior { df: 32.0, guess: 0.5, most: f64::INFINITY };
        let (mean, _) = drawn(&prior, 6.0, 20);
        let expected = 0.5 * (32.0 * 0.25 + 6.0) / (26.0 - 1.0);
        // The deviation of a draw is mean / √(shape − 2).
        let error = expected / (24.0f64 * 20_000.0).sqrt();
        assert!((mean - expected).abs() < 5.0 * error, "{mean} {expected}");
    }

    /// By the sum over a fine grid, where the bound lets half or next to nothing through.
    #[test]
    fn a_bound_cuts_the_law() {
        let prior = |most: f64| VariancePrior { df: 1.0, guess: 1.0, most };
        for (most, squares) in [(1.0, 9.0), (0.2, 29.0)] {
            let (shape, rate) = (5.0, 0.5 * (1.0 + squares));
            let density = |v: f64| libm::exp(-rate / v + rate / most) * libm::pow(v, -shape - 1.0);
            let grid: Vec<f64> = (1..200_000).map(|k| most * f64::from(k) / 200_000.0).collect();
            let mass: f64 = grid.iter().map(|v| density(*v)).sum();
            let expected = grid.iter().map(|v| v * density(*v)).sum::<f64>() / mass;
            let (mean, largest) = drawn(&prior(most), squares, 9);
            assert!(largest <= most);
            assert!((mean / expected - 1.0).abs() < 0.01, "{mean} {expected}");
        }
        assert_eq!(drawn(&prior(1e-6), 1e3, 9).1, 1e-6);
    }
}
