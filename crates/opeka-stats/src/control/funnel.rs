//! Funnels: which areas differ from the benchmark by more than chance.

use super::count_limits::{binomial_quantile, poisson_funnel, poisson_quantile};
use super::funnel_options::{FunnelMethod, FunnelOptions, FunnelStatistic};
use super::overdispersion::{OverDispersion, over_dispersion};
use super::summation::sum_of_any_order;
use crate::distribution::normal;
use crate::reason::{require_finite_result, require_positive};
use crate::{Reason, byar_limits, exact_poisson_limits};

/// The probability of a figure beyond one of the two limits of each side: two and three standard
/// deviations of a normal figure.
const TAILS: [f64; 2] = [0.025, 0.001];
/// The levels of an area's own limits that leave these tails out.
const LEVELS: [f64; 2] = [0.95, 0.998];
/// The part of the distribution that is trimmed at each end before its spread is measured.
const TRIM: f64 = 0.1;
/// From this many events on, the limits of a count are Byar's.
const BYAR_FROM: f64 = 10.0;
/// A directly standardised rate is not published below this many events.
const STANDARDISED_FROM: f64 = 10.0;

/// One area of a funnel, in the unit of the multiplier.
#[derive(Clone, Debug, PartialEq)]
pub struct FunnelArea {
    /// The figure of the area.
    pub estimate: Option<f64>,
    /// What the area is compared with: the figure of all areas together, or a ratio of 1.
    pub benchmark: Option<f64>,
    /// Between these limits lie 95 % of areas of this size that do not differ from the benchmark.
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// Between these, 99.8 %.
    pub conf_low_998: Option<f64>,
    pub conf_high_998: Option<f64>,
    /// "Low (0.001)", "Low (0.025)", "Not significant", "High (0.025)" or "High (0.001)".
    pub category: Option<&'static str>,
    /// "better" or "worse" where one way is better, "lower" or "higher" where none is, "similar"
    /// where the difference may be chance.
    pub comparison: Option<&'static str>,
    /// How many standard errors the area is from the benchmark; over-dispersed, with the variance
    /// between areas among them.
    pub z: Option<f64>,
    /// φ of an over-dispersed funnel.
    pub phi: Option<f64>,
    /// τ² of an over-dispersed funnel, on its scale.
    pub tau_squared: Option<f64>,
    /// The number of areas that the funnel is of.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    pub reason: Option<Reason>,
}

