use super::*;
use crate::testing::{assert_close, reason};

#[test]
fn each_point_in_the_order_given() {
    let changes = year_on_year(&[110.0, 100.0, 99.0], &[2011.0, 2010.0, 2013.0]);
    assert_eq!((changes[0].estimate, changes[0].per_cent), (Some(10.0), Some(10.0)));
    assert_eq!(
        reason(changes[1].reason.clone()),
        "cannot be calculated because there is no value for 2009"
    );
    assert_eq!(
        reason(changes[2].reason.clone()),
        "cannot be calculated because there is no value for 2012"
    );
}

#[test]
fn a_quarter_is_compared_with_that_of_the_year_before() {
    let time: Vec<f64> = (0..8).map(|quarter| 2010.0 + f64::from(quarter) / 4.0).collect();
    let value = [1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0, 8.0];
    let changes = year_on_year(&value, &time);
    assert!(changes[..4].iter().all(|change| change.estimate.is_none()));
    assert!(changes[4..].iter().all(|change| change.per_cent == Some(100.0)));
    // Months are no exact numbers, and still the same month.
    let months: Vec<f64> = (0..24).map(|month| 2010.0 + f64::from(month) / 12.0).collect();
    let changes = year_on_year(&[5.0; 24], &months);
    assert_eq!(changes.iter().filter(|change| change.estimate == Some(0.0)).count(), 12);
}

#[test]
fn edges() {
    let changes = year_on_year(&[0.0, 5.0, -1.0, 1.0, 2.0], &[1.0, 2.0, 3.0, 4.0, 4.0]);
    assert_eq!((changes[1].estimate, changes[1].per_cent), (Some(5.0), None));
    assert_eq!(
        reason(changes[1].reason.clone()),
        "the per cent change cannot be calculated because the value for 1 is 0 (it must be above \
         zero)"
    );
    assert_close(changes[2].per_cent.unwrap(), -120.0, 1e-15);
    for twin in &changes[3..] {
        assert!(reason(twin.reason.clone()).contains("more than one value for 4"));
    }
    let changes = year_on_year(&[1.0, f64::NAN, 1.0], &[1.0, 2.0, 3.0]);
    assert!(reason(changes[1].reason.clone()).contains("the value for 2 is NaN"));
    assert!(reason(changes[2].reason.clone()).contains("the value for 2 is NaN"));
    let changes = year_on_year(&[1.0, 1.0], &[1.0, f64::NAN]);
    assert!(reason(changes[1].reason.clone()).contains("the time is not a finite number"));
    let changes = year_on_year(&[-1e308, 1e308], &[1.0, 2.0]);
    assert!(reason(changes[1].reason.clone()).contains("too large"));
    let changes = year_on_year(&[1.0, 2.0], &[1.0]);
    assert!(changes.iter().all(|change| change.reason.is_some()) && changes.len() == 2);
    assert!(year_on_year(&[], &[]).is_empty());
}
