//! Segmented regression of treated areas beside a comparison.

use super::CounterfactualPoint;
use super::derived::{Derived, Fitted, Row};
use super::design::segments;
use super::diagnostics::durbin_watson;
use super::newey_west::{NeweyWest, Request, newey_west, rule, unequal_variances};
use super::options::{ItsErrors, LevelAt, NeweyWestLag};
use super::poisson::unidentified;
use super::series::{Columns, Series};
use super::test_of::Law;
use crate::Reason;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption};
use crate::effect::{Effect, Notes};
use crate::least_squares;
use crate::reason::{require_conf_level, require_finite_result};

/// A mean square of residuals below this part of the mean square of the outcome is rounding.
const PERFECT: f64 = 1e-26;

const TERMS: [&str; 8] = [
    "control intercept",
    "control trend",
    "control level change",
    "control slope change",
    "difference in intercept",
    "difference in trend",
    "difference in level change",
    "difference in slope change",
];

/// The options of [`controlled_its`].
#[derive(Clone, Debug, PartialEq)]
pub struct ControlledItsOptions {
    /// [`ItsErrors::NeweyWest`], [`ItsErrors::Model`], [`ItsErrors::Hc1`] or [`ItsErrors::Hc3`].
    pub errors: ItsErrors,
    /// [`NeweyWestLag::Rule`], by the number of times, or [`NeweyWestLag::Fixed`].
    pub lag: NeweyWestLag,
    /// For [`ItsErrors::NeweyWest`]: the covariance times n/(n − k).
    pub small_sample: bool,
    pub level_at: LevelAt,
    pub conf_level: f64,
}

impl Default for ControlledItsOptions {
    fn default() -> Self {
        Self {
            errors: ItsErrors::default(),
            lag: NeweyWestLag::default(),
            small_sample: true,
            level_at: LevelAt::default(),
            conf_level: 0.95,
        }
    }
}

/// The result of [`controlled_its`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControlledIts {
    /// Intercept, trend, level change and slope change of the controls, then those by which the
    /// treated differ: the last two are the intervention's.
    pub terms: Vec<Effect>,
    /// The mean over the treated times of the differences in level and slope.
    pub average: Effect,
    /// Their sum.
    pub cumulative: Effect,
    /// Their sum over that of the counterfactual.
    pub relative: Effect,
    /// The mean of the treated at every time, and what it would have been with the change of the
    /// controls.
    pub points: Vec<CounterfactualPoint>,
    /// The mean of the controls at the times of `points`.
    pub controls: Vec<f64>,
    /// Of the terms; empty where there are no errors.
    pub covariance: Vec<Vec<f64>>,
    /// Neighbours that errors of Newey and West take in.
    pub lag: Option<usize>,
    /// Of the residuals of the treated and of the controls.
    pub durbin_watson: Option<[f64; 2]>,
    pub n_obs: usize,
    pub n_treated: usize,
    pub n_controls: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is no estimate.
    pub reason: Option<Reason>,
}

