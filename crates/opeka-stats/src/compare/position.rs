//! The position of each area among all: rank, percentile, and groups of equal size.

use crate::reason::require_finite;
use crate::{Polarity, Reason};

/// The result of [`position`] for one area.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// 1 is the best area; areas that share a value share the best of their ranks.
    pub rank: Option<usize>,
    /// The share of the other areas that this one is ahead of, and half of those it ties with,
    /// itself included, in per cent.
    pub percentile: Option<f64>,
    /// 1 is the best quarter: the group that [`quantile_group`] gives for four groups.
    pub quartile: Option<usize>,
    /// The number of areas that have a value.
    pub n_obs: usize,
    /// Why something is missing: everything, or what the text names.
    pub reason: Option<Reason>,
}

impl Position {
    /// No position, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { rank: None, percentile: None, quartile: None, n_obs, reason: Some(reason) }
    }
}

/// The position of each area among all that have a value; one result per area, in their order.
///
/// **Rank.** 1 + the number of areas that are better. Areas with equal values share that rank, and
/// the next one is left out: 1, 2, 2, 4. Without a polarity, rank 1 is the highest value.
///
/// **Percentile.** 100 (W + E/2)/n, with W areas that are worse, E that are equal (the area itself
/// included) and n in all: 50 in the middle, whatever the ties (SciPy's `percentileofscore` with
/// `kind = "mean"`). High percentiles are the good ones; without a polarity, those of high values.
///
/// **Quartile.** 1 is the best quarter, or the highest without a polarity.
///
/// **Edge cases.** An area without a value, or with one that is not finite, has a [`Reason`] in
/// place of a position and does not count among the others. Quartiles take four areas or more.
pub fn position(values: &[Option<f64>], polarity: Polarity) -> Vec<Position> {
    let sorted = sorted(values, polarity);
    let n = sorted.len();
    let place = |value: Option<f64>| match usable(value) {
        Err(reason) => Position::unknown(reason, n),
        Ok(value) => {
            let (better, worse) = better_and_worse(&sorted, value, polarity);
            let equal = n - better - worse;
            let (quartile, reason) = match group(better + 1, n, 4) {
                Ok(quartile) => (Some(quartile), None),
                Err(reason) => (None, Some(reason.about("the quartile"))),
            };
            Position {
                rank: Some(better + 1),
                percentile: Some(100.0 * (worse as f64 + 0.5 * equal as f64) / n as f64),
                quartile,
                n_obs: n,
                reason,
            }
        }
    };
    values.iter().map(|value| place(*value)).collect()
}

/// The result of [`quantile_group`] for one area.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileGroup {
    /// From 1 to the number of groups.
    pub quantile: Option<usize>,
    /// The number of areas that have a value.
    pub n_obs: usize,
    /// Why there is no group.
    pub reason: Option<Reason>,
}

impl QuantileGroup {
    /// No group, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self { quantile: None, n_obs, reason: Some(reason) }
    }
}

/// Areas in `n_groups` groups of about equal size by their value; one result per area, in their
/// order.
///
/// **Rule.** With rank r among n areas (equal values share the smallest), the group is
/// n_groups + 1 − ⌈(n + 1 − r)/(n/n_groups)⌉, and at least 1: that of the English public health
/// indicators (Office for Health Improvement and Disparities, *Technical guide: assigning
/// deprivation categories*; R package PHEindicatormethods, `phe_quantile`). Ties stay together,
/// so that groups can be of different sizes.
///
/// **Direction.** Group 1 is the best, as rank 1 is in [`position`]: that of the highest values
/// where high is good and without a polarity (`invert = TRUE` in `phe_quantile`, its default), that
/// of the lowest where low is good (`invert = FALSE`).
///
/// **Edge cases.** An area without a value, or with one that is not finite, has a [`Reason`] in
/// place of a group. So have all where there are fewer areas than groups or `n_groups` is not a
/// whole number of 1 or more.
pub fn quantile_group(
    values: &[Option<f64>],
    n_groups: f64,
    polarity: Polarity,
) -> Vec<QuantileGroup> {
    let sorted = sorted(values, polarity);
    let n = sorted.len();
    let assign = |value: Option<f64>| {
        let value = usable(value)?;
        if n_groups < 1.0 || n_groups.fract() != 0.0 || n_groups > 1e9 {
            return Err(Reason::because(format!(
                "n_groups is {n_groups} (it must be a whole number of 1 or more)"
            )));
        }
        let (better, _) = better_and_worse(&sorted, value, polarity);
        group(better + 1, n, n_groups as usize)
    };
    let results = values.iter().map(|value| match assign(*value) {
        Ok(quantile) => QuantileGroup { quantile: Some(quantile), n_obs: n, reason: None },
        Err(reason) => QuantileGroup::unknown(reason, n),
    });
    results.collect()
}

/// The group of a rank. The quotient is taken in floating point, as the package does: whether 7
/// areas divided by 7/3 areas per group are exactly 3 groups must not depend on who asks.
fn group(rank: usize, n: usize, n_groups: usize) -> Result<usize, Reason> {
    if n < n_groups {
        return Err(Reason::because(format!(
            "there are {n} areas with a value (it takes {n_groups} or more)"
        )));
    }
    let per_group = n as f64 / n_groups as f64;
    let from_the_end = ((n + 1 - rank) as f64 / per_group).ceil() as usize;
    Ok((n_groups + 1).saturating_sub(from_the_end).max(1))
}

fn usable(value: Option<f64>) -> Result<f64, Reason> {
    let value = value.ok_or_else(|| Reason::missing("value"))?;
    require_finite("value", value).map(|()| value)
}

/// The values that can be compared, the best first.
fn sorted(values: &[Option<f64>], polarity: Polarity) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().filter_map(|value| usable(*value).ok()).collect();
    sorted.sort_unstable_by(|a, b| polarity.order(*a, *b));
    sorted
}

/// How many of the sorted values are better than this one, and how many are worse.
fn better_and_worse(sorted: &[f64], value: f64, polarity: Polarity) -> (usize, usize) {
    let better = sorted.partition_point(|other| polarity.order(*other, value).is_lt());
    let not_worse = sorted.partition_point(|other| polarity.order(*other, value).is_le());
    (better, sorted.len() - not_worse)
}

#[cfg(test)]
mod tests;
