//! Synthetic differences in differences: R package synthdid 0.0.9.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    Labels, PanelRows, SyntheticDid, SyntheticDidErrors, SyntheticDidEstimator,
    SyntheticDidOptions, SyntheticDidWeights, synthetic_did,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::synthetic_did: -15.60, -19.62, -27.35", Some(&carried()), carried_prop99),
        trial("synthdid_prop99: -15.60, -19.62, -27.35", reference, prop99),
        trial("synthdid_prop99: every placebo", reference, placebos),
        trial("synthdid_prop99: optimal weights", reference, prop99_optimum),
        trial("synthdid_ehec2014: 22 treated states", reference, medicaid),
        trial("synthdid_ehec2014: optimal weights", reference, medicaid_optimum),
    ]
}

const ESTIMATORS: [(&str, SyntheticDidEstimator); 3] = [
    ("sdid", SyntheticDidEstimator::Sdid),
    ("sc", SyntheticDidEstimator::Sc),
    ("did", SyntheticDidEstimator::Did),
];

/// Rows of a panel with a treatment.
struct Data {
    names: Vec<String>,
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

impl Data {
    fn new(rows: &[(String, f64, f64, bool)]) -> Self {
        Self {
            names: rows.iter().map(|row| row.0.clone()).collect(),
            y: rows.iter().map(|row| row.2).collect(),
            unit: Labels::new(&rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>()),
            time: rows.iter().map(|row| row.1).collect(),
            treated: rows.iter().map(|row| Some(f64::from(u8::from(row.3)))).collect(),
        }
    }

    fn prop99(folder: &Path) -> Result<Self> {
        let table = Table::open(&folder.join("data/prop99_synthdid.csv"))?;
        let rows: Result<Vec<_>> = table
            .rows
            .iter()
            .map(|row| {
                let unit = table.text(row, "State")?.to_owned();
                let treated = table.number(row, "treated")? == 1.0;
                let y = table.number(row, "PacksPerCapita")?;
                Ok((unit, table.number(row, "Year")?, y, treated))
            })
            .collect();
        Ok(Self::new(&rows?))
    }

    /// States that expanded in 2014, and those that never did.
    fn medicaid(folder: &Path) -> Result<Self> {
        let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
        let mut rows = Vec::new();
        for row in &table.rows {
            let expansion = table.text(row, "yexp2")?;
            let year = table.number(row, "year")?;
            let treated = expansion == "2014";
            if treated || matches!(expansion, "" | "NA") {
                let unit = table.text(row, "stfips")?.to_owned();
                rows.push((unit, year, table.number(row, "dins")?, treated && year >= 2014.0));
            }
        }
        Ok(Self::new(&rows))
    }

