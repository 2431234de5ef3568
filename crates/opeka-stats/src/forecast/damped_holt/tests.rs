use super::*;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const RATES: [f64; 9] = [41.0, 39.5, 39.0, 38.25, 36.5, 36.75, 35.5, 34.0, 34.25];

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|t| 2010.0 + t as f64).collect()
}

fn forecast(value: &[f64], horizon: usize) -> DampedHolt {
    damped_holt(value, &years(value.len()), horizon, 0.95, &DampedHoltOptions::default())
}

#[test]
fn recursion_by_hand() {
    let options = DampedHoltOptions {
        smoothing: Some([0.5, 0.25, 0.8]),
        initial: Some([10.0, 5.0]),
        lower_bound: None,
    };
    // Forecast 10 + 0.8 · 5 = 14, error 2, level 15, slope 4.5; then 18.6 is met exactly six times
    // over, so that the level moves by the slope, which fades.
    let mut value = vec![16.0];
    let (mut level, mut slope) = (15.0, 4.5);
    for _ in 0..5 {
        slope *= 0.8;
        level += slope;
        value.push(level);
    }
    let fit = damped_holt(&value, &years(6), 2, 0.95, &options);
    // One error of 2 in six points, nothing estimated.
    assert_close(fit.sigma2.unwrap(), 4.0 / 6.0, 1e-12);
    assert_close(fit.points[0].estimate, level + 0.8 * slope, 1e-14);
    assert_close(fit.points[1].estimate, level + (0.8 + 0.64) * slope, 1e-14);
    assert_close(fit.points[0].std_error.unwrap(), f64::sqrt(4.0 / 6.0), 1e-12);
    // v₂ = 1 + (0.5 + 0.25 · 0.8)².
    let expected = f64::sqrt(4.0 / 6.0 * 1.49);
    assert_close(fit.points[1].std_error.unwrap(), expected, 1e-12);
    let log_likelihood = -3.0 * (libm::log(2.0 * std::f64::consts::PI * 4.0 / 6.0) + 1.0);
    assert_close(fit.log_likelihood.unwrap(), log_likelihood, 1e-12);
    assert_eq!((fit.points[1].time, fit.points[1].obs_status), (2017.0, "F"));
}

/// The formula of table 6.1 of Hyndman and others (2008), which the sum abbreviates.
fn table_6_1(Smoothing { alpha, beta, phi }: Smoothing, h: usize) -> f64 {
    let (h, left) = (h as f64, 1.0 - phi);
    let power = libm::pow(phi, h);
    1.0 + alpha * alpha * (h - 1.0)
        + beta * phi * h / (left * left) * (2.0 * alpha * left + beta * phi)
        - beta * phi * (1.0 - power) / (left * left * (1.0 - phi * phi))
            * (2.0 * alpha * (1.0 - phi * phi) + beta * phi * (1.0 + 2.0 * phi - power))
}

#[test]
fn divisor_counts_what_was_estimated() {
    let free = forecast(&RATES, 1);
    let smoothing = free.alpha.zip(free.beta).zip(free.phi).map(|((a, b), p)| [a, b, p]);
    let initial = free.initial_level.zip(free.initial_slope).map(|(level, slope)| [level, slope]);
    let again = |smoothing, initial| {
        let options = DampedHoltOptions { smoothing, initial, lower_bound: None };
        damped_holt(&RATES, &years(9), 1, 0.95, &options)
    };
    // The same fit with 5, 2 and 0 of the parameters estimated, from 9 points.
    let squares = 4.0 * free.sigma2.unwrap();
    assert_close(again(smoothing, None).sigma2.unwrap(), squares / 7.0, 1e-9);
    assert_close(again(smoothing, initial).sigma2.unwrap(), squares / 9.0, 1e-9);
    for fit in [again(smoothing, None), again(smoothing, initial)] {
        assert_close(fit.log_likelihood.unwrap(), free.log_likelihood.unwrap(), 1e-9);
        assert_close(fit.points[0].estimate, free.points[0].estimate, 1e-9);
    }
}

