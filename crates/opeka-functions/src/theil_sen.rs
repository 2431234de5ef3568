//! `theil_sen`: the median slope of a value over time.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::AggregateOrderSensitivity;
use datafusion_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature};
use opeka_stats::{Reason, theil_sen};

use crate::TRENDS;
use crate::collect::{self, Collector};
use crate::parameters::Parameters;
use crate::row::struct_type;

const PARAMETERS: Parameters = Parameters {
    function: "theil_sen",
    required: &["value", "time"],
    optional: &[("conf_level", 0.95)],
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TheilSen {
    signature: Signature,
}

impl TheilSen {
    pub(crate) fn new() -> Self {
        Self { signature: PARAMETERS.signature() }
    }
}

fn calculate(columns: &[Vec<f64>], conf_level: Option<f64>) -> opeka_stats::TheilSen {
    let [value, time] = columns else {
        return opeka_stats::TheilSen::unknown(Reason::missing("a column"), 0);
    };
    match conf_level {
        Some(conf_level) => theil_sen(value, time, conf_level),
        None => opeka_stats::TheilSen::unknown(Reason::missing("conf_level"), value.len()),
    }
}

impl AggregateUDFImpl for TheilSen {
    fn name(&self) -> &str {
        PARAMETERS.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        PARAMETERS.coerce(arg_types)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(struct_type::<opeka_stats::TheilSen>())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let conf_level = PARAMETERS.constant(&args, "conf_level")?;
        let method = move |columns: &[Vec<f64>]| calculate(columns, conf_level);
        Ok(Box::new(Collector::new(&args, PARAMETERS.required.len(), method)?))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(collect::state_fields(&args, PARAMETERS.required))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    /// An empty window frame says why it has no slope, as an empty group does.
    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        collect::scalar(theil_sen(&[], &[], 0.95))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
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
        order of rows does not matter; `distinct` is refused.\n\
        \n\
        Works over windows, sliding ones included: `theil_sen(rate, year) over (partition by \
        ref_area order by year rows between 9 preceding and current row)`.\n\
        \n\
        **References.** Theil (1950), Indagationes Mathematicae 12; Sen (1968), JASA 63; Kendall \
        (1970), Rank correlation methods.",
        "theil_sen(value, time[, conf_level])",
    )
    .with_argument("value", "The figure that may have a trend, such as a rate.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
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
    use crate::testing::{AggregateTester, field, float_batch};

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

    fn tester() -> AggregateTester {
        AggregateTester::new(TheilSen::new())
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
        let udf = TheilSen::new();
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
}
