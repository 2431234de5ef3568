use super::*;
use crate::least_squares;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const RATES: [f64; 9] = [41.0, 39.5, 39.0, 38.25, 36.5, 36.75, 35.5, 34.0, 34.25];

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|t| 2010.0 + t as f64).collect()
}

fn forecast(value: &[f64], time: &[f64], horizon: usize) -> LocalLinearTrend {
    local_linear_trend(value, time, horizon, 0.95, &LocalLinearTrendOptions::default())
}

fn given(value: &[f64], time: &[f64], horizon: usize, variances: [f64; 3]) -> LocalLinearTrend {
    let options = LocalLinearTrendOptions { variances: Some(variances), lower_bound: None };
    local_linear_trend(value, time, horizon, 0.95, &options)
}

/// The definition without a filter: values at integer times are a line with unknown level and
/// slope plus normal errors of a known covariance. Generalised least squares gives log-likelihood
/// (−½ [n log 2π + log|V| + log|X′V⁻¹X| + e′V⁻¹e]), and the best linear predictor the forecast.
fn slow(value: &[f64], time: &[f64], ahead: f64, variances: [f64; 3]) -> (f64, f64, f64, f64) {
    let [irregular, level, slope] = variances;
    let covariance = |s: f64, t: f64| {
        let both = s.min(t) as usize;
        let slopes: f64 = (0..both).map(|j| (s - 1.0 - j as f64) * (t - 1.0 - j as f64)).sum();
        level * both as f64 + slope * slopes + if s == t { irregular } else { 0.0 }
    };
    let t: Vec<f64> = time.iter().map(|t| t - time[0]).collect();
    let n = t.len();
    let mut root = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| root[i][k] * root[j][k]).sum();
            let rest = covariance(t[i], t[j]) - sum;
            root[i][j] = if i == j { f64::sqrt(rest) } else { rest / root[j][j] };
        }
    }
    let whiten = |vector: &[f64]| {
        let mut white: Vec<f64> = Vec::new();
        for i in 0..n {
            let sum: f64 = (0..i).map(|k| root[i][k] * white[k]).sum();
            white.push((vector[i] - sum) / root[i][i]);
        }
        white
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (ones, times) = (whiten(&vec![1.0; n]), whiten(&t));
    let fit = least_squares::fit(&[&ones, &times], &whiten(value), None).unwrap();
    let u = &fit.unscaled;
    let log_v: f64 = (0..n).map(|i| 2.0 * libm::log(root[i][i])).sum();
    // The determinant of X'V⁻¹X by its orthogonal parts: that of the inverse cancels where V is near singular.
    let slant = dot(&ones, &times) / dot(&ones, &ones);
    let rest: Vec<f64> = times.iter().zip(&ones).map(|(t, one)| t - slant * one).collect();
    let log_x = libm::log(dot(&ones, &ones)) + libm::log(dot(&rest, &rest));
    let log_likelihood =
        -0.5 * (n as f64 * libm::log(2.0 * std::f64::consts::PI) + log_v + log_x + fit.rss);

    let then = t[n - 1] + ahead;
    let shared = whiten(&t.iter().map(|s| covariance(*s, then)).collect::<Vec<_>>());
    let b = &fit.coefficients;
    let mean = b[0] + b[1] * then + dot(&shared, &fit.residuals);
    let open = [1.0 - dot(&shared, &ones), then - dot(&shared, &times)];
    let line: f64 = (0..2).map(|i| (0..2).map(|j| open[i] * u[i][j] * open[j]).sum::<f64>()).sum();
    // What the sum of squares loses to rounding: that of a Cholesky factor, by the condition of V.
    let condition = covariance(t[n - 1], t[n - 1]) / irregular;
    let lost = f64::EPSILON * n as f64 * condition * (1.0 + fit.rss);
    (log_likelihood, mean, covariance(then, then) - dot(&shared, &shared) + line, lost)
}

