//! Synthetic controls: exact simplex least squares, R's Synth and augsynth.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{
    Labels, PanelRows, SyntheticControl, SyntheticControlOptions, synthetic_control,
};
use serde_json::Value;

use crate::support::{Table, answers, given, rows, trial, within};

/// The reference solver's own accuracy: a unique optimum.
const OPTIMUM: f64 = 1e-6;

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    vec![
        trial("sc_outcomes_prop99", reference, |folder| {
            outcomes_only(folder, "sc_outcomes_prop99", &Panel::prop99(folder)?, "California")
        }),
        trial("sc_outcomes_kansas", reference, |folder| {
            outcomes_only(folder, "sc_outcomes_kansas", &Panel::kansas(folder)?, "Kansas")
        }),
        trial("synth_prop99_abadie", reference, prop99_predictors),
    ]
}

/// Outcomes of areas, and whether a row is treated.
pub(crate) struct Panel {
    pub(crate) y: Vec<f64>,
    pub(crate) unit: Labels,
    pub(crate) time: Vec<f64>,
    pub(crate) treated: Vec<Option<f64>>,
}

impl Panel {
    fn read(path: &Path, [unit, time, y]: [&str; 3], who: &str, from: f64) -> Result<Self> {
        let table = Table::open(path)?;
        let names =
            table.rows.iter().map(|row| table.text(row, unit)).collect::<Result<Vec<_>>>()?;
        let time = table.column(time)?;
        let treated = names
            .iter()
            .zip(&time)
            .map(|(name, time)| Some(f64::from(u8::from(*name == who && *time >= from))));
        let treated = treated.collect();
        Ok(Self { y: table.column(y)?, unit: Labels::new(&names), time, treated })
    }

    pub(crate) fn prop99(folder: &Path) -> Result<Self> {
        let path = folder.join("data/prop99_synthdid.csv");
        Self::read(&path, ["State", "Year", "PacksPerCapita"], "California", 1989.0)
    }

    pub(crate) fn kansas(folder: &Path) -> Result<Self> {
        let path = folder.join("data/kansas.csv");
        Self::read(&path, ["state", "year_qtr", "lngdpcapita"], "Kansas", 2012.25)
    }

    pub(crate) fn rows(&self) -> PanelRows<'_> {
        PanelRows::new(&self.y, &self.unit, &self.time)
    }
}

/// Equal within `tolerance` of `scale`, where figures may be near zero.
fn near(tolerance: f64, scale: f64, what: &str, actual: f64, expected: f64) -> Result<()> {
    let difference = (actual - expected).abs();
    ensure!(difference <= tolerance * scale, "{what}: {actual} is not {expected}");
    Ok(())
}

/// Weights, gaps and both placebo tests. −19.5 packs for Proposition 99.
fn outcomes_only(folder: &Path, name: &str, panel: &Panel, who: &str) -> Result<()> {
    let theirs = answers(folder, name)?;
    for (variant, treated_as_donors) in
        [("placebo_treated_excluded_from_donors", false), ("placebo_treated_in_donors", true)]
    {
        let options = SyntheticControlOptions { treated_as_donors, ..Default::default() };
        let ours = synthetic_control(&panel.rows(), &panel.treated, &options);
        within(OPTIMUM, "att", ours.effect.estimate, Some(given(&theirs, "att")?))?;
        within(OPTIMUM, "pre", ours.pre_rmspe, Some(given(&theirs, "pre_rmspe")?))?;
        for weight in &ours.weights {
            near(
                OPTIMUM,
                1.0,
                &weight.unit,
                weight.weight,
                given(&theirs["weights"], &weight.unit)?,
            )?;
        }
        same_gaps(OPTIMUM, &ours, &theirs["gaps"])?;
        placebo_test(&ours, &theirs[variant], who)?;
    }
    Ok(())
}

fn same_gaps(tolerance: f64, ours: &SyntheticControl, theirs: &Value) -> Result<()> {
    let theirs = rows(theirs)?;
    ensure!(theirs.len() == ours.path.len(), "{} periods", ours.path.len());
    let scale = ours.post_rmspe.context("no errors")?;
    for (point, gap) in ours.path.iter().zip(theirs) {
        near(tolerance, scale, &format!("{point:?}"), point.gap, gap.as_f64().context("no gap")?)?;
    }
    Ok(())
}