    fn fit(&self, options: &SyntheticDidOptions) -> SyntheticDid {
        let rows = PanelRows::new(&self.y, &self.unit, &self.time);
        synthetic_did(&rows, &self.treated, options)
    }
}

fn options(estimator: SyntheticDidEstimator, errors: SyntheticDidErrors) -> SyntheticDidOptions {
    SyntheticDidOptions { estimator, errors: Some(errors), ..SyntheticDidOptions::default() }
}

/// Equal to within 1e-6 of the weights' sum, which is one.
fn same_weights(what: &str, ours: &[(String, f64)], theirs: &Value, tolerance: f64) -> Result<()> {
    let theirs: BTreeMap<String, f64> = serde_json::from_value(theirs.clone())?;
    ensure!(ours.len() == theirs.len() && !ours.is_empty(), "{what}: other units");
    for (name, weight) in ours {
        let expected = theirs.get(name).with_context(|| format!("{what}: no {name}"))?;
        ensure!((weight - expected).abs() <= tolerance, "{what}, {name}: {weight}, not {expected}");
    }
    Ok(())
}

fn unit_weights(fit: &SyntheticDid) -> Vec<(String, f64)> {
    fit.unit_weights.iter().map(|unit| (unit.unit.clone(), unit.weight)).collect()
}

fn time_weights(fit: &SyntheticDid) -> Vec<(String, f64)> {
    fit.time_weights.iter().map(|time| (time.time.to_string(), time.weight)).collect()
}

fn same_fit(what: &str, ours: &SyntheticDid, theirs: &Value) -> Result<()> {
    within(ITERATIVE, what, ours.effect.estimate, Some(given(theirs, "estimate")?))?;
    let cohort = ours.cohorts.first().context("no cohort")?;
    for (name, zeta) in [("zeta_omega", cohort.zeta_omega), ("zeta_lambda", cohort.zeta_lambda)] {
        // The package carries the ζ of its default along where it takes no weights from it.
        within(1e-12, &format!("{what} {name}"), zeta, Some(given(theirs, name)?))?;
    }
    same_weights(&format!("{what} omega"), &unit_weights(ours), &theirs["omega"], ITERATIVE)?;
    same_weights(&format!("{what} lambda"), &time_weights(ours), &theirs["lambda"], ITERATIVE)?;
    let curve: Vec<f64> = serde_json::from_value(theirs["effect_curve"].clone())?;
    let after: Vec<f64> =
        ours.path.iter().filter(|point| point.event_time >= 0.0).map(|point| point.gap).collect();
    ensure!(curve.len() == after.len(), "{what}: {} periods", after.len());
    for (ours, theirs) in after.iter().zip(&curve) {
        within(ITERATIVE, &format!("{what} curve"), Some(*ours), Some(*theirs))?;
    }
    for point in &ours.path {
        let rounding = 1e-12 * point.observed.abs();
        ensure!((point.observed - point.synthetic - point.gap).abs() <= rounding, "{point:?}");
    }
    Ok(())
}

fn carried_prop99(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("prop99.csv"))?;
    let rows: Result<Vec<_>> = table
        .rows
        .iter()
        .map(|row| {
            let (state, year) = (table.text(row, "state")?, table.number(row, "year")?);
            let treated = state == "California" && year >= 1989.0;
            Ok((state.to_owned(), year, table.number(row, "packs")?, treated))
        })
        .collect();
    let data = Data::new(&rows?);
    let table = Table::open(&folder.join("synthetic_did.csv"))?;
    ensure!(table.rows.len() == ESTIMATORS.len(), "other rows");
    for (row, (name, estimator)) in table.rows.iter().zip(ESTIMATORS) {
        ensure!(table.text(row, "estimator")? == name, "other estimators");
        let ours = data.fit(&options(estimator, SyntheticDidErrors::Placebo));
        let cohort = ours.cohorts.first().context("no cohort")?;
        let figures = [
            ("noise_level", cohort.noise_level),
            ("zeta_omega", cohort.zeta_omega),
            ("estimate", ours.effect.estimate),
            ("last_gap", ours.path.last().map(|point| point.gap)),
            ("placebo_sd", ours.effect.std_error),
        ];
        for (figure, value) in figures {
            let expected = Some(table.number(row, figure)?);
            within(ITERATIVE, &format!("{name} {figure}"), value, expected)?;
        }
    }
    Ok(())
}

/// Table 1 of Arkhangelsky et al. (2021).
fn prop99(folder: &Path) -> Result<()> {
    let data = Data::prop99(folder)?;
    let answers = answers(folder, "synthdid_prop99")?;
    for (name, estimator) in ESTIMATORS {
        let ours = data.fit(&options(estimator, SyntheticDidErrors::None));
        same_fit(name, &ours, &answers[name])?;
        let noise = ours.cohorts[0].noise_level;
        within(1e-12, "noise", noise, Some(given(&answers, "noise_level")?))?;
        let published = given(&answers["published"], name)?;
        let estimate = ours.effect.estimate.unwrap_or(f64::NAN);
        ensure!((estimate - published).abs() < 0.06, "{estimate} is published as {published}");
        ensure!(ours.effect.std_error.is_none() && ours.effect.p_value.is_none());
    }
    Ok(())
}

