//! Posteriors of structural time-series models: R's CausalImpact and bsts, and their port
//! bsts-causalimpact 1.7.0 of PyPI.
//!
//! Both sides draw, so that figures agree within the errors of draws: theirs are told by the standard
//! deviation over three seeds of 20,000 draws.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    CausalImpact, CausalImpactOptions, ImpactEstimator, ImpactPosterior, causal_impact,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, rows, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::causal_impact_posterior", Some(&carried()), r_causal_impact),
        trial("posterior::causalimpact_vignette", reference, vignette),
        trial("posterior::california_of_the_port", reference, california),
    ]
}

/// A series that is treated from a row on, with control series.
struct Data {
    y: Vec<f64>,
    covariates: Vec<Vec<f64>>,
    first_treated: usize,
}

impl Data {
    fn posterior(&self, posterior: ImpactPosterior) -> CausalImpact {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let time: Vec<f64> = (0..self.y.len()).map(|t| t as f64).collect();
        let treated: Vec<Option<f64>> =
            (0..self.y.len()).map(|t| Some(f64::from(u8::from(t >= self.first_treated)))).collect();
        let options = CausalImpactOptions {
            estimator: ImpactEstimator::Posterior(posterior),
            covariates: &covariates,
            ..CausalImpactOptions::default()
        };
        causal_impact(&self.y, &time, &treated, &options)
    }
}

/// As many draws as three seeds of theirs.
const DRAWS: u32 = 60_000;

/// How many of the standard deviations over seeds figures may differ by: with three seeds these are
/// known to no better than a factor of two or three.
const SEVERAL: f64 = 8.0;

/// The same, where the error is known.
const FEW: f64 = 4.5;

fn near(what: &str, ours: f64, theirs: f64, error: f64) -> Result<()> {
    ensure!((ours - theirs).abs() <= SEVERAL * error, "{what}: {ours} is not {theirs} ± {error}");
    Ok(())
}

/// What is compared.
struct Figures {
    average: [f64; 3],
    relative: f64,
    tail_area: f64,
    /// Of each time after: mean and limits of the counterfactual, then of the sum of effects.
    points: Vec<[f64; 6]>,
    observed: Vec<f64>,
}

impl Figures {
    fn of(answer: &CausalImpact) -> Result<Self> {
        ensure!(answer.reason.is_none(), "{:?}", answer.reason);
        let average = &answer.average;
        let there = |value: Option<f64>| value.context("missing");
        let after: Vec<_> = answer.points.iter().filter(|point| point.treated).collect();
        let point = |point: &&opeka_stats::CounterfactualPoint| -> Result<[f64; 6]> {
            let effects =
                [(point.effect, point.counterfactual), (point.effect_low, point.conf_high)];
            for (effect, counterfactual) in effects {
                ensure!(there(effect)? == point.observed - there(counterfactual)?);
            }
            Ok([
                there(point.counterfactual)?,
                there(point.conf_low)?,
                there(point.conf_high)?,
                there(point.cumulative)?,
                there(point.cumulative_low)?,
                there(point.cumulative_high)?,
            ])
        };
        let points = after.iter().map(point).collect::<Result<Vec<_>>>()?;
        let last = points.last().context("no times after")?;
        ensure!(
            there(answer.cumulative.estimate)? == last[3],
            "the sum is not that of the last time"
        );
        Ok(Self {
            average: [
                there(average.estimate)?,
                there(average.conf_low)?,
                there(average.conf_high)?,
            ],
            relative: there(answer.relative.estimate)?,
            tail_area: there(answer.tail_area)?,
            points,
            observed: after.iter().map(|point| point.observed).collect(),
        })
    }

