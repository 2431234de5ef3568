use super::*;
use crate::least_squares;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Rows of a panel, with what a test may need.
#[derive(Clone, Debug, Default)]
struct Case {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    weights: Vec<f64>,
    covariate: Vec<f64>,
}

impl Case {
    fn run(&self, kind: Kind, options: &PermutationOptions<'_>) -> PermutationTest {
        let unit = Labels::new(&self.unit);
        let covariates = [self.covariate.as_slice()];
        permutation_test(&self.rows(&unit, &covariates, kind), &self.treated, options)
    }

    fn rows<'a>(
        &'a self,
        unit: &'a Labels,
        covariates: &'a [&'a [f64]],
        kind: Kind,
    ) -> PanelRows<'a> {
        PanelRows {
            weights: kind.weighted.then_some(&self.weights),
            covariates: if kind.covariate { covariates } else { &[] },
            ..PanelRows::new(&self.y, unit, &self.time)
        }
    }

    /// The same data under the hypothesis of an effect of this size.
    fn without(&self, effect: f64) -> Self {
        let rows = self.y.iter().zip(&self.treated);
        let y = rows.map(|(y, d)| y - effect * d.unwrap()).collect();
        Self { y, ..self.clone() }
    }
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    weighted: bool,
    covariate: bool,
}

const PLAIN: Kind = Kind { weighted: false, covariate: false };

/// Six units of four years: two treated from year 2 on, one from year 1; some rows may be missing.
fn cases(gaps: bool) -> impl Strategy<Value = Case> {
    let row = (-10.0..10.0f64, 0.2..3.0f64, -2.0..2.0f64, 0..10u8);
    proptest::collection::vec(row, 24).prop_map(move |rows| {
        let mut case = Case::default();
        for (k, (y, weight, covariate, gone)) in rows.into_iter().enumerate() {
            let (unit, time) = (k / 4, k % 4);
            if gaps && gone == 0 {
                continue;
            }
            case.y.push(y);
            case.unit.push(format!("u{unit}"));
            case.time.push(time as f64);
            let from = [2, 2, 1, 9, 9, 9][unit];
            case.treated.push(Some(f64::from(time >= from)));
            case.weights.push(weight);
            case.covariate.push(covariate);
        }
        case
    })
}

