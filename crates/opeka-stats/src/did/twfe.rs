//! One coefficient for treatment, next to unit and time effects.

use super::coefficient::{Coefficient, Support, finish};
use super::errors::{Covariance, Degrees, Errors, covariance, residual_df};
use super::regression::Regression;
use crate::Reason;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treated_units::ENOUGH;
use crate::effect::treatment::indicator;
use crate::effect::{Effect, Notes};
use crate::inference::permutation::{self, PermutationOptions};
use crate::reason::{require_conf_level, require_finite_result};

/// Where p-value and limits of [`did_twfe`] come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwfeInference {
    /// From randomisation where fewer than ten units (or clusters) are treated or are compared with,
    /// from the error elsewhere.
    #[default]
    ByTreatedUnits,
    /// From the error and Student's t. With one treated unit there is no error.
    Errors,
    /// From randomisation, however many are treated.
    Randomisation,
}

/// Options of [`did_twfe`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwfeOptions<'a> {
    pub errors: Errors,
    pub degrees: Degrees,
    pub inference: TwfeInference,
    /// Of randomisation inference: how many people the outcome of a row is a mean of, for units of
    /// unequal size.
    pub population: Option<&'a [f64]>,
    /// Of randomisation inference, where the assignments are too many to go through.
    pub draws: u32,
    pub seed: u64,
    pub conf_level: f64,
}

impl Default for TwfeOptions<'_> {
    fn default() -> Self {
        Self {
            errors: Errors::Cluster,
            degrees: Degrees::OfErrors,
            inference: TwfeInference::ByTreatedUnits,
            population: None,
            draws: 999,
            seed: 1,
            conf_level: 0.95,
        }
    }
}

/// The result of [`did_twfe`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Twfe {
    pub effect: Effect,
    /// The degrees of freedom of Student's t.
    pub df: Option<f64>,
    /// Units whose treatment changes.
    pub n_treated: usize,
    pub n_clusters: usize,
    /// The (weighted) sum of squared residuals.
    pub ssr: Option<f64>,
    /// The share of the variance that treatment and covariates explain beyond the effects.
    pub within_r_squared: Option<f64>,
    /// Whether p-value and limits are those of randomisation inference.
    pub randomised: bool,
    /// The coefficient of each covariate; nothing for those that the columns before explain.
    pub covariates: Vec<Option<f64>>,
}

