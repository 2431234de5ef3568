//! The Mann–Kendall test over blocks of a series: seasons of a year, regions of a country.

use std::collections::BTreeMap;

use super::kendall::{self, Kendall};
use super::order::median;
use super::series::{MAX_POINTS, in_time_order, require_points};
use super::slopes::Slopes;
use crate::Reason;
use crate::reason::require_finite_result;

const MIN_POINTS: usize = 3;

/// As many as a single series may have.
const MAX_PAIRS: usize = MAX_POINTS * (MAX_POINTS - 1) / 2;

/// Whether blocks that share a time tell the same thing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockDependence {
    /// They do not: the variances of their scores add up.
    Independent,
    /// They may: the covariances of their scores are added.
    Correlated,
}

/// The result of [`seasonal_mann_kendall`] and [`regional_mann_kendall`].
#[derive(Clone, Debug, PartialEq)]
pub struct BlockMannKendall {
    /// tau: the sum of the blocks' scores over the number of pairs within blocks.
    pub estimate: Option<f64>,
    /// z of the sum of the scores.
    pub statistic: Option<f64>,
    /// Two-sided, from the normal distribution.
    pub p_value: Option<f64>,
    /// S: the sum of the blocks' scores.
    pub score: Option<f64>,
    pub score_variance: Option<f64>,
    /// The median of the slopes of all pairs within blocks, in units of the value per unit of time.
    pub slope: Option<f64>,
    /// median(value) − slope × median(time), over all points.
    pub intercept: Option<f64>,
    /// The number of points, over all blocks.
    pub n_obs: usize,
    /// The number of blocks.
    pub n_blocks: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or, where there is a `slope`, what the text names.
    pub reason: Option<Reason>,
}

/// Tests for a trend that the seasons of a year share, season by season.
///
/// **Estimates** whether values rise or fall from year to year, comparing each only with those of
/// its own season, so that the seasons themselves do not count as rise and fall.
///
/// **Formula.** S and its variance are the sums of those of the seasons; z = (S − sign S)/√var(S)
/// (Hirsch, Slack and Smith 1982, "Techniques of trend analysis for monthly water quality data",
/// *Water Resources Research* 18). [`BlockDependence::Correlated`] adds the covariances between
/// seasons, Σ over seasons g and h of (K_gh + 4 Σ R_g R_h − n(n+1)²)/3, where K_gh counts the pairs
/// of years in which both move alike less those in which they move apart, and R are ranks within
/// a season; z = S/√var(S), without a continuity correction (Hirsch and Slack 1984, *Water
/// Resources Research* 20; Libiseller and Grimvall 2002, *Environmetrics* 13). The slope is the
/// median of the slopes within seasons. As pymannkendall 1.4.3 has them; R's `trend::csmk.test`
/// differs in that it corrects for continuity up to ten years.
///
/// **Time** is the cycle, the same number for all seasons of a year (2012, 2012, 2013, 2013, …).
/// pymannkendall counts the place within the year for its intercept, which therefore differs from
/// `intercept` by the slope times half a year.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], for fewer than 3 points, more than
/// [`MAX_POINTS`] in a season (or as many pairs in all), no two points of a season that differ in
/// time, and numbers that are not finite. Seasons may have missing years. The correlated test is then that of the
/// years in which no season is missing, of which it takes 3, and needs one value for each season
/// and year. Where the values of each season are all equal there is no test. Neither the order of
/// the points nor that of the seasons matters.
pub fn seasonal_mann_kendall<K: Ord>(
    value: &[f64],
    time: &[f64],
    season: &[K],
    dependence: BlockDependence,
) -> BlockMannKendall {
    let kind = match dependence {
        BlockDependence::Independent => Kind { name: "seasonal Mann-Kendall", block: "season" },
        BlockDependence::Correlated => {
            Kind { name: "seasonal Mann-Kendall, correlated seasons", block: "season" }
        }
    };
    test(value, time, season, dependence, kind)
}

