//! Bounds that hold when trends are not exactly parallel, against R's HonestDiD and its Python port.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    HonestDelta, HonestDid, HonestDidOptions, HonestLimits, HonestMethod, HonestShape, honest_did,
};
use serde_json::Value;

use crate::support::{Table, answers, carried, given, rows, trial, within};

pub(crate) fn trials(folder: Option<&Path>) -> Vec<Trial> {
    let here = carried();
    vec![
        trial("carried::honest_did_medicaid", Some(&here), carried_medicaid),
        trial("carried::honest_did_conditional", Some(&here), conditional),
        trial("honest_did_medicaid_first_year", folder, |folder| medicaid(folder, "first_post")),
        trial("honest_did_medicaid_average", folder, |folder| medicaid(folder, "average")),
        trial("honest_did_medicaid_published", folder, published),
        trial("honest_did_medicaid_on_the_grid", folder, on_the_grid),
    ]
}

/// The event study of the Medicaid expansion: the coefficients and their covariance.
struct Inputs {
    beta: Vec<f64>,
    sigma: Vec<Vec<f64>>,
    pre: usize,
    post: usize,
}

impl Inputs {
    fn of(results: &Value) -> Result<Self> {
        let inputs = &results["inputs"];
        let numbers = |value: &Value| -> Result<Vec<f64>> {
            rows(value)?.iter().map(|x| x.as_f64().context("no number")).collect()
        };
        Ok(Self {
            beta: numbers(&inputs["betahat"])?,
            sigma: rows(&inputs["sigma"])?.iter().map(numbers).collect::<Result<_>>()?,
            pre: given(inputs, "numPre")? as usize,
            post: given(inputs, "numPost")? as usize,
        })
    }

    fn run(&self, weights: Option<&[f64]>, options: &HonestDidOptions) -> HonestDid {
        honest_did(&self.beta, &self.sigma, self.pre, self.post, weights, options)
    }
}

/// The grid of the package: 1,000 points on ±20 standard errors.
fn grid_step(result: &HonestDid) -> Result<f64> {
    Ok(40.0 * result.std_error.context("no error")? / 999.0)
}

/// What a package's answer may differ by.
enum Allowed {
    Absolute(f64),
    /// The package takes the first point of its grid that is not rejected, and a critical value from
    /// 1,000 draws: its limits lie up to a step inside of those with as many draws of ours.
    GridAndDraws,
}

impl Allowed {
    /// The intervals in which the package's limits are expected.
    fn limits(
        &self,
        inputs: &Inputs,
        weights: Option<&[f64]>,
        options: &HonestDidOptions,
        result: &HonestDid,
    ) -> Result<Vec<[(f64, f64); 2]>> {
        let limits = |result: &HonestDid| -> Result<Vec<(f64, f64)>> {
            let known = |limits: &HonestLimits| {
                let reason = limits.reason.as_ref().map(ToString::to_string);
                limits.conf_low.zip(limits.conf_high).context(format!("no limits: {reason:?}"))
            };
            result.robust.iter().map(known).collect()
        };
        let ours = limits(result)?;
        if let Self::Absolute(far) = self {
            let around = |x: f64| (x - far, x + far);
            return Ok(ours.iter().map(|(low, high)| [around(*low), around(*high)]).collect());
        }
        let step = grid_step(result)?;
        let seeds: Vec<Vec<(f64, f64)>> = (0..20)
            .map(|seed| {
                limits(&inputs.run(
                    weights,
                    &HonestDidOptions { seed, draws: 1000, breakdown: false, ..options.clone() },
                ))
            })
            .collect::<Result<_>>()?;
        let spread = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
            (mean, 4.0 * (square / (values.len() - 1) as f64).sqrt())
        };
        let row = |k: usize| {
            let (low, low_far) = spread(seeds.iter().map(|rows| rows[k].0).collect());
            let (high, high_far) = spread(seeds.iter().map(|rows| rows[k].1).collect());
            [(low - low_far, low + step + low_far), (high - step - high_far, high + high_far)]
        };
        Ok((0..ours.len()).map(row).collect())
    }
}

