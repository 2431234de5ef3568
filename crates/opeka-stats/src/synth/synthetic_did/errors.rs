//! How sure one can be of the effect: placebos, leaving units out, drawing units anew.

use rayon::prelude::*;

use super::block::{Weights, of_some};
use super::design::{CohortFit, Design};
use crate::Reason;
use crate::random::Random;

/// How often units are drawn before a draw counts as impossible.
const TRIES: usize = 1000;

/// The effect that each control would have if it had been treated instead of the one treated unit:
/// all of them, in the order of the controls. The treated unit is no control of theirs.
pub(super) fn every_placebo(design: &Design) -> Vec<Option<f64>> {
    let before = design.cohorts.first().map_or(0, |cohort| cohort.before);
    (0..design.never.len())
        .into_par_iter()
        .map(|place| {
            let others: Vec<usize> = without(&design.never, place);
            let fit = design.fit(&others, &[design.never[place]], before).ok()?;
            fit.effect.is_finite().then_some(fit.effect)
        })
        .collect()
}

fn without(units: &[usize], place: usize) -> Vec<usize> {
    units.iter().enumerate().filter(|(k, _)| *k != place).map(|(_, unit)| *unit).collect()
}

/// Arkhangelsky et al., Algorithm 4: effects of controls taken for treated ones at random, as many
/// as there are treated units, cohort by cohort.
pub(super) fn placebo(design: &Design, fits: &[CohortFit], draws: usize, seed: u64) -> Vec<f64> {
    let n = design.never.len();
    drawn(draws, |draw| {
        let mut random = Random::new(seed, draw);
        let mut places: Vec<usize> = (0..n).collect();
        random.shuffle(&mut places);
        let mut taken = places.split_off(n - design.n_treated());
        places.sort_unstable();
        let treated: Vec<Vec<usize>> = design
            .cohorts
            .iter()
            .map(|cohort| {
                let rest = taken.split_off(cohort.units.len());
                let of_cohort = std::mem::replace(&mut taken, rest);
                of_cohort.iter().map(|place| design.never[*place]).collect()
            })
            .collect();
        design.again(fits, &places, &treated)
    })
}

/// Arkhangelsky et al., Algorithm 2: effects among units drawn with replacement; a draw without a
/// treated unit or a control is drawn again.
pub(super) fn bootstrap(design: &Design, fits: &[CohortFit], draws: usize, seed: u64) -> Vec<f64> {
    let n = design.never.len();
    // Controls by their place, then the treated, cohort by cohort.
    let treated: Vec<(usize, usize)> = (0..design.cohorts.len())
        .flat_map(|cohort| design.cohorts[cohort].units.iter().map(move |unit| (cohort, *unit)))
        .collect();
    let all = n + treated.len();
    drawn(draws, |draw| {
        let mut random = Random::new(seed, draw);
        for _ in 0..TRIES {
            let mut sample: Vec<usize> =
                (0..all).map(|_| random.below(all as u32) as usize).collect();
            sample.sort_unstable();
            let (places, others) = sample.split_at(sample.partition_point(|unit| *unit < n));
            if places.is_empty() || others.is_empty() {
                continue;
            }
            let mut units = vec![Vec::new(); design.cohorts.len()];
            for other in others {
                let (cohort, unit) = treated[*other - n];
                units[cohort].push(unit);
            }
            return design.again(fits, places, &units);
        }
        None
    })
}

fn drawn(draws: usize, draw: impl Fn(u64) -> Option<f64> + Sync + Send) -> Vec<f64> {
    let effects: Vec<Option<f64>> = (0..draws as u64).into_par_iter().map(draw).collect();
    effects.into_iter().flatten().collect()
}

/// The root of the mean square around the mean.
pub(super) fn spread(effects: &[f64]) -> f64 {
    let n = effects.len() as f64;
    let mean = effects.iter().sum::<f64>() / n;
    (effects.iter().map(|effect| (effect - mean) * (effect - mean)).sum::<f64>() / n).sqrt()
}

/// Arkhangelsky et al., Algorithm 3: each unit left out in turn, with the weights as they are; those
/// of the controls that remain add up to one again.
pub(super) fn jackknife(design: &Design, fits: &[CohortFit]) -> Result<f64, Reason> {
    let effect = |dropped: usize| {
        let places: Vec<usize> =
            (0..design.never.len()).filter(|place| design.never[*place] != dropped).collect();
        let controls: Vec<usize> = places.iter().map(|place| design.never[*place]).collect();
        let kept: Vec<Vec<usize>> = design
            .cohorts
            .iter()
            .map(|cohort| cohort.units.iter().copied().filter(|unit| *unit != dropped).collect())
            .collect();
        let parts: Vec<(&[usize], usize, f64)> = fits
            .iter()
            .zip(&design.cohorts)
            .zip(&kept)
            .map(|((fit, cohort), units)| {
                let weights = Weights {
                    omega: of_some(&fit.weights.omega, places.iter().copied()),
                    lambda: fit.weights.lambda.clone(),
                };
                let block = design.block(&controls, units, cohort.before);
                (units.as_slice(), cohort.before, block.effect(&weights))
            })
            .collect();
        design.overall(&parts)
    };
    if let Some(alone) = design.cohorts.iter().find(|cohort| cohort.units.len() == 1) {
        return Err(Reason::because(format!(
            "{} is the only unit treated from {} on: it cannot be left out",
            design.names[alone.units[0]], design.times[alone.before]
        )));
    }
    let one = |fit: &CohortFit| fit.weights.omega.iter().filter(|omega| **omega != 0.0).count() < 2;
    if fits.iter().any(one) {
        return Err(Reason::because("one control has all the weight: it cannot be left out"));
    }
    let units: Vec<usize> = (0..design.y.len()).collect();
    let effects: Vec<f64> = units.par_iter().map(|unit| effect(*unit)).collect();
    Ok(((units.len() - 1) as f64).sqrt() * spread(&effects))
}
