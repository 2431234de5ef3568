//! The augmented synthetic control: a synthetic control whose remaining misfit is taken out by a
//! ridge regression.

use super::areas::Areas;
use super::ridge::{LambdaError, Method, RidgeFit, Wide, fit};
use super::{conformal, jackknife};
use crate::Reason;
use crate::effect::panel::PanelRows;
use crate::effect::{Effect, Notes, treated_units};
use crate::reason::{require_conf_level, require_finite_result, require_positive};

/// How sure one is of the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AugmentedInference {
    /// Tests that move residuals around in time, and effects that they do not reject.
    #[default]
    Conformal,
    /// Limits from fits without each of the periods before treatment.
    JackknifePlus,
    /// Errors from fits without each of the areas that have weight.
    Jackknife,
    None,
}

/// What [`augmented_synthetic_control`] can be told.
#[derive(Clone, Debug)]
pub struct AugmentedOptions {
    pub conf_level: f64,
    /// The penalty of the ridge regression, above zero; by cross-validation where `None`.
    pub lambda: Option<f64>,
    /// Without it, a synthetic control as it is.
    pub ridge: bool,
    /// Without it, a ridge regression from equal weights.
    pub simplex: bool,
    /// Whether each area's mean before treatment is taken out first.
    pub fixed_effects: bool,
    pub inference: AugmentedInference,
    /// Donors with gaps are left out and told; otherwise a gap is a reason.
    pub leave_out_gaps: bool,
}

impl Default for AugmentedOptions {
    fn default() -> Self {
        Self {
            conf_level: 0.95,
            lambda: None,
            ridge: true,
            simplex: true,
            fixed_effects: false,
            inference: AugmentedInference::Conformal,
            leave_out_gaps: false,
        }
    }
}

/// The result of [`augmented_synthetic_control`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AugmentedSyntheticControl {
    /// The mean gap after treatment.
    pub effect: Effect,
    /// The penalty.
    pub lambda: Option<f64>,
    /// Root of the mean squared gap before treatment.
    pub pre_rmspe: Option<f64>,
    /// ‖X₁ − X₀w‖ over the outcomes before treatment.
    pub l2_imbalance: Option<f64>,
    /// The same beside that of equal weights.
    pub scaled_l2_imbalance: Option<f64>,
    /// Of the covariates, brought to the spread of the outcomes.
    pub covariate_l2_imbalance: Option<f64>,
    /// How far the estimate moves when areas are left out: the jackknife's formula, which is an
    /// error of the effect only where several areas are treated.
    pub jackknife_error: Option<f64>,
    pub weights: Vec<AugmentedWeight>,
    /// Period by period, in order.
    pub path: Vec<AugmentedPoint>,
    /// The candidates for the penalty, the largest first.
    pub candidates: Vec<LambdaError>,
}

/// How much a donor counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AugmentedWeight {
    pub unit: String,
    /// May be below zero.
    pub weight: f64,
    /// Before the correction by the regression.
    pub simplex_weight: f64,
}

/// What was, and what would have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AugmentedPoint {
    pub time: f64,
    /// Periods since treatment began.
    pub event_time: f64,
    pub observed: f64,
    pub synthetic: f64,
    pub gap: f64,
    /// Of no effect in this period.
    pub p_value: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The smallest and the largest effect of those tried that the conformal test does not reject.
    /// Where it is the first or the last one tried, there is no limit.
    pub accepted: Option<(f64, f64)>,
    /// See [`AugmentedSyntheticControl::jackknife_error`].
    pub jackknife_error: Option<f64>,
}

impl AugmentedSyntheticControl {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of a treatment on areas against a weighted average of untreated ones that is augmented
/// by a ridge regression, so that less misfit before treatment is left.
///
/// **Estimates** the average effect on the treated areas (`ATT`) over the periods from treatment on, if
/// without treatment their outcomes would have stayed where weights of the donors that match the
/// periods before put them. Weights may be negative: the figure leaves the range of the donors as far
/// as the penalty lets it.
///
/// **Formula** (Ben-Michael, Feller and Rothstein 2021, *JASA* 116, equations 8 to 12). Weights on the
/// simplex as in [`crate::synthetic_control`], plus (X₁ − X₀'w)'(X₀'X₀ + λ)⁻¹X₀' with X₀ less the donors'
/// mean of each period. λ: the largest of 21 candidates, from the squared first singular value of X₀
/// down to 1e-8 of it, whose cross-validated error is within one standard error of the smallest;
/// each period before treatment but the last is held out, as augsynth does. `fixed_effects` take
/// each area's mean before treatment out of everything. Covariates (means of the values before
/// treatment that are there) are brought to the spread of the outcomes and matched with them. Several
/// treated areas are averaged.
///
/// **Inference.** `Conformal`: the p-value of the effect is that of no effect in any period, from all
/// shifts of the residuals of the fit to all periods; the limits of a period are the effects, of 50
/// within two root mean squared effects and zero, that the test of that period does not reject
/// (Chernozhukov, Wüthrich and Zhu 2021, *JASA* 116). `JackknifePlus`: limits from leaving out each
/// period before treatment. `Jackknife`: errors from leaving out each area that has weight; with
/// one treated area they are not given as errors. λ is kept throughout.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], as in [`crate::synthetic_control`], and
/// where areas are treated from different times on, or λ cannot be chosen. Where the smallest or the
/// largest effect tried is not rejected, that limit is missing and told: with fewer than
/// 1/(1 − conf_level) periods it always is.
pub fn augmented_synthetic_control(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &AugmentedOptions,
) -> AugmentedSyntheticControl {
    calculate(rows, treated, options).unwrap_or_else(AugmentedSyntheticControl::unknown)
}

struct Study<'a> {
    areas: &'a Areas,
    /// `covariates[covariate][unit]`.
    covariates: Vec<Vec<f64>>,
    start: usize,
}

