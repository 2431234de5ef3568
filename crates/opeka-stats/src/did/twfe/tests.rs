use super::*;
use crate::effect::labels::Labels;
use crate::least_squares;
use crate::permutation_test;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// A panel in columns, with a slow answer of its own: dummies for everything.
#[derive(Clone, Debug)]
struct Data {
    unit: Vec<u8>,
    time: Vec<f64>,
    y: Vec<f64>,
    treated: Vec<f64>,
    x: Vec<f64>,
    weight: Vec<f64>,
    cluster: Vec<u8>,
}

impl Data {
    fn run(&self, weighted: bool, options: &TwfeOptions) -> Twfe {
        let names: Vec<String> = self.unit.iter().map(u8::to_string).collect();
        let clusters: Vec<String> = self.cluster.iter().map(u8::to_string).collect();
        let treated: Vec<Option<f64>> = self.treated.iter().copied().map(Some).collect();
        let (unit, cluster) = (Labels::new(&names), Labels::new(&clusters));
        let rows = PanelRows {
            weights: weighted.then_some(&self.weight),
            covariates: &[&self.x],
            cluster: Some(&cluster),
            ..PanelRows::new(&self.y, &unit, &self.time)
        };
        did_twfe(&rows, &treated, options)
    }

    fn reordered(&self, order: &[usize]) -> Self {
        let codes = |column: &[u8]| order.iter().map(|row| column[*row]).collect();
        let take = |column: &[f64]| order.iter().map(|row| column[*row]).collect();
        Self {
            unit: codes(&self.unit),
            time: take(&self.time),
            y: take(&self.y),
            treated: take(&self.treated),
            x: take(&self.x),
            weight: take(&self.weight),
            cluster: codes(&self.cluster),
        }
    }

    /// Treatment and covariate, then dummies as far as they are independent.
    fn design(&self, left_out: Option<u8>) -> (Vec<Vec<f64>>, Vec<usize>) {
        let rows: Vec<usize> =
            (0..self.y.len()).filter(|row| Some(self.cluster[*row]) != left_out).collect();
        let dummy = |same: &dyn Fn(usize) -> bool| -> Vec<f64> {
            rows.iter().map(|row| f64::from(u8::from(same(*row)))).collect()
        };
        let mut all = vec![
            rows.iter().map(|row| self.treated[*row]).collect::<Vec<f64>>(),
            rows.iter().map(|row| self.x[*row]).collect(),
        ];
        for unit in 0..=u8::MAX {
            if self.unit.contains(&unit) {
                all.push(dummy(&|row| self.unit[row] == unit));
            }
        }
        for time in 1..20 {
            all.push(dummy(&|row| self.time[row] == f64::from(time)));
        }
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let y = vec![0.0; rows.len()];
        for column in all {
            columns.push(column);
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            if columns.last().is_some_and(|c| c.iter().all(|v| *v == 0.0))
                || least_squares::fit(&slices, &y, None).is_none()
            {
                columns.pop();
            }
        }
        (columns, rows)
    }

    /// The regression on dummies, its CR0 and what leaving each cluster out changes.
    fn slowly(&self, weighted: bool) -> Option<Slow> {
        let fit = |left_out: Option<u8>| {
            let (columns, rows) = self.design(left_out);
            let y: Vec<f64> = rows.iter().map(|row| self.y[*row]).collect();
            let w: Vec<f64> = rows.iter().map(|row| self.weight[*row]).collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let fit = least_squares::fit(&slices, &y, weighted.then_some(&w))?;
            // Treatment must not be explained: the first column comes first, so look at the rest.
            let last: Vec<&[f64]> = slices[1..].to_vec();
            let rest = least_squares::fit(&last, &columns[0], weighted.then_some(&w))?;
            (rest.rss > 1e-6).then_some((fit, columns))
        };
        let (whole, columns) = fit(None)?;
        let row_weight = |row: usize| if weighted { self.weight[row] } else { 1.0 };
        let mut clusters: Vec<u8> = self.cluster.clone();
        clusters.sort_unstable();
        clusters.dedup();
        let (mut cr0, mut jackknife) = (0.0, Some(0.0));
        for cluster in &clusters {
            let mut influence = 0.0;
            for row in (0..self.y.len()).filter(|row| self.cluster[*row] == *cluster) {
                for (a, column) in whole.unscaled[0].iter().zip(&columns) {
                    influence += a * column[row] * row_weight(row) * whole.residuals[row];
                }
            }
            cr0 += influence * influence;
            let change = fit(Some(*cluster))
                .map(|(fit, _)| fit.coefficients[0] - whole.coefficients[0])
                .map(|change| change * change);
            jackknife = jackknife.and_then(|sum| Some(sum + change?));
        }
        Some(Slow {
            coefficient: whole.coefficients[0],
            iid: (whole.df > 0.0).then(|| whole.std_error(0)),
            cr0: cr0.sqrt(),
            jackknife: jackknife.map(f64::sqrt),
            n_columns: columns.len(),
        })
    }
}