/// The coefficient of an assignment, and its error by unit, from a fit on dummies.
fn slow(panel: &Panel, design: &Design, codes: &[u32]) -> Option<(f64, f64)> {
    let dummies = |codes: &[u32], n: usize, from: u32| -> Vec<Vec<f64>> {
        (from..n as u32).map(|k| codes.iter().map(|c| f64::from(*c == k)).collect()).collect()
    };
    let mut columns = dummies(&panel.unit, panel.n_units(), 0);
    columns.extend(dummies(&panel.time, panel.n_times(), 1));
    columns.extend(panel.covariates.iter().cloned());
    let path = |unit: u32| &design.paths[codes[unit as usize] as usize];
    let rows = panel.unit.iter().zip(&panel.time);
    columns.push(rows.map(|(unit, time)| path(*unit)[*time as usize]).collect());
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let weights = panel.weights.as_deref();
    let fit = least_squares::fit(&slices, &panel.y, weights)?;
    let scores = crate::inference::cluster::scores(
        &columns,
        &fit.residuals,
        weights,
        &panel.cluster,
        panel.n_clusters,
    );
    let last = columns.len() - 1;
    let variance = crate::inference::cluster::sandwich(&fit.unscaled, &scores)[last][last];
    let g = panel.n_clusters as f64;
    Some((fit.coefficients[last], (variance * g / (g - 1.0)).sqrt()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every assignment fitted by itself gives the same coefficients, errors and p-values; sums
    /// give the same as fits.
    #[test]
    fn assignments_equal_refits(
        plain in cases(false),
        gaps in cases(true),
        balanced in any::<bool>(),
        weighted in any::<bool>(),
        covariate in any::<bool>(),
        null in -3.0..3.0f64,
    ) {
        let case = if balanced { plain } else { gaps };
        let kind = Kind { weighted, covariate };
        let (unit, covariates) = (Labels::new(&case.unit), [case.covariate.as_slice()]);
        let null_case = case.without(null);
        let rows = case.rows(&unit, &covariates, kind);
        let panel = Panel::new(&rows).unwrap();
        let null_panel = Panel::new(&null_case.rows(&unit, &covariates, kind)).unwrap();
        let treated: Vec<f64> =
            panel.arrange(&case.treated).into_iter().map(|d| d.unwrap()).collect();
        let Ok(design) = Design::new(&panel, &treated, None) else { return Ok(()) };
        let fit = TreatmentFit::new(&panel, treated, &panel.y, &mut Notes::default());
        let Ok(fit) = fit else { return Ok(()) };
        let (mut n, mut count) = (0.0, 0.0);
        let Some((data, _)) = slow(&panel, &design, &design.codes) else { return Ok(()) };
        for codes in design.all() {
            let Some((b, error)) = slow(&null_panel, &design, &codes) else { return Ok(()) };
            if b.abs() > 1e3 || error < 1e-6 {
                return Ok(());
            }
            for statistic in [
                Statistic::regression(&fit, &design, false),
                Statistic::fits(&fit, &design, false),
                Statistic::fits(&fit, &design, true),
            ] {
                let ratio = statistic.of(&codes).unwrap();
                let ours = ratio.a + ratio.b * null;
                prop_assert!((ours - b).abs() < 1e-8 * (1.0 + b.abs()), "{} is not {}", ours, b);
            }
            let t = Statistic::regression(&fit, &design, true).of(&codes).unwrap();
            let t = t.at(null, 0.0).unwrap();
            prop_assert!((t - b / error).abs() < 1e-6 * (1.0 + t.abs()));
            n += 1.0;
            let Some((b, _)) = slow(&panel, &design, &codes) else { return Ok(()) };
            count += f64::from(b.abs() >= data.abs() * (1.0 - 1e-9));
        }
        let test = case.run(kind, &PermutationOptions::default());
        prop_assert!(test.exact);
        prop_assert_eq!(test.n_assignments, Some(n));
        prop_assert!((test.effect.p_value.unwrap() - count / n).abs() < 1e-12);
        prop_assert!((test.effect.estimate.unwrap() - data).abs() < 1e-8 * (1.0 + data.abs()));
    }

    /// At each limit the p-value of the hypothesis, run as a test of its own, crosses the level.
    #[test]
    fn limits_are_where_the_test_begins_to_reject(
        case in cases(false),
        statistic in prop_oneof![
            Just(PermutationStatistic::DidTwfe), Just(PermutationStatistic::Studentised)
        ],
        alternative in prop_oneof![
            Just(Alternative::TwoSided), Just(Alternative::Greater), Just(Alternative::Less)
        ],
        drawn in any::<bool>(),
    ) {
        let mut case = case;
        if drawn {
            // Eighteen units: more assignments than are gone through.
            let n = case.y.len();
            for row in 0..2 * n {
                case.y.push(case.y[(row * 7 + 3) % n] * 1.3 + case.covariate[row * 5 % n]);
                case.unit.push(format!("v{}", row / 4));
                case.time.push(case.time[row % n]);
                case.treated.push(case.treated[row % n]);
            }
        }
        let options = PermutationOptions {
            statistic,
            alternative,
            conf_level: 0.8,
            draws: 199,
            ..PermutationOptions::default()
        };
        let test = case.run(PLAIN, &options);
        prop_assert_eq!(test.exact, !drawn);
        let effect = test.effect;
        let width = effect.estimate.unwrap().abs() + 1.0;
        if statistic == PermutationStatistic::DidTwfe {
            prop_assert_eq!(effect.conf_low.is_some(), alternative != Alternative::Less);
            prop_assert_eq!(effect.conf_high.is_some(), alternative != Alternative::Greater);
        }
        for (limit, outwards) in [(effect.conf_low, -1.0), (effect.conf_high, 1.0)] {
            let Some(limit) = limit else { continue };
            let p = |null: f64| case.without(null).run(PLAIN, &options).effect.p_value.unwrap();
            prop_assert!(p(limit - 1e-7 * outwards * width) > 0.2);
            prop_assert!(p(limit + 1e-7 * outwards * width) <= 0.2 + 1e-12);
        }
    }

    /// Neither the order of rows, nor a constant added to a unit or a year, nor the unit of
    /// measurement matters.
    #[test]
    fn invariances(case in cases(true), shift in -5.0..5.0f64, seed in 1usize..1000) {
        for kind in [PLAIN, Kind { weighted: true, covariate: true }] {
            let options = PermutationOptions::default();
            let test = case.run(kind, &options);
            prop_assume!(test.effect.p_value.is_some());
            let mut order: Vec<usize> = (0..case.y.len()).collect();
            order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
            let take = |column: &[f64]| -> Vec<f64> { order.iter().map(|k| column[*k]).collect() };
            let mixed = Case {
                y: take(&case.y),
                unit: order.iter().map(|k| case.unit[*k].clone()).collect(),
                time: take(&case.time),
                treated: order.iter().map(|k| case.treated[*k]).collect(),
                weights: take(&case.weights),
                covariate: take(&case.covariate),
            };
            prop_assert_eq!(&mixed.run(kind, &options), &test);

            let mut moved = case.clone();
            for row in 0..moved.y.len() {
                moved.y[row] *= 4.0;
                moved.y[row] += if moved.unit[row] == "u3" { shift } else { 0.0 };
                moved.y[row] += if moved.time[row] == 2.0 { 2.0 * shift } else { 0.0 };
            }
            let other = moved.run(kind, &options);
            prop_assert_eq!(other.effect.p_value, test.effect.p_value);
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - 4.0 * b).abs() <= 1e-7 * (1.0 + b.abs()),
                (a, b) => a == b,
            };
            prop_assert!(close(other.effect.estimate, test.effect.estimate));
            prop_assert!(close(other.effect.conf_low, test.effect.conf_low));
            prop_assert!(close(other.effect.conf_high, test.effect.conf_high));
        }
    }

    /// The exact share by halves and that of many draws differ by the error of the draws.
    #[test]
    fn halves_agree_with_draws(
        noise in proptest::collection::vec(-10.0..10.0f64, 80),
        alternative in prop_oneof![
            Just(Alternative::TwoSided), Just(Alternative::Greater), Just(Alternative::Less)
        ],
    ) {
        let mut case = Case::default();
        for (k, y) in noise.iter().enumerate() {
            let (unit, time) = (k / 4, k % 4);
            let on = unit < 8 && time >= 2;
            case.y.push(y + if on { 3.0 } else { 0.0 });
            case.unit.push(format!("u{unit:02}"));
            case.time.push(time as f64);
            case.treated.push(Some(f64::from(on)));
        }
        let options =
            PermutationOptions { alternative, draws: 20_000, ..PermutationOptions::default() };
        let exact = case.run(PLAIN, &options);
        prop_assert!(exact.exact);
        prop_assert_eq!(exact.n_assignments, Some(125_970.0));
        // Weights take the way of draws.
        let p = exact.effect.p_value.unwrap();
        case.weights = vec![1.0; 80];
        let drawn = case.run(Kind { weighted: true, covariate: false }, &options);
        prop_assert!(!drawn.exact);
        let error = (p * (1.0 - p) / 20_000.0).sqrt() + 1e-4;
        prop_assert!((drawn.effect.p_value.unwrap() - p).abs() < 5.0 * error);
        let at = |limit: f64, outwards: f64| {
            let p = |null: f64| case.without(null).run(PLAIN, &options).effect.p_value.unwrap();
            p(limit - 1e-7 * outwards) > 0.05 && p(limit + 1e-7 * outwards) <= 0.05
        };
        let (low, high) = (exact.effect.conf_low, exact.effect.conf_high);
        prop_assert!(low.is_none_or(|low| at(low, -1.0)) && high.is_none_or(|high| at(high, 1.0)));
        prop_assert!(low.is_some() || high.is_some());
    }
}

