//! The synthetic control: an average of untreated areas that follows a treated one before its
//! treatment.

use super::areas::{Areas, covariate_name};
use super::placebo::{self, Placebo, Test};
use super::predictors::{Matched, Matching};
use super::simplex::{Simplex, square};
use crate::Reason;
use crate::effect::panel::PanelRows;
use crate::effect::treatment::listed;
use crate::effect::{Effect, Notes, treated_units};
use crate::reason::{require_conf_level, require_finite_result, require_positive};

/// Errors before treatment below this share of the distances between areas are those of rounding.
const PERFECT: f64 = 1e-9;

/// What [`synthetic_control`] can be told.
#[derive(Clone, Debug)]
pub struct SyntheticControlOptions<'a> {
    /// Only for the note that says when the ranks are too few to reach it.
    pub conf_level: f64,
    /// Outcomes of these times, all before treatment, that are predictors beside the covariates.
    pub outcome_times: &'a [f64],
    /// How much each predictor counts: first the covariates, then the outcomes. Found by the search
    /// where `None`.
    pub predictor_weights: Option<&'a [f64]>,
    /// Several areas treated from the same time on are averaged and have one synthetic control;
    /// with this, each has its own, as always where they are treated from different times on.
    pub separate: bool,
    /// Whether placebos are calculated, for the p-value.
    pub placebos: bool,
    /// Whether treated areas may have weight in placebos.
    pub treated_as_donors: bool,
    /// Donors with gaps are left out and told; otherwise a gap is a reason.
    pub leave_out_gaps: bool,
    /// Placebos of groups: all of them if there are no more than this, or so many at random.
    pub draws: usize,
    pub seed: u64,
}

impl Default for SyntheticControlOptions<'_> {
    fn default() -> Self {
        Self {
            conf_level: 0.95,
            outcome_times: &[],
            predictor_weights: None,
            separate: false,
            placebos: true,
            treated_as_donors: false,
            leave_out_gaps: false,
            draws: 999,
            seed: 1,
        }
    }
}

/// The result of [`synthetic_control`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticControl {
    /// The mean gap after treatment.
    pub effect: Effect,
    /// Root of the mean squared gap before treatment.
    pub pre_rmspe: Option<f64>,
    /// After it.
    pub post_rmspe: Option<f64>,
    pub rmspe_ratio: Option<f64>,
    /// The place of the ratio among those of the placebos, 1 being the largest.
    pub rank: Option<usize>,
    pub n_placebos: usize,
    pub weights: Vec<DonorWeight>,
    /// Nothing where all outcomes before treatment are matched instead of predictors.
    pub predictors: Vec<PredictorBalance>,
    /// Period by period, in order.
    pub path: Vec<SyntheticPoint>,
    /// The treated areas that have a synthetic control of their own.
    pub areas: Vec<TreatedArea>,
    pub placebos: Vec<Placebo>,
}

/// How much a donor counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DonorWeight {
    /// The treated area, or areas, whose synthetic control it is.
    pub treated: String,
    pub unit: String,
    pub weight: f64,
}

/// How well a predictor is matched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PredictorBalance {
    /// The treated area, or areas.
    pub treated: String,
    pub predictor: String,
    /// How much it counts; the weights of all sum to one.
    pub weight: f64,
    /// Of the treated area.
    pub value: f64,
    /// Of the synthetic control.
    pub synthetic: f64,
    /// The mean of the donors.
    pub donors: f64,
}

/// What was, and what would have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyntheticPoint {
    /// Nothing where areas are treated from different times on.
    pub time: Option<f64>,
    /// Periods since treatment began.
    pub event_time: f64,
    /// Treated areas that are in the average.
    pub n_units: usize,
    pub observed: f64,
    pub synthetic: f64,
    pub gap: f64,
}

/// A treated area beside its synthetic control.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreatedArea {
    pub unit: String,
    /// The time of its first treated period.
    pub first_treated: f64,
    /// The mean gap after treatment.
    pub estimate: f64,
    pub pre_rmspe: f64,
    pub post_rmspe: f64,
    /// Nothing where the area is matched without error.
    pub rmspe_ratio: Option<f64>,
}

