//! From a coefficient and its error to an effect.

use crate::distribution::student_t;
use crate::effect::treated_units;
use crate::effect::{Effect, Notes};

/// Which of the few things that treatment was given to make its error doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Support {
    /// Treated units, or the clusters that they are in where these are fewer.
    pub(crate) n_treated: usize,
    /// Whether clusters were counted.
    pub(crate) clusters: bool,
}

impl Support {
    pub(crate) fn new(n_units: usize, n_clusters: usize) -> Self {
        let clusters = n_clusters < n_units;
        Self { n_treated: n_units.min(n_clusters), clusters }
    }

    /// With one treated unit there is no error.
    pub(crate) fn has_error(self) -> bool {
        self.n_treated != 1
    }

    pub(crate) fn note(self) -> Option<String> {
        let note = treated_units::note(self.n_treated)?;
        Some(if self.clusters { note.replace("treated unit", "treated cluster") } else { note })
    }
}

/// A coefficient that estimates an effect.
#[derive(Clone, Debug)]
pub(crate) struct Coefficient {
    pub(crate) estimate: f64,
    /// Of the estimate, and the degrees of freedom of its t; or why there is none.
    pub(crate) error: Result<(f64, f64), String>,
    pub(crate) support: Support,
}

/// Writes estimate, error, test and limits into `effect`, with what few treated units make of them.
///
/// With two to nine treated units the test and the limits are those of Student's t all the same, and
/// the note says that they are too sure.
pub(crate) fn finish(
    effect: Effect,
    coefficient: Coefficient,
    conf_level: f64,
    notes: &mut Notes,
) -> Effect {
    let estimate = coefficient.estimate;
    let mut effect = Effect { estimate: Some(estimate), ..effect };
    let few = coefficient.support.note();
    match coefficient.error {
        _ if !coefficient.support.has_error() => few.into_iter().for_each(|note| notes.add(note)),
        Err(why) => notes.add(format!("no standard error: {why}")),
        Ok((error, df)) if error > 0.0 && error.is_finite() && df > 0.0 => {
            let margin = student_t::two_sided(conf_level, df) * error;
            effect.std_error = Some(error);
            effect.statistic = Some(estimate / error);
            effect.p_value = Some(student_t::two_sided_p(estimate / error, df));
            effect.conf_low = Some(estimate - margin);
            effect.conf_high = Some(estimate + margin);
            few.into_iter().for_each(|note| notes.add(note));
        }
        Ok(_) => notes.add("no standard error: the estimated variance is not above zero"),
    }
    effect.note = notes.text();
    effect
}
