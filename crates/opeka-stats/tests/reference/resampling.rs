//! Wild cluster bootstrap and randomisation inference: R packages fwildclusterboot and coin,
//! pyfixest.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    Alternative, Labels, PanelRows, PermutationOptions, PermutationStatistic, WildBootstrapOptions,
    WildDistribution, permutation_test, wild_bootstrap,
};
use serde_json::Value;

use crate::support::{Table, answers, given, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("wildboot_mpdta", reference, counties),
        trial("wildboot_math_reform", reference, states),
        trial("wildboot_py", reference, python),
        trial("ri_ehec2014", reference, medicaid),
    ]
}

/// Closed forms.
const CLOSED: f64 = 1e-8;

const OUR_DRAWS: u32 = 99_999;

/// A panel as columns.
struct Columns {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
    names: Vec<String>,
}

impl Columns {
    fn rows(&self) -> PanelRows<'_> {
        PanelRows::new(&self.y, &self.unit, &self.time)
    }

    /// The rows of those units whose names pass.
    fn filter(&self, kept: impl Fn(&str) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.y.len()).filter(|row| kept(&self.names[*row])).collect();
        let names: Vec<String> = rows.iter().map(|row| self.names[*row].clone()).collect();
        Self {
            y: rows.iter().map(|row| self.y[*row]).collect(),
            unit: Labels::new(&names),
            time: rows.iter().map(|row| self.time[*row]).collect(),
            treated: rows.iter().map(|row| self.treated[*row]).collect(),
            names,
        }
    }
}

/// County teen employment (Callaway and Sant'Anna 2021): log of employment, treated from the year
/// in which the minimum wage rose.
fn mpdta(folder: &Path) -> Result<Columns> {
    let table = Table::open(&folder.join("data/mpdta.csv"))?;
    let time = table.column("year")?;
    let names = texts(&table, "countyreal")?;
    let first = table.column("first.treat")?;
    let treated = first.iter().zip(&time).map(|(f, t)| Some(f64::from(*f > 0.0 && t >= f)));
    Ok(Columns {
        y: table.column("lemp")?,
        unit: Labels::new(&names),
        treated: treated.collect(),
        time,
        names,
    })
}

/// Earnings and the reform of mathematics by state (bacondecomp).
fn math_reform(folder: &Path) -> Result<Columns> {
    let table = Table::open(&folder.join("data/math_reform.csv"))?;
    let names = texts(&table, "state")?;
    Ok(Columns {
        y: table.column("incearn_ln")?,
        unit: Labels::new(&names),
        time: table.column("class")?,
        treated: table.column("reform_math")?.into_iter().map(Some).collect(),
        names,
    })
}

fn texts(table: &Table, column: &str) -> Result<Vec<String>> {
    table.rows.iter().map(|row| Ok(table.text(row, column)?.to_owned())).collect()
}

fn options(theirs: &Value, draws: u32) -> Result<WildBootstrapOptions> {
    let distribution = match theirs["weights"].as_str() {
        Some("rademacher") => WildDistribution::Rademacher,
        Some("webb") => WildDistribution::Webb,
        Some("mammen") => WildDistribution::Mammen,
        other => anyhow::bail!("{other:?}"),
    };
    let impose_null = theirs["impose_null"].as_bool().context("impose_null")?;
    Ok(WildBootstrapOptions { distribution, impose_null, draws, ..WildBootstrapOptions::default() })
}

/// Estimate and t to their last digits, the p-value and the limits as far as draws can tell.
fn compare(what: &str, columns: &Columns, cluster: Option<&Labels>, theirs: &Value) -> Result<()> {
    let b = given(theirs, "B")?;
    let rows = PanelRows { cluster, ..columns.rows() };
    let ours = wild_bootstrap(&rows, &columns.treated, &options(theirs, OUR_DRAWS)?);
    within(CLOSED, what, ours.effect.estimate, theirs["point"].as_f64())?;
    within(CLOSED, what, ours.effect.statistic, theirs["t_stat"].as_f64())?;
    ensure!(ours.n_clusters as f64 == given(theirs, "G")?, "{what}: {} clusters", ours.n_clusters);
    let p = ours.effect.p_value.context("p_value")?;
    match theirs["p_seeds"].as_array() {
        None => drawn(what, p, given(theirs, "p")?, b)?,
        Some(seeds) => {
            let (mean, sd) = (given(theirs, "p_mean")?, given(theirs, "p_sd")?);
            ensure!((p - mean).abs() <= 4.0 * sd, "{what}: {p} is not {mean} ± 4 × {sd}");
            drawn(what, p, mean, b * seeds.len() as f64)?;
        }
    }
    if let Some(limits) = theirs["ci"].as_array() {
        // The error of a limit is that of the share of draws beyond it over the slope of the
        // p-value there, about 2 φ(2) = 0.1 in errors of the estimate.
        let error = ours.effect.std_error.context("std_error")?;
        let tail = (0.05 * 0.95 * (1.0 / b + 1.0 / f64::from(OUR_DRAWS))).sqrt() / 0.1 * error;
        for (ours, theirs) in [ours.effect.conf_low, ours.effect.conf_high].iter().zip(limits) {
            let (ours, theirs) = (ours.context("limit")?, theirs.as_f64().context("limit")?);
            ensure!((ours - theirs).abs() <= 4.0 * tail, "{what}: limit {ours} is not {theirs}");
        }
    }
    Ok(())
}