fn placebos(folder: &Path) -> Result<()> {
    let data = Data::prop99(folder)?;
    let answers = answers(folder, "synthdid_prop99")?;
    for (name, estimator) in ESTIMATORS {
        let theirs = &answers["exhaustive_placebo"][name];
        let units: Vec<String> = serde_json::from_value(theirs["units"].clone())?;
        let estimates: Vec<f64> = serde_json::from_value(theirs["estimates"].clone())?;
        let ours = data.fit(&options(estimator, SyntheticDidErrors::Placebo));
        ensure!(ours.placebos.len() == units.len() && units.len() == 38, "other placebos");
        for ((ours, unit), estimate) in ours.placebos.iter().zip(&units).zip(&estimates) {
            ensure!(ours.unit == *unit, "{} is not {unit}", ours.unit);
            within(ITERATIVE, &format!("{name} {unit}"), ours.estimate, Some(*estimate))?;
        }
        let spread = given(theirs, "sd_population")?;
        within(ITERATIVE, name, ours.effect.std_error, Some(spread))?;

        // The package draws 200 of these placebos (from weights that begin elsewhere): the published
        // 8.37, 9.92 and 17.74. The error of a standard deviation s from n draws is
        // √((m₄ − s⁴)/(4 s² n)).
        let drawn = given(&answers[name], "placebo_se")?;
        let mean = estimates.iter().sum::<f64>() / 38.0;
        let fourth = estimates.iter().map(|e| (e - mean).powi(4)).sum::<f64>() / 38.0;
        let error = ((fourth - spread.powi(4)) / (4.0 * spread * spread * 200.0)).sqrt();
        ensure!((drawn - spread).abs() < 3.0 * error, "{name}: {drawn} is not {spread} ± {error}");

        // By default, the rank stands and no error does.
        let ranked = data.fit(&SyntheticDidOptions { estimator, ..Default::default() });
        let size = ours.effect.estimate.unwrap_or(f64::NAN).abs();
        let as_large = estimates.iter().filter(|e| e.abs() >= size).count();
        within(1e-12, name, ranked.effect.p_value, Some((1 + as_large) as f64 / 39.0))?;
        ensure!(ranked.effect.std_error.is_none() && ranked.effect.conf_low.is_none());
    }
    Ok(())
}

/// The weights of the lowest loss. The file's come from 200,000 Frank–Wolfe steps, which bring each
/// weight to within about 1/50,000 of the optimum, and no nearer: controls without weight still have
/// 1.5e-5 each. So its -15.6056448 of Proposition 99 is that of its weights (shown here), and the
/// optimum, with a lower loss, is at -15.6053979.
fn optimum(data: &Data, theirs: &Value, expected: f64) -> Result<()> {
    let ours = data.fit(&SyntheticDidOptions {
        weights_method: SyntheticDidWeights::Converged,
        ..options(SyntheticDidEstimator::Sdid, SyntheticDidErrors::None)
    });
    let theirs = &theirs["sdid_converged_no_sparsify"];
    let (omega, lambda) = (unit_weights(&ours), time_weights(&ours));
    same_weights("omega", &omega, &theirs["omega"], 2e-5)?;
    same_weights("lambda", &lambda, &theirs["lambda"], 2e-5)?;
    within(1e-8, "converged", ours.effect.estimate, Some(expected))?;

    let of_file = |own: &[(String, f64)], weights: &Value| -> Result<Vec<f64>> {
        own.iter().map(|(name, _)| given(weights, name)).collect()
    };
    let (file_omega, file_lambda) =
        (of_file(&omega, &theirs["omega"])?, of_file(&lambda, &theirs["lambda"])?);
    let table = data.table(&omega, &lambda);
    let own = |weights: &[(String, f64)]| weights.iter().map(|weight| weight.1).collect::<Vec<_>>();
    let (own_omega, own_lambda) = (own(&omega), own(&lambda));
    let estimate = Some(given(theirs, "estimate")?);
    within(1e-12, "theirs", Some(table.effect(&file_omega, &file_lambda)), estimate)?;
    within(1e-12, "ours", Some(table.effect(&own_omega, &own_lambda)), ours.effect.estimate)?;
    let cohort = &ours.cohorts[0];
    let (zeta, small) =
        (cohort.zeta_omega.unwrap_or(f64::NAN), cohort.zeta_lambda.unwrap_or(f64::NAN));
    let losses = [
        (table.loss_of_units(&own_omega, zeta), table.loss_of_units(&file_omega, zeta)),
        (table.loss_of_times(&own_lambda, small), table.loss_of_times(&file_lambda, small)),
    ];
    for (ours, theirs) in losses {
        ensure!(ours <= theirs * (1.0 + 1e-13), "{ours} is above {theirs}");
    }
    Ok(())
}

