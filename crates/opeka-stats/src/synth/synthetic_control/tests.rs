use super::*;
use crate::Labels;
use crate::random::Random;
use crate::testing::{assert_close, reason};

/// Outcomes by unit, in the order of time from 2001 on; treated units and when.
struct Made {
    y: Vec<f64>,
    unit: Vec<String>,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

impl Made {
    fn new(units: &[(&str, &[f64])], treated: &[(&str, f64)]) -> Self {
        let mut made =
            Self { y: Vec::new(), unit: Vec::new(), time: Vec::new(), treated: Vec::new() };
        for (name, series) in units {
            let from = treated.iter().find(|(who, _)| who == name).map(|(_, from)| *from);
            for (t, y) in series.iter().enumerate() {
                let time = 2001.0 + t as f64;
                made.y.push(*y);
                made.unit.push((*name).to_owned());
                made.time.push(time);
                made.treated.push(Some(f64::from(u8::from(from.is_some_and(|from| time >= from)))));
            }
        }
        made
    }

    fn run(&self, options: &SyntheticControlOptions<'_>) -> SyntheticControl {
        let unit = Labels::new(&self.unit);
        synthetic_control(&PanelRows::new(&self.y, &unit, &self.time), &self.treated, options)
    }

    fn plain(&self) -> SyntheticControl {
        self.run(&SyntheticControlOptions::default())
    }

    fn reason(&self) -> String {
        reason(self.plain().effect.reason)
    }

    fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.y.len()).collect();
        Random::new(seed, 0).shuffle(&mut order);
        Self {
            y: order.iter().map(|row| self.y[*row]).collect(),
            unit: order.iter().map(|row| self.unit[*row].clone()).collect(),
            time: order.iter().map(|row| self.time[*row]).collect(),
            treated: order.iter().map(|row| self.treated[*row]).collect(),
        }
    }
}

/// `a` is the mean of `b` and `c` before 2004, and four less from then on.
fn halves() -> Made {
    Made::new(
        &[
            ("a", &[3.0, 5.0, 5.5, 2.0, 4.0]),
            ("b", &[2.0, 4.0, 5.0, 6.0, 7.0]),
            ("c", &[4.0, 6.0, 6.0, 6.0, 9.0]),
            ("d", &[9.0, 1.0, 8.0, 2.0, 7.0]),
        ],
        &[("a", 2004.0)],
    )
}

fn drawn(seed: u64, n_units: usize, n_times: usize, treated: &[(&str, f64)]) -> Made {
    let mut random = Random::new(seed, 0);
    let names: Vec<String> = (0..n_units).map(|unit| format!("u{unit:02}")).collect();
    let series: Vec<Vec<f64>> = (0..n_units)
        .map(|_| {
            let (level, slope) = (10.0 * random.normal(), random.normal());
            (0..n_times).map(|t| level + slope * t as f64 + random.normal()).collect()
        })
        .collect();
    let units: Vec<(&str, &[f64])> =
        names.iter().zip(&series).map(|(name, series)| (name.as_str(), &series[..])).collect();
    Made::new(&units, treated)
}

#[test]
fn a_half_of_each_by_hand() {
    let found = halves().plain();
    let weights: Vec<f64> = found.weights.iter().map(|w| w.weight).collect();
    for (weight, expected) in weights.iter().zip([0.5, 0.5, 0.0]) {
        assert!((weight - expected).abs() < 1e-10, "{weights:?}");
    }
    assert_close(found.effect.estimate.unwrap(), -4.0, 1e-10);
    assert_close(found.post_rmspe.unwrap(), 4.0, 1e-10);
    assert_eq!(found.path.len(), 5);
    assert_eq!((found.path[3].time, found.path[3].event_time), (Some(2004.0), 0.0));
    assert_close(found.path[3].synthetic, 6.0, 1e-10);
    // Matched without error: nothing to rank, and it is told.
    assert_eq!((found.rmspe_ratio, found.effect.p_value, found.rank), (None, None, None));
    let note = found.effect.note.unwrap();
    assert!(note.contains("matched without error"), "{note}");
    assert!(note.contains("no standard error"), "{note}");
    assert_eq!(found.effect.std_error, None);
    assert_eq!((found.effect.n_obs, found.effect.n_units), (20, 4));
}

