//! Random draws: seeded, the same on every machine and for every number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::distribution::normal;

/// A stream of draws. Streams of one seed are independent of each other, so that a task takes the
/// stream of its number and not of its thread.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Uniform above 0 and below 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Uniform among 0 to `n − 1` (Lemire 2019, "Fast random integer generation in an interval").
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        let reject = n.wrapping_neg() % n.max(1);
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(n);
            if product as u32 >= reject {
                return (product >> 32) as u32;
            }
        }
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        normal::quantile(self.uniform())
    }

    /// Puts items into an order of which all are equally likely (Fisher and Yates; Durstenfeld
    /// 1964).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u32 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_stream_give_the_same_draws() {
        let draws = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.uniform(), random.uniform(), random.normal()]
        };
        assert_eq!(draws(1, 0), draws(1, 0));
        assert_ne!(draws(1, 0), draws(1, 1));
        assert_ne!(draws(1, 0), draws(2, 0));
    }

    #[test]
    fn orders_are_equally_likely() {
        let mut random = Random::new(7, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            random.shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Each is binomial with mean 1000 and standard deviation 31.
        assert!(counts.values().all(|&n: &i32| (n - 1000).abs() < 155), "{counts:?}");
    }
}
