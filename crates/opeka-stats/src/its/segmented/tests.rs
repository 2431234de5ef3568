use super::super::options::LevelAt;
use super::*;
use crate::random::Random;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

fn after(n: usize, first: usize) -> Vec<Option<f64>> {
    (0..n).map(|t| Some(if t < first { 0.0 } else { 1.0 })).collect()
}

fn years(n: usize) -> Vec<f64> {
    (0..n).map(|t| 2000.0 + t as f64).collect()
}

fn noisy(n: usize, first: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed, 0);
    let line = |t: usize| if t < first { 50.0 - t as f64 } else { 40.0 - 2.0 * t as f64 };
    (0..n).map(|t| line(t) + random.normal()).collect()
}

#[test]
fn two_lines_by_hand() {
    // 1, 2, 4 | 3, 5, 4: the line before has slope 1.5 and mid-point 7/3, that after 0.5 and 4.
    let y = [1.0, 2.0, 4.0, 3.0, 5.0, 4.0];
    let options =
        ItsOptions { errors: ItsErrors::Model, horizons: &[0.0, 2.0, 3.0], ..Default::default() };
    let found = its(&y, &years(6), &after(6, 3), &options);
    let value = |place: usize| found.terms[place].estimate.unwrap();
    let names: Vec<&str> = found.terms.iter().map(|effect| effect.term.as_str()).collect();
    assert_eq!(names, ["intercept", "trend", "level change", "slope change"]);
    // One step before the first time, 1999: 7/3 − 2 × 1.5.
    assert_close(value(0), 7.0 / 3.0 - 3.0, 1e-12);
    assert_close(value(1), 1.5, 1e-12);
    // At 2002, the last time before: 4 − 2 × 0.5 = 3 against 7/3 + 1.5 = 23/6.
    assert_close(value(2), 3.0 - 23.0 / 6.0, 1e-12);
    assert_close(value(3), -1.0, 1e-12);
    // Residuals 1/6, −1/3, 1/6 and −1/2, 1, −1/2; six points less four terms.
    let rss: f64 = (1.0 + 4.0 + 1.0) / 36.0 + 1.5;
    assert_close(found.sigma.unwrap(), (rss / 2.0).sqrt(), 1e-12);
    // Slopes have Σ(t − t̄)² = 2 on either side, so that their difference has variance s².
    assert_close(found.terms[3].std_error.unwrap(), (rss / 2.0).sqrt(), 1e-12);

    // The line before goes on to 16/3, 41/6, 25/3; ours is 3.5, 4, 4.5.
    let counterfactual: Vec<f64> =
        found.points.iter().map(|point| point.counterfactual.unwrap()).collect();
    for (ours, hand) in counterfactual[3..].iter().zip([16.0 / 3.0, 41.0 / 6.0, 25.0 / 3.0]) {
        assert_close(*ours, hand, 1e-12);
    }
    let sum = 12.0 - 20.5;
    assert_close(found.cumulative.estimate.unwrap(), sum, 1e-12);
    assert_close(found.average.estimate.unwrap(), sum / 3.0, 1e-12);
    assert_close(found.relative.estimate.unwrap(), sum / 20.5, 1e-12);
    assert_close(found.points[5].cumulative.unwrap(), sum, 1e-12);
    assert_eq!(found.points[2].effect, None);
    // The average effect is the difference at the middle time: variances 1/3 of the mean after, and
    // 1/3 + 3²/2 of the line before, three steps off its middle.
    let error = (rss / 2.0 * (1.0 / 3.0 + 1.0 / 3.0 + 9.0 / 2.0)).sqrt();
    assert_close(found.average.std_error.unwrap(), error, 1e-12);
    assert_close(found.cumulative.std_error.unwrap(), 3.0 * error, 1e-12);

    assert_close(found.horizons[0].effect.estimate.unwrap(), 3.5 - 16.0 / 3.0, 1e-12);
    assert_close(found.horizons[1].effect.estimate.unwrap(), 4.5 - 25.0 / 3.0, 1e-12);
    assert_eq!((found.horizons[1].time, found.horizons[1].event_time), (Some(2005.0), Some(2.0)));
    assert!(reason(found.horizons[2].effect.reason.clone()).contains("outside the time"));

    let options = ItsOptions { level_at: LevelAt::FirstAfter, ..options };
    let linden = its(&y, &years(6), &after(6, 3), &options);
    assert_close(linden.terms[2].estimate.unwrap(), 3.5 - 16.0 / 3.0, 1e-12);
    assert_close(linden.average.std_error.unwrap(), error, 1e-12);
}

