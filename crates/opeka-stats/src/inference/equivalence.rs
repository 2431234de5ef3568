//! How far apart trends can have been before treatment began, given what was seen.

use nalgebra::{Matrix4, SymmetricEigen};

use crate::Reason;
use crate::did::event_study::{EventStudy, EventStudyOptions, Prepared, prepare};
use crate::distribution::normal;
use crate::effect::panel::{Panel, PanelRows};
use crate::effect::{Notes, treated_units};
use crate::random::Random;
use crate::reason::require_positive;

/// Options of [`pretrend_equivalence`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EquivalenceOptions {
    /// The event study; its `conf_level` is 1 − α of the tests.
    pub study: EventStudyOptions,
    /// Differences of trends below this are of no matter, in units of the outcome.
    pub threshold: Option<f64>,
    /// Of the order of units in which the test of the root mean square takes them.
    pub seed: u64,
}

/// One way of summing up the leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Equivalence {
    /// The largest of the leads in size, the size of their mean, or their root mean square.
    pub estimate: Option<f64>,
    /// The smallest threshold at which the test finds the trends equivalent.
    pub threshold: Option<f64>,
    /// Whether they are equivalent at the threshold of the options.
    pub equivalent: Option<bool>,
    pub note: Option<String>,
    /// Why there is no test.
    pub reason: Option<Reason>,
}

/// The largest difference of trends at an event time, either way, that is not rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeadBound {
    pub event_time: f64,
    /// |b| + z(1 − α) × error.
    pub bound: Option<f64>,
}

/// The result of [`pretrend_equivalence`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PretrendEquivalence {
    /// One for each event time before treatment.
    pub bounds: Vec<LeadBound>,
    pub max: Equivalence,
    pub mean: Equivalence,
    pub rms: Equivalence,
    pub n_leads: usize,
    pub n_obs: usize,
    pub n_units: usize,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there is nothing.
    pub reason: Option<Reason>,
}

impl PretrendEquivalence {
    /// No tests, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        let none = || Equivalence { reason: Some(reason.clone()), ..Equivalence::default() };
        Self { max: none(), mean: none(), rms: none(), reason: Some(reason), ..Self::default() }
    }
}

/// Tests whether the leads b of an event study are smaller than a threshold, against the hypothesis
/// that they are not; and the smallest threshold for which they are found to be.
///
/// Dette and Schumann (2024), "Testing for equivalence of pre-trends in difference-in-differences
/// estimation", *JBES* 42(4). The burden of proof is on parallel trends: with little data the
/// threshold is large, where a test of no difference ([`pretrend_test`](crate::pretrend_test)) finds
/// nothing.
///
/// **Formula.** With α = 1 − `conf_level` and errors s of the event study:
///
/// - `max`: equivalent at δ where every |b_l| is at most the α quantile of |N(δ, s_l²)| (equation
///   4.4, intersection and union). The smallest δ is the largest of those of the leads.
/// - `mean`: equivalent at τ where |b̄| is at most the α quantile of |N(τ, 1'V1/q²)| (equation 4.11).
/// - `rms`: with r² = Σ b²/q, equivalent at ζ where r² ≤ ζ² + Q(α) v (equation 4.18). v² is the mean of
///   (r²(λ) − r²)² over λ = 1/5, …, 4/5, r(λ) being that of the share λ of the units, in an order
///   drawn with `seed`; Q is the quantile of B(1)/(∫ (B(λ)/λ − B(1))² dν)^½ for Brownian motion B,
///   which is normal over the root of an independent quadratic form and is integrated, not drawn.
///
/// `bounds` are those of two one-sided tests for each lead. They are never zero, which the smallest
/// threshold of the folded normal can be for an estimate that is small beside its error: then the
/// note says so.
///
/// **Few treated units.** As in [`pretrend_test`](crate::pretrend_test): none with one at a lead; with
/// two to nine the note says that thresholds are too small.
///
/// **Edge cases.** As in [`pretrend_test`](crate::pretrend_test), but a covariance that is singular
/// is no obstacle. `rms` is missing alone where a share of the units does not have all leads.
pub fn pretrend_equivalence(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &EquivalenceOptions,
) -> PretrendEquivalence {
    calculate(rows, first_treated, adopter, options).unwrap_or_else(PretrendEquivalence::unknown)
}

