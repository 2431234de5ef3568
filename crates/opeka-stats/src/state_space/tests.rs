use super::*;
use crate::testing::assert_close;
use proptest::prelude::*;

fn local_level(irregular: f64, level: f64) -> StateSpace<1> {
    StateSpace {
        observation: [1.0],
        observation_variance: irregular,
        transition: [[1.0]],
        state_variance: [[level]],
    }
}

/// A level, a slope that fades and a cycle of two periods.
fn structural(variances: [f64; 4]) -> StateSpace<3> {
    let [irregular, level, slope, cycle] = variances;
    StateSpace {
        observation: [1.0, 0.0, 1.0],
        observation_variance: irregular,
        transition: [[1.0, 1.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, -1.0]],
        state_variance: [[level, 0.0, 0.0], [0.0, slope, 0.0], [0.0, 0.0, cycle]],
    }
}

#[test]
fn local_level_by_hand() {
    // Irregular and level variance 1: after the first value P is 1, before the second 2, F is 3,
    // the gain 2/3.
    let filtered = local_level(1.0, 1.0).filter(&[Some(4.0), Some(7.0)], State::diffuse());
    let [first, second] = filtered.innovations[..] else { panic!("two innovations") };
    assert_eq!(first, Some(Innovation { error: 4.0, variance: 1.0, diffuse: true }));
    assert_eq!(second, Some(Innovation { error: 3.0, variance: 3.0, diffuse: false }));
    assert!(filtered.next.is_proper());
    assert_close(filtered.next.mean[0], 6.0, 1e-15);
    assert_close(filtered.next.variance[0][0], 2.0 / 3.0 + 1.0, 1e-15);

    let likelihood = Likelihood::of(&filtered.innovations);
    let log_2pi = libm::log(2.0 * std::f64::consts::PI);
    let expected = -0.5 * (2.0 * log_2pi + libm::log(3.0) + 3.0);
    assert_close(likelihood.log_likelihood(), expected, 1e-15);
    assert_close(likelihood.scale(), 3.0, 1e-15);
}

#[test]
fn a_missing_value_only_lets_the_level_drift() {
    let model = local_level(2.0, 0.5);
    let with_gap = model.filter(&[Some(4.0), None, None, Some(5.0)], State::diffuse());
    assert_eq!(with_gap.innovations[1], None);
    assert_close(with_gap.innovations[3].unwrap().variance, 2.0 + 3.0 * 0.5 + 2.0, 1e-15);
    // A diffuse state stays diffuse until there is a value.
    let late = model.filter(&[None, None, Some(4.0)], State::diffuse());
    assert!(late.innovations[2].unwrap().diffuse);
    assert!(!model.filter(&[None, None], State::diffuse()).next.is_proper());
}

#[test]
fn a_known_start_is_no_diffuse_one() {
    let start = State::known([10.0], [[4.0]]);
    let filtered = local_level(1.0, 1.0).filter(&[Some(12.0)], start);
    let innovation = filtered.innovations[0].unwrap();
    assert_eq!(innovation, Innovation { error: 2.0, variance: 5.0, diffuse: false });
    assert_close(filtered.next.mean[0], 11.6, 1e-15);
    assert_close(filtered.next.variance[0][0], 0.8 + 1.0, 1e-15);
    assert_eq!(local_level(1.0, 1.0).predict(&start), (10.0, 5.0));
}

#[test]
fn as_many_values_as_diffuse_elements_make_the_state_proper() {
    let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0].map(Some);
    let model = structural([1.0, 0.3, 0.2, 0.1]);
    for n in 0..values.len() {
        let filtered = model.filter(&values[..n], State::diffuse());
        assert_eq!(filtered.next.is_proper(), n >= 3, "{n} values");
        let diffuse = filtered.innovations.iter().flatten().filter(|i| i.diffuse).count();
        assert_eq!(diffuse, n.min(3));
    }
}

proptest! {
    /// κ as a large number: the state agrees, and the likelihood once ½ log κ for each diffuse
    /// element is added.
    #[test]
    fn diffuse_is_the_limit_of_a_large_variance(
        values in prop::collection::vec(prop::option::weighted(0.8, -10.0..10.0f64), 6..20),
        variances in [0.1..3.0f64, 0.1..3.0f64, 0.1..3.0f64, 0.1..3.0f64],
    ) {
        prop_assume!(values.iter().flatten().count() >= 4);
        let model = structural(variances);
        let kappa = 1e9;
        let large = State::known([0.0; 3], from_fn(|i, j| if i == j { kappa } else { 0.0 }));
        let exact = model.filter(&values, State::diffuse());
        let near = model.filter(&values, large);
        prop_assume!(exact.next.is_proper());
        for i in 0..3 {
            prop_assert!((exact.next.mean[i] - near.next.mean[i]).abs() < 1e-4);
            for j in 0..3 {
                prop_assert!((exact.next.variance[i][j] - near.next.variance[i][j]).abs() < 1e-4);
            }
        }
        let (exact, near) = (Likelihood::of(&exact.innovations), Likelihood::of(&near.innovations));
        let corrected = near.log_likelihood() + 1.5 * libm::log(kappa);
        prop_assert!((exact.log_likelihood() - corrected).abs() < 1e-4);
    }

    /// All variances times σ²: what `concentrated` promises, and no other σ² is better.
    #[test]
    fn the_scale_is_the_best_scale(
        values in prop::collection::vec((-10.0..10.0f64).prop_map(Some), 5..20),
        variances in [0.1..3.0f64, 0.1..3.0f64, 0.1..3.0f64, 0.1..3.0f64],
        other in 0.3..3.0f64,
    ) {
        let height = |scale: f64| {
            let model = structural(variances.map(|variance| scale * variance));
            Likelihood::of(&model.filter(&values, State::diffuse()).innovations)
        };
        let unscaled = height(1.0);
        let best = height(unscaled.scale());
        prop_assert!((best.log_likelihood() - unscaled.concentrated()).abs() < 1e-9);
        prop_assert!((best.scale() - 1.0).abs() < 1e-9);
        prop_assert!(height(other * unscaled.scale()).log_likelihood() <= best.log_likelihood() + 1e-12);
    }
}
