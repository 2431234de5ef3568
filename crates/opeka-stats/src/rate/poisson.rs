//! Rates of events that are counted: exact Poisson limits, and Byar's approximation to them.

use std::cell::Cell;
use std::sync::LazyLock;

use crate::distribution::{gamma, normal};
use crate::estimate::SECOND_LEVEL;
use crate::reason::{require_conf_level, require_not_negative, require_positive, too_large};
use crate::{Estimate, Reason};

/// From this many events on, Byar's limits replace the exact ones.
pub(crate) const BYAR_FROM: f64 = 10.0;

/// A rate with its confidence limits: `events / population × multiplier`.
///
/// **Estimates** the rate at which events happen, where the count of events is a Poisson variable
/// and the population (children, child-years) is known without error.
///
/// **Limits.** Below 10 events the exact Poisson limits of [`exact_poisson_limits`], from 10 on
/// those of [`byar_limits`], both divided by the population; once at `conf_level` and once at 0.998. This is the rule of the English
/// public health indicators (Public Health England, *Technical guide: confidence intervals for
/// commonly used public health indicators*, 2018; R package PHEindicatormethods).
///
/// **Units.** `multiplier` events per so many members of the population: 100 for per cent, 10 000
/// or 100 000 for the usual rates. `conf_level` is a share, such as 0.95.
///
/// **Coverage**, simulated (see `COVERAGE.md`): limits at 95 % hold in at least 95 % of cases at
/// every mean from 1 to 1000 that was tried.
///
/// **Edge cases.** No events give a rate of zero with a lower limit of zero and an upper one of
/// −ln(α/2). A rate may be above the multiplier (children can be placed twice in a year). Counts
/// need not be whole: the limits continue smoothly in the gamma distribution. There is no rate,
/// but a [`Reason`], where `events` is negative, `population` or `multiplier` is not above zero,
/// `conf_level` is not between 0 and 1, or any of them is not finite.
pub fn rate_ci(events: f64, population: f64, multiplier: f64, conf_level: f64) -> Estimate {
    RateMethod::with(multiplier, conf_level, CountLimits::new).rate(events, population)
}

/// [`rate_ci`] with everything that does not change from row to row prepared once.
///
/// The figures are those of [`rate_ci`] to the last bit; a rate takes tens of nanoseconds.
#[derive(Clone, Debug)]
pub struct RateMethod {
    multiplier: f64,
    limits: Result<CountLimits, Reason>,
    limits_998: &'static CountLimits,
}

impl RateMethod {
    /// Prepares rates per `multiplier`, with limits at `conf_level`. What is wrong with either is
    /// the reason of every [`rate`](Self::rate).
    pub fn new(multiplier: f64, conf_level: f64) -> Self {
        Self::with(multiplier, conf_level, CountLimits::prepared)
    }

    fn with(multiplier: f64, conf_level: f64, limits: fn(f64) -> CountLimits) -> Self {
        let limits = require_positive("multiplier", multiplier)
            .and_then(|()| require_conf_level(conf_level))
            .map(|()| limits(conf_level));
        Self { multiplier, limits, limits_998: limits_998() }
    }

    /// The rate of one row.
    #[inline]
    pub fn rate(&self, events: f64, population: f64) -> Estimate {
        let sound = (0.0..f64::INFINITY).contains(&events)
            && population > 0.0
            && population < f64::INFINITY;
        let Ok(limits) = &self.limits else { return self.refused(events, population) };
        if !sound {
            return self.refused(events, population);
        }
        let per_population = |count: f64| count / population * self.multiplier;
        let both = |(low, high): (f64, f64)| (per_population(low), per_population(high));
        let estimate = per_population(events);
        let (at_level, at_998) = limits.both(self.limits_998, events);
        let (at_level, at_998) = (both(at_level), both(at_998));
        // The upper limit at the higher level may be either, and all others are below it.
        if !(at_level.1.is_finite() && at_998.1.is_finite()) {
            return self.refused(events, population);
        }
        Estimate::known(method(events), estimate, at_level, at_998)
    }

    /// Why there is no rate.
    #[cold]
    fn refused(&self, events: f64, population: f64) -> Estimate {
        let wrong = require_not_negative("events", events)
            .and_then(|()| require_positive("population", population))
            .err()
            .or_else(|| self.limits.as_ref().err().cloned());
        Estimate::unknown(wrong.unwrap_or_else(too_large))
    }
}

/// The name of the method that [`CountLimits`] uses for this count.
#[inline]
pub(crate) fn method(count: f64) -> &'static str {
    if count < BYAR_FROM { "exact Poisson" } else { "Byar" }
}

/// Limits of a count at one level: exact below 10, Byar's from there on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountLimits {
    tail: f64,
    z: f64,
    /// The exact limits of the counts from 0 to 9.
    table: Option<[(f64, f64); BYAR_FROM as usize]>,
}

impl CountLimits {
    /// For one count, or few. The level lies between 0 and 1.
    pub(crate) fn new(conf_level: f64) -> Self {
        let tail = (1.0 - conf_level) / 2.0;
        Self { tail, z: normal::two_sided(conf_level), table: None }
    }

    /// For many counts.
    fn prepared(conf_level: f64) -> Self {
        thread_local! {
            /// The level of the last call: a query asks batch after batch for the same one.
            static LAST: Cell<Option<(f64, CountLimits)>> = const { Cell::new(None) };
        }
        if let Some((_, limits)) = LAST.get().filter(|(level, _)| *level == conf_level) {
            return limits;
        }
        let limits = Self::new(conf_level);
        let table = std::array::from_fn(|count| exact(count as f64, limits.tail));
        let limits = Self { table: Some(table), ..limits };
        LAST.set(Some((conf_level, limits)));
        limits
    }

