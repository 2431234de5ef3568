use super::*;
use crate::effect::labels::Labels;
use crate::its::options::ItsOptions;
use crate::its::segmented::its;
use crate::random::Random;
use crate::testing::{assert_close, reason};

struct Data {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    treated: Vec<Option<f64>>,
}

/// Two treated and three other areas over so many years, treated from 2000 + `first`.
fn data(n: usize, first: usize, seed: u64) -> Data {
    let mut random = Random::new(seed, 0);
    let names = ["a", "b", "c", "d", "e"];
    let (mut y, mut unit, mut time, mut treated) = (vec![], vec![], vec![], vec![]);
    for (u, name) in names.iter().enumerate() {
        for t in 0..n {
            let post = u < 2 && t >= first;
            unit.push(*name);
            time.push(2000.0 + t as f64);
            treated.push(Some(if post { 1.0 } else { 0.0 }));
            let effect = if post { -4.0 } else { 0.0 };
            y.push(30.0 + u as f64 + 0.5 * t as f64 + effect + random.normal());
        }
    }
    Data { y, unit: Labels::new(&unit), time, treated }
}

fn run(data: &Data, options: &ControlledItsOptions) -> ControlledIts {
    controlled_its(&PanelRows::new(&data.y, &data.unit, &data.time), &data.treated, options)
}

/// Fully crossed, each series has its own regression; the differences are those of the difference.
#[test]
fn coefficients_are_those_of_each_series_and_of_their_difference() {
    let (n, first) = (16, 8);
    let data = data(n, first, 1);
    let found = run(&data, &ControlledItsOptions::default());
    let mean = |units: std::ops::Range<usize>, t: usize| {
        let k = units.len() as f64;
        units.map(|u| data.y[u * n + t]).sum::<f64>() / k
    };
    let time: Vec<f64> = (0..n).map(|t| 2000.0 + t as f64).collect();
    let after: Vec<Option<f64>> = (0..n).map(|t| Some(if t < first { 0.0 } else { 1.0 })).collect();
    let controls: Vec<f64> = (0..n).map(|t| mean(2..5, t)).collect();
    let gap: Vec<f64> = (0..n).map(|t| mean(0..2, t) - mean(2..5, t)).collect();
    let alone = its(&controls, &time, &after, &ItsOptions::default());
    let difference = its(&gap, &time, &after, &ItsOptions::default());
    for j in 0..4 {
        assert_close(found.terms[j].estimate.unwrap(), alone.terms[j].estimate.unwrap(), 1e-9);
        let differs = difference.terms[j].estimate.unwrap();
        assert_close(found.terms[4 + j].estimate.unwrap(), differs, 1e-8);
    }
    // Without the factor for few points, errors within a series are those of the series.
    let plain = ControlledItsOptions { small_sample: false, ..ControlledItsOptions::default() };
    let ours = run(&data, &plain);
    let theirs =
        its(&controls, &time, &after, &ItsOptions { small_sample: false, ..Default::default() });
    assert_eq!(ours.lag, theirs.lag);
    for j in 0..4 {
        assert_close(ours.terms[j].std_error.unwrap(), theirs.terms[j].std_error.unwrap(), 1e-8);
    }
    assert_close(found.cumulative.estimate.unwrap(), difference.cumulative.estimate.unwrap(), 1e-8);
    assert_eq!((found.n_treated, found.n_controls, found.n_obs), (2, 3, 80));
    assert_eq!(found.controls.len(), found.points.len());
    assert_close(found.controls[3], controls[3], 1e-13);
    assert!(found.note.unwrap().contains("the means of 2 treated and 3 other units"));
}

#[test]
fn rows_in_any_order_are_the_same_to_the_bit() {
    let data = data(12, 6, 2);
    let found = run(&data, &ControlledItsOptions::default());
    let mut order: Vec<usize> = (0..data.y.len()).collect();
    Random::new(9, 0).shuffle(&mut order);
    let names: Vec<&str> = order.iter().map(|row| data.unit.name(*row)).collect();
    let mixed = Data {
        y: order.iter().map(|row| data.y[*row]).collect(),
        unit: Labels::new(&names),
        time: order.iter().map(|row| data.time[*row]).collect(),
        treated: order.iter().map(|row| data.treated[*row]).collect(),
    };
    assert_eq!(run(&mixed, &ControlledItsOptions::default()), found);
}

#[test]
fn weights_make_weighted_means() {
    let data = data(12, 6, 3);
    let weights: Vec<f64> = (0..data.y.len()).map(|row| 1.0 + (row / 12) as f64).collect();
    let rows =
        PanelRows { weights: Some(&weights), ..PanelRows::new(&data.y, &data.unit, &data.time) };
    let found = controlled_its(&rows, &data.treated, &ControlledItsOptions::default());
    assert_close(found.points[0].observed, (data.y[0] + 2.0 * data.y[12]) / 3.0, 1e-14);
    let hand = (3.0 * data.y[24] + 4.0 * data.y[36] + 5.0 * data.y[48]) / 12.0;
    assert_close(found.controls[0], hand, 1e-14);
}

#[test]
fn faults_are_named() {
    let why = |data: &Data, options: &ControlledItsOptions| {
        let found = run(data, options);
        assert!(found.terms.is_empty());
        reason(found.reason)
    };
    let plain = ControlledItsOptions::default();
    let with = |change: &dyn Fn(&mut Data)| {
        let mut data = data(10, 5, 4);
        change(&mut data);
        data
    };
    let all = with(&|data| (0..50).for_each(|row| data.treated[row] = data.treated[row % 10]));
    assert!(why(&all, &plain).contains("no controls"));
    let none = with(&|data| data.treated.fill(Some(0.0)));
    assert!(why(&none, &plain).contains("no unit is treated"));
    let stagger = with(&|data| data.treated[5] = Some(0.0));
    assert!(why(&stagger, &plain).contains("begins in 2005 for some units and in 2006"));
    let late =
        with(&|data| (0..20).for_each(|row| data.treated[row] = Some(f64::from(row % 10 == 9))));
    assert!(why(&late, &plain).contains("1 point from the intervention on"));
    let gap = with(&|data| {
        (0..50).filter(|row| row % 10 == 9).for_each(|row| data.time[row] += 1.0);
    });
    assert!(why(&gap, &plain).contains("between 2008 and 2010"));
    let plain_errors = ControlledItsOptions { errors: ItsErrors::Model, ..plain.clone() };
    assert!(run(&gap, &plain_errors).note.unwrap().contains("true spacing"));
    let odd = with(&|data| data.time[3] = 1990.0);
    assert!(why(&odd, &plain).contains("has no row for"));
    let leaning = ControlledItsOptions { errors: ItsErrors::Ar1, ..plain.clone() };
    assert!(why(&with(&|_| {}), &leaning).contains("for one series"));
    let unknown = with(&|data| data.treated[45] = None);
    let found = run(&unknown, &plain);
    assert!(found.note.unwrap().starts_with("e left out"));
    assert_eq!(found.n_controls, 2);
}
