use super::control_fit::Rounds;
use super::*;
use crate::effect::labels::Labels;
use crate::random::Random;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// Rows of a panel, unit by unit.
#[derive(Clone, Debug)]
struct Rows {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    weights: Option<Vec<f64>>,
    covariates: Vec<Vec<f64>>,
}

impl Rows {
    /// Outcomes of `n` units over `t` times, by unit and time; a unit is treated from so many times
    /// on.
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
            weights: None,
            covariates: Vec::new(),
        }
    }

    fn with<R>(&self, method: impl FnOnce(&PanelRows<'_>) -> R) -> R {
        let labels = Labels::new(&self.unit);
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        method(&PanelRows {
            weights: self.weights.as_deref(),
            covariates: &covariates,
            ..PanelRows::new(&self.y, &labels, &self.time)
        })
    }

    fn fit(&self, options: &InteractiveEffectsOptions) -> InteractiveEffects {
        self.with(|rows| interactive_effects(rows, &self.treated, options))
    }

    fn panel(&self) -> FactorPanel {
        let panel =
            |rows: &PanelRows<'_>| FactorPanel::new(rows, &self.treated, 1, &mut Notes::default());
        self.with(panel).unwrap()
    }
}

fn noise(seed: u64, i: usize, s: usize) -> f64 {
    Random::new(seed, (1000 * i + s) as u64).normal()
}

/// Two factors, to which units respond as it happens, and unit and time effects.
fn factors(seed: u64) -> impl Fn(usize, usize) -> f64 {
    move |i, s| {
        let part = |k: u64| noise(seed + k, i, 999) * noise(seed + 10 + k, 998, s);
        part(1) + part(2) + noise(seed + 3, i, 997) + noise(seed + 4, 996, s)
    }
}

fn options(factors: Option<usize>, errors: FactorErrors) -> InteractiveEffectsOptions {
    InteractiveEffectsOptions {
        factors,
        errors: Some(errors),
        draws: 20,
        ..InteractiveEffectsOptions::default()
    }
}

#[test]
fn an_effect_on_top_of_factors_is_found_exactly() {
    // Without noise: 3 in the first treated period, 4 in the next, and so on.
    let outcome = factors(1);
    let rows = Rows::new(12, 10, &[6, 7], |i, s| {
        let since = s as f64 - [6.0, 7.0].get(i).copied().unwrap_or(99.0);
        outcome(i, s) + if since >= 0.0 { 3.0 + since } else { 0.0 }
    });
    let fit = rows.fit(&options(Some(2), FactorErrors::None));
    assert_eq!(fit.effects[0].effect.term, "ATT");
    assert_close(fit.effects[0].effect.estimate.unwrap(), (18.0 + 12.0) / 7.0, 1e-8);
    let at = |event: f64| {
        let found = fit.effects.iter().find(|e| e.event_time == Some(event));
        found.unwrap().effect.estimate.unwrap()
    };
    assert_close(at(0.0), 3.0, 1e-8);
    assert_close(at(3.0), 6.0, 1e-8);
    assert!(at(-1.0).abs() < 1e-8);
    assert_eq!(fit.effects.len(), 1 + 7 + 4);
    let found = rows.fit(&options(None, FactorErrors::None));
    assert_eq!(found.factors, Some(2));
    assert!(found.mspe.unwrap() < 1e-12);
    assert!(found.tried[0].mspe.unwrap() > 0.01);
}

#[test]
fn without_factors_it_is_a_difference_of_differences() {
    let rows = Rows::new(8, 6, &[4, 4], |i, s| noise(5, i, s));
    let fit = rows.fit(&options(Some(0), FactorErrors::None));
    let mean = |i: std::ops::Range<usize>, s: std::ops::Range<usize>| {
        let n = (i.len() * s.len()) as f64;
        i.flat_map(|i| s.clone().map(move |s| noise(5, i, s))).sum::<f64>() / n
    };
    let change = |i: std::ops::Range<usize>| mean(i.clone(), 4..6) - mean(i, 0..4);
    assert_close(fit.effects[0].effect.estimate.unwrap(), change(0..2) - change(2..8), 1e-12);
    assert_eq!(fit.effects[0].effect.n_obs, 48);
}

