//! Effects when trends are not exactly parallel: how much they may differ before the answer changes.

mod arp;
mod breakdown;
mod flci;
mod folded_normal;
mod least_favourable;
mod moments;
mod options;
mod study;
mod truncated_normal;
mod vertices;

use nalgebra::DMatrix;
use rayon::prelude::*;

use self::arp::{ConditionalTest, FirstStage, dot};
use self::flci::Frontier;
use self::least_favourable::Draws;
use self::moments::Periods;
pub use self::options::{HonestDelta, HonestDidOptions, HonestMethod, HonestShape};
pub use self::study::{HonestTarget, honest_event_study};
use self::vertices::Ray;
use crate::Reason;
use crate::distribution::normal;
use crate::effect::treated_units;
use crate::reason::{require_each, require_finite, require_finite_result, require_not_negative};

/// The result of [`honest_did`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HonestDid {
    /// The parameter: the weighted sum of the coefficients after treatment.
    pub estimate: Option<f64>,
    pub std_error: Option<f64>,
    /// The usual interval, which holds where trends are parallel. Its `m` is missing.
    pub original: HonestLimits,
    /// The robust intervals, in the order of the bounds.
    pub robust: Vec<HonestLimits>,
    /// The largest bound for which the robust interval leaves zero out.
    pub breakdown: Option<f64>,
    /// Why there is no breakdown value, or what whoever signs it must know.
    pub note: Option<String>,
    pub reason: Option<Reason>,
}

/// An interval that holds as long as differences in trends keep to a bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HonestLimits {
    /// The bound, M or M̄.
    pub m: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    pub method: Option<String>,
    pub note: Option<String>,
    /// Why there are no limits.
    pub reason: Option<Reason>,
}

impl HonestDid {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        let original = HonestLimits { reason: Some(reason.clone()), ..HonestLimits::default() };
        Self { original, reason: Some(reason), ..Self::default() }
    }
}

/// Confidence limits for an effect of an event study that hold although trends are not parallel, as
/// long as their difference keeps to a bound (Rambachan and Roth 2023, "A More Credible Approach to
/// Parallel Trends", *Review of Economic Studies* 90).
///
/// `betahat` are the coefficients of an event study, `n_pre` before the reference period (the last
/// one before treatment, of which the coefficient is zero and left out), then `n_post` after it,
/// each in the order of time and without gaps; `sigma` is their covariance. The effect is Σ l_t τ_t
/// over the periods after treatment; without `l_vec` it is that of the first one.
///
/// **Estimates** the same effect as the event study, β_post = τ + δ_post, where δ, the difference in
/// trends, is one of a set Δ and equals β_pre before treatment:
///
/// - [`HonestDelta::RelativeMagnitudes`], ΔRM(M̄): from one period to the next, δ changes after
///   treatment by at most M̄ times the largest change before it.
/// - [`HonestDelta::Smoothness`], ΔSD(M): the slope of δ changes by at most M between neighbouring
///   periods; M = 0 extrapolates a linear trend. In units of the outcome.
/// - [`HonestDelta::RelativeSmoothness`], ΔSDRM(M̄): by at most M̄ times its largest change before.
///
/// **Methods.** For smoothness alone the interval of fixed length of least half-length (see
/// [`HonestMethod::FixedLength`]). For the others the values that the conditional test of Andrews,
/// Roth and Pakes (2023) does not reject, after a first stage of a tenth of its size; unions of
/// polyhedra are tested piece by piece, and the limits are the lowest and the highest value that
/// any of them leaves (values between them may be rejected). The program of that test is solved over the list of its corners, exactly, and ends
/// are found to the last digits, where the reference package has a grid.
///
/// **Breakdown.** The largest bound for which zero is outside the limits, by bisection.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for lengths that do not fit, a
/// covariance that is not symmetric or not positive definite (as with fewer clusters than
/// coefficients), weights that are all zero, or numbers that are not finite. Limits of a single
/// bound are missing where that bound is negative, or where every value is rejected.
pub fn honest_did(
    betahat: &[f64],
    sigma: &[Vec<f64>],
    n_pre: usize,
    n_post: usize,
    l_vec: Option<&[f64]>,
    options: &HonestDidOptions,
) -> HonestDid {
    Analysis::new(betahat, sigma, Periods { pre: n_pre, post: n_post }, l_vec, options)
        .and_then(|analysis| analysis.run())
        .unwrap_or_else(HonestDid::unknown)
}

