use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const VALUES: [f64; 6] = [3.1, 0.0, 12.4, 7.7, 7.7, 1.2];
const WEIGHTS: [f64; 6] = [2.0, 1.0, 4.0, 0.5, 3.0, 2.5];

/// The definition: all pairs.
fn slow_gini(value: &[f64], weight: &[f64]) -> f64 {
    let total: f64 = weight.iter().sum();
    let mean = value.iter().zip(weight).map(|(x, w)| x * w).sum::<f64>() / total;
    let mut sum = 0.0;
    for (x, v) in value.iter().zip(weight) {
        for (y, w) in value.iter().zip(weight) {
            sum += v * w * (x - y).abs();
        }
    }
    sum / (2.0 * total * total * mean)
}

#[test]
fn by_the_formulas() {
    // NumPy, from the definitions.
    assert_close(gini(&VALUES, None).estimate.unwrap(), 0.447_040_498_442_367_54, 1e-14);
    let weighted = gini(&VALUES, Some(&WEIGHTS));
    assert_close(weighted.estimate.unwrap(), 0.391_590_042_610_450_8, 1e-14);
    assert_eq!((weighted.method, weighted.n_obs), (Some("weighted Gini"), 6));
    assert_close(theil_index(&VALUES, None).estimate.unwrap(), 0.390_827_480_792_703_85, 1e-13);
    let weighted = theil_index(&VALUES, Some(&WEIGHTS));
    assert_close(weighted.estimate.unwrap(), 0.299_522_492_009_063_1, 1e-13);
    assert_eq!(weighted.method, Some("weighted Theil T"));
}

#[test]
fn extremes() {
    assert_eq!(gini(&[0.3; 7], None).estimate, Some(0.0));
    assert_eq!(theil_index(&[0.3; 7], None).estimate, Some(0.0));
    let one_has_all = [0.0, 0.0, 0.0, 9.0];
    assert_close(gini(&one_has_all, None).estimate.unwrap(), 0.75, 1e-15);
    assert_close(theil_index(&one_has_all, None).estimate.unwrap(), libm::log(4.0), 1e-14);
    assert_eq!(gini(&[5.0], None).estimate, Some(0.0));
    // Differences in the ninth digit still have digits of their own.
    let close = [1.0, 1.0 + 1e-9];
    assert_close(gini(&close, None).estimate.unwrap(), 2.5e-10, 1e-6);
    assert_close(theil_index(&close, None).estimate.unwrap(), 1.25e-19, 1e-6);
}

#[test]
fn edges() {
    for index in [gini, theil_index] {
        let why = |value: &[f64], weight: Option<&[f64]>| reason(index(value, weight).reason);
        assert!(why(&[], None).contains("there are no values"));
        assert!(why(&[1.0, -2.0], None).contains("value is -2"));
        assert!(why(&[0.0, 0.0], None).contains("the mean of value is 0"));
        assert!(why(&[1.0, f64::NAN], None).contains("value is NaN"));
        assert!(why(&[1.0, 2.0], Some(&[1.0, -1.0])).contains("weight is -1"));
        assert!(why(&[1.0, 2.0], Some(&[1.0])).contains("2 values and 1 weights"));
        assert_eq!(index(&[1.0, -2.0], None).n_obs, 2);
    }
}

type Rows = Vec<(f64, f64)>;

fn rows() -> impl Strategy<Value = (Rows, Rows)> {
    // Half steps: ties are common.
    let row = (0u32..40, 1u32..9).prop_map(|(x, w)| (f64::from(x) / 2.0, f64::from(w)));
    proptest::collection::vec(row, 1..15)
        .prop_filter("a mean above zero", |rows| rows.iter().any(|row| row.0 > 0.0))
        .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

proptest! {
    #[test]
    fn gini_agrees_with_all_pairs((rows, _) in rows()) {
        let (value, weight): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        let ours = gini(&value, Some(&weight)).estimate.unwrap();
        prop_assert!((ours - slow_gini(&value, &weight)).abs() < 1e-13);
        prop_assert!((0.0..1.0).contains(&ours));
    }

    #[test]
    fn order_scales_and_copies_do_not_matter((rows, shuffled) in rows()) {
        for index in [gini, theil_index] {
            let (value, weight): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
            let (value2, weight2): (Vec<f64>, Vec<f64>) = shuffled.iter().copied().unzip();
            let ours = index(&value, Some(&weight));
            prop_assert_eq!(&ours, &index(&value2, Some(&weight2)));
            prop_assert!(ours.estimate.unwrap() >= 0.0);
            let scaled: Vec<f64> = value.iter().map(|x| 4.0 * x).collect();
            prop_assert_eq!(ours.estimate, index(&scaled, Some(&weight)).estimate);
            // A weight of three is three rows.
            let copies: Vec<f64> = rows
                .iter()
                .flat_map(|(x, w)| std::iter::repeat_n(*x, *w as usize))
                .collect();
            let copied = index(&copies, None).estimate.unwrap();
            prop_assert!((ours.estimate.unwrap() - copied).abs() < 1e-13);
        }
    }
}