#[test]
fn ranks_count_the_placebos() {
    let found = drawn(3, 9, 12, &[("u04", 2009.0)]).plain();
    assert_eq!((found.n_placebos, found.placebos.len()), (8, 8));
    let ratio = found.rmspe_ratio.unwrap();
    let larger = found.placebos.iter().filter(|p| p.rmspe_ratio.unwrap() >= ratio).count();
    assert_eq!(found.rank, Some(larger + 1));
    assert_close(found.effect.p_value.unwrap(), (larger + 1) as f64 / 9.0, 1e-15);
    let note = found.effect.note.unwrap();
    assert!(note.contains("with 8 placebos no p-value is below 0.111"), "{note}");
    // A placebo is what the donor alone would give without the treated area.
    let alone = drawn(3, 9, 12, &[("u04", 2009.0), ("u00", 2009.0)]);
    let keep: Vec<usize> = (0..alone.y.len()).filter(|row| alone.unit[*row] != "u04").collect();
    let without = Made {
        y: keep.iter().map(|row| alone.y[*row]).collect(),
        unit: keep.iter().map(|row| alone.unit[*row].clone()).collect(),
        time: keep.iter().map(|row| alone.time[*row]).collect(),
        treated: keep.iter().map(|row| alone.treated[*row]).collect(),
    };
    let alone = without.plain();
    assert_eq!(found.placebos[0].unit, "u00");
    assert_close(found.placebos[0].pre_rmspe.unwrap(), alone.pre_rmspe.unwrap(), 1e-9);
    assert_close(found.placebos[0].rmspe_ratio.unwrap(), alone.rmspe_ratio.unwrap(), 1e-9);
}

#[test]
fn neither_order_nor_unit_of_measure_matters() {
    let made = drawn(7, 8, 10, &[("u02", 2007.0)]);
    let found = made.plain();
    for seed in 0..3 {
        assert_eq!(made.shuffled(seed).plain(), found);
    }
    let mut scaled = drawn(7, 8, 10, &[("u02", 2007.0)]);
    // A year in which all are higher, and figures per thousand instead of per cent.
    for (y, time) in scaled.y.iter_mut().zip(&scaled.time) {
        *y = 10.0 * (*y + if *time == 2003.0 { 5.0 } else { 0.0 });
    }
    let scaled = scaled.plain();
    assert_close(scaled.effect.estimate.unwrap(), 10.0 * found.effect.estimate.unwrap(), 1e-8);
    assert_eq!(scaled.effect.p_value, found.effect.p_value);
    for (a, b) in scaled.weights.iter().zip(&found.weights) {
        assert!((a.weight - b.weight).abs() < 1e-9);
    }
}

