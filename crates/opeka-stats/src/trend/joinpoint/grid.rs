//! Lerman's grid search, made fast enough for thousands of permuted series.
//!
//! The design depends on the joins alone, not on the values. A hinge function (t − τ)₊ is made
//! orthogonal to the constant and to time once; along every path of a tree of joins each hinge is
//! made orthogonal to those before it (Gram and Schmidt), and what that takes is kept as two
//! numbers for each node. For a series the reduction of the sum of squares by a combination of
//! joins is then the sum of the squares of its coordinates, each of which costs two products.

use super::JoinpointOptions;
use super::series::Series;

/// The hinge functions at all admissible times, without what the constant and time explain.
///
/// Vectors are rows times the square roots of the weights.
pub(super) struct Hinges {
    /// Of the first admissible time among the distinct ones.
    first: usize,
    /// The smallest distance of two joins, in distinct times.
    gap: usize,
    vectors: Vec<Vec<f64>>,
    line: [Vec<f64>; 2],
}

impl Hinges {
    pub(super) fn new(series: &Series, options: &JoinpointOptions<'_>) -> Self {
        let roots = series.roots();
        let (centre, half) = (series.centre(), 0.5 * (series.end() - series.start()));
        let clock: Vec<f64> = series.time.iter().map(|t| (t - centre) / half).collect();
        let constant = unit(roots.clone());
        let mut slope: Vec<f64> = clock.iter().zip(&roots).map(|(t, root)| t * root).collect();
        remove(&mut slope, &constant);
        remove(&mut slope, &constant);
        let line = [constant, unit(slope)];

        let places = admissible(series, options);
        let vectors = series.distinct[places.clone()]
            .iter()
            .map(|join| {
                let hinge = |t: &f64| ((t - join) / half).max(0.0);
                let mut vector: Vec<f64> =
                    series.time.iter().zip(&roots).map(|(t, root)| hinge(t) * root).collect();
                // Twice is enough (Kahan, in Parlett 1980).
                for direction in line.iter().chain(&line) {
                    remove(&mut vector, direction);
                }
                unit(vector)
            })
            .collect();
        Self { first: places.start, gap: options.min_between + 1, vectors, line }
    }

    /// Removes what the constant and time explain.
    pub(super) fn detrend(&self, vector: &mut [f64]) {
        for direction in self.line.iter().chain(&self.line) {
            remove(vector, direction);
        }
    }

    /// The inner products with a vector, into `products`.
    pub(super) fn products(&self, vector: &[f64], products: &mut Vec<f64>) {
        products.clear();
        products.extend(self.vectors.iter().map(|hinge| dot(hinge, vector)));
    }

    /// The sum of squares that constant and time take from a vector.
    pub(super) fn explained_by_line(&self, vector: &[f64]) -> f64 {
        self.line.iter().map(|direction| dot(direction, vector)).map(|x| x * x).sum()
    }

    /// The index of a place among the distinct times.
    pub(super) fn index(&self, place: usize) -> usize {
        self.first + place
    }
}

/// Indices of the distinct times at which a single join may lie.
pub(super) fn admissible(
    series: &Series,
    options: &JoinpointOptions<'_>,
) -> std::ops::Range<usize> {
    let end = series.distinct.len().saturating_sub(options.min_to_end);
    options.min_to_end.min(end)..end
}

/// How many ways there are to place this many joins, up to one more than the limit.
pub(super) fn combinations(series: &Series, joins: usize, options: &JoinpointOptions<'_>) -> usize {
    let places = admissible(series, options).len();
    let free = (places + options.min_between).saturating_sub(joins * options.min_between);
    let mut ways = 1usize;
    for taken in 0..joins {
        ways = ways * free.saturating_sub(taken) / (taken + 1);
        if ways > super::MAX_COMBINATIONS && 2 * (taken + 1) <= free {
            return ways;
        }
    }
    ways
}

/// All combinations of a number of joins, with what turns inner products into coordinates.
pub(super) struct Tree {
    joins: usize,
    gap: usize,
    places: usize,
    /// For each inner node in the order of the walk and each place after it: the component of that
    /// place's hinge along the node's direction, and one over the length of the rest.
    along: Vec<f64>,
    inverse: Vec<f64>,
    root: Vec<f64>,
}

impl Tree {
    pub(super) fn new(hinges: &Hinges, joins: usize) -> Self {
        let places = hinges.vectors.len();
        let mut tree = Self {
            joins,
            gap: hinges.gap,
            places,
            along: Vec::new(),
            inverse: Vec::new(),
            root: vec![1.0; places],
        };
        if joins > 1 {
            tree.grow(&hinges.vectors, 0, 0);
        }
        tree
    }

    /// The places that a join of this depth may take after those of its path.
    fn range(&self, start: usize, depth: usize) -> std::ops::Range<usize> {
        let after = (self.joins - 1 - depth) * self.gap;
        start..self.places.saturating_sub(after)
    }

