use proptest::prelude::*;

use super::*;
use crate::att_gt;
use crate::did::att_gt::options::{AttBase, AttControl};
use crate::effect::labels::Labels;
use crate::random::Random;
use crate::testing::{assert_close, reason};

const YEARS: [f64; 5] = [2001.0, 2002.0, 2003.0, 2004.0, 2005.0];
const KINDS: [AttAggregation; 4] = [
    AttAggregation::Simple,
    AttAggregation::Dynamic,
    AttAggregation::Group,
    AttAggregation::Calendar,
];

struct Panel {
    y: Vec<f64>,
    names: Vec<String>,
    time: Vec<f64>,
    first: Vec<Option<f64>>,
    weights: Vec<f64>,
}

impl Panel {
    /// 12 never treated, 11 from 2003 and 14 from 2004.
    fn random(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let mut panel = Self {
            y: Vec::new(),
            names: Vec::new(),
            time: Vec::new(),
            first: Vec::new(),
            weights: Vec::new(),
        };
        for (first, size) in [(None, 12), (Some(2003.0), 11), (Some(2004.0), 14)] {
            for unit in 0..size {
                let weight = 1.0 + f64::from(random.below(100)) / 50.0;
                for year in YEARS {
                    panel.y.push(random.normal());
                    panel.names.push(format!("{first:?} {unit}"));
                    panel.time.push(year);
                    panel.first.push(first);
                    panel.weights.push(weight);
                }
            }
        }
        panel
    }

