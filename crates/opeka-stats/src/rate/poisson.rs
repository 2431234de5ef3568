//! Rates of events that are counted: exact Poisson limits, and Byar's approximation to them.

use crate::distribution::{gamma, normal};
use crate::reason::{
    require_conf_level, require_finite_result, require_not_negative, require_positive,
};
use crate::{Estimate, Reason};

/// From this many events on, Byar's limits replace the exact ones.
const BYAR_FROM: f64 = 10.0;

/// A rate with its confidence limits: `events / population × multiplier`.
///
/// **Estimates** the rate at which events happen, where the count of events is a Poisson variable
/// and the population (children, child-years) is known without error.
///
/// **Limits.** Below 10 events the exact Poisson limits of [`exact_poisson_limits`], from 10 on
/// those of [`byar_limits`], both divided by the population. This is the rule of the English
/// public health indicators (Public Health England, *Technical guide: confidence intervals for
/// commonly used public health indicators*, 2018; R package PHEindicatormethods).
///
/// **Units.** `multiplier` events per so many members of the population: 100 for per cent, 10 000
/// or 100 000 for the usual rates. `conf_level` is a share, such as 0.95.
///
/// **Edge cases.** No events give a rate of zero with a lower limit of zero and an upper one of
/// −ln(α/2). A rate may be above the multiplier (children can be placed twice in a year). Counts
/// need not be whole: the limits continue smoothly in the gamma distribution. There is no rate,
/// but a [`Reason`], where `events` is negative, `population` or `multiplier` is not above zero,
/// `conf_level` is not between 0 and 1, or any of them is not finite.
pub fn rate_ci(events: f64, population: f64, multiplier: f64, conf_level: f64) -> Estimate {
    calculate(events, population, multiplier, conf_level).unwrap_or_else(Estimate::unknown)
}

fn calculate(
    events: f64,
    population: f64,
    multiplier: f64,
    conf_level: f64,
) -> Result<Estimate, Reason> {
    require_not_negative("events", events)?;
    require_positive("population", population)?;
    require_positive("multiplier", multiplier)?;
    require_conf_level(conf_level)?;

    let (method, (low, high)) = if events < BYAR_FROM {
        ("exact Poisson", exact(events, conf_level))
    } else {
        ("Byar", byar(events, conf_level))
    };
    let per_population = |count: f64| count / population * multiplier;
    let (estimate, low, high) = (per_population(events), per_population(low), per_population(high));
    require_finite_result(&[estimate, low, high])?;
    Ok(Estimate::known(method, estimate, (low, high)))
}

/// Exact limits of the mean of a Poisson count: χ²(α/2; 2x)/2 and χ²(1−α/2; 2x+2)/2.
///
/// The probability of a count as large as the one seen is α/2 at the lower limit, and of one as
/// small is α/2 at the upper (Garwood 1936, "Fiducial limits for the Poisson distribution",
/// *Biometrika* 28). The lower limit of a count of zero is zero. In the unit of the count; `None`
/// where the count is negative or not finite or `conf_level` is not between 0 and 1.
pub fn exact_poisson_limits(count: f64, conf_level: f64) -> Option<(f64, f64)> {
    require_not_negative("count", count).and_then(|()| require_conf_level(conf_level)).ok()?;
    Some(exact(count, conf_level))
}

fn exact(count: f64, conf_level: f64) -> (f64, f64) {
    let tail = (1.0 - conf_level) / 2.0;
    let low = if count > 0.0 { gamma::lower_quantile(count, tail) } else { 0.0 };
    (low, gamma::upper_quantile(count + 1.0, tail))
}

/// Byar's limits: x(1 − 1/9x − z/3√x)³ and (x+1)(1 − 1/9(x+1) + z/3√(x+1))³.
///
/// An approximation to the exact limits: at a `conf_level` of 0.95 within 0.2 % of them from ten
/// counts on (Breslow and Day 1987, *Statistical methods in cancer research* II, IARC). In the
/// unit of the count; `None` where the count is not above zero or not finite, `conf_level` is not
/// between 0 and 1, or the count is so small (1 at a level of 0.998) that the lower limit would be
/// negative.
pub fn byar_limits(count: f64, conf_level: f64) -> Option<(f64, f64)> {
    require_positive("count", count).and_then(|()| require_conf_level(conf_level)).ok()?;
    Some(byar(count, conf_level)).filter(|(low, _)| *low >= 0.0)
}

