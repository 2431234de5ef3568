//! The test itself: the statistics of assignments, and how the data compare with them.

use rayon::prelude::*;

use super::assignment::Design;
use super::statistic::{Statistic, Sums};
use super::{Alternative, PermutationOptions, crossing, split_up};
use crate::Reason;
use crate::effect::Notes;
use crate::inference::inversion::{Ratio, limits};
use crate::inference::projection::TreatmentFit;
use crate::random::Random;

/// So many assignments are gone through, each once.
const MAX_ASSIGNMENTS: f64 = 50_000.0;

/// And so many paths at most, over all assignments.
const MAX_PATHS: f64 = 2e7;

/// What a test by randomisation is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomisationOptions {
    pub(crate) alternative: Alternative,
    pub(crate) draws: u32,
    pub(crate) seed: u64,
    pub(crate) conf_level: f64,
}

impl From<&PermutationOptions<'_>> for RandomisationOptions {
    fn from(options: &PermutationOptions<'_>) -> Self {
        Self {
            alternative: options.alternative,
            draws: options.draws,
            seed: options.seed,
            conf_level: options.conf_level,
        }
    }
}

/// What a test by randomisation finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Randomisation {
    pub(crate) estimate: f64,
    /// What was compared: the estimate, or its t.
    pub(crate) statistic: f64,
    pub(crate) p_value: f64,
    /// Missing where the assignments reject no effect, however large.
    pub(crate) conf_low: Option<f64>,
    pub(crate) conf_high: Option<f64>,
    /// How many different assignments there are; infinite where a 64-bit number does not hold it.
    pub(crate) n_assignments: f64,
    /// How many of them, or draws of them, were used.
    pub(crate) n_used: usize,
    /// Whether all assignments count, so that nothing is drawn.
    pub(crate) exact: bool,
}

/// There are assignments to choose from.
pub(super) fn require_choice(design: &Design) -> Result<(), Reason> {
    if design.n_assignments() > 1.0 {
        return Ok(());
    }
    Err(Reason::because(
        "there is one assignment only: no units with and without treatment to exchange",
    ))
}

/// About how far the coefficient strays, for a first step towards limits.
pub(super) fn spread(fit: &TreatmentFit<'_>) -> f64 {
    let panel = fit.projection.panel;
    let square = fit.projection.inner(&fit.outcome, &fit.outcome);
    (square / fit.information / panel.n_obs() as f64).sqrt()
}

enum Assignments<'a> {
    /// Each once.
    All(Vec<Ratio>),
    Drawn(Vec<Ratio>),
    /// Too many to go through, but counted by halves.
    Halves(Halves<'a>),
}

pub(super) struct Test<'a> {
    assignments: Assignments<'a>,
    estimate: f64,
    /// What the coefficient of the data is divided by.
    error: f64,
    /// Differences no larger than this are those of rounding.
    slack: f64,
    n_assignments: f64,
    without: usize,
    options: RandomisationOptions,
}

impl<'a> Test<'a> {
    pub(super) fn new(
        design: &'a Design,
        statistic: &'a Statistic<'a>,
        options: &RandomisationOptions,
    ) -> Result<Self, Reason> {
        require_choice(design)?;
        let none = || Reason::because("the assignment of the data has no statistic");
        let data = statistic.of(&design.codes).ok_or_else(none)?;
        let error = data.at(0.0, 0.0).map(|t| data.a / t).filter(|error| error.is_finite());
        // The estimate is zero where t is: its error is that of cc alone.
        let error = error.unwrap_or_else(|| data.cc.sqrt());
        if error.is_nan() || error <= 0.0 {
            return Err(none());
        }
        let n_assignments = design.n_assignments();
        let few = n_assignments <= MAX_ASSIGNMENTS
            && n_assignments * design.n_blocks() as f64 <= MAX_PATHS;
        let halves = match statistic {
            Statistic::Sums(sums) if !few => Halves::new(sums, design, data.a, options.alternative),
            _ => None,
        };
        let mut without = 0;
        let assignments = match halves {
            Some(halves) => Assignments::Halves(halves),
            None if few => {
                let found = all(design, statistic);
                without = n_assignments as usize - found.len();
                Assignments::All(found)
            }
            None => {
                let found = drawn(design, statistic, options);
                without = options.draws as usize - found.len();
                Assignments::Drawn(found)
            }
        };
        let largest = match &assignments {
            Assignments::All(draws) | Assignments::Drawn(draws) => {
                let sizes = draws.iter().filter_map(|draw| draw.at(0.0, 0.0)).map(f64::abs);
                sizes.fold(0.0, f64::max)
            }
            Assignments::Halves(_) => data.a.abs(),
        };
        Ok(Self {
            assignments,
            estimate: data.a,
            error,
            slack: 1e-12 * largest,
            n_assignments,
            without,
            options: *options,
        })
    }

