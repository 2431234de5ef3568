//! Segmented regression of one series: R's `lm`, `sandwich`, `nlme` and `glm`, Stata's formulas,
//! statsmodels.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nalgebra::{DMatrix, DVector};
use opeka_stats::{
    ControlledItsOptions, Effect, Its, ItsErrors, ItsFamily, ItsOptions, Labels, NeweyWestLag,
    PanelRows, RhoType, TestDistribution, controlled_its, its,
};
use serde_json::Value;

use crate::support::{ITERATIVE, Table, answers, carried, given, rows, same, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("carried::its", Some(&carried()), carried_its),
        trial("its::sicily", reference, sicily),
        trial("its::sicily_counts_bernal_2017_rate_ratio_0.89", reference, sicily_counts),
        trial("its::sicily_statsmodels", reference, sicily_statsmodels),
        trial("its::california", reference, california),
        trial("its::controlled_california", reference, controlled_california),
    ]
}

/// A series with the time from which it is treated.
pub(crate) struct Series {
    y: Vec<f64>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

impl Series {
    fn its(&self, options: &ItsOptions<'_>) -> Its {
        its(&self.y, &self.time, &self.treated, options)
    }
}

/// Emergency admissions for acute coronary events per 100,000 standardised person-years, Sicily,
/// 2002–2006, smoking ban from month 37 on.
/// A figure of an effect.
type Figure = fn(&Effect) -> Option<f64>;

/// Two names of a column, and its numbers.
type Named<'a> = (&'a str, &'a str, Vec<f64>);

fn sicilian_rates(folder: &Path) -> Result<Series> {
    let table = Table::open(&folder.join("data/sicily.csv"))?;
    let (events, people) = (table.column("aces")?, table.column("stdpop")?);
    let y = events.iter().zip(&people).map(|(events, people)| events / people * 1e5).collect();
    Ok(Series { y, ..sicilian_events(folder)? })
}

fn sicilian_events(folder: &Path) -> Result<Series> {
    let table = Table::open(&folder.join("data/sicily.csv"))?;
    let treated = table.column("smokban")?.into_iter().map(Some).collect();
    Ok(Series { y: table.column("aces")?, time: table.column("time")?, treated })
}

fn californian(folder: &Path) -> Result<Series> {
    let table = Table::open(&folder.join("data/prop99_synthdid.csv"))?;
    let mut series = Series { y: vec![], time: vec![], treated: vec![] };
    for row in &table.rows {
        if table.text(row, "State")? == "California" {
            series.y.push(table.number(row, "PacksPerCapita")?);
            series.time.push(table.number(row, "Year")?);
            series.treated.push(Some(table.number(row, "treated")?));
        }
    }
    ensure!(series.y.len() == 31, "{} years of California", series.y.len());
    Ok(series)
}

/// The segmented regressions of Sicily that are carried along.
fn carried_its(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("sicily.csv"))?;
    let (events, people) = (table.column("aces")?, table.column("stdpop")?);
    let rates = events.iter().zip(&people).map(|(events, people)| events / people * 1e5).collect();
    let treated: Vec<Option<f64>> = table.column("smokban")?.into_iter().map(Some).collect();
    let time = table.column("time")?;
    let counts = Series { y: events, time: time.clone(), treated: treated.clone() };
    let rates = Series { y: rates, time, treated };
    let answers = Table::open(&folder.join("its.csv"))?;
    for row in &answers.rows {
        let text = |column| answers.text(row, column);
        let is_count = text("family")? == "poisson";
        let lag = text("lag")?.parse().map_or(NeweyWestLag::Rule, NeweyWestLag::Fixed);
        let options = ItsOptions {
            errors: match text("errors")? {
                "ols" => ItsErrors::Model,
                "hc1" => ItsErrors::Hc1,
                "hc3" => ItsErrors::Hc3,
                "prais_winsten" => ItsErrors::PraisWinsten,
                "newey_west" => ItsErrors::NeweyWest,
                other => anyhow::bail!("errors {other}"),
            },
            lag,
            harmonics: text("harmonics")?.parse()?,
            family: if is_count { ItsFamily::Poisson } else { ItsFamily::Gaussian },
            population: is_count.then_some(&people),
            slope_change: !is_count,
            ..ItsOptions::default()
        };
        let ours = if is_count { counts.its(&options) } else { rates.its(&options) };
        let what = format!("{row:?}");
        let term = text("term")?;
        let effect = ours.terms.iter().find(|effect| effect.term == term);
        let effect = effect.with_context(|| format!("{what}: {:?}", ours.reason))?;
        within(1e-8, &what, effect.estimate, Some(answers.number(row, "estimate")?))?;
        let digits = if is_count { ITERATIVE } else { 1e-8 };
        within(digits, &what, effect.std_error, Some(answers.number(row, "std_error")?))?;
    }
    Ok(())
}

