use proptest::prelude::*;

use super::options::{AttBase, AttControl, AttErrors, AttGaps};
use super::*;
use crate::effect::labels::Labels;
use crate::random::Random;
use crate::testing::{assert_close, reason};

/// A panel: unit, time, outcome, first treated.
#[derive(Clone, Debug)]
struct Panel(Vec<(String, f64, f64, Option<f64>)>);

impl Panel {
    /// `sizes` units in each cohort, over these times, with outcomes of a seed.
    fn random(cohorts: &[(Option<f64>, usize)], times: &[f64], seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let mut rows = Vec::new();
        for (place, (first, size)) in cohorts.iter().enumerate() {
            for unit in 0..*size {
                let level = random.normal();
                for time in times {
                    let effect = first.map_or(0.0, |first| if *time >= first { 0.5 } else { 0.0 });
                    let y = level + 0.1 * time.fract() + effect + random.normal();
                    rows.push((format!("{place}-{unit:02}"), *time, y, *first));
                }
            }
        }
        Self(rows)
    }

    fn with<T>(&self, ask: impl FnOnce(&PanelRows<'_>, &[Option<f64>]) -> T) -> T {
        let y: Vec<f64> = self.0.iter().map(|row| row.2).collect();
        let time: Vec<f64> = self.0.iter().map(|row| row.1).collect();
        let names: Vec<&str> = self.0.iter().map(|row| row.0.as_str()).collect();
        let first: Vec<Option<f64>> = self.0.iter().map(|row| row.3).collect();
        ask(&PanelRows::new(&y, &Labels::new(&names), &time), &first)
    }

    fn att_gt(&self, options: &AttGtOptions) -> AttGt {
        self.with(|rows, first| att_gt(rows, first, None, options))
    }
}

fn staggered(seed: u64) -> Panel {
    let cohorts = [(None, 12), (Some(2003.0), 11), (Some(2004.0), 10)];
    Panel::random(&cohorts, &[2001.0, 2002.0, 2003.0, 2004.0, 2005.0], seed)
}

fn find<'a>(result: &'a AttGt, term: &str) -> &'a Effect {
    let line = result.effects.iter().find(|line| line.effect.term == term);
    &line.unwrap_or_else(|| panic!("{term} is not among {:?}", result.effects)).effect
}

