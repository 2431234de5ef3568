//! `controlled_its`: segmented regression of the treated beside a comparison.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{ControlledIts as Answer, ControlledItsOptions, Reason, controlled_its};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::counterfactual::{
    IMPACT_FIELDS, LAG, LAG_ARGUMENT, LEVEL_AT, LEVEL_AT_ARGUMENT, POINT_FIELDS, SMALL_SAMPLE,
    SMALL_SAMPLE_ARGUMENT, errors, impact_columns, lag, level_at,
};
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, PanelColumns, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT,
    UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, List, Row};
use crate::rows::Rows;

pub(crate) struct ControlledIts;

impl Aggregate for ControlledIts {
    const PARAMETERS: Parameters = Parameters {
        function: "controlled_its",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            WEIGHTS,
            CONF_LEVEL,
            ("errors", Kind::Choice(&["newey_west", "ols", "hc1", "hc3"])),
            LAG,
            SMALL_SAMPLE,
            LEVEL_AT,
        ],
    };
    type Result = Answer;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        calculate(rows, options).unwrap_or_else(Answer::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn calculate(rows: &Rows, options: &Options) -> Result<Answer, Reason> {
    let parameters = &ControlledIts::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let asked = ControlledItsOptions {
        errors: errors(options),
        lag: lag(options)?,
        small_sample: options.flag("small_sample"),
        level_at: level_at(options),
        conf_level: options.number("conf_level"),
    };
    let mut answer = panel.with(|rows| controlled_its(rows, &treated, &asked));
    tell(&mut answer.average.note, panel.note.as_ref());
    answer.terms.iter_mut().for_each(|term| tell(&mut term.note, panel.note.as_ref()));
    Ok(answer)
}

impl Row for Answer {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = impact_columns!(Answer; [
        ("n_treated", Column::Count(|r| r.n_treated)),
        ("n_controls", Column::Count(|r| r.n_controls)),
        ("lag", Column::CountOrNone(|r| r.lag)),
        ("durbin_watson_treated", Column::Number(|r| r.durbin_watson.map(|both| both[0]))),
        ("durbin_watson_controls", Column::Number(|r| r.durbin_watson.map(|both| both[1]))),
        ("terms", Column::List(&List(|r: &Answer| &r.terms))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let description = format!(
        "Whether treated areas changed level and slope more than others did at the same time: an \
        interrupted time series with a control.\n\
        \n\
        **What it estimates.** How far the mean of the treated areas moved at the intervention, and \
        by how much its slope changed, beyond what happened to the mean of the others.\n\
        \n\
        **Assumptions.** Without the intervention the line of the treated would have bent as that of \
        the controls did; the two may have their own levels and slopes before. The controls were not \
        touched by the intervention.\n\
        \n\
        **Formula.** Least squares of the two series of means, one under the other, on y = b0 + b1 t \
        + b2 after + b3 since + g (b4 + b5 t + b6 after + b7 since) + e, g = 1 for the treated (Linden \
        2015, equation 2; Lopez Bernal et al. 2018). Newey-West errors take in neighbours within each \
        of the two series; HC1 is times n/(n-k). Tests and limits by t with n - k degrees of freedom.\n\
        \n\
        **Returns** a struct. {IMPACT_FIELDS} `n_treated`, `n_controls`, `lag`, Durbin and Watson's \
        statistic of either series; `terms`, a list of structs: intercept, trend, level change and \
        slope change of the controls, then the differences of the treated in each, the last two being \
        the intervention's; {POINT_FIELDS} The counterfactual is the line of the treated, bent as that \
        of the controls.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; units of \
        which it is not known whether they were treated are left out, and told. Gaps in the panel, \
        treatment that begins at different times, fewer than two periods before or after, no treated \
        units or no others, and outcomes that never change give a reason. Errors are those of two \
        series: with one treated area nothing says how far an area strays by itself, and `note` says \
        so. With fewer than 8 periods on either side `note` warns.\n\
        \n\
        **Deviations.** The two series are taken to err independently, as R's `lm` with `vcovHC` and \
        Stata's `itsa` do; where they move together, `its` of their difference gives the same two \
        effects with errors that know of it. Stata's `itsa` counts time since the intervention from \
        0: `level_at => 'first_after'`.\n\
        \n\
        **References.** Lopez Bernal, Cummins and Gasparrini (2018), International Journal of \
        Epidemiology 47; Linden (2015), Stata Journal 15; Newey and West (1987), Econometrica 55."
    );
    Documentation::builder(
        EFFECTS,
        description,
        "controlled_its(y, unit, time, treated[, weights[, conf_level[, errors[, lag[, \
        small_sample[, level_at]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("errors", "'newey_west', 'ols', 'hc1' or 'hc3'. Default 'newey_west'.")
    .with_argument("lag", LAG_ARGUMENT)
    .with_argument("small_sample", SMALL_SAMPLE_ARGUMENT)
    .with_argument("level_at", LEVEL_AT_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['terms'][7]['estimate'], 3) as level_change,
         round(est['terms'][8]['estimate'], 3) as slope_change,
         round(est['cumulative'], 3) as cumulative
  from (select controlled_its(column3, column1, column2, column1 = 'north' and column2 >= 2005,
                              errors => 'ols') as est
        from (values ('north', 2001, 50.2), ('north', 2002, 49.1), ('north', 2003, 47.7),
                     ('north', 2004, 47.2), ('north', 2005, 41.9), ('north', 2006, 40.3),
                     ('north', 2007, 38.6), ('north', 2008, 38.1),
                     ('south', 2001, 40.1), ('south', 2002, 39.3), ('south', 2003, 38.2),
                     ('south', 2004, 37.8), ('south', 2005, 36.6), ('south', 2006, 35.9),
                     ('south', 2007, 35.1), ('south', 2008, 33.9)));
+--------------+--------------+------------+
| level_change | slope_change | cumulative |
+--------------+--------------+------------+
| -3.94        | -0.18        | -17.56     |
+--------------+--------------+------------+
```",
    )
    .with_related_udf("its")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};
    use arrow::array::{Array, ArrayRef};
    use datafusion_common::ScalarValue;

    const NORTH: [f64; 8] = [50.2, 49.1, 47.7, 47.2, 41.9, 40.3, 38.6, 38.1];
    const SOUTH: [f64; 8] = [40.1, 39.3, 38.2, 37.8, 36.6, 35.9, 35.1, 33.9];

    fn batch() -> Vec<ArrayRef> {
        let mut rows = Vec::new();
        for (name, values) in [("north", NORTH), ("south", SOUTH)] {
            for (t, value) in (0..).zip(values) {
                let treated = name == "north" && t >= 4;
                rows.push((value, name, 2001.0 + f64::from(t), Some(f64::from(treated))));
            }
        }
        panel_batch(&rows)
    }

    #[test]
    fn the_example_of_the_documentation() {
        let given = [("errors", ScalarValue::from("ols"))];
        let result = AggregateTester::<ControlledIts>::with(&given).aggregate(&[batch()]);
        let terms = items(&field(&result, "terms"));
        let round = |x: Option<f64>| (1000.0 * x.unwrap()).round() / 1000.0;
        let figures = [
            round(number(&terms[6], "estimate")),
            round(number(&terms[7], "estimate")),
            round(number(&result, "cumulative")),
        ];
        assert_eq!(figures, [-3.94, -0.18, -17.56]);
        assert_eq!(field(&result, "n_controls"), ScalarValue::Int64(Some(1)));
        assert!(word(&result, "note").unwrap().contains("errors are those of two series"));
    }

    #[test]
    fn batches_merge_and_nothing_has_a_reason() {
        let columns = batch();
        let rows: Vec<Vec<ArrayRef>> = (0..4)
            .map(|part| columns.iter().map(|column| column.slice(4 * part, 4)).collect())
            .collect();
        AggregateTester::<ControlledIts>::new().check_merges(&rows);
        let empty = AggregateTester::<ControlledIts>::new().aggregate(&[]);
        assert!(word(&empty, "reason").unwrap().contains("there are no rows"));
    }
}
