//! Whether the trends of treated and other areas were apart before treatment began.

use super::wald::{chi_squared_upper_tail, f_upper_tail, wald_statistic};
use crate::Reason;
use crate::did::event_study::{EventStudy, EventStudyOptions, event_study};
use crate::effect::panel::PanelRows;
use crate::effect::treated_units;

/// The distribution of a joint test under the hypothesis that all coefficients are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaldDistribution {
    /// F with q and G − 1 degrees of freedom, G being the number of clusters (N − K without).
    #[default]
    F,
    /// F with q and N − K degrees of freedom: the test of R's fixest.
    FResidual,
    /// χ² with q degrees of freedom.
    ChiSquared,
}

/// The result of [`pretrend_test`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PretrendTest {
    /// F = b'V⁻¹b/q, or b'V⁻¹b for χ².
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    /// How many coefficients are tested: q.
    pub df: Option<f64>,
    /// The degrees of freedom of the denominator of F.
    pub df_residual: Option<f64>,
    pub n_obs: usize,
    pub n_units: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is no test.
    pub reason: Option<Reason>,
}

impl PretrendTest {
    /// No test, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// Tests that the coefficients of an [`event_study`] at all event times before treatment (its leads,
/// without the reference) are zero together.
///
/// **Formula.** F = b'V⁻¹b/q for the q leads b and their covariance V (Wald). The distribution is
/// as [`WaldDistribution`] says.
///
/// A test that does not reject is no proof of parallel trends: with few areas it sees little (Roth
/// 2022, *AER: Insights* 4(3)). [`pretrend_equivalence`](crate::pretrend_equivalence) turns the
/// hypothesis round.
///
/// **Few treated units.** Where a lead is of one treated unit there is no test: the variance of that
/// lead cannot be estimated. With two to nine the note says that the test rejects too often.
///
/// **Edge cases.** No test, with a [`Reason`], where there is no event study, where it has no leads
/// beside the reference, and where the covariance of the leads is singular, as it is with as many
/// leads as clusters.
pub fn pretrend_test(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &EventStudyOptions,
    distribution: WaldDistribution,
) -> PretrendTest {
    let study = event_study(rows, first_treated, adopter, options);
    study.joint_test(|event_time| event_time < 0.0, distribution).unwrap_or_else(|reason| {
        let (n_obs, n_units) = (study.n_obs, study.n_units);
        PretrendTest { n_obs, n_units, ..PretrendTest::unknown(reason) }
    })
}

impl EventStudy {
    /// Tests that the coefficients at some event times are zero together.
    ///
    /// # Errors
    /// Why there is no test, as [`pretrend_test`] says.
    pub fn joint_test(
        &self,
        chosen: impl Fn(f64) -> bool,
        distribution: WaldDistribution,
    ) -> Result<PretrendTest, Reason> {
        let places = self.tested(chosen)?;
        let b: Vec<f64> = places.iter().map(|k| self.coefficients[*k]).collect();
        let v: Vec<Vec<f64>> = places
            .iter()
            .map(|i| places.iter().map(|j| self.covariance[*i][*j]).collect())
            .collect();
        let q = places.len() as f64;
        let singular = || {
            Reason::because(format!(
                "the covariance of {} event times is singular: there are too few clusters for them \
                 (take fewer, with leads and lags)",
                places.len()
            ))
        };
        if q > self.df {
            return Err(singular());
        }
        let wald = wald_statistic(&b, &v).ok_or_else(singular)?;
        let f = wald / q;
        let (statistic, p, df_residual, words) = match distribution {
            WaldDistribution::F => (f, f_upper_tail(f, q, self.df), Some(self.df), "F"),
            WaldDistribution::FResidual => {
                let df = self.df_residual;
                if df <= 0.0 {
                    return Err(Reason::because("there are as many coefficients as rows"));
                }
                (f, f_upper_tail(f, q, df), Some(df), "F of the rows")
            }
            WaldDistribution::ChiSquared => (wald, chi_squared_upper_tail(wald, q), None, "χ²"),
        };
        let few = places.iter().filter_map(|k| self.n_treated.get(*k)).min();
        let few = few.and_then(|n| treated_units::note(*n)).map(|_| {
            let n = few.copied().unwrap_or_default();
            format!("an event time has {n} treated units: the test rejects too often")
        });
        let note = [self.note.clone(), few].into_iter().flatten().collect::<Vec<_>>().join("; ");
        Ok(PretrendTest {
            statistic: Some(statistic),
            p_value: Some(p),
            df: Some(q),
            df_residual,
            n_obs: self.n_obs,
            n_units: self.n_units,
            method: self.method.as_ref().map(|method| format!("{method}; Wald test, {words}")),
            note: (!note.is_empty()).then_some(note),
            reason: None,
        })
    }

    /// The places of coefficients that can be tested together.
    pub(crate) fn tested(&self, chosen: impl Fn(f64) -> bool) -> Result<Vec<usize>, Reason> {
        if let Some(reason) = &self.reason {
            return Err(reason.clone());
        }
        let places: Vec<usize> =
            (0..self.event_times.len()).filter(|k| chosen(self.event_times[*k])).collect();
        if places.is_empty() {
            return Err(Reason::because("there is no event time to test beside the reference"));
        }
        if let Some(why) = &self.no_covariance {
            return Err(Reason::because(format!("there is no covariance: {why}")));
        }
        if let Some(k) = places.iter().find(|k| self.n_treated[**k] == 1) {
            return Err(Reason::because(format!(
                "event time {} has one treated unit or cluster, whose variance cannot be estimated \
                 (bin it with others, by leads or lags)",
                self.event_times[*k]
            )));
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests;
