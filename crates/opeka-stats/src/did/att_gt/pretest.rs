//! Whether cohorts and controls moved alike before treatment.

use nalgebra::{DMatrix, DVector};

use super::cells::Cell;
use crate::Reason;
use crate::distribution::gamma;

/// The result of a joint test of all effects before treatment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttPretest {
    /// Wald's statistic, χ² distributed where cohorts and controls moved alike.
    pub statistic: Option<f64>,
    /// How many effects are tested at once.
    pub df: Option<usize>,
    pub p_value: Option<f64>,
    /// The units that were used.
    pub n_units: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    pub reason: Option<Reason>,
}

impl AttPretest {
    /// No test, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// b'V⁻¹b of the effects before treatment, and how many they are.
pub(super) fn wald(cells: &[Cell], covariance: &[Vec<f64>]) -> Result<(f64, usize), Reason> {
    let mut tested = Vec::new();
    for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.treated()) {
        match &cell.outcome {
            Err(reason) => {
                return Err(Reason::because(format!(
                    "ATT({},{}) is not there ({})",
                    cell.first,
                    cell.time,
                    reason.why()
                )));
            }
            Ok((estimate, _)) if covariance[place][place] > 0.0 => tested.push((place, *estimate)),
            Ok(_) => {}
        }
    }
    let k = tested.len();
    if k == 0 {
        return Err(Reason::because("there is no period before treatment to test"));
    }
    let singular = || {
        Reason::because(format!(
            "the {k} effects before treatment depend on each other (there are too few units)"
        ))
    };
    // Scaled to a correlation, so that the judgement does not depend on units of measurement.
    let scale: Vec<f64> =
        tested.iter().map(|(place, _)| covariance[*place][*place].sqrt()).collect();
    let correlation =
        DMatrix::from_fn(k, k, |i, j| covariance[tested[i].0][tested[j].0] / (scale[i] * scale[j]));
    let eigenvalues = correlation.clone().symmetric_eigenvalues();
    let (low, high) = (eigenvalues.min(), eigenvalues.max());
    if low.is_nan() || high.is_nan() || low <= 1e-12 * high {
        return Err(singular());
    }
    let factor = correlation.cholesky().ok_or_else(singular)?;
    let z = DVector::from_iterator(k, tested.iter().zip(&scale).map(|((_, b), s)| b / s));
    Ok((z.dot(&factor.solve(&z)), k))
}

/// The probability of a larger χ² with `df` degrees of freedom.
pub(super) fn upper_tail(statistic: f64, df: usize) -> f64 {
    gamma::upper_tail(0.5 * df as f64, 0.5 * statistic)
}
