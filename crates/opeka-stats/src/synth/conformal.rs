//! Tests and limits from residuals in the order of time.

use rayon::prelude::*;

use super::ridge::{Method, Wide, fit};
use crate::Reason;

/// Effects that are tried for the limits of a period.
const GRID: usize = 50;

/// What is found for a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PeriodTest {
    /// Of no effect.
    pub(crate) p_value: f64,
    /// The smallest and the largest effect of those tried that are not rejected.
    pub(crate) accepted: Option<(f64, f64)>,
    /// Whether the smallest and the largest one tried are among them: then there is no limit.
    pub(crate) open: (bool, bool),
}

/// The test of no effect in any period: the fit to all periods, whose residuals are moved around in
/// blocks (Chernozhukov, Wüthrich and Zhu 2021, *JASA* 116, equation 4; moving blocks, q = 1).
pub(crate) fn joint(wide: &Wide, method: Method) -> Result<f64, Reason> {
    let n = wide.target.len();
    let order: Vec<usize> = (0..n).collect();
    let all = wide.arranged(&order, n);
    let fitted = fit(&all, method, None)?;
    Ok(p_value(&residuals(&all, &fitted.synthetic), n - wide.before))
}

/// Tests of each period from treatment on. `gaps` are the estimated effects of all periods.
pub(crate) fn by_period(
    wide: &Wide,
    method: Method,
    gaps: &[f64],
    alpha: f64,
) -> Result<Vec<PeriodTest>, Reason> {
    let before = wide.before;
    let after = &gaps[before..];
    let width = 2.0 * (after.iter().map(|gap| gap * gap).sum::<f64>() / after.len() as f64).sqrt();
    (before..gaps.len())
        .into_par_iter()
        .map(|period| {
            let mut order: Vec<usize> = (0..before).collect();
            order.push(period);
            let mut one = wide.arranged(&order, before + 1);
            let observed = one.target[before];
            let mut warm: Option<Vec<f64>> = None;
            let mut test = |effect: f64| {
                one.target[before] = observed - effect;
                let fitted = fit(&one, method, warm.as_deref())?;
                let p = p_value(&residuals(&one, &fitted.synthetic), 1);
                warm = Some(fitted.simplex_weights);
                Ok::<f64, Reason>(p)
            };
            let p_value = test(0.0)?;
            let (low, step) = (gaps[period] - width, 2.0 * width / (GRID - 1) as f64);
            let mut accepted: Vec<f64> = if p_value >= alpha { vec![0.0] } else { Vec::new() };
            let mut open = (false, false);
            for place in 0..GRID {
                let effect = low + step * place as f64;
                if test(effect)? >= alpha {
                    accepted.push(effect);
                    open.0 |= place == 0;
                    open.1 |= place == GRID - 1;
                }
            }
            let smallest = accepted.iter().copied().min_by(f64::total_cmp);
            let largest = accepted.iter().copied().max_by(f64::total_cmp);
            Ok(PeriodTest { p_value, accepted: smallest.zip(largest), open })
        })
        .collect()
}

fn residuals(wide: &Wide, synthetic: &[f64]) -> Vec<f64> {
    wide.target.iter().zip(synthetic).map(|(y, s)| y - s).collect()
}

/// The share of shifts of the residuals whose last `after` are as large as they are.
fn p_value(residuals: &[f64], after: usize) -> f64 {
    let n = residuals.len();
    let statistic = |shift: usize| {
        (n - after..n).map(|place| residuals[(place + shift) % n].abs()).sum::<f64>()
    };
    let observed = statistic(0);
    let as_large = (0..n).filter(|shift| observed <= statistic(*shift)).count();
    as_large as f64 / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_by_hand() {
        // Blocks of two: 5+4, 4+1, 1+2, 2+3, 3+5; that at the end is 2+3, and 1+2 alone is smaller.
        assert_eq!(p_value(&[5.0, -4.0, 1.0, -2.0, 3.0], 2), 4.0 / 5.0);
        assert_eq!(p_value(&[1.0, 2.0, 3.0, 4.0], 1), 0.25);
        assert_eq!(p_value(&[1.0, 1.0, 1.0], 1), 1.0);
    }
}
