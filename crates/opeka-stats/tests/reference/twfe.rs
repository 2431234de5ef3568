//! Two-way fixed effects: R fixest, clubSandwich, sandwich, estimatr; pyfixest.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    Degrees, Effect, Errors, Labels, PanelRows, Twfe, TwfeOptions, TwoByTwoErrors, TwoByTwoOptions,
    did_2x2, did_twfe,
};
use serde_json::Value;

use crate::support::{Table, answers, given, rows as rows_of, trial, within};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("twfe_mpdta", reference, mpdta),
        trial("twfe_math_reform", reference, math_reform),
        trial("twfe_ehec_medicaid", reference, ehec_medicaid),
        trial("twfe_py", reference, pyfixest),
        trial("twfe_bench_panel", reference, bench_panel),
        trial("twfe_did2x2_card_krueger_published_2_76", reference, card_krueger),
    ]
}

/// Closed forms agree to so much.
pub(crate) const CLOSED: f64 = 1e-8;

/// A panel in columns.
pub(crate) struct Columns {
    pub(crate) y: Vec<f64>,
    pub(crate) unit: Labels,
    pub(crate) time: Vec<f64>,
    pub(crate) first_treated: Vec<Option<f64>>,
    pub(crate) weights: Option<Vec<f64>>,
}

impl Columns {
    pub(crate) fn rows(&self) -> PanelRows<'_> {
        PanelRows {
            weights: self.weights.as_deref(),
            ..PanelRows::new(&self.y, &self.unit, &self.time)
        }
    }

    fn treated(&self) -> Vec<Option<f64>> {
        let treated = |(time, first): (&f64, &Option<f64>)| {
            Some(f64::from(u8::from(first.is_some_and(|first| *time >= first))))
        };
        self.time.iter().zip(&self.first_treated).map(treated).collect()
    }
}

/// A panel, and its columns that hold outcome, unit, time and first treated time.
pub(crate) fn columns(path: &Path, names: [&str; 4]) -> Result<Columns> {
    let table = Table::open(path)?;
    let text = |column: &str| -> Result<Vec<String>> {
        table.rows.iter().map(|row| Ok(table.text(row, column)?.to_owned())).collect()
    };
    let first = text(names[3])?;
    Ok(Columns {
        y: table.column(names[0])?,
        unit: Labels::new(&text(names[1])?),
        time: table.column(names[2])?,
        // Never treated units are 0 or missing, as the source has them.
        first_treated: first.iter().map(|t| t.parse().ok().filter(|t| *t != 0.0)).collect(),
        weights: None,
    })
}

pub(crate) fn load(folder: &Path, name: &str) -> Result<Columns> {
    let names = match name {
        "mpdta" => ["lemp", "countyreal", "year", "first.treat"],
        "ehec_medicaid" => ["dins", "stfips", "year", "yexp2"],
        "math_reform" => ["incearn_ln", "state", "class", "reformyr_math"],
        _ => ["y", "id", "t", "g"],
    };
    columns(&folder.join("data").join(format!("{name}.csv")), names)
}

fn run(panel: &Columns, errors: Errors, degrees: Degrees) -> Twfe {
    let options = TwfeOptions { errors, degrees, ..TwfeOptions::default() };
    did_twfe(&panel.rows(), &panel.treated(), &options)
}

fn limits(value: &Value) -> [Option<f64>; 2] {
    [value[0].as_f64(), value[1].as_f64()]
}

