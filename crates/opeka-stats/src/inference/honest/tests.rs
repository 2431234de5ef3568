//! Known values, invariances, coverage, and what cannot be calculated.

use proptest::prelude::*;

use super::*;
use crate::random::Random;
use crate::testing::{assert_close, bisect, reason};

const BETA: [f64; 5] = [0.3, -0.2, 0.4, 2.5, 3.5];

fn sigma() -> Vec<Vec<f64>> {
    let entry = |i: usize, j: usize| if i == j { 0.25 } else { 0.1 };
    (0..5).map(|i| (0..5).map(|j| entry(i, j)).collect()).collect()
}

fn options(delta: HonestDelta, method: Option<HonestMethod>, bounds: &[f64]) -> HonestDidOptions {
    let bounds = bounds.to_vec();
    let draws = 2_000;
    HonestDidOptions {
        delta,
        method,
        bounds,
        draws,
        breakdown: false,
        ..HonestDidOptions::default()
    }
}

fn with_breakdown(
    delta: HonestDelta,
    method: Option<HonestMethod>,
    bounds: &[f64],
) -> HonestDidOptions {
    HonestDidOptions { breakdown: true, ..options(delta, method, bounds) }
}

fn run(options: &HonestDidOptions) -> HonestDid {
    honest_did(&BETA, &sigma(), 3, 2, None, options)
}

fn pairs(result: &HonestDid) -> Vec<(f64, f64)> {
    let pair = |limits: &HonestLimits| limits.conf_low.zip(limits.conf_high);
    result.robust.iter().map(|limits| pair(limits).expect("limits")).collect()
}

const ALL: [(HonestDelta, Option<HonestMethod>); 9] = [
    (HonestDelta::RelativeMagnitudes, None),
    (HonestDelta::RelativeMagnitudes, Some(HonestMethod::Conditional)),
    (HonestDelta::RelativeSmoothness, None),
    (HonestDelta::RelativeSmoothness, Some(HonestMethod::Conditional)),
    (HonestDelta::Smoothness, None),
    (HonestDelta::Smoothness, Some(HonestMethod::ConditionalFixedLength)),
    (HonestDelta::Smoothness, Some(HonestMethod::LeastFavourable)),
    (HonestDelta::Smoothness, Some(HonestMethod::Conditional)),
    (HonestDelta::RelativeMagnitudes, Some(HonestMethod::LeastFavourable)),
];

/// Without any difference in trends the hybrid is the usual interval, given that the first stage,
/// which is a wider one, has not rejected: (2Φ(x) − 1)/(1 − κ) = 1 − (α − κ)/(1 − κ) at Φ(x) = 0.975.
#[test]
fn a_relative_bound_of_zero_gives_the_usual_interval() {
    let hybrid = options(HonestDelta::RelativeMagnitudes, None, &[0.0]);
    let result = run(&HonestDidOptions { draws: 20_000, ..hybrid });
    let (low, high) = pairs(&result)[0];
    // Up to the draws of the first stage.
    assert_close(low, result.original.conf_low.unwrap(), 2e-3);
    assert_close(high, result.original.conf_high.unwrap(), 2e-3);
    let conditional = Some(HonestMethod::Conditional);
    let result = run(&options(HonestDelta::RelativeMagnitudes, conditional, &[0.0]));
    assert_close(pairs(&result)[0].0, result.original.conf_low.unwrap(), 1e-12);
    assert_close(pairs(&result)[0].1, result.original.conf_high.unwrap(), 1e-12);
}

/// One period before and one after: a piece is θ between β_1 ∓ M̄|β_{-1}|, tested as two moments.
/// Where one of them is far from binding the conditional test is one-sided.
#[test]
fn one_period_before_and_after_by_hand() {
    let sigma = vec![vec![0.04, 0.0], vec![0.0, 0.09]];
    let method = Some(HonestMethod::Conditional);
    let options = with_breakdown(HonestDelta::RelativeMagnitudes, method, &[1.0]);
    let result = honest_did(&[-2.0, 1.0], &sigma, 1, 1, None, &options);
    // The identified set is 1 ± 2; its ends are 10 errors of 0.36 apart.
    let error = (0.04f64 + 0.09).sqrt();
    let z = 1.644_853_626_951_472_2;
    assert_close(pairs(&result)[0].0, -1.0 - z * error, 1e-9);
    assert_close(pairs(&result)[0].1, 3.0 + z * error, 1e-9);
    // At the breakdown value the lower end of the set, 1 − 2M̄, is about z errors above zero: a
    // bit less, as the upper end is near enough to matter.
    let breakdown = result.breakdown.unwrap();
    let one_sided = |m: f64| 2.0 * m - 1.0 + z * (0.09 + 0.04 * m * m).sqrt();
    let above = bisect(0.0, 1.0, one_sided);
    assert!((0.9 * above..above).contains(&breakdown), "{breakdown} {above}");
}

