//! The numbers by which the residuals of a cluster are multiplied.

use super::WildDistribution;
use crate::random::Random;

/// One multiplier for each cluster, of mean 0 and variance 1.
pub(super) fn draw(distribution: WildDistribution, n: usize, random: &mut Random) -> Vec<f64> {
    match distribution {
        WildDistribution::Rademacher => {
            let mut bits = 0;
            let sign = |cluster: usize| {
                if cluster.is_multiple_of(31) {
                    bits = random.below(1 << 31);
                }
                f64::from(1 - 2 * ((bits >> (cluster % 31)) & 1) as i32)
            };
            (0..n).map(sign).collect()
        }
        WildDistribution::Webb => {
            let points = [1.5f64, 1.0, 0.5].map(f64::sqrt);
            let of = |k: u32| {
                let size = points[(k % 3) as usize];
                if k < 3 { -size } else { size }
            };
            (0..n).map(|_| of(random.below(6))).collect()
        }
        WildDistribution::Mammen => {
            let root = 5f64.sqrt();
            let (low, high) = (0.5 * (1.0 - root), 0.5 * (1.0 + root));
            let share = (root + 1.0) / (2.0 * root);
            (0..n).map(|_| if uniform(random) < share { low } else { high }).collect()
        }
        WildDistribution::Normal => {
            let mut numbers = Vec::with_capacity(n + 1);
            while numbers.len() < n {
                numbers.extend(normal_pair(random));
            }
            numbers.truncate(n);
            numbers
        }
    }
}

/// The signs of one of all 2ⁿ assignments.
pub(super) fn signs(assignment: u64, n: usize) -> Vec<f64> {
    (0..n).map(|cluster| if assignment >> cluster & 1 == 0 { 1.0 } else { -1.0 }).collect()
}

/// Between 0 and 1, with 53 bits.
fn uniform(random: &mut Random) -> f64 {
    let (high, low) = (random.below(1 << 26), random.below(1 << 27));
    (f64::from(high) * f64::from(1 << 27) + f64::from(low) + 0.5) / (1u64 << 53) as f64
}

/// Two standard normal draws by the polar method (Marsaglia and Bray 1964, *SIAM Review* 6).
fn normal_pair(random: &mut Random) -> [f64; 2] {
    loop {
        let (x, y) = (2.0 * uniform(random) - 1.0, 2.0 * uniform(random) - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            let factor = (-2.0 * libm::log(square) / square).sqrt();
            return [x * factor, y * factor];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of every distribution the first two moments, and the third one that tells them apart.
    #[test]
    fn moments_are_those_of_the_distribution() {
        for (distribution, third, fourth) in [
            (WildDistribution::Rademacher, 0.0, 1.0),
            (WildDistribution::Webb, 0.0, 7.0 / 6.0),
            (WildDistribution::Mammen, 1.0, 2.0),
            (WildDistribution::Normal, 0.0, 3.0),
        ] {
            let n = 400_000;
            let numbers = draw(distribution, n, &mut Random::new(3, 0));
            assert_eq!(numbers.len(), n);
            for (power, moment) in [(1, 0.0), (2, 1.0), (3, third), (4, fourth)] {
                let mean = numbers.iter().map(|x| x.powi(power)).sum::<f64>() / n as f64;
                // The errors are below 0.015 (√(96/n)) even for the fourth power of normal draws.
                assert!((mean - moment).abs() < 0.06, "{distribution:?}: {power} {mean}");
            }
        }
    }

    #[test]
    fn assignments_of_signs_are_all_different() {
        let all: Vec<Vec<f64>> = (0..8).map(|k| signs(k, 3)).collect();
        assert_eq!(all[0], [1.0; 3]);
        assert_eq!(all[7], [-1.0; 3]);
        let mut sorted = all.clone();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
        sorted.dedup();
        assert_eq!(sorted.len(), 8);
    }
}