/// So many units of six years, the first of them treated from year 3 on, with an effect.
fn areas(n: usize, n_treated: usize, effect: f64) -> Case {
    let mut case = Case::default();
    for u in 0..n {
        for t in 0..6 {
            let on = u < n_treated && t >= 3;
            let noise = ((u * 37 + t * 91 + u * t * 13) % 23) as f64 / 10.0;
            case.y.push(u as f64 + 0.3 * t as f64 + noise + if on { effect } else { 0.0 });
            case.unit.push(format!("area {u:03}"));
            case.time.push(t as f64);
            case.treated.push(Some(f64::from(on)));
            case.weights.push(1.0 + u as f64);
        }
    }
    case
}

#[test]
fn one_treated_unit_is_ranked() {
    let test = areas(25, 1, 20.0).run(PLAIN, &PermutationOptions::default());
    assert_eq!((test.exact, test.rank, test.n_treated), (true, Some(1), 1));
    assert_eq!(test.effect.p_value, Some(1.0 / 25.0));
    assert_eq!(test.effect.std_error, None);
    let note = test.effect.note.unwrap();
    assert!(note.contains("its rank is 1 of 25, and no p-value below 1/25"), "{note}");
    // With 25 units an effect can be rejected at 5 %, with 19 it cannot.
    assert!(test.effect.conf_low.is_some() && test.effect.conf_high.is_some());
    let test = areas(19, 1, 20.0).run(PLAIN, &PermutationOptions::default());
    assert_eq!((test.effect.p_value, test.rank), (Some(1.0 / 19.0), Some(1)));
    assert_eq!((test.effect.conf_low, test.effect.conf_high), (None, None));
    assert!(test.effect.note.unwrap().contains("a limit is missing"));
    let options = PermutationOptions {
        statistic: PermutationStatistic::Studentised,
        ..PermutationOptions::default()
    };
    let test = areas(25, 1, 20.0).run(PLAIN, &options);
    assert!(test.effect.estimate.is_some());
    assert_eq!((test.effect.p_value, test.effect.statistic), (None, None));
    assert!(test.effect.note.unwrap().contains("with one treated unit"));
}

