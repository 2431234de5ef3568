//! Matrix completion: what untreated outcomes would have been, as a matrix of low rank.

mod completion;
mod errors;

use super::factor_panel::{FactorPanel, effects};
use super::interactive_effects::FactorErrors;
use crate::Reason;
use crate::effect::panel::PanelRows;
use crate::effect::{EffectAt, Notes, treated_units};
use crate::random::Random;
use crate::reason::{require_conf_level, require_positive};
use completion::{Completion, Effort};
use rayon::prelude::*;

/// How many penalties cross-validation tries, over three powers of ten.
const PENALTIES: usize = 10;

const FOLDS: u64 = 5;

/// By how much a lower penalty has to lower the prediction error, as a share of it.
const IMPROVEMENT: f64 = 1e-3;

/// The options of [`matrix_completion`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixCompletionOptions {
    /// The penalty per cell, in units of the outcome; cross-validated where `None`.
    pub lambda: Option<f64>,
    /// The bootstrap where `None`, unless there is one treated unit.
    pub errors: Option<FactorErrors>,
    pub draws: usize,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for MatrixCompletionOptions {
    fn default() -> Self {
        Self { lambda: None, errors: None, draws: 200, seed: 1, conf_level: 0.95 }
    }
}

/// The result of [`matrix_completion`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixCompletion {
    /// The effect on all treated rows, then by periods since treatment began (0 is the first
    /// treated one). Where there is none, one that says why.
    pub effects: Vec<EffectAt>,
    /// One for each covariate.
    pub coefficients: Vec<f64>,
    pub lambda: Option<f64>,
    /// The rank of the matrix beside unit and time effects.
    pub rank: Option<usize>,
    /// The mean squared error of predicting left-out cells; where λ was cross-validated.
    pub mspe: Option<f64>,
    pub tried: Vec<PenaltyTried>,
}

/// A penalty that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PenaltyTried {
    pub lambda: f64,
    pub mspe: f64,
}

impl MatrixCompletion {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effects: vec![EffectAt::unknown(reason)], ..Self::default() }
    }
}