impl SyntheticControl {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of a treatment on areas, against weighted averages of untreated areas.
///
/// **Estimates** the average effect of treatment on the treated areas (`ATT`) over the periods from
/// treatment on, if without treatment they would have gone on as the weighted averages did that
/// follow them before. Donors must not be touched by the treatment.
///
/// **Formula** (Abadie, Diamond and Hainmueller 2010, *JASA* 105, section 2.3). Weights w ≥ 0 with
/// Σw = 1 minimise (X₁ − X₀w)'V(X₁ − X₀w). Without covariates and `outcome_times`, X are all
/// outcomes before treatment and V is the identity: a convex problem, solved to full accuracy. With
/// them, X are the predictors over their standard deviation among all areas (covariates: the mean of
/// the values before treatment that are there, `NaN` is a missing one), and V is diagonal: the
/// `predictor_weights`, or those for which the mean squared error of all outcomes before treatment
/// is smallest, each at least 1e-8 of the largest (Becker and Klößner 2018, *Econometrics and
/// Statistics* 5), searched from many starts without randomness. Where several weights are best,
/// the smallest Σw² is taken and told (with predictors: the best fit of the outcomes).
///
/// **Several treated areas** with one start of treatment are averaged and matched as one, as augsynth
/// does; with different starts, or with `separate`, each has its own control, gaps are averaged by
/// periods since treatment, and the effect is the mean of the areas' mean gaps (Abadie and L'Hour
/// 2021, *JASA* 116, without their penalty).
///
/// **p-value** (ADH 2010, section 2.4; Abadie 2021, *JEL* 59, equation 11): each donor in turn is
/// taken for treated; the rank of the ratio of root mean squared gaps after and before treatment,
/// over the number of ratios. For n areas averaged, groups of n donors; for areas on their own,
/// donors drawn for each (Cavallo et al. 2013, *Review of Economics and Statistics* 95). All
/// combinations if they are at most `draws`, otherwise so many at random. A placebo that is matched
/// without error has no ratio, and counts as one that is as large. There is no standard error.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for gaps in the panel (unless donors with
/// gaps are to be left out), fewer than two periods before a treatment, no treated area or no donor,
/// treatment that ends, outcomes that never vary, a predictor that does not vary among donors or has
/// no value, and numbers that are not finite. An area of which it is not known whether it is treated
/// is left out and told. Weights and clusters of the rows are not used.
pub fn synthetic_control(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &SyntheticControlOptions<'_>,
) -> SyntheticControl {
    calculate(rows, treated, options).unwrap_or_else(SyntheticControl::unknown)
}

/// A treated area, or the average of several, and what it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) units: Vec<usize>,
    /// The first treated period.
    pub(crate) start: usize,
}

/// The synthetic control of a target.
#[derive(Clone, Debug)]
pub(crate) struct Fitted {
    /// One for each donor.
    weights: Vec<f64>,
    unique: bool,
    observed: Vec<f64>,
    synthetic: Vec<f64>,
    pub(crate) pre: Errors,
    pub(crate) post: Errors,
    matched: Option<Matched>,
}

/// Squared gaps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    pub(crate) sum: f64,
    pub(crate) n: usize,
    /// Below this the sum is that of rounding.
    zero: f64,
}

impl Errors {
    pub(crate) fn add(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, n: self.n + other.n, zero: self.zero + other.zero }
    }

    /// The root of the mean.
    pub(crate) fn root(self) -> f64 {
        if self.n == 0 { 0.0 } else { (self.sum / self.n as f64).sqrt() }
    }

    /// `None` where there are no errors before.
    pub(crate) fn ratio(before: Self, after: Self) -> Option<f64> {
        (before.sum > before.zero).then(|| after.root() / before.root())
    }
}

