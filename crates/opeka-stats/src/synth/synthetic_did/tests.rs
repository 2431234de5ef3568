use super::*;
use crate::effect::labels::Labels;
use crate::least_squares;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Rows of units a, b, c, … over times 2001, 2002, …; a unit is treated from so many periods on.
#[derive(Clone, Debug)]
struct Rows {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    weights: Option<Vec<f64>>,
    covariates: Vec<Vec<f64>>,
}

impl Rows {
    fn new(outcomes: &[Vec<f64>], first: &[Option<usize>]) -> Self {
        let mut rows = Self {
            y: Vec::new(),
            unit: Vec::new(),
            time: Vec::new(),
            treated: Vec::new(),
            weights: None,
            covariates: Vec::new(),
        };
        for (k, (unit, first)) in outcomes.iter().zip(first).enumerate() {
            for (t, y) in unit.iter().enumerate() {
                rows.y.push(*y);
                rows.unit.push(format!("{}", char::from(b'a' + k as u8)));
                rows.time.push(2001.0 + t as f64);
                rows.treated.push(Some(f64::from(u8::from(first.is_some_and(|f| t >= f)))));
            }
        }
        rows
    }

    fn fit(&self, options: &SyntheticDidOptions) -> SyntheticDid {
        let labels = Labels::new(&self.unit);
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let rows = PanelRows {
            weights: self.weights.as_deref(),
            covariates: &covariates,
            ..PanelRows::new(&self.y, &labels, &self.time)
        };
        synthetic_did(&rows, &self.treated, options)
    }

    /// The same rows in another order.
    fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.y.len()).collect();
        crate::random::Random::new(seed, 0).shuffle(&mut order);
        let take = |column: &[f64]| order.iter().map(|row| column[*row]).collect::<Vec<f64>>();
        Self {
            y: take(&self.y),
            unit: order.iter().map(|row| self.unit[*row].clone()).collect(),
            time: take(&self.time),
            treated: order.iter().map(|row| self.treated[*row]).collect(),
            weights: self.weights.as_deref().map(take),
            covariates: self.covariates.iter().map(|column| take(column)).collect(),
        }
    }
}

const ALL: [SyntheticDidEstimator; 3] =
    [SyntheticDidEstimator::Sdid, SyntheticDidEstimator::Sc, SyntheticDidEstimator::Did];

fn without_error(estimator: SyntheticDidEstimator) -> SyntheticDidOptions {
    SyntheticDidOptions {
        estimator,
        errors: Some(SyntheticDidErrors::None),
        ..SyntheticDidOptions::default()
    }
}

fn with(errors: SyntheticDidErrors) -> SyntheticDidOptions {
    SyntheticDidOptions { errors: Some(errors), draws: 50, ..SyntheticDidOptions::default() }
}

fn panel(units: usize, times: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let unit = proptest::collection::vec(-10.0..10.0f64, times);
    proptest::collection::vec(unit, units)
}

/// Six units over six periods, of which two are treated from the fifth period on.
fn two_treated() -> Rows {
    let outcomes = [
        vec![3.0, 4.0, 4.5, 6.0, 9.0, 10.0],
        vec![2.0, 2.5, 3.5, 5.0, 8.5, 8.0],
        vec![3.0, 3.5, 5.0, 5.5, 6.0, 6.5],
        vec![1.0, 2.0, 2.0, 4.0, 4.5, 5.0],
        vec![5.0, 5.5, 6.0, 8.0, 8.0, 9.0],
        vec![2.0, 3.0, 3.5, 4.5, 5.0, 5.5],
    ];
    Rows::new(&outcomes, &[Some(4), Some(4), None, None, None, None])
}

