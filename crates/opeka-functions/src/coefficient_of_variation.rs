//! `coefficient_of_variation`: the dispersion of areas, in units of their mean.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Inequality, coefficient_of_variation};

use crate::INEQUALITY;
use crate::aggregate::Aggregate;
use crate::inequality::{WEIGHT_ARGUMENT, WEIGHTED, index};
use crate::parameters::{Options, Parameters};
use crate::rows::Rows;

pub(crate) struct CoefficientOfVariation;

impl Aggregate for CoefficientOfVariation {
    const PARAMETERS: Parameters =
        Parameters { function: "coefficient_of_variation", list: WEIGHTED };
    type Result = Inequality;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        index(rows, options, coefficient_of_variation)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        INEQUALITY,
        "The coefficient of variation: the standard deviation of values over their mean.\n\
        \n\
        **What it estimates.** How far areas differ, relative to their mean, so that indicators \
        in different units and years of different levels can be compared. The standard deviation \
        is that of a sample, over `n - 1`. With `weight`, mean and variance are weighted, and \
        the variance is unbiased as in R's `cov.wt`: for equal weights the result is that \
        without weights.\n\
        \n\
        **Returns** a struct: `estimate` (double), `n_obs` (bigint), `method` and `reason` \
        (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` is NULL are skipped; a NULL `weight` \
        in any of the others gives a NULL figure and a `reason`. So do fewer than 2 values, a \
        mean that is not above zero, a negative weight, and numbers that are not finite. The \
        order of rows does not matter.\n\
        \n\
        **References.** Pearson (1896), Philosophical Transactions of the Royal Society A 187; \
        Williamson (1965), Economic Development and Cultural Change 13, whose weighted index is \
        this one without the correction for bias.",
        "coefficient_of_variation(value[, weight])",
    )
    .with_argument("value", "The figure that differs between areas, such as a rate.")
    .with_argument("weight", WEIGHT_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(coefficient_of_variation(column1)['estimate'], 4) as areas,
         round(coefficient_of_variation(column1, column2)['estimate'], 4) as children
  from (values (12.5, 30), (18.0, 10), (22.5, 40), (41.0, 20));
+--------+----------+
| areas  | children |
+--------+----------+
| 0.5261 | 0.5265   |
+--------+----------+
```",
    )
    .with_related_udf("gini")
    .with_related_udf("theil_index")
    .with_related_udf("sigma_convergence")
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
        let tester = AggregateTester::<CoefficientOfVariation>::new();
        let plain = tester.aggregate(&[float_batch(&[&VALUES])]);
        assert_eq!(rounded(&plain), "0.5261");
        assert_eq!(field(&plain, "n_obs"), ScalarValue::Int64(Some(4)));
        let weighted = tester.aggregate(&[float_batch(&[&VALUES, &WEIGHTS])]);
        assert_eq!(rounded(&weighted), "0.5265");
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
        let tester = AggregateTester::<CoefficientOfVariation>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no values"));
    }
}