#[test]
fn without_drift_it_is_the_line_of_least_squares() {
    let n = RATES.len();
    let ones = vec![1.0; n];
    let t: Vec<f64> = (0..n).map(|t| t as f64).collect();
    let line = least_squares::fit(&[&ones, &t], &RATES, None).unwrap();
    let trend = given(&RATES, &years(n), 2, [line.variance(), 0.0, 0.0]);
    let b = &line.coefficients;
    assert_close(trend.points[0].estimate, b[0] + b[1] * 9.0, 1e-13);
    // The variance of a new value: s² (1 + x′(X′X)⁻¹x).
    let u = &line.unscaled;
    let leverage = u[0][0] + 2.0 * 10.0 * u[0][1] + 100.0 * u[1][1];
    let expected = (line.variance() * (1.0 + leverage)).sqrt();
    assert_close(trend.points[1].std_error.unwrap(), expected, 1e-12);
    assert_eq!((trend.points[1].time, trend.points[1].obs_status), (2020.0, "F"));

    // Noise about a line: so it is estimated, and the variance is that of least squares.
    let noise = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 0.0];
    let value: Vec<f64> = t.iter().zip(noise).map(|(t, e)| 5.0 - 0.5 * t + e).collect();
    let free = forecast(&value, &years(n), 1);
    assert_eq!((free.level_variance, free.slope_variance), (Some(0.0), Some(0.0)));
    let line = least_squares::fit(&[&ones, &t], &value, None).unwrap();
    assert_close(free.irregular_variance.unwrap(), line.variance(), 1e-12);
}

#[test]
fn edges() {
    let with = |value: &[f64], time: &[f64], horizon, conf_level, options| {
        reason(local_linear_trend(value, time, horizon, conf_level, &options).reason)
    };
    let none = LocalLinearTrendOptions::default();
    let t = years(9);
    let why = |value: &[f64], time: &[f64], horizon| with(value, time, horizon, 0.95, none);
    assert!(why(&[], &[], 1).contains("there are 0 points (it takes 5 or more)"));
    assert!(why(&RATES[..4], &t[..4], 1).contains("there are 4 points"));
    assert!(why(&RATES, &t, 0).contains("horizon is 0"));
    assert!(why(&RATES, &t, 5).contains("for 9 points it must be 4 or less"));
    assert!(why(&RATES, &t[..8], 1).contains("9 values and 8 times"));
    let mut wild = RATES;
    wild[3] = f64::INFINITY;
    assert!(why(&wild, &t, 1).contains("not a finite number"));
    let mut uneven = t.clone();
    uneven[8] += 0.25;
    assert!(why(&RATES, &uneven, 1).contains("not evenly spaced"));
    let mut twice = t.clone();
    twice[0] = twice[1];
    assert!(why(&RATES, &twice, 1).contains("two values for one time"));
    assert!(with(&RATES, &t, 1, 0.0, none).contains("conf_level is 0"));
    let variances = |variances| LocalLinearTrendOptions { variances: Some(variances), ..none };
    for wrong in [[0.0; 3], [-1.0, 1.0, 1.0], [f64::NAN, 1.0, 1.0]] {
        assert!(with(&RATES, &t, 1, 0.95, variances(wrong)).contains("none must be negative"));
    }
}

#[test]
fn on_a_line_there_are_no_limits() {
    // 2014 and 2015 are missing.
    let time = [2010.0, 2011.0, 2012.0, 2013.0, 2016.0, 2017.0];
    let value = time.map(|t| 0.3 * (t - 2000.0));
    let line = forecast(&value, &time, 3);
    assert_close(line.points[2].estimate, 6.0, 1e-12);
    assert_eq!((line.points[2].time, line.points[2].conf_low), (2020.0, None));
    assert_eq!((line.irregular_variance, line.log_likelihood), (None, None));
    assert_eq!(
        reason(line.reason),
        "the limits cannot be calculated because the values lie on a straight line"
    );
    let flat = forecast(&[7.5; 6], &time, 3);
    assert_eq!(flat.points[2].estimate, 7.5);
    assert!(reason(flat.reason).contains("all values are equal"));
}

#[test]
fn a_bound_raises_forecasts_and_limits() {
    let falling = [9.0, 8.5, 6.0, 5.5, 4.0, 2.5, 1.0, 0.25];
    let free = forecast(&falling, &years(8), 4);
    assert!(free.points[3].estimate < 0.0, "{free:?}");
    let options = LocalLinearTrendOptions { variances: None, lower_bound: Some(0.0) };
    let cut = local_linear_trend(&falling, &years(8), 4, 0.95, &options);
    for (cut, free) in cut.points.iter().zip(&free.points) {
        assert_eq!(cut.estimate, free.estimate.max(0.0));
        assert_eq!(cut.conf_low, free.conf_low.map(|low| low.max(0.0)));
        assert_eq!(cut.std_error, free.std_error);
    }
}

/// Values in quarters, at times of which some are missing; two neighbours give the period.
fn series() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((-80i32..80, 1i32..6), 5..25).prop_map(|points| {
        let mut clock = 2000;
        let mut second = true;
        points
            .into_iter()
            .map(|(value, gap)| {
                let point = (f64::from(value) / 4.0, f64::from(clock));
                clock += if second { 1 } else { (gap - 2).max(1) };
                second = false;
                point
            })
            .unzip()
    })
}

