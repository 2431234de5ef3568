//! How many joins.

use super::grid::{Hinges, Scratch, Tree};
use super::series::Series;
use super::{JoinpointOptions, JoinpointTest, Search, Selection, hudson};
use crate::Reason;
use crate::least_squares::Fit;
use crate::random::Random;
use std::f64::consts::PI;

/// A fit with its joins.
pub(super) struct Fitted {
    pub(super) joins: Vec<f64>,
    pub(super) fit: Fit,
}

pub(super) struct Selected {
    pub(super) fit: Fitted,
    pub(super) tests: Vec<JoinpointTest>,
    pub(super) method: &'static str,
}

pub(super) fn select(
    series: &Series,
    most: usize,
    options: &JoinpointOptions<'_>,
) -> Result<Selected, Reason> {
    let fits = Fits::new(series, options);
    let (joins, tests, method) = match options.selection {
        Selection::Fixed => (most, Vec::new(), "joinpoint, number of joins given"),
        Selection::Bic => (smallest_bic(&fits, most)?, Vec::new(), "joinpoint, BIC"),
        Selection::Permutation { permutations, seed, alpha } => {
            let draws = Draws { permutations, seed };
            let (joins, tests) = sequence_of_tests(&fits, most, &draws, alpha)?;
            (joins, tests, "joinpoint, permutation test")
        }
    };
    Ok(Selected { fit: fits.fit(joins)?, tests, method })
}

/// The best joins of this number.
pub(super) fn joins(
    series: &Series,
    joins: usize,
    options: &JoinpointOptions<'_>,
) -> Result<Vec<f64>, Reason> {
    Ok(Fits::new(series, options).fit(joins)?.joins)
}

/// What fits with different numbers of joins share.
struct Fits<'a> {
    series: &'a Series,
    options: &'a JoinpointOptions<'a>,
    hinges: Hinges,
    /// The values times the roots of the weights, without what constant and time explain.
    detrended: Vec<f64>,
    products: Vec<f64>,
}

impl<'a> Fits<'a> {
    fn new(series: &'a Series, options: &'a JoinpointOptions<'a>) -> Self {
        let hinges = Hinges::new(series, options);
        let mut detrended: Vec<f64> =
            series.y.iter().zip(series.roots()).map(|(y, root)| y * root).collect();
        hinges.detrend(&mut detrended);
        let mut products = Vec::new();
        hinges.products(&detrended, &mut products);
        Self { series, options, hinges, detrended, products }
    }

    /// The best joins at observed times.
    fn on_grid(&self, joins: usize) -> Vec<f64> {
        if joins == 0 {
            return Vec::new();
        }
        let places = Tree::new(&self.hinges, joins).best(&self.products);
        places.iter().map(|place| self.series.distinct[self.hinges.index(*place)]).collect()
    }

    fn fit_at(&self, joins: Vec<f64>) -> Result<Fitted, Reason> {
        let fit = self
            .series
            .fit(&joins)
            .ok_or_else(|| Reason::because("the weights or the times are too uneven for a fit"))?;
        Ok(Fitted { joins, fit })
    }

    fn fit(&self, joins: usize) -> Result<Fitted, Reason> {
        let start = self.on_grid(joins);
        let fitted = self.fit_at(start)?;
        if self.options.search == Search::Grid {
            return Ok(fitted);
        }
        let least = (self.options.min_to_end, self.options.min_between);
        self.fit_at(hudson::search(self.series, (fitted.fit.rss, fitted.joins), least))
    }
}

/// R's `BIC()` of a segmented linear model; missing where the fit meets every point.
pub(super) fn bic(series: &Series, fitted: &Fitted) -> Option<f64> {
    let rss = fitted.fit.rss;
    if rss <= series.negligible() {
        return None;
    }
    let n = series.len() as f64;
    let parameters = 2.0 * fitted.joins.len() as f64 + 3.0;
    let weights: f64 = series.weights.iter().flatten().map(|weight| libm::log(*weight)).sum();
    let likelihood = n * (libm::log(rss / n) + 1.0 + libm::log(2.0 * PI)) - weights;
    Some(likelihood + parameters * libm::log(n))
}