/// Two blocks by hand: changes 5 (treated), 1, 2 and 4.
#[test]
fn a_difference_in_means_by_hand() {
    let mut case = Case::default();
    for (unit, change) in [5.0, 1.0, 2.0, 4.0].into_iter().enumerate() {
        for (time, y) in [(0.0, 10.0), (1.0, 12.0), (2.0, 11.0 + change)] {
            case.y.push(y);
            case.unit.push(format!("u{unit}"));
            case.time.push(time);
            case.treated.push(Some(f64::from(unit == 0 && time == 2.0)));
        }
    }
    let options = PermutationOptions {
        statistic: PermutationStatistic::DifferenceInMeans,
        conf_level: 0.6,
        ..PermutationOptions::default()
    };
    let test = case.run(PLAIN, &options);
    assert_close(test.effect.estimate.unwrap(), 5.0 - 7.0 / 3.0, 1e-13);
    // The others would have had 1 − 11/3, 2 − 10/3 and 4 − 8/3: one is as far from zero.
    assert_eq!((test.effect.p_value, test.rank), (Some(0.5), Some(2)));
    // Where unit i is as extreme as the first: b = −8/3, −4/3, 4/3 and c = −1/3 for all of them;
    // with b₀ = 8/3, f = b + b₀/3 = −16/9, −4/9, 20/9: δ from above |f|/(1 + 1/3) = 4/3, 1/3 and
    // 20/9/(1 − 1/3) = 10/3. At 60 % the limit is the second largest of ∞, 10/3, 4/3, 1/3.
    assert_close(test.effect.conf_high.unwrap(), 8.0 / 3.0 + 10.0 / 3.0, 1e-12);
    let other = PermutationOptions { statistic: PermutationStatistic::DidTwfe, ..options };
    let twfe = case.run(PLAIN, &other).effect;
    assert_close(twfe.estimate.unwrap(), test.effect.estimate.unwrap(), 1e-12);
    assert!((twfe.conf_low.unwrap() - test.effect.conf_low.unwrap()).abs() < 1e-12);
    assert_close(twfe.conf_high.unwrap(), test.effect.conf_high.unwrap(), 1e-12);
}