/// A share of our draws and one of so many of theirs differ by no more than four of their
/// errors.
fn drawn(what: &str, ours: f64, theirs: f64, draws: f64) -> Result<()> {
    let error = (theirs * (1.0 - theirs) * (1.0 / draws + 1.0 / f64::from(OUR_DRAWS))).sqrt();
    ensure!((ours - theirs).abs() <= 4.0 * error, "{what}: p-value {ours} is not {theirs}");
    Ok(())
}

fn counties(folder: &Path) -> Result<()> {
    let columns = mpdta(folder)?;
    let answers = answers(folder, "wildboot_mpdta")?;
    for key in ["WCR_rademacher", "WCR_webb"] {
        compare(key, &columns, None, &answers[key])?;
    }
    let state = |name: &String| Ok((name.parse::<f64>()? / 1000.0).floor().to_string());
    let states = columns.names.iter().map(state).collect::<Result<Vec<String>>>()?;
    let states = Labels::new(&states);
    let theirs = &answers["cluster_state"];
    for key in ["WCR_rademacher", "WCR_webb", "WCR_rad_ci"] {
        compare(key, &columns, Some(&states), &theirs[key])?;
    }
    Ok(())
}

fn states(folder: &Path) -> Result<()> {
    let columns = math_reform(folder)?;
    let answers = answers(folder, "wildboot_math_reform")?;
    let keys = [
        "WCR_rademacher_99999",
        "WCU_rademacher_99999",
        "WCR_webb_99999",
        "WCU_webb_99999",
        "WCR_mammen_99999",
        "WCU_mammen_99999",
        "WCR_rademacher_9999_with_ci",
        "WCR_webb_9999_with_ci",
    ];
    for key in keys {
        compare(key, &columns, None, &answers[key])?;
    }
    first_ten(&columns, &answers)
}

