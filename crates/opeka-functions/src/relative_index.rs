//! `relative_index`: the relative index of inequality.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{InequalityIndex, relative_index};

use crate::INEQUALITY;
use crate::aggregate::Aggregate;
use crate::gradient::{RANKED, index};
use crate::parameters::{Options, Parameters};
use crate::rows::Rows;

pub(crate) struct RelativeIndex;

impl Aggregate for RelativeIndex {
    const PARAMETERS: Parameters = Parameters { function: "relative_index", list: RANKED };
    type Result = InequalityIndex;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        index(rows, options, relative_index)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        INEQUALITY,
        "The relative index of inequality: the ratio of an indicator between the two ends of a \
        social ranking.\n\
        \n\
        **What it estimates.** How many times as high the indicator is at the highest `rank` as \
        at the lowest, along the line of `slope_index`: 1 without inequality.\n\
        \n\
        **Limits** are Fieller's, with the normal quantile where `std_error` is given (what the \
        simulation of `phe_sii` tends to) and Student's otherwise.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `at_low_rank` and \
        `at_high_rank` (the line at the two ends of the ranking; all double), `n_obs` (bigint), \
        `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** A missing value, population or rank makes the whole index \
        NULL: a group that is left out would move all others. So do fewer than 2 groups, ranks \
        that are all equal, a population that is not above zero, and numbers that are not \
        finite; `reason` says which. Two groups have an index, but limits only from standard \
        errors. There is no ratio where the line is not above zero at the low end, and it has no \
        limits where it is not significantly above zero there.\n\
        \n\
        **References.** Low and Low (2004), Journal of Public Health 26; Mackenbach and Kunst \
        (1997), Social Science and Medicine 44; Fieller (1954), Journal of the Royal Statistical \
        Society B 16; R package PHEindicatormethods, phe_sii.",
        "relative_index(value, population, rank[, conf_level[, std_error]])",
    )
    .with_argument("value", "The indicator in a group of the population, such as a rate.")
    .with_argument("population", "The people in the group: above zero.")
    .with_argument(
        "rank",
        "What orders the groups, such as a decile of deprivation; only the order counts.",
    )
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument(
        "std_error",
        "The standard error of `value`. Default: limits come from the scatter.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as index,
         round(est['conf_low'], 3) as low,
         round(est['conf_high'], 3) as high,
         round(est['at_low_rank'], 2) as at_low_rank,
         round(est['at_high_rank'], 2) as at_high_rank
  from (select relative_index(column2, column3, column1) as est
        from (values (1, 79.2, 120), (2, 78.1, 100), (3, 80.3, 90), (4, 81.0, 150), (5, 82.9, 140)));
+-------+-------+-------+-------------+--------------+
| index | low   | high  | at_low_rank | at_high_rank |
+-------+-------+-------+-------------+--------------+
| 1.069 | 1.012 | 1.128 | 77.83       | 83.16        |
+-------+-------+-------+-------------+--------------+
```",
    )
    .with_related_udf("slope_index")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const VALUE: [Option<f64>; 5] = [Some(79.2), Some(78.1), Some(80.3), Some(81.0), Some(82.9)];
    const POPULATION: [Option<f64>; 5] =
        [Some(120.0), Some(100.0), Some(90.0), Some(150.0), Some(140.0)];
    const RANK: [Option<f64>; 5] = [Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0)];
    const ERROR: [Option<f64>; 5] = [Some(0.5), Some(0.4), Some(0.6), Some(0.3), Some(0.35)];

    fn rounded(result: &ScalarValue, name: &str) -> String {
        let ScalarValue::Float64(Some(x)) = field(result, name) else { panic!("{result}") };
        format!("{x:.3}")
    }

    #[test]
    fn limits_from_the_scatter_or_from_standard_errors() {
        let tester = AggregateTester::<RelativeIndex>::new();
        let scatter = tester.aggregate(&[float_batch(&[&VALUE, &POPULATION, &RANK])]);
        let limits = |r| [rounded(r, "estimate"), rounded(r, "conf_low"), rounded(r, "conf_high")];
        assert_eq!(limits(&scatter), ["1.069", "1.012", "1.128"]);
        let level = [Some(0.95); 5];
        let batch = float_batch(&[&VALUE, &POPULATION, &RANK, &level, &ERROR]);
        let errors = tester.aggregate(std::slice::from_ref(&batch));
        assert_eq!(limits(&errors), ["1.069", "1.051", "1.086"]);
        tester.check_merges(&[batch.clone(), batch]);
    }

    #[test]
    fn a_missing_group_is_a_reason() {
        let mut value = VALUE;
        value[2] = None;
        let tester = AggregateTester::<RelativeIndex>::new();
        let result = tester.aggregate(&[float_batch(&[&value, &POPULATION, &RANK])]);
        assert!(field(&result, "reason").to_string().contains("value is missing in 1 of 5 rows"));
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(None));
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("there are 0 groups"));
    }

    #[test]
    fn batches_merge_and_slide() {
        let batches: Vec<_> = (0..5)
            .map(|i| float_batch(&[&VALUE[i..=i], &POPULATION[i..=i], &RANK[i..=i]]))
            .collect();
        let tester = AggregateTester::<RelativeIndex>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
    }
}
