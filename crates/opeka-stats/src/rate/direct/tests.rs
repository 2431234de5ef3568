use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const EVENTS: [f64; 4] = [0.0, 3.0, 2.0, 7.0];
const POPULATION: [f64; 4] = [500.0, 400.0, 300.0, 100.0];
const STANDARD: [f64; 4] = [30.0, 30.0, 25.0, 15.0];

fn usual(events: &[f64], population: &[f64], standard: &[f64], limits: DsrLimits) -> Dsr {
    dsr(events, population, standard, None, 1e5, 0.95, limits)
}

/// Children with one, two and three events in three age bands.
fn repeated() -> [Vec<f64>; 4] {
    let children = vec![40.0, 30.0, 22.0, 5.0, 4.0, 6.0, 1.0, 0.0, 2.0];
    let frequency = vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0];
    let population = [900.0, 800.0, 600.0].repeat(3);
    let standard = [40.0, 35.0, 25.0].repeat(3);
    [children, population, standard, frequency]
}

#[test]
fn one_band_is_a_crude_rate() {
    // With one age band Dobson's limits are Byar's, and Fay and Feuer's are Garwood's.
    let rate = usual(&[20.0], &[100.0], &[1.0], DsrLimits::Dobson).rate;
    let crude = crate::rate_ci(20.0, 100.0, 1e5, 0.95);
    for (ours, theirs) in [
        (rate.estimate, crude.estimate),
        (rate.conf_low, crude.conf_low),
        (rate.conf_high, crude.conf_high),
        (rate.conf_low_998, crude.conf_low_998),
        (rate.conf_high_998, crude.conf_high_998),
    ] {
        assert_close(ours.unwrap(), theirs.unwrap(), 1e-13);
    }
    let rate = usual(&[5.0], &[100.0], &[7.0], DsrLimits::Gamma).rate;
    let crude = crate::rate_ci(5.0, 100.0, 1e5, 0.95);
    assert_close(rate.conf_low.unwrap(), crude.conf_low.unwrap(), 1e-13);
    assert_close(rate.conf_high_998.unwrap(), crude.conf_high_998.unwrap(), 1e-13);
}

#[test]
fn gamma_limits_are_quantiles() {
    // SciPy, gamma.ppf with the moments of the rate.
    let result = usual(&EVENTS, &POPULATION, &STANDARD, DsrLimits::Gamma);
    assert_close(result.rate.estimate.unwrap(), 1_441.666_666_666_666_7, 1e-14);
    assert_close(result.rate.conf_low.unwrap(), 720.735_967_630_949_3, 1e-11);
    assert_close(result.rate.conf_high.unwrap(), 2_609.659_084_863_965, 1e-11);
    assert_eq!((result.events, result.population, result.n_obs), (Some(12.0), Some(1300.0), 4));
    assert_eq!(result.rate.method, Some("Fay-Feuer gamma"));

    // No events at all: the largest weight times -ln(0.025).
    let none = usual(&[0.0, 0.0], &[100.0, 50.0], &[1.0, 1.0], DsrLimits::Gamma).rate;
    assert_eq!((none.estimate, none.conf_low), (Some(0.0), Some(0.0)));
    assert_close(none.conf_high.unwrap(), -libm::log(0.025) / 100.0 * 1e5, 1e-13);
}

#[test]
fn events_that_are_not_independent_widen_the_limits() {
    // By the formula, in NumPy.
    let [children, population, standard, frequency] = repeated();
    let result =
        dsr(&children, &population, &standard, Some(&frequency), 1e5, 0.95, DsrLimits::Dobson);
    assert_eq!((result.events, result.population), (Some(131.0), Some(2300.0)));
    let rate = result.rate;
    assert_close(rate.estimate.unwrap(), 5_684.722_222_222_223, 1e-13);
    assert_close(rate.conf_low.unwrap(), 4_598.122_746_704_073_5, 1e-12);
    assert_close(rate.conf_high.unwrap(), 6_922.029_988_665_197, 1e-12);
    assert_close(rate.conf_low_998.unwrap(), 4_037.201_175_389_690_4, 1e-12);
    assert_close(rate.conf_high_998.unwrap(), 7_677.839_234_577_934, 1e-12);
    assert_eq!(rate.method, Some("Dobson, for events that are not independent"));

    let together = usual(&[53.0, 38.0, 40.0], &population[..3], &standard[..3], DsrLimits::Dobson);
    assert_eq!(together.events, Some(131.0));
    assert_close(together.rate.estimate.unwrap(), rate.estimate.unwrap(), 1e-13);
    assert!(together.rate.conf_high < rate.conf_high && together.rate.conf_low > rate.conf_low);
}

#[test]
fn once_each_is_independent() {
    let dependent =
        dsr(&[9.0, 3.0], &[50.0, 60.0], &[2.0, 1.0], Some(&[1.0; 2]), 1.0, 0.9, DsrLimits::Dobson);
    let independent =
        dsr(&[9.0, 3.0], &[50.0, 60.0], &[2.0, 1.0], None, 1.0, 0.9, DsrLimits::Dobson);
    assert_eq!(dependent.rate.conf_low, independent.rate.conf_low);
    assert_eq!(dependent.rate.conf_high_998, independent.rate.conf_high_998);
}

