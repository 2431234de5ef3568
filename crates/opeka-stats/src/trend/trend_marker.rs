//! The trend marker of the English public health profiles.

use crate::distribution::normal;
use crate::reason::there_are_points;
use crate::reason::{require_finite_result, require_not_negative, require_positive};
use crate::{Polarity, Reason, rate_ci};

/// The rule looks at this many of the latest points.
const POINTS: usize = 5;

/// The 99.8 % point of chi-square with one degree of freedom, as the rule has it.
const THRESHOLD: f64 = 9.549_535_706_083_24;

const PROPORTION: &str = "Fingertips recent trend, chi-square for trend in proportions";
const RATE: &str = "Fingertips recent trend, weighted slope of rates";

/// What events are counted among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// People, each of whom is an event or is not.
    Proportion,
    /// People and time, in which events happen.
    Rate,
}

/// Whether the counts of two years are of different events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// What happened within the year: counts are independent.
    Flow,
    /// Who was there on a day: mostly those who were there the year before.
    Stock,
}

/// How [`trend_marker`] works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendMarkerOptions {
    pub polarity: Polarity,
    pub measure: Measure,
    pub counts: Counts,
    /// Of what the slope is expressed in: 100 for percentage points, 10 000 for a rate per 10 000.
    pub multiplier: f64,
}

impl Default for TrendMarkerOptions {
    fn default() -> Self {
        Self {
            polarity: Polarity::None,
            measure: Measure::Proportion,
            counts: Counts::Flow,
            multiplier: 100.0,
        }
    }
}

/// The result of [`trend_marker`].
#[derive(Clone, Debug, PartialEq)]
pub struct TrendMarker {
    /// `increasing`, `decreasing`, `no significant change`, or `not enough data`.
    pub marker: Option<&'static str>,
    /// The marker and, where polarity says what is good, `and getting better` or `and getting
    /// worse`.
    pub judgement: Option<&'static str>,
    /// The slope: events per `multiplier` of the population, per year.
    pub estimate: Option<f64>,
    /// Chi-square with one degree of freedom.
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    /// The first and the last year of those looked at.
    pub first_time: Option<f64>,
    pub last_time: Option<f64>,
    /// The number of points looked at.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing, or why the marker is not to be trusted.
    pub reason: Option<Reason>,
}

/// Whether the five latest years show a trend, by the rule of the English public health profiles.
///
/// **Says** `increasing` or `decreasing` where both hold, else `no significant change`:
/// - chi-square of the slope over the last five years is above 9.5495 (p < 0.002);
/// - the slopes of all five years and of each four of them have the same sign, so that no single
///   year makes the trend (a slope of zero counts as rising).
///
/// Published by the Office for Health Improvement and Disparities, *Public health technical
/// guidance*, "Fingertips trend markers", and in the source code of Fingertips. With t = 1 … 5 for
/// the years, r events and n people or person-years:
///
/// **Proportions** (`Measure::Proportion`). Chi-square for a linear trend in proportions (Cochran
/// 1954; Armitage 1955), with N = Σn and R = Σr,
/// N (N Σrt − R Σnt)² / R (N − R)(N Σnt² − (Σnt)²). The slopes that must agree are those of
/// ln(r/(n − r)) on t by ordinary least squares, and the sign of that of all five is the direction.
///
/// **Rates** (`Measure::Rate`). The slope of the rates on t, weighted by 1/s², and
/// chi-square = slope² Σw (t − t̄)². s is the width of the rate's 95 % limits over 3.92; the limits
/// are those of [`rate_ci`], with which the profiles publish crude rates.
///
/// **Ours, not the rule's.** `estimate` is the slope that chi-square tests: for proportions
/// Σn(t − t̄)(r/n) / Σn(t − t̄)², where the rule publishes none; a proportion whose two slopes differ
/// in sign has no significant change. `p_value` is the normal tail beyond the root of chi-square.
/// `judgement` follows from `polarity`.
///
/// **A stock is not a flow.** The test takes counts as independent. Children in care on 31 March
/// are mostly those of the year before, so that a stock wanders where nothing changed and the test
/// is too ready to see a trend. With `Counts::Stock` all figures and the marker are those of the
/// rule, and the reason says that no valid p-value exists: `no significant change` may be relied
/// on, `increasing` and `decreasing` may not.
///
/// **Edge cases.** Fewer than five points give the marker `not enough data`, and why. There is no
/// marker, but a [`Reason`], where the five latest times are not consecutive years (the rule allows
/// no gaps, and no overlapping periods), a year is there twice, a number is not finite, `events` is
/// negative, `population` is not above zero; for proportions also where `events` is above
/// `population`, or is 0 or equal to it in one of the five years (there is no logit; the profiles
/// show no marker either). Older points play no part. The order of the points does not matter.
pub fn trend_marker(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    options: &TrendMarkerOptions,
) -> TrendMarker {
    calculate(events, population, time, options)
        .unwrap_or_else(|reason| TrendMarker::unknown(reason, events.len().min(POINTS)))
}

