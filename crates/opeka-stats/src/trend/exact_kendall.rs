//! The distribution of Kendall's score where every order of the values is equally likely.

use std::sync::OnceLock;

/// The most points for which probabilities are kept; beyond, the normal one is as good.
pub(super) const MAX_EXACT: usize = 50;

/// The probability of a score at least as far from zero as `score`, on either side, among `n`
/// points without ties. `None` outside 2 to [`MAX_EXACT`] points and for a score that cannot be.
///
/// The number of orders of n values with k pairs out of order is the sum of those of n − 1 values
/// with k, k − 1, …, k − n + 1 (Kendall 1970, *Rank correlation methods*, chapter 5). As SciPy's
/// `kendalltau(method="exact")` and R's `cor.test(method = "kendall", exact = TRUE)` have it.
pub(super) fn two_sided_p(n: usize, score: f64) -> Option<f64> {
    let pairs = n * n.checked_sub(1)? / 2;
    let fewer = 0.5 * (pairs as f64 - score.abs());
    if fewer < 0.0 || fewer.fract() != 0.0 {
        return None;
    }
    tails().get(n)?.get(fewer as usize).copied()
}

/// For each number of points, for each number of pairs out of order up to half of them, twice the
/// probability of so many or fewer.
fn tails() -> &'static [Vec<f64>] {
    static TAILS: OnceLock<Vec<Vec<f64>>> = OnceLock::new();
    TAILS.get_or_init(|| {
        let mut tails = vec![Vec::new(), Vec::new()];
        let mut share = vec![1.0];
        for n in 2..=MAX_EXACT {
            share = with_another_value(&share, n);
            let half = n * (n - 1) / 4;
            let sums = share.iter().take(half + 1).scan(0.0, |sum, part| {
                *sum += part;
                Some(f64::min(1.0, 2.0 * *sum))
            });
            tails.push(sums.collect());
        }
        tails
    })
}

/// The shares of orders of `n` values by pairs out of order, from those of one value fewer.
fn with_another_value(share: &[f64], n: usize) -> Vec<f64> {
    let pairs = n * (n - 1) / 2;
    let sum = |k: usize| -> f64 {
        let from = (k + 1).saturating_sub(n);
        let to = (k + 1).min(share.len());
        share.get(from..to).unwrap_or_default().iter().sum()
    };
    (0..=pairs).map(|k| sum(k) / n as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn small_numbers_of_points_by_hand() {
        // Of the 24 orders of four values, 1, 3, 5, 6, 5, 3 and 1 have 0 to 6 pairs out of order.
        assert_close(two_sided_p(4, 6.0).unwrap(), 2.0 / 24.0, 1e-15);
        assert_close(two_sided_p(4, -4.0).unwrap(), 8.0 / 24.0, 1e-15);
        assert_close(two_sided_p(4, 2.0).unwrap(), 18.0 / 24.0, 1e-15);
        assert_eq!(two_sided_p(4, 0.0), Some(1.0));
        assert_eq!(two_sided_p(2, 1.0), Some(1.0));
        // Only even scores can be among six pairs, and none above six.
        assert_eq!(two_sided_p(4, 1.0), None);
        assert_eq!(two_sided_p(4, 8.0), None);
        assert_eq!((two_sided_p(0, 0.0), two_sided_p(1, 0.0)), (None, None));
        assert_eq!(two_sided_p(51, 1275.0), None);
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1, stats._mstats_basic._kendall_p_exact(n, (pairs - score) / 2)
        for (n, score, p) in SCIPY {
            assert_close(two_sided_p(n, score).unwrap(), p, 1e-12);
        }
    }

    const SCIPY: [(usize, f64, f64); 10] = [
        (10, 1.0, 1.0),
        (10, 21.0, 0.07255015432098766),
        (12, 38.0, 0.008757732750788306),
        (25, 100.0, 0.019623905415578614),
        (25, -252.0, 2.4595495011540233e-12),
        (33, 100.0, 0.1257035969822807),
        (50, 401.0, 0.0006768945320378816),
        (50, 1225.0, 6.575898833266317e-65),
        (50, 1.0, 0.9999999999999994),
        (50, -701.0, 3.7247633780303856e-10),
    ];
}
