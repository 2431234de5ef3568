//! The exact optimum of least squares with weights on the simplex.

use clarabel::algebra::CscMatrix;
use clarabel::solver::SupportedConeT::{NonnegativeConeT, ZeroConeT};
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus};
use nalgebra::{DMatrix, DVector};

use super::frank_wolfe::{SimplexProblem, dot, normalised};

/// The weights of the lowest loss: the solver's answer, made exact on the weights that are not
/// zero. `None` where the solver finds none.
pub(super) fn optimum(problem: &SimplexProblem) -> Option<Vec<f64>> {
    let gram = gram(problem);
    let n = gram.nrows();
    if n == 1 {
        return Some(vec![1.0]);
    }
    let scale = (0..n).map(|j| gram[(j, j)]).sum::<f64>() / n as f64;
    if !scale.is_finite() {
        return None;
    }
    if scale <= 0.0 {
        return Some(vec![1.0 / n as f64; n]); // all the same: any weights will do
    }
    let rough = interior(&(&gram / scale))?;
    Some(polished(&(gram / scale), &rough).unwrap_or_else(|| {
        normalised(rough.iter().map(|x| if *x < 1e-10 { 0.0 } else { *x }).collect())
    }))
}

/// A'A + mζ²I.
fn gram(problem: &SimplexProblem) -> DMatrix<f64> {
    let columns = problem.columns();
    let n = columns.len();
    let mut gram = DMatrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let product = dot(&columns[i], &columns[j]);
            gram[(i, j)] = product;
            gram[(j, i)] = product;
        }
        gram[(i, i)] += problem.ridge();
    }
    gram
}

/// The solver's answer.
fn interior(gram: &DMatrix<f64>) -> Option<Vec<f64>> {
    let n = gram.nrows();
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for j in 0..n {
        for i in 0..=j {
            rows.push(i);
            values.push(gram[(i, j)]);
        }
        starts.push(rows.len());
    }
    let quadratic = CscMatrix::new(n, n, starts, rows, values);
    let starts = (0..=n).map(|j| 2 * j).collect();
    let rows = (0..n).flat_map(|j| [0, j + 1]).collect();
    let values = (0..n).flat_map(|_| [1.0, -1.0]).collect();
    let bounds = CscMatrix::new(n + 1, n, starts, rows, values);
    let mut right = vec![0.0; n + 1];
    right[0] = 1.0;
    let settings = DefaultSettings {
        verbose: false,
        tol_gap_abs: 1e-12,
        tol_gap_rel: 1e-12,
        tol_feas: 1e-12,
        ..DefaultSettings::default()
    };
    let cones = [ZeroConeT(1), NonnegativeConeT(n)];
    let linear = vec![0.0; n];
    let mut solver =
        DefaultSolver::new(&quadratic, &linear, &bounds, &right, &cones, settings).ok()?;
    solver.solve();
    let solved = matches!(
        solver.solution.status,
        SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress
    );
    solved.then(|| normalised(solver.solution.x.iter().map(|x| x.max(0.0)).collect()))
}

/// The optimum with the weights that the answer has, exchanged until no other weight would help:
/// on them Gx is the same everywhere, elsewhere it is not lower.
fn polished(gram: &DMatrix<f64>, rough: &[f64]) -> Option<Vec<f64>> {
    let n = rough.len();
    let mut kept: Vec<bool> = rough.iter().map(|x| *x > 1e-6).collect();
    for _ in 0..3 * n {
        let support: Vec<usize> = (0..n).filter(|j| kept[*j]).collect();
        let block = gram.select_rows(&support).select_columns(&support);
        let solution = block.cholesky()?.solve(&DVector::from_element(support.len(), 1.0));
        let sum: f64 = solution.iter().sum();
        let mut x = vec![0.0; n];
        support.iter().zip(solution.iter()).for_each(|(j, z)| x[*j] = z / sum);
        let lowest = support.iter().copied().min_by(|a, b| x[*a].total_cmp(&x[*b]))?;
        if x[lowest] < 0.0 {
            kept[lowest] = false;
            continue;
        }
        let level = 1.0 / sum;
        let gradient = gram * DVector::from_column_slice(&x);
        let outside = (0..n).filter(|j| !kept[*j]);
        let helps = outside.min_by(|a, b| gradient[*a].total_cmp(&gradient[*b]));
        match helps.filter(|j| gradient[*j] < level - 1e-12) {
            Some(j) => kept[j] = true,
            None => return Some(x),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Karush, Kuhn and Tucker: the gradient is level where there is weight, and not lower
        /// elsewhere.
        #[test]
        fn nothing_is_lower(
            columns in proptest::collection::vec(proptest::collection::vec(-10.0..10.0f64, 5), 2..9),
            target in proptest::collection::vec(-10.0..10.0f64, 5),
            zeta in 0.01..3.0f64,
        ) {
            let problem = SimplexProblem::new(columns, &target, zeta, true);
            let x = optimum(&problem).unwrap();
            prop_assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(x.iter().all(|x| *x >= 0.0));
            let gram = gram(&problem);
            let gradient = &gram * DVector::from_column_slice(&x);
            let level = dot(gradient.as_slice(), &x);
            let scale = gram.diagonal().max();
            for (x, gradient) in x.iter().zip(gradient.iter()) {
                prop_assert!(*gradient >= level - 1e-9 * scale);
                prop_assert!(*x == 0.0 || (gradient - level).abs() <= 1e-9 * scale);
            }
        }
    }

    #[test]
    fn one_column_has_all_the_weight() {
        let one = SimplexProblem::new(vec![vec![1.0, 2.0]], &[3.0, 3.0], 1.0, false);
        assert_eq!(optimum(&one), Some(vec![1.0]));
        let same = SimplexProblem::new(vec![vec![3.0, 3.0]; 2], &[3.0, 3.0], 0.0, false);
        assert_eq!(optimum(&same), Some(vec![0.5, 0.5]));
    }
}
