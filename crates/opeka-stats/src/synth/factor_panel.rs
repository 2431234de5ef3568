//! What models with factors share: the panel as a matrix, effects by event time, and their errors.

use nalgebra::DMatrix;

use crate::Reason;
use crate::distribution::normal;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::treatment::{Cohort, adoption, listed};
use crate::effect::{Effect, EffectAt, Notes, treated_units};
use crate::reason::require_finite_result;

/// A panel without gaps as matrices, one row for each time and one column for each unit.
#[derive(Clone, Debug)]
pub(super) struct FactorPanel {
    pub(super) y: DMatrix<f64>,
    pub(super) covariates: Vec<DMatrix<f64>>,
    /// How much a row counts where it is treated.
    pub(super) weights: Option<DMatrix<f64>>,
    /// Of each unit, how many times come before its treatment; all of them where it is never
    /// treated.
    pub(super) first: Vec<usize>,
}

impl FactorPanel {
    /// The panel without units that have fewer than `fewest` times before treatment, which are
    /// told.
    pub(super) fn new(
        rows: &PanelRows<'_>,
        treated: &[Option<f64>],
        fewest: usize,
        notes: &mut Notes,
    ) -> Result<Self, Reason> {
        let (panel, cohorts) = adoption(&Panel::new(rows)?, treated, notes)?;
        let n_times = panel.n_times();
        let first: Vec<usize> = cohorts
            .iter()
            .map(|cohort| match cohort {
                Cohort::Never => n_times,
                Cohort::From(time) => panel.times.partition_point(|known| known < time),
            })
            .collect();
        let n_treated = first.iter().filter(|first| **first < n_times).count();
        if n_treated == 0 {
            return Err(Reason::because("no unit is treated"));
        }
        if n_treated == first.len() {
            return Err(Reason::because(
                "every unit is treated at some time (controls are units that never are)",
            ));
        }
        let early: Vec<bool> = first.iter().map(|first| *first < fewest.min(n_times)).collect();
        let names: Vec<&str> =
            (0..early.len()).filter(|u| early[*u]).map(|u| panel.units[u].as_str()).collect();
        let periods = if fewest == 1 { "period" } else { "periods" };
        if names.len() == n_treated {
            return Err(Reason::because(format!(
                "before treatment there are fewer than {fewest} {periods}"
            )));
        }
        if !names.is_empty() {
            let names = listed(&names);
            notes.add(format!(
                "{names} left out: treated with fewer than {fewest} {periods} before"
            ));
        }
        let panel = panel.keep(|row| !early[panel.unit[row] as usize]);
        panel.require_balanced()?;
        if panel.y.iter().all(|y| *y == panel.y[0]) {
            return Err(Reason::because("the outcome is the same everywhere"));
        }
        let matrix =
            |column: &Vec<f64>| DMatrix::from_column_slice(n_times, panel.n_units(), column);
        Ok(Self {
            y: matrix(&panel.y),
            covariates: panel.covariates.iter().map(matrix).collect(),
            weights: panel.weights.as_ref().map(matrix),
            first: first
                .iter()
                .zip(&early)
                .filter(|(_, early)| !**early)
                .map(|(f, _)| *f)
                .collect(),
        })
    }

    pub(super) fn n_times(&self) -> usize {
        self.y.nrows()
    }

    pub(super) fn n_units(&self) -> usize {
        self.y.ncols()
    }

    pub(super) fn never(&self) -> Vec<usize> {
        (0..self.n_units()).filter(|unit| self.first[*unit] == self.n_times()).collect()
    }

    pub(super) fn treated(&self) -> Vec<usize> {
        (0..self.n_units()).filter(|unit| self.first[*unit] < self.n_times()).collect()
    }

    /// The units of these places, which may occur more than once.
    pub(super) fn select(&self, units: &[usize]) -> Self {
        Self {
            y: self.y.select_columns(units),
            covariates: self.covariates.iter().map(|x| x.select_columns(units)).collect(),
            weights: self.weights.as_ref().map(|w| w.select_columns(units)),
            first: units.iter().map(|unit| self.first[*unit]).collect(),
        }
    }

    /// Mean effects, from the differences between outcomes and what they would have been: one
    /// column for each unit of `units`. Rows count by their weights.
    pub(super) fn means(&self, units: &[usize], gaps: &DMatrix<f64>) -> Means {
        let n_times = self.n_times() as isize;
        let earliest = units.iter().map(|unit| self.first[*unit]).max().unwrap_or(0) as isize;
        let latest = units.iter().map(|u| n_times - self.first[*u] as isize).max().unwrap_or(0);
        let mut sums = vec![(0.0, 0.0, 0usize); (earliest + latest) as usize];
        let (mut sum, mut total) = (0.0, 0.0);
        for (column, unit) in units.iter().enumerate() {
            for t in 0..self.n_times() {
                let event = t as isize - self.first[*unit] as isize;
                let weight = self.weights.as_ref().map_or(1.0, |w| w[(t, *unit)]);
                let part = &mut sums[(event + earliest) as usize];
                part.0 += weight * gaps[(t, column)];
                part.1 += weight;
                part.2 += 1;
                if event >= 0 {
                    sum += weight * gaps[(t, column)];
                    total += weight;
                }
            }
        }
        Means {
            overall: sum / total,
            by_event: (-earliest..latest)
                .zip(sums)
                .map(|(event, (sum, total, n))| (event, sum / total, n))
                .collect(),
        }
    }
}

/// Mean effects over all treated rows, and by periods since treatment began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Means {
    pub(super) overall: f64,
    /// Event time, mean effect, and over how many units.
    pub(super) by_event: Vec<(isize, f64, usize)>,
}

