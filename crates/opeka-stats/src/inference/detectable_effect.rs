//! The smallest effect that a panel as it is can show, by the spread of its untreated units.

use super::placebo::{Placebos, placebos};
use super::power::{PowerAlternative, PowerOptions, few, multiplier};
use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption};
use crate::reason::require_finite_result;

/// What [`detectable_effect`] can be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectableEffectOptions {
    /// The probability with which an effect is to be seen.
    pub power: f64,
    pub conf_level: f64,
    /// Where there are more ways to choose the treated than this, as many of them are drawn.
    pub draws: usize,
    pub seed: u64,
}

impl Default for DetectableEffectOptions {
    fn default() -> Self {
        Self { power: 0.8, conf_level: 0.95, draws: 999, seed: 1 }
    }
}

/// The result of [`detectable_effect`]; effects and errors are in units of the outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectableEffect {
    /// The smallest effect that is detected, whatever the correlation of a unit's outcomes.
    pub estimate: Option<f64>,
    /// The standard error behind it.
    pub std_error: Option<f64>,
    /// The same where all outcomes of a unit are taken for equally correlated.
    pub equal_correlation: Option<f64>,
    /// By placebos: the critical value of the placebo effects and their quantile of the power.
    pub permutation: Option<f64>,
    /// How many placebos there were.
    pub n_placebos: usize,
    /// The standard deviation of an outcome once time effects are taken out.
    pub sigma: Option<f64>,
    /// The correlation of two outcomes of one unit.
    pub rho: Option<f64>,
    /// The average covariance of two outcomes of a unit before treatment, once time effects are
    /// taken out; nothing where treatment begins at several times, or there is one such time.
    pub covariance_pre: Option<f64>,
    /// From treatment on.
    pub covariance_post: Option<f64>,
    /// Of one before and one after.
    pub covariance_cross: Option<f64>,
    pub n_treated: usize,
    pub n_control: usize,
    /// Times before the first treatment.
    pub n_pre: usize,
    /// Times from the first treatment on.
    pub n_post: usize,
    pub n_obs: usize,
    pub method: Option<&'static str>,
    pub note: Option<String>,
    pub reason: Option<Reason>,
}