const ORIGINAL: &str = "normal limits of the event study, under parallel trends";

/// What all bounds of an analysis share.
struct Analysis<'a> {
    beta: &'a [f64],
    sigma: &'a [Vec<f64>],
    /// The lower factor of the covariance.
    root: DMatrix<f64>,
    periods: Periods,
    effect: Vec<f64>,
    std_error: f64,
    options: &'a HonestDidOptions,
    method: HonestMethod,
    frontier: Option<Frontier>,
    rays: Vec<Ray>,
    draws: Option<Draws>,
}

impl<'a> Analysis<'a> {
    fn new(
        beta: &'a [f64],
        sigma: &'a [Vec<f64>],
        periods: Periods,
        l_vec: Option<&[f64]>,
        options: &'a HonestDidOptions,
    ) -> Result<Self, Reason> {
        let method = options.checked_method()?;
        let Periods { pre, post } = periods;
        let needed = if options.delta == HonestDelta::RelativeSmoothness { 2 } else { 1 };
        if pre < needed || post == 0 {
            return Err(Reason::because(format!(
                "there are {pre} coefficients before and {post} after treatment (there must be at \
                 least {needed} and 1)"
            )));
        }
        if beta.len() != periods.all() {
            return Err(Reason::because(format!(
                "there are {} coefficients for {} periods",
                beta.len(),
                periods.all()
            )));
        }
        let effect = match l_vec {
            Some(weights) => weights.to_vec(),
            None => (0..post).map(|k| if k == 0 { 1.0 } else { 0.0 }).collect(),
        };
        if effect.len() != post {
            return Err(Reason::because(format!(
                "there are {} weights for {post} periods after treatment",
                effect.len()
            )));
        }
        require_each(require_finite, "a coefficient", beta)?;
        require_each(require_finite, "a weight", &effect)?;
        if effect.iter().all(|weight| *weight == 0.0) {
            return Err(Reason::because("all weights of the effect are 0"));
        }
        let root = factor(sigma, periods.all())?;
        let weights = [vec![0.0; pre], effect.clone()].concat();
        let std_error = variance(sigma, &weights).sqrt();

        let first = moments::pieces(options.delta, options.shape, periods, 1.0);
        let rays = match first.first() {
            Some(piece) if method != HonestMethod::FixedLength && post > 1 => {
                vertices::rays(piece, pre, &effect)?
            }
            _ => Vec::new(),
        };
        let fixed =
            matches!(method, HonestMethod::FixedLength | HonestMethod::ConditionalFixedLength);
        let frontier = fixed.then(|| Frontier::new(sigma, periods, &effect)).transpose()?;
        let drawn = method == HonestMethod::LeastFavourable;
        let draws = drawn.then(|| Draws::new(options.draws, periods.all(), options.seed));
        Ok(Self {
            beta,
            sigma,
            root,
            periods,
            effect,
            std_error,
            options,
            method,
            frontier,
            rays,
            draws,
        })
    }

    fn run(&self) -> Result<HonestDid, Reason> {
        let estimate = dot(&self.effect, &self.beta[self.periods.pre..]);
        let half = normal::two_sided(self.options.conf_level) * self.std_error;
        require_finite_result(&[estimate, half])?;
        let few = self.options.n_treated.and_then(treated_units::note);
        let bounds = match self.options.bounds.as_slice() {
            [] => self.default_bounds(),
            given => given.to_vec(),
        };
        if self.options.n_treated == Some(1) {
            return Ok(self.without_errors(estimate, few, &bounds));
        }
        let original = HonestLimits {
            conf_low: Some(estimate - half),
            conf_high: Some(estimate + half),
            method: Some(ORIGINAL.to_owned()),
            note: few.clone(),
            ..HonestLimits::default()
        };
        let robust: Vec<HonestLimits> = bounds
            .par_iter()
            .map(|m| HonestLimits { note: few.clone(), ..self.limits_or_reason(*m) })
            .collect();
        let (breakdown, told) =
            if self.options.breakdown { self.breakdown() } else { (None, None) };
        let note = few.into_iter().chain(told).collect::<Vec<_>>().join("; ");
        Ok(HonestDid {
            estimate: Some(estimate),
            std_error: Some(self.std_error),
            original,
            robust,
            breakdown,
            note: (!note.is_empty()).then_some(note),
            reason: None,
        })
    }

