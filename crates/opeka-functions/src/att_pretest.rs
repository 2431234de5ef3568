//! `att_pretest`: whether cohorts and controls moved alike before treatment.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, att_pretest};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::att_gt::{
    ANTICIPATION, ANTICIPATION_ARGUMENT, BASE_PERIOD, BASE_PERIOD_ARGUMENT, CONTROL,
    CONTROL_ARGUMENT, METHOD, METHOD_ARGUMENT, UNBALANCED, UNBALANCED_ARGUMENT, ask,
};
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT,
    FIRST_TREATED, FIRST_TREATED_ARGUMENT, TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS,
    WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
};
use crate::parameters::{Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct AttPretest;

impl Aggregate for AttPretest {
    const PARAMETERS: Parameters = Parameters {
        function: "att_pretest",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            METHOD,
            CONTROL,
            ANTICIPATION,
            BASE_PERIOD,
            UNBALANCED,
        ],
    };
    type Result = opeka_stats::AttPretest;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let answer = ask(&Self::PARAMETERS, rows, options, |rows, first, adopter, options| {
            att_pretest(rows, first, adopter, &options)
        });
        let told = answer.map(|(mut test, note)| {
            tell(&mut test.note, note.as_ref());
            test
        });
        told.unwrap_or_else(Self::Result::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::AttPretest {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("statistic", Column::Number(|t| t.statistic)),
        ("df", Column::CountOrNone(|t| t.df)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("n_units", Column::Count(|t| t.n_units)),
        ("method", Column::Text(|t| t.method.as_deref().map(Cow::from))),
        ("note", Column::Text(|t| t.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Whether areas that a programme reached and those it did not moved alike before it came: one \
        test of all effects before treatment.\n\
        \n\
        **What it estimates.** Nothing: it tests that all ATT(g,t) of `att_gt` with t before g are \
        zero. A large p-value is no proof of parallel trends, least of all with few units (Roth \
        2022).\n\
        \n\
        **Assumptions.** Those of `att_gt`, and so many independent units that the effects are \
        jointly normal.\n\
        \n\
        **Formula.** W = b' V^-1 b of the effects b before treatment and their covariance V, by the \
        influence functions, summed by cluster where there are clusters; against chi-square with as \
        many degrees of freedom as there are effects (Callaway and Sant'Anna 2021, section 4). The \
        base period itself is not among them; a varying and a universal base period test the \
        same.\n\
        \n\
        **Returns** a struct: `statistic`, `p_value` (double), `df`, `n_units` (bigint), `method`, \
        `note` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** As `att_gt`. Without a period before treatment, with an effect \
        that cannot be estimated, and where V is singular (more effects than units, or cohorts of \
        one unit that share their controls), the figures are NULL and `reason` says why. Cohorts \
        of one unit are tested as if that unit had no error of its own, which the note tells. With \
        `anticipation` the periods of anticipation are tested as well, which the note tells.\n\
        \n\
        **Deviations.** From the R package did, version 2.5.1: its p-value is rounded to five \
        digits; V is judged singular by the eigenvalues of its correlations (smallest below 1e-12 \
        of the largest), not by its reciprocal condition, which depends on units of measurement.\n\
        \n\
        **References.** Callaway and Sant'Anna (2021), Journal of Econometrics 225; Roth (2022), \
        American Economic Review: Insights 4.",
        "att_pretest(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter\
         [, method[, control[, anticipation[, base_period[, unbalanced]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("method", METHOD_ARGUMENT)
    .with_argument("control", CONTROL_ARGUMENT)
    .with_argument("anticipation", ANTICIPATION_ARGUMENT)
    .with_argument("base_period", BASE_PERIOD_ARGUMENT)
    .with_argument("unbalanced", UNBALANCED_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(test['statistic'], 4) as w, test['df'] as df, round(test['p_value'], 4) as p
  from (select att_pretest(column3, column1, column2, column4) as test
        from (values ('a', 2001, 10.0, null), ('a', 2002, 11.0, null), ('a', 2003, 12.0, null),
                     ('b', 2001, 20.0, null), ('b', 2002, 20.0, null), ('b', 2003, 21.0, null),
                     ('c', 2001, 15.0, null), ('c', 2002, 17.0, null), ('c', 2003, 19.0, null),
                     ('d', 2001, 12.0, 2003), ('d', 2002, 13.0, 2003), ('d', 2003, 10.0, 2003),
                     ('e', 2001, 18.0, 2003), ('e', 2002, 18.0, 2003), ('e', 2003, 16.0, 2003),
                     ('f', 2001, 13.0, 2003), ('f', 2002, 16.0, 2003), ('f', 2003, 15.0, 2003)));
+------+----+--------+
| w    | df | p      |
+------+----+--------+
| 0.15 | 1  | 0.6985 |
+------+----+--------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::att_gt::tests::{batch, near};
    use crate::testing::{AggregateTester, field, number, word};

    #[test]
    fn one_effect_by_hand() {
        let tester = AggregateTester::<AttPretest>::new();
        let result = tester.aggregate(&[batch()]);
        near(number(&result, "statistic"), 0.15);
        assert_eq!(field(&result, "df"), ScalarValue::Int64(Some(1)));
        assert_eq!((number(&result, "p_value").unwrap() * 1e4).round(), 6985.0);
        let parts = [(0, 4), (4, 14)];
        let parts = parts.map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect());
        tester.check_merges(&parts);
    }

    #[test]
    fn without_a_period_before_there_is_a_reason() {
        let given = [("anticipation", ScalarValue::from(2.0))];
        let result = AggregateTester::<AttPretest>::with(&given).aggregate(&[batch()]);
        assert_eq!(number(&result, "statistic"), None);
        assert!(word(&result, "reason").is_some());
        let nothing = AggregateTester::<AttPretest>::new().aggregate(&[]);
        assert!(word(&nothing, "reason").unwrap().contains("there are no rows"));
    }
}
