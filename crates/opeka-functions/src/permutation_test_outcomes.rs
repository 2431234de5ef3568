//! `permutation_test_outcomes`: one treatment and several outcomes, tested together.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Effect, OutcomeEffect, OutcomesOptions, Reason, permutation_test_outcomes as calculate,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CLUSTER, COVARIATES, COVARIATES_ARGUMENT, DRAWS, PanelColumns, SEED, SEED_ARGUMENT, TIME,
    TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y,
    Y_ARGUMENT, draws_of, effect_columns, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::permutation_test::{
    ALTERNATIVE, ALTERNATIVE_ARGUMENT, CLUSTER_OF_PATHS_ARGUMENT, DRAWS_OF_PATHS_ARGUMENT,
    alternative_of,
};
use crate::row::{Column, Many, Row};
use crate::rows::Rows;

pub(crate) struct PermutationTestOutcomes;

impl Aggregate for PermutationTestOutcomes {
    const PARAMETERS: Parameters = Parameters {
        function: "permutation_test_outcomes",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            ("outcome", Kind::Text),
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            DRAWS,
            SEED,
            ALTERNATIVE,
        ],
    };
    type Result = Many<OutcomeEffect>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        Many(test(rows, options).unwrap_or_else(|reason| vec![OutcomeEffect::unknown(reason)]))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn test(rows: &Rows, options: &Options) -> Result<Vec<OutcomeEffect>, Reason> {
    let parameters = &PermutationTestOutcomes::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let outcome = panel.words(parameters, rows, options, "outcome")?.unwrap_or_default();
    let with = OutcomesOptions {
        alternative: alternative_of(options),
        draws: draws_of(options)?,
        seed: whole_number(options, "seed")?,
    };
    let mut found = panel.with(|rows| calculate(rows, &treated, &outcome, &with));
    found.iter_mut().for_each(|one| tell(&mut one.effect.note, panel.note.as_ref()));
    Ok(found)
}

impl Row for OutcomeEffect {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; [
        ("outcome", Column::Text(|r| {
            (!r.outcome.is_empty()).then(|| Cow::from(r.outcome.as_str()))
        })),
    ]; [
        ("p_adjusted", Column::Number(|r| r.p_adjusted)),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self { effect: Effect::unknown(reason), ..Self::default() }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effects of one programme on several outcomes, and p-values that count that they are \
        several: whoever looks at ten outcomes finds one by chance. Rows are those of all \
        outcomes, below each other.\n\
        \n\
        **What it estimates.** For each outcome the coefficient of `did_twfe`. The hypothesis is \
        that treatment has no effect on any area.\n\
        \n\
        **Assumptions.** Those of `permutation_test`. `p_adjusted` bounds the probability of one \
        false discovery or more, whichever hypotheses are true.\n\
        \n\
        **Formula.** All outcomes take the same assignments, so that their correlation counts, \
        which `holm` gives away. With the t-statistics in descending order, the p-value of step j \
        is the share of assignments in which the greatest of t_j, t_j+1, … is at least that of \
        the data; `p_adjusted` is the greatest of the steps up to j (Westfall and Young 1993, \
        algorithm 2.8; Romano and Wolf 2005, algorithm 4.1). Shares are of all assignments where \
        they are no more than 50,000, otherwise (1 + draws)/(1 + draws).\n\
        \n\
        **Returns** a list of structs, one for each outcome in the order of their names: `term` \
        (`ATT`), `outcome`, `estimate`, `std_error` (always NULL), `statistic` (t by cluster), \
        `p_value` (of this outcome alone), `conf_low` and `conf_high` (always NULL), `n_obs`, \
        `n_units`, `method`, `note`, `reason`, `p_adjusted`. `unnest` makes rows of it.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit`, `time` or `outcome` is NULL are \
        skipped. Areas that are missing for some outcome are left out of all, and told. Treatment \
        must stay once it began, from one date for all outcomes. An outcome that cannot be \
        estimated has a `reason` and does not count among the several. With one treated area \
        there is no t, and `permutation_test` ranks the area for each outcome by itself. The \
        order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** None known from the algorithm. R's `wildrwolf` steps down with draws of \
        the wild bootstrap in place of assignments.\n\
        \n\
        **References.** Westfall and Young (1993), Resampling-Based Multiple Testing; Romano and \
        Wolf (2005), Econometrica 73(4); Romano and Wolf (2016), Statistics and Probability \
        Letters 113.",
        "permutation_test_outcomes(y, unit, time, treated, outcome[, covariates[, weights[, \
        cluster[, draws[, seed[, alternative]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("outcome", "The name of the outcome: `indicator`.")
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_OF_PATHS_ARGUMENT)
    .with_argument("draws", DRAWS_OF_PATHS_ARGUMENT)
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("alternative", ALTERNATIVE_ARGUMENT)
    .with_sql_example(
        "```sql
> select effect['outcome'] as outcome, round(effect['estimate'], 2) as effect,
         round(effect['p_value'], 2) as p, round(effect['p_adjusted'], 2) as adjusted
  from (select unnest(permutation_test_outcomes(column3, column1, column2, column4, column5)) as effect
        from (values ('a', 1, 10.0, 0, 'x'), ('a', 2, 16.0, 1, 'x'), ('b', 1, 12.0, 0, 'x'),
                     ('b', 2, 16.0, 1, 'x'), ('c', 1, 9.0, 0, 'x'), ('c', 2, 10.0, 0, 'x'),
                     ('d', 1, 8.0, 0, 'x'), ('d', 2, 11.0, 0, 'x'),
                     ('a', 1, 1.0, 0, 'y'), ('a', 2, 3.0, 1, 'y'), ('b', 1, 2.0, 0, 'y'),
                     ('b', 2, 3.0, 1, 'y'), ('c', 1, 4.0, 0, 'y'), ('c', 2, 4.5, 0, 'y'),
                     ('d', 1, 1.0, 0, 'y'), ('d', 2, 4.0, 0, 'y')))
  order by outcome;
+---------+--------+------+----------+
| outcome | effect | p    | adjusted |
+---------+--------+------+----------+
| x       | 3.0    | 0.33 | 0.67     |
| y       | -0.25  | 1.0  | 1.0      |
+---------+--------+------+----------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};
    use arrow::array::{ArrayRef, StringArray};
    use datafusion_common::ScalarValue;
    use std::sync::Arc;

