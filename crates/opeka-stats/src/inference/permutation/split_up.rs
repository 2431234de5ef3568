//! The exact distribution of a sum over a random subset, by halves.
//!
//! Of n items m are chosen; all subsets are equally likely. The items are split into halves, and the
//! sums of the subsets of each half, by size, put into order: how many subsets of the whole lie
//! beyond a value is then counted by going through two ordered lists at once. 2^(n/2) steps do the
//! work of the n over m subsets (van de Wiel 2001, "The split-up algorithm: a fast symbolic method
//! for computing p-values of distribution-free statistics", *Computational Statistics* 16; Horowitz
//! and Sahni 1974 for subset sums).

/// The most items that are taken: lists of 2²⁰ numbers.
pub(super) const MAX_ITEMS: usize = 40;

/// The sums of the subsets of items, ascending, for each size of up to `most` items.
fn sums(items: &[f64], most: usize) -> Vec<Vec<f64>> {
    let mut lists = vec![Vec::new(); most + 1];
    lists[0].push(0.0);
    for item in items {
        for size in (1..=most).rev() {
            let (smaller, own) = lists.split_at_mut(size);
            let with = &smaller[size - 1];
            if !with.is_empty() {
                own[0] = merge(&own[0], with, *item);
            }
        }
    }
    lists
}

/// An ordered list, and another one to each of whose numbers `item` is added.
fn merge(without: &[f64], with: &[f64], item: f64) -> Vec<f64> {
    let mut merged = Vec::with_capacity(without.len() + with.len());
    let mut rest = without;
    for number in with {
        let sum = number + item;
        let (smaller, larger) = rest.split_at(rest.iter().take_while(|x| **x <= sum).count());
        merged.extend_from_slice(smaller);
        merged.push(sum);
        rest = larger;
    }
    merged.extend_from_slice(rest);
    merged
}

/// How many of the subsets of `size` items have a sum of at least `upper`, and how many one of at
/// most `lower`.
pub(super) fn beyond(items: &[f64], size: usize, lower: f64, upper: f64) -> (u64, u64) {
    let (first, second) = items.split_at(items.len() / 2);
    let (first, second) =
        (sums(first, size.min(first.len())), sums(second, size.min(second.len())));
    let (mut above, mut below) = (0u64, 0u64);
    for (k, a) in first.iter().enumerate() {
        let Some(b) = size.checked_sub(k).and_then(|rest| second.get(rest)) else { continue };
        // As one sum rises, the other may fall.
        let (mut from, mut to) = (b.len(), b.len());
        for x in a {
            while from > 0 && x + b[from - 1] >= upper {
                from -= 1;
            }
            above += (b.len() - from) as u64;
            while to > 0 && x + b[to - 1] > lower {
                to -= 1;
            }
            below += to as u64;
        }
    }
    (above, below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every subset, one by one.
        #[test]
        fn equals_enumeration(
            items in proptest::collection::vec((-20i32..20).prop_map(f64::from), 1..12),
            size in 0usize..12,
            bounds in (-30i32..30, 0i32..30),
        ) {
            let size = size.min(items.len());
            let (lower, upper) = (f64::from(bounds.0), f64::from(bounds.0 + bounds.1));
            let (mut above, mut below) = (0, 0);
            for subset in 0u32..1 << items.len() {
                if subset.count_ones() as usize != size {
                    continue;
                }
                let chosen = items.iter().enumerate().filter(|(k, _)| subset >> k & 1 == 1);
                let sum: f64 = chosen.map(|(_, x)| x).sum();
                above += u64::from(sum >= upper);
                below += u64::from(sum <= lower);
            }
            prop_assert_eq!(beyond(&items, size, lower, upper), (above, below));
        }
    }

    #[test]
    fn all_subsets_are_counted() {
        let items: Vec<f64> = (0..30).map(f64::from).collect();
        assert_eq!(beyond(&items, 15, -1.0, 0.0), (155_117_520, 0));
        // 0 + 1 + … + 14 is the one smallest sum.
        assert_eq!(beyond(&items, 15, 105.0, 1e9), (0, 1));
    }
}
