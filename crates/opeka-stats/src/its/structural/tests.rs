use super::*;
use crate::random::Random;
use crate::testing::assert_close;
use nalgebra::{DMatrix, DVector};

fn series(n: usize, regressors: usize, gaps: &[usize], seed: u64) -> Series {
    let mut random = Random::new(seed, 0);
    let mut level = 10.0;
    let mut y = Vec::new();
    let mut x = vec![Vec::new(); regressors];
    for t in 0..n {
        level += 0.3 * random.normal();
        let season = [1.5, -0.5, -1.0, 0.0][t % 4];
        let mut value = level + season + random.normal();
        for column in &mut x {
            let regressor = 5.0 + random.normal();
            value += 0.7 * regressor;
            column.push((!gaps.contains(&t)).then_some(regressor));
        }
        y.push((!gaps.contains(&t)).then_some(value));
    }
    Series { y, x }
}

/// The model as one regression with correlated errors: the columns of the first states, and the
/// covariance of the rest.
struct Whole {
    states: DMatrix<f64>,
    covariance: DMatrix<f64>,
}

fn whole<const M: usize>(shape: Shape, variances: Variances, times: &[usize]) -> Whole {
    let model = shape.model::<M>(variances);
    let transition = DMatrix::from_fn(M, M, |i, j| model.transition[i][j]);
    let noise = DMatrix::from_fn(M, M, |i, j| model.state_variance[i][j]);
    let z = DVector::from_fn(M, |i, _| model.observation[i]);
    let last = times.iter().max().unwrap() + 1;
    let mut powers = vec![DMatrix::<f64>::identity(M, M)];
    (1..last).for_each(|t| powers.push(&transition * &powers[t - 1]));
    let n = times.len();
    let states = DMatrix::from_fn(n, M, |row, j| (z.transpose() * &powers[times[row]])[(0, j)]);
    let covariance = DMatrix::from_fn(n, n, |a, b| {
        let (s, t) = (times[a], times[b]);
        let shared: f64 = (1..=s.min(t))
            .map(|k| {
                let left = z.transpose() * &powers[s - k];
                let right = z.transpose() * &powers[t - k];
                (left * &noise * right.transpose())[(0, 0)]
            })
            .sum();
        shared + if s == t { variances[0] } else { 0.0 }
    });
    Whole { states, covariance }
}

/// Likelihood, coefficients, forecasts with their variances and that of their sum, and the smoothed
/// signal, all from generalised least squares with the whole covariance matrix.
fn compare<const M: usize>(shape: Shape, variances: Variances, gaps: &[usize], seed: u64) {
    let (n, after) = (24, 5);
    let regressors = 2;
    let series = series(n, regressors, gaps, seed);
    let mut random = Random::new(seed, 1);
    let after_x: Vec<Vec<f64>> =
        (0..regressors).map(|_| (0..after).map(|_| 5.0 + random.normal()).collect()).collect();
    let observed = [true, true, false, true, true];

    let times: Vec<usize> = (0..n).filter(|t| series.y[*t].is_some()).collect();
    let k = times.len();
    let all: Vec<usize> = times.iter().copied().chain(n..n + after).collect();
    let Whole { states, covariance } = whole::<M>(shape, variances, &all);
    let omega = covariance.view((0, 0), (k, k)).clone_owned();
    let inverse = omega.clone().try_inverse().unwrap();
    let y = DVector::from_fn(k, |row, _| series.y[times[row]].unwrap());
    let x = DMatrix::from_fn(k, regressors, |row, j| series.x[j][times[row]].unwrap());
    let first = states.view((0, 0), (k, M)).clone_owned();
    // The first states are diffuse: they are coefficients without a price.
    let information = first.transpose() * &inverse * &first;
    let bread = information.clone().try_inverse().unwrap();
    let without = &inverse - &inverse * &first * &bread * first.transpose() * &inverse;
    let spread = (x.transpose() * &without * &x).try_inverse().unwrap();
    let b = &spread * x.transpose() * &without * &y;
    let e = &y - &x * &b;
    let rss = (e.transpose() * &without * &e)[(0, 0)];
    let height = -0.5
        * (k as f64 * libm::log(2.0 * std::f64::consts::PI)
            + libm::log(omega.determinant())
            + libm::log(information.determinant())
            + rss);

    let ours = at(shape, &series, Start::Exact, variances).unwrap();
    assert_close(ours.log_likelihood, height, 1e-8);
    for j in 0..regressors {
        assert_close(ours.coefficients[j], b[j], 1e-7);
        assert_close(ours.covariance[j][j], spread[(j, j)], 1e-7);
    }

    for with_coefficients in [false, true] {
        let after = After { observed: &observed, x: &after_x, with_coefficients };
        let told = tell(shape, &series, Start::Exact, &ours, &after).unwrap();
        // Of each time after, the weights of y in its forecast, and the variance of the error.
        let start = &bread * first.transpose() * &inverse * &e;
        let rest = &inverse * (&e - &first * &start);
        let mut summed = DVector::<f64>::zeros(k + 5);
        for h in 0..5 {
            let row = k + h;
            let cross = covariance.view((row, 0), (1, k)).clone_owned();
            let own = states.row(row);
            let regressor = DVector::from_fn(regressors, |j, _| after_x[j][h]);
            let mean = (own * &start)[(0, 0)] + (&cross * &rest)[(0, 0)] + regressor.dot(&b);
            assert_close(told.forecasts[h].mean, mean, 1e-8);
            // The error of the forecast, and of sums, as a combination of all outcomes.
            let variance = |target: &DVector<f64>| {
                let cross = target.transpose() * covariance.columns(0, k);
                let own = target.transpose() * &states;
                let short = own - &cross * &inverse * &first;
                let prior = (target.transpose() * &covariance * target)[(0, 0)]
                    - (&cross * &inverse * cross.transpose())[(0, 0)];
                let mut total = prior + (&short * &bread * short.transpose())[(0, 0)];
                if with_coefficients {
                    let far = DVector::from_fn(regressors, |j, _| {
                        let due: f64 = (0..5).map(|g| target[k + g] * after_x[j][g]).sum();
                        let column = x.column(j).clone_owned();
                        let start = &bread * first.transpose() * &inverse * &column;
                        let rest = &inverse * (&column - &first * &start);
                        let cross = target.transpose() * covariance.columns(0, k);
                        due - (target.transpose() * &states * start)[(0, 0)]
                            - (cross * rest)[(0, 0)]
                    });
                    total += (far.transpose() * &spread * &far)[(0, 0)];
                }
                total
            };
            let mut target = DVector::<f64>::zeros(k + 5);
            target[row] = 1.0;
            assert_close(told.forecasts[h].variance, variance(&target), 1e-7);
            if observed[h] {
                summed[row] = 1.0;
                assert_close(told.forecasts[h].sum_variance, variance(&summed), 1e-7);
            }
        }
        // The signal is the value less the noise that is expected in it.
        for (row, t) in times.iter().enumerate() {
            let noise = variances[0] * rest[row];
            assert!((told.signals[*t] - (y[row] - noise)).abs() < 1e-7);
        }
    }
}

