//! Randomisation inference: what the effect would have been, had others been treated.

mod assignment;
mod crossing;
mod split_up;
mod statistic;
mod test;

pub(crate) use assignment::Design;
pub(crate) use statistic::Studentised;
pub(crate) use test::Randomisation;

use super::few_treated::{Rescaled, populations};
use super::inversion::limits;
use super::projection::{TreatmentFit, require_contrast};
use super::resampling::require_draws;
use crate::Reason;
use crate::effect::labels::Labels;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::{Effect, Notes, treatment};
use crate::reason::require_conf_level;
use statistic::Statistic;
use test::Test;

/// What of each assignment is compared with that of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PermutationStatistic {
    /// The coefficient of treatment with unit and time effects and covariates.
    #[default]
    DidTwfe,
    /// The same over its error by cluster: also holds, in large samples, where the effect is zero
    /// on average and not for each unit (Chung and Romano 2013).
    Studentised,
    /// Of each unit the mean from the date of treatment on less that before it; of these the mean
    /// of the treated less that of the others.
    DifferenceInMeans,
}

/// Which statistics speak against the hypothesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alternative {
    /// Those at least as far from zero.
    #[default]
    TwoSided,
    /// Those that are at least as great.
    Greater,
    /// Those that are at most as great.
    Less,
}

/// What [`permutation_test`] can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct PermutationOptions<'a> {
    pub statistic: PermutationStatistic,
    pub alternative: Alternative,
    /// Used where the assignments are too many to go through; at most
    /// [`MAX_DRAWS`](crate::MAX_DRAWS).
    pub draws: u32,
    pub seed: u64,
    pub conf_level: f64,
    /// How many people the outcome of a row is a mean of: for units of unequal size.
    pub population: Option<&'a [f64]>,
    /// Paths change places among the units of a stratum only.
    pub stratum: Option<&'a Labels>,
}

impl Default for PermutationOptions<'_> {
    fn default() -> Self {
        Self {
            statistic: PermutationStatistic::DidTwfe,
            alternative: Alternative::TwoSided,
            draws: 999,
            seed: 1,
            conf_level: 0.95,
            population: None,
            stratum: None,
        }
    }
}

/// The result of [`permutation_test`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PermutationTest {
    /// `statistic` is what is compared: the estimate, or its t.
    pub effect: Effect,
    /// How many assignments there are; `None` where a 64-bit number does not hold it.
    pub n_assignments: Option<f64>,
    /// Whether all assignments were gone through, so that nothing is drawn.
    pub exact: bool,
    /// Draws that were used, where it is not exact.
    pub n_draws: Option<usize>,
    /// Units, or clusters where they are given, that are treated at some time.
    pub n_treated: usize,
    /// With one treated unit: its place among all units, by the size of the statistic.
    pub rank: Option<usize>,
}

