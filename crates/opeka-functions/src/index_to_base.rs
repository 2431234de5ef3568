//! `index_to_base`: a series in per cent of one of its years.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{PointFigure, Reason, index_to_base};

use crate::TRENDS;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::rows::Rows;
use crate::series::POINT_STATUS_ARGUMENT;
use crate::window::Window;

pub(crate) struct IndexToBase;

impl Window for IndexToBase {
    const PARAMETERS: Parameters = Parameters {
        function: "index_to_base",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("base", Kind::NumberOrNone),
            STATUS,
        ],
    };
    type Result = PointFigure;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let (value, time) = (rows.numbers(0), rows.numbers(1));
        match options.number_or_none("base") {
            Some(base) => index_to_base(value, time, base),
            None => vec![PointFigure::unknown(Reason::missing("base")); rows.len()],
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "An index: each value in per cent of the value for the time `base`, within the partition. \
        The base is 100.\n\
        \n\
        **What it estimates.** Nothing: it makes series of different levels comparable by what \
        became of them since one year. An unusual base makes all other years look unusual.\n\
        \n\
        **Returns** a struct: `estimate` (double), `reason` and `note` (text; which breaks and \
        forecasts were found).\n\
        \n\
        **Nulls and small samples.** Where `value` or `time` is NULL, `base` is not given, there \
        is no value for it or more than one, that value is not above zero, there is more than \
        one value for the time of the row, or a number is not finite, the figure is NULL and \
        `reason` says why. A frame and an order of the window do not matter.\n\
        \n\
        **References.** Eurostat (2014), Getting messages across using indicators.",
        "index_to_base(value, time, base[, status])",
    )
    .with_argument("value", "The figure of which the index is made.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("base", "The time that is 100: a constant.")
    .with_argument("status", POINT_STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select year, est['estimate'] as index
  from (select column1 as year, index_to_base(column2, column1, 2012) over () as est
        from (values (2012, 40.0), (2013, 41.5), (2015, 39.0)))
  order by year;
+------+--------+
| year | index  |
+------+--------+
| 2012 | 100.0  |
| 2013 | 103.75 |
| 2015 | 97.5   |
+------+--------+
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
    fn each_row_has_its_index_or_a_reason() {
        let columns = float_batch(&[
            &[Some(41.5), Some(40.0), None, Some(39.0)],
            &[Some(2013.0), Some(2012.0), Some(2014.0), Some(2015.0)],
        ]);
        let result = over::<IndexToBase>(&columns, &[("base", ScalarValue::from(2012.0))]);
        let index = [Some(103.75), Some(100.0), None, Some(97.5)];
        assert_eq!(numbers(&result, "estimate"), index);
        let reasons = texts(&result, "reason");
        assert_eq!(reasons[2].as_deref(), Some("cannot be calculated because value is missing"));

        let result = over::<IndexToBase>(&columns, &[("base", ScalarValue::from(2014.0))]);
        let reasons = texts(&result, "reason");
        let why = "cannot be calculated because there is no value for 2014";
        assert_eq!(reasons[0].as_deref(), Some(why));
        let reasons = texts(&over::<IndexToBase>(&columns, &[]), "reason");
        assert_eq!(reasons[0].as_deref(), Some("cannot be calculated because base is missing"));
    }
}
