//! Synthetic differences in differences.

mod block;
mod design;
mod errors;

use block::Weights;
use design::{CohortFit, Design};

use crate::Reason;
use crate::distribution::normal;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::adoption;
use crate::effect::{Effect, EffectAt, Notes, treated_units};
use crate::reason::{require_conf_level, require_finite_result};

/// Which weights: all three are double differences of weighted means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyntheticDidEstimator {
    /// Weights of units and times are estimated, with an intercept: synthetic difference in
    /// differences.
    #[default]
    Sdid,
    /// Weights of units alone, without intercept: synthetic control.
    Sc,
    /// All units and all times before treatment count alike: difference in differences.
    Did,
}

/// How the weights are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyntheticDidWeights {
    /// As the package synthdid finds them: Frank–Wolfe steps that stop early, small weights cut.
    #[default]
    Default,
    /// The optimum of the same problem, to the last digits.
    Converged,
}

/// Where the error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticDidErrors {
    /// No error, test and limits.
    None,
    /// From effects where there are none: Algorithm 4. Supposes that treated units vary as the
    /// controls do.
    Placebo,
    /// From leaving out units, the weights as they are: Algorithm 3.
    Jackknife,
    /// From drawing units anew: Algorithm 2.
    Bootstrap,
}

/// The options of [`synthetic_did`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyntheticDidOptions {
    pub estimator: SyntheticDidEstimator,
    pub weights_method: SyntheticDidWeights,
    /// By the number of treated units where `None`: with one, no error but its rank among placebos;
    /// with two to nine, placebo; with ten or more, bootstrap.
    pub errors: Option<SyntheticDidErrors>,
    /// How often placebos or units are drawn.
    pub draws: usize,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for SyntheticDidOptions {
    fn default() -> Self {
        Self {
            estimator: SyntheticDidEstimator::Sdid,
            weights_method: SyntheticDidWeights::Default,
            errors: None,
            draws: 200,
            seed: 1,
            conf_level: 0.95,
        }
    }
}

/// The result of [`synthetic_did`].
///
/// Where units are treated from different times on, weights and paths are those of each cohort.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticDid {
    /// On all cohorts.
    pub effect: Effect,
    pub cohorts: Vec<SyntheticDidCohort>,
    /// ω: how much each control counts, in the order of cohorts and units.
    pub unit_weights: Vec<UnitWeight>,
    /// λ: how much each time before treatment counts.
    pub time_weights: Vec<TimeWeight>,
    pub path: Vec<SyntheticDidPoint>,
    /// With one treated unit: the effect that each control would have in its place.
    pub placebos: Vec<SyntheticDidPlacebo>,
}