/// The difference of mean changes and its error, with loops over units.
fn slowly(panel: &Panel, cohort: f64, now: f64, base: f64, not_yet: bool) -> (f64, f64) {
    let of = |unit: &str, time: f64| {
        panel.0.iter().find(|row| row.0 == unit && row.1 == time).map(|row| row.2).unwrap()
    };
    let mut units: Vec<(String, Option<f64>)> =
        panel.0.iter().map(|row| (row.0.clone(), row.3)).collect();
    units.dedup();
    let mean_and_variance = |keep: &dyn Fn(Option<f64>) -> bool| {
        let changes: Vec<f64> = units
            .iter()
            .filter(|(_, first)| keep(*first))
            .map(|(unit, _)| of(unit, now) - of(unit, base))
            .collect();
        let n = changes.len() as f64;
        let mean = changes.iter().sum::<f64>() / n;
        (mean, changes.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n * n))
    };
    let treated = mean_and_variance(&|first| first == Some(cohort));
    let control = mean_and_variance(&|first| match first {
        None => true,
        Some(first) => not_yet && first > now.max(base) && first != cohort,
    });
    (treated.0 - control.0, (treated.1 + control.1).sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equals_loops_over_units(
        seed in 0..1000u64,
        not_yet in any::<bool>(),
        universal in any::<bool>(),
        gap in any::<bool>(),
    ) {
        let mut panel = staggered(seed);
        if gap {
            panel.0.retain(|row| row.1 != 2002.0);
        }
        let options = AttGtOptions {
            control: if not_yet { AttControl::NotYetTreated } else { AttControl::NeverTreated },
            base_period: if universal { AttBase::Universal } else { AttBase::Varying },
            ..AttGtOptions::default()
        };
        let result = panel.att_gt(&options);
        let times: Vec<f64> = [2001.0, 2002.0, 2003.0, 2004.0, 2005.0]
            .into_iter()
            .filter(|time| !gap || *time != 2002.0)
            .collect();
        let mut compared = 0;
        for cohort in [2003.0, 2004.0] {
            let last = times.iter().copied().filter(|time| *time < cohort).fold(0.0, f64::max);
            for (place, now) in times.iter().enumerate() {
                let base = match universal || *now >= cohort {
                    true => last,
                    false if place == 0 => continue,
                    false => times[place - 1],
                };
                if base == *now {
                    continue;
                }
                let (estimate, error) = slowly(&panel, cohort, *now, base, not_yet);
                let effect = find(&result, &format!("ATT({cohort},{now})"));
                assert_close(effect.estimate.unwrap(), estimate, 1e-10);
                assert_close(effect.std_error.unwrap(), error, 1e-10);
                compared += 1;
            }
        }
        prop_assert_eq!(compared, result.effects.len() - if universal { 2 } else { 0 });
    }

    /// What all years or all of a unit's rows share makes no difference, and the unit of measurement
    /// is that of the effect.
    #[test]
    fn shifts_cancel(seed in 0..1000u64) {
        let panel = staggered(seed);
        let mut shifted = panel.clone();
        for row in &mut shifted.0 {
            let year = (row.1 - 2000.0) * (row.1 - 2000.0);
            let unit: f64 = row.0.bytes().map(f64::from).sum();
            row.2 = 4.0 * (row.2 + year + unit);
        }
        let (one, two) = (panel.att_gt(&Default::default()), shifted.att_gt(&Default::default()));
        prop_assert_eq!(one.effects.len(), 8);
        for (a, b) in one.effects.iter().zip(&two.effects) {
            let (a, b) = (&a.effect, &b.effect);
            prop_assert!((4.0 * a.estimate.unwrap() - b.estimate.unwrap()).abs() < 1e-9);
            assert_close(b.std_error.unwrap(), 4.0 * a.std_error.unwrap(), 1e-9);
        }
        assert_close(two.pretest.statistic.unwrap(), one.pretest.statistic.unwrap(), 1e-7);
    }

    #[test]
    fn the_order_of_rows_makes_no_difference(seed in 0..1000u64, gap in any::<bool>()) {
        let mut panel = staggered(seed);
        if gap {
            panel.0.remove(7);
        }
        let mut shuffled = panel.clone();
        Random::new(seed, 1).shuffle(&mut shuffled.0);
        let options = AttGtOptions {
            errors: AttErrors::Bootstrap,
            uniform_band: true,
            draws: 50,
            ..AttGtOptions::default()
        };
        prop_assert_eq!(panel.att_gt(&options), shuffled.att_gt(&options));
    }
}

#[test]
fn what_nothing_can_be_said_of_has_a_reason() {
    let text = |panel: &Panel, options: &AttGtOptions| {
        let result = panel.att_gt(options);
        assert_eq!(result.effects.len(), 1);
        assert_eq!(result.pretest.reason, result.reason);
        reason(result.reason)
    };
    let years = [2001.0, 2002.0, 2003.0];
    let plain = AttGtOptions::default();
    let never = Panel::random(&[(None, 4)], &years, 1);
    assert!(text(&never, &plain).contains("no unit is treated"));
    let later = Panel::random(&[(None, 4), (Some(2009.0), 3)], &years, 1);
    assert!(text(&later, &plain).contains("no unit is treated"));
    let together = Panel::random(&[(Some(2002.0), 4)], &years, 1);
    assert!(text(&together, &plain).contains("all units are treated from 2002"));
    let always = Panel::random(&[(Some(2000.0), 4)], &years, 1);
    assert!(text(&always, &plain).contains("no period before 2000"));
    let early = Panel::random(&[(Some(2001.0), 4), (Some(2000.0), 2)], &years, 1);
    assert!(text(&early, &plain).contains("no period before 2001"));
    let one = Panel::random(&[(None, 3), (Some(2002.0), 3)], &[2002.0], 1);
    assert!(text(&one, &plain).contains("no unit is treated"));
    assert!(text(&Panel(Vec::new()), &plain).contains("there are no rows"));
    let level = AttGtOptions { conf_level: 95.0, ..plain.clone() };
    assert!(text(&staggered(1), &level).contains("conf_level is 95"));
    let negative = AttGtOptions { anticipation: -1.0, ..plain.clone() };
    assert!(text(&staggered(1), &negative).contains("anticipation is -1"));
    let draws = AttGtOptions { draws: 1, errors: AttErrors::Bootstrap, ..plain };
    assert!(text(&staggered(1), &draws).contains("draws is 1"));
}

