//! Errors that hold when the rows of a cluster go together.

/// The scores of each cluster: Σ w x e over its rows, one number for each column of `x`.
pub(crate) fn scores(
    x: &[Vec<f64>],
    residuals: &[f64],
    weights: Option<&[f64]>,
    cluster: &[u32],
    n_clusters: usize,
) -> Vec<Vec<f64>> {
    let mut scores = vec![vec![0.0; x.len()]; n_clusters];
    for (row, residual) in residuals.iter().enumerate() {
        let weighted = weights.map_or(*residual, |weights| weights[row] * residual);
        let sums = &mut scores[cluster[row] as usize];
        for (sum, column) in sums.iter_mut().zip(x) {
            *sum += weighted * column[row];
        }
    }
    scores
}

/// A Σ s s' A for the scores s of clusters and a symmetric bread A: the covariance CR0 of Liang and
/// Zeger (1986).
pub(crate) fn sandwich(bread: &[Vec<f64>], scores: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let k = bread.len();
    let mut covariance = vec![vec![0.0; k]; k];
    for score in scores {
        let influence: Vec<f64> =
            bread.iter().map(|row| row.iter().zip(score).map(|(a, s)| a * s).sum()).collect();
        for (row, a) in covariance.iter_mut().zip(&influence) {
            row.iter_mut().zip(&influence).for_each(|(sum, b)| *sum += a * b);
        }
    }
    covariance
}

/// G/(G − 1), for G clusters: nothing where there are fewer than two.
pub(crate) fn cluster_factor(n_clusters: usize) -> Option<f64> {
    (n_clusters > 1).then(|| n_clusters as f64 / (n_clusters - 1) as f64)
}

/// (N − 1)/(N − K), for N rows and K coefficients: nothing where there are no more rows than
/// coefficients.
pub(crate) fn size_factor(n_obs: usize, n_counted: usize) -> Option<f64> {
    (n_obs > n_counted).then(|| (n_obs - 1) as f64 / (n_obs - n_counted) as f64)
}

/// What turns CR0 into the default of R's fixest: G/(G − 1) × (N − 1)/(N − K), with K from
/// [`coefficients_that_count`].
pub(crate) fn fixest_adjustment(n_clusters: usize, n_obs: usize, n_counted: usize) -> Option<f64> {
    Some(cluster_factor(n_clusters)? * size_factor(n_obs, n_counted)?)
}

/// How many coefficients count in the adjustment for size: the regressors, and of the fixed effects
/// (given as how many there are of each kind, and whether they are nested in the clusters) those
/// that are not nested.
///
/// As fixest has it (`fixef.K = "nested"`): a kind that is nested counts as the one constant that it
/// contains, kinds share that constant, and where all are nested it is still counted.
pub(crate) fn coefficients_that_count(n_regressors: usize, kinds: &[(usize, bool)]) -> usize {
    if kinds.iter().all(|(_, nested)| *nested) {
        return n_regressors + 1;
    }
    let effects: usize = kinds.iter().map(|(n, nested)| if *nested { 1 } else { *n }).sum();
    (n_regressors + effects + 1).saturating_sub(kinds.len()).max(n_regressors + 1)
}

/// Whether all rows of each code lie in one cluster.
pub(crate) fn is_nested(codes: &[u32], n_codes: usize, cluster: &[u32]) -> bool {
    let mut first: Vec<Option<u32>> = vec![None; n_codes];
    codes
        .iter()
        .zip(cluster)
        .all(|(code, cluster)| *first[*code as usize].get_or_insert(*cluster) == *cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_by_hand() {
        let x = vec![vec![1.0, 2.0, 3.0]];
        let scores = scores(&x, &[0.5, -1.0, 2.0], None, &[0, 0, 1], 2);
        assert_eq!(scores, [[-1.5], [6.0]]);
        assert_eq!(sandwich(&[vec![0.5]], &scores), [[0.25 * (2.25 + 36.0)]]);
    }

    #[test]
    fn nested_effects_do_not_count() {
        // One regressor, 500 units that are the clusters, 5 times: the regressor and 5 times.
        assert_eq!(coefficients_that_count(1, &[(500, true), (5, false)]), 6);
        assert_eq!(coefficients_that_count(1, &[(500, false), (5, false)]), 505);
        assert_eq!(coefficients_that_count(1, &[(500, true), (5, true)]), 2);
        assert_eq!(fixest_adjustment(500, 2500, 6), Some(500.0 / 499.0 * (2499.0 / 2494.0)));
        assert_eq!(fixest_adjustment(1, 10, 2), None);
        assert_eq!(fixest_adjustment(5, 10, 10), None);
    }

    #[test]
    fn a_code_in_two_clusters_is_not_nested() {
        assert!(is_nested(&[0, 0, 1, 1], 2, &[3, 3, 3, 3]));
        assert!(is_nested(&[0, 0, 1, 1], 2, &[0, 0, 1, 1]));
        assert!(!is_nested(&[0, 1, 0, 1], 2, &[0, 0, 1, 1]));
    }
}