fn numbers(value: &Value) -> Result<Vec<f64>> {
    rows(value)?.iter().map(|value| value.as_f64().context("not a number")).collect()
}

/// Coefficients, errors, statistics and both p-values of R's `coeftest`, and the covariance.
fn same_table(what: &str, theirs: &Value, ours: &Its, normal: &Its) -> Result<()> {
    let columns: [(&str, Figure); 4] = [
        ("coef", |effect| effect.estimate),
        ("se", |effect| effect.std_error),
        ("t", |effect| effect.statistic),
        ("p_t", |effect| effect.p_value),
    ];
    let names = theirs["names"].as_array().context("no names")?.len();
    ensure!(ours.terms.len() == names, "{what}: {} terms, {:?}", ours.terms.len(), ours.reason);
    for (name, field) in columns {
        let Some(values) = theirs[name].as_array() else { continue };
        for (term, value) in ours.terms.iter().zip(values) {
            let what = format!("{what}: {name} of {}", term.term);
            within(1e-8, &what, field(term), value.as_f64())?;
        }
    }
    if let Some(values) = theirs["p_z"].as_array() {
        for (term, value) in normal.terms.iter().zip(values) {
            let what = format!("{what}: p_z of {}", term.term);
            // Far down in the tail a digit of z costs z² of them.
            let z = term.statistic.context("no statistic")?;
            within(1e-8 * (1.0 + z * z), &what, term.p_value, value.as_f64())?;
        }
    }
    if let Some(values) = theirs["vcov"]["values"].as_array() {
        for (row, theirs) in ours.covariance.iter().zip(values) {
            for (j, (value, theirs)) in row.iter().zip(numbers(theirs)?).enumerate() {
                // Covariances that are sums which cancel have the digits of the errors.
                let size = (row[j].abs()).max(1e-9);
                ensure!(
                    (value - theirs).abs() <= 1e-8 * theirs.abs().max(1e-2 * size),
                    "{what}: covariance {value} is not {theirs}"
                );
            }
        }
    }
    Ok(())
}