proptest! {
    #[test]
    fn agrees_with_generalised_least_squares(
        (value, time) in series(),
        variances in [0.1..4.0f64, 0.01..4.0f64, 0.01..1.0f64],
        drifts in 0usize..4,
    ) {
        let variances = match drifts {
            0 => [variances[0], 0.0, variances[2]],
            1 => [variances[0], variances[1], 0.0],
            _ => variances,
        };
        let trend = given(&value, &time, 2, variances);
        for (h, point) in trend.points.iter().enumerate() {
            let (log_likelihood, mean, variance, lost) =
                slow(&value, &time, h as f64 + 1.0, variances);
            prop_assert!((trend.log_likelihood.unwrap() - log_likelihood).abs() < 1e-8 + lost);
            prop_assert!((point.estimate - mean).abs() < 1e-8);
            assert_close(point.std_error.unwrap(), variance.sqrt(), 1e-9);
        }
    }

    #[test]
    fn nothing_is_likelier(
        (value, time) in series(), logarithms in [-8.0..8.0f64, -8.0..8.0f64, -8.0..8.0f64]
    ) {
        let best = forecast(&value, &time, 1);
        prop_assume!(best.irregular_variance.is_some());
        let other = given(&value, &time, 1, logarithms.map(libm::exp));
        prop_assert!(
            other.log_likelihood.unwrap() <= best.log_likelihood.unwrap() + 1e-6,
            "{:?} {:?}", best, other
        );
        let estimated = [best.irregular_variance, best.level_variance, best.slope_variance];
        let again = given(&value, &time, 1, estimated.map(Option::unwrap));
        assert_close(again.log_likelihood.unwrap(), best.log_likelihood.unwrap(), 1e-12);
    }

    #[test]
    fn limits_enclose_the_forecast_and_widen((value, time) in series(), conf in 0.5..0.99f64) {
        let horizon = (value.len() / 2).min(10);
        let options = LocalLinearTrendOptions::default();
        let trend = local_linear_trend(&value, &time, horizon, conf, &options);
        prop_assume!(trend.irregular_variance.is_some());
        let width = |point: &ForecastPoint| point.conf_high.unwrap() - point.conf_low.unwrap();
        for pair in trend.points.windows(2) {
            prop_assert!(width(&pair[1]) > width(&pair[0]));
        }
        for point in &trend.points {
            prop_assert!(point.conf_low.unwrap() < point.estimate);
            prop_assert!(point.conf_high.unwrap() > point.estimate);
        }
    }

    #[test]
    fn order_does_not_matter((value, time) in series(), seed in 1usize..1000) {
        let mut order: Vec<usize> = (0..value.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        prop_assert_eq!(forecast(&mixed.0, &mixed.1, 2), forecast(&value, &time, 2));
    }

    #[test]
    fn follows_shift_scale_and_sign((value, time) in series()) {
        let trend = forecast(&value, &time, 2);
        prop_assume!(trend.irregular_variance.is_some());
        let with = |change: &dyn Fn(f64) -> f64, clock: &dyn Fn(f64) -> f64| {
            let value: Vec<f64> = value.iter().copied().map(change).collect();
            let time: Vec<f64> = time.iter().copied().map(clock).collect();
            forecast(&value, &time, 2)
        };
        let variances =
            |t: &LocalLinearTrend| [t.irregular_variance, t.level_variance, t.slope_variance];
        let shifted = with(&|y| y + 1024.0, &|t| t - 2000.0);
        prop_assert_eq!(variances(&shifted), variances(&trend));
        prop_assert_eq!(shifted.log_likelihood, trend.log_likelihood);
        let scaled = with(&|y| 8.0 * y, &|t| 4.0 * t);
        prop_assert_eq!(
            variances(&scaled),
            variances(&trend).map(|variance| variance.map(|x| 64.0 * x))
        );
        let turned = with(&|y| -y, &|t| t);
        prop_assert_eq!(variances(&turned), variances(&trend));
        for k in 0..2 {
            let point = &trend.points[k];
            assert_close(shifted.points[k].estimate, point.estimate + 1024.0, 1e-12);
            prop_assert_eq!(shifted.points[k].time, point.time - 2000.0);
            prop_assert_eq!(scaled.points[k].estimate, 8.0 * point.estimate);
            prop_assert_eq!(scaled.points[k].time, 4.0 * point.time);
            prop_assert_eq!(scaled.points[k].conf_high, point.conf_high.map(|x| 8.0 * x));
            prop_assert_eq!(turned.points[k].conf_low, point.conf_high.map(|x| -x));
        }
    }
}
