//! Effects of a treatment that never happened, and what could be told from them.

use super::detectable_effect::DetectableEffectOptions;
use crate::effect::Notes;
use crate::random::Random;

/// What placebos say.
#[derive(Debug, Default)]
pub(crate) struct Placebos {
    /// The smallest effect that differs enough from the placebos as often as asked for.
    pub(crate) effect: Option<f64>,
    pub(crate) n_placebos: usize,
}

/// Gives the dates of the treated to as many of the untreated, in all possible ways or in `draws` of
/// them. `centred` holds the outcomes of the untreated less the means of their times, unit by unit;
/// `dates` the first treated time of each treated unit, ascending.
pub(crate) fn placebos(
    centred: &[f64],
    n_times: usize,
    dates: &[usize],
    options: &DetectableEffectOptions,
    notes: &mut Notes,
) -> Placebos {
    let n_units = centred.len() / n_times;
    if n_units < dates.len() + 2 {
        notes.add(format!(
            "no placebos: {n_units} untreated units are too few to take the place of {}",
            dates.len()
        ));
        return Placebos::default();
    }
    let mut kinds = dates.to_vec();
    kinds.dedup();
    // 0 for controls, and 1 and so on for the dates.
    let mut labels = vec![0usize; n_units - dates.len()];
    labels.extend(dates.iter().map(|date| kinds.partition_point(|kind| kind < date) + 1));
    let gains = gains(centred, n_times, &kinds);
    let square = square(&labels, &kinds, n_times);
    let effect = |labels: &[usize]| -> f64 {
        let gain = |(unit, label): (usize, &usize)| match label {
            0 => 0.0,
            label => gains[unit * kinds.len() + label - 1],
        };
        labels.iter().enumerate().map(gain).sum::<f64>() / square
    };
    let mut effects = Vec::new();
    if ways(&labels) <= options.draws as f64 {
        loop {
            effects.push(effect(&labels));
            if !next_order(&mut labels) {
                break;
            }
        }
    } else {
        for draw in 0..options.draws as u64 {
            let mut order = labels.clone();
            Random::new(options.seed, draw).shuffle(&mut order);
            effects.push(effect(&order));
        }
        notes.add(format!("{} placebos drawn with seed {}", options.draws, options.seed));
    }
    let found = smallest(&mut effects, options.power, 1.0 - options.conf_level);
    if found.is_none() {
        notes.add(format!(
            "no effect can differ from {} placebos at this level: there are too few",
            effects.len()
        ));
    }
    Placebos { effect: found, n_placebos: effects.len() }
}

/// What a unit adds to the coefficient when its treatment begins at each of the dates: its outcomes
/// from then on, less its share of all of them.
fn gains(centred: &[f64], n_times: usize, kinds: &[usize]) -> Vec<f64> {
    let of_unit = |unit: &[f64]| -> Vec<f64> {
        let mean = unit.iter().sum::<f64>() / n_times as f64;
        kinds.iter().map(|start| unit[*start..].iter().map(|y| y - mean).sum()).collect()
    };
    centred.chunks(n_times).flat_map(of_unit).collect()
}

/// Σ d², treatment less its unit and time means, squared.
fn square(labels: &[usize], kinds: &[usize], n_times: usize) -> f64 {
    let n = n_times as f64;
    let total = labels.len() as f64;
    let start = |label: usize| if label == 0 { n_times } else { kinds[label - 1] };
    let spells: f64 = labels.iter().map(|label| (n_times - start(*label)) as f64).sum();
    let unit_means: f64 = labels
        .iter()
        .map(|label| (n_times - start(*label)) as f64)
        .map(|spell| spell * spell / n)
        .sum();
    let treated = |t: usize| labels.iter().filter(|label| t >= start(**label)).count() as f64;
    let time_means: f64 = (0..n_times).map(|t| treated(t) * treated(t) / total).sum();
    spells - unit_means - time_means + spells * spells / (n * total)
}