#[test]
fn an_outcome_that_does_not_vary_has_no_error() {
    let mut panel = staggered(1);
    panel.0.iter_mut().for_each(|row| row.2 = 0.1 * row.1);
    let result = panel.att_gt(&AttGtOptions::default());
    assert_eq!(result.effects.len(), 8);
    for line in &result.effects {
        let effect = &line.effect;
        assert!(effect.estimate.unwrap().abs() < 1e-9);
        assert_eq!((effect.std_error, effect.p_value, effect.conf_low), (None, None, None));
        assert!(effect.note.as_ref().unwrap().contains("the outcome does not vary"));
    }
}

#[test]
fn few_units_are_told_and_one_has_no_error() {
    let cohorts = [(None, 12), (Some(2003.0), 1), (Some(2004.0), 4)];
    let panel = Panel::random(&cohorts, &[2001.0, 2002.0, 2003.0, 2004.0], 3);
    let result = panel.att_gt(&AttGtOptions::default());
    let one = find(&result, "ATT(2003,2003)");
    assert!(one.estimate.is_some());
    assert_eq!((one.std_error, one.statistic, one.p_value), (None, None, None));
    assert_eq!((one.conf_low, one.conf_high, one.n_units, one.n_obs), (None, None, 13, 26));
    assert!(one.note.as_ref().unwrap().contains("with one treated unit"));
    // The formula stands.
    let place =
        result.effects.iter().position(|line| line.effect.term == "ATT(2003,2003)").unwrap();
    assert!(result.covariance[place][place].unwrap() > 0.0);
    let four = find(&result, "ATT(2004,2004)");
    assert!(four.std_error.is_some());
    let note = four.note.as_ref().unwrap();
    assert!(note.contains("too small with 4 treated units"), "{note}");
    assert!(note.contains("cohorts of few units: 2003 (1), 2004 (4)"), "{note}");
    assert!(result.pretest.note.unwrap().contains("cohorts of one unit as if"));

    let alone = Panel::random(&[(None, 1), (Some(2003.0), 12)], &[2002.0, 2003.0], 3);
    let result = alone.att_gt(&AttGtOptions::default());
    let effect = find(&result, "ATT(2003,2003)");
    assert_eq!(effect.std_error, None);
    assert!(effect.note.as_ref().unwrap().contains("one control"));
}