/// The areas of a panel, with what they are matched on.
pub(crate) struct Study<'a> {
    pub(crate) areas: Areas,
    covariates: &'a [&'a [f64]],
    outcome_times: Vec<usize>,
    predictor_weights: Option<&'a [f64]>,
}

impl<'a> Study<'a> {
    fn new(
        areas: Areas,
        covariates: &'a [&'a [f64]],
        options: &SyntheticControlOptions<'a>,
    ) -> Result<Self, Reason> {
        let first_start = areas.treated.iter().map(|(_, start)| *start).min().unwrap_or(0);
        let mut outcome_times = Vec::new();
        for time in options.outcome_times {
            let place = areas.panel.times.iter().position(|known| known == time);
            match place {
                None => {
                    return Err(Reason::because(format!(
                        "outcome_times has {time}, which no row has"
                    )));
                }
                Some(place) if place >= first_start => {
                    return Err(Reason::because(format!(
                        "outcome_times has {time}, which is not before treatment"
                    )));
                }
                Some(place) if outcome_times.contains(&place) => {
                    return Err(Reason::because(format!("outcome_times has {time} twice")));
                }
                Some(place) => outcome_times.push(place),
            }
        }
        let n = covariates.len() + outcome_times.len();
        if let Some(weights) = options.predictor_weights {
            if weights.len() != n {
                return Err(Reason::because(format!(
                    "there are {n} predictors and {} predictor_weights",
                    weights.len()
                )));
            }
            for weight in weights {
                require_positive("a weight of a predictor", *weight)?;
            }
        }
        let predictor_weights = options.predictor_weights;
        Ok(Self { areas, covariates, outcome_times, predictor_weights })
    }

    pub(crate) fn has_predictors(&self) -> bool {
        !self.covariates.is_empty() || !self.outcome_times.is_empty()
    }

    fn predictor_name(&self, place: usize) -> String {
        match place.checked_sub(self.covariates.len()) {
            None => covariate_name(place),
            Some(k) => {
                let time =
                    self.outcome_times.get(k).map_or(f64::NAN, |t| self.areas.panel.times[*t]);
                format!("outcome of {time}")
            }
        }
    }

    /// The predictors of every unit, for a treatment that begins at `start`.
    fn predictors(&self, start: usize) -> Result<Vec<Vec<f64>>, Reason> {
        let covariates = self.areas.covariate_means(self.covariates, start)?;
        let of_unit = |unit: usize| {
            let outcomes = self.outcome_times.iter().map(|t| self.areas.series(unit)[*t]);
            covariates.iter().map(|means| means[unit]).chain(outcomes).collect()
        };
        Ok((0..self.areas.panel.n_units()).map(of_unit).collect())
    }

    /// The synthetic control of a target, from these donors.
    pub(crate) fn fit(&self, target: &Target, donors: &[usize]) -> Result<Fitted, Reason> {
        let Target { units, start } = target;
        let start = *start;
        let observed = self.areas.mean_series(units);
        let before: Vec<&[f64]> = donors.iter().map(|d| &self.areas.series(*d)[..start]).collect();
        let (matched, weights, unique) = if self.has_predictors() {
            let all = self.predictors(start)?;
            let n = units.len() as f64;
            let mean = |k: usize| units.iter().map(|unit| all[*unit][k]).sum::<f64>() / n;
            let of_target: Vec<f64> = (0..all.first().map_or(0, Vec::len)).map(mean).collect();
            let of_donors: Vec<&[f64]> = donors.iter().map(|donor| &all[*donor][..]).collect();
            let matching = Matching {
                target: &of_target,
                donors: &of_donors,
                target_outcomes: &observed[..start],
                donor_outcomes: &before,
            };
            let matched = matching.solve(self.predictor_weights, |k| self.predictor_name(k))?;
            let (weights, unique) = (matched.fit.weights.clone(), matched.fit.unique);
            (Some(matched), weights, unique)
        } else {
            let fit = Simplex::new(&before, &observed[..start], None, 0.0, false).fit()?;
            (None, fit.weights, fit.unique)
        };
        let mut synthetic = vec![0.0; observed.len()];
        for (donor, weight) in donors.iter().zip(&weights).filter(|(_, weight)| **weight != 0.0) {
            let series = self.areas.series(*donor);
            synthetic.iter_mut().zip(series).for_each(|(sum, y)| *sum += weight * y);
        }
        let gap: Vec<f64> = observed.iter().zip(&synthetic).map(|(y, s)| y - s).collect();
        let farthest = before
            .iter()
            .map(|donor| donor.iter().zip(&observed).map(|(d, y)| (d - y) * (d - y)).sum::<f64>())
            .fold(0.0, f64::max);
        let level: f64 = square(&observed[..start]) * f64::EPSILON * f64::EPSILON;
        let zero = PERFECT * PERFECT * farthest + 1e3 * level;
        let errors = |gaps: &[f64]| Errors { sum: square(gaps), n: gaps.len(), zero };
        let (pre, post) = (errors(&gap[..start]), errors(&gap[start..]));
        require_finite_result(&[pre.sum, post.sum])?;
        Ok(Fitted { weights, unique, observed, synthetic, pre, post, matched })
    }
}