/// The breakdown value is where a limit crosses zero.
#[test]
fn at_the_breakdown_value_a_limit_is_zero() {
    for (delta, method) in ALL {
        let result = run(&with_breakdown(delta, method, &[1.0]));
        let Some(breakdown) = result.breakdown else {
            assert!(result.note.is_some(), "{delta:?} {method:?}");
            continue;
        };
        let at = |m: f64| pairs(&run(&options(delta, method, &[m])))[0];
        assert!(at(breakdown).0 > -1e-9, "{delta:?} {method:?} {breakdown}");
        assert!(at(breakdown * (1.0 + 1e-8)).0 <= 1e-7, "{delta:?} {method:?} {breakdown}");
    }
    let fixed = run(&with_breakdown(HonestDelta::Smoothness, None, &[1.0]));
    let frontier = Frontier::new(&sigma(), Periods { pre: 3, post: 2 }, &[1.0, 0.0]).unwrap();
    let low = |m: f64| {
        let interval = frontier.interval(&BETA, m, 0.95);
        interval.half - interval.centre
    };
    assert_close(fixed.breakdown.unwrap(), bisect(0.0, 10.0, low), 1e-8);
}

#[test]
fn the_other_sign_of_an_effect_mirrors_everything() {
    let mirrored: Vec<f64> = BETA.iter().map(|x| -x).collect();
    for (delta, method) in ALL {
        let options = options(delta, method, &[0.0, 0.3, 1.0]);
        let (plus, minus) = (run(&options), honest_did(&mirrored, &sigma(), 3, 2, None, &options));
        for (a, b) in pairs(&plus).iter().zip(pairs(&minus)) {
            assert!((a.0 + b.1).abs() < 1e-9, "{delta:?} {method:?}: {a:?} {b:?}");
            assert!((a.1 + b.0).abs() < 1e-9, "{delta:?} {method:?}: {a:?} {b:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Another unit of the outcome, and one of the effect.
    #[test]
    fn scales_go_through(scale in 1e-4..1e4f64, which in 0..ALL.len()) {
        let (delta, method) = ALL[which];
        let smooth = delta == HonestDelta::Smoothness;
        let bounds = [0.2, 1.0];
        let scaled_bounds = if smooth { bounds.map(|m| m * scale) } else { bounds };
        let beta: Vec<f64> = BETA.iter().map(|x| x * scale).collect();
        let square = |row: &Vec<f64>| row.iter().map(|x| x * scale * scale).collect();
        let covariance: Vec<Vec<f64>> = sigma().iter().map(square).collect();
        let plain = run(&options(delta, method, &bounds));
        let other = honest_did(&beta, &covariance, 3, 2, None, &options(delta, method, &scaled_bounds));
        for (a, b) in pairs(&plain).iter().zip(pairs(&other)) {
            prop_assert!((a.0 * scale - b.0).abs() < 1e-6 * scale);
            prop_assert!((a.1 * scale - b.1).abs() < 1e-6 * scale);
        }
        let half = honest_did(&BETA, &sigma(), 3, 2, Some(&[0.5, 0.0]), &options(delta, method, &bounds));
        for (a, b) in pairs(&plain).iter().zip(pairs(&half)) {
            prop_assert!((0.5 * a.0 - b.0).abs() < 1e-6);
            prop_assert!((0.5 * a.1 - b.1).abs() < 1e-6);
        }
    }

    /// What is found step by step is what a fine grid finds.
    #[test]
    fn steps_find_the_ends_of_a_grid(
        beta in proptest::collection::vec(-1.0..1.0f64, 5),
        which in 0..4usize,
        m in 0.0..2.0f64,
    ) {
        let (delta, method) = ALL[which];
        let plain = options(delta, method, &[m]);
        let grid = HonestDidOptions { grid_points: Some(4001), ..plain.clone() };
        let run = |options: &HonestDidOptions| honest_did(&beta, &sigma(), 3, 2, None, options);
        let (fine, coarse) = (run(&plain), run(&grid));
        let fine = fine.robust[0].conf_low.zip(fine.robust[0].conf_high);
        let coarse = coarse.robust[0].conf_low.zip(coarse.robust[0].conf_high);
        // ±20 errors of a half.
        let step = 20.0 / 4000.0;
        match (fine, coarse) {
            (Some(fine), Some(coarse)) => {
                prop_assert!((-1e-9..=1.01 * step).contains(&(coarse.0 - fine.0)), "{:?} {:?}", fine, coarse);
                prop_assert!((-1e-9..=1.01 * step).contains(&(fine.1 - coarse.1)), "{:?} {:?}", fine, coarse);
            }
            (fine, coarse) => prop_assert_eq!(fine.is_none(), coarse.is_none()),
        }
    }
}

/// The corners give the linear program: its value for many differences in trends is never below
/// what a search over nuisance parameters finds, and touches it.
#[test]
fn shapes_keep_the_truth_and_shorten_limits() {
    for (delta, m) in [
        (HonestDelta::Smoothness, 0.5),
        (HonestDelta::RelativeMagnitudes, 1.0),
        (HonestDelta::RelativeSmoothness, 1.0),
    ] {
        let method = Some(HonestMethod::LeastFavourable);
        let wide = pairs(&run(&options(delta, method, &[m])))[0];
        let with = |shape| {
            let options = HonestDidOptions { shape, ..options(delta, method, &[m]) };
            pairs(&run(&options))[0]
        };
        // A bias that is not negative leaves the upper end to sampling error alone.
        let positive = with(HonestShape::PositiveBias);
        let negative = with(HonestShape::NegativeBias);
        assert!(positive.1 < wide.1 && negative.0 > wide.0, "{delta:?} {wide:?} {positive:?}");
        assert!(positive.1 < 2.5 + 3.0 * 0.5 && negative.0 > 2.5 - 3.0 * 0.5);
        assert!((positive.0 - wide.0).abs() < 0.5 && (negative.1 - wide.1).abs() < 0.5);
    }
}

/// Of 600 draws of coefficients with a linear trend and an effect of one, limits hold in no fewer
/// than 95 % less three standard errors of the simulation.
#[test]
fn limits_hold_as_often_as_they_say() {
    let root = factor(&sigma(), 5).unwrap();
    let mut random = Random::new(7, 0);
    let trend = [-0.6, -0.4, -0.2, 0.2, 0.4];
    let mut held = [0usize; 5];
    let cases = [
        options(HonestDelta::RelativeMagnitudes, None, &[1.0]),
        options(HonestDelta::Smoothness, None, &[0.0]),
        options(HonestDelta::Smoothness, None, &[0.2]),
        options(HonestDelta::Smoothness, Some(HonestMethod::ConditionalFixedLength), &[0.2]),
        options(HonestDelta::RelativeMagnitudes, Some(HonestMethod::Conditional), &[1.0]),
    ];
    let draws = 600;
    for _ in 0..draws {
        let normal: Vec<f64> = (0..5).map(|_| random.normal()).collect();
        let beta: Vec<f64> = (0..5)
            .map(|i| {
                let noise: f64 = (0..=i).map(|k| root[(i, k)] * normal[k]).sum();
                trend[i] + noise + if i >= 3 { 1.0 } else { 0.0 }
            })
            .collect();
        for (held, case) in held.iter_mut().zip(&cases) {
            let options = HonestDidOptions { draws: 1000, ..case.clone() };
            let periods = Periods { pre: 3, post: 2 };
            let sigma = sigma();
            let analysis = Analysis::new(&beta, &sigma, periods, None, &options).unwrap();
            let limits = analysis.limits(case.bounds[0]);
            *held += usize::from(limits.is_ok_and(|(low, high)| low <= 1.0 && 1.0 <= high));
        }
    }
    let share = held.map(|held| held as f64 / draws as f64);
    let error = (0.95f64 * 0.05 / draws as f64).sqrt();
    assert!(share.iter().all(|share| *share >= 0.95 - 3.0 * error), "{share:?}");
    // The second is exact: no bias, and a normal estimate.
    assert!((share[1] - 0.95).abs() <= 3.0 * error, "{share:?}");
}

#[test]
fn what_cannot_be_calculated_has_a_reason() {
    let options = HonestDidOptions::default();
    let why =
        |beta: &[f64], sigma: &[Vec<f64>], pre: usize, post: usize, weights: Option<&[f64]>| {
            let result = honest_did(beta, sigma, pre, post, weights, &options);
            assert_eq!((result.estimate, result.robust.len()), (None, 0));
            reason(result.reason)
        };
    assert!(why(&BETA, &sigma(), 0, 5, None).contains("0 coefficients before and 5 after"));
    assert!(why(&BETA, &sigma(), 5, 0, None).contains("5 coefficients before and 0 after"));
    assert!(why(&BETA, &sigma(), 3, 3, None).contains("5 coefficients for 6 periods"));
    assert!(why(&BETA, &sigma()[..4], 3, 2, None).contains("covariance is not one of 5"));
    assert!(why(&BETA, &sigma(), 3, 2, Some(&[1.0])).contains("1 weights for 2"));
    assert!(why(&BETA, &sigma(), 3, 2, Some(&[0.0, 0.0])).contains("all weights of the effect"));
    let with = |i: usize, j: usize, value: f64| {
        let mut sigma = sigma();
        sigma[i][j] = value;
        sigma
    };
    assert!(why(&BETA, &with(0, 1, 0.2), 3, 2, None).contains("not symmetric"));
    assert!(why(&BETA, &with(0, 1, f64::NAN), 3, 2, None).contains("a covariance is NaN"));
    assert!(why(&BETA, &vec![vec![1.0; 5]; 5], 3, 2, None).contains("singular"));
    assert!(why(&BETA, &vec![vec![0.0; 5]; 5], 3, 2, None).contains("singular"));
    let mut gap = BETA;
    gap[2] = f64::INFINITY;
    assert!(why(&gap, &sigma(), 3, 2, None).contains("a coefficient is inf"));

    let why = |options: HonestDidOptions| reason(run(&options).reason);
    let fixed = Some(HonestMethod::FixedLength);
    assert!(why(self::options(HonestDelta::RelativeMagnitudes, fixed, &[])).contains("smoothness"));
    assert!(why(HonestDidOptions { conf_level: 0.4, ..options.clone() }).contains("above 0.5"));
    assert!(why(HonestDidOptions { draws: 3, ..options.clone() }).contains("3 draws"));
    let result = run(&self::options(HonestDelta::RelativeMagnitudes, None, &[-1.0, 1.0]));
    assert!(reason(result.robust[0].reason.clone()).contains("the bound is -1"));
    assert!(result.robust[1].conf_low.is_some());
    let one = honest_did(
        &BETA[2..],
        &sigma()[2..].iter().map(|row| row[2..].to_vec()).collect::<Vec<_>>(),
        1,
        2,
        None,
        &self::options(HonestDelta::RelativeSmoothness, None, &[]),
    );
    assert!(reason(one.reason).contains("at least 2 and 1"));
}

#[test]
fn few_treated_units_are_told() {
    let told = run(&HonestDidOptions { n_treated: Some(3), ..HonestDidOptions::default() });
    assert!(told.note.is_some_and(|note| note.contains("3 treated units")));
    assert!(told.robust.iter().all(|limits| limits.note.is_some()));
}

#[test]
fn default_bounds_are_those_of_the_package() {
    let result = run(&options(HonestDelta::Smoothness, None, &[]));
    let bounds: Vec<f64> = result.robust.iter().filter_map(|limits| limits.m).collect();
    // The bends before are 0.3 − 2 (−0.2) + 0.4 = 1.1 and −0.2 − 2 × 0.4 = −1, with variances
    // 6 × 0.15 and 5 × 0.15 + 0.1, as the covariance is 0.15 on the diagonal and 0.1 everywhere.
    let z = 1.644_853_626_951_472_2;
    let largest = f64::max(1.1 + z * 0.9f64.sqrt(), 1.0 + z * 0.85f64.sqrt());
    assert_eq!(bounds.len(), 10);
    assert_close(bounds[9], largest, 1e-12);
    assert_eq!(bounds[0], 0.0);
}
