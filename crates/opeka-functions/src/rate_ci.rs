//! `rate_ci`: events per population, with confidence limits.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Estimate, rate_ci};

use crate::RATES;
use crate::parameters::{Kind, Parameters};
use crate::scalar::{Arguments, Scalar};

pub(crate) struct RateCi;

impl Scalar for RateCi {
    const PARAMETERS: Parameters = Parameters {
        function: "rate_ci",
        list: &[
            ("events", Kind::Number),
            ("population", Kind::Number),
            ("multiplier", Kind::NumberOption(1.0)),
            ("conf_level", Kind::NumberOption(0.95)),
        ],
    };
    type Result = Estimate;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        |row| rate_ci(row.number(0), row.number(1), row.number(2), row.number(3))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        RATES,
        "A rate, `events / population * multiplier`, with its confidence limits.\n\
        \n\
        **What it estimates.** The rate at which events happen, where the count of events is a \
        Poisson variable and the population is known without error. Below 10 events the limits \
        are the exact ones of Garwood, from 10 on Byar's approximation to them.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high` (double, in the unit that \
        `multiplier` sets), `method` (`exact Poisson` or `Byar`) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL, `events` is negative, \
        `population` or `multiplier` is not above zero, or `conf_level` is not between 0 and 1, \
        the figures are NULL and `reason` says which. No events give a rate of zero with an upper \
        limit. A rate may exceed `multiplier`: one child may have two events.\n\
        \n\
        **References.** Garwood (1936), Biometrika 28; Breslow and Day (1987), Statistical \
        methods in cancer research II; Public Health England (2018), Technical guide: confidence \
        intervals for commonly used public health indicators.",
        "rate_ci(events, population[, multiplier[, conf_level]])",
    )
    .with_argument("events", "How many events there were: a number of zero or more.")
    .with_argument("population", "How many could have had one: a number above zero.")
    .with_argument("multiplier", "The rate is per so many of the population. Default 1.")
    .with_argument("conf_level", "The level of the limits, as a share. Default 0.95.")
    .with_sql_example(
        "```sql
> select events,
         round(est['estimate'], 2) as rate,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         est['method'] as method
  from (select column1 as events, rate_ci(column1, column2, 10000) as est
        from (values (4, 8500), (65, 8500)))
  order by events;
+--------+-------+-------+-------+---------------+
| events | rate  | low   | high  | method        |
+--------+-------+-------+-------+---------------+
| 4      | 4.71  | 1.28  | 12.05 | exact Poisson |
| 65     | 76.47 | 59.02 | 97.47 | Byar          |
+--------+-------+-------+-------+---------------+
```",
    )
    .with_related_udf("proportion_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Udf;
    use crate::testing::{floats, invoke, numbers, texts};
    use datafusion_common::ScalarValue;
    use datafusion_expr::ColumnarValue;

    #[test]
    fn defaults_nulls_and_failed_preconditions() {
        let events = floats(&[Some(20.0), None, Some(1.0), Some(-1.0)]);
        let population = floats(&[Some(100.0), Some(100.0), Some(0.0), Some(10.0)]);
        let result = invoke(&Udf::<RateCi>::new(), &[events, population], 4);
        assert_eq!(numbers(&result, "estimate"), [Some(0.2), None, None, None]);
        let reasons = texts(&result, "reason");
        assert_eq!(reasons[0], None);
        let contains = |row: usize, part: &str| {
            assert!(reasons[row].as_deref().is_some_and(|r| r.contains(part)), "{reasons:?}");
        };
        contains(1, "events is missing");
        contains(2, "population is 0");
        contains(3, "events is -1");
    }

    #[test]
    fn constants_stay_constant() {
        let args = [4.0, 8500.0, 1000.0, 0.9].map(|x| ColumnarValue::from(ScalarValue::from(x)));
        let result = invoke(&Udf::<RateCi>::new(), &args, 3);
        assert!(matches!(result, ColumnarValue::Scalar(ScalarValue::Struct(_))), "{result:?}");
        let wide = invoke(&Udf::<RateCi>::new(), &args[..3], 3);
        assert!(numbers(&wide, "conf_low") < numbers(&result, "conf_low"));
    }

    #[test]
    fn no_rows_are_no_rows() {
        let none = [floats(&[]), floats(&[])];
        assert!(numbers(&invoke(&Udf::<RateCi>::new(), &none, 0), "estimate").is_empty());
    }
}
