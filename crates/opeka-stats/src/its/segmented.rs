//! Segmented regression of one interrupted time series.

use super::CounterfactualPoint;
use super::autoregressive;
use super::derived::{Derived, Fitted, Row};
use super::design::{Design, since};
use super::diagnostics::{breusch_godfrey, durbin_watson, ljung_box};
use super::newey_west::{NeweyWest, Request, newey_west, unequal_variances};
use super::options::{ItsErrors, ItsFamily, ItsOptions, NeweyWestLag, RhoType, TestDistribution};
use super::poisson::{self, unidentified};
use super::series::{Columns, Series};
use super::test_of::Law;
use crate::Reason;
use crate::effect::{Effect, EffectAt, Notes};
use crate::least_squares;
use crate::reason::{require_each, require_finite_result, require_not_negative};

/// A mean square of residuals below this part of the mean square of the outcome is rounding.
const PERFECT: f64 = 1e-26;

/// Autocorrelations are tested up to this lag.
const LAST_LAG: usize = 12;

/// The result of [`its`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Its {
    /// Intercept, trend, level change, slope change, then season and covariates. Of counts, they
    /// are logarithms.
    pub terms: Vec<Effect>,
    /// For counts: exp of each term but the intercept, with limits.
    pub ratios: Vec<Effect>,
    /// The mean over the treated times of what the model says with and without the intervention.
    pub average: Effect,
    /// Their sum.
    pub cumulative: Effect,
    /// Their sum over that of the counterfactual.
    pub relative: Effect,
    /// The effects at the times that were asked for.
    pub horizons: Vec<EffectAt>,
    /// Every time, with what would have been.
    pub points: Vec<CounterfactualPoint>,
    /// Of the terms; empty where there are no errors.
    pub covariance: Vec<Vec<f64>>,
    /// Neighbours that errors of Newey and West take in.
    pub lag: Option<usize>,
    /// The bandwidth that was found automatically.
    pub bandwidth: Option<f64>,
    /// The autocorrelation of the errors, where the model has one.
    pub rho: Option<f64>,
    /// Of `rho`, by maximum likelihood.
    pub rho_error: Option<f64>,
    /// Errors of the terms from the observed information, by maximum likelihood.
    pub information_errors: Vec<f64>,
    /// How often `rho` was calculated.
    pub iterations: Option<usize>,
    /// Of the residuals of least squares; of counts, of Pearson's residuals.
    pub durbin_watson: Option<f64>,
    /// Of what a model with an autocorrelation leaves.
    pub durbin_watson_after: Option<f64>,
    /// Breusch and Godfrey's statistic at lag 1, and its probability.
    pub breusch_godfrey: Option<(f64, f64)>,
    /// Lag, Ljung and Box's statistic, and its probability.
    pub ljung_box: Vec<(usize, f64, f64)>,
    /// The share of the variance that least squares explain.
    pub r_squared: Option<f64>,
    /// The standard deviation of the residuals.
    pub sigma: Option<f64>,
    pub log_likelihood: Option<f64>,
    /// Of counts.
    pub deviance: Option<f64>,
    /// Of counts: Pearson's X²/(n − k).
    pub dispersion: Option<f64>,
    pub n_obs: usize,
    /// The points before the intervention.
    pub n_before: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is no estimate.
    pub reason: Option<Reason>,
}

