//! Two groups, before and after.

use super::coefficient::{Coefficient, Support, finish};
use crate::Reason;
use crate::effect::labels::Labels;
use crate::effect::{Effect, Notes};
use crate::inference::cluster::{fixest_adjustment, sandwich, scores};
use crate::least_squares;
use crate::reason::{
    require_conf_level, require_each, require_finite, require_finite_result, require_positive,
};

/// The errors of [`did_2x2`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwoByTwoErrors {
    /// By unit: CR0 × G/(G − 1) × (N − 1)/(N − 4), with Student's t of G − 1 degrees of freedom.
    #[default]
    Cluster,
    /// One variance for all rows, which are independent.
    Iid,
}

/// Options of [`did_2x2`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoByTwoOptions {
    pub errors: TwoByTwoErrors,
    pub conf_level: f64,
}

impl Default for TwoByTwoOptions {
    fn default() -> Self {
        Self { errors: TwoByTwoErrors::Cluster, conf_level: 0.95 }
    }
}

/// The rows of one group, before or after.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    pub n_obs: usize,
    /// Weighted where weights were given.
    pub mean: f64,
    /// With n − 1 in the denominator, and without weights; nothing for one row.
    pub sd: Option<f64>,
}

/// The result of [`did_2x2`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TwoByTwo {
    /// The difference of differences.
    pub effect: Effect,
    /// The cells: the comparison group before and after, then the treated group.
    pub cells: Option<[[Cell; 2]; 2]>,
    /// The other terms of the regression: the mean of the comparison group before, the difference
    /// of the groups before, and the change of the comparison group.
    pub terms: Vec<Effect>,
    /// The difference of the mean changes of those units that have one row before and one after,
    /// with Welch's test for unequal variances.
    pub changes: Option<Effect>,
}

