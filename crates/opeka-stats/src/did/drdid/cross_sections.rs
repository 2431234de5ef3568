//! Units that are not all there in both periods: levels are compared.

use super::{AttMethod, Comparison, Regression, dot, times};
use crate::Reason;

/// The effect on an outcome, and each row's influence, scaled to a sample of `n` units: add up those
/// of a unit's rows.
///
/// Treated and controls, before and after, are four groups. Without covariates the estimate is the
/// difference in differences of their means; with them it is that of Sant'Anna and Zhao (2020),
/// equation 3.4 for the doubly robust one.
///
/// The influence functions are those of the R package DRDID. In the doubly robust one it takes the
/// regression of controls before treatment with the opposite sign of its derivative: the estimate
/// moves with m₁ − m₀, the means of the covariates of the treated and of the weighted controls before
/// treatment, and DRDID (1.2.3, `drdid_rc`) adds M1.pre to M3.pre's negative as for the period after.
/// The two means differ little, and errors with them (0.06 % in a panel of `mpdta` with gaps);
/// published errors are those of the package, and so are these.
///
/// # Errors
/// A group without rows, and covariates that tell who is treated, go together, or are too many.
pub(crate) fn cross_sections(
    c: &Comparison,
    y: &[f64],
    post: &[bool],
    method: AttMethod,
    n: usize,
) -> Result<(f64, Vec<f64>), Reason> {
    for (treated, after, name) in [
        (true, true, "treated unit in the period"),
        (true, false, "treated unit in the period before treatment"),
        (false, true, "control in the period"),
        (false, false, "control in the period before treatment"),
    ] {
        if !(0..c.len()).any(|row| c.treated[row] == treated && post[row] == after) {
            return Err(Reason::because(format!("there is no {name}")));
        }
    }
    let method = if c.k == 1 { AttMethod::Regression } else { method };
    let rows = Rows { c, y, post, n: n as f64 };
    match method {
        AttMethod::Regression => rows.regression(),
        AttMethod::InverseProbability => rows.weighting(),
        AttMethod::DoublyRobust => rows.doubly_robust(),
    }
}

struct Rows<'a> {
    c: &'a Comparison,
    y: &'a [f64],
    post: &'a [bool],
    n: f64,
}

/// The regression of a group in a period.
struct Line {
    regression: Regression,
    fitted: Vec<f64>,
}