impl FunnelArea {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            benchmark: None,
            conf_low: None,
            conf_high: None,
            conf_low_998: None,
            conf_high_998: None,
            category: None,
            comparison: None,
            z: None,
            phi: None,
            tau_squared: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

/// Where each area lies in the funnel of all of them, in their order.
///
/// **Estimates** between which limits the figure of an area of a given size lies if it does not
/// differ from the benchmark, so that small areas, whose figures jump, are not called unusual.
///
/// **Benchmark.** Σ events / Σ denominators over all areas; 1 for ratios.
///
/// **Limits**, at the denominator n of the area, with b the benchmark and tails of 0.025 and 0.001:
///
/// - [`FunnelMethod::Wilson`], as PHEindicatormethods 2.1.0: proportions b ± z√(b(1 − b)/n), kept
///   between 0 and 1; these are the proportions whose Wilson interval ends at b. For rates and
///   ratios, the counts whose exact Poisson limits end at the expected count bn, continued between
///   whole numbers. The category of a rate or ratio is told by the limits of its own count, exact
///   below 10 and Byar's from there on; they may disagree with the funnel in the third digit.
/// - [`FunnelMethod::Exact`]: quantiles of the binomial distribution of n trials (n must be whole)
///   or of the Poisson distribution of mean bn, over n, as `qbinom` and `qpois`. An area is unusual
///   beyond them, so that on each side no more than the tail's share of areas is.
/// - [`FunnelMethod::OverDispersion`]: target ± z√(s² + τ²) on the scale of [`over_dispersion`],
///   with a tenth trimmed at each end, and back.
///
/// (Spiegelhalter 2005, "Funnel plots for comparing institutional performance", *Statistics in
/// Medicine* 24; Public Health England, *Technical guide: assigning deprivation categories and
/// funnel plots for commonly used indicators*.)
///
/// **Edge cases.** An area without events or denominator in the data, or with neither (0 of 0), has
/// a reason and is not counted. Where an area cannot be right (a negative count, events and no
/// denominator, more events than a proportion can have, numbers that are not finite), no area has
/// figures: the benchmark would be wrong for all. A funnel takes two areas that are counted (a
/// ratio, one) and some but not only events. The order of the areas does not matter.
pub fn funnel_limits(
    events: &[Option<f64>],
    denominator: &[Option<f64>],
    options: FunnelOptions,
) -> Vec<FunnelArea> {
    if events.len() != denominator.len() {
        let reason = Reason::because(format!(
            "there are {} counts of events and {} denominators",
            events.len(),
            denominator.len()
        ));
        return vec![FunnelArea::unknown(reason, 0); events.len()];
    }
    let rows: Vec<Row> = events
        .iter()
        .zip(denominator)
        .map(|(events, denominator)| Row::of(*events, *denominator, options.statistic))
        .collect();
    let areas: Vec<(f64, f64)> = rows.iter().filter_map(Row::counted).collect();
    let n_obs = areas.len();
    let wrong = rows.iter().any(|row| matches!(row, Row::Wrong(_)));
    let funnel = if wrong {
        Err(Reason::because("another area of the funnel cannot be right"))
    } else {
        Funnel::of(&areas, options)
    };

    let mut counted = 0;
    rows.into_iter()
        .map(|row| {
            let area = match row {
                Row::Absent(reason) | Row::Wrong(reason) => Err(reason),
                Row::Counted(events, denominator) => {
                    let index = counted;
                    counted += 1;
                    match &funnel {
                        Ok(funnel) => funnel.area(index, events, denominator),
                        Err(reason) => Err(reason.clone()),
                    }
                }
            };
            area.unwrap_or_else(|reason| FunnelArea::unknown(reason, n_obs))
        })
        .collect()
}

/// What a row of the data is to the funnel.
enum Row {
    Counted(f64, f64),
    /// Nothing is known of the area, or nobody lives there.
    Absent(Reason),
    /// The area cannot be right.
    Wrong(Reason),
}

impl Row {
    fn of(events: Option<f64>, denominator: Option<f64>, statistic: FunnelStatistic) -> Self {
        let Some(x) = events else { return Self::Absent(Reason::missing("events")) };
        // No events have no standardised rate, and so stand for no population.
        let standardised = statistic == FunnelStatistic::StandardisedRate;
        if standardised && x == 0.0 && denominator.is_none_or(|n| n == 0.0) {
            return Self::Absent(too_few_to_standardise(x));
        }
        let Some(n) = denominator else { return Self::Absent(Reason::missing("denominator")) };
        if !x.is_finite() || x < 0.0 {
            let rule = if x.is_finite() { "not be negative" } else { "be a finite number" };
            return Self::Wrong(Reason::because(format!("events is {x} (it must {rule})")));
        }
        if let Err(reason) = require_positive("denominator", n) {
            return if x == 0.0 && n == 0.0 { Self::Absent(reason) } else { Self::Wrong(reason) };
        }
        if statistic == FunnelStatistic::Proportion && x > n {
            return Self::Wrong(Reason::because(format!(
                "events is {x} of {n} (a proportion must not be above 1)"
            )));
        }
        Self::Counted(x, n)
    }

