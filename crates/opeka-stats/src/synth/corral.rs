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
    /// on the way, and of donors that are combinations of others as many as it takes. `None` where
    /// the figures are beyond 64-bit numbers.
    pub(super) fn descend(&mut self) -> Option<()> {
        loop {
            match self.lowest()? {
                Way::To(aim) => {
                    let way: Vec<f64> = self
                        .members
                        .iter()
                        .zip(&aim)
                        .map(|(j, aim)| aim - self.weights[*j])
                        .collect();
                    if !self.walk(&way, 1.0) {
                        self.members.iter().zip(aim).for_each(|(j, aim)| self.weights[*j] = aim);
                        return Some(());
                    }
                }
                // All the way along it the residual is the same.
                Way::Along(direction) => {
                    if !self.walk(&direction, f64::INFINITY) {
                        return None;
                    }
                }
            }
            if self.members.is_empty() {
                return None;
            }
        }
    }

    /// Goes in a direction, at most `step`, until the first weight is zero; its donor leaves. Whether
    /// one did.
    fn walk(&mut self, direction: &[f64], step: f64) -> bool {
        let (mut step, mut leaving) = (step, None);
        for (place, (donor, way)) in self.members.iter().zip(direction).enumerate() {
            let now = self.weights[*donor];
            // A weight of zero at the end leaves, too.
            if *way < 0.0 && now <= -way * step || *way == 0.0 && now == 0.0 {
                let share = if *way < 0.0 { now / -way } else { 0.0 };
                if leaving.is_none() || share < step {
                    (step, leaving) = (share, Some(place));
                }
            }
        }
        let Some(place) = leaving else { return false };
        for (donor, way) in self.members.iter().zip(direction) {
            self.weights[*donor] = (self.weights[*donor] + step * way).max(0.0);
        }
        self.weights[self.members[place]] = 0.0;
        self.members.remove(place);
        true
    }

    /// The lowest point of the affine hull of the members: one weight for each, which sum to one.
    ///
    /// With the largest member as base, z = 1 − Σ others, and least squares on the differences to
    /// it by Householder reflections; the ridge adds a row for each member.
    fn lowest(&self) -> Option<Way> {
        let n = self.members.len();
        if n == 1 {
            return Some(Way::To(vec![1.0]));
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
        let spread = |solution: Vec<f64>, of_base: f64| {
            let mut weights = vec![0.0; n];
            others.iter().zip(&solution).for_each(|(place, weight)| weights[*place] = *weight);
            weights[base] = of_base - solution.iter().sum::<f64>();
            weights
        };
        Some(match least_squares(&mut columns, rows, &mut rest)? {
            Solved::Full(solution) => Way::To(spread(solution, 1.0)),
            Solved::Dependent(direction) => Way::Along(spread(direction, 0.0)),
        })
    }
}

/// Where the lowest point is.
enum Way {
    /// At these weights.
    To(Vec<f64>),
    /// Not to be told: in this direction, whose sum is zero, nothing changes.
    Along(Vec<f64>),
}

enum Solved {
    Full(Vec<f64>),
    /// A combination of columns that is zero.
    Dependent(Vec<f64>),
}

/// Householder reflections in place, up to the first column that is a combination of those before
/// it. `None` where the figures are beyond 64-bit numbers.
fn least_squares(columns: &mut [f64], rows: usize, rest: &mut [f64]) -> Option<Solved> {
    let k = columns.len() / rows;
    let mut diagonal = vec![0.0; k];
    for j in 0..k {
        let (before, after) = columns.split_at_mut((j + 1) * rows);
        let whole = &mut before[j * rows..];
        let length = square(whole);
        let below = whole.get(j..).map_or(0.0, square);
        if below <= DEPENDENT * DEPENDENT * length || below == 0.0 {
            let column = whole.to_vec();
            let mut direction = back_substitute(columns, rows, &diagonal[..j], &column)?;
            direction.iter_mut().for_each(|x| *x = -*x);
            direction.push(1.0);
            direction.resize(k, 0.0);
            return Some(Solved::Dependent(direction));
        }
        let reflector = &mut whole[j..];
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
    back_substitute(columns, rows, &diagonal, rest).map(Solved::Full)
}

fn back_substitute(
    columns: &[f64],
    rows: usize,
    diagonal: &[f64],
    target: &[f64],
) -> Option<Vec<f64>> {
    let k = diagonal.len();
    let mut solution = vec![0.0; k];
    for row in (0..k).rev() {
        let known: f64 = (row + 1..k).map(|c| columns[c * rows + row] * solution[c]).sum();
        solution[row] = (target[row] - known) / diagonal[row];
    }
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}
