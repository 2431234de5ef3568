//! `trend_marker`: the published rule for recent trends.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Counts, Measure, Polarity, Reason, TrendMarker as Answer, TrendMarkerOptions, trend_marker,
};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;
use crate::xmr::POLARITY_ARGUMENT;

pub(crate) struct TrendMarker;

impl Aggregate for TrendMarker {
    const PARAMETERS: Parameters = Parameters {
        function: "trend_marker",
        list: &[
            ("events", Kind::Number),
            ("population", Kind::Number),
            ("time", Kind::Number),
            ("polarity", Kind::Choice(&Polarity::NAMES)),
            ("measure", Kind::Choice(&["proportion", "rate"])),
            ("counts", Kind::Choice(&["flow", "stock"])),
            ("multiplier", Kind::NumberOption(100.0)),
            STATUS,
        ],
    };
    type Result = Answer;

    fn calculate(rows: &Rows, options: &Options) -> Answer {
        let options = TrendMarkerOptions {
            polarity: Polarity::named(options.choice("polarity")).unwrap_or_default(),
            measure: match options.choice("measure") {
                "rate" => Measure::Rate,
                _ => Measure::Proportion,
            },
            counts: match options.choice("counts") {
                "stock" => Counts::Stock,
                _ => Counts::Flow,
            },
            multiplier: options.number("multiplier"),
        };
        trend_marker(rows.numbers(0), rows.numbers(1), rows.numbers(2), &options)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for Answer {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("marker", Column::Text(|m| m.marker.map(Cow::from))),
        ("judgement", Column::Text(|m| m.judgement.map(Cow::from))),
        ("estimate", Column::Number(|m| m.estimate)),
        ("statistic", Column::Number(|m| m.statistic)),
        ("p_value", Column::Number(|m| m.p_value)),
        ("first_time", Column::Number(|m| m.first_time)),
        ("last_time", Column::Number(|m| m.last_time)),
        ("n_obs", Column::Count(|m| m.n_obs)),
        ("method", Column::Text(|m| m.method.map(Cow::from))),
        ("reason", Column::Text(|m| text(m.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "Whether the five latest years show a trend, by the rule that the English public health \
        profiles (Fingertips) publish, and whether it is getting better or worse.\n\
        \n\
        **What it estimates.** `increasing` or `decreasing` where chi-square of the slope over \
        five consecutive years is above 9.5495 (p < 0.002) and the slopes of all five and of each \
        four of them have the same sign; else `no significant change`. Proportions are tested by \
        chi-square for a linear trend and compared as log odds; rates by their slope, weighted \
        with their 95 % limits. `estimate` and `p_value` are ours: the rule publishes the marker \
        alone. **A stock is not a flow:** the test takes counts as independent, but children in \
        care on 31 March are mostly those of the year before. With `counts => 'stock'` the figures \
        are the same and `reason` warns: `no significant change` may be relied on, a trend may \
        not.\n\
        \n\
        **Returns** a struct: `marker` (text: `increasing`, `decreasing`, `no significant \
        change`, `not enough data`), `judgement` (text: the marker, with `and getting better` or \
        `and getting worse` where `polarity` says what is good), `estimate` (the slope: events \
        per `multiplier` of the population, per year), `statistic` (chi-square with one degree of \
        freedom), `p_value`, `first_time`, `last_time` (all double), `n_obs` (bigint), `method` \
        and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows with a NULL are skipped, which may leave a gap. Fewer \
        than five points are `not enough data`. Where the five latest times are not consecutive \
        years, a year is there twice, a count is negative or a population is not above zero, the \
        marker is NULL and `reason` says why; for proportions also where nobody or everybody has \
        the event in one of the years. The order of rows does not matter; `distinct` is refused. \
        Points before a break in the series are left out where `status` says so; the field `note` \
        (text) tells it.\n\
        \n\
        **References.** Office for Health Improvement and Disparities, Public health technical \
        guidance: Fingertips trend markers; Cochran (1954), Biometrics 10; Armitage (1955), \
        Biometrics 11.",
        "trend_marker(events, population, time[, polarity[, measure[, counts[, multiplier[, \
        status]]]]])",
    )
    .with_argument("events", "How many events there were in a year: a number of zero or more.")
    .with_argument("population", "Among how many: a number above zero.")
    .with_argument("time", "The year, as a number: `cast(time_period as int)`.")
    .with_argument("polarity", POLARITY_ARGUMENT)
    .with_argument(
        "measure",
        "`'proportion'`, people with the event among people (the default), or `'rate'`.",
    )
    .with_argument(
        "counts",
        "`'flow'`, what happened in the year (the default), or `'stock'`, who was there on a day.",
    )
    .with_argument("multiplier", "The slope is per so many of the population. Default 100.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select est['judgement'] as trend,
         round(est['estimate'], 2) as per_year,
         round(est['statistic'], 2) as chi_square
  from (select trend_marker(column2, column3, column1, polarity => 'low is good',
                            measure => 'rate', multiplier => 10000) as est
        from (values (2010, 120, 10050), (2011, 118, 10120), (2012, 104, 10180),
                     (2013, 96, 10240), (2014, 71, 10300)));
+-------------------------------+----------+------------+
| trend                         | per_year | chi_square |
+-------------------------------+----------+------------+
| decreasing and getting better | -12.95   | 17.24      |
+-------------------------------+----------+------------+
```",
    )
    .with_related_udf("theil_sen")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    fn batch() -> [Vec<Option<f64>>; 3] {
        let events = [99.0, 120.0, 118.0, 104.0, 96.0, 71.0];
        let population = [10_000.0, 10_050.0, 10_120.0, 10_180.0, 10_240.0, 10_300.0];
        let time = (0..6).map(|k| Some(2009.0 + f64::from(k)));
        [events.map(Some).to_vec(), population.map(Some).to_vec(), time.collect()]
    }

    #[test]
    fn marks_and_judges_in_any_order() {
        let [events, population, time] = batch();
        let given = [
            ("polarity", ScalarValue::from("low is good")),
            ("measure", ScalarValue::from("rate")),
            ("multiplier", ScalarValue::from(10_000)),
        ];
        let tester = AggregateTester::<TrendMarker>::with(&given);
        let result = tester.aggregate(&[float_batch(&[&events, &population, &time])]);
        assert_eq!(field(&result, "marker"), ScalarValue::from("decreasing"));
        assert_eq!(field(&result, "judgement"), ScalarValue::from("decreasing and getting better"));
        assert_eq!(field(&result, "first_time"), ScalarValue::Float64(Some(2010.0)));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(5)));
        let batches: Vec<_> = (0..6)
            .map(|k| float_batch(&[&events[k..=k], &population[k..=k], &time[k..=k]]))
            .collect();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 5);
    }

    #[test]
    fn a_null_leaves_a_gap_and_nothing_is_not_enough() {
        let [mut events, population, time] = batch();
        events[3] = None;
        let tester = AggregateTester::<TrendMarker>::new();
        let result = tester.aggregate(&[float_batch(&[&events, &population, &time])]);
        assert_eq!(field(&result, "marker"), ScalarValue::Utf8(None));
        let reason = field(&result, "reason").to_string();
        assert!(reason.contains("not consecutive years (2011 is followed by 2013)"), "{reason}");
        let empty = tester.aggregate(&[]);
        assert_eq!(field(&empty, "marker"), ScalarValue::from("not enough data"));
    }

    #[test]
    fn a_stock_is_flagged() {
        let [events, population, time] = batch();
        let given = [("counts", ScalarValue::from("stock"))];
        let tester = AggregateTester::<TrendMarker>::with(&given);
        let result = tester.aggregate(&[float_batch(&[&events, &population, &time])]);
        assert_eq!(field(&result, "marker"), ScalarValue::from("decreasing"));
        assert!(field(&result, "reason").to_string().contains("not independent"));
    }
}
