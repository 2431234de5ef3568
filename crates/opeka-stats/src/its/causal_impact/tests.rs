use super::*;
use crate::random::Random;
use crate::testing::{assert_close, reason};

struct Data {
    y: Vec<f64>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    control: Vec<f64>,
}

/// A drifting series with a control, five higher from step 20 on.
fn data(n: usize, seed: u64) -> Data {
    let mut random = Random::new(seed, 0);
    let mut level = 50.0;
    let mut data = Data { y: vec![], time: vec![], treated: vec![], control: vec![] };
    for t in 0..n {
        level += 0.5 * random.normal();
        let control = 20.0 + 3.0 * random.normal();
        let effect = if t >= 20 { 5.0 } else { 0.0 };
        data.y.push(level + 0.8 * control + effect + random.normal());
        data.control.push(control);
        data.time.push(2000.0 + t as f64);
        data.treated.push(Some(if t >= 20 { 1.0 } else { 0.0 }));
    }
    data
}

fn run(data: &Data, options: &CausalImpactOptions<'_>) -> CausalImpact {
    causal_impact(&data.y, &data.time, &data.treated, options)
}

/// With a level that stays, it is the forecast of least squares: with the errors of coefficients,
/// those of `predict(lm, interval = "prediction")`, but for a variance over n and not n − k.
#[test]
fn a_static_level_is_least_squares() {
    let data = data(30, 1);
    let controls = [&data.control[..]];
    let options = CausalImpactOptions {
        level: ImpactLevel::Static,
        covariates: &controls,
        coefficient_errors: true,
        ..Default::default()
    };
    let found = run(&data, &options);
    let (x, y) = (&data.control[..20], &data.y[..20]);
    let mean = |v: &[f64]| v.iter().sum::<f64>() / 20.0;
    let sxx: f64 = x.iter().map(|x| (x - mean(&data.control[..20])).powi(2)).sum();
    let sxy: f64 = x.iter().zip(y).map(|(x, y)| (x - mean(&data.control[..20])) * y).sum();
    let (slope, centre) = (sxy / sxx, mean(&data.control[..20]));
    let rss: f64 = x.iter().zip(y).map(|(x, v)| (v - mean(y) - slope * (x - centre)).powi(2)).sum();
    // The diffuse likelihood has n − 1 of them.
    let variance = rss / 19.0;
    assert_close(found.irregular_variance.unwrap(), variance, 1e-9);
    assert_close(found.coefficients[0], slope, 1e-9);
    let far = data.control[25] - centre;
    let forecast = mean(y) + slope * far;
    let point = &found.points[25];
    assert_close(point.counterfactual.unwrap(), forecast, 1e-10);
    let error = (variance * (1.0 + 1.0 / 20.0 + far * far / sxx)).sqrt();
    let z = crate::distribution::normal::two_sided(0.95);
    assert_close(point.conf_high.unwrap() - forecast, z * error, 1e-9);
    // The sum: ten times the noise, a hundred times the level, and the covariate's share.
    let sum_far: f64 = data.control[20..].iter().map(|x| x - centre).sum();
    let sum = (variance * (10.0 + 100.0 / 20.0 + sum_far * sum_far / sxx)).sqrt();
    assert_close(found.cumulative.std_error.unwrap(), sum, 1e-9);
    assert_close(found.average.std_error.unwrap(), sum / 10.0, 1e-9);
    let plug_in = run(&data, &CausalImpactOptions { coefficient_errors: false, ..options });
    assert_close(
        plug_in.cumulative.std_error.unwrap(),
        (variance * (10.0 + 100.0 / 20.0)).sqrt(),
        1e-9,
    );
    assert_close(plug_in.points[3].fitted.unwrap(), mean(y) + slope * (x[3] - centre), 1e-9);
}