/// In how many ways labels can be given to units, or infinity.
fn ways(labels: &[usize]) -> f64 {
    let mut ways = 1.0;
    let mut placed = 0.0;
    for group in labels.chunk_by(|a, b| a == b) {
        // Binomial coefficients, one factor at a time; exact while they are whole numbers.
        for k in 1..=group.len() {
            placed += 1.0;
            ways = ways * placed / k as f64;
        }
    }
    libm::round(ways)
}

/// The next order of labels that differ, in the order of a dictionary; false after the last one.
fn next_order(labels: &mut [usize]) -> bool {
    let Some(pivot) = labels.windows(2).rposition(|pair| pair[0] < pair[1]) else { return false };
    let Some(other) = labels.iter().rposition(|label| *label > labels[pivot]) else { return false };
    labels.swap(pivot, other);
    labels[pivot + 1..].reverse();
    true
}

/// The smallest effect that, added to placebo effects, is called one by a share `power` of them, at
/// the level `alpha`.
///
/// An effect is called one where (1 + placebos at least as far from zero) / (1 + placebos) is no more
/// than alpha: where it is further from zero than the placebo at that rank.
fn smallest(effects: &mut [f64], power: f64, alpha: f64) -> Option<f64> {
    let n = effects.len();
    let rank = libm::floor(alpha * (n as f64 + 1.0) * (1.0 + 1e-12)) as usize;
    let mut sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let critical = sizes.get(rank.checked_sub(1)?)?;
    effects.sort_by(f64::total_cmp);
    let seen = libm::ceil(power * n as f64 * (1.0 - 1e-12)) as usize;
    let above = critical - effects.get(n.checked_sub(seen)?)?;
    let below = critical + effects.get(seen.checked_sub(1)?)?;
    Some(above.max(below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn orders_are_all_different_and_all_there() {
        let mut labels = vec![0, 0, 0, 1, 1, 2];
        assert_eq!(ways(&labels), 60.0);
        let mut seen = std::collections::BTreeSet::new();
        loop {
            assert!(seen.insert(labels.clone()));
            if !next_order(&mut labels) {
                break;
            }
        }
        assert_eq!(seen.len(), 60);
        assert!(ways(&[vec![0; 500], vec![1; 500]].concat()) > 1e100);
    }

    #[test]
    fn the_square_is_that_of_treatment_within() {
        // 4 units, 3 times; one treated from the second, one from the third.
        let (labels, kinds) = ([0, 0, 1, 2], [1, 2]);
        let d: [[f64; 3]; 4] = [[0.0; 3], [0.0; 3], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]];
        let mut sum = 0.0;
        for unit in &d {
            for t in 0..3 {
                let of_unit = unit.iter().sum::<f64>() / 3.0;
                let of_time = d.iter().map(|unit| unit[t]).sum::<f64>() / 4.0;
                sum += (unit[t] - of_unit - of_time + 3.0 / 12.0).powi(2);
            }
        }
        assert_close(square(&labels, &kinds, 3), sum, 1e-14);
    }

    #[test]
    fn the_smallest_effect_by_hand() {
        // 19 placebos: at 10 % the second largest is critical, and 80 % of 19 are 16.
        let mut effects: Vec<f64> = (-9..=9).map(f64::from).collect();
        // Sizes 9, 9, 8 …: the critical value is 9, the fourth smallest placebo −6.
        assert_eq!(smallest(&mut effects, 0.8, 0.1), Some(15.0));
        assert_eq!(smallest(&mut effects, 0.8, 0.04), None);
        // Just above it, 16 of 19 are called one.
        let called = |effect: f64| {
            let p = |x: f64| {
                let far = effects.iter().filter(|e| e.abs() >= x.abs()).count();
                (1 + far) as f64 / 20.0
            };
            effects.iter().filter(|e| p(effect + **e) <= 0.1).count()
        };
        assert_eq!((called(15.01), called(14.99)), (16, 15));
    }
}