/// Coefficient and errors of a static model, each kind that the reference has.
fn static_model(what: &str, panel: &Columns, theirs: &Value) -> Result<()> {
    let fixest = [
        ("fixest_default_cluster_nested", Errors::Cluster),
        ("fixest_cluster_K_full", Errors::ClusterFull),
        ("fixest_cluster_K_none", Errors::ClusterNone),
        ("fixest_CR0", Errors::Cr0),
        ("fixest_cluster_G_only", Errors::Cr1),
        ("fixest_iid", Errors::Iid),
        ("fixest_hetero", Errors::Hc1),
        ("fixest_twoway", Errors::TwoWay),
    ];
    for (key, errors) in fixest {
        let what = format!("{what} {key}");
        let ours = run(panel, errors, Degrees::OfErrors);
        let theirs_of = &theirs[key];
        let effect = &ours.effect;
        within(CLOSED, &format!("{what} b"), effect.estimate, theirs["coef"].as_f64())?;
        within(CLOSED, &format!("{what} error"), effect.std_error, theirs_of["se"].as_f64())?;
        within(CLOSED, &format!("{what} t"), effect.statistic, theirs_of["t"].as_f64())?;
        within(CLOSED, &format!("{what} p"), effect.p_value, theirs_of["p"].as_f64())?;
        let [low, high] = limits(&theirs_of["ci95"]);
        within(CLOSED, &format!("{what} low"), effect.conf_low, low)?;
        within(CLOSED, &format!("{what} high"), effect.conf_high, high)?;
        within(CLOSED, &format!("{what} ssr"), ours.ssr, theirs["ssr"].as_f64())?;
        let within_r2 = theirs["within_r2"].as_f64();
        within(CLOSED, &format!("{what} within R²"), ours.within_r_squared, within_r2)?;
        ensure!(effect.n_obs as f64 == given(theirs, "nobs")?, "{what}: rows");
        ensure!(ours.n_clusters as f64 == given(theirs, "G")?, "{what}: clusters");
    }

    // What the times and the coefficient leave of the factors of CR1S and CR1p, which clubSandwich
    // takes from the columns of the model that it is given.
    let (n, g, t) = (given(theirs, "nobs")?, given(theirs, "G")?, given(theirs, "T")?);
    let models = [("lm_LSDV", g + t), ("plm_within_individual_plus_time_dummies", t)];
    let mut compared = 0;
    for (key, errors) in [
        ("CR0", Errors::Cr0),
        ("CR1", Errors::Cr1),
        ("CR1p", Errors::Cr0),
        ("CR1S", Errors::Cr0),
        ("CR2", Errors::Cr2),
        ("CR3", Errors::Cr3),
    ] {
        for (model, p) in models {
            let theirs = &theirs["clubSandwich"][key][model];
            let Some(error) = theirs["se"].as_f64() else { continue };
            let factor = match key {
                "CR1p" => (g / (g - p)).sqrt(),
                "CR1S" => (g / (g - 1.0) * (n - 1.0) / (n - p)).sqrt(),
                _ => 1.0,
            };
            let what = format!("{what} {key} {model}");
            let by_clusters = run(panel, errors, Degrees::Clusters);
            let ours = run(panel, errors, Degrees::Satterthwaite);
            let std_error = ours.effect.std_error.map(|error| factor * error);
            within(CLOSED, &what, std_error, Some(error))?;
            within(CLOSED, &format!("{what} df"), ours.df, theirs["df_satt"].as_f64())?;
            if factor == 1.0 {
                let naive = theirs["p_naive_t_Gminus1"].as_f64();
                let effect = &ours.effect;
                within(CLOSED, &format!("{what} p naive"), by_clusters.effect.p_value, naive)?;
                let t = theirs["tstat"].as_f64();
                within(CLOSED, &format!("{what} t"), effect.statistic, t)?;
                let p = theirs["p_satt"].as_f64();
                within(CLOSED, &format!("{what} p"), effect.p_value, p)?;
                let [low, high] = limits(&theirs["ci_satt"]);
                within(CLOSED, &format!("{what} low"), effect.conf_low, low)?;
                within(CLOSED, &format!("{what} high"), effect.conf_high, high)?;
            }
            compared += 1;
        }
    }
    ensure!(compared >= 4, "{what}: {compared} errors of clubSandwich");
    for (key, errors) in [
        ("sandwich_vcovCL_HC1_lsdv", Errors::ClusterFull),
        ("sandwich_vcovJK_cluster", Errors::Cr3Jackknife),
        ("sandwich_vcovCL_HC0_nocadj", Errors::Cr0),
    ] {
        let ours = run(panel, errors, Degrees::OfErrors).effect.std_error;
        within(CLOSED, &format!("{what} {key}"), ours, theirs[key].as_f64())?;
    }
    if let Some(error) = theirs["estimatr_CR2"]["se"].as_f64() {
        let theirs = &theirs["estimatr_CR2"];
        let ours = run(panel, Errors::Cr2, Degrees::OfErrors);
        within(CLOSED, "estimatr", ours.effect.std_error, Some(error))?;
        within(CLOSED, "estimatr df", ours.df, theirs["df"].as_f64())?;
        within(CLOSED, "estimatr p", ours.effect.p_value, theirs["p"].as_f64())?;
    }
    Ok(())
}

