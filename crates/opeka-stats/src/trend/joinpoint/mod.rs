//! Joinpoint regression: straight lines that meet, and whether there is more than one.

pub(crate) mod counts;
mod grid;
mod hudson;
mod inference;
mod selection;
mod series;

use crate::Reason;
use crate::reason::require_conf_level;
use selection::Selected;
use series::Series;

/// The most places at which a search may have to look for joins. 100 years and three joins are
/// 125 580; one more join, or 160 years, is beyond the limit.
pub const MAX_COMBINATIONS: usize = 500_000;

/// The most points: the default tests of a longer series would take a minute.
pub const MAX_JOINPOINT_POINTS: usize = 1_000;

/// The most permutations of a test.
pub const MAX_PERMUTATIONS: u32 = 99_999;

const MIN_POINTS: usize = 3;

/// What is straight between two joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The logarithm of the value, so that a segment is a change of so many per cent a year.
    Log,
    /// The value itself.
    Linear,
}

/// Where joins may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// At observed times (Lerman 1980): the default of the NCI's Joinpoint program.
    Grid,
    /// Anywhere (Hudson 1966): the exact least squares solution, as R's `segmented` seeks it.
    Continuous,
}

/// How the number of joins is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection {
    /// The sequence of permutation tests of Kim et al. (2000).
    Permutation {
        /// Draws for each test.
        permutations: u32,
        seed: u64,
        /// The level of the whole sequence.
        alpha: f64,
    },
    /// The number of joins of the smallest Bayesian information criterion.
    Bic,
    /// As many as are asked for.
    Fixed,
}

/// How [`joinpoint`] works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JoinpointOptions<'a> {
    pub scale: Scale,
    pub search: Search,
    pub selection: Selection,
    /// Observed times before the first join and after the last, without those on a join.
    pub min_to_end: usize,
    /// Observed times between two joins, without those on a join.
    pub min_between: usize,
    /// A standard error for each value, in units of the value: points weigh 1/error², on the
    /// logarithmic scale (value/error)².
    pub std_error: Option<&'a [f64]>,
    pub conf_level: f64,
}

impl Default for JoinpointOptions<'_> {
    /// The choices of the NCI's Joinpoint program before its version 5, for a logarithmic model.
    fn default() -> Self {
        Self {
            scale: Scale::Log,
            search: Search::Grid,
            selection: Selection::Permutation { permutations: 4_499, seed: 7_160, alpha: 0.05 },
            min_to_end: 2,
            min_between: 2,
            std_error: None,
            conf_level: 0.95,
        }
    }
}

/// The time at which one line ends and the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub time: f64,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
}

/// One of the lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The first time of the series, or a join.
    pub start: f64,
    /// A join, or the last time of the series.
    pub end: f64,
    /// Per unit of time, on the scale of the fit.
    pub slope: f64,
    pub std_error: Option<f64>,
    /// The change per unit of time: in per cent on the logarithmic scale (the annual percentage
    /// change, APC), else in units of the value.
    pub estimate: f64,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// t of the slope.
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
}

/// One test of the sequence that chose the number of joins.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinpointTest {
    /// Joins under the hypothesis.
    pub null_joins: usize,
    /// Joins under the alternative.
    pub alternative_joins: usize,
    /// Missing where the fit under the hypothesis already meets every point.
    pub p_value: Option<f64>,
    /// The hypothesis falls where `p_value` is below this.
    pub level: f64,
}

/// The result of [`joinpoint`].
#[derive(Clone, Debug, PartialEq)]
pub struct Joinpoint {
    pub n_joins: Option<usize>,
    /// In order of time.
    pub joins: Vec<Join>,
    /// In order of time; one more than joins.
    pub segments: Vec<Segment>,
    /// The average change per unit of time over the whole series: in per cent on the logarithmic
    /// scale (the average annual percentage change, AAPC), else in units of the value.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The average slope on the scale of the fit, of which `estimate` is made.
    pub slope: Option<f64>,
    /// Of `slope`.
    pub std_error: Option<f64>,
    /// `slope` in units of its standard error: t without a join, z with one or more.
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    /// The (weighted) sum of squared residuals on the scale of the fit.
    pub rss: Option<f64>,
    pub bic: Option<f64>,
    /// The tests that chose the number of joins, in their order; none for other selections.
    pub tests: Vec<JoinpointTest>,
    /// The number of points.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is an `estimate`, what the text names.
    pub reason: Option<Reason>,
}

