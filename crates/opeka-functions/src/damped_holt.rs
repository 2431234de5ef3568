//! `damped_holt`: forecasts with a trend that levels off.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{DampedHoltOptions, Reason, damped_holt};

use crate::FORECASTS;
use crate::aggregate::Aggregate;
use crate::forecast::{HORIZON_ARGUMENT, LOWER_BOUND_ARGUMENT, horizon};
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct DampedHolt;

impl Aggregate for DampedHolt {
    const PARAMETERS: Parameters = Parameters {
        function: "damped_holt",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("horizon", Kind::NumberOption(3.0)),
            ("conf_level", Kind::NumberOption(0.95)),
            ("lower_bound", Kind::NumberOrNone),
            STATUS,
        ],
    };
    type Result = opeka_stats::DampedHolt;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        let horizon = match horizon(options) {
            Ok(horizon) => horizon,
            Err(reason) => return Self::Result::unknown(reason, value.len()),
        };
        let bound = options.number_or_none("lower_bound");
        let bounded = DampedHoltOptions { lower_bound: bound, ..Default::default() };
        damped_holt(value, time, horizon, options.number("conf_level"), &bounded)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::DampedHolt {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("points", Column::List(&List(|f: &Self| &f.points))),
        ("alpha", Column::Number(|f| f.alpha)),
        ("beta", Column::Number(|f| f.beta)),
        ("phi", Column::Number(|f| f.phi)),
        ("initial_level", Column::Number(|f| f.initial_level)),
        ("initial_slope", Column::Number(|f| f.initial_slope)),
        ("sigma2", Column::Number(|f| f.sigma2)),
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
        "Forecasts of a series with a trend that levels off: damped exponential smoothing, \
        ETS(A,Ad,N), with prediction intervals.\n\
        \n\
        **What it estimates.** The values of the periods after the last one, where level and slope \
        follow the errors of the forecasts of one period ahead with weights alpha and beta, and \
        the slope fades by phi from period to period. Parameters are those of the highest \
        likelihood (0 < beta < alpha < 1, 0.8 <= phi <= 0.98). Limits are the forecast plus and \
        minus z standard errors, and widen with every period; the variance of the errors is the \
        sum of their squares by points less five. They take the estimated parameters for the true \
        ones and so are too narrow for short series.\n\
        \n\
        **Returns** a struct: `points`, a list of structs with `time`, `estimate`, `std_error`, \
        `conf_low`, `conf_high` (all double) and `obs_status` (text, 'F' for a forecast); `alpha`, \
        `beta`, `phi`, `initial_level` and `initial_slope` (before the first value), `sigma2` (the \
        variance of the errors), `log_likelihood` (all double), `n_obs` (bigint), `method` and \
        `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 6 points, a period without a value (`local_linear_trend` allows for gaps), two \
        values for one time, a horizon of more than half the number of points, or numbers that are \
        not finite, `points` is empty, the figures are NULL and `reason` says why. Where all \
        values are equal there are forecasts, but no limits. The order of rows does not matter; \
        `distinct` is refused. Points before a break in the series are left out where `status` \
        says so; the field `note` (text) tells it.\n\
        \n\
        Coverage: see COVERAGE.md; limits at 95 % that rest on 10 points hold the next value in \
        87 % of cases and that of five periods ahead in 57 %; on 50 points, in 92 % and 86 %.\n\
        \n\
        **References.** Gardner and McKenzie (1985), Management Science 31; Hyndman, Koehler, Ord \
        and Snyder (2008), Forecasting with exponential smoothing.",
        "damped_holt(value, time[, horizon[, conf_level[, lower_bound[, status]]]])",
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
        from (select damped_holt(column2, column1, 3) as est
              from (values (2012, 41.0), (2013, 39.5), (2014, 39.0), (2015, 38.25),
                           (2016, 36.5), (2017, 36.75), (2018, 35.5), (2019, 34.0))))
  order by year;