#[test]
fn areas_treated_together_are_averaged_or_not() {
    let made = drawn(5, 10, 12, &[("u01", 2009.0), ("u02", 2009.0)]);
    let together = made.plain();
    assert_eq!((together.areas.len(), together.path[0].n_units), (1, 2));
    assert_eq!(together.areas[0].unit, "u01, u02");
    // Pairs of eight donors.
    assert_eq!(together.n_placebos, 28);
    assert_eq!(together.placebos[0].unit, "u00, u03");
    let note = together.effect.note.clone().unwrap();
    assert!(note.contains("no standard error for 2 treated units"), "{note}");

    let apart = made.run(&SyntheticControlOptions { separate: true, ..Default::default() });
    assert_eq!(apart.areas.len(), 2);
    let mean = (apart.areas[0].estimate + apart.areas[1].estimate) / 2.0;
    assert_close(apart.effect.estimate.unwrap(), mean, 1e-12);
    // Each with any of eight donors.
    assert_eq!((apart.n_placebos, apart.placebos.len()), (64, 8));
    assert!(apart.path.iter().all(|point| point.time.is_some()));

    // Too many pairs for the draws: the same ones for the same seed.
    let drawn = |seed| {
        made.run(&SyntheticControlOptions { draws: 10, seed, ..Default::default() }).placebos
    };
    assert_eq!(drawn(1).len(), 10);
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn areas_treated_one_after_the_other_have_their_own() {
    let made = drawn(11, 9, 12, &[("u01", 2007.0), ("u05", 2010.0)]);
    let found = made.plain();
    assert_eq!(found.areas.len(), 2);
    assert_eq!((found.areas[0].first_treated, found.areas[1].first_treated), (2007.0, 2010.0));
    let mean = (found.areas[0].estimate + found.areas[1].estimate) / 2.0;
    assert_close(found.effect.estimate.unwrap(), mean, 1e-12);
    // Event times from -9 (of the second) to 5 (of the first).
    let of = |event_time: f64| found.path.iter().find(|p| p.event_time == event_time).unwrap();
    assert_eq!(
        (found.path.len(), of(-9.0).n_units, of(0.0).n_units, of(5.0).n_units),
        (15, 1, 2, 1)
    );
    assert_eq!(of(0.0).time, None);
    // Each of seven donors from each start.
    assert_eq!((found.placebos.len(), found.n_placebos), (14, 49));
    for seed in 0..2 {
        assert_eq!(made.shuffled(seed).plain(), found);
    }
}

#[test]
fn degenerate_panels_have_reasons() {
    let rising: &[f64] = &[1.0, 2.0, 3.0, 4.0];
    let falling: &[f64] = &[4.0, 3.5, 2.0, 1.0];
    let text =
        |units: &[(&str, &[f64])], treated: &[(&str, f64)]| Made::new(units, treated).reason();
    let two: [(&str, &[f64]); 2] = [("a", rising), ("b", falling)];
    assert!(text(&two, &[]).contains("no unit is treated"));
    assert!(text(&two, &[("a", 2003.0), ("b", 2003.0)]).contains("every unit is treated"));
    assert!(text(&two, &[("a", 2001.0)]).contains("a is treated from the first period on"));
    assert!(text(&two, &[("a", 2002.0)]).contains("a has one period before treatment"));
    let gap: [(&str, &[f64]); 3] = [("a", rising), ("b", falling), ("c", &[1.0, 5.0, 2.0])];
    assert!(text(&gap, &[("a", 2003.0)]).contains("c has no row for 2004"));
    let flat: [(&str, &[f64]); 2] = [("a", &[1.0; 4]), ("b", &[1.0; 4])];
    assert!(text(&flat, &[("a", 2003.0)]).contains("the same in every row"));
    let infinite: [(&str, &[f64]); 2] = [("a", rising), ("b", &[1.0, 2.0, f64::INFINITY, 3.0])];
    assert!(text(&infinite, &[("a", 2003.0)]).contains("the outcome is inf"));
    assert!(text(&[("a", &[1.0])], &[("a", 2001.0)]).contains("every unit is treated"));
    assert!(reason(Made::new(&[], &[]).plain().effect.reason).contains("there are no rows"));

    let mut ends = Made::new(&two, &[("a", 2003.0)]);
    ends.treated[3] = Some(0.0);
    assert!(ends.reason().contains("the treatment of a ends in 2004"));
    let options = SyntheticControlOptions { conf_level: 95.0, ..Default::default() };
    assert!(reason(halves().run(&options).effect.reason).contains("conf_level is 95"));
    let mut short = halves();
    short.treated.pop();
    assert!(short.reason().contains("20 outcomes and 19 of treated"));
}

#[test]
fn one_donor_has_all_the_weight_and_no_placebo() {
    let units: [(&str, &[f64]); 2] = [("a", &[1.0, 2.0, 3.0, 9.0]), ("b", &[4.0, 3.5, 2.0, 1.0])];
    let found = Made::new(&units, &[("a", 2003.0)]).plain();
    assert_eq!(found.weights[0].weight, 1.0);
    assert_close(found.effect.estimate.unwrap(), 4.5, 1e-12);
    assert_eq!((found.effect.p_value, found.n_placebos), (None, 0));
    assert!(found.effect.note.unwrap().contains("no p-value: with 1 donor"));
}

#[test]
fn unknown_units_and_gaps_are_left_out_and_told() {
    let mut made = drawn(2, 6, 8, &[("u00", 2006.0)]);
    made.treated[9] = None; // of u01
    let found = made.plain();
    assert_eq!(found.effect.n_units, 5);
    assert!(found.effect.note.unwrap().contains("u01 left out: when it was treated is not known"));

    let mut gap = drawn(2, 6, 8, &[("u00", 2006.0)]);
    for column in [&mut gap.y, &mut gap.time] {
        column.remove(20);
    }
    gap.unit.remove(20);
    gap.treated.remove(20);
    assert!(gap.reason().contains("u02 has no row for 2005"));
    let options = SyntheticControlOptions { leave_out_gaps: true, ..Default::default() };
    let found = gap.run(&options);
    assert_eq!((found.effect.n_units, found.effect.n_obs), (5, 40));
    assert!(found.effect.note.unwrap().contains("u02 left out: there are gaps"));
}

#[test]
fn predictors_are_matched_and_weighed() {
    let made = drawn(9, 10, 14, &[("u03", 2011.0)]);
    let unit = Labels::new(&made.unit);
    let mut random = Random::new(4, 0);
    // Constant over time, and missing in the first year.
    let of_unit: Vec<f64> = (0..10).map(|_| random.normal()).collect();
    let covariate: Vec<f64> = (0..made.y.len())
        .map(|row| if row % 14 == 0 { f64::NAN } else { of_unit[row / 14] })
        .collect();
    let covariates: [&[f64]; 1] = [&covariate];
    let rows = PanelRows { covariates: &covariates, ..PanelRows::new(&made.y, &unit, &made.time) };
    let options = SyntheticControlOptions {
        outcome_times: &[2010.0, 2005.0],
        placebos: false,
        ..Default::default()
    };
    let run =
        |options: &SyntheticControlOptions<'_>| synthetic_control(&rows, &made.treated, options);
    let searched = run(&options);
    let names: Vec<&str> = searched.predictors.iter().map(|p| p.predictor.as_str()).collect();
    assert_eq!(names, ["covariate 1", "outcome of 2010", "outcome of 2005"]);
    assert_close(searched.predictors.iter().map(|p| p.weight).sum(), 1.0, 1e-12);
    assert_close(searched.predictors[0].value, of_unit[3], 1e-12);
    // No weights given by hand are better, and the outcomes alone are matched best.
    let best = searched.pre_rmspe.unwrap();
    for v in [[1.0, 1.0, 1.0], [1e-4, 1.0, 1.0], [1.0, 1e-4, 1.0], [1.0, 1.0, 1e-4]] {
        let given =
            run(&SyntheticControlOptions { predictor_weights: Some(&v), ..options.clone() });
        assert!(given.pre_rmspe.unwrap() >= best - 1e-9, "{v:?}");
    }
    assert!(made.plain().pre_rmspe.unwrap() <= best + 1e-9);

    let text = |options: &SyntheticControlOptions<'_>| reason(run(options).effect.reason);
    let after = SyntheticControlOptions { outcome_times: &[2011.0], ..options.clone() };
    assert!(text(&after).contains("outcome_times has 2011, which is not before treatment"));
    let never = SyntheticControlOptions { outcome_times: &[1999.0], ..options.clone() };
    assert!(text(&never).contains("outcome_times has 1999, which no row has"));
    let few = SyntheticControlOptions { predictor_weights: Some(&[1.0]), ..options.clone() };
    assert!(text(&few).contains("3 predictors and 1 predictor_weights"));
    let zero = SyntheticControlOptions { predictor_weights: Some(&[1.0, 0.0, 1.0]), ..options };
    assert!(text(&zero).contains("a weight of a predictor is 0"));

    let constant = vec![1.0; made.y.len()];
    let covariates: [&[f64]; 1] = [&constant];
    let rows = PanelRows { covariates: &covariates, ..rows.clone() };
    let found = synthetic_control(&rows, &made.treated, &SyntheticControlOptions::default());
    assert!(reason(found.effect.reason).contains("covariate 1 is the same for every donor"));
    let missing: Vec<f64> =
        made.unit.iter().map(|unit| if unit == "u07" { f64::NAN } else { 1.0 }).collect();
    let covariates: [&[f64]; 1] = [&missing];
    let rows = PanelRows { covariates: &covariates, ..rows };
    let found = synthetic_control(&rows, &made.treated, &SyntheticControlOptions::default());
    assert!(reason(found.effect.reason).contains("u07 has no value of covariate 1"));
}
