use super::*;
use crate::testing::reason;
use proptest::prelude::*;

fn figures(rows: &[AdjustedP]) -> Vec<Option<f64>> {
    rows.iter().map(|row| row.p_adjusted).collect()
}

#[test]
fn published_values() {
    // The fifteen p-values of Benjamini and Hochberg (1995), section 3.2.
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ]
    .map(Some);
    let discoveries =
        |rows: Vec<AdjustedP>| rows.iter().filter(|row| row.p_adjusted.unwrap() <= 0.05).count();
    // They reject four at 0.05; the procedure of Holm three.
    assert_eq!(discoveries(benjamini_hochberg(&p)), 4);
    assert_eq!(discoveries(holm(&p)), 3);
    // p.adjust(c(1, 2, 3, 16) / 64, "BH") and "holm".
    let p = [1.0, 2.0, 3.0, 16.0].map(|p| Some(p / 64.0));
    assert_eq!(figures(&benjamini_hochberg(&p)), [4.0, 4.0, 4.0, 16.0].map(|p| Some(p / 64.0)));
    assert_eq!(figures(&holm(&p)), [4.0, 6.0, 6.0, 16.0].map(|p| Some(p / 64.0)));
}

#[test]
fn missing_ones_are_not_counted() {
    let rows = benjamini_hochberg(&[Some(0.02), None, Some(0.01), Some(0.02)]);
    assert_eq!(rows[0].p_adjusted, Some(0.02));
    assert_eq!((rows[0].n_tests, rows[0].rank), (3, Some(2)));
    assert_eq!((rows[2].p_adjusted, rows[2].rank), (Some(0.02), Some(1)));
    assert_eq!((rows[1].p_adjusted, rows[1].rank, rows[1].n_tests), (None, None, 3));
    assert_eq!(reason(rows[1].reason.clone()), "cannot be calculated because p_value is missing");
}

#[test]
fn edges() {
    assert_eq!(benjamini_hochberg(&[]), []);
    assert_eq!(figures(&holm(&[Some(0.3)])), [Some(0.3)]);
    assert_eq!(figures(&holm(&[Some(0.0), Some(1.0)])), [Some(0.0), Some(1.0)]);
    for wrong in [1.5, -0.1, f64::NAN] {
        let rows = holm(&[Some(wrong), Some(0.2), None]);
        assert!(figures(&rows).iter().all(Option::is_none));
        assert!(reason(rows[0].reason.clone()).contains("must lie between 0 and 1"));
        assert!(reason(rows[1].reason.clone()).contains("another p_value"));
        assert!(reason(rows[2].reason.clone()).contains("missing"));
    }
}

#[test]
fn families() {
    let text = |names: &[Option<&str>]| family_reason(names.iter().copied()).map(|r| r.to_string());
    assert_eq!(text(&[]), None);
    assert!(text(&[None, None]).unwrap().contains("does not say"));
    assert_eq!(text(&[Some("oblast"), Some("oblast")]), None);
    assert_eq!(
        text(&[Some("oblast"), Some("district"), Some("oblast")]).unwrap(),
        "cannot be calculated because the rows belong to 2 families (district, oblast)"
    );
    assert!(text(&["d", "b", "a", "c"].map(Some)).unwrap().ends_with("4 families (a, b, c, …)"));
    assert!(text(&[Some("oblast"), None]).unwrap().contains("does not say"));
}

/// The definitions, without sorting.
fn slow(p: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = p.len() as f64;
    let up_to = |x: f64| p.iter().filter(|q| **q <= x).count() as f64;
    let below = |x: f64| p.iter().filter(|q| **q < x).count() as f64;
    let least =
        |x: f64| p.iter().filter(|q| **q >= x).map(|q| n / up_to(*q) * q).fold(1.0, f64::min);
    let greatest = |x: f64| {
        p.iter().filter(|q| **q <= x).map(|q| (n - below(*q)) * q).fold(0.0, f64::max).min(1.0)
    };
    (p.iter().map(|x| least(*x)).collect(), p.iter().map(|x| greatest(*x)).collect())
}

proptest! {
    #[test]
    fn agrees_with_the_definitions(p in prop::collection::vec(0u32..=40, 0..30)) {
        let p: Vec<f64> = p.into_iter().map(|k| f64::from(k) / 40.0).collect();
        let given: Vec<Option<f64>> = p.iter().copied().map(Some).collect();
        let (least, greatest) = slow(&p);
        let bh = benjamini_hochberg(&given);
        let holm = holm(&given);
        prop_assert_eq!(figures(&bh), least.into_iter().map(Some).collect::<Vec<_>>());
        prop_assert_eq!(figures(&holm), greatest.into_iter().map(Some).collect::<Vec<_>>());
        for (bh, holm) in bh.iter().zip(&holm) {
            prop_assert!(holm.p_adjusted >= bh.p_adjusted);
        }
    }

    #[test]
    fn rows_keep_their_figures_in_any_order(p in prop::collection::vec(prop::option::of(0.0..=1.0f64), 0..30)) {
        let mut back = p.clone();
        back.reverse();
        for method in [benjamini_hochberg, holm] {
            let mut rows = method(&back);
            rows.reverse();
            prop_assert_eq!(rows, method(&p));
        }
    }
}
