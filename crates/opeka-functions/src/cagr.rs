//! `cagr`: the compound annual growth rate.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, cagr};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct Cagr;

impl Aggregate for Cagr {
    const PARAMETERS: Parameters = Parameters {
        function: "cagr",
        list: &[("value", Kind::Number), ("time", Kind::Number), STATUS],
    };
    type Result = opeka_stats::Cagr;

    fn calculate(rows: &Rows, _options: &Options) -> Self::Result {
        cagr(rows.numbers(0), rows.numbers(1))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Cagr {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
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
        "The compound annual growth rate: the growth per year, in per cent, that leads from the \
        first value to the last.\n\
        \n\
        **What it estimates.** Nothing: it restates two numbers and has no limits. One unusual \
        year at either end is all of it; `aapc` is a rate that all points have a part in.\n\
        \n\
        **Returns** a struct: `estimate` (per cent per unit of `time`, double), `n_obs` \
        (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 2 points, a first or last value that is not above zero, more than one value \
        for the first or the last time, or numbers that are not finite, the figure is NULL and \
        `reason` says why. Years that are missing in between do not matter. The order of rows \
        does not matter; `distinct` is refused. Points before a break in the series are left out \
        where `status` says so; the field `note` (text) tells it.\n\
        \n\
        **References.** Eurostat (2014), Getting messages across using indicators.",
        "cagr(value, time[, status])",
    )
    .with_argument("value", "The figure that may grow, above zero.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as per_cent, est['n_obs'] as n
  from (select cagr(column2, column1) as est
        from (values (2012, 41.0), (2013, 39.5), (2014, 39.0), (2015, 40.2),
                     (2016, 36.1), (2017, 35.5), (2018, 34.0), (2019, 33.5)));
+----------+---+
| per_cent | n |
+----------+---+
| -2.84    | 8 |
+----------+---+
```",
    )
    .with_related_udf("aapc")
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
        let result = AggregateTester::<Cagr>::new().aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        let (value, time) = complete();
        let expected = cagr(&value, &time);
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(expected.estimate));
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
        let tester = AggregateTester::<Cagr>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("there are 0 points"));
    }
}
