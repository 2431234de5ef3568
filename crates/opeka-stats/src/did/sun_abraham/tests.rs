use super::*;
use crate::did::testing::{Made, panels, regression};
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// The regression on all dummies, its clustered covariance, and what each event is made of.
struct Slow {
    /// Event time, effect, error, n of treated units.
    events: Vec<(f64, f64, f64)>,
}

fn slow(made: &Made, sample: &[usize], weighted: bool, covariate: bool, fast: &SunAbraham) -> Slow {
    let small = made.shuffled(sample);
    let n = small.y.len();
    let mut starts: Vec<f64> = small.first.iter().flatten().copied().collect();
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    let has = |start: f64, after: bool| {
        (0..n).any(|row| small.first[row] == Some(start) && (small.time[row] >= start) == after)
    };
    starts.retain(|start| has(*start, true));
    let mut columns = small.dummies();
    let n_dummies = columns.len();
    if covariate {
        columns.push(small.x.clone());
    }
    let mut cells = Vec::new();
    for start in starts {
        let times: Vec<f64> = (0..6)
            .map(f64::from)
            .filter(|t| (0..n).any(|row| small.first[row] == Some(start) && small.time[row] == *t))
            .collect();
        let exact = times.iter().find(|t| **t == start - 1.0);
        let reference = exact.or(times.iter().rev().find(|t| **t < start)).unwrap();
        for time in times.iter().filter(|t| *t != reference) {
            let is = |row| small.first[row] == Some(start) && small.time[row] == *time;
            columns.push((0..n).map(|row| f64::from(u8::from(is(row)))).collect());
            cells.push((start, *time, columns.len() - 1));
        }
    }
    let weights = weighted.then_some(small.weights.as_slice());
    let (kept, fit) = regression(&columns, &small.y, weights);
    // Scores by unit, and the sandwich.
    let mut names = small.names.clone();
    names.dedup();
    let k = kept.len();
    let mut covariance = vec![vec![0.0; k]; k];
    for name in &names {
        let mut score = vec![0.0; k];
        for row in (0..n).filter(|row| small.names[*row] == *name) {
            let w = weights.map_or(1.0, |w| w[row]);
            for (sum, column) in score.iter_mut().zip(&kept) {
                *sum += w * columns[*column][row] * fit.residuals[row];
            }
        }
        let influence: Vec<f64> = fit
            .unscaled
            .iter()
            .map(|line| line.iter().zip(&score).map(|(a, s)| a * s).sum())
            .collect();
        for i in 0..k {
            (0..k).for_each(|j| covariance[i][j] += influence[i] * influence[j]);
        }
    }
    let two_way = kept.iter().filter(|column| **column < n_dummies).count();
    let mut times = small.time.clone();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let count = (k - two_way + times.len()) as f64;
    let g = names.len() as f64;
    let factor = g / (g - 1.0) * (n as f64 - 1.0) / (n as f64 - count);
    let mut events = Vec::new();
    for event in &fast.event_times {
        // Only cells that the fast way tells: others are no effects.
        let told = |start: f64, time: f64| {
            fast.effects.iter().any(|at| {
                at.cohort == Some(start) && at.time == Some(time) && at.effect.estimate.is_some()
            })
        };
        let mut line = vec![0.0; k];
        let mut total = 0.0;
        for (start, time, column) in &cells {
            if time - start != *event || !told(*start, *time) {
                continue;
            }
            let share: f64 = (0..n)
                .filter(|row| columns[*column][*row] == 1.0)
                .map(|row| weights.map_or(1.0, |w| w[row]))
                .sum();
            let place = kept.iter().position(|kept| kept == column);
            line[place.expect("a cell that is told is kept")] += share;
            total += share;
        }
        line.iter_mut().for_each(|share| *share /= total);
        let estimate = line.iter().zip(&fit.coefficients).map(|(s, b)| s * b).sum();
        let mut variance = 0.0;
        for i in 0..k {
            (0..k).for_each(|j| variance += line[i] * line[j] * covariance[i][j]);
        }
        events.push((*event, estimate, (factor * variance).sqrt()));
    }
    Slow { events }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Cohort by cohort it is the regression with all interactions, whatever weights, gaps and
    /// covariates.
    #[test]
    fn equals_the_regression(made in panels(), weighted in any::<bool>(), covariate in any::<bool>()) {
        let columns: [&[f64]; 1] = [&made.x];
        let rows = PanelRows {
            weights: weighted.then_some(&made.weights),
            covariates: if covariate { &columns } else { &[] },
            ..made.rows()
        };
        let cells = SunAbrahamAggregation::CohortEvent;
        let options = SunAbrahamOptions { aggregation: cells, ..SunAbrahamOptions::default() };
        let fast = sun_abraham(&rows, &made.first, &options);
        prop_assume!(!fast.event_times.is_empty() && !fast.covariance.is_empty());
        // The sample: without cohorts that are always treated; up to the last cohort's treatment
        // where nobody is never treated.
        let cohort = |row: usize| made.first[row];
        let n = made.y.len();
        let seen = |start: Option<f64>, after: bool| (0..n).any(|row| {
            cohort(row) == start && start.is_some_and(|s| (made.time[row] >= s) == after)
        });
        let always = |row: &usize| cohort(*row).is_some() && !seen(cohort(*row), false);
        let control = |row: &usize| cohort(*row).is_none() || !seen(cohort(*row), true);
        let mut sample: Vec<usize> = (0..n).filter(|row| !always(row)).collect();
        if !sample.iter().any(control) {
            let last = sample.iter().filter_map(|row| cohort(*row)).fold(0.0, f64::max);
            sample.retain(|row| made.time[*row] < last);
        }
        let slow = slow(&made, &sample, weighted, covariate, &fast);
        for (place, (_, estimate, error)) in slow.events.iter().enumerate() {
            let fast_error = fast.covariance[place][place].sqrt();
            prop_assert!((fast.coefficients[place] - estimate).abs() < 1e-7);
            prop_assert!((fast_error - error).abs() < 1e-7, "{} is not {}", fast_error, error);
        }
    }

    #[test]
    fn order_levels_and_units(
        made in panels(),
        keys in proptest::collection::vec(any::<u32>(), 54), add in -99.0..99.0f64,
    ) {
        let options = SunAbrahamOptions::default();
        let plain = sun_abraham(&made.rows(), &made.first, &options);
        let mut order: Vec<usize> = (0..made.y.len()).collect();
        order.sort_by_key(|row| keys[*row]);
        let other = made.shuffled(&order);
        prop_assert_eq!(&sun_abraham(&other.rows(), &other.first, &options), &plain);
        let mut moved = made.clone();
        for row in 0..moved.y.len() {
            let own = if made.names[row] == "u01" { add } else { 0.0 };
            moved.y[row] = 3.0 * (moved.y[row] + own + 2.0 * made.time[row]);
        }
        let moved = sun_abraham(&moved.rows(), &moved.first, &options);
        prop_assert_eq!(&moved.event_times, &plain.event_times);
        for (a, b) in plain.coefficients.iter().zip(&moved.coefficients) {
            prop_assert!((3.0 * a - b).abs() < 1e-9);
        }
        for (a, b) in plain.covariance.iter().flatten().zip(moved.covariance.iter().flatten()) {
            prop_assert!((9.0 * a - b).abs() < 1e-8);
        }
    }
}

