//! What comes of it when a period, or an area, is left out.

use rayon::prelude::*;

use super::ridge::{Method, Wide, fit};
use crate::Reason;

/// Limits of each period from treatment on, and after them of their mean: the jackknife+ over the
/// periods before treatment (Barber et al. 2021, *Annals of Statistics* 49; Ben-Michael, Feller and
/// Rothstein 2021, *JASA* 116, supplement A.2).
pub(crate) fn plus(
    wide: &Wide,
    method: Method,
    simplex_weights: &[f64],
    alpha: f64,
) -> Result<Vec<(f64, f64)>, Reason> {
    let (before, n) = (wide.before, wide.target.len());
    let left_out: Vec<(f64, Vec<f64>)> = (0..before)
        .into_par_iter()
        .map(|period| {
            let order: Vec<usize> = (0..n).filter(|time| *time != period).chain([period]).collect();
            let fitted = fit(&wide.arranged(&order, before - 1), method, Some(simplex_weights))?;
            let mut estimates = fitted.synthetic[before - 1..n - 1].to_vec();
            estimates.push(mean(&estimates));
            Ok(((wide.target[period] - fitted.synthetic[n - 1]).abs(), estimates))
        })
        .collect::<Result<_, Reason>>()?;
    let mut observed = wide.target[before..].to_vec();
    observed.push(mean(&observed));
    let limits = observed.iter().enumerate().map(|(place, observed)| {
        let with = |sign: f64| -> Vec<f64> {
            left_out.iter().map(|(error, estimates)| estimates[place] + sign * error).collect()
        };
        let high = quantile(with(1.0), 1.0 - alpha / 2.0);
        let low = quantile(with(-1.0), alpha / 2.0);
        (observed - high, observed - low)
    });
    Ok(limits.collect())
}

/// Jackknife errors of each period from treatment on, and after them of their mean: √((n − 1)/n Σ(e −
/// ē)²) over the estimates `e` of `subsets`, with `n` areas in all.
pub(crate) fn over_units(
    subsets: &[Wide],
    method: Method,
    n_units: usize,
) -> Result<Vec<f64>, Reason> {
    let estimates: Vec<Vec<f64>> = subsets
        .par_iter()
        .map(|wide| {
            let fitted = fit(wide, method, None)?;
            let gaps = wide.target.iter().zip(&fitted.synthetic).map(|(y, s)| y - s);
            let mut after: Vec<f64> = gaps.skip(wide.before).collect();
            after.push(mean(&after));
            Ok(after)
        })
        .collect::<Result<_, Reason>>()?;
    let n = n_units as f64;
    let periods = estimates.first().map_or(0, Vec::len);
    let error = |place: usize| {
        let of: Vec<f64> = estimates.iter().map(|estimate| estimate[place]).collect();
        let centre = mean(&of);
        ((n - 1.0) / n * of.iter().map(|e| (e - centre) * (e - centre)).sum::<f64>()).sqrt()
    };
    Ok((0..periods).map(error).collect())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// R's type 7.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(values.len() - 1);
    values[below] + (place - below as f64) * (values[above] - values[below])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn quantiles_by_hand() {
        assert_close(quantile(vec![4.0, 1.0, 3.0, 2.0], 0.5), 2.5, 1e-15);
        assert_close(quantile(vec![4.0, 1.0, 3.0, 2.0], 0.1), 1.3, 1e-15);
        assert_close(quantile(vec![7.0], 0.9), 7.0, 1e-15);
    }
}
