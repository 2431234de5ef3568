//! `poisson_trend`: the per cent change of a rate of events.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{PoissonVariance, Reason, poisson_trend};

use crate::TRENDS;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters, STATUS};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::series::STATUS_ARGUMENT;

pub(crate) struct PoissonTrend;

impl Aggregate for PoissonTrend {
    const PARAMETERS: Parameters = Parameters {
        function: "poisson_trend",
        list: &[
            ("events", Kind::Number),
            ("population", Kind::Number),
            ("time", Kind::Number),
            ("method", Kind::Choice(&["poisson", "quasi_poisson"])),
            ("conf_level", Kind::NumberOption(0.95)),
            STATUS,
        ],
    };
    type Result = opeka_stats::PoissonTrend;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        let variance = match options.choice("method") {
            "quasi_poisson" => PoissonVariance::QuasiPoisson,
            _ => PoissonVariance::Poisson,
        };
        let (events, population, time) = (rows.numbers(0), rows.numbers(1), rows.numbers(2));
        poisson_trend(events, population, time, variance, options.number("conf_level"))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for opeka_stats::PoissonTrend {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|t| t.estimate)),
        ("conf_low", Column::Number(|t| t.conf_low)),
        ("conf_high", Column::Number(|t| t.conf_high)),
        ("slope", Column::Number(|t| t.slope)),
        ("std_error", Column::Number(|t| t.std_error)),
        ("statistic", Column::Number(|t| t.statistic)),
        ("p_value", Column::Number(|t| t.p_value)),
        ("intercept", Column::Number(|t| t.intercept)),
        ("deviance", Column::Number(|t| t.deviance)),
        ("pearson", Column::Number(|t| t.pearson)),
        ("dispersion", Column::Number(|t| t.dispersion)),
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
        "The annual per cent change of a rate, from counts of events and their population by \
        Poisson regression.\n\
        \n\
        **What it estimates.** The share by which the rate `events / population` grows or \
        shrinks per unit of `time`. Years with few events count for less, and a year without \
        events is a year like any other. Where events come in families and waves they scatter \
        more than independent ones: a `dispersion` well above 1 says so, and `quasi_poisson` \
        allows for it.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high` (per cent per unit of `time`), \
        `slope` and `std_error` (of the log rate), `statistic` (z, or t for `quasi_poisson`), \
        `p_value` (two-sided), `intercept` (the log rate at time 0), `deviance`, `pearson` \
        (Pearson's statistic), `dispersion` (the same over n - 2; all double), `n_obs` (bigint), \
        `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `events`, `population` or `time` is NULL are \
        skipped. With fewer than 3 points, negative events, no events at all, all events at the \
        first or at the last time, a population that is not above zero, times that are all \
        equal, or numbers that are not finite, the figures are NULL and `reason` says why. The \
        order of rows does not matter; `distinct` is refused. Points before a break in the \
        series are left out where `status` says so; the field `note` (text) tells it.\n\
        \n\
        **References.** McCullagh and Nelder (1989), Generalized linear models; Clegg, Hankey, \
        Tiwari, Feuer and Edwards (2009), Statistics in Medicine 28.",
        "poisson_trend(events, population, time[, method[, conf_level[, status]]])",
    )
    .with_argument("events", "How many events there were: a number of zero or more.")
    .with_argument("population", "How many could have had one: a number above zero.")
    .with_argument("time", "When it was measured, as a number: `cast(time_period as int)`.")
    .with_argument(
        "method",
        "`poisson` (the default), or `quasi_poisson` for errors that allow for more or less \
        scatter than independent events have.",
    )
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("status", STATUS_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as per_cent,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high,
         round(est['p_value'], 4) as p,
         round(est['dispersion'], 3) as dispersion
  from (select poisson_trend(column2, column3, column1) as est
        from (values (2015, 12, 10000), (2016, 15, 10100), (2017, 9, 10150),
                     (2018, 20, 10200), (2019, 18, 10300), (2020, 25, 10350)));
+----------+------+-------+--------+------------+
| per_cent | low  | high  | p      | dispersion |
+----------+------+-------+--------+------------+
| 15.31    | 2.51 | 29.72 | 0.0177 | 0.892      |
+----------+------+-------+--------+------------+
```",
    )
    .with_related_udf("aapc")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const EVENTS: [Option<f64>; 7] =
        [Some(12.0), Some(15.0), Some(9.0), None, Some(20.0), Some(18.0), Some(25.0)];
    const POPULATION: [Option<f64>; 7] = [
        Some(10_000.0),
        Some(10_100.0),
        Some(10_150.0),
        Some(10_150.0),
        Some(10_200.0),
        Some(10_300.0),
        Some(10_350.0),
    ];
    const TIMES: [Option<f64>; 7] = [
        Some(2015.0),
        Some(2016.0),
        Some(2017.0),
        Some(2017.0),
        Some(2018.0),
        Some(2019.0),
        Some(2020.0),
    ];

    #[test]
    fn each_method_is_the_variance_of_its_name() {
        let complete = |column: &[Option<f64>]| -> Vec<f64> {
            column.iter().zip(EVENTS).filter_map(|(x, events)| events.and(*x)).collect()
        };
        let (events, population, time) =
            (complete(&EVENTS), complete(&POPULATION), complete(&TIMES));
        for (method, variance) in [
            ("poisson", PoissonVariance::Poisson),
            ("quasi_poisson", PoissonVariance::QuasiPoisson),
        ] {
            let options =
                [("method", ScalarValue::from(method)), ("conf_level", ScalarValue::from(0.9))];
            let tester = AggregateTester::<PoissonTrend>::with(&options);
            let result = tester.aggregate(&[float_batch(&[&EVENTS, &POPULATION, &TIMES])]);
            let expected = poisson_trend(&events, &population, &time, variance, 0.9);
            assert!(expected.conf_low.is_some());
            assert_eq!(field(&result, "estimate"), ScalarValue::Float64(expected.estimate));
            assert_eq!(field(&result, "conf_low"), ScalarValue::Float64(expected.conf_low));
            assert_eq!(field(&result, "std_error"), ScalarValue::Float64(expected.std_error));
            assert_eq!(field(&result, "dispersion"), ScalarValue::Float64(expected.dispersion));
            assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(6)));
        }
    }

    #[test]
    fn batches_merge_in_any_order() {
        let batches: Vec<_> = (0..7)
            .map(|row| {
                float_batch(&[&EVENTS[row..=row], &POPULATION[row..=row], &TIMES[row..=row]])
            })
            .collect();
        let tester = AggregateTester::<PoissonTrend>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 4);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("there are 0 points"));
    }
}