/// Tests for a trend that regions share, region by region.
///
/// **Estimates** whether values rise or fall over time, comparing each only with those of its own
/// region, so that the level of a region does not count.
///
/// **Formula.** As [`seasonal_mann_kendall`], with regions for seasons (Helsel and Frans 2006,
/// "Regional Kendall test for trend", *Environmental Science & Technology* 40). What moves all
/// regions in one year, such as a law or a recession, makes them correlated: the independent form
/// then finds far too many trends.
///
/// **Edge cases** are those of [`seasonal_mann_kendall`].
pub fn regional_mann_kendall<K: Ord>(
    value: &[f64],
    time: &[f64],
    region: &[K],
    dependence: BlockDependence,
) -> BlockMannKendall {
    let kind = match dependence {
        BlockDependence::Independent => Kind { name: "regional Mann-Kendall", block: "region" },
        BlockDependence::Correlated => {
            Kind { name: "regional Mann-Kendall, correlated regions", block: "region" }
        }
    };
    test(value, time, region, dependence, kind)
}

/// What blocks are called.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    block: &'static str,
}

impl BlockMannKendall {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            statistic: None,
            p_value: None,
            score: None,
            score_variance: None,
            slope: None,
            intercept: None,
            n_obs,
            n_blocks: 0,
            method: None,
            reason: Some(reason),
        }
    }
}

fn test<K: Ord>(
    value: &[f64],
    time: &[f64],
    block: &[K],
    dependence: BlockDependence,
    kind: Kind,
) -> BlockMannKendall {
    calculate(value, time, block, dependence, kind)
        .unwrap_or_else(|reason| BlockMannKendall::unknown(reason, value.len()))
}

fn calculate<K: Ord>(
    value: &[f64],
    time: &[f64],
    block: &[K],
    dependence: BlockDependence,
    kind: Kind,
) -> Result<BlockMannKendall, Reason> {
    require_points(value, time, MIN_POINTS)?;
    let n_obs = value.len();
    if block.len() != n_obs {
        return Err(Reason::because(format!(
            "there are {n_obs} values and {} {}s",
            block.len(),
            kind.block
        )));
    }
    let blocks = split(value, time, block);
    let pairs: usize = blocks.iter().map(|(value, _)| value.len() * (value.len() - 1) / 2).sum();
    if pairs > MAX_PAIRS {
        return Err(Reason::because(format!(
            "there are {pairs} pairs of points within {}s (it takes {MAX_PAIRS} or fewer; average \
             them by period)",
            kind.block
        )));
    }

    let mut slopes = Slopes::none();
    let mut sum = Sum::default();
    let mut variances = Vec::with_capacity(blocks.len());
    for (value, time) in &blocks {
        let own = Slopes::of(value, time);
        let kendall = Kendall::of(&own, value, time);
        sum.score += kendall.score;
        variances.push(kendall.variance);
        slopes.append(own);
    }
    sum.pairs = pairs as f64;
    // Sorted, so that the names of the blocks do not matter to the last digit.
    variances.sort_unstable_by(f64::total_cmp);
    sum.variance = variances.iter().sum();
    let slope = slopes.ranked.median().ok_or_else(|| {
        Reason::because(format!("no {} has values for two different times", kind.block))
    })?;
    let intercept = median(value) - slope * median(time);
    let worst = if slopes.finite { slope } else { f64::INFINITY };
    require_finite_result(&[worst, intercept])?;

    let mut result = BlockMannKendall {
        estimate: None,
        statistic: None,
        p_value: None,
        score: None,
        score_variance: None,
        slope: Some(slope),
        intercept: Some(intercept),
        n_obs,
        n_blocks: blocks.len(),
        method: Some(kind.name),
        reason: None,
    };
    if dependence == BlockDependence::Correlated {
        match correlated(&blocks, kind) {
            Ok(correlated) => sum = correlated,
            Err(why) => {
                result.reason = Some(Reason::of_part("the test", why));
                return Ok(result);
            }
        }
    }
    result.score = Some(sum.score);
    result.score_variance = Some(sum.variance);
    result.estimate = Some(sum.score / sum.pairs);
    if sum.variance > 0.0 {
        let (z, p) = match dependence {
            BlockDependence::Independent => kendall::z_and_p(sum.score, sum.variance),
            BlockDependence::Correlated => kendall::uncorrected_z_and_p(sum.score, sum.variance),
        };
        (result.statistic, result.p_value) = (Some(z), Some(p));
    } else {
        let why = match dependence {
            BlockDependence::Independent => format!("all values of each {} are equal", kind.block),
            BlockDependence::Correlated => {
                format!("the {}s leave the score no variance", kind.block)
            }
        };
        result.reason = Some(Reason::of_part("the test", why));
    }
    Ok(result)
}

