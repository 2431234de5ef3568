use super::*;
use crate::effect::labels::Labels;
use crate::random::Random;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

/// A panel of units × times, and the place from which each unit is treated.
struct Made {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

fn made(starts: &[usize], n_times: usize, y: impl Fn(usize, usize) -> f64) -> Made {
    let cells = || (0..starts.len()).flat_map(|u| (0..n_times).map(move |t| (u, t)));
    let names: Vec<String> = cells().map(|(u, _)| format!("unit {u:03}")).collect();
    Made {
        y: cells().map(|(u, t)| y(u, t)).collect(),
        unit: Labels::new(&names),
        time: cells().map(|(_, t)| 2000.0 + t as f64).collect(),
        treated: cells().map(|(u, t)| Some(f64::from(u8::from(t >= starts[u])))).collect(),
    }
}

impl Made {
    fn find(&self, options: &DetectableEffectOptions) -> DetectableEffect {
        let rows = PanelRows::new(&self.y, &self.unit, &self.time);
        detectable_effect(&rows, &self.treated, options)
    }
}

fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut random = Random::new(seed, 0);
    (0..n).map(|_| random.normal()).collect()
}

/// The coefficient of two-way effects by its definition.
fn two_way(y: &[f64], starts: &[usize], n: usize) -> f64 {
    let units = starts.len();
    let d = |u: usize, t: usize| f64::from(u8::from(t >= starts[u]));
    let all: f64 = (0..units).map(|u| (0..n).map(|t| d(u, t)).sum::<f64>()).sum();
    let (mut sum, mut square) = (0.0, 0.0);
    for u in 0..units {
        for t in 0..n {
            let of_unit = (0..n).map(|t| d(u, t)).sum::<f64>() / n as f64;
            let of_time = (0..units).map(|u| d(u, t)).sum::<f64>() / units as f64;
            let within = d(u, t) - of_unit - of_time + all / (units * n) as f64;
            sum += within * y[u * n + t];
            square += within * within;
        }
    }
    sum / square
}

#[test]
fn one_date_is_the_robust_formula() {
    // 4 treated from the fourth of 7 times on, 9 never.
    let (n, m) = (7usize, 3usize);
    let starts: Vec<usize> = (0..13).map(|u| if u < 4 { m } else { n }).collect();
    let e = noise(3, 13 * n);
    let panel =
        made(&starts, n, |u, t| e[u * n + t] + if t > 0 { 0.7 * e[u * n + t - 1] } else { 0.0 });
    let found = panel.find(&DetectableEffectOptions::default());

    // The change of means of each untreated unit has the variance that counts.
    let change = |u: usize| {
        let y = &panel.y[u * n..(u + 1) * n];
        y[m..].iter().sum::<f64>() / 4.0 - y[..m].iter().sum::<f64>() / 3.0
    };
    let changes: Vec<f64> = (4..13).map(change).collect();
    let mean = changes.iter().sum::<f64>() / 9.0;
    let variance = changes.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / 8.0;
    let error = (variance * (1.0 / 4.0 + 1.0 / 9.0)).sqrt();
    assert_close(found.std_error.unwrap(), error, 1e-11);
    assert_close(found.estimate.unwrap(), 2.801_585_217_8 * error, 1e-9);

    // Equation 2 from its parts.
    let centred = without_time_means(
        &Panel::new(&PanelRows::new(&panel.y, &panel.unit, &panel.time)).unwrap(),
        &(4..13).collect::<Vec<_>>(),
    );
    let spread = covariances(&centred, n);
    let own = |from: usize, to: usize| {
        (from..to).map(|t| spread[t * n + t]).sum::<f64>() / (to - from) as f64
    };
    let inner = own(0, m) / 3.0
        + own(m, n) / 4.0
        + 2.0 / 3.0 * found.covariance_pre.unwrap()
        + 3.0 / 4.0 * found.covariance_post.unwrap()
        - 2.0 * found.covariance_cross.unwrap();
    assert_close(inner, variance, 1e-10);

    // The figures of equal correlation are those of the planned design.
    let design = crate::PowerDesign {
        n_treated: 4.0,
        n_control: 9.0,
        n_pre: 3.0,
        n_post: 4.0,
        sigma: found.sigma.unwrap(),
        rho: found.rho.unwrap(),
    };
    let planned = crate::minimum_detectable_effect(&design, &PowerOptions::default());
    assert_close(found.equal_correlation.unwrap(), planned.estimate.unwrap(), 1e-10);
    assert_eq!((found.n_treated, found.n_control, found.n_pre, found.n_post), (4, 9, 3, 4));
    assert!(found.note.is_some_and(|note| note.contains("4 treated units normal theory")));
}

