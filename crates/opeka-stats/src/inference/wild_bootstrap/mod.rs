//! The wild cluster bootstrap of a treatment effect.

mod draws;
mod multipliers;

use rayon::prelude::*;

use super::inversion::{Ratio, limits};
use super::projection::TreatmentFit;
use crate::Reason;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::{Effect, Notes, treated_units, treatment};
use crate::random::Random;
use crate::reason::require_conf_level;
use draws::Sums;

/// By which random numbers the residuals of a cluster are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WildDistribution {
    /// −1 or 1 (Davidson and Flachaire 2008).
    #[default]
    Rademacher,
    /// Six points, ±√(1/2), ±1, ±√(3/2), for fewer than about twelve clusters (Webb 2014).
    Webb,
    /// (1 − √5)/2 with probability (√5 + 1)/(2√5), or (1 + √5)/2 (Mammen 1993).
    Mammen,
    /// Standard normal.
    Normal,
}

/// What counts as further from zero than the statistic of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WildTails {
    /// A greater size, of either sign.
    #[default]
    Symmetric,
    /// Twice the smaller one of the shares below and above.
    Equal,
}

/// What [`wild_bootstrap`] can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct WildBootstrapOptions {
    pub distribution: WildDistribution,
    /// Whether residuals are those under the null hypothesis (WCR) or those of the fit (WCU).
    pub impose_null: bool,
    pub tails: WildTails,
    /// At most [`MAX_DRAWS`](crate::MAX_DRAWS).
    pub draws: u32,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for WildBootstrapOptions {
    fn default() -> Self {
        Self {
            distribution: WildDistribution::Rademacher,
            impose_null: true,
            tails: WildTails::Symmetric,
            draws: 9_999,
            seed: 1,
            conf_level: 0.95,
        }
    }
}

/// The result of [`wild_bootstrap`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WildBootstrap {
    /// `statistic` is t by the error of clusters, `p_value` and limits are those of the bootstrap.
    pub effect: Effect,
    pub n_clusters: usize,
    /// The draws that were used, or all assignments of signs.
    pub n_draws: usize,
    /// Whether all 2^clusters assignments of signs were gone through, so that nothing is drawn.
    pub enumerated: bool,
}