#[test]
fn changes_of_means_by_hand() {
    // Two units from 2, two never; three times. Means: 1 2 6 and 1 1.5 2.
    let y = [0.0, 1.0, 6.0, 2.0, 3.0, 6.0, 1.0, 2.0, 1.0, 1.0, 1.0, 3.0];
    let made = Made::balanced(&[Some(2.0), Some(2.0), None, None], 3, &y);
    let found = sun_abraham(&made.rows(), &made.first, &SunAbrahamOptions::default());
    assert_eq!(found.event_times, [-2.0, 0.0]);
    assert_close(found.coefficients[0], (1.0 - 2.0) - (1.0 - 1.5), 1e-13);
    assert_close(found.coefficients[1], (6.0 - 2.0) - (2.0 - 1.5), 1e-13);
    let terms: Vec<&str> = found.effects.iter().map(|at| at.effect.term.as_str()).collect();
    assert_eq!(terms, ["ATT(-2)", "ATT(0)"]);
    // Changes from 1 to 2: 5, 3 and −1, 2; N − K = 12 − (2 + 3), 4 clusters.
    let variance = (1.0 + 1.0) / 4.0 + (2.25 + 2.25) / 4.0;
    let factor = 4.0 / 3.0 * 11.0 / 7.0;
    assert_close(found.variances[1].unwrap(), factor * variance, 1e-12);
    let effect = &found.effects[1].effect;
    assert_close(effect.std_error.unwrap(), (factor * variance).sqrt(), 1e-12);
    assert!(effect.note.as_deref().is_some_and(|note| note.contains("2 treated units")));
    assert_eq!((effect.n_obs, effect.n_units, found.df), (12, 4, 3));
    let low = effect.estimate.unwrap() - effect.conf_low.unwrap();
    // t with 3 degrees of freedom at 97.5 %.
    assert_close(low, 3.182_446_305_284_263 * effect.std_error.unwrap(), 1e-9);
}

