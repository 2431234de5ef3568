//! Over-dispersion: how much more areas differ than chance alone would make them.

use super::summation::{sum, sum_of_any_order};
use super::trimming::{truncated, winsorised};
use crate::Reason;
use crate::reason::require_finite_result;

/// The scale on which areas are compared, with its rule for the ends of the distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispersionScale {
    /// asin √(x/n) of proportions, s = 1/2√n; ends are winsorised.
    Arcsine,
    /// ln(x/n) of ratios to an expected count n, s = 1/√n, target 0; ends are truncated. The rule
    /// of the Summary Hospital-level Mortality Indicator.
    LogRatio,
    /// √(x/n) of ratios to an expected count n, s = 1/2√n, target 1; ends are winsorised. The rule
    /// of the Care Quality Commission.
    SquareRootRatio,
    /// ln((x + ½)/(n + ½)) of a ratio of counts, s² = x/(x + ½)² + n/(n + ½)²; ends are winsorised.
    LogCounts,
}

impl DispersionScale {
    fn transformed(self, x: f64, n: f64) -> (f64, f64) {
        match self {
            Self::Arcsine => (libm::asin((x / n).sqrt()), 0.5 / n.sqrt()),
            Self::LogRatio => (libm::log(x / n), 1.0 / n.sqrt()),
            Self::SquareRootRatio => ((x / n).sqrt(), 0.5 / n.sqrt()),
            Self::LogCounts => {
                let part = |count: f64| count / ((count + 0.5) * (count + 0.5));
                (libm::log((x + 0.5) / (n + 0.5)), (part(x) + part(n)).sqrt())
            }
        }
    }

    fn target(self, overall: f64) -> f64 {
        match self {
            Self::Arcsine => libm::asin(overall.sqrt()),
            Self::LogRatio => 0.0,
            Self::SquareRootRatio => 1.0,
            Self::LogCounts => libm::log(overall),
        }
    }

    /// The figure whose place on the scale is `y`; ends that lie off the scale are its own.
    pub(super) fn figure(self, y: f64) -> f64 {
        match self {
            Self::Arcsine => {
                let root = libm::sin(y.clamp(0.0, std::f64::consts::FRAC_PI_2));
                root * root
            }
            Self::LogRatio | Self::LogCounts => libm::exp(y),
            Self::SquareRootRatio => y.max(0.0) * y.max(0.0),
        }
    }

    /// The logarithm of no events is no number.
    fn needs_events(self) -> bool {
        matches!(self, Self::LogRatio | Self::LogCounts)
    }
}

/// One area on the scale of [`over_dispersion`].
#[derive(Clone, Debug, PartialEq)]
pub struct DispersedArea {
    /// The figure on the scale.
    pub y: f64,
    /// Its standard error by chance alone.
    pub s: f64,
    /// (y − target)/s.
    pub z: f64,
    /// z as it counts towards φ: moved inwards, or `None` where it is left out.
    pub z_trimmed: Option<f64>,
    /// (y − target)/√(s² + τ²).
    pub z_adjusted: f64,
}

/// The result of [`over_dispersion`].
#[derive(Clone, Debug, PartialEq)]
pub struct OverDispersion {
    /// φ, the mean of z² after trimming: 1 where areas differ by chance alone.
    pub phi: f64,
    /// τ², the variance between areas that chance does not explain, on the scale.
    pub tau_squared: f64,
    /// The benchmark on the scale.
    pub target: f64,
    /// How many areas count towards φ.
    pub n_used: usize,
    pub areas: Vec<DispersedArea>,
}

