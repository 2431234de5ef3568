//! Counts over columns, by maximum likelihood.

use crate::Reason;
use crate::distribution::gamma;
use crate::least_squares;

const MAX_STEPS: usize = 100;

/// A step that moves no logarithm of an expected count by more than this is the last.
const SETTLED: f64 = 1e-11;

/// ln E(y) = ln population + x′b
pub(super) struct PoissonFit {
    pub(super) coefficients: Vec<f64>,
    /// (X′WX)⁻¹ with the expected counts as weights: the covariance, were the counts independent.
    pub(super) unscaled: Vec<Vec<f64>>,
    /// The expected counts.
    pub(super) expected: Vec<f64>,
    pub(super) deviance: f64,
    /// Pearson's X²/(n − k).
    pub(super) dispersion: f64,
}

/// Newton's steps on the log-likelihood by reweighted least squares (McCullagh and Nelder 1989,
/// section 2.5), halved where they would lose.
pub(super) fn fit(
    columns: &[&[f64]],
    y: &[f64],
    population: Option<&[f64]>,
) -> Result<PoissonFit, Reason> {
    let n = y.len();
    let total: f64 = y.iter().sum();
    let people = population.map_or(n as f64, |population| population.iter().sum());
    let offset: Vec<f64> =
        (0..n).map(|row| population.map_or(0.0, |population| libm::log(population[row]))).collect();
    let linear = |coefficients: &[f64]| -> Vec<f64> {
        (0..n).map(|row| columns.iter().zip(coefficients).map(|(x, b)| x[row] * b).sum()).collect()
    };
    let expected = |linear: &[f64]| -> Vec<f64> {
        linear.iter().zip(&offset).map(|(eta, offset)| libm::exp(eta + offset)).collect()
    };
    let mut coefficients = vec![0.0; columns.len()];
    if let Some(first) = coefficients.first_mut() {
        *first = libm::log(total / people); // the intercept
    }
    let mut eta = linear(&coefficients);
    let mut mu = expected(&eta);
    let mut now = deviance(y, &mu);
    for _ in 0..MAX_STEPS {
        let working: Vec<f64> =
            eta.iter().zip(y).zip(&mu).map(|((eta, y), mu)| eta + (y - mu) / mu).collect();
        if !working.iter().all(|value| value.is_finite()) {
            break;
        }
        let step = least_squares::fit(columns, &working, Some(&mu)).ok_or_else(unidentified)?;
        let mut next = step.coefficients;
        let mut next_eta = linear(&next);
        let mut next_mu = expected(&next_eta);
        let mut next_deviance = deviance(y, &next_mu);
        let bound = now * (1.0 + 1e-9) + f64::EPSILON * total;
        let mut halvings = 0;
        while (next_deviance.is_nan() || next_deviance > bound) && halvings < 30 {
            halvings += 1;
            for (b, old) in next.iter_mut().zip(&coefficients) {
                *b = 0.5 * (*b + old);
            }
            next_eta = linear(&next);
            next_mu = expected(&next_eta);
            next_deviance = deviance(y, &next_mu);
        }
        let moved = next_eta.iter().zip(&eta).fold(0.0, |a: f64, (x, y)| a.max((x - y).abs()));
        (coefficients, eta, mu, now) = (next, next_eta, next_mu, next_deviance);
        if moved <= SETTLED {
            // The covariance at the last coefficients.
            let last = least_squares::fit(columns, &eta, Some(&mu)).ok_or_else(unidentified)?;
            let pearson: f64 = y.iter().zip(&mu).map(|(y, mu)| (y - mu) * (y - mu) / mu).sum();
            let dispersion = pearson / last.df;
            return Ok(PoissonFit {
                coefficients,
                unscaled: last.unscaled,
                expected: mu,
                deviance: now,
                dispersion,
            });
        }
    }
    Err(Reason::because("the fit does not settle: too few events to tell the terms apart"))
}

/// Why columns that are combinations of each other have no coefficients.
pub(super) fn unidentified() -> Reason {
    Reason::because(
        "the terms cannot be told apart: a covariate or a season is a combination of the others, or \
         there are too few points",
    )
}

fn deviance(y: &[f64], mu: &[f64]) -> f64 {
    let term = |(y, mu): (&f64, &f64)| if *y > 0.0 { gamma::deviance(*y, *mu) } else { *mu };
    2.0 * y.iter().zip(mu).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, reason};

    #[test]
    fn groups_by_hand() {
        // Two groups have their own rates.
        let (ones, group) = ([1.0; 4], [0.0, 0.0, 1.0, 1.0]);
        let (y, people) = ([3.0, 5.0, 1.0, 2.0], [100.0, 100.0, 50.0, 100.0]);
        let found = fit(&[&ones, &group], &y, Some(&people)).unwrap();
        assert_close(found.coefficients[0], libm::log(8.0 / 200.0), 1e-12);
        assert_close(found.coefficients[1], libm::log((3.0 / 150.0) / (8.0 / 200.0)), 1e-12);
        assert_close(found.unscaled[1][1], 1.0 / 8.0 + 1.0 / 3.0, 1e-12);
        // Pearson: 1/4 + 1/4 of the first group, 0 of the second.
        assert_close(found.dispersion, 0.5 / 2.0, 1e-12);
    }

    #[test]
    fn a_group_without_events_has_no_rate_ratio() {
        let (ones, group) = ([1.0; 4], [0.0, 0.0, 1.0, 1.0]);
        let found = fit(&[&ones, &group], &[3.0, 5.0, 0.0, 0.0], None);
        assert!(reason(found.err()).contains("does not settle"));
        let found = fit(&[&ones, &ones], &[3.0, 5.0, 0.0, 0.0], None);
        assert!(reason(found.err()).contains("cannot be told apart"));
    }
}
