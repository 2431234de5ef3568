//! `xmr`: the control chart of a series.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Polarity, Reason, Rebase, XmrOptions, XmrPoint, xmr};

use crate::CHARTS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct Xmr;

impl Aggregate for Xmr {
    const PARAMETERS: Parameters = Parameters {
        function: "xmr",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("polarity", Kind::Choice(&Polarity::NAMES)),
            ("screen_outliers", Kind::Flag(true)),
            ("baseline_points", Kind::NumberOrNone),
            ("rebase_at", Kind::NumberOrNone),
            ("rebase_reason", Kind::TextOrNone),
            STATUS,
        ],
    };
    type Result = opeka_stats::Xmr;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        chart(rows, options)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

/// The chart that a call of `xmr` or of `xmr_point` asks for.
pub(crate) fn chart(rows: &Rows, options: &Options) -> opeka_stats::Xmr {
    match chart_options(options) {
        Ok(options) => xmr(rows.numbers(0), rows.numbers(1), &options),
        Err(reason) => opeka_stats::Xmr::unknown(reason, rows.len()),
    }
}

fn chart_options(options: &Options) -> Result<XmrOptions, Reason> {
    let baseline_points = options.number_or_none("baseline_points");
    if let Some(points) =
        baseline_points.filter(|points| !(points.fract() == 0.0 && *points >= 0.0))
    {
        return Err(Reason::because(format!(
            "baseline_points is {points} (it must be a whole number of 12 or more)"
        )));
    }
    let why = options.text("rebase_reason");
    let rebase = match (options.number_or_none("rebase_at"), why) {
        (Some(at), why) => vec![Rebase { at, reason: why.unwrap_or_default().to_owned() }],
        (None, Some(_)) => {
            return Err(Reason::because("rebase_reason is given and rebase_at is not"));
        }
        (None, None) => Vec::new(),
    };
    Ok(XmrOptions {
        polarity: Polarity::named(options.choice("polarity")).unwrap_or_default(),
        screen_outliers: options.flag("screen_outliers"),
        baseline_points: baseline_points.map(|points| points as usize),
        rebase,
    })
}

