use super::*;
use crate::did::testing::{Made, regression};
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

fn starts() -> impl Strategy<Value = Vec<Option<f64>>> {
    let start = prop_oneof![Just(None), (0..5u8).prop_map(|t| Some(f64::from(t)))];
    proptest::collection::vec(start, 7)
}

proptest! {
    #[test]
    fn comparisons_add_up_to_two_way_effects(
        starts in starts(), y in proptest::collection::vec(-9.0..9.0f64, 35),
    ) {
        let panel = Made::balanced(&starts, 5, &y);
        let found = bacon(&panel.rows(), &panel.indicator());
        prop_assume!(found[0].reason.is_none());
        let weights: f64 = found.iter().map(|c| c.weight.unwrap()).sum();
        prop_assert!((weights - 1.0).abs() < 1e-12);
        let sum: f64 = found.iter().map(|c| c.weight.unwrap() * c.estimate.unwrap()).sum();
        let mut columns = panel.dummies();
        let mut treated: Vec<f64> = panel.indicator().into_iter().flatten().collect();
        columns.push(std::mem::take(&mut treated));
        let last = columns.len() - 1;
        let (kept, fit) = regression(&columns, &panel.y, None);
        prop_assert_eq!(kept.last(), Some(&last));
        prop_assert!((sum - fit.coefficients[kept.len() - 1]).abs() < 1e-9);

        // Each is two-way effects of its two groups in its window.
        for one in &found {
            let of = |start: Option<f64>| start == one.treated_cohort || start == one.control_cohort;
            let window = |time: f64| match one.kind {
                Some("Earlier vs Later Treated") => time < one.control_cohort.unwrap(),
                Some("Later vs Earlier Treated") => time >= one.control_cohort.unwrap(),
                _ => true,
            };
            let rows: Vec<(usize, usize, f64)> = (0..35)
                .filter(|k| of(starts[k / 5]) && window((k % 5) as f64))
                .map(|k| (k / 5, k % 5, y[k]))
                .collect();
            prop_assert_eq!(rows.len(), one.n_obs);
            let small = Made::new(&rows, &starts);
            let mut columns = small.dummies();
            columns.push(small.indicator().into_iter().flatten().collect());
            let (kept, fit) = regression(&columns, &small.y, None);
            let slow = fit.coefficients[kept.len() - 1];
            prop_assert!((one.estimate.unwrap() - slow).abs() < 1e-9, "{:?} is not {}", one, slow);
        }
    }

    #[test]
    fn order_and_levels_do_not_matter(
        starts in starts(), y in proptest::collection::vec(-9.0..9.0f64, 35),
        order in Just((0..35).collect::<Vec<usize>>()).prop_shuffle(), add in -99.0..99.0f64,
    ) {
        let panel = Made::balanced(&starts, 5, &y);
        let found = bacon(&panel.rows(), &panel.indicator());
        let other = panel.shuffled(&order);
        prop_assert_eq!(&bacon(&other.rows(), &other.indicator()), &found);
        let mut moved = panel.clone();
        let of = |is: bool| if is { add } else { 0.0 };
        (0..35).for_each(|row| moved.y[row] += of(row % 5 == 3) + of(row < 5));
        for (a, b) in found.iter().zip(bacon(&moved.rows(), &moved.indicator())) {
            prop_assert_eq!(a.weight, b.weight);
            if let (Some(a), Some(b)) = (a.estimate, b.estimate) {
                prop_assert!((a - b).abs() < 1e-10);
            }
        }
    }
}

#[test]
fn three_groups_by_hand() {
    // Treated from 1, from 2 and never, one unit each, three times.
    let y = [0.0, 4.0, 6.0, 1.0, 2.0, 9.0, 0.0, 1.0, 2.0];
    let panel = Made::balanced(&[Some(1.0), Some(2.0), None], 3, &y);
    let found = bacon(&panel.rows(), &panel.indicator());
    let terms: Vec<&str> = found.iter().map(|c| c.term.as_str()).collect();
    assert_eq!(terms, ["1 vs 2", "1 vs never", "2 vs 1", "2 vs never"]);
    let kinds: Vec<&str> = found.iter().filter_map(|c| c.kind).collect();
    assert_eq!(kinds[0], "Earlier vs Later Treated");
    assert_eq!(kinds[2], "Later vs Earlier Treated");
    // 4 − 0 − (2 − 1); 5 − 0 − (1.5 − 0); 9 − 2 − (6 − 4); 9 − 1.5 − (2 − 0.5)
    for (one, estimate) in found.iter().zip([3.0, 3.5, 5.0, 6.0]) {
        assert_close(one.estimate.unwrap(), estimate, 1e-12);
    }
    // 1 × 1, 1 × 2, 1 × 1, 2 × 1 times before and after.
    for (one, weight) in found.iter().zip([1.0, 2.0, 1.0, 2.0]) {
        assert_close(one.weight.unwrap(), weight / 6.0, 1e-12);
    }
    assert_eq!((found[0].n_obs, found[1].n_obs, found[1].n_units), (4, 6, 2));

    let panel = Made::balanced(&[Some(0.0), Some(2.0)], 3, &y[..6]);
    let found = bacon(&panel.rows(), &panel.indicator());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].term, "2 vs always");
    assert_eq!(found[0].kind, Some("Later vs Always Treated"));
    assert_eq!((found[0].control_cohort, found[0].weight), (Some(0.0), Some(1.0)));
}

#[test]
fn what_is_no_comparison_has_a_reason() {
    let y = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0];
    let why = |starts: &[Option<f64>], y: &[f64]| {
        let panel = Made::balanced(starts, 3, y);
        let found = bacon(&panel.rows(), &panel.indicator());
        assert_eq!((found.len(), found[0].estimate, found[0].weight), (1, None, None));
        reason(found[0].reason.clone())
    };
    assert!(why(&[None, None], &y).contains("no unit is treated"));
    assert!(why(&[Some(1.0), Some(1.0)], &y).contains("nobody to compare with"));
    assert!(why(&[Some(0.0), None], &y).contains("nobody to compare with"));
    assert!(why(&[Some(1.0)], &y[..3]).contains("nobody to compare with"));
    let large = [1e308, -1e308, 1e308, -1e308, 1e308, -1e308];
    assert!(why(&[Some(1.0), None], &large).contains("too large"));

    let mut panel = Made::balanced(&[Some(1.0), None], 3, &y);
    let weights = [1.0; 6];
    let weighted = PanelRows { weights: Some(&weights), ..panel.rows() };
    let found = bacon(&weighted, &panel.indicator());
    assert!(reason(found[0].reason.clone()).contains("no weights"));
    let columns: [&[f64]; 1] = [&y];
    let found = bacon(&PanelRows { covariates: &columns, ..panel.rows() }, &panel.indicator());
    assert!(reason(found[0].reason.clone()).contains("no covariates"));
    panel.time[5] = 7.0;
    let found = bacon(&panel.rows(), &panel.indicator());
    assert!(reason(found[0].reason.clone()).contains("without gaps"));
    panel.time[5] = 1.0;
    let found = bacon(&panel.rows(), &panel.indicator());
    assert!(reason(found[0].reason.clone()).contains("more than one row"));
}

#[test]
fn units_of_which_nothing_is_known_are_told() {
    let y = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 0.0, 0.0, 0.0];
    let panel = Made::balanced(&[Some(1.0), None, None], 3, &y);
    let mut treated = panel.indicator();
    treated[7] = None;
    let found = bacon(&panel.rows(), &treated);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].note.as_deref(), Some("u02 left out: when it was treated is not known"));
    assert_eq!(found[0].n_obs, 6);
}
