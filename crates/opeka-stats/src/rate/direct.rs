//! Directly standardised rates: what the rate would be if the area had the standard's ages.

use crate::distribution::{gamma, normal};
use crate::estimate::SECOND_LEVEL;
use crate::rate::poisson::{BYAR_FROM, byar};
use crate::reason::{
    require_conf_level, require_each, require_finite_result, require_not_negative,
    require_positive, require_same_length,
};
use crate::{Estimate, Reason, sum};

/// How the limits of [`dsr`] are calculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsrLimits {
    /// Dobson's, from Byar's limits of the number of events. No rate below 10 events.
    Dobson,
    /// Fay and Feuer's, from the gamma distribution; for few events as well.
    Gamma,
}

impl DsrLimits {
    /// `dobson` or `gamma`.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        match text {
            "dobson" => Ok(Self::Dobson),
            "gamma" => Ok(Self::Gamma),
            _ => {
                Err(Reason::because(format!("limits is '{text}' (it must be 'dobson' or 'gamma')")))
            }
        }
    }
}

/// The result of [`dsr`].
#[derive(Clone, Debug, PartialEq)]
pub struct Dsr {
    /// The rate, per `multiplier`.
    pub rate: Estimate,
    /// All events. There where the rate is withheld for having too few of them, too.
    pub events: Option<f64>,
    /// The population of all age bands.
    pub population: Option<f64>,
    /// The number of rows.
    pub n_obs: usize,
}

impl Dsr {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { rate: Estimate::unknown(reason), events: None, population: None, n_obs }
    }
}

/// A rate standardised directly: Σ wᵢ (xᵢ / nᵢ) / Σ wᵢ × `multiplier`, over age bands i.
///
/// **Estimates** the rate that the standard population w would have with the rates x/n of the
/// area's age bands, so that areas with different ages can be compared. Counts are Poisson
/// variables, populations are known without error.
///
/// **Limits** at `conf_level` and at 0.998, with v = Σ (wᵢ/nᵢ)² xᵢ / (Σ wᵢ)² the variance of the
/// rate r and X = Σ xᵢ:
///
/// - [`DsrLimits::Dobson`]: r + √(v/X) (B(X) − X), where B are the limits that
///   [`byar_limits`](crate::byar_limits) gives for X events (Dobson, Kuulasmaa, Eberle and Scherer
///   1991, "Confidence intervals for weighted sums of Poisson parameters", *Statistics in Medicine*
///   10). As in the English public health indicators, a rate of fewer than 10 events is too
///   unstable to be given at all (R package PHEindicatormethods, `calculate_dsr`).
/// - [`DsrLimits::Gamma`]: quantiles of gamma distributions with the moments of the rate, the upper
///   one with one more event where it weighs most (Fay and Feuer 1997, "Confidence intervals for
///   directly standardized rates", *Statistics in Medicine* 16; R package epitools,
///   `ageadjust.direct`). They hold their level for few events.
///
/// **Events that are not independent.** Where one child has several events, a row is an age band
/// *and* a number of events per child, `event_frequency`; `events` then counts the children with
/// that many. The events are Σ f·x, and v is the sum over frequencies of f² times the variance of
/// the rate of children with f events (the rule of PHEindicatormethods with
/// `independent_events = FALSE`). Every frequency must have a row for each age band, with no
/// children where there are none.
///
/// **Units.** `population` and `standard_population` in persons or any other unit of weight;
/// `multiplier` 100 000 for the usual rates.
///
/// **Edge cases.** There is no rate, but a [`Reason`], for no rows, fewer than 10 events
/// (Dobson's limits), a count or a standard population below zero, a population that is not above
/// zero, a standard population of zero in all, numbers that are not finite, gamma limits of events
/// that are not independent, and frequencies whose age bands differ. A missing count is not a
/// count of zero. The order of rows does not matter.
pub fn dsr(
    events: &[f64],
    population: &[f64],
    standard_population: &[f64],
    event_frequency: Option<&[f64]>,
    multiplier: f64,
    conf_level: f64,
    limits: DsrLimits,
) -> Dsr {
    let bands = Bands { events, population, standard_population };
    let result = require_conf_level(conf_level)
        .and_then(|()| require_positive("multiplier", multiplier))
        .and_then(|()| bands.check())
        .and_then(|()| match event_frequency {
            Some(frequency) => bands.dependent(frequency),
            None => Ok(bands.independent()),
        });
    let moments = match result {
        Ok(moments) => moments,
        Err(reason) => return Dsr::unknown(reason, events.len()),
    };
    let rate = match limits {
        DsrLimits::Dobson => moments.dobson(multiplier, conf_level),
        DsrLimits::Gamma if event_frequency.is_some() => Err(Reason::because(
            "gamma limits take events to be independent (use 'dobson' with event_frequency)",
        )),
        DsrLimits::Gamma => moments.gamma(multiplier, conf_level, bands.largest_weight()),
    };
    Dsr {
        rate: rate.unwrap_or_else(Estimate::unknown),
        events: Some(moments.events),
        population: Some(moments.population),
        n_obs: events.len(),
    }
}

struct Bands<'a> {
    events: &'a [f64],
    population: &'a [f64],
    standard_population: &'a [f64],
}

/// What the limits are made of; the rate is per 1.
struct Moments {
    events: f64,
    population: f64,
    rate: f64,
    variance: f64,
    method: &'static str,
}

