use super::*;
use crate::testing::{assert_close, reason};

/// Unit, group, post, outcome.
const LINES: [(&str, f64, f64, f64); 9] = [
    ("a", 1.0, 0.0, 10.0),
    ("a", 1.0, 1.0, 16.0),
    ("b", 1.0, 0.0, 12.0),
    ("b", 1.0, 1.0, 16.0),
    ("c", 0.0, 0.0, 9.0),
    ("c", 0.0, 1.0, 10.0),
    ("d", 0.0, 0.0, 8.0),
    ("d", 0.0, 1.0, 11.0),
    ("e", 0.0, 1.0, 12.0),
];

fn run(
    lines: &[(&str, f64, f64, f64)],
    weights: Option<&[f64]>,
    errors: TwoByTwoErrors,
) -> TwoByTwo {
    let names: Vec<&str> = lines.iter().map(|line| line.0).collect();
    let column = |of: fn(&(&str, f64, f64, f64)) -> f64| lines.iter().map(of).collect::<Vec<_>>();
    let (group, post, y) = (column(|l| l.1), column(|l| l.2), column(|l| l.3));
    let options = TwoByTwoOptions { errors, ..TwoByTwoOptions::default() };
    did_2x2(&y, &Labels::new(&names), &group, &post, weights, &options)
}

#[test]
fn four_means_by_hand() {
    let result = run(&LINES, None, TwoByTwoErrors::Iid);
    // (16 − 11) − (11 − 8.5), squares within cells 0 + 2 + 2 + 0.5 on 9 − 4 degrees.
    let effect = &result.effect;
    assert_close(effect.estimate.unwrap(), 2.5, 1e-13);
    let variance = 4.5 / 5.0 * (1.0 / 2.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 2.0);
    assert_close(effect.std_error.unwrap(), f64::sqrt(variance), 1e-13);
    assert_eq!((effect.n_obs, effect.n_units), (9, 5));
    let cells = result.cells.unwrap();
    assert_eq!((cells[0][1].n_obs, cells[0][1].mean, cells[0][1].sd), (3, 11.0, Some(1.0)));
    assert_eq!((cells[1][0].mean, cells[1][1].mean), (11.0, 16.0));
    let terms: Vec<&str> = result.terms.iter().map(|term| term.term.as_str()).collect();
    assert_eq!(terms, ["(Intercept)", "group", "post"]);
    let changes = result.changes.unwrap();
    assert_close(changes.estimate.unwrap(), 3.0, 1e-14);
    assert_close(changes.std_error.unwrap(), 2f64.sqrt(), 1e-14);
    assert_eq!((changes.n_units, changes.n_obs), (4, 8));
}

#[test]
fn weights_are_copies_and_order_is_nothing() {
    let weights = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let weighted = run(&LINES, Some(&weights), TwoByTwoErrors::Cluster);
    let mut copied = LINES.to_vec();
    copied.push(LINES[0]);
    let twice = run(&copied, None, TwoByTwoErrors::Cluster);
    assert_close(weighted.effect.estimate.unwrap(), twice.effect.estimate.unwrap(), 1e-12);
    assert_close(weighted.cells.unwrap()[1][0].mean, twice.cells.unwrap()[1][0].mean, 1e-13);
    let mut reversed = LINES;
    reversed.reverse();
    for errors in [TwoByTwoErrors::Cluster, TwoByTwoErrors::Iid] {
        assert_eq!(run(&LINES, None, errors), run(&reversed, None, errors));
    }
}

#[test]
fn one_unit_on_either_side_has_no_error() {
    let without = |unit: &str| {
        let lines: Vec<_> = LINES.into_iter().filter(|line| !unit.contains(line.0)).collect();
        run(&lines, None, TwoByTwoErrors::Iid).effect
    };
    for effect in [without("a"), without("de")] {
        assert!(effect.estimate.is_some());
        assert_eq!((effect.std_error, effect.p_value), (None, None));
        assert!(effect.note.unwrap().starts_with("no standard error"));
    }
}

#[test]
fn faults_are_named() {
    let with = |change: fn(&mut (&str, f64, f64, f64))| {
        let mut lines = LINES;
        lines.iter_mut().for_each(change);
        reason(run(&lines, None, TwoByTwoErrors::Cluster).effect.reason)
    };
    assert!(with(|line| line.1 = 0.0).contains("the treated group has no row before"));
    assert!(with(|line| line.2 = 0.0).contains("the comparison group has no row after"));
    assert!(with(|line| line.3 = 1.0).contains("the outcome is the same in all rows"));
    assert!(with(|line| line.1 *= 2.0).contains("group is 2 (it must be 0 or 1)"));
    assert!(with(|line| line.0 = "a").contains("a is in both groups"));
    assert!(with(|line| line.3 = f64::NAN).contains("the outcome is NaN"));
    let none = did_2x2(&[], &Labels::default(), &[], &[], None, &TwoByTwoOptions::default());
    assert!(reason(none.effect.reason).contains("there are no rows"));
    let exact = LINES.map(|(unit, group, post, _)| (unit, group, post, 1.0 + group * post));
    let effect = run(&exact, None, TwoByTwoErrors::Cluster).effect;
    assert_eq!(effect.std_error, None);
    assert!(effect.note.unwrap().contains("all rows equal the mean of their cell"));
}
