use super::*;
use crate::did::testing::{Made, panels, regression};
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Effects of treated rows that can be imputed, by the regression on dummies; `None` for the others.
fn slow_effects(made: &Made, weighted: bool, covariate: bool, y: &[f64]) -> Vec<f64> {
    let mut columns = made.dummies();
    if covariate {
        columns.push(made.x.clone());
    }
    let untreated: Vec<usize> = (0..y.len()).filter(|row| !made.treated(*row)).collect();
    let take = |column: &[f64]| -> Vec<f64> { untreated.iter().map(|row| column[*row]).collect() };
    let small: Vec<Vec<f64>> = columns.iter().map(|column| take(column)).collect();
    let weights = weighted.then(|| take(&made.weights));
    let (kept, fit) = regression(&small, &take(y), weights.as_deref());
    (0..y.len())
        .map(|row| {
            let fitted: f64 =
                kept.iter().zip(&fit.coefficients).map(|(k, b)| columns[*k][row] * b).sum();
            y[row] - fitted
        })
        .collect()
}

/// Which treated rows are imputed whatever columns the regression drops: a row's dummies must lie
/// in the span of those of untreated rows.
fn imputable(made: &Made, covariate: bool) -> Vec<usize> {
    let n = made.y.len();
    let mut columns = made.dummies();
    if covariate {
        columns.push(made.x.clone());
    }
    let untreated: Vec<usize> = (0..n).filter(|row| !made.treated(*row)).collect();
    let k = columns.len();
    let matrix =
        |rows: &[usize]| nalgebra::DMatrix::from_fn(rows.len(), k, |i, j| columns[j][rows[i]]);
    let rank = |rows: &[usize]| matrix(rows).rank(1e-9);
    let base = rank(&untreated);
    (0..n)
        .filter(|row| made.treated(*row))
        .filter(|row| rank(&[&untreated[..], &[*row]].concat()) == base)
        .collect()
}

