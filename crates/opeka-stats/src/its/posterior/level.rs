//! A path of the level given everything else.

use super::stream::Stream;

/// A local level, y_t = μ_t + ε_t and μ_{t+1} = μ_t + η_t, from which paths are drawn given the
/// series: forward the Kalman filter, backward one draw after the other (Carter and Kohn 1994,
/// *Biometrika* 81, lemma 2.1; Frühwirth-Schnatter 1994; for the filter Durbin and Koopman 2012,
/// section 2.2).
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// The first level is normal with this mean and variance.
    pub(super) start: (f64, f64),
    /// Mean of each value of the series given those before it.
    pub(super) ahead: Vec<f64>,
    /// And its variance.
    pub(super) ahead_variance: Vec<f64>,
    /// The path that was drawn last.
    pub(super) path: Vec<f64>,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Level {
    pub(super) fn new(steps: usize, start: (f64, f64)) -> Self {
        let none = || vec![0.0; steps];
        Self {
            start,
            ahead: none(),
            ahead_variance: none(),
            path: none(),
            means: none(),
            variances: none(),
        }
    }

    /// Draws a path: of `series` less `explained`, with the variances of ε and of η.
    pub(super) fn draw(
        &mut self,
        series: &[Option<f64>],
        explained: &[f64],
        noise: f64,
        drift: f64,
        random: &mut Stream,
    ) {
        let (mut mean, mut variance) = self.start;
        for (t, (y, explained)) in series.iter().zip(explained).enumerate() {
            let total = variance + noise;
            self.ahead[t] = mean + explained;
            self.ahead_variance[t] = total;
            if let Some(y) = y {
                let gain = variance / total;
                mean += gain * (y - explained - mean);
                variance = gain * noise;
            }
            self.means[t] = mean;
            self.variances[t] = variance;
            variance += drift;
        }
        let mut next: Option<f64> = None;
        for t in (0..series.len()).rev() {
            let (mut mean, mut variance) = (self.means[t], self.variances[t]);
            if let Some(next) = next {
                // Given the next level, no later value says more.
                let total = variance + drift;
                let share = if total > 0.0 { variance / total } else { 0.0 };
                mean += share * (next - mean);
                variance = share * drift;
            }
            let drawn = mean + variance.sqrt() * random.normal();
            self.path[t] = drawn;
            next = Some(drawn);
        }
    }

    /// The sum of the squares of η.
    pub(super) fn squares(&self) -> f64 {
        self.path.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_space::{State, StateSpace};

    /// Means of paths are those of the smoother, also where values are missing, and their variances
    /// those of the normal law that follows from precisions.
    #[test]
    fn paths_have_the_moments_of_the_smoother() {
        let (noise, drift, start) = (0.8, 0.3, (1.0, 2.0));
        let series = [Some(1.2), Some(0.4), None, Some(2.5), Some(1.9), None, Some(3.0)];
        let explained = [0.1, -0.2, 0.0, 0.3, 0.0, 0.0, 0.5];
        let rest: Vec<Option<f64>> =
            series.iter().zip(&explained).map(|(y, e)| y.map(|y| y - e)).collect();
        let model = StateSpace {
            observation: [1.0],
            observation_variance: noise,
            transition: [[1.0]],
            state_variance: [[drift]],
        };
        let smooth = model.smooth(&rest, State::known([start.0], [[start.1]]));
        // The precision of the path is tridiagonal.
        let precision = nalgebra::DMatrix::from_fn(7, 7, |i, j| match i.abs_diff(j) {
            0 => {
                let neighbours = if i == 0 || i == 6 { 1.0 } else { 2.0 };
                let seen = if series[i].is_some() { 1.0 / noise } else { 0.0 };
                neighbours / drift + seen + if i == 0 { 1.0 / start.1 } else { 0.0 }
            }
            1 => -1.0 / drift,
            _ => 0.0,
        });
        let exact = precision.try_inverse().unwrap();

        let mut level = Level::new(7, start);
        let mut random = Stream::new(5);
        let n = 40_000;
        let (mut sums, mut squares) = ([0.0; 7], [0.0; 7]);
        let mut steps = 0.0;
        for _ in 0..n {
            level.draw(&series, &explained, noise, drift, &mut random);
            for t in 0..7 {
                sums[t] += level.path[t];
                squares[t] += (level.path[t] - smooth[t][0]).powi(2);
            }
            steps += level.squares();
        }
        for t in 0..7 {
            let (mean, variance) = (sums[t] / f64::from(n), squares[t] / f64::from(n));
            let error = (exact[(t, t)] / f64::from(n)).sqrt();
            assert!((mean - smooth[t][0]).abs() < 5.0 * error, "{t}: {mean} {}", smooth[t][0]);
            assert!((variance / exact[(t, t)] - 1.0).abs() < 0.04, "{t}: {variance}");
        }
        let expected: f64 = (1..7)
            .map(|t| {
                let moved = smooth[t][0] - smooth[t - 1][0];
                moved * moved + exact[(t, t)] + exact[(t - 1, t - 1)] - 2.0 * exact[(t, t - 1)]
            })
            .sum();
        assert!((steps / f64::from(n) / expected - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_level_that_stays_is_one_number() {
        let mut level = Level::new(4, (0.0, 1.0));
        let series = [Some(1.0), Some(2.0), None, Some(1.5)];
        level.draw(&series, &[0.0; 4], 0.5, 0.0, &mut Stream::new(1));
        assert!(level.path.iter().all(|value| (value - level.path[0]).abs() < 1e-12));
        assert!(level.squares() < 1e-24);
    }
}