impl TrendMarker {
    /// No marker, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            marker: None,
            judgement: None,
            estimate: None,
            statistic: None,
            p_value: None,
            first_time: None,
            last_time: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

struct Point {
    events: f64,
    population: f64,
    time: f64,
}

fn calculate(
    events: &[f64],
    population: &[f64],
    time: &[f64],
    options: &TrendMarkerOptions,
) -> Result<TrendMarker, Reason> {
    require_positive("multiplier", options.multiplier)?;
    let n = events.len();
    if population.len() != n || time.len() != n {
        return Err(Reason::because(format!(
            "there are {n} events, {} populations and {} times",
            population.len(),
            time.len()
        )));
    }
    if !time.iter().all(|time| time.is_finite()) {
        return Err(Reason::because("a time is not a finite number"));
    }
    let mut points: Vec<Point> = events
        .iter()
        .zip(population)
        .zip(time)
        .map(|((events, population), time)| Point {
            events: *events,
            population: *population,
            time: *time + 0.0,
        })
        .collect();
    points.sort_unstable_by(|a, b| {
        a.time
            .total_cmp(&b.time)
            .then(a.events.total_cmp(&b.events))
            .then(a.population.total_cmp(&b.population))
    });
    if n < POINTS {
        let why = format!("{} (it takes {POINTS} consecutive years)", there_are_points(n));
        return Ok(TrendMarker {
            marker: Some("not enough data"),
            judgement: Some("not enough data"),
            first_time: points.first().map(|point| point.time),
            last_time: points.last().map(|point| point.time),
            ..TrendMarker::unknown(Reason::because(why), n)
        });
    }
    let last = &points[n - POINTS..];
    for pair in last.windows(2) {
        let (before, after) = (pair[0].time, pair[1].time);
        if before == after {
            return Err(Reason::because(format!("there are several points for {after}")));
        }
        if (after - before - 1.0).abs() > 1e-9 {
            return Err(Reason::because(format!(
                "the {POINTS} latest times are not consecutive years ({before} is followed by \
                 {after})"
            )));
        }
    }
    if n > POINTS && points[n - POINTS - 1].time == last[0].time {
        return Err(Reason::because(format!("there are several points for {}", last[0].time)));
    }
    for point in last {
        require_not_negative("events", point.events)?;
        require_positive("population", point.population)?;
    }

    let (trend, method) = match options.measure {
        Measure::Proportion => (of_proportions(last)?, PROPORTION),
        Measure::Rate => (of_rates(last, options.multiplier)?, RATE),
    };
    let estimate = match options.measure {
        Measure::Proportion => options.multiplier * trend.slope,
        Measure::Rate => trend.slope,
    };
    require_finite_result(&[estimate, trend.chi_square])?;
    let change = if trend.slopes_agree && trend.chi_square > THRESHOLD {
        if estimate < 0.0 { Change::Decreasing } else { Change::Increasing }
    } else {
        Change::None
    };
    let reason = (options.counts == Counts::Stock).then(|| {
        Reason::of_part(
            "a valid p-value",
            "the counts of a stock are not independent from year to year (mostly the same people \
             are counted again; the test is too ready to see a trend)",
        )
    });
    Ok(TrendMarker {
        marker: Some(change.marker()),
        judgement: Some(change.judgement(options.polarity)),
        estimate: Some(estimate),
        statistic: Some(trend.chi_square),
        p_value: Some(normal::two_sided_p(trend.chi_square.sqrt())),
        first_time: last.first().map(|point| point.time),
        last_time: last.last().map(|point| point.time),
        n_obs: POINTS,
        method: Some(method),
        reason,
    })
}

#[derive(Clone, Copy)]
enum Change {
    Increasing,
    Decreasing,
    None,
}

impl Change {
    fn marker(self) -> &'static str {
        match self {
            Self::Increasing => "increasing",
            Self::Decreasing => "decreasing",
            Self::None => "no significant change",
        }
    }

