//! Errors of interactive fixed effects: the parametric bootstrap and the jackknife.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::super::factor_panel::{Draws, FactorPanel, Means};
use super::control_fit::ControlFit;
use super::gaps;
use crate::random::Random;

/// Each unit left out in turn.
pub(super) fn jackknife(panel: &FactorPanel, r: usize) -> Draws {
    let n = panel.n_units();
    let means = (0..n)
        .into_par_iter()
        .map(|dropped| {
            let kept: Vec<usize> = (0..n).filter(|unit| *unit != dropped).collect();
            estimate(&panel.select(&kept), r)
        })
        .collect();
    let n = n as f64;
    Draws { means, factor: (n - 1.0) / n.sqrt(), word: "jackknife over units".to_owned() }
}

fn estimate(panel: &FactorPanel, r: usize) -> Option<Means> {
    let units = panel.treated();
    let fit = ControlFit::new(panel, &panel.never(), r).ok()?;
    Some(panel.means(&units, &gaps(panel, &units, &fit).ok()?))
}

/// Xu (2017), Algorithm 2. Prediction errors come from controls that are taken for treated ones, one
/// for each draw, among others drawn with replacement; then outcomes are made anew of what the model
/// predicts and errors, and the effect, which is none, is estimated from them.
pub(super) fn bootstrap(
    panel: &FactorPanel,
    fit: &ControlFit,
    effect: &DMatrix<f64>,
    draws: usize,
    seed: u64,
) -> Draws {
    let (never, treated) = (panel.never(), panel.treated());
    let r = fit.n_factors();
    let mut predicted = panel.clone();
    for (column, unit) in treated.iter().enumerate() {
        let gap = effect.column(column);
        predicted.y.column_mut(*unit).axpy(-1.0, &gap, 1.0);
    }
    for (column, unit) in never.iter().enumerate() {
        let residual = fit.residuals.column(column);
        predicted.y.column_mut(*unit).axpy(-1.0, &residual, 1.0);
    }

    // One column for each treated unit: controls in their place differ by when they are treated.
    let errors: Vec<Option<DMatrix<f64>>> = (0..draws as u64)
        .into_par_iter()
        .map(|draw| placebo(panel, &never, &treated, r, &mut Random::new(seed, 2 * draw)))
        .collect();
    let errors: Vec<DMatrix<f64>> = errors.into_iter().flatten().collect();
    let means = (0..draws as u64)
        .into_par_iter()
        .map(|draw| {
            let mut random = Random::new(seed, 2 * draw + 1);
            let mut pick = |n: usize| random.below(n as u32) as usize;
            if errors.is_empty() {
                return None;
            }
            let mut units = treated.clone();
            units.extend((0..never.len()).map(|_| never[pick(never.len())]));
            let mut made = predicted.select(&units);
            for column in 0..treated.len() {
                let error = &errors[pick(errors.len())];
                made.y.column_mut(column).axpy(1.0, &error.column(column), 1.0);
            }
            for column in treated.len()..units.len() {
                let residual = fit.residuals.column(pick(never.len()));
                made.y.column_mut(column).axpy(1.0, &residual, 1.0);
            }
            estimate(&made, r)
        })
        .collect();
    Draws { means, factor: 1.0, word: format!("parametric bootstrap of {draws} draws") }
}

fn placebo(
    panel: &FactorPanel,
    never: &[usize],
    treated: &[usize],
    r: usize,
    random: &mut Random,
) -> Option<DMatrix<f64>> {
    let mut pick = |n: usize| random.below(n as u32) as usize;
    let chosen = pick(never.len());
    let others: Vec<usize> = never.iter().copied().filter(|unit| *unit != never[chosen]).collect();
    if others.is_empty() {
        return None;
    }
    let mut units = vec![never[chosen]; treated.len()];
    units.extend((0..never.len()).map(|_| others[pick(others.len())]));
    let mut made = panel.select(&units);
    for (column, unit) in treated.iter().enumerate() {
        made.first[column] = panel.first[*unit];
    }
    let places: Vec<usize> = (0..treated.len()).collect();
    let fit = ControlFit::new(&made, &made.never(), r).ok()?;
    gaps(&made, &places, &fit).ok()
}
