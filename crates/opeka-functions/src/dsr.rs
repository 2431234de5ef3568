//! `dsr`: rates standardised directly for age.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{DsrLimits, Reason, dsr};

use crate::RATES;
use crate::aggregate::Aggregate;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct Dsr;

impl Aggregate for Dsr {
    const PARAMETERS: Parameters = Parameters {
        function: "dsr",
        list: &[
            ("events", Kind::NumberOrNull),
            ("population", Kind::NumberOrNull),
            ("standard_population", Kind::NumberOrNull),
            ("multiplier", Kind::NumberOption(100_000.0)),
            ("conf_level", Kind::NumberOption(0.95)),
            ("limits", Kind::Choice(&["dobson", "gamma"])),
            ("event_frequency", Kind::NumberOrNothing),
        ],
    };
    type Result = opeka_stats::Dsr;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        calculate(rows, options)
            .unwrap_or_else(|reason| opeka_stats::Dsr::unknown(reason, rows.len()))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn calculate(rows: &Rows, options: &Options) -> Result<opeka_stats::Dsr, Reason> {
    let frequency = rows.given(3, "event_frequency", options)?;
    Ok(dsr(
        rows.whole(0, "events")?,
        rows.whole(1, "population")?,
        rows.whole(2, "standard_population")?,
        frequency,
        options.number("multiplier"),
        options.number("conf_level"),
        DsrLimits::parse(options.choice("limits"))?,
    ))
}

impl Row for opeka_stats::Dsr {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.rate.estimate)),
        ("conf_low", Column::Number(|r| r.rate.conf_low)),
        ("conf_high", Column::Number(|r| r.rate.conf_high)),
        ("conf_low_998", Column::Number(|r| r.rate.conf_low_998)),
        ("conf_high_998", Column::Number(|r| r.rate.conf_high_998)),
        ("events", Column::Number(|r| r.events)),
        ("population", Column::Number(|r| r.population)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.rate.method.map(Cow::from))),
        ("reason", Column::Text(|r| text(r.rate.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        RATES,
        "A directly standardised rate: the rate that an area would have if its people were as old \
        as those of a standard population.\n\
        \n\
        **What it estimates.** The mean of the rates of the age bands, weighted by \
        `standard_population`, times `multiplier`; so that areas with different ages can be \
        compared. Each row is one age band of the area. The limits are Dobson's, from Byar's \
        limits of the number of events, or with `limits` `gamma` those of Fay and Feuer, which \
        hold for few events.\n\
        \n\
        **Events that are not independent.** Where one child can have several events, a row is \
        an age band and a number of events per child, `event_frequency`, and `events` counts the \
        children with that many. Give each frequency a row for every age band, with 0 where \
        there are no children. The limits are wider then.\n\
        \n\
        **Returns** a struct: `estimate`, `conf_low`, `conf_high`, `conf_low_998`, \
        `conf_high_998` (at a level of 0.998, whatever `conf_level` is) (all double, per \
        `multiplier`), `events` and `population` (double, the sums), `n_obs` (bigint, the number \
        of rows), `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** A rate from fewer than 10 events is NULL with Dobson's \
        limits, because it is not reliable; `events` still tells how many there were. A missing \
        number makes the whole rate NULL, not only its band: a band that is left out would \
        change the rate of all; write `coalesce(events, 0)` where a missing count is a count of \
        zero. A negative count, a population that is not above zero or a standard population of \
        zero in all give NULL figures and a `reason`. The order of rows does not matter.\n\
        \n\
        **References.** Dobson, Kuulasmaa, Eberle and Scherer (1991), Statistics in Medicine 10; \
        Fay and Feuer (1997), Statistics in Medicine 16; Public Health England (2018), Technical \
        guide: confidence intervals for commonly used public health indicators; R package \
        PHEindicatormethods, calculate_dsr; R package epitools, ageadjust.direct.",
        "dsr(events, population, standard_population[, multiplier[, conf_level[, limits[, event_frequency]]]])",
    )
    .with_argument("events", "The events in an age band, such as placements: zero or more.")
    .with_argument("population", "The people in the age band: above zero.")
    .with_argument(
        "standard_population",
        "The people of the standard population in that band, in any unit.",
    )
    .with_argument("multiplier", "The rate is per so many people: a constant. Default 100000.")
    .with_argument("conf_level", "The level of the limits: a constant share. Default 0.95.")
    .with_argument("limits", "'dobson' or 'gamma': a constant. Default 'dobson'.")
    .with_argument(
        "event_frequency",
        "How many events each of the children in this row had, where events are not \
         independent. Default: all events are independent.",
    )
    .with_sql_example(
        "```sql
> select area,
         round(est['estimate'], 2) as rate,
         round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high
  from (select column1 as area, dsr(column2, column3, column4, 10000) as est
        from (values ('north', 6, 4200, 30), ('north', 14, 3900, 40), ('north', 31, 2500, 30),
                     ('south', 3, 800, 30), ('south', 9, 1400, 40), ('south', 12, 2100, 30))
        group by column1)
  order by area;
+-------+-------+-------+-------+
| area  | rate  | low   | high  |
+-------+-------+-------+-------+
| north | 55.84 | 41.43 | 73.61 |
| south | 54.11 | 33.26 | 82.41 |
+-------+-------+-------+-------+
```",
    )
    .with_related_udf("isr")
    .with_related_udf("rate_ci")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, float_batch};
    use datafusion_common::ScalarValue;

    const EVENTS: [Option<f64>; 4] = [Some(0.0), Some(3.0), Some(2.0), Some(7.0)];
    const POPULATION: [Option<f64>; 4] = [Some(500.0), Some(400.0), Some(300.0), Some(100.0)];
    const STANDARD: [Option<f64>; 4] = [Some(30.0), Some(30.0), Some(25.0), Some(15.0)];

    fn rounded(result: &ScalarValue, name: &str) -> f64 {
        let ScalarValue::Float64(Some(x)) = field(result, name) else { panic!("{name}") };
        (x * 1e6).round() / 1e6
    }

    #[test]
    fn limits_as_asked_for() {
        let batch = float_batch(&[&EVENTS, &POPULATION, &STANDARD]);
        let dobson = AggregateTester::<Dsr>::new().aggregate(std::slice::from_ref(&batch));
        assert_eq!(rounded(&dobson, "estimate"), 1_441.666_667);
        assert_eq!(rounded(&dobson, "conf_low"), 714.378_395);
        assert_eq!(rounded(&dobson, "conf_high_998"), 3_330.622_742);
        assert_eq!(field(&dobson, "events"), ScalarValue::from(12.0));
        assert_eq!(field(&dobson, "n_obs"), ScalarValue::Int64(Some(4)));
        let given = [("limits", ScalarValue::from("gamma"))];
        let gamma = AggregateTester::<Dsr>::with(&given).aggregate(&[batch]);
        assert_eq!(rounded(&gamma, "conf_low"), 720.735_968);
        assert_eq!(rounded(&gamma, "conf_high_998"), 3_392.307_731);
        let unknown = [("limits", ScalarValue::from("exact"))];
        assert!(Dsr::PARAMETERS.options_of(&unknown).is_err());
    }

    #[test]
    fn a_missing_band_is_a_reason_and_not_a_smaller_area() {
        let mut events = EVENTS;
        events[1] = None;
        let batch = float_batch(&[&events, &POPULATION, &STANDARD]);
        let result = AggregateTester::<Dsr>::new().aggregate(&[batch]);
        assert_eq!(field(&result, "estimate"), ScalarValue::Float64(None));
        assert_eq!(
            field(&result, "reason"),
            ScalarValue::from("cannot be calculated because events is missing in 1 of 4 rows")
        );
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(4)));
    }

    #[test]
    fn frequencies_are_a_column_of_their_own() {
        let nothing = [None; 4];
        let option = [Some(1.0); 4];
        let columns = |frequency: &[Option<f64>]| {
            float_batch(&[&EVENTS, &POPULATION, &STANDARD, &option, &option, &option, frequency])
        };
        // The options' columns are words; only the places of columns are read.
        let tester = AggregateTester::<Dsr>::new();
        let plain = tester.aggregate(&[float_batch(&[&EVENTS, &POPULATION, &STANDARD])]);
        let none = tester.aggregate(&[columns(&nothing)]);
        assert!(
            field(&none, "reason").to_string().contains("event_frequency is missing in 4 of 4")
        );
        let once = tester.aggregate(&[columns(&[Some(1.0); 4])]);
        assert_eq!(field(&once, "conf_low"), field(&plain, "conf_low"));
        assert_ne!(field(&once, "method"), field(&plain, "method"));
        let twice = tester.aggregate(&[columns(&[Some(2.0); 4])]);
        assert_eq!(field(&twice, "events"), ScalarValue::from(24.0));
        let some = tester.aggregate(&[columns(&[Some(2.0), None, Some(2.0), Some(2.0)])]);
        assert!(
            field(&some, "reason").to_string().contains("event_frequency is missing in 1 of 4")
        );
        tester.check_merges(&[columns(&[Some(2.0); 4]), columns(&nothing)]);
    }

    #[test]
    fn batches_merge_and_slide() {
        let batches: Vec<_> = (0..4)
            .map(|i| float_batch(&[&EVENTS[i..=i], &POPULATION[i..=i], &STANDARD[i..=i]]))
            .chain([float_batch(&[&[None], &[Some(1.0)], &[Some(1.0)]])])
            .collect();
        let tester = AggregateTester::<Dsr>::new();
        tester.check_merges(&batches);
        tester.check_slides(&batches, 3);
        assert!(field(&tester.aggregate(&[]), "reason").to_string().contains("no age bands"));
    }
}
