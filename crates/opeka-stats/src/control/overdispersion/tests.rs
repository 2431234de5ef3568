use super::*;
use crate::testing::assert_close;
use proptest::prelude::*;

const SCALES: [DispersionScale; 4] = [
    DispersionScale::Arcsine,
    DispersionScale::LogRatio,
    DispersionScale::SquareRootRatio,
    DispersionScale::LogCounts,
];

#[test]
fn published_values() {
    // The six units of the tests of the R package FunnelPlotR, its functions run in R 4.5.0.
    let x = [100.0, 150.0, 180.0, 80.0, 120.0, 225.0];
    let n = [108.0, 112.0, 165.0, 95.0, 100.0, 220.0];
    let shmi = over_dispersion(&x, &n, DispersionScale::LogRatio, 0.1).unwrap();
    assert_close(shmi.phi, 2.948_033_175_102_358, 1e-14);
    assert_close(shmi.tau_squared, 0.019_477_530_578_021_57, 1e-13);
    let cqc = over_dispersion(&x, &n, DispersionScale::SquareRootRatio, 0.1).unwrap();
    assert_close(cqc.phi, 2.327_178_257_594_118_4, 1e-14);
    assert_close(cqc.tau_squared, 0.003_439_780_154_186_271_7, 1e-13);
    assert_close(cqc.areas[1].z_trimmed.unwrap(), 2.618_894_619_760_850_7, 1e-13);
}

#[test]
fn alike_areas_have_no_variance_between_them() {
    let same = over_dispersion(&[50.0; 12], &[500.0; 12], DispersionScale::Arcsine, 0.1).unwrap();
    assert!(same.phi < 1e-25 && same.tau_squared == 0.0);
    assert_eq!(same.areas[0].z_adjusted, same.areas[0].z);
}

#[test]
fn scales_lead_back() {
    for (scale, figure) in SCALES.into_iter().zip([0.3, 1.7, 1.7, 0.3]) {
        // Large counts, so that the half that is added to counts does not matter.
        let (y, s) = scale.transformed(figure * 1e15, 1e15);
        assert_close(scale.figure(y), figure, 1e-13);
        assert!(s > 0.0);
    }
    // Limits that lie off the scale are its ends.
    assert_eq!(DispersionScale::Arcsine.figure(-0.2), 0.0);
    assert_eq!(DispersionScale::Arcsine.figure(1.7), 1.0);
    assert_eq!(DispersionScale::SquareRootRatio.figure(-0.2), 0.0);
}

#[test]
fn edges() {
    let why = |x: &[f64], n: &[f64], scale, trim| {
        over_dispersion(x, n, scale, trim).unwrap_err().to_string()
    };
    let arcsine = DispersionScale::Arcsine;
    assert!(why(&[1.0], &[2.0], arcsine, 0.1).contains("two areas or more"));
    assert!(why(&[1.0, 2.0], &[2.0], arcsine, 0.1).contains("2 numerators and 1 denominators"));
    assert!(why(&[1.0, 2.0], &[2.0, 3.0], arcsine, 0.5).contains("trim is 0.5"));
    assert!(why(&[1.0, -2.0], &[2.0, 3.0], arcsine, 0.1).contains("negative"));
    assert!(why(&[1.0, 2.0], &[2.0, 0.0], arcsine, 0.1).contains("denominator"));
    assert!(why(&[1.0, f64::NAN], &[2.0, 3.0], arcsine, 0.1).contains("finite"));
    assert!(why(&[1.0, 4.0], &[2.0, 3.0], arcsine, 0.1).contains("above its denominator"));
    assert!(why(&[0.0, 0.0], &[2.0, 3.0], arcsine, 0.1).contains("no area has any events"));
    let log = DispersionScale::LogRatio;
    assert!(why(&[1.0, 0.0], &[2.0, 3.0], log, 0.1).contains("over_dispersion_cqc takes them"));
    let root = over_dispersion(&[1.0, 0.0], &[2.0, 3.0], DispersionScale::SquareRootRatio, 0.1);
    assert_eq!(root.unwrap().areas[1].y, 0.0);
}

fn areas() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((1u32..500, 0u32..5_000), 2..50).prop_map(|areas| {
        areas.into_iter().map(|(x, more)| (f64::from(x), f64::from(x + more))).unzip()
    })
}

proptest! {
    #[test]
    fn order_does_not_matter((x, n) in areas(), which in 0usize..4) {
        let result = over_dispersion(&x, &n, SCALES[which], 0.1);
        let back = |numbers: &[f64]| numbers.iter().rev().copied().collect::<Vec<f64>>();
        let mut turned = over_dispersion(&back(&x), &back(&n), SCALES[which], 0.1);
        if let Ok(turned) = &mut turned {
            turned.areas.reverse();
        }
        prop_assert_eq!(turned, result);
    }

    #[test]
    fn the_variance_is_what_makes_the_spread_expected((x, n) in areas()) {
        // Without trimming, the moment equation: the spread about the target, less that of chance.
        let result = over_dispersion(&x, &n, DispersionScale::SquareRootRatio, 0.0).unwrap();
        let weights: Vec<f64> = n.iter().map(|n| 4.0 * n).collect();
        let total: f64 = weights.iter().sum();
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let spread: f64 = x.iter().zip(&n).map(|(x, n)| 4.0 * n * ((x / n).sqrt() - 1.0).powi(2)).sum();
        let count = x.len() as f64;
        prop_assert!((result.phi * count - spread).abs() <= 1e-9 * spread.max(1e-9));
        let expected = (spread - (count - 1.0)) / (total - squares / total);
        prop_assert!((result.tau_squared - expected.max(0.0)).abs() <= 1e-9 * expected.abs().max(1e-6));
        for area in &result.areas {
            prop_assert!(area.z_adjusted.abs() <= area.z.abs());
        }
    }
}
