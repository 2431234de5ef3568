use super::*;
use crate::testing::{assert_close, reason};
use crate::{MannKendallVariant, mann_kendall};
use proptest::prelude::*;

/// Five years of four seasons.
const VALUE: [f64; 20] = [
    3.0, 8.0, 5.0, 1.0, 4.0, 9.0, 5.0, 2.0, 4.5, 8.5, 6.0, 2.0, 6.0, 9.5, 7.0, 1.5, 5.0, 9.0, 8.0,
    3.0,
];

fn years_and_seasons() -> (Vec<f64>, Vec<u32>) {
    (0..20u32).map(|k| (f64::from(k / 4), k % 4)).unzip()
}

#[test]
fn agrees_with_pymannkendall() {
    let (year, season) = years_and_seasons();
    // pymannkendall 1.4.3, seasonal_test(VALUE, period=4) and correlated_seasonal_test
    for (dependence, z, p, tau, s, variance, slope) in PYMANNKENDALL {
        let test = seasonal_mann_kendall(&VALUE, &year, &season, dependence);
        assert_close(test.statistic.unwrap(), z, 1e-13);
        assert_close(test.p_value.unwrap(), p, 1e-11);
        assert_close(test.estimate.unwrap(), tau, 1e-15);
        assert_eq!(test.score, Some(s));
        assert_close(test.score_variance.unwrap(), variance, 1e-14);
        assert_close(test.slope.unwrap(), slope, 1e-15);
        assert_eq!((test.n_obs, test.n_blocks), (20, 4));
    }
}

const PYMANNKENDALL: [(BlockDependence, f64, f64, f64, f64, f64, f64); 2] = [
    (
        BlockDependence::Independent,
        3.2584967465259838,
        0.0011200416061381002,
        0.675,
        27.0,
        63.666666666666664,
        0.5,
    ),
    (
        BlockDependence::Correlated,
        2.0687782491671274,
        0.038566900410183846,
        0.675,
        27.0,
        170.33333333333334,
        0.5,
    ),
];

#[test]
fn a_missing_season_leaves_its_year_out_of_the_correlated_test() {
    let (mut year, mut season) = years_and_seasons();
    let mut value = VALUE.to_vec();
    for column in [&mut value, &mut year] {
        column.remove(5);
    }
    season.remove(5);
    let test = seasonal_mann_kendall(&value, &year, &season, BlockDependence::Correlated);
    let kept = |k: &usize| *k / 4 != 1;
    let complete: Vec<f64> = (0..20).filter(kept).map(|k| VALUE[k]).collect();
    let (y, s) = years_and_seasons();
    let y: Vec<f64> = (0..20).filter(kept).map(|k| y[k]).collect();
    let s: Vec<u32> = (0..20).filter(kept).map(|k| s[k]).collect();
    let without = seasonal_mann_kendall(&complete, &y, &s, BlockDependence::Correlated);
    assert_eq!(test.statistic, without.statistic);
    assert_eq!(test.estimate, without.estimate);
    assert_eq!(test.n_obs, 19);
    // The slopes are those of all points.
    let independent = seasonal_mann_kendall(&value, &year, &season, BlockDependence::Independent);
    assert_eq!(test.slope, independent.slope);
}

#[test]
fn edges() {
    let test = |value: &[f64], year: &[f64], season: &[u32], dependence| {
        seasonal_mann_kendall(value, year, season, dependence)
    };
    let why = |value: &[f64], year: &[f64], season: &[u32], dependence| {
        reason(test(value, year, season, dependence).reason)
    };
    use BlockDependence::{Correlated, Independent};
    assert!(why(&[], &[], &[], Independent).contains("there are 0 points (it takes 3 or more)"));
    assert!(why(&[1.0; 3], &[1.0; 3], &[1, 2], Independent).contains("3 values and 2 seasons"));
    assert_eq!(
        why(&[1.0, 2.0, 3.0], &[1.0; 3], &[1, 2, 3], Independent),
        "cannot be calculated because no season has values for two different times"
    );
    let (value, year) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 1.0, 2.0]);
    assert_eq!(
        why(&value, &year, &[1, 1, 1, 2, 2], Correlated),
        "the test cannot be calculated because there are 2 times at which no season is missing \
         (it takes 3 or more)"
    );
    assert_eq!(
        why(&value, &year, &[1, 1, 1, 1, 2], Correlated),
        "the test cannot be calculated because a season has more than one value for 1"
    );
    assert!(test(&value, &year, &[1, 1, 1, 1, 2], Independent).statistic.is_some());
    let flat = test(
        &[1.0, 1.0, 1.0, 7.0, 7.0, 7.0],
        &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
        &[1, 1, 1, 2, 2, 2],
        Independent,
    );
    assert_eq!((flat.slope, flat.score, flat.statistic), (Some(0.0), Some(0.0), None));
    assert_eq!(
        reason(flat.reason),
        "the test cannot be calculated because all values of each season are equal"
    );
    // Two regions that move against each other cancel out, score and variance.
    let apart = regional_mann_kendall(
        &[1.0, 2.0, 3.0, 3.0, 2.0, 1.0],
        &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
        &["a", "a", "a", "b", "b", "b"],
        Correlated,
    );
    assert_eq!((apart.score, apart.score_variance), (Some(0.0), Some(0.0)));
    assert_eq!(
        reason(apart.reason),
        "the test cannot be calculated because the regions leave the score no variance"
    );
    // Many regions are no long series.
    let many: Vec<f64> = (0..6000).map(f64::from).collect();
    let region: Vec<u32> = (0..6000).map(|k| k / 3).collect();
    assert_eq!(regional_mann_kendall(&many, &many, &region, Independent).slope, Some(1.0));
    assert!(why(&many, &many, &[0; 6000], Independent).contains("17997000 pairs of points"));
}