impl Rows<'_> {
    fn len(&self) -> usize {
        self.c.len()
    }

    /// The weights of a group, after or before.
    fn weights(&self, treated: bool, after: bool) -> Vec<f64> {
        let of = |row: usize| self.c.treated[row] == treated && self.post[row] == after;
        (0..self.len()).map(|row| if of(row) { self.c.weights[row] } else { 0.0 }).collect()
    }

    fn line(&self, treated: bool, after: bool) -> Result<Line, Reason> {
        let who = match (treated, after) {
            (false, true) => "controls in the period",
            (false, false) => "controls in the period before treatment",
            (true, true) => "treated units in the period",
            (true, false) => "treated units in the period before treatment",
        };
        let of = |row: usize| self.c.treated[row] == treated && self.post[row] == after;
        let regression = Regression::new(self.c, who, of)?;
        let coefficients = regression.coefficients(self.c, self.y);
        let fitted = (0..self.len()).map(|row| dot(self.c.row(row), &coefficients)).collect();
        Ok(Line { regression, fitted })
    }

    /// Adds what the coefficients of a line, moved in a direction, add to the influence.
    fn add_line(&self, influence: &mut [f64], line: &Line, moments: &[f64]) {
        let direction = times(&line.regression.inverse, moments);
        for row in line.regression.rows.iter().map(|row| *row as usize) {
            let rest = self.y[row] - line.fitted[row];
            let score = self.c.weights[row] * rest * dot(self.c.row(row), &direction);
            influence[row] += self.n * score;
        }
    }

    /// The weighted mean, and what its rows add to the influence, times a sign.
    fn add_mean(&self, influence: &mut [f64], weights: &[f64], values: &[f64], sign: f64) -> f64 {
        let sum: f64 = weights.iter().sum();
        let mean = dot(weights, values) / sum;
        for ((influence, weight), value) in influence.iter_mut().zip(weights).zip(values) {
            *influence += sign * self.n * weight * (value - mean) / sum;
        }
        mean
    }

    fn regression(&self) -> Result<(f64, Vec<f64>), Reason> {
        let (after, before) = (self.line(false, true)?, self.line(false, false)?);
        let mut influence = vec![0.0; self.len()];
        let mut estimate = self.add_mean(&mut influence, &self.weights(true, true), self.y, 1.0);
        estimate -= self.add_mean(&mut influence, &self.weights(true, false), self.y, -1.0);
        let treated: Vec<f64> = (0..self.len())
            .map(|row| if self.c.treated[row] { self.c.weights[row] } else { 0.0 })
            .collect();
        let change: Vec<f64> =
            after.fitted.iter().zip(&before.fitted).map(|(a, b)| a - b).collect();
        estimate -= self.add_mean(&mut influence, &treated, &change, -1.0);
        let sum: f64 = treated.iter().sum();
        let moments: Vec<f64> = self.c.moments(&treated).iter().map(|m| -m / sum).collect();
        self.add_line(&mut influence, &after, &moments);
        let back: Vec<f64> = moments.iter().map(|m| -m).collect();
        self.add_line(&mut influence, &before, &back);
        Ok((estimate, influence))
    }

    /// The controls' odds after and before.
    fn split(&self, odds: &[f64]) -> Result<[Vec<f64>; 2], Reason> {
        let part = |after: bool| -> Vec<f64> {
            odds.iter().zip(self.post).map(|(w, p)| if *p == after { *w } else { 0.0 }).collect()
        };
        let parts = [part(true), part(false)];
        if parts.iter().any(|part| part.iter().sum::<f64>() <= 0.0) {
            return Err(Reason::because("no control is comparable to the treated units"));
        }
        Ok(parts)
    }

    /// Adds what the estimated odds add to the influence, for controls with values `rest`; the means
    /// are those after and before.
    fn add_odds(
        &self,
        influence: &mut [f64],
        odds: &super::Odds,
        [after, before]: [&[f64]; 2],
        rest: &[f64],
        means: [f64; 2],
    ) {
        let part = |weights: &[f64], mean: f64| -> Vec<f64> {
            let sum: f64 = weights.iter().sum();
            let apart: Vec<f64> =
                weights.iter().zip(rest).map(|(w, value)| w * (value - mean) / sum).collect();
            self.c.moments(&apart)
        };
        let (after, before) = (part(after, means[0]), part(before, means[1]));
        let moments: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        let direction = times(&odds.inverse, &moments);
        for (row, influence) in influence.iter_mut().enumerate() {
            *influence -= self.n * odds.score[row] * dot(self.c.row(row), &direction);
        }
    }

    fn weighting(&self) -> Result<(f64, Vec<f64>), Reason> {
        let odds = self.c.odds()?;
        let [after, before] = self.split(&odds.weights)?;
        let mut influence = vec![0.0; self.len()];
        let mut estimate = self.add_mean(&mut influence, &self.weights(true, true), self.y, 1.0);
        estimate -= self.add_mean(&mut influence, &self.weights(true, false), self.y, -1.0);
        let high = self.add_mean(&mut influence, &after, self.y, -1.0);
        let low = self.add_mean(&mut influence, &before, self.y, 1.0);
        self.add_odds(&mut influence, &odds, [&after, &before], self.y, [high, low]);
        Ok((estimate - (high - low), influence))
    }

    fn doubly_robust(&self) -> Result<(f64, Vec<f64>), Reason> {
        let odds = self.c.odds()?;
        let [odds_after, odds_before] = self.split(&odds.weights)?;
        let (after, before) = (self.line(false, true)?, self.line(false, false)?);
        let (treated_after, treated_before) = (self.line(true, true)?, self.line(true, false)?);
        let n = self.len();
        let fitted =
            |row: usize| if self.post[row] { after.fitted[row] } else { before.fitted[row] };
        let rest: Vec<f64> = (0..n).map(|row| self.y[row] - fitted(row)).collect();
        let (w_after, w_before) = (self.weights(true, true), self.weights(true, false));
        let w_all: Vec<f64> = w_after.iter().zip(&w_before).map(|(a, b)| a + b).collect();

        let mut influence = vec![0.0; n];
        let mut estimate = self.add_mean(&mut influence, &w_after, &rest, 1.0);
        estimate -= self.add_mean(&mut influence, &w_before, &rest, -1.0);
        let high = self.add_mean(&mut influence, &odds_after, &rest, -1.0);
        let low = self.add_mean(&mut influence, &odds_before, &rest, 1.0);
        estimate -= high - low;
        self.add_odds(&mut influence, &odds, [&odds_after, &odds_before], &rest, [high, low]);

        // The adjustment that makes the estimator efficient: the same regressions over all treated.
        let apart = |a: &Line, b: &Line| -> Vec<f64> {
            a.fitted.iter().zip(&b.fitted).map(|(a, b)| a - b).collect()
        };
        let (gap_after, gap_before) =
            (apart(&treated_after, &after), apart(&treated_before, &before));
        estimate += self.add_mean(&mut influence, &w_all, &gap_after, 1.0);
        estimate -= self.add_mean(&mut influence, &w_after, &gap_after, -1.0);
        estimate -= self.add_mean(&mut influence, &w_all, &gap_before, -1.0);
        estimate += self.add_mean(&mut influence, &w_before, &gap_before, 1.0);

        let mean = |weights: &[f64]| -> Vec<f64> {
            let sum: f64 = weights.iter().sum();
            self.c.moments(weights).iter().map(|m| m / sum).collect()
        };
        let minus =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let all = mean(&w_all);
        let (m_after, m_before) = (mean(&w_after), mean(&w_before));
        let moved_after = minus(&all, &m_after);
        let moved_before = minus(&all, &m_before);
        // The treated components' own derivatives, those of the weighted controls against them (both
        // with the sign of the reference), and those of the adjustment.
        let own_after = minus(&minus(&mean(&odds_after), &m_after), &moved_after);
        let own_before: Vec<f64> = minus(&mean(&odds_before), &m_before)
            .iter()
            .zip(&moved_before)
            .map(|(a, b)| a + b)
            .collect();
        self.add_line(&mut influence, &after, &own_after);
        self.add_line(&mut influence, &before, &own_before);
        self.add_line(&mut influence, &treated_after, &moved_after);
        let back: Vec<f64> = moved_before.iter().map(|m| -m).collect();
        self.add_line(&mut influence, &treated_before, &back);
        Ok((estimate, influence))
    }
}
