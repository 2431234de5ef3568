//! What a structural time-series model of the time before says of the time after.

mod sampled;

use super::CounterfactualPoint;
use super::series::{Columns, Series};
use super::structural::{self, After, LONGEST_SEASON, Parameters, Shape, Start, Told};
use super::test_of::{Law, effect};
use crate::Reason;
use crate::effect::{Effect, Notes};
use crate::reason::{require_conf_level, require_finite_result};

/// How the level of the series moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImpactLevel {
    /// It drifts.
    #[default]
    LocalLevel,
    /// It drifts, and so does its slope.
    LocalLinearTrend,
    /// It stays where it is: a regression.
    Static,
}

/// How the model is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ImpactEstimator {
    /// By maximum likelihood, with plug-in limits.
    #[default]
    Likelihood,
    /// By draws from its posterior, as R's CausalImpact does.
    Posterior(ImpactPosterior),
}

/// How [`ImpactEstimator::Posterior`] draws, and from which priors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpactPosterior {
    /// Draws that are kept, 100 to 1,000,000.
    pub draws: u32,
    pub seed: u64,
    /// The prior guess of how far the level drifts in a step, in standard deviations of the outcome
    /// before the intervention: above 0 (by 0.000001 at least), 1 at most.
    pub prior_level_sd: f64,
    /// How many of the control series are thought to matter, above 0; all are in the model where there
    /// are no more than these.
    pub expected_model_size: f64,
}

impl Default for ImpactPosterior {
    /// Those of R's CausalImpact 1.4.
    fn default() -> Self {
        Self { draws: 1000, seed: 1, prior_level_sd: 0.01, expected_model_size: 3.0 }
    }
}

/// The options of [`causal_impact`].
#[derive(Clone, Debug, PartialEq)]
pub struct CausalImpactOptions<'a> {
    pub estimator: ImpactEstimator,
    pub level: ImpactLevel,
    /// Steps in a season, 2 to 12; no season where `None`.
    pub seasonal_period: Option<usize>,
    /// Control series: one number for each row.
    pub covariates: &'a [&'a [f64]],
    /// Whether the errors of the coefficients are part of the limits; without, the coefficients are
    /// taken for the true ones, as the variances are. Draws from a posterior always take them in.
    pub coefficient_errors: bool,
    /// Variances that are known: of the irregular, the level, the slope and the season.
    pub variances: Option<[f64; 4]>,
    /// A variance of the first states in place of an exact diffuse start: statsmodels takes a million.
    /// Only with [`ImpactEstimator::Likelihood`].
    pub start_variance: Option<f64>,
    pub conf_level: f64,
}

impl Default for CausalImpactOptions<'_> {
    fn default() -> Self {
        Self {
            estimator: ImpactEstimator::default(),
            level: ImpactLevel::default(),
            seasonal_period: None,
            covariates: &[],
            coefficient_errors: false,
            variances: None,
            start_variance: None,
            conf_level: 0.95,
        }
    }
}

/// The result of [`causal_impact`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CausalImpact {
    /// The mean over the treated times of the outcome less its forecast.
    pub average: Effect,
    /// The sum.
    pub cumulative: Effect,
    /// The sum over that of the forecasts.
    pub relative: Effect,
    /// The probability of a sum at least as far on the side of the effect, had there been none:
    /// half of the two-sided p-value. Of a posterior, the share of the draws and of the series itself
    /// that are so far.
    pub tail_area: Option<f64>,
    /// Every time. Before, `counterfactual` is the forecast from the times before it, and `fitted`
    /// what all of the time before says.
    pub points: Vec<CounterfactualPoint>,
    /// The level before the intervention, given all of that time.
    pub levels: Vec<f64>,
    /// Of the control series.
    pub coefficients: Vec<f64>,
    /// Their errors, given the variances; of a posterior, their standard deviations.
    pub coefficient_errors: Vec<f64>,
    /// Of a posterior: the share of the draws in which each control series is in the model.
    pub inclusion: Vec<f64>,
    /// The variance of the noise.
    pub irregular_variance: Option<f64>,
    /// Those of what moves, per step.
    pub level_variance: Option<f64>,
    pub slope_variance: Option<f64>,
    pub seasonal_variance: Option<f64>,
    /// Of the time before the intervention; missing for a posterior.
    pub log_likelihood: Option<f64>,
    pub n_obs: usize,
    pub n_before: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is no estimate.
    pub reason: Option<Reason>,
}

impl CausalImpact {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        let none = || Effect::unknown(reason.clone());
        Self {
            average: none(),
            cumulative: none(),
            relative: none(),
            reason: Some(reason),
            ..Self::default()
        }
    }
}