impl Its {
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

/// The change of level and slope of a series `y` from the first time on at which `treated` is 1.
///
/// **Estimates** how far the level of the series moved at the intervention, by how much its slope
/// changed, and what that came to in the time since.
///
/// **Assumes** that without the intervention the series would have gone on along its line (with its
/// season and its covariates), and that nothing else changed at the time: one area alone has no
/// comparison that would show it.
///
/// **Formula** (Wagner, Soumerai, Zhang and Ross-Degnan 2002, *Journal of Clinical Pharmacy and
/// Therapeutics* 27, equation 1; Lopez Bernal, Cummins and Gasparrini 2017, *International Journal of
/// Epidemiology* 46):
///
/// ```text
/// y_t = b0 + b1 t + b2 after_t + b3 (time since)_t + season + covariates + e_t
/// ```
///
/// with t from one step before the first time. Counts: ln E(y_t) = ln population + the same. See
/// [`ItsErrors`] for the errors, [`LevelAt`](crate::LevelAt) for where b2 is read off. Average,
/// cumulative and relative effect are those of the model, Σ(ŷ with − ŷ without), their errors by the
/// delta method. Limits of the counterfactual are those of its mean.
///
/// **Units.** Trend and slope change per unit of `time`; season and horizons in units of time.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than two points before or
/// after (one after without a slope change), not more points than terms, terms that cannot be told
/// apart, an outcome that is the same throughout, no counts before or after, two values of one time,
/// numbers that are not finite, and, where errors take autocorrelation in, times that are not at
/// one distance. Times of which it is not known whether they were treated are left out, and told.
/// Where the points lie exactly on the lines there are no errors. The order of the rows does not
/// matter.
pub fn its(y: &[f64], time: &[f64], treated: &[Option<f64>], options: &ItsOptions<'_>) -> Its {
    calculate(y, time, treated, options).unwrap_or_else(Its::unknown)
}

/// Coefficients with errors, whatever the family.
struct Estimates {
    coefficients: Vec<f64>,
    covariance: Option<Vec<Vec<f64>>>,
    law: Law,
    method: String,
}

fn calculate(
    y: &[f64],
    time: &[f64],
    treated: &[Option<f64>],
    options: &ItsOptions<'_>,
) -> Result<Its, Reason> {
    options.check()?;
    let series = Series::new(&Columns {
        y,
        time,
        treated,
        covariates: options.covariates,
        population: options.population,
    })?;
    let each = if options.slope_change { 2 } else { 1 };
    series.require_points(2, each)?;
    let design = Design::new(&series, options);
    let (n, k) = (series.n_obs(), design.columns.len());
    if n <= k {
        return Err(Reason::because(format!(
            "there are {n} points and {k} terms (it takes more points than terms)"
        )));
    }
    if let Some((from, to)) = series.gap().filter(|_| options.errors.needs_even_steps()) {
        return Err(Reason::because(format!(
            "errors that take autocorrelation in need times at one distance, and between {from} and \
             {to} there are none (take errors 'hc1' or 'ols')"
        )));
    }

    let mut result = Its { n_obs: n, n_before: series.first_treated, ..Its::default() };
    let estimates = match options.family {
        ItsFamily::Gaussian => measure(&series, &design, options, &mut result)?,
        _ => counts(&series, &design, options, &mut result)?,
    };
    let numbers =
        estimates.coefficients.iter().chain(estimates.covariance.iter().flatten().flatten());
    require_finite_result(&numbers.copied().collect::<Vec<_>>())?;

    let mut notes = Notes::default();
    series.caution().into_iter().for_each(|note| notes.add(note));
    if let Some((from, to)) = series.gap() {
        notes.add(format!("no point between {from} and {to}: trends are by true spacing"));
    }
    if estimates.covariance.is_none() {
        notes.add("no errors: the points lie exactly on the lines");
    }
    notes.add("one series alone: whatever else changed at the time is part of the estimate");

    let fitted = Fitted {
        coefficients: &estimates.coefficients,
        covariance: estimates.covariance.as_deref(),
        counts: options.family != ItsFamily::Gaussian,
        law: estimates.law,
        conf_level: options.conf_level,
    };
    let (method, note) = (estimates.method, notes.text());
    let signed = |effect: Effect| Effect {
        n_obs: n,
        n_units: 1,
        method: Some(method.clone()),
        note: note.clone(),
        ..effect
    };
    result.terms = design
        .terms
        .iter()
        .enumerate()
        .map(|(j, term)| signed(fitted.line(term, estimates.coefficients[j], &unit(k, j))))
        .collect();
    if fitted.counts {
        let named = |effect: &Effect| ratio(format!("rate ratio of {}", effect.term), effect);
        result.ratios = result.terms.iter().skip(1).map(named).collect();
    }
    let rows: Vec<Row> = (0..n)
        .map(|row| Row {
            time: series.time[row],
            treated: row >= series.first_treated,
            observed: series.y[row],
            with: design.row(row),
            without: design.row_without(row),
            size: series.population.as_ref().map_or(1.0, |population| population[row]),
        })
        .collect();
    let Derived { points, average, cumulative, relative } = fitted.derive(&rows);
    result.points = points;
    (result.average, result.cumulative) = (signed(average), signed(cumulative));
    result.relative = signed(relative);
    result.horizons = options
        .horizons
        .iter()
        .map(|h| {
            let at = horizon(&series, &design, options, &fitted, *h);
            EffectAt { effect: signed(at.effect), ..at }
        })
        .collect();
    result.covariance = estimates.covariance.unwrap_or_default();
    (result.method, result.note) = (Some(method), note);
    Ok(result)
}

fn unit(k: usize, j: usize) -> Vec<f64> {
    (0..k).map(|i| if i == j { 1.0 } else { 0.0 }).collect()
}

/// exp of a logarithm with its limits; the test is that of the logarithm, the error by the delta
/// method.
fn ratio(term: String, effect: &Effect) -> Effect {
    let ratio = effect.estimate.map(libm::exp);
    Effect {
        term,
        estimate: ratio,
        std_error: ratio.zip(effect.std_error).map(|(ratio, error)| ratio * error),
        conf_low: effect.conf_low.map(libm::exp),
        conf_high: effect.conf_high.map(libm::exp),
        ..effect.clone()
    }
}

/// The effect so long after the intervention: level change + slope change × time since.
fn horizon(
    series: &Series,
    design: &Design,
    options: &ItsOptions<'_>,
    fitted: &Fitted<'_>,
    after: f64,
) -> EffectAt {
    let known = series.time.last().map_or(0.0, |last| last - series.start());
    let term = format!("effect at {after}");
    let time = series.start() + after;
    // Sums of fractions of a year.
    if !(after >= 0.0 && after <= known + 1e-6 * series.step) {
        let reason = Reason::because(format!(
            "{after} is outside the time that was observed after the intervention (0 to {known})"
        ));
        return EffectAt {
            time: time.is_finite().then_some(time),
            event_time: after.is_finite().then_some(after),
            effect: Effect { term, ..Effect::unknown(reason) },
            ..EffectAt::default()
        };
    }
    let mut gradient = unit(fitted.coefficients.len(), design.level);
    if let Some(slope) = design.slope {
        gradient[slope] = since(series.start(), series.step, options.level_at, time);
    }
    let estimate = gradient.iter().zip(fitted.coefficients).map(|(g, b)| g * b).sum();
    let line = fitted.line(&term, estimate, &gradient);
    let effect = if fitted.counts { ratio(format!("rate ratio at {after}"), &line) } else { line };
    EffectAt { time: Some(time), event_time: Some(after), effect, ..EffectAt::default() }
}

fn law(options: &ItsOptions<'_>, df: f64) -> Law {
    match (options.distribution, options.family) {
        (TestDistribution::Normal, _) | (TestDistribution::ByFamily, ItsFamily::Poisson) => {
            Law::Normal
        }
        _ => Law::T(df),
    }
}

/// The covariance of errors that are robust, and its words; `leverage` of each row for HC3.
fn robust(
    scores: &[Vec<f64>],
    bread: &[Vec<f64>],
    leverage: &[f64],
    options: &ItsOptions<'_>,
    result: &mut Its,
) -> Result<(Vec<Vec<f64>>, String), Reason> {
    let (n, k) = (scores.len(), bread.len());
    match options.errors {
        ItsErrors::Hc1 => {
            let factor = n as f64 / (n as f64 - k as f64);
            let covariance = unequal_variances(scores, bread, factor);
            Ok((covariance, "errors robust to unequal variances (HC1)".to_owned()))
        }
        ItsErrors::Hc3 => {
            let kept: Option<Vec<Vec<f64>>> = scores
                .iter()
                .zip(leverage)
                .map(|(score, h)| {
                    // A row that alone decides a coefficient has no residual of its own.
                    (*h < 1.0 - 1e-10).then(|| score.iter().map(|s| s / (1.0 - h)).collect())
                })
                .collect();
            let kept = kept.ok_or_else(|| {
                Reason::because("one point alone decides a term, so that hc3 has no errors")
            })?;
            let covariance = unequal_variances(&kept, bread, 1.0);
            Ok((covariance, "errors robust to unequal variances (HC3)".to_owned()))
        }
        _ => {
            let request = Request {
                lag: options.lag,
                prewhiten: options.prewhiten,
                small_sample: options.small_sample,
            };
            let NeweyWest { covariance, lag, bandwidth } =
                newey_west(scores, std::slice::from_ref(&(0..n)), bread, &request)?;
            (result.lag, result.bandwidth) = (Some(lag), bandwidth);
            Ok((covariance, newey_west_words(lag, options)))
        }
    }
}

/// `Newey-West errors, lag 3 by 4(n/100)^(2/9), times n/(n-k)`
fn newey_west_words(lag: usize, options: &ItsOptions<'_>) -> String {
    let by = match options.lag {
        NeweyWestLag::Rule => " by 4(n/100)^(2/9)",
        NeweyWestLag::Automatic => " by Newey and West (1994)",
        NeweyWestLag::Fixed(_) => "",
    };
    let white = if options.prewhiten { ", prewhitened" } else { "" };
    let small = if options.small_sample { ", times n/(n-k)" } else { "" };
    format!("Newey-West errors, lag {lag}{by}{white}{small}")
}

fn measure(
    series: &Series,
    design: &Design,
    options: &ItsOptions<'_>,
    result: &mut Its,
) -> Result<Estimates, Reason> {
    series.require_change()?;
    let columns = design.slices();
    let fit = least_squares::fit(&columns, &series.y, None).ok_or_else(unidentified)?;
    let n = series.n_obs() as f64;
    let mean = series.y.iter().sum::<f64>() / n;
    let total: f64 = series.y.iter().map(|y| (y - mean) * (y - mean)).sum();
    let square: f64 = series.y.iter().map(|y| y * y).sum();
    require_finite_result(&[square, fit.rss])?;
    let law = law(options, fit.df);
    if fit.rss <= PERFECT * square {
        result.r_squared = Some(1.0);
        return Ok(Estimates {
            coefficients: fit.coefficients,
            covariance: None,
            law,
            method: "segmented regression, least squares".to_owned(),
        });
    }
    result.r_squared = Some(1.0 - fit.rss / total);
    result.sigma = Some(fit.variance().sqrt());
    result.durbin_watson = Some(durbin_watson(&fit.residuals));
    result.breusch_godfrey = breusch_godfrey(&columns, &fit.residuals);
    result.ljung_box = ljung_box(&fit.residuals, LAST_LAG);

    if options.errors.has_rho() {
        let found = autoregressive::fit(
            &columns,
            &series.y,
            options.errors,
            options.rho_type,
            options.rho,
        )?;
        result.rho = Some(found.rho);
        result.rho_error = found.rho_error;
        result.information_errors = found.information_errors;
        result.iterations = found.iterations;
        result.durbin_watson_after = Some(found.durbin_watson);
        result.log_likelihood = found.log_likelihood;
        result.sigma = Some(found.variance.sqrt());
        let words = match (options.errors, options.rho) {
            (ItsErrors::Ar1, None) => "AR(1) errors by maximum likelihood",
            (ItsErrors::Ar1Reml, None) => "AR(1) errors by restricted maximum likelihood",
            (ItsErrors::CochraneOrcutt, None) => "iterated Cochrane-Orcutt",
            (ItsErrors::CochraneOrcutt, Some(_)) => "Cochrane-Orcutt at a given rho",
            (_, None) => "iterated Prais-Winsten",
            (_, Some(_)) => "AR(1) errors at a given rho",
        };
        let rho_type = match (options.errors, options.rho, options.rho_type) {
            (ItsErrors::Ar1 | ItsErrors::Ar1Reml, ..) | (_, Some(_), _) => "",
            (.., RhoType::Regress) => ", rho by regression",
            (.., RhoType::Autocorrelation) => ", rho by autocorrelation",
            (.., RhoType::YuleWalker) => ", rho by Yule-Walker",
        };
        return Ok(Estimates {
            coefficients: found.coefficients,
            covariance: Some(found.covariance),
            law: self::law(options, found.df),
            method: format!("segmented regression, {words}{rho_type}, rho {}", rounded(found.rho)),
        });
    }
    let (covariance, words) = if options.errors == ItsErrors::Model {
        let variance = fit.variance();
        let covariance = scaled(&fit.unscaled, variance);
        (covariance, "errors of least squares".to_owned())
    } else {
        let rows: Vec<Vec<f64>> = (0..series.n_obs()).map(|row| design.row(row)).collect();
        let scores: Vec<Vec<f64>> = rows
            .iter()
            .zip(&fit.residuals)
            .map(|(x, e)| x.iter().map(|x| x * e).collect())
            .collect();
        let leverage: Vec<f64> =
            rows.iter().map(|x| super::test_of::form(x, &fit.unscaled, x)).collect();
        robust(&scores, &fit.unscaled, &leverage, options, result)?
    };
    Ok(Estimates {
        coefficients: fit.coefficients,
        covariance: Some(covariance),
        law,
        method: format!("segmented regression, least squares, {words}"),
    })
}

fn counts(
    series: &Series,
    design: &Design,
    options: &ItsOptions<'_>,
    result: &mut Its,
) -> Result<Estimates, Reason> {
    require_each(require_not_negative, "the outcome", &series.y)?;
    for (part, which) in [
        (&series.y[..series.first_treated], "before the intervention"),
        (&series.y[series.first_treated..], "from the intervention on"),
    ] {
        if part.iter().all(|count| *count == 0.0) {
            return Err(Reason::because(format!(
                "there are no events {which}, so that the rate ratio has no bound"
            )));
        }
    }
    let columns = design.slices();
    let fit = poisson::fit(&columns, &series.y, series.population.as_deref())?;
    let (n, k) = (series.n_obs(), columns.len());
    let df = (n - k) as f64;
    result.deviance = Some(fit.deviance);
    result.dispersion = Some(fit.dispersion);
    let pearson: Vec<f64> =
        series.y.iter().zip(&fit.expected).map(|(y, mu)| (y - mu) / mu.sqrt()).collect();
    let family = match options.family {
        ItsFamily::QuasiPoisson => "quasi-Poisson",
        _ => "Poisson",
    };
    let method = format!("segmented {family} regression");
    let total: f64 = series.y.iter().sum();
    let perfect = fit.dispersion * df <= PERFECT * total;
    let independent =
        options.errors == ItsErrors::Model && options.family != ItsFamily::QuasiPoisson;
    if perfect && !independent {
        return Ok(Estimates {
            coefficients: fit.coefficients,
            covariance: None,
            law: law(options, df),
            method,
        });
    }
    if !perfect {
        result.durbin_watson = Some(durbin_watson(&pearson));
        result.ljung_box = ljung_box(&pearson, LAST_LAG);
    }
    let (covariance, words) = match options.errors {
        ItsErrors::Model if independent => {
            (fit.unscaled, "errors of independent events".to_owned())
        }
        ItsErrors::Model => (
            scaled(&fit.unscaled, fit.dispersion),
            format!("errors times the root of the dispersion, {}", rounded(fit.dispersion)),
        ),
        _ => {
            let rows: Vec<Vec<f64>> = (0..n).map(|row| design.row(row)).collect();
            let scores: Vec<Vec<f64>> = rows
                .iter()
                .zip(series.y.iter().zip(&fit.expected))
                .map(|(x, (y, mu))| x.iter().map(|x| x * (y - mu)).collect())
                .collect();
            let leverage: Vec<f64> = rows
                .iter()
                .zip(&fit.expected)
                .map(|(x, mu)| mu * super::test_of::form(x, &fit.unscaled, x))
                .collect();
            robust(&scores, &fit.unscaled, &leverage, options, result)?
        }
    };
    Ok(Estimates {
        coefficients: fit.coefficients,
        covariance: Some(covariance),
        law: law(options, df),
        method: format!("{method}, {words}"),
    })
}

fn scaled(matrix: &[Vec<f64>], factor: f64) -> Vec<Vec<f64>> {
    matrix.iter().map(|row| row.iter().map(|value| factor * value).collect()).collect()
}

/// Two digits behind the point, for words.
fn rounded(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests;