impl DetectableEffect {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// The smallest effect that two-way effects would detect in this panel, with its units, times and
/// dates of treatment.
///
/// **Formula.** The coefficient of two-way effects is Σ d_it y_it / Σ d_it², d being treatment less
/// its unit and time means. With W the covariances of the T outcomes of a unit, its variance is
/// Σ_i d_i' W d_i / (Σ d_it²)², and the effect (z_(1−α/2) + z_power) × its root. W is estimated from
/// the units that are never treated: outcomes less the means of their time, cross products over
/// units less one. Where treatment begins at one time this is equation 2 of Burlig, Preonas and
/// Woerman (2020, *Journal of Development Economics* 144), the serial-correlation-robust one,
/// (1/n_treated + 1/n_control) × (s²_pre/m + s²_post/r + (m−1)/m c_pre + (r−1)/r c_post − 2 c_cross),
/// with the variances of either side kept apart; unit effects cancel, so that it needs no correction
/// for the residuals' bias.
///
/// `equal_correlation` has s² = Σ e² / ((I−1)(T−1)) for W, with e the residuals of unit and time
/// effects: σ² = s² + s_u² and ρ = s_u² / σ² with s_u² the variance of unit means less s²/T, the
/// figures that [`crate::minimum_detectable_effect`] takes.
///
/// `permutation`: the effects of two-way effects when the same numbers of never treated units are
/// taken for treated from the same times on, the others for controls: in all possible ways, or
/// `draws` of them where there are more. An effect is called one where no more than a share α of
/// placebos and itself are as far from zero; the smallest that reaches this with the power asked for
/// is the critical value plus the placebos' quantile, the larger of both signs. Placebos have fewer
/// controls than the design, and spread a little more.
///
/// **Edge cases.** No figure, with a [`Reason`], for gaps, fewer than three units that are never
/// treated, no treated unit, or no time before treatment. Units that are always treated are left
/// out, and told. With fewer than ten treated units `note` says that normal theory promises too
/// much: `permutation` stands then. It is missing, and `note` says why, where too few units could
/// take the place of the treated.
pub fn detectable_effect(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &DetectableEffectOptions,
) -> DetectableEffect {
    calculate(rows, treated, options).unwrap_or_else(DetectableEffect::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &DetectableEffectOptions,
) -> Result<DetectableEffect, Reason> {
    let test = PowerOptions {
        power: options.power,
        conf_level: options.conf_level,
        alternative: PowerAlternative::TwoSided,
    };
    let z = multiplier(&test)?;
    let mut notes = Notes::default();
    let (panel, cohorts) = adoption(&Panel::new(rows)?, treated, &mut notes)?;
    panel.require_balanced()?;
    let n_times = panel.n_times();
    // The place of the first treated time of each unit; the end of the panel for never.
    let start = |cohort: &Cohort| match cohort {
        Cohort::Never => n_times,
        Cohort::From(time) => panel.times.partition_point(|known| known < time),
    };
    let starts: Vec<usize> = cohorts.iter().map(start).collect();
    let n_always = starts.iter().filter(|start| **start == 0).count();
    if n_always > 0 {
        notes.add(format!("{n_always} units left out: treated at all times"));
    }
    let mut dates: Vec<usize> =
        starts.iter().copied().filter(|start| (1..n_times).contains(start)).collect();
    dates.sort_unstable();
    let controls: Vec<usize> = (0..panel.n_units()).filter(|u| starts[*u] == n_times).collect();
    let (Some(first), Some(last)) = (dates.first().copied(), dates.last().copied()) else {
        return Err(Reason::because("no unit is untreated first and treated later"));
    };
    if controls.len() < 3 {
        return Err(Reason::because(format!(
            "{} units are never treated (three are needed to see how outcomes spread)",
            controls.len()
        )));
    }
    let centred = without_time_means(&panel, &controls);
    let spread = covariances(&centred, n_times);
    let weights = Weights::new(&dates, controls.len(), n_times);
    let std_error = weights.variance(|t, s| spread[t * n_times + s]).max(0.0).sqrt();
    let equal = Equal::new(&centred, n_times);
    let equal_error = weights.variance(|t, s| if t == s { equal.residual } else { 0.0 }).sqrt();
    require_finite_result(&[std_error, equal_error])?;
    let size = panel.y.iter().fold(0.0, |size: f64, y| size.max(y.abs()));
    // Unit and time effects alone leave nothing but rounding.
    if std_error <= 1e-13 * size {
        return Err(Reason::because("the units that are never treated all change alike"));
    }
    if let Some(note) = few(dates.len() as f64) {
        notes.add(note);
    }
    let sides = (first == last).then(|| Sides::new(&spread, first, n_times));
    let Placebos { effect, n_placebos } = placebos(&centred, n_times, &dates, options, &mut notes);
    Ok(DetectableEffect {
        estimate: Some(z * std_error),
        std_error: Some(std_error),
        equal_correlation: Some(z * equal_error),
        permutation: effect,
        n_placebos,
        sigma: Some(equal.total.sqrt()),
        rho: (equal.total > 0.0).then_some(1.0 - equal.residual / equal.total),
        covariance_pre: sides.and_then(|sides| sides.pre),
        covariance_post: sides.and_then(|sides| sides.post),
        covariance_cross: sides.map(|sides| sides.cross),
        n_treated: dates.len(),
        n_control: controls.len(),
        n_pre: first,
        n_post: n_times - first,
        n_obs: panel.n_obs() - n_always * n_times,
        method: Some("two-way effects, covariances of the never treated, normal"),
        note: notes.text(),
        reason: None,
    })
}

/// The outcomes of some units, less the means of their times: unit by unit.
fn without_time_means(panel: &Panel, units: &[usize]) -> Vec<f64> {
    let n = panel.n_times();
    let mut means = vec![0.0; n];
    let rows = || units.iter().flat_map(|unit| panel.rows_of(*unit).zip(0..n));
    rows().for_each(|(row, t)| means[t] += panel.y[row] / units.len() as f64);
    let mut centred: Vec<f64> = rows().map(|(row, t)| panel.y[row] - means[t]).collect();
    // Once more for what the rounding of the mean left.
    let mut rest = vec![0.0; n];
    centred.chunks(n).for_each(|unit| unit.iter().zip(&mut rest).for_each(|(y, sum)| *sum += y));
    let scale = units.len() as f64;
    centred.chunks_mut(n).for_each(|unit| {
        unit.iter_mut().zip(&rest).for_each(|(y, sum)| *y -= sum / scale);
    });
    centred
}

/// The covariances of a unit's outcomes, times × times.
fn covariances(centred: &[f64], n: usize) -> Vec<f64> {
    let spare = (centred.len() / n) as f64 - 1.0;
    let mut sums = vec![0.0; n * n];
    for unit in centred.chunks(n) {
        for (t, a) in unit.iter().enumerate() {
            unit.iter().zip(&mut sums[t * n..]).for_each(|(b, sum)| *sum += a * b / spare);
        }
    }
    sums
}

/// What equal correlation makes of the spread.
struct Equal {
    /// Of an outcome within its unit, σ² (1 − ρ).
    residual: f64,
    /// σ².
    total: f64,
}

impl Equal {
    fn new(centred: &[f64], n: usize) -> Self {
        let spare = (centred.len() / n) as f64 - 1.0;
        let mut within = 0.0;
        let mut between = 0.0;
        for unit in centred.chunks(n) {
            let mean = unit.iter().sum::<f64>() / n as f64;
            within += unit.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>();
            between += mean * mean;
        }
        let residual = within / (spare * (n as f64 - 1.0));
        Self { residual, total: residual + between / spare - residual / n as f64 }
    }
}

/// Average covariances on either side of the beginning of treatment.
#[derive(Clone, Copy)]
struct Sides {
    pre: Option<f64>,
    post: Option<f64>,
    cross: f64,
}

impl Sides {
    fn new(spread: &[f64], first: usize, n: usize) -> Self {
        let average = |pairs: Vec<(usize, usize)>| {
            let sum: f64 = pairs.iter().map(|(t, s)| spread[t * n + s]).sum();
            (!pairs.is_empty()).then(|| sum / pairs.len() as f64)
        };
        let pairs = |from: usize, to: usize| -> Vec<(usize, usize)> {
            (from..to).flat_map(|t| (from..t).map(move |s| (t, s))).collect()
        };
        let cross = (first..n).flat_map(|t| (0..first).map(move |s| (t, s))).collect();
        Self {
            pre: average(pairs(0, first)),
            post: average(pairs(first, n)),
            cross: average(cross).unwrap_or(0.0),
        }
    }
}

/// Treatment less its unit and time means: one row for each date of treatment, one for controls, and
/// how many units have it.
struct Weights {
    rows: Vec<(usize, Vec<f64>)>,
}

impl Weights {
    fn new(dates: &[usize], n_controls: usize, n: usize) -> Self {
        let mut groups: Vec<(usize, usize)> =
            dates.chunk_by(|a, b| a == b).map(|group| (group.len(), group[0])).collect();
        groups.push((n_controls, n));
        let total = (dates.len() + n_controls) as f64;
        let treated = |start: usize, t: usize| f64::from(u8::from(t >= start));
        let share = |start: usize| (n - start) as f64 / n as f64;
        let of_time = |t: usize| -> f64 {
            groups.iter().map(|(units, start)| *units as f64 * treated(*start, t)).sum::<f64>()
                / total
        };
        let all = groups.iter().map(|(units, start)| *units as f64 * share(*start)).sum::<f64>();
        let row = |start: usize| -> Vec<f64> {
            (0..n).map(|t| treated(start, t) - share(start) - of_time(t) + all / total).collect()
        };
        Self { rows: groups.iter().map(|(units, start)| (*units, row(*start))).collect() }
    }

    /// Σ d_i' W d_i / (Σ d²)².
    fn variance(&self, covariance: impl Fn(usize, usize) -> f64) -> f64 {
        let (mut form, mut square) = (0.0, 0.0);
        for (units, d) in &self.rows {
            let units = *units as f64;
            for (t, a) in d.iter().enumerate() {
                let sum: f64 = d.iter().enumerate().map(|(s, b)| b * covariance(t, s)).sum();
                form += units * a * sum;
                square += units * a * a;
            }
        }
        form / (square * square)
    }
}

#[cfg(test)]
mod tests;