    fn batch() -> Vec<ArrayRef> {
        let mut columns = panel_batch(&[
            (10.0, "a", 1.0, Some(0.0)),
            (16.0, "a", 2.0, Some(1.0)),
            (12.0, "b", 1.0, Some(0.0)),
            (16.0, "b", 2.0, Some(1.0)),
            (9.0, "c", 1.0, Some(0.0)),
            (10.0, "c", 2.0, Some(0.0)),
            (8.0, "d", 1.0, Some(0.0)),
            (11.0, "d", 2.0, Some(0.0)),
            (1.0, "a", 1.0, Some(0.0)),
            (3.0, "a", 2.0, Some(1.0)),
            (2.0, "b", 1.0, Some(0.0)),
            (3.0, "b", 2.0, Some(1.0)),
            (4.0, "c", 1.0, Some(0.0)),
            (4.5, "c", 2.0, Some(0.0)),
            (1.0, "d", 1.0, Some(0.0)),
            (4.0, "d", 2.0, Some(0.0)),
        ]);
        let outcome: StringArray =
            (0..16).map(|row| Some(if row < 8 { "x" } else { "y" })).collect();
        columns.push(Arc::new(outcome));
        columns
    }

    fn rounded(result: &ScalarValue, name: &str) -> Vec<Option<f64>> {
        let round = |value: f64| (value * 1e2).round() / 1e2;
        items(result).iter().map(|item| number(item, name).map(round)).collect()
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<PermutationTestOutcomes>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(rounded(&result, "estimate"), [Some(3.0), Some(-0.25)]);
        assert_eq!(rounded(&result, "p_value"), [Some(0.33), Some(1.0)]);
        // In four of the six assignments one of the two outcomes shows as much as x does.
        assert_eq!(rounded(&result, "p_adjusted"), [Some(0.67), Some(1.0)]);
        assert_eq!(word(&items(&result)[1], "outcome").as_deref(), Some("y"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 9), (9, 7)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = AggregateTester::<PermutationTestOutcomes>::new().aggregate(&[]);
        let reason = word(&items(&nothing)[0], "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no outcomes");
        assert_eq!(field(&items(&nothing)[0], "outcome"), ScalarValue::Utf8(None));
        let given = [("draws", ScalarValue::from(0.0))];
        let none = AggregateTester::<PermutationTestOutcomes>::with(&given).aggregate(&[batch()]);
        assert!(word(&items(&none)[0], "reason").unwrap().contains("draws is 0"));
        let less = [("alternative", ScalarValue::from("less"))];
        let less = AggregateTester::<PermutationTestOutcomes>::with(&less).aggregate(&[batch()]);
        assert_ne!(rounded(&less, "p_value")[0], Some(0.33));
    }
}
