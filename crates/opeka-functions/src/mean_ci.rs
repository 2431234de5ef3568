//! `mean_ci`: means, with Student's limits.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, mean_ci};

use crate::RATES;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct MeanCi;

impl Aggregate for MeanCi {
    const PARAMETERS: Parameters = Parameters {
        function: "mean_ci",
        list: &[("value", Kind::Number), ("conf_level", Kind::NumberOption(0.95))],
    };
    type Result = opeka_stats::MeanCi;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        mean_ci(rows.numbers(0), options.number("conf_level"))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::MeanCi {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.mean.estimate)),
        ("conf_low", Column::Number(|r| r.mean.conf_low)),
        ("conf_high", Column::Number(|r| r.mean.conf_high)),
        ("conf_low_998", Column::Number(|r| r.mean.conf_low_998)),
        ("conf_high_998", Column::Number(|r| r.mean.conf_high_998)),
        ("std_dev", Column::Number(|r| r.std_dev)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.mean.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.mean.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        RATES,
        "The mean of values, with its confidence limits.\n\
        \n\
        **What it estimates.** The mean of the distribution that the values are independent \
        draws from. The limits are Student's, `mean ± t s / sqrt(n)`, with the sample standard \
        deviation `s` and `n - 1` degrees of freedom: exact for normal values, good for others \
        where there are not too few.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `conf_low_998`, \
        `conf_high_998` (at a level of 0.998, whatever `conf_level` is), `std_dev` (double), \
        `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` is NULL are skipped. One value has a \
        mean but no limits; no value, or a number that is not finite, gives NULL figures; \
        `reason` says so. The order of rows does not matter.\n\
        \n\
        **References.** Student (1908), Biometrika 6; R package PHEindicatormethods, phe_mean.",
        "mean_ci(value[, conf_level])",
    )
    .with_argument("value", "The figure to average.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_sql_example(
        "```sql
> select round(est['estimate'], 1) as mean,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         est['n_obs'] as n
  from (select mean_ci(column1) as est from (values (30), (40), (50), (60)));
+------+-------+-------+---+
| mean | low   | high  | n |
+------+-------+-------+---+
| 45.0 | 24.46 | 65.54 | 4 |
+------+-------+-------+---+
```",
    )
    .with_related_udf("rate_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const VALUES: [Option<f64>; 5] = [Some(30.0), Some(40.0), None, Some(50.0), Some(60.0)];

    #[test]
    fn skips_nulls() {
        let result = AggregateTester::<MeanCi>::new().aggregate(&[float_batch(&[&VALUES])]);
        let expected = mean_ci(&[30.0, 40.0, 50.0, 60.0], 0.95);
        assert_eq!(field(&result, "estimate"), ScalarValue::from(45.0));
        assert_eq!(field(&result, "conf_low"), ScalarValue::Float64(expected.mean.conf_low));
        assert_eq!(
            field(&result, "conf_high_998"),
            ScalarValue::Float64(expected.mean.conf_high_998)
        );
        assert_eq!(field(&result, "std_dev"), ScalarValue::Float64(expected.std_dev));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(4)));
    }

    #[test]
    fn batches_merge_and_slide() {
        let batches: Vec<_> = VALUES.iter().map(|value| float_batch(&[&[*value]])).collect();
        let tester = AggregateTester::<MeanCi>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 2);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no values"));
    }
}