impl WildBootstrap {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of a treatment with unit and time effects, and what the wild cluster bootstrap says
/// of it.
///
/// **Estimates** the coefficient τ of `treated` in y = unit + time + τ treated + covariates, by
/// least squares (weighted where there are weights). Where treatment begins at different times and
/// effects differ between units or grow, τ is a mixture of effects with weights that may be
/// negative (Goodman-Bacon 2021).
///
/// **Formula.** The error is √(G/(G−1) (N−1)/(N−k) Σ s²)/Σ w d², with the scores s = Σ w d e of the
/// G clusters, what is left of the treatment d, N rows, and k the treatment and the covariates (as
/// in R's fwildclusterboot; fixest counts time effects in k, too, which cancels in the p-value). In
/// each draw the residuals of a cluster, under the hypothesis that τ has the value that is tested,
/// are multiplied by one random number; the t-statistic is calculated anew for those data
/// (Cameron, Gelbach and Miller 2008, *Review of Economics and Statistics* 90), from sums of the
/// clusters alone, without a new fit (Roodman, Nielsen, MacKinnon and Webb 2019, *Stata Journal* 19,
/// section 5; the algorithm "fnw11" of fwildclusterboot). The p-value is the share of draws whose
/// statistic is further from zero than that of the data; draws that are as far, such as that in
/// which all signs are alike, are not. Where all 2^G assignments of signs are no more than `draws`,
/// each is gone through once and nothing is drawn. The limits are the ends of the set of effects
/// whose p-value is above 1 − `conf_level`: draws are kept as functions of τ, and the ends of the
/// step function p(τ) found to the last digits. Without the null imposed, draws do not depend on τ.
///
/// **Edge cases.** Where no draw lies beyond, the p-value is given as 1/(draws + 1), or 2/2^G of an
/// enumeration, and the note says so: zero would claim more than the draws can tell. With one
/// treated unit or cluster there are no error, p-value and limits. With two to nine treated clusters
/// they are given and flagged: with the null imposed the test then rejects too rarely, without it
/// too often (MacKinnon and Webb 2018, *Econometrics Journal* 21). Limits are missing where no
/// effect however large is rejected. Everything is missing, with a [`Reason`], for one unit, period
/// or cluster, where nobody or everybody is treated, and where unit and time effects explain the
/// treatment or the outcome. Units of which it is not known in some row whether they were treated
/// are left out, and told. Neither the order of rows nor the number of threads matters.
pub fn wild_bootstrap(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &WildBootstrapOptions,
) -> WildBootstrap {
    calculate(rows, treated, options).unwrap_or_else(WildBootstrap::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &WildBootstrapOptions,
) -> Result<WildBootstrap, Reason> {
    require_conf_level(options.conf_level)?;
    super::resampling::require_draws(options.draws)?;
    let mut notes = Notes::default();
    let panel = Panel::new(rows)?;
    let (panel, treated) = treatment::indicator(&panel, treated, &mut notes)?;
    let fit = TreatmentFit::new(&panel, treated, &panel.y, &mut notes)?;
    let n_clusters = panel.n_clusters;
    if n_clusters < 2 {
        return Err(Reason::because("there is one cluster (it takes two and more)"));
    }

    let mut result = WildBootstrap {
        effect: Effect {
            term: "ATT".to_owned(),
            estimate: Some(fit.estimate),
            n_obs: panel.n_obs(),
            n_units: panel.n_units(),
            method: Some(method(options)),
            ..Effect::default()
        },
        n_clusters,
        ..WildBootstrap::default()
    };
    let few = n_treated(&panel, &fit.treated);
    if let Some(note) = treated_units::note(few) {
        notes.add(note);
    }
    if let Some(error) = std_error(&fit).filter(|_| few > 1) {
        if few < treated_units::ENOUGH {
            notes.add(
                "with so few treated clusters the bootstrap rejects too rarely where the null is \
                 imposed, and too often where it is not",
            );
        }
        bootstrap(&fit, error, options, &mut result, &mut notes);
    } else if few > 1 {
        notes.add(
            "no error, test and limits: unit and time effects and treatment leave no residuals",
        );
    }
    result.effect.note = notes.text();
    Ok(result)
}

/// How many units or clusters are treated at some time, whichever are fewer.
fn n_treated(panel: &Panel, treated: &[f64]) -> usize {
    let (mut units, mut clusters) = (vec![false; panel.n_units()], vec![false; panel.n_clusters]);
    for row in (0..panel.n_obs()).filter(|row| treated[*row] > 0.0) {
        units[panel.unit[row] as usize] = true;
        clusters[panel.cluster[row] as usize] = true;
    }
    let count = |treated: &[bool]| treated.iter().filter(|treated| **treated).count();
    count(&units).min(count(&clusters))
}

/// The factor of the variance of clusters.
fn correction(fit: &TreatmentFit<'_>) -> Option<f64> {
    let panel = fit.projection.panel;
    let (n, g) = (panel.n_obs() as f64, panel.n_clusters as f64);
    let left = n - 1.0 - fit.projection.basis.len() as f64;
    (left > 0.0).then(|| g / (g - 1.0) * (n - 1.0) / left)
}

/// `None` where there are no residuals.
fn std_error(fit: &TreatmentFit<'_>) -> Option<f64> {
    let residuals = fit.without_effect(fit.estimate);
    let scores = fit.projection.by_cluster(&fit.treatment, &residuals);
    let square: f64 = scores.iter().map(|score| score * score).sum();
    let scale = fit.information * fit.projection.inner(&fit.outcome, &fit.outcome);
    (square > 1e-24 * scale).then_some(())?;
    Some((correction(fit)? * square).sqrt() / fit.information)
}

fn bootstrap(
    fit: &TreatmentFit<'_>,
    error: f64,
    options: &WildBootstrapOptions,
    result: &mut WildBootstrap,
    notes: &mut Notes,
) {
    let n = result.n_clusters;
    let all = (options.distribution == WildDistribution::Rademacher && n < 32)
        .then(|| 1u32 << n)
        .filter(|all| *all <= options.draws);
    let sums = Sums::new(fit, options.impose_null);
    let draw = |number: u32| {
        let multipliers = match all {
            Some(_) => multipliers::signs(u64::from(number), n),
            None => {
                let mut random = Random::new(options.seed, u64::from(number));
                multipliers::draw(options.distribution, n, &mut random)
            }
        };
        sums.draw(&multipliers)
    };
    let draws: Vec<Ratio> = (0..all.unwrap_or(options.draws)).into_par_iter().map(draw).collect();
    let correction = correction(fit).unwrap_or(1.0);
    let test = Test {
        // Numerators are coefficients times the information, and so are errors.
        estimate: fit.estimate,
        error,
        unit: 1.0 / correction.sqrt(),
        tiny: 1e-20 * fit.information * fit.projection.inner(&fit.outcome, &fit.outcome),
        draws,
        options,
    };
    let (share, n_draws) = test.p_value(0.0);
    let effect = &mut result.effect;
    effect.std_error = Some(error);
    effect.statistic = Some(fit.estimate / error);
    result.enumerated = all.is_some();
    result.n_draws = n_draws;
    if n_draws < test.draws.len() {
        let without = test.draws.len() - n_draws;
        notes.add(format!("{without} of {} draws have no statistic", test.draws.len()));
    }
    if n_draws == 0 {
        return;
    }
    effect.p_value = Some(share);
    if share == 0.0 {
        let least = all.map_or(1.0 / (n_draws as f64 + 1.0), |all| 2.0 / f64::from(all));
        effect.p_value = Some(least);
        notes.add(
            "no draw lies beyond the statistic: the p-value is the smallest that so many tell",
        );
    }
    let alpha = 1.0 - options.conf_level;
    [effect.conf_low, effect.conf_high] =
        limits(|effect| test.p_value(effect).0, fit.estimate, error, alpha, 1e-14);
    if effect.conf_low.is_none() || effect.conf_high.is_none() {
        notes.add("a limit is missing where no effect, however large, is rejected");
    }
}

/// The bootstrap test of an effect of any size.
struct Test<'a> {
    estimate: f64,
    error: f64,
    /// By what the statistics of draws are multiplied.
    unit: f64,
    tiny: f64,
    draws: Vec<Ratio>,
    options: &'a WildBootstrapOptions,
}

impl Test<'_> {
    /// The share of draws further from zero than the statistic of the data, and of how many.
    fn p_value(&self, effect: f64) -> (f64, usize) {
        let statistic = (self.estimate - effect) / self.error;
        // What differs by rounding alone is a tie, and ties do not count.
        let (above, below) = (
            statistic + 1e-10 * statistic.abs().max(1e-3),
            statistic - 1e-10 * statistic.abs().max(1e-3),
        );
        let size = statistic.abs() * (1.0 + 1e-10);
        let null = if self.options.impose_null { effect } else { 0.0 };
        let (mut n, mut further, mut greater, mut less) = (0usize, 0usize, 0usize, 0usize);
        for draw in &self.draws {
            let Some(t) = draw.at(null, self.tiny) else { continue };
            let t = t * self.unit;
            n += 1;
            further += usize::from(t.abs() > size);
            greater += usize::from(t > above);
            less += usize::from(t < below);
        }
        let count = match self.options.tails {
            WildTails::Symmetric => further,
            WildTails::Equal => 2 * greater.min(less),
        };
        (if n == 0 { 1.0 } else { count as f64 / n as f64 }, n)
    }
}

fn method(options: &WildBootstrapOptions) -> String {
    let residuals = if options.impose_null { "null imposed" } else { "null not imposed" };
    let distribution = match options.distribution {
        WildDistribution::Rademacher => "Rademacher",
        WildDistribution::Webb => "Webb's",
        WildDistribution::Mammen => "Mammen's",
        WildDistribution::Normal => "normal",
    };
    let tails = match options.tails {
        WildTails::Symmetric => "symmetric",
        WildTails::Equal => "equal-tailed",
    };
    format!(
        "two-way fixed effects; wild cluster bootstrap, {residuals}, {distribution} weights, {tails}"
    )
}

#[cfg(test)]
mod tests;