#[test]
fn one_treated_unit_has_no_error() {
    let y: Vec<f64> = (0..20).map(|k| f64::from(k * k % 7)).collect();
    let made = Made::balanced(&[Some(2.0), None, None, None, None], 4, &y);
    let found = sun_abraham(&made.rows(), &made.first, &SunAbrahamOptions::default());
    for at in &found.effects {
        let effect = &at.effect;
        assert!(effect.estimate.is_some() && effect.p_value.is_none());
        assert_eq!((effect.std_error, effect.conf_low, effect.conf_high), (None, None, None));
        assert!(effect.note.as_deref().is_some_and(|note| note.contains("one treated unit")));
    }
    assert!(found.variances.iter().all(Option::is_some));
}

#[test]
fn without_never_treated_the_last_cohort_is_the_control() {
    let y: Vec<f64> = (0..30).map(|k| f64::from(k * k % 11)).collect();
    let starts = [Some(2.0), Some(2.0), Some(3.0), Some(4.0), Some(4.0), Some(0.0)];
    let made = Made::balanced(&starts, 5, &y);
    let options = SunAbrahamOptions::default();
    let found = sun_abraham(&made.rows(), &made.first, &options);
    let kept: Vec<usize> = (0..25).filter(|row| row % 5 < 4).collect();
    let mut small = made.shuffled(&kept);
    for first in &mut small.first {
        *first = first.filter(|first| *first < 4.0);
    }
    let other = sun_abraham(&small.rows(), &small.first, &options);
    assert_eq!((&found.coefficients, &found.covariance), (&other.coefficients, &other.covariance));
    let note = found.effects[0].effect.note.clone().unwrap();
    assert!(note.contains("1 unit left out: treated at all times"), "{note}");
    assert!(note.contains("those treated from 4 are the controls"), "{note}");
}

#[test]
fn a_cohort_without_its_reference_takes_the_one_before() {
    let y: Vec<f64> = (0..20).map(|k| f64::from(k * k % 7)).collect();
    // Times 0, 1, 3, 4 for the treated: the cohort of 3 has no row at 2.
    let mut rows = Vec::new();
    for u in 0..4 {
        for t in (0..5).filter(|t| u > 1 || *t != 2) {
            rows.push((u, t, y[u * 5 + t]));
        }
    }
    let made = Made::new(&rows, &[Some(3.0), Some(3.0), None, None]);
    let found = sun_abraham(&made.rows(), &made.first, &SunAbrahamOptions::default());
    assert_eq!(found.event_times, [-3.0, 0.0, 1.0]);
    let note = found.effects[0].effect.note.clone().unwrap();
    assert!(note.contains("no row at event time -1 and is compared with 1"), "{note}");
    let far = SunAbrahamOptions { reference: -2.0, ..SunAbrahamOptions::default() };
    let other = sun_abraham(&made.rows(), &made.first, &far);
    assert_eq!(other.coefficients, found.coefficients);
}

#[test]
fn what_cannot_be_estimated_has_a_reason() {
    let y: Vec<f64> = (0..12).map(|k| f64::from(k * k % 7)).collect();
    let options = SunAbrahamOptions::default();
    let why = |starts: &[Option<f64>], options: &SunAbrahamOptions<'_>| {
        let made = Made::balanced(starts, 3, &y[..3 * starts.len()]);
        let found = sun_abraham(&made.rows(), &made.first, options);
        assert_eq!((found.effects.len(), found.event_times.len()), (1, 0));
        reason(found.effects[0].effect.reason.clone())
    };
    assert!(why(&[None, None], &options).contains("no unit is untreated first"));
    assert!(why(&[Some(9.0), None], &options).contains("no unit is untreated first"));
    assert!(why(&[Some(0.0), Some(0.0)], &options).contains("before its treatment"));
    assert!(why(&[Some(0.0), None], &options).contains("no unit is untreated first"));
    assert!(why(&[Some(1.0), Some(1.0)], &options).contains("same time on"));
    assert!(why(&[Some(1.0)], &options).contains("same time on"));
    let odd = SunAbrahamOptions { reference: 1.0, ..options };
    assert!(why(&[Some(1.0), None], &odd).contains("reference is 1"));
    let odd = SunAbrahamOptions { conf_level: 95.0, ..options };
    assert!(why(&[Some(1.0), None], &odd).contains("conf_level is 95"));

    // A constant outcome has effects of zero, and nothing to take an error from.
    let made = Made::balanced(&[Some(1.0), Some(1.0), None, None], 3, &[4.0; 12]);
    let found = sun_abraham(&made.rows(), &made.first, &options);
    assert_eq!(
        (found.effects[0].effect.estimate, found.effects[0].effect.std_error),
        (Some(0.0), None)
    );
    assert!(found.effects[0].effect.note.as_deref().is_some_and(|n| n.contains("perfect")));
    // Two units that were never seen at the same time as anybody before treatment.
    let rows = [(0, 1, 1.0), (0, 2, 2.0), (1, 3, 1.0), (1, 4, 3.0), (2, 1, 1.0), (2, 2, 5.0)];
    let made = Made::new(&rows, &[Some(2.0), None, None]);
    let found = sun_abraham(&made.rows(), &made.first, &options);
    assert_eq!(found.coefficients.len(), 1);
    assert_close(found.coefficients[0], -3.0, 1e-12);
    let made = Made::new(&rows[..4], &[Some(2.0), None]);
    let found = sun_abraham(&made.rows(), &made.first, &options);
    assert!(reason(found.effects[0].effect.reason.clone()).contains("no effect can be told"));
}

