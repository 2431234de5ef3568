//! Whether units that will be treated already differ, by their untreated rows.

use super::columns::Columns;
use super::unit_time::{UnitTime, cluster_factor, rounding};
use crate::Reason;
use crate::distribution::{beta, student_t};
use crate::effect::panel::Panel;
use crate::effect::{Effect, EffectAt, Notes};
use crate::inference::cluster;

/// Effects of periods before treatment, and their joint test.
#[derive(Debug, Default)]
pub(crate) struct Pretrends {
    pub(crate) effects: Vec<EffectAt>,
    pub(crate) f: Option<f64>,
    pub(crate) p: Option<f64>,
}

/// Regresses the untreated rows on indicators of 1 to `h` periods before treatment, unit and time
/// effects and covariates.
pub(crate) fn pretrends(
    panel: &Panel,
    untreated: &UnitTime<'_>,
    event_time: impl Fn(usize) -> f64,
    h: usize,
    conf_level: f64,
    notes: &Notes,
) -> Result<Pretrends, Reason> {
    if h > panel.n_times() {
        return Err(Reason::because(format!(
            "pretrends is {h} (there are {} times)",
            panel.n_times()
        )));
    }
    let rows = untreated.rows();
    let lead = |lead: usize| -> Vec<f64> {
        let is = |row| event_time(row) == -(lead as f64);
        (0..panel.n_obs()).map(|row| f64::from(u8::from(is(row)))).collect()
    };
    let mut raw = panel.covariates.clone();
    let n_covariates = raw.len();
    raw.extend((1..=h).rev().map(lead));
    let within = |column: &[f64]| -> Vec<f64> {
        let (unit, time) = untreated.effects(column);
        let mut left = column.to_vec();
        for row in rows {
            left[*row] -= unit[panel.unit[*row] as usize] + time[panel.time[*row] as usize];
        }
        left
    };
    let left = raw.iter().map(|column| within(column)).collect();
    let columns = Columns::new(panel, rows.to_vec(), &raw, left);
    let mut residual = within(&panel.y);
    let coefficients = columns.solve(&columns.sums(&residual));
    rows.iter().for_each(|row| residual[*row] -= columns.combined(*row, &coefficients));

    let take = |column: &[f64]| -> Vec<f64> { rows.iter().map(|row| column[*row]).collect() };
    let x: Vec<Vec<f64>> = columns.columns.iter().map(|column| take(column)).collect();
    let weights = panel.weights.as_ref().map(|weights| take(weights));
    let of_row: Vec<u32> = rows.iter().map(|row| panel.cluster[*row]).collect();
    let scores =
        cluster::scores(&x, &take(&residual), weights.as_deref(), &of_row, panel.n_clusters);
    let factor = cluster_factor(panel, rows, columns.kept.len());
    let covariance = factor.map(|factor| {
        let mut covariance = cluster::sandwich(&columns.inverse, &scores);
        covariance.iter_mut().flatten().for_each(|cell| *cell *= factor);
        covariance
    });
    let mut seen = vec![false; panel.n_clusters];
    of_row.iter().for_each(|cluster| seen[*cluster as usize] = true);
    let df = (seen.iter().filter(|seen| **seen).count() as f64 - 1.0).max(1.0);

    let mut effects = Vec::new();
    let mut tested = Vec::new();
    for (number, lead) in (n_covariates..).zip((1..=h).rev()) {
        let mut notes = notes.clone();
        let mut effect = Effect {
            term: format!("ATT(-{lead})"),
            n_obs: rows.len(),
            n_units: untreated.units().count(),
            ..Effect::default()
        };
        match columns.kept.iter().position(|kept| *kept == number) {
            None => {
                effect.reason = Some(Reason::because(
                    "it cannot be told from unit and time effects of untreated rows",
                ));
            }
            Some(place) => {
                tested.push(place);
                let estimate = coefficients[place];
                effect.estimate = Some(estimate);
                effect.method = Some("untreated rows alone, errors by cluster (CR1)".to_owned());
                let mut units: Vec<u32> = (rows.iter())
                    .filter(|row| raw[number][**row] == 1.0)
                    .map(|row| panel.unit[*row])
                    .collect();
                units.dedup();
                if let Some(note) = crate::effect::treated_units::note(units.len()) {
                    notes.add(note);
                }
                let error = covariance.as_ref().map(|covariance| covariance[place][place].sqrt());
                let error = error.filter(|error| units.len() > 1 && *error > rounding(panel));
                if let Some(error) = error {
                    let reach = student_t::two_sided(conf_level, df) * error;
                    effect.std_error = Some(error);
                    effect.statistic = Some(estimate / error);
                    effect.p_value = Some(student_t::two_sided_p(estimate / error, df));
                    effect.conf_low = Some(estimate - reach);
                    effect.conf_high = Some(estimate + reach);
                } else if units.len() > 1 {
                    notes.add("no standard error: too few clusters or rows, or a perfect fit");
                }
            }
        }
        effect.note = notes.text();
        let event_time = Some(-(lead as f64));
        effects.push(EffectAt { event_time, effect, ..EffectAt::default() });
    }
    let f = covariance.and_then(|covariance| wald(&coefficients, &covariance, &tested));
    let q = tested.len() as f64;
    let p = f.map(|f| beta::lower_tail(df / (df + q * f), q * f / (df + q * f), df / 2.0, q / 2.0));
    Ok(Pretrends { effects, f, p })
}

/// b' V⁻¹ b / q; nothing where V is singular.
fn wald(coefficients: &[f64], covariance: &[Vec<f64>], tested: &[usize]) -> Option<f64> {
    let q = tested.len();
    if q == 0 {
        return None;
    }
    let b = nalgebra::DVector::from_fn(q, |i, _| coefficients[tested[i]]);
    let v = nalgebra::DMatrix::from_fn(q, q, |i, j| covariance[tested[i]][tested[j]]);
    let eigen = v.clone().symmetric_eigenvalues();
    if eigen.min() <= 1e-12 * eigen.max() {
        return None;
    }
    Some(b.dot(&v.cholesky()?.solve(&b)) / q as f64)
}