#[test]
fn units_that_cannot_be_compared_are_left_out_and_told() {
    let cohorts = [(None, 12), (Some(2001.0), 2), (Some(2003.0), 11), (Some(2009.0), 3)];
    let panel = Panel::random(&cohorts, &[2001.0, 2002.0, 2003.0], 5);
    let result = panel.att_gt(&AttGtOptions::default());
    assert_eq!(result.units.len(), 26); // those treated in 2009 are controls
    let effect = find(&result, "ATT(2003,2003)");
    assert_eq!(effect.n_units, 26);
    assert!(effect.note.as_ref().unwrap().starts_with("1-00, 1-01 left out: treated in the first"));

    // A unit that reacts a year ahead is no control, and one of the second year is too early.
    let ahead = AttGtOptions { anticipation: 1.0, ..AttGtOptions::default() };
    let cohorts = [(None, 12), (Some(2002.0), 2), (Some(2003.0), 11), (Some(2004.0), 3)];
    let panel = Panel::random(&cohorts, &[2001.0, 2002.0, 2003.0], 5);
    let result = panel.att_gt(&ahead);
    assert_eq!(result.units.len(), 26);
    assert_eq!(find(&result, "ATT(2003,2003)").n_units, 23);
    assert!(find(&result, "ATT(2004,2003)").estimate.is_some());

    let adopter: Vec<bool> = panel.0.iter().map(|row| row.0 == "0-00").collect();
    let result = panel.with(|rows, first| att_gt(rows, first, Some(&adopter), &ahead));
    assert_eq!(result.units.len(), 25);
    let note = find(&result, "ATT(2003,2003)").note.clone().unwrap();
    assert!(note.starts_with("0-00 left out: when it was treated is not known"), "{note}");
}

#[test]
fn where_all_are_treated_the_last_compare() {
    let cohorts = [(Some(2003.0), 11), (Some(2005.0), 12)];
    let panel = Panel::random(&cohorts, &[2001.0, 2002.0, 2003.0, 2004.0, 2005.0], 5);
    let never = panel.att_gt(&AttGtOptions::default());
    let not_yet = AttGtOptions { control: AttControl::NotYetTreated, ..AttGtOptions::default() };
    let not_yet = panel.att_gt(&not_yet);
    let terms = |result: &AttGt| -> Vec<String> {
        result.effects.iter().map(|line| line.effect.term.clone()).collect()
    };
    assert_eq!(terms(&never), ["ATT(2003,2002)", "ATT(2003,2003)", "ATT(2003,2004)"]);
    assert_eq!(terms(&not_yet), terms(&never));
    let (a, b) = (find(&never, "ATT(2003,2004)"), find(&not_yet, "ATT(2003,2004)"));
    assert_eq!(a.estimate, b.estimate);
    assert!(a.note.as_ref().unwrap().contains("those treated from 2005 are the comparison"));
}

#[test]
fn gaps_are_kept_or_left_out_and_told() {
    let mut panel = staggered(9);
    let (estimate, error) = slowly(&panel, 2004.0, 2005.0, 2003.0, false);
    panel.0.retain(|row| !(row.0 == "1-03" && row.1 == 2002.0));
    let keep = panel.att_gt(&AttGtOptions::default());
    let drop = panel.att_gt(&AttGtOptions { gaps: AttGaps::Drop, ..AttGtOptions::default() });
    assert_eq!((keep.units.len(), drop.units.len()), (33, 32));
    let effect = find(&keep, "ATT(2004,2005)");
    assert!(effect.note.as_ref().unwrap().contains("1 of 33 units lack periods: 1-03"));
    // That unit has no part in this one.
    assert_close(effect.estimate.unwrap(), estimate, 1e-10);
    assert_close(effect.std_error.unwrap(), error, 1e-10);
    assert_close(find(&drop, "ATT(2004,2005)").estimate.unwrap(), estimate, 1e-10);
    let note = find(&drop, "ATT(2003,2005)").note.clone().unwrap();
    assert!(note.contains("1 units left out that lack periods: 1-03"), "{note}");
    assert_eq!(find(&drop, "ATT(2003,2005)").n_units, 22);

    // Nobody of the cohort is seen in a period.
    let mut panel = staggered(9);
    panel.0.retain(|row| !(row.3 == Some(2003.0) && row.1 == 2004.0));
    let result = panel.att_gt(&AttGtOptions::default());
    let reason = find(&result, "ATT(2003,2004)").reason.as_ref().unwrap().to_string();
    assert!(reason.contains("there is no treated unit in the period"), "{reason}");
    assert!(find(&result, "ATT(2003,2005)").estimate.is_some());
    assert!(result.influence.iter().filter(|influence| influence.is_empty()).count() == 1);
    let all = AttGtOptions { gaps: AttGaps::Drop, ..AttGtOptions::default() };
    panel.0.retain(|row| !(row.3 != Some(2003.0) && row.1 == 2001.0));
    assert!(panel.att_gt(&all).reason.unwrap().to_string().contains("no unit has a row for every"));
}

