use super::*;
use crate::random::Random;
use crate::testing::{assert_close, reason};
use crate::{Labels, SyntheticControlOptions, synthetic_control};

struct Made {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

/// Units `u00`, … with levels, slopes and noise; the first `n_treated` are treated from `from` on.
fn drawn(n_units: usize, n_times: usize, n_treated: usize, from: usize) -> Made {
    let mut random = Random::new(8, 0);
    let mut made = Made { y: Vec::new(), unit: Vec::new(), time: Vec::new(), treated: Vec::new() };
    for unit in 0..n_units {
        let (level, slope) = (5.0 * random.normal(), random.normal());
        for t in 0..n_times {
            made.y.push(level + slope * t as f64 + random.normal());
            made.unit.push(format!("u{unit:02}"));
            made.time.push(t as f64);
            made.treated.push(Some(f64::from(u8::from(unit < n_treated && t >= from))));
        }
    }
    made
}

impl Made {
    fn run(&self, options: &AugmentedOptions) -> AugmentedSyntheticControl {
        let unit = Labels::new(&self.unit);
        augmented_synthetic_control(
            &PanelRows::new(&self.y, &unit, &self.time),
            &self.treated,
            options,
        )
    }
}

fn quiet() -> AugmentedOptions {
    AugmentedOptions { inference: AugmentedInference::None, ..Default::default() }
}

#[test]
fn without_ridge_and_with_an_endless_one_it_is_the_synthetic_control() {
    let made = drawn(9, 12, 1, 8);
    let unit = Labels::new(&made.unit);
    let rows = PanelRows::new(&made.y, &unit, &made.time);
    let plain = synthetic_control(&rows, &made.treated, &SyntheticControlOptions::default());
    let estimate = plain.effect.estimate.unwrap();
    let without = made.run(&AugmentedOptions { ridge: false, ..quiet() });
    assert_close(without.effect.estimate.unwrap(), estimate, 1e-12);
    assert_close(without.pre_rmspe.unwrap(), plain.pre_rmspe.unwrap(), 1e-9);
    let endless = made.run(&AugmentedOptions { lambda: Some(1e14), ..quiet() });
    assert_close(endless.effect.estimate.unwrap(), estimate, 1e-8);
    // Without a penalty nothing is left of the misfit.
    let many = drawn(14, 12, 1, 8);
    let without = many.run(&AugmentedOptions { ridge: false, ..quiet() });
    let none = many.run(&AugmentedOptions { lambda: Some(1e-12), ..quiet() });
    assert!(none.l2_imbalance.unwrap() < 1e-6 * without.l2_imbalance.unwrap(), "{none:?}");
    assert_close(none.weights.iter().map(|w| w.weight).sum(), 1.0, 1e-9);
}

#[test]
fn fixed_effects_forget_levels() {
    let made = drawn(8, 12, 1, 8);
    let mut moved = drawn(8, 12, 1, 8);
    for (y, unit) in moved.y.iter_mut().zip(&moved.unit) {
        *y += if unit == "u03" || unit == "u00" { 100.0 } else { 0.0 };
    }
    let options = AugmentedOptions { fixed_effects: true, ..quiet() };
    let (a, b) = (made.run(&options), moved.run(&options));
    assert_close(a.effect.estimate.unwrap(), b.effect.estimate.unwrap(), 1e-8);
    let sum: f64 = a.path[..8].iter().map(|point| point.gap).sum();
    assert!(sum.abs() < 1e-9, "gaps before treatment sum to {sum}");
    assert!(
        (made.run(&quiet()).effect.estimate.unwrap()
            - moved.run(&quiet()).effect.estimate.unwrap())
        .abs()
            > 1.0
    );
}

#[test]
fn the_choice_of_lambda_is_within_one_error_of_the_best() {
    let found = drawn(9, 14, 1, 10).run(&quiet());
    assert_eq!(found.candidates.len(), 21);
    let best = found.candidates.iter().min_by(|a, b| a.error.total_cmp(&b.error)).unwrap();
    let chosen = found.candidates.iter().find(|c| Some(c.lambda) == found.lambda).unwrap();
    assert!(chosen.error <= best.error + best.std_error);
    let larger = found.candidates.iter().filter(|c| c.lambda > chosen.lambda);
    assert!(larger.clone().all(|c| c.error > best.error + best.std_error));
}

#[test]
fn open_limits_are_missing_and_told() {
    // Nine periods: p-values are multiples of 1/9, and 0.05 cannot be reached.
    let found = drawn(9, 12, 1, 8).run(&AugmentedOptions::default());
    assert!(found.effect.p_value.is_some());
    assert_eq!((found.effect.std_error, found.effect.conf_low), (None, None));
    let after = &found.path[8..];
    assert!(after.iter().all(|p| p.p_value.is_some() && p.accepted.is_some()));
    assert!(after.iter().all(|p| p.conf_low.is_none() && p.conf_high.is_none()));
    let note = found.effect.note.unwrap();
    assert!(note.contains("4 of 4 periods lack a limit"), "{note}");
    assert!(found.path[..8].iter().all(|point| point.p_value.is_none()));
    // With 26 periods and an effect of 30 there are limits around it.
    let mut large = drawn(9, 30, 1, 25);
    for (y, treated) in large.y.iter_mut().zip(&large.treated) {
        *y += 30.0 * treated.unwrap();
    }
    let found = large.run(&AugmentedOptions::default());
    for point in &found.path[25..] {
        assert!(point.conf_low.unwrap() < point.gap && point.gap < point.conf_high.unwrap());
        assert!(point.conf_low.unwrap() > 0.0, "{point:?}");
        assert_close(point.p_value.unwrap(), 1.0 / 26.0, 1e-12);
    }
    assert!(!found.effect.note.unwrap().contains("lack a limit"));
}

#[test]
fn errors_are_given_where_several_are_treated() {
    let jackknife =
        AugmentedOptions { inference: AugmentedInference::Jackknife, ..Default::default() };
    let one = drawn(9, 12, 1, 8).run(&jackknife);
    assert!(one.jackknife_error.is_some() && one.effect.std_error.is_none());
    assert!(one.effect.note.unwrap().contains("with one treated unit"));
    let three = drawn(9, 12, 3, 8).run(&jackknife);
    assert_eq!(three.effect.std_error, three.jackknife_error);
    assert!(three.effect.note.unwrap().contains("too small with 3 treated units"));
    let plus =
        AugmentedOptions { inference: AugmentedInference::JackknifePlus, ..Default::default() };
    let found = drawn(9, 12, 1, 8).run(&plus);
    assert!(found.effect.conf_low.unwrap() < found.effect.conf_high.unwrap());
    assert!(found.path[8..].iter().all(|p| p.conf_low.unwrap() < p.conf_high.unwrap()));
}

#[test]
fn covariates_are_matched_with_the_outcomes() {
    let made = drawn(9, 12, 1, 8);
    let unit = Labels::new(&made.unit);
    let mut random = Random::new(6, 0);
    let of_unit: Vec<f64> = (0..9).map(|_| random.normal()).collect();
    let column: Vec<f64> =
        (0..made.y.len()).map(|r| if r % 12 == 2 { f64::NAN } else { of_unit[r / 12] }).collect();
    let thousand: Vec<f64> = column.iter().map(|x| 7.0 + 1e3 * x).collect();
    let run = |column: &[f64]| {
        let covariates = [column];
        let rows =
            PanelRows { covariates: &covariates, ..PanelRows::new(&made.y, &unit, &made.time) };
        augmented_synthetic_control(&rows, &made.treated, &quiet())
    };
    let (plain, scaled) = (run(&column), run(&thousand));
    assert!(plain.covariate_l2_imbalance.is_some());
    assert_close(plain.effect.estimate.unwrap(), scaled.effect.estimate.unwrap(), 1e-8);
    assert_ne!(plain.effect.estimate, made.run(&quiet()).effect.estimate);
    let constant = vec![1.0; made.y.len()];
    assert!(
        reason(run(&constant).effect.reason).contains("covariate 1 is the same for every donor")
    );
}

#[test]
fn what_cannot_be_is_a_reason() {
    let made = drawn(9, 12, 1, 8);
    let text = |options: AugmentedOptions| reason(made.run(&options).effect.reason);
    assert!(text(AugmentedOptions { lambda: Some(0.0), ..quiet() }).contains("lambda is 0"));
    assert!(text(AugmentedOptions { conf_level: 2.0, ..quiet() }).contains("conf_level is 2"));
    let neither = AugmentedOptions { ridge: false, simplex: false, ..quiet() };
    assert!(text(neither).contains("nothing to fit"));
    let of = |made: &Made| reason(made.run(&quiet()).effect.reason);
    assert!(of(&drawn(2, 6, 1, 4)).contains("there is 1 donor"));
    assert!(of(&drawn(5, 6, 1, 1)).contains("one period before treatment"));
    assert!(of(&drawn(5, 6, 1, 2)).contains("too few to choose lambda"));
    let mut staggered = drawn(6, 8, 2, 5);
    staggered.treated[4] = Some(1.0); // u00 begins a year before u01
    assert!(of(&staggered).contains("treated from different times on"));
    let mut alike = drawn(6, 8, 1, 5);
    for row in 8..alike.y.len() {
        alike.y[row] = row as f64 % 8.0;
    }
    assert!(of(&alike).contains("the donors do not differ before treatment"));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let made = drawn(7, 10, 1, 6);
    let mut order: Vec<usize> = (0..made.y.len()).collect();
    Random::new(1, 0).shuffle(&mut order);
    let shuffled = Made {
        y: order.iter().map(|row| made.y[*row]).collect(),
        unit: order.iter().map(|row| made.unit[*row].clone()).collect(),
        time: order.iter().map(|row| made.time[*row]).collect(),
        treated: order.iter().map(|row| made.treated[*row]).collect(),
    };
    for inference in [AugmentedInference::Conformal, AugmentedInference::JackknifePlus] {
        let options = AugmentedOptions { inference, ..Default::default() };
        assert_eq!(made.run(&options), shuffled.run(&options));
    }
}