/// All 2¹⁰ signs of the first ten states: nothing is drawn.
fn first_ten(columns: &Columns, answers: &Value) -> Result<()> {
    let names: Vec<&str> = answers["first10_states"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(Value::as_str)
        .collect();
    ensure!(names.len() == 10, "{names:?}");
    let ten = columns.filter(|name| names.contains(&name));
    compare("first ten, Webb", &ten, None, &answers["first10_WCR_webb"])?;
    for key in ["first10_WCR_rademacher_fullenum", "first10_WCU_rademacher_fullenum"] {
        let theirs = &answers[key];
        let ours = wild_bootstrap(&ten.rows(), &ten.treated, &options(theirs, 9_999)?);
        ensure!(ours.enumerated && ours.n_draws == 1024, "{key}: {ours:?}");
        within(CLOSED, key, ours.effect.estimate, Some(given(answers, "first10_point")?))?;
        within(CLOSED, key, ours.effect.statistic, theirs["t_stat"].as_f64())?;
        // 922 of 1024; the draws with all signs alike are as far as the data, and not counted.
        ensure!(ours.effect.p_value == theirs["p"].as_f64(), "{key}: {:?}", ours.effect.p_value);
        let Some(limits) = theirs["ci"].as_array() else { continue };
        // The p-value steps from 52/1024 to 50/1024, across 5 %, where our limits are; theirs are
        // where a search with a tolerance of 1e-6 ended: at both of them it is still 52/1024.
        for (ours, theirs) in [ours.effect.conf_low, ours.effect.conf_high].iter().zip(limits) {
            let (ours, theirs) = (ours.context("limit")?, theirs.as_f64().context("limit")?);
            ensure!((ours - theirs).abs() <= 2e-6, "{key}: limit {ours} is not {theirs}");
        }
    }
    Ok(())
}

/// pyfixest counts every dummy among the coefficients, so that its t is smaller by
/// √((N − K)/(N − 1)); p-values are of 9,999 draws.
fn python(folder: &Path) -> Result<()> {
    let panels = [("mpdta", mpdta(folder)?, 505.0), ("math_reform", math_reform(folder)?, 46.0)];
    for (name, columns, coefficients) in panels {
        let answers = answers(folder, &format!("twfe_py_{name}"))?;
        let n = columns.y.len() as f64;
        for (weights, distribution) in
            [("rademacher", WildDistribution::Rademacher), ("webb", WildDistribution::Webb)]
        {
            for (null, impose_null) in [("WCR", true), ("WCU", false)] {
                let theirs = &answers[format!("wildboot_{weights}_{null}_9999")];
                let what = format!("{name} {weights} {null}");
                let options = WildBootstrapOptions {
                    distribution,
                    impose_null,
                    draws: OUR_DRAWS,
                    ..WildBootstrapOptions::default()
                };
                let ours = wild_bootstrap(&columns.rows(), &columns.treated, &options).effect;
                within(CLOSED, &what, ours.estimate, answers["CRV1"]["coef"].as_f64())?;
                let t = ours.statistic.context("statistic")?;
                let t = t * ((n - coefficients) / (n - 1.0)).sqrt();
                within(CLOSED, &what, Some(t), theirs["t"].as_f64())?;
                drawn(&what, ours.p_value.context("p_value")?, given(theirs, "p")?, 9_999.0)?;
            }
        }
    }
    Ok(())
}

/// Medicaid expansion of 2014 (Mixtape): states that expanded then or never, 2008 to 2015.
fn ehec_2014(folder: &Path) -> Result<Columns> {
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    let (mut y, mut time, mut treated, mut names) = (vec![], vec![], vec![], vec![]);
    for row in &table.rows {
        let year = table.number(row, "year")?;
        let first = table.text(row, "yexp2")?;
        if year > 2015.0 || !matches!(first, "" | "NA" | "2014") {
            continue;
        }
        y.push(table.number(row, "dins")?);
        time.push(year);
        treated.push(Some(f64::from(first == "2014" && year >= 2014.0)));
        names.push(table.text(row, "stfips")?.to_owned());
    }
    Ok(Columns { y, unit: Labels::new(&names), time, treated, names })
}

fn medicaid(folder: &Path) -> Result<()> {
    let answers = answers(folder, "ri_ehec2014")?;
    let all = ehec_2014(folder)?;
    let theirs = &answers["first9_treated_first9_controls"];
    let names: Vec<&str> =
        theirs["units"].as_array().into_iter().flatten().flat_map(Value::as_str).collect();
    let some = all.filter(|name| names.contains(&name));
    let sides = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];
    // In a balanced panel with one date the coefficient is the difference in means.
    for statistic in [PermutationStatistic::DifferenceInMeans, PermutationStatistic::DidTwfe] {
        let run = |columns: &Columns, alternative| {
            let options =
                PermutationOptions { statistic, alternative, ..PermutationOptions::default() };
            permutation_test(&columns.rows(), &columns.treated, &options)
        };
        let enumeration = &theirs["enumeration"];
        for (side, key) in sides.iter().zip(["p_abs_diff", "p_greater", "p_less"]) {
            let ours = run(&some, *side);
            let what = format!("18 states, {statistic:?}, {key}");
            within(CLOSED, &what, ours.effect.estimate, theirs["diff_in_means"].as_f64())?;
            within(CLOSED, &what, ours.n_assignments, enumeration["n_assignments"].as_f64())?;
            within(CLOSED, &what, ours.effect.p_value, enumeration[key].as_f64())?;
        }
        // The split-up algorithm of coin loses the assignment of the data to rounding there: 17 and
        // 8 of 48,620 where enumeration, which is the definition, counts 18 and 9.
        let lost = given(theirs, "p_exact_two_sided")? * 48_620.0;
        ensure!((lost - 17.0).abs() < 1e-6, "{lost}");

        // All 38 states: 3,994 and 424 of 22,239,974,430, which coin's shares hold to nine digits.
        let theirs = &answers["all38"];
        let keys = ["p_exact_two_sided", "p_exact_greater", "p_exact_less"];
        for ((side, key), count) in sides.iter().zip(keys).zip([3_994.0, 424.0, 22_239_974_007.0]) {
            let ours = run(&all, *side);
            let what = format!("38 states, {statistic:?}, {key}");
            ensure!(ours.exact && ours.n_treated == 22, "{what}: {ours:?}");
            within(CLOSED, &what, ours.effect.estimate, theirs["diff_in_means"].as_f64())?;
            within(CLOSED, &what, ours.effect.p_value, theirs[key].as_f64())?;
            within(CLOSED, &what, ours.effect.p_value, Some(count / 22_239_974_430.0))?;
        }
    }
    Ok(())
}
