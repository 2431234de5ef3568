//! The errors of a panel regression.

use super::bias_reduced::{Adjustment, bias_reduced};
use super::regression::Regression;
use crate::effect::panel::Panel;
use crate::inference::cluster::{
    cluster_factor, coefficients_that_count, fixest_adjustment, is_nested, sandwich, scores,
    size_factor,
};

/// How the errors of a panel regression are calculated.
///
/// G is the number of clusters, N that of rows, and K that of coefficients that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// By cluster, CR0 × G/(G − 1) × (N − 1)/(N − K), where K leaves out the fixed effects that are
    /// nested in the clusters: the default of R's fixest and of pyfixest (CRV1).
    #[default]
    Cluster,
    /// The same, where K counts all fixed effects: Stata's `areg`, `lm` with dummies.
    ClusterFull,
    /// The same, where K counts no fixed effects.
    ClusterNone,
    /// By cluster, CR0 × G/(G − 1).
    Cr1,
    /// By cluster, without any factor (Liang and Zeger 1986).
    Cr0,
    /// By cluster, bias-reduced, with Satterthwaite's degrees of freedom (Bell and McCaffrey 2002;
    /// Pustejovsky and Tipton 2018).
    Cr2,
    /// The jackknife over clusters, Σ (b₍₋g₎ − b)².
    Cr3,
    /// The jackknife × (G − 1)/G: R's `sandwich::vcovJK`.
    Cr3Jackknife,
    /// The jackknife with the factors of `Cluster`: pyfixest's CRV3.
    Cr3Adjusted,
    /// By unit and by time at once (Cameron, Gelbach and Miller 2011).
    TwoWay,
    /// By time, with neighbouring times going together (Driscoll and Kraay 1998), up to a lag of
    /// the fourth root of their number.
    DriscollKraay,
    /// By row: robust to unequal variances, N/(N − K) × HC0.
    Hc1,
    /// One variance for all rows, which are independent.
    Iid,
}

/// The degrees of freedom of Student's t.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Degrees {
    /// Satterthwaite's with [`Errors::Cr2`]; one less than there are clusters with the other errors
    /// by cluster; N − K without clusters.
    #[default]
    OfErrors,
    /// Satterthwaite's, for any errors by cluster of the units.
    Satterthwaite,
    /// One less than there are clusters, for any errors by cluster.
    Clusters,
}

/// Covariance of the coefficients, and for each the degrees of freedom of its t.
#[derive(Clone, Debug)]
pub(crate) struct Covariance {
    pub(crate) matrix: Vec<Vec<f64>>,
    pub(crate) df: Vec<f64>,
}

impl Errors {
    /// In words, for a footnote.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Cluster => "errors by cluster (CR1)",
            Self::ClusterFull => "errors by cluster (CR1, all fixed effects counted)",
            Self::ClusterNone => "errors by cluster (CR1, no fixed effects counted)",
            Self::Cr1 => "errors by cluster (CR1, clusters alone counted)",
            Self::Cr0 => "errors by cluster (CR0)",
            Self::Cr2 => "errors by cluster (CR2, Satterthwaite's degrees of freedom)",
            Self::Cr3 => "errors by cluster (CR3, jackknife)",
            Self::Cr3Jackknife => "errors by cluster (jackknife × (G − 1)/G)",
            Self::Cr3Adjusted => "errors by cluster (jackknife with the factors of CR1)",
            Self::TwoWay => "errors by unit and time",
            Self::DriscollKraay => "errors of Driscoll and Kraay",
            Self::Hc1 => "errors robust to unequal variances (HC1)",
            Self::Iid => "errors of independent rows of one variance",
        }
    }
}

/// How many coefficients a regression on unit and time effects counts, for clusters of which it is
/// said whether units and times are nested in them.
fn counted(panel: &Panel, fit: &Regression, units_nested: bool, times_nested: bool) -> usize {
    let kinds = [(panel.n_units(), units_nested), (panel.n_times(), times_nested)];
    coefficients_that_count(fit.x.len(), &kinds)
}

/// The rows less all coefficients, zero where nothing is left.
pub(crate) fn residual_df(panel: &Panel, fit: &Regression) -> usize {
    panel.n_obs().saturating_sub(counted(panel, fit, false, false))
}

