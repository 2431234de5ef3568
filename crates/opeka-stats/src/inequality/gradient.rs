//! The social gradient: slope and relative index of inequality.

use crate::Reason;
use crate::distribution::{normal, student_t};
use crate::least_squares;
use crate::reason::{
    require_conf_level, require_each, require_finite, require_finite_result, require_not_negative,
    require_positive, require_same_length,
};

/// The result of [`slope_index`] and [`relative_index`].
#[derive(Clone, Debug, PartialEq)]
pub struct InequalityIndex {
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// The value of the line at the low end of the ranking, and at the high end.
    pub at_low_rank: Option<f64>,
    pub at_high_rank: Option<f64>,
    /// The number of groups.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or what the text names.
    pub reason: Option<Reason>,
}

impl InequalityIndex {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            at_low_rank: None,
            at_high_rank: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

/// The slope index of inequality: the difference between the two ends of a social ranking.
///
/// **Estimates** by how much the indicator differs between the highest rank and the lowest, along
/// the straight line that fits the groups best. `rank` orders the groups (deciles of deprivation,
/// the income of areas); only its order counts.
///
/// **Formula.** Each group stands at the middle of its range in the population, cumulated from the
/// lowest rank and scaled to 1: a first group of 12 % at 0.06, a second of 10 % at 0.17. The values
/// are regressed on these, weighted by population, and the index is the slope: the line's value at
/// 1 less that at 0 (Low and Low 2004, "Measuring the gap", *Journal of Public Health* 26;
/// Mackenbach and Kunst 1997, *Social Science and Medicine* 44; R package PHEindicatormethods,
/// `phe_sii`). Groups of the same rank share the middle of their joint range.
///
/// **Limits.** With the standard errors of the values, those of the slope as a sum of independent
/// normal values: slope ± z √Σ cᵢ²sᵢ². It is what the simulation in `phe_sii` (`value_type = 0`)
/// tends to with the number of its draws. Without them, Student's limits from the scatter about
/// the line, on n − 2 degrees of freedom.
///
/// **Edge cases.** Two groups have a slope, but limits only from standard errors. There is no
/// index, but a [`Reason`], for fewer than 2 groups, ranks that are all equal, a population that
/// is not above zero, a negative standard error, or numbers that are not finite. The order of rows
/// does not matter.
pub fn slope_index(
    value: &[f64],
    population: &[f64],
    rank: &[f64],
    std_error: Option<&[f64]>,
    conf_level: f64,
) -> InequalityIndex {
    let index = Gradient::fit(value, population, rank, std_error, conf_level)
        .and_then(|gradient| gradient.slope());
    index.unwrap_or_else(|reason| InequalityIndex::unknown(reason, value.len()))
}

/// The relative index of inequality: the ratio between the two ends of a social ranking.
///
/// The line of [`slope_index`] at the high end of the ranking over its value at the low end:
/// (a + b)/a with intercept a and slope b, 1 without inequality (`rii` of R's `phe_sii`).
///
/// **Limits** are Fieller's: the ratios r at which (a + b) − r a is just z standard errors from
/// zero (t without standard errors of the values). For standard errors of the values it is what the
/// simulation in `phe_sii` (`value_type = 0`) tends to with the number of its draws, as long as the
/// value at the low end is clearly above zero.
///
/// **Edge cases.** As for [`slope_index`]. There is no ratio where the line is not above zero at
/// the low end, and it has no limits where that value is not significantly different from zero.
pub fn relative_index(
    value: &[f64],
    population: &[f64],
    rank: &[f64],
    std_error: Option<&[f64]>,
    conf_level: f64,
) -> InequalityIndex {
    let index = Gradient::fit(value, population, rank, std_error, conf_level)
        .and_then(|gradient| gradient.ratio());
    index.unwrap_or_else(|reason| InequalityIndex::unknown(reason, value.len()))
}

/// The line through the groups, and how sure it is.
struct Gradient {
    /// At rank 0, and at rank 1.
    low: f64,
    high: f64,
    certainty: Option<Certainty>,
    n_obs: usize,
    method: &'static str,
}

struct Certainty {
    variance_low: f64,
    variance_high: f64,
    covariance: f64,
    /// The normal or Student's quantile of the level.
    quantile: f64,
}

/// One group of the population.
#[derive(Clone, Copy)]
struct Group {
    rank: f64,
    population: f64,
    value: f64,
    std_error: f64,
}

impl Gradient {
    fn fit(
        value: &[f64],
        population: &[f64],
        rank: &[f64],
        std_error: Option<&[f64]>,
        conf_level: f64,
    ) -> Result<Self, Reason> {
        require_conf_level(conf_level)?;
        require_same_length("values", value, "populations", population)?;
        require_same_length("values", value, "ranks", rank)?;
        require_each(require_finite, "value", value)?;
        require_each(require_positive, "population", population)?;
        require_each(require_finite, "rank", rank)?;
        if let Some(std_error) = std_error {
            require_same_length("values", value, "standard errors", std_error)?;
            require_each(require_not_negative, "std_error", std_error)?;
        }
        let n_obs = value.len();
        if n_obs < 2 {
            return Err(Reason::because(format!("there are {n_obs} groups (it takes 2 or more)")));
        }

        let mut groups: Vec<Group> = (0..n_obs)
            .map(|row| Group {
                rank: rank[row] + 0.0,
                population: population[row],
                value: value[row],
                std_error: std_error.map_or(0.0, |errors| errors[row]),
            })
            .collect();
        let key = |g: &Group| [g.rank, g.population, g.value, g.std_error];
        groups.sort_unstable_by(|a, b| {
            let pairs = key(a).into_iter().zip(key(b));
            pairs.fold(std::cmp::Ordering::Equal, |order, (a, b)| order.then(a.total_cmp(&b)))
        });

        let total: f64 = groups.iter().map(|group| group.population).sum();
        let shares: Vec<f64> = groups.iter().map(|group| group.population / total).collect();
        let places = places(&groups, &shares);
        let ones = vec![1.0; n_obs];
        let values: Vec<f64> = groups.iter().map(|group| group.value).collect();
        let fit = least_squares::fit(&[&ones, &places], &values, Some(&shares))
            .ok_or_else(|| Reason::because("all ranks are equal"))?;

        let (a, b) = (fit.coefficients[0], fit.coefficients[1]);
        let (low, high) = (a, a + b);
        let [[u00, u01], [_, u11]] =
            [[fit.unscaled[0][0], fit.unscaled[0][1]], [fit.unscaled[1][0], fit.unscaled[1][1]]];
        let certainty = if std_error.is_some() {
            // The line's value at either end is a weighted sum of the values.
            let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
                let weights = shares.iter().zip(&places).map(|(share, place)| {
                    let at_low = share * (u00 + u01 * place);
                    (at_low, at_low + share * (u01 + u11 * place))
                });
                let variances = groups.iter().map(|group| group.std_error * group.std_error);
                weights.zip(variances).map(|((l, h), variance)| term(l, h) * variance).sum()
            };
            Some(Certainty {
                variance_low: sum(&|l, _| l * l),
                variance_high: sum(&|_, h| h * h),
                covariance: sum(&|l, h| l * h),
                quantile: normal::two_sided(conf_level),
            })
        } else if n_obs > 2 {
            let s2 = fit.variance();
            Some(Certainty {
                variance_low: s2 * u00,
                variance_high: s2 * (u00 + 2.0 * u01 + u11),
                covariance: s2 * (u00 + u01),
                quantile: student_t::two_sided(conf_level, fit.df),
            })
        } else {
            None
        };
        let method = match std_error {
            Some(_) => "weighted regression, limits from standard errors",
            None => "weighted regression, limits from residuals",
        };
        require_finite_result(&[low, high])?;
        Ok(Self { low, high, certainty, n_obs, method })
    }