    pub(super) fn result(&self, notes: &mut Notes) -> Randomisation {
        if self.without > 0 {
            notes.add(format!(
                "{} assignments leave nothing of the treatment and do not count",
                self.without
            ));
        }
        let alpha = 1.0 - self.options.conf_level;
        let (draws, extra) = match &self.assignments {
            Assignments::All(draws) => (draws.as_slice(), 0),
            Assignments::Drawn(draws) => (draws.as_slice(), 1),
            Assignments::Halves(_) => (&[][..], 0),
        };
        let plain = draws.iter().all(|draw| draw.cd == 0.0 && draw.dd == 0.0);
        let [conf_low, conf_high] = match &self.assignments {
            Assignments::Halves(halves) => halves.limits(self.estimate, alpha),
            _ if plain => {
                crossing::limits(draws, self.estimate, self.options.alternative, alpha, extra)
            }
            _ => limits(|effect| self.p_value(effect), self.estimate, self.error, alpha, 1e-14),
        };
        let one_sided =
            |side, limit: Option<f64>| limit.filter(|_| self.options.alternative != side);
        Randomisation {
            estimate: self.estimate,
            statistic: self.estimate / self.error,
            p_value: self.p_value(0.0),
            conf_low: one_sided(Alternative::Less, conf_low),
            conf_high: one_sided(Alternative::Greater, conf_high),
            n_assignments: self.n_assignments,
            n_used: draws.len(),
            exact: !matches!(self.assignments, Assignments::Drawn(_)),
        }
    }

    /// The share of assignments as extreme as that of the data, under the hypothesis of an effect
    /// of this size.
    pub(super) fn p_value(&self, effect: f64) -> f64 {
        let (draws, extra) = match &self.assignments {
            Assignments::All(draws) => (draws, 0),
            Assignments::Drawn(draws) => (draws, 1),
            Assignments::Halves(halves) => return halves.p_value(effect, self.estimate),
        };
        let data = (self.estimate - effect) / self.error;
        let slack = 1e-10 * data.abs() + self.slack;
        let (mut n, mut count) = (extra, extra);
        for draw in draws {
            let Some(t) = draw.at(effect, 0.0) else { continue };
            n += 1;
            count += usize::from(match self.options.alternative {
                Alternative::TwoSided => t.abs() >= data.abs() - slack,
                Alternative::Greater => t >= data - slack,
                Alternative::Less => t <= data + slack,
            });
        }
        count as f64 / n as f64
    }
}

fn all(design: &Design, statistic: &Statistic<'_>) -> Vec<Ratio> {
    let mut found = Vec::new();
    let mut left = design.all();
    loop {
        let some: Vec<Vec<u32>> = left.by_ref().take(1024).collect();
        if some.is_empty() {
            return found;
        }
        let ratios: Vec<Option<Ratio>> = some.par_iter().map(|codes| statistic.of(codes)).collect();
        found.extend(ratios.into_iter().flatten());
    }
}

fn drawn(design: &Design, statistic: &Statistic<'_>, options: &RandomisationOptions) -> Vec<Ratio> {
    let draw = |number: u32| {
        let mut random = Random::new(options.seed, u64::from(number));
        statistic.of(&design.draw(&mut random))
    };
    let ratios: Vec<Option<Ratio>> = (0..options.draws).into_par_iter().map(draw).collect();
    ratios.into_iter().flatten().collect()
}

/// Sums over the treated blocks of one stratum, with one path of treatment beside that of the
/// others.
struct Halves<'a> {
    sums: &'a Sums,
    n_treated: usize,
    n_assignments: f64,
    alternative: Alternative,
    /// How far the coefficient strays over all assignments.
    spread: f64,
}

