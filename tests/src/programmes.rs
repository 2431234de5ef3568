//! What the shipped registry is held to, against other ways of saying the same.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use crate::shipped::{block_on, engine};

/// The rows of a query as texts and numbers: those of the last column.
fn rows(sql: &str) -> Vec<(Vec<String>, f64)> {
    let answer = block_on(engine().query(sql, "test", 1)).unwrap();
    let mut rows = Vec::new();
    for batch in &answer.batches {
        let last = batch.num_columns() - 1;
        let numbers = cast(batch.column(last), &DataType::Float64).unwrap();
        let numbers = numbers.as_primitive::<Float64Type>();
        let texts: Vec<_> =
            (0..last).map(|column| cast(batch.column(column), &DataType::Utf8).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let texts = texts.iter().map(|c| c.as_string::<i32>().value(row).to_owned()).collect();
            rows.push((texts, numbers.value(row)));
        }
    }
    rows
}

/// Two-way fixed effects of one start in a panel without gaps is the difference of mean differences.
#[test]
fn effects_of_family_safeguarding_are_differences_of_mean_differences() {
    for claim in ["starting_2017", "looked_after_2017", "protection_plans_2017", "in_need_2017"] {
        let panel = rows(&format!(
            "select ref_area, role, cast(year >= 2018 as varchar), y from programmes.panel \
             where programme = 'family_safeguarding' and claim = '{claim}' \
             and role in ('treated', 'control') and not touched"
        ));
        let mut areas: BTreeMap<(String, String), [Vec<f64>; 2]> = BTreeMap::new();
        for (texts, y) in panel {
            let after = usize::from(texts[2] == "true");
            areas.entry((texts[1].clone(), texts[0].clone())).or_default()[after].push(y);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let change = |role: &str| {
            let of = areas.iter().filter(|((r, _), _)| r == role);
            mean(&of.map(|(_, [before, after])| mean(after) - mean(before)).collect::<Vec<_>>())
        };
        assert_eq!(areas.keys().filter(|(role, _)| role == "treated").count(), 4);
        let expected = change("treated") - change("control");
        let found = rows(&format!(
            "select design, estimate from programmes.effects where programme = 'family_safeguarding' \
             and claim = '{claim}' and design in ('all_areas', 'all_areas_by_size', 'imputation')"
        ));
        assert!(found.len() >= 2, "{found:?}");
        for (design, estimate) in found {
            assert!(
                (estimate - expected).abs() < 1e-9 * expected.abs().max(1.0),
                "{claim} {design:?}: {estimate} and {expected}"
            );
        }
    }
}

/// No adopter, dated or not, stands among the controls of any claim.
#[test]
fn no_area_of_a_programme_is_a_control() {
    let wrong = rows(
        "select p.programme, p.claim, p.ref_area, 0 from programmes.panel p \
         join programmes.sites s on s.ref_area = p.ref_area where p.role = 'control'",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    let hertfordshire =
        rows("select distinct role, 0 from programmes.panel where ref_area = 'E10000015'");
    assert_eq!(hertfordshire, [(vec!["left_out".to_owned()], 0.0)]);
}

/// What the documents say and what they make of it.
#[test]
fn the_arithmetic_of_the_documents_is_redone() {
    let redone = rows(
        "select calculation, cast(agrees as varchar), computed from programmes.arithmetic_audit",
    );
    let said: BTreeMap<&str, (&str, f64)> = redone
        .iter()
        .map(|(texts, computed)| (texts[0].as_str(), (texts[1].as_str(), *computed)))
        .collect();
    let contradictions: Vec<&str> =
        said.iter().filter(|(_, (agrees, _))| *agrees == "false").map(|(name, _)| *name).collect();
    assert_eq!(contradictions, ["kandalaksha_housing_places", "vologda_share_kept"], "{said:?}");
    assert!((said["vologda_share_kept"].1 - 100.0 * 117.0 / 118.0).abs() < 1e-9);
    let kept = rows("select programme, share_low from programmes.retention");
    // Wilson: 117 of 118.
    let (n, p, z): (f64, f64, f64) = (118.0, 117.0 / 118.0, 1.959_963_984_540_054);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    assert!((kept[0].1 - 100.0 * (centre - half)).abs() < 1e-9, "{kept:?}");
    let cost = rows(
        "select unit, unit_cost from programmes.kpi_results where programme = 'active_family_support' \
         and unit in ('families', 'children') and planned is not null and reached is not null order by unit",
    );
    assert_eq!(cost.len(), 2, "{cost:?}");
    assert!((cost[0].1 - 5_937_867.0 / 139.0).abs() < 1e-6, "a child: {cost:?}");
    assert!((cost[1].1 - 5_937_867.0 / 148.0).abs() < 1e-6, "a family: {cost:?}");
}