#[test]
fn rows_count_by_their_weights() {
    let mut rows = Rows::new(9, 7, &[5, 5], |i, s| noise(6, i, s));
    let each = |unit: usize| {
        let mut rows = rows.clone();
        rows.treated[(1 - unit) * 7..(2 - unit) * 7].fill(None);
        let fit = rows.fit(&options(Some(1), FactorErrors::None));
        fit.effects[0].effect.estimate.unwrap()
    };
    let (a, b) = (each(0), each(1));
    rows.weights = Some([vec![3.0; 7], vec![1.0; 56]].concat());
    let fit = rows.fit(&options(Some(1), FactorErrors::None));
    assert_close(fit.effects[0].effect.estimate.unwrap(), (3.0 * a + b) / 4.0, 1e-10);
}

#[test]
fn errors_go_by_the_number_of_treated_units() {
    let rows = Rows::new(10, 8, &[5, 5], |i, s| noise(7, i, s));
    let fit = rows.fit(&options(Some(1), FactorErrors::Bootstrap));
    let att = &fit.effects[0].effect;
    assert!(att.std_error.is_some_and(|error| error > 0.0));
    assert!(att.note.as_deref().unwrap().contains("with 2 treated units"));
    assert!(fit.effects.iter().all(|effect| effect.effect.std_error.is_some()));
    let jackknife = rows.fit(&options(Some(0), FactorErrors::Jackknife));
    let left_out: Vec<f64> = (0..10)
        .map(|unit| {
            let mut fewer = rows.clone();
            fewer.treated[unit * 8..(unit + 1) * 8].fill(None);
            let fit = fewer.fit(&options(Some(0), FactorErrors::None));
            fit.effects[0].effect.estimate.unwrap()
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / 10.0;
    let square: f64 = left_out.iter().map(|e| (e - mean) * (e - mean)).sum();
    let error = jackknife.effects[0].effect.std_error.unwrap();
    assert_close(error, (0.9 * square).sqrt(), 1e-10);

    let alone = Rows::new(10, 8, &[5], |i, s| noise(7, i, s));
    let plain = alone.fit(&InteractiveEffectsOptions { draws: 20, ..Default::default() });
    assert!(plain.effects.iter().all(|effect| effect.effect.std_error.is_none()));
    assert!(plain.effects[0].effect.note.as_deref().unwrap().contains("no standard error"));
    let jackknife = alone.fit(&options(Some(1), FactorErrors::Jackknife));
    assert_eq!(jackknife.effects[0].effect.std_error, None);
    let asked = alone.fit(&options(Some(1), FactorErrors::Bootstrap));
    assert!(asked.effects[0].effect.std_error.is_some());
    assert!(asked.effects[0].effect.note.as_deref().unwrap().contains("varies as the controls do"));
    // An event time that one of two units has, has no error.
    let apart = Rows::new(10, 8, &[5, 6], |i, s| noise(7, i, s));
    let fit = apart.fit(&options(Some(0), FactorErrors::Jackknife));
    let last = &fit.effects.last().unwrap().effect;
    assert_eq!((last.term.as_str(), last.std_error), ("ATT(2)", None));
    assert!(last.note.as_deref().unwrap().contains("one treated unit"));
}

#[test]
fn what_is_wrong_is_named() {
    let text = |rows: &Rows, options: &InteractiveEffectsOptions| {
        let fit = rows.fit(options);
        assert_eq!((fit.effects.len(), fit.effects[0].effect.estimate), (1, None));
        reason(fit.effects[0].effect.reason.clone())
    };
    let plain = InteractiveEffectsOptions::default();
    let rows = Rows::new(5, 6, &[4], |i, s| noise(8, i, s));
    let none = Rows::new(5, 6, &[], |i, s| noise(8, i, s));
    assert!(text(&none, &plain).contains("no unit is treated"));
    let all = Rows::new(5, 6, &[4; 5], |i, s| noise(8, i, s));
    assert!(text(&all, &plain).contains("every unit is treated"));
    let flat = Rows::new(5, 6, &[4], |_, _| 1.0);
    assert!(text(&flat, &plain).contains("the same everywhere"));
    let at_once = Rows::new(5, 6, &[0], |i, s| noise(8, i, s));
    assert!(text(&at_once, &plain).contains("fewer than 1 period"));
    assert!(text(&rows, &options(Some(4), FactorErrors::None)).contains("fewer than 5 periods"));
    let few = Rows::new(3, 9, &[8], |i, s| noise(8, i, s));
    let many = options(Some(3), FactorErrors::None);
    assert!(text(&few, &many).contains("room for 1 factors, not for 3"));
    let mut fixed = rows.clone();
    fixed.covariates = vec![fixed.time.clone()];
    assert!(text(&fixed, &plain).contains("no more than unit and time effects"));
    let mut double = rows.clone();
    let x: Vec<f64> = (0..30).map(|row| noise(9, row, 0)).collect();
    double.covariates = vec![x.clone(), x.iter().map(|x| 2.0 * x).collect()];
    assert!(text(&double, &plain).contains("a combination of others"));
    let mut gap = rows.clone();
    gap.treated[29] = None;
    assert!(gap.fit(&plain).effects[0].effect.note.as_deref().unwrap().contains("004 left out"));
    gap.time[29] = 2099.0;
    gap.treated[29] = Some(0.0);
    assert!(text(&gap, &plain).contains("has no row for"));
    let mut infinite = rows.clone();
    infinite.y[0] = f64::NAN;
    assert!(text(&infinite, &plain).contains("the outcome is NaN"));
    let draws = InteractiveEffectsOptions { draws: 0, ..plain };
    assert!(text(&rows, &draws).contains("draws is 0"));
    // One pair of units over two periods is a difference of differences.
    let least = Rows::new(2, 2, &[1], |i, s| [[1.0, 5.0], [2.0, 3.0]][i][s]);
    assert_eq!(least.fit(&plain).effects[0].effect.estimate, Some(3.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Each round lowers the sum of squares, or leaves it.
    #[test]
    fn rounds_go_down(seed in 0..1000u64, r in 1..4usize) {
        let mut rows = Rows::new(9, 8, &[6], |i, s| noise(seed, i, s));
        rows.covariates = (1..3u64)
            .map(|k| (0..72).map(|row| noise(seed + k, row, 0)).collect())
            .collect();
        let panel = rows.panel();
        let mut rounds = Rounds::new(&panel, r).unwrap();
        let mut last = rounds.sum_of_squares();
        for _ in 0..30 {
            rounds.step();
            let now = rounds.sum_of_squares();
            prop_assert!(now <= last * (1.0 + 1e-12), "{} after {}", now, last);
            last = now;
        }
    }

    #[test]
    fn levels_order_and_threads_do_not_matter(seed in 0..1000u64, by in -9.0..9.0f64) {
        let rows = Rows::new(9, 8, &[5, 6], |i, s| noise(seed, i, s));
        let options = options(Some(2), FactorErrors::Bootstrap);
        let fit = rows.fit(&options);
        let mut other = rows.clone();
        for column in [&mut other.y, &mut other.time] {
            column.reverse();
        }
        other.unit.reverse();
        other.treated.reverse();
        prop_assert_eq!(&other.fit(&options), &fit);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(&pool.install(|| rows.fit(&options)), &fit);

        let mut moved = rows.clone();
        for row in 0..72 {
            moved.y[row] += if row / 8 == 4 { by } else { 0.0 } + if row % 8 == 3 { by } else { 0.0 };
        }
        let estimate = |fit: &InteractiveEffects| fit.effects[0].effect.estimate.unwrap();
        let (a, b) = (estimate(&fit), estimate(&moved.fit(&options)));
        prop_assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{} {}", a, b);
    }
}