fn run(
    made: &Made,
    weighted: bool,
    covariate: bool,
    options: &DidImputationOptions<'_>,
) -> DidImputation {
    let columns: [&[f64]; 1] = [&made.x];
    let rows = PanelRows {
        weights: weighted.then_some(&made.weights),
        covariates: if covariate { &columns } else { &[] },
        ..made.rows()
    };
    did_imputation(&rows, &made.first, options)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Estimates are averages of slow effects; errors follow from the weights of each outcome, which
    /// are what an estimate gains when the outcome gains one.
    #[test]
    fn equals_the_definition(made in panels(), weighted in any::<bool>(), covariate in any::<bool>()) {
        prop_assume!((0..made.y.len()).any(|row| !made.treated(row)));
        let told = imputable(&made, covariate);
        prop_assume!(!told.is_empty());
        let event = |row: usize| made.time[row] - made.first[row].unwrap_or(f64::INFINITY);
        let weight = |row: usize| if weighted { made.weights[row] } else { 1.0 };
        let n = made.y.len();
        let base = slow_effects(&made, weighted, covariate, &made.y);
        for errors in [ImputationErrors::Conservative, ImputationErrors::LeaveOut, ImputationErrors::TwoStage] {
            let aggregation = ImputationAggregation::Event;
            let options = DidImputationOptions { aggregation, errors, ..DidImputationOptions::default() };
            let fast = run(&made, weighted, covariate, &options);
            prop_assume!(fast.effects[0].effect.reason.is_none());
            for (number, at) in fast.effects.iter().enumerate() {
                let rows: Vec<usize> =
                    told.iter().copied().filter(|row| Some(event(*row)) == at.event_time).collect();
                let total: f64 = rows.iter().map(|row| weight(*row)).sum();
                let mean = |effects: &[f64]| rows.iter().map(|row| weight(*row) * effects[*row]).sum::<f64>() / total;
                let estimate = mean(&base);
                prop_assert!((at.effect.estimate.unwrap() - estimate).abs() < 1e-7);
                // The weight of each outcome.
                let v: Vec<f64> = (0..n).map(|row| {
                    let mut y = vec![0.0; n];
                    y[row] = 1.0;
                    mean(&slow_effects(&made, weighted, covariate, &y))
                }).collect();
                let residual = |row: usize| -> Option<f64> {
                    if !made.treated(row) {
                        return Some(base[row]);
                    }
                    if !rows.contains(&row) {
                        return Some(0.0);
                    }
                    if errors == ImputationErrors::TwoStage {
                        return Some(base[row] - estimate);
                    }
                    let own = |other: &&usize| made.first[**other] == made.first[row]
                        && made.time[**other] == made.time[row]
                        && (errors == ImputationErrors::Conservative || **other != row);
                    let square: f64 = rows.iter().filter(own).map(|r| v[*r] * v[*r]).sum();
                    let sum: f64 = rows.iter().filter(own).map(|r| v[*r] * v[*r] * base[*r]).sum();
                    (square > 0.0).then(|| base[row] - sum / square)
                };
                let mut variance = Some(0.0);
                let mut names = made.names.clone();
                names.dedup();
                for name in &names {
                    let mut score = Some(0.0);
                    for row in (0..n).filter(|row| made.names[*row] == *name) {
                        score = score.and_then(|score| residual(row).map(|e| score + v[row] * e));
                    }
                    variance = variance.and_then(|sum| score.map(|score| sum + score * score));
                }
                if fast.covariance.is_empty() {
                    prop_assert!(errors == ImputationErrors::LeaveOut);
                    prop_assert!(at.effect.std_error.is_none() || variance.is_some());
                } else {
                    let error = variance.expect("an error").sqrt();
                    let ours = fast.covariance[number][number].sqrt();
                    prop_assert!((ours - error).abs() < 1e-7, "{} is not {}", ours, error);
                    if let Some(reported) = at.effect.std_error {
                        prop_assert!((reported - error).abs() < 1e-7);
                    }
                }
            }
        }
    }

    #[test]
    fn order_levels_and_units(
        made in panels(), keys in proptest::collection::vec(any::<u32>(), 54), add in -99.0..99.0f64,
    ) {
        let options = DidImputationOptions { pretrends: 2, ..DidImputationOptions::default() };
        let plain = run(&made, true, false, &options);
        let mut order: Vec<usize> = (0..made.y.len()).collect();
        order.sort_by_key(|row| keys[*row]);
        prop_assert_eq!(&run(&made.shuffled(&order), true, false, &options), &plain);
        let mut moved = made.clone();
        for row in 0..moved.y.len() {
            let own = if made.names[row] == "u01" { add } else { 0.0 };
            moved.y[row] = 3.0 * (moved.y[row] + own + 2.0 * made.time[row]);
        }
        let moved = run(&moved, true, false, &options);
        for (a, b) in plain.effects.iter().zip(&moved.effects) {
            if let (Some(a), Some(b)) = (a.effect.estimate, b.effect.estimate) {
                prop_assert!((3.0 * a - b).abs() < 1e-8);
            }
            if let (Some(a), Some(b)) = (a.effect.std_error, b.effect.std_error) {
                prop_assert!((3.0 * a - b).abs() < 1e-7);
            }
        }
    }

    /// Estimates before treatment are those of the regression on dummies.
    #[test]
    fn pretrends_are_a_regression(made in panels(), weighted in any::<bool>()) {
        let options = DidImputationOptions { pretrends: 2, ..DidImputationOptions::default() };
        let fast = run(&made, weighted, false, &options);
        prop_assume!(fast.effects.len() == 3);
        let untreated: Vec<usize> = (0..made.y.len()).filter(|row| !made.treated(*row)).collect();
        let small = made.shuffled(&untreated);
        let n = small.y.len();
        let mut columns = small.dummies();
        let n_dummies = columns.len();
        for lead in [2.0, 1.0] {
            let is = |row: usize| small.first[row].is_some_and(|first| small.time[row] - first == -lead);
            columns.push((0..n).map(|row| f64::from(u8::from(is(row)))).collect());
        }
        let weights = weighted.then_some(small.weights.as_slice());
        let (kept, fit) = regression(&columns, &small.y, weights);
        let mut times = small.time.clone();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut names = small.names.clone();
        names.dedup();
        let leads = kept.iter().filter(|k| **k >= n_dummies).count();
        let count = (leads + times.len()) as f64;
        let g = names.len() as f64;
        let spare = n as f64 - count;
        for (at, column) in fast.effects.iter().take(2).zip(n_dummies..) {
            let Some(estimate) = at.effect.estimate else {
                prop_assert!(at.effect.reason.is_some());
                continue;
            };
            let place = kept.iter().position(|k| *k == column).expect("a column");
            prop_assert!((estimate - fit.coefficients[place]).abs() < 1e-7);
            let mut variance = 0.0;
            for name in &names {
                let score: f64 = (0..n).filter(|row| small.names[*row] == *name).map(|row| {
                    let x: f64 = kept.iter().zip(&fit.unscaled[place]).map(|(k, a)| columns[*k][row] * a).sum();
                    weights.map_or(1.0, |w| w[row]) * x * fit.residuals[row]
                }).sum();
                variance += score * score;
            }
            let error = (g / (g - 1.0) * (n as f64 - 1.0) / spare * variance).sqrt();
            if let Some(reported) = at.effect.std_error {
                prop_assert!((reported - error).abs() < 1e-7, "{} is not {}", reported, error);
            }
        }
    }
}

