//! `isr`: ratios and rates standardised indirectly for age.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, isr};

use crate::RATES;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct Isr;

impl Aggregate for Isr {
    const PARAMETERS: Parameters = Parameters {
        function: "isr",
        list: &[
            ("observed", Kind::NumberOrNull),
            ("expected", Kind::NumberOrNull),
            ("conf_level", Kind::NumberOption(0.95)),
            ("reference_rate", Kind::NumberOrNone),
        ],
    };
    type Result = opeka_stats::Isr;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let columns = rows.whole(0, "observed").and_then(|o| Ok((o, rows.whole(1, "expected")?)));
        match columns {
            Ok((observed, expected)) => {
                let reference_rate = options.number_or_none("reference_rate");
                isr(observed, expected, options.number("conf_level"), reference_rate)
            }
            Err(reason) => opeka_stats::Isr::unknown(reason, rows.len()),
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Isr {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.ratio.estimate)),
        ("conf_low", Column::Number(|r| r.ratio.conf_low)),
        ("conf_high", Column::Number(|r| r.ratio.conf_high)),
        ("conf_low_998", Column::Number(|r| r.ratio.conf_low_998)),
        ("conf_high_998", Column::Number(|r| r.ratio.conf_high_998)),
        ("observed", Column::Number(|r| r.observed)),
        ("expected", Column::Number(|r| r.expected)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.ratio.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.ratio.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        RATES,
        "An indirectly standardised ratio: the events of an area over those that would be \
        expected at the rates of a reference population; with `reference_rate`, the indirectly \
        standardised rate.\n\
        \n\
        **What it estimates.** `sum(observed) / sum(expected)`, where each row is one age band \
        and its expected events are its population times the rate of the reference in that band. \
        With `reference_rate`, the crude rate of the whole reference in any unit, the result is \
        the ratio times that rate. Below 10 observed events the limits are the exact ones of \
        Garwood, from 10 on Byar's approximation to them.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `conf_low_998`, \
        `conf_high_998` (at a level of 0.998, whatever `conf_level` is), `observed` and \
        `expected` (double, the sums), `n_obs` (bigint, the number of rows), `method` (`exact \
        Poisson` or `Byar`) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** A missing number makes the whole ratio NULL, not only its \
        band: write `coalesce(observed, 0)` where a missing count is a count of zero. No \
        observed events give a ratio of zero with an upper limit. A negative number, or no \
        expected events at all, give NULL figures and a `reason`. The order of rows does not \
        matter.\n\
        \n\
        **References.** Breslow and Day (1987), Statistical methods in cancer research II; \
        Public Health England (2018), Technical guide: confidence intervals for commonly used \
        public health indicators; R package PHEindicatormethods, calculate_ISRatio and \
        calculate_ISRate.",
        "isr(observed, expected[, conf_level[, reference_rate]])",
    )
    .with_argument("observed", "The events in an age band: zero or more.")
    .with_argument("expected", "The events that the rate of the reference would give there.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument(
        "reference_rate",
        "The crude rate of the reference, for a rate in place of a ratio: a constant. \
         Default: none.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as ratio,
         round(est['conf_low'], 3) as low,
         round(est['conf_high'], 3) as high,
         est['method'] as method
  from (select isr(column1, column2) as est
        from (values (4, 5.5), (9, 8.0), (17, 11.0)));
+-------+-------+-------+--------+
| ratio | low   | high  | method |
+-------+-------+-------+--------+
| 1.224 | 0.826 | 1.748 | Byar   |
+-------+-------+-------+--------+
```",
    )
    .with_related_udf("dsr")
    .with_related_udf("rate_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    fn rounded(result: &ScalarValue, name: &str) -> f64 {
        let ScalarValue::Float64(Some(x)) = field(result, name) else { panic!("{name}") };
        (x * 1e6).round() / 1e6
    }

    #[test]
    fn sums_decide() {
        let batch = float_batch(&[
            &[Some(4.0), Some(9.0), Some(17.0)],
            &[Some(5.5), Some(8.0), Some(11.0)],
        ]);
        let ratio = AggregateTester::<Isr>::new().aggregate(std::slice::from_ref(&batch));
        assert_eq!(rounded(&ratio, "estimate"), 1.224_49);
        assert_eq!(rounded(&ratio, "conf_low"), 0.825_998);
        assert_eq!(rounded(&ratio, "conf_high_998"), 2.086_469);
        assert_eq!(field(&ratio, "expected"), ScalarValue::from(24.5));
        assert_eq!(field(&ratio, "method"), ScalarValue::from("Byar"));

        let given = [("reference_rate", ScalarValue::from(49.0))];
        let rate = AggregateTester::<Isr>::with(&given).aggregate(&[batch]);
        assert_eq!(rounded(&rate, "estimate"), 60.0);
    }

    #[test]
    fn a_missing_band_is_a_reason() {
        let batch = float_batch(&[&[Some(4.0), None], &[Some(5.5), Some(8.0)]]);
        let result = AggregateTester::<Isr>::new().aggregate(&[batch]);
        assert!(
            field(&result, "reason").to_string().contains("observed is missing in 1 of 2 rows")
        );
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(None));
    }

    #[test]
    fn batches_merge_and_slide() {
        let row = |o: Option<f64>, e: Option<f64>| float_batch(&[&[o], &[e]]);
        let batches = [
            row(Some(4.0), Some(5.5)),
            row(Some(0.0), Some(0.1)),
            row(Some(9.0), None),
            row(Some(1.0), Some(2.0)),
        ];
        let tester = AggregateTester::<Isr>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 2);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no age bands"));
    }
}
