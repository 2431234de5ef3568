use super::PoissonVariance::{Poisson, QuasiPoisson};
use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const EVENTS: [f64; 8] = [12.0, 15.0, 9.0, 20.0, 18.0, 0.0, 25.0, 22.0];
const POPULATION: [f64; 8] =
    [10_000.0, 10_500.0, 9_900.0, 10_100.0, 10_200.0, 9_800.0, 10_050.0, 10_300.0];

fn years() -> Vec<f64> {
    (2010..2018).map(f64::from).collect()
}

#[test]
fn agrees_with_statsmodels() {
    // statsmodels 0.15.0, GLM(EVENTS, [1, year], Poisson(), offset=log(POPULATION)), with
    // scale="X2" and use_t=True for the quasi-Poisson errors.
    let fit = poisson_trend(&EVENTS, &POPULATION, &years(), Poisson, 0.95);
    let quasi = poisson_trend(&EVENTS, &POPULATION, &years(), QuasiPoisson, 0.95);
    let ours = [
        fit.slope,
        fit.std_error,
        fit.intercept,
        fit.deviance,
        fit.pearson,
        fit.p_value,
        quasi.std_error,
        quasi.p_value,
        quasi.conf_low,
        quasi.conf_high,
    ];
    for (ours, theirs) in ours.into_iter().zip(STATSMODELS) {
        assert_close(ours.unwrap(), theirs, 1e-8);
    }
    assert_close(quasi.dispersion.unwrap(), quasi.pearson.unwrap() / 6.0, 1e-15);
}

const STATSMODELS: [f64; 10] = [
    0.0720477763121738,
    0.03989002001551899,
    -151.5862614874823,
    39.23071237101914,
    23.566557063763433,
    0.07089328143245158,
    0.07905633896910375,
    0.3972483944837493,
    -11.43169435028917,
    30.407199001041413,
];

#[test]
fn edges() {
    let t = [1.0, 2.0, 3.0];
    let people = [10.0; 3];
    let why = |events: &[f64], population: &[f64], time: &[f64]| {
        reason(poisson_trend(events, population, time, Poisson, 0.95).reason)
    };
    assert!(why(&[1.0, 2.0], &people[..2], &t[..2]).contains("there are 2 points"));
    assert!(why(&[1.0, 2.0, 3.0], &people[..2], &t).contains("2 populations and 3 times"));
    assert_eq!(
        why(&[1.0, -2.0, 3.0], &people, &t),
        "cannot be calculated because events is -2 (it must not be negative)"
    );
    assert!(why(&[1.0, 2.0, 3.0], &[10.0, 0.0, 10.0], &t).contains("population is 0"));
    assert!(why(&[1.0, f64::NAN, 3.0], &people, &t).contains("events is NaN"));
    assert!(why(&[1.0, 2.0, 3.0], &people, &[1.0, f64::NAN, 2.0]).contains("a time is not"));
    assert!(why(&[1.0, 2.0, 3.0], &people, &[4.0; 3]).contains("all times are equal"));
    assert_eq!(why(&[0.0; 3], &people, &t), "cannot be calculated because there are no events");
    assert_eq!(
        why(&[0.0, 0.0, 7.0], &people, &t),
        "cannot be calculated because all events are at 3, so that the change has no bound"
    );
    assert!(why(&[7.0, 0.0, 0.0], &people, &t).contains("all events are at 1"));
    let conf = poisson_trend(&[1.0, 2.0, 3.0], &people, &t, Poisson, 1.0);
    assert!(reason(conf.reason).contains("conf_level is 1"));

    // Doubling exactly: a hundred per cent, and independent events would scatter more.
    let exact = poisson_trend(&[10.0, 20.0, 40.0], &people, &t, QuasiPoisson, 0.95);
    assert_close(exact.estimate.unwrap(), 100.0, 1e-10);
    assert!(reason(exact.reason).contains("lie on one curve of growth"));
    let exact = poisson_trend(&[10.0, 20.0, 40.0], &people, &t, Poisson, 0.95);
    assert!(exact.conf_low.unwrap() < 100.0 && exact.reason.is_none());
}

proptest! {
    #[test]
    fn solves_its_equations(
        rows in prop::collection::vec((0u32..60, 100u32..10_000), 4..20),
        seed in 1usize..1000,
    ) {
        let n = rows.len();
        let events: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let population: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let time: Vec<f64> = (0..n).map(|t| 2000.0 + t as f64).collect();
        let fit = poisson_trend(&events, &population, &time, QuasiPoisson, 0.9);
        let total: f64 = events.iter().sum();
        prop_assume!(fit.slope.is_some());

        // Expected events add up to those seen, and so do their moments.
        let (a, b) = (fit.intercept.unwrap(), fit.slope.unwrap());
        let expected: Vec<f64> =
            population.iter().zip(&time).map(|(p, t)| p * libm::exp(a + b * t)).collect();
        let moment = |counts: &[f64]| -> f64 {
            counts.iter().zip(&time).map(|(x, t)| x * (t - 2000.0)).sum()
        };
        prop_assert!((expected.iter().sum::<f64>() - total).abs() < 1e-6 * total);
        prop_assert!((moment(&expected) - moment(&events)).abs() < 1e-6 * total * n as f64);

        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let pick = |column: &[f64]| -> Vec<f64> { order.iter().map(|&k| column[k]).collect() };
        let mixed =
            poisson_trend(&pick(&events), &pick(&population), &pick(&time), QuasiPoisson, 0.9);
        prop_assert_eq!(mixed, fit.clone());

        // Rates per thousand have the same change; time in half years halves the slope.
        let thousands: Vec<f64> = population.iter().map(|p| p / 1000.0).collect();
        let other = poisson_trend(&events, &thousands, &time, QuasiPoisson, 0.9);
        prop_assert!((other.slope.unwrap() - b).abs() < 1e-9);
        let halves: Vec<f64> = time.iter().map(|t| 2.0 * t).collect();
        let other = poisson_trend(&events, &population, &halves, QuasiPoisson, 0.9);
        prop_assert!((2.0 * other.slope.unwrap() - b).abs() < 1e-9);
    }
}
