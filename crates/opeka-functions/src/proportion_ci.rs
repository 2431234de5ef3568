//! `proportion_ci`: a part of a whole, with confidence limits.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Estimate, ProportionMethod};

use crate::RATES;
use crate::parameters::{Kind, Parameters};
use crate::scalar::{Arguments, Scalar};

pub(crate) struct ProportionCi;

impl Scalar for ProportionCi {
    const PARAMETERS: Parameters = Parameters {
        function: "proportion_ci",
        list: &[
            ("successes", Kind::Number),
            ("trials", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
        ],
    };
    type Result = Estimate;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        // The level is mostly the same in all rows.
        let mut last = f64::NAN;
        let mut method = ProportionMethod::new(last);
        move |row| {
            let conf_level = row.number(2);
            if last != conf_level {
                (last, method) = (conf_level, ProportionMethod::new(conf_level));
            }
            method.proportion(row.number(0), row.number(1))
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        RATES,
        "A proportion, `successes / trials`, with its confidence limits.\n\
        \n\
        **What it estimates.** The probability of a success, where each trial is one \
        independently and with the same probability. The limits are Wilson's score limits: they \
        stay between 0 and 1 and hold their level in small samples.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `conf_low_998`, `conf_high_998` \
        (at a level of 0.998, whatever `conf_level` is; all double, between 0 and 1), `method` \
        (`Wilson score`) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL, `successes` is negative or above \
        `trials`, `trials` is not above zero, or `conf_level` is not between 0 and 1, the figures \
        are NULL and `reason` says which. One trial is enough for limits, if wide ones.\n\
        \n\
        **Coverage**, simulated (COVERAGE.md): limits at 95 % hold at their level on average, \
        but in 90 % to 92 % of cases where few successes are expected (a share of 1 % in 10, \
        50 or 100 trials).\n\
        \n\
        **References.** Wilson (1927), JASA 22; Newcombe (1998), Statistics in Medicine 17; \
        Public Health England (2018), Technical guide: confidence intervals for commonly used \
        public health indicators.",
        "proportion_ci(successes, trials[, conf_level])",
    )
    .with_argument("successes", "The part: a number between zero and `trials`.")
    .with_argument("trials", "The whole: a number above zero.")
    .with_argument("conf_level", "The level of the limits, as a share. Default 0.95.")
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as share,
         round(est['conf_low'], 3) as low,
         round(est['conf_high'], 3) as high
  from (select proportion_ci(37, 120) as est);
+-------+-------+-------+
| share | low   | high  |
+-------+-------+-------+
| 0.308 | 0.233 | 0.396 |
+-------+-------+-------+
```",
    )
    .with_related_udf("rate_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Udf;
    use crate::testing::{floats, invoke, numbers, texts};

    #[test]
    fn defaults_nulls_and_failed_preconditions() {
        let successes = floats(&[Some(1.0), Some(3.0), Some(0.0), Some(5.0)]);
        let trials = floats(&[Some(4.0), None, Some(0.0), Some(4.0)]);
        let result = invoke(&Udf::<ProportionCi>::new(), &[successes, trials], 4);
        assert_eq!(numbers(&result, "estimate"), [Some(0.25), None, None, None]);
        assert_eq!(texts(&result, "method")[0].as_deref(), Some("Wilson score"));
        let reasons = texts(&result, "reason");
        let contains = |row: usize, part: &str| {
            assert!(reasons[row].as_deref().is_some_and(|r| r.contains(part)), "{reasons:?}");
        };
        contains(1, "trials is missing");
        contains(2, "trials is 0");
        contains(3, "successes is 5 of 4 trials");
    }
}
