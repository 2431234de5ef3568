use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const VALUE: [f64; 5] = [79.2, 78.1, 80.3, 81.0, 82.9];
const POPULATION: [f64; 5] = [120.0, 100.0, 90.0, 150.0, 140.0];
const RANK: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
const ERROR: [f64; 5] = [0.5, 0.4, 0.6, 0.3, 0.35];

fn check(index: &InequalityIndex, [estimate, low, high]: [f64; 3]) {
    assert_close(index.estimate.unwrap(), estimate, 1e-11);
    assert_close(index.conf_low.unwrap(), low, 1e-11);
    assert_close(index.conf_high.unwrap(), high, 1e-11);
}

#[test]
fn slope_by_statsmodels() {
    // statsmodels WLS on the mid-ranks, weighted by population.
    let index = slope_index(&VALUE, &POPULATION, &RANK, None, 0.95);
    check(&index, [5.333_972_793_861_17, 0.992_411_479_552_640_9, 9.675_534_108_169_7]);
    assert_close(index.at_low_rank.unwrap(), 77.828_013_603_069_38, 1e-13);
    assert_eq!((index.n_obs, index.reason), (5, None));
    // Two million simulated sets of values give 4.0016 and 6.6649.
    let index = slope_index(&VALUE, &POPULATION, &RANK, Some(&ERROR), 0.95);
    check(&index, [5.333_972_793_861_17, 4.002_008_944_324_276, 6.665_936_643_398_064]);
    assert_eq!(index.method, Some("weighted regression, limits from standard errors"));
}

#[test]
fn ratio_by_fieller() {
    let index = relative_index(&VALUE, &POPULATION, &RANK, None, 0.95);
    check(&index, [1.068_535_383_943_691_3, 1.012_404_999_969_694_7, 1.127_921_573_036_663_6]);
    // Two million simulated sets of values give 1.05093 and 1.08646.
    let index = relative_index(&VALUE, &POPULATION, &RANK, Some(&ERROR), 0.95);
    check(&index, [1.068_535_383_943_691_3, 1.050_934_434_852_149_2, 1.086_477_764_030_712_6]);
    let ratio = index.at_high_rank.unwrap() / index.at_low_rank.unwrap();
    assert_close(index.estimate.unwrap(), ratio, 1e-15);
}

#[test]
fn only_the_order_of_ranks_counts_and_ties_share_a_place() {
    let index = slope_index(&VALUE, &POPULATION, &RANK, None, 0.95);
    let income = [100.0, 180.0, 181.0, 400.0, 9_000.0];
    assert_eq!(index, slope_index(&VALUE, &POPULATION, &income, None, 0.95));
    // Two halves of a group with the same value are the group.
    let split = slope_index(
        &[79.2, 78.1, 80.3, 80.3, 81.0, 82.9],
        &[120.0, 100.0, 40.0, 50.0, 150.0, 140.0],
        &[1.0, 2.0, 3.0, 3.0, 4.0, 5.0],
        None,
        0.95,
    );
    assert_close(split.estimate.unwrap(), index.estimate.unwrap(), 1e-12);
}

#[test]
fn edges() {
    let two = slope_index(&[1.0, 3.0], &[1.0, 1.0], &[1.0, 2.0], None, 0.95);
    // At 0.25 and 0.75: a difference of 2 in half of the range.
    assert_close(two.estimate.unwrap(), 4.0, 1e-14);
    assert_eq!(two.conf_low, None);
    assert_eq!(
        reason(two.reason),
        "the limits cannot be calculated because 2 groups always lie on a line"
    );
    let errors = slope_index(&[1.0, 3.0], &[1.0, 1.0], &[1.0, 2.0], Some(&[0.1, 0.1]), 0.95);
    assert!(errors.conf_low.is_some());

    let negative = relative_index(&[1.0, 3.0], &[1.0, 1.0], &[2.0, 1.0], None, 0.95);
    assert_close(negative.estimate.unwrap(), 0.0, 1e-14);
    let below = relative_index(&[-1.0, 3.0], &[1.0, 1.0], &[1.0, 2.0], None, 0.95);
    assert!(reason(below.reason).contains("at the low end of the ranking (it must be above zero)"));
    let vague = relative_index(&[1.5, 3.0], &[1.0, 1.0], &[1.0, 2.0], Some(&[2.0, 2.0]), 0.95);
    assert_close(vague.estimate.unwrap(), 5.0, 1e-13);
    assert!(reason(vague.reason).contains("not significantly above zero"));

    let why = |v: &[f64], p: &[f64], r: &[f64], e: Option<&[f64]>| {
        reason(slope_index(v, p, r, e, 0.95).reason)
    };
    let ones = [1.0, 1.0];
    assert!(why(&[1.0], &[1.0], &[1.0], None).contains("there are 1 groups"));
    assert!(why(&ones, &ones, &ones, None).contains("all ranks are equal"));
    assert!(why(&ones, &[1.0, 0.0], &ones, None).contains("population is 0"));
    assert!(why(&[1.0, f64::NAN], &ones, &ones, None).contains("value is NaN"));
    assert!(why(&ones, &ones, &[1.0, f64::NAN], None).contains("rank is NaN"));
    assert!(why(&ones, &ones, &RANK[..2], Some(&[1.0, -1.0])).contains("std_error is -1"));
    assert!(why(&ones, &ones, &RANK, None).contains("2 values and 5 ranks"));
}

type Row = (f64, f64, u8, f64);

proptest! {
    #[test]
    fn order_does_not_matter_and_reversal_mirrors(
        (rows, shuffled) in
            proptest::collection::vec((50.0..90.0f64, 1.0..500.0f64, 0u8..12, 0.1..2.0f64), 3..12)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        prop_assume!(rows.iter().any(|row| row.2 != rows[0].2));
        let columns = |rows: &[Row], sign: f64| {
            let column = |pick: fn(&Row) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
            let rank: Vec<f64> = rows.iter().map(|row| sign * f64::from(row.2)).collect();
            (column(|r| r.0), column(|r| r.1), rank, column(|r| r.3))
        };
        let of = |rows: &[Row], sign: f64| {
            let (v, p, r, e) = columns(rows, sign);
            (slope_index(&v, &p, &r, Some(&e), 0.9), relative_index(&v, &p, &r, None, 0.9))
        };
        let (slope, ratio) = of(&rows, 1.0);
        prop_assert_eq!(&(slope.clone(), ratio.clone()), &of(&shuffled, 1.0));

        let (back, inverse) = of(&rows, -1.0);
        prop_assert!((slope.estimate.unwrap() + back.estimate.unwrap()).abs() < 1e-7);
        prop_assert!((slope.conf_low.unwrap() + back.conf_high.unwrap()).abs() < 1e-7);
        if let (Some(ratio), Some(inverse)) = (ratio.estimate, inverse.estimate) {
            prop_assert!(ratio <= 1e-3 || (ratio * inverse - 1.0).abs() < 1e-7);
        }
    }
}