#[test]
fn a_simple_panel_by_hand() {
    // One date: the effect is the difference of changes, whatever the number of times.
    let y = [0.0, 2.0, 7.0, 4.0, 2.0, 9.0, 1.0, 1.0, 3.0, 2.0, 4.0, 4.0];
    let made = Made::balanced(&[Some(2.0), Some(2.0), None, None], 3, &y);
    let found = run(&made, false, false, &DidImputationOptions::default());
    let effect = &found.effects[0].effect;
    // Treated: 7 − 1, 9 − 3; untreated: 3 − 1, 4 − 3.
    assert_close(effect.estimate.unwrap(), 6.0 - 1.5, 1e-13);
    assert_eq!(effect.term, "ATT");
    // Residuals of changes: 0, 0 within the cohort; ±0.5 of the untreated over 2.
    assert_close(found.covariance[0][0], 2.0 * 0.25 * 0.25, 1e-12);
    let note = effect.note.clone().unwrap();
    assert!(note.contains("2 treated units"), "{note}");
    assert_eq!((effect.n_obs, effect.n_units), (12, 4));
    let reach = 1.959_963_984_540_054 * effect.std_error.unwrap();
    assert_close(effect.conf_high.unwrap(), 4.5 + reach, 1e-12);
}

#[test]
fn rows_that_cannot_be_imputed_are_told() {
    let y: Vec<f64> = (0..16).map(|k| f64::from(k * k % 7)).collect();
    let made = Made::balanced(&[Some(0.0), Some(2.0), Some(2.0), Some(3.0)], 4, &y);
    let found = run(&made, false, false, &DidImputationOptions::default());
    let note = found.effects[0].effect.note.clone().unwrap();
    // All of the first unit's rows, and the others' at the last time: nobody is untreated then.
    assert!(note.contains("7 treated rows left out, of u00, u01, u02, u03"), "{note}");
    let event =
        DidImputationOptions { aggregation: ImputationAggregation::Event, ..Default::default() };
    let found = run(&made, false, false, &event);
    assert_eq!(found.effects.len(), 1);
    assert_eq!(found.effects[0].event_time, Some(0.0));
    let cohort =
        DidImputationOptions { aggregation: ImputationAggregation::Cohort, ..Default::default() };
    let found = run(&made, false, false, &cohort);
    assert_eq!((found.effects.len(), found.effects[0].cohort), (1, Some(2.0)));
    assert_eq!(found.effects[0].effect.term, "ATT(2)");
}

