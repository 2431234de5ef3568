//! `rate_ci`: events per population, with confidence limits.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Estimate, RateMethod, rate_ci};

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
        // Multiplier and level are mostly the same in all rows: from the second row on, what
        // depends on them alone is not calculated again.
        let mut last = [f64::NAN; 2];
        let mut prepared: Option<RateMethod> = None;
        move |row| {
            let (events, population) = (row.number(0), row.number(1));
            let [multiplier, conf_level] = [row.number(2), row.number(3)];
            if last != [multiplier, conf_level] {
                last = [multiplier, conf_level];
                prepared = None;
                return rate_ci(events, population, multiplier, conf_level);
            }
            let method = prepared.get_or_insert_with(|| RateMethod::new(multiplier, conf_level));
            method.rate(events, population)
        }
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
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `conf_low_998`, `conf_high_998` \
        (at a level of 0.998, whatever `conf_level` is; all double, in the unit that `multiplier` \
        sets), `method` (`exact Poisson` or `Byar`) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL, `events` is negative, \
        `population` or `multiplier` is not above zero, or `conf_level` is not between 0 and 1, \
        the figures are NULL and `reason` says which. No events give a rate of zero with an upper \
        limit. A rate may exceed `multiplier`: one child may have two events.\n\
        \n\
        **Coverage**, simulated (COVERAGE.md): limits at 95 % hold in at least 95 % of cases \
        at every mean from 1 to 1000 that was tried.\n\
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
    .with_related_udf("dsr")
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
    fn rows_of_one_level_and_of_many_are_the_same() {
        let rows = [3.0, 8.0, 12.0, 3.5, 250.0].map(Some);
        let columns = |levels: &[Option<f64>; 5]| {
            [floats(&rows), floats(&[Some(220.0); 5]), floats(&[Some(100.0); 5]), floats(levels)]
        };
        let one = invoke(&Udf::<RateCi>::new(), &columns(&[Some(0.95); 5]), 5);
        for (row, events) in rows.into_iter().enumerate() {
            let plain = rate_ci(events.unwrap(), 220.0, 100.0, 0.95);
            assert_eq!(numbers(&one, "conf_low")[row], plain.conf_low);
            assert_eq!(numbers(&one, "conf_high_998")[row], plain.conf_high_998);
        }
        let levels = [0.95, 0.998, 0.998, 0.9, 0.95].map(Some);
        let many = invoke(&Udf::<RateCi>::new(), &columns(&levels), 5);
        assert_eq!(numbers(&many, "conf_low")[0], numbers(&one, "conf_low")[0]);
        assert_eq!(numbers(&many, "conf_low")[4], numbers(&one, "conf_low")[4]);
        assert_eq!(numbers(&many, "conf_low")[1..3], numbers(&one, "conf_low_998")[1..3]);
        assert!(numbers(&many, "conf_low")[3] > numbers(&one, "conf_low")[3]);
        assert_eq!(numbers(&many, "conf_low_998"), numbers(&one, "conf_low_998"));
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