+------+----------+-------+-------+
| year | forecast | low   | high  |
+------+----------+-------+-------+
| 2020 | 33.55    | 32.35 | 34.75 |
| 2021 | 32.72    | 31.52 | 33.92 |
| 2022 | 31.9     | 30.7  | 33.1  |
+------+----------+-------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Udaf;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::{Array, ArrayRef, AsArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use datafusion_expr::AggregateUDFImpl;

    const VALUES: [f64; 9] = [41.0, 39.5, 99.0, 39.0, 38.25, 36.5, 36.75, 35.5, 34.0];
    const TIMES: [f64; 9] =
        [2012.0, 2013.0, f64::NAN, 2014.0, 2015.0, 2016.0, 2017.0, 2018.0, 2019.0];

    /// The third row has no time.
    fn batch() -> Vec<ArrayRef> {
        let times = TIMES.map(|time| Some(time).filter(|time| !time.is_nan()));
        float_batch(&[&VALUES.map(Some), &times])
    }

    /// A number of each of the points.
    fn of_points(result: &ScalarValue, name: &str) -> Vec<Option<f64>> {
        let ScalarValue::List(points) = field(result, "points") else { panic!("no list") };
        let points = points.value(0);
        let column = points.as_struct().column_by_name(name).unwrap();
        column.as_primitive::<Float64Type>().iter().collect()
    }

    #[test]
    fn skips_rows_with_a_null_and_lists_the_points() {
        let given = [("horizon", ScalarValue::from(2.0)), ("conf_level", ScalarValue::from(0.8))];
        let result = AggregateTester::<DampedHolt>::with(&given).aggregate(&[batch()]);
        let complete = VALUES.into_iter().zip(TIMES).filter(|(_, time)| !time.is_nan());
        let (value, time): (Vec<f64>, Vec<f64>) = complete.unzip();
        let expected = damped_holt(&value, &time, 2, 0.8, &DampedHoltOptions::default());
        assert_eq!(expected.points.len(), 2);
        assert_eq!(of_points(&result, "time"), [Some(2020.0), Some(2021.0)]);
        let of = |get: fn(&opeka_stats::ForecastPoint) -> Option<f64>| -> Vec<Option<f64>> {
            expected.points.iter().map(get).collect()
        };
        assert_eq!(of_points(&result, "estimate"), of(|point| Some(point.estimate)));
        assert_eq!(of_points(&result, "conf_low"), of(|point| point.conf_low));
        assert_eq!(field(&result, "sigma2"), ScalarValue::Float64(expected.sigma2));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(8)));
        assert_eq!(field(&result, "reason"), ScalarValue::Utf8(None));
    }

    #[test]
    fn the_example_is_what_it_says() {
        let result = AggregateTester::<DampedHolt>::new().aggregate(&[batch()]);
        let rounded = |name| -> Vec<f64> {
            let round = |x: Option<f64>| (100.0 * x.unwrap()).round() / 100.0;
            of_points(&result, name).into_iter().map(round).collect()
        };
        assert_eq!(rounded("estimate"), [33.55, 32.72, 31.9]);
        assert_eq!(rounded("conf_low"), [32.35, 31.52, 30.7]);
        assert_eq!(rounded("conf_high"), [34.75, 33.92, 33.1]);
    }

    #[test]
    fn a_bound_is_an_option() {
        let given = [("lower_bound", ScalarValue::from(32.0))];
        let result = AggregateTester::<DampedHolt>::with(&given).aggregate(&[batch()]);
        assert_eq!(of_points(&result, "estimate")[2], Some(32.0));
        // Only the first of the lower limits is above the bound.
        let low = of_points(&result, "conf_low");
        assert!(low[0] > Some(32.0));
        assert_eq!(low[1..], [Some(32.0), Some(32.0)]);
    }

    #[test]
    fn batches_merge_in_any_order_and_windows_slide() {
        let all = batch();
        let rows: Vec<Vec<ArrayRef>> = (0..VALUES.len())
            .map(|row| all.iter().map(|column| column.slice(row, 1)).collect())
            .collect();
        let tester = AggregateTester::<DampedHolt>::new();
        tester.check_merges(&rows);
        tester.check_slides(&rows, 7);
    }

    #[test]
    fn what_is_missing_is_a_reason() {
        let reason = |given: &[(&str, ScalarValue)], batches: &[Vec<ArrayRef>]| {
            let result = AggregateTester::<DampedHolt>::with(given).aggregate(batches);
            assert!(of_points(&result, "time").is_empty());
            field(&result, "reason").to_string()
        };
        assert!(reason(&[], &[]).contains("there are 0 points (it takes 6 or more)"));
        let horizon = |value: Option<f64>| [("horizon", ScalarValue::Float64(value))];
        let all = [batch()];
        assert!(reason(&horizon(None), &all).contains("horizon is missing"));
        assert!(reason(&horizon(Some(2.5)), &all).contains("horizon is 2.5"));
        assert!(reason(&horizon(Some(5.0)), &all).contains("for 8 points it must be 4 or less"));
        let level = [("conf_level", ScalarValue::from(95.0))];
        assert!(reason(&level, &all).contains("conf_level is 95"));

        let empty = AggregateTester::<DampedHolt>::new().aggregate(&[]);
        let udf = Udaf::<DampedHolt>::new();
        assert_eq!(udf.default_value(&udf.return_type(&[]).unwrap()).unwrap(), empty);
    }

    #[test]
    fn forecasts_are_not_forecast_from() {
        let mut columns = batch();
        columns.extend(float_batch(&[&[Some(2.0); 9], &[Some(0.95); 9], &[None; 9]]));
        let mut status = [None; 9];
        status[8] = Some("F");
        columns.push(words(&status));
        let given = [("horizon", ScalarValue::from(2.0))];
        let result = AggregateTester::<DampedHolt>::with(&given).aggregate(&[columns]);
        assert_eq!(of_points(&result, "time"), [Some(2019.0), Some(2020.0)]);
        assert_eq!(field(&result, "note").to_string(), "2019: left out as a forecast");
    }
}