#[test]
fn methods_are_named_and_cautions_told() {
    let y = noisy(10, 5, 1);
    let found = its(&y, &years(10), &after(10, 5), &ItsOptions::default());
    assert_eq!(
        found.method.as_deref(),
        Some(
            "segmented regression, least squares, Newey-West errors, lag 2 by 4(n/100)^(2/9), times \
             n/(n-k)"
        )
    );
    let note = found.note.unwrap();
    assert!(note.starts_with("5 points before and 5 after are few"), "{note}");
    assert!(note.contains("one series alone"), "{note}");
    assert_eq!((found.n_obs, found.n_before, found.terms[0].n_units), (10, 5, 1));

    let long = its(&noisy(16, 8, 1), &years(16), &after(16, 8), &ItsOptions::default());
    assert!(!long.note.unwrap().contains("few"));
}

#[test]
fn degenerate_series_have_reasons() {
    let t = years(8);
    let why = |y: &[f64], time: &[f64], treated: &[Option<f64>], options: &ItsOptions<'_>| {
        let found = its(y, time, treated, options);
        assert!(found.terms.is_empty() && found.average.estimate.is_none());
        reason(found.reason)
    };
    let plain = ItsOptions::default();
    let y = noisy(8, 4, 3);
    assert!(why(&y, &t, &after(8, 1), &plain).contains("1 point before the intervention"));
    assert!(why(&y, &t, &after(8, 7), &plain).contains("1 point from the intervention on"));
    assert!(why(&y, &t, &after(8, 8), &plain).contains("no time is treated"));
    assert!(why(&y, &t, &after(8, 0), &plain).contains("all times are treated"));
    assert!(why(&[7.0; 8], &t, &after(8, 4), &plain).contains("the outcome is 7 throughout"));
    assert!(why(&y[..4], &t[..4], &after(4, 2), &plain).contains("4 points and 4 terms"));
    assert!(why(&[1e308; 8], &t, &after(8, 4), &plain).contains("throughout"));
    let huge: Vec<f64> = (0..8).map(|t| if t % 2 == 0 { 1e308 } else { -1e308 }).collect();
    assert!(why(&huge, &t, &after(8, 4), &plain).contains("too large"));
    let mut odd = y.clone();
    odd[2] = f64::INFINITY;
    assert!(why(&odd, &t, &after(8, 4), &plain).contains("finite"));
    assert!(
        why(&y, &t, &after(8, 4), &ItsOptions { conf_level: 95.0, ..plain.clone() })
            .contains("conf_level is 95")
    );
    let lag = ItsOptions { lag: NeweyWestLag::Fixed(8), ..plain.clone() };
    assert!(why(&y, &t, &after(8, 4), &lag).contains("lag is 8"));
    let rho = ItsOptions { errors: ItsErrors::Ar1, rho: Some(1.0), ..plain.clone() };
    assert!(why(&y, &t, &after(8, 4), &rho).contains("rho is 1"));
    let people = [5.0; 8];
    let rates = ItsOptions { population: Some(&people), ..plain.clone() };
    assert!(why(&y, &t, &after(8, 4), &rates).contains("population is for counts"));
    let season = ItsOptions { harmonics: 1, period: 2.0, ..plain.clone() };
    // A season of two steps has a sine that is zero throughout.
    assert!(why(&y, &t, &after(8, 4), &season).contains("cannot be told apart"));

    let counts = ItsOptions { family: ItsFamily::Poisson, ..plain.clone() };
    assert!(why(&[-1.0; 8], &t, &after(8, 4), &counts).contains("must not be negative"));
    let none: Vec<f64> = (0..8).map(|t| if t < 4 { 0.0 } else { 3.0 }).collect();
    assert!(why(&none, &t, &after(8, 4), &counts).contains("no events before"));
    let leaning = ItsOptions { errors: ItsErrors::PraisWinsten, ..counts };
    assert!(why(&y, &t, &after(8, 4), &leaning).contains("for measures"));
}

