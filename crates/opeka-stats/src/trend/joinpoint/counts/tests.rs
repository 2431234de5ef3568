use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const FIXED: JoinpointCountsOptions =
    JoinpointCountsOptions { selection: CountsSelection::Fixed, conf_level: 0.95 };
const BIC: JoinpointCountsOptions =
    JoinpointCountsOptions { selection: CountsSelection::Bic, conf_level: 0.95 };

const EVENTS: [f64; 8] = [30.0, 34.0, 41.0, 52.0, 49.0, 40.0, 33.0, 25.0];
const POPULATION: [f64; 8] = [1000.0, 1010.0, 1020.0, 1015.0, 1005.0, 990.0, 980.0, 970.0];

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|k| 2000.0 + k as f64).collect()
}

#[test]
fn one_line_is_logistic_regression() {
    // statsmodels 0.15, GLM(Binomial) on time less 2003.5.
    let trend = joinpoint_counts(&EVENTS, &POPULATION, &years(8), 0, &FIXED);
    assert_close(trend.slope.unwrap(), -0.009363214773431133, 1e-9);
    assert_close(trend.std_error.unwrap(), 0.025638784947708427, 1e-8);
    assert_close(trend.deviance.unwrap(), 14.878267234498688, 1e-10);
    assert_close(
        trend.intercept.unwrap() + 2003.5 * trend.slope.unwrap(),
        -3.2306083804084045,
        1e-10,
    );
    assert_eq!(trend.segments.len(), 1);
    assert_eq!(trend.conf_low, trend.segments[0].conf_low);
    assert_close(trend.estimate.unwrap(), 100.0 * libm::expm1(trend.slope.unwrap()), 1e-14);
}

#[test]
fn bic_finds_the_turn_and_only_that() {
    let trend = joinpoint_counts(&EVENTS, &POPULATION, &years(8), 2, &BIC);
    assert_eq!(trend.n_joins, Some(1));
    let join = &trend.joins[0];
    assert!((2003.0..2004.5).contains(&join.time), "{join:?}");
    assert!(join.conf_low.unwrap() < join.time && join.time < join.conf_high.unwrap());
    assert!(trend.segments[0].slope > 0.0 && trend.segments[1].slope < 0.0);
    let bic = -2.0 * trend.log_likelihood.unwrap() + 4.0 * libm::log(8.0);
    assert_close(trend.bic.unwrap(), bic, 1e-14);
    assert_eq!(trend.reason, None);

    let line: Vec<f64> = (0..8).map(|k| 40.0 + f64::from(k)).collect();
    assert_eq!(joinpoint_counts(&line, &[1000.0; 8], &years(8), 1, &BIC).n_joins, Some(0));
}

#[test]
fn years_without_events() {
    // Three years without events: a line of their own would fall without end, lines that meet need
    // not.
    let events = [0.0, 0.0, 0.0, 3.0, 6.0, 9.0, 13.0, 15.0];
    let line = joinpoint_counts(&events, &[500.0; 8], &years(8), 0, &FIXED);
    assert!(line.estimate.unwrap() > 0.0);
    let best = joinpoint_counts(&events, &[500.0; 8], &years(8), 1, &BIC);
    assert!(best.n_joins.is_some() && best.bic <= line.bic);
}

#[test]
fn edges() {
    let why = |r: &[f64], n: &[f64], t: &[f64]| reason(joinpoint_counts(r, n, t, 1, &BIC).reason);
    let t = years(8);
    assert!(why(&[], &[], &[]).contains("there are no events"));
    assert!(why(&EVENTS, &POPULATION, &t[..3]).contains("8 populations and 3 times"));
    assert!(why(&[0.0; 8], &POPULATION, &t).contains("there are no events"));
    assert!(why(&POPULATION, &POPULATION, &t).contains("nobody without an event"));
    assert!(why(&EVENTS, &[40.0; 8], &t).contains("events is 41 of 40"));
    assert!(why(&[-1.0; 8], &POPULATION, &t).contains("events is -1"));
    assert!(why(&EVENTS, &[0.0; 8], &t).contains("population is 0"));
    assert!(why(&EVENTS, &POPULATION, &[f64::NAN; 8]).contains("not a finite number"));
    assert!(why(&EVENTS, &POPULATION, &[1.0; 8]).contains("1 different times"));
    let short = joinpoint_counts(&EVENTS[..4], &POPULATION[..4], &t[..4], 2, &FIXED);
    assert_eq!(short.n_joins, Some(0));
    assert!(reason(short.reason).contains("4 times allow 0 joins and not 2"));
    let level = JoinpointCountsOptions { conf_level: 0.0, ..BIC };
    let trend = joinpoint_counts(&EVENTS, &POPULATION, &t, 1, &level);
    assert!(reason(trend.reason).contains("conf_level is 0"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_other_joins_are_better(
        rows in proptest::collection::vec((1u32..60, 200u32..900), 9..14),
        draws in proptest::collection::vec(0.0..1.0f64, 24),
        joins in 1usize..3,
    ) {
        let (events, population): (Vec<f64>, Vec<f64>) =
            rows.iter().map(|(r, n)| (f64::from(*r), f64::from(*n))).unzip();
        let time = years(rows.len());
        let trend = joinpoint_counts(&events, &population, &time, joins, &FIXED);
        prop_assert_eq!(trend.n_joins, Some(joins));
        let deviance = trend.deviance.unwrap();
        let counts = Counts::new(&events, &population, &time).unwrap();
        let at: Vec<f64> = trend.joins.iter().map(|join| join.time).collect();
        let again = counts.whole(&at).unwrap();
        prop_assert!((2.0 * again.loss - deviance).abs() <= 1e-9 * deviance);
        // The score of a maximum is zero.
        let columns = series::columns(&counts.series.time, counts.series.centre(), &at);
        for column in &columns {
            let score: f64 = (0..events.len())
                .map(|k| {
                    let odds: f64 = columns.iter().zip(&again.fit.coefficients).map(|(c, b)| c[k] * b).sum();
                    column[k] * (events[k] - population[k] / (1.0 + libm::exp(-odds)))
                })
                .sum();
            prop_assert!(score.abs() < 1e-6, "{score}");
        }
        let range = counts.series.end() - counts.series.start();
        for pair in draws.chunks(2) {
            let mut places: Vec<f64> =
                pair[..joins].iter().map(|x| counts.series.start() + x * range).collect();
            places.sort_by(f64::total_cmp);
            let bounds = [&[f64::NEG_INFINITY][..], &places, &[f64::INFINITY]].concat();
            let enough = bounds
                .windows(2)
                .all(|b| time.iter().filter(|t| b[0] < **t && **t < b[1]).count() >= 2);
            if let Some(fit) = counts.whole(&places).filter(|_| enough) {
                prop_assert!(deviance <= 2.0 * fit.loss * (1.0 + 1e-9));
            }
        }
    }

    #[test]
    fn order_does_not_matter(
        rows in proptest::collection::vec((0u32..60, 200u32..900, 0u32..3), 6..12),
        seed in 1usize..1000,
    ) {
        let mut clock = 2000;
        let time: Vec<f64> = rows.iter().map(|row| { clock += row.2; f64::from(clock) }).collect();
        let events: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let population: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mix = |x: &[f64]| order.iter().map(|&k| x[k]).collect::<Vec<f64>>();
        prop_assert_eq!(
            joinpoint_counts(&mix(&events), &mix(&population), &mix(&time), 1, &BIC),
            joinpoint_counts(&events, &population, &time, 1, &BIC)
        );
    }
}
