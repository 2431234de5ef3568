//! Factors over time to which units respond differently.

mod control_fit;
mod errors;

use nalgebra::DMatrix;

use super::factor_panel::{FactorPanel, effects};
use crate::Reason;
use crate::effect::panel::PanelRows;
use crate::effect::{EffectAt, Notes};
use crate::reason::require_conf_level;
use control_fit::{ControlFit, UnitFit};

/// The most factors that cross-validation tries.
pub const MAX_FACTORS: usize = 5;

/// By how much one more factor has to lower the prediction error, as a share of it.
const IMPROVEMENT: f64 = 1e-3;

/// Where the errors of models with factors come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorErrors {
    /// No errors, tests and limits.
    None,
    Bootstrap,
    /// From leaving each unit out in turn.
    Jackknife,
}

/// The options of [`interactive_effects`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InteractiveEffectsOptions {
    /// How many factors; cross-validated among 0 to 5 where `None`.
    pub factors: Option<usize>,
    /// The bootstrap where `None`, unless there is one treated unit.
    pub errors: Option<FactorErrors>,
    pub draws: usize,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for InteractiveEffectsOptions {
    fn default() -> Self {
        Self { factors: None, errors: None, draws: 200, seed: 1, conf_level: 0.95 }
    }
}

/// The result of [`interactive_effects`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InteractiveEffects {
    /// The effect on all treated rows, then by periods since treatment began (0 is the first
    /// treated one). Where there is none, one that says why.
    pub effects: Vec<EffectAt>,
    /// One for each covariate.
    pub coefficients: Vec<f64>,
    /// How many factors.
    pub factors: Option<usize>,
    /// The residual variance among the controls.
    pub sigma2: Option<f64>,
    /// The information criterion of the controls' model: lower is better.
    pub ic: Option<f64>,
    /// The mean squared error of predicting left-out outcomes of treated units before treatment;
    /// where the number of factors was cross-validated.
    pub mspe: Option<f64>,
    pub tried: Vec<FactorsTried>,
}

/// A number of factors that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactorsTried {
    pub factors: usize,
    pub sigma2: Option<f64>,
    pub ic: Option<f64>,
    /// A criterion that punishes factors of short panels (Bai and Ng 2002; Li 2018).
    pub pc: Option<f64>,
    pub mspe: Option<f64>,
}

impl InteractiveEffects {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effects: vec![EffectAt::unknown(reason)], ..Self::default() }
    }
}