#[test]
fn gaps_are_told_or_refused() {
    let mut t = years(10);
    t[9] += 2.0;
    let y = noisy(10, 5, 4);
    let refused = its(&y, &t, &after(10, 5), &ItsOptions::default());
    assert!(reason(refused.reason).contains("between 2008 and 2011 there are none"));
    for errors in [ItsErrors::Model, ItsErrors::Hc1, ItsErrors::Hc3] {
        let found = its(&y, &t, &after(10, 5), &ItsOptions { errors, ..Default::default() });
        assert!(found.note.unwrap().contains("no point between 2008 and 2011"));
        assert!(found.terms[3].std_error.is_some());
    }
    // A year in which the intervention comes in is left out.
    let mut treated = after(10, 5);
    treated[5] = None;
    let options = ItsOptions { errors: ItsErrors::Model, ..Default::default() };
    let found = its(&y, &years(10), &treated, &options);
    assert!(found.note.unwrap().starts_with("2005 left out"));
    assert_eq!(found.n_obs, 9);
}

#[test]
fn exact_lines_have_no_errors() {
    let y: Vec<f64> = (0..12)
        .map(|t| if t < 6 { 10.0 + f64::from(t) } else { 3.0 - 0.5 * f64::from(t) })
        .collect();
    for errors in [ItsErrors::NeweyWest, ItsErrors::Model, ItsErrors::Ar1, ItsErrors::PraisWinsten]
    {
        let options = ItsOptions { errors, ..Default::default() };
        let found = its(&y, &years(12), &after(12, 6), &options);
        assert_close(found.terms[3].estimate.unwrap(), -1.5, 1e-10);
        assert_eq!((found.terms[3].std_error, found.terms[3].p_value), (None, None));
        assert_eq!(found.average.conf_low, None);
        assert!(found.note.unwrap().contains("exactly on the lines"));
    }
}

#[test]
fn counts_with_a_step_are_two_rates() {
    // Without trend of its own: 10 then 20 per unit, level change ln 2, exactly.
    let y: Vec<f64> = (0..12).map(|t| if t < 6 { 10.0 } else { 20.0 }).collect();
    let options = ItsOptions {
        family: ItsFamily::Poisson,
        errors: ItsErrors::Model,
        slope_change: false,
        horizons: &[0.0],
        ..Default::default()
    };
    let found = its(&y, &years(12), &after(12, 6), &options);
    assert_close(found.ratios[1].estimate.unwrap(), 2.0, 1e-10);
    assert_eq!(found.ratios[1].term, "rate ratio of level change");
    assert_close(found.horizons[0].effect.estimate.unwrap(), 2.0, 1e-10);
    assert_close(found.cumulative.estimate.unwrap(), 60.0, 1e-9);
    assert_close(found.relative.estimate.unwrap(), 1.0, 1e-9);
    let (low, high) = (found.points[11].conf_low.unwrap(), found.points[11].conf_high.unwrap());
    assert!(0.0 < low && low < 10.0 && 10.0 < high);
    // The errors of the delta method are those of a difference of the coefficients.
    let mut moved = 0.0;
    for (i, row) in found.covariance.iter().enumerate() {
        for (j, v) in row.iter().enumerate() {
            let slope = |k: usize| -> f64 {
                (6..12)
                    .map(|t| {
                        let x = [1.0, f64::from(t) + 1.0, 1.0][k];
                        20.0 * x - if k == 2 { 0.0 } else { 10.0 * x }
                    })
                    .sum()
            };
            moved += slope(i) * v * slope(j);
        }
    }
    assert_close(found.cumulative.std_error.unwrap(), moved.sqrt(), 1e-9);
}