/// How much more areas differ than chance alone would make them.
///
/// **Estimates** φ, the ratio of the spread that is seen to that of chance, and τ², the variance
/// between areas that is left, by the method of moments of an additive random effect.
///
/// **Formula.** On the chosen scale, with z = (y − target)/s, trimmed at both ends by `trim`, over
/// the n areas that are left: φ = Σz²/n and, with w = 1/s², τ² = (nφ − (n − 1))/(Σw − Σw²/Σw), or 0
/// where nφ < n − 1 (Spiegelhalter 2005, "Funnel plots for comparing institutional performance",
/// *Statistics in Medicine* 24; Spiegelhalter and others 2012, *JRSS* A 175; DerSimonian and Laird
/// 1986; as the R package FunnelPlotR). The overall figure of [`DispersionScale::Arcsine`] and
/// [`DispersionScale::LogCounts`] is Σx/Σn.
///
/// **Units.** `denominator` is the number of trials, the expected count or the population;
/// `trim` is a share, 0.1 for a tenth at each end.
///
/// **Edge cases.** An error with its [`Reason`] for fewer than two areas, counts that are negative
/// or not finite, denominators not above zero, proportions above one, no events on a logarithmic
/// scale, no or only events in all areas, or a `trim` that is not between 0 and ½. The order of the
/// areas does not matter.
pub fn over_dispersion(
    numerator: &[f64],
    denominator: &[f64],
    scale: DispersionScale,
    trim: f64,
) -> Result<OverDispersion, Reason> {
    check(numerator, denominator, scale, trim)?;
    let overall =
        sum_of_any_order(numerator.iter().copied()) / sum_of_any_order(denominator.iter().copied());
    let target = scale.target(overall);
    let mut areas: Vec<DispersedArea> = Vec::with_capacity(numerator.len());
    for (x, n) in numerator.iter().zip(denominator) {
        let (y, s) = scale.transformed(*x, *n);
        let z = (y - target) / s;
        areas.push(DispersedArea { y, s, z, z_trimmed: Some(z), z_adjusted: z });
    }
    require_finite_result(&[target])?;
    require_finite_result(&areas.iter().map(|area| area.z).collect::<Vec<f64>>())?;

    let z: Vec<f64> = areas.iter().map(|area| area.z).collect();
    let trimmed = match scale {
        DispersionScale::LogRatio => truncated(&z, trim),
        _ => winsorised(&z, trim).into_iter().map(Some).collect(),
    };
    for (area, z) in areas.iter_mut().zip(trimmed) {
        area.z_trimmed = z;
    }

    let mut used: Vec<(f64, f64)> =
        areas.iter().filter_map(|area| Some((area.z_trimmed?, area.s))).collect();
    if used.len() < 2 {
        return Err(Reason::because("fewer than two areas are left after trimming"));
    }
    used.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let n = used.len() as f64;
    let phi = sum(used.iter().map(|(z, _)| z * z)) / n;
    let tau_squared = if n * phi < n - 1.0 {
        0.0
    } else {
        let weights: Vec<f64> = used.iter().map(|(_, s)| 1.0 / (s * s)).collect();
        let total = sum_of_any_order(weights.iter().copied());
        let squares = sum_of_any_order(weights.iter().map(|w| w * w));
        ((n * phi - (n - 1.0)) / (total - squares / total)).max(0.0)
    };
    require_finite_result(&[phi, tau_squared])?;
    for area in &mut areas {
        area.z_adjusted = (area.y - target) / (area.s * area.s + tau_squared).sqrt();
    }
    Ok(OverDispersion { phi, tau_squared, target, n_used: used.len(), areas })
}

fn check(x: &[f64], n: &[f64], scale: DispersionScale, trim: f64) -> Result<(), Reason> {
    if x.len() != n.len() {
        return Err(Reason::because(format!(
            "there are {} numerators and {} denominators",
            x.len(),
            n.len()
        )));
    }
    if x.len() < 2 {
        return Err(Reason::because("over-dispersion takes two areas or more"));
    }
    if !(0.0..0.5).contains(&trim) {
        return Err(Reason::because(format!(
            "trim is {trim} (it must be 0 or more and below one half)"
        )));
    }
    if !x.iter().all(|x| x.is_finite() && *x >= 0.0) {
        return Err(Reason::because("a numerator is negative or not a finite number"));
    }
    if !n.iter().all(|n| n.is_finite() && *n > 0.0) {
        return Err(Reason::because("a denominator is not a finite number above zero"));
    }
    if scale == DispersionScale::Arcsine && x.iter().zip(n).any(|(x, n)| x > n) {
        return Err(Reason::because("a numerator is above its denominator"));
    }
    if scale.needs_events() && x.contains(&0.0) {
        return Err(Reason::because(
            "an area has no events, whose logarithm is no number (over_dispersion_cqc takes them)",
        ));
    }
    if x.iter().all(|x| *x == 0.0) {
        return Err(Reason::because("no area has any events"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