/// Lines that meet at up to `max_joins` times, fitted to `value` over `time`.
///
/// **Estimates** a mean (by default of ln(value)) that is piecewise straight and nowhere jumps:
/// how many times its slope changed, when, and the slope of each part. Errors are independent,
/// with the same variance or with the variances that `std_error` gives (Kim, Fay, Feuer and
/// Midthune 2000, "Permutation tests for joinpoint regression with applications to cancer rates",
/// *Statistics in Medicine* 19; correction 2001, 20).
///
/// **Joins** minimize the sum of squared residuals over all admissible places. `Search::Grid`
/// tries every combination of observed times (Lerman 1980, "Fitting segmented regression models
/// by grid search", *Applied Statistics* 29; no points between observations). `Search::Continuous`
/// finds the minimum over all real times (Hudson 1966, "Fitting segmented curves whose join points
/// have to be estimated", *JASA* 61): not a local one, as iterations from a start can end in.
/// Both keep `min_to_end` observed times before the first and after the last join and
/// `min_between` between two joins. On the grid a time on a join does not count, as with the NCI;
/// two of each are its defaults. Anywhere, it counts for one of its two segments: with fewer than
/// two for a segment, infinitely many lines would fit alike.
///
/// **The number of joins** from 0 to `max_joins`:
/// - `Selection::Permutation` tests a joins (at first 0) against b (at first `max_joins`), raises
///   a by one where the test rejects and else lowers b by one, until they meet. The statistic is
///   F = (RSS_a − RSS_b)/2(b − a) over RSS_b/(n − 2(b + 1)); its distribution is that over orders
///   of the residuals of the fit with a joins, which are put back on that fit;
///   p = (1 + #{F* ≥ F})/(1 + `permutations`). Each test has the level alpha/(`max_joins` − a), the
///   Bonferroni adjustment of the NCI's program since its version 3, which rejects where p is below
///   it. The tests use the grid in both searches, which is a valid test in either.
/// - `Selection::Bic` takes the smallest n ln(RSS/n) + (2k + 3) ln n + n(1 + ln 2π) − Σ ln w, which
///   is R's `BIC()` of the segmented model; its order is that of the NCI's
///   ln(RSS/n) + 2(k + 1) ln(n)/n.
/// - `Selection::Fixed` takes `max_joins`.
///
/// **Slopes' errors** are those of a line of its own for each segment: Feder's (1975) asymptotic
/// result. On the grid, as Lerman and the NCI apply it, points on joins are left out and the
/// residual variance is that of these lines; with n_J such points the degrees of freedom are
/// d = n − n_J − 2(k + 1) for k joins. Where joins lie anywhere, as in R's `slope(segmented)`, a
/// point that one meets ends the segment before it (unless the next would be left with one time),
/// and the residual variance is RSS/d with d = n − 2(k + 1). Limits of a segment are exp(b ± t_d s) − 1, in per cent.
///
/// **Whole range.** `slope` is the mean of the slopes weighted by length, (fit at the end − fit at
/// the start)/(end − start). With a join its error counts that of the joins too (Muggeo 2010,
/// "Comment on 'Estimating average annual per cent change in trend analysis'", *Statistics in
/// Medicine* 29; `aapc(segmented)`), and limits and p-value are normal; without one they are those
/// of the single line, with t.
///
/// **Limits of joins.** For the grid, the smallest and largest observed times x at which a join
/// leaves RSS(x) ≤ RSS (1 + t²_{n−2(k+1)}/(n − 2(k + 1))), the other joins being placed anew for
/// each x (Lerman 1980). Between observations, the delta method on the crossing of two lines, with
/// t_d (`confint(segmented)`).
///
/// **Edge cases.** Points that share a time are fitted together; which places are admissible is
/// counted in distinct times. Everything is missing, with a [`Reason`], for fewer than 3 times,
/// numbers that are not finite, values not above zero on the logarithmic scale, standard errors not
/// above zero, or more than [`MAX_JOINPOINT_POINTS`] points or [`MAX_COMBINATIONS`] places to try. Where the points do not allow
/// `max_joins`, fewer are tried and the reason says so. Errors and limits are missing where
/// segments leave no degree of freedom. Where a fit meets every point, no more joins are sought.
/// The order of the points does not matter, and a seed gives the same answer everywhere.
pub fn joinpoint(
    value: &[f64],
    time: &[f64],
    max_joins: usize,
    options: &JoinpointOptions<'_>,
) -> Joinpoint {
    calculate(value, time, max_joins, options)
        .unwrap_or_else(|reason| Joinpoint::unknown(reason, value.len()))
}

impl Joinpoint {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            n_joins: None,
            joins: Vec::new(),
            segments: Vec::new(),
            estimate: None,
            conf_low: None,
            conf_high: None,
            slope: None,
            std_error: None,
            statistic: None,
            p_value: None,
            rss: None,
            bic: None,
            tests: Vec::new(),
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

fn calculate(
    value: &[f64],
    time: &[f64],
    max_joins: usize,
    options: &JoinpointOptions<'_>,
) -> Result<Joinpoint, Reason> {
    require_conf_level(options.conf_level)?;
    require_options(options)?;
    let series = Series::new(value, time, options.std_error, options.scale)?;
    let allowed = series.most_joins(options.min_to_end, options.min_between);
    let most = max_joins.min(allowed);
    let combinations = grid::combinations(&series, most, options);
    if combinations > MAX_COMBINATIONS {
        return Err(Reason::because(format!(
            "{most} joins in {} times can lie in more than {MAX_COMBINATIONS} ways",
            series.distinct.len()
        )));
    }
    let Selected { fit, tests, method } = selection::select(&series, most, options)?;
    let mut result = inference::describe(&series, &fit, options)?;
    result.tests = tests;
    result.method = Some(method);
    if most < max_joins && result.reason.is_none() {
        result.reason = Some(Reason::of_part(
            "a fit with all joins",
            format!("{} times allow {allowed} joins and not {max_joins}", series.distinct.len()),
        ));
    }
    Ok(result)
}

fn require_options(options: &JoinpointOptions<'_>) -> Result<(), Reason> {
    for (name, points) in [("min_to_end", options.min_to_end), ("min_between", options.min_between)]
    {
        if points < 2 {
            return Err(Reason::because(format!("{name} is {points} (it must be 2 or more)")));
        }
    }
    if let Selection::Permutation { permutations, alpha, .. } = options.selection {
        if permutations == 0 || permutations > MAX_PERMUTATIONS {
            return Err(Reason::because(format!(
                "permutations is {permutations} (it must lie between 1 and {MAX_PERMUTATIONS})"
            )));
        }
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Reason::because(format!("alpha is {alpha} (it must lie between 0 and 1)")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