    fn with<T>(&self, ask: impl FnOnce(&PanelRows<'_>) -> T) -> T {
        let labels = Labels::new(&self.names);
        let rows = PanelRows::new(&self.y, &labels, &self.time);
        ask(&PanelRows { weights: Some(&self.weights), ..rows })
    }

    fn ask(&self, options: &AttAggregateOptions) -> AttAggregate {
        self.with(|rows| att_aggregate(rows, &self.first, None, options))
    }
}

fn of(aggregation: AttAggregation) -> AttAggregateOptions {
    AttAggregateOptions { aggregation, ..AttAggregateOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The influence of a unit is how far the average moves when the unit counts a little more: in
    /// the effects, and in the size of its cohort.
    #[test]
    fn influence_is_a_derivative(seed in 0..1000u64, kind in 0..4usize) {
        let panel = Panel::random(seed);
        let options = of(KINDS[kind]);
        let result = panel.ask(&options);
        for (unit, name) in result.units.iter().enumerate().step_by(5) {
            let moved = |by: f64| {
                let mut panel = Panel { names: panel.names.clone(), ..Panel::random(seed) };
                for (weight, other) in panel.weights.iter_mut().zip(&panel.names) {
                    if other == name {
                        *weight *= 1.0 + by;
                    }
                }
                panel.ask(&options)
            };
            let (more, less) = (moved(1e-5), moved(-1e-5));
            for (place, line) in result.effects.iter().enumerate() {
                let estimate = |of: &AttAggregate| of.effects[place].effect.estimate.unwrap();
                let slope = (estimate(&more) - estimate(&less)) / 2e-5;
                let influence = result.influence[place][unit] / result.units.len() as f64;
                prop_assert!(
                    (slope - influence).abs() < 1e-7,
                    "{:?} {}: {} is not {}", KINDS[kind], line.effect.term, influence, slope
                );
            }
        }
    }
}

#[test]
fn averages_by_hand() {
    let panel = Panel::random(3);
    let cells = panel.with(|rows| att_gt(rows, &panel.first, None, &Default::default()));
    let att = |cohort: f64, time: f64| {
        let line = cells.effects.iter().find(|l| l.cohort == Some(cohort) && l.time == Some(time));
        line.unwrap().effect.estimate.unwrap()
    };
    let size = |cohort: f64| -> f64 {
        let rows = panel.first.iter().zip(&panel.weights);
        rows.filter(|(first, _)| **first == Some(cohort)).map(|(_, w)| w / 5.0).sum()
    };
    let (a, b) = (size(2003.0), size(2004.0));
    let mix = |x: f64, y: f64| (a * x + b * y) / (a + b);
    let get = |result: &AttAggregate, term: &str| {
        let line = result.effects.iter().find(|line| line.effect.term == term);
        line.unwrap_or_else(|| panic!("{term}")).effect.estimate.unwrap()
    };
    let dynamic = panel.ask(&of(AttAggregation::Dynamic));
    let at_0 = mix(att(2003.0, 2003.0), att(2004.0, 2004.0));
    let at_1 = mix(att(2003.0, 2004.0), att(2004.0, 2005.0));
    assert_eq!(dynamic.event_times, [-2.0, -1.0, 0.0, 1.0, 2.0]);
    assert_close(get(&dynamic, "ATT(0)"), at_0, 1e-12);
    assert_close(get(&dynamic, "ATT(1)"), at_1, 1e-12);
    assert_close(get(&dynamic, "ATT(2)"), att(2003.0, 2005.0), 1e-12);
    assert_close(get(&dynamic, "ATT(-2)"), att(2004.0, 2002.0), 1e-12);
    assert_close(get(&dynamic, "ATT"), (at_0 + at_1 + att(2003.0, 2005.0)) / 3.0, 1e-12);
    assert_eq!(dynamic.coefficients[2], get(&dynamic, "ATT(0)"));
    let error = dynamic.effects[3].effect.std_error.unwrap();
    assert_close(dynamic.event_covariance[2][2].sqrt(), error, 1e-12);

    let group = panel.ask(&of(AttAggregation::Group));
    let first = (att(2003.0, 2003.0) + att(2003.0, 2004.0) + att(2003.0, 2005.0)) / 3.0;
    let second = (att(2004.0, 2004.0) + att(2004.0, 2005.0)) / 2.0;
    assert_close(get(&group, "ATT(2003)"), first, 1e-12);
    assert_close(get(&group, "ATT"), mix(first, second), 1e-12);
    assert!(group.event_times.is_empty() && group.coefficients.is_empty());

    let calendar = panel.ask(&of(AttAggregation::Calendar));
    let in_2004 = mix(att(2003.0, 2004.0), att(2004.0, 2004.0));
    assert_close(get(&calendar, "ATT(2003)"), att(2003.0, 2003.0), 1e-12);
    assert_close(get(&calendar, "ATT(2004)"), in_2004, 1e-12);
    assert_eq!(calendar.effects[1].time, Some(2003.0));

    let simple = panel.ask(&of(AttAggregation::Simple));
    let all = (a * 3.0 * first + b * 2.0 * second) / (3.0 * a + 2.0 * b);
    assert_close(get(&simple, "ATT"), all, 1e-12);
    assert_eq!(simple.effects.len(), 1);
    assert_eq!(simple.effects[0].effect.n_units, 37);
}

#[test]
fn event_times_are_limited_and_balanced() {
    let panel = Panel::random(4);
    let all = panel.ask(&of(AttAggregation::Dynamic));
    let limited = AttAggregateOptions {
        min_event_time: Some(-1.0),
        max_event_time: Some(1.0),
        ..of(AttAggregation::Dynamic)
    };
    let limited = panel.ask(&limited);
    assert_eq!(limited.event_times, [-1.0, 0.0, 1.0]);
    assert_eq!(limited.coefficients, all.coefficients[1..4]);
    // Only the cohort of 2003 is seen for two years.
    let balanced = AttAggregateOptions { balance: Some(2.0), ..of(AttAggregation::Dynamic) };
    let balanced = panel.ask(&balanced);
    assert_eq!(balanced.event_times, [-1.0, 0.0, 1.0, 2.0]);
    assert!(balanced.effects.iter().all(|line| line.effect.n_units <= 23));
    let nothing = AttAggregateOptions { max_event_time: Some(-1.0), ..of(AttAggregation::Simple) };
    assert!(reason(panel.ask(&nothing).reason).contains("no effect from treatment on is left"));
    let odd = AttAggregateOptions { balance: Some(f64::NAN), ..of(AttAggregation::Dynamic) };
    assert!(reason(panel.ask(&odd).reason).contains("balance is NaN"));
}

#[test]
fn the_base_period_stays_among_the_event_times() {
    let mut options = of(AttAggregation::Dynamic);
    options.att_gt.base_period = AttBase::Universal;
    let result = Panel::random(5).ask(&options);
    assert_eq!(result.event_times, [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]);
    assert_eq!((result.coefficients[2], result.event_covariance[2][2]), (0.0, 0.0));
    let base = &result.effects[3].effect;
    assert_eq!((base.estimate, base.std_error, base.n_units), (Some(0.0), None, 0));
}

#[test]
fn event_times_of_fractional_periods_meet() {
    let mut panel = Panel::random(6);
    // Tenths, of which none is exact.
    panel.time.iter_mut().for_each(|time| *time = 2000.0 + (*time - 2000.0) / 10.0);
    let tenth = |first: f64| 2000.0 + (first - 2000.0) / 10.0;
    panel.first.iter_mut().for_each(|first| *first = first.map(tenth));
    let result = panel.ask(&of(AttAggregation::Dynamic));
    let whole = Panel::random(6).ask(&of(AttAggregation::Dynamic));
    assert_eq!(result.coefficients, whole.coefficients);
    assert_eq!(result.effects.len(), 6);
}

#[test]
fn what_is_missing_is_refused_or_told() {
    let mut panel = Panel::random(7);
    let gone = |row: &usize| panel.first[*row] == Some(2003.0) && panel.time[*row] == 2004.0;
    let kept: Vec<usize> = (0..panel.y.len()).filter(|row| !gone(row)).collect();
    let take = |column: &[f64]| kept.iter().map(|row| column[*row]).collect();
    panel = Panel {
        y: take(&panel.y),
        time: take(&panel.time),
        weights: take(&panel.weights),
        names: kept.iter().map(|row| panel.names[*row].clone()).collect(),
        first: kept.iter().map(|row| panel.first[*row]).collect(),
    };
    for kind in KINDS {
        let mut options = of(kind);
        let refused = panel.ask(&options);
        assert_eq!(refused.effects[0].effect.term, "ATT");
        assert!(reason(refused.reason).contains("ATT(2003,2004) is not there"));
        options.leave_out_missing = true;
        let result = panel.ask(&options);
        let note = result.effects[0].effect.note.clone().unwrap();
        assert!(note.contains("could not be estimated: ATT(2003,2004)"), "{note}");
        assert!(result.effects[0].effect.std_error.is_some());
    }
}

#[test]
fn a_cohort_of_one_unit_has_no_error_but_all_together_do() {
    let mut panel = Panel::random(8);
    let kept: Vec<bool> = (0..panel.y.len())
        .map(|row| panel.first[row] != Some(2003.0) || panel.names[row].ends_with(" 0"))
        .collect();
    let keep = |column: &mut Vec<f64>| {
        let mut kept = kept.iter();
        column.retain(|_| *kept.next().unwrap());
    };
    keep(&mut panel.y);
    keep(&mut panel.time);
    keep(&mut panel.weights);
    let mut places = kept.iter();
    panel.names.retain(|_| *places.next().unwrap());
    let mut places = kept.iter();
    panel.first.retain(|_| *places.next().unwrap());
    let group = panel.ask(&of(AttAggregation::Group));
    let line = |term: &str| {
        let line = group.effects.iter().find(|line| line.effect.term == term);
        line.unwrap().effect.clone()
    };
    assert_eq!(line("ATT(2003)").std_error, None);
    assert!(line("ATT(2003)").note.unwrap().contains("one treated unit"));
    assert!(line("ATT(2004)").std_error.is_some());
    assert!(line("ATT").std_error.is_some());
    let mut not_yet = of(AttAggregation::Calendar);
    not_yet.att_gt.control = AttControl::NotYetTreated;
    let calendar = panel.ask(&not_yet);
    assert_eq!(calendar.effects[1].effect.std_error, None); // 2003: that unit alone
    assert!(calendar.effects[2].effect.std_error.is_some());
}
