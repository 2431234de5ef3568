//! Regression with errors that lean on the last one: e_t = ρ e_(t−1) + u_t.

use super::diagnostics::durbin_watson;
use super::options::{ItsErrors, RhoType};
use super::poisson::unidentified;
use crate::Reason;
use crate::least_squares::{self, Fit};

const MAX_ITERATIONS: usize = 1_000;

/// ρ that moves by no more than this has settled.
const SETTLED: f64 = 1e-12;

/// The likelihood is looked at where atanh ρ lies on this grid, up to ρ = ±0.9999.
const GRID: i32 = 20;
const PER_UNIT: f64 = 4.0;

/// A regression by generalised least squares.
#[derive(Clone, Debug)]
pub(super) struct Autoregression {
    pub(super) coefficients: Vec<f64>,
    pub(super) covariance: Vec<Vec<f64>>,
    pub(super) rho: f64,
    /// From the observed information, for [`ItsErrors::Ar1`].
    pub(super) rho_error: Option<f64>,
    /// Of the coefficients, from the observed information, for [`ItsErrors::Ar1`].
    pub(super) information_errors: Vec<f64>,
    /// How often ρ was calculated.
    pub(super) iterations: Option<usize>,
    /// The variance of u: Σ u²/(n − k).
    pub(super) variance: f64,
    /// For those by likelihood.
    pub(super) log_likelihood: Option<f64>,
    /// Of u.
    pub(super) durbin_watson: f64,
    pub(super) df: f64,
}

/// A regression of `y` on `columns`, whose rows follow each other at one distance.
pub(super) fn fit(
    columns: &[&[f64]],
    y: &[f64],
    errors: ItsErrors,
    rho_type: RhoType,
    known: Option<f64>,
) -> Result<Autoregression, Reason> {
    let problem = Problem { columns, y, keep_first: errors != ItsErrors::CochraneOrcutt };
    match (errors, known) {
        (ItsErrors::Ar1 | ItsErrors::Ar1Reml, _) => {
            let restricted = errors == ItsErrors::Ar1Reml;
            let rho = match known {
                Some(rho) => rho,
                None => problem.most_likely(restricted)?,
            };
            problem.by_likelihood(rho, restricted)
        }
        (_, Some(rho)) => problem.at(rho, None),
        (_, None) => {
            let (mut rho, mut residuals) = (0.0, problem.plain()?.residuals);
            for iteration in 1..=MAX_ITERATIONS {
                let next = autocorrelation(&residuals, rho_type);
                if next.is_nan() || next.abs() >= 1.0 {
                    return Err(Reason::because(format!(
                        "the autocorrelation of the residuals is {next}: a series that wanders off \
                         has no such errors (take first differences, or rho_type \
                         'autocorrelation')"
                    )));
                }
                let settled = (next - rho).abs() <= SETTLED;
                rho = next;
                if settled {
                    return problem.at(rho, Some(iteration));
                }
                let coefficients = problem.transformed(rho)?.coefficients;
                residuals = problem.residuals(&coefficients);
            }
            Err(Reason::because("the autocorrelation of the residuals does not settle"))
        }
    }
}

/// The autocorrelation of residuals with the one before.
fn autocorrelation(residuals: &[f64], rho_type: RhoType) -> f64 {
    let n = residuals.len();
    let products = |e: &[f64]| -> f64 { e.windows(2).map(|pair| pair[0] * pair[1]).sum() };
    let squares = |e: &[f64]| -> f64 { e.iter().map(|e| e * e).sum() };
    match rho_type {
        RhoType::Regress => products(residuals) / squares(&residuals[..n - 1]),
        RhoType::Autocorrelation => products(residuals) / squares(residuals),
        RhoType::YuleWalker => {
            let mean = residuals.iter().sum::<f64>() / n as f64;
            let centred: Vec<f64> = residuals.iter().map(|e| e - mean).collect();
            (products(&centred) / (n as f64 - 1.0)) / (squares(&centred) / n as f64)
        }
    }
}

