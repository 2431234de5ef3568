use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn from_the_first_to_the_last() {
    let growth = cagr(&[100.0, 999.0, 121.0], &[2010.0, 2011.0, 2012.0]);
    assert_close(growth.estimate.unwrap(), 10.0, 1e-13);
    assert_eq!(growth.n_obs, 3);
    // Years count, not points.
    assert_close(cagr(&[100.0, 121.0], &[2010.0, 2012.0]).estimate.unwrap(), 10.0, 1e-13);
    assert_eq!(cagr(&[5.0, 5.0], &[0.0, 3.0]).estimate, Some(0.0));
    // Neither end of the range of numbers is lost.
    assert_close(cagr(&[1e-300, 1e300], &[0.0, 600.0]).estimate.unwrap(), 900.0, 1e-11);
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64]| reason(cagr(value, time).reason);
    assert!(why(&[1.0], &[1.0]).contains("there is 1 point (it takes 2 or more)"));
    assert_eq!(
        why(&[0.0, 1.0], &[1.0, 2.0]),
        "cannot be calculated because the first value is 0 (it must be above zero)"
    );
    assert!(why(&[1.0, -1.0], &[1.0, 2.0]).contains("the last value is -1"));
    assert!(why(&[1.0, 2.0], &[3.0, 3.0]).contains("all times are equal"));
    assert!(why(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0]).contains("more than one value for 1"));
    assert!(why(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]).contains("finite"));
    assert!(why(&[1e-300, 1e300], &[0.0, 0.5]).contains("too large"));
}

proptest! {
    #[test]
    fn leads_from_one_to_the_other(from in 0.01..1e6f64, to in 0.01..1e6f64, years in 1i32..50) {
        let time = [2000.0, 2000.0 + f64::from(years)];
        let growth = cagr(&[from, to], &time).estimate.unwrap();
        let reached = from * libm::pow(1.0 + growth / 100.0, f64::from(years));
        assert_close(reached, to, 1e-10);
        // The order does not matter, and backwards is the way back.
        prop_assert_eq!(cagr(&[to, from], &[time[1], time[0]]).estimate, Some(growth));
        let back = cagr(&[to, from], &time).estimate.unwrap();
        assert_close((1.0 + growth / 100.0) * (1.0 + back / 100.0), 1.0, 1e-12);
    }
}
