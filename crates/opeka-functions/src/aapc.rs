//! `aapc`: the average annual per cent change.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, aapc};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct Aapc;

impl Aggregate for Aapc {
    const PARAMETERS: Parameters = Parameters {
        function: "aapc",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };
    type Result = opeka_stats::Aapc;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        aapc(rows.numbers(0), rows.numbers(1), None, options.number("conf_level"))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Aapc {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("conf_low", Column::Number(|t| t.conf_low)),
        ("conf_high", Column::Number(|t| t.conf_high)),
        ("slope", Column::Number(|t| t.slope)),
        ("std_error", Column::Number(|t| t.std_error)),
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
        "The average annual per cent change of a value, from a straight line through its \
        logarithms.\n\
        \n\
        **What it estimates.** The rate of growth of a series that grows or shrinks by the same \
        share each year; the mean over the years where it does not. All points have a part in \
        it, not only the first and the last as in `cagr`. For counts of events and their \
        population, `poisson_trend` gives each year its weight and takes years without events.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high` (per cent per unit of `time`), \
        `slope` and `std_error` (of the logarithms), `statistic` (t), `p_value` (two-sided; all \
        double), `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 3 points, a value that is not above zero, times that are all equal, or \
        numbers that are not finite, the figures are NULL and `reason` says why. Where all \
        points grow by one share exactly there is an estimate, and no error, limits or test. The \
        order of rows does not matter; `distinct` is refused. Points before a break in the \
        series are left out where `status` says so; the field `note` (text) tells it.\n\
        \n\
        **Coverage**, simulated (COVERAGE.md): limits at 95 % hold where errors are \
        independent, but in 89 % of cases at an autocorrelation of 0.2 and in 67 % at 0.6 (50 \
        points); more years do not help.\n\
        \n\
        **References.** Clegg, Hankey, Tiwari, Feuer and Edwards (2009), Statistics in Medicine \
        28.",
        "aapc(value, time[, conf_level[, status]])",
    )
    .with_argument("value", "The figure that may grow, above zero.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as per_cent,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         round(est['p_value'], 4) as p
  from (select aapc(column2, column1) as est
        from (values (2012, 41.0), (2013, 39.5), (2014, 39.0), (2015, 40.2),
                     (2016, 36.1), (2017, 35.5), (2018, 34.0), (2019, 33.5)));
+----------+-------+-------+--------+
| per_cent | low   | high  | p      |
+----------+-------+-------+--------+
| -2.99    | -4.01 | -1.97 | 0.0004 |
+----------+-------+-------+--------+
```",
    )
    .with_related_udf("cagr")
    .with_related_udf("poisson_trend")
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
        let result = AggregateTester::<Aapc>::new().aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        let (value, time) = complete();
        let expected = aapc(&value, &time, None, 0.95);
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(expected.estimate));
        assert_eq!(field(&result, "conf_low"), ScalarValue::Float64(expected.conf_low));
        assert_eq!(field(&result, "std_error"), ScalarValue::Float64(expected.std_error));
        assert_eq!(field(&result, "p_value"), ScalarValue::Float64(expected.p_value));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(8)));
        assert_eq!(field(&result, "reason"), ScalarValue::Utf8(None));
    }

    #[test]
    fn a_level_is_an_option() {
        let tester = AggregateTester::<Aapc>::with(&[("conf_level", ScalarValue::from(0.8))]);
        let result = tester.aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        let (value, time) = complete();
        let expected = aapc(&value, &time, None, 0.8);
        assert_eq!(field(&result, "conf_low"), ScalarValue::Float64(expected.conf_low));
        let none = [("conf_level", ScalarValue::Float64(None))];
        let result = AggregateTester::<Aapc>::with(&none).aggregate(&[]);
        let reason = field(&result, "reason").to_string();
        assert_eq!(reason, "cannot be calculated because conf_level is missing");
    }

    #[test]
    fn batches_merge_in_any_order() {
        let batches: Vec<_> = VALUES
            .chunks(2)
            .zip(TIMES.chunks(2))
            .map(|(value, time)| float_batch(&[value, time]))
            .collect();
        let tester = AggregateTester::<Aapc>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("there are 0 points"));
    }
}
