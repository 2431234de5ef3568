use super::*;
use crate::effect::labels::Labels;
use crate::least_squares;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Rows of a panel, with what a test may need.
#[derive(Clone, Debug)]
struct Case {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    weights: Vec<f64>,
    covariate: Vec<f64>,
    /// Two units each, or rows of one unit in several.
    nested: Vec<String>,
    crossed: Vec<String>,
}

/// Six units of five years; unit k is treated from year k on, 0 and 1 never; a few rows are missing.
fn cases() -> impl Strategy<Value = Case> {
    let row = (-10.0..10.0f64, 0.2..3.0f64, -2.0..2.0f64, 0..4u8, 0..8u8);
    proptest::collection::vec(row, 30).prop_map(|rows| {
        let mut case = Case {
            y: Vec::new(),
            unit: Vec::new(),
            time: Vec::new(),
            treated: Vec::new(),
            weights: Vec::new(),
            covariate: Vec::new(),
            nested: Vec::new(),
            crossed: Vec::new(),
        };
        for (k, (y, weight, covariate, cluster, gone)) in rows.into_iter().enumerate() {
            let (unit, time) = (k / 5, k % 5);
            if gone == 0 && k % 3 == 0 {
                continue;
            }
            case.y.push(y);
            case.unit.push(format!("u{unit}"));
            case.time.push(2000.0 + time as f64);
            case.treated.push(Some(f64::from(unit > 1 && time + 1 >= unit)));
            case.weights.push(weight);
            case.covariate.push(covariate);
            case.nested.push(format!("c{}", unit / 2));
            case.crossed.push(format!("x{cluster}"));
        }
        case
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Clustered {
    ByUnit,
    Nested,
    Crossed,
}

/// t of a draw by two full fits on dummies: the residuals under the hypothesis, then those of the
/// data of the draw.
fn slow(panel: &Panel, treated: &[f64], v: &[f64], null: f64, impose_null: bool) -> Option<f64> {
    let dummies = |codes: &[u32], n: usize, from: u32| -> Vec<Vec<f64>> {
        let of = |k| codes.iter().map(|code| f64::from(*code == k)).collect();
        (from..n as u32).map(of).collect()
    };
    let mut controls = dummies(&panel.unit, panel.n_units(), 0);
    controls.extend(dummies(&panel.time, panel.n_times(), 1));
    controls.extend(panel.covariates.iter().cloned());
    let mut all = controls.clone();
    all.push(treated.to_vec());
    fn refs(columns: &[Vec<f64>]) -> Vec<&[f64]> {
        columns.iter().map(Vec::as_slice).collect()
    }
    let weights = panel.weights.as_deref();
    let (residuals, centre) = if impose_null {
        let y: Vec<f64> = panel.y.iter().zip(treated).map(|(y, d)| y - null * d).collect();
        (least_squares::fit(&refs(&controls), &y, weights)?.residuals, null)
    } else {
        let fit = least_squares::fit(&refs(&all), &panel.y, weights)?;
        (fit.residuals, *fit.coefficients.last()?)
    };
    let y: Vec<f64> = (0..panel.n_obs())
        .map(|row| {
            let fitted = panel.y[row] - residuals[row];
            fitted + v[panel.cluster[row] as usize] * residuals[row]
        })
        .collect();
    let fit = least_squares::fit(&refs(&all), &y, weights)?;
    let scores = crate::inference::cluster::scores(
        &all,
        &fit.residuals,
        weights,
        &panel.cluster,
        panel.n_clusters,
    );
    let last = all.len() - 1;
    let variance = crate::inference::cluster::sandwich(&fit.unscaled, &scores)[last][last];
    let (n, g) = (panel.n_obs() as f64, panel.n_clusters as f64);
    let k = 1.0 + panel.covariates.len() as f64;
    let variance = variance * g / (g - 1.0) * (n - 1.0) / (n - k);
    Some((fit.coefficients[last] - centre) / variance.sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every draw equals two full fits, for clusters of all kinds, weights, covariates, gaps and
    /// hypotheses; and sums of clusters equal the way through the rows.
    #[test]
    fn draws_equal_refits(
        case in cases(),
        clustered in prop_oneof![
            Just(Clustered::ByUnit), Just(Clustered::Nested), Just(Clustered::Crossed)
        ],
        weighted in any::<bool>(),
        with_covariate in any::<bool>(),
        impose_null in any::<bool>(),
        signs in proptest::collection::vec(-1.5..1.5f64, 8),
        null in -3.0..3.0f64,
    ) {
        let unit = Labels::new(&case.unit);
        let (nested, crossed) = (Labels::new(&case.nested), Labels::new(&case.crossed));
        let covariates = [case.covariate.as_slice()];
        let rows = PanelRows {
            weights: weighted.then_some(&case.weights),
            covariates: if with_covariate { &covariates } else { &[] },
            cluster: match clustered {
                Clustered::ByUnit => None,
                Clustered::Nested => Some(&nested),
                Clustered::Crossed => Some(&crossed),
            },
            ..PanelRows::new(&case.y, &unit, &case.time)
        };
        let panel = Panel::new(&rows).unwrap();
        let treated: Vec<f64> =
            panel.arrange(&case.treated).into_iter().map(|d| d.unwrap()).collect();
        let fit = TreatmentFit::new(&panel, treated.clone(), &panel.y, &mut Notes::default());
        let Ok(fit) = fit else { return Ok(()) };
        prop_assume!(panel.n_clusters > 2);
        let signs = &signs[..panel.n_clusters];
        let Some(expected) = slow(&panel, &treated, signs, null, impose_null) else {
            return Ok(());
        };
        prop_assume!(expected.abs() < 1e4);
        let unit = 1.0 / correction(&fit).unwrap().sqrt();
        let hypothesis = if impose_null { null } else { 0.0 };
        for sums in [Sums::new(&fit, impose_null), Sums::of_rows(&fit, impose_null)] {
            let t = sums.draw(signs).at(hypothesis, 0.0).unwrap() * unit;
            prop_assert!((t - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{t} is not {expected}");
        }
        // All multipliers one: the statistic of the data.
        let ones = vec![1.0; panel.n_clusters];
        let error = std_error(&fit).unwrap();
        let t = Sums::new(&fit, true).draw(&ones).at(null, 0.0).unwrap() * unit;
        prop_assert!((t - (fit.estimate - null) / error).abs() < 1e-6 * (1.0 + t.abs()));
    }

    /// Neither the order of rows, nor a constant added to a unit or a year, nor the unit of
    /// measurement matters.
    #[test]
    fn invariances(case in cases(), shift in -5.0..5.0f64, seed in 1usize..1000) {
        let options = WildBootstrapOptions { draws: 199, ..WildBootstrapOptions::default() };
        let run = |case: &Case| {
            let unit = Labels::new(&case.unit);
            wild_bootstrap(&PanelRows::new(&case.y, &unit, &case.time), &case.treated, &options)
        };
        let result = run(&case);
        prop_assume!(result.effect.p_value.is_some());
        let mut order: Vec<usize> = (0..case.y.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mut mixed = case.clone();
        mixed.y = order.iter().map(|k| case.y[*k]).collect();
        mixed.unit = order.iter().map(|k| case.unit[*k].clone()).collect();
        mixed.time = order.iter().map(|k| case.time[*k]).collect();
        mixed.treated = order.iter().map(|k| case.treated[*k]).collect();
        prop_assert_eq!(&run(&mixed), &result);

        let mut moved = case.clone();
        for row in 0..moved.y.len() {
            moved.y[row] *= 8.0;
            moved.y[row] += if moved.unit[row] == "u3" { shift } else { 0.0 };
            moved.y[row] += if moved.time[row] == 2003.0 { 2.0 * shift } else { 0.0 };
        }
        let other = run(&moved).effect;
        let close = |a: Option<f64>, b: Option<f64>, by: f64| match (a, b) {
            (Some(a), Some(b)) => (a - by * b).abs() <= 1e-6 * (1.0 + b.abs()),
            (a, b) => a == b,
        };
        prop_assert!(close(other.estimate, result.effect.estimate, 8.0));
        prop_assert!(close(other.std_error, result.effect.std_error, 8.0));
        prop_assert_eq!(other.p_value, result.effect.p_value);
        prop_assert!(close(other.conf_low, result.effect.conf_low, 8.0));
        prop_assert!(close(other.conf_high, result.effect.conf_high, 8.0));
    }
}

/// Twelve units of six years, half of them treated from year 3 on, with an effect.
fn twelve(effect: f64) -> (Vec<f64>, Vec<String>, Vec<f64>, Vec<Option<f64>>) {
    let (mut y, mut unit, mut time, mut treated) = (vec![], vec![], vec![], vec![]);
    for u in 0..12usize {
        for t in 0..6usize {
            let on = u % 2 == 0 && t >= 3;
            let noise = ((u * 37 + t * 91 + u * t * 13) % 23) as f64 / 10.0;
            y.push(u as f64 + 0.3 * t as f64 + noise + if on { effect } else { 0.0 });
            unit.push(format!("area {u:02}"));
            time.push(t as f64);
            treated.push(Some(f64::from(on)));
        }
    }
    (y, unit, time, treated)
}

#[test]
fn limits_are_where_the_test_begins_to_reject() {
    let (y, unit, time, treated) = twelve(1.0);
    let unit = Labels::new(&unit);
    for (impose_null, tails, distribution) in [
        (true, WildTails::Symmetric, WildDistribution::Rademacher),
        (false, WildTails::Symmetric, WildDistribution::Webb),
        (true, WildTails::Equal, WildDistribution::Mammen),
        (false, WildTails::Equal, WildDistribution::Normal),
    ] {
        let options = WildBootstrapOptions {
            impose_null,
            tails,
            distribution,
            ..WildBootstrapOptions::default()
        };
        let result = wild_bootstrap(&PanelRows::new(&y, &unit, &time), &treated, &options);
        let (low, high) = (result.effect.conf_low.unwrap(), result.effect.conf_high.unwrap());
        assert!(low < result.effect.estimate.unwrap() && result.effect.estimate.unwrap() < high);
        let width = high - low;
        for (limit, outwards) in [(low, -1.0), (high, 1.0)] {
            // The hypothesis that the effect is τ is that of no effect on y − τ d.
            let p = |null: f64| {
                let y: Vec<f64> =
                    y.iter().zip(&treated).map(|(y, d)| y - null * d.unwrap()).collect();
                let result = wild_bootstrap(&PanelRows::new(&y, &unit, &time), &treated, &options);
                result.effect.p_value.unwrap()
            };
            assert!(p(limit - 1e-6 * outwards * width) > 0.05, "{options:?}");
            assert!(p(limit + 1e-6 * outwards * width) <= 0.05, "{options:?}");
        }
        assert_eq!(result.enumerated, distribution == WildDistribution::Rademacher);
    }
}

#[test]
fn limits_without_the_null_are_symmetric() {
    let (y, unit, time, treated) = twelve(1.0);
    let unit = Labels::new(&unit);
    let options = WildBootstrapOptions { impose_null: false, ..WildBootstrapOptions::default() };
    let effect = wild_bootstrap(&PanelRows::new(&y, &unit, &time), &treated, &options).effect;
    let estimate = effect.estimate.unwrap();
    assert_close(effect.conf_high.unwrap() - estimate, estimate - effect.conf_low.unwrap(), 1e-9);
}

#[test]
fn no_p_value_is_zero() {
    let (y, unit, time, treated) = twelve(1000.0);
    let unit = Labels::new(&unit);
    let rows = PanelRows::new(&y, &unit, &time);
    let all = wild_bootstrap(&rows, &treated, &WildBootstrapOptions::default());
    assert_eq!(all.effect.p_value, Some(2.0 / 4096.0));
    assert!(all.effect.note.unwrap().contains("no draw lies beyond"));
    let options = WildBootstrapOptions { draws: 99, ..WildBootstrapOptions::default() };
    let some = wild_bootstrap(&rows, &treated, &options);
    assert_eq!((some.n_draws, some.enumerated), (99, false));
    assert_eq!(some.effect.p_value, Some(0.01));
}

#[test]
fn few_treated_units_are_told() {
    let (y, unit, time, _) = twelve(1.0);
    let labels = Labels::new(&unit);
    let only = |names: &[&str]| -> WildBootstrap {
        let treated: Vec<Option<f64>> = unit
            .iter()
            .zip(&time)
            .map(|(unit, t)| Some(f64::from(names.contains(&unit.as_str()) && *t >= 3.0)))
            .collect();
        wild_bootstrap(
            &PanelRows::new(&y, &labels, &time),
            &treated,
            &WildBootstrapOptions::default(),
        )
    };
    let one = only(&["area 03"]).effect;
    assert!(one.estimate.is_some());
    assert_eq!((one.std_error, one.statistic, one.p_value), (None, None, None));
    assert_eq!((one.conf_low, one.conf_high), (None, None));
    assert!(one.note.unwrap().contains("with one treated unit"));
    let two = only(&["area 03", "area 04"]).effect;
    assert!(two.p_value.is_some());
    let note = two.note.unwrap();
    assert!(note.contains("2 treated units") && note.contains("rejects too rarely"), "{note}");
}

#[test]
fn what_cannot_be_done_has_a_reason() {
    let (y, unit, time, treated) = twelve(1.0);
    let labels = Labels::new(&unit);
    let default = WildBootstrapOptions::default();
    let why = |rows: &PanelRows<'_>, treated: &[Option<f64>], options: &WildBootstrapOptions| {
        let result = wild_bootstrap(rows, treated, options);
        assert_eq!((result.effect.estimate, result.effect.p_value), (None, None));
        reason(result.effect.reason)
    };
    let rows = PanelRows::new(&y, &labels, &time);
    let n = y.len();
    assert!(why(&rows, &vec![Some(0.0); n], &default).contains("no unit is treated"));
    assert!(why(&rows, &vec![Some(1.0); n], &default).contains("every unit is treated"));
    assert!(why(&rows, &vec![Some(0.5); n], &default).contains("treated is 0.5"));
    assert!(why(&rows, &vec![None; n], &default).contains("of no unit"));
    let at_once: Vec<Option<f64>> = time.iter().map(|t| Some(f64::from(*t > 2.0))).collect();
    assert!(why(&rows, &at_once, &default).contains("leave nothing of the treatment"));
    let constant = vec![7.7; n];
    let flat = PanelRows::new(&constant, &labels, &time);
    assert!(why(&flat, &treated, &default).contains("leave nothing of the outcome"));
    let country = Labels::new(&vec!["x"; n]);
    let one = PanelRows { cluster: Some(&country), ..rows.clone() };
    assert!(why(&one, &treated, &default).contains("there is one cluster"));
    let options = WildBootstrapOptions { draws: 0, ..default.clone() };
    assert!(why(&rows, &treated, &options).contains("draws is 0"));
    let options = WildBootstrapOptions { conf_level: 95.0, ..default.clone() };
    assert!(why(&rows, &treated, &options).contains("conf_level is 95"));
    let first = PanelRows::new(&y[..6], &labels, &time[..6]);
    assert!(why(&first, &treated, &default).contains("6 outcomes and 72 units"));
    let first = Labels::new(&unit[..6]);
    let first = PanelRows::new(&y[..6], &first, &time[..6]);
    assert!(why(&first, &treated[..6], &default).contains("there is one unit"));
    let mut infinite = y.clone();
    infinite[3] = f64::INFINITY;
    let infinite = PanelRows::new(&infinite, &labels, &time);
    assert!(why(&infinite, &treated, &default).contains("the outcome is inf"));
    let huge: Vec<f64> = y.iter().map(|y| y * 1e307).collect();
    let huge = PanelRows::new(&huge, &labels, &time);
    assert!(why(&huge, &treated, &default).contains("too large"));

    // An outcome that treatment explains wholly has an estimate and no error.
    let exact: Vec<f64> = treated.iter().map(|d| 2.0 * d.unwrap()).collect();
    let exact = wild_bootstrap(&PanelRows::new(&exact, &labels, &time), &treated, &default).effect;
    assert_close(exact.estimate.unwrap(), 2.0, 1e-12);
    assert_eq!((exact.std_error, exact.p_value), (None, None));
    assert!(exact.note.unwrap().contains("leave no residuals"));
}

#[test]
fn covariates_that_say_nothing_more_are_told() {
    let (y, unit, time, treated) = twelve(1.0);
    let labels = Labels::new(&unit);
    let (twice, plain): (Vec<f64>, Vec<f64>) =
        (0..y.len()).map(|k| ((k * 29 % 17) as f64, (k * 29 % 17) as f64 / 2.0 + 1.0)).unzip();
    let covariates = [twice.as_slice(), plain.as_slice(), time.as_slice()];
    let rows = PanelRows { covariates: &covariates, ..PanelRows::new(&y, &labels, &time) };
    let options = WildBootstrapOptions { draws: 99, ..WildBootstrapOptions::default() };
    let three = wild_bootstrap(&rows, &treated, &options).effect;
    assert!(three.note.unwrap().contains("2 covariates left out"));
    let one = PanelRows { covariates: &covariates[..1], ..rows };
    let one = wild_bootstrap(&one, &treated, &options).effect;
    assert_close(three.estimate.unwrap(), one.estimate.unwrap(), 1e-12);
    assert_close(three.std_error.unwrap(), one.std_error.unwrap(), 1e-12);
}
