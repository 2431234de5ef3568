//! `permutation_test`: the effect of a treatment against those of treatments that never were.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Alternative, PermutationOptions, PermutationStatistic, Reason, permutation_test as calculate,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CLUSTER, CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT, DRAWS, PanelColumns,
    SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT,
    WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, column_of, draws_of, effect_columns, tell,
    whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

pub(crate) const ALTERNATIVE: (&str, Kind) =
    ("alternative", Kind::Choice(&["two_sided", "greater", "less"]));

pub(crate) const ALTERNATIVE_ARGUMENT: &str = "What speaks against the hypothesis: 'two_sided' \
    (default), 'greater' or 'less'. One-sided tests have one limit.";

pub(crate) const CLUSTER_OF_PATHS_ARGUMENT: &str = "Areas that were treated as one, such as a \
    federal district: they keep together. Default: each area for itself.";

pub(crate) const DRAWS_OF_PATHS_ARGUMENT: &str =
    "How many assignments are drawn where they are too many to go through. Default 999.";

pub(crate) fn alternative_of(options: &Options) -> Alternative {
    match options.choice("alternative") {
        "greater" => Alternative::Greater,
        "less" => Alternative::Less,
        _ => Alternative::TwoSided,
    }
}

pub(crate) struct PermutationTest;