#[test]
fn covariates_that_effects_explain_are_left_out() {
    let y: Vec<f64> = (0..30).map(|k| f64::from(k * k % 11)).collect();
    let made = Made::balanced(&[Some(2.0), Some(2.0), Some(3.0), None, None, None], 5, &y);
    let constant: Vec<f64> = (0..30).map(|k| f64::from(k / 5) * 1e3 + f64::from(k % 5)).collect();
    let columns: [&[f64]; 1] = [&constant];
    let options = SunAbrahamOptions::default();
    let rows = PanelRows { covariates: &columns, ..made.rows() };
    let found = sun_abraham(&rows, &made.first, &options);
    let plain = sun_abraham(&made.rows(), &made.first, &options);
    assert_eq!(found.coefficients, plain.coefficients);
    assert_eq!(found.covariance, plain.covariance);
    let note = found.effects[0].effect.note.clone().unwrap();
    assert!(note.contains("1 covariates left out"), "{note}");
}

#[test]
fn clusters_may_hold_several_units_or_part_them() {
    let y: Vec<f64> = (0..40).map(|k| f64::from(k * k % 23)).collect();
    let starts = [Some(2.0), Some(2.0), Some(3.0), Some(3.0), None, None, None, None];
    let made = Made::balanced(&starts, 5, &y);
    let pair: Vec<String> = (0..40).map(|k| (k / 10).to_string()).collect();
    let labels = Labels::new(&pair);
    let options = SunAbrahamOptions::default();
    let rows = PanelRows { cluster: Some(&labels), ..made.rows() };
    let found = sun_abraham(&rows, &made.first, &options);
    assert_eq!(found.df, 3);
    let plain = sun_abraham(&made.rows(), &made.first, &options);
    assert_eq!(found.coefficients, plain.coefficients);
    assert_ne!(found.covariance, plain.covariance);
    // Every row its own cluster: the sandwich of White, units counted in K.
    let own: Vec<String> = (0..40).map(|k| k.to_string()).collect();
    let labels = Labels::new(&own);
    let rows = PanelRows { cluster: Some(&labels), ..made.rows() };
    let white = sun_abraham(&rows, &made.first, &options);
    let mut columns = made.dummies();
    let mut cells = Vec::new();
    for start in [2.0, 3.0] {
        for time in [0.0, 1.0, 2.0, 3.0, 4.0].into_iter().filter(|t| *t != start - 1.0) {
            let is = |row: usize| made.first[row] == Some(start) && made.time[row] == time;
            columns.push((0..40).map(|row| f64::from(u8::from(is(row)))).collect());
            cells.push((time - start, columns.len() - 1));
        }
    }
    let (kept, fit) = regression(&columns, &made.y, None);
    let line: Vec<f64> = kept
        .iter()
        .map(|k| {
            cells
                .iter()
                .find(|cell| cell.1 == *k)
                .map_or(0.0, |c| if c.0 == 0.0 { 0.5 } else { 0.0 })
        })
        .collect();
    let bread: Vec<f64> =
        fit.unscaled.iter().map(|row| row.iter().zip(&line).map(|(a, b)| a * b).sum()).collect();
    let term = |row: usize| -> f64 {
        let x: f64 = kept.iter().zip(&bread).map(|(k, b)| columns[*k][row] * b).sum();
        (x * fit.residuals[row]).powi(2)
    };
    let variance: f64 = (0..40).map(term).sum();
    let factor = 40.0 / 39.0 * 39.0 / (40.0 - kept.len() as f64);
    let place = white.event_times.iter().position(|e| *e == 0.0).unwrap();
    assert_close(white.covariance[place][place], factor * variance, 1e-9);
}

use crate::effect::labels::Labels;