#[test]
fn the_universal_base_period_is_zero() {
    let options = AttGtOptions { base_period: AttBase::Universal, ..AttGtOptions::default() };
    let result = staggered(2).att_gt(&options);
    assert_eq!(result.effects.len(), 10);
    let base = find(&result, "ATT(2004,2003)");
    assert_eq!((base.estimate, base.std_error, base.reason.clone()), (Some(0.0), None, None));
    assert!(base.note.as_ref().unwrap().contains("zero by construction"));
    // The same hypothesis as with varying base periods.
    let varying = staggered(2).att_gt(&AttGtOptions::default());
    assert_eq!(result.pretest.df, varying.pretest.df);
    assert_close(result.pretest.statistic.unwrap(), varying.pretest.statistic.unwrap(), 1e-9);
}

#[test]
fn clusters_add_up_the_influence_of_their_units() {
    let panel = staggered(4);
    let by = |cluster: &dyn Fn(&str) -> String| {
        let names: Vec<String> = panel.0.iter().map(|row| cluster(&row.0)).collect();
        let labels = Labels::new(&names);
        panel.with(|rows, first| {
            let rows = PanelRows { cluster: Some(&labels), ..rows.clone() };
            att_gt(&rows, first, None, &AttGtOptions::default())
        })
    };
    let plain = panel.att_gt(&AttGtOptions::default());
    let own = by(&|unit| unit.to_owned());
    for (a, b) in plain.effects.iter().zip(&own.effects) {
        assert_close(a.effect.std_error.unwrap(), b.effect.std_error.unwrap(), 1e-12);
    }
    // Units with the same last digit.
    let digit = |unit: &str| unit[unit.len() - 1..].to_owned();
    let result = by(&digit);
    for (place, line) in result.effects.iter().enumerate() {
        let mut sums = std::collections::BTreeMap::new();
        for (unit, value) in plain.units.iter().zip(&plain.influence[place]) {
            *sums.entry(digit(unit)).or_insert(0.0) += value;
        }
        let error = sums.values().map(|sum| sum * sum).sum::<f64>().sqrt() / 33.0;
        assert_close(result.covariance[place][place].unwrap().sqrt(), error, 1e-12);
        assert_eq!(line.effect.estimate, plain.effects[place].effect.estimate);
    }
    // One cluster for a cohort is like one unit.
    let cohort = by(&|unit| unit.split('-').next().unwrap().to_owned());
    assert_eq!(find(&cohort, "ATT(2003,2003)").std_error, None);

    let rows: Vec<String> = (0..panel.0.len()).map(|row| row.to_string()).collect();
    let labels = Labels::new(&rows);
    let moving = panel.with(|rows, first| {
        let rows = PanelRows { cluster: Some(&labels), ..rows.clone() };
        att_gt(&rows, first, None, &AttGtOptions::default())
    });
    assert!(reason(moving.reason).contains("0-00 is in more than one cluster"));
}