#[test]
fn differences_by_hand() {
    // Treated 1, 3 then 9; controls 2, 2 then 3 and 4, 6 then 9: gains 7, 1 and 4.
    let rows = Rows::new(
        &[vec![1.0, 3.0, 9.0], vec![2.0, 2.0, 3.0], vec![4.0, 6.0, 9.0]],
        &[Some(2), None, None],
    );
    let fit = rows.fit(&without_error(SyntheticDidEstimator::Did));
    assert_close(fit.effect.estimate.unwrap(), 7.0 - 2.5, 1e-14);
    assert_eq!(fit.effect.method.as_deref(), Some("difference in differences"));
    assert_eq!((fit.effect.n_obs, fit.effect.n_units), (9, 3));
    assert_eq!(fit.unit_weights.len(), 2);
    assert_eq!(fit.unit_weights[1].unit, "c");
    assert_eq!(fit.unit_weights[1].weight, 0.5);
    assert_eq!(fit.time_weights[0], TimeWeight { cohort: 2003.0, time: 2001.0, weight: 0.5 });
    let last = fit.path[2];
    assert_eq!((last.event_time, last.observed), (0.0, 9.0));
    assert_close(last.gap, 4.5, 1e-14);
    assert_eq!(fit.cohorts[0].effect.effect.term, "ATT(2003)");
    assert_eq!(fit.cohorts[0].effect.effect.estimate, fit.effect.estimate);
}

#[test]
fn one_treated_unit_has_a_rank_and_no_error() {
    let mut rows = two_treated();
    rows.treated[..6].fill(Some(0.0));
    let fit = rows.fit(&SyntheticDidOptions::default());
    assert_eq!(fit.effect.std_error, None);
    assert_eq!(fit.effect.conf_low, None);
    assert!(fit.effect.note.unwrap().starts_with("no standard error"));
    assert_eq!(fit.placebos.len(), 5);
    let size = fit.effect.estimate.unwrap().abs();
    let as_large =
        fit.placebos.iter().filter(|p| p.estimate.is_some_and(|e| e.abs() >= size)).count();
    assert_eq!(fit.effect.p_value, Some((1 + as_large) as f64 / 6.0));
    assert_eq!(fit.effect.method.unwrap().split("; ").last(), Some("rank among 5 placebos"));

    // The jackknife has nothing to leave out; placebos have, for who supposes what they suppose.
    assert_eq!(rows.fit(&with(SyntheticDidErrors::Jackknife)).effect.std_error, None);
    assert_eq!(rows.fit(&with(SyntheticDidErrors::Bootstrap)).effect.std_error, None);
    let asked = rows.fit(&with(SyntheticDidErrors::Placebo)).effect;
    assert!(asked.std_error.is_some_and(|error| error > 0.0));
    assert!(asked.note.unwrap().contains("varies as the controls do"));
    let none = rows.fit(&with(SyntheticDidErrors::None));
    assert_eq!((none.effect.p_value, none.placebos.len()), (None, 0));
}

#[test]
fn few_treated_units_are_told() {
    let rows = two_treated();
    let fit = rows.fit(&SyntheticDidOptions::default()).effect;
    assert!(fit.method.unwrap().ends_with("200 placebo draws (Algorithm 4)"));
    assert!(fit.note.unwrap().contains("with 2 treated units"));
    let (estimate, error) = (fit.estimate.unwrap(), fit.std_error.unwrap());
    assert_close(fit.conf_high.unwrap() - estimate, 1.959_963_984_540_054 * error, 1e-12);
    assert_close(fit.statistic.unwrap(), estimate / error, 1e-14);
    let bootstrap = rows.fit(&with(SyntheticDidErrors::Bootstrap)).effect;
    assert!(bootstrap.std_error.is_some());
    assert!(bootstrap.method.unwrap().ends_with("bootstrap of 50 draws (Algorithm 2)"));
}

