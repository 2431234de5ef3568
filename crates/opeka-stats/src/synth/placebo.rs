//! Donors taken for treated: how large a gap comes of nothing.

use rayon::prelude::*;

use super::synthetic_control::{Errors, Fitted, Study, SyntheticControlOptions, Target};
use crate::Reason;
use crate::effect::Notes;
use crate::effect::treatment::listed;
use crate::random::Random;

/// Ratios this near are equal.
const EQUAL: f64 = 1e-9;

/// Donors taken for treated, and their errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placebo {
    /// The donor, or the donors of a group.
    pub unit: String,
    /// The time from which it is taken for treated.
    pub first_treated: f64,
    pub pre_rmspe: Option<f64>,
    pub post_rmspe: Option<f64>,
    /// After over before.
    pub rmspe_ratio: Option<f64>,
    /// Why there is no ratio.
    pub reason: Option<Reason>,
}

/// What the placebos say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Test {
    pub(crate) p_value: Option<f64>,
    pub(crate) rank: Option<usize>,
    /// Ratios that are compared.
    pub(crate) n: usize,
    pub(crate) placebos: Vec<Placebo>,
}

/// The ratio of a placebo.
#[derive(Clone, Copy, Debug)]
enum Ratio {
    Of(f64),
    /// Matched without error: as large as any.
    Large,
    Failed,
}

pub(crate) fn test(
    study: &Study<'_>,
    targets: &[Target],
    ratio: Option<f64>,
    options: &SyntheticControlOptions<'_>,
    notes: &mut Notes,
) -> Test {
    let donors = &study.areas.donors;
    let (placebos, ratios) = match targets {
        [target] => groups(study, target, options),
        _ => one_by_one(study, targets, options),
    };
    tell(&placebos, notes);
    let known: Vec<Ratio> = ratios.into_iter().filter(|r| !matches!(r, Ratio::Failed)).collect();
    let n = known.len();
    let mut test = Test { n, placebos, ..Test::default() };
    if n == 0 {
        let many = if donors.len() == 1 { "1 donor" } else { "these donors" };
        notes.add(format!("no p-value: with {many} there are no placebos"));
        return test;
    }
    let Some(ratio) = ratio else { return test };
    let as_large = known.iter().filter(|other| match other {
        Ratio::Of(other) => *other >= ratio * (1.0 - EQUAL),
        _ => true,
    });
    let rank = 1 + as_large.count();
    test.rank = Some(rank);
    test.p_value = Some(rank as f64 / (n + 1) as f64);
    let least = 1.0 / (n + 1) as f64;
    if least > 1.0 - options.conf_level {
        notes.add(format!("with {n} placebos no p-value is below {least:.3}"));
    }
    test
}

/// Which placebos have no ratio, and why.
fn tell(placebos: &[Placebo], notes: &mut Notes) {
    let perfect: Vec<&str> = placebos
        .iter()
        .filter(|p| p.pre_rmspe.is_some() && p.rmspe_ratio.is_none())
        .map(|p| p.unit.as_str())
        .collect();
    if !perfect.is_empty() {
        notes.add(format!(
            "placebos matched without error, counted as ratios as large: {}",
            listed(&perfect)
        ));
    }
    let failed: Vec<&str> =
        placebos.iter().filter(|p| p.pre_rmspe.is_none()).map(|p| p.unit.as_str()).collect();
    if let Some(first) = placebos.iter().find(|p| p.pre_rmspe.is_none()) {
        let why = first.reason.as_ref().map_or("", Reason::why);
        notes.add(format!("placebos left out: {} ({why})", listed(&failed)));
    }
}

/// Groups of as many donors as are averaged.
fn groups(
    study: &Study<'_>,
    target: &Target,
    options: &SyntheticControlOptions<'_>,
) -> (Vec<Placebo>, Vec<Ratio>) {
    let donors = &study.areas.donors;
    let groups = choose(donors, target.units.len(), options);
    let extra: &[usize] = if options.treated_as_donors { &target.units } else { &[] };
    let fits: Vec<Result<Fitted, Reason>> = groups
        .par_iter()
        .map(|group| {
            let rest: Vec<usize> = donors
                .iter()
                .chain(extra)
                .copied()
                .filter(|donor| !group.contains(donor))
                .collect();
            study.fit(&Target { units: group.clone(), start: target.start }, &rest)
        })
        .collect();
    let first_treated = study.areas.panel.times[target.start];
    let placebos = groups.iter().zip(&fits).map(|(group, fit)| {
        let names: Vec<&str> = group.iter().map(|donor| study.areas.name(*donor)).collect();
        describe(names.join(", "), first_treated, fit)
    });
    (placebos.collect(), fits.iter().map(ratio_of).collect())
}