fn byar(count: f64, conf_level: f64) -> (f64, f64) {
    let z = normal::two_sided(conf_level);
    let cube = |n: f64, z: f64| {
        let root = 1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt());
        n * root * root * root
    };
    (cube(count, -z), cube(count + 1.0, z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, bisect, reason};
    use proptest::prelude::*;

    /// The definition: the mean at which the tail sum of Poisson terms is half of α.
    fn slow_exact(count: u32, conf_level: f64) -> (f64, f64) {
        let at_most = |count: u32, mean: f64| {
            let mut term = libm::exp(-mean);
            (1..=count).fold(term, |sum, k| {
                term *= mean / f64::from(k);
                sum + term
            })
        };
        let tail = (1.0 - conf_level) / 2.0;
        let low = if count == 0 {
            0.0
        } else {
            bisect(0.0, 100.0, |mean| 1.0 - at_most(count - 1, mean) - tail)
        };
        (low, bisect(0.0, 100.0, |mean| tail - at_most(count, mean)))
    }

    #[test]
    fn published_values() {
        // Garwood's table as R's poisson.test gives it, for 1, 5, 10 and 65 events.
        for (count, low, high) in [
            (1.0, 0.025_317_807_984_289_897, 5.571_643_390_938_899),
            (5.0, 1.623_486_390_118_420_9, 11.668_332_079_322_667),
            (10.0, 4.795_388_696_132_434, 18.390_356_042_017_78),
            (65.0, 50.165_627_729_234_28, 82.847_835_815_871_58),
        ] {
            let limits = exact_poisson_limits(count, 0.95).unwrap();
            assert_close(limits.0, low, 1e-13);
            assert_close(limits.1, high, 1e-13);
        }
        // PHEindicatormethods 2.1.0, phe_rate(20 of 100, multiplier = 100).
        let rate = rate_ci(20.0, 100.0, 100.0, 0.95);
        assert_close(rate.conf_low.unwrap(), 12.211_428_834_875_935, 1e-13);
        assert_close(rate.conf_high.unwrap(), 30.889_880_369_197_06, 1e-13);
        assert_eq!(rate.method, Some("Byar"));
    }

    #[test]
    fn edges() {
        let none = rate_ci(0.0, 50.0, 1.0, 0.95);
        assert_eq!((none.estimate, none.conf_low), (Some(0.0), Some(0.0)));
        assert_close(none.conf_high.unwrap(), -libm::log(0.025) / 50.0, 1e-14);
        assert_eq!(rate_ci(9.999, 100.0, 1.0, 0.95).method, Some("exact Poisson"));
        assert_eq!(rate_ci(10.0, 100.0, 1.0, 0.95).method, Some("Byar"));
        assert_eq!(rate_ci(250.0, 220.0, 100.0, 0.95).estimate.map(f64::floor), Some(113.0));
        // A fraction of an event so small that its lower limit is below the smallest number.
        assert_eq!(rate_ci(0.001, 100.0, 1.0, 0.95).conf_low, Some(0.0));

        let why = |e, p, m, c| reason(rate_ci(e, p, m, c).reason);
        assert!(why(1.0, 0.0, 1.0, 0.95).contains("population is 0"));
        assert!(why(1.0, -5.0, 1.0, 0.95).contains("population is -5"));
        assert!(why(-1.0, 5.0, 1.0, 0.95).contains("events is -1"));
        assert!(why(f64::NAN, 5.0, 1.0, 0.95).contains("finite"));
        assert!(why(1.0, f64::INFINITY, 1.0, 0.95).contains("finite"));
        assert!(why(1.0, 5.0, 0.0, 0.95).contains("multiplier is 0"));
        assert!(why(1.0, 5.0, 1.0, 95.0).contains("conf_level is 95"));
        assert!(why(1e300, 1e-300, 1.0, 0.95).contains("too large"));
        assert_eq!(exact_poisson_limits(-1.0, 0.95), None);
        assert_eq!(byar_limits(0.0, 0.95), None);
        assert_eq!(byar_limits(1.0, 0.998), None);
    }

    proptest! {
        #[test]
        fn exact_limits_agree_with_the_definition(count in 0u32..10, conf in 0.5..0.999f64) {
            let (low, high) = exact(f64::from(count), conf);
            let (slow_low, slow_high) = slow_exact(count, conf);
            prop_assert!((low - slow_low).abs() < 1e-11, "{low} {slow_low}");
            prop_assert!((high - slow_high).abs() < 1e-11, "{high} {slow_high}");
        }

        #[test]
        fn byar_is_near_exact(count in 10u32..5_000) {
            let (low, high) = byar(f64::from(count), 0.95);
            let (exact_low, exact_high) = exact(f64::from(count), 0.95);
            assert_close(low, exact_low, 2e-3);
            assert_close(high, exact_high, 2e-3);
        }

        #[test]
        fn limits_enclose_the_rate_and_follow_the_unit(
            events in 0.0..1e5f64, population in 1.0..1e8f64, conf in 0.01..0.999f64
        ) {
            let rate = rate_ci(events, population, 1.0, conf);
            let estimate = rate.estimate.unwrap();
            prop_assert!(rate.conf_low.unwrap() <= estimate);
            prop_assert!(rate.conf_high.unwrap() >= estimate);
            // A power of two scales without rounding.
            let scaled = rate_ci(events, population, 1024.0, conf);
            prop_assert_eq!(scaled.estimate.unwrap(), 1024.0 * estimate);
            prop_assert_eq!(scaled.conf_high.unwrap(), 1024.0 * rate.conf_high.unwrap());
            let halved = rate_ci(events, 2.0 * population, 2.0, conf);
            prop_assert_eq!(halved, rate);
        }

        #[test]
        fn limits_grow_with_events_and_with_confidence(
            events in 0.1..9.0f64, conf in 0.5..0.99f64
        ) {
            let (low, high) = exact(events, conf);
            let (more_low, more_high) = exact(events + 0.5, conf);
            prop_assert!(more_low > low && more_high > high);
            let (wide_low, wide_high) = exact(events, conf + 0.005);
            prop_assert!(wide_low < low && wide_high > high);
        }
    }
}
