//! Errors that hold under autocorrelation (Newey and West 1987, *Econometrica* 55).

use std::ops::Range;

use super::options::NeweyWestLag;
use crate::Reason;
use crate::inference::cluster::sandwich;
use crate::least_squares;

/// The covariance of coefficients, and the bandwidth it was calculated with.
pub(super) struct NeweyWest {
    pub(super) covariance: Vec<Vec<f64>>,
    /// Neighbours that were taken in.
    pub(super) lag: usize,
    /// What [`NeweyWestLag::Automatic`] found, before it was cut to a whole number.
    pub(super) bandwidth: Option<f64>,
}

/// How to go about it.
pub(super) struct Request {
    pub(super) lag: NeweyWestLag,
    pub(super) prewhiten: bool,
    pub(super) small_sample: bool,
}

/// ⌊4 (n/100)^(2/9)⌋
pub(super) fn rule(n: usize) -> usize {
    (4.0 * libm::pow(n as f64 / 100.0, 2.0 / 9.0)).floor() as usize
}

/// A S A for the bread A = (X′X)⁻¹ and
///
/// ```text
/// S = Σ_t s_t s_t′ + Σ_l (1 − l/(L + 1)) Σ_t (s_t s′_(t−l) + s_(t−l) s′_t)
/// ```
///
/// of the scores s_t = x_t e_t, one row for each time (equation 5 of the paper). `series` are the
/// rows of series that have nothing to do with each other; products are taken within each.
pub(super) fn newey_west(
    scores: &[Vec<f64>],
    series: &[Range<usize>],
    bread: &[Vec<f64>],
    request: &Request,
) -> Result<NeweyWest, Reason> {
    let (n, k) = (scores.len(), bread.len());
    let longest = series.iter().map(Range::len).max().unwrap_or(0);
    let (rows, recolour) = match (request.prewhiten, series) {
        (false, _) => (scores.to_vec(), None),
        (true, [_]) => {
            let (rows, recolour) = prewhiten(scores)?;
            (rows, Some(recolour))
        }
        _ => return Err(Reason::because("scores of several series are not prewhitened")),
    };
    let bandwidth = match request.lag {
        NeweyWestLag::Automatic => Some(automatic(&rows, n, request.prewhiten)?),
        _ => None,
    };
    let lag = match (request.lag, bandwidth) {
        (NeweyWestLag::Fixed(lag), _) => lag,
        (_, Some(bandwidth)) => bandwidth.floor() as usize,
        _ => rule(longest),
    };
    if lag >= longest {
        return Err(Reason::because(format!(
            "lag is {lag} (for {longest} points it must be {} or less)",
            longest.saturating_sub(1)
        )));
    }

    let mut covariance = vec![vec![0.0; k]; k];
    let parts = match recolour {
        Some(_) => std::iter::once(0..rows.len()).collect(),
        None => series.to_vec(),
    };
    for part in parts {
        let rows = &rows[part];
        for l in 0..=lag.min(rows.len().saturating_sub(1)) {
            let weight = 1.0 - l as f64 / (lag as f64 + 1.0);
            for (late, early) in rows[l..].iter().zip(rows) {
                for i in 0..k {
                    for j in 0..k {
                        let both = if l == 0 { 0.5 } else { 1.0 };
                        covariance[i][j] +=
                            weight * both * (late[i] * early[j] + early[i] * late[j]);
                    }
                }
            }
        }
    }
    let factor = if request.small_sample { n as f64 / (n as f64 - k as f64) } else { 1.0 };
    let around = |outer: &[Vec<f64>], inner: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let left = product(outer, inner);
        left.iter()
            .map(|row| outer.iter().map(|other| dot(row, other)).collect::<Vec<f64>>())
            .collect()
    };
    let meat = match &recolour {
        Some(recolour) => around(recolour, &covariance),
        None => covariance,
    };
    let mut covariance = around(bread, &meat);
    covariance.iter_mut().flatten().for_each(|value| *value *= factor);
    Ok(NeweyWest { covariance, lag, bandwidth })
}

/// A Σ s s′ A, each s of a row, times a factor: errors that hold under unequal variances.
pub(super) fn unequal_variances(
    scores: &[Vec<f64>],
    bread: &[Vec<f64>],
    factor: f64,
) -> Vec<Vec<f64>> {
    let mut covariance = sandwich(bread, scores);
    covariance.iter_mut().flatten().for_each(|value| *value *= factor);
    covariance
}

/// Row by row.
type Matrix = Vec<Vec<f64>>;

/// What a VAR(1) without constant leaves of the scores, and the (I − A)⁻¹ that puts it back
/// (Andrews and Monahan 1992, *Econometrica* 60).
fn prewhiten(scores: &[Vec<f64>]) -> Result<(Matrix, Matrix), Reason> {
    let fault = || {
        Reason::because("the scores cannot be prewhitened: they are too few, or explosive, or zero")
    };
    let k = scores.first().map_or(0, Vec::len);
    let n = scores.len();
    if n < k + 2 {
        return Err(fault());
    }
    let before: Vec<Vec<f64>> =
        (0..k).map(|j| scores[..n - 1].iter().map(|s| s[j]).collect()).collect();
    let before: Vec<&[f64]> = before.iter().map(Vec::as_slice).collect();
    let mut rows = vec![vec![0.0; k]; n - 1];
    let mut rest = nalgebra::DMatrix::<f64>::identity(k, k);
    for j in 0..k {
        let now: Vec<f64> = scores[1..].iter().map(|s| s[j]).collect();
        let fit = least_squares::fit(&before, &now, None).ok_or_else(fault)?;
        for (row, residual) in rows.iter_mut().zip(&fit.residuals) {
            row[j] = *residual;
        }
        for (i, a) in fit.coefficients.iter().enumerate() {
            rest[(j, i)] -= a;
        }
    }
    let inverse = rest.try_inverse().ok_or_else(fault)?;
    let recolour: Vec<Vec<f64>> =
        (0..k).map(|i| (0..k).map(|j| inverse[(i, j)]).collect()).collect();
    if recolour.iter().flatten().any(|value| !value.is_finite()) {
        return Err(fault());
    }
    Ok((rows, recolour))
}

