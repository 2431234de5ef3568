//! `theil_index`: how unequally a total is shared among areas, in information.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Inequality, theil_index};

use crate::INEQUALITY;
use crate::aggregate::Aggregate;
use crate::inequality::{WEIGHT_ARGUMENT, WEIGHTED, index};
use crate::parameters::{Options, Parameters};
use crate::rows::Rows;

pub(crate) struct TheilIndex;

impl Aggregate for TheilIndex {
    const PARAMETERS: Parameters = Parameters { function: "theil_index", list: WEIGHTED };
    type Result = Inequality;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        index(rows, options, theil_index)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        INEQUALITY,
        "Theil's index of inequality T: the mean of `r * ln(r)`, where r is a value over the \
        mean.\n\
        \n\
        **What it estimates.** 0 where all values are equal, ln n where one of n areas has all. \
        It responds more than Gini's to the highest values. A value of zero adds nothing. With \
        `weight` (heads), `value` is per head: a row of weight two counts as two rows.\n\
        \n\
        **Returns** a struct: `estimate` (double), `n_obs` (bigint), `method` and `reason` \
        (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` is NULL are skipped; a NULL `weight` \
        in any of the others gives a NULL figure and a `reason`. So do no values, a negative \
        value or weight, a mean of zero, and numbers that are not finite. One value has an index \
        of 0. The order of rows does not matter.\n\
        \n\
        **References.** Theil (1967), Economics and information theory; Cowell (2011), Measuring \
        inequality.",
        "theil_index(value[, weight])",
    )
    .with_argument("value", "The figure that differs between areas, such as a rate.")
    .with_argument("weight", WEIGHT_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(theil_index(column1)['estimate'], 4) as areas,
         round(theil_index(column1, column2)['estimate'], 4) as children
  from (values (12.5, 30), (18.0, 10), (22.5, 40), (41.0, 20));
+--------+----------+
| areas  | children |
+--------+----------+
| 0.0973 | 0.0907   |
+--------+----------+
```",
    )
    .with_related_udf("gini")
    .with_related_udf("coefficient_of_variation")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const VALUES: [Option<f64>; 5] = [Some(12.5), Some(18.0), None, Some(22.5), Some(41.0)];
    const WEIGHTS: [Option<f64>; 5] = [Some(30.0), Some(10.0), Some(7.0), Some(40.0), Some(20.0)];

    fn rounded(result: &ScalarValue) -> String {
        let ScalarValue::Float64(Some(x)) = field(result, "estimate") else { panic!("{result}") };
        format!("{x:.4}")
    }

    #[test]
    fn with_and_without_weights() {
        let tester = AggregateTester::<TheilIndex>::new();
        let plain = tester.aggregate(&[float_batch(&[&VALUES])]);
        assert_eq!(rounded(&plain), "0.0973");
        assert_eq!(field(&plain, "n_obs"), ScalarValue::Int64(Some(4)));
        let weighted = tester.aggregate(&[float_batch(&[&VALUES, &WEIGHTS])]);
        assert_eq!(rounded(&weighted), "0.0907");
        assert_ne!(field(&weighted, "method"), field(&plain, "method"));
        // Weights that are all missing are missing, and not left out.
        let none = tester.aggregate(&[float_batch(&[&VALUES, &[None; 5]])]);
        assert!(field(&none, "reason").to_string().contains("weight is missing in 4 of 4 rows"));

        let mut some = WEIGHTS;
        some[0] = None;
        let some = tester.aggregate(&[float_batch(&[&VALUES, &some])]);
        assert!(field(&some, "reason").to_string().contains("weight is missing in 1 of 4 rows"));
    }

    #[test]
    fn batches_merge_and_slide() {
        let batches: Vec<_> =
            (0..5).map(|i| float_batch(&[&VALUES[i..=i], &WEIGHTS[i..=i]])).collect();
        let tester = AggregateTester::<TheilIndex>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no values"));
    }
}
