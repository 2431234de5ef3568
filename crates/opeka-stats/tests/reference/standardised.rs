//! Standardised rates: PHEindicatormethods, epitools.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use opeka_stats::{Dsr, DsrLimits, dsr, isr};

use crate::rates::{same_both_limits, same_estimate, same_method};
use crate::support::{Table, answers, carried, given, rows, same, trial};

pub(crate) fn trials(reference: Option<&Path>) -> Vec<Trial> {
    let carried = carried();
    vec![
        trial("carried::dsr", Some(&carried), carried_dsr),
        trial("carried::isr", Some(&carried), carried_isr),
        trial("rates_dsr_multiarea", reference, multiarea),
        trial("rates_dsr_fayfeuer", reference, fay_feuer),
        trial("rates_israte", reference, israte),
    ]
}

/// The age bands of one area; a count that is missing is `NaN`.
struct Bands {
    count: Vec<f64>,
    pop: Vec<f64>,
    standard: Vec<f64>,
}

impl Bands {
    fn read(path: &Path, area: &str) -> Result<Self> {
        let table = Table::open(path)?;
        let mut bands = Self { count: Vec::new(), pop: Vec::new(), standard: Vec::new() };
        for row in &table.rows {
            if table.text(row, "area")? == area {
                bands.count.push(match table.text(row, "count")? {
                    "" => f64::NAN,
                    _ => table.number(row, "count")?,
                });
                bands.pop.push(table.number(row, "pop")?);
                bands.standard.push(table.number(row, "esp2013").unwrap_or(f64::NAN));
            }
        }
        ensure!(bands.count.len() == 19, "{area} has {} age bands", bands.count.len());
        Ok(bands)
    }

    fn dsr(&self, multiplier: f64, limits: DsrLimits) -> Dsr {
        dsr(&self.count, &self.pop, &self.standard, None, multiplier, 0.95, limits)
    }
}

fn multiarea(folder: &Path) -> Result<()> {
    for theirs in rows(&answers(folder, "rates_dsr_multiarea")?["run"])? {
        let area = theirs["area"].as_str().context("no area")?;
        let bands = Bands::read(&folder.join("data/phe_test_multiarea_esp.csv"), area)?;
        let ours = bands.dsr(1e5, DsrLimits::Dobson);
        same_both_limits(area, &ours.rate, theirs)?;
        if ours.rate.reason.is_none() {
            same(area, ours.events, Some(given(theirs, "total_count")?))?;
            same(area, ours.population, Some(given(theirs, "total_pop")?))?;
            ensure!(ours.rate.method == theirs["method"].as_str(), "{:?}", ours.rate.method);
        }
    }
    // A count of `testdata_tiny` is missing. The package takes it for zero, and withholds the
    // rate of fewer than 10 events; a missing count is no count, so that ours is missing for that
    // reason, and with a zero in its place for theirs.
    let path = folder.join("data/phe_test_multiarea_esp.csv");
    let mut tiny = Bands::read(&path, "testdata_tiny")?;
    let reason = |ours: Dsr| ours.rate.reason.map(|reason| reason.to_string()).unwrap_or_default();
    ensure!(reason(tiny.dsr(1e5, DsrLimits::Dobson)).contains("events is NaN"), "not missing");
    zero_for_missing(&mut tiny.count);
    ensure!(reason(tiny.dsr(1e5, DsrLimits::Dobson)).contains("there are 9 events"), "not few");
    Ok(())
}

fn zero_for_missing(counts: &mut [f64]) {
    for count in counts.iter_mut().filter(|count| count.is_nan()) {
        *count = 0.0;
    }
}

fn fay_feuer(folder: &Path) -> Result<()> {
    let answers = answers(folder, "rates_dsr_fayfeuer")?;
    for area in ["testdata_big", "testdata_small", "testdata_tiny"] {
        let theirs = &answers[area];
        let bands = Bands::read(&folder.join("data/phe_test_multiarea_esp.csv"), area)?;
        let ours = bands.dsr(1.0, DsrLimits::Gamma);
        let limits = ["adj.rate", "lci", "uci"].map(|key| theirs[key].as_f64());
        same_estimate(area, &ours.rate, limits)?;
        let crude =
            ours.events.zip(ours.population).map(|(events, population)| events / population);
        same(&format!("{area}: crude"), crude, theirs["crude.rate"].as_f64())?;
    }
    Ok(())
}

fn israte(folder: &Path) -> Result<()> {
    let answers = answers(folder, "rates_israte")?;
    let column = |key: &str| -> Result<Vec<f64>> {
        rows(&answers["reference"])?.iter().map(|row| given(row, key)).collect()
    };
    let (refcount, refpop) = (column("refcount")?, column("refpop")?);
    for theirs in rows(&answers["run"])? {
        let area = theirs["area"].as_str().context("no area")?;
        let mut bands = Bands::read(&folder.join("data/phe_test_multiarea.csv"), area)?;
        zero_for_missing(&mut bands.count);
        let reference = refcount.iter().zip(&refpop).map(|(count, pop)| count / pop);
        let expected: Vec<f64> =
            bands.pop.iter().zip(reference).map(|(n, rate)| n * rate).collect();
        let reference_rate = refcount.iter().sum::<f64>() / refpop.iter().sum::<f64>() * 1e5;
        same(area, Some(reference_rate), theirs["ref_rate"].as_f64())?;

        let ours = isr(&bands.count, &expected, 0.95, Some(reference_rate));
        same(area, ours.observed, theirs["observed"].as_f64())?;
        same(area, ours.expected, theirs["expected"].as_f64())?;
        same_both_limits(area, &ours.ratio, theirs)?;
        same_method(area, &ours.ratio, theirs["method"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn carried_dsr(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("dsr.csv"))?;
    for row in &table.rows {
        let what = format!("{row:?}");
        let bands = Bands::read(&folder.join("age_bands.csv"), table.text(row, "area")?)?;
        let limits = DsrLimits::parse(table.text(row, "limits")?)
            .map_err(|reason| anyhow::anyhow!("{reason}"))?;
        let ours = bands.dsr(table.number(row, "multiplier")?, limits).rate;
        same_estimate(&what, &ours, table.limits(row)?)?;
        if limits == DsrLimits::Dobson {
            same(&what, ours.conf_low_998, Some(table.number(row, "conf_low_998")?))?;
            same(&what, ours.conf_high_998, Some(table.number(row, "conf_high_998")?))?;
        }
    }
    Ok(())
}

fn carried_isr(folder: &Path) -> Result<()> {
    let table = Table::open(&folder.join("isr.csv"))?;
    for row in &table.rows {
        let number = |column| table.number(row, column);
        let what = format!("{row:?}");
        let rate = Some(number("reference_rate")?);
        let ours = isr(&[number("observed")?], &[number("expected")?], 0.95, rate).ratio;
        same_estimate(&what, &ours, table.limits(row)?)?;
        same(&what, ours.conf_low_998, Some(number("conf_low_998")?))?;
        same(&what, ours.conf_high_998, Some(number("conf_high_998")?))?;
        same_method(&what, &ours, table.text(row, "method")?)?;
    }
    Ok(())
}
