//! `joinpoint_counts`: log odds that are piecewise straight.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    CountsSelection, JoinpointCounts as Answer, JoinpointCountsOptions, Reason, joinpoint_counts,
};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::joinpoint::whole;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct JoinpointCounts;

impl Aggregate for JoinpointCounts {
    const PARAMETERS: Parameters = Parameters {
        function: "joinpoint_counts",
        list: &[
            ("events", Kind::Number),
            ("population", Kind::Number),
            ("time", Kind::Number),
            ("max_joins", Kind::NumberOption(1.0)),
            ("selection", Kind::Choice(&["bic", "fixed"])),
            ("conf_level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };
    type Result = Answer;

    fn calculate(rows: &Rows, options: &Options) -> Answer {
        let (events, population, time) = (rows.numbers(0), rows.numbers(1), rows.numbers(2));
        let max_joins = match whole(options, "max_joins", 1e3) {
            Ok(number) => number as usize,
            Err(reason) => return Answer::unknown(reason, events.len()),
        };
        let options = JoinpointCountsOptions {
            selection: match options.choice("selection") {
                "fixed" => CountsSelection::Fixed,
                _ => CountsSelection::Bic,
            },
            conf_level: options.number("conf_level"),
        };
        joinpoint_counts(events, population, time, max_joins, &options)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for Answer {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("n_joins", Column::CountOrNone(|j| j.n_joins)),
        ("joins", Column::List(&List(|j: &Self| j.joins.as_slice()))),
        ("segments", Column::List(&List(|j: &Self| j.segments.as_slice()))),
        ("estimate", Column::Number(|j| j.estimate)),
        ("conf_low", Column::Number(|j| j.conf_low)),
        ("conf_high", Column::Number(|j| j.conf_high)),
        ("slope", Column::Number(|j| j.slope)),
        ("std_error", Column::Number(|j| j.std_error)),
        ("statistic", Column::Number(|j| j.statistic)),
        ("p_value", Column::Number(|j| j.p_value)),
        ("intercept", Column::Number(|j| j.intercept)),
        ("log_likelihood", Column::Number(|j| j.log_likelihood)),
        ("deviance", Column::Number(|j| j.deviance)),
        ("bic", Column::Number(|j| j.bic)),
        ("n_obs", Column::Count(|j| j.n_obs)),
        ("method", Column::Text(|j| j.method.map(Cow::from))),
        ("reason", Column::Text(|j| text(j.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "How often the trend of a share changed, and when, from counts: log odds that are straight \
        between joins (logistic joinpoint regression).\n\
        \n\
        **What it estimates.** With `events` of `population` at each `time`, the log odds of an \
        event as lines that meet at up to `max_joins` times, anywhere in the series, by maximum \
        likelihood; years with few events weigh little. Estimates are changes of the odds per unit \
        of time in per cent, which for rare events are those of the rate. The number of joins is \
        that of the smallest BIC, or `max_joins` itself. Counts are taken as binomial: where \
        `deviance` is far above `n_obs` less twice the number of segments they scatter more, \
        limits are too narrow and there may be too many joins; then use `joinpoint` on the rates.\n\
        \n\
        **Returns** a struct: `n_joins` (bigint), `joins` (a list of structs: `time`, `conf_low`, \
        `conf_high`), `segments` (a list of structs: `start`, `end`, `estimate`, `conf_low`, \
        `conf_high`, `slope`, `std_error`, `statistic`, `p_value`), `estimate`, `conf_low`, \
        `conf_high` (the average change of the odds over the whole series, in per cent), `slope`, \
        `std_error`, `statistic`, `p_value` (of the average slope of the log odds), `intercept` \
        (log odds of the first line at time 0), `log_likelihood` (without binomial coefficients), \
        `deviance`, `bic`, `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows with a NULL are skipped. With fewer than 3 different \
        times, counts that are negative or above `population`, a `population` of zero, no event \
        at all, or numbers that are not finite, the figures are NULL and `reason` says why. Where \
        the times have no room for `max_joins`, fewer are tried and `reason` says so; a single \
        join takes six points. The order of rows does not matter; `distinct` is refused. Points \
        before a break in the series are left out where `status` says so; the field `note` (text) \
        tells it.\n\
        \n\
        **References.** Czajkowski, Gill and Rempala (2008), Statistics in Medicine 27; Hudson \
        (1966), JASA 61.",
        "joinpoint_counts(events, population, time[, max_joins[, selection[, conf_level[, \
        status]]]])",
    )
    .with_argument("events", "How many had the event: a number of zero or more.")
    .with_argument("population", "Among how many: a number above zero, no less than `events`.")
    .with_argument("time", "When they were counted, as a number: `cast(time_period as int)`.")
    .with_argument("max_joins", "The largest number of joins, a constant. Default 1.")
    .with_argument(
        "selection",
        "How the number of joins is chosen: `'bic'` (the default), or `'fixed'` for `max_joins` \
        itself.",
    )
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(segment['start'], 2) as since,
         round(segment['end'], 2) as until,
         round(segment['estimate'], 2) as per_year,
         round(segment['conf_low'], 2) as low,
         round(segment['conf_high'], 2) as high
  from (select unnest(est['segments']) as segment
        from (select joinpoint_counts(column2, column3, column1) as est
              from (values (2010, 30, 1000), (2011, 34, 1010), (2012, 41, 1020), (2013, 52, 1015),
                           (2014, 49, 1005), (2015, 40, 990), (2016, 33, 980), (2017, 25, 970))))
  order by since;
+---------+---------+----------+--------+-------+
| since   | until   | per_year | low    | high  |
+---------+---------+----------+--------+-------+
| 2010.0  | 2013.49 | 20.97    | 4.63   | 39.86 |
| 2013.49 | 2017.0  | -19.26   | -30.53 | -6.17 |
+---------+---------+----------+--------+-------+
```",
    )
    .with_related_udf("joinpoint")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const EVENTS: [Option<f64>; 9] = [
        Some(30.0),
        Some(34.0),
        Some(41.0),
        Some(52.0),
        Some(49.0),
        Some(40.0),
        Some(33.0),
        Some(25.0),
        None,
    ];

    fn batch() -> [Vec<Option<f64>>; 3] {
        let population = [1000.0, 1010.0, 1020.0, 1015.0, 1005.0, 990.0, 980.0, 970.0, 960.0];
        let time = (0..9).map(|k| Some(2010.0 + f64::from(k)));
        [EVENTS.to_vec(), population.map(Some).to_vec(), time.collect()]
    }

    #[test]
    fn finds_the_turn_in_any_order() {
        let [events, population, time] = batch();
        let tester = AggregateTester::<JoinpointCounts>::new();
        let result = tester.aggregate(&[float_batch(&[&events, &population, &time])]);
        assert_eq!(field(&result, "n_joins"), ScalarValue::Int64(Some(1)));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(8)));
        assert_eq!(field(&result, "reason"), ScalarValue::Utf8(None));
        let batches: Vec<_> = (0..3)
            .map(|part| 3 * part..3 * part + 3)
            .map(|rows| {
                float_batch(&[&events[rows.clone()], &population[rows.clone()], &time[rows]])
            })
            .collect();
        tester.check_merges(&batches);
    }

    #[test]
    fn options_reach_the_method() {
        let [events, population, time] = batch();
        let given =
            [("max_joins", ScalarValue::from(0)), ("selection", ScalarValue::from("fixed"))];
        let tester = AggregateTester::<JoinpointCounts>::with(&given);
        let result = tester.aggregate(&[float_batch(&[&events, &population, &time])]);
        let method = field(&result, "method").to_string();
        assert_eq!(method, "logistic joinpoint, number of joins given");
        assert_eq!(field(&result, "n_joins"), ScalarValue::Int64(Some(0)));
        let negative = [("max_joins", ScalarValue::from(-1))];
        let result = AggregateTester::<JoinpointCounts>::with(&negative).aggregate(&[]);
        assert!(field(&result, "reason").to_string().contains("max_joins is -1"));
    }
}