#[test]
fn edges() {
    let with = |value: &[f64], time: &[f64], horizon, conf_level, options| {
        reason(damped_holt(value, time, horizon, conf_level, &options).reason)
    };
    let why = |value: &[f64], time: &[f64], horizon| {
        with(value, time, horizon, 0.95, DampedHoltOptions::default())
    };
    let t = years(9);
    assert!(why(&[], &[], 1).contains("there are 0 points (it takes 6 or more)"));
    assert!(why(&RATES[..5], &t[..5], 1).contains("there are 5 points"));
    assert!(why(&RATES, &t[..8], 1).contains("9 values and 8 times"));
    assert!(why(&RATES, &t, 0).contains("horizon is 0 (it must lie between 1 and 10)"));
    assert!(why(&RATES, &t, 11).contains("horizon is 11 (it must lie between 1 and 10)"));
    assert_eq!(
        why(&RATES, &t, 5),
        "cannot be calculated because horizon is 5 (for 9 points it must be 4 or less)"
    );
    let mut wild = RATES;
    wild[3] = f64::NAN;
    assert!(why(&wild, &t, 1).contains("a value or a time is not a finite number"));
    let extreme = [1e308, -1e308, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert!(why(&extreme, &t, 1).contains("too large"));
    let mut twice = t.clone();
    twice[4] = twice[3];
    assert!(why(&RATES, &twice, 1).contains("there are two values for one time"));
    let mut uneven = t.clone();
    uneven[8] += 0.5;
    assert!(why(&RATES, &uneven, 1).contains("an interval of 1.5 is no multiple of 1"));
    let mut gap = t.clone();
    gap[8] += 2.0;
    assert_eq!(
        why(&RATES, &gap, 1),
        "cannot be calculated because 2 of 11 periods have no value (local_linear_trend allows \
         for gaps)"
    );
    gap[8] = 1e9;
    assert!(why(&RATES, &gap, 1).contains("span more than 5000 periods"));

    let none = DampedHoltOptions::default();
    assert!(with(&RATES, &t, 1, 95.0, none).contains("conf_level is 95"));
    let smoothing = |smoothing| DampedHoltOptions { smoothing: Some(smoothing), ..none };
    for wrong in [[0.5, 0.6, 0.9], [1.1, 0.1, 0.9], [0.5, -0.1, 0.9], [0.5, 0.1, 0.0]] {
        let text = with(&RATES, &t, 1, 0.95, smoothing(wrong));
        assert!(text.contains("beta at most alpha"), "{text}");
    }
    let initial = DampedHoltOptions { initial: Some([f64::INFINITY, 0.0]), ..none };
    assert!(with(&RATES, &t, 1, 0.95, initial).contains("initial level or slope"));
    let bound = DampedHoltOptions { lower_bound: Some(f64::NAN), ..none };
    assert!(with(&RATES, &t, 1, 0.95, bound).contains("lower_bound is NaN"));
}

#[test]
fn without_errors_there_are_no_limits() {
    let flat = forecast(&[7.5; 8], 4);
    assert_eq!(
        reason(flat.reason.clone()),
        "the limits cannot be calculated because all values are equal"
    );
    assert_eq!(flat.points.len(), 4);
    for (h, point) in flat.points.iter().enumerate() {
        assert_eq!((point.estimate, point.time), (7.5, 2018.0 + h as f64));
        assert_eq!((point.std_error, point.conf_low, point.conf_high), (None, None, None));
    }
    assert_eq!((flat.alpha, flat.sigma2, flat.log_likelihood), (None, None, None));

    // 100 + 10 (0.9 + … + 0.9ᵗ).
    let mut value = vec![];
    let (mut level, mut slope) = (100.0, 10.0);
    for _ in 0..10 {
        slope *= 0.9;
        level += slope;
        value.push(level);
    }
    let exact = DampedHoltOptions { smoothing: Some([0.3, 0.1, 0.9]), ..Default::default() };
    let curve = damped_holt(&value, &years(10), 3, 0.95, &exact);
    assert!(reason(curve.reason).contains("follow a damped trend without error"));
    assert_close(curve.points[0].estimate, level + 0.9 * slope, 1e-12);
    assert_eq!(curve.sigma2, None);
}

#[test]
fn a_bound_raises_forecasts_and_limits_and_nothing_else() {
    let falling = [9.0, 8.5, 6.0, 5.5, 4.0, 2.5, 1.0, 0.25];
    let free = forecast(&falling, 4);
    assert!(free.points[3].conf_low.unwrap() < 0.0, "{free:?}");
    let options = DampedHoltOptions { lower_bound: Some(0.0), ..Default::default() };
    let cut = damped_holt(&falling, &years(8), 4, 0.95, &options);
    for (cut, free) in cut.points.iter().zip(&free.points) {
        assert_eq!(cut.estimate, free.estimate.max(0.0));
        assert_eq!(cut.conf_low, free.conf_low.map(|low| low.max(0.0)));
        assert_eq!(cut.conf_high, free.conf_high.map(|high| high.max(0.0)));
        assert_eq!(cut.std_error, free.std_error);
    }
}

#[test]
fn time_is_counted_in_its_own_steps() {
    let quarters: Vec<f64> = (0..9).map(|t| 2010.0 + f64::from(t) / 4.0).collect();
    let by_quarter = damped_holt(&RATES, &quarters, 2, 0.95, &DampedHoltOptions::default());
    let by_year = forecast(&RATES, 2);
    assert_eq!(by_quarter.points[1].time, 2012.5);
    assert_eq!(by_quarter.points[1].estimate, by_year.points[1].estimate);
    assert_eq!(by_quarter.sigma2, by_year.sigma2);
    // Twelfths are not exact, and still even.
    let months: Vec<f64> = (0..9).map(|t| 2010.0 + f64::from(t) / 12.0).collect();
    let by_month = damped_holt(&RATES, &months, 1, 0.95, &DampedHoltOptions::default());
    assert_close(by_month.points[0].time, 2010.75, 1e-14);
}

/// Quarters: exact in sums, differences and products with powers of two.
fn series() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-80i32..80).prop_map(|y| f64::from(y) / 4.0), 6..30)
}