#[test]
fn strata_keep_their_paths() {
    let case = areas(12, 3, 1.0);
    let layers: Vec<String> =
        case.unit.iter().map(|name| (name < &"area 006".to_owned()).to_string()).collect();
    let layers = Labels::new(&layers);
    let options = PermutationOptions { stratum: Some(&layers), ..PermutationOptions::default() };
    let test = case.run(PLAIN, &options);
    assert_eq!(test.n_assignments, Some(20.0));
    assert!(test.effect.method.unwrap().contains("within strata"));
    let short = Labels::new(&["a"]);
    let options = PermutationOptions { stratum: Some(&short), ..PermutationOptions::default() };
    assert!(reason(case.run(PLAIN, &options).effect.reason).contains("72 outcomes and 1 strata"));
}

#[test]
fn equal_populations_leave_the_plain_test() {
    let case = areas(40, 3, 1.0);
    let run = |population: Vec<f64>, alternative| {
        let options = PermutationOptions {
            population: Some(&population),
            alternative,
            draws: 9_999,
            ..PermutationOptions::default()
        };
        case.run(PLAIN, &options).effect
    };
    let plain = case.run(PLAIN, &PermutationOptions::default());
    assert!(plain.exact);
    let even = run(vec![7.0; case.y.len()], Alternative::TwoSided);
    let (a, b) = (plain.effect.p_value.unwrap(), even.p_value.unwrap());
    assert!((a - b).abs() < 4.0 * (a * (1.0 - a) / 9_999.0).sqrt() + 1e-4, "{a} {b}");
    assert!((plain.effect.conf_high.unwrap() - even.conf_high.unwrap()).abs() < 0.05);

    // The noise of small areas is large: an effect on one of them is no surprise, one on a large
    // area is.
    let mut loud = case.clone();
    for (row, y) in loud.y.iter_mut().enumerate() {
        let unit = row / 6;
        let noise = ((row * row * 31 + 7 * row) % 19) as f64 - 9.0;
        *y += if unit % 2 == 0 { noise } else { 0.05 * noise };
    }
    let population: Vec<f64> =
        (0..loud.y.len()).map(|row| if row / 6 % 2 == 0 { 1.0 } else { 400.0 }).collect();
    let p = |unit: usize, population: Option<&[f64]>| {
        let mut case = loud.clone();
        for row in 0..case.y.len() {
            let on = row / 6 == unit && row % 6 >= 3;
            case.treated[row] = Some(f64::from(on));
            case.y[row] += if on { 4.0 } else { 0.0 };
        }
        let options = PermutationOptions { population, ..PermutationOptions::default() };
        case.run(PLAIN, &options).effect.p_value.unwrap()
    };
    assert!(p(21, Some(&population)) < 0.5 * p(21, None));
    let note = run(population.clone(), Alternative::Greater).note.unwrap();
    assert!(note.contains("largest is 400.0 times the smallest"), "{note}");
}

