//! `moving_average`: the mean of a few years.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{MovingWindow, PointFigure, Reason, moving_average};

use crate::TRENDS;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::rows::Rows;
use crate::series::POINT_STATUS_ARGUMENT;
use crate::window::Window;

pub(crate) struct MovingAverage;

impl Window for MovingAverage {
    const PARAMETERS: Parameters = Parameters {
        function: "moving_average",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("width", Kind::NumberOrNone),
            ("centred", Kind::Flag(false)),
            STATUS,
        ],
    };
    type Result = PointFigure;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let width = match options.number_or_none("width") {
            Some(width) if width >= 1.0 && width.fract() == 0.0 => width as usize,
            given => {
                let reason = given.map_or(Reason::missing("width"), |width| {
                    Reason::because(format!(
                        "width is {width} (it must be a whole number of one or more)"
                    ))
                });
                return vec![PointFigure::unknown(reason); rows.len()];
            }
        };
        let window =
            if options.flag("centred") { MovingWindow::Centred } else { MovingWindow::Trailing };
        moving_average(rows.numbers(0), rows.numbers(1), width, window)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "The mean of each value and of those for the times before it, `width` in all, within the \
        partition.\n\
        \n\
        **What it estimates.** The level of a series without the swings of single years, as \
        small regions have them. Values are found by their times and not by the order of rows, \
        so that nothing is averaged over a gap, as `avg` over three rows would. A trailing mean \
        lags behind a trend by half its width; one that is `centred` does not, and ends earlier. \
        Of a `centred` one with an even width, the first and the last value count half.\n\
        \n\
        **Returns** a struct: `estimate` (double), `reason` and `note` (text; which breaks and \
        forecasts were found).\n\
        \n\
        **Nulls and small samples.** Where `value` or `time` is NULL, any of those times has no \
        value or more than one, a number is not finite, or `width` is not a whole number of one \
        or more, the figure is NULL and `reason` says why. A frame and an order of the window do \
        not matter.\n\
        \n\
        **References.** Kendall and Stuart (1976), The advanced theory of statistics 3.",
        "moving_average(value, time, width[, centred[, status]])",
    )
    .with_argument("value", "The figure that is averaged.")
    .with_argument(
        "time",
        "When it was measured, as a number, with steps of 1: `cast(time_period as int)`.",
    )
    .with_argument("width", "How many times are averaged: a constant.")
    .with_argument("centred", "Whether as many times after as before are taken. Default false.")
    .with_argument("status", POINT_STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select year, est['estimate'] as mean, est['reason'] as reason
  from (select column1 as year, moving_average(column2, column1, 2) over () as est
        from (values (2012, 40.0), (2013, 41.5), (2014, 39.0), (2016, 38.0)))
  order by year;
+------+-------+---------------------------------------------------------+
| year | mean  | reason                                                  |
+------+-------+---------------------------------------------------------+
| 2012 |       | cannot be calculated because there is no value for 2011 |
| 2013 | 40.75 |                                                         |
| 2014 | 40.25 |                                                         |
| 2016 |       | cannot be calculated because there is no value for 2015 |
+------+-------+---------------------------------------------------------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{float_batch, numbers, over, texts};
    use datafusion_common::ScalarValue;

    #[test]
    fn each_row_has_its_mean_or_a_reason() {
        let columns = float_batch(&[
            &[Some(39.0), Some(40.0), Some(41.5), None, Some(38.0)],
            &[Some(2014.0), Some(2012.0), Some(2013.0), Some(2015.0), Some(2016.0)],
        ]);
        let with = |options: &[(&str, ScalarValue)]| over::<MovingAverage>(&columns, options);
        let two = ("width", ScalarValue::from(2.0));
        let result = with(std::slice::from_ref(&two));
        let means = [Some(40.25), None, Some(40.75), None, None];
        assert_eq!(numbers(&result, "estimate"), means);
        let reasons = texts(&result, "reason");
        let because = |why: &str| Some(format!("cannot be calculated because {why}"));
        assert_eq!(reasons[3], because("value is missing"));
        assert_eq!(reasons[4], because("there is no value for 2015"));

        let centred = with(&[two, ("centred", ScalarValue::from(true))]);
        assert_eq!(numbers(&centred, "estimate"), [None, None, Some(40.5), None, None]);
        let reason = |options: &[(&str, ScalarValue)]| texts(&with(options), "reason")[0].clone();
        assert_eq!(reason(&[]), because("width is missing"));
        let whole = because("width is 1.5 (it must be a whole number of one or more)");
        assert_eq!(reason(&[("width", ScalarValue::from(1.5))]), whole);
        assert!(reason(&[("width", ScalarValue::from(0.0))]).unwrap().contains("width is 0"));
    }
}
