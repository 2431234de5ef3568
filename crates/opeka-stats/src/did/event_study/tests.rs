use super::*;
use crate::effect::labels::Labels;
use crate::inference::cluster::{sandwich, scores};
use crate::least_squares;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Unit, time, outcome, first treated time.
type Line = (u8, f64, f64, Option<f64>);

fn run(lines: &[Line], options: &EventStudyOptions) -> EventStudy {
    let names: Vec<String> = lines.iter().map(|line| line.0.to_string()).collect();
    let time: Vec<f64> = lines.iter().map(|line| line.1).collect();
    let y: Vec<f64> = lines.iter().map(|line| line.2).collect();
    let first: Vec<Option<f64>> = lines.iter().map(|line| line.3).collect();
    event_study(&PanelRows::new(&y, &Labels::new(&names), &time), &first, None, options)
}

/// The terms of a study, as event time and estimate.
fn estimates(study: &EventStudy) -> Vec<(f64, Option<f64>)> {
    study.terms.iter().map(|t| (t.event_time.unwrap(), t.effect.estimate)).collect()
}

/// Two units treated from 3 on, two never; four times.
fn four_units() -> Vec<Line> {
    let outcomes =
        [[1.0, 2.0, 7.0, 9.0], [3.0, 4.5, 8.0, 9.0], [0.0, 1.0, 1.5, 2.0], [2.0, 2.0, 4.0, 3.0]];
    let mut lines = Vec::new();
    for (unit, outcomes) in (0u8..).zip(outcomes) {
        for (time, y) in (1..).zip(outcomes) {
            lines.push((unit, f64::from(time), y, (unit < 2).then_some(3.0)));
        }
    }
    lines
}

#[test]
fn one_date_is_differences_of_means() {
    let study = run(&four_units(), &EventStudyOptions::default());
    // Means of the treated: 2, 3.25, 7.5, 9; of the others: 1, 1.5, 2.75, 2.5. Reference: time 2.
    let due = [(-2.0, -0.75), (-1.0, 0.0), (0.0, 3.0), (1.0, 4.75)];
    for ((time, estimate), (due_time, due)) in estimates(&study).into_iter().zip(due) {
        assert_eq!(time, due_time);
        assert!((estimate.unwrap() - due).abs() < 1e-13);
    }
    assert_eq!(study.event_times, [-2.0, 0.0, 1.0]);
    assert_eq!(study.n_treated, [2, 2, 2]);
    assert_eq!((study.df, study.n_obs, study.n_units), (3.0, 16, 4));
    // 16 rows, 3 event times, 4 units and 4 times, one of them twice.
    assert_eq!(study.df_residual, 6.0);
    let reference = &study.terms[1].effect;
    assert_eq!((reference.std_error, reference.p_value), (None, None));
    assert!(reference.note.as_ref().unwrap().contains("zero by definition"));
    assert_eq!(study.terms[0].effect.term, "ATT(-2)");
    assert!(study.terms[0].effect.note.as_ref().unwrap().contains("2 treated units"));
}

#[test]
fn ends_are_clipped() {
    let options = EventStudyOptions {
        reference: -2.0,
        leads: Some(2.0),
        lags: Some(0.0),
        ..EventStudyOptions::default()
    };
    let study = run(&four_units(), &options);
    assert_eq!(study.event_times, [-1.0, 0.0]);
    let last = study.terms.last().unwrap();
    assert!(last.effect.note.as_ref().unwrap().starts_with("0 and after"));
    // The mean of both treated periods.
    assert_close(last.effect.estimate.unwrap(), (3.75 + 5.5) / 2.0, 1e-12);
    assert_close(study.coefficients[0], 0.75, 1e-12);
    assert!(study.terms[0].effect.note.as_ref().unwrap().contains("-2 and before"));
}

#[test]
fn without_never_treated_a_trend_cannot_be_told_apart() {
    let mut lines = four_units();
    lines.iter_mut().filter(|line| line.0 > 1).for_each(|line| line.3 = Some(4.0));
    let study = run(&lines, &EventStudyOptions::default());
    // Event times -3 to 1; beside -1 one more goes, the last.
    assert_eq!(study.event_times, [-3.0, -2.0, 0.0]);
    let last = study.terms.last().unwrap();
    assert_eq!((last.event_time, last.effect.estimate), (Some(1.0), None));
    assert!(reason(last.effect.reason.clone()).contains("the other event times"));
    let note = study.terms[0].effect.note.clone().unwrap();
    assert!(note.contains("ATT(1) left out") && note.contains("relative to it"), "{note}");
}

#[test]
fn one_treated_unit_has_a_covariance_but_no_error() {
    let lines: Vec<Line> = four_units().into_iter().filter(|line| line.0 != 0).collect();
    let study = run(&lines, &EventStudyOptions::default());
    assert_eq!(study.n_treated, [1, 1, 1]);
    assert!(study.covariance[0][0] > 0.0);
    for term in &study.terms {
        assert!(term.effect.estimate.is_some());
        assert_eq!((term.effect.std_error, term.effect.conf_low), (None, None));
    }
    assert!(study.terms[0].effect.note.as_ref().unwrap().starts_with("no standard error"));
    let one_other: Vec<Line> = four_units().into_iter().filter(|line| line.0 != 3).collect();
    let study = run(&one_other, &EventStudyOptions::default());
    assert!(study.covariance.is_empty());
    let note = study.terms[0].effect.note.as_ref().unwrap();
    assert!(note.contains("one unit to compare with"), "{note}");
}

