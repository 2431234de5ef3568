use super::*;
use crate::effect::labels::Labels;
use crate::testing::{assert_close, reason};
use nalgebra::DMatrix;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Rows {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    covariates: Vec<Vec<f64>>,
}

impl Rows {
    fn new(n: usize, t: usize, first: &[usize], outcome: impl Fn(usize, usize) -> f64) -> Self {
        let cells: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..t).map(move |s| (i, s))).collect();
        let is_treated = |i: usize, s: usize| first.get(i).is_some_and(|first| s >= *first);
        Self {
            y: cells.iter().map(|(i, s)| outcome(*i, *s)).collect(),
            unit: cells.iter().map(|(i, _)| format!("{i:03}")).collect(),
            time: cells.iter().map(|(_, s)| 2000.0 + *s as f64).collect(),
            treated: cells
                .iter()
                .map(|(i, s)| Some(f64::from(u8::from(is_treated(*i, *s)))))
                .collect(),
            covariates: Vec::new(),
        }
    }

    fn with<R>(&self, method: impl FnOnce(&PanelRows<'_>) -> R) -> R {
        let labels = Labels::new(&self.unit);
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let plain = PanelRows::new(&self.y, &labels, &self.time);
        method(&PanelRows { covariates: &covariates, ..plain })
    }

    fn fit(&self, options: &MatrixCompletionOptions) -> MatrixCompletion {
        self.with(|rows| matrix_completion(rows, &self.treated, options))
    }

    fn completion(&self) -> Completion {
        self.with(|rows| {
            let panel = FactorPanel::new(rows, &self.treated, 1, &mut Notes::default()).unwrap();
            Completion::new(&panel, observed(&panel)).unwrap()
        })
    }
}

fn noise(seed: u64, i: usize, s: usize) -> f64 {
    Random::new(seed, (1000 * i + s) as u64).normal()
}

fn options(lambda: f64, errors: FactorErrors) -> MatrixCompletionOptions {
    MatrixCompletionOptions {
        lambda: Some(lambda),
        errors: Some(errors),
        draws: 10,
        ..MatrixCompletionOptions::default()
    }
}

fn estimate(fit: &MatrixCompletion) -> f64 {
    fit.effects[0].effect.estimate.unwrap()
}

#[test]
fn a_penalty_beyond_all_leaves_unit_and_time_effects() {
    let rows = Rows::new(8, 6, &[4, 4], |i, s| noise(5, i, s));
    let fit = rows.fit(&options(100.0, FactorErrors::None));
    let mean = |i: std::ops::Range<usize>, s: std::ops::Range<usize>| {
        let n = (i.len() * s.len()) as f64;
        i.flat_map(|i| s.clone().map(move |s| noise(5, i, s))).sum::<f64>() / n
    };
    let change = |i: std::ops::Range<usize>| mean(i.clone(), 4..6) - mean(i, 0..4);
    assert_close(estimate(&fit), change(0..2) - change(2..8), 1e-9);
    assert_eq!(fit.rank, Some(0));

    // Just above the largest penalty there is no matrix; just below there is one.
    let largest = rows.completion().largest_lambda();
    let rank = |lambda: f64| rows.fit(&options(lambda, FactorErrors::None)).rank.unwrap();
    assert_eq!((rank(largest * 1.001), rank(largest * 0.999)), (0, 1));
}

#[test]
fn what_is_left_is_priced_as_it_should_be() {
    // At the optimum, the residual of the seen cells is λNT times a subgradient of the nuclear
    // norm: its singular values are at most λNT, and those of L's own directions are λNT.
    let rows = Rows::new(9, 7, &[4, 5], |i, s| noise(3, i, s));
    let completion = rows.completion();
    let lambda = 0.2 * completion.largest_lambda();
    let fit = completion.solve(lambda, Effort::FULL);
    assert!(fit.rests);
    let mut left = DMatrix::from_column_slice(7, 9, &rows.y) - &fit.fitted;
    for (cell, treated) in left.iter_mut().zip(&rows.treated) {
        if *treated == Some(1.0) {
            *cell = 0.0;
        }
    }
    let price = lambda * 63.0;
    let mut values: Vec<f64> = left.singular_values().iter().copied().collect();
    values.sort_by(|a, b| b.total_cmp(a));
    for (k, value) in values.iter().enumerate() {
        if k < fit.rank {
            assert_close(*value, price, 1e-6);
        } else {
            assert!(*value <= price * (1.0 + 1e-6));
        }
    }
    assert!(fit.rank > 0 && fit.rank < 7);
    assert!(left.row_sum().amax() < 1e-8 && left.column_sum().amax() < 1e-8);
}

#[test]
fn an_effect_beside_a_factor_is_found() {
    let outcome = |i: usize, s: usize| {
        10.0 * noise(1, i, 0) * noise(2, 0, s) + noise(3, i, 1) + noise(4, 1, s)
    };
    let rows = Rows::new(30, 20, &[15, 15, 15], |i, s| {
        outcome(i, s) + if i < 3 && s >= 15 { 5.0 } else { 0.0 }
    });
    let fit = rows.fit(&MatrixCompletionOptions {
        errors: Some(FactorErrors::None),
        ..MatrixCompletionOptions::default()
    });
    assert_eq!(fit.tried.len(), 10);
    assert!((estimate(&fit) - 5.0).abs() < 0.5, "{}", estimate(&fit));
    let lowest = fit.tried.iter().map(|tried| tried.mspe).fold(f64::INFINITY, f64::min);
    assert!(fit.mspe.unwrap() <= lowest * 1.002);
    assert!(fit.tried.windows(2).all(|pair| pair[1].lambda < pair[0].lambda));
    let method = fit.effects[0].effect.method.as_deref().unwrap();
    assert!(method.starts_with("matrix completion with unit and time effects; lambda 0."));
    assert!(method.ends_with(", cross-validated"));
}

