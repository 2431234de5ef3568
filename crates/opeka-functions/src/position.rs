//! `position`: the position of an area among all.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Polarity, Reason, position};

use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::window::Window;
use crate::{COMPARISONS, POLARITY};

pub(crate) struct Position;

impl Window for Position {
    const PARAMETERS: Parameters = Parameters {
        function: "position",
        list: &[("value", Kind::NumberOrNull), ("polarity", POLARITY)],
    };
    type Result = opeka_stats::Position;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let polarity = Polarity::named(options.choice("polarity")).unwrap_or_default();
        position(&rows.numbers_or_none(0), polarity)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Position {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("rank", Column::CountOrNone(|r| r.rank)),
        ("percentile", Column::Number(|r| r.percentile)),
        ("quartile", Column::CountOrNone(|r| r.quartile)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        COMPARISONS,
        "The position of each area among all areas of its partition: rank, percentile and \
        quartile.\n\
        \n\
        **What it estimates.** `rank` 1 is the best area by `polarity`, the highest value \
        without one; areas that share a value share the best of their ranks, and the next ranks \
        are left out (1, 2, 2, 4). `percentile` is the share of areas that this one is ahead of, \
        and half of those it ties with, itself included. `quartile` 1 is the best quarter, as in \
        `quantile_group`. Ranks of figures with wide limits are mostly chance: hold them against \
        `compare`.\n\
        \n\
        **Returns** a struct: `rank` (bigint), `percentile` (double), `quartile` and `n_obs` \
        (bigint; the number of areas that have a value) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** An area whose value is NULL or not finite has no position \
        and does not count among the others; `reason` says so. Quartiles take 4 areas or more.\n\
        \n\
        **References.** Goldstein and Spiegelhalter (1996), Journal of the Royal Statistical \
        Society A 159.",
        "position(value[, polarity])",
    )
    .with_argument("value", "The figure of an area.")
    .with_argument(
        "polarity",
        "'high is good', 'low is good' or 'none': a constant. Default 'none'.",
    )
    .with_sql_example(
        "```sql
> select area, p['rank'] as rank, round(p['percentile'], 1) as percentile, p['n_obs'] as areas
  from (select column1 as area, position(column2, 'low is good') over () as p
        from (values ('east', 41.0), ('north', 36.5), ('south', 36.5), ('centre', 52.1)))
  order by area;
+--------+------+------------+-------+
| area   | rank | percentile | areas |
+--------+------+------------+-------+
| centre | 4    | 12.5       | 4     |
| east   | 3    | 37.5       | 4     |
| north  | 1    | 75.0       | 4     |
| south  | 1    | 75.0       | 4     |
+--------+------+------------+-------+
```",
    )
    .with_related_udf("quantile_group")
    .with_related_udf("compare")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{over, texts};
    use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
    use arrow::datatypes::Int64Type;
    use datafusion_common::ScalarValue;
    use datafusion_expr::ColumnarValue;
    use std::sync::Arc;

    fn column(values: &[Option<f64>]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn counts(result: &ColumnarValue, field: &str) -> Vec<Option<i64>> {
        let ColumnarValue::Array(array) = result else { panic!("{result:?}") };
        let structs = array.as_struct();
        structs.column_by_name(field).unwrap().as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn the_example() {
        let values = column(&[Some(41.0), Some(36.5), Some(36.5), None, Some(52.1)]);
        let given = [("polarity", ScalarValue::from("low is good"))];
        let result = over::<Position>(&[Arc::clone(&values)], &given);
        assert_eq!(counts(&result, "rank"), [Some(3), Some(1), Some(1), None, Some(4)]);
        assert_eq!(counts(&result, "n_obs"), [Some(4); 5]);
        assert_eq!(counts(&result, "quartile"), [Some(3), Some(1), Some(1), None, Some(4)]);
        assert_eq!(
            crate::testing::numbers(&result, "percentile"),
            [Some(37.5), Some(75.0), Some(75.0), None, Some(12.5)]
        );
        assert!(texts(&result, "reason")[3].as_deref().is_some_and(|r| r.contains("missing")));
        let plain = over::<Position>(&[values], &[]);
        assert_eq!(counts(&plain, "rank"), [Some(2), Some(3), Some(3), None, Some(1)]);
    }

    #[test]
    fn options_and_empty_partitions() {
        let none = over::<Position>(&[column(&[])], &[]);
        assert!(counts(&none, "rank").is_empty());
        let given = [("polarity", ScalarValue::Utf8(None))];
        let result = over::<Position>(&[column(&[Some(1.0)])], &given);
        assert!(texts(&result, "reason")[0].as_deref().is_some_and(|r| r.contains("polarity")));
    }
}