struct Slow {
    coefficient: f64,
    iid: Option<f64>,
    cr0: f64,
    jackknife: Option<f64>,
    n_columns: usize,
}

/// Random panels with gaps, treatment that comes and goes, weights, and clusters of two units.
fn data() -> impl Strategy<Value = Data> {
    let row = (0.0..1.0f64, -10.0..10.0f64, -3.0..3.0f64, 0.2..4.0f64, 0.0..1.0f64);
    proptest::collection::vec(row, 40).prop_map(|rows| {
        let mut data = Data {
            unit: Vec::new(),
            time: Vec::new(),
            y: Vec::new(),
            treated: Vec::new(),
            x: Vec::new(),
            weight: Vec::new(),
            cluster: Vec::new(),
        };
        for (k, (keep, y, x, weight, treated)) in rows.into_iter().enumerate() {
            let (unit, time) = ((k / 5) as u8, k % 5);
            if keep < 0.15 {
                continue;
            }
            data.unit.push(unit);
            data.time.push(time as f64 + 1.0);
            data.y.push(y);
            data.treated.push(f64::from(u8::from(treated < 0.4)));
            data.x.push(x);
            data.weight.push(weight);
            data.cluster.push(unit / 2);
        }
        data
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_a_regression_on_dummies(data in data(), weighted in any::<bool>()) {
        let slow = data.slowly(weighted);
        prop_assume!(slow.is_some());
        let Some(slow) = slow else { return Ok(()) };
        let run = |errors| {
            data.run(weighted, &TwfeOptions { errors, ..TwfeOptions::default() })
        };
        let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-7 * (1.0 + b.abs()));
        let cr0 = run(Errors::Cr0);
        prop_assert!(close(cr0.effect.estimate, slow.coefficient));
        prop_assert!(close(cr0.effect.std_error, slow.cr0));
        // With a connected panel both count the same columns.
        let connected = slow.n_columns == 2 + 8 + 5 - 1;
        if let Some(iid) = slow.iid.filter(|_| connected) {
            prop_assert!(close(run(Errors::Iid).effect.std_error, iid));
        }
        let cr3 = run(Errors::Cr3);
        match slow.jackknife {
            Some(jackknife) => prop_assert!(close(cr3.effect.std_error, jackknife)),
            None => prop_assert!(cr3.effect.std_error.is_none()),
        }
    }

    #[test]
    fn the_order_of_rows_is_nothing(data in data(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..data.y.len()).collect();
        crate::random::Random::new(seed, 0).shuffle(&mut order);
        for errors in [Errors::Cluster, Errors::Cr2, Errors::Cr3, Errors::Hc1, Errors::TwoWay] {
            let options = TwfeOptions { errors, ..TwfeOptions::default() };
            prop_assert_eq!(
                data.run(true, &options),
                data.reordered(&order).run(true, &options)
            );
        }
    }

    /// What is added to a unit or a time is nothing, and a scale is a scale.
    #[test]
    fn effects_of_units_and_times_go(data in data(), scale in 0.1..10.0f64) {
        let mut other = data.clone();
        for row in 0..data.y.len() {
            other.y[row] = scale * data.y[row]
                + 7.0 * f64::from(data.unit[row]) - 3.0 * data.time[row] * data.time[row];
        }
        for errors in [Errors::Cluster, Errors::Cr2] {
            let options = TwfeOptions { errors, ..TwfeOptions::default() };
            let (a, b) = (data.run(false, &options).effect, other.run(false, &options).effect);
            for (a, b) in [(a.estimate, b.estimate), (a.std_error, b.std_error)] {
                match (a, b) {
                    (Some(a), Some(b)) => prop_assert!((scale * a - b).abs() < 1e-7 * (1.0 + b.abs())),
                    (a, b) => prop_assert_eq!(a.is_some(), b.is_some()),
                }
            }
        }
    }

    /// Weights that are all alike are none, for each kind of error.
    #[test]
    fn equal_weights_are_none(data in data()) {
        let mut alike = data.clone();
        alike.weight.iter_mut().for_each(|weight| *weight = 2.5);
        for errors in [Errors::Cluster, Errors::Cr2, Errors::Cr3, Errors::Hc1, Errors::Iid] {
            for degrees in [Degrees::OfErrors, Degrees::Satterthwaite] {
                let options = TwfeOptions { errors, degrees, ..TwfeOptions::default() };
                let (a, b) = (data.run(false, &options), alike.run(true, &options));
                for (a, b) in [(a.effect.estimate, b.effect.estimate), (a.df, b.df),
                    (a.effect.std_error, b.effect.std_error)]
                {
                    match (a, b) {
                        (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()),
                            "{:?} {:?} {} {}", errors, degrees, a, b),
                        (a, b) => prop_assert_eq!(a.is_some(), b.is_some()),
                    }
                }
            }
        }
    }
}