#[test]
fn times_with_fractions_meet() {
    let lines: Vec<Line> = four_units()
        .into_iter()
        .map(|(unit, time, y, first)| {
            (unit, 2000.0 + time / 10.0, y, first.map(|f| 2000.0 + f / 10.0))
        })
        .collect();
    let options = EventStudyOptions { reference: -0.1, ..EventStudyOptions::default() };
    let study = run(&lines, &options);
    assert_eq!(study.event_times, [-0.2, 0.0, 0.1]);
}

#[test]
fn faults_are_named() {
    let text = |lines: &[Line], options: &EventStudyOptions| {
        let study = run(lines, options);
        assert_eq!(study.terms.len(), 1);
        assert_eq!(study.terms[0].effect.reason, study.reason);
        reason(study.reason)
    };
    let default = EventStudyOptions::default();
    let with = |change: fn(&mut Line)| {
        let mut lines = four_units();
        lines.iter_mut().for_each(change);
        text(&lines, &default)
    };
    assert!(with(|line| line.3 = None).contains("no unit is ever treated"));
    assert!(with(|line| line.2 = 1.0).contains("the outcome is the same in all rows"));
    let always = with(|line| line.3 = line.3.map(|_| 1.0));
    assert!(
        always.contains(
            "no treated unit has a row at event time -1, the reference (there are 0, 1, 2, 3)"
        ),
        "{always}"
    );
    assert!(with(|line| line.3 = Some(3.0)).contains("unit and time effects explain"));
    assert!(with(|line| line.2 = f64::INFINITY).contains("the outcome is inf"));
    assert!(text(&[], &default).contains("there are no rows"));
    let leads = EventStudyOptions { leads: Some(0.0), ..default };
    assert!(text(&four_units(), &leads).contains("leads is 0 (it must be a number of 1 or more)"));
    let lags = EventStudyOptions { lags: Some(f64::NAN), ..default };
    assert!(text(&four_units(), &lags).contains("lags is NaN"));
    let one_bin =
        EventStudyOptions { lags: Some(0.0), leads: Some(1.0), reference: 0.0, ..default };
    assert_eq!(run(&four_units(), &one_bin).event_times, [-1.0]);
    let level = EventStudyOptions { conf_level: 0.0, ..default };
    assert!(text(&four_units(), &level).contains("conf_level is 0"));
}

/// Staggered panels with gaps, some units never treated.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    let rows = proptest::collection::vec((0.0..1.0f64, -5.0..5.0f64), 60);
    (rows, proptest::collection::vec(0..6u8, 10)).prop_map(|(rows, first)| {
        let mut lines = Vec::new();
        for (k, (keep, y)) in rows.into_iter().enumerate() {
            let unit = k / 6;
            // 2 to 4 are dates, the others are never.
            let date = Some(f64::from(first[unit])).filter(|d| (2.0..=4.0).contains(d));
            if keep > 0.1 {
                lines.push((unit as u8, (k % 6) as f64, y, date));
            }
        }
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_a_regression_on_dummies(lines in lines()) {
        let options = EventStudyOptions { errors: Errors::Cr0, ..EventStudyOptions::default() };
        let study = run(&lines, &options);
        prop_assume!(study.reason.is_none());
        let y: Vec<f64> = lines.iter().map(|line| line.2).collect();
        let dummy = |same: &dyn Fn(&Line) -> bool| -> Vec<f64> {
            lines.iter().map(|line| f64::from(u8::from(same(line)))).collect()
        };
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut kept: Vec<f64> = Vec::new();
        let mut all: Vec<(Option<f64>, Vec<f64>)> = Vec::new();
        (0..10).for_each(|unit| all.push((None, dummy(&|line| line.0 == unit))));
        (0..6).for_each(|time| all.push((None, dummy(&|line| line.1 == f64::from(time)))));
        for event_time in -5..5 {
            let event_time = f64::from(event_time);
            let at = |line: &Line| line.3.is_some_and(|first| line.1 - first == event_time);
            if event_time != -1.0 {
                all.push((Some(event_time), dummy(&at)));
            }
        }
        for (event_time, column) in all {
            columns.push(column);
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            if least_squares::fit(&slices, &y, None).is_none() {
                columns.pop();
            } else {
                kept.extend(event_time);
            }
        }
        prop_assert_eq!(&study.event_times, &kept);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let fit = least_squares::fit(&slices, &y, None).unwrap();
        let cluster: Vec<u32> = lines.iter().map(|line| u32::from(line.0)).collect();
        let v = sandwich(&fit.unscaled, &scores(&columns, &fit.residuals, None, &cluster, 10));
        let before = columns.len() - kept.len();
        for i in 0..kept.len() {
            let difference = study.coefficients[i] - fit.coefficients[before + i];
            prop_assert!(difference.abs() < 1e-7);
            for j in 0..kept.len() {
                if !study.covariance.is_empty() {
                    prop_assert!((study.covariance[i][j] - v[before + i][before + j]).abs() < 1e-7);
                }
            }
        }
    }

    #[test]
    fn the_order_of_rows_is_nothing(lines in lines(), seed in any::<u64>()) {
        let mut shuffled = lines.clone();
        crate::random::Random::new(seed, 0).shuffle(&mut shuffled);
        let options = EventStudyOptions::default();
        prop_assert_eq!(run(&lines, &options), run(&shuffled, &options));
    }
}
