//! Sums that do not depend on the order in which rows arrive.

/// The sum of the terms, from the smallest to the largest.
///
/// Floating-point addition is not associative: the same rows in another order can differ in the
/// last digit. In ascending order, equal sets of terms have equal sums.
pub(crate) fn ordered(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut terms: Vec<f64> = terms.into_iter().collect();
    terms.sort_unstable_by(f64::total_cmp);
    terms.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_adds_up_to_nothing() {
        assert_eq!(ordered([]), 0.0);
        assert_eq!(ordered([0.1, 0.2, 0.3]), (0.1 + 0.2) + 0.3);
        assert_eq!(ordered([0.3, 0.2, 0.1]), (0.1 + 0.2) + 0.3);
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            (terms, shuffled) in proptest::collection::vec(-1e6..1e6f64, 0..30)
                .prop_flat_map(|terms| (Just(terms.clone()), Just(terms).prop_shuffle()))
        ) {
            let sum = ordered(terms.iter().copied());
            prop_assert_eq!(sum.to_bits(), ordered(shuffled).to_bits());
            let plain: f64 = terms.iter().sum();
            prop_assert!((sum - plain).abs() <= 1e-8);
        }
    }
}