/// Units a, b, … with outcomes at times 1, 2, …, treated from a time on.
fn run(rows: &[(&str, f64, f64, f64)], options: &TwfeOptions) -> Twfe {
    let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let time: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
    let treated: Vec<Option<f64>> = rows.iter().map(|row| Some(row.3)).collect();
    did_twfe(&PanelRows::new(&y, &Labels::new(&names), &time), &treated, options)
}

const FOUR: [(&str, f64, f64, f64); 8] = [
    ("a", 1.0, 10.0, 0.0),
    ("a", 2.0, 16.0, 1.0),
    ("b", 1.0, 12.0, 0.0),
    ("b", 2.0, 16.0, 1.0),
    ("c", 1.0, 9.0, 0.0),
    ("c", 2.0, 10.0, 0.0),
    ("d", 1.0, 8.0, 0.0),
    ("d", 2.0, 11.0, 0.0),
];

#[test]
fn two_times_and_two_groups_by_hand() {
    // Changes are 6 and 4 against 1 and 3: the difference is 3, the variances are 2 and 2.
    let of = |errors| run(&FOUR, &TwfeOptions { errors, ..TwfeOptions::default() });
    let cr2 = of(Errors::Cr2);
    assert_close(cr2.effect.estimate.unwrap(), 3.0, 1e-14);
    assert_close(cr2.effect.std_error.unwrap(), 2f64.sqrt(), 1e-12);
    assert_close(cr2.df.unwrap(), 2.0, 1e-10);
    assert_close(of(Errors::Cr3).effect.std_error.unwrap(), 2.0, 1e-12);
    assert_close(of(Errors::Cr0).effect.std_error.unwrap(), 1.0, 1e-12);
    // 4/3 × 7/(8 − 3): one regressor, two times.
    let cr1 = of(Errors::Cluster);
    assert_close(cr1.effect.std_error.unwrap(), (4.0 / 3.0 * 7.0 / 5.0f64).sqrt(), 1e-12);
    assert_close(of(Errors::Iid).effect.std_error.unwrap(), 2f64.sqrt(), 1e-12);
    assert_eq!(of(Errors::Iid).df, Some(2.0));
    assert_eq!((cr1.n_treated, cr1.n_clusters, cr1.df), (2, 4, Some(3.0)));
    assert_eq!((cr1.effect.n_obs, cr1.effect.n_units), (8, 4));
    assert_eq!(cr1.effect.term, "ATT");
    let note = cr1.effect.note.unwrap();
    assert!(note.contains("too small with 2 treated units"), "{note}");
    assert!(note.contains("too small with 2 units or clusters to compare with"), "{note}");
}

