//! `did_2x2`: the difference of differences of four means.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Labels, Reason, TwoByTwo, TwoByTwoErrors, TwoByTwoOptions, did_2x2};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, PanelColumns, UNIT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT,
    effect_columns, tell,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

pub(crate) struct Did2x2;

impl Aggregate for Did2x2 {
    const PARAMETERS: Parameters = Parameters {
        function: "did_2x2",
        list: &[
            Y,
            UNIT,
            ("treated_group", Kind::FlagOrNull),
            ("post", Kind::FlagOrNull),
            WEIGHTS,
            ("errors", Kind::Choice(&["cluster", "iid"])),
            CONF_LEVEL,
        ],
    };
    type Result = TwoByTwo;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        estimate(rows, options).unwrap_or_else(TwoByTwo::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn estimate(rows: &Rows, options: &Options) -> Result<TwoByTwo, Reason> {
    let parameters = &Did2x2::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let group = panel.numbers(parameters, rows, "treated_group");
    let post = panel.numbers(parameters, rows, "post");
    // Rows of which group and period are known.
    let known: Vec<(usize, f64, f64)> = group
        .iter()
        .zip(&post)
        .enumerate()
        .filter_map(|(k, (g, p))| Some((k, (*g)?, (*p)?)))
        .collect();
    let with = TwoByTwoOptions {
        errors: match options.choice("errors") {
            "iid" => TwoByTwoErrors::Iid,
            _ => TwoByTwoErrors::Cluster,
        },
        conf_level: options.number("conf_level"),
    };
    let take = |column: &[f64]| -> Vec<f64> {
        known.iter().filter_map(|(k, _, _)| column.get(*k).copied()).collect()
    };
    let mut result = panel.with(|rows| {
        let unit: Vec<&str> = known.iter().filter_map(|(k, _, _)| rows.unit.get(*k)).collect();
        let group: Vec<f64> = known.iter().map(|row| row.1).collect();
        let post: Vec<f64> = known.iter().map(|row| row.2).collect();
        let weights = rows.weights.map(take);
        did_2x2(&take(rows.y), &Labels::new(&unit), &group, &post, weights.as_deref(), &with)
    });
    let note = match group.len() - known.len() {
        0 => None,
        1 => Some("1 row left out: its group or period is not known".to_owned()),
        n => Some(format!("{n} rows left out: their group or period is not known")),
    };
    tell(&mut result.effect.note, note.as_ref());
    tell(&mut result.effect.note, panel.note.as_ref());
    Ok(result)
}

impl Row for TwoByTwo {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("comparison_before", Column::Number(|r| r.cells.map(|cells| cells[0][0].mean))),
        ("comparison_after", Column::Number(|r| r.cells.map(|cells| cells[0][1].mean))),
        ("treated_before", Column::Number(|r| r.cells.map(|cells| cells[1][0].mean))),
        ("treated_after", Column::Number(|r| r.cells.map(|cells| cells[1][1].mean))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The difference of differences of four means: how much more a treated group changed than a \
        comparison group, from pooled rows. Areas need not be there before and after; repeated \
        surveys will do. With areas that all are, `did_twfe` compares each with itself.\n\
        \n\
        **What it estimates.** The average effect on the treated group after treatment.\n\
        \n\
        **Assumptions.** Without treatment the means of both groups would have moved in parallel; \
        who is in a group does not change because of treatment.\n\
        \n\
        **Formula.** (ȳ₁₁ − ȳ₁₀) − (ȳ₀₁ − ȳ₀₀), the coefficient of group × after in a (weighted) \
        least squares regression on both and their product. Errors by area: CR0 × G/(G − 1) × (N − \
        1)/(N − 4) with Student's t of G − 1 degrees of freedom; 'iid': one variance, N − 4.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error`, `statistic`, `p_value`, \
        `conf_low`, `conf_high`, `n_obs`, `n_units`, `method`, `note`, `reason`, and the means \
        `comparison_before`, `comparison_after`, `treated_before`, `treated_after`.\n\
        \n\
        **Nulls and small samples.** Rows in which `y` or `unit` is NULL are skipped; rows of which \
        group or period is not known are left out, and told. With one area in either group there \
        is no standard error; with two to nine treated areas `note` says that errors are too \
        small. No estimate, with a `reason`, where one of the four means has no rows, the outcome \
        is constant, or an area is in both groups.\n\
        \n\
        **Deviations.** None known: the numbers are those of `lm(y ~ group * after)` in R and of \
        `feols(y ~ group * after, cluster = ~unit)` in fixest.\n\
        \n\
        **References.** Card and Krueger (1994), AER 84(4), table 3; Angrist and Pischke (2009), \
        Mostly Harmless Econometrics, section 5.2.",
        "did_2x2(y, unit, treated_group, post[, weights[, errors[, conf_level]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", "The unit, such as an area: rows of one go together.")
    .with_argument("treated_group", "Whether the unit is in the treated group: true or 1.")
    .with_argument("post", "Whether the row is from after treatment began: true or 1.")
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("errors", "'cluster' (default), by unit, or 'iid'.")
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect, round(est['std_error'], 4) as error,
         est['treated_before'] as treated_before, est['treated_after'] as treated_after
  from (select did_2x2(column4, column1, column2, column3, errors => 'iid') as est
        from (values ('a', 1, 0, 10.0), ('a', 1, 1, 16.0), ('b', 1, 0, 12.0), ('b', 1, 1, 16.0),
                     ('c', 0, 0, 9.0), ('c', 0, 1, 10.0), ('d', 0, 0, 8.0), ('d', 0, 1, 11.0),
                     ('e', 0, 1, 12.0)));
+--------+--------+----------------+---------------+
| effect | error  | treated_before | treated_after |
+--------+--------+----------------+---------------+
| 2.5    | 1.2845 | 11.0           | 16.0          |
+--------+--------+----------------+---------------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{AggregateTester, number, word};
    use arrow::array::{ArrayRef, Float64Array, StringArray};
    use datafusion_common::ScalarValue;

    /// Outcome, unit, group, after.
    fn batch(post: [Option<f64>; 9]) -> Vec<ArrayRef> {
        let y = vec![10.0, 16.0, 12.0, 16.0, 9.0, 10.0, 8.0, 11.0, 12.0];
        let group = vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let unit = StringArray::from(vec!["a", "a", "b", "b", "c", "c", "d", "d", "e"]);
        vec![
            Arc::new(Float64Array::from(y)),
            Arc::new(unit),
            Arc::new(Float64Array::from(group)),
            Arc::new(Float64Array::from(post.to_vec())),
        ]
    }

    const POST: [Option<f64>; 9] = [
        Some(0.0),
        Some(1.0),
        Some(0.0),
        Some(1.0),
        Some(0.0),
        Some(1.0),
        Some(0.0),
        Some(1.0),
        Some(1.0),
    ];

    #[test]
    fn the_example() {
        let tester = AggregateTester::<Did2x2>::with(&[("errors", ScalarValue::from("iid"))]);
        let result = tester.aggregate(&[batch(POST)]);
        let rounded = |name: &str| number(&result, name).map(|value| (value * 1e4).round() / 1e4);
        assert_eq!((rounded("estimate"), rounded("std_error")), (Some(2.5), Some(1.2845)));
        assert_eq!((rounded("treated_before"), rounded("treated_after")), (Some(11.0), Some(16.0)));
        assert_eq!(rounded("comparison_after"), Some(11.0));
        let halves: Vec<Vec<ArrayRef>> = [(0, 4), (4, 5)]
            .map(|(at, n)| batch(POST).iter().map(|c| c.slice(at, n)).collect())
            .into();
        tester.check_merges(&halves);
    }

    #[test]
    fn rows_that_are_not_known_are_told() {
        let mut post = POST;
        post[8] = None;
        let result = AggregateTester::<Did2x2>::new().aggregate(&[batch(post)]);
        assert_eq!(number(&result, "comparison_after"), Some(10.5));
        let note = word(&result, "note").unwrap();
        assert!(note.starts_with("1 row left out: its group or period is not known"), "{note}");
        let nothing = AggregateTester::<Did2x2>::new().aggregate(&[]);
        let reason = word(&nothing, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