impl Study<'_> {
    fn wide(&self, treated: &[usize], donors: &[usize]) -> Wide {
        let of = |unit: usize| self.covariates.iter().map(|means| means[unit]).collect();
        let n = treated.len() as f64;
        Wide {
            target: self.areas.mean_series(treated),
            donors: donors.iter().map(|donor| self.areas.series(*donor).to_vec()).collect(),
            target_covariates: self
                .covariates
                .iter()
                .map(|means| treated.iter().map(|unit| means[*unit]).sum::<f64>() / n)
                .collect(),
            donor_covariates: donors.iter().map(|donor| of(*donor)).collect(),
            before: self.start,
        }
    }
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &AugmentedOptions,
) -> Result<AugmentedSyntheticControl, Reason> {
    require_conf_level(options.conf_level)?;
    if let Some(lambda) = options.lambda {
        require_positive("lambda", lambda)?;
    }
    if !options.ridge && !options.simplex {
        return Err(Reason::because("with neither simplex nor ridge there is nothing to fit"));
    }
    let mut notes = Notes::default();
    let areas = Areas::new(rows, treated, options.leave_out_gaps, &mut notes)?;
    let Some(start) = areas.common_start() else {
        return Err(Reason::because(
            "areas are treated from different times on (synthetic_control takes them one by one)",
        ));
    };
    if areas.donors.len() < 2 {
        return Err(Reason::because("there is 1 donor (the regression needs two or more)"));
    }
    let covariates = areas.covariate_means(rows.covariates, start)?;
    let study = Study { areas: &areas, covariates, start };
    let units: Vec<usize> = areas.treated.iter().map(|(unit, _)| *unit).collect();
    let wide = study.wide(&units, &areas.donors);
    let method = Method {
        simplex: options.simplex,
        ridge: options.ridge,
        fixed_effects: options.fixed_effects,
        lambda: options.lambda,
    };
    let fitted = fit(&wide, method, None)?;
    if !fitted.unique {
        notes.add("several weights match equally well, of which the most even were taken");
    }
    let gaps: Vec<f64> = wide.target.iter().zip(&fitted.synthetic).map(|(y, s)| y - s).collect();
    require_finite_result(&gaps)?;
    let mut result = of_fit(&areas, &wide, &fitted, &gaps);
    let fixed = Method { lambda: fitted.lambda, ..method };
    infer(&study, &wide, fixed, &fitted, options, &mut result, &mut notes)?;
    let after = &gaps[start..];
    result.effect = Effect {
        term: "ATT".to_owned(),
        estimate: Some(after.iter().sum::<f64>() / after.len() as f64),
        n_obs: areas.panel.n_obs(),
        n_units: areas.panel.n_units(),
        method: Some(describe(options, fitted.lambda)),
        note: notes.text(),
        ..result.effect
    };
    Ok(result)
}

fn describe(options: &AugmentedOptions, lambda: Option<f64>) -> String {
    let weights = match (options.ridge, options.simplex) {
        (true, true) => "ridge-augmented synthetic control",
        (true, false) => "ridge regression from equal weights",
        _ => "synthetic control",
    };
    let effects =
        if options.fixed_effects { ", less each area's mean before treatment" } else { "" };
    let penalty = match (lambda, options.lambda) {
        (Some(_), None) => ", lambda by cross-validation with the one-standard-error rule",
        _ => "",
    };
    let inference = match options.inference {
        AugmentedInference::Conformal => ", conformal inference by moving blocks",
        AugmentedInference::JackknifePlus => ", limits by the jackknife+ over periods",
        AugmentedInference::Jackknife => ", jackknife over areas",
        AugmentedInference::None => "",
    };
    format!("{weights}{effects}{penalty}{inference}")
}

