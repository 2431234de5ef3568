//! `holm`: p-values that bound the probability of any false discovery.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{AdjustedP, holm};

use crate::MANY_TESTS;
use crate::benjamini_hochberg::{FAMILY_ARGUMENT, P_ARGUMENT, adjusted};
use crate::parameters::{Kind, Options, Parameters};
use crate::rows::Rows;
use crate::window::Window;

pub(crate) struct Holm;

impl Window for Holm {
    const PARAMETERS: Parameters = Parameters {
        function: "holm",
        list: &[("p_value", Kind::Number), ("family", Kind::TextOrNothing)],
    };
    type Result = AdjustedP;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        adjusted(rows, options, holm)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        MANY_TESTS,
        "The p-value adjusted for the number of tests in its partition, after Holm: the \
        probability of one false discovery or more at or below a level is no more than the level.\n\
        \n\
        **What it estimates.** The smallest level at which the test is rejected, however the tests \
        depend on each other. Equal to R's `p.adjust(p, \"holm\")`.\n\
        \n\
        **Returns** a struct for each row: `p_adjusted` (double), `n_tests` (bigint, how many \
        p-values the family has), `rank` (bigint, from the smallest, equal ones share the first), \
        `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** A row in which `p_value` is NULL is not counted, and its \
        `reason` says so. A p-value that is not between 0 and 1 leaves its whole partition without \
        figures. A single test is not adjusted. Areas of one level must not be adjusted together \
        with their parents: give their level as `family`, and rows of two levels are refused.\n\
        \n\
        A window function: `holm(p, level) over (partition by time_period)`. An order or a frame \
        of the window changes nothing.\n\
        \n\
        **References.** Holm (1979), Scandinavian Journal of Statistics 6.",
        "holm(p_value[, family])",
    )
    .with_argument("p_value", P_ARGUMENT)
    .with_argument("family", FAMILY_ARGUMENT)
    .with_sql_example(
        "```sql
> select p, round(est['p_adjusted'], 4) as adjusted, est['n_tests'] as n
  from (select column1 as p, holm(column1, 'region') over () as est
        from (values (0.001), (0.012), (0.04), (0.3)))
  order by p;
+-------+----------+---+
| p     | adjusted | n |
+-------+----------+---+
| 0.001 | 0.004    | 4 |
| 0.012 | 0.036    | 4 |
| 0.04  | 0.08     | 4 |
| 0.3   | 0.3      | 4 |
+-------+----------+---+
```",
    )
    .with_related_udf("benjamini_hochberg")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{float_batch, numbers, over, texts};

    #[test]
    fn the_example_of_the_documentation() {
        let p = [0.3, 0.012, 0.04, 0.001].map(Some);
        let rows = over::<Holm>(&float_batch(&[&p]), &[]);
        let round = |p: Option<f64>| p.map(|p| (p * 1e4).round() / 1e4);
        let adjusted: Vec<_> = numbers(&rows, "p_adjusted").into_iter().map(round).collect();
        assert_eq!(adjusted, [0.3, 0.036, 0.08, 0.004].map(Some));
        assert_eq!(texts(&rows, "method")[0].as_deref(), Some("Holm"));
    }

    #[test]
    fn missing_ones_are_not_counted() {
        let rows = over::<Holm>(&float_batch(&[&[Some(0.02), None, Some(0.5)]]), &[]);
        assert_eq!(numbers(&rows, "p_adjusted"), [Some(0.04), None, Some(0.5)]);
        assert!(texts(&rows, "reason")[1].as_deref().unwrap().contains("p_value is missing"));
        assert!(texts(&over::<Holm>(&float_batch(&[&[]]), &[]), "reason").is_empty());
    }
}