/// All of the answers for one set of columns.
fn same_regression(theirs: &Value, series: &Series, basis: &ItsOptions<'_>) -> Result<()> {
    let normal = |options: &ItsOptions<'_>| {
        series.its(&ItsOptions { distribution: TestDistribution::Normal, ..options.clone() })
    };
    let with = |errors: ItsErrors| ItsOptions { errors, ..basis.clone() };
    let compare = |what: &str, theirs: &Value, options: &ItsOptions<'_>| -> Result<Its> {
        let ours = series.its(options);
        same_table(what, theirs, &ours, &normal(options))?;
        Ok(ours)
    };

    let ols = compare("ols", &theirs["ols"], &with(ItsErrors::Model))?;
    same("r2", ols.r_squared, theirs["r2"].as_f64())?;
    same("sigma", ols.sigma, theirs["sigma"].as_f64())?;
    same("durbin_watson", ols.durbin_watson, theirs["durbin_watson"].as_f64())?;
    let (statistic, p) = ols.breusch_godfrey.context("no Breusch-Godfrey test")?;
    let godfrey = &theirs["breusch_godfrey_lag1"];
    within(1e-8, "Breusch-Godfrey", Some(statistic), godfrey["LM"].as_f64())?;
    within(1e-8, "p of Breusch-Godfrey", Some(p), godfrey["p"].as_f64())?;
    for row in rows(&theirs["ljung_box"])? {
        let lag = given(row, "lag")? as usize;
        let found = ols.ljung_box.iter().find(|(at, ..)| *at == lag).context("no such lag")?;
        same("Ljung-Box", Some(found.1), row["stat"].as_f64())?;
        within(1e-8, "p of Ljung-Box", Some(found.2), row["p"].as_f64())?;
    }
    compare("hc1", &theirs["hc1"], &with(ItsErrors::Hc1))?;
    compare("hc3", &theirs["hc3"], &with(ItsErrors::Hc3))?;

    let newey = &theirs["newey_west"];
    let west = |lag, prewhiten, small_sample| ItsOptions {
        lag,
        prewhiten,
        small_sample,
        ..with(ItsErrors::NeweyWest)
    };
    for lag in [0, 1, 2, 3, 4, 6, 12] {
        for (name, small_sample) in [("no_adjust", false), ("adjust", true)] {
            let options = west(NeweyWestLag::Fixed(lag), false, small_sample);
            let what = format!("lag {lag}, {name}");
            compare(&what, &newey[format!("lag{lag}")][name], &options)?;
        }
    }
    let auto = west(NeweyWestLag::Automatic, false, false);
    let ours = compare("automatic", &newey["auto"]["tab"], &auto)?;
    within(1e-8, "bandwidth", ours.bandwidth, newey["auto"]["bandwidth"].as_f64())?;
    ensure!(ours.lag.map(|lag| lag as f64) == newey["auto"]["lag"].as_f64(), "{:?}", ours.lag);
    let white = west(NeweyWestLag::Automatic, true, false);
    let ours = compare("prewhitened", &newey["default_prewhite1"]["tab"], &white)?;
    let bandwidth = newey["default_prewhite1"]["bandwidth"].as_f64();
    within(1e-8, "bandwidth, prewhitened", ours.bandwidth, bandwidth)?;
    let rule = west(NeweyWestLag::Rule, false, false);
    let ours = compare("rule", &newey["rule_4_n100_2_9"]["tab"], &rule)?;
    let lag = newey["rule_4_n100_2_9"]["lag"].as_f64();
    ensure!(ours.lag.map(|lag| lag as f64) == lag, "{:?}", ours.lag);

    for (name, rho_type) in [
        ("prais_winsten_stata_regress", RhoType::Regress),
        ("prais_winsten_autocorr", RhoType::Autocorrelation),
    ] {
        let theirs = &theirs[name];
        let options = ItsOptions { rho_type, ..with(ItsErrors::PraisWinsten) };
        let ours = compare(name, theirs, &options)?;
        within(1e-8, name, ours.rho, theirs["rho"].as_f64())?;
        let variance = ours.sigma.map(|sigma| sigma * sigma);
        within(1e-8, &format!("{name}: sigma2"), variance, theirs["sigma2"].as_f64())?;
        same(name, ours.durbin_watson, theirs["dw_original"].as_f64())?;
        within(1e-8, name, ours.durbin_watson_after, theirs["dw_transformed"].as_f64())?;
        let iterations = ours.iterations.map(|iterations| iterations as f64);
        ensure!(iterations == theirs["iterations"].as_f64(), "{name}: {iterations:?} iterations");
    }
    same_gls(theirs, series, basis)
}