#[test]
fn the_parts_of_a_result_fit_together() {
    let data = data(32, 2);
    let controls = [&data.control[..]];
    let options = CausalImpactOptions { covariates: &controls, ..Default::default() };
    let found = run(&data, &options);
    let after: Vec<&CounterfactualPoint> =
        found.points.iter().filter(|point| point.treated).collect();
    assert_eq!((after.len(), found.points.len(), found.n_before), (12, 32, 20));
    let sum: f64 = after.iter().map(|point| point.effect.unwrap()).sum();
    assert_close(found.cumulative.estimate.unwrap(), sum, 1e-10);
    assert_close(found.average.estimate.unwrap(), sum / 12.0, 1e-10);
    assert_close(after[11].cumulative_low.unwrap(), found.cumulative.conf_low.unwrap(), 1e-12);
    let base: f64 = after.iter().map(|point| point.counterfactual.unwrap()).sum();
    assert_close(found.relative.estimate.unwrap(), sum / base, 1e-10);
    assert_close(found.tail_area.unwrap(), 0.5 * found.cumulative.p_value.unwrap(), 1e-15);
    assert_eq!(found.points[0].counterfactual, None);
    assert!(found.points[1].conf_low.unwrap() < found.points[1].counterfactual.unwrap());
    assert_eq!(found.points[1].effect, None);
    assert_eq!(
        found.method.as_deref(),
        Some(
            "structural time series, local level, 1 control series, maximum likelihood, exact \
             diffuse start, plug-in limits"
        )
    );
    assert!(found.note.unwrap().contains("untouched by the intervention"));
}

/// Plug-in limits of 95 % hold the truth less often than that, but not by much.
#[test]
fn limits_hold_the_true_effect() {
    let held = |coefficient_errors: bool| {
        (0..200)
            .filter(|seed| {
                let data = data(32, 100 + seed);
                let controls = [&data.control[..]];
                let options = CausalImpactOptions {
                    covariates: &controls,
                    coefficient_errors,
                    ..Default::default()
                };
                let average = run(&data, &options).average;
                average.conf_low.unwrap() < 5.0 && 5.0 < average.conf_high.unwrap()
            })
            .count()
    };
    let (plug_in, with_errors) = (held(false), held(true));
    assert!((150..=199).contains(&plug_in), "{plug_in}");
    assert!(with_errors >= plug_in, "{with_errors} {plug_in}");
}

#[test]
fn units_and_order_do_not_matter() {
    let data = data(30, 3);
    let controls = [&data.control[..]];
    let options = CausalImpactOptions { covariates: &controls, ..Default::default() };
    let found = run(&data, &options);

    let mut order: Vec<usize> = (0..30).collect();
    Random::new(3, 1).shuffle(&mut order);
    let pick = |column: &[f64]| -> Vec<f64> { order.iter().map(|k| column[*k]).collect() };
    let mixed = Data {
        y: pick(&data.y),
        time: pick(&data.time),
        treated: order.iter().map(|k| data.treated[*k]).collect(),
        control: pick(&data.control),
    };
    let mixed_controls = [&mixed.control[..]];
    let options = CausalImpactOptions { covariates: &mixed_controls, ..options };
    assert_eq!(run(&mixed, &options), found);

    let scaled = Data { y: data.y.iter().map(|y| 1000.0 * y - 7.0).collect(), ..data };
    let controls = [&scaled.control[..]];
    let moved = run(&scaled, &CausalImpactOptions { covariates: &controls, ..options });
    for (a, b) in [(&moved.average, &found.average), (&moved.cumulative, &found.cumulative)] {
        assert_close(a.estimate.unwrap(), 1000.0 * b.estimate.unwrap(), 1e-6);
        assert_close(a.std_error.unwrap(), 1000.0 * b.std_error.unwrap(), 1e-6);
    }
}

#[test]
fn gaps_are_missing_values() {
    let mut data = data(30, 4);
    for row in [7, 24] {
        data.y.remove(row);
        data.time.remove(row);
        data.treated.remove(row);
    }
    let found = run(&data, &CausalImpactOptions::default());
    assert_eq!((found.n_obs, found.n_before, found.points.len()), (28, 19, 28));
    assert!(found.note.unwrap().contains("no point between 2006 and 2008: taken as missing"));
    let sum: f64 = found.points.iter().filter_map(|point| point.effect).sum();
    assert_close(found.average.estimate.unwrap(), sum / 9.0, 1e-10);
}