fn calculate(
    rows: &PanelRows<'_>,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    options: &EquivalenceOptions,
) -> Result<PretrendEquivalence, Reason> {
    if let Some(threshold) = options.threshold {
        require_positive("threshold", threshold)?;
    }
    let prepared = prepare(&Panel::new(rows)?, first_treated, adopter, &options.study)?;
    let study = prepared.study(&options.study)?;
    let places = study.tested(|event_time| event_time < 0.0)?;
    let alpha = 1.0 - options.study.conf_level;
    let q = places.len() as f64;
    let b = |k: usize| study.coefficients[k];
    let error = |k: usize| study.covariance[k][k].max(0.0).sqrt();
    let z = normal::quantile(options.study.conf_level);
    let bounds = places.iter().map(|k| LeadBound {
        event_time: study.event_times[*k],
        bound: Some(b(*k).abs() + z * error(*k)),
    });

    let largest = places.iter().map(|k| b(*k).abs()).fold(0.0, f64::max);
    let threshold = places.iter().map(|k| smallest_threshold(b(*k).abs(), error(*k), alpha));
    let max = options.judge(largest, threshold.fold(0.0, f64::max));
    let mean = (places.iter().map(|k| b(*k)).sum::<f64>() / q).abs();
    let sum: f64 =
        places.iter().map(|i| places.iter().map(|j| study.covariance[*i][*j]).sum::<f64>()).sum();
    let mean = options.judge(mean, smallest_threshold(mean, sum.max(0.0).sqrt() / q, alpha));
    let rms = match root_mean_square(&prepared, &study, &places, options) {
        Ok((estimate, threshold)) => options.judge(estimate, threshold),
        Err(reason) => Equivalence { reason: Some(reason), ..Equivalence::default() },
    };
    let mut notes = Notes::default();
    study.note.iter().for_each(|note| notes.add(note.clone()));
    let few = places.iter().filter_map(|k| study.n_treated.get(*k)).min();
    if let Some(n) = few.filter(|n| treated_units::note(**n).is_some()) {
        notes.add(format!("a lead has {n} treated units: thresholds are too small"));
    }
    [&max, &mean, &rms].iter().filter_map(|part| part.note.as_ref()).for_each(|n| notes.add(n));
    Ok(PretrendEquivalence {
        bounds: bounds.collect(),
        max,
        mean,
        rms,
        n_leads: places.len(),
        n_obs: study.n_obs,
        n_units: study.n_units,
        method: study.method.map(|method| format!("{method}; Dette and Schumann's tests")),
        note: notes.text(),
        reason: None,
    })
}

impl EquivalenceOptions {
    fn judge(&self, estimate: f64, threshold: f64) -> Equivalence {
        let note = (threshold == 0.0).then(|| {
            "the estimate is so small beside its error that the test finds equivalence at any \
             threshold: take the bounds of the leads"
                .to_owned()
        });
        Equivalence {
            estimate: Some(estimate),
            threshold: Some(threshold),
            equivalent: self.threshold.map(|given| threshold <= given),
            note,
            reason: None,
        }
    }
}

/// The smallest δ ≥ 0 with P(|N(δ, s²)| ≤ b) ≤ α.
fn smallest_threshold(b: f64, s: f64, alpha: f64) -> f64 {
    if s <= 0.0 {
        return b;
    }
    // Φ((b − δ)/s) − Φ((−b − δ)/s) falls as δ grows; far tails keep their digits as lower tails.
    let inside = |delta: f64| normal::cdf((b - delta) / s) - normal::cdf((-b - delta) / s);
    let (mut low, mut high) = (0.0, b - s * normal::quantile(alpha.min(0.5)) + s);
    if inside(low) <= alpha {
        return 0.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if inside(middle) > alpha { low = middle } else { high = middle }
    }
    high
}