fn driscoll_kraay(what: &str, panel: &Columns, theirs: &Value) -> Result<()> {
    let ours = run(panel, Errors::DriscollKraay, Degrees::OfErrors).effect.std_error;
    within(CLOSED, what, ours, theirs["driscoll_kraay_fixest"]["se"].as_f64())
}

fn mpdta(folder: &Path) -> Result<()> {
    let (panel, theirs) = (load(folder, "mpdta")?, answers(folder, "twfe_mpdta")?);
    static_model("mpdta", &panel, &theirs["twfe"])?;
    driscoll_kraay("mpdta", &panel, &theirs["twfe"])
}

fn math_reform(folder: &Path) -> Result<()> {
    let (panel, theirs) = (load(folder, "math_reform")?, answers(folder, "twfe_math_reform")?);
    static_model("math reform", &panel, &theirs["twfe"])?;
    driscoll_kraay("math reform", &panel, &theirs["twfe"])
}

fn ehec_medicaid(folder: &Path) -> Result<()> {
    let mut panel = load(folder, "ehec_medicaid")?;
    let theirs = answers(folder, "twfe_ehec_medicaid")?;
    static_model("ehec", &panel, &theirs["twfe"])?;
    driscoll_kraay("ehec", &panel, &theirs["twfe"])?;
    let table = Table::open(&folder.join("data/ehec_medicaid.csv"))?;
    panel.weights = Some(table.column("W")?);
    // The Driscoll and Kraay error that stands under the weighted model is that of the model
    // without weights, digit for digit: its call left the weights out.
    let key = "driscoll_kraay_fixest";
    ensure!(theirs["twfe"][key] == theirs["twfe_weighted"][key]);
    static_model("ehec weighted", &panel, &theirs["twfe_weighted"])
}

fn pyfixest(folder: &Path) -> Result<()> {
    for name in ["mpdta", "math_reform"] {
        let (panel, theirs) = (load(folder, name)?, answers(folder, &format!("twfe_py_{name}"))?);
        for (key, errors) in [("CRV1", Errors::Cluster), ("CRV3", Errors::Cr3Adjusted)] {
            let ours = run(&panel, errors, Degrees::Clusters).effect;
            let what = format!("{name} {key}");
            let theirs = &theirs[key];
            within(CLOSED, &format!("{what} b"), ours.estimate, theirs["coef"].as_f64())?;
            within(CLOSED, &format!("{what} error"), ours.std_error, theirs["se"].as_f64())?;
            within(CLOSED, &format!("{what} t"), ours.statistic, theirs["t"].as_f64())?;
            within(CLOSED, &format!("{what} p"), ours.p_value, theirs["p"].as_f64())?;
        }
    }
    Ok(())
}

fn bench_panel(folder: &Path) -> Result<()> {
    let panel = load(folder, "bench_panel_10000x10")?;
    let theirs = answers(folder, "bench_panel_10000x10")?;
    let ours = run(&panel, Errors::Cluster, Degrees::OfErrors).effect;
    within(CLOSED, "b", ours.estimate, theirs["twfe"]["coef"].as_f64())?;
    within(CLOSED, "error", ours.std_error, theirs["twfe"]["se"].as_f64())
}

