//! What a restriction says of the differences in trends, as moment inequalities.

use super::{HonestDelta, HonestShape};

/// The coefficients of an event study: pre-periods, then post-periods. The reference period, of
/// which the coefficient is zero, lies between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Periods {
    pub(super) pre: usize,
    pub(super) post: usize,
}

impl Periods {
    pub(super) fn all(self) -> usize {
        self.pre + self.post
    }

    /// Weights of the differences in trends at the periods from `first` on, counted from the first
    /// pre-period with the reference period among them, as weights of the coefficients.
    fn row(self, first: usize, weights: &[f64]) -> Vec<f64> {
        let mut row = vec![0.0; self.all()];
        for (period, weight) in (first..).zip(weights) {
            if period != self.pre {
                row[period - usize::from(period > self.pre)] = *weight;
            }
        }
        row
    }

    /// The change from one period to the next one.
    fn change(self, first: usize) -> Vec<f64> {
        self.row(first, &[-1.0, 1.0])
    }

    /// The change of the slope around the period after `first`.
    fn bend(self, first: usize) -> Vec<f64> {
        self.row(first, &[1.0, -2.0, 1.0])
    }
}

/// The inequalities that hold for one piece of a restriction, which is the union of its pieces.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Each of these, and its negative, is at most `bound` times the differences in trends plus
    /// `constant`. As many as post-periods; each reaches one post-period further.
    pub(super) steps: Vec<Vec<f64>>,
    pub(super) bound: Vec<f64>,
    pub(super) constant: f64,
    /// Each of these is at most zero.
    pub(super) signs: Vec<Vec<f64>>,
    /// Inequalities on pre-periods alone, which the reference package uses with one post-period.
    pub(super) before: Vec<(Vec<f64>, f64)>,
}

/// The pieces of a restriction of size `m`.
///
/// Rambachan and Roth (2023): ΔSD (their equation 8), ΔRM (equation 9) and ΔSDRM are lists of
/// polyhedra; the second and third are unions over the pre-period in which the change is largest
/// and over its sign.
pub(super) fn pieces(
    delta: HonestDelta,
    shape: HonestShape,
    periods: Periods,
    m: f64,
) -> Vec<Piece> {
    let Periods { pre, post } = periods;
    let signs = signs(shape, periods);
    match delta {
        HonestDelta::Smoothness => {
            let mut before = Vec::new();
            if post == 1 {
                for bend in bends_before(periods) {
                    before.push((negative(&bend), m));
                    before.push((bend, m));
                }
                before.extend(shape_before(shape, periods).into_iter().map(|row| (row, 0.0)));
            }
            let steps = (pre - 1..pre + post - 1).map(|first| periods.bend(first)).collect();
            vec![Piece { steps, bound: vec![0.0; periods.all()], constant: m, signs, before }]
        }
        HonestDelta::RelativeMagnitudes => {
            let steps: Vec<_> = (pre..pre + post).map(|first| periods.change(first)).collect();
            union((0..pre).map(|first| periods.change(first)), &steps, &signs, m)
        }
        HonestDelta::RelativeSmoothness => {
            let steps: Vec<_> =
                (pre - 1..pre + post - 1).map(|first| periods.bend(first)).collect();
            union(bends_before(periods).into_iter(), &steps, &signs, m)
        }
    }
}

fn union(
    largest: impl Iterator<Item = Vec<f64>>,
    steps: &[Vec<f64>],
    signs: &[Vec<f64>],
    m: f64,
) -> Vec<Piece> {
    let scaled = |row: &[f64], by: f64| row.iter().map(|x| by * x).collect::<Vec<f64>>();
    largest
        .flat_map(|row| [scaled(&row, m), scaled(&row, -m)])
        .map(|bound| Piece {
            steps: steps.to_vec(),
            bound,
            constant: 0.0,
            signs: signs.to_vec(),
            before: Vec::new(),
        })
        .collect()
}

/// The bends of which all periods lie before treatment or are the reference period.
pub(super) fn bends_before(periods: Periods) -> Vec<Vec<f64>> {
    (0..periods.pre - 1).map(|first| periods.bend(first)).collect()
}

fn negative(row: &[f64]) -> Vec<f64> {
    row.iter().map(|x| -x).collect()
}

/// What the shape says of post-periods.
fn signs(shape: HonestShape, periods: Periods) -> Vec<Vec<f64>> {
    let Periods { pre, post } = periods;
    let level = |k: usize, sign: f64| {
        let mut row = vec![0.0; periods.all()];
        row[pre + k] = sign;
        row
    };
    match shape {
        HonestShape::Any => Vec::new(),
        HonestShape::PositiveBias => (0..post).map(|k| level(k, -1.0)).collect(),
        HonestShape::NegativeBias => (0..post).map(|k| level(k, 1.0)).collect(),
        HonestShape::Increasing => {
            (pre..pre + post).map(|first| negative(&periods.change(first))).collect()
        }
        HonestShape::Decreasing => (pre..pre + post).map(|first| periods.change(first)).collect(),
    }
}

/// What the shape says of pre-periods alone.
fn shape_before(shape: HonestShape, periods: Periods) -> Vec<Vec<f64>> {
    let changes = (0..periods.pre).map(|first| periods.change(first));
    match shape {
        HonestShape::Any | HonestShape::PositiveBias | HonestShape::NegativeBias => Vec::new(),
        HonestShape::Increasing => changes.map(|row| negative(&row)).collect(),
        HonestShape::Decreasing => changes.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIODS: Periods = Periods { pre: 2, post: 2 };

    #[test]
    fn bends_and_changes_leave_the_reference_period_out() {
        // Differences in trends at −2, −1, (0), 1, 2.
        let smooth = pieces(HonestDelta::Smoothness, HonestShape::Any, PERIODS, 0.5);
        assert_eq!(smooth[0].steps, [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, -2.0, 1.0]]);
        assert_eq!((smooth.len(), smooth[0].constant), (1, 0.5));
        let relative = pieces(HonestDelta::RelativeMagnitudes, HonestShape::Any, PERIODS, 2.0);
        assert_eq!(relative[0].steps, [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, -1.0, 1.0]]);
        let bounds: Vec<_> = relative.iter().map(|piece| piece.bound.clone()).collect();
        assert_eq!(bounds[0], [-2.0, 2.0, 0.0, 0.0]);
        assert_eq!(bounds[1], [2.0, -2.0, 0.0, 0.0]);
        assert_eq!(bounds[2], [0.0, -2.0, 0.0, 0.0]);
        assert_eq!(bounds.len(), 4);
        let both = pieces(HonestDelta::RelativeSmoothness, HonestShape::Any, PERIODS, 1.0);
        assert_eq!(both[0].bound, [1.0, -2.0, 0.0, 0.0]);
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn shapes_are_signs_of_levels_or_changes() {
        let up = pieces(HonestDelta::Smoothness, HonestShape::Increasing, PERIODS, 0.0);
        assert_eq!(up[0].signs, [[0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 1.0, -1.0]]);
        let below = pieces(HonestDelta::Smoothness, HonestShape::NegativeBias, PERIODS, 0.0);
        assert_eq!(below[0].signs, [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);
        let one = Periods { pre: 2, post: 1 };
        let up = pieces(HonestDelta::Smoothness, HonestShape::Increasing, one, 0.1);
        assert_eq!(up[0].before.len(), 4);
        assert_eq!(up[0].before[2].0, [1.0, -1.0, 0.0]);
        assert_eq!(up[0].before[3].0, [0.0, 1.0, 0.0]);
    }
}
