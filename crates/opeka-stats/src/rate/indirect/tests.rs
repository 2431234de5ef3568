use super::*;
use crate::rate_ci;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

#[test]
fn a_ratio_is_a_rate_of_the_expected() {
    for observed in [0.0, 4.0, 9.0, 10.0, 91.0] {
        let result = isr(&[observed, 0.0], &[12.5, 30.0], 0.9, None);
        let rate = rate_ci(observed, 42.5, 1.0, 0.9);
        assert_eq!(result.ratio, rate);
        assert_eq!((result.observed, result.expected), (Some(observed), Some(42.5)));
        assert_eq!(result.n_obs, 2);
    }
}

#[test]
fn a_reference_rate_gives_the_rate() {
    // PHEindicatormethods 2.1.0, calculate_ISRate, `testdata_small` in its total.
    let result = isr(&[91.0], &[835.883_561_231_174_2], 0.95, Some(9_349.883_092_211_02));
    assert_close(result.ratio.estimate.unwrap(), 1_017.892_205_151_157_9, 1e-13);
    assert_close(result.ratio.conf_low.unwrap(), 819.521_002_506_463_1, 1e-13);
    assert_close(result.ratio.conf_high_998.unwrap(), 1_392.938_150_899_168, 1e-13);
    assert_eq!(result.ratio.method, Some("Byar"));
}

#[test]
fn edges() {
    let why = |o: &[f64], e: &[f64]| reason(isr(o, e, 0.95, None).ratio.reason);
    assert!(why(&[], &[]).contains("there are no age bands"));
    assert!(why(&[1.0, 2.0], &[1.0]).contains("2 observed events and 1 expected events"));
    assert!(why(&[-1.0], &[1.0]).contains("observed is -1"));
    assert!(why(&[1.0], &[-1.0]).contains("expected is -1"));
    assert!(why(&[1.0], &[0.0]).contains("expected of all age bands is 0"));
    assert!(why(&[f64::NAN], &[1.0]).contains("observed is NaN"));
    assert!(reason(isr(&[1.0], &[1.0], 1.0, None).ratio.reason).contains("conf_level is 1"));
    let zero = isr(&[1.0], &[1.0], 0.95, Some(0.0)).ratio.reason;
    assert!(reason(zero).contains("reference_rate is 0"));
    assert!(isr(&[5.0, 1.0], &[0.0, 2.0], 0.95, None).ratio.estimate.is_some());
}

proptest! {
    #[test]
    fn order_does_not_matter(
        (rows, shuffled) in proptest::collection::vec((0u32..30, 0.1..40.0f64), 1..12)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        let of = |rows: &[(u32, f64)]| {
            let (observed, expected): (Vec<f64>, Vec<f64>) =
                rows.iter().map(|(o, e)| (f64::from(*o), *e)).unzip();
            isr(&observed, &expected, 0.95, Some(100.0))
        };
        prop_assert_eq!(of(&rows), of(&shuffled));
    }
}