proptest! {
    #[test]
    fn variance_is_that_of_the_table(
        alpha in 0.01..1.0f64, share in 0.0..1.0f64, phi in 0.7..0.98f64, h in 1usize..11
    ) {
        let smoothing = Smoothing { alpha, beta: share * alpha, phi };
        assert_close(smoothing.relative_variance(h), table_6_1(smoothing, h), 1e-10);
    }

    #[test]
    fn nothing_fits_better(
        value in series(), alpha in 0.001..0.999f64, share in 0.001..0.999f64, phi in 0.8..0.98f64
    ) {
        let fit = forecast(&value, 1);
        let Some(best) = fit.log_likelihood else { return Ok(()) };
        let smoothing = Some([alpha, alpha * share, phi]);
        let options = DampedHoltOptions { smoothing, ..Default::default() };
        let other = damped_holt(&value, &years(value.len()), 1, 0.95, &options);
        prop_assert!(other.log_likelihood.unwrap() <= best + 1e-6, "{:?} {:?}", fit, other);
        // The initial states are the best for these parameters.
        let nudged = DampedHoltOptions {
            initial: other.initial_level.zip(other.initial_slope).map(|(l, b)| [l + 0.1, b - 0.05]),
            ..options
        };
        let nudged = damped_holt(&value, &years(value.len()), 1, 0.95, &nudged);
        prop_assert!(nudged.log_likelihood < other.log_likelihood);
    }

    #[test]
    fn limits_enclose_the_forecast_and_widen(value in series(), conf_level in 0.5..0.99f64) {
        let n = value.len();
        let time = years(n);
        let fit =
            damped_holt(&value, &time, (n / 2).min(10), conf_level, &DampedHoltOptions::default());
        prop_assume!(fit.sigma2.is_some());
        let width = |point: &ForecastPoint| point.conf_high.unwrap() - point.conf_low.unwrap();
        for pair in fit.points.windows(2) {
            prop_assert!(width(&pair[1]) > width(&pair[0]));
        }
        for point in &fit.points {
            prop_assert!(point.conf_low.unwrap() < point.estimate);
            prop_assert!(point.conf_high.unwrap() > point.estimate);
        }
    }

    #[test]
    fn order_does_not_matter(value in series(), seed in 1usize..1000) {
        let n = value.len();
        let time = years(n);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mixed: (Vec<f64>, Vec<f64>) = order.iter().map(|&k| (value[k], time[k])).unzip();
        let options = DampedHoltOptions::default();
        prop_assert_eq!(
            damped_holt(&mixed.0, &mixed.1, 3, 0.9, &options),
            damped_holt(&value, &time, 3, 0.9, &options)
        );
    }

    #[test]
    fn follows_shift_scale_and_sign(value in series()) {
        let fit = forecast(&value, 3);
        prop_assume!(fit.sigma2.is_some());
        let with = |change: &dyn Fn(f64) -> f64| {
            forecast(&value.iter().copied().map(change).collect::<Vec<_>>(), 3)
        };
        let parameters = |fit: &DampedHolt| (fit.alpha, fit.beta, fit.phi);

        let shifted = with(&|y| y + 1024.0);
        prop_assert_eq!(parameters(&shifted), parameters(&fit));
        prop_assert_eq!((shifted.sigma2, shifted.log_likelihood), (fit.sigma2, fit.log_likelihood));
        let scaled = with(&|y| 8.0 * y);
        prop_assert_eq!(parameters(&scaled), parameters(&fit));
        prop_assert_eq!(scaled.sigma2, fit.sigma2.map(|variance| 64.0 * variance));
        let turned = with(&|y| -y);
        prop_assert_eq!(parameters(&turned), parameters(&fit));
        for k in 0..3 {
            assert_close(shifted.points[k].estimate, fit.points[k].estimate + 1024.0, 1e-12);
            prop_assert_eq!(scaled.points[k].estimate, 8.0 * fit.points[k].estimate);
            prop_assert_eq!(scaled.points[k].std_error, fit.points[k].std_error.map(|x| 8.0 * x));
            prop_assert_eq!(turned.points[k].estimate, -fit.points[k].estimate);
            prop_assert_eq!(turned.points[k].conf_low, fit.points[k].conf_high.map(|x| -x));
        }
    }
}
