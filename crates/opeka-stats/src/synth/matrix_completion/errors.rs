//! Errors of matrix completion: units drawn anew, or left out.

use rayon::prelude::*;

use super::super::factor_panel::{Draws, FactorPanel, Means};
use super::completion::{Completion, Effort};
use super::observed;
use crate::random::Random;

/// Each unit left out in turn.
pub(super) fn jackknife(panel: &FactorPanel, lambda: f64) -> Draws {
    let n = panel.n_units();
    let means = (0..n)
        .into_par_iter()
        .map(|dropped| {
            let kept: Vec<usize> = (0..n).filter(|unit| *unit != dropped).collect();
            estimate(&panel.select(&kept), lambda)
        })
        .collect();
    let n = n as f64;
    Draws { means, factor: (n - 1.0) / n.sqrt(), word: "jackknife over units".to_owned() }
}

/// Treated units and controls drawn with replacement, each among their own.
pub(super) fn bootstrap(panel: &FactorPanel, lambda: f64, draws: usize, seed: u64) -> Draws {
    let (never, treated) = (panel.never(), panel.treated());
    let means = (0..draws as u64)
        .into_par_iter()
        .map(|draw| {
            let mut random = Random::new(seed, draw);
            let mut units = Vec::with_capacity(panel.n_units());
            for group in [&treated, &never] {
                let mut drawn: Vec<usize> = group
                    .iter()
                    .map(|_| group[random.below(group.len() as u32) as usize])
                    .collect();
                drawn.sort_unstable();
                units.extend(drawn);
            }
            estimate(&panel.select(&units), lambda)
        })
        .collect();
    let word = format!("bootstrap of {draws} draws of units, treated and controls apart");
    Draws { means, factor: 1.0, word }
}

fn estimate(panel: &FactorPanel, lambda: f64) -> Option<Means> {
    let units = panel.treated();
    let fit = Completion::new(panel, observed(panel)).ok()?.solve(lambda, Effort::ROUGH);
    Some(panel.means(&units, &(&panel.y - &fit.fitted).select_columns(&units)))
}