struct Problem<'a> {
    columns: &'a [&'a [f64]],
    y: &'a [f64],
    keep_first: bool,
}

impl Problem<'_> {
    fn plain(&self) -> Result<Fit, Reason> {
        least_squares::fit(self.columns, self.y, None).ok_or_else(unidentified)
    }

    fn residuals(&self, coefficients: &[f64]) -> Vec<f64> {
        let fitted = |row: usize| -> f64 {
            self.columns.iter().zip(coefficients).map(|(x, b)| x[row] * b).sum()
        };
        (0..self.y.len()).map(|row| self.y[row] - fitted(row)).collect()
    }

    /// Least squares on x_t − ρ x_(t−1), with √(1 − ρ²) x_1 in front where the first time is kept.
    fn transformed(&self, rho: f64) -> Result<Fit, Reason> {
        let transform = |column: &[f64]| -> Vec<f64> {
            let first = column.first().filter(|_| self.keep_first);
            let first = first.map(|x| (1.0 - rho * rho).sqrt() * x);
            let rest = column.windows(2).map(|pair| pair[1] - rho * pair[0]);
            first.into_iter().chain(rest).collect()
        };
        let columns: Vec<Vec<f64>> = self.columns.iter().map(|x| transform(x)).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let fit = least_squares::fit(&columns, &transform(self.y), None);
        fit.filter(|fit| fit.df > 0.0).ok_or_else(unidentified)
    }

    fn at(&self, rho: f64, iterations: Option<usize>) -> Result<Autoregression, Reason> {
        let fit = self.transformed(rho)?;
        let variance = fit.variance();
        Ok(Autoregression {
            covariance: scaled(&fit.unscaled, variance),
            coefficients: fit.coefficients,
            rho,
            rho_error: None,
            information_errors: Vec::new(),
            iterations,
            variance,
            log_likelihood: None,
            durbin_watson: durbin_watson(&fit.residuals),
            df: fit.df,
        })
    }

    /// The log-likelihood at ρ with the best coefficients and variance, restricted or not, and its
    /// derivative. Σ u² = Σ e² + ρ² Σ_mid e² − 2ρ Σ e_t e_(t−1), the middle without both ends.
    fn likelihood(&self, rho: f64, restricted: bool) -> Result<(f64, f64), Reason> {
        let fit = self.transformed(rho)?;
        let residuals = self.residuals(&fit.coefficients);
        let (n, k) = (self.y.len() as f64, self.columns.len() as f64);
        let rest = 1.0 - rho * rho;
        let count = if restricted { n - k } else { n };
        let mut value =
            -0.5 * (count * (libm::log(2.0 * std::f64::consts::PI * fit.rss / count) + 1.0));
        let mut slope = -0.5 * count * bend(&residuals, &residuals, rho) / fit.rss;
        value += 0.5 * libm::log(rest);
        slope -= rho / rest;
        if restricted {
            let Some(determinant) = log_determinant(&fit.unscaled) else {
                return Err(unidentified());
            };
            value += 0.5 * determinant;
            let trace: f64 = (0..self.columns.len())
                .flat_map(|i| (0..self.columns.len()).map(move |j| (i, j)))
                .map(|(i, j)| fit.unscaled[i][j] * bend(self.columns[i], self.columns[j], rho))
                .sum();
            slope -= 0.5 * trace;
        }
        Ok((value, slope))
    }

    /// The ρ of the highest likelihood: the highest on a grid, then where its slope is zero.
    fn most_likely(&self, restricted: bool) -> Result<f64, Reason> {
        let rho = |z: f64| libm::tanh(z);
        let mut best: Option<(i32, f64)> = None;
        for step in -GRID..=GRID {
            let (value, _) = self.likelihood(rho(f64::from(step) / PER_UNIT), restricted)?;
            if value.is_finite() && best.is_none_or(|(_, before)| value > before) {
                best = Some((step, value));
            }
        }
        let (step, _) =
            best.ok_or_else(|| Reason::because("the likelihood has no highest point"))?;
        if step.abs() == GRID {
            return Err(Reason::because(format!(
                "the autocorrelation of the residuals reaches {}: a series that wanders off has no \
                 such errors (take first differences)",
                step.signum()
            )));
        }
        let (mut low, mut high) =
            ((f64::from(step) - 1.0) / PER_UNIT, (f64::from(step) + 1.0) / PER_UNIT);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            let (_, slope) = self.likelihood(rho(middle), restricted)?;
            if slope > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(rho(0.5 * (low + high)))
    }

    /// The covariance is σ̂² (X′Ω⁻¹X)⁻¹ with n − k in σ̂², as that of R's `nlme::gls`.
    fn by_likelihood(&self, rho: f64, restricted: bool) -> Result<Autoregression, Reason> {
        let (log_likelihood, _) = self.likelihood(rho, restricted)?;
        let mut found = self.at(rho, None)?;
        found.log_likelihood = Some(log_likelihood);
        if let Some((last, errors)) = self
            .information_errors(rho)
            .filter(|_| !restricted)
            .as_ref()
            .and_then(|errors| errors.split_last())
        {
            found.rho_error = Some(*last);
            found.information_errors = errors.to_vec();
        }
        Ok(found)
    }

    /// Errors of the coefficients and, last, of ρ from the second derivatives of the log-likelihood,
    /// whose variance is the best at each point: those of R's `arima`.
    fn information_errors(&self, rho: f64) -> Option<Vec<f64>> {
        let fit = self.transformed(rho).ok()?;
        let residuals = self.residuals(&fit.coefficients);
        let (n, k) = (self.y.len(), self.columns.len());
        let weight = n as f64 / fit.rss;
        let inverse = inverse(&fit.unscaled)?;
        let mut hessian = nalgebra::DMatrix::<f64>::zeros(k + 1, k + 1);
        for i in 0..k {
            for j in 0..k {
                hessian[(i, j)] = weight * inverse[(i, j)];
            }
            let cross = -weight * bend(self.columns[i], &residuals, rho);
            hessian[(i, k)] = cross;
            hessian[(k, i)] = cross;
        }
        let middle: f64 = residuals[1..n - 1].iter().map(|e| e * e).sum();
        let first = bend(&residuals, &residuals, rho);
        let rest = 1.0 - rho * rho;
        hessian[(k, k)] = weight * middle - 0.5 * weight * first * first / fit.rss
            + (1.0 + rho * rho) / (rest * rest);
        let covariance = hessian.try_inverse()?;
        let errors: Vec<f64> = (0..=k).map(|i| covariance[(i, i)].sqrt()).collect();
        errors.iter().all(|error| error.is_finite()).then_some(errors)
    }
}

