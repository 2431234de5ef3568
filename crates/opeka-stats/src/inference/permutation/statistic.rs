//! The statistic of an assignment, as a function of the effect that the null hypothesis claims.

use std::collections::BTreeMap;

use super::assignment::Design;
use crate::Reason;
use crate::effect::Notes;
use crate::effect::panel::Panel;
use crate::inference::inversion::Ratio;
use crate::inference::projection::TreatmentFit;

/// How a statistic is calculated for any assignment.
///
/// Under the hypothesis that the effect is τ, the outcomes without treatment are y − τ d; the
/// coefficient of another assignment is then b − τ c, that of y less τ times that of the treatment
/// that was.
pub(super) enum Statistic<'a> {
    Sums(Sums),
    Fits(Fits<'a>),
}

impl<'a> Statistic<'a> {
    /// The coefficient of treatment, over its error by cluster where it is `studentised`.
    ///
    /// Sums do where the panel is balanced, all rows count alike and all blocks are equally many
    /// units: to exchange paths then exchanges what is left of them.
    pub(super) fn regression(
        fit: &'a TreatmentFit<'a>,
        design: &'a Design,
        studentised: bool,
    ) -> Self {
        let panel = fit.projection.panel;
        let mut sizes = vec![0; design.n_blocks()];
        design.block.iter().for_each(|block| sizes[*block as usize] += 1);
        let alike = sizes.iter().all(|size| Some(size) == sizes.first());
        if studentised || !panel.is_balanced() || panel.weights.is_some() || !alike {
            return Self::Fits(Fits { fit, design, studentised });
        }
        Self::Sums(Sums::regression(fit, design))
    }

    #[cfg(test)]
    pub(super) fn fits(fit: &'a TreatmentFit<'a>, design: &'a Design, studentised: bool) -> Self {
        Self::Fits(Fits { fit, design, studentised })
    }

    /// `None` where the assignment leaves nothing of the treatment.
    pub(super) fn of(&self, codes: &[u32]) -> Option<Ratio> {
        match self {
            Self::Sums(sums) => sums.of(codes),
            Self::Fits(fits) => fits.of(codes),
        }
    }
}

/// The t-statistic of a coefficient, by cluster, for any assignment.
pub(crate) struct Studentised<'a>(Fits<'a>);

impl<'a> Studentised<'a> {
    pub(crate) fn new(fit: &'a TreatmentFit<'a>, design: &'a Design) -> Self {
        Self(Fits { fit, design, studentised: true })
    }

    pub(crate) fn t(&self, codes: &[u32]) -> Option<f64> {
        self.0.of(codes)?.at(0.0, 0.0)
    }
}

/// Sums of what each block gives with each path.
pub(super) struct Sums {
    pub(super) n_paths: usize,
    /// By block and path: of the outcome, and of the treatment that was.
    pub(super) outcome: Vec<f64>,
    pub(super) treatment: Vec<f64>,
    /// The same for each covariate.
    pub(super) covariates: Vec<Vec<f64>>,
    /// What the sums are divided by, before covariates take their share.
    pub(super) information: f64,
}

impl Sums {
    fn regression(fit: &TreatmentFit<'_>, design: &Design) -> Self {
        let (panel, n_paths) = (fit.projection.panel, design.paths.len());
        let products = |column: &[f64]| {
            let mut sums = vec![0.0; design.n_blocks() * n_paths];
            for (own, block) in column.chunks_exact(panel.n_times()).zip(&design.block) {
                let sums = &mut sums[*block as usize * n_paths..][..n_paths];
                for (sum, path) in sums.iter_mut().zip(&design.paths) {
                    *sum += path.iter().zip(own).map(|(d, y)| d * y).sum::<f64>();
                }
            }
            sums
        };
        let shares = fit.projection.basis.iter();
        let shares = shares.map(|covariate| fit.projection.inner(covariate, &fit.treated));
        Self {
            n_paths,
            outcome: products(&fit.outcome),
            treatment: products(&fit.treatment),
            covariates: fit.projection.basis.iter().map(|column| products(column)).collect(),
            information: fit.information + shares.map(|share| share * share).sum::<f64>(),
        }
    }

    /// The difference of the means of blocks with and without treatment, of one number for each.
    fn difference(change: &[f64], design: &Design) -> Self {
        let (n, m) = (change.len() as f64, design.n_treated() as f64);
        let factor = n / (m * (n - m));
        let of_blocks = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / n;
            values.iter().flat_map(|value| [0.0, (value - mean) * factor]).collect()
        };
        Self {
            n_paths: 2,
            outcome: of_blocks(change.to_vec()),
            treatment: of_blocks(design.codes.iter().map(|code| f64::from(*code)).collect()),
            covariates: Vec::new(),
            information: 1.0,
        }
    }

    fn of(&self, codes: &[u32]) -> Option<Ratio> {
        let sum = |sums: &[f64]| -> f64 {
            let blocks = sums.chunks_exact(self.n_paths).zip(codes);
            blocks.map(|(block, code)| block[*code as usize]).sum()
        };
        let taken = self.covariates.iter().map(|sums| {
            let share = sum(sums);
            share * share
        });
        let information = self.information - taken.sum::<f64>();
        (information > 1e-12 * self.information).then(|| Ratio {
            a: sum(&self.outcome) / information,
            b: -sum(&self.treatment) / information,
            cc: 1.0,
            ..Ratio::default()
        })
    }
}

/// A fit of its own for each assignment.
pub(super) struct Fits<'a> {
    fit: &'a TreatmentFit<'a>,
    design: &'a Design,
    studentised: bool,
}