#[test]
fn a_cohort_of_one_is_flagged() {
    let y: Vec<f64> = (0..36).map(|k| f64::from(k * k % 13)).collect();
    let made = Made::balanced(
        &[Some(2.0), Some(2.0), Some(3.0), None, None, None, None, None, None],
        4,
        &y,
    );
    let found = run(&made, false, false, &DidImputationOptions::default());
    let note = found.effects[0].effect.note.clone().unwrap();
    assert!(note.contains("the cohort of 3 is one cluster"), "{note}");
    let errors = ImputationErrors::LeaveOut;
    let found = run(&made, false, false, &DidImputationOptions { errors, ..Default::default() });
    assert_eq!((found.effects[0].effect.std_error, found.covariance.len()), (None, 0));
    let cohort =
        DidImputationOptions { aggregation: ImputationAggregation::Cohort, ..Default::default() };
    let found = run(&made, false, false, &cohort);
    assert!(found.effects[0].effect.std_error.is_some());
    let one = &found.effects[1].effect;
    assert_eq!((one.std_error, one.p_value, one.conf_low), (None, None, None));
    assert!(one.note.as_deref().is_some_and(|note| note.contains("one treated unit")));
}

#[test]
fn covariates_must_be_known_before_treatment() {
    let y: Vec<f64> = (0..24).map(|k| f64::from(k * k % 13)).collect();
    let mut made = Made::balanced(&[Some(2.0), Some(2.0), Some(3.0), None, None, None], 4, &y);
    // Moves only once treated: nothing untreated tells what it is worth.
    made.x = (0..24).map(|row| if made.treated(row) { row as f64 } else { 1.0 }).collect();
    let found = run(&made, false, true, &DidImputationOptions::default());
    let why = reason(found.effects[0].effect.reason.clone());
    assert!(why.contains("covariate 1 cannot be told"), "{why}");
    // A constant of the unit explains nothing.
    made.x = (0..24).map(|row| 1e4 * f64::from(row / 4)).collect();
    let found = run(&made, false, true, &DidImputationOptions::default());
    let plain = run(&made, false, false, &DidImputationOptions::default());
    assert_eq!(found.effects[0].effect.estimate, plain.effects[0].effect.estimate);
    assert!(
        found.effects[0].effect.note.as_deref().is_some_and(|n| n.contains("covariate 1 left out"))
    );
}

#[test]
fn what_cannot_be_estimated_has_a_reason() {
    let y: Vec<f64> = (0..12).map(|k| f64::from(k * k % 7)).collect();
    let why = |starts: &[Option<f64>], y: &[f64], options: &DidImputationOptions<'_>| {
        let made = Made::balanced(starts, 3, &y[..3 * starts.len()]);
        let found = run(&made, false, false, options);
        assert_eq!((found.effects.len(), found.effects[0].effect.estimate), (1, None));
        reason(found.effects[0].effect.reason.clone())
    };
    let plain = DidImputationOptions::default();
    assert!(why(&[None, None], &y, &plain).contains("no row is treated"));
    assert!(why(&[Some(0.0), Some(0.0)], &y, &plain).contains("all rows are treated"));
    assert!(why(&[Some(1.0), Some(1.0)], &y, &plain).contains("no treated row can be imputed"));
    assert!(why(&[Some(0.0), None], &y, &plain).contains("no treated row can be imputed"));
    let odd = DidImputationOptions { conf_level: 0.0, ..plain };
    assert!(why(&[Some(1.0), None], &y, &odd).contains("conf_level is 0"));
    let odd = DidImputationOptions { pretrends: 9, ..plain };
    assert!(why(&[Some(1.0), None], &y, &odd).contains("pretrends is 9"));
    let large: Vec<f64> = (0..6).map(|k| if k % 2 == 0 { 1.5e308 } else { -1.5e308 }).collect();
    assert!(why(&[Some(1.0), None], &large, &plain).contains("too large"));

    let made = Made::balanced(&[Some(1.0), Some(1.0), None, None], 3, &[4.0; 12]);
    let found = run(&made, false, false, &plain);
    assert_eq!(
        (found.effects[0].effect.estimate, found.effects[0].effect.std_error),
        (Some(0.0), None)
    );
    assert!(found.effects[0].effect.note.as_deref().is_some_and(|n| n.contains("perfect")));
}