    fn slope(&self) -> Result<InequalityIndex, Reason> {
        let slope = self.high - self.low;
        let limits = self.certainty.as_ref().map(|c| {
            let variance = c.variance_low + c.variance_high - 2.0 * c.covariance;
            let width = c.quantile * variance.max(0.0).sqrt();
            (slope - width, slope + width)
        });
        self.index(slope, limits, "2 groups always lie on a line")
    }

    fn ratio(&self) -> Result<InequalityIndex, Reason> {
        if self.low <= 0.0 {
            return Err(Reason::because(format!(
                "the line is {} at the low end of the ranking (it must be above zero)",
                self.low
            )));
        }
        let ratio = self.high / self.low;
        let Some(c) = &self.certainty else {
            return self.index(ratio, None, "2 groups always lie on a line");
        };
        // r² (l² − q²V) − 2r (hl − q²C) + (h² − q²W) = 0
        let q2 = c.quantile * c.quantile;
        let square = self.low * self.low - q2 * c.variance_low;
        let middle = self.high * self.low - q2 * c.covariance;
        let rest = self.high * self.high - q2 * c.variance_high;
        let limits = (square > 0.0).then(|| {
            let root = (middle * middle - square * rest).max(0.0).sqrt();
            ((middle - root) / square, (middle + root) / square)
        });
        let why = "the line is not significantly above zero at the low end of the ranking";
        self.index(ratio, limits, why)
    }

    fn index(
        &self,
        estimate: f64,
        limits: Option<(f64, f64)>,
        why: &'static str,
    ) -> Result<InequalityIndex, Reason> {
        require_finite_result(&[estimate])?;
        let (conf_low, conf_high) = limits.unzip();
        require_finite_result(&[conf_low.unwrap_or(0.0), conf_high.unwrap_or(0.0)])?;
        Ok(InequalityIndex {
            estimate: Some(estimate),
            conf_low,
            conf_high,
            at_low_rank: Some(self.low),
            at_high_rank: Some(self.high),
            n_obs: self.n_obs,
            method: Some(self.method),
            reason: limits.is_none().then(|| Reason::of_part("the limits", why)),
        })
    }
}

/// The middle of each group's range in the cumulated population; equal ranks share one.
fn places(groups: &[Group], shares: &[f64]) -> Vec<f64> {
    let mut places = Vec::with_capacity(groups.len());
    let mut before = 0.0;
    for tied in groups.chunk_by(|a, b| a.rank == b.rank) {
        let start = places.len();
        let share: f64 = shares.iter().skip(start).take(tied.len()).sum();
        places.extend(std::iter::repeat_n(before + 0.5 * share, tied.len()));
        before += share;
    }
    places
}

#[cfg(test)]
mod tests;