#[test]
fn coefficients_are_found_beside_the_matrix() {
    let mut rows = Rows::new(12, 9, &[6], |i, s| noise(1, i, s) * 0.01);
    let x: Vec<f64> = (0..108).map(|row| noise(2, row, 0)).collect();
    rows.y.iter_mut().zip(&x).for_each(|(y, x)| *y += 2.0 * x);
    rows.covariates = vec![x];
    let fit = rows.fit(&options(0.01, FactorErrors::None));
    assert!((fit.coefficients[0] - 2.0).abs() < 0.01, "{:?}", fit.coefficients);
    assert!(estimate(&fit).abs() < 0.05);
}

#[test]
fn errors_go_by_the_number_of_treated_units() {
    let rows = Rows::new(10, 8, &[5, 5], |i, s| noise(7, i, s));
    for errors in [FactorErrors::Bootstrap, FactorErrors::Jackknife] {
        let fit = rows.fit(&options(0.02, errors));
        let att = &fit.effects[0].effect;
        assert!(att.std_error.is_some_and(|error| error > 0.0));
        assert!(att.note.as_deref().unwrap().contains("with 2 treated units"));
        let alone = Rows::new(10, 8, &[5], |i, s| noise(7, i, s)).fit(&options(0.02, errors));
        assert!(alone.effects.iter().all(|effect| effect.effect.std_error.is_none()));
        assert!(alone.effects[0].effect.note.as_deref().unwrap().contains("no standard error"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let text = |rows: &Rows, options: &MatrixCompletionOptions| {
        let fit = rows.fit(options);
        assert_eq!((fit.effects.len(), fit.effects[0].effect.estimate), (1, None));
        reason(fit.effects[0].effect.reason.clone())
    };
    let plain = MatrixCompletionOptions::default();
    let none = Rows::new(5, 6, &[], |i, s| noise(8, i, s));
    assert!(text(&none, &plain).contains("no unit is treated"));
    let all = Rows::new(5, 6, &[4; 5], |i, s| noise(8, i, s));
    assert!(text(&all, &plain).contains("every unit is treated"));
    let flat = Rows::new(5, 6, &[4], |_, _| 1.0);
    assert!(text(&flat, &plain).contains("the same everywhere"));
    let at_once = Rows::new(5, 6, &[0], |i, s| noise(8, i, s));
    assert!(text(&at_once, &plain).contains("fewer than 1 period"));
    let rows = Rows::new(5, 6, &[4], |i, s| noise(8, i, s));
    assert!(text(&rows, &options(0.0, FactorErrors::None)).contains("lambda is 0"));
    let lines = Rows::new(5, 6, &[4], |i, s| (i * i + s) as f64);
    assert!(text(&lines, &plain).contains("explain everything"));
    let pair = Rows::new(2, 2, &[1], |i, s| [[1.0, 5.0], [2.0, 3.0]][i][s]);
    assert!(text(&pair, &plain).contains("explain everything"));
    assert_close(estimate(&pair.fit(&options(1.0, FactorErrors::None))), 3.0, 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Each plain iteration lowers the objective, and momentum ends no higher.
    #[test]
    fn iterations_go_down(seed in 0..1000u64, share in 0.05..0.9f64) {
        let mut rows = Rows::new(9, 8, &[5, 6], |i, s| noise(seed, i, s));
        rows.covariates = vec![(0..72).map(|row| noise(seed + 1, row, 0)).collect()];
        let completion = rows.completion();
        let lambda = share * completion.largest_lambda();
        let start = completion.start();
        let price = lambda * 72.0;
        let mut fit = completion.step(&start.fitted, &DMatrix::zeros(8, 9), price);
        for _ in 0..50 {
            let next = completion.follow(&fit, price);
            prop_assert!(next.objective <= fit.objective * (1.0 + 1e-12));
            fit = next;
        }
        let fast = completion.solve(lambda, Effort::FULL);
        prop_assert!(fast.rests && fast.objective <= fit.objective * (1.0 + 1e-12));
    }

    #[test]
    fn levels_order_and_threads_do_not_matter(seed in 0..1000u64, by in -9.0..9.0f64) {
        let rows = Rows::new(7, 6, &[3, 4], |i, s| noise(seed, i, s));
        let plain = MatrixCompletionOptions { draws: 4, ..MatrixCompletionOptions::default() };
        let fit = rows.fit(&plain);
        let mut other = rows.clone();
        for column in [&mut other.y, &mut other.time] {
            column.reverse();
        }
        other.unit.reverse();
        other.treated.reverse();
        prop_assert_eq!(&other.fit(&plain), &fit);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(&pool.install(|| rows.fit(&plain)), &fit);
        let fixed = options(0.02, FactorErrors::None);
        let mut moved = rows.clone();
        for row in 0..42 {
            moved.y[row] += if row / 6 == 4 { by } else { 0.0 } + if row % 6 == 3 { by } else { 0.0 };
        }
        let (a, b) = (estimate(&rows.fit(&fixed)), estimate(&moved.fit(&fixed)));
        prop_assert!((a - b).abs() < 1e-7 * (1.0 + a.abs()), "{} {}", a, b);
    }
}