#[test]
fn a_uniform_band_is_wider_and_errors_by_draws_are_near() {
    let panel = staggered(6);
    let plain = panel.att_gt(&AttGtOptions::default());
    let drawn =
        AttGtOptions { errors: AttErrors::Bootstrap, draws: 4000, ..AttGtOptions::default() };
    let band = AttGtOptions { uniform_band: true, draws: 4000, ..AttGtOptions::default() };
    let (drawn, band) = (panel.att_gt(&drawn), panel.att_gt(&band));
    assert_close(plain.critical_value.unwrap(), 1.959_963_984_540_054, 1e-12);
    assert_eq!(drawn.critical_value, plain.critical_value);
    // Eight effects: less than Bonferroni's 2.73.
    let critical = band.critical_value.unwrap();
    assert!(critical > 2.2 && critical < 2.75, "{critical}");
    for place in 0..8 {
        let of = |result: &AttGt| result.effects[place].effect.clone();
        assert_eq!(of(&band).std_error, of(&plain).std_error);
        let width = of(&band).conf_high.unwrap() - of(&band).estimate.unwrap();
        assert_close(width, critical * of(&band).std_error.unwrap(), 1e-9);
        // 1.17 / √4000 is 2 %, and the quartiles of a sum of 20 signs are no normal ones.
        let ratio = of(&drawn).std_error.unwrap() / of(&plain).std_error.unwrap();
        assert!((ratio - 1.0).abs() < 0.12, "{ratio}");
    }
}

#[test]
fn the_pretest_needs_more_units_than_effects() {
    let years: Vec<f64> = (2001..2012).map(f64::from).collect();
    let panel = Panel::random(&[(None, 3), (Some(2011.0), 4)], &years, 8);
    let result = panel.att_gt(&AttGtOptions::default());
    assert_eq!((result.pretest.statistic, result.pretest.p_value), (None, None));
    assert!(reason(result.pretest.reason).contains("9 effects before treatment depend on each"));
    let early = Panel::random(&[(None, 12), (Some(2002.0), 12)], &[2001.0, 2002.0], 8);
    let result = early.att_gt(&AttGtOptions::default());
    assert!(reason(result.pretest.reason).contains("no period before treatment to test"));

    // One effect: the square of its z.
    let years = [2001.0, 2002.0, 2003.0];
    let one = Panel::random(&[(None, 12), (Some(2003.0), 12)], &years, 8);
    let result = one.att_gt(&AttGtOptions::default());
    let effect = find(&result, "ATT(2003,2002)");
    let z = effect.statistic.unwrap();
    assert_close(result.pretest.statistic.unwrap(), z * z, 1e-12);
    assert_close(result.pretest.p_value.unwrap(), effect.p_value.unwrap(), 1e-10);
    assert_eq!(result.pretest.df, Some(1));
    let alone = one.with(|rows, first| att_pretest(rows, first, None, &AttGtOptions::default()));
    assert_eq!(alone, result.pretest);
}

#[test]
fn covariates_and_weights_are_those_of_the_earlier_period() {
    let panel = staggered(12);
    let n = panel.0.len();
    let ask = |x: &[f64], weights: Option<&[f64]>| {
        let columns: [&[f64]; 1] = [x];
        panel.with(|rows, first| {
            let rows = PanelRows { covariates: &columns, weights, ..rows.clone() };
            att_gt(&rows, first, None, &AttGtOptions::default())
        })
    };
    let steady: Vec<f64> = (0..n).map(|row| ((row / 5) as f64 * 0.7).fract()).collect();
    // The last year's values come in for no comparison: it is never the earlier one.
    let mut moved = steady.clone();
    let mut weights = vec![1.5; n];
    (0..n).filter(|row| row % 5 == 4).for_each(|row| {
        moved[row] += 10.0 + row as f64;
        weights[row] = 1.0 + row as f64;
    });
    let (one, two) = (ask(&steady, None), ask(&moved, None));
    let three = ask(&steady, Some(&weights));
    for place in 0..8 {
        let of = |result: &AttGt| result.effects[place].effect.clone();
        assert_close(of(&two).estimate.unwrap(), of(&one).estimate.unwrap(), 1e-9);
        assert_close(of(&two).std_error.unwrap(), of(&one).std_error.unwrap(), 1e-9);
        assert_close(of(&three).estimate.unwrap(), of(&one).estimate.unwrap(), 1e-9);
    }
    assert_ne!(
        one.effects[0].effect.estimate,
        staggered(12).att_gt(&Default::default()).effects[0].effect.estimate
    );
}
