//! `compare`: whether confidence limits exclude a benchmark.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Comparison, Polarity, Reason, compare};

use crate::parameters::{Kind, Parameters};
use crate::row::{Column, Row, text};
use crate::scalar::{Arguments, Scalar};
use crate::{COMPARISONS, POLARITY};

pub(crate) struct Compare;

impl Scalar for Compare {
    const PARAMETERS: Parameters = Parameters {
        function: "compare",
        list: &[
            ("conf_low", Kind::Number),
            ("conf_high", Kind::Number),
            ("benchmark", Kind::Number),
            ("polarity", POLARITY),
        ],
    };
    type Result = Comparison;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        |row| {
            let polarity = Polarity::named(row.word(3)).unwrap_or_default();
            compare(row.number(0), row.number(1), row.number(2), polarity)
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for Comparison {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("comparison", Column::Text(|r| r.comparison.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        COMPARISONS,
        "Whether a figure differs from a benchmark by more than chance: whether its confidence \
        limits exclude the benchmark, and on which side.\n\
        \n\
        **What it estimates.** Nothing of its own: it is the rule of the English public health \
        indicators. Where the benchmark lies outside the limits, the figure is `better` or \
        `worse` by `polarity`, `higher` or `lower` without one; otherwise, and where the \
        benchmark equals a limit, it is `similar`. With limits of 0.95 one of twenty areas that \
        are like the benchmark is called different; with `conf_low_998` and `conf_high_998` one \
        of 500. The benchmark is taken as known: a target, or the figure of a far larger area.\n\
        \n\
        **Returns** a struct: `comparison` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL or not finite, `conf_low` is \
        above `conf_high`, or `polarity` is not one of the three words, `comparison` is NULL and \
        `reason` says why. Small samples have wide limits: `similar` then means that nothing can \
        be said.\n\
        \n\
        **References.** Public Health England (2018), Technical guide: confidence intervals for \
        commonly used public health indicators.",
        "compare(conf_low, conf_high, benchmark[, polarity])",
    )
    .with_argument("conf_low", "The lower confidence limit of the figure.")
    .with_argument("conf_high", "The upper one.")
    .with_argument("benchmark", "What the figure is held against, in the same unit.")
    .with_argument("polarity", "'high is good', 'low is good' or 'none'. Default 'none'.")
    .with_sql_example(
        "```sql
> select area, compare(est['conf_low'], est['conf_high'], 60, 'low is good')['comparison'] as verdict
  from (select column1 as area, rate_ci(column2, column3, 10000) as est
        from (values ('east', 95, 9100), ('north', 31, 8500), ('south', 46, 7900)))
  order by area;
+-------+---------+
| area  | verdict |
+-------+---------+
| east  | worse   |
| north | better  |
| south | similar |
+-------+---------+
```",
    )
    .with_related_udf("distance")
    .with_related_udf("rate_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Udf;
    use crate::testing::{floats, invoke, texts, words};
    use datafusion_expr::ColumnarValue;

    #[test]
    fn verdicts_nulls_and_words() {
        let low = floats(&[Some(2.0), Some(0.0), Some(0.5), Some(1.0), None, Some(3.0)]);
        let high = floats(&[Some(3.0), Some(0.5), Some(2.0), Some(2.0), Some(1.0), Some(2.0)]);
        let benchmark = floats(&[Some(1.0); 6]);
        let columns = [low, high, benchmark];
        let plain = invoke(&Udf::<Compare>::new(), &columns, 6);
        let similar = Some("similar".to_owned());
        assert_eq!(texts(&plain, "comparison")[..2], [Some("higher".into()), Some("lower".into())]);
        assert_eq!(
            texts(&plain, "comparison")[2..],
            [similar.clone(), similar.clone(), None, None]
        );
        let reasons = texts(&plain, "reason");
        assert!(reasons[4].as_deref().is_some_and(|r| r.contains("conf_low is missing")));
        assert!(reasons[5].as_deref().is_some_and(|r| r.contains("is above conf_high")));

        let polarity = words(&[
            Some("low is good"),
            Some("high is good"),
            Some("none"),
            Some("up"),
            None,
            None,
        ]);
        let [low, high, benchmark] = columns;
        let with = invoke(
            &Udf::<Compare>::new(),
            &[low, high, benchmark, ColumnarValue::Array(polarity)],
            6,
        );
        let worse = Some("worse".to_owned());
        assert_eq!(texts(&with, "comparison")[..4], [worse.clone(), worse, similar, None]);
        assert!(
            texts(&with, "reason")[3].as_deref().is_some_and(|r| r.contains("polarity is `up`"))
        );
    }

    #[test]
    fn the_example() {
        let verdict = |events, population| {
            let rate = opeka_stats::rate_ci(events, population, 10_000.0, 0.95);
            let (low, high) = (rate.conf_low.unwrap(), rate.conf_high.unwrap());
            compare(low, high, 60.0, Polarity::LowIsGood).comparison.unwrap()
        };
        assert_eq!(verdict(95.0, 9100.0), "worse");
        assert_eq!(verdict(31.0, 8500.0), "better");
        assert_eq!(verdict(46.0, 7900.0), "similar");
    }
}
