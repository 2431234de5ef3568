//! Order statistics without sorting.

/// An integer that orders as `f64::total_cmp` does, so that selection compares integers; the same
/// map leads back.
fn key(number: f64) -> i64 {
    turn(number.to_bits() as i64)
}

fn number(key: i64) -> f64 {
    f64::from_bits(turn(key) as u64)
}

/// Negative numbers have their bits below the sign turned round. Its own inverse.
fn turn(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// Numbers of which a few ranks are wanted.
pub(super) struct Ranked {
    keys: Vec<i64>,
    /// Where the keys are split: all before are no larger, all after are no smaller.
    split: Option<usize>,
}

impl Ranked {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { keys: Vec::with_capacity(capacity), split: None }
    }

    pub(super) fn extend(&mut self, numbers: impl Iterator<Item = f64>) {
        self.keys.extend(numbers.map(key));
        self.split = None;
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.keys.append(&mut other.keys);
        self.split = None;
    }

    /// Counts the numbers of each sign; a negative zero counts as negative.
    pub(super) fn signs(&self) -> Signs {
        const EXPONENT_UNIT: u64 = 1 << 52;
        let (mut negative, mut zero, mut too_large) = (0, 0, 0);
        // Integers throughout, so that several are counted at once.
        for &key in &self.keys {
            negative += key as u64 >> 63;
            zero += u64::from(key == 0);
            // One more in the exponent of an infinity (or of what is no number) runs over.
            too_large |= (turn(key) as u64 & (u64::MAX >> 1)) + EXPONENT_UNIT;
        }
        Signs { negative: negative as usize, zero: zero as usize, finite: too_large >> 63 == 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The middle one, or half of both middle ones; `None` of nothing.
    pub(super) fn median(&mut self) -> Option<f64> {
        if self.keys.is_empty() {
            return None;
        }
        let middle = self.keys.len() / 2;
        let (below, &mut at, _) = self.keys.select_nth_unstable(middle);
        let highest_below = below.iter().copied().max();
        self.split = Some(middle);
        Some(match highest_below {
            // Halves first: the sum of two finite numbers may not be finite.
            Some(lower) if self.keys.len().is_multiple_of(2) => {
                0.5 * number(lower) + 0.5 * number(at)
            }
            _ => number(at),
        })
    }

    /// The one of this rank, counted from 0; `None` outside. Cheap after [`Ranked::median`].
    pub(super) fn at(&mut self, rank: usize) -> Option<f64> {
        let (start, end) = match self.split {
            Some(split) if rank < split => (0, split),
            Some(split) if rank == split => (split, split + 1),
            Some(split) => (split + 1, self.keys.len()),
            None => (0, self.keys.len()),
        };
        let part = self.keys.get_mut(start..end)?;
        let inside = rank.checked_sub(start).filter(|&inside| inside < part.len())?;
        let (_, &mut at, _) = part.select_nth_unstable(inside);
        Some(number(at))
    }
}

/// How many numbers there are of each sign.
pub(super) struct Signs {
    pub(super) negative: usize,
    pub(super) zero: usize,
    /// None is infinite.
    pub(super) finite: bool,
}

/// The median; zero of nothing, which callers have ruled out.
pub(super) fn median(numbers: &[f64]) -> f64 {
    let mut ranked = Ranked::with_capacity(numbers.len());
    ranked.extend(numbers.iter().copied());
    ranked.median().unwrap_or(0.0)
}

/// Ranks from 1; equal numbers share the mean of theirs.
pub(super) fn mean_ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_unstable_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then(a.cmp(&b)));
    let mut ranks = vec![0.0; numbers.len()];
    let mut before = 0;
    for group in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = before as f64 + 0.5 * (group.len() as f64 + 1.0);
        for &place in group {
            ranks[place] = rank;
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranked(numbers: &[f64]) -> Ranked {
        let mut ranked = Ranked::with_capacity(numbers.len());
        ranked.extend(numbers.iter().copied());
        ranked
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(ranked(&[]).median(), None);
        assert_eq!(ranked(&[]).at(0), None);
        assert_eq!(ranked(&[7.0]).median(), Some(7.0));
        assert_eq!(ranked(&[f64::MAX, f64::MAX]).median(), Some(f64::MAX));
    }

    #[test]
    fn equal_numbers_share_their_ranks() {
        assert_eq!(mean_ranks(&[3.0, 1.0, 3.0, -0.0, 0.0]), [4.5, 3.0, 4.5, 1.5, 1.5]);
    }

    #[test]
    fn signs_are_counted() {
        let signs = ranked(&[-1.0, 0.0, 2.0, 5e-324, f64::MAX, -f64::MAX, 0.0]).signs();
        assert_eq!((signs.negative, signs.zero, signs.finite), (2, 2, true));
        assert!(!ranked(&[1.0, f64::INFINITY]).signs().finite);
        assert!(!ranked(&[f64::NEG_INFINITY, 1.0]).signs().finite);
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_sorted_numbers(
            numbers in prop::collection::vec(prop_oneof![
                any::<i8>().prop_map(|x| f64::from(x) / 16.0),
                -1e300..1e300f64,
            ], 1..60),
        ) {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let n = sorted.len();
            let middle = if n % 2 == 1 {
                sorted[n / 2]
            } else {
                0.5 * sorted[n / 2 - 1] + 0.5 * sorted[n / 2]
            };
            let (mut fresh, mut split) = (ranked(&numbers), ranked(&numbers));
            prop_assert_eq!(split.median(), Some(middle));
            for (rank, &expected) in sorted.iter().enumerate() {
                prop_assert_eq!(split.at(rank), Some(expected));
                prop_assert_eq!(fresh.at(rank), Some(expected));
            }
            prop_assert_eq!(split.at(n), None);
            prop_assert_eq!(fresh.at(n), None);
        }
    }
}