/// The errors by the double sum over all pairs of times, with leverage and scores from the normal
/// equations.
#[test]
fn newey_west_is_the_double_sum() {
    let (n, first) = (24, 11);
    let y = noisy(n, first, 5);
    let found = its(&y, &years(n), &after(n, first), &ItsOptions::default());
    let lag = found.lag.unwrap();
    assert_eq!(lag, 2);
    let x = nalgebra::DMatrix::from_fn(n, 4, |t, j| {
        let since = if t < first { 0.0 } else { (t + 1 - first) as f64 };
        [1.0, t as f64 + 1.0, if t < first { 0.0 } else { 1.0 }, since][j]
    });
    let bread = (x.transpose() * &x).try_inverse().unwrap();
    let b = &bread * x.transpose() * nalgebra::DVector::from_column_slice(&y);
    let e = nalgebra::DVector::from_column_slice(&y) - &x * &b;
    let mut meat = nalgebra::DMatrix::<f64>::zeros(4, 4);
    for s in 0..n {
        for t in 0..n {
            let weight = 1.0 - s.abs_diff(t) as f64 / (lag as f64 + 1.0);
            if weight > 0.0 {
                meat += weight * e[s] * e[t] * x.row(s).transpose() * x.row(t);
            }
        }
    }
    let covariance = &bread * meat * &bread * (n as f64 / (n as f64 - 4.0));
    for j in 0..4 {
        assert_close(found.terms[j].estimate.unwrap(), b[j], 1e-8);
        assert_close(found.terms[j].std_error.unwrap(), covariance[(j, j)].sqrt(), 1e-8);
    }
}

proptest! {
    #[test]
    fn order_shift_and_scale(
        seed in 1u64..500,
        kind in 0usize..6,
        by in prop::sample::select(vec![-1000.0, 3.0, 1e6]),
    ) {
        let errors = [
            ItsErrors::NeweyWest,
            ItsErrors::Model,
            ItsErrors::Hc1,
            ItsErrors::Hc3,
            ItsErrors::PraisWinsten,
            ItsErrors::CochraneOrcutt,
        ][kind];
        let options = ItsOptions { errors, ..Default::default() };
        let (n, first) = (18, 9);
        let (y, time, treated) = (noisy(n, first, seed), years(n), after(n, first));
        let found = its(&y, &time, &treated, &options);
        prop_assume!(found.reason.is_none());

        let mut order: Vec<usize> = (0..n).collect();
        Random::new(seed, 1).shuffle(&mut order);
        let pick = |column: &[f64]| -> Vec<f64> { order.iter().map(|k| column[*k]).collect() };
        let mixed: Vec<Option<f64>> = order.iter().map(|k| treated[*k]).collect();
        prop_assert_eq!(&its(&pick(&y), &pick(&time), &mixed, &options), &found);

        // Another unit and another origin.
        let other: Vec<f64> = y.iter().map(|y| 1000.0 * y + by).collect();
        let moved = its(&other, &time, &treated, &options);
        for (a, b) in moved.terms.iter().zip(&found.terms).skip(1) {
            let (x, z) = (a.estimate.unwrap(), 1000.0 * b.estimate.unwrap());
            prop_assert!((x - z).abs() < 1e-6 * (1.0 + z.abs()), "{x} {z}");
            let (x, z) = (a.std_error.unwrap(), 1000.0 * b.std_error.unwrap());
            prop_assert!((x - z).abs() < 1e-6 * z, "{x} {z}");
        }
        let (x, z) = (moved.cumulative.estimate.unwrap(), found.cumulative.estimate.unwrap());
        prop_assert!((x - 1000.0 * z).abs() < 1e-6 * (1000.0 * z).abs().max(1.0));
    }
}