/// a′ (dΩ⁻¹/dρ) b = 2ρ Σ_mid a b − Σ (a_t b_(t−1) + a_(t−1) b_t)
fn bend(a: &[f64], b: &[f64], rho: f64) -> f64 {
    let n = a.len();
    let middle: f64 = a[1..n - 1].iter().zip(&b[1..n - 1]).map(|(a, b)| a * b).sum();
    let crossed: f64 = a.windows(2).zip(b.windows(2)).map(|(a, b)| a[1] * b[0] + a[0] * b[1]).sum();
    2.0 * rho * middle - crossed
}

fn scaled(matrix: &[Vec<f64>], factor: f64) -> Vec<Vec<f64>> {
    matrix.iter().map(|row| row.iter().map(|value| factor * value).collect()).collect()
}

fn dense(matrix: &[Vec<f64>]) -> nalgebra::DMatrix<f64> {
    nalgebra::DMatrix::from_fn(matrix.len(), matrix.len(), |i, j| matrix[i][j])
}

fn inverse(matrix: &[Vec<f64>]) -> Option<nalgebra::DMatrix<f64>> {
    dense(matrix).try_inverse()
}

fn log_determinant(matrix: &[Vec<f64>]) -> Option<f64> {
    let factor = dense(matrix).cholesky()?;
    Some((0..matrix.len()).map(|i| 2.0 * libm::log(factor.l_dirty()[(i, i)])).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::testing::assert_close;
    use nalgebra::{DMatrix, DVector};

    fn wandering(n: usize, rho: f64, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut random = Random::new(seed, 0);
        let mut error = 0.0;
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let y = time
            .iter()
            .map(|t| {
                error = rho * error + random.normal();
                2.0 + 0.3 * t + error
            })
            .collect();
        (vec![vec![1.0; n], time], y)
    }

    /// Generalised least squares with the whole covariance matrix: coefficients, their errors and
    /// the log-likelihood, restricted or not.
    fn slowly(
        columns: &[Vec<f64>],
        y: &[f64],
        rho: f64,
        restricted: bool,
    ) -> (Vec<f64>, Vec<f64>, f64) {
        let (n, k) = (y.len(), columns.len());
        let omega =
            DMatrix::from_fn(n, n, |i, j| libm::pow(rho, i.abs_diff(j) as f64) / (1.0 - rho * rho));
        let inverse = omega.clone().try_inverse().unwrap();
        let x = DMatrix::from_fn(n, k, |i, j| columns[j][i]);
        let y = DVector::from_column_slice(y);
        let information = x.transpose() * &inverse * &x;
        let bread = information.clone().try_inverse().unwrap();
        let b = &bread * x.transpose() * &inverse * &y;
        let e = &y - &x * &b;
        let rss = (e.transpose() * &inverse * &e)[(0, 0)];
        let count = if restricted { n - k } else { n } as f64;
        let mut value = count * (libm::log(2.0 * std::f64::consts::PI * rss / count) + 1.0)
            + libm::log(omega.determinant());
        if restricted {
            value += libm::log(information.determinant());
        }
        let errors = (0..k).map(|i| (rss / (n - k) as f64 * bread[(i, i)]).sqrt()).collect();
        (b.iter().copied().collect(), errors, -0.5 * value)
    }

    #[test]
    fn is_least_squares_with_the_whole_covariance_matrix() {
        for (seed, rho) in [(1, 0.6), (2, -0.4), (3, 0.0)] {
            let (columns, y) = wandering(30, rho, seed);
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            for errors in [ItsErrors::PraisWinsten, ItsErrors::Ar1, ItsErrors::Ar1Reml] {
                let found = fit(&slices, &y, errors, RhoType::Regress, None).unwrap();
                let restricted = errors == ItsErrors::Ar1Reml;
                let (b, se, height) = slowly(&columns, &y, found.rho, restricted);
                for j in 0..2 {
                    assert_close(found.coefficients[j], b[j], 1e-9);
                    assert_close(found.covariance[j][j].sqrt(), se[j], 1e-9);
                }
                let Some(best) = found.log_likelihood else { continue };
                assert_close(best, height, 1e-10);
                // Nowhere is it higher.
                for step in 1..100 {
                    let other = f64::from(step) / 50.0 - 1.0;
                    assert!(slowly(&columns, &y, other, restricted).2 <= best + 1e-9);
                }
            }
        }
    }

    #[test]
    fn the_slope_of_the_likelihood_is_its_difference() {
        let (columns, y) = wandering(25, 0.5, 7);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let problem = Problem { columns: &slices, y: &y, keep_first: true };
        for restricted in [false, true] {
            let at = |rho: f64| problem.likelihood(rho, restricted).unwrap();
            let h = 1e-5;
            let (up, down) = (at(0.3 + h).0, at(0.3 - h).0);
            assert_close(at(0.3).1, (up - down) / (2.0 * h), 1e-6);
        }
    }

    #[test]
    fn a_series_that_runs_away_has_no_such_errors() {
        // Residuals that double: the regression of each on the one before has slope two.
        let y: Vec<f64> = (0..12).map(|t| libm::ldexp(1.0, t)).collect();
        let ones = vec![1.0; 12];
        let found = fit(&[&ones], &y, ItsErrors::PraisWinsten, RhoType::Regress, None);
        let text = found.err().map(|reason| reason.to_string()).unwrap_or_default();
        assert!(text.contains("wanders off"), "{text}");
    }
}
