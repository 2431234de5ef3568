//! Weights, gaps, missing periods, always-treated units, limits on event time: the panel of
//! `mpdta.csv` changed by rule, and what Python's moderndid says of it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use opeka_stats::{
    AttAggregateOptions, AttAggregation, AttBase, AttControl, AttGaps, AttGtOptions, AttMethod,
    EffectAt, Labels, PanelRows, att_aggregate, att_gt,
};

use crate::support::{ITERATIVE, Table, within};

/// The panel, changed.
struct Variant {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    first: Vec<Option<f64>>,
    covariate: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl Variant {
    fn new(table: &Table, name: &str) -> Result<Self> {
        let number = |column: &str| table.column(column);
        let (county, year, first) =
            (number("countyreal")?, number("year")?, number("first.treat")?);
        let (y, population) = (number("lemp")?, number("lpop")?);
        let kept = |row: &usize| match name {
            "gaps" | "gaps_weighted" | "gaps_dropped" => {
                (county[*row] * 31.0 + year[*row]) % 17.0 != 0.0
            }
            "sparse" => year[*row] != 2005.0,
            "no_never" => first[*row] > 0.0,
            _ => true,
        };
        let rows: Vec<usize> = (0..y.len()).filter(kept).collect();
        ensure!(!rows.is_empty(), "no rows");
        let take = |value: &dyn Fn(usize) -> f64| rows.iter().map(|row| value(*row)).collect();
        let names: Vec<String> = rows.iter().map(|row| county[*row].to_string()).collect();
        let of = |row: &usize| match first[*row] {
            2004.0 if name == "early" => Some(2003.0),
            0.0 => None,
            first => Some(first),
        };
        let weighted = matches!(name, "weighted" | "gaps_weighted");
        Ok(Self {
            y: take(&|row| y[row]),
            unit: Labels::new(&names),
            time: take(&|row| year[row]),
            first: rows.iter().map(of).collect(),
            covariate: take(&|row| {
                population[row] + 0.01 * ((county[row] * 7.0 + year[row] * 13.0) % 19.0)
            }),
            weights: weighted.then(|| take(&|row| population[row])),
        })
    }
}

fn ask(table: &Table, row: &csv::StringRecord, panel: &Variant) -> Result<Vec<EffectAt>> {
    let text = |column: &str| table.text(row, column);
    let limit = |column: &str| -> Result<Option<f64>> {
        let text = text(column)?;
        Ok(if text.is_empty() { None } else { Some(text.parse()?) })
    };
    let options = AttGtOptions {
        method: match text("method")? {
            "reg" => AttMethod::Regression,
            "ipw" => AttMethod::InverseProbability,
            _ => AttMethod::DoublyRobust,
        },
        control: match text("control")? {
            "never_treated" => AttControl::NeverTreated,
            _ => AttControl::NotYetTreated,
        },
        base_period: match text("base_period")? {
            "varying" => AttBase::Varying,
            _ => AttBase::Universal,
        },
        gaps: if text("variant")? == "gaps_dropped" { AttGaps::Drop } else { AttGaps::Keep },
        anticipation: table.number(row, "anticipation")?,
        ..AttGtOptions::default()
    };
    let covariates: [&[f64]; 1] = [&panel.covariate];
    let rows = PanelRows {
        covariates: if text("covariates")?.is_empty() { &[] } else { &covariates },
        weights: panel.weights.as_deref(),
        ..PanelRows::new(&panel.y, &panel.unit, &panel.time)
    };
    let aggregation = match text("aggregation")? {
        "" => return Ok(att_gt(&rows, &panel.first, None, &options).effects),
        "simple" => AttAggregation::Simple,
        "dynamic" => AttAggregation::Dynamic,
        "group" => AttAggregation::Group,
        _ => AttAggregation::Calendar,
    };
    let options = AttAggregateOptions {
        att_gt: options,
        aggregation,
        min_event_time: limit("min_e")?,
        max_event_time: limit("max_e")?,
        balance: limit("balance")?,
        leave_out_missing: false,
    };
    Ok(att_aggregate(&rows, &panel.first, None, &options).effects)
}

pub(super) fn compare(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("mpdta.csv"))?;
    let answers = Table::open(&folder.join("att_gt_variants.csv"))?;
    let mut last: Option<(Vec<String>, Vec<EffectAt>)> = None;
    let mut lines = 0;
    for row in &answers.rows {
        let key: Vec<String> = row.iter().take(10).map(str::to_owned).collect();
        if last.as_ref().is_none_or(|(known, _)| *known != key) {
            let panel = Variant::new(&table, answers.text(row, "variant")?)?;
            last = Some((key.clone(), ask(&answers, row, &panel)?));
            lines = 0;
        }
        let (_, effects) = last.as_ref().context("no effects")?;
        let term = answers.text(row, "term")?;
        let what = format!("{key:?} {term}");
        let line = effects.iter().find(|line| line.effect.term == term);
        let effect = &line.with_context(|| format!("{what} is not there: {effects:?}"))?.effect;
        lines += 1;
        ensure!(lines <= effects.len(), "{what}: more lines than effects");
        let expected = answers.number(row, "estimate")?;
        within(ITERATIVE, &what, effect.estimate, Some(expected))?;
        let error = answers.text(row, "std_error")?;
        let error = if error.is_empty() { None } else { Some(error.parse()?) };
        within(ITERATIVE, &what, effect.std_error, error)?;
    }
    Ok(())
}
