//! `bacon`: the comparisons of which the coefficient of two-way effects is made.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{BaconComparison, Reason, bacon};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    PanelColumns, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, Y,
    Y_ARGUMENT, tell,
};
use crate::parameters::{Options, Parameters};
use crate::row::{Column, Many, Row, text};
use crate::rows::Rows;

pub(crate) struct Bacon;

impl Aggregate for Bacon {
    const PARAMETERS: Parameters =
        Parameters { function: "bacon", list: &[Y, UNIT, TIME, TREATED] };
    type Result = Many<BaconComparison>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        Many(
            decompose(rows, options)
                .unwrap_or_else(|reason| vec![BaconComparison::unknown(reason)]),
        )
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn decompose(rows: &Rows, options: &Options) -> Result<Vec<BaconComparison>, Reason> {
    let parameters = &Bacon::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let mut found = panel.with(|rows| bacon(rows, &treated));
    found.iter_mut().for_each(|one| tell(&mut one.note, panel.note.as_ref()));
    Ok(found)
}

impl Row for BaconComparison {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("term", Column::Text(|r| (!r.term.is_empty()).then(|| Cow::from(r.term.as_str())))),
        ("estimate", Column::Number(|r| r.estimate)),
        ("weight", Column::Number(|r| r.weight)),
        ("kind", Column::Text(|r| r.kind.map(Cow::from))),
        ("treated_cohort", Column::Number(|r| r.treated_cohort)),
        ("control_cohort", Column::Number(|r| r.control_cohort)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("n_units", Column::Count(|r| r.n_units)),
        ("note", Column::Text(|r| r.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "What the coefficient of two-way effects (`did_twfe`) compares with what, where treatment \
        begins at different times: all comparisons of two groups, and the weight of each.\n\
        \n\
        **What it estimates.** For each pair of groups that differ in when they are treated, the \
        difference in differences in the window in which one of them changes and the other does \
        not. The estimates times their weights add up to the coefficient, the weights to one. \
        `Later vs Earlier Treated` and `Later vs Always Treated` take treated areas for controls: \
        where effects grow with time these are wrong, and their weight says how much it matters.\n\
        \n\
        **Assumptions.** None: it is arithmetic. That an estimate is an effect takes parallel \
        trends of its two groups and, where the controls are treated, effects that do not change.\n\
        \n\
        **Formula.** Goodman-Bacon (2021), theorem 1. The estimate is (mean after − mean before) of \
        the treated group less that of the control group, over all periods against areas that are \
        never or always treated, over the periods before the control group's treatment for \
        `Earlier vs Later Treated`, and over those from it on for `Later vs Earlier Treated`. \
        Weights are proportional to n_treated n_control × periods before × periods after.\n\
        \n\
        **Returns** a list of structs, in the order of the treated group, and for each from \
        controls that are always treated to those that never are: `term` (`2004 vs 2006`, `2004 vs \
        never`), `estimate` (in units of `y`), `weight`, `kind` (`Treated vs Untreated`, `Earlier \
        vs Later Treated`, `Later vs Earlier Treated`, `Later vs Always Treated`), \
        `treated_cohort`, `control_cohort` (when their treatment begins; NULL for never), `n_obs`, \
        `n_units`, `note`, `reason`. `unnest` makes rows of it.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; an \
        area of which `treated` is not known in some row is left out, and told. One entry with a \
        `reason` where the panel has gaps, a treatment ends, nobody is treated, or all are treated \
        at the same times. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** None known from `bacon(y ~ D, data, id, time)` of R's bacondecomp without \
        covariates, whose numbers these are; it calls a panel balanced whose areas have the same \
        number of different periods, and here that is a gap.\n\
        \n\
        **References.** Goodman-Bacon (2021), Journal of Econometrics 225(2).",
        "bacon(y, unit, time, treated)",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_sql_example(
        "```sql
> select pair['term'] as term, pair['kind'] as kind, round(pair['estimate'], 3) as estimate,
         round(pair['weight'], 4) as weight
  from (select unnest(bacon(column3, column1, column2, column2 >= coalesce(column4, 9))) as pair
        from (values ('a', 1, 10.0, 2), ('a', 2, 14.0, 2), ('a', 3, 16.0, 2),
                     ('b', 1, 11.0, 3), ('b', 2, 12.0, 3), ('b', 3, 19.0, 3),
                     ('c', 1, 9.0, null), ('c', 2, 10.0, null), ('c', 3, 11.0, null)));
+------------+--------------------------+----------+--------+
| term       | kind                     | estimate | weight |
+------------+--------------------------+----------+--------+
| 2 vs 3     | Earlier vs Later Treated | 3.0      | 0.1667 |
| 2 vs never | Treated vs Untreated     | 3.5      | 0.3333 |
| 3 vs 2     | Later vs Earlier Treated | 5.0      | 0.1667 |
| 3 vs never | Treated vs Untreated     | 6.0      | 0.3333 |
+------------+--------------------------+----------+--------+
```",
    )
    .with_related_udf("did_twfe")
    .with_related_udf("sun_abraham")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, items, number, panel_batch, word};
    use arrow::array::ArrayRef;

    fn batch() -> Vec<ArrayRef> {
        panel_batch(&[
            (10.0, "a", 1.0, Some(0.0)),
            (14.0, "a", 2.0, Some(1.0)),
            (16.0, "a", 3.0, Some(1.0)),
            (11.0, "b", 1.0, Some(0.0)),
            (12.0, "b", 2.0, Some(0.0)),
            (19.0, "b", 3.0, Some(1.0)),
            (9.0, "c", 1.0, Some(0.0)),
            (10.0, "c", 2.0, Some(0.0)),
            (11.0, "c", 3.0, Some(0.0)),
        ])
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<Bacon>::new();
        let found = items(&tester.aggregate(&[batch()]));
        let terms: Vec<String> = found.iter().filter_map(|pair| word(pair, "term")).collect();
        assert_eq!(terms, ["2 vs 3", "2 vs never", "3 vs 2", "3 vs never"]);
        let of = |name: &str| -> Vec<f64> {
            let round = |value: f64| (value * 1e4).round() / 1e4;
            found.iter().filter_map(|pair| number(pair, name)).map(round).collect()
        };
        assert_eq!(of("estimate"), [3.0, 3.5, 5.0, 6.0]);
        assert_eq!(of("weight"), [0.1667, 0.3333, 0.1667, 0.3333]);
        assert_eq!(number(&found[1], "control_cohort"), None);
        assert_eq!(word(&found[2], "kind").as_deref(), Some("Later vs Earlier Treated"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 4), (4, 5)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let tester = AggregateTester::<Bacon>::new();
        let [nothing] = &items(&tester.aggregate(&[]))[..] else { panic!("one item") };
        assert!(word(nothing, "reason").unwrap().contains("there are no rows"));
        let gap: Vec<ArrayRef> = batch().iter().map(|column| column.slice(0, 8)).collect();
        let [gap] = &items(&tester.aggregate(&[gap]))[..] else { panic!("one item") };
        assert!(word(gap, "reason").unwrap().contains("c has no row for 3"));
    }
}