    /// With one treated unit the formula has an error, and nobody should believe it.
    fn without_errors(&self, estimate: f64, note: Option<String>, bounds: &[f64]) -> HonestDid {
        let method = Some(self.options.words(self.method));
        let row = |m: &f64| HonestLimits {
            m: Some(*m),
            method: method.clone(),
            note: note.clone(),
            reason: Some(Reason::of_part(
                "the limits",
                "with one treated unit there is nothing to estimate a covariance from",
            )),
            ..HonestLimits::default()
        };
        HonestDid {
            estimate: Some(estimate),
            original: HonestLimits {
                method: Some(ORIGINAL.to_owned()),
                note: note.clone(),
                ..HonestLimits::default()
            },
            robust: bounds.iter().map(row).collect(),
            note,
            ..HonestDid::default()
        }
    }

    /// Those of the reference package: M̄ of a half to two; ten M from 0 to the upper limit of what
    /// the bends before treatment show, or with one coefficient before it to its error.
    fn default_bounds(&self) -> Vec<f64> {
        if self.options.delta != HonestDelta::Smoothness {
            return vec![0.5, 1.0, 1.5, 2.0];
        }
        let largest = self.largest_bend();
        (0..10).map(|k| largest * f64::from(k) / 9.0).collect()
    }

    fn largest_bend(&self) -> f64 {
        let pre = Periods { post: 0, ..self.periods };
        if pre.pre == 1 {
            return self.sigma[0][0].sqrt();
        }
        let z = normal::quantile(0.95);
        let beta = &self.beta[..pre.pre];
        let upper = moments::bends_before(pre).into_iter().map(|bend| {
            let covariance: Vec<Vec<f64>> =
                self.sigma[..pre.pre].iter().map(|row| row[..pre.pre].to_vec()).collect();
            dot(&bend, beta).abs() + z * variance(&covariance, &bend).sqrt()
        });
        upper.fold(0.0, f64::max)
    }

    fn limits_or_reason(&self, m: f64) -> HonestLimits {
        let method = Some(self.options.words(self.method));
        match self.limits(m) {
            Ok((low, high)) => {
                let known = |limit: f64| limit.is_finite().then_some(limit);
                let (conf_low, conf_high) = (known(low), known(high));
                let open = Reason::of_part("a limit", "no value is rejected as far as was looked");
                let reason = (conf_low.is_none() || conf_high.is_none()).then_some(open);
                HonestLimits { m: Some(m), conf_low, conf_high, method, note: None, reason }
            }
            Err(reason) => {
                let m = m.is_finite().then_some(m);
                HonestLimits { m, method, reason: Some(reason), ..HonestLimits::default() }
            }
        }
    }

    /// The lowest and the highest value of the effect that is not rejected.
    fn limits(&self, m: f64) -> Result<(f64, f64), Reason> {
        require_not_negative("the bound", m)?;
        if let (HonestMethod::FixedLength, Some(frontier)) = (self.method, &self.frontier) {
            let interval = frontier.interval(self.beta, m, self.options.conf_level);
            let limits = (interval.centre - interval.half, interval.centre + interval.half);
            require_finite_result(&[limits.0, limits.1])?;
            return Ok(limits);
        }
        let tests = self.tests(m);
        let limits = match self.options.grid_points {
            Some(points) => self.on_grid(&tests, m, points),
            None => {
                let mirrored: Vec<_> = tests.iter().map(ConditionalTest::mirrored).collect();
                lowest(&tests).zip(lowest(&mirrored).map(|limit| -limit))
            }
        };
        limits.ok_or_else(|| {
            Reason::because(
                "every value of the effect is rejected: the coefficients before \
                treatment do not fit the restriction",
            )
        })
    }