#[test]
fn a_season_is_taken_off() {
    let mut random = Random::new(5, 0);
    let season = [8.0, -3.0, -4.0, -1.0];
    let y: Vec<f64> = (0..36)
        .map(|t| 30.0 + season[t % 4] + 0.3 * random.normal() + if t >= 24 { 2.0 } else { 0.0 })
        .collect();
    let time: Vec<f64> = (0..36).map(f64::from).collect();
    let treated: Vec<Option<f64>> =
        time.iter().map(|t| Some(if *t >= 24.0 { 1.0 } else { 0.0 })).collect();
    let options = CausalImpactOptions { seasonal_period: Some(4), ..Default::default() };
    let found = causal_impact(&y, &time, &treated, &options);
    assert!((found.average.estimate.unwrap() - 2.0).abs() < 0.5);
    assert!(found.average.std_error.unwrap() < 0.5);
    assert!(found.seasonal_variance.is_some() && found.slope_variance.is_none());
    let without = causal_impact(&y, &time, &treated, &CausalImpactOptions::default());
    assert!(without.points[30].effect_high.unwrap() > found.points[30].effect_high.unwrap() + 2.0);
}

#[test]
fn faults_are_named() {
    let whole = data(30, 6);
    let why = |data: &Data, options: &CausalImpactOptions<'_>| {
        let found = run(data, options);
        assert!(found.points.is_empty() && found.average.estimate.is_none());
        reason(found.reason)
    };
    let plain = CausalImpactOptions::default();
    let with = |change: &dyn Fn(&mut Data)| {
        let mut other = data(30, 6);
        change(&mut other);
        other
    };
    assert!(why(&with(&|d| d.treated.fill(Some(0.0))), &plain).contains("no time is treated"));
    assert!(why(&with(&|d| d.treated[1..].fill(Some(1.0))), &plain).contains("1 point before"));
    assert!(why(&with(&|d| d.y[..20].fill(4.0)), &plain).contains("is 4 throughout"));
    assert!(why(&with(&|d| d.y[4] = f64::NEG_INFINITY), &plain).contains("finite"));
    assert!(why(&with(&|d| d.time[9] = 2008.7), &plain).contains("multiple"));
    assert!(why(&with(&|d| d.time[9] = 2008.0), &plain).contains("more than one value for 2008"));
    let line = with(&|d| (0..20).for_each(|t| d.y[t] = 3.0 + 2.0 * t as f64));
    let trend = CausalImpactOptions { level: ImpactLevel::LocalLinearTrend, ..plain.clone() };
    assert!(why(&line, &trend).contains("follows its model exactly"));
    let season = CausalImpactOptions { seasonal_period: Some(52), ..plain.clone() };
    assert!(why(&whole, &season).contains("seasonal_period is 52"));
    let twice = [&whole.control[..], &whole.control];
    let same = CausalImpactOptions { covariates: &twice, ..plain.clone() };
    assert!(why(&whole, &same).contains("cannot be told apart"));
    let short = [&whole.control[..4]];
    let short = CausalImpactOptions { covariates: &short, ..plain.clone() };
    assert!(why(&whole, &short).contains("30 outcomes and 4 values of a covariate"));
    let negative = CausalImpactOptions { variances: Some([-1.0, 0.0, 0.0, 0.0]), ..plain.clone() };
    assert!(why(&whole, &negative).contains("none must be negative"));
    let below = Data { y: whole.y.iter().map(|y| y - 1000.0).collect(), ..data(30, 6) };
    let found = run(&below, &plain);
    assert!(found.average.estimate.is_some());
    assert!(reason(found.relative.reason).contains("must be above zero"));
}