#[test]
fn placebos_are_two_way_effects() {
    // One treated unit, seven others: 7 placebos are too few at 95 %, and enough at 75 %.
    let n = 5;
    let starts: Vec<usize> = (0..8).map(|u| if u == 0 { 3 } else { n }).collect();
    let e = noise(11, 8 * n);
    let panel = made(&starts, n, |u, t| 5.0 + u as f64 + e[u * n + t]);
    let found = panel.find(&DetectableEffectOptions::default());
    assert_eq!((found.n_placebos, found.permutation), (7, None));
    assert!(found.note.is_some_and(|note| note.contains("too few")));
    let loose = DetectableEffectOptions { conf_level: 0.75, ..DetectableEffectOptions::default() };
    let found = panel.find(&loose).permutation.unwrap();
    let mut effects: Vec<f64> = (1..8)
        .map(|treated| {
            let starts: Vec<usize> = (1..8).map(|u| if u == treated { 3 } else { n }).collect();
            two_way(&panel.y[n..], &starts, n)
        })
        .collect();
    // At 25 % the second largest size is critical; 80 % of 7 are 6.
    let mut sizes: Vec<f64> = effects.iter().map(|e| e.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    effects.sort_by(f64::total_cmp);
    let by_hand = (sizes[5] - effects[1]).max(sizes[5] + effects[5]);
    assert_close(found, by_hand, 1e-10);
}

#[test]
fn draws_are_those_of_the_seed() {
    let n = 6;
    let starts: Vec<usize> = (0..40)
        .map(|u| {
            if u < 3 {
                2
            } else if u < 5 {
                4
            } else {
                n
            }
        })
        .collect();
    let e = noise(2, 40 * n);
    let panel = made(&starts, n, |u, t| e[u * n + t]);
    let with = |seed, draws| {
        panel.find(&DetectableEffectOptions { seed, draws, ..DetectableEffectOptions::default() })
    };
    let (one, two) = (with(1, 500), with(2, 500));
    assert_eq!(one, with(1, 500));
    assert_ne!(one.permutation, two.permutation);
    assert_eq!(one.estimate, two.estimate);
    assert_eq!(one.n_placebos, 500);
    // Independent normal outcomes: all three are near each other.
    let estimate = one.estimate.unwrap();
    assert!((one.equal_correlation.unwrap() / estimate - 1.0).abs() < 0.25);
    assert!((one.permutation.unwrap() / estimate - 1.0).abs() < 0.35);
    assert_eq!((one.covariance_pre, one.covariance_cross), (None, None));
}

#[test]
fn what_cannot_be_planned_has_a_reason() {
    let n = 4;
    let why = |starts: &[usize], y: &dyn Fn(usize, usize) -> f64| {
        reason(made(starts, n, y).find(&DetectableEffectOptions::default()).reason)
    };
    let y = |u: usize, t: usize| (u * 7 % 5) as f64 * (t * 3 % 4) as f64;
    assert!(why(&[2, 4, 4], &y).contains("2 units are never treated"));
    assert!(why(&[4, 4, 4, 4], &y).contains("no unit is untreated first"));
    assert!(why(&[0, 4, 4, 4], &y).contains("no unit is untreated first"));
    let parallel = why(&[2, 4, 4, 4], &|u, t| 0.1 * (u + t) as f64);
    assert!(parallel.contains("all change alike"), "{parallel}");
    assert!(
        why(&[2, 4, 4, 4], &|u, t| if (u + t) % 2 == 0 { 1e308 } else { -1e308 })
            .contains("too large")
    );
    let mut gap = made(&[2, 4, 4, 4], n, y);
    gap.time[3] = 2007.0;
    assert!(reason(gap.find(&DetectableEffectOptions::default()).reason).contains("gap"));
    let half = DetectableEffectOptions { power: 0.0, ..DetectableEffectOptions::default() };
    assert!(reason(gap.find(&half).reason).contains("power is 0"));
    let found = made(&[0, 2, 4, 4, 4], n, |u, t| (u * t * t) as f64)
        .find(&DetectableEffectOptions::default());
    assert!(found.note.is_some_and(|note| note.contains("1 units left out")));
}

#[test]
fn the_claim_holds_in_simulation() {
    // Outcomes that remember: the robust figure finds its power, whatever the correlation.
    let (n, treated, control) = (6usize, 20usize, 30usize);
    let starts: Vec<usize> =
        (0..treated + control).map(|u| if u < treated { 3 } else { n }).collect();
    let course = |random: &mut Random| -> Vec<f64> {
        let mut y: Vec<f64> = vec![random.normal()];
        for t in 1..n {
            y.push(0.8 * y[t - 1] + 0.6 * random.normal());
        }
        y
    };
    let mut random = Random::new(9, 0);
    let y: Vec<f64> = (0..400).flat_map(|_| course(&mut random)).collect();
    let many: Vec<usize> = (0..400).map(|u| if u < treated { 3 } else { n }).collect();
    let found = made(&many, n, |u, t| y[u * n + t]).find(&DetectableEffectOptions::default());
    // The spread of 380 untreated units, in a design with 30 of them.
    let scale =
        (1.0 / treated as f64 + 1.0 / control as f64) / (1.0 / treated as f64 + 1.0 / 380.0);
    let error = found.std_error.unwrap() * scale.sqrt();
    let effect = 2.801_585_217_8 * error;
    let draws = 2_000;
    let mut seen = 0;
    for _ in 0..draws {
        let mut y: Vec<f64> = (0..treated + control).flat_map(|_| course(&mut random)).collect();
        for u in 0..treated {
            y[u * n + 3..(u + 1) * n].iter_mut().for_each(|y| *y += effect);
        }
        seen += usize::from((two_way(&y, &starts, n) / error).abs() > 1.959_963_985);
    }
    let share = seen as f64 / draws as f64;
    // Four standard errors of the share and the error of the spread itself.
    assert!((share - 0.8).abs() < 0.07, "{share}");
}

proptest! {
    #[test]
    fn levels_do_not_matter_and_units_only_multiply(
        e in proptest::collection::vec(-3.0..3.0f64, 50),
        add in proptest::collection::vec(-50.0..50.0f64, 15),
        by in 0.1..9.0f64,
    ) {
        let starts = [2, 3, 5, 5, 5, 5, 5, 5, 5, 5];
        let options = DetectableEffectOptions { conf_level: 0.8, ..DetectableEffectOptions::default() };
        let plain = made(&starts, 5, |u, t| e[u * 5 + t]).find(&options);
        let moved = made(&starts, 5, |u, t| by * (e[u * 5 + t] + add[t] + add[5 + u])).find(&options);
        for (a, b) in [
            (plain.estimate, moved.estimate),
            (plain.equal_correlation, moved.equal_correlation),
            (plain.permutation, moved.permutation),
        ] {
            prop_assert!((by * a.unwrap() - b.unwrap()).abs() < 1e-8 * b.unwrap().abs());
        }
        prop_assert_eq!(plain.n_placebos, 56);
    }
}