    /// The tests of all pieces of a restriction.
    fn tests(&self, m: f64) -> Vec<ConditionalTest> {
        let Periods { pre, post } = self.periods;
        let alpha = 1.0 - self.options.conf_level;
        let kappa = alpha / 10.0;
        let interval = self.frontier.as_ref().map(|f| f.interval(self.beta, m, 1.0 - kappa));
        let pieces = moments::pieces(self.options.delta, self.options.shape, self.periods, m);
        pieces
            .iter()
            .map(|piece| {
                let vertices = vertices::vertices(piece, &self.rays, pre, &self.effect, |row| {
                    variance(self.sigma, row)
                });
                let first = match (&self.draws, &interval) {
                    (Some(draws), _) => FirstStage::LeastFavourable {
                        critical: draws.critical(&vertices, &self.root, 1.0 - kappa),
                        bounds: post > 1,
                    },
                    (None, Some(interval)) => {
                        let product: Vec<f64> =
                            self.sigma.iter().map(|row| dot(row, &interval.weights)).collect();
                        let covariances =
                            vertices.iter().map(|v| dot(&v.weights, &product)).collect();
                        FirstStage::FixedLength {
                            centre: interval.centre,
                            half: interval.half,
                            covariances,
                        }
                    }
                    (None, None) => FirstStage::None,
                };
                let size = match first {
                    FirstStage::None => alpha,
                    _ => (alpha - kappa) / (1.0 - kappa),
                };
                let test = ConditionalTest::new(
                    &vertices,
                    self.beta,
                    self.sigma,
                    first,
                    1.0 - size,
                    self.std_error,
                );
                if post > 1 { test } else { test.with_floors(&vertices) }
            })
            .collect()
    }

    /// The lowest and the highest point of the reference package's grid that is not rejected.
    fn on_grid(&self, tests: &[ConditionalTest], m: f64, points: usize) -> Option<(f64, f64)> {
        let (low, high) = match (&self.frontier, self.options.delta) {
            (Some(frontier), _) => {
                let level = 1.0 - (1.0 - self.options.conf_level) / 10.0;
                let interval = frontier.interval(self.beta, m, level);
                (interval.centre - interval.half, interval.centre + interval.half)
            }
            _ => (-20.0 * self.std_error, 20.0 * self.std_error),
        };
        let last = points.max(2) - 1;
        let grid = |k: usize| low + (high - low) * k as f64 / last as f64;
        let accepted = |k: &usize| tests.iter().any(|test| test.accepts(grid(*k)));
        let first = (0..=last).find(accepted)?;
        let end = (0..=last).rev().find(accepted)?;
        Some((grid(first), grid(end)))
    }
}

/// The lowest value of the effect that one of the tests does not reject.
fn lowest(tests: &[ConditionalTest]) -> Option<f64> {
    let mut best = None;
    for test in tests {
        let below = best.unwrap_or(f64::INFINITY);
        if let Some(found) = test.lowest(below) {
            best = Some(f64::min(found, below));
        }
    }
    best
}

fn variance(sigma: &[Vec<f64>], weights: &[f64]) -> f64 {
    let sum: f64 = sigma.iter().zip(weights).map(|(row, w)| w * dot(row, weights)).sum();
    sum.max(0.0)
}

/// The lower factor of a covariance.
fn factor(sigma: &[Vec<f64>], n: usize) -> Result<DMatrix<f64>, Reason> {
    if sigma.len() != n || sigma.iter().any(|row| row.len() != n) {
        return Err(Reason::because(format!("the covariance is not one of {n} coefficients")));
    }
    for row in sigma {
        require_each(require_finite, "a covariance", row)?;
    }
    let largest = (0..n).map(|i| sigma[i][i]).fold(0.0, f64::max);
    let apart = |(i, j): (usize, usize)| (sigma[i][j] - sigma[j][i]).abs() > 1e-8 * largest;
    if (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).any(apart) {
        return Err(Reason::because("the covariance of the coefficients is not symmetric"));
    }
    let singular = || {
        Reason::because(
            "the covariance of the coefficients is singular (as with few clusters, or few treated \
             ones)",
        )
    };
    let matrix = DMatrix::from_fn(n, n, |i, j| 0.5 * (sigma[i][j] + sigma[j][i]));
    let root = matrix.cholesky().ok_or_else(singular)?.unpack();
    // A coefficient of which the others leave nothing is none of its own.
    if (0..n).any(|i| root[(i, i)] * root[(i, i)] <= 1e-12 * sigma[i][i]) {
        return Err(singular());
    }
    Ok(root)
}

#[cfg(test)]
mod tests;