fn smallest_bic(fits: &Fits<'_>, most: usize) -> Result<usize, Reason> {
    let mut best = (f64::INFINITY, 0);
    for joins in 0..=most {
        let fitted = fits.fit(joins)?;
        let Some(bic) = bic(fits.series, &fitted) else { return Ok(joins) };
        if bic < best.0 {
            best = (bic, joins);
        }
    }
    Ok(best.1)
}

struct Draws {
    permutations: u32,
    seed: u64,
}

fn sequence_of_tests(
    fits: &Fits<'_>,
    most: usize,
    draws: &Draws,
    alpha: f64,
) -> Result<(usize, Vec<JoinpointTest>), Reason> {
    let trees: Vec<Tree> = (1..=most).map(|joins| Tree::new(&fits.hinges, joins)).collect();
    let (mut low, mut high) = (0, most);
    let mut tests = Vec::new();
    while low < high {
        let level = alpha / (most - low) as f64;
        // A stream of its own for each test, so that none depends on which came before.
        let random = Random::new(draws.seed, (low * (most + 1) + high) as u64);
        let trees = (low.checked_sub(1).and_then(|k| trees.get(k)), &trees[high - 1]);
        let p_value = test(fits, trees, low, draws.permutations, random)?;
        tests.push(JoinpointTest { null_joins: low, alternative_joins: high, p_value, level });
        if p_value.is_some_and(|p| p < level) {
            low += 1;
        } else {
            high -= 1;
        }
    }
    Ok((low, tests))
}

/// The p-value of F among those of permuted residuals.
///
/// F rises with RSS_a/RSS_b, which is what is compared, without the division.
fn test(
    fits: &Fits<'_>,
    (null, alternative): (Option<&Tree>, &Tree),
    null_joins: usize,
    permutations: u32,
    mut random: Random,
) -> Result<Option<f64>, Reason> {
    let mut scratch = Scratch::default();
    let mut sums = |detrended: f64, products: &[f64]| {
        let of_null = null.map_or(0.0, |tree| tree.largest(products, &mut scratch));
        let of_alternative = alternative.largest(products, &mut scratch);
        ((detrended - of_null).max(0.0), (detrended - of_alternative).max(0.0))
    };
    let square = |vector: &[f64]| super::grid::dot(vector, vector);
    let (null_rss, rss) = sums(square(&fits.detrended), &fits.products);
    if null_rss <= fits.series.negligible() {
        return Ok(None);
    }

    let fitted = fits.fit_at(fits.on_grid(null_joins))?;
    let mut residuals: Vec<f64> = fitted
        .fit
        .residuals
        .iter()
        .zip(fits.series.roots())
        .map(|(residual, root)| residual * root)
        .collect();
    // The fit less its straight part, which no sum of squares sees.
    let bend: Vec<f64> = fits.detrended.iter().zip(&residuals).map(|(y, e)| y - e).collect();
    let (mut drawn, mut products) = (vec![0.0; bend.len()], Vec::new());
    let mut as_large = 0u32;
    for _ in 0..permutations {
        random.shuffle(&mut residuals);
        for ((y, bend), residual) in drawn.iter_mut().zip(&bend).zip(&residuals) {
            *y = bend + residual;
        }
        fits.hinges.products(&drawn, &mut products);
        let detrended = square(&drawn) - fits.hinges.explained_by_line(&drawn);
        let (drawn_null, drawn_rss) = sums(detrended, &products);
        // The same order of residuals is a tie, whatever the last digits say.
        if drawn_null * rss >= null_rss * drawn_rss * (1.0 - 1e-10) {
            as_large += 1;
        }
    }
    Ok(Some(f64::from(1 + as_large) / f64::from(1 + permutations)))
}

/// The sums of squares with each join at each observed time, the others placed anew.
pub(super) fn profile(
    series: &Series,
    joins: usize,
    options: &JoinpointOptions<'_>,
) -> Vec<Vec<(f64, f64)>> {
    let fits = Fits::new(series, options);
    let total = super::grid::dot(&fits.detrended, &fits.detrended);
    let profile = Tree::new(&fits.hinges, joins).profile(&fits.products);
    let cell = |(place, gain): (usize, &Option<f64>)| {
        gain.map(|gain| (series.distinct[fits.hinges.index(place)], total - gain))
    };
    profile.iter().map(|row| row.iter().enumerate().filter_map(cell).collect()).collect()
}