/// What a series `y` was from the first time on at which `treated` is 1, less what a structural model
/// of the time before, with control series, forecast for it.
///
/// **Estimates** the effect at each time after, their mean, their sum, and their sum over that of the
/// forecasts.
///
/// **Assumes** that the model of the time before would have held on, that the control series were not
/// touched by the intervention, and that nothing else changed.
///
/// **Formula.** y_t = level_t + season_t + x_t′β + ε_t (Brodersen, Gallusser, Koehler, Remy and Scott
/// 2015, *Annals of Applied Statistics* 9, equations 2.1 to 2.5, with coefficients that do not change),
/// fitted to the time before by maximum likelihood: Kalman filter with an exact diffuse start (Durbin
/// and Koopman 2012, chapter 5), β by generalised least squares, variances by a search in which each
/// may be exactly zero. Limits of a time are forecast ∓ z × its standard error; those of sums take the
/// covariance of the forecasts in. They are *plug-in* limits: the estimated variances and, unless
/// `coefficient_errors` is set, coefficients are taken for the true ones, which makes them too narrow
/// where the time before is short. The likelihood is that of statsmodels' `UnobservedComponents`.
///
/// With [`ImpactEstimator::Posterior`] the model of a level, drifting or not, is sampled under the
/// priors of R's CausalImpact 1.4 and bsts instead (Brodersen et al. 2015, sections 2.2 and 2.3; Scott
/// and Varian 2014): control series under spike and slab (George and McCulloch 1997), σ² and the
/// variance of the drift inverse gamma, the level by forward filtering and backward sampling (Carter
/// and Kohn 1994). Counterfactuals are means, limits are quantiles of the posterior predictive, and
/// `std_error` is its standard deviation; variances and coefficients are posterior means. Numbers are
/// standardised over the time before. Unlike bsts there is no intercept among the control series (the
/// level is one), and the slab takes X′X from the time before alone. `variances` that are known are
/// held (the first above zero). Before, limits are those of a normal law with the mean and the
/// variance of the forecasts of all draws.
///
/// **Units.** Effects in units of the outcome, variances in squared ones, per step: the shortest
/// interval between times. A missing step is a missing observation.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], where fewer than two points more than
/// there are states and covariates lie before the intervention, there is none after it, times are not
/// multiples of a step, two values share a time, numbers are not finite, covariates cannot be told
/// apart before, or the time before follows its model exactly. A posterior takes three points before,
/// however many covariates there are, and any that are not constant before; it refuses a slope, a
/// season, a start variance, more than 100 covariates, and more than 50 million draws times steps. The
/// relative effect is missing where the sum of the forecasts, or that of a draw, is not above zero. The
/// order of the rows does not matter.
pub fn causal_impact(
    y: &[f64],
    time: &[f64],
    treated: &[Option<f64>],
    options: &CausalImpactOptions<'_>,
) -> CausalImpact {
    calculate(y, time, treated, options).unwrap_or_else(CausalImpact::unknown)
}

/// A series cut at the intervention, by steps, in differences from where they begin.
struct Cut {
    before: structural::Series,
    /// Of each step after: the row of the series, where there is one.
    after: Vec<Option<usize>>,
    after_x: Vec<Vec<f64>>,
    /// Of each row before: its step.
    steps: Vec<usize>,
    /// What `y` and each covariate are differences from.
    origin: f64,
    origins: Vec<f64>,
}

fn cut(series: &Series, centred: bool) -> Result<Cut, Reason> {
    let steps = series.steps()?;
    let first = series.first_treated;
    // The step at which the intervention begins is the first after, whatever gap is before it.
    let begin = steps[first];
    let end = steps.last().copied().unwrap_or(begin);
    let at = |column: &[f64]| if centred { column.first().copied().unwrap_or(0.0) } else { 0.0 };
    let origin = at(&series.y);
    let origins: Vec<f64> = series.covariates.iter().map(|column| at(column)).collect();
    let spread = |column: &[f64], origin: f64| -> Vec<Option<f64>> {
        let mut spread = vec![None; begin];
        for (row, step) in steps[..first].iter().enumerate() {
            spread[*step] = Some(column[row] - origin);
        }
        spread
    };
    let mut after = vec![None; end - begin + 1];
    for (row, step) in steps.iter().enumerate().skip(first) {
        after[step - begin] = Some(row);
    }
    let after_x = series
        .covariates
        .iter()
        .zip(&origins)
        .map(|(column, origin)| {
            after.iter().map(|row| row.map_or(0.0, |row: usize| column[row] - origin)).collect()
        })
        .collect();
    let before = structural::Series {
        y: spread(&series.y, origin),
        x: series.covariates.iter().zip(&origins).map(|(x, origin)| spread(x, *origin)).collect(),
    };
    Ok(Cut { before, after, after_x, steps: steps[..first].to_vec(), origin, origins })
}