impl Bands<'_> {
    fn check(&self) -> Result<(), Reason> {
        require_same_length("events", self.events, "populations", self.population)?;
        require_same_length(
            "events",
            self.events,
            "standard populations",
            self.standard_population,
        )?;
        require_each(require_not_negative, "events", self.events)?;
        require_each(require_positive, "population", self.population)?;
        require_each(require_not_negative, "standard_population", self.standard_population)?;
        if self.events.is_empty() {
            return Err(Reason::because("there are no age bands"));
        }
        require_positive("standard_population of all age bands", self.standard())
    }

    fn standard(&self) -> f64 {
        sum::ordered(self.standard_population.iter().copied())
    }

    fn weight(&self, row: usize) -> f64 {
        self.standard_population[row] / self.population[row]
    }

    fn largest_weight(&self) -> f64 {
        let largest = (0..self.events.len()).map(|row| self.weight(row)).fold(0.0, f64::max);
        largest / self.standard()
    }

    fn independent(&self) -> Moments {
        let rows = || 0..self.events.len();
        let standard = self.standard();
        let weighted = sum::ordered(rows().map(|i| self.events[i] * self.weight(i)));
        let squared = sum::ordered(rows().map(|i| self.events[i] * self.weight(i).powi(2)));
        Moments {
            events: sum::ordered(self.events.iter().copied()),
            population: sum::ordered(self.population.iter().copied()),
            rate: weighted / standard,
            variance: squared / (standard * standard),
            method: "Dobson",
        }
    }

    /// The frequencies are independent of each other; the rates of children with f events each
    /// add up, f times over.
    fn dependent(&self, frequency: &[f64]) -> Result<Moments, Reason> {
        require_same_length("events", self.events, "event frequencies", frequency)?;
        require_each(require_positive, "event_frequency", frequency)?;
        let mut distinct = frequency.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup();

        let mut all: Option<(Moments, Vec<(f64, f64)>)> = None;
        for &f in &distinct {
            let pick = |column: &[f64]| -> Vec<f64> {
                let rows = column.iter().zip(frequency);
                rows.filter(|(_, other)| **other == f).map(|(value, _)| *value).collect()
            };
            let (events, population) = (pick(self.events), pick(self.population));
            let standard_population = pick(self.standard_population);
            let part = Bands {
                events: &events,
                population: &population,
                standard_population: &standard_population,
            };
            let mut bands: Vec<(f64, f64)> =
                population.iter().copied().zip(standard_population.iter().copied()).collect();
            bands.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            require_positive("standard_population of all age bands", part.standard())?;
            let moments = part.independent();
            all = match all {
                None => Some((
                    Moments {
                        events: f * moments.events,
                        rate: f * moments.rate,
                        variance: f * f * moments.variance,
                        method: "Dobson, for events that are not independent",
                        ..moments
                    },
                    bands,
                )),
                Some((_, first)) if first != bands => {
                    return Err(Reason::because(format!(
                        "the age bands of event_frequency {f} are not those of \
                         event_frequency {} (give each frequency a row for every age band)",
                        distinct[0]
                    )));
                }
                Some((total, first)) => Some((
                    Moments {
                        events: total.events + f * moments.events,
                        rate: total.rate + f * moments.rate,
                        variance: total.variance + f * f * moments.variance,
                        ..total
                    },
                    first,
                )),
            };
        }
        all.map(|(moments, _)| moments).ok_or_else(|| Reason::because("there are no age bands"))
    }
}

impl Moments {
    fn dobson(&self, multiplier: f64, conf_level: f64) -> Result<Estimate, Reason> {
        let events = self.events;
        if events < BYAR_FROM {
            return Err(Reason::because(format!(
                "there are {events} events (a directly standardised rate takes 10 or more)"
            )));
        }
        let step = (self.variance / events).sqrt();
        let limits = |level: f64| {
            let (low, high) = byar(events, normal::two_sided(level));
            (self.rate + step * (low - events), self.rate + step * (high - events))
        };
        self.estimate(self.method, multiplier, limits(conf_level), limits(SECOND_LEVEL))
    }

    fn gamma(
        &self,
        multiplier: f64,
        conf_level: f64,
        largest_weight: f64,
    ) -> Result<Estimate, Reason> {
        let (rate, variance, w) = (self.rate, self.variance, largest_weight);
        let limits = |level: f64| {
            let tail = (1.0 - level) / 2.0;
            let low = if rate > 0.0 {
                gamma::lower_quantile(rate * rate / variance, tail) * (variance / rate)
            } else {
                0.0
            };
            let (rate, variance) = (rate + w, variance + w * w);
            (low, gamma::upper_quantile(rate * rate / variance, tail) * (variance / rate))
        };
        self.estimate("Fay-Feuer gamma", multiplier, limits(conf_level), limits(SECOND_LEVEL))
    }

    fn estimate(
        &self,
        method: &'static str,
        multiplier: f64,
        at_level: (f64, f64),
        at_998: (f64, f64),
    ) -> Result<Estimate, Reason> {
        let per = |(low, high): (f64, f64)| (low * multiplier, high * multiplier);
        let (estimate, at_level, at_998) = (self.rate * multiplier, per(at_level), per(at_998));
        require_finite_result(&[estimate, at_level.0, at_level.1, at_998.0, at_998.1])?;
        Ok(Estimate::known(method, estimate, at_level, at_998))
    }
}

#[cfg(test)]
mod tests;
