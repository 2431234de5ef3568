//! `regional_mann_kendall`: a trend that regions share.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{BlockMannKendall, regional_mann_kendall};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::block_mann_kendall::{DEPENDENCE, dependence};
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct RegionalMannKendall;

impl Aggregate for RegionalMannKendall {
    const PARAMETERS: Parameters = Parameters {
        function: "regional_mann_kendall",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("region", Kind::Text),
            DEPENDENCE,
            STATUS,
        ],
    };
    type Result = BlockMannKendall;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        regional_mann_kendall(value, time, &rows.words(2), dependence(options))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "The Mann-Kendall test region by region: do values rise or fall over time in the regions of \
        a country taken together?\n\
        \n\
        **What it estimates.** Whether there is a trend that the regions share: each value is \
        compared only with those of its own region, so that its level does not count. What moves \
        all regions in one year, such as a law, makes them correlated: `independent` then finds \
        far too many trends, and `correlated` is the one to take.\n\
        \n\
        **Returns** a struct: `estimate` (tau: the sum of scores over the number of pairs within \
        regions), `statistic` (z), `p_value` (two-sided, normal), `score` (the sum of Kendall's \
        S), `score_variance`, `slope` (the median of the slopes within regions), `intercept` \
        (median of `value` less slope times median of `time`; all double), `n_obs`, `n_blocks` \
        (the number of regions; bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value`, `time` or `region` is NULL are \
        skipped. With fewer than 3 points, no region with values for two times, or numbers that \
        are not finite, the figures are NULL and `reason` says why. `correlated` tests the times \
        at which no region is missing, of which it takes 3, and one value for each region and time; \
        where that fails there is a slope and no test. The order of rows does not matter; \
        `distinct` is refused. Points before a break in the series are left out where `status` \
        says so; the field `note` (text) tells it.\n\
        \n\
        **References.** Helsel and Frans (2006), Environmental Science & Technology 40; Libiseller \
        and Grimvall (2002), Environmetrics 13.",
        "regional_mann_kendall(value, time, region[, method[, status]])",
    )
    .with_argument("value", "The figure that may have a trend, such as a rate.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("region", "Which region it is of.")
    .with_argument(
        "method",
        "`independent` (the default) or `correlated`, which allows for regions that move together.",
    )
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 4) as tau,
         round(est['statistic'], 4) as z,
         round(est['p_value'], 4) as p,
         round(est['slope'], 3) as slope
  from (select regional_mann_kendall(column3, column1, column2, 'correlated') as est
        from (values (2019, 'north', 41.0), (2019, 'south', 22.0),
                     (2020, 'north', 40.0), (2020, 'south', 23.0),
                     (2021, 'north', 38.0), (2021, 'south', 20.0),
                     (2022, 'north', 37.0), (2022, 'south', 19.0)));
+---------+---------+-------+--------+
| tau     | z       | p     | slope  |
+---------+---------+-------+--------+
| -0.8333 | -1.8058 | 0.071 | -1.167 |
+---------+---------+-------+--------+
```",
    )
    .with_related_udf("seasonal_mann_kendall")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;
    use opeka_stats::BlockDependence;

    const VALUES: [f64; 8] = [41.0, 22.0, 40.0, 23.0, 38.0, 20.0, 37.0, 19.0];
    const TIMES: [f64; 8] = [2019.0, 2019.0, 2020.0, 2020.0, 2021.0, 2021.0, 2022.0, 2022.0];
    const BLOCKS: [&str; 8] = ["x", "y", "x", "y", "x", "y", "x", "y"];

    fn batch(rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
        let some = |numbers: &[f64]| -> Vec<Option<f64>> {
            numbers[rows.clone()].iter().copied().map(Some).collect()
        };
        let numbers = float_batch(&[&some(&VALUES), &some(&TIMES)]);
        let blocks: Vec<Option<&str>> = BLOCKS[rows.clone()].iter().copied().map(Some).collect();
        numbers.into_iter().chain([words(&blocks)]).collect()
    }

    #[test]
    fn each_method_is_the_dependence_of_its_name() {
        for (method, dependence) in [
            ("independent", BlockDependence::Independent),
            ("correlated", BlockDependence::Correlated),
        ] {
            let options = [("method", ScalarValue::from(method))];
            let result =
                AggregateTester::<RegionalMannKendall>::with(&options).aggregate(&[batch(0..8)]);
            let expected = regional_mann_kendall(&VALUES, &TIMES, &BLOCKS, dependence);
            assert!(expected.statistic.is_some());
            assert_eq!(field(&result, "statistic"), ScalarValue::Float64(expected.statistic));
            assert_eq!(field(&result, "slope"), ScalarValue::Float64(expected.slope));
            assert_eq!(field(&result, "n_blocks"), ScalarValue::Int64(Some(2)));
            assert_eq!(field(&result, "method"), ScalarValue::from(expected.method.unwrap()));
        }
    }

    #[test]
    fn skips_rows_without_a_region() {
        let mut columns = float_batch(&[&VALUES.map(Some), &TIMES.map(Some)]);
        let mut blocks = BLOCKS.map(Some);
        blocks[5] = None;
        columns.push(words(&blocks));
        let result = AggregateTester::<RegionalMannKendall>::new().aggregate(&[columns]);
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(7)));
    }

    #[test]
    fn batches_merge_in_any_order() {
        let batches: Vec<Vec<ArrayRef>> = (0..4).map(|k| batch(2 * k..2 * k + 2)).collect();
        AggregateTester::<RegionalMannKendall>::new().check_merges(&batches);
        AggregateTester::<RegionalMannKendall>::new().check_slides(&batches, 3);
        let empty = AggregateTester::<RegionalMannKendall>::new().aggregate(&[]);
        assert!(field(&empty, "reason").to_string().contains("there are 0 points"));
    }
}
