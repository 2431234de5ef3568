//! The states of a series given all of it, before and after.

use super::{Matrix, State, StateSpace, dot, from_fn, times};

/// What the filter knew before an observation, and what the observation told it.
struct Passed<const M: usize> {
    state: State<M>,
    /// v, F and, where the forecast was diffuse, F∞.
    observed: Option<(f64, f64, Option<f64>)>,
}

impl<const M: usize> StateSpace<M> {
    /// The mean of the state of each time, given the whole series: the recursions of Durbin and
    /// Koopman (2012), 4.39 and, where the state is diffuse, 5.3.
    pub fn smooth(&self, series: &[Option<f64>], first: State<M>) -> Vec<[f64; M]> {
        let mut passed = Vec::with_capacity(series.len());
        let mut next = first;
        for observation in series {
            let state = next;
            let observed = observation.map(|y| {
                let f = dot(&self.observation, &times(&state.variance, &self.observation))
                    + self.observation_variance;
                let (updated, innovation) = self.update(&next, y);
                next = updated;
                (innovation.error, f, innovation.diffuse.then_some(innovation.variance))
            });
            passed.push(Passed { state, observed });
            next = self.advance(&next);
        }

        let (mut r, mut r_diffuse) = ([0.0; M], [0.0; M]);
        let mut means = vec![[0.0; M]; series.len()];
        for (mean, Passed { state, observed }) in means.iter_mut().zip(&passed).rev() {
            (r, r_diffuse) = self.back(state, *observed, &r, &r_diffuse);
            let (near, far) = (times(&state.variance, &r), times(&state.diffuse, &r_diffuse));
            *mean = std::array::from_fn(|i| {
                let diffuse = if state.is_proper() { 0.0 } else { far[i] };
                state.mean[i] + near[i] + diffuse
            });
        }
        means
    }

    /// r⁽⁰⁾ and r⁽¹⁾ of the time before.
    fn back(
        &self,
        state: &State<M>,
        observed: Option<(f64, f64, Option<f64>)>,
        r: &[f64; M],
        r_diffuse: &[f64; M],
    ) -> ([f64; M], [f64; M]) {
        let z = &self.observation;
        let transposed = |matrix: &Matrix<M>, vector: &[f64; M]| -> [f64; M] {
            std::array::from_fn(|i| (0..M).map(|k| matrix[k][i] * vector[k]).sum())
        };
        let Some((error, f, f_diffuse)) = observed else {
            return (transposed(&self.transition, r), transposed(&self.transition, r_diffuse));
        };
        let ahead = |gain: [f64; M]| -> [f64; M] { times(&self.transition, &gain) };
        let without = |gain: &[f64; M]| -> Matrix<M> {
            from_fn(|i, j| self.transition[i][j] - gain[i] * z[j])
        };
        let near = times(&state.variance, z);
        match f_diffuse {
            Some(f_diffuse) => {
                let far = times(&state.diffuse, z);
                let gain = ahead(std::array::from_fn(|i| far[i] / f_diffuse));
                let second = ahead(std::array::from_fn(|i| {
                    near[i] / f_diffuse - far[i] * f / (f_diffuse * f_diffuse)
                }));
                let kept = without(&gain);
                let mut before = transposed(&kept, r_diffuse);
                let crossed = dot(&second, r);
                for i in 0..M {
                    before[i] += z[i] * (error / f_diffuse - crossed);
                }
                (transposed(&kept, r), before)
            }
            None => {
                let gain = ahead(std::array::from_fn(|i| near[i] / f));
                let kept = without(&gain);
                let mut before = transposed(&kept, r);
                (0..M).for_each(|i| before[i] += z[i] * error / f);
                (before, transposed(&kept, r_diffuse))
            }
        }
    }
}
