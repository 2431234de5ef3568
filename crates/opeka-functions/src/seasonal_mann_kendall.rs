//! `seasonal_mann_kendall`: a trend that the seasons of a year share.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{BlockMannKendall, seasonal_mann_kendall};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::block_mann_kendall::{DEPENDENCE, dependence};
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct SeasonalMannKendall;

impl Aggregate for SeasonalMannKendall {
    const PARAMETERS: Parameters = Parameters {
        function: "seasonal_mann_kendall",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("season", Kind::Text),
            DEPENDENCE,
            STATUS,
        ],
    };
    type Result = BlockMannKendall;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        seasonal_mann_kendall(value, time, &rows.words(2), dependence(options))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "The Mann-Kendall test season by season: do values rise or fall \
        from year to year, where the \
        seasons of a year differ?\n\
        \n\
        **What it estimates.** Whether there is a trend that the seasons share: each value is \
        compared only with those of its own season. `correlated` adds the covariances between \
        seasons, without which a good year counts as many times as it has seasons.\n\
        \n\
        **Returns** a struct: `estimate` (tau: the sum of scores over the number of pairs within \
        seasons), `statistic` (z), `p_value` (two-sided, normal), `score` (the sum of Kendall's \
        S), `score_variance`, `slope` (the median of the slopes within seasons), `intercept` \
        (median of `value` less slope times median of `time`; all double), `n_obs`, `n_blocks` \
        (the number of seasons; bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value`, `time` or `season` is NULL are \
        skipped. With fewer than 3 points, no season with values for two times, or numbers that \
        are not finite, the figures are NULL and `reason` says why. `correlated` tests the times \
        at which no season is missing, of which it takes 3, and one value for each season and time; \
        where that fails there is a slope and no test. The order of rows does not matter; \
        `distinct` is refused. Points before a break in the series are left out where `status` \
        says so; the field `note` (text) tells it.\n\
        \n\
        **References.** Hirsch, Slack and Smith (1982), Water Resources Research 18; Hirsch and \
        Slack (1984), Water Resources Research 20; Libiseller and Grimvall (2002), Environmetrics \
        13.",
        "seasonal_mann_kendall(value, time, season[, method[, status]])",
    )
    .with_argument("value", "The figure that may have a trend, such as a rate.")
    .with_argument("time", "The cycle, as a number that all seasons of it share: the year.")
    .with_argument("season", "Which part of the cycle: a month, a quarter, a term.")
    .with_argument(
        "method",
        "`independent` (the default) or `correlated`, which allows for seasons that move together.",
    )
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as tau,
         round(est['statistic'], 4) as z,
         round(est['p_value'], 4) as p,
         round(est['slope'], 1) as slope
  from (select seasonal_mann_kendall(column3, column1, column2, 'correlated') as est
        from (values (2019, 'spring', 10.0), (2019, 'autumn', 15.0),
                     (2020, 'spring', 9.0), (2020, 'autumn', 14.0),
                     (2021, 'spring', 9.0), (2021, 'autumn', 12.0),
                     (2022, 'spring', 7.0), (2022, 'autumn', 13.0)));
+-------+---------+--------+-------+
| tau   | z       | p      | slope |
+-------+---------+--------+-------+
| -0.75 | -1.7538 | 0.0795 | -1.0  |
+-------+---------+--------+-------+
```",
    )
    .with_related_udf("regional_mann_kendall")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;
    use opeka_stats::BlockDependence;

    const VALUES: [f64; 8] = [10.0, 15.0, 9.0, 14.0, 9.0, 12.0, 7.0, 13.0];
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
                AggregateTester::<SeasonalMannKendall>::with(&options).aggregate(&[batch(0..8)]);
            let expected = seasonal_mann_kendall(&VALUES, &TIMES, &BLOCKS, dependence);
            assert!(expected.statistic.is_some());
            assert_eq!(field(&result, "statistic"), ScalarValue::Float64(expected.statistic));
            assert_eq!(field(&result, "slope"), ScalarValue::Float64(expected.slope));
            assert_eq!(field(&result, "n_blocks"), ScalarValue::Int64(Some(2)));
            assert_eq!(field(&result, "method"), ScalarValue::from(expected.method.unwrap()));
        }
    }

    #[test]
    fn skips_rows_without_a_season() {
        let mut columns = float_batch(&[&VALUES.map(Some), &TIMES.map(Some)]);
        let mut blocks = BLOCKS.map(Some);
        blocks[5] = None;
        columns.push(words(&blocks));
        let result = AggregateTester::<SeasonalMannKendall>::new().aggregate(&[columns]);
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(7)));
    }

    #[test]
    fn batches_merge_in_any_order() {
        let batches: Vec<Vec<ArrayRef>> = (0..4).map(|k| batch(2 * k..2 * k + 2)).collect();
        AggregateTester::<SeasonalMannKendall>::new().check_merges(&batches);
        AggregateTester::<SeasonalMannKendall>::new().check_slides(&batches, 3);
        let empty = AggregateTester::<SeasonalMannKendall>::new().aggregate(&[]);
        assert!(field(&empty, "reason").to_string().contains("there are 0 points"));
    }
}