impl PermutationTest {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of a treatment, and how it compares with what would have been found, had the same
/// treatments fallen to other units.
///
/// **Estimates** the coefficient of `treated` with unit and time effects (or the difference in
/// means), and tests the sharp hypothesis that treatment has the same effect τ on every treated row
/// (zero for the p-value): then the outcomes of any other assignment are known. Every assignment of
/// the paths of treatment to the units is taken to have been equally likely, within strata where
/// there are some; a cluster is treated as a whole. Nothing is assumed of the errors, of how years
/// resemble each other, or of how many units are treated (Fisher 1935; Rosenbaum 2002, *Observational
/// Studies*, chapter 2).
///
/// **Formula.** p is the share of all assignments, that of the data among them, whose statistic is as
/// extreme as that of the data. All are gone through where they are no more than 50,000; for a sum
/// over up to 40 units with one path of treatment the exact share is counted by halves (van de Wiel
/// 2001, the split-up algorithm); otherwise p = (1 + draws as extreme)/(1 + draws). Limits are the
/// ends of the set of effects whose p-value is above 1 − `conf_level`. The coefficient of an
/// assignment under the hypothesis of an effect τ is linear in τ, so that the limits of coefficients
/// are order statistics of the points at which assignments begin to be as extreme as the data.
/// With `population`, residuals are rescaled by a model of their variance before they change places
/// (Ferman and Pinto 2019).
///
/// **Edge cases.** With one treated unit the p-value is its rank over the number of units, and the
/// smallest possible one is 1 over that number; the note says so. Limits are missing where so few
/// assignments reject no effect at this level. There is never a standard error. Everything is
/// missing, with a [`Reason`], for one unit or period, where nobody or everybody is treated, where
/// unit and time effects explain the treatment or the outcome, and where there is one assignment
/// only. Assignments that leave nothing of the treatment (gaps) are not counted. Neither the order
/// of rows nor the number of threads matters.
pub fn permutation_test(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &PermutationOptions<'_>,
) -> PermutationTest {
    calculate(rows, treated, options).unwrap_or_else(PermutationTest::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &PermutationOptions<'_>,
) -> Result<PermutationTest, Reason> {
    require_conf_level(options.conf_level)?;
    require_draws(options.draws)?;
    let mut notes = Notes::default();
    let panel = Panel::new(rows)?;
    let (panel, treated) = treatment::indicator(&panel, treated, &mut notes)?;
    require_contrast(&panel, &treated)?;
    let stratum = options.stratum.map(|labels| strata(&panel, rows, labels)).transpose()?;
    if options.statistic != PermutationStatistic::DidTwfe && options.population.is_some() {
        return Err(Reason::because("population takes the statistic did_twfe"));
    }
    let mut result = match options.statistic {
        PermutationStatistic::DifferenceInMeans => {
            of_means(&panel, &treated, stratum.as_deref(), options, &mut notes)?
        }
        _ => of_regression(&panel, treated, stratum.as_deref(), options, &mut notes)?,
    };
    let effect = &mut result.effect;
    effect.term = "ATT".to_owned();
    effect.method = Some(method(options, result.exact));
    notes.add("no standard error: a permutation test has none");
    effect.note = notes.text();
    Ok(result)
}

/// The same for a panel that is there already, with the coefficient of unit and time effects as the
/// statistic: for methods whose errors take more treated units than there are.
pub(crate) fn of_panel(
    panel: &Panel,
    treated: &[f64],
    options: &PermutationOptions<'_>,
    notes: &mut Notes,
) -> Result<PermutationTest, Reason> {
    require_draws(options.draws)?;
    of_regression(panel, treated.to_vec(), None, options, notes)
}

/// The stratum of each row of the panel.
fn strata(panel: &Panel, rows: &PanelRows<'_>, labels: &Labels) -> Result<Vec<u32>, Reason> {
    let (n, found) = (rows.y.len(), labels.len());
    if n != found {
        return Err(Reason::because(format!("there are {n} outcomes and {found} strata")));
    }
    let (_, ranks) = labels.ranked();
    Ok(panel.arrange(&ranks))
}

fn of_means(
    panel: &Panel,
    treated: &[f64],
    stratum: Option<&[u32]>,
    options: &PermutationOptions<'_>,
    notes: &mut Notes,
) -> Result<PermutationTest, Reason> {
    // Judges the strata, too.
    Design::new(panel, treated, stratum)?;
    let changes = statistic::changes(panel, treated, notes)?;
    let layer = |unit: usize| stratum.map_or(0, |stratum| stratum[panel.rows_of(unit).start]);
    let (design, sums) = changes.design(layer)?;
    let statistic = Statistic::Sums(sums);
    let test = Test::new(&design, &statistic, &options.into())?;
    let n_obs = changes.units.iter().map(|unit| panel.rows_of(*unit).len()).sum();
    let effect = Effect { n_obs, n_units: changes.units.len(), ..Effect::default() };
    let found = test.result(notes);
    Ok(assembled(effect, found, &design, options, notes))
}

fn of_regression(
    panel: &Panel,
    treated: Vec<f64>,
    stratum: Option<&[u32]>,
    options: &PermutationOptions<'_>,
    notes: &mut Notes,
) -> Result<PermutationTest, Reason> {
    let design = Design::new(panel, &treated, stratum)?;
    let fit = TreatmentFit::new(panel, treated, &panel.y, notes)?;
    let effect = Effect { n_obs: panel.n_obs(), n_units: panel.n_units(), ..Effect::default() };
    let studentised = options.statistic == PermutationStatistic::Studentised;
    if studentised && design.n_treated() < 2 {
        notes.add(
            "no statistic: with one treated unit there is nothing to estimate an error from \
             (did_twfe ranks the unit among the others)",
        );
        let effect = Effect { estimate: Some(fit.estimate), ..effect };
        return Ok(PermutationTest { effect, n_treated: 1, ..PermutationTest::default() });
    }
    let Some(population) = options.population else {
        let statistic = Statistic::regression(&fit, &design, studentised);
        let test = Test::new(&design, &statistic, &options.into())?;
        let found = test.result(notes);
        return Ok(assembled(effect, found, &design, options, notes));
    };
    test::require_choice(&design)?;
    let population = populations(panel, population)?;
    let rescaled = Rescaled::new(
        &fit,
        &design,
        &population,
        options.alternative,
        options.draws,
        options.seed,
    )?;
    let largest = population.iter().copied().fold(0.0, f64::max);
    let ratio = largest / population.iter().copied().fold(largest, f64::min);
    notes.add(format!(
        "residuals rescaled for populations of which the largest is {ratio:.1} times the smallest"
    ));
    let scale = test::spread(&fit);
    let alpha = 1.0 - options.conf_level;
    let p_value = |effect: f64| match options.alternative {
        // A one-sided test has no limit on its own side: nothing is looked for there.
        Alternative::Greater if effect > fit.estimate => 0.0,
        Alternative::Less if effect < fit.estimate => 0.0,
        _ => rescaled.p_value(effect),
    };
    // The draws' own error is far larger than this precision.
    let [low, high] = limits(p_value, fit.estimate, scale, alpha, 1e-4);
    let found = Randomisation {
        estimate: fit.estimate,
        statistic: fit.estimate,
        p_value: rescaled.p_value(0.0),
        conf_low: low.filter(|_| options.alternative != Alternative::Less),
        conf_high: high.filter(|_| options.alternative != Alternative::Greater),
        n_assignments: design.n_assignments(),
        n_used: options.draws as usize,
        exact: false,
    };
    Ok(assembled(effect, found, &design, options, notes))
}

fn assembled(
    effect: Effect,
    found: Randomisation,
    design: &Design,
    options: &PermutationOptions<'_>,
    notes: &mut Notes,
) -> PermutationTest {
    let n_treated = design.n_treated();
    let mut rank = None;
    if n_treated == 1 && found.exact && found.n_assignments == design.codes.len() as f64 {
        let place = (found.p_value * found.n_assignments).round();
        rank = Some(place as usize);
        notes.add(format!(
            "one treated unit: its rank is {place} of {n}, and no p-value below 1/{n} is possible",
            n = found.n_assignments
        ));
    } else if found.exact && 1.0 / found.n_assignments > 1.0 - options.conf_level {
        let n = found.n_assignments;
        notes.add(format!("of {n} assignments no p-value below 1/{n} is possible"));
    }
    let wanted = match options.alternative {
        Alternative::TwoSided => found.conf_low.is_some() && found.conf_high.is_some(),
        Alternative::Greater => found.conf_low.is_some(),
        Alternative::Less => found.conf_high.is_some(),
    };
    if !wanted {
        notes.add("a limit is missing where the assignments reject no effect, however large");
    } else if options.alternative != Alternative::TwoSided {
        notes.add("a one-sided test has one limit");
    }
    PermutationTest {
        effect: Effect {
            estimate: Some(found.estimate),
            statistic: Some(found.statistic),
            p_value: Some(found.p_value),
            conf_low: found.conf_low,
            conf_high: found.conf_high,
            ..effect
        },
        n_assignments: Some(found.n_assignments).filter(|n| n.is_finite()),
        exact: found.exact,
        n_draws: (!found.exact).then_some(found.n_used),
        n_treated,
        rank,
    }
}

fn method(options: &PermutationOptions<'_>, exact: bool) -> String {
    let statistic = match options.statistic {
        PermutationStatistic::DidTwfe => "two-way fixed effects",
        PermutationStatistic::Studentised => "two-way fixed effects, t by cluster",
        PermutationStatistic::DifferenceInMeans => "difference in means of changes",
    };
    let how = if exact { "all assignments" } else { "drawn assignments" };
    let strata = if options.stratum.is_some() { " within strata" } else { "" };
    let rescaled = if options.population.is_some() { ", rescaled by population" } else { "" };
    format!("{statistic}; randomisation inference, {how}{strata}{rescaled}")
}

#[cfg(test)]
mod tests;