    fn counted(&self) -> Option<(f64, f64)> {
        if let Self::Counted(events, denominator) = self {
            Some((*events, *denominator))
        } else {
            None
        }
    }
}

fn too_few_to_standardise(events: f64) -> Reason {
    Reason::because(format!(
        "events is {events} (a directly standardised rate takes {STANDARDISED_FROM} or more)"
    ))
}

/// What all areas share.
struct Funnel {
    options: FunnelOptions,
    multiplier: f64,
    benchmark: f64,
    dispersion: Option<OverDispersion>,
    n_obs: usize,
}

/// The place of an area: its limits as figures, the wider ones second, and how far out it is.
struct Place {
    limits: [(f64, f64); 2],
    /// Below −1 or above 1: beyond the wider limits of that side; at −1 or 1: beyond the narrower.
    beyond: i8,
    z: f64,
}

impl Funnel {
    fn of(areas: &[(f64, f64)], options: FunnelOptions) -> Result<Self, Reason> {
        let statistic = options.statistic;
        let multiplier = options.multiplier.unwrap_or(statistic.default_multiplier());
        require_positive("multiplier", multiplier)?;
        let least = if statistic.is_ratio() { 1 } else { 2 };
        if areas.len() < least {
            return Err(Reason::because(format!(
                "the number of areas is {} (it takes {least} or more)",
                areas.len()
            )));
        }
        let events = sum_of_any_order(areas.iter().map(|(events, _)| *events));
        let whole = sum_of_any_order(areas.iter().map(|(_, denominator)| *denominator));
        if events == 0.0 {
            return Err(Reason::because("no area has any events"));
        }
        if statistic == FunnelStatistic::Proportion && events == whole {
            return Err(Reason::because("every proportion is 1"));
        }
        let benchmark = if statistic.is_ratio() { 1.0 } else { events / whole };
        require_finite_result(&[benchmark * multiplier, whole])?;

        let mut dispersion = None;
        if let Some(scale) = options.method.scale(statistic) {
            let roots = options.method == FunnelMethod::OverDispersionCqc;
            if roots && statistic == FunnelStatistic::Proportion {
                return Err(Reason::because(
                    "over_dispersion_cqc is for rates and ratios (proportions take over_dispersion)",
                ));
            }
            let x: Vec<f64> = areas.iter().map(|(events, _)| *events).collect();
            // On the scale of square roots the denominator is the expected count.
            let unit = if roots { benchmark } else { 1.0 };
            let n: Vec<f64> = areas.iter().map(|(_, denominator)| denominator * unit).collect();
            dispersion = Some(over_dispersion(&x, &n, scale, TRIM)?);
        }
        Ok(Self { options, multiplier, benchmark, dispersion, n_obs: areas.len() })
    }

    fn area(&self, index: usize, events: f64, denominator: f64) -> Result<FunnelArea, Reason> {
        let statistic = self.options.statistic;
        if statistic == FunnelStatistic::StandardisedRate && events < STANDARDISED_FROM {
            return Err(too_few_to_standardise(events));
        }
        let place = match (self.options.method.scale(statistic), &self.dispersion) {
            (Some(scale), Some(dispersion)) => {
                let area = dispersion
                    .areas
                    .get(index)
                    .ok_or_else(|| Reason::because("the area is not among those compared"))?;
                let error = (area.s * area.s + dispersion.tau_squared).sqrt();
                let unit = if self.options.method == FunnelMethod::OverDispersionCqc {
                    self.benchmark
                } else {
                    1.0
                };
                let limits = TAILS.map(|tail| {
                    let way = -normal::quantile(tail) * error;
                    let figure = |y: f64| scale.figure(y) * unit;
                    (figure(dispersion.target - way), figure(dispersion.target + way))
                });
                // The figure against the limits that are told, since a log rate has a half added.
                let figure = events / denominator;
                Place {
                    limits,
                    beyond: beyond(limits.map(|(low, high)| (figure < low, figure > high))),
                    z: area.z_adjusted,
                }
            }
            _ if self.options.method == FunnelMethod::Exact => self.exact(events, denominator)?,
            _ if statistic == FunnelStatistic::Proportion => self.wilson(events, denominator),
            _ => self.poisson(events, denominator),
        };

        let shift = if statistic == FunnelStatistic::RatioCount { 1.0 } else { 0.0 };
        let unit = |figure: f64| (figure - shift) * self.multiplier;
        let [(low, high), (low_998, high_998)] = place.limits;
        let figures =
            [events / denominator, self.benchmark, low, high, low_998, high_998].map(unit);
        require_finite_result(&figures)?;
        let [estimate, benchmark, low, high, low_998, high_998] = figures.map(Some);
        Ok(FunnelArea {
            estimate,
            benchmark,
            conf_low: low,
            conf_high: high,
            conf_low_998: low_998,
            conf_high_998: high_998,
            category: Some(match place.beyond {
                -2 => "Low (0.001)",
                -1 => "Low (0.025)",
                1 => "High (0.025)",
                2 => "High (0.001)",
                _ => "Not significant",
            }),
            comparison: Some(
                match (place.beyond, self.options.polarity.is_good(place.beyond > 0)) {
                    (0, _) => "similar",
                    (_, Some(true)) => "better",
                    (_, Some(false)) => "worse",
                    (..=-1, None) => "lower",
                    (_, None) => "higher",
                },
            ),
            z: Some(place.z),
            phi: self.dispersion.as_ref().map(|dispersion| dispersion.phi),
            tau_squared: self.dispersion.as_ref().map(|dispersion| dispersion.tau_squared),
            n_obs: self.n_obs,
            method: Some(self.options.method.text(statistic)),
            reason: None,
        })
    }