/// The effect of a treatment by matrix completion (Athey, Bayati, Doudchenko, Imbens and Khosravi
/// 2021, *Journal of the American Statistical Association* 116).
///
/// **Estimates** the mean effect on treated units, over all treated rows and by periods since
/// treatment began. Supposes that untreated outcomes are unit and time effects and a matrix that few
/// patterns explain, and that which cells are treated does not depend on the rest.
///
/// **Formula.** Over the N × T outcomes, ½ Σ (y_it − α_i − ξ_t − x'β − L_it)² over untreated rows plus
/// λ N T ‖L‖* is made as small as can be, ‖L‖* being the sum of the singular values of L (equation
/// 4.3 with unit and time effects that are not penalised). The effect is the outcome less what that
/// predicts. λ is measured as by R's gsynth 1.2.1 with `estimator = "mc"`: singular values of the
/// matrix divided by N T are lowered by λ. The iterations impute, take out unit and time effects and
/// shrink singular values (soft-impute), sped up by momentum, until they rest. Cross-validation tries
/// ten λ from the one at which L is nothing down to a thousandth of it, on five draws of cells to
/// leave out, as many as the panel lacks by share. `weights` say how much treated rows count in mean
/// effects.
///
/// **Errors**: units drawn anew, treated and controls apart, or the jackknife over units, at the same
/// λ; normal limits; none with one treated unit.
///
/// **Edge cases.** A [`Reason`] for gaps in the panel, no treated unit or none that never is, an
/// outcome that is the same everywhere, λ of zero or less. Units treated from the first period on are
/// left out, and told. Before treatment, gaps are residuals of the fit.
pub fn matrix_completion(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &MatrixCompletionOptions,
) -> MatrixCompletion {
    calculate(rows, treated, options).unwrap_or_else(MatrixCompletion::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &MatrixCompletionOptions,
) -> Result<MatrixCompletion, Reason> {
    require_conf_level(options.conf_level)?;
    if options.draws < 2 {
        return Err(Reason::because(format!("draws is {} (two are needed)", options.draws)));
    }
    if let Some(lambda) = options.lambda {
        require_positive("lambda", lambda)?;
    }
    let mut notes = Notes::default();
    let panel = FactorPanel::new(rows, treated, 1, &mut notes)?;
    let units = panel.treated();
    let (lambda, tried) = match options.lambda {
        Some(lambda) => (lambda, Vec::new()),
        None => cross_validated(&panel, options.seed)?,
    };
    let completion = Completion::new(&panel, observed(&panel))?;
    let fit = completion.solve(lambda, Effort::FULL);
    if !fit.rests {
        return Err(Reason::because(
            "the iterations did not come to rest (a larger lambda is easier)",
        ));
    }
    let means = panel.means(&units, &(&panel.y - &fit.fitted).select_columns(&units));

    let only = units.len() == 1;
    let errors = options.errors.unwrap_or(FactorErrors::Bootstrap);
    let draws = match errors {
        FactorErrors::None => None,
        _ if only => {
            notes.add(treated_units::note(1).unwrap_or_default());
            None
        }
        FactorErrors::Jackknife => Some(errors::jackknife(&panel, lambda)),
        FactorErrors::Bootstrap => {
            Some(errors::bootstrap(&panel, lambda, options.draws, options.seed))
        }
    };
    let how = if options.lambda.is_some() { "" } else { ", cross-validated" };
    let model = format!("matrix completion with unit and time effects; lambda {lambda}{how}");
    let level = options.conf_level;
    Ok(MatrixCompletion {
        effects: effects(&panel, &means, draws.as_ref(), false, level, &model, notes)?,
        coefficients: fit.coefficients,
        lambda: Some(lambda),
        rank: Some(fit.rank),
        mspe: tried.iter().find(|tried| tried.lambda == lambda).map(|tried| tried.mspe),
        tried,
    })
}

/// Whether a cell is untreated, unit by unit.
fn observed(panel: &FactorPanel) -> Vec<bool> {
    let times = panel.n_times();
    panel.first.iter().flat_map(|first| (0..times).map(move |t| t < *first)).collect()
}

/// The largest penalty that is worth its fit, and what was tried.
fn cross_validated(panel: &FactorPanel, seed: u64) -> Result<(f64, Vec<PenaltyTried>), Reason> {
    let seen = observed(panel);
    let largest = Completion::new(panel, seen.clone())?.largest_lambda();
    if largest.is_nan() || largest <= 0.0 {
        return Err(Reason::because("unit and time effects explain everything: there is no λ"));
    }
    let lambdas: Vec<f64> = (0..PENALTIES)
        .map(|k| largest * libm::pow(10.0, -3.0 * k as f64 / (PENALTIES - 1) as f64))
        .collect();
    let folds: Vec<(Vec<usize>, Completion)> = (0..FOLDS)
        .map(|fold| {
            let (left_out, rest) = fold_of(panel, &seen, seed, fold)?;
            Ok((left_out, Completion::new(panel, rest)?))
        })
        .collect::<Result<_, Reason>>()?;
    let tasks: Vec<(usize, usize)> =
        (0..PENALTIES).flat_map(|k| (0..folds.len()).map(move |fold| (k, fold))).collect();
    let errors: Vec<(f64, usize)> = tasks
        .into_par_iter()
        .map(|(k, fold)| {
            let (left_out, completion) = &folds[fold];
            let fitted = completion.solve(lambdas[k], Effort::ROUGH).fitted;
            let square = left_out.iter().map(|cell| {
                let error = panel.y.as_slice()[*cell] - fitted.as_slice()[*cell];
                error * error
            });
            (square.sum::<f64>(), left_out.len())
        })
        .collect();
    let mut tried = Vec::new();
    let mut best = (lambdas[0], f64::INFINITY);
    for (lambda, errors) in lambdas.iter().zip(errors.chunks(folds.len())) {
        let (sum, n) = errors.iter().fold((0.0, 0), |(sum, n), error| (sum + error.0, n + error.1));
        let mspe = sum / n as f64;
        tried.push(PenaltyTried { lambda: *lambda, mspe });
        if best.1 == f64::INFINITY || best.1 - mspe > IMPROVEMENT * best.1 {
            best = (*lambda, mspe);
        }
    }
    Ok((best.0, tried))
}

/// Cells to leave out: of the untreated ones the share that is treated, at least one, and such that
/// every unit and every time keeps one.
fn fold_of(
    panel: &FactorPanel,
    seen: &[bool],
    seed: u64,
    fold: u64,
) -> Result<(Vec<usize>, Vec<bool>), Reason> {
    let mut cells: Vec<usize> = (0..seen.len()).filter(|cell| seen[*cell]).collect();
    let share = cells.len() as f64 / seen.len() as f64;
    let wanted = ((1.0 - share) * cells.len() as f64).max(1.0) as usize;
    Random::new(seed, u64::MAX - fold).shuffle(&mut cells);
    let times = panel.n_times();
    let mut by_unit = vec![0usize; panel.n_units()];
    let mut by_time = vec![0usize; times];
    for cell in &cells {
        by_unit[cell / times] += 1;
        by_time[cell % times] += 1;
    }
    let (mut left_out, mut rest) = (Vec::new(), seen.to_vec());
    for cell in cells {
        let (unit, time) = (cell / times, cell % times);
        if left_out.len() < wanted && by_unit[unit] > 1 && by_time[time] > 1 {
            by_unit[unit] -= 1;
            by_time[time] -= 1;
            rest[cell] = false;
            left_out.push(cell);
        }
    }
    if left_out.is_empty() {
        return Err(Reason::because("no cell can be left out: the panel is too small for a λ"));
    }
    Ok((left_out, rest))
}

#[cfg(test)]
mod tests;
