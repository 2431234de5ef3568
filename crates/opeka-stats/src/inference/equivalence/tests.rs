use super::*;
use crate::effect::labels::Labels;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Treated and other units, times 1 to 4, treatment from 4 on; the outcomes are pseudo-random.
fn run(n_treated: usize, n_others: usize, options: &EquivalenceOptions) -> PretrendEquivalence {
    let mut names = Vec::new();
    let (mut y, mut time, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for unit in 0..n_treated + n_others {
        for period in 1..=4 {
            names.push(unit.to_string());
            time.push(f64::from(period));
            y.push(((unit * 7 + period as usize * 5) * 37 % 101) as f64);
            first.push((unit < n_treated).then_some(4.0));
        }
    }
    let unit = Labels::new(&names);
    pretrend_equivalence(&PanelRows::new(&y, &unit, &time), &first, None, options)
}

#[test]
fn what_is_found_at_a_threshold_is_found_above_it() {
    let result = run(12, 15, &EquivalenceOptions::default());
    assert_eq!((result.n_leads, result.bounds.len(), result.n_units), (2, 2, 27));
    for (name, of) in [
        ("max", (|r| r.max) as fn(PretrendEquivalence) -> Equivalence),
        ("mean", |r| r.mean),
        ("rms", |r| r.rms),
    ] {
        let whole = of(result.clone());
        let threshold = whole.threshold.unwrap();
        assert!(threshold >= whole.estimate.unwrap() || threshold == 0.0, "{name}");
        assert_eq!(whole.equivalent, None);
        if threshold > 0.0 {
            let at = |factor: f64| {
                let threshold = Some(factor * threshold);
                of(run(12, 15, &EquivalenceOptions { threshold, ..Default::default() })).equivalent
            };
            assert_eq!((at(1.01), at(0.99)), (Some(true), Some(false)), "{name}");
        }
    }
    // Bounds of single leads are never below the threshold of the largest.
    let largest = result.bounds.iter().filter_map(|bound| bound.bound).fold(0.0, f64::max);
    assert!(largest >= result.max.threshold.unwrap());
}

#[test]
fn seeds_decide_the_root_mean_square_alone() {
    let of = |seed| run(12, 15, &EquivalenceOptions { seed, ..Default::default() });
    assert_eq!(of(3), of(3));
    assert_eq!((of(3).max, of(3).mean), (of(4).max, of(4).mean));
    assert_eq!(of(3).rms.estimate, of(4).rms.estimate);
    assert_ne!(of(3).rms.threshold, of(4).rms.threshold);
}

#[test]
fn faults_are_named() {
    let default = EquivalenceOptions::default();
    let text = |result: PretrendEquivalence| {
        assert_eq!((&result.max.reason, &result.rms.reason), (&result.reason, &result.reason));
        reason(result.reason)
    };
    assert!(text(run(1, 12, &default)).contains("has one treated unit"));
    assert!(text(run(0, 12, &default)).contains("no unit is ever treated"));
    let negative = EquivalenceOptions { threshold: Some(0.0), ..default };
    assert!(text(run(12, 12, &negative)).contains("threshold is 0 (it must be above zero)"));
    let few = run(2, 2, &default);
    assert!(few.max.threshold.is_some());
    assert!(few.note.unwrap().contains("2 treated units: thresholds are too small"));
    assert!(reason(few.rms.reason).contains("do not tell all leads apart"));
}

#[test]
fn quantiles_of_the_self_normalised_statistic() {
    // Drawn: B at 1/5, …, 1 and the statistic, 40 000 times.
    let mut random = Random::new(11, 0);
    let mut draws: Vec<f64> = (0..40_000)
        .map(|_| {
            let mut path = [0.0; 5];
            let mut sum = 0.0;
            for place in &mut path {
                sum += random.normal() / 5f64.sqrt();
                *place = sum;
            }
            let difference = |k: usize| path[k] * 5.0 / (k + 1) as f64 - path[4];
            let spread = (0..4).map(|k| 0.25 * difference(k) * difference(k)).sum::<f64>();
            path[4] / spread.sqrt()
        })
        .collect();
    draws.sort_unstable_by(f64::total_cmp);
    for alpha in [0.01, 0.05, 0.1, 0.2, 0.8] {
        let quantile = self_normalised_quantile(alpha);
        let below = draws.partition_point(|draw| *draw <= quantile) as f64 / draws.len() as f64;
        // Five standard deviations of a share of the draws.
        let slack = 5.0 * (alpha * (1.0 - alpha) / draws.len() as f64).sqrt();
        assert!((below - alpha).abs() < slack, "{alpha}: {quantile} has {below} below it");
    }
    assert_close(self_normalised_quantile(0.05), -self_normalised_quantile(0.95), 1e-9);
}

proptest! {
    #[test]
    fn the_smallest_threshold_is_where_the_test_turns(b in 0.0..20.0f64, s in 0.01..10.0f64, alpha in 0.01..0.4f64) {
        let delta = smallest_threshold(b, s, alpha);
        let inside = |delta: f64| normal::cdf((b - delta) / s) - normal::cdf((-b - delta) / s);
        if delta == 0.0 {
            prop_assert!(inside(0.0) <= alpha + 1e-12);
        } else {
            prop_assert!((inside(delta) - alpha).abs() < 1e-9);
            // Far from zero it is the bound of a one-sided test, and never above it.
            let one_sided = b - s * normal::quantile(alpha);
            prop_assert!(delta <= one_sided + 1e-9 * one_sided);
            if b > 10.0 * s {
                prop_assert!((delta - one_sided).abs() < 1e-6 * one_sided);
            }
        }
    }
}