impl TwoByTwo {
    /// No estimate, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

/// The difference of differences of four means, from pooled rows.
///
/// **Estimates** the average effect on the treated group after treatment, under parallel trends of
/// the two groups. Rows are pooled: units need not be there before and after, and repeated
/// cross-sections will do. With units that all are, [`did_twfe`](crate::did_twfe) compares each
/// with itself.
///
/// **Formula.** (ȳ₁₁ − ȳ₁₀) − (ȳ₀₁ − ȳ₀₀), the coefficient of group × after in a least squares
/// regression on both and their product (Card and Krueger 1994, table 3). Errors by unit are those of
/// R's `feols(y ~ group * after, cluster = ~unit)`, the others those of `lm`.
///
/// **Few treated units.** With one unit in either group there is no error; with two to nine in the
/// treated group the note says that errors are too small.
///
/// **Edge cases.** No estimate, with a [`Reason`], where one of the four cells has no rows, where
/// the outcome is constant, where `group` or `post` is neither 0 nor 1, where a unit is in both groups,
/// and for numbers that are not finite. Errors are missing where rows equal their cell's mean.
pub fn did_2x2(
    y: &[f64],
    unit: &Labels,
    group: &[f64],
    post: &[f64],
    weights: Option<&[f64]>,
    options: &TwoByTwoOptions,
) -> TwoByTwo {
    calculate(y, unit, group, post, weights, options).unwrap_or_else(TwoByTwo::unknown)
}

fn calculate(
    y: &[f64],
    unit: &Labels,
    group: &[f64],
    post: &[f64],
    weights: Option<&[f64]>,
    options: &TwoByTwoOptions,
) -> Result<TwoByTwo, Reason> {
    require_conf_level(options.conf_level)?;
    let table = Table::new(y, unit, group, post, weights)?;
    let n = table.y.len();
    let ones = vec![1.0; n];
    let both: Vec<f64> = table.group.iter().zip(&table.post).map(|(a, b)| a * b).collect();
    let columns: [&[f64]; 4] = [&ones, &table.group, &table.post, &both];
    let weights = table.weights.as_deref();
    let fit = least_squares::fit(&columns, &table.y, weights)
        .ok_or_else(|| Reason::because("a cell has no weight beside the others"))?;
    require_finite_result(&fit.coefficients)?;

    let spread: f64 = table.y.iter().map(|y| y * y).sum();
    let perfect = fit.rss <= 1e-26 * spread * weights.map_or(1.0, |w| w.iter().sum::<f64>());
    let covariance: Result<(Vec<Vec<f64>>, f64), String> = match options.errors {
        _ if perfect => Err("all rows equal the mean of their cell".to_owned()),
        TwoByTwoErrors::Iid if fit.df > 0.0 => {
            let scaled = |row: &Vec<f64>| row.iter().map(|v| v * fit.variance()).collect();
            Ok((fit.unscaled.iter().map(scaled).collect(), fit.df))
        }
        TwoByTwoErrors::Iid => Err(format!("{n} rows are too few for 4 coefficients")),
        TwoByTwoErrors::Cluster => {
            let x: Vec<Vec<f64>> = columns.iter().map(|column| column.to_vec()).collect();
            let g = table.n_units;
            let scores = scores(&x, &fit.residuals, weights, &table.unit, g);
            fixest_adjustment(g, n, 4)
                .ok_or_else(|| format!("{n} rows of {g} units are too few for 4 coefficients"))
                .map(|factor| {
                    let mut matrix = sandwich(&fit.unscaled, &scores);
                    matrix.iter_mut().flatten().for_each(|value| *value *= factor);
                    (matrix, (g - 1) as f64)
                })
        }
    };
    let errors = match options.errors {
        TwoByTwoErrors::Cluster => "errors by unit (CR1)",
        TwoByTwoErrors::Iid => "errors of independent rows of one variance",
    };
    let [n_others, n_treated] = table.units_of_groups();
    let support = Support::new(n_treated.min(if n_others == 1 { 1 } else { n_treated }), n);
    let terms = ["(Intercept)", "group", "post", "ATT"].iter().enumerate().map(|(k, term)| {
        let error = covariance.as_ref().map_err(Clone::clone);
        let effect = Effect {
            term: (*term).to_owned(),
            n_obs: n,
            n_units: table.n_units,
            method: Some(format!("pooled least squares, {errors}")),
            ..Effect::default()
        };
        let coefficient = Coefficient {
            estimate: fit.coefficients[k],
            error: error.map(|(matrix, df)| (matrix[k][k].sqrt(), *df)),
            support,
        };
        finish(effect, coefficient, options.conf_level, &mut Notes::default())
    });
    let mut terms: Vec<Effect> = terms.collect();
    let effect = terms.pop().unwrap_or_default();
    let changes = table.changes(options.conf_level);
    Ok(TwoByTwo { effect, cells: Some(table.cells()), terms, changes })
}

/// The rows in an order that does not depend on that of the caller.
struct Table {
    y: Vec<f64>,
    unit: Vec<u32>,
    n_units: usize,
    group: Vec<f64>,
    post: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl Table {
    fn new(
        y: &[f64],
        unit: &Labels,
        group: &[f64],
        post: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<Self, Reason> {
        let n = y.len();
        let lengths = [
            ("units", unit.len()),
            ("values of group", group.len()),
            ("values of post", post.len()),
            ("weights", weights.map_or(n, <[f64]>::len)),
        ];
        for (name, length) in lengths {
            if length != n {
                return Err(Reason::because(format!("there are {n} outcomes and {length} {name}")));
            }
        }
        if n == 0 {
            return Err(Reason::because("there are no rows"));
        }
        require_each(require_finite, "the outcome", y)?;
        require_each(zero_or_one, "group", group)?;
        require_each(zero_or_one, "post", post)?;
        if let Some(weights) = weights {
            require_each(require_positive, "a weight", weights)?;
        }
        if y.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(Reason::because("the outcome is the same in all rows"));
        }
        let (names, rank) = unit.ranked();
        let mut order: Vec<usize> = (0..n).collect();
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        order.sort_by(|a, b| {
            let by_cell = rank[*a].cmp(&rank[*b]).then(post[*a].total_cmp(&post[*b]));
            let by_value = || y[*a].total_cmp(&y[*b]).then(weight(*a).total_cmp(&weight(*b)));
            by_cell.then(group[*a].total_cmp(&group[*b])).then_with(by_value)
        });
        let take = |column: &[f64]| order.iter().map(|row| column[*row]).collect::<Vec<f64>>();
        let table = Self {
            y: take(y),
            unit: order.iter().map(|row| rank[*row]).collect(),
            n_units: names.len(),
            group: take(group),
            post: take(post),
            weights: weights.map(take),
        };
        let both = (1..n).find(|row| {
            table.unit[*row] == table.unit[row - 1] && table.group[*row] != table.group[row - 1]
        });
        if let Some(row) = both {
            return Err(Reason::because(format!(
                "{} is in both groups",
                names[table.unit[row] as usize]
            )));
        }
        for (group, of) in [(0.0, "comparison"), (1.0, "treated")] {
            for (post, when) in [(0.0, "before"), (1.0, "after")] {
                if !(0..n).any(|row| table.group[row] == group && table.post[row] == post) {
                    return Err(Reason::because(format!("the {of} group has no row {when}")));
                }
            }
        }
        Ok(table)
    }

    fn cells(&self) -> [[Cell; 2]; 2] {
        [0.0, 1.0].map(|group| {
            [0.0, 1.0].map(|post| {
                let rows: Vec<usize> = (0..self.y.len())
                    .filter(|row| self.group[*row] == group && self.post[*row] == post)
                    .collect();
                let values: Vec<f64> = rows.iter().map(|row| self.y[*row]).collect();
                let (mean, variance) = moments(&values);
                let mean = match &self.weights {
                    None => mean,
                    Some(w) => {
                        let total: f64 = rows.iter().map(|row| w[*row]).sum();
                        rows.iter().map(|row| w[*row] * self.y[*row]).sum::<f64>() / total
                    }
                };
                Cell { n_obs: rows.len(), mean, sd: variance.map(f64::sqrt) }
            })
        })
    }

    /// How many units the comparison group has, and how many the treated one.
    fn units_of_groups(&self) -> [usize; 2] {
        let mut count = [0, 0];
        for row in 0..self.y.len() {
            if row == 0 || self.unit[row] != self.unit[row - 1] {
                count[usize::from(self.group[row] == 1.0)] += 1;
            }
        }
        count
    }

    /// Welch's test of the changes of the units that have one row before and one after; nothing
    /// with weights, or with fewer than two such units in either group.
    fn changes(&self, conf_level: f64) -> Option<Effect> {
        if self.weights.is_some() {
            return None;
        }
        let mut changes = [Vec::new(), Vec::new()];
        for row in 1..self.y.len() {
            let of_unit = |other: Option<&u32>| other == Some(&self.unit[row]);
            let alone = !of_unit(self.unit.get(row + 1))
                && !of_unit(row.checked_sub(2).and_then(|before| self.unit.get(before)));
            let pair = self.unit[row] == self.unit[row - 1]
                && (self.post[row - 1], self.post[row]) == (0.0, 1.0);
            if alone && pair {
                let group = usize::from(self.group[row] == 1.0);
                changes[group].push(self.y[row] - self.y[row - 1]);
            }
        }
        let [others, treated] = changes;
        let ((mean0, variance0), (mean1, variance1)) = (moments(&others), moments(&treated));
        let (a, b) = (variance1? / treated.len() as f64, variance0? / others.len() as f64);
        let df = (a + b) * (a + b)
            / (a * a / (treated.len() - 1) as f64 + b * b / (others.len() - 1) as f64);
        let effect = Effect {
            term: "ATT".to_owned(),
            n_obs: 2 * (others.len() + treated.len()),
            n_units: others.len() + treated.len(),
            method: Some("difference of mean changes, Welch's t".to_owned()),
            ..Effect::default()
        };
        let error = if a + b > 0.0 {
            Ok(((a + b).sqrt(), df))
        } else {
            Err("all units of a group changed alike".to_owned())
        };
        // Welch's test does not lean on many units: it takes each group's variance as it is.
        let support = Support { n_treated: 0, clusters: false };
        let coefficient = Coefficient { estimate: mean1 - mean0, error, support };
        Some(finish(effect, coefficient, conf_level, &mut Notes::default()))
    }
}

fn zero_or_one(name: &str, value: f64) -> Result<(), Reason> {
    if value == 0.0 || value == 1.0 {
        return Ok(());
    }
    Err(Reason::because(format!("{name} is {value} (it must be 0 or 1)")))
}

/// The mean, and the variance with n − 1, of which there is none for fewer than two.
fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (values.len() > 1).then(|| squares / (n - 1.0)))
}

#[cfg(test)]
mod tests;