#[test]
fn fewer_than_ten_events_are_withheld() {
    let result = usual(&[4.0, 5.0], &[100.0, 100.0], &[1.0, 1.0], DsrLimits::Dobson);
    assert_eq!((result.rate.estimate, result.events), (None, Some(9.0)));
    assert_eq!(
        reason(result.rate.reason),
        "cannot be calculated because there are 9 events (a directly standardised rate takes 10 or \
         more)"
    );
    assert!(
        usual(&[5.0, 5.0], &[9.0, 9.0], &[1.0, 1.0], DsrLimits::Dobson).rate.estimate.is_some()
    );
}

#[test]
fn edges() {
    let why =
        |x: &[f64], n: &[f64], w: &[f64]| reason(usual(x, n, w, DsrLimits::Gamma).rate.reason);
    assert!(why(&[], &[], &[]).contains("there are no age bands"));
    assert!(why(&[-1.0], &[1.0], &[1.0]).contains("events is -1"));
    assert!(why(&[1.0], &[0.0], &[1.0]).contains("population is 0"));
    assert!(why(&[1.0], &[1.0], &[-1.0]).contains("standard_population is -1"));
    assert!(why(&[1.0], &[1.0], &[0.0]).contains("standard_population of all age bands is 0"));
    assert!(why(&[f64::NAN], &[1.0], &[1.0]).contains("events is NaN"));
    assert!(why(&[1.0], &[1.0, 2.0], &[1.0]).contains("1 events and 2 populations"));
    let why = |conf, per| {
        reason(dsr(&[9.0], &[9.0], &[1.0], None, per, conf, DsrLimits::Dobson).rate.reason)
    };
    assert!(why(95.0, 1.0).contains("conf_level is 95"));
    assert!(why(0.95, 0.0).contains("multiplier is 0"));
    assert!(why(0.95, f64::MAX).contains("9 events"));

    let [children, population, standard, mut frequency] = repeated();
    let dependent = |frequency: &[f64], limits| {
        dsr(&children, &population, &standard, Some(frequency), 1.0, 0.95, limits).rate.reason
    };
    assert!(reason(dependent(&frequency, DsrLimits::Gamma)).contains("events to be independent"));
    frequency[8] = 1.0;
    assert!(reason(dependent(&frequency, DsrLimits::Dobson)).contains("the age bands of"));
    frequency[8] = 0.0;
    assert!(reason(dependent(&frequency, DsrLimits::Dobson)).contains("event_frequency is 0"));

    assert_eq!(DsrLimits::parse("gamma"), Ok(DsrLimits::Gamma));
    assert_eq!(DsrLimits::parse("dobson"), Ok(DsrLimits::Dobson));
    assert!(DsrLimits::parse("exact").unwrap_err().to_string().contains("limits is 'exact'"));
}

type Band = (u32, u32, u32);

fn bands() -> impl Strategy<Value = (Vec<Band>, Vec<Band>)> {
    proptest::collection::vec((0u32..40, 50u32..5_000, 1u32..9_000), 1..12)
        .prop_flat_map(|bands| (Just(bands.clone()), Just(bands).prop_shuffle()))
}

fn columns(bands: &[Band]) -> [Vec<f64>; 3] {
    let column = |pick: fn(&Band) -> u32| bands.iter().map(|b| f64::from(pick(b))).collect();
    [column(|b| b.0), column(|b| b.1), column(|b| b.2)]
}

proptest! {
    #[test]
    fn order_and_scale_of_the_standard_do_not_matter((rows, shuffled) in bands()) {
        for limits in [DsrLimits::Dobson, DsrLimits::Gamma] {
            let [x, n, w] = columns(&rows);
            let [x2, n2, w2] = columns(&shuffled);
            let result = usual(&x, &n, &w, limits);
            prop_assert_eq!(&result, &usual(&x2, &n2, &w2, limits));
            // A power of two scales without rounding.
            let doubled: Vec<f64> = w.iter().map(|w| 2.0 * w).collect();
            prop_assert_eq!(&result, &usual(&x, &n, &doubled, limits));
            let rate = result.rate;
            if let (Some(low), Some(value), Some(high)) =
                (rate.conf_low, rate.estimate, rate.conf_high)
            {
                prop_assert!(low <= value && value <= high);
                prop_assert!(rate.conf_low_998.unwrap() <= low);
                prop_assert!(rate.conf_high_998.unwrap() >= high);
            }
        }
    }

    #[test]
    fn the_areas_own_ages_give_its_crude_rate((rows, _) in bands()) {
        let [x, n, _] = columns(&rows);
        let rate = usual(&x, &n, &n, DsrLimits::Gamma).rate.estimate.unwrap();
        let crude = 1e5 * x.iter().sum::<f64>() / n.iter().sum::<f64>();
        prop_assert!((rate - crude).abs() <= 1e-9 * crude.max(1.0));
    }
}
