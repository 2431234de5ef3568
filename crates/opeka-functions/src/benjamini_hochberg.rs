//! `benjamini_hochberg`: p-values that bound the share of false discoveries.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{AdjustedP, Reason, benjamini_hochberg, family_reason};

use crate::MANY_TESTS;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::window::Window;

pub(crate) struct BenjaminiHochberg;

impl Window for BenjaminiHochberg {
    const PARAMETERS: Parameters = Parameters {
        function: "benjamini_hochberg",
        list: &[("p_value", Kind::Number), ("family", Kind::TextOrNothing)],
    };
    type Result = AdjustedP;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        adjusted(rows, options, benjamini_hochberg)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

/// The p-values of a partition, adjusted together where they are one family.
pub(crate) fn adjusted(
    rows: &Rows,
    options: &Options,
    method: fn(&[Option<f64>]) -> Vec<AdjustedP>,
) -> Vec<AdjustedP> {
    let families = if rows.is_given(1, "family", options) { rows.words(1) } else { Vec::new() };
    match family_reason(families) {
        Some(reason) => vec![AdjustedP::unknown(reason, rows.len()); rows.len()],
        None => method(&rows.numbers(0).iter().copied().map(Some).collect::<Vec<_>>()),
    }
}

impl Row for AdjustedP {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("p_adjusted", Column::Number(|p| p.p_adjusted)),
        ("n_tests", Column::Count(|p| p.n_tests)),
        ("rank", Column::CountOrNone(|p| p.rank)),
        ("method", Column::Text(|p| p.method.map(Cow::from))),
        ("reason", Column::Text(|p| text(p.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

pub(crate) const P_ARGUMENT: &str = "The p-value of a test, between 0 and 1.";
pub(crate) const FAMILY_ARGUMENT: &str = "To which family the test belongs, such as the level of \
    the area. Where a partition holds more than one, no row has a figure. Default: the partition \
    is the family.";

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        MANY_TESTS,
        "The p-value adjusted for the number of tests in its partition, after Benjamini and \
        Hochberg: of all tests at or below a level q, no more than a share q is expected to be \
        false.\n\
        \n\
        **What it estimates.** The smallest share of false discoveries at which the test is one of \
        them, for tests that are independent or depend positively on each other. Equal to R's \
        `p.adjust(p, \"BH\")`.\n\
        \n\
        **Returns** a struct for each row: `p_adjusted` (double), `n_tests` (bigint, how many \
        p-values the family has), `rank` (bigint, from the smallest, equal ones share the first), \
        `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** A row in which `p_value` is NULL is not counted, and its \
        `reason` says so. A p-value that is not between 0 and 1 leaves its whole partition without \
        figures. A single test is not adjusted. Areas of one level must not be adjusted together \
        with their parents: give their level as `family`, and rows of two levels are refused.\n\
        \n\
        A window function: `benjamini_hochberg(p, level) over (partition by time_period)`. An \
        order or a frame of the window changes nothing.\n\
        \n\
        **References.** Benjamini and Hochberg (1995), JRSS B 57.",
        "benjamini_hochberg(p_value[, family])",
    )
    .with_argument("p_value", P_ARGUMENT)
    .with_argument("family", FAMILY_ARGUMENT)
    .with_sql_example(
        "```sql
> select p, round(est['p_adjusted'], 4) as adjusted, est['n_tests'] as n
  from (select column1 as p, benjamini_hochberg(column1, 'region') over () as est
        from (values (0.001), (0.012), (0.04), (0.3)))
  order by p;
+-------+----------+---+
| p     | adjusted | n |
+-------+----------+---+
| 0.001 | 0.004    | 4 |
| 0.012 | 0.024    | 4 |
| 0.04  | 0.0533   | 4 |
| 0.3   | 0.3      | 4 |
+-------+----------+---+
```",
    )
    .with_related_udf("holm")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{counts, float_batch, numbers, over, texts, words};
    use arrow::array::ArrayRef;

    #[test]
    fn the_example_of_the_documentation() {
        let p = [0.3, 0.012, 0.04, 0.001].map(Some);
        let rows = over::<BenjaminiHochberg>(&float_batch(&[&p]), &[]);
        let round = |p: Option<f64>| p.map(|p| (p * 1e4).round() / 1e4);
        let adjusted: Vec<_> = numbers(&rows, "p_adjusted").into_iter().map(round).collect();
        assert_eq!(adjusted, [0.3, 0.024, 0.0533, 0.004].map(Some));
        assert_eq!(counts(&rows, "rank"), [4, 2, 3, 1].map(Some));
    }

    #[test]
    fn two_families_are_not_adjusted_together() {
        let p = float_batch(&[&[Some(0.01), None, Some(0.02)]]);
        let with = |levels: [Option<&str>; 3]| {
            let columns: Vec<ArrayRef> = p.iter().cloned().chain([words(&levels)]).collect();
            over::<BenjaminiHochberg>(&columns, &[])
        };
        let two = with([Some("region"), None, Some("district")]);
        assert_eq!(numbers(&two, "p_adjusted"), [None; 3]);
        let reasons: Vec<String> = texts(&two, "reason").into_iter().flatten().collect();
        assert!(reasons[0].ends_with("the rows belong to 2 families (district, region)"));
        assert!(reasons[1].contains("p_value is missing"));
        assert_eq!(reasons[2], reasons[0]);
        // A row without a p-value belongs to no family.
        let one = with([Some("region"), Some("district"), Some("region")]);
        assert_eq!(numbers(&one, "p_adjusted"), [Some(0.02), None, Some(0.02)]);
        let some = with([Some("region"), None, None]);
        assert!(texts(&some, "reason")[2].as_deref().unwrap().contains("does not say"));
    }
}
