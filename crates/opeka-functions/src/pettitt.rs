//! `pettitt`: does a series change its level, and when?

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, pettitt};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct Pettitt;

impl Aggregate for Pettitt {
    const PARAMETERS: Parameters = Parameters {
        function: "pettitt",
        list: &[("value", Kind::Number), ("time", Kind::Number), STATUS],
    };
    type Result = opeka_stats::Pettitt;

    fn calculate(rows: &Rows, _options: &Options) -> Self::Result {
        pettitt(rows.numbers(0), rows.numbers(1))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Pettitt {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("first_after", Column::Number(|t| t.first_after)),
        ("statistic", Column::Number(|t| t.statistic)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("n_obs", Column::Count(|t| t.n_obs)),
        ("method", Column::Text(|t| t.method.map(Cow::from))),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "Pettitt's test: the time at which the level of a series changes most, and whether it \
        changes by more than chance.\n\
        \n\
        **What it estimates.** The place of a single change of level in a series that otherwise \
        has neither trend nor autocorrelation. It knows ranks only, so one wild year is no \
        change. A steady trend makes a change as well, somewhere in the middle: look at \
        `theil_sen` first.\n\
        \n\
        **Returns** a struct: `estimate` (the last time before the change), `first_after` (the \
        first time after it), `statistic` (Pettitt's K), `p_value` (two-sided, approximate; all \
        double), `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 3 points, more than one value for a time, values that are all equal, or \
        numbers that are not finite, the figures are NULL and `reason` says why. `p_value` is \
        rough above 0.5, below ten points, and where many values are equal. Of two places that \
        change as much, the first is given. The order of rows does not matter; `distinct` is \
        refused. Points before a break in the series are left out where `status` says so; the \
        field `note` (text) tells it.\n\
        \n\
        **References.** Pettitt (1979), Applied Statistics 28.",
        "pettitt(value, time[, status])",
    )
    .with_argument("value", "The figure whose level may change.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select est['estimate'] as last_before,
         est['first_after'] as first_after,
         est['statistic'] as k,
         round(est['p_value'], 4) as p
  from (select pettitt(column2, column1) as est
        from (values (2012, 41.0), (2013, 39.5), (2014, 39.0), (2015, 40.2),
                     (2016, 36.1), (2017, 35.5), (2018, 34.0), (2019, 33.5)));
+-------------+-------------+------+-------+
| last_before | first_after | k    | p     |
+-------------+-------------+------+-------+
| 2015.0      | 2016.0      | 16.0 | 0.139 |
+-------------+-------------+------+-------+
```",
    )
    .with_related_udf("mann_kendall")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const VALUES: [Option<f64>; 9] = [
        Some(41.0),
        Some(39.5),
        Some(39.0),
        Some(40.2),
        None,
        Some(36.1),
        Some(35.5),
        Some(34.0),
        Some(33.5),
    ];
    const TIMES: [Option<f64>; 9] = [
        Some(2012.0),
        Some(2013.0),
        Some(2014.0),
        Some(2015.0),
        Some(2015.0),
        Some(2016.0),
        Some(2017.0),
        Some(2018.0),
        Some(2019.0),
    ];

    fn complete() -> (Vec<f64>, Vec<f64>) {
        VALUES.iter().zip(TIMES).filter_map(|(value, time)| value.zip(time)).unzip()
    }

    #[test]
    fn skips_rows_with_a_null() {
        let result =
            AggregateTester::<Pettitt>::new().aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        let (value, time) = complete();
        let expected = pettitt(&value, &time);
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(expected.estimate));
        assert_eq!(field(&result, "first_after"), ScalarValue::Float64(expected.first_after));
        assert_eq!(field(&result, "statistic"), ScalarValue::Float64(expected.statistic));
        assert_eq!(field(&result, "p_value"), ScalarValue::Float64(expected.p_value));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(8)));
        assert_eq!(field(&result, "reason"), ScalarValue::Utf8(None));
    }

    #[test]
    fn batches_merge_in_any_order() {
        let batches: Vec<_> = VALUES
            .chunks(2)
            .zip(TIMES.chunks(2))
            .map(|(value, time)| float_batch(&[value, time]))
            .collect();
        let tester = AggregateTester::<Pettitt>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("there are 0 points"));
    }
}