fn compare(
    name: &str,
    inputs: &Inputs,
    weights: Option<&[f64]>,
    options: HonestDidOptions,
    expected: &[(f64, f64, f64)],
    allowed: Allowed,
) -> Result<HonestDid> {
    let bounds = expected.iter().map(|row| row.0).collect();
    let options = HonestDidOptions { bounds, ..options };
    let result = inputs.run(weights, &options);
    ensure!(result.reason.is_none(), "{name}: {:?}", result.reason);
    ensure!(result.robust.len() == expected.len(), "{name}: {} rows", result.robust.len());
    let intervals = allowed.limits(inputs, weights, &options, &result)?;
    for (intervals, (m, low, high)) in intervals.iter().zip(expected) {
        for (interval, limit) in intervals.iter().zip([low, high]) {
            let (from, to) = *interval;
            ensure!((from..=to).contains(limit), "{name} at {m}: {limit} is not in {from} to {to}");
        }
    }
    Ok(result)
}

fn triples(value: &Value, bound: &str) -> Result<Vec<(f64, f64, f64)>> {
    let row = |row| Ok((given(row, bound)?, given(row, "lb")?, given(row, "ub")?));
    rows(value)?.iter().map(row).collect()
}

/// Of the cache of the package's README: lists of limits.
fn columns(value: &Value, bound: &str) -> Result<Vec<(f64, f64, f64)>> {
    let number = |key: &str, k: usize| value[key][k].as_f64().context("no number");
    (0..rows(&value[bound])?.len())
        .map(|k| Ok((number(bound, k)?, number("lb", k)?, number("ub", k)?)))
        .collect()
}

fn smoothness() -> HonestDidOptions {
    HonestDidOptions { delta: HonestDelta::Smoothness, ..HonestDidOptions::default() }
}

/// The quantile of a folded normal value is one of a million draws in both packages, with a
/// standard error of 2e-3 of the standard error of the estimate: 4e-5 in all.
const FIXED_LENGTH: f64 = 4e-5;

fn medicaid(folder: &Path, which: &str) -> Result<()> {
    let results = answers(folder, "honestdid_ehec")?;
    let inputs = Inputs::of(&results)?;
    let weights = (which == "average").then_some([0.5, 0.5]);
    let weights = weights.as_ref().map(|weights| weights.as_slice());
    let expected = &results[which];
    let smooth = triples(&expected["smoothness_FLCI"], "M")?;
    let result = compare(
        "smoothness",
        &inputs,
        weights,
        smoothness(),
        &smooth,
        Allowed::Absolute(FIXED_LENGTH),
    )?;
    let original = &expected["original"][0];
    within(1e-8, "original", result.original.conf_low, Some(given(original, "lb")?))?;
    within(1e-8, "original", result.original.conf_high, Some(given(original, "ub")?))?;
    let relative = triples(&expected["relative_magnitudes_CLF"], "Mbar")?;
    compare(
        "magnitudes",
        &inputs,
        weights,
        HonestDidOptions::default(),
        &relative,
        Allowed::GridAndDraws,
    )?;
    Ok(())
}

/// R: the published limits of Medicaid's effect (README of HonestDiD). Its breakdown values: the
/// effect of the first year is significant up to M̄ of about 2 and M of about 0.03.
fn published(folder: &Path) -> Result<()> {
    let results = answers(folder, "honestdid_ehec")?;
    let inputs = Inputs::of(&results)?;
    let cache = &results["R_README_cache"];
    let relative = columns(&cache["relative_magnitudes_first_post"], "Mbar")?;
    let options = HonestDidOptions::default();
    let result =
        compare("first year", &inputs, None, options.clone(), &relative, Allowed::GridAndDraws)?;
    let breakdown = result.breakdown.context("no breakdown value")?;
    ensure!((breakdown - 2.0).abs() < 0.1, "breakdown {breakdown}");
    let smooth = columns(&cache["smoothness_FLCI_first_post"], "M")?;
    let result = compare(
        "first year",
        &inputs,
        None,
        smoothness(),
        &smooth,
        Allowed::Absolute(FIXED_LENGTH),
    )?;
    let breakdown = result.breakdown.context("no breakdown value")?;
    // Between the bounds 0.02 and 0.03 of the table.
    ensure!((0.0225..0.0232).contains(&breakdown), "breakdown {breakdown}");
    let average = columns(&cache["relative_magnitudes_average"], "Mbar")?;
    let half = [0.5, 0.5];
    let result =
        compare("average", &inputs, Some(&half), options, &average, Allowed::GridAndDraws)?;
    let original = &cache["original_average"];
    within(1e-8, "original", result.original.conf_low, Some(given(original, "lb")?))?;
    within(1e-8, "original", result.original.conf_high, Some(given(original, "ub")?))
}