/// The root mean square of the leads, and the smallest threshold for it.
fn root_mean_square(
    prepared: &Prepared,
    study: &EventStudy,
    places: &[usize],
    options: &EquivalenceOptions,
) -> Result<(f64, f64), Reason> {
    let square = |b: &[f64]| b.iter().map(|b| b * b).sum::<f64>() / b.len() as f64;
    let all: Vec<f64> = places.iter().map(|k| study.coefficients[*k]).collect();
    let whole = square(&all);
    let n_units = prepared.panel.n_units();
    let mut order: Vec<usize> = (0..n_units).collect();
    Random::new(options.seed, 0).shuffle(&mut order);
    let mut rank = vec![0; n_units];
    order.iter().enumerate().for_each(|(place, unit)| rank[*unit] = place);
    let mut spread = 0.0;
    for share in 1..5 {
        let n = n_units * share / 5;
        let (times, fit) = prepared.keep_units(|unit| rank[unit] < n).fit(options.study.reference);
        let missing = || {
            Reason::because(format!(
                "{n} of the units, drawn at random, do not tell all leads apart"
            ))
        };
        let b = places.iter().map(|k| {
            let column = times.iter().position(|time| *time == study.event_times[*k])?;
            let place = fit.kept.iter().position(|kept| *kept == column)?;
            Some(fit.coefficients[place])
        });
        let b: Vec<f64> = b.collect::<Option<_>>().ok_or_else(missing)?;
        let difference = square(&b) - whole;
        spread += 0.25 * difference * difference;
    }
    let alpha = 1.0 - options.study.conf_level;
    let quantile = self_normalised_quantile(alpha);
    Ok((whole.sqrt(), (whole - quantile * spread.sqrt()).max(0.0).sqrt()))
}

/// The quantile of W = B(1)/(¼ Σ (B(λ)/λ − B(1))²)^½ over λ = 1/5, …, 4/5.
///
/// B(λ)/λ − B(1) is independent of B(1), and its covariance at λ and κ is 1/max(λ, κ) − 1. So
/// P(W ≤ −t) = ½ P(Z² > t² Q) with Q = Σ μ_i Z_i², μ being the eigenvalues of a quarter of it.
fn self_normalised_quantile(alpha: f64) -> f64 {
    let covariance = Matrix4::from_fn(|i, j| 0.25 * (5.0 / (i.max(j) + 1) as f64 - 1.0));
    let mu = SymmetricEigen::new(covariance).eigenvalues;
    // P(Z² − t² Q > 0), by Imhof (1961), Biometrika 48, equation 3.2.
    let tail = |t: f64| {
        let weights: Vec<f64> =
            std::iter::once(1.0).chain(mu.iter().map(|mu| -t * t * mu)).collect();
        // ∫ sin θ(u)/(u ρ(u)) du with u = exp(x): trapezoids converge fast on the whole line.
        let step = 1.0 / 32.0;
        let sum: f64 = (-1600..800)
            .map(|k| {
                let u = libm::exp(f64::from(k) * step);
                let (mut angle, mut length) = (0.0, 1.0);
                for weight in &weights {
                    angle += 0.5 * libm::atan(weight * u);
                    length *= (1.0 + weight * weight * u * u).sqrt().sqrt();
                }
                libm::sin(angle) / length
            })
            .sum();
        0.5 + step * sum / std::f64::consts::PI
    };
    let lower = |t: f64| 0.5 * tail(t);
    let target = alpha.min(1.0 - alpha);
    let (mut low, mut high) = (0.0, 1.0);
    while lower(high) > target && high < 1e6 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if lower(middle) > target { low = middle } else { high = middle }
    }
    if alpha <= 0.5 { -high } else { high }
}

#[cfg(test)]
mod tests;
