//! The XmR chart: whether a series changed, or only varies as it always did.

use super::run_rules::{self, Place};
use super::summation::mean;
use super::xmr_options::XmrOptions;
use crate::Reason;
use crate::reason::require_finite_result;
use crate::reason::there_are_points;

/// Limits are this many mean moving ranges from the mean: 3 / 1.128, where 1.128 is the expected
/// range of two normal values, rounded as in Wheeler and in NHSRplotthedots.
const LIMIT: f64 = 2.66;
/// Two thirds of the way to a limit.
const CLOSE: f64 = 2.0 * (LIMIT / 3.0);
/// The upper limit of a chart of moving ranges, in mean moving ranges.
const SCREEN: f64 = 3.267;
/// With fewer points than this, limits are trial limits.
const LASTING_POINTS: usize = 12;
const MIN_POINTS: usize = 2;

const METHOD: &str = "XmR: mean ± 2.66 × mean moving range";
const TRIAL: &str = "trial limits";
const LASTING: &str = "process limits";
const COMMON_CAUSE: &str = "common cause";

/// One point of an XmR chart. All figures are in units of the value.
#[derive(Clone, Debug, PartialEq)]
pub struct XmrPoint {
    pub time: Option<f64>,
    pub value: Option<f64>,
    /// The mean of the phase.
    pub mean: Option<f64>,
    /// The lower process limit; missing where the phase has none.
    pub lower: Option<f64>,
    /// The upper process limit.
    pub upper: Option<f64>,
    pub outside_limits: Option<bool>,
    /// Inside the limits, but beyond two thirds of the way to one.
    pub close_to_limits: Option<bool>,
    /// −1, 0 or 1: below the mean, on it, above it.
    pub relative_to_mean: Option<i8>,
    /// What the point is a sign of, in the words of NHSRplotthedots ("7 Points Above CL"); `None`
    /// where it is common cause.
    pub signal: Option<&'static str>,
    /// "improvement", "concern", "neither" (a signal, but neither way is better) or "common cause".
    pub kind: Option<&'static str>,
    /// Phases are counted from 1.
    pub phase: usize,
    /// Whether the limits of the phase are "trial limits" or "process limits".
    pub limits_kind: Option<&'static str>,
    /// Why something is missing or not to be relied on yet, as the text says.
    pub reason: Option<Reason>,
}

impl XmrPoint {
    /// A point that is not on the chart, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self {
            time: None,
            value: None,
            mean: None,
            lower: None,
            upper: None,
            outside_limits: None,
            close_to_limits: None,
            relative_to_mean: None,
            signal: None,
            kind: None,
            phase: 0,
            limits_kind: None,
            reason: Some(reason),
        }
    }
}

/// The result of [`xmr`]: the figures of the last phase, and all points.
#[derive(Clone, Debug, PartialEq)]
pub struct Xmr {
    /// The mean.
    pub estimate: Option<f64>,
    /// The lower process limit: where single points are expected, not a limit of the mean.
    pub conf_low: Option<f64>,
    /// The upper process limit.
    pub conf_high: Option<f64>,
    /// The mean of the moving ranges that are not screened out.
    pub mean_moving_range: Option<f64>,
    /// "trial limits" with fewer than 12 points, "process limits" from there on.
    pub limits_kind: Option<&'static str>,
    /// The number of points of the last phase.
    pub n_obs: usize,
    /// How many of them are signals.
    pub n_signals: Option<usize>,
    pub method: Option<&'static str>,
    /// Why something is missing or not to be relied on yet, as the text says.
    pub reason: Option<Reason>,
    /// All points of all phases, in the order of time.
    pub points: Vec<XmrPoint>,
}

impl Xmr {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            mean_moving_range: None,
            limits_kind: None,
            n_obs,
            n_signals: None,
            method: None,
            reason: Some(reason),
            points: Vec::new(),
        }
    }
}