    fn judgement(self, polarity: Polarity) -> &'static str {
        match (self, polarity) {
            (Self::Increasing, Polarity::LowIsGood) => "increasing and getting worse",
            (Self::Increasing, Polarity::HighIsGood) => "increasing and getting better",
            (Self::Decreasing, Polarity::LowIsGood) => "decreasing and getting better",
            (Self::Decreasing, Polarity::HighIsGood) => "decreasing and getting worse",
            _ => self.marker(),
        }
    }
}

struct Trend {
    slope: f64,
    chi_square: f64,
    /// All slopes that the rule looks at, and the one that is tested, have one sign.
    slopes_agree: bool,
}

fn of_proportions(points: &[Point]) -> Result<Trend, Reason> {
    for Point { events, population, time } in points {
        let why = if events > population {
            format!("events is {events} of {population} in {time} (it must not be above it)")
        } else if *events == 0.0 {
            format!("there are no events in {time}, and the rule compares log odds")
        } else if events == population {
            format!("all {population} are events in {time}, and the rule compares log odds")
        } else {
            continue;
        };
        return Err(Reason::because(why));
    }
    let total: f64 = points.iter().map(|point| point.population).sum();
    let events: f64 = points.iter().map(|point| point.events).sum();
    let weights: Vec<f64> = points.iter().map(|point| point.population / total).collect();
    let shares: Vec<f64> = points.iter().map(|point| point.events / point.population).collect();
    let line = Line::of(&shares, &weights, None);
    let share = events / total;
    // Cochran's formula, with its sums taken around the mean.
    let chi_square = line.slope * line.slope * line.square * total / (share * (1.0 - share));

    let odds: Vec<f64> = points
        .iter()
        .map(|point| libm::log(point.events / (point.population - point.events)))
        .collect();
    let rises = rises(&odds, &[1.0; POINTS]);
    Ok(Trend { slope: line.slope, chi_square, slopes_agree: rises == Some(line.slope >= 0.0) })
}

fn of_rates(points: &[Point], multiplier: f64) -> Result<Trend, Reason> {
    let mut rates = Vec::with_capacity(POINTS);
    let mut weights = Vec::with_capacity(POINTS);
    for point in points {
        let rate = rate_ci(point.events, point.population, multiplier, 0.95);
        match (rate.estimate, rate.conf_low, rate.conf_high) {
            (Some(estimate), Some(low), Some(high)) => {
                let error = (high - low) / 3.92;
                rates.push(estimate);
                weights.push(1.0 / (error * error));
            }
            _ => return Err(rate.reason.unwrap_or_else(|| Reason::because("a rate is missing"))),
        }
    }
    let line = Line::of(&rates, &weights, None);
    let chi_square = line.slope * line.slope * line.square;
    let rises = rises(&rates, &weights);
    Ok(Trend { slope: line.slope, chi_square, slopes_agree: rises.is_some() })
}

/// Whether the slopes of all points and of all but one rise; `None` where they differ.
fn rises(values: &[f64], weights: &[f64]) -> Option<bool> {
    let rise = |without| Line::of(values, weights, without).slope >= 0.0;
    let all = rise(None);
    (0..values.len()).all(|point| rise(Some(point)) == all).then_some(all)
}

/// A weighted line over 1, 2, 3 ….
struct Line {
    slope: f64,
    /// Σw (t − t̄)²
    square: f64,
}

impl Line {
    fn of(values: &[f64], weights: &[f64], without: Option<usize>) -> Self {
        let points: Vec<[f64; 3]> = (0..values.len())
            .filter(|k| Some(*k) != without)
            .map(|k| [1.0 + k as f64, values[k], weights[k]])
            .collect();
        let sum = |f: &dyn Fn(&[f64; 3]) -> f64| points.iter().map(f).sum::<f64>();
        let total = sum(&|[_, _, w]| *w);
        let (time, value) = (sum(&|[t, _, w]| w * t) / total, sum(&|[_, y, w]| w * y) / total);
        let square = sum(&|[t, _, w]| w * (t - time) * (t - time));
        let slope = sum(&|[t, y, w]| w * (t - time) * (y - value)) / square;
        Self { slope, square }
    }
}

#[cfg(test)]
mod tests;
