//! The variants for series whose neighbours resemble each other.

use super::{MannKendall, MannKendallVariant};
use crate::Reason;
use crate::distribution::normal;
use crate::reason::require_finite_result;
use crate::trend::kendall::Kendall;
use crate::trend::order::mean_ranks;
use crate::trend::series::{in_time_order, require_even_steps};
use crate::trend::slopes::Slopes;

/// A corrected variance below this part of the uncorrected one is what rounding left of zero.
const NO_VARIANCE: f64 = 1e-12;

/// Fills in the test of a series in which not all values are equal.
///
/// Operations follow each other as in the packages: whether two detrended values are equal, and
/// which of them is larger, may hang on the last bit.
pub(super) fn test(
    result: &mut MannKendall,
    kendall: &Kendall,
    value: &[f64],
    time: &[f64],
    variant: MannKendallVariant,
) -> Result<(), Reason> {
    let (value, time) = in_time_order(value, time);
    require_even_steps(&time)?;
    let n = value.len();
    let part = |why: &'static str| Some(Reason::of_part("the test", why));
    let lags = match variant {
        MannKendallVariant::HamedRao { lag } | MannKendallVariant::YueWang { lag } => {
            lag.unwrap_or(n - 1)
        }
        _ => 1,
    };
    if lags >= n {
        return Err(Reason::because(format!("lag is {lags} (it must be below the {n} points)")));
    }

    let slope = slope_per_step(&value)?;
    let steps = (1..=n).map(|step| step as f64 * slope);
    let detrended: Vec<f64> = value.iter().zip(steps).map(|(y, trend)| y - trend).collect();
    if is_line(&value, &detrended) && variant != MannKendallVariant::PreWhitening {
        result.set_score(kendall);
        result.score_variance = None;
        result.reason = part(
            "the points lie on a straight line, and nothing is left to take the autocorrelation of",
        );
        return Ok(());
    }

    let factor = match variant {
        MannKendallVariant::PreWhitening => {
            let whitened = whiten(&value, autocorrelation(&value, 1));
            return test_whitened(result, &whitened);
        }
        MannKendallVariant::TrendFreePreWhitening => {
            let mut blended = whiten(&detrended, autocorrelation(&detrended, 1));
            for (step, y) in blended.iter_mut().enumerate() {
                *y += (step + 1) as f64 * slope;
            }
            return test_whitened(result, &blended);
        }
        MannKendallVariant::HamedRao { .. } => {
            hamed_rao(&autocorrelation(&mean_ranks(&detrended), lags), n)
        }
        MannKendallVariant::YueWang { .. } => yue_wang(&autocorrelation(&detrended, lags), n),
        MannKendallVariant::Original => 1.0,
    };
    result.set_score(kendall);
    if factor > NO_VARIANCE {
        result.set_test(kendall.score, kendall.variance * factor);
    } else {
        result.score_variance = None;
        result.reason = part("the autocorrelation leaves the score no variance");
    }
    Ok(())
}

/// Tests a series whose neighbours no longer resemble each other.
fn test_whitened(result: &mut MannKendall, whitened: &[f64]) -> Result<(), Reason> {
    require_finite_result(whitened)?;
    let steps: Vec<f64> = (0..whitened.len()).map(|step| step as f64).collect();
    let kendall = Kendall::of(&Slopes::of(whitened, &steps), whitened, &steps);
    result.set_score(&kendall);
    if kendall.variance > 0.0 {
        result.set_test(kendall.score, kendall.variance);
    } else {
        let why = "all values of the whitened series are equal";
        result.reason = Some(Reason::of_part("the test", why));
    }
    Ok(())
}

/// Sen's slope from one point to the next.
fn slope_per_step(value: &[f64]) -> Result<f64, Reason> {
    let steps: Vec<f64> = (0..value.len()).map(|step| step as f64).collect();
    let slope = Slopes::of(value, &steps).ranked.median().unwrap_or(0.0);
    require_finite_result(&[slope * value.len() as f64])?;
    Ok(slope)
}

/// Whether what is left of the values without their trend is rounding alone.
fn is_line(value: &[f64], detrended: &[f64]) -> bool {
    let largest = |numbers: &[f64]| numbers.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let low = detrended.iter().copied().fold(f64::INFINITY, f64::min);
    let high = detrended.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low <= 4.0 * f64::EPSILON * largest(value).max(largest(detrended))
}

/// The autocorrelations at the lags from 1 on, each a sum over n points as in R's `acf`.
fn autocorrelation(series: &[f64], lags: usize) -> Vec<f64> {
    let mean = series.iter().sum::<f64>() / series.len() as f64;
    let deviation: Vec<f64> = series.iter().map(|y| y - mean).collect();
    let product = |lag: usize| -> f64 {
        deviation.iter().zip(deviation.iter().skip(lag)).map(|(a, b)| a * b).sum()
    };
    let square = product(0);
    (1..=lags).map(|lag| product(lag) / square).collect()
}

/// x_t − ρ x_{t−1}
fn whiten(series: &[f64], autocorrelation: Vec<f64>) -> Vec<f64> {
    let rho = autocorrelation.first().copied().unwrap_or(0.0);
    series.iter().zip(series.iter().skip(1)).map(|(before, y)| y - before * rho).collect()
}

fn hamed_rao(autocorrelation: &[f64], n: usize) -> f64 {
    let n = n as f64;
    let bound = normal::two_sided(0.95) / n.sqrt();
    let mut sum = 0.0;
    for (before, rho) in autocorrelation.iter().enumerate() {
        let left = n - (before + 1) as f64;
        if rho.abs() > bound {
            sum += left * (left - 1.0) * (left - 2.0) * rho;
        }
    }
    1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum
}

fn yue_wang(autocorrelation: &[f64], n: usize) -> f64 {
    let weight = |before: usize| 1.0 - (before + 1) as f64 / n as f64;
    let sum: f64 = autocorrelation.iter().enumerate().map(|(k, rho)| weight(k) * rho).sum();
    1.0 + 2.0 * sum
}
