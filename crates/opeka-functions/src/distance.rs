//! `distance`: how far a value is from a benchmark.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, distance};

use crate::COMPARISONS;
use crate::parameters::{Kind, Parameters};
use crate::row::{Column, Row, text};
use crate::scalar::{Arguments, Scalar};

pub(crate) struct Distance;

impl Scalar for Distance {
    const PARAMETERS: Parameters = Parameters {
        function: "distance",
        list: &[("value", Kind::Number), ("benchmark", Kind::Number)],
    };
    type Result = opeka_stats::Distance;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        |row| distance(row.number(0), row.number(1))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::Distance {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("difference", Column::Number(|r| r.difference)),
        ("ratio", Column::Number(|r| r.ratio)),
        ("per_cent", Column::Number(|r| r.per_cent)),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        COMPARISONS,
        "How far a value is from a benchmark: as a difference, as a ratio and in per cent.\n\
        \n\
        **What it estimates.** `value - benchmark`, `value / benchmark` and `100 * (value / \
        benchmark - 1)`. Whether it is more than chance says `compare`.\n\
        \n\
        **Returns** a struct: `difference`, `ratio`, `per_cent` (double) and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL or not finite, all is NULL. Where \
        the benchmark is not above zero there is a difference, but neither ratio nor percentage. \
        `reason` says so.\n\
        \n\
        **References.** None: these are definitions.",
        "distance(value, benchmark)",
    )
    .with_argument("value", "The figure of an area.")
    .with_argument("benchmark", "What it is held against, in the same unit.")
    .with_sql_example(
        "```sql
> select column1 as area,
         d['difference'] as difference,
         d['ratio'] as ratio,
         d['per_cent'] as per_cent
  from (select column1, distance(column2, 12) as d
        from (values ('north', 15), ('south', 10.5)))
  order by area;
+-------+------------+-------+----------+
| area  | difference | ratio | per_cent |
+-------+------------+-------+----------+
| north | 3.0        | 1.25  | 25.0     |
| south | -1.5       | 0.875 | -12.5    |
+-------+------------+-------+----------+
```",
    )
    .with_related_udf("compare")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Udf;
    use crate::testing::{floats, invoke, numbers, texts};

    #[test]
    fn nulls_and_benchmarks_of_nothing() {
        let value = floats(&[Some(15.0), Some(10.5), None, Some(3.0)]);
        let benchmark = floats(&[Some(12.0), Some(12.0), Some(1.0), Some(0.0)]);
        let result = invoke(&Udf::<Distance>::new(), &[value, benchmark], 4);
        assert_eq!(numbers(&result, "difference"), [Some(3.0), Some(-1.5), None, Some(3.0)]);
        assert_eq!(numbers(&result, "ratio"), [Some(1.25), Some(0.875), None, None]);
        assert_eq!(numbers(&result, "per_cent"), [Some(25.0), Some(-12.5), None, None]);
        let reasons = texts(&result, "reason");
        assert_eq!(reasons[..2], [None, None]);
        assert!(reasons[2].as_deref().is_some_and(|r| r.contains("value is missing")));
        assert!(reasons[3].as_deref().is_some_and(|r| r.contains("benchmark is 0")));
    }
}
