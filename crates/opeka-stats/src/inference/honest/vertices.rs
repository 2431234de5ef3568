//! The corners among which the test statistic is a maximum.
//!
//! Andrews, Roth and Pakes (2023, *Review of Economic Studies* 90, equation 15) test E[Y − Xδ] ≤ 0
//! with nuisance parameters δ by η = min over δ of max (Y − Xδ)/σ, a linear program. Its dual has
//! the feasible set {γ ≥ 0: γ'X = 0, γ'σ = 1}, which depends neither on Y nor on the value under
//! test: η is the maximum of γ'Y over its corners. Here the moments are the inequalities of a
//! restriction on differences in trends, and the corners can be listed: with steps ±D − b and
//! signs S, γ'X = 0 says that (γ⁺ − γ⁻)'D + v'S is a multiple c of the weights l of the effect, so
//! that u = γ⁺ − γ⁻ follows from c and v. Without signs that leaves c = 1, c = −1, and the pairs of a
//! step and its negative.

use nalgebra::DMatrix;

use super::moments::Piece;
use crate::Reason;

/// With signs the number of corners grows fast with that of post-periods.
pub(super) const MAX_POST_WITH_SIGNS: usize = 10;

/// A corner γ, as what it says of coefficients β and the effect θ: `weights`'β − `constant` −
/// `effect` θ ≤ 0 in expectation.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    pub(super) weights: Vec<f64>,
    pub(super) constant: f64,
    pub(super) effect: f64,
}

/// A direction γ up to scale: the multiple of l, the steps and the signs.
#[derive(Clone, Debug)]
pub(super) struct Ray {
    multiple: f64,
    steps: Vec<f64>,
    signs: Vec<f64>,
}

/// The rays of a restriction without the pairs; they are the same for all its pieces and sizes.
pub(super) fn rays(piece: &Piece, pre: usize, effect: &[f64]) -> Result<Vec<Ray>, Reason> {
    let n = effect.len();
    if !piece.signs.is_empty() && n > MAX_POST_WITH_SIGNS {
        return Err(Reason::because(format!(
            "there are {n} post-periods (with a shape or a sign it is worked out for up to \
             {MAX_POST_WITH_SIGNS})"
        )));
    }
    // u = D'⁻¹(c l − S'v), one column for c and one for each v.
    let scale = effect.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let steps = DMatrix::from_fn(n, n, |period, step| piece.steps[step][pre + period]);
    let right = DMatrix::from_fn(n, 1 + piece.signs.len(), |period, column| match column {
        0 => effect[period] / scale,
        sign => -piece.signs[sign - 1][pre + period],
    });
    let Some(solved) = steps.lu().solve(&right) else {
        return Err(Reason::because("the restriction does not bound the effect"));
    };
    let mut rays = Vec::new();
    let n_signs = piece.signs.len();
    for count in 0..=n_signs {
        for_each_subset(n_signs, count, &mut |signs| {
            for_each_subset(n, count, &mut |zero| {
                if let Some(free) = null_vector(&solved, signs, zero) {
                    for direction in [1.0, -1.0] {
                        add(&mut rays, &solved, signs, &free, direction);
                    }
                }
            });
        });
    }
    rays.iter_mut().for_each(|ray| ray.multiple /= scale);
    Ok(rays)
}

const TOLERANCE: f64 = 1e-9;

fn add(rays: &mut Vec<Ray>, solved: &DMatrix<f64>, signs: &[usize], free: &[f64], direction: f64) {
    let most = free.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let free: Vec<f64> = free.iter().map(|x| direction * x / most).collect();
    if free[1..].iter().any(|x| *x < -TOLERANCE) {
        return;
    }
    let clean = |x: f64| if x.abs() <= TOLERANCE { 0.0 } else { x };
    let mut all = vec![0.0; solved.ncols() - 1];
    signs.iter().zip(&free[1..]).for_each(|(sign, x)| all[*sign] = clean(*x));
    let multiple = clean(free[0]);
    let steps: Vec<f64> = (0..solved.nrows())
        .map(|step| {
            let of_signs: f64 = (0..all.len()).map(|k| solved[(step, k + 1)] * all[k]).sum();
            clean(solved[(step, 0)] * multiple + of_signs)
        })
        .collect();
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-7);
    let known = rays.iter().any(|ray| {
        near(&[ray.multiple], &[multiple]) && near(&ray.signs, &all) && near(&ray.steps, &steps)
    });
    if !known {
        rays.push(Ray { multiple, steps, signs: all });
    }
}

/// The c and v, of which only `signs` are not zero, for which the steps of `zero` are; `None` where
/// that leaves more than one direction.
fn null_vector(solved: &DMatrix<f64>, signs: &[usize], zero: &[usize]) -> Option<Vec<f64>> {
    let k = zero.len();
    let column = |c: usize| if c == 0 { 0 } else { signs[c - 1] + 1 };
    let mut rows: Vec<Vec<f64>> =
        zero.iter().map(|step| (0..=k).map(|c| solved[(*step, column(c))]).collect()).collect();
    let mut pivots = Vec::with_capacity(k);
    for row in 0..k {
        let mut best = (TOLERANCE, row, 0);
        for (r, values) in rows.iter().enumerate().skip(row) {
            for (c, value) in values.iter().enumerate() {
                if !pivots.contains(&c) && value.abs() > best.0 {
                    best = (value.abs(), r, c);
                }
            }
        }
        let (size, from, pivot) = best;
        if size <= TOLERANCE {
            return None;
        }
        rows.swap(row, from);
        pivots.push(pivot);
        let lead = rows[row].clone();
        for (_, values) in rows.iter_mut().enumerate().filter(|(r, _)| *r != row) {
            let factor = values[pivot] / lead[pivot];
            values.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= factor * lead);
        }
    }
    let free = (0..=k).find(|c| !pivots.contains(c))?;
    let mut vector = vec![0.0; k + 1];
    vector[free] = 1.0;
    pivots.iter().zip(&rows).for_each(|(pivot, row)| vector[*pivot] = -row[free] / row[*pivot]);
    Some(vector)
}

