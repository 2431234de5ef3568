//! `year_on_year`: the change from the year before.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, year_on_year};

use crate::TRENDS;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::POINT_STATUS_ARGUMENT;
use crate::window::Window;

pub(crate) struct YearOnYear;

impl Window for YearOnYear {
    const PARAMETERS: Parameters = Parameters {
        function: "year_on_year",
        list: &[("value", Kind::Number), ("time", Kind::Number), STATUS],
    };
    type Result = opeka_stats::YearOnYear;

    fn calculate(rows: &Rows, _options: &Options) -> Vec<Self::Result> {
        year_on_year(rows.numbers(0), rows.numbers(1))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::YearOnYear {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("per_cent", Column::Number(|t| t.per_cent)),
        ("reason", Column::Text(|t| text(t.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        TRENDS,
        "The change of each value from that of exactly one unit of `time` before, within the \
        partition.\n\
        \n\
        **What it estimates.** Nothing: it is the difference between two values, found by their \
        times and not by the order of rows. `lag` would take the row before, and call a change \
        over three years one of a year where two years are missing.\n\
        \n\
        **Returns** a struct: `estimate` (the value less the earlier one), `per_cent` (the same \
        in per cent of the earlier value; both double), `reason` and `note` (text; which breaks and \
        forecasts were found).\n\
        \n\
        **Nulls and small samples.** Where `value` or `time` is NULL, there is no value for the \
        time before (the first year, a gap), more than one value for either time, or a number \
        that is not finite, the figures are NULL and `reason` says why. Where the earlier value \
        is not above zero there is a difference and no `per_cent`. A frame and an order of the \
        window do not matter.\n\
        \n\
        **References.** Eurostat (2014), Getting messages across using indicators.",
        "year_on_year(value, time[, status])",
    )
    .with_argument("value", "The figure that may have changed.")
    .with_argument("time", "When it was measured, as a number, with a year as its unit: `cast(time_period as int)`.")
    .with_argument("status", POINT_STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select year, est['estimate'] as change, round(est['per_cent'], 2) as per_cent, est['reason'] as reason
  from (select column1 as year, year_on_year(column2, column1) over () as est
        from (values (2012, 40.0), (2013, 41.5), (2015, 39.0)))
  order by year;
+------+--------+----------+---------------------------------------------------------+
| year | change | per_cent | reason                                                  |
+------+--------+----------+---------------------------------------------------------+
| 2012 |        |          | cannot be calculated because there is no value for 2011 |
| 2013 | 1.5    | 3.75     |                                                         |
| 2015 |        |          | cannot be calculated because there is no value for 2014 |
+------+--------+----------+---------------------------------------------------------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, StringArray};

    use super::*;
    use crate::testing::{float_batch, numbers, over, texts};

    #[test]
    fn each_row_has_its_change_or_a_reason() {
        let columns = float_batch(&[
            &[Some(41.5), Some(40.0), None, Some(39.0), Some(0.0), Some(2.0)],
            &[Some(2013.0), Some(2012.0), Some(2014.0), Some(2015.0), Some(2016.0), Some(2017.0)],
        ]);
        let result = over::<YearOnYear>(&columns, &[]);
        let changes = [Some(1.5), None, None, None, Some(-39.0), Some(2.0)];
        assert_eq!(numbers(&result, "estimate"), changes);
        let per_cent = [Some(3.75), None, None, None, Some(-100.0), None];
        assert_eq!(numbers(&result, "per_cent"), per_cent);
        let reasons = texts(&result, "reason");
        let because = |why: &str| Some(format!("cannot be calculated because {why}"));
        assert_eq!(reasons[0], None);
        assert_eq!(reasons[1], because("there is no value for 2011"));
        assert_eq!(reasons[2], because("value is missing"));
        assert_eq!(reasons[3], because("there is no value for 2014"));
        let of_part = reasons[5].clone().unwrap();
        assert!(of_part.starts_with("the per cent change cannot"), "{of_part}");
        assert!(
            numbers(&over::<YearOnYear>(&float_batch(&[&[], &[]]), &[]), "estimate").is_empty()
        );
    }

    #[test]
    fn there_is_no_change_across_a_break() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(vec![40.0, 41.5, 60.0, 63.0, 65.0])),
            Arc::new(Float64Array::from(vec![2012.0, 2013.0, 2014.0, 2015.0, 2016.0])),
            Arc::new(StringArray::from(vec![None, Some("A"), Some("B"), None, Some("F")])),
        ];
        let result = over::<YearOnYear>(&columns, &[]);
        assert_eq!(numbers(&result, "estimate"), [None, Some(1.5), None, Some(3.0), None]);
        let reasons = texts(&result, "reason");
        let because = |why: &str| Some(format!("cannot be calculated because {why}"));
        assert_eq!(reasons[2], because("there is no value for 2013"));
        assert_eq!(reasons[4], because("the point is a forecast"));
        let note = "breaks in 2014: the parts are taken apart".to_owned();
        assert!(texts(&result, "note").iter().all(|told| told.as_ref() == Some(&note)));
    }
}