#[test]
fn jackknife_is_that_of_the_estimator_on_fewer_units() {
    // With all weights alike, leaving a unit out with weights as they are is estimating anew.
    let rows = two_treated();
    let options = SyntheticDidOptions {
        estimator: SyntheticDidEstimator::Did,
        ..with(SyntheticDidErrors::Jackknife)
    };
    let error = rows.fit(&options).effect.std_error.unwrap();
    let left_out: Vec<f64> = (0..6)
        .map(|unit| {
            let mut fewer = rows.clone();
            let keep = |row: &usize| row / 6 != unit;
            let some: Vec<usize> = (0..36).filter(keep).collect();
            fewer.y = some.iter().map(|row| rows.y[*row]).collect();
            fewer.unit = some.iter().map(|row| rows.unit[*row].clone()).collect();
            fewer.time = some.iter().map(|row| rows.time[*row]).collect();
            fewer.treated = some.iter().map(|row| rows.treated[*row]).collect();
            fewer.fit(&without_error(SyntheticDidEstimator::Did)).effect.estimate.unwrap()
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / 6.0;
    let square: f64 = left_out.iter().map(|e| (e - mean) * (e - mean)).sum();
    assert_close(error, (square * 5.0 / 6.0).sqrt(), 1e-12);
}

#[test]
fn cohorts_count_by_treated_units_and_periods() {
    let outcomes: Vec<Vec<f64>> = (0..7u64)
        .map(|unit| {
            let mut random = crate::random::Random::new(5, unit);
            (0..6).map(|_| random.normal()).collect()
        })
        .collect();
    let first = [Some(3), Some(3), Some(4), None, None, None, None];
    let fit = Rows::new(&outcomes, &first).fit(&with(SyntheticDidErrors::Placebo));
    let alone = |kept: &[usize]| {
        let outcomes: Vec<Vec<f64>> = kept.iter().map(|unit| outcomes[*unit].clone()).collect();
        let first: Vec<Option<usize>> = kept.iter().map(|unit| first[*unit]).collect();
        let fit = Rows::new(&outcomes, &first).fit(&without_error(SyntheticDidEstimator::Sdid));
        fit.effect.estimate.unwrap()
    };
    let (early, late) = (alone(&[0, 1, 3, 4, 5, 6]), alone(&[2, 3, 4, 5, 6]));
    assert_close(fit.effect.estimate.unwrap(), (6.0 * early + 2.0 * late) / 8.0, 1e-12);
    assert_eq!(fit.cohorts.len(), 2);
    assert_close(fit.cohorts[1].effect.effect.estimate.unwrap(), late, 1e-12);
    assert_eq!(fit.cohorts[1].effect.cohort, Some(2005.0));
    assert_eq!(fit.cohorts[1].effect.effect.std_error, None);
    assert_eq!((fit.unit_weights.len(), fit.time_weights.len(), fit.path.len()), (8, 7, 12));
    assert!(fit.effect.std_error.is_some());

    let jackknife = Rows::new(&outcomes, &first).fit(&with(SyntheticDidErrors::Jackknife)).effect;
    assert_eq!(jackknife.std_error, None);
    assert!(jackknife.note.unwrap().contains("c is the only unit treated from 2005 on"));
}

#[test]
fn weights_count_treated_units() {
    let mut rows = two_treated();
    rows.weights = Some([vec![3.0; 6], vec![1.0; 30]].concat());
    let weighted = rows.fit(&without_error(SyntheticDidEstimator::Did)).effect.estimate.unwrap();
    let mut copies = two_treated();
    for copy in ["a2", "a3"] {
        for row in 0..6 {
            copies.y.push(copies.y[row]);
            copies.unit.push(copy.to_owned());
            copies.time.push(copies.time[row]);
            copies.treated.push(copies.treated[row]);
        }
    }
    let copied = copies.fit(&without_error(SyntheticDidEstimator::Did)).effect.estimate.unwrap();
    assert_close(weighted, copied, 1e-13);
    rows.weights = Some(vec![7.0; 36]);
    let alike = rows.fit(&without_error(SyntheticDidEstimator::Sdid)).effect.estimate.unwrap();
    rows.weights = None;
    let plain = rows.fit(&without_error(SyntheticDidEstimator::Sdid)).effect.estimate.unwrap();
    assert_close(alike, plain, 1e-12);
}

#[test]
fn what_covariates_explain_is_gone() {
    let plain = two_treated();
    let x: Vec<f64> = (0..36u64).map(|row| crate::random::Random::new(3, row).normal()).collect();
    let mut moved = plain.clone();
    moved.y.iter_mut().zip(&x).for_each(|(y, x)| *y += 5.0 * x);
    moved.covariates = vec![x.clone()];
    let mut still = plain.clone();
    still.covariates = vec![x];
    for estimator in ALL {
        let a = moved.fit(&without_error(estimator)).effect;
        let b = still.fit(&without_error(estimator)).effect;
        assert_close(a.estimate.unwrap(), b.estimate.unwrap(), 1e-9);
        assert!(a.method.unwrap().contains("covariates projected out"));
    }
    let mut fixed = plain.clone();
    fixed.covariates = vec![(0..36).map(|row| f64::from(row / 6)).collect()];
    let text = reason(fixed.fit(&SyntheticDidOptions::default()).effect.reason);
    assert!(text.contains("no more than unit and time effects"), "{text}");
}

#[test]
fn what_is_wrong_is_named() {
    let fit = |outcomes: &[Vec<f64>], first: &[Option<usize>]| {
        let fit = Rows::new(outcomes, first).fit(&SyntheticDidOptions::default());
        assert_eq!((fit.effect.estimate, fit.effect.std_error), (None, None));
        reason(fit.effect.reason)
    };
    let some = [
        vec![1.0, 2.0, 4.0, 3.0],
        vec![2.0, 2.0, 5.0, 7.0],
        vec![5.0, 1.0, 2.0, 2.0],
        vec![0.0, 3.0, 1.0, 1.0],
    ];
    assert!(fit(&some, &[None; 4]).contains("no unit is treated"));
    assert!(fit(&some, &[Some(2); 4]).contains("every unit is treated"));
    assert!(fit(&some, &[Some(1), None, None, None]).contains("fewer than 2 periods"));
    assert!(fit(&some, &[Some(0), Some(1), None, None]).contains("fewer than 2 periods"));
    assert!(fit(&some, &[Some(2), Some(2), Some(3), None]).contains("there is one control"));
    assert!(fit(&some[..1], &[Some(2)]).contains("every unit is treated"));
    let flat = vec![vec![3.0; 4]; 4];
    assert!(fit(&flat, &[Some(2), None, None, None]).contains("the same everywhere"));
    let lines: Vec<Vec<f64>> =
        (0..4).map(|unit| (0..4).map(|t| f64::from(unit * unit + t)).collect()).collect();
    assert!(fit(&lines, &[Some(2), None, None, None]).contains("the noise level is 0"));
    let one_period: Vec<Vec<f64>> = some.iter().map(|y| y[..1].to_vec()).collect();
    assert!(fit(&one_period, &[Some(0), None, None, None]).contains("fewer than 2 periods"));

    let rows = Rows::new(&some, &[Some(2), None, None, None]);
    let text = |rows: &Rows| reason(rows.fit(&SyntheticDidOptions::default()).effect.reason);
    let mut gap = rows.clone();
    for column in [&mut gap.y, &mut gap.time] {
        column.pop();
    }
    gap.unit.pop();
    gap.treated.pop();
    assert!(text(&gap).contains("d has no row for 2004"));
    let mut infinite = rows.clone();
    infinite.y[3] = f64::INFINITY;
    assert!(text(&infinite).contains("the outcome is inf"));
    let mut twice = rows.clone();
    twice.time[1] = 2001.0;
    assert!(text(&twice).contains("a has more than one row for 2001"));
    let mut ends = rows.clone();
    ends.treated[3] = Some(0.0);
    assert!(text(&ends).contains("the treatment of a ends in 2004"));
    let mut large = rows.clone();
    large.y.iter_mut().for_each(|y| *y *= 1e308);
    assert!(large.fit(&without_error(SyntheticDidEstimator::Did)).effect.reason.is_some());
    let level = SyntheticDidOptions { conf_level: 95.0, ..Default::default() };
    assert!(reason(rows.fit(&level).effect.reason).contains("conf_level is 95"));
    let draws = SyntheticDidOptions { draws: 1, ..Default::default() };
    assert!(reason(rows.fit(&draws).effect.reason).contains("draws is 1"));
}

#[test]
fn units_treated_too_early_and_of_unknown_treatment_are_left_out() {
    let mut rows = two_treated();
    rows.treated[0] = None;
    let fit = rows.fit(&without_error(SyntheticDidEstimator::Sdid)).effect;
    assert!(fit.note.unwrap().starts_with("a left out"));
    assert_eq!(fit.n_units, 5);
    let mut early = two_treated();
    early.treated[..6].fill(Some(1.0));
    let fit = early.fit(&without_error(SyntheticDidEstimator::Sdid)).effect;
    assert_eq!(fit.note.as_deref(), Some("a left out: treated with fewer than 2 periods before"));
    let mut without = two_treated();
    without.treated[..6].fill(None);
    let other = without.fit(&without_error(SyntheticDidEstimator::Sdid)).effect;
    assert_eq!(fit.estimate, other.estimate);
}

/// The coefficient of the treatment in a regression on unit and time dummies, rows weighted by
/// ω of their unit times λ of their time.
fn regression(outcomes: &[Vec<f64>], treated: usize, before: usize, fit: &SyntheticDid) -> f64 {
    let (n, times) = (outcomes.len(), outcomes[0].len());
    let unit_weight = |unit: usize| match unit < treated {
        true => 1.0 / treated as f64,
        false => fit.unit_weights[unit - treated].weight,
    };
    let time_weight = |t: usize| match t < before {
        true => fit.time_weights[t].weight,
        false => 1.0 / (times - before) as f64,
    };
    let rows: Vec<(usize, usize)> = (0..n)
        .flat_map(|unit| (0..times).map(move |t| (unit, t)))
        .filter(|(unit, t)| unit_weight(*unit) * time_weight(*t) > 0.0)
        .collect();
    let column = |value: &dyn Fn(usize, usize) -> bool| -> Vec<f64> {
        rows.iter().map(|(unit, t)| f64::from(u8::from(value(*unit, *t)))).collect()
    };
    let mut columns = vec![column(&|unit, t| unit < treated && t >= before)];
    columns.extend((0..n).map(|k| column(&|unit, _| unit == k)));
    columns.extend((1..times).map(|k| column(&|_, t| t == k)));
    let weights: Vec<f64> =
        rows.iter().map(|(unit, t)| unit_weight(*unit) * time_weight(*t)).collect();
    let y: Vec<f64> = rows.iter().map(|(unit, t)| outcomes[*unit][*t]).collect();
    let mut kept: Vec<&[f64]> = Vec::new();
    for column in &columns {
        kept.push(column);
        if least_squares::fit(&kept, &y, Some(&weights)).is_none() {
            kept.pop();
        }
    }
    least_squares::fit(&kept, &y, Some(&weights)).unwrap().coefficients[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn is_a_weighted_two_way_regression(outcomes in panel(6, 6), converged in any::<bool>()) {
        let first = [Some(4), Some(4), None, None, None, None];
        let weights_method = match converged {
            true => SyntheticDidWeights::Converged,
            false => SyntheticDidWeights::Default,
        };
        for estimator in [SyntheticDidEstimator::Sdid, SyntheticDidEstimator::Did] {
            let options = SyntheticDidOptions { weights_method, ..without_error(estimator) };
            let fit = Rows::new(&outcomes, &first).fit(&options);
            let expected = regression(&outcomes, 2, 4, &fit);
            let estimate = fit.effect.estimate.unwrap();
            prop_assert!((estimate - expected).abs() < 1e-8, "{} {}", estimate, expected);
        }
    }

    /// What all units share at a time is no effect, and neither is what a unit has at all times.
    #[test]
    fn levels_do_not_matter(outcomes in panel(6, 6), by in -50.0..50.0f64) {
        let first = [Some(4), Some(4), None, None, None, None];
        let estimate = |outcomes: &[Vec<f64>], estimator| {
            let options = SyntheticDidOptions {
                weights_method: SyntheticDidWeights::Converged,
                ..without_error(estimator)
            };
            Rows::new(outcomes, &first).fit(&options).effect.estimate.unwrap()
        };
        for estimator in ALL {
            let plain = estimate(&outcomes, estimator);
            let mut year = outcomes.clone();
            year.iter_mut().for_each(|y| y[5] += by);
            prop_assert!((estimate(&year, estimator) - plain).abs() < 1e-6);
            if estimator != SyntheticDidEstimator::Sc {
                let mut unit = outcomes.clone();
                unit[3].iter_mut().for_each(|y| *y += by);
                prop_assert!((estimate(&unit, estimator) - plain).abs() < 1e-6);
            }
            let larger: Vec<Vec<f64>> =
                outcomes.iter().map(|y| y.iter().map(|y| 8.0 * y).collect()).collect();
            prop_assert!((estimate(&larger, estimator) - 8.0 * plain).abs() < 1e-5);
        }
    }

    /// Neither the order of rows nor the number of threads is in a digit.
    #[test]
    fn rows_come_in_any_order(outcomes in panel(7, 5), seed in any::<u64>()) {
        let first = [Some(3), Some(2), None, None, None, None, None];
        let rows = Rows::new(&outcomes, &first);
        for errors in [SyntheticDidErrors::Placebo, SyntheticDidErrors::Bootstrap] {
            let options = SyntheticDidOptions { draws: 10, ..with(errors) };
            let fit = rows.fit(&options);
            prop_assert!(fit.effect.std_error.is_some());
            prop_assert_eq!(&rows.shuffled(seed).fit(&options), &fit);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            prop_assert_eq!(&pool.install(|| rows.fit(&options)), &fit);
        }
    }
}