fn check(options: &CausalImpactOptions<'_>) -> Result<Shape, Reason> {
    require_conf_level(options.conf_level)?;
    if let Some(period) = options.seasonal_period.filter(|p| !(2..=LONGEST_SEASON).contains(p)) {
        return Err(Reason::because(format!(
            "seasonal_period is {period} (it must lie between 2 and {LONGEST_SEASON})"
        )));
    }
    if let Some(variances) = options.variances {
        let fine = variances.iter().all(|v| v.is_finite() && *v >= 0.0);
        if !fine || variances.iter().all(|v| *v == 0.0) {
            return Err(Reason::because(format!(
                "the variances are {variances:?} (none must be negative, and one at least above zero)"
            )));
        }
    }
    if let Some(start) = options.start_variance.filter(|v| !(v.is_finite() && *v > 0.0)) {
        return Err(Reason::because(format!(
            "start_variance is {start} (it must be a finite number above zero)"
        )));
    }
    Ok(Shape {
        level_moves: options.level != ImpactLevel::Static,
        has_slope: options.level == ImpactLevel::LocalLinearTrend,
        period: options.seasonal_period,
    })
}

fn calculate(
    y: &[f64],
    time: &[f64],
    treated: &[Option<f64>],
    options: &CausalImpactOptions<'_>,
) -> Result<CausalImpact, Reason> {
    let shape = check(options)?;
    let series = Series::new(&Columns {
        y,
        time,
        treated,
        covariates: options.covariates,
        population: None,
    })?;
    let least = match options.estimator {
        ImpactEstimator::Likelihood => shape.states() + options.covariates.len() + 2,
        ImpactEstimator::Posterior(_) => sampled::LEAST_POINTS,
    };
    series.require_points(least, 1)?;
    let before = &series.y[..series.first_treated];
    if before.iter().all(|y| *y == before[0]) {
        return Err(Reason::because(format!(
            "the outcome before the intervention is {} throughout: there is no variance that limits \
             could rest on",
            before[0]
        )));
    }
    let cut = cut(&series, options.start_variance.is_none())?;
    let largest = series.y.iter().chain(series.covariates.iter().flatten());
    require_finite_result(&[largest.map(|value| value * value).sum()])?;
    if let ImpactEstimator::Posterior(posterior) = &options.estimator {
        return sampled::calculate(&series, &cut, posterior, options);
    }
    let start = options.start_variance.map_or(Start::Exact, Start::Known);
    let parameters = match (options.variances, start) {
        (Some(variances), _) => structural::at(shape, &cut.before, start, variances)?,
        (None, Start::Exact) => structural::estimate(shape, &cut.before)?,
        (None, Start::Known(_)) => structural::estimate_from(shape, &cut.before, start)?,
    };
    let observed: Vec<bool> = cut.after.iter().map(Option::is_some).collect();
    let after = After {
        observed: &observed,
        x: &cut.after_x,
        with_coefficients: options.coefficient_errors && !options.covariates.is_empty(),
    };
    let told = structural::tell(shape, &cut.before, start, &parameters, &after)?;
    let result = report(&series, &cut, &parameters, &told, shape, options);
    let figures = [&result.average, &result.cumulative];
    let numbers: Vec<f64> =
        figures.iter().flat_map(|effect| [effect.estimate, effect.std_error]).flatten().collect();
    require_finite_result(&numbers)?;
    Ok(result)
}

