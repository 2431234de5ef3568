//! The slopes of all pairs of points.

use super::order::Ranked;

/// The slopes of all pairs of points that differ in time.
pub(super) struct Slopes {
    pub(super) ranked: Ranked,
    pub(super) rising: usize,
    pub(super) falling: usize,
    /// None is too large for a number.
    pub(super) finite: bool,
}

impl Slopes {
    /// A slope is the same number whichever point of the pair comes first, so that the result does
    /// not depend on the order of the points; adding zero makes a negative zero an ordinary one.
    pub(super) fn of(value: &[f64], time: &[f64]) -> Self {
        let mut ranked = Ranked::with_capacity(value.len() * value.len().saturating_sub(1) / 2);
        let ascending = time.windows(2).all(|pair| pair[0] < pair[1]);
        for (i, (&y_i, &t_i)) in value.iter().zip(time).enumerate() {
            let earlier = value[..i].iter().zip(time);
            let slope = |(&y_j, &t_j): (&f64, &f64)| (y_i - y_j) / (t_i - t_j) + 0.0;
            if ascending {
                // Without a branch, so that several pairs are calculated at once.
                ranked.extend(earlier.map(slope));
            } else {
                ranked.extend(earlier.filter(|(_, t_j)| t_i != **t_j).map(slope));
            }
        }
        let signs = ranked.signs();
        let rising = ranked.len() - signs.negative - signs.zero;
        Self { ranked, rising, falling: signs.negative, finite: signs.finite }
    }

    pub(super) fn none() -> Self {
        Self { ranked: Ranked::with_capacity(0), rising: 0, falling: 0, finite: true }
    }

    /// Takes over the slopes within another series.
    pub(super) fn append(&mut self, other: Self) {
        self.ranked.append(other.ranked);
        self.rising += other.rising;
        self.falling += other.falling;
        self.finite &= other.finite;
    }

    pub(super) fn len(&self) -> usize {
        self.ranked.len()
    }

    /// Kendall's S: rising pairs less falling ones.
    pub(super) fn score(&self) -> f64 {
        self.rising as f64 - self.falling as f64
    }

    /// Neither a value nor a time is there twice among these `n` points.
    pub(super) fn untied(&self, n: usize) -> bool {
        self.len() == n * n.saturating_sub(1) / 2 && self.rising + self.falling == self.len()
    }
}
