//! The critical value of the first stage of the least favourable hybrid test.

use nalgebra::DMatrix;

use super::vertices::Vertex;
use crate::random::Random;

/// Draws of the coefficients around zero, the same for every test of an analysis. Each is used with
/// both of its signs: limits of an effect and of its negative are mirror images.
pub(super) struct Draws {
    /// One standard normal vector after the other.
    normal: Vec<f64>,
    size: usize,
}

impl Draws {
    pub(super) fn new(n: usize, size: usize, seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        Self { normal: (0..n * size).map(|_| random.normal()).collect(), size }
    }

    /// The quantile of the highest corner when all moments bind (Andrews, Roth and Pakes 2023,
    /// section 5), interpolated as R's type 7. `root` is the lower factor of the covariance of the
    /// coefficients.
    pub(super) fn critical(&self, vertices: &[Vertex], root: &DMatrix<f64>, level: f64) -> f64 {
        let weights: Vec<Vec<f64>> = vertices
            .iter()
            .map(|vertex| {
                (0..self.size)
                    .map(|k| (k..self.size).map(|i| root[(i, k)] * vertex.weights[i]).sum())
                    .collect()
            })
            .collect();
        let highest = |draw: &[f64]| {
            let mut most = [f64::NEG_INFINITY; 2];
            for weights in &weights {
                let value = super::arp::dot(weights, draw);
                most = [f64::max(most[0], value), f64::max(most[1], -value)];
            }
            most
        };
        let mut highest: Vec<f64> = self.normal.chunks_exact(self.size).flat_map(highest).collect();
        quantile(&mut highest, level)
    }
}

/// The quantile of type 7 of Hyndman and Fan (1996).
fn quantile(values: &mut [f64], level: f64) -> f64 {
    let place = level * (values.len() - 1) as f64;
    let below = (libm::floor(place) as usize).min(values.len() - 1);
    let (_, at, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let at = *at;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(at);
    at + (place - below as f64) * (next - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let mut values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(quantile(&mut values, 0.5), 3.0);
        assert!((quantile(&mut values, 0.9) - 4.6).abs() < 1e-12);
        assert_eq!(quantile(&mut [7.0], 0.9), 7.0);
    }

    #[test]
    fn two_independent_moments_by_hand() {
        let vertex =
            |weights: [f64; 2]| Vertex { weights: weights.to_vec(), constant: 0.0, effect: 1.0 };
        let vertices = [vertex([1.0, 0.0]), vertex([0.0, 0.5])];
        let root = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 2.0]);
        // P(max ≤ c) = Φ(c)², so that the 0.95 quantile is at Φ⁻¹(0.974 679…) = 1.954 5.
        let critical = Draws::new(40_000, 2, 1).critical(&vertices, &root, 0.95);
        assert!((critical - 1.9545).abs() < 0.03, "{critical}");
    }
}