fn placebo_test(ours: &SyntheticControl, theirs: &Value, who: &str) -> Result<()> {
    within(1e-12, "p", ours.effect.p_value, Some(given(theirs, "p_rank")?))?;
    ensure!(
        ours.rank.map(|rank| rank as f64) == theirs["rank_treated"].as_f64(),
        "{:?}",
        ours.rank
    );
    for (place, unit) in rows(&theirs["units"])?.iter().enumerate() {
        let unit = unit.as_str().context("no name")?;
        let (pre, post, ratio) = if unit == who {
            (ours.pre_rmspe, ours.post_rmspe, ours.rmspe_ratio)
        } else {
            let placebo = ours.placebos.iter().find(|placebo| placebo.unit == unit);
            let placebo = placebo.with_context(|| format!("no placebo {unit}"))?;
            (placebo.pre_rmspe, placebo.post_rmspe, placebo.rmspe_ratio)
        };
        within(OPTIMUM, unit, pre, theirs["pre_rmspe"][place].as_f64())?;
        within(OPTIMUM, unit, post, theirs["post_rmspe"][place].as_f64())?;
        within(OPTIMUM, unit, ratio, theirs["ratio"][place].as_f64())?;
    }
    Ok(())
}

fn prop99_predictors(folder: &Path) -> Result<()> {
    let theirs = answers(folder, "synth_prop99_abadie")?;
    let path = folder.join("data/prop99_abadie_outcome.csv");
    let panel = Panel::read(&path, ["state", "year", "cigsale"], "California", 1989.0)?;
    let table = Table::open(&path)?;
    let of_state = Table::open(&folder.join("data/prop99_abadie_predictors.csv"))?;
    let mut columns = Vec::new();
    for name in ["lnincome", "retprice", "age15_24", "beer"] {
        let mut column = Vec::new();
        for row in &table.rows {
            let state = table.text(row, "state")?;
            let found =
                of_state.rows.iter().find(|r| of_state.text(r, "state").ok() == Some(state));
            column.push(of_state.number(found.with_context(|| format!("no {state}"))?, name)?);
        }
        columns.push(column);
    }
    let covariates: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let rows_with = PanelRows { covariates: &covariates, ..panel.rows() };
    let outcome_times = [1988.0, 1980.0, 1975.0];
    let options = SyntheticControlOptions { outcome_times: &outcome_times, ..Default::default() };
    let names = [
        "lnincome",
        "retprice",
        "age15_24",
        "beer",
        "cigsale_1988",
        "cigsale_1980",
        "cigsale_1975",
    ];

    // Given the weights of predictors, the weights of donors are unique.
    for fit in ["equal_v", "bfgs", "nm_bfgs_tight_ipop"] {
        let theirs = &theirs[fit];
        let v = names.iter().map(|name| given(&theirs["v"], name)).collect::<Result<Vec<_>>>()?;
        let given_v = SyntheticControlOptions {
            predictor_weights: Some(&v),
            placebos: false,
            ..options.clone()
        };
        let ours = synthetic_control(&rows_with, &panel.treated, &given_v);
        let worst = ours
            .path
            .iter()
            .zip(rows(&theirs["gap"])?)
            .map(|(p, g)| (p.gap - g.as_f64().unwrap()).abs())
            .fold(0.0, f64::max);
        println!("{fit} {worst} {:?} {:?}", ours.pre_rmspe.map(|x| x * x), theirs["loss_v"]);
        println!(
            "   {:?}",
            ours.weights
                .iter()
                .map(|w| (w.weight - theirs["w"][&w.unit].as_f64().unwrap()).abs())
                .fold(0.0, f64::max)
        );
    }
    let t = std::time::Instant::now();
    let ours = synthetic_control(&rows_with, &panel.treated, &options);
    println!("{:?}", t.elapsed());
    let t = std::time::Instant::now();
    let p = Panel::prop99(folder)?;
    for _ in 0..20 {
        synthetic_control(&p.rows(), &p.treated, &SyntheticControlOptions::default());
    }
    println!("outcomes all {:?}", t.elapsed() / 20);
    Ok(())
}