/// Units that are treated from one time on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticDidCohort {
    pub effect: EffectAt,
    pub n_treated: usize,
    /// σ̂: the standard deviation of changes from period to period among controls before treatment.
    pub noise_level: Option<f64>,
    /// ζ of the weights of units.
    pub zeta_omega: Option<f64>,
    /// ζ of the weights of times.
    pub zeta_lambda: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitWeight {
    pub cohort: f64,
    pub unit: String,
    pub weight: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeWeight {
    pub cohort: f64,
    pub time: f64,
    pub weight: f64,
}

/// The treated units and their synthetic comparison at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SyntheticDidPoint {
    pub cohort: f64,
    pub time: f64,
    /// Periods since treatment began.
    pub event_time: f64,
    /// The mean outcome of the treated units.
    pub observed: f64,
    /// That of the controls as weighted, moved so that both agree before treatment as weighted.
    pub synthetic: f64,
    /// The one less the other; after treatment began, the effect at that time.
    pub gap: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticDidPlacebo {
    pub unit: String,
    /// `None` where the weights could not be found.
    pub estimate: Option<f64>,
}

impl SyntheticDid {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of a treatment by synthetic differences in differences (Arkhangelsky, Athey,
/// Hirshberg, Imbens and Wager 2021, *American Economic Review* 111).
///
/// **Estimates** the mean effect on the treated units over the periods from treatment on (ATT).
/// `treated` says whether a row is treated (0 or 1); once treated, a unit must stay so. Supposes
/// that treated units would have moved in parallel with the weighted controls, that treatment was
/// not foreseen, and that it did not touch the controls.
///
/// **Formula** (Algorithm 1). σ̂ is the standard deviation of changes of the controls from period to
/// period before treatment; ζ = (N_tr T_post)^¼ σ̂. Weights ω of controls minimise
/// Σ_t (ω₀ + Σ_i ω_i y_it − ȳ_tr,t)² + T_pre ζ² Σω² over ω ≥ 0 with Σω = 1; weights λ of periods
/// likewise bring each control near its mean after treatment began, with ζ = 10⁻⁶ σ̂. The effect is
/// the mean of the gap (treated less weighted controls) after treatment began, less its λ-weighted
/// mean before: the coefficient of the treatment in a two-way regression weighted by ω and λ.
/// Numbers are those of R's synthdid 0.0.9: 100 Frank–Wolfe steps, weights of at most a quarter of
/// the largest cut, then steps until one lowers the loss by (10⁻⁵ σ̂)² or less.
/// [`SyntheticDidWeights::Converged`] solves the same problem exactly. Synthetic control (no
/// intercept, no λ, ζ = 10⁻⁶ σ̂) and difference in differences (all weights alike) are
/// [`SyntheticDidEstimator`]s.
///
/// Units treated from different times on: the effect of each cohort against the units that are
/// never treated, and their mean by treated units and periods (Clarke, Pailañir, Athey and Imbens
/// 2023). `weights` say how much treated units count within and across cohorts, as the mean over
/// their treated periods; they do not touch ω and λ. Covariates are taken out beforehand, with
/// coefficients of a regression on covariates, unit and time effects over all rows that are not
/// treated (Kranz 2022, R's xsynthdid).
///
/// **Errors** are the paper's Algorithms 2 to 4, with normal limits. With one treated unit there is
/// none, and `p_value` is the rank of the absolute effect among those that every control would have
/// in its place: (1 + how many are as large)/(1 + controls). Who asks for
/// [`SyntheticDidErrors::Placebo`] then gets the standard deviation over all of these placebos.
///
/// **Edge cases.** A [`Reason`] for gaps in the panel, no treated unit or none that never is, fewer
/// than two controls or two periods before treatment, an outcome that is the same everywhere,
/// controls that all change alike (no noise level). Units treated earlier than that are left out,
/// and told.
pub fn synthetic_did(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &SyntheticDidOptions,
) -> SyntheticDid {
    calculate(rows, treated, options).unwrap_or_else(SyntheticDid::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &SyntheticDidOptions,
) -> Result<SyntheticDid, Reason> {
    require_conf_level(options.conf_level)?;
    if options.draws < 2 {
        return Err(Reason::because(format!("draws is {} (two are needed)", options.draws)));
    }
    let mut notes = Notes::default();
    let (panel, cohorts) = adoption(&Panel::new(rows)?, treated, &mut notes)?;
    let design = Design::new(&panel, &cohorts, options, &mut notes)?;
    let fits = design
        .cohorts
        .iter()
        .map(|cohort| design.fit(&design.never, &cohort.units, cohort.before))
        .collect::<Result<Vec<CohortFit>, Reason>>()?;
    let parts: Vec<(&[usize], usize, f64)> = fits
        .iter()
        .zip(&design.cohorts)
        .map(|(fit, cohort)| (cohort.units.as_slice(), cohort.before, fit.effect))
        .collect();
    let estimate = design.overall(&parts);
    require_finite_result(&[estimate])?;

    let mut result = described(&design, &fits);
    result.effect = Effect {
        term: "ATT".to_owned(),
        estimate: Some(estimate),
        n_obs: design.y.len() * design.times.len(),
        n_units: design.y.len(),
        ..Effect::default()
    };
    let word = add_error(&mut result, &design, &fits, options, &mut notes);
    let estimator = match options.estimator {
        SyntheticDidEstimator::Sdid => "synthetic difference in differences",
        SyntheticDidEstimator::Sc => "synthetic control",
        SyntheticDidEstimator::Did => "difference in differences",
    };
    let weights = match (options.estimator, options.weights_method) {
        (SyntheticDidEstimator::Did, _) => "",
        (_, SyntheticDidWeights::Default) => ", weights as in synthdid",
        (_, SyntheticDidWeights::Converged) => ", optimal weights",
    };
    let covariates = if rows.covariates.is_empty() { "" } else { ", covariates projected out" };
    let separator = if word.is_empty() { "" } else { "; " };
    result.effect.method = Some(format!("{estimator}{weights}{covariates}{separator}{word}"));
    result.effect.note = notes.text();
    // What one cohort has is what all have.
    if let [only] = result.cohorts.as_mut_slice() {
        only.effect.effect =
            Effect { term: only.effect.effect.term.clone(), ..result.effect.clone() };
    }
    Ok(result)
}

/// Weights and paths of the cohorts.
fn described(design: &Design, fits: &[CohortFit]) -> SyntheticDid {
    let mut result = SyntheticDid::default();
    for (cohort, fit) in design.cohorts.iter().zip(fits) {
        let start = design.times[cohort.before];
        let block = design.block(&design.never, &cohort.units, cohort.before);
        let observed = block.treated_mean();
        let Weights { omega, lambda } = &fit.weights;
        result.unit_weights.extend(design.never.iter().zip(omega).map(|(unit, weight)| {
            UnitWeight { cohort: start, unit: design.names[*unit].clone(), weight: *weight }
        }));
        result.time_weights.extend(
            (design.times.iter().zip(lambda)).map(|(time, weight)| TimeWeight {
                cohort: start,
                time: *time,
                weight: *weight,
            }),
        );
        let gaps = block.gaps(&fit.weights);
        result.path.extend((0..design.times.len()).map(|t| SyntheticDidPoint {
            cohort: start,
            time: design.times[t],
            event_time: t as f64 - cohort.before as f64,
            observed: observed[t],
            synthetic: observed[t] - gaps[t],
            gap: gaps[t],
        }));
        let several = design.cohorts.len() > 1;
        let units = cohort.units.len() + design.never.len();
        result.cohorts.push(SyntheticDidCohort {
            effect: EffectAt {
                cohort: Some(start),
                effect: Effect {
                    term: format!("ATT({start})"),
                    estimate: Some(fit.effect),
                    n_obs: units * design.times.len(),
                    n_units: units,
                    note: several
                        .then(|| "the error is that of the effect on all cohorts".to_owned()),
                    ..Effect::default()
                },
                ..EffectAt::default()
            },
            n_treated: cohort.units.len(),
            noise_level: fit.tuning.map(|tuning| tuning.noise),
            zeta_omega: fit.tuning.map(|tuning| tuning.zeta_omega),
            zeta_lambda: fit.tuning.map(|tuning| tuning.zeta_lambda),
        });
    }
    result
}

/// Adds the error, the test and the limits. Returns where they come from, in words.
fn add_error(
    result: &mut SyntheticDid,
    design: &Design,
    fits: &[CohortFit],
    options: &SyntheticDidOptions,
    notes: &mut Notes,
) -> String {
    let n_treated = design.n_treated();
    let errors = options.errors.unwrap_or(match n_treated {
        1..treated_units::ENOUGH => SyntheticDidErrors::Placebo,
        _ => SyntheticDidErrors::Bootstrap,
    });
    if errors == SyntheticDidErrors::None {
        return String::new();
    }
    if n_treated == 1 {
        return one_treated(result, design, options, notes);
    }
    let (spread, word) = match errors {
        SyntheticDidErrors::Jackknife => {
            let word = "jackknife with weights as they are (Algorithm 3)".to_owned();
            (errors::jackknife(design, fits), word)
        }
        SyntheticDidErrors::Bootstrap => {
            let draws = errors::bootstrap(design, fits, options.draws, options.seed);
            (from_draws(&draws), format!("bootstrap of {} draws (Algorithm 2)", draws.len()))
        }
        SyntheticDidErrors::Placebo | SyntheticDidErrors::None => {
            if design.never.len() <= n_treated {
                let why = "placebos take more controls than treated units; errors from the \
                           jackknife or the bootstrap do not";
                notes.add(Reason::of_part("the error", why).to_string());
                return String::new();
            }
            let draws = errors::placebo(design, fits, options.draws, options.seed);
            (from_draws(&draws), format!("{} placebo draws (Algorithm 4)", draws.len()))
        }
    };
    match spread {
        Ok(spread) => {
            set_error(&mut result.effect, spread, options.conf_level);
            if let Some(note) = few(n_treated) {
                notes.add(note);
            }
            word
        }
        Err(reason) => {
            notes.add(reason.about("the error").to_string());
            String::new()
        }
    }
}

/// The few treated units of whose errors is told that they are too small.
fn few(n_treated: usize) -> Option<String> {
    (2..treated_units::ENOUGH).contains(&n_treated).then(|| {
        format!(
            "with {n_treated} treated units the error leans on few of them, and is too small where \
             they vary more than controls do"
        )
    })
}

fn from_draws(draws: &[f64]) -> Result<f64, Reason> {
    if draws.len() < 2 {
        return Err(Reason::because("no draw had an effect"));
    }
    Ok(errors::spread(draws))
}

/// The rank among placebos, and the error where it was asked for.
fn one_treated(
    result: &mut SyntheticDid,
    design: &Design,
    options: &SyntheticDidOptions,
    notes: &mut Notes,
) -> String {
    let estimates = errors::every_placebo(design);
    let known: Vec<f64> = estimates.iter().flatten().copied().collect();
    let name = |unit: &usize| design.names[*unit].clone();
    result.placebos = (design.never.iter().map(name).zip(estimates))
        .map(|(unit, estimate)| SyntheticDidPlacebo { unit, estimate })
        .collect();
    if known.len() < result.placebos.len() {
        let failed = result.placebos.len() - known.len();
        notes.add(format!("{failed} placebos could not be calculated"));
    }
    if known.is_empty() {
        tell_rule(notes);
        return String::new();
    }
    let size = result.effect.estimate.unwrap_or_default().abs();
    let as_large = known.iter().filter(|placebo| placebo.abs() >= size).count();
    let rank = (1 + as_large) as f64 / (1 + known.len()) as f64;
    if options.errors == Some(SyntheticDidErrors::Placebo) && known.len() > 1 {
        set_error(&mut result.effect, errors::spread(&known), options.conf_level);
        notes.add(
            "one treated unit: the error supposes that it varies as the controls do (Algorithm 4)",
        );
        return format!("all {} placebos (Algorithm 4)", known.len());
    }
    result.effect.p_value = Some(rank);
    tell_rule(notes);
    format!("rank among {} placebos", known.len())
}

/// That one treated unit has no error.
fn tell_rule(notes: &mut Notes) {
    if let Some(note) = treated_units::note(1) {
        notes.add(note);
    }
}

fn set_error(effect: &mut Effect, std_error: f64, conf_level: f64) {
    let Some(estimate) = effect.estimate else { return };
    effect.std_error = Some(std_error);
    if std_error > 0.0 {
        let z = estimate / std_error;
        effect.statistic = Some(z);
        effect.p_value = Some(normal::two_sided_p(z));
    }
    let half = normal::two_sided(conf_level) * std_error;
    effect.conf_low = Some(estimate - half);
    effect.conf_high = Some(estimate + half);
}

#[cfg(test)]
mod tests;