impl Twfe {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The effect of treatment as the coefficient b of y_it = a_i + c_t + b D_it + x_it'g + e_it.
///
/// **Estimates** the average effect on the treated where effects are the same for all units and
/// times, under parallel trends. With treatment that begins at different times and effects that
/// differ, b is a weighted mean of effects whose weights may be negative (de Chaisemartin and
/// D'Haultfœuille 2020, *AER* 110(9), theorem 1; Goodman-Bacon 2021, *J. Econometrics* 225(2)).
/// Treatment may end. With two times and one group that is treated in the second one it is the
/// difference of differences.
///
/// **Formula.** Weighted least squares, the effects a and c taken out exactly. Errors as
/// [`Errors`] says, tests and limits by Student's t with the degrees of freedom of [`Degrees`].
/// By default the figures are those of R's fixest: `feols(y ~ D + x | unit + time,
/// cluster = ~cluster, weights = ~w)`.
///
/// **Few treated units.** With one unit, or one cluster, whose treatment changes, or with one that
/// is compared with, there is no error; with fewer than ten of either the note says that errors
/// are too small. There randomisation inference leads: p-value and limits are those of
/// [`permutation_test`](crate::permutation_test), with one treated unit its rank among the others.
///
/// **Edge cases.** No estimate, with a [`Reason`], where the outcome is constant, where unit and
/// time effects explain the treatment (nobody or everybody is treated, all at once, or for good),
/// and for faults of the panel. Units of which the treatment is not known in some row are left out,
/// and told. Covariates that the columns before them explain are left out, and told.
pub fn did_twfe(rows: &PanelRows<'_>, treated: &[Option<f64>], options: &TwfeOptions<'_>) -> Twfe {
    calculate(rows, treated, options).unwrap_or_else(Twfe::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    treated: &[Option<f64>],
    options: &TwfeOptions<'_>,
) -> Result<Twfe, Reason> {
    require_conf_level(options.conf_level)?;
    let mut notes = Notes::default();
    let (panel, treated) = indicator(&Panel::new(rows)?, treated, &mut notes)?;
    require_variation(&panel, &treated)?;
    let n_units = panel.n_units();
    let units = Treated::new(&panel, &treated);
    if let Some(note) = units.few_to_compare_with() {
        notes.add(note);
    }
    let led = match options.inference {
        TwfeInference::ByTreatedUnits => units.are_few(),
        TwfeInference::Errors => false,
        TwfeInference::Randomisation => true,
    };
    let assignment = led.then(|| treated.clone());
    let mut columns = vec![treated];
    columns.extend(panel.covariates.iter().cloned());
    let fit = Regression::fit(&panel, columns);
    if fit.kept.first() != Some(&0) {
        return Err(units.why_explained(&panel));
    }
    require_finite_result(&fit.coefficients)?;
    let mut covariates = vec![None; panel.covariates.len()];
    for (place, coefficient) in fit.kept.iter().zip(&fit.coefficients).skip(1) {
        covariates[place - 1] = Some(*coefficient);
    }
    for place in (0..covariates.len()).filter(|place| covariates[*place].is_none()) {
        notes.add(format!(
            "covariate {} left out: the effects and the columns before explain it",
            place + 1
        ));
    }
    let errors = covariance(&panel, &fit, options.errors, options.degrees);
    let error = match &errors {
        Ok(Covariance { matrix, df }) => Ok((matrix[0][0].sqrt(), df[0])),
        Err(why) => Err(why.clone()),
    };
    let error = if units.one_to_compare_with {
        Err("with one unit to compare with there is nothing to estimate it from".to_owned())
    } else {
        error
    };
    let weighted = if panel.weights.is_some() { "weighted " } else { "" };
    let effect = Effect {
        term: "ATT".to_owned(),
        n_obs: panel.n_obs(),
        n_units,
        method: Some(format!(
            "{weighted}least squares with unit and time effects, {}",
            options.errors.words()
        )),
        ..Effect::default()
    };
    let coefficient =
        Coefficient { estimate: fit.coefficients[0], error: error.clone(), support: units.support };
    let mut effect = finish(effect, coefficient, options.conf_level, &mut notes);
    let randomised = match assignment {
        Some(treated) => lead(&mut effect, &panel, &treated, options, &mut notes),
        None => false,
    };
    Ok(Twfe {
        randomised,
        df: error.ok().map(|(_, df)| df).filter(|_| effect.std_error.is_some()),
        n_treated: units.n_treated,
        n_clusters: panel.n_clusters,
        ssr: Some(fit.rss),
        within_r_squared: (residual_df(&panel, &fit) > 0 && fit.tss > 0.0)
            .then(|| 1.0 - fit.rss / fit.tss),
        covariates,
        effect,
    })
}

/// Puts test and limits by randomisation in the place of those by the error; whether it can be done.
fn lead(
    effect: &mut Effect,
    panel: &Panel,
    treated: &[f64],
    options: &TwfeOptions<'_>,
    notes: &mut Notes,
) -> bool {
    let test = PermutationOptions {
        draws: options.draws,
        seed: options.seed,
        conf_level: options.conf_level,
        population: options.population,
        ..PermutationOptions::default()
    };
    match permutation::of_panel(panel, treated, &test, notes) {
        Err(reason) => {
            notes.add(format!("no randomisation inference: {}", reason.why()));
            effect.note = notes.text();
            false
        }
        Ok(found) => {
            effect.p_value = found.effect.p_value;
            effect.conf_low = found.effect.conf_low;
            effect.conf_high = found.effect.conf_high;
            let how = if found.exact { "all assignments" } else { "drawn assignments" };
            let method = effect.method.take().unwrap_or_default();
            effect.method =
                Some(format!("{method}; p-value and limits by randomisation inference, {how}"));
            effect.note = notes.text();
            true
        }
    }
}

/// The outcome and the treatment differ at all.
fn require_variation(panel: &Panel, treated: &[f64]) -> Result<(), Reason> {
    let constant = |column: &[f64]| column.windows(2).all(|pair| pair[0] == pair[1]);
    if constant(&panel.y) {
        return Err(Reason::because("the outcome is the same in all rows"));
    }
    if constant(treated) {
        let all = treated.first() == Some(&1.0);
        return Err(Reason::because(if all {
            "all rows are treated"
        } else {
            "no row is treated"
        }));
    }
    Ok(())
}

/// Who is treated, as far as it bears on errors.
struct Treated {
    support: Support,
    n_treated: usize,
    /// Units that are compared with; nothing where treatment begins at different times, so that
    /// units are compared with each other.
    n_others: Option<usize>,
    one_to_compare_with: bool,
}

impl Treated {
    fn new(panel: &Panel, treated: &[f64]) -> Self {
        let mut clusters: [Vec<bool>; 2] =
            [vec![false; panel.n_clusters], vec![false; panel.n_clusters]];
        let (mut n_treated, mut n_others) = (0, 0);
        let mut paths: Vec<(u32, u32, u32)> = Vec::new();
        for unit in 0..panel.n_units() {
            let rows = panel.rows_of(unit);
            let of = |value: f64| rows.clone().filter(move |row| treated[*row] == value);
            let is_treated = of(1.0).next().is_some() && of(0.0).next().is_some();
            rows.clone().for_each(|row| {
                clusters[usize::from(is_treated)][panel.cluster[row] as usize] = true;
            });
            if !is_treated {
                n_others += 1;
                continue;
            }
            n_treated += 1;
            let time = |row: Option<usize>| row.map_or(0, |row| panel.time[row]);
            let path = (time(of(1.0).next()), time(of(1.0).last()), of(1.0).count() as u32);
            if !paths.contains(&path) && paths.len() < 2 {
                paths.push(path);
            }
        }
        let count = |side: &[bool]| side.iter().filter(|there| **there).count();
        let others = n_others.min(count(&clusters[0]));
        let n_others = (paths.len() == 1).then_some(others);
        Self {
            support: Support::new(n_treated, count(&clusters[1])),
            n_treated,
            n_others,
            one_to_compare_with: n_others == Some(1),
        }
    }

    /// Whether errors by cluster are not to be trusted.
    fn are_few(&self) -> bool {
        self.support.n_treated < ENOUGH || self.n_others.is_some_and(|n| n < ENOUGH)
    }

    /// Treatment and its absence are two sides of one contrast: few units on the other side are as
    /// much of a problem.
    fn few_to_compare_with(&self) -> Option<String> {
        let n = self.n_others.filter(|n| self.support.has_error() && (2..ENOUGH).contains(n))?;
        Some(format!(
            "standard errors by cluster are too small with {n} units or clusters to compare with"
        ))
    }

    fn why_explained(&self, panel: &Panel) -> Reason {
        if panel.n_times() == 1 {
            return Reason::because("there is 1 time (treatment needs a before and an after)");
        }
        if self.n_treated == 0 {
            return Reason::because(
                "the treatment of no unit changes, so that unit effects explain it",
            );
        }
        Reason::because("unit and time effects explain the treatment")
    }
}

#[cfg(test)]
mod tests;
