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
}
