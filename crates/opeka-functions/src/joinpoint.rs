//! `joinpoint`: lines that meet, and how many there are.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Join, JoinpointOptions, JoinpointScale, JoinpointSearch, JoinpointSelection, JoinpointTest,
    Reason, Segment, joinpoint,
};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct Joinpoint;

impl Aggregate for Joinpoint {
    const PARAMETERS: Parameters = Parameters {
        function: "joinpoint",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("max_joins", Kind::NumberOption(2.0)),
            ("selection", Kind::Choice(&["permutation", "bic", "fixed"])),
            ("scale", Kind::Choice(&["log", "linear"])),
            ("search", Kind::Choice(&["grid", "continuous"])),
            ("permutations", Kind::NumberOption(4_499.0)),
            ("seed", Kind::NumberOption(7_160.0)),
            ("conf_level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };
    type Result = opeka_stats::Joinpoint;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        let answer = || -> Result<Self::Result, Reason> {
            let max_joins = whole(options, "max_joins", 1e3)? as usize;
            let permutations = whole(options, "permutations", f64::from(u32::MAX))? as u32;
            // Beyond this, not every whole number is a 64-bit float.
            let seed = whole(options, "seed", 9_007_199_254_740_992.0)? as u64;
            let options = JoinpointOptions {
                scale: match options.choice("scale") {
                    "linear" => JoinpointScale::Linear,
                    _ => JoinpointScale::Log,
                },
                search: match options.choice("search") {
                    "continuous" => JoinpointSearch::Continuous,
                    _ => JoinpointSearch::Grid,
                },
                selection: match options.choice("selection") {
                    "bic" => JoinpointSelection::Bic,
                    "fixed" => JoinpointSelection::Fixed,
                    _ => JoinpointSelection::Permutation { permutations, seed, alpha: 0.05 },
                },
                conf_level: options.number("conf_level"),
                ..JoinpointOptions::default()
            };
            Ok(joinpoint(value, time, max_joins, &options))
        };
        answer().unwrap_or_else(|reason| Self::Result::unknown(reason, value.len()))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

/// An option that is a whole number from 0 to `most`.
pub(crate) fn whole(options: &Options, name: &str, most: f64) -> Result<f64, Reason> {
    let number = options.number(name);
    if number.fract() == 0.0 && (0.0..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Reason::because(format!(
            "{name} is {number} (it must be a whole number from 0 to {most})"
        )))
    }
}

impl Row for opeka_stats::Joinpoint {
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
        ("rss", Column::Number(|j| j.rss)),
        ("bic", Column::Number(|j| j.bic)),
        ("tests", Column::List(&List(|j: &Self| j.tests.as_slice()))),
        ("n_obs", Column::Count(|j| j.n_obs)),
        ("method", Column::Text(|j| j.method.map(Cow::from))),
        ("reason", Column::Text(|j| text(j.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

impl Row for Join {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|j| Some(j.time))),
        ("conf_low", Column::Number(|j| j.conf_low)),
        ("conf_high", Column::Number(|j| j.conf_high)),
    ];

    fn unknown(_: Reason) -> Self {
        Self { time: f64::NAN, conf_low: None, conf_high: None }
    }
}

impl Row for Segment {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("start", Column::Number(|s| Some(s.start))),
        ("end", Column::Number(|s| Some(s.end))),
        ("estimate", Column::Number(|s| Some(s.estimate))),
        ("conf_low", Column::Number(|s| s.conf_low)),
        ("conf_high", Column::Number(|s| s.conf_high)),
        ("slope", Column::Number(|s| Some(s.slope))),
        ("std_error", Column::Number(|s| s.std_error)),
        ("statistic", Column::Number(|s| s.statistic)),
        ("p_value", Column::Number(|s| s.p_value)),
    ];

    fn unknown(_: Reason) -> Self {
        Self {
            start: f64::NAN,
            end: f64::NAN,
            slope: f64::NAN,
            std_error: None,
            estimate: f64::NAN,
            conf_low: None,
            conf_high: None,
            statistic: None,
            p_value: None,
        }
    }
}

impl Row for JoinpointTest {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("null_joins", Column::Count(|t| t.null_joins)),
        ("alternative_joins", Column::Count(|t| t.alternative_joins)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("level", Column::Number(|t| Some(t.level))),
    ];

    fn unknown(_: Reason) -> Self {
        Self { null_joins: 0, alternative_joins: 0, p_value: None, level: f64::NAN }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "How often a trend changed, when, and the annual change of each part: lines that meet, \
        fitted to the logarithm of a rate (joinpoint regression).\n\
        \n\
        **What it estimates.** A mean that is straight between at most `max_joins` joins and \
        nowhere jumps, under independent errors of equal variance; by default of ln(`value`), so \
        that a segment is an annual percentage change (APC) and the whole series an average \
        annual percentage change (AAPC). Joins lie at observed times, with two observations or more \
        outside the outer joins and strictly between two joins (the NCI's grid search), or \
        anywhere with `search => 'continuous'`, which is the exact least squares solution that R's \
        `segmented` looks for. The number of joins is that of the NCI's \
        sequence of permutation tests at a level of 0.05 in all, that of the smallest BIC, or \
        `max_joins` itself.\n\
        \n\
        **Returns** a struct: `n_joins` (bigint), `joins` (a list of structs: `time`, `conf_low`, \
        `conf_high`), `segments` (a list of structs: `start`, `end`, `estimate`, `conf_low`, \
        `conf_high`, `slope`, `std_error`, `statistic`, `p_value`; `estimate` is the change per \
        unit of time in per cent, on the linear scale in units of `value`), `estimate`, \
        `conf_low`, `conf_high` (the same for the whole series), `slope`, `std_error`, \
        `statistic`, `p_value` (of the average slope on the scale of the fit), `rss`, `bic`, \
        `tests` (a list of structs: `null_joins`, `alternative_joins`, `p_value`, `level`), \
        `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 3 different times, more than 1000 points, values of zero or less on the \
        logarithmic scale, or numbers that are not finite, the figures are NULL and `reason` says \
        why. Where the times have no room for `max_joins`, fewer are tried and `reason` says so; \
        where nothing is left to estimate an error from, limits are NULL. A single join takes five \
        points, its errors six, and with fewer than ten it is rarely found. Standard errors of \
        slopes on the grid are those of lines fitted to each segment without the points on joins, \
        as the NCI does; limits of a join are the observed times that fit nearly as well (Lerman). The order of rows does not matter, \
        and a `seed` gives the same answer everywhere; `distinct` is refused. Points before a \
        break in the series are left out where `status` says so; the field `note` (text) tells \
        it.\n\
        \n\
        **References.** Kim, Fay, Feuer and Midthune (2000), Statistics in Medicine 19; Lerman \
        (1980), Applied Statistics 29; Hudson (1966), JASA 61; Muggeo (2010), Statistics in \
        Medicine 29.",
        "joinpoint(value, time[, max_joins[, selection[, scale[, search[, permutations[, seed[, \
        conf_level[, status]]]]]]]])",
    )
    .with_argument("value", "The figure that may have a trend, such as a rate.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("max_joins", "The largest number of joins, a constant. Default 2.")
    .with_argument(
        "selection",
        "How the number of joins is chosen: `'permutation'` (the default), `'bic'`, or `'fixed'` \
        for `max_joins` itself.",
    )
    .with_argument("scale", "What is straight: `'log'`, of the value (the default), or `'linear'`.")
    .with_argument(
        "search",
        "Where joins may lie: `'grid'`, at observed times (the default), or `'continuous'`.",
    )
    .with_argument("permutations", "Draws of each permutation test. Default 4499.")
    .with_argument("seed", "Of the draws: a whole number. Default 7160.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select segment['start'] as since,
         segment['end'] as until,
         round(segment['estimate'], 2) as apc,
         round(segment['conf_low'], 2) as low,
         round(segment['conf_high'], 2) as high
  from (select unnest(est['segments']) as segment
        from (select joinpoint(column2, column1) as est
              from (values (2010, 52.1), (2011, 53.0), (2012, 55.2), (2013, 56.9), (2014, 58.0),
                           (2015, 60.3), (2016, 61.1), (2017, 58.2), (2018, 54.9), (2019, 51.8),
                           (2020, 49.6), (2021, 46.9))))
  order by since;
+--------+--------+------+------+------+
| since  | until  | apc  | low  | high |
+--------+--------+------+------+------+
| 2010.0 | 2016.0 | 2.8  | 2.47 | 3.14 |
| 2016.0 | 2021.0 | -5.3 | -5.7 | -4.9 |
+--------+--------+------+------+------+
```",
    )
    .with_related_udf("theil_sen")
    .with_related_udf("joinpoint_counts")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::{Array, ArrayRef, AsArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;

    const VALUES: [f64; 12] =
        [52.1, 53.0, 55.2, 56.9, 58.0, 60.3, 61.1, 58.2, 54.9, 51.8, 49.6, 46.9];

    fn columns() -> (Vec<Option<f64>>, Vec<Option<f64>>) {
        let time = (0..12).map(|k| Some(2010.0 + f64::from(k)));
        (VALUES.iter().copied().map(Some).collect(), time.collect())
    }

    /// A number in the first list of the result.
    fn listed(result: &ScalarValue, list: &str, name: &str) -> Vec<f64> {
        let ScalarValue::List(lists) = field(result, list) else { panic!("{list} is no list") };
        let structs = lists.value(0);
        let column = structs.as_struct().column_by_name(name).unwrap();
        column.as_primitive::<Float64Type>().values().to_vec()
    }

    #[test]
    fn lists_joins_segments_and_tests() {
        let (value, time) = columns();
        let tester = AggregateTester::<Joinpoint>::new();
        let result = tester.aggregate(&[float_batch(&[&value, &time])]);
        let years: Vec<f64> = time.iter().flatten().copied().collect();
        let expected = joinpoint(&VALUES, &years, 2, &JoinpointOptions::default());
        assert_eq!(field(&result, "n_joins"), ScalarValue::Int64(Some(1)));
        assert_eq!(listed(&result, "joins", "time"), [2016.0]);
        assert_eq!(listed(&result, "segments", "start"), [2010.0, 2016.0]);
        let changes: Vec<f64> = expected.segments.iter().map(|segment| segment.estimate).collect();
        assert_eq!(listed(&result, "segments", "estimate"), changes);
        let levels: Vec<f64> = expected.tests.iter().map(|test| test.level).collect();
        assert_eq!(listed(&result, "tests", "level"), levels);
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(expected.estimate));
        assert_eq!(field(&result, "reason"), ScalarValue::Utf8(None));
    }

    #[test]
    fn options_reach_the_method() {
        let (value, time) = columns();
        let batch = [float_batch(&[&value, &time])];
        let given = [
            ("max_joins", ScalarValue::from(1)),
            ("selection", ScalarValue::from("fixed")),
            ("scale", ScalarValue::from("linear")),
            ("search", ScalarValue::from("continuous")),
        ];
        let result = AggregateTester::<Joinpoint>::with(&given).aggregate(&batch);
        let time: Vec<f64> = time.iter().flatten().copied().collect();
        let options = JoinpointOptions {
            scale: JoinpointScale::Linear,
            search: JoinpointSearch::Continuous,
            selection: JoinpointSelection::Fixed,
            ..JoinpointOptions::default()
        };
        let expected = joinpoint(&VALUES, &time, 1, &options);
        assert_eq!(field(&result, "rss"), ScalarValue::Float64(expected.rss));
        assert_eq!(listed(&result, "joins", "time"), [expected.joins[0].time]);

        let bic = AggregateTester::<Joinpoint>::with(&[("selection", ScalarValue::from("bic"))]);
        assert_eq!(field(&bic.aggregate(&batch), "method"), ScalarValue::from("joinpoint, BIC"));

        let half = AggregateTester::<Joinpoint>::with(&[("max_joins", ScalarValue::from(1.5))]);
        let reason = field(&half.aggregate(&batch), "reason").to_string();
        assert!(reason.contains("max_joins is 1.5 (it must be a whole number from 0 to 1000)"));
    }

    #[test]
    fn batches_merge_in_any_order_and_breaks_cut() {
        let (value, time) = columns();
        let few = [("permutations", ScalarValue::from(99))];
        let tester = AggregateTester::<Joinpoint>::with(&few);
        let batches: Vec<_> =
            value.chunks(5).zip(time.chunks(5)).map(|(y, t)| float_batch(&[y, t])).collect();
        tester.check_merges(&batches);

        let mut batch = float_batch(&[&value, &time]);
        let nothing: Vec<Option<f64>> = vec![None; 12];
        batch.extend(float_batch(&[nothing.as_slice(); 7]));
        let mut status = [None; 12];
        status[4] = Some("B");
        let batch: Vec<ArrayRef> = batch.into_iter().chain([words(&status)]).collect();
        let result = tester.aggregate(&[batch]);
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(8)));
        let note = field(&result, "note").to_string();
        assert_eq!(note, "4 points before the break of 2014 left out");
    }

    #[test]
    fn nothing_is_a_reason() {
        let tester = AggregateTester::<Joinpoint>::new();
        let empty = tester.aggregate(&[]);
        assert!(field(&empty, "reason").to_string().contains("there are 0 different times"));
        let ScalarValue::List(joins) = field(&empty, "joins") else { panic!("no list") };
        assert_eq!(joins.value(0).len(), 0);
    }
}