#[test]
fn one_unit_on_either_side_has_no_error() {
    let one_treated: Vec<_> = FOUR[2..].to_vec();
    let one_other: Vec<_> = FOUR[..6].to_vec();
    for errors in [Errors::Cluster, Errors::Cr2, Errors::Cr3, Errors::Hc1, Errors::Iid] {
        let options = TwfeOptions { errors, ..TwfeOptions::default() };
        for rows in [&one_treated, &one_other] {
            let led = run(rows, &options).effect;
            // The only p-value is the rank among three.
            assert_eq!((led.std_error, led.statistic), (None, None));
            assert!(led.p_value.is_some_and(|p| p >= 1.0 / 3.0 - 1e-12));
            let inference = TwfeInference::Errors;
            let effect = run(rows, &TwfeOptions { inference, ..options }).effect;
            assert!(effect.estimate.is_some() && effect.reason.is_none());
            assert_eq!(
                (effect.std_error, effect.statistic, effect.p_value, effect.conf_low),
                (None, None, None, None)
            );
            let note = effect.note.unwrap();
            assert!(note.contains("no standard error: with one"), "{note}");
        }
    }
}

#[test]
fn faults_are_named() {
    let text =
        |rows: &[(&str, f64, f64, f64)]| reason(run(rows, &TwfeOptions::default()).effect.reason);
    let with = |change: fn(&mut (&str, f64, f64, f64))| {
        let mut rows = FOUR;
        rows.iter_mut().for_each(change);
        text(&rows)
    };
    assert!(with(|row| row.3 = 0.0).contains("no row is treated"));
    assert!(with(|row| row.3 = 1.0).contains("all rows are treated"));
    assert!(with(|row| row.2 = 5.0).contains("the outcome is the same in all rows"));
    assert!(with(|row| row.3 = row.1 - 1.0).contains("unit and time effects explain"));
    let for_good = with(|row| row.3 = f64::from(u8::from(row.0 < "c")));
    assert!(for_good.contains("the treatment of no unit changes"), "{for_good}");
    assert!(with(|row| row.3 *= 2.0).contains("treated is 2 (it must be 0 or 1)"));
    assert!(with(|row| row.1 = 1.0).contains("more than one row"));
    assert!(with(|row| row.2 = f64::NAN).contains("the outcome is NaN"));
    assert!(text(&[]).contains("there are no rows"));
    let one_time: Vec<_> = FOUR.into_iter().filter(|row| row.1 == 2.0).collect();
    assert!(text(&one_time).contains("there is 1 time"));
    let level = TwfeOptions { conf_level: 95.0, ..TwfeOptions::default() };
    assert!(reason(run(&FOUR, &level).effect.reason).contains("conf_level is 95"));
}

#[test]
fn a_model_without_residuals_has_no_error() {
    let exact = FOUR.map(|(unit, time, _, treated)| {
        (unit, time, time * 2.0 + treated + f64::from(unit.as_bytes()[0]), treated)
    });
    let effect = run(&exact, &TwfeOptions::default()).effect;
    assert_close(effect.estimate.unwrap(), 1.0, 1e-12);
    assert_eq!(effect.std_error, None);
    assert!(effect.note.unwrap().contains("fits without residuals"));
}

