//! `theil_sen`: the median slope of a value over time.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, theil_sen};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct TheilSen;

impl Aggregate for TheilSen {
    const PARAMETERS: Parameters = Parameters {
        function: "theil_sen",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };
    type Result = opeka_stats::TheilSen;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        theil_sen(rows.numbers(0), rows.numbers(1), options.number("conf_level"))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::TheilSen {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("conf_low", Column::Number(|t| t.conf_low)),
        ("conf_high", Column::Number(|t| t.conf_high)),
        ("intercept", Column::Number(|t| t.intercept)),
        ("statistic", Column::Number(|t| t.statistic)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("n_obs", Column::Count(|t| t.n_obs)),
        ("method", Column::Text(|t| t.method.map(Cow::from))),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "The slope of a value over time that a wild year cannot move: the median of the slopes of \
        all pairs of points, with its confidence limits and the Mann-Kendall test.\n\
        \n\
        **What it estimates.** The slope of a straight line, in units of `value` per unit of \
        `time`, under independent errors of any one distribution; up to 29 % of the points may be \
        wild. Slopes are taken at the true spacing of `time`; pairs of points that share a time \
        have none and are left out. The limits are Sen's, two of the sorted slopes.\n\
        \n\
        **Returns** a struct: `estimate` (the slope), `conf_low`, `conf_high`, `intercept` (of \
        the line, at time 0), `statistic` and `p_value` (of the Mann-Kendall test, two-sided, \
        corrected for ties and continuity; all double), `n_obs` (bigint), `method` and `reason` \
        (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. With \
        fewer than 3 points, more than 5000, times that are all equal, or numbers that are not \
        finite, the figures are NULL and `reason` says why. With 3 or 4 points there is a slope, \
        but no limits at a `conf_level` of 0.95. Below 10 points `p_value` is only a guide. The \
        order of rows does not matter; `distinct` is refused. Points before a break in the \
        series are left out where `status` says so; the field `note` (text) tells it.\n\
        \n\
        Works over windows, sliding ones included: `theil_sen(rate, year) over (partition by \
        ref_area order by year rows between 9 preceding and current row)`.\n\
        \n\
        **Coverage**, simulated (COVERAGE.md): limits at 95 % hold where errors are \
        independent (five points: 98 %), but in 90 % of cases at an autocorrelation of 0.2 and \
        in 70 % at 0.6 (50 points); more years do not help.\n\
        \n\
        **References.** Theil (1950), Indagationes Mathematicae 12; Sen (1968), JASA 63; Kendall \
        (1970), Rank correlation methods.",
        "theil_sen(value, time[, conf_level[, status]])",
    )
    .with_argument("value", "The figure that may have a trend, such as a rate.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as per_year,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         round(est['p_value'], 4) as p,
         est['n_obs'] as n
  from (select theil_sen(column2, column1) as est
        from (values (2012, 41.0), (2013, 39.5), (2014, 39.0), (2015, 64.0),
                     (2017, 35.5), (2018, 34.0), (2019, 33.5)));
+----------+------+------+--------+---+
| per_year | low  | high | p      | n |
+----------+------+------+--------+---+
| -1.1     | -1.5 | -0.5 | 0.0355 | 7 |
+----------+------+------+--------+---+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Udaf;
    use crate::testing::{AggregateTester, field, float_batch, words};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;
    use datafusion_expr::AggregateUDFImpl;

    const VALUES: [Option<f64>; 9] = [
        Some(41.0),
        Some(39.5),
        None,
        Some(39.0),
        Some(64.0),
        Some(35.5),
        Some(34.0),
        Some(33.5),
        Some(33.5),
    ];
    const TIMES: [Option<f64>; 9] = [
        Some(2012.0),
        Some(2013.0),
        Some(2013.0),
        Some(2014.0),
        Some(2015.0),
        Some(2017.0),
        None,
        Some(2019.0),
        Some(2019.0),
    ];

    fn tester() -> AggregateTester<TheilSen> {
        AggregateTester::new()
    }

    #[test]
    fn skips_rows_with_a_null() {
        let all = tester().aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        assert_eq!(field(&all, "n_obs"), ScalarValue::Int64(Some(7)));
        let complete: Vec<_> =
            VALUES.iter().zip(TIMES).filter_map(|(value, time)| value.zip(time)).collect();
        let (value, time): (Vec<f64>, Vec<f64>) = complete.into_iter().unzip();
        let expected = theil_sen(&value, &time, 0.95);
        assert_eq!(field(&all, "estimate"), ScalarValue::Float64(expected.estimate));
        assert_eq!(field(&all, "conf_low"), ScalarValue::Float64(expected.conf_low));
        assert_eq!(field(&all, "p_value"), ScalarValue::Float64(expected.p_value));
        assert_eq!(field(&all, "reason"), ScalarValue::Utf8(None));
    }

    #[test]
    fn batches_merge_in_any_order() {
        for size in [1, 2, 4, 9] {
            let batches: Vec<_> = VALUES
                .chunks(size)
                .zip(TIMES.chunks(size))
                .map(|(value, time)| float_batch(&[value, time]))
                .collect();
            tester().check_merges(&batches);
        }
    }

    #[test]
    fn nothing_is_not_an_error() {
        let empty = tester().aggregate(&[]);
        assert_eq!(field(&empty, "n_obs"), ScalarValue::Int64(Some(0)));
        assert!(field(&empty, "reason").to_string().contains("there are 0 points"));
        tester().check_merges(&[float_batch(&[&[], &[]]), float_batch(&[&[None], &[None]])]);
        let udf = Udaf::<TheilSen>::new();
        let default = udf.default_value(&udf.return_type(&[]).unwrap()).unwrap();
        assert_eq!(default, empty);
    }

    #[test]
    fn slides() {
        let batches: Vec<_> = VALUES
            .iter()
            .zip(&TIMES)
            .map(|(value, time)| float_batch(&[&[*value], &[*time]]))
            .collect();
        tester().check_slides(&batches, 4);
    }

    #[test]
    fn a_break_starts_the_series_anew() {
        let numbers = float_batch(&[&VALUES, &TIMES, &[Some(0.95); 9]]);
        let status = [None, Some("A"), None, None, Some("B"), None, None, Some("P"), Some("P")];
        let batch: Vec<ArrayRef> = numbers.into_iter().chain([words(&status)]).collect();
        let result = tester().aggregate(std::slice::from_ref(&batch));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(4)));
        let note = field(&result, "note").to_string();
        assert_eq!(note, "3 points before the break of 2015 left out; 2019: provisional");
        tester().check_merges(&[batch.clone(), batch]);

        // A call that does not give the status has the same fields, and no note.
        let plain = tester().aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        assert_eq!(field(&plain, "note"), ScalarValue::Utf8(None));
    }

    #[test]
    fn an_option_that_is_missing_is_a_reason() {
        let given = [("conf_level", ScalarValue::Float64(None))];
        let tester = AggregateTester::<TheilSen>::with(&given);
        let result = tester.aggregate(&[float_batch(&[&VALUES, &TIMES])]);
        assert_eq!(
            field(&result, "reason"),
            ScalarValue::from("cannot be calculated because conf_level is missing")
        );
    }
}