/// The effect of a treatment by interactive fixed effects, or generalised synthetic control (Xu
/// 2017, *Political Analysis* 25).
///
/// **Estimates** the mean effect on treated units, over all treated rows and by periods since
/// treatment began. Supposes that, without treatment, outcomes of all units would have followed the
/// same few factors over time, each unit in its own proportion, and that treatment was not foreseen.
///
/// **Formula.** Controls: y_it = μ + α_i + ξ_t + x'β + λ_i'f_t + ε_it by least squares, β and the
/// factors (principal components of what is left) in turn until they rest (Xu's step 1; Bai 2009).
/// Treated: α_i and λ_i by least squares on the periods before treatment (step 2). The effect is the
/// outcome less what that predicts (step 3). The number of factors is that with the lowest mean
/// squared error of predicting each period before treatment from the others (Algorithm 1); one more
/// factor has to lower it by 0.1 %. R's gsynth 1.2.1 with `force = "two-way"`. `weights` say how
/// much treated rows count in mean effects, as there.
///
/// **Errors**: Xu's parametric bootstrap (Algorithm 2), which draws prediction errors of controls
/// taken for treated and residuals of controls, or the jackknife over units; normal limits. With one
/// treated unit there is none, unless the bootstrap is asked for by name: it supposes that the
/// treated unit varies as controls do.
///
/// **Edge cases.** A [`Reason`] for gaps in the panel, no treated unit or none that never is, fewer
/// periods before treatment than factors and one, too few controls for the factors, an outcome that
/// is the same everywhere. Units treated from the first period on are left out, and told.
pub fn interactive_effects(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &InteractiveEffectsOptions,
) -> InteractiveEffects {
    calculate(rows, treated, options).unwrap_or_else(InteractiveEffects::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &InteractiveEffectsOptions,
) -> Result<InteractiveEffects, Reason> {
    require_conf_level(options.conf_level)?;
    if options.draws < 2 {
        return Err(Reason::because(format!("draws is {} (two are needed)", options.draws)));
    }
    let mut notes = Notes::default();
    let fewest = options.factors.unwrap_or(0) + 1;
    let panel = FactorPanel::new(rows, treated, fewest, &mut notes)?;
    let (never, units) = (panel.never(), panel.treated());

    let (fit, tried) = match options.factors {
        Some(factors) => (ControlFit::new(&panel, &never, factors)?, Vec::new()),
        None => cross_validated(&panel, &never, &units)?,
    };
    let gaps = gaps(&panel, &units, &fit)?;
    let means = panel.means(&units, &gaps);
    let errors = options.errors.unwrap_or(match units.len() {
        1 => FactorErrors::None,
        _ => FactorErrors::Bootstrap,
    });
    let only = units.len() == 1;
    let mut asked_with_one = false;
    let draws = match errors {
        FactorErrors::None => None,
        FactorErrors::Jackknife if only => None,
        FactorErrors::Jackknife => Some(errors::jackknife(&panel, fit.n_factors())),
        FactorErrors::Bootstrap => {
            asked_with_one = only;
            Some(errors::bootstrap(&panel, &fit, &gaps, options.draws, options.seed))
        }
    };
    if only && asked_with_one {
        notes.add("one treated unit: the error supposes that it varies as the controls do");
    } else if only && options.errors != Some(FactorErrors::None) {
        notes.add(crate::effect::treated_units::note(1).unwrap_or_default());
    }
    let factors = fit.n_factors();
    let how = if options.factors.is_some() { "" } else { ", their number cross-validated" };
    let word = if factors == 1 { "factor" } else { "factors" };
    let model = format!("interactive fixed effects with {factors} {word}{how}");
    Ok(InteractiveEffects {
        effects: effects(
            &panel,
            &means,
            draws.as_ref(),
            asked_with_one,
            options.conf_level,
            &model,
            notes,
        )?,
        factors: Some(factors),
        sigma2: fit.sigma2,
        ic: fit.ic,
        mspe: tried.iter().find(|tried| tried.factors == factors).and_then(|tried| tried.mspe),
        coefficients: fit.coefficients,
        tried,
    })
}

/// Outcomes of treated units less what the controls' model predicts, one column for each.
fn gaps(panel: &FactorPanel, units: &[usize], fit: &ControlFit) -> Result<DMatrix<f64>, Reason> {
    let mut gaps = DMatrix::zeros(panel.n_times(), units.len());
    for (column, unit) in units.iter().enumerate() {
        let left = UnitFit::new(panel, *unit, fit).gaps(panel.first[*unit], None);
        let left = left
            .ok_or_else(|| Reason::because("before treatment the factors cannot be told apart"))?;
        gaps.column_mut(column).copy_from_slice(&left);
    }
    Ok(gaps)
}

/// Xu's Algorithm 1: the number of factors that best predicts periods before treatment, each from
/// the others.
fn cross_validated(
    panel: &FactorPanel,
    never: &[usize],
    units: &[usize],
) -> Result<(ControlFit, Vec<FactorsTried>), Reason> {
    let shortest = units.iter().map(|unit| panel.first[*unit]).min().unwrap_or(0);
    let most = MAX_FACTORS
        .min(shortest.saturating_sub(2))
        .min(never.len().min(panel.n_times()).saturating_sub(2));
    let mut tried = Vec::new();
    let mut best: Option<(ControlFit, f64)> = None;
    for factors in 0..=most {
        let fit = ControlFit::new(panel, never, factors)?;
        let mspe = prediction_error(panel, units, &fit);
        tried.push(FactorsTried { factors, sigma2: fit.sigma2, ic: fit.ic, pc: fit.pc, mspe });
        let lowest = best.as_ref().map_or(f64::INFINITY, |(_, lowest)| *lowest);
        let error = mspe.unwrap_or(f64::INFINITY);
        // Where the error is that of rounding, no factor makes it lower.
        let exact = tried.first().and_then(|first| first.mspe).is_some_and(|e| lowest <= 1e-18 * e);
        if best.is_none() || (!exact && lowest - error > IMPROVEMENT * lowest) {
            best = Some((fit, error));
        }
    }
    let (fit, _) = best.ok_or_else(|| Reason::because("no number of factors can be tried"))?;
    Ok((fit, tried))
}

fn prediction_error(panel: &FactorPanel, units: &[usize], fit: &ControlFit) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0usize);
    for unit in units {
        let first = panel.first[*unit];
        let of_unit = UnitFit::new(panel, *unit, fit);
        if first < 2 {
            return None;
        }
        for left_out in 0..first {
            let error = of_unit.gaps(first, Some(left_out))?[left_out];
            sum += error * error;
            n += 1;
        }
    }
    Some(sum / n as f64)
}

#[cfg(test)]
mod tests;