#[test]
fn units_in_two_clusters_have_no_bias_reduced_error() {
    let y: Vec<f64> = FOUR.iter().map(|row| row.2).collect();
    let names: Vec<&str> = FOUR.iter().map(|row| row.0).collect();
    let time: Vec<f64> = FOUR.iter().map(|row| row.1).collect();
    let treated: Vec<Option<f64>> = FOUR.iter().map(|row| Some(row.3)).collect();
    let (unit, cluster) =
        (Labels::new(&names), Labels::new(&["x", "y", "y", "x", "x", "y", "y", "x"]));
    let rows = PanelRows { cluster: Some(&cluster), ..PanelRows::new(&y, &unit, &time) };
    let of = |errors| {
        did_twfe(&rows, &treated, &TwfeOptions { errors, ..TwfeOptions::default() }).effect
    };
    assert!(of(Errors::Cr2).note.unwrap().contains("units are in more than one cluster"));
    assert_eq!(of(Errors::Cr2).std_error, None);
}

#[test]
fn covariates_that_are_explained_go() {
    let y: Vec<f64> = FOUR.iter().map(|row| row.2).collect();
    let names: Vec<&str> = FOUR.iter().map(|row| row.0).collect();
    let time: Vec<f64> = FOUR.iter().map(|row| row.1).collect();
    let treated: Vec<Option<f64>> = FOUR.iter().map(|row| Some(row.3)).collect();
    let twice: Vec<f64> = FOUR.iter().map(|row| 2.0 * row.3).collect();
    let other = [1.0, 2.0, 1.5, 0.0, 3.0, 1.0, 0.0, 7.0];
    let unit = Labels::new(&names);
    let rows =
        PanelRows { covariates: &[&time, &twice, &other], ..PanelRows::new(&y, &unit, &time) };
    let result = did_twfe(&rows, &treated, &TwfeOptions::default());
    assert_eq!(result.covariates[..2], [None, None]);
    assert!(result.covariates[2].is_some());
    let note = result.effect.note.unwrap();
    assert!(note.contains("covariate 1 left out") && note.contains("covariate 2 left out"));
}

/// Where few are treated, p-value and limits are those of the permutation test, unless told otherwise.
#[test]
fn randomisation_leads_with_few_treated() {
    let names: Vec<String> = (0..12).flat_map(|unit| vec![format!("unit {unit:02}"); 4]).collect();
    let unit = Labels::new(&names);
    let time: Vec<f64> = (0..48).map(|row| f64::from(row % 4)).collect();
    let y: Vec<f64> =
        (0..48u32).map(|row| f64::from((row * 7_919 + row * row * 31) % 101)).collect();
    let treated = |n: usize| -> Vec<Option<f64>> {
        (0..48).map(|row| Some(f64::from(u8::from(row / 4 < n && row % 4 >= 2)))).collect()
    };
    let rows = PanelRows::new(&y, &unit, &time);
    let of = |n: usize, inference: TwfeInference| {
        did_twfe(&rows, &treated(n), &TwfeOptions { inference, ..TwfeOptions::default() })
    };
    for n in [1, 3, 9] {
        let led = of(n, TwfeInference::ByTreatedUnits);
        let test = permutation_test(&rows, &treated(n), &PermutationOptions::default());
        assert!(led.randomised && test.exact);
        assert_eq!(led.effect.p_value, test.effect.p_value);
        assert_eq!(led.effect.conf_low, test.effect.conf_low);
        assert_eq!(led.effect.conf_high, test.effect.conf_high);
        let method = led.effect.method.unwrap();
        assert!(method.ends_with("randomisation inference, all assignments"), "{method}");
        assert_eq!(led.effect.std_error.is_some(), n > 1);
        let by_error = of(n, TwfeInference::Errors);
        assert!(!by_error.randomised);
        assert_eq!(by_error.effect.std_error, led.effect.std_error);
        assert_eq!(by_error.effect.p_value.is_some(), n > 1);
        assert_ne!(by_error.effect.p_value, led.effect.p_value);
    }
    let one = of(1, TwfeInference::ByTreatedUnits).effect;
    let rank = one.p_value.unwrap() * 12.0;
    assert!((rank - rank.round()).abs() < 1e-12 && (1.0..=12.0).contains(&rank));
    assert!(one.note.unwrap().contains("one treated unit: its rank is"));
    assert!(of(6, TwfeInference::Randomisation).randomised);
}