impl Fitted {
    fn gap(&self, time: usize) -> f64 {
        self.observed[time] - self.synthetic[time]
    }

    /// The mean gap from `start` on.
    fn estimate(&self, start: usize) -> f64 {
        let n = self.observed.len() - start;
        (start..self.observed.len()).map(|time| self.gap(time)).sum::<f64>() / n as f64
    }
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &SyntheticControlOptions<'_>,
) -> Result<SyntheticControl, Reason> {
    require_conf_level(options.conf_level)?;
    let mut notes = Notes::default();
    let areas = Areas::new(rows, treated, options.leave_out_gaps, &mut notes)?;
    let study = Study::new(areas, rows.covariates, options)?;
    let areas = &study.areas;
    let targets = targets(areas, options.separate);
    let fitted = targets
        .iter()
        .map(|target| study.fit(target, &areas.donors))
        .collect::<Result<Vec<_>, _>>()?;

    let name = |target: &Target| {
        let names: Vec<&str> = target.units.iter().map(|unit| areas.name(*unit)).collect();
        listed(&names)
    };
    for (target, _) in targets.iter().zip(&fitted).filter(|(_, fit)| !fit.unique) {
        let taken = if study.has_predictors() { "the best outcomes" } else { "the most even" };
        notes.add(format!(
            "several weights match {} equally well, of which {taken} were taken",
            name(target)
        ));
    }
    let pre = fitted.iter().fold(Errors::default(), |sum, fit| sum.add(fit.pre));
    let post = fitted.iter().fold(Errors::default(), |sum, fit| sum.add(fit.post));
    let ratio = Errors::ratio(pre, post);
    if ratio.is_none() {
        notes.add(
            "the outcomes before treatment are matched without error: there is no ratio to rank",
        );
    }
    match areas.treated.len() {
        1 => treated_units::note(1).into_iter().for_each(|note| notes.add(note)),
        n => notes.add(format!("no standard error for {n} treated units: the placebos rank them")),
    }
    let test = if options.placebos {
        placebo::test(&study, &targets, ratio, options, &mut notes)
    } else {
        Test::default()
    };

    let mut estimates = targets.iter().zip(&fitted).map(|(target, fit)| fit.estimate(target.start));
    let estimate = estimates.by_ref().sum::<f64>() / targets.len() as f64;
    require_finite_result(&[estimate])?;
    let matched_on =
        if study.has_predictors() { "predictors" } else { "outcomes before treatment" };
    let ranked = if test.p_value.is_some() {
        format!(", p by the rank of the RMSPE ratio among {} placebos", test.n)
    } else {
        String::new()
    };
    let effect = Effect {
        term: "ATT".to_owned(),
        estimate: Some(estimate),
        p_value: test.p_value,
        n_obs: areas.panel.n_obs(),
        n_units: areas.panel.n_units(),
        method: Some(format!("synthetic control matched on {matched_on}{ranked}")),
        note: notes.text(),
        ..Effect::default()
    };
    let mut weights = Vec::new();
    let mut predictors = Vec::new();
    for (target, fit) in targets.iter().zip(&fitted) {
        weights.extend(areas.donors.iter().zip(&fit.weights).map(|(donor, weight)| DonorWeight {
            treated: name(target),
            unit: areas.name(*donor).to_owned(),
            weight: *weight,
        }));
        predictors.extend(balance(&study, target, fit, &name(target))?);
    }
    Ok(SyntheticControl {
        effect,
        pre_rmspe: Some(pre.root()),
        post_rmspe: Some(post.root()),
        rmspe_ratio: ratio,
        rank: test.rank,
        n_placebos: test.n,
        weights,
        predictors,
        path: path(areas, &targets, &fitted),
        areas: targets
            .iter()
            .zip(&fitted)
            .map(|(target, fit)| TreatedArea {
                unit: name(target),
                first_treated: areas.panel.times[target.start],
                estimate: fit.estimate(target.start),
                pre_rmspe: fit.pre.root(),
                post_rmspe: fit.post.root(),
                rmspe_ratio: Errors::ratio(fit.pre, fit.post),
            })
            .collect(),
        placebos: test.placebos,
    })
}