impl ControlledIts {
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

/// The change of level and slope of the mean of the treated units, less that of the mean of the
/// untreated ones, from the time on at which `treated` is 1.
///
/// **Estimates** by how much the treated moved at the intervention, and how their slope changed,
/// beyond what happened to the controls at the same time.
///
/// **Assumes** that without the intervention the line of the treated would have bent as that of the
/// controls did. Both may have their own level and slope before.
///
/// **Formula** (Lopez Bernal, Cummins and Gasparrini 2018, *International Journal of Epidemiology*
/// 47; Linden 2015, *Stata Journal* 15, equation 2): least squares of the two series of means, one
/// under the other, on
///
/// ```text
/// y = b0 + b1 t + b2 after + b3 since + g (b4 + b5 t + b6 after + b7 since) + e
/// ```
///
/// g = 1 for the treated. Weights, such as populations, make weighted means. Errors of Newey and West
/// take in neighbours within each of the two series. The two are taken to err independently; where
/// they move together, [`its`](crate::its) of their difference has the same b6 and b7 with errors that
/// know of it.
///
/// **Edge cases.** As [`its`](crate::its). Treated units must begin at one time, and all units have
/// every time. Units of which it is not known whether they were treated are left out, and told.
/// Covariates are not taken. The order of the rows does not matter.
pub fn controlled_its(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &ControlledItsOptions,
) -> ControlledIts {
    calculate(rows, treated, options).unwrap_or_else(ControlledIts::unknown)
}

/// The two series of means at the times of the panel.
struct Means {
    treated: Vec<f64>,
    controls: Vec<f64>,
    start: f64,
    n_treated: usize,
    n_controls: usize,
}

fn means(panel: &Panel, cohorts: &[Cohort]) -> Result<Means, Reason> {
    panel.require_balanced()?;
    let starts: Vec<f64> = cohorts
        .iter()
        .filter_map(|cohort| match cohort {
            Cohort::From(start) => Some(*start),
            Cohort::Never => None,
        })
        .collect();
    let start = *starts.first().ok_or_else(|| Reason::because("no unit is treated"))?;
    if let Some(other) = starts.iter().find(|other| **other != start) {
        let (first, second) = (start.min(*other), start.max(*other));
        return Err(Reason::because(format!(
            "treatment begins in {first} for some units and in {second} for others (the method takes \
             one time)"
        )));
    }
    if starts.len() == cohorts.len() {
        return Err(Reason::because("all units are treated: there are no controls"));
    }
    let n_times = panel.n_times();
    let mean = |of_treated: bool| -> Vec<f64> {
        let members: Vec<usize> = (0..panel.n_units())
            .filter(|unit| (cohorts[*unit] != Cohort::Never) == of_treated)
            .collect();
        (0..n_times)
            .map(|time| {
                let weight =
                    |row: usize| panel.weights.as_ref().map_or(1.0, |weights| weights[row]);
                let at = |unit: &usize| unit * n_times + time;
                let total: f64 = members.iter().map(|unit| weight(at(unit))).sum();
                let sum: f64 =
                    members.iter().map(|unit| weight(at(unit)) * panel.y[at(unit)]).sum();
                sum / total
            })
            .collect()
    };
    let (treated, controls) = (mean(true), mean(false));
    require_finite_result(&[&treated[..], &controls].concat())?;
    Ok(Means {
        treated,
        controls,
        start,
        n_treated: starts.len(),
        n_controls: cohorts.len() - starts.len(),
    })
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &ControlledItsOptions,
) -> Result<ControlledIts, Reason> {
    require_conf_level(options.conf_level)?;
    if options.errors.has_rho() {
        return Err(Reason::because(
            "errors that lean on the last one are for one series (take its of the difference)",
        ));
    }
    if options.lag == NeweyWestLag::Automatic {
        return Err(Reason::because("lag of two series is a rule or a number"));
    }
    if !rows.covariates.is_empty() {
        return Err(Reason::because("covariates are not taken beside a comparison"));
    }
    let mut notes = Notes::default();
    let (panel, cohorts) = adoption(&Panel::new(rows)?, treated, &mut notes)?;
    let means = means(&panel, &cohorts)?;
    let after: Vec<Option<f64>> =
        panel.times.iter().map(|t| Some(if *t >= means.start { 1.0 } else { 0.0 })).collect();
    let series = Series::new(&Columns {
        y: &means.treated,
        time: &panel.times,
        treated: &after,
        covariates: &[],
        population: None,
    })?;
    series.require_points(2, 2)?;
    if let Some((from, to)) = series.gap() {
        if options.errors.needs_even_steps() {
            return Err(Reason::because(format!(
                "errors that take autocorrelation in need times at one distance, and between {from} \
                 and {to} there are none (take errors 'hc1' or 'ols')"
            )));
        }
        notes.add(format!("no time between {from} and {to}: trends are by true spacing"));
    }
    series.require_change()?;
    series.caution().into_iter().for_each(|note| notes.add(note));

    let half = segments(&series.time, means.start, series.step, true, options.level_at);
    let n = series.n_obs();
    let columns: Vec<Vec<f64>> = half
        .iter()
        .map(|column| [&column[..], column].concat())
        .chain(half.iter().map(|column| [&vec![0.0; n][..], column].concat()))
        .collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let y = [&means.controls[..], &means.treated].concat();
    if y.len() <= columns.len() {
        return Err(Reason::because(format!(
            "there are {n} times and four terms for each series (it takes more times than terms)"
        )));
    }
    let fit = least_squares::fit(&columns, &y, None).ok_or_else(unidentified)?;
    let square: f64 = y.iter().map(|y| y * y).sum();
    require_finite_result(&[square, fit.rss])?;
    let row = |row: usize| -> Vec<f64> { columns.iter().map(|column| column[row]).collect() };

    let mut result = ControlledIts {
        n_obs: panel.n_obs(),
        n_treated: means.n_treated,
        n_controls: means.n_controls,
        ..ControlledIts::default()
    };
    let mut method = "segmented regression of treated and controls, least squares".to_owned();
    let covariance = if fit.rss <= PERFECT * square {
        notes.add("no errors: the points lie exactly on the lines");
        None
    } else {
        let of = |part: &[f64]| durbin_watson(part);
        result.durbin_watson = Some([of(&fit.residuals[n..]), of(&fit.residuals[..n])]);
        let (covariance, lag, words) = errors(&fit, &row, n, options)?;
        result.lag = lag;
        method = format!("{method}, {words}");
        Some(covariance)
    };
    notes.add(match means.n_treated {
        1 => "errors are those of two series: they do not say how far one area strays from the \
              others without an intervention"
            .to_owned(),
        many => format!(
            "errors are those of two series, the means of {many} treated and \
                         {} other units",
            means.n_controls
        ),
    });

    let fitted = Fitted {
        coefficients: &fit.coefficients,
        covariance: covariance.as_deref(),
        counts: false,
        law: Law::T(fit.df),
        conf_level: options.conf_level,
    };
    let note = notes.text();
    let signed = |effect: Effect| Effect {
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        method: Some(method.clone()),
        note: note.clone(),
        ..effect
    };
    let unit = |j: usize| -> Vec<f64> {
        (0..TERMS.len()).map(|i| if i == j { 1.0 } else { 0.0 }).collect()
    };
    result.terms = TERMS
        .iter()
        .enumerate()
        .map(|(j, term)| signed(fitted.line(term, fit.coefficients[j], &unit(j))))
        .collect();
    let paths: Vec<Row> = (0..n)
        .map(|t| {
            let with = row(n + t);
            let mut without = with.clone();
            without[6..].fill(0.0);
            Row {
                time: series.time[t],
                treated: t >= series.first_treated,
                observed: means.treated[t],
                with,
                without,
                size: 1.0,
            }
        })
        .collect();
    let Derived { points, average, cumulative, relative } = fitted.derive(&paths);
    result.points = points;
    (result.average, result.cumulative) = (signed(average), signed(cumulative));
    result.relative = signed(relative);
    result.controls = means.controls;
    result.covariance = covariance.unwrap_or_default();
    (result.method, result.note) = (Some(method), note);
    Ok(result)
}

/// Row by row.
type Matrix = Vec<Vec<f64>>;

/// The covariance of the coefficients, the lag, and words for both.
fn errors(
    fit: &least_squares::Fit,
    row: &dyn Fn(usize) -> Vec<f64>,
    n: usize,
    options: &ControlledItsOptions,
) -> Result<(Matrix, Option<usize>, String), Reason> {
    let k = fit.coefficients.len();
    let rows: Vec<Vec<f64>> = (0..2 * n).map(row).collect();
    let scores = |weight: &dyn Fn(&[f64]) -> f64| -> Vec<Vec<f64>> {
        rows.iter()
            .zip(&fit.residuals)
            .map(|(x, e)| x.iter().map(|v| v * e * weight(x)).collect())
            .collect()
    };
    let factor = 2.0 * n as f64 / fit.df;
    match options.errors {
        ItsErrors::Model => {
            let variance = fit.variance();
            let covariance =
                fit.unscaled.iter().map(|row| row.iter().map(|v| variance * v).collect());
            Ok((covariance.collect(), None, "errors of least squares".to_owned()))
        }
        ItsErrors::Hc1 => {
            let covariance = unequal_variances(&scores(&|_| 1.0), &fit.unscaled, factor);
            Ok((covariance, None, "errors robust to unequal variances (HC1)".to_owned()))
        }
        ItsErrors::Hc3 => {
            let leverage = |x: &[f64]| super::test_of::form(x, &fit.unscaled, x);
            if rows.iter().any(|x| leverage(x) > 1.0 - 1e-10) {
                return Err(Reason::because(
                    "one point alone decides a term, so that hc3 has no errors",
                ));
            }
            let scores = scores(&|x| 1.0 / (1.0 - leverage(x)));
            let covariance = unequal_variances(&scores, &fit.unscaled, 1.0);
            Ok((covariance, None, "errors robust to unequal variances (HC3)".to_owned()))
        }
        _ => {
            let lag = match options.lag {
                NeweyWestLag::Fixed(lag) => lag,
                _ => rule(n),
            };
            let request = Request {
                lag: NeweyWestLag::Fixed(lag),
                prewhiten: false,
                small_sample: options.small_sample,
            };
            let NeweyWest { covariance, .. } =
                newey_west(&scores(&|_| 1.0), &[0..n, n..2 * n], &fit.unscaled, &request)?;
            debug_assert_eq!(covariance.len(), k);
            let by = if options.lag == NeweyWestLag::Rule { " by 4(n/100)^(2/9)" } else { "" };
            let small = if options.small_sample { ", times n/(n-k)" } else { "" };
            Ok((covariance, Some(lag), format!("Newey-West errors, lag {lag}{by}{small}")))
        }
    }
}

#[cfg(test)]
mod tests;
