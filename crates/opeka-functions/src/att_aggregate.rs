//! `att_aggregate`: effects by cohort and time, averaged.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{AttAggregateOptions, AttAggregation, EffectAt, att_aggregate};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::att_gt::{
    ANTICIPATION, ANTICIPATION_ARGUMENT, BAND, BAND_ARGUMENT, BASE_PERIOD, BASE_PERIOD_ARGUMENT,
    CONTROL, CONTROL_ARGUMENT, DRAWS_ARGUMENT, ERRORS, ERRORS_ARGUMENT, METHOD, METHOD_ARGUMENT,
    UNBALANCED, UNBALANCED_ARGUMENT, ask, told,
};
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, DRAWS, FIRST_TREATED, FIRST_TREATED_ARGUMENT, SEED,
    SEED_ARGUMENT, TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y,
    Y_ARGUMENT,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;

pub(crate) struct AttAggregate;

impl Aggregate for AttAggregate {
    const PARAMETERS: Parameters = Parameters {
        function: "att_aggregate",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            CONF_LEVEL,
            DRAWS,
            SEED,
            ERRORS,
            BAND,
            METHOD,
            CONTROL,
            ANTICIPATION,
            BASE_PERIOD,
            UNBALANCED,
            ("aggregation", Kind::Choice(&["dynamic", "simple", "group", "calendar"])),
            ("min_event_time", Kind::NumberOrNone),
            ("max_event_time", Kind::NumberOrNone),
            ("balance", Kind::NumberOrNone),
            ("missing", Kind::Choice(&["refuse", "leave_out"])),
        ],
    };
    type Result = Many<EffectAt>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        told(ask(&Self::PARAMETERS, rows, options, |rows, first, adopter, att_gt| {
            let options = AttAggregateOptions {
                att_gt,
                aggregation: match options.choice("aggregation") {
                    "simple" => AttAggregation::Simple,
                    "group" => AttAggregation::Group,
                    "calendar" => AttAggregation::Calendar,
                    _ => AttAggregation::Dynamic,
                },
                min_event_time: options.number_or_none("min_event_time"),
                max_event_time: options.number_or_none("max_event_time"),
                balance: options.number_or_none("balance"),
                leave_out_missing: options.choice("missing") == "leave_out",
            };
            att_aggregate(rows, first, adopter, &options).effects
        }))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme that came at different times: overall, and by time since it \
        began (an event study), by cohort, or by period.\n\
        \n\
        **What it estimates.** Averages of the effects ATT(g,t) that `att_gt` estimates. \
        `'dynamic'`: for each event time e the mean effect on units that have been treated for e \
        periods of time, and overall the mean over e from 0 on. `'simple'`: the mean of all effects \
        from treatment on, longer treated cohorts counting more. `'group'`: for each cohort the \
        mean over its treated periods, and overall the mean effect on a treated unit. `'calendar'`: \
        for each period the mean effect on units treated by then, and overall the mean over \
        periods.\n\
        \n\
        **Assumptions.** Those of `att_gt`: parallel trends given the covariates, no effect earlier \
        than `anticipation`, treatment does not end, comparable controls, independent units or \
        clusters.\n\
        \n\
        **Formula.** Callaway and Sant'Anna (2021), section 3, with P(g) the share of units in \
        cohort g, by weight. `'dynamic'` (3.4): sum P(g) ATT(g,g+e) / sum P(g) over cohorts seen at \
        e; overall the plain mean over e >= 0. `'simple'`: sum P(g) ATT(g,t) / sum P(g) over all \
        t >= g. `'group'` (3.7): the plain mean of ATT(g,t) over t >= g; overall (3.8) weighted \
        with P(g). `'calendar'`: sum P(g) ATT(g,t) / sum P(g) over g <= t; overall the plain mean \
        over t. The influence function of an average is the average of the influence functions, \
        and what P(g) adds because it is estimated (corollary 2); errors and limits are those of \
        `att_gt`. A uniform band covers the parts; the overall effect has limits of its own.\n\
        \n\
        **Returns** a list of structs, the overall effect first: `term` (`ATT`, then `ATT(-2)` by \
        event time, `ATT(2004)` by cohort or period), `cohort`, `time`, `event_time`, `estimate`, \
        `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high` (double), `n_obs`, `n_units` \
        (bigint), `method`, `note` and `reason` (text). `unnest` makes rows of it.\n\
        \n\
        **Nulls and small samples.** As `att_gt`. Where an effect that enters an average could not \
        be estimated, there is no average and `reason` names it, unless `missing => 'leave_out'`: \
        then the note names what was left out. An average over one treated unit has no error. With \
        `base_period => 'universal'` the last period before treatment is among the event times: \
        zero by construction.\n\
        \n\
        **Deviations.** From the R package did, version 2.5.1, those of `att_gt`. The overall line \
        is called `ATT`; the default is `'dynamic'` (the package's is `'group'`). Limits of event \
        times are in units of time where periods are not one apart. Cohorts whose first treated \
        period is not among the periods count from their date.\n\
        \n\
        **References.** Callaway and Sant'Anna (2021), Journal of Econometrics 225.",
        "att_aggregate(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter\
         [, conf_level[, draws[, seed[, errors[, band[, method[, control[, anticipation\
         [, base_period[, unbalanced[, aggregation[, min_event_time[, max_event_time[, balance\
         [, missing]]]]]]]]]]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("draws", DRAWS_ARGUMENT)
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("band", BAND_ARGUMENT)
    .with_argument("method", METHOD_ARGUMENT)
    .with_argument("control", CONTROL_ARGUMENT)
    .with_argument("anticipation", ANTICIPATION_ARGUMENT)
    .with_argument("base_period", BASE_PERIOD_ARGUMENT)
    .with_argument("unbalanced", UNBALANCED_ARGUMENT)
    .with_argument(
        "aggregation",
        "`'dynamic'` (by time since treatment began; the default), `'simple'`, `'group'` or \
         `'calendar'`.",
    )
    .with_argument("min_event_time", "The first event time of `'dynamic'`. Default: all.")
    .with_argument(
        "max_event_time",
        "The last event time of `'dynamic'`, `'simple'` and `'group'`. Default: all.",
    )
    .with_argument(
        "balance",
        "Only cohorts that are seen for so long after treatment began, and event times up to that \
         (`'dynamic'`). Default: all.",
    )
    .with_argument(
        "missing",
        "Effects that could not be estimated: `'refuse'` (no average; the default) or `'leave_out'` \
         (and tell).",
    )
    .with_sql_example(
        "```sql
> select e['term'] as term,
         round(e['estimate'], 4) as estimate,
         round(e['std_error'], 4) as error,
         e['n_units'] as units
  from (select unnest(effects) as e
        from (select att_aggregate(column3, column1, column2, column4) as effects
              from (values ('a', 2001, 10.0, null), ('a', 2002, 11.0, null), ('a', 2003, 12.0, null),
                           ('b', 2001, 20.0, null), ('b', 2002, 20.0, null), ('b', 2003, 21.0, null),
                           ('c', 2001, 15.0, null), ('c', 2002, 17.0, null), ('c', 2003, 19.0, null),
                           ('d', 2001, 12.0, 2003), ('d', 2002, 13.0, 2003), ('d', 2003, 10.0, 2003),
                           ('e', 2001, 18.0, 2003), ('e', 2002, 18.0, 2003), ('e', 2003, 16.0, 2003),
                           ('f', 2001, 13.0, 2003), ('f', 2002, 16.0, 2003), ('f', 2003, 15.0, 2003))));
+---------+----------+--------+-------+
| term    | estimate | error  | units |
+---------+----------+--------+-------+
| ATT     | -3.3333  | 0.5443 | 6     |
| ATT(-1) | 0.3333   | 0.8607 | 6     |
| ATT(0)  | -3.3333  | 0.5443 | 6     |
+---------+----------+--------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::att_gt::tests::{batch, near};
    use crate::testing::{AggregateTester, field, items, number, word};

    fn lines(given: &[(&str, ScalarValue)]) -> Vec<ScalarValue> {
        items(&AggregateTester::<AttAggregate>::with(given).aggregate(&[batch()]))
    }

    #[test]
    fn the_overall_effect_comes_first() {
        let lines = lines(&[]);
        let terms: Vec<String> = lines.iter().map(|e| word(e, "term").unwrap()).collect();
        assert_eq!(terms, ["ATT", "ATT(-1)", "ATT(0)"]);
        near(number(&lines[0], "estimate"), -10.0 / 3.0);
        near(number(&lines[1], "estimate"), 1.0 / 3.0);
        near(number(&lines[0], "std_error"), (2.0f64 / 9.0 + 6.0 / 81.0).sqrt());
        assert_eq!(number(&lines[1], "event_time"), Some(-1.0));
        assert_eq!(field(&lines[0], "n_units"), ScalarValue::from(6i64));
        let parts = [(0, 9), (9, 9)];
        let parts = parts.map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect());
        AggregateTester::<AttAggregate>::new().check_merges(&parts);
    }

    #[test]
    fn options_arrive() {
        let terms = |given: &[(&str, ScalarValue)]| -> Vec<String> {
            lines(given).iter().map(|e| word(e, "term").unwrap()).collect()
        };
        let by = |word: &str| ("aggregation", ScalarValue::from(word));
        assert_eq!(terms(&[by("simple")]), ["ATT"]);
        assert_eq!(terms(&[by("group")]), ["ATT", "ATT(2003)"]);
        assert_eq!(terms(&[by("calendar")]), ["ATT", "ATT(2003)"]);
        assert_eq!(terms(&[("min_event_time", ScalarValue::from(0.0))]), ["ATT", "ATT(0)"]);
        let none = lines(&[by("simple"), ("max_event_time", ScalarValue::from(-1.0))]);
        assert!(word(&none[0], "reason").unwrap().contains("no effect from treatment on"));
        let universal = terms(&[("base_period", ScalarValue::from("universal"))]);
        assert_eq!(universal, ["ATT", "ATT(-2)", "ATT(-1)", "ATT(0)"]);
    }
}