fn card_krueger(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("data/card_krueger.csv"))?;
    let theirs = answers(folder, "did2x2_card_krueger")?;
    let rows: Vec<_> = table.rows.iter().filter(|row| table.number(row, "fte").is_ok()).collect();
    let column = |name: &str| -> Result<Vec<f64>> {
        rows.iter().map(|row| table.number(row, name)).collect()
    };
    let ids: Vec<&str> = rows.iter().map(|row| table.text(row, "id")).collect::<Result<_>>()?;
    let (y, unit, time, nj) = (column("fte")?, Labels::new(&ids), column("d")?, column("nj")?);
    for (key, errors) in
        [("pooled_iid", TwoByTwoErrors::Iid), ("pooled_cluster_store", TwoByTwoErrors::Cluster)]
    {
        let options = TwoByTwoOptions { errors, ..TwoByTwoOptions::default() };
        let ours = did_2x2(&y, &unit, &nj, &time, None, &options);
        let lines = ours.terms.iter().chain([&ours.effect]).zip(rows_of(&theirs[key]["table"])?);
        for (effect, line) in lines {
            let values = [effect.estimate, effect.std_error, effect.statistic, effect.p_value];
            for (value, theirs) in values.into_iter().zip(rows_of(line)?) {
                within(CLOSED, &format!("{key} {}", effect.term), value, theirs.as_f64())?;
            }
        }
        for theirs in rows_of(&theirs["cell_means"])? {
            let place = [given(theirs, "nj")? as usize, given(theirs, "d")? as usize];
            let cell = ours.cells.context("no cells")?[place[0]][place[1]];
            ensure!(cell.n_obs as f64 == given(theirs, "n")?, "rows of a cell");
            within(CLOSED, "mean", Some(cell.mean), theirs["mean"].as_f64())?;
            within(CLOSED, "sd", cell.sd, theirs["sd"].as_f64())?;
        }
        let theirs = &theirs["collapsed_diff"];
        let changes = ours.changes.context("no changes")?;
        within(CLOSED, "change", changes.estimate, theirs["diff"].as_f64())?;
        same_test("Welch", &changes, &theirs["welch"])?;
    }

    // Stores that were asked twice, each compared with itself.
    let twice = |row: &usize| unit_rows(&ids, ids[*row]) == 2;
    let kept: Vec<usize> = (0..y.len()).filter(twice).collect();
    let take = |column: &[f64]| kept.iter().map(|row| column[*row]).collect::<Vec<f64>>();
    let (y, time, nj) = (take(&y), take(&time), take(&nj));
    let unit = Labels::new(&kept.iter().map(|row| ids[*row]).collect::<Vec<_>>());
    let treated: Vec<Option<f64>> = nj.iter().zip(&time).map(|(a, b)| Some(a * b)).collect();
    let run = |errors: Errors| {
        let options = TwfeOptions { errors, ..TwfeOptions::default() };
        did_twfe(&PanelRows::new(&y, &unit, &time), &treated, &options)
    };
    let (ours, balanced) = (run(Errors::Cluster).effect, &theirs["balanced_twfe_cluster"]);
    ensure!(ours.n_obs as f64 == given(balanced, "n_obs")?);
    within(CLOSED, "balanced", ours.estimate, balanced["coef"].as_f64())?;
    within(CLOSED, "balanced error", ours.std_error, balanced["se"].as_f64())?;
    within(CLOSED, "balanced p", ours.p_value, balanced["p"].as_f64())?;
    // With two times, rows of one variance give the t-test of the changes with pooled variance.
    let (ours, pooled) = (run(Errors::Iid), &theirs["collapsed_diff"]["pooled"]);
    same_test("pooled", &ours.effect, pooled)?;
    within(CLOSED, "pooled df", ours.df, pooled["df"].as_f64())?;
    // And the bias-reduced error is that of Welch.
    let t = theirs["collapsed_diff"]["welch"]["t"].as_f64();
    within(CLOSED, "CR2", run(Errors::Cr2).effect.statistic, t)
}

fn same_test(what: &str, ours: &Effect, theirs: &Value) -> Result<()> {
    within(CLOSED, &format!("{what} t"), ours.statistic, theirs["t"].as_f64())?;
    within(CLOSED, &format!("{what} p"), ours.p_value, theirs["p"].as_f64())?;
    let [low, high] = limits(&theirs["ci"]);
    within(CLOSED, &format!("{what} low"), ours.conf_low, low)?;
    within(CLOSED, &format!("{what} high"), ours.conf_high, high)
}

fn unit_rows(ids: &[&str], id: &str) -> usize {
    ids.iter().filter(|other| **other == id).count()
}