    /// Of draws of the counterfactual, a row for each.
    fn of_draws(observed: &[f64], draws: &[Vec<f64>]) -> Self {
        let n = draws.len() as f64;
        let mut sums = vec![0.0; draws.len()];
        let spread = |mut values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / n;
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[(share * (n - 1.0)).round() as usize];
            [mean, at(0.025), at(0.975)]
        };
        let mut points = Vec::new();
        for (h, y) in observed.iter().enumerate() {
            let column: Vec<f64> = draws.iter().map(|draw| draw[h]).collect();
            sums.iter_mut().zip(&column).for_each(|(sum, x)| *sum += y - x);
            let ([a, b, c], [d, e, f]) = (spread(column), spread(sums.clone()));
            points.push([a, b, c, d, e, f]);
        }
        let count = observed.len() as f64;
        let total: f64 = observed.iter().sum();
        Self {
            average: spread(sums.clone()).map(|value| value / count),
            relative: sums.iter().map(|sum| sum / (total - sum)).sum::<f64>() / n,
            tail_area: {
                let above = sums.iter().filter(|sum| **sum > 0.0).count() as f64 / n;
                above.min(1.0 - above)
            },
            points,
            observed: observed.to_vec(),
        }
    }

    /// Against all figures of a block.
    fn same_as(&self, theirs: &Value) -> Result<()> {
        let (means, spread) = (&theirs["mean_over_seeds"], &theirs["sd_over_seeds"]);
        let [mean, low, high] = self.average;
        let sum = self.points.last().context("no times after")?[3];
        for (name, value) in [
            ("point_effect_mean", mean),
            ("ci_lower", low),
            ("ci_upper", high),
            ("cumulative_effect_total", sum),
            ("relative_effect_mean", self.relative),
        ] {
            near(name, value, given(means, name)?, given(spread, name)?)?;
        }
        // Theirs is no less than one in their draws.
        let error = given(spread, "p_value")?.max(1.0 / given(theirs, "niter")?);
        near("p_value", self.tail_area, given(means, "p_value")?, error)?;

        let means = &theirs["pointwise_post_mean_over_seeds"];
        let spread = &theirs["pointwise_sd_over_seeds_max"];
        let count = rows(&means["actual"])?.len();
        ensure!(count == self.points.len(), "{} times after", self.points.len());
        for h in 0..count {
            let ([mean, low, high, sum, least, most], y) = (self.points[h], self.observed[h]);
            near("actual", y, means["actual"][h].as_f64().context("no number")?, 1e-8)?;
            for (name, value) in [
                ("predicted_mean", mean),
                ("predicted_lower", low),
                ("predicted_upper", high),
                ("point_effect", y - mean),
                ("point_effect_lower", y - high),
                ("point_effect_upper", y - low),
                ("cumulative_effect", sum),
                ("cumulative_effect_lower", least),
                ("cumulative_effect_upper", most),
            ] {
                let theirs = means[name][h].as_f64().context("not a number")?;
                near(&format!("{name} {h}"), value, theirs, given(spread, name)?)?;
            }
            let half = 0.5 * (high - low) / 1.96;
            let sd = means["predictions_sd"][h].as_f64().context("not a number")?;
            ensure!((half / sd - 1.0).abs() < 0.5, "a deviation of {sd} has limits {half} apart");
        }
        Ok(())
    }
}

fn vignette(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/causalimpact_vignette.csv"))?;
    let data =
        Data { y: table.column("y")?, covariates: vec![table.column("x1")?], first_treated: 70 };
    let answers = answers(folder, "bsts_causalimpact_vignette")?;
    let ours = data.posterior(ImpactPosterior { draws: DRAWS, ..ImpactPosterior::default() });
    Figures::of(&ours)?.same_as(&answers["default"])
}