    /// The standard error of a figure at the benchmark.
    fn standard_error(&self, n: f64) -> f64 {
        let b = self.benchmark;
        let proportion = self.options.statistic == FunnelStatistic::Proportion;
        (b * if proportion { 1.0 - b } else { 1.0 } / n).sqrt()
    }

    fn wilson(&self, x: f64, n: f64) -> Place {
        let (share, error) = (x / n, self.standard_error(n));
        let limits = TAILS.map(|tail| {
            let way = -normal::quantile(tail) * error;
            (self.benchmark - way, self.benchmark + way)
        });
        Place {
            limits: limits.map(|(low, high)| (low.max(0.0), high.min(1.0))),
            beyond: beyond(limits.map(|(low, high)| (share < low, share > high))),
            z: (share - self.benchmark) / error,
        }
    }

    fn poisson(&self, x: f64, n: f64) -> Place {
        let limits = TAILS.map(|tail| {
            let (low, high) = poisson_funnel(tail, self.benchmark * n);
            (low / n, high / n)
        });
        let own = LEVELS.map(|level| {
            let limits =
                if x < BYAR_FROM { exact_poisson_limits(x, level) } else { byar_limits(x, level) };
            limits.map_or((false, false), |(low, high)| {
                (self.benchmark > high / n, self.benchmark < low / n)
            })
        });
        Place { limits, beyond: beyond(own), z: (x / n - self.benchmark) / self.standard_error(n) }
    }

    fn exact(&self, x: f64, n: f64) -> Result<Place, Reason> {
        let proportion = self.options.statistic == FunnelStatistic::Proportion;
        if proportion && n.fract() != 0.0 {
            return Err(Reason::because(format!(
                "denominator is {n} (exact binomial limits take a whole number)"
            )));
        }
        let quantile = |p: f64| {
            if proportion {
                binomial_quantile(p, n, self.benchmark)
            } else {
                poisson_quantile(p, self.benchmark * n)
            }
        };
        let limits = TAILS.map(|tail| (quantile(tail), quantile(1.0 - tail)));
        Ok(Place {
            limits: limits.map(|(low, high)| (low / n, high / n)),
            beyond: beyond(limits.map(|(low, high)| (x < low, x > high))),
            z: (x / n - self.benchmark) / self.standard_error(n),
        })
    }
}

/// How far out: whether below and above the limits of each tail, the wider ones second.
fn beyond([narrow, wide]: [(bool, bool); 2]) -> i8 {
    match (narrow, wide) {
        (_, (true, _)) => -2,
        (_, (_, true)) => 2,
        ((true, _), _) => -1,
        ((_, true), _) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