    /// `vectors` are the hinges from place `start` on, orthogonal to the path.
    fn grow(&mut self, vectors: &[Vec<f64>], start: usize, depth: usize) {
        for place in self.range(start, depth) {
            let direction = unit(vectors[place - start].clone());
            let next = place + self.gap;
            let mut rest = vectors[next - start..].to_vec();
            for vector in &mut rest {
                let along = remove(vector, &direction);
                let length = dot(vector, vector).sqrt();
                self.along.push(along);
                // Hinges are unit vectors: less than this is left of one that others explain.
                self.inverse.push(if length > 1e-9 { 1.0 / length } else { 0.0 });
            }
            if depth + 2 < self.joins {
                self.grow(&rest, next, depth + 1);
            }
        }
    }

    /// Calls `visit` with each path to a last join, the first place of that join, and the
    /// reductions of the sum of squares for it and all places after it.
    pub(super) fn walk(
        &self,
        products: &[f64],
        scratch: &mut Scratch,
        mut visit: impl FnMut(&[usize], usize, &[f64]),
    ) {
        scratch.levels.resize_with(self.joins + 1, Vec::new);
        scratch.levels[0].clear();
        scratch.levels[0].extend_from_slice(products);
        scratch.path.clear();
        let mut cursor = 0;
        let Scratch { levels, path } = scratch;
        self.step(levels, &self.root, 0, 0.0, &mut cursor, path, &mut visit);
    }

    #[allow(clippy::too_many_arguments, reason = "the state of a recursion")]
    fn step(
        &self,
        levels: &mut [Vec<f64>],
        inverse: &[f64],
        start: usize,
        gained: f64,
        cursor: &mut usize,
        path: &mut Vec<usize>,
        visit: &mut impl FnMut(&[usize], usize, &[f64]),
    ) {
        let Some((products, below)) = levels.split_first_mut() else { return };
        let depth = path.len();
        if depth + 1 == self.joins {
            for (product, inverse) in products.iter_mut().zip(inverse) {
                let coordinate = *product * inverse;
                *product = gained + coordinate * coordinate;
            }
            return visit(path, start, products);
        }
        for place in self.range(start, depth) {
            let coordinate = products[place - start] * inverse[place - start];
            let next = place + self.gap;
            let later = &products[next - start..];
            let node = *cursor..*cursor + later.len();
            *cursor = node.end;
            below[0].clear();
            below[0].extend(
                later.iter().zip(&self.along[node.clone()]).map(|(x, r)| x - r * coordinate),
            );
            path.push(place);
            let gained = gained + coordinate * coordinate;
            self.step(below, &self.inverse[node], next, gained, cursor, path, visit);
            path.pop();
        }
    }

    /// The largest reduction of the sum of squares.
    pub(super) fn largest(&self, products: &[f64], scratch: &mut Scratch) -> f64 {
        let mut largest = 0.0f64;
        self.walk(products, scratch, |_, _, gains| {
            largest = gains.iter().fold(largest, |a, b| if *b > a { *b } else { a });
        });
        largest
    }

    /// The combination of the largest reduction; the earliest among equals.
    pub(super) fn best(&self, products: &[f64]) -> Vec<usize> {
        let (mut largest, mut best) = (-1.0, Vec::new());
        self.walk(products, &mut Scratch::default(), |path, start, gains| {
            for (offset, gain) in gains.iter().enumerate() {
                if *gain > largest {
                    largest = *gain;
                    best = path.to_vec();
                    best.push(start + offset);
                }
            }
        });
        best
    }

    /// For each join and each place, the largest reduction among combinations with it there.
    pub(super) fn profile(&self, products: &[f64]) -> Vec<Vec<Option<f64>>> {
        let mut profile = vec![vec![None::<f64>; self.places]; self.joins];
        let raise = |cell: &mut Option<f64>, gain: f64| {
            *cell = Some(cell.map_or(gain, |seen| seen.max(gain)));
        };
        self.walk(products, &mut Scratch::default(), |path, start, gains| {
            let most = gains.iter().copied().fold(0.0, f64::max);
            for (row, place) in profile.iter_mut().zip(path) {
                raise(&mut row[*place], most);
            }
            if let Some(last) = profile.last_mut() {
                for (cell, gain) in last[start..].iter_mut().zip(gains) {
                    raise(cell, *gain);
                }
            }
        });
        profile
    }
}

/// Room for a walk, kept between walks.
#[derive(Default)]
pub(super) struct Scratch {
    levels: Vec<Vec<f64>>,
    path: Vec<usize>,
}

/// Removes the component along a unit vector and returns it.
fn remove(vector: &mut [f64], direction: &[f64]) -> f64 {
    let along = dot(vector, direction);
    for (v, u) in vector.iter_mut().zip(direction) {
        *v -= along * u;
    }
    along
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    for v in &mut vector {
        *v = if length > 0.0 { *v / length } else { 0.0 };
    }
    vector
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums side by side: the order is fixed, and the processor can add them at once.
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}
