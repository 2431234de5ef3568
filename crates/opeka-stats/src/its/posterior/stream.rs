//! The stream of draws of a chain.

use crate::random::Random;

/// Seeded draws, made so that a sweep takes microseconds.
pub(super) struct Stream {
    random: Random,
    /// Normal draws come in pairs.
    spare: Option<f64>,
}

impl Stream {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, 0), spare: None }
    }

    /// Uniform above 0 and below 1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.random.uniform()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.random.shuffle(items);
    }

    /// Standard normal, by the polar method (Marsaglia and Bray 1964, "A convenient method for
    /// generating normal variables"): several times as fast as the quantile of a uniform draw.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(scale * y);
                return scale * x;
            }
        }
    }

    /// Gamma with this shape, 1 or more, and unit scale (Marsaglia and Tsang 2000, "A simple method for
    /// generating gamma variables").
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = self.uniform();
            // Nearly all draws are told by the first of the two, which needs no logarithm.
            if u < 1.0 - 0.0331 * x.powi(4)
                || libm::log(u) < 0.5 * x * x + d * (1.0 - v + libm::log(v))
            {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, variance, and the mean of the fourth powers of deviations over the squared variance.
    fn moments(draws: &[f64]) -> (f64, f64, f64) {
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let power = |k: i32| draws.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
        (mean, power(2), power(4) / power(2).powi(2))
    }

    #[test]
    fn normal_draws_have_the_moments_of_their_law() {
        let mut stream = Stream::new(3);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let (mean, variance, fourth) = moments(&draws);
        // Five of the errors of each: 1/√n, √(2/n), √(24/n).
        assert!(mean.abs() < 0.016, "{mean}");
        assert!((variance - 1.0).abs() < 0.023, "{variance}");
        assert!((fourth - 3.0).abs() < 0.08, "{fourth}");
        // The two of a pair have nothing to do with each other.
        let product = draws.chunks(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / 50_000.0;
        assert!(product.abs() < 0.023, "{product}");
        let beyond = draws.iter().filter(|x| x.abs() > 1.96).count();
        assert!(beyond.abs_diff(5000) < 345, "{beyond}");
    }

    #[test]
    fn gamma_draws_have_the_moments_of_their_law() {
        let mut stream = Stream::new(3);
        for shape in [1.0, 2.5, 60.0] {
            let draws: Vec<f64> = (0..40_000).map(|_| stream.gamma(shape)).collect();
            let (mean, variance, _) = moments(&draws);
            let error = f64::sqrt(shape / 40_000.0);
            assert!((mean - shape).abs() < 5.0 * error, "{shape}: mean {mean}");
            let relative = f64::sqrt((2.0 + 6.0 / shape) / 40_000.0);
            assert!((variance / shape - 1.0).abs() < 5.0 * relative, "{shape}: {variance}");
        }
    }
}