/// All subsets of `size` of the numbers below `n`, in lexicographic order.
fn for_each_subset(n: usize, size: usize, run: &mut impl FnMut(&[usize])) {
    if size > n {
        return;
    }
    let mut subset: Vec<usize> = (0..size).collect();
    loop {
        run(&subset);
        let Some(place) = (0..size).rev().find(|i| subset[*i] < n - size + i) else { return };
        subset[place] += 1;
        for i in place + 1..size {
            subset[i] = subset[i - 1] + 1;
        }
    }
}

/// The corners of a piece. `variance` gives that of a weighted sum of the coefficients.
pub(super) fn vertices(
    piece: &Piece,
    rays: &[Ray],
    pre: usize,
    effect: &[f64],
    variance: impl Fn(&[f64]) -> f64,
) -> Vec<Vertex> {
    let error = |row: &[f64]| variance(row).sqrt();
    let up: Vec<Vec<f64>> = piece.steps.iter().map(|step| less(step, 1.0, &piece.bound)).collect();
    let down: Vec<Vec<f64>> =
        piece.steps.iter().map(|step| less(step, -1.0, &piece.bound)).collect();
    if let [effect] = effect {
        // No nuisance parameters: each inequality is a corner.
        let steps = up.iter().chain(&down).map(|row| (row, piece.constant));
        let signs = piece.signs.iter().map(|row| (row, 0.0));
        let before = piece.before.iter().map(|(row, constant)| (row, *constant));
        return steps
            .chain(signs)
            .chain(before)
            .map(|(row, constant)| scaled(row, constant, row[pre] / effect, error(row)))
            .collect();
    }
    let error_up: Vec<f64> = up.iter().map(|row| error(row)).collect();
    let error_down: Vec<f64> = down.iter().map(|row| error(row)).collect();
    let error_sign: Vec<f64> = piece.signs.iter().map(|row| error(row)).collect();
    let mut vertices = Vec::with_capacity(rays.len() + piece.steps.len());
    for ray in rays {
        let mut weights = vec![0.0; piece.bound.len()];
        let mut add = |row: &[f64], by: f64| {
            weights.iter_mut().zip(row).for_each(|(sum, x)| *sum += by * x);
        };
        let (mut constant, mut size) = (0.0, 0.0);
        for (j, step) in ray.steps.iter().enumerate() {
            add(if *step > 0.0 { &up[j] } else { &down[j] }, step.abs());
            constant += piece.constant * step.abs();
            size += step.abs() * if *step > 0.0 { error_up[j] } else { error_down[j] };
        }
        for (j, sign) in ray.signs.iter().enumerate() {
            add(&piece.signs[j], *sign);
            size += sign * error_sign[j];
        }
        vertices.push(scaled(&weights, constant, ray.multiple, size));
    }
    for (up, down) in error_up.iter().zip(&error_down) {
        let weights: Vec<f64> = piece.bound.iter().map(|x| -2.0 * x).collect();
        vertices.push(scaled(&weights, 2.0 * piece.constant, 0.0, up + down));
    }
    vertices
}

fn less(step: &[f64], sign: f64, bound: &[f64]) -> Vec<f64> {
    step.iter().zip(bound).map(|(step, bound)| sign * step - bound).collect()
}

fn scaled(weights: &[f64], constant: f64, effect: f64, size: f64) -> Vertex {
    Vertex {
        weights: weights.iter().map(|x| x / size).collect(),
        constant: constant / size,
        effect: effect / size,
    }
}

#[cfg(test)]
mod tests {
    use super::super::moments::{Periods, pieces};
    use super::super::{HonestDelta, HonestShape};
    use super::*;

    #[test]
    fn without_signs_two_rays_are_left() {
        let periods = Periods { pre: 2, post: 3 };
        let piece = &pieces(HonestDelta::RelativeMagnitudes, HonestShape::Any, periods, 1.0)[0];
        let rays = rays(piece, 2, &[0.0, 2.0, 0.0]).unwrap();
        // The second level is the sum of the first two changes.
        assert_eq!(rays.len(), 2);
        assert_eq!(rays[0].steps, [1.0, 1.0, 0.0]);
        assert_eq!((rays[0].multiple, rays[1].multiple), (0.5, -0.5));
        let vertices = vertices(piece, &rays, 2, &[0.0, 2.0, 0.0], |_| 1.0);
        assert_eq!(vertices.len(), 5);
        // Level 2 less twice the largest change before, over the two errors.
        assert_eq!(vertices[0].weights, [1.0, -1.0, 0.0, 0.5, 0.0]);
        assert_eq!(vertices[0].effect, 0.25);
    }

    #[test]
    fn subsets_are_all_there() {
        let mut found = Vec::new();
        for_each_subset(4, 2, &mut |subset| found.push(subset.to_vec()));
        assert_eq!(found, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        let mut count = 0;
        for_each_subset(3, 0, &mut |_| count += 1);
        assert_eq!(count, 1);
    }
}