/// Figures of R's CausalImpact 1.4.1 with bsts 0.9.10 itself, of one seed with 5000 draws.
fn r_causal_impact(folder: &Path) -> Result<()> {
    let series = Table::open(&folder.join("causal_impact_posterior_series.csv"))?;
    let answers = Table::open(&folder.join("causal_impact_posterior.csv"))?;
    for row in &answers.rows {
        let name = answers.text(row, "series")?;
        let covariates = match name {
            "with_controls" => vec![series.column("x1")?, series.column("x2")?],
            _ => vec![],
        };
        let data = Data { y: series.column(name)?, covariates, first_treated: 70 };
        let ours = data.posterior(ImpactPosterior { draws: 20_000, ..ImpactPosterior::default() });
        let error = ours.average.std_error.context("no error")?;
        let figures = Figures::of(&ours)?;
        // The error of a mean of 5000 draws, and of a quantile of 2.5 %: √(0.025 × 0.975) / φ(1.96).
        let of_mean = error / f64::sqrt(5000.0);
        for (column, value, error) in [
            ("average", figures.average[0], of_mean),
            ("average_low", figures.average[1], 2.67 * of_mean),
            ("average_high", figures.average[2], 2.67 * of_mean),
            ("cumulative", 30.0 * figures.average[0], 30.0 * of_mean),
            ("tail_area", figures.tail_area, 1.0 / 5000.0),
        ] {
            let what = format!("{name}: {column}");
            near(&what, value, answers.number(row, column)?, error * FEW / SEVERAL)?;
        }
    }
    Ok(())
}

/// The blocks of California are no posterior. With `expected_model_size` (2 there) below the number of
/// control series, the port flips each with a Bayes factor
///
/// ```text
/// (1 + g)^-½ exp(½ c² / (x′x σ² (1 + g)))      with c = x′r, where that of its slab N(0, g σ² / x′x) is
/// (1 + g)^-½ exp(½ c² g / (x′x σ² (1 + g)))
/// ```
///
/// and its g is the number of years before, so that control series are left out that belong in. Its
/// chain, written down here, gives all figures of both blocks with the first of the two. With the second
/// it does not, and its answer lies within the limits of ours.
fn california(folder: &Path) -> Result<()> {
    let data = california_data(folder)?;
    let answers = answers(folder, "bsts_prop99")?;
    for (name, prior_level_sd) in [("default_5donors", 0.01), ("prior_level_sd_0.1", 0.1)] {
        let theirs = &answers[name];
        let chain = |power: f64| {
            let draws = their_chain(&data, prior_level_sd, power);
            Figures::of_draws(&data.y[data.first_treated..], &draws)
        };
        chain(1.0).same_as(theirs).with_context(|| name.to_owned())?;
        let (right, ours) = (
            chain(19.0),
            data.posterior(ImpactPosterior {
                draws: 20_000,
                prior_level_sd,
                expected_model_size: 2.0,
                ..ImpactPosterior::default()
            }),
        );
        ensure!(right.same_as(theirs).is_err(), "{name}: the factor makes no difference");
        let mean = given(&theirs["mean_over_seeds"], "point_effect_mean")?;
        let ours = Figures::of(&ours)?.average;
        ensure!(ours[1] < right.average[0] && right.average[0] < ours[2]);
        ensure!(ours[0] - mean > 3.0, "{name}: {} is no smaller an effect than {mean}", ours[0]);
    }
    Ok(())
}

fn california_data(folder: &Path) -> Result<Data> {
    let table = Table::open(&folder.join("data/prop99_synthdid.csv"))?;
    let state = |name: &str| -> Result<Vec<f64>> {
        let mut packs = Vec::new();
        for row in &table.rows {
            if table.text(row, "State")? == name {
                packs.push(table.number(row, "PacksPerCapita")?);
            }
        }
        ensure!(packs.len() == 31, "{} years of {name}", packs.len());
        Ok(packs)
    };
    let donors = ["Utah", "Nevada", "Montana", "Colorado", "Connecticut"];
    let covariates = donors.iter().map(|name| state(name)).collect::<Result<_>>()?;
    Ok(Data { y: state("California")?, covariates, first_treated: 19 })
}

/// Uniform, normal and gamma draws.
struct Random(ChaCha8Rng);

