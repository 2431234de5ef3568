use super::*;
use crate::state_space::{State, StateSpace};

fn plan() -> Plan {
    Plan { drifts: true, level_sd: 0.1, expected_size: 3.0, variances: None, draws: 2000, seed: 1 }
}

fn series(n: usize) -> Vec<Option<f64>> {
    let mut random = Stream::new(8);
    let mut level = 0.0;
    (0..n)
        .map(|_| {
            level += 0.3 * random.normal();
            Some(level + 0.5 * random.normal())
        })
        .collect()
}

/// With known variances and no control series, draws are those of the Kalman filter's forecast, and
/// the sum of all has the variance that a drift has.
#[test]
fn known_variances_are_the_kalman_filter() {
    let (noise, drift) = (0.3, 0.05);
    let mut y = series(20);
    y[6] = None;
    let after = vec![true, false, true, true];
    let given = Given { y: y.clone(), x: vec![], after, after_x: vec![] };
    let drawn = draw(&given, &Plan { variances: Some([noise, drift]), draws: 40_000, ..plan() });
    let model = StateSpace {
        observation: [1.0],
        observation_variance: noise,
        transition: [[1.0]],
        state_variance: [[drift]],
    };
    let start = State::known([y[0].unwrap()], [[1.0]]);
    let next = model.filter(&y, start).next;
    let (level, last) = (next.mean[0], next.variance[0][0] - drift);
    let n = 40_000.0;
    let mut sums = vec![0.0; 40_000];
    for (place, h) in [1.0, 3.0, 4.0].iter().enumerate() {
        let column: Vec<f64> = drawn.predictions.iter().skip(place).step_by(3).copied().collect();
        let variance = last + h * drift + noise;
        let error = (variance / n).sqrt();
        let mean = column.iter().sum::<f64>() / n;
        assert!((mean - level).abs() < 5.0 * error, "{mean} {level}");
        assert!((drawn.means[place] - level).abs() < 5.0 * error);
        let found = column.iter().map(|x| (x - level).powi(2)).sum::<f64>() / n;
        assert!((found / variance - 1.0).abs() < 0.035, "{found} {variance}");
        sums.iter_mut().zip(&column).for_each(|(sum, x)| *sum += x - level);
    }
    // Var(Σ) = 9 P + τ² Σ min(h, h′) + 3 σ²
    let shared = 1.0 + 3.0 + 4.0 + 2.0 * (1.0 + 1.0 + 3.0);
    let variance = 9.0 * last + drift * shared + 3.0 * noise;
    let found = sums.iter().map(|x| x * x).sum::<f64>() / n;
    assert!((found / variance - 1.0).abs() < 0.035, "{found} {variance}");
    assert!((drawn.variances[0] - noise).abs() < 1e-9 && (drawn.variances[1] - drift).abs() < 1e-9);
}

/// A series that is long and has no drift tells its regression whatever the prior says.
#[test]
fn a_regression_is_found() {
    let mut random = Stream::new(3);
    let n = 200;
    let x: Vec<Vec<f64>> = (0..4).map(|_| (0..n).map(|_| random.normal()).collect()).collect();
    let y = (0..n).map(|t| Some(0.8 * x[1][t] + 0.3 * random.normal())).collect();
    let given = Given { y, x, after: vec![true], after_x: vec![vec![1.0]; 4] };
    let drawn = draw(&given, &Plan { level_sd: 0.01, expected_size: 1.0, ..plan() });
    assert!((drawn.coefficients[1].0 - 0.8).abs() < 0.08, "{:?}", drawn.coefficients);
    assert!((drawn.variances[0].sqrt() - 0.3).abs() < 0.05, "{:?}", drawn.variances);
    assert_eq!(drawn.inclusion[1], 1.0);
    for j in [0, 2, 3] {
        assert!(drawn.inclusion[j] < 0.3, "{:?}", drawn.inclusion);
    }
    assert!((drawn.means[0] - 0.8).abs() < 0.3);
}

#[test]
fn a_seed_gives_the_same_draws() {
    let given = Given {
        y: series(15),
        x: vec![series(15).iter().map(|y| y.unwrap_or(0.0).powi(2)).collect()],
        after: vec![true; 3],
        after_x: vec![vec![0.2; 3]],
    };
    let first = draw(&given, &plan());
    assert_eq!(first, draw(&given, &plan()));
    assert_ne!(first, draw(&given, &Plan { seed: 2, ..plan() }));
    assert_eq!(first.predictions.len(), 6000);
}