impl Aggregate for PermutationTest {
    const PARAMETERS: Parameters = Parameters {
        function: "permutation_test",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            CONF_LEVEL,
            DRAWS,
            SEED,
            ("statistic", Kind::Choice(&["did_twfe", "studentised", "difference_in_means"])),
            ALTERNATIVE,
            ("population", Kind::NumberOrNothing),
            ("stratum", Kind::TextOrNothing),
        ],
    };
    type Result = opeka_stats::PermutationTest;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        test(rows, options).unwrap_or_else(opeka_stats::PermutationTest::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn test(rows: &Rows, options: &Options) -> Result<opeka_stats::PermutationTest, Reason> {
    let parameters = &PermutationTest::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let stratum = panel.words(parameters, rows, options, "stratum")?;
    let column = column_of(parameters, "population").unwrap_or(usize::MAX);
    let population = if rows.is_given(column, "population", options) {
        let numbers = panel.numbers(parameters, rows, "population");
        let numbers = numbers.into_iter().collect::<Option<Vec<f64>>>();
        Some(numbers.ok_or_else(|| Reason::because("population is missing in some row"))?)
    } else {
        None
    };
    let with = PermutationOptions {
        statistic: match options.choice("statistic") {
            "studentised" => PermutationStatistic::Studentised,
            "difference_in_means" => PermutationStatistic::DifferenceInMeans,
            _ => PermutationStatistic::DidTwfe,
        },
        alternative: alternative_of(options),
        draws: draws_of(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
        population: population.as_deref(),
        stratum: stratum.as_ref(),
    };
    let mut result = panel.with(|rows| calculate(rows, &treated, &with));
    tell(&mut result.effect.note, panel.note.as_ref());
    Ok(result)
}

impl Row for opeka_stats::PermutationTest {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("n_treated", Column::Count(|r| r.n_treated)),
        ("n_assignments", Column::Number(|r| r.n_assignments)),
        ("exact", Column::Flag(|r| r.effect.p_value.map(|_| r.exact))),
        ("n_draws", Column::CountOrNone(|r| r.n_draws)),
        ("rank", Column::CountOrNone(|r| r.rank)),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Randomisation inference: the effect of a programme, and how it compares with what would \
        have been found, had the same programme fallen to other areas. It takes as few as one \
        treated area.\n\
        \n\
        **What it estimates.** The coefficient of `did_twfe` ('did_twfe', 'studentised'), or of \
        each area the mean from the date of treatment on less that before it, and of these the \
        mean of the treated less that of the others ('difference_in_means', for one date of \
        treatment). The hypothesis is sharp: treatment has no effect on any area; for the limits, \
        the same effect on every treated row.\n\
        \n\
        **Assumptions.** Each way of giving the paths of treatment to the areas was equally \
        likely, within a `stratum` where there is one; a `cluster` is treated as a whole. Nothing \
        is assumed of how errors are distributed or how years resemble each other. 'studentised' \
        also holds, in large samples, where the effect is zero on average only. Where areas are of \
        very different size and few are treated, the variance of small areas speaks for effects \
        that are none: give `population`.\n\
        \n\
        **Formula.** The p-value is the share of assignments, that of the data among them, whose \
        statistic is as extreme as that of the data. All are gone through where they are no more \
        than 50,000; for one date of treatment, no weights and covariates and up to 40 areas the \
        exact share is counted by halves (van de Wiel 2001, the split-up algorithm); otherwise it \
        is (1 + draws as extreme)/(1 + draws). Limits are the ends of the set of effects whose \
        p-value is above 1 − `conf_level`: the coefficient of an assignment under an effect τ is b \
        − τ c, so that they are order statistics of the points at which assignments begin to be \
        as extreme as the data. With `population` the residuals r under the hypothesis change \
        places, each multiplied by the ratio of the standard deviations of the two areas; the \
        variance of what they contrast is modelled as a + b/population, by least squares (Ferman \
        and Pinto 2019, section III).\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error` (always NULL), `statistic` \
        (what is compared), `p_value`, `conf_low`, `conf_high`, `n_obs`, `n_units`, `method`, \
        `note`, `reason`, `n_treated`, `n_assignments`, `exact` (whether nothing is drawn), \
        `n_draws`, `rank` (with one treated area: its place among all by the size of the \
        statistic).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; an \
        area of which `treated` is not known in some row is left out, and told. With one treated \
        area the p-value is its rank over the number of areas, none below 1 over that number is \
        possible, and `note` says so. Limits are missing where so few assignments reject no \
        effect at this level. 'studentised' takes two treated areas. `population` takes the \
        statistic 'did_twfe' and a panel without gaps. In a panel with gaps a treatment must stay \
        once it began. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Enumerated p-values are those of the definition; those by halves equal \
        R's `coin::oneway_test(distribution = exact('split-up'))` to nine digits, which at times \
        loses the assignment of the data to rounding. Ferman and Pinto draw residuals with \
        replacement; here they change places, so that equal populations leave the plain test.\n\
        \n\
        **References.** Fisher (1935), The Design of Experiments; Rosenbaum (2002), Observational \
        Studies, chapter 2; van de Wiel (2001), Computational Statistics 16(4); Chung and Romano \
        (2013), Annals of Statistics 41(2); Ferman and Pinto (2019), REStat 101(3); MacKinnon and \
        Webb (2020), Journal of Econometrics 218(2).",
        "permutation_test(y, unit, time, treated[, covariates[, weights[, cluster[, conf_level[, \
        draws[, seed[, statistic[, alternative[, population[, stratum]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_OF_PATHS_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("draws", DRAWS_OF_PATHS_ARGUMENT)
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument(
        "statistic",
        "What is compared: 'did_twfe' (default), 'studentised' or 'difference_in_means'.",
    )
    .with_argument("alternative", ALTERNATIVE_ARGUMENT)
    .with_argument(
        "population",
        "How many people the outcome of the row is a mean of, such as the children of the area: \
        corrects for areas of unequal size. Default: no correction.",
    )
    .with_argument(
        "stratum",
        "Treatments change places within a stratum only, such as a region. Default: everywhere.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect,
         round(est['p_value'], 4) as p,
         est['n_assignments'] as assignments,
         est['exact'] as exact
  from (select permutation_test(column3, column1, column2, column4) as est
        from (values ('a', 1, 10.0, 0), ('a', 2, 16.0, 1), ('b', 1, 12.0, 0), ('b', 2, 16.0, 1),
                     ('c', 1, 9.0, 0), ('c', 2, 10.0, 0), ('d', 1, 8.0, 0), ('d', 2, 11.0, 0)));
+--------+--------+-------------+-------+
| effect | p      | assignments | exact |
+--------+--------+-------------+-------+
| 3.0    | 0.3333 | 6.0         | true  |
+--------+--------+-------------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, number, panel_batch, word};
    use arrow::array::{ArrayRef, Float64Array, ListArray, NullArray, StringArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use std::sync::Arc;

    fn batch() -> Vec<ArrayRef> {
        panel_batch(&[
            (10.0, "a", 1.0, Some(0.0)),
            (16.0, "a", 2.0, Some(1.0)),
            (12.0, "b", 1.0, Some(0.0)),
            (16.0, "b", 2.0, Some(1.0)),
            (9.0, "c", 1.0, Some(0.0)),
            (10.0, "c", 2.0, Some(0.0)),
            (8.0, "d", 1.0, Some(0.0)),
            (11.0, "d", 2.0, Some(0.0)),
        ])
    }

    /// All columns of the function: a covariate that says nothing, equal weights, and each area its
    /// own cluster.
    fn whole(population: ArrayRef, stratum: ArrayRef) -> Vec<ArrayRef> {
        let mut columns = batch();
        let nothing = (0..8).map(|_| Some([Some(0.0)]));
        columns.push(Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(nothing)));
        columns.push(Arc::new(Float64Array::from(vec![1.0; 8])));
        columns.push(Arc::clone(&columns[1]));
        // The options between them are no columns.
        columns.extend((7..12).map(|_| Arc::new(NullArray::new(8)) as ArrayRef));
        columns.extend([population, stratum]);
        columns
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<PermutationTest>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(number(&result, "estimate"), Some(3.0));
        // (a, b) and (c, d) of the six pairs.
        assert_eq!(number(&result, "p_value"), Some(1.0 / 3.0));
        assert_eq!(number(&result, "n_assignments"), Some(6.0));
        assert_eq!(field(&result, "exact"), ScalarValue::Boolean(Some(true)));
        assert_eq!(field(&result, "n_treated"), ScalarValue::Int64(Some(2)));
        assert_eq!(number(&result, "std_error"), None);
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 3), (3, 5)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_arrive() {
        let run = |given: &[(&str, ScalarValue)]| {
            AggregateTester::<PermutationTest>::with(given).aggregate(&[batch()])
        };
        let method = |name: &str| word(&run(&[("statistic", ScalarValue::from(name))]), "method");
        assert!(method("studentised").unwrap().contains("t by cluster"));
        assert!(method("difference_in_means").unwrap().starts_with("difference in means"));
        let greater = run(&[("alternative", ScalarValue::from("greater"))]);
        assert_eq!(number(&greater, "p_value"), Some(1.0 / 6.0));
        let less = run(&[("alternative", ScalarValue::from("less"))]);
        assert_eq!(number(&less, "p_value"), Some(1.0));
        let wide = run(&[("conf_level", ScalarValue::from(0.5))]);
        assert!(number(&wide, "conf_low") < number(&wide, "estimate"));
        assert!(word(&wide, "note").unwrap().contains("no standard error"));
    }

    #[test]
    fn strata_and_populations_arrive() {
        let nothing = || -> ArrayRef { Arc::new(NullArray::new(8)) };
        let strata = |names: [Option<&str>; 4]| -> ArrayRef {
            Arc::new((0..8).map(|row| names[row / 2]).collect::<StringArray>())
        };
        let tester = AggregateTester::<PermutationTest>::new();
        let pairs = strata([Some("x"), Some("y"), Some("x"), Some("y")]);
        let result = tester.aggregate(&[whole(nothing(), pairs)]);
        assert_eq!(number(&result, "n_assignments"), Some(4.0));
        let gap = strata([Some("x"), Some("y"), None, Some("y")]);
        let result = tester.aggregate(&[whole(nothing(), gap)]);
        assert!(word(&result, "reason").unwrap().contains("stratum is missing in some row"));

        let population: ArrayRef = Arc::new(Float64Array::from(vec![100.0; 8]));
        let result = tester.aggregate(&[whole(population, nothing())]);
        assert!(word(&result, "method").unwrap().ends_with("rescaled by population"));
        assert_eq!(field(&result, "n_draws"), ScalarValue::Int64(Some(999)));
        let gap = (0..8).map(|row| (row > 0).then_some(100.0)).collect::<Float64Array>();
        let result = tester.aggregate(&[whole(Arc::new(gap), nothing())]);
        assert!(word(&result, "reason").unwrap().contains("population is missing in some row"));
    }

    #[test]
    fn one_treated_area_is_ranked() {
        let one: Vec<ArrayRef> = batch().iter().map(|column| column.slice(2, 6)).collect();
        let result = AggregateTester::<PermutationTest>::new().aggregate(&[one]);
        // 4 − 2 = 2, where c would have had 1 − 3.5 and d 3 − 2.5.
        assert_eq!(number(&result, "p_value"), Some(2.0 / 3.0));
        assert_eq!(field(&result, "rank"), ScalarValue::Int64(Some(2)));
        assert!(word(&result, "note").unwrap().contains("no p-value below 1/3"));
        let nothing = AggregateTester::<PermutationTest>::new().aggregate(&[]);
        let reason = word(&nothing, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
