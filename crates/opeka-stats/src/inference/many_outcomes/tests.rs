use super::*;
use crate::inference::permutation::{PermutationOptions, PermutationStatistic, permutation_test};
use crate::testing::reason;
use proptest::prelude::*;

#[derive(Clone, Debug, Default)]
struct Case {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    outcome: Vec<String>,
}

impl Case {
    fn run(&self, options: &OutcomesOptions) -> Vec<OutcomeEffect> {
        let (unit, outcome) = (Labels::new(&self.unit), Labels::new(&self.outcome));
        let rows = PanelRows::new(&self.y, &unit, &self.time);
        permutation_test_outcomes(&rows, &self.treated, &outcome, options)
    }

    fn push(&mut self, outcome: &str, unit: usize, time: f64, y: f64, treated: bool) {
        self.y.push(y);
        self.unit.push(format!("u{unit:02}"));
        self.time.push(time);
        self.treated.push(Some(f64::from(treated)));
        self.outcome.push(outcome.to_owned());
    }

    fn of(&self, outcome: &str) -> Self {
        let mut own = Self::default();
        for row in (0..self.y.len()).filter(|row| self.outcome[*row] == outcome) {
            own.y.push(self.y[row]);
            own.unit.push(self.unit[row].clone());
            own.time.push(self.time[row]);
            own.treated.push(self.treated[row]);
        }
        own
    }
}