#[test]
fn what_cannot_be_done_has_a_reason() {
    let case = areas(12, 3, 1.0);
    let n = case.y.len();
    let default = PermutationOptions::default();
    let means = PermutationOptions {
        statistic: PermutationStatistic::DifferenceInMeans,
        ..PermutationOptions::default()
    };
    let why = |case: &Case, kind, options: &PermutationOptions<'_>| {
        let test = case.run(kind, options);
        assert_eq!((test.effect.estimate, test.effect.p_value), (None, None));
        reason(test.effect.reason)
    };
    let treated = |treated: Vec<Option<f64>>| Case { treated, ..case.clone() };
    for options in [&default, &means] {
        assert!(why(&treated(vec![Some(0.0); n]), PLAIN, options).contains("no unit is treated"));
        assert!(
            why(&treated(vec![Some(1.0); n]), PLAIN, options).contains("every unit is treated")
        );
        assert!(why(&treated(vec![None; n]), PLAIN, options).contains("of no unit"));
        let flat = Case { y: vec![3.3; n], ..case.clone() };
        assert!(why(&flat, PLAIN, options).starts_with("cannot be calculated because"));
        let mut infinite = case.clone();
        infinite.y[5] = f64::NAN;
        assert!(why(&infinite, PLAIN, options).contains("the outcome is NaN"));
        let huge = Case { y: case.y.iter().map(|y| y * 1e307).collect(), ..case.clone() };
        assert!(why(&huge, PLAIN, options).contains("too large"));
    }
    let late = treated(case.time.iter().map(|t| Some(f64::from(*t > 2.0))).collect());
    assert!(why(&late, PLAIN, &default).contains("leave nothing of the treatment"));
    assert!(why(&late, PLAIN, &means).contains("every unit"));
    let weighted = Kind { weighted: true, covariate: false };
    assert!(why(&case, weighted, &means).contains("takes neither weights nor covariates"));
    let mut staggered = case.clone();
    staggered.treated[2] = Some(1.0);
    assert!(why(&staggered, PLAIN, &means).contains("treatment begins in 2 and in 3"));
    let mut ends = case.clone();
    ends.treated[5] = Some(0.0);
    assert!(why(&ends, PLAIN, &means).contains("the treatment of area 000 ends"));
    assert!(ends.run(PLAIN, &default).effect.estimate.is_some());
    let population = vec![1.0; n];
    let rescaled = PermutationOptions { population: Some(&population), ..means };
    assert!(why(&case, PLAIN, &rescaled).contains("population takes the statistic did_twfe"));
    let population = vec![0.0; n];
    let rescaled = PermutationOptions { population: Some(&population), ..default };
    assert!(why(&case, PLAIN, &rescaled).contains("population is 0 (it must be above zero)"));
    let rescaled = PermutationOptions { population: Some(&population[1..]), ..default };
    assert!(why(&case, PLAIN, &rescaled).contains("72 rows and 71 of population"));
    let options = PermutationOptions { draws: 0, ..default };
    assert!(why(&case, PLAIN, &options).contains("draws is 0"));
    let alone = Labels::new(&case.unit);
    let options = PermutationOptions { stratum: Some(&alone), ..default };
    assert!(why(&case, PLAIN, &options).contains("there is one assignment only"));
}

/// The entry for other methods gives what the test gives.
#[test]
fn randomisation_for_other_methods() {
    let case = areas(40, 6, 1.0);
    let unit = Labels::new(&case.unit);
    let panel = Panel::new(&PanelRows::new(&case.y, &unit, &case.time)).unwrap();
    let treated: Vec<f64> = panel.arrange(&case.treated).into_iter().map(|d| d.unwrap()).collect();
    let options = PermutationOptions::default();
    let found = of_panel(&panel, &treated, &options, &mut Notes::default()).unwrap();
    let test = case.run(PLAIN, &PermutationOptions::default());
    assert_eq!(found.effect.p_value, test.effect.p_value);
    let limits = |effect: &Effect| (effect.conf_low, effect.conf_high);
    assert_eq!(limits(&found.effect), limits(&test.effect));
    assert!(found.exact && found.n_assignments == Some(3_838_380.0));
}
