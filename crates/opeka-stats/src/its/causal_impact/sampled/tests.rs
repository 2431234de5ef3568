use super::super::{ImpactEstimator, causal_impact};
use super::*;
use crate::random::Random;
use crate::testing::{assert_close, reason};

const N: usize = 40;
const FIRST: usize = 28;

/// A level with a control series, four higher from a step on.
fn series(seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random::new(seed, 9);
    let mut level = 30.0;
    (0..N)
        .map(|t| {
            level += 0.05 * random.normal();
            let control = 20.0 + 3.0 * random.normal();
            let effect = if t >= FIRST { 4.0 } else { 0.0 };
            (level + 0.8 * control + effect + random.normal(), control)
        })
        .unzip()
}

fn run(y: &[f64], x: &[&[f64]], change: impl Fn(&mut CausalImpactOptions<'_>)) -> CausalImpact {
    let time: Vec<f64> = (0..y.len()).map(|t| 2000.0 + t as f64).collect();
    let treated: Vec<Option<f64>> =
        (0..y.len()).map(|t| Some(f64::from(u8::from(t >= FIRST)))).collect();
    let mut options = CausalImpactOptions {
        estimator: ImpactEstimator::Posterior(ImpactPosterior::default()),
        covariates: x,
        ..Default::default()
    };
    change(&mut options);
    causal_impact(y, &time, &treated, &options)
}

fn with(posterior: ImpactPosterior) -> impl Fn(&mut CausalImpactOptions<'_>) {
    move |options| options.estimator = ImpactEstimator::Posterior(posterior)
}

#[test]
fn an_effect_is_found_and_its_limits_hold_it() {
    let held = (0..60)
        .filter(|seed| {
            let (y, x) = series(*seed);
            let found = run(&y, &[&x], |_| ());
            let estimate = found.average.estimate.unwrap();
            assert!((estimate - 4.0).abs() < 2.0, "{estimate}");
            assert!((found.coefficients[0] - 0.8).abs() < 0.4, "{:?}", found.coefficients);
            assert_eq!(found.inclusion, [1.0]);
            assert!(found.tail_area.unwrap() < 0.01);
            let Effect { conf_low, conf_high, .. } = found.average;
            conf_low.unwrap() < 4.0 && 4.0 < conf_high.unwrap()
        })
        .count();
    // Binomial: 57 ∓ 3 errors.
    assert!(held >= 51, "{held}");
}

#[test]
fn the_parts_of_an_answer_fit_together() {
    let (y, x) = series(3);
    let found = run(&y, &[&x], |_| ());
    let after: Vec<_> = found.points.iter().filter(|point| point.treated).collect();
    assert_eq!((after.len(), found.points.len(), found.n_before), (N - FIRST, N, FIRST));
    let sum: f64 = after.iter().map(|point| point.effect.unwrap()).sum();
    assert_close(found.cumulative.estimate.unwrap(), sum, 1e-10);
    assert_close(found.average.estimate.unwrap(), sum / after.len() as f64, 1e-10);
    let last = after[after.len() - 1];
    assert_eq!(last.cumulative_low, found.cumulative.conf_low);
    assert_eq!(last.cumulative_high, found.cumulative.conf_high);
    for point in &after {
        assert!(point.conf_low < point.counterfactual && point.counterfactual < point.conf_high);
        assert_close(point.effect_low.unwrap(), point.observed - point.conf_high.unwrap(), 1e-12);
    }
    assert_close(found.average.p_value.unwrap(), 2.0 * found.tail_area.unwrap(), 1e-15);
    let relative = found.relative.estimate.unwrap();
    let base: f64 = after.iter().map(|point| point.counterfactual.unwrap()).sum();
    assert_close(relative, sum / base, 0.01);
    // The level and the coefficient are those of the outcome as it is.
    let fitted = found.levels[5] + found.coefficients[0] * x[5];
    assert_close(fitted, found.points[5].fitted.unwrap(), 0.01);
    assert_eq!(found.points[0].counterfactual, None);
    assert!(found.points[1].conf_low < found.points[1].counterfactual);
    assert_eq!(
        found.method.as_deref(),
        Some(
            "structural time series, local level, 1 control series under spike and slab, 1000 draws of \
             the posterior"
        )
    );
}

#[test]
fn units_do_not_matter() {
    let (y, x) = series(4);
    let found = run(&y, &[&x], |_| ());
    let moved: Vec<f64> = y.iter().map(|y| 1000.0 + y).collect();
    let scaled: Vec<f64> = x.iter().map(|x| 50.0 - 7.0 * x).collect();
    let same = run(&moved, &[&x], |_| ());
    let of = |found: &CausalImpact| {
        let Effect { estimate, std_error, conf_low, conf_high, .. } = found.average.clone();
        [estimate, std_error, conf_low, conf_high].map(Option::unwrap)
    };
    for (a, b) in of(&same).iter().zip(of(&found)) {
        assert_close(*a, b, 1e-7);
    }
    // A control series that is turned round has another coefficient and says the same.
    let turned = run(&y, &[&scaled], |_| ());
    assert_close(turned.coefficients[0], -found.coefficients[0] / 7.0, 0.02);
    assert_close(of(&turned)[0], of(&found)[0], 0.05);
    assert_eq!(run(&y, &[&x], |_| ()), found);
    let other = run(&y, &[&x], with(ImpactPosterior { seed: 2, ..Default::default() }));
    assert_ne!(of(&other), of(&found));
}

#[test]
fn gaps_are_missing_values() {
    let (y, x) = series(5);
    let keep: Vec<usize> = (0..N).filter(|t| ![7, 8, 33].contains(t)).collect();
    let pick = |column: &[f64]| -> Vec<f64> { keep.iter().map(|t| column[*t]).collect() };
    let (y, x) = (pick(&y), pick(&x));
    let time: Vec<f64> = keep.iter().map(|t| *t as f64).collect();
    let treated: Vec<_> = keep.iter().map(|t| Some(f64::from(u8::from(*t >= FIRST)))).collect();
    let options = CausalImpactOptions {
        estimator: ImpactEstimator::Posterior(ImpactPosterior::default()),
        covariates: &[&x],
        ..Default::default()
    };
    let found = causal_impact(&y, &time, &treated, &options);
    assert_eq!((found.n_obs, found.n_before, found.points.len()), (37, 26, 37));
    assert_eq!(found.points.iter().filter(|point| point.effect.is_some()).count(), 11);
    assert!((found.average.estimate.unwrap() - 4.0).abs() < 2.0);
    assert!(found.note.unwrap().contains("no point between 6 and 9: taken as missing"));
}

#[test]
fn a_level_that_stays_and_variances_that_are_known() {
    let (y, x) = series(6);
    let still = run(&y, &[&x], |options| options.level = ImpactLevel::Static);
    assert_eq!(still.level_variance, None);
    let held = run(&y, &[], |options| options.variances = Some([2.0, 0.5, 0.0, 0.0]));
    assert_close(held.irregular_variance.unwrap(), 2.0, 1e-9);
    assert_close(held.level_variance.unwrap(), 0.5, 1e-9);
    let loose = run(&y, &[], with(ImpactPosterior { prior_level_sd: 0.5, ..Default::default() }));
    let tight = run(&y, &[], |_| ());
    assert!(loose.average.std_error > tight.average.std_error);
}

#[test]
fn faults_are_named() {
    let (y, x) = series(7);
    let why = |y: &[f64], x: &[&[f64]], change: &dyn Fn(&mut CausalImpactOptions<'_>)| {
        let found = run(y, x, change);
        assert!(found.points.is_empty() && found.average.estimate.is_none());
        reason(found.reason)
    };
    let changed = |t: usize, value: f64| {
        let mut y = y.clone();
        y[t] = value;
        y
    };
    let nothing = |_: &mut CausalImpactOptions<'_>| ();
    assert!(why(&changed(4, f64::INFINITY), &[], &nothing).contains("finite"));
    assert!(why(&y, &[&changed(30, f64::NAN)], &nothing).contains("finite"));
    assert!(why(&changed(4, 1e200), &[], &nothing).contains("too large"));
    assert!(why(&[5.0; N], &[], &nothing).contains("is 5 throughout"));
    assert!(why(&y, &[&[5.0; N]], &nothing).contains("a covariate is constant"));
    let posterior = ImpactPosterior::default();
    let draws = |draws| with(ImpactPosterior { draws, ..posterior });
    assert!(why(&y, &[], &draws(99)).contains("draws is 99"));
    assert!(why(&y, &[], &draws(1_000_001)).contains("draws is 1000001"));
    let sd = |prior_level_sd| with(ImpactPosterior { prior_level_sd, ..posterior });
    assert!(why(&y, &[], &sd(0.0)).contains("prior_level_sd is 0"));
    assert!(why(&y, &[], &sd(f64::NAN)).contains("prior_level_sd is NaN"));
    let size = |size| with(ImpactPosterior { expected_model_size: size, ..posterior });
    assert!(why(&y, &[&x], &size(-1.0)).contains("expected_model_size is -1"));
    let many = vec![&x[..]; 101];
    assert!(why(&y, &many, &nothing).contains("101 covariates"));
    let set = |change: fn(&mut CausalImpactOptions<'_>)| change;
    assert!(why(&y, &[], &set(|o| o.level = ImpactLevel::LocalLinearTrend)).contains("slope"));
    assert!(why(&y, &[], &set(|o| o.seasonal_period = Some(4))).contains("season"));
    assert!(why(&y, &[], &set(|o| o.start_variance = Some(1e6))).contains("start_variance"));
    assert!(why(&y, &[], &set(|o| o.variances = Some([0.0, 1.0, 0.0, 0.0]))).contains("noise"));
    let short = causal_impact(
        &y[..4],
        &[1.0, 2.0, 3.0, 4.0],
        &[Some(0.0), Some(0.0), Some(1.0), Some(1.0)],
        &CausalImpactOptions {
            estimator: ImpactEstimator::Posterior(posterior),
            ..Default::default()
        },
    );
    assert!(reason(short.reason).contains("2 points before the intervention (it takes 3 or more)"));
    let below: Vec<f64> = y.iter().map(|y| y - 1000.0).collect();
    let found = run(&below, &[], |_| ());
    assert!(found.average.estimate.is_some());
    assert!(reason(found.relative.reason).contains("must be above zero"));
}
