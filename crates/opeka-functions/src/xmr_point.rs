//! `xmr_point`: where each row of a series lies on its control chart.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Polarity, Reason, XmrPoint};

use crate::CHARTS;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::rows::Rows;
use crate::series::POINT_STATUS_ARGUMENT;
use crate::window::Window;
use crate::xmr::{
    BASELINE_ARGUMENT, POLARITY_ARGUMENT, REBASE_ARGUMENT, REBASE_REASON_ARGUMENT, SCREEN_ARGUMENT,
    TIME_ARGUMENT, VALUE_ARGUMENT, chart,
};

pub(crate) struct XmrPoints;

impl Window for XmrPoints {
    const PARAMETERS: Parameters = Parameters {
        function: "xmr_point",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("polarity", Kind::Choice(&Polarity::NAMES)),
            ("screen_outliers", Kind::Flag(true)),
            ("baseline_points", Kind::NumberOrNone),
            ("rebase_at", Kind::NumberOrNone),
            ("rebase_reason", Kind::TextOrNone),
            STATUS,
        ],
    };
    type Result = XmrPoint;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let chart = chart(rows, options);
        // No two points of a chart share a time.
        let of_row = |time: &f64| {
            let before = chart.points.partition_point(|point| point.time < Some(*time));
            chart.points.get(before).cloned().unwrap_or_else(|| {
                let reason = chart.reason.clone();
                XmrPoint::unknown(reason.unwrap_or_else(|| Reason::missing("time")))
            })
        };
        rows.numbers(1).iter().map(of_row).collect()
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        CHARTS,
        "Where each row lies on the control chart of its partition: the chart of `xmr`, as one \
        struct per row.\n\
        \n\
        **What it estimates.** The mean and the process limits of the series that the partition \
        is, and whether the row is a signal, by the rules of `xmr`.\n\
        \n\
        **Returns** a struct for each row: `time`, `value`, `mean`, `lower`, `upper` (double), \
        `outside_limits`, `close_to_limits` (boolean), `relative_to_mean` (-1, 0 or 1), `signal` \
        (text such as `7 Points Above CL`, NULL for common cause), `kind` (`improvement`, \
        `concern`, `neither` or `common cause`), `phase` (bigint; 0 where there is no chart), \
        `limits_kind`, `reason` and `note` (text; which breaks and forecasts were found).\n\
        \n\
        **Nulls and small samples.** A row in which `value` or `time` is NULL is not on the chart, \
        and its `reason` says so. Otherwise as `xmr`: what leaves the chart without figures leaves \
        each of its rows without them, and trial limits are called that.\n\
        \n\
        A window function: `xmr_point(rate, year) over (partition by ref_area)`. An order or a \
        frame of the window changes nothing.\n\
        \n\
        **References.** Wheeler (2000), Understanding Variation; NHS England, Making Data Count; R \
        package NHSRplotthedots.",
        "xmr_point(value, time[, polarity[, screen_outliers[, baseline_points[, rebase_at[, \
        rebase_reason[, status]]]]]])",
    )
    .with_argument("value", VALUE_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("polarity", POLARITY_ARGUMENT)
    .with_argument("screen_outliers", SCREEN_ARGUMENT)
    .with_argument("baseline_points", BASELINE_ARGUMENT)
    .with_argument("rebase_at", REBASE_ARGUMENT)
    .with_argument("rebase_reason", REBASE_REASON_ARGUMENT)
    .with_argument("status", POINT_STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select year, value, point['signal'] as signal, point['kind'] as kind
  from (select column1 as year, column2 as value,
               xmr_point(column2, column1, 'low is good') over () as point
        from (values (2010, 41), (2011, 39), (2012, 42), (2013, 40), (2014, 41), (2015, 43),
                     (2016, 40), (2017, 42), (2018, 39), (2019, 41), (2020, 58), (2021, 40)))
  where year >= 2019
  order by year;
+------+-------+-----------+--------------+
| year | value | signal    | kind         |
+------+-------+-----------+--------------+
| 2019 | 41    |           | common cause |
| 2020 | 58    | Above UCL | concern      |
| 2021 | 40    |           | common cause |
+------+-------+-----------+--------------+
```",
    )
    .with_related_udf("xmr")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{float_batch, numbers, over, texts};
    use datafusion_common::ScalarValue;

    const VALUES: [Option<f64>; 13] = [
        Some(58.0),
        Some(41.0),
        Some(39.0),
        Some(42.0),
        Some(40.0),
        Some(41.0),
        None,
        Some(43.0),
        Some(40.0),
        Some(42.0),
        Some(39.0),
        Some(41.0),
        Some(40.0),
    ];

    /// The wild point of 2020 comes first.
    fn times() -> Vec<Option<f64>> {
        let rest = (2009..=2021).filter(|year| *year != 2020);
        [2020].into_iter().chain(rest).map(|year| Some(f64::from(year))).collect()
    }

    #[test]
    fn each_row_has_its_place() {
        let given = [("polarity", ScalarValue::from("low is good"))];
        let rows = over::<XmrPoints>(&float_batch(&[&VALUES, &times()]), &given);
        let kinds = texts(&rows, "kind");
        assert_eq!(kinds[0].as_deref(), Some("concern"));
        assert_eq!(kinds[1].as_deref(), Some("common cause"));
        assert_eq!(texts(&rows, "signal")[0].as_deref(), Some("Above UCL"));
        assert_eq!(kinds[6], None);
        let reasons = texts(&rows, "reason");
        assert_eq!(reasons[6].as_deref(), Some("cannot be calculated because value is missing"));
        assert_eq!(reasons[0], None);
        // Each row has its own time and value, and all have the same mean.
        assert_eq!(numbers(&rows, "value"), VALUES);
        let means = numbers(&rows, "mean");
        assert_eq!((means[0], means[6]), (means[12], None));
    }

    #[test]
    fn what_leaves_the_chart_without_figures_is_told_in_each_row() {
        let rows = over::<XmrPoints>(&float_batch(&[&[Some(1.0); 2], &[Some(5.0); 2]]), &[]);
        for reason in texts(&rows, "reason") {
            assert!(reason.unwrap().contains("two points share the time 5"));
        }
        let none = over::<XmrPoints>(&float_batch(&[&[], &[]]), &[]);
        assert!(texts(&none, "reason").is_empty());
    }
}