fn of_fit(
    areas: &Areas,
    wide: &Wide,
    fitted: &RidgeFit,
    gaps: &[f64],
) -> AugmentedSyntheticControl {
    let start = wide.before;
    let before = gaps[..start].iter().map(|gap| gap * gap).sum::<f64>() / start as f64;
    let weights = areas.donors.iter().zip(fitted.weights.iter().zip(&fitted.simplex_weights));
    let points = areas.panel.times.iter().zip(wide.target.iter().zip(&fitted.synthetic));
    AugmentedSyntheticControl {
        lambda: fitted.lambda,
        pre_rmspe: Some(before.sqrt()),
        l2_imbalance: Some(fitted.imbalance),
        scaled_l2_imbalance: fitted.scaled_imbalance,
        covariate_l2_imbalance: fitted.covariate_imbalance,
        weights: weights
            .map(|(donor, (weight, simplex_weight))| AugmentedWeight {
                unit: areas.name(*donor).to_owned(),
                weight: *weight,
                simplex_weight: *simplex_weight,
            })
            .collect(),
        path: points
            .enumerate()
            .map(|(place, (time, (observed, synthetic)))| AugmentedPoint {
                time: *time,
                event_time: place as f64 - start as f64,
                observed: *observed,
                synthetic: *synthetic,
                gap: gaps[place],
                ..AugmentedPoint::default()
            })
            .collect(),
        candidates: fitted.candidates.clone(),
        ..AugmentedSyntheticControl::default()
    }
}

fn infer(
    study: &Study<'_>,
    wide: &Wide,
    method: Method,
    fitted: &RidgeFit,
    options: &AugmentedOptions,
    result: &mut AugmentedSyntheticControl,
    notes: &mut Notes,
) -> Result<(), Reason> {
    let alpha = 1.0 - options.conf_level;
    let start = wide.before;
    let n_treated = study.areas.treated.len();
    let no_error = "no standard error: limits and tests come from the order of time";
    match options.inference {
        AugmentedInference::None => {
            notes.add("no standard error, limits and tests: none asked for")
        }
        AugmentedInference::Conformal => {
            notes.add(no_error);
            let gaps: Vec<f64> = result.path.iter().map(|point| point.gap).collect();
            result.effect.p_value = Some(conformal::joint(wide, method)?);
            // The level of the tests is that of decimals: 1 − 0.95 is a little more than 0.05.
            let alpha = (alpha * 1e12).round() / 1e12;
            let tests = conformal::by_period(wide, method, &gaps, alpha)?;
            let open = tests.iter().filter(|test| test.open.0 || test.open.1).count();
            if open > 0 {
                let n = start + 1;
                notes.add(format!(
                    "{open} of {} periods lack a limit: no effect tried is rejected there (p-values of \
                     {n} periods are multiples of 1/{n})",
                    tests.len()
                ));
            }
            for (point, test) in result.path[start..].iter_mut().zip(tests) {
                point.p_value = Some(test.p_value);
                point.accepted = test.accepted;
                point.conf_low = test.accepted.map(|(low, _)| low).filter(|_| !test.open.0);
                point.conf_high = test.accepted.map(|(_, high)| high).filter(|_| !test.open.1);
            }
        }
        AugmentedInference::JackknifePlus => {
            notes.add(no_error);
            if start < 3 {
                notes.add("no limits: without one of 2 periods before treatment there is no fit");
                return Ok(());
            }
            let limits = jackknife::plus(wide, method, &fitted.simplex_weights, alpha)?;
            for (point, (low, high)) in result.path[start..].iter_mut().zip(&limits) {
                (point.conf_low, point.conf_high) = (Some(*low), Some(*high));
            }
            if let Some((low, high)) = limits.last() {
                (result.effect.conf_low, result.effect.conf_high) = (Some(*low), Some(*high));
            }
        }
        AugmentedInference::Jackknife => {
            treated_units::note(n_treated).into_iter().for_each(|note| notes.add(note));
            let subsets = without_each(study, fitted);
            if subsets.is_empty() {
                notes.add("no area can be left out");
                return Ok(());
            }
            let errors = jackknife::over_units(&subsets, method, study.areas.panel.n_units())?;
            for (point, error) in result.path[start..].iter_mut().zip(&errors) {
                point.jackknife_error = Some(*error);
            }
            result.jackknife_error = errors.last().copied();
            result.effect.std_error = result.jackknife_error.filter(|_| n_treated > 1);
        }
    }
    Ok(())
}

/// The panel without each donor that has weight (to three digits, as augsynth), and without each
/// treated area where there are several.
fn without_each(study: &Study<'_>, fitted: &RidgeFit) -> Vec<Wide> {
    let donors = &study.areas.donors;
    let treated: Vec<usize> = study.areas.treated.iter().map(|(unit, _)| *unit).collect();
    let without = |units: &[usize], gone: usize| -> Vec<usize> {
        units.iter().copied().filter(|unit| *unit != gone).collect()
    };
    let with_weight = donors
        .iter()
        .zip(&fitted.weights)
        .filter(|(_, weight)| (*weight * 1_000.0).round() != 0.0)
        .map(|(donor, _)| *donor);
    let mut subsets: Vec<Wide> = with_weight
        .filter(|_| donors.len() > 2)
        .map(|donor| study.wide(&treated, &without(donors, donor)))
        .collect();
    if treated.len() > 1 {
        subsets.extend(treated.iter().map(|unit| study.wide(&without(&treated, *unit), donors)));
    }
    subsets
}

#[cfg(test)]
mod tests;