/// The individuals chart with moving ranges (XmR) of a series, and the points on it that are more
/// than chance.
///
/// **Estimates** between which limits the points of a series lie while nothing changes, from the
/// size of its steps from point to point, so that a change of level does not widen them.
///
/// **Limits.** With m the mean of the values and r the mean of the moving ranges |yᵢ − yᵢ₋₁|:
/// m ± 2.66 r (Shewhart; Wheeler 2000, *Understanding Variation*). Moving ranges of 3.267 r and
/// more are left out first, once, where `screen_outliers` is set. These are the rules of NHS
/// England, *Making Data Count*, and the defaults of the R package NHSRplotthedots 0.2.2.
///
/// **Signals** of a point, the first that holds: it is outside the limits; it is one of seven
/// points that all rise or all fall (six steps; an equal neighbour ends a run); it is close to a
/// limit, that is beyond m ± 2/3 × 2.66 r, and so is another of three points in a row on that side
/// of the mean; it is one of seven points in a row on one side of the mean. Runs do not cross from
/// one phase into the next.
///
/// **Phases.** A rebase starts the chart anew from a time, and takes a written reason, since a
/// chart that is rebased where it is convenient proves nothing. With `baseline_points`, mean and
/// limits of a phase are those of its first points (12 or more), and hold for all that follow.
///
/// **Edge cases.** With fewer than 12 points in the last phase, the figures are there, but
/// `limits_kind` is "trial limits" and `reason` says so. Where no moving range is left (all values
/// equal), there is a mean and no limits; runs are told all the same. Gaps in time count as one
/// step. Everything is missing, with a [`Reason`], where a phase has fewer than 2 points, two
/// points share a time, a number is not finite, a rebase has no reason in words or no point on
/// either side of it, or there are fewer than 12 `baseline_points`. The order of the points does
/// not matter.
///
/// **Differs from the package** in the direction of a trend whose last point is followed at once by
/// another trend: the direction told here is that of the run itself, the package's that of the
/// step between the two, which may go the other way.
pub fn xmr(value: &[f64], time: &[f64], options: &XmrOptions) -> Xmr {
    calculate(value, time, options).unwrap_or_else(|reason| Xmr::unknown(reason, value.len()))
}

fn calculate(value: &[f64], time: &[f64], options: &XmrOptions) -> Result<Xmr, Reason> {
    if value.len() != time.len() {
        return Err(Reason::because(format!(
            "there are {} values and {} times",
            value.len(),
            time.len()
        )));
    }
    if let Some(points) = options.baseline_points.filter(|points| *points < LASTING_POINTS) {
        return Err(Reason::because(format!(
            "baseline_points is {points} (it must be {LASTING_POINTS} or more)"
        )));
    }
    if value.len() < MIN_POINTS {
        return Err(too_few("there", value.len()));
    }
    if !value.iter().chain(time).all(|number| number.is_finite()) {
        return Err(Reason::because("a value or a time is not a finite number"));
    }
    // Adding zero makes a negative zero an ordinary one.
    let mut series: Vec<(f64, f64)> =
        time.iter().zip(value).map(|(time, value)| (time + 0.0, value + 0.0)).collect();
    series.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    if let Some(pair) = series.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Reason::because(format!("two points share the time {}", pair[0].0)));
    }

    let starts = phase_starts(&series, options)?;
    let mut points = Vec::with_capacity(series.len());
    let mut last = None;
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(series.len());
        let phase = series.get(*start..end).unwrap_or_default();
        if phase.len() < MIN_POINTS {
            return Err(too_few(&format!("in phase {} there", index + 1), phase.len()));
        }
        let limits = Limits::of(phase, options)?;
        points.extend(limits.points(phase, options, index + 1));
        last = Some((limits, phase.len()));
    }
    let Some((limits, n_obs)) = last else { return Err(too_few("there", 0)) };

    let n_signals = points[points.len() - n_obs..].iter().filter(|p| p.signal.is_some()).count();
    Ok(Xmr {
        estimate: Some(limits.mean),
        conf_low: limits.lower(),
        conf_high: limits.upper(),
        mean_moving_range: limits.range,
        limits_kind: limits.kind(),
        n_obs,
        n_signals: Some(n_signals),
        method: Some(METHOD),
        reason: limits.reason(),
        points,
    })
}

fn too_few(place: &str, n: usize) -> Reason {
    let (verb, noun) = if n == 1 { ("is", "point") } else { ("are", "points") };
    Reason::because(format!("{place} {verb} {n} {noun} (it takes {MIN_POINTS} or more)"))
}