/// `nlme::gls` and `arima`: at their autocorrelation all digits, and ours is as likely or more.
fn same_gls(theirs: &Value, series: &Series, basis: &ItsOptions<'_>) -> Result<()> {
    for (name, errors) in [("gls_ar1_ML", ItsErrors::Ar1), ("gls_ar1_REML", ItsErrors::Ar1Reml)] {
        let theirs = &theirs[name];
        let phi = given(theirs, "phi")?;
        let at = series.its(&ItsOptions { errors, rho: Some(phi), ..basis.clone() });
        // The errors lose a digit for each by which 1 - φ² does.
        let loss = 1e-9 / (1.0 - phi * phi);
        let coefficients = theirs["coef"].as_object().context("no coefficients")?;
        ensure!(at.terms.len() == coefficients.len(), "{name}: {:?}", at.reason);
        for ((term, (_, coefficient)), error) in
            at.terms.iter().zip(in_order(coefficients)).zip(numbers(&theirs["se"])?)
        {
            within(loss, &format!("{name}: {}", term.term), term.estimate, coefficient.as_f64())?;
            within(loss, &format!("{name}: error of {}", term.term), term.std_error, Some(error))?;
        }
        let likelihood = theirs["loglik"].as_f64();
        within(loss, &format!("{name}: log-likelihood"), at.log_likelihood, likelihood)?;
        // Theirs is of e, ours of u.
        let degrees = if errors == ItsErrors::Ar1 { at.terms.len() as f64 } else { 0.0 };
        let n = at.n_obs as f64;
        let marginal = at.sigma.map(|sigma| sigma * ((n - degrees) / n / (1.0 - phi * phi)).sqrt());
        within(loss, &format!("{name}: sigma"), marginal, theirs["sigma"].as_f64())?;

        let ours = series.its(&ItsOptions { errors, ..basis.clone() });
        if phi > 0.9999 {
            // The likelihood rises up to a unit root: a limit of their search is no estimate.
            let reason = ours.reason.context("an estimate at a unit root")?.to_string();
            ensure!(reason.contains("wanders off"), "{reason}");
            continue;
        }
        let gain = ours.log_likelihood.zip(likelihood).map(|(ours, theirs)| ours - theirs);
        ensure!(gain.is_some_and(|gain| (-1e-9..1e-6).contains(&gain)), "{name}: {gain:?}");
        within(1e-4, name, ours.rho, Some(phi))?;
    }

    // `arima`: the same likelihood, errors from its second derivatives, to the digits of a search
    // that stops when the likelihood does.
    let arima = &theirs["arima_ar1_ML"];
    let ours = series.its(&ItsOptions { errors: ItsErrors::Ar1, ..basis.clone() });
    let gain = ours.log_likelihood.context("no likelihood")? - given(arima, "loglik")?;
    ensure!((-1e-9..1e-5).contains(&gain), "arima: {gain}");
    within(1e-4, "arima: ar1", ours.rho, arima["coef"]["ar1"].as_f64())?;
    let errors = numbers(&arima["se"])?;
    within(2e-3, "arima: error of ar1", ours.rho_error, errors.first().copied())?;
    ensure!(ours.information_errors.len() + 1 == errors.len(), "arima: errors");
    for (ours, theirs) in ours.information_errors.iter().zip(&errors[1..]) {
        within(2e-3, "arima: error", Some(*ours), Some(*theirs))?;
    }
    Ok(())
}

/// Of an object whose keys are sorted, in the order of the columns.
fn in_order(object: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let columns = ["(Intercept)", "const", "t", "x1", "D", "x2", "ts", "x3"];
    let seasons = ["s1", "x4", "c1", "x5", "s2", "x6", "c2", "x7"];
    let names = columns.iter().chain(&seasons);
    names.filter_map(|name| object.iter().find(|(key, _)| key == name)).collect()
}

const HARMONICS: ItsOptions<'static> = ItsOptions {
    harmonics: 2,
    errors: ItsErrors::NeweyWest,
    lag: NeweyWestLag::Rule,
    prewhiten: false,
    small_sample: true,
    rho_type: RhoType::Regress,
    rho: None,
    family: ItsFamily::Gaussian,
    population: None,
    covariates: &[],
    period: 12.0,
    slope_change: true,
    level_at: opeka_stats::LevelAt::LastBefore,
    horizons: &[],
    distribution: TestDistribution::ByFamily,
    conf_level: 0.95,
};

fn sicily(folder: &Path) -> Result<()> {
    let series = sicilian_rates(folder)?;
    let answers = answers(folder, "its_sicily")?;
    same_regression(&answers["rate_level_slope"], &series, &ItsOptions::default())?;
    same_regression(&answers["rate_level_slope_harmonics"], &series, &HARMONICS)
}