impl Row for opeka_stats::Xmr {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|x| x.estimate)),
        ("conf_low", Column::Number(|x| x.conf_low)),
        ("conf_high", Column::Number(|x| x.conf_high)),
        ("mean_moving_range", Column::Number(|x| x.mean_moving_range)),
        ("limits_kind", Column::Text(|x| x.limits_kind.map(Cow::from))),
        ("n_obs", Column::Count(|x| x.n_obs)),
        ("n_signals", Column::CountOrNone(|x| x.n_signals)),
        ("method", Column::Text(|x| x.method.map(Cow::from))),
        ("reason", Column::Text(|x| text(x.reason.as_ref()))),
        ("points", Column::List(&List(|x: &Self| &x.points))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

impl Row for XmrPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|p| p.time)),
        ("value", Column::Number(|p| p.value)),
        ("mean", Column::Number(|p| p.mean)),
        ("lower", Column::Number(|p| p.lower)),
        ("upper", Column::Number(|p| p.upper)),
        ("outside_limits", Column::Flag(|p| p.outside_limits)),
        ("close_to_limits", Column::Flag(|p| p.close_to_limits)),
        ("relative_to_mean", Column::Number(|p| p.relative_to_mean.map(f64::from))),
        ("signal", Column::Text(|p| p.signal.map(Cow::from))),
        ("kind", Column::Text(|p| p.kind.map(Cow::from))),
        ("phase", Column::Count(|p| p.phase)),
        ("limits_kind", Column::Text(|p| p.limits_kind.map(Cow::from))),
        ("reason", Column::Text(|p| text(p.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

pub(crate) const VALUE_ARGUMENT: &str = "The figure of the series, such as a rate.";
pub(crate) const TIME_ARGUMENT: &str =
    "When it was measured, as a number: `cast(time_period as int)`.";
pub(crate) const POLARITY_ARGUMENT: &str = "Which way is better: `high is good`, `low is good` or \
    `none`. Default `none`.";
pub(crate) const SCREEN_ARGUMENT: &str = "Whether moving ranges of 3.267 times their mean and more \
    are left out of it. Default true.";
pub(crate) const BASELINE_ARGUMENT: &str = "How many points at the start of each phase, 12 or \
    more, make its mean and limits. Default: all.";
pub(crate) const REBASE_ARGUMENT: &str = "A time from which the chart starts anew. Default: none.";
pub(crate) const REBASE_REASON_ARGUMENT: &str =
    "What changed at that time, in words; must be given with `rebase_at`.";

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        CHARTS,
        "The control chart of a series (individuals and moving ranges): its mean, the limits \
        within which points lie while nothing changes, and the points that are signals.\n\
        \n\
        **What it estimates.** The mean and the process limits, mean ± 2.66 times the mean moving \
        range. Signals, the first that holds: a point outside the limits; one of 7 that all rise \
        or all fall; one of 2 in 3 that are close to a limit on one side of the mean; one of 7 in \
        a row on one side of it. These are the rules of NHS England's *Making Data Count*. A \
        rebase starts the chart anew and takes a reason in words.\n\
        \n\
        **Returns** a struct of the last phase: `estimate` (the mean), `conf_low` and `conf_high` \
        (the process limits), `mean_moving_range` (double), `limits_kind` (`trial limits` with \
        fewer than 12 points, else `process limits`), `n_obs` (bigint), `n_signals` (bigint), \
        `method`, `reason` (text) and `points`, a list of structs in the order of time, of all \
        phases: `time`, `value`, `mean`, `lower`, `upper`, `outside_limits`, `close_to_limits`, \
        `relative_to_mean` (-1, 0 or 1), `signal` (NULL for common cause), `kind` (`improvement`, \
        `concern`, `neither` or `common cause`), `phase`, `limits_kind` and `reason`.\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped; a gap in \
        time counts as one step. With fewer than 12 points the limits are trial limits and \
        `reason` says so. Where a phase has fewer than 2 points, two points share a time, a number \
        is not finite, `rebase_at` has no `rebase_reason` or no points on both sides, or \
        `baseline_points` is below 12, the figures are NULL and `reason` says why. Where all \
        values are equal there are no limits. The order of rows does not matter; `distinct` is \
        refused. Points before a break in the series are left out where `status` says so; the \
        field `note` (text) tells it.\n\
        \n\
        **References.** Wheeler (2000), Understanding Variation; NHS England, Making Data Count; R \
        package NHSRplotthedots.",
        "xmr(value, time[, polarity[, screen_outliers[, baseline_points[, rebase_at[, \
        rebase_reason[, status]]]]]])",
    )
    .with_argument("value", VALUE_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("polarity", POLARITY_ARGUMENT)
    .with_argument("screen_outliers", SCREEN_ARGUMENT)
    .with_argument("baseline_points", BASELINE_ARGUMENT)
    .with_argument("rebase_at", REBASE_ARGUMENT)
    .with_argument("rebase_reason", REBASE_REASON_ARGUMENT)
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as mean,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         est['n_signals'] as signals,
         est['limits_kind'] as kind
  from (select xmr(column2, column1, 'low is good') as est
        from (values (2010, 41), (2011, 39), (2012, 42), (2013, 40), (2014, 41), (2015, 43),
                     (2016, 40), (2017, 42), (2018, 39), (2019, 41), (2020, 58), (2021, 40)));
+-------+-------+-------+---------+----------------+
| mean  | low   | high  | signals | kind           |
+-------+-------+-------+---------+----------------+
| 42.17 | 36.26 | 48.08 | 1       | process limits |
+-------+-------+-------+---------+----------------+
```",
    )
    .with_related_udf("xmr_point")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::{Array, ArrayRef, AsArray};
    use datafusion_common::ScalarValue;

    const VALUES: [f64; 12] =
        [41.0, 39.0, 42.0, 40.0, 41.0, 43.0, 40.0, 42.0, 39.0, 41.0, 58.0, 40.0];

    fn batch() -> Vec<ArrayRef> {
        let values = VALUES.map(Some);
        let times: Vec<Option<f64>> = (0..12).map(|t| Some(2010.0 + f64::from(t))).collect();
        float_batch(&[&values, &times])
    }

    fn number(result: &ScalarValue, name: &str) -> f64 {
        match field(result, name) {
            ScalarValue::Float64(Some(number)) => (number * 100.0).round() / 100.0,
            other => panic!("{name}: {other}"),
        }
    }

    fn reason_of(given: &[(&str, ScalarValue)]) -> String {
        field(&AggregateTester::<Xmr>::with(given).aggregate(&[batch()]), "reason").to_string()
    }

    #[test]
    fn the_example_of_the_documentation() {
        let given = [("polarity", ScalarValue::from("low is good"))];
        let chart = AggregateTester::<Xmr>::with(&given).aggregate(&[batch()]);
        assert_eq!(number(&chart, "estimate"), 42.17);
        assert_eq!(number(&chart, "conf_low"), 36.26);
        assert_eq!(number(&chart, "conf_high"), 48.08);
        assert_eq!(field(&chart, "n_signals"), ScalarValue::Int64(Some(1)));
        assert_eq!(field(&chart, "limits_kind"), ScalarValue::from("process limits"));
        assert_eq!(field(&chart, "reason"), ScalarValue::Utf8(None));

        let ScalarValue::List(points) = field(&chart, "points") else { panic!("no list") };
        let points = points.value(0);
        let points = points.as_struct();
        assert_eq!(points.len(), 12);
        let kinds = points.column_by_name("kind").unwrap().as_string::<i32>();
        assert_eq!((kinds.value(10), kinds.value(11)), ("concern", "common cause"));
        let signals = points.column_by_name("signal").unwrap().as_string::<i32>();
        assert_eq!((signals.value(10), signals.is_null(11)), ("Above UCL", true));
    }

    #[test]
    fn batches_merge_and_slide() {
        let [values, times] = &batch()[..] else { panic!("two columns") };
        let rows: Vec<Vec<ArrayRef>> =
            (0..12).map(|row| vec![values.slice(row, 1), times.slice(row, 1)]).collect();
        AggregateTester::<Xmr>::new().check_merges(&rows);
        AggregateTester::<Xmr>::new().check_slides(&rows, 5);
    }

    #[test]
    fn a_rebase_takes_a_time_and_a_reason() {
        let at = ("rebase_at", ScalarValue::from(2016.0));
        let why = ("rebase_reason", ScalarValue::from("a new law"));
        assert!(reason_of(std::slice::from_ref(&at)).contains("rebase_reason does not say why"));
        assert!(reason_of(std::slice::from_ref(&why)).contains("rebase_at is not"));
        let given = [at, why];
        let chart = AggregateTester::<Xmr>::with(&given).aggregate(&[batch()]);
        assert_eq!(field(&chart, "n_obs"), ScalarValue::Int64(Some(6)));
        assert_eq!(field(&chart, "limits_kind"), ScalarValue::from("trial limits"));
        assert!(reason_of(&given).contains("these are trial limits"));
        let part = [("baseline_points", ScalarValue::from(12.5))];
        assert!(reason_of(&part).contains("baseline_points is 12.5"));
        let few = [("baseline_points", ScalarValue::from(5.0))];
        assert!(reason_of(&few).contains("baseline_points is 5 (it must be 12 or more)"));
    }

    #[test]
    fn a_break_starts_the_series_anew() {
        let mut columns = batch();
        let rest: ArrayRef = std::sync::Arc::new(arrow::array::NullArray::new(12));
        columns.extend([(); 5].map(|()| std::sync::Arc::clone(&rest)));
        let mut status = [None; 12];
        status[3] = Some("B");
        columns.push(words(&status));
        let chart = AggregateTester::<Xmr>::new().aggregate(&[columns]);
        assert_eq!(field(&chart, "n_obs"), ScalarValue::Int64(Some(9)));
        assert!(field(&chart, "note").to_string().contains("break of 2013"));
    }

    #[test]
    fn nothing_is_not_an_error() {
        let empty = AggregateTester::<Xmr>::new().aggregate(&[]);
        assert!(field(&empty, "reason").to_string().contains("there are 0 points"));
        let ScalarValue::List(points) = field(&empty, "points") else { panic!("no list") };
        assert_eq!(points.value(0).len(), 0);
    }
}