impl Fits<'_> {
    fn of(&self, codes: &[u32]) -> Option<Ratio> {
        let (fit, design) = (self.fit, self.design);
        let (projection, panel) = (&fit.projection, fit.projection.panel);
        let path = |unit: u32| &design.paths[codes[design.block[unit as usize] as usize] as usize];
        let rows = panel.unit.iter().zip(&panel.time);
        let mut left: Vec<f64> = rows.map(|(unit, time)| path(*unit)[*time as usize]).collect();
        let before = projection.inner(&left, &left);
        projection.residuals(&mut left);
        let information = projection.inner(&left, &left);
        if information <= 1e-18 * before || information == 0.0 {
            return None;
        }
        let b = projection.inner(&left, &fit.outcome) / information;
        let c = projection.inner(&left, &fit.treatment) / information;
        let coefficient = Ratio { a: b, b: -c, cc: 1.0, ..Ratio::default() };
        if !self.studentised {
            return Some(coefficient);
        }
        let scores = |column: &[f64], slope: f64| {
            let rows = column.iter().zip(&left);
            let residuals: Vec<f64> = rows.map(|(value, d)| value - slope * d).collect();
            projection.by_cluster(&left, &residuals)
        };
        let (of_y, of_d) = (scores(&fit.outcome, b), scores(&fit.treatment, c));
        let g = design.n_blocks() as f64;
        let factor = g / (g - 1.0) / (information * information);
        let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        Some(Ratio {
            cc: factor * dot(&of_y, &of_y),
            cd: -factor * dot(&of_y, &of_d),
            dd: factor * dot(&of_d, &of_d),
            ..coefficient
        })
    }
}

/// What each unit changed by, and whether it was treated.
pub(super) struct Changes {
    /// The units with rows before and after the date of treatment.
    pub(super) units: Vec<usize>,
    change: Vec<f64>,
    treated: Vec<bool>,
}

/// The mean from the date of treatment on less the mean before it, of each unit that has both.
pub(super) fn changes(
    panel: &Panel,
    treated: &[f64],
    notes: &mut Notes,
) -> Result<Changes, Reason> {
    if panel.weights.is_some() || !panel.covariates.is_empty() {
        return Err(Reason::because(
            "the difference in means takes neither weights nor covariates (did_twfe does)",
        ));
    }
    if panel.n_clusters != panel.n_units() {
        return Err(Reason::because(
            "the difference in means takes units, not clusters of them (did_twfe does)",
        ));
    }
    let mut date: Option<u32> = None;
    let mut is_treated = vec![false; panel.n_units()];
    for (unit, is_treated) in is_treated.iter_mut().enumerate() {
        let mut rows = panel.rows_of(unit);
        let Some(first) = rows.find(|row| treated[*row] > 0.0) else { continue };
        if rows.any(|row| treated[row] == 0.0) {
            return Err(Reason::because(format!(
                "the treatment of {} ends (the difference in means takes treatments that stay)",
                panel.units[unit]
            )));
        }
        *is_treated = true;
        let first = panel.time[first];
        if let Some(other) = date.filter(|date| *date != first) {
            let (a, b) = (other.min(first) as usize, other.max(first) as usize);
            return Err(Reason::because(format!(
                "treatment begins in {} and in {} (the difference in means takes one date; \
                 did_twfe takes many)",
                panel.times[a], panel.times[b]
            )));
        }
        date = Some(first);
    }
    let date = date.ok_or_else(|| Reason::because("no unit is treated"))?;
    let mut found = Changes { units: Vec::new(), change: Vec::new(), treated: Vec::new() };
    let mut without = Vec::new();
    for (unit, is_treated) in is_treated.into_iter().enumerate() {
        let rows = panel.rows_of(unit);
        let split = rows.start + panel.time[rows.clone()].partition_point(|time| *time < date);
        let (before, after) = (&panel.y[rows.start..split], &panel.y[split..rows.end]);
        if before.is_empty() || after.is_empty() {
            without.push(panel.units[unit].as_str());
            continue;
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        found.units.push(unit);
        found.change.push(mean(after) - mean(before));
        found.treated.push(is_treated);
    }
    if !without.is_empty() {
        notes.add(format!(
            "{} left out: no row before or none from {} on",
            crate::effect::treatment::listed(&without),
            panel.times[date as usize]
        ));
    }
    Ok(found)
}

impl Changes {
    /// Paths are those of treatment or none; each unit is a block, of this stratum.
    pub(super) fn design(&self, stratum: impl Fn(usize) -> u32) -> Result<(Design, Sums), Reason> {
        let n_treated = self.treated.iter().filter(|treated| **treated).count();
        if n_treated == 0 || n_treated == self.treated.len() {
            let who = if n_treated == 0 { "no" } else { "every" };
            let why = format!("{who} unit with rows before and after is treated");
            return Err(Reason::because(why));
        }
        let change = &self.change;
        let mean = change.iter().sum::<f64>() / change.len() as f64;
        let largest = change.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        if !(mean.is_finite() && largest.is_finite()) {
            return Err(crate::reason::too_large());
        }
        if change.iter().all(|value| (value - mean).abs() <= 1e-12 * largest) {
            return Err(Reason::because("the outcome of all units changes alike"));
        }
        let mut strata: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (block, unit) in (0..).zip(&self.units) {
            strata.entry(stratum(*unit)).or_default().push(block);
        }
        let design = Design {
            paths: vec![vec![0.0], vec![1.0]],
            codes: self.treated.iter().map(|treated| u32::from(*treated)).collect(),
            block: (0..change.len() as u32).collect(),
            strata: strata.into_values().collect(),
        };
        let sums = Sums::difference(change, &design);
        Ok((design, sums))
    }
}