/// The average of the treated areas where they share a start, or each of them.
fn targets(areas: &Areas, separate: bool) -> Vec<Target> {
    match areas.common_start().filter(|_| !separate) {
        Some(start) => {
            let units = areas.treated.iter().map(|(unit, _)| *unit).collect();
            vec![Target { units, start }]
        }
        None => {
            let alone =
                |(unit, start): &(usize, usize)| Target { units: vec![*unit], start: *start };
            areas.treated.iter().map(alone).collect()
        }
    }
}

fn balance(
    study: &Study<'_>,
    target: &Target,
    fit: &Fitted,
    name: &str,
) -> Result<Vec<PredictorBalance>, Reason> {
    let Some(matched) = &fit.matched else { return Ok(Vec::new()) };
    let all = study.predictors(target.start)?;
    let donors = &study.areas.donors;
    let mean = |units: &[usize], k: usize| {
        units.iter().map(|unit| all[*unit][k]).sum::<f64>() / units.len() as f64
    };
    Ok(matched
        .predictor_weights
        .iter()
        .enumerate()
        .map(|(k, weight)| PredictorBalance {
            treated: name.to_owned(),
            predictor: study.predictor_name(k),
            weight: *weight,
            value: mean(&target.units, k),
            synthetic: donors.iter().zip(&fit.weights).map(|(d, w)| w * all[*d][k]).sum(),
            donors: mean(donors, k),
        })
        .collect())
}

/// Averages over the treated areas, by periods since treatment.
fn path(areas: &Areas, targets: &[Target], fitted: &[Fitted]) -> Vec<SyntheticPoint> {
    let n_times = areas.n_times() as i64;
    let common = areas.common_start();
    let mut path = Vec::new();
    for event_time in -n_times..=n_times {
        let (mut n, mut observed, mut synthetic) = (0usize, 0.0, 0.0);
        let mut n_units = 0;
        for (target, fit) in targets.iter().zip(fitted) {
            let time = target.start as i64 + event_time;
            if (0..n_times).contains(&time) {
                n += 1;
                n_units += target.units.len();
                observed += fit.observed[time as usize];
                synthetic += fit.synthetic[time as usize];
            }
        }
        if n == 0 {
            continue;
        }
        let (observed, synthetic) = (observed / n as f64, synthetic / n as f64);
        let place = common.and_then(|start| usize::try_from(start as i64 + event_time).ok());
        path.push(SyntheticPoint {
            time: place.and_then(|place| areas.panel.times.get(place)).copied(),
            event_time: event_time as f64,
            n_units,
            observed,
            synthetic,
            gap: observed - synthetic,
        });
    }
    path
}

#[cfg(test)]
mod tests;
