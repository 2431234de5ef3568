use super::*;
use crate::testing::reason;

#[test]
fn the_base_is_a_hundred() {
    let index = index_to_base(&[30.0, 20.0, 25.0], &[2012.0, 2010.0, 2011.0], 2010.0);
    let index: Vec<Option<f64>> = index.into_iter().map(|point| point.estimate).collect();
    assert_eq!(index, [Some(150.0), Some(100.0), Some(125.0)]);
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64], base| -> Vec<String> {
        let index = index_to_base(value, time, base);
        index.into_iter().map(|point| reason(point.reason)).collect()
    };
    let years = [1.0, 2.0];
    assert_eq!(
        why(&[1.0, 2.0], &years, 3.0),
        ["cannot be calculated because there is no value for 3"; 2]
    );
    assert_eq!(
        why(&[0.0, 2.0], &years, 1.0),
        ["cannot be calculated because the value for 1 is 0 (it must be above zero)"; 2]
    );
    assert!(why(&[-4.0, 2.0], &years, 1.0)[1].contains("the value for 1 is -4"));
    assert!(why(&[1.0, 2.0], &[1.0, 1.0], 1.0)[0].contains("more than one value for 1"));
    assert!(why(&[1.0, 2.0], &years, f64::NAN)[0].contains("the time is not a finite number"));
    assert!(why(&[1.0, 2.0], &[1.0], 1.0)[0].contains("2 values and 1 times"));
    // One bad point is no loss to the others.
    let index = index_to_base(&[4.0, f64::NAN, 5.0], &[1.0, 2.0, 3.0], 1.0);
    assert_eq!((index[0].estimate, index[2].estimate), (Some(100.0), Some(125.0)));
    assert!(reason(index[1].reason.clone()).contains("the value for 2 is NaN"));
}
