//! `quantile_group`: areas in groups of equal size by their value.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Polarity, Reason, quantile_group};

use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::window::Window;
use crate::{COMPARISONS, POLARITY};

pub(crate) struct QuantileGroup;

impl Window for QuantileGroup {
    const PARAMETERS: Parameters = Parameters {
        function: "quantile_group",
        list: &[
            ("value", Kind::NumberOrNull),
            ("n_groups", Kind::NumberOrNull),
            ("polarity", POLARITY),
        ],
    };
    type Result = opeka_stats::QuantileGroup;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let values = rows.numbers_or_none(0);
        let groups = || {
            let polarity = Polarity::named(options.choice("polarity")).unwrap_or_default();
            rows.whole(1, "n_groups")?;
            let n_groups = rows.constant(1, "n_groups")?;
            Ok(quantile_group(&values, n_groups.unwrap_or(1.0), polarity))
        };
        groups().unwrap_or_else(|reason| vec![Self::Result::unknown(reason, 0); values.len()])
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::QuantileGroup {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("quantile", Column::CountOrNone(|r| r.quantile)),
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
        "Areas of a partition in groups of about equal size by their value: quintiles, deciles.\n\
        \n\
        **What it estimates.** With rank r among n areas (equal values share the smallest), the \
        group is `n_groups + 1 - ceil((n + 1 - r) / (n / n_groups))`, and at least 1. Ties stay \
        together, so that groups can be of different sizes. Group 1 is the best by `polarity`: \
        that of the highest values where high is good and without a polarity, that of the lowest \
        where low is good.\n\
        \n\
        **Returns** a struct: `quantile` (bigint, from 1 to `n_groups`), `n_obs` (bigint, the \
        number of areas that have a value) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** An area whose value is NULL or not finite has no group and \
        does not count among the others. Where there are fewer areas than groups, no area has \
        one; `n_groups` must be a whole number of 1 or more, the same in all rows. `reason` says \
        so.\n\
        \n\
        **References.** Office for Health Improvement and Disparities, Technical guide: \
        assigning deprivation categories; R package PHEindicatormethods, phe_quantile (`invert = \
        TRUE` is that of high values first).",
        "quantile_group(value, n_groups[, polarity])",
    )
    .with_argument("value", "The figure of an area.")
    .with_argument("n_groups", "The number of groups, such as 5 for quintiles.")
    .with_argument(
        "polarity",
        "'high is good', 'low is good' or 'none': a constant. Default 'none'.",
    )
    .with_sql_example(
        "```sql
> select area, q['quantile'] as third
  from (select area, quantile_group(value, 3) over () as q
        from (values ('a', 5.0), ('b', 3.0), ('c', 3.0), ('d', 8.0), ('e', 1.0), ('f', 9.0))
             as areas (area, value))
  order by area;
+------+-------+
| area | third |
+------+-------+
| a    | 2     |
| b    | 2     |
| c    | 2     |
| d    | 1     |
| e    | 3     |
| f    | 1     |
+------+-------+
```",
    )
    .with_related_udf("position")
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
        let values = [5.0, 3.0, 3.0, 8.0, 1.0, 9.0].map(Some);
        let thirds = over::<QuantileGroup>(&[column(&values), column(&[Some(3.0); 6])], &[]);
        let expected = [2, 2, 2, 1, 3, 1].map(Some);
        assert_eq!(counts(&thirds, "quantile"), expected);
        let given = [("polarity", ScalarValue::from("low is good"))];
        let thirds = over::<QuantileGroup>(&[column(&values), column(&[Some(3.0); 6])], &given);
        assert_eq!(counts(&thirds, "quantile"), [2, 1, 1, 3, 1, 3].map(Some));
    }

    #[test]
    fn nulls_and_failed_preconditions() {
        let values = column(&[Some(1.0), None, Some(2.0)]);
        let of = |n_groups: [Option<f64>; 3]| {
            over::<QuantileGroup>(&[Arc::clone(&values), column(&n_groups)], &[])
        };
        let halves = of([Some(2.0); 3]);
        assert_eq!(counts(&halves, "quantile"), [Some(2), None, Some(1)]);
        assert_eq!(counts(&halves, "n_obs"), [Some(2); 3]);
        let contains = |result: &ColumnarValue, part: &str| {
            let reasons = texts(result, "reason");
            assert!(reasons[0].as_deref().is_some_and(|r| r.contains(part)), "{reasons:?}");
        };
        contains(&of([Some(3.0); 3]), "there are 2 areas with a value (it takes 3 or more)");
        contains(&of([Some(2.0), Some(2.0), Some(3.0)]), "n_groups is not the same in all rows");
        contains(&of([Some(2.0), None, Some(2.0)]), "n_groups is missing in 1 of 3 rows");
        contains(&of([Some(1.5); 3]), "n_groups is 1.5");
    }
}
