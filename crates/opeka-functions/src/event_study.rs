//! `event_study`: an effect for each period before and after treatment began.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{EffectAt, EventStudyOptions, Reason, event_study};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::did_twfe::{ERRORS, ERRORS_ARGUMENT, errors_of};
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, TIME,
    TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;

pub(crate) const REFERENCE: (&str, Kind) = ("reference", Kind::NumberOption(-1.0));
pub(crate) const LEADS: (&str, Kind) = ("leads", Kind::NumberOrNone);
pub(crate) const LAGS: (&str, Kind) = ("lags", Kind::NumberOrNone);

pub(crate) const REFERENCE_ARGUMENT: &str =
    "The event time that the others are compared with. Default -1, the last period before.";
pub(crate) const LEADS_ARGUMENT: &str = "Periods further than this before treatment count as this \
    far. Default: each for itself.";
pub(crate) const LAGS_ARGUMENT: &str = "Periods further than this after treatment began count as \
    this far. Default: each for itself.";

/// The options that all functions of event studies have.
pub(crate) fn study_options(options: &Options) -> EventStudyOptions {
    EventStudyOptions {
        reference: options.number("reference"),
        leads: options.number_or_none("leads"),
        lags: options.number_or_none("lags"),
        errors: errors_of(options),
        conf_level: options.number("conf_level"),
        ..EventStudyOptions::default()
    }
}

pub(crate) struct EventStudy;

impl Aggregate for EventStudy {
    const PARAMETERS: Parameters = Parameters {
        function: "event_study",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            REFERENCE,
            LEADS,
            LAGS,
            ERRORS,
            CONF_LEVEL,
        ],
    };
    type Result = Many<EffectAt>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        Many(study(rows, options).unwrap_or_else(|reason| vec![EffectAt::unknown(reason)]))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn study(rows: &Rows, options: &Options) -> Result<Vec<EffectAt>, Reason> {
    let parameters = &EventStudy::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    let with = study_options(options);
    let study = panel.with(|rows| event_study(rows, &first, adopter.as_deref(), &with));
    let mut terms = study.terms;
    terms.iter_mut().for_each(|term| tell(&mut term.effect.note, panel.note.as_ref()));
    Ok(terms)
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Effects by the period since treatment began, before it and after it, from one regression \
        with an effect of each area and of each period: the chart that shows whether treated and \
        other areas were already apart before.\n\
        \n\
        **What it estimates.** For one date of treatment, the effect in each period relative to \
        the reference period; before treatment, how far trends were apart. With many dates and \
        effects that differ between them, a coefficient also takes up effects of other periods.\n\
        \n\
        **Assumptions.** As for `did_twfe`: parallel trends without treatment, no reaction before \
        it. With many dates also the same path of effects for all areas.\n\
        \n\
        **Formula.** b_e of y_it = a_i + c_t + Σ b_e 1(t − first_treated_i = e) + x_it'g + u_it, \
        without e = `reference`, by (weighted) least squares; areas that are never treated have no \
        e. Errors as for `did_twfe`. `leads` and `lags` clip e at the ends.\n\
        \n\
        **Returns** a list of structs, one for each e in ascending order and the reference among \
        them: `term` (`ATT(-2)`), `cohort` and `time` (NULL here), `event_time` (e; 0 is the first \
        treated period), `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high`, \
        `n_obs`, `n_units`, `method`, `note`, `reason`. `unnest` makes rows of it. The reference \
        has estimate 0 and no error.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped. \
        Treated areas are counted for each e: with one there is no standard error, with two to \
        nine `note` says that errors are too small; far periods often have few, and `leads` and \
        `lags` put them together. A period that the others explain has no estimate, and the \
        others are relative to it too, as `note` says: so it is where every area is treated \
        sooner or later. No estimates, with a `reason`, where the outcome is constant, nobody is \
        treated, or no treated area has a row at the reference.\n\
        \n\
        **Deviations.** None known from `feols(y ~ i(event_time, treated, ref = -1) | unit + time, \
        cluster = ~cluster)` of R's fixest, whose numbers these are; it prints errors for one \
        treated area, and here there are none.\n\
        \n\
        **References.** Jacobson, LaLonde and Sullivan (1993), AER 83(4); Sun and Abraham (2021), \
        Journal of Econometrics 225(2); Schmidheiny and Siegloch (2023), Journal of Applied \
        Econometrics 38(5).",
        "event_study(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter[, \
        reference[, leads[, lags[, errors[, conf_level]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("reference", REFERENCE_ARGUMENT)
    .with_argument("leads", LEADS_ARGUMENT)
    .with_argument("lags", LAGS_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_sql_example(
        "```sql
> select effect['term'] as term, round(effect['estimate'], 2) as estimate,
         round(effect['std_error'], 4) as error
  from (select unnest(event_study(column3, column1, column2, column4)) as effect
        from (values ('a', 1, 10.0, 3), ('a', 2, 11.0, 3), ('a', 3, 16.0, 3),
                     ('b', 1, 12.0, 3), ('b', 2, 12.5, 3), ('b', 3, 16.0, 3),
                     ('c', 1, 9.0, null), ('c', 2, 9.0, null), ('c', 3, 10.0, null),
                     ('d', 1, 8.0, null), ('d', 2, 9.0, null), ('d', 3, 11.0, null)))
  order by effect['event_time'];
+---------+----------+--------+
| term    | estimate | error  |
+---------+----------+--------+
| ATT(-2) | -0.25    | 0.5722 |
| ATT(-1) | 0.0      |        |
| ATT(0)  | 2.75     | 0.9226 |
+---------+----------+--------+
```",
    )
    .build()
});

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{AggregateTester, items, number, panel_batch, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    pub(crate) fn batch() -> Vec<ArrayRef> {
        let (treated, never) = (Some(3.0), None);
        panel_batch(&[
            (10.0, "a", 1.0, treated),
            (11.0, "a", 2.0, treated),
            (16.0, "a", 3.0, treated),
            (12.0, "b", 1.0, treated),
            (12.5, "b", 2.0, treated),
            (16.0, "b", 3.0, treated),
            (9.0, "c", 1.0, never),
            (9.0, "c", 2.0, never),
            (10.0, "c", 3.0, never),
            (8.0, "d", 1.0, never),
            (9.0, "d", 2.0, never),
            (11.0, "d", 3.0, never),
        ])
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<EventStudy>::new();
        let result = tester.aggregate(&[batch()]);
        let rounded = |name: &str| -> Vec<Option<f64>> {
            let round = |value: f64| (value * 1e4).round() / 1e4;
            items(&result).iter().map(|item| number(item, name).map(round)).collect()
        };
        assert_eq!(rounded("estimate"), [Some(-0.25), Some(0.0), Some(2.75)]);
        assert_eq!(rounded("std_error"), [Some(0.5722), None, Some(0.9226)]);
        assert_eq!(rounded("event_time"), [Some(-2.0), Some(-1.0), Some(0.0)]);
        assert_eq!(word(&items(&result)[0], "term").as_deref(), Some("ATT(-2)"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 5), (5, 7)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_arrive() {
        let given = [("reference", ScalarValue::from(-2.0)), ("leads", ScalarValue::from(2.0))];
        let result = AggregateTester::<EventStudy>::with(&given).aggregate(&[batch()]);
        let first = &items(&result)[0];
        assert_eq!(number(first, "estimate"), Some(0.0));
        assert!(word(first, "note").unwrap().contains("-2 and before"));
        let nothing = AggregateTester::<EventStudy>::new().aggregate(&[]);
        let reason = word(&items(&nothing)[0], "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
