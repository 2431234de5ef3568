//! Keeping the ends of a distribution from deciding its width.

/// Values beyond the quantiles of `share` and of 1 − `share` are moved to them.
pub(super) fn winsorised(values: &[f64], share: f64) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (quantile(&sorted, share), quantile(&sorted, 1.0 - share));
    values.iter().map(|value| value.max(low).min(high)).collect()
}

/// The quantile of sorted values between those at its sides (Hyndman and Fan 1996, type 7, which is
/// R's).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = (sorted.len().saturating_sub(1)) as f64 * share;
    let below = position.floor();
    let part = position - below;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or(f64::NAN);
    if part > 0.0 { (1.0 - part) * at(below) + part * at(below + 1.0) } else { at(below) }
}

/// Values whose rank falls into the lowest or the highest `share` are left out: with k = 1/share,
/// those for which ⌊rank k / (n + 1)⌋ is 0 or k − 1, and equal values share their mean rank (the
/// rule of the Summary Hospital-level Mortality Indicator, NHS Digital).
pub(super) fn truncated(values: &[f64], share: f64) -> Vec<Option<f64>> {
    if share <= 0.0 {
        return values.iter().copied().map(Some).collect();
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (groups, n) = (1.0 / share, values.len() as f64);
    let kept = |value: f64| {
        let below = sorted.partition_point(|other| *other < value);
        let up_to = sorted.partition_point(|other| *other <= value);
        let rank = (below + up_to + 1) as f64 / 2.0;
        let group = (rank * groups / (n + 1.0)).floor();
        group > 0.0 && group < groups - 1.0
    };
    values.iter().map(|value| Some(*value).filter(|value| kept(*value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_examples() {
        // quantile(1:6, 0.1) is 1.5 in R.
        let six = [6.0, 2.0, 3.0, 4.0, 5.0, 1.0];
        assert_eq!(winsorised(&six, 0.1), [5.5, 2.0, 3.0, 4.0, 5.0, 1.5]);
        assert_eq!(winsorised(&six, 0.0), six);
        assert_eq!(truncated(&six, 0.1), six.map(Some));
        // Of nineteen, the rule leaves out one below (⌊10/20⌋ is 0) and two above (⌊180/20⌋ is 9).
        let nineteen: Vec<f64> = (1..=19).map(f64::from).collect();
        let left: Vec<f64> = truncated(&nineteen, 0.1).into_iter().flatten().collect();
        assert_eq!(left, nineteen[1..17]);
        // Equal values are left out together or not at all.
        assert_eq!(truncated(&[1.0; 30], 0.1), vec![Some(1.0); 30]);
        assert_eq!(truncated(&six, 0.0), six.map(Some));
    }

    proptest! {
        #[test]
        fn the_middle_is_untouched(values in prop::collection::vec(-50i32..50, 1..60), share in 0.0..0.4f64) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let moved = winsorised(&values, share);
            let beyond = values.iter().zip(&moved).filter(|(a, b)| a != b).count() as f64;
            // At most the share at each end, but for the point between two values.
            prop_assert!(beyond <= 2.0 * (share * (values.len() as f64 - 1.0)).floor() + 2.0);
            for kept in truncated(&values, share).into_iter().flatten() {
                prop_assert!(values.contains(&kept));
            }
        }
    }
}