fn california(folder: &Path) -> Result<()> {
    let answers = answers(folder, "its_california_prop99")?;
    same_regression(&answers["value"], &californian(folder)?, &ItsOptions::default())
}

/// What `glm.fit` of R leaves: it stops when the deviance moves by less than `epsilon` of itself, and
/// its covariance and dispersion are of the weights of the last step but one. At R's 1e-8 that costs
/// them all digits but six; coefficients have eight or more.
struct Glm {
    estimates: Vec<f64>,
    errors: Vec<f64>,
    dispersion: f64,
}

fn glm(columns: &[Vec<f64>], y: &[f64], population: &[f64], epsilon: f64) -> Result<Glm> {
    let (n, k) = (y.len(), columns.len());
    let x = DMatrix::from_fn(n, k, |i, j| columns[j][i]);
    let offset: Vec<f64> = population.iter().map(|people| libm::log(*people)).collect();
    let mut mu: Vec<f64> = y.iter().map(|y| y + 0.1).collect();
    let mut before = f64::INFINITY;
    for _ in 0..25 {
        let weights = mu.clone();
        let z = DVector::from_fn(n, |i, _| libm::log(mu[i]) - offset[i] + (y[i] - mu[i]) / mu[i]);
        let weighted = DMatrix::from_fn(n, k, |i, j| weights[i] * x[(i, j)]);
        let bread = (x.transpose() * &weighted).try_inverse().context("singular")?;
        let b = &bread * weighted.transpose() * z;
        mu = (&x * &b).iter().zip(&offset).map(|(eta, offset)| libm::exp(eta + offset)).collect();
        let deviance: f64 =
            y.iter().zip(&mu).map(|(y, mu)| 2.0 * (y * libm::log(y / mu) - (y - mu))).sum();
        if (deviance - before).abs() / (deviance.abs() + 0.1) < epsilon {
            let working = |i: usize| weights[i] * ((y[i] - mu[i]) / mu[i]).powi(2);
            return Ok(Glm {
                estimates: b.iter().copied().collect(),
                errors: (0..k).map(|j| bread[(j, j)].sqrt()).collect(),
                dispersion: (0..n).map(working).sum::<f64>() / (n - k) as f64,
            });
        }
        before = deviance;
    }
    anyhow::bail!("no end")
}

/// California against the mean of 38 states, fully crossed.
fn controlled_california(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/prop99_synthdid.csv"))?;
    let y = table.column("PacksPerCapita")?;
    let time = table.column("Year")?;
    let names: Vec<&str> =
        table.rows.iter().map(|row| table.text(row, "State")).collect::<Result<_>>()?;
    let unit = Labels::new(&names);
    let treated: Vec<Option<f64>> = table.column("treated")?.into_iter().map(Some).collect();
    let theirs = answers(folder, "cits_prop99")?;
    for (key, errors) in [("se_ols", ItsErrors::Model), ("se_hc1", ItsErrors::Hc1)] {
        let options = ControlledItsOptions { errors, ..ControlledItsOptions::default() };
        let ours = controlled_its(&PanelRows::new(&y, &unit, &time), &treated, &options);
        ensure!(ours.terms.len() == 8, "{:?}", ours.reason);
        // Theirs: 1, t, D, ts, g, t:g, D:g, ts:g.
        for (j, term) in ours.terms.iter().enumerate() {
            within(1e-8, &term.term, term.estimate, theirs["coef"][j].as_f64())?;
            within(1e-8, &term.term, term.std_error, theirs[key][j].as_f64())?;
        }
    }
    Ok(())
}

