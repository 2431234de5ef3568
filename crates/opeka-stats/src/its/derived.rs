//! What a regression says of the time after the intervention: paths, averages and sums of effects.

use super::CounterfactualPoint;
use super::test_of::{Law, effect, form};
use crate::Reason;
use crate::effect::Effect;

/// A point, with its row of the regression as it is and as it would be without the intervention.
pub(super) struct Row {
    pub(super) time: f64,
    pub(super) treated: bool,
    pub(super) observed: f64,
    pub(super) with: Vec<f64>,
    pub(super) without: Vec<f64>,
    /// The factor of an expected count: the population, or 1.
    pub(super) size: f64,
}

/// Coefficients with their covariance; it is missing where the points lie on the model exactly.
pub(super) struct Fitted<'a> {
    pub(super) coefficients: &'a [f64],
    pub(super) covariance: Option<&'a [Vec<f64>]>,
    /// Expected values are size × exp(x′b) instead of x′b.
    pub(super) counts: bool,
    pub(super) law: Law,
    pub(super) conf_level: f64,
}

/// Points in the order of time, and what the intervention made of them all.
pub(super) struct Derived {
    pub(super) points: Vec<CounterfactualPoint>,
    pub(super) average: Effect,
    pub(super) cumulative: Effect,
    /// The sum of the effects over the sum of the counterfactuals.
    pub(super) relative: Effect,
}

impl Fitted<'_> {
    fn linear(&self, x: &[f64]) -> f64 {
        x.iter().zip(self.coefficients).map(|(x, b)| x * b).sum()
    }

    /// The expected value, and its gradient by the coefficients.
    fn mean(&self, x: &[f64], size: f64) -> (f64, Vec<f64>) {
        let linear = self.linear(x);
        if !self.counts {
            return (linear, x.to_vec());
        }
        let mean = size * libm::exp(linear);
        (mean, x.iter().map(|x| mean * x).collect())
    }

    pub(super) fn variance(&self, gradient: &[f64]) -> Option<f64> {
        self.covariance.map(|covariance| form(gradient, covariance, gradient))
    }

    /// Limits of the expected value; those of counts are above zero.
    fn limits(&self, x: &[f64], size: f64) -> Option<(f64, f64)> {
        let error = self.variance(x)?.max(0.0).sqrt();
        let (linear, reach) = (self.linear(x), self.law.reach(self.conf_level) * error);
        let (low, high) = (linear - reach, linear + reach);
        if self.counts {
            return Some((size * libm::exp(low), size * libm::exp(high)));
        }
        Some((low, high))
    }

    /// A line of a table for Σ gᵢ bᵢ or a smooth function of the coefficients with this gradient.
    pub(super) fn line(&self, term: &str, estimate: f64, gradient: &[f64]) -> Effect {
        effect(term, estimate, self.variance(gradient), self.law, self.conf_level)
    }

    /// Paths and sums, with errors by the delta method.
    pub(super) fn derive(&self, rows: &[Row]) -> Derived {
        let k = self.coefficients.len();
        let mut points = Vec::with_capacity(rows.len());
        // Of the effects, and of the counterfactuals they are compared with.
        let (mut sum, mut gradient) = (0.0, vec![0.0; k]);
        let (mut base, mut base_gradient) = (0.0, vec![0.0; k]);
        let mut n_after = 0.0;
        for row in rows {
            let (fitted, slopes) = self.mean(&row.with, row.size);
            let (counterfactual, other) = self.mean(&row.without, row.size);
            let limits = self.limits(&row.without, row.size).unzip();
            let mut point = CounterfactualPoint {
                time: row.time,
                treated: row.treated,
                observed: row.observed,
                fitted: Some(fitted),
                counterfactual: Some(counterfactual),
                conf_low: limits.0,
                conf_high: limits.1,
                ..CounterfactualPoint::default()
            };
            if row.treated {
                n_after += 1.0;
                let change: Vec<f64> = slopes.iter().zip(&other).map(|(a, b)| a - b).collect();
                sum += fitted - counterfactual;
                base += counterfactual;
                for j in 0..k {
                    gradient[j] += change[j];
                    base_gradient[j] += other[j];
                }
                let now = self.line("", fitted - counterfactual, &change);
                let all = self.line("", sum, &gradient);
                point.effect = now.estimate;
                (point.effect_low, point.effect_high) = (now.conf_low, now.conf_high);
                point.cumulative = all.estimate;
                (point.cumulative_low, point.cumulative_high) = (all.conf_low, all.conf_high);
            }
            points.push(point);
        }
        let mean: Vec<f64> = gradient.iter().map(|g| g / n_after).collect();
        let relative = if base > 0.0 {
            let ratio = sum / base;
            let slopes: Vec<f64> =
                gradient.iter().zip(&base_gradient).map(|(g, h)| (g - ratio * h) / base).collect();
            self.line("relative effect", ratio, &slopes)
        } else {
            Effect {
                term: "relative effect".to_owned(),
                ..Effect::unknown(Reason::because(format!(
                    "the sum of the counterfactual is {base} (it must be above zero)"
                )))
            }
        };
        Derived {
            points,
            average: self.line("average effect", sum / n_after, &mean),
            cumulative: self.line("cumulative effect", sum, &gradient),
            relative,
        }
    }
}