/// On the package's own grid only the draws of the first stage differ: by a step at most.
fn on_the_grid(folder: &Path) -> Result<()> {
    let results = answers(folder, "honestdid_ehec")?;
    let inputs = Inputs::of(&results)?;
    let options = HonestDidOptions { grid_points: Some(1000), ..HonestDidOptions::default() };
    for (which, weights) in [("first_post", None), ("average", Some([0.5, 0.5].as_slice()))] {
        let expected = triples(&results[which]["relative_magnitudes_CLF"], "Mbar")?;
        let step = grid_step(&inputs.run(weights, &options))?;
        compare(
            which,
            &inputs,
            weights,
            options.clone(),
            &expected,
            Allowed::Absolute(1.01 * step),
        )?;
    }
    Ok(())
}

fn carried_inputs(folder: &Path) -> Result<Inputs> {
    let table = Table::open(&folder.join("honest_did_inputs.csv"))?;
    let covariance = |k: usize| table.column(&format!("covariance_{}", k + 1));
    Ok(Inputs {
        beta: table.column("coefficient")?,
        sigma: (0..table.rows.len()).map(covariance).collect::<Result<_>>()?,
        pre: 5,
        post: 2,
    })
}

/// Tests without draws, for all restrictions and shapes, one, two and four periods after treatment:
/// the port's limits lie within a step of its grid inside of ours.
fn conditional(folder: &Path) -> Result<()> {
    const STEP: f64 = 0.24 / 120.0;
    let all = carried_inputs(folder)?;
    let table = Table::open(&folder.join("honest_did_conditional.csv"))?;
    for row in &table.rows {
        let (pre, post) =
            (table.number(row, "n_pre")? as usize, table.number(row, "n_post")? as usize);
        let first = if pre + post == all.beta.len() { 0 } else { all.pre - pre };
        let kept = first..first + pre + post;
        let inputs = Inputs {
            beta: all.beta[kept.clone()].to_vec(),
            sigma: all.sigma[kept.clone()].iter().map(|row| row[kept.clone()].to_vec()).collect(),
            pre,
            post,
        };
        let weights = table.text(row, "weights")?.split(' ').map(str::parse);
        let weights: Vec<f64> = weights.collect::<Result<_, _>>()?;
        let options = HonestDidOptions {
            delta: match table.text(row, "delta")? {
                "smoothness" => HonestDelta::Smoothness,
                "relative_magnitudes" => HonestDelta::RelativeMagnitudes,
                "relative_smoothness" => HonestDelta::RelativeSmoothness,
                other => bail!("no restriction {other}"),
            },
            shape: match table.text(row, "shape")? {
                "any" => HonestShape::Any,
                "positive_bias" => HonestShape::PositiveBias,
                "negative_bias" => HonestShape::NegativeBias,
                "increasing" => HonestShape::Increasing,
                "decreasing" => HonestShape::Decreasing,
                other => bail!("no shape {other}"),
            },
            method: Some(match table.text(row, "method")? {
                "conditional" => HonestMethod::Conditional,
                "c-f" => HonestMethod::ConditionalFixedLength,
                other => bail!("no method {other}"),
            }),
            bounds: vec![table.number(row, "m")?],
            breakdown: false,
            ..HonestDidOptions::default()
        };
        let limits = &inputs.run(Some(&weights), &options).robust[0];
        for (name, ours, inwards) in
            [("conf_low", limits.conf_low, 1.0), ("conf_high", limits.conf_high, -1.0)]
        {
            if table.text(row, name)?.is_empty() {
                continue;
            }
            let ours = ours.with_context(|| format!("{row:?}: no {name}"))?;
            let inside = inwards * (table.number(row, name)? - ours);
            // The first stage of the port's C-F is one of a million draws.
            ensure!(
                (-FIXED_LENGTH..=STEP + FIXED_LENGTH).contains(&inside),
                "{row:?}: {name} {ours}"
            );
        }
    }
    Ok(())
}

fn carried_medicaid(folder: &Path) -> Result<()> {
    let inputs = carried_inputs(folder)?;
    let answers = Table::open(&folder.join("honest_did.csv"))?;
    for row in &answers.rows {
        let m = answers.number(row, "m")?;
        let weights = [answers.number(row, "first")?, answers.number(row, "second")?];
        let (options, tolerance) = match answers.text(row, "delta")? {
            "smoothness" => (smoothness(), Allowed::Absolute(FIXED_LENGTH)),
            _ => (HonestDidOptions::default(), Allowed::GridAndDraws),
        };
        let expected = (m, answers.number(row, "conf_low")?, answers.number(row, "conf_high")?);
        compare("carried", &inputs, Some(&weights), options, &[expected], tolerance)?;
    }
    Ok(())
}
