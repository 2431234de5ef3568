//! Seeded draws for simulations, apart from those of the library: what checks a method should not
//! rest on its parts.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of draws; each number names another one, the same on every machine.
pub(crate) struct Draws {
    generator: ChaCha8Rng,
    /// The second of a pair of normal draws.
    spare: Option<f64>,
}

impl Draws {
    pub(crate) fn new(stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(2024);
        generator.set_stream(stream);
        Self { generator, spare: None }
    }

    /// Uniform between −1 and 1.
    fn either_side(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Standard normal, by the polar method (Marsaglia and Bray 1964, *SIAM Review* 6).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (self.either_side(), self.either_side());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// Normal errors of variance 1 of which each resembles the one before it.
    pub(crate) fn errors(&mut self, n: usize, autocorrelation: f64) -> Vec<f64> {
        let fresh = (1.0 - autocorrelation * autocorrelation).sqrt();
        let mut errors = Vec::with_capacity(n);
        let mut last = self.normal();
        for _ in 0..n {
            errors.push(last);
            last = autocorrelation * last + fresh * self.normal();
        }
        errors
    }
}
