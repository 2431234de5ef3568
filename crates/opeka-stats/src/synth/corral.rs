//! Weights on the donors that have any: the lowest point of their affine hull, and the way there.

use super::simplex::{Simplex, dot, square};

/// A column whose part that is new is this small beside the whole is a combination of others.
const DEPENDENT: f64 = 1e-11;

/// Feasible weights and the donors on which they are.
pub(super) struct Corral<'a> {
    simplex: &'a Simplex,
    pub(super) weights: Vec<f64>,
    members: Vec<usize>,
}

impl<'a> Corral<'a> {
    /// `None` where the weights are not feasible.
    pub(super) fn new(simplex: &'a Simplex, weights: Vec<f64>) -> Option<Self> {
        if weights.len() != simplex.donors() {
            return None;
        }
        let members = (0..weights.len()).filter(|donor| weights[*donor] > 0.0).collect();
        let corral = Self { simplex, weights, members };
        (!corral.members.is_empty()).then_some(corral)
    }

    pub(super) fn has(&self, donor: usize) -> bool {
        self.members.contains(&donor)
    }

    pub(super) fn enter(&mut self, donor: usize) {
        let place = self.members.partition_point(|member| *member < donor);
        self.members.insert(place, donor);
    }

    /// Goes to the lowest point of the affine hull, dropping the donors whose weight becomes zero
    /// on the way. `None` where members are combinations of each other.
    pub(super) fn descend(&mut self) -> Option<()> {
        loop {
            let aim = self.lowest()?;
            let (mut step, mut leaving) = (1.0, None);
            for (place, (donor, aim)) in self.members.iter().zip(&aim).enumerate() {
                let now = self.weights[*donor];
                if *aim <= 0.0 && now - aim >= 0.0 {
                    let share = if now > 0.0 { now / (now - aim) } else { 0.0 };
                    if share < step || leaving.is_none() {
                        (step, leaving) = (share, Some(place));
                    }
                }
            }
            for (donor, aim) in self.members.iter().zip(&aim) {
                let now = self.weights[*donor];
                self.weights[*donor] = if leaving.is_none() { *aim } else { now + step * (aim - now) };
            }
            let Some(place) = leaving else { return Some(()) };
            self.weights[self.members[place]] = 0.0;
            self.members.remove(place);
            self.weights.iter_mut().for_each(|w| *w = w.max(0.0));
            if self.members.is_empty() {
                return None;
            }
        }
    }

    /// The lowest point of the affine hull of the members: one weight for each, which sum to one.
    ///
    /// With the largest member as base, z = 1 − Σ others, and least squares on the differences to
    /// it by Householder reflections; the ridge adds a row for each member.
    fn lowest(&self) -> Option<Vec<f64>> {
        let n = self.members.len();
        if n == 1 {
            return Some(vec![1.0]);
        }
        let mut base = 0;
        for place in 1..n {
            if self.weights[self.members[place]] > self.weights[self.members[base]] {
                base = place;
            }
        }
        let m = self.simplex.rows();
        let ridge = self.simplex.ridge().sqrt();
        let rows = if ridge > 0.0 { m + n } else { m };
        if rows < n - 1 {
            return None;
        }
        let origin = self.simplex.column(self.members[base]);
        let others: Vec<usize> = (0..n).filter(|place| *place != base).collect();
        let mut columns = vec![0.0; rows * others.len()];
        for (column, place) in columns.chunks_exact_mut(rows).zip(&others) {
            let donor = self.simplex.column(self.members[*place]);
            for (c, (d, o)) in column.iter_mut().zip(donor.iter().zip(origin)) {
                *c = d - o;
            }
            if ridge > 0.0 {
                column[m + place] = ridge;
                column[m + base] = -ridge;
            }
        }
        let mut rest: Vec<f64> = origin.iter().map(|o| -o).collect();
        if ridge > 0.0 {
            rest.resize(rows, 0.0);
            rest[m + base] = -ridge;
        }
        let solution = least_squares(&mut columns, rows, &mut rest)?;
        let mut weights = vec![0.0; n];
        others.iter().zip(&solution).for_each(|(place, weight)| weights[*place] = *weight);
        weights[base] = 1.0 - solution.iter().sum::<f64>();
        Some(weights)
    }
}

/// Householder reflections in place; `None` where a column is a combination of those before it.
fn least_squares(columns: &mut [f64], rows: usize, rest: &mut [f64]) -> Option<Vec<f64>> {
    let k = columns.len() / rows;
    let mut diagonal = vec![0.0; k];
    for j in 0..k {
        let (before, after) = columns.split_at_mut((j + 1) * rows);
        let whole = &mut before[j * rows..];
        let length = square(whole);
        let reflector = &mut whole[j..];
        let below = square(reflector);
        if below <= DEPENDENT * DEPENDENT * length || below == 0.0 {
            return None;
        }
        let root = below.sqrt();
        let value = if reflector[0] > 0.0 { -root } else { root };
        reflector[0] -= value;
        let half = 0.5 * square(reflector);
        diagonal[j] = value;
        for column in after.chunks_exact_mut(rows).chain(std::iter::once(&mut *rest)) {
            let factor = dot(reflector, &column[j..]) / half;
            column[j..].iter_mut().zip(reflector.iter()).for_each(|(c, r)| *c -= factor * r);
        }
    }
    let mut solution = vec![0.0; k];
    for row in (0..k).rev() {
        let known: f64 = (row + 1..k).map(|c| columns[c * rows + row] * solution[c]).sum();
        solution[row] = (rest[row] - known) / diagonal[row];
    }
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}