/// The bandwidth γ n^(1/3) of Newey and West (1994, *Review of Economic Studies* 61) for Bartlett's
/// kernel, γ = 1.1447 (s₁/s₀)^(2/3), from the autocovariances of the sum of all scores but that of
/// the intercept, up to ⌊4 (n/100)^(2/9)⌋, or 3 for 4 after prewhitening.
fn automatic(rows: &[Vec<f64>], n_all: usize, prewhitened: bool) -> Result<f64, Reason> {
    let n = rows.len();
    let sums: Vec<f64> = rows.iter().map(|row| row[1..].iter().sum()).collect();
    let most = if prewhitened { 3.0 } else { 4.0 };
    let last = (most * libm::pow(n_all as f64 / 100.0, 2.0 / 9.0)).floor() as usize;
    let autocovariance = |j: usize| -> f64 {
        sums[j.min(n)..].iter().zip(&sums).map(|(a, b)| a * b).sum::<f64>() / n as f64
    };
    let (mut s0, mut s1) = (autocovariance(0), 0.0);
    for j in 1..=last {
        let sigma = autocovariance(j);
        s0 += 2.0 * sigma;
        s1 += 2.0 * j as f64 * sigma;
    }
    let ratio = s1 / s0;
    let bandwidth = 1.1447 * libm::cbrt(ratio * ratio) * libm::cbrt(n_all as f64);
    if bandwidth.is_finite() {
        Ok(bandwidth)
    } else {
        Err(Reason::because("the autocovariances of the scores give no bandwidth"))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = b.first().map_or(0, Vec::len);
    a.iter()
        .map(|row| {
            (0..columns).map(|j| row.iter().zip(b).map(|(x, other)| x * other[j]).sum()).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(lag: usize, small_sample: bool) -> Request {
        Request { lag: NeweyWestLag::Fixed(lag), prewhiten: false, small_sample }
    }

    /// One series of so many points.
    fn one_series(n: usize) -> Vec<Range<usize>> {
        std::iter::once(0..n).collect()
    }

    #[test]
    fn by_hand() {
        let scores = [vec![1.0], vec![-2.0], vec![3.0], vec![1.0]];
        let found = newey_west(&scores, &one_series(4), &[vec![0.5]], &request(1, false)).unwrap();
        // Squares 15, products of neighbours −2 − 6 + 3 = −5 of weight ½ on both sides.
        assert_eq!(found.covariance, [[0.25 * (15.0 - 5.0)]]);
        let apart = newey_west(&scores, &[0..2, 2..4], &[vec![0.5]], &request(1, true)).unwrap();
        assert!((apart.covariance[0][0] - 0.25 * (15.0 + 1.0) * 4.0 / 3.0).abs() < 1e-15);
        assert!(newey_west(&scores, &one_series(4), &[vec![0.5]], &request(4, true)).is_err());
        assert_eq!((rule(20), rule(59), rule(100), rule(31)), (2, 3, 4, 3));
    }

    proptest! {
        /// The double sum over all pairs of times, as the definition has it.
        #[test]
        fn is_the_double_sum(
            flat in proptest::collection::vec(-5.0..5.0f64, 24),
            lag in 0usize..8,
        ) {
            let scores: Vec<Vec<f64>> = flat.chunks(2).map(<[f64]>::to_vec).collect();
            let bread = [vec![0.7, 0.1], vec![0.1, 0.4]];
            let fast = newey_west(&scores, &one_series(12), &bread, &request(lag, true)).unwrap();
            for i in 0..2 {
                for j in 0..2 {
                    let mut slow = 0.0;
                    for s in 0..12usize {
                        for t in 0..12usize {
                            let weight = 1.0 - s.abs_diff(t) as f64 / (lag as f64 + 1.0);
                            if weight > 0.0 {
                                slow += weight * dot(&bread[i], &scores[s]) * dot(&bread[j], &scores[t]);
                            }
                        }
                    }
                    let value = fast.covariance[i][j];
                    prop_assert!((value - slow * 12.0 / 10.0).abs() < 1e-9 * (1.0 + slow.abs()));
                }
            }
        }

        /// Series end to end, far apart, are as good as series on their own.
        #[test]
        fn series_apart_do_not_meet(flat in proptest::collection::vec(-5.0..5.0f64, 12)) {
            let rows = |part: &[f64]| -> Vec<Vec<f64>> { part.iter().map(|s| vec![*s]).collect() };
            let whole = rows(&flat);
            let of = |rows: &[Vec<f64>], parts: &[Range<usize>]| {
                newey_west(rows, parts, &[vec![1.0]], &request(2, false)).unwrap().covariance[0][0]
            };
            let both = of(&whole, &[0..6, 6..12]);
            let apart = of(&rows(&flat[..6]), &one_series(6)) + of(&rows(&flat[6..]), &one_series(6));
            prop_assert!((both - apart).abs() < 1e-10 * (1.0 + both.abs()));
        }
    }
}