/// The covariance of all coefficients of `fit`, or why there is none.
pub(crate) fn covariance(
    panel: &Panel,
    fit: &Regression,
    errors: Errors,
    degrees: Degrees,
) -> Result<Covariance, String> {
    if fit.is_perfect(panel) {
        return Err("the model fits without residuals".to_owned());
    }
    let (n, k) = (panel.n_obs(), fit.x.len());
    let full = counted(panel, fit, false, false);
    let residual_df = residual_df(panel, fit) as f64;
    let few_rows = || format!("{n} rows are too few for {full} coefficients");
    let by = |cluster: &[u32], n_clusters: usize| {
        let weights = panel.weights.as_deref();
        sandwich(&fit.bread, &scores(&fit.x, &fit.residuals, weights, cluster, n_clusters))
    };
    let scaled = |matrix: Vec<Vec<f64>>, factor: f64| -> Vec<Vec<f64>> {
        matrix.into_iter().map(|row| row.into_iter().map(|v| factor * v).collect()).collect()
    };
    let same_df = |matrix, df: f64| Ok(Covariance { matrix, df: vec![df; k] });
    match errors {
        Errors::Iid => {
            if residual_df <= 0.0 {
                return Err(few_rows());
            }
            same_df(scaled(fit.bread.clone(), fit.rss / residual_df), residual_df)
        }
        Errors::Hc1 => {
            if residual_df <= 0.0 {
                return Err(few_rows());
            }
            let rows: Vec<u32> = (0..n as u32).collect();
            same_df(scaled(by(&rows, n), n as f64 / residual_df), residual_df)
        }
        Errors::TwoWay => {
            let (units, times) = (panel.n_units(), panel.n_times());
            let least = units.min(times);
            let rows: Vec<u32> = (0..n as u32).collect();
            let factor = fixest_adjustment(least, n, counted(panel, fit, true, true));
            let factor = factor.ok_or_else(few_rows)?;
            let mut matrix = by(&panel.unit, units);
            let parts = [(by(&panel.time, times), 1.0), (by(&rows, n), -1.0)];
            for (part, sign) in &parts {
                for (sum, add) in matrix.iter_mut().flatten().zip(part.iter().flatten()) {
                    *sum += sign * add;
                }
            }
            same_df(scaled(matrix, factor), (least - 1) as f64)
        }
        Errors::DriscollKraay => driscoll_kraay(panel, fit).ok_or_else(few_rows),
        _ => by_cluster(panel, fit, errors, degrees, by),
    }
}

fn by_cluster(
    panel: &Panel,
    fit: &Regression,
    errors: Errors,
    degrees: Degrees,
    by: impl Fn(&[u32], usize) -> Vec<Vec<f64>>,
) -> Result<Covariance, String> {
    let (n, k, g) = (panel.n_obs(), fit.x.len(), panel.n_clusters);
    let of_clusters = cluster_factor(g).ok_or("there is 1 cluster (at least 2 are needed)")?;
    let units_nested = is_nested(&panel.unit, panel.n_units(), &panel.cluster);
    let of_size = |counted: usize| {
        let few = || format!("{n} rows are too few for {counted} coefficients");
        size_factor(n, counted).ok_or_else(few)
    };
    let nested = || {
        let times_nested = is_nested(&panel.time, panel.n_times(), &panel.cluster);
        of_size(counted(panel, fit, units_nested, times_nested))
    };
    let factor = match errors {
        Errors::Cluster | Errors::Cr3Adjusted => of_clusters * nested()?,
        Errors::ClusterFull => of_clusters * of_size(counted(panel, fit, false, false))?,
        Errors::ClusterNone => of_clusters * of_size(k)?,
        Errors::Cr1 => of_clusters,
        Errors::Cr3Jackknife => 1.0 / of_clusters,
        _ => 1.0,
    };
    let adjustment = match errors {
        Errors::Cr2 => Adjustment::BiasReduced,
        Errors::Cr3 | Errors::Cr3Jackknife | Errors::Cr3Adjusted => Adjustment::Jackknife,
        _ => Adjustment::None,
    };
    let satterthwaite = match degrees {
        Degrees::OfErrors => errors == Errors::Cr2,
        Degrees::Satterthwaite => true,
        Degrees::Clusters => false,
    };
    let mut covariance = if adjustment == Adjustment::None && !satterthwaite {
        Covariance { matrix: by(&panel.cluster, g), df: Vec::new() }
    } else {
        if !units_nested {
            return Err("units are in more than one cluster".to_owned());
        }
        bias_reduced(panel, fit, adjustment, satterthwaite)?
    };
    covariance.matrix.iter_mut().flatten().for_each(|value| *value *= factor);
    if !satterthwaite {
        covariance.df = vec![(g - 1) as f64; k];
    }
    Ok(covariance)
}

/// Scores summed by time, with Bartlett's weights for lags: Driscoll and Kraay (1998), with the
/// factors and the lag of fixest.
fn driscoll_kraay(panel: &Panel, fit: &Regression) -> Option<Covariance> {
    let (n, k, times) = (panel.n_obs(), fit.x.len(), panel.n_times());
    let factor = cluster_factor(times)? * size_factor(n, counted(panel, fit, false, true))?;
    let weights = panel.weights.as_deref();
    let scores = scores(&fit.x, &fit.residuals, weights, &panel.time, times);
    let influence: Vec<Vec<f64>> = scores
        .iter()
        .map(|score| {
            let product = |row: &Vec<f64>| row.iter().zip(score).map(|(a, s)| a * s).sum();
            fit.bread.iter().map(product).collect()
        })
        .collect();
    let lag = (times as f64).sqrt().sqrt() as usize;
    let mut matrix = vec![vec![0.0; k]; k];
    for apart in 0..=lag.min(times - 1) {
        let weight = factor * (1.0 - apart as f64 / (lag + 1) as f64);
        for (later, earlier) in influence[apart..].iter().zip(&influence) {
            for i in 0..k {
                for j in 0..k {
                    let both = later[i] * earlier[j];
                    let turned = if apart == 0 { 0.0 } else { earlier[i] * later[j] };
                    matrix[i][j] += weight * (both + turned);
                }
            }
        }
    }
    Some(Covariance { matrix, df: vec![(times - 1) as f64; k] })
}