impl<'a> Halves<'a> {
    fn new(
        sums: &'a Sums,
        design: &Design,
        estimate: f64,
        alternative: Alternative,
    ) -> Option<Self> {
        let n = design.n_blocks();
        let simple = sums.n_paths == 2 && sums.covariates.is_empty() && design.strata.len() == 1;
        if !simple || n > split_up::MAX_ITEMS {
            return None;
        }
        let n_treated = design.codes.iter().filter(|code| **code == 1).count();
        let items: Vec<f64> = sums.outcome.chunks_exact(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = items.iter().sum::<f64>() / n as f64;
        let square: f64 = items.iter().map(|item| (item - mean) * (item - mean)).sum();
        let m = n_treated as f64;
        let share = m / n as f64 * (n as f64 - m) / (n as f64 - 1.0);
        let spread = (square * share).sqrt() / sums.information;
        Some(Self {
            sums,
            n_treated,
            n_assignments: design.n_assignments(),
            alternative,
            spread: spread.max(1e-9 * estimate.abs()),
        })
    }

    fn p_value(&self, effect: f64, estimate: f64) -> f64 {
        let outcome = self.sums.outcome.chunks_exact(2);
        let pairs = outcome.zip(self.sums.treatment.chunks_exact(2));
        let (mut base, mut items) = (0.0, Vec::new());
        for (y, d) in pairs {
            base += y[0] - effect * d[0];
            items.push((y[1] - effect * d[1]) - (y[0] - effect * d[0]));
        }
        let data = estimate - effect;
        let slack = 1e-10 * data.abs() + 1e-13 * self.spread;
        let bound = |value: f64| value * self.sums.information - base;
        let size = data.abs() - slack;
        let (lower, upper) = match self.alternative {
            Alternative::TwoSided if size <= 0.0 => return 1.0,
            Alternative::TwoSided => (bound(-size), bound(size)),
            Alternative::Greater => (f64::NEG_INFINITY, bound(data - slack)),
            Alternative::Less => (bound(data + slack), f64::INFINITY),
        };
        let (above, below) = split_up::beyond(&items, self.n_treated, lower, upper);
        (above + below) as f64 / self.n_assignments
    }

    /// The ends of the set of effects whose p-value is above `alpha`: with that many assignments the
    /// p-value has so many steps that its logarithm is followed like a line.
    fn limits(&self, estimate: f64, alpha: f64) -> [Option<f64>; 2] {
        [-1.0, 1.0].map(|side| {
            let wanted = match self.alternative {
                Alternative::TwoSided => true,
                Alternative::Greater => side < 0.0,
                Alternative::Less => side > 0.0,
            };
            let above = |distance: f64| {
                let p = self.p_value(estimate + side * distance, estimate).max(1e-300);
                libm::log(p / (alpha * (1.0 + 1e-12)))
            };
            let root = wanted.then(|| falling_root(above, self.spread)).flatten();
            root.map(|distance| estimate + side * distance)
        })
    }
}

/// Where a falling function crosses zero, from 0 upwards: Illinois' variant of false position, with
/// halves where it stalls, to 1e-10 of a first step. `None` where it does not within 2⁴⁰ of them.
fn falling_root(function: impl Fn(f64) -> f64, step: f64) -> Option<f64> {
    let (mut low, mut f_low) = (0.0, function(0.0));
    let (mut high, mut f_high) = (0.0, f_low);
    for _ in 0..40 {
        high = if high == 0.0 { 2.0 * step } else { 2.0 * high };
        f_high = function(high);
        if f_high <= 0.0 {
            break;
        }
        (low, f_low) = (high, f_high);
    }
    if f_high > 0.0 || f_low <= 0.0 {
        return None;
    }
    // On which side the last point was: the one that stays is pulled in.
    let mut side = 0.0;
    for round in 0..100 {
        if high - low <= 1e-10 * step {
            break;
        }
        let share = f_low / (f_low - f_high);
        let middle = if round % 4 == 3 || !(share > 0.0 && share < 1.0) {
            0.5 * (low + high)
        } else {
            low + share * (high - low)
        };
        let value = function(middle);
        if value > 0.0 {
            (low, f_low) = (middle, value);
            f_high *= if side > 0.0 { 0.5 } else { 1.0 };
            side = 1.0;
        } else {
            (high, f_high) = (middle, value);
            f_low *= if side < 0.0 { 0.5 } else { 1.0 };
            side = -1.0;
        }
    }
    Some(0.5 * (low + high))
}