/// Where each phase begins, as positions in the series.
fn phase_starts(series: &[(f64, f64)], options: &XmrOptions) -> Result<Vec<usize>, Reason> {
    let mut starts = vec![0];
    for rebase in &options.rebase {
        if !rebase.at.is_finite() {
            return Err(Reason::because("rebase_at is not a finite number"));
        }
        if rebase.reason.trim().is_empty() {
            return Err(Reason::because(format!(
                "the chart is rebased at {} and rebase_reason does not say why",
                rebase.at
            )));
        }
        let start = series.partition_point(|(time, _)| *time < rebase.at);
        if start == 0 || start == series.len() {
            let side = if start == 0 { "before" } else { "at or after" };
            return Err(Reason::because(format!(
                "rebase_at is {} and no point is {side} it",
                rebase.at
            )));
        }
        starts.push(start);
    }
    starts.sort_unstable();
    starts.dedup();
    Ok(starts)
}

/// The mean and the limits of one phase.
struct Limits {
    mean: f64,
    /// The mean moving range; `None` where none is left to take the mean of.
    range: Option<f64>,
    /// The number of points of the phase.
    n_points: usize,
}

impl Limits {
    fn of(phase: &[(f64, f64)], options: &XmrOptions) -> Result<Self, Reason> {
        let points = options.baseline_points.unwrap_or(usize::MAX);
        let baseline: Vec<f64> = phase.iter().take(points).map(|(_, value)| *value).collect();
        let mut ranges: Vec<f64> =
            baseline.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        require_finite_result(&ranges)?;
        if options.screen_outliers {
            let limit = SCREEN * mean(&ranges).unwrap_or(0.0);
            ranges.retain(|range| *range < limit);
        }
        let (center, range) = (mean(&baseline).unwrap_or(f64::NAN), mean(&ranges));
        let limits = Self { mean: center, range, n_points: phase.len() };
        let (lower, upper) = (limits.lower(), limits.upper());
        require_finite_result(&[limits.mean, lower.unwrap_or(0.0), upper.unwrap_or(0.0)])?;
        Ok(limits)
    }

    fn lower(&self) -> Option<f64> {
        self.range.map(|range| self.mean - LIMIT * range)
    }

    fn upper(&self) -> Option<f64> {
        self.range.map(|range| self.mean + LIMIT * range)
    }

    fn are_trial(&self) -> bool {
        self.n_points < LASTING_POINTS
    }

    fn kind(&self) -> Option<&'static str> {
        self.range.map(|_| if self.are_trial() { TRIAL } else { LASTING })
    }

    fn reason(&self) -> Option<Reason> {
        if self.range.is_none() {
            let why = "the values that make them are all equal";
            return Some(Reason::of_part("the limits", why));
        }
        let n = self.n_points;
        self.are_trial().then(|| {
            Reason::of_part(
                "lasting limits",
                format!(
                    "{} (it takes {LASTING_POINTS}; these are trial limits)",
                    there_are_points(n)
                ),
            )
        })
    }

    fn place(&self, value: f64) -> Place {
        let beyond = |way: f64| {
            self.range.is_some_and(|range| {
                value > self.mean + way * range || value < self.mean - way * range
            })
        };
        let outside = beyond(LIMIT);
        let side = i8::from(value > self.mean) - i8::from(value < self.mean);
        Place { value, side, outside, close: !outside && beyond(CLOSE) }
    }

    fn points(&self, phase: &[(f64, f64)], options: &XmrOptions, number: usize) -> Vec<XmrPoint> {
        let places: Vec<Place> = phase.iter().map(|(_, value)| self.place(*value)).collect();
        let signals = run_rules::signals(&places);
        let mut points = Vec::with_capacity(phase.len());
        for ((place, (time, _)), signal) in places.iter().zip(phase).zip(signals) {
            points.push(XmrPoint {
                time: Some(*time),
                value: Some(place.value),
                mean: Some(self.mean),
                lower: self.lower(),
                upper: self.upper(),
                outside_limits: self.range.map(|_| place.outside),
                close_to_limits: self.range.map(|_| place.close),
                relative_to_mean: Some(place.side),
                signal: signal.map(|signal| signal.text()),
                kind: Some(signal.map_or(COMMON_CAUSE, |signal| {
                    match options.polarity.is_good(signal.upwards()) {
                        Some(true) => "improvement",
                        Some(false) => "concern",
                        None => "neither",
                    }
                })),
                phase: number,
                limits_kind: self.kind(),
                reason: self.reason(),
            });
        }
        points
    }
}

#[cfg(test)]
mod tests;