/// The values and times of each block, in the order of time.
fn split<K: Ord>(value: &[f64], time: &[f64], block: &[K]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut blocks: BTreeMap<&K, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for ((name, &y), &t) in block.iter().zip(value).zip(time) {
        let (values, times) = blocks.entry(name).or_default();
        values.push(y);
        times.push(t);
    }
    blocks.into_values().map(|(values, times)| in_time_order(&values, &times)).collect()
}

/// Sums over blocks.
#[derive(Default)]
struct Sum {
    score: f64,
    variance: f64,
    /// Pairs within blocks.
    pairs: f64,
}

/// The score and its variance with all covariances, of the times at which no block is missing.
///
/// The covariances need not be taken one by one: the sum of K_gh over all blocks g and h is the sum
/// over pairs of times of the square of (blocks that rise − blocks that fall), and the sum of
/// R_g R_h is the square of the sum of the ranks. All of it is whole numbers, halves at most.
fn correlated(blocks: &[(Vec<f64>, Vec<f64>)], kind: Kind) -> Result<Sum, String> {
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, time) in blocks {
        if let Some(pair) = time.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("a {} has more than one value for {}", kind.block, pair[0]));
        }
        for &t in time {
            *seen.entry(bits(t)).or_default() += 1;
        }
    }
    let everywhere = |t: f64| seen.get(&bits(t)) == Some(&blocks.len());
    let complete: Vec<Vec<f64>> = blocks
        .iter()
        .map(|(value, time)| {
            value.iter().zip(time).filter(|&(_, &t)| everywhere(t)).map(|(&y, _)| y).collect()
        })
        .collect();
    let n = complete.first().map_or(0, Vec::len);
    if n < MIN_POINTS {
        return Err(format!(
            "there are {n} times at which no {} is missing (it takes {MIN_POINTS} or more)",
            kind.block
        ));
    }

    // Σ over blocks of 2R − (n + 1), which is Σ sign(y_j − y_i) over i.
    let mut centred = vec![0.0; n];
    let (mut score, mut alike) = (0.0, 0.0);
    for i in 0..n {
        for j in 0..i {
            let signs: f64 = complete.iter().map(|block| sign(block[i], block[j])).sum();
            score += signs;
            alike += signs * signs;
            centred[i] += signs;
            centred[j] -= signs;
        }
    }
    let (c, n) = (blocks.len() as f64, n as f64);
    let twice = |centred: &f64| c * (n + 1.0) + centred;
    let ranks: f64 = centred.iter().map(|sum| twice(sum) * twice(sum)).sum();
    let variance = (alike + ranks - c * c * n * (n + 1.0) * (n + 1.0)) / 3.0;
    Ok(Sum { score, variance, pairs: 0.5 * c * n * (n - 1.0) })
}

/// A time as a key; both zeros are one time.
fn bits(time: f64) -> u64 {
    (time + 0.0).to_bits()
}

fn sign(later: f64, earlier: f64) -> f64 {
    f64::from(i8::from(later > earlier) - i8::from(later < earlier))
}

#[cfg(test)]
mod tests;
