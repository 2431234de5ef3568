//! `sigma_convergence`: whether the differences between areas shrink.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, sigma_convergence};

use crate::INEQUALITY;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct SigmaConvergence;

impl Aggregate for SigmaConvergence {
    const PARAMETERS: Parameters = Parameters {
        function: "sigma_convergence",
        list: &[
            ("value", Kind::Number),
            ("time", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
        ],
    };
    type Result = opeka_stats::SigmaConvergence;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        sigma_convergence(rows.numbers(0), rows.numbers(1), options.number("conf_level"))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::SigmaConvergence {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("conf_low", Column::Number(|r| r.conf_low)),
        ("conf_high", Column::Number(|r| r.conf_high)),
        ("statistic", Column::Number(|r| r.statistic)),
        ("p_value", Column::Number(|r| r.p_value)),
        ("first", Column::Number(|r| r.first)),
        ("last", Column::Number(|r| r.last)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("n_times", Column::Count(|r| r.n_times)),
        ("method", Column::Text(|r| r.method.map(Cow::from))),
        ("note", Column::Text(|r| r.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        INEQUALITY,
        "Whether the differences between areas shrink: the trend of the standard deviation of \
        logarithms.\n\
        \n\
        **What it estimates.** The change per unit of `time` of σ, the sample standard deviation \
        of ln `value` over the areas of one time: about the typical relative difference between \
        areas. Each row is one area at one time. The slope is that of ordinary least squares at \
        the true spacing of times, with Student's limits and test; neighbouring years are rarely \
        independent, so that the limits are rather too narrow.\n\
        \n\
        **Returns** a struct: `estimate` (the slope; below zero where areas converge), \
        `conf_low`, `conf_high`, `statistic`, `p_value`, `first` and `last` (σ at the first and \
        the last time; all double), `n_obs` and `n_times` (bigint), `method`, `note` and \
        `reason` (text). `note` tells where the number of areas differs between times: an area \
        that comes or goes changes σ without any convergence.\n\
        \n\
        **Nulls and small samples.** Rows in which `value` or `time` is NULL are skipped. A \
        value that is not above zero, a time with a single area, and numbers that are not finite \
        give NULL figures and a `reason`. One time has σ but no trend, two times have a trend \
        but no limits. The order of rows does not matter.\n\
        \n\
        **References.** Barro and Sala-i-Martin (1992), Journal of Political Economy 100; \
        Sala-i-Martin (1996), Economic Journal 106.",
        "sigma_convergence(value, time[, conf_level])",
    )
    .with_argument("value", "The figure of an area at a time: above zero.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_sql_example(
        "```sql
> select round(est['estimate'], 4) as per_year,
         round(est['conf_low'], 4) as low,
         round(est['conf_high'], 4) as high,
         round(est['first'], 3) as first,
         round(est['last'], 3) as last
  from (select sigma_convergence(column2, column1) as est
        from (values (2015, 10), (2015, 20), (2015, 45), (2018, 12), (2018, 20), (2018, 40),
                     (2021, 14), (2021, 21), (2021, 37), (2024, 16), (2024, 22), (2024, 36)));
+----------+---------+---------+-------+-------+
| per_year | low     | high    | first | last  |
+----------+---------+---------+-------+-------+
| -0.0383  | -0.0539 | -0.0227 | 0.753 | 0.409 |
+----------+---------+---------+-------+-------+
```",
    )
    .with_related_udf("beta_convergence")
    .with_related_udf("coefficient_of_variation")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const VALUES: [f64; 12] =
        [10.0, 20.0, 45.0, 12.0, 20.0, 40.0, 14.0, 21.0, 37.0, 16.0, 22.0, 36.0];

    fn columns(n: usize) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
        let time = |row: usize| Some(2015.0 + 3.0 * (row / 3) as f64);
        (VALUES[..n].iter().copied().map(Some).collect(), (0..n).map(time).collect())
    }

    #[test]
    fn areas_converge() {
        let (mut value, mut time) = columns(12);
        value.push(None);
        time.push(Some(2015.0));
        let tester = AggregateTester::<SigmaConvergence>::new();
        let result = tester.aggregate(&[float_batch(&[&value, &time])]);
        let rounded = |name: &str| {
            let ScalarValue::Float64(Some(x)) = field(&result, name) else { panic!("{name}") };
            (x * 1e6).round() / 1e6
        };
        assert_eq!(rounded("estimate"), -0.038_295);
        assert_eq!(rounded("conf_low"), -0.053_935);
        assert_eq!(rounded("conf_high"), -0.022_655);
        assert_eq!(rounded("statistic"), -10.535_274);
        assert_eq!(rounded("p_value"), 0.008_89);
        assert_eq!((rounded("first"), rounded("last")), (0.752_807, 0.408_565));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(12)));
        assert_eq!(field(&result, "n_times"), ScalarValue::Int64(Some(4)));
        assert_eq!(field(&result, "note"), ScalarValue::Utf8(None));
    }

    #[test]
    fn incomplete_panels_are_told() {
        let (value, time) = columns(11);
        let tester = AggregateTester::<SigmaConvergence>::new();
        let result = tester.aggregate(&[float_batch(&[&value, &time])]);
        assert!(field(&result, "note").to_string().contains("from 2 to 3"));
        let (value, time) = columns(10);
        let result = tester.aggregate(&[float_batch(&[&value, &time])]);
        assert!(field(&result, "reason").to_string().contains("1 value at time 2024"));
    }

    #[test]
    fn batches_merge_and_slide() {
        let (value, time) = columns(12);
        let batches: Vec<_> =
            value.chunks(3).zip(time.chunks(3)).map(|(v, t)| float_batch(&[v, t])).collect();
        let tester = AggregateTester::<SigmaConvergence>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 2);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no values"));
    }
}
