//! `beta_convergence`: whether areas that start low grow faster.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Reason, beta_convergence};

use crate::INEQUALITY;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct BetaConvergence;

impl Aggregate for BetaConvergence {
    const PARAMETERS: Parameters = Parameters {
        function: "beta_convergence",
        list: &[
            ("start_value", Kind::Number),
            ("end_value", Kind::Number),
            ("years", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
        ],
    };
    type Result = opeka_stats::BetaConvergence;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        // Without rows there are no years either, and the method names what comes first.
        match rows.constant(2, "years") {
            Ok(years) => beta_convergence(
                rows.numbers(0),
                rows.numbers(1),
                years.unwrap_or(1.0),
                options.number("conf_level"),
            ),
            Err(reason) => opeka_stats::BetaConvergence::unknown(reason, rows.len()),
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::BetaConvergence {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("conf_low", Column::Number(|r| r.conf_low)),
        ("conf_high", Column::Number(|r| r.conf_high)),
        ("statistic", Column::Number(|r| r.statistic)),
        ("p_value", Column::Number(|r| r.p_value)),
        ("intercept", Column::Number(|r| r.intercept)),
        ("r_squared", Column::Number(|r| r.r_squared)),
        ("speed", Column::Number(|r| r.speed)),
        ("half_life", Column::Number(|r| r.half_life)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        INEQUALITY,
        "Whether areas that start low grow faster: the regression of annual growth on the \
        logarithm of the start.\n\
        \n\
        **What it estimates.** The slope b of `ln(end_value / start_value) / years = a + b \
        ln(start_value)` over areas, by ordinary least squares with Student's limits and test: \
        below zero where areas converge. `speed` is the share of the distance to the common \
        level that is made up for in a year, `-ln(1 + b years) / years`, and `half_life` the \
        years in which half of it is. Chance alone makes low starts grow and high ones fall \
        (regression to the mean): hold the result against `sigma_convergence`.\n\
        \n\
        **Returns** a struct: `estimate` (b), `conf_low`, `conf_high`, `statistic`, `p_value`, \
        `intercept`, `r_squared`, `speed`, `half_life` (all double), `n_obs` (bigint), `method` \
        and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which an argument is NULL are skipped. A value or \
        `years` that is not above zero, `years` that differ between rows, fewer than 2 areas, \
        areas that all start alike, and numbers that are not finite give NULL figures and a \
        `reason`. Two areas have a slope, but no test. There is no half-life where areas do not \
        converge, and no speed where they overtake each other. The order of rows does not \
        matter.\n\
        \n\
        **References.** Barro and Sala-i-Martin (1992), Journal of Political Economy 100; Quah \
        (1993), Scandinavian Journal of Economics 95; R package REAT, betaconv.ols.",
        "beta_convergence(start_value, end_value, years[, conf_level])",
    )
    .with_argument("start_value", "The figure of an area at the start: above zero.")
    .with_argument("end_value", "Its figure at the end: above zero.")
    .with_argument("years", "The years between the two, the same in all rows.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_sql_example(
        "```sql
> select round(est['estimate'], 4) as slope,
         round(est['p_value'], 4) as p,
         round(est['speed'], 4) as speed,
         round(est['half_life'], 1) as half_life
  from (select beta_convergence(column1, column2, 8) as est
        from (values (12, 22), (15, 24), (21, 30), (30, 37), (44, 49), (52, 60)));
+---------+-------+--------+-----------+
| slope   | p     | speed  | half_life |
+---------+-------+--------+-----------+
| -0.0409 | 0.001 | 0.0496 | 14.0      |
+---------+-------+--------+-----------+
```",
    )
    .with_related_udf("sigma_convergence")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const START: [Option<f64>; 7] =
        [Some(12.0), Some(15.0), Some(21.0), None, Some(30.0), Some(44.0), Some(52.0)];
    const END: [Option<f64>; 7] =
        [Some(22.0), Some(24.0), Some(30.0), Some(1.0), Some(37.0), Some(49.0), Some(60.0)];

    #[test]
    fn areas_converge() {
        let tester = AggregateTester::<BetaConvergence>::new();
        let result = tester.aggregate(&[float_batch(&[&START, &END, &[Some(8.0); 7]])]);
        let rounded = |name: &str| {
            let ScalarValue::Float64(Some(x)) = field(&result, name) else { panic!("{name}") };
            (x * 1e6).round() / 1e6
        };
        assert_eq!(rounded("estimate"), -0.040_911);
        assert_eq!(rounded("p_value"), 0.001_025);
        assert_eq!(rounded("speed"), 0.049_554);
        assert_eq!(rounded("half_life"), 13.987_585);
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(6)));
    }

    #[test]
    fn years_are_one_number() {
        let tester = AggregateTester::<BetaConvergence>::new();
        let mut years = [Some(8.0); 7];
        years[6] = Some(9.0);
        let result = tester.aggregate(&[float_batch(&[&START, &END, &years])]);
        assert!(field(&result, "reason").to_string().contains("years is not the same in all rows"));
        let none = tester.aggregate(&[float_batch(&[&START, &END, &[None; 7]])]);
        assert!(field(&none, "reason").to_string().contains("there are 0 areas"));
    }

    #[test]
    fn batches_merge_and_slide() {
        let batches: Vec<_> =
            (0..7).map(|i| float_batch(&[&START[i..=i], &END[i..=i], &[Some(8.0)]])).collect();
        let tester = AggregateTester::<BetaConvergence>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
    }
}
