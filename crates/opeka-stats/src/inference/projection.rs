//! What is left of columns of a panel without unit and time effects and covariates, and what a
//! treatment explains of it.

use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::Panel;
use crate::effect::within::TwoWay;

/// Columns of which no more than this share of their length is left depend on the effects.
const NOTHING: f64 = 1e-9;

/// Takes unit effects, time effects and covariates out of columns: the residuals of a (weighted)
/// regression on all of them.
pub(crate) struct Projection<'a> {
    pub(crate) panel: &'a Panel,
    two_way: TwoWay<'a>,
    /// What the covariates span beyond unit and time effects: of length 1 each, and at right angles.
    pub(crate) basis: Vec<Vec<f64>>,
}

impl<'a> Projection<'a> {
    /// Covariates that unit and time effects and those before them explain are left out, and told.
    pub(crate) fn new(panel: &'a Panel, notes: &mut Notes) -> Self {
        let two_way = TwoWay::new(panel);
        let mut left_out = 0;
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for covariate in &panel.covariates {
            let length = inner(panel, covariate, covariate).sqrt();
            let mut rest = covariate.clone();
            two_way.residuals(&mut rest);
            // The second pass takes out what the rounding of the first one left.
            for _ in 0..2 {
                basis.iter().for_each(|column| take_out(panel, column, &mut rest));
            }
            let left = inner(panel, &rest, &rest).sqrt();
            if left <= NOTHING * length || left == 0.0 {
                left_out += 1;
                continue;
            }
            rest.iter_mut().for_each(|value| *value /= left);
            basis.push(rest);
        }
        if left_out > 0 {
            let word = if left_out == 1 { "covariate" } else { "covariates" };
            notes.add(format!(
                "{left_out} {word} left out: unit and time effects and the other covariates leave \
                 nothing of it"
            ));
        }
        Self { panel, two_way, basis }
    }

    /// Takes everything out of a column, which is in the order of the panel.
    pub(crate) fn residuals(&self, column: &mut [f64]) {
        self.two_way.residuals(column);
        for direction in &self.basis {
            take_out(self.panel, direction, column);
        }
    }

    pub(crate) fn residuals_of(&self, column: &[f64]) -> Vec<f64> {
        let mut rest = column.to_vec();
        self.residuals(&mut rest);
        rest
    }

    pub(crate) fn inner(&self, a: &[f64], b: &[f64]) -> f64 {
        inner(self.panel, a, b)
    }

    /// Σ w a b of each cluster.
    pub(crate) fn by_cluster(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let panel = self.panel;
        let mut sums = vec![0.0; panel.n_clusters];
        for row in 0..panel.n_obs() {
            sums[panel.cluster[row] as usize] += weight(panel, row) * a[row] * b[row];
        }
        sums
    }
}

pub(crate) fn weight(panel: &Panel, row: usize) -> f64 {
    panel.weights.as_ref().map_or(1.0, |weights| weights[row])
}

fn inner(panel: &Panel, a: &[f64], b: &[f64]) -> f64 {
    match &panel.weights {
        None => a.iter().zip(b).map(|(a, b)| a * b).sum(),
        Some(weights) => a.iter().zip(b).zip(weights).map(|((a, b), w)| w * a * b).sum(),
    }
}

fn take_out(panel: &Panel, direction: &[f64], column: &mut [f64]) {
    let share = inner(panel, direction, column);
    column.iter_mut().zip(direction).for_each(|(value, d)| *value -= share * d);
}

/// The coefficient of a treatment in a regression with unit and time effects and covariates.
pub(crate) struct TreatmentFit<'a> {
    pub(crate) projection: Projection<'a>,
    /// The treatment, 0 or 1, in the order of the panel.
    pub(crate) treated: Vec<f64>,
    /// What is left of the treatment.
    pub(crate) treatment: Vec<f64>,
    /// What is left of the outcome.
    pub(crate) outcome: Vec<f64>,
    /// Σ w of the squares of what is left of the treatment.
    pub(crate) information: f64,
    pub(crate) estimate: f64,
}

impl<'a> TreatmentFit<'a> {
    /// # Errors
    /// One unit or period, nobody or everybody treated, a treatment or an outcome that unit and
    /// time effects explain.
    pub(crate) fn new(
        panel: &'a Panel,
        treated: Vec<f64>,
        outcome: &[f64],
        notes: &mut Notes,
    ) -> Result<Self, Reason> {
        require_contrast(panel, &treated)?;
        let projection = Projection::new(panel, notes);
        let treatment = projection.residuals_of(&treated);
        let information = projection.inner(&treatment, &treatment);
        if information <= NOTHING * NOTHING * projection.inner(&treated, &treated) {
            return Err(Reason::because(
                "unit and time effects and covariates leave nothing of the treatment (units must \
                 differ in when they are treated)",
            ));
        }
        let rest = projection.residuals_of(outcome);
        let left = projection.inner(&rest, &rest);
        if left <= 1e-24 * projection.inner(outcome, outcome) {
            return Err(Reason::because(
                "unit and time effects and covariates leave nothing of the outcome",
            ));
        }
        let estimate = projection.inner(&treatment, &rest) / information;
        if !(left.is_finite() && estimate.is_finite()) {
            return Err(crate::reason::too_large());
        }
        Ok(Self { projection, treated, treatment, outcome: rest, information, estimate })
    }

    /// What is left of the outcome without an effect of this size; that of the estimate leaves the
    /// residuals.
    pub(crate) fn without_effect(&self, effect: f64) -> Vec<f64> {
        let rows = self.outcome.iter().zip(&self.treatment);
        rows.map(|(outcome, treatment)| outcome - effect * treatment).collect()
    }
}

/// There is something to compare: units, periods, rows with and without treatment.
pub(crate) fn require_contrast(panel: &Panel, treated: &[f64]) -> Result<(), Reason> {
    let why = if panel.n_units() < 2 {
        "there is one unit (it takes two and more)"
    } else if panel.n_times() < 2 {
        "there is one period (it takes two and more)"
    } else if treated.iter().all(|value| *value == 0.0) {
        "no unit is treated"
    } else if treated.iter().all(|value| *value == 1.0) {
        "every unit is treated at all times"
    } else {
        return Ok(());
    };
    Err(Reason::because(why))
}