    /// The limits at this level and at another, without repeating what they share.
    #[inline]
    pub(crate) fn both(&self, other: &Self, count: f64) -> ((f64, f64), (f64, f64)) {
        if count < BYAR_FROM {
            return (self.of(count), other.of(count));
        }
        let (low, high) = (Byar::of(count), Byar::of(count + 1.0));
        ((low.at(-self.z), high.at(self.z)), (low.at(-other.z), high.at(other.z)))
    }

    /// In the unit of the count, which is finite and not negative.
    pub(crate) fn of(&self, count: f64) -> (f64, f64) {
        if count >= BYAR_FROM {
            return byar(count, self.z);
        }
        let whole = count as usize;
        match &self.table {
            Some(table) if whole as f64 == count => table[whole],
            _ => exact(count, self.tail),
        }
    }
}

/// The limits at the second level, prepared once.
pub(crate) fn limits_998() -> &'static CountLimits {
    static LIMITS: LazyLock<CountLimits> = LazyLock::new(|| CountLimits::prepared(SECOND_LEVEL));
    &LIMITS
}

/// Exact limits of the mean of a Poisson count: χ²(α/2; 2x)/2 and χ²(1−α/2; 2x+2)/2.
///
/// The probability of a count as large as the one seen is α/2 at the lower limit, and of one as
/// small is α/2 at the upper (Garwood 1936, "Fiducial limits for the Poisson distribution",
/// *Biometrika* 28). The lower limit of a count of zero is zero. In the unit of the count; `None`
/// where the count is negative or not finite or `conf_level` is not between 0 and 1.
pub fn exact_poisson_limits(count: f64, conf_level: f64) -> Option<(f64, f64)> {
    require_not_negative("count", count).and_then(|()| require_conf_level(conf_level)).ok()?;
    Some(exact(count, (1.0 - conf_level) / 2.0))
}

/// `tail` is the probability beyond either limit.
fn exact(count: f64, tail: f64) -> (f64, f64) {
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
    Some(byar(count, normal::two_sided(conf_level))).filter(|(low, _)| *low >= 0.0)
}

pub(crate) fn byar(count: f64, z: f64) -> (f64, f64) {
    (Byar::of(count).at(-z), Byar::of(count + 1.0).at(z))
}

/// n(1 − 1/9n + z/3√n)³, of which most does not depend on z.
struct Byar {
    n: f64,
    centre: f64,
    scale: f64,
}

impl Byar {
    #[inline]
    fn of(n: f64) -> Self {
        Self { n, centre: 1.0 - 1.0 / (9.0 * n), scale: 3.0 * n.sqrt() }
    }

    #[inline]
    fn at(&self, z: f64) -> f64 {
        let root = self.centre + z / self.scale;
        self.n * root * root * root
    }
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
        // The same with confidence = 0.998, and for 9 events.
        assert_close(rate.conf_low_998.unwrap(), 8.922_802_365_144_193, 1e-13);
        assert_close(rate.conf_high_998.unwrap(), 38.085_035_625_041_91, 1e-13);
    }

    #[test]
    fn limits_at_998_are_those_of_that_level() {
        for events in [0.0, 3.0, 3.5, 9.0, 10.0, 250.0] {
            let rate = rate_ci(events, 220.0, 100.0, 0.9);
            let second = rate_ci(events, 220.0, 100.0, 0.998);
            assert_eq!(rate.conf_low_998, second.conf_low);
            assert_eq!(rate.conf_high_998, second.conf_high);
            assert_eq!(second.conf_high_998, second.conf_high);
        }
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
        fn prepared_figures_are_the_same_to_the_bit(
            whole in 0u32..30, part in 0.0..30.0f64, population in -1.0..1e6f64,
            multiplier in -1.0..1e5f64, conf in -0.1..1.1f64
        ) {
            let prepared = RateMethod::new(multiplier, conf);
            for events in [f64::from(whole), part, part - 1.0] {
                let (ours, plain) = (prepared.rate(events, population),
                                     rate_ci(events, population, multiplier, conf));
                prop_assert_eq!(&ours, &plain);
                prop_assert_eq!(ours.conf_low.map(f64::to_bits), plain.conf_low.map(f64::to_bits));
            }
        }

        #[test]
        fn exact_limits_agree_with_the_definition(count in 0u32..10, conf in 0.5..0.999f64) {
            let (low, high) = exact_poisson_limits(f64::from(count), conf).unwrap();
            let (slow_low, slow_high) = slow_exact(count, conf);
            prop_assert!((low - slow_low).abs() < 1e-11, "{low} {slow_low}");
            prop_assert!((high - slow_high).abs() < 1e-11, "{high} {slow_high}");
        }

        #[test]
        fn byar_is_near_exact(count in 10u32..5_000) {
            let (low, high) = byar_limits(f64::from(count), 0.95).unwrap();
            let (exact_low, exact_high) = exact_poisson_limits(f64::from(count), 0.95).unwrap();
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
            let (low, high) = exact_poisson_limits(events, conf).unwrap();
            let (more_low, more_high) = exact_poisson_limits(events + 0.5, conf).unwrap();
            prop_assert!(more_low > low && more_high > high);
            let (wide_low, wide_high) = exact_poisson_limits(events, conf + 0.005).unwrap();
            prop_assert!(wide_low < low && wide_high > high);
        }
    }
}