/// The covariances one by one, as the formula has them.
fn slow_variance(blocks: &[Vec<f64>]) -> f64 {
    let n = blocks[0].len();
    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    let rank = |block: &[f64], j: usize| {
        0.5 * (n as f64 + 1.0 + block.iter().map(|x| sign(block[j] - x)).sum::<f64>())
    };
    let mut sum = 0.0;
    for g in blocks {
        for h in blocks {
            let mut k = 0.0;
            for j in 0..n {
                for i in 0..j {
                    k += sign((g[j] - g[i]) * (h[j] - h[i]));
                }
            }
            let ranks: f64 = (0..n).map(|j| rank(g, j) * rank(h, j)).sum();
            let n = n as f64;
            sum += (k + 4.0 * ranks - n * (n + 1.0) * (n + 1.0)) / 3.0;
        }
    }
    sum
}

proptest! {
    #[test]
    fn variance_is_the_sum_of_covariances(
        blocks in (3usize..8).prop_flat_map(|n| {
            prop::collection::vec(prop::collection::vec((-9i32..9).prop_map(f64::from), n), 1..6)
        }),
    ) {
        let value = blocks.concat();
        let n = blocks[0].len();
        let time: Vec<f64> = (0..value.len()).map(|k| (k % n) as f64).collect();
        let block: Vec<usize> = (0..value.len()).map(|k| k / n).collect();
        let test = regional_mann_kendall(&value, &time, &block, BlockDependence::Correlated);
        let variance = slow_variance(&blocks);
        prop_assert!((test.score_variance.unwrap() - variance).abs() < 1e-9, "{variance}");
        let scores = blocks.iter().map(|block| {
            mann_kendall(block, &time[..n], MannKendallVariant::Original).score.unwrap()
        });
        prop_assert_eq!(test.score, Some(scores.sum::<f64>()));
    }

    #[test]
    fn order_does_not_matter(seed in 1usize..1000, correlated in any::<bool>()) {
        let dependence =
            if correlated { BlockDependence::Correlated } else { BlockDependence::Independent };
        let (year, season) = years_and_seasons();
        let mut order: Vec<usize> = (0..20).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let value: Vec<f64> = order.iter().map(|&k| VALUE[k]).collect();
        let time: Vec<f64> = order.iter().map(|&k| year[k]).collect();
        // Seasons by other names.
        let name: Vec<u32> = order.iter().map(|&k| 9 - season[k]).collect();
        prop_assert_eq!(
            seasonal_mann_kendall(&value, &time, &name, dependence),
            seasonal_mann_kendall(&VALUE, &year, &season, dependence)
        );
    }

    #[test]
    fn one_block_is_a_series(
        value in prop::collection::vec((-9i32..9).prop_map(f64::from), 3..12),
    ) {
        let time: Vec<f64> = (0..value.len()).map(|t| t as f64).collect();
        let one = vec![(); value.len()];
        let blocks = regional_mann_kendall(&value, &time, &one, BlockDependence::Independent);
        let alone = mann_kendall(&value, &time, MannKendallVariant::Original);
        prop_assert_eq!(blocks.statistic, alone.statistic);
        prop_assert_eq!(blocks.estimate, alone.estimate);
        prop_assert_eq!((blocks.slope, blocks.intercept), (alone.slope, alone.intercept));
    }
}