fn describe(unit: String, first_treated: f64, fit: &Result<Fitted, Reason>) -> Placebo {
    let placebo = Placebo { unit, first_treated, ..Placebo::default() };
    match fit {
        Ok(fit) => {
            let rmspe_ratio = Errors::ratio(fit.pre, fit.post);
            let perfect =
                || Reason::of_part("the ratio", "the outcomes before are matched without error");
            Placebo {
                pre_rmspe: Some(fit.pre.root()),
                post_rmspe: Some(fit.post.root()),
                reason: rmspe_ratio.is_none().then(perfect),
                rmspe_ratio,
                ..placebo
            }
        }
        Err(reason) => Placebo { reason: Some(reason.clone()), ..placebo },
    }
}

fn ratio_of(fit: &Result<Fitted, Reason>) -> Ratio {
    match fit {
        Ok(fit) => Errors::ratio(fit.pre, fit.post).map_or(Ratio::Large, Ratio::Of),
        Err(_) => Ratio::Failed,
    }
}

/// All groups of `size` donors if they are at most `draws`, otherwise so many at random. Nothing
/// where a group would leave no donor.
fn choose(donors: &[usize], size: usize, options: &SyntheticControlOptions<'_>) -> Vec<Vec<usize>> {
    let least = usize::from(!options.treated_as_donors);
    if size + least > donors.len() {
        return Vec::new();
    }
    let mut combinations = 1.0;
    for k in 0..size {
        combinations *= (donors.len() - k) as f64 / (k + 1) as f64;
    }
    // One donor at a time is never left to chance.
    if size > 1 && combinations.round() > options.draws as f64 {
        let draw = |draw: usize| {
            let mut shuffled = donors.to_vec();
            Random::new(options.seed, draw as u64).shuffle(&mut shuffled);
            shuffled.truncate(size);
            shuffled.sort_unstable();
            shuffled
        };
        return (0..options.draws).map(draw).collect();
    }
    let mut groups = vec![Vec::new()];
    for _ in 0..size {
        groups = groups
            .into_iter()
            .flat_map(|group: Vec<usize>| {
                let after = group.last().map_or(0, |last| donors.partition_point(|d| d <= last));
                donors[after..].iter().map(move |donor| {
                    let mut longer = group.clone();
                    longer.push(*donor);
                    longer
                })
            })
            .collect();
    }
    groups
}

/// Every donor taken for treated at every start that occurs; then donors drawn for the treated.
fn one_by_one(
    study: &Study<'_>,
    targets: &[Target],
    options: &SyntheticControlOptions<'_>,
) -> (Vec<Placebo>, Vec<Ratio>) {
    let donors = &study.areas.donors;
    let mut starts: Vec<usize> = targets.iter().map(|target| target.start).collect();
    starts.sort_unstable();
    starts.dedup();
    let extra: Vec<usize> = if options.treated_as_donors {
        study.areas.treated.iter().map(|(unit, _)| *unit).collect()
    } else {
        Vec::new()
    };
    if donors.len() + extra.len() < 2 {
        return (Vec::new(), Vec::new());
    }
    let tasks: Vec<(usize, usize)> =
        starts.iter().flat_map(|start| donors.iter().map(move |donor| (*donor, *start))).collect();
    let fits: Vec<Result<Fitted, Reason>> = tasks
        .par_iter()
        .map(|(donor, start)| {
            let rest: Vec<usize> =
                donors.iter().chain(&extra).copied().filter(|other| other != donor).collect();
            study.fit(&Target { units: vec![*donor], start: *start }, &rest)
        })
        .collect();
    let placebos = tasks.iter().zip(&fits).map(|((donor, start), fit)| {
        let first_treated = study.areas.panel.times[*start];
        describe(study.areas.name(*donor).to_owned(), first_treated, fit)
    });
    let placebos: Vec<Placebo> = placebos.collect();

    // Donors whose fit failed at a start are not drawn for it.
    let pools: Vec<Vec<&Fitted>> = targets
        .iter()
        .map(|target| {
            let of_start = tasks.iter().zip(&fits).filter(|((_, start), _)| *start == target.start);
            of_start.filter_map(|(_, fit)| fit.as_ref().ok()).collect()
        })
        .collect();
    if pools.iter().any(Vec::is_empty) {
        return (placebos, Vec::new());
    }
    let all: f64 = pools.iter().map(|pool| pool.len() as f64).product();
    let ratio = |chosen: &[&Fitted]| {
        let pre = chosen.iter().fold(Errors::default(), |sum, fit| sum.add(fit.pre));
        let post = chosen.iter().fold(Errors::default(), |sum, fit| sum.add(fit.post));
        Errors::ratio(pre, post).map_or(Ratio::Large, Ratio::Of)
    };
    let pick = |place: &mut dyn FnMut(usize) -> usize| {
        ratio(&pools.iter().map(|pool| pool[place(pool.len())]).collect::<Vec<_>>())
    };
    let ratios = if all <= options.draws as f64 {
        (0..all as usize)
            .map(|mut number| {
                pick(&mut |n| {
                    let place = number % n;
                    number /= n;
                    place
                })
            })
            .collect()
    } else {
        (0..options.draws as u64)
            .map(|draw| {
                let mut random = Random::new(options.seed, draw);
                pick(&mut |n| random.below(n as u32) as usize)
            })
            .collect()
    };
    (placebos, ratios)
}