fn report(
    series: &Series,
    cut: &Cut,
    parameters: &Parameters,
    told: &Told,
    shape: Shape,
    options: &CausalImpactOptions<'_>,
) -> CausalImpact {
    let line = |term: &str, estimate: f64, variance: f64| {
        effect(term, estimate, Some(variance), Law::Normal, options.conf_level)
    };
    let mut points = Vec::with_capacity(series.n_obs());
    for (row, step) in cut.steps.iter().enumerate() {
        let ahead = told.ahead[*step].map(|(mean, variance)| line("", mean, variance));
        let limit = |of: fn(&Effect) -> Option<f64>| {
            ahead.as_ref().and_then(of).map(|value| value + cut.origin)
        };
        points.push(CounterfactualPoint {
            time: series.time[row],
            observed: series.y[row],
            fitted: Some(told.signals[*step] + cut.origin),
            counterfactual: limit(|effect| effect.estimate),
            conf_low: limit(|effect| effect.conf_low),
            conf_high: limit(|effect| effect.conf_high),
            ..CounterfactualPoint::default()
        });
    }
    let (mut sum, mut base, mut variance) = (0.0, 0.0, 0.0);
    for (row, forecast) in cut.after.iter().zip(&told.forecasts) {
        let Some(row) = *row else { continue };
        let counterfactual = forecast.mean + cut.origin;
        let now = line("", series.y[row] - counterfactual, forecast.variance);
        sum += series.y[row] - counterfactual;
        base += counterfactual;
        variance = forecast.sum_variance;
        let all = line("", sum, variance);
        let path = line("", counterfactual, forecast.variance);
        points.push(CounterfactualPoint {
            time: series.time[row],
            treated: true,
            observed: series.y[row],
            fitted: None,
            counterfactual: Some(counterfactual),
            conf_low: path.conf_low,
            conf_high: path.conf_high,
            effect: now.estimate,
            effect_low: now.conf_low,
            effect_high: now.conf_high,
            cumulative: all.estimate,
            cumulative_low: all.conf_low,
            cumulative_high: all.conf_high,
        });
    }
    let n = series.n_after() as f64;
    let moved: f64 = cut.origins.iter().zip(&parameters.coefficients).map(|(x, b)| x * b).sum();
    let relative = if base > 0.0 {
        line("relative effect", sum / base, variance / (base * base))
    } else {
        Effect {
            term: "relative effect".to_owned(),
            ..Effect::unknown(Reason::because(format!(
                "the sum of the counterfactual is {base} (it must be above zero)"
            )))
        }
    };
    let note = note(series, options);
    let method = method(shape, options);
    let signed = |effect: Effect| Effect {
        n_obs: series.n_obs(),
        n_units: 1,
        method: Some(method.clone()),
        note: note.clone(),
        ..effect
    };
    let [irregular, level, slope, season] = parameters.variances;
    let cumulative = line("cumulative effect", sum, variance);
    let covariance = &parameters.covariance;
    CausalImpact {
        tail_area: cumulative.p_value.map(|p| 0.5 * p),
        average: signed(line("average effect", sum / n, variance / (n * n))),
        cumulative: signed(cumulative),
        relative: signed(relative),
        points,
        levels: cut.steps.iter().map(|step| told.levels[*step] + cut.origin - moved).collect(),
        coefficients: parameters.coefficients.clone(),
        coefficient_errors: (0..covariance.len()).map(|k| covariance[k][k].sqrt()).collect(),
        inclusion: vec![],
        irregular_variance: Some(irregular),
        level_variance: shape.level_moves.then_some(level),
        slope_variance: shape.has_slope.then_some(slope),
        seasonal_variance: shape.period.map(|_| season),
        log_likelihood: Some(parameters.log_likelihood),
        n_obs: series.n_obs(),
        n_before: series.first_treated,
        method: Some(method),
        note,
        reason: None,
    }
}

fn method(shape: Shape, options: &CausalImpactOptions<'_>) -> String {
    let level = match options.level {
        ImpactLevel::LocalLevel => "local level",
        ImpactLevel::LocalLinearTrend => "local linear trend",
        ImpactLevel::Static => "static level",
    };
    let season = shape.period.map_or(String::new(), |period| format!(", season of {period} steps"));
    let controls = controls(options);
    let by = if options.variances.is_some() { "given variances" } else { "maximum likelihood" };
    let start = if options.start_variance.is_some() { "known" } else { "exact diffuse" };
    let limits = if options.coefficient_errors && !options.covariates.is_empty() {
        "limits take the errors of the coefficients in"
    } else {
        "plug-in limits"
    };
    format!("structural time series, {level}{season}{controls}, {by}, {start} start, {limits}")
}

fn controls(options: &CausalImpactOptions<'_>) -> String {
    match options.covariates.len() {
        0 => String::new(),
        1 => ", 1 control series".to_owned(),
        many => format!(", {many} control series"),
    }
}

fn note(series: &Series, options: &CausalImpactOptions<'_>) -> Option<String> {
    let mut notes = Notes::default();
    series.caution().into_iter().for_each(|note| notes.add(note));
    if let Some((from, to)) = series.gap() {
        notes.add(format!("no point between {from} and {to}: taken as missing"));
    }
    if options.estimator == ImpactEstimator::Likelihood {
        notes.add("limits take the estimated variances for the true ones");
    }
    if options.covariates.is_empty() {
        notes.add("one series alone: whatever else changed at the time is part of the estimate");
    } else {
        notes.add("the control series are taken to be untouched by the intervention");
    }
    notes.text()
}

#[cfg(test)]
mod tests;