/// The terms of Epi's `ci.lin`, theirs by name: those of R's last step but one are theirs to all
/// digits, those of the maximum ours.
fn same_counts(
    what: &str,
    theirs: &Value,
    ours: &Its,
    (columns, y, population): (&[Named<'_>], &[f64], &[f64]),
) -> Result<()> {
    let order = rows(&theirs["names"])?;
    let plain: Vec<Vec<f64>> = columns.iter().map(|(.., column)| column.clone()).collect();
    let (stopped, settled) =
        (glm(&plain, y, population, 1e-8)?, glm(&plain, y, population, 1e-15)?);
    let quasi = theirs["dispersion"].as_f64();
    within(1e-8, &format!("{what}: R's dispersion"), quasi.map(|_| stopped.dispersion), quasi)?;
    within(1e-8, &format!("{what}: dispersion"), ours.dispersion, Some(settled.dispersion))?;
    for (j, (name, term, _)) in columns.iter().enumerate() {
        let what = format!("{what}: {name}");
        let place = order.iter().position(|other| other.as_str() == Some(name));
        let place = place.with_context(|| format!("{what}: no such name"))?;
        for (found, glm) in [(None, &stopped), (Some(ours), &settled)] {
            let factor = quasi.map_or(1.0, |_| glm.dispersion.sqrt());
            let (estimate, error) = (glm.estimates[j], factor * glm.errors[j]);
            let Some(ours) = found else {
                if theirs["estimate"].is_array() {
                    let estimates = numbers(&theirs["estimate"])?;
                    within(1e-8, &format!("{what}, R"), Some(estimate), Some(estimates[place]))?;
                    let errors = numbers(&theirs["se"])?;
                    within(1e-8, &format!("{what}, R"), Some(error), Some(errors[place]))?;
                }
                continue;
            };
            let effect = ours.terms.iter().find(|effect| effect.term == *term);
            let effect = effect.with_context(|| format!("{what}: {:?}", ours.reason))?;
            within(1e-8, &what, effect.estimate, Some(estimate))?;
            if theirs["estimate"].is_array() {
                within(1e-8, &what, effect.std_error, Some(error))?;
            }
            // What R says, to its digits.
            let z = effect.statistic.context("no statistic")?;
            for (column, value, digits) in [
                ("estimate", effect.estimate, 1e-8),
                ("se", effect.std_error, 4.0 * ITERATIVE),
                ("z", effect.statistic, 4.0 * ITERATIVE),
                ("lo", effect.conf_low.map(libm::exp), ITERATIVE),
                ("hi", effect.conf_high.map(libm::exp), ITERATIVE),
                ("exp", effect.estimate.map(libm::exp), 1e-8),
                ("p", effect.p_value, 4.0 * ITERATIVE * (1.0 + z * z)),
            ] {
                let Some(theirs) = theirs[column].get(place) else { continue };
                within(digits, &format!("{what}, {column}"), value, theirs.as_f64())?;
            }
        }
    }
    Ok(())
}

fn sicily_counts(folder: &Path) -> Result<()> {
    let series = sicilian_events(folder)?;
    let population = Table::open(&folder.join("data/sicily.csv"))?.column("stdpop")?;
    let answers = answers(folder, "its_sicily")?;
    let basis = ItsOptions {
        family: ItsFamily::Poisson,
        errors: ItsErrors::Model,
        population: Some(&population),
        slope_change: false,
        distribution: TestDistribution::Normal,
        ..ItsOptions::default()
    };
    let ban: Vec<f64> = series.treated.iter().map(|treated| treated.unwrap_or(0.0)).collect();
    let wave = |function: fn(f64) -> f64, k: f64| -> Vec<f64> {
        series.time.iter().map(|t| function(2.0 * std::f64::consts::PI * k * t / 12.0)).collect()
    };
    let level = vec![
        ("(Intercept)", "intercept", vec![1.0; ban.len()]),
        ("time", "trend", series.time.clone()),
        ("smokban", "level change", ban.clone()),
    ];
    let season = vec![
        ("s1", "sine 1", wave(f64::sin, 1.0)),
        ("c1", "cosine 1", wave(f64::cos, 1.0)),
        ("s2", "sine 2", wave(f64::sin, 2.0)),
        ("c2", "cosine 2", wave(f64::cos, 2.0)),
    ];
    let seasonal = [&level[..], &season].concat();
    let check = |name: &str, ours: &Its, columns: &[(&str, &str, Vec<f64>)]| {
        same_counts(name, &answers[name], ours, (columns, &series.y, &population))
    };

    let ours = series.its(&basis);
    check("bernal_poisson", &ours, &level)?;
    let published = answers["published"]["rr_smokban_poisson"].as_f64();
    let ratio = ours.ratios.iter().find(|ratio| ratio.term == "rate ratio of level change");
    same("published", ratio.and_then(|ratio| ratio.estimate), published)?;

    let quasi = ItsOptions { family: ItsFamily::QuasiPoisson, ..basis.clone() };
    check("bernal_quasipoisson", &series.its(&quasi), &level)?;

    let name = "bernal_quasipoisson_harmonics";
    let ours = series.its(&ItsOptions { harmonics: 2, ..quasi.clone() });
    check(name, &ours, &seasonal)?;
    same("deviance", ours.deviance, answers[name]["deviance"].as_f64())?;

    // They cross the ban with time from zero on, so that their `smokban` is the change at time
    // zero; ours is that at the last month before, 36.
    let name = "bernal_quasipoisson_harmonics_slopechange";
    let ours = series.its(&ItsOptions { harmonics: 2, slope_change: true, ..quasi });
    let since: Vec<f64> = ban.iter().zip(&series.time).map(|(d, t)| d * (t - 36.0)).collect();
    let slope = ("smokban:time", "slope change", since);
    let all = [&level[..], &[slope], &season].concat();
    let theirs = &answers[name];
    for (their_name, term, _) in all.iter().filter(|(name, ..)| *name != "smokban") {
        let order = rows(&theirs["names"])?;
        let place = order.iter().position(|other| other.as_str() == Some(their_name));
        let place = place.context("no such name")?;
        let effect = ours.terms.iter().find(|effect| effect.term == *term).context("no term")?;
        within(1e-8, term, effect.estimate, theirs["estimate"][place].as_f64())?;
        within(4.0 * ITERATIVE, term, effect.std_error, theirs["se"][place].as_f64())?;
    }
    let plain: Vec<Vec<f64>> = all.iter().map(|(.., column)| column.clone()).collect();
    let (stopped, settled) =
        (glm(&plain, &series.y, &population, 1e-8)?, glm(&plain, &series.y, &population, 1e-15)?);
    within(1e-8, name, Some(stopped.dispersion), theirs["dispersion"].as_f64())?;
    within(1e-8, name, ours.dispersion, Some(settled.dispersion))?;
    let term = |place: usize| ours.terms[place].estimate.context("no estimate");
    let at_zero = term(2)? - 36.0 * term(3)?;
    let [v, c, w] = [(2, 2), (2, 3), (3, 3)].map(|(i, j)| ours.covariance[i][j]);
    let error = (v - 72.0 * c + 1296.0 * w).sqrt();
    within(1e-8, "smokban at time zero", Some(at_zero), theirs["estimate"][1].as_f64())?;
    within(4.0 * ITERATIVE, "its error", Some(error), theirs["se"][1].as_f64())?;

    // `NeweyWest(glm, lag = 6, prewhite = FALSE)`
    let west = ItsOptions {
        errors: ItsErrors::NeweyWest,
        lag: NeweyWestLag::Fixed(6),
        small_sample: false,
        ..basis
    };
    check("bernal_poisson_NW6", &series.its(&west), &level)
}

fn sicily_statsmodels(folder: &Path) -> Result<()> {
    let series = sicilian_rates(folder)?;
    let answers = answers(folder, "its_py_sicily")?;
    for (name, basis) in
        [("rate_level_slope", ItsOptions::default()), ("rate_level_slope_harmonics", HARMONICS)]
    {
        let theirs = &answers[name];
        let with = |errors: ItsErrors| ItsOptions { errors, ..basis.clone() };
        let ours = series.its(&with(ItsErrors::Model));
        same(name, ours.durbin_watson, theirs["durbin_watson"].as_f64())?;
        let ols = &theirs["ols"];
        let column = |key: &str| -> Result<Vec<Option<f64>>> {
            let object = ols[key].as_object().with_context(|| format!("no {key}"))?;
            Ok(in_order(object).into_iter().map(|(_, value)| value.as_f64()).collect())
        };
        let (coef, se, p) = (column("coef")?, column("se")?, column("p")?);
        for (j, term) in ours.terms.iter().enumerate() {
            within(1e-8, &term.term, term.estimate, coef[j])?;
            within(1e-8, &term.term, term.std_error, se[j])?;
            within(1e-8, &term.term, term.p_value, p[j])?;
            within(1e-8, &term.term, term.conf_low, ols["ci"][j][0].as_f64())?;
            within(1e-8, &term.term, term.conf_high, ols["ci"][j][1].as_f64())?;
        }
        for lag in [1, 2, 3, 4, 6, 12] {
            for (word, small_sample) in [("False", false), ("True", true)] {
                let options = ItsOptions {
                    lag: NeweyWestLag::Fixed(lag),
                    small_sample,
                    ..with(ItsErrors::NeweyWest)
                };
                let theirs = &theirs[format!("HAC_lag{lag}_corr{word}")];
                for (j, term) in series.its(&options).terms.iter().enumerate() {
                    within(1e-8, &term.term, term.estimate, theirs["coef"][j].as_f64())?;
                    within(1e-8, &term.term, term.std_error, theirs["se"][j].as_f64())?;
                    within(1e-8, &term.term, term.p_value, theirs["p_t"][j].as_f64())?;
                    within(1e-8, &term.term, term.conf_low, theirs["ci_t"][j][0].as_f64())?;
                    within(1e-8, &term.term, term.conf_high, theirs["ci_t"][j][1].as_f64())?;
                }
            }
        }
        for (key, rho_type) in [
            ("prais_winsten_regress", RhoType::Regress),
            ("prais_winsten_autocorr", RhoType::Autocorrelation),
        ] {
            let ours = series.its(&ItsOptions { rho_type, ..with(ItsErrors::PraisWinsten) });
            let theirs = &theirs[key];
            within(1e-8, key, ours.rho, theirs["rho"].as_f64())?;
            for (j, term) in ours.terms.iter().enumerate() {
                within(1e-8, &term.term, term.estimate, theirs["coef"][j].as_f64())?;
                within(1e-8, &term.term, term.std_error, theirs["se"][j].as_f64())?;
            }
        }
        // `GLSAR.iterative_fit` stops before ρ has settled, so that its ρ has five to seven digits;
        // at that ρ, all digits are ours.
        let theirs_glsar = &theirs["GLSAR_iterative_cochrane_orcutt"];
        let options =
            ItsOptions { rho_type: RhoType::YuleWalker, ..with(ItsErrors::CochraneOrcutt) };
        within(1e-5, "glsar: rho", series.its(&options).rho, theirs_glsar["rho"].as_f64())?;
        let ours = series.its(&ItsOptions { rho: theirs_glsar["rho"].as_f64(), ..options });
        for (key, field) in [("coef", 0), ("se", 1)] {
            let object = theirs_glsar[key].as_object().context("no coefficients")?;
            for (term, (_, value)) in ours.terms.iter().zip(in_order(object)) {
                let ours = if field == 0 { term.estimate } else { term.std_error };
                within(1e-8, &format!("glsar: {}", term.term), ours, value.as_f64())?;
            }
        }
        same_arima(&theirs["arima_ar1_ml"], &series.its(&with(ItsErrors::Ar1)))?;
    }
    Ok(())
}

/// statsmodels' `ARIMA`: the same likelihood, found with fewer digits.
fn same_arima(theirs: &Value, ours: &Its) -> Result<()> {
    let gain = ours.log_likelihood.context("no likelihood")? - given(theirs, "llf")?;
    ensure!((-1e-9..1e-5).contains(&gain), "arima: {gain}");
    let params = &theirs["params"];
    within(1e-3, "arima: rho", ours.rho, params["ar.L1"].as_f64())?;
    for (term, (name, value)) in
        ours.terms.iter().zip(in_order(params.as_object().context("no parameters")?))
    {
        within(2e-3, &format!("arima: {name}"), term.estimate, value.as_f64())?;
    }
    let n = ours.n_obs as f64;
    let k = ours.terms.len() as f64;
    let variance = ours.sigma.map(|sigma| sigma * sigma * (n - k) / n);
    within(1e-3, "arima: sigma2", variance, params["sigma2"].as_f64())
}
