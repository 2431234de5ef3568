use proptest::prelude::*;

use super::*;
use crate::testing::reason;

fn fit(donors: &[&[f64]], target: &[f64]) -> SimplexFit {
    Simplex::new(donors, target, None, 0.0, false).fit().unwrap()
}

#[track_caller]
fn near(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let apart = actual.iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-9, "{actual:?} is not {expected:?}");
}

#[test]
fn by_hand() {
    // Half way between two, and beyond the nearer one.
    near(&fit(&[&[1.0, 0.0], &[2.0, 0.0]], &[1.5, 3.0]).weights, &[0.5, 0.5]);
    near(&fit(&[&[1.0, 0.0], &[2.0, 0.0]], &[9.0, 3.0]).weights, &[0.0, 1.0]);
    // The foot of the perpendicular from the origin onto (1,0)–(0,2) is (0.8, 0.4).
    near(&fit(&[&[1.0, 0.0], &[0.0, 2.0], &[3.0, 3.0]], &[0.0, 0.0]).weights, &[0.8, 0.2, 0.0]);
}

#[test]
fn ties_take_the_most_even_weights_and_say_so() {
    let matched = fit(&[&[0.0], &[1.0], &[2.0]], &[1.0]);
    near(&matched.weights, &[1.0 / 3.0; 3]);
    assert!(!matched.unique);
    // Twins share, even where nobody matches.
    let twins = fit(&[&[1.0, 0.0], &[1.0, 0.0], &[0.0, 2.0]], &[0.0, 0.0]);
    near(&twins.weights, &[0.4, 0.4, 0.2]);
    assert!(!twins.unique);
    assert!(fit(&[&[1.0, 0.0], &[0.0, 2.0]], &[0.0, 0.0]).unique);
    let alike = fit(&[&[1.0], &[1.0]], &[1.0]);
    near(&alike.weights, &[0.5, 0.5]);
    assert!(!alike.unique);
}

#[test]
fn ridge_intercept_and_weights_of_rows() {
    // min (2w − 1)² + ζ²(w² + (1 − w)²) with ζ² = 1: 8w − 4 + 4w − 2 = 0.
    let ridge = Simplex::new(&[&[2.0], &[0.0]], &[1.0], None, 1.0, false).fit().unwrap();
    near(&ridge.weights, &[0.5, 0.5]);
    // min (3w − 3)² + w² + (1 − w)²: 22w = 20.
    let ridge = Simplex::new(&[&[3.0], &[0.0]], &[3.0], None, 1.0, false).fit().unwrap();
    near(&ridge.weights, &[10.0 / 11.0, 1.0 / 11.0]);
    // Levels aside, the first donor is the target.
    let rising = [10.0, 11.0, 12.0];
    let donors: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[9.0, 13.0, 11.0]];
    let free = Simplex::new(&donors, &rising, None, 0.0, true).fit().unwrap();
    near(&free.weights, &[1.0, 0.0]);
    // A row of weight two is a row that is there twice.
    let donors: [&[f64]; 3] = [&[1.0, 5.0, 2.0], &[4.0, 1.0, 0.0], &[0.0, 3.0, 7.0]];
    let twice: [&[f64]; 3] = [&[1.0, 1.0, 5.0, 2.0], &[4.0, 4.0, 1.0, 0.0], &[0.0, 0.0, 3.0, 7.0]];
    let weighted = Simplex::new(&donors, &[2.0, 2.0, 2.0], Some(&[2.0, 1.0, 1.0]), 0.0, true);
    let copied = Simplex::new(&twice, &[2.0; 4], None, 0.0, true);
    near(&weighted.fit().unwrap().weights, &copied.fit().unwrap().weights);
}

#[test]
fn what_cannot_be_is_a_reason() {
    let text = |donors: &[&[f64]], target: &[f64]| {
        reason(Simplex::new(donors, target, None, 0.0, false).fit().err())
    };
    assert!(text(&[], &[1.0]).contains("nothing to weight"));
    assert!(text(&[&[1e200], &[-1e200]], &[0.0]).contains("too large"));
    near(&fit(&[&[7.0]], &[1.0]).weights, &[1.0]);
}

/// The best of the least-squares solutions on every set of donors that are feasible.
fn exhaustive(simplex: &Simplex) -> f64 {
    let n = simplex.donors();
    let value =
        |weights: &[f64]| square(&simplex.residual(weights)) + simplex.ridge() * square(weights);
    let mut best = f64::INFINITY;
    for set in 1u32..1 << n {
        let members: Vec<usize> = (0..n).filter(|j| set >> j & 1 == 1).collect();
        let mut weights = vec![0.0; n];
        let (base, others) = (members[0], &members[1..]);
        weights[base] = 1.0;
        if !others.is_empty() {
            let root = simplex.ridge().sqrt();
            let row = |donor: usize| {
                let mut row = simplex.column(donor).to_vec();
                row.extend((0..n).map(|j| if j == donor { root } else { 0.0 }));
                row
            };
            let origin = row(base);
            let minus: Vec<f64> = origin.iter().map(|o| -o).collect();
            let columns: Vec<Vec<f64>> = others
                .iter()
                .map(|j| row(*j).iter().zip(&origin).map(|(d, o)| d - o).collect())
                .collect();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let Some(fit) = crate::least_squares::fit(&columns, &minus, None) else { continue };
            others.iter().zip(&fit.coefficients).for_each(|(j, w)| weights[*j] = *w);
            weights[base] = 1.0 - fit.coefficients.iter().sum::<f64>();
        }
        if weights.iter().all(|w| *w >= -1e-12) {
            best = best.min(value(&weights));
        }
    }
    best
}

proptest! {
    #[test]
    fn is_the_best_of_all_sets_of_donors(
        distances in proptest::collection::vec(-10.0..10.0f64, 3 * 6),
        ridge in prop_oneof![Just(0.0), 0.0..5.0f64],
        rows in 1usize..4,
    ) {
        let simplex = Simplex::of_distances(rows, distances[..rows * 6].to_vec(), ridge);
        let fit = simplex.fit().unwrap();
        prop_assert!(fit.weights.iter().all(|w| *w >= 0.0));
        prop_assert!((fit.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(fit.min_reduced_gradient > -1e-10, "{:?}", fit);
        let value = square(&simplex.residual(&fit.weights)) + ridge * square(&fit.weights);
        let best = exhaustive(&simplex);
        prop_assert!(value <= best + 1e-8 * (1.0 + best), "{} {}", value, best);

        // From anywhere else it is the same.
        let warm = simplex.fit_from(&[0.0, 0.5, 0.0, 0.25, 0.25, 0.0]).unwrap();
        let apart = fit.weights.iter().zip(&warm.weights).map(|(a, b)| (a - b).abs());
        prop_assert!(apart.fold(0.0, f64::max) < 1e-6, "{:?} {:?}", fit, warm);
    }

    #[test]
    fn the_order_of_donors_does_not_matter(
        distances in proptest::collection::vec(-10.0..10.0f64, 4 * 5),
    ) {
        let fit = Simplex::of_distances(4, distances.clone(), 0.0).fit().unwrap();
        let reversed: Vec<f64> = distances.chunks(4).rev().flatten().copied().collect();
        let other = Simplex::of_distances(4, reversed, 0.0).fit().unwrap();
        for (a, b) in fit.weights.iter().zip(other.weights.iter().rev()) {
            prop_assert!((a - b).abs() < 1e-9);
        }
    }
}
