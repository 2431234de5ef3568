use nalgebra::{DMatrix, DVector};

use super::*;

const N: usize = 12;

/// Three columns of which the first two go together, and an outcome.
fn data() -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut random = Stream::new(2);
    let first: Vec<f64> = (0..N).map(|_| random.normal()).collect();
    let second = first.iter().map(|x| 0.8 * x + 0.6 * random.normal()).collect();
    let third: Vec<f64> = (0..N).map(|_| random.normal()).collect();
    let z = (0..N).map(|t| 0.5 * first[t] + 0.4 * third[t] + 0.5 * random.normal()).collect();
    (vec![first, second, third], z)
}

fn cross(columns: &[Vec<f64>], z: &[f64]) -> Vec<f64> {
    columns.iter().map(|x| x.iter().zip(z).map(|(x, z)| x * z).sum()).collect()
}

/// The slab as a dense matrix, entry by entry from its definition.
fn omega(columns: &[Vec<f64>], members: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(members.len(), members.len(), |i, j| {
        let inner = cross(&columns[members[i]..=members[i]], &columns[members[j]])[0];
        0.01 / N as f64 * if i == j { inner } else { 0.5 * inner }
    })
}

/// The chances of all sets by their marginal likelihoods: z ~ N(0, σ² (I + X Ω⁻¹ X′)).
#[test]
fn sets_are_drawn_as_often_as_they_are_likely() {
    let (columns, z) = data();
    let (noise, share): (f64, f64) = (0.25, 1.2 / 3.0);
    let outcome = DVector::from_column_slice(&z);
    let heights: Vec<f64> = (0..8u32)
        .map(|set| {
            let members: Vec<usize> = (0..3).filter(|j| set >> j & 1 == 1).collect();
            let x = DMatrix::from_fn(N, members.len(), |t, j| columns[members[j]][t]);
            let slab = omega(&columns, &members).try_inverse().unwrap();
            let covariance = (DMatrix::identity(N, N) + &x * slab * x.transpose()) * noise;
            let square = outcome.dot(&(covariance.clone().try_inverse().unwrap() * &outcome));
            let size = members.len() as i32;
            let prior = share.powi(size) * (1.0 - share).powi(3 - size);
            prior * libm::exp(-0.5 * square) / covariance.determinant().sqrt()
        })
        .collect();
    let total: f64 = heights.iter().sum();

    let mut slab = Slab::new(&columns, 1.2);
    let mut random = Stream::new(1);
    let (n, mut counts) = (60_000, [0.0; 8]);
    for _ in 0..n {
        let given = slab.draw(&cross(&columns, &z), (0.0, N), noise, None, &mut random);
        assert_eq!(given, noise);
        let set: usize = slab.members().iter().map(|j| 1 << j).sum();
        counts[set] += 1.0;
        for j in 0..3 {
            assert_eq!(slab.coefficients[j] != 0.0, slab.members().contains(&j));
        }
    }
    let spread: f64 = heights.iter().map(|h| h / total).fold(0.0, f64::max);
    assert!(spread < 0.8, "one set has it all: {heights:?}");
    for (count, height) in counts.iter().zip(&heights) {
        let (found, expected) = (count / f64::from(n), height / total);
        // A chain of flips is worth fewer draws than it has.
        assert!((found - expected).abs() < 0.012, "{found} {expected}");
    }
}

/// With all series in, σ² and β have a law that is known: normal and inverse gamma.
#[test]
fn all_in_is_the_conjugate_regression() {
    let (columns, z) = data();
    let x = DMatrix::from_fn(N, 3, |t, j| columns[j][t]);
    let outcome = DVector::from_column_slice(&z);
    let precision = x.transpose() * &x + omega(&columns, &[0, 1, 2]);
    let covariance = precision.try_inverse().unwrap();
    let mean = &covariance * x.transpose() * &outcome;
    let squares = outcome.dot(&outcome);
    let left = squares - (x.transpose() * &outcome).dot(&mean);
    let prior = VariancePrior { df: 50.0, guess: 0.5, most: f64::INFINITY };
    let expected = 0.5 * (50.0 * 0.25 + left) / (31.0 - 1.0);

    let mut slab = Slab::new(&columns, 3.0);
    let mut random = Stream::new(4);
    let n = 40_000;
    let (mut sums, mut second, mut noises) = ([0.0; 3], [0.0; 3], 0.0);
    for _ in 0..n {
        noises += slab.draw(&cross(&columns, &z), (squares, N), 1.0, Some(&prior), &mut random);
        for j in 0..3 {
            sums[j] += slab.coefficients[j];
            second[j] += (slab.coefficients[j] - mean[j]).powi(2);
        }
    }
    let n = f64::from(n);
    assert!((noises / n / expected - 1.0).abs() < 0.005, "{} {expected}", noises / n);
    for j in 0..3 {
        let variance = expected * covariance[(j, j)];
        assert!((sums[j] / n - mean[j]).abs() < 5.0 * (variance / n).sqrt());
        assert!((second[j] / n / variance - 1.0).abs() < 0.05);
    }
}

/// Two columns that are the same share a coefficient, and nothing breaks.
#[test]
fn columns_that_are_the_same_are_no_fault() {
    let (columns, z) = data();
    let twice = vec![columns[0].clone(), columns[0].clone()];
    let mut slab = Slab::new(&twice, 2.0);
    let mut random = Stream::new(6);
    let drawn: f64 = (0..2000)
        .map(|_| {
            slab.draw(&cross(&twice, &z), (0.0, N), 0.5, None, &mut random);
            slab.coefficients.iter().sum::<f64>()
        })
        .sum();
    let alone = cross(&columns, &z)[0] / columns[0].iter().map(|x| x * x).sum::<f64>();
    assert!((drawn / 2000.0 - alone).abs() < 0.05, "{} {alone}", drawn / 2000.0);
}
