//! Sums and means that lose no digits on the way.
//!
//! Whether a point lies above its mean can hang on the last bit of the mean, and R sums in numbers
//! that are longer than an `f64`. Sums here carry what each addition rounds off, so that a mean is
//! the `f64` nearest to the true one.

/// The sum as a rounded number and the rest that it leaves (Neumaier 1974, "Rundungsfehleranalyse
/// einiger Verfahren zur Summation endlicher Summen", *ZAMM* 54).
fn sum_and_rest(numbers: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (mut sum, mut rest) = (0.0_f64, 0.0_f64);
    for number in numbers {
        let next = sum + number;
        rest +=
            if sum.abs() >= number.abs() { (sum - next) + number } else { (number - next) + sum };
        sum = next;
    }
    (sum, rest)
}

/// The sum of numbers in the order in which they come.
pub(super) fn sum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, rest) = sum_and_rest(numbers);
    sum + rest
}

/// The sum of numbers whose order means nothing, and does not matter.
pub(super) fn sum_of_any_order(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sum(sorted)
}

/// The mean; `None` of no numbers.
pub(super) fn mean(numbers: &[f64]) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let n = numbers.len() as f64;
    let (sum, rest) = sum_and_rest(numbers.iter().copied());
    let mean = (sum + rest) / n;
    Some(mean + (libm::fma(-mean, n, sum) + rest) / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_sums() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[0.1, 0.2, 0.3]), Some(0.2));
        assert_eq!(mean(&[7.3; 11]), Some(7.3));
    }

    proptest! {
        #[test]
        fn the_mean_is_the_nearest_number(thousandths in prop::collection::vec(-99_999i32..99_999, 1..60)) {
            let numbers: Vec<f64> = thousandths.iter().map(|&k| f64::from(k) / 1024.0).collect();
            let sum: i64 = thousandths.iter().map(|&k| i64::from(k)).sum();
            // Both are exact in an f64, so that their quotient is the nearest one.
            prop_assert_eq!(mean(&numbers), Some(sum as f64 / (1024.0 * numbers.len() as f64)));
        }

        #[test]
        fn any_order_is_any_order(mut numbers in prop::collection::vec(-1e6..1e6f64, 0..30)) {
            let forward = sum_of_any_order(numbers.iter().copied());
            numbers.reverse();
            prop_assert_eq!(sum_of_any_order(numbers), forward);
        }
    }
}
