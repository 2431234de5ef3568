//! `local_linear_trend`: forecasts from a level and a slope that drift.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{LocalLinearTrendOptions, Reason, local_linear_trend};

use crate::FORECASTS;
use crate::aggregate::Aggregate;
use crate::forecast::{HORIZON_ARGUMENT, LOWER_BOUND_ARGUMENT, horizon};
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct LocalLinearTrend;

impl Aggregate for LocalLinearTrend {
    const PARAMETERS: Parameters = Parameters {
        function: "local_linear_trend",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("horizon", Kind::NumberOption(3.0)),
            ("conf_level", Kind::NumberOption(0.95)),
            ("lower_bound", Kind::NumberOrNone),
            STATUS,
        ],
    };
    type Result = opeka_stats::LocalLinearTrend;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        let horizon = match horizon(options) {
            Ok(horizon) => horizon,
            Err(reason) => return Self::Result::unknown(reason, value.len()),
        };
        let bound = options.number_or_none("lower_bound");
        let bounded = LocalLinearTrendOptions { lower_bound: bound, ..Default::default() };
        local_linear_trend(value, time, horizon, options.number("conf_level"), &bounded)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::LocalLinearTrend {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("points", Column::List(&List(|f: &Self| &f.points))),
        ("irregular_variance", Column::Number(|f| f.irregular_variance)),
        ("level_variance", Column::Number(|f| f.level_variance)),
        ("slope_variance", Column::Number(|f| f.slope_variance)),
        ("log_likelihood", Column::Number(|f| f.log_likelihood)),
        ("n_obs", Column::Count(|f| f.n_obs)),
        ("method", Column::Text(|f| f.method.map(Cow::from))),
        ("reason", Column::Text(|f| text(f.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        FORECASTS,
        "Forecasts of a series whose level and slope may drift, with prediction intervals; years \
        may be missing.\n\
        \n\
        **What it estimates.** The values of the periods after the last one, where values are a \
        level plus noise, the level moves by the slope plus a drift, and the slope drifts (a \
        structural time series model). With both drifts zero it is the straight line of least \
        squares. The three variances are those of the highest likelihood, by the Kalman filter \
        with an exact diffuse start; each may be zero. Limits are the forecast plus and minus z \
        standard errors, and widen with every period. They take the estimated variances for the \
        true ones and so are too narrow for short series.\n\
        \n\
        **Returns** a struct: `points`, a list of structs with `time`, `estimate`, `std_error`, \
        `conf_low`, `conf_high` (all double) and `obs_status` (text, 'F' for a forecast); \
        `irregular_variance`, `level_variance`, `slope_variance`, `log_likelihood` (all double), \
        `n_obs` (bigint), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped; periods \
        without a value are allowed for. With fewer than 5 points, times that are not evenly \
        spaced but for gaps, two values for one time, a horizon of more than half the number of \
        points, or numbers that are not finite, `points` is empty, the figures are NULL and \
        `reason` says why. Where the values lie on a straight line there are forecasts, but no \
        limits. The order of rows does not matter; `distinct` is refused. Points before a break in \
        the series are left out where `status` says so; the field `note` (text) tells it.\n\
        \n\
        Coverage: see COVERAGE.md; limits at 95 % that rest on 10 points hold the next value, and \
        that of five periods ahead, in 87 % of cases; on 50 points, in 93 % and 91 %.\n\
        \n\
        **References.** Harvey (1989), Forecasting, structural time series models and the Kalman \
        filter; Durbin and Koopman (2012), Time series analysis by state space methods.",
        "local_linear_trend(value, time[, horizon[, conf_level[, lower_bound[, status]]]])",
    )
    .with_argument("value", "The figure to be forecast, such as a rate.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("horizon", HORIZON_ARGUMENT)
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("lower_bound", LOWER_BOUND_ARGUMENT)
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select cast(point['time'] as int) as year,
         round(point['estimate'], 2) as forecast,
         round(point['conf_low'], 2) as low,
         round(point['conf_high'], 2) as high
  from (select unnest(est['points']) as point
        from (select local_linear_trend(column2, column1, 3) as est
              from (values (2012, 12.0), (2013, 13.5), (2014, 13.0), (2015, 15.5),
                           (2016, 18.0), (2018, 22.0), (2019, 26.5))))
  order by year;
+------+----------+-------+-------+
| year | forecast | low   | high  |
+------+----------+-------+-------+
| 2020 | 29.28    | 25.99 | 32.56 |
| 2021 | 32.58    | 27.24 | 37.92 |
| 2022 | 35.88    | 27.97 | 43.78 |
+------+----------+-------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use arrow::array::{Array, ArrayRef, AsArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;

    const VALUES: [f64; 8] = [12.0, 13.5, 13.0, 15.5, 18.0, 99.0, 22.0, 26.5];
    const TIMES: [f64; 8] = [2012.0, 2013.0, 2014.0, 2015.0, 2016.0, 2017.0, 2018.0, 2019.0];

    /// The value of 2017 is missing.
    fn batch() -> Vec<ArrayRef> {
        let values = VALUES.map(|value| Some(value).filter(|value| *value < 99.0));
        float_batch(&[&values, &TIMES.map(Some)])
    }

    fn of_points(result: &ScalarValue, name: &str) -> Vec<f64> {
        let ScalarValue::List(points) = field(result, "points") else { panic!("no list") };
        let points = points.value(0);
        let column = points.as_struct().column_by_name(name).unwrap();
        column.as_primitive::<Float64Type>().iter().map(Option::unwrap).collect()
    }

    #[test]
    fn the_example_is_what_it_says() {
        let result = AggregateTester::<LocalLinearTrend>::new().aggregate(&[batch()]);
        let rounded = |name| -> Vec<f64> {
            of_points(&result, name).iter().map(|x| (100.0 * x).round() / 100.0).collect()
        };
        assert_eq!(of_points(&result, "time"), [2020.0, 2021.0, 2022.0]);
        assert_eq!(rounded("estimate"), [29.28, 32.58, 35.88]);
        assert_eq!(rounded("conf_low"), [25.99, 27.24, 27.97]);
        assert_eq!(rounded("conf_high"), [32.56, 37.92, 43.78]);
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(7)));
        assert_eq!(field(&result, "level_variance"), ScalarValue::from(0.0));
    }

    #[test]
    fn options_reach_the_method() {
        let given = [
            ("horizon", ScalarValue::from(2.0)),
            ("conf_level", ScalarValue::from(0.8)),
            ("lower_bound", ScalarValue::from(30.0)),
        ];
        let result = AggregateTester::<LocalLinearTrend>::with(&given).aggregate(&[batch()]);
        let complete = VALUES.into_iter().zip(TIMES).filter(|(value, _)| *value < 99.0);
        let (value, time): (Vec<f64>, Vec<f64>) = complete.unzip();
        let options = LocalLinearTrendOptions { lower_bound: Some(30.0), ..Default::default() };
        let expected = local_linear_trend(&value, &time, 2, 0.8, &options);
        let estimates: Vec<f64> = expected.points.iter().map(|point| point.estimate).collect();
        assert_eq!(estimates[0], 30.0);
        assert_eq!(of_points(&result, "estimate"), estimates);
        let high: Vec<f64> = expected.points.iter().filter_map(|point| point.conf_high).collect();
        assert_eq!(of_points(&result, "conf_high"), high);
    }

    #[test]
    fn batches_merge_in_any_order_and_windows_slide() {
        let all = batch();
        let rows: Vec<Vec<ArrayRef>> = (0..VALUES.len())
            .map(|row| all.iter().map(|column| column.slice(row, 1)).collect())
            .collect();
        let tester = AggregateTester::<LocalLinearTrend>::new();
        tester.check_merges(&rows);
        tester.check_slides(&rows, 6);
    }

    #[test]
    fn what_is_missing_is_a_reason() {
        let reason = |given: &[(&str, ScalarValue)], batches: &[Vec<ArrayRef>]| {
            let result = AggregateTester::<LocalLinearTrend>::with(given).aggregate(batches);
            assert!(of_points(&result, "time").is_empty());
            field(&result, "reason").to_string()
        };
        assert!(reason(&[], &[]).contains("there are 0 points (it takes 5 or more)"));
        let horizon = |value: Option<f64>| [("horizon", ScalarValue::Float64(value))];
        let all = [batch()];
        assert!(reason(&horizon(None), &all).contains("horizon is missing"));
        assert!(reason(&horizon(Some(-1.0)), &all).contains("horizon is -1"));
        assert!(reason(&horizon(Some(0.0)), &all).contains("horizon is 0"));
        assert!(reason(&horizon(Some(4.0)), &all).contains("for 7 points it must be 3 or less"));
        let level = [("conf_level", ScalarValue::from(0.0))];
        assert!(reason(&level, &all).contains("conf_level is 0"));
    }
}