impl Means {
    /// The means one after the other, the overall one first; `None` for event times that a draw
    /// does not have.
    fn aligned(&self, like: &Self) -> Vec<Option<f64>> {
        let find = |event: isize| {
            let found = self.by_event.iter().find(|(known, ..)| *known == event);
            found.map(|(_, mean, _)| *mean)
        };
        let mut all = vec![Some(self.overall)];
        all.extend(like.by_event.iter().map(|(event, ..)| find(*event)));
        all
    }
}

/// How errors were found: the draws, and what their spread is multiplied by.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    pub(super) means: Vec<Option<Means>>,
    pub(super) factor: f64,
    /// In words.
    pub(super) word: String,
}

impl Draws {
    /// Error of each mean, as far as two draws have it.
    fn errors(&self, like: &Means) -> Vec<Option<f64>> {
        let rows: Vec<Vec<Option<f64>>> =
            self.means.iter().flatten().map(|means| means.aligned(like)).collect();
        (0..=like.by_event.len())
            .map(|k| {
                let values: Vec<f64> = rows.iter().filter_map(|row| row[k]).collect();
                if values.len() < 2 {
                    return None;
                }
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                let square: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
                Some(self.factor * (square / (n - 1.0)).sqrt())
            })
            .collect()
    }
}

/// The list of effects: overall first, then by event time.
pub(super) fn effects(
    panel: &FactorPanel,
    means: &Means,
    draws: Option<&Draws>,
    asked_with_one: bool,
    conf_level: f64,
    model: &str,
    mut notes: Notes,
) -> Result<Vec<EffectAt>, Reason> {
    let n_treated = panel.treated().len();
    let estimates: Vec<f64> =
        std::iter::once(means.overall).chain(means.by_event.iter().map(|e| e.1)).collect();
    require_finite_result(&estimates)?;
    if draws.is_some() && !asked_with_one && (2..treated_units::ENOUGH).contains(&n_treated) {
        notes.add(format!(
            "with {n_treated} treated units errors lean on few of them, and are too small where \
             they vary more than controls do"
        ));
    }
    let errors = draws.map(|draws| draws.errors(means));
    let method = match draws {
        Some(draws) => format!("{model}; {}", draws.word),
        None => model.to_owned(),
    };
    let one = |k: usize, event: Option<isize>, n: usize| {
        let mut effect = Effect {
            term: event.map_or("ATT".to_owned(), |event| format!("ATT({event})")),
            estimate: Some(estimates[k]),
            n_obs: panel.n_times() * panel.n_units(),
            n_units: panel.n_units(),
            method: Some(method.clone()),
            ..Effect::default()
        };
        let mut notes = notes.clone();
        let allowed = n > 1 || asked_with_one;
        match errors.as_ref().and_then(|errors| errors[k]).filter(|_| allowed) {
            Some(error) => set_error(&mut effect, error, conf_level),
            None if errors.is_some() && !allowed => {
                notes.add(treated_units::note(1).unwrap_or_default());
            }
            None => {}
        }
        effect.note = notes.text();
        EffectAt { event_time: event.map(|event| event as f64), effect, ..EffectAt::default() }
    };
    let mut all = vec![one(0, None, n_treated)];
    all.extend(
        (means.by_event.iter().enumerate()).map(|(k, (event, _, n))| one(k + 1, Some(*event), *n)),
    );
    Ok(all)
}

fn set_error(effect: &mut Effect, std_error: f64, conf_level: f64) {
    let Some(estimate) = effect.estimate else { return };
    effect.std_error = Some(std_error);
    if std_error > 0.0 {
        effect.statistic = Some(estimate / std_error);
        effect.p_value = Some(normal::two_sided_p(estimate / std_error));
    }
    let half = normal::two_sided(conf_level) * std_error;
    effect.conf_low = Some(estimate - half);
    effect.conf_high = Some(estimate + half);
}

/// What unit and time effects are of a matrix without gaps, one number for each cell.
pub(super) fn additive(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let (unit, time) = (matrix.row_mean(), matrix.column_mean());
    let all = matrix.mean();
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |t, i| unit[i] + time[t] - all)
}

/// X'X of covariates whose unit and time effects are taken out, inverted.
pub(super) fn inverse_cross(
    within: &[DMatrix<f64>],
    whole: &[DMatrix<f64>],
) -> Result<DMatrix<f64>, Reason> {
    let p = within.len();
    for (left, all) in within.iter().zip(whole) {
        if left.amax() <= 1e-10 * all.amax() {
            return Err(Reason::because("a covariate is no more than unit and time effects"));
        }
    }
    // In units of their own lengths.
    let length: Vec<f64> = within.iter().map(|x| x.norm()).collect();
    let cross = DMatrix::from_fn(p, p, |a, b| within[a].dot(&within[b]) / (length[a] * length[b]));
    let combination = || Reason::because("one covariate is a combination of others");
    if p > 0 && cross.symmetric_eigenvalues().min() < 1e-12 {
        return Err(combination());
    }
    let inverse = cross.cholesky().ok_or_else(combination)?.inverse();
    Ok(DMatrix::from_fn(p, p, |a, b| inverse[(a, b)] / (length[a] * length[b])))
}

/// A sum of covariates with these coefficients.
pub(super) fn combined(
    covariates: &[DMatrix<f64>],
    coefficients: &[f64],
    like: &DMatrix<f64>,
) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(like.nrows(), like.ncols());
    for (x, coefficient) in covariates.iter().zip(coefficients) {
        sum += x * *coefficient;
    }
    sum
}
