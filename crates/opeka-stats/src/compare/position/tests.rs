use super::*;
use crate::testing::reason;
use proptest::prelude::*;

const VALUES: [f64; 7] = [5.0, 3.0, 3.0, 8.0, 1.0, 3.0, 9.0];

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn ranks(polarity: Polarity) -> Vec<usize> {
    position(&some(&VALUES), polarity).iter().map(|p| p.rank.unwrap()).collect()
}

fn groups(values: &[Option<f64>], n_groups: f64, polarity: Polarity) -> Vec<Option<usize>> {
    quantile_group(values, n_groups, polarity).iter().map(|g| g.quantile).collect()
}

#[test]
fn ranks_follow_the_polarity_and_ties_share_the_best() {
    assert_eq!(ranks(Polarity::HighIsGood), [3, 4, 4, 2, 7, 4, 1]);
    assert_eq!(ranks(Polarity::None), [3, 4, 4, 2, 7, 4, 1]);
    assert_eq!(ranks(Polarity::LowIsGood), [5, 2, 2, 6, 1, 2, 7]);
}

#[test]
fn percentiles() {
    // SciPy 1.17, percentileofscore(x, x_i, kind = "mean").
    let expected = [
        64.285_714_285_714_29,
        35.714_285_714_285_715,
        35.714_285_714_285_715,
        78.571_428_571_428_57,
        7.142_857_142_857_143,
        35.714_285_714_285_715,
        92.857_142_857_142_86,
    ];
    for (position, expected) in position(&some(&VALUES), Polarity::None).iter().zip(expected) {
        assert!((position.percentile.unwrap() - expected).abs() < 1e-12);
        assert_eq!(position.n_obs, 7);
    }
    let alone = position(&[Some(4.0)], Polarity::LowIsGood);
    assert_eq!(
        (alone[0].rank, alone[0].percentile, alone[0].quartile),
        (Some(1), Some(50.0), None)
    );
    assert_eq!(
        reason(alone[0].reason.clone()),
        "the quartile cannot be calculated because there are 1 areas with a value (it takes 4 or \
         more)"
    );
}

#[test]
fn missing_values_have_no_position_and_do_not_count() {
    let values = [Some(1.0), None, Some(f64::NAN), Some(3.0), Some(2.0), Some(4.0)];
    let positions = position(&values, Polarity::HighIsGood);
    let ranks: Vec<_> = positions.iter().map(|p| p.rank).collect();
    assert_eq!(ranks, [Some(4), None, None, Some(2), Some(3), Some(1)]);
    let quartiles: Vec<_> = positions.iter().map(|p| p.quartile).collect();
    assert_eq!(quartiles, [Some(4), None, None, Some(2), Some(3), Some(1)]);
    assert!(positions.iter().all(|p| p.n_obs == 4));
    assert!(reason(positions[1].reason.clone()).contains("value is missing"));
    assert!(reason(positions[2].reason.clone()).contains("value is NaN"));
    assert_eq!(positions[0].reason, None);
    assert!(position(&[], Polarity::None).is_empty());
}

#[test]
fn groups_are_those_of_phe_quantile() {
    // The rule of phe_quantile, in Python: invert = TRUE, then FALSE.
    let mut values = some(&[5.0, 3.0, 3.0, 8.0, 1.0, 3.0, 9.0, 2.5, 7.0, 6.0]);
    values.insert(7, None);
    for (n_groups, high_first, low_first) in [
        (2.0, [1, 2, 2, 1, 2, 2, 1, 0, 2, 1, 1], [2, 1, 1, 2, 1, 1, 2, 0, 1, 2, 2]),
        (3.0, [2, 2, 2, 1, 3, 2, 1, 0, 3, 1, 1], [2, 1, 1, 3, 1, 1, 3, 0, 1, 3, 2]),
        (4.0, [2, 3, 3, 1, 4, 3, 1, 0, 4, 1, 2], [3, 1, 1, 4, 1, 1, 4, 0, 1, 3, 3]),
        (5.0, [3, 3, 3, 1, 5, 3, 1, 0, 5, 2, 2], [3, 2, 2, 5, 1, 2, 5, 0, 1, 4, 4]),
        (7.0, [3, 4, 4, 1, 7, 4, 1, 0, 6, 2, 3], [4, 2, 2, 6, 1, 2, 7, 0, 1, 5, 5]),
    ] {
        let known = |groups: [usize; 11]| groups.map(|group| (group > 0).then_some(group)).to_vec();
        assert_eq!(groups(&values, n_groups, Polarity::HighIsGood), known(high_first));
        assert_eq!(groups(&values, n_groups, Polarity::None), known(high_first));
        assert_eq!(groups(&values, n_groups, Polarity::LowIsGood), known(low_first));
    }
}

#[test]
fn groups_without_an_answer() {
    let why = |values: &[f64], n_groups| {
        let groups = quantile_group(&some(values), n_groups, Polarity::None);
        reason(groups[0].reason.clone())
    };
    assert_eq!(
        why(&[1.0, 2.0], 3.0),
        "cannot be calculated because there are 2 areas with a value (it takes 3 or more)"
    );
    for n_groups in [0.0, -1.0, 2.5, f64::NAN, f64::INFINITY] {
        assert!(why(&[1.0, 2.0], n_groups).contains("it must be a whole number of 1 or more"));
    }
    assert!(why(&[f64::INFINITY, 2.0], 1.0).contains("value is inf"));
    assert_eq!(groups(&some(&[1.0, 1.0]), 1.0, Polarity::None), [Some(1), Some(1)]);
}

proptest! {
    #[test]
    fn positions_agree_with_counting(
        values in proptest::collection::vec(-5i32..5, 1..25), n_groups in 1u32..6
    ) {
        let numbers: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        let options = some(&numbers);
        let n = values.len();
        let good = position(&options, Polarity::HighIsGood);
        let low = position(&options, Polarity::LowIsGood);
        for (i, value) in values.iter().enumerate() {
            let above = values.iter().filter(|other| *other > value).count();
            let below = values.iter().filter(|other| *other < value).count();
            prop_assert_eq!(good[i].rank, Some(above + 1));
            prop_assert_eq!(low[i].rank, Some(below + 1));
            let sum = good[i].percentile.unwrap() + low[i].percentile.unwrap();
            prop_assert!((sum - 100.0).abs() < 1e-9);
        }
        let groups = groups(&options, f64::from(n_groups), Polarity::LowIsGood);
        for (value, group) in values.iter().zip(&groups) {
            prop_assert_eq!(group.is_some(), n >= n_groups as usize);
            for (other, other_group) in values.iter().zip(&groups) {
                prop_assert!(value > other || group <= other_group);
            }
        }
    }

    #[test]
    fn rows_keep_their_positions_in_any_order(
        rows in proptest::collection::vec((0i32..9).prop_map(f64::from), 1..20)
    ) {
        let forward = position(&some(&rows), Polarity::LowIsGood);
        let reversed: Vec<f64> = rows.iter().rev().copied().collect();
        let mut backward = position(&some(&reversed), Polarity::LowIsGood);
        backward.reverse();
        prop_assert_eq!(forward, backward);
    }
}