/// Seven units of four years with three outcomes, the third of three years only; three units are
/// treated, at two dates.
fn cases() -> impl Strategy<Value = Case> {
    proptest::collection::vec((-5.0..5.0f64, -5.0..5.0f64, -5.0..5.0f64), 28).prop_map(|noise| {
        let mut case = Case::default();
        for (k, (a, b, c)) in noise.into_iter().enumerate() {
            let (unit, time) = (k / 4, k % 4);
            let on = time >= [1, 2, 2, 9, 9, 9, 9][unit];
            let effect = if on { 6.0 } else { 0.0 };
            case.push("a", unit, time as f64, a + effect, on);
            case.push("b", unit, time as f64, 100.0 * (b + 0.5 * a), on);
            if time < 3 {
                case.push("c", unit, time as f64, c + 0.2 * effect, on);
            }
        }
        case
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The steps written out, from the t-statistics of every assignment of every outcome.
    #[test]
    fn steps_by_the_book(case in cases()) {
        let found = case.run(&OutcomesOptions::default());
        prop_assert_eq!(found.len(), 3);
        let names: Vec<&str> = found.iter().map(|one| one.outcome.as_str()).collect();
        prop_assert_eq!(&names, &["a", "b", "c"]);
        let mut all: Vec<Vec<f64>> = Vec::new();
        for (name, one) in names.iter().zip(&found) {
            let own = case.of(name);
            let unit = Labels::new(&own.unit);
            let rows = PanelRows::new(&own.y, &unit, &own.time);
            let options = PermutationOptions {
                statistic: PermutationStatistic::Studentised,
                ..PermutationOptions::default()
            };
            let alone = permutation_test(&rows, &own.treated, &options);
            prop_assert_eq!(alone.effect.estimate, one.effect.estimate);
            prop_assert_eq!(alone.effect.p_value, one.effect.p_value);
            let difference = alone.effect.statistic.unwrap() - one.effect.statistic.unwrap();
            prop_assert!(difference.abs() < 1e-9 * one.effect.statistic.unwrap().abs());

            let panel = Panel::new(&rows).unwrap();
            let treated: Vec<f64> =
                panel.arrange(&own.treated).into_iter().map(|d| d.unwrap()).collect();
            let design = Design::new(&panel, &treated, None).unwrap();
            let fit =
                TreatmentFit::new(&panel, treated, &panel.y, &mut Notes::default()).unwrap();
            let statistic = Studentised::new(&fit, &design);
            let t = |codes: Vec<u32>| statistic.t(&codes).unwrap().abs();
            all.push(design.all().map(t).collect());
        }
        let mut order = [0, 1, 2];
        let data = |k: usize| found[k].effect.statistic.unwrap().abs();
        order.sort_by(|a, b| data(*b).total_cmp(&data(*a)));
        let mut before = 0.0_f64;
        for step in 0..3 {
            let n = all[0].len();
            let count = (0..n).filter(|draw| {
                let greatest = order[step..].iter().map(|k| all[*k][*draw]).fold(0.0, f64::max);
                greatest >= data(order[step]) * (1.0 - 1e-9)
            });
            before = before.max(count.count() as f64 / n as f64);
            let one = &found[order[step]];
            prop_assert!((one.p_adjusted.unwrap() - before).abs() < 1e-12);
            prop_assert!(one.p_adjusted >= one.effect.p_value);
        }
    }

    /// Neither the order of rows nor the units of measurement matter.
    #[test]
    fn invariances(case in cases(), seed in 1usize..1000) {
        let options = OutcomesOptions::default();
        let found = case.run(&options);
        let mut order: Vec<usize> = (0..case.y.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mut mixed = Case::default();
        for row in order {
            mixed.y.push(case.y[row]);
            mixed.unit.push(case.unit[row].clone());
            mixed.time.push(case.time[row]);
            mixed.treated.push(case.treated[row]);
            mixed.outcome.push(case.outcome[row].clone());
        }
        prop_assert_eq!(&mixed.run(&options), &found);
        let mut scaled = case.clone();
        for row in 0..case.y.len() {
            scaled.y[row] *= if case.outcome[row] == "b" { 16.0 } else { 0.25 };
        }
        for (a, b) in scaled.run(&options).iter().zip(&found) {
            prop_assert_eq!(a.p_adjusted, b.p_adjusted);
            prop_assert_eq!(a.effect.p_value, b.effect.p_value);
        }
    }
}

/// So many units of five years and two outcomes that are the same but for a factor.
fn twins(n: usize, n_treated: usize) -> Case {
    let mut case = Case::default();
    for unit in 0..n {
        for time in 0..5 {
            let on = unit < n_treated && time >= 3;
            let noise = ((unit * 37 + time * 91 + unit * time * 13) % 23) as f64 / 10.0;
            let y = noise + if on { 1.5 } else { 0.0 };
            case.push("one", unit, time as f64, y, on);
            case.push("two", unit, time as f64, 3.0 * y, on);
        }
    }
    case
}

#[test]
fn equal_outcomes_cost_nothing() {
    let options = OutcomesOptions { draws: 499, ..OutcomesOptions::default() };
    let found = twins(30, 10).run(&options);
    assert_eq!(found.len(), 2);
    for one in &found {
        assert_eq!(one.p_adjusted, one.effect.p_value);
        assert!(one.effect.p_value.unwrap() >= 1.0 / 500.0);
    }
    let one_sided = OutcomesOptions { alternative: Alternative::Less, ..options };
    assert!(twins(30, 10).run(&one_sided)[0].effect.p_value.unwrap() > 0.5);
}

#[test]
fn what_is_missing_is_told() {
    let mut case = twins(12, 3);
    // A unit without the second outcome is left out of both.
    let rows: Vec<usize> = (0..case.y.len())
        .filter(|row| case.unit[*row] != "u05" || case.outcome[*row] == "one")
        .collect();
    let kept = Case {
        y: rows.iter().map(|row| case.y[*row]).collect(),
        unit: rows.iter().map(|row| case.unit[*row].clone()).collect(),
        time: rows.iter().map(|row| case.time[*row]).collect(),
        treated: rows.iter().map(|row| case.treated[*row]).collect(),
        outcome: rows.iter().map(|row| case.outcome[*row].clone()).collect(),
    };
    let found = kept.run(&OutcomesOptions::default());
    assert_eq!(found[0].effect.n_units, 11);
    assert!(found[0].effect.note.as_ref().unwrap().contains("u05 left out"));

    // A constant outcome has a reason, and the other is its own family.
    let mut flat = case.clone();
    for row in (0..flat.y.len()).filter(|row| case.outcome[*row] == "two") {
        flat.y[row] = 4.0;
    }
    let found = flat.run(&OutcomesOptions::default());
    assert_eq!((found[1].effect.estimate, found[1].p_adjusted), (None, None));
    assert!(reason(found[1].effect.reason.clone()).contains("leave nothing of the outcome"));
    assert_eq!(found[0].p_adjusted, found[0].effect.p_value);
    assert!(found[0].p_adjusted.is_some());

    let one = twins(12, 1).run(&OutcomesOptions::default());
    assert!(one[0].effect.estimate.is_some());
    assert_eq!((one[0].effect.p_value, one[0].p_adjusted), (None, None));
    assert!(one[0].effect.note.as_ref().unwrap().contains("with one treated unit"));

    let why = |case: &Case, options: &OutcomesOptions| {
        let found = case.run(options);
        assert_eq!(found.len(), 1);
        reason(found[0].effect.reason.clone())
    };
    let options = OutcomesOptions { draws: 0, ..OutcomesOptions::default() };
    assert!(why(&case, &options).contains("draws is 0"));
    assert!(why(&Case::default(), &OutcomesOptions::default()).contains("there are no outcomes"));
    let twice = (0..case.y.len()).find(|row| case.outcome[*row] == "two").unwrap();
    case.outcome[twice] = "one".to_owned();
    let text = why(&case, &OutcomesOptions::default());
    assert!(text.contains("of one, u00 has more than one row for 0"), "{text}");
    let mut other = twins(12, 3);
    let row = (0..other.y.len()).find(|row| {
        other.outcome[*row] == "two" && other.unit[*row] == "u05" && other.time[*row] == 4.0
    });
    other.treated[row.unwrap()] = Some(1.0);
    let text = why(&other, &OutcomesOptions::default());
    assert!(text.contains("u05 is treated in 4 for one outcome and not for one"), "{text}");
}