impl Random {
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    /// Marsaglia and Tsang (2000), for shapes of 1 or more.
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && libm::log(self.uniform()) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
                return d * v;
            }
        }
    }
}

/// The counterfactuals that the port draws; `power` is the factor of c² / (x′x σ² (1 + g)) in the Bayes
/// factor: 1 in the port, g in the Bayes factor of its slab.
fn their_chain(data: &Data, prior_level_sd: f64, power: f64) -> Vec<Vec<f64>> {
    let n = data.first_treated;
    let scale = |column: &[f64]| {
        let mean = column[..n].iter().sum::<f64>() / n as f64;
        let squares: f64 = column[..n].iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (squares / (n as f64 - 1.0)).sqrt();
        (mean, sd, column.iter().map(|value| (value - mean) / sd).collect::<Vec<f64>>())
    };
    let (mean, sd, y) = scale(&data.y);
    let x: Vec<Vec<f64>> = data.covariates.iter().map(|column| scale(column).2).collect();
    let k = x.len();
    let (g, log_odds) = (n as f64, libm::log(2.0 / (k as f64 - 2.0)));
    let mut random = Random(ChaCha8Rng::seed_from_u64(7));
    let mut beta = vec![0.0; k];
    let (mut noise, mut drift) = (1.0, prior_level_sd * prior_level_sd);
    let mut draws = Vec::new();
    for sweep in 0..DRAWS as usize + 500 {
        let explained =
            |beta: &[f64], t: usize| -> f64 { x.iter().zip(beta).map(|(x, b)| b * x[t]).sum() };
        let (mut level, mut variance) = (y[0], 1.0);
        let mut filtered = Vec::with_capacity(n);
        for (t, y) in y.iter().enumerate().take(n) {
            let gain = variance / (variance + noise);
            level += gain * (y - explained(&beta, t) - level);
            filtered.push((level, gain * noise));
            variance = gain * noise + drift;
        }
        let mut path = vec![0.0; n];
        for t in (0..n).rev() {
            let (mut level, mut variance) = filtered[t];
            if t + 1 < n {
                let share = variance / (variance + drift);
                level += share * (path[t + 1] - level);
                variance = share * drift;
            }
            path[t] = level + variance.sqrt() * random.normal();
        }
        let mut left: Vec<f64> = (0..n).map(|t| y[t] - path[t] - explained(&beta, t)).collect();
        let squares: f64 = left.iter().map(|value| value * value).sum();
        noise = (0.005 + 0.5 * squares) / random.gamma(0.005 + 0.5 * n as f64);
        for (x, b) in x.iter().zip(&mut beta) {
            left.iter_mut().zip(x).for_each(|(left, x)| *left += *b * x);
            let size: f64 = x[..n].iter().map(|x| x * x).sum();
            let cross: f64 = left.iter().zip(x).map(|(left, x)| left * x).sum();
            let factor = 0.5 * cross * cross * power / (size * noise * (1.0 + g));
            let odds = log_odds - 0.5 * libm::log(1.0 + g) + factor;
            *b = 0.0;
            if random.uniform() < 1.0 / (1.0 + libm::exp(-odds)) {
                let share = g / (size * (1.0 + g));
                *b = cross * share + (noise * share).sqrt() * random.normal();
            }
            left.iter_mut().zip(x).for_each(|(left, x)| *left -= *b * x);
        }
        let moves: f64 = path.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
        let rate = 16.0 * prior_level_sd * prior_level_sd + 0.5 * moves;
        drift = rate / random.gamma(16.0 + 0.5 * (n as f64 - 1.0));
        if sweep < 500 {
            continue;
        }
        let mut level = path[n - 1];
        let after = (n..y.len()).map(|t| {
            level += drift.sqrt() * random.normal();
            let value = level + explained(&beta, t) + noise.sqrt() * random.normal();
            mean + sd * value
        });
        draws.push(after.collect());
    }
    draws
}