#[test]
fn is_generalised_least_squares_with_the_whole_covariance_matrix() {
    let level = Shape { level_moves: true, has_slope: false, period: None };
    let trend = Shape { has_slope: true, ..level };
    let fixed = Shape { level_moves: false, ..level };
    let seasons = Shape { period: Some(4), ..level };
    let both = Shape { period: Some(4), ..trend };
    for (seed, gaps) in [(1, &[][..]), (2, &[0, 1, 7][..]), (3, &[3, 23][..])] {
        compare::<1>(level, [1.0, 0.2, 0.0, 0.0], gaps, seed);
        compare::<1>(fixed, [1.3, 0.0, 0.0, 0.0], gaps, seed);
        compare::<2>(trend, [1.0, 0.2, 0.05, 0.0], gaps, seed);
        compare::<4>(seasons, [1.0, 0.2, 0.0, 0.1], gaps, seed);
        compare::<5>(both, [1.0, 0.2, 0.01, 0.1], gaps, seed);
    }
}

#[test]
fn no_other_variances_are_more_likely() {
    for (seed, shape) in [
        (4, Shape { level_moves: true, has_slope: false, period: None }),
        (5, Shape { level_moves: true, has_slope: true, period: None }),
        (6, Shape { level_moves: true, has_slope: false, period: Some(4) }),
    ] {
        let series = series(40, 1, &[], seed);
        let best = estimate(shape, &series).unwrap();
        for k in shape.free() {
            for factor in [0.0, 0.5, 0.9, 1.1, 2.0] {
                let mut other = best.variances;
                other[k] = other[k].max(1e-4) * factor;
                let Ok(found) = at(shape, &series, Start::Exact, other) else { continue };
                assert!(found.log_likelihood <= best.log_likelihood + 1e-8, "{shape:?} {other:?}");
            }
        }
    }
}

#[test]
fn a_vague_start_nears_the_diffuse_one() {
    let shape = Shape { level_moves: true, has_slope: false, period: None };
    let series = series(30, 1, &[], 8);
    let exact = estimate(shape, &series).unwrap();
    let vague = estimate_from(shape, &series, Start::Known(1e10)).unwrap();
    assert_close(vague.coefficients[0], exact.coefficients[0], 1e-6);
    assert_close(vague.variances[0], exact.variances[0], 1e-3);
    // The likelihood leaves out what the first value told: log 2π/2 of it.
    let first = 0.5 * libm::log(2.0 * std::f64::consts::PI);
    assert_close(vague.log_likelihood, exact.log_likelihood + first, 1e-6);
}