/// Outcomes of controls and the mean of the treated, and how many times there are before treatment.
struct Outcomes {
    controls: Vec<Vec<f64>>,
    treated: Vec<f64>,
    before: usize,
}

impl Data {
    fn table(&self, omega: &[(String, f64)], lambda: &[(String, f64)]) -> Outcomes {
        let mut by_unit: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
        for (row, (name, y)) in self.names.iter().zip(&self.y).enumerate() {
            by_unit.entry(name.clone()).or_default().insert(self.time[row] as i64, *y);
        }
        let series = |name: &str| by_unit[name].values().copied().collect::<Vec<f64>>();
        let controls: Vec<Vec<f64>> = omega.iter().map(|(name, _)| series(name)).collect();
        let is_control = |name: &String| omega.iter().any(|(control, _)| control == name);
        let others: Vec<Vec<f64>> =
            by_unit.keys().filter(|name| !is_control(name)).map(|name| series(name)).collect();
        let mean = |t: usize| others.iter().map(|y| y[t]).sum::<f64>() / others.len() as f64;
        let treated = (0..others[0].len()).map(mean).collect();
        Outcomes { controls, treated, before: lambda.len() }
    }
}

impl Outcomes {
    fn after(&self, y: &[f64]) -> f64 {
        y[self.before..].iter().sum::<f64>() / (y.len() - self.before) as f64
    }

    fn effect(&self, omega: &[f64], lambda: &[f64]) -> f64 {
        let before = |y: &[f64]| y.iter().zip(lambda).map(|(y, l)| y * l).sum::<f64>();
        let change = |y: &[f64]| self.after(y) - before(y);
        let controls: f64 = self.controls.iter().zip(omega).map(|(y, o)| o * change(y)).sum();
        change(&self.treated) - controls
    }

    fn loss_of_units(&self, omega: &[f64], zeta: f64) -> f64 {
        let gap = |t: usize| {
            self.controls.iter().zip(omega).map(|(y, o)| o * y[t]).sum::<f64>() - self.treated[t]
        };
        around_mean(&(0..self.before).map(gap).collect::<Vec<_>>())
            + zeta * zeta * omega.iter().map(|o| o * o).sum::<f64>()
    }

    fn loss_of_times(&self, lambda: &[f64], zeta: f64) -> f64 {
        let gap =
            |y: &Vec<f64>| y.iter().zip(lambda).map(|(y, l)| y * l).sum::<f64>() - self.after(y);
        around_mean(&self.controls.iter().map(gap).collect::<Vec<_>>())
            + zeta * zeta * lambda.iter().map(|l| l * l).sum::<f64>()
    }
}

fn around_mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n
}

fn prop99_optimum(folder: &Path) -> Result<()> {
    optimum(&Data::prop99(folder)?, &answers(folder, "synthdid_prop99")?, -15.605397916)
}

fn medicaid_optimum(folder: &Path) -> Result<()> {
    optimum(&Data::medicaid(folder)?, &answers(folder, "synthdid_ehec2014")?, 0.073149342421720)
}

fn medicaid(folder: &Path) -> Result<()> {
    let data = Data::medicaid(folder)?;
    let answers = answers(folder, "synthdid_ehec2014")?;
    for (name, estimator) in ESTIMATORS {
        let theirs = &answers[name];
        let ours = data.fit(&options(estimator, SyntheticDidErrors::Jackknife));
        same_fit(name, &ours, theirs)?;
        within(ITERATIVE, name, ours.effect.std_error, Some(given(theirs, "jackknife_se")?))?;
        let noise = ours.cohorts[0].noise_level;
        within(1e-12, "noise", noise, Some(given(&answers, "noise_level")?))?;

        // Two standard deviations of 200 draws each differ by 7 % in about one case of three.
        let drawn = data.fit(&options(estimator, SyntheticDidErrors::Bootstrap)).effect.std_error;
        within(0.2, &format!("{name} bootstrap"), drawn, Some(given(theirs, "bootstrap_se")?))?;

        // More treated units than controls: no placebos, here as there.
        let none = data.fit(&options(estimator, SyntheticDidErrors::Placebo)).effect;
        ensure!(none.std_error.is_none() && theirs["placebo_se"].is_null());
        ensure!(none.note.is_some_and(|note| note.contains("more controls than treated")));
    }
    Ok(())
}
