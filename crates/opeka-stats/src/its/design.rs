//! The columns of a segmented regression.

use super::options::{ItsOptions, LevelAt};
use super::series::Series;

/// Columns with their names, and the same columns without the intervention.
pub(super) struct Design {
    pub(super) terms: Vec<String>,
    pub(super) columns: Vec<Vec<f64>>,
    /// The column of the level change, where there is one.
    pub(super) level: usize,
    /// The column of the slope change.
    pub(super) slope: Option<usize>,
}

/// Names of the terms that every segmented regression has.
pub(super) const INTERCEPT: &str = "intercept";
pub(super) const TREND: &str = "trend";
pub(super) const LEVEL_CHANGE: &str = "level change";
pub(super) const SLOPE_CHANGE: &str = "slope change";

/// Time since the intervention, as the coding of `level_at` counts it.
pub(super) fn since(start: f64, step: f64, level_at: LevelAt, time: f64) -> f64 {
    match level_at {
        LevelAt::LastBefore => time - start + step,
        LevelAt::FirstAfter => time - start,
    }
}

/// Intercept, trend, level change and slope change at these times: time counts from one step before
/// the first, so that series of steps of one count 1, 2, ….
pub(super) fn segments(
    time: &[f64],
    start: f64,
    step: f64,
    slope_change: bool,
    level_at: LevelAt,
) -> Vec<Vec<f64>> {
    let first = time.first().copied().unwrap_or_default();
    let after = |value: &dyn Fn(f64) -> f64| -> Vec<f64> {
        time.iter().map(|t| if *t >= start { value(*t) } else { 0.0 }).collect()
    };
    let mut columns = vec![
        vec![1.0; time.len()],
        time.iter().map(|t| t - first + step).collect(),
        after(&|_| 1.0),
    ];
    if slope_change {
        columns.push(after(&|t| since(start, step, level_at, t)));
    }
    columns
}

impl Design {
    pub(super) fn new(series: &Series, options: &ItsOptions<'_>) -> Self {
        let mut columns = segments(
            &series.time,
            series.start(),
            series.step,
            options.slope_change,
            options.level_at,
        );
        let mut terms: Vec<String> = [INTERCEPT, TREND, LEVEL_CHANGE, SLOPE_CHANGE]
            [..columns.len()]
            .iter()
            .map(|term| (*term).to_owned())
            .collect();
        for k in 1..=options.harmonics {
            // The whole seasons that have passed are taken off first: they would cost digits.
            let angle = |t: &f64| {
                let seasons = k as f64 * (t / options.period);
                2.0 * std::f64::consts::PI * (seasons - seasons.floor())
            };
            columns.push(series.time.iter().map(|t| libm::sin(angle(t))).collect());
            columns.push(series.time.iter().map(|t| libm::cos(angle(t))).collect());
            terms.push(format!("sine {k}"));
            terms.push(format!("cosine {k}"));
        }
        for (k, covariate) in series.covariates.iter().enumerate() {
            columns.push(covariate.clone());
            terms.push(format!("covariate {}", k + 1));
        }
        Self { terms, columns, level: 2, slope: options.slope_change.then_some(3) }
    }

    pub(super) fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    pub(super) fn row(&self, row: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[row]).collect()
    }

    /// The row had there been no intervention.
    pub(super) fn row_without(&self, row: usize) -> Vec<f64> {
        let mut x = self.row(row);
        x[self.level] = 0.0;
        if let Some(slope) = self.slope {
            x[slope] = 0.0;
        }
        x
    }
}
