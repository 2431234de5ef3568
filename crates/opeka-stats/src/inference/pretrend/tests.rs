use super::*;
use crate::effect::labels::Labels;
use crate::testing::{assert_close, reason};

/// Treated and other units, times 1 to 4, treatment from 4 on; the outcomes are pseudo-random.
fn run(
    n_treated: usize,
    n_others: usize,
    options: &EventStudyOptions,
    distribution: WaldDistribution,
) -> (PretrendTest, EventStudy) {
    let mut names = Vec::new();
    let (mut y, mut time, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for unit in 0..n_treated + n_others {
        for period in 1..=4 {
            names.push(unit.to_string());
            time.push(f64::from(period));
            y.push(((unit * 7 + period as usize * 5) * 37 % 101) as f64);
            first.push((unit < n_treated).then_some(4.0));
        }
    }
    let unit = Labels::new(&names);
    let rows = PanelRows::new(&y, &unit, &time);
    (
        pretrend_test(&rows, &first, None, options, distribution),
        event_study(&rows, &first, None, options),
    )
}

#[test]
fn one_lead_is_its_t() {
    let options = EventStudyOptions { leads: Some(2.0), ..EventStudyOptions::default() };
    let (test, study) = run(12, 12, &options, WaldDistribution::F);
    let lead = &study.terms[0].effect;
    let t = lead.statistic.unwrap();
    assert_close(test.statistic.unwrap(), t * t, 1e-12);
    assert_close(test.p_value.unwrap(), lead.p_value.unwrap(), 1e-10);
    assert_eq!((test.df, test.df_residual, test.note), (Some(1.0), Some(23.0), None));
}

#[test]
fn distributions_share_their_statistic() {
    let options = EventStudyOptions::default();
    let f = run(12, 12, &options, WaldDistribution::F).0;
    let rows = run(12, 12, &options, WaldDistribution::FResidual).0;
    let chi = run(12, 12, &options, WaldDistribution::ChiSquared).0;
    assert_eq!(f.statistic, rows.statistic);
    assert_close(chi.statistic.unwrap(), 2.0 * f.statistic.unwrap(), 1e-14);
    assert!(chi.p_value < rows.p_value && rows.p_value < f.p_value);
    // 96 rows, 3 event times, 24 units and 4 times.
    assert_eq!((rows.df_residual, chi.df_residual), (Some(96.0 - 30.0), None));
}

#[test]
fn few_treated_units_are_told() {
    let options = EventStudyOptions::default();
    let test = run(3, 12, &options, WaldDistribution::F).0;
    assert!(test.p_value.is_some());
    assert!(test.note.unwrap().contains("3 treated units: the test rejects too often"));
    let test = run(1, 12, &options, WaldDistribution::F).0;
    assert_eq!(test.p_value, None);
    assert!(reason(test.reason).contains("event time -3 has one treated unit"));
}

#[test]
fn faults_are_named() {
    let default = EventStudyOptions::default();
    let text = |n_treated, n_others, options: &EventStudyOptions| {
        reason(run(n_treated, n_others, options, WaldDistribution::F).0.reason)
    };
    assert!(text(0, 12, &default).contains("no unit is ever treated"));
    let no_leads = EventStudyOptions { leads: Some(1.0), ..default };
    assert!(text(12, 12, &no_leads).contains("no event time to test"));
    assert!(text(12, 1, &default).contains("there is no covariance: with one unit"));
    // Two leads and two clusters.
    let y = [1.0, 2.0, 4.0, 3.0, 5.0, 1.0, 2.0, 2.0, 7.0, 1.0, 0.0, 3.0, 3.0, 8.0, 1.0, 5.0];
    let time: Vec<f64> = (0..16).map(|row| f64::from(row % 4)).collect();
    let unit = Labels::new(&(0..16).map(|row| (row / 4).to_string()).collect::<Vec<_>>());
    let cluster = Labels::new(&(0..16).map(|row| (row / 4 % 2).to_string()).collect::<Vec<_>>());
    let first: Vec<Option<f64>> = (0..16).map(|row| (row < 8).then_some(3.0)).collect();
    let rows = PanelRows { cluster: Some(&cluster), ..PanelRows::new(&y, &unit, &time) };
    let test = pretrend_test(&rows, &first, None, &default, WaldDistribution::F);
    assert!(reason(test.reason).contains("singular"));
}
